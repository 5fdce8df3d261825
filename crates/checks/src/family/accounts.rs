//! SA: service accounts and their tokens. Which rights are too many, and which account has them, is the RBAC family's;
//! tokens in Secrets are the SEC family's.

use crate::rule::Mapping::{Attack, Cis, Microsoft, Nsa, Owasp};
use crate::rule::{Fix, Form, Rule, Scope};
use crate::test::{FALSE, Test, Value, item, object, this};
use crate::world::{Sink, World};
use model::action::FixClass::{Breaking, NeedsTest};
use model::object::ObjectRef;
use model::snapshot::Origin;
use model::vulnerability::Severity::{High, Low, Medium};
use model::workload::WorkloadState;
use rustc_hash::FxHashMap;
use semantics::authorizer::Binding;
use semantics::view::ServiceAccount;

const ACCOUNT: Scope = Scope::Objects(&[("", "ServiceAccount")]);

/// A day: what the issue of a token should outlive at most.
const DAY: i64 = 24 * 60 * 60;

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-SA-003",
        slug: "cloud-identity-on-default",
        severity: High,
        title: "default service account has a cloud identity",
        why: "every pod of the namespace that names no account is that identity in the cloud, a debug pod too",
        advice: "give the workload that needs the cloud an account of its own, and move the annotation there",
        maps: &[
            Attack("T1078.004"),
            Microsoft("Access cloud resources"),
            Owasp("K08"),
        ],
        form: Form::Each {
            scope: ACCOUNT,
            violated: Test::All(&[
                Test::Is(object(&["metadata", "name"]), Value::Text("default")),
                Test::HasKey(
                    object(&["metadata", "annotations"]),
                    &[
                        "eks.amazonaws.com/role-arn",
                        "iam.gke.io/gcp-service-account",
                        "azure.workload.identity/client-id",
                    ],
                ),
            ]),
            at: object(&["metadata", "annotations"]),
        },
        fix: Fix::All(&[
            Fix::Remove(
                object(&["metadata", "annotations", "eks.amazonaws.com/role-arn"]),
                Breaking,
            ),
            Fix::Remove(
                object(&["metadata", "annotations", "iam.gke.io/gcp-service-account"]),
                Breaking,
            ),
            Fix::Remove(
                object(&[
                    "metadata",
                    "annotations",
                    "azure.workload.identity/client-id",
                ]),
                Breaking,
            ),
        ]),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-004",
        slug: "cloud-identity-of-default-project-account",
        severity: High,
        title: "service account acts as Google's default account of the project",
        why: "that account is an editor of the whole project unless somebody took the role away: one pod owns it all",
        advice: "make a Google account with the few roles that are needed",
        maps: &[
            Attack("T1078.004"),
            Microsoft("Access cloud resources"),
            Owasp("K08"),
        ],
        form: Form::Each {
            scope: ACCOUNT,
            violated: Test::Ends(
                object(&["metadata", "annotations", "iam.gke.io/gcp-service-account"]),
                &[
                    "-compute@developer.gserviceaccount.com",
                    "@appspot.gserviceaccount.com",
                ],
            ),
            at: object(&["metadata", "annotations", "iam.gke.io/gcp-service-account"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-005",
        slug: "cloud-identity-shared",
        severity: Low,
        title: "several workloads share one cloud identity",
        why: "each of them may do what any of them needs, and the cloud's log does not tell them apart",
        advice: "give each workload an account and an identity of its own",
        maps: &[Attack("T1078.004"), Owasp("K08")],
        form: Form::World(cloud_identity_shared),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-006",
        slug: "account-shared",
        severity: Low,
        title: "several workloads share one service account that has rights",
        why: "each of them has what any of them needs. Parts of one application do so on purpose, so this is asked only on \
              demand",
        advice: "give each workload an account of its own",
        maps: &[Nsa("least privilege"), Owasp("K02")],
        form: Form::World(account_shared),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-007",
        slug: "account-without-workload",
        severity: Low,
        title: "service account with rights is used by no workload",
        why: "what is left of something removed still opens the cluster to whoever may create pods or tokens there. \
              It may be used from outside, by a pipeline for instance",
        advice: "ask the audit log who used it last; delete its bindings, then the account",
        maps: &[Attack("T1098"), Owasp("K02")],
        form: Form::World(account_without_workload),
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-008",
        slug: "default-account-mounts-token",
        severity: Low,
        title: "default service account puts its token into every pod",
        why: "pods that never speak to the API carry a key to it. Where the account has no rights it opens little, so this is \
              asked only on demand",
        advice: "set automountServiceAccountToken to false in the account",
        maps: &[Cis("5.1.5"), Cis("5.1.6"), Attack("T1528"), Owasp("K02")],
        form: Form::Each {
            scope: ACCOUNT,
            violated: Test::All(&[
                Test::Is(object(&["metadata", "name"]), Value::Text("default")),
                Test::Not(&Test::Is(object(&["automountServiceAccountToken"]), FALSE)),
            ]),
            at: object(&["automountServiceAccountToken"]),
        },
        fix: Fix::Set(
            object(&["automountServiceAccountToken"]),
            "false",
            NeedsTest,
        ),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-009",
        slug: "long-token",
        severity: Medium,
        title: "pod asks for a token that lives longer than a day",
        why: "a stolen token stays good for as long as the pod lives, up to that age. The kubelet renews tokens by itself, so \
              applications that read the file again need no long one",
        advice: "leave expirationSeconds out; an hour is the default",
        maps: &[Attack("T1528"), Owasp("K09")],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Some(
                this(&["projected", "sources"]),
                &Test::Above(item(&["serviceAccountToken", "expirationSeconds"]), DAY),
            ),
            at: this(&["projected", "sources"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-SA-010",
        slug: "token-without-audience",
        severity: Low,
        title: "pod projects a token without saying for whom",
        why: "it is good for the API server then, and whoever it is shown to may be the pod there. Where it is meant for the \
              API server that is right, so this is asked only on demand",
        advice: "name the audience of the service that checks it",
        maps: &[Attack("T1528"), Owasp("K09")],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::All(&[
                Test::Some(
                    this(&["projected", "sources"]),
                    &Test::All(&[
                        Test::Set(item(&["serviceAccountToken"])),
                        Test::Empty(item(&["serviceAccountToken", "audience"])),
                    ]),
                ),
                // The volume that the API server adds (ServiceAccount admission).
                Test::Not(&Test::Starts(this(&["name"]), &["kube-api-access-"])),
            ]),
            at: this(&["projected", "sources"]),
        },
        on: false,
        ..Rule::ROW
    },
];

/// Workloads that are not over, by their account.
fn users<'w>(world: &World<'w>) -> FxHashMap<(&'w str, &'w str), Vec<&'w ObjectRef>> {
    let mut users: FxHashMap<_, Vec<_>> = FxHashMap::default();
    for view in &world.inventory.workloads {
        let spec = world.inventory.templates.get(view.template as usize);
        if let Some(spec) = spec.filter(|_| view.workload.state != WorkloadState::History) {
            let key = (&*view.workload.key.namespace, &*spec.service_account);
            users.entry(key).or_default().push(&view.workload.object);
        }
    }
    users
}

/// Bindings that name an account and whose role is there, but for those of the cluster itself.
fn bound<'w>(world: &World<'w>) -> FxHashMap<(&'w str, &'w str), Vec<&'w Binding>> {
    let mut bound: FxHashMap<_, Vec<_>> = FxHashMap::default();
    let inventory = world.inventory;
    for binding in inventory
        .authorizer
        .bindings
        .iter()
        .filter(|b| b.rules.is_some())
    {
        if inventory
            .stock_bindings
            .binary_search(&binding.object)
            .is_ok()
        {
            continue;
        }
        for account in binding.subjects.iter().filter_map(|one| one.account()) {
            bound.entry(account).or_default().push(binding);
        }
    }
    bound
}

fn accounts<'w>(world: &World<'w>) -> impl Iterator<Item = (u32, &'w ServiceAccount)> {
    let seen = world
        .inventory
        .service_accounts
        .iter()
        .filter(|one| one.seen);
    let world = *world;
    seen.filter_map(move |one| {
        let wanted = ObjectRef::new("", "ServiceAccount", Some(&one.namespace), &one.name);
        Some((world.at(&wanted)?, one))
    })
}

fn shared(world: &World<'_>, sink: &mut Sink<'_>, counts: impl Fn(&ServiceAccount) -> bool) {
    sink.saw(world, "", "ServiceAccount");
    let users = users(world);
    for (index, account) in accounts(world) {
        sink.looked(1);
        let users = users.get(&(&*account.namespace, &*account.name));
        let Some(users) = users.filter(|users| users.len() > 1 && counts(account)) else {
            continue;
        };
        let names: Vec<String> = users.iter().take(5).map(ToString::to_string).collect();
        let more = match users.len().saturating_sub(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let says = format!("used by {}{more}", names.join(", "));
        sink.object(world, index, "/metadata/name", says);
    }
}

fn cloud_identity_shared(world: &World<'_>, sink: &mut Sink<'_>) {
    // Of the default account a rule of its own tells.
    shared(world, sink, |one| {
        one.cloud_identity.is_some() && &*one.name != "default"
    });
}

fn account_shared(world: &World<'_>, sink: &mut Sink<'_>) {
    let bound = bound(world);
    shared(world, sink, |one| {
        &*one.name != "default" && bound.contains_key(&(&*one.namespace, &*one.name))
    });
}

/// Live only: files need not hold the workload. Kinds that were not listed whole could hold it.
fn account_without_workload(world: &World<'_>, sink: &mut Sink<'_>) {
    const KINDS: [(&str, &str); 7] = [
        ("", "Pod"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("batch", "CronJob"),
        ("batch", "Job"),
    ];
    if world.snapshot.origin != Origin::Live {
        return;
    }
    let seen = KINDS.map(|(group, kind)| sink.saw(world, group, kind));
    if seen.contains(&false) {
        return;
    }
    let (users, bound) = (users(world), bound(world));
    for (index, account) in accounts(world) {
        sink.looked(1);
        let key = (&*account.namespace, &*account.name);
        if users.contains_key(&key) {
            continue;
        }
        if let Some(first) = bound.get(&key).and_then(|bindings| bindings.first()) {
            let says = format!(
                "no workload runs as it; {} gives it {}",
                first.object, first.role
            );
            sink.object(world, index, "/metadata/name", says);
        }
    }
}
