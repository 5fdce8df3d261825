//! Sources that exposure tells apart, as the rows know them.
//! Comes in: a source, a class of pods. Goes out: classes that stand for it, how much of the internet gets in.
//! Never: a claim; that is `admission`.

use super::Reach;
use super::decide::{Ports, Wanted, Who};
use crate::address::Extent;
use model::evidence::Truth;
use model::reach::Direction;
use model::situation::ExposureClass;

/// Where traffic comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// From outside of the cluster. `preserved`: the pod sees the client's address.
    World { preserved: bool },
    /// Any pod of any namespace.
    Cluster,
    /// Any pod of the workload's own namespace.
    Namespace,
    /// The pods of one workload.
    Workload(u32),
    /// The same, on the node's network.
    Node(u32),
    /// Some pod of the cluster that was not seen.
    SomePod,
}

/// How much of all addresses is let through to a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct World {
    pub(crate) sure: ExposureClass,
    pub(crate) possible: ExposureClass,
    /// The widest interval that gets through, else that may; `None`: one that no rule names.
    pub(crate) widest: Option<u32>,
}

impl Reach<'_> {
    /// The number of what leaves one class for another.
    pub(crate) fn out(&self, from: u32, to: u32) -> u32 {
        self.rows.answer(Direction::Egress, from, Who::Class(to))
    }

    /// Ports on which pods of one class get to another's.
    pub(crate) fn between(&self, from: u32, to: u32) -> Ports {
        self.rows.pods(from, to)
    }

    /// Equal numbers: the same policies let traffic in.
    pub(crate) fn ingress_row(&self, class: u32) -> u32 {
        self.rows.row(Direction::Ingress, class)
    }

    /// Classes that stand for a source of traffic to a class; none for the world.
    pub(crate) fn standing_for(&self, source: Source, to: u32) -> Vec<u32> {
        match source {
            Source::World { .. } => Vec::new(),
            Source::Cluster => vec![self.stranger],
            Source::Namespace => {
                let class = self.classes.all.get(to as usize);
                let namespace = class.and_then(|class| class.namespace);
                let own = namespace.and_then(|n| self.neighbours.get(n as usize));
                vec![own.copied().unwrap_or(self.somewhere)]
            }
            Source::Workload(n) | Source::Node(n) => self.classes_of(n).to_vec(),
            Source::SomePod => vec![self.somewhere],
        }
    }

    pub(crate) fn world(&self, class: u32, wanted: Wanted) -> World {
        let row = self.ingress_row(class);
        let (default, listed) = self.rows.ranges(Direction::Ingress, row);
        let truth = |answer: u32| {
            let ports = self.rows.ports(answer);
            ports.map_or(Truth::Unknown, |ports| ports.truth(wanted))
        };
        let others = truth(default);
        if listed.is_empty() {
            let class = |open: bool| {
                if open {
                    ExposureClass::Internet
                } else {
                    ExposureClass::None
                }
            };
            return World {
                sure: class(others == Truth::Yes),
                possible: class(others != Truth::No),
                widest: None,
            };
        }
        let (mut sure, mut possible) = (Extent::default(), Extent::default());
        let mut widest: Option<(Truth, u128, u32)> = None;
        let mut take = |n: u32, truth: Truth| {
            let Some(interval) = self.interval(Direction::Ingress, n) else {
                return;
            };
            if truth == Truth::No {
                return;
            }
            let public = possible.add(interval.first, interval.last);
            if truth == Truth::Yes {
                sure.add(interval.first, interval.last);
            }
            // IPv6 has more of everything.
            let size = if interval.first.is_ipv4() {
                public << 96
            } else {
                public
            };
            if widest.is_none_or(|(t, of, _)| (t, of) < (truth, size)) {
                widest = Some((truth, size, n));
            }
        };
        if others == Truth::No {
            for (n, answer) in listed {
                take(*n, truth(*answer));
            }
        } else {
            for (n, _) in self.intervals(Direction::Ingress) {
                let at = listed.binary_search_by_key(&n, |(n, _)| *n);
                let own = at.ok().and_then(|at| listed.get(at));
                take(n, own.map_or(others, |(_, answer)| truth(*answer)));
            }
        }
        World {
            sure: sure.class(),
            possible: possible.class(),
            widest: widest.map(|(_, _, n)| n),
        }
    }
}
