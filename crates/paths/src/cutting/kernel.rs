//! From many entries and sinks to graphs with one source and one sink, and from those to parts that share no change.
//! Comes in: the reduced graph, the wanted groups. Goes out: changes that must be made, parts to be solved.
//! Never: a pair of an entry and a sink that cannot be parted.

use super::reduce::reduce;
use super::web::{FREE, GONE, LabelledArc, Lists, Sets, Web, small};

pub(super) const SOURCE: u32 = 0;
pub(super) const SINK: u32 = 1;
/// Pairs of an entry and a group that are looked at together.
const MOST_PAIRS: usize = 16_000_000;
/// How often changes that must be made may uncover others.
const ROUNDS: usize = 50;

/// The problem, reduced: entries and groups are nodes.
pub(super) struct Roots {
    pub(super) web: Web,
    /// Of the entries that reach some sink; ordered, distinct.
    pub(super) entries: Vec<u32>,
    /// Of each group; [`GONE`] where no entry reaches it.
    pub(super) groups: Vec<u32>,
    out: Lists,
    into: Lists,
}

/// Each of these entries is to be parted from each of these groups, and none of these pairs is endless.
pub(super) struct Pairs {
    entries: Vec<u32>,
    groups: Vec<u32>,
}

/// A graph from [`SOURCE`] to [`SINK`] that shares no change with another part.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) nodes: usize,
    /// With changes as indices into `changes`.
    pub(super) arcs: Vec<LabelledArc>,
    pub(super) changes: Vec<u32>,
    pub(super) prices: Vec<u32>,
}

impl Roots {
    pub(super) fn new(mut web: Web, entries: &[u32], groups: &[u32], prices: &[u32]) -> Self {
        for entry in entries {
            web.source[*entry as usize] = true;
        }
        for group in groups {
            web.sink[*group as usize] = true;
        }
        let place = reduce(&mut web, prices, true);
        let mut entries: Vec<u32> = entries.iter().map(|node| place[*node as usize]).collect();
        entries.retain(|node| *node != GONE);
        entries.sort_unstable();
        entries.dedup();
        let groups = groups.iter().map(|node| place[*node as usize]).collect();
        let (out, into) = (web.outward(), web.inward());
        Roots {
            web,
            entries,
            groups,
            out,
            into,
        }
    }

    /// Covers every pair of an entry and a wanted group that is not endless: groups with the same endless entries
    /// share one graph, and those with fewer take part in it.
    pub(super) fn pairs(&self, wanted: &[usize]) -> Vec<Pairs> {
        let groups: Vec<u32> = wanted
            .iter()
            .filter_map(|group| self.groups.get(*group).copied())
            .filter(|node| *node != GONE)
            .collect();
        let endless: Vec<Vec<bool>> = groups
            .iter()
            .map(|node| {
                let behind = self.web.behind(&[*node], &self.into, |c| c == FREE);
                self.entries.iter().map(|e| behind[*e as usize]).collect()
            })
            .collect();
        let mut open: Vec<Vec<bool>> = endless
            .iter()
            .map(|endless| endless.iter().map(|endless| !endless).collect())
            .collect();
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|group| (open[*group].iter().filter(|open| **open).count(), *group));
        let mut covered = Vec::new();
        for group in order {
            let sources = open[group].clone();
            if !sources.contains(&true) {
                continue;
            }
            let mut pairs = Pairs {
                entries: pick(&self.entries, &sources),
                groups: Vec::new(),
            };
            for other in 0..groups.len() {
                let both = |(source, endless): (&bool, &bool)| *source && *endless;
                if sources.iter().zip(&endless[other]).any(both) {
                    continue;
                }
                pairs.groups.push(groups[other]);
                for (open, source) in open[other].iter_mut().zip(&sources) {
                    *open &= !source;
                }
            }
            covered.push(pairs);
        }
        covered
    }

    /// The graph between the entries as one source and the groups as one sink, without the arcs of removed changes.
    fn kernel(&self, pairs: &Pairs, removed: &[bool]) -> Web {
        let free = |change: u32| change == FREE;
        let begun = self.web.ahead(&pairs.entries, &self.out, free);
        let ended = self.web.behind(&pairs.groups, &self.into, free);
        let place = |node: u32| match (begun[node as usize], ended[node as usize]) {
            (true, _) => SOURCE,
            (_, true) => SINK,
            _ => node + 2,
        };
        let mut kernel = empty(self.web.nodes() + 2);
        let stays = |arc: &&LabelledArc| arc.change == FREE || !removed[arc.change as usize];
        let moved =
            |arc: &LabelledArc| LabelledArc::new(place(arc.from), place(arc.to), arc.change);
        kernel.arcs = self.web.arcs.iter().filter(stays).map(moved).collect();
        kernel
    }
}

fn pick(of: &[u32], flags: &[bool]) -> Vec<u32> {
    of.iter()
        .zip(flags)
        .filter(|(_, flag)| **flag)
        .map(|(node, _)| *node)
        .collect()
}

fn empty(nodes: usize) -> Web {
    let mut web = Web::new(nodes);
    web.source[SOURCE as usize] = true;
    web.sink[SINK as usize] = true;
    web
}

/// Kernels side by side between one source and one sink, in batches of bounded size. `solve` gets each batch and says
/// what it removes, which later batches need no longer think of.
pub(super) fn batches(
    roots: &Roots,
    wanted: &[usize],
    prices: &[u32],
    most_arcs: usize,
    mut solve: impl FnMut(Web, &mut [bool]),
) {
    let mut removed = vec![false; prices.len()];
    let groups = (MOST_PAIRS / (roots.entries.len() + 1)).max(1);
    let mut batch = empty(2);
    for pairs in wanted.chunks(groups).flat_map(|groups| roots.pairs(groups)) {
        let mut kernel = roots.kernel(&pairs, &removed);
        let place = reduce(&mut kernel, prices, false);
        if batch.arcs.len() + kernel.arcs.len() > most_arcs && !batch.arcs.is_empty() {
            solve(std::mem::replace(&mut batch, empty(2)), &mut removed);
        }
        let (source, sink) = (place[SOURCE as usize], place[SINK as usize]);
        let first = small(batch.nodes());
        let placed = |node: u32| match node {
            node if node == source => SOURCE,
            node if node == sink => SINK,
            node => node + first,
        };
        let gone = |change: u32| change != FREE && removed[change as usize];
        batch.arcs.extend(
            kernel
                .arcs
                .iter()
                .filter(|arc| !gone(arc.change))
                .map(|arc| LabelledArc::new(placed(arc.from), placed(arc.to), arc.change)),
        );
        let nodes = batch.nodes() + kernel.nodes();
        batch.source.resize(nodes, false);
        batch.sink.resize(nodes, false);
    }
    solve(batch, &mut removed);
}

/// Takes out of the graph, and into the answer, changes that alone make up a route, and makes parts of the rest.
pub(super) fn parts(mut web: Web, prices: &[u32], must: &mut Vec<u32>) -> Vec<Part> {
    let mut ends = (SOURCE, SINK);
    let mut gone = vec![false; prices.len()];
    for _ in 0..ROUNDS {
        let place = reduce(&mut web, prices, true);
        ends = (place[ends.0 as usize], place[ends.1 as usize]);
        if ends.0 == GONE || ends.1 == GONE {
            return Vec::new();
        }
        let known = must.len();
        for arc in &web.arcs {
            let alone = (arc.from, arc.to) == ends && arc.change != FREE;
            if alone && !std::mem::replace(&mut gone[arc.change as usize], true) {
                must.push(arc.change);
            }
        }
        if must.len() == known {
            break;
        }
        web.arcs
            .retain(|arc| arc.change == FREE || !gone[arc.change as usize]);
    }
    split(&web, ends, prices)
}

/// Parts that are joined by nothing but the source and the sink.
fn split(web: &Web, (source, sink): (u32, u32), prices: &[u32]) -> Vec<Part> {
    let nodes = web.nodes();
    let end = |node: u32| node == source || node == sink;
    let mut sets = Sets::new(nodes + prices.len());
    let members = |arc: &LabelledArc| {
        let label = (arc.change != FREE).then(|| small(nodes) + arc.change);
        [
            Some(arc.from).filter(|node| !end(*node)),
            Some(arc.to).filter(|node| !end(*node)),
            label,
        ]
        .into_iter()
        .flatten()
    };
    for arc in &web.arcs {
        let mut all = members(arc);
        if let Some(first) = all.next() {
            for other in all {
                sets.union(first, other);
            }
        }
    }
    let mut number = vec![GONE; nodes + prices.len()];
    let mut local = vec![GONE; nodes + prices.len()];
    let mut parts: Vec<Part> = Vec::new();
    for arc in &web.arcs {
        // An arc that stays and joins source and sink would be an endless route: none is left here.
        let Some(member) = members(arc).next() else {
            continue;
        };
        let root = sets.find(member) as usize;
        if number[root] == GONE {
            number[root] = small(parts.len());
            parts.push(Part {
                nodes: 2,
                ..Part::default()
            });
        }
        let part = &mut parts[number[root] as usize];
        let mut place = |node: u32| match node {
            node if node == source => SOURCE,
            node if node == sink => SINK,
            node => {
                let at = &mut local[node as usize];
                if *at == GONE {
                    *at = small(part.nodes);
                    part.nodes += 1;
                }
                *at
            }
        };
        let (from, to) = (place(arc.from), place(arc.to));
        let mut change = FREE;
        if arc.change != FREE {
            let at = &mut local[nodes + arc.change as usize];
            if *at == GONE {
                *at = small(part.changes.len());
                part.changes.push(arc.change);
                part.prices.push(prices[arc.change as usize]);
            }
            change = *at;
        }
        part.arcs.push(LabelledArc::new(from, to, change));
    }
    parts
}
