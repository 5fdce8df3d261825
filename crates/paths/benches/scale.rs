//! A generated cluster: 10,000 pods, 1,000 namespaces, 1,006 policies. Prints the seconds of each stage.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

#[path = "../../network/tests/it/world.rs"]
mod world;

use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use network::NetworkDeclarations;
use paths::Weakness;
use semantics::authorizer::{Binding, Subject};
use semantics::rbac::Rule;
use semantics::view::{Inventory, ServiceAccount};
use std::time::Instant;

fn main() {
    let world = cluster();
    let weaknesses: Vec<Weakness> = (0..u32::try_from(world.workloads.len()).unwrap())
        .filter(|workload| workload % 3 != 0)
        .flat_map(|workload| (0..3).map(move |n| weakness(workload, n)))
        .collect();
    let mut ledger = Ledger::default();
    let start = Instant::now();
    let exposures = network::exposures(&world, &NetworkDeclarations::default(), &mut ledger);
    let network = start.elapsed();
    let found = paths::relate(
        &world,
        &exposures,
        &network::Hosts::default(),
        &weaknesses,
        &mut ledger,
    );
    let both = start.elapsed();
    println!(
        "{} pods, {} workloads, {} policies: network {:.3} s, paths {:.3} s; {} situations, {} paths, {} evidence, {} gaps",
        world.pods.len(),
        world.workloads.len(),
        world.network_policies.len(),
        network.as_secs_f64(),
        both.checked_sub(network).unwrap().as_secs_f64(),
        found.situations.len(),
        found.paths.len(),
        ledger.evidence.len(),
        ledger.gaps.len(),
    );
    for cut in &found.cuts {
        println!(
            "{}: {} changes, complete {}",
            cut.sink,
            cut.changes.len(),
            cut.routes == cut.of
        );
    }
}

fn weakness(workload: u32, n: u32) -> Weakness {
    Weakness {
        workload,
        container: 0,
        label: format!("CVE-2024-{n} in lib{n}").into(),
        likelihood: Estimate::between(0.001, 0.01 * f64::from(n + 1), 0.5),
        fixable: (n < 2).then(|| format!("upgrade lib{n} to 2").into()),
        image: format!("example.com/app:{}", workload % 200).into(),
    }
}

/// Five workloads a namespace, two pods each, on 300 nodes; a policy a namespace, a Service a workload.
fn cluster() -> Inventory {
    let mut world = Inventory::default();
    world::enforced(&mut world);
    for n in 0..300 {
        world::node(
            &mut world,
            &format!("worker-{n}"),
            &format!("10.0.{}.{}", n / 250, n % 250),
            "",
        );
    }
    for namespace in 0..1000 {
        for app in 0..5 {
            let workload = u32::try_from(world.workloads.len()).unwrap();
            let name = format!("team-{namespace}/app-{app}");
            let template = world::deployment(&mut world, &name, &[8080]);
            template.containers[0].security.privileged = workload % 97 == 0;
            template.containers[0].security.run_as_user = (workload % 2 == 0).then_some(1000);
            template.service_account = format!("app-{app}").into();
            let kind = if workload % 50 == 0 {
                "LoadBalancer"
            } else {
                "ClusterIP"
            };
            world::service(&mut world, &name, kind, &format!("app-{app}"), 8080);
            for pod in 0..2 {
                let node = format!("worker-{}", (workload * 7 + pod * 13) % 300);
                let ip = format!(
                    "10.{}.{}.{}",
                    1 + workload / 25_000,
                    workload / 100 % 250,
                    (workload % 100) * 2 + pod
                );
                world::pod(&mut world, workload, &node, &ip);
            }
            account(&mut world, namespace, app);
        }
        let monitoring = world::pods("", Some("team=team-0"));
        let own = world::pods("", None);
        world::policy(
            &mut world,
            &format!("team-{namespace}/default"),
            "",
            vec![world::rule(vec![monitoring, own])],
        );
    }
    for n in 0..6 {
        let rule = vec![world::rule(vec![world::block("0.0.0.0/0", "")])];
        world::policy(&mut world, &format!("team-{n}/public"), "app-0", rule);
    }
    for n in 0..60 {
        world::ingress(
            &mut world,
            &format!("team-{}/web", n * 3),
            Some("nginx"),
            "app-1",
        );
    }
    world
}

fn account(world: &mut Inventory, namespace: u32, app: u32) {
    let own = format!("team-{namespace}");
    let right = match (namespace, app) {
        (n, 0) if n % 100 == 0 => Some(("*", "*", "*", None)),
        (n, 1) if n % 10 == 0 => Some(("list", "", "secrets", None)),
        (_, 2) => Some(("create", "", "pods", Some(own.as_str()))),
        _ => None,
    };
    if let Some((verb, group, resource, place)) = right {
        let rbac = "rbac.authorization.k8s.io";
        let role = ObjectRef::new(rbac, "ClusterRole", None, &format!("r-{app}"));
        let authorizer = &mut world.authorizer;
        let known = authorizer.roles.iter().position(|known| *known == role);
        let rules = known.unwrap_or_else(|| {
            authorizer.roles.push(role.clone());
            authorizer.rules.push(vec![Rule {
                verbs: vec![verb.into()],
                groups: vec![group.into()],
                resources: vec![resource.into()],
                ..Rule::default()
            }]);
            authorizer.roles.len() - 1
        });
        let kind = if place.is_some() {
            "RoleBinding"
        } else {
            "ClusterRoleBinding"
        };
        authorizer.bindings.push(Binding {
            object: ObjectRef::new(rbac, kind, place, &format!("b-{namespace}-{app}")),
            namespace: place.map(Into::into),
            subjects: vec![Subject::ServiceAccount {
                namespace: own.as_str().into(),
                name: format!("app-{app}").into(),
            }],
            role,
            rules: Some(u32::try_from(rules).unwrap()),
        });
    }
    world.service_accounts.push(ServiceAccount {
        namespace: own.into(),
        name: format!("app-{app}").into(),
        automount_token: true,
        cloud_identity: None,
        seen: true,
    });
}
