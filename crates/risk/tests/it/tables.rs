//! Deadline, SSVC decision and CVSS BTE beside the score; the published tables where they are at hand.

use crate::world::{EXPOSED, PLAIN, Stand, World, alone, easy, local, score};
use jiff::civil::date;
use model::evidence::Fact;
use model::situation::ExposureClass;
use model::vulnerability::{AttackProfile, Cvss, Exploitation, Ssvc};
use model::workload::CriticalityLevel;

#[test]
fn deadlines_count_from_now_and_unknown_counts_as_exposed() {
    let kev = alone(0.5, true, easy(), EXPOSED).deadline;
    assert_eq!(&*kev.timeline, "3 days & forensic investigation");
    assert_eq!(kev.due, Some(date(2026, 8, 23)));
    let unknown = Stand {
        class: ExposureClass::Unknown,
        ..PLAIN
    };
    assert!(alone(0.5, false, easy(), unknown).deadline.exposed);
    let inside = alone(0.5, false, local(), PLAIN).deadline;
    assert_eq!(
        (&*inside.timeline, inside.due),
        ("fix on system upgrade", None)
    );
    let silent = alone(0.5, false, AttackProfile::default(), PLAIN).deadline;
    assert!(
        silent.automatable && silent.total_impact,
        "unknown is not safe"
    );
}

#[test]
fn the_published_tables_agree() {
    let Some(folder) = testkit::shared("feeds/ssvc") else {
        return;
    };
    let yes = |word: &str| matches!(word, "yes" | "total");
    let bod = std::fs::read_to_string(folder.join("cisa_bod_26_04_1_0_0.csv")).unwrap();
    let mut rows = 0;
    for line in bod.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [_, kev, exposed, automatable, total, timeline] = cells.as_slice() else {
            panic!("{line}");
        };
        let stand = if yes(exposed) { EXPOSED } else { PLAIN };
        let deadline = with_ssvc(
            yes(kev),
            Exploitation::None,
            yes(automatable),
            yes(total),
            stand,
        )
        .deadline;
        assert_eq!(&*deadline.timeline, *timeline, "{line}");
        rows += 1;
    }
    assert_eq!(rows, 16);
    let deployer =
        std::fs::read_to_string(folder.join("deployer_patch_application_priority_1_0_0.csv"))
            .unwrap();
    let mut rows = 0;
    for line in deployer.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [_, exploitation, exposure, automatable, impact, decision] = cells.as_slice() else {
            panic!("{line}");
        };
        let exploitation = match *exploitation {
            "none" => Exploitation::None,
            "public poc" => Exploitation::PublicPoc,
            _ => Exploitation::Active,
        };
        let class = match *exposure {
            "small" => ExposureClass::None,
            "controlled" => ExposureClass::Cluster,
            _ => ExposureClass::Internet,
        };
        let level = match *impact {
            "low" => CriticalityLevel::Low,
            "medium" => CriticalityLevel::Normal,
            "high" => CriticalityLevel::High,
            _ => CriticalityLevel::Crown,
        };
        let stand = Stand {
            class,
            level,
            ..PLAIN
        };
        let score = with_ssvc(false, exploitation, yes(automatable), false, stand);
        assert_eq!(&*score.ssvc, *decision, "{line}");
        rows += 1;
    }
    assert_eq!(rows, 72);
}

fn with_ssvc(
    kev: bool,
    exploitation: Exploitation,
    automatable: bool,
    total_impact: bool,
    stand: Stand,
) -> model::finding::Score {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", stand);
    let v = world.vulnerability("CVE-2026-0001", 0.1, kev, easy());
    world.0.vulnerabilities[v as usize].ssvc = Fact::Is(Ssvc {
        exploitation,
        automatable,
        total_impact,
    });
    world.find("ghcr.io/shop/web:1", v, "lib", "npm");
    score(&world.ranked(), "CVE-2026-0001").clone()
}

#[test]
fn the_bte_vector_carries_threat_and_environment() {
    let check = |base: &str, kev: bool, stand: Stand, expected: Option<&str>| {
        let mut world = World::new();
        world.run("web", "ghcr.io/shop/web:1", stand);
        let v = world.vulnerability("CVE-2026-0001", 0.1, kev, easy());
        world.0.vulnerabilities[v as usize].cvss.push(Cvss {
            source: "cna".into(),
            version: "4.0".into(),
            vector: base.into(),
            base: 9.3,
        });
        world.find("ghcr.io/shop/web:1", v, "lib", "npm");
        let ranked = world.ranked();
        let bte = score(&ranked, "CVE-2026-0001").cvss_bte.clone();
        assert_eq!(bte.as_deref(), expected, "{base}");
    };
    let base = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
    let crown = Stand {
        level: CriticalityLevel::Crown,
        ..EXPOSED
    };
    check(
        base,
        true,
        crown,
        Some(&format!("{base}/E:A/CR:H/IR:H/AR:H (9.3)")),
    );
    check(base, false, PLAIN, Some(&format!("{base}/MAV:A (8.7)")));
    // The source's own threat metric is not ours.
    check(
        &format!("{base}/E:U"),
        true,
        EXPOSED,
        Some(&format!("{base}/E:A (9.3)")),
    );
    check("CVSS:4.0/AV:N", true, EXPOSED, None);
    check(
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        true,
        EXPOSED,
        None,
    );
}
