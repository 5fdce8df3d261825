//! `--as-deployed`: an image in the place of those of its repository, by the shop of the demo.

use crate::sample::digest;
use crate::shop::assessed;
use intel::Intelligence;
use model::assessment::Assessment;
use model::image::{ImageIdentity, ImageReference, JoinGrade};
use model::matches::MatchSet;
use model::tracking::tracking_key;
use scan::deployed::{Deployed, DeployedError};
use scan::inputs::{self, Declarations};
use scan::{Input, RiskSettings, Rulings, Settings, bundle};
use std::path::{Path, PathBuf};

const STOREFRONT: &str = "ghcr.io/harbour-shop/storefront";

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop")
}

fn intel() -> Intelligence {
    let options = intel::build::BuildOptions::default();
    let (built, _) = intel::build::build(&shop().join("feeds"), &options).unwrap();
    Intelligence::from_bytes(built.advisories, built.scores).unwrap()
}

/// What the shop's scanners say of one image, as if it had been built anew under another name.
fn rebuilt(of: &str, as_reference: &str) -> Vec<MatchSet> {
    let (mut sets, _) = inputs::reports(&[shop().join("reports")]).unwrap();
    for set in &mut sets {
        let mine = |name: &str| name.starts_with(of);
        let keep: Vec<bool> = set.artifacts.iter().map(|a| mine(&a.name)).collect();
        set.matches.retain(|one| keep[one.artifact as usize]);
        for artifact in &mut set.artifacts {
            artifact.identity = ImageIdentity::default();
            if mine(&artifact.name) {
                artifact.name = as_reference.into();
                artifact.identity.config = Some(digest('9').into());
                artifact.identity.references = vec![ImageReference::parse(as_reference).unwrap()];
            } else {
                artifact.name = "elsewhere".into();
            }
        }
        let first = keep.iter().position(|keep| *keep);
        match first {
            // The other artifacts of the report are no part of this.
            Some(at) => {
                set.artifacts = vec![set.artifacts[at].clone()];
                for one in &mut set.matches {
                    one.artifact = 0;
                }
            }
            None => set.artifacts.clear(),
        }
    }
    sets.retain(|set| !set.artifacts.is_empty());
    assert!(!sets.is_empty());
    sets
}

fn saved(folder: &Path) -> PathBuf {
    let (snapshot, assessment) = assessed();
    let file = folder.join("shop.plimsoll");
    let out = std::fs::File::create(&file).unwrap();
    bundle::write(Some(&snapshot), &assessment, out).unwrap();
    file
}

fn judge(
    sets: Vec<MatchSet>,
    deployed: Option<&Deployed>,
    declarations: &Declarations,
    now: &str,
) -> Assessment {
    let settings = Settings {
        now: now.parse().unwrap(),
        tool_version: "test".into(),
        risk: RiskSettings::default(),
    };
    let intel = intel();
    let input = Input {
        spoken_of: std::collections::BTreeSet::new(),
        inventories: Vec::new(),
        snapshot: None,
        sources: &[],
        tree: None,
        sets,
        intel: Some(&intel),
        declarations,
        gaps: Vec::new(),
    };
    match deployed {
        Some(deployed) => scan::assess_deployed(input, &Rulings::default(), deployed, &settings),
        None => scan::assess(input, &settings),
    }
}

const NOW: &str = "2026-08-16T12:00:00Z";

fn best(assessment: &Assessment, id: &str, image: &str) -> f64 {
    assessment
        .findings
        .iter()
        .filter(|f| &*f.id == id)
        .filter(|f| {
            let image_of = &assessment.images[f.image.unwrap() as usize];
            image_of.name.starts_with(image)
        })
        .flat_map(|f| &f.scores)
        .map(|n| assessment.scores[*n as usize].points.expected)
        .fold(f64::NAN, f64::max)
}

fn classes(assessment: &Assessment) -> Vec<&str> {
    let gaps = assessment.ledger.gaps.iter();
    gaps.map(|gap| &*gap.class).collect()
}

#[test]
fn an_image_takes_the_place_of_those_of_its_repository() {
    let folder = tempfile::tempdir().unwrap();
    let deployed = Deployed::read(&saved(folder.path()), None, 7).unwrap();
    let sets = rebuilt(STOREFRONT, "ghcr.io/harbour-shop/storefront:next");
    let declared = inputs::declarations(&shop().join("plimsoll.yaml")).unwrap();
    let here = judge(sets.clone(), Some(&deployed), &declared, NOW);
    let (_, cluster) = assessed();
    let id = "CVE-2021-41773";
    assert!(
        (best(&here, id, STOREFRONT) - best(&cluster, id, STOREFRONT)).abs() < 1.0,
        "{} and {}",
        best(&here, id, STOREFRONT),
        best(&cluster, id, STOREFRONT)
    );
    let alone = judge(sets, None, &declared, NOW);
    assert!(best(&here, id, STOREFRONT) > best(&alone, id, STOREFRONT) + 5.0);

    // Only what is about it.
    assert_eq!(here.images.len(), 1);
    assert!(here.findings.iter().all(|finding| finding.image == Some(0)));
    assert_eq!(here.findings.len(), alone.findings.len());
    assert!(here.unjoined.is_empty());
    let names: Vec<String> = here
        .workloads
        .iter()
        .map(|w| w.object.to_string())
        .collect();
    assert_eq!(names, ["Deployment shop/storefront"]);
    assert!(
        here.placements
            .iter()
            .all(|p| p.grade == JoinGrade::Repository)
    );
    assert!(!here.paths.is_empty() && here.paths.len() < cluster.paths.len());
    assert!(!classes(&here).contains(&"image-not-scanned"));
    let told = here
        .ledger
        .gaps
        .iter()
        .find(|gap| &*gap.class == "as-deployed");
    let told = &told.unwrap().what;
    assert!(
        told.contains("1 workload, Deployment shop/storefront"),
        "{told}"
    );
    // Known from scan to scan by the same keys, deployed or not.
    let keys = |all: &Assessment| {
        let mut keys: Vec<String> = all
            .findings
            .iter()
            .map(|finding| tracking_key(all, finding, str::to_owned))
            .collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&here), keys(&alone));
    // Every index is sound: it can be saved and read again.
    let mut bytes = Vec::new();
    bundle::write(None, &here, &mut bytes).unwrap();
    assert_eq!(
        bundle::read(&*bytes).unwrap().assessment.findings,
        here.findings
    );
}

#[test]
fn what_was_declared_of_the_workloads_raises_without_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let deployed = Deployed::read(&saved(folder.path()), None, 7).unwrap();
    let sets = rebuilt(STOREFRONT, "ghcr.io/harbour-shop/storefront:next");
    let here = judge(sets, Some(&deployed), &Declarations::default(), NOW);
    let (_, cluster) = assessed();
    let then = cluster
        .workloads
        .iter()
        .find(|w| &*w.key.name == "storefront")
        .unwrap();
    let now = &here.workloads[0];
    assert_eq!(now.criticality.value, then.criticality.value);
    assert_eq!(
        (&now.owner, now.environment),
        (&then.owner, then.environment)
    );
    let said = |all: &Assessment, w: &model::workload::Workload| -> Vec<String> {
        let because = w.criticality.because.iter();
        let because = because.map(|id| all.ledger.evidence[id.0 as usize].statement.to_string());
        because.collect()
    };
    assert_eq!(said(&here, now), said(&cluster, then));
}

#[test]
fn nowhere_old_and_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = saved(folder.path());
    let sets = rebuilt(STOREFRONT, "registry.ci/builds/storefront:42");
    let declared = Declarations::default();
    let deployed = Deployed::read(&file, None, 7).unwrap();
    let nowhere = judge(sets.clone(), Some(&deployed), &declared, NOW);
    assert!(classes(&nowhere).contains(&"deployed-nowhere"));
    let alone = judge(sets.clone(), None, &declared, NOW);
    let id = "CVE-2021-41773";
    let of = "registry.ci";
    assert!((best(&nowhere, id, of) - best(&alone, id, of)).abs() < 1e-9);
    assert_eq!(nowhere.workloads.len(), 0);

    let deployed = Deployed::read(&file, Some("ghcr.io/harbour-shop/storefront"), 7).unwrap();
    let named = judge(sets.clone(), Some(&deployed), &declared, NOW);
    assert_eq!(named.workloads.len(), 1);
    assert!(!classes(&named).contains(&"deployed-stale"));
    let later = judge(sets, Some(&deployed), &declared, "2026-08-24T12:00:00Z");
    assert!(classes(&later).contains(&"deployed-stale"));
}

#[test]
fn what_is_no_cluster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("image.plimsoll");
    let alone = judge(
        rebuilt(STOREFRONT, "ghcr.io/harbour-shop/storefront:next"),
        None,
        &Declarations::default(),
        NOW,
    );
    bundle::write(None, &alone, std::fs::File::create(&file).unwrap()).unwrap();
    let refused = Deployed::read(&file, None, 7);
    assert!(matches!(refused, Err(DeployedError::NoCluster { .. })));
    let refused = Deployed::read(&file, Some("Not A Name"), 7);
    assert!(matches!(refused, Err(DeployedError::Repository(_))));
    std::fs::write(&file, "{}").unwrap();
    let refused = Deployed::read(&file, None, 7);
    assert!(matches!(refused, Err(DeployedError::Bundle { .. })));
}
