//! What an attacker is after.
//! Comes in: the graph. Goes out: the nodes of each sink. Never: a sink that no node stands for.

use crate::build::is_control_plane;
use crate::graph::{CLUSTER, Graph, Node, NodeId};
use rustc_hash::FxHashSet;
use semantics::view::Inventory;

pub(crate) struct Sink {
    /// Stable name.
    pub(crate) name: &'static str,
    pub(crate) nodes: Vec<NodeId>,
}

/// From the worst to the least.
pub const NAMES: [&str; 10] = [
    "cluster-admin",
    "system:masters",
    "control-plane-node",
    "node",
    "kube-system-secrets",
    "secrets",
    "namespace-admin",
    "cloud-role",
    "admission-bypass",
    "traffic-intercept",
];

/// One for each of [`NAMES`], in their order.
pub(crate) fn sinks(graph: &Graph, inventory: &Inventory) -> Vec<Sink> {
    let system = inventory
        .namespaces
        .iter()
        .position(|n| &*n.name == "kube-system");
    let system = system.map(|n| crate::graph::count(n) + 1);
    let control: FxHashSet<u32> = (0..)
        .zip(&inventory.nodes)
        .filter(|(_, node)| is_control_plane(node))
        .map(|(n, _)| n)
        .collect();
    let is = |name: &str, node: Node| match name {
        "cluster-admin" => node == Node::ClusterAdmin,
        "system:masters" => node == Node::Masters,
        "control-plane-node" => match node {
            Node::ControlPlane => true,
            // The cluster's nodes are the first machines.
            Node::Machine(n) => control.contains(&n),
            _ => false,
        },
        "node" => matches!(
            node,
            Node::Machine(_) | Node::SomeMachine | Node::Machines | Node::ControlPlane
        ),
        "kube-system-secrets" => match node {
            Node::Secrets(scope) => scope == CLUSTER || Some(scope) == system,
            _ => false,
        },
        "secrets" => matches!(node, Node::Secrets(_)),
        "namespace-admin" => matches!(node, Node::Admin(_)),
        "cloud-role" => matches!(node, Node::Cloud(_)),
        "admission-bypass" => node == Node::Admission,
        _ => match node {
            Node::Traffic(scope) => scope == CLUSTER || Some(scope) == system,
            _ => false,
        },
    };
    NAMES
        .into_iter()
        .map(|name| Sink {
            name,
            nodes: (0..)
                .zip(&graph.nodes)
                .filter(|(_, node)| is(name, **node))
                .map(|(id, _)| id)
                .collect(),
        })
        .collect()
}
