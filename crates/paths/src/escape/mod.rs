//! The ways out of a container: to its node, to the other containers of its pod, to the keys of the control plane.
//! Comes in: pod specs, nodes, rights to read logs. Goes out: steps, each with all that it needs at once.
//! Never: an edge without evidence. A version, profile or right that was not seen spans both answers and is told.
//!
//! Kinds are KubeHound's where it has the edge (`docs/reference/attacks`), the others are named in its manner.

mod flaws;
mod host_path;
mod kinds;
mod logs;
mod mounts;
mod network;
mod place;
mod privilege;
mod processes;
mod targets;
#[cfg(test)]
mod tests;

use crate::blast::{Need, Step, gap};
use crate::build::is_control_plane;
use crate::rights::{self, Accounts};
use flaws::Flaws;
use kinds::Kind;
use logs::Readers;
use model::evidence::{Estimate, GapId, Ledger, Truth};
use model::graph::Change;
use model::object::ObjectRef;
use model::text::Text;
use place::Place;
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, Node, PodSpec, WorkloadView};
use std::sync::Arc;

/// A way out of each pod of a template, before it is known who the pod is and where it runs.
#[derive(Clone, Debug)]
struct Draft {
    kind: &'static Kind,
    probability: Estimate,
    reason: Text,
    needs: Arc<[Need]>,
    missing: Vec<GapId>,
    condition: Condition,
}

/// What else must hold, which the template does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Nothing,
    /// The pod runs on a node of the control plane; `meant`: the pod asks for what only such a node has.
    ControlPlane {
        meant: bool,
    },
    /// The token of the pod may read logs.
    ReadsLogs,
}

/// P(a pod that mounts the keys of the control plane runs there), where its node is not known; stated priors.
const MEANT_FOR_CONTROL_PLANE: f64 = 0.6;
/// The same for a pod that mounts a directory which every node has.
const ON_CONTROL_PLANE: f64 = 0.04;
/// P(an account may read logs), where bindings were not seen; stated prior.
const MAY_READ_LOGS: f64 = 0.05;

pub(crate) struct Escapes<'a> {
    inventory: &'a Inventory,
    accounts: &'a Accounts<'a>,
    nodes: FxHashMap<&'a str, &'a Node>,
    /// Whether nodes were seen, and none of them is of the control plane: it is the provider's.
    no_control_plane: bool,
    in_cloud: Estimate,
    flaws: Flaws<'a>,
    /// Made when the first pod asks.
    readers: Option<Readers<'a>>,
    /// Template -> container -> ways, made once.
    drafts: Vec<Option<Arc<[Vec<Draft>]>>>,
}

impl<'a> Escapes<'a> {
    pub(crate) fn of(inventory: &'a Inventory, accounts: &'a Accounts<'a>) -> Self {
        let nodes = &inventory.nodes;
        Escapes {
            inventory,
            accounts,
            nodes: nodes.iter().map(|node| (&*node.name, node)).collect(),
            no_control_plane: !nodes.is_empty() && !nodes.iter().any(is_control_plane),
            in_cloud: network::in_cloud(nodes),
            flaws: Flaws::of(nodes),
            readers: None,
            drafts: vec![None; inventory.templates.len()],
        }
    }

    /// Container -> steps.
    pub(crate) fn steps(
        &mut self,
        view: &WorkloadView,
        template: &PodSpec,
        ledger: &mut Ledger,
    ) -> Vec<Vec<Step>> {
        if let Some(refused) = self.refused(view) {
            ledger.gap(gap(
                "pod-security-refuses",
                format!("workloads in files whose pods Pod Security of their namespace refuses, {refused} is one: no way out of them is told; pods that run already stay, and exemptions were not seen"),
                "workloads",
                "scan the live cluster, or take what the level forbids out of the files",
            ));
            return vec![Vec::new(); template.containers.len()];
        }
        let drafts = self.drafts(view.template, template, ledger);
        let mut all: Vec<Vec<Step>> = Vec::with_capacity(drafts.len());
        for (container, drafts) in (0_usize..).zip(drafts.iter()) {
            let mut steps = Vec::with_capacity(drafts.len());
            for draft in drafts {
                let step = match draft.condition {
                    Condition::Nothing => Some(draft.step(view)),
                    Condition::ControlPlane { meant } => {
                        self.keys(draft, meant, (view, template), ledger)
                    }
                    Condition::ReadsLogs => self.logs(draft, container, (view, template), ledger),
                };
                steps.extend(step);
            }
            all.push(steps);
        }
        if !self.flaws.is_empty() {
            let nodes = self.nodes_of(view, template);
            let found = self.flaws.on(&nodes);
            for (container, steps) in template.containers.iter().zip(&mut all) {
                let place = Place::of(template, container, self.inventory.minor, ledger);
                for flaw in &found {
                    steps.extend(flaw.step(&place, view, ledger));
                }
            }
        }
        all
    }

    /// The first workload of the files that is never admitted, where this one is not.
    fn refused(&self, view: &WorkloadView) -> Option<&'a ObjectRef> {
        let refused = &self.inventory.refused;
        let own = refused.binary_search(&view.workload.object);
        own.ok().and(refused.first())
    }

    fn drafts(
        &mut self,
        number: u32,
        template: &PodSpec,
        ledger: &mut Ledger,
    ) -> Arc<[Vec<Draft>]> {
        let slot = self.drafts.get_mut(number as usize);
        if let Some(Some(known)) = &slot {
            return Arc::clone(known);
        }
        let minor = self.inventory.minor;
        let in_cloud = self.in_cloud;
        let of_container = |container| {
            let place = Place::of(template, container, minor, ledger);
            let mut drafts = Vec::new();
            privilege::ways(&place, &mut drafts);
            processes::ways(&place, &mut drafts, ledger);
            mounts::ways(&place, &mut drafts, ledger);
            network::ways(&place, in_cloud, &mut drafts);
            flaws::any(&place, &mut drafts);
            drafts
        };
        let drafts: Arc<[Vec<Draft>]> = template.containers.iter().map(of_container).collect();
        if let Some(slot) = slot {
            *slot = Some(Arc::clone(&drafts));
        }
        drafts
    }

    /// Names of the nodes that its pods run on, as far as they are known.
    fn nodes_of<'v>(&self, view: &WorkloadView, template: &'v PodSpec) -> Vec<&'v str>
    where
        'a: 'v,
    {
        let pods = view.pods.iter();
        let pods = pods.filter_map(|pod| self.inventory.pods.get(*pod as usize));
        let mut names: Vec<&str> = pods.filter_map(|pod| pod.node.as_deref()).collect();
        names.extend(template.node_name.as_deref());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether a pod of the workload runs where the keys of the control plane are.
    fn on_control_plane(&self, view: &WorkloadView, template: &PodSpec) -> Truth {
        let chosen = template.node_selector.iter().any(|(key, _)| {
            matches!(
                &**key,
                "node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master"
            )
        });
        if chosen {
            return Truth::Yes;
        }
        let names = self.nodes_of(view, template);
        let seen: Vec<&Node> = names
            .iter()
            .filter_map(|name| self.nodes.get(name).copied())
            .collect();
        if seen.iter().any(|node| is_control_plane(node)) {
            Truth::Yes
        } else if self.no_control_plane || (!names.is_empty() && seen.len() == names.len()) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn keys(
        &self,
        draft: &Draft,
        meant: bool,
        (view, template): (&WorkloadView, &PodSpec),
        ledger: &mut Ledger,
    ) -> Option<Step> {
        match self.on_control_plane(view, template) {
            Truth::Yes => Some(draft.step(view)),
            Truth::No => None,
            Truth::Unknown => {
                let p = if meant {
                    MEANT_FOR_CONTROL_PLANE
                } else {
                    ON_CONTROL_PLANE
                };
                let mut step = draft.step(view);
                step.probability = step.probability.times(Estimate::between(0.0, p, 1.0));
                step.missing.push(ledger.gap(gap(
                    "node-of-pod-unknown",
                    "pods that mount the directories of the control plane's keys: whether they run on its nodes is open",
                    "nodes",
                    "scan the live cluster",
                )));
                Some(step)
            }
        }
    }

    /// A link in the directory of logs is followed by the kubelet for whoever may read logs.
    fn logs(
        &mut self,
        draft: &Draft,
        container: usize,
        (view, template): (&WorkloadView, &PodSpec),
        ledger: &mut Ledger,
    ) -> Option<Step> {
        let namespace = &view.workload.key.namespace;
        let account = self.accounts.find(namespace, &template.service_account);
        let token = rights::token(
            template,
            template.containers.get(container)?,
            account,
            ledger,
        );
        if token.probability.high <= 0.0 {
            return None;
        }
        let inventory = self.inventory;
        let readers = self.readers.get_or_insert_with(|| Readers::of(inventory));
        let bindings = readers.bindings(namespace, &template.service_account);
        if bindings.is_empty() && inventory.authorizer.complete {
            return None;
        }
        let mut step = draft.step(view);
        step.probability = step.probability.times(token.probability);
        step.missing.extend(token.missing);
        step.changes.push(Change {
            object: view.workload.object.clone(),
            what: "set automountServiceAccountToken: false".into(),
            structural: true,
        });
        if let Some(first) = bindings.first() {
            let says = format!(
                "service account {namespace}/{} may read logs ({})",
                template.service_account, first.object
            );
            step.because
                .push(ledger.field(&first.object, "/roleRef", says));
            let stock = inventory.stock_bindings.binary_search(&first.object);
            if bindings.len() == 1 && stock.is_err() {
                step.changes.push(Change {
                    object: first.object.clone(),
                    what: format!("delete it, or bind a smaller role than {}", first.role.name)
                        .into(),
                    structural: true,
                });
            }
            return Some(step);
        }
        let open = Estimate::between(0.0, MAY_READ_LOGS, 1.0);
        step.probability = step.probability.times(open);
        step.missing.push(ledger.gap(gap(
            "log-rights-unknown",
            "pods that write the nodes' logs: whether their service accounts may read logs is open, roles and bindings were not all seen",
            "rolebindings",
            "scan the live cluster with the right to list roles and bindings",
        )));
        Some(step)
    }
}

impl Draft {
    fn step(&self, view: &WorkloadView) -> Step {
        let object = &view.workload.object;
        let mut step = Step::new(
            self.kind.name,
            self.kind.reach,
            self.probability,
            Text::clone(&self.reason),
        );
        step.technique = self.kind.technique;
        step.leads = self.kind.leads;
        step.cause = self.kind.cause;
        step.missing.clone_from(&self.missing);
        let changes = self.needs.iter().filter_map(|need| need.change.as_ref());
        step.changes.extend(changes.map(|what| Change {
            object: object.clone(),
            what: Text::clone(what),
            structural: true,
        }));
        if !self.needs.is_empty() {
            step.needs.push(Arc::clone(&self.needs));
        }
        step
    }
}
