//! Ports of pods that an Ingress or a Route names through a Service.
//! Comes in: the inventory. Goes out: ports per workload. Never: whether policies let the controller through.

use super::ports::{PortSet, Protocol};
use crate::front::leads_to;
use crate::services::{Backing, backings};
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, TargetPort};

/// Parallel to the workloads.
pub(crate) fn fronted(inventory: &Inventory) -> Vec<PortSet> {
    let mut named: FxHashMap<(&str, &str), Vec<Option<TargetPort>>> = FxHashMap::default();
    for ingress in &inventory.ingresses {
        for (_, service, port) in &ingress.backends {
            let port = (*port != TargetPort::Number(0)).then(|| port.clone());
            let key = (&*ingress.namespace, &**service);
            named.entry(key).or_default().push(port);
        }
    }
    for route in &inventory.routes {
        for (n, (namespace, service, port)) in (0_u32..).zip(&route.backends) {
            if *namespace == route.namespace || route.granted.contains(&n) {
                let port = port.map(TargetPort::Number);
                named.entry((namespace, service)).or_default().push(port);
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
                            && leads_to(port.as_ref(), service, target.service_port)
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
