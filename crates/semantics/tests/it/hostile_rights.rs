//! RBAC that somebody made to break us: it is read in bounded time, and what it grants is what the API server grants.

use crate::builder::{of, read};
use model::snapshot::Origin::{Files, Live};
use semantics::authorizer::{Request, User};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const API: &str = "rbac.authorization.k8s.io/v1";
/// Generous: unoptimised, on a busy machine.
const MOST: Duration = Duration::from_mins(1);

fn binding(name: &str, role: &str, subject: &Value) -> Value {
    json!({"apiVersion": API, "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}, "subjects": [subject]})
}

fn account(name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": "shop", "name": name})
}

fn list_secrets() -> Request {
    Request::Resource {
        verb: "list".into(),
        group: "".into(),
        resource: "secrets".into(),
        name: "".into(),
        namespace: None,
    }
}

#[test]
fn a_hundred_thousand_bindings_to_one_role() {
    let mut objects = vec![
        json!({"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": "reader"},
            "rules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]}),
    ];
    objects.extend((0..100_000).map(|n| {
        binding(
            &format!("b{n}"),
            "reader",
            &account(&format!("a{}", n % 100)),
        )
    }));
    let snapshot = of(Live, &objects);
    let start = Instant::now();
    let inventory = read(&snapshot);
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
    let authorizer = &inventory.authorizer;
    assert_eq!(authorizer.bindings.len(), 100_000);
    // The rules are kept once, and an account stands once, however often it is named.
    assert_eq!(authorizer.rules.len(), 1);
    assert_eq!(inventory.service_accounts.len(), 100);
    assert!(inventory.stock_bindings.is_empty());
    let request = list_secrets();
    let granted = |name: &str| {
        let user = User::service_account("shop", name);
        authorizer.grants(&user, &request).count()
    };
    assert_eq!((granted("a7"), granted("b7")), (1_000, 0));
}

/// Each role is aggregated into every other one, itself included.
#[test]
fn roles_that_are_aggregated_into_each_other() {
    const ROLES: usize = 300;
    let mut objects: Vec<Value> = (0..ROLES)
        .map(|n| {
            json!({"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": format!("r{n}"), "labels": {"in": "all"}},
                "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"in": "all"}}]}, "rules": []})
        })
        .collect();
    objects.push(json!({"apiVersion": API, "kind": "ClusterRole", "metadata": {"name": "leaf", "labels": {"in": "all"}},
        "rules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["secrets"]}]}));
    objects.extend((0..ROLES).map(|n| binding(&format!("b{n}"), &format!("r{n}"), &account("a"))));
    let start = Instant::now();
    let inventory = read(&of(Files, &objects));
    assert!(start.elapsed() < MOST, "{:?}", start.elapsed());
    let request = list_secrets();
    let user = User::service_account("shop", "a");
    assert_eq!(inventory.authorizer.grants(&user, &request).count(), ROLES);
    // Nobody's rules are told twice.
    let most = inventory.authorizer.rules.iter().map(Vec::len).max();
    assert!(most.is_some_and(|most| most <= ROLES), "{most:?}");
}

#[test]
fn names_that_are_none() {
    let long = "x".repeat(100_000);
    for name in [
        "",
        "\u{202e}txt",
        "a/b",
        "system:serviceaccount:",
        "system:serviceaccount:shop",
        &long,
        "a\nb",
    ] {
        let user = json!({"kind": "User", "name": name});
        let group = json!({"kind": "Group", "name": name});
        let objects = [binding(name, name, &user), binding("b", name, &group)];
        let inventory = read(&of(Live, &objects));
        assert!(inventory.service_accounts.is_empty(), "{name:.40}");
        assert!(inventory.stock_bindings.is_empty(), "{name:.40}");
    }
}
