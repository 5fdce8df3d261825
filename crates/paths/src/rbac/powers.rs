//! Which of the needs each role answers, with the rule that does.
//! Comes in: rules of roles. Goes out: one [`Powers`] a role. Never: a grant that the authorizer would not give.

use super::deputies::{DEPUTIES, DEPUTY_VERBS};
use super::table::{Need, PRIMITIVES, Primitive, useful};
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::rbac::{Rule, rule_allows_some};

/// Index into the needs of all primitives, in their order; those of the deputies follow.
pub(crate) type NeedId = u16;

/// A need that a role answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) need: NeedId,
    /// Index of the rule inside the role.
    pub(crate) rule: u16,
    /// `None`: for every name.
    pub(crate) names: Option<Vec<Text>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Powers {
    /// Ordered by need.
    pub(crate) held: Vec<Held>,
    /// `*` on `*` in `*`.
    pub(crate) everything: bool,
}

/// All needs with an index by resource, so that a rule is compared only with what it names.
pub(crate) struct Needs {
    /// Of each need: its primitive, or the deputy after them.
    all: Vec<Asked>,
    by_resource: FxHashMap<&'static str, Vec<NeedId>>,
    /// First need of each primitive.
    first: Vec<NeedId>,
}

struct Asked {
    verbs: &'static [&'static str],
    on: &'static [(&'static str, &'static str)],
    /// `None`: of a deputy.
    need: Option<&'static Need>,
}

impl Needs {
    pub(crate) fn new() -> Self {
        let mut needs = Needs {
            all: Vec::new(),
            by_resource: FxHashMap::default(),
            first: Vec::new(),
        };
        for primitive in PRIMITIVES {
            needs.first.push(id(needs.all.len()));
            for need in primitive.needs {
                needs.add(Asked {
                    verbs: need.verbs,
                    on: need.on,
                    need: Some(need),
                });
            }
        }
        for deputy in DEPUTIES {
            needs.first.push(id(needs.all.len()));
            needs.add(Asked {
                verbs: DEPUTY_VERBS,
                on: deputy.on,
                need: None,
            });
        }
        needs
    }

    fn add(&mut self, asked: Asked) {
        let need = id(self.all.len());
        for (_, resource) in asked.on {
            let known = self.by_resource.entry(resource).or_default();
            if known.last() != Some(&need) {
                known.push(need);
            }
        }
        self.all.push(asked);
    }

    /// The needs of a primitive, in its order.
    pub(crate) fn of(&self, primitive: usize) -> std::ops::Range<NeedId> {
        let first = self.first.get(primitive).copied().unwrap_or(0);
        let count = PRIMITIVES.get(primitive).map_or(1, |p| p.needs.len());
        first..first + id(count)
    }

    pub(crate) fn of_deputy(&self, deputy: usize) -> NeedId {
        let at = PRIMITIVES.len() + deputy;
        self.first.get(at).copied().unwrap_or(0)
    }

    /// What a role's rules answer.
    pub(crate) fn powers(&self, rules: &[Rule]) -> Powers {
        let mut found: Vec<Held> = Vec::new();
        let mut candidates: Vec<NeedId> = Vec::new();
        for (n, rule) in (0_u16..).zip(rules) {
            self.candidates(rule, &mut candidates);
            for need in &candidates {
                let Some(asked) = self.all.get(usize::from(*need)) else {
                    continue;
                };
                if !asked.answered_by(rule) {
                    continue;
                }
                let names = (!rule.names.is_empty()).then(|| rule.names.clone());
                if let (Some(need), Some(names)) = (asked.need, &names)
                    && !useful(need, names)
                {
                    continue;
                }
                found.push(Held {
                    need: *need,
                    rule: n,
                    names,
                });
            }
        }
        // Every name before some names; then the first rule.
        found.sort_by(|a, b| {
            (a.need, a.names.is_some(), a.rule).cmp(&(b.need, b.names.is_some(), b.rule))
        });
        let mut held: Vec<Held> = Vec::with_capacity(found.len());
        for one in found {
            match held.last_mut().filter(|last| last.need == one.need) {
                None => held.push(one),
                Some(last) => {
                    if let (Some(all), Some(more)) = (&mut last.names, one.names) {
                        all.extend(more);
                        all.sort_unstable();
                        all.dedup();
                    }
                }
            }
        }
        let everything = held
            .first()
            .is_some_and(|h| h.need == 0 && h.names.is_none());
        Powers { held, everything }
    }

    fn candidates(&self, rule: &Rule, into: &mut Vec<NeedId>) {
        into.clear();
        let wide = |resource: &str| resource == "*" || resource.starts_with("*/");
        if rule.resources.iter().any(|resource| wide(resource)) {
            into.extend(0..id(self.all.len()));
            return;
        }
        for resource in &rule.resources {
            into.extend(self.by_resource.get(&**resource).into_iter().flatten());
        }
        into.sort_unstable();
        into.dedup();
    }
}

impl Asked {
    fn answered_by(&self, rule: &Rule) -> bool {
        self.on.iter().any(|(group, resource)| {
            self.verbs
                .iter()
                .any(|verb| rule_allows_some(rule, verb, group, resource))
        })
    }
}

impl Powers {
    pub(crate) fn get(&self, need: NeedId) -> Option<&Held> {
        let at = self.held.binary_search_by_key(&need, |held| held.need);
        at.ok().and_then(|at| self.held.get(at))
    }
}

/// Whether the primitive works in a cluster of this minor version.
pub(crate) fn works(primitive: &Primitive, minor: u16) -> bool {
    (primitive.minors.0..=primitive.minors.1).contains(&minor)
}

fn id(n: usize) -> NeedId {
    NeedId::try_from(n).unwrap_or(NeedId::MAX)
}
