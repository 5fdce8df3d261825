//! Whom objects name as their peers: Services in env values, arguments and ConfigMaps, back ends of the API server.
//! Comes in: a Snapshot and its inventory. Goes out: what each workload says, with object and JSON pointer.
//! Read apart from the inventory, by who asks for it. Never: a value of a Secret, a guess what a value could be.

use crate::json::{Json, Node, Places, escape};
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{Inventory, Labels, Selector, WorkloadView};
use model::mention::{self, Mention};
use model::object::ObjectRef;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use std::collections::BTreeMap;

/// More is told as one [`Mention::More`].
const MOST: usize = 1_000;

#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Parallel to the inventory's workloads.
    pub workloads: Vec<Says>,
    pub backends: Vec<Backend>,
    /// Values were dropped before it was asked whom they name: what they say is not known.
    pub unread: bool,
}

/// What one workload says.
#[derive(Clone, Debug, Default)]
pub struct Says {
    /// Ordered as its containers are, then by ConfigMap.
    pub peers: Vec<Said>,
    /// Values that only a Secret holds.
    pub hidden: Vec<Hidden>,
    /// `spec.selector`, where its kind has one.
    pub selector: Option<Selector>,
    /// `spec.serviceName` of a StatefulSet.
    pub service_name: Option<Text>,
    /// Its pods ask to be scraped (`prometheus.io/scrape`): the annotation, and the port if it is said.
    pub scraped: Option<(Text, Option<u16>)>,
    /// No pod template was seen.
    pub unseen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Holds the value: the workload or a ConfigMap.
    pub object: ObjectRef,
    pub pointer: Text,
    /// Variable, flag or key of the ConfigMap.
    pub key: Text,
    pub mention: Mention,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    pub object: ObjectRef,
    pub pointer: Text,
    /// Variable; `None`: all keys of the Secret.
    pub key: Option<Text>,
    pub secret: Text,
}

/// A Service that the API server calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub object: ObjectRef,
    pub pointer: Text,
    pub namespace: Text,
    pub service: Text,
    pub port: u16,
}

type Key = (Text, Text);

struct Reader<'a> {
    snapshot: &'a Snapshot,
    lens: Lens,
    /// By namespace and name: the values by key.
    config_maps: BTreeMap<Key, Vec<(Text, String)>>,
    unread: bool,
}

pub fn named(snapshot: &Snapshot, inventory: &Inventory) -> Named {
    let mut reader = Reader {
        snapshot,
        lens: Lens::new(inventory.minor),
        config_maps: BTreeMap::new(),
        unread: false,
    };
    for object in snapshot.of_kind("", "ConfigMap") {
        let values = read(object, |root| {
            let entries = root.get("data").entries();
            let values = entries.filter_map(|(k, v)| Some((k.into(), v.as_text()?.to_owned())));
            values.collect::<Vec<(Text, String)>>()
        });
        let key = (reader.lens.namespace(object), Text::clone(&object.name));
        reader.config_maps.insert(key, values.unwrap_or_default());
    }
    let workloads = inventory.workloads.iter();
    let workloads = workloads
        .map(|view| reader.workload(inventory, view))
        .collect();
    Named {
        workloads,
        backends: backends(snapshot),
        unread: reader.unread,
    }
}

/// The value at a JSON pointer.
fn at<'t>(root: Node<'t>, pointer: &str) -> Node<'t> {
    let steps = pointer.split('/').skip(1);
    steps.fold(root, |node, step| match step.parse::<usize>() {
        Ok(n) if node.is_list() => node.items().nth(n).unwrap_or(node.absent()),
        _ => node.get(&step.replace("~1", "/").replace("~0", "~")),
    })
}

/// Annotations of a pod template that ask Prometheus to come.
fn scraped(template: Node<'_>, pointer: &str) -> Option<(Text, Option<u16>)> {
    let annotations = template.at(&["metadata", "annotations"]);
    if annotations.text("prometheus.io/scrape") != Some("true") {
        return None;
    }
    let pointer = format!("{pointer}/metadata/annotations/prometheus.io~1scrape");
    let port = annotations.text("prometheus.io/port");
    Some((pointer.into(), port.and_then(|port| port.parse().ok())))
}

fn read<T>(object: &Object, view: impl FnOnce(Node<'_>) -> T) -> Option<T> {
    let places = Places::default();
    let tree = Json::parse(&object.json).ok()?;
    Some(view(Node::new(&tree, &places)))
}

impl Reader<'_> {
    fn workload(&mut self, inventory: &Inventory, view: &WorkloadView) -> Says {
        let pods = view
            .pods
            .iter()
            .filter_map(|n| inventory.pods.get(*n as usize));
        let pod = pods.map(|pod| (pod.object, "/spec")).next();
        let root = view.object.map(|object| (object, &*view.spec_pointer));
        let unseen = Says {
            unseen: true,
            ..Says::default()
        };
        let Some((index, pointer)) = root.filter(|(_, p)| !p.is_empty()).or(pod) else {
            return unseen;
        };
        let snapshot = self.snapshot;
        let Some(object) = snapshot.objects.get(index as usize) else {
            return unseen;
        };
        let namespace = Text::clone(&view.workload.key.namespace);
        let mut says = Says::default();
        read(object, |root| {
            let spec = at(root, pointer);
            let template = pointer.strip_suffix("/spec").unwrap_or_default();
            says.unseen = spec.is_absent();
            says.scraped = scraped(at(root, template), template);
            let of = Of {
                object: object.reference(),
                namespace,
                pointer: pointer.to_owned(),
            };
            self.pod_spec(&of, spec, &mut says);
            let own = root.get("spec");
            says.service_name = own.word("serviceName").map(Into::into);
            says.selector = self.selector(own.get("selector"), &view.pod_labels);
        });
        says
    }

    /// A selector that the pods themselves satisfy; plain labels of a ReplicationController too.
    fn selector(&mut self, node: Node<'_>, pods: &Labels) -> Option<Selector> {
        if !node.is_map() {
            return None;
        }
        let plain = node.get("matchLabels").is_absent() && node.get("matchExpressions").is_absent();
        let found = if plain {
            Selector {
                equals: self.lens.labels(node),
                ..Selector::default()
            }
        } else {
            selector(&mut self.lens, node, |key| key)
        };
        let own = !found.is_everything() && !found.malformed && found.matches(pods);
        own.then_some(found)
    }

    fn pod_spec(&mut self, of: &Of, spec: Node<'_>, says: &mut Says) {
        let mut maps: Vec<(Text, Option<Text>)> = Vec::new();
        for list in ["initContainers", "containers"] {
            for (n, container) in spec.list(list).enumerate() {
                let place = format!("{}/{list}/{n}", of.pointer);
                self.container(of, container, &place, says, &mut maps);
            }
        }
        for volume in spec.list("volumes") {
            let projected = volume.get("projected").list("sources");
            let sources = projected.map(|source| source.get("configMap"));
            for map in std::iter::once(volume.get("configMap")).chain(sources) {
                let Some(name) = map.word("name") else {
                    continue;
                };
                let keys: Vec<&str> = map.list("items").filter_map(|i| i.text("key")).collect();
                match &*keys {
                    [] => maps.push((name.into(), None)),
                    keys => maps.extend(keys.iter().map(|key| (name.into(), Some((*key).into())))),
                }
            }
        }
        maps.sort_unstable();
        maps.dedup();
        for (name, key) in maps {
            self.config_map(of, &name, key.as_deref(), says);
        }
        let ports = ports(&says.peers);
        for said in &mut says.peers {
            if let Mention::Service { port, .. } | Mention::Outside { port } = &mut said.mention
                && port.is_none()
            {
                let beside = ports.get(&(said.object.clone(), stem(&said.key)));
                *port = beside.copied();
            }
        }
        says.peers
            .retain(|said| !matches!(said.mention, Mention::Port(_)));
    }

    fn container(
        &mut self,
        of: &Of,
        container: Node<'_>,
        place: &str,
        says: &mut Says,
        maps: &mut Vec<(Text, Option<Text>)>,
    ) {
        for (n, env) in container.list("env").enumerate() {
            let name = env.text("name").unwrap_or_default();
            let at = format!("{place}/env/{n}");
            if let Some(value) = env.text("value") {
                self.value(&of.object, format!("{at}/value"), name, value, says);
            }
            let from = env.get("valueFrom");
            let map = from.get("configMapKeyRef");
            if let (Some(map), Some(key)) = (map.word("name"), map.text("key")) {
                maps.push((map.into(), Some(key.into())));
            }
            if let Some(secret) = from.get("secretKeyRef").word("name")
                && names_place(name)
            {
                says.hidden.push(Hidden {
                    object: of.object.clone(),
                    pointer: format!("{at}/valueFrom/secretKeyRef").into(),
                    key: Some(name.into()),
                    secret: secret.into(),
                });
            }
        }
        for (n, from) in container.list("envFrom").enumerate() {
            if let Some(map) = from.get("configMapRef").word("name") {
                maps.push((map.into(), None));
            }
            if let Some(secret) = from.get("secretRef").word("name")
                && self.may_hold_place(&of.namespace, secret)
            {
                says.hidden.push(Hidden {
                    object: of.object.clone(),
                    pointer: format!("{place}/envFrom/{n}/secretRef").into(),
                    key: None,
                    secret: secret.into(),
                });
            }
        }
        for list in ["command", "args"] {
            let mut flag = "";
            for (n, word) in container.list(list).enumerate() {
                let Some(text) = word.as_text() else { continue };
                let key = text.split_once('=').map_or(flag, |(flag, _)| flag);
                self.value(&of.object, format!("{place}/{list}/{n}"), key, text, says);
                flag = if text.starts_with('-') { text } else { "" };
            }
        }
    }

    /// Whether a key of the Secret names a destination; one that was not seen may.
    fn may_hold_place(&self, namespace: &str, secret: &str) -> bool {
        let found = self.snapshot.find("", "Secret", Some(namespace), secret);
        let Some(object) = found else { return true };
        let holds = read(object, |root| {
            ["data", "stringData"]
                .into_iter()
                .flat_map(|part| root.get(part).entries())
                .any(|(key, _)| names_place(key))
        });
        holds.unwrap_or(true)
    }

    fn config_map(&mut self, of: &Of, name: &Text, key: Option<&str>, says: &mut Says) {
        let id = (Text::clone(&of.namespace), Text::clone(name));
        let Some(values) = self.config_maps.remove(&id) else {
            return;
        };
        let object = ObjectRef::new("", "ConfigMap", Some(&of.namespace), name);
        for (held, value) in &values {
            if key.is_none_or(|key| key == &**held) {
                let pointer = format!("/data/{}", escape(held));
                self.value(&object, pointer, held, value, says);
            }
        }
        self.config_maps.insert(id, values);
    }

    fn value(
        &mut self,
        object: &ObjectRef,
        pointer: String,
        key: &str,
        text: &str,
        says: &mut Says,
    ) {
        let Some(found) = mention::mentions(text) else {
            // What is no dropped value was kept because it holds no name: a flag, a program.
            self.unread |= text.contains("redacted:v1:");
            return;
        };
        let pointer: Text = pointer.into();
        for mention in found {
            let mention = match says.peers.len() {
                ..MOST => mention,
                MOST => Mention::More,
                _ => return,
            };
            let said = Said {
                object: object.clone(),
                pointer: Text::clone(&pointer),
                key: key.into(),
                mention,
            };
            if !says.peers.contains(&said) {
                says.peers.push(said);
            }
        }
    }
}

struct Of {
    object: ObjectRef,
    namespace: Text,
    /// Of the pod spec.
    pointer: String,
}

/// Ports by the object that says them and the stem of the key: `DB` of `DB_PORT`.
fn ports(said: &[Said]) -> BTreeMap<(ObjectRef, String), u16> {
    let ports = said.iter().filter_map(|said| match said.mention {
        Mention::Port(port) => Some(((said.object.clone(), stem(&said.key)), port)),
        _ => None,
    });
    ports.collect()
}

/// A key without its last word, in lower case: `DB_HOST`, `db.host` and `dbHost` are `db`.
fn stem(key: &str) -> String {
    let key = key.trim_matches('-');
    let border = |c: char| !c.is_ascii_alphanumeric();
    let stem = match key.rfind(border) {
        Some(at) => key.get(..at),
        None => key
            .rfind(|c: char| c.is_ascii_uppercase())
            .filter(|_| key.bytes().any(|b| b.is_ascii_lowercase()))
            .and_then(|at| key.get(..at)),
    };
    stem.unwrap_or_default().to_ascii_lowercase()
}

/// Whether a variable of this name holds where to connect to.
fn names_place(key: &str) -> bool {
    const ENDINGS: [&str; 14] = [
        "url",
        "uri",
        "dsn",
        "host",
        "hosts",
        "hostname",
        "addr",
        "address",
        "endpoint",
        "server",
        "servers",
        "broker",
        "brokers",
        "connectionstring",
    ];
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// Webhooks of admission and conversion, and aggregated APIs.
fn backends(snapshot: &Snapshot) -> Vec<Backend> {
    let mut found = Vec::new();
    let admission = "admissionregistration.k8s.io";
    for kind in [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ] {
        for object in snapshot.of_kind(admission, kind) {
            read(object, |root| {
                for (n, hook) in root.list("webhooks").enumerate() {
                    let service = hook.at(&["clientConfig", "service"]);
                    let place = format!("/webhooks/{n}/clientConfig/service");
                    found.extend(backend(object, service, place));
                }
            });
        }
    }
    for object in snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        read(object, |root| {
            let path = ["spec", "conversion", "webhook", "clientConfig", "service"];
            let place = format!("/{}", path.join("/"));
            found.extend(backend(object, root.at(&path), place));
        });
    }
    for object in snapshot.of_kind("apiregistration.k8s.io", "APIService") {
        read(object, |root| {
            let service = root.at(&["spec", "service"]);
            found.extend(backend(object, service, "/spec/service".to_owned()));
        });
    }
    found
}

fn backend(object: &Object, service: Node<'_>, pointer: String) -> Option<Backend> {
    Some(Backend {
        object: object.reference(),
        pointer: pointer.into(),
        namespace: service.word("namespace")?.into(),
        service: service.word("name")?.into(),
        // The API server's default, for webhooks and APIServices.
        port: service.port("port").unwrap_or(443),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems() {
        for (key, expected) in [
            ("DB_HOST", "db"),
            ("db.host", "db"),
            ("dbHost", "db"),
            ("--db-host", "db"),
            ("HOST", ""),
            ("host", ""),
            ("A_B_HOST", "a_b"),
        ] {
            assert_eq!(stem(key), expected, "{key}");
        }
    }
}
