//! Routes from entries to sinks, and what ends them.

use crate::rights::{RightClass, account, relate, weakness};
use crate::world::{batch, deployment, enforced, node, pod, policy, service};
use model::graph::{Cut, Path};
use model::object::ObjectRef;
use model::workload::ManagedBy;
use semantics::authorizer::Subject;
use semantics::view::{Inventory, Mount, Volume, VolumeSource};

/// `Internet -load-balancer-> Service shop/web -vulnerability-> ...`
fn shown(path: &Path) -> String {
    let first = path.edges.first().map_or("", |edge| &*edge.from);
    path.edges.iter().fold(first.to_owned(), |text, edge| {
        format!("{text} -{}-> {}", edge.kind, edge.to)
    })
}

fn changes(cut: &Cut) -> Vec<String> {
    cut.changes
        .iter()
        .map(|change| format!("{}: {}", change.object, change.what))
        .collect()
}

/// A privileged Deployment behind a LoadBalancer; on its node runs a pod whose account is cluster-admin.
fn shop() -> Inventory {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[80]).containers[0]
        .security
        .privileged = true;
    deployment(&mut world, "ops/runner", &[]).service_account = "deployer".into();
    service(&mut world, "shop/web", "LoadBalancer", "web", 80);
    account(&mut world, "ops", "deployer", RightClass::Everything, None);
    node(&mut world, "worker-1", "10.0.0.1", "");
    node(&mut world, "worker-2", "10.0.0.2", "");
    pod(&mut world, 0, "worker-1", "10.1.0.1");
    pod(&mut world, 1, "worker-1", "10.1.0.2");
    world
}

#[test]
fn five_edges_from_the_internet_to_cluster_admin() {
    let (found, ledger) = relate(&shop(), &[weakness(0, 0.5)]);
    let path = &found.paths[0];
    assert_eq!(
        shown(path),
        "Internet -LOAD_BALANCER-> Service/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] \
         -CE_PRIV_MOUNT-> Node/worker-1 -POD_ATTACH-> Deployment/ops/runner[app] \
         -IDENTITY_ASSUME-> ServiceAccount/ops/deployer -RBAC_WILDCARD-> cluster-admin"
    );
    assert_eq!(path.edges.len(), 6);
    assert_eq!((&*path.entry, &*path.sink), ("Internet", "cluster-admin"));
    for edge in &path.edges {
        assert!(!edge.evidence.is_empty(), "{edge:?}");
        // The account was named on purpose: its rights are made smaller, its token stays.
        assert_eq!(
            !edge.changeable.is_empty(),
            !["POD_ATTACH", "IDENTITY_ASSUME"].contains(&&*edge.kind),
            "{edge:?}"
        );
        assert!(
            edge.evidence
                .iter()
                .all(|e| (e.0 as usize) < ledger.evidence.len())
        );
    }
    let product = path
        .edges
        .iter()
        .map(|e| e.probability.expected)
        .product::<f64>();
    assert!((path.probability.expected - product).abs() < 1e-12);
    // The cheapest single change: nobody misses it.
    assert_eq!(
        changes(&found.cuts[0]),
        ["Deployment shop/web: set privileged: false in container app"]
    );
    assert!(found.cuts[0].routes == found.cuts[0].of && found.cuts[0].routes == 2);
    let situation = &found.situations[found.of[0][0] as usize];
    assert_eq!(situation.path, Some(0));
    assert!(
        situation.blast.value.expected > 0.7,
        "the node leads on: {:?}",
        situation.blast.value
    );
}

#[test]
fn the_route_ends_where_the_token_is_on_another_node() {
    let mut world = shop();
    world.pods[1].node = Some("worker-2".into());
    let (found, _) = relate(&world, &[weakness(0, 0.5)]);
    assert!(
        found
            .paths
            .iter()
            .all(|path| &*path.sink != "cluster-admin")
    );
    assert_eq!(
        (&*found.paths[0].sink, &*found.paths[0].edges[2].to),
        ("node", "Node/worker-1")
    );
    assert_eq!(found.paths[0].edges.len(), 3);
}

#[test]
fn from_files_any_pod_may_be_on_the_node() {
    let mut world = shop();
    world.pods.clear();
    for view in &mut world.workloads {
        view.pods.clear();
    }
    let (found, _) = relate(&world, &[weakness(0, 0.5)]);
    let path = &found.paths[0];
    assert_eq!(
        (path.edges.len(), &*path.sink, &*path.edges[2].to),
        (6, "cluster-admin", "a node")
    );
    assert!(path.probability.low <= 0.0);
    assert!(path.probability.expected > 0.0);
}

/// What ends the routes to `sink` in a world.
fn check(
    case: &str,
    build: impl FnOnce(&mut Inventory),
    sink: &str,
    expected: &[&str],
    complete: bool,
) {
    let mut world = shop();
    build(&mut world);
    let (found, _) = relate(&world, &[weakness(0, 0.5)]);
    let cut = found.cuts.iter().find(|cut| &*cut.sink == sink);
    let said = cut.map(changes).unwrap_or_default();
    assert_eq!(said, expected, "{case}");
    assert_eq!(
        cut.is_none_or(|cut| cut.routes == cut.of),
        complete,
        "{case}"
    );
}

fn host_root(world: &mut Inventory) {
    let template = &mut world.templates[0];
    template.volumes.push(Volume {
        name: "root".into(),
        source: VolumeSource::HostPath { path: "/".into() },
    });
    template.containers[0].mounts.push(Mount {
        volume: "root".into(),
        path: "/host".into(),
        read_only: false,
        recursive_read_only: false,
        sub_path: None,
    });
}

/// The account of the shop's runner is the default one.
fn rename(world: &mut Inventory) {
    world.service_accounts[0].name = "default".into();
    world.authorizer.bindings[0].subjects = vec![Subject::ServiceAccount {
        namespace: "ops".into(),
        name: "default".into(),
    }];
}

/// A part of the cluster itself, as `semantics` marks it.
fn provided(world: &mut Inventory, workload: usize) {
    world.workloads[workload].workload.managed_by = Some(ManagedBy {
        tool: ManagedBy::PROVIDER.into(),
        name: "calico-node".into(),
    });
}

#[test]
fn cuts() {
    let privileged = "Deployment shop/web: set privileged: false in container app";
    let token = "Deployment ops/runner: set automountServiceAccountToken: false";
    let binding = "ClusterRoleBinding deployer: delete it, or bind a smaller role than some-role";
    let upgrade = "Deployment shop/web: upgrade libfoo to 1.2 in example.com/app:1";
    check("one escape", |_| {}, "node", &[privileged], true);
    check(
        "two escapes: one binding ends both",
        host_root,
        "cluster-admin",
        &[binding],
        true,
    );
    check(
        "two escapes: nobody misses the token of a default account",
        |w| {
            host_root(w);
            w.templates[1].service_account = "default".into();
            rename(w);
        },
        "cluster-admin",
        &[token],
        true,
    );
    check(
        "two escapes to the node: one upgrade ends more than one field",
        host_root,
        "node",
        &[upgrade],
        true,
    );
    check(
        "a token of a part of the cluster cannot be cut, the field of another can",
        |w| {
            host_root(w);
            w.templates[1].service_account = "default".into();
            rename(w);
            provided(w, 1);
        },
        "cluster-admin",
        &[binding],
        true,
    );
    check(
        "a workload that somebody put into kube-system is cut like any other",
        |w| {
            let hostile = &mut w.workloads[0].workload;
            hostile.object = ObjectRef::new("apps", "Deployment", Some("kube-system"), "web");
            w.templates[1].service_account = "deployer".into();
        },
        "node",
        &["Deployment kube-system/web: set privileged: false in container app"],
        true,
    );
    check(
        "a binding in the name of the system is cut like any other",
        |w| {
            host_root(w);
            let binding = &mut w.authorizer.bindings[0];
            binding.object.name = "system:controller:backdoor".into();
        },
        "cluster-admin",
        &[
            "ClusterRoleBinding system:controller:backdoor: delete it, or bind a smaller role than some-role",
        ],
        true,
    );
    check(
        "a binding that belongs to the cluster cannot be cut",
        |w| {
            host_root(w);
            w.stock_bindings = vec![w.authorizer.bindings[0].object.clone()];
        },
        "cluster-admin",
        &[upgrade],
        true,
    );
    check(
        "the pod is the provider's: the upgrade ends the entry over the pod network too",
        |w| {
            // The pod belongs to the provider; its Service does not.
            provided(w, 0);
            w.authorizer.bindings.clear();
        },
        "node",
        &["Deployment shop/web: upgrade libfoo to 1.2 in example.com/app:1"],
        true,
    );
    check(
        "isolated",
        |w| {
            w.services.clear();
            policy(w, "shop/deny", "", vec![]);
        },
        "node",
        &[],
        true,
    );
}

#[test]
fn no_fix_and_a_provider_leave_the_cut_incomplete() {
    let mut world = shop();
    provided(&mut world, 0);
    world.services.clear();
    let mut open = weakness(0, 0.5);
    open.fixable = None;
    let (found, _) = relate(&world, &[open]);
    let cut = found.cuts.iter().find(|cut| &*cut.sink == "node").unwrap();
    assert!(cut.routes < cut.of && cut.changes.is_empty() && cut.routes == 0);
}

#[test]
fn rights_lead_to_sinks() {
    for (class, place, sink, kind) in [
        (
            RightClass::Everything,
            None,
            "cluster-admin",
            "RBAC_WILDCARD",
        ),
        (RightClass::Escalate, None, "cluster-admin", "ROLE_ESCALATE"),
        (
            RightClass::ReadSecrets,
            None,
            "kube-system-secrets",
            "TOKEN_LIST",
        ),
        (RightClass::CreatePods, None, "node", "POD_ESCAPE"),
        (RightClass::CreatePods, Some("ops"), "node", "POD_ESCAPE"),
        (RightClass::Nodes, None, "node", "PV_CREATE"),
        (
            RightClass::MintTokens,
            None,
            "cluster-admin",
            "SYSTEM_CONTROLLER",
        ),
        (
            RightClass::MintTokens,
            Some("kube-system"),
            "cluster-admin",
            "SYSTEM_CONTROLLER",
        ),
    ] {
        let mut world = Inventory::default();
        enforced(&mut world);
        deployment(&mut world, "shop/web", &[80]);
        service(&mut world, "shop/web", "LoadBalancer", "web", 80);
        account(&mut world, "shop", "default", class, place);
        let (found, _) = relate(&world, &[weakness(0, 0.5)]);
        let path = found.paths.iter().find(|path| &*path.sink == sink);
        let path = path.unwrap_or_else(|| {
            panic!(
                "{class:?} {place:?}: {:?}",
                found.paths.iter().map(shown).collect::<Vec<_>>()
            )
        });
        let last = &path.edges.last().unwrap().kind;
        assert_eq!(&**last, kind, "{class:?} {place:?}: {}", shown(path));
    }
    // Entering pods leads to the privileged one.
    let mut world = shop();
    world.workloads.swap(0, 1);
    deployment(&mut world, "shop/front", &[80]).service_account = "entering".into();
    service(&mut world, "shop/front", "LoadBalancer", "front", 80);
    account(
        &mut world,
        "shop",
        "entering",
        RightClass::Exec,
        Some("shop"),
    );
    world.pods.clear();
    world
        .workloads
        .iter_mut()
        .for_each(|view| view.pods.clear());
    let (found, _) = relate(&world, &[weakness(2, 0.5)]);
    let path = found
        .paths
        .iter()
        .find(|path| &*path.sink == "node")
        .unwrap();
    assert_eq!(
        shown(path),
        "Internet -LOAD_BALANCER-> Service/shop/front -ENDPOINT_EXPLOIT-> Deployment/shop/front[app] \
         -IDENTITY_ASSUME-> ServiceAccount/shop/entering -POD_EXEC-> Deployment/shop/web[app] \
         -CE_PRIV_MOUNT-> a node"
    );
}

#[test]
fn over_the_pod_network_to_a_weak_neighbour() {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[80]);
    deployment(&mut world, "shop/db", &[5432]).containers[0]
        .security
        .privileged = true;
    service(&mut world, "shop/web", "LoadBalancer", "web", 80);
    let (found, _) = relate(&world, &[weakness(0, 0.9), weakness(1, 0.9)]);
    let lateral = found
        .paths
        .iter()
        .find(|path| &*path.entry == "Internet")
        .unwrap();
    assert_eq!(
        shown(lateral),
        "Internet -LOAD_BALANCER-> Service/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] \
         -POD_NETWORK-> ports of Deployment/shop/db -ENDPOINT_EXPLOIT-> Deployment/shop/db[app] \
         -CE_PRIV_MOUNT-> a node"
    );
    let db = &found.situations[found.of[1][0] as usize];
    assert!(
        db.lateral.expected > 0.25 && db.lateral.expected <= 0.3,
        "{:?}",
        db.lateral
    );
    let web = &found.situations[found.of[0][0] as usize];
    assert!(
        web.lateral.expected <= 0.15 * 0.3,
        "over db, never over itself: {:?}",
        web.lateral
    );
}

#[test]
fn a_policy_keeps_the_neighbour_out() {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[80]);
    deployment(&mut world, "blog/db", &[5432]).containers[0]
        .security
        .privileged = true;
    service(&mut world, "shop/web", "LoadBalancer", "web", 80);
    policy(&mut world, "blog/deny", "", vec![]);
    let (found, _) = relate(&world, &[weakness(0, 0.9), weakness(1, 0.9)]);
    assert!(
        found.paths.is_empty(),
        "{:?}",
        found.paths.iter().map(shown).collect::<Vec<_>>()
    );
    assert!(found.situations[found.of[1][0] as usize].lateral.high <= 0.0);
}

/// The point of the score: the same weakness, isolated and batch, or public and privileged.
#[test]
fn direct_follows_the_class() {
    let mut world = shop();
    batch(&mut world, "reports/job");
    let (found, _) = relate(&world, &[weakness(0, 0.5), weakness(2, 0.9)]);
    let of = |workload: usize| &found.situations[found.of[workload][0] as usize];
    assert_eq!(
        (of(0).direct.low, of(0).direct.expected, of(0).direct.high),
        (1.0, 1.0, 1.0)
    );
    assert_eq!(
        (of(2).direct.low, of(2).direct.expected, of(2).direct.high),
        (0.02, 0.02, 0.15)
    );
    assert!(of(2).lateral.expected < 0.02 && of(2).blast.value.expected < 0.11);
}

#[test]
fn a_workload_without_known_weakness_carries_the_base_rate() {
    let (found, _) = relate(&shop(), &[]);
    let path = &found.paths[0];
    assert_eq!(&*path.edges[1].kind, "ENDPOINT_EXPLOIT");
    assert!(path.edges[1].changeable.is_empty() && path.probability.expected < 1e-3);
}

#[test]
fn a_control_plane_node_is_the_cluster() {
    let mut world = shop();
    world.authorizer.bindings.clear();
    world.nodes[0]
        .labels
        .insert("node-role.kubernetes.io/control-plane".into(), "".into());
    let (found, _) = relate(&world, &[weakness(0, 0.5)]);
    assert!(shown(&found.paths[0]).ends_with(
        "Node/worker-1 -CONTROL_PLANE_KEYS-> system:masters -CLUSTER_ADMIN-> cluster-admin"
    ));
}

#[test]
fn a_node_is_worth_its_pods_and_reached_from_them() {
    let (found, _) = relate(&shop(), &[weakness(0, 0.5)]);
    let node = |n: usize| &found.situations[found.nodes[n] as usize];
    // On worker-1 lies the token of cluster-admin, and an exposed pod that falls; worker-2 is empty.
    assert!(node(0).blast.value.expected > 0.8, "{:?}", node(0).blast);
    assert!((node(1).blast.value.expected - 0.6).abs() < 1e-9);
    let tenants = |n| node(n).tenants.unwrap();
    assert!(tenants(0).expected > 0.5 && tenants(1).high <= 0.0);
    assert!(node(0).lateral.expected > 0.15 && node(0).lateral.expected < 0.3);
    let api_server = &found.situations[found.api_server.unwrap() as usize];
    assert!((api_server.blast.value.expected - 1.0).abs() < 1e-9);
    let mut world = shop();
    world.nodes[1]
        .labels
        .insert("node-role.kubernetes.io/control-plane".into(), "".into());
    let (found, _) = relate(&world, &[]);
    let control_plane = &found.situations[found.nodes[1] as usize];
    assert!(control_plane.blast.value.expected > 0.8);
    assert_eq!(
        &*control_plane.blast.steps[0].reason,
        "the node is of the control plane"
    );
}

#[test]
fn equal_situations_are_kept_once() {
    let mut world = shop();
    let mut template = world.templates[0].clone();
    let mut second = template.containers[0].clone();
    second.name = "second".into();
    template.containers.push(second.clone());
    template.containers[0].security.privileged = false;
    template.containers[1].security.privileged = false;
    world.templates[0] = template;
    let mut container = world.workloads[0].workload.containers[0].clone();
    container.name = "second".into();
    world.workloads[0].workload.containers.push(container);
    let (found, _) = relate(&world, &[]);
    assert_eq!(found.of[0].len(), 2);
    assert_eq!(found.of[0][0], found.of[0][1]);
}
