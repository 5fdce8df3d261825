//! The fewest and cheapest changes that end all routes that can be ended, where a change may end many arcs at once.
//! Comes in: a graph of numbers. Goes out: changes, how many routes they end, and how few can do it.
//! Never: knowledge of clusters; a number of ended routes that was not counted in the graph as it was given.
//!
//! ```text
//! problem -> reduce -> kernel: one source, one sink -> parts -> flow, or search with hit -> connect counts
//! ```

mod connect;
mod flow;
mod hit;
mod kernel;
mod reduce;
mod relax;
mod search;
#[cfg(test)]
mod tests;
mod web;

pub(crate) use web::{FREE, LabelledArc};

use connect::Connect;
use kernel::Roots;
use web::{Budget, Web, small};

const LIMITS: Limits = Limits {
    steps: 150_000_000,
    arcs: 800_000,
};
/// Endless routes that are named.
const NAMED: usize = 1000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// That one answer may take beyond what is linear in the graph: looks at one arc, or at one change of one route.
    /// A step takes 1 to 5 ns. When they are gone the answer is a cut still, but not proven to be the best.
    pub(crate) steps: u64,
    /// Of the graphs that are solved together, about 60 bytes each. Where entries are endless to some groups only,
    /// there is a graph for each choice of groups; more of them are solved one after the other.
    pub(crate) arcs: usize,
}

/// Up to some 300,000 nodes and 1,000,000 arcs; time grows with them and with the number of groups.
pub(crate) struct Problem<'a> {
    pub(crate) nodes: usize,
    pub(crate) arcs: &'a [LabelledArc],
    /// Nodes at which routes begin; a node that is named twice counts once.
    pub(crate) entries: &'a [u32],
    /// Groups of nodes; a route ends at any node of its group.
    pub(crate) sinks: &'a [Vec<u32>],
    /// Of each change; one that has none here cannot be removed.
    pub(crate) prices: &'a [u32],
}

/// A route is an entry and a group that are connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Solution {
    /// Ordered.
    pub(crate) changes: Vec<u32>,
    /// Routes that are no longer connected without the changes.
    pub(crate) ended: u32,
    pub(crate) routes: u32,
    /// No fewer changes end as many routes. Equal to the number of changes where that is proven to be the fewest.
    pub(crate) least: u32,
    /// Entry and group of routes without anything that can be removed: the first ones, at most 1,000.
    pub(crate) endless: Vec<(u32, u32)>,
}

/// A problem that is made small once and answered for several choices of groups.
pub(crate) struct Cutter<'a> {
    problem: &'a Problem<'a>,
    connect: Connect,
    roots: Roots,
    limits: Limits,
}

impl Problem<'_> {
    fn change(&self, change: u32) -> u32 {
        if (change as usize) < self.prices.len() {
            change
        } else {
            FREE
        }
    }
}

impl<'a> Cutter<'a> {
    pub(crate) fn new(problem: &'a Problem<'a>) -> Self {
        Self::within(problem, LIMITS)
    }

    pub(crate) fn within(problem: &'a Problem<'a>, limits: Limits) -> Self {
        let connect = Connect::new(problem);
        let nodes = connect.nodes();
        let exists = |node: &u32| (*node as usize) < nodes;
        let mut web = Web::new(nodes + problem.sinks.len());
        let inside = |arc: &&LabelledArc| exists(&arc.from) && exists(&arc.to);
        let priced = |arc: &LabelledArc| LabelledArc {
            change: problem.change(arc.change),
            ..*arc
        };
        web.arcs = problem.arcs.iter().filter(inside).map(priced).collect();
        // Each group is a node of its own behind its members.
        let groups: Vec<u32> = (small(nodes)..small(web.nodes())).collect();
        for (group, members) in groups.iter().zip(problem.sinks) {
            let members = members.iter().filter(|node| exists(node));
            web.arcs
                .extend(members.map(|node| LabelledArc::new(*node, *group, FREE)));
        }
        let roots = Roots::new(web, &connect.entries, &groups, problem.prices);
        Cutter {
            problem,
            connect,
            roots,
            limits,
        }
    }

    /// For these groups, by their index.
    pub(crate) fn groups(&self, wanted: &[usize]) -> Solution {
        let prices = self.problem.prices;
        let mut budget = Budget(self.limits.steps);
        let mut solution = Solution::default();
        kernel::batches(
            &self.roots,
            wanted,
            prices,
            self.limits.arcs,
            |web, removed| {
                let mut changes = Vec::new();
                let mut parts = kernel::parts(web, prices, &mut changes);
                let mut least = small(changes.len());
                parts.sort_by_key(|part| part.arcs.len());
                for (n, part) in parts.iter().enumerate() {
                    let mut share = budget.take(budget.0 / (parts.len() - n) as u64);
                    let found = search::solve(part, &mut share);
                    budget.back(share);
                    least += found.least;
                    changes.extend(found.changes.iter().map(|c| part.changes[*c as usize]));
                }
                for change in &changes {
                    removed[*change as usize] = true;
                }
                solution.least = solution.least.max(least);
                solution.changes.extend(changes);
            },
        );
        solution.changes.sort_unstable();
        self.count(wanted, &mut solution);
        solution
    }

    /// Counts, in the graph as it was given, what the changes end.
    fn count(&self, wanted: &[usize], solution: &mut Solution) {
        let mut removed = vec![false; self.problem.prices.len()];
        for change in &solution.changes {
            removed[*change as usize] = true;
        }
        for group in wanted {
            let Some(members) = self.problem.sinks.get(*group) else {
                continue;
            };
            let before = self.connect.reaching(members, |_| true);
            let stays = |change: u32| change == FREE || !removed[change as usize];
            let after = self.connect.reaching(members, stays);
            let endless = self.connect.reaching(members, |change| change == FREE);
            debug_assert_eq!(after, endless, "a route that can be ended is left");
            let (before, after) = (Connect::count(&before), Connect::count(&after));
            solution.routes = solution.routes.saturating_add(before);
            solution.ended = solution.ended.saturating_add(before - after);
            let named = self.connect.entries.iter().zip(&endless);
            let named = named.filter(|(_, endless)| **endless);
            let room = NAMED - solution.endless.len();
            solution
                .endless
                .extend(named.take(room).map(|(entry, _)| (*entry, small(*group))));
        }
    }
}
