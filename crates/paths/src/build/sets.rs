//! Sets and what they hold: accounts, pods, Secrets of a namespace or of the cluster, pods of the attacker's making.
//! Comes in: the sets that rights reached. Goes out: arcs to members and sinks. Never: a set that nothing reaches.

use super::Builder;
use super::doors::WeakPoints;
use crate::fix::{Fix, NONE};
use crate::graph::{CLUSTER, Cause, Link, Node, NodeId, Scope, count};
use crate::kinds;
use model::evidence::{Estimate, Gap, GapId, GapWeight, Ledger, Stage};
use model::text::Text;
use rustc_hash::FxHashMap;

const SURE: Estimate = Estimate::exact(1.0);

/// Node ids of accounts and pods, by scope.
#[derive(Default)]
struct Members {
    accounts: FxHashMap<Scope, Vec<NodeId>>,
    pods: FxHashMap<Scope, Vec<NodeId>>,
}

impl Members {
    fn of(list: &FxHashMap<Scope, Vec<NodeId>>, scope: Scope) -> &[NodeId] {
        list.get(&scope).map_or(&[], Vec::as_slice)
    }
}

impl Builder<'_> {
    /// What was not seen and bears on sets.
    pub(super) fn look(&mut self, ledger: &mut Ledger) {
        let unseen = &self.inventory.unseen;
        let files = !self.attack.authorizer.complete;
        let gap = |class: &str, what: &str, scope: &str, close: &str| Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Relate,
            scope: scope.into(),
            weight: GapWeight::Widens,
            close: close.into(),
        };
        let needed = !self.attack.authorizer.bindings.is_empty();
        self.secrets_unseen = unseen.get("Secret").copied();
        if self.secrets_unseen.is_none() && files && needed && self.inventory.secrets.is_empty() {
            self.secrets_unseen = Some(ledger.gap(gap(
                "secrets-not-seen",
                "Secrets were not seen: whether they hold tokens of service accounts is open",
                "secrets",
                "give the Secret objects too; their values are dropped",
            )));
        }
        self.nodes_unseen = unseen.get("Node").copied();
        if self.nodes_unseen.is_none() && self.inventory.nodes.is_empty() && needed {
            self.nodes_unseen = Some(ledger.gap(gap(
                "nodes-not-seen",
                "nodes were not seen: which pods share one, and whether pods reach one of the control plane, is open",
                "nodes",
                "look at the live cluster, or collect a snapshot",
            )));
        }
    }

    /// Fills the sets that are in the graph; one set may lead to another, so it goes on until nothing is new.
    pub(super) fn sets(&mut self, weak: &WeakPoints, ledger: &mut Ledger) {
        self.top();
        for n in 0..count(self.inventory.namespaces.len()) {
            let (tenant, created) = (self.node(Node::Tenant(n)), self.node(Node::Created(n + 1)));
            let cause = Cause::Nature("a tenant may create pods in the namespace");
            self.graph().arc(
                tenant,
                created,
                Link::new(kinds::TENANT.name, SURE, cause),
                NONE,
            );
        }
        let mut at = 0;
        while let Some(node) = self.attack.graph.nodes.get(at).copied() {
            let id = count(at);
            match node {
                Node::Admin(scope) => self.admin_of(id, scope),
                Node::Created(scope) => self.created(id, scope, ledger),
                Node::Secrets(scope) => self.secrets(id, scope),
                Node::Account(n) => self.cloud(id, n, ledger),
                _ => {}
            }
            at += 1;
        }
        // Their members are all known now.
        let sets = self.attack.graph.nodes.clone();
        let members = self.by_namespace(&sets);
        for (id, node) in (0_u32..).zip(&sets) {
            match node {
                Node::Accounts(scope) => self.accounts_of(id, *scope, &members),
                Node::Pods(scope) => self.pods_of(id, *scope, &members),
                Node::Endpoints(scope) => self.endpoints_of(id, *scope, weak),
                Node::Users => self.identities(id, &sets, |node| matches!(node, Node::User(_))),
                Node::Groups => self.identities(id, &sets, |node| matches!(node, Node::Group(_))),
                Node::Machines => {
                    self.identities(id, &sets, |n| {
                        matches!(n, Node::Machine(_) | Node::SomeMachine)
                    });
                }
                _ => {}
            }
        }
    }

    /// Cluster-admin may all: be a master, read Secrets, run pods on nodes.
    fn top(&mut self) {
        let (admin, masters) = (self.node(Node::ClusterAdmin), self.node(Node::Masters));
        let link = Link::new(
            kinds::CLUSTER_ADMIN.name,
            SURE,
            Cause::Nature("cluster-admin may do everything"),
        );
        self.graph().arc(admin, masters, link, NONE);
        self.graph().arc(masters, admin, link, NONE);
        let all = [
            Node::Secrets(CLUSTER),
            Node::Machines,
            Node::Admission,
            Node::Admin(CLUSTER),
        ];
        for node in all {
            let to = self.node(node);
            self.graph().arc(admin, to, link, NONE);
        }
    }

    fn admin_of(&mut self, id: NodeId, scope: Scope) {
        let link = Link::new(
            kinds::NAMESPACE_ADMIN.name,
            SURE,
            Cause::Nature("an admin of a namespace may do everything in it"),
        );
        if scope == CLUSTER {
            for n in 0..count(self.inventory.namespaces.len()) {
                let to = self.node(Node::Admin(n + 1));
                self.graph().join(id, to);
            }
            return;
        }
        for node in [
            Node::Created(scope),
            Node::Secrets(scope),
            Node::Accounts(scope),
            Node::Pods(scope),
        ] {
            let to = self.node(node);
            self.graph().arc(id, to, link, NONE);
        }
    }

    /// A pod of one's own runs as any account of its namespace, mounts its Secrets, and enters the node where Pod
    /// Security lets it.
    fn created(&mut self, id: NodeId, scope: Scope, ledger: &mut Ledger) {
        let token = Link::new(
            kinds::POD_TOKEN.name,
            Estimate::exact(0.95),
            Cause::Nature("a pod may run as any service account of its namespace"),
        );
        let mount = Link::new(
            kinds::POD_MOUNT_SECRET.name,
            Estimate::exact(0.95),
            Cause::Nature("a pod may mount any Secret of its namespace"),
        );
        let (accounts, secrets) = (
            self.node(Node::Accounts(scope)),
            self.node(Node::Secrets(scope)),
        );
        self.graph().arc(id, accounts, token, NONE);
        self.graph().arc(id, secrets, mount, NONE);
        let (admits, missing, fix, cause) = match scope.checked_sub(1) {
            None => (
                Estimate::exact(0.9),
                None,
                NONE,
                "some namespace admits pods that enter the node: kube-system must",
            ),
            Some(n) => {
                let name = self
                    .inventory
                    .namespaces
                    .get(n as usize)
                    .map(|n| Text::clone(&n.name));
                let name = name.unwrap_or_else(|| "".into());
                let (admits, missing) = self.accounts.admits_privileged(&name, ledger);
                let system = &*name == "kube-system";
                let fix = if system {
                    NONE
                } else {
                    self.graph().fix(Fix::Enforce(n))
                };
                (
                    admits,
                    missing,
                    fix,
                    "Pod Security of the namespace admits pods that enter the node",
                )
            }
        };
        if admits.expected >= super::LEAST_STEP * 2.0 {
            let machines = self.node(Node::Machines);
            let link =
                Link::new(kinds::POD_ESCAPE.name, admits, Cause::Nature(cause)).missing(missing);
            self.graph().arc(id, machines, link, fix);
        }
    }

    /// Tokens of the old kind lie in Secrets.
    fn secrets(&mut self, id: NodeId, scope: Scope) {
        let inventory = self.inventory;
        // The inventory's Secrets are ordered by namespace.
        let place = scope
            .checked_sub(1)
            .and_then(|n| inventory.namespaces.get(n as usize));
        let from = place.map_or(0, |place| {
            inventory
                .secrets
                .partition_point(|s| s.namespace < place.name)
        });
        let here = inventory.secrets.iter().enumerate().skip(from);
        for (n, secret) in
            here.take_while(|(_, s)| place.is_none_or(|place| s.namespace == place.name))
        {
            let token = &*secret.kind == "kubernetes.io/service-account-token";
            let account = secret
                .account
                .as_deref()
                .filter(|_| token)
                .and_then(|name| self.account_ids.get(&(&*secret.namespace, name)).copied());
            let Some(account) = account else { continue };
            let Some(to) = self.attack.graph.find(Node::Account(account)) else {
                continue;
            };
            let link = Link::new(
                kinds::TOKEN_STEAL.name,
                Estimate::exact(0.95),
                Cause::Token(count(n)),
            );
            self.graph().arc(id, to, link, NONE);
        }
        if let Some(missing) = self.secrets_unseen {
            // Only tokens of the old kind are kept in Secrets.
            let to = self.node(Node::Accounts(scope));
            let cause = Cause::Nature("a Secret may hold the token of a service account");
            let p = Estimate::between(0.0, 0.1, 0.9);
            let link = Link::new(kinds::TOKEN_STEAL.name, p, cause).missing(Some(missing));
            self.graph().arc(id, to, link, NONE);
        }
    }

    fn accounts_of(&mut self, id: NodeId, scope: Scope, members: &Members) {
        for to in Members::of(&members.accounts, scope) {
            self.graph().join(id, *to);
        }
        let system = scope == CLUSTER || self.scope(Some("kube-system")) == Some(scope);
        if system && !self.attack.authorizer.complete {
            // Controllers of the control plane are not in files.
            let admin = self.node(Node::ClusterAdmin);
            let cause =
                Cause::Nature("controllers of the control plane run as accounts of kube-system");
            let link = Link::new(kinds::SYSTEM_CONTROLLER.name, Estimate::exact(0.6), cause);
            self.graph().arc(id, admin, link, NONE);
        }
    }

    fn pods_of(&mut self, id: NodeId, scope: Scope, members: &Members) {
        for to in Members::of(&members.pods, scope) {
            self.graph().join(id, *to);
        }
    }

    /// Accounts and pods by their namespace.
    fn by_namespace(&self, nodes: &[Node]) -> Members {
        let mut members = Members::default();
        for (id, node) in (0_u32..).zip(nodes) {
            let (namespace, list) = match node {
                Node::Account(n) => {
                    let account = self.inventory.service_accounts.get(*n as usize);
                    (
                        account.map(|account| &account.namespace),
                        &mut members.accounts,
                    )
                }
                Node::Pod(n) => {
                    let view = self.view(*n);
                    (
                        view.map(|view| &view.workload.key.namespace),
                        &mut members.pods,
                    )
                }
                _ => continue,
            };
            list.entry(CLUSTER).or_default().push(id);
            if let Some(scope) = namespace.and_then(|name| self.scope(Some(name))) {
                list.entry(scope).or_default().push(id);
            }
        }
        members
    }

    fn endpoints_of(&mut self, id: NodeId, scope: Scope, weak: &WeakPoints) {
        for (workload, starts) in weak {
            let view = self.view(*workload);
            let here = view.is_some_and(|view| {
                scope == CLUSTER || self.scope(Some(&view.workload.key.namespace)) == Some(scope)
            });
            for start in starts.iter().filter(|_| here) {
                self.graph().join(id, *start);
            }
        }
    }

    fn identities(&mut self, id: NodeId, sets: &[Node], is: impl Fn(Node) -> bool) {
        for (to, node) in (0_u32..).zip(sets) {
            if is(*node) {
                self.graph().join(id, to);
            }
        }
    }

    /// What an account is in the cloud, and perhaps back in the cluster.
    pub(super) fn cloud(&mut self, id: NodeId, account: u32, ledger: &mut Ledger) {
        let account = self.inventory.service_accounts.get(account as usize);
        let Some(identity) = account.and_then(|account| account.cloud_identity.as_ref()) else {
            return;
        };
        let clouds = &mut self.attack.clouds;
        let n = clouds
            .iter()
            .position(|known| known == identity)
            .unwrap_or_else(|| {
                clouds.push(Text::clone(identity));
                clouds.len() - 1
            });
        let cloud = self.node(Node::Cloud(count(n)));
        let cause = Cause::Nature("an annotation of the service account names the cloud identity");
        self.graph().arc(
            id,
            cloud,
            Link::new(kinds::CLOUD_IDENTITY.name, Estimate::exact(0.95), cause),
            NONE,
        );
        let missing: GapId = ledger.gap(crate::blast::gap(
            "cloud-identity-rights-unknown",
            "service accounts with a cloud identity: its rights in the cloud were not seen",
            "serviceaccounts",
            "",
        ));
        let admin = self.node(Node::ClusterAdmin);
        let cause = Cause::Nature("what the cloud identity may do was not seen");
        let link = Link::new(
            kinds::CLOUD_RETURN.name,
            Estimate::between(0.0, 0.05, 0.9),
            cause,
        );
        self.graph()
            .arc(cloud, admin, link.missing(Some(missing)), NONE);
    }
}
