//! Situations of what runs below the pods: nodes, and an API server that shows no pod.
//! Comes in: how hosts are reached, how likely each workload falls, the graph. Goes out: a situation a node.
//! Never: a node that is worth less than what its pods hold.

use crate::Weakness;
use crate::blast::{Step, blast};
use crate::build::{Attack, is_control_plane, of_control_plane};
use crate::graph::Node as Vertex;
use crate::lateral::{HOP, falls};
use crate::situation::Found;
use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use model::situation::{Reach, Situation};
use model::workload::WorkloadState;
use network::{HostExposure, Hosts, WorkloadExposure};
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, Node};

/// P(an attacker's code runs in it) for each workload: reached, directly or over others, and fallen.
pub(crate) fn fallen(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    weaknesses: &[Weakness],
    lateral: &[Estimate],
) -> Vec<Estimate> {
    let falls = falls(inventory.workloads.len(), weaknesses);
    let reached = exposures.iter().zip(lateral);
    let reached = reached.map(|(exposure, lateral)| exposure.direct.noisy_or(*lateral));
    let active = inventory
        .workloads
        .iter()
        .map(|view| view.workload.state == WorkloadState::Active);
    reached
        .zip(falls)
        .zip(active)
        .map(|((reached, falls), active)| {
            if active {
                reached.times(falls)
            } else {
                Estimate::exact(0.0)
            }
        })
        .collect()
}

/// One situation a node, parallel to the inventory's nodes.
pub(crate) fn nodes(
    inventory: &Inventory,
    hosts: &Hosts,
    fallen: &[Estimate],
    attack: &Attack<'_>,
    over: &[Estimate],
    found: &mut Found,
    ledger: &mut Ledger,
) -> Vec<u32> {
    let Some(kubelets) = &hosts.kubelets else {
        return Vec::new();
    };
    let tenants = tenants(inventory, fallen);
    let none = Estimate::exact(0.0);
    let machines: FxHashMap<&str, u32> = (0..)
        .zip(&attack.machines)
        .map(|(n, name)| (&**name, n))
        .collect();
    inventory
        .nodes
        .iter()
        .map(|node| {
            let mut steps = vec![Step::new(
                "node",
                Reach::Node,
                Estimate::exact(1.0),
                "the node, with all pods and credentials on it",
            )];
            let machine = machines.get(&*node.name).copied();
            let at = machine.and_then(|n| attack.graph.find(Vertex::Machine(n)));
            let follows = at.and_then(|at| over.get(at as usize)).copied();
            steps.extend(leads_on(node, follows.unwrap_or(none), ledger));
            let mut situation = situation(kubelets, fallen, &steps);
            situation.tenants = Some(tenants.get(&*node.name).copied().unwrap_or(none));
            found.keep(situation)
        })
        .collect()
}

pub(crate) fn api_server(hosts: &Hosts, fallen: &[Estimate], found: &mut Found) -> Option<u32> {
    let exposure = hosts.api_server.as_ref()?;
    let steps = [Step::new(
        "api-server",
        Reach::Cluster,
        Estimate::exact(1.0),
        "the API server decides over the whole cluster",
    )];
    Some(found.keep(situation(exposure, fallen, &steps)))
}

fn situation(host: &HostExposure, fallen: &[Estimate], steps: &[Step]) -> Situation {
    let worst = fallen
        .iter()
        .fold(Estimate::exact(0.0), |worst, one| worst.max(*one));
    Situation {
        exposure: host.exposure.clone(),
        deliveries: host.deliveries.clone(),
        listens: host.listens.clone(),
        direct: host.direct,
        lateral: worst.times(Estimate::exact(HOP)),
        tenants: None,
        blast: blast(steps, |step| step.because.clone()),
        path: None,
    }
}

/// What the credentials on the node reach; a node of the control plane holds the keys of the cluster.
fn leads_on(node: &Node, follows: Estimate, ledger: &mut Ledger) -> Option<Step> {
    if follows.high <= 0.0 {
        return None;
    }
    let control_plane = is_control_plane(node);
    let reason = if control_plane {
        "the node is of the control plane"
    } else {
        "what its pods hold leads on to cluster-admin"
    };
    let mut step = Step::new("over-the-node", Reach::Cluster, follows, reason);
    if control_plane {
        let object = ObjectRef::new("", "Node", None, &node.name);
        let pointer = "/metadata/labels";
        step.because
            .push(ledger.field(&object, pointer, of_control_plane(&node.name)));
    }
    Some(step)
}

/// P(an attacker's code runs in some pod of the node), by the name of the node.
fn tenants<'a>(inventory: &'a Inventory, fallen: &[Estimate]) -> FxHashMap<&'a str, Estimate> {
    let mut seen: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
    for pod in &inventory.pods {
        if let Some(node) = pod.node.as_deref() {
            seen.entry(node).or_default().push(pod.workload);
        }
    }
    seen.into_iter()
        .map(|(node, mut workloads)| {
            workloads.sort_unstable();
            workloads.dedup();
            let p = workloads
                .iter()
                .filter_map(|workload| fallen.get(*workload as usize))
                .fold(Estimate::exact(0.0), |p, one| p.noisy_or(*one));
            (node, p)
        })
        .collect()
}
