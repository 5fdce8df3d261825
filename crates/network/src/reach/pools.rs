//! Which workloads get to a port of some pods, both ends' policies asked, as few shared sets.
//! Comes in: the rows. Goes out: [`Gets`]. Never: a class with a class; only what is answered in another way than the
//! rest is looked at one by one.

use super::decide::Wanted;
use super::{Reach, Source};
use crate::PeerSet;
use model::evidence::Truth;
use model::reach::Direction::{Egress, Ingress};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Members of all sets together; a cluster that needs more is told so instead of being listed.
const MOST_MEMBERS: usize = 1 << 23;

/// Who gets to a port.
#[derive(Debug)]
pub(crate) struct Gets {
    /// Every workload, for certain, and any that may come.
    pub(crate) everyone: bool,
    /// Every workload of the namespace, for certain, and any that may come.
    pub(crate) own: bool,
    /// Those that do or may, where not everyone does; workloads of the namespace may be left out where all do.
    pub(crate) sets: Vec<PeerSet>,
    /// They were too many to list.
    pub(crate) untold: bool,
}

/// Egress rows and classes that get less than the rest, ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Less {
    rows: Vec<(u32, Truth)>,
    classes: Vec<(u32, Truth)>,
}

/// Sure and possible ones.
type Members = (Arc<[u32]>, Arc<[u32]>);

/// Ingress row, deviations, namespace, port.
type Key = (u32, u32, u32, Wanted);

pub(crate) struct Pools {
    /// Classes that have workloads, by egress row.
    by_row: Vec<Vec<u32>>,
    /// By class: index into `deviations`.
    deviates: Vec<u32>,
    /// Egress rows that answer a class in another way than those that they do not list, with that answer.
    deviations: Vec<Rc<[(u32, u32)]>>,
    verdicts: FxHashMap<(u32, u32, Wanted), Truth>,
    bases: FxHashMap<(u32, Wanted), Rc<[Truth]>>,
    rests: FxHashMap<(u32, Wanted, Less), Result<Option<PeerSet>, ()>>,
    known: FxHashMap<Key, Rc<Gets>>,
    sets: FxHashMap<Members, u32>,
    members: usize,
}

impl Pools {
    pub(crate) fn of(reach: &Reach<'_>) -> Self {
        let (rows, classes) = (&reach.rows, &reach.classes);
        let count = rows.count(Egress);
        let mut by_row = vec![Vec::new(); count];
        for (class, members) in (0_u32..).zip(&classes.members) {
            let row = by_row.get_mut(rows.row(Egress, class) as usize);
            if let (Some(row), false) = (row, members.is_empty()) {
                row.push(class);
            }
        }
        let mut of_class: Vec<Vec<(u32, u32)>> = vec![Vec::new(); classes.all.len()];
        for (row, _) in (0_u32..).zip(&by_row).filter(|(_, of)| !of.is_empty()) {
            for (class, answer) in rows.listed(Egress, row) {
                if let Some(of) = of_class.get_mut(*class as usize) {
                    of.push((row, *answer));
                }
            }
        }
        let mut known: FxHashMap<Rc<[(u32, u32)]>, u32> = FxHashMap::default();
        let mut deviations = Vec::new();
        let deviates = of_class.into_iter().map(|of| {
            let of: Rc<[(u32, u32)]> = of.into();
            *known.entry(of).or_insert_with_key(|of| {
                deviations.push(Rc::clone(of));
                u32::try_from(deviations.len() - 1).unwrap_or(u32::MAX)
            })
        });
        let deviates = deviates.collect();
        Pools {
            by_row,
            deviates,
            deviations,
            verdicts: FxHashMap::default(),
            bases: FxHashMap::default(),
            rests: FxHashMap::default(),
            known: FxHashMap::default(),
            sets: FxHashMap::default(),
            members: 0,
        }
    }

    /// Who gets to the port of a class.
    pub(crate) fn gets(&mut self, reach: &Reach<'_>, class: u32, wanted: Wanted) -> Rc<Gets> {
        let namespace = reach.classes.all.get(class as usize);
        let namespace = namespace.and_then(|c| c.namespace).unwrap_or(u32::MAX);
        let deviates = self.deviates.get(class as usize).copied();
        let row = reach.rows.row(Ingress, class);
        let key = (row, deviates.unwrap_or(u32::MAX), namespace, wanted);
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let gets = Rc::new(self.look(reach, class, key));
        self.known.insert(key, Rc::clone(&gets));
        gets
    }

    fn look(&mut self, reach: &Reach<'_>, class: u32, key: Key) -> Gets {
        let (row, deviates, namespace, wanted) = key;
        let rows = &reach.rows;
        let into = rows.to_others(Ingress, row);
        let plain = self.base(reach, into, wanted);
        let deviations = self.deviations.get(deviates as usize).cloned();
        // What each egress row says to this class, and the classes that the ingress row lists.
        let mut by_row = plain.to_vec();
        for (row, out) in deviations.iter().flat_map(|all| all.iter()) {
            let verdict = self.verdict(reach, *out, into, wanted);
            if let Some(slot) = by_row.get_mut(*row as usize) {
                *slot = verdict;
            }
        }
        let mut listed: Vec<(u32, Truth)> = Vec::new();
        for (peer, into) in rows.listed(Ingress, row) {
            if has_members(reach, *peer) {
                let out = reach.out(*peer, class);
                listed.push((*peer, self.verdict(reach, out, *into, wanted)));
            }
        }
        let of = |by_row: &[Truth], peer: u32| {
            let row = rows.row(Egress, peer) as usize;
            by_row.get(row).copied().unwrap_or(Truth::Unknown)
        };
        let verdict = |peer: u32| match listed.binary_search_by_key(&peer, |(peer, _)| *peer) {
            Ok(at) => listed.get(at).map_or(Truth::Unknown, |(_, truth)| *truth),
            Err(_) => of(&by_row, peer),
        };
        let passes = |(row, truth): (&Vec<u32>, &Truth)| row.is_empty() || *truth == Truth::Yes;
        let anyone = |source: Source| {
            let mut standing = reach.standing_for(source, class).into_iter();
            standing.all(|from| reach.between(from, class).truth(wanted) == Truth::Yes)
        };
        let everyone = anyone(Source::Cluster)
            && self.by_row.iter().zip(&by_row).all(passes)
            && listed.iter().all(|(_, truth)| *truth == Truth::Yes);
        let mut gets = Gets {
            everyone,
            own: everyone,
            sets: Vec::new(),
            untold: false,
        };
        if everyone {
            return gets;
        }
        let neighbours = reach.classes.in_namespace.get(namespace as usize);
        let mut neighbours = neighbours.into_iter().flatten();
        gets.own = anyone(Source::Namespace)
            && neighbours.all(|n| !has_members(reach, *n) || verdict(*n) == Truth::Yes);

        // What the rest gets, without those that get less, is one set, which many share; those that get more stand beside.
        let mut less = Less::default();
        let mut more: Vec<(u32, Truth)> = Vec::new();
        let elsewhere = |n: &u32| {
            let class = reach.classes.all.get(*n as usize);
            !gets.own || class.is_none_or(|class| class.namespace != Some(namespace))
        };
        for (row, _) in deviations.iter().flat_map(|all| all.iter()) {
            let at = *row as usize;
            let (Some(before), Some(truth)) = (plain.get(at), by_row.get(at)) else {
                continue;
            };
            if truth < before {
                less.rows.push((*row, *truth));
            } else if truth > before {
                let unlisted = self.by_row.get(at).into_iter().flatten().filter(|n| {
                    let at = listed.binary_search_by_key(*n, |(peer, _)| *peer);
                    at.is_err() && elsewhere(n)
                });
                more.extend(unlisted.map(|n| (*n, *truth)));
            }
        }
        for (n, truth) in &listed {
            let before = of(&plain, *n);
            // What its egress row gets less does not hold for one that is listed.
            let kept = *truth == before && of(&by_row, *n) < before;
            if *truth < before || kept {
                less.classes.push((*n, *truth));
            } else if *truth > before && elsewhere(n) {
                more.push((*n, *truth));
            }
        }
        for set in [self.rest(reach, into, wanted, less), self.set(reach, &more)] {
            match set {
                Ok(set) => gets.sets.extend(set),
                Err(()) => gets.untold = true,
            }
        }
        gets
    }

    /// What each egress row says together with an ingress answer to those that it does not list.
    fn base(&mut self, reach: &Reach<'_>, into: u32, wanted: Wanted) -> Rc<[Truth]> {
        if let Some(base) = self.bases.get(&(into, wanted)) {
            return Rc::clone(base);
        }
        let rows = 0..u32::try_from(self.by_row.len()).unwrap_or(u32::MAX);
        let base: Rc<[Truth]> = rows
            .map(|row| self.verdict(reach, reach.rows.to_others(Egress, row), into, wanted))
            .collect();
        self.bases.insert((into, wanted), Rc::clone(&base));
        base
    }

    /// Those that no row lists, but for some that get less.
    fn rest(
        &mut self,
        reach: &Reach<'_>,
        into: u32,
        wanted: Wanted,
        less: Less,
    ) -> Result<Option<PeerSet>, ()> {
        let key = (into, wanted, less);
        if let Some(known) = self.rests.get(&key) {
            return known.clone();
        }
        let base = self.base(reach, into, wanted);
        let find = |list: &[(u32, Truth)], key: u32| {
            let at = list.binary_search_by_key(&key, |(key, _)| *key).ok()?;
            list.get(at).map(|(_, truth)| *truth)
        };
        let mut admitted: Vec<(u32, Truth)> = Vec::new();
        for ((row, of), truth) in (0_u32..).zip(&self.by_row).zip(base.iter()) {
            if *truth == Truth::No {
                continue;
            }
            let truth = find(&key.2.rows, row).unwrap_or(*truth);
            for n in of {
                let truth = find(&key.2.classes, *n).unwrap_or(truth);
                if truth > Truth::No {
                    admitted.push((*n, truth));
                }
            }
        }
        let set = self.set(reach, &admitted);
        self.rests.insert(key, set.clone());
        set
    }

    fn verdict(&mut self, reach: &Reach<'_>, out: u32, into: u32, wanted: Wanted) -> Truth {
        let known = self.verdicts.entry((out, into, wanted));
        *known.or_insert_with(|| {
            match (reach.rows.ports(out), reach.rows.ports(into)) {
                (Some(out), Some(into)) => out.and(into).truth(wanted),
                // A row that is not there says nothing.
                _ => Truth::Unknown,
            }
        })
    }

    /// The workloads of classes; `None` for nobody, an error for too many.
    fn set(&mut self, reach: &Reach<'_>, classes: &[(u32, Truth)]) -> Result<Option<PeerSet>, ()> {
        let (mut sure, mut possible) = (Vec::new(), Vec::new());
        for (class, truth) in classes {
            let members = reach.classes.members.get(*class as usize);
            for member in members.into_iter().flatten() {
                possible.push(*member);
                if *truth == Truth::Yes {
                    sure.push(*member);
                }
            }
        }
        if possible.is_empty() {
            return Ok(None);
        }
        for list in [&mut sure, &mut possible] {
            list.sort_unstable();
            list.dedup();
        }
        let same = sure.len() == possible.len();
        let possible: Arc<[u32]> = possible.into();
        let sure: Arc<[u32]> = if same {
            Arc::clone(&possible)
        } else {
            sure.into()
        };
        // Even numbers; the odd one beside each is the same set where nothing of it is sure.
        let next = u32::try_from(self.sets.len() * 2).unwrap_or(u32::MAX);
        let key = (Arc::clone(&sure), Arc::clone(&possible));
        if !self.sets.contains_key(&key) {
            self.members += possible.len();
            if self.members > MOST_MEMBERS {
                return Err(());
            }
        }
        let id = *self.sets.entry(key).or_insert(next);
        Ok(Some(PeerSet { id, sure, possible }))
    }
}

fn has_members(reach: &Reach<'_>, class: u32) -> bool {
    let members = reach.classes.members.get(class as usize);
    members.is_some_and(|members| !members.is_empty())
}
