//! Ways over the kernel: privileged containers, added capabilities, an open /proc, HostProcess containers.
//! Comes in: a place. Goes out: drafts. Never: a capability that only exists in a user namespace at full weight.

use super::Draft;
use super::kinds::{
    CAPABILITY, CE_BPF, CE_CGROUP_BREAKOUT, CE_HOST_FD, CE_MODULE_LOAD, CE_PRIV_MOUNT,
    CE_PROC_MOUNT, CE_RAW_IO, CE_WINDOWS_HOST_PROCESS, Kind,
};
use super::place::{Barrier, Bearer, Place};
use crate::blast::Need;
use model::evidence::Estimate;

/// A way that capabilities open.
struct Way {
    kind: &'static Kind,
    capabilities: &'static [&'static str],
    /// Share of the kind's P for a privileged container, and where they were added to another.
    privileged: f64,
    added: f64,
    /// What the default `AppArmor` profile leaves of it.
    apparmor: f64,
    what: &'static str,
}

const WAYS: [Way; 6] = [
    Way {
        kind: &CE_MODULE_LOAD,
        capabilities: &["SYS_MODULE"],
        privileged: 1.0,
        added: 1.0,
        apparmor: 1.0,
        what: "loads modules into the kernel",
    },
    // The default profile denies mount(2).
    Way {
        kind: &CE_CGROUP_BREAKOUT,
        capabilities: &["SYS_ADMIN"],
        privileged: 1.0,
        added: 1.0,
        apparmor: 0.35,
        what: "mounts file systems of the kernel",
    },
    Way {
        kind: &CE_HOST_FD,
        capabilities: &["DAC_READ_SEARCH"],
        privileged: 1.0,
        added: 1.0,
        apparmor: 1.0,
        what: "opens files of the node by their handle",
    },
    // Devices are closed to containers that are not privileged; I/O ports are left.
    Way {
        kind: &CE_RAW_IO,
        capabilities: &["SYS_RAWIO"],
        privileged: 1.0,
        added: 0.35,
        apparmor: 1.0,
        what: "reaches the node's memory and devices",
    },
    Way {
        kind: &CE_BPF,
        capabilities: &["BPF", "PERFMON"],
        privileged: 1.0,
        added: 1.0,
        apparmor: 1.0,
        what: "traces the kernel",
    },
    // Without PERFMON a program sees its own sockets only; the verifier had flaws.
    Way {
        kind: &CE_BPF,
        capabilities: &["BPF"],
        privileged: 0.0,
        added: 0.25,
        apparmor: 1.0,
        what: "loads programs into the kernel",
    },
];

/// No escape is known that needs no more than one of these; factor on the prior of the kind.
const LESSER: [(&str, f64); 6] = [
    ("SYS_BOOT", 1.0),
    ("PERFMON", 1.0),
    ("MAC_ADMIN", 1.0),
    ("CHECKPOINT_RESTORE", 1.0),
    ("SYS_PTRACE", 0.5),
    ("SYSLOG", 0.3),
];

pub(super) fn ways(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let name = &place.container.name;
    let security = place.security();
    if security.windows_host_process {
        let need = Need {
            pointer: place.pointer("/securityContext/windowsOptions/hostProcess"),
            says: format!("container {name} is a HostProcess container").into(),
            change: Some(format!("set hostProcess: false in container {name}").into()),
        };
        let p = Estimate::exact(CE_WINDOWS_HOST_PROCESS.root);
        let reason = need.says.clone();
        drafts.push(place.draft(
            &CE_WINDOWS_HOST_PROCESS,
            Barrier::Kernel,
            p,
            reason,
            vec![need],
        ));
    }
    if place.template.windows {
        return;
    }
    if security.privileged {
        let p = place.by_bearer(&CE_PRIV_MOUNT, Bearer::Privileged, 1.0);
        let need = place.privileged();
        let reason = need.says.clone();
        drafts.push(place.draft(&CE_PRIV_MOUNT, Barrier::Kernel, p, reason, vec![need]));
    }
    if !security.privileged && security.added_capabilities.is_empty() {
        proc_mount(place, drafts);
        return;
    }
    for way in &WAYS {
        for (bearer, needs) in place.bearers(way.capabilities) {
            let p = match bearer {
                Bearer::Privileged => place.by_bearer(way.kind, bearer, way.privileged),
                Bearer::Added => place
                    .by_bearer(way.kind, bearer, way.added)
                    .times(place.apparmor(way.apparmor)),
            };
            let Some(need) = needs.first().filter(|_| p.high > 0.0) else {
                continue;
            };
            let reason = format!("{}: it {}", need.says, way.what);
            drafts.push(place.draft(way.kind, Barrier::Kernel, p, reason, needs));
        }
    }
    lesser(place, drafts);
    proc_mount(place, drafts);
}

fn lesser(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    let added = LESSER.iter().filter(|(name, _)| place.added(name));
    let Some((capability, factor)) = added.reduce(|a, b| if b.1 > a.1 { b } else { a }) else {
        return;
    };
    let p = place.by_bearer(&CAPABILITY, Bearer::Added, *factor);
    let need = place.capability(capability);
    let reason = need.says.clone();
    drafts.push(place.draft(&CAPABILITY, Barrier::Kernel, p, reason, vec![need]));
}

fn proc_mount(place: &Place<'_>, drafts: &mut Vec<Draft>) {
    if place.security().proc_mount.as_deref() != Some("Unmasked") {
        return;
    }
    let name = &place.container.name;
    let need = Need {
        pointer: place.pointer("/securityContext/procMount"),
        says: format!("/proc of container {name} is unmasked").into(),
        change: Some(format!("set procMount: Default in container {name}").into()),
    };
    let p = place
        .by_user(CE_PROC_MOUNT.root, CE_PROC_MOUNT.other)
        .times(place.apparmor(0.35));
    let reason = need.says.clone();
    drafts.push(place.draft(&CE_PROC_MOUNT, Barrier::Kernel, p, reason, vec![need]));
}
