//! Finds the components that run. Comes in: a World. Goes out: instances with their flags and configuration.
//! A process of a host tells more than the pod that it belongs to, and replaces it. Never: a verdict.

use super::flags::{self, Flag};
use super::{Component, Components};
use crate::world::World;
use jiff::Timestamp;
use model::host::{Host, HostSource};
use model::object::ObjectRef;
use serde_json::Value;

/// Evidence of nodes that is older says nothing of today (rule 4).
const OLDEST_DAYS: i64 = 8;

/// One component where it runs.
#[derive(Clone, Debug)]
pub struct Instance {
    pub component: Component,
    /// The pod, or the Node.
    pub object: ObjectRef,
    pub at: Option<u32>,
    pub node: Option<String>,
    /// Index into the hosts.
    pub host: Option<usize>,
    /// `None`: its command line was not seen, or a shell makes it.
    pub flags: Option<Vec<Flag>>,
    /// JSON pointers of the arguments, parallel to their index; empty for processes.
    pub pointers: Vec<String>,
    pub environment: Vec<(String, String)>,
    pub config: Config,
    /// Age in days of evidence that is too old.
    pub stale: Option<i64>,
    /// Name of the executable: `dockerd` is a runtime, too.
    pub program: String,
}

/// Its configuration file.
#[derive(Clone, Debug)]
pub enum Config {
    /// It is given none.
    None,
    File {
        path: String,
        document: Value,
    },
    /// What is in force, with all defaults and flags (`configz`): what is not in it has the zero value.
    Effective(Value),
    /// It is given one that was not read.
    Unread {
        path: String,
    },
}

impl<'a> Components<'a> {
    pub fn of_world(world: World<'a>) -> Self {
        let hosts = &world.beside.hosts;
        let documents: Vec<Vec<(&str, Value)>> = hosts.iter().map(documents).collect();
        let mut all = Components {
            world,
            instances: Vec::new(),
            documents,
            managed: Components::provider_of(&world),
        };
        let mut instances = Vec::new();
        for (index, host) in hosts.iter().enumerate() {
            of_host(&all, index, host, &mut instances);
        }
        of_pods(&all, &mut instances);
        instances.sort_by(|a, b| (a.component, &a.object).cmp(&(b.component, &b.object)));
        all.instances = instances;
        all
    }
}

fn documents(host: &Host) -> Vec<(&str, Value)> {
    let all = host.documents.iter();
    all.filter_map(|document| Some((&*document.path, serde_json::from_str(&document.json).ok()?)))
        .collect()
}

fn node_object(name: Option<&str>) -> ObjectRef {
    ObjectRef::new("", "Node", None, name.unwrap_or("this host"))
}

fn stale(world: &World<'_>, host: &Host) -> Option<i64> {
    let now: Timestamp = world.beside.now.or(world.snapshot.taken_at)?;
    let days = now.duration_since(host.taken_at?).as_hours() / 24;
    (days > OLDEST_DAYS).then_some(days)
}

fn of_host(all: &Components<'_>, index: usize, host: &Host, out: &mut Vec<Instance>) {
    let world = &all.world;
    let node = host.node.as_deref();
    let at = node.and_then(|name| {
        let objects = &world.snapshot.objects;
        let at = objects.iter().position(|object| {
            &*object.gvk.kind == "Node" && object.gvk.group.is_empty() && &*object.name == name
        });
        at.and_then(|at| u32::try_from(at).ok())
    });
    let base = Instance {
        component: Component::Kubelet,
        object: node_object(node),
        at,
        node: node.map(str::to_owned),
        host: Some(index),
        flags: None,
        pointers: Vec::new(),
        environment: Vec::new(),
        config: Config::None,
        stale: stale(world, host),
        program: String::new(),
    };
    if host.source == HostSource::Configz {
        // The same node from inside tells flags as well.
        let inside = world.beside.hosts.iter().any(|other| {
            other.source == HostSource::Root && other.node.is_some() && other.node == host.node
        });
        let document = all.documents.get(index).and_then(|list| list.first());
        if let Some((_, document)) = document.filter(|_| !inside) {
            let document = document.get("kubeletconfig").unwrap_or(document).clone();
            out.push(Instance {
                config: Config::Effective(document),
                program: "kubelet".to_owned(),
                ..base
            });
        }
        return;
    }
    for process in host.processes.iter().flatten() {
        let Some(component) = Component::of_program(&process.name) else {
            continue;
        };
        let flags = flags::parse(process.arguments.iter().map(|text| &**text));
        let documents = all.documents.get(index).map_or(&[][..], Vec::as_slice);
        out.push(Instance {
            component,
            config: config(component, &flags, documents),
            flags: Some(flags),
            environment: process
                .environment
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            program: process.name.to_string(),
            ..base.clone()
        });
    }
}

/// The file that the flags name, or the one that the component looks for by itself.
fn config(component: Component, flags: &[Flag], documents: &[(&str, Value)]) -> Config {
    let usual = match component {
        Component::Runtime => Some("/etc/containerd/config.toml"),
        _ => None,
    };
    let flag = match component {
        Component::Etcd => "config-file",
        Component::ApiServer | Component::ControllerManager => return Config::None,
        _ => "config",
    };
    let named = flags::value(flags, flag).map(|(path, _)| path);
    let Some(path) = named.clone().or(usual.map(str::to_owned)) else {
        return Config::None;
    };
    let document = documents.iter().find(|(known, _)| {
        *known == path || !path.starts_with('/') && known.ends_with(&format!("/{path}"))
    });
    match document {
        Some((_, document)) => Config::File {
            path,
            document: document.clone(),
        },
        None if named.is_none() => Config::None,
        None => Config::Unread { path },
    }
}

fn of_pods(all: &Components<'_>, out: &mut Vec<Instance>) {
    let snapshot = all.world.snapshot;
    let seen: Vec<(Component, Option<String>)> = out
        .iter()
        .map(|one| (one.component, one.node.clone()))
        .collect();
    for (index, object) in (0u32..).zip(&snapshot.objects) {
        if !object.gvk.group.is_empty()
            || &*object.gvk.kind != "Pod"
            || object.namespace.as_deref() != Some("kube-system")
        {
            continue;
        }
        let Ok(pod) = serde_json::from_slice::<Value>(&object.json) else {
            continue;
        };
        let node = pod
            .pointer("/spec/nodeName")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
        for (number, container) in containers.into_iter().flatten().enumerate() {
            let Some((component, arguments)) = command(container, number) else {
                continue;
            };
            if node.is_some() && seen.contains(&(component, node.clone())) {
                continue;
            }
            let host = node.as_ref().and_then(|node| {
                let mut hosts = all.world.beside.hosts.iter();
                hosts.position(|host| {
                    host.node.as_deref() == Some(node) && host.source == HostSource::Root
                })
            });
            let documents = host.and_then(|host| all.documents.get(host));
            let documents = documents.map_or(&[][..], Vec::as_slice);
            let flags = arguments
                .as_ref()
                .map(|list| flags::parse(list.iter().map(|(_, text)| &**text)));
            out.push(Instance {
                component,
                object: object.reference(),
                at: Some(index),
                node: node.clone(),
                host,
                config: flags
                    .as_deref()
                    .map_or(Config::None, |flags| config(component, flags, documents)),
                flags,
                pointers: arguments
                    .into_iter()
                    .flatten()
                    .map(|(pointer, _)| pointer)
                    .collect(),
                environment: environment(container),
                stale: None,
                program: component.name().to_owned(),
            });
        }
    }
}

type Arguments = Vec<(String, String)>;

/// The component that a container runs, and its arguments with their pointers; no arguments where a shell makes them.
fn command(container: &Value, number: usize) -> Option<(Component, Option<Arguments>)> {
    let mut words: Arguments = Vec::new();
    for field in ["command", "args"] {
        let list = container.get(field).and_then(Value::as_array);
        for (index, word) in list.into_iter().flatten().enumerate() {
            let pointer = format!("/spec/containers/{number}/{field}/{index}");
            words.push((pointer, word.as_str().unwrap_or_default().to_owned()));
        }
    }
    let base = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let in_words = words
        .iter()
        .take(2)
        .position(|(_, word)| Component::of_program(&base(word)).is_some());
    if let Some(at) = in_words {
        let component = words
            .get(at)
            .and_then(|(_, word)| Component::of_program(&base(word)))?;
        return Some((component, Some(words.split_off(at + 1))));
    }
    let image = container.get("image").and_then(Value::as_str)?;
    let image = base(image);
    let image = image.split([':', '@']).next()?;
    let component = Component::of_program(image)?;
    let name = container.get("name").and_then(Value::as_str);
    let shell = container.get("command").is_some();
    if shell && name != Some(component.name()) {
        return None;
    }
    Some((component, (!shell).then_some(words)))
}

fn environment(container: &Value) -> Vec<(String, String)> {
    let list = container.get("env").and_then(Value::as_array);
    let pairs = list.into_iter().flatten().filter_map(|variable| {
        let name = variable.get("name")?.as_str()?;
        let value = variable.get("value").and_then(Value::as_str);
        Some((
            name.to_owned(),
            value.unwrap_or("redacted:v1:reference").to_owned(),
        ))
    });
    pairs.collect()
}

impl Components<'_> {
    /// Who runs the control plane, by the server's version and the labels that providers give to nodes.
    pub(crate) fn provider_of(world: &World<'_>) -> Option<&'static str> {
        let version = world.snapshot.server_version.as_deref().unwrap_or_default();
        let labelled = |key: &str| {
            world
                .inventory
                .nodes
                .iter()
                .any(|node| node.labels.keys().any(|known| known.starts_with(key)))
        };
        if version.contains("-eks-") || labelled("eks.amazonaws.com/") {
            Some("Amazon EKS")
        } else if version.contains("-gke.") || labelled("cloud.google.com/gke-") {
            Some("Google GKE")
        } else if labelled("kubernetes.azure.com/") {
            Some("Azure AKS")
        } else {
            None
        }
    }
}
