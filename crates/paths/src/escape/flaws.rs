//! Published flaws of kernels and runtimes that let a container out, by the versions that nodes show.
//! Comes in: nodes. Goes out: flaws on the nodes of a workload, as steps.
//! Never: a flaw of a kernel whose numbers a distribution keeps while it mends it: its own advisories decide (rule 7).
//!
//! runc and crun are not in `nodeInfo`; their flaws come with the packages of the node.

use super::Draft;
use super::kinds::{CE_KERNEL, CE_RUNTIME, Kind, SOME_FLAW};
use super::place::{Barrier, Place};
use crate::blast::{Need, Step};
use model::evidence::{Estimate, Ledger};
use model::graph::Change;
use model::object::ObjectRef;
use rustc_hash::FxHashMap;
use semantics::view::{Node, WorkloadView};

type Version = [u32; 3];

#[derive(Debug)]
struct Flaw {
    id: &'static str,
    kind: &'static Kind,
    /// From the first version with the flaw to the first without, branch by branch.
    bands: &'static [(Version, Version)],
    /// From this version on somebody showed how it is used.
    shown_since: Version,
    needs: Opening,
    /// P for any user of the container; stated priors.
    p: f64,
}

/// What the flaw needs of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Nothing,
    /// A user namespace of its own: the default seccomp profile forbids to make one without `SYS_ADMIN`.
    Unshare,
    /// Root on the node's network.
    HostNetworkRoot,
}

/// Sources: beside each. The first versions without a flaw are those whose changelogs (`ChangeLog-N` of kernel.org) hold
/// the commit that mends it; branches between two bands ended before it.
const FLAWS: [Flaw; 6] = [
    // https://dirtypipe.cm4all.com/ (since f6dd975583bd in 5.8, mended by 9d2231c5d74e): files of the node are overwritten
    // in the page cache, the runtime's program too.
    Flaw {
        id: "CVE-2022-0847",
        kind: &CE_KERNEL,
        bands: &[
            ([5, 8, 0], [5, 10, 102]),
            ([5, 11, 0], [5, 15, 25]),
            ([5, 16, 0], [5, 16, 11]),
        ],
        shown_since: [5, 8, 0],
        needs: Opening::Nothing,
        p: 0.6,
    },
    // https://www.openwall.com/lists/oss-security/2022/01/18/7 (since 3e1aeb00e6d1 in 5.1, mended by 722d94847de2): heap of
    // fs_context, shown to leave a pod.
    Flaw {
        id: "CVE-2022-0185",
        kind: &CE_KERNEL,
        bands: &[
            ([5, 1, 0], [5, 4, 173]),
            ([5, 5, 0], [5, 10, 93]),
            ([5, 11, 0], [5, 15, 16]),
            ([5, 16, 0], [5, 16, 2]),
        ],
        shown_since: [5, 1, 0],
        needs: Opening::Unshare,
        p: 0.4,
    },
    // Mended by 24f600856418: release_agent is set without rights over the node, in a cgroup namespace of one's own
    // (since 4.6). Of 4.6 to 4.14 only the branches 4.9 and 4.14 lived on; their numbers were not looked up.
    // unit42.paloaltonetworks.com/cve-2022-0492-cgroups: AppArmor, SELinux and cgroup v2 stand in the way, so P is small.
    Flaw {
        id: "CVE-2022-0492",
        kind: &CE_KERNEL,
        bands: &[
            ([4, 15, 0], [4, 19, 229]),
            ([4, 20, 0], [5, 4, 177]),
            ([5, 5, 0], [5, 10, 97]),
            ([5, 11, 0], [5, 15, 20]),
            ([5, 16, 0], [5, 16, 6]),
        ],
        shown_since: [4, 15, 0],
        needs: Opening::Unshare,
        p: 0.2,
    },
    // Mended by 9ad36309e271, whose message says that the flaw was there before 1109c00547fc (3.18): cls_route, used
    // after it was freed; a public exploit makes root of a user. Before 4.15 as above.
    Flaw {
        id: "CVE-2022-2588",
        kind: &CE_KERNEL,
        bands: &[
            ([4, 15, 0], [4, 19, 256]),
            ([4, 20, 0], [5, 4, 211]),
            ([5, 5, 0], [5, 10, 137]),
            ([5, 11, 0], [5, 15, 61]),
            ([5, 16, 0], [5, 18, 18]),
            ([5, 19, 0], [5, 19, 2]),
        ],
        shown_since: [4, 15, 0],
        needs: Opening::Unshare,
        p: 0.3,
    },
    // The records of CVE-2024-1086 and, with the branches, of CVE-2024-26609 for the same commit f342de4e2f33 (flaw since
    // e0abdadcc6e1 in 3.15): nf_tables, used after it was freed. The public exploit works from 5.14 on.
    Flaw {
        id: "CVE-2024-1086",
        kind: &CE_KERNEL,
        bands: &[
            ([3, 15, 0], [4, 19, 307]),
            ([4, 20, 0], [5, 4, 269]),
            ([5, 5, 0], [5, 10, 210]),
            ([5, 11, 0], [5, 15, 149]),
            ([5, 16, 0], [6, 1, 76]),
            ([6, 2, 0], [6, 6, 15]),
            ([6, 7, 0], [6, 7, 3]),
        ],
        shown_since: [5, 14, 0],
        needs: Opening::Unshare,
        p: 0.4,
    },
    // GHSA-36xw-fx78-c5r4: the shim's socket is open to root on the node's network.
    Flaw {
        id: "CVE-2020-15257",
        kind: &CE_RUNTIME,
        bands: &[([0, 0, 0], [1, 3, 9]), ([1, 4, 0], [1, 4, 3])],
        shown_since: [0, 0, 0],
        needs: Opening::HostNetworkRoot,
        p: 0.8,
    },
];

/// Share of P where a flaw is, and nobody showed how it is used.
const NOT_SHOWN: f64 = 0.3;

/// Nodes that show a flaw.
pub(super) struct Flaws<'a> {
    by_node: FxHashMap<&'a str, Vec<Shown<'a>>>,
}

#[derive(Clone, Copy)]
struct Shown<'a> {
    flaw: &'static Flaw,
    node: &'a Node,
    fixed: Version,
    /// P where nothing of the container stands in the way.
    p: f64,
}

/// A flaw on nodes of one workload.
pub(super) struct Found<'a> {
    shown: Shown<'a>,
    /// Nodes that have it, and all nodes of the workload.
    nodes: usize,
    of: usize,
}

impl<'a> Flaws<'a> {
    pub(super) fn of(nodes: &'a [Node]) -> Self {
        let mut by_node = FxHashMap::default();
        for node in nodes {
            let found: Vec<Shown<'a>> = FLAWS.iter().filter_map(|flaw| flaw.on(node)).collect();
            if !found.is_empty() {
                by_node.insert(&*node.name, found);
            }
        }
        Flaws { by_node }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_node.is_empty()
    }

    /// The flaws that nodes of these names show, each once.
    pub(super) fn on(&self, names: &[&str]) -> Vec<Found<'a>> {
        let mut found: Vec<Found<'a>> = Vec::new();
        for shown in names
            .iter()
            .filter_map(|name| self.by_node.get(name))
            .flatten()
        {
            match found.iter_mut().find(|f| f.shown.flaw.id == shown.flaw.id) {
                Some(known) => known.nodes += 1,
                None => found.push(Found {
                    shown: *shown,
                    nodes: 1,
                    of: names.len(),
                }),
            }
        }
        found
    }
}

impl Flaw {
    fn on<'a>(&'static self, node: &'a Node) -> Option<Shown<'a>> {
        let version = if self.kind.name == CE_KERNEL.name {
            kernel(node.kernel.as_deref()?)?
        } else {
            containerd(node.runtime.as_deref()?)?
        };
        let band = self
            .bands
            .iter()
            .find(|(from, to)| *from <= version && version < *to);
        band.map(|(_, fixed)| Shown {
            flaw: self,
            node,
            fixed: *fixed,
            p: if version < self.shown_since {
                self.p * NOT_SHOWN
            } else {
                self.p
            },
        })
    }
}

impl Found<'_> {
    pub(super) fn step(
        &self,
        place: &Place<'_>,
        view: &WorkloadView,
        ledger: &mut Ledger,
    ) -> Option<Step> {
        let Shown {
            flaw,
            node,
            fixed,
            p,
        } = self.shown;
        if place.template.windows {
            return None;
        }
        let security = place.security();
        let name = &place.container.name;
        let mut needs: Vec<Need> = Vec::new();
        let mut p = Estimate::exact(p);
        match flaw.needs {
            Opening::Nothing => {}
            Opening::Unshare => {
                let free = security.privileged || place.added("SYS_ADMIN");
                let profile = security.seccomp.as_deref();
                match profile {
                    _ if free => {}
                    Some("RuntimeDefault") => return None,
                    None | Some("Unconfined") => needs.push(Need {
                        pointer: place.pointer("/securityContext"),
                        says: format!(
                            "container {name} makes user namespaces: it has no seccomp profile"
                        )
                        .into(),
                        change: Some(
                            format!("set seccompProfile: RuntimeDefault in container {name}")
                                .into(),
                        ),
                    }),
                    Some(_) => p = Estimate::between(0.0, 0.3, 1.0).times(p),
                }
            }
            Opening::HostNetworkRoot => {
                if !place.template.host_network {
                    return None;
                }
                p = p.times(place.by_user(1.0, 0.0));
                needs.push(Place::of_pod(
                    "hostNetwork",
                    "the pod uses the node's network",
                    "set hostNetwork: false",
                ));
            }
        }
        // Replicas may run on the other nodes.
        if self.nodes < self.of {
            let share = self.nodes as f64 / self.of as f64;
            p = p.times(Estimate::between(0.0, share, 1.0));
        }
        let reason = format!("{} on node {}", flaw.id, node.name);
        let draft = place.draft(flaw.kind, Barrier::Sandbox, p, reason, needs);
        if draft.probability.high <= 0.0 {
            return None;
        }
        let mut step = draft.step(view);
        let kernel = flaw.kind.name == CE_KERNEL.name;
        let (what, field, version) = if kernel {
            ("kernel", "kernelVersion", &node.kernel)
        } else {
            ("containerd", "containerRuntimeVersion", &node.runtime)
        };
        let object = ObjectRef::new("", "Node", None, &node.name);
        let says = format!(
            "node {} runs {what} {}, which has {}",
            node.name,
            version.as_deref().unwrap_or(""),
            flaw.id
        );
        let pointer = format!("/status/nodeInfo/{field}");
        step.because.push(ledger.field(&object, pointer, says));
        let others = if self.nodes > 1 {
            format!(", on this node and {} others", self.nodes - 1)
        } else {
            String::new()
        };
        let [major, minor, patch] = fixed;
        step.changes.push(Change {
            object,
            what: format!("upgrade {what} to {major}.{minor}.{patch} or later{others}").into(),
            structural: false,
        });
        Some(step)
    }
}

/// Some flaw that nobody told us of, for every container.
pub(super) fn any(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let p = place
        .by_user(SOME_FLAW.root, SOME_FLAW.other)
        .times(Estimate::exact(hardening(place)));
    let reason = "a flaw of the kernel or the runtime";
    drafts.push(place.draft(&SOME_FLAW, Barrier::Kernel, p, reason, Vec::new()));
}

/// Seccomp, `AppArmor` and a read-only root make an exploit harder, never a right smaller.
fn hardening(place: &Place<'_>) -> f64 {
    let security = place.security();
    let set = |profile: Option<&str>| profile.is_some_and(|name| name != "Unconfined");
    let seccomp = if set(security.seccomp.as_deref()) {
        0.9
    } else {
        1.0
    };
    let apparmor = if set(security.apparmor.as_deref()) {
        0.95
    } else {
        1.0
    };
    let read_only = if security.read_only_root { 0.97 } else { 1.0 };
    seccomp * apparmor * read_only
}

/// `5.10.96` where the number tells what is mended: upstream's own, and systems that follow its stable branches.
fn kernel(text: &str) -> Option<Version> {
    const FOLLOW: [&str; 5] = ["-talos", "-flatcar", "-linuxkit", "-arch", "-zen"];
    let (version, rest) = version(text)?;
    (rest.is_empty() || FOLLOW.iter().any(|name| rest.starts_with(name))).then_some(version)
}

fn containerd(text: &str) -> Option<Version> {
    let (version, rest) = version(text.strip_prefix("containerd://")?.trim_start_matches('v'))?;
    // `1.4.1-k3s1`: patched builds tell more than the number.
    rest.is_empty().then_some(version)
}

/// The three leading numbers, and what follows them.
fn version(text: &str) -> Option<(Version, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (numbers, rest) = text.split_at_checked(end)?;
    let mut parts = numbers.split('.').map(str::parse::<u32>);
    let mut next = || parts.next()?.ok();
    let version = [next()?, next()?, next()?];
    parts.next().is_none().then_some((version, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_tell() {
        let known = |text: &str| kernel(text).map(|[a, b, c]| format!("{a}.{b}.{c}"));
        for (text, expected) in [
            ("5.15.12", Some("5.15.12")),
            ("5.15.12-talos", Some("5.15.12")),
            ("5.10.84-flatcar", Some("5.10.84")),
            ("5.15.0-1023-aws", None),
            ("5.10.0-13-amd64", None),
            ("4.18.0-372.el8.x86_64", None),
            ("5.14.21-150400.24-default", None),
            ("5.10.96-90.460.amzn2.x86_64", None),
            ("5.10.90+", None),
            ("5.15", None),
            ("99999999999.1.1", None),
            ("", None),
            ("5.15.12.1", None),
        ] {
            assert_eq!(known(text).as_deref(), expected, "{text}");
        }
        assert_eq!(containerd("containerd://1.4.1"), Some([1, 4, 1]));
        for other in [
            "containerd://1.4.1-k3s1",
            "docker://19.3.13",
            "cri-o://1.20.0",
        ] {
            assert_eq!(containerd(other), None, "{other}");
        }
    }

    #[test]
    fn bands_are_in_order() {
        for flaw in &FLAWS {
            for pair in flaw.bands.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "{}", flaw.id);
            }
            assert!(flaw.bands.iter().all(|(from, to)| from < to), "{}", flaw.id);
        }
    }
}
