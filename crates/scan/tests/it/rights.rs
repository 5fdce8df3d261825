//! Who may do what, from manifests: questions, subjects, logs, and the laws of the least role.

use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::rights::{Can, LeastRole, RuleText, UseState, WhoCan};
use model::snapshot::Snapshot;
use model::text::Text;
use proptest::prelude::*;
use scan::inputs::{Source, manifests};
use scan::rights::Rights;
use semantics::authorizer::{Authorizer, Binding, Request, Subject, User, uncovered};
use semantics::rbac::{GROUP, Rule};
use serde_json::{Value, json};
use std::path::PathBuf;

const VERSION: &str = "rbac.authorization.k8s.io/v1";

fn role(namespace: Option<&str>, name: &str, rules: &Value) -> Value {
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    json!({"apiVersion": VERSION, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "rules": rules})
}

fn bind(namespace: Option<&str>, name: &str, kind: &str, role: &str, subjects: &Value) -> Value {
    let own = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    json!({"apiVersion": VERSION, "kind": own, "metadata": {"namespace": namespace, "name": name},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role}, "subjects": subjects})
}

fn snapshot(objects: &[Value], minor: u16) -> Snapshot {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let source = Source::Bytes {
        name: "objects".into(),
        bytes: serde_json::to_vec(&list).unwrap().into(),
    };
    manifests(&[source], Some(minor), [1; 32]).unwrap()
}

fn shop() -> Vec<Value> {
    let sa = json!([{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}]);
    let alice = json!([{"kind": "User", "name": "alice"}]);
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]}, "versions": []}});
    vec![
        crd,
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "shop"}}),
        role(
            Some("shop"),
            "web",
            &json!([
                {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/*"]},
                {"verbs": ["get", "update"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a", "b"]},
                {"verbs": ["create"], "apiGroups": [""], "resources": ["pods/exec"]},
                {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["widgets"]}]),
        ),
        bind(Some("shop"), "web", "Role", "web", &sa),
        role(
            None,
            "nodes",
            &json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes", "nodes/proxy"]},
                {"verbs": ["get"], "nonResourceURLs": ["/metrics*"]}]),
        ),
        bind(None, "nodes", "ClusterRole", "nodes", &alice),
        bind(
            None,
            "all",
            "ClusterRole",
            "cluster-admin",
            &json!([{"kind": "Group", "name": "ops"}]),
        ),
        bind(
            None,
            "everyone",
            "ClusterRole",
            "view",
            &json!([{"kind": "Group", "name": "system:authenticated"}]),
        ),
    ]
}

fn rights(minor: u16) -> Rights {
    Rights::of(&snapshot(&shop(), minor))
}

/// `Kind name(names)` of each holder of each way, `;` between ways.
fn told(who: &WhoCan) -> String {
    let ways: Vec<String> = who
        .ways
        .iter()
        .map(|way| {
            let holders: Vec<String> = way
                .holders
                .iter()
                .map(|holder| {
                    let names: Vec<&str> = holder
                        .held
                        .iter()
                        .flat_map(|held| held.names.iter().map(|name| &**name))
                        .collect();
                    let names = if names.is_empty() {
                        String::new()
                    } else {
                        format!("({})", names.join(","))
                    };
                    format!("{} {}{names}", holder.subject.kind, holder.subject.name)
                })
                .collect();
            holders.join(", ")
        })
        .collect();
    ways.join("; ")
}

fn check(minor: u16, asked: &str, expected: &str) {
    let mut words = asked.split(' ');
    let (verb, resource) = (words.next().unwrap(), words.next().unwrap());
    let (mut name, mut namespace, mut all) = (None, None, false);
    for word in words {
        match word.strip_prefix('@') {
            Some("*") => all = true,
            Some(place) => namespace = Some(place),
            None => name = Some(word),
        }
    }
    let who = rights(minor)
        .who_can(verb, resource, name, namespace, all)
        .unwrap();
    assert_eq!(told(&who), expected, "{asked}");
    assert_eq!(who.others, Truth::No, "{asked}");
}

#[test]
fn questions() {
    check(36, "get widgets", "Group ops, ServiceAccount web");
    check(36, "get wd", "Group ops, ServiceAccount web");
    check(36, "get widgets @*", "Group ops");
    check(36, "get widgets @blog", "Group ops");
    check(36, "get widgets @shop", "Group ops, ServiceAccount web");
    check(
        36,
        "update configmaps",
        "Group ops, ServiceAccount web(a,b)",
    );
    check(
        36,
        "update configmaps a",
        "Group ops, ServiceAccount web(a,b)",
    );
    check(36, "update configmaps c", "Group ops");
    check(36, "create cm", "Group ops");
    check(36, "delete deploy", "Group ops");
    check(36, "get nodes", "Group ops, User alice");
    check(36, "get /metrics/cadvisor", "Group ops, User alice");
    check(36, "get /healthz", "Group ops");
    check(36, "list ns", "Group system:authenticated, Group ops");
    check(
        36,
        "create pods/exec",
        "Group ops, ServiceAccount web; Group ops, User alice; Group ops",
    );
    // `pods/*` gives nothing: not `get pods/exec` either.
    check(
        34,
        "create pods/exec",
        "Group ops, ServiceAccount web; Group ops; Group ops, User alice; Group ops",
    );
}

#[test]
fn roles_that_were_not_seen_leave_the_answer_open() {
    let mut objects = shop();
    let carol = json!([{"kind": "User", "name": "carol"}]);
    objects.push(bind(Some("blog"), "gone", "Role", "gone", &carol));
    let rights = Rights::of(&snapshot(&objects, 36));
    for (namespace, expected) in [
        (None, Truth::Unknown),
        (Some("blog"), Truth::Unknown),
        (Some("shop"), Truth::No),
    ] {
        let who = rights
            .who_can("get", "pods", None, namespace, false)
            .unwrap();
        assert_eq!(who.others, expected, "{namespace:?}");
    }
    let can = rights.can("User/carol", None).unwrap();
    assert_eq!((can.others, can.missing.len()), (Truth::Unknown, 1));
}

#[test]
fn wrong_questions() {
    let rights = rights(36);
    for (verb, resource, name) in [
        ("get", "wigdets", None),
        ("", "pods", None),
        ("get", "/metrics", Some("a")),
    ] {
        assert!(
            rights.who_can(verb, resource, name, None, false).is_err(),
            "{verb} {resource}"
        );
    }
    for subject in ["User/bob", "ServiceAccount/shop/wep", "Group/dev", "alice"] {
        assert!(rights.can(subject, None).is_err(), "{subject}");
    }
    let error = rights.can("User/Alice", None).unwrap_err().to_string();
    assert!(error.contains("User/alice?"), "{error}");
}

#[test]
fn what_a_subject_may_do() {
    let can = rights(36).can("sa/shop/web", None).unwrap();
    let written: Vec<String> = can
        .grants
        .iter()
        .map(|given| {
            let dangers: Vec<&str> = given
                .rules
                .iter()
                .flat_map(|rule| rule.dangers.iter().map(|(id, _)| &**id))
                .collect();
            let dead: Vec<&str> = given
                .rules
                .iter()
                .flat_map(|rule| rule.dead.iter().map(|(part, _)| &**part))
                .collect();
            format!(
                "{:?} {} via {:?} [{}] dead [{}]",
                given.namespace.as_deref(),
                given.binding.name,
                given.via.as_deref(),
                dangers.join(","),
                dead.join(",")
            )
        })
        .collect();
    assert_eq!(
        written,
        [
            r#"None everyone via Some("system:authenticated") [] dead []"#,
            r#"Some("shop") web via None [exec] dead [pods/*]"#,
        ]
    );
    assert_eq!(can.there, Some(true));
    let elsewhere = rights(36).can("sa/shop/web", Some("blog")).unwrap();
    assert_eq!(elsewhere.grants.len(), 1);
}

fn event(user: &User, request: &Request, code: u16) -> Value {
    let (verb, uri, object) = match request {
        Request::Url { verb, path } => (verb, path.to_string(), Value::Null),
        Request::Resource {
            verb,
            group,
            resource,
            name,
            namespace,
        } => {
            let (base, sub) = resource.split_once('/').unwrap_or((resource, ""));
            let object = json!({"resource": base, "subresource": sub, "apiGroup": group, "name": name,
                "namespace": namespace.as_deref().unwrap_or_default()});
            (verb, "/x".to_owned(), object)
        }
    };
    let mut event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "stage": "ResponseComplete", "verb": verb,
        "requestURI": uri, "user": {"username": user.name, "groups": user.groups}, "responseStatus": {"code": code},
        "requestReceivedTimestamp": "2026-11-23T04:17:14.464027Z"});
    if !object.is_null() {
        event["objectRef"] = object;
    }
    event
}

fn used(snapshot: &Snapshot, subject: &str, events: &[Value]) -> Can {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("audit.log");
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    Rights::of(snapshot).used(subject, None, &[path]).unwrap()
}

fn resource(verb: &str, group: &str, resource: &str, name: &str, namespace: &str) -> Request {
    Request::Resource {
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        name: name.into(),
        namespace: (!namespace.is_empty()).then(|| namespace.into()),
    }
}

fn rule_line(rule: &RuleText) -> String {
    let words = [
        &rule.verbs,
        &rule.groups,
        &rule.resources,
        &rule.names,
        &rule.urls,
    ];
    words.map(|list| list.join(",")).join("|")
}

#[test]
fn what_a_log_shows() {
    let web = User::service_account("shop", "web");
    let admin = User {
        name: "admin".into(),
        groups: Vec::new(),
    };
    let mut acted = event(&admin, &resource("list", "", "pods", "", "shop"), 200);
    acted["impersonatedUser"] = json!({"username": web.name, "groups": web.groups});
    let mut received = event(
        &web,
        &resource("get", "example.com", "widgets", "w", "shop"),
        200,
    );
    received["stage"] = json!("RequestReceived");
    let mut open = event(
        &web,
        &resource("create", "", "pods/exec", "web-0", "shop"),
        101,
    );
    open["stage"] = json!("ResponseStarted");
    let events = [
        acted,
        received,
        open,
        // Refused is not used.
        event(
            &web,
            &resource("update", "", "configmaps", "b", "shop"),
            403,
        ),
        event(&web, &resource("get", "", "configmaps", "a", "shop"), 200),
        // Not found was allowed.
        event(
            &web,
            &resource("get", "", "pods", "web-7d9f8b6c5d-x2x4z", "shop"),
            404,
        ),
        // Not ours to explain.
        event(&web, &resource("delete", "", "pods", "p", "shop"), 200),
        event(&admin, &resource("get", "", "pods", "p", "shop"), 200),
    ];
    let can = used(&snapshot(&shop(), 36), "sa/shop/web", &events);
    let usage = can.usage.as_ref().unwrap();
    assert_eq!(
        (usage.events, usage.requests, usage.denied, usage.partial),
        (8, 4, 1, true)
    );
    let unexplained: Vec<&str> = usage.unexplained.iter().map(|text| &**text).collect();
    assert_eq!(unexplained, ["delete pods in namespace shop"]);
    let own = can
        .grants
        .iter()
        .find(|given| &*given.binding.name == "web");
    let states: Vec<(String, UseState, String)> = own
        .unwrap()
        .rules
        .iter()
        .map(|rule| {
            let used = rule.used.as_ref().unwrap();
            (rule_line(&rule.rule), used.state, used.never.join(","))
        })
        .collect();
    let state = |text: &str, state, never: &str| (text.to_owned(), state, never.to_owned());
    assert_eq!(
        states,
        [
            state("create||pods/exec||", UseState::All, ""),
            state("get,list||pods,pods/*||", UseState::All, ""),
            state(
                "get,update||configmaps|a,b|",
                UseState::Partly,
                "update configmaps"
            ),
            state(
                "get|example.com|widgets||",
                UseState::Never,
                "get widgets.example.com"
            ),
        ]
    );
    let roles: Vec<String> = usage
        .roles
        .iter()
        .map(|role| {
            let rules: Vec<String> = role.rules.iter().map(rule_line).collect();
            format!("{:?} {}", role.namespace.as_deref(), rules.join(" "))
        })
        .collect();
    assert_eq!(
        roles,
        [r#"Some("shop") create||pods/exec|| get,list||pods|| get||configmaps|a|"#]
    );
}

#[test]
fn an_update_that_creates_used_create_too() {
    let objects = [
        role(
            Some("shop"),
            "web",
            &json!([{"verbs": ["patch", "create"], "apiGroups": [""], "resources": ["configmaps"]}]),
        ),
        bind(
            Some("shop"),
            "web",
            "Role",
            "web",
            &json!([{"kind": "User", "name": "u"}]),
        ),
    ];
    let user = User {
        name: "u".into(),
        groups: vec!["system:authenticated".into()],
    };
    for (code, expected) in [
        (200, "patch||configmaps|a|"),
        (201, "create,patch||configmaps|a|"),
    ] {
        let event = event(
            &user,
            &resource("patch", "", "configmaps", "a", "shop"),
            code,
        );
        let can = used(&snapshot(&objects, 36), "User/u", &[event]);
        let usage = can.usage.unwrap();
        let rules: Vec<String> = usage.roles[0].rules.iter().map(rule_line).collect();
        assert_eq!(rules, [expected], "{code}");
    }
}

#[test]
fn a_user_that_only_the_log_knows_brings_his_groups() {
    let user = User {
        name: "olga".into(),
        groups: vec!["ops".into(), "system:authenticated".into()],
    };
    let events = [event(
        &user,
        &resource("get", "apps", "deployments", "d", "shop"),
        200,
    )];
    let can = used(&snapshot(&shop(), 36), "User/olga", &events);
    assert!(can.groups.iter().any(|group| &**group == "ops"));
    assert_eq!(can.usage.unwrap().roles.len(), 1);
}

fn words(from: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(from), least..3)
}

const VERBS: &[&str] = &["get", "list", "create", "update", "deletecollection", "*"];
const GROUPS: &[&str] = &["", "apps", "*"];
const RESOURCES: &[&str] = &[
    "pods",
    "pods/exec",
    "*/exec",
    "pods/*",
    "secrets",
    "deployments/scale",
    "nodes",
    "*",
];
const NAMES: &[&str] = &["a", "b", "web-x2x4z", ""];
const URLS: &[&str] = &["/metrics", "/health*", "/healthz", "*", "/a*b"];
const ASKED: &[&str] = &[
    "get",
    "list",
    "create",
    "update",
    "deletecollection",
    "impersonate",
    "*",
];
const ASKED_RESOURCES: &[&str] = &[
    "pods",
    "pods/exec",
    "pods/*",
    "secrets",
    "deployments/scale",
    "nodes",
    "*",
];
const PLACES: &[&str] = &[
    "", "shop", "blog", "ns-0", "ns-1", "ns-2", "ns-3", "ns-4", "ns-5", "ns-6", "ns-7", "ns-8",
    "ns-9",
];

fn any_rule(urls: bool) -> impl Strategy<Value = Value> {
    let resource = (words(VERBS, 1), words(GROUPS, 1), words(RESOURCES, 1), words(NAMES, 0)).prop_map(
        |(verbs, groups, resources, names)| json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names}),
    );
    let url = (words(VERBS, 1), words(URLS, 1))
        .prop_map(|(verbs, urls)| json!({"verbs": verbs, "nonResourceURLs": urls}));
    if urls {
        prop_oneof![4 => resource, 1 => url].boxed()
    } else {
        resource.boxed()
    }
}

fn any_request() -> impl Strategy<Value = Request> {
    let of = |from: &'static [&'static str]| prop::sample::select(from);
    let one = (
        of(ASKED),
        of(&["", "apps"]),
        of(ASKED_RESOURCES),
        of(NAMES),
        of(PLACES),
    )
        .prop_map(|(verb, group, kind, name, place)| resource(verb, group, kind, name, place));
    let url = (
        of(ASKED),
        of(&["/metrics", "/healthz", "/healthz/a*", "/"][..]),
    )
        .prop_map(|(verb, path)| Request::Url {
            verb: verb.into(),
            path: path.into(),
        });
    prop_oneof![6 => one, 1 => url]
}

/// The authorizer of the least roles alone.
fn of_roles(roles: &[LeastRole]) -> Authorizer {
    let subject = Subject::ServiceAccount {
        namespace: "shop".into(),
        name: "web".into(),
    };
    let rule = |text: &RuleText| Rule {
        verbs: text.verbs.clone(),
        groups: text.groups.clone(),
        resources: text.resources.clone(),
        names: text.names.clone(),
        urls: text.urls.clone(),
    };
    Authorizer {
        roles: Vec::new(),
        rules: roles
            .iter()
            .map(|role| role.rules.iter().map(rule).collect())
            .collect(),
        bindings: roles
            .iter()
            .zip(0..)
            .map(|(role, n)| Binding {
                object: ObjectRef::new(GROUP, "RoleBinding", role.namespace.as_deref(), &role.name),
                namespace: role.namespace.clone(),
                subjects: vec![subject.clone()],
                role: ObjectRef::new(GROUP, "Role", role.namespace.as_deref(), &role.name),
                rules: Some(n),
            })
            .collect(),
        complete: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// It covers every request of the log that the authorizer allows, and holds nothing that the subject does not.
    #[test]
    fn the_least_role_is_enough_and_no_more(
        whole in prop::collection::vec(any_rule(true), 0..3),
        shop in prop::collection::vec(any_rule(false), 1..3),
        more in prop::sample::subsequence(PLACES[1..].to_vec(), 0..12),
        requests in prop::collection::vec(any_request(), 1..60),
    ) {
        let sa = json!([{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}]);
        let mut objects = vec![role(None, "whole", &json!(whole)), role(None, "shop", &json!(shop)),
            bind(None, "whole", "ClusterRole", "whole", &sa)];
        for place in more {
            objects.push(bind(Some(place), "shop", "ClusterRole", "shop", &sa));
        }
        let snapshot = snapshot(&objects, 36);
        let user = User::service_account("shop", "web");
        let events: Vec<Value> = requests.iter().map(|request| event(&user, request, 200)).collect();
        let can = used(&snapshot, "sa/shop/web", &events);
        let usage = can.usage.unwrap();
        let ours = of_roles(&usage.roles);
        let theirs = Authorizer::of(&snapshot, &mut Ledger::default());
        for request in requests {
            // The log shows a name that the authorizer of a new object does not see.
            let request = match request {
                Request::Resource { verb, group, resource, namespace, .. }
                    if &*verb == "deletecollection" || (&*verb == "create" && !resource.contains('/')) =>
                {
                    Request::Resource { verb, group, resource, name: "".into(), namespace }
                }
                other => other,
            };
            if theirs.allows(&user, &request) == Truth::Yes {
                prop_assert_eq!(ours.allows(&user, &request), Truth::Yes, "{:?} {:?}", request, usage.roles);
            }
        }
        for role in &usage.roles {
            let own: Vec<Rule> = theirs.rules_for(&user, role.namespace.as_ref()).map(|g| g.rule.clone()).collect();
            let of: Vec<Rule> = ours.rules_for(&user, role.namespace.as_ref())
                .filter(|grant| grant.binding.namespace == role.namespace)
                .map(|g| g.rule.clone()).collect();
            prop_assert_eq!(uncovered(&own, &of), Vec::new(), "{:?}", role);
        }
    }
}

/// Texts of a hostile log go into names of the role only where they are safe.
#[test]
fn hostile_names_in_a_log() {
    let user = User {
        name: "u\u{1b}[31m\n\"x".into(),
        groups: vec!["ops".into()],
    };
    let events = [event(
        &user,
        &resource("get", "", "pods", "\u{202e}", "a\nb"),
        200,
    )];
    let asked = format!("User/{}", user.name);
    let can = used(&snapshot(&shop(), 36), &asked, &events);
    let usage = can.usage.unwrap();
    let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    assert!(usage.roles.iter().all(|role| role.name.chars().all(safe)));
    let _: Vec<Text> = can.groups;
}
