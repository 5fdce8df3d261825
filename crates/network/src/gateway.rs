//! Gateways: whether a route is attached to one, and how what serves it is exposed.
//! Comes in: Gateways, routes, namespaces. Goes out: mouths. Never: a route that no listener takes.

use crate::cloud;
use crate::combine::Span;
use crate::front::{Building, Mouth, assumed};
use crate::published::gap;
use crate::reach::Source;
use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::situation::ExposureClass::{External, None as Unexposed};
use rustc_hash::FxHashMap;
use semantics::view::{Gateway, Inventory, Labels, Listener, Parent, Route, Service};

pub(crate) const ISTIO: &str = "networking.istio.io";

/// Labels that controllers set on the Services and pods that they make for a Gateway of the same namespace.
const MADE_FOR: [&str; 4] = [
    "gateway.networking.k8s.io/gateway-name",
    "istio.io/gateway-name",
    "io.cilium.gateway/owning-gateway",
    "projectcontour.io/owning-gateway-name",
];
/// The same of Envoy Gateway, which makes them in a namespace of its own: the Gateway's name, its namespace.
const MADE_ELSEWHERE: (&str, &str) = (
    "gateway.envoyproxy.io/owning-gateway-name",
    "gateway.envoyproxy.io/owning-gateway-namespace",
);
/// Controllers whose own pods serve all Gateways: a word of `controllerName` or of the class.
const SHARED: [&str; 5] = ["traefik", "kong", "haproxy", "apisix", "nginx"];

/// Group, namespace, name.
type Key<'a> = (&'a str, &'a str, &'a str);

pub(crate) struct Gateways<'a> {
    by_name: FxHashMap<Key<'a>, &'a Gateway>,
    /// Workloads that were made for a Gateway, by its namespace and name, ordered.
    made_for: FxHashMap<(&'a str, &'a str), Vec<u32>>,
    /// Pods by labels, as Istio's Gateways name them.
    chosen: FxHashMap<&'a Labels, Vec<u32>>,
}

impl<'a> Gateways<'a> {
    /// `behind`: workloads of each Service.
    pub(crate) fn of(inventory: &'a Inventory, behind: &[Vec<u32>]) -> Self {
        let mut all = Gateways {
            by_name: FxHashMap::default(),
            made_for: FxHashMap::default(),
            chosen: FxHashMap::default(),
        };
        for gateway in &inventory.gateways {
            let key = (&*gateway.group, &*gateway.namespace, &*gateway.name);
            all.by_name.insert(key, gateway);
            if !gateway.pods.is_empty() {
                all.chosen.entry(&gateway.pods).or_insert_with(|| {
                    let views = (0_u32..).zip(&inventory.workloads);
                    let carries = |labels: &Labels| {
                        let mut wanted = gateway.pods.iter();
                        wanted.all(|(key, value)| labels.get(key) == Some(value))
                    };
                    let of = views.filter(|(_, view)| carries(&view.pod_labels));
                    of.map(|(n, _)| n).collect()
                });
            }
        }
        if all.by_name.is_empty() {
            return all;
        }
        for (
            Service {
                namespace, labels, ..
            },
            workloads,
        ) in inventory.services.iter().zip(behind)
        {
            all.made(namespace, labels, workloads);
        }
        for (n, view) in (0_u32..).zip(&inventory.workloads) {
            all.made(&view.workload.key.namespace, &view.pod_labels, &[n]);
        }
        for workloads in all.made_for.values_mut() {
            workloads.sort_unstable();
            workloads.dedup();
        }
        all
    }

    fn made(&mut self, namespace: &'a str, labels: &'a Labels, workloads: &[u32]) {
        let mut take = |namespace: &'a str, name: &'a str| {
            let of = self.made_for.entry((namespace, name)).or_default();
            of.extend(workloads);
        };
        for label in MADE_FOR {
            if let Some(name) = labels.get(label) {
                take(namespace, name);
            }
        }
        let (name, of) = MADE_ELSEWHERE;
        if let (Some(name), Some(namespace)) = (labels.get(name), labels.get(of)) {
            take(namespace, name);
        }
    }

    fn find(&self, parent: &'a Parent) -> Option<&'a Gateway> {
        let key = (&*parent.group, &*parent.namespace, &*parent.name);
        let found = self.by_name.get(&key).copied();
        found.filter(|_| &*parent.kind == "Gateway")
    }

    /// Workloads that serve it.
    fn serving(&self, gateway: &'a Gateway) -> &[u32] {
        let found = if gateway.pods.is_empty() {
            self.made_for.get(&(&*gateway.namespace, &*gateway.name))
        } else {
            self.chosen.get(&gateway.pods)
        };
        found.map_or(&[], Vec::as_slice)
    }
}

impl<'a> Building<'a, '_> {
    pub(crate) fn gateway_mouths(
        &self,
        route: &'a Route,
        object: &ObjectRef,
        ledger: &mut Ledger,
    ) -> Vec<Mouth> {
        let mut mouths = Vec::new();
        for parent in &route.parents {
            let Some(gateway) = self.gateways.find(parent) else {
                let mut mouth = assumed(&[], object, "Gateway", ledger);
                mouth.span.low = Unexposed;
                mouths.push(mouth);
                continue;
            };
            let attached = self.attached(gateway, parent, route);
            if attached == Truth::No {
                continue;
            }
            for mut mouth in self.gateway(gateway, ledger) {
                if attached == Truth::Unknown {
                    mouth.span.low = Unexposed;
                    mouth.missing.push(ledger.gap(gap(
                        "route-attachment-unknown",
                        "a listener admits routes by labels of namespaces that were not seen",
                        "gateways",
                        "give the Namespace objects too",
                    )));
                }
                mouths.push(mouth);
            }
        }
        mouths
    }

    /// Workloads that serve the Gateways that take a route; `None` where one of them, or who serves it, was not seen.
    pub(crate) fn serving_parents(&self, route: &'a Route) -> Option<Vec<u32>> {
        let mut all = Vec::new();
        for parent in &route.parents {
            let gateway = self.gateways.find(parent)?;
            if self.attached(gateway, parent, route) == Truth::No {
                continue;
            }
            let mut found = self.gateways.serving(gateway).to_vec();
            if found.is_empty() && &*gateway.group != ISTIO {
                found = self.shared(gateway);
            }
            if found.is_empty() {
                return None;
            }
            all.extend(found);
        }
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// Whether some listener that the route names takes it (Gateway API, "Attaching routes").
    fn attached(&self, gateway: &Gateway, parent: &Parent, route: &Route) -> Truth {
        let admits = |listener: &Listener| match &*listener.allowed_from {
            "All" => Truth::Yes,
            "Selector" => self
                .namespaces
                .find(&route.namespace)
                .map_or(Truth::Unknown, |n| {
                    self.namespaces.selected(&listener.allowed_selector, n)
                }),
            "None" => Truth::No,
            _ if gateway.namespace == route.namespace => Truth::Yes,
            _ => Truth::No,
        };
        let named = |listener: &Listener| {
            let section = parent.section.as_ref();
            section.is_none_or(|section| listener.name == *section)
                && parent.port.is_none_or(|port| listener.port == port)
        };
        let takes = |listener: &Listener| {
            (listener.kinds.is_empty() || listener.kinds.contains(&route.kind))
                && (&*gateway.group == ISTIO || speaks(&listener.protocol, &route.kind))
        };
        gateway
            .listeners
            .iter()
            .filter(|l| named(l) && takes(l) && hosts_meet(l, route))
            .map(admits)
            .max()
            .unwrap_or(Truth::No)
    }

    fn gateway(&self, gateway: &'a Gateway, ledger: &mut Ledger) -> Vec<Mouth> {
        let object = ObjectRef::new(
            &gateway.group,
            "Gateway",
            Some(&gateway.namespace),
            &gateway.name,
        );
        let mut found = self.gateways.serving(gateway).to_vec();
        if found.is_empty() && &*gateway.group != ISTIO {
            found = self.shared(gateway);
        }
        let mut mouths = if !found.is_empty() {
            self.through(&found, ledger)
        } else if gateway.addresses.is_empty() && cloud::internal_gateway_class(&gateway.class) {
            let chain = vec![ledger.field(
                &object,
                "/spec/gatewayClassName",
                format!("gateway class {} is internal", gateway.class),
            )];
            vec![Mouth {
                span: Span::exact(External),
                source: Source::World { preserved: false },
                chain,
                missing: Vec::new(),
            }]
        } else {
            vec![assumed(&gateway.addresses, &object, "gateway", ledger)]
        };
        let admits = ledger.about(
            &object,
            format!(
                "Gateway {}/{} takes the route",
                gateway.namespace, gateway.name
            ),
        );
        for mouth in &mut mouths {
            mouth.chain.push(admits);
        }
        mouths
    }

    /// Controllers that serve Gateways with their own pods.
    fn shared(&self, gateway: &Gateway) -> Vec<u32> {
        let mut classes = self.inventory.front_classes.iter();
        let class =
            classes.find(|known| &*known.kind == "GatewayClass" && known.name == gateway.class);
        let controller = class.map(|class| &*class.controller);
        let names = [controller, Some(&*gateway.class)];
        let shared = |name: &&str| SHARED.iter().any(|word| name.contains(word));
        if names.into_iter().flatten().any(|name| shared(&name)) {
            self.controllers_of(Some(&gateway.class), controller)
        } else {
            Vec::new()
        }
    }
}

/// Listener protocols that a kind of route can attach to (Gateway API, "protocol and route types").
fn speaks(protocol: &str, kind: &str) -> bool {
    match kind {
        "HTTPRoute" | "GRPCRoute" => !matches!(protocol, "TCP" | "UDP" | "TLS"),
        "TLSRoute" => !matches!(protocol, "HTTP" | "UDP" | "TCP"),
        "TCPRoute" => !matches!(protocol, "HTTP" | "HTTPS" | "UDP"),
        "UDPRoute" => !matches!(protocol, "HTTP" | "HTTPS" | "TCP" | "TLS"),
        _ => true,
    }
}

/// A listener and a route that both name hosts need one in common (Gateway API, `Hostname`); the layer below TLS has none.
fn hosts_meet(listener: &Listener, route: &Route) -> bool {
    let (Some(host), false) = (&listener.hostname, route.hostnames.is_empty()) else {
        return true;
    };
    let without = matches!(&*route.kind, "TCPRoute" | "UDPRoute");
    without || route.hostnames.iter().any(|of| intersect(host, of))
}

/// `*.example.com` stands for one label or more.
fn intersect(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let under = |name: &str, suffix: &str| {
        let rest = name.strip_suffix(suffix);
        rest.is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    match (a.strip_prefix("*."), b.strip_prefix("*.")) {
        (None, None) => a == b || a == "*" || b == "*",
        (Some(suffix), None) => under(&b, suffix) || b == "*",
        (None, Some(suffix)) => under(&a, suffix) || a == "*",
        (Some(x), Some(y)) => x == y || under(x, y) || under(y, x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (a, b, expected) in [
            ("a.example.com", "a.example.com", true),
            ("a.example.com", "A.Example.Com", true),
            ("a.example.com", "b.example.com", false),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("*.example.com", "a.badexample.com", false),
            ("*.example.com", "*.example.com", true),
            ("*.example.com", "*.a.example.com", true),
            ("*.a.example.com", "*.b.example.com", false),
            ("*", "a.example.com", true),
        ] {
            assert_eq!(intersect(a, b), expected, "{a} and {b}");
            assert_eq!(intersect(b, a), expected, "{b} and {a}");
        }
    }
}
