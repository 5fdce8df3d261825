//! AUD: what the audit log does not hold.

use crate::component::audit::{self, Level, Request};
use crate::component::{Bad, Components, Probe, Seen, api, documents};
use crate::rule::Mapping::{Attack, Cis, Nsa, Owasp};
use crate::rule::{Form, Rule};
use model::vulnerability::Severity::{High, Low, Medium};
use serde_json::Value;

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-AUD-001",
        slug: "audit-off",
        severity: Medium,
        title: "nothing is written to an audit log",
        why: "nobody can tell afterwards who read or changed what",
        advice: "set --audit-policy-file, and --audit-log-path or --audit-webhook-config-file",
        maps: &[
            Cis("1.2.16"),
            Cis("3.2.1"),
            Nsa("audit logging"),
            Attack("T1562.008"),
            Owasp("K10"),
        ],
        form: Form::Probe(Probe::Ask(documents::audit_off)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-002",
        slug: "audit-log-age",
        severity: Low,
        title: "audit files are not kept for 30 days",
        why: "an attack is often found after weeks: by then its traces are gone. No problem where the log is shipped",
        advice: "set --audit-log-maxage=30 or more",
        maps: &[Cis("1.2.17"), Owasp("K10")],
        form: Form::Probe(Probe::Setting(api("audit-log-maxage", "0"), Bad::Below(30))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-003",
        slug: "audit-log-count",
        severity: Low,
        title: "too few audit files are kept",
        why: "somebody who makes many requests pushes his traces out of the log",
        advice: "set --audit-log-maxbackup=10 or more, or ship the log",
        maps: &[Cis("1.2.18"), Owasp("K10")],
        form: Form::Probe(Probe::Setting(
            api("audit-log-maxbackup", "0"),
            Bad::Below(10),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-004",
        slug: "audit-log-size",
        severity: Low,
        title: "audit files are too small",
        why: "the log turns over fast, and with it what it knows",
        advice: "set --audit-log-maxsize=100 or more",
        maps: &[Cis("1.2.19"), Owasp("K10")],
        form: Form::Probe(Probe::Setting(
            api("audit-log-maxsize", "100"),
            Bad::Below(100),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-005",
        slug: "audit-only-on-node",
        severity: Low,
        title: "the audit log stays on the control-plane node",
        why: "who owns the node deletes it. No problem where an agent ships the file",
        advice: "set --audit-webhook-config-file, or ship the file with an agent",
        maps: &[Attack("T1070"), Owasp("K10")],
        form: Form::Probe(Probe::Setting(
            api("audit-webhook-config-file", ""),
            Bad::Absent,
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-010",
        slug: "audit-misses-secrets",
        severity: Medium,
        title: "reading of Secrets is not logged",
        why: "who took which Secret cannot be told, and all must be changed",
        advice: "log get, list and watch of secrets at level Metadata",
        maps: &[Cis("3.2.2"), Attack("T1552.007"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(misses_secrets)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-011",
        slug: "audit-logs-secret-values",
        severity: High,
        title: "values of Secrets or tokens are in the audit log",
        why: "who reads the log, or the system it is shipped to, has them. Requests and answers hold the values, metadata does not",
        advice: "log secrets, serviceaccounts/token and tokenreviews at level Metadata, in a rule before broader ones",
        maps: &[Cis("3.2.2"), Attack("T1552"), Owasp("K03")],
        form: Form::Probe(Probe::Ask(logs_values)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-012",
        slug: "audit-misses-exec",
        severity: Medium,
        title: "sessions in pods are not logged",
        why: "exec, attach, port-forward and proxy are what an intruder uses, and nobody sees it",
        advice: "log pods/exec, pods/attach, pods/portforward, pods/proxy, services/proxy and nodes/proxy",
        maps: &[Cis("3.2.2"), Attack("T1609"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(misses_exec)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-013",
        slug: "audit-misses-rights",
        severity: Medium,
        title: "changes of roles and bindings are not logged",
        why: "who gave himself rights, and when, cannot be told",
        advice: "log writes of rbac.authorization.k8s.io at level Request or more",
        maps: &[Cis("3.2.2"), Attack("T1098"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(misses_rights)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-014",
        slug: "audit-misses-workloads",
        severity: Medium,
        title: "changes of workloads are not logged",
        why: "a pod that somebody starts, changes or deletes leaves no trace",
        advice: "log create, update, patch and delete of pods and their controllers",
        maps: &[Cis("3.2.2"), Attack("T1610"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(misses_workloads)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-015",
        slug: "audit-misses-admission",
        severity: Medium,
        title: "changes of admission are not logged",
        why: "a webhook that reads every object, or a policy that is taken away, leaves no trace",
        advice: "log writes of admissionregistration.k8s.io and certificatesigningrequests",
        maps: &[Cis("3.2.2"), Attack("T1562"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(misses_admission)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-016",
        slug: "audit-silent-people",
        severity: High,
        title: "some people or strangers leave no trace",
        why: "a rule of level None for administrators, all accounts or strangers hides whatever they do",
        advice: "keep level None for single components and read-only health paths",
        maps: &[Cis("3.2.2"), Attack("T1562.008"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(silent_people)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-AUD-017",
        slug: "audit-omits-answers",
        severity: Medium,
        title: "the audit log does not say how requests ended",
        why: "without the stage ResponseComplete nobody can tell what was refused from what was done",
        advice: "leave only RequestReceived in omitStages",
        maps: &[Cis("3.2.2"), Owasp("K10")],
        form: Form::Probe(Probe::Ask(omits_answers)),
        ..Rule::ROW
    },
];

const READS: [&str; 3] = ["get", "list", "watch"];
const WRITES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];
const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// The requests of which nothing is written, as `verb resource`.
fn unwritten(policy: &Value, wanted: &[(&[&str], &str, &[&str])]) -> Vec<String> {
    let mut missing = Vec::new();
    for (verbs, group, resources) in wanted {
        for resource in *resources {
            let none = |verb: &&&str| {
                audit::level(policy, &Request::anybody(verb, group, resource)).0 == Level::None
            };
            let verbs: Vec<&str> = verbs.iter().filter(none).copied().collect();
            if !verbs.is_empty() {
                missing.push(format!("{} of {resource}", verbs.join(", ")));
            }
        }
    }
    missing
}

fn misses(
    components: &Components<'_>,
    what: &str,
    wanted: &[(&[&str], &str, &[&str])],
) -> Vec<Seen> {
    documents::policies(components, |policy| {
        let missing = unwritten(policy, wanted);
        if missing.is_empty() {
            Ok(format!("{what} are logged"))
        } else {
            Err(format!("not logged: {}", missing.join("; ")))
        }
    })
}

fn misses_secrets(components: &Components<'_>) -> Vec<Seen> {
    misses(
        components,
        "reads of Secrets",
        &[
            (&READS, "", &["secrets"]),
            (&["create"], "", &["serviceaccounts/token"]),
        ],
    )
}

/// `get` opens a stream, too, before 1.35.
fn misses_exec(components: &Components<'_>) -> Vec<Seen> {
    misses(
        components,
        "sessions in pods",
        &[(
            &["create", "get"],
            "",
            &[
                "pods/exec",
                "pods/attach",
                "pods/portforward",
                "pods/proxy",
                "services/proxy",
                "nodes/proxy",
            ],
        )],
    )
}

fn misses_rights(components: &Components<'_>) -> Vec<Seen> {
    misses(
        components,
        "changes of rights",
        &[(
            &WRITES,
            RBAC,
            &[
                "roles",
                "clusterroles",
                "rolebindings",
                "clusterrolebindings",
            ],
        )],
    )
}

fn misses_workloads(components: &Components<'_>) -> Vec<Seen> {
    misses(
        components,
        "changes of workloads",
        &[
            (&WRITES, "", &["pods", "pods/ephemeralcontainers"]),
            (
                &WRITES,
                "apps",
                &["deployments", "daemonsets", "statefulsets"],
            ),
            (&WRITES, "batch", &["jobs", "cronjobs"]),
        ],
    )
}

fn misses_admission(components: &Components<'_>) -> Vec<Seen> {
    misses(
        components,
        "changes of admission and certificates",
        &[
            (
                &WRITES,
                ADMISSION,
                &[
                    "validatingwebhookconfigurations",
                    "mutatingwebhookconfigurations",
                ],
            ),
            (
                &["create", "update", "patch"],
                "certificates.k8s.io",
                &[
                    "certificatesigningrequests",
                    "certificatesigningrequests/approval",
                ],
            ),
        ],
    )
}

/// Bodies are written from level Request on; the answer to a token request is written at RequestResponse.
fn logs_values(components: &Components<'_>) -> Vec<Seen> {
    const BODIES: [(&str, &str, &str, Level); 5] = [
        ("create", "", "secrets", Level::Request),
        ("update", "", "secrets", Level::Request),
        ("get", "", "secrets", Level::RequestResponse),
        (
            "create",
            "",
            "serviceaccounts/token",
            Level::RequestResponse,
        ),
        (
            "create",
            "authentication.k8s.io",
            "tokenreviews",
            Level::Request,
        ),
    ];
    documents::policies(components, |policy| {
        let wrong: Vec<String> = BODIES
            .iter()
            .filter(|(verb, group, resource, least)| {
                audit::level(policy, &Request::anybody(verb, group, resource)).0 >= *least
            })
            .map(|(verb, _, resource, _)| format!("{verb} {resource}"))
            .collect();
        if wrong.is_empty() {
            Ok("no values of Secrets are logged".to_owned())
        } else {
            Err(format!("bodies are logged: {}", wrong.join(", ")))
        }
    })
}

/// A rule of level None that somebody stands behind, whatever he asks for.
fn silent_people(components: &Components<'_>) -> Vec<Seen> {
    const WIDE: [&str; 4] = [
        "system:masters",
        "system:authenticated",
        "system:unauthenticated",
        "system:serviceaccounts",
    ];
    documents::policies(components, |policy| {
        let silent: Vec<&str> = WIDE
            .into_iter()
            .filter(|group| {
                let groups = [*group];
                let request = Request {
                    groups: &groups,
                    ..Request::anybody("delete", "", "pods")
                };
                let asked = audit::level(policy, &request);
                let anybody = Request {
                    groups: &[],
                    ..request
                };
                asked.0 == Level::None
                    && asked.1.is_some()
                    && audit::level(policy, &anybody).1 != asked.1
            })
            .collect();
        if silent.is_empty() {
            Ok("no group of people is left out".to_owned())
        } else {
            Err(format!("level None for {}", silent.join(", ")))
        }
    })
}

fn omits_answers(components: &Components<'_>) -> Vec<Seen> {
    documents::policies(components, |policy| {
        let omitted: Vec<&str> = ["ResponseComplete", "Panic"]
            .into_iter()
            .filter(|stage| audit::omits(policy, stage))
            .collect();
        if omitted.is_empty() {
            Ok("every request is written when it ends".to_owned())
        } else {
            Err(format!("omitStages has {}", omitted.join(", ")))
        }
    })
}
