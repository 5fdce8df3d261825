//! Makes a graph smaller without changing which sets of changes end which routes, nor the best of them.
//! Comes in: a graph with sources and sinks. Goes out: the smaller graph, and where each node went.
//! Never: a merge of nodes that some set of changes tells apart.

use super::web::{FREE, GONE, LabelledArc, Lists, Sets, Web, small};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Arcs are looked at about this many times before what is left is taken as it is.
const ROUNDS: usize = 40;
/// No arc seen yet, while the common change of a node's arcs is looked for.
const NONE: u32 = u32::MAX - 1;

/// `dominance`: a change is made unremovable where another one, not dearer, lies on each of its routes. That holds
/// only if this graph has all arcs of the change.
pub(super) fn reduce(web: &mut Web, prices: &[u32], dominance: bool) -> Vec<u32> {
    let mut place: Vec<u32> = (0..small(web.nodes())).collect();
    web.tidy();
    let mut allowed = web.arcs.len().saturating_mul(ROUNDS) + 100_000;
    loop {
        let before = (web.nodes(), web.arcs.len());
        let (sets, keep) = gather(web);
        merge(web, &mut place, sets, &keep);
        let keep = vec![true; web.nodes()];
        let sets = chains(web);
        merge(web, &mut place, sets, &keep);
        let sets = twins(web, true);
        merge(web, &mut place, sets, &keep);
        let sets = twins(web, false);
        merge(web, &mut place, sets, &keep);
        let mut freed = paid_before(web) | paid_after(web);
        if dominance {
            freed |= dominated(web, prices);
        }
        if freed {
            web.tidy();
        } else if before == (web.nodes(), web.arcs.len()) {
            return place;
        }
        let spent = web.arcs.len() + web.nodes();
        if spent > allowed {
            return place;
        }
        allowed -= spent;
    }
}

/// Renumbers the nodes, one for each set; `place` follows. The flags of a set are those of all its members.
fn merge(web: &mut Web, place: &mut [u32], mut sets: Sets, keep: &[bool]) {
    let nodes = web.nodes();
    let (mut to, mut count) = (vec![GONE; nodes], 0);
    for node in 0..small(nodes) {
        if keep.get(node as usize).copied().unwrap_or(true) {
            let root = sets.find(node) as usize;
            if to[root] == GONE {
                to[root] = count;
                count += 1;
            }
            to[node as usize] = to[root];
        }
    }
    if count as usize == nodes {
        return;
    }
    let mut merged = Web::new(count as usize);
    for (node, new) in to.iter().enumerate().filter(|(_, new)| **new != GONE) {
        merged.source[*new as usize] |= web.source[node];
        merged.sink[*new as usize] |= web.sink[node];
    }
    merged.arcs = std::mem::take(&mut web.arcs);
    merged.arcs.retain_mut(|arc| {
        (arc.from, arc.to) = (to[arc.from as usize], to[arc.to as usize]);
        arc.from != GONE && arc.to != GONE
    });
    merged.tidy();
    *web = merged;
    for at in place.iter_mut().filter(|at| **at != GONE) {
        *at = to[*at as usize];
    }
}

/// Nodes on no route go. What a lone source reaches over arcs that stay is the source, what reaches a lone sink is
/// the sink, and a cycle of such arcs is one node.
fn gather(web: &mut Web) -> (Sets, Vec<bool>) {
    let (sources, sinks) = (web.sources(), web.sinks());
    let source = (sources.len() == 1).then(|| sources[0]);
    let sink = (sinks.len() == 1).then(|| sinks[0]);
    web.arcs
        .retain(|arc| Some(arc.to) != source && Some(arc.from) != sink);
    let (out, into) = (web.outward(), web.inward());
    let ahead = web.ahead(&sources, &out, |_| true);
    let behind = web.behind(&sinks, &into, |_| true);
    let keep: Vec<bool> = ahead.iter().zip(&behind).map(|(a, b)| *a && *b).collect();
    let mut sets = Sets::new(web.nodes());
    knots(web, &out, &keep, &mut sets);
    let free = |change: u32| change == FREE;
    let ends = [
        source.map(|node| (node, web.ahead(&[node], &out, free))),
        sink.map(|node| (node, web.behind(&[node], &into, free))),
    ];
    for (end, joined) in ends.iter().flatten() {
        for node in 0..small(web.nodes()) {
            if joined[node as usize] && keep[node as usize] && keep[*end as usize] {
                sets.union(node, *end);
            }
        }
    }
    (sets, keep)
}

/// Strongly connected components over arcs that stay: Tarjan's algorithm with a stack of its own.
fn knots(web: &Web, out: &Lists, keep: &[bool], sets: &mut Sets) {
    const DONE: u32 = u32::MAX;
    let mut number = vec![0_u32; web.nodes()];
    let mut low = vec![0_u32; web.nodes()];
    let (mut open, mut calls): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
    let mut count = 0;
    for root in 0..small(web.nodes()) {
        if number[root as usize] != 0 || !keep[root as usize] {
            continue;
        }
        calls.push((root, 0));
        while let Some((node, at)) = calls.pop() {
            let here = node as usize;
            if at == 0 {
                count += 1;
                (number[here], low[here]) = (count, count);
                open.push(node);
            }
            let mut down = None;
            for (n, id) in out.at(node).iter().enumerate().skip(at) {
                let arc = &web.arcs[*id as usize];
                let to = arc.to as usize;
                if arc.change != FREE || !keep[to] || number[to] == DONE {
                    continue;
                }
                if number[to] == 0 {
                    down = Some((n + 1, arc.to));
                    break;
                }
                low[here] = low[here].min(number[to]);
            }
            if let Some((next, to)) = down {
                calls.push((node, next));
                calls.push((to, 0));
                continue;
            }
            if low[here] == number[here] {
                while let Some(member) = open.pop() {
                    number[member as usize] = DONE;
                    sets.union(member, node);
                    if member == node {
                        break;
                    }
                }
            }
            if let Some((up, _)) = calls.last() {
                let up = *up as usize;
                low[up] = low[up].min(low[here]);
            }
        }
    }
}

/// A node with one way in, or one way out, that stays is the node at its other end. Needs a graph without cycles of
/// arcs that stay: then each node goes to at most one other, and two that go to each other mean the same merge.
fn chains(web: &Web) -> Sets {
    let mut sets = Sets::new(web.nodes());
    let (out, into) = (web.outward(), web.inward());
    for node in 0..small(web.nodes()) {
        let only = |lists: &Lists| match lists.at(node) {
            [id] => Some(web.arcs[*id as usize]).filter(|arc| arc.change == FREE),
            _ => None,
        };
        let here = node as usize;
        let back = only(&into).filter(|_| !web.source[here]);
        let forth = only(&out).filter(|_| !web.sink[here]);
        if let Some(other) = back.map(|arc| arc.from).or(forth.map(|arc| arc.to)) {
            sets.union(node, other);
        }
    }
    sets
}

/// Nodes with the same ways out, or the same ways in, are one: whatever is removed, routes from them (to them) are
/// the same.
fn twins(web: &Web, outward: bool) -> Sets {
    let mut sets = Sets::new(web.nodes());
    let lists = if outward { web.outward() } else { web.inward() };
    let pinned = if outward { &web.sink } else { &web.source };
    let way = |id: &u32| {
        let arc = &web.arcs[*id as usize];
        (if outward { arc.to } else { arc.from }, arc.change)
    };
    let mut first: FxHashMap<u64, u32> = FxHashMap::default();
    for node in 0..small(web.nodes()) {
        let ways = lists.at(node);
        if pinned[node as usize] || ways.is_empty() {
            continue;
        }
        let mut hasher = FxHasher::default();
        for id in ways {
            way(id).hash(&mut hasher);
        }
        let other = *first.entry(hasher.finish()).or_insert(node);
        if other != node && lists.at(other).iter().map(way).eq(ways.iter().map(way)) {
            sets.union(node, other);
        }
    }
    sets
}

/// The change that all arcs at a node's side carry; [`FREE`] where there is none.
fn common(web: &Web, pinned: &[bool], end: fn(&LabelledArc) -> u32) -> Vec<u32> {
    let mut common = vec![NONE; web.nodes()];
    for arc in &web.arcs {
        let here = &mut common[end(arc) as usize];
        *here = if *here == NONE || *here == arc.change {
            arc.change
        } else {
            FREE
        };
    }
    for (here, pinned) in common.iter_mut().zip(pinned) {
        if *pinned || *here == NONE {
            *here = FREE;
        }
    }
    common
}

/// A change that every way to a node carries need not be on the ways from it: the first arc of a route that carries
/// it keeps it.
fn paid_before(web: &mut Web) -> bool {
    let common = common(web, &web.source, LabelledArc::head);
    set_free(web, |arc| common[arc.from as usize] == arc.change)
}

/// The same from the other end: the last arc of a route that carries it keeps it.
fn paid_after(web: &mut Web) -> bool {
    let common = common(web, &web.sink, LabelledArc::tail);
    set_free(web, |arc| common[arc.to as usize] == arc.change)
}

fn dominated(web: &mut Web, prices: &[u32]) -> bool {
    let before = common(web, &web.source, LabelledArc::head);
    let after = common(web, &web.sink, LabelledArc::tail);
    // Of each change: what lies beside all of its arcs so far.
    let mut beside: FxHashMap<u32, [u32; 2]> = FxHashMap::default();
    for arc in web.arcs.iter().filter(|arc| arc.change != FREE) {
        let here = [before[arc.from as usize], after[arc.to as usize]];
        let all = beside.entry(arc.change).or_insert(here);
        *all = all.map(|change| if here.contains(&change) { change } else { FREE });
    }
    let mut changes: Vec<u32> = beside.keys().copied().collect();
    changes.sort_unstable();
    let mut gone = vec![false; prices.len()];
    for change in changes {
        let by = |other: &u32| {
            *other != FREE
                && *other != change
                && !gone[*other as usize]
                && prices[*other as usize] <= prices[change as usize]
        };
        if beside[&change].iter().any(by) {
            gone[change as usize] = true;
        }
    }
    set_free(web, |arc| gone[arc.change as usize])
}

fn set_free(web: &mut Web, which: impl Fn(&LabelledArc) -> bool) -> bool {
    let mut freed = false;
    for arc in &mut web.arcs {
        if arc.change != FREE && which(arc) {
            arc.change = FREE;
            freed = true;
        }
    }
    freed
}
