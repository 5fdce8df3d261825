//! The checks that level restricted adds, one function a version in which a check changed.
//! Source: `policy/check_*.go` of pod-security-admission; the numbers in names are policy versions.

use super::baseline::is_profile;
use super::found::Found;
use super::pod::Pod;
use crate::json::escape;

/// Volume types that stay within the cluster's own storage. `image` is there since Kubernetes 1.33, for every policy version.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub(super) fn escalation_1_8(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        let context = container.context();
        if context.flag("allowPrivilegeEscalation") != Some(false) {
            let value = context.get("allowPrivilegeEscalation");
            found.add(|| container.at("allowPrivilegeEscalation"), value);
        }
    }
    found
}

pub(super) fn escalation_1_25(pod: &Pod<'_>) -> Found {
    unless_windows(pod, escalation_1_8)
}

fn unless_windows(pod: &Pod<'_>, check: fn(&Pod<'_>) -> Found) -> Found {
    if pod.is_windows() {
        return Found::default();
    }
    check(pod)
}

pub(super) fn capabilities_1_22(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        let capabilities = container.context().get("capabilities");
        if !capabilities.texts("drop").any(|name| name == "ALL") {
            let value = capabilities.get("drop");
            found.add(|| container.at("capabilities/drop"), value);
        }
        for (index, name) in capabilities.list("add").enumerate() {
            if name.as_text().is_some_and(|n| n != "NET_BIND_SERVICE") {
                let pointer = || container.at(&format!("capabilities/add/{index}"));
                found.add(pointer, name);
            }
        }
    }
    found
}

pub(super) fn capabilities_1_25(pod: &Pod<'_>) -> Found {
    unless_windows(pod, capabilities_1_22)
}

/// A volume without a source is an `emptyDir` (`SetDefaults_Volume`); a source that is not known is none of the allowed.
pub(super) fn volumes(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (index, volume) in pod.spec.list("volumes").enumerate() {
        for (key, source) in volume.entries() {
            if key != "name" && !source.is_absent() && !VOLUMES.contains(&key) {
                let pointer = || pod.at(&format!("/spec/volumes/{index}/{}", escape(key)));
                found.add(pointer, source);
            }
        }
    }
    found
}

pub(super) fn run_as_non_root_1_0(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    let own = pod.context().flag("runAsNonRoot");
    if own == Some(false) {
        let value = pod.context().get("runAsNonRoot");
        found.add(|| pod.at("/spec/securityContext/runAsNonRoot"), value);
    }
    for container in &pod.containers {
        let context = container.context();
        // Where the pod says false, that is what must change.
        if context.flag("runAsNonRoot").or(own) == Some(true)
            || (context.flag("runAsNonRoot").is_none() && own == Some(false))
        {
            continue;
        }
        let value = context.get("runAsNonRoot");
        found.add(|| container.at("runAsNonRoot"), value);
    }
    found
}

pub(super) fn run_as_non_root_1_35(pod: &Pod<'_>) -> Found {
    unless_in_user_namespace(pod, run_as_non_root_1_0)
}

fn unless_in_user_namespace(pod: &Pod<'_>, check: fn(&Pod<'_>) -> Found) -> Found {
    if pod.in_user_namespace() {
        return Found::default();
    }
    check(pod)
}

pub(super) fn run_as_user_1_23(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (pointer, context) in pod.contexts() {
        if context.int("runAsUser") == Some(0) {
            found.add(|| format!("{pointer}/runAsUser"), context.get("runAsUser"));
        }
    }
    found
}

pub(super) fn run_as_user_1_35(pod: &Pod<'_>) -> Found {
    unless_in_user_namespace(pod, run_as_user_1_23)
}

pub(super) fn seccomp_restricted_1_19(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    let own = pod.context().get("seccompProfile");
    if !own.is_absent() && !is_profile(own) {
        let pointer = || pod.at("/spec/securityContext/seccompProfile/type");
        found.add(pointer, own.get("type"));
    }
    for container in &pod.containers {
        let profile = container.context().get("seccompProfile");
        // What the pod says badly is told once, at the pod.
        let inherited = profile.is_absent() && !own.is_absent();
        if !inherited && !is_profile(profile) {
            let pointer = || container.at("seccompProfile/type");
            found.add(pointer, profile.get("type"));
        }
    }
    found
}

pub(super) fn seccomp_restricted_1_25(pod: &Pod<'_>) -> Found {
    unless_windows(pod, seccomp_restricted_1_19)
}
