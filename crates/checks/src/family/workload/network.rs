//! Ports of the node, of debuggers and of servers that no application needs, and whom probes may call.

use super::patterns::DEBUGGER;
use crate::rule::Mapping::{Attack, Cis, Microsoft, Owasp, Pss};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{TRUE, Test, Value, container, pod, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};

const PORTS: Scope = Scope::ContainerItems(Containers::Declared, "ports");

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-050",
        slug: "host-port",
        severity: Low,
        title: "container takes a port of the node",
        why: "it is reached at every address of the node, past Services and, with some network plugins, past policies. \
              Ingress controllers on bare metal and agents of the node need it",
        advice: "publish it through a Service",
        maps: &[
            Cis("5.2.12"),
            Pss("hostports"),
            Attack("T1133"),
            Owasp("K05"),
        ],
        form: Form::Each {
            scope: Scope::ContainerItems(Containers::All, "ports"),
            violated: Test::All(&[
                Test::Above(this(&["hostPort"]), 0),
                // With it every port is the node's, which is a rule of its own.
                Test::Not(&Test::Is(pod(&["hostNetwork"]), TRUE)),
                Test::Not(&Test::Starts(this(&["hostIP"]), &["127.", "::1"])),
            ]),
            at: this(&["hostPort"]),
        },
        fix: Fix::Remove(this(&["hostPort"]), Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-051",
        slug: "debug-port",
        severity: Medium,
        title: "container has a debugger's port",
        why: "debuggers of Java, Node.js, Go and Python run what is sent to them and ask for no password; profilers show \
              memory. The number alone is no proof: some applications use one of these for themselves",
        advice: "take the debugger out of the image's start, or bind it to 127.0.0.1 and use port-forward",
        maps: &[
            Attack("T1203"),
            Microsoft("Exposed sensitive interfaces"),
            Owasp("K06"),
        ],
        form: Form::Each {
            scope: PORTS,
            violated: Test::Any(&[
                // JDWP, Node.js, delve (twice), debugpy.
                Test::Is(this(&["containerPort"]), Value::Int(5005)),
                Test::Is(this(&["containerPort"]), Value::Int(9229)),
                Test::Is(this(&["containerPort"]), Value::Int(2345)),
                Test::Is(this(&["containerPort"]), Value::Int(40000)),
                Test::Is(this(&["containerPort"]), Value::Int(5678)),
                // pprof, unless it is named to be something else.
                Test::All(&[
                    Test::Is(this(&["containerPort"]), Value::Int(6060)),
                    Test::Empty(this(&["name"])),
                ]),
                Test::Matches(this(&["name"]), &DEBUGGER),
            ]),
            at: this(&["containerPort"]),
        },
        fix: Fix::RemoveItem(NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-052",
        slug: "ssh-port",
        severity: Low,
        title: "container has the port of an SSH server",
        why: "a way in that needs no Kubernetes rights and leaves no trace in the audit log. Git and file servers are made \
              to be reached so",
        advice: "use kubectl exec; give a git server its own port above 1024",
        maps: &[
            Attack("T1021.004"),
            Microsoft("SSH server running inside container"),
            Owasp("K06"),
        ],
        form: Form::Each {
            scope: PORTS,
            violated: Test::Is(this(&["containerPort"]), Value::Int(22)),
            at: this(&["containerPort"]),
        },
        fix: Fix::RemoveItem(NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-053",
        slug: "runtime-port",
        severity: High,
        title: "container has the open port of a container engine",
        why: "2375 is Docker's port without TLS: whoever reaches it starts privileged containers in the engine's pod, which is \
              mostly privileged itself",
        advice: "listen on 2376 with client certificates, or on a socket in a shared emptyDir",
        maps: &[Attack("T1610"), Owasp("K06")],
        form: Form::Each {
            scope: PORTS,
            violated: Test::Is(this(&["containerPort"]), Value::Int(2375)),
            at: this(&["containerPort"]),
        },
        fix: Fix::RemoveItem(NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-054",
        slug: "probe-names-host",
        severity: Medium,
        title: "probe or hook calls another host",
        why: "the kubelet makes the call from the node's network, where policies do not hold: who may create pods asks \
              metadata services and internal pages through it",
        advice: "leave host out; the kubelet then calls the pod itself",
        maps: &[
            Pss("hostprobesandhostlifecycle"),
            Attack("T1090"),
            Owasp("K05"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::Any(&[
                Test::Not(&Test::Empty(container(&[
                    "livenessProbe",
                    "httpGet",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "livenessProbe",
                    "tcpSocket",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "readinessProbe",
                    "httpGet",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "readinessProbe",
                    "tcpSocket",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "startupProbe",
                    "httpGet",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "startupProbe",
                    "tcpSocket",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "lifecycle",
                    "postStart",
                    "httpGet",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "lifecycle",
                    "postStart",
                    "tcpSocket",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "lifecycle",
                    "preStop",
                    "httpGet",
                    "host",
                ]))),
                Test::Not(&Test::Empty(container(&[
                    "lifecycle",
                    "preStop",
                    "tcpSocket",
                    "host",
                ]))),
            ]),
            at: container(&[]),
        },
        fix: Fix::All(&[
            Fix::Remove(container(&["livenessProbe", "httpGet", "host"]), NeedsTest),
            Fix::Remove(
                container(&["livenessProbe", "tcpSocket", "host"]),
                NeedsTest,
            ),
            Fix::Remove(container(&["readinessProbe", "httpGet", "host"]), NeedsTest),
            Fix::Remove(
                container(&["readinessProbe", "tcpSocket", "host"]),
                NeedsTest,
            ),
            Fix::Remove(container(&["startupProbe", "httpGet", "host"]), NeedsTest),
            Fix::Remove(container(&["startupProbe", "tcpSocket", "host"]), NeedsTest),
            Fix::Remove(
                container(&["lifecycle", "postStart", "httpGet", "host"]),
                NeedsTest,
            ),
            Fix::Remove(
                container(&["lifecycle", "postStart", "tcpSocket", "host"]),
                NeedsTest,
            ),
            Fix::Remove(
                container(&["lifecycle", "preStop", "httpGet", "host"]),
                NeedsTest,
            ),
            Fix::Remove(
                container(&["lifecycle", "preStop", "tcpSocket", "host"]),
                NeedsTest,
            ),
        ]),
        ..Rule::ROW
    },
];
