//! The authorizer's rules, one line each.

use crate::builder::{gaps, of, read};
use model::snapshot::Origin::{self, Files, Live};
use semantics::authorizer::User;
use semantics::dangers::dangers;
use semantics::rbac::{Rule, rule_allows, rule_allows_some, rule_allows_url};
use serde_json::{Value, json};

/// `verbs groups resources names`, comma separated; `core` is the empty group.
fn rule(text: &str) -> Rule {
    let mut parts = text.split(' ').map(|part| {
        part.split(',')
            .filter(|t| !t.is_empty())
            .map(|t| if t == "core" { "" } else { t }.into())
            .collect::<Vec<_>>()
    });
    let mut next = || parts.next().unwrap_or_default();
    Rule {
        verbs: next(),
        groups: next(),
        resources: next(),
        names: next(),
        urls: next(),
    }
}

#[test]
fn requests() {
    for (text, verb, group, resource, name, expected) in [
        ("get core pods", "get", "", "pods", "a", true),
        ("get core pods", "list", "", "pods", "", false),
        ("get core pods", "get", "apps", "pods", "a", false),
        ("* * *", "delete", "apps", "deployments", "a", true),
        ("get core pods", "get", "", "pods/log", "a", false),
        ("get core *", "get", "", "pods/log", "a", true),
        ("get core pods/*", "get", "", "pods/log", "a", false),
        ("get core pods/*", "get", "", "pods", "a", false),
        ("get core */log", "get", "", "pods/log", "a", true),
        ("get core */log", "get", "", "pods", "a", false),
        ("get core */*", "get", "", "pods/log", "a", false),
        ("get core pods a,b", "get", "", "pods", "b", true),
        ("get core pods a,b", "get", "", "pods", "c", false),
        ("create core pods a", "create", "", "pods", "", false),
        (
            "deletecollection core pods a",
            "deletecollection",
            "",
            "pods",
            "",
            false,
        ),
        ("list core pods a", "list", "", "pods", "", false),
        ("list core pods a", "list", "", "pods", "a", true),
        (
            "create core pods/exec a",
            "create",
            "",
            "pods/exec",
            "a",
            true,
        ),
        ("get  pods", "get", "", "pods", "a", false),
        (" core pods", "get", "", "pods", "a", false),
    ] {
        assert_eq!(
            rule_allows(&rule(text), verb, group, resource, name),
            expected,
            "{text}: {verb} {group}/{resource} {name}"
        );
    }
    for (text, verb, resource, expected) in [
        ("create core pods a", "create", "pods", false),
        ("create core pods/exec a", "create", "pods/exec", true),
        (
            "deletecollection core pods a",
            "deletecollection",
            "pods",
            false,
        ),
        ("list core pods a", "list", "pods", true),
        ("create core pods", "create", "pods", true),
    ] {
        assert_eq!(
            rule_allows_some(&rule(text), verb, "", resource),
            expected,
            "{text}: {verb} {resource}"
        );
    }
}

#[test]
fn urls() {
    let check = |url: &str, path: &str, expected: bool| {
        let rule = Rule {
            verbs: vec!["get".into()],
            urls: vec![url.into()],
            ..Rule::default()
        };
        assert_eq!(
            rule_allows_url(&rule, "get", path),
            expected,
            "{url} on {path}"
        );
        assert!(!rule_allows_url(&rule, "post", path));
    };
    check("*", "/x", true);
    check("/healthz", "/healthz", true);
    check("/healthz", "/healthz/x", false);
    check("/api/*", "/api/v1", true);
    check("/api*", "/apis", true);
    check("/*/x", "/a/x", false);
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn role(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    verbs: &[&str],
    resources: &[&str],
) -> Value {
    json!({"apiVersion": RBAC, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "rules": [{"verbs": verbs, "apiGroups": [""], "resources": resources}]})
}

fn binding(namespace: Option<&str>, role_kind: &str, role: &str, subjects: Value) -> Value {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    json!({"apiVersion": RBAC, "kind": kind, "metadata": {"namespace": namespace, "name": "b"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}, "subjects": subjects})
}

fn account(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}})
}

/// `ns/name: danger@scope ...` of accounts with dangerous rights, each binding's worst.
fn check(origin: Origin, objects: &[Value], expected: &[&str]) {
    let inventory = read(&of(origin, objects));
    let authorizer = &inventory.authorizer;
    let mut got: Vec<String> = Vec::new();
    for account in &inventory.service_accounts {
        let user = User::service_account(&account.namespace, &account.name);
        let mut rights: Vec<String> = Vec::new();
        for binding in &authorizer.bindings {
            let applies = binding.subjects.iter().any(|subject| subject.is(&user));
            let Some(rules) = binding.rules.filter(|_| applies) else {
                continue;
            };
            let scope = binding.namespace.as_deref();
            let rules = &authorizer.rules[rules as usize];
            let all = rules.iter().flat_map(|r| dangers(r, scope.is_some(), 36));
            let worst = all.min_by_key(semantics::dangers::rank);
            rights.extend(worst.map(|d| format!("{}@{}", d.id, scope.unwrap_or("*"))));
        }
        if !rights.is_empty() {
            let seen = if account.seen { "" } else { "?" };
            let (namespace, name) = (&account.namespace, &account.name);
            got.push(format!("{namespace}/{name}{seen}: {}", rights.join(" ")));
        }
    }
    assert_eq!(got, expected, "{objects:#?}");
}

#[test]
fn bindings_reach_whom_the_authorizer_says() {
    let secrets = || role("ClusterRole", None, "r", &["get"], &["secrets"]);
    let sa = |namespace: Value, name: &str| json!([{"kind": "ServiceAccount", "namespace": namespace, "name": name}]);
    let other = |kind: &str, name: &str| json!([{"kind": kind, "name": name}]);
    let accounts = [account("a", "x"), account("b", "x")];
    let with = |binding: Value| -> Vec<Value> {
        accounts
            .iter()
            .cloned()
            .chain([secrets(), binding])
            .collect()
    };
    for (binding, expected) in [
        (
            binding(None, "ClusterRole", "r", sa(json!("a"), "x")),
            vec!["a/x: reads-secrets@*"],
        ),
        (
            binding(None, "ClusterRole", "r", sa(Value::Null, "x")),
            vec![],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(Value::Null, "x")),
            vec!["a/x: reads-secrets@a"],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(json!("b"), "x")),
            vec!["b/x: reads-secrets@a"],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(json!("c"), "gone")),
            vec!["c/gone?: reads-secrets@a"],
        ),
        (binding(Some("a"), "Role", "r", sa(json!("a"), "x")), vec![]),
        (binding(None, "Role", "r", sa(json!("a"), "x")), vec![]),
        (
            binding(
                Some("a"),
                "ClusterRole",
                "r",
                other("Group", "system:serviceaccounts"),
            ),
            vec!["a/x: reads-secrets@a", "b/x: reads-secrets@a"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("Group", "system:authenticated"),
            ),
            vec!["a/x: reads-secrets@*", "b/x: reads-secrets@*"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("Group", "system:serviceaccounts:b"),
            ),
            vec!["b/x: reads-secrets@*"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("User", "system:serviceaccount:a:x"),
            ),
            vec!["a/x: reads-secrets@*"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("Group", "system:unauthenticated"),
            ),
            vec![],
        ),
        (
            binding(None, "ClusterRole", "r", other("User", "x")),
            vec![],
        ),
        (binding(None, "ClusterRole", "r", Value::Null), vec![]),
    ] {
        check(Live, &with(binding), &expected);
    }
    let nodes = role("ClusterRole", None, "r", &["update"], &["nodes"]);
    check(
        Live,
        &[
            nodes,
            binding(Some("a"), "ClusterRole", "r", sa(json!("a"), "x")),
        ],
        &[],
    );
    let own = role("Role", Some("a"), "r", &["create"], &["pods"]);
    check(
        Live,
        &[own, binding(Some("a"), "Role", "r", sa(json!("a"), "x"))],
        &["a/x?: creates-pods@a"],
    );
}

#[test]
fn missing_and_built_in_roles() {
    let sa = json!([{"kind": "ServiceAccount", "namespace": "a", "name": "x"}]);
    let bound = |role: &str| binding(None, "ClusterRole", role, sa.clone());
    check(Live, &[bound("cluster-admin")], &[]);
    check(Files, &[bound("cluster-admin")], &["a/x?: everything@*"]);
    check(Files, &[bound("view")], &[]);
    check(Files, &[bound("edit")], &["a/x?: impersonates-accounts@*"]);
    for (origin, weight) in [
        (Live, model::evidence::GapWeight::Notice),
        (Files, model::evidence::GapWeight::Widens),
    ] {
        let inventory = read(&of(origin, &[bound("nobody")]));
        assert_eq!(gaps(&inventory), ["role-not-seen"]);
        assert_eq!(inventory.gaps[0].weight, weight);
    }
}

#[test]
fn aggregation_is_computed_from_files_and_read_from_servers() {
    let sa = json!([{"kind": "ServiceAccount", "namespace": "a", "name": "x"}]);
    let aggregate = |name: &str, of: &str, label: &str| json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": {"in": label}}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"in": of}}]}, "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]});
    let mut leaf = role("ClusterRole", None, "leaf", &["get"], &["secrets"]);
    leaf["metadata"]["labels"] = json!({"in": "two"});
    let objects = |start: &str| {
        vec![
            leaf.clone(),
            aggregate("one", "one", "none"),
            aggregate("top", "one", "top"),
            aggregate("mid", "two", "one"),
            aggregate("mid2", "one", "two"),
            binding(None, "ClusterRole", start, sa.clone()),
        ]
    };
    check(Files, &objects("top"), &["a/x?: reads-secrets@*"]);
    check(Live, &objects("top"), &["a/x?: everything@*"]);
    let mut extra = role("ClusterRole", None, "extra", &["create"], &["pods/exec"]);
    extra["metadata"]["labels"] = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
    check(
        Files,
        &[extra, binding(None, "ClusterRole", "view", sa)],
        &["a/x?: exec@*"],
    );
}

#[test]
fn accounts_that_pods_name() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "a", "name": "p"}, "spec": {"serviceAccountName": "used", "containers": []}});
    let mut known = account("a", "known");
    known["automountServiceAccountToken"] = json!(false);
    known["metadata"]["annotations"] =
        json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/r"});
    let inventory = read(&of(Live, &[pod, known]));
    let got: Vec<_> = inventory
        .service_accounts
        .iter()
        .map(|a| {
            (
                &*a.name,
                a.seen,
                a.automount_token,
                a.cloud_identity.is_some(),
            )
        })
        .collect();
    assert_eq!(
        got,
        [("known", true, false, true), ("used", false, true, false)]
    );
}
