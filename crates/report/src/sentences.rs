//! The sentences that the terminal, Markdown and HTML views share: coverage, feeds, gaps, gain.
//! Not escaped and not redacted here; each view does that for its own format.

use crate::contents;
use crate::installed::units;
use crate::target::kind_words;
use crate::view::View;
use crate::wording::{age, certainty_words, count, counted, fix_class_words, moment, severity};
use model::action::{Action, ActionKind};
use model::assessment::Assessment;
use model::evidence::{Acceptance, Evidence, GapWeight};
use model::finding::Finding;
use model::graph::{Change, Cut};
use model::matches::ArtifactKind;
use model::snapshot::Origin;
use model::workload::Workload;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen, a sentence each. Never a zero without saying of how many.
pub(crate) fn seen(view: &View) -> Vec<String> {
    let mut lines = Vec::new();
    if view.is_of_artifacts() {
        lines.extend(contents::seen(view, &units(view)));
    } else if is_alone(view) {
        lines.push(artifacts(view));
    } else {
        lines.push(images(view));
        lines.extend(workloads(view));
    }
    lines.push(open(view));
    lines
}

/// What was looked at where it is no cluster: `image ghcr.io/shop/web:1.4.2`, `3 artifacts`, `reports only`.
pub(crate) fn subject(view: &View) -> String {
    match &*view.assessment.inventories {
        [] => "reports only".to_owned(),
        [one] => format!("{} {}", kind_words(one.artifact.kind), one.artifact.name),
        more => counted(more.len(), "artifact"),
    }
}

/// Neither a cluster nor manifests were looked at.
fn is_alone(view: &View) -> bool {
    view.assessment.about.origin.is_none()
}

fn artifacts(view: &View) -> String {
    let all = view.assessment;
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for image in &all.images {
        let kind = match image.kind {
            _ if image.is_image() => "image",
            ArtifactKind::Filesystem => "file tree",
            ArtifactKind::KubernetesObject => "Kubernetes object",
            ArtifactKind::Node => "node",
            ArtifactKind::Repository => "code base",
            ArtifactKind::Sbom => "list of packages",
            ArtifactKind::Image | ArtifactKind::Unknown => "artifact of unknown kind",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    let parts: Vec<String> = kinds
        .into_iter()
        .map(|(kind, number)| match (kind, number) {
            (_, 0 | 1) => counted(number, kind),
            ("list of packages", n) => format!("{} lists of packages", count(n)),
            ("artifact of unknown kind", n) => format!("{} artifacts of unknown kind", count(n)),
            (kind, n) => counted(n, kind),
        })
        .collect();
    format!(
        "{} in {}; no cluster was looked at",
        if parts.is_empty() {
            "nothing".to_owned()
        } else {
            parts.join(", ")
        },
        counted(all.sets.len(), "report")
    )
}

fn images(view: &View) -> String {
    let c = &view.assessment.coverage;
    match (c.images, c.images_scanned) {
        (0, _) => "no images: no active container was seen".to_owned(),
        (images, 0) => format!("0 of {} images that run have a scan report", count(images)),
        (images, scanned) => format!(
            "{} of {} images that run have a scan report; {} of these {} have high or critical findings",
            count(scanned),
            count(images),
            count(c.images_with_high),
            count(scanned)
        ),
    }
}

/// Workloads, pods, policies, and kinds that were not listed completely.
pub(crate) fn workloads(view: &View) -> Vec<String> {
    let c = &view.assessment.coverage;
    let policies = match c.namespaces {
        0 => "no namespaces".to_owned(),
        all if !view.saw_policies() => format!(
            "{}, how many without a network policy is unknown",
            counted(all as usize, "namespace")
        ),
        all => format!(
            "{} of {} without a network policy",
            count(c.namespaces_without_policy),
            counted(all as usize, "namespace")
        ),
    };
    let mut lines = vec![format!(
        "{}, {}; {policies}",
        counted(c.workloads as usize, "workload"),
        counted(c.pods as usize, "pod")
    )];
    let incomplete = c.listed.iter().filter(|l| !l.complete).count();
    if incomplete > 0 {
        lines.push(format!(
            "{incomplete} of {} kinds could not be listed completely",
            c.listed.len()
        ));
    }
    lines
}

fn open(view: &View) -> String {
    let open = view.assessment.findings.len();
    if open == 0 && is_alone(view) {
        return "0 open findings".to_owned();
    }
    if open == 0 {
        let c = &view.assessment.coverage;
        return format!(
            "0 open findings in {} scanned images and {}",
            count(c.images_scanned),
            counted(c.workloads as usize, "workload")
        );
    }
    let by_severity = view.by_severity().into_iter();
    let severities: Vec<String> = by_severity
        .map(|(s, n)| format!("{} {}", count(n), severity(s)))
        .collect();
    let ids = view.assessment.checks.iter().map(|check| &check.id);
    let ids: BTreeSet<_> = ids.collect();
    let is_setting = |finding: &&Finding| ids.contains(&finding.id);
    let settings = view.assessment.findings.iter().filter(is_setting).count();
    let of_settings = if settings > 0 && settings < open {
        format!("; {} of them about configuration", count(settings as u64))
    } else {
        String::new()
    };
    format!(
        "{}: {}{of_settings}",
        counted(open, "open finding"),
        severities.join(", ")
    )
}

/// Names, dates and ages of the feeds against `--now`.
pub(crate) fn feeds(view: &View) -> String {
    let about = &view.assessment.about;
    let gaps = &view.assessment.ledger.gaps;
    if gaps
        .iter()
        .any(|gap| (&*gap.class, &*gap.scope) == ("not-asked", "profile"))
    {
        return "not asked for".into();
    }
    let Some(database) = &about.database else {
        return "no intelligence database: likelihoods are priors; close it: plimsoll db update"
            .into();
    };
    if view.is_of_artifacts()
        && let Some(feeds) = contents::feeds(view, &units(view))
    {
        return feeds;
    }
    if database.feeds.is_empty() {
        return "the intelligence database has no feed; close it: plimsoll db update".into();
    }
    // Feeds of one age stand together, those of OSV apart: `epss, kev from today; osv Alpine, Debian 3 days old`.
    let mut groups: Vec<(bool, Cow<'static, str>, Vec<&str>)> = Vec::new();
    for feed in &database.feeds {
        let (osv, name) = match feed.name.strip_prefix("osv/") {
            Some(ecosystem) => (true, ecosystem),
            None => (false, &*feed.name),
        };
        let age = age(feed.date, about.now);
        match groups.iter_mut().find(|g| g.0 == osv && g.1 == age) {
            Some((.., names)) => names.push(name),
            None => groups.push((osv, age, vec![name])),
        }
    }
    let said: Vec<String> = groups
        .iter()
        .map(|(osv, age, names)| {
            let of = if *osv { "osv " } else { "" };
            format!("{of}{} {age}", names.join(", "))
        })
        .collect();
    said.join("; ")
}

/// `2 could hide findings (!), 3 make ranks less sure (~), 5 to note (-), 1 accepted (=)`.
pub(crate) fn gap_summary(view: &View) -> String {
    let said = [
        (GapWeight::Hides, "could hide findings (!)"),
        (GapWeight::Widens, "make ranks less sure (~)"),
        (GapWeight::Notice, "to note (-)"),
    ];
    let accepted = [(view.gaps_accepted(), "accepted (=)")];
    let parts: Vec<String> = said
        .into_iter()
        .map(|(weight, words)| (view.gaps_of(weight), words))
        .chain(accepted)
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{} {words}", count(n)))
        .collect();
    parts.join(", ")
}

/// `accepted by team-net until 2026-12-31: no source`.
pub(crate) fn accepted(acceptance: &Acceptance) -> String {
    format!(
        "accepted by {} until {}: {}",
        acceptance.owner, acceptance.expires, acceptance.reason
    )
}

/// `10 of 34 actions; they close 812 of 1,204 findings`.
pub(crate) fn heading(view: &View, shown: usize) -> String {
    let actions = &view.assessment.actions;
    let closed: BTreeSet<u32> = actions
        .iter()
        .take(shown)
        .flat_map(|action| action.closes.iter().copied())
        .collect();
    let of = if shown < actions.len() {
        format!("{} of {}", count(shown), counted(actions.len(), "action"))
    } else {
        counted(shown, "action")
    };
    if view.assessment.findings.is_empty() {
        return of;
    }
    let they = if shown == 1 {
        "it closes"
    } else {
        "they close"
    };
    format!(
        "{of}; {they} {} of {}",
        count(closed.len()),
        counted(view.assessment.findings.len(), "open finding")
    )
}

/// `closes 12 findings in 3 workloads, needs test, expected, not verified, due 2026-11-26`.
pub(crate) fn gain(view: &View, action: &Action) -> String {
    let all = &view.assessment.workloads;
    let on_hosts = |n: &u32| all.get(*n as usize).is_some_and(Workload::is_host);
    let hosts = !action.workloads.is_empty() && action.workloads.iter().all(on_hosts);
    let kind = if hosts { "host" } else { "workload" };
    let workloads = counted(action.workloads.len(), kind);
    let findings = counted(action.closes.len(), "finding");
    let changes_object = matches!(
        action.kind,
        ActionKind::ChangeField | ActionKind::RemoveExposure
    );
    let mut parts = vec![match (action.closes.len(), action.workloads.len()) {
        (0, 0) => "takes rights from credentials outside of pods".to_owned(),
        (0, _) => format!("closes a way through {workloads}, no single finding"),
        (_, 0) => format!("closes {findings}"),
        (_, _) if changes_object => format!("closes a way through {workloads} and {findings}"),
        (_, _) => format!("closes {findings} in {workloads}"),
    }];
    parts.push(certainty_words(action.certainty).into());
    parts.push(fix_class_words(action.class).into());
    if let Some(due) = view.due(&action.closes) {
        parts.push(format!("BOD 26-04 due {due}"));
    }
    parts.join("; ")
}

/// What stands outside the queue, so that nothing disappears; `None` where nothing does.
/// Findings of programs that cannot run what is vulnerable, as our own matcher marks them.
fn unreachable(all: &Assessment) -> usize {
    let marked = all.suppressed.iter().filter(|finding| {
        let mark = finding.suppression.as_ref();
        mark.is_some_and(|mark| &*mark.by == "plimsoll" && mark.reason.starts_with("not reachable"))
    });
    marked.count()
}

pub(crate) fn apart(view: &View) -> Option<String> {
    let all = view.assessment;
    let mut parts = Vec::new();
    if !all.suppressed.is_empty() {
        let suppressed = count(all.suppressed.len());
        parts.push(match unreachable(all) {
            0 => format!("{suppressed} suppressed"),
            some => format!(
                "{suppressed} suppressed, {} of them not reachable",
                count(some)
            ),
        });
    }
    if !all.unjoined.is_empty() {
        parts.push(format!(
            "{} of images and files that no container here runs",
            count(all.unjoined.len())
        ));
    }
    if all.coverage.dormant > 0 {
        parts.push(format!(
            "{} suspended or scaled to 0",
            counted(all.coverage.dormant as usize, "workload")
        ));
    }
    if all.coverage.history > 0 {
        parts.push(format!("{} old revisions", count(all.coverage.history)));
    }
    let other: u64 = all.coverage.other_kinds.values().sum();
    if other > 0 {
        parts.push(format!(
            "{} objects of {} that Plimsoll does not read",
            count(other),
            counted(all.coverage.other_kinds.len(), "kind")
        ));
    }
    if parts.is_empty() {
        return None;
    }
    Some(format!(
        "{}; not in the queue, listed in --format json",
        parts.join(", ")
    ))
}

/// An observation and the place in a file that shows it.
pub(crate) fn stated(evidence: &Evidence) -> String {
    match &evidence.source {
        Some(source) => format!("{} ({source})", evidence.statement),
        None => evidence.statement.to_string(),
    }
}

/// `Deployment shop/web: set privileged: false in container web`.
pub(crate) fn change(change: &Change) -> String {
    let until = if change.structural {
        ""
    } else {
        " (holds until the next CVE)"
    };
    format!("{}: {}{until}", change.object, change.what)
}

/// `1 change ends all 4 routes to cluster-admin`; `3 changes (at least 2 are needed) end 214 of 220 routes to
/// cluster-admin; no known change ends the others`. "Fewest" is said only where it is proven.
pub(crate) fn ends(cut: &Cut) -> String {
    let changes = cut.changes.len();
    let routes = match (cut.routes, cut.of) {
        (1, 1) => "the only route".to_owned(),
        (ended, of) if ended == of => format!("all {} routes", count(of)),
        (ended, of) => format!("{} of {}", count(ended), counted(of as usize, "route")),
    };
    if changes == 0 || cut.routes == 0 {
        let any = match cut.of {
            1 => "the only route".to_owned(),
            of => format!("any of the {} routes", count(of)),
        };
        return format!("no known change ends {any} to {}", cut.sink);
    }
    let bound = match cut.least as usize {
        _ if changes == 1 => String::new(),
        least if least == changes => ", the fewest,".to_owned(),
        1 => " (at least 1 is needed)".to_owned(),
        least => format!(" (at least {} are needed)", count(least)),
    };
    let end = if changes == 1 { "ends" } else { "end" };
    let others = match cut.of.saturating_sub(cut.routes) {
        0 => "",
        1 => "; no known change ends the other one",
        _ => "; no known change ends the others",
    };
    format!(
        "{}{bound} {end} {routes} to {}{others}",
        counted(changes, "change"),
        cut.sink
    )
}

/// `Plimsoll 0.1.0: cluster prod, Kubernetes 1.36, 2026-11-23 04:00 UTC`.
pub(crate) fn title(view: &View) -> String {
    let about = &view.assessment.about;
    let mut parts = Vec::new();
    match (about.origin, &about.cluster_name) {
        (_, Some(name)) => parts.push(format!("cluster {name}")),
        (Some(Origin::Files), None) => parts.push("files".into()),
        (Some(Origin::Live), None) => parts.push("cluster without a name".into()),
        (None, None) => parts.push(subject(view)),
    }
    if let Some(version) = about.kubernetes {
        let judged = if version.known { "" } else { "judged as " };
        parts.push(format!("{judged}Kubernetes 1.{}", version.minor));
    }
    parts.push(moment(about.now));
    format!("Plimsoll {}: {}", about.tool_version, parts.join(", "))
}
