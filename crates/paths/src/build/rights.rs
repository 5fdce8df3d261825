//! From subjects over bindings to what their rights reach.
//! Comes in: the authorizer. Goes out: arcs. Never: an escalation that the API server refuses.
//!
//! A role in a scope is one node: single rights lead on from there, whoever holds them. Primitives that need several
//! rights are also found where different bindings of one subject give them.

use super::Builder;
use crate::fix::{Fix, FixId, NONE};
use crate::graph::{CLUSTER, Cause, Link, Node, NodeId, Scope, WHOLE, count};
use crate::rbac::{Aim, DEPUTIES, DEPUTY, Held, Needs, PRIMITIVES, Powers, works};
use model::evidence::Estimate;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::authorizer::{Binding, MASTERS, Subject};
use std::collections::{BTreeMap, BTreeSet};

/// (binding, subject inside it).
type Hold = (u32, u16);

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

impl<'a> Builder<'a> {
    pub(super) fn rights(&mut self) {
        let needs = Needs::new();
        let authorizer = &self.inventory.authorizer;
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
        let mut known: FxHashMap<(u32, Scope), Option<NodeId>> = FxHashMap::default();
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
                    self.admins.insert(*subject);
                }
                let fix = self.binding_fix(*b);
                let again = !seen.insert((role, scope));
                let p = Estimate::exact(1.0);
                let link = Link::new("PERMISSION_DISCOVER", p, Cause::Grant(*b, *s, WHOLE));
                if !again || fix != NONE {
                    self.graph().arc(from, power, link, fix);
                }
            }
        }
        self.combined(&holders, &needs, &mut known);
        self.members(&holders);
    }

    fn subject(&mut self, subject: &Subject) -> Option<Node> {
        let account = |builder: &Self, namespace: &str, name: &str| {
            builder
                .account_ids
                .get(&(namespace, name))
                .map(|n| Node::Account(*n))
        };
        match subject {
            Subject::ServiceAccount { namespace, name } => account(self, namespace, name),
            Subject::User(name) => {
                let known = name
                    .strip_prefix("system:serviceaccount:")
                    .and_then(|n| n.split_once(':'));
                if let Some((namespace, name)) = known {
                    return account(self, namespace, name);
                }
                Some(Node::User(self.user(name)))
            }
            Subject::Group(name) if &**name == MASTERS => Some(Node::Masters),
            Subject::Group(name) => Some(Node::Group(self.group(name))),
        }
    }

    fn user(&mut self, name: &Text) -> u32 {
        let users = &mut self.attack.users;
        *self.user_ids.entry(Text::clone(name)).or_insert_with(|| {
            users.push(Text::clone(name));
            count(users.len() - 1)
        })
    }

    fn group(&mut self, name: &Text) -> u32 {
        let groups = &mut self.attack.groups;
        *self.group_ids.entry(Text::clone(name)).or_insert_with(|| {
            groups.push(Text::clone(name));
            count(groups.len() - 1)
        })
    }

    fn binding(&self, binding: u32) -> Option<&'a Binding> {
        self.inventory.authorizer.bindings.get(binding as usize)
    }

    fn role_in(&self, binding: u32) -> Option<(u32, Scope)> {
        let binding = self.binding(binding)?;
        Some((binding.rules?, self.scope(binding.namespace.as_deref())?))
    }

    fn binding_fix(&mut self, b: u32) -> FixId {
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
    fn power(
        &mut self,
        role: u32,
        scope: Scope,
        needs: &Needs,
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
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

    /// A right that the API server does not take alone stays visible as a dead end.
    fn latent(
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
    fn own_role(
        &mut self,
        from: NodeId,
        aim: Aim,
        role: u32,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
    ) {
        let Some(object) = self.inventory.authorizer.roles.get(role as usize) else {
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

    /// From rights to what they reach.
    #[allow(
        clippy::too_many_arguments,
        reason = "one right with its scope, names and way of telling"
    )]
    fn lead(
        &mut self,
        from: NodeId,
        aim: Aim,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
        needs: &Needs,
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
    ) {
        let mut to: Vec<Node> = Vec::new();
        let mut link = link;
        match aim {
            Aim::Everything if scope == CLUSTER => to.push(Node::ClusterAdmin),
            Aim::Everything => to.push(Node::Admin(scope)),
            Aim::ClusterAdmin => to.push(Node::ClusterAdmin),
            Aim::OwnClusterRole | Aim::OwnRole => {}
            Aim::BoundInCluster | Aim::BoundInNamespace | Aim::BoundRoles => {
                self.bound(from, aim, scope, names, link, needs, known);
            }
            Aim::Accounts => match names {
                None => to.push(Node::Accounts(scope)),
                Some(names) => to.extend(self.named_accounts(scope, names)),
            },
            Aim::Users => match names {
                None => to.push(Node::Users),
                Some(names) => to.extend(names.iter().map(|name| Node::User(self.user(name)))),
            },
            Aim::Groups => match names {
                None => to.extend([Node::Groups, Node::Masters]),
                Some(names) => to.extend(names.iter().map(|name| match &**name {
                    MASTERS => Node::Masters,
                    _ => Node::Group(self.group(name)),
                })),
            },
            Aim::Certificate => to.extend([Node::Users, Node::Groups, Node::Accounts(CLUSTER)]),
            Aim::Kubelet => to.push(Node::Kubelets),
            Aim::Secrets => match names {
                None => to.push(Node::Secrets(scope)),
                Some(names) => to.extend(self.named_secrets(scope, names)),
            },
            Aim::Created => match names {
                Some(names) if scope == CLUSTER => to.extend(self.homes_of(names)),
                _ => to.push(Node::Created(scope)),
            },
            Aim::Pods => match names {
                None => to.push(Node::Pods(scope)),
                Some(names) => to.extend(self.named_pods(scope, names)),
            },
            Aim::Endpoints => {
                if names.is_some() {
                    link.probability = link.probability.times(Estimate::between(0.0, 0.5, 1.0));
                }
                to.push(Node::Endpoints(scope));
            }
            Aim::Machines => to.push(Node::Machines),
            Aim::Traffic => to.push(Node::Traffic(scope)),
            Aim::Admission => to.push(Node::Admission),
            Aim::Placement => to.push(Node::Placement),
            Aim::Latent => to.push(Node::Latent),
            Aim::Trust => self.trust(from, scope, names, link),
            Aim::Deputy(n) => self.deputy(from, n, link),
        }
        if link.kind == "NODE_PROXY" && !self.inventory.authorizer.complete {
            // Files do not hold the pods of the system, some of which own their node.
            let machines = self.node(Node::Machines);
            let p = link.probability.times(Estimate::between(0.0, 0.7, 1.0));
            let missing = self.nodes_unseen;
            let link = Link {
                probability: p,
                ..link
            };
            self.graph()
                .arc(from, machines, link.missing(missing), NONE);
        }
        for node in to {
            let to = self.node(node);
            self.graph().arc(from, to, link, NONE);
        }
    }

    /// The rules of roles that it may bind without holding them.
    #[allow(clippy::too_many_arguments, reason = "as above")]
    fn bound(
        &mut self,
        from: NodeId,
        aim: Aim,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
        needs: &Needs,
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
    ) {
        let roles = &self.inventory.authorizer.roles;
        let kind = if aim == Aim::BoundRoles {
            "Role"
        } else {
            "ClusterRole"
        };
        let scopes: Vec<Scope> = match (aim, scope) {
            (Aim::BoundInCluster, _) => vec![CLUSTER],
            (_, CLUSTER) => (1..=count(self.inventory.namespaces.len())).collect(),
            _ => vec![scope],
        };
        if names.is_none() && aim != Aim::BoundRoles {
            let all = scope == CLUSTER && aim == Aim::BoundInNamespace;
            let to = self.node(match (all, scope) {
                (true, _) => Node::Admin(CLUSTER),
                (false, CLUSTER) => Node::ClusterAdmin,
                (false, scope) => Node::Admin(scope),
            });
            self.graph().arc(from, to, link, NONE);
            return;
        }
        for (role, object) in (0_u32..).zip(roles) {
            if &*object.kind != kind || names.is_some_and(|names| !names.contains(&object.name)) {
                continue;
            }
            let own = object.namespace.as_deref();
            for scope in &scopes {
                if aim == Aim::BoundRoles && self.scope(own) != Some(*scope) {
                    continue;
                }
                if let Some(power) = self.power(role, *scope, needs, known) {
                    self.graph().arc(from, power, link, NONE);
                }
            }
        }
    }

    fn named_accounts(&self, scope: Scope, names: &[Text]) -> Vec<Node> {
        (0_u32..)
            .zip(&self.inventory.service_accounts)
            .filter(|(_, a)| names.contains(&a.name) && self.is_in(&a.namespace, scope))
            .map(|(n, _)| Node::Account(n))
            .collect()
    }

    fn is_in(&self, namespace: &str, scope: Scope) -> bool {
        scope == CLUSTER || self.scope(Some(namespace)) == Some(scope)
    }

    /// Accounts whose tokens the named Secrets hold.
    fn named_secrets(&self, scope: Scope, names: &[Text]) -> Vec<Node> {
        let secrets = self.inventory.secrets.iter();
        secrets
            .filter(|s| names.contains(&s.name) && self.is_in(&s.namespace, scope))
            .filter_map(|s| {
                self.account_ids
                    .get(&(&*s.namespace, s.account.as_deref()?))
            })
            .map(|n| Node::Account(*n))
            .collect()
    }

    /// Namespaces in which workloads of these names run.
    fn homes_of(&self, names: &[Text]) -> BTreeSet<Node> {
        self.active()
            .filter(|(_, view)| names.contains(&view.workload.object.name))
            .filter_map(|(_, view)| self.scope(Some(&view.workload.key.namespace)))
            .map(Node::Created)
            .collect()
    }

    /// Pods, or all pods of nodes, by their names.
    fn named_pods(&self, scope: Scope, names: &[Text]) -> BTreeSet<Node> {
        let machines = names.iter().filter_map(|name| self.machine_ids.get(name));
        let on = machines.map(|n| Node::PodsOn(*n));
        let live = self
            .inventory
            .pods
            .iter()
            .filter(|pod| names.contains(&pod.name) && self.is_in(&pod.namespace, scope));
        let live = live.map(|pod| Node::Pod(pod.workload));
        let written = self.active().filter(|(_, view)| {
            &*view.workload.object.kind == "Pod"
                && names.contains(&view.workload.object.name)
                && self.is_in(&view.workload.key.namespace, scope)
        });
        on.chain(live)
            .chain(written.map(|(n, _)| Node::Pod(n)))
            .collect()
    }

    /// ConfigMaps of kube-system that parts of the cluster believe.
    fn trust(&mut self, from: NodeId, scope: Scope, names: Option<&[Text]>, link: Link) {
        if !self.is_in("kube-system", scope) {
            return;
        }
        let named = |wanted: &str| names.is_none_or(|names| names.iter().any(|n| &**n == wanted));
        let eks = |labels: &semantics::view::Labels| {
            labels.keys().any(|key| {
                key.starts_with("eks.amazonaws.com/") || key.starts_with("alpha.eksctl.io/")
            })
        };
        let nodes = &self.inventory.nodes;
        if named("aws-auth") && (nodes.is_empty() || nodes.iter().any(|node| eks(&node.labels))) {
            let seen = if nodes.is_empty() {
                Estimate::between(0.0, 0.2, 1.0)
            } else {
                Estimate::exact(1.0)
            };
            let to = self.node(Node::Masters);
            let link = Link {
                probability: link.probability.times(seen),
                ..link
            };
            let missing = self.nodes_unseen.filter(|_| nodes.is_empty());
            self.graph().arc(from, to, link.missing(missing), NONE);
        }
        if named("coredns") {
            let to = self.node(Node::Traffic(CLUSTER));
            self.graph().arc(from, to, link, NONE);
        }
    }

    /// The accounts of a controller that does what objects say.
    fn deputy(&mut self, from: NodeId, n: usize, link: Link) {
        let Some(deputy) = DEPUTIES.get(n) else {
            return;
        };
        let accounts: Vec<u32> = (0_u32..)
            .zip(&self.inventory.service_accounts)
            .filter(|(_, account)| deputy.accounts.contains(&&*account.name))
            .map(|(n, _)| n)
            .collect();
        for account in accounts {
            let to = self.node(Node::Account(account));
            self.graph().arc(from, to, link, NONE);
        }
    }

    /// Primitives whose needs different bindings of one subject answer.
    fn combined(
        &mut self,
        holders: &BTreeMap<Node, Vec<Hold>>,
        needs: &Needs,
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
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
    fn groups_of(&self, node: Node) -> Vec<Text> {
        match node {
            Node::Account(n) => {
                let account = self.inventory.service_accounts.get(n as usize);
                let own =
                    account.map(|a| Text::from(format!("system:serviceaccounts:{}", a.namespace)));
                let all = ["system:serviceaccounts", "system:authenticated"];
                all.into_iter().map(Text::from).chain(own).collect()
            }
            Node::User(n) => match self.attack.users.get(n as usize).map(|u| &**u) {
                Some("system:anonymous") => vec!["system:unauthenticated".into()],
                _ => vec!["system:authenticated".into()],
            },
            _ => Vec::new(),
        }
    }

    fn combine(
        &mut self,
        subject: Node,
        holds: &[Hold],
        n: usize,
        needs: &Needs,
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
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
        known: &mut FxHashMap<(u32, Scope), Option<NodeId>>,
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

    /// Service accounts and users are members of groups.
    fn members(&mut self, holders: &BTreeMap<Node, Vec<Hold>>) {
        let own = |builder: &Self, name: &str| {
            let id = builder.group_ids.get(name)?;
            let node = Node::Group(*id);
            builder
                .attack
                .graph
                .find(node)
                .filter(|_| holders.contains_key(&node))
        };
        let member = Link::new(
            "GROUP_MEMBER",
            Estimate::exact(1.0),
            Cause::Nature("the API server puts it into the group"),
        );
        let everybody = own(self, "system:authenticated");
        let accounts = own(self, "system:serviceaccounts");
        for (n, account) in (0_u32..).zip(&self.inventory.service_accounts) {
            let of = own(
                self,
                &format!("system:serviceaccounts:{}", account.namespace),
            );
            for group in [of, accounts, everybody].into_iter().flatten() {
                let from = self.node(Node::Account(n));
                self.graph().arc(from, group, member, NONE);
            }
        }
        let users: Vec<Text> = self.attack.users.clone();
        for (n, name) in (0_u32..).zip(&users) {
            let group = if &**name == "system:anonymous" {
                own(self, "system:unauthenticated")
            } else {
                everybody
            };
            if let Some(group) = group {
                let from = self.node(Node::User(n));
                self.graph().arc(from, group, member, NONE);
            }
        }
    }
}

fn estimate((low, expected, high): (f64, f64, f64)) -> Estimate {
    Estimate::between(low, expected, high)
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
fn shared_names(held: &[&Held], aim: Aim) -> Option<Vec<Text>> {
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
