//! JSON, SARIF, CSV and Markdown: what scripts rely on, what is never lost, what never steers.

use crate::sample;
use model::assessment::Assessment;
use report::sarif::SarifOptions;
use report::{View, csv, json, markdown, sarif};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Writes one format.
type Writer = fn(&View, &mut dyn Write) -> io::Result<()>;

fn written(
    assessment: &Assessment,
    redact_names: bool,
    write: impl Fn(&View, &mut dyn Write) -> io::Result<()>,
) -> String {
    let verdict = sample::failed();
    let mut view = sample::view(assessment, &verdict);
    view.redact_names = redact_names;
    let mut out = Vec::new();
    write(&view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn as_json(assessment: &Assessment) -> Value {
    serde_json::from_str(&written(assessment, false, json::write)).unwrap()
}

fn write_sarif(view: &View, out: &mut dyn Write) -> io::Result<()> {
    sarif::write(view, &SarifOptions::default(), out)
}

fn as_sarif(assessment: &Assessment) -> Value {
    serde_json::from_str(&written(assessment, false, write_sarif)).unwrap()
}

#[test]
fn json_of_the_shop() {
    let pretty = serde_json::to_string_pretty(&as_json(&sample::shop())).unwrap();
    insta::assert_snapshot!(pretty);
}

#[test]
fn sarif_of_the_shop() {
    let pretty = serde_json::to_string_pretty(&as_sarif(&sample::shop())).unwrap();
    insta::assert_snapshot!(pretty);
}

#[test]
fn csv_of_the_shop() {
    insta::assert_snapshot!(written(&sample::shop(), false, csv::write));
}

#[test]
fn markdown_of_the_shop() {
    insta::assert_snapshot!(written(&sample::shop(), false, markdown::write));
}

#[test]
fn markdown_with_redacted_names() {
    insta::assert_snapshot!(written(&sample::shop(), true, markdown::write));
}

/// `cargo xtask gen` writes them, as PLIMSOLL_GENERATE=1 does here.
fn generated(name: &str, schema: &Value) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let path = folder.join(name);
    let now = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::var_os("PLIMSOLL_GENERATE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, &now).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == now,
        "docs/schema/{name} is old: cargo xtask gen"
    );
}

#[test]
fn generated_schema_of_the_json_report() {
    generated("report-v1.json", &json::schema());
}

#[test]
fn generated_schema_of_the_evidence_of_a_node() {
    generated("node-v1.json", &report::node::schema());
}

#[test]
fn generated_schemas_of_benchmarks() {
    generated("cis-v1.json", &report::benchmark::cis_schema());
    generated("fix-v1.json", &report::remedy::schema());
    generated("checklist-v1.json", &report::benchmark::checklist_schema());
}

#[test]
fn generated_schemas_of_rights() {
    generated("who-can-v1.json", &report::rights::who_schema());
    generated("can-v1.json", &report::rights::can_schema());
}

#[test]
fn names_that_scripts_rely_on() {
    let json = as_json(&sample::shop());
    for key in [
        "formatVersion",
        "verdict",
        "reasons",
        "coverage",
        "about",
        "findings",
        "suppressed",
        "unjoined",
        "actions",
        "paths",
        "cuts",
        "images",
        "workloads",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    let finding = &json["findings"][0];
    for key in [
        "id",
        "category",
        "severity",
        "aliases",
        "object",
        "source",
        "image",
        "package",
        "fixed_version",
        "status",
        "reasons",
        "score",
    ] {
        assert!(finding.get(key).is_some(), "{key}");
    }
    assert_eq!(finding["object"]["kind"], "Deployment");
    assert_eq!(finding["package"]["type"], "deb");
    assert_eq!(json["findings"][3]["source"]["line"], 23);
    assert_eq!(
        json["paths"][0]["edges"][2]["changeable"][0]["structural"],
        true
    );
}

#[test]
fn nothing_is_lost_and_nothing_stands_in_two_lists() {
    let json = as_json(&sample::shop());
    let mut seen = BTreeSet::new();
    for (list, expected) in [("findings", 5), ("suppressed", 1), ("unjoined", 1)] {
        let all = json[list].as_array().unwrap();
        assert_eq!(all.len(), expected, "{list}");
        for finding in all {
            let key = (
                finding["tracking_key"].to_string(),
                finding["id"].to_string(),
            );
            assert!(seen.insert(key), "{finding} stands twice");
        }
    }
    let gaps = json["coverage"]["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), sample::shop().ledger.gaps.len());
}

#[test]
fn a_fingerprint_does_not_know_tags_versions_lines_or_scores() {
    let keys = |assessment: &Assessment| -> Vec<Value> {
        let sarif = as_sarif(assessment);
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|r| r["partialFingerprints"].clone())
            .collect()
    };
    let before = sample::shop();
    let mut after = sample::shop();
    after.images[0].name = "ghcr.io/shop/web:9.9.9".into();
    after.images[0].identity.manifests = vec![format!("sha256:{}", "9".repeat(64)).into()];
    let references = &mut after.images[0].identity.references;
    references[0].tag = Some("9.9.9".into());
    after.packages[0].version = "9".into();
    after.packages[0].purl = Some("pkg:deb/debian/libssl3@9?arch=arm64".into());
    after.scores.swap(0, 1);
    after.findings[3].source.as_mut().unwrap().line = 99;
    assert_eq!(keys(&before), keys(&after));
    after.vulnerabilities[0].id = "CVE-2026-3333".into();
    after.findings[0].id = "CVE-2026-3333".into();
    assert_ne!(keys(&before), keys(&after));
}

#[test]
fn sarif_keeps_the_worst_and_says_what_it_cut() {
    let sarif = as_sarif(&sample::generated(6_000));
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 5_000);
    let notes = run["invocations"][0]["toolExecutionNotifications"]
        .as_array()
        .unwrap();
    let cut = notes.iter().find(|n| {
        n["message"]["text"]
            .as_str()
            .unwrap()
            .starts_with("5,000 of 6,006")
    });
    assert!(cut.is_some(), "{notes:?}");
}

#[test]
fn split_writes_a_private_file_for_each_image() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("sarif");
    let (shop, verdict) = (sample::shop(), sample::failed());
    let view = sample::view(&shop, &verdict);
    let files = sarif::split(&view, &SarifOptions::default(), &folder).unwrap();
    let mut categories = BTreeSet::new();
    let mut results = 0;
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let sarif: Value = serde_json::from_str(&text).unwrap();
        let run = &sarif["runs"][0];
        results += run["results"].as_array().unwrap().len();
        categories.insert(run["automationDetails"]["id"].to_string());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }
    assert_eq!((files.len(), categories.len(), results), (4, 4, 6));
}

#[test]
fn no_format_lets_a_name_steer() {
    let hostile = sample::hostile();
    for (format, text) in [
        ("json", written(&hostile, false, json::write)),
        ("sarif", written(&hostile, false, write_sarif)),
        ("csv", written(&hostile, false, csv::write)),
        ("markdown", written(&hostile, false, markdown::write)),
    ] {
        for c in text.chars() {
            let steers = c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!steers, "{format}: {c:?}");
        }
    }
    // The value itself is kept for programs.
    assert_eq!(as_json(&hostile)["findings"][0]["image"], sample::HOSTILE);
    for record in written(&hostile, false, csv::write).lines().skip(1) {
        for cell in record.split(',') {
            let cell = cell.trim_start_matches('"');
            assert!(!cell.starts_with(['=', '@', '+']), "{cell}");
        }
    }
}

#[test]
fn redaction_leaves_no_name_in_any_format() {
    let shop = sample::shop();
    for (format, text) in [
        ("json", written(&shop, true, json::write)),
        ("sarif", written(&shop, true, write_sarif)),
        ("csv", written(&shop, true, csv::write)),
        ("markdown", written(&shop, true, markdown::write)),
    ] {
        for name in [
            "shop",
            "web",
            "batch",
            "report:3",
            "prod\"",
            "cart",
            "team-checkout",
            "web-admin",
            "aaaa",
        ] {
            // `report.json` and the like are words of ours.
            assert!(!text.contains(name), "{format} tells {name}:\n{text}");
        }
        assert!(text.contains("namespace-1"), "{format}");
    }
    let json: Value = serde_json::from_str(&written(&shop, true, json::write)).unwrap();
    assert_eq!(
        json["findings"][0]["object"]["name"],
        json["findings"][3]["object"]["name"]
    );
}

#[test]
fn markdown_fits_a_comment() {
    for assessment in [sample::generated(25_000), sample::hostile(), long()] {
        let text = written(&assessment, false, markdown::write);
        assert!(text.len() < 65_536, "{} bytes", text.len());
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
    }
}

/// Takes what a report writes and keeps only how much, and the largest piece.
#[derive(Default)]
struct Sink {
    total: usize,
    largest: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.total += bytes.len();
        self.largest = self.largest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn large_reports_are_streamed() {
    let (large, verdict) = (sample::generated(25_000), sample::failed());
    let view = sample::view(&large, &verdict);
    for (format, write, most) in [
        (
            "json",
            json::write as fn(&View, &mut dyn Write) -> io::Result<()>,
            50_000_000,
        ),
        ("csv", csv::write, 15_000_000),
        ("html", report::html::write, 8_000_000),
    ] {
        let mut sink = Sink::default();
        write(&view, &mut sink).unwrap();
        assert!(
            sink.largest < 100_000,
            "{format}: {} bytes at once",
            sink.largest
        );
        assert!(
            (2_000_000..most).contains(&sink.total),
            "{format}: {} bytes",
            sink.total
        );
    }
}

/// Every text is a long one, and there are many actions and gaps.
fn long() -> Assessment {
    let mut a = sample::shop();
    let long = "x|y<".repeat(5_000);
    for i in 0..500 {
        let mut gap = a.ledger.gaps[0].clone();
        gap.class = format!("class-{i}").into();
        gap.what = long.as_str().into();
        a.ledger.gap(gap);
        let mut action = a.actions[0].clone();
        action.title = long.as_str().into();
        action.exact = vec![long.as_str().into()];
        a.actions.insert(0, action);
    }
    a
}

/// An index that points nowhere, as a hostile bundle may have it, is no panic.
#[test]
fn wrong_indices_are_survived() {
    let mut a = sample::shop();
    for finding in &mut a.findings {
        finding.image = finding.image.map(|_| 999);
        finding.package = Some(999);
        finding.vulnerability = Some(u32::MAX);
        finding.scores = vec![999];
        finding.matches[0].set = 999;
    }
    a.actions[0].closes = vec![999];
    a.actions[0].workloads = vec![999];
    a.placements[0].runs_in.as_mut().unwrap().workload = 999;
    a.placements[1].runs_in.as_mut().unwrap().container = 999;
    a.paths[0].edges[0].evidence = vec![model::evidence::EvidenceId(999)];
    for write in [json::write, csv::write, markdown::write, write_sarif] {
        assert!(!written(&a, false, write).is_empty());
        assert!(!written(&a, true, write).is_empty());
    }
}

/// The shop's images and findings as they are told when no cluster was looked at.
#[test]
fn without_a_cluster_no_format_speaks_of_a_workload() {
    let mut a = sample::shop();
    a.about.origin = None;
    a.about.cluster_name = None;
    for placement in &mut a.placements {
        placement.runs_in = None;
    }
    for action in &mut a.actions {
        action.workloads.clear();
    }
    for finding in &mut a.findings {
        finding.object = None;
        finding.source = None;
    }
    a.workloads.clear();
    a.unjoined.clear();
    a.suppressed.clear();
    for (write, said) in [
        (json::write as Writer, "\"object\":null"),
        (markdown::write, "not seen in a cluster"),
        (markdown::write, "no cluster was looked at"),
        (write_sarif, "not seen in a cluster: exposure unknown"),
    ] {
        let text = written(&a, false, write);
        assert!(text.contains(said), "{said}: {text}");
        assert!(!text.contains("in no workloads"), "{text}");
    }
    let text = written(&a, false, csv::write);
    let open = text.lines().filter(|line| line.starts_with("open,"));
    assert_eq!(open.count(), a.findings.len());
}
