//! The truth table of exit codes (architecture section 5).

use model::assessment::{About, Assessment, Coverage, Outcome};
use model::evidence::{Fact, Gap, GapWeight, Ledger, Stage};
use model::finding::Finding;
use model::matches::{Category, Fix, FixState};
use model::vulnerability::Severity;
use scan::accept::accept;
use scan::gate::{FailOn, Gate, judge};
use scan::inputs::AcceptedGap;

fn assessment(severities: &[Severity], weight: Option<GapWeight>) -> Assessment {
    let mut ledger = Ledger::default();
    ledger.gaps(weight.map(|weight| Gap {
        class: "image-not-scanned".into(),
        what: "something".into(),
        stage: Stage::Import,
        scope: "x".into(),
        weight,
        close: "".into(),
    }));
    let finding = |severity: &Severity| Finding {
        id: "CVE-2024-0001".into(),
        category: Category::Vulnerability,
        severity: *severity,
        vulnerability: None,
        image: None,
        package: None,
        object: None,
        field: None,
        source: None,
        title: None,
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        matches: Vec::new(),
        suppression: None,
        notes: Vec::new(),
        scores: Vec::new(),
    };
    Assessment {
        about: About {
            tool_version: "0".into(),
            now: "2026-08-16T12:00:00Z".parse().unwrap(),
            origin: None,
            cluster: None,
            cluster_name: None,
            kubernetes: None,
            database: None,
        },
        ledger,
        workloads: Vec::new(),
        images: Vec::new(),
        placements: Vec::new(),
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        situations: Vec::new(),
        scores: Vec::new(),
        factors: Vec::new(),
        findings: severities.iter().map(finding).collect(),
        suppressed: Vec::new(),
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage: Coverage {
            images: 10,
            images_scanned: 9,
            ..Coverage::default()
        },
        sets: Vec::new(),
        inventories: Vec::new(),
    }
}

#[test]
fn exit_codes() {
    use GapWeight::{Hides, Widens};
    use Severity::{High, Low, Unknown};
    let none = Gate::default();
    let high = Gate {
        fail_on: vec![FailOn::Severity(High)],
        ..Gate::default()
    };
    let any = Gate {
        exit_code: Some(7),
        ..Gate::default()
    };
    let coded = Gate {
        exit_code: Some(7),
        ..high.clone()
    };
    let lenient = Gate {
        allow_unknown: true,
        ..high.clone()
    };
    let covered = Gate {
        min_coverage: Some(0.9),
        ..high.clone()
    };
    let strict = Gate {
        min_coverage: Some(0.95),
        ..high.clone()
    };
    for (gate, found, gap, expected) in [
        (&none, &[High][..], None, 0),
        (&none, &[][..], Some(Hides), 0),
        (&high, &[High][..], None, 1),
        (&high, &[Low][..], None, 0),
        (&high, &[Low][..], Some(Widens), 0),
        (&high, &[Low][..], Some(Hides), 3),
        (&high, &[High][..], Some(Hides), 1),
        (&high, &[Unknown][..], None, 1),
        (&lenient, &[Unknown][..], None, 0),
        (&any, &[Low][..], None, 7),
        (&any, &[][..], None, 0),
        (&any, &[][..], Some(Hides), 3),
        (&coded, &[High][..], None, 7),
        (&coded, &[Low][..], None, 0),
        (&covered, &[Low][..], Some(Hides), 0),
        (&strict, &[Low][..], None, 3),
    ] {
        let verdict = judge(&assessment(found, gap), gate);
        assert_eq!(
            verdict.exit_code, expected,
            "{gate:?} {found:?} {gap:?}: {:?}",
            verdict.reasons
        );
        assert_eq!(verdict.outcome == Outcome::Passed, expected == 0);
        assert_eq!(
            verdict.reasons.is_empty(),
            expected == 0,
            "every verdict but a pass has a reason"
        );
    }
}

/// Of the gap `image-not-scanned` at `x`; the scan is of 2026-08-16.
fn accepted(class: &str, scope: &str, expires: &str) -> AcceptedGap {
    AcceptedGap {
        class: class.into(),
        scope: scope.into(),
        owner: "team-net".into(),
        reason: "no source".into(),
        expires: expires.parse().unwrap(),
    }
}

#[test]
fn gaps_that_somebody_answers_for() {
    let high = Gate {
        fail_on: vec![FailOn::Severity(Severity::High)],
        ..Gate::default()
    };
    let strict = Gate {
        min_coverage: Some(0.95),
        ..high.clone()
    };
    let ours = "image-not-scanned";
    for (gate, found, entries, expected, said) in [
        (
            &high,
            Severity::Low,
            vec![accepted(ours, "x", "2026-12-31")],
            0,
            "",
        ),
        (
            &high,
            Severity::Low,
            vec![accepted(ours, "*", "2026-12-31")],
            0,
            "",
        ),
        // The last day counts.
        (
            &high,
            Severity::Low,
            vec![accepted(ours, "x", "2026-08-16")],
            0,
            "",
        ),
        (
            &high,
            Severity::Low,
            vec![accepted(ours, "x", "2026-08-15")],
            3,
            "acceptance-expired",
        ),
        (
            &high,
            Severity::Low,
            vec![accepted(ours, "y*", "2026-12-31")],
            3,
            "acceptance-unused",
        ),
        (
            &high,
            Severity::Low,
            vec![accepted("list-forbidden", "x", "2026-12-31")],
            3,
            "acceptance-unused",
        ),
        (
            &high,
            Severity::Low,
            vec![
                accepted(ours, "x", "2026-08-15"),
                accepted(ours, "?", "2026-08-17"),
            ],
            0,
            "acceptance-expired",
        ),
        // What is over the gate stays over it, and so does the share of images that were scanned.
        (
            &high,
            Severity::High,
            vec![accepted(ours, "x", "2026-12-31")],
            1,
            "",
        ),
        (
            &strict,
            Severity::Low,
            vec![accepted(ours, "x", "2026-12-31")],
            3,
            "",
        ),
    ] {
        let mut scan = assessment(&[found], Some(GapWeight::Hides));
        accept(&entries, scan.about.now, &mut scan.ledger);
        let verdict = judge(&scan, gate);
        assert_eq!(
            verdict.exit_code, expected,
            "{entries:?}: {:?}",
            verdict.reasons
        );
        // Nothing is taken away, and what has no effect is said.
        assert_eq!(&*scan.ledger.gaps[0].class, ours);
        let more: Vec<&str> = scan.ledger.gaps[1..]
            .iter()
            .map(|gap| &*gap.class)
            .collect();
        assert_eq!(more.concat(), said, "{entries:?}");
        let expired = verdict
            .reasons
            .iter()
            .any(|r| r.contains("accepted by team-net until 2026-08-15"));
        assert_eq!(
            expired,
            said == "acceptance-expired" && expected == 3,
            "{:?}",
            verdict.reasons
        );
    }
}

#[test]
fn a_collection_that_broke_off_is_not_completed_whoever_accepts_it() {
    let mut scan = assessment(&[], Some(GapWeight::Hides));
    scan.ledger.gaps[0].class = "collection-incomplete".into();
    // The reader of plimsoll.yaml refuses this entry; the gate does not depend on it.
    let entry = accepted("collection-incomplete", "*", "2026-12-31");
    accept(&[entry], scan.about.now, &mut scan.ledger);
    assert_eq!(judge(&scan, &Gate::default()).exit_code, 3);
}

#[test]
fn an_unknown_kev_state_is_over_the_gate() {
    // No vulnerability record at all (a configuration finding) is known not to be in KEV.
    let gate = Gate {
        fail_on: vec![FailOn::Kev],
        ..Gate::default()
    };
    assert_eq!(
        judge(&assessment(&[Severity::High], None), &gate).exit_code,
        0
    );
    let _: Fact<()> = Fact::Absent;
}

#[test]
fn conditions_are_read_strictly() {
    for (text, good) in [
        ("high", true),
        ("CRITICAL", true),
        ("kev", true),
        ("epss>=0.5", true),
        ("epss-percentile>=0.99", true),
        ("score>=70", true),
        ("score>=101", false),
        ("epss>=2", false),
        ("epss>0.5", false),
        ("urgent", false),
        ("", false),
    ] {
        assert_eq!(text.parse::<FailOn>().is_ok(), good, "{text}");
    }
}
