//! Rule 14: findings and fixes of live objects point to the files that the objects come from.

use crate::shop::assess_shop;
use model::assessment::Assessment;
use model::object::SourceSpan;
use model::snapshot::{Origin, Place, Snapshot};
use scan::inputs::{self, SourceTree};
use std::path::{Path, PathBuf};

fn k8s() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/k8s")
}

fn read(folder: &Path) -> Snapshot {
    inputs::manifests(&[inputs::Source::Path(folder.to_owned())], None, [0; 32]).unwrap()
}

/// The same objects as a server would give them.
fn live(mut snapshot: Snapshot) -> Snapshot {
    snapshot.origin = Origin::Live;
    snapshot.files.clear();
    for object in &mut snapshot.objects {
        object.place = Place::Server;
    }
    snapshot
}

fn tree(folder: &Path) -> SourceTree {
    inputs::source_tree(&[folder.to_owned()], None, [1; 32]).unwrap()
}

fn joined(folder: &Path) -> Assessment {
    let tree = tree(folder);
    assess_shop(&live(read(&k8s())), &[], Some(&tree))
}

/// Sources of the findings of an image, by finding and image.
fn sources(assessment: &Assessment) -> Vec<(String, Option<SourceSpan>)> {
    let name = |f: &model::finding::Finding| {
        let image = f
            .image
            .map(|n| assessment.images[n as usize].name.to_string());
        format!("{} {}", f.id, image.unwrap_or_default())
    };
    let all = assessment.findings.iter();
    let mut all: Vec<_> = all.map(|f| (name(f), f.source.clone())).collect();
    all.sort();
    all
}

fn span_of(assessment: &Assessment, workload: &str) -> Option<SourceSpan> {
    let found = assessment
        .workloads
        .iter()
        .find(|w| &*w.key.name == workload);
    found.unwrap().source.clone()
}

#[test]
fn a_live_cluster_points_into_its_source_as_files_do() {
    let files = assess_shop(&read(&k8s()), &[inputs::Source::Path(k8s())], None);
    let joined = joined(&k8s());
    let expected = sources(&files);
    assert!(expected.iter().filter(|(_, span)| span.is_some()).count() > 40);
    assert_eq!(sources(&joined), expected);
    let cited = |a: &Assessment| {
        a.ledger
            .evidence
            .iter()
            .filter(|e| e.source.is_some())
            .count()
    };
    assert!(cited(&joined) > 5);
    // Without a source nothing of a live cluster has a place in a file.
    let alone = assess_shop(&live(read(&k8s())), &[], None);
    assert!(sources(&alone).iter().all(|(_, span)| span.is_none()));
    assert_eq!(cited(&alone), 0);
}

#[test]
fn the_fix_of_a_managed_object_is_offered_at_its_source() {
    let exact: Vec<String> = joined(&k8s())
        .actions
        .iter()
        .flat_map(|action| action.exact.iter().map(ToString::to_string))
        .collect();
    let managed = "at its source (helm ingress-nginx/ingress-nginx, ";
    let line = exact.iter().find(|line| line.starts_with(managed));
    assert!(
        line.is_some_and(|line| line.contains("k8s/ingress-nginx.yaml:")),
        "{exact:#?}"
    );
}

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: storefront, namespace: shop }\n\
    spec: { template: { spec: { containers: [{ name: httpd, image: a }] } } }\n";

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) -> Assessment {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let joined = joined(folder.path());
    let span = span_of(&joined, "storefront").map_or_else(String::new, |span| span.to_string());
    let prefix = format!("{}/", folder.path().display());
    assert_eq!(span.replace(&prefix, ""), expected, "{files:?}");
    // What has no counterpart stays as it is.
    assert_eq!(span_of(&joined, "postgres"), None);
    joined
}

#[test]
fn objects_are_joined_by_kind_namespace_and_name() {
    check(&[("a.yaml", WEB)], "a.yaml:4:21");
    check(&[("a.yaml", &WEB.replace("storefront", "store"))], "");
    check(&[("a.yaml", &WEB.replace("Deployment", "StatefulSet"))], "");
    check(
        &[(
            "a.yaml",
            &WEB.replace("namespace: shop", "namespace: default"),
        )],
        "",
    );
    // No namespace is said, and one namespace has such an object.
    check(
        &[("a.yaml", &WEB.replace(", namespace: shop", ""))],
        "a.yaml:4:21",
    );
    let rendered = format!("---\n# Source: shop/templates/web.yaml\n{WEB}");
    check(
        &[("a.yaml", &rendered)],
        "a.yaml:6:21 from shop/templates/web.yaml",
    );
}

#[test]
fn two_files_that_define_one_object_are_both_said() {
    let both = check(
        &[("a.yaml", WEB), ("b.yaml", &format!("# overlay\n{WEB}"))],
        "a.yaml:4:21 or b.yaml:5:21",
    );
    let span = span_of(&both, "storefront").unwrap();
    assert_eq!(span.alternatives.len(), 1);
    let unsaid = WEB.replace(", namespace: shop", "");
    check(
        &[("a.yaml", WEB), ("b.yaml", &unsaid)],
        "a.yaml:4:21 or b.yaml:4:21",
    );
}

#[test]
fn a_name_that_several_namespaces_have_is_joined_to_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: NAME }\n";
    let twice = |ns: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{ name: twin, namespace: {ns} }}\n---\n"
        )
    };
    std::fs::write(folder.path().join("a.yaml"), text.replace("NAME", "twin")).unwrap();
    let cluster = tempfile::tempdir().unwrap();
    std::fs::write(cluster.path().join("c.yaml"), twice("a") + &twice("b")).unwrap();
    let tree = tree(folder.path());
    let assessment = assess_shop(&live(read(cluster.path())), &[], Some(&tree));
    let gap = assessment
        .ledger
        .gaps
        .iter()
        .find(|gap| &*gap.class == "source-ambiguous");
    assert!(gap.is_some_and(|gap| gap.what.contains("ServiceAccount twin")));
}

#[test]
fn a_template_in_the_source_hides_nothing_of_the_cluster() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("Chart.yaml"), "name: x\n").unwrap();
    std::fs::write(folder.path().join("templates/a.yaml"), "kind: {{ .x }}\n").unwrap();
    std::fs::write(folder.path().join("web.yaml"), WEB).unwrap();
    let gaps = tree(folder.path()).files.gaps;
    assert!(!gaps.is_empty());
    assert!(
        gaps.iter()
            .all(|gap| gap.weight == model::evidence::GapWeight::Notice)
    );
}
