//! Pods that no policy can tell apart, as one class: same namespace, same values of the labels that selectors ask for,
//! same named ports, same network.
//! Comes in: the inventory, what policies ask for. Goes out: classes. Never: a class a pod.

use super::meets::Meets;
use super::mesh;
use super::ports::Protocol;
use crate::namespaces::{Namespaces, selects};
use model::text::Text;
use model::workload::ContainerKind;
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::view::{Inventory, Labels, PodSpec, Selector};
use std::net::IpAddr;

/// What policies ask of pods; two pods that answer alike are one.
#[derive(Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) labels: FxHashSet<&'a str>,
    pub(crate) ports: FxHashSet<&'a str>,
    /// Some block is matched against pods too, so their addresses count.
    pub(crate) addresses: bool,
    /// Their service accounts count.
    pub(crate) accounts: bool,
    /// Whether they have a proxy of the mesh counts.
    pub(crate) mesh: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn selector(&mut self, selector: &'a Selector) {
        self.labels.extend(selector.equals.keys().map(|key| &**key));
        self.labels
            .extend(selector.expressions.iter().map(|e| &*e.key));
    }
}

/// Name, protocol, number.
pub(crate) type NamedPort = (Text, Protocol, u16);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    /// Index into the namespaces; `None`: somewhere in the cluster.
    pub(crate) namespace: Option<u32>,
    /// Only keys that are asked for.
    pub(crate) labels: Labels,
    /// Ordered; only names that are asked for.
    pub(crate) named: Vec<NamedPort>,
    pub(crate) host_network: bool,
    /// Ordered, where blocks are matched against pods; `None`: not known.
    pub(crate) addresses: Option<Vec<IpAddr>>,
    /// Name of the service account, where that is asked for; empty: one that no rule names; `None`: not known.
    pub(crate) account: Option<Text>,
    /// Whether they have a proxy of the mesh, where that is asked for.
    pub(crate) mesh: Meets,
}

#[derive(Debug, Default)]
pub(crate) struct Classes {
    pub(crate) all: Vec<Class>,
    /// Workloads of each class, ordered.
    pub(crate) members: Vec<Vec<u32>>,
    /// Classes of each workload: several where its pods carry different labels.
    pub(crate) of: Vec<Vec<u32>>,
    /// Classes of each namespace.
    pub(crate) in_namespace: Vec<Vec<u32>>,
    known: FxHashMap<Class, u32>,
}

impl Classes {
    pub(crate) fn of(inventory: &Inventory, namespaces: &Namespaces, asked: &Asked<'_>) -> Self {
        let mut classes = Classes::default();
        let named: Vec<Vec<NamedPort>> = inventory
            .templates
            .iter()
            .map(|template| named_ports(template, asked))
            .collect();
        for (n, view) in (0_u32..).zip(&inventory.workloads) {
            let template = inventory.templates.get(view.template as usize);
            let namespace = namespaces.find(&view.workload.key.namespace);
            let proxied = |labels: &Labels| {
                let of = namespace.and_then(|n| namespaces.labels(n));
                mesh::proxied(template, labels, of, !view.pods.is_empty())
            };
            let class = |labels: &Labels, addresses: Option<Vec<IpAddr>>| Class {
                namespace,
                account: template
                    .filter(|_| asked.accounts)
                    .map(|t| Text::clone(&t.service_account)),
                mesh: if asked.mesh {
                    proxied(labels)
                } else {
                    Meets::No
                },
                labels: labels
                    .iter()
                    .filter(|(key, _)| asked.labels.contains(&***key))
                    .map(|(key, value)| (Text::clone(key), Text::clone(value)))
                    .collect(),
                named: named
                    .get(view.template as usize)
                    .cloned()
                    .unwrap_or_default(),
                host_network: template.is_some_and(|t| t.host_network),
                addresses: addresses.filter(|_| asked.addresses),
            };
            let mut of = Vec::new();
            for pod in view
                .pods
                .iter()
                .filter_map(|p| inventory.pods.get(*p as usize))
            {
                let mut addresses = pod.ips.clone();
                addresses.sort_unstable();
                let id = classes.put(class(&pod.labels, Some(addresses)));
                if !of.contains(&id) {
                    of.push(id);
                }
            }
            if of.is_empty() {
                of.push(classes.put(class(&view.pod_labels, None)));
            }
            for id in &of {
                if let Some(members) = classes.members.get_mut(*id as usize) {
                    members.push(n);
                }
            }
            classes.of.push(of);
        }
        classes
    }

    /// The class, a new one where it is not there yet.
    pub(crate) fn put(&mut self, class: Class) -> u32 {
        if let Some(id) = self.known.get(&class) {
            return *id;
        }
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        if let Some(namespace) = class.namespace {
            let at = namespace as usize;
            if self.in_namespace.len() <= at {
                self.in_namespace.resize_with(at + 1, Vec::new);
            }
            self.in_namespace[at].push(id);
        }
        self.known.insert(class.clone(), id);
        self.all.push(class);
        self.members.push(Vec::new());
        id
    }
}

impl Class {
    /// Whether its pods carry what a selector asks for. Of pods that are only "somewhere" nothing is known.
    pub(crate) fn selected(&self, selector: &Selector) -> Meets {
        if self.namespace.is_none() && !selector.is_everything() {
            return Meets::MaybeNot;
        }
        selects(selector, &self.labels).into()
    }
}

/// Ports of application containers and sidecars.
fn named_ports(template: &PodSpec, asked: &Asked<'_>) -> Vec<NamedPort> {
    let serving = template
        .containers
        .iter()
        .filter(|c| matches!(c.kind, ContainerKind::App | ContainerKind::Sidecar));
    let mut named: Vec<NamedPort> = serving
        .flat_map(|c| &c.ports)
        .filter_map(|port| {
            let name = port.name.as_ref()?;
            asked.ports.contains(&**name).then_some(())?;
            Some((
                Text::clone(name),
                Protocol::parse(&port.protocol)?,
                port.port,
            ))
        })
        .collect();
    // Of two containers that give a name to two ports, the first one's counts.
    let mut seen: Vec<(Text, Protocol)> = Vec::new();
    named.retain(|(name, protocol, _)| {
        let key = (Text::clone(name), *protocol);
        let new = !seen.contains(&key);
        seen.push(key);
        new
    });
    named.sort_unstable();
    named
}
