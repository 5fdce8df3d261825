//! Which entries reach a group of sinks in the graph as it was given, whatever is removed.
//! Comes in: the problem. Goes out: one flag an entry. Never: a graph that was made smaller: answers are checked here.

use super::Problem;
use super::web::{FREE, small};

pub(super) struct Connect {
    /// Of each node: where its arcs in `into` begin.
    starts: Vec<u32>,
    /// Tail and change.
    into: Vec<(u32, u32)>,
    /// Distinct ones, ordered.
    pub(super) entries: Vec<u32>,
}

impl Connect {
    /// Arcs and entries at nodes that do not exist are left out; a change without a price cannot be removed.
    pub(super) fn new(problem: &Problem) -> Self {
        let nodes = problem.nodes.min(u32::MAX as usize - 1);
        let exists = |node: u32| (node as usize) < nodes;
        let arcs = || {
            let inside = |arc: &&super::web::LabelledArc| exists(arc.from) && exists(arc.to);
            problem.arcs.iter().filter(inside)
        };
        let mut starts = vec![0_u32; nodes + 1];
        for arc in arcs() {
            starts[arc.to as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut into = vec![(0, FREE); sum as usize];
        for arc in arcs() {
            let at = &mut next[arc.to as usize];
            into[*at as usize] = (arc.from, problem.change(arc.change));
            *at += 1;
        }
        let mut entries: Vec<u32> = problem.entries.to_vec();
        entries.retain(|entry| exists(*entry));
        entries.sort_unstable();
        entries.dedup();
        Connect {
            starts,
            into,
            entries,
        }
    }

    pub(super) fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    /// Parallel to the entries: whether one reaches the group over arcs whose change passes.
    pub(super) fn reaching(&self, group: &[u32], passes: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.nodes()];
        let mut stack: Vec<u32> = Vec::new();
        for &node in group {
            if let Some(seen) = seen.get_mut(node as usize)
                && !std::mem::replace(seen, true)
            {
                stack.push(node);
            }
        }
        while let Some(node) = stack.pop() {
            let node = node as usize;
            for &(from, change) in
                &self.into[self.starts[node] as usize..self.starts[node + 1] as usize]
            {
                if !seen[from as usize] && passes(change) {
                    seen[from as usize] = true;
                    stack.push(from);
                }
            }
        }
        self.entries
            .iter()
            .map(|entry| seen[*entry as usize])
            .collect()
    }

    pub(super) fn count(reaching: &[bool]) -> u32 {
        small(reaching.iter().filter(|reaches| **reaches).count())
    }
}
