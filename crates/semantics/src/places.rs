//! Where workloads live: namespaces, nodes, volumes.
//! Comes in: a Snapshot. Goes out: views. Never: a judgement.

use crate::json::Node as Json;
use crate::lens::Lens;

use crate::view::{Labels, Namespace, Node, Secret};
use crate::workloads::HostPaths;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Set by the API server on every namespace (KEP-2161).
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Secrets by type and the account that they belong to, without their values.
pub(crate) fn secrets(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Secret> {
    let read = |lens: &mut Lens, object: &Object| {
        let (kind, account) = lens.read(object, |lens, root| {
            let account = root
                .at(&["metadata", "annotations"])
                .word("kubernetes.io/service-account.name");
            let kind = lens.word(root.word("type").unwrap_or("Opaque"));
            (kind, lens.option(account))
        })?;
        Some(Secret {
            namespace: lens.namespace(object),
            name: lens.word(&object.name),
            kind,
            account,
        })
    };
    let all = snapshot.of_kind("", "Secret").iter();
    let mut secrets: Vec<Secret> = all.filter_map(|object| read(lens, object)).collect();
    secrets.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    secrets
}

/// Namespaces that were seen and those that objects name, ordered; and the annotations of the seen ones.
pub(crate) fn namespaces(
    lens: &mut Lens,
    snapshot: &Snapshot,
) -> (Vec<Namespace>, BTreeMap<Text, Labels>) {
    let mut all: BTreeMap<Text, Namespace> = BTreeMap::new();
    let mut annotations = BTreeMap::new();
    for object in snapshot.of_kind("", "Namespace") {
        let name = lens.word(&object.name);
        let mut labels = lens.pairs(&object.labels);
        labels.insert(lens.word(NAME_LABEL), Text::clone(&name));
        let own = lens.read(object, |lens, root| {
            lens.labels(root.at(&["metadata", "annotations"]))
        });
        annotations.insert(Text::clone(&name), own.unwrap_or_default());
        all.insert(
            Text::clone(&name),
            Namespace {
                name,
                labels,
                seen: true,
            },
        );
    }
    let mut last: Option<&str> = None;
    for object in &snapshot.objects {
        let named = match object.namespace.as_deref() {
            Some(named) => named,
            // A namespaced object of a file that leaves the namespace to the client.
            None if crate::templates::is_namespaced(&object.gvk) => "default",
            None => continue,
        };
        if last == Some(named) {
            continue;
        }
        last = Some(named);
        if all.contains_key(named) {
            continue;
        }
        let name = lens.word(named);
        let labels = [(lens.word(NAME_LABEL), Text::clone(&name))];
        all.insert(
            Text::clone(&name),
            Namespace {
                name,
                labels: labels.into(),
                seen: false,
            },
        );
    }
    (all.into_values().collect(), annotations)
}

pub(crate) fn nodes(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Node> {
    let mut nodes = Vec::new();
    for object in snapshot.of_kind("", "Node") {
        let node = lens.read(object, |lens, root| {
            let status = root.get("status");
            let info = status.get("nodeInfo");
            let labels = lens.pairs(&object.labels);
            let label = |key: &str| labels.get(key).cloned();
            let architecture = lens.option(info.word("architecture"));
            let os = lens.option(info.word("operatingSystem"));
            Node {
                name: Text::clone(&object.name),
                architecture: architecture.or_else(|| label("kubernetes.io/arch")),
                os: os.or_else(|| label("kubernetes.io/os")),
                kernel: lens.option(info.word("kernelVersion")),
                os_image: lens.option(info.word("osImage")),
                runtime: lens.option(info.word("containerRuntimeVersion")),
                kubelet: lens.option(info.word("kubeletVersion")),
                internal_ips: addresses(status, "InternalIP"),
                external_ips: addresses(status, "ExternalIP"),
                labels,
            }
        });
        nodes.extend(node);
    }
    nodes
}

fn addresses(status: Json<'_>, kind: &str) -> Vec<IpAddr> {
    status
        .list("addresses")
        .filter(|address| address.text("type") == Some(kind))
        .filter_map(|address| address.text("address")?.parse().ok())
        .collect()
}

/// Claims whose volume is a directory of a node: by the claim's `volumeName`, else by the volume's `claimRef`, else by a
/// free volume of the same class, which the claim would be bound to.
pub(crate) fn host_paths(lens: &mut Lens, snapshot: &Snapshot) -> HostPaths {
    let mut by_volume: FxHashMap<Text, Text> = FxHashMap::default();
    let mut by_class: FxHashMap<Text, Text> = FxHashMap::default();
    let mut by_claim = HostPaths::default();
    for object in snapshot.of_kind("", "PersistentVolume") {
        lens.read(object, |lens, root| {
            let spec = root.get("spec");
            let path = spec
                .get("hostPath")
                .word("path")
                .or_else(|| spec.get("local").word("path"));
            let Some(path) = path.map(|path| lens.word(path)) else {
                return;
            };
            let claim = spec.get("claimRef");
            if let (Some(namespace), Some(name)) = (claim.word("namespace"), claim.word("name")) {
                let key = (lens.word(namespace), lens.word(name));
                by_claim.insert(key, Text::clone(&path));
            } else {
                let class = lens.word(spec.word("storageClassName").unwrap_or(""));
                by_class.entry(class).or_insert_with(|| Text::clone(&path));
            }
            by_volume.insert(lens.word(&object.name), path);
        });
    }
    for object in snapshot.of_kind("", "PersistentVolumeClaim") {
        lens.read(object, |lens, root| {
            let spec = root.get("spec");
            let path = match (spec.word("volumeName"), spec.text("storageClassName")) {
                (Some(volume), _) => by_volume.get(volume),
                (None, Some(class)) => by_class.get(class),
                // The default class decides, which makes new volumes.
                (None, None) => None,
            };
            if let Some(path) = path {
                let key = (lens.namespace(object), lens.word(&object.name));
                by_claim.entry(key).or_insert_with(|| Text::clone(path));
            }
        });
    }
    by_claim
}
