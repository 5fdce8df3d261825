//! A graph whose arcs carry changes, and what a search reaches in it.
//! Comes in: arcs. Goes out: ordered arcs, lists by their ends, reached nodes. Never: recursion, an order by hash.

/// The change of an arc that nobody can remove.
pub(crate) const FREE: u32 = u32::MAX;
/// Where a node went that no route needs.
pub(super) const GONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LabelledArc {
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Index into the prices, or [`FREE`]. The same change may sit on many arcs: all of them go with it.
    pub(crate) change: u32,
}

/// Routes begin at sources and end at sinks.
#[derive(Clone, Debug, Default)]
pub(super) struct Web {
    pub(super) arcs: Vec<LabelledArc>,
    pub(super) source: Vec<bool>,
    pub(super) sink: Vec<bool>,
}

/// Arcs by one of their ends, or by their change.
pub(super) struct Lists {
    starts: Vec<u32>,
    arcs: Vec<u32>,
}

/// Disjoint sets; the smallest member stands for its set.
pub(super) struct Sets(Vec<u32>);

/// Work that may still be done, in the steps of [`super::Limits`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(pub(super) u64);

pub(super) fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl LabelledArc {
    pub(super) fn new(from: u32, to: u32, change: u32) -> Self {
        LabelledArc { from, to, change }
    }
    pub(super) fn tail(&self) -> u32 {
        self.from
    }
    pub(super) fn head(&self) -> u32 {
        self.to
    }
    pub(super) fn label(&self) -> u32 {
        self.change
    }
}

impl Web {
    pub(super) fn new(nodes: usize) -> Self {
        Web {
            arcs: Vec::new(),
            source: vec![false; nodes],
            sink: vec![false; nodes],
        }
    }

    pub(super) fn nodes(&self) -> usize {
        self.source.len()
    }

    pub(super) fn sources(&self) -> Vec<u32> {
        marked(&self.source)
    }

    pub(super) fn sinks(&self) -> Vec<u32> {
        marked(&self.sink)
    }

    pub(super) fn outward(&self) -> Lists {
        Lists::new(self.nodes(), &self.arcs, LabelledArc::tail)
    }

    pub(super) fn inward(&self) -> Lists {
        Lists::new(self.nodes(), &self.arcs, LabelledArc::head)
    }

    /// What is reached along arcs whose change passes.
    pub(super) fn ahead(
        &self,
        starts: &[u32],
        out: &Lists,
        passes: impl Fn(u32) -> bool,
    ) -> Vec<bool> {
        self.reach(starts, out, LabelledArc::head, passes)
    }

    /// What reaches the starts.
    pub(super) fn behind(
        &self,
        starts: &[u32],
        into: &Lists,
        passes: impl Fn(u32) -> bool,
    ) -> Vec<bool> {
        self.reach(starts, into, LabelledArc::tail, passes)
    }

    fn reach(
        &self,
        starts: &[u32],
        lists: &Lists,
        other: fn(&LabelledArc) -> u32,
        passes: impl Fn(u32) -> bool,
    ) -> Vec<bool> {
        let mut seen = vec![false; self.nodes()];
        let mut stack: Vec<u32> = Vec::new();
        for &start in starts {
            if !std::mem::replace(&mut seen[start as usize], true) {
                stack.push(start);
            }
        }
        while let Some(node) = stack.pop() {
            for &id in lists.at(node) {
                let arc = &self.arcs[id as usize];
                let next = other(arc);
                if !seen[next as usize] && passes(arc.change) {
                    seen[next as usize] = true;
                    stack.push(next);
                }
            }
        }
        seen
    }

    /// Orders the arcs by tail, head and change; drops loops, duplicates, and what lies beside an arc that stays.
    pub(super) fn tidy(&mut self) {
        let nodes = self.nodes();
        self.arcs.retain(|arc| arc.from != arc.to);
        let mut by_head = Vec::new();
        bucket(nodes, &self.arcs, &mut by_head, LabelledArc::head);
        bucket(nodes, &by_head, &mut self.arcs, LabelledArc::tail);
        drop(by_head);
        let (mut kept, mut start) = (0, 0);
        while start < self.arcs.len() {
            let first = self.arcs[start];
            let beside = |arc: &LabelledArc| (arc.from, arc.to) == (first.from, first.to);
            let mut end = start + 1;
            while self.arcs.get(end).is_some_and(beside) {
                end += 1;
            }
            self.arcs[start..end].sort_unstable();
            if self.arcs[end - 1].change == FREE {
                start = end - 1;
            }
            for at in start..end {
                let arc = self.arcs[at];
                if at == start || arc != self.arcs[kept - 1] {
                    self.arcs[kept] = arc;
                    kept += 1;
                }
            }
            start = end;
        }
        self.arcs.truncate(kept);
    }
}

fn marked(flags: &[bool]) -> Vec<u32> {
    (0_u32..)
        .zip(flags)
        .filter(|(_, flag)| **flag)
        .map(|(node, _)| node)
        .collect()
}

/// A stable counting sort.
fn bucket(
    nodes: usize,
    arcs: &[LabelledArc],
    sorted: &mut Vec<LabelledArc>,
    key: fn(&LabelledArc) -> u32,
) {
    let mut next = starts(nodes, arcs, key);
    sorted.clear();
    sorted.resize(arcs.len(), LabelledArc::new(0, 0, FREE));
    for arc in arcs {
        let at = &mut next[key(arc) as usize];
        sorted[*at as usize] = *arc;
        *at += 1;
    }
}

fn starts(keys: usize, arcs: &[LabelledArc], key: fn(&LabelledArc) -> u32) -> Vec<u32> {
    let mut starts = vec![0_u32; keys + 1];
    for arc in arcs {
        if let Some(count) = starts.get_mut((key(arc) as usize).saturating_add(1)) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    starts
}

impl Lists {
    /// Arcs whose key is not below `keys` stand in no list.
    pub(super) fn new(keys: usize, arcs: &[LabelledArc], key: fn(&LabelledArc) -> u32) -> Self {
        let starts = starts(keys, arcs, key);
        let mut next = starts.clone();
        let mut order = vec![0; starts[keys] as usize];
        for (id, arc) in (0_u32..).zip(arcs) {
            let key = key(arc) as usize;
            if key < keys {
                order[next[key] as usize] = id;
                next[key] += 1;
            }
        }
        Lists {
            starts,
            arcs: order,
        }
    }

    pub(super) fn at(&self, key: u32) -> &[u32] {
        let key = key as usize;
        &self.arcs[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

impl Sets {
    pub(super) fn new(count: usize) -> Self {
        Sets((0..small(count)).collect())
    }

    pub(super) fn find(&mut self, mut node: u32) -> u32 {
        while self.0[node as usize] != node {
            let up = self.0[self.0[node as usize] as usize];
            self.0[node as usize] = up;
            node = up;
        }
        node
    }

    pub(super) fn union(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
        a != b
    }
}

impl Budget {
    /// Whether there is still something left.
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.0 = self.0.saturating_sub(steps as u64);
        self.0 > 0
    }

    /// A part of what is left; what the taker does not use is given back by [`Budget::back`].
    pub(super) fn take(&mut self, most: u64) -> Budget {
        let taken = self.0.min(most);
        self.0 -= taken;
        Budget(taken)
    }

    pub(super) fn back(&mut self, rest: Budget) {
        self.0 += rest.0;
    }
}
