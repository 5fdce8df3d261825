//! A minimum cut by maximum flow (Dinic's algorithm, without recursion), where each change is as good as one arc.
//! Comes in: a part. Goes out: a cut, and a lower bound of its changes, which is sharp where `exact` says so.
//! Never: a bound above the truth: a change on several arcs shares its weight among them.

use super::kernel::{Part, SINK, SOURCE};
use super::web::{Budget, FREE, LabelledArc, Lists, small};
use std::collections::{BTreeMap, VecDeque};

/// The weight of a change, with its price below: fewer changes first, cheaper ones among equals.
pub(super) const ONE: u128 = 1 << 64;
const ENDLESS: u128 = 1 << 120;

pub(super) struct Flowed {
    /// Ordered; a cut if `finished`.
    pub(super) changes: Vec<u32>,
    /// No cut has fewer changes.
    pub(super) least: u32,
    /// Whether the budget sufficed.
    pub(super) finished: bool,
    /// No cut has fewer changes, nor as many at a lower price.
    pub(super) exact: bool,
}

pub(super) fn cost(price: u32) -> u128 {
    ONE + u128::from(price)
}

pub(super) fn minimum_cut(part: &Part, budget: &mut Budget) -> Flowed {
    let lists = Lists::new(part.changes.len(), &part.arcs, LabelledArc::label);
    let bundles: Vec<Vec<Bundle>> = (0..small(part.changes.len()))
        .map(|change| {
            let arcs = lists.at(change).iter().map(|id| part.arcs[*id as usize]);
            bundles(&arcs.map(|arc| (arc.from, arc.to)).collect::<Vec<_>>())
        })
        .collect();
    let single = bundles.iter().all(|bundles| bundles.len() < 2);
    let mut flow = Flow::new(part.nodes);
    for arc in part.arcs.iter().filter(|arc| arc.change == FREE) {
        flow.arc(arc.from, arc.to, ENDLESS, FREE);
    }
    for (change, (bundles, price)) in (0_u32..).zip(bundles.iter().zip(&part.prices)) {
        let whole = if single { cost(*price) } else { ONE };
        for bundle in bundles {
            flow.bundle(bundle, whole / bundles.len() as u128, change);
        }
    }
    let finished = flow.run(budget);
    let changes = flow.cut();
    // With prices the bound holds for the sum of both; the prices of a real cut tell how many changes that is.
    let least = if finished && single {
        small(changes.len())
    } else {
        let prices: u128 = part.prices.iter().map(|price| u128::from(*price)).sum();
        let value = flow.value.saturating_sub(if single { prices } else { 0 });
        u32::try_from(value.div_ceil(ONE)).unwrap_or(u32::MAX)
    };
    Flowed {
        changes,
        least,
        finished,
        exact: finished && single,
    }
}

/// Arcs from each of some nodes to each of others: as good as one arc between two new nodes.
struct Bundle {
    tails: Vec<u32>,
    heads: Vec<u32>,
}

fn bundles(arcs: &[(u32, u32)]) -> Vec<Bundle> {
    let by_head = alike(arcs.iter().map(|(from, to)| (*to, *from)));
    let by_tail = alike(arcs.iter().copied());
    if by_head.len() <= by_tail.len() {
        let bundle = |(tails, heads)| Bundle { tails, heads };
        by_head.into_iter().map(bundle).collect()
    } else {
        let bundle = |(heads, tails)| Bundle { tails, heads };
        by_tail.into_iter().map(bundle).collect()
    }
}

/// Others -> the nodes that have exactly these others.
fn alike(pairs: impl Iterator<Item = (u32, u32)>) -> BTreeMap<Vec<u32>, Vec<u32>> {
    let mut others: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (node, other) in pairs {
        others.entry(node).or_default().push(other);
    }
    let mut alike: BTreeMap<Vec<u32>, Vec<u32>> = BTreeMap::new();
    for (node, mut others) in others {
        others.sort_unstable();
        others.dedup();
        alike.entry(others).or_default().push(node);
    }
    alike
}

struct Flow {
    out: Vec<Vec<u32>>,
    to: Vec<u32>,
    left: Vec<u128>,
    label: Vec<u32>,
    value: u128,
}

impl Flow {
    fn new(nodes: usize) -> Self {
        Flow {
            out: vec![Vec::new(); nodes],
            to: Vec::new(),
            left: Vec::new(),
            label: Vec::new(),
            value: 0,
        }
    }

    fn node(&mut self) -> u32 {
        self.out.push(Vec::new());
        small(self.out.len() - 1)
    }

    /// An arc and its reverse, at an even and the next odd index.
    fn arc(&mut self, from: u32, to: u32, capacity: u128, label: u32) {
        for (tail, head, left) in [(from, to, capacity), (to, from, 0)] {
            let id = small(self.to.len());
            self.out[tail as usize].push(id);
            self.to.push(head);
            self.left.push(left);
            self.label.push(label);
        }
    }

    fn bundle(&mut self, bundle: &Bundle, capacity: u128, label: u32) {
        let gate = |flow: &mut Self, nodes: &[u32], inward: bool| {
            if let [node] = nodes {
                *node
            } else {
                let gate = flow.node();
                for node in nodes {
                    let (from, to) = if inward { (*node, gate) } else { (gate, *node) };
                    flow.arc(from, to, ENDLESS, FREE);
                }
                gate
            }
        };
        let from = gate(self, &bundle.tails, true);
        let to = gate(self, &bundle.heads, false);
        self.arc(from, to, capacity, label);
    }

    /// Whether the budget sufficed.
    fn run(&mut self, budget: &mut Budget) -> bool {
        loop {
            let level = self.levels();
            if level[SINK as usize] == u32::MAX {
                return true;
            }
            if !budget.spend(2 * (self.to.len() + self.out.len())) || !self.block(&level, budget) {
                return false;
            }
        }
    }

    fn cut(&self) -> Vec<u32> {
        let level = self.levels();
        let reached = |node: u32| level[node as usize] != u32::MAX;
        let mut changes: Vec<u32> = (0..self.to.len())
            .step_by(2)
            .filter(|at| reached(self.to[at + 1]) && !reached(self.to[*at]))
            .map(|at| self.label[at])
            .collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    fn levels(&self) -> Vec<u32> {
        let mut level = vec![u32::MAX; self.out.len()];
        level[SOURCE as usize] = 0;
        let mut queue = VecDeque::from([SOURCE]);
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

    /// A blocking flow along rising levels; false when the budget is gone.
    fn block(&mut self, level: &[u32], budget: &mut Budget) -> bool {
        let mut tried = vec![0_usize; self.out.len()];
        let mut path: Vec<u32> = Vec::new();
        let mut node = SOURCE;
        loop {
            if !budget.spend(1) {
                return false;
            }
            if node == SINK {
                let room = path.iter().map(|id| self.left[*id as usize]).min();
                let room = room.unwrap_or(0);
                for id in &path {
                    self.left[*id as usize] -= room;
                    self.left[(*id ^ 1) as usize] += room;
                }
                self.value += room;
                budget.spend(3 * path.len());
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
                let Some(back) = path.pop() else { return true };
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
