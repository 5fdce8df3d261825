//! The ways in: Services and their endpoints, Ingresses. What stands behind a Gateway is in `routes`.
//! Comes in: a Snapshot. Goes out: views. Never: a conclusion about exposure.

use crate::json::Node;
use crate::lens::Lens;
use crate::view::{EndpointSlice, FrontClass, Ingress, Service, ServicePort, TargetPort};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashSet;
use std::net::IpAddr;

pub(crate) const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

pub(crate) fn services(lens: &mut Lens, snapshot: &Snapshot) -> Vec<Service> {
    read_all(lens, snapshot, "", "Service", service)
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
        load_balancer_class: lens.option(spec.word("loadBalancerClass")),
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

fn endpoint_ports(lens: &mut Lens, node: Node<'_>) -> Vec<(Text, u16, Text)> {
    node.list("ports")
        .filter_map(|port| {
            let protocol = lens.word(port.word("protocol").unwrap_or("TCP"));
            let name = lens.word(port.text("name").unwrap_or(""));
            Some((name, port.port("port")?, protocol))
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

/// Classes of Ingresses and Gateways.
pub(crate) fn front_classes(lens: &mut Lens, snapshot: &Snapshot) -> Vec<FrontClass> {
    let mut all = read_all(
        lens,
        snapshot,
        "networking.k8s.io",
        "IngressClass",
        |lens, object, root| {
            let annotations = root.at(&["metadata", "annotations"]);
            let default = annotations.text("ingressclass.kubernetes.io/is-default-class");
            FrontClass {
                default: default == Some("true"),
                ..front_class(lens, object, root.get("spec"), "controller")
            }
        },
    );
    all.extend(read_all(
        lens,
        snapshot,
        GATEWAY_GROUP,
        "GatewayClass",
        |lens, object, root| front_class(lens, object, root.get("spec"), "controllerName"),
    ));
    all
}

fn front_class(lens: &mut Lens, object: &Object, spec: Node<'_>, controller: &str) -> FrontClass {
    let parameters = ["parameters", "parametersRef"];
    FrontClass {
        kind: lens.word(&object.gvk.kind),
        name: Text::clone(&object.name),
        controller: lens.word(spec.text(controller).unwrap_or("")),
        default: false,
        parameters: parameters.iter().any(|key| !spec.get(key).is_absent()),
    }
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
