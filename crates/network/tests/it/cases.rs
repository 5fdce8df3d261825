//! One line a case: what is in the cluster, which class comes out.

mod edges;
mod fronts;
mod policies;
mod services;

pub(crate) use crate::world::{
    block, deployment, enforced, gateway, ingress, labels, node, pod, pods, policy, route, rule,
    selector, service,
};
pub(crate) use model::evidence::{GapId, Ledger, Truth};
pub(crate) use model::object::ObjectRef;
pub(crate) use model::situation::ExposureClass;
pub(crate) use network::{NetworkDeclarations, OpeningKind, WorkloadExposure};
pub(crate) use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminPolicy, AdminRule, AdminTier, BackendPort, CalicoPeer,
    CalicoPolicy, CalicoRule, CiliumPeer, CiliumPolicy, CiliumRule, CiliumSide, EndpointSlice,
    Expression, FrontClass, Inventory, Labels, MeshAction, MeshPolicy, Operator, OtherPolicy,
    PolicyPort, PolicyRule, Requirement, Selector, ServicePort, TargetPort, Tunnel,
};

pub(crate) fn name(class: ExposureClass) -> &'static str {
    match class {
        ExposureClass::Unknown => "unknown",
        ExposureClass::None => "none",
        ExposureClass::Namespace => "namespace",
        ExposureClass::Cluster => "cluster",
        ExposureClass::External => "external",
        ExposureClass::Internet => "internet",
    }
}

/// `internet` for a known class, `external external..internet` for one with gaps.
pub(crate) fn summary(found: &WorkloadExposure) -> String {
    let exposure = &found.exposure;
    let (class, low, high) = (
        name(exposure.class),
        name(exposure.at_least),
        name(exposure.at_most),
    );
    if low == high && low == class {
        class.into()
    } else {
        format!("{class} {low}..{high}")
    }
}

pub(crate) fn evaluate(
    world: &Inventory,
    declared: &NetworkDeclarations,
) -> (Vec<WorkloadExposure>, Ledger) {
    let mut ledger = Ledger::default();
    let found = network::exposures(world, declared, &mut ledger);
    assert_eq!(found.len(), world.workloads.len());
    (found, ledger)
}

/// `build` gets a world whose workload 0 is the Deployment `shop/web` with port 8080 in a cluster that enforces policies.
pub(crate) fn check(case: &str, build: impl FnOnce(&mut Inventory), expected: &str) {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[8080]);
    build(&mut world);
    let (found, _) = evaluate(&world, &NetworkDeclarations::default());
    assert_eq!(summary(&found[0]), expected, "{case}");
}

pub(crate) fn lb(world: &mut Inventory) -> &mut semantics::view::Service {
    service(world, "shop/web", "LoadBalancer", "web", 8080)
}

pub(crate) fn annotated(world: &mut Inventory, pairs: &str) {
    lb(world).annotations = labels(pairs);
}
