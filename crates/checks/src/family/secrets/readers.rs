//! Who may read Secrets by role and binding, beside the cluster's own parts. Comes in: the authorizer's bindings.
//! Goes out: findings on bindings and namespaces. Never: administrators by name; who is in a group is not known.

use crate::world::{Sink, World};
use model::object::ObjectRef;
use semantics::authorizer::{Binding, Subject};
use semantics::rbac::rule_allows_some;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts that may read the Secrets of others before it is worth a word.
const MANY: usize = 10;

/// Group that everybody, or every account of some namespace, is in.
fn is_broad(subject: &Subject) -> bool {
    match subject {
        Subject::Group(name) => {
            matches!(
                &**name,
                "system:authenticated" | "system:unauthenticated" | "system:serviceaccounts"
            ) || name.starts_with("system:serviceaccounts:")
        }
        Subject::User(name) => &**name == "system:anonymous",
        Subject::ServiceAccount { .. } => false,
    }
}

/// Bindings that let read Secrets, without those of the cluster itself.
fn readers<'a>(world: &World<'a>) -> impl Iterator<Item = &'a Binding> {
    let inventory = world.inventory;
    let all = &inventory.authorizer;
    all.bindings.iter().filter(move |binding| {
        let rules = binding.rules.and_then(|n| all.rules.get(n as usize));
        let reads = rules.into_iter().flatten().any(|rule| {
            ["get", "list", "watch"]
                .iter()
                .any(|verb| rule_allows_some(rule, verb, "", "secrets"))
        });
        reads
            && inventory
                .stock_bindings
                .binary_search(&binding.object)
                .is_err()
    })
}

fn saw(world: &World<'_>, sink: &mut Sink<'_>) -> bool {
    let group = "rbac.authorization.k8s.io";
    ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]
        .map(|kind| sink.saw(world, group, kind))
        .iter()
        .all(|seen| *seen)
}

pub(super) fn broad(world: &World<'_>, sink: &mut Sink<'_>) {
    saw(world, sink);
    sink.looked(world.inventory.authorizer.bindings.len());
    for binding in readers(world) {
        let place = match &binding.namespace {
            Some(namespace) => format!("of namespace {namespace}"),
            None => "of every namespace".to_owned(),
        };
        for (n, subject) in binding.subjects.iter().enumerate() {
            if is_broad(subject) {
                let says = format!("{subject} may read the Secrets {place}");
                sink.about(world, &binding.object, format!("/subjects/{n}"), says);
            }
        }
    }
}

pub(super) fn many(world: &World<'_>, sink: &mut Sink<'_>) {
    if !saw(world, sink) {
        return;
    }
    // By namespace; of the whole cluster under `kube-system`, whose Secrets weigh most.
    let mut all: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for binding in readers(world) {
        let place = binding.namespace.as_deref().unwrap_or("kube-system");
        for (namespace, name) in binding.subjects.iter().filter_map(Subject::account) {
            let own = binding.namespace.as_deref() == Some(namespace);
            if !own && namespace != "kube-system" {
                all.entry(place).or_default().insert((namespace, name));
            }
        }
    }
    sink.looked(all.len());
    for (namespace, accounts) in all {
        if accounts.len() > MANY {
            let object = ObjectRef::new("", "Namespace", None, namespace);
            let says = format!(
                "{} service accounts of other namespaces may read its Secrets",
                accounts.len()
            );
            sink.about(world, &object, "", says);
        }
    }
}
