//! What was looked at without a cluster: ranked with everything unknown; and what other tools say of a field.

use crate::world::{EXPOSED_PRIVILEGED, World, easy, points, score};
use model::action::{Action, ActionKind};
use model::assessment::Assessment;
use model::finding::{Finding, MatchId};
use model::matches::{Category, Fix, FixState};
use model::object::ObjectRef;
use model::situation::ExposureClass;
use model::vulnerability::Severity;

const OWN: &str = "ghcr.io/shop/web:1";
const OTHER: &str = "ghcr.io/shop/api:1";

fn by_id(assessment: &Assessment, id: &str) -> usize {
    assessment
        .findings
        .iter()
        .position(|finding| &*finding.id == id)
        .unwrap()
}

#[test]
fn kev_is_over_the_rest_where_exposure_is_unknown() {
    let mut world = World::new();
    world.nowhere(OWN);
    for (n, (likelihood, kev)) in [(0.6, false), (0.9, true), (0.001, false)]
        .iter()
        .enumerate()
    {
        let v = world.vulnerability(&format!("CVE-2026-{n:04}"), *likelihood, *kev, easy());
        world.find(OWN, v, &format!("lib-{n}"), "npm");
    }
    let ranked = world.ranked();
    let order: Vec<&str> = ranked.findings.iter().map(|f| &*f.id).collect();
    assert_eq!(order, ["CVE-2026-0001", "CVE-2026-0000", "CVE-2026-0002"]);
    let kev = score(&ranked, "CVE-2026-0001");
    assert!(kev.deadline.exposed, "unknown counts as exposed");
    assert!(kev.deadline.due.is_some());
    assert!(kev.confidence < 0.6, "{kev:?}");
    let delivery = ranked.factors(kev).nth(1).unwrap();
    assert!(
        delivery.reason.starts_with("not seen in a cluster"),
        "{}",
        delivery.reason
    );
}

#[test]
fn unknown_is_neither_safe_nor_the_worst() {
    let mut world = World::new();
    world.nowhere(OWN);
    let v = world.vulnerability("CVE-2026-0001", 0.5, false, easy());
    world.find(OWN, v, "lib", "npm");
    let unknown = points(&world.ranked(), "CVE-2026-0001");
    let placed = |class, privileged| {
        let stand = crate::world::Stand {
            class,
            privileged,
            ..crate::world::PLAIN
        };
        crate::world::alone(0.5, false, easy(), stand)
            .points
            .expected
    };
    assert!(unknown > placed(ExposureClass::None, false));
    assert!(unknown < placed(ExposureClass::Internet, true));
}

#[test]
fn what_can_be_fixed_stands_before_what_cannot() {
    let mut world = World::new();
    world.nowhere(OWN);
    world.nowhere(OTHER);
    let stuck = world.vulnerability("CVE-2026-0001", 0.9, true, easy());
    let fixable = world.vulnerability("CVE-2026-0002", 0.3, false, easy());
    let n = world.find(OWN, stuck, "lib", "npm");
    world.0.findings[n as usize].fix = Fix {
        state: FixState::NotFixed,
        versions: Vec::new(),
    };
    world.find(OTHER, fixable, "lib", "npm");
    let ranked = world.ranked();
    let kinds: Vec<ActionKind> = ranked.actions.iter().map(|action| action.kind).collect();
    assert_eq!(kinds, [ActionKind::UpgradePackage, ActionKind::Mitigate]);
    let upgrade = &ranked.actions[0];
    assert_eq!(&*upgrade.title, "upgrade lib to 1.0.2 in ghcr.io/shop/api");
    assert!(upgrade.workloads.is_empty());
    for words in upgrade
        .exact
        .iter()
        .chain([&upgrade.undo])
        .chain(&upgrade.why)
    {
        assert!(
            !words.contains("kubectl") && !words.contains("workload"),
            "{words}"
        );
    }
}

#[test]
fn folders_are_upgraded_in_place() {
    use model::matches::ArtifactKind;
    let mut world = World::new();
    world.nowhere("package-lock.json");
    world.0.images[0].kind = ArtifactKind::Filesystem;
    world.0.images[0].identity.references.clear();
    for (n, kind) in ["deb", "deb", "npm"].iter().enumerate() {
        let v = world.vulnerability(&format!("CVE-2026-{n:04}"), 0.1, false, easy());
        world.find("package-lock.json", v, &format!("lib-{n}"), kind);
    }
    let ranked = world.ranked();
    assert!(!ranked.actions.is_empty());
    for action in &ranked.actions {
        assert_eq!(action.kind, ActionKind::UpgradePackage);
        assert!(
            action.title.ends_with("in package-lock.json"),
            "{}",
            action.title
        );
        let words: Vec<&str> = action.exact.iter().map(|line| &**line).collect();
        let words = words.join("\n");
        assert!(
            !words.contains("docker") && !words.contains("RUN"),
            "{words}"
        );
    }
}

/// A finding of another tool about `Deployment shop/web`.
fn imported(world: &mut World, id: &str, field: Option<&str>) {
    let index = u32::try_from(world.0.findings.len()).unwrap();
    world.0.findings.push(Finding {
        id: id.into(),
        category: Category::Misconfiguration,
        severity: Severity::High,
        vulnerability: None,
        image: None,
        package: None,
        object: Some(ObjectRef::new("apps", "Deployment", Some("shop"), "web")),
        field: field.map(Into::into),
        source: None,
        title: None,
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        matches: vec![MatchId { set: 1, index }],
        suppression: None,
        notes: Vec::new(),
        container: None,
        scores: Vec::new(),
    });
}

fn closes(assessment: &Assessment, action: &Action, id: &str) -> bool {
    let index = u32::try_from(by_id(assessment, id)).unwrap();
    action.closes.contains(&index)
}

#[test]
fn a_change_cites_what_others_say_of_its_field() {
    let privileged = "/spec/template/spec/containers/0/securityContext/privileged";
    for (id, field, expected) in [
        ("C-0057", Some(privileged), true),
        (
            "C-0057",
            Some("/spec/template/spec/containers/1/securityContext/privileged"),
            false,
        ),
        ("C-0057", Some("/spec/template/spec/containers/0"), false),
        ("C-0057", None, false),
        ("AVD-KSV-0017", Some("container main"), true),
        ("KSV017", Some("container other"), false),
        ("KSV017", None, false),
        ("KSV012", Some("container main"), false),
        ("PrivilegedTrue", Some("container main"), true),
    ] {
        let mut world = World::new();
        world.run("web", OWN, EXPOSED_PRIVILEGED);
        let v = world.vulnerability("CVE-2026-0001", 0.3, false, easy());
        world.find(OWN, v, "lib", "npm");
        imported(&mut world, id, field);
        let ranked = world.ranked();
        let change = ranked
            .actions
            .iter()
            .find(|action| action.kind == ActionKind::ChangeField)
            .unwrap();
        assert_eq!(closes(&ranked, change, id), expected, "{id} {field:?}");
        // No likelihood: no score, and a place after what has one.
        assert_eq!(by_id(&ranked, id), 1);
        assert!(ranked.findings[1].scores.is_empty());
    }
}

#[test]
fn what_has_no_score_is_ordered_by_severity() {
    let mut world = World::new();
    world.nowhere(OWN);
    let v = world.vulnerability("CVE-2026-0001", 1e-5, false, easy());
    world.find(OWN, v, "lib", "npm");
    for (id, severity) in [
        ("a", Severity::Low),
        ("b", Severity::Critical),
        ("c", Severity::Medium),
    ] {
        imported(&mut world, id, None);
        world.0.findings.last_mut().unwrap().severity = severity;
    }
    let ranked = world.ranked();
    let order: Vec<&str> = ranked.findings.iter().map(|f| &*f.id).collect();
    assert_eq!(order, ["CVE-2026-0001", "b", "c", "a"]);
}
