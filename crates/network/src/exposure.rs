//! Puts ways, fronts and policies together into one exposure a workload.
//! Comes in: the inventory, declarations. Goes out: exposures, parallel to the workloads.
//! Never: safe because unseen. A refused list, a tunnel, an undeclared port keep the upper bound open.

use crate::admission::{Gate, Gates};
use crate::combine::Span;
use crate::front::{Fronts, Outer};
use crate::published::{self, Nodes, Way, gap};
use crate::reach::Source;
use crate::services::{self, Backing};
use crate::{
    NetworkDeclarations, Opening, OpeningKind, PeerSet, ReachableFrom, WorkloadExposure,
    probability,
};
use model::evidence::{Claim, Evidence, EvidenceId, Gap, GapId, Ledger, Truth};
use model::object::ObjectRef;
use model::situation::{Delivery, Exposure, ExposureClass};
use model::text::Text;
use model::workload::ContainerKind;
use semantics::view::{Inventory, WorkloadView};

/// How each workload can be reached, parallel to [`Inventory::workloads`].
pub fn exposures(
    inventory: &Inventory,
    declared: &NetworkDeclarations,
    ledger: &mut Ledger,
) -> Vec<WorkloadExposure> {
    let unseen = Unseen::of(inventory);
    let backings = services::backings(inventory);
    let nodes = Nodes::of(inventory, declared.public_nodes);
    let mut gates = Gates::of(
        inventory,
        declared.enforced.or(inventory.network_enforced),
        unseen.policies,
        ledger,
    );
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(inventory.workloads.len());
    for ((n, view), backings) in (0_u32..).zip(&inventory.workloads).zip(&backings) {
        let gate = gates.gate(n, view, ledger);
        let mut part = Part::new(inventory, view, backings, gate, ledger);
        part.base(&mut gates, ledger);
        for way in published::ways(inventory, &nodes, view, backings, ledger) {
            part.open(inventory, way, &mut gates, ledger);
        }
        parts.push(part);
    }
    let outer: Vec<Outer> = parts.iter().map(Part::outer).collect();
    let fronts = Fronts::of(inventory, gates.namespaces(), &backings, &outer, ledger);
    parts
        .into_iter()
        .zip(&backings)
        .map(|(mut part, backings)| {
            for way in fronts.ways(inventory, backings) {
                part.open(inventory, way, &mut gates, ledger);
            }
            part.tunnels(inventory, &mut gates, ledger);
            part.unseen(&unseen, &mut gates, ledger);
            part.finish(ledger)
        })
        .collect()
}

/// Kinds that were not listed completely, by what they could hide.
struct Unseen {
    publishers: Vec<GapId>,
    policies: Option<GapId>,
}

const PUBLISHERS: [&str; 9] = [
    "Service",
    "Ingress",
    "Gateway",
    "HTTPRoute",
    "GRPCRoute",
    "TLSRoute",
    "TCPRoute",
    "UDPRoute",
    "Route",
];
const POLICIES: [&str; 8] = [
    "NetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "GlobalNetworkPolicy",
    "AuthorizationPolicy",
];

impl Unseen {
    fn of(inventory: &Inventory) -> Self {
        let gaps = |kinds: &[&str]| {
            let mut gaps: Vec<GapId> = kinds
                .iter()
                .filter_map(|kind| inventory.unseen.get(*kind))
                .copied()
                .collect();
            gaps.sort_unstable();
            gaps.dedup();
            gaps
        };
        Unseen {
            publishers: gaps(&PUBLISHERS),
            policies: gaps(&POLICIES).first().copied(),
        }
    }
}

/// One workload while its exposure is put together.
struct Part<'a> {
    view: &'a WorkloadView,
    gate: Gate,
    /// Container ports that are declared or that a Service names.
    ports: Vec<(u16, Text)>,
    listens: Claim,
    /// Its containers declare ports of their own.
    declared: bool,
    span: Span,
    openings: Vec<(Span, Opening)>,
    deliveries: Vec<(Span, Delivery)>,
    cluster: Option<Claim>,
    namespace: Option<Claim>,
    peers: Vec<PeerSet>,
}

impl<'a> Part<'a> {
    fn new(
        inventory: &Inventory,
        view: &'a WorkloadView,
        backings: &[Backing],
        gate: Gate,
        ledger: &mut Ledger,
    ) -> Self {
        let template = inventory.templates.get(view.template as usize);
        let object = &view.workload.object;
        let mut ports: Vec<(u16, Text)> = Vec::new();
        let mut listens: Option<Claim> = None;
        for container in template.into_iter().flat_map(|t| &t.containers) {
            if !matches!(container.kind, ContainerKind::App | ContainerKind::Sidecar)
                || container.ports.is_empty()
            {
                continue;
            }
            ports.extend(
                container
                    .ports
                    .iter()
                    .map(|p| (p.port, Text::clone(&p.protocol))),
            );
            let pointer = format!("{}{}/ports", view.spec_pointer, container.pointer);
            let says = ledger.field(
                object,
                pointer,
                format!("container {} declares ports", container.name),
            );
            listens.get_or_insert(Claim::yes(says));
        }
        let declared = listens.is_some();
        for backing in backings {
            ports.extend(
                backing
                    .targets
                    .iter()
                    .map(|t| (t.port, Text::clone(&t.protocol))),
            );
            let service = inventory.services.get(backing.service as usize);
            if let (Some(service), false) = (service, backing.targets.is_empty()) {
                let says = ledger.about(
                    &services::object(service),
                    format!(
                        "Service {}/{} leads to {object}",
                        service.namespace, service.name
                    ),
                );
                listens.get_or_insert(Claim::yes(says));
            }
        }
        ports.sort();
        ports.dedup();
        let listens = listens.unwrap_or_else(|| {
            Claim::unknown(ledger.gap(gap(
                "listener-not-declared",
                "workloads without declared ports and without a Service: whether something listens is open",
                "workloads",
                "declare containerPort, or observe the pods",
            )))
        });
        Part {
            view,
            gate,
            ports,
            listens,
            declared,
            span: Span::NONE,
            openings: Vec::new(),
            deliveries: Vec::new(),
            cluster: None,
            namespace: None,
            peers: Vec::new(),
        }
    }

    /// What is left of a span when nothing shows a listener.
    fn listener(&self, span: Span) -> Span {
        match (self.listens.truth(), self.view.batch) {
            (Truth::Yes, _) => span,
            (_, true) => span.unlikely(),
            (_, false) => span.if_it_listens(),
        }
    }

    /// From the pod network alone, port by port.
    fn base(&mut self, gates: &mut Gates<'_>, ledger: &mut Ledger) {
        for (port, protocol) in self.ports.clone() {
            self.base_port((port, &protocol), gates, ledger);
        }
        // A listener on a port that nobody declared; a Service does not declare the others away.
        if !self.declared || self.gate.isolated.truth() != Truth::No {
            self.base_port((0, "TCP"), gates, ledger);
        }
    }

    fn base_port(&mut self, port: (u16, &str), gates: &mut Gates<'_>, ledger: &mut Ledger) {
        let hidden = port.0 == 0 && self.declared;
        let cluster = gates.admit(&self.gate, Source::Cluster, port, ledger);
        let namespace = gates.admit(&self.gate, Source::Namespace, port, ledger);
        let inside = gates.inside(&self.gate, port, ledger);
        let mut span = Span::exact(ExposureClass::Cluster).admitted(&cluster);
        span = span.wider(Span::exact(ExposureClass::Namespace).admitted(&namespace));
        for set in &inside.sets {
            let others = |set: &[u32]| set.iter().any(|n| *n != self.gate.workload);
            let class = if others(&set.sure) {
                Span::exact(ExposureClass::Namespace)
            } else if others(&set.possible) {
                Span::between(ExposureClass::None, ExposureClass::Namespace)
            } else {
                continue;
            };
            span = span.wider(class);
        }
        let span = match port.0 {
            0 if hidden || self.view.batch => span.unlikely(),
            0 => span.if_it_listens(),
            _ => span,
        };
        let mut chain: Vec<EvidenceId> = Vec::new();
        let mut missing: Vec<GapId> = Vec::new();
        let decided = if namespace.claim.truth() > cluster.claim.truth() {
            &namespace.claim
        } else {
            &cluster.claim
        };
        chain.extend(decided.because());
        for claim in [&cluster.claim, &namespace.claim, &self.listens] {
            if claim.truth() == Truth::Unknown {
                missing.extend(claim.missing());
            }
        }
        let from = [
            (cluster.claim, inside.everyone, false),
            (namespace.claim, inside.own, true),
        ];
        let mut open = false;
        for (claim, nobody_out, own) in from {
            // "Any pod" is said only where no workload that is there is kept out.
            let claim = if claim.truth() == Truth::No {
                claim
            } else {
                claim.and(nobody_out)
            };
            open |= !own && claim.truth() == Truth::Yes;
            // A hidden port can open the question, not answer it.
            let claim = if hidden && claim.truth() == Truth::Yes {
                Claim::unknown(ledger.gap(undeclared()))
            } else {
                claim
            };
            let slot = if own {
                &mut self.namespace
            } else {
                &mut self.cluster
            };
            *slot = Some(match slot.take() {
                Some(before) => before.or(claim),
                None => claim,
            });
        }
        if !hidden && !open {
            for set in inside.sets {
                if !self.peers.iter().any(|known| known.id == set.id) {
                    self.peers.push(set);
                }
            }
        }
        let object = self.view.workload.object.clone();
        self.add(
            OpeningKind::PodNetwork,
            object,
            (port.0, port.1.into()),
            span,
            chain,
            missing,
        );
    }

    /// One way from outside, as far as the policies let it.
    fn open(
        &mut self,
        inventory: &Inventory,
        way: Way,
        gates: &mut Gates<'_>,
        ledger: &mut Ledger,
    ) {
        let admission = gates.admit(&self.gate, way.source, (way.port, &way.protocol), ledger);
        let mut chain = way.chain;
        let mut outside = way.span;
        if inventory.internal.binary_search(&way.object).is_ok() {
            outside = outside.at_most(ExposureClass::External);
            chain.push(ledger.about(
                &way.object,
                format!("{} is declared to be internal", way.object),
            ));
        }
        let span = self.listener(outside.admitted(&admission));
        chain.extend(admission.claim.because());
        let mut missing = way.missing;
        if admission.claim.truth() == Truth::Unknown {
            missing.extend(admission.claim.missing());
        }
        self.add(
            way.kind,
            way.object,
            (way.port, way.protocol),
            span,
            chain,
            missing,
        );
    }

    /// Tunnels may publish whatever they reach; nobody can see what (rule 2).
    fn tunnels(&mut self, inventory: &Inventory, gates: &mut Gates<'_>, ledger: &mut Ledger) {
        for tunnel in &inventory.tunnels {
            let here = tunnel
                .namespace
                .as_ref()
                .is_none_or(|n| *n == self.view.workload.key.namespace);
            if !here {
                continue;
            }
            let missing = ledger.gap(gap(
                "tunnel",
                format!(
                    "{} ({}) may publish what it can reach",
                    tunnel.object, tunnel.kind
                ),
                "workloads",
                "list what the tunnel publishes",
            ));
            let admission = gates.admit(&self.gate, Source::SomePod, (0, "TCP"), ledger);
            let open = self.maybe_internet();
            let span = self.listener(open.admitted(&admission));
            let chain = vec![ledger.about(
                &tunnel.object,
                format!("{} runs in the cluster", tunnel.kind),
            )];
            let object = tunnel.object.clone();
            self.add(
                OpeningKind::Tunnel,
                object,
                (0, "TCP".into()),
                span,
                chain,
                vec![missing],
            );
        }
    }

    /// A list of publishers that was not seen may hold one of this workload.
    fn unseen(&mut self, unseen: &Unseen, gates: &mut Gates<'_>, ledger: &mut Ledger) {
        if unseen.publishers.is_empty() {
            return;
        }
        let admission = gates.admit(
            &self.gate,
            Source::World { preserved: false },
            (0, "TCP"),
            ledger,
        );
        let span = self.listener(self.maybe_internet().admitted(&admission));
        let object = self.view.workload.object.clone();
        self.add(
            OpeningKind::Unseen,
            object,
            (0, "TCP".into()),
            span,
            Vec::new(),
            unseen.publishers.clone(),
        );
    }

    fn maybe_internet(&self) -> Span {
        let internet = probability(ExposureClass::Internet);
        Span {
            low: ExposureClass::None,
            expected: f64::midpoint(self.span.expected, internet),
            high: ExposureClass::Internet,
        }
    }

    fn add(
        &mut self,
        kind: OpeningKind,
        object: ObjectRef,
        port: (u16, Text),
        span: Span,
        chain: Vec<EvidenceId>,
        missing: Vec<GapId>,
    ) {
        self.span = self.span.wider(span);
        let delivery = self
            .deliveries
            .iter_mut()
            .find(|(_, d)| d.port == port.0 && d.protocol == port.1);
        match delivery {
            Some((before, delivery)) => {
                if span.expected > before.expected {
                    delivery.chain.clone_from(&chain);
                }
                *before = before.wider(span);
            }
            None => self.deliveries.push((
                span,
                Delivery {
                    port: port.0,
                    protocol: Text::clone(&port.1),
                    class: ExposureClass::None,
                    chain: chain.clone(),
                },
            )),
        }
        let known = self
            .openings
            .iter_mut()
            .find(|(_, o)| o.kind == kind && o.object == object);
        match known {
            Some((before, opening)) => {
                if span.expected > before.expected {
                    opening.chain = chain;
                }
                *before = before.wider(span);
                if !opening.ports.contains(&port) {
                    opening.ports.push(port);
                }
                opening.missing.extend(missing);
            }
            None => self.openings.push((
                span,
                Opening {
                    kind,
                    object,
                    ports: vec![port],
                    at_least: span.low,
                    at_most: span.high,
                    direct: span.estimate(),
                    chain,
                    missing,
                },
            )),
        }
    }

    fn outer(&self) -> Outer {
        let widest = self
            .openings
            .iter()
            .max_by(|a, b| a.0.expected.total_cmp(&b.0.expected));
        Outer {
            span: self.span,
            chain: widest.map(|(_, o)| o.chain.clone()).unwrap_or_default(),
            missing: self
                .openings
                .iter()
                .flat_map(|(_, o)| &o.missing)
                .copied()
                .collect(),
        }
    }

    fn finish(mut self, ledger: &mut Ledger) -> WorkloadExposure {
        self.openings.sort_by(|(a, x), (b, y)| {
            let wide = b.expected.total_cmp(&a.expected).then(b.high.cmp(&a.high));
            wide.then_with(|| (x.kind, &x.object).cmp(&(y.kind, &y.object)))
        });
        let openings: Vec<Opening> = self
            .openings
            .into_iter()
            .filter(|(span, _)| span.high > ExposureClass::None)
            .map(|(span, mut opening)| {
                opening.at_least = span.low;
                opening.at_most = span.high;
                opening.direct = span.estimate();
                opening.missing.sort_unstable();
                opening.missing.dedup();
                opening
            })
            .collect();
        let mut deliveries: Vec<Delivery> = self
            .deliveries
            .into_iter()
            .filter(|(span, _)| span.high > ExposureClass::None)
            .map(|(span, delivery)| Delivery {
                class: span.class(),
                ..delivery
            })
            .collect();
        deliveries.sort_by(|a, b| (a.port, &a.protocol).cmp(&(b.port, &b.protocol)));
        let shown = openings
            .first()
            .filter(|o| o.direct.expected > probability(ExposureClass::None));
        let chain = shown.map_or_else(
            || self.gate.isolated.because().to_vec(),
            |o| o.chain.clone(),
        );
        let public = public(self.span, &chain, &openings, &self.gate.isolated, ledger);
        let exposure = Exposure {
            class: self.span.class(),
            at_least: self.span.low,
            at_most: self.span.high,
            public,
            chain,
        };
        let nothing = || self.gate.isolated.clone().not();
        WorkloadExposure {
            exposure,
            direct: self.span.estimate(),
            deliveries,
            openings,
            reachable_from: ReachableFrom {
                cluster: self.cluster.unwrap_or_else(nothing),
                namespace: self.namespace.unwrap_or_else(nothing),
                peers: self.peers,
            },
            listens: self.listens,
            isolated_ingress: self.gate.isolated,
        }
    }
}

fn undeclared() -> Gap {
    gap(
        "undeclared-port",
        "policies admit ports that isolated workloads do not declare: whether something listens there is open",
        "workloads",
        "observe the pods",
    )
}

/// "Publicly exposed" (BOD 26-04): known only where no gap can change it.
fn public(
    span: Span,
    chain: &[EvidenceId],
    openings: &[Opening],
    isolated: &Claim,
    ledger: &mut Ledger,
) -> Claim {
    let mut said = |statement: &str| {
        ledger.evidence(Evidence {
            statement: statement.into(),
            object: None,
            pointer: None,
            source: None,
        })
    };
    if span.low == ExposureClass::Internet {
        let because = chain
            .first()
            .copied()
            .unwrap_or_else(|| said("the internet reaches it"));
        return Claim::yes(because);
    }
    if span.high < ExposureClass::Internet {
        return Claim::no(said("nothing that was seen publishes it to the internet"));
    }
    let wide = openings
        .iter()
        .filter(|o| o.at_most == ExposureClass::Internet);
    let mut gaps: Vec<GapId> = wide
        .flat_map(|o| &o.missing)
        .chain(isolated.missing())
        .copied()
        .collect();
    gaps.sort_unstable();
    gaps.dedup();
    Claim::all(gaps.into_iter().map(Claim::unknown)).unwrap_or_else(|| {
        Claim::unknown(ledger.gap(gap(
            "exposure-unknown",
            "whether the internet reaches some workloads is open",
            "workloads",
            "",
        )))
    })
}
