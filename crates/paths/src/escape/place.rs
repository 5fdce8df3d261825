//! Where a container stands: its user, its capabilities, what isolates it, and the fields that say so.
//! Comes in: a pod spec, the cluster's version. Goes out: a `Place`. Never: less than the runtime would give.

use super::kinds::Kind;
use super::{Condition, Draft};
use crate::blast::{Need, gap};
use model::evidence::{Estimate, GapId, Ledger};
use model::text::Text;
use semantics::view::{ContainerSpec, PodSpec, Security};

/// Most images run as root unless something says otherwise (stated prior).
const ROOT_BY_IMAGE: f64 = 0.8;
/// `UserNamespacesSupport` is on from this minor version on (KEP-127); before, the field may have no effect.
const USER_NAMESPACES_SINCE: u16 = 33;

pub(super) struct Place<'a> {
    pub(super) template: &'a PodSpec,
    pub(super) container: &'a ContainerSpec,
    pub(super) minor: u16,
    user: User,
    isolation: Isolation,
    /// A profile of the node is named, which was not seen.
    profile: Option<GapId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum User {
    Root,
    Other,
    /// The image decides.
    Unknown(GapId),
}

/// Factors of a user namespace and of a sandboxed runtime.
struct Isolation {
    /// On what needs rights in the node's kernel.
    kernel: Estimate,
    /// On files of the node: volumes keep their owners in a user namespace (idmapped mounts, KEP-127), and sandboxes
    /// pass them on.
    files: Estimate,
    /// Of the sandbox alone.
    sandbox: Estimate,
    missing: Vec<GapId>,
}

/// What stands between the container and the way.
#[derive(Clone, Copy)]
pub(super) enum Barrier {
    Kernel,
    Files,
    /// Sockets and the kernel's files do not pass a sandbox.
    Sandbox,
    None,
}

/// Who gives the capabilities.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Privileged,
    Added,
}

impl<'a> Place<'a> {
    pub(super) fn of(
        template: &'a PodSpec,
        container: &'a ContainerSpec,
        minor: u16,
        ledger: &mut Ledger,
    ) -> Self {
        Place {
            template,
            container,
            minor,
            user: user(&container.security, ledger),
            isolation: isolation(template, minor, ledger),
            profile: profile(&container.security, ledger),
        }
    }

    pub(super) fn security(&self) -> &'a Security {
        &self.container.security
    }

    pub(super) fn by_user(&self, root: f64, other: f64) -> Estimate {
        match self.user {
            User::Root => Estimate::exact(root),
            User::Other => Estimate::exact(other),
            User::Unknown(_) => {
                Estimate::between(other, other + ROOT_BY_IMAGE * (root - other), root)
            }
        }
    }

    /// P for the user of the container who has the capabilities by privilege or by name. Capabilities are not ambient:
    /// another user needs a program that raises them.
    pub(super) fn by_bearer(&self, kind: &Kind, bearer: Bearer, scale: f64) -> Estimate {
        let root = kind.root * scale;
        match bearer {
            Bearer::Privileged => self.by_user(root, kind.other * scale),
            Bearer::Added => {
                let raised = if self.security().allow_privilege_escalation {
                    0.15
                } else {
                    0.03
                };
                self.by_user(root, root * raised).times(self.seccomp())
            }
        }
    }

    /// The default profile lets the holder of a capability do what it is for; a profile of the node is not known.
    fn seccomp(&self) -> Estimate {
        match self.security().seccomp.as_deref() {
            None | Some("Unconfined") => Estimate::exact(1.0),
            Some("RuntimeDefault") => Estimate::exact(0.9),
            Some(_) => Estimate::between(0.2, 0.8, 1.0),
        }
    }

    /// A profile that says no to this way leaves `stopped`; where none is named, the runtime sets its own on nodes that
    /// have `AppArmor`, which is part of the kind's prior.
    pub(super) fn apparmor(&self, stopped: f64) -> Estimate {
        match self.security().apparmor.as_deref() {
            None | Some("Unconfined") => Estimate::exact(1.0),
            Some("RuntimeDefault") => Estimate::exact(stopped),
            Some(_) => Estimate::between(stopped, stopped.midpoint(1.0), 1.0),
        }
    }

    /// Named ones count even where they are dropped too: runtimes differ in what comes last.
    pub(super) fn added(&self, capability: &str) -> bool {
        let security = self.security();
        let named = |list: &[Text], name: &str| list.iter().any(|known| &**known == name);
        named(&security.added_capabilities, capability)
            || (named(&security.added_capabilities, "ALL")
                && !named(&security.dropped_capabilities, capability))
    }

    /// The ways in which the container has all of the capabilities, each with what it needs.
    pub(super) fn bearers(&self, capabilities: &[&str]) -> Vec<(Bearer, Vec<Need>)> {
        let mut ways = Vec::new();
        if self.security().privileged {
            ways.push((Bearer::Privileged, vec![self.privileged()]));
        }
        if capabilities.iter().all(|capability| self.added(capability)) {
            let mut needs: Vec<Need> = capabilities.iter().map(|c| self.capability(c)).collect();
            needs.dedup_by(|a, b| a.change == b.change);
            ways.push((Bearer::Added, needs));
        }
        ways
    }

    pub(super) fn privileged(&self) -> Need {
        let name = &self.container.name;
        Need {
            pointer: self.pointer("/securityContext/privileged"),
            says: format!("container {name} is privileged").into(),
            change: Some(format!("set privileged: false in container {name}").into()),
        }
    }

    /// Of a capability that was added.
    pub(super) fn capability(&self, capability: &str) -> Need {
        let name = &self.container.name;
        let added = &self.security().added_capabilities;
        let all = added.iter().any(|known| &**known == "ALL");
        let named = added.iter().any(|known| &**known == capability);
        let list = match (all, named) {
            (true, true) => format!("ALL, {capability}"),
            (true, false) => "ALL".to_owned(),
            (false, _) => capability.to_owned(),
        };
        Need {
            pointer: self.pointer("/securityContext/capabilities/add"),
            says: format!("container {name} has {list}").into(),
            change: Some(format!("drop {list} from container {name}").into()),
        }
    }

    /// A switch of the pod.
    pub(super) fn of_pod(field: &str, says: &str, change: &str) -> Need {
        Need {
            pointer: format!("/{field}").into(),
            says: says.into(),
            change: Some(change.into()),
        }
    }

    pub(super) fn pointer(&self, below: &str) -> Text {
        format!("{}{below}", self.container.pointer).into()
    }

    pub(super) fn draft(
        &self,
        kind: &'static Kind,
        barrier: Barrier,
        probability: Estimate,
        reason: impl Into<Text>,
        needs: Vec<Need>,
    ) -> Draft {
        let factor = match barrier {
            Barrier::Kernel => self.isolation.kernel,
            Barrier::Files => self.isolation.files,
            Barrier::Sandbox => self.isolation.sandbox,
            Barrier::None => Estimate::exact(1.0),
        };
        let mut missing = if factor.is_exact() {
            Vec::new()
        } else {
            self.isolation.missing.clone()
        };
        if let User::Unknown(gap) = self.user
            && kind.root > kind.other
        {
            missing.push(gap);
        }
        if matches!(barrier, Barrier::Kernel) {
            missing.extend(self.profile);
        }
        Draft {
            kind,
            probability: probability.times(factor),
            reason: reason.into(),
            needs: needs.into(),
            missing,
            condition: Condition::Nothing,
        }
    }
}

fn user(security: &Security, ledger: &mut Ledger) -> User {
    match (security.run_as_user, security.run_as_non_root) {
        (Some(0), _) => User::Root,
        // The kubelet refuses to start root where it is forbidden.
        (Some(_), _) | (None, Some(true)) => User::Other,
        (None, _) => User::Unknown(ledger.gap(gap(
            "image-user-unknown",
            "containers whose user the image decides: whether they run as root is open",
            "containers",
            "set runAsUser or runAsNonRoot, or scan the images",
        ))),
    }
}

/// Privileged containers run without profiles.
fn profile(security: &Security, ledger: &mut Ledger) -> Option<GapId> {
    let own = |profile: &Option<Text>| {
        let known = ["Unconfined", "RuntimeDefault"];
        profile
            .as_deref()
            .is_some_and(|name| !known.contains(&name))
    };
    let asked = !security.privileged && (own(&security.seccomp) || own(&security.apparmor));
    asked.then(|| {
        ledger.gap(gap(
            "profile-unknown",
            "containers with seccomp or AppArmor profiles of their node: what these forbid was not seen",
            "containers",
            "",
        ))
    })
}

fn isolation(template: &PodSpec, minor: u16, ledger: &mut Ledger) -> Isolation {
    let mut missing = Vec::new();
    let (namespace, files) = match template.host_users {
        Some(false) if minor >= USER_NAMESPACES_SINCE => {
            (Estimate::exact(0.03), Estimate::exact(0.9))
        }
        Some(false) => {
            missing.push(ledger.gap(gap(
                "user-namespaces-unknown",
                "pods with hostUsers: false: whether the cluster makes user namespaces is open before Kubernetes 1.33",
                "workloads",
                "",
            )));
            let open = |kept, expected| Estimate::between(kept, expected, 1.0);
            (open(0.03, 0.15), open(0.9, 0.95))
        }
        _ => (Estimate::exact(1.0), Estimate::exact(1.0)),
    };
    let runtime = template.runtime_class.as_deref().unwrap_or("");
    let boxes = ["gvisor", "runsc", "kata", "firecracker", "sandbox"];
    let plain = matches!(runtime, "" | "runc" | "crun" | "nvidia");
    let sandbox = if plain {
        Estimate::exact(1.0)
    } else if boxes.iter().any(|name| runtime.contains(name)) {
        Estimate::exact(0.05)
    } else {
        missing.push(ledger.gap(gap(
            "runtime-class-unknown",
            format!("runtime class {runtime} is not known: it may be a sandbox"),
            "runtimeclasses",
            "",
        )));
        Estimate::between(0.05, 0.9, 1.0)
    };
    // A sandbox passes directories of the node on, and takes some of what can be done with them.
    let passed = sandbox.map(|factor| 0.8 + 0.2 * factor);
    Isolation {
        kernel: namespace.times(sandbox),
        files: files.times(passed),
        sandbox,
        missing,
    }
}
