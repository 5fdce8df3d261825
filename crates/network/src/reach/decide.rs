//! One question to the policies of one side: which ports does a peer get?
//! Comes in: the policies that govern a pod, a peer. Goes out: ports that may be let through, ports that may be
//! refused, and the rules that decided. Never: an answer on one side of a rule that is not known.
//!
//! Source: network-policy-api, "How it works together": Admin tier by priority, then NetworkPolicies if any selects the
//! pod, else the Baseline tier, else everything. Cilium, "Deny Policies": they come before whatever allows. Calico,
//! "Tier": what a tier with a policy for the pod does not decide is denied, unless the tier passes it on.

use super::classes::NamedPort;
use super::meets::Meets;
use super::ports::{PortSet, Protocol};
use super::rules::{Chain, Meant, Pods, Policies, Policy};
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

    /// What a chain is asked about at all; the rest it lets through.
    fn of(chain: Chain) -> Self {
        let everything = Open::everything();
        match chain {
            Chain::Network => everything,
            // Proxies take TCP only.
            Chain::Mesh => Open {
                undecided: PortSet::protocol(Protocol::Tcp),
                allowed: PortSet::protocol(Protocol::Udp).union(&PortSet::protocol(Protocol::Sctp)),
                ..everything
            },
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
    fn next_tier(&mut self) {
        self.undecided = self.undecided.union(&self.passed);
        self.passed = PortSet::none();
    }

    /// Something isolates: what nothing decided is denied. `before`: what was open when the tier was asked.
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
    let at = question.governing.partition_point(|(n, _)| {
        let policy = question.policies.all.get(*n as usize);
        policy.is_some_and(|policy| policy.layer.chain == Chain::Network)
    });
    let (network, mesh) = question.governing.split_at(at);
    let network = question.chain(Chain::Network, network, heard.as_deref_mut());
    if mesh.is_empty() {
        return network;
    }
    let mesh = question.chain(Chain::Mesh, mesh, heard);
    Decision {
        by_default: network.by_default.intersection(&mesh.ports.written),
        ports: network.ports.and(&mesh.ports),
    }
}

impl Question<'_> {
    /// Tier by tier.
    fn chain(
        &self,
        chain: Chain,
        governing: &Governing,
        mut heard: Option<&mut Vec<Heard>>,
    ) -> Decision {
        let mut may = Open::of(chain);
        let mut read = Open::of(chain);
        let tier = |n: &u32| self.policies.tiers.get(*n as usize);
        for same in governing.chunk_by(|(a, _), (b, _)| tier(a) == tier(b)) {
            let before = (may.undecided.clone(), read.undecided.clone());
            self.ask(same, &mut may, &mut read, heard.as_deref_mut());
            let isolates = self.isolating_of(same).map(|(_, _, meets)| meets);
            let isolates = isolates.max().unwrap_or(Meets::No);
            may.isolate(isolates.truth(), before.0);
            if isolates.reading() {
                read.isolate(Truth::Yes, before.1);
            }
            may.next_tier();
            read.next_tier();
        }
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

    fn policies<'q>(
        &'q self,
        governing: &'q Governing,
    ) -> impl Iterator<Item = (u32, &'q Policy, Meets)> {
        governing.iter().filter_map(|(n, meets)| {
            let policy = self.policies.all.get(*n as usize)?;
            Some((*n, policy, *meets))
        })
    }

    fn isolating_of<'q>(
        &'q self,
        governing: &'q Governing,
    ) -> impl Iterator<Item = (u32, &'q Policy, Meets)> {
        let all = self.policies(governing);
        all.filter(|(_, policy, _)| policy.isolates[self.direction as usize])
    }

    /// What none of a tier decides is denied if any of it isolates.
    pub(crate) fn isolates(&self) -> Meets {
        let all = self.isolating().map(|(_, _, meets)| meets);
        all.max().unwrap_or(Meets::No)
    }

    pub(crate) fn isolating(&self) -> impl Iterator<Item = (u32, &Policy, Meets)> {
        self.isolating_of(self.governing)
    }

    fn ask(
        &self,
        governing: &Governing,
        may: &mut Open,
        read: &mut Open,
        mut heard: Option<&mut Vec<Heard>>,
    ) {
        for (n, policy, governs) in self.policies(governing) {
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
                    Meant::Pods(_)
                    | Meant::Unresolved
                    | Meant::Calico(_)
                    | Meant::Mesh(_)
                    | Meant::Plain => Meets::MaybeNot,
                    Meant::Block { .. } => peers.pods.min(Meets::MaybeNot),
                })
                .max()
                .unwrap_or(Meets::No),
        }
    }
}
