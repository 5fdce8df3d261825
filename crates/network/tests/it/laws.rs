//! Laws: more openness never lowers, unknowns stay inside, the same input gives the same answer.

use crate::world::{batch, block, deployment, ingress, node, pods, policy, service};
use model::evidence::Ledger;
use model::object::ObjectRef;
use network::{NetworkDeclarations, WorkloadExposure};
use proptest::prelude::*;
use semantics::view::{Inventory, PolicyPeer, PolicyPort, PolicyRule, TargetPort, Tunnel};

fn exposures(world: &Inventory, enforced: Option<bool>) -> Vec<WorkloadExposure> {
    let declared = NetworkDeclarations {
        enforced,
        ..NetworkDeclarations::default()
    };
    network::exposures(world, &declared, &mut Ledger::default())
}

const NAMES: [&str; 4] = ["shop/web", "shop/api", "blog/web", "blog/job"];
const KINDS: [&str; 4] = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];

fn peer() -> impl Strategy<Value = PolicyPeer> {
    prop_oneof![
        Just(pods("", None)),
        Just(pods("app=api", None)),
        Just(pods("", Some(""))),
        Just(pods("app=web", Some("team=blog"))),
        Just(block("0.0.0.0/0", "")),
        Just(block("203.0.113.0/24", "")),
        Just(block("10.0.0.0/8", "")),
    ]
}

fn policy_rule() -> impl Strategy<Value = PolicyRule> {
    let ports = prop_oneof![
        Just(vec![]),
        Just(vec![PolicyPort {
            protocol: "TCP".into(),
            port: Some(TargetPort::Number(8080)),
            end: None
        }]),
        Just(vec![PolicyPort {
            protocol: "TCP".into(),
            port: Some(TargetPort::Name("p8080".into())),
            end: None
        }]),
        Just(vec![PolicyPort {
            protocol: "TCP".into(),
            port: Some(TargetPort::Number(1)),
            end: Some(99)
        }]),
    ];
    (prop::collection::vec(peer(), 0..3), ports)
        .prop_map(|(peers, ports)| PolicyRule { peers, ports })
}

prop_compose! {
    fn world()(
        listening in prop::collection::vec(any::<bool>(), 4),
        services in prop::collection::vec((0..4_usize, 0..4_usize, any::<bool>()), 0..4),
        policies in prop::collection::vec((any::<bool>(), 0..3_usize, prop::collection::vec(policy_rule(), 0..3)), 0..3),
        nodes in 0..3_usize,
        ingress_of in prop::option::of(0..2_usize),
    ) -> Inventory {
        let mut world = Inventory::default();
        for (name, listens) in NAMES.iter().zip(listening) {
            let ports: &[u16] = if listens { &[8080] } else { &[] };
            if name.ends_with("job") { batch(&mut world, name); } else { deployment(&mut world, name, ports); }
        }
        for (n, (kind, target, local)) in services.into_iter().enumerate() {
            let (namespace, app) = NAMES[target].split_once('/').unwrap();
            service(&mut world, &format!("{namespace}/s{n}"), KINDS[kind], app, 8080).external_traffic_local = local;
        }
        for (n, (shop, target, rules)) in policies.into_iter().enumerate() {
            let namespace = if shop { "shop" } else { "blog" };
            policy(&mut world, &format!("{namespace}/p{n}"), ["", "web", "api"][target], rules);
        }
        if nodes > 0 { node(&mut world, "n", "10.0.0.1", if nodes > 1 { "34.1.2.3" } else { "" }); }
        if let Some(n) = ingress_of { ingress(&mut world, "shop/i", Some("nginx"), &format!("s{n}")); }
        world
    }
}

fn never_lower(
    before: &[WorkloadExposure],
    after: &[WorkloadExposure],
) -> Result<(), TestCaseError> {
    for (n, (a, b)) in before.iter().zip(after).enumerate() {
        let (x, y) = (a.direct, b.direct);
        prop_assert!(
            x.low <= y.low && x.expected <= y.expected + 1e-12 && x.high <= y.high,
            "workload {n}: {x:?} became {y:?}"
        );
        prop_assert!(
            a.exposure.at_least <= b.exposure.at_least && a.exposure.at_most <= b.exposure.at_most
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_service_more_never_lowers(world in world(), kind in 0..4_usize, target in 0..4_usize, enforced in prop::option::of(any::<bool>())) {
        let before = exposures(&world, enforced);
        let mut more = world.clone();
        let (namespace, app) = NAMES[target].split_once('/').unwrap();
        service(&mut more, &format!("{namespace}/more"), KINDS[kind], app, 8080);
        never_lower(&before, &exposures(&more, enforced))?;
    }

    #[test]
    fn no_isolation_never_lowers(world in world(), enforced in prop::option::of(any::<bool>())) {
        let mut open = world.clone();
        open.network_policies.clear();
        never_lower(&exposures(&world, enforced), &exposures(&open, enforced))?;
    }

    #[test]
    fn a_rule_more_never_lowers(world in world(), rule in policy_rule(), enforced in prop::option::of(any::<bool>())) {
        let mut more = world.clone();
        for policy in &mut more.network_policies { policy.ingress.push(rule.clone()); }
        never_lower(&exposures(&world, enforced), &exposures(&more, enforced))?;
    }

    #[test]
    fn a_tunnel_never_lowers(world in world(), enforced in prop::option::of(any::<bool>())) {
        let mut more = world.clone();
        more.tunnels.push(Tunnel { object: ObjectRef::new("apps", "Deployment", Some("edge"), "ngrok"), kind: "ngrok".into(), namespace: None });
        never_lower(&exposures(&world, enforced), &exposures(&more, enforced))?;
    }

    /// Declaring enforcement, either way, stays inside what was said without.
    #[test]
    fn resolving_enforcement_stays_inside(world in world(), resolved in any::<bool>()) {
        let open = exposures(&world, None);
        for (before, after) in open.iter().zip(exposures(&world, Some(resolved))) {
            prop_assert!(before.direct.low <= after.direct.low && after.direct.high <= before.direct.high);
        }
    }

    /// Seeing the nodes stays inside what was said without them.
    #[test]
    fn resolving_nodes_stays_inside(world in world(), public in any::<bool>()) {
        let mut blind = world.clone();
        blind.nodes.clear();
        let mut seen = blind.clone();
        node(&mut seen, "n", "10.0.0.1", if public { "34.1.2.3" } else { "" });
        for (before, after) in exposures(&blind, None).iter().zip(exposures(&seen, None)) {
            prop_assert!(before.direct.low <= after.direct.low && after.direct.high <= before.direct.high);
        }
    }

    #[test]
    fn order_and_sanity(world in world(), enforced in prop::option::of(any::<bool>())) {
        let once = exposures(&world, enforced);
        prop_assert_eq!(&once, &exposures(&world, enforced));
        for found in &once {
            let d = found.direct;
            prop_assert!(0.0 < d.low && d.low <= d.expected && d.expected <= d.high && d.high <= 1.0);
            prop_assert!(found.exposure.at_least <= found.exposure.at_most);
            prop_assert!(found.listens.truth() != model::evidence::Truth::No);
        }
    }
}
