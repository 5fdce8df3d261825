//! From subjects over bindings to what their rights reach.
//! Comes in: the authorizer. Goes out: arcs. Never: an escalation that the API server refuses.
//!
//! A role in a scope is one node: single rights lead on from there, whoever holds them. Primitives that need several
//! rights are also found where different bindings of one subject give them.

use super::Builder;
use super::combined::shared_names;
use crate::fix::{Fix, FixId, NONE};
use crate::graph::{CLUSTER, Cause, Link, Node, NodeId, Scope, WHOLE, count};
use crate::kinds;
use crate::rbac::{Aim, DEPUTIES, DEPUTY, Held, Needs, PRIMITIVES, Powers, works};
use model::evidence::Estimate;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::authorizer::{Binding, MASTERS, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// (binding, subject inside it).
pub(super) type Hold = (u32, u16);
/// Roles in a scope that were looked at, and their nodes where they lead on.
pub(super) type Known = FxHashMap<(u32, Scope), Option<NodeId>>;

/// Subjects of the control plane: certificates that the cluster made for itself.
pub(super) fn is_control_plane(name: &str) -> bool {
    const OWN: [&str; 8] = [
        "system:masters",
        "system:nodes",
        "system:monitoring",
        "system:apiserver",
        "system:kube-scheduler",
        "system:kube-controller-manager",
        "system:kube-proxy",
        "kubeadm:cluster-admins",
    ];
    OWN.contains(&name)
        || name.starts_with("system:bootstrappers")
        || name.starts_with("system:node:")
}

impl<'a> Builder<'a> {
    /// Subjects with what they hold.
    pub(super) fn rights(&mut self) -> BTreeMap<Node, Vec<Hold>> {
        let needs = Needs::new();
        let authorizer = self.attack.authorizer;
        self.powers = authorizer
            .rules
            .iter()
            .map(|rules| needs.powers(rules))
            .collect();
        let mut holders: BTreeMap<Node, Vec<Hold>> = BTreeMap::new();
        for (b, binding) in (0_u32..).zip(&authorizer.bindings) {
            let leads = binding.rules.is_some_and(|role| {
                self.powers
                    .get(role as usize)
                    .is_some_and(|powers| !powers.held.is_empty())
            });
            if !leads {
                continue;
            }
            for (s, subject) in (0_u16..).zip(&binding.subjects) {
                if let Some(node) = self.subject(subject) {
                    holders.entry(node).or_default().push((b, s));
                }
            }
        }
        let mut known = Known::default();
        for (subject, holds) in &holders {
            let mut seen: BTreeSet<(u32, Scope)> = BTreeSet::new();
            for (b, s) in holds {
                let Some((role, scope)) = self.role_in(*b) else {
                    continue;
                };
                let Some(power) = self.power(role, scope, &needs, &mut known) else {
                    continue;
                };
                let from = self.node(*subject);
                let everything = self.powers.get(role as usize).is_some_and(|p| p.everything);
                if scope == CLUSTER && everything {
                    self.attack.admins.insert(*subject);
                }
                let fix = self.binding_fix(*b);
                let again = !seen.insert((role, scope));
                let p = Estimate::exact(1.0);
                let link = Link::new(
                    kinds::PERMISSION_DISCOVER.name,
                    p,
                    Cause::Grant(*b, *s, WHOLE),
                );
                if !again || fix != NONE {
                    self.graph().arc(from, power, link, fix);
                }
            }
        }
        self.combined(&holders, &needs, &mut known);
        while let Some((role, scope)) = self.later.pop() {
            self.power(role, scope, &needs, &mut known);
        }
        holders
    }

    pub(super) fn subject(&mut self, subject: &Subject) -> Option<Node> {
        if let Some(account) = subject.account() {
            return self.account_ids.get(&account).map(|n| Node::Account(*n));
        }
        match subject {
            Subject::ServiceAccount { .. } => None,
            Subject::User(name) => Some(Node::User(self.user(name))),
            Subject::Group(name) if &**name == MASTERS => Some(Node::Masters),
            Subject::Group(name) => Some(Node::Group(self.group(name))),
        }
    }

    pub(super) fn user(&mut self, name: &Text) -> u32 {
        let users = &mut self.attack.users;
        *self.user_ids.entry(Text::clone(name)).or_insert_with(|| {
            users.push(Text::clone(name));
            count(users.len() - 1)
        })
    }

    pub(super) fn group(&mut self, name: &Text) -> u32 {
        let groups = &mut self.attack.groups;
        *self.group_ids.entry(Text::clone(name)).or_insert_with(|| {
            groups.push(Text::clone(name));
            count(groups.len() - 1)
        })
    }

    pub(super) fn binding(&self, binding: u32) -> Option<&'a Binding> {
        self.attack.authorizer.bindings.get(binding as usize)
    }

    pub(super) fn role_in(&self, binding: u32) -> Option<(u32, Scope)> {
        let binding = self.binding(binding)?;
        Some((binding.rules?, self.scope(binding.namespace.as_deref())?))
    }

    pub(super) fn binding_fix(&mut self, b: u32) -> FixId {
        let Some(binding) = self.binding(b) else {
            return NONE;
        };
        let own = |subject: &Subject| match subject {
            Subject::User(name) | Subject::Group(name) => is_control_plane(name),
            Subject::ServiceAccount { .. } => false,
        };
        let stock = self
            .inventory
            .stock_bindings
            .binary_search(&binding.object)
            .is_ok();
        if stock || binding.subjects.iter().all(own) {
            return NONE;
        }
        self.graph().fix(Fix::Binding(b))
    }

    /// The rules of a role where a binding gives them; `None` where they lead nowhere.
    pub(super) fn power(
        &mut self,
        role: u32,
        scope: Scope,
        needs: &Needs,
        known: &mut Known,
    ) -> Option<NodeId> {
        if let Some(power) = known.get(&(role, scope)) {
            return *power;
        }
        // Bound roles may name this one; what they add is in place when it is asked again.
        known.insert((role, scope), None);
        let powers = self.powers.get(role as usize)?.clone();
        let node = self.node(Node::Power(role, scope));
        known.insert((role, scope), Some(node));
        let before = self.attack.graph.arcs.len();
        let link = |n: usize, rule: u16, odds: Estimate, kind| {
            Link::new(
                kind,
                odds,
                Cause::Right(role, scope, rule, u16::try_from(n).unwrap_or(0)),
            )
        };
        for (n, primitive) in PRIMITIVES.iter().enumerate() {
            if !works(primitive, self.inventory.minor) || (powers.everything && n > 0) {
                continue;
            }
            let held: Option<Vec<&Held>> = needs.of(n).map(|need| powers.get(need)).collect();
            let Some(held) = held else {
                self.latent(node, n, needs, &powers, link);
                continue;
            };
            let Some(last) = held.last() else { continue };
            let in_scope = scope == CLUSTER || primitive.needs.iter().all(|need| !need.cluster);
            if !in_scope {
                continue;
            }
            let odds = estimate(primitive.odds);
            let link = link(n, last.rule, odds, primitive.kind);
            let names = shared_names(&held, primitive.aim);
            let own = matches!(primitive.aim, Aim::OwnRole | Aim::OwnClusterRole);
            if own {
                self.own_role(node, primitive.aim, role, scope, names.as_deref(), link);
            } else {
                self.lead(
                    node,
                    primitive.aim,
                    scope,
                    names.as_deref(),
                    link,
                    needs,
                    known,
                );
            }
        }
        for (n, _) in DEPUTIES.iter().enumerate() {
            let Some(held) = powers
                .get(needs.of_deputy(n))
                .filter(|_| !powers.everything)
            else {
                continue;
            };
            let odds = Estimate::between(0.2, 0.7, 0.95);
            let link = link(PRIMITIVES.len() + n, held.rule, odds, DEPUTY);
            self.lead(node, Aim::Deputy(n), scope, None, link, needs, known);
        }
        let leads = (self.attack.graph.arcs.len() > before).then_some(node);
        known.insert((role, scope), leads);
        leads
    }

    /// The same for a role that another one may bind. Deep below the first it is taken to lead on, and looked at later.
    pub(super) fn power_behind(
        &mut self,
        role: u32,
        scope: Scope,
        needs: &Needs,
        known: &mut Known,
    ) -> Option<NodeId> {
        const DEEPEST: usize = 64;
        if let Some(power) = known.get(&(role, scope)) {
            return *power;
        }
        if self.depth < DEEPEST {
            self.depth += 1;
            let power = self.power(role, scope, needs, known);
            self.depth -= 1;
            return power;
        }
        let powers = self.powers.get(role as usize)?;
        if powers.held.is_empty() {
            return None;
        }
        self.later.push((role, scope));
        Some(self.node(Node::Power(role, scope)))
    }

    /// A right that the API server does not take alone stays visible as a dead end.
    pub(super) fn latent(
        &mut self,
        from: NodeId,
        n: usize,
        needs: &Needs,
        powers: &Powers,
        link: impl Fn(usize, u16, Estimate, &'static str) -> Link,
    ) {
        const TOLD: [&str; 3] = ["ROLE_ESCALATE", "ROLE_BIND", "IDENTITY_IMPERSONATE"];
        let Some(primitive) = PRIMITIVES.get(n).filter(|p| TOLD.contains(&p.kind)) else {
            return;
        };
        if let Some(held) = powers.get(needs.of(n).start) {
            let to = self.node(Node::Latent);
            let link = link(n, held.rule, estimate(primitive.odds), primitive.kind);
            self.graph().arc(from, to, link, NONE);
        }
    }

    /// A role that lets its holders rewrite it.
    pub(super) fn own_role(
        &mut self,
        from: NodeId,
        aim: Aim,
        role: u32,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
    ) {
        let Some(object) = self.attack.authorizer.roles.get(role as usize) else {
            return;
        };
        let kind = if aim == Aim::OwnRole {
            "Role"
        } else {
            "ClusterRole"
        };
        let named = names.is_none_or(|names| names.contains(&object.name));
        if &*object.kind == kind && named {
            let to = self.admin(scope);
            self.graph().arc(from, to, link, NONE);
        }
    }

    pub(super) fn admin(&mut self, scope: Scope) -> NodeId {
        self.node(if scope == CLUSTER {
            Node::ClusterAdmin
        } else {
            Node::Admin(scope)
        })
    }

    /// Service accounts and users are members of the groups that hold something.
    pub(super) fn members(&mut self, holders: &BTreeMap<Node, Vec<Hold>>) {
        let accounts = 0..count(self.inventory.service_accounts.len());
        let users = 0..count(self.attack.users.len());
        let all = accounts.map(Node::Account).chain(users.map(Node::User));
        for node in all.collect::<Vec<Node>>() {
            for name in self.groups_of(node) {
                let group = self.group_ids.get(&name).map(|n| Node::Group(*n));
                if let Some(group) = group.filter(|group| holders.contains_key(group)) {
                    self.member(node, group);
                }
            }
        }
    }

    /// The same for one subject, whatever its groups hold.
    pub(super) fn membership(&mut self, node: Node) {
        for name in self.groups_of(node) {
            let group = Node::Group(self.group(&name));
            self.member(node, group);
        }
    }

    fn member(&mut self, node: Node, group: Node) {
        let cause = Cause::Nature("the API server puts it into the group");
        let link = Link::new(kinds::GROUP_MEMBER.name, Estimate::exact(1.0), cause);
        let (from, to) = (self.node(node), self.node(group));
        self.graph().arc(from, to, link, NONE);
    }
}

pub(super) fn estimate((low, expected, high): (f64, f64, f64)) -> Estimate {
    Estimate::between(low, expected, high)
}
