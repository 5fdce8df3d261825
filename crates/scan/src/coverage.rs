//! The numbers of the coverage line: what was looked at, and of how much.

use crate::join::Images;
use model::assessment::Coverage;
use model::finding::Finding;
use model::snapshot::Snapshot;
use model::text::Text;
use model::vulnerability::Severity;
use model::workload::WorkloadState;
use semantics::view::{Inventory, NetworkPolicy, WorkloadView};
use std::collections::{BTreeMap, BTreeSet};

/// Counts from the inventory and the findings.
pub fn coverage(
    snapshot: Option<&Snapshot>,
    inventory: &Inventory,
    images: &Images,
    open: &[Finding],
    matches: u64,
) -> Coverage {
    let state = |wanted: WorkloadState| {
        u32_of(
            inventory
                .workloads
                .iter()
                .filter(|view| view.workload.state == wanted)
                .count(),
        )
    };
    let active = |n: u32| {
        inventory
            .workloads
            .get(n as usize)
            .is_some_and(|view| view.workload.state == WorkloadState::Active)
    };
    let reported = |image: u32| {
        let image = images.images.get(image as usize);
        image.is_some_and(|image| !image.tools.is_empty())
    };
    let scanned: BTreeSet<(u32, u32)> = images
        .joins
        .iter()
        .filter(|join| reported(join.image))
        .filter_map(|join| join.runs_in)
        .filter(|at| active(at.workload))
        .map(|at| (at.workload, at.container))
        .collect();
    let unjoined: BTreeSet<(u32, u32, &str)> = images
        .open
        .iter()
        .filter(|open| !open.by_tag)
        .filter_map(|open| Some((open.at.workload, open.at.container, open.digest.as_deref()?)))
        .collect();
    // A container image counts as scanned where every active container that runs it is joined.
    let mut distinct: BTreeMap<&str, bool> = BTreeMap::new();
    for (n, view) in (0u32..)
        .zip(&inventory.workloads)
        .filter(|(n, _)| active(*n))
    {
        for (c, container) in (0u32..).zip(&view.workload.containers) {
            let names: Vec<&str> = if container.running.is_empty() {
                vec![&container.image]
            } else {
                container.running.iter().map(|d| &**d).collect()
            };
            for name in names {
                *distinct.entry(name).or_insert(true) &=
                    scanned.contains(&(n, c)) && !unjoined.contains(&(n, c, name));
            }
        }
    }
    let joined: BTreeSet<u32> = images
        .joins
        .iter()
        .filter(|join| join.runs_in.is_some_and(|at| active(at.workload)))
        .map(|join| join.image)
        .collect();
    let high: BTreeSet<u32> = open
        .iter()
        .filter(|f| f.severity >= Severity::High)
        .filter_map(|f| f.image)
        .filter(|n| joined.contains(n))
        .collect();
    let mut spaces: BTreeMap<&Text, Vec<&WorkloadView>> = BTreeMap::new();
    for view in inventory
        .workloads
        .iter()
        .filter(|v| v.workload.state == WorkloadState::Active)
    {
        spaces
            .entry(&view.workload.key.namespace)
            .or_default()
            .push(view);
    }
    let without = spaces
        .iter()
        .filter(|(name, views)| !has_policy(inventory, name, views))
        .count();
    Coverage {
        listed: snapshot.map(|s| s.listed.clone()).unwrap_or_default(),
        namespaces: u32_of(spaces.len()),
        namespaces_without_policy: u32_of(without),
        workloads: state(WorkloadState::Active),
        dormant: state(WorkloadState::Dormant),
        history: state(WorkloadState::History),
        pods: inventory
            .workloads
            .iter()
            .filter(|v| v.workload.state == WorkloadState::Active)
            .map(|v| v.workload.pods)
            .sum(),
        images: u32_of(distinct.len()),
        images_scanned: u32_of(distinct.values().filter(|scanned| **scanned).count()),
        images_with_high: u32_of(high.len()),
        matches,
        other_kinds: snapshot.map(|s| s.other_kinds.clone()).unwrap_or_default(),
        rulings: Vec::new(),
    }
}

/// Whether any policy, of any kind, may select a pod of the namespace for ingress.
fn has_policy(inventory: &Inventory, namespace: &str, views: &[&WorkloadView]) -> bool {
    let selects = |policy: &NetworkPolicy| {
        &*policy.namespace == namespace
            && policy.isolates_ingress
            && views.iter().any(|v| policy.selector.matches(&v.pod_labels))
    };
    inventory.network_policies.iter().any(selects)
        || inventory.other_policies.iter().any(|policy| {
            policy.ingress && policy.namespace.as_deref().is_none_or(|n| n == namespace)
        })
}

fn u32_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
