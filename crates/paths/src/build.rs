//! Builds the attack graph of a cluster.
//! Comes in: exposures, weaknesses, steps. Goes out: the graph with its openings, containers and sinks.
//! Never: an arc a pair of pods. Pools, nodes, tokens, bindings are nodes of their own.

use crate::Weakness;
use crate::blast::Step;
use crate::graph::{Graph, NodeId, Price, Priced};
use crate::lateral::{BASE_RATE, HOP};
use crate::rights::{self, Accounts};
use model::evidence::{Claim, Estimate, Ledger, Truth};
use model::graph::Change;
use model::object::ObjectRef;
use model::situation::ExposureClass;
use model::text::Text;
use model::workload::{ContainerKind, WorkloadState};
use network::{Opening, OpeningKind, WorkloadExposure, class_of, probability};
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, ServiceAccount, WorkloadView};
use std::collections::{BTreeMap, BTreeSet};

mod identity;

/// Steps less probable than this are in the blast radius, but not in the graph.
const LEAST_STEP: f64 = 0.05;
/// P(an attacker on a node uses a token of a pod there).
const TAKES_TOKEN: f64 = 0.9;

pub(crate) struct Attack {
    pub(crate) graph: Graph,
    pub(crate) source: NodeId,
    pub(crate) openings: Vec<Way>,
    /// Node of the graph -> (workload, container).
    pub(crate) containers: FxHashMap<NodeId, (u32, u32)>,
    /// Workload -> "the nodes that it runs on".
    pub(crate) ground: Vec<Option<NodeId>>,
    /// Nodes of the cluster by name.
    pub(crate) nodes: BTreeMap<Text, NodeId>,
    pub(crate) sinks: Vec<Sink>,
}

/// An opening of a workload in the graph.
pub(crate) struct Way {
    pub(crate) workload: u32,
    /// `Internet`, `any pod in the cluster`.
    pub(crate) entry: Text,
    /// From the source to the opening.
    pub(crate) arcs: Vec<u32>,
    pub(crate) node: NodeId,
    /// Over the pod network: other pods use it too.
    inside: bool,
}

pub(crate) struct Sink {
    pub(crate) name: Text,
    pub(crate) nodes: Vec<NodeId>,
}

struct Builder<'a> {
    inventory: &'a Inventory,
    exposures: &'a [WorkloadExposure],
    steps: &'a [Vec<Vec<Step>>],
    accounts: Accounts<'a>,
    /// Workloads that are parts of the cluster itself: their own fields are not the user's to change (rule 15).
    provided: BTreeSet<&'a ObjectRef>,
    graph: Graph,
    source: NodeId,
    openings: Vec<Way>,
    container_nodes: BTreeMap<(u32, u32), NodeId>,
    ground: Vec<Option<NodeId>>,
    nodes: BTreeMap<Text, NodeId>,
    /// Files do not say where pods run.
    some_node: Option<NodeId>,
    cluster_admin: NodeId,
    secrets: NodeId,
    any_node: NodeId,
}

pub(crate) fn attack(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    weaknesses: &[Weakness],
    steps: &[Vec<Vec<Step>>],
    ledger: &mut Ledger,
) -> Attack {
    let mut graph = Graph::default();
    let source = graph.hidden();
    let cluster_admin = graph.node(Some("cluster-admin".into()));
    let secrets = graph.node(Some("all Secrets of the cluster".into()));
    let any_node = graph.node(Some("any node".into()));
    let mut builder = Builder {
        inventory,
        exposures,
        steps,
        accounts: Accounts::of(inventory),
        provided: provided(inventory),
        graph,
        source,
        openings: Vec::new(),
        container_nodes: BTreeMap::new(),
        ground: vec![None; inventory.workloads.len()],
        nodes: BTreeMap::new(),
        some_node: None,
        cluster_admin,
        secrets,
        any_node,
    };
    let weak = builder.weaknesses(weaknesses, ledger);
    builder.entries(&weak);
    builder.pod_network(&weak);
    builder.identities(ledger);
    builder.escapes();
    builder.control_plane(ledger);
    let mut nodes: Vec<NodeId> = builder
        .nodes
        .values()
        .copied()
        .chain(builder.some_node)
        .collect();
    nodes.push(any_node);
    Attack {
        graph: builder.graph,
        source,
        openings: builder.openings,
        containers: builder
            .container_nodes
            .into_iter()
            .map(|(place, node)| (node, place))
            .collect(),
        ground: builder.ground,
        nodes: builder.nodes,
        sinks: vec![
            Sink {
                name: "cluster-admin".into(),
                nodes: vec![cluster_admin],
            },
            Sink {
                name: "all Secrets of the cluster".into(),
                nodes: vec![secrets],
            },
            Sink {
                name: "node".into(),
                nodes,
            },
        ],
    }
}

pub(crate) fn change(object: &ObjectRef, what: impl Into<Text>, price: Price) -> Priced {
    let structural = price != Price::Upgrade;
    Priced {
        change: Change {
            object: object.clone(),
            what: what.into(),
            structural,
        },
        price,
    }
}

impl Builder<'_> {
    fn active(&self) -> Vec<u32> {
        (0_u32..)
            .zip(&self.inventory.workloads)
            .filter(|(_, view)| view.workload.state == WorkloadState::Active)
            .map(|(n, _)| n)
            .collect()
    }

    fn view(&self, workload: u32) -> Option<&WorkloadView> {
        self.inventory.workloads.get(workload as usize)
    }

    fn container(&mut self, workload: u32, container: u32) -> NodeId {
        if let Some(node) = self.container_nodes.get(&(workload, container)) {
            return *node;
        }
        let name = self.view(workload).map(|view| {
            let name = view
                .workload
                .containers
                .get(container as usize)
                .map_or("?", |c| &*c.name);
            Text::from(format!("container {name} of {}", view.workload.object))
        });
        let node = self
            .graph
            .node(Some(name.unwrap_or_else(|| "container".into())));
        self.container_nodes.insert((workload, container), node);
        node
    }

    /// Workload -> nodes at which a delivered exploit starts. One fix of one image is one node, whatever it repairs.
    fn weaknesses(
        &mut self,
        weaknesses: &[Weakness],
        ledger: &mut Ledger,
    ) -> BTreeMap<u32, Vec<NodeId>> {
        type Key = (u32, Text, Option<Text>, Text);
        let mut by_fix: BTreeMap<Key, BTreeMap<u32, Vec<&Weakness>>> = BTreeMap::new();
        for weakness in weaknesses {
            // What no fix repairs stands alone.
            let label = if weakness.fixable.is_some() {
                Text::from("")
            } else {
                Text::clone(&weakness.label)
            };
            let key = (
                weakness.workload,
                Text::clone(&weakness.image),
                weakness.fixable.clone(),
                label,
            );
            by_fix
                .entry(key)
                .or_default()
                .entry(weakness.container)
                .or_default()
                .push(weakness);
        }
        let mut starts: BTreeMap<u32, Vec<NodeId>> = BTreeMap::new();
        for ((workload, image, fix, _), containers) in by_fix {
            let Some(view) = self
                .view(workload)
                .filter(|v| v.workload.state == WorkloadState::Active)
            else {
                continue;
            };
            let object = view.workload.object.clone();
            let (start, weak) = (self.graph.hidden(), self.graph.hidden());
            let arc = self.graph.join(start, weak);
            arc.change =
                fix.map(|fix| change(&object, format!("{fix} in {image}"), Price::Upgrade));
            for (container, mut same) in containers {
                same.sort_by(|a, b| {
                    b.likelihood
                        .expected
                        .total_cmp(&a.likelihood.expected)
                        .then_with(|| a.label.cmp(&b.label))
                });
                let any = same
                    .iter()
                    .fold(Estimate::exact(0.0), |p, w| p.noisy_or(w.likelihood));
                let to = self.container(workload, container);
                let says =
                    |w: &&Weakness| ledger.about(&object, format!("{} in image {image}", w.label));
                let evidence = same.iter().map(says).collect();
                self.graph.arc(weak, to, "vulnerability", any).evidence = evidence;
            }
            starts.entry(workload).or_default().push(start);
        }
        starts
    }

    fn entries(&mut self, weak: &BTreeMap<u32, Vec<NodeId>>) {
        let none = probability(ExposureClass::None);
        let mut objects: BTreeMap<(ObjectRef, Text), (NodeId, u32)> = BTreeMap::new();
        for workload in self.active() {
            let Some(exposure) = self.exposures.get(workload as usize) else {
                continue;
            };
            let mut starts = weak.get(&workload).cloned().unwrap_or_default();
            let outside =
                |o: &&Opening| o.kind != OpeningKind::PodNetwork && o.kind != OpeningKind::Unseen;
            let published = exposure
                .openings
                .iter()
                .any(|o| outside(&o) && o.direct.expected > none);
            let mut only_outside = false;
            if starts.is_empty() && published && exposure.listens.truth() == Truth::Yes {
                starts.extend(self.unknown_flaw(workload));
                only_outside = true;
            }
            if starts.is_empty() {
                continue;
            }
            let open = exposure
                .openings
                .iter()
                .filter(|o| o.direct.expected > none && o.kind != OpeningKind::Unseen);
            for opening in open.filter(|o| !only_outside || outside(o)) {
                self.entry(workload, opening, &starts, &mut objects);
            }
        }
    }

    fn entry(
        &mut self,
        workload: u32,
        opening: &Opening,
        starts: &[NodeId],
        objects: &mut BTreeMap<(ObjectRef, Text), (NodeId, u32)>,
    ) {
        let Some(view) = self.view(workload) else {
            return;
        };
        let inside = opening.kind == OpeningKind::PodNetwork;
        let name = if inside {
            format!("pods of {}", opening.object)
        } else {
            opening.object.to_string()
        };
        let entry = entry_of(opening, &view.workload.key.namespace);
        let fixed = inside || self.provided.contains(&opening.object);
        let mut arcs = Vec::new();
        let mut from = self.source;
        if let (Some(what), false) = (closing(opening.kind), fixed) {
            // One field closes all that the object opens.
            let key = (opening.object.clone(), Text::from(what));
            let (node, arc) = objects.get(&key).copied().unwrap_or_else(|| {
                let node = self.graph.hidden();
                let id = u32::try_from(self.graph.arcs.len()).unwrap_or(u32::MAX);
                let arc = self.graph.join(self.source, node);
                arc.change = Some(change(&opening.object, what, Price::Exposure));
                objects.insert(key, (node, id));
                (node, id)
            });
            arcs.push(arc);
            from = node;
        }
        let node = self.graph.node(Some(name.into()));
        arcs.push(u32::try_from(self.graph.arcs.len()).unwrap_or(u32::MAX));
        let arc = self
            .graph
            .arc(from, node, opening.kind.name(), opening.direct);
        arc.evidence.clone_from(&opening.chain);
        arc.missing.clone_from(&opening.missing);
        for start in starts {
            self.graph.join(node, *start);
        }
        self.openings.push(Way {
            workload,
            entry,
            arcs,
            node,
            inside,
        });
    }

    /// Nothing is known against the workload: it still carries the base rate, and no upgrade repairs that.
    fn unknown_flaw(&mut self, workload: u32) -> Option<NodeId> {
        let view = self.view(workload)?;
        let template = self.inventory.templates.get(view.template as usize)?;
        let serves =
            |kind: ContainerKind| matches!(kind, ContainerKind::App | ContainerKind::Sidecar);
        let container = template
            .containers
            .iter()
            .position(|c| serves(c.kind) && !c.ports.is_empty());
        let container =
            container.or_else(|| template.containers.iter().position(|c| serves(c.kind)))?;
        let to = self.container(workload, u32::try_from(container).ok()?);
        let start = self.graph.hidden();
        self.graph.arc(start, to, "unknown-flaw", BASE_RATE);
        Some(start)
    }

    /// From a container over the pod network to weaknesses of others.
    fn pod_network(&mut self, weak: &BTreeMap<u32, Vec<NodeId>>) {
        let inside = self.openings.iter().filter(|way| way.inside);
        let inner: BTreeMap<u32, NodeId> = inside.map(|way| (way.workload, way.node)).collect();
        let cluster = self.graph.hidden();
        let mut namespaces: BTreeMap<Text, NodeId> = BTreeMap::new();
        let mut sets: BTreeMap<u32, (NodeId, std::sync::Arc<[u32]>)> = BTreeMap::new();
        for (workload, node) in &inner {
            if !weak.contains_key(workload) {
                continue;
            }
            let (Some(view), Some(exposure)) =
                (self.view(*workload), self.exposures.get(*workload as usize))
            else {
                continue;
            };
            let namespace = Text::clone(&view.workload.key.namespace);
            let from = &exposure.reachable_from;
            let hop = |claim: &Claim| Estimate::of(claim, HOP, HOP / 2.0, 0.0);
            let mut links = vec![(cluster, hop(&from.cluster), from.cluster.missing().to_vec())];
            let own = *namespaces
                .entry(namespace)
                .or_insert_with(|| self.graph.hidden());
            links.push((own, hop(&from.namespace), from.namespace.missing().to_vec()));
            for set in &from.peers {
                let members = if set.sure.is_empty() {
                    &set.possible
                } else {
                    &set.sure
                };
                let (pool, _) = sets
                    .entry(set.id)
                    .or_insert_with(|| (self.graph.hidden(), std::sync::Arc::clone(members)));
                let p = if set.sure.is_empty() {
                    Estimate::between(0.0, HOP / 2.0, HOP)
                } else {
                    Estimate::exact(HOP)
                };
                links.push((*pool, p, Vec::new()));
            }
            for (pool, p, missing) in links.into_iter().filter(|(_, p, _)| p.expected > 0.0) {
                self.graph.arc(pool, *node, "pod-network", p).missing = missing;
            }
        }
        let fallen: Vec<(u32, NodeId)> = self
            .container_nodes
            .iter()
            .map(|((w, _), node)| (*w, *node))
            .collect();
        for (workload, node) in &fallen {
            self.graph.join(*node, cluster);
            let namespace = self
                .view(*workload)
                .map(|view| Text::clone(&view.workload.key.namespace));
            if let Some(pool) = namespace.and_then(|namespace| namespaces.get(&namespace).copied())
            {
                self.graph.join(*node, pool);
            }
        }
        let mut by_workload: FxHashMap<u32, Vec<NodeId>> = FxHashMap::default();
        for (workload, node) in &fallen {
            by_workload.entry(*workload).or_default().push(*node);
        }
        for (pool, members) in sets.into_values() {
            for node in members
                .iter()
                .filter_map(|member| by_workload.get(member))
                .flatten()
            {
                self.graph.join(*node, pool);
            }
        }
    }

    /// From containers to the nodes that they run on, and between containers of a pod.
    fn escapes(&mut self) {
        for workload in self.active() {
            let steps = self
                .steps
                .get(workload as usize)
                .cloned()
                .unwrap_or_default();
            let mut shared: BTreeMap<&'static str, NodeId> = BTreeMap::new();
            for (container, steps) in (0_u32..).zip(&steps) {
                for step in steps
                    .iter()
                    .filter(|s| s.escape && s.probability.expected >= LEAST_STEP)
                {
                    self.escape(workload, container, step, &mut shared);
                }
            }
            self.shared_processes(workload);
        }
    }

    fn escape(
        &mut self,
        workload: u32,
        container: u32,
        step: &Step,
        shared: &mut BTreeMap<&'static str, NodeId>,
    ) {
        let ground = self.ground(workload);
        let from = self.container(workload, container);
        let fixed = self
            .view(workload)
            .is_none_or(|view| self.provided.contains(&view.workload.object));
        let change = step.change.clone().filter(|_| !fixed).map(|change| Priced {
            change,
            price: Price::Hardening,
        });
        let to = match (step.of_pod, shared.get(step.kind)) {
            (false, _) => ground,
            (true, Some(pod)) => *pod,
            (true, None) => {
                let pod = self.graph.hidden();
                self.graph.join(pod, ground).change.clone_from(&change);
                shared.insert(step.kind, pod);
                pod
            }
        };
        let arc = self.graph.arc(from, to, step.kind, step.probability);
        arc.evidence.clone_from(&step.because);
        arc.missing.clone_from(&step.missing);
        arc.change = change.filter(|_| !step.of_pod);
    }

    fn shared_processes(&mut self, workload: u32) {
        let Some(view) = self.view(workload) else {
            return;
        };
        let template = self.inventory.templates.get(view.template as usize);
        let Some(template) =
            template.filter(|t| t.share_process_namespace && t.containers.len() > 1)
        else {
            return;
        };
        let object = view.workload.object.clone();
        let fixed = self.provided.contains(&object);
        let count = u32::try_from(template.containers.len()).unwrap_or(0);
        let (inside, shared) = (self.graph.hidden(), self.graph.hidden());
        let arc = self.graph.join(inside, shared);
        arc.change = (!fixed).then(|| {
            change(
                &object,
                "set shareProcessNamespace: false",
                Price::Hardening,
            )
        });
        for container in 0..count {
            let node = self.container(workload, container);
            self.graph
                .arc(node, inside, "shared-processes", Estimate::exact(0.6));
            self.graph.join(shared, node);
        }
    }

    /// "The nodes that the workload runs on".
    fn ground(&mut self, workload: u32) -> NodeId {
        if let Some(Some(node)) = self.ground.get(workload as usize) {
            return *node;
        }
        let ground = self.graph.hidden();
        for node in self.nodes_of(workload) {
            self.graph.join(ground, node);
        }
        if let Some(slot) = self.ground.get_mut(workload as usize) {
            *slot = Some(ground);
        }
        ground
    }

    fn nodes_of(&mut self, workload: u32) -> Vec<NodeId> {
        let Some(view) = self.inventory.workloads.get(workload as usize) else {
            return Vec::new();
        };
        let pods = view
            .pods
            .iter()
            .filter_map(|pod| self.inventory.pods.get(*pod as usize));
        let mut names: Vec<Text> = pods.filter_map(|pod| pod.node.clone()).collect();
        let template = self.inventory.templates.get(view.template as usize);
        names.extend(template.and_then(|t| t.node_name.clone()));
        names.sort();
        names.dedup();
        if names.is_empty() {
            let graph = &mut self.graph;
            let node = *self
                .some_node
                .get_or_insert_with(|| graph.node(Some("a node".into())));
            return vec![node];
        }
        names.iter().map(|name| self.node(name)).collect()
    }

    fn node(&mut self, name: &Text) -> NodeId {
        let graph = &mut self.graph;
        *self
            .nodes
            .entry(Text::clone(name))
            .or_insert_with(|| graph.node(Some(format!("node {name}").into())))
    }

    /// A node of the control plane holds the keys of the cluster.
    fn control_plane(&mut self, ledger: &mut Ledger) {
        let own: Vec<Text> = self
            .inventory
            .nodes
            .iter()
            .filter(|node| is_control_plane(node))
            .map(|node| Text::clone(&node.name))
            .collect();
        for name in &own {
            let object = ObjectRef::new("", "Node", None, name);
            let evidence = ledger.about(&object, of_control_plane(name));
            let node = self.node(name);
            let arc = self.graph.arc(
                node,
                self.cluster_admin,
                "control-plane",
                Estimate::exact(0.9),
            );
            arc.evidence.push(evidence);
            if own.first() == Some(name) {
                let arc = self.graph.arc(
                    self.any_node,
                    self.cluster_admin,
                    "control-plane",
                    Estimate::exact(0.8),
                );
                arc.evidence.push(evidence);
            }
        }
    }

    fn account(&self, view: &WorkloadView) -> Option<&ServiceAccount> {
        let template = self.inventory.templates.get(view.template as usize)?;
        self.accounts
            .find(&view.workload.key.namespace, &template.service_account)
    }

    fn token_of(
        &self,
        view: &WorkloadView,
        container: usize,
        ledger: &mut Ledger,
    ) -> Option<rights::Token> {
        let template = self.inventory.templates.get(view.template as usize)?;
        let account = self.account(view);
        Some(rights::token(
            template,
            template.containers.get(container)?,
            account,
            ledger,
        ))
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

fn entry_of(opening: &Opening, namespace: &str) -> Text {
    let known = class_of(opening.direct.expected);
    let class = if known == ExposureClass::Unknown {
        opening.at_most
    } else {
        known
    };
    match class {
        ExposureClass::Internet => "Internet".into(),
        ExposureClass::External => "a network outside of the cluster".into(),
        ExposureClass::Cluster => "any pod in the cluster".into(),
        _ => format!("a pod in namespace {namespace}").into(),
    }
}

/// What to change on the object of an opening.
const fn closing(kind: OpeningKind) -> Option<&'static str> {
    match kind {
        OpeningKind::LoadBalancer | OpeningKind::NodePort => {
            Some("set type: ClusterIP, or make it internal")
        }
        OpeningKind::ExternalIp => Some("remove externalIPs"),
        OpeningKind::HostPort => Some("remove hostPort from its containers"),
        OpeningKind::HostNetwork => Some("set hostNetwork: false"),
        OpeningKind::Ingress => Some("delete it, or serve it by an internal ingress class"),
        OpeningKind::Gateway => Some("delete it, or attach it to an internal Gateway"),
        OpeningKind::Route => Some("delete it"),
        OpeningKind::Tunnel => Some("stop publishing through it"),
        OpeningKind::Unseen | OpeningKind::PodNetwork => None,
    }
}
