//! What command lines give away. Of objects that were collected the first word of a command and the names of flags are
//! left; files that a policy sees at admission are there in full.

use super::patterns::{DOWNLOADS, INSTALLS, SSH_SERVER, SUDO};
use crate::rule::Mapping::{Attack, Microsoft, Owasp};
use crate::rule::{Containers, Form, Rule, Scope};
use crate::test::{Test, container, item};
use model::vulnerability::Severity::{Low, Medium};

const ALL: Scope = Scope::Containers(Containers::All);

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-080",
        slug: "installs-at-start",
        severity: Low,
        title: "container installs software when it starts",
        why: "what runs is decided by mirrors at that moment: no scan has seen it, and it needs root and the internet",
        advice: "build an image that has it",
        maps: &[Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Any(&[
                Test::Some(
                    container(&["command"]),
                    &Test::Matches(item(&[]), &INSTALLS),
                ),
                Test::Some(container(&["args"]), &Test::Matches(item(&[]), &INSTALLS)),
            ]),
            at: container(&[]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-081",
        slug: "sudo-in-command",
        severity: Low,
        title: "container starts its program with sudo",
        why: "it must be allowed to gain privileges for that, and so may whoever breaks in",
        advice: "let the image start as the right user",
        maps: &[Attack("T1548.003"), Owasp("K01")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Any(&[
                Test::Some(container(&["command"]), &Test::Matches(item(&[]), &SUDO)),
                Test::Some(container(&["args"]), &Test::Matches(item(&[]), &SUDO)),
            ]),
            at: container(&[]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-082",
        slug: "ssh-server",
        severity: Medium,
        title: "container starts an SSH server",
        why: "a way in that needs no Kubernetes rights and leaves no trace in the audit log. Git and file servers are made \
              to be reached so",
        advice: "use kubectl exec",
        maps: &[
            Attack("T1021.004"),
            Microsoft("SSH server running inside container"),
            Owasp("K06"),
        ],
        form: Form::Each {
            scope: ALL,
            violated: Test::Any(&[
                Test::Some(
                    container(&["command"]),
                    &Test::Matches(item(&[]), &SSH_SERVER),
                ),
                Test::Some(container(&["args"]), &Test::Matches(item(&[]), &SSH_SERVER)),
            ]),
            at: container(&[]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-083",
        slug: "runs-download",
        severity: Medium,
        title: "container pipes a download into a shell",
        why: "whoever holds the page runs code here at every start, and no scan sees what",
        advice: "put the script into the image or a ConfigMap",
        maps: &[Attack("T1105"), Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Any(&[
                Test::Some(
                    container(&["command"]),
                    &Test::Matches(item(&[]), &DOWNLOADS),
                ),
                Test::Some(container(&["args"]), &Test::Matches(item(&[]), &DOWNLOADS)),
            ]),
            at: container(&[]),
        },
        ..Rule::ROW
    },
];
