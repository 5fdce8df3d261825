//! Every edge of every printed path says why it is there: object, field, rule; and what is not known says so.

use model::evidence::Evidence;
use model::graph::{Edge, Path};
use model::snapshot::{Listed, Origin, Snapshot};
use scan::attack::{Cluster, From, Order, Query};
use scan::inputs::{Declarations, Source, manifests};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path as File, PathBuf};

/// Paths from everywhere to everything; the whole ledger.
fn paths(snapshot: &Snapshot) -> (Vec<Path>, Vec<Evidence>, usize) {
    let cluster = Cluster::of(snapshot, &Declarations::default(), None);
    let mut all = Vec::new();
    let mut evidence = Vec::new();
    let mut gaps = 0;
    for order in [Order::Likely, Order::Short] {
        let query = Query {
            from: From::All,
            to: None,
            top: 40,
            order,
        };
        let about = scan::assess::about(Some(snapshot), None, jiff::Timestamp::UNIX_EPOCH, "0");
        let assessment = cluster.ask(&query, about).unwrap().assessment;
        evidence.clone_from(&assessment.ledger.evidence);
        gaps = assessment.ledger.gaps.len();
        for path in &assessment.paths {
            for edge in &path.edges {
                check(path, edge, &evidence, gaps);
            }
        }
        all.extend(assessment.paths);
    }
    (all, evidence, gaps)
}

/// Edges over an opening that some object makes as a whole, and no single field.
const WHOLE: [&str; 2] = ["TUNNEL", "UNSEEN"];

fn check(path: &Path, edge: &Edge, evidence: &[Evidence], gaps: usize) {
    let place = || {
        let route: Vec<String> = path
            .edges
            .iter()
            .map(|e| format!("{} -{}-> {}", e.from, e.kind, e.to))
            .collect();
        format!("{} in {} to {}", edge.kind, route.join("; "), path.sink)
    };
    assert!(!edge.evidence.is_empty(), "no evidence: {}", place());
    let mut field = false;
    for id in &edge.evidence {
        let one = &evidence[id.0 as usize];
        assert!(!one.statement.is_empty(), "{}", place());
        let Some(object) = &one.object else {
            // What is not there has no object.
            assert!(
                one.statement.starts_with("no "),
                "{}: {}",
                place(),
                one.statement
            );
            continue;
        };
        assert!(
            !object.kind.is_empty() && !object.name.is_empty(),
            "{}",
            place()
        );
        let pointer = one.pointer.as_deref();
        assert!(
            pointer.is_none_or(|p| p.starts_with('/')),
            "{}: {pointer:?}",
            place()
        );
        field |= pointer.is_some();
        // A right stands in a rule of a role.
        if object.kind.ends_with("Role") {
            assert!(pointer.is_some(), "no rule: {}", place());
            let pointer = pointer.unwrap();
            assert!(pointer.starts_with("/rules"), "{}: {pointer}", place());
        }
    }
    assert!(
        field || WHOLE.contains(&&*edge.kind),
        "no field: {}",
        place()
    );
    assert!(edge.missing.iter().all(|gap| (gap.0 as usize) < gaps));
    let p = edge.probability;
    let open = p.low <= 0.0 && p.high > 0.0;
    assert!(
        !open || !edge.missing.is_empty(),
        "it may not be there, and nothing says so: {}",
        place()
    );
}

#[test]
fn of_the_shop() {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/k8s");
    let snapshot = manifests(&[Source::Path(folder)], None, [0; 32]).unwrap();
    let (paths, ..) = paths(&snapshot);
    assert!(paths.len() > 10, "{}", paths.len());
}

#[test]
fn of_the_public_suites() {
    let Some(root) = testkit::shared("conformance/rbac-paths") else {
        return;
    };
    let mut files: Vec<PathBuf> = root
        .join("kubehound")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.extend(
        ["00-baseline.yaml", "14-csr.yaml"].map(|name| root.join("kubesplaining").join(name)),
    );
    files.retain(|file| file.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let mut count = 0;
    for file in files {
        let snapshot = manifests(&[Source::Path(file)], None, [0; 32]).unwrap();
        count += paths(&snapshot).0.len();
    }
    assert!(count > 100, "{count}");
}

/// Recorded lists as one file of objects, read like a live cluster.
fn recorded(folder: &File, minor: u16) -> Snapshot {
    let mut names: Vec<PathBuf> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    let mut items: Vec<Value> = Vec::new();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let wanted = name.starts_with("list-") && name.contains(".json");
        if !wanted || name.contains("events") || name.contains("beta") {
            continue;
        }
        let raw = std::fs::read(&path).unwrap();
        let mut bytes = Vec::new();
        if path.extension().is_some_and(|e| e == "gz") {
            flate2::read::GzDecoder::new(&*raw)
                .read_to_end(&mut bytes)
                .unwrap();
        } else {
            bytes = raw;
        }
        let mut list: Value = serde_json::from_slice(&bytes).unwrap();
        let version = list["apiVersion"].clone();
        let Some(kind) = list["kind"].as_str().and_then(|k| k.strip_suffix("List")) else {
            continue;
        };
        let kind = kind.to_owned();
        for mut item in list["items"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .map(Value::take)
        {
            item["apiVersion"] = version.clone();
            item["kind"] = json!(kind);
            items.push(item);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.json");
    let all = json!({"apiVersion": "v1", "kind": "List", "items": items});
    std::fs::write(&file, serde_json::to_vec(&all).unwrap()).unwrap();
    let mut snapshot = manifests(&[Source::Path(file)], Some(minor), [0; 32]).unwrap();
    snapshot.origin = Origin::Live;
    let rbac = "rbac.authorization.k8s.io";
    let kinds = [
        ("", "Namespace"),
        ("", "Node"),
        ("", "Pod"),
        ("", "Service"),
        ("", "ServiceAccount"),
        ("", "Secret"),
        (rbac, "ClusterRole"),
        (rbac, "ClusterRoleBinding"),
        (rbac, "Role"),
        (rbac, "RoleBinding"),
    ];
    snapshot.listed.extend(kinds.map(|(group, kind)| Listed {
        group: group.into(),
        kind: kind.into(),
        count: 1,
        complete: true,
    }));
    snapshot
}

#[test]
fn of_recorded_clusters() {
    for (folder, minor) in [("captures/http", 36), ("captures/v1.20/http", 20)] {
        let Some(folder) = testkit::shared(folder) else {
            return;
        };
        let (paths, ..) = paths(&recorded(&folder, minor));
        assert!(paths.len() > 50, "{}", paths.len());
    }
}

/// What the API server writes for itself is never what somebody should change.
#[test]
fn cuts_of_recorded_clusters_leave_the_clusters_own_bindings_alone() {
    for (folder, minor) in [("captures/http", 36), ("captures/v1.20/http", 20)] {
        let Some(folder) = testkit::shared(folder) else {
            return;
        };
        let snapshot = recorded(&folder, minor);
        let cluster = Cluster::of(&snapshot, &Declarations::default(), None);
        let query = Query {
            from: From::All,
            to: None,
            top: 1,
            order: Order::Likely,
        };
        let about = scan::assess::about(Some(&snapshot), None, jiff::Timestamp::UNIX_EPOCH, "0");
        let cuts = cluster.ask(&query, about).unwrap().assessment.cuts;
        let changes: Vec<String> = cuts
            .iter()
            .flat_map(|cut| &cut.changes)
            .map(|change| change.object.to_string())
            .collect();
        assert!(!changes.is_empty());
        let own =
            |change: &&String| change.contains(" system:") || change.ends_with(" cluster-admin");
        let told: Vec<&String> = changes.iter().filter(own).collect();
        assert!(told.is_empty(), "{told:?}");
    }
}
