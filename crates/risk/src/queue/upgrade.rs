//! Actions that close vulnerabilities of an image: upgrade a package, rebuild on a newer base, move to another
//! tag (rule 13). In: the findings of an image; out: candidates whose findings do not overlap.

use super::value::{Board, Effect};
use super::{Candidate, HIDDEN, base, words};
use crate::Settings;
use crate::kernel::is_system_package;
use crate::subject::Subjects;
use model::action::{ActionKind, FixClass};
use model::assessment::{Assessment, ScannedImage};
use model::matches::{ArtifactKind, FixState};
use model::text::Text;
use model::version;
use model::vulnerability::Kev;
use std::collections::{BTreeMap, BTreeSet};

/// A group with less than this share of the container's hazard is no part of such an action.
const PART: f64 = 0.05;

/// What a person upgrades at once: packages of one source.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub system: bool,
    pub source: Text,
    pub packages: Vec<Upgrade>,
    entries: Vec<u32>,
    findings: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Upgrade {
    pub name: Text,
    pub kind: Text,
    pub purl: Option<Text>,
    pub installed: Text,
    /// The smallest version that closes all of its findings here.
    pub to: Text,
}

/// What the findings of each package are fixed in, parallel to a group's packages.
type Fixes<'a> = Vec<Vec<&'a [Text]>>;

/// Groups that become one action.
type Draft = Vec<Group>;

pub(crate) fn candidates(
    assessment: &Assessment,
    subjects: &Subjects,
    settings: &Settings,
    board: &mut Board,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (image, index) in assessment.images.iter().zip(0u32..) {
        if board.by_image.get(index as usize).is_none_or(Vec::is_empty) {
            continue;
        }
        if is_host(image) {
            continue;
        }
        let claimed = base::claimed(assessment, settings, image, index);
        let closes = claimed.as_ref().map(|claimed| &claimed.closes);
        let image_groups = Groups::of(assessment, subjects, index, closes);
        // Who asks for a newer base builds it.
        let foreign = is_foreign(image, settings) && claimed.is_none();
        let mut drafts = first_drafts(image_groups.fixable, foreign);
        join_hidden(&mut drafts, index, &image_groups.stuck, board);
        if let (Some(claimed), Some(group)) = (&claimed, image_groups.base) {
            drafts.push(vec![group]);
            block(&drafts, &image_groups.stuck, board);
            let draft = drafts.pop().unwrap_or_default();
            candidates.push(rebased(board, image, index, &draft, claimed));
        }
        for draft in drafts {
            candidates.push(candidate(board, image, index, &draft, foreign));
        }
        candidates.extend(unfixed(
            assessment,
            board,
            &words::image_name(image),
            index,
            &image_groups.stuck_findings,
        ));
    }
    candidates
}

struct Groups {
    fixable: Vec<Group>,
    /// Entries that at least one finding without a fix keeps open.
    stuck: Vec<u32>,
    stuck_findings: Vec<u32>,
    /// What a scanned base closes.
    base: Option<Group>,
}

impl Groups {
    fn of(
        assessment: &Assessment,
        subjects: &Subjects,
        image: u32,
        closes: Option<&BTreeSet<u32>>,
    ) -> Groups {
        let mut base = closes.map(|_| Group::new(true, "".into()));
        let mut groups: BTreeMap<(bool, Text), (Group, Fixes<'_>)> = BTreeMap::new();
        let mut stuck = Vec::new();
        let mut stuck_findings = Vec::new();
        let range = subjects.images.get(image as usize).cloned().unwrap_or(0..0);
        for (entry, id) in subjects.of_image(image as usize).iter().zip(range) {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            for index in subjects.findings_of(entry) {
                let Some(finding) = assessment.findings.get(*index as usize) else {
                    continue;
                };
                if let Some(base) = &mut base
                    && closes.is_some_and(|closes| closes.contains(index))
                {
                    base.add(*index, id);
                    continue;
                }
                let package = finding
                    .package
                    .and_then(|package| assessment.packages.get(package as usize));
                let fix = package.and_then(|package| {
                    let state = matches!(finding.fix.state, FixState::Fixed | FixState::Unknown);
                    let to = version::choose(&package.version, &finding.fix.versions)?;
                    state.then_some((package, to))
                });
                let Some((package, to)) = fix else {
                    stuck.push(id);
                    stuck_findings.push(*index);
                    continue;
                };
                let system = is_system_package(package);
                let source = match &package.upstream {
                    Some(upstream) if system && !upstream.is_empty() => upstream,
                    _ => &package.name,
                };
                let (group, fixes) = groups
                    .entry((system, Text::clone(source)))
                    .or_insert_with(|| (Group::new(system, Text::clone(source)), Vec::new()));
                group.add(*index, id);
                let at = group.require(package, to);
                fixes.resize_with(group.packages.len(), Vec::new);
                if let Some(of_package) = fixes.get_mut(at) {
                    of_package.push(&finding.fix.versions);
                }
            }
        }
        stuck.dedup();
        Groups {
            fixable: groups.into_values().map(settled).collect(),
            stuck,
            stuck_findings,
            base,
        }
    }
}

impl Group {
    fn new(system: bool, source: Text) -> Self {
        Group {
            system,
            source,
            packages: Vec::new(),
            entries: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn add(&mut self, finding: u32, entry: u32) {
        self.findings.push(finding);
        if self.entries.last() != Some(&entry) {
            self.entries.push(entry);
        }
    }

    /// The place of the package among the group's.
    fn require(&mut self, package: &model::matches::Package, to: &Text) -> usize {
        let known = self.packages.iter().position(|p| p.name == package.name);
        known.unwrap_or_else(|| {
            self.packages.push(Upgrade {
                name: Text::clone(&package.name),
                kind: Text::clone(&package.kind),
                purl: package.purl.clone(),
                installed: Text::clone(&package.version),
                to: Text::clone(to),
            });
            self.packages.len() - 1
        })
    }
}

/// Names the one version of each package that closes all of its findings.
fn settled((mut group, fixes): (Group, Fixes<'_>)) -> Group {
    for (package, mut fixes) in group.packages.iter_mut().zip(fixes) {
        fixes.sort_unstable();
        fixes.dedup();
        if let Some(to) = version::choose_for_all(&package.installed, &fixes) {
            package.to = Text::clone(to);
        }
    }
    group
}

/// One action for someone else's image; else the distribution's packages together and each library alone.
fn first_drafts(groups: Vec<Group>, foreign: bool) -> Vec<Draft> {
    if groups.is_empty() {
        return Vec::new();
    }
    if foreign {
        return vec![groups];
    }
    let (system, libraries): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| group.system);
    let mut drafts: Vec<Draft> = libraries.into_iter().map(|group| vec![group]).collect();
    if !system.is_empty() {
        drafts.push(system);
    }
    drafts
}

/// Joins drafts whose worth is hidden by each other, and tells the board what keeps each entry open.
fn join_hidden(drafts: &mut Vec<Draft>, image: u32, stuck: &[u32], board: &mut Board) {
    block(drafts, stuck, board);
    if drafts.len() < 2 {
        return;
    }
    let value = |board: &Board, draft: &Draft| board.removes(&effect(image, draft)).expected;
    let single: f64 = drafts.iter().map(|draft| value(board, draft)).sum();
    let whole: Draft = drafts.iter().flatten().cloned().collect();
    let all = vec![whole];
    block(&all, stuck, board);
    let joint = all.iter().map(|draft| value(board, draft)).sum::<f64>();
    if single < HIDDEN * joint {
        let (mut parts, rest): (Vec<Draft>, Vec<Draft>) = drafts
            .drain(..)
            .partition(|draft| board.hazard_share(image, &entries(draft)) >= PART);
        if !parts.is_empty() {
            let joined = parts.drain(..).flatten().collect();
            drafts.push(joined);
        }
        drafts.extend(rest);
    }
    block(drafts, stuck, board);
}

/// Counts for each entry the actions that it takes to close it; what has no fix stays open.
fn block(drafts: &[Draft], stuck: &[u32], board: &mut Board) {
    let all: Vec<Vec<u32>> = drafts.iter().map(entries).collect();
    for entry in all.iter().flatten() {
        if let Some(open) = board.open.get_mut(*entry as usize) {
            *open = 0;
        }
    }
    for entry in stuck {
        if let Some(open) = board.open.get_mut(*entry as usize) {
            *open = 1;
        }
    }
    for entry in all.iter().flatten() {
        if let Some(open) = board.open.get_mut(*entry as usize) {
            *open = open.saturating_add(1);
        }
    }
}

fn entries(draft: &Draft) -> Vec<u32> {
    let mut all: Vec<u32> = draft
        .iter()
        .flat_map(|group| group.entries.iter().copied())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn effect(image: u32, draft: &Draft) -> Effect {
    Effect::Fix(vec![(image, entries(draft))])
}

fn candidate(
    board: &Board,
    image: &ScannedImage,
    index: u32,
    draft: &Draft,
    foreign: bool,
) -> Candidate {
    let mut closes: Vec<u32> = draft
        .iter()
        .flat_map(|group| group.findings.iter().copied())
        .collect();
    closes.sort_unstable();
    closes.dedup();
    let targets = board
        .by_image
        .get(index as usize)
        .cloned()
        .unwrap_or_default();
    let name = words::image_name(image);
    let system = draft.iter().filter(|group| group.system).count();
    let sources: Vec<&str> = draft.iter().map(|group| &*group.source).collect();
    let (kind, title) = if foreign {
        (
            ActionKind::MoveTag,
            format!(
                "move {} to a newer tag, or tell its vendor",
                words::tagged_name(image)
            ),
        )
    } else if system > 0 && draft.len() > 1 && !image.is_image() {
        (
            ActionKind::UpgradePackage,
            format!("upgrade {} packages in {name}", words::packages(draft)),
        )
    } else if system > 1 || (system > 0 && draft.len() > system) {
        let libraries = draft.len() - system;
        let beside = match libraries {
            0 => String::new(),
            1 => " and upgrade 1 library".to_owned(),
            n => format!(" and upgrade {n} libraries"),
        };
        (
            ActionKind::RebuildBase,
            format!("rebuild {name} on a newer base{beside}"),
        )
    } else {
        (
            ActionKind::UpgradePackage,
            format!("upgrade {} in {name}", words::upgrades(draft)),
        )
    };
    let (class, class_reason) = class(draft, foreign);
    let key = match kind {
        ActionKind::UpgradePackage => format!("upgrade\0{name}\0{}", sources.join("\0")),
        ActionKind::MoveTag => format!("move\0{name}"),
        _ => format!("rebuild\0{name}\0{}", draft.len() > system),
    };
    Candidate {
        looked_at: false,
        kind,
        title,
        key,
        image: Some(index),
        object: None,
        source: None,
        closes,
        effect: effect(index, draft),
        class,
        class_reason,
        because: Vec::new(),
        exact: words::upgrade_lines(board, image, &targets, draft, kind),
        undo: words::image_undo(board, image, &targets),
        targets,
    }
}

/// The base change that was measured.
fn rebased(
    board: &Board,
    image: &ScannedImage,
    index: u32,
    draft: &Draft,
    claimed: &base::Claimed,
) -> Candidate {
    let targets = board
        .by_image
        .get(index as usize)
        .cloned()
        .unwrap_or_default();
    let (class, class_reason) = claimed.class();
    Candidate {
        looked_at: true,
        kind: ActionKind::RebuildBase,
        title: claimed.title(image),
        key: base::key(image),
        image: Some(index),
        object: None,
        source: None,
        closes: claimed.closes.iter().copied().collect(),
        effect: effect(index, draft),
        class,
        class_reason,
        because: vec![claimed.because()],
        exact: claimed.exact(image),
        undo: words::image_undo(board, image, &targets),
        targets,
    }
}

/// Rule 11 and the second half of rule 13.
fn class(draft: &Draft, foreign: bool) -> (FixClass, Text) {
    let upgrades = || draft.iter().flat_map(|group| &group.packages);
    let crossing = upgrades().find(|upgrade| {
        !upgrade.installed.is_empty()
            && version::major(&upgrade.installed) != version::major(&upgrade.to)
    });
    if let Some(upgrade) = crossing {
        let reason = format!(
            "{} crosses a major version: {} to {}",
            upgrade.name, upgrade.installed, upgrade.to
        );
        return (FixClass::NeedsTest, reason.into());
    }
    if foreign {
        return (
            FixClass::NeedsTest,
            "another build of an image that others make".into(),
        );
    }
    let patches_only = draft.iter().all(|group| {
        group.system
            && group.packages.iter().all(|upgrade| {
                version::upstream(&upgrade.installed) == version::upstream(&upgrade.to)
            })
    });
    if patches_only {
        return (
            FixClass::Equivalent,
            "the same upstream versions with the distribution's patches".into(),
        );
    }
    (
        FixClass::NeedsTest,
        "newer versions within the same major version".into(),
    )
}

/// What nothing repairs yet and is bad enough to be told apart: known exploited, or high in score.
pub(super) fn unfixed(
    assessment: &Assessment,
    board: &Board,
    name: &str,
    index: u32,
    findings: &[u32],
) -> Option<Candidate> {
    let closes: Vec<u32> = findings
        .iter()
        .copied()
        .filter(|finding| {
            let exploited = assessment
                .findings
                .get(*finding as usize)
                .and_then(|finding| finding.vulnerability)
                .and_then(|known| assessment.vulnerabilities.get(known as usize))
                .and_then(|known| known.kev.value())
                .is_some_and(|_: &Kev| true);
            let high = super::best_score(assessment, &[*finding], board)
                .and_then(|(_, score)| assessment.scores.get(score as usize))
                .is_some_and(|score| crate::band(score.points.expected) >= crate::Band::High);
            exploited || high
        })
        .collect();
    let (finding, _) = super::best_score(assessment, &closes, board)?;
    let worst = assessment.findings.get(finding as usize)?;
    let more = match closes.len() {
        0 | 1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Some(Candidate {
        looked_at: false,
        kind: ActionKind::Mitigate,
        title: format!("limit {} in {name}{more}: no fix is published", worst.id),
        key: format!("mitigate\0{name}"),
        image: Some(index),
        object: None,
        source: None,
        targets: board
            .by_image
            .get(index as usize)
            .cloned()
            .unwrap_or_default(),
        closes,
        effect: Effect::None,
        class: FixClass::NeedsTest,
        class_reason: "what to limit depends on who uses it".into(),
        because: Vec::new(),
        exact: vec![
            "limit who can reach it and what its container may do; ask the vendor for a fix".into(),
        ],
        undo: "take the limits back".into(),
    })
}

/// Registries whose images are others' work unless the settings say otherwise.
const FOREIGN: [&str; 16] = [
    "docker.io/",
    "quay.io/",
    "registry.k8s.io/",
    "k8s.gcr.io/",
    "gcr.io/distroless/",
    "gcr.io/google-containers/",
    "gke.gcr.io/",
    "mcr.microsoft.com/",
    "public.ecr.aws/",
    "docker.elastic.co/",
    "registry.access.redhat.com/",
    "registry.redhat.io/",
    "nvcr.io/",
    "cgr.dev/",
    "lscr.io/",
    "registry.gitlab.com/gitlab-org/",
];

/// Whether it is what runs below the pods; its actions are those of `hosts`.
pub(super) fn is_host(image: &ScannedImage) -> bool {
    image.kind == ArtifactKind::Node
}

/// Rule 13: whether others build it.
fn is_foreign(image: &ScannedImage, settings: &Settings) -> bool {
    let Some(name) = image.reference().map(|reference| reference.name()) else {
        return false;
    };
    match &settings.own_images {
        Some(own) => !own.iter().any(|own| is_within(&name, own)),
        None => FOREIGN.iter().any(|prefix| name.starts_with(prefix)),
    }
}

/// Whether a repository is `own` or lies below it. A name without a registry is of Docker Hub, as in a reference.
fn is_within(name: &str, own: &str) -> bool {
    let own = own.trim_end_matches('/');
    let first = own.split('/').next().unwrap_or("");
    let has_registry = first.contains(['.', ':']) || first == "localhost";
    let rest = if has_registry {
        name.strip_prefix(own)
    } else {
        name.strip_prefix("docker.io/")
            .and_then(|name| name.strip_prefix(own))
            .filter(|_| !own.is_empty())
    };
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
