//! What stands before Services: Ingresses, Gateways with their routes, OpenShift Routes.
//! Comes in: those objects and the exposure of the controllers' own pods. Goes out: ways to Services.
//! Never: more exposure than the front has itself; a controller behind an internal load balancer is internal.

use crate::OpeningKind;
use crate::address;
use crate::cloud::{self, Publisher};
use crate::combine::Span;
use crate::namespaces::Namespaces;
use crate::published::{Way, annotation, gap, upstream};
use crate::reach::Source;
use crate::services::Backing;
use model::evidence::{EvidenceId, GapId, GapWeight, Ledger, Truth};
use model::object::ObjectRef;
use model::situation::ExposureClass::{External, Internet, None as Unexposed};
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::{Gateway, Ingress, Inventory, Labels, Listener, Route, Service, TargetPort};
use std::net::IpAddr;

/// One thing that leads to a Service.
struct Front {
    kind: OpeningKind,
    object: ObjectRef,
    /// Of the Service; `None`: all ports.
    port: Option<TargetPort>,
    span: Span,
    source: Source,
    chain: Vec<EvidenceId>,
    missing: Vec<GapId>,
}

/// One way into the front itself.
struct Mouth {
    span: Span,
    source: Source,
    chain: Vec<EvidenceId>,
    missing: Vec<GapId>,
}

/// What the first pass found of a workload: its span and the chain that gives it.
pub(crate) struct Outer {
    pub(crate) span: Span,
    pub(crate) chain: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
}

pub(crate) struct Fronts<'a> {
    by_service: FxHashMap<(&'a str, &'a str), Vec<Front>>,
}

struct Building<'a, 'b> {
    inventory: &'a Inventory,
    namespaces: &'b Namespaces<'a>,
    outer: &'b [Outer],
    /// Workloads behind each Service.
    behind: Vec<Vec<u32>>,
    /// Workloads of each family of ingress controllers.
    controllers: Vec<(usize, u32)>,
}

impl<'a> Fronts<'a> {
    pub(crate) fn of(
        inventory: &'a Inventory,
        namespaces: &Namespaces<'a>,
        backings: &[Vec<Backing>],
        outer: &[Outer],
        ledger: &mut Ledger,
    ) -> Self {
        let mut behind = vec![Vec::new(); inventory.services.len()];
        for (workload, backings) in (0_u32..).zip(backings) {
            for backing in backings {
                if let Some(of) = behind.get_mut(backing.service as usize) {
                    of.push(workload);
                }
            }
        }
        let building = Building {
            inventory,
            namespaces,
            outer,
            behind,
            controllers: controllers(inventory),
        };
        let mut fronts = Fronts {
            by_service: FxHashMap::default(),
        };
        for ingress in &inventory.ingresses {
            fronts.ingress(&building, ingress, ledger);
        }
        for route in &inventory.routes {
            fronts.route(&building, route, ledger);
        }
        fronts
    }

    /// The ways that fronts open to a workload over its Services.
    pub(crate) fn ways(&self, inventory: &Inventory, backings: &[Backing]) -> Vec<Way> {
        let mut ways = Vec::new();
        for backing in backings {
            let Some(service) = inventory.services.get(backing.service as usize) else {
                continue;
            };
            let fronts = self.by_service.get(&(&*service.namespace, &*service.name));
            for front in fronts.into_iter().flatten() {
                for target in &backing.targets {
                    if !leads_to(front.port.as_ref(), service, target.service_port) {
                        continue;
                    }
                    ways.push(Way {
                        kind: front.kind,
                        object: front.object.clone(),
                        port: target.port,
                        protocol: Text::clone(&target.protocol),
                        span: front.span,
                        source: front.source,
                        chain: front.chain.clone(),
                        missing: front.missing.clone(),
                    });
                }
            }
        }
        ways
    }

    fn ingress(&mut self, building: &Building<'a, '_>, ingress: &'a Ingress, ledger: &mut Ledger) {
        let object = ObjectRef::new(
            "networking.k8s.io",
            "Ingress",
            Some(&ingress.namespace),
            &ingress.name,
        );
        let mouths = building.ingress_mouths(ingress, &object, ledger);
        for (_, service, port) in &ingress.backends {
            building.external_name(&ingress.namespace, service, &object, ledger);
            let says = ledger.field(
                &object,
                "/spec",
                format!(
                    "Ingress {}/{} leads to Service {}/{service}",
                    ingress.namespace, ingress.name, ingress.namespace
                ),
            );
            for mouth in &mouths {
                let front = mouth.front(OpeningKind::Ingress, &object, Some(port.clone()), &[says]);
                self.by_service
                    .entry((&ingress.namespace, service))
                    .or_default()
                    .push(front);
            }
        }
    }

    fn route(&mut self, building: &Building<'a, '_>, route: &'a Route, ledger: &mut Ledger) {
        let object = ObjectRef::new(
            &route.group,
            &route.kind,
            Some(&route.namespace),
            &route.name,
        );
        let gateway_api = &*route.group == "gateway.networking.k8s.io";
        let (kind, mouths) = if gateway_api {
            (
                OpeningKind::Gateway,
                building.gateway_mouths(route, &object, ledger),
            )
        } else {
            (OpeningKind::Route, building.router_mouths(ledger))
        };
        for (at, (namespace, service, port)) in (0_u32..).zip(&route.backends) {
            if *namespace != route.namespace && !route.granted.contains(&at) {
                continue;
            }
            building.external_name(namespace, service, &object, ledger);
            let says = ledger.field(
                &object,
                "/spec",
                format!(
                    "{} {}/{} leads to Service {namespace}/{service}",
                    route.kind, route.namespace, route.name
                ),
            );
            for mouth in &mouths {
                let front = mouth.front(kind, &object, port.map(TargetPort::Number), &[says]);
                self.by_service
                    .entry((namespace, service))
                    .or_default()
                    .push(front);
            }
        }
    }
}

impl Mouth {
    fn front(
        &self,
        kind: OpeningKind,
        object: &ObjectRef,
        port: Option<TargetPort>,
        then: &[EvidenceId],
    ) -> Front {
        Front {
            kind,
            object: object.clone(),
            port,
            span: self.span,
            source: self.source,
            chain: self.chain.iter().chain(then).copied().collect(),
            missing: self.missing.clone(),
        }
    }
}

impl Building<'_, '_> {
    fn ingress_mouths(
        &self,
        ingress: &Ingress,
        object: &ObjectRef,
        ledger: &mut Ledger,
    ) -> Vec<Mouth> {
        let cloud = |span: Span, why: &str, ledger: &mut Ledger| Mouth {
            span,
            source: Source::World { preserved: false },
            chain: vec![ledger.field(object, "/spec/ingressClassName", why)],
            missing: Vec::new(),
        };
        let class = ingress.class.as_deref();
        let mut mouths = match cloud::ingress_publisher(class, &ingress.annotations) {
            Publisher::CloudPublic => {
                vec![cloud(
                    Span::exact(Internet),
                    "the cloud gives it a public load balancer",
                    ledger,
                )]
            }
            Publisher::CloudInternal(why) => vec![cloud(Span::exact(External), why, ledger)],
            Publisher::Controller => {
                let found = self.controllers_of(class);
                if found.is_empty() {
                    vec![assumed(
                        &ingress.load_balancer,
                        object,
                        "ingress controller",
                        ledger,
                    )]
                } else {
                    self.through(&found, ledger)
                }
            }
        };
        for key in cloud::INGRESS_RANGES {
            let Some(value) = ingress.annotations.get(key) else {
                continue;
            };
            let ranges: Vec<_> = value
                .split(',')
                .filter_map(|range| range.trim().parse().ok())
                .collect();
            if ranges.is_empty() {
                continue;
            }
            let evidence = ledger.field(object, annotation(key), format!("it admits {value}"));
            for mouth in &mut mouths {
                mouth.span = mouth.span.at_most(address::class_of_ranges(&ranges));
                mouth.chain.push(evidence);
            }
        }
        mouths
    }

    fn gateway_mouths(&self, route: &Route, object: &ObjectRef, ledger: &mut Ledger) -> Vec<Mouth> {
        let mut mouths = Vec::new();
        for (namespace, name, section) in &route.parents {
            let found = self
                .inventory
                .gateways
                .iter()
                .find(|g| g.namespace == *namespace && g.name == *name);
            let Some(gateway) = found else {
                let mut mouth = assumed(&[], object, "Gateway", ledger);
                mouth.span.low = Unexposed;
                mouths.push(mouth);
                continue;
            };
            let attached = self.attached(gateway, section.as_deref(), route);
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

    /// `allowedRoutes` of the listeners that the route names (Gateway API, `AllowedRoutes`).
    fn attached(&self, gateway: &Gateway, section: Option<&str>, route: &Route) -> Truth {
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
        gateway
            .listeners
            .iter()
            .filter(|l| section.is_none_or(|section| &*l.name == section))
            .filter(|l| speaks(&l.protocol, &route.kind))
            .map(admits)
            .max()
            .unwrap_or(Truth::No)
    }

    fn gateway(&self, gateway: &Gateway, ledger: &mut Ledger) -> Vec<Mouth> {
        let object = ObjectRef::new(
            "gateway.networking.k8s.io",
            "Gateway",
            Some(&gateway.namespace),
            &gateway.name,
        );
        let own = |service: &Service| {
            let label = |key: &str| {
                service
                    .labels
                    .get(key)
                    .is_some_and(|value| *value == gateway.name)
            };
            let same = service.namespace == gateway.namespace;
            (same
                && (label("gateway.networking.k8s.io/gateway-name")
                    || label("istio.io/gateway-name")))
                || (label("gateway.envoyproxy.io/owning-gateway-name")
                    && service
                        .labels
                        .get("gateway.envoyproxy.io/owning-gateway-namespace")
                        == Some(&gateway.namespace))
        };
        let services = self.inventory.services.iter().zip(&self.behind);
        let found: Vec<u32> = services
            .filter(|(service, _)| own(service))
            .flat_map(|(_, w)| w)
            .copied()
            .collect();
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

    /// OpenShift's routers run in `openshift-ingress`.
    fn router_mouths(&self, ledger: &mut Ledger) -> Vec<Mouth> {
        let mut routers = self.controllers_of(Some("openshift"));
        let own = self
            .inventory
            .workloads
            .iter()
            .enumerate()
            .filter(|(_, view)| {
                &*view.workload.key.namespace == "openshift-ingress" && !view.batch
            });
        routers.extend(own.filter_map(|(n, _)| u32::try_from(n).ok()));
        routers.sort_unstable();
        routers.dedup();
        if routers.is_empty() {
            let cluster = ObjectRef::new(
                "operator.openshift.io",
                "IngressController",
                Some("openshift-ingress-operator"),
                "default",
            );
            vec![assumed(&[], &cluster, "router", ledger)]
        } else {
            self.through(&routers, ledger)
        }
    }

    /// One mouth a controller; where several could be meant, the least of them bounds all from below.
    fn through(&self, controllers: &[u32], ledger: &mut Ledger) -> Vec<Mouth> {
        let outer = |n: &u32| self.outer.get(*n as usize);
        let least = controllers
            .iter()
            .filter_map(outer)
            .map(|o| o.span.low)
            .min()
            .unwrap_or(Unexposed);
        let mut mouths = Vec::new();
        for n in controllers {
            let (Some(outer), Some(view)) = (outer(n), self.inventory.workloads.get(*n as usize))
            else {
                continue;
            };
            let host = self
                .inventory
                .templates
                .get(view.template as usize)
                .is_some_and(|t| t.host_network);
            let mut chain = outer.chain.clone();
            chain.push(ledger.about(
                &view.workload.object,
                format!("{} publishes it", view.workload.object),
            ));
            mouths.push(Mouth {
                span: Span {
                    low: least.min(outer.span.low),
                    ..outer.span
                },
                // Policies see the node, not the labels, of a pod on the host network.
                source: if host {
                    Source::Node(*n)
                } else {
                    Source::Workload(*n)
                },
                chain,
                missing: outer.missing.clone(),
            });
        }
        mouths
    }

    /// The controllers that may serve a class: those of its family, those named after it first; all for an unknown class.
    fn controllers_of(&self, class: Option<&str>) -> Vec<u32> {
        let family = class.and_then(cloud::controller_family);
        let mut found: Vec<u32> = self
            .controllers
            .iter()
            .filter(|(of, _)| family.is_none_or(|family| family == *of))
            .map(|(_, n)| *n)
            .collect();
        found.sort_unstable();
        found.dedup();
        let named = |n: &u32| {
            let view = self.inventory.workloads.get(*n as usize);
            view.zip(class)
                .is_some_and(|(view, class)| view.workload.key.name.contains(class))
        };
        let exact: Vec<u32> = found.iter().copied().filter(|n| named(n)).collect();
        if exact.is_empty() { found } else { exact }
    }

    fn external_name(
        &self,
        namespace: &str,
        service: &str,
        object: &ObjectRef,
        ledger: &mut Ledger,
    ) {
        let found = self
            .inventory
            .services
            .binary_search_by(|s| (&*s.namespace, &*s.name).cmp(&(namespace, service)));
        let alias = found.ok().and_then(|at| self.inventory.services.get(at));
        if alias.is_some_and(|s| &*s.kind == "ExternalName") {
            let mut gap = gap(
                "external-name-published",
                format!(
                    "{object} publishes the ExternalName Service {namespace}/{service}: what it names is not followed"
                ),
                "services",
                "",
            );
            gap.weight = GapWeight::Notice;
            ledger.gap(gap);
        }
    }
}

/// The controller was not seen: it is assumed to be public, unless its addresses say otherwise.
fn assumed(addresses: &[Text], object: &ObjectRef, what: &str, ledger: &mut Ledger) -> Mouth {
    let parsed: Vec<IpAddr> = addresses.iter().filter_map(|a| a.parse().ok()).collect();
    let (span, missing, statement) = if addresses
        .iter()
        .any(|a| a.parse().is_ok_and(address::is_public))
    {
        (
            Span::exact(Internet),
            Vec::new(),
            format!("its address is {}", addresses.join(", ")),
        )
    } else if !addresses.is_empty() && parsed.len() == addresses.len() {
        let missing = vec![ledger.gap(upstream())];
        (
            Span::seen(External, External, Internet),
            missing,
            format!("its address {} is private", addresses.join(", ")),
        )
    } else {
        let missing = vec![ledger.gap(gap(
            "front-assumed-public",
            format!("the {what} of some objects was not seen: it is taken as public"),
            "ingresses",
            "give the controller's manifests too, or scan the live cluster",
        ))];
        (
            Span::seen(External, Internet, Internet),
            missing,
            format!("its {what} was not seen and is taken as public"),
        )
    };
    let chain = vec![ledger.about(object, statement)];
    Mouth {
        span,
        source: Source::SomePod,
        chain,
        missing,
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

pub(crate) fn leads_to(port: Option<&TargetPort>, service: &Service, at: Option<usize>) -> bool {
    let Some(own) = at.and_then(|at| service.ports.get(at)) else {
        return true;
    };
    match port {
        None | Some(TargetPort::Number(0)) => true,
        Some(TargetPort::Number(number)) => own.port == *number,
        Some(TargetPort::Name(name)) => own.name.as_ref() == Some(name),
    }
}

/// Workloads whose names, labels or images show an ingress controller.
fn controllers(inventory: &Inventory) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    for (n, view) in (0_u32..).zip(&inventory.workloads) {
        if view.batch {
            continue;
        }
        let labels: &Labels = &view.pod_labels;
        let named = ["app.kubernetes.io/name", "app", "k8s-app", "name"];
        let labels = named
            .iter()
            .filter_map(|key| labels.get(*key))
            .map(|value| &**value);
        let template = inventory.templates.get(view.template as usize);
        let images = template
            .into_iter()
            .flat_map(|t| &t.containers)
            .map(|c| &*c.image);
        found.extend(cloud::families_of(labels.chain(images)).map(|family| (family, n)));
    }
    found
}
