//! What a workload's policies leave open, whether such a peer exists or not.
//! Comes in: the evaluated policies. Goes out: the whole cluster, ranges, and pods that would match a selector.
//! Never: a peer that adds nothing to what the whole cluster has.

use super::Reach;
use super::decide::{Ports, Question, Who, decide};
use super::rules::{Meant, Pods};
use model::evidence::Truth;
use model::reach::Direction;

/// Who would get in, or could be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anyone {
    /// Any pod of any namespace.
    Cluster,
    /// Index into the intervals of the direction.
    Range(u32),
    /// Pods that no workload has yet, by what they would carry.
    Like(Pods),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub workload: u32,
    pub direction: Direction,
    pub to: Anyone,
    pub ports: Ports,
    /// No policy selects the workload in this direction.
    pub unprotected: bool,
}

impl Reach<'_> {
    /// Of all workloads on the pod network, by workload and direction.
    pub fn openings(&self, mut visit: impl FnMut(Opening)) {
        for workload in (0_u32..).take(self.classes.of.len()) {
            if self.apart.binary_search(&workload).is_ok() {
                continue;
            }
            // Pods of one workload that differ are open to what any of them is open to.
            let Some(class) = self.classes_of(workload).first() else {
                continue;
            };
            for direction in [Direction::Egress, Direction::Ingress] {
                self.openings_of(workload, *class, direction, &mut visit);
            }
        }
    }

    /// Ports on which a workload gets out to pods that carry what is asked, whether they exist or not.
    pub(crate) fn out_to(&self, workload: u32, pods: &Pods) -> Ports {
        let mut all = Ports::default();
        for class in self.classes_of(workload) {
            let Some(governed) = self.rows.governing(Direction::Egress, *class) else {
                continue;
            };
            let question = Question {
                policies: &self.policies,
                governing: &governed.policies,
                direction: Direction::Egress,
                who: Who::Like(pods),
                named: &[],
            };
            all = all.or(&decide(&question, None).ports);
        }
        all
    }

    fn openings_of(
        &self,
        workload: u32,
        class: u32,
        direction: Direction,
        visit: &mut impl FnMut(Opening),
    ) {
        let Some(governed) = self.rows.governing(direction, class) else {
            return;
        };
        let unprotected = governed.policies.is_empty();
        let mut give = |to: Anyone, ports: Ports| {
            if !ports.written.is_empty() {
                visit(Opening {
                    workload,
                    direction,
                    to,
                    ports,
                    unprotected,
                });
            }
        };
        let side = |who| {
            self.rows
                .side(direction, class, who)
                .cloned()
                .unwrap_or_default()
        };
        for (n, _) in self.intervals(direction) {
            give(Anyone::Range(n), side(Who::Interval(n)));
        }
        let everyone = side(Who::OtherPods);
        give(Anyone::Cluster, everyone.clone());
        let mut seen: Vec<&Pods> = Vec::new();
        let rules = governed
            .policies
            .iter()
            .filter_map(|(n, _)| self.policies.all.get(*n as usize))
            .flat_map(|policy| policy.rules[direction as usize].iter().flatten());
        for rule in rules {
            let meant = self.policies.meant.get(rule.peers as usize);
            for pods in meant.into_iter().flatten().filter_map(|meant| match meant {
                Meant::Pods(pods) => Some(pods),
                _ => None,
            }) {
                if seen.contains(&pods) || self.exists(pods) {
                    continue;
                }
                seen.push(pods);
                let question = Question {
                    policies: &self.policies,
                    governing: &governed.policies,
                    direction,
                    who: Who::Like(pods),
                    named: match direction {
                        Direction::Ingress => &governed.named,
                        Direction::Egress => &[],
                    },
                };
                let ports = decide(&question, None).ports;
                if !ports.written.difference(&everyone.written).is_empty() {
                    give(Anyone::Like(pods.clone()), ports);
                }
            }
        }
    }

    /// Whether some workload carries what is asked, where new namespaces cannot add to it.
    fn exists(&self, pods: &Pods) -> bool {
        if matches!(&pods.namespaces, Ok(selector) if selector.is_everything()) {
            return pods.pods.is_everything();
        }
        let here = |namespace: Option<u32>| match (&pods.namespaces, namespace) {
            (_, None) => false,
            (Err(own), Some(n)) => *own == n,
            (Ok(selector), Some(n)) => self.namespaces.selected(selector, n) == Truth::Yes,
        };
        let mut classes = self.classes.all.iter().zip(&self.classes.members);
        classes.any(|(class, members)| {
            let exists = !members.is_empty();
            exists && here(class.namespace) && class.selected(&pods.pods).reading()
        })
    }
}
