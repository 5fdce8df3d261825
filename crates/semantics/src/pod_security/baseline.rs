//! The checks of level baseline, one function a version in which a check changed.
//! Source: `policy/check_*.go` of pod-security-admission; the numbers in names are policy versions.

use super::found::Found;
use super::pod::Pod;
use crate::json::{Node, escape};

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// What container runtimes give by default, without NET_RAW.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Types from policy version 1.0 on, and the one that 1.31 added.
const SE_LINUX: [&str; 4] = ["", "container_t", "container_init_t", "container_kvm_t"];
const SE_LINUX_1_31: &str = "container_engine_t";

/// Safe sysctls and the policy version that added them.
const SYSCTLS: [(u16, &str); 14] = [
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
    (37, "net.ipv4.tcp_notsent_lowat"),
    (37, "net.ipv4.tcp_slow_start_after_idle"),
];

/// `RuntimeDefault` and `Localhost`, of seccomp and of AppArmor.
pub(super) fn is_profile(profile: Node<'_>) -> bool {
    matches!(profile.text("type"), Some("RuntimeDefault" | "Localhost"))
}

pub(super) fn app_armor(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (pointer, context) in pod.contexts() {
        let profile = context.get("appArmorProfile");
        if !profile.is_absent() && !is_profile(profile) {
            let pointer = || format!("{pointer}/appArmorProfile/type");
            found.add(pointer, profile.get("type"));
        }
    }
    for (key, value) in pod.annotations.entries() {
        let Some(text) = value.as_text().filter(|_| key.starts_with(APP_ARMOR)) else {
            continue;
        };
        if !(text.is_empty() || text == "runtime/default" || text.starts_with("localhost/")) {
            found.add(|| annotation(pod, key), value);
        }
    }
    found
}

fn annotation(pod: &Pod<'_>, key: &str) -> String {
    pod.at(&format!("/metadata/annotations/{}", escape(key)))
}

/// Names are compared as they stand, as the runtime gets them.
pub(super) fn capabilities(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        let added = container.context().get("capabilities").list("add");
        for (index, name) in added.enumerate() {
            if name.as_text().is_some_and(|n| !CAPABILITIES.contains(&n)) {
                let pointer = || container.at(&format!("capabilities/add/{index}"));
                found.add(pointer, name);
            }
        }
    }
    found
}

pub(super) fn host_namespaces(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.spec.flag(field) == Some(true) {
            let pointer = || pod.at(&format!("/spec/{field}"));
            found.add(pointer, pod.spec.get(field));
        }
    }
    found
}

pub(super) fn host_path(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (index, volume) in pod.spec.list("volumes").enumerate() {
        let source = volume.get("hostPath");
        if !source.is_absent() {
            let path = source.get("path");
            let pointer = || pod.at(&format!("/spec/volumes/{index}/hostPath"));
            found.add(pointer, if path.is_absent() { source } else { path });
        }
    }
    found
}

/// What the API server fills in for `hostNetwork` is left to [`host_namespaces`], which forbids such a pod as well.
pub(super) fn host_ports(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        for (index, port) in container.node.list("ports").enumerate() {
            if port.int("hostPort").is_some_and(|port| port != 0) {
                let pointer = || format!("{}/ports/{index}/hostPort", container.pointer);
                found.add(pointer, port.get("hostPort"));
            }
        }
    }
    found
}

const HANDLERS: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

/// The kubelet would call that host from the node's network; every name and address is one, loopback too.
pub(super) fn host_probes(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        for path in HANDLERS {
            let handler = container.node.at(path);
            for call in ["httpGet", "tcpSocket"] {
                let host = handler.get(call).get("host");
                if host.as_text().is_some_and(|host| !host.is_empty()) {
                    let path = path.join("/");
                    found.add(|| format!("{}/{path}/{call}/host", container.pointer), host);
                }
            }
        }
    }
    found
}

pub(super) fn privileged(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        if container.context().flag("privileged") == Some(true) {
            let value = container.context().get("privileged");
            found.add(|| container.at("privileged"), value);
        }
    }
    found
}

pub(super) fn proc_mount(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for container in &pod.containers {
        let mount = container.context().get("procMount");
        if mount.as_text().is_some_and(|mount| mount != "Default") {
            found.add(|| container.at("procMount"), mount);
        }
    }
    found
}

pub(super) fn proc_mount_1_35(pod: &Pod<'_>) -> Found {
    if pod.in_user_namespace() {
        return Found::default();
    }
    proc_mount(pod)
}

/// Before the field there were annotations (KEP-135).
pub(super) fn seccomp_1_0(pod: &Pod<'_>) -> Found {
    let is_allowed = |value: &str| {
        matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")
    };
    let mut keys = vec![SECCOMP_POD.to_owned()];
    let names = pod.containers.iter().map(|container| container.name);
    keys.extend(names.map(|name| format!("{SECCOMP_CONTAINER}{name}")));
    let mut found = Found::default();
    for (key, value) in pod.annotations.entries() {
        let ours = key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER);
        if ours
            && keys.iter().any(|known| known == key)
            && value.as_text().is_some_and(|text| !is_allowed(text))
        {
            found.add(|| annotation(pod, key), value);
        }
    }
    found
}

pub(super) fn seccomp_1_19(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (pointer, context) in pod.contexts() {
        let profile = context.get("seccompProfile");
        if !profile.is_absent() && !is_profile(profile) {
            let pointer = || format!("{pointer}/seccompProfile/type");
            found.add(pointer, profile.get("type"));
        }
    }
    found
}

pub(super) fn se_linux_1_0(pod: &Pod<'_>) -> Found {
    se_linux(pod, |name| SE_LINUX.contains(&name))
}

pub(super) fn se_linux_1_31(pod: &Pod<'_>) -> Found {
    se_linux(pod, |name| {
        SE_LINUX.contains(&name) || name == SE_LINUX_1_31
    })
}

fn se_linux(pod: &Pod<'_>, is_allowed: impl Fn(&str) -> bool) -> Found {
    let mut found = Found::default();
    for (pointer, context) in pod.contexts() {
        let options = context.get("seLinuxOptions");
        for field in ["type", "user", "role"] {
            let is_bad = |text: &str| match field {
                "type" => !is_allowed(text),
                _ => !text.is_empty(),
            };
            if options.text(field).is_some_and(is_bad) {
                let pointer = || format!("{pointer}/seLinuxOptions/{field}");
                found.add(pointer, options.get(field));
            }
        }
    }
    found
}

pub(super) fn sysctls_1_0(pod: &Pod<'_>) -> Found {
    sysctls(pod, 0)
}

pub(super) fn sysctls_1_27(pod: &Pod<'_>) -> Found {
    sysctls(pod, 27)
}

pub(super) fn sysctls_1_29(pod: &Pod<'_>) -> Found {
    sysctls(pod, 29)
}

pub(super) fn sysctls_1_32(pod: &Pod<'_>) -> Found {
    sysctls(pod, 32)
}

pub(super) fn sysctls_1_37(pod: &Pod<'_>) -> Found {
    sysctls(pod, 37)
}

fn sysctls(pod: &Pod<'_>, minor: u16) -> Found {
    let mut found = Found::default();
    for (index, sysctl) in pod.context().list("sysctls").enumerate() {
        let name = sysctl.text("name").unwrap_or("");
        let is_safe = |(since, safe): &(u16, &str)| *since <= minor && *safe == name;
        if !SYSCTLS.iter().any(is_safe) {
            let pointer = || pod.at(&format!("/spec/securityContext/sysctls/{index}/name"));
            found.add(pointer, sysctl.get("name"));
        }
    }
    found
}

pub(super) fn windows_host_process(pod: &Pod<'_>) -> Found {
    let mut found = Found::default();
    for (pointer, context) in pod.contexts() {
        let options = context.get("windowsOptions");
        if options.flag("hostProcess") == Some(true) {
            let pointer = || format!("{pointer}/windowsOptions/hostProcess");
            found.add(pointer, options.get("hostProcess"));
        }
    }
    found
}
