//! The attack graph: nodes, arcs with probability and evidence, adjacency lists.
//! Comes in: arcs. Goes out: best chains to a sink. Never: the same change on two arcs, so that a cut counts it once.

use model::evidence::{Estimate, EvidenceId, GapId};
use model::graph::Change;
use model::text::Text;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

pub(crate) type NodeId = u32;
pub(crate) type ArcId = u32;

#[derive(Default)]
pub(crate) struct Graph {
    /// `None`: not shown; its arcs are joined with the ones before.
    names: Vec<Option<Text>>,
    pub(crate) arcs: Vec<Arc>,
}

#[derive(Clone, Debug)]
pub(crate) struct Arc {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    /// Empty where the arc is part of another one.
    pub(crate) kind: &'static str,
    pub(crate) probability: Estimate,
    pub(crate) evidence: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
    pub(crate) change: Option<Priced>,
}

/// A change and what it costs beside others: only a tie-break, fewer changes come first.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) change: Change,
    pub(crate) price: Price,
}

/// Ordered from what costs the users least. Upgrades hold until the next vulnerability (rule 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Price {
    Hardening = 0,
    Token = 1,
    Binding = 2,
    Exposure = 4,
    Upgrade = 8,
}

/// The best way from every node to a sink.
pub(crate) struct Reach {
    /// P of the best chain; 0 where there is none.
    pub(crate) probability: Vec<f64>,
    /// Its first arc; `u32::MAX` at the sink and where there is none.
    pub(crate) next: Vec<ArcId>,
}

/// Arcs by their head or tail.
pub(crate) struct Adjacency {
    starts: Vec<u32>,
    arcs: Vec<ArcId>,
}

impl Graph {
    pub(crate) fn node(&mut self, name: Option<Text>) -> NodeId {
        self.names.push(name);
        u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn hidden(&mut self) -> NodeId {
        self.node(None)
    }

    pub(crate) fn name(&self, node: NodeId) -> Option<&Text> {
        self.names.get(node as usize).and_then(Option::as_ref)
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn arc(
        &mut self,
        from: NodeId,
        to: NodeId,
        kind: &'static str,
        probability: Estimate,
    ) -> &mut Arc {
        self.arcs.push(Arc {
            from,
            to,
            kind,
            probability,
            evidence: Vec::new(),
            missing: Vec::new(),
            change: None,
        });
        let last = self.arcs.len() - 1;
        &mut self.arcs[last]
    }

    /// An arc that always works and is not shown on its own.
    pub(crate) fn join(&mut self, from: NodeId, to: NodeId) -> &mut Arc {
        self.arc(from, to, "", Estimate::exact(1.0))
    }

    pub(crate) fn adjacency(&self, end: impl Fn(&Arc) -> NodeId) -> Adjacency {
        let mut starts = vec![0_u32; self.len() + 1];
        for arc in &self.arcs {
            starts[end(arc) as usize + 1] += 1;
        }
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let mut next = starts.clone();
        let mut arcs = vec![0; self.arcs.len()];
        for (id, arc) in (0_u32..).zip(&self.arcs) {
            let slot = &mut next[end(arc) as usize];
            arcs[*slot as usize] = id;
            *slot += 1;
        }
        Adjacency { starts, arcs }
    }

    /// Maximum-product chains from every node to the sink (Dijkstra on the reversed graph; P never exceeds 1).
    pub(crate) fn reach(
        &self,
        into: &Adjacency,
        sinks: &[NodeId],
        bound: impl Fn(&Estimate) -> f64,
    ) -> Reach {
        let mut reach = Reach {
            probability: vec![0.0; self.len()],
            next: vec![u32::MAX; self.len()],
        };
        let mut queue: BinaryHeap<Queued> = BinaryHeap::new();
        for sink in sinks {
            reach.probability[*sink as usize] = 1.0;
            queue.push(Queued {
                probability: 1.0,
                node: *sink,
            });
        }
        while let Some(Queued { probability, node }) = queue.pop() {
            if probability < reach.probability[node as usize] {
                continue;
            }
            for id in into.of(node) {
                let arc = &self.arcs[*id as usize];
                let longer = probability * bound(&arc.probability);
                if longer > reach.probability[arc.from as usize] {
                    reach.probability[arc.from as usize] = longer;
                    reach.next[arc.from as usize] = *id;
                    queue.push(Queued {
                        probability: longer,
                        node: arc.from,
                    });
                }
            }
        }
        reach
    }
}

impl Adjacency {
    pub(crate) fn of(&self, node: NodeId) -> &[ArcId] {
        let (from, to) = (self.starts[node as usize], self.starts[node as usize + 1]);
        &self.arcs[from as usize..to as usize]
    }
}

struct Queued {
    probability: f64,
    node: NodeId,
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.probability
            .total_cmp(&other.probability)
            .then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}
