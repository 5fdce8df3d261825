//! The truth table of exit codes (architecture section 5).

use model::assessment::{About, Assessment, Coverage, Outcome};
use model::evidence::{Estimate, Fact, Gap, GapId, GapWeight, Ledger, Stage};
use model::finding::Finding;
use model::matches::{Category, Fix, FixState};
use model::vulnerability::{AttackProfile, Epss, Kev, Likelihood, Severity, Vulnerability};
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
        container: None,
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
        checks: Vec::new(),
        credentials: Vec::new(),
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
        ("fixable", true),
        ("stale-ignore", true),
        ("critical+fixable", true),
        ("kev and epss>=0.1 + score>=70", true),
        ("high+", false),
        ("+", false),
        ("high+urgent", false),
        ("score>=101", false),
        ("epss>=2", false),
        ("epss>0.5", false),
        ("urgent", false),
        ("", false),
    ] {
        assert_eq!(text.parse::<FailOn>().is_ok(), good, "{text}");
    }
}

/// A scan with one finding of `severity` and `state`, in KEV or not known to be, with an EPSS score, published on a day.
fn vulnerable(
    severity: Severity,
    state: FixState,
    kev: Option<bool>,
    epss: Option<f64>,
    published: &str,
) -> Assessment {
    let mut scan = assessment(&[severity], None);
    scan.vulnerabilities.push(Vulnerability {
        id: "CVE-2024-0001".into(),
        aliases: Vec::new(),
        title: None,
        published: published.parse().ok(),
        epss: epss.map_or(Fact::Unknown(GapId(0)), |score| {
            Fact::Is(Epss {
                score,
                percentile: 0.9,
                model: "v".into(),
                date: "2026-08-16".parse().unwrap(),
            })
        }),
        kev: match kev {
            Some(true) => Fact::Is(Kev {
                added: "2026-08-01".parse().unwrap(),
                ransomware: false,
                name: "x".into(),
            }),
            Some(false) => Fact::Absent,
            None => Fact::Unknown(GapId(0)),
        },
        ssvc: Fact::Absent,
        cvss: Vec::new(),
        profile: AttackProfile::default(),
        cwes: Vec::new(),
        severity,
        likelihood: Likelihood {
            estimate: Estimate::exact(0.1),
            reasons: Vec::new(),
        },
    });
    scan.findings[0].vulnerability = Some(0);
    scan.findings[0].fix.state = state;
    scan
}

fn gate(fail_on: &str) -> Gate {
    Gate {
        fail_on: fail_on
            .split(',')
            .map(|text| text.parse().unwrap())
            .collect(),
        ..Gate::default()
    }
}

/// Kleene: one condition that does not hold decides; else one that is not known makes it unknown, which is over.
#[test]
fn conditions_that_must_all_hold() {
    use FixState::{Fixed, NotFixed, Unknown as NotKnown};
    use Severity::{Critical, High, Unknown};
    for (fail_on, severity, state, kev, expected, lenient) in [
        ("critical+fixable", Critical, Fixed, Some(false), 1, 1),
        ("critical+fixable", Critical, NotFixed, Some(false), 0, 0),
        ("critical+fixable", High, Fixed, Some(false), 0, 0),
        ("critical+fixable", Critical, NotKnown, Some(false), 1, 0),
        ("critical+fixable", Unknown, Fixed, Some(false), 1, 0),
        ("critical+fixable", Unknown, NotFixed, Some(false), 0, 0),
        ("critical+fixable,kev", High, NotFixed, Some(true), 1, 1),
        ("kev+fixable", High, Fixed, None, 1, 0),
        ("kev+fixable", High, NotFixed, None, 0, 0),
        ("kev+epss>=0.5", High, Fixed, Some(true), 0, 0),
        ("kev+epss>=0.1", High, Fixed, Some(true), 1, 1),
        ("high and kev and fixable", High, Fixed, Some(true), 1, 1),
    ] {
        let scan = vulnerable(severity, state, kev, Some(0.2), "2020-01-01");
        let strict = gate(fail_on);
        let allowed = Gate {
            allow_unknown: true,
            ..strict.clone()
        };
        assert_eq!(
            judge(&scan, &strict).exit_code,
            expected,
            "{fail_on} {severity} {state:?} {kev:?}"
        );
        assert_eq!(
            judge(&scan, &allowed).exit_code,
            lenient,
            "{fail_on} {severity} {state:?} {kev:?}"
        );
    }
}

/// EPSS 0.2 at percentile 0.9. Without a score nothing is over, and nothing passed.
#[test]
fn scores_and_percentiles() {
    for (fail_on, epss, expected, lenient) in [
        ("epss>=0.2", Some(0.2), 1, 1),
        ("epss>=0.21", Some(0.2), 0, 0),
        ("epss>=0", None, 3, 0),
        ("epss-percentile>=0.9", Some(0.2), 1, 1),
        ("epss-percentile>=0.91", Some(0.2), 0, 0),
        ("epss-percentile>=0.5", Some(0.0), 1, 1),
        ("epss-percentile>=0.9", None, 3, 0),
        ("kev,epss-percentile>=0.9", None, 3, 0),
        ("high,epss-percentile>=0.9", None, 1, 1),
        ("critical+epss-percentile>=0.9", None, 0, 0),
        ("high+epss-percentile>=0.9", None, 3, 0),
        ("kev+epss-percentile>=0.9", None, 0, 0),
    ] {
        let scan = vulnerable(
            Severity::High,
            FixState::Fixed,
            Some(false),
            epss,
            "2020-01-01",
        );
        let strict = gate(fail_on);
        let allowed = Gate {
            allow_unknown: true,
            ..strict.clone()
        };
        let verdict = judge(&scan, &strict);
        assert_eq!(verdict.exit_code, expected, "{fail_on} {epss:?}");
        assert_eq!(verdict.outcome == Outcome::NotCompleted, expected == 3);
        let told = verdict.reasons.concat().contains("has no score that says");
        assert_eq!(
            told,
            fail_on.contains("epss") && epss.is_none() && expected != 0,
            "{fail_on}"
        );
        assert_eq!(
            judge(&scan, &allowed).exit_code,
            lenient,
            "{fail_on} {epss:?}"
        );
    }
}

/// The scan is of 2026-08-16.
#[test]
fn grace_is_from_the_later_of_publication_and_fix() {
    for (published, fixed, days, kev, expected, told) in [
        ("2026-08-10", None, 0, false, 1, ""),
        ("2026-08-10", None, 14, false, 0, "until 2026-08-24"),
        ("2026-08-02", None, 14, false, 1, ""),
        ("2026-08-03", None, 14, false, 0, "until 2026-08-17"),
        (
            "2024-01-01",
            Some("2026-08-10"),
            14,
            false,
            0,
            "until 2026-08-24",
        ),
        (
            "2026-08-10",
            Some("2024-01-01"),
            14,
            false,
            0,
            "until 2026-08-24",
        ),
        ("2024-01-01", Some("2024-02-01"), 14, false, 1, ""),
        // Nothing says when it began.
        ("", None, 14, false, 1, ""),
        // One of the two is enough; the other may be later, and the time is then longer, never shorter.
        ("", Some("2026-08-10"), 14, false, 0, "until 2026-08-24"),
        // A day that is still to come is a mistake.
        ("2099-01-01", None, 14, false, 1, ""),
        ("2026-08-10", Some("2099-01-01"), 14, false, 1, ""),
        ("2026-08-16", None, 14, false, 0, "until 2026-08-30"),
        // What is exploited does not wait.
        ("2026-08-10", None, 14, true, 1, ""),
    ] {
        let mut scan = vulnerable(Severity::High, FixState::Fixed, Some(kev), None, published);
        if let Some(fixed) = fixed {
            let mut set = crate::sample::set(
                "plimsoll",
                &["app"],
                &[],
                &[("a", "1", "CVE-2024-0001", &[])],
            );
            set.matches[0].basis = Some(0);
            set.bases.push(model::matches::Basis {
                fixed_on: Some(fixed.parse().unwrap()),
                ..model::matches::Basis::default()
            });
            scan.sets.push(set);
            scan.findings[0]
                .matches
                .push(model::finding::MatchId { set: 0, index: 0 });
        }
        let verdict = judge(
            &scan,
            &Gate {
                grace_days: days,
                ..gate("high")
            },
        );
        assert_eq!(
            verdict.exit_code, expected,
            "{published} {fixed:?} {days} {kev}"
        );
        assert!(
            verdict.notices.concat().contains(told),
            "{:?}",
            verdict.notices
        );
        assert_eq!(
            verdict.notices.is_empty(),
            told.is_empty(),
            "{:?}",
            verdict.notices
        );
    }
}

#[test]
fn reasons_name_what_is_over() {
    let reasons = |count: usize| {
        let scan = assessment(&vec![Severity::High; count], None);
        judge(&scan, &gate("high")).reasons[0].to_string()
    };
    assert_eq!(
        reasons(1),
        "1 finding: severity high or higher (CVE-2024-0001)"
    );
    assert!(
        reasons(5).starts_with("5 findings: severity high or higher ("),
        "{}",
        reasons(5)
    );
    assert!(reasons(5).ends_with(" and 2 more)"), "{}", reasons(5));
}

mod baselines {
    use super::gate;
    use crate::app::{app, ruled};
    use model::assessment::{Assessment, DatabaseInfo, FeedInfo};
    use model::evidence::Fact;
    use model::vulnerability::Kev;
    use scan::Rulings;
    use scan::baseline::Baseline;
    use scan::gate::judge_against;

    /// What the baseline has of the first package, libssl3.
    enum Has {
        Same,
        Nothing,
        /// The package with another vulnerability.
        Other,
    }

    /// The app before, with that version of its first package.
    fn before(has: &Has, version: &str) -> Assessment {
        let mut set = app();
        set.packages[0].version = version.into();
        set.packages[0].purl = Some(format!("pkg:deb/debian/libssl3@{version}").into());
        match has {
            Has::Same => {}
            Has::Nothing => drop(set.matches.remove(0)),
            Has::Other => set.matches[0].advisory = 1,
        }
        let mut scan = ruled(vec![set], &Rulings::default());
        scan.about.database = Some(DatabaseInfo {
            digest: "".into(),
            feeds: vec![FeedInfo {
                name: "kev".into(),
                date: Some("2026-11-01".parse().unwrap()),
                records: 1,
                digest: "".into(),
                version: None,
            }],
        });
        scan
    }

    fn now() -> Assessment {
        let mut scan = ruled(vec![app()], &Rulings::default());
        scan.ledger.gaps.clear();
        scan
    }

    #[test]
    fn only_what_is_new_is_over() {
        let here = "3.0.11-1";
        let mut suppressed = before(&Has::Same, here);
        let first = suppressed
            .findings
            .iter()
            .position(|f| &*f.id == "CVE-2024-1001")
            .unwrap();
        let moved = suppressed.findings.remove(first);
        suppressed.suppressed.push(moved);
        // Published on 2026-11-10; the baseline's database is of 2026-11-01.
        for (what, baseline, expected, told) in [
            (
                "the same",
                before(&Has::Same, here),
                0,
                "5 findings over the gate are in the baseline then too",
            ),
            (
                "an older version had it too",
                before(&Has::Same, "3.0.10-1"),
                0,
                "in the baseline",
            ),
            (
                "the package is new",
                before(&Has::Nothing, here),
                1,
                "only what is new against then is judged",
            ),
            ("the version is new", before(&Has::Other, "3.0.10-1"), 1, ""),
            (
                "only the feed is new",
                before(&Has::Other, here),
                0,
                "published 2026-11-10, after the baseline's database of 2026-11-01",
            ),
            ("it was suppressed", suppressed, 1, ""),
        ] {
            let baseline = Baseline::of("then", &baseline, None);
            let verdict = judge_against(&now(), &gate("high"), Some(&baseline));
            assert_eq!(
                verdict.exit_code, expected,
                "{what}: {:?} {:?}",
                verdict.reasons, verdict.notices
            );
            assert!(
                verdict.notices.join("\n").contains(told),
                "{what}: {:?}",
                verdict.notices
            );
        }
    }

    /// Both sides by the database of now: what it says of the baseline too is a feed's doing.
    #[test]
    fn judged_again() {
        let then = before(&Has::Nothing, "3.0.11-1");
        let again = before(&Has::Same, "3.0.11-1");
        for (again, expected) in [(&again, 0), (&then, 1)] {
            let baseline = Baseline::of("then", &then, Some(again));
            let verdict = judge_against(&now(), &gate("high"), Some(&baseline));
            assert_eq!(
                verdict.exit_code, expected,
                "{:?} {:?}",
                verdict.reasons, verdict.notices
            );
            assert!(
                verdict
                    .notices
                    .join("\n")
                    .contains("both by the database of this scan")
            );
        }
    }

    /// What is known since of a finding that the baseline has changes nothing.
    #[test]
    fn a_known_finding_that_became_exploited_is_told() {
        let mut scan = now();
        for vulnerability in &mut scan.vulnerabilities {
            vulnerability.kev = Fact::Is(Kev {
                added: "2026-11-20".parse().unwrap(),
                ransomware: true,
                name: "x".into(),
            });
        }
        let baseline = Baseline::of("then", &before(&Has::Same, "3.0.11-1"), None);
        let verdict = judge_against(&scan, &gate("kev"), Some(&baseline));
        assert_eq!(verdict.exit_code, 0);
        assert!(
            verdict.notices[0].contains("5 findings over the gate are in the baseline"),
            "{:?}",
            verdict.notices
        );
    }

    #[test]
    fn reports_of_others_are_no_baseline() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"formatVersion":1}"#,
            r#"{"formatVersion":9,"findings":[],"about":{}}"#,
        ] {
            assert!(Baseline::of_report("x", text.as_bytes()).is_err(), "{text}");
        }
        let report = r#"{"formatVersion":1,"findings":[{"tracking_key":"v1:a","image":"nginx:1","package":{"name":"a","version":"1","purl":null,"type":"deb"}}],"about":{"database":null}}"#;
        assert!(Baseline::of_report("x", report.as_bytes()).is_ok());
        // Everything would be new beside numbers that stand for names.
        let redacted = report.replace(r#""about":{"#, r#""about":{"names_redacted":true,"#);
        let refused = Baseline::of_report("x", redacted.as_bytes());
        assert!(refused.is_err_and(|error| error.to_string().contains("--redact-names")));
    }
}
