//! Which Services lead to which workloads, and to which container ports.
//! Comes in: Services, EndpointSlices, workloads. Goes out: per workload, its Services with target ports.
//! Never: a loop over Services for each workload; both are joined over one label of the selector.

use model::object::ObjectRef;
use model::text::Text;
use model::workload::ContainerKind;
use rustc_hash::FxHashMap;
use semantics::view::{
    BackendPort, Inventory, PodSpec, Service, ServicePort, TargetPort, WorkloadView,
};
use std::net::IpAddr;

/// A Service that leads to a workload.
#[derive(Clone, Debug)]
pub(crate) struct Backing {
    pub(crate) service: u32,
    pub(crate) targets: Vec<Target>,
}

/// A port of a Service on a pod.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Index into the Service's ports; `None` where an EndpointSlice names the port.
    pub(crate) service_port: Option<usize>,
    pub(crate) port: u16,
    pub(crate) protocol: Text,
}

pub(crate) fn object(service: &Service) -> ObjectRef {
    ObjectRef::new("", "Service", Some(&service.namespace), &service.name)
}

type Pair<'a> = (&'a str, &'a str, &'a str);

/// The Services of every workload, in the order of the Services.
pub(crate) fn backings(inventory: &Inventory) -> Vec<Vec<Backing>> {
    let mut by_pair: FxHashMap<Pair<'_>, Vec<u32>> = FxHashMap::default();
    for (n, service) in (0_u32..).zip(&inventory.services) {
        // An ExternalName Service is a DNS alias: its selector is not used.
        if &*service.kind == "ExternalName" {
            continue;
        }
        if let Some((key, value)) = service.selector.iter().next() {
            by_pair
                .entry((&service.namespace, key, value))
                .or_default()
                .push(n);
        }
    }
    let by_hand = by_hand(inventory);
    (0_u32..)
        .zip(&inventory.workloads)
        .map(|(workload, view)| {
            let mut found = by_hand.get(&workload).cloned().unwrap_or_default();
            let namespace = &*view.workload.key.namespace;
            for (key, value) in &view.pod_labels {
                for &n in by_pair
                    .get(&(namespace, &**key, &**value))
                    .into_iter()
                    .flatten()
                {
                    found.extend(backing(inventory, n, view));
                }
            }
            found.sort_by_key(|backing| backing.service);
            found
        })
        .collect()
}

fn backing(inventory: &Inventory, n: u32, view: &WorkloadView) -> Option<Backing> {
    let service = inventory.services.get(n as usize)?;
    let selected = service
        .selector
        .iter()
        .all(|(key, value)| view.pod_labels.get(key) == Some(value));
    let template = inventory.templates.get(view.template as usize)?;
    let targets = service
        .ports
        .iter()
        .enumerate()
        .filter_map(|(at, port)| {
            Some(Target {
                service_port: Some(at),
                port: target(template, &port.target, &port.protocol)?,
                protocol: Text::clone(&port.protocol),
            })
        })
        .collect();
    selected.then_some(Backing {
        service: n,
        targets,
    })
}

/// Whether a port that an Ingress or a route names is this one of the Service.
pub(crate) fn leads_to(port: &BackendPort, service: &Service, target: &Target) -> bool {
    let own = target.service_port.and_then(|at| service.ports.get(at));
    match (port, own) {
        (BackendPort::Target(number), _) => target.port == *number,
        // `None`: an end point by hand that no port of the Service is for.
        (BackendPort::Any, _) | (_, None) => true,
        (BackendPort::Number(number), Some(own)) => own.port == *number,
        (BackendPort::Name(name), Some(own)) => own.name.as_ref() == Some(name),
    }
}

/// The same, as an Ingress writes it; 0 is what it leaves out.
pub(crate) fn backend_port(port: &TargetPort) -> BackendPort {
    match port {
        TargetPort::Number(0) => BackendPort::Any,
        TargetPort::Number(number) => BackendPort::Number(*number),
        TargetPort::Name(name) => BackendPort::Name(Text::clone(name)),
    }
}

/// The port that a name means in a pod: of its application containers and sidecars.
fn named_port(template: &PodSpec, name: &str, protocol: &str) -> Option<u16> {
    template
        .containers
        .iter()
        .filter(|c| matches!(c.kind, ContainerKind::App | ContainerKind::Sidecar))
        .flat_map(|c| &c.ports)
        .find(|p| p.name.as_deref() == Some(name) && &*p.protocol == protocol)
        .map(|p| p.port)
}

/// A name that no container port has leads nowhere.
fn target(template: &PodSpec, target: &TargetPort, protocol: &str) -> Option<u16> {
    match target {
        TargetPort::Number(port) => Some(*port),
        TargetPort::Name(name) => named_port(template, name, protocol),
    }
}

/// Services without selector, joined over the addresses in their EndpointSlices.
fn by_hand(inventory: &Inventory) -> FxHashMap<u32, Vec<Backing>> {
    let without_selector: FxHashMap<(&str, &str), u32> = (0_u32..)
        .zip(&inventory.services)
        .filter(|(_, service)| service.selector.is_empty() && &*service.kind != "ExternalName")
        .map(|(n, service)| ((&*service.namespace, &*service.name), n))
        .collect();
    let mut found: FxHashMap<u32, Vec<Backing>> = FxHashMap::default();
    if without_selector.is_empty() {
        return found;
    }
    let mut of_address: FxHashMap<IpAddr, Vec<u32>> = FxHashMap::default();
    for pod in &inventory.pods {
        for ip in &pod.ips {
            of_address.entry(*ip).or_default().push(pod.workload);
        }
    }
    for slice in &inventory.endpoint_slices {
        let Some(&service) = without_selector.get(&(&*slice.namespace, &*slice.service)) else {
            continue;
        };
        let mut workloads: Vec<u32> = slice
            .addresses
            .iter()
            .filter_map(|ip| of_address.get(ip))
            .flatten()
            .copied()
            .collect();
        workloads.sort_unstable();
        workloads.dedup();
        // EndpointSlice API: a port has the name of the Service's port that it is for.
        let of = inventory.services.get(service as usize);
        let targets: Vec<Target> = slice
            .ports
            .iter()
            .map(|(name, port, protocol)| Target {
                service_port: of.and_then(|service| {
                    let own = |p: &ServicePort| p.name.as_deref().unwrap_or("") == &**name;
                    service.ports.iter().position(own)
                }),
                port: *port,
                protocol: Text::clone(protocol),
            })
            .collect();
        for workload in workloads {
            found.entry(workload).or_default().push(Backing {
                service,
                targets: targets.clone(),
            });
        }
    }
    found
}
