//! The authorizer's rules, one line each.

use crate::builder::{gaps, of, read};
use model::snapshot::Origin::{self, Files, Live};
use semantics::rbac::{Rule, classes, rule_allows, rule_allows_some, rule_allows_url};
use semantics::view::RightClass;
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

#[test]
fn coarse_classes() {
    use RightClass::{
        CreatePods, Escalate, Everything, Exec, MintTokens, Nodes, Read, ReadSecrets, Write,
    };
    for (text, cluster, namespaced) in [
        ("* * *", vec![Everything], vec![Everything]),
        ("get,list core pods", vec![Read], vec![Read]),
        ("get core pods/*", vec![], vec![]),
        ("get core secrets", vec![ReadSecrets], vec![ReadSecrets]),
        ("get core secrets x", vec![ReadSecrets], vec![ReadSecrets]),
        ("create,delete core secrets", vec![Write], vec![Write]),
        ("create core pods/exec", vec![Exec], vec![Exec]),
        ("get core pods/exec", vec![Read], vec![Read]),
        ("create core */exec", vec![Write, Exec], vec![Write, Exec]),
        (
            "patch core pods/ephemeralcontainers",
            vec![Exec],
            vec![Exec],
        ),
        (
            "create apps deployments",
            vec![CreatePods],
            vec![CreatePods],
        ),
        ("create apps deployments x", vec![], vec![]),
        (
            "patch apps deployments x",
            vec![CreatePods],
            vec![CreatePods],
        ),
        ("create extensions pods", vec![Write], vec![Write]),
        ("create core deployments", vec![Write], vec![Write]),
        ("delete core pods", vec![Write], vec![Write]),
        (
            "create core serviceaccounts/token",
            vec![MintTokens],
            vec![MintTokens],
        ),
        ("get core nodes/proxy", vec![Nodes], vec![]),
        ("get core nodes", vec![Read], vec![]),
        ("update core nodes,persistentvolumes", vec![Nodes], vec![]),
        ("impersonate core users", vec![Escalate], vec![]),
        (
            "impersonate core serviceaccounts",
            vec![Escalate],
            vec![Escalate],
        ),
        (
            "bind rbac.authorization.k8s.io clusterroles",
            vec![Escalate],
            vec![Escalate],
        ),
        (
            "escalate rbac.authorization.k8s.io clusterroles",
            vec![Escalate],
            vec![],
        ),
        (
            "create,update rbac.authorization.k8s.io rolebindings",
            vec![Write],
            vec![Write],
        ),
        (
            "patch admissionregistration.k8s.io mutatingwebhookconfigurations",
            vec![Escalate],
            vec![],
        ),
        (
            "create authorization.k8s.io selfsubjectaccessreviews",
            vec![],
            vec![],
        ),
        (
            "create authorization.k8s.io localsubjectaccessreviews",
            vec![Read],
            vec![Read],
        ),
        (
            "get * *",
            vec![Read, ReadSecrets, Nodes],
            vec![Read, ReadSecrets],
        ),
        ("*  pods", vec![], vec![]),
    ] {
        assert_eq!(
            classes(&[rule(text)], false, 36),
            cluster,
            "{text}, cluster"
        );
        assert_eq!(
            classes(&[rule(text)], true, 36),
            namespaced,
            "{text}, namespaced"
        );
    }
    assert_eq!(classes(&[rule("get core pods/exec")], true, 34), [Exec]);
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

/// `ns/name: Class@scope ...` of accounts with rights.
fn check(origin: Origin, objects: &[Value], expected: &[&str]) {
    let inventory = read(&of(origin, objects));
    let got: Vec<String> = inventory
        .service_accounts
        .iter()
        .filter(|a| !a.rights.is_empty())
        .map(|a| {
            let rights: Vec<String> = a
                .rights
                .iter()
                .map(|r| format!("{:?}@{}", r.class, r.namespace.as_deref().unwrap_or("*")))
                .collect();
            format!(
                "{}/{}{}: {}",
                a.namespace,
                a.name,
                if a.seen { "" } else { "?" },
                rights.join(" ")
            )
        })
        .collect();
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
            vec!["a/x: ReadSecrets@*"],
        ),
        (
            binding(None, "ClusterRole", "r", sa(Value::Null, "x")),
            vec![],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(Value::Null, "x")),
            vec!["a/x: ReadSecrets@a"],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(json!("b"), "x")),
            vec!["b/x: ReadSecrets@a"],
        ),
        (
            binding(Some("a"), "ClusterRole", "r", sa(json!("c"), "gone")),
            vec!["c/gone?: ReadSecrets@a"],
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
            vec!["a/x: ReadSecrets@a", "b/x: ReadSecrets@a"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("Group", "system:authenticated"),
            ),
            vec!["a/x: ReadSecrets@*", "b/x: ReadSecrets@*"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("Group", "system:serviceaccounts:b"),
            ),
            vec!["b/x: ReadSecrets@*"],
        ),
        (
            binding(
                None,
                "ClusterRole",
                "r",
                other("User", "system:serviceaccount:a:x"),
            ),
            vec!["a/x: ReadSecrets@*"],
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
        &["a/x?: CreatePods@a"],
    );
}

#[test]
fn missing_and_built_in_roles() {
    let sa = json!([{"kind": "ServiceAccount", "namespace": "a", "name": "x"}]);
    let bound = |role: &str| binding(None, "ClusterRole", role, sa.clone());
    check(Live, &[bound("cluster-admin")], &[]);
    check(Files, &[bound("cluster-admin")], &["a/x?: Everything@*"]);
    check(Files, &[bound("view")], &["a/x?: Read@*"]);
    check(
        Files,
        &[bound("edit")],
        &["a/x?: Read@* Write@* Exec@* ReadSecrets@* CreatePods@* MintTokens@* Escalate@*"],
    );
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
    check(Files, &objects("top"), &["a/x?: ReadSecrets@*"]);
    check(Live, &objects("top"), &["a/x?: Everything@*"]);
    let mut extra = role("ClusterRole", None, "extra", &["create"], &["pods/exec"]);
    extra["metadata"]["labels"] = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
    check(
        Files,
        &[extra, binding(None, "ClusterRole", "view", sa)],
        &["a/x?: Read@* Exec@*"],
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
