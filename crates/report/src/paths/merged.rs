//! All shown paths as one graph: each node once, each pair of nodes once with the kinds of edges between them.
//! Comes in: a View. Goes out: nodes and edges in the order of the paths. Never: more than what was asked for.

use super::sections::sections;
use crate::names::Names;
use crate::view::View;
use model::graph::{Change, Cut, Edge as Told};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) struct Merged<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) edges: Vec<Edge<'a>>,
    /// What the paths that were taken end at, with how many entries get there.
    pub(super) headings: Vec<String>,
    /// Each with its changes, whose numbers count through all of them, from 0.
    pub(super) cuts: Vec<(&'a Cut, Vec<usize>)>,
    pub(super) changes: Vec<&'a Change>,
    /// Paths that were not taken because there would be too many nodes or edges.
    pub(super) left_out: usize,
}

pub(super) struct Node<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) is_entry: bool,
    pub(super) is_sink: bool,
}

pub(super) struct Edge<'a> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) steps: Vec<Step<'a>>,
    /// How many paths go over it.
    pub(super) paths: usize,
}

/// One kind of edge between two nodes.
pub(super) struct Step<'a> {
    pub(super) told: &'a Told,
    /// The change of a cut that removes it.
    pub(super) cut: Option<usize>,
    /// Whether something was not seen that could change it.
    pub(super) is_unknown: bool,
}

/// Nodes and edges that a reader of the result can bear.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) nodes: usize,
    pub(super) steps: usize,
}

/// Paths are taken whole or not at all.
pub(super) fn merged<'a>(view: &View<'a>, names: &Names, limits: Limits) -> Merged<'a> {
    let sections = sections(view, &[]);
    let mut merger = Merger::new(limits);
    let drawn = sections.iter().filter(|section| !section.paths.is_empty());
    // One cut of several sinks ends more with less than one of each.
    let of_all = sections
        .iter()
        .find(|section| section.is_of_all())
        .and_then(|section| section.cut)
        .filter(|_| drawn.clone().count() > 1);
    for section in drawn {
        merger.headings.push(section.heading());
        let removes = of_all
            .or(section.cut)
            .map_or_else(BTreeMap::new, |cut| merger.cut(cut));
        for path in &section.paths {
            merger.path(&path.edges, &removes);
        }
    }
    merger.done(names)
}

#[derive(Default)]
struct Merger<'a> {
    nodes: Vec<(&'a str, bool, bool)>,
    node_of: FxHashMap<&'a str, usize>,
    edges: Vec<Edge<'a>>,
    edge_of: FxHashMap<(usize, usize), usize>,
    step_of: FxHashMap<(usize, &'a str), usize>,
    headings: Vec<String>,
    cuts: Vec<(&'a Cut, Vec<usize>)>,
    changes: Vec<&'a Change>,
    change_of: BTreeMap<&'a Change, usize>,
    limits: (usize, usize),
    steps: usize,
    left_out: usize,
}

impl<'a> Merger<'a> {
    fn new(limits: Limits) -> Self {
        Merger {
            limits: (limits.nodes, limits.steps),
            ..Merger::default()
        }
    }

    fn cut(&mut self, cut: &'a Cut) -> BTreeMap<&'a Change, usize> {
        let mut removes = BTreeMap::new();
        let mut numbers = Vec::new();
        for change in &cut.changes {
            let number = *self.change_of.entry(change).or_insert_with(|| {
                self.changes.push(change);
                self.changes.len() - 1
            });
            removes.insert(change, number);
            numbers.push(number);
        }
        if !self.cuts.iter().any(|(known, _)| *known == cut) {
            self.cuts.push((cut, numbers));
        }
        removes
    }

    fn path(&mut self, path: &'a [Told], removes: &BTreeMap<&'a Change, usize>) {
        let ends = path.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
        let mut fresh: Vec<&str> = ends
            .filter(|name| !self.node_of.contains_key(name))
            .collect();
        fresh.sort_unstable();
        fresh.dedup();
        let (nodes, steps) = self.limits;
        // A step that is known is counted as a new one here: a few paths fewer near the limit.
        if self.nodes.len() + fresh.len() > nodes || self.steps + path.len() > steps {
            self.left_out += 1;
            return;
        }
        for (n, told) in path.iter().enumerate() {
            let from = self.node(&told.from);
            let to = self.node(&told.to);
            self.nodes[from].1 |= n == 0;
            self.nodes[to].2 |= n + 1 == path.len();
            self.edge(from, to, told, removes);
        }
    }

    fn node(&mut self, name: &'a str) -> usize {
        *self.node_of.entry(name).or_insert_with(|| {
            self.nodes.push((name, false, false));
            self.nodes.len() - 1
        })
    }

    fn edge(
        &mut self,
        from: usize,
        to: usize,
        told: &'a Told,
        removes: &BTreeMap<&'a Change, usize>,
    ) {
        let at = *self.edge_of.entry((from, to)).or_insert_with(|| {
            self.edges.push(Edge {
                from,
                to,
                steps: Vec::new(),
                paths: 0,
            });
            self.edges.len() - 1
        });
        let edge = &mut self.edges[at];
        edge.paths += 1;
        let cut = told.changeable.iter().find_map(|c| removes.get(c).copied());
        let is_unknown = !told.missing.is_empty();
        let next = edge.steps.len();
        let step = *self.step_of.entry((at, &*told.kind)).or_insert(next);
        if step == next {
            self.steps += 1;
            edge.steps.push(Step {
                told,
                cut,
                is_unknown,
            });
        } else {
            let step = &mut edge.steps[step];
            step.cut = step.cut.or(cut);
            step.is_unknown |= is_unknown;
        }
    }

    fn done(self, names: &Names) -> Merged<'a> {
        let node = |(name, is_entry, is_sink): (&'a str, bool, bool)| Node {
            name: names.show(name).into_owned().into(),
            is_entry,
            is_sink,
        };
        Merged {
            nodes: self.nodes.into_iter().map(node).collect(),
            edges: self.edges,
            headings: self.headings,
            cuts: self.cuts,
            changes: self.changes,
            left_out: self.left_out,
        }
    }
}

impl Edge<'_> {
    /// The changes that remove all of it; empty where something of it stays.
    pub(super) fn cut(&self) -> Vec<usize> {
        let cuts: Option<Vec<usize>> = self.steps.iter().map(|step| step.cut).collect();
        let mut cuts = cuts.unwrap_or_default();
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }

    /// Nothing of it is sure.
    pub(super) fn is_unknown(&self) -> bool {
        self.steps.iter().all(|step| step.is_unknown)
    }
}
