//! All connections, one source after the other: what each destination gets.
//! Comes in: the rows. Goes out: numbers of answers; equal answers have one number.
//! Never: an allocation or an evaluation for each pair.

use super::decide::{Ports, Who};
use super::{Peer, Reach};
use model::reach::Direction::{Egress, Ingress};
use rustc_hash::FxHashMap;

/// Made once for all sources. Destinations are the workloads, then the intervals of egress, as [`Sweep::targets`] lists
/// them.
pub struct Sweep<'r, 'a> {
    reach: &'r Reach<'a>,
    /// Those of the rows, under the rows' numbers, then what is made of two of them.
    answers: Vec<Ports>,
    /// Parallel to `answers`: nothing is let through, not even possibly.
    closed: Vec<bool>,
    known: FxHashMap<Ports, u32>,
    both: FxHashMap<(u32, u32), u32>,
    either: FxHashMap<(u32, u32), u32>,
    targets: Vec<Peer>,
    workloads: usize,
    /// What pods of one class, the last that was asked, get from each class.
    class: Option<u32>,
    by_class: Vec<u32>,
    by_target: Vec<u32>,
}

impl<'a> Reach<'a> {
    pub fn sweep(&self) -> Sweep<'_, 'a> {
        let workloads = self.inventory.workloads.len();
        let ranges = self.intervals(Egress).map(|(n, _)| Peer::Range(n));
        let targets = (0_u32..).take(workloads).map(Peer::Workload);
        let answers = self.rows.answers().to_vec();
        let mut sweep = Sweep {
            reach: self,
            closed: answers.iter().map(|a| a.possible.is_empty()).collect(),
            known: (0_u32..)
                .zip(&answers)
                .map(|(n, answer)| (answer.clone(), n))
                .collect(),
            answers,
            both: FxHashMap::default(),
            either: FxHashMap::default(),
            targets: targets.chain(ranges).collect(),
            workloads,
            class: None,
            by_class: Vec::new(),
            by_target: Vec::new(),
        };
        sweep.by_target = vec![Sweep::NOTHING; sweep.targets.len()];
        sweep
    }
}

impl Sweep<'_, '_> {
    /// In place of an answer: nothing is let through.
    pub const NOTHING: u32 = u32::MAX;

    pub fn targets(&self) -> &[Peer] {
        &self.targets
    }

    /// Whatever connections may begin at; a range's are those of ingress.
    pub fn sources(&self) -> impl Iterator<Item = Peer> + use<> {
        let ranges = u32::try_from(self.reach.intervals(Ingress).count()).unwrap_or(u32::MAX);
        (0_u32..)
            .take(self.workloads)
            .map(Peer::Workload)
            .chain((0..ranges).map(Peer::Range))
            .chain([Peer::IngressController])
    }

    /// The ports that a number means.
    pub fn ports(&self, n: u32) -> Option<&Ports> {
        self.answers.get(n as usize)
    }

    /// The number of what a target, by its place, gets from the source that was begun at last.
    pub fn answer(&self, target: usize) -> u32 {
        self.by_target
            .get(target)
            .copied()
            .unwrap_or(Sweep::NOTHING)
    }

    /// Asks for all targets at once; a workload gets nothing from itself.
    pub fn begin(&mut self, source: Peer) {
        self.by_target.fill(Sweep::NOTHING);
        if self.reach.is_apart(source) {
            return;
        }
        match source {
            Peer::Workload(a) => {
                for x in self.reach.classes_of(a) {
                    self.class(*x);
                    self.add_workloads();
                    for at in self.workloads..self.targets.len() {
                        if let Some(Peer::Range(n)) = self.targets.get(at) {
                            let rows = &self.reach.rows;
                            let answer = rows.answer(Egress, *x, Who::Interval(*n));
                            self.add(at, answer);
                        }
                    }
                }
                if let Some(own) = self.by_target.get_mut(a as usize) {
                    *own = Sweep::NOTHING;
                }
            }
            Peer::Range(n) => {
                self.class = None;
                let rows = &self.reach.rows;
                let by_row = rows.to_all(Ingress, Who::Interval(n));
                self.by_class.clear();
                self.by_class
                    .extend(rows.of(Ingress).iter().map(|row| at(&by_row, *row)));
                self.add_workloads();
            }
            Peer::IngressController => {
                for b in (0_u32..).take(self.workloads) {
                    let ports = self.reach.ports(source, Peer::Workload(b));
                    let answer = self.put(ports);
                    self.add(b as usize, answer);
                }
            }
        }
        for apart in self.reach.apart() {
            if let Some(answer) = self.by_target.get_mut(*apart as usize) {
                *answer = Sweep::NOTHING;
            }
        }
    }

    /// What a class gets from each, both sides asked.
    fn class(&mut self, from: u32) {
        if self.class == Some(from) {
            return;
        }
        self.class = Some(from);
        let rows = &self.reach.rows;
        let row = rows.row(Egress, from);
        let into = rows.to_all(Ingress, Who::Class(from));
        let mut by_class = std::mem::take(&mut self.by_class);
        by_class.clear();
        by_class.resize(rows.of(Egress).len(), rows.to_others(Egress, row));
        for (class, answer) in rows.listed(Egress, row) {
            if let Some(slot) = by_class.get_mut(*class as usize) {
                *slot = *answer;
            }
        }
        let mut last = ((u32::MAX, u32::MAX), Sweep::NOTHING);
        for (slot, row) in by_class.iter_mut().zip(rows.of(Ingress)) {
            let pair = (*slot, at(&into, *row));
            if pair != last.0 {
                last = (pair, self.both(pair));
            }
            *slot = last.1;
        }
        self.by_class = by_class;
    }

    fn add_workloads(&mut self) {
        for b in 0..self.workloads {
            let reach = self.reach;
            for y in reach.classes.of.get(b).into_iter().flatten() {
                self.add(b, at(&self.by_class, *y));
            }
        }
    }

    /// Pods of one workload that differ: what any of them has.
    fn add(&mut self, target: usize, answer: u32) {
        if self.closed.get(answer as usize) != Some(&false) {
            return;
        }
        let old = self.by_target.get(target).copied();
        let joined = match old {
            None | Some(Sweep::NOTHING) => answer,
            Some(old) if old == answer => answer,
            Some(old) => self.either((old, answer)),
        };
        if let Some(slot) = self.by_target.get_mut(target) {
            *slot = joined;
        }
    }

    fn both(&mut self, pair: (u32, u32)) -> u32 {
        if let Some(known) = self.both.get(&pair) {
            return *known;
        }
        let ports = match (self.ports(pair.0), self.ports(pair.1)) {
            (Some(out), Some(into)) => out.and(into),
            _ => Ports::default(),
        };
        let n = self.put(ports);
        self.both.insert(pair, n);
        n
    }

    fn either(&mut self, pair: (u32, u32)) -> u32 {
        if let Some(known) = self.either.get(&pair) {
            return *known;
        }
        let ports = match (self.ports(pair.0), self.ports(pair.1)) {
            (Some(one), Some(other)) => one.or(other),
            _ => Ports::default(),
        };
        let n = self.put(ports);
        self.either.insert(pair, n);
        n
    }

    fn put(&mut self, ports: Ports) -> u32 {
        if let Some(known) = self.known.get(&ports) {
            return *known;
        }
        let n = u32::try_from(self.answers.len()).unwrap_or(u32::MAX);
        self.closed.push(ports.possible.is_empty());
        self.answers.push(ports.clone());
        self.known.insert(ports, n);
        n
    }
}

fn at(list: &[u32], n: u32) -> u32 {
    list.get(n as usize).copied().unwrap_or(Sweep::NOTHING)
}
