//! Section 3.1 and 5.1: who logs in how, and who may do what. Comes in: bindings, accounts, flags of the API server.
//! Goes out: what was seen. Never: a finding about what the cluster grants itself.

use super::policies::{about, of_cluster, unseen};
use crate::component::{Component, Components, Read, Seen, Verdict, api};
use model::object::ObjectRef;
use model::snapshot::Origin;
use semantics::authorizer::{Binding, MASTERS, Subject};
use semantics::rbac::{self, Rule};

/// (verbs, group, resource).
type Right = (&'static [&'static str], &'static str, &'static str);

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch"];

/// Bindings that do not belong to the cluster itself.
fn bindings<'c>(components: &'c Components<'_>) -> impl Iterator<Item = &'c Binding> {
    let inventory = components.world.inventory;
    inventory
        .authorizer
        .bindings
        .iter()
        .filter(|one| !inventory.stock_bindings.contains(&one.object) && !one.subjects.is_empty())
        .filter(|one| one.subjects.iter().any(|subject| !is_own(subject)))
}

/// Accounts of the cluster's own components.
fn is_own(subject: &Subject) -> bool {
    match subject {
        Subject::ServiceAccount { namespace, .. } => &**namespace == "kube-system",
        Subject::User(name) => {
            name.starts_with("system:")
                && !name.starts_with("system:serviceaccount:")
                && &**name != "system:anonymous"
        }
        Subject::Group(name) => matches!(&**name, "system:nodes" | "system:bootstrappers"),
    }
}

fn rules<'c>(components: &'c Components<'_>, binding: &Binding) -> &'c [Rule] {
    let all = &components.world.inventory.authorizer.rules;
    binding
        .rules
        .and_then(|at| all.get(at as usize))
        .map_or(&[], Vec::as_slice)
}

fn names(binding: &Binding) -> String {
    let all: Vec<String> = binding
        .subjects
        .iter()
        .take(5)
        .map(ToString::to_string)
        .collect();
    all.join(", ")
}

/// Who holds one of the rights beyond a namespace: by a ClusterRoleBinding, in kube-system, or as one of the groups of everybody.
fn holders(components: &Components<'_>, rights: &[Right], what: &str) -> Vec<Seen> {
    let mut all = Vec::new();
    for binding in bindings(components) {
        let everybody = binding.subjects.iter().any(|subject| {
            matches!(subject, Subject::Group(name) if matches!(&**name, "system:authenticated" | "system:unauthenticated" | "system:serviceaccounts"))
        });
        let wide = binding.namespace.is_none()
            || binding.namespace.as_deref() == Some("kube-system")
            || everybody;
        let holds = rules(components, binding).iter().any(|rule| {
            rights.iter().any(|(verbs, group, resource)| {
                verbs
                    .iter()
                    .any(|verb| rbac::rule_allows_some(rule, verb, group, resource))
            })
        });
        if wide && holds {
            let says = format!("{} may {what} by {}", names(binding), binding.role);
            all.push(about(components, &binding.object, says, Verdict::Bad));
        }
    }
    finish(
        components,
        all,
        &format!("nobody but the cluster itself may {what} beyond a namespace"),
    )
}

/// All roles and bindings were seen: what was not found is not there.
fn finish(components: &Components<'_>, mut all: Vec<Seen>, good: &str) -> Vec<Seen> {
    if !components.world.inventory.authorizer.complete {
        all.push(unseen(
            "roles and bindings",
            "list roles, clusterroles, rolebindings and clusterrolebindings",
        ));
    } else if all.is_empty() {
        all.push(of_cluster(good.to_owned(), Verdict::Good));
    }
    all
}

pub(super) fn cluster_admin(components: &Components<'_>) -> Vec<Seen> {
    let found = bindings(components)
        .filter(|one| &*one.role.name == "cluster-admin" && &*one.role.kind == "ClusterRole")
        .map(|one| {
            let says = format!("{} is bound to cluster-admin", names(one));
            about(components, &one.object, says, Verdict::Bad)
        });
    let found = found.collect();
    finish(
        components,
        found,
        "cluster-admin is bound to the cluster's own group only",
    )
}

pub(super) fn secrets(components: &Components<'_>) -> Vec<Seen> {
    holders(components, &[(READ, "", "secrets")], "read Secrets")
}

pub(super) fn pods(components: &Components<'_>) -> Vec<Seen> {
    holders(components, &[(&["create"], "", "pods")], "create pods")
}

pub(super) fn escalation(components: &Components<'_>) -> Vec<Seen> {
    const GROUP: &str = rbac::GROUP;
    holders(
        components,
        &[
            (&["bind", "escalate"], GROUP, "clusterroles"),
            (&["bind", "escalate"], GROUP, "roles"),
            (&["impersonate"], "", "users"),
            (&["impersonate"], "", "groups"),
            (&["impersonate"], "", "serviceaccounts"),
        ],
        "bind, escalate or impersonate",
    )
}

pub(super) fn volumes(components: &Components<'_>) -> Vec<Seen> {
    holders(
        components,
        &[(&["create"], "", "persistentvolumes")],
        "create persistent volumes",
    )
}

pub(super) fn node_proxy(components: &Components<'_>) -> Vec<Seen> {
    holders(
        components,
        &[(&["get", "create"], "", "nodes/proxy")],
        "use nodes/proxy",
    )
}

pub(super) fn approval(components: &Components<'_>) -> Vec<Seen> {
    let group = "certificates.k8s.io";
    holders(
        components,
        &[(
            &["update", "patch"],
            group,
            "certificatesigningrequests/approval",
        )],
        "approve certificate requests",
    )
}

pub(super) fn webhooks(components: &Components<'_>) -> Vec<Seen> {
    let group = "admissionregistration.k8s.io";
    holders(
        components,
        &[
            (WRITE, group, "validatingwebhookconfigurations"),
            (WRITE, group, "mutatingwebhookconfigurations"),
        ],
        "change admission webhooks",
    )
}

pub(super) fn tokens(components: &Components<'_>) -> Vec<Seen> {
    holders(
        components,
        &[(&["create"], "", "serviceaccounts/token")],
        "create tokens of service accounts",
    )
}

pub(super) fn wildcards(components: &Components<'_>) -> Vec<Seen> {
    let authorizer = &components.world.inventory.authorizer;
    let star = |rule: &Rule| {
        let has = |list: &[model::text::Text]| list.iter().any(|one| &**one == "*");
        has(&rule.verbs) || has(&rule.resources)
    };
    let mut all = Vec::new();
    for (role, rules) in authorizer.roles.iter().zip(&authorizer.rules) {
        if is_stock_role(components, role) {
            continue;
        }
        if let Some(rule) = rules.iter().find(|rule| star(rule)) {
            let join = |list: &[model::text::Text]| list.join(",");
            let says = format!(
                "a rule is {} on {}",
                join(&rule.verbs),
                join(&rule.resources)
            );
            all.push(about(components, role, says, Verdict::Bad));
        }
    }
    finish(
        components,
        all,
        "no role but the cluster's own has a wildcard",
    )
}

/// Roles that the API server itself makes.
fn is_stock_role(components: &Components<'_>, role: &ObjectRef) -> bool {
    let named = role.name.starts_with("system:")
        || matches!(&*role.name, "cluster-admin" | "admin" | "edit" | "view");
    let object = components.world.snapshot.find(
        rbac::GROUP,
        &role.kind,
        role.namespace.as_deref(),
        &role.name,
    );
    named
        && object.is_some_and(|object| {
            object
                .label("kubernetes.io/bootstrapping")
                .map(|text| &**text)
                == Some("rbac-defaults")
        })
}

pub(super) fn default_accounts(components: &Components<'_>) -> Vec<Seen> {
    let mut all: Vec<Seen> = bindings(components)
        .filter(|one| {
            one.subjects
                .iter()
                .any(|subject| subject.account().is_some_and(|(_, name)| name == "default"))
        })
        .map(|one| {
            let says = format!("{} is bound to {}", names(one), one.role);
            about(components, &one.object, says, Verdict::Bad)
        })
        .collect();
    for (workload, mounted) in mounts(components) {
        if mounted == "default" {
            let says = "it runs as account default with its token".to_owned();
            all.push(about(components, workload, says, Verdict::Bad));
        }
    }
    finish(
        components,
        all,
        "no default account has rights or a mounted token",
    )
}

/// Workloads of users that mount a token, with the account.
fn mounts<'c>(components: &'c Components<'_>) -> Vec<(&'c ObjectRef, &'c str)> {
    let inventory = components.world.inventory;
    let mut all = Vec::new();
    for view in super::policies::workloads(components) {
        let Some(template) = inventory.templates.get(view.template as usize) else {
            continue;
        };
        let namespace = view.workload.object.namespace.as_deref();
        let account = inventory
            .service_accounts
            .iter()
            .find(|one| Some(&*one.namespace) == namespace && one.name == template.service_account);
        let of_account = account.is_none_or(|one| one.automount_token);
        if template.automount_token.unwrap_or(of_account) {
            all.push((&view.workload.object, &*template.service_account));
        }
    }
    all
}

/// A token that is mounted where its account may do nothing is of use to intruders only.
pub(super) fn idle_tokens(components: &Components<'_>) -> Vec<Seen> {
    let authorizer = &components.world.inventory.authorizer;
    let mut all = Vec::new();
    for (workload, account) in mounts(components) {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let has = authorizer.bindings.iter().any(|binding| {
            binding.rules.is_some()
                && binding
                    .subjects
                    .iter()
                    .any(|subject| subject.account() == Some((namespace, account)))
        });
        if !has {
            let says = format!(
                "the token of {namespace}/{account} is mounted, and no role is bound to it"
            );
            all.push(about(components, workload, says, Verdict::Bad));
        }
    }
    finish(
        components,
        all,
        "every mounted token belongs to an account with a role",
    )
}

pub(super) fn masters(components: &Components<'_>) -> Vec<Seen> {
    let mut all: Vec<Seen> = bindings(components)
        .filter(|one| {
            one.subjects
                .iter()
                .any(|subject| matches!(subject, Subject::Group(name) if &**name == MASTERS))
        })
        .map(|one| {
            about(
                components,
                &one.object,
                format!("{} is bound to {MASTERS}", one.role),
                Verdict::Bad,
            )
        })
        .collect();
    let asked = components
        .world
        .snapshot
        .of_kind("certificates.k8s.io", "CertificateSigningRequest");
    for request in asked {
        let text = String::from_utf8_lossy(&request.json);
        if text.contains("\"system:masters\"") {
            let says = format!("a member of {MASTERS} asked for a certificate");
            all.push(about(components, &request.reference(), says, Verdict::Bad));
        }
    }
    if all.is_empty() {
        all.push(unseen(
            "certificates that name the group system:masters: no list of them is kept",
            "look for the group in the audit log (user.groups), and keep the CA's key away from people",
        ));
    }
    all
}

/// How people log in, by the flags of the API server.
fn people<'c>(components: &'c Components<'_>) -> Vec<&'c ObjectRef> {
    bindings(components)
        .filter(|one| {
            one.subjects.iter().any(|subject| match subject {
                Subject::User(name) | Subject::Group(name) => !name.starts_with("system:"),
                Subject::ServiceAccount { .. } => false,
            })
        })
        .map(|one| &one.object)
        .collect()
}

pub(super) fn certificate_users(components: &Components<'_>) -> Vec<Seen> {
    let minor = components.minor();
    let people = people(components);
    components.each(Component::ApiServer, |instance| {
        let others = ["oidc-issuer-url", "authentication-config", "authentication-token-webhook-config-file", "token-auth-file", "requestheader-client-ca-file"];
        let reads: Vec<(&str, Read)> = others
            .iter()
            .map(|flag| (*flag, instance.read(&api(flag, ""), minor)))
            .collect();
        let other = reads.iter().find(|(flag, read)| *flag != "requestheader-client-ca-file" && read.value().is_some());
        let certificates = instance.read(&api("client-ca-file", ""), minor);
        vec![match (&certificates, other) {
            (Read::Absent { says, .. }, _) => Seen::good(instance, says.clone()),
            (Read::Is { says, pointer, .. }, None) if !people.is_empty() => {
                let says = format!("{says} is the only way in for the people whom {} bindings name", people.len());
                Seen::bad(instance, pointer, says)
            }
            _ => Seen::unknown(
                instance,
                "whether people log in with client certificates is not seen".to_owned(),
                "look in the audit log for requests of people whose extra has authentication.kubernetes.io/credential-id X509SHA256",
            ),
        }]
    })
}

pub(super) fn account_users(components: &Components<'_>) -> Vec<Seen> {
    let world = &components.world;
    let tokens = world.inventory.secrets.iter().filter(|secret| {
        &*secret.kind == "kubernetes.io/service-account-token"
            && secret.namespace.as_ref() != "kube-system"
    });
    let mut all: Vec<Seen> = tokens
        .map(|secret| {
            let object = ObjectRef::new("", "Secret", Some(&secret.namespace), &secret.name);
            let says =
                "a token without end, which pods do not need: people or machines outside use it"
                    .to_owned();
            about(components, &object, says, Verdict::Bad)
        })
        .collect();
    if all.is_empty() {
        all.push(unseen(
            "whether people use tokens of service accounts",
            "look in the audit log for userAgent kubectl with users system:serviceaccount:*",
        ));
    }
    all
}

pub(super) fn bootstrap_users(components: &Components<'_>) -> Vec<Seen> {
    let minor = components.minor();
    let mut all = components.each(Component::ApiServer, |instance| {
        let read = instance.read(&api("enable-bootstrap-token-auth", "false"), minor);
        if read.is_true() {
            return vec![Seen::not_applicable(instance, read.says())];
        }
        vec![Seen::of(instance, &read, false)]
    });
    if all.iter().all(|one| one.verdict != Verdict::NotApplicable) {
        return all;
    }
    // They are on: then each one must be short, and for nodes.
    let world = &components.world;
    let left: Vec<_> = world
        .inventory
        .secrets
        .iter()
        .filter(|secret| &*secret.kind == "bootstrap.kubernetes.io/token")
        .collect();
    for secret in &left {
        let object = ObjectRef::new("", "Secret", Some(&secret.namespace), &secret.name);
        let says = "a bootstrap token is still there".to_owned();
        all.push(about(components, &object, says, Verdict::Bad));
    }
    if left.is_empty() {
        if world.snapshot.origin == Origin::Files || world.snapshot.saw_all("", "Secret") {
            all.push(of_cluster(
                "no bootstrap token is there".to_owned(),
                Verdict::Good,
            ));
        } else {
            all.push(unseen(
                "bootstrap tokens",
                "list secrets of kube-system; their values are not kept",
            ));
        }
    }
    all
}
