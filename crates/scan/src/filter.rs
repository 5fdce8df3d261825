//! `--severity`, `--ignore-unfixed`, `--only-fixed`, `--ignore-status`, `--pkg-types`: what they leave out is listed as suppressed, never dropped.

use crate::ignore::STALE;
use model::assessment::Assessment;
use model::evidence::{Fact, Gap, GapWeight, Stage};
use model::finding::Finding;
use model::matches::{Category, FixState, Package, Suppression};
use model::text::Text;
use model::vulnerability::{Severity, Vulnerability};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Empty: all.
    pub severities: Vec<Severity>,
    /// Leaves out vulnerabilities without a fix, but never those that are known to be exploited (rule 17).
    pub ignore_unfixed: bool,
    /// Leaves out these too, and says so.
    pub only_fixed: bool,
    /// Leaves out vulnerabilities whose fix has one of these states.
    pub statuses: Vec<FixState>,
    /// Packages of these kinds only; empty: all.
    pub kinds: Vec<PackageKind>,
}

/// Who manages a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageKind {
    /// A package manager of the distribution.
    System,
    /// All others: languages, programs.
    Library,
}

impl PackageKind {
    fn of(package: &Package) -> Self {
        match &*package.kind {
            "deb" | "apk" | "rpm" | "alpm" => PackageKind::System,
            _ => PackageKind::Library,
        }
    }
}

impl Filter {
    fn takes_all(&self) -> bool {
        !self.ignore_unfixed
            && !self.only_fixed
            && self.severities.is_empty()
            && self.statuses.is_empty()
            && self.kinds.is_empty()
    }
}

/// Moves findings that the filter leaves out to the suppressed ones. Indices in actions are kept right.
pub fn filter(assessment: &mut Assessment, filter: &Filter) {
    if filter.takes_all() {
        return;
    }
    let Assessment {
        packages,
        findings,
        suppressed,
        vulnerabilities,
        actions,
        ledger,
        ..
    } = assessment;
    let mut moved_to = Vec::with_capacity(findings.len());
    let mut kept = Vec::with_capacity(findings.len());
    let mut exploited: Vec<Text> = Vec::new();
    for mut finding in std::mem::take(findings) {
        let package = finding.package.and_then(|n| packages.get(n as usize));
        match left_out(&finding, vulnerabilities, package, filter) {
            None => {
                if filter.ignore_unfixed && is_unfixed(&finding) {
                    finding.notes.push(
                        "--ignore-unfixed does not take it out: it is known to be exploited".into(),
                    );
                }
                moved_to.push(u32::try_from(kept.len()).ok());
                kept.push(finding);
            }
            Some(by) => {
                moved_to.push(None);
                if is_exploited(&finding, vulnerabilities) {
                    exploited.push(Text::clone(&finding.id));
                }
                finding.suppression = Some(Suppression {
                    by: by.into(),
                    reason: "left out by the filter of this run".into(),
                });
                suppressed.push(finding);
            }
        }
    }
    *findings = kept;
    exploited.sort_unstable();
    exploited.dedup();
    if !exploited.is_empty() {
        ledger.gap(silent(&exploited));
    }
    for action in actions.iter_mut() {
        action.closes = action
            .closes
            .iter()
            .filter_map(|&n| moved_to.get(n as usize).copied().flatten())
            .collect();
    }
    actions.retain(|action| !action.closes.is_empty() || action.image.is_none());
}

fn left_out(
    finding: &Finding,
    vulnerabilities: &[Vulnerability],
    package: Option<&Package>,
    filter: &Filter,
) -> Option<&'static str> {
    if STALE.contains(&&*finding.id) {
        return None;
    }
    if !filter.severities.is_empty() && !filter.severities.contains(&finding.severity) {
        return Some("--severity");
    }
    let kind = package.map(PackageKind::of);
    if !filter.kinds.is_empty() && kind.is_some_and(|kind| !filter.kinds.contains(&kind)) {
        return Some("--pkg-types");
    }
    let vulnerable = finding.category == Category::Vulnerability;
    if vulnerable && filter.statuses.contains(&finding.fix.state) {
        return Some("--ignore-status");
    }
    if !is_unfixed(finding) {
        return None;
    }
    if filter.only_fixed {
        return Some("--only-fixed");
    }
    let left = filter.ignore_unfixed && !is_exploited(finding, vulnerabilities);
    left.then_some("--ignore-unfixed")
}

/// Configuration and secrets need no release of somebody else.
fn is_unfixed(finding: &Finding) -> bool {
    finding.category == Category::Vulnerability && finding.fix.state != FixState::Fixed
}

fn is_exploited(finding: &Finding, vulnerabilities: &[Vulnerability]) -> bool {
    finding
        .vulnerability
        .and_then(|n| vulnerabilities.get(n as usize))
        .is_some_and(|v| matches!(v.kev, Fact::Is(_)))
}

/// Rule 17: nothing that is known to be exploited is left out silently.
fn silent(exploited: &[Text]) -> Gap {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = exploited.iter().take(SHOWN).map(|id| &**id).collect();
    let more = match exploited.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Gap {
        class: "filtered-known-exploited".into(),
        what: format!(
            "the filter leaves out what is known to be exploited: {}{more}",
            shown.join(", ")
        )
        .into(),
        stage: Stage::Rank,
        scope: "filter".into(),
        weight: GapWeight::Notice,
        close: "take --severity, --only-fixed, --ignore-status or --pkg-types away".into(),
    }
}
