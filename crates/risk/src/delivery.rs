//! E of the score: the probability that an attacker delivers an exploit here.
//! In: the attack profile of a vulnerability and the place of a container; out: an [`Estimate`].
//! It must never read "not seen" as "cannot": unknown inputs keep both ends open.

use crate::scale::sane;
use model::evidence::{Claim, Estimate, Truth};
use model::image::JoinGrade;
use model::vulnerability::{AttackProfile, AttackVector, PrivilegesRequired};

/// Whether the vulnerable code is loaded. Only `Unknown` is observed today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loaded {
    AtRuntime,
    Unknown,
    /// Installed, and not loaded during a window of observation: never 0 from observation alone.
    NotObserved,
}

impl Loaded {
    /// Stated priors, prioritisation facts 6.3.
    pub const fn factor(self) -> Estimate {
        match self {
            Loaded::AtRuntime => Estimate::exact(1.0),
            Loaded::Unknown => Estimate {
                low: 0.1,
                expected: 0.6,
                high: 1.0,
            },
            Loaded::NotObserved => Estimate::exact(0.1),
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Loaded::AtRuntime => "loaded at run time",
            Loaded::Unknown => "loaded at run time is unknown",
            Loaded::NotObserved => "not seen loaded",
        }
    }
}

/// Over which way an exploit comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    Network,
    /// Needs a neighbour on the same network: no more than any pod of the cluster can.
    Adjacent,
    /// Needs code that already runs in the pod.
    InPod,
    /// No vector says it: expected like the network, with the pod's inside as the other end.
    Unknown,
}

impl Way {
    pub(crate) fn of(profile: AttackProfile) -> Way {
        match profile.vector {
            Some(AttackVector::Network) => Way::Network,
            Some(AttackVector::Adjacent) => Way::Adjacent,
            Some(AttackVector::Local | AttackVector::Physical) => Way::InPod,
            None => Way::Unknown,
        }
    }

    /// Whether it can be the way in, so that findings inside the pod build on it.
    pub(crate) fn enters(self) -> bool {
        self != Way::InPod
    }
}

/// P(an attacker reaches a listener of the container), by way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reach {
    pub network: Estimate,
    pub adjacent: Estimate,
}

/// Any pod in the cluster: prioritisation facts 6.3.
pub(crate) const CLUSTER: f64 = 0.15;

impl Reach {
    pub(crate) fn new(direct: Estimate, lateral: Estimate, listens: &Claim) -> Reach {
        let (direct, lateral) = (sane(direct), sane(lateral));
        let listens = match listens.truth() {
            Truth::Yes => Estimate::exact(1.0),
            Truth::Unknown => Estimate {
                low: 0.2,
                expected: 0.6,
                high: 1.0,
            },
            Truth::No => Estimate::exact(0.2),
        };
        Reach {
            network: direct.noisy_or(lateral).times(listens),
            adjacent: direct
                .min(Estimate::exact(CLUSTER))
                .noisy_or(lateral)
                .times(listens),
        }
    }

    /// The part of E that the place gives; `inside` is P(code of an attacker already runs in the container).
    pub(crate) fn by(&self, way: Way, inside: Estimate) -> Estimate {
        match way {
            Way::Network => self.network,
            Way::Adjacent => self.adjacent,
            Way::InPod => inside,
            Way::Unknown => Estimate {
                low: self.network.low.min(inside.low),
                expected: self.network.expected,
                high: self.network.high.max(inside.high),
            },
        }
    }
}

/// The part of E that the vulnerability gives: privileges, user interaction, loaded code. Stated priors.
pub(crate) fn ease(profile: AttackProfile, loaded: Loaded) -> Estimate {
    let open = |low: f64| Estimate {
        low,
        expected: 0.8,
        high: 1.0,
    };
    let privileges = match profile.privileges {
        Some(PrivilegesRequired::None) => Estimate::exact(1.0),
        Some(PrivilegesRequired::Low) => Estimate::exact(0.6),
        Some(PrivilegesRequired::High) => Estimate::exact(0.3),
        None => open(0.3),
    };
    let person = match profile.user_interaction {
        Some(false) => Estimate::exact(1.0),
        Some(true) => Estimate::exact(0.5),
        None => open(0.5),
    };
    // Nobody walks up to a pod: the hands-on vector is worth a tenth of a local one.
    let hands = match profile.vector {
        Some(AttackVector::Physical) => Estimate::exact(0.1),
        Some(_) => Estimate::exact(1.0),
        None => Estimate {
            low: 0.1,
            expected: 1.0,
            high: 1.0,
        },
    };
    privileges.times(person).times(hands).times(loaded.factor())
}

/// A report that was joined by tag only may be about another build.
pub(crate) fn same_build(grade: JoinGrade) -> Estimate {
    match grade {
        // In the place of another, it is this very build that is asked for.
        JoinGrade::Digest | JoinGrade::Index | JoinGrade::Repository => Estimate::exact(1.0),
        JoinGrade::Tag => Estimate {
            low: 0.25,
            expected: 1.0,
            high: 1.0,
        },
    }
}

/// What an attack needs, in words.
pub(crate) fn attack_words(profile: AttackProfile) -> String {
    let mut words = String::from(match profile.vector {
        Some(AttackVector::Network) => "network attack",
        Some(AttackVector::Adjacent) => "attack from the same network",
        Some(AttackVector::Local) => "needs code in the pod",
        Some(AttackVector::Physical) => "needs hands on the machine",
        None => "attack vector is unknown",
    });
    match profile.privileges {
        Some(PrivilegesRequired::None) => {}
        Some(PrivilegesRequired::Low) => words.push_str(", needs a login"),
        Some(PrivilegesRequired::High) => words.push_str(", needs an administrator's login"),
        None => words.push_str(", login is unknown"),
    }
    match profile.user_interaction {
        Some(false) => {}
        Some(true) => words.push_str(", needs a person's action"),
        None => words.push_str(", a person's part is unknown"),
    }
    words
}
