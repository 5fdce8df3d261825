//! Ports of pods that an Ingress or a Route names through a Service.
//! Comes in: the inventory. Goes out: ports per workload. Never: whether policies let the controller through.

use super::ports::{PortSet, Protocol};
use crate::services::{Backing, backend_port, backings, leads_to};
use rustc_hash::FxHashMap;
use semantics::view::{BackendPort, Inventory};

/// Parallel to the workloads.
pub(crate) fn fronted(inventory: &Inventory) -> Vec<PortSet> {
    let mut named: FxHashMap<(&str, &str), Vec<BackendPort>> = FxHashMap::default();
    for ingress in &inventory.ingresses {
        for (_, service, port) in &ingress.backends {
            let key = (&*ingress.namespace, &**service);
            named.entry(key).or_default().push(backend_port(port));
        }
    }
    for route in &inventory.routes {
        for (n, to) in (0_u32..).zip(&route.backends) {
            if to.namespace == route.namespace || route.granted.contains(&n) {
                let key = (&*to.namespace, &*to.service);
                named.entry(key).or_default().push(to.port.clone());
            }
        }
    }
    backings(inventory)
        .iter()
        .map(|backings| {
            let mut ports = PortSet::none();
            for Backing { service, targets } in backings {
                let Some(service) = inventory.services.get(*service as usize) else {
                    continue;
                };
                let fronts = named.get(&(&*service.namespace, &*service.name));
                for port in fronts.into_iter().flatten() {
                    for target in targets {
                        let protocol = Protocol::parse(&target.protocol);
                        if let Some(protocol) = protocol
                            && leads_to(port, service, target)
                        {
                            let one = PortSet::range(protocol, target.port, target.port);
                            ports = ports.union(&one);
                        }
                    }
                }
            }
            ports
        })
        .collect()
}
