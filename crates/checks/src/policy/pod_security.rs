//! The controls of the Pod Security Standards as CEL, written by hand. Comes in: a control and a minor version. Goes
//! out: what is wrong about the pod, what is wrong about a container `c`. Must agree with `semantics::pod_security`.

use super::cel::quoted;

/// Expressions that are true of what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Of the pod as a whole.
    pub(super) pod: String,
    /// Of one container, `c`.
    pub(super) container: String,
}

type Write = fn() -> Wrong;

/// Control, the policy version from which on the row holds, what writes it. The last row that fits counts.
static ROWS: &[(&str, u16, Write)] = &[
    ("apparmorprofile", 0, app_armor),
    ("capabilities_baseline", 0, capabilities_baseline),
    ("hostnamespaces", 0, host_namespaces),
    ("hostpathvolumes", 0, host_path),
    ("hostports", 0, host_ports),
    ("hostprobesandhostlifecycle", 34, host_probes),
    ("privileged", 0, privileged),
    ("procmount", 0, proc_mount),
    ("procmount", 35, || unless_user_namespace(proc_mount())),
    ("seccompprofile_baseline", 0, seccomp_annotations),
    ("seccompprofile_baseline", 19, seccomp_baseline),
    ("selinuxoptions", 0, || se_linux(0)),
    ("selinuxoptions", 31, || se_linux(31)),
    ("sysctls", 0, || sysctls(0)),
    ("sysctls", 27, || sysctls(27)),
    ("sysctls", 29, || sysctls(29)),
    ("sysctls", 32, || sysctls(32)),
    ("sysctls", 37, || sysctls(37)),
    ("windowshostprocess", 0, windows),
    ("allowprivilegeescalation", 8, escalation),
    ("allowprivilegeescalation", 25, || {
        unless_windows(escalation())
    }),
    ("capabilities_restricted", 22, capabilities_restricted),
    ("capabilities_restricted", 25, || {
        unless_windows(capabilities_restricted())
    }),
    ("procmount_restricted", 35, proc_mount),
    ("restrictedvolumes", 0, volumes),
    ("runasnonroot", 0, run_as_non_root),
    ("runasnonroot", 35, || {
        unless_user_namespace(run_as_non_root())
    }),
    ("runasuser", 23, run_as_user),
    ("runasuser", 35, || unless_user_namespace(run_as_user())),
    ("seccompprofile_restricted", 19, seccomp_restricted),
    ("seccompprofile_restricted", 25, || {
        unless_windows(seccomp_restricted())
    }),
];

/// `None`: the control is not known, or not in force in that version.
pub(super) fn wrong(control: &str, minor: u16) -> Option<Wrong> {
    let rows = ROWS.iter().rev();
    let mut known = rows.filter(|(id, since, _)| *id == control && *since <= minor);
    known.next().map(|(_, _, write)| write())
}

const POD: &str = "variables.spec";
const NEVER: &str = "false";

fn of_container(container: impl Into<String>) -> Wrong {
    Wrong {
        pod: NEVER.to_owned(),
        container: container.into(),
    }
}

fn of_pod(pod: impl Into<String>) -> Wrong {
    Wrong {
        pod: pod.into(),
        container: NEVER.to_owned(),
    }
}

/// The same of the security contexts of the pod and of each container.
fn of_contexts(path: &str, wrong: impl Fn(&str) -> String) -> Wrong {
    let of = |base: &str| set(base, &format!("securityContext.{path}"), &wrong);
    Wrong {
        pod: of(POD),
        container: of("c"),
    }
}

/// `then` of the value at `base.path` where it is there; else false.
fn set(base: &str, path: &str, then: impl Fn(&str) -> String) -> String {
    let mut value = base.to_owned();
    let mut guards = String::new();
    for token in path.split('.') {
        value = format!("{value}.{token}");
        guards = format!("{guards}has({value}) && ");
    }
    format!("({guards}{})", then(&value))
}

fn unless(excused: &str, wrong: Wrong) -> Wrong {
    let unless = |text: String| {
        if text == NEVER {
            text
        } else {
            format!("(!{excused} && {text})")
        }
    };
    Wrong {
        pod: unless(wrong.pod),
        container: unless(wrong.container),
    }
}

fn unless_windows(wrong: Wrong) -> Wrong {
    unless(
        &set(POD, "os.name", |name| format!("{name} == 'windows'")),
        wrong,
    )
}

/// Root in a user namespace of its own is nobody on the node (KEP-127).
fn unless_user_namespace(wrong: Wrong) -> Wrong {
    unless(
        &set(POD, "hostUsers", |value| format!("{value} == false")),
        wrong,
    )
}

fn one_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn not_a_profile(profile: &str) -> String {
    let is = set(profile, "type", |kind| {
        format!("{kind} in ['RuntimeDefault', 'Localhost']")
    });
    format!("!{is}")
}

fn app_armor() -> Wrong {
    let mut wrong = of_contexts("appArmorProfile", not_a_profile);
    let annotated = set("variables.metadata", "annotations", |all| {
        format!(
            "{all}.exists(k, k.startsWith('container.apparmor.security.beta.kubernetes.io/') \
             && !({all}[k] in ['', 'runtime/default'] || {all}[k].startsWith('localhost/')))"
        )
    });
    wrong.pod = format!("({} || {annotated})", wrong.pod);
    wrong
}

fn capabilities_baseline() -> Wrong {
    let usual = one_of(&[
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
    ]);
    of_container(added(|name| format!("!({name} in {usual})")))
}

fn added(wrong: impl Fn(&str) -> String) -> String {
    set("c", "securityContext.capabilities.add", |add| {
        format!("{add}.exists(n, {})", wrong("n"))
    })
}

fn capabilities_restricted() -> Wrong {
    let dropped = set("c", "securityContext.capabilities.drop", |drop| {
        format!("{drop}.exists(n, n == 'ALL')")
    });
    let added = added(|name| format!("{name} != 'NET_BIND_SERVICE'"));
    of_container(format!("(!{dropped} || {added})"))
}

fn host_namespaces() -> Wrong {
    let fields = ["hostNetwork", "hostPID", "hostIPC"];
    let shared: Vec<String> = fields
        .iter()
        .map(|field| set(POD, field, |value| format!("{value} == true")))
        .collect();
    of_pod(format!("({})", shared.join(" || ")))
}

fn host_path() -> Wrong {
    of_pod(set(POD, "volumes", |all| {
        format!("{all}.exists(v, has(v.hostPath))")
    }))
}

fn host_ports() -> Wrong {
    of_container(set("c", "ports", |all| {
        format!("{all}.exists(p, has(p.hostPort) && p.hostPort != 0)")
    }))
}

fn host_probes() -> Wrong {
    let handlers = [
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle.postStart",
        "lifecycle.preStop",
    ];
    let named = |call: &'static str| {
        handlers.map(|handler| {
            set("c", &format!("{handler}.{call}.host"), |host| {
                format!("{host} != ''")
            })
        })
    };
    let all: Vec<String> = ["httpGet", "tcpSocket"]
        .into_iter()
        .flat_map(named)
        .collect();
    of_container(format!("({})", all.join(" || ")))
}

fn privileged() -> Wrong {
    of_container(set("c", "securityContext.privileged", |value| {
        format!("{value} == true")
    }))
}

fn proc_mount() -> Wrong {
    of_container(set("c", "securityContext.procMount", |mount| {
        format!("{mount} != 'Default'")
    }))
}

/// Before policy version 1.19 there were annotations only (KEP-135).
fn seccomp_annotations() -> Wrong {
    let bad = |key: &str| {
        set("variables.metadata", "annotations", |all| {
            format!(
                "{key} in {all} && !({all}[{key}] in ['runtime/default', 'docker/default'] \
                 || {all}[{key}].startsWith('localhost/'))"
            )
        })
    };
    let own = bad("('container.seccomp.security.alpha.kubernetes.io/' + c.name)");
    Wrong {
        pod: bad("'seccomp.security.alpha.kubernetes.io/pod'"),
        container: format!("(has(c.name) && {own})"),
    }
}

fn seccomp_baseline() -> Wrong {
    of_contexts("seccompProfile", not_a_profile)
}

fn seccomp_restricted() -> Wrong {
    let own = |base: &str| {
        set(base, "securityContext.seccompProfile", |_| {
            "true".to_owned()
        })
    };
    let wrong = seccomp_baseline();
    Wrong {
        container: format!("({} || (!{} && !{}))", wrong.container, own("c"), own(POD)),
        ..wrong
    }
}

fn se_linux(minor: u16) -> Wrong {
    let mut types = vec!["", "container_t", "container_init_t", "container_kvm_t"];
    if minor >= 31 {
        types.push("container_engine_t");
    }
    let types = one_of(&types);
    of_contexts("seLinuxOptions", |options| {
        let kind = set(options, "type", |kind| format!("!({kind} in {types})"));
        let user = set(options, "user", |user| format!("{user} != ''"));
        let role = set(options, "role", |role| format!("{role} != ''"));
        format!("({kind} || {user} || {role})")
    })
}

fn sysctls(minor: u16) -> Wrong {
    let since = [
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
    let safe: Vec<&str> = since
        .iter()
        .filter(|(known, _)| *known <= minor)
        .map(|(_, name)| *name)
        .collect();
    let safe = one_of(&safe);
    of_pod(set(POD, "securityContext.sysctls", |all| {
        format!("{all}.exists(s, !(has(s.name) && s.name in {safe}))")
    }))
}

fn windows() -> Wrong {
    of_contexts("windowsOptions.hostProcess", |value| {
        format!("{value} == true")
    })
}

fn escalation() -> Wrong {
    let off = set("c", "securityContext.allowPrivilegeEscalation", |value| {
        format!("{value} == false")
    });
    of_container(format!("!{off}"))
}

fn volumes() -> Wrong {
    let allowed = one_of(&[
        "name",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]);
    of_pod(set(POD, "volumes", |all| {
        format!("{all}.exists(v, v.exists(k, !(k in {allowed})))")
    }))
}

/// A container that says nothing is told at the pod, where the pod says false.
fn run_as_non_root() -> Wrong {
    let said = |base: &str| set(base, "securityContext.runAsNonRoot", |_| "true".to_owned());
    let is_false = |base: &str| {
        set(base, "securityContext.runAsNonRoot", |value| {
            format!("{value} == false")
        })
    };
    Wrong {
        pod: is_false(POD),
        container: format!("({} || (!{} && !{}))", is_false("c"), said("c"), said(POD)),
    }
}

fn run_as_user() -> Wrong {
    of_contexts("runAsUser", |value| format!("{value} == 0"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use semantics::pod_security::CONTROLS;

    #[test]
    fn rows_are_those_of_the_controls() {
        let mut known: Vec<(&str, u16)> = CONTROLS
            .iter()
            .flat_map(|control| control.changes().map(|minor| (control.id, minor)))
            .collect();
        let mut rows: Vec<(&str, u16)> = ROWS.iter().map(|(id, since, _)| (*id, *since)).collect();
        known.sort_unstable();
        rows.sort_unstable();
        assert_eq!(rows, known);
    }
}
