//! The best cut of one part: routes that are still open become sets of changes, of which one each must be made.
//! Comes in: a part. Goes out: a cut of it and a lower bound. Never: an answer that leaves the sink reachable.

use super::flow::{self, ONE};
use super::hit::{hit, quickly};
use super::kernel::{Part, SINK, SOURCE};
use super::web::{Budget, FREE, LabelledArc, Lists, small};
use rustc_hash::FxHashSet;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Routes that one look at the graph adds.
const MOST_ROUTES: usize = 1500;
const MOST_SETS: usize = 40_000;
const FAR: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Found {
    /// Of the part, ordered.
    pub(super) changes: Vec<u32>,
    /// No cut of the part has fewer.
    pub(super) least: u32,
}

struct Search<'a> {
    part: &'a Part,
    cost: Vec<u128>,
    out: Lists,
    into: Lists,
    of: Lists,
    /// Each was a route: every cut hits it.
    sets: Vec<Vec<u32>>,
    known: FxHashSet<Vec<u32>>,
}

pub(super) fn solve(part: &Part, budget: &mut Budget) -> Found {
    let mut share = budget.take(budget.0 / 2);
    let flowed = flow::minimum_cut(part, &mut share);
    budget.back(share);
    if flowed.exact {
        return Found {
            changes: flowed.changes,
            least: flowed.least,
        };
    }
    let mut search = Search::new(part);
    let start = if flowed.finished {
        flowed.changes
    } else {
        search.border()
    };
    let start = search.without_idle(start, budget);
    search.improve(start, flowed.least, budget)
}

impl<'a> Search<'a> {
    fn new(part: &'a Part) -> Self {
        Search {
            cost: part.prices.iter().map(|price| flow::cost(*price)).collect(),
            out: Lists::new(part.nodes, &part.arcs, LabelledArc::tail),
            into: Lists::new(part.nodes, &part.arcs, LabelledArc::head),
            of: Lists::new(part.changes.len(), &part.arcs, LabelledArc::label),
            sets: Vec::new(),
            known: FxHashSet::default(),
            part,
        }
    }

    fn total(&self, changes: &[u32]) -> u128 {
        changes.iter().map(|c| self.cost[*c as usize]).sum()
    }

    fn flags(&self, changes: &[u32]) -> Vec<bool> {
        let mut flags = vec![false; self.cost.len()];
        for change in changes {
            flags[*change as usize] = true;
        }
        flags
    }

    /// Asks for a hitting set of the routes known, closes with more changes what it leaves open, until none is better.
    fn improve(&mut self, mut best: Vec<u32>, mut least: u32, budget: &mut Budget) -> Found {
        // Proofs are dear: they wait until routes that were found in passing let nothing better through.
        let (mut known, mut prove) = (0, false);
        while self.total(&best) > u128::from(least) * ONE && budget.0 > 0 {
            let mut share = budget.take(budget.0 / 3 + 1);
            let answer = hit(&self.sets, &self.cost, prove, &mut share);
            budget.back(share);
            least = least.max(answer.least);
            let worse = self.total(&answer.elements) >= self.total(&best);
            if worse && answer.proven {
                least = small(best.len());
                break;
            }
            if worse && !prove {
                prove = true;
                continue;
            }
            let mut chosen = answer.elements;
            let mut open = self.open_routes(&chosen, budget);
            if open.is_empty() {
                if !worse {
                    best = chosen;
                }
                if answer.proven {
                    least = small(best.len());
                }
                if answer.proven || prove {
                    break;
                }
                prove = true;
                continue;
            }
            prove = false;
            while !open.is_empty() && budget.0 > 0 {
                chosen.extend(quickly(&open, &self.cost, budget));
                for route in open {
                    if self.sets.len() < MOST_SETS && self.known.insert(route.clone()) {
                        self.sets.push(route);
                    }
                }
                open = self.open_routes(&chosen, budget);
            }
            if open.is_empty() {
                let chosen = self.without_idle(chosen, budget);
                if self.total(&chosen) < self.total(&best) {
                    best = chosen;
                }
            }
            if std::mem::replace(&mut known, self.sets.len()) == self.sets.len() {
                break;
            }
        }
        best.sort_unstable();
        Found {
            changes: best,
            least,
        }
    }

    /// For each change that was not made: the changes on a route through it, on as few arcs that carry one as can be.
    /// Empty only if no route is open.
    fn open_routes(&self, made: &[u32], budget: &mut Budget) -> Vec<Vec<u32>> {
        let made = self.flags(made);
        let ahead = self.distances(SOURCE, &self.out, LabelledArc::head, &made);
        let behind = self.distances(SINK, &self.into, LabelledArc::tail, &made);
        budget.spend(8 * self.part.arcs.len() + 4 * self.part.nodes);
        let mut best = vec![(FAR, 0); self.cost.len()];
        for (id, arc) in (0_u32..).zip(&self.part.arcs) {
            if arc.change == FREE || made[arc.change as usize] {
                continue;
            }
            let (before, after) = (ahead.0[arc.from as usize], behind.0[arc.to as usize]);
            let best = &mut best[arc.change as usize];
            if before != FAR && after != FAR {
                *best = (*best).min((before + 1 + after, id));
            }
        }
        best.retain(|(length, _)| *length != FAR);
        best.sort_unstable();
        best.dedup();
        best.truncate(MOST_ROUTES);
        let mut routes: Vec<Vec<u32>> = Vec::new();
        for (_, id) in best {
            let mut route = Vec::new();
            let through = self.part.arcs[id as usize];
            let mut note = |arc: &LabelledArc| {
                if arc.change != FREE {
                    route.push(arc.change);
                }
            };
            note(&through);
            let (mut back, mut forth, mut steps) = (through.from, through.to, 0);
            while let Some(arc) = self.part.arcs.get(ahead.1[back as usize] as usize) {
                note(arc);
                back = arc.from;
                steps += 1;
            }
            while let Some(arc) = self.part.arcs.get(behind.1[forth as usize] as usize) {
                note(arc);
                forth = arc.to;
                steps += 1;
            }
            route.sort_unstable();
            route.dedup();
            routes.push(route);
            if !budget.spend(steps) {
                break;
            }
        }
        routes
    }

    /// Of each node: arcs with a change on the best way from (to) the start, and the arc that it comes by.
    fn distances(
        &self,
        start: u32,
        lists: &Lists,
        other: fn(&LabelledArc) -> u32,
        made: &[bool],
    ) -> (Vec<u32>, Vec<u32>) {
        let mut distance = vec![FAR; self.part.nodes];
        let mut by = vec![FAR; self.part.nodes];
        let mut done = vec![false; self.part.nodes];
        distance[start as usize] = 0;
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            if std::mem::replace(&mut done[node as usize], true) {
                continue;
            }
            for &id in lists.at(node) {
                let arc = &self.part.arcs[id as usize];
                let free = arc.change == FREE;
                if !free && made[arc.change as usize] {
                    continue;
                }
                let next = other(arc);
                let length = distance[node as usize] + u32::from(!free);
                if length < distance[next as usize] {
                    distance[next as usize] = length;
                    by[next as usize] = id;
                    if free {
                        queue.push_front(next);
                    } else {
                        queue.push_back(next);
                    }
                }
            }
        }
        (distance, by)
    }

    /// A cut that is found at once: every change next to the source, or next to the sink.
    fn border(&self) -> Vec<u32> {
        let ends = [(SOURCE, &self.out), (SINK, &self.into)];
        let [source, sink] = ends.map(|(end, lists)| {
            let arcs = lists.at(end).iter().map(|id| self.part.arcs[*id as usize]);
            let mut changes: Vec<u32> = arcs.map(|arc| arc.change).collect();
            changes.sort_unstable();
            changes.dedup();
            changes
        });
        let usable = |changes: &[u32]| !changes.contains(&FREE);
        if usable(&source) && (!usable(&sink) || source.len() <= sink.len()) {
            source
        } else {
            sink
        }
    }

    /// The cut without changes that it does not need, the dearest first.
    fn without_idle(&self, mut cut: Vec<u32>, budget: &mut Budget) -> Vec<u32> {
        let mut made = self.flags(&cut);
        let mut seen = vec![false; self.part.nodes];
        seen[SOURCE as usize] = true;
        let mut fresh = vec![SOURCE];
        self.spread(&mut seen, &mut fresh, &made, budget);
        cut.sort_by_key(|change| Reverse((self.cost[*change as usize], *change)));
        cut.retain(|change| {
            if budget.0 == 0 {
                return true;
            }
            made[*change as usize] = false;
            let mut fresh = Vec::new();
            for id in self.of.at(*change) {
                let arc = &self.part.arcs[*id as usize];
                if seen[arc.from as usize] && !std::mem::replace(&mut seen[arc.to as usize], true) {
                    fresh.push(arc.to);
                }
            }
            let needed = self.spread(&mut seen, &mut fresh, &made, budget);
            if needed {
                made[*change as usize] = true;
                for node in fresh {
                    seen[node as usize] = false;
                }
            }
            needed
        });
        cut
    }

    /// Goes on from fresh nodes, which grow; whether the sink is reached.
    fn spread(
        &self,
        seen: &mut [bool],
        fresh: &mut Vec<u32>,
        made: &[bool],
        budget: &mut Budget,
    ) -> bool {
        let mut at = 0;
        while let Some(node) = fresh.get(at).copied() {
            if node == SINK {
                return true;
            }
            at += 1;
            let arcs = self.out.at(node);
            budget.spend(arcs.len());
            for id in arcs {
                let arc = &self.part.arcs[*id as usize];
                let passes = arc.change == FREE || !made[arc.change as usize];
                if passes && !std::mem::replace(&mut seen[arc.to as usize], true) {
                    fresh.push(arc.to);
                }
            }
        }
        false
    }
}
