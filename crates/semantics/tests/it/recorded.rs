//! Recordings of real API servers: 1.36, 1.20 and a large one. Expected counts were computed apart, in Python, from
//! the same files: what each counts is said beside it.

use crate::builder::{object, read, snapshot};
use model::snapshot::{Object, Origin, Place, Snapshot};
use model::workload::WorkloadState::{self, Active, Dormant, History};
use semantics::authorizer::{Binding, User};
use semantics::dangers::dangers;
use semantics::view::Inventory;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

/// Objects of one list as a collector would keep them.
fn items(list: Value, group_version: &str) -> Vec<Object> {
    let kind = list["kind"]
        .as_str()
        .unwrap()
        .strip_suffix("List")
        .unwrap()
        .to_owned();
    let Value::Object(mut list) = list else {
        panic!("no list")
    };
    let Some(Value::Array(items)) = list.remove("items") else {
        return Vec::new();
    };
    items
        .into_iter()
        .map(|mut item| {
            item["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("managedFields");
            let mut object = object(&item, group_version, &kind, 0);
            object.place = Place::Server;
            object
        })
        .collect()
}

/// `core-v1` or `v1` -> `v1`, `apps_v1` -> `apps/v1`.
fn group_version(text: &str) -> String {
    text.trim_start_matches("core-").replace('_', "/")
}

fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    let mut out = Vec::new();
    match path.extension().unwrap().to_str().unwrap() {
        "zst" => zstd::stream::copy_decode(&*raw, &mut out).unwrap(),
        "gz" => drop(
            flate2::read::GzDecoder::new(&*raw)
                .read_to_end(&mut out)
                .unwrap(),
        ),
        _ => out = raw,
    }
    out
}

/// All lists below a folder. Of a kind in two versions the newer is taken, as discovery prefers it.
fn load(folder: &Path, strip: &str) -> Snapshot {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut kinds = BTreeSet::new();
    let mut objects = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(rest) = name.strip_prefix(strip) else {
            continue;
        };
        if !rest.contains(".json") || rest.contains("events") {
            continue;
        }
        let (version, resource) = if strip.is_empty() {
            rest.rsplit_once('_').unwrap()
        } else {
            let at = rest.rfind('-').unwrap();
            (&rest[..at], &rest[at + 1..])
        };
        let version = group_version(version);
        let group = version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
            .to_owned();
        if kinds.insert((group, resource.split('.').next().unwrap().to_owned())) {
            objects.extend(items(
                serde_json::from_slice(&bytes(path)).unwrap(),
                &version,
            ));
        }
    }
    snapshot(Origin::Live, objects)
}

fn count(inventory: &Inventory, kind: &str, state: WorkloadState) -> usize {
    inventory
        .workloads
        .iter()
        .filter(|v| &*v.workload.key.kind == kind && v.workload.state == state)
        .count()
}

/// Distinct (account, scope) that hold a rule with the danger.
fn holders(inventory: &Inventory, danger: &str) -> usize {
    let authorizer = &inventory.authorizer;
    let holds = |binding: &&Binding| {
        let rules = binding.rules.map(|n| &authorizer.rules[n as usize]);
        rules.into_iter().flatten().any(|rule| {
            let found = dangers(rule, binding.namespace.is_some(), inventory.minor);
            found.iter().any(|found| found.id == danger)
        })
    };
    let bindings: Vec<&Binding> = authorizer.bindings.iter().filter(holds).collect();
    let mut distinct = BTreeSet::new();
    for account in &inventory.service_accounts {
        let user = User::service_account(&account.namespace, &account.name);
        for binding in &bindings {
            if binding.subjects.iter().any(|subject| subject.is(&user)) {
                distinct.insert((&account.namespace, &account.name, &binding.namespace));
            }
        }
    }
    distinct.len()
}

/// The API server's own bindings are known as such, whatever release wrote them, and no other is: one of
/// those that carry its label is another platform's.
fn check_stock_bindings(inventory: &Inventory, snapshot: &Snapshot) {
    for binding in &inventory.authorizer.bindings {
        let object = &binding.object;
        let group = "rbac.authorization.k8s.io";
        let seen = snapshot.find(
            group,
            &object.kind,
            object.namespace.as_deref(),
            &object.name,
        );
        let label = seen.and_then(|seen| seen.label("kubernetes.io/bootstrapping"));
        let foreign = &*object.name == "system:openshift:public-info-viewer";
        let stock = inventory.stock_bindings.binary_search(object).is_ok();
        assert_eq!(stock, label.is_some() && !foreign, "{object}");
    }
}

#[test]
fn large_cluster() {
    let Some(folder) = testkit::shared("captures/big") else {
        return;
    };
    let snapshot = load(&folder, "");
    let start = Instant::now();
    let inventory = read(&snapshot);
    // Said, not bound: how long it takes is a matter of benches.
    eprintln!(
        "inventory of {} objects: {:?}",
        snapshot.objects.len(),
        start.elapsed()
    );
    // len(items) of each list; bare pods: no ownerReferences.
    assert_eq!(inventory.pods.len(), 10_000);
    assert_eq!(count(&inventory, "Deployment", Active), 3104);
    assert_eq!(count(&inventory, "StatefulSet", Active), 339);
    assert_eq!(count(&inventory, "DaemonSet", Active), 217);
    assert_eq!(count(&inventory, "Job", Active), 222);
    assert_eq!(count(&inventory, "Pod", Active), 241);
    assert_eq!(inventory.workloads.len(), 3104 + 339 + 217 + 222 + 241);
    assert_eq!(
        inventory
            .workloads
            .iter()
            .map(|v| v.pods.len())
            .sum::<usize>(),
        10_000
    );
    assert_eq!(
        (
            inventory.services.len(),
            inventory.nodes.len(),
            inventory.network_policies.len(),
            inventory.ingresses.len()
        ),
        (2447, 200, 1006, 347)
    );
    assert_eq!(inventory.namespaces.iter().filter(|n| n.seen).count(), 1004);
    assert_eq!(
        inventory
            .namespaces
            .iter()
            .filter(|n| n
                .labels
                .get("pod-security.kubernetes.io/enforce")
                .is_some_and(|level| &**level == "restricted"))
            .count(),
        154
    );
    // len({(root uid, container, digest of imageID)}).
    let digests: usize = inventory
        .workloads
        .iter()
        .flat_map(|v| &v.workload.containers)
        .map(|c| c.running.len())
        .sum();
    assert_eq!(digests, 5824);
    // len({(account, scope)}) over subjects of kind ServiceAccount whose role's rules hold the right.
    assert_eq!(holders(&inventory, "everything"), 7);
    assert_eq!(holders(&inventory, "reads-secrets"), 208);
    // Groups of service accounts count for every account: 107 by name, the rest by two group bindings.
    assert_eq!(holders(&inventory, "exec"), 2153);
    for view in &inventory.workloads {
        let spec = &inventory.templates[view.template as usize];
        assert_eq!(spec.containers.len(), view.workload.containers.len());
    }
}

#[test]
fn recorded_1_36() {
    let Some(folder) = testkit::shared("captures/http") else {
        return;
    };
    let snapshot = load(&folder, "list-");
    let inventory = read(&snapshot);
    check_stock_bindings(&inventory, &snapshot);
    assert_eq!(
        count(&inventory, "Deployment", Active) + count(&inventory, "Deployment", Dormant),
        32
    );
    assert_eq!(
        (
            count(&inventory, "StatefulSet", Active),
            count(&inventory, "CronJob", Active),
            count(&inventory, "ReplicaSet", History)
        ),
        (3, 1, 0)
    );
    // 112 pods less 5 that succeeded or failed.
    assert_eq!(inventory.pods.len(), 107);
    assert_eq!(
        (
            inventory.services.len(),
            inventory.ingresses.len(),
            inventory.network_policies.len(),
            inventory.nodes.len()
        ),
        (28, 4, 15, 6)
    );
    assert_eq!(inventory.endpoint_slices.len(), 27);
    assert!(inventory.service_accounts.iter().filter(|a| a.seen).count() == 85);
    // One pod outlived its ReplicaSet between two recordings.
    let classes: Vec<&str> = inventory.gaps.iter().map(|g| &*g.class).collect();
    assert_eq!(
        classes,
        ["criticality-undeclared", "owner-not-seen"],
        "{:?}",
        inventory.gaps
    );
}

#[test]
fn recorded_1_20() {
    let Some(folder) = testkit::shared("captures/v1.20/http") else {
        return;
    };
    let mut snapshot = load(&folder, "list-");
    snapshot.version.minor = 20;
    let inventory = read(&snapshot);
    check_stock_bindings(&inventory, &snapshot);
    let of = |group: &str, kind: &str| snapshot.of_kind(group, kind).len();
    assert!(
        of("apps", "Deployment") > 0
            && of("batch", "Job") > 0
            && of("networking.k8s.io", "Ingress") > 0
    );
    assert_eq!(
        count(&inventory, "Deployment", Active),
        of("apps", "Deployment")
    );
    assert_eq!(inventory.services.len(), of("", "Service"));
    // The same Ingresses are listed in two groups.
    assert_eq!(
        inventory.ingresses.len(),
        of("networking.k8s.io", "Ingress")
    );
    assert!(
        inventory
            .gaps
            .iter()
            .all(|g| &*g.class != "object-malformed" && &*g.class != "field-malformed"),
        "{:?}",
        inventory.gaps
    );
}
