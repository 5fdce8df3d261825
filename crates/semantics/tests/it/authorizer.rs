//! Who may do what: bindings, subjects, and what a role may be given by whom.

use crate::builder::of;
use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::snapshot::Origin::{Files, Live};
use model::text::Text;
use proptest::prelude::*;
use semantics::authorizer::{Authorizer, MASTERS, Request, User, uncovered};
use semantics::rbac::{GROUP, Rule, rule_allows, rule_allows_url};
use serde_json::{Value, json};

const VERSION: &str = "rbac.authorization.k8s.io/v1";

fn role(kind: &str, namespace: Option<&str>, name: &str, rules: Value) -> Value {
    json!({"apiVersion": VERSION, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "rules": rules})
}

fn binding(namespace: Option<&str>, name: &str, role: (&str, &str), subjects: Value) -> Value {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    json!({"apiVersion": VERSION, "kind": kind, "metadata": {"namespace": namespace, "name": name},
        "roleRef": {"apiGroup": GROUP, "kind": role.0, "name": role.1}, "subjects": subjects})
}

fn cluster() -> Authorizer {
    let pods = json!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]);
    let nodes = json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]},
        {"verbs": ["get"], "nonResourceURLs": ["/metrics", "/healthz/*"]}]);
    let binder = json!([{"verbs": ["bind"], "apiGroups": [GROUP], "resources": ["clusterroles"], "resourceNames": ["nodes"]},
        {"verbs": ["escalate"], "apiGroups": [GROUP], "resources": ["roles"]}]);
    let objects = [
        role("Role", Some("shop"), "pods", pods.clone()),
        role("ClusterRole", None, "pods", pods),
        role("ClusterRole", None, "nodes", nodes),
        role("ClusterRole", None, "binder", binder),
        binding(
            Some("shop"),
            "a",
            ("Role", "pods"),
            json!([{"kind": "User", "name": "alice"}]),
        ),
        binding(
            Some("shop"),
            "b",
            ("ClusterRole", "nodes"),
            json!([{"kind": "User", "name": "alice"}]),
        ),
        binding(
            Some("shop"),
            "c",
            ("Role", "gone"),
            json!([{"kind": "User", "name": "carol"}]),
        ),
        binding(
            Some("shop"),
            "d",
            ("ClusterRole", "pods"),
            json!([{"kind": "ServiceAccount", "name": "web"}]),
        ),
        binding(
            None,
            "e",
            ("ClusterRole", "nodes"),
            json!([{"kind": "Group", "name": "ops"}]),
        ),
        binding(
            None,
            "f",
            ("ClusterRole", "pods"),
            json!([{"kind": "ServiceAccount", "name": "lost"},
            {"kind": "Group", "name": "system:serviceaccounts:ci"}]),
        ),
        binding(
            None,
            "g",
            ("ClusterRole", "binder"),
            json!([{"kind": "User", "name": "bob"}]),
        ),
        binding(
            None,
            "h",
            ("Role", "pods"),
            json!([{"kind": "User", "name": "dave"}]),
        ),
    ];
    Authorizer::of(&of(Live, &objects), &mut Ledger::default())
}

fn user(name: &str) -> User {
    match name.split_once('/') {
        Some((namespace, name)) => User::service_account(namespace, name),
        None if name == "root" => User {
            name: "root".into(),
            groups: vec![MASTERS.into()],
        },
        None if name == "olga" => User {
            name: "olga".into(),
            groups: vec!["ops".into()],
        },
        None => User {
            name: name.into(),
            groups: Vec::new(),
        },
    }
}

/// `get pods shop`, `get nodes -`, `get /metrics`.
fn request(text: &str) -> Request {
    let words: Vec<&str> = text.split(' ').collect();
    if words[1].starts_with('/') {
        return Request::Url {
            verb: words[0].into(),
            path: words[1].into(),
        };
    }
    Request::Resource {
        verb: words[0].into(),
        group: "".into(),
        resource: words[1].into(),
        name: "x".into(),
        namespace: (words[2] != "-").then(|| words[2].into()),
    }
}

#[test]
fn requests_of_users() {
    let cluster = cluster();
    for (who, asked, expected) in [
        ("alice", "get pods shop", Truth::Yes),
        ("alice", "delete pods shop", Truth::No),
        ("alice", "get pods blog", Truth::No),
        // A RoleBinding gives nothing outside of its namespace.
        ("alice", "get nodes -", Truth::No),
        ("alice", "get /metrics", Truth::No),
        ("carol", "get pods shop", Truth::No),
        ("shop/web", "list pods shop", Truth::Yes),
        ("shop/web", "list pods blog", Truth::No),
        ("shop/lost", "get pods shop", Truth::No),
        ("ci/any", "get pods blog", Truth::Yes),
        ("ci/any", "get pods -", Truth::Yes),
        ("olga", "get nodes -", Truth::Yes),
        ("olga", "get /metrics", Truth::Yes),
        ("olga", "get /healthz/etcd", Truth::Yes),
        ("olga", "get /healthz", Truth::No),
        // A ClusterRoleBinding cannot name a Role.
        ("dave", "get pods shop", Truth::No),
        ("root", "delete nodes -", Truth::Yes),
    ] {
        assert_eq!(
            cluster.allows(&user(who), &request(asked)),
            expected,
            "{who} {asked}"
        );
    }
}

#[test]
fn who_can() {
    let cluster = cluster();
    for (asked, expected) in [
        (
            "get pods shop",
            "User alice, Group system:serviceaccounts:ci, ServiceAccount shop/web",
        ),
        ("get pods blog", "Group system:serviceaccounts:ci"),
        ("get nodes -", "Group ops"),
        ("delete nodes -", ""),
    ] {
        let request = request(asked);
        let grants = cluster.who(&request);
        let names: Vec<String> = grants
            .iter()
            .map(|grant| grant.subject.to_string())
            .collect();
        assert_eq!(names.join(", "), expected, "{asked}");
    }
}

#[test]
fn files_may_leave_out_what_grants() {
    let objects = [binding(
        Some("shop"),
        "a",
        ("Role", "pods"),
        json!([{"kind": "User", "name": "alice"}]),
    )];
    let cluster = Authorizer::of(&of(Files, &objects), &mut Ledger::default());
    assert_eq!(
        cluster.allows(&user("alice"), &request("get pods shop")),
        Truth::Unknown
    );
}

#[test]
fn writing_and_binding_roles() {
    let cluster = cluster();
    let rule = |verb: &str, resource: &str| Rule {
        verbs: vec![verb.into()],
        groups: vec!["".into()],
        resources: vec![resource.into()],
        ..Rule::default()
    };
    let shop = Some(Text::from("shop"));
    let of = |kind: &str, name: &str| {
        ObjectRef::new(GROUP, kind, (kind == "Role").then_some("shop"), name)
    };
    for (who, role, rules, binds, writes) in [
        (
            "alice",
            of("Role", "new"),
            vec![rule("get", "pods")],
            Truth::Yes,
            Truth::Yes,
        ),
        (
            "alice",
            of("Role", "new"),
            vec![rule("get", "pods"), rule("get", "secrets")],
            Truth::No,
            Truth::No,
        ),
        // `escalate` writes roles, and does not bind them.
        (
            "bob",
            of("Role", "new"),
            vec![rule("*", "*")],
            Truth::No,
            Truth::Yes,
        ),
        // `bind` on one role binds that one.
        (
            "bob",
            of("ClusterRole", "nodes"),
            vec![rule("get", "nodes")],
            Truth::Yes,
            Truth::No,
        ),
        (
            "bob",
            of("ClusterRole", "pods"),
            vec![rule("get", "pods")],
            Truth::No,
            Truth::No,
        ),
        (
            "root",
            of("ClusterRole", "pods"),
            vec![rule("*", "*")],
            Truth::Yes,
            Truth::Yes,
        ),
    ] {
        let user = user(who);
        assert_eq!(
            cluster.may_bind(&user, &role, &rules, shop.as_ref()),
            binds,
            "{who} binds {role}"
        );
        assert_eq!(
            cluster.may_write_role(&user, &role, &rules),
            writes,
            "{who} writes {role}"
        );
    }
}

fn words(from: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<Text>> {
    prop::collection::vec(prop::sample::select(from), least..3)
        .prop_map(|words| words.into_iter().map(Into::into).collect())
}

const VERBS: &[&str] = &["get", "create", "*"];
const GROUPS: &[&str] = &["", "apps", "*"];
const RESOURCES: &[&str] = &["pods", "pods/exec", "*/exec", "pods/*", "*"];
const NAMES: &[&str] = &["a", "b"];
const URLS: &[&str] = &["/metrics", "/health*", "/healthz", "*"];

fn any_rule() -> impl Strategy<Value = Rule> {
    let resource = (
        words(VERBS, 1),
        words(GROUPS, 1),
        words(RESOURCES, 1),
        words(NAMES, 0),
    )
        .prop_map(|(verbs, groups, resources, names)| Rule {
            verbs,
            groups,
            resources,
            names,
            urls: Vec::new(),
        });
    let url = (words(VERBS, 1), words(URLS, 1)).prop_map(|(verbs, urls)| Rule {
        verbs,
        urls,
        ..Rule::default()
    });
    prop_oneof![4 => resource, 1 => url]
}

proptest! {
    /// Whoever covers a role can already do all that it allows.
    #[test]
    fn covering_is_sound(own in prop::collection::vec(any_rule(), 0..4), wanted in prop::collection::vec(any_rule(), 0..3)) {
        prop_assume!(uncovered(&own, &wanted).is_empty());
        for verb in ["get", "create", "delete"] {
            for group in ["", "apps", "batch"] {
                for resource in ["pods", "pods/exec", "pods/log", "jobs/exec", "jobs"] {
                    for name in ["", "a", "b", "c"] {
                        let may = |rules: &[Rule]| rules.iter().any(|r| rule_allows(r, verb, group, resource, name));
                        prop_assert!(!may(&wanted) || may(&own), "{verb} {group} {resource} {name}");
                    }
                }
            }
            for path in ["/metrics", "/healthz", "/health", "/version"] {
                let may = |rules: &[Rule]| rules.iter().any(|r| rule_allows_url(r, verb, path));
                prop_assert!(!may(&wanted) || may(&own), "{verb} {path}");
            }
        }
    }

    /// Everybody covers what he has, more never covers less, and `*` covers all.
    #[test]
    fn covering_is_an_order(a in any_rule(), b in any_rule(), c in any_rule()) {
        prop_assert!(uncovered(std::slice::from_ref(&a), std::slice::from_ref(&a)).is_empty());
        let both = [a.clone(), b.clone()];
        prop_assert!(uncovered(&[a, b, c.clone()], &both).is_empty());
        let star = || vec![Text::from("*")];
        let all = Rule { verbs: star(), groups: star(), resources: star(), urls: star(), ..Rule::default() };
        prop_assert!(uncovered(&[all], &[c]).is_empty());
    }

    /// A part that is not covered is a part of what was wanted: single, and covered by the wanted rules themselves.
    #[test]
    fn what_is_missing_was_wanted(own in any_rule(), wanted in any_rule()) {
        for part in uncovered(&[own], std::slice::from_ref(&wanted)) {
            prop_assert_eq!(part.verbs.len(), 1);
            prop_assert!(uncovered(std::slice::from_ref(&wanted), &[part]).is_empty());
        }
    }
}
