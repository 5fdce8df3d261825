//! Assessments to report: one rich and readable, one hostile, one empty, and generated ones of any size.
//! Indices are written by hand where a test is about them.

#![allow(dead_code)] // Two test binaries share this file, each uses its part.

#[path = "sample_artifacts.rs"]
mod artifacts;

#[path = "sample_paths.rs"]
mod paths;

#[path = "sample_vulnerable.rs"]
mod vulnerable;

#[allow(unused_imports)] // as above
pub(crate) use paths::{all_paths, hostile_paths, many_paths, one_path, twenty_paths};

#[allow(unused_imports)] // as above
pub(crate) use artifacts::{clean, hostile_image, image, large_image, rootfs};

use jiff::civil::{Date, date};
use model::action::{Action, ActionKind, Certainty, FixClass};
use model::assessment::{
    About, Assessment, Coverage, DatabaseInfo, FeedInfo, Outcome, ScannedImage, Verdict,
};
use model::evidence::{
    Acceptance, Claim, Estimate, Evidence, EvidenceId, Fact, Gap, GapId, GapWeight, Ledger, Stage,
};
use model::finding::{Deadline, Factor, Finding, MatchId, NO_FACTOR, Score};
use model::graph::{Change, Cut, Edge, Path};
use model::image::{ImageIdentity, ImageReference, JoinGrade};
use model::keys::{ClusterId, WorkloadKey};
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    OsRelease, Package, Suppression,
};
use model::object::{ObjectRef, SourceSpan};
use model::situation::{Blast, BlastStep, Delivery, Exposure, ExposureClass, Reach, Situation};
use model::snapshot::{KubernetesVersion, Listed, Origin};
use model::text::Text;
use model::vulnerability::{
    AttackProfile, Cvss, Epss, Exploitation, Kev, Likelihood, Severity, Ssvc, Vulnerability,
};
use model::workload::{
    Container, ContainerIndex, ContainerKind, Criticality, CriticalityLevel, Environment,
    ManagedBy, Owner, Placement, Workload, WorkloadState,
};
use report::View;
use std::collections::BTreeMap;
#[allow(unused_imports, clippy::wildcard_imports)] // as above
use vulnerable::*;

pub(crate) fn view<'a>(assessment: &'a Assessment, verdict: &'a Verdict) -> View<'a> {
    View {
        assessment,
        verdict,
        top: 10,
        redact_names: false,
    }
}

/// A name that tries everything: ANSI, C1 control, bidi override, line ends, markup, a mention, a formula.
pub(crate) const HOSTILE: &str = "=cmd|'/c calc'!A0\u{1b}[31m\u{9b}2J\u{202e}\r\n</script><img src=x onerror=alert(1)>`x`|@here [x](http://evil.example) {{7*7}}";

pub(crate) fn failed() -> Verdict {
    Verdict {
        outcome: Outcome::Failed,
        reasons: vec!["2 findings are in KEV, and --fail-on kev is set".into()],
        notices: vec!["1 finding is known from the baseline".into()],
        exit_code: 1,
    }
}

pub(crate) fn passed() -> Verdict {
    Verdict {
        outcome: Outcome::Passed,
        reasons: Vec::new(),
        notices: Vec::new(),
        exit_code: 0,
    }
}

/// A small shop: an exposed privileged web server, an isolated batch job, an unscanned image.
pub(crate) fn shop() -> Assessment {
    let mut ledger = Ledger::default();
    let evidence = evidence(&mut ledger);
    let gaps = gaps(&mut ledger);
    let (scores, factors) = scores();
    Assessment {
        about: about(),
        workloads: workloads(),
        images: images(),
        placements: vec![
            placement(0, 0, 0, JoinGrade::Digest, 0),
            placement(1, 1, 0, JoinGrade::Tag, 1),
        ],
        packages: packages(),
        vulnerabilities: vulnerabilities(gaps[1]),
        situations: vec![exposed(&evidence, gaps[2]), isolated(&evidence)],
        scores,
        factors,
        findings: findings(),
        suppressed: vec![Finding {
            suppression: Some(Suppression {
                by: "VEX vex/web.json".into(),
                reason: "vulnerable code is not in the execute path".into(),
            }),
            ..vulnerable(
                "CVE-2023-4911",
                Severity::High,
                1,
                Some(0),
                2,
                FixState::Fixed,
                &[],
                4,
            )
        }],
        unjoined: vec![vulnerable(
            "CVE-2022-0778",
            Severity::High,
            1,
            Some(2),
            0,
            FixState::Fixed,
            &[],
            5,
        )],
        paths: vec![path(&evidence, gaps[2])],
        cuts: vec![Cut {
            sink: "cluster-admin".into(),
            changes: vec![privileged_off()],
            routes: 4,
            of: 4,
            least: 1,
        }],
        actions: actions(),
        coverage: coverage(),
        sets: vec![set()],
        inventories: Vec::new(),
        checks: Vec::new(),
        credentials: Vec::new(),
        ledger,
    }
}

pub(crate) fn empty() -> Assessment {
    Assessment {
        about: About {
            tool_version: "0.1.0".into(),
            now: "2026-11-23T04:00:00Z".parse().unwrap(),
            origin: Some(Origin::Files),
            cluster: None,
            cluster_name: None,
            kubernetes: Some(KubernetesVersion {
                minor: 37,
                known: false,
            }),
            database: None,
        },
        ledger: Ledger::default(),
        workloads: Vec::new(),
        images: Vec::new(),
        placements: Vec::new(),
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        situations: Vec::new(),
        scores: Vec::new(),
        factors: Vec::new(),
        findings: Vec::new(),
        suppressed: Vec::new(),
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage: Coverage::default(),
        sets: Vec::new(),
        inventories: Vec::new(),
        checks: Vec::new(),
        credentials: Vec::new(),
    }
}

/// The shop, in which every name and every text of others is hostile.
pub(crate) fn hostile() -> Assessment {
    let mut a = shop();
    let bad = || Text::from(HOSTILE);
    a.about.cluster_name = Some(bad());
    for workload in &mut a.workloads {
        workload.object.name = bad();
        workload.object.namespace = Some(bad());
        workload.key.name = bad();
        workload.key.namespace = bad();
        for container in &mut workload.containers {
            container.name = bad();
            container.image = bad();
        }
        if let Some(owner) = &mut workload.owner {
            owner.name = bad();
        }
        if let Some(source) = &mut workload.source {
            source.file = bad();
        }
    }
    for acceptance in &mut a.ledger.acceptances {
        acceptance.owner = bad();
        acceptance.reason = bad();
        acceptance.scope = bad();
    }
    for image in &mut a.images {
        image.name = bad();
        image.identity.references.clear();
        image.tools = vec![bad()];
    }
    for package in &mut a.packages {
        package.name = bad();
        package.version = bad();
        package.purl = Some(format!("pkg:deb/debian/{HOSTILE}").into());
        package.locations = vec![bad()];
    }
    for vulnerability in &mut a.vulnerabilities {
        vulnerability.title = Some(bad());
        vulnerability.aliases = vec![bad()];
        vulnerability.likelihood.reasons.push(bad());
    }
    for evidence in &mut a.ledger.evidence {
        evidence.statement = bad();
    }
    for gap in &mut a.ledger.gaps {
        gap.what = bad();
        gap.close = bad();
        gap.scope = bad();
    }
    for action in &mut a.actions {
        action.title = bad();
        action.why = vec![bad()];
        action.exact = vec![bad(), format!("kubectl get {HOSTILE}").into()];
        action.undo = bad();
    }
    for path in &mut a.paths {
        path.entry = bad();
        path.edges.iter_mut().for_each(|edge| {
            edge.from = bad();
            edge.to = bad();
            edge.kind = bad();
        });
    }
    for finding in a
        .findings
        .iter_mut()
        .chain(&mut a.suppressed)
        .chain(&mut a.unjoined)
    {
        finding.title = Some(bad());
        finding.fix.versions = vec![bad()];
        if let Some(object) = &mut finding.object {
            object.name = bad();
        }
        if let Some(source) = &mut finding.source {
            source.file = bad();
        }
        if let Some(suppression) = &mut finding.suppression {
            suppression.by = bad();
            suppression.reason = bad();
        }
    }
    // A check id comes from an imported document as well.
    a.findings[3].id = bad();
    for set in &mut a.sets {
        set.source.file = bad();
        for advisory in &mut set.advisories {
            advisory.title = Some(bad());
            advisory.url = Some("javascript:alert(1)".into());
        }
    }
    for factor in &mut a.factors {
        factor.reason = bad();
    }
    a
}

/// `size` findings of 200 images, each in up to 3 workloads, with shared vulnerabilities, packages and scores.
pub(crate) fn generated(size: u32) -> Assessment {
    let mut a = shop();
    let images = 200.min(size.max(1));
    let base = a.images.len() as u32;
    let first_workload = a.workloads.len() as u32;
    let first_vulnerability = a.vulnerabilities.len() as u32;
    let first_package = a.packages.len() as u32;
    for i in 0..images {
        let mut workload = a.workloads[(i % 2) as usize].clone();
        workload.key.name = format!("service-{i}").into();
        workload.key.namespace = format!("team-{}", i % 17).into();
        workload.object.name = workload.key.name.clone();
        workload.object.namespace = Some(workload.key.namespace.clone());
        a.workloads.push(workload);
        let reference = format!("registry.example/team-{}/service-{i}:1.{i}.0", i % 17);
        let first = a.placements.len() as u32;
        let count = 1 + i % 3;
        for p in 0..count {
            let at = first_workload + (i + p * 7) % (i + 1);
            a.placements
                .push(placement(base + i, at, 0, JoinGrade::Digest, (i + p) % 2));
        }
        a.images.push(ScannedImage {
            name: reference.as_str().into(),
            kind: ArtifactKind::Image,
            identity: identity(&reference, char::from(b'a' + (i % 6) as u8)),
            os: None,
            placements: (first..first + count).collect(),
            tools: vec!["trivy".into()],
        });
    }
    for i in 0..2_000.min(size) {
        let mut vulnerability = a.vulnerabilities[(i % 4) as usize].clone();
        vulnerability.id = format!("CVE-20{}-{}", 18 + i % 9, 10_000 + i).into();
        vulnerability.title = Some(format!("A flaw of number {i} in a parser").into());
        a.vulnerabilities.push(vulnerability);
        a.packages
            .push(package(&format!("library-{}", i % 900), "1.2.3", "deb"));
    }
    let made = 2_000.min(size);
    for i in 0..size {
        let image = base + i % images;
        let count = a.images[image as usize].placements.len();
        let vulnerability = first_vulnerability + (i / images * 13 + i % 7) % made;
        a.findings.push(Finding {
            id: a.vulnerabilities[vulnerability as usize].id.clone(),
            severity: [
                Severity::Critical,
                Severity::High,
                Severity::Medium,
                Severity::Low,
            ][(i % 4) as usize],
            vulnerability: Some(vulnerability),
            image: Some(image),
            package: Some(first_package + (i / images) % made),
            scores: (0..count as u32).map(|p| (i + p) % 4).collect(),
            ..a.findings[0].clone()
        });
    }
    a.coverage.images += images;
    a.coverage.images_scanned += images;
    a
}

fn about() -> About {
    let feed = |name: &str, date: Option<Date>, records, version: Option<&str>| FeedInfo {
        name: name.into(),
        date,
        records,
        digest: "5f".repeat(32).into(),
        version: version.map(Into::into),
    };
    About {
        tool_version: "0.1.0".into(),
        now: "2026-11-23T04:00:00Z".parse().unwrap(),
        origin: Some(Origin::Live),
        cluster: Some(ClusterId("0f6a5c1e-0000-4000-8000-000000000001".into())),
        cluster_name: Some("prod".into()),
        kubernetes: Some(KubernetesVersion {
            minor: 36,
            known: true,
        }),
        database: Some(DatabaseInfo {
            digest: "ab".repeat(32).into(),
            feeds: vec![
                feed(
                    "epss",
                    Some(date(2026, 11, 22)),
                    312_000,
                    Some("v2026.06.15"),
                ),
                feed("kev", Some(date(2026, 11, 20)), 1_702, None),
                feed("vulnrichment", Some(date(2026, 11, 1)), 120_000, None),
                feed("osv/Debian", None, 60_000, None),
            ],
        }),
    }
}

fn evidence(ledger: &mut Ledger) -> Vec<EvidenceId> {
    let service = ObjectRef::new("", "Service", Some("shop"), "web");
    let web = ObjectRef::new("apps", "Deployment", Some("shop"), "web");
    let role = ObjectRef::new(
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        None,
        "web-admin",
    );
    let balancer = ledger.evidence(Evidence {
        statement: "Service shop/web is of type LoadBalancer".into(),
        object: Some(service.clone()),
        pointer: Some("/spec/type".into()),
        source: Some(span("k8s/web.yaml", 41, 9)),
    });
    let open = ledger.about(&service, "no NetworkPolicy selects shop/web for ingress");
    let privileged = ledger.field(
        &web,
        "/spec/template/spec/containers/0/securityContext/privileged",
        "container web is privileged",
    );
    let bound = ledger.about(
        &role,
        "ClusterRoleBinding web-admin gives shop/web cluster-admin",
    );
    let batch = ledger.about(
        &ObjectRef::new("networking.k8s.io", "NetworkPolicy", Some("batch"), "deny"),
        "NetworkPolicy batch/deny isolates the pod for ingress, Cilium enforces it",
    );
    vec![balancer, open, privileged, bound, batch]
}

fn gaps(ledger: &mut Ledger) -> Vec<GapId> {
    let gap = |class: &str, what: &str, stage, scope: &str, weight, close: &str| Gap {
        class: class.into(),
        what: what.into(),
        stage,
        scope: scope.into(),
        weight,
        close: close.into(),
    };
    let all = [
        gap(
            "image-not-scanned",
            "no report covers image ghcr.io/shop/cart:2.1, which Deployment shop/cart runs",
            Stage::Import,
            "image ghcr.io/shop/cart:2.1",
            GapWeight::Hides,
            "trivy image --format json --output cart.json ghcr.io/shop/cart:2.1",
        ),
        gap(
            "epss-missing",
            "CVE-2026-1111 has no EPSS score yet",
            Stage::Match,
            "CVE-2026-1111",
            GapWeight::Widens,
            "plimsoll db update",
        ),
        gap(
            "list-forbidden",
            "secrets of namespace shop could not be listed",
            Stage::Collect,
            "secrets",
            GapWeight::Widens,
            "allow list on secrets in namespace shop; it shows all their values to Plimsoll's account",
        ),
        gap(
            "image-not-scanned",
            "no report covers image redis:7.2, which StatefulSet shop/redis runs",
            Stage::Import,
            "image docker.io/library/redis:7.2",
            GapWeight::Hides,
            "trivy image --format json --output redis.json redis:7.2",
        ),
        gap(
            "unknown-field",
            "2 fields of Argo Rollouts are not understood",
            Stage::Collect,
            "rollouts.argoproj.io",
            GapWeight::Notice,
            "",
        ),
    ];
    let ids: Vec<GapId> = all.into_iter().map(|g| ledger.gap(g)).collect();
    ledger.acceptances.push(Acceptance {
        class: "image-not-scanned".into(),
        scope: "image docker.io/library/redis:*".into(),
        owner: "team-data".into(),
        reason: "the vendor sends a report each month".into(),
        expires: date(2026, 12, 31),
        expired: false,
        gaps: vec![ids[3]],
    });
    ids
}

fn workloads() -> Vec<Workload> {
    let workload = |namespace: &str, kind: &str, name: &str, image: &str, line| Workload {
        key: WorkloadKey {
            namespace: namespace.into(),
            kind: kind.into(),
            name: name.into(),
            group: if kind == "CronJob" { "batch" } else { "apps" }.into(),
        },
        object: ObjectRef::new(
            if kind == "CronJob" { "batch" } else { "apps" },
            kind,
            Some(namespace),
            name,
        ),
        state: WorkloadState::Active,
        pods: 3,
        containers: vec![Container {
            name: name.into(),
            kind: ContainerKind::App,
            image: image.into(),
            reference: ImageReference::parse(image),
            running: vec![format!("sha256:{}", "a".repeat(64)).into()],
            pointer: "/spec/template/spec/containers/0".into(),
        }],
        owner: Some(Owner {
            name: "team-checkout".into(),
            rule: "label app.kubernetes.io/part-of".into(),
        }),
        environment: Some(Environment::Production),
        criticality: Criticality {
            level: CriticalityLevel::High,
            value: Estimate::exact(0.8),
            because: Vec::new(),
        },
        managed_by: Some(ManagedBy {
            tool: "argo-cd".into(),
            name: "shop-prod".into(),
        }),
        source: Some(span("k8s/web.yaml", line, 9)),
    };
    vec![
        workload("shop", "Deployment", "web", "ghcr.io/shop/web:1.4.2", 17),
        workload("batch", "CronJob", "report", "ghcr.io/shop/report:3", 80),
        workload("shop", "Deployment", "cart", "ghcr.io/shop/cart:2.1", 120),
    ]
}

fn images() -> Vec<ScannedImage> {
    let image = |name: &str, digit, placements: &[u32]| ScannedImage {
        name: name.into(),
        kind: ArtifactKind::Image,
        identity: identity(name, digit),
        os: Some(OsRelease {
            id: "debian".into(),
            version: "12.5".into(),
            end_of_life: Some(false),
        }),
        placements: placements.to_vec(),
        tools: vec!["grype".into(), "trivy".into()],
    };
    vec![
        image("ghcr.io/shop/web:1.4.2", 'a', &[0]),
        image("ghcr.io/shop/report:3", 'b', &[1]),
        image("ghcr.io/shop/old:1", 'c', &[]),
    ]
}

fn identity(reference: &str, digit: char) -> ImageIdentity {
    ImageIdentity {
        config: Some(format!("sha256:{}", "1".repeat(64)).into()),
        manifests: vec![format!("sha256:{}", digit.to_string().repeat(64)).into()],
        references: ImageReference::parse(reference).into_iter().collect(),
        platform: Some("linux/amd64".into()),
        ..ImageIdentity::default()
    }
}

fn package(name: &str, version: &str, kind: &str) -> Package {
    Package {
        name: name.into(),
        version: version.into(),
        kind: kind.into(),
        purl: Some(format!("pkg:{kind}/debian/{name}@{version}?arch=amd64").into()),
        upstream: None,
        locations: vec!["var/lib/dpkg/status".into()],
        layer: Some(format!("sha256:{}", "d".repeat(64)).into()),
    }
}

fn packages() -> Vec<Package> {
    vec![
        package("libssl3", "3.0.11-1~deb12u1", "deb"),
        package("libxml2", "2.9.14+dfsg-1.3~deb12u1", "deb"),
        Package {
            purl: None,
            layer: None,
            ..package("log4j-core", "2.14.1", "jar")
        },
    ]
}

fn privileged_off() -> Change {
    Change {
        object: ObjectRef::new("apps", "Deployment", Some("shop"), "web"),
        what: "set privileged: false in container web".into(),
        structural: true,
    }
}

fn path(evidence: &[EvidenceId], no_secrets: GapId) -> Path {
    let edge = |from: &str, to: &str, kind: &str, p, because: &[EvidenceId], changeable| Edge {
        from: from.into(),
        to: to.into(),
        kind: kind.into(),
        probability: p,
        evidence: because.to_vec(),
        missing: Vec::new(),
        technique: "".into(),
        changeable: Option::into_iter(changeable).collect(),
    };
    let mut token = edge(
        "node of shop/web",
        "cluster-admin",
        "token",
        Estimate::between(0.5, 0.95, 1.0),
        &[evidence[3]],
        None,
    );
    token.missing = vec![no_secrets];
    Path {
        entry: "Internet".into(),
        sink: "cluster-admin".into(),
        probability: Estimate::between(0.04, 0.31, 0.8),
        edges: vec![
            edge(
                "Internet",
                "Deployment shop/web",
                "load-balancer",
                Estimate::exact(1.0),
                &[evidence[0], evidence[1]],
                None,
            ),
            edge(
                "Deployment shop/web",
                "code in shop/web",
                "vulnerability",
                Estimate::exact(0.95),
                &[],
                Some(Change {
                    what: "upgrade libssl3".into(),
                    structural: false,
                    ..privileged_off()
                }),
            ),
            edge(
                "code in shop/web",
                "node of shop/web",
                "privileged",
                Estimate::exact(0.9),
                &[evidence[2]],
                Some(privileged_off()),
            ),
            token,
        ],
    }
}

fn coverage() -> Coverage {
    let listed = |group: &str, kind: &str, count, complete| Listed {
        group: group.into(),
        kind: kind.into(),
        count,
        complete,
    };
    Coverage {
        listed: vec![
            listed("", "Pod", 41, true),
            listed("", "Secret", 0, false),
            listed("networking.k8s.io", "NetworkPolicy", 2, true),
        ],
        namespaces: 6,
        namespaces_without_policy: 4,
        workloads: 23,
        dormant: 2,
        history: 14,
        pods: 41,
        images: 4,
        images_scanned: 2,
        images_with_high: 2,
        matches: 7,
        other_kinds: BTreeMap::from([("Certificate.cert-manager.io".into(), 3)]),
        rulings: Vec::new(),
    }
}

fn set() -> MatchSet {
    let ids = [
        "CVE-2026-2222",
        "CVE-2026-1111",
        "CVE-2021-44228",
        "KSV-0017",
        "CVE-2023-4911",
        "CVE-2022-0778",
        "CVE-2022-0778",
    ];
    MatchSet {
        source: MatchSource {
            tool: "trivy".into(),
            tool_version: Some("0.71.0".into()),
            format: "trivy-json/2".into(),
            file: "reports/web.json".into(),
            digest: "cd".repeat(32).into(),
            created: Some("2026-11-22T20:00:00Z".parse().unwrap()),
        },
        artifacts: vec![Artifact {
            kind: ArtifactKind::Image,
            name: "ghcr.io/shop/web:1.4.2".into(),
            identity: identity("ghcr.io/shop/web:1.4.2", 'a'),
            os: None,
            object: None,
            container: None,
        }],
        packages: packages(),
        advisories: ids
            .iter()
            .map(|id| Advisory {
                id: (*id).into(),
                aliases: Vec::new(),
                covers: Vec::new(),
                title: None,
                severity: Severity::High,
                cvss: Vec::new(),
                vectors: Vec::new(),
                cwes: Vec::new(),
                url: Some(format!("https://security-tracker.debian.org/tracker/{id}").into()),
                feed: Some("debian:12".into()),
                published: None,
            })
            .collect(),
        matches: (0..ids.len() as u32)
            .map(|i| Match {
                category: if i == 3 {
                    Category::Misconfiguration
                } else {
                    Category::Vulnerability
                },
                artifact: 0,
                advisory: i,
                package: (i != 3).then_some(0),
                target: (i == 3).then(|| "Deployment shop/web".into()),
                field: None,
                severity: Severity::High,
                fix: Fix {
                    state: FixState::Fixed,
                    versions: vec!["3.0.11-1~deb12u2".into()],
                },
                suppression: None,
                basis: None,
            })
            .collect(),
        bases: Vec::new(),
        gaps: Vec::new(),
    }
}

fn placement(
    image: u32,
    workload: u32,
    container: u32,
    grade: JoinGrade,
    situation: u32,
) -> Placement {
    Placement {
        image,
        runs_in: Some(ContainerIndex {
            workload,
            container,
        }),
        grade,
        situation,
    }
}

fn span(file: &str, line: u32, column: u32) -> SourceSpan {
    SourceSpan {
        file: file.into(),
        document: 0,
        line,
        column,
        rendered_from: None,
        alternatives: Vec::new(),
    }
}
