//! Dependencies on what stands before a workload: load balancers, ports of nodes, Ingresses, routes.
//! Comes in: Services, Ingresses, routes. Goes out: dependencies from outside, or from the controllers' pods.
//! Never: a range that the pod cannot see because a node's address stands in its place.

use super::{Finder, Party, port_of, reason};
use crate::front::{Building, Serving};
use crate::namespaces::Namespaces;
use crate::reach::Protocol;
use crate::services::{backend_port, leads_to, object};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::netpol::Reason;
use model::object::ObjectRef;
use semantics::view::{BackendPort, Service};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Finder<'_> {
    pub(super) fn entries(&mut self, namespaces: &Namespaces<'_>) {
        for n in 0..self.inventory.services.len() {
            self.published(u32::try_from(n).unwrap_or(u32::MAX));
        }
        self.host_ports();
        let behind: Vec<Vec<u32>> = self
            .behind
            .iter()
            .map(|of| of.iter().map(|(workload, _)| *workload).collect())
            .collect();
        let building = Building::without_exposure(self.inventory, namespaces, &behind);
        for ingress in &self.inventory.ingresses {
            let serving = building.serving_ingress(ingress);
            let object = ObjectRef::new(
                "networking.k8s.io",
                "Ingress",
                Some(&ingress.namespace),
                &ingress.name,
            );
            for (_, service, port) in &ingress.backends {
                let port = backend_port(port);
                self.fronted(&serving, &object, &ingress.namespace, service, &port);
            }
        }
        for route in &self.inventory.routes {
            let serving = building.serving_route(route);
            let (namespace, name) = (&*route.namespace, &*route.name);
            let object = ObjectRef::new(&route.group, &route.kind, Some(namespace), name);
            for (at, to) in (0_u32..).zip(&route.backends) {
                if to.namespace == route.namespace || route.granted.contains(&at) {
                    self.fronted(&serving, &object, &to.namespace, &to.service, &to.port);
                }
            }
        }
    }

    /// A Service that is published by itself.
    fn published(&mut self, n: u32) {
        let Some(service) = self.service(n) else {
            return;
        };
        let balanced = &*service.kind == "LoadBalancer";
        if !(balanced || &*service.kind == "NodePort" || !service.external_ips.is_empty()) {
            return;
        }
        let (from, says, pointer) = if balanced && !service.source_ranges.is_empty() {
            let says = if service.external_traffic_local {
                "its load balancer admits these ranges"
            } else {
                "its load balancer admits these ranges; nodes pass on in their own name"
            };
            (self.ranges(service), says, "/spec/loadBalancerSourceRanges")
        } else if service.external_ips.is_empty() || &*service.kind != "ClusterIP" {
            let says = "it is open to the outside; nodes pass on in their own name";
            (Party::Anyone, says, "/spec/type")
        } else {
            let says = "it is open to the outside; nodes pass on in their own name";
            (Party::Anyone, says, "/spec/externalIPs")
        };
        let because = reason(&object(service), pointer, says);
        for (workload, targets) in self.behind(n) {
            let ports = targets.iter().filter_map(port_of).collect();
            self.put(from.clone(), Party::Workload(workload), ports, &because);
        }
    }

    /// Without `externalTrafficPolicy: Local` pods see the address of a node (Service, "external traffic policy"): those
    /// that were seen, else all private ranges.
    fn ranges(&self, service: &Service) -> Party {
        let mut ranges = service.source_ranges.clone();
        if !service.external_traffic_local {
            let nodes = self
                .inventory
                .nodes
                .iter()
                .flat_map(|node| &node.internal_ips);
            let nodes: Vec<IpNet> = nodes.map(|ip| IpNet::from(*ip)).collect();
            ranges.extend(if nodes.is_empty() { private() } else { nodes });
        }
        ranges.sort_unstable();
        ranges.dedup();
        Party::Outside(ranges)
    }

    fn host_ports(&mut self) {
        for (n, view) in (0_u32..).zip(&self.inventory.workloads) {
            let Some(template) = self.template(view) else {
                continue;
            };
            for container in &template.containers {
                for (at, port) in container.ports.iter().enumerate() {
                    let Some(protocol) = Protocol::parse(&port.protocol) else {
                        continue;
                    };
                    if port.host_port == 0 || template.host_network {
                        continue;
                    }
                    let place = format!("{}{}/ports/{at}", view.spec_pointer, container.pointer);
                    let says = format!("port {} of its node leads to it", port.host_port);
                    let because = reason(&view.workload.object, &place, says);
                    let to = Party::Workload(n);
                    self.put(Party::Anyone, to, vec![(protocol, port.port)], &because);
                }
            }
        }
    }

    /// A Service behind an Ingress or route.
    fn fronted(
        &mut self,
        serving: &Serving,
        object: &ObjectRef,
        namespace: &str,
        name: &str,
        port: &BackendPort,
    ) {
        let found = self.by_name.get(&(namespace, name)).copied();
        let Some((n, service)) = found.and_then(|n| Some((n, self.service(n)?))) else {
            return;
        };
        let because = |more: &str| -> Reason {
            reason(
                object,
                "/spec",
                format!("leads to Service {namespace}/{name}{more}"),
            )
        };
        for (workload, targets) in self.behind(n) {
            let meant = targets.iter().filter(|t| leads_to(port, service, t));
            let ports: Vec<_> = meant.filter_map(port_of).collect();
            if ports.is_empty() {
                continue;
            }
            let to = Party::Workload(workload);
            match serving {
                Serving::Workloads(found) => {
                    for from in found {
                        let from = Party::Workload(*from);
                        self.put(from, to.clone(), ports.clone(), &because(""));
                    }
                }
                Serving::Cloud => {
                    let says = "; a load balancer of the cloud serves it";
                    self.put(Party::Anyone, to, ports, &because(says));
                }
                Serving::Unseen => {
                    let says = "; what serves it was not seen, so anyone may";
                    self.put(Party::Controller, to, ports, &because(says));
                }
            }
        }
    }
}

/// RFC 1918, RFC 4193.
fn private() -> Vec<IpNet> {
    let four = |a, b, length| Ipv4Net::new(Ipv4Addr::new(a, b, 0, 0), length).map(IpNet::V4);
    let six = Ipv6Net::new(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7).map(IpNet::V6);
    [four(10, 0, 8), four(172, 16, 12), four(192, 168, 16), six]
        .into_iter()
        .flatten()
        .collect()
}

/// First and last address of a block.
pub(super) fn ends(block: &IpNet) -> (IpAddr, IpAddr) {
    (block.network(), block.broadcast())
}
