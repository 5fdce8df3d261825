//! A row for each control of the standards.

use crate::rule::Mapping::{self, Cis, Owasp, Pss};
use crate::rule::{Fix, Form, Rule};
use crate::test::{container, pod, security, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{self, High, Low, Medium};

const fn row(
    (id, slug, control): (&'static str, &'static str, &'static str),
    severity: Severity,
    [title, why, advice]: [&'static str; 3],
    maps: &'static [Mapping],
    fix: Fix,
) -> Rule {
    Rule {
        id,
        slug,
        severity,
        title,
        why,
        advice,
        maps,
        form: Form::PodSecurity(control),
        fix,
        on: false,
        ..Rule::ROW
    }
}

pub(super) static RULES: &[Rule] = &[
    row(
        ("KP-PSS-001", "pss-apparmor-profile", "apparmorprofile"),
        Medium,
        [
            "AppArmor profile is not one that baseline admits",
            "without the node's profile mounts and tracing are no longer refused; the workload rule is apparmor-unconfined",
            "take RuntimeDefault or a profile that is loaded on the nodes",
        ],
        &[Pss("apparmorprofile"), Cis("5.6.3"), Owasp("K01")],
        Fix::Set(
            security(&["appArmorProfile", "type"]),
            "\"RuntimeDefault\"",
            NeedsTest,
        ),
    ),
    row(
        (
            "KP-PSS-002",
            "pss-capabilities-baseline",
            "capabilities_baseline",
        ),
        High,
        [
            "capability is added that baseline does not admit",
            "each of them widens what a break-in can do, some give the node; the workload rules are capability-owns-node, \
             capability-node-wide and capability-network",
            "drop what baseline does not admit",
        ],
        &[Pss("capabilities_baseline"), Cis("5.2.8"), Owasp("K01")],
        Fix::RemoveItem(Breaking),
    ),
    row(
        ("KP-PSS-003", "pss-host-namespaces", "hostnamespaces"),
        High,
        [
            "pod shares a namespace of the node",
            "processes, memory or network of the node are open to it; the workload rules are host-pid, host-ipc and \
             host-network",
            "leave hostPID, hostIPC and hostNetwork out",
        ],
        &[
            Pss("hostnamespaces"),
            Cis("5.2.3"),
            Cis("5.2.4"),
            Cis("5.2.5"),
            Owasp("K01"),
        ],
        Fix::All(&[
            Fix::Set(pod(&["hostPID"]), "false", Breaking),
            Fix::Set(pod(&["hostIPC"]), "false", Breaking),
            Fix::Set(pod(&["hostNetwork"]), "false", Breaking),
        ]),
    ),
    row(
        ("KP-PSS-004", "pss-host-path-volumes", "hostpathvolumes"),
        Medium,
        [
            "path of the node is mounted",
            "what lies there is shared with the node, read-only or not; the workload rules host-path-* tell which paths \
             matter most",
            "use a PersistentVolumeClaim or an emptyDir",
        ],
        &[Pss("hostpathvolumes"), Cis("5.2.10"), Owasp("K01")],
        Fix::None,
    ),
    row(
        ("KP-PSS-005", "pss-host-ports", "hostports"),
        Low,
        [
            "port of the node is taken",
            "it is reached at every address of the node, past Services; the workload rule is host-port",
            "publish it through a Service",
        ],
        &[Pss("hostports"), Cis("5.2.12"), Owasp("K05")],
        Fix::Remove(this(&["hostPort"]), Breaking),
    ),
    row(
        (
            "KP-PSS-006",
            "pss-host-probes",
            "hostprobesandhostlifecycle",
        ),
        Medium,
        [
            "probe or hook names a host",
            "the kubelet calls it from the node's network; the workload rule is probe-names-host",
            "leave host out; the kubelet then calls the pod itself",
        ],
        &[Pss("hostprobesandhostlifecycle"), Owasp("K05")],
        Fix::None,
    ),
    row(
        ("KP-PSS-007", "pss-privileged", "privileged"),
        High,
        [
            "container is privileged",
            "whoever runs code in it owns the node; the workload rule is privileged-container",
            "name the capabilities or devices that it really needs instead",
        ],
        &[Pss("privileged"), Cis("5.2.2"), Owasp("K01")],
        Fix::Set(
            container(&["securityContext", "privileged"]),
            "false",
            NeedsTest,
        ),
    ),
    row(
        ("KP-PSS-008", "pss-proc-mount", "procmount"),
        Medium,
        [
            "/proc is not mounted with the default masks",
            "settings of the kernel that runtimes hide are open; the workload rule is proc-unmasked",
            "leave procMount out, or set hostUsers to false beside it",
        ],
        &[Pss("procmount"), Owasp("K01")],
        Fix::Remove(container(&["securityContext", "procMount"]), NeedsTest),
    ),
    row(
        (
            "KP-PSS-009",
            "pss-seccomp-baseline",
            "seccompprofile_baseline",
        ),
        Medium,
        [
            "filter of system calls is switched off",
            "every system call of the kernel is open; the workload rule is seccomp-unconfined",
            "take RuntimeDefault",
        ],
        &[Pss("seccompprofile_baseline"), Cis("5.6.2"), Owasp("K01")],
        Fix::Set(
            security(&["seccompProfile", "type"]),
            "\"RuntimeDefault\"",
            NeedsTest,
        ),
    ),
    row(
        ("KP-PSS-010", "pss-selinux-options", "selinuxoptions"),
        Medium,
        [
            "SELinux type, user or role is not one that baseline admits",
            "a type without walls opens the node's files; the workload rule is selinux-unconfined",
            "leave user and role out, and take one of the container types",
        ],
        &[Pss("selinuxoptions"), Cis("5.6.3"), Owasp("K01")],
        Fix::All(&[
            Fix::Remove(security(&["seLinuxOptions", "type"]), NeedsTest),
            Fix::Remove(security(&["seLinuxOptions", "user"]), NeedsTest),
            Fix::Remove(security(&["seLinuxOptions", "role"]), NeedsTest),
        ]),
    ),
    row(
        ("KP-PSS-011", "pss-sysctls", "sysctls"),
        Medium,
        [
            "kernel parameter is set that baseline does not admit",
            "it may disturb other pods of the node; the workload rule is unsafe-sysctl",
            "tune the node instead",
        ],
        &[Pss("sysctls"), Owasp("K01")],
        Fix::None,
    ),
    row(
        (
            "KP-PSS-012",
            "pss-windows-host-process",
            "windowshostprocess",
        ),
        High,
        [
            "container is a process of the Windows node",
            "whoever runs code in it owns the node; the workload rule is windows-host-process",
            "run it as an ordinary Windows container",
        ],
        &[Pss("windowshostprocess"), Cis("5.2.11"), Owasp("K01")],
        Fix::Set(
            security(&["windowsOptions", "hostProcess"]),
            "false",
            Breaking,
        ),
    ),
    row(
        (
            "KP-PSS-020",
            "pss-privilege-escalation",
            "allowprivilegeescalation",
        ),
        Low,
        [
            "allowPrivilegeEscalation is not false",
            "a setuid program in the image makes root of any user; the workload rule is privilege-escalation",
            "set it to false",
        ],
        &[Pss("allowprivilegeescalation"), Cis("5.2.6"), Owasp("K01")],
        Fix::Set(
            container(&["securityContext", "allowPrivilegeEscalation"]),
            "false",
            NeedsTest,
        ),
    ),
    row(
        (
            "KP-PSS-021",
            "pss-capabilities-restricted",
            "capabilities_restricted",
        ),
        Low,
        [
            "capabilities are kept or added that restricted does not admit",
            "applications seldom use one of them; the workload rule is capabilities-kept",
            "drop ALL, and add NET_BIND_SERVICE at most",
        ],
        &[Pss("capabilities_restricted"), Cis("5.2.9"), Owasp("K01")],
        Fix::Set(
            container(&["securityContext", "capabilities"]),
            "{\"drop\":[\"ALL\"]}",
            NeedsTest,
        ),
    ),
    row(
        (
            "KP-PSS-022",
            "pss-proc-mount-restricted",
            "procmount_restricted",
        ),
        Low,
        [
            "/proc is not mounted with the default masks, in a user namespace or not",
            "restricted takes no exception for user namespaces; the workload rule is proc-unmasked",
            "leave procMount out",
        ],
        &[Pss("procmount_restricted"), Owasp("K01")],
        Fix::Remove(container(&["securityContext", "procMount"]), NeedsTest),
    ),
    row(
        ("KP-PSS-023", "pss-volumes", "restrictedvolumes"),
        Low,
        [
            "volume is of a type that restricted does not admit",
            "it reaches past the cluster's own storage; the workload rules are host-path-*, network-volume, flex-volume and \
             git-repo-volume",
            "put network storage behind a PersistentVolumeClaim",
        ],
        &[Pss("restrictedvolumes"), Owasp("K01")],
        Fix::None,
    ),
    row(
        ("KP-PSS-024", "pss-run-as-non-root", "runasnonroot"),
        Low,
        [
            "nothing demands that the container is not root",
            "the image decides, and may be root; the workload rule is may-run-as-root",
            "set runAsNonRoot to true for the pod",
        ],
        &[Pss("runasnonroot"), Cis("5.2.7"), Owasp("K01")],
        Fix::Set(security(&["runAsNonRoot"]), "true", NeedsTest),
    ),
    row(
        ("KP-PSS-025", "pss-run-as-user", "runasuser"),
        Low,
        [
            "user is root",
            "user 0 in the container is user 0 on the node as soon as one wall falls; the workload rule is runs-as-root",
            "take a user above 0",
        ],
        &[Pss("runasuser"), Cis("5.2.7"), Owasp("K01")],
        Fix::Set(security(&["runAsUser"]), "65532", Breaking),
    ),
    row(
        (
            "KP-PSS-026",
            "pss-seccomp-restricted",
            "seccompprofile_restricted",
        ),
        Low,
        [
            "no filter of system calls is demanded",
            "restricted wants it to be said, whatever the kubelet's default is; the workload rule is seccomp-unset",
            "set seccompProfile to RuntimeDefault for the pod",
        ],
        &[Pss("seccompprofile_restricted"), Cis("5.6.2"), Owasp("K01")],
        Fix::Set(
            security(&["seccompProfile"]),
            "{\"type\":\"RuntimeDefault\"}",
            NeedsTest,
        ),
    ),
];
