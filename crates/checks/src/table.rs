//! All rules. Comes in: nothing. Goes out: rows by family, id or slug. Never: a rule of its own.

use crate::family;
use crate::rule::Rule;

/// Families in the order in which people read them, each ordered by id.
pub static FAMILIES: &[&[Rule]] = &[
    family::pod_security::RULES,
    family::workload::RULES,
    family::accounts::RULES,
    family::rbac::RULES,
    family::network::RULES,
    family::secrets::RULES,
    family::quota::RULES,
    family::admission::RULES,
    family::control_plane::API_SERVER,
    family::control_plane::OTHERS,
    family::control_plane::FILES,
    family::node::RULES,
    family::audit::RULES,
    family::cloud::RULES,
    family::components::RULES,
    family::operations::RULES,
];

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().copied().flatten()
}

/// The rule of that id or slug; case does not matter.
pub fn rule(name: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(name) || rule.slug.eq_ignore_ascii_case(name))
}

/// The CVE whose condition the rule asks, and the package that feeds know it by: where they tell it, what the rule says
/// belongs to that finding.
pub fn flaw(rule: &Rule) -> Option<(&'static str, &'static str)> {
    family::components::flaw_of(rule)
}
