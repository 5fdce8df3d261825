//! From where an attacker stands to the containers whose weaknesses he can deliver to.
//! Comes in: exposures, weaknesses. Goes out: arcs over openings and the pod network.
//! Never: an arc a pair of pods; pools of pods that reach the same are nodes.

use super::{Builder, Door};
use crate::fix::{Fix, NONE};
use crate::graph::{ArcId, CLUSTER, Cause, Link, Node, NodeId, count};
use crate::kinds;
use crate::lateral::{BASE_RATE, HOP};
use model::evidence::{Claim, Estimate, GapId, Truth};
use model::object::ObjectRef;
use model::situation::ExposureClass;
use model::text::Text;
use model::workload::{ContainerKind, WorkloadState};
use network::{Opening, OpeningKind, class_of, probability};
use std::collections::BTreeMap;

const EXPLOIT: &str = kinds::ENDPOINT_EXPLOIT.name;

/// (entry, object, what closes it) -> the node behind it, and the arc to it.
type Closed = BTreeMap<(Node, ObjectRef, &'static str), (NodeId, ArcId)>;

/// Workload -> nodes at which a delivered exploit starts.
pub(super) type WeakPoints = BTreeMap<u32, Vec<NodeId>>;

impl Builder<'_> {
    /// One fix of one image is one start, whatever it repairs.
    pub(super) fn weak_points(&mut self) -> WeakPoints {
        type Key<'k> = (u32, &'k Text, Option<&'k Text>, &'k str);
        let weaknesses = self.weaknesses;
        let mut by_fix: BTreeMap<Key<'_>, BTreeMap<u32, Vec<u32>>> = BTreeMap::new();
        for (n, weakness) in (0_u32..).zip(weaknesses) {
            // What no fix repairs stands alone.
            let label = if weakness.fixable.is_some() {
                ""
            } else {
                &weakness.label
            };
            let key = (
                weakness.workload,
                &weakness.image,
                weakness.fixable.as_ref(),
                label,
            );
            by_fix
                .entry(key)
                .or_default()
                .entry(weakness.container)
                .or_default()
                .push(n);
        }
        let mut starts = WeakPoints::new();
        let of = |n: &u32| weaknesses.get(*n as usize);
        for ((workload, image, fix, _), containers) in by_fix {
            let view = self.view(workload);
            let Some(view) = view.filter(|v| v.workload.state == WorkloadState::Active) else {
                continue;
            };
            let start = self.graph().hidden();
            let fix = fix.map_or(NONE, |fix| {
                let what = Text::from(format!("{fix} in {image}"));
                let object = view.workload.object.clone();
                self.graph().fix(Fix::Upgrade(object, what))
            });
            for (container, mut same) in containers {
                same.sort_by(|a, b| {
                    let worth = |n: &u32| of(n).map_or(0.0, |w| w.likelihood.expected);
                    let label = |n: &u32| of(n).map(|w| &w.label);
                    worth(b)
                        .total_cmp(&worth(a))
                        .then_with(|| label(a).cmp(&label(b)))
                });
                let any = same
                    .iter()
                    .filter_map(of)
                    .fold(Estimate::exact(0.0), |p, w| p.noisy_or(w.likelihood));
                let to = self.container(workload, container);
                let weak = count(self.attack.weak.len());
                self.attack.weak.push(same);
                self.graph()
                    .arc(start, to, Link::new(EXPLOIT, any, Cause::Weak(weak)), fix);
            }
            starts.entry(workload).or_default().push(start);
        }
        starts
    }

    pub(super) fn openings(&mut self, weak: &WeakPoints) {
        let none = probability(ExposureClass::None);
        let mut closed = Closed::new();
        for (workload, _) in self.active() {
            let Some(exposure) = self.exposures.get(workload as usize) else {
                continue;
            };
            let mut starts = weak.get(&workload).cloned().unwrap_or_default();
            let outside =
                |o: &Opening| o.kind != OpeningKind::PodNetwork && o.kind != OpeningKind::Unseen;
            let published = exposure
                .openings
                .iter()
                .any(|o| outside(o) && o.direct.expected > none);
            let mut only_outside = false;
            if starts.is_empty() && published && exposure.listens.truth() == Truth::Yes {
                starts.extend(self.unknown_flaw(workload));
                only_outside = true;
            }
            if starts.is_empty() {
                continue;
            }
            for (n, opening) in (0_u32..).zip(&exposure.openings) {
                let open = opening.direct.expected > none && opening.kind != OpeningKind::Unseen;
                if open && (!only_outside || outside(opening)) {
                    self.opening(workload, n, opening, &starts, &mut closed);
                }
            }
        }
    }

    fn opening(
        &mut self,
        workload: u32,
        n: u32,
        opening: &Opening,
        starts: &[NodeId],
        closed: &mut Closed,
    ) {
        let Some(view) = self.view(workload) else {
            return;
        };
        let namespace = self.namespaces.get(&*view.workload.key.namespace).copied();
        let entry = entry_of(opening, namespace);
        let inside = opening.kind == OpeningKind::PodNetwork;
        let fixed = inside || self.provided.contains(&opening.object);
        let entry_node = self.node(entry);
        let mut from = entry_node;
        let mut arcs = Vec::new();
        if let (Some(what), false) = (closing(opening.kind), fixed) {
            // One field closes all that the object opens.
            let key = (entry, opening.object.clone(), what);
            let (node, arc) = closed.get(&key).copied().unwrap_or_else(|| {
                let node = self.attack.graph.hidden();
                let fix = self
                    .attack
                    .graph
                    .fix(Fix::Object(opening.object.clone(), what));
                let arc = count(self.attack.graph.arcs.len());
                self.attack.graph.arc(from, node, crate::graph::JOIN, fix);
                closed.insert(key, (node, arc));
                (node, arc)
            });
            arcs.push(arc);
            from = node;
        }
        let node = self.node(Node::Opening(workload, n));
        let link = Link::new(
            kind_of(opening.kind),
            opening.direct,
            Cause::Opening(workload, n),
        );
        arcs.push(count(self.attack.graph.arcs.len()));
        self.graph().arc(from, node, link, NONE);
        for start in starts {
            self.graph().join(node, *start);
        }
        self.attack.doors.push(Door {
            workload,
            entry: entry_node,
            arcs,
            node,
        });
    }

    /// Nothing is known against the workload: it still carries the base rate, and no upgrade repairs that.
    fn unknown_flaw(&mut self, workload: u32) -> Option<NodeId> {
        let view = self.view(workload)?;
        let template = self.inventory.templates.get(view.template as usize)?;
        let serves =
            |kind: ContainerKind| matches!(kind, ContainerKind::App | ContainerKind::Sidecar);
        let listens = |c: &semantics::view::ContainerSpec| serves(c.kind) && !c.ports.is_empty();
        let container = template
            .containers
            .iter()
            .position(listens)
            .or_else(|| template.containers.iter().position(|c| serves(c.kind)))?;
        let to = self.container(workload, count(container));
        let start = self.graph().hidden();
        let cause = Cause::Nature("what listens there may have a flaw that nobody knows of");
        self.graph()
            .arc(start, to, Link::new(EXPLOIT, BASE_RATE, cause), NONE);
        Some(start)
    }

    /// From a container over the pod network to weaknesses of others.
    pub(super) fn pod_network(&mut self, weak: &WeakPoints) {
        let cluster = self.node(Node::Network(CLUSTER));
        let mut namespaces: BTreeMap<Text, NodeId> = BTreeMap::new();
        let mut sets: BTreeMap<u32, (NodeId, std::sync::Arc<[u32]>)> = BTreeMap::new();
        for workload in weak.keys() {
            let (Some(view), Some(exposure)) =
                (self.view(*workload), self.exposures.get(*workload as usize))
            else {
                continue;
            };
            let inside = exposure
                .openings
                .iter()
                .position(|o| o.kind == OpeningKind::PodNetwork);
            let node =
                inside.and_then(|n| self.attack.graph.find(Node::Opening(*workload, count(n))));
            let Some(node) = node else { continue };
            let from = &exposure.reachable_from;
            let hop = |claim: &Claim| {
                let missing = claim.missing().first().copied();
                (Estimate::of(claim, HOP, HOP / 2.0, 0.0), missing)
            };
            let name = &view.workload.key.namespace;
            let scope = self.scope(Some(name));
            let graph = &mut self.attack.graph;
            let own = *namespaces
                .entry(Text::clone(name))
                .or_insert_with(|| match scope {
                    Some(scope) => graph.node(Node::Network(scope)),
                    None => graph.hidden(),
                });
            let mut links: Vec<(NodeId, (Estimate, Option<GapId>))> =
                vec![(cluster, hop(&from.cluster)), (own, hop(&from.namespace))];
            for set in &from.peers {
                let sure = !set.sure.is_empty();
                let members = if sure { &set.sure } else { &set.possible };
                let (pool, _) = sets.entry(set.id).or_insert_with(|| {
                    (self.attack.graph.hidden(), std::sync::Arc::clone(members))
                });
                let p = if sure {
                    Estimate::exact(HOP)
                } else {
                    Estimate::between(0.0, HOP / 2.0, HOP)
                };
                links.push((*pool, (p, None)));
            }
            for (pool, (p, missing)) in links.into_iter().filter(|(_, (p, _))| p.expected > 0.0) {
                let cause =
                    inside.map_or(Cause::Nature(""), |n| Cause::Opening(*workload, count(n)));
                let link = Link::new(kinds::POD_NETWORK.name, p, cause).missing(missing);
                self.graph().arc(pool, node, link, NONE);
            }
        }
        self.attack.pools = sets.len();
        self.join_pools(cluster, &namespaces, sets.into_values());
    }

    /// Containers that may fall, to the pools that they are in.
    fn join_pools(
        &mut self,
        cluster: NodeId,
        namespaces: &BTreeMap<Text, NodeId>,
        sets: impl Iterator<Item = (NodeId, std::sync::Arc<[u32]>)>,
    ) {
        let pods: Vec<(u32, NodeId)> = (0_u32..)
            .zip(&self.attack.graph.nodes)
            .filter_map(|(id, node)| match node {
                Node::Container(workload, _) => Some((*workload, id)),
                _ => None,
            })
            .collect();
        let mut by_workload: BTreeMap<u32, Vec<NodeId>> = BTreeMap::new();
        for (workload, node) in pods {
            by_workload.entry(workload).or_default().push(node);
        }
        for (workload, nodes) in &by_workload {
            let own = self
                .view(*workload)
                .and_then(|view| namespaces.get(&view.workload.key.namespace));
            for node in nodes {
                self.graph().join(*node, cluster);
                if let Some(pool) = own {
                    self.graph().join(*node, *pool);
                }
            }
        }
        for (pool, members) in sets {
            for node in members
                .iter()
                .filter_map(|member| by_workload.get(member))
                .flatten()
            {
                self.graph().join(*node, pool);
            }
        }
    }
}

fn entry_of(opening: &Opening, namespace: Option<u32>) -> Node {
    let known = class_of(opening.direct.expected);
    let class = if known == ExposureClass::Unknown {
        opening.at_most
    } else {
        known
    };
    match (class, namespace) {
        (ExposureClass::Internet, _) => Node::Internet,
        (ExposureClass::External, _) => Node::Outside,
        (ExposureClass::Cluster, _) | (_, None) => Node::PodNetwork,
        (_, Some(namespace)) => Node::Neighbour(namespace),
    }
}

/// Stable kind of the edge through an opening.
const fn kind_of(kind: OpeningKind) -> &'static str {
    match kind {
        OpeningKind::LoadBalancer => kinds::LOAD_BALANCER.name,
        OpeningKind::NodePort => kinds::NODE_PORT.name,
        OpeningKind::ExternalIp => kinds::EXTERNAL_IP.name,
        OpeningKind::HostPort => kinds::HOST_PORT.name,
        OpeningKind::HostNetwork => kinds::HOST_NETWORK.name,
        OpeningKind::Ingress => kinds::INGRESS.name,
        OpeningKind::Gateway => kinds::GATEWAY.name,
        OpeningKind::Route => kinds::ROUTE.name,
        OpeningKind::Tunnel => kinds::TUNNEL.name,
        OpeningKind::Unseen => kinds::UNSEEN.name,
        OpeningKind::PodNetwork => kinds::POD_NETWORK.name,
    }
}

/// What to change on the object of an opening.
const fn closing(kind: OpeningKind) -> Option<&'static str> {
    match kind {
        OpeningKind::LoadBalancer | OpeningKind::NodePort => {
            Some("set type: ClusterIP, or make it internal")
        }
        OpeningKind::ExternalIp => Some("remove externalIPs"),
        OpeningKind::HostPort => Some("remove hostPort from its containers"),
        OpeningKind::HostNetwork => Some("set hostNetwork: false"),
        OpeningKind::Ingress => Some("delete it, or serve it by an internal ingress class"),
        OpeningKind::Gateway => Some("delete it, or attach it to an internal Gateway"),
        OpeningKind::Route => Some("delete it"),
        OpeningKind::Tunnel => Some("stop publishing through it"),
        OpeningKind::Unseen | OpeningKind::PodNetwork => None,
    }
}
