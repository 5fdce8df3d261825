//! One situation a container, equal ones kept once.
//! Comes in: exposures, steps, lateral P, routes, what accounts are worth. Goes out: situations and who has which.

use crate::blast::{Leads, Step, any_of, blast};
use crate::build::Attack;
use crate::graph::Adjacency;
use crate::rights::{self, Accounts};
use crate::routes::{Route, ToSink, worst};
use crate::worth::Worth;
use model::evidence::{Estimate, Ledger};
use model::situation::{Reach, Situation};
use network::WorkloadExposure;
use rustc_hash::{FxHashMap, FxHasher};
use semantics::view::{Inventory, WorkloadView};
use std::hash::{Hash, Hasher};

pub(crate) struct Found {
    pub(crate) situations: Vec<Situation>,
    known: FxHashMap<u64, Vec<u32>>,
    pub(crate) of: Vec<Vec<u32>>,
}

#[allow(
    clippy::too_many_arguments,
    reason = "what was found apart comes together"
)]
pub(crate) fn situations(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    steps: &[Vec<Vec<Step>>],
    lateral: &[Estimate],
    attack: &Attack<'_>,
    routes: &[Route],
    over_nodes: &[Estimate],
    worth: &mut Worth,
    ledger: &mut Ledger,
) -> Found {
    let accounts = Accounts::of(inventory);
    let worst = worst(attack, routes);
    let mut found = Found {
        situations: Vec::new(),
        known: FxHashMap::default(),
        of: Vec::with_capacity(inventory.workloads.len()),
    };
    let places = (0_u32..)
        .zip(&inventory.workloads)
        .zip(exposures)
        .zip(lateral)
        .zip(steps);
    for ((((workload, view), exposure), lateral), steps) in places {
        let mut steps = steps.clone();
        steps.resize(view.workload.containers.len(), Vec::new());
        let mut of = Vec::with_capacity(steps.len());
        for (container, mut steps) in (0_u32..).zip(steps) {
            let nodes = attack.ground.get(workload as usize).copied().flatten();
            if let Some(p) = nodes.and_then(|node| over_nodes.get(node as usize)) {
                steps.extend(over_the_node(&steps, *p));
            }
            steps.extend(held(attack, &accounts, view, container, worth, ledger));
            let blast = blast(&steps, |step| step.evidence(view, ledger));
            let situation = Situation {
                exposure: exposure.exposure.clone(),
                deliveries: exposure.deliveries.clone(),
                listens: exposure.listens.clone(),
                direct: exposure.direct,
                lateral: *lateral,
                tenants: None,
                blast,
                path: worst.get(&(workload, container)).copied(),
            };
            of.push(found.keep(situation));
        }
        found.of.push(of);
    }
    found
}

/// What the token in reach of a container leads to.
fn held(
    attack: &Attack<'_>,
    accounts: &Accounts<'_>,
    view: &WorkloadView,
    container: u32,
    worth: &mut Worth,
    ledger: &mut Ledger,
) -> Vec<Step> {
    let templates = &attack.inventory.templates;
    let found = templates.get(view.template as usize).and_then(|template| {
        let account = accounts.numbered(&view.workload.key.namespace, &template.service_account)?;
        Some((
            template,
            template.containers.get(container as usize)?,
            account,
        ))
    });
    let Some((template, spec, (number, account))) = found else {
        return Vec::new();
    };
    if attack
        .graph
        .find(crate::graph::Node::Account(number))
        .is_none()
    {
        return Vec::new();
    }
    let token = rights::token(template, spec, Some(account), ledger);
    worth.steps(attack, (number, account), token, ledger)
}

/// P(cluster-admin follows) for each node of the graph, all bounds.
pub(crate) fn over_nodes(
    attack: &Attack<'_>,
    into: &Adjacency,
    expected: &ToSink,
) -> Vec<Estimate> {
    let nodes = attack
        .sinks
        .get(expected.sink)
        .map_or(&[][..], |sink| &sink.nodes);
    let low = attack.graph.reach(into, nodes, |arc| arc.probability.low);
    let high = attack.graph.reach(into, nodes, |arc| arc.probability.high);
    let bounds = low
        .probability
        .iter()
        .zip(&expected.reach.probability)
        .zip(&high.probability);
    bounds
        .map(|((low, expected), high)| Estimate::between(*low, *expected, *high))
        .collect()
}

/// What else runs on the node falls with it.
fn over_the_node(steps: &[Step], follows: Estimate) -> Option<Step> {
    let escapes = steps.iter().filter(|step| step.leads == Leads::Node);
    let escapes: Vec<&Step> = escapes.collect();
    let p = any_of(&escapes).times(follows);
    (p.high > 0.0).then(|| {
        let mut step = Step::new(
            "over-the-node",
            Reach::Cluster,
            p,
            "the node leads on to cluster-admin",
        );
        for escape in escapes {
            step.needs.extend(escape.needs.iter().cloned());
            step.because.extend(&escape.because);
            step.missing.extend(&escape.missing);
        }
        step.missing.sort_unstable();
        step.missing.dedup();
        step
    })
}

impl Found {
    /// The index of an equal situation, or of this one.
    pub(crate) fn keep(&mut self, situation: Situation) -> u32 {
        intern(situation, &mut self.situations, &mut self.known)
    }
}

fn intern(
    situation: Situation,
    all: &mut Vec<Situation>,
    known: &mut FxHashMap<u64, Vec<u32>>,
) -> u32 {
    let mut hasher = FxHasher::default();
    let tenants = situation.tenants.unwrap_or(Estimate::exact(0.0));
    for estimate in [
        situation.direct,
        situation.lateral,
        situation.blast.value,
        tenants,
    ] {
        for bound in [estimate.low, estimate.expected, estimate.high] {
            bound.to_bits().hash(&mut hasher);
        }
    }
    situation.exposure.chain.hash(&mut hasher);
    situation.path.hash(&mut hasher);
    situation.blast.steps.len().hash(&mut hasher);
    let same = known.entry(hasher.finish()).or_default();
    if let Some(id) = same.iter().find(|id| all[**id as usize] == situation) {
        return *id;
    }
    let id = u32::try_from(all.len()).unwrap_or(u32::MAX);
    all.push(situation);
    same.push(id);
    id
}
