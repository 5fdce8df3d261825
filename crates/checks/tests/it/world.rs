//! A cluster in a few lines of YAML, asked.

use checks::rule::Rule;
use checks::world::{Beside, World};
use checks::{Said, run};
use model::evidence::{Fact, Ledger};
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Object, Origin, Place, Snapshot};
use semantics::declare::Declarations;
use serde_json::Value;
use std::collections::BTreeMap;

/// The newest version that policies are written for.
pub(crate) const MINOR: u16 = 36;

pub(crate) fn object(value: &Value, document: u32) -> Object {
    let (group, version) = value["apiVersion"]
        .as_str()
        .map(|text| text.split_once('/').unwrap_or(("", text)))
        .unwrap();
    let metadata = &value["metadata"];
    let text = |key: &str| metadata[key].as_str().map(Into::into);
    let labels = metadata["labels"].as_object().into_iter().flatten();
    let labels =
        labels.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())));
    let mut labels: Vec<_> = labels.collect();
    labels.sort_unstable();
    Object {
        gvk: Gvk {
            group: group.into(),
            kind: value["kind"].as_str().unwrap().into(),
            version: version.into(),
        },
        namespace: text("namespace"),
        name: text("name").unwrap_or_else(|| "".into()),
        uid: text("uid"),
        labels,
        place: Place::File {
            file: 0,
            document,
            item: None,
        },
        json: serde_json::to_vec(value).unwrap().into(),
    }
}

/// The documents of a YAML text as a Snapshot of files.
pub(crate) fn snapshot(yaml: &str) -> Snapshot {
    let documents = yaml.split("\n---\n").filter(|text| !text.trim().is_empty());
    let objects = (0..).zip(documents).map(|(number, text)| {
        let value: Value = serde_saphyr::from_str(text).unwrap();
        object(&value, number)
    });
    let mut snapshot = Snapshot {
        origin: Origin::Files,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion {
            minor: MINOR,
            known: true,
        },
        server_version: None,
        taken_at: None,
        objects: objects.collect(),
        files: vec!["all.yaml".into()],
        listed: Vec::new(),
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// What rules say of a Snapshot.
pub(crate) fn ask(snapshot: &Snapshot, rules: &[&'static Rule]) -> Said {
    let inventory =
        semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default());
    run(
        &World {
            snapshot,
            inventory: &inventory,
            beside: &Beside::default(),
        },
        rules,
    )
}

/// `Deployment shop/web [container] /pointer`, a line a finding of one rule.
pub(crate) fn lines(said: &Said) -> Vec<String> {
    let line = |found: &checks::world::Found| {
        let container = found
            .container
            .as_deref()
            .map(|name| format!(" [{name}]"))
            .unwrap_or_default();
        format!("{}{container} {}", found.object, found.pointer)
    };
    said.found.iter().map(line).collect()
}

/// Asks one rule by its slug of a YAML text, and compares the lines.
pub(crate) fn check(slug: &str, yaml: &str, expected: &[&str]) {
    let rule = checks::table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
    let said = ask(&snapshot(yaml), &[rule]);
    assert_eq!(lines(&said), expected, "{slug} of\n{yaml}");
}

/// A pod in namespace `shop` with this YAML (flow style) as its spec's fields and one container's fields.
pub(crate) fn pod(spec: &str, container: &str) -> String {
    let comma = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!(", {text}")
        }
    };
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{containers: [{{name: web, image: web{}}}]{}}}}}",
        comma(container),
        comma(spec)
    )
}
