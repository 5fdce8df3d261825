//! Sets of rules that are asked for by name. Comes in: a name. Goes out: rows. Never: an answer (`run`).

use crate::rule::{Mapping, Rule};
use crate::table::{FAMILIES, all, rule};

/// All rules that are on unless somebody names others.
pub const CONFIGURATION: &str = "configuration";

/// Whether a set holds a rule.
pub type Holds = fn(&Rule) -> bool;

/// Names of sets, each with what it holds. A family's letters (`rbac`), an id and a name of a rule are sets too.
pub const SETS: &[(&str, Holds)] = &[
    (CONFIGURATION, |rule| rule.on),
    ("all-checks", |_| true),
    ("nsa", |rule| {
        has(rule, |map| matches!(map, Mapping::Nsa(_)))
    }),
    ("mitre", |rule| {
        has(rule, |map| matches!(map, Mapping::Attack(_)))
    }),
    ("owasp", |rule| {
        has(rule, |map| matches!(map, Mapping::Owasp(_)))
    }),
    ("cis-1.12", |rule| {
        has(rule, |map| matches!(map, Mapping::Cis(_)))
    }),
];

fn has(rule: &Rule, is: impl Fn(&Mapping) -> bool) -> bool {
    rule.maps.iter().any(is)
}

/// The rules of that name, in the order of the table; `None`: nothing is called so.
pub fn named(name: &str) -> Option<Vec<&'static Rule>> {
    if let Some((_, holds)) = SETS.iter().find(|(set, _)| *set == name) {
        return Some(all().filter(|rule| holds(rule)).collect());
    }
    let of_family = |family: &&&[Rule]| {
        let first = family.first().map(Rule::family);
        first.is_some_and(|first| first.eq_ignore_ascii_case(name))
    };
    if let Some(family) = FAMILIES.iter().find(of_family) {
        return Some(family.iter().collect());
    }
    rule(name).map(|rule| vec![rule])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, known) in [
            ("configuration", true),
            ("nsa", true),
            ("wl", true),
            ("KP-WL-001", true),
            ("privileged-container", true),
            ("cis-7", false),
            ("", false),
        ] {
            assert_eq!(named(name).is_some(), known, "{name}");
        }
        let on = named(CONFIGURATION).unwrap_or_default().len();
        assert!(on > 0 && on <= all().count());
    }
}
