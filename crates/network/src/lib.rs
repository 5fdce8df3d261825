//! Who can reach a workload from the network, and through which objects.
//! Comes in: an `Inventory` and what the user declared. Goes out: one [`WorkloadExposure`] a workload.
//! Never: I/O, a score. A policy lowers exposure only where an enforcing CNI is evidenced or declared (rule 2).
//!
//! ```text
//! services -> published (LoadBalancer, NodePort ...) \
//! pod spec -> host ports, host network                > openings -> admission (reach) -> exposure
//! ingresses, gateways, routes -> their front's own  /
//! ```

mod address;
mod admission;
mod cloud;
mod combine;
pub mod dependencies;
mod exposure;
mod front;
mod gateway;
mod hosts;
mod namespaces;
mod published;
pub mod reach;
mod segments;
mod services;

pub use exposure::exposures;
pub use front::controllers;
pub use hosts::{HostExposure, Hosts, hosts};
pub use segments::{PREFIX, Scope, segments};

use model::evidence::{Claim, Estimate, EvidenceId, GapId};
use model::object::ObjectRef;
use model::situation::{Delivery, Exposure, ExposureClass};
use model::text::Text;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the user said about the network, because the cluster cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkDeclarations {
    /// Whether the cluster's network plugin enforces NetworkPolicy; `None`: what the inventory says.
    pub enforced: Option<bool>,
    /// Whether the internet reaches ports of the nodes; `None`: their addresses decide.
    pub public_nodes: Option<bool>,
}

/// How the network sees one workload; parallel to the inventory's workloads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkloadExposure {
    /// `class` is what the seen objects say; it is `Unknown` where the best estimate lies between two
    /// classes. `at_least` and `at_most` hold the gaps.
    pub exposure: Exposure,
    /// P(an attacker reaches a listener of the pod directly): see [`probability`].
    pub direct: Estimate,
    /// One for each port on which something may be delivered.
    pub deliveries: Vec<Delivery>,
    /// The ways in, the widest first; each could be closed on its own.
    pub openings: Vec<Opening>,
    /// Whether anything listens: yes or unknown, never no (rule 2).
    pub listens: Claim,
    /// Whether an enforced policy isolates the pods for ingress.
    pub isolated_ingress: Claim,
    pub reachable_from: ReachableFrom,
}

/// One object that lets traffic in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub kind: OpeningKind,
    /// The object whose change closes it; the workload itself for `PodNetwork`.
    pub object: ObjectRef,
    /// Container ports and protocols; 0 where the port is not known.
    pub ports: Vec<(u16, Text)>,
    pub at_least: ExposureClass,
    pub at_most: ExposureClass,
    pub direct: Estimate,
    /// From the outside in.
    pub chain: Vec<EvidenceId>,
    pub missing: Vec<GapId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpeningKind {
    LoadBalancer,
    NodePort,
    ExternalIp,
    HostPort,
    HostNetwork,
    Ingress,
    Gateway,
    /// OpenShift Route and other routers that name Services.
    Route,
    /// Publishes in a way that is not understood.
    Tunnel,
    /// A list that could hold a publisher was not seen.
    Unseen,
    /// Pods of the cluster.
    PodNetwork,
}

impl OpeningKind {
    /// Stable name in kebab case, used as the kind of an edge.
    pub const fn name(self) -> &'static str {
        match self {
            OpeningKind::LoadBalancer => "load-balancer",
            OpeningKind::NodePort => "node-port",
            OpeningKind::ExternalIp => "external-ip",
            OpeningKind::HostPort => "host-port",
            OpeningKind::HostNetwork => "host-network",
            OpeningKind::Ingress => "ingress",
            OpeningKind::Gateway => "gateway",
            OpeningKind::Route => "route",
            OpeningKind::Tunnel => "tunnel",
            OpeningKind::Unseen => "unseen",
            OpeningKind::PodNetwork => "pod-network",
        }
    }
}

/// From which pods a listener of the workload can be reached, on at least one port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReachableFrom {
    /// Any pod of any namespace.
    pub cluster: Claim,
    /// Any pod of its own namespace.
    pub namespace: Claim,
    /// Workloads that a policy names, where not everything of a namespace is admitted.
    pub peers: Vec<PeerSet>,
}

/// Workloads that one peer of one policy admits; made once per peer and shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerSet {
    /// Equal ids are equal sets.
    pub id: u32,
    /// Indices into the inventory's workloads, ordered.
    pub sure: Arc<[u32]>,
    /// Those and the ones that gaps leave open, ordered.
    pub possible: Arc<[u32]>,
}

/// P(an attacker reaches a listener) of a known class: stated priors, prioritisation facts 6.3.
pub const fn probability(class: ExposureClass) -> f64 {
    match class {
        ExposureClass::Internet => 1.0,
        ExposureClass::External => 0.5,
        ExposureClass::Cluster => 0.15,
        ExposureClass::Namespace => 0.07,
        ExposureClass::None | ExposureClass::Unknown => 0.02,
    }
}

/// The class of an estimate that [`probability`] gave; `Unknown` where it lies between two classes.
pub fn class_of(expected: f64) -> ExposureClass {
    use ExposureClass::{Cluster, External, Internet, Namespace, None, Unknown};
    [None, Namespace, Cluster, External, Internet]
        .into_iter()
        .find(|class| (probability(*class) - expected).abs() < 1e-9)
        .unwrap_or(Unknown)
}
