//! Vulnerabilities, situations, scores, findings and actions of the sample.
#![allow(clippy::wildcard_imports, reason = "a room of one sample")]

use super::*;

pub(super) fn vulnerabilities(no_epss: GapId) -> Vec<Vulnerability> {
    let cvss = |base, version: &str, vector: &str| Cvss {
        source: "nvd".into(),
        version: version.into(),
        vector: vector.into(),
        base,
    };
    let vulnerability = |id: &str, title: &str, severity, base, epss: f64| Vulnerability {
        id: id.into(),
        aliases: vec![format!("GHSA-{}", &id[4..]).into()],
        title: Some(title.into()),
        published: Some(date(2026, 3, 4)),
        epss: Fact::Is(Epss {
            score: epss,
            percentile: (0.5 + epss / 2.0).min(0.999),
            model: "v2026.06.15".into(),
            date: date(2026, 11, 22),
        }),
        kev: Fact::Absent,
        ssvc: Fact::Is(Ssvc {
            exploitation: Exploitation::PublicPoc,
            automatable: true,
            total_impact: true,
        }),
        cvss: vec![cvss(
            base,
            "3.1",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        )],
        profile: AttackProfile::default(),
        cwes: vec!["CWE-787".into()],
        severity,
        likelihood: Likelihood {
            estimate: Estimate::exact(epss),
            reasons: vec![format!("EPSS {epss} (v2026.06.15)").into()],
        },
    };
    let mut kev = vulnerability(
        "CVE-2026-2222",
        "A crafted ClientHello overflows a buffer in libssl",
        Severity::High,
        7.5,
        0.94,
    );
    kev.kev = Fact::Is(Kev {
        added: date(2026, 11, 2),
        ransomware: true,
        name: "OpenSSL buffer overflow".into(),
    });
    kev.likelihood
        .reasons
        .push("KEV, used by ransomware, raises it to 0.95".into());
    kev.likelihood.estimate = Estimate::exact(0.95);
    let mut unscored = vulnerability(
        "CVE-2026-1111",
        "Use after free in the XML parser",
        Severity::Critical,
        9.8,
        0.0014,
    );
    unscored.epss = Fact::Unknown(no_epss);
    unscored.likelihood = Likelihood {
        estimate: Estimate::between(1e-5, 1.4e-3, 0.1),
        reasons: vec!["no EPSS score, prior of unscored CVEs".into()],
    };
    vec![
        kev,
        unscored,
        vulnerability(
            "CVE-2021-44228",
            "Log4Shell",
            Severity::Critical,
            10.0,
            0.97,
        ),
        vulnerability(
            "CVE-2022-0778",
            "Infinite loop in BN_mod_sqrt",
            Severity::High,
            7.5,
            0.06,
        ),
    ]
}

pub(super) fn exposed(evidence: &[EvidenceId], no_secrets: GapId) -> Situation {
    Situation {
        exposure: Exposure {
            class: ExposureClass::Internet,
            at_least: ExposureClass::Internet,
            at_most: ExposureClass::Internet,
            public: Claim::yes(evidence[0]),
            chain: vec![evidence[0], evidence[1]],
        },
        deliveries: vec![Delivery {
            port: 8443,
            protocol: "TCP".into(),
            class: ExposureClass::Internet,
            chain: vec![evidence[0]],
        }],
        listens: Claim::yes(evidence[0]),
        direct: Estimate::exact(1.0),
        lateral: Estimate::exact(0.02),
        tenants: None,
        blast: Blast {
            value: Estimate::between(0.54, 0.95, 1.0),
            steps: vec![
                BlastStep {
                    reach: Reach::Cluster,
                    probability: Estimate::between(0.5, 0.95, 1.0),
                    reason: "service account is cluster-admin".into(),
                    because: vec![evidence[3]],
                    missing: vec![no_secrets],
                },
                BlastStep {
                    reach: Reach::Node,
                    probability: Estimate::exact(0.9),
                    reason: "privileged container".into(),
                    because: vec![evidence[2]],
                    missing: Vec::new(),
                },
            ],
        },
        path: Some(0),
    }
}

pub(super) fn isolated(evidence: &[EvidenceId]) -> Situation {
    Situation {
        exposure: Exposure {
            class: ExposureClass::None,
            at_least: ExposureClass::None,
            at_most: ExposureClass::None,
            public: Claim::no(evidence[4]),
            chain: vec![evidence[4]],
        },
        deliveries: Vec::new(),
        listens: Claim::no(evidence[4]),
        direct: Estimate::exact(0.02),
        lateral: Estimate::exact(0.001),
        tenants: None,
        blast: Blast {
            value: Estimate::exact(0.1),
            steps: Vec::new(),
        },
        path: None,
    }
}

pub(super) fn scores() -> (Vec<Score>, Vec<Factor>) {
    let mut lines = Vec::new();
    let deadline = |timeline: &str, due, in_kev, exposed| Deadline {
        timeline: timeline.into(),
        due,
        in_kev,
        exposed,
        automatable: true,
        total_impact: true,
    };
    let factor = |name: &str, points, value, reason: &str| Factor {
        name: name.into(),
        points,
        value: Estimate::exact(value),
        reason: reason.into(),
    };
    let mut score = |low, points: f64, high, deadline, ssvc: &str, factors: Vec<Factor>| Score {
        risk: Estimate::exact(points.round() / 1024.0),
        delivery: Estimate::exact(0.9),
        points: Estimate::between(low, points, high),
        confidence: 0.86,
        deadline,
        ssvc: ssvc.into(),
        cvss_bte: None,
        factors: std::array::from_fn(|n| {
            factors.get(n).map_or(NO_FACTOR, |factor| {
                lines.push(factor.clone());
                lines.len() as u32 - 1
            })
        }),
    };
    let mut first = score(
        94.1,
        97.6,
        98.3,
        deadline("3 days", Some(date(2026, 11, 26)), true, true),
        "immediate",
        vec![
            factor(
                "likelihood",
                99.7,
                0.95,
                "KEV, used by ransomware; EPSS 0.94",
            ),
            factor(
                "delivery",
                -0.4,
                0.94,
                "internet via Service shop/web; not known to be loaded",
            ),
            factor(
                "blast radius",
                -0.3,
                0.95,
                "service account is cluster-admin",
            ),
            factor(
                "criticality",
                -1.4,
                0.8,
                "declared high by label criticality",
            ),
        ],
    );
    first.cvss_bte =
        Some("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A".into());
    let scores = vec![
        first,
        score(
            41.2,
            58.9,
            84.0,
            deadline("14 days", Some(date(2026, 12, 7)), false, true),
            "out-of-cycle",
            vec![
                factor(
                    "likelihood",
                    59.2,
                    0.0014,
                    "no EPSS score, prior of unscored CVEs",
                ),
                factor("delivery", 0.0, 1.0, "internet via Service shop/web"),
                factor(
                    "blast radius",
                    -0.3,
                    0.95,
                    "service account is cluster-admin",
                ),
            ],
        ),
        score(
            30.0,
            30.6,
            31.1,
            deadline("60 days", Some(date(2027, 1, 22)), false, false),
            "scheduled",
            vec![
                factor("likelihood", 99.8, 0.97, "EPSS 0.97"),
                factor(
                    "delivery",
                    -55.0,
                    0.02,
                    "isolated by NetworkPolicy batch/deny",
                ),
                factor("blast radius", -14.2, 0.1, "own pod only"),
            ],
        ),
        score(
            0.0,
            0.4,
            2.0,
            deadline("fix on system upgrade", None, false, false),
            "defer",
            vec![factor("likelihood", 0.4, 1e-5, "EPSS 0.0001")],
        ),
    ];
    (scores, lines)
}

pub(super) fn vulnerable(
    id: &str,
    severity: Severity,
    vulnerability: u32,
    image: Option<u32>,
    package: u32,
    state: FixState,
    scores: &[u32],
    matched: u32,
) -> Finding {
    Finding {
        container: None,
        id: id.into(),
        category: Category::Vulnerability,
        severity,
        vulnerability: Some(vulnerability),
        image,
        package: Some(package),
        object: None,
        field: None,
        source: None,
        title: None,
        fix: Fix {
            state,
            versions: if state == FixState::Fixed {
                vec!["3.0.11-1~deb12u2".into()]
            } else {
                Vec::new()
            },
        },
        matches: vec![MatchId {
            set: 0,
            index: matched,
        }],
        suppression: None,
        notes: Vec::new(),
        scores: scores.to_vec(),
    }
}

pub(super) fn findings() -> Vec<Finding> {
    use FixState::{Fixed, NotFixed};
    vec![
        vulnerable(
            "CVE-2026-2222",
            Severity::High,
            0,
            Some(0),
            0,
            Fixed,
            &[0],
            0,
        ),
        vulnerable(
            "CVE-2026-1111",
            Severity::Critical,
            1,
            Some(0),
            1,
            NotFixed,
            &[1],
            1,
        ),
        vulnerable(
            "CVE-2021-44228",
            Severity::Critical,
            2,
            Some(1),
            2,
            Fixed,
            &[2],
            2,
        ),
        Finding {
            id: "KSV-0017".into(),
            category: Category::Misconfiguration,
            severity: Severity::High,
            vulnerability: None,
            image: None,
            package: None,
            object: Some(ObjectRef::new("apps", "Deployment", Some("shop"), "web")),
            field: Some("/spec/template/spec/containers/0/securityContext/privileged".into()),
            source: Some(span("k8s/web.yaml", 23, 13)),
            title: Some("Container web is privileged".into()),
            fix: Fix {
                state: Fixed,
                versions: Vec::new(),
            },
            matches: vec![MatchId { set: 0, index: 3 }],
            suppression: None,
            notes: Vec::new(),
            container: None,
            scores: Vec::new(),
        },
        vulnerable(
            "CVE-2022-0778",
            Severity::Unknown,
            3,
            Some(0),
            0,
            Fixed,
            &[3],
            6,
        ),
    ]
}

pub(super) fn actions() -> Vec<Action> {
    let upgrade = Action {
        id: "v1:0001".into(),
        kind: ActionKind::UpgradePackage,
        title: "upgrade libssl3 to 3.0.11-1~deb12u2 in ghcr.io/shop/web:1.4.2".into(),
        image: Some(0),
        object: None,
        source: None,
        closes: vec![0, 4],
        workloads: vec![0],
        removes: Estimate::between(0.4, 0.7, 0.8),
        points: Estimate::between(94.1, 97.6, 98.3),
        class: FixClass::NeedsTest,
        class_reason: "a patch release of a library that the server loads".into(),
        certainty: Certainty::ExpectedUnverified,
        why: vec![
            "KEV, used by ransomware".into(),
            "EPSS 0.94".into(),
            "internet via Service shop/web".into(),
            "privileged container".into(),
            "service account is cluster-admin".into(),
        ],
        exact: vec![
            "RUN apt-get update && apt-get install -y --only-upgrade libssl3=3.0.11-1~deb12u2"
                .into(),
            "docker build --pull -t ghcr.io/shop/web:1.4.3 .".into(),
            "kubectl -n shop set image deployment/web web=ghcr.io/shop/web:1.4.3".into(),
        ],
        undo: "kubectl -n shop set image deployment/web web=ghcr.io/shop/web:1.4.2".into(),
    };
    let field = Action {
        id: "v1:0002".into(),
        kind: ActionKind::ChangeField,
        title: "set privileged: false in container web of Deployment shop/web".into(),
        image: None,
        object: Some(ObjectRef::new("apps", "Deployment", Some("shop"), "web")),
        source: Some(span("k8s/web.yaml", 23, 13)),
        closes: vec![3],
        removes: Estimate::between(0.1, 0.3, 0.5),
        points: Estimate::between(41.2, 58.9, 84.0),
        class: FixClass::Breaking,
        class_reason: "the image may need devices of the node".into(),
        certainty: Certainty::Verified,
        why: vec!["ends 4 of 4 routes to cluster-admin".into(), "container is privileged".into()],
        exact: vec![
            "at k8s/web.yaml:23:13 write privileged: false".into(),
            r#"kubectl -n shop patch deployment web --type json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/securityContext/privileged","value":false}]'"#.into(),
        ],
        undo: "kubectl -n shop rollout undo deployment/web".into(),
        ..upgrade.clone()
    };
    let tag = Action {
        id: "v1:0003".into(),
        kind: ActionKind::MoveTag,
        title: "move ghcr.io/shop/report:3 to 3.1".into(),
        image: Some(1),
        closes: vec![2],
        workloads: vec![1],
        removes: Estimate::exact(1e-4),
        points: Estimate::exact(30.6),
        class: FixClass::Equivalent,
        why: vec![
            "EPSS 0.97".into(),
            "isolated by NetworkPolicy batch/deny".into(),
        ],
        exact: vec![
            "kubectl -n batch set image cronjob/report report=ghcr.io/shop/report:3.1".into(),
        ],
        ..upgrade.clone()
    };
    vec![upgrade, field, tag]
}
