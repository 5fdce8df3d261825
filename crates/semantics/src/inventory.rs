//! Everything that later stages read of a Snapshot, in one pass over each kind.
//! Comes in: a Snapshot, declarations. Goes out: an `Inventory`. Never: I/O, a judgement.

use crate::accounts::service_accounts;
use crate::admin::admin_policies;
use crate::authorizer;
use crate::bootstrap;
use crate::calico::calico;
use crate::cilium::cilium_policies;
use crate::cni::{enforcing, tunnels};
use crate::declare::Declarations;
use crate::entries::{endpoint_slices, front_classes, ingresses, services};
use crate::holdings;
use crate::lens::Lens;
use crate::mesh::mesh;
use crate::places::{host_paths, namespaces, nodes, secrets};
use crate::pod_security::{self, Level, evaluate_object};
use crate::policies::{network_policies, other_policies};
use crate::provider;
use crate::rbac::GROUP as RBAC;
use crate::routes::{gateways, routes};
use crate::stock;
use crate::view::{Inventory, WorkloadView};
use crate::workloads::{Surroundings, Workloads, workloads};
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::object::ObjectRef;
use model::snapshot::{Origin, Snapshot};
use model::text::Text;
use model::workload::{CriticalityLevel, WorkloadState};
use std::collections::BTreeMap;

/// Kinds whose absence would look like safety, in every cluster.
pub const NEEDED: [(&str, &str); 15] = [
    ("", "Namespace"),
    ("", "Node"),
    ("", "Pod"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("networking.k8s.io", "NetworkPolicy"),
    (RBAC, "ClusterRole"),
    (RBAC, "ClusterRoleBinding"),
    (RBAC, "Role"),
    (RBAC, "RoleBinding"),
];

/// The typed views of a Snapshot. Its gaps are in the ledger as well.
pub fn inventory(
    snapshot: &Snapshot,
    declarations: &Declarations,
    ledger: &mut Ledger,
) -> Inventory {
    let mut lens = Lens::new(snapshot.version.minor);
    let (namespaces, namespace_annotations) = namespaces(&mut lens, snapshot);
    let host_paths = host_paths(&mut lens, snapshot);
    let around = Surroundings {
        declarations,
        namespaces: &namespaces,
        namespace_annotations: &namespace_annotations,
        host_paths: &host_paths,
    };
    let Workloads {
        mut views,
        templates,
        pods,
    } = workloads(&mut lens, snapshot, &around, ledger);
    provider::mark(&mut lens, snapshot, &mut views, &templates);
    let authorizer = authorizer::read(&mut lens, snapshot);
    let mut inventory = Inventory {
        nodes: nodes(&mut lens, snapshot),
        services: services(&mut lens, snapshot),
        ingresses: ingresses(&mut lens, snapshot),
        gateways: gateways(&mut lens, snapshot),
        routes: routes(&mut lens, snapshot),
        front_classes: front_classes(&mut lens, snapshot),
        network_policies: network_policies(&mut lens, snapshot),
        admin_policies: admin_policies(&mut lens, snapshot),
        cilium_policies: cilium_policies(&mut lens, snapshot),
        calico: calico(&mut lens, snapshot),
        mesh: mesh(&mut lens, snapshot),
        other_policies: other_policies(&mut lens, snapshot),
        endpoint_slices: endpoint_slices(&mut lens, snapshot),
        stock_bindings: Vec::new(),
        roles: holdings::roles(snapshot, &authorizer, &views, &templates),
        bindings: holdings::bindings(snapshot, &authorizer),
        provided: Vec::new(),
        refused: Vec::new(),
        service_accounts: service_accounts(&mut lens, snapshot, &authorizer, &views, &templates),
        authorizer,
        minor: snapshot.version.minor,
        secrets: secrets(&mut lens, snapshot),
        enforcing_cni: enforcing(&mut lens, snapshot, &views, &templates),
        tunnels: tunnels(&mut lens, snapshot, &views, &templates),
        network_enforced: declarations.network.enforced,
        pod_security_default: declarations
            .pod_security
            .default
            .map(|level| level.as_str().into()),
        workloads: views,
        templates,
        pods,
        namespaces,
        gaps: Vec::new(),
        internal: Vec::new(),
        unseen: BTreeMap::new(),
    };
    inventory.stock_bindings = bootstrap::stock_bindings(snapshot, &inventory);
    stock::mark(snapshot, &mut inventory);
    inventory.refused = refused(snapshot, &inventory);
    inventory.internal = internal(&inventory, declarations);
    let mut gaps = lens.into_gaps();
    gaps.extend(undeclared(&inventory));
    tell_unseen(snapshot, ledger, &mut inventory, &mut gaps);
    gaps.sort_unstable();
    gaps.dedup();
    ledger.gaps(gaps.iter().cloned());
    inventory.gaps = gaps;
    inventory
}

/// Workloads that will not have pods. The level is that of a label, or the declared default.
fn refused(snapshot: &Snapshot, inventory: &Inventory) -> Vec<ObjectRef> {
    if snapshot.origin != Origin::Files {
        return Vec::new();
    }
    let is_refused = |view: &&WorkloadView| {
        let policy = pod_security::of_namespace(inventory, &view.workload.key.namespace);
        let enforce = policy.enforce.filter(|e| e.level > Level::Privileged);
        let object = view.object.and_then(|n| snapshot.objects.get(n as usize));
        enforce.zip(object).is_some_and(|(enforce, object)| {
            let judged = evaluate_object(object, enforce.level, enforce.version);
            judged.is_some_and(|judged| !judged.violations.is_empty())
        })
    };
    let views = inventory.workloads.iter().filter(is_refused);
    let mut refused: Vec<ObjectRef> = views.map(|view| view.workload.object.clone()).collect();
    refused.sort_unstable();
    refused
}

/// Entries that the user declared to be internal.
fn internal(inventory: &Inventory, declarations: &Declarations) -> Vec<ObjectRef> {
    let hints = &declarations.network.internal;
    if hints.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut ask = |group: &str, kind: &str, namespace: &str, name: &str, class: Option<&str>| {
        if hints
            .iter()
            .any(|hint| hint.matches(kind, namespace, name, class))
        {
            found.push(ObjectRef::new(group, kind, Some(namespace), name));
        }
    };
    for s in &inventory.services {
        let class = s.load_balancer_class.as_deref();
        ask("", "Service", &s.namespace, &s.name, class);
    }
    for i in &inventory.ingresses {
        ask(
            "networking.k8s.io",
            "Ingress",
            &i.namespace,
            &i.name,
            i.class.as_deref(),
        );
    }
    for g in &inventory.gateways {
        ask(&g.group, "Gateway", &g.namespace, &g.name, Some(&g.class));
    }
    for r in &inventory.routes {
        ask(&r.group, &r.kind, &r.namespace, &r.name, None);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Said once, however many workloads there are.
fn undeclared(inventory: &Inventory) -> Option<Gap> {
    let active = inventory
        .workloads
        .iter()
        .filter(|view| view.workload.state == WorkloadState::Active);
    let (mut all, mut open) = (0u64, 0u64);
    for view in active {
        all += 1;
        open += u64::from(view.workload.criticality.level == CriticalityLevel::Undeclared);
    }
    (open > 0).then(|| Gap {
        class: "criticality-undeclared".into(),
        what: format!("how much depends on {open} of {all} workloads is not declared").into(),
        stage: Stage::Rank,
        scope: "workloads".into(),
        weight: GapWeight::Notice,
        close: "declare production, staging, shared and criticality in plimsoll.yaml".into(),
    })
}

fn tell_unseen(
    snapshot: &Snapshot,
    ledger: &mut Ledger,
    inventory: &mut Inventory,
    gaps: &mut Vec<Gap>,
) {
    if snapshot.origin == Origin::Files {
        return;
    }
    let refused = snapshot
        .listed
        .iter()
        .filter(|listed| !listed.complete)
        .map(|listed| (Text::clone(&listed.group), Text::clone(&listed.kind)));
    let needed = NEEDED
        .iter()
        .filter(|(group, kind)| !snapshot.saw_all(group, kind))
        .map(|(group, kind)| (Text::from(*group), Text::from(*kind)));
    let mut kinds: Vec<(Text, Text)> = refused.chain(needed).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return;
    }
    let names: Vec<&str> = kinds.iter().map(|(_, kind)| &**kind).collect();
    let gap = Gap {
        class: "kinds-not-listed".into(),
        what: format!("not listed completely: {}", names.join(", ")).into(),
        stage: Stage::Relate,
        scope: "cluster".into(),
        weight: GapWeight::Widens,
        close: "allow get and list on these kinds".into(),
    };
    let id = ledger.gap(gap.clone());
    gaps.push(gap);
    inventory.unseen = kinds.into_iter().map(|(_, kind)| (kind, id)).collect();
}
