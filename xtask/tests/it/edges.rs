//! The map of crates: which crate may depend on which, and where heavy dependencies live.
//! The same map is drawn in ARCHITECTURE.md.

use super::{none, root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// Allowed edges inside the workspace.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("semantics", &["model"]),
    ("intel", &["model"]),
    ("image", &["model"]),
    ("ingest", &["model"]),
    ("risk", &["model"]),
    ("report", &["model"]),
    ("cluster", &["model", "semantics"]),
    ("checks", &["model", "semantics"]),
    ("network", &["model", "semantics"]),
    ("paths", &["model", "semantics", "network"]),
    (
        "scan",
        &[
            "model",
            "semantics",
            "intel",
            "image",
            "ingest",
            "risk",
            "cluster",
            "checks",
            "network",
            "paths",
        ],
    ),
    ("plimsoll", &["model", "scan", "report"]),
    // For development only: recorded servers, the bars, the backtest.
    ("testkit", &["model", "semantics"]),
    ("benches", &["intel", "model", "scan", "testkit"]),
    ("xtask", &["model", "intel", "risk"]),
];

/// Heavy dependencies and the crates that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("kube", &["cluster"]),
    ("kube-cel", &["checks"]),
    ("k8s-openapi", &["cluster"]),
    ("h2", &["image"]),
    ("reqwest", &["image", "scan"]),
    ("minijinja", &["report"]),
    ("memmap2", &["intel"]),
    ("clap", &["plimsoll", "xtask"]),
    ("indicatif", &["plimsoll"]),
    ("anyhow", &["plimsoll", "xtask", "benches"]),
];

struct Edge {
    from: String,
    to: String,
    development: bool,
}

fn edges() -> Vec<Edge> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo metadata starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut edges = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            edges.push(Edge {
                from: package["name"].as_str().expect("a name").to_owned(),
                to: dependency["name"].as_str().expect("a name").to_owned(),
                development: dependency["kind"] == "dev",
            });
        }
    }
    assert!(
        edges.len() > EDGES.len(),
        "cargo metadata shows hardly any dependency"
    );
    edges
}

#[test]
fn crates_depend_only_along_the_map() {
    let map: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let offenders: Vec<String> = edges()
        .iter()
        .filter(|edge| map.contains_key(edge.to.as_str()) || !map.contains_key(edge.from.as_str()))
        .filter(|edge| {
            let on_map = map
                .get(&*edge.from)
                .is_some_and(|to| to.contains(&&*edge.to));
            let test_only = edge.development && edge.to == "testkit";
            !(on_map || test_only)
        })
        .map(|edge| format!("{} -> {}", edge.from, edge.to))
        .collect();
    none(
        "edges that the map in ARCHITECTURE.md does not have",
        &offenders,
    );
}

#[test]
fn heavy_dependencies_stay_at_home() {
    let homes: BTreeMap<&str, &[&str]> = HOMES.iter().copied().collect();
    let offenders: Vec<String> = edges()
        .iter()
        .filter(|edge| {
            // Test code may use anyhow: it is the edge of the program too.
            !(edge.development && edge.to == "anyhow")
                && homes
                    .get(edge.to.as_str())
                    .is_some_and(|home| !home.contains(&&*edge.from))
        })
        .map(|edge| format!("{} in {}", edge.to, edge.from))
        .collect();
    none("heavy dependencies away from home", &offenders);
}
