//! Open findings that have no likelihood, so no score, and that no action closes: configuration, secrets, controls.
//! In: a view; out: groups of the same check, the gravest first. They stand after what has a value, never in it.

use crate::view::{View, object};
use crate::wording::{count, counted, severity};
use model::checks;
use model::finding::Finding;
use model::matches::Category;
use model::vulnerability::Severity;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Findings of one check.
pub(crate) struct Group<'a> {
    pub(crate) severity: Severity,
    pub(crate) findings: Vec<&'a Finding>,
}

pub(crate) fn groups<'a>(view: &View<'a>) -> Vec<Group<'a>> {
    let all = view.assessment;
    let without: Vec<(u32, &Finding)> = (0u32..)
        .zip(&all.findings)
        .filter(|(_, finding)| finding.scores.is_empty())
        // Of artifacts, every vulnerability stands with its fix.
        .filter(|(_, f)| !(view.is_of_artifacts() && f.category == Category::Vulnerability))
        .collect();
    if without.is_empty() {
        return Vec::new();
    }
    let mut closed: Vec<u32> = all
        .actions
        .iter()
        .flat_map(|action| action.closes.iter().copied())
        .collect();
    closed.sort_unstable();
    let mut groups: BTreeMap<(Category, &str), Vec<&Finding>> = BTreeMap::new();
    for (index, finding) in without {
        if closed.binary_search(&index).is_err() {
            let group = groups.entry((finding.category, &finding.id)).or_default();
            group.push(finding);
        }
    }
    // Stable: within a severity the order of the checks stays.
    let mut groups: Vec<Group> = groups
        .into_values()
        .map(|findings| Group {
            severity: findings
                .iter()
                .map(|finding| finding.severity)
                .max()
                .unwrap_or(Severity::Unknown),
            findings,
        })
        .collect();
    groups.sort_by_key(|group| Reverse((group.severity, group.findings.len())));
    groups
}

/// Whether something stands there that is worse than most vulnerabilities: a secret that opens something.
pub(crate) fn are_grave(groups: &[Group]) -> bool {
    let grave = |group: &Group| {
        let first = group.findings.first().map(|finding| finding.category);
        group.severity >= Severity::High && first == Some(Category::Secret)
    };
    groups.iter().any(grave)
}

/// `12 findings have no likelihood (configuration, secrets): no score and no action; the gravest first`.
pub(crate) fn heading(groups: &[Group]) -> String {
    let all = groups.iter().map(|group| group.findings.len()).sum();
    let is_ours = |group: &Group| {
        group
            .findings
            .iter()
            .all(|f| checks::check(&f.id).is_some())
    };
    if groups.iter().all(is_ours) {
        return said(groups);
    }
    let have = if all == 1 { "has" } else { "have" };
    format!(
        "{} {have} no likelihood, so no score and no place in the queue; the gravest first",
        counted(all, "finding")
    )
}

/// `2 secrets, 3 settings; ...`: of what we check ourselves.
fn said(groups: &[Group]) -> String {
    let of = |category: Category| -> usize {
        let all = groups.iter().flat_map(|group| &group.findings);
        all.filter(|finding| finding.category == category).count()
    };
    let kinds = [
        (of(Category::Secret), "secret"),
        (of(Category::Misconfiguration), "setting"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<String> = kinds.map(|(count, word)| counted(count, word)).collect();
    format!(
        "{}, without a likelihood and so without a score; the gravest first; `plimsoll explain ID` tells what to do",
        kinds.join(" and ")
    )
}

/// `high KSV-0017 Privileged container: Deployment shop/web, and 3 more`.
pub(crate) fn line(view: &View, group: &Group) -> String {
    let Some(first) = group.findings.first() else {
        return String::new();
    };
    let mut text = format!("{} {}", severity(group.severity), first.id);
    // A control's title may name the control again.
    let again = format!(" ({})", first.id);
    let title = view.title(first).map(|title| {
        let title = title.strip_suffix(&*again).unwrap_or(title);
        title.trim_end_matches('.')
    });
    if let Some(title) = title.filter(|title| **title != *first.id) {
        text = format!("{text} {title}");
    }
    let only = view.is_of_artifacts() && view.assessment.images.len() == 1;
    let place = place(view, first).filter(|place| !only && !text.contains(place));
    if let Some(place) = place {
        text = format!("{text}: {place}");
    }
    match group.findings.len() - 1 {
        0 => text,
        more => format!("{text}, and {} more", count(more)),
    }
}

fn place(view: &View, finding: &Finding) -> Option<String> {
    let best = view.best(finding);
    match (&finding.source, object(finding, best.as_ref())) {
        (Some(source), _) => Some(source.to_string()),
        (None, Some(object)) => Some(object.to_string()),
        (None, None) => view.image(finding).map(|image| image.name.to_string()),
    }
}
