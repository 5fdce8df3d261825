//! What the rule table says of a cluster's configuration, as findings of our own.
//! Comes in: a Snapshot and its Inventory. Goes out: open findings, those of what the provider owns, what each rule
//! that found something means. Never: a rule (`checks`), a score.

use crate::findings::Findings;
use checks::rule::Rule;
use checks::world::{Beside, Found, World};
use checks::{run, table};
use jiff::Timestamp;
use model::checks::Described;
use model::evidence::Gap;
use model::finding::Finding;
use model::matches::{Category, Fix, FixState, Suppression};
use model::snapshot::Snapshot;
use model::text::{Interner, Text};
use model::vulnerability::{Severity, Vulnerability};
use semantics::view::Inventory;
use std::collections::BTreeSet;

/// What is added to an assessment.
#[derive(Debug, Default)]
pub struct Configuration {
    /// Each with the index of its object in the Snapshot; `usize::MAX`: it is about none.
    pub open: Vec<(usize, Finding)>,
    /// Of what the provider owns, as it brought it: counted apart.
    pub provided: Vec<Finding>,
    /// Ordered by id; those that the findings cite.
    pub described: Vec<Described>,
    pub gaps: Vec<Gap>,
}

/// Whether every scan of a cluster or of manifests asks the rule. One wall of several is asked for by name
/// (`--profile configuration`): of each container that has the defaults it would say five things.
pub fn is_usual(rule: &Rule) -> bool {
    rule.on && rule.severity >= Severity::Medium
}

/// The rules that every scan of a cluster or of manifests asks.
pub fn usual() -> Vec<&'static Rule> {
    table::all().filter(|rule| is_usual(rule)).collect()
}

/// Whether this is a rule that only those who name it ask.
pub fn is_only_named(rule: &str) -> bool {
    table::rule(rule).is_some_and(|rule| !is_usual(rule))
}

/// Asks some rules.
pub fn ask(
    snapshot: &Snapshot,
    inventory: &Inventory,
    now: Timestamp,
    rules: &[&'static Rule],
) -> Configuration {
    let beside = Beside {
        now: Some(now),
        ..Beside::default()
    };
    let world = World {
        snapshot,
        inventory,
        beside: &beside,
    };
    let said = run(&world, rules);
    let mut texts = Interner::default();
    let mut cited = BTreeSet::new();
    let mut gaps: BTreeSet<Gap> = said.gaps.into_iter().collect();
    gaps.extend(said.answers.into_iter().flat_map(|answer| answer.unknown));
    let mut all = Configuration::default();
    for found in said.found {
        cited.insert(found.rule.id);
        let at = found.at.map_or(usize::MAX, |at| at as usize);
        let mut own = finding(&found, &mut texts);
        if found.provider {
            own.suppression = Some(Suppression {
                by: "provider".into(),
                reason: "the cluster's own, as it was brought".into(),
            });
            all.provided.push(own);
        } else {
            all.open.push((at, own));
        }
    }
    all.described = cited.into_iter().filter_map(described).collect();
    all.gaps = gaps.into_iter().collect();
    all
}

impl Configuration {
    /// What a rule says of a flaw that a feed tells as well becomes a note of that finding: it is one problem.
    pub fn join(&mut self, found: &mut Findings, vulnerabilities: &[Vulnerability]) {
        let Findings { open, packages, .. } = found;
        self.open.retain(|(_, own)| {
            let Some((cve, package)) = table::rule(&own.id).and_then(table::flaw) else {
                return true;
            };
            let mut told = false;
            for other in open.iter_mut().filter(|other| {
                let known = |n: u32| vulnerabilities.get(n as usize);
                let names = |v: &Vulnerability| {
                    &*v.id == cve || v.aliases.iter().any(|alias| &**alias == cve)
                };
                let of = |n: u32| packages.get(n as usize);
                other.vulnerability.and_then(known).is_some_and(names)
                    && other
                        .package
                        .and_then(of)
                        .is_some_and(|p| &*p.name == package)
            }) {
                told = true;
                for note in &own.notes {
                    if !other.notes.contains(note) {
                        other.notes.push(Text::clone(note));
                    }
                }
            }
            !told
        });
        let cited = |id: &Text| {
            let open = self.open.iter().map(|(_, one)| one);
            open.chain(&self.provided).any(|one| one.id == *id)
        };
        self.described.retain(|rule| cited(&rule.id));
    }
}

fn finding(found: &Found, texts: &mut Interner) -> Finding {
    let title = match &found.container {
        Some(container) => format!("{} ({container})", found.rule.title),
        None => found.rule.title.to_owned(),
    };
    Finding {
        id: texts.text(found.rule.id),
        category: Category::Misconfiguration,
        severity: found.rule.severity,
        vulnerability: None,
        image: None,
        package: None,
        object: Some(found.object.clone()),
        field: (!found.pointer.is_empty()).then(|| texts.text(&found.pointer)),
        source: None,
        title: Some(texts.text(&title)),
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        // It is our own observation: no document says it.
        matches: Vec::new(),
        suppression: None,
        notes: vec![texts.text(&found.says)],
        container: found.container.clone(),
        scores: Vec::new(),
    }
}

/// What a rule means, by its id or slug.
pub fn described(name: &str) -> Option<Described> {
    let rule = table::rule(name)?;
    Some(Described {
        id: rule.id.into(),
        slug: rule.slug.into(),
        title: rule.title.into(),
        severity: rule.severity,
        why: rule.why.into(),
        advice: rule.advice.into(),
        maps: rule.maps.iter().map(|map| map.to_string().into()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_described() {
        for rule in table::all() {
            assert_eq!(described(rule.slug).map(|d| d.id), Some(rule.id.into()));
        }
        assert!(described("no-such-rule").is_none());
    }
}
