//! ADM: what stands at admission, and how one gets past it.

mod cluster;
mod policies;
mod webhooks;

use crate::rule::Mapping::{Attack, Cis, Microsoft, Nsa, Owasp};
use crate::rule::{Fix, Form, Rule, Scope};
use crate::test::{Test, Value, item, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};
use regex::Regex;
use std::sync::LazyLock;
use webhooks::{GUARDED, GUARDED_GROUPS};

type Kinds = &'static [(&'static str, &'static str)];

const GROUP: &str = "admissionregistration.k8s.io";
const VALIDATING: Kinds = &[(GROUP, "ValidatingWebhookConfiguration")];
const MUTATING: Kinds = &[(GROUP, "MutatingWebhookConfiguration")];
const BOTH: Kinds = &[
    (GROUP, "MutatingWebhookConfiguration"),
    (GROUP, "ValidatingWebhookConfiguration"),
];
const POLICIES: Kinds = &[
    (GROUP, "MutatingAdmissionPolicy"),
    (GROUP, "ValidatingAdmissionPolicy"),
];
const BINDINGS: Kinds = &[
    (GROUP, "MutatingAdmissionPolicyBinding"),
    (GROUP, "ValidatingAdmissionPolicyBinding"),
];
const KYVERNO: Kinds = &[("kyverno.io", "ClusterPolicy"), ("kyverno.io", "Policy")];
const KUBEWARDEN: Kinds = &[
    ("policies.kubewarden.io", "AdmissionPolicy"),
    ("policies.kubewarden.io", "ClusterAdmissionPolicy"),
];
const SIGSTORE: Kinds = &[("policy.sigstore.dev", "ClusterImagePolicy")];

const WEBHOOKS: &[&str] = &["webhooks"];

/// Some rule means what decides whether an attack gets in; webhooks of a controller for its own kinds do not.
const GUARDS: Test = Test::Some(
    this(&["rules"]),
    &Test::All(&[
        Test::Has(item(&["apiGroups"]), GUARDED_GROUPS),
        Test::Has(item(&["resources"]), GUARDED),
    ]),
);

/// Groups that every account or user is in.
static WIDE_GROUP: LazyLock<Regex> =
    LazyLock::new(|| pattern("system:(authenticated|unauthenticated|serviceaccounts)['\"]"));
static LOCAL_URL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^https://(127\.|localhost[:/]|\[::1\])"));

#[expect(clippy::expect_used, reason = "literals, compiled by every test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file")
}

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-ADM-001",
        slug: "validating-webhook-fails-open",
        severity: Medium,
        title: "webhook that guards the cluster lets everything pass while it is down",
        why: "whoever can stop or slow its pods, or deletes its endpoints, gets past every rule that it enforces",
        advice: "set failurePolicy to Fail, leave out its own namespace and run it with replicas",
        maps: &[Microsoft("Malicious admission controller"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(VALIDATING, WEBHOOKS),
            violated: Test::All(&[
                Test::Is(this(&["failurePolicy"]), Value::Text("Ignore")),
                GUARDS,
            ]),
            at: this(&["failurePolicy"]),
        },
        fix: Fix::Set(this(&["failurePolicy"]), "\"Fail\"", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-002",
        slug: "mutating-webhook-fails-open",
        severity: Low,
        title: "pods are created unchanged while a mutating webhook is down",
        why: "what it adds (a proxy of the mesh, a security context, a seccomp profile) is missing from pods that start meanwhile",
        advice: "set failurePolicy to Fail where others rely on what it adds",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(MUTATING, WEBHOOKS),
            violated: Test::All(&[
                Test::Is(this(&["failurePolicy"]), Value::Text("Ignore")),
                GUARDS,
            ]),
            at: this(&["failurePolicy"]),
        },
        fix: Fix::Set(this(&["failurePolicy"]), "\"Fail\"", NeedsTest),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-003",
        slug: "webhook-deadlock",
        severity: Medium,
        title: "webhook must admit its own pods",
        why: "it fails closed and its own namespace is not left out: once its pods are gone none of them may start, and nothing else in the cluster either",
        advice: "leave its namespace out by namespaceSelector on kubernetes.io/metadata.name",
        maps: &[Owasp("K04")],
        form: Form::World(webhooks::deadlock),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-004",
        slug: "webhook-without-backend",
        severity: Medium,
        title: "webhook calls a Service that nobody answers for",
        why: "with Ignore its rules are not in force; with Fail nobody can write what it means; and whoever may create the Service is asked in its place",
        advice: "delete the configuration, or bring the backend back",
        maps: &[Microsoft("Malicious admission controller"), Owasp("K04")],
        form: Form::World(webhooks::dead_backend),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-005",
        slug: "webhook-catches-everything",
        severity: Medium,
        title: "webhook stands before every write to every resource",
        why: "leases, node status, events and token reviews wait for it as well: when it is slow or down nodes are taken for dead and the cluster cannot heal",
        advice: "name the resources that it judges, or leave out kube-system, leases and events",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::All(&[
                Test::Some(
                    this(&["rules"]),
                    &Test::All(&[
                        Test::Has(item(&["apiGroups"]), &["*"]),
                        Test::Has(item(&["resources"]), &["*", "*/*"]),
                        Test::Has(item(&["operations"]), &["UPDATE", "*"]),
                    ]),
                ),
                Test::Not(&Test::Is(this(&["failurePolicy"]), Value::Text("Ignore"))),
                Test::Empty(this(&["namespaceSelector"])),
                Test::Empty(this(&["objectSelector"])),
                Test::Empty(this(&["matchConditions"])),
            ]),
            at: this(&["rules"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-006",
        slug: "webhook-waits-long",
        severity: Low,
        title: "webhook may hold a request for more than ten seconds",
        why: "a slow backend holds every request that it means until clients give up",
        advice: "set timeoutSeconds to 5",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::Above(this(&["timeoutSeconds"]), 10),
            at: this(&["timeoutSeconds"]),
        },
        fix: Fix::Set(this(&["timeoutSeconds"]), "10", NeedsTest),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-007",
        slug: "webhook-bypass-by-object-label",
        severity: Medium,
        title: "webhook lets objects choose by a label whether it looks at them",
        why: "whoever creates the object writes its labels too, so the rules hold for who wants them to hold",
        advice: "select by namespace, or exempt users and groups by matchConditions",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(VALIDATING, WEBHOOKS),
            violated: Test::All(&[
                GUARDS,
                Test::Any(&[
                    Test::Not(&Test::Empty(this(&["objectSelector", "matchLabels"]))),
                    Test::Not(&Test::Empty(this(&["objectSelector", "matchExpressions"]))),
                ]),
            ]),
            at: this(&["objectSelector"]),
        },
        fix: Fix::Remove(this(&["objectSelector"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-008",
        slug: "webhook-exempts-namespaces",
        severity: Low,
        title: "webhook looks away from namespaces where workloads run",
        why: "a label takes the namespace out: whoever deploys there, or may label a namespace, is judged by nobody",
        advice: "leave out only namespaces of the cluster, by name",
        maps: &[Owasp("K04")],
        form: Form::World(webhooks::exempt_namespaces),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-009",
        slug: "webhook-matches-exactly",
        severity: Low,
        title: "webhook looks at one version of the API only",
        why: "the same object written by another version or group of the API passes it",
        advice: "set matchPolicy to Equivalent, which is the default",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::All(&[
                Test::Is(this(&["matchPolicy"]), Value::Text("Exact")),
                GUARDS,
            ]),
            at: this(&["matchPolicy"]),
        },
        fix: Fix::Set(this(&["matchPolicy"]), "\"Equivalent\"", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-010",
        slug: "webhook-side-effects",
        severity: Low,
        title: "webhook has side effects that it does not declare",
        why: "dry runs are refused or change something, so nobody can try a change before it counts",
        advice: "set sideEffects to None or NoneOnDryRun once that is true",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::In(this(&["sideEffects"]), &["Unknown", "Some"]),
            at: this(&["sideEffects"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-011",
        slug: "webhook-without-ca",
        severity: Low,
        title: "webhook by Service without a CA bundle",
        why: "the API server cannot check the Service's certificate, so every call fails: the rules are not in force, or nothing can be written",
        advice: "let cert-manager or the controller fill in caBundle",
        maps: &[Owasp("K04")],
        form: Form::World(webhooks::without_ca),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-012",
        slug: "webhook-outside-cluster",
        severity: Medium,
        title: "webhook sends objects to an address outside of the cluster",
        why: "whoever holds that address or its name reads every object that it means and, if it mutates, rewrites it",
        advice: "run the backend as a Service of the cluster",
        maps: &[
            Attack("T1557"),
            Microsoft("Malicious admission controller"),
            Owasp("K04"),
        ],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::All(&[
                Test::Set(this(&["clientConfig", "url"])),
                Test::Not(&Test::Matches(this(&["clientConfig", "url"]), &LOCAL_URL)),
            ]),
            at: this(&["clientConfig", "url"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-013",
        slug: "webhook-not-asked-again",
        severity: Low,
        title: "mutating webhook of pods is not asked again after later changes",
        why: "what a later webhook adds (a container, a volume) does not get the defaults that this one sets",
        advice: "set reinvocationPolicy to IfNeeded where it sets security defaults",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(MUTATING, WEBHOOKS),
            violated: Test::All(&[
                Test::Not(&Test::Is(
                    this(&["reinvocationPolicy"]),
                    Value::Text("IfNeeded"),
                )),
                Test::Some(
                    this(&["rules"]),
                    &Test::Has(item(&["resources"]), &["pods", "*", "*/*"]),
                ),
            ]),
            at: this(&["reinvocationPolicy"]),
        },
        fix: Fix::Set(this(&["reinvocationPolicy"]), "\"IfNeeded\"", NeedsTest),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-014",
        slug: "webhook-reads-secrets",
        severity: Low,
        title: "webhook is sent every Secret that is written",
        why: "its backend, and whoever gets into it, reads the values as they pass",
        advice: "take secrets out of its rules, or keep the backend as safe as etcd",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::ObjectItems(BOTH, WEBHOOKS),
            violated: Test::Some(
                this(&["rules"]),
                &Test::All(&[
                    Test::Has(item(&["apiGroups"]), &["", "*"]),
                    Test::Has(item(&["resources"]), &["secrets", "*", "*/*"]),
                ]),
            ),
            at: this(&["rules"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-015",
        slug: "webhook-exempts-everybody",
        severity: Medium,
        title: "condition of a webhook lets a group pass that everybody is in",
        why: "all accounts or all users are in the group that it names, so the webhook judges nobody",
        advice: "name the one account that must pass",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(VALIDATING, WEBHOOKS),
            violated: Test::All(&[
                GUARDS,
                Test::Some(
                    this(&["matchConditions"]),
                    &Test::Matches(item(&["expression"]), &WIDE_GROUP),
                ),
            ]),
            at: this(&["matchConditions"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-030",
        slug: "admission-policy-unbound",
        severity: Medium,
        title: "admission policy that nothing puts in force",
        why: "without a binding it is never asked, and looks as if it were",
        advice: "write a binding, or delete the policy",
        maps: &[Owasp("K04")],
        form: Form::World(policies::unbound),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-031",
        slug: "admission-policy-only-tells",
        severity: Medium,
        title: "admission policy is bound without Deny",
        why: "violations are written to the audit log or shown as a warning, and the object is made",
        advice: "add Deny to validationActions once the warnings are gone",
        maps: &[Owasp("K04")],
        form: Form::World(policies::never_denies),
        fix: Fix::Set(this(&["spec", "validationActions"]), "[\"Deny\"]", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-032",
        slug: "admission-policy-fails-open",
        severity: Medium,
        title: "admission policy passes what its expression cannot judge",
        why: "an error in the expression, or a parameter that is gone, lets the object through: whoever can cause one is not judged",
        advice: "set failurePolicy to Fail",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(POLICIES),
            violated: Test::Is(this(&["spec", "failurePolicy"]), Value::Text("Ignore")),
            at: this(&["spec", "failurePolicy"]),
        },
        fix: Fix::Set(this(&["spec", "failurePolicy"]), "\"Fail\"", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-033",
        slug: "parameter-not-found-allows",
        severity: Medium,
        title: "binding lets everything pass while its parameter is missing",
        why: "whoever may delete the parameter object switches the policy off",
        advice: "set parameterNotFoundAction to Deny",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(BINDINGS),
            violated: Test::Is(
                this(&["spec", "paramRef", "parameterNotFoundAction"]),
                Value::Text("Allow"),
            ),
            at: this(&["spec", "paramRef", "parameterNotFoundAction"]),
        },
        fix: Fix::Set(
            this(&["spec", "paramRef", "parameterNotFoundAction"]),
            "\"Deny\"",
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-034",
        slug: "admission-policy-without-parameter",
        severity: Medium,
        title: "admission policy reads a parameter that is not there",
        why: "its expressions see nothing where they expect limits or lists; what then happens hangs on the failure policy",
        advice: "name the parameter in paramRef, and create it",
        maps: &[Owasp("K04")],
        form: Form::World(policies::without_parameter),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-035",
        slug: "binding-of-no-policy",
        severity: Medium,
        title: "binding names an admission policy that does not exist",
        why: "a wall that somebody believes to stand; the next policy of that name is in force at once",
        advice: "correct policyName, or delete the binding",
        maps: &[Owasp("K04")],
        form: Form::World(policies::dangling_binding),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-036",
        slug: "admission-policy-exempts-everybody",
        severity: Medium,
        title: "condition of an admission policy names a group that everybody is in",
        why: "all accounts or all users are in that group, so a condition on it leaves out nobody or everybody",
        advice: "name the one account that must pass",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::ObjectItems(POLICIES, &["spec", "matchConditions"]),
            violated: Test::Matches(this(&["expression"]), &WIDE_GROUP),
            at: this(&["expression"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-037",
        slug: "admission-policy-bypass-by-label",
        severity: Medium,
        title: "admission policy lets objects choose by a label whether it is asked",
        why: "whoever creates the object writes its labels too",
        advice: "select by namespace in the binding",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(&[(GROUP, "ValidatingAdmissionPolicy")]),
            violated: Test::Any(&[
                Test::Not(&Test::Empty(this(&[
                    "spec",
                    "matchConstraints",
                    "objectSelector",
                    "matchLabels",
                ]))),
                Test::Not(&Test::Empty(this(&[
                    "spec",
                    "matchConstraints",
                    "objectSelector",
                    "matchExpressions",
                ]))),
            ]),
            at: this(&["spec", "matchConstraints", "objectSelector"]),
        },
        fix: Fix::Remove(
            this(&["spec", "matchConstraints", "objectSelector"]),
            NeedsTest,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-050",
        slug: "kyverno-only-audits",
        severity: Medium,
        title: "Kyverno policy reports and denies nothing",
        why: "the default is Audit: pods that violate it are made and stand in a report",
        advice: "set failureAction of each rule to Enforce once the reports are empty",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(KYVERNO),
            violated: Test::All(&[
                Test::Some(
                    this(&["spec", "rules"]),
                    &Test::Any(&[
                        Test::Set(item(&["validate"])),
                        Test::Set(item(&["verifyImages"])),
                    ]),
                ),
                Test::Not(&Test::In(
                    this(&["spec", "validationFailureAction"]),
                    &["Enforce", "enforce"],
                )),
                Test::Not(&Test::Some(
                    this(&["spec", "rules"]),
                    &Test::Any(&[
                        Test::In(
                            item(&["validate", "failureAction"]),
                            &["Enforce", "enforce"],
                        ),
                        Test::Some(
                            item(&["verifyImages"]),
                            &Test::In(item(&["failureAction"]), &["Enforce", "enforce"]),
                        ),
                    ]),
                )),
            ]),
            at: this(&["spec", "validationFailureAction"]),
        },
        fix: Fix::Set(
            this(&["spec", "validationFailureAction"]),
            "\"Enforce\"",
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-051",
        slug: "gatekeeper-only-tells",
        severity: Medium,
        title: "Gatekeeper constraint denies nothing",
        why: "dryrun and warn let the object through",
        advice: "set enforcementAction to deny once its status lists no violation",
        maps: &[Owasp("K04")],
        form: Form::World(policies::constraints),
        fix: Fix::Set(this(&["spec", "enforcementAction"]), "\"deny\"", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-052",
        slug: "kubewarden-only-monitors",
        severity: Medium,
        title: "Kubewarden policy denies nothing",
        why: "mode monitor writes violations to the log of the policy server and lets the object through",
        advice: "set mode to protect",
        maps: &[Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(KUBEWARDEN),
            violated: Test::Is(this(&["spec", "mode"]), Value::Text("monitor")),
            at: this(&["spec", "mode"]),
        },
        fix: Fix::Set(this(&["spec", "mode"]), "\"protect\"", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-053",
        slug: "image-policy-only-warns",
        severity: Medium,
        title: "signature policy warns and denies nothing",
        why: "an image without the signature that it asks for still starts",
        advice: "set mode to enforce",
        maps: &[Attack("T1195"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Objects(SIGSTORE),
            violated: Test::Is(this(&["spec", "mode"]), Value::Text("warn")),
            at: this(&["spec", "mode"]),
        },
        fix: Fix::Set(this(&["spec", "mode"]), "\"enforce\"", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-060",
        slug: "no-pod-security-anywhere",
        severity: High,
        title: "nothing at admission keeps pods from taking the node",
        why: "no namespace enforces a Pod Security level, the default enforces none and no webhook looks at pods: who may create a pod anywhere owns a node",
        advice: "label namespaces with pod-security.kubernetes.io/enforce, after warn and audit",
        maps: &[
            Cis("5.2.1"),
            Nsa("Pod Security enforcement"),
            Attack("T1611"),
            Owasp("K04"),
        ],
        form: Form::World(cluster::no_pod_security),
        ..Rule::ROW
    },
    Rule {
        id: "KP-ADM-061",
        slug: "no-image-verification",
        severity: Low,
        title: "nothing at admission verifies who built an image",
        why: "whoever gets a push to a registry, or changes a tag, runs his code in the cluster",
        advice: "verify signatures by Kyverno, sigstore's policy-controller, Ratify or Connaisseur",
        maps: &[Cis("5.5.1"), Attack("T1195"), Owasp("K04")],
        form: Form::World(cluster::no_signatures),
        ..Rule::ROW
    },
];
