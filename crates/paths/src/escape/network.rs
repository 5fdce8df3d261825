//! Ways over the node's network and IPC.
//! Comes in: a place, what the nodes' labels tell of a cloud. Goes out: drafts.
//! Never: an edge for the `NET_RAW` that runtimes give to everybody.

use super::Draft;
use super::kinds::{HOST_IPC, HOST_NETWORK, NET_RAW_MITM, NET_RAW_NEIGHBOURS};
use super::place::{Barrier, Bearer, Place};
use model::evidence::Estimate;
use semantics::view::Node;

/// Labels that the clouds' controllers and images set on nodes.
const CLOUD_LABELS: [&str; 8] = [
    "eks.amazonaws.com/",
    "k8s.io/cloud-provider-aws",
    "karpenter.sh/",
    "cloud.google.com/",
    "kubernetes.azure.com/",
    "topology.kubernetes.io/region",
    "doks.digitalocean.com/",
    "oke.oraclecloud.com/",
];

/// P(a pod on the node's network gets to something that gives the node away): a metadata service is there, or services
/// that trust the node's own address; stated priors.
pub(super) fn in_cloud(nodes: &[Node]) -> Estimate {
    let known = |node: &Node| {
        let mut keys = node.labels.keys();
        keys.any(|key| CLOUD_LABELS.iter().any(|label| key.starts_with(label)))
    };
    if nodes.iter().any(known) {
        Estimate::between(0.05, 0.2, 0.5)
    } else if nodes.is_empty() {
        Estimate::between(0.02, 0.12, 0.5)
    } else {
        Estimate::between(0.02, 0.06, 0.5)
    }
}

pub(super) fn ways(place: &Place<'_>, in_cloud: Estimate, drafts: &mut Vec<Draft>) {
    let template = place.template;
    let own = || {
        Place::of_pod(
            "hostNetwork",
            "the pod uses the node's network",
            "set hostNetwork: false",
        )
    };
    if template.host_network {
        let reason = "the pod uses the node's network: services of the node, metadata of the cloud";
        drafts.push(place.draft(&HOST_NETWORK, Barrier::None, in_cloud, reason, vec![own()]));
    }
    if template.host_ipc {
        let need = Place::of_pod(
            "hostIPC",
            "the pod shares the node's IPC",
            "set hostIPC: false",
        );
        let p = place.by_user(HOST_IPC.root, HOST_IPC.other);
        let reason = need.says.clone();
        drafts.push(place.draft(&HOST_IPC, Barrier::Sandbox, p, reason, vec![need]));
    }
    let name = &place.container.name;
    for capability in ["NET_RAW", "NET_ADMIN"] {
        for (bearer, mut needs) in place.bearers(&[capability]) {
            // Told once for a privileged container.
            if bearer == Bearer::Privileged && capability != "NET_RAW" {
                continue;
            }
            let kind = if template.host_network {
                needs.insert(0, own());
                &NET_RAW_MITM
            } else {
                &NET_RAW_NEIGHBOURS
            };
            let p = place.by_bearer(kind, bearer, 1.0);
            let whose = if template.host_network {
                "the node"
            } else {
                "its neighbours"
            };
            let reason = format!("container {name} writes raw packets on the network of {whose}");
            drafts.push(place.draft(kind, Barrier::Sandbox, p, reason, needs));
        }
    }
}
