//! What a change adds to an attack graph that is in memory.
//! Comes in: the graph as it stands, the part of it that the change is about, built anew. Goes out: routes that were
//! not there before. Never: a second look at what the change does not touch.
//!
//! ```text
//! standing graph - arcs of what is replaced + arcs of the part  -> overlay (glue.rs)
//! best ways of the standing graph, mended where the overlay differs -> new routes (search.rs)
//! ```

mod glue;
mod search;

use crate::analysis::Steps;
use crate::build::{self, Attack, Material};
use crate::graph::{Adjacency, Node, NodeId, Reach, count};
use crate::routes::{LEAST, Order, to_sink};
use crate::sink::sinks;
use crate::{Weakness, routes};
use glue::{Names, Overlay};
use model::evidence::Ledger;
use model::graph::Path;
use model::object::ObjectRef;
use model::text::Text;
use network::WorkloadExposure;
use rustc_hash::FxHashSet;
use search::Ways;
use semantics::authorizer::Authorizer;
use semantics::view::Inventory;

/// An attack graph with the best way from every node to every sink.
pub struct Standing<'a> {
    attack: Attack<'a>,
    into: Adjacency,
    out: Adjacency,
    /// Parallel to the sinks.
    reaches: Vec<Reach>,
    /// By node.
    entries: Vec<bool>,
    names: Names<'a>,
}

/// What a change is about.
#[derive(Clone, Copy)]
pub enum Part<'p> {
    /// Bindings and roles: all bindings of the subjects whose rights change, and the roles that they name.
    Grants(&'p Authorizer),
    /// Workloads, by their index into an inventory of their own.
    Workloads {
        inventory: &'p Inventory,
        exposures: &'p [WorkloadExposure],
        weaknesses: &'p [Weakness],
        steps: &'p Steps,
        changed: &'p [u32],
    },
}

/// Routes that a change adds: (entry, sink) pairs that were not connected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Added {
    /// By sink, then entry.
    pub routes: Vec<(Text, Text)>,
    /// The best path of each, by sink; what leads over cluster-admin is told as that only.
    pub paths: Vec<Path>,
}

impl<'a> Standing<'a> {
    pub fn of(
        inventory: &'a Inventory,
        exposures: &'a [WorkloadExposure],
        weaknesses: &'a [Weakness],
        steps: &'a Steps,
        ledger: &mut Ledger,
    ) -> Self {
        let material = Material {
            inventory,
            authorizer: &inventory.authorizer,
            exposures,
            weaknesses,
            steps: &steps.0,
        };
        let attack = build::dormant(material, ledger);
        let into = attack.graph.adjacency(|arc| arc.to);
        let out = attack.graph.adjacency(|arc| arc.from);
        let reach = |sink: usize| to_sink(&attack, &into, sink, Order::Likely).reach;
        let reaches = (0..attack.sinks.len()).map(reach).collect();
        let mut entries = vec![false; attack.graph.len()];
        for entry in &attack.entries {
            entries[*entry as usize] = true;
        }
        let names = Names::of(&attack);
        Standing {
            attack,
            into,
            out,
            reaches,
            entries,
            names,
        }
    }

    /// Whether weak workloads are reached from pools that policies name: workloads cannot be changed in part.
    pub fn has_pools(&self) -> bool {
        self.attack.pools > 0
    }

    /// Whether a subject as paths name it holds everything already.
    pub fn is_admin(&self, subject: &semantics::authorizer::Subject) -> bool {
        let node = self.names.subject(subject);
        node.is_some_and(|node| self.attack.admins.contains(&node))
    }

    /// What the change adds. `replaced` are the objects that are there already and change: bindings, roles, workloads.
    pub fn added(&self, part: Part<'_>, replaced: &[ObjectRef], ledger: &mut Ledger) -> Added {
        let (attack, changed) = self.part(part, ledger);
        let overlay = Overlay::of(self, &attack, changed, replaced);
        if overlay.is_empty() {
            return Added::default();
        }
        let mut added = Added::default();
        for (sink, name) in crate::SINKS.iter().enumerate() {
            let ways = Ways::of(&overlay, sink);
            for entry in ways.new_routes() {
                let name = Text::from(*name);
                added.routes.push((overlay.name(entry), name));
                let arcs = ways.follow(entry);
                let admin = arcs
                    .iter()
                    .any(|arc| overlay.leads_to(*arc, Node::ClusterAdmin));
                if sink > 0 && admin {
                    continue;
                }
                let path = routes::shown(
                    overlay.name(entry),
                    crate::SINKS.get(sink).copied().unwrap_or("?"),
                    arcs.iter().filter_map(|arc| overlay.origin(*arc)),
                    ledger,
                );
                if path.probability.expected >= LEAST {
                    added.paths.push(path);
                }
            }
        }
        added
    }

    fn part<'p>(&'p self, part: Part<'p>, ledger: &mut Ledger) -> (Attack<'p>, &'p [u32])
    where
        'a: 'p,
    {
        match part {
            Part::Grants(authorizer) => {
                let material = Material {
                    inventory: self.attack.inventory,
                    authorizer,
                    exposures: self.attack.exposures,
                    weaknesses: &[],
                    steps: &[],
                };
                (build::grants(material, ledger), &[])
            }
            Part::Workloads {
                inventory,
                exposures,
                weaknesses,
                steps,
                changed,
            } => {
                let material = Material {
                    inventory,
                    authorizer: &inventory.authorizer,
                    exposures,
                    weaknesses,
                    steps: &steps.0,
                };
                let mut attack = build::workloads(material, ledger);
                attack.sinks = sinks(&attack.graph, inventory);
                (attack, changed)
            }
        }
    }

    fn node(&self, id: NodeId) -> Option<Node> {
        self.attack.graph.nodes.get(id as usize).copied()
    }

    /// Arcs that are there because of objects that are replaced.
    fn masked(&self, replaced: &[ObjectRef]) -> FxHashSet<u32> {
        if replaced.is_empty() {
            return FxHashSet::default();
        }
        let gone = self.names.gone(&self.attack, replaced);
        (0_u32..)
            .zip(&self.attack.graph.arcs)
            .filter(|(_, arc)| gone.owns(arc, |id| self.node(id)))
            .map(|(id, _)| id)
            .collect()
    }

    fn len(&self) -> u32 {
        count(self.attack.graph.len())
    }
}
