//! Why a peer gets through, or not: the policies that select an end, and the rules of them that mean the other.
//! Comes in: two peers. Goes out: a [`Side`] for each end that has policies. Never: another answer than the rows give.

use super::decide::{Heard, Ports, Question, Who, decide};
use super::ports::PortSet;
use super::rules::Meant;
use super::{Peer, Reach};
use model::evidence::Truth;
use model::object::ObjectRef;
use model::reach::Direction;
use model::text::Text;
use semantics::view::AdminAction;

/// What the policies of one end say of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub direction: Direction,
    /// Index of the workload whose policies they are.
    pub of: u32,
    pub ports: Ports,
    /// Those of them, as written, that no policy decides: the default is open.
    pub by_default: PortSet,
    /// Policies that select it in this direction, in the order in which they are asked.
    pub selected_by: Vec<(ObjectRef, Truth)>,
    /// Whether a NetworkPolicy isolates it: what none allows is denied.
    pub isolated: Truth,
    /// Those that do.
    pub isolated_by: Vec<ObjectRef>,
    pub said: Vec<Said>,
}

/// A rule that means the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub policy: ObjectRef,
    pub rule: Text,
    pub action: AdminAction,
    /// Ports on which nothing was decided before it.
    pub ports: PortSet,
    /// `Unknown`: whether it means the peer is not known.
    pub truth: Truth,
    /// Why it is not known.
    pub doubt: Option<Doubt>,
}

/// Why it is not known whether a rule means a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Whether its policy selects the pods.
    Subject,
    /// A part of the rule is not understood.
    Rule,
    /// Layer 7 lets only a part through.
    Narrowed,
    /// Whether a block means addresses of pods is left to the plugin.
    Block,
    /// Names and nodes, whose addresses are not known.
    Names,
    /// Labels that were not seen, or pods on the node's network.
    Labels,
}

impl Reach<'_> {
    /// Sides of a connection, egress first; several of a workload whose pods differ.
    pub fn sides(&self, from: Peer, to: Peer) -> Vec<Side> {
        let mut sides = Vec::new();
        if let Peer::Workload(of) = from {
            for class in self.classes_of(of) {
                for who in self.as_seen(to) {
                    sides.push(self.side_of(of, *class, Direction::Egress, who));
                }
            }
        }
        if let Peer::Workload(of) = to {
            for class in self.classes_of(of) {
                for who in self.as_seen(from) {
                    sides.push(self.side_of(of, *class, Direction::Ingress, who));
                }
            }
        }
        // Pods that differ in nothing that matters here say the same.
        let mut distinct: Vec<Side> = Vec::new();
        for side in sides {
            if !distinct.contains(&side) {
                distinct.push(side);
            }
        }
        distinct
    }

    /// What lets a class in from another.
    pub(crate) fn ingress_side(&self, class: u32, from: u32) -> Side {
        self.side_of(u32::MAX, class, Direction::Ingress, Who::Class(from))
    }

    /// What lets a class in from an interval; `None`: one that no rule names.
    pub(crate) fn ingress_range(&self, class: u32, from: Option<u32>) -> Side {
        let who = from.map_or(Who::OtherRanges, Who::Interval);
        self.side_of(u32::MAX, class, Direction::Ingress, who)
    }

    /// What lets a class out to another.
    pub(crate) fn egress_side(&self, class: u32, to: u32) -> Side {
        self.side_of(u32::MAX, class, Direction::Egress, Who::Class(to))
    }

    fn as_seen(&self, peer: Peer) -> Vec<Who<'static>> {
        match peer {
            Peer::Workload(n) => self.classes_of(n).iter().copied().map(Who::Class).collect(),
            Peer::Range(n) => vec![Who::Interval(n)],
            Peer::IngressController => vec![Who::Class(self.somewhere)],
        }
    }

    /// What the policies of a class say of a peer; `of` is only told again.
    fn side_of(&self, of: u32, class: u32, direction: Direction, who: Who<'_>) -> Side {
        let governed = self.rows.governing(direction, class);
        let named = match (direction, who) {
            (Direction::Egress, Who::Class(n)) => self
                .classes
                .all
                .get(n as usize)
                .map_or(&[][..], |class| &class.named),
            (Direction::Egress, _) => &[],
            (Direction::Ingress, _) => governed.map_or(&[][..], |governed| &governed.named),
        };
        let question = Question {
            policies: &self.policies,
            governing: governed.map_or(&[], |governed| &governed.policies),
            direction,
            who,
            named,
        };
        let mut heard = Vec::new();
        let decision = decide(&question, Some(&mut heard));
        Side {
            direction,
            of,
            ports: decision.ports,
            by_default: decision.by_default,
            selected_by: question
                .governing
                .iter()
                .filter_map(|(n, meets)| {
                    let policy = self.policies.all.get(*n as usize)?;
                    Some((policy.object.clone(), meets.truth()))
                })
                .collect(),
            isolated: question.isolates().truth(),
            isolated_by: question
                .isolating()
                .filter(|(_, _, meets)| meets.truth() == Truth::Yes)
                .map(|(_, policy, _)| policy.object.clone())
                .collect(),
            said: heard
                .iter()
                .filter_map(|heard| self.said(&question, heard))
                .collect(),
        }
    }

    fn said(&self, question: &Question<'_>, heard: &Heard) -> Option<Said> {
        let policy = self.policies.all.get(heard.policy as usize)?;
        let rules = policy.rules[question.direction as usize].as_ref()?;
        let rule = rules.get(heard.rule as usize)?;
        let governs = question.governing.iter().find(|(n, _)| *n == heard.policy);
        let meant = self.policies.meant.get(rule.peers as usize);
        let means = |of: fn(&Meant) -> bool| meant.into_iter().flatten().any(of);
        let doubt = if heard.truth == Truth::Yes {
            None
        } else if governs.is_some_and(|(_, meets)| meets.truth() != Truth::Yes) {
            Some(Doubt::Subject)
        } else if rule.malformed {
            Some(Doubt::Rule)
        } else if rule.narrowed {
            Some(Doubt::Narrowed)
        } else if means(|meant| matches!(meant, Meant::Block { .. }))
            && !matches!(question.who, Who::Interval(_) | Who::OtherRanges)
        {
            Some(Doubt::Block)
        } else if means(|meant| matches!(meant, Meant::Unresolved)) {
            Some(Doubt::Names)
        } else {
            Some(Doubt::Labels)
        };
        Some(Said {
            policy: policy.object.clone(),
            rule: Text::clone(&rule.name),
            action: rule.action,
            ports: heard.ports.clone(),
            truth: heard.truth,
            doubt,
        })
    }
}
