//! Identities are united over digests, never over tags; the grade of each join is evidence.

use crate::sample::{digest, inventory, set};
use model::image::JoinGrade;
use scan::join::join;

/// Joins one report of one image with one container; `None`: not joined.
fn check(
    references: &[&str],
    digests: &[String],
    image: &str,
    running: &[String],
    expected: Option<JoinGrade>,
) {
    let images = join(
        &[set("trivy", references, digests, &[])],
        Some(&inventory(&[(image, running)])),
    );
    assert_eq!(
        images
            .joins
            .iter()
            .find(|join| !images.images[join.image as usize].tools.is_empty())
            .map(|join| join.grade),
        expected,
        "{references:?} {digests:?} with {image} {running:?}"
    );
    let gap = images.gaps.first().map(|gap| gap.class.to_string());
    let said = match expected {
        None => Some("image-not-scanned".to_owned()),
        Some(JoinGrade::Tag) => Some("joined-by-tag".to_owned()),
        Some(_) => None,
    };
    assert_eq!(gap, said, "what is not sure is said");
}

#[test]
fn the_surest_join_wins() {
    let (a, b) = (digest('a'), digest('b'));
    let pinned = format!("nginx:1@{a}");
    let other = format!("nginx:1@{b}");
    check(
        &["nginx:1"],
        std::slice::from_ref(&a),
        "nginx:1",
        std::slice::from_ref(&a),
        Some(JoinGrade::Digest),
    );
    check(
        &["nginx:1"],
        std::slice::from_ref(&a),
        &pinned,
        &[],
        Some(JoinGrade::Digest),
    );
    check(&["nginx:1"], &[], &pinned, &[], None);
    check(
        &["nginx:1"],
        std::slice::from_ref(&a),
        "nginx:1",
        &[],
        Some(JoinGrade::Tag),
    );
    check(
        &["nginx"],
        &[],
        "docker.io/library/nginx:latest",
        &[],
        Some(JoinGrade::Tag),
    );
    check(&["nginx:1"], std::slice::from_ref(&a), &other, &[], None);
    check(&["nginx:1"], std::slice::from_ref(&a), "nginx:2", &[], None);
    check(&["nginx:1"], &[], "reg.example/nginx:1", &[], None);
    // The kubelet names another repository's digest: the digest decides.
    check(
        &["nginx:1"],
        std::slice::from_ref(&a),
        "mirror.example/n:1",
        std::slice::from_ref(&a),
        Some(JoinGrade::Digest),
    );
    // The digest that runs is unknown to the report: the tag may be another build.
    check(
        &["nginx:1"],
        std::slice::from_ref(&a),
        "nginx:1",
        std::slice::from_ref(&b),
        Some(JoinGrade::Tag),
    );
}

#[test]
fn artifacts_unite_over_digests_only() {
    let (a, b) = (digest('a'), digest('b'));
    let trivy = set("trivy", &["nginx:1"], std::slice::from_ref(&a), &[]);
    let grype = set(
        "grype",
        &["mirror.example/n:1"],
        &[a.clone(), b.clone()],
        &[],
    );
    let third = set("snyk", &["nginx:1"], std::slice::from_ref(&b), &[]);
    let untied = set("harbor", &["nginx:1"], &[], &[]);
    let images = join(&[trivy, grype, third, untied], Some(&inventory(&[])));
    assert_eq!(images.images.len(), 2);
    assert_eq!(images.of, [[0], [0], [0], [1]]);
    assert_eq!(
        images.images[0]
            .tools
            .iter()
            .map(|tool| &**tool)
            .collect::<Vec<_>>(),
        ["grype", "snyk", "trivy"]
    );
}

#[test]
fn several_builds_under_one_tag_are_a_finding() {
    let (a, b) = (digest('a'), digest('b'));
    let pinned = format!("nginx:1@{a}");
    let inventory = inventory(&[
        ("nginx:1", &[a.clone(), b.clone()]),
        ("nginx:2", std::slice::from_ref(&a)),
        (&pinned, &[a.clone(), b.clone()]),
        ("nginx:3", &[]),
    ]);
    let found = scan::drift::findings(&inventory);
    let objects: Vec<_> = found
        .iter()
        .filter_map(|finding| finding.object.as_ref())
        .map(|object| &*object.name)
        .collect();
    assert_eq!(objects, ["w0"]);
}

#[test]
fn without_a_cluster_each_artifact_has_one_place() {
    let sets = [
        set("trivy", &["nginx:1"], &[digest('a')], &[]),
        set("grype", &["redis:7"], &[digest('b')], &[]),
    ];
    let alone = join(&sets, None);
    let places: Vec<_> = alone.joins.iter().map(|j| (j.image, j.runs_in)).collect();
    assert_eq!(places, [(0, None), (1, None)]);
    assert_eq!(alone.images[1].placements, [1]);
    assert!(alone.gaps.is_empty());
    // Where a cluster was looked at, what runs nowhere in it has no place.
    let empty = join(&sets, Some(&inventory(&[])));
    assert!(empty.joins.is_empty());
    assert!(empty.images.iter().all(|image| image.placements.is_empty()));
}
