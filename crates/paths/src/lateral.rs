//! How an attacker reaches a workload over another pod that he took first.
//! Comes in: exposures, weaknesses. Goes out: P per workload, each bound on its own.
//! Never: more than the entry's own exposure times one hop, and never an entry over itself.

use crate::Weakness;
use model::evidence::{Claim, Estimate, Truth};
use model::workload::WorkloadState;
use network::WorkloadExposure;
use rustc_hash::FxHashMap;
use semantics::view::Inventory;

/// P(an attacker in one pod goes on to a listener that he can reach), stated prior.
pub(crate) const HOP: f64 = 0.3;
/// Rounds of hops; each costs another factor [`HOP`].
const ROUNDS: usize = 3;
/// P(a listening workload falls within 90 days by a flaw that nobody knows of), stated prior (architecture 7).
pub(crate) const BASE_RATE: Estimate = Estimate {
    low: 1e-4,
    expected: 1e-3,
    high: 1e-2,
};

/// How far an attacker got, and where he came in.
#[derive(Clone, Copy)]
struct Fallen {
    probability: f64,
    entry: u32,
}

/// The best two of different entries, so that a pod is never its own entry.
#[derive(Clone, Copy, Default)]
struct Pool {
    best: Option<Fallen>,
    second: Option<Fallen>,
}

impl Pool {
    fn take(&mut self, fallen: Fallen) {
        match self.best {
            Some(best) if best.entry == fallen.entry => {
                if fallen.probability > best.probability {
                    self.best = Some(fallen);
                }
            }
            Some(best) if fallen.probability <= best.probability => {
                if self
                    .second
                    .is_none_or(|second| fallen.probability > second.probability)
                {
                    self.second = Some(fallen);
                }
            }
            best => {
                self.second = best;
                self.best = Some(fallen);
            }
        }
    }

    fn for_others(&self, workload: u32) -> Option<Fallen> {
        match self.best {
            Some(best) if best.entry != workload => Some(best),
            _ => self.second.filter(|second| second.entry != workload),
        }
    }
}

/// Chooses one bound of an estimate or of a claim's weight.
#[derive(Clone, Copy)]
enum Bound {
    Low,
    Expected,
    High,
}

impl Bound {
    fn of(self, estimate: Estimate) -> f64 {
        match self {
            Bound::Low => estimate.low,
            Bound::Expected => estimate.expected,
            Bound::High => estimate.high,
        }
    }

    fn weight(self, claim: &Claim) -> f64 {
        self.of(Estimate::of(claim, 1.0, 0.5, 0.0))
    }
}

/// P per workload that it is reached over another pod.
pub(crate) fn lateral(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    weaknesses: &[Weakness],
) -> Vec<Estimate> {
    let falls = falls(inventory.workloads.len(), weaknesses);
    let bound = |bound| one_bound(inventory, exposures, &falls, bound);
    let (low, expected, high) = (
        bound(Bound::Low),
        bound(Bound::Expected),
        bound(Bound::High),
    );
    low.iter()
        .zip(&expected)
        .zip(&high)
        .map(|((low, expected), high)| Estimate::between(*low, *expected, *high))
        .collect()
}

/// P(a workload falls | something reaches it): by any of its weaknesses, or by what nobody knows of.
pub(crate) fn falls(workloads: usize, weaknesses: &[Weakness]) -> Vec<Estimate> {
    let mut falls = vec![BASE_RATE; workloads];
    for weakness in weaknesses {
        if let Some(fall) = falls.get_mut(weakness.workload as usize) {
            *fall = fall.noisy_or(weakness.likelihood);
        }
    }
    falls
}

fn one_bound(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    falls: &[Estimate],
    bound: Bound,
) -> Vec<f64> {
    let namespaces: Vec<&str> = inventory
        .workloads
        .iter()
        .map(|view| &*view.workload.key.namespace)
        .collect();
    let mut reached: Vec<Option<Fallen>> = vec![None; exposures.len()];
    for _ in 0..ROUNDS {
        let fallen = fallen(inventory, exposures, falls, &reached, bound);
        let mut cluster = Pool::default();
        let mut of_namespace: FxHashMap<&str, Pool> = FxHashMap::default();
        for (fallen, namespace) in fallen.iter().zip(&namespaces) {
            let Some(fallen) = fallen else { continue };
            cluster.take(*fallen);
            of_namespace.entry(namespace).or_default().take(*fallen);
        }
        let mut sets: FxHashMap<(u32, bool), Pool> = FxHashMap::default();
        for ((n, exposure), view) in (0_u32..).zip(exposures).zip(&inventory.workloads) {
            let mut best: Option<Fallen> = None;
            let mut offer = |pool: &Pool, weight: f64| {
                let Some(from) = pool.for_others(n) else {
                    return;
                };
                let probability = from.probability * HOP * weight;
                if probability > best.map_or(0.0, |b| b.probability) {
                    best = Some(Fallen {
                        probability,
                        entry: from.entry,
                    });
                }
            };
            let from = &exposure.reachable_from;
            offer(&cluster, bound.weight(&from.cluster));
            if let Some(pool) = of_namespace.get(&*view.workload.key.namespace) {
                offer(pool, bound.weight(&from.namespace));
            }
            for set in &from.peers {
                let unsure = if let Bound::Low = bound {
                    None
                } else {
                    Some((&set.possible, true))
                };
                for (members, open) in [Some((&set.sure, false)), unsure].into_iter().flatten() {
                    let pool = sets.entry((set.id, open)).or_insert_with(|| {
                        let mut pool = Pool::default();
                        for member in members.iter() {
                            if let Some(Some(fallen)) = fallen.get(*member as usize) {
                                pool.take(*fallen);
                            }
                        }
                        pool
                    });
                    let half = matches!(bound, Bound::Expected) && open;
                    offer(pool, if half { 0.5 } else { 1.0 });
                }
            }
            let listens = bound.of(listener(exposure, view.batch));
            if let Some(slot) = reached.get_mut(n as usize) {
                *slot = best.map(|b| Fallen {
                    probability: b.probability * listens,
                    ..b
                });
            }
        }
    }
    reached
        .into_iter()
        .map(|r| r.map_or(0.0, |r| r.probability))
        .collect()
}

/// How likely each active workload falls, by itself or over the pods of the round before.
fn fallen(
    inventory: &Inventory,
    exposures: &[WorkloadExposure],
    falls: &[Estimate],
    reached: &[Option<Fallen>],
    bound: Bound,
) -> Vec<Option<Fallen>> {
    (0_u32..)
        .zip(exposures)
        .zip(&inventory.workloads)
        .zip(falls)
        .zip(reached)
        .map(|((((n, exposure), view), falls), reached)| {
            if view.workload.state != WorkloadState::Active {
                return None;
            }
            let falls = bound.of(*falls);
            let own = Fallen {
                probability: bound.of(exposure.direct) * falls,
                entry: n,
            };
            let over = reached.map(|r| Fallen {
                probability: r.probability * falls,
                ..r
            });
            Some(
                over.filter(|over| over.probability > own.probability)
                    .unwrap_or(own),
            )
        })
        .collect()
}

/// P(something listens there): a batch pod that shows no port most likely does not (rule 2).
fn listener(exposure: &WorkloadExposure, batch: bool) -> Estimate {
    match exposure.listens.truth() {
        Truth::Yes => Estimate::exact(1.0),
        _ if batch => Estimate::between(0.0, 0.05, 1.0),
        _ => Estimate::between(0.0, 1.0, 1.0),
    }
}
