//! The ways in: Services and their endpoints, Ingresses, Gateways, routes.
//! Comes in: a Snapshot. Goes out: views. Never: a conclusion about exposure.

use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{
    EndpointSlice, Gateway, Ingress, Listener, Route, Selector, Service, ServicePort, TargetPort,
};
use ipnet::IpNet;
use model::object::Gvk;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashSet;
use std::net::IpAddr;

pub(crate) const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
const ISTIO_GROUP: &str = "networking.istio.io";
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Services, and beside each its `loadBalancerClass`.
pub(crate) fn services(lens: &mut Lens, snapshot: &Snapshot) -> (Vec<Service>, Vec<Option<Text>>) {
    let both = read_all(lens, snapshot, "", "Service", |lens, object, root| {
        let class = lens.option(root.get("spec").word("loadBalancerClass"));
        (service(lens, object, root), class)
    });
    both.into_iter().unzip()
}

fn service(lens: &mut Lens, object: &Object, root: Node<'_>) -> Service {
    let spec = root.get("spec");
    let annotations = lens.labels(root.at(&["metadata", "annotations"]));
    let kind = spec.word("type").unwrap_or("ClusterIP");
    Service {
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        labels: lens.pairs(&object.labels),
        kind: lens.word(kind),
        headless: spec.text("clusterIP") == Some("None"),
        selector: if kind == "ExternalName" {
            crate::view::Labels::new()
        } else {
            lens.labels(spec.get("selector"))
        },
        ports: spec
            .list("ports")
            .filter_map(|port| service_port(lens, port))
            .collect(),
        external_ips: spec.texts("externalIPs").map(|ip| lens.word(ip)).collect(),
        source_ranges: source_ranges(spec, annotations.get(SOURCE_RANGES)),
        load_balancer: addresses(lens, root.at(&["status", "loadBalancer"])),
        external_traffic_local: spec.text("externalTrafficPolicy") == Some("Local"),
        annotations,
    }
}

/// The field wins over the annotation (cloud-provider `GetLoadBalancerSourceRanges`). One range that is no range makes
/// the whole list unknown, and an unknown list does not limit.
fn source_ranges(spec: Node<'_>, annotation: Option<&Text>) -> Vec<IpNet> {
    let field = spec.get("loadBalancerSourceRanges");
    let mut ranges = Vec::new();
    if field.items().next().is_some() {
        for node in field.items() {
            let Some(range) = node.as_text().and_then(cidr) else {
                node.malformed();
                return Vec::new();
            };
            ranges.push(range);
        }
        return ranges;
    }
    for text in annotation.map_or("", |text| text).split(',') {
        match cidr(text) {
            Some(range) => ranges.push(range),
            None => return Vec::new(),
        }
    }
    ranges
}

pub(crate) fn cidr(text: &str) -> Option<IpNet> {
    let net: IpNet = text.trim().parse().ok()?;
    Some(net.trunc())
}

fn service_port(lens: &mut Lens, node: Node<'_>) -> Option<ServicePort> {
    let port = node.port("port")?;
    let target = match target_port(lens, node.get("targetPort")) {
        // SetDefaults_Service: unset, 0 and the empty text mean the same port.
        None | Some(TargetPort::Number(0)) => TargetPort::Number(port),
        Some(TargetPort::Name(name)) if name.is_empty() => TargetPort::Number(port),
        Some(target) => target,
    };
    Some(ServicePort {
        name: lens.option(node.word("name")),
        port,
        target,
        node_port: node.port("nodePort").unwrap_or(0),
        protocol: lens.word(node.word("protocol").unwrap_or("TCP")),
    })
}

/// `intstr.IntOrString`; digits in a text stay a name, as in the API server.
pub(crate) fn target_port(lens: &mut Lens, node: Node<'_>) -> Option<TargetPort> {
    match node.number_or_text()? {
        Ok(number) => {
            let port = u16::try_from(number).ok();
            if port.is_none() {
                node.malformed();
            }
            port.map(TargetPort::Number)
        }
        Err(name) => Some(TargetPort::Name(lens.word(name))),
    }
}

/// Addresses or host names of a `LoadBalancerStatus`.
fn addresses(lens: &mut Lens, status: Node<'_>) -> Vec<Text> {
    status
        .list("ingress")
        .filter_map(|entry| entry.word("ip").or_else(|| entry.word("hostname")))
        .map(|address| lens.word(address))
        .collect()
}

/// EndpointSlices; `Endpoints` only of Services that have none.
pub(crate) fn endpoint_slices(lens: &mut Lens, snapshot: &Snapshot) -> Vec<EndpointSlice> {
    let mut slices: Vec<EndpointSlice> = read_all(
        lens,
        snapshot,
        "discovery.k8s.io",
        "EndpointSlice",
        |lens, object, root| {
            let service = object.label("kubernetes.io/service-name");
            EndpointSlice {
                namespace: lens.namespace(object),
                service: service.map_or_else(|| "".into(), |name| lens.word(name)),
                addresses: root
                    .list("endpoints")
                    .flat_map(|endpoint| endpoint.texts("addresses"))
                    .filter_map(|address| address.parse::<IpAddr>().ok())
                    .collect(),
                ports: endpoint_ports(lens, root),
            }
        },
    );
    slices.retain(|slice| !slice.service.is_empty());
    let known: FxHashSet<(Text, Text)> = slices
        .iter()
        .map(|slice| (Text::clone(&slice.namespace), Text::clone(&slice.service)))
        .collect();
    for object in snapshot.of_kind("", "Endpoints") {
        let key = (lens.namespace(object), lens.word(&object.name));
        if known.contains(&key) {
            continue;
        }
        let subsets = lens.read(object, |lens, root| {
            let subset = |lens: &mut Lens, subset: Node<'_>| EndpointSlice {
                namespace: Text::clone(&key.0),
                service: Text::clone(&key.1),
                addresses: ["addresses", "notReadyAddresses"]
                    .into_iter()
                    .flat_map(|list| subset.list(list))
                    .filter_map(|address| address.text("ip")?.parse().ok())
                    .collect(),
                ports: endpoint_ports(lens, subset),
            };
            let subsets: Vec<_> = root
                .list("subsets")
                .map(|node| subset(lens, node))
                .collect();
            subsets
        });
        slices.extend(subsets.unwrap_or_default());
    }
    slices.sort_by(|a, b| (&a.namespace, &a.service).cmp(&(&b.namespace, &b.service)));
    slices
}

fn endpoint_ports(lens: &mut Lens, node: Node<'_>) -> Vec<(u16, Text)> {
    node.list("ports")
        .filter_map(|port| {
            let protocol = lens.word(port.word("protocol").unwrap_or("TCP"));
            Some((port.port("port")?, protocol))
        })
        .collect()
}

/// Ingresses of all groups that had them; an older server shows the same object in two groups.
pub(crate) fn ingresses(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Ingress> {
    let mut all: Vec<Ingress> = Vec::new();
    for group in ["networking.k8s.io", "extensions"] {
        let read = read_all(lens, snapshot, group, "Ingress", ingress);
        for ingress in read {
            let same = |known: &Ingress| {
                known.namespace == ingress.namespace && known.name == ingress.name
            };
            if group == "networking.k8s.io" || !all.iter().any(same) {
                all.push(ingress);
            }
        }
    }
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    all
}

fn ingress(lens: &mut Lens, object: &Object, root: Node<'_>) -> Ingress {
    let spec = root.get("spec");
    let annotations = lens.labels(root.at(&["metadata", "annotations"]));
    let none = lens.word("");
    let mut backends = Vec::new();
    for default in [spec.get("defaultBackend"), spec.get("backend")] {
        backends.extend(ingress_backend(lens, &none, default));
    }
    for rule in spec.list("rules") {
        let host = lens.word(rule.text("host").unwrap_or(""));
        for path in rule.get("http").list("paths") {
            backends.extend(ingress_backend(lens, &host, path.get("backend")));
        }
    }
    let class = lens.option(spec.word("ingressClassName"));
    Ingress {
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        class: class.or_else(|| annotations.get("kubernetes.io/ingress.class").cloned()),
        annotations,
        backends,
        load_balancer: addresses(lens, root.at(&["status", "loadBalancer"])),
    }
}

/// `service: {name, port: {number | name}}` (v1) or `serviceName`, `servicePort` (v1beta1).
fn ingress_backend(
    lens: &mut Lens,
    host: &Text,
    backend: Node<'_>,
) -> Option<(Text, Text, TargetPort)> {
    let (name, port) = if let Some(name) = backend.get("service").word("name") {
        let port = backend.at(&["service", "port"]);
        let number = port.port("number").map(TargetPort::Number);
        let named = port
            .word("name")
            .map(|name| TargetPort::Name(lens.word(name)));
        (name, number.or(named))
    } else {
        let port = target_port(lens, backend.get("servicePort"));
        (backend.word("serviceName")?, port)
    };
    let port = port.unwrap_or(TargetPort::Number(0));
    Some((Text::clone(host), lens.word(name), port))
}

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
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
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
                    allowed_from: lens.word(namespaces.word("from").unwrap_or("Same")),
                    allowed_selector: selector(lens, namespaces.get("selector"), |key| key),
                }
            })
            .collect(),
        addresses,
    }
}

/// Istio binds VirtualServices of every namespace unless a host says otherwise.
fn istio_gateway(lens: &mut Lens, object: &Object, root: Node<'_>) -> Gateway {
    Gateway {
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        class: lens.word("istio"),
        annotations: lens.labels(root.at(&["metadata", "annotations"])),
        listeners: root
            .get("spec")
            .list("servers")
            .map(|server| {
                let port = server.get("port");
                Listener {
                    name: lens.word(port.text("name").unwrap_or("")),
                    port: port.port("number").unwrap_or(0),
                    protocol: lens.word(port.text("protocol").unwrap_or("")),
                    allowed_from: lens.word("All"),
                    allowed_selector: Selector::everything(),
                }
            })
            .collect(),
        addresses: Vec::new(),
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
                .filter(|(_, (namespace, service, _))| {
                    *namespace != route.namespace
                        && grants.iter().any(|g| g.allows(route, namespace, service))
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
    all.extend(read_all(
        lens,
        snapshot,
        ISTIO_GROUP,
        "VirtualService",
        virtual_service,
    ));
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
        backends: Vec::new(),
        granted: Vec::new(),
    }
}

fn gateway_route(lens: &mut Lens, object: &Object, root: Node<'_>) -> Route {
    let mut route = empty_route(lens, object);
    let spec = root.get("spec");
    let own = Text::clone(&route.namespace);
    for parent in spec.list("parentRefs") {
        // Routes of a mesh name a Service as their parent (GAMMA): no way in from outside.
        if parent.word("kind").unwrap_or("Gateway") != "Gateway" {
            continue;
        }
        let Some(name) = parent.word("name") else {
            continue;
        };
        let namespace = lens.word(parent.word("namespace").unwrap_or(&own));
        let section = lens.option(parent.word("sectionName"));
        route.parents.push((namespace, lens.word(name), section));
    }
    for rule in spec.list("rules") {
        let mirrors = rule
            .list("filters")
            .map(|filter| filter.at(&["requestMirror", "backendRef"]))
            .filter(|backend| !backend.is_absent());
        for backend in rule.list("backendRefs").chain(mirrors) {
            let service = backend.word("group").is_none()
                && backend.word("kind").unwrap_or("Service") == "Service";
            let Some(name) = backend.word("name").filter(|_| service) else {
                continue;
            };
            let namespace = lens.word(backend.word("namespace").unwrap_or(&own));
            let entry = (namespace, lens.word(name), backend.port("port"));
            if !route.backends.contains(&entry) {
                route.backends.push(entry);
            }
        }
    }
    route
}

fn openshift_route(lens: &mut Lens, object: &Object, root: Node<'_>) -> Route {
    let mut route = empty_route(lens, object);
    let spec = root.get("spec");
    let backends = std::iter::once(spec.get("to")).chain(spec.list("alternateBackends"));
    for backend in backends {
        let service = backend.word("kind").unwrap_or("Service") == "Service";
        if let Some(name) = backend.word("name").filter(|_| service) {
            let entry = (Text::clone(&route.namespace), lens.word(name), None);
            route.backends.push(entry);
        }
    }
    route
}

/// Istio asks for no grant across namespaces.
fn virtual_service(lens: &mut Lens, object: &Object, root: Node<'_>) -> Route {
    let mut route = empty_route(lens, object);
    let spec = root.get("spec");
    for gateway in spec.texts("gateways").filter(|name| *name != "mesh") {
        let (namespace, name) = gateway
            .split_once('/')
            .unwrap_or((&route.namespace, gateway));
        let parent = (lens.word(namespace), lens.word(name), None);
        route.parents.push(parent);
    }
    for rule in ["http", "tls", "tcp"]
        .into_iter()
        .flat_map(|key| spec.list(key))
    {
        for target in rule.list("route") {
            let destination = target.get("destination");
            let Some(host) = destination.word("host") else {
                continue;
            };
            let mut parts = host.split('.');
            let service = parts.next().unwrap_or(host);
            // `web`, `web.shop`, `web.shop.svc.cluster.local`; other names lie outside the cluster.
            let namespace = match (parts.next(), parts.next()) {
                (None, _) => Text::clone(&route.namespace),
                (Some(namespace), None | Some("svc")) => lens.word(namespace),
                (Some(_), Some(_)) => continue,
            };
            let port = destination.get("port").port("number");
            let entry = (namespace, lens.word(service), port);
            if !route.backends.contains(&entry) {
                route.backends.push(entry);
            }
        }
    }
    route.granted = (0u32..)
        .zip(&route.backends)
        .filter(|(_, (namespace, _, _))| *namespace != route.namespace)
        .map(|(index, _)| index)
        .collect();
    route
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

/// Views of all objects of one kind, in the order of the Snapshot.
pub(crate) fn read_all<T>(
    lens: &mut Lens,
    snapshot: &Snapshot,
    group: &str,
    kind: &str,
    view: impl Fn(&mut Lens, &Object, Node<'_>) -> T,
) -> Vec<T> {
    snapshot
        .of_kind(group, kind)
        .iter()
        .filter_map(|object| lens.read(object, |lens, root| view(lens, object, root)))
        .collect()
}
