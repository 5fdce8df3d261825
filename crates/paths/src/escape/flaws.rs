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
use semantics::releases::{self, Release, Software, Version};
use semantics::view::{Node, WorkloadView};

/// What a published flaw leads to. Which versions have it is known to `semantics::releases`.
#[derive(Debug)]
struct Flaw {
    id: &'static str,
    kind: &'static Kind,
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

/// Sources: beside each.
const FLAWS: [Flaw; 6] = [
    // https://dirtypipe.cm4all.com/: files of the node are overwritten in the page cache, the runtime's program too.
    Flaw {
        id: "CVE-2022-0847",
        kind: &CE_KERNEL,
        shown_since: [5, 8, 0],
        needs: Opening::Nothing,
        p: 0.6,
    },
    // https://www.openwall.com/lists/oss-security/2022/01/18/7: heap of fs_context, shown to leave a pod.
    Flaw {
        id: "CVE-2022-0185",
        kind: &CE_KERNEL,
        shown_since: [5, 1, 0],
        needs: Opening::Unshare,
        p: 0.4,
    },
    // release_agent is set without rights over the node, in a cgroup namespace of one's own.
    // unit42.paloaltonetworks.com/cve-2022-0492-cgroups: AppArmor, SELinux and cgroup v2 stand in the way, so P is small.
    Flaw {
        id: "CVE-2022-0492",
        kind: &CE_KERNEL,
        shown_since: [4, 15, 0],
        needs: Opening::Unshare,
        p: 0.2,
    },
    // cls_route, used after it was freed; a public exploit makes root of a user.
    Flaw {
        id: "CVE-2022-2588",
        kind: &CE_KERNEL,
        shown_since: [4, 15, 0],
        needs: Opening::Unshare,
        p: 0.3,
    },
    // nf_tables, used after it was freed. The public exploit works from 5.14 on.
    Flaw {
        id: "CVE-2024-1086",
        kind: &CE_KERNEL,
        shown_since: [5, 14, 0],
        needs: Opening::Unshare,
        p: 0.4,
    },
    // GHSA-36xw-fx78-c5r4: the shim's socket is open to root on the node's network.
    Flaw {
        id: "CVE-2020-15257",
        kind: &CE_RUNTIME,
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
        let known = releases::flaw(self.id)?;
        let text = if known.software == Software::Kernel {
            node.kernel.as_deref()?
        } else {
            let (software, text) = Software::of_runtime(node.runtime.as_deref()?)?;
            (software == known.software).then_some(text)?
        };
        let Some(Release::Told(version)) = Release::read(known.software, text) else {
            return None;
        };
        known.fixed(version).map(|fixed| Shown {
            flaw: self,
            node,
            fixed,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_published() {
        for flaw in &FLAWS {
            assert!(releases::flaw(flaw.id).is_some(), "{}", flaw.id);
        }
    }
}
