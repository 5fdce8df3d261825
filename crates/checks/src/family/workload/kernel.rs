//! The walls between a container and the node's kernel: seccomp, AppArmor, SELinux, /proc, sysctls, its own files.

use super::NOT_WINDOWS;
use crate::rule::Mapping::{Attack, Cis, Cve, Nsa, Owasp, Pss};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{FALSE, TRUE, Test, Value, container, item, pod, pod_metadata, security, this};
use model::action::FixClass::NeedsTest;
use model::vulnerability::Severity::{High, Low, Medium};

/// Privileged containers run without any of these walls; that is a rule of its own.
const NOT_PRIVILEGED: Test = Test::Not(&Test::Is(
    container(&["securityContext", "privileged"]),
    TRUE,
));

/// Namespaced sysctls that the kubelet allows by itself (its documentation, up to 1.37).
const SAFE_SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-040",
        slug: "seccomp-unconfined",
        severity: Medium,
        title: "filter of system calls is switched off",
        why: "every system call of the kernel is open to the container, among them those that most kernel exploits begin with",
        advice: "take RuntimeDefault; debuggers and some databases want one call more, which a profile of their own allows",
        maps: &[
            Cis("5.6.2"),
            Pss("seccompprofile_baseline"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Is(
                    security(&["seccompProfile", "type"]),
                    Value::Text("Unconfined"),
                ),
                NOT_PRIVILEGED,
            ]),
            at: security(&["seccompProfile", "type"]),
        },
        fix: Fix::Set(
            security(&["seccompProfile", "type"]),
            "\"RuntimeDefault\"",
            NeedsTest,
        ),
        minors: (19, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-041",
        slug: "seccomp-unset",
        severity: Low,
        title: "no filter of system calls is asked for",
        why: "unless the kubelet's seccompDefault says otherwise, every system call of the kernel is open to the container",
        advice: "ask for RuntimeDefault in the pod; nearly every application runs with it",
        maps: &[
            Cis("5.6.2"),
            Pss("seccompprofile_restricted"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::All(&[
                Test::Empty(security(&["seccompProfile", "type"])),
                // The annotation counted until 1.27 (KEP-135).
                Test::Any(&[
                    Test::Since(27),
                    Test::Empty(pod_metadata(&[
                        "annotations",
                        "seccomp.security.alpha.kubernetes.io/pod",
                    ])),
                ]),
                NOT_PRIVILEGED,
                NOT_WINDOWS,
            ]),
            at: security(&["seccompProfile", "type"]),
        },
        fix: Fix::Set(
            security(&["seccompProfile"]),
            "{\"type\":\"RuntimeDefault\"}",
            NeedsTest,
        ),
        minors: (19, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-042",
        slug: "apparmor-unconfined",
        severity: Medium,
        title: "AppArmor is switched off for the container",
        why: "mounts, /proc/sys and tracing are no longer refused by the node's profile. On nodes without AppArmor it changes \
              nothing",
        advice: "take RuntimeDefault, or load a profile that allows the one thing that failed",
        maps: &[
            Cis("5.6.3"),
            Pss("apparmorprofile"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Is(
                    security(&["appArmorProfile", "type"]),
                    Value::Text("Unconfined"),
                ),
                NOT_PRIVILEGED,
            ]),
            at: security(&["appArmorProfile", "type"]),
        },
        fix: Fix::Set(
            security(&["appArmorProfile", "type"]),
            "\"RuntimeDefault\"",
            NeedsTest,
        ),
        minors: (30, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-043",
        slug: "selinux-unconfined",
        severity: Medium,
        title: "SELinux type of the container opens the node",
        why: "spc_t and unconfined_t are types without walls: files and processes of the node are no longer refused. \
              On nodes without SELinux it changes nothing",
        advice: "leave the type out; container_t with the volume's labels is enough for applications",
        maps: &[
            Cis("5.6.3"),
            Pss("selinuxoptions"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::In(
                    security(&["seLinuxOptions", "type"]),
                    &["spc_t", "unconfined_t", "container_engine_t"],
                ),
                NOT_PRIVILEGED,
            ]),
            at: security(&["seLinuxOptions", "type"]),
        },
        fix: Fix::Remove(security(&["seLinuxOptions", "type"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-044",
        slug: "proc-unmasked",
        severity: Medium,
        title: "/proc is mounted without its masks",
        why: "settings and memory of the kernel that runtimes hide are open to root in the container. Inside a user namespace \
              of its own, where builders need it, the kernel itself says no",
        advice: "leave procMount out, or set hostUsers to false beside it",
        maps: &[Pss("procmount"), Attack("T1611"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Is(
                    this(&["securityContext", "procMount"]),
                    Value::Text("Unmasked"),
                ),
                Test::Not(&Test::Is(pod(&["hostUsers"]), FALSE)),
            ]),
            at: this(&["securityContext", "procMount"]),
        },
        fix: Fix::Remove(this(&["securityContext", "procMount"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-045",
        slug: "writable-root",
        severity: Low,
        title: "container can write to its own image's files",
        why: "whoever breaks in drops and replaces programs there. It is no problem for the node; it makes a break-in easier \
              to keep until the next restart",
        advice: "set readOnlyRootFilesystem, and mount an emptyDir where it writes, often /tmp",
        maps: &[
            Nsa("immutable container file systems"),
            Attack("T1105"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::Lasting),
            violated: Test::All(&[
                Test::Not(&Test::Is(
                    this(&["securityContext", "readOnlyRootFilesystem"]),
                    TRUE,
                )),
                NOT_PRIVILEGED,
                NOT_WINDOWS,
            ]),
            at: this(&["securityContext", "readOnlyRootFilesystem"]),
        },
        fix: Fix::Set(
            this(&["securityContext", "readOnlyRootFilesystem"]),
            "true",
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-046",
        slug: "unsafe-sysctl",
        severity: Medium,
        title: "pod sets a kernel parameter that is not safe",
        why: "it may starve or disturb other pods of the node, or weaken the node. The kubelet refuses it unless its \
              administrators allowed that parameter",
        advice: "tune the node once for all, and leave the parameter out",
        maps: &[Pss("sysctls"), Attack("T1499"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Some(
                pod(&["securityContext", "sysctls"]),
                &Test::Not(&Test::In(item(&["name"]), SAFE_SYSCTLS)),
            ),
            at: pod(&["securityContext", "sysctls"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-047",
        slug: "sysctl-injection",
        severity: High,
        title: "value of a kernel parameter hides a second one",
        why: "CRI-O before 1.23.2 cut the value at its plus sign and set what followed on the node, core_pattern among others: \
              root on the node. No parameter that pods may set has such a value",
        advice: "find out who wrote it; update CRI-O",
        maps: &[Attack("T1611"), Cve("CVE-2022-0811"), Owasp("K07")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Some(
                pod(&["securityContext", "sysctls"]),
                &Test::Contains(item(&["value"]), &["+", "="]),
            ),
            at: pod(&["securityContext", "sysctls"]),
        },
        fix: Fix::Remove(pod(&["securityContext", "sysctls"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-048",
        slug: "working-directory-in-proc",
        severity: High,
        title: "container begins in a folder of open files",
        why: "runc before 1.1.12 left a folder of the node open: a working directory of /proc/self/fd/N is that folder. No \
              application begins there",
        advice: "find out who wrote it; update runc",
        maps: &[Attack("T1611"), Cve("CVE-2024-21626"), Owasp("K07")],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::Starts(
                this(&["workingDir"]),
                &["/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"],
            ),
            at: this(&["workingDir"]),
        },
        fix: Fix::Remove(this(&["workingDir"]), NeedsTest),
        ..Rule::ROW
    },
];
