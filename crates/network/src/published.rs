//! Ways in that Services and pod specs open themselves: load balancers, node ports, host ports, host network.
//! Comes in: a workload, its Services, the nodes. Goes out: ways, before any policy.
//! Never: Ingresses and Gateways; they come after, because their own front decides (`front`).

use crate::OpeningKind;
use crate::address;
use crate::cloud;
use crate::combine::Span;
use crate::reach::Source;
use crate::services::{self, Backing};
use model::evidence::{Evidence, EvidenceId, Gap, GapId, GapWeight, Ledger, Stage};
use model::object::ObjectRef;
use model::situation::ExposureClass::{Cluster, External, Internet, None as Unexposed};
use model::text::Text;
use model::workload::ContainerKind;
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, Node, Service, WorkloadView};
use std::net::IpAddr;

/// A way from outside to a port of a pod, before policies.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) kind: OpeningKind,
    pub(crate) object: ObjectRef,
    /// 0: the port is not known.
    pub(crate) port: u16,
    pub(crate) protocol: Text,
    pub(crate) span: Span,
    pub(crate) source: Source,
    pub(crate) chain: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
}

/// What is known of the nodes' addresses.
pub(crate) struct Nodes<'a> {
    by_name: FxHashMap<&'a str, &'a Node>,
    all: &'a [Node],
    declared: Option<bool>,
}

impl<'a> Nodes<'a> {
    pub(crate) fn of(inventory: &'a Inventory, declared: Option<bool>) -> Self {
        Nodes {
            by_name: inventory
                .nodes
                .iter()
                .map(|node| (&*node.name, node))
                .collect(),
            all: &inventory.nodes,
            declared,
        }
    }

    /// How a port on these nodes is exposed; all nodes where none is given.
    fn span<'n>(
        &self,
        names: impl Iterator<Item = &'n Text>,
        ledger: &mut Ledger,
    ) -> (Span, Vec<EvidenceId>, Vec<GapId>) {
        if let Some(public) = self.declared {
            let says = declared(public, ledger);
            let class = if public { Internet } else { External };
            return (Span::exact(class), vec![says], Vec::new());
        }
        let mut nodes: Vec<&Node> = names
            .filter_map(|name| self.by_name.get(&**name).copied())
            .collect();
        if nodes.is_empty() {
            nodes.extend(self.all);
        }
        if nodes.is_empty() {
            let gap = ledger.gap(gap(
                "node-addresses-unknown",
                "no node was seen: whether their ports are public is open",
                "nodes",
                "declare publicNodes in plimsoll.yaml, or scan the live cluster with the right to list nodes",
            ));
            return (Span::between(External, Internet), Vec::new(), vec![gap]);
        }
        let public = |ip: &&IpAddr| address::is_public(**ip);
        for node in &nodes {
            let found = node
                .external_ips
                .iter()
                .find(public)
                .or_else(|| node.internal_ips.iter().find(public));
            if let Some(ip) = found {
                let object = ObjectRef::new("", "Node", None, &node.name);
                let evidence = ledger.field(
                    &object,
                    "/status/addresses",
                    format!("node {} has the public address {ip}", node.name),
                );
                return (Span::exact(Internet), vec![evidence], Vec::new());
            }
        }
        let gap = ledger.gap(gap(
            "node-port-upstream-unknown",
            "no node has a public address: whether a load balancer or gateway outside of the cluster leads to their ports was not seen",
            "nodes",
            "declare publicNodes in plimsoll.yaml",
        ));
        (
            Span::seen(External, External, Internet),
            Vec::new(),
            vec![gap],
        )
    }
}

/// What the user said of the nodes' addresses.
pub(crate) fn declared(public: bool, ledger: &mut Ledger) -> EvidenceId {
    ledger.evidence(Evidence {
        statement: format!(
            "the settings say that the internet {} ports of the nodes",
            if public { "reaches" } else { "does not reach" }
        )
        .into(),
        object: None,
        pointer: None,
        source: None,
    })
}

/// All ways into the pods of a workload that its Services and its own pod spec open.
pub(crate) fn ways(
    inventory: &Inventory,
    nodes: &Nodes<'_>,
    view: &WorkloadView,
    backings: &[Backing],
    ledger: &mut Ledger,
) -> Vec<Way> {
    let mut ways = Vec::new();
    for backing in backings {
        let Some(service) = inventory.services.get(backing.service as usize) else {
            continue;
        };
        of_service(nodes, view, service, backing, &mut ways, ledger);
    }
    of_pod(inventory, nodes, view, &mut ways, ledger);
    ways
}

fn of_service(
    nodes: &Nodes<'_>,
    view: &WorkloadView,
    service: &Service,
    backing: &Backing,
    ways: &mut Vec<Way>,
    ledger: &mut Ledger,
) {
    let object = services::object(service);
    let source = Source::World {
        preserved: service.external_traffic_local,
    };
    let mut found: Vec<(OpeningKind, Span, Vec<EvidenceId>, Vec<GapId>)> = Vec::new();
    if &*service.kind == "LoadBalancer" {
        let (span, chain, missing) = load_balancer(service, &object, ledger);
        found.push((OpeningKind::LoadBalancer, span, chain, missing));
    }
    let numbered = service.ports.iter().any(|port| port.node_port != 0);
    if &*service.kind == "NodePort" || (&*service.kind == "LoadBalancer" && numbered) {
        let (span, mut chain, mut missing) = nodes.span(std::iter::empty(), ledger);
        chain.push(ledger.field(
            &object,
            "/spec/type",
            format!(
                "Service {}/{} opens a port on every node",
                service.namespace, service.name
            ),
        ));
        // Behind a load balancer the node ports are a by-product that clouds' firewalls usually close.
        let span = if &*service.kind == "NodePort" {
            span
        } else {
            missing.push(ledger.gap(gap(
                "node-port-firewall-unknown",
                "load balancers open ports on the nodes: whether a firewall closes them to others was not seen",
                "nodes",
                "set allocateLoadBalancerNodePorts: false where the load balancer reaches pods directly",
            )));
            let public = span.expected > Span::exact(External).expected;
            Span::seen(
                Unexposed,
                Cluster,
                if public { span.high } else { External },
            )
        };
        found.push((OpeningKind::NodePort, span, chain, missing));
    }
    if !service.external_ips.is_empty() {
        let public = service
            .external_ips
            .iter()
            .any(|ip| ip.parse().is_ok_and(address::is_public));
        let span = Span::exact(if public { Internet } else { External });
        let addresses = service.external_ips.join(", ");
        let chain = vec![ledger.field(
            &object,
            "/spec/externalIPs",
            format!(
                "Service {}/{} takes traffic to {addresses}",
                service.namespace, service.name
            ),
        )];
        found.push((OpeningKind::ExternalIp, span, chain, Vec::new()));
    }
    if found.is_empty() {
        return;
    }
    let selects = ledger.about(
        &object,
        format!(
            "Service {}/{} leads to {}",
            service.namespace, service.name, view.workload.object
        ),
    );
    for (kind, span, chain, missing) in found {
        for target in &backing.targets {
            let node_port = target
                .service_port
                .and_then(|at| service.ports.get(at))
                .is_none_or(|p| p.node_port != 0);
            if kind == OpeningKind::NodePort && &*service.kind == "LoadBalancer" && !node_port {
                continue;
            }
            let mut chain = chain.clone();
            chain.push(selects);
            ways.push(Way {
                kind,
                object: object.clone(),
                port: target.port,
                protocol: Text::clone(&target.protocol),
                span,
                source,
                chain,
                missing: missing.clone(),
            });
        }
    }
}

fn load_balancer(
    service: &Service,
    object: &ObjectRef,
    ledger: &mut Ledger,
) -> (Span, Vec<EvidenceId>, Vec<GapId>) {
    let name = format!("Service {}/{}", service.namespace, service.name);
    let mut chain = vec![ledger.field(
        object,
        "/spec/type",
        format!("{name} is of type LoadBalancer"),
    )];
    let mut missing = Vec::new();
    let mut span = Span::exact(Internet);
    if let Some(key) = cloud::internal_load_balancer(&service.annotations) {
        chain.push(ledger.field(
            object,
            annotation(key),
            format!("annotation {key} makes it internal"),
        ));
        span = Span::exact(External);
    } else if cloud::internal_class(service.load_balancer_class.as_deref()) {
        chain.push(ledger.field(
            object,
            "/spec/loadBalancerClass",
            "its class makes internal load balancers",
        ));
        span = Span::exact(External);
    } else if cloud::internal_by_default(
        &service.annotations,
        service.load_balancer_class.as_deref(),
    ) {
        chain.push(ledger.field(
            object,
            "/spec",
            "its controller makes internal load balancers unless a scheme is said",
        ));
        missing.push(ledger.gap(gap(
            "load-balancer-scheme-unknown",
            "no scheme is said for a load balancer: the controller's default decides",
            "services",
            "say service.beta.kubernetes.io/aws-load-balancer-scheme",
        )));
        span = Span::seen(External, External, Internet);
    } else if !service.load_balancer.is_empty() {
        let public = |text: &Text| match text.parse::<IpAddr>() {
            Ok(ip) => address::is_public(ip),
            // AWS names internal load balancers so.
            Err(_) => !text.starts_with("internal-"),
        };
        let addresses = service.load_balancer.join(", ");
        if service.load_balancer.iter().any(public) {
            chain.push(ledger.field(
                object,
                "/status/loadBalancer",
                format!("its address is {addresses}"),
            ));
        } else {
            chain.push(ledger.field(
                object,
                "/status/loadBalancer",
                format!("its address {addresses} is private"),
            ));
            missing.push(ledger.gap(upstream()));
            span = Span::seen(External, External, Internet);
        }
    }
    if !service.source_ranges.is_empty() {
        let ranges: Vec<String> = service
            .source_ranges
            .iter()
            .map(ToString::to_string)
            .collect();
        chain.push(ledger.field(
            object,
            "/spec/loadBalancerSourceRanges",
            format!("it admits {}", ranges.join(", ")),
        ));
        span = span.at_most(address::class_of_ranges(&service.source_ranges));
    }
    (span, chain, missing)
}

fn of_pod(
    inventory: &Inventory,
    nodes: &Nodes<'_>,
    view: &WorkloadView,
    ways: &mut Vec<Way>,
    ledger: &mut Ledger,
) {
    let Some(template) = inventory.templates.get(view.template as usize) else {
        return;
    };
    let serving = || {
        template
            .containers
            .iter()
            .filter(|c| matches!(c.kind, ContainerKind::App | ContainerKind::Sidecar))
    };
    let own_nodes = || {
        let running = view
            .pods
            .iter()
            .filter_map(|pod| inventory.pods.get(*pod as usize))
            .filter_map(|pod| pod.node.as_ref());
        running.chain(template.node_name.as_ref())
    };
    let object = &view.workload.object;
    let declared: Vec<_> = serving().flat_map(|c| &c.ports).collect();
    if template.host_network {
        let (span, mut chain, missing) = nodes.span(own_nodes(), ledger);
        chain.push(ledger.field(
            object,
            format!("{}/hostNetwork", view.spec_pointer),
            format!("{object} uses the node's network"),
        ));
        // Not a publication: what listens is bound to the node's addresses or to loopback only.
        let declared_span = if span.low == Internet {
            Span::between(External, Internet)
        } else {
            Span {
                low: Cluster,
                expected: Span::exact(External).expected,
                high: External,
            }
        };
        let way = |port: u16, protocol: Text, span: Span| Way {
            kind: OpeningKind::HostNetwork,
            object: object.clone(),
            port,
            protocol,
            span,
            source: Source::World { preserved: true },
            chain: chain.clone(),
            missing: missing.clone(),
        };
        ways.extend(
            declared
                .iter()
                .map(|port| way(port.port, Text::clone(&port.protocol), declared_span)),
        );
        if declared.is_empty() {
            let open = Span {
                low: Unexposed,
                expected: Span::exact(Cluster).expected,
                high: declared_span.high,
            };
            ways.push(way(0, "TCP".into(), open));
        }
        return;
    }
    for (container, port) in serving()
        .flat_map(|c| c.ports.iter().map(move |p| (c, p)))
        .filter(|(_, p)| p.host_port != 0)
    {
        let (span, mut chain, missing) = nodes.span(own_nodes(), ledger);
        chain.push(ledger.field(
            object,
            format!("{}{}/ports", view.spec_pointer, container.pointer),
            format!(
                "container {} opens port {} of its node",
                container.name, port.host_port
            ),
        ));
        ways.push(Way {
            kind: OpeningKind::HostPort,
            object: object.clone(),
            port: port.port,
            protocol: Text::clone(&port.protocol),
            span,
            source: Source::World { preserved: true },
            chain,
            missing,
        });
    }
}

/// `/metadata/annotations/KEY` as a JSON pointer.
pub(crate) fn annotation(key: &str) -> String {
    format!(
        "/metadata/annotations/{}",
        key.replace('~', "~0").replace('/', "~1")
    )
}

pub(crate) fn upstream() -> Gap {
    gap(
        "address-translation-unknown",
        "a load balancer has a private address: whether something before it forwards the internet to it was not seen",
        "services",
        "",
    )
}

pub(crate) fn gap(class: &str, what: impl Into<Text>, scope: &str, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: scope.into(),
        weight: GapWeight::Widens,
        close: close.into(),
    }
}
