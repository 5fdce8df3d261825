//! What an attacker gets to and what falls with it: a `Situation` per container, routes to sinks, and their cuts.
//! Comes in: the inventory, exposures, the strongest weaknesses of each container. Goes out: [`Relations`].
//! Never: I/O, a score, a pair of pods (sets are nodes).
//!
//! ```text
//! entry -> opening -> weakness -> container -> escape -> node -> token of a pod -> service account -> rights -> sink
//!                         ^------- pod network ---'
//! ```

mod analysis;
mod blast;
mod build;
mod cut;
mod cutting;
mod delta;
mod escape;
mod explain;
mod fix;
mod graph;
mod hosts;
mod kinds;
mod lateral;
mod rbac;
mod rights;
mod routes;
mod sink;
mod situation;
mod worth;

pub use analysis::{Analysis, AnalysisError, Answer, From, Query, Routes, Steps};
pub use delta::{Added, Part, Standing};
pub use explain::container_name;
pub use routes::Order;
pub use sink::NAMES as SINKS;

use crate::graph::Node;
use crate::routes::Route;
use model::evidence::{Estimate, Ledger};
use model::graph::{Cut, Path};
use model::situation::{Credential, Situation};
use model::text::Text;
use network::{Hosts, WorkloadExposure};
use semantics::view::Inventory;

/// A vulnerability of a container that the network can deliver; the caller gives the strongest of each container.
#[derive(Clone, Debug, PartialEq)]
pub struct Weakness {
    /// Index into the inventory's workloads.
    pub workload: u32,
    /// Index into the workload's containers.
    pub container: u32,
    /// `CVE-2024-1 in libfoo`.
    pub label: Text,
    /// P(exploited somewhere) x P(its code is reachable in the package), 0 to 1, without exposure.
    pub likelihood: Estimate,
    /// `upgrade libfoo to 1.2`, where a fix is known.
    pub fixable: Option<Text>,
    pub image: Text,
}

/// What `relate` found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relations {
    /// Distinct situations.
    pub situations: Vec<Situation>,
    /// Workload -> container -> index into the situations.
    pub of: Vec<Vec<u32>>,
    /// Node -> index into the situations, parallel to the inventory's nodes; empty where no kubelets were given.
    pub nodes: Vec<u32>,
    /// Of the API server, where its exposure was given.
    pub api_server: Option<u32>,
    /// By sink, the most probable first; one a workload that falls first.
    pub paths: Vec<Path>,
    pub cuts: Vec<Cut>,
    /// Credentials outside of pods, by subject.
    pub credentials: Vec<Credential>,
}

/// Sinks that an assessment lists and cuts, by their place in `sink::NAMES`.
const ASSESSED: [usize; 4] = [0, 3, 4, 7];
/// Routes that an assessment lists for each sink.
const MOST: usize = 20;

/// Relates every container and host with its entries and its consequences.
pub fn relate(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    hosts: &Hosts,
    weaknesses: &[Weakness],
    ledger: &mut Ledger,
) -> Relations {
    let steps = blast::steps(inventory, ledger);
    let lateral = lateral::lateral(inventory, exposures, weaknesses);
    let attack = build::attack(
        build::Material {
            inventory,
            authorizer: &inventory.authorizer,
            exposures,
            weaknesses,
            steps: &steps,
        },
        ledger,
    );
    let into = attack.graph.adjacency(|arc| arc.to);
    let networks = attack.networks();
    let mut listed: Vec<Route> = Vec::new();
    let mut over_nodes = Vec::new();
    for sink in ASSESSED {
        let to = routes::to_sink(&attack, &into, sink, Order::Likely);
        if sink == 0 {
            over_nodes = situation::over_nodes(&attack, &into, &to);
        }
        let found = to.routes(&attack, &networks).into_iter();
        // What leads over cluster-admin was told as that.
        let own = found.filter(|route| sink == 0 || !route.over(&attack, Node::ClusterAdmin));
        listed.extend(own.take(MOST));
    }
    let cuts = cut::cuts(&attack, &networks, &ASSESSED);
    let paths = listed
        .iter()
        .map(|route| route.shown(&attack, ledger))
        .collect();
    let mut worth = worth::Worth::of(&attack, &into);
    let mut found = situation::situations(
        inventory,
        exposures,
        &steps,
        &lateral,
        &attack,
        &listed,
        &over_nodes,
        &mut worth,
        ledger,
    );
    let fallen = hosts::fallen(inventory, exposures, weaknesses, &lateral);
    let nodes = hosts::nodes(
        inventory,
        hosts,
        &fallen,
        &attack,
        &over_nodes,
        &mut found,
        ledger,
    );
    let api_server = hosts::api_server(hosts, &fallen, &mut found);
    let credentials = worth.credentials(&attack, ledger);
    Relations {
        situations: found.situations,
        of: found.of,
        nodes,
        api_server,
        paths,
        cuts,
        credentials,
    }
}
