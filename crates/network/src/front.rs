//! What stands before Services: Ingresses, routes of Gateways (`gateway`), OpenShift Routes.
//! Comes in: those objects and the exposure of the controllers' own pods. Goes out: ways to Services.
//! Never: more exposure than the front has itself; a controller behind an internal load balancer is internal.

use crate::OpeningKind;
use crate::address;
use crate::cloud::{self, Publisher};
use crate::combine::Span;
use crate::gateway::Gateways;
use crate::namespaces::Namespaces;
use crate::published::{Way, annotation, gap, upstream};
use crate::reach::Source;
use crate::services::{Backing, backend_port, leads_to};
use model::evidence::{EvidenceId, GapId, GapWeight, Ledger};
use model::object::ObjectRef;
use model::situation::ExposureClass::{External, Internet, None as Unexposed};
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::{BackendPort, FrontClass, Ingress, Inventory, Labels, Route};
use std::net::IpAddr;

/// One thing that leads to a Service.
struct Front {
    kind: OpeningKind,
    object: ObjectRef,
    port: BackendPort,
    span: Span,
    source: Source,
    chain: Vec<EvidenceId>,
    missing: Vec<GapId>,
}

/// One way into the front itself.
pub(crate) struct Mouth {
    pub(crate) span: Span,
    pub(crate) source: Source,
    pub(crate) chain: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
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

pub(crate) struct Building<'a, 'b> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) namespaces: &'b Namespaces<'a>,
    outer: &'b [Outer],
    /// Workloads of each family of ingress controllers.
    controllers: Vec<(usize, u32)>,
    pub(crate) gateways: Gateways<'a>,
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
            controllers: families(inventory),
            gateways: Gateways::of(inventory, &behind),
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
                    if !leads_to(&front.port, service, target) {
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
                let front = mouth.front(OpeningKind::Ingress, &object, backend_port(port), &[says]);
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
        let (kind, mouths) = if &*route.group == "route.openshift.io" {
            (OpeningKind::Route, building.router_mouths(ledger))
        } else {
            let mouths = building.gateway_mouths(route, &object, ledger);
            (OpeningKind::Gateway, mouths)
        };
        for (at, to) in (0_u32..).zip(&route.backends) {
            let (namespace, service) = (&to.namespace, &to.service);
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
                let front = mouth.front(kind, &object, to.port.clone(), &[says]);
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
        port: BackendPort,
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

/// Who serves an Ingress or a route.
pub(crate) enum Serving {
    Workloads(Vec<u32>),
    /// A load balancer of the cloud, outside of the pods.
    Cloud,
    /// Something that was not seen.
    Unseen,
}

impl Serving {
    fn of(found: Vec<u32>) -> Self {
        if found.is_empty() {
            Serving::Unseen
        } else {
            Serving::Workloads(found)
        }
    }
}

impl<'a, 'b> Building<'a, 'b> {
    /// Without the exposure of the controllers' own pods: it answers who serves what. `behind`: workloads of each Service.
    pub(crate) fn without_exposure(
        inventory: &'a Inventory,
        namespaces: &'b Namespaces<'a>,
        behind: &[Vec<u32>],
    ) -> Self {
        Building {
            inventory,
            namespaces,
            outer: &[],
            controllers: families(inventory),
            gateways: Gateways::of(inventory, behind),
        }
    }

    pub(crate) fn serving_ingress(&self, ingress: &'a Ingress) -> Serving {
        let (class, known) = self.class_of(ingress);
        let controller = known.map(|known| &*known.controller);
        match cloud::ingress_publisher(class, controller, &ingress.annotations) {
            Publisher::Controller => Serving::of(self.controllers_of(class, controller)),
            _ => Serving::Cloud,
        }
    }

    pub(crate) fn serving_route(&self, route: &'a Route) -> Serving {
        if &*route.group == "route.openshift.io" {
            return Serving::of(self.routers());
        }
        self.serving_parents(route)
            .map_or(Serving::Unseen, Serving::Workloads)
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
        let (class, known) = self.class_of(ingress);
        let controller = known.map(|known| &*known.controller);
        let publisher = cloud::ingress_publisher(class, controller, &ingress.annotations);
        let mut mouths = match publisher {
            Publisher::CloudPublic => {
                vec![cloud(
                    Span::exact(Internet),
                    "the cloud gives it a public load balancer",
                    ledger,
                )]
            }
            // Its parameters may say otherwise; they are not read.
            Publisher::CloudInternal(why) if known.is_some_and(|known| known.parameters) => {
                let span = Span::seen(External, External, Internet);
                let mut mouth = cloud(span, why, ledger);
                mouth.missing.push(ledger.gap(gap(
                    "ingress-class-parameters",
                    "parameters of an IngressClass are not read: they may make its load balancers public",
                    "ingresses",
                    "say alb.ingress.kubernetes.io/scheme on the Ingress",
                )));
                vec![mouth]
            }
            Publisher::CloudInternal(why) => vec![cloud(Span::exact(External), why, ledger)],
            Publisher::Controller => {
                let found = self.controllers_of(class, controller);
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

    /// OpenShift's routers run in `openshift-ingress`.
    fn routers(&self) -> Vec<u32> {
        let mut routers = self.controllers_of(Some("openshift"), None);
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
        routers
    }

    fn router_mouths(&self, ledger: &mut Ledger) -> Vec<Mouth> {
        let routers = self.routers();
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
    pub(crate) fn through(&self, controllers: &[u32], ledger: &mut Ledger) -> Vec<Mouth> {
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

    /// The class of an Ingress, its own or the default one, and what is known of it.
    fn class_of<'i>(&self, ingress: &'i Ingress) -> (Option<&'i str>, Option<&FrontClass>) {
        let own = ingress.class.as_deref();
        let mut classes = self.inventory.front_classes.iter();
        let known = classes.find(|known| {
            let asked = own.map_or(known.default, |name| *known.name == *name);
            asked && &*known.kind == "IngressClass"
        });
        (own, known)
    }

    /// The controllers that may serve a class: those of its family, those named after it first; all for an unknown class.
    pub(crate) fn controllers_of(&self, class: Option<&str>, controller: Option<&str>) -> Vec<u32> {
        let family = controller
            .and_then(cloud::controller_family)
            .or_else(|| class.and_then(cloud::controller_family));
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
pub(crate) fn assumed(
    addresses: &[Text],
    object: &ObjectRef,
    what: &str,
    ledger: &mut Ledger,
) -> Mouth {
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

/// Workloads whose names, labels or images show an ingress controller, ordered.
pub fn controllers(inventory: &Inventory) -> Vec<u32> {
    let mut found: Vec<u32> = families(inventory).iter().map(|(_, n)| *n).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The same with the family of each.
fn families(inventory: &Inventory) -> Vec<(usize, u32)> {
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
