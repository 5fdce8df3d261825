//! Labels that something asks for.
//! Comes in: objects. Goes out: keys, and whether two states of an object differ in one that bears on paths.
//! Never: "it does not matter" of a key that a part of the cluster reads.

use model::snapshot::Object;
use model::text::Text;
use rustc_hash::FxHashSet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Parts of keys that Kubernetes, networks and clouds read.
const TOLD: [&str; 15] = [
    "kubernetes.io",
    "k8s.",
    "openshift",
    "istio",
    "cilium",
    "calico",
    "linkerd",
    "eks",
    "amazonaws",
    "karpenter",
    "cloud.google",
    "azure",
    "digitalocean",
    "oraclecloud",
    "topology",
];

/// Whether labels or annotations differ that selectors ask for, or that say something to a part of the cluster.
pub(super) fn bear(asked: &FxHashSet<Text>, before: &Object, after: &Object) -> bool {
    let (before, after) = (said(before), said(after));
    let mut differ = before.symmetric_difference(&after);
    differ.any(|(key, _)| told(asked, key))
}

/// Whether something may ask for a key.
pub(super) fn told(asked: &FxHashSet<Text>, key: &str) -> bool {
    // A selector in a language of its own may ask for any.
    let any = asked.contains("");
    any || asked.contains(key) || TOLD.iter().any(|told| key.contains(told))
}

fn said(object: &Object) -> BTreeSet<(Text, Text)> {
    #[derive(serde::Deserialize)]
    struct Document {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        #[serde(default)]
        labels: BTreeMap<Text, Text>,
        #[serde(default)]
        annotations: BTreeMap<Text, Text>,
    }
    let read = serde_json::from_slice(&object.json);
    read.map_or_else(
        |_| BTreeSet::new(),
        |Document { metadata }| {
            metadata
                .labels
                .into_iter()
                .chain(metadata.annotations)
                .collect()
        },
    )
}

/// Keys of labels in all selectors of a document; the empty one where a selector is a text.
pub(super) fn keys_asked(json: &[u8], asked: &mut FxHashSet<Text>) {
    let mut open: Vec<Value> = serde_json::from_slice(json).into_iter().collect();
    while let Some(value) = open.pop() {
        let Value::Object(fields) = value else {
            if let Value::Array(all) = value {
                open.extend(all);
            }
            continue;
        };
        for (field, value) in fields {
            match (&*field, &value) {
                ("matchLabels" | "selector", Value::Object(labels)) => {
                    asked.extend(labels.keys().map(|key| Text::from(key.as_str())));
                }
                ("key", Value::String(key)) => {
                    asked.insert(key.as_str().into());
                }
                (name, Value::String(_)) if name.to_ascii_lowercase().ends_with("selector") => {
                    asked.insert("".into());
                }
                _ => {}
            }
            open.push(value);
        }
    }
}
