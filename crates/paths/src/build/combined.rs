//! Primitives that need several rights, where different bindings of one subject give them.
//! Comes in: what each subject holds. Goes out: chains of arcs, one part a right, so that each part can be cut.
//! Never: a chain that one role alone tells already.

use super::Builder;
use super::rights::{Hold, Known, estimate};
use crate::graph::{CLUSTER, Cause, Link, Node, NodeId, Scope};
use crate::rbac::{Aim, Held, Needs, PRIMITIVES, works};
use model::evidence::Estimate;
use model::text::Text;
use semantics::authorizer::User;
use std::collections::{BTreeMap, BTreeSet};

/// One way to answer a need of a primitive.
struct Answer {
    hold: Hold,
    rule: u16,
    names: Option<Vec<Text>>,
}

/// What a subject holds, from all bindings that apply to it.
struct Portfolio<'p> {
    subject: NodeId,
    bindings: &'p [Hold],
}

impl Builder<'_> {
    /// Primitives whose needs different bindings of one subject answer.
    pub(super) fn combined(
        &mut self,
        holders: &BTreeMap<Node, Vec<Hold>>,
        needs: &Needs,
        known: &mut Known,
    ) {
        let several: Vec<usize> = (0..PRIMITIVES.len())
            .filter(|n| {
                PRIMITIVES
                    .get(*n)
                    .is_some_and(|p| p.needs.len() > 1 && works(p, self.inventory.minor))
            })
            .collect();
        let groups = self.attack.groups.clone();
        let of_group: BTreeMap<&Text, &Vec<Hold>> = holders
            .iter()
            .filter_map(|(node, holds)| match node {
                Node::Group(n) => Some((groups.get(*n as usize)?, holds)),
                _ => None,
            })
            .collect();
        let mut all: Vec<Hold> = Vec::new();
        for (node, holds) in holders {
            all.clear();
            all.extend(holds);
            for group in self.groups_of(*node) {
                all.extend(of_group.get(&group).copied().into_iter().flatten());
            }
            if all.len() < 2 {
                continue;
            }
            for n in &several {
                self.combine(*node, &all, *n, needs, known);
            }
        }
    }

    /// The groups that the API server puts a subject into.
    pub(super) fn groups_of(&self, node: Node) -> Vec<Text> {
        let user = match node {
            Node::Account(n) => {
                let account = self.inventory.service_accounts.get(n as usize);
                account.map(|a| User::service_account(&a.namespace, &a.name))
            }
            Node::User(n) => self.attack.users.get(n as usize).map(User::named),
            _ => None,
        };
        user.map_or_else(Vec::new, |user| user.groups)
    }

    fn combine(
        &mut self,
        subject: Node,
        holds: &[Hold],
        n: usize,
        needs: &Needs,
        known: &mut Known,
    ) {
        let Some(primitive) = PRIMITIVES.get(n) else {
            return;
        };
        // (need, scope) -> answers.
        let mut answers: BTreeMap<(usize, Scope), Vec<Answer>> = BTreeMap::new();
        let mut scopes: BTreeSet<Scope> = BTreeSet::new();
        for hold in holds {
            let Some((role, scope)) = self.role_in(hold.0) else {
                continue;
            };
            let Some(powers) = self.powers.get(role as usize) else {
                continue;
            };
            if powers.everything {
                continue;
            }
            for (k, need) in needs.of(n).enumerate() {
                let cluster = primitive.needs.get(k).is_some_and(|need| need.cluster);
                if cluster && scope != CLUSTER {
                    continue;
                }
                if let Some(held) = powers.get(need) {
                    scopes.insert(scope);
                    answers.entry((k, scope)).or_default().push(Answer {
                        hold: *hold,
                        rule: held.rule,
                        names: held.names.clone(),
                    });
                }
            }
        }
        for scope in scopes {
            let place =
                (scope != CLUSTER).then(|| self.inventory.namespaces.get(scope as usize - 1));
            let place = place.flatten().map(|namespace| &namespace.name);
            let own_namespace = |k: usize, answer: &&Answer| {
                // The namespace that is patched is the one in which pods are created.
                let about = primitive.kind == "NAMESPACE_PATCH" && k == 0;
                let named = answer.names.as_ref().zip(place.filter(|_| about));
                named.is_none_or(|(names, place)| names.contains(place))
            };
            let of = |k: usize| {
                let wide = answers.get(&(k, CLUSTER)).into_iter().flatten();
                let own = answers.get(&(k, scope)).filter(|_| scope != CLUSTER);
                let all = wide.chain(own.into_iter().flatten());
                all.filter(|answer| own_namespace(k, answer))
                    .collect::<Vec<&Answer>>()
            };
            let each: Vec<Vec<&Answer>> = (0..primitive.needs.len()).map(of).collect();
            if each.iter().any(Vec::is_empty) || alone(&each) {
                continue;
            }
            self.chain(subject, n, scope, &each, holds, needs, known);
        }
    }

    /// One part of a chain a need, and in it one arc an answer: each part can be cut.
    #[allow(clippy::too_many_arguments, reason = "one subject with one primitive")]
    fn chain(
        &mut self,
        subject: Node,
        n: usize,
        scope: Scope,
        each: &[Vec<&Answer>],
        holds: &[Hold],
        needs: &Needs,
        known: &mut Known,
    ) {
        let Some(primitive) = PRIMITIVES.get(n) else {
            return;
        };
        let portfolio = Portfolio {
            subject: self.node(subject),
            bindings: holds,
        };
        let mut at = portfolio.subject;
        let mut names: Option<Vec<Text>> = None;
        for (k, answers) in each.iter().enumerate() {
            let next = self.graph().hidden();
            for answer in answers {
                let fix = self.binding_fix(answer.hold.0);
                let cause = Cause::Grant(answer.hold.0, answer.hold.1, answer.rule);
                let link = Link::new(primitive.kind, Estimate::exact(1.0), cause);
                self.graph().arc(at, next, link, fix);
            }
            at = next;
            if about_names(primitive.aim, k) {
                names = narrower(names, union(answers));
            }
        }
        let link = Link::new(
            primitive.kind,
            estimate(primitive.odds),
            Cause::Nature(primitive.may),
        );
        match primitive.aim {
            Aim::OwnRole | Aim::OwnClusterRole => {
                self.own_roles(at, &portfolio, primitive.aim, scope, names.as_deref(), link);
            }
            aim => self.lead(at, aim, scope, names.as_deref(), link, needs, known),
        }
    }

    /// Roles of a subject that it may rewrite; it must stay bound to them.
    fn own_roles(
        &mut self,
        from: NodeId,
        portfolio: &Portfolio<'_>,
        aim: Aim,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
    ) {
        let kind = if aim == Aim::OwnRole {
            "Role"
        } else {
            "ClusterRole"
        };
        for (b, _) in portfolio.bindings {
            let Some(binding) = self.binding(*b) else {
                continue;
            };
            let Some(bound) = self.scope(binding.namespace.as_deref()) else {
                continue;
            };
            let here = aim == Aim::OwnClusterRole || scope == CLUSTER || bound == scope;
            let named = names.is_none_or(|names| names.contains(&binding.role.name));
            if &*binding.role.kind == kind && here && named {
                let to = self.admin(bound);
                let fix = self.binding_fix(*b);
                self.graph().arc(from, to, link, fix);
            }
        }
    }
}

/// Every binding that answers one need answers all: the role alone has told it.
fn alone(each: &[Vec<&Answer>]) -> bool {
    let set = |answers: &Vec<&Answer>| answers.iter().map(|a| a.hold).collect::<BTreeSet<Hold>>();
    let first = each.first().map(set).unwrap_or_default();
    each.iter().skip(1).all(|answers| set(answers) == first)
}

/// Whether the names of the need say what is reached.
fn about_names(aim: Aim, k: usize) -> bool {
    match aim {
        // `bind` and `escalate` first, then the write; only the first is about the role bound.
        Aim::BoundInCluster | Aim::BoundInNamespace | Aim::BoundRoles | Aim::Groups => k == 0,
        Aim::OwnRole | Aim::OwnClusterRole => true,
        // Certificates, nodes: what else is named there is no identity.
        _ => false,
    }
}

/// The names for which one role alone answers all needs.
pub(super) fn shared_names(held: &[&Held], aim: Aim) -> Option<Vec<Text>> {
    if let [one] = held {
        return one.names.clone();
    }
    let told = held
        .iter()
        .enumerate()
        .filter(|(k, _)| about_names(aim, *k));
    told.fold(None, |names, (_, held)| narrower(names, held.names.clone()))
}

fn union(answers: &[&Answer]) -> Option<Vec<Text>> {
    let mut all: Vec<Text> = Vec::new();
    for answer in answers {
        all.extend(answer.names.as_ref()?.iter().cloned());
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// Names that both allow; `None` allows all.
fn narrower(a: Option<Vec<Text>>, b: Option<Vec<Text>>) -> Option<Vec<Text>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.into_iter().filter(|name| b.contains(name)).collect()),
        (a, b) => a.or(b),
    }
}
