//! Nodes and the control plane in the queue (rule 7): grouped by what is typed, minor versions never crossed silently.

use crate::world::{PLAIN, World, easy, local, points};
use model::action::{Action, ActionKind, FixClass};
use model::assessment::Assessment;
use model::evidence::Estimate;
use model::matches::{ArtifactKind, FixState};
use model::object::ObjectRef;

/// Nodes that share an artifact: `kubelet v1.20.2`.
fn nodes(world: &mut World, artifact: &str, names: &[&str]) {
    for name in names {
        let workload = world.run(name, artifact, PLAIN);
        let host = &mut world.0.workloads[workload as usize];
        host.object = ObjectRef::new("", "Node", None, name);
        host.key.kind = "Node".into();
        host.key.namespace = "".into();
        host.containers.clear();
        let situation = world.0.placements.last().unwrap().situation;
        world.0.situations[situation as usize].blast.value = Estimate::exact(0.6);
    }
    let image = world.image(artifact);
    world.0.images[image as usize].kind = ArtifactKind::Node;
}

/// `(package, kind, installed, fixes)` of the artifact has a new vulnerability.
fn find(
    world: &mut World,
    artifact: &str,
    (package, kind, installed): (&str, &str, &str),
    fixes: &[&str],
) -> u32 {
    let id = format!("CVE-2026-{:04}", world.0.vulnerabilities.len());
    let vulnerability = world.vulnerability(&id, 0.2, false, easy());
    let finding = world.find(artifact, vulnerability, package, kind);
    let found = &mut world.0.findings[finding as usize];
    found.fix.versions = fixes.iter().map(|fix| (*fix).into()).collect();
    if fixes.is_empty() {
        found.fix.state = FixState::NotFixed;
    }
    let mut own = world.0.packages[found.package.unwrap() as usize].clone();
    own.version = installed.into();
    world.0.packages.push(own);
    found.package = Some(u32::try_from(world.0.packages.len() - 1).unwrap());
    finding
}

fn upgrades(assessment: &Assessment) -> Vec<&Action> {
    let all = assessment.actions.iter();
    all.filter(|action| action.kind == ActionKind::UpgradePackage)
        .collect()
}

fn titles(assessment: &Assessment) -> Vec<&str> {
    let mut titles: Vec<&str> = upgrades(assessment).iter().map(|a| &*a.title).collect();
    titles.sort_unstable();
    titles
}

#[test]
fn one_action_for_a_group_of_nodes() {
    let mut world = World::new();
    nodes(&mut world, "kubelet v1.20.2", &["b", "a"]);
    nodes(&mut world, "kubelet v1.20.7", &["c"]);
    find(
        &mut world,
        "kubelet v1.20.2",
        ("kubelet", "golang", "v1.20.2"),
        &["1.18.18", "1.19.9", "1.20.5"],
    );
    find(
        &mut world,
        "kubelet v1.20.2",
        ("kubelet", "golang", "v1.20.2"),
        &["1.20.15", "1.21.9"],
    );
    find(
        &mut world,
        "kubelet v1.20.7",
        ("kubelet", "golang", "v1.20.7"),
        &["1.20.15", "1.21.9"],
    );
    let ranked = world.ranked();
    assert_eq!(
        titles(&ranked),
        ["upgrade kubelet to 1.20.15 on 3 nodes: a, b, c"]
    );
    let action = upgrades(&ranked)[0];
    assert_eq!(
        (action.class, action.closes.len(), action.workloads.len()),
        (FixClass::NeedsTest, 3, 3)
    );
    assert_eq!(&*action.exact[0], "kubectl drain a --ignore-daemonsets");
    assert!(
        action.exact[1].contains("'kubelet=1.20.15-*' && systemctl restart kubelet"),
        "{:?}",
        action.exact
    );
    assert_eq!(&*action.exact[2], "kubectl uncordon a");
    assert!(
        action
            .exact
            .iter()
            .any(|line| &**line == "then the same on b, c, one at a time")
    );
    assert_eq!(
        &*action.undo,
        "install kubelet v1.20.2 or v1.20.7 again, in the same way"
    );
    assert!(action.removes.expected > 0.0);
    assert!(action.points.expected > 0.0 && ranked.findings.iter().all(|f| !f.scores.is_empty()));
}

#[test]
fn a_minor_version_is_never_crossed_silently() {
    let mut world = World::new();
    nodes(&mut world, "kubelet v1.20.2", &["a"]);
    let kubelet = ("kubelet", "golang", "v1.20.2");
    find(&mut world, "kubelet v1.20.2", kubelet, &["1.20.15"]);
    find(
        &mut world,
        "kubelet v1.20.2",
        kubelet,
        &["1.22.4", "1.21.9"],
    );
    find(&mut world, "kubelet v1.20.2", kubelet, &["1.22.8"]);
    let ranked = world.ranked();
    assert_eq!(
        titles(&ranked),
        [
            "upgrade kubelet to 1.20.15 on node a",
            "upgrade kubelet to 1.22.8, another minor version, on node a",
        ]
    );
    let across = upgrades(&ranked)
        .into_iter()
        .find(|a| a.title.contains("1.22.8"))
        .unwrap();
    assert_eq!(
        &*across.class_reason,
        "crosses a minor version: 1.20 to 1.22"
    );
    assert_eq!(across.closes.len(), 2);
    assert!(across.exact[0].contains("first bring the control plane to 1.22"));
}

#[test]
fn packages_of_nodes_are_upgraded_together_and_the_kernel_restarts_them() {
    let mut world = World::new();
    nodes(&mut world, "a", &["a"]);
    nodes(&mut world, "b", &["b"]);
    find(
        &mut world,
        "a",
        ("linux-image-5.10.0-28-amd64", "deb", "5.10.209-2"),
        &["5.10.216-1"],
    );
    find(
        &mut world,
        "b",
        ("runc", "deb", "1.0.0~rc93-1"),
        &["1.0.0~rc93-2"],
    );
    find(
        &mut world,
        "b",
        ("github.com/containerd/containerd", "golang", "1.6.20"),
        &["1.6.26"],
    );
    let ranked = world.ranked();
    assert_eq!(
        titles(&ranked),
        [
            "upgrade 2 packages of the distribution on 2 nodes: a, b",
            "upgrade containerd to 1.6.26 on node b",
        ]
    );
    let all = upgrades(&ranked)
        .into_iter()
        .find(|a| a.title.contains("distribution"))
        .unwrap();
    assert!(
        all.exact[1]
            .starts_with("on a: apt-get update && apt-get install -y --only-upgrade linux-image-")
    );
    assert!(
        all.exact[1].ends_with("&& systemctl reboot"),
        "{}",
        all.exact[1]
    );
    // The node's own kernel carries its advisories: they are scored like all others.
    assert!(
        ranked
            .findings
            .iter()
            .all(|finding| !finding.scores.is_empty())
    );
}

#[test]
fn a_local_flaw_of_a_node_is_worth_what_its_pods_are() {
    let scored = |tenants: f64| {
        let mut world = World::new();
        nodes(&mut world, "a", &["a"]);
        world.0.situations[0].tenants = Some(Estimate::exact(tenants));
        let vulnerability = world.vulnerability("CVE-2026-0001", 0.5, false, local());
        world.find("a", vulnerability, "linux-image-amd64", "deb");
        points(&world.ranked(), "CVE-2026-0001")
    };
    assert!(
        scored(0.3) > scored(0.0) + 10.0,
        "{} {}",
        scored(0.3),
        scored(0.0)
    );
}

#[test]
fn the_control_plane_has_its_own_command() {
    let mut world = World::new();
    nodes(&mut world, "kube-apiserver v1.20.2", &["kube-apiserver"]);
    world.0.workloads[0].object.kind = model::workload::CONTROL_PLANE.into();
    find(
        &mut world,
        "kube-apiserver v1.20.2",
        ("kube-apiserver", "golang", "v1.20.2"),
        &["1.20.5"],
    );
    let ranked = world.ranked();
    assert_eq!(titles(&ranked), ["upgrade kube-apiserver to 1.20.5"]);
    assert_eq!(
        &*upgrades(&ranked)[0].exact[1],
        "kubeadm upgrade apply v1.20.5"
    );
}

#[test]
fn what_nothing_repairs_on_a_node_is_told() {
    let mut world = World::new();
    nodes(&mut world, "kubelet v1.20.2", &["a", "b"]);
    let vulnerability = world.vulnerability("CVE-2026-0001", 0.5, true, easy());
    let finding = world.find("kubelet v1.20.2", vulnerability, "kubelet", "golang");
    world.0.findings[finding as usize].fix.state = FixState::NotFixed;
    world.0.findings[finding as usize].fix.versions.clear();
    let ranked = world.ranked();
    let told = ranked
        .actions
        .iter()
        .find(|a| a.kind == ActionKind::Mitigate)
        .unwrap();
    assert_eq!(
        &*told.title,
        "limit CVE-2026-0001 in 2 nodes: a, b: no fix is published"
    );
}
