//! `plimsoll who-can`, `can`, `export role`: answers, codes, names that want to be something else, a role that comes back.

use crate::runner::{Home, Ran};
use serde_json::{Value, json};

const OBJECTS: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules:
- {verbs: [get, list, watch], apiGroups: [""], resources: [pods, "pods/*"]}
- {verbs: [get, update, delete], apiGroups: [""], resources: [configmaps]}
- {verbs: [create], apiGroups: [""], resources: [pods/exec]}
- {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [roles]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: monitor}
rules:
- {verbs: [get], apiGroups: [""], resources: [nodes/proxy, nodes/metrics]}
- {verbs: [get], nonResourceURLs: [/metrics, "/health*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: monitor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: monitor}
subjects:
- {kind: ServiceAccount, name: web, namespace: shop}
- {kind: Group, name: "system:authenticated"}
"#;

const LOST: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: lost, namespace: blog}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lost}
subjects: [{kind: User, name: carol}]
";

fn event(user: &str, verb: &str, object: &Value, code: u16, day: u32) -> String {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
        "requestURI": "/metrics?x=1", "verb": verb,
        "user": {"username": user, "groups": ["system:serviceaccounts", "system:authenticated"]},
        "objectRef": object, "responseStatus": {"code": code},
        "requestReceivedTimestamp": format!("2026-0{}-01T10:00:00.123456Z", day)})
    .to_string()
}

/// What the service account of `shop` did.
pub(crate) fn audit_log(account: &str) -> String {
    let object = |resource: &str, sub: &str, name: &str| json!({"resource": resource, "subresource": sub, "name": name, "namespace": "shop", "apiVersion": "v1"});
    let user = format!("system:serviceaccount:shop:{account}");
    [
        event(&user, "list", &object("pods", "", ""), 200, 7),
        event(&user, "watch", &object("pods", "", ""), 200, 7),
        event(&user, "get", &object("configmaps", "", "settings"), 200, 7),
        event(&user, "get", &object("secrets", "", "db"), 200, 7),
        event(
            &user,
            "update",
            &object("configmaps", "", "settings"),
            403,
            7,
        ),
        event(&user, "create", &object("pods", "exec", "web-0"), 101, 8),
        event(&user, "get", &Value::Null, 200, 8),
        event(
            "someone",
            "delete",
            &object("configmaps", "", "settings"),
            200,
            8,
        ),
    ]
    .join("\n")
        + "\n"
}

fn home() -> Home {
    let home = Home::new();
    home.write("k8s/rbac.yaml", OBJECTS);
    home.write("lost/rbac.yaml", format!("{OBJECTS}---{LOST}"));
    home.write("audit.log", audit_log("web"));
    home
}

fn ask(home: &Home, words: &str) -> Ran {
    let words: Vec<&str> = words.split(' ').collect();
    home.run(&words).sound()
}

#[test]
fn codes() {
    let home = home();
    home.write("damaged.log", format!("{}garbage\n", audit_log("web")));
    home.write("foreign.log", "{\"a\":1}\n");
    for (words, code) in [
        ("who-can get pods --manifests k8s", 0),
        ("who-can get pods --manifests lost", 3),
        ("who-can get pods -n shop --manifests lost", 0),
        ("who-can get nothings --manifests k8s", 2),
        ("who-can get pods", 2),
        ("can sa/shop/web --manifests k8s", 0),
        ("can User/carol --manifests lost", 3),
        ("can User/carol --manifests k8s", 2),
        ("can web --manifests k8s", 2),
        ("can sa/shop/web --manifests k8s --audit-log audit.log", 0),
        ("can sa/shop/web --manifests k8s --audit-log damaged.log", 3),
        ("can sa/shop/web --manifests k8s --audit-log foreign.log", 2),
        ("can sa/shop/web --manifests k8s --audit-log missing.log", 2),
        (
            "export role sa/shop/web --manifests k8s --audit-log audit.log",
            0,
        ),
    ] {
        let ran = ask(&home, words);
        assert_eq!(ran.code, code, "{words}: {}{}", ran.text(), ran.stderr);
        if code == 2 {
            ran.refused("");
        }
    }
}

#[test]
fn texts() {
    let home = home();
    for (name, words) in [
        (
            "who_can",
            "who-can create pods/exec --manifests k8s --kubernetes-version 1.34",
        ),
        (
            "who_can_nobody",
            "who-can delete secrets --manifests lost --kubernetes-version 1.36",
        ),
        (
            "can",
            "can sa/shop/web --manifests k8s --kubernetes-version 1.36",
        ),
        (
            "can_audit_log",
            "can sa/shop/web --manifests k8s --kubernetes-version 1.36 --audit-log audit.log",
        ),
        (
            "least_role",
            "export role sa/shop/web --manifests k8s --kubernetes-version 1.36 --audit-log audit.log",
        ),
    ] {
        insta::assert_snapshot!(name, ask(&home, words).text());
    }
}

#[test]
fn json_for_scripts() {
    let home = home();
    let read =
        |words: &str| -> Value { serde_json::from_slice(&ask(&home, words).stdout).unwrap() };
    let who = read("who-can get pods -n shop --manifests k8s --format json");
    assert_eq!(who["complete"], true);
    assert_eq!(who["subjects"][0]["kind"], "ServiceAccount");
    assert_eq!(who["subjects"][0]["grants"][0]["binding"]["name"], "web");
    assert_eq!(who["same"][0]["resource"], "nodes/pods");
    let can = read("can sa/shop/web --manifests k8s --format json --audit-log audit.log --role");
    assert_eq!(can["usage"]["requests"], 6);
    assert_eq!(can["usage"]["denied"], 1);
    assert_eq!(
        can["usage"]["unexplained"],
        json!(["get secrets in namespace shop"])
    );
    assert_eq!(can["usage"]["roles"][0]["kind"], "ClusterRole");
    let plain = read("can sa/shop/web --manifests k8s --format json");
    assert_eq!(plain["usage"], Value::Null);
}

/// The YAML is read again, and gives what the log shows and no more.
#[test]
fn the_least_role_comes_back() {
    let home = home();
    let role = ask(
        &home,
        "can sa/shop/web --manifests k8s --audit-log audit.log --role",
    )
    .done();
    home.write("least/role.yaml", role.text());
    for (words, expected) in [
        ("who-can list pods -n shop", 1),
        ("who-can get pods -n shop", 0),
        ("who-can get configmaps settings -n shop", 1),
        ("who-can get configmaps other -n shop", 0),
        ("who-can update configmaps -n shop", 0),
        ("who-can create pods/exec -n shop", 1),
        ("who-can create pods/exec -n blog", 0),
        ("who-can get /metrics", 1),
        ("who-can get /healthz", 0),
    ] {
        let ran = ask(&home, &format!("{words} --manifests least --format json")).done();
        let who: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(
            who["subjects"].as_array().unwrap().len(),
            expected,
            "{words}"
        );
    }
}

const HOSTILE: &str = "e\u{1b}[31mvil\u{7}\u{9b}2J\u{202e}txt\u{2066}\u{200b}\"]\u{85}\u{2028}\r\n---\n# forged: \\\" ' {}";

#[test]
fn names_that_want_to_be_something_else() {
    let home = Home::new();
    let api = "rbac.authorization.k8s.io/v1";
    let group = "rbac.authorization.k8s.io";
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": HOSTILE},
            "rules": [{"verbs": ["get", HOSTILE], "apiGroups": ["", HOSTILE], "resources": ["pods", HOSTILE],
                "resourceNames": [HOSTILE]}, {"verbs": ["get"], "nonResourceURLs": [HOSTILE]}]},
        {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": HOSTILE},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": HOSTILE},
            "subjects": [{"kind": "User", "name": HOSTILE}, {"kind": "ServiceAccount", "name": HOSTILE, "namespace": HOSTILE}]},
        {"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": HOSTILE, "namespace": HOSTILE},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "gone"}, "subjects": [{"kind": "User", "name": HOSTILE}]},
    ]});
    home.write("k8s/rbac.json", objects.to_string());
    let object =
        json!({"resource": "pods", "name": HOSTILE, "namespace": HOSTILE, "apiVersion": "v1"});
    home.write("audit.log", event(HOSTILE, "get", &object, 200, 7));
    let subject = format!("User/{HOSTILE}");
    for words in [
        &["who-can", "get", "pods"][..],
        &["who-can", "get", "pods", "--format", "json"],
        &["can", &subject],
        &["can", &subject, "--format", "json"],
        &["can", &subject, "--audit-log", "audit.log"],
        &["can", &subject, "--audit-log", "audit.log", "--role"],
        &["can", "User/none\u{1b}[31m"],
        &["who-can", "get", "x\u{1b}[31m"],
    ] {
        let ran = home.run(&[words, &["--manifests", "k8s"]].concat()).sound();
        let text = format!("{}{}", ran.text(), ran.stderr);
        let steers =
            |c: char| c.is_control() && c != '\n' || "\u{202e}\u{2066}\u{200b}\u{2028}".contains(c);
        assert!(!text.chars().any(steers), "{words:?}: {text:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("# forged")),
            "{text}"
        );
    }
    let ran = home.run(&[
        "export",
        "role",
        &subject,
        "--manifests",
        "k8s",
        "--audit-log",
        "audit.log",
    ]);
    home.write("least/role.yaml", ran.text());
    let words = [
        "who-can",
        "get",
        "pods",
        HOSTILE,
        "--manifests",
        "least",
        "--format",
        "json",
    ];
    let who: Value = serde_json::from_slice(&home.run(&words).sound().stdout).unwrap();
    assert_eq!(who["subjects"][0]["name"], HOSTILE, "{}", ran.text());
}
