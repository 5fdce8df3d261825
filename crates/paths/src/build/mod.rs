//! Builds the attack graph of a cluster.
//! Comes in: exposures, weaknesses, steps, the authorizer. Goes out: the graph with its entries and sinks.
//! Never: an arc a pair of pods or accounts. Pools, nodes, roles in a scope are nodes of their own.
//!
//! ```text
//! doors.rs    entry -> opening -> weak point -> container -.- pod network -> opening of another workload
//! pods.rs     container -> escape -> node -> pods on it;  container -> token -> service account
//! rights.rs   subject -> (binding) role in a scope;  aims.rs  -> what its rights reach;  combined.rs  several at once
//! sets.rs     "all accounts of a namespace", "a new pod in a namespace" ... -> their members, sinks
//! ```

mod aims;
mod combined;
mod doors;
mod pods;
mod rights;
mod sets;

use crate::Weakness;
use crate::blast::Step;
use crate::fix::{Fix, FixId, NONE};
use crate::graph::{ArcId, CLUSTER, Graph, Node, NodeId, Scope, count};
use crate::rbac::Powers;
use crate::rights::Accounts;
use crate::sink::{Sink, sinks};
use model::evidence::{GapId, Ledger};
use model::object::ObjectRef;
use model::text::Text;
use model::workload::WorkloadState;
use network::WorkloadExposure;
use rustc_hash::FxHashMap;
use semantics::authorizer::Authorizer;
use semantics::view::{Inventory, WorkloadView};
use std::collections::BTreeSet;

/// Steps less probable than this are in the blast radius, but not in the graph.
const LEAST_STEP: f64 = 0.05;

/// The graph with the tables that its numbers point into.
pub(crate) struct Attack<'a> {
    pub(crate) graph: Graph,
    pub(crate) inventory: &'a Inventory,
    /// The inventory's own, or the part of it that a change is about.
    pub(crate) authorizer: &'a Authorizer,
    pub(crate) exposures: &'a [WorkloadExposure],
    pub(crate) steps: &'a [Vec<Vec<Step>>],
    pub(crate) weaknesses: &'a [Weakness],
    /// Groups of weaknesses that one upgrade closes: indices into the weaknesses of one container.
    pub(crate) weak: Vec<Vec<u32>>,
    pub(crate) users: Vec<Text>,
    pub(crate) groups: Vec<Text>,
    pub(crate) clouds: Vec<Text>,
    /// Names of nodes.
    pub(crate) machines: Vec<Text>,
    /// Where an attacker may stand first: networks, then footholds, then identities.
    pub(crate) entries: Vec<NodeId>,
    /// Ways in from the networks.
    pub(crate) doors: Vec<Door>,
    pub(crate) sinks: Vec<Sink>,
    /// Workload -> "the nodes that it runs on".
    pub(crate) ground: Vec<Option<NodeId>>,
    /// Subjects that are bound to everything.
    pub(crate) admins: BTreeSet<Node>,
    /// Pools of workloads that some policy names.
    pub(crate) pools: usize,
}

/// An opening of a workload, from where it is reached.
pub(crate) struct Door {
    pub(crate) workload: u32,
    pub(crate) entry: NodeId,
    /// From the entry to the opening.
    pub(crate) arcs: Vec<ArcId>,
    pub(crate) node: NodeId,
}

impl Attack<'_> {
    /// Entries that are no foothold and no identity.
    pub(crate) fn networks(&self) -> Vec<NodeId> {
        let network = |id: &NodeId| {
            let node = self.graph.nodes.get(*id as usize);
            node.is_some_and(|node| crate::routes::entry_class(*node) <= 3)
        };
        self.entries.iter().copied().filter(network).collect()
    }
}

struct Builder<'a> {
    inventory: &'a Inventory,
    exposures: &'a [WorkloadExposure],
    steps: &'a [Vec<Vec<Step>>],
    weaknesses: &'a [Weakness],
    accounts: Accounts<'a>,
    /// Workloads that are parts of the cluster itself: their own fields are not the user's to change (rule 15).
    provided: BTreeSet<&'a ObjectRef>,
    namespaces: FxHashMap<&'a str, u32>,
    account_ids: FxHashMap<(&'a str, &'a str), u32>,
    user_ids: FxHashMap<Text, u32>,
    group_ids: FxHashMap<Text, u32>,
    machine_ids: FxHashMap<Text, u32>,
    /// Made when the first step asks.
    binding_ids: Option<FxHashMap<&'a ObjectRef, u32>>,
    attack: Attack<'a>,
    /// Secrets were not seen, or not all.
    secrets_unseen: Option<GapId>,
    nodes_unseen: Option<GapId>,
    powers: Vec<Powers>,
    /// How many roles deep the one is that is looked at: roles may bind roles that bind roles.
    depth: usize,
    /// Roles in a scope that lie deeper, to be looked at when those before are done.
    later: Vec<(u32, Scope)>,
}

/// What the graph is made of.
#[derive(Clone, Copy)]
pub(crate) struct Material<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) authorizer: &'a Authorizer,
    pub(crate) exposures: &'a [WorkloadExposure],
    pub(crate) weaknesses: &'a [Weakness],
    pub(crate) steps: &'a [Vec<Vec<Step>>],
}

pub(crate) fn attack<'a>(material: Material<'a>, ledger: &mut Ledger) -> Attack<'a> {
    Builder::of(material, ledger).whole(ledger)
}

/// The same with the nodes of which nothing follows yet, so that what is added later finds all that it leads to.
pub(crate) fn dormant<'a>(material: Material<'a>, ledger: &mut Ledger) -> Attack<'a> {
    let mut builder = Builder::of(material, ledger);
    builder.everything();
    builder.whole(ledger)
}

/// Only what the bindings and roles of the material give: its sets have no members, nothing leads to a subject.
pub(crate) fn grants<'a>(material: Material<'a>, ledger: &mut Ledger) -> Attack<'a> {
    let mut builder = Builder::of(material, ledger);
    let holders = builder.rights();
    for node in holders.keys() {
        builder.membership(*node);
    }
    builder.entries();
    builder.attack
}

/// Only what the workloads and accounts of the material are and have: ways in from outside, escapes, tokens, groups.
pub(crate) fn workloads<'a>(material: Material<'a>, ledger: &mut Ledger) -> Attack<'a> {
    let mut builder = Builder::of(material, ledger);
    builder.everything();
    for n in 0..count(material.inventory.service_accounts.len()) {
        let account = Node::Account(n);
        builder.membership(account);
        let id = builder.node(account);
        builder.cloud(id, n, ledger);
    }
    let weak = builder.weak_points();
    builder.openings(&weak);
    builder.tokens(ledger);
    builder.escapes(ledger);
    builder.entries();
    builder.attack
}

impl<'a> Builder<'a> {
    fn of(material: Material<'a>, ledger: &mut Ledger) -> Self {
        let Material {
            inventory,
            authorizer,
            exposures,
            weaknesses,
            steps,
        } = material;
        let mut builder = Builder {
            inventory,
            exposures,
            steps,
            weaknesses,
            accounts: Accounts::of(inventory),
            provided: provided(inventory),
            namespaces: (0..)
                .zip(&inventory.namespaces)
                .map(|(n, namespace)| (&*namespace.name, n))
                .collect(),
            account_ids: (0..)
                .zip(&inventory.service_accounts)
                .map(|(n, a)| ((&*a.namespace, &*a.name), n))
                .collect(),
            user_ids: FxHashMap::default(),
            group_ids: FxHashMap::default(),
            machine_ids: FxHashMap::default(),
            binding_ids: None,
            attack: Attack {
                graph: Graph::default(),
                inventory,
                authorizer,
                exposures,
                steps,
                weaknesses,
                weak: Vec::new(),
                users: Vec::new(),
                groups: Vec::new(),
                clouds: Vec::new(),
                machines: Vec::new(),
                entries: Vec::new(),
                doors: Vec::new(),
                sinks: Vec::new(),
                ground: vec![None; inventory.workloads.len()],
                admins: BTreeSet::new(),
                pools: 0,
            },
            secrets_unseen: None,
            nodes_unseen: None,
            powers: Vec::new(),
            depth: 0,
            later: Vec::new(),
        };
        builder.look(ledger);
        for node in &inventory.nodes {
            builder.machine(&node.name);
        }
        builder
    }

    fn whole(mut self, ledger: &mut Ledger) -> Attack<'a> {
        let weak = self.weak_points();
        self.openings(&weak);
        let holders = self.rights();
        self.members(&holders);
        self.tokens(ledger);
        self.escapes(ledger);
        self.pod_network(&weak);
        self.sets(&weak, ledger);
        self.control_plane();
        self.entries();
        self.attack.sinks = sinks(&self.attack.graph, self.inventory);
        self.attack
    }

    /// Subjects and sets, whether or not something follows of them.
    fn everything(&mut self) {
        for n in 0..count(self.inventory.service_accounts.len()) {
            self.node(Node::Account(n));
        }
        for scope in 0..=count(self.inventory.namespaces.len()) {
            for set in [
                Node::Accounts,
                Node::Pods,
                Node::Endpoints,
                Node::Created,
                Node::Secrets,
                Node::Admin,
                Node::Traffic,
            ] {
                self.node(set(scope));
            }
        }
        for set in [
            Node::Users,
            Node::Groups,
            Node::Machines,
            Node::Kubelets,
            Node::Placement,
            Node::Admission,
            Node::ClusterAdmin,
            Node::Masters,
        ] {
            self.node(set);
        }
    }

    fn graph(&mut self) -> &mut Graph {
        &mut self.attack.graph
    }

    fn node(&mut self, node: Node) -> NodeId {
        self.attack.graph.node(node)
    }

    fn active(&self) -> impl Iterator<Item = (u32, &'a WorkloadView)> + use<'a> {
        (0_u32..)
            .zip(&self.inventory.workloads)
            .filter(|(_, view)| view.workload.state == WorkloadState::Active)
    }

    fn view(&self, workload: u32) -> Option<&'a WorkloadView> {
        self.inventory.workloads.get(workload as usize)
    }

    /// The container, and the arc to it from its pod.
    fn container(&mut self, workload: u32, container: u32) -> NodeId {
        let node = Node::Container(workload, container);
        if let Some(known) = self.attack.graph.find(node) {
            return known;
        }
        let pod = self.node(Node::Pod(workload));
        let node = self.node(node);
        self.graph().join(pod, node);
        node
    }

    fn scope(&self, namespace: Option<&str>) -> Option<Scope> {
        match namespace {
            None => Some(CLUSTER),
            Some(name) => self.namespaces.get(name).map(|n| n + 1),
        }
    }

    fn machine(&mut self, name: &Text) -> NodeId {
        let machines = &mut self.attack.machines;
        let id = *self
            .machine_ids
            .entry(Text::clone(name))
            .or_insert_with(|| {
                machines.push(Text::clone(name));
                count(machines.len() - 1)
            });
        self.node(Node::Machine(id))
    }

    fn is_provided(&self, workload: u32) -> bool {
        self.view(workload)
            .is_none_or(|view| self.provided.contains(&view.workload.object))
    }

    /// A change of a workload, where it is the user's to change.
    fn workload_fix(&mut self, workload: u32, what: impl Into<Text>) -> FixId {
        if self.is_provided(workload) {
            return NONE;
        }
        self.attack.graph.fix(Fix::Workload(workload, what.into()))
    }

    /// Where an attacker may stand: outside first, then footholds, then identities.
    fn entries(&mut self) {
        let attack = &self.attack;
        let is_entry = |node: &Node| match node {
            Node::Internet
            | Node::Outside
            | Node::PodNetwork
            | Node::Neighbour(_)
            | Node::Pod(_)
            | Node::Account(_) => true,
            Node::User(n) => attack
                .users
                .get(*n as usize)
                .is_some_and(|user| self.is_entry(*node, user)),
            Node::Group(n) => attack
                .groups
                .get(*n as usize)
                .is_some_and(|group| self.is_entry(*node, group)),
            _ => false,
        };
        let mut entries: Vec<Node> = attack
            .graph
            .nodes
            .iter()
            .copied()
            .filter(is_entry)
            .collect();
        entries.sort_unstable();
        self.attack.entries = entries
            .iter()
            .filter_map(|n| attack.graph.find(*n))
            .collect();
    }

    /// Subjects of the control plane, and those whom a binding makes cluster-admin by intent, hold what others would
    /// have to reach.
    fn is_entry(&self, node: Node, name: &str) -> bool {
        let everyone = matches!(
            name,
            "system:anonymous" | "system:unauthenticated" | "system:authenticated"
        ) || name.starts_with("system:serviceaccounts");
        !rights::is_control_plane(name) && (everyone || !self.attack.admins.contains(&node))
    }
}

pub(crate) fn is_control_plane(node: &semantics::view::Node) -> bool {
    [
        "node-role.kubernetes.io/control-plane",
        "node-role.kubernetes.io/master",
    ]
    .iter()
    .any(|role| node.labels.contains_key(*role))
}

pub(crate) fn of_control_plane(name: &str) -> String {
    format!("node {name} is of the control plane")
}

fn provided(inventory: &Inventory) -> BTreeSet<&ObjectRef> {
    let workloads = inventory.workloads.iter().map(|view| &view.workload);
    let own = workloads.filter(|workload| workload.is_provided());
    own.map(|workload| &workload.object).collect()
}
