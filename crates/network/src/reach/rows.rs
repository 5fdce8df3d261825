//! What each class of pods lets out and in, for everyone at once.
//! Comes in: policies, classes. Goes out: one row for each set of policies that governs some class, in which only those
//! peers stand that get something else than all others. Never: a class with a class.

use super::classes::{Classes, NamedPort};
use super::decide::{Ports, Question, Who, decide};
use super::meets::Meets;
use super::rules::{Peers, Policies, Rule};
use crate::namespaces::Namespaces;
use model::reach::Direction;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

pub(crate) struct Rows {
    /// By direction, class: its row.
    of: [Vec<u32>; 2],
    made: [Vec<Row>; 2],
    /// Parallel to `made`.
    governed: [Vec<Governed>; 2],
    /// Equal answers once.
    answers: Vec<Ports>,
}

/// What governs some pods, and, for ingress with named ports, what names mean to them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Governed {
    pub(crate) policies: Vec<(u32, Meets)>,
    pub(crate) named: Vec<NamedPort>,
}

/// Answers by index; lists are ordered and leave out what the default says.
struct Row {
    pods: u32,
    ranges: u32,
    classes: Vec<(u32, u32)>,
    intervals: Vec<(u32, u32)>,
}

impl Row {
    fn answer(&self, who: Who<'_>) -> u32 {
        let find = |list: &[(u32, u32)], key: u32, default: u32| {
            list.binary_search_by_key(&key, |(key, _)| *key)
                .ok()
                .and_then(|at| list.get(at))
                .map_or(default, |(_, answer)| *answer)
        };
        match who {
            Who::Class(n) => find(&self.classes, n, self.pods),
            Who::Interval(n) => find(&self.intervals, n, self.ranges),
            Who::OtherPods => self.pods,
            Who::OtherRanges => self.ranges,
            Who::Like(_) => u32::MAX,
        }
    }
}

#[derive(Default)]
struct Answers {
    all: Vec<Ports>,
    known: FxHashMap<Ports, u32>,
}

impl Answers {
    fn put(&mut self, ports: Ports) -> u32 {
        if let Some(id) = self.known.get(&ports) {
            return *id;
        }
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.known.insert(ports.clone(), id);
        self.all.push(ports);
        id
    }
}

impl Rows {
    pub(crate) fn make(policies: &Policies, classes: &Classes, namespaces: &Namespaces) -> Self {
        let by_namespace = by_namespace(policies);
        let mut answers = Answers::default();
        let mut of: [Vec<u32>; 2] = Default::default();
        let mut rows: [Vec<Row>; 2] = Default::default();
        let mut all_governed: [Vec<Governed>; 2] = Default::default();
        for direction in DIRECTIONS {
            let mut known: FxHashMap<Governed, u32> = FxHashMap::default();
            let mut governed = Vec::new();
            for n in 0..classes.all.len() {
                let key = governing(policies, classes, namespaces, &by_namespace, direction, n);
                let id = *known.entry(key).or_insert_with_key(|key| {
                    governed.push(key.clone());
                    u32::try_from(governed.len() - 1).unwrap_or(u32::MAX)
                });
                of[direction as usize].push(id);
            }
            let drafts: Vec<Draft> = governed
                .par_iter()
                .map(|governed| draft(policies, classes, direction, governed))
                .collect();
            rows[direction as usize] = drafts
                .into_iter()
                .map(|draft| draft.settle(&mut answers))
                .collect();
            all_governed[direction as usize] = governed;
        }
        Rows {
            of,
            made: rows,
            governed: all_governed,
            answers: answers.all,
        }
    }

    /// What governs a class.
    pub(crate) fn governing(&self, direction: Direction, class: u32) -> Option<&Governed> {
        let row = *self.of[direction as usize].get(class as usize)?;
        self.governed[direction as usize].get(row as usize)
    }

    /// The row of a class; equal rows are equal policies.
    pub(crate) fn row(&self, direction: Direction, class: u32) -> u32 {
        let of = self.of[direction as usize].get(class as usize);
        of.copied().unwrap_or(u32::MAX)
    }

    pub(crate) fn count(&self, direction: Direction) -> usize {
        self.made[direction as usize].len()
    }

    /// A row's answer to classes that it does not list.
    pub(crate) fn to_others(&self, direction: Direction, row: u32) -> u32 {
        let row = self.made[direction as usize].get(row as usize);
        row.map_or(u32::MAX, |row| row.pods)
    }

    /// Classes that a row answers in another way than the others, with that answer.
    pub(crate) fn listed(&self, direction: Direction, row: u32) -> &[(u32, u32)] {
        let row = self.made[direction as usize].get(row as usize);
        row.map_or(&[], |row| &row.classes)
    }

    /// A row's answer to intervals: the default, and those that are answered in another way.
    pub(crate) fn ranges(&self, direction: Direction, row: u32) -> (u32, &[(u32, u32)]) {
        let row = self.made[direction as usize].get(row as usize);
        row.map_or((u32::MAX, &[]), |row| (row.ranges, &row.intervals))
    }

    /// Rows of all classes.
    pub(crate) fn of(&self, direction: Direction) -> &[u32] {
        &self.of[direction as usize]
    }

    pub(crate) fn answers(&self) -> &[Ports] {
        &self.answers
    }

    /// What every row of a direction says of one peer.
    pub(crate) fn to_all(&self, direction: Direction, who: Who<'_>) -> Vec<u32> {
        let rows = self.made[direction as usize].iter();
        rows.map(|row| row.answer(who)).collect()
    }

    pub(crate) fn ports(&self, answer: u32) -> Option<&Ports> {
        self.answers.get(answer as usize)
    }

    /// What one side alone says of a peer.
    pub(crate) fn side(&self, direction: Direction, class: u32, who: Who<'_>) -> Option<&Ports> {
        let answer = self.answer(direction, class, who);
        self.answers.get(answer as usize)
    }

    /// Equal numbers are equal answers; one that no answer has: a class or a peer that is in no row.
    pub(crate) fn answer(&self, direction: Direction, class: u32, who: Who<'_>) -> u32 {
        let rows = self.of[direction as usize].get(class as usize);
        let row = rows.and_then(|n| self.made[direction as usize].get(*n as usize));
        row.map_or(u32::MAX, |row| row.answer(who))
    }

    /// Both sides: what leaves the one and enters the other.
    pub(crate) fn pods(&self, from: u32, to: u32) -> Ports {
        let out = self.side(Direction::Egress, from, Who::Class(to));
        let into = self.side(Direction::Ingress, to, Who::Class(from));
        match (out, into) {
            (Some(out), Some(into)) => out.and(into),
            _ => Ports::default(),
        }
    }
}

/// Policies that can govern pods of each namespace, and those that can govern any.
struct ByNamespace {
    own: FxHashMap<u32, Vec<u32>>,
    any: Vec<u32>,
}

fn by_namespace(policies: &Policies) -> ByNamespace {
    let mut by = ByNamespace {
        own: FxHashMap::default(),
        any: Vec::new(),
    };
    for (n, policy) in (0_u32..).zip(&policies.all) {
        match policy.namespace() {
            Some(namespace) => by.own.entry(namespace).or_default().push(n),
            None => by.any.push(n),
        }
    }
    by
}

/// In the order of the policies.
fn governing(
    policies: &Policies,
    classes: &Classes,
    namespaces: &Namespaces,
    by: &ByNamespace,
    direction: Direction,
    class: usize,
) -> Governed {
    let mut governed = Governed {
        policies: Vec::new(),
        named: Vec::new(),
    };
    let at = u32::try_from(class).unwrap_or(u32::MAX);
    let Some(class) = classes.all.get(class) else {
        return governed;
    };
    let own = class.namespace.and_then(|n| by.own.get(&n));
    for n in by.any.iter().chain(own.into_iter().flatten()) {
        let Some(policy) = policies.all.get(*n as usize) else {
            continue;
        };
        let Some(rules) = &policy.rules[direction as usize] else {
            continue;
        };
        let governs = policy.governs(at, class, namespaces);
        if governs == Meets::No {
            continue;
        }
        governed.policies.push((*n, governs));
        let names = rules.iter().any(|rule| rule.ports.names());
        if names && direction == Direction::Ingress {
            governed.named.clone_from(&class.named);
        }
    }
    governed.policies.sort_unstable();
    governed
}

/// A row before equal answers were joined.
struct Draft {
    pods: Ports,
    ranges: Ports,
    classes: Vec<(u32, Ports)>,
    intervals: Vec<(u32, Ports)>,
}

impl Draft {
    fn settle(self, answers: &mut Answers) -> Row {
        let mut list = |list: Vec<(u32, Ports)>, default: &Ports| -> Vec<(u32, u32)> {
            list.into_iter()
                .filter(|(_, ports)| ports != default)
                .map(|(n, ports)| (n, answers.put(ports)))
                .collect()
        };
        let classes = list(self.classes, &self.pods);
        let intervals = list(self.intervals, &self.ranges);
        Row {
            pods: answers.put(self.pods),
            ranges: answers.put(self.ranges),
            classes,
            intervals,
        }
    }
}

fn draft(
    policies: &Policies,
    classes: &Classes,
    direction: Direction,
    governed: &Governed,
) -> Draft {
    let ask = |who: Who<'_>, named: &[NamedPort]| {
        let question = Question {
            policies,
            governing: &governed.policies,
            direction,
            who,
            named,
        };
        decide(&question, None).ports
    };
    let rules: Vec<&Rule> = governed
        .policies
        .iter()
        .filter_map(|(n, _)| policies.all.get(*n as usize))
        .flat_map(|policy| policy.rules[direction as usize].iter().flatten())
        .collect();
    let mut listed: Vec<u32> = Vec::new();
    let mut intervals: Vec<u32> = Vec::new();
    let mut names = false;
    for rule in &rules {
        if let Some(Peers {
            classes,
            intervals: ranges,
            ..
        }) = policies.peers_of(rule)
        {
            listed.extend(classes.iter().map(|(n, _)| n));
            intervals.extend(ranges.iter().map(|(n, _)| n));
        }
        names |= rule.ports.names();
    }
    // To an egress rule with a named port, pods that give the name to a port are not like the others.
    if names && direction == Direction::Egress {
        let with = (0_u32..).zip(&classes.all);
        listed.extend(with.filter(|(_, c)| !c.named.is_empty()).map(|(n, _)| n));
    }
    listed.sort_unstable();
    listed.dedup();
    intervals.sort_unstable();
    intervals.dedup();
    let at = |class: u32| -> &[NamedPort] {
        match direction {
            Direction::Ingress => &governed.named,
            Direction::Egress => classes
                .all
                .get(class as usize)
                .map_or(&[], |class| &class.named),
        }
    };
    let none: &[NamedPort] = match direction {
        Direction::Ingress => &governed.named,
        Direction::Egress => &[],
    };
    // Peers that every rule means alike get the same; most of them do.
    let meant = |of: &dyn Fn(&Peers) -> Meets| -> Vec<Meets> {
        rules
            .iter()
            .map(|rule| policies.peers_of(rule).map_or(Meets::MaybeNot, of))
            .collect()
    };
    let mut known: FxHashMap<(Vec<Meets>, &[NamedPort]), Ports> = FxHashMap::default();
    let mut answer = |meant: Vec<Meets>, who: Who<'_>, named| {
        let known = known.entry((meant, named));
        known.or_insert_with(|| ask(who, named)).clone()
    };
    let classes = listed
        .into_iter()
        .map(|n| {
            (
                n,
                answer(meant(&|peers| peers.class(n)), Who::Class(n), at(n)),
            )
        })
        .collect();
    let intervals = intervals
        .into_iter()
        .map(|n| {
            (
                n,
                answer(meant(&|peers| peers.interval(n)), Who::Interval(n), none),
            )
        })
        .collect();
    Draft {
        pods: ask(Who::OtherPods, none),
        ranges: ask(Who::OtherRanges, none),
        classes,
        intervals,
    }
}
