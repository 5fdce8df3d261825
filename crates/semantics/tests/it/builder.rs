//! Snapshots from small JSON objects.

use model::evidence::{Fact, Ledger};
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Listed, Object, Origin, Place, Snapshot};
use semantics::declare::Declarations;
use semantics::view::{Inventory, WorkloadView};
use serde_json::Value;
use std::collections::BTreeMap;

/// One object as the collector keeps it.
pub(crate) fn object(value: &Value, api_version: &str, kind: &str, number: u32) -> Object {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let metadata = &value["metadata"];
    let text = |key: &str| metadata[key].as_str().map(Into::into);
    let mut labels: Vec<_> = metadata["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    labels.sort_unstable();
    Object {
        gvk: Gvk {
            group: group.into(),
            kind: kind.into(),
            version: version.into(),
        },
        namespace: text("namespace"),
        name: text("name").unwrap_or_else(|| "".into()),
        uid: text("uid"),
        labels,
        place: Place::File {
            file: 0,
            document: number,
            item: None,
        },
        json: serde_json::to_vec(value).unwrap().into(),
    }
}

pub(crate) fn snapshot(origin: Origin, objects: Vec<Object>) -> Snapshot {
    let mut listed: Vec<Listed> = Vec::new();
    if origin == Origin::Live {
        let mut kinds: BTreeMap<(model::text::Text, model::text::Text), u64> = BTreeMap::new();
        for (group, kind) in semantics::NEEDED {
            kinds.insert((group.into(), kind.into()), 0);
        }
        for o in &objects {
            *kinds
                .entry((o.gvk.group.clone(), o.gvk.kind.clone()))
                .or_default() += 1;
        }
        listed = kinds
            .into_iter()
            .map(|((group, kind), count)| Listed {
                group,
                kind,
                count,
                complete: true,
            })
            .collect();
    }
    let mut snapshot = Snapshot {
        origin,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion {
            minor: 36,
            known: true,
        },
        server_version: None,
        taken_at: None,
        objects,
        files: vec!["deploy/all.yaml".into()],
        listed,
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// Objects that carry their own `apiVersion` and `kind`.
pub(crate) fn of(origin: Origin, values: &[Value]) -> Snapshot {
    let objects = (0..)
        .zip(values)
        .map(|(n, value)| {
            let version = value["apiVersion"].as_str().unwrap();
            object(value, version, value["kind"].as_str().unwrap(), n)
        })
        .collect();
    snapshot(origin, objects)
}

pub(crate) fn read(snapshot: &Snapshot) -> Inventory {
    semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default())
}

/// `ns/name Kind state pods: container=image@running ...`, a line a workload.
pub(crate) fn lines(inventory: &Inventory) -> Vec<String> {
    inventory.workloads.iter().map(line).collect()
}

fn line(view: &WorkloadView) -> String {
    let w = &view.workload;
    let containers: Vec<String> = w
        .containers
        .iter()
        .map(|c| {
            let running: Vec<&str> = c.running.iter().map(|d| &d[..d.len().min(10)]).collect();
            let running = if running.is_empty() {
                String::new()
            } else {
                format!("@{}", running.join("+"))
            };
            format!("{}={}{running}", c.name, c.image)
        })
        .collect();
    format!(
        "{}/{} {} {:?} {}: {}",
        w.key.namespace,
        w.key.name,
        w.key.kind,
        w.state,
        w.pods,
        containers.join(" ")
    )
}

/// Classes of the gaps, without the one that every test has.
pub(crate) fn gaps(inventory: &Inventory) -> Vec<String> {
    inventory
        .gaps
        .iter()
        .map(|gap| gap.class.to_string())
        .filter(|class| class != "criticality-undeclared")
        .collect()
}
