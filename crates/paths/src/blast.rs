//! What falls when a container falls: the ways out of it, its Secrets, its rights, each with its probability.
//! Comes in: pod specs, nodes, service accounts. Goes out: steps per container, and B of the score.
//! Never: fewer or smaller steps for a permission more; what is unknown spans both answers.

use crate::escape::Escapes;
use crate::rights::{self, Accounts};
use model::evidence::{Estimate, EvidenceId, Gap, GapId, GapWeight, Ledger, Stage};
use model::graph::Change;
use model::situation::{Blast, BlastStep, Reach};
use model::text::Text;
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::view::{ContainerSpec, Inventory, PodSpec, VolumeSource, WorkloadView};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One field that a step needs. Without any one of its needs the way is closed.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// JSON pointer below the pod spec.
    pub(crate) pointer: Text,
    pub(crate) says: Text,
    /// What takes it away, imperative; `None`: nothing that can be changed.
    pub(crate) change: Option<Text>,
}

/// One way in which the damage spreads, before it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Stable name, used as the kind of an edge.
    pub(crate) kind: &'static str,
    /// Of MITRE ATT&CK; empty where none fits.
    pub(crate) technique: &'static str,
    pub(crate) reach: Reach,
    pub(crate) probability: Estimate,
    pub(crate) reason: Text,
    /// Fields of the pod, shared by all pods of a template: evidence is made of them when the step is told.
    pub(crate) needs: Vec<Arc<[Need]>>,
    /// What else it follows from.
    pub(crate) because: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
    /// What the step needs, all of it: each of these changes ends it. The first is preferred.
    pub(crate) changes: Vec<Change>,
    pub(crate) leads: Leads,
    pub(crate) cause: Cause,
}

/// Where a step leads in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leads {
    /// It is part of the damage, and no edge.
    Nowhere,
    /// To the other containers of the pod.
    Pod,
    /// To the node that the pod runs on.
    Node,
    /// To credentials of the control plane.
    ControlPlane,
}

/// Steps of one cause succeed and fail together: the most probable one stands for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cause {
    Alone,
    Privilege,
    Processes,
    Files,
    Network,
    /// All rights of one token.
    Token,
    Flaw,
}

const MOUNTED_SECRET: &str = "mounted-secret";
/// Steps less probable than this are in the blast radius, but not in the graph.
const LEAST_EDGE: f64 = 0.05;

impl Step {
    pub(crate) fn new(
        kind: &'static str,
        reach: Reach,
        probability: Estimate,
        reason: impl Into<Text>,
    ) -> Self {
        Step {
            kind,
            technique: "",
            reach,
            probability,
            reason: reason.into(),
            needs: Vec::new(),
            because: Vec::new(),
            missing: Vec::new(),
            changes: Vec::new(),
            leads: Leads::Nowhere,
            cause: Cause::Alone,
        }
    }

    /// Why the step is there, for a pod of the workload.
    pub(crate) fn evidence(&self, view: &WorkloadView, ledger: &mut Ledger) -> Vec<EvidenceId> {
        let fields = self.needs.iter().flat_map(|needs| needs.iter());
        let mut all: Vec<EvidenceId> = fields
            .map(|need| {
                let pointer = format!("{}{}", view.spec_pointer, need.pointer);
                ledger.field(&view.workload.object, pointer, Text::clone(&need.says))
            })
            .collect();
        all.extend(&self.because);
        let mut known = FxHashSet::default();
        all.retain(|evidence| known.insert(*evidence));
        all
    }

    pub(crate) fn is_edge(&self) -> bool {
        self.leads != Leads::Nowhere && self.probability.expected >= LEAST_EDGE
    }
}

/// Workload -> container -> steps.
pub(crate) fn steps(inventory: &Inventory, ledger: &mut Ledger) -> Vec<Vec<Vec<Step>>> {
    let accounts = Accounts::of(inventory);
    let mut escapes = Escapes::of(inventory, &accounts);
    inventory
        .workloads
        .iter()
        .map(
            |view| match inventory.templates.get(view.template as usize) {
                Some(template) => of_pod(view, template, &accounts, &mut escapes, ledger),
                None => vec![Vec::new(); view.workload.containers.len()],
            },
        )
        .collect()
}

fn of_pod(
    view: &WorkloadView,
    template: &PodSpec,
    accounts: &Accounts<'_>,
    escapes: &mut Escapes<'_>,
    ledger: &mut Ledger,
) -> Vec<Vec<Step>> {
    let mut all = escapes.steps(view, template, ledger);
    for (container, steps) in template.containers.iter().zip(&mut all) {
        steps.extend(secrets(template, container));
        steps.extend(rights::unseen(view, template, container, accounts, ledger));
    }
    if template.share_process_namespace {
        share(&mut all);
    }
    all
}

/// What falls over the containers whose processes are shared falls too, times P of the step to them: of each kind the
/// most probable step.
fn share(all: &mut [Vec<Step>]) {
    let shared: Vec<Option<Step>> = all
        .iter()
        .map(|steps| steps.iter().find(|step| step.leads == Leads::Pod).cloned())
        .collect();
    let own: Vec<Strongest> = all
        .iter()
        .zip(&shared)
        .map(|(steps, shared)| match shared {
            Some(_) => strongest(steps),
            None => Strongest::new(),
        })
        .collect();
    // What stands behind each container, then before it, so that no pair is looked at.
    let mut behind = vec![Strongest::new(); own.len()];
    let mut last = Strongest::new();
    for (slot, own) in behind.iter_mut().zip(&own).rev() {
        slot.clone_from(&last);
        join(&mut last, own);
    }
    let mut others = Strongest::new();
    let rest = shared.iter().zip(&own).zip(&behind);
    for (steps, ((shared, own), behind)) in all.iter_mut().zip(rest) {
        if let Some(shared) = shared {
            let mut beside = others.clone();
            join(&mut beside, behind);
            steps.extend(beside.into_values().map(|step| over(step, shared)));
        }
        join(&mut others, own);
    }
}

type Strongest = BTreeMap<&'static str, Step>;

fn strongest(steps: &[Step]) -> Strongest {
    let mut found = Strongest::new();
    for step in steps {
        let goes_on = matches!(step.leads, Leads::Node | Leads::ControlPlane);
        if goes_on || step.kind == MOUNTED_SECRET {
            put(&mut found, step);
        }
    }
    found
}

fn join(all: &mut Strongest, more: &Strongest) {
    for step in more.values() {
        put(all, step);
    }
}

fn put(all: &mut Strongest, step: &Step) {
    let known = all.entry(step.kind).or_insert_with(|| step.clone());
    let p = known.probability.max(step.probability);
    if step.probability.expected > known.probability.expected {
        *known = step.clone();
    }
    known.probability = p;
}

/// A step of another container, over the one that leads to it.
fn over(mut step: Step, shared: &Step) -> Step {
    step.kind = shared.kind;
    step.technique = shared.technique;
    step.probability = step.probability.times(shared.probability);
    step.reason = format!(
        "over a container that shares its processes: {}",
        step.reason
    )
    .into();
    step.needs.extend(shared.needs.iter().cloned());
    step.because.extend(&shared.because);
    step.missing.extend(&shared.missing);
    step.missing.sort_unstable();
    step.missing.dedup();
    step.changes.clear();
    // The graph walks to the other container instead.
    step.leads = Leads::Nowhere;
    step
}

/// P that at least one of the steps works.
pub(crate) fn any_of(steps: &[&Step]) -> Estimate {
    let of = |bound: fn(&Estimate) -> f64| one_of(steps.iter().copied(), bound);
    Estimate::between(of(|e| e.low), of(|e| e.expected), of(|e| e.high))
}

fn one_of<'s>(steps: impl Iterator<Item = &'s Step>, bound: fn(&Estimate) -> f64) -> f64 {
    let mut together = [0.0_f64; Cause::Flaw as usize + 1];
    let mut stays = 1.0;
    for step in steps {
        let p = bound(&step.probability);
        match together.get_mut(step.cause as usize) {
            Some(best) if step.cause != Cause::Alone => *best = best.max(p),
            _ => stays *= 1.0 - p,
        }
    }
    1.0 - together.iter().fold(stays, |stays, p| stays * (1.0 - p))
}

/// B: the largest of value x P over what can be reached, where a step that reaches further reaches all nearer too.
/// `tell` makes the evidence of a step.
pub(crate) fn blast(steps: &[Step], mut tell: impl FnMut(&Step) -> Vec<EvidenceId>) -> Blast {
    let of = |bound: fn(&Estimate) -> f64| {
        [Reach::Pod, Reach::Namespace, Reach::Node, Reach::Cluster]
            .into_iter()
            .map(|reach| {
                let further = steps.iter().filter(|step| step.reach >= reach);
                // The container's own pod fell with it.
                reach.value()
                    * if reach == Reach::Pod {
                        1.0
                    } else {
                        one_of(further, bound)
                    }
            })
            .fold(0.0, f64::max)
    };
    let value = Estimate::between(of(|e| e.low), of(|e| e.expected), of(|e| e.high));
    let mut shown: Vec<BlastStep> = told(steps)
        .into_iter()
        .map(|step| BlastStep {
            reach: step.reach,
            probability: step.probability,
            reason: Text::clone(&step.reason),
            because: tell(step),
            missing: step.missing.clone(),
        })
        .collect();
    let worth = |step: &BlastStep| step.reach.value() * step.probability.expected;
    shown.sort_by(|a, b| {
        worth(b)
            .total_cmp(&worth(a))
            .then_with(|| a.reason.cmp(&b.reason))
    });
    Blast {
        value,
        steps: shown,
    }
}

/// Of steps that one change ends, the most probable one is enough to say.
fn told(steps: &[Step]) -> Vec<&Step> {
    let mut told: Vec<&Step> = Vec::new();
    let mut by_change: FxHashMap<(&Change, Reach, Cause), usize> = FxHashMap::default();
    for step in steps {
        // What does not reach further than the pod fell with the container.
        if step.probability.high < 0.005 || step.reach == Reach::Pod {
            continue;
        }
        let key = step.changes.first();
        let key = key.map(|change| (change, step.reach, step.cause));
        let known = key.and_then(|key| by_change.get(&key));
        match known.and_then(|at| told.get_mut(*at)) {
            Some(known) if known.probability.expected < step.probability.expected => *known = step,
            Some(_) => {}
            None => {
                by_change.extend(key.map(|key| (key, told.len())));
                told.push(step);
            }
        }
    }
    told
}

fn secrets(template: &PodSpec, container: &ContainerSpec) -> Option<Step> {
    let mut names: Vec<&Text> = container.secret_env.iter().collect();
    for mount in &container.mounts {
        let volume = template.volumes.iter().find(|v| v.name == mount.volume);
        if let Some(VolumeSource::Secret { name }) = volume.map(|v| &v.source) {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let more = f64::from(u32::try_from(names.len() - 1).unwrap_or(u32::MAX));
    let p = Estimate::exact((0.3 + 0.05 * more).min(0.6));
    let list: Vec<&str> = names.iter().take(3).map(|name| &***name).collect();
    let dots = if names.len() > 3 { ", ..." } else { "" };
    let reason = format!(
        "container {} holds Secret {}{dots}",
        container.name,
        list.join(", ")
    );
    let mut step = Step::new(MOUNTED_SECRET, Reach::Namespace, p, reason);
    let need = Need {
        pointer: Text::clone(&container.pointer),
        says: Text::clone(&step.reason),
        change: None,
    };
    step.needs.push(Arc::new([need]));
    Some(step)
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
