//! Best ways to a sink after a change.
//! Comes in: the best ways before, an overlay. Goes out: what differs. Never: a node whose way is still the same.

use super::glue::Overlay;
use crate::graph::{ArcId, NodeId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// No arc: the sink itself, or no way.
const NOWHERE: ArcId = ArcId::MAX;

/// Nodes whose best way differs, with its P and its first arc.
pub(super) struct Ways<'o, 's> {
    overlay: &'o Overlay<'s>,
    sink: usize,
    changed: FxHashMap<NodeId, (f64, ArcId)>,
}

struct Queued(f64, NodeId);

impl<'o, 's> Ways<'o, 's> {
    pub(super) fn of(overlay: &'o Overlay<'s>, sink: usize) -> Self {
        let mut ways = Ways {
            overlay,
            sink,
            changed: FxHashMap::default(),
        };
        let mut queue = BinaryHeap::new();
        for lost in ways.lost() {
            ways.changed.insert(lost, (0.0, NOWHERE));
        }
        let lost: Vec<NodeId> = ways.changed.keys().copied().collect();
        for node in lost {
            ways.over_others(node, &mut queue);
        }
        for node in overlay.sinks.get(sink).into_iter().flatten() {
            ways.changed.insert(*node, (1.0, NOWHERE));
            queue.push(Queued(1.0, *node));
        }
        let first = overlay.standing.attack.graph.arcs.len();
        for (id, extra) in (first..).zip(&overlay.extra) {
            let p = ways.value(extra.to) * extra.probability.expected;
            ways.improve(extra.from, p, crate::graph::count(id), &mut queue);
        }
        ways.settle(queue);
        ways
    }

    fn value(&self, node: NodeId) -> f64 {
        match self.changed.get(&node) {
            Some((p, _)) => *p,
            None => self.before(node),
        }
    }

    fn before(&self, node: NodeId) -> f64 {
        let reach = self.overlay.standing.reaches.get(self.sink);
        let p = reach.and_then(|reach| reach.probability.get(node as usize));
        p.copied().unwrap_or_default()
    }

    fn next(&self, node: NodeId) -> ArcId {
        if let Some((_, arc)) = self.changed.get(&node) {
            return *arc;
        }
        let reach = self.overlay.standing.reaches.get(self.sink);
        let next = reach.and_then(|reach| reach.next.get(node as usize));
        next.copied().unwrap_or(NOWHERE)
    }

    fn improve(&mut self, node: NodeId, p: f64, arc: ArcId, queue: &mut BinaryHeap<Queued>) {
        if p > self.value(node) {
            self.changed.insert(node, (p, arc));
            queue.push(Queued(p, node));
        }
    }

    /// Nodes whose best way went over an arc that is gone.
    fn lost(&self) -> FxHashSet<NodeId> {
        let standing = self.overlay.standing;
        let arcs = &standing.attack.graph.arcs;
        let from = |id: &ArcId| arcs.get(*id as usize).map(|arc| arc.from);
        let mut open: Vec<NodeId> = self
            .overlay
            .masked
            .iter()
            .filter_map(|id| from(id).filter(|node| self.next(*node) == *id))
            .collect();
        let mut lost: FxHashSet<NodeId> = open.iter().copied().collect();
        while let Some(node) = open.pop() {
            for id in standing.into.of(node) {
                let before = from(id).filter(|before| self.next(*before) == *id);
                if let Some(before) = before.filter(|before| lost.insert(*before)) {
                    open.push(before);
                }
            }
        }
        lost
    }

    /// The best way of a node that lost its own, over nodes that kept theirs.
    fn over_others(&mut self, node: NodeId, queue: &mut BinaryHeap<Queued>) {
        let standing = self.overlay.standing;
        for id in standing.out.of(node) {
            let Some(arc) = standing.attack.graph.arcs.get(*id as usize) else {
                continue;
            };
            if !self.overlay.masked.contains(id) {
                let p = self.value(arc.to) * arc.probability.expected;
                self.improve(node, p, *id, queue);
            }
        }
    }

    fn settle(&mut self, mut queue: BinaryHeap<Queued>) {
        let overlay = self.overlay;
        let standing = overlay.standing;
        let arcs = &standing.attack.graph.arcs;
        while let Some(Queued(p, node)) = queue.pop() {
            if p < self.value(node) {
                continue;
            }
            if node < standing.len() {
                for id in standing.into.of(node) {
                    let arc = arcs.get(*id as usize);
                    if let Some(arc) = arc.filter(|_| !overlay.masked.contains(id)) {
                        self.improve(arc.from, p * arc.probability.expected, *id, &mut queue);
                    }
                }
            }
            for id in overlay.into.get(&node).into_iter().flatten() {
                if let Some(extra) = overlay.extra.get(*id as usize - arcs.len()) {
                    self.improve(extra.from, p * extra.probability.expected, *id, &mut queue);
                }
            }
        }
    }

    /// Entries that get to the sink and did not before, ordered.
    pub(super) fn new_routes(&self) -> Vec<NodeId> {
        let new = |(node, (p, _)): (&NodeId, &(f64, ArcId))| {
            let connected = *p > 0.0 && self.before(*node) <= 0.0;
            (connected && self.overlay.is_entry(*node)).then_some(*node)
        };
        let mut found: Vec<NodeId> = self.changed.iter().filter_map(new).collect();
        found.sort_unstable();
        found
    }

    /// From a node to the sink.
    pub(super) fn follow(&self, from: NodeId) -> Vec<ArcId> {
        let overlay = self.overlay;
        let standing = overlay.standing;
        let most = standing.attack.graph.len() + overlay.new.len();
        let mut arcs = Vec::new();
        let mut node = from;
        loop {
            let id = self.next(node);
            let own = standing.attack.graph.arcs.get(id as usize);
            let extra = (id as usize).checked_sub(standing.attack.graph.arcs.len());
            let extra = extra.and_then(|n| overlay.extra.get(n));
            let to = own.map(|arc| arc.to).or(extra.map(|extra| extra.to));
            let Some(to) = to.filter(|_| arcs.len() <= most) else {
                return arcs;
            };
            arcs.push(id);
            node = to;
        }
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
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
