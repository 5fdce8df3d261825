//! Turns matches into findings: one for each (image, package, vulnerability), citing every match exactly once.
//! Comes in: match sets, images, vulnerabilities. Goes out: open, suppressed and unjoined findings. Never: a score.

use crate::join::Images;
use crate::vulnerabilities::Vulnerabilities;
use model::finding::{Finding, MatchId};
use model::matches::{
    ArtifactKind, Category, Fix, FixState, Match, MatchSet, Package, Suppression,
};
use model::object::ObjectRef;
use model::text::{Interner, Text};
use model::vulnerability::Severity;
use rustc_hash::FxHashMap;

#[derive(Debug, Default)]
pub struct Findings {
    pub open: Vec<Finding>,
    pub suppressed: Vec<Finding>,
    pub unjoined: Vec<Finding>,
    /// Distinct packages of all documents.
    pub packages: Vec<Package>,
}

/// One statement on its way into a finding; sorting brings the statements of one finding together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Statement {
    image: u32,
    vulnerability: u32,
    package: u32,
    id: MatchId,
}

/// All findings of all documents. `known` says whether an object is part of what was looked at. What an image without
/// a place has is unjoined; where only reports were given each has one, and every finding is open: a gate must see it.
pub fn findings(
    sets: &[MatchSet],
    images: &Images,
    vulnerabilities: &Vulnerabilities,
    known: impl Fn(&ObjectRef) -> bool,
) -> Findings {
    let mut found = Findings::default();
    let mut packages = Packages::of(sets);
    let mut statements = Vec::new();
    for (set_index, set) in (0u32..).zip(sets) {
        let package_of: Vec<u32> = set
            .packages
            .iter()
            .map(|package| packages.index(package, &mut found.packages))
            .collect();
        for (index, one) in (0u32..).zip(&set.matches) {
            let id = MatchId {
                set: set_index,
                index,
            };
            let image = at(&images.of, set_index)
                .and_then(|of| of.get(one.artifact as usize))
                .copied();
            let vulnerability = at(&vulnerabilities.of, set_index)
                .and_then(|of| of.get(one.advisory as usize))
                .copied()
                .flatten();
            let package = one
                .package
                .and_then(|package| package_of.get(package as usize))
                .copied();
            match (one.category, image, vulnerability, package) {
                (Category::Vulnerability, Some(image), Some(vulnerability), Some(package)) => {
                    statements.push(Statement {
                        image,
                        vulnerability,
                        package,
                        id,
                    });
                }
                _ => found.place_single(set, one, id, image, vulnerability, images, &known),
            }
        }
    }
    statements.sort_unstable();
    let same = |a: &Statement, b: &Statement| {
        (a.image, a.vulnerability, a.package) == (b.image, b.vulnerability, b.package)
    };
    // A million findings that grow by doubling would need half as much memory again.
    let groups = statements.chunk_by(same);
    let runs = |image: u32| {
        let image = images.images.get(image as usize);
        image.is_some_and(|image| !image.placements.is_empty())
    };
    let joined = groups
        .clone()
        .filter(|group| group.first().is_some_and(|one| runs(one.image)))
        .count();
    found.open.reserve_exact(joined);
    for group in groups {
        if let Some(finding) = vulnerability_finding(group, sets, vulnerabilities) {
            let joined = finding.object.as_ref().is_some_and(&known)
                || finding
                    .image
                    .and_then(|image| images.images.get(image as usize))
                    .is_some_and(|image| !image.placements.is_empty());
            found.place(finding, joined);
        }
    }
    found
}

impl Findings {
    fn place(&mut self, finding: Finding, joined: bool) {
        match (&finding.suppression, joined) {
            (Some(_), _) => self.suppressed.push(finding),
            (None, true) => self.open.push(finding),
            (None, false) => self.unjoined.push(finding),
        }
    }

    /// Everything that is not a vulnerability of a package: one finding a match.
    #[allow(clippy::too_many_arguments)] // the parts of one statement
    fn place_single(
        &mut self,
        set: &MatchSet,
        one: &Match,
        id: MatchId,
        image: Option<u32>,
        vulnerability: Option<u32>,
        images: &Images,
        known: &impl Fn(&ObjectRef) -> bool,
    ) {
        let Some(advisory) = set.advisories.get(one.advisory as usize) else {
            return;
        };
        let artifact = set.artifacts.get(one.artifact as usize);
        let object = artifact.and_then(|artifact| artifact.object.clone());
        let joined = object.as_ref().is_some_and(known)
            || image
                .and_then(|image| images.images.get(image as usize))
                .is_some_and(|image| !image.placements.is_empty());
        let suppression = one.suppression.clone().or_else(|| {
            (one.category == Category::License).then(|| Suppression {
                by: "plimsoll".into(),
                reason: "licences are counted, not ranked".into(),
            })
        });
        let title = match (&advisory.title, &one.target) {
            (Some(title), Some(target)) => Some(Text::from(format!("{title} ({target})"))),
            (Some(title), None) => Some(Text::clone(title)),
            (None, target) => target.clone(),
        };
        let finding = Finding {
            id: Text::clone(&advisory.id),
            category: one.category,
            severity: stronger(one.severity, advisory.severity),
            vulnerability,
            image,
            package: None,
            object,
            field: one.field.clone(),
            source: None,
            title,
            fix: one.fix.clone(),
            matches: vec![id],
            suppression,
            notes: Vec::new(),
            container: None,
            scores: Vec::new(),
        };
        self.place(finding, joined);
    }
}

fn vulnerability_finding(
    group: &[Statement],
    sets: &[MatchSet],
    vulnerabilities: &Vulnerabilities,
) -> Option<Finding> {
    let first = group.first()?;
    let vulnerability = vulnerabilities.all.get(first.vulnerability as usize)?;
    let said = |statement: &Statement| {
        at(sets, statement.id.set)?
            .matches
            .get(statement.id.index as usize)
    };
    let open: Vec<&Match> = group
        .iter()
        .filter_map(said)
        .filter(|one| one.suppression.is_none())
        .collect();
    let counted: Vec<&Match> = if open.is_empty() {
        group.iter().filter_map(said).collect()
    } else {
        open
    };
    let fix = united_fix(&counted);
    let unaffected = counted
        .iter()
        .all(|one| one.fix.state == FixState::NotAffected);
    let suppression = counted
        .first()
        .and_then(|one| one.suppression.clone())
        .or_else(|| {
            unaffected.then(|| Suppression {
                by: at(sets, first.id.set)
                    .map_or_else(|| Text::from("report"), |set| Text::clone(&set.source.tool)),
                reason: "the report says not affected".into(),
            })
        });
    // A node is an object of the cluster itself, not something that a container runs.
    let artifact = counted
        .first()
        .and_then(|one| at(sets, first.id.set)?.artifacts.get(one.artifact as usize));
    let node = artifact.filter(|artifact| artifact.kind == ArtifactKind::Node);
    Some(Finding {
        id: Text::clone(&vulnerability.id),
        category: Category::Vulnerability,
        severity: counted
            .iter()
            .map(|one| one.severity)
            .max()
            .unwrap_or(Severity::Unknown),
        vulnerability: Some(first.vulnerability),
        image: Some(first.image),
        package: Some(first.package),
        object: node.and_then(|artifact| artifact.object.clone()),
        field: None,
        source: None,
        title: None,
        fix,
        matches: group.iter().map(|statement| statement.id).collect(),
        suppression,
        notes: Vec::new(),
        container: None,
        scores: Vec::new(),
    })
}

/// A fix that any source names is a fix; else the most telling state.
fn united_fix(matches: &[&Match]) -> Fix {
    let mut versions: Vec<Text> = matches
        .iter()
        .flat_map(|one| one.fix.versions.iter().cloned())
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let state = matches
        .iter()
        .map(|one| one.fix.state)
        .min()
        .unwrap_or(FixState::Unknown);
    Fix { state, versions }
}

fn stronger(own: Severity, advisory: Severity) -> Severity {
    if own == Severity::Unknown {
        advisory
    } else {
        own
    }
}

fn at<T>(all: &[T], index: u32) -> Option<&T> {
    all.get(index as usize)
}

/// Distinct packages. Scanners agree on the name and version of a package, not on how to write them.
#[derive(Default)]
struct Packages {
    index: FxHashMap<(Text, Text, Text), u32>,
    /// The one kind that others know of a name and version, for sources that tell none (Harbor).
    kinds: FxHashMap<(Text, Text), Option<Text>>,
    texts: Interner,
}

impl Packages {
    fn of(sets: &[MatchSet]) -> Self {
        let mut packages = Packages::default();
        let all = || sets.iter().flat_map(|set| &set.packages);
        let bare: Vec<&Package> = all().filter(|package| package.kind.is_empty()).collect();
        for package in bare {
            let key = packages.name(package);
            packages.kinds.insert(key, None);
        }
        if packages.kinds.is_empty() {
            return packages;
        }
        let mut several = Vec::new();
        for package in all().filter(|package| !package.kind.is_empty()) {
            let key = packages.name(package);
            if let Some(kind) = packages.kinds.get_mut(&key) {
                match kind {
                    Some(known) if *known != package.kind => several.push(key),
                    _ => *kind = Some(Text::clone(&package.kind)),
                }
            }
        }
        for key in several {
            packages.kinds.insert(key, None);
        }
        packages
    }

    fn name(&mut self, package: &Package) -> (Text, Text) {
        let name = canonical_name(package);
        let version = package
            .version
            .trim_start_matches("go")
            .trim_start_matches('v');
        (self.texts.text(&name), self.texts.text(version))
    }

    fn index(&mut self, package: &Package, all: &mut Vec<Package>) -> u32 {
        let name = self.name(package);
        let kind = match self.kinds.get(&name) {
            Some(Some(kind)) if package.kind.is_empty() => Text::clone(kind),
            _ => self.texts.text(&package.kind),
        };
        let key = (kind, name.0, name.1);
        if let Some(&known) = self.index.get(&key) {
            if let Some(into) = all.get_mut(known as usize) {
                into.upstream = into.upstream.take().or_else(|| package.upstream.clone());
                into.purl = into.purl.take().or_else(|| package.purl.clone());
                if into.kind.is_empty() {
                    into.kind = Text::clone(&package.kind);
                }
                into.layer = into.layer.take().or_else(|| package.layer.clone());
            }
            return known;
        }
        let fresh = u32::try_from(all.len()).unwrap_or(u32::MAX);
        all.push(package.clone());
        self.index.insert(key, fresh);
        fresh
    }
}

/// Name by the purl where there is one (`pkg:maven/g/a` for `g:a` and `a`), folded as the ecosystem folds it.
fn canonical_name(package: &Package) -> String {
    let path = package
        .purl
        .as_deref()
        .map(model::keys::purl_without_version);
    let name = path
        .and_then(|path| path.split_once('/'))
        .map_or(&*package.name, |(_, name)| name);
    match &*package.kind {
        // PEP 503.
        "pypi" => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        "deb" | "rpm" | "apk" => name.rsplit('/').next().unwrap_or(name).to_owned(),
        _ => name.replace("%40", "@").replace("%2F", "/"),
    }
}
