//! From rights, where they are held, to what they reach.
//! Comes in: an aim with its scope and names. Goes out: arcs. Never: a name that was not seen.

use super::Builder;
use super::rights::Known;
use crate::fix::NONE;
use crate::graph::{CLUSTER, Link, Node, NodeId, Scope, count};
use crate::rbac::{Aim, DEPUTIES, Needs};
use model::evidence::Estimate;
use model::text::Text;
use semantics::authorizer::MASTERS;
use std::collections::BTreeSet;

impl Builder<'_> {
    /// From rights to what they reach.
    #[allow(
        clippy::too_many_arguments,
        reason = "one right with its scope, names and way of telling"
    )]
    pub(super) fn lead(
        &mut self,
        from: NodeId,
        aim: Aim,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
        needs: &Needs,
        known: &mut Known,
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
                Some(names) => {
                    to.push(Node::SomeSecrets(scope));
                    to.extend(self.named_secrets(scope, names));
                }
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
                    link.probability = link.probability.times(Estimate::between(0.05, 0.5, 1.0));
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
        if link.kind == "NODE_PROXY" && !self.attack.authorizer.complete {
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
    pub(super) fn bound(
        &mut self,
        from: NodeId,
        aim: Aim,
        scope: Scope,
        names: Option<&[Text]>,
        link: Link,
        needs: &Needs,
        known: &mut Known,
    ) {
        let roles = &self.attack.authorizer.roles;
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
                if let Some(power) = self.power_behind(role, *scope, needs, known) {
                    self.graph().arc(from, power, link, NONE);
                }
            }
        }
    }

    pub(super) fn named_accounts(&self, scope: Scope, names: &[Text]) -> Vec<Node> {
        (0_u32..)
            .zip(&self.inventory.service_accounts)
            .filter(|(_, a)| names.contains(&a.name) && self.is_in(&a.namespace, scope))
            .map(|(n, _)| Node::Account(n))
            .collect()
    }

    pub(super) fn is_in(&self, namespace: &str, scope: Scope) -> bool {
        scope == CLUSTER || self.scope(Some(namespace)) == Some(scope)
    }

    /// Accounts whose tokens the named Secrets hold.
    pub(super) fn named_secrets(&self, scope: Scope, names: &[Text]) -> Vec<Node> {
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
    pub(super) fn homes_of(&self, names: &[Text]) -> BTreeSet<Node> {
        self.active()
            .filter(|(_, view)| names.contains(&view.workload.object.name))
            .filter_map(|(_, view)| self.scope(Some(&view.workload.key.namespace)))
            .map(Node::Created)
            .collect()
    }

    /// Pods, or all pods of nodes, by their names.
    pub(super) fn named_pods(&self, scope: Scope, names: &[Text]) -> BTreeSet<Node> {
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
    pub(super) fn trust(&mut self, from: NodeId, scope: Scope, names: Option<&[Text]>, link: Link) {
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
    pub(super) fn deputy(&mut self, from: NodeId, n: usize, link: Link) {
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
}
