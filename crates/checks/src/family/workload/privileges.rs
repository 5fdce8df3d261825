//! Who a container runs as, what it may do beyond that, and which walls of the node it goes without.

use super::NOT_WINDOWS;
use super::patterns::{ALL, NODE_WIDE, OF_NETWORK, OWNING};
use crate::rule::Mapping::{Attack, Cis, Cve, Microsoft, Nsa, Owasp, Pss};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{FALSE, TRUE, Test, Value, container, item, pod, security, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};

/// A privileged container has everything that these rules are about; one rule says so.
const NOT_PRIVILEGED: Test = Test::Not(&Test::Is(
    container(&["securityContext", "privileged"]),
    TRUE,
));
/// Root of a user namespace of its own is nobody on the node (KEP-127).
const OWN_USERS: Test = Test::All(&[Test::Since(33), Test::Is(pod(&["hostUsers"]), FALSE)]);
const WINDOWS_HOST: Test = Test::Any(&[
    Test::Is(
        container(&["securityContext", "windowsOptions", "hostProcess"]),
        TRUE,
    ),
    Test::All(&[
        Test::Is(
            pod(&["securityContext", "windowsOptions", "hostProcess"]),
            TRUE,
        ),
        Test::Not(&Test::Set(container(&[
            "securityContext",
            "windowsOptions",
            "hostProcess",
        ]))),
    ]),
]);

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-001",
        slug: "privileged-container",
        severity: High,
        title: "container runs privileged",
        why: "a process in it has every capability and every device of the node: whoever runs code in it owns the node. \
              Storage and network plugins need it; applications do not, and init containers seldom",
        advice: "name the capabilities or devices that it really needs instead",
        maps: &[
            Cis("5.2.2"),
            Pss("privileged"),
            Nsa("non-privileged containers"),
            Attack("T1611"),
            Microsoft("Privileged container"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::Is(container(&["securityContext", "privileged"]), TRUE),
            at: container(&["securityContext", "privileged"]),
        },
        fix: Fix::Set(
            container(&["securityContext", "privileged"]),
            "false",
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-002",
        slug: "host-pid",
        severity: High,
        title: "pod shares the node's processes",
        why: "a process in it sees the arguments and environment of every process of the node, and with a capability more \
              takes them over",
        advice: "node agents need it; anything else reads what it needs from the API",
        maps: &[
            Cis("5.2.3"),
            Pss("hostnamespaces"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Is(pod(&["hostPID"]), TRUE),
            at: pod(&["hostPID"]),
        },
        fix: Fix::Set(pod(&["hostPID"]), "false", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-003",
        slug: "host-ipc",
        severity: Medium,
        title: "pod shares the node's interprocess communication",
        why: "shared memory and semaphores of the node's processes and of other pods like it can be read and changed. \
              Old databases and trading software use it; hardly anything else",
        advice: "give processes that share memory one pod, with an emptyDir of medium Memory",
        maps: &[
            Cis("5.2.4"),
            Pss("hostnamespaces"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Is(pod(&["hostIPC"]), TRUE),
            at: pod(&["hostIPC"]),
        },
        fix: Fix::Set(pod(&["hostIPC"]), "false", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-004",
        slug: "host-network",
        severity: Medium,
        title: "pod uses the node's network",
        why: "it reaches what listens on the node's loopback and the cloud's metadata service as the node, and no \
              NetworkPolicy holds it. Network plugins, node agents and some ingress controllers need it",
        advice: "publish single ports through a Service or a hostPort",
        maps: &[
            Cis("5.2.5"),
            Pss("hostnamespaces"),
            Attack("T1552.005"),
            Owasp("K05"),
        ],
        form: Form::Each {
            scope: Scope::Pod,
            // A process of a Windows node has the node's network in any case.
            violated: Test::All(&[Test::Is(pod(&["hostNetwork"]), TRUE), NOT_WINDOWS]),
            at: pod(&["hostNetwork"]),
        },
        fix: Fix::Set(pod(&["hostNetwork"]), "false", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-005",
        slug: "shared-process-namespace",
        severity: Low,
        title: "containers of the pod see each other's processes",
        why: "whoever breaks into one container reads the environment and files of the others through /proc. \
              It is no problem where all of them hold the same secrets",
        advice: "leave it out; where a helper must signal a process, let it run in the same container",
        maps: &[Attack("T1057"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Is(pod(&["shareProcessNamespace"]), TRUE),
            at: pod(&["shareProcessNamespace"]),
        },
        fix: Fix::Set(pod(&["shareProcessNamespace"]), "false", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-006",
        slug: "windows-host-process",
        severity: High,
        title: "container is a process of the Windows node",
        why: "it runs on the node without any wall, often as SYSTEM: whoever runs code in it owns the node. \
              Network and storage agents of Windows nodes need it",
        advice: "run applications as ordinary Windows containers",
        maps: &[
            Cis("5.2.11"),
            Pss("windowshostprocess"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: WINDOWS_HOST,
            at: security(&["windowsOptions", "hostProcess"]),
        },
        fix: Fix::Set(
            security(&["windowsOptions", "hostProcess"]),
            "false",
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-007",
        slug: "privilege-escalation",
        severity: Low,
        title: "processes may gain privileges",
        why: "a setuid program in the image, or a flaw of one, makes root of any user. Nothing says no unless \
              allowPrivilegeEscalation is false",
        advice: "set it to false; only images that call sudo or ping with file capabilities notice",
        maps: &[
            Cis("5.2.6"),
            Pss("allowprivilegeescalation"),
            Attack("T1548.001"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::All(&[
                Test::Not(&Test::Is(
                    this(&["securityContext", "allowPrivilegeEscalation"]),
                    FALSE,
                )),
                NOT_PRIVILEGED,
                // The API server refuses false beside it.
                Test::Not(&Test::Some(
                    this(&["securityContext", "capabilities", "add"]),
                    &Test::Matches(item(&[]), &OWNING),
                )),
                NOT_WINDOWS,
            ]),
            at: this(&["securityContext", "allowPrivilegeEscalation"]),
        },
        fix: Fix::Set(
            this(&["securityContext", "allowPrivilegeEscalation"]),
            "false",
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-008",
        slug: "host-users",
        severity: Low,
        title: "pod shares the node's user ids",
        why: "a process that breaks out keeps its user id: root stays root. With hostUsers false it would be nobody on \
              the node, which stops most escapes known so far",
        advice: "set hostUsers to false where the node's file systems and the volumes take it (Kubernetes 1.33)",
        maps: &[
            Nsa("non-root containers"),
            Attack("T1611"),
            Cve("CVE-2021-30465"),
            Cve("CVE-2025-31133"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::Not(&Test::Is(pod(&["hostUsers"]), FALSE)),
                Test::Not(&Test::Is(pod(&["hostNetwork"]), TRUE)),
                Test::Not(&Test::Is(pod(&["hostPID"]), TRUE)),
                Test::Not(&Test::Is(pod(&["hostIPC"]), TRUE)),
                NOT_WINDOWS,
            ]),
            at: pod(&["hostUsers"]),
        },
        fix: Fix::Set(pod(&["hostUsers"]), "false", NeedsTest),
        minors: (33, u16::MAX),
        on: false,
    },
    Rule {
        id: "KP-WL-010",
        slug: "may-run-as-root",
        severity: Medium,
        title: "container may run as root",
        why: "root in the container is root on the node as soon as one wall of it falls, and nothing here keeps the image \
              from being root",
        advice: "give the image a USER with a number, and say runAsNonRoot",
        maps: &[
            Cis("5.2.7"),
            Pss("runasnonroot"),
            Nsa("non-root containers"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Not(&Test::Is(security(&["runAsNonRoot"]), TRUE)),
                // A number decides: 0 is the next rule's.
                Test::Not(&Test::Above(security(&["runAsUser"]), -1)),
                Test::Not(&OWN_USERS),
                NOT_WINDOWS,
            ]),
            at: security(&["runAsNonRoot"]),
        },
        fix: Fix::Set(security(&["runAsNonRoot"]), "true", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-011",
        slug: "runs-as-root",
        severity: Medium,
        title: "container runs as root",
        why: "user 0 in the container is user 0 on the node as soon as one wall of it falls, and owns every file that it \
              can see until then",
        advice: "give it a user above 0 that owns what it writes; ports below 1024 need no root any more",
        maps: &[
            Cis("5.2.7"),
            Pss("runasuser"),
            Nsa("non-root containers"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Is(security(&["runAsUser"]), Value::Int(0)),
                // Together they keep the pod from starting.
                Test::Not(&Test::Is(security(&["runAsNonRoot"]), TRUE)),
                Test::Not(&OWN_USERS),
                NOT_WINDOWS,
            ]),
            at: security(&["runAsUser"]),
        },
        fix: Fix::All(&[
            Fix::Set(security(&["runAsUser"]), "65532", Breaking),
            Fix::Set(security(&["runAsNonRoot"]), "true", Breaking),
        ]),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-012",
        slug: "root-group",
        severity: Low,
        title: "pod says that it runs in root's group",
        why: "files of the node and of volumes that group 0 may write are open to it as soon as one wall falls. \
              OpenShift's images are made for group 0, and other users are told apart there",
        advice: "take a group above 0 that owns what the pod writes",
        maps: &[Nsa("non-root containers"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::All(&[
                Test::Is(security(&["runAsGroup"]), Value::Int(0)),
                // Root itself is told by the rule about users.
                Test::Above(security(&["runAsUser"]), 0),
                Test::Not(&OWN_USERS),
                NOT_WINDOWS,
            ]),
            at: security(&["runAsGroup"]),
        },
        fix: Fix::Set(security(&["runAsGroup"]), "65532", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-013",
        slug: "windows-administrator",
        severity: Medium,
        title: "Windows container runs as administrator",
        why: "ContainerAdministrator may load and change what a flaw of the Windows kernel is looked for with; \
              ContainerUser may not",
        advice: "run as ContainerUser",
        maps: &[Nsa("non-root containers"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::In(
                security(&["windowsOptions", "runAsUserName"]),
                &["ContainerAdministrator", "NT AUTHORITY\\SYSTEM"],
            ),
            at: security(&["windowsOptions", "runAsUserName"]),
        },
        fix: Fix::Set(
            security(&["windowsOptions", "runAsUserName"]),
            "\"ContainerUser\"",
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-014",
        slug: "capability-owns-node",
        severity: High,
        title: "container has a capability that gives the node",
        why: "SYS_ADMIN, SYS_MODULE, SYS_RAWIO, DAC_READ_SEARCH, BPF, MAC_ADMIN and ALL each lead out of the container by a \
              known way: mounts, modules, raw memory, open file handles. Plugins and monitors of the node use them",
        advice: "look up the one system call that fails without it, and the smaller capability that allows it",
        maps: &[
            Cis("5.2.8"),
            Pss("capabilities_baseline"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Some(
                    this(&["securityContext", "capabilities", "add"]),
                    &Test::Matches(item(&[]), &OWNING),
                ),
                NOT_PRIVILEGED,
            ]),
            at: this(&["securityContext", "capabilities", "add"]),
        },
        fix: Fix::Drop(
            this(&["securityContext", "capabilities", "add"]),
            &[
                "ALL",
                "CAP_ALL",
                "SYS_ADMIN",
                "CAP_SYS_ADMIN",
                "SYS_MODULE",
                "CAP_SYS_MODULE",
                "SYS_RAWIO",
                "CAP_SYS_RAWIO",
                "DAC_READ_SEARCH",
                "CAP_DAC_READ_SEARCH",
                "BPF",
                "CAP_BPF",
                "MAC_ADMIN",
                "CAP_MAC_ADMIN",
            ],
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-015",
        slug: "capability-node-wide",
        severity: Medium,
        title: "container has a capability over what all pods share",
        why: "the clock, the kernel's log, auditing, performance counters or other processes of the node are open to it; \
              SYS_PTRACE beside hostPID takes over any process of the node. Profilers and time daemons need one of them",
        advice: "drop it, or keep it in one small container that nothing from outside talks to",
        maps: &[
            Cis("5.2.8"),
            Pss("capabilities_baseline"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Some(
                    this(&["securityContext", "capabilities", "add"]),
                    &Test::Matches(item(&[]), &NODE_WIDE),
                ),
                NOT_PRIVILEGED,
            ]),
            at: this(&["securityContext", "capabilities", "add"]),
        },
        fix: Fix::Drop(
            this(&["securityContext", "capabilities", "add"]),
            &[
                "SYS_PTRACE",
                "CAP_SYS_PTRACE",
                "SYS_BOOT",
                "CAP_SYS_BOOT",
                "SYS_TIME",
                "CAP_SYS_TIME",
                "SYSLOG",
                "CAP_SYSLOG",
                "PERFMON",
                "CAP_PERFMON",
                "MAC_OVERRIDE",
                "CAP_MAC_OVERRIDE",
                "AUDIT_CONTROL",
                "CAP_AUDIT_CONTROL",
                "AUDIT_READ",
                "CAP_AUDIT_READ",
                "LINUX_IMMUTABLE",
                "CAP_LINUX_IMMUTABLE",
                "SYS_TTY_CONFIG",
                "CAP_SYS_TTY_CONFIG",
                "CHECKPOINT_RESTORE",
                "CAP_CHECKPOINT_RESTORE",
                "SYS_PACCT",
                "CAP_SYS_PACCT",
            ],
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-016",
        slug: "capability-network",
        severity: Medium,
        title: "container may change or forge network traffic",
        why: "with NET_ADMIN or NET_RAW it listens to and answers for other pods on the same link (ARP and DNS spoofing); \
              on the node's network it rules the node's firewall. Service meshes' init containers and VPNs need NET_ADMIN",
        advice: "let the network plugin redirect traffic (Istio CNI, Linkerd CNI); ping needs no NET_RAW any more",
        maps: &[
            Cis("5.2.8"),
            Pss("capabilities_baseline"),
            Attack("T1557"),
            Microsoft("ARP poisoning and IP spoofing"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::All(&[
                Test::Some(
                    this(&["securityContext", "capabilities", "add"]),
                    &Test::Matches(item(&[]), &OF_NETWORK),
                ),
                NOT_PRIVILEGED,
            ]),
            at: this(&["securityContext", "capabilities", "add"]),
        },
        fix: Fix::Drop(
            this(&["securityContext", "capabilities", "add"]),
            &["NET_ADMIN", "CAP_NET_ADMIN", "NET_RAW", "CAP_NET_RAW"],
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-017",
        slug: "capabilities-kept",
        severity: Low,
        title: "container keeps the runtime's default capabilities",
        why: "about a dozen capabilities stay that applications do not use, among them the one to forge packets where the \
              runtime gives it. Programs that run as another user than root have none of them in effect",
        advice: "drop ALL, and add back NET_BIND_SERVICE or what a test shows to be missing",
        maps: &[Cis("5.2.9"), Pss("capabilities_restricted"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::All(&[
                Test::Not(&Test::Some(
                    this(&["securityContext", "capabilities", "drop"]),
                    &Test::Matches(item(&[]), &ALL),
                )),
                NOT_PRIVILEGED,
                NOT_WINDOWS,
            ]),
            at: this(&["securityContext", "capabilities", "drop"]),
        },
        fix: Fix::Set(
            this(&["securityContext", "capabilities", "drop"]),
            "[\"ALL\"]",
            NeedsTest,
        ),
        ..Rule::ROW
    },
];
