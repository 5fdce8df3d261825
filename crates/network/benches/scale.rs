//! A generated cluster of 30,000 pods and 3,000 policies of both directions. Prints the seconds of exposures.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

#[path = "../tests/it/world.rs"]
mod world;

use model::evidence::Ledger;
use model::object::ObjectRef;
use network::NetworkDeclarations;
use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminPolicy, AdminRule, AdminTier, Inventory, Selector,
};
use std::time::Instant;

fn main() {
    for egress in [false, true] {
        let world = cluster(egress);
        let mut ledger = Ledger::default();
        let start = Instant::now();
        let found = network::exposures(&world, &NetworkDeclarations::default(), &mut ledger);
        let members: usize = found
            .iter()
            .flat_map(|e| &e.reachable_from.peers)
            .map(|set| (set.id, set.possible.len()))
            .collect::<std::collections::BTreeMap<_, _>>()
            .values()
            .sum();
        println!(
            "{} pods, {} workloads, {} policies: {:.3} s; {} members of sets, {} evidence, {} gaps",
            world.pods.len(),
            world.workloads.len(),
            world.network_policies.len() + world.admin_policies.len(),
            start.elapsed().as_secs_f64(),
            members,
            ledger.evidence.len(),
            ledger.gaps.len(),
        );
    }
}

/// Ten workloads a namespace, three pods each; three policies a namespace.
fn cluster(egress: bool) -> Inventory {
    let mut world = Inventory::default();
    world::enforced(&mut world);
    for namespace in 0..1000 {
        for app in 0..10 {
            let workload = u32::try_from(world.workloads.len()).unwrap();
            let name = format!("team-{namespace}/app-{app}");
            world::deployment(&mut world, &name, &[8080, 9090]);
            let kind = if workload % 50 == 0 {
                "LoadBalancer"
            } else {
                "ClusterIP"
            };
            world::service(&mut world, &name, kind, &format!("app-{app}"), 8080);
            for pod in 0..3 {
                let (b, c) = (workload / 25_000, workload / 100 % 250);
                let ip = format!("10.{b}.{c}.{}", (workload % 60) * 3 + pod);
                world::pod(&mut world, workload, "worker", &ip);
            }
        }
        let own = || world::pods("", None);
        let monitoring = world::pods("", Some("team=team-0"));
        let name = |what: &str| format!("team-{namespace}/{what}");
        world::policy(
            &mut world,
            &name("own"),
            "",
            vec![world::rule(vec![own(), monitoring])],
        );
        let public = vec![world::rule(vec![world::block("0.0.0.0/0", "10.0.0.0/8")])];
        world::policy(&mut world, &name("public"), "app-0", public);
        let partner = format!("203.{}.{}.0/24", namespace / 250, namespace % 250);
        let out = world::policy(
            &mut world,
            &name("out"),
            "app-1",
            vec![world::rule(vec![world::block(&partner, "")])],
        );
        if egress {
            out.selector = Selector::default();
            out.isolates_egress = true;
            out.egress = vec![
                world::rule(vec![own()]),
                world::rule(vec![world::pods("app=app-0", Some("team=team-1"))]),
                world::rule(vec![world::block(&partner, "")]),
            ];
        }
    }
    let everywhere = || AdminPods {
        namespaces: Selector::default(),
        pods: Selector::default(),
    };
    let deny = AdminRule {
        name: "".into(),
        action: AdminAction::Deny,
        peers: vec![AdminPeer::Pods(AdminPods {
            namespaces: world::selector("team=team-7"),
            ..everywhere()
        })],
        ports: None,
        malformed: false,
    };
    world.admin_policies.push(AdminPolicy {
        object: ObjectRef::new("policy.networking.k8s.io", "AdminNetworkPolicy", None, "a"),
        tier: AdminTier::Admin,
        priority: 1,
        subject: Some(everywhere()),
        ingress: vec![deny],
        egress: Vec::new(),
    });
    world
}
