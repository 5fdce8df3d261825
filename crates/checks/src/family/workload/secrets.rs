//! Credentials in pod templates, and tokens that nobody needs. Objects of a cluster or of files come with their values
//! classified and dropped; at admission the value itself is there: the tests know both.

use super::patterns::{
    CREDENTIAL, CREDENTIAL_ARGUMENT, CREDENTIAL_NAME, NO_CREDENTIAL, PASSWORD_CLASS,
    URL_WITH_PASSWORD,
};
use crate::rule::Mapping::{Attack, Cis, Microsoft, Owasp};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{Test, container, item, pod, this};
use crate::world::{Sink, World};
use model::action::FixClass::NeedsTest;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Origin;
use model::vulnerability::Severity::{High, Low, Medium};
use model::workload::WorkloadState;
use rustc_hash::FxHashSet;
use semantics::authorizer::Subject;

const ENV: Scope = Scope::ContainerItems(Containers::All, "env");

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-060",
        slug: "secret-as-environment",
        severity: Low,
        title: "all of a Secret becomes environment variables",
        why: "every key of it, those added later too, goes to every process that the container starts, to its crash dumps and \
              to whoever may describe the process on the node",
        advice: "name the keys that are needed, or mount the Secret as a volume",
        maps: &[Cis("5.4.1"), Attack("T1552.007"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::ContainerItems(Containers::Declared, "envFrom"),
            violated: Test::Set(this(&["secretRef", "name"])),
            at: this(&["secretRef", "name"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-061",
        slug: "secret-key-as-environment",
        severity: Low,
        title: "key of a Secret becomes an environment variable",
        why: "it goes to every process that the container starts and into its crash dumps. Most images can be configured in \
              no other way, so this is asked only on demand",
        advice: "mount the key as a file where the image can read one",
        maps: &[Cis("5.4.1"), Attack("T1552.007"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::Some(
                container(&["env"]),
                &Test::Set(item(&["valueFrom", "secretKeyRef"])),
            ),
            at: container(&["env"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-062",
        slug: "credential-in-environment",
        severity: High,
        title: "credential is written into the pod template",
        why: "everybody who may read pods, which the role view allows, and everybody with the manifest has the key or token. \
              Its form leaves no doubt that it is one",
        advice: "revoke it, put a new one into a Secret, and refer to that",
        maps: &[
            Attack("T1552.001"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::Each {
            scope: ENV,
            violated: Test::Matches(this(&["value"]), &CREDENTIAL),
            at: this(&["value"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-063",
        slug: "password-in-environment",
        severity: Medium,
        title: "variable that is named for a secret has a literal value",
        why: "everybody who may read pods, which the role view allows, and everybody with the manifest has it. \
              A placeholder or the name of something else is no problem",
        advice: "change it, put the new one into a Secret, and refer to that with secretKeyRef",
        maps: &[
            Attack("T1552.001"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::Each {
            scope: ENV,
            violated: Test::Any(&[
                Test::Matches(this(&["value"]), &URL_WITH_PASSWORD),
                Test::All(&[
                    Test::Matches(this(&["name"]), &CREDENTIAL_NAME),
                    Test::Any(&[
                        Test::Matches(this(&["value"]), &PASSWORD_CLASS),
                        Test::All(&[
                            Test::Not(&Test::Empty(this(&["value"]))),
                            Test::Not(&Test::Matches(this(&["value"]), &NO_CREDENTIAL)),
                            Test::Not(&Test::Matches(this(&["value"]), &CREDENTIAL)),
                        ]),
                    ]),
                ]),
            ]),
            at: this(&["value"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-064",
        slug: "credential-in-arguments",
        severity: Medium,
        title: "credential is written into the command line",
        why: "everybody who may read pods has it, and every process of the node with a look at /proc",
        advice: "change it; pass the new one from a Secret as $(VARIABLE), or better as a file",
        maps: &[
            Attack("T1552.001"),
            Microsoft("Application credentials in configuration files"),
            Owasp("K03"),
        ],
        form: Form::Each {
            scope: Scope::Containers(Containers::All),
            violated: Test::Any(&[
                Test::Some(
                    container(&["args"]),
                    &Test::Matches(item(&[]), &CREDENTIAL_ARGUMENT),
                ),
                Test::Some(
                    container(&["command"]),
                    &Test::Matches(item(&[]), &CREDENTIAL_ARGUMENT),
                ),
            ]),
            at: container(&[]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-065",
        slug: "token-without-use",
        severity: Low,
        title: "pod holds an API token that is good for nothing",
        why: "its account has no rights of its own, so the application cannot need the token for the API; a thief still is \
              an authenticated user with it. Where another service checks the token, as Vault does, it is needed",
        advice: "set automountServiceAccountToken to false in the pod",
        maps: &[Cis("5.1.6"), Attack("T1528"), Owasp("K01")],
        form: Form::World(token_without_use),
        fix: Fix::Set(pod(&["automountServiceAccountToken"]), "false", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-066",
        slug: "default-account",
        severity: Low,
        title: "pod runs as the namespace's default account",
        why: "rights that are given to it are given to every pod of the namespace that names none. As long as it has none, \
              nothing is lost, so this is asked only on demand",
        advice: "make an account for the application and name it",
        maps: &[Cis("5.1.5"), Owasp("K02")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Any(&[
                Test::Empty(pod(&["serviceAccountName"])),
                Test::In(pod(&["serviceAccountName"]), &["default"]),
            ]),
            at: pod(&["serviceAccountName"]),
        },
        on: false,
        ..Rule::ROW
    },
];

/// Only what is certain: all bindings were seen and none gives the account, or all accounts of its namespace, a right.
fn token_without_use(world: &World<'_>, sink: &mut Sink<'_>) {
    let inventory = world.inventory;
    if !inventory.authorizer.complete {
        sink.unknown(Gap {
            class: "bindings-not-seen".into(),
            what: "bindings were not listed completely: which accounts have no rights is open"
                .into(),
            stage: Stage::Relate,
            scope: "rolebindings".into(),
            weight: GapWeight::Hides,
            close: "allow get and list on roles and bindings".into(),
        });
        return;
    }
    let (mut accounts, mut namespaces, mut everywhere) =
        (FxHashSet::default(), FxHashSet::default(), false);
    let granted = inventory.authorizer.bindings.iter();
    for subject in granted.flat_map(|binding| &binding.subjects) {
        match subject {
            Subject::Group(group) => {
                if let Some(namespace) = group.strip_prefix("system:serviceaccounts:") {
                    namespaces.insert(namespace);
                }
                // Discovery is bound to all who are authenticated; to all accounts, only the issuer's keys.
                let discovery = ["system:service-account-issuer-discovery"];
                everywhere |= &**group == "system:serviceaccounts"
                    && inventory.authorizer.bindings.iter().any(|binding| {
                        binding.subjects.contains(subject)
                            && !discovery.contains(&&*binding.role.name)
                    });
            }
            other => accounts.extend(other.account()),
        }
    }
    for view in &inventory.workloads {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        let Some(spec) = inventory.templates.get(view.template as usize) else {
            continue;
        };
        let namespace = &*view.workload.key.namespace;
        let account = &*spec.service_account;
        let known = inventory
            .service_accounts
            .binary_search_by(|one| (&*one.namespace, &*one.name).cmp(&(namespace, account)))
            .ok()
            .and_then(|at| inventory.service_accounts.get(at));
        // Files need not hold what is in the cluster: an account that they do not name may have rights there.
        let seen = known.is_some_and(|one| one.seen) || account == "default";
        if world.snapshot.origin == Origin::Files && !seen {
            continue;
        }
        sink.looked(1);
        let of_account = known.is_none_or(|one| one.automount_token);
        let held = spec.automount_token.unwrap_or(of_account);
        let used = everywhere
            || namespaces.contains(namespace)
            || accounts.contains(&(namespace, account));
        if held && !used && !view.spec_pointer.is_empty() {
            sink.found(
                &view.workload.object,
                view.object,
                None,
                format!("{}/automountServiceAccountToken", view.spec_pointer),
                format!("the token of {account} is mounted, which no binding names"),
            );
        }
    }
}
