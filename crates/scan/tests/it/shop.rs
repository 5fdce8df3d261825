//! The shop of the demo, end to end: what the product promises in one picture.

use model::assessment::Assessment;
use model::snapshot::Snapshot;
use scan::inputs;
use scan::{Input, Settings};
use std::path::{Path, PathBuf};

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop")
}

/// The demo's scan, from files.
pub(crate) fn assessed() -> (Snapshot, Assessment) {
    let sources = [inputs::Source::Path(shop().join("k8s"))];
    let snapshot = inputs::manifests(&sources, None, [0; 32]).unwrap();
    let assessment = assess_shop(&snapshot, &sources, None);
    (snapshot, assessment)
}

/// A cluster with what the shop's scanners, feeds and people say.
pub(crate) fn assess_shop(
    snapshot: &Snapshot,
    sources: &[inputs::Source],
    tree: Option<&inputs::SourceTree>,
) -> Assessment {
    let now = "2026-08-16T12:00:00Z".parse().unwrap();
    let (sets, gaps) = inputs::reports(&[shop().join("reports")]).unwrap();
    let (built, _) = intel::build::build(
        &shop().join("feeds"),
        &intel::build::BuildOptions::default(),
    )
    .unwrap();
    let intel = intel::Intelligence::from_bytes(built.advisories, built.scores).unwrap();
    let declarations = inputs::declarations(&shop().join("plimsoll.yaml")).unwrap();
    let settings = Settings {
        now,
        tool_version: "test".into(),
        risk: scan::RiskSettings::default(),
    };
    let input = Input {
        inventories: Vec::new(),
        snapshot: Some(snapshot),
        sources,
        tree,
        sets,
        intel: Some(&intel),
        declarations: &declarations,
        gaps,
        spoken_of: std::collections::BTreeSet::new(),
    };
    scan::assess(input, &settings)
}

/// The best score of a vulnerability in a workload.
fn points(assessment: &Assessment, id: &str, workload: &str) -> f64 {
    let mut best = f64::NAN;
    for finding in assessment
        .findings
        .iter()
        .filter(|finding| &*finding.id == id)
    {
        let image = &assessment.images[finding.image.unwrap() as usize];
        for (placement, score) in image.placements.iter().zip(&finding.scores) {
            let placement = &assessment.placements[*placement as usize];
            let at = placement.runs_in.unwrap();
            if &*assessment.workloads[at.workload as usize].key.name == workload {
                best = best.max(assessment.scores[*score as usize].points.expected);
            }
        }
    }
    best
}

#[test]
fn a_75_with_high_epss_at_the_front_is_far_above_a_98_in_an_isolated_job() {
    let (_, assessment) = assessed();
    let front = points(&assessment, "CVE-2021-41773", "storefront");
    let job = points(&assessment, "CVE-2024-45490", "report-builder");
    assert!(
        front > 80.0 && job < 50.0 && front - job > 35.0,
        "storefront {front}, report-builder {job}"
    );
}

#[test]
fn every_match_of_both_reports_is_counted_once() {
    let (_, assessment) = assessed();
    let cited: usize = assessment
        .findings
        .iter()
        .chain(&assessment.suppressed)
        .chain(&assessment.unjoined)
        .map(|f| f.matches.len())
        .sum();
    assert_eq!(cited as u64, assessment.coverage.matches);
    let by = |finding: &model::finding::Finding| {
        let suppression = finding.suppression.as_ref();
        suppression.map(|suppression| suppression.by.to_string())
    };
    // Trivy still says what Grype was told to ignore.
    assert!(
        assessment
            .suppressed
            .iter()
            .all(|finding| by(finding).as_deref() == Some("provider"))
    );
}

#[test]
fn a_path_of_five_edges_and_its_cut_are_found() {
    let (_, assessment) = assessed();
    let to_admin = assessment
        .paths
        .iter()
        .filter(|path| path.sink.contains("cluster-admin"));
    let longest = to_admin.map(|path| path.edges.len()).max();
    assert!(longest >= Some(4), "{:#?}", assessment.paths);
    let cut = assessment
        .cuts
        .iter()
        .find(|cut| cut.sink.contains("cluster-admin"))
        .unwrap();
    assert!(!cut.changes.is_empty());
}

#[test]
fn what_no_report_speaks_of_is_a_gap_not_a_zero() {
    let (_, assessment) = assessed();
    let unscanned: Vec<_> = assessment
        .ledger
        .gaps
        .iter()
        .filter(|gap| &*gap.class == "image-not-scanned")
        .map(|gap| &*gap.scope)
        .collect();
    assert_eq!(
        unscanned,
        [
            "image docker.io/calico/node:v3.28.1",
            "image ghcr.io/harbour-shop/deployer:0.8.2"
        ]
    );
    assert_eq!(
        (
            assessment.coverage.images,
            assessment.coverage.images_scanned
        ),
        (7, 5)
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let bytes = |assessment: &Assessment| serde_json::to_vec(assessment).unwrap();
    assert_eq!(bytes(&assessed().1), bytes(&assessed().1));
}
