//! What holding a service account is worth: how much of the cluster its rights lead to, by the best way there is.
//! Comes in: the attack graph. Goes out: steps of whoever holds the token of an account.
//! Never: a right judged by its name. It is worth what it leads to.

use crate::blast::{Cause as Together, Step, blast};
use crate::build::Attack;
use crate::graph::{Adjacency, ArcId, CLUSTER, Cause, Node, NodeId, Reach as Ways};
use crate::kinds;
use crate::rights::Token;
use model::evidence::{Estimate, EvidenceId, GapId, Ledger};
use model::situation::{Credential, Reach};
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::view::ServiceAccount;

/// Damage of one size.
struct Level {
    reach: Reach,
    low: Vec<f64>,
    expected: Ways,
    high: Vec<f64>,
}

pub(crate) struct Worth {
    /// From the largest damage to the least.
    levels: Vec<Level>,
    /// Account -> steps of its rights alone, made when first asked.
    known: FxHashMap<u32, Vec<Step>>,
}

/// Share of the damage of a reach that follows where the node is held, stated priors. Controllers of the control plane
/// run as accounts of kube-system.
fn worth(node: Node, system: u32) -> Option<(Reach, f64)> {
    let wide = |scope: u32| scope == CLUSTER || scope == system;
    Some(match node {
        Node::ClusterAdmin | Node::Masters | Node::ControlPlane => (Reach::Cluster, 1.0),
        Node::Admin(scope) | Node::Created(scope) | Node::Accounts(scope) if wide(scope) => {
            (Reach::Cluster, 0.9)
        }
        Node::Secrets(CLUSTER) => (Reach::Cluster, 0.8),
        Node::Pods(CLUSTER) => (Reach::Cluster, 0.7),
        Node::Secrets(scope) | Node::Pods(scope) if wide(scope) => (Reach::Cluster, 0.6),
        // What is of use together with something else that was taken.
        Node::Admission | Node::Placement => (Reach::Cluster, 0.1),
        Node::Traffic(scope) if wide(scope) => (Reach::Cluster, 0.1),
        Node::Machine(_) | Node::SomeMachine | Node::Machines => (Reach::Node, 1.0),
        Node::Kubelets => (Reach::Node, 0.9),
        Node::Admin(_) => (Reach::Namespace, 1.0),
        Node::Created(_) | Node::Accounts(_) | Node::Secrets(_) | Node::Pods(_) => {
            (Reach::Namespace, 0.8)
        }
        // As good as a Secret that is mounted.
        Node::SomeSecrets(_) => (Reach::Namespace, 0.3),
        Node::Traffic(_) => (Reach::Namespace, 0.2),
        _ => return None,
    })
}

impl Worth {
    pub(crate) fn of(attack: &Attack<'_>, into: &Adjacency) -> Self {
        let namespaces = &attack.inventory.namespaces;
        let system = namespaces.iter().position(|n| &*n.name == "kube-system");
        let system = system.map_or(u32::MAX, |n| crate::graph::count(n + 1));
        let levels = [Reach::Cluster, Reach::Node, Reach::Namespace].map(|reach| {
            let held: Vec<(NodeId, f64)> = (0_u32..)
                .zip(&attack.graph.nodes)
                .filter_map(|(id, node)| {
                    let (of, share) = worth(*node, system)?;
                    (of == reach).then_some((id, share))
                })
                .collect();
            let ways = |bound: fn(&Estimate) -> f64| {
                attack
                    .graph
                    .ways(into, &held, |arc| bound(&arc.probability))
            };
            Level {
                reach,
                low: ways(|p| p.low).probability,
                expected: ways(|p| p.expected),
                high: ways(|p| p.high).probability,
            }
        });
        Worth {
            levels: levels.into(),
            known: FxHashMap::default(),
        }
    }

    /// What users, groups and accounts without pods hold, where it leads on; by subject. What bindings of the cluster
    /// itself give is the cluster's own.
    pub(crate) fn credentials(&self, attack: &Attack<'_>, ledger: &mut Ledger) -> Vec<Credential> {
        let inventory = attack.inventory;
        let run: FxHashSet<(&str, &str)> = inventory
            .workloads
            .iter()
            .filter_map(|view| {
                let template = inventory.templates.get(view.template as usize)?;
                Some((&*view.workload.key.namespace, &*template.service_account))
            })
            .collect();
        let mut found = Vec::new();
        for (id, node) in (0_u32..).zip(&attack.graph.nodes) {
            let subject = match node {
                Node::User(n) => attack
                    .users
                    .get(*n as usize)
                    .map(|name| format!("user {name}")),
                Node::Group(n) => attack
                    .groups
                    .get(*n as usize)
                    .map(|name| format!("group {name}")),
                Node::Account(n) => inventory
                    .service_accounts
                    .get(*n as usize)
                    .filter(|account| !run.contains(&(&*account.namespace, &*account.name)))
                    .map(|account| {
                        format!("service account {}/{}", account.namespace, account.name)
                    }),
                _ => None,
            };
            let Some(subject) = subject else { continue };
            // An account that no binding names has no credential that anybody was given it for.
            if matches!(node, Node::Account(_)) && !self.is_granted(attack, id) {
                continue;
            }
            let mut steps = self.steps_of(attack, id, &subject, ledger);
            let stock = |id: &EvidenceId| {
                let object = ledger.evidence.get(id.0 as usize)?.object.as_ref()?;
                inventory.stock_bindings.binary_search(object).ok()
            };
            steps.retain(|step| !step.because.iter().any(|id| stock(id).is_some()));
            if !steps.is_empty() {
                let blast = blast(&steps, |step| step.because.clone());
                found.push(Credential {
                    subject: subject.into(),
                    blast,
                });
            }
        }
        found.sort_by(|a, b| a.subject.cmp(&b.subject));
        found
    }

    /// Whether a right that a binding gives to the node itself leads on.
    fn is_granted(&self, attack: &Attack<'_>, node: NodeId) -> bool {
        let first = |level: &Level| {
            let id = *level.expected.next.get(node as usize)?;
            attack.graph.arcs.get(id as usize)
        };
        let mut first = self.levels.iter().filter_map(first);
        first.any(|arc| matches!(arc.cause, Cause::Grant(..)))
    }

    fn steps_of(
        &self,
        attack: &Attack<'_>,
        node: NodeId,
        who: &str,
        ledger: &mut Ledger,
    ) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for level in &self.levels {
            let p = level.probability(node);
            // What reaches further reaches all nearer too.
            let told = |known: &Step| {
                let known = known.probability;
                known.low >= p.low && known.expected >= p.expected && known.high >= p.high
            };
            if p.high > 0.0 && !steps.iter().any(told) {
                steps.extend(level.step(attack, who, node, p, ledger));
            }
        }
        steps
    }

    /// What the account's token opens.
    pub(crate) fn steps(
        &mut self,
        attack: &Attack<'_>,
        (number, account): (u32, &ServiceAccount),
        token: Token,
        ledger: &mut Ledger,
    ) -> Vec<Step> {
        let Some(node) = attack.graph.find(Node::Account(number)) else {
            return Vec::new();
        };
        if token.probability.high <= 0.0 {
            return Vec::new();
        }
        let mut steps = if let Some(known) = self.known.get(&number) {
            known.clone()
        } else {
            let who = format!("service account {}/{}", account.namespace, account.name);
            let steps = self.steps_of(attack, node, &who, ledger);
            self.known.insert(number, steps.clone());
            steps
        };
        for step in &mut steps {
            step.probability = step.probability.times(token.probability);
            step.missing.extend(token.missing);
            step.missing.sort_unstable();
            step.missing.dedup();
        }
        steps
    }
}

/// How a right of an account leads on, for what is told.
#[derive(Default)]
struct Told {
    may: Option<String>,
    binding: Option<u32>,
    /// The node behind the right.
    behind: Option<NodeId>,
    because: Vec<EvidenceId>,
    missing: Vec<GapId>,
}

impl Level {
    fn probability(&self, node: NodeId) -> Estimate {
        let at = |list: &[f64]| list.get(node as usize).copied().unwrap_or(0.0);
        Estimate::between(
            at(&self.low),
            at(&self.expected.probability),
            at(&self.high),
        )
    }

    /// The best way, arc by arc.
    fn way(&self, attack: &Attack<'_>, from: NodeId) -> Vec<ArcId> {
        let mut way = Vec::new();
        let mut node = from;
        while let Some((id, arc)) = self.expected.next.get(node as usize).and_then(|id| {
            let arc = attack.graph.arcs.get(*id as usize)?;
            Some((*id, arc))
        }) {
            way.push(id);
            node = arc.to;
            if way.len() > attack.graph.len() {
                break;
            }
        }
        way
    }

    fn step(
        &self,
        attack: &Attack<'_>,
        who: &str,
        node: NodeId,
        p: Estimate,
        ledger: &mut Ledger,
    ) -> Option<Step> {
        let way = self.way(attack, node);
        let arcs = || {
            way.iter()
                .filter_map(|id| attack.graph.arcs.get(*id as usize))
        };
        // Its rights in the cloud are a step of their own.
        if arcs()
            .next()
            .is_some_and(|arc| arc.kind == kinds::CLOUD_IDENTITY.name)
        {
            return None;
        }
        let mut told = Told::default();
        for arc in arcs() {
            told.missing.extend(attack.missing(arc));
            if told.may.is_some() {
                continue;
            }
            told.because.extend(attack.evidence(arc, ledger));
            match arc.cause {
                Cause::Grant(binding, ..) => told.binding = told.binding.or(Some(binding)),
                Cause::Right(_, scope, _, primitive) => {
                    let (_, may) = crate::rbac::may(primitive);
                    let place = match scope {
                        CLUSTER if may.contains("cluster") => String::new(),
                        CLUSTER => " in the cluster".to_owned(),
                        scope => attack.place(scope),
                    };
                    told.may = Some(format!("{may}{place}"));
                    told.behind = Some(arc.to);
                }
                // The last part of several rights that different bindings give.
                Cause::Nature(may) if told.binding.is_some() => {
                    told.may = Some(may.to_owned());
                    told.behind = Some(arc.to);
                }
                _ => {}
            }
        }
        let last = arcs().next_back().map(|arc| arc.to);
        let mut step = Step::new("rights", self.reach, p, told.says(attack, who, last));
        step.cause = Together::Token;
        step.because = told.because;
        step.because.dedup();
        step.missing = told.missing;
        Some(step)
    }
}

impl Told {
    fn says(&self, attack: &Attack<'_>, who: &str, last: Option<NodeId>) -> String {
        let name = |id: NodeId| attack.graph.nodes.get(id as usize).map(|n| attack.name(*n));
        let may = match &self.may {
            Some(may) => format!("{who} may {may}"),
            None => format!("{who} has rights"),
        };
        let further = last
            .filter(|last| Some(*last) != self.behind)
            .and_then(name);
        let leads = further.map_or_else(String::new, |to| format!(", which leads to {to}"));
        let bindings = &attack.inventory.authorizer.bindings;
        let binding = self.binding.and_then(|n| bindings.get(n as usize));
        let by = binding.map_or_else(String::new, |binding| format!(" ({})", binding.object));
        format!("{may}{leads}{by}")
    }
}
