//! Profiles: the table of 1.12, and what other versions and distributions have otherwise.
//! Comes in: a name. Goes out: controls in the order of the benchmark. Never: an answer.

use super::table::CONTROLS;
use super::{Control, How, managed, policies};
use model::snapshot::Snapshot;

/// A benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// `cis-1.12`.
    pub name: &'static str,
    pub title: &'static str,
    /// Minor versions of Kubernetes that it is written for, both included.
    pub minors: (u16, u16),
    base: Base,
}

#[derive(Clone, Copy, Debug)]
enum Base {
    /// The table of 1.12 with differences.
    Table(&'static [Difference]),
    /// Its own, section by section, in any order.
    Own(&'static [&'static [Control]]),
}

/// What an older version has otherwise.
#[derive(Clone, Copy, Debug)]
enum Difference {
    Without(&'static str),
    Number(&'static str, &'static str),
    With(Control),
}

/// 1.11: a control more of added capabilities, and one of the kubelet's service.
const OF_1_11: &[Difference] = &[
    Difference::Number("5.2.12", "5.2.13"),
    Difference::Number("5.2.11", "5.2.12"),
    Difference::Number("5.2.10", "5.2.11"),
    Difference::Number("5.2.9", "5.2.10"),
    Difference::With(ADDED_CAPABILITIES),
    Difference::With(Control {
        number: "4.2.15",
        title: "Addresses that reach the kubelet are limited",
        level: 2,
        how: How::Manual("look at IPAddressDeny and IPAddressAllow of the kubelet's systemd unit"),
    }),
];

const ADDED_CAPABILITIES: Control = Control {
    number: "5.2.9",
    title: "Containers with added capabilities are refused",
    level: 1,
    how: How::Ask(
        policies::baseline,
        "label the namespaces: kubectl label ns NAME pod-security.kubernetes.io/enforce=baseline, after a dry run with warn",
    ),
};

/// 1.10 and 1.9: neither stretched tokens nor seccomp of the kubelet; section 5.6 is 5.7.
const OF_1_10: &[Difference] = &[
    Difference::Without("1.2.30"),
    Difference::Without("4.2.14"),
    Difference::Number("5.2.12", "5.2.13"),
    Difference::Number("5.2.11", "5.2.12"),
    Difference::Number("5.2.10", "5.2.11"),
    Difference::Number("5.2.9", "5.2.10"),
    Difference::With(ADDED_CAPABILITIES),
    Difference::Number("5.6.1", "5.7.1"),
    Difference::Number("5.6.2", "5.7.2"),
    Difference::Number("5.6.3", "5.7.3"),
    Difference::Number("5.6.4", "5.7.4"),
];

const NEWEST: &Profile = &Profile {
    name: "cis-2.0.1",
    title: "CIS Kubernetes Benchmark 2.0.1",
    minors: (34, 35),
    base: Base::Table(&[]),
};

/// The newest first.
pub const PROFILES: &[Profile] = &[
    *NEWEST,
    Profile {
        name: "cis-1.12",
        title: "CIS Kubernetes Benchmark 1.12",
        minors: (32, 34),
        base: Base::Table(&[]),
    },
    Profile {
        name: "cis-1.11",
        title: "CIS Kubernetes Benchmark 1.11",
        minors: (29, 31),
        base: Base::Table(OF_1_11),
    },
    Profile {
        name: "cis-1.10",
        title: "CIS Kubernetes Benchmark 1.10",
        minors: (28, 28),
        base: Base::Table(OF_1_10),
    },
    Profile {
        name: "cis-1.9",
        title: "CIS Kubernetes Benchmark 1.9",
        minors: (27, 29),
        base: Base::Table(OF_1_10),
    },
    Profile {
        name: "rke2-cis-1.9",
        title: "CIS Kubernetes Benchmark 1.9 on RKE2",
        minors: (27, 29),
        base: Base::Table(OF_1_10),
    },
    Profile {
        name: "k3s-cis-1.9",
        title: "CIS Kubernetes Benchmark 1.9 on K3s",
        minors: (27, 29),
        base: Base::Table(OF_1_10),
    },
    Profile {
        name: "eks-1.7",
        title: "CIS Amazon EKS Benchmark 1.7",
        minors: (28, u16::MAX),
        base: Base::Own(managed::EKS),
    },
    Profile {
        name: "gke-1.6",
        title: "CIS Google Kubernetes Engine Benchmark 1.6",
        minors: (28, u16::MAX),
        base: Base::Own(managed::GKE),
    },
    Profile {
        name: "aks-1.7",
        title: "CIS Azure Kubernetes Service Benchmark 1.7",
        minors: (28, u16::MAX),
        base: Base::Own(managed::AKS),
    },
];

/// A profile by its name; case does not matter.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES
        .iter()
        .find(|profile| profile.name.eq_ignore_ascii_case(name))
}

/// The profile for a cluster: that of its distribution, else the newest one written for its version; of versions that none
/// is written for, the nearest.
pub fn of(snapshot: &Snapshot, managed: Option<&str>) -> &'static Profile {
    let version = snapshot.server_version.as_deref().unwrap_or("");
    let distribution = match managed {
        _ if version.contains("+rke2") => Some("rke2-cis-1.9"),
        _ if version.contains("+k3s") => Some("k3s-cis-1.9"),
        Some(name) if name.contains("EKS") => Some("eks-1.7"),
        Some(name) if name.contains("GKE") => Some("gke-1.6"),
        Some(name) if name.contains("AKS") => Some("aks-1.7"),
        _ => None,
    };
    let minor = snapshot.version.minor;
    let plain = || PROFILES.iter().filter(|one| one.name.starts_with("cis-"));
    let away = |one: &&Profile| match one.minors {
        (first, _) if minor < first => first - minor,
        (_, last) => minor.saturating_sub(last),
    };
    // The first of equals is the newest.
    let nearest = || plain().min_by_key(away).unwrap_or(NEWEST);
    distribution.and_then(profile).unwrap_or_else(nearest)
}

/// The controls of a profile, ordered by number.
pub fn controls(name: &str) -> Option<Vec<Control>> {
    let (mut all, differences) = match profile(name)?.base {
        Base::Own(sections) => (sections.concat(), &[][..]),
        Base::Table(differences) => (CONTROLS.to_vec(), differences),
    };
    for difference in differences {
        match *difference {
            Difference::Without(number) => all.retain(|control| control.number != number),
            Difference::Number(from, to) => {
                if let Some(control) = all.iter_mut().find(|control| control.number == from) {
                    control.number = to;
                }
            }
            Difference::With(control) => all.push(control),
        }
    }
    all.sort_by_key(|control| numbers(control.number));
    Some(all)
}

fn numbers(text: &str) -> Vec<u32> {
    text.split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

/// What a section is about; sections of managed clusters have their own numbers and are told by their controls.
pub(super) fn section(number: &str) -> &'static str {
    match number {
        "1.1" => "Files of the control plane",
        "1.2" => "API server",
        "1.3" => "Controller manager",
        "1.4" => "Scheduler",
        "2" => "etcd",
        "3.1" => "Authentication",
        "3.2" => "Logging",
        "4.1" => "Files of nodes",
        "4.2" => "kubelet",
        "4.3" => "kube-proxy",
        "5.1" => "Rights and accounts",
        "5.2" => "Pod Security",
        "5.3" => "Network policies",
        "5.4" => "Secrets",
        "5.5" => "Admission",
        "5.6" | "5.7" => "General",
        _ => "",
    }
}
