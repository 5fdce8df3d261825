//! From containers to the nodes that they run on, to service accounts, and back from nodes to their pods.
//! Comes in: steps, pod specs, pods on nodes. Goes out: arcs. Never: a container of which nothing follows.

use super::Builder;
use crate::blast::{Leads, Step};
use crate::fix::{Fix, FixId, NO_TOKEN, NONE};
use crate::graph::{Cause, Link, Node, NodeId, count};
use crate::kinds;
use crate::rights;
use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use model::text::Text;
use semantics::authorizer::Binding;
use semantics::view::{ServiceAccount, VolumeSource, WorkloadView};

/// P(an attacker on a node uses a token of a pod there).
const TAKES_TOKEN: f64 = 0.9;

impl<'a> Builder<'a> {
    /// From containers to the accounts whose tokens lie there, and from nodes to those pods.
    pub(super) fn tokens(&mut self, ledger: &mut Ledger) {
        for (workload, view) in self.active() {
            let Some((n, account)) = self.account(view) else {
                continue;
            };
            if self.attack.graph.find(Node::Account(n)).is_none()
                && account.cloud_identity.is_none()
            {
                continue;
            }
            let to = self.node(Node::Account(n));
            if let Some(kubelets) = self.attack.graph.find(Node::Kubelets) {
                let link = Link::new(
                    kinds::KUBELET_TOKEN.name,
                    Estimate::exact(0.9),
                    Cause::RunsAs(workload),
                );
                self.graph().arc(kubelets, to, link, NONE);
            }
            let Some(template) = self.inventory.templates.get(view.template as usize) else {
                continue;
            };
            for (container, spec) in (0_u32..).zip(&template.containers) {
                let token = rights::token(template, spec, Some(account), ledger);
                if token.probability.expected <= 0.0 {
                    continue;
                }
                let from = self.container(workload, container);
                let link = Link::new(
                    kinds::IDENTITY_ASSUME.name,
                    token.probability,
                    Cause::RunsAs(workload),
                )
                .missing(token.missing);
                let fix = self.token_fix(workload, &account.name);
                self.graph().arc(from, to, link, fix);
                if projects(template, spec) {
                    self.projected(workload, from, to, link);
                }
            }
        }
    }

    /// A token that the pod itself asks for lies in a volume.
    fn projected(&mut self, workload: u32, from: NodeId, to: NodeId, link: Link) {
        let volume = self.node(Node::Volume(workload));
        let discover = Link {
            kind: kinds::VOLUME_DISCOVER.name,
            ..link
        };
        self.graph().arc(from, volume, discover, NONE);
        let steal = Link::new(
            kinds::TOKEN_STEAL.name,
            Estimate::exact(1.0),
            Cause::RunsAs(workload),
        );
        self.graph().arc(volume, to, steal, NONE);
    }

    /// An account that was named on purpose is used: its rights are made smaller instead (rule 11).
    fn token_fix(&mut self, workload: u32, account: &str) -> FixId {
        if account == "default" {
            self.workload_fix(workload, NO_TOKEN)
        } else {
            NONE
        }
    }

    fn account(&self, view: &WorkloadView) -> Option<(u32, &'a ServiceAccount)> {
        let template = self.inventory.templates.get(view.template as usize)?;
        let key = (&*view.workload.key.namespace, &*template.service_account);
        let n = *self.account_ids.get(&key)?;
        Some((n, self.inventory.service_accounts.get(n as usize)?))
    }

    /// From containers to the nodes that they run on, and between containers of a pod.
    pub(super) fn escapes(&mut self, ledger: &mut Ledger) {
        let steps = self.steps;
        for (workload, _) in self.active() {
            let own = steps.get(workload as usize).map_or(&[][..], Vec::as_slice);
            for (container, steps) in (0_u32..).zip(own) {
                let edges = (0_u32..).zip(steps).filter(|(_, step)| step.is_edge());
                for (n, step) in edges.filter(|(_, step)| step.leads != Leads::Pod) {
                    self.escape(workload, container, n, step);
                }
            }
        }
        for (workload, _) in self.active() {
            let own = steps.get(workload as usize).map_or(&[][..], Vec::as_slice);
            self.shared_processes(workload, own);
        }
        self.on_nodes(ledger);
    }

    fn escape(&mut self, workload: u32, container: u32, n: u32, step: &Step) {
        let to = if step.leads == Leads::ControlPlane {
            self.node(Node::Masters)
        } else {
            self.ground(workload)
        };
        let from = self.container(workload, container);
        let fixes = self.fixes(workload, step);
        let link = Link::new(
            step.kind,
            step.probability,
            Cause::Step(workload, container, n),
        );
        self.graph().chain(from, to, link, &fixes);
    }

    /// What ends the step, as far as it is the user's to change: fields of the workload, a binding, a version.
    fn fixes(&mut self, workload: u32, step: &Step) -> Vec<FixId> {
        let own = self.view(workload).map(|view| &view.workload.object);
        let mut fixes = Vec::with_capacity(step.changes.len());
        for change in &step.changes {
            fixes.push(if own == Some(&change.object) {
                self.workload_fix(workload, Text::clone(&change.what))
            } else if let Some(binding) = self.binding_of(&change.object) {
                self.attack.graph.fix(Fix::Binding(binding))
            } else {
                let fix = Fix::Upgrade(change.object.clone(), Text::clone(&change.what));
                self.attack.graph.fix(fix)
            });
        }
        fixes.retain(|fix| *fix != NONE);
        fixes
    }

    fn binding_of(&mut self, object: &ObjectRef) -> Option<u32> {
        let bindings = &self.attack.authorizer.bindings;
        let ids = self.binding_ids.get_or_insert_with(|| {
            let of = |(n, binding): (u32, &'a Binding)| (&binding.object, n);
            (0_u32..).zip(bindings).map(of).collect()
        });
        ids.get(object).copied()
    }

    /// All containers that share go in and out over one arc.
    fn shared_processes(&mut self, workload: u32, own: &[Vec<Step>]) {
        let to_others = |(container, steps): (u32, &'_ Vec<Step>)| {
            let mut edges = (0_u32..).zip(steps).filter(|(_, step)| step.is_edge());
            let (n, step) = edges.find(|(_, step)| step.leads == Leads::Pod)?;
            Some((container, n, step.kind, step.probability))
        };
        let shares: Vec<_> = (0_u32..).zip(own).filter_map(to_others).collect();
        if shares.is_empty() {
            return;
        }
        let fix = self.workload_fix(workload, "set shareProcessNamespace: false");
        let (inside, shared) = (self.graph().hidden(), self.graph().hidden());
        self.graph().arc(inside, shared, crate::graph::JOIN, fix);
        for (container, n, kind, probability) in shares {
            let node = self.container(workload, container);
            let link = Link::new(kind, probability, Cause::Step(workload, container, n));
            self.graph().arc(node, inside, link, NONE);
            self.graph().join(shared, node);
        }
    }

    /// "The nodes that the workload runs on".
    fn ground(&mut self, workload: u32) -> NodeId {
        if let Some(Some(node)) = self.attack.ground.get(workload as usize) {
            return *node;
        }
        let ground = self.graph().hidden();
        for node in self.nodes_of(workload) {
            let node = self.node(node);
            self.graph().join(ground, node);
        }
        if let Some(slot) = self.attack.ground.get_mut(workload as usize) {
            *slot = Some(ground);
        }
        ground
    }

    fn nodes_of(&mut self, workload: u32) -> Vec<Node> {
        let Some(view) = self.view(workload) else {
            return Vec::new();
        };
        let inventory = self.inventory;
        let pods = view
            .pods
            .iter()
            .filter_map(|pod| inventory.pods.get(*pod as usize));
        let mut names: Vec<&Text> = pods.filter_map(|pod| pod.node.as_ref()).collect();
        let template = inventory.templates.get(view.template as usize);
        names.extend(template.and_then(|t| t.node_name.as_ref()));
        names.sort();
        names.dedup();
        if names.is_empty() {
            return vec![Node::SomeMachine];
        }
        let mut nodes = Vec::with_capacity(names.len());
        for name in names {
            self.machine(name);
            nodes.extend(self.machine_ids.get(name).map(|n| Node::Machine(*n)));
        }
        nodes
    }

    /// From nodes to the pods on them of which something follows.
    fn on_nodes(&mut self, ledger: &mut Ledger) {
        for (workload, view) in self.active() {
            let Some(pod) = self.attack.graph.find(Node::Pod(workload)) else {
                continue;
            };
            let everywhere = &*view.workload.object.kind == "DaemonSet";
            for node in self.nodes_of(workload) {
                let there = if node == Node::SomeMachine && !everywhere {
                    // Files do not say which pods meet on a node.
                    Estimate::between(0.0, 0.3, TAKES_TOKEN)
                } else {
                    Estimate::exact(TAKES_TOKEN)
                };
                let missing = (!there.is_exact()).then(|| {
                    self.nodes_unseen.unwrap_or_else(|| {
                        ledger.gap(crate::blast::gap(
                            "nodes-of-pods-not-seen",
                            "pods whose node was not seen: which other pods share it is open",
                            "pods",
                            "scan the live cluster while the pods run",
                        ))
                    })
                });
                let (machine, cause) = match node {
                    Node::Machine(n) => {
                        let on = self.node(Node::PodsOn(n));
                        (on, Cause::RunsOn(workload, n))
                    }
                    other => (
                        self.node(other),
                        Cause::Nature("some pod of it may run there"),
                    ),
                };
                let link = Link::new(kinds::POD_ATTACH.name, there, cause);
                self.graph().arc(machine, pod, link.missing(missing), NONE);
            }
        }
        for n in 0..count(self.attack.machines.len()) {
            if let Some(on) = self.attack.graph.find(Node::PodsOn(n)) {
                let machine = self.node(Node::Machine(n));
                self.graph().join(machine, on);
            }
        }
    }

    /// A node of the control plane holds the keys of the cluster.
    pub(super) fn control_plane(&mut self) {
        let keys = Link::new(
            kinds::CONTROL_PLANE_KEYS.name,
            Estimate::exact(0.9),
            Cause::Nature("a node of the control plane holds the keys of the cluster"),
        );
        let masters = self.node(Node::Masters);
        for node in &self.inventory.nodes {
            if super::is_control_plane(node) {
                let from = self.machine(&node.name);
                self.graph().arc(from, masters, keys, NONE);
            }
        }
        if !self.inventory.nodes.is_empty() {
            return;
        }
        // No node was seen: one that is reached may be of the control plane.
        let (machines, control) = (self.node(Node::Machines), self.node(Node::ControlPlane));
        let cause = Cause::Nature("a node that it reaches may be of the control plane");
        let p = Estimate::between(0.0, 0.1, 0.8);
        let link = Link::new(kinds::NODE_CHOICE.name, p, cause).missing(self.nodes_unseen);
        self.graph().arc(machines, control, link, NONE);
        self.graph().arc(control, masters, keys, NONE);
    }
}

fn projects(
    template: &semantics::view::PodSpec,
    container: &semantics::view::ContainerSpec,
) -> bool {
    container.mounts.iter().any(|mount| {
        let volume = template.volumes.iter().find(|v| v.name == mount.volume);
        matches!(volume.map(|v| &v.source), Some(VolumeSource::Token { .. }))
    })
}
