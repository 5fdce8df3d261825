//! What falls when a container falls: the ways out of it, each with its probability.
//! Comes in: pod specs, service accounts. Goes out: steps per container, and B of the score.
//! Never: fewer or smaller steps for a permission more; what is unknown spans both answers.

use crate::host_path;
use crate::rights::{self, Accounts};
use model::evidence::{Estimate, EvidenceId, Gap, GapId, GapWeight, Ledger, Stage};
use model::graph::Change;
use model::situation::{Blast, BlastStep, Reach};
use model::text::Text;
use semantics::view::{ContainerSpec, Inventory, PodSpec, Security, VolumeSource, WorkloadView};

/// One way in which the damage spreads, before it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Stable name in kebab case, used as the kind of an edge.
    pub(crate) kind: &'static str,
    pub(crate) reach: Reach,
    pub(crate) probability: Estimate,
    pub(crate) reason: Text,
    pub(crate) because: Vec<EvidenceId>,
    pub(crate) missing: Vec<GapId>,
    /// The field that ends it.
    pub(crate) change: Option<Change>,
    /// The field is the pod's: all containers share it.
    pub(crate) of_pod: bool,
    /// The step leads to the node that the pod runs on.
    pub(crate) escape: bool,
}

impl Step {
    pub(crate) fn new(
        kind: &'static str,
        reach: Reach,
        probability: Estimate,
        reason: impl Into<Text>,
    ) -> Self {
        Step {
            kind,
            reach,
            probability,
            reason: reason.into(),
            because: Vec::new(),
            missing: Vec::new(),
            change: None,
            of_pod: false,
            escape: false,
        }
    }
}

/// Where a container stands: what all its steps need.
struct Place<'a> {
    view: &'a WorkloadView,
    template: &'a PodSpec,
    container: &'a ContainerSpec,
    user: User,
    /// Factor of a user namespace or a sandboxed runtime on escapes, and the gap where it is open.
    shield: (Estimate, Option<GapId>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum User {
    Root,
    Other,
    /// The image decides.
    Unknown(GapId),
}

/// Most images run as root unless something says otherwise (stated prior).
const ROOT_BY_IMAGE: f64 = 0.8;
/// Capabilities whose bearer can leave the container, with P for root; stated priors.
const CAPABILITIES: [(&str, f64); 12] = [
    ("SYS_MODULE", 0.9),
    ("SYS_ADMIN", 0.75),
    ("SYS_RAWIO", 0.7),
    ("DAC_READ_SEARCH", 0.5),
    ("BPF", 0.4),
    ("SYS_PTRACE", 0.15),
    ("PERFMON", 0.1),
    ("SYS_BOOT", 0.1),
    ("NET_ADMIN", 0.1),
    ("MAC_ADMIN", 0.1),
    ("CHECKPOINT_RESTORE", 0.1),
    ("SYSLOG", 0.03),
];

/// Workload -> container -> steps.
pub(crate) fn steps(inventory: &Inventory, ledger: &mut Ledger) -> Vec<Vec<Vec<Step>>> {
    let accounts = Accounts::of(inventory);
    inventory
        .workloads
        .iter()
        .map(
            |view| match inventory.templates.get(view.template as usize) {
                Some(template) => of_pod(view, template, &accounts, ledger),
                None => vec![Vec::new(); view.workload.containers.len()],
            },
        )
        .collect()
}

fn of_pod(
    view: &WorkloadView,
    template: &PodSpec,
    accounts: &Accounts<'_>,
    ledger: &mut Ledger,
) -> Vec<Vec<Step>> {
    let mut all: Vec<Vec<Step>> = template
        .containers
        .iter()
        .map(|container| {
            let place = Place {
                view,
                template,
                container,
                user: user(&container.security, ledger),
                shield: shield(template, ledger),
            };
            let mut steps = Vec::new();
            host(&place, &mut steps, ledger);
            capabilities(&place, &mut steps, ledger);
            mounts(&place, &mut steps, ledger);
            secrets(&place, &mut steps, ledger);
            steps.extend(rights::steps(view, template, container, accounts, ledger));
            steps
        })
        .collect();
    if template.share_process_namespace && all.len() > 1 {
        share(view, &mut all, ledger);
    }
    all
}

/// Processes of one container can be entered from the others.
fn share(view: &WorkloadView, all: &mut [Vec<Step>], ledger: &mut Ledger) {
    let shared = ledger.field(
        &view.workload.object,
        format!("{}/shareProcessNamespace", view.spec_pointer),
        "the containers share one process namespace",
    );
    let own = all.to_vec();
    for (n, steps) in all.iter_mut().enumerate() {
        for (_, others) in own.iter().enumerate().filter(|(other, _)| *other != n) {
            steps.extend(
                others
                    .iter()
                    .filter(|step| step.escape || step.kind == "mounted-secret")
                    .map(|step| {
                        let mut over = step.clone();
                        over.kind = "shared-processes";
                        over.probability = step.probability.times(Estimate::exact(0.6));
                        over.reason = format!(
                            "over a container that shares its processes: {}",
                            step.reason
                        )
                        .into();
                        over.because.push(shared);
                        over.change = None;
                        // The graph walks to the other container instead.
                        over.escape = false;
                        over
                    }),
            );
        }
    }
}

/// B: the largest of value x P over what can be reached, where a step that reaches further reaches all nearer too.
pub(crate) fn blast(steps: &[Step]) -> Blast {
    let of = |bound: fn(&Estimate) -> f64| {
        [Reach::Pod, Reach::Namespace, Reach::Node, Reach::Cluster]
            .into_iter()
            .map(|reach| {
                let further = steps.iter().filter(|step| step.reach >= reach);
                let stays = further.fold(1.0, |p, step| p * (1.0 - bound(&step.probability)));
                // The container's own pod fell with it.
                reach.value()
                    * if reach == Reach::Pod {
                        1.0
                    } else {
                        1.0 - stays
                    }
            })
            .fold(0.0, f64::max)
    };
    let value = Estimate::between(of(|e| e.low), of(|e| e.expected), of(|e| e.high));
    let mut shown: Vec<BlastStep> = steps
        .iter()
        .filter(|step| step.probability.high >= 0.005)
        .map(|step| BlastStep {
            reach: step.reach,
            probability: step.probability,
            reason: Text::clone(&step.reason),
            because: step.because.clone(),
            missing: step.missing.clone(),
        })
        .collect();
    let worth = |step: &BlastStep| step.reach.value() * step.probability.expected;
    shown.sort_by(|a, b| {
        worth(b)
            .total_cmp(&worth(a))
            .then_with(|| a.reason.cmp(&b.reason))
    });
    Blast {
        value,
        steps: shown,
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

/// A user namespace or a sandboxed runtime: what root in the container is outside of it.
fn shield(template: &PodSpec, ledger: &mut Ledger) -> (Estimate, Option<GapId>) {
    let namespace = if template.host_users == Some(false) {
        0.15
    } else {
        1.0
    };
    let runtime = template.runtime_class.as_deref().unwrap_or("");
    let sandbox = ["gvisor", "runsc", "kata", "firecracker", "sandbox"];
    let (runtime, open) = if runtime.is_empty() || matches!(runtime, "runc" | "crun" | "nvidia") {
        (Estimate::exact(1.0), None)
    } else if sandbox.iter().any(|name| runtime.contains(name)) {
        (Estimate::exact(0.1), None)
    } else {
        let gap = ledger.gap(gap(
            "runtime-class-unknown",
            format!("runtime class {runtime} is not known: it may be a sandbox"),
            "runtimeclasses",
            "",
        ));
        (Estimate::between(0.1, 0.9, 1.0), Some(gap))
    };
    (runtime.times(Estimate::exact(namespace)), open)
}

impl Place<'_> {
    fn by_user(&self, root: f64, other: f64) -> Estimate {
        match self.user {
            User::Root => Estimate::exact(root),
            User::Other => Estimate::exact(other),
            User::Unknown(_) => {
                Estimate::between(other, other + ROOT_BY_IMAGE * (root - other), root)
            }
        }
    }

    /// A step to the node; `field` below the pod spec is its evidence.
    fn escape(
        &self,
        kind: &'static str,
        probability: Estimate,
        reason: String,
        field: &str,
        change: Option<String>,
        ledger: &mut Ledger,
    ) -> Step {
        let object = &self.view.workload.object;
        let mut step = Step::new(kind, Reach::Node, probability.times(self.shield.0), reason);
        let pointer = format!("{}{field}", self.view.spec_pointer);
        step.because
            .push(ledger.field(object, pointer, Text::clone(&step.reason)));
        if let User::Unknown(gap) = self.user {
            step.missing.push(gap);
        }
        step.missing.extend(self.shield.1);
        step.change = change.map(|what| Change {
            object: object.clone(),
            what: what.into(),
            structural: true,
        });
        step.escape = true;
        step
    }

    /// Seccomp, `AppArmor` and a read-only root make an exploit harder, never a right smaller.
    fn hardening(&self) -> f64 {
        let security = &self.container.security;
        let set = |profile: &Option<Text>| profile.as_deref().is_some_and(|p| p != "Unconfined");
        let seccomp = if set(&security.seccomp) { 0.9 } else { 1.0 };
        let apparmor = if set(&security.apparmor) { 0.95 } else { 1.0 };
        let read_only = if security.read_only_root { 0.97 } else { 1.0 };
        seccomp * apparmor * read_only
    }

    fn has(&self, capability: &str) -> bool {
        self.container
            .security
            .added_capabilities
            .iter()
            .any(|c| &**c == capability || &**c == "ALL")
    }
}

fn host(place: &Place<'_>, steps: &mut Vec<Step>, ledger: &mut Ledger) {
    let (container, template) = (place.container, place.template);
    let name = &container.name;
    let security = format!("{}/securityContext", container.pointer);
    if container.security.privileged {
        let p = place.by_user(0.95, 0.5);
        let change = Some(format!("set privileged: false in container {name}"));
        let reason = format!("container {name} is privileged");
        steps.push(place.escape(
            "escape-privileged",
            p,
            reason,
            &format!("{security}/privileged"),
            change,
            ledger,
        ));
    }
    if container.security.windows_host_process {
        let change = Some(format!("set hostProcess: false in container {name}"));
        let reason = format!("container {name} is a HostProcess container");
        let field = format!("{security}/windowsOptions/hostProcess");
        steps.push(place.escape(
            "escape-host-process",
            Estimate::exact(0.95),
            reason,
            &field,
            change,
            ledger,
        ));
    }
    if template.host_pid {
        let traces =
            container.security.privileged || place.has("SYS_PTRACE") || place.has("SYS_ADMIN");
        let p = if traces {
            place.by_user(0.9, 0.15)
        } else {
            place.by_user(0.4, 0.05)
        };
        let change = Some("set hostPID: false".to_owned());
        let mut step = place.escape(
            "escape-host-pid",
            p,
            "the pod sees the node's processes".into(),
            "/hostPID",
            change,
            ledger,
        );
        step.of_pod = true;
        steps.push(step);
    }
    if template.host_network {
        let p = if place.has("NET_ADMIN") { 0.35 } else { 0.12 };
        let reason =
            "the pod uses the node's network: services of the node, metadata of the cloud".into();
        let mut step = place.escape(
            "host-network",
            Estimate::exact(p),
            reason,
            "/hostNetwork",
            None,
            ledger,
        );
        step.missing.clear();
        step.escape = false;
        steps.push(step);
    }
    if template.host_ipc {
        let mut step = place.escape(
            "host-ipc",
            Estimate::exact(0.04),
            "the pod shares the node's IPC".into(),
            "/hostIPC",
            None,
            ledger,
        );
        step.escape = false;
        steps.push(step);
    }
    if container.security.proc_mount.as_deref() == Some("Unmasked") {
        let change = Some(format!("set procMount: Default in container {name}"));
        let reason = format!("/proc of container {name} is unmasked");
        let p = place.by_user(0.3, 0.03);
        steps.push(place.escape(
            "escape-proc-mount",
            p,
            reason,
            &format!("{security}/procMount"),
            change,
            ledger,
        ));
    }
    let kernel = place
        .by_user(0.02, 0.01)
        .times(Estimate::exact(place.hardening()));
    let mut step = Step::new(
        "kernel",
        Reach::Node,
        kernel.times(place.shield.0),
        "a flaw of the kernel or the runtime",
    );
    step.missing.extend(place.shield.1);
    steps.push(step);
}

/// One step for all added capabilities: they are dropped in one list.
fn capabilities(place: &Place<'_>, steps: &mut Vec<Step>, ledger: &mut Ledger) {
    let container = place.container;
    let added: Vec<&(&str, f64)> = CAPABILITIES
        .iter()
        .filter(|(name, _)| place.has(name))
        .collect();
    if added.is_empty() {
        return;
    }
    let root = 1.0 - added.iter().fold(1.0, |stays, (_, p)| stays * (1.0 - p));
    // Capabilities are not ambient: another user needs a program that raises them.
    let other = root
        * if container.security.allow_privilege_escalation {
            0.15
        } else {
            0.03
        };
    let p = place
        .by_user(root, other)
        .times(Estimate::exact(place.hardening()));
    let all = container
        .security
        .added_capabilities
        .iter()
        .any(|c| &**c == "ALL");
    let names: Vec<&str> = if all {
        vec!["ALL"]
    } else {
        added.iter().map(|(name, _)| *name).collect()
    };
    let names = names.join(", ");
    let reason = format!("container {} has {names}", container.name);
    let change = Some(format!("drop {names} from container {}", container.name));
    let field = format!("{}/securityContext/capabilities/add", container.pointer);
    steps.push(place.escape("escape-capability", p, reason, &field, change, ledger));
}

/// Paths of the node; the most dangerous mount of each volume counts.
fn mounts(place: &Place<'_>, steps: &mut Vec<Step>, ledger: &mut Ledger) {
    for volume in &place.template.volumes {
        let (VolumeSource::HostPath { path }
        | VolumeSource::Claim {
            host_path: Some(path),
            ..
        }) = &volume.source
        else {
            continue;
        };
        let mounts = place
            .container
            .mounts
            .iter()
            .filter(|m| m.volume == volume.name);
        let Some(read_only) = mounts.map(|m| m.read_only).reduce(|a, b| a && b) else {
            continue;
        };
        let (danger, what) = host_path::danger(path, read_only);
        let p = place.by_user(danger, danger * 0.3);
        let name = &place.container.name;
        let how = if read_only { "reads" } else { "writes" };
        let reason = format!("container {name} {how} {path} of the node: {what}");
        let change = Some(format!(
            "unmount volume {} from container {name}",
            volume.name
        ));
        let field = format!("{}/volumeMounts", place.container.pointer);
        steps.push(place.escape("escape-host-path", p, reason, &field, change, ledger));
    }
}

fn secrets(place: &Place<'_>, steps: &mut Vec<Step>, ledger: &mut Ledger) {
    let mut names: Vec<&Text> = place.container.secret_env.iter().collect();
    for mount in &place.container.mounts {
        let volume = place
            .template
            .volumes
            .iter()
            .find(|v| v.name == mount.volume);
        if let Some(VolumeSource::Secret { name }) = volume.map(|v| &v.source) {
            names.push(name);
        }
    }
    names.sort();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let more = f64::from(u32::try_from(names.len() - 1).unwrap_or(u32::MAX));
    let p = Estimate::exact((0.3 + 0.05 * more).min(0.6));
    let list: Vec<&str> = names.iter().take(3).map(|name| &***name).collect();
    let dots = if names.len() > 3 { ", ..." } else { "" };
    let reason = format!(
        "container {} holds Secret {}{dots}",
        place.container.name,
        list.join(", ")
    );
    let mut step = Step::new("mounted-secret", Reach::Namespace, p, reason);
    let pointer = format!("{}{}", place.view.spec_pointer, place.container.pointer);
    step.because.push(ledger.field(
        &place.view.workload.object,
        pointer,
        Text::clone(&step.reason),
    ));
    steps.push(step);
}

pub(crate) fn gap(class: &str, what: impl Into<Text>, scope: &str, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: scope.into(),
        weight: GapWeight::Widens,
        close: close.into(),
    }
}
