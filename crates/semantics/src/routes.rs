//! Gateways and the routes that name them: Gateway API, Istio, OpenShift.
//! Comes in: a Snapshot. Goes out: views. Never: whether a route is attached; that depends on namespaces.

use crate::entries::{GATEWAY_GROUP, read_all, target_port};
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{
    Backend, BackendPort, Gateway, Labels, Listener, Parent, Route, Selector, TargetPort,
};
use model::object::Gvk;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashMap;

const ISTIO_GROUP: &str = "networking.istio.io";
const NAMESPACE: &str = "kubernetes.io/metadata.name";

/// Gateways of the Gateway API, and of Istio with class `istio`.
pub(crate) fn gateways(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Gateway> {
    let mut all = read_all(lens, snapshot, GATEWAY_GROUP, "Gateway", gateway);
    all.extend(read_all(
        lens,
        snapshot,
        ISTIO_GROUP,
        "Gateway",
        istio_gateway,
    ));
    all.sort_by(|a, b| (&a.namespace, &a.name, &a.class).cmp(&(&b.namespace, &b.name, &b.class)));
    all
}

fn gateway(lens: &mut Lens, object: &Object, root: Node<'_>) -> Gateway {
    let spec = root.get("spec");
    let values = |lens: &mut Lens, node: Node<'_>| -> Vec<Text> {
        node.list("addresses")
            .filter_map(|address| address.word("value"))
            .map(|value| lens.word(value))
            .collect()
    };
    let mut addresses = values(lens, root.get("status"));
    if addresses.is_empty() {
        addresses = values(lens, spec);
    }
    Gateway {
        group: lens.word(GATEWAY_GROUP),
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        pods: Labels::new(),
        class: lens.word(spec.text("gatewayClassName").unwrap_or("")),
        annotations: lens.labels(root.at(&["metadata", "annotations"])),
        listeners: spec
            .list("listeners")
            .map(|listener| {
                let namespaces = listener.at(&["allowedRoutes", "namespaces"]);
                Listener {
                    name: lens.word(listener.text("name").unwrap_or("")),
                    port: listener.port("port").unwrap_or(0),
                    protocol: lens.word(listener.text("protocol").unwrap_or("")),
                    hostname: lens.option(listener.word("hostname")),
                    kinds: listener
                        .get("allowedRoutes")
                        .list("kinds")
                        .filter_map(|kind| kind.word("kind"))
                        .map(|kind| lens.word(kind))
                        .collect(),
                    allowed_from: lens.word(namespaces.word("from").unwrap_or("Same")),
                    allowed_selector: selector(lens, namespaces.get("selector"), |key| key),
                }
            })
            .collect(),
        addresses,
    }
}

/// One listener for each host of each server: `*`, `*/host`, `./host`, `namespace/host`.
fn istio_gateway(lens: &mut Lens, object: &Object, root: Node<'_>) -> Gateway {
    let spec = root.get("spec");
    let mut listeners = Vec::new();
    for server in spec.list("servers") {
        let port = server.get("port");
        for host in server.texts("hosts") {
            let (place, host) = host.split_once('/').unwrap_or(("*", host));
            let (from, selector) = match place {
                "*" => ("All", Selector::everything()),
                "." => ("Same", Selector::everything()),
                named => {
                    let own = [(lens.word(NAMESPACE), lens.word(named))];
                    let selector = Selector {
                        equals: own.into(),
                        ..Selector::default()
                    };
                    ("Selector", selector)
                }
            };
            listeners.push(Listener {
                name: lens.word(port.text("name").unwrap_or("")),
                port: port.port("number").unwrap_or(0),
                protocol: lens.word(port.text("protocol").unwrap_or("")),
                hostname: (host != "*").then(|| lens.word(host)),
                kinds: Vec::new(),
                allowed_from: lens.word(from),
                allowed_selector: selector,
            });
        }
    }
    Gateway {
        group: lens.word(ISTIO_GROUP),
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        class: lens.word("istio"),
        annotations: lens.labels(root.at(&["metadata", "annotations"])),
        listeners,
        addresses: Vec::new(),
        pods: lens.labels(spec.get("selector")),
    }
}

/// Routes of the Gateway API, OpenShift and Istio.
pub(crate) fn routes(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Route> {
    let grants = grants(lens, snapshot);
    let mut all = Vec::new();
    for kind in ["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"] {
        let mut read = read_all(lens, snapshot, GATEWAY_GROUP, kind, gateway_route);
        for route in &mut read {
            route.granted = (0u32..)
                .zip(&route.backends)
                .filter(|(_, to)| {
                    to.namespace != route.namespace
                        && grants
                            .iter()
                            .any(|g| g.allows(route, &to.namespace, &to.service))
                })
                .map(|(index, _)| index)
                .collect();
        }
        all.append(&mut read);
    }
    all.extend(read_all(
        lens,
        snapshot,
        "route.openshift.io",
        "Route",
        openshift_route,
    ));
    all.extend(virtual_services(lens, snapshot));
    all.sort_by(|a, b| {
        (&a.namespace, &a.name, &a.group, &a.kind).cmp(&(&b.namespace, &b.name, &b.group, &b.kind))
    });
    all
}

fn empty_route(lens: &mut Lens, object: &Object) -> Route {
    let Gvk { group, kind, .. } = &object.gvk;
    Route {
        kind: lens.word(kind),
        group: lens.word(group),
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        parents: Vec::new(),
        hostnames: Vec::new(),
        backends: Vec::new(),
        granted: Vec::new(),
    }
}

fn gateway_route(lens: &mut Lens, object: &Object, root: Node<'_>) -> Route {
    let mut route = empty_route(lens, object);
    let spec = root.get("spec");
    let own = Text::clone(&route.namespace);
    for parent in spec.list("parentRefs") {
        let kind = parent.word("kind").unwrap_or("Gateway");
        // Routes of a mesh name a Service as their parent (GAMMA): no way in from outside.
        if matches!(kind, "Service" | "ServiceEntry") {
            continue;
        }
        let Some(name) = parent.word("name") else {
            continue;
        };
        route.parents.push(Parent {
            group: lens.word(parent.word("group").unwrap_or(GATEWAY_GROUP)),
            kind: lens.word(kind),
            namespace: lens.word(parent.word("namespace").unwrap_or(&own)),
            name: lens.word(name),
            section: lens.option(parent.word("sectionName")),
            port: parent.port("port"),
        });
    }
    route.hostnames = spec.texts("hostnames").map(|h| lens.word(h)).collect();
    for rule in spec.list("rules") {
        let mirrors = rule
            .list("filters")
            .map(|filter| filter.at(&["requestMirror", "backendRef"]))
            .filter(|backend| !backend.is_absent());
        // The weight defaults to 1, and nothing is sent to 0.
        let taken = rule
            .list("backendRefs")
            .filter(|backend| backend.int("weight") != Some(0));
        for backend in taken.chain(mirrors) {
            let service = backend.word("group").is_none()
                && backend.word("kind").unwrap_or("Service") == "Service";
            let Some(name) = backend.word("name").filter(|_| service) else {
                continue;
            };
            let to = Backend {
                namespace: lens.word(backend.word("namespace").unwrap_or(&own)),
                service: lens.word(name),
                port: backend
                    .port("port")
                    .map_or(BackendPort::Any, BackendPort::Number),
            };
            if !route.backends.contains(&to) {
                route.backends.push(to);
            }
        }
    }
    route
}

/// `spec.port.targetPort` is the name of an end point's port, which is the name of the Service's, or its number, which
/// is the pod's (OpenShift API, `RoutePort`).
fn openshift_route(lens: &mut Lens, object: &Object, root: Node<'_>) -> Route {
    let mut route = empty_route(lens, object);
    let spec = root.get("spec");
    let port = match target_port(lens, spec.get("port").get("targetPort")) {
        None | Some(TargetPort::Number(0)) => BackendPort::Any,
        Some(TargetPort::Number(number)) => BackendPort::Target(number),
        Some(TargetPort::Name(name)) if name.is_empty() => BackendPort::Any,
        Some(TargetPort::Name(name)) => BackendPort::Name(name),
    };
    let backends = std::iter::once(spec.get("to")).chain(spec.list("alternateBackends"));
    for backend in backends.filter(|backend| backend.int("weight") != Some(0)) {
        let service = backend.word("kind").unwrap_or("Service") == "Service";
        if let Some(name) = backend.word("name").filter(|_| service) {
            route.backends.push(Backend {
                namespace: Text::clone(&route.namespace),
                service: lens.word(name),
                port: port.clone(),
            });
        }
    }
    route.hostnames.extend(lens.option(spec.word("host")));
    route
}

/// VirtualServices; one that another delegates to is a part of that one.
fn virtual_services(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Route> {
    let mut read = read_all(
        lens,
        snapshot,
        ISTIO_GROUP,
        "VirtualService",
        virtual_service,
    );
    let parts: FxHashMap<(Text, Text), Vec<Backend>> = read
        .iter()
        .map(|(route, _)| {
            let key = (Text::clone(&route.namespace), Text::clone(&route.name));
            (key, route.backends.clone())
        })
        .collect();
    for (route, delegates) in &mut read {
        for to in delegates.iter().filter_map(|key| parts.get(key)).flatten() {
            if !route.backends.contains(to) {
                route.backends.push(to.clone());
            }
        }
        // Istio asks for no grant across namespaces.
        route.granted = (0u32..)
            .zip(&route.backends)
            .filter(|(_, to)| to.namespace != route.namespace)
            .map(|(index, _)| index)
            .collect();
    }
    read.into_iter().map(|(route, _)| route).collect()
}

/// With the (namespace, name) that it delegates to. Without `gateways` it is for the mesh alone.
fn virtual_service(lens: &mut Lens, object: &Object, root: Node<'_>) -> (Route, Vec<(Text, Text)>) {
    let mut route = empty_route(lens, object);
    let mut delegates = Vec::new();
    let spec = root.get("spec");
    for gateway in spec.texts("gateways").filter(|name| *name != "mesh") {
        let (namespace, name) = gateway
            .split_once('/')
            .unwrap_or((&route.namespace, gateway));
        route.parents.push(Parent {
            group: lens.word(ISTIO_GROUP),
            kind: lens.word("Gateway"),
            namespace: lens.word(namespace),
            name: lens.word(name),
            section: None,
            port: None,
        });
    }
    route.hostnames = spec
        .texts("hosts")
        .filter(|host| *host != "*")
        .map(|host| lens.word(host))
        .collect();
    if spec.texts("hosts").any(|host| host == "*") {
        route.hostnames.clear();
    }
    for rule in ["http", "tls", "tcp"]
        .into_iter()
        .flat_map(|key| spec.list(key))
    {
        let delegate = rule.get("delegate");
        if let Some(name) = delegate.word("name") {
            let namespace = delegate.word("namespace").unwrap_or(&route.namespace);
            delegates.push((lens.word(namespace), lens.word(name)));
        }
        let routed = rule.list("route").map(|target| target.get("destination"));
        let mirrored = rule.list("mirrors").map(|mirror| mirror.get("destination"));
        let mirror = std::iter::once(rule.get("mirror"));
        for destination in routed.chain(mirrored).chain(mirror) {
            if let Some(to) = destination_of(lens, &route, destination)
                && !route.backends.contains(&to)
            {
                route.backends.push(to);
            }
        }
    }
    (route, delegates)
}

fn destination_of(lens: &mut Lens, route: &Route, destination: Node<'_>) -> Option<Backend> {
    let host = destination.word("host")?;
    let mut parts = host.split('.');
    let service = parts.next().unwrap_or(host);
    // `web`, `web.shop`, `web.shop.svc.cluster.local`; other names lie outside the cluster.
    let namespace = match (parts.next(), parts.next()) {
        (None, _) => Text::clone(&route.namespace),
        (Some(namespace), None | Some("svc")) => lens.word(namespace),
        (Some(_), Some(_)) => return None,
    };
    let port = destination.get("port").port("number");
    Some(Backend {
        namespace,
        service: lens.word(service),
        port: port.map_or(BackendPort::Any, BackendPort::Number),
    })
}

/// One pair of a ReferenceGrant: routes of a namespace and kind may name Services here.
struct Grant {
    namespace: Text,
    from_namespace: Text,
    from_group: Text,
    from_kind: Text,
    /// `None`: all Services.
    service: Option<Text>,
}

impl Grant {
    fn allows(&self, route: &Route, namespace: &Text, service: &Text) -> bool {
        self.namespace == *namespace
            && self.from_namespace == route.namespace
            && self.from_group == route.group
            && self.from_kind == route.kind
            && self.service.as_ref().is_none_or(|name| name == service)
    }
}

fn grants(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Grant> {
    let mut grants = Vec::new();
    for object in snapshot.of_kind(GATEWAY_GROUP, "ReferenceGrant") {
        lens.read(object, |lens, root| {
            let spec = root.get("spec");
            for from in spec.list("from") {
                for to in spec.list("to") {
                    if to.word("group").is_some() || to.text("kind") != Some("Service") {
                        continue;
                    }
                    grants.push(Grant {
                        namespace: lens.namespace(object),
                        from_namespace: lens.word(from.text("namespace").unwrap_or("")),
                        from_group: lens.word(from.text("group").unwrap_or("")),
                        from_kind: lens.word(from.text("kind").unwrap_or("")),
                        service: lens.option(to.word("name")),
                    });
                }
            }
        });
    }
    grants
}
