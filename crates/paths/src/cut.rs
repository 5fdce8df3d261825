//! The fewest changes that end all routes to a sink: a minimum cut in which every change is one arc.
//! Comes in: the attack graph, the listed routes. Goes out: one cut a sink that has routes.
//! Never: a claim to be complete where some route has nothing that can be changed.

use crate::build::Attack;
use crate::graph::{ArcId, NodeId};
use crate::route::{LEAST, Routes};
use model::graph::{Change, Cut};
use std::collections::VecDeque;

/// A change costs this much, and its price on top: fewer changes first, cheaper ones among equals.
const ONE: i64 = 1 << 24;
const UNCUTTABLE: i64 = i64::MAX / 8;
/// Larger cuts are of no use to a reader: then only the listed routes are cut.
const MOST_CHANGES: usize = 200;

pub(crate) fn cuts(attack: &Attack, routes: &Routes) -> Vec<Cut> {
    (0..attack.sinks.len())
        .filter_map(|sink| cut(attack, routes, sink))
        .collect()
}

fn cut(attack: &Attack, routes: &Routes, sink: usize) -> Option<Cut> {
    let listed: Vec<_> = routes
        .listed
        .iter()
        .filter(|route| route.sink == sink)
        .collect();
    if listed.is_empty() {
        return None;
    }
    let reach = &routes.reach[sink];
    let live = |way: &&crate::build::Way| {
        let start = way.arcs.iter().fold(1.0, |p, arc| {
            p * attack.graph.arcs[*arc as usize].probability.expected
        });
        start * reach.probability[way.node as usize] >= LEAST
    };
    let all: Vec<&[ArcId]> = attack
        .openings
        .iter()
        .filter(live)
        .map(|way| &*way.arcs)
        .collect();
    let mut found = solve(attack, sink, &ways(attack, &all));
    if found.changes.len() > MOST_CHANGES {
        let mut listed_only = vec![false; attack.graph.arcs.len()];
        for arc in listed.iter().flat_map(|route| &route.arcs) {
            listed_only[*arc as usize] = true;
        }
        found = solve(attack, sink, &listed_only);
        found.complete = false;
    }
    let ends = |arc: &ArcId| found.changes.binary_search(arc).is_ok();
    let ended = listed
        .iter()
        .filter(|route| route.arcs.iter().any(ends))
        .count();
    let mut changes: Vec<Change> = found
        .changes
        .iter()
        .filter_map(|arc| attack.graph.arcs[*arc as usize].change.as_ref())
        .map(|priced| priced.change.clone())
        .collect();
    changes.sort();
    changes.dedup();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(Cut {
        sink: attack.sinks[sink].name.clone(),
        routes: count(ended),
        of: count(listed.len()),
        least: count(changes.len()),
        changes,
    })
}

struct Solved {
    /// Ordered arcs of the graph.
    changes: Vec<ArcId>,
    complete: bool,
}

/// Arcs that count: the ways in that are given, and everything behind them.
fn ways(attack: &Attack, starts: &[&[ArcId]]) -> Vec<bool> {
    let mut allowed = vec![true; attack.graph.arcs.len()];
    for arc in attack.openings.iter().flat_map(|way| &way.arcs) {
        allowed[*arc as usize] = false;
    }
    for arc in starts.iter().copied().flatten() {
        allowed[*arc as usize] = true;
    }
    allowed
}

fn solve(attack: &Attack, sink: usize, allowed: &[bool]) -> Solved {
    let graph = &attack.graph;
    let target = u32::try_from(graph.len()).unwrap_or(u32::MAX);
    let mut flow = Flow::new(graph.len() + 1, attack.source, target);
    for (id, arc) in (0_u32..).zip(&graph.arcs) {
        if !allowed[id as usize] || arc.probability.expected <= 0.0 {
            continue;
        }
        let capacity = arc
            .change
            .as_ref()
            .map_or(UNCUTTABLE, |priced| ONE + priced.price as i64);
        flow.arc(arc.from, arc.to, capacity, id);
    }
    for node in &attack.sinks[sink].nodes {
        flow.arc(*node, target, UNCUTTABLE, u32::MAX);
    }
    flow.minimum_cut()
}

/// Maximum flow by Dinic's algorithm, without recursion.
struct Flow {
    out: Vec<Vec<u32>>,
    to: Vec<NodeId>,
    left: Vec<i64>,
    label: Vec<ArcId>,
    source: NodeId,
    sink: NodeId,
}

impl Flow {
    fn new(nodes: usize, source: NodeId, sink: NodeId) -> Self {
        Flow {
            out: vec![Vec::new(); nodes],
            to: Vec::new(),
            left: Vec::new(),
            label: Vec::new(),
            source,
            sink,
        }
    }

    /// An arc and its reverse, at an even and the next odd index.
    fn arc(&mut self, from: NodeId, to: NodeId, capacity: i64, label: ArcId) {
        for (tail, head, left) in [(from, to, capacity), (to, from, 0)] {
            let id = u32::try_from(self.to.len()).unwrap_or(u32::MAX);
            self.out[tail as usize].push(id);
            self.to.push(head);
            self.left.push(left);
            self.label.push(label);
        }
    }

    fn minimum_cut(mut self) -> Solved {
        let complete = self.drop_uncuttable();
        loop {
            let level = self.levels();
            if level[self.sink as usize] == u32::MAX {
                break;
            }
            self.block(&level);
        }
        let level = self.levels();
        let reached = |node: NodeId| level[node as usize] != u32::MAX;
        let mut changes: Vec<ArcId> = (0..self.to.len())
            .step_by(2)
            // Entries that were taken out have no capacity in either direction.
            .filter(|at| self.left[*at] + self.left[at + 1] > 0)
            .filter(|at| reached(self.to[at + 1]) && !reached(self.to[*at]))
            .map(|at| self.label[at])
            .collect();
        changes.sort_unstable();
        Solved { changes, complete }
    }

    /// Takes out entries from which the sink is reached over nothing that can be changed.
    fn drop_uncuttable(&mut self) -> bool {
        let mut lost = vec![false; self.out.len()];
        lost[self.sink as usize] = true;
        let mut queue = VecDeque::from([self.sink]);
        while let Some(node) = queue.pop_front() {
            for &id in &self.out[node as usize] {
                // The reverse of an arc into `node`.
                let (back, from) = (id ^ 1, self.to[id as usize]);
                let uncuttable = back % 2 == 0 && self.left[back as usize] == UNCUTTABLE;
                if uncuttable && !lost[from as usize] && from != self.source {
                    lost[from as usize] = true;
                    queue.push_back(from);
                }
            }
        }
        let mut complete = true;
        for &id in &self.out[self.source as usize] {
            let open = self.left[id as usize] == UNCUTTABLE && lost[self.to[id as usize] as usize];
            if id % 2 == 0 && open {
                self.left[id as usize] = 0;
                complete = false;
            }
        }
        complete
    }

    fn levels(&self) -> Vec<u32> {
        let mut level = vec![u32::MAX; self.out.len()];
        level[self.source as usize] = 0;
        let mut queue = VecDeque::from([self.source]);
        while let Some(node) = queue.pop_front() {
            for &id in &self.out[node as usize] {
                let to = self.to[id as usize];
                if self.left[id as usize] > 0 && level[to as usize] == u32::MAX {
                    level[to as usize] = level[node as usize] + 1;
                    queue.push_back(to);
                }
            }
        }
        level
    }

    /// A blocking flow along rising levels.
    fn block(&mut self, level: &[u32]) {
        let mut tried = vec![0_usize; self.out.len()];
        let mut path: Vec<u32> = Vec::new();
        let mut node = self.source;
        loop {
            if node == self.sink {
                let least = path
                    .iter()
                    .map(|id| self.left[*id as usize])
                    .min()
                    .unwrap_or(0);
                for id in &path {
                    self.left[*id as usize] -= least;
                    self.left[(*id ^ 1) as usize] += least;
                }
                // Back to the tail of the first arc that is full.
                let full = path
                    .iter()
                    .position(|id| self.left[*id as usize] == 0)
                    .unwrap_or(0);
                node = self.to[(path[full] ^ 1) as usize];
                path.truncate(full);
                continue;
            }
            let Some(id) = self.out[node as usize].get(tried[node as usize]).copied() else {
                let Some(back) = path.pop() else { return };
                node = self.to[(back ^ 1) as usize];
                tried[node as usize] += 1;
                continue;
            };
            let to = self.to[id as usize];
            let rises = level[to as usize] == level[node as usize].saturating_add(1);
            if rises && self.left[id as usize] > 0 {
                path.push(id);
                node = to;
            } else {
                tried[node as usize] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOURCE: NodeId = 0;
    const SINK: NodeId = 5;

    /// Whether the sink is reached over arcs that were not removed.
    fn reaches(arcs: &[(u32, u32, Option<i64>)], removed: u32) -> bool {
        let mut seen = [false; 6];
        seen[SOURCE as usize] = true;
        for _ in 0..6 {
            for (n, (from, to, _)) in arcs.iter().enumerate() {
                if removed >> n & 1 == 0 && seen[*from as usize] {
                    seen[*to as usize] = true;
                }
            }
        }
        seen[SINK as usize]
    }

    fn solved(arcs: &[(u32, u32, Option<i64>)]) -> Solved {
        let mut flow = Flow::new(6, SOURCE, SINK);
        for (n, (from, to, price)) in (0_u32..).zip(arcs) {
            flow.arc(*from, *to, price.map_or(UNCUTTABLE, |price| ONE + price), n);
        }
        flow.minimum_cut()
    }

    fn arcs() -> impl Strategy<Value = Vec<(u32, u32, Option<i64>)>> {
        let price = prop_oneof![3 => (0..9_i64).prop_map(Some), 1 => Just(None)];
        prop::collection::vec((0..6_u32, 0..6_u32, price), 0..11)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn as_small_as_brute_force_finds(arcs in arcs()) {
            let found = solved(&arcs);
            let cost = |removed: u32| arcs.iter().enumerate().filter(|(n, _)| removed >> n & 1 == 1).map(|(_, (_, _, price))| ONE + price.unwrap()).sum::<i64>();
            let cuttable = |removed: u32| arcs.iter().enumerate().all(|(n, a)| removed >> n & 1 == 0 || a.2.is_some());
            let best = (0..1_u32 << arcs.len()).filter(|r| cuttable(*r) && !reaches(&arcs, *r)).map(cost).min();
            let removed = found.changes.iter().fold(0_u32, |all, n| all | 1 << n);
            prop_assert_eq!(found.complete, best.is_some());
            if let Some(best) = best {
                prop_assert!(!reaches(&arcs, removed), "not a cut: {:?}", found.changes);
                prop_assert_eq!(cost(removed), best);
            }
        }
    }

    #[test]
    fn what_cannot_be_cut_is_left_out_and_said() {
        let found = solved(&[(0, 1, Some(0)), (1, 5, None), (0, 2, None), (2, 5, None)]);
        assert_eq!((&*found.changes, found.complete), (&[0][..], false));
    }

    #[test]
    fn of_equal_cuts_the_cheaper_one() {
        let found = solved(&[(0, 1, Some(8)), (1, 2, Some(0)), (2, 5, Some(4))]);
        assert_eq!((&*found.changes, found.complete), (&[1][..], true));
    }
}
