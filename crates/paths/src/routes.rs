//! Routes from entries to sinks: the best of each, and how they are shown.
//! Comes in: the attack graph. Goes out: paths, edge by edge. Never: a path that the graph does not hold.

use crate::build::Attack;
use crate::graph::{Adjacency, Arc, ArcId, Node, NodeId, Reach};
use model::evidence::{Estimate, Ledger};
use model::graph::{Change, Edge, Path};
use model::text::Text;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Routes less probable than this are not listed.
pub(crate) const LEAST: f64 = 1e-6;

/// What is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The most probable path of each route.
    Likely,
    /// The one with the fewest edges; among equals the most probable.
    Short,
}

/// One sink with the best way to it from everywhere.
pub(crate) struct ToSink {
    pub(crate) sink: usize,
    pub(crate) reach: Reach,
}

#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) sink: usize,
    pub(crate) entry: NodeId,
    pub(crate) probability: f64,
    pub(crate) arcs: Vec<ArcId>,
}

/// The best ways to a sink.
pub(crate) fn to_sink(attack: &Attack<'_>, into: &Adjacency, sink: usize, order: Order) -> ToSink {
    let nodes = attack.sinks.get(sink).map_or(&[][..], |sink| &sink.nodes);
    let reach = match order {
        Order::Likely => attack
            .graph
            .reach(into, nodes, |arc| arc.probability.expected),
        Order::Short => attack.graph.reach(into, nodes, |arc| short(attack, arc)),
    };
    ToSink { sink, reach }
}

/// A visible edge costs a fixed factor, for which no probability makes up: the least of hundreds of edges is worth less
/// than one edge more, and a thousand edges are still more than nothing.
fn short(attack: &Attack<'_>, arc: &Arc) -> f64 {
    let p = arc.probability.expected;
    if p <= 0.0 {
        return 0.0;
    }
    let hidden = attack
        .graph
        .nodes
        .get(arc.to as usize)
        .is_some_and(|node| node.is_hidden());
    let step: f64 = if hidden { 1.0 } else { 0.5 };
    step * p.max(1e-6).powf(1e-4)
}

impl ToSink {
    /// The best route of every entry, the most probable first. A network is entered by many doors: the best of each
    /// workload that falls first.
    pub(crate) fn routes(&self, attack: &Attack<'_>, entries: &[NodeId]) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        let by_entry: BTreeMap<NodeId, Vec<usize>> = doors(attack);
        for entry in entries {
            match by_entry.get(entry) {
                Some(doors) => routes.extend(self.over_doors(attack, *entry, doors)),
                None if self.connects(*entry) => {
                    let arcs = self.follow(attack, *entry);
                    routes.push(self.route(attack, *entry, arcs));
                }
                None => {}
            }
        }
        let order = |node: NodeId| attack.graph.nodes.get(node as usize).copied();
        routes.sort_by(|a, b| {
            let class = |route: &Route| order(route.entry).map_or(9, entry_class);
            class(a)
                .cmp(&class(b))
                .then(b.probability.total_cmp(&a.probability))
                .then(a.arcs.len().cmp(&b.arcs.len()))
                .then(order(a.entry).cmp(&order(b.entry)))
                .then(a.arcs.cmp(&b.arcs))
        });
        routes
    }

    pub(crate) fn connects(&self, entry: NodeId) -> bool {
        self.reach
            .next
            .get(entry as usize)
            .is_some_and(|next| *next != u32::MAX)
    }

    fn over_doors(&self, attack: &Attack<'_>, entry: NodeId, doors: &[usize]) -> Vec<Route> {
        let mut best: BTreeMap<u32, Route> = BTreeMap::new();
        for door in doors.iter().filter_map(|n| attack.doors.get(*n)) {
            if !self.connects(door.node) {
                continue;
            }
            let mut arcs = door.arcs.clone();
            arcs.extend(self.follow(attack, door.node));
            let route = self.route(attack, entry, arcs);
            let known = best.get(&door.workload);
            if known.is_none_or(|known| route.probability > known.probability) {
                best.insert(door.workload, route);
            }
        }
        best.into_values()
            .filter(|route| route.probability >= LEAST)
            .collect()
    }

    fn route(&self, attack: &Attack<'_>, entry: NodeId, arcs: Vec<ArcId>) -> Route {
        let probability = arcs
            .iter()
            .filter_map(|arc| attack.graph.arcs.get(*arc as usize));
        Route {
            sink: self.sink,
            entry,
            probability: probability.map(|arc| arc.probability.expected).product(),
            arcs,
        }
    }

    fn follow(&self, attack: &Attack<'_>, from: NodeId) -> Vec<ArcId> {
        let mut arcs = Vec::new();
        let mut node = from;
        // Each arc multiplies by at most 1 and was set once, so the chain has no cycle; the bound is a belt.
        while let Some((id, arc)) = self
            .reach
            .next
            .get(node as usize)
            .and_then(|id| Some((*id, attack.graph.arcs.get(*id as usize)?)))
        {
            arcs.push(id);
            node = arc.to;
            if arcs.len() > attack.graph.len() {
                break;
            }
        }
        arcs
    }
}

fn doors(attack: &Attack<'_>) -> BTreeMap<NodeId, Vec<usize>> {
    let mut by_entry: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
    for (n, door) in attack.doors.iter().enumerate() {
        by_entry.entry(door.entry).or_default().push(n);
    }
    by_entry
}

/// From outside in: what everybody can be comes first.
pub(crate) fn entry_class(node: Node) -> u8 {
    match node {
        Node::Internet => 0,
        Node::Outside => 1,
        Node::PodNetwork => 2,
        Node::Neighbour(_) | Node::Tenant(_) => 3,
        Node::Group(_) => 4,
        Node::Pod(_) => 5,
        Node::Account(_) => 6,
        _ => 7,
    }
}

impl Route {
    /// Whether it goes over a node on its way.
    pub(crate) fn over(&self, attack: &Attack<'_>, node: Node) -> bool {
        let Some(node) = attack.graph.find(node) else {
            return false;
        };
        let to = self
            .arcs
            .iter()
            .filter_map(|arc| attack.graph.arcs.get(*arc as usize));
        to.map(|arc| arc.to).any(|to| to == node)
    }

    pub(crate) fn shown(&self, attack: &Attack<'_>, ledger: &mut Ledger) -> Path {
        let entry = attack.graph.nodes.get(self.entry as usize).copied();
        let sink = attack.sinks.get(self.sink).map_or("?", |sink| sink.name);
        let arcs = self
            .arcs
            .iter()
            .filter_map(|arc| Some((attack, attack.graph.arcs.get(*arc as usize)?)));
        let entry = attack.name(entry.unwrap_or(Node::Hidden(0)));
        shown(entry, sink, arcs, ledger)
    }
}

/// Arcs, each with the graph that it was made in; those over nodes that are not shown become one edge.
pub(crate) fn shown<'g, 'a: 'g>(
    entry: Text,
    sink: &str,
    arcs: impl Iterator<Item = (&'g Attack<'a>, &'g Arc)>,
    ledger: &mut Ledger,
) -> Path {
    let mut edges: Vec<Edge> = Vec::new();
    let mut open: Option<Edge> = None;
    let mut from = Text::clone(&entry);
    for (attack, arc) in arcs {
        let to = attack.graph.nodes.get(arc.to as usize).copied();
        let to = to.unwrap_or(Node::Hidden(0));
        let edge = open.get_or_insert_with(|| Edge {
            from: Text::clone(&from),
            to: Text::from(""),
            kind: Text::from(""),
            technique: Text::from(""),
            probability: Estimate::exact(1.0),
            evidence: Vec::new(),
            missing: Vec::new(),
            changeable: Vec::new(),
        });
        // What a right leads to tells more than that it is held.
        if !arc.kind.is_empty() {
            edge.kind = arc.kind.into();
            edge.technique = attack.technique(arc).into();
        }
        edge.probability = edge.probability.times(arc.probability);
        for evidence in attack.evidence(arc, ledger) {
            if !edge.evidence.contains(&evidence) {
                edge.evidence.push(evidence);
            }
        }
        edge.missing.extend(attack.missing(arc));
        edge.changeable.extend(change_of(attack, arc));
        // From a pod into its container is no step of its own.
        let step = !edge.kind.is_empty() && !to.is_hidden();
        if let Some(mut edge) = open.take_if(|_| step) {
            from = attack.name(to);
            edge.to = Text::clone(&from);
            edge.missing.sort_unstable();
            edge.missing.dedup();
            edge.changeable.dedup();
            edges.push(edge);
        }
    }
    let probability = edges
        .iter()
        .fold(Estimate::exact(1.0), |p, edge| p.times(edge.probability));
    Path {
        entry,
        sink: sink.into(),
        probability,
        edges,
    }
}

fn change_of(attack: &Attack<'_>, arc: &Arc) -> Option<Change> {
    let fix = attack.graph.fixes.get(arc.fix)?;
    fix.change(attack.inventory, attack.authorizer)
}

/// The first route, in the order given, that goes through each container: (workload, container) -> index.
pub(crate) fn worst(attack: &Attack<'_>, routes: &[Route]) -> FxHashMap<(u32, u32), u32> {
    let mut worst = FxHashMap::default();
    for (n, route) in (0_u32..).zip(routes) {
        for arc in route
            .arcs
            .iter()
            .filter_map(|arc| attack.graph.arcs.get(*arc as usize))
        {
            if let Some(Node::Container(w, c)) = attack.graph.nodes.get(arc.to as usize) {
                worst.entry((*w, *c)).or_insert(n);
            }
        }
    }
    worst
}
