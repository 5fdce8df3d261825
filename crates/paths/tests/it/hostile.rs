//! Clusters that somebody made to break us: they end, in bounded time, with answers that are true.

use crate::rights::{relate, weakness};
use crate::world::{deployment, enforced, namespace_of, service};
use model::evidence::Ledger;
use model::graph::GraphEdge;
use model::object::ObjectRef;
use network::NetworkDeclarations;
use paths::{Analysis, From, Order, Query, Steps};
use semantics::authorizer::{Binding, Subject};
use semantics::rbac::Rule;
use semantics::view::{Inventory, ServiceAccount};
use std::time::{Duration, Instant};

const RBAC: &str = "rbac.authorization.k8s.io";
/// Generous: unoptimised, on a busy machine.
const MOST: Duration = Duration::from_mins(1);

fn world() -> Inventory {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[80]);
    service(&mut world, "shop/web", "LoadBalancer", "web", 80);
    account(&mut world, "default");
    world
}

fn account(world: &mut Inventory, name: &str) {
    world.service_accounts.push(ServiceAccount {
        namespace: "shop".into(),
        name: name.into(),
        automount_token: true,
        cloud_identity: None,
        seen: true,
    });
}

fn rule(verbs: &[&str], resource: &str, names: &[&str]) -> Rule {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).into()).collect();
    let rbac = ["clusterroles", "clusterrolebindings"].contains(&resource);
    Rule {
        verbs: texts(verbs),
        groups: texts(&[if resource == "*" {
            "*"
        } else if rbac {
            RBAC
        } else {
            ""
        }]),
        resources: texts(&[resource]),
        names: texts(names),
        urls: Vec::new(),
    }
}

fn role(world: &mut Inventory, name: &str, rules: Vec<Rule>) -> u32 {
    let authorizer = &mut world.authorizer;
    let role = ObjectRef::new(RBAC, "ClusterRole", None, name);
    authorizer.roles.push(role);
    authorizer.rules.push(rules);
    u32::try_from(authorizer.rules.len() - 1).unwrap()
}

fn bind(world: &mut Inventory, name: &str, role: u32, subject: Subject) {
    let authorizer = &mut world.authorizer;
    authorizer.bindings.push(Binding {
        object: ObjectRef::new(RBAC, "ClusterRoleBinding", None, name),
        namespace: None,
        subjects: vec![subject],
        role: authorizer.roles[role as usize].clone(),
        rules: Some(role),
    });
}

fn own(name: &str) -> Subject {
    Subject::ServiceAccount {
        namespace: "shop".into(),
        name: name.into(),
    }
}

/// The edges of a world, and paths from an account to cluster-admin.
fn asked(world: &Inventory, subject: &str) -> (Vec<GraphEdge>, Vec<model::graph::Path>) {
    let mut ledger = Ledger::default();
    let exposures = network::exposures(world, &NetworkDeclarations::default(), &mut ledger);
    let steps = Steps::of(world, &mut ledger);
    let analysis = Analysis::of(world, &exposures, &[], &steps, &mut ledger);
    let query = Query {
        from: From::Subject(subject.into()),
        to: Some("cluster-admin".into()),
        top: 0,
        order: Order::Likely,
    };
    let answer = analysis.ask(&query, &mut ledger).unwrap();
    (analysis.edges(), answer.paths)
}

#[test]
fn a_hundred_thousand_bindings_to_one_role() {
    let mut world = world();
    namespace_of(&mut world, "kube-system");
    for n in 0..1_000 {
        account(&mut world, &format!("a{n}"));
    }
    let reader = role(&mut world, "reader", vec![rule(&["list"], "secrets", &[])]);
    for n in 0..100_000 {
        let subject = own(&format!("a{}", n % 1_000));
        bind(&mut world, &format!("b{n}"), reader, subject);
    }
    bind(&mut world, "web", reader, own("default"));
    let start = Instant::now();
    let (found, _) = relate(&world, &[weakness(0, 0.5)]);
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
    let path = found
        .paths
        .iter()
        .find(|p| &*p.sink == "kube-system-secrets");
    assert!(path.is_some());
    let value = found.situations[found.of[0][0] as usize].blast.value;
    assert!(value.expected > 0.7, "{value:?}");
    let (edges, _) = asked(&world, "ServiceAccount/shop/default");
    // One arc a binding, and what one role leads to.
    assert!(edges.len() < 110_000, "{}", edges.len());
}

#[test]
fn groups_that_may_be_each_other() {
    let mut world = world();
    let next = |n: usize| format!("g{}", (n + 1) % 500);
    for n in 0..500 {
        let rules = vec![
            rule(&["impersonate"], "groups", &[&next(n)]),
            rule(&["impersonate"], "users", &["nobody"]),
        ];
        let turn = role(&mut world, &format!("turn{n}"), rules);
        let group = Subject::Group(format!("g{n}").into());
        bind(&mut world, &format!("b{n}"), turn, group);
    }
    bind(&mut world, "start", 0, own("default"));
    let start = Instant::now();
    let (edges, paths) = asked(&world, "ServiceAccount/shop/default");
    assert!(paths.is_empty(), "{paths:?}");
    let turns = edges.iter().filter(|e| &*e.kind == "IDENTITY_IMPERSONATE");
    assert!(turns.count() >= 500);
    let admin = role(&mut world, "admin", vec![rule(&["*"], "*", &[])]);
    bind(&mut world, "end", admin, Subject::Group("g250".into()));
    let (_, paths) = asked(&world, "ServiceAccount/shop/default");
    assert_eq!(paths.len(), 1);
    // Once through each group on the way, and never again.
    assert_eq!(paths[0].edges.len(), 251, "{:?}", paths[0].edges.len());
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
}

#[test]
fn roles_that_may_bind_each_other() {
    const ROLES: usize = 20_000;
    let mut world = world();
    for n in 0..ROLES {
        let next = format!("r{}", (n + 1) % ROLES);
        let rules = vec![
            rule(&["bind"], "clusterroles", &[&next]),
            rule(&["create"], "clusterrolebindings", &[]),
        ];
        role(&mut world, &format!("r{n}"), rules);
    }
    bind(&mut world, "start", 0, own("default"));
    let start = Instant::now();
    let (edges, paths) = asked(&world, "ServiceAccount/shop/default");
    assert!(paths.is_empty(), "{}", paths.len());
    assert!(edges.iter().any(|edge| &*edge.kind == "ROLE_BIND"));
    // The last of them is everything.
    world.authorizer.rules[ROLES - 1] = vec![rule(&["*"], "*", &[])];
    let (_, paths) = asked(&world, "ServiceAccount/shop/default");
    assert_eq!(paths.len(), 1);
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
}
