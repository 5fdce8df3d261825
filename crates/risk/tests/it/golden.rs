//! Rules 6 to 8: the score agrees with common sense. Each sentence is a case.

use crate::world::{
    BATCH, EXPOSED, EXPOSED_PRIVILEGED, PLAIN, Stand, World, alone, easy, local, points, score,
};
use model::action::ActionKind;
use model::situation::ExposureClass;
use model::workload::{CriticalityLevel, WorkloadState};
use risk::{Band, band};

#[test]
fn epss_94_behind_a_load_balancer_is_over_a_kev_entry_in_an_isolated_batch_pod() {
    let exposed = alone(0.94, false, easy(), EXPOSED);
    let batch = alone(0.5, true, easy(), BATCH);
    assert!(exposed.points.expected > batch.points.expected + 10.0);
    assert!(exposed.points.expected > batch.points.high);
}

#[test]
fn epss_001_in_an_isolated_batch_pod_is_in_the_lowest_band() {
    let low = alone(0.001, false, easy(), BATCH);
    assert_eq!(band(low.points.expected), Band::Low);
    assert!(low.points.expected < 10.0, "{:?}", low.points);
}

#[test]
fn ingress_nightmare_with_a_reachable_admission_webhook_is_in_the_top_band() {
    let controller = Stand {
        admin: true,
        ..PLAIN
    };
    let cluster = alone(0.995, false, easy(), controller);
    assert_eq!(band(cluster.points.expected), Band::Critical);
    let internet = alone(
        0.995,
        false,
        easy(),
        Stand {
            class: ExposureClass::Internet,
            ..controller
        },
    );
    assert!(internet.points.expected > 90.0);
}

#[test]
fn the_worked_ends_of_the_scale() {
    let worst = Stand {
        admin: true,
        level: CriticalityLevel::Crown,
        ..EXPOSED
    };
    let top = alone(0.97, true, easy(), worst);
    assert!(top.points.expected > 95.0 && top.points.high <= 100.0);
    let bottom = alone(5e-5, false, easy(), BATCH);
    assert!(bottom.points.expected < 1.0, "{:?}", bottom.points);
}

#[test]
fn cvss_98_in_a_batch_job_is_far_below_a_likely_one_in_an_exposed_privileged_pod() {
    let batch = alone(0.002, false, easy(), BATCH);
    let exposed = alone(0.9, false, easy(), EXPOSED_PRIVILEGED);
    assert!(exposed.points.expected > batch.points.expected + 50.0);
}

#[test]
fn the_node_decides_about_kernel_advisories_of_a_container() {
    let check = |package: &str, kind: &str, node_decides: bool| {
        let mut world = World::new();
        world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
        let v = world.vulnerability("CVE-2022-0185", 0.25, true, local());
        world.find("ghcr.io/shop/web:1", v, package, kind);
        let ranked = world.ranked();
        assert_eq!(ranked.findings.len(), 1, "kept and counted");
        let score = score(&ranked, "CVE-2022-0185");
        let marked = ranked
            .factors(score)
            .any(|factor| &*factor.reason == "the node's kernel decides");
        assert_eq!(marked, node_decides, "{package}");
        assert_eq!(score.deadline.in_kev, !node_decides, "{package}");
        assert_eq!(score.points.expected < 0.1, node_decides, "{package}");
        let upgrades = ranked
            .actions
            .iter()
            .filter(|action| action.kind == ActionKind::UpgradePackage)
            .count();
        assert_eq!(upgrades == 0, node_decides, "{package}");
    };
    check("linux-libc-dev", "deb", true);
    check("linux-headers-6.1.0-13-amd64", "deb", true);
    check("kernel-headers", "rpm", true);
    check("linux-headers", "apk", true);
    check("linux-pam", "apk", false);
    check("util-linux", "deb", false);
    check("linux-headers", "npm", false);
}

#[test]
fn many_low_findings_never_overtake_one_exposed_kev_entry_in_a_privileged_pod() {
    // One image with ten thousand unlikely findings, in fifty plain pods.
    let mut world = World::new();
    world.run("worst", "ghcr.io/shop/worst:1", EXPOSED_PRIVILEGED);
    let kev = world.vulnerability("CVE-2026-9999", 0.5, true, easy());
    world.find("ghcr.io/shop/worst:1", kev, "lib", "npm");
    for pod in 0..50 {
        world.run(&format!("plain-{pod}"), "ghcr.io/shop/plain:1", PLAIN);
    }
    for n in 0..10_000 {
        let v = world.vulnerability(&format!("CVE-2020-{n:05}"), 0.001, false, easy());
        world.find("ghcr.io/shop/plain:1", v, "base", "deb");
    }
    let ranked = world.ranked();
    let upgrade = ranked
        .actions
        .iter()
        .find(|action| action.kind == ActionKind::UpgradePackage)
        .unwrap();
    assert!(upgrade.title.contains("worst"), "{}", upgrade.title);
    let first = &ranked.actions[0];
    assert!(first.workloads == [0], "{}", first.title);
    assert!(points(&ranked, "CVE-2026-9999") > points(&ranked, "CVE-2020-00000"));
}

#[test]
fn a_shared_vulnerability_is_one_exploit() {
    // The same unlikely flaw in a thousand pods is never worth more than its own likelihood.
    let mut world = World::new();
    for pod in 0..1000 {
        world.run(
            &format!("web-{pod}"),
            "ghcr.io/shop/web:1",
            EXPOSED_PRIVILEGED,
        );
    }
    let v = world.vulnerability("CVE-2026-0001", 0.01, false, easy());
    world.find("ghcr.io/shop/web:1", v, "lib", "npm");
    let ranked = world.ranked();
    let upgrade = ranked
        .actions
        .iter()
        .find(|action| action.kind == ActionKind::UpgradePackage)
        .unwrap();
    assert!(
        upgrade.removes.expected <= 0.01 + 1e-12,
        "{:?}",
        upgrade.removes
    );
    assert!(upgrade.removes.expected > 0.005, "{:?}", upgrade.removes);
}

#[test]
fn what_does_not_run_is_no_target() {
    let mut world = World::new();
    let workload = world.run("web", "ghcr.io/shop/web:1", EXPOSED_PRIVILEGED);
    world.0.workloads[workload as usize].state = WorkloadState::Dormant;
    let v = world.vulnerability("CVE-2026-0001", 0.9, true, easy());
    world.find("ghcr.io/shop/web:1", v, "lib", "npm");
    let ranked = world.ranked();
    assert!(ranked.actions.is_empty());
    assert_eq!(
        ranked.findings[0].scores.len(),
        1,
        "scored, and listed apart"
    );
}

#[test]
fn local_flaws_come_after_what_opens_the_pod() {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", EXPOSED);
    world.run("quiet", "ghcr.io/shop/quiet:1", EXPOSED);
    let open = world.vulnerability("CVE-2026-0001", 0.9, false, easy());
    let escape = world.vulnerability("CVE-2026-0002", 0.9, false, local());
    world.find("ghcr.io/shop/web:1", open, "lib", "npm");
    world.find("ghcr.io/shop/web:1", escape, "sudo", "deb");
    let mut other = world.clone();
    other.0.findings.remove(0);
    let with = points(&world.ranked(), "CVE-2026-0002");
    let without = points(&other.ranked(), "CVE-2026-0002");
    assert!(with > without + 20.0, "{with} {without}");
}
