//! Services that open more than they need to. Comes in: typed Services and slices. Goes out: findings.
//! Never: whether somebody outside gets through in the end.

use crate::world::{Sink, World, read};
use model::object::ObjectRef;
use semantics::view::{Service, TargetPort};

/// Ports of databases, queues, caches and administration, which answer to whoever comes.
const BACK_DOORS: [(u16, &str); 25] = [
    (22, "SSH"),
    (2375, "Docker"),
    (2376, "Docker"),
    (2379, "etcd"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (5432, "PostgreSQL"),
    (5601, "Kibana"),
    (5672, "AMQP"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (6443, "Kubernetes API"),
    (7000, "Cassandra"),
    (8500, "Consul"),
    (9042, "Cassandra"),
    (9090, "Prometheus"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (9300, "Elasticsearch"),
    (10250, "kubelet"),
    (11211, "memcached"),
    (15672, "RabbitMQ"),
    (27017, "MongoDB"),
    (50000, "Jenkins agents"),
];

fn reference(service: &Service) -> ObjectRef {
    ObjectRef::new("", "Service", Some(&service.namespace), &service.name)
}

/// Annotations of clouds that keep a load balancer inside say so by key or value.
fn internal(world: &World<'_>, service: &Service) -> bool {
    let declared = || world.inventory.internal.contains(&reference(service));
    let says = service.annotations.iter().any(|(key, value)| {
        (key.contains("internal") && !value.eq_ignore_ascii_case("false"))
            || ["internal", "intranet", "private"]
                .iter()
                .any(|word| value.to_ascii_lowercase().contains(word))
    });
    let class = service.load_balancer_class.as_deref();
    says || class.is_some_and(|c| c.contains("internal") || c.contains("tailscale")) || declared()
}

fn open_load_balancer(world: &World<'_>, service: &Service) -> bool {
    &*service.kind == "LoadBalancer"
        && (service.source_ranges.is_empty()
            || service
                .source_ranges
                .iter()
                .any(|range| range.prefix_len() == 0))
        && !internal(world, service)
}

pub(super) fn load_balancers(world: &World<'_>, sink: &mut Sink<'_>) {
    for service in &world.inventory.services {
        if &*service.kind != "LoadBalancer" {
            continue;
        }
        sink.looked(1);
        if open_load_balancer(world, service) {
            let pointer = "/spec/loadBalancerSourceRanges";
            let says = format!("{pointer} limits nobody");
            sink.about(world, &reference(service), pointer, says);
        }
    }
}

pub(super) fn back_doors(world: &World<'_>, sink: &mut Sink<'_>) {
    for service in &world.inventory.services {
        if !matches!(&*service.kind, "LoadBalancer" | "NodePort") {
            continue;
        }
        sink.looked(1);
        if &*service.kind == "LoadBalancer" && !open_load_balancer(world, service) {
            continue;
        }
        for (n, port) in service.ports.iter().enumerate() {
            let target = match port.target {
                TargetPort::Number(target) => target,
                TargetPort::Name(_) => port.port,
            };
            let door = BACK_DOORS
                .iter()
                .find(|(number, _)| [port.port, target].contains(number));
            if let Some((number, name)) = door {
                let says = format!("a {} leads to port {number}, {name}", service.kind);
                sink.about(world, &reference(service), format!("/spec/ports/{n}"), says);
            }
        }
    }
}

/// Names that lead into other namespaces, or to the node or cloud below whoever asks.
pub(super) fn external_names(world: &World<'_>, sink: &mut Sink<'_>) {
    world.each("", "Service", |object, root| {
        let spec = root.get("spec");
        let Some(name) = spec
            .text("externalName")
            .filter(|_| spec.text("type") == Some("ExternalName"))
        else {
            return;
        };
        sink.looked(1);
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let own = object.namespace.as_deref().unwrap_or("default");
        let inside = name
            .strip_suffix(".svc.cluster.local")
            .or_else(|| name.strip_suffix(".svc"));
        let other = inside.and_then(|rest| rest.rsplit('.').next());
        let below = name == "localhost"
            || name.starts_with("127.")
            || name.starts_with("169.254.")
            || name == "metadata.google.internal";
        let says = match other {
            Some(namespace) if namespace != own => {
                format!("/spec/externalName leads into namespace {namespace}")
            }
            _ if below => "/spec/externalName leads to the asker's own node or cloud".to_owned(),
            _ => return,
        };
        sink.about(world, &object.reference(), "/spec/externalName", says);
    });
}

/// Slices of Services without a selector that name pods of other namespaces (CVE-2021-25740).
pub(super) fn foreign_endpoints(world: &World<'_>, sink: &mut Sink<'_>) {
    let inventory = world.inventory;
    for slice in &inventory.endpoint_slices {
        let service = inventory
            .services
            .iter()
            .find(|one| one.namespace == slice.namespace && one.name == slice.service);
        if service.is_none_or(|one| !one.selector.is_empty()) {
            continue;
        }
        sink.looked(1);
        let foreign = inventory.pods.iter().find(|pod| {
            let host = inventory
                .workloads
                .get(pod.workload as usize)
                .and_then(|view| inventory.templates.get(view.template as usize))
                .is_none_or(|template| template.host_network);
            !host
                && pod.namespace != slice.namespace
                && pod.ips.iter().any(|ip| slice.addresses.contains(ip))
        });
        if let (Some(pod), Some(service)) = (foreign, service) {
            let says = format!(
                "its endpoints, set by hand, are those of pod {}/{}",
                pod.namespace, pod.name
            );
            sink.about(world, &reference(service), "/spec/selector", says);
        }
    }
}

/// ingress-nginx with snippets allowed: whoever writes an Ingress runs code in the controller.
pub(super) fn snippets_allowed(world: &World<'_>, sink: &mut Sink<'_>) {
    for object in world.snapshot.of_kind("", "ConfigMap") {
        let text = std::str::from_utf8(&object.json).unwrap_or("");
        if !text.contains("allow-snippet-annotations") {
            continue;
        }
        read(object, |root| {
            let value = root.at(&["data", "allow-snippet-annotations"]);
            let Some(value) = value.as_text() else {
                return;
            };
            sink.looked(1);
            // Of the words for yes and no that a ConfigMap can hold here, only one has four letters.
            if value == "true" || value.starts_with("redacted:v1:boolean:4:") {
                let pointer = "/data/allow-snippet-annotations";
                sink.about(
                    world,
                    &object.reference(),
                    pointer,
                    format!("{pointer} is true"),
                );
            }
        });
    }
}
