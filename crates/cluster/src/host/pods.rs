//! Static pods: what the kubelet starts from files. Comes in: a manifest. Goes out: its canonical JSON without secrets, and
//! the paths of the node that its containers' flags name.

use super::documents::{self, Broken};
use super::mounts;
use super::paths::{self, Named};
use crate::canonical::{Canonicalizer, Reading, flags};
use crate::redact::{self, Redactor};
use crate::tree::{self, ROOT};
use model::object::Gvk;
use model::snapshot::Place;
use serde_json::Value;

/// A path of a container, and where that is on the node.
pub(super) struct Mounted {
    pub(super) named: Named,
    pub(super) on_node: String,
}

pub(super) struct Pod {
    pub(super) json: String,
    /// Component and paths.
    pub(super) paths: Vec<(&'static str, Mounted)>,
}

pub(super) fn read(path: &str, bytes: &[u8], redactor: &Redactor) -> Result<Pod, Broken> {
    let value = documents::yaml(bytes)?;
    if value.get("kind").and_then(Value::as_str) != Some("Pod") {
        return Err(Broken("it is no Pod".to_owned()));
    }
    let trees = tree::parse(bytes).map_err(|error| Broken(error.to_string()))?;
    let mut canonicalizer = Canonicalizer::new(redactor.clone());
    canonicalizer.source = path.into();
    let fallback = Gvk {
        group: "".into(),
        kind: "Pod".into(),
        version: "v1".into(),
    };
    let object = trees.iter().find_map(|document| {
        match canonicalizer.object(document, ROOT, Place::Server, Some(&fallback)) {
            Reading::Object(object) => Some(object),
            _ => None,
        }
    });
    let Some(object) = object else {
        return Err(Broken("it has no name".to_owned()));
    };
    let mut objects = [object];
    redact::settle(&mut objects, redactor);
    let [object] = objects;
    Ok(Pod {
        json: String::from_utf8_lossy(&object.json).into_owned(),
        paths: of_containers(&value),
    })
}

fn of_containers(pod: &Value) -> Vec<(&'static str, Mounted)> {
    let list = |value: &'_ Value, key: &str| -> Vec<Value> {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let Some(spec) = pod.get("spec") else {
        return Vec::new();
    };
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let volumes: Vec<(String, String)> = list(spec, "volumes")
        .iter()
        .filter_map(|volume| {
            Some((
                text(volume, "name")?,
                text(volume.get("hostPath")?, "path")?,
            ))
        })
        .collect();
    let mut out = Vec::new();
    for container in list(spec, "containers").iter().take(50) {
        let mounts: Vec<(String, String)> = list(container, "volumeMounts")
            .iter()
            .filter_map(|mount| {
                let name = text(mount, "name")?;
                let (_, folder) = volumes.iter().find(|(volume, _)| *volume == name)?;
                let below = text(mount, "subPath").unwrap_or_default();
                Some((text(mount, "mountPath")?, mounts::join(folder, &below)))
            })
            .collect();
        let words: Vec<String> = ["command", "args"]
            .iter()
            .flat_map(|key| list(container, key))
            .filter_map(|word| Some(word.as_str()?.to_owned()))
            .take(1000)
            .collect();
        let Some(component) = component(&words, text(container, "image").as_deref()) else {
            continue;
        };
        for flag in paths::flags(&words) {
            for named in paths::of_flag(component, &flag) {
                if let Some(on_node) = on_node(&mounts, &named.path) {
                    out.push((component, Mounted { named, on_node }));
                }
            }
        }
    }
    out
}

fn component(words: &[String], image: Option<&str>) -> Option<&'static str> {
    let known = [
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "etcd",
        "kube-proxy",
    ];
    let named = |text: &str| {
        let name = text.rsplit('/').next()?.split([':', '@']).next()?;
        known.iter().copied().find(|known| *known == name)
    };
    let found = words
        .first()
        .and_then(|word| named(word))
        .or_else(|| named(image?))?;
    flags::component(found).is_some().then_some(found)
}

/// By the volume mount with the longest path.
fn on_node(volumes: &[(String, String)], path: &str) -> Option<String> {
    let inside = volumes
        .iter()
        .filter_map(|(point, folder)| Some((point.len(), folder, mounts::below(point, path)?)));
    let (_, folder, rest) = inside.max_by_key(|(length, _, _)| *length)?;
    Some(mounts::join(folder, rest))
}
