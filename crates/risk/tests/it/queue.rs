//! What the actions say: kinds, commands, classes, order.

use crate::world::{EXPOSED, EXPOSED_PRIVILEGED, PLAIN, Stand, World, easy, local};
use model::action::{Action, ActionKind, FixClass};
use model::assessment::Assessment;
use model::evidence::Estimate;
use model::matches::FixState;
use model::object::SourceSpan;
use model::situation::{BlastStep, Reach};
use model::workload::ManagedBy;
use risk::{Settings, rank};

fn of_kind(assessment: &Assessment, kind: ActionKind) -> Vec<&Action> {
    assessment
        .actions
        .iter()
        .filter(|action| action.kind == kind)
        .collect()
}

fn one(assessment: &Assessment, kind: ActionKind) -> &Action {
    let all = of_kind(assessment, kind);
    assert_eq!(all.len(), 1, "{:?}", assessment.actions);
    all[0]
}

#[test]
fn an_upgrade_names_package_version_image_and_command() {
    let check = |package: &str, kind: &str, title: &str, exact: &str| {
        let mut world = World::new();
        world.run("web", "ghcr.io/shop/web:1", EXPOSED);
        let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
        world.find("ghcr.io/shop/web:1", v, package, kind);
        let ranked = world.ranked();
        let action = one(&ranked, ActionKind::UpgradePackage);
        assert_eq!(&*action.title, title);
        assert_eq!(&*action.exact[0], exact);
        assert_eq!(action.closes, [0]);
        assert_eq!(&*action.undo, "kubectl -n shop rollout undo deployment/web");
    };
    check(
        "lodash",
        "npm",
        "upgrade lodash to 1.0.2 in ghcr.io/shop/web",
        "npm install lodash@1.0.2",
    );
    check(
        "libssl3",
        "deb",
        "upgrade libssl3 to 1.0.2 in ghcr.io/shop/web",
        "in its Dockerfile: RUN apt-get update && apt-get install -y --no-install-recommends libssl3=1.0.2",
    );
    check(
        "x;reboot",
        "npm",
        "upgrade x;reboot to 1.0.2 in ghcr.io/shop/web",
        "npm install 'x;reboot@1.0.2'",
    );
}

#[test]
fn the_smallest_version_that_closes_all() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    for (n, versions) in [vec!["1.0.5"], vec!["2.0.0", "1.0.9"], vec!["1.0.7"]]
        .into_iter()
        .enumerate()
    {
        let v = world.vulnerability(&format!("CVE-2026-000{n}"), 0.2, false, easy());
        let f = world.find("ghcr.io/shop/web:1", v, "lodash", "npm");
        world.0.findings[f as usize].fix.versions = versions.into_iter().map(Into::into).collect();
    }
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::UpgradePackage);
    assert_eq!(&*action.exact[0], "npm install lodash@1.0.9");
    assert_eq!(action.closes.len(), 3);
    assert_eq!(action.class, FixClass::NeedsTest);
}

#[test]
fn a_major_version_is_never_crossed_silently() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
    let f = world.find("ghcr.io/shop/web:1", v, "lodash", "npm");
    world.0.findings[f as usize].fix.versions = vec!["2.0.0".into()];
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::UpgradePackage);
    assert_eq!(
        &*action.class_reason,
        "lodash crosses a major version: 1.0.1 to 2.0.0"
    );
}

#[test]
fn packages_of_the_distribution_are_rebuilt_together() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    for (n, package) in ["libssl3", "zlib1g"].iter().enumerate() {
        let v = world.vulnerability(&format!("CVE-2026-000{n}"), 0.01, false, easy());
        world.find("ghcr.io/shop/web:1", v, package, "deb");
    }
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::RebuildBase);
    assert_eq!(&*action.title, "rebuild ghcr.io/shop/web on a newer base");
    assert_eq!(
        &*action.exact[0],
        "docker build --pull --no-cache -t ghcr.io/shop/web:NEW ."
    );
    assert_eq!(action.closes.len(), 2);
}

#[test]
fn the_image_of_others_is_moved_not_patched() {
    let check = |image: &str, own: Option<&[&str]>, foreign: bool| {
        let mut world = World::new();
        world.run("web", image, EXPOSED);
        let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
        world.find(image, v, "libssl3", "deb");
        rank(
            &mut world.0,
            &Settings {
                own_images: own.map(|own| own.iter().map(|own| (*own).into()).collect()),
                ..Settings::default()
            },
        );
        let moved = of_kind(&world.0, ActionKind::MoveTag);
        assert_eq!(moved.len(), usize::from(foreign), "{image}");
        if let Some(action) = moved.first() {
            assert!(action.exact[0].starts_with("kubectl -n shop set image deployment/web main="));
            assert!(!action.exact.iter().any(|line| line.contains("apt-get")));
        }
    };
    check("nginx:1.25", None, true);
    check("quay.io/prometheus/node-exporter:v1", None, true);
    check(
        "registry.k8s.io/ingress-nginx/controller:v1.9.0",
        None,
        true,
    );
    check("acme/web:1", None, true);
    check("ghcr.io/shop/web:1", None, false);
    check("registry.example:5000/web:1", None, false);
    // Declared: the list decides, and nothing else does.
    let own: Option<&[&str]> = Some(&["acme", "ghcr.io/shop/", "registry.example:5000"]);
    check("acme/web:1", own, false);
    check("docker.io/acme/web:1", own, false);
    check("acmes/web:1", own, true);
    check("nginx:1.25", own, true);
    check("ghcr.io/shop/web:1", own, false);
    check("ghcr.io/shopping/web:1", own, true);
    check("registry.example:5000/web:1", own, false);
    check("registry.example/web:1", own, true);
    check("ghcr.io/shop/web:1", Some(&[]), true);
}

#[test]
fn a_privilege_has_value_without_any_finding() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::ChangeField);
    assert_eq!(
        &*action.title,
        "set privileged: false in Deployment shop/web"
    );
    assert_eq!(
        &*action.exact[0],
        r#"kubectl -n shop patch deployment web --type=json -p '[{"op":"add","path":"/spec/template/spec/containers/0/securityContext/privileged","value":false}]'"#
    );
    assert!(action.undo.contains(r#""value":true"#));
    // Base rate 1e-3, half of the criticality, from 0.54 down to the pod's own 0.1.
    assert!(
        (action.removes.expected - 1e-3 * 0.5 * 0.44).abs() < 1e-6,
        "{:?}",
        action.removes
    );
}

#[test]
fn a_change_is_told_where_it_is_made() {
    let span = SourceSpan {
        file: "k8s/web.yaml".into(),
        document: 0,
        line: 17,
        column: 9,
        rendered_from: None,
        alternatives: Vec::new(),
    };
    let mut world = World::new();
    let workload = world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED) as usize;
    world.0.workloads[workload].source = Some(span);
    let mut managed = world.clone();
    let ranked = world.ranked();
    let exact = &one(&ranked, ActionKind::ChangeField).exact[0];
    assert_eq!(
        &**exact,
        "in k8s/web.yaml:17:9 set privileged: false (/spec/template/spec/containers/0/securityContext/privileged)"
    );
    managed.0.workloads[workload].managed_by = Some(ManagedBy {
        tool: "argo-cd".into(),
        name: "shop".into(),
    });
    let ranked = managed.ranked();
    let exact = &one(&ranked, ActionKind::ChangeField).exact[0];
    assert!(
        exact.starts_with("at its source (argo-cd shop, k8s/web.yaml:17:9): set privileged"),
        "{exact}"
    );
}

#[test]
fn rights_of_a_service_account_are_narrowed_at_their_binding() {
    let mut world = World::new();
    world.run(
        "web",
        "ghcr.io/shop/web:1",
        Stand {
            admin: true,
            ..PLAIN
        },
    );
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::ChangeField);
    assert_eq!(
        &*action.title,
        "narrow the rights that are granted in ClusterRoleBinding web"
    );
    assert_eq!(action.class, FixClass::Breaking);
    assert!(action.removes.expected > 0.0);
}

#[test]
fn closing_a_service_is_offered_and_called_breaking() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
    world.find("ghcr.io/shop/web:1", v, "lodash", "npm");
    let ranked = world.ranked();
    let close = one(&ranked, ActionKind::RemoveExposure);
    assert_eq!(close.class, FixClass::Breaking);
    assert!(close.exact[0].contains("ClusterIP"), "{:?}", close.exact);
    assert!(close.undo.contains("LoadBalancer"));
    assert_eq!(ranked.actions[0].kind, ActionKind::UpgradePackage);
}

#[test]
fn a_database_port_outside_needs_a_test_only() {
    let mut world = World::new();
    world.run("db", "ghcr.io/shop/db:1", EXPOSED);
    world.0.situations[0].deliveries[0].port = 5432;
    let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
    world.find("ghcr.io/shop/db:1", v, "lodash", "npm");
    let ranked = world.ranked();
    assert_eq!(
        one(&ranked, ActionKind::RemoveExposure).class,
        FixClass::NeedsTest
    );
}

#[test]
fn two_equally_bad_holes_do_not_hide_each_other() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    world.run("calm", "ghcr.io/shop/calm:1", EXPOSED);
    for (n, package) in ["log4j-core", "spring-beans", "xstream"].iter().enumerate() {
        let v = world.vulnerability(&format!("CVE-2026-000{n}"), 0.97, true, easy());
        world.find("ghcr.io/shop/web:1", v, package, "maven");
    }
    let v = world.vulnerability("CVE-2026-1000", 0.3, false, easy());
    world.find("ghcr.io/shop/calm:1", v, "lodash", "npm");
    let ranked = world.ranked();
    let first = &ranked.actions[0];
    assert_eq!(
        &*first.title,
        "upgrade log4j-core to 1.0.2 and spring-beans to 1.0.2 and xstream to 1.0.2 in ghcr.io/shop/web"
    );
    assert_eq!(first.closes.len(), 3);
}

#[test]
fn what_is_picked_is_not_counted_again() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    let v = world.vulnerability("CVE-2026-0001", 0.9, true, easy());
    world.find("ghcr.io/shop/web:1", v, "lodash", "npm");
    let ranked = world.ranked();
    let upgrade = one(&ranked, ActionKind::UpgradePackage);
    let field = one(&ranked, ActionKind::ChangeField);
    assert_eq!(upgrade.id, ranked.actions[0].id);
    // After the upgrade only the base rate is left for the privilege to matter.
    assert!(field.removes.expected < 1e-3, "{:?}", field.removes);
    assert!(upgrade.removes.expected > 0.1);
}

#[test]
fn what_nothing_repairs_is_told_apart() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    for (id, kev) in [("CVE-2026-0001", true), ("CVE-2026-0002", false)] {
        let v = world.vulnerability(id, 0.0005, kev, local());
        let f = world.find("ghcr.io/shop/web:1", v, "bash", "deb");
        world.0.findings[f as usize].fix.state = FixState::NotFixed;
        world.0.findings[f as usize].fix.versions.clear();
    }
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::Mitigate);
    assert_eq!(
        &*action.title,
        "limit CVE-2026-0001 in ghcr.io/shop/web: no fix is published"
    );
    assert_eq!(action.closes.len(), 1);
}

#[test]
fn the_same_cve_in_two_packages_closes_with_the_last() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    let v = world.vulnerability("CVE-2026-0001", 0.9, false, easy());
    world.find("ghcr.io/shop/web:1", v, "a", "npm");
    world.find("ghcr.io/shop/web:1", v, "b", "npm");
    let ranked = world.ranked();
    let action = one(&ranked, ActionKind::UpgradePackage);
    assert_eq!(action.closes.len(), 2, "offered as one: {}", action.title);
}

#[test]
fn ways_to_the_node_that_hide_each_other_are_closed_together() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    let object = world.0.workloads[0].object.clone();
    let pid = world
        .0
        .ledger
        .field(&object, "/spec/template/spec/hostPID", "sees the node");
    let mount = world.0.ledger.field(
        &object,
        "/spec/template/spec/containers/0/volumeMounts",
        "container main writes /var/lib/kubelet of the node: its pods",
    );
    let steps = &mut world.0.situations[0].blast.steps;
    let step = |reach, because| BlastStep {
        reach,
        probability: Estimate::exact(0.9),
        reason: "x".into(),
        because,
        missing: Vec::new(),
    };
    let privileged = steps[0].because[0];
    steps.push(step(Reach::Node, vec![pid]));
    steps.push(step(Reach::Node, vec![mount]));
    steps.insert(0, step(Reach::Cluster, vec![privileged, pid, mount]));
    world.0.situations[0].blast.value = Estimate::exact(0.9);
    let ranked = world.ranked();
    let change = one(&ranked, ActionKind::ChangeField);
    assert_eq!(
        &*change.title,
        "set privileged: false and unmount /var/lib/kubelet of the node and set hostPID: false in Deployment shop/web"
    );
    assert_eq!((change.exact.len(), change.class), (3, FixClass::Breaking));
    assert!(change.removes.expected > 1e-4, "{:?}", change.removes);
}
