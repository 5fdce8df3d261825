//! One question to the policies of one side: which ports does a peer get?
//! Comes in: the policies that govern a pod, a peer. Goes out: ports that may be let through, ports that may be
//! refused, and the rules that decided. Never: an answer on one side of a rule that is not known.
//!
//! Source: network-policy-api, "How it works together": Admin tier by priority, then NetworkPolicies if any selects the
//! pod, else the Baseline tier, else everything. Cilium, "Deny Policies": they come before whatever allows.

use super::classes::NamedPort;
use super::meets::Meets;
use super::ports::{PortSet, Protocol};
use super::rules::{Layer, Meant, Pods, Policies, Policy};
use model::evidence::Truth;
use model::reach::Direction;
use semantics::view::AdminAction;

/// A peer as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    /// Any pod that carries what is asked, whether there is one or not.
    Like(&'a Pods),
    Class(u32),
    Interval(u32),
    /// Any class that no rule lists.
    OtherPods,
    /// Any interval that no rule lists.
    OtherRanges,
}

/// A port that is asked for; `None`: any.
pub(crate) type Wanted = Option<(Protocol, u16)>;

/// Ports that are let through; each set holds the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// For certain.
    pub sure: PortSet,
    /// As the policies are written: what the API leaves to plugins is read literally (policies apply to pods on the
    /// node's network too, blocks mean addresses outside of the cluster), and labels that were not seen are not there.
    pub written: PortSet,
    /// Not ruled out.
    pub possible: PortSet,
}

impl Ports {
    pub(crate) fn exactly(ports: PortSet) -> Self {
        Ports {
            sure: ports.clone(),
            written: ports.clone(),
            possible: ports,
        }
    }

    pub(crate) fn and(&self, other: &Ports) -> Ports {
        Ports {
            sure: self.sure.intersection(&other.sure),
            written: self.written.intersection(&other.written),
            possible: self.possible.intersection(&other.possible),
        }
    }

    /// Whether a port is let through; `None`: any port.
    pub fn truth(&self, wanted: Option<(Protocol, u16)>) -> Truth {
        let has = |set: &PortSet| {
            wanted.map_or(!set.is_empty(), |(protocol, n)| set.contains(protocol, n))
        };
        match (has(&self.sure), has(&self.possible)) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        }
    }

    /// Either.
    #[must_use]
    pub fn or(&self, other: &Ports) -> Ports {
        Ports {
            sure: self.sure.union(&other.sure),
            written: self.written.union(&other.written),
            possible: self.possible.union(&other.possible),
        }
    }
}

/// An answer, and how much of it nobody gave.
pub(crate) struct Decision {
    pub(crate) ports: Ports,
    /// As written: no rule speaks of them and nothing isolates, so they are open.
    pub(crate) by_default: PortSet,
}

/// A rule that said something of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Index into the policies.
    pub(crate) policy: u32,
    /// Index into its rules of the direction.
    pub(crate) rule: u32,
    pub(crate) ports: PortSet,
    /// Never `No`.
    pub(crate) truth: Truth,
}

/// What may still happen to a port; a port is in several sets where a rule is not known.
#[derive(Clone)]
struct Open {
    undecided: PortSet,
    passed: PortSet,
    allowed: PortSet,
    denied: PortSet,
}

impl Open {
    fn everything() -> Self {
        Open {
            undecided: PortSet::all(),
            passed: PortSet::none(),
            allowed: PortSet::none(),
            denied: PortSet::none(),
        }
    }

    /// Ports on which the rule was heard.
    fn apply(&mut self, action: AdminAction, ports: &PortSet, truth: Truth) -> PortSet {
        let hit = self.undecided.intersection(ports);
        let into = match action {
            AdminAction::Allow => &mut self.allowed,
            AdminAction::Deny => &mut self.denied,
            AdminAction::Pass => &mut self.passed,
        };
        *into = into.union(&hit);
        if truth == Truth::Yes {
            self.undecided = self.undecided.difference(&hit);
        }
        hit
    }

    /// What was passed on is open again.
    fn next_layer(&mut self) {
        self.undecided = self.undecided.union(&self.passed);
        self.passed = PortSet::none();
    }

    /// Something isolates: what nothing allowed is denied. `before`: what was open when NetworkPolicies were asked.
    fn isolate(&mut self, isolates: Truth, before: PortSet) {
        if isolates == Truth::No {
            return;
        }
        self.denied = self.denied.union(&self.undecided);
        self.undecided = match isolates {
            Truth::Yes => PortSet::none(),
            // Either nothing isolates and the question goes on, or what was not allowed is denied.
            _ => before,
        };
    }

    fn possible(&self) -> PortSet {
        self.allowed.union(&self.undecided)
    }
}

/// What governs a pod in one direction: policies in their order, with whether they govern it.
pub(crate) type Governing = [(u32, Meets)];

/// One question.
pub(crate) struct Question<'a> {
    pub(crate) policies: &'a Policies,
    pub(crate) governing: &'a Governing,
    pub(crate) direction: Direction,
    pub(crate) who: Who<'a>,
    /// Ports that names mean at the destination.
    pub(crate) named: &'a [NamedPort],
}

/// `heard` is filled where it is given.
pub(crate) fn decide(question: &Question<'_>, mut heard: Option<&mut Vec<Heard>>) -> Decision {
    let mut may = Open::everything();
    let mut read = Open::everything();
    question.ask(Layer::Admin, &mut may, &mut read, heard.as_deref_mut());
    may.next_layer();
    read.next_layer();
    question.ask(Layer::Deny, &mut may, &mut read, heard.as_deref_mut());

    let isolates = question.isolates();
    let before = (may.undecided.clone(), read.undecided.clone());
    question.ask(Layer::Developer, &mut may, &mut read, heard.as_deref_mut());
    may.isolate(isolates.truth(), before.0);
    let as_written = if isolates.reading() {
        Truth::Yes
    } else {
        Truth::No
    };
    read.isolate(as_written, before.1);

    question.ask(Layer::Baseline, &mut may, &mut read, heard);
    let possible = may.possible();
    Decision {
        ports: Ports {
            sure: possible.difference(&may.denied),
            written: read.possible(),
            possible,
        },
        by_default: read.undecided,
    }
}

impl Question<'_> {
    fn of(&self, layer: Layer) -> impl Iterator<Item = (u32, &Policy, Meets)> {
        self.governing.iter().filter_map(move |(n, meets)| {
            let policy = self.policies.all.get(*n as usize)?;
            (policy.layer == layer).then_some((*n, policy, *meets))
        })
    }

    /// Rules of NetworkPolicies only add, and what none allows is denied if any isolates.
    pub(crate) fn isolates(&self) -> Meets {
        let all = self.isolating().map(|(_, _, meets)| meets);
        all.max().unwrap_or(Meets::No)
    }

    pub(crate) fn isolating(&self) -> impl Iterator<Item = (u32, &Policy, Meets)> {
        self.of(Layer::Developer)
            .filter(|(_, policy, _)| policy.isolates[self.direction as usize])
    }

    fn ask(
        &self,
        layer: Layer,
        may: &mut Open,
        read: &mut Open,
        mut heard: Option<&mut Vec<Heard>>,
    ) {
        for (n, policy, governs) in self.of(layer) {
            for (r, rule) in (0_u32..).zip(policy.rules[self.direction as usize].iter().flatten()) {
                let mut meets = governs.min(self.meets(rule.peers));
                if rule.malformed {
                    meets = Meets::MaybeNot;
                } else if rule.narrowed {
                    meets = meets.min(Meets::MaybeSo);
                }
                if meets == Meets::No {
                    continue;
                }
                let ports = rule.ports.at(self.named);
                let hit = may.apply(rule.action, &ports, meets.truth());
                if meets.reading() {
                    read.apply(rule.action, &ports, Truth::Yes);
                }
                if hit.is_empty() {
                    continue;
                }
                if let Some(heard) = heard.as_deref_mut() {
                    heard.push(Heard {
                        policy: n,
                        rule: r,
                        ports: hit,
                        truth: meets.truth(),
                    });
                }
            }
        }
    }

    fn meets(&self, n: u32) -> Meets {
        let Some(peers) = self.policies.peers.get(n as usize) else {
            return Meets::MaybeNot;
        };
        match self.who {
            Who::Class(n) => peers.class(n),
            Who::Interval(n) => peers.interval(n),
            Who::OtherPods => peers.pods,
            Who::OtherRanges => peers.ranges,
            Who::Like(pods) => self
                .policies
                .meant
                .get(n as usize)
                .into_iter()
                .flatten()
                .map(|meant| match meant {
                    Meant::Everyone => Meets::Yes,
                    Meant::Pods(of) if pods.implies(of) => Meets::Yes,
                    Meant::Pods(_) | Meant::Unresolved => Meets::MaybeNot,
                    Meant::Block { .. } => peers.pods.min(Meets::MaybeNot),
                })
                .max()
                .unwrap_or(Meets::No),
        }
    }
}
