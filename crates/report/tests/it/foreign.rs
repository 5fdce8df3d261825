//! Trivy's and Grype's JSON reports: one artifact, every finding once, no gap lost, no name told that is hidden.

use crate::sample;
use model::assessment::Assessment;
use report::{View, grype, trivy};
use serde_json::Value;
use std::io::{self, Write};

type Writer = fn(&View, &mut dyn Write) -> io::Result<()>;

const BOTH: [(&str, Writer); 2] = [("trivy", trivy::write), ("grype", grype::write)];

fn written(assessment: &Assessment, redact_names: bool, write: Writer) -> io::Result<String> {
    let verdict = sample::failed();
    let view = View {
        redact_names,
        ..sample::view(assessment, &verdict)
    };
    let mut out = Vec::new();
    write(&view, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn parsed(assessment: &Assessment, write: Writer) -> Value {
    serde_json::from_str(&written(assessment, false, write).unwrap()).unwrap()
}

fn count(report: &Value, list: &str) -> usize {
    let results = report["Results"].as_array().unwrap();
    let lists = results.iter().filter_map(|result| result[list].as_array());
    lists.map(Vec::len).sum()
}

#[test]
fn every_finding_once() {
    for image in [
        sample::image(),
        sample::rootfs(),
        sample::clean(),
        sample::hostile_image(),
    ] {
        let open = image.findings.len() + image.unjoined.len();
        let report = parsed(&image, trivy::write);
        let lists = [
            "Vulnerabilities",
            "Misconfigurations",
            "Secrets",
            "Licenses",
        ];
        let written: usize = lists.iter().map(|list| count(&report, list)).sum();
        assert_eq!(written, open);
        assert_eq!(
            count(&report, "ExperimentalModifiedFindings"),
            image.suppressed.len()
        );
        assert_eq!(
            report["Plimsoll"]["gaps"].as_array().unwrap().len(),
            image.ledger.gaps.len()
        );

        let is =
            |f: &&model::finding::Finding| f.category == model::matches::Category::Vulnerability;
        let report = parsed(&image, grype::write);
        let open = image
            .findings
            .iter()
            .chain(&image.unjoined)
            .filter(is)
            .count();
        assert_eq!(report["matches"].as_array().unwrap().len(), open);
        let out = image.suppressed.iter().filter(is).count();
        assert_eq!(report["ignoredMatches"].as_array().unwrap().len(), out);
        assert_eq!(
            report["plimsoll"]["gaps"].as_array().unwrap().len(),
            image.ledger.gaps.len()
        );
    }
}

#[test]
fn names_that_are_hidden() {
    for (form, write) in BOTH {
        let text = written(&sample::image(), true, write).unwrap();
        assert!(
            !text.contains("ghcr.io/shop/web") && !text.contains("sha256:"),
            "{form}: {text}"
        );
    }
}

#[test]
fn one_artifact_or_none() {
    for (form, write) in BOTH {
        for (name, all) in [("shop", sample::shop()), ("empty", sample::empty())] {
            let error = written(&all, false, write).unwrap_err().to_string();
            assert!(error.contains("--format json"), "{form} {name}: {error}");
        }
    }
}

#[test]
fn nothing_steers_a_terminal() {
    for (form, write) in BOTH {
        let text = written(&sample::hostile_image(), false, write).unwrap();
        let steers = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.chars().any(steers), "{form}");
    }
}
