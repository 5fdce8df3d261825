//! SEC: how Secrets are kept, where their values lie about, who may read them.

mod contents;
pub(crate) mod encryption;
mod readers;

use crate::rule::Mapping::{Attack, Cis, Microsoft, Nsa, Owasp};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{TRUE, Test, Value, item, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};
use regex::Regex;
use std::sync::LazyLock;

type Kinds = &'static [(&'static str, &'static str)];

const SECRETS: Kinds = &[("", "Secret")];
const COPIED: Kinds = &[("", "ConfigMap"), ("", "Secret")];
const STORES: Kinds = &[("external-secrets.io", "ClusterSecretStore")];
const SPREAD: Kinds = &[("external-secrets.io", "ClusterExternalSecret")];
const CLASSES: Kinds = &[("secrets-store.csi.x-k8s.io", "SecretProviderClass")];

/// `false`, as it is written and as it is redacted: of the words for yes and no it alone has five letters.
static FALSE_WORD: LazyLock<Regex> =
    LazyLock::new(|| pattern("^(false|ZmFsc2U=|redacted:v1:boolean:5:.*)$"));
static EVERYTHING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\.?\*)$"));

#[expect(clippy::expect_used, reason = "literals, compiled by every test")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file")
}

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-SEC-001",
        slug: "secrets-in-plain-text",
        severity: High,
        title: "Secrets are written to etcd in plain text",
        why: "whoever reads a backup, a disk or a snapshot of etcd has every password and token of the cluster; that encryption is configured does not say that old Secrets were written again",
        advice: "put a KMS v2 or secretbox provider before identity for secrets, then write all Secrets again",
        maps: &[
            Cis("1.2.28"),
            Nsa("encrypt secrets at rest"),
            Attack("T1552"),
            Owasp("K03"),
        ],
        form: Form::Component(encryption::plain_text),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-002",
        slug: "secrets-with-aescbc",
        severity: Low,
        title: "Secrets are encrypted with AES-CBC",
        why: "nothing proves that the stored bytes were not changed, and padding can be probed by whoever writes to etcd",
        advice: "add a KMS v2 or secretbox provider in first place, keep aescbc behind it and write all Secrets again",
        maps: &[
            Cis("1.2.28"),
            Nsa("encrypt secrets at rest"),
            Attack("T1552"),
            Owasp("K03"),
        ],
        form: Form::Component(encryption::cbc),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-003",
        slug: "secrets-with-aesgcm",
        severity: Low,
        title: "Secrets are encrypted with AES-GCM by a key that nothing rotates",
        why: "nonces are random: after some 200,000 writes with one key two may be equal, which opens both; small clusters are far from it",
        advice: "rotate the key by automation, or use KMS v2 or secretbox",
        maps: &[
            Cis("1.2.28"),
            Nsa("encrypt secrets at rest"),
            Attack("T1552"),
            Owasp("K03"),
        ],
        form: Form::Component(encryption::gcm),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-004",
        slug: "secrets-with-kms-v1",
        severity: Low,
        title: "Secrets are encrypted by the first version of the KMS interface",
        why: "it is deprecated since 1.28 and off by default since 1.29: an upgrade may leave the API server unable to read Secrets",
        advice: "add a kms provider with apiVersion v2 in first place, then write all Secrets again",
        maps: &[Cis("1.2.28"), Owasp("K03")],
        form: Form::Component(encryption::old_kms),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-005",
        slug: "encryption-key-short",
        severity: Low,
        title: "key that encrypts Secrets is shorter than 256 bits",
        why: "keys of that length outlive the data that they protect; shorter ones may not",
        advice: "add a key of 32 random bytes in first place, then write all Secrets again",
        maps: &[Cis("1.2.28"), Owasp("K03")],
        form: Form::Component(encryption::short_key),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-006",
        slug: "encryption-key-readable",
        severity: High,
        title: "file with the key of all Secrets can be read by others than root",
        why: "with the key and a copy of etcd's data every Secret is open",
        advice: "chown root:root and chmod 600 the file, or keep the key in a KMS",
        maps: &[Cis("1.2.28"), Attack("T1552.001"), Owasp("K03")],
        form: Form::Component(encryption::readable_file),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-010",
        slug: "legacy-token-secret",
        severity: Medium,
        title: "Secret holds a service account token that never expires",
        why: "whoever reads it once is that account until somebody deletes the Secret; since 1.24 none is made unasked",
        advice: "ask for a token by kubectl create token or a projected volume, then delete the Secret",
        maps: &[
            Cis("5.1.6"),
            Attack("T1528"),
            Microsoft("Access container service account"),
            Owasp("K03"),
            Owasp("K09"),
        ],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::Is(
                this(&["type"]),
                Value::Text("kubernetes.io/service-account-token"),
            ),
            at: this(&["type"]),
        },
        minors: (24, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-011",
        slug: "bootstrap-token-forever",
        severity: High,
        title: "bootstrap token without an end",
        why: "whoever has it joins a node of his own and is given the Secrets of the pods that run there",
        advice: "delete it, and make one with a life of hours by kubeadm token create",
        maps: &[Attack("T1528"), Owasp("K03"), Owasp("K09")],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::All(&[
                Test::Is(
                    this(&["type"]),
                    Value::Text("bootstrap.kubernetes.io/token"),
                ),
                Test::Empty(this(&["data", "expiration"])),
                Test::Empty(this(&["stringData", "expiration"])),
                Test::Not(&Test::Matches(
                    this(&["data", "usage-bootstrap-authentication"]),
                    &FALSE_WORD,
                )),
            ]),
            at: this(&["data", "expiration"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-020",
        slug: "credential-in-config-map",
        severity: Medium,
        title: "ConfigMap holds a key, a token or an address with a password",
        why: "ConfigMaps are given to everybody with view, are not encrypted in etcd and stand in logs of deployments",
        advice: "move the value to a Secret, and change it",
        maps: &[
            Cis("5.4.1"),
            Attack("T1552"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::World(contents::in_config_map),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-021",
        slug: "password-in-config-map",
        severity: Medium,
        title: "ConfigMap holds a password",
        why: "a key that is named a password has a value that may be one; everybody with view reads it",
        advice: "move the value to a Secret, and change it",
        maps: &[
            Cis("5.4.1"),
            Attack("T1552"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::World(contents::password_in_config_map),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-022",
        slug: "credential-in-annotation",
        severity: Medium,
        title: "annotation holds a key, a token or an address with a password",
        why: "annotations are copied into logs, metrics and backups, and are shown to everybody who may see the object",
        advice: "move the value to a Secret, and change it",
        maps: &[
            Attack("T1552"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::World(contents::in_annotation),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-023",
        slug: "helm-release-in-config-map",
        severity: Medium,
        title: "Helm keeps the values of a release in a ConfigMap",
        why: "passwords that were given to the chart can be read by everybody with view",
        advice: "let Helm store releases in Secrets, which is its default, and change what was given",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::World(contents::release_in_config_map),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-024",
        slug: "helm-release-secret",
        severity: Low,
        title: "Helm keeps the values of a release in a Secret",
        why: "whoever may read Secrets of the namespace reads the chart's passwords in all its versions",
        advice: "give charts the names of Secrets, not their values",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::Is(this(&["type"]), Value::Text("helm.sh/release.v1")),
            at: this(&["type"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-025",
        slug: "short-password",
        severity: Low,
        title: "password in a Secret has fewer than eight characters",
        why: "it is guessed by trying",
        advice: "make one of 20 random characters",
        maps: &[Attack("T1110"), Owasp("K03")],
        form: Form::World(contents::short_password),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-026",
        slug: "private-key-shared",
        severity: Medium,
        title: "one private key lies in several namespaces",
        why: "the weakest of these namespaces decides for all: who reads it there speaks for the others, and it must be changed everywhere at once",
        advice: "give each namespace a certificate of its own, or lend one by a ReferenceGrant",
        maps: &[Attack("T1552.004"), Owasp("K03")],
        form: Form::World(contents::shared_key),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-027",
        slug: "password-shared",
        severity: Low,
        title: "one password lies in several namespaces",
        why: "who reads it in one namespace opens what it opens in the others",
        advice: "give each namespace a login of its own",
        maps: &[Attack("T1078"), Owasp("K03")],
        form: Form::World(contents::shared_password),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-028",
        slug: "secret-can-change",
        severity: Low,
        title: "Secret can be changed in place",
        why: "whoever may write it changes what pods get without a trace in their templates; immutable Secrets also spare the API server watches",
        advice: "set immutable and name Secrets by their contents",
        maps: &[Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::All(&[
                Test::Not(&Test::Is(this(&["immutable"]), TRUE)),
                Test::In(this(&["type"]), &["Opaque"]),
            ]),
            at: this(&["immutable"]),
        },
        fix: Fix::Set(this(&["immutable"]), "true", NeedsTest),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-029",
        slug: "secret-is-old",
        severity: Low,
        title: "Secret is more than a year old",
        why: "everybody who left in that year may still know it",
        advice: "change the value, and let something change it from now on",
        maps: &[Attack("T1078"), Owasp("K03")],
        form: Form::World(contents::old),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-040",
        slug: "secrets-read-by-everybody",
        severity: High,
        title: "Secrets can be read by a group that everybody is in",
        why: "any account, any pod or any user at all gets the passwords and tokens of that place",
        advice: "delete the subject, and name those who need it",
        maps: &[
            Cis("5.1.2"),
            Attack("T1552.007"),
            Microsoft("List Kubernetes secrets"),
            Owasp("K02"),
            Owasp("K03"),
        ],
        form: Form::World(readers::broad),
        fix: Fix::RemoveItem(Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-041",
        slug: "secrets-read-by-many",
        severity: Medium,
        title: "Secrets can be read by many accounts of other namespaces",
        why: "each pod of each of these accounts is a way to the Secrets; administrators of the cluster are not counted apart",
        advice: "give the accounts roles with resourceNames in the namespaces that they serve",
        maps: &[
            Cis("5.1.2"),
            Attack("T1552.007"),
            Microsoft("List Kubernetes secrets"),
            Owasp("K02"),
            Owasp("K03"),
        ],
        form: Form::World(readers::many),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-042",
        slug: "secret-in-environment",
        severity: Low,
        title: "container gets a Secret as an environment variable",
        why: "variables stand in crash reports, child processes and /proc; a mounted file does not, and is renewed while the pod runs",
        advice: "mount the Secret as a volume and let the program read the file",
        maps: &[Cis("5.4.1"), Attack("T1552.007"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::Any(&[
                Test::Some(
                    this(&["env"]),
                    &Test::Set(item(&["valueFrom", "secretKeyRef"])),
                ),
                Test::Some(this(&["envFrom"]), &Test::Set(item(&["secretRef"]))),
            ]),
            at: this(&["env"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-043",
        slug: "secret-in-kube-public",
        severity: Medium,
        title: "Secret lies in kube-public",
        why: "the namespace is there to be read by everybody, and tools open it to users who are not logged in",
        advice: "move it to the namespace that uses it, and change the value",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::In(
                this(&["metadata", "namespace"]),
                &["kube-public", "kube-node-lease"],
            ),
            at: this(&["metadata", "namespace"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-044",
        slug: "secret-in-default-namespace",
        severity: Low,
        title: "Secret lies in the namespace default",
        why: "everything that nobody gave a namespace runs there, and may mount it",
        advice: "move it to the namespace that uses it",
        maps: &[Cis("5.6.4"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(SECRETS),
            violated: Test::All(&[
                Test::In(this(&["metadata", "namespace"]), &["default"]),
                Test::Not(&Test::In(
                    this(&["type"]),
                    &["kubernetes.io/service-account-token"],
                )),
            ]),
            at: this(&["metadata", "namespace"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-050",
        slug: "secret-store-for-all-namespaces",
        severity: Medium,
        title: "store of secrets may be used from every namespace",
        why: "whoever may write an ExternalSecret anywhere reads what the store's login may read, which is most often everything",
        advice: "name the namespaces in spec.conditions, or use a SecretStore for each",
        maps: &[Attack("T1555"), Owasp("K03"), Owasp("K08")],
        form: Form::Each {
            scope: Scope::Objects(STORES),
            violated: Test::Empty(this(&["spec", "conditions"])),
            at: this(&["spec", "conditions"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-051",
        slug: "secret-spread-to-all-namespaces",
        severity: Medium,
        title: "a secret of the store is written into every namespace",
        why: "the weakest namespace decides who reads it",
        advice: "select the namespaces that need it",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(SPREAD),
            violated: Test::Any(&[
                Test::All(&[
                    Test::Set(this(&["spec", "namespaceSelector"])),
                    Test::Empty(this(&["spec", "namespaceSelector", "matchLabels"])),
                    Test::Empty(this(&["spec", "namespaceSelector", "matchExpressions"])),
                ]),
                Test::Some(
                    this(&["spec", "namespaceSelectors"]),
                    &Test::All(&[
                        Test::Empty(item(&["matchLabels"])),
                        Test::Empty(item(&["matchExpressions"])),
                    ]),
                ),
            ]),
            at: this(&["spec", "namespaceSelector"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-052",
        slug: "store-copies-to-secret",
        severity: Low,
        title: "store's driver copies mounted secrets into a Secret",
        why: "what was to stay in the vault lies in etcd, and is read by whoever reads Secrets of the namespace",
        advice: "read the mounted files, and delete secretObjects",
        maps: &[Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(CLASSES),
            violated: Test::Not(&Test::Empty(this(&["spec", "secretObjects"]))),
            at: this(&["spec", "secretObjects"]),
        },
        fix: Fix::Remove(this(&["spec", "secretObjects"]), Breaking),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SEC-053",
        slug: "secret-copied-on-demand",
        severity: Medium,
        title: "Secret is copied to whoever asks in any namespace",
        why: "an annotation lets the copying controller give it to every namespace: who may write a Secret anywhere reads this one",
        advice: "name the namespaces in the annotation",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Objects(COPIED),
            violated: Test::Any(&[
                Test::All(&[
                    Test::In(
                        this(&[
                            "metadata",
                            "annotations",
                            "reflector.v1.k8s.emberstack.com/reflection-allowed",
                        ]),
                        &["true"],
                    ),
                    Test::Empty(this(&[
                        "metadata",
                        "annotations",
                        "reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces",
                    ])),
                ]),
                Test::Matches(
                    this(&[
                        "metadata",
                        "annotations",
                        "replicator.v1.mittwald.de/replication-allowed-namespaces",
                    ]),
                    &EVERYTHING,
                ),
                Test::Matches(
                    this(&[
                        "metadata",
                        "annotations",
                        "replicator.v1.mittwald.de/replicate-to",
                    ]),
                    &EVERYTHING,
                ),
            ]),
            at: this(&["metadata", "annotations"]),
        },
        ..Rule::ROW
    },
];
