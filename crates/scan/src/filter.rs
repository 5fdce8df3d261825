//! `--severity` and `--ignore-unfixed`: what they leave out is listed as suppressed, never dropped.

use model::assessment::Assessment;
use model::evidence::Fact;
use model::finding::Finding;
use model::matches::{FixState, Suppression};
use model::vulnerability::{Severity, Vulnerability};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Empty: all.
    pub severities: Vec<Severity>,
    pub ignore_unfixed: bool,
}

/// Moves findings that the filter leaves out to the suppressed ones. Indices in actions are kept right.
pub fn filter(assessment: &mut Assessment, filter: &Filter) {
    if filter.severities.is_empty() && !filter.ignore_unfixed {
        return;
    }
    let Assessment {
        findings,
        suppressed,
        vulnerabilities,
        actions,
        ..
    } = assessment;
    let mut moved_to = Vec::with_capacity(findings.len());
    let mut kept = Vec::with_capacity(findings.len());
    for mut finding in std::mem::take(findings) {
        match left_out(&finding, vulnerabilities, filter) {
            None => {
                moved_to.push(u32::try_from(kept.len()).ok());
                kept.push(finding);
            }
            Some(by) => {
                moved_to.push(None);
                finding.suppression = Some(Suppression {
                    by: by.into(),
                    reason: "left out by the filter of this run".into(),
                });
                suppressed.push(finding);
            }
        }
    }
    *findings = kept;
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
    filter: &Filter,
) -> Option<&'static str> {
    if !filter.severities.is_empty() && !filter.severities.contains(&finding.severity) {
        return Some("--severity");
    }
    let exploited = finding
        .vulnerability
        .and_then(|n| vulnerabilities.get(n as usize))
        .is_some_and(|v| matches!(v.kev, Fact::Is(_)));
    // Rule 17: a known exploited vulnerability is never hidden because nobody repaired it.
    (filter.ignore_unfixed && finding.fix.state != FixState::Fixed && !exploited)
        .then_some("--ignore-unfixed")
}
