//! What may be claimed of a finding in the words of VEX. In: a finding. Out: a status and its reason. Never: an ignore
//! rule, a filter or an accepted risk told as "not affected": those say nothing of the product.

use crate::view::View;
use model::finding::Finding;
use model::matches::{FixState, Suppression};
use model::version;
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Claim<'a> {
    /// A version of it is affected; nothing says that it does no harm.
    Affected,
    NotAffected {
        justification: Option<Justification>,
        /// In the words of who says it.
        statement: Cow<'a, str>,
    },
    Fixed,
    UnderInvestigation,
}

/// The labels of `OpenVEX` 0.2.0 ("status justifications").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Justification {
    ComponentNotPresent,
    VulnerableCodeNotPresent,
    VulnerableCodeNotInExecutePath,
    VulnerableCodeCannotBeControlled,
    InlineMitigationsAlreadyExist,
}

impl Justification {
    const ALL: [Justification; 5] = [
        Justification::ComponentNotPresent,
        Justification::VulnerableCodeNotPresent,
        Justification::VulnerableCodeNotInExecutePath,
        Justification::VulnerableCodeCannotBeControlled,
        Justification::InlineMitigationsAlreadyExist,
    ];

    pub(crate) fn openvex(self) -> &'static str {
        match self {
            Justification::ComponentNotPresent => "component_not_present",
            Justification::VulnerableCodeNotPresent => "vulnerable_code_not_present",
            Justification::VulnerableCodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Justification::VulnerableCodeCannotBeControlled => {
                "vulnerable_code_cannot_be_controlled_by_adversary"
            }
            Justification::InlineMitigationsAlreadyExist => "inline_mitigations_already_exist",
        }
    }

    /// `CycloneDX` 1.6, `impactAnalysisJustification`; `None`: it has no such label.
    pub(crate) fn cyclonedx(self) -> Option<&'static str> {
        match self {
            Justification::ComponentNotPresent | Justification::VulnerableCodeNotPresent => {
                Some("code_not_present")
            }
            Justification::VulnerableCodeNotInExecutePath => Some("code_not_reachable"),
            Justification::VulnerableCodeCannotBeControlled => None,
            Justification::InlineMitigationsAlreadyExist => Some("protected_by_mitigating_control"),
        }
    }

    /// One of either vocabulary among the words of a reason.
    fn among(text: &str) -> Option<Self> {
        let words = || text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let exact = Self::ALL
            .into_iter()
            .find(|one| words().any(|word| word == one.openvex()));
        exact.or_else(|| {
            words().find_map(|word| match word {
                "code_not_present" => Some(Justification::VulnerableCodeNotPresent),
                "code_not_reachable" => Some(Justification::VulnerableCodeNotInExecutePath),
                "protected_by_compiler"
                | "protected_at_runtime"
                | "protected_at_perimeter"
                | "protected_by_mitigating_control" => {
                    Some(Justification::InlineMitigationsAlreadyExist)
                }
                _ => None,
            })
        })
    }
}

/// Reasons of our own matcher begin so: what it names is not in the program, or is on other systems only.
const NOT_REACHABLE: &str = "not reachable: ";

pub(crate) fn claim(finding: &Finding) -> Claim<'_> {
    let state = finding.fix.state;
    let Some(suppression) = &finding.suppression else {
        return match state {
            FixState::UnderInvestigation => Claim::UnderInvestigation,
            FixState::NotAffected => Claim::NotAffected {
                justification: None,
                statement: Cow::Borrowed("the source of the finding says not affected"),
            },
            _ => Claim::Affected,
        };
    };
    let not_affected = |justification| Claim::NotAffected {
        justification,
        statement: Cow::Borrowed(&*suppression.reason),
    };
    if suppression.by.starts_with("--") {
        return Claim::Affected;
    }
    if &*suppression.by == "plimsoll" && suppression.reason.starts_with(NOT_REACHABLE) {
        return not_affected(Some(Justification::VulnerableCodeNotPresent));
    }
    let justification = Justification::among(&suppression.reason);
    if is_of_vex(suppression) {
        let said = suppression.reason.trim_start().to_ascii_lowercase();
        if said.starts_with("fixed") || said.starts_with("resolved") {
            return Claim::Fixed;
        }
        return not_affected(justification);
    }
    if justification.is_some() || state == FixState::NotAffected {
        return not_affected(justification);
    }
    Claim::Affected
}

/// A VEX document takes out only what it calls not affected or fixed. Ours are named `VEX FILE`, importers say `vex`.
fn is_of_vex(suppression: &Suppression) -> bool {
    suppression.by.starts_with("VEX ") || suppression.by.eq_ignore_ascii_case("vex")
}

/// What to do about it, in one sentence: VEX demands it of what is affected.
pub(crate) fn advice(view: &View, finding: &Finding) -> String {
    let name = view
        .package(finding)
        .map_or_else(|| "the package".to_owned(), |p| p.name.to_string());
    match (&*finding.fix.versions, finding.fix.state) {
        ([], FixState::Fixed) => format!("upgrade {name}; the fixed version is not known"),
        ([], FixState::EndOfLife) => {
            format!("move to a supported release; {name} gets no fix in this one")
        }
        ([], FixState::WillNotFix) => format!("its vendor will not repair {name} here"),
        ([], FixState::Deferred) => format!("its vendor has put off the repair of {name}"),
        ([], FixState::Unknown) => format!("whether {name} can be repaired is not known"),
        ([], _) => format!("no fix of {name} is published"),
        (versions, _) => {
            let installed = view.package(finding).map_or("", |p| &p.version);
            let Some(to) = version::choose(installed, versions) else {
                return format!("upgrade {name} to {}", versions.join(" or "));
            };
            let others: Vec<&str> = versions
                .iter()
                .filter(|other| *other != to)
                .map(|other| &**other)
                .collect();
            if others.is_empty() {
                format!("upgrade {name} to {to}")
            } else {
                format!(
                    "upgrade {name} to {to} (also repaired in {})",
                    others.join(", ")
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::matches::{Category, Fix};
    use model::vulnerability::Severity;

    fn check(state: FixState, suppression: Option<(&str, &str)>, expected: &str) {
        let finding = Finding {
            id: "CVE-2026-1".into(),
            category: Category::Vulnerability,
            severity: Severity::High,
            vulnerability: None,
            image: None,
            package: None,
            object: None,
            field: None,
            source: None,
            title: None,
            fix: Fix {
                state,
                versions: Vec::new(),
            },
            matches: Vec::new(),
            suppression: suppression.map(|(by, reason)| Suppression {
                by: by.into(),
                reason: reason.into(),
            }),
            notes: Vec::new(),
            container: None,
            scores: Vec::new(),
        };
        let found = match claim(&finding) {
            Claim::Affected => "affected".to_owned(),
            Claim::Fixed => "fixed".to_owned(),
            Claim::UnderInvestigation => "under_investigation".to_owned(),
            Claim::NotAffected { justification, .. } => justification
                .map_or("not_affected", Justification::openvex)
                .to_owned(),
        };
        assert_eq!(found, expected, "{suppression:?}");
    }

    #[test]
    fn only_what_speaks_of_the_product_is_a_claim() {
        use FixState::{Fixed, NotAffected, UnderInvestigation, WillNotFix};
        check(Fixed, None, "affected");
        check(WillNotFix, None, "affected");
        check(UnderInvestigation, None, "under_investigation");
        check(NotAffected, None, "not_affected");
        check(
            Fixed,
            Some(("--severity", "left out by the filter of this run")),
            "affected",
        );
        check(
            Fixed,
            Some((".trivyignore", "we accept this until spring")),
            "affected",
        );
        check(
            Fixed,
            Some(("plimsoll", "licences are counted, not ranked")),
            "affected",
        );
        check(
            Fixed,
            Some((
                "plimsoll",
                "not reachable: usr/bin/app does not link x/net/http2.Serve",
            )),
            "vulnerable_code_not_present",
        );
        check(
            Fixed,
            Some(("team-vex in .trivyignore", "fixed soon (until 2026-12-31)")),
            "affected",
        );
        check(
            Fixed,
            Some((
                "VEX a.json by Example",
                "fixed (statement 2, names the image)",
            )),
            "fixed",
        );
        check(Fixed, Some(("vex", "fixed")), "fixed");
        check(
            Fixed,
            Some(("VEX vex/web.json", "the parser is compiled out")),
            "not_affected",
        );
        check(
            Fixed,
            Some((
                "VEX web.json",
                "not_affected: vulnerable_code_not_in_execute_path",
            )),
            "vulnerable_code_not_in_execute_path",
        );
        check(
            Fixed,
            Some(("vex", "code_not_reachable")),
            "vulnerable_code_not_in_execute_path",
        );
        check(
            Fixed,
            Some((".trivyignore.yaml", "component_not_present, see ticket 7")),
            "component_not_present",
        );
        check(
            NotAffected,
            Some(("trivy", "the report says not affected")),
            "not_affected",
        );
    }
}
