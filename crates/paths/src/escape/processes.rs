//! Ways over processes: those of the node, those of the other containers of the pod.
//! Comes in: a place. Goes out: drafts.

use super::Draft;
use super::kinds::{CE_NSENTER, CE_SYS_PTRACE, HOST_PID, SHARE_PS_NAMESPACE};
use super::place::{Barrier, Bearer, Place};
use crate::blast::{Need, gap};
use model::evidence::{Estimate, Ledger};
use model::workload::ContainerKind;

/// What the default `AppArmor` profile leaves of tracing a process that runs under none: it denies that.
const TRACING_CONFINED: f64 = 0.03;
/// From this minor version on `AppArmor` is generally available, and with it on the nodes' images as a rule (KEP-24).
const APPARMOR_SINCE: u16 = 31;

pub(super) fn ways(place: &Place<'_>, drafts: &mut Vec<Draft>, ledger: &mut Ledger) {
    if place.template.host_pid && !place.template.windows {
        of_the_node(place, drafts, ledger);
    }
    if place.template.share_process_namespace {
        of_the_pod(place, drafts);
    }
}

fn of_the_node(place: &Place<'_>, drafts: &mut Vec<Draft>, ledger: &mut Ledger) {
    let name = &place.container.name;
    let pid = || {
        Place::of_pod(
            "hostPID",
            "the pod sees the node's processes",
            "set hostPID: false",
        )
    };
    if place.security().privileged {
        let p = place.by_bearer(&CE_NSENTER, Bearer::Privileged, 1.0);
        let needs = vec![place.privileged(), pid()];
        let reason = format!("container {name} is privileged and sees the node's processes");
        drafts.push(place.draft(&CE_NSENTER, Barrier::Kernel, p, reason, needs));
    }
    let mut read = place.by_user(HOST_PID.root, HOST_PID.other);
    let mut reason = "the pod sees the node's processes".to_owned();
    if let Some((bearer, traced)) = place.bearers(&["SYS_PTRACE"]).into_iter().next() {
        let p = place
            .by_bearer(&CE_SYS_PTRACE, bearer, 1.0)
            .times(confined(place, bearer));
        read = read.max(p);
        if let Some(need) = traced.first() {
            reason = format!("{reason}, and {}", need.says);
        }
    }
    // Without tracing the rest is still read: nothing but hostPID ends it.
    drafts.push(place.draft(&HOST_PID, Barrier::Kernel, read, reason, vec![pid()]));
    for (bearer, needs) in place.bearers(&["SYS_PTRACE", "SYS_ADMIN"]) {
        let p = place
            .by_bearer(&CE_SYS_PTRACE, bearer, 1.0)
            .times(confined(place, bearer));
        let reason = format!("container {name} may trace the node's processes");
        let all: Vec<Need> = [pid()].into_iter().chain(needs).collect();
        let mut draft = place.draft(&CE_SYS_PTRACE, Barrier::Kernel, p, reason, all);
        if bearer == Bearer::Added && open(place) {
            draft.missing.push(ledger.gap(gap(
                "apparmor-of-nodes-unknown",
                "containers that may trace the node's processes without an AppArmor profile of their own: whether their nodes set the default one, which forbids it, is open",
                "nodes",
                "set appArmorProfile",
            )));
        }
        drafts.push(draft);
    }
}

/// No profile is named, and most nodes set their default.
fn open(place: &Place<'_>) -> bool {
    place.security().apparmor.is_none() && place.minor >= APPARMOR_SINCE
}

fn confined(place: &Place<'_>, bearer: Bearer) -> Estimate {
    match bearer {
        Bearer::Privileged => Estimate::exact(1.0),
        Bearer::Added if open(place) => Estimate::between(TRACING_CONFINED, 0.6, 1.0),
        Bearer::Added => place.apparmor(TRACING_CONFINED),
    }
}

/// Init containers are gone when the others run.
fn of_the_pod(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let runs = |kind: ContainerKind| kind != ContainerKind::Init;
    let beside = place.template.containers.iter();
    let beside = beside.filter(|container| runs(container.kind)).count();
    if beside < 2 || !runs(place.container.kind) {
        return;
    }
    let need = Place::of_pod(
        "shareProcessNamespace",
        "the containers share one process namespace",
        "set shareProcessNamespace: false",
    );
    let p = place.by_user(SHARE_PS_NAMESPACE.root, SHARE_PS_NAMESPACE.other);
    let reason = need.says.clone();
    // Both sides stand behind the same namespaces and sandbox.
    drafts.push(place.draft(&SHARE_PS_NAMESPACE, Barrier::None, p, reason, vec![need]));
}
