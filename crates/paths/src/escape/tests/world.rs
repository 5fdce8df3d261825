//! From YAML to steps. Comes in: documents. Goes out: container -> steps of the first workload of a name.

use crate::blast::{Step, steps};
use model::evidence::{Fact, Ledger};
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Listed, Object, Origin, Place, Snapshot};
use semantics::declare::Declarations;
use semantics::view::Inventory;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn documents(yaml: &str) -> Vec<Value> {
    let all = serde_saphyr::from_multiple::<Value>(yaml).expect(yaml);
    all.into_iter().filter(Value::is_object).collect()
}

/// `Live`: everything was listed, also what is not there.
pub(super) fn inventory(documents: &[Value], origin: Origin, minor: u16) -> (Inventory, Ledger) {
    let object = |(number, value): (u32, &Value)| {
        let version = value["apiVersion"].as_str().unwrap();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let metadata = &value["metadata"];
        let labels = metadata["labels"].as_object().into_iter().flatten();
        Object {
            gvk: Gvk {
                group: group.into(),
                kind: value["kind"].as_str().unwrap().into(),
                version: version.into(),
            },
            namespace: metadata["namespace"].as_str().map(Into::into),
            name: metadata["name"].as_str().unwrap().into(),
            uid: metadata["uid"].as_str().map(Into::into),
            labels: labels
                .map(|(key, value)| (key.as_str().into(), value.as_str().unwrap().into()))
                .collect(),
            place: Place::File {
                file: 0,
                document: number,
                item: None,
            },
            json: serde_json::to_vec(value).unwrap().into(),
        }
    };
    let listed = semantics::NEEDED.map(|(group, kind)| Listed {
        group: group.into(),
        kind: kind.into(),
        count: 0,
        complete: true,
    });
    let mut snapshot = Snapshot {
        origin,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion { minor, known: true },
        server_version: None,
        taken_at: None,
        objects: (0..).zip(documents).map(object).collect(),
        files: vec!["all.yaml".into()],
        listed: match origin {
            Origin::Live => listed.into(),
            Origin::Files => Vec::new(),
        },
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    let mut ledger = Ledger::default();
    let inventory = semantics::inventory(&snapshot, &Declarations::default(), &mut ledger);
    (inventory, ledger)
}

/// `workload/container` -> its steps.
pub(super) fn steps_of(
    documents: &[Value],
    origin: Origin,
    minor: u16,
) -> (BTreeMap<String, Vec<Step>>, Ledger) {
    let (inventory, mut ledger) = inventory(documents, origin, minor);
    let all = steps(&inventory, &mut ledger);
    let mut found = BTreeMap::new();
    for (view, containers) in inventory.workloads.iter().zip(all) {
        assert_eq!(view.workload.containers.len(), containers.len());
        for (container, steps) in view.workload.containers.iter().zip(containers) {
            let name = format!("{}/{}", view.workload.key.name, container.name);
            found.insert(name, steps);
        }
    }
    (found, ledger)
}

/// A pod `p` with the container `c`; fields in YAML's flow form.
pub(super) fn pod(fields: &str, container: &str) -> Value {
    let comma = if fields.is_empty() { "" } else { "," };
    let spec = format!("{{{fields}{comma} containers: [{{name: c, image: i, {container}}}]}}");
    let spec: Value = serde_saphyr::from_str(&spec).expect(&spec);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
}

/// `97`, `13-75-97`; `(2)` where it is no edge, `-` where there is no such step.
pub(super) fn shown(steps: &[Step], kind: &str) -> String {
    let percent = |p: f64| (p * 100.0).round();
    let of_kind = steps.iter().filter(|step| step.kind == kind);
    let words: Vec<String> = of_kind
        .map(|step| {
            let p = step.probability;
            let text = if p.is_exact() {
                percent(p.expected).to_string()
            } else {
                let [low, expected, high] = [p.low, p.expected, p.high].map(percent);
                format!("{low}-{expected}-{high}")
            };
            if step.is_edge() {
                text
            } else {
                format!("({text})")
            }
        })
        .collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(" ")
    }
}

/// Kinds of the edges, each once, ordered.
pub(super) fn edges(steps: &[Step]) -> String {
    let mut kinds: Vec<&str> = steps
        .iter()
        .filter(|step| step.is_edge())
        .map(|step| step.kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(" ")
}
