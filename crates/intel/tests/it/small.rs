//! A handful of records in the official layout, in memory.

use intel::Intelligence;
use intel::assess::{FeedGaps, vulnerability};
use intel::build::{BuildError, BuildOptions, build_files};
use model::evidence::{Fact, GapId};
use model::matches::Advisory;
use model::vulnerability::{AttackVector, Cvss, Exploitation, Severity};

pub(crate) type Files = Vec<(String, Vec<u8>)>;

pub(crate) fn feeds() -> Files {
    [
        (
            "epss/epss_scores-2024-01-01.csv",
            "#model_version:v1,score_date:2024-01-01T00:00:00Z\ncve,epss,percentile\nCVE-2024-0001,0.9,0.9\n",
        ),
        (
            "epss/epss_scores-2024-06-30.csv",
            "#model_version:v2,score_date:2024-06-30T00:00:00+0000\ncve,epss,percentile\nCVE-2024-0001,0.00042,0.1\nCVE-2024-0002,0.97,0.999\nCVE-2031-1234567,3e-05,0.5\n",
        ),
        (
            "kev/known_exploited_vulnerabilities.json",
            r#"{"catalogVersion":"2024.06.30","dateReleased":"2024-06-30T10:00:00Z","vulnerabilities":[
                {"cveID":"CVE-2024-0002","dateAdded":"2024-03-01","dueDate":"2024-03-22","knownRansomwareCampaignUse":"Known","vulnerabilityName":"A Name","vendorProject":"V","product":"P","cwes":["CWE-79"]},
                {"cveID":"nonsense","dateAdded":"2024-03-01"}]}"#,
        ),
        (
            "vulnrichment-2024-06-30/2024/0xxx/CVE-2024-0001.json",
            r#"{"cveMetadata":{"cveId":"CVE-2024-0001","state":"PUBLISHED","datePublished":"2024-01-02T03:04:05Z","dateUpdated":"2024-02-03T00:00:00Z"},
                "containers":{"cna":{"title":"A  bad\nthing","descriptions":[{"lang":"en","value":"Long."}],
                  "metrics":[{"format":"CVSS","cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8}}],
                  "problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-787","description":"x"}]}]},
                "adp":[{"title":"CISA ADP Vulnrichment","providerMetadata":{"shortName":"CISA-ADP","dateUpdated":"2024-02-05T00:00:00Z"},
                  "metrics":[{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"poc"},{"Automatable":"yes"},{"Technical Impact":"total"}]}}},
                             {"cvssV4_0":{"vectorString":"CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}}]}]}}"#,
        ),
        (
            "vulnrichment-2024-06-30/2024/0xxx/CVE-2024-0003.json",
            r#"{"cveMetadata":{"cveId":"CVE-2024-0003","state":"REJECTED","dateRejected":"2024-05-05T00:00:00Z"},"containers":{"cna":{}}}"#,
        ),
        (
            "osv/Go/GO-2024-0001.json",
            r#"{"id":"GO-2024-0001","modified":"2024-04-04T00:00:00Z","published":"2024-01-01T00:00:00Z","aliases":["CVE-2024-0001","GHSA-aaaa-bbbb-cccc"],"summary":"Go says"}"#,
        ),
        (
            "osv/Go/GO-2024-0009.json",
            r#"{"id":"GO-2024-0009","modified":"2024-04-04T00:00:00Z","withdrawn":"2024-04-04T00:00:00Z","aliases":["CVE-2024-0001"],"summary":"Wrong"}"#,
        ),
        (
            "osv/npm/GHSA-aaaa-bbbb-cccc.json",
            r#"{"id":"GHSA-aaaa-bbbb-cccc","modified":"2024-04-05T00:00:00Z","aliases":[],"database_specific":{"severity":"moderate","cwe_ids":["CWE-20"]}}"#,
        ),
        (
            "osv/npm/x_ONLY-1.json",
            r#"{"id":"x_ONLY-1","modified":"2024-04-06T00:00:00Z","details":"It breaks. Badly.","database_specific":{"severity":"low"}}"#,
        ),
        (
            "osv/Kubernetes/CVE-2024-0004.json",
            r#"{"id":"CVE-2024-0004","modified":"2024-04-06T00:00:00Z","summary":"kubelet","affected":[{"package":{"ecosystem":"Kubernetes","name":"k8s.io/kubelet"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"}],"ranges":[{"type":"SEMVER","events":[{"introduced":"1.28.0"},{"fixed":"1.28.4"},{"introduced":"0"},{"fixed":"1.27.8"}]}]}]}"#,
        ),
        (
            "ssvc/cisa_bod.csv",
            "row,a,b\n0,no,no\n1,yes,no\n",
        ),
        (
            "alpine-secdb/v3.11/main.json",
            r#"{"distroversion":"v3.11","packages":[{"pkg":{"name":"zlib","secfixes":{"1.2.11-r4":["CVE-2024-0008 XSA-1"]}}}]}"#,
        ),
        ("README.md", "nothing"),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    .collect()
}

pub(crate) fn open(files: &Files) -> Intelligence {
    let (built, _) = build_files(files, &BuildOptions::default()).unwrap();
    Intelligence::from_bytes(built.advisories, built.scores).unwrap()
}

const NO_GAPS: FeedGaps = FeedGaps {
    epss: None,
    kev: None,
    ssvc: None,
};

#[test]
fn every_alias_finds_the_same_record() {
    let intel = open(&feeds());
    let record = intel.lookup("CVE-2024-0001").unwrap();
    for alias in ["GO-2024-0001", "GHSA-aaaa-bbbb-cccc", " cve-2024-0001 "] {
        assert_eq!(intel.lookup(alias).as_ref(), Some(&record), "{alias}");
        assert_eq!(intel.closure(alias), record.ids, "{alias}");
    }
    let ids: Vec<&str> = record.ids.iter().map(|id| &**id).collect();
    assert_eq!(
        ids,
        ["CVE-2024-0001", "GHSA-aaaa-bbbb-cccc", "GO-2024-0001"]
    );
    let from: Vec<&str> = record.statements.iter().map(|s| &*s.feed).collect();
    assert_eq!(from, ["vulnrichment", "osv/Go", "osv/npm"]);
    let first = &record.statements[0];
    assert_eq!(
        intel.title(first.title.unwrap()).as_deref(),
        Some("A bad thing")
    );
    assert_eq!(first.modified, Some(jiff::civil::date(2024, 2, 5)));
    assert_eq!(first.cwes, [787]);
    let sources: Vec<(&str, f64)> = first.cvss.iter().map(|c| (&*c.source, c.base)).collect();
    assert_eq!(sources, [("cna", 9.8), ("cisa-adp", 7.3)]);
    assert_eq!(record.epss[0].1.score, 0.00042);
    assert_eq!(&*record.epss[0].1.model, "v2");
}

#[test]
fn withdrawn_statements_join_nothing() {
    let intel = open(&feeds());
    assert_eq!(intel.closure("GO-2024-0009").len(), 1);
    assert!(
        intel.lookup("GO-2024-0009").unwrap().statements[0]
            .withdrawn
            .is_some()
    );
    assert_eq!(
        intel.lookup("CVE-2024-0003").unwrap().statements[0].withdrawn,
        Some(jiff::civil::date(2024, 5, 5))
    );
}

#[test]
fn ids_that_only_scores_know() {
    let intel = open(&feeds());
    let record = intel.lookup("CVE-2024-0002").unwrap();
    let (_, kev) = &record.kev[0];
    assert!(kev.kev.ransomware);
    assert_eq!(
        (&*kev.kev.name, &*kev.vendor, &*kev.product),
        ("A Name", "V", "P")
    );
    assert_eq!(kev.due, Some(jiff::civil::date(2024, 3, 22)));
    assert_eq!(
        intel.lookup("CVE-2031-1234567").unwrap().epss[0].1.score,
        3e-5
    );
    for unknown in ["CVE-2024-9999", "GHSA-none", "", "CVE-", "ä"] {
        assert_eq!(intel.lookup(unknown), None, "{unknown}");
        assert_eq!(intel.closure(unknown).len(), 1, "{unknown}");
    }
    assert_eq!(intel.damage(), None);
    intel.verify().unwrap();
}

#[test]
fn kubernetes_versions() {
    let intel = open(&feeds());
    let check = |component: &str, version: &str, expected: Option<&[Option<&str>]>| {
        let found = intel.kubernetes(component, version);
        let fixed = found.map(|all| {
            all.iter()
                .map(|cve| cve.fixed.as_deref().map(str::to_owned))
                .collect::<Vec<_>>()
        });
        let expected = expected.map(|all| {
            all.iter()
                .map(|fixed| fixed.map(str::to_owned))
                .collect::<Vec<_>>()
        });
        assert_eq!(fixed, expected, "{component} {version}");
    };
    check("kubelet", "v1.28.3-gke.100", Some(&[Some("1.28.4")]));
    check("k8s.io/kubelet", "1.27.0", Some(&[Some("1.27.8")]));
    check("kubelet", "1.28.4", Some(&[]));
    check("kube-apiserver", "1.28.3", Some(&[]));
    check("kubelet", "unknown", None);
}

#[test]
fn feeds_are_counted_and_dated() {
    let info = open(&feeds()).info();
    let told: Vec<(&str, u64, Option<&str>)> = info
        .feeds
        .iter()
        .map(|feed| (&*feed.name, feed.records, feed.version.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("epss", 3, Some("v2")),
            ("kev", 1, Some("2024.06.30")),
            ("vulnrichment", 2, None),
            ("osv/Go", 2, None),
            ("osv/Kubernetes", 1, None),
            ("osv/npm", 2, None),
            ("alpine-secdb", 2, None),
            ("ssvc/cisa_bod", 2, None),
        ]
    );
    assert_eq!(info.digest.len(), 64);
    let (_, gaps) = build_files(&feeds(), &BuildOptions::default()).unwrap();
    let classes: Vec<&str> = gaps.iter().map(|gap| &*gap.class).collect();
    assert_eq!(classes, ["feed-records-unread"]);
}

#[test]
fn the_same_feeds_give_the_same_bytes_in_any_order() {
    let mut files = feeds();
    let built = build_files(&files, &BuildOptions::default()).unwrap();
    files.reverse();
    assert_eq!(
        build_files(&files, &BuildOptions::default()).unwrap(),
        built
    );
}

#[test]
fn any_subset_of_feeds_builds_and_says_what_is_missing() {
    for kept in [
        "epss",
        "kev",
        "vulnrichment",
        "osv/Go",
        "osv/Kubernetes",
        "ssvc",
    ] {
        let files: Files = feeds()
            .into_iter()
            .filter(|(name, _)| name.starts_with(kept))
            .collect();
        let (built, gaps) = build_files(&files, &BuildOptions::default()).unwrap();
        let missing = gaps
            .iter()
            .filter(|gap| &*gap.class == "feed-missing")
            .count();
        let expected = if ["epss", "kev", "vulnrichment"].contains(&kept) {
            2
        } else {
            3
        };
        assert_eq!(missing, expected, "{kept}");
        let intel = Intelligence::from_bytes(built.advisories, built.scores).unwrap();
        for id in ["CVE-2024-0001", "CVE-2024-0002", "GO-2024-0001"] {
            let _ = intel.lookup(id);
        }
        assert_eq!(intel.damage(), None, "{kept}");
    }
    let none = build_files(
        &[("README.md".into(), Vec::new())],
        &BuildOptions::default(),
    );
    assert!(matches!(none, Err(BuildError::NoFeed(_))));
}

#[test]
fn damaged_feeds_are_errors_that_name_the_file() {
    for (name, bytes) in [
        ("epss/epss_scores-x.csv.gz", &b"no gzip"[..]),
        ("epss/epss_scores-x.csv", b"cve,epss,percentile\n"),
        ("kev/kev.json", b"{"),
        ("osv/Go/all.zip", b"PK no zip"),
        ("vulnrichment.tar.zst", b"no zstd"),
        ("vulnrichment.tar.gz", &[0x1f, 0x8b, 8, 0]),
        ("kev/kev.json", br#"{"vulnerabilities":[]}"#),
    ] {
        let error =
            build_files(&[(name.into(), bytes.to_vec())], &BuildOptions::default()).unwrap_err();
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let unreadable = build_files(
        &[("osv/Go/GO-1.json".into(), b"{}".to_vec())],
        &BuildOptions::default(),
    );
    assert!(matches!(unreadable, Err(BuildError::Unreadable { .. })));
    let empty = build_files(
        &[("vulnrichment.tar".into(), vec![0; 1024])],
        &BuildOptions::default(),
    );
    assert!(matches!(empty, Err(BuildError::Unreadable { .. })));
}

fn report(severity: Severity, vector: Option<&str>) -> Advisory {
    Advisory {
        id: "CVE-2024-0001".into(),
        aliases: Vec::new(),
        covers: Vec::new(),
        title: Some("the report's title".into()),
        severity,
        cvss: vector
            .map(|vector| Cvss {
                source: "nvd".into(),
                version: "3.1".into(),
                vector: vector.into(),
                base: 5.0,
            })
            .into_iter()
            .collect(),
        vectors: Vec::new(),
        cwes: vec!["CWE-1".into(), "odd".into()],
        url: None,
        feed: None,
        published: Some(jiff::civil::date(2020, 1, 1)),
    }
}

/// A notice has no record of its own; what it collects is in force all the same, and stays what it is.
#[test]
fn a_notice_is_as_grave_as_the_worst_of_its_cves() {
    let intel = open(&feeds());
    let mut notice = report(Severity::Unknown, None);
    notice.id = "RHSA-2024:0001".into();
    notice.covers = vec!["CVE-2024-0001".into(), "CVE-2024-0002".into()];
    let known = vulnerability(
        Some(&intel),
        &["RHSA-2024:0001"],
        &[("trivy", &notice)],
        &NO_GAPS,
    );
    assert_eq!((&*known.id, known.aliases.len()), ("RHSA-2024:0001", 0));
    assert_eq!(known.epss.value().unwrap().score, 0.97);
    assert!(known.kev.value().is_some_and(|kev| kev.ransomware));
    assert_eq!(
        known.ssvc.value().unwrap().exploitation,
        Exploitation::PublicPoc
    );
    assert_eq!(
        known.severity,
        Severity::High,
        "of the vector of CVE-2024-0001"
    );
    let alone = vulnerability(None, &["RHSA-2024:0001"], &[("trivy", &notice)], &NO_GAPS);
    assert_eq!(alone.severity, Severity::Unknown);
}

#[test]
fn a_vector_without_a_score_is_scored() {
    let mut said = report(Severity::Unknown, None);
    said.id = "GHSA-xxxx-yyyy-zzzz".into();
    for vector in [
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N",
        "nonsense",
    ] {
        said.vectors.push(model::matches::Vector {
            source: "snyk".into(),
            vector: vector.into(),
        });
    }
    let known = vulnerability(None, &["GHSA-xxxx-yyyy-zzzz"], &[("snyk", &said)], &NO_GAPS);
    let scored: Vec<(&str, f64)> = known.cvss.iter().map(|c| (&*c.version, c.base)).collect();
    assert_eq!(scored, [("3.1", 9.8)]);
    assert_eq!(known.severity, Severity::Critical);
}

#[test]
fn the_database_goes_before_the_reports() {
    let intel = open(&feeds());
    let said = report(
        Severity::Low,
        Some("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"),
    );
    let v = vulnerability(
        Some(&intel),
        &["GHSA-aaaa-bbbb-cccc"],
        &[("trivy", &said)],
        &NO_GAPS,
    );
    assert_eq!(&*v.id, "CVE-2024-0001");
    assert_eq!(v.aliases.len(), 2);
    assert_eq!(v.title.as_deref(), Some("A bad thing"));
    // Version 4.0 of CISA goes before 3.1 of the CNA.
    assert_eq!(v.profile.vector, Some(AttackVector::Local));
    assert_eq!(v.severity, Severity::High);
    assert_eq!(v.cvss.len(), 3);
    assert_eq!(v.published, Some(jiff::civil::date(2024, 1, 1)));
    let cwes: Vec<&str> = v.cwes.iter().map(|cwe| &**cwe).collect();
    assert_eq!(cwes, ["CWE-1", "CWE-20", "CWE-787", "odd"]);
    let Fact::Is(ssvc) = v.ssvc else {
        panic!("{:?}", v.ssvc)
    };
    assert_eq!(
        (ssvc.exploitation, ssvc.automatable, ssvc.total_impact),
        (Exploitation::PublicPoc, true, true)
    );
    assert_eq!(v.kev, Fact::Absent);
    assert!(v.epss.value().is_some());
    assert!(v.likelihood.estimate.expected >= 0.00042);
}

#[test]
fn a_missing_feed_is_unknown_and_an_empty_answer_absent() {
    let gaps = FeedGaps {
        epss: Some(GapId(1)),
        kev: Some(GapId(2)),
        ssvc: Some(GapId(3)),
    };
    let said = report(Severity::High, None);
    let v = vulnerability(None, &["CVE-2024-0001"], &[("trivy", &said)], &gaps);
    assert_eq!(v.epss, Fact::Unknown(GapId(1)));
    assert_eq!(v.kev, Fact::Unknown(GapId(2)));
    assert_eq!(v.ssvc, Fact::Unknown(GapId(3)));
    assert_eq!(
        (v.severity, v.title.as_deref()),
        (Severity::High, Some("the report's title"))
    );
    let intel = open(&feeds());
    let v = vulnerability(Some(&intel), &["CVE-2024-4444"], &[], &NO_GAPS);
    assert_eq!(
        (v.epss, v.kev, v.ssvc),
        (Fact::Absent, Fact::Absent, Fact::Absent)
    );
    assert_eq!(v.severity, Severity::Unknown);
}

#[test]
fn severity_without_a_vector_comes_from_words() {
    let intel = open(&feeds());
    let of = |id: &str, said: &[(&str, &Advisory)]| {
        vulnerability(Some(&intel), &[id], said, &NO_GAPS).severity
    };
    assert_eq!(of("x_ONLY-1", &[]), Severity::Low);
    let high = report(
        Severity::High,
        Some("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"),
    );
    assert_eq!(of("x_ONLY-1", &[("trivy", &high)]), Severity::Low);
    assert_eq!(of("CVE-2024-5555", &[("trivy", &high)]), Severity::High);
    let silent = report(
        Severity::Unknown,
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
    );
    assert_eq!(of("CVE-2024-5555", &[("trivy", &silent)]), Severity::Medium);
}
