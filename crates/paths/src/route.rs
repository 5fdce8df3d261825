//! The most probable routes from an entry to each sink.
//! Comes in: the attack graph. Goes out: routes, one a workload that falls first, and how they are shown.
//! Never: more than [`MOST`] routes a sink.

use crate::build::Attack;
use crate::graph::{Adjacency, ArcId, NodeId, Reach};
use model::evidence::Estimate;
use model::graph::{Edge, Path};
use model::text::Text;
use std::collections::BTreeMap;

/// Routes that are listed for each sink.
pub(crate) const MOST: usize = 20;
/// Routes less probable than this are not listed and not cut.
pub(crate) const LEAST: f64 = 1e-6;

pub(crate) struct Routes {
    pub(crate) listed: Vec<Route>,
    pub(crate) into: Adjacency,
    /// Per sink, by expected values.
    pub(crate) reach: Vec<Reach>,
}

pub(crate) struct Route {
    pub(crate) sink: usize,
    pub(crate) entry: Text,
    pub(crate) arcs: Vec<ArcId>,
}

pub(crate) fn routes(attack: &Attack) -> Routes {
    let into = attack.graph.adjacency(|arc| arc.to);
    let mut routes = Vec::new();
    let mut reaches = Vec::new();
    for (sink, target) in attack.sinks.iter().enumerate() {
        let reach = attack.graph.reach(&into, &target.nodes, |e| e.expected);
        let mut best: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
        for (n, way) in attack.openings.iter().enumerate() {
            let start = way.arcs.iter().fold(1.0, |p, arc| {
                p * attack.graph.arcs[*arc as usize].probability.expected
            });
            let p = start * reach.probability[way.node as usize];
            let known = best.entry(way.workload).or_insert((p, n));
            if p > known.0 {
                *known = (p, n);
            }
        }
        let mut found: Vec<(f64, usize)> =
            best.into_values().filter(|(p, _)| *p >= LEAST).collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, n) in found.into_iter().take(MOST) {
            let way = &attack.openings[n];
            let mut arcs = way.arcs.clone();
            arcs.extend(follow(attack, &reach, way.node));
            routes.push(Route {
                sink,
                entry: Text::clone(&way.entry),
                arcs,
            });
        }
        reaches.push(reach);
    }
    Routes {
        listed: routes,
        into,
        reach: reaches,
    }
}

fn follow(attack: &Attack, reach: &Reach, from: NodeId) -> Vec<ArcId> {
    let mut arcs = Vec::new();
    let mut node = from;
    // Each arc multiplies by at most 1 and was set once, so the chain has no cycle; the bound is a belt.
    while let Some(arc) = attack.graph.arcs.get(reach.next[node as usize] as usize) {
        arcs.push(reach.next[node as usize]);
        node = arc.to;
        if arcs.len() > attack.graph.len() {
            break;
        }
    }
    arcs
}

impl Route {
    /// Arcs over nodes that are not shown become one edge.
    pub(crate) fn shown(&self, attack: &Attack) -> Path {
        let mut edges: Vec<Edge> = Vec::new();
        let mut open: Option<Edge> = None;
        let mut from = Text::clone(&self.entry);
        for arc in self
            .arcs
            .iter()
            .map(|arc| &attack.graph.arcs[*arc as usize])
        {
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
            if edge.kind.is_empty() {
                edge.kind = arc.kind.into();
            }
            edge.probability = edge.probability.times(arc.probability);
            edge.evidence.extend(&arc.evidence);
            edge.missing.extend(&arc.missing);
            edge.changeable
                .extend(arc.change.as_ref().map(|priced| priced.change.clone()));
            if let Some(name) = attack.graph.name(arc.to) {
                from = Text::clone(name);
                if let Some(mut edge) = open.take() {
                    edge.to = Text::clone(name);
                    edge.missing.sort_unstable();
                    edge.missing.dedup();
                    edges.push(edge);
                }
            }
        }
        let probability = edges
            .iter()
            .fold(Estimate::exact(1.0), |p, edge| p.times(edge.probability));
        let sink = &attack.sinks[self.sink];
        // The sink "node" is shown as the node that it is.
        let sink = edges
            .last()
            .filter(|_| sink.nodes.len() > 1)
            .map_or(&sink.name, |edge| &edge.to);
        Path {
            entry: Text::clone(&self.entry),
            sink: Text::clone(sink),
            probability,
            edges,
        }
    }
}
