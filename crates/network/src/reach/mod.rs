//! Who reaches whom on which ports, by policies of all kinds that are evaluated: exact, three-valued, never a table of
//! pairs.
//! Comes in: the inventory. Goes out: [`Reach`], which answers single questions and lists all connections.
//! Never: I/O; whether a plugin enforces policies at all (the caller says that beside it).
//!
//! ```text
//! pods -> classes \
//! policies -> rules -> rows (what governs x who asks) -> connection = egress row AND ingress row
//! blocks -> space /
//! ```

mod calico;
mod cilium;
mod classes;
mod decide;
mod explain;
mod fronted;
mod meets;
mod mesh;
mod nets;
mod open;
mod pools;
mod ports;
mod rows;
mod rules;
mod sources;
mod space;
mod sweep;

pub use decide::Ports;
pub(crate) use decide::Wanted;
pub use explain::{Doubt, Said, Side};
pub use open::{Anyone, Opening};
pub(crate) use pools::Pools;
pub use ports::{PortSet, Protocol};
pub use rules::Pods;
pub(crate) use sources::Source;
pub use space::Interval;
pub use sweep::Sweep;

use crate::namespaces::Namespaces;
use classes::{Class, Classes};
use decide::Who;
use fronted::fronted;
use meets::Meets;
use model::reach::Direction;
use rows::Rows;
use rules::Policies;
use semantics::view::{Inventory, Labels};
use std::sync::OnceLock;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Index into the inventory's workloads.
    Workload(u32),
    /// Index into the intervals of the direction: sources are cut by ingress rules, destinations by egress rules.
    Range(u32),
    /// Whatever serves Ingresses and Routes, where its pods were not seen.
    IngressController,
}

/// Policies evaluated over an inventory.
pub struct Reach<'a> {
    inventory: &'a Inventory,
    namespaces: Namespaces<'a>,
    classes: Classes,
    policies: Policies,
    rows: Rows,
    /// Ports that Ingresses and Routes lead to, parallel to the workloads; made when they are first asked for.
    fronted: OnceLock<Vec<PortSet>>,
    /// Workloads whose pods are not on the pod network, ordered.
    apart: Vec<u32>,
    /// Pods of which nothing is known but that they are in the cluster.
    somewhere: u32,
    /// Any pod, of which no rule asks anything special: without labels, in a namespace of its own.
    stranger: u32,
    /// The same in each of the namespaces.
    neighbours: Vec<u32>,
}

impl<'a> Reach<'a> {
    pub fn of(inventory: &'a Inventory) -> Self {
        let namespaces = Namespaces::of(inventory);
        let asked = rules::asked(inventory);
        let mut classes = Classes::of(inventory, &namespaces, &asked);
        let mut anyone = |namespace: Option<u32>| {
            classes.put(Class {
                namespace,
                labels: Labels::new(),
                named: Vec::new(),
                host_network: false,
                addresses: None,
                account: namespace.map(|_| "".into()),
                mesh: Meets::MaybeNot,
            })
        };
        let somewhere = anyone(None);
        let stranger = anyone(Some(namespaces.elsewhere));
        let neighbours = namespaces.all().map(|n| anyone(Some(n))).collect();
        let policies = Policies::of(inventory, &namespaces, &classes);
        let rows = Rows::make(&policies, &classes, &namespaces);
        let apart = apart(inventory, &namespaces);
        Reach {
            inventory,
            namespaces,
            classes,
            policies,
            rows,
            fronted: OnceLock::new(),
            apart,
            somewhere,
            stranger,
            neighbours,
        }
    }

    /// Intervals of addresses outside of the pods, as the rules of a direction cut them.
    pub fn intervals(&self, direction: Direction) -> impl Iterator<Item = (u32, Interval)> + '_ {
        let space = &self.policies.spaces[direction as usize];
        (0_u32..).zip((0..space.len()).filter_map(|n| space.interval(n)))
    }

    /// One of [`Reach::intervals`].
    pub fn interval(&self, direction: Direction, n: u32) -> Option<Interval> {
        self.policies.spaces[direction as usize].interval(n as usize)
    }

    /// Ports on which one peer gets to another; of a workload whose pods differ, those that any pod has.
    pub fn ports(&self, from: Peer, to: Peer) -> Ports {
        let mut all = Ports::default();
        if self.is_apart(from) || self.is_apart(to) {
            return all;
        }
        match (from, to) {
            (Peer::Workload(a), Peer::Workload(b)) => {
                for x in self.classes_of(a) {
                    for y in self.classes_of(b) {
                        all = all.or(&self.rows.pods(*x, *y));
                    }
                }
            }
            (Peer::Workload(a), Peer::Range(n)) => {
                for x in self.classes_of(a) {
                    all = all.or(&self.side(Direction::Egress, *x, n));
                }
            }
            (Peer::Range(n), Peer::Workload(b)) => {
                for y in self.classes_of(b) {
                    all = all.or(&self.side(Direction::Ingress, *y, n));
                }
            }
            (Peer::IngressController, Peer::Workload(b)) => {
                for y in self.classes_of(b) {
                    all = all.or(&self.rows.pods(self.somewhere, *y));
                }
                let fronted = self.fronted.get_or_init(|| fronted(self.inventory));
                let fronted = fronted.get(b as usize).cloned().unwrap_or_default();
                all = all.and(&Ports::exactly(fronted));
            }
            _ => {}
        }
        all
    }

    /// Name of a namespace that [`Pods`] says by number.
    pub fn namespace(&self, n: u32) -> Option<&str> {
        let mut all = self.namespaces.by_name.iter();
        all.find(|(_, at)| **at == n).map(|(name, _)| *name)
    }

    /// Workloads in namespaces with a primary network of their own: what reaches them is not evaluated.
    pub fn apart(&self) -> &[u32] {
        &self.apart
    }

    fn is_apart(&self, peer: Peer) -> bool {
        matches!(peer, Peer::Workload(n) if self.apart.binary_search(&n).is_ok())
    }

    pub(crate) fn namespaces(&self) -> &Namespaces<'a> {
        &self.namespaces
    }

    pub(crate) fn classes_of(&self, workload: u32) -> &[u32] {
        self.classes
            .of
            .get(workload as usize)
            .map_or(&[], Vec::as_slice)
    }

    fn side(&self, direction: Direction, class: u32, interval: u32) -> Ports {
        let answer = self.rows.side(direction, class, Who::Interval(interval));
        answer.cloned().unwrap_or_default()
    }
}

/// OVN-Kubernetes asks for this label on namespaces whose pods have another primary network than the cluster's.
const OWN_NETWORK: &str = "k8s.ovn.org/primary-user-defined-network";

fn apart(inventory: &Inventory, namespaces: &Namespaces) -> Vec<u32> {
    let of = inventory.namespaces.iter();
    let mut apart: Vec<u32> = of
        .filter(|namespace| namespace.labels.contains_key(OWN_NETWORK))
        .filter_map(|namespace| namespaces.find(&namespace.name))
        .filter_map(|n| namespaces.workloads.get(n as usize))
        .flatten()
        .copied()
        .collect();
    apart.sort_unstable();
    apart
}
