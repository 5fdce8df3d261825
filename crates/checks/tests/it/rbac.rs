//! Rules of RBAC: each with what fires and what does not, and with its fix taken.

use crate::world::{ask, lines, object};
use checks::rule::{Change, Fix, Form, Rule};
use checks::table::{all, rule};
use checks::world::{Beside, Found, World};
use model::evidence::{Fact, Ledger};
use model::snapshot::{KubernetesVersion, Listed, Origin, Snapshot};
use semantics::declare::Declarations;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const RBAC: &str = "rbac.authorization.k8s.io";

/// A live cluster of which every kind was listed.
pub(crate) fn live(objects: &[Value], minor: u16) -> Snapshot {
    let listed = [
        ("", "Namespace"),
        ("", "Node"),
        ("", "Pod"),
        ("", "Service"),
        ("", "ServiceAccount"),
        ("apps", "DaemonSet"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
        ("batch", "Job"),
        ("networking.k8s.io", "NetworkPolicy"),
        (RBAC, "ClusterRole"),
        (RBAC, "ClusterRoleBinding"),
        (RBAC, "Role"),
        (RBAC, "RoleBinding"),
    ];
    let mut snapshot = Snapshot {
        origin: Origin::Live,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion { minor, known: true },
        server_version: None,
        taken_at: None,
        objects: (0..).zip(objects).map(|(n, one)| object(one, n)).collect(),
        files: Vec::new(),
        listed: listed
            .iter()
            .map(|(group, kind)| Listed {
                group: (*group).into(),
                kind: (*kind).into(),
                count: 1,
                complete: true,
            })
            .collect(),
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// `get,list|core|pods|names|urls`, several by `; `.
fn rules(text: &str) -> Value {
    let one = |line: &str| {
        let mut out = serde_json::Map::new();
        let keys = [
            "verbs",
            "apiGroups",
            "resources",
            "resourceNames",
            "nonResourceURLs",
        ];
        for (key, part) in keys.iter().zip(line.split('|')) {
            let words = part.split(',').filter(|word| !word.is_empty());
            let words: Vec<&str> = words.map(|w| if w == "core" { "" } else { w }).collect();
            if !words.is_empty() {
                out.insert((*key).to_owned(), json!(words));
            }
        }
        Value::Object(out)
    };
    let text = text.replace("rbac.", RBAC);
    Value::Array(
        text.split("; ")
            .filter(|l| !l.is_empty())
            .map(one)
            .collect(),
    )
}

/// `ClusterRole reader` or `Role shop/reader`.
fn role(name: &str, text: &str) -> Value {
    let (kind, name) = name.split_once(' ').unwrap();
    let metadata = match name.split_once('/') {
        Some((namespace, name)) => json!({"name": name, "namespace": namespace}),
        None => json!({"name": name}),
    };
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": metadata, "rules": rules(text)})
}

/// `User a, Group b, ServiceAccount shop/web` as subjects.
fn subjects(text: &str) -> Value {
    let one = |subject: &str| {
        let (kind, name) = subject.split_once(' ').unwrap();
        match name.split_once('/') {
            Some((namespace, name)) => json!({"kind": kind, "name": name, "namespace": namespace}),
            None => json!({"kind": kind, "name": name}),
        }
    };
    Value::Array(text.split(", ").map(one).collect())
}

/// `shop/ab` is a RoleBinding, `ab` a ClusterRoleBinding.
fn binding(name: &str, role: &str, held: &str) -> Value {
    let (role_kind, role) = role.split_once(' ').unwrap();
    let (kind, metadata) = match name.split_once('/') {
        Some((namespace, name)) => ("RoleBinding", json!({"name": name, "namespace": namespace})),
        None => ("ClusterRoleBinding", json!({"name": name})),
    };
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": role}, "subjects": subjects(held)})
}

fn account(name: &str) -> Value {
    let (namespace, name) = name.split_once('/').unwrap();
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})
}

/// A ClusterRole or Role that a user holds.
fn held(name: &str, text: &str) -> Vec<Value> {
    let bound = match name.split_once('/') {
        Some((left, short)) => {
            let namespace = left.split_once(' ').unwrap().1;
            binding(
                &format!("{namespace}/b"),
                &format!("Role {short}"),
                "User alice",
            )
        }
        None => binding("b", name, "User alice"),
    };
    vec![role(name, text), bound]
}

fn with(mut objects: Vec<Value>, more: Value) -> Vec<Value> {
    objects.push(more);
    objects
}

fn labelled(mut object: Value, key: &str, value: &str) -> Value {
    object["metadata"]["labels"][key] = json!(value);
    object
}

fn find(objects: &[Value], minor: u16, slug: &str) -> Vec<String> {
    let rule = rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
    lines(&ask(&live(objects, minor), &[rule]))
}

struct Case {
    slug: &'static str,
    fires: Vec<Value>,
    /// Object and pointer of the one finding.
    at: &'static str,
    silent: Vec<Vec<Value>>,
    minor: u16,
}

fn case(slug: &'static str, fires: Vec<Value>, at: &'static str, silent: Vec<Vec<Value>>) -> Case {
    Case {
        slug,
        fires,
        at,
        silent,
        minor: 36,
    }
}

/// A ClusterRole that fires at `/rules/0`, and ClusterRoles that do not.
fn global(slug: &'static str, fires: &str, silent: &[&str]) -> Case {
    let quiet = silent.iter().map(|text| held("ClusterRole r", text));
    case(
        slug,
        held("ClusterRole r", fires),
        "ClusterRole r /rules/0",
        quiet.collect(),
    )
}

/// The same of Roles.
fn local(slug: &'static str, fires: &str, silent: &[&str]) -> Case {
    let quiet = silent.iter().map(|text| held("Role shop/r", text));
    case(
        slug,
        held("Role shop/r", fires),
        "Role shop/r /rules/0",
        quiet.collect(),
    )
}

/// A binding of a role `r` with these rules.
fn bound(
    slug: &'static str,
    fires: (&str, &str, &str),
    at: &'static str,
    silent: &[(&str, &str, &str)],
) -> Case {
    let make = |(name, text, held): (&str, &str, &str)| {
        vec![
            role("ClusterRole r", text),
            binding(name, "ClusterRole r", held),
        ]
    };
    case(
        slug,
        make(fires),
        at,
        silent.iter().copied().map(make).collect(),
    )
}

fn cases() -> Vec<Case> {
    let deploys = "get,list,watch|apps|deployments";
    let admin = |name: &str, held: &str| vec![binding(name, "ClusterRole cluster-admin", held)];
    let view = |text: &str, level: &str| {
        let key = format!("{RBAC}/aggregate-to-{level}");
        vec![labelled(role("ClusterRole r", text), &key, "true")]
    };
    let shipped = |text: &str| {
        let name = "ClusterRole system:basic-user";
        let role = role(name, text);
        vec![labelled(
            role,
            "kubernetes.io/bootstrapping",
            "rbac-defaults",
        )]
    };
    let basic = "create|authorization.k8s.io|selfsubjectaccessreviews,selfsubjectrulesreviews";
    let mut frozen = shipped(basic);
    frozen[0]["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] =
        json!("false");
    let adding = |selector: Value| {
        let mut one = role("ClusterRole r", "");
        one["aggregationRule"] = json!({"clusterRoleSelectors": [selector]});
        vec![one]
    };
    let web = "ServiceAccount shop/web";
    vec![
        global(
            "wildcard-everything",
            "*|*|*",
            &[deploys, "*|apps|*", "get|*|*"],
        ),
        local(
            "wildcard-everything-in-namespace",
            "*|*|*",
            &[deploys, "*|*|pods"],
        ),
        global(
            "wildcard-resources",
            "get,create|core|*",
            &["*|*|*", "get|core|*", "*|metrics.k8s.io|*"],
        ),
        global(
            "reads-everything",
            "get,list|*|*",
            &["get|metrics.k8s.io|*", deploys, "*|*|*"],
        ),
        global(
            "wildcard-verbs",
            "*|example.com|widgets",
            &["get|example.com|widgets", "*|core|secrets", "*||||/metrics"],
        ),
        global(
            "wildcard-groups",
            "get|*|widgets",
            &["get|example.com|widgets", "*|*|*"],
        ),
        global(
            "wildcard-urls",
            "get||||*",
            &["get||||/metrics", "*|*|*; *||||*"],
        ),
        global(
            "escalate-verb",
            "escalate|rbac.|clusterroles",
            &["update|rbac.|clusterroles", "escalate|core|pods"],
        ),
        global(
            "bind-verb",
            "bind|rbac.|clusterroles",
            &["bind|rbac.|clusterroles|view", "create|rbac.|rolebindings"],
        ),
        global(
            "impersonate-users",
            "impersonate|core|users,groups",
            &["impersonate|core|users|alice", "get|core|users"],
        ),
        local(
            "impersonate-accounts",
            "impersonate|core|serviceaccounts",
            &[
                "impersonate|core|serviceaccounts|web",
                "get|core|serviceaccounts",
            ],
        ),
        global(
            "impersonate-extras",
            "impersonate|authentication.k8s.io|userextras/scopes",
            &["impersonate|core|users", "get|authentication.k8s.io|uids"],
        ),
        global(
            "impersonate-named",
            "impersonate|core|users|alice",
            &["impersonate|core|users", "get|core|users|alice"],
        ),
        global(
            "issue-certificates",
            "approve|certificates.k8s.io|signers|kubernetes.io/kube-apiserver-client",
            &[
                "approve|certificates.k8s.io|signers|example.com/web",
                "create|certificates.k8s.io|certificatesigningrequests",
            ],
        ),
        local(
            "create-tokens",
            "create|core|serviceaccounts/token",
            &[
                "create|core|serviceaccounts/token|web",
                "create|core|serviceaccounts",
            ],
        ),
        local(
            "write-bindings",
            "create,update|rbac.|rolebindings",
            &["get|rbac.|rolebindings", "delete|rbac.|rolebindings"],
        ),
        local("write-roles", "update|rbac.|roles", &["get|rbac.|roles"]),
        global(
            "list-secrets",
            "get,list|core|secrets,pods",
            &[
                "list|core|configmaps",
                "list|core|secrets|a",
                "get|core|secrets",
            ],
        ),
        local(
            "list-secrets-in-namespace",
            "list|core|secrets",
            &["get|core|secrets|a", "list|core|pods"],
        ),
        local(
            "get-secrets",
            "get|core|secrets",
            &["get|core|secrets|a", "list,get|core|secrets"],
        ),
        local(
            "write-secrets",
            "get,update|core|secrets",
            &["update|core|secrets|a", "get|core|secrets"],
        ),
        global(
            "create-pods",
            "get,create|apps|deployments",
            &[deploys, "create|core|deployments", "delete|core|pods"],
        ),
        local(
            "create-pods-in-namespace",
            "create|core|pods",
            &[deploys, "create|core|services"],
        ),
        global(
            "exec",
            "create|core|pods/exec",
            &["get|core|pods/exec", "*|core|pods/*"],
        ),
        Case {
            minor: 34,
            ..local(
                "exec-in-namespace",
                "get|core|pods/exec,pods",
                &["get|core|pods", "get|core|pods/log"],
            )
        },
        local(
            "change-pods",
            "patch|core|pods/ephemeralcontainers",
            &["get|core|pods", "patch|core|pods/status"],
        ),
        local(
            "reach-pods",
            "create|core|pods/portforward",
            &["get|core|pods", "get|core|pods/log"],
        ),
        local(
            "place-pods",
            "create|core|pods/binding",
            &["get|core|pods/binding", "create|core|pods/eviction"],
        ),
        local(
            "write-endpoints",
            "update|discovery.k8s.io|endpointslices",
            &[
                "get|discovery.k8s.io|endpointslices",
                "delete|core|endpoints",
            ],
        ),
        local(
            "write-status",
            "patch|core|services/status",
            &["get|core|services/status", "update|apps|deployments/status"],
        ),
        global(
            "node-proxy",
            "get|core|nodes/proxy,nodes/stats",
            &["get|core|nodes/stats,nodes/metrics", "get|core|nodes"],
        ),
        global(
            "read-nodes-inside",
            "get|core|nodes/log",
            &["get|core|nodes/metrics", "list|core|nodes"],
        ),
        global(
            "write-nodes",
            "patch|core|nodes",
            &["get|core|nodes", "patch|core|pods/status"],
        ),
        global(
            "create-volumes",
            "create|core|persistentvolumes",
            &[
                "create|core|persistentvolumeclaims",
                "get|core|persistentvolumes",
            ],
        ),
        global(
            "write-storage",
            "create|storage.k8s.io|storageclasses",
            &[
                "get|storage.k8s.io|storageclasses",
                "create|storage.k8s.io|volumeattachments",
            ],
        ),
        global(
            "write-device-classes",
            "create|resource.k8s.io|deviceclasses",
            &[
                "create|resource.k8s.io|resourceclaims",
                "get|resource.k8s.io|deviceclasses",
            ],
        ),
        global(
            "write-webhooks",
            "patch|admissionregistration.k8s.io|mutatingwebhookconfigurations",
            &[
                "get|admissionregistration.k8s.io|mutatingwebhookconfigurations",
                "delete|admissionregistration.k8s.io|validatingwebhookconfigurations",
            ],
        ),
        global(
            "weaken-admission",
            "delete|admissionregistration.k8s.io|validatingwebhookconfigurations",
            &["get|admissionregistration.k8s.io|validatingadmissionpolicies"],
        ),
        global(
            "write-api-services",
            "update|apiregistration.k8s.io|apiservices",
            &[
                "update|apiregistration.k8s.io|apiservices|v1.example.com",
                "get|apiregistration.k8s.io|apiservices",
            ],
        ),
        global(
            "write-crds",
            "update|apiextensions.k8s.io|customresourcedefinitions",
            &[
                "get|apiextensions.k8s.io|customresourcedefinitions",
                "update|apiextensions.k8s.io|customresourcedefinitions|widgets.example.com",
            ],
        ),
        global(
            "write-namespaces",
            "patch|core|namespaces",
            &["create|core|namespaces", "get|core|namespaces"],
        ),
        case(
            "write-trusted-configmaps",
            held("Role kube-system/r", "update,get|core|configmaps"),
            "Role kube-system/r /rules/0",
            vec![
                held("Role shop/r", "update|core|configmaps"),
                held("Role kube-system/r", "update|core|configmaps|mine"),
                held("ClusterRole r", "update|core|configmaps"),
            ],
        ),
        local(
            "use-wide-scc",
            "use|security.openshift.io|securitycontextconstraints|privileged",
            &["use|security.openshift.io|securitycontextconstraints|restricted-v2"],
        ),
        Case {
            minor: 24,
            ..global(
                "use-any-psp",
                "use|policy|podsecuritypolicies",
                &["use|policy|podsecuritypolicies|restricted"],
            )
        },
        local(
            "command-controllers",
            "create|kustomize.toolkit.fluxcd.io|kustomizations",
            &[
                "get|kustomize.toolkit.fluxcd.io|kustomizations",
                "create|argoproj.io|analysisruns",
            ],
        ),
        global(
            "hide-traces",
            "delete|core|events",
            &[
                "create,patch|core|events",
                "update|coordination.k8s.io|leases|mine",
            ],
        ),
        case(
            "cluster-admin-account",
            admin("b", web),
            "ClusterRoleBinding b /subjects/0",
            vec![admin("b", "User alice"), admin("shop/b", web)],
        ),
        case(
            "cluster-admin-group",
            admin("b", "Group ops"),
            "ClusterRoleBinding b /subjects/0",
            vec![admin("b", "User alice"), admin("b", "Group system:masters")],
        ),
        case(
            "cluster-admin-user",
            admin("b", "User alice"),
            "ClusterRoleBinding b /subjects/0",
            vec![admin("b", "Group ops"), admin("b", web)],
        ),
        case(
            "cluster-admin-in-namespace",
            admin("shop/b", "User alice"),
            "RoleBinding shop/b /subjects/0",
            vec![admin("b", "User alice")],
        ),
        bound(
            "masters-binding",
            ("b", deploys, "User a, Group system:masters"),
            "ClusterRoleBinding b /subjects/1",
            &[("b", deploys, "Group ops")],
        ),
        bound(
            "anonymous-rights",
            ("b", "list|core|secrets", "User system:anonymous"),
            "ClusterRoleBinding b /subjects/0",
            &[
                ("b", deploys, "User system:anonymous"),
                ("b", "list|core|secrets", "User a"),
            ],
        ),
        bound(
            "anonymous-binding",
            ("b", deploys, "Group system:unauthenticated"),
            "ClusterRoleBinding b /subjects/0",
            &[("b", deploys, "Group ops")],
        ),
        bound(
            "everybody-rights",
            ("shop/b", "create|core|pods", "Group system:authenticated"),
            "RoleBinding shop/b /subjects/0",
            &[("b", deploys, "Group system:serviceaccounts")],
        ),
        bound(
            "everybody-binding",
            ("b", deploys, "Group system:serviceaccounts"),
            "ClusterRoleBinding b /subjects/0",
            &[("b", deploys, "Group system:serviceaccounts:shop")],
        ),
        bound(
            "default-account-binding",
            ("shop/b", deploys, "ServiceAccount shop/default"),
            "RoleBinding shop/b /subjects/0",
            &[("shop/b", deploys, web)],
        ),
        bound(
            "namespace-accounts-rights",
            (
                "shop/b",
                "list|core|secrets",
                "Group system:serviceaccounts:shop",
            ),
            "RoleBinding shop/b /subjects/0",
            &[("shop/b", deploys, "Group system:serviceaccounts:shop")],
        ),
        case(
            "namespace-role-everywhere",
            vec![binding("b", "ClusterRole edit", "Group dev")],
            "ClusterRoleBinding b /roleRef",
            vec![
                vec![binding("shop/b", "ClusterRole edit", "Group dev")],
                vec![binding("b", "ClusterRole view", "Group dev")],
            ],
        ),
        case(
            "component-role-lent",
            vec![
                role(
                    "ClusterRole system:kube-scheduler",
                    "create|core|pods/binding",
                ),
                binding("b", "ClusterRole system:kube-scheduler", web),
            ],
            "ClusterRoleBinding b /roleRef",
            vec![
                vec![
                    role(
                        "ClusterRole system:kube-scheduler",
                        "create|core|pods/binding",
                    ),
                    labelled(
                        binding(
                            "system:kube-scheduler",
                            "ClusterRole system:kube-scheduler",
                            "User system:kube-scheduler",
                        ),
                        "kubernetes.io/bootstrapping",
                        "rbac-defaults",
                    ),
                ],
                vec![
                    role(
                        "ClusterRole system:auth-delegator",
                        "create|authentication.k8s.io|tokenreviews",
                    ),
                    binding("b", "ClusterRole system:auth-delegator", web),
                ],
            ],
        ),
        bound(
            "rights-in-kube-system",
            ("kube-system/b", "list|core|secrets", web),
            "RoleBinding kube-system/b /subjects/0",
            &[
                ("kube-system/b", deploys, web),
                (
                    "kube-system/b",
                    "list|core|secrets",
                    "ServiceAccount kube-system/x",
                ),
                ("shop/b", "list|core|secrets", web),
            ],
        ),
        bound(
            "rights-across-namespaces",
            ("data/b", "list|core|secrets", web),
            "RoleBinding data/b /subjects/0",
            &[
                ("data/b", deploys, web),
                ("shop/b", "list|core|secrets", web),
            ],
        ),
        bound(
            "rights-of-nodes",
            ("b", "list|core|secrets", "Group system:nodes"),
            "ClusterRoleBinding b /subjects/0",
            &[
                ("b", deploys, "Group system:nodes"),
                ("b", "list|core|secrets", "Group nodes"),
            ],
        ),
        case(
            "built-in-changed",
            shipped(&format!("{basic}; get|core|pods")),
            "ClusterRole system:basic-user /rules/1",
            vec![shipped(basic), held("ClusterRole r", "get|core|pods")],
        ),
        case(
            "built-in-not-kept-up",
            frozen,
            "ClusterRole system:basic-user /metadata/annotations/rbac.authorization.kubernetes.io~1autoupdate",
            vec![shipped(basic)],
        ),
        case(
            "built-in-widened",
            view("get|core|secrets", "view"),
            "ClusterRole r /metadata/labels/rbac.authorization.k8s.io~1aggregate-to-view",
            vec![
                view("get|example.com|widgets", "view"),
                view("get|core|secrets", "edit"),
                view("list|core|secrets", "my-own"),
            ],
        ),
        case(
            "adds-up-all-roles",
            adding(json!({})),
            "ClusterRole r /aggregationRule/clusterRoleSelectors",
            vec![
                adding(json!({"matchLabels": {"a": "b"}})),
                adding(json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]})),
            ],
        ),
        case(
            "missing-role",
            vec![binding("shop/b", "Role gone", "User alice")],
            "RoleBinding shop/b /roleRef/name",
            vec![held("Role shop/r", deploys)],
        ),
        case(
            "missing-account",
            with(
                held("Role shop/r", deploys),
                binding("shop/c", "Role r", web),
            ),
            "RoleBinding shop/c /subjects/0",
            vec![vec![
                role("Role shop/r", deploys),
                binding("shop/c", "Role r", web),
                account("shop/web"),
            ]],
        ),
        bound(
            "subject-reaches-nobody",
            ("b", deploys, "User a, ServiceAccount web"),
            "ClusterRoleBinding b /subjects/1",
            &[
                ("shop/b", deploys, "ServiceAccount web"),
                ("b", deploys, "User a, Group system:authenticated"),
            ],
        ),
        local(
            "dead-rule",
            "create|core|pods,pods/*",
            &["*|core|pods,pods/log", "get|apps|deployments/scale"],
        )
        .at("Role shop/r /rules/0/resources/1"),
        case(
            "unused-role",
            vec![role("ClusterRole r", deploys)],
            "ClusterRole r ",
            vec![held("ClusterRole r", deploys)],
        ),
        case(
            "duplicate-grant",
            with(
                held("ClusterRole r", deploys),
                binding("shop/c", "ClusterRole r", "User bob, User alice"),
            ),
            "RoleBinding shop/c /subjects/1",
            vec![vec![
                role("ClusterRole r", deploys),
                binding("shop/b", "ClusterRole r", "User alice"),
                binding("data/b", "ClusterRole r", "User alice"),
            ]],
        ),
    ]
}

impl Case {
    fn at(self, at: &'static str) -> Self {
        Case { at, ..self }
    }
}

#[test]
fn what_fires_and_what_does_not() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        seen.insert(case.slug);
        assert_eq!(
            find(&case.fires, case.minor, case.slug),
            [case.at],
            "{}",
            case.slug
        );
        assert!(!case.silent.is_empty(), "{}", case.slug);
        for silent in &case.silent {
            let none: [&str; 0] = [];
            assert_eq!(
                find(silent, case.minor, case.slug),
                none,
                "{} of {silent:?}",
                case.slug
            );
        }
    }
    for rule in all().filter(|rule| rule.family() == "RBAC") {
        assert!(seen.contains(rule.slug), "{} has no case", rule.slug);
    }
}

fn apply(object: &mut Value, change: &Change) {
    let (parent, token) = change.pointer.rsplit_once('/').unwrap();
    let token = token.replace("~1", "/").replace("~0", "~");
    let value = change
        .to
        .as_ref()
        .map(|to| serde_json::from_str(to).unwrap());
    match (object.pointer_mut(parent).unwrap(), value) {
        (Value::Array(list), None) => drop(list.remove(token.parse().unwrap())),
        (Value::Object(map), None) => assert!(map.remove(&token).is_some(), "{}", change.pointer),
        (Value::Object(map), Some(value)) => drop(map.insert(token, value)),
        (other, value) => panic!("{other} {value:?}"),
    }
}

/// Slugs that are found, by the object.
fn all_found(objects: &[Value], minor: u16) -> BTreeSet<(&'static str, String)> {
    let rows: Vec<&'static Rule> = all().filter(|r| r.family() == "RBAC" && r.on).collect();
    let said = ask(&live(objects, minor), &rows);
    said.found
        .iter()
        .map(|one| (one.rule.slug, one.object.to_string()))
        .collect()
}

fn changes(objects: &[Value], minor: u16, rule: &'static Rule) -> Option<(Found, Vec<Change>)> {
    let Fix::Make(make, _) = rule.fix else {
        return None;
    };
    let snapshot = live(objects, minor);
    let inventory =
        semantics::inventory(&snapshot, &Declarations::default(), &mut Ledger::default());
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &Beside::default(),
    };
    let found = checks::run(&world, &[rule]).found.remove(0);
    let changes = make(&world, &found)?;
    Some((found, changes))
}

/// Each offered change removes its finding and adds none (rule 11).
#[test]
fn a_fix_removes_its_finding_and_adds_none() {
    let (mut rows, mut fixed) = (0, 0);
    for case in cases() {
        rows += 1;
        let rule = rule(case.slug).unwrap();
        let Some((found, changes)) = changes(&case.fires, case.minor, rule) else {
            fixed += usize::from(matches!(rule.fix, Fix::Remove(..)));
            continue;
        };
        fixed += 1;
        assert!(!changes.is_empty(), "{}", case.slug);
        let mut objects = case.fires.clone();
        let own = objects.iter_mut().find(|one| {
            one["kind"] == *found.object.kind && one["metadata"]["name"] == *found.object.name
        });
        let own = own.unwrap();
        for change in &changes {
            apply(own, change);
        }
        let before = all_found(&case.fires, case.minor);
        let after = all_found(&objects, case.minor);
        let still = find(&objects, case.minor, case.slug);
        assert!(still.is_empty(), "{}: {changes:?}: {still:?}", case.slug);
        let new: Vec<_> = after.difference(&before).collect();
        assert!(new.is_empty(), "{}: {new:?}", case.slug);
    }
    println!("{fixed} of {rows} rules of RBAC offer a change");
    assert!(fixed * 10 >= rows * 7, "{fixed} of {rows}");
}

fn check_changes(slug: &str, objects: &[Value], expected: &[&str]) {
    let (_, changes) = changes(objects, 36, rule(slug).unwrap()).unwrap();
    let written: Vec<String> = changes
        .iter()
        .map(|c| {
            c.to.as_ref()
                .map_or_else(|| c.pointer.clone(), |to| format!("{} {to}", c.pointer))
        })
        .collect();
    assert_eq!(written, expected, "{slug}");
}

#[test]
fn the_least_that_must_go() {
    let check = |slug: &str, text: &str, expected: &[&str]| {
        check_changes(slug, &held("ClusterRole r", text), expected);
    };
    check(
        "list-secrets",
        "get,list|core|secrets,pods",
        &["/rules/0/resources/0"],
    );
    check(
        "list-secrets",
        "get,list,watch|core|secrets",
        &["/rules/0/verbs/2", "/rules/0/verbs/1"],
    );
    check("list-secrets", "list|core|secrets", &["/rules/0"]);
    check(
        "list-secrets",
        "list|core|secrets; get|core|pods; *|core|secrets",
        &["/rules/2", "/rules/0"],
    );
    check(
        "exec",
        "*|core|pods,pods/exec,pods/attach",
        &["/rules/0/resources/2", "/rules/0/resources/1"],
    );
    check(
        "wildcard-verbs",
        "*|example.com|a",
        &[
            r#"/rules/0/verbs ["create","delete","deletecollection","get","list","patch","update","watch"]"#,
        ],
    );
    check_changes(
        "dead-rule",
        &held("Role shop/r", "get|core|secrets|*"),
        &["/rules/0"],
    );
}

/// The wider row covers the narrower ones.
#[test]
fn one_wide_role_gives_one_finding() {
    let check = |name: &str, text: &str, expected: &[&str]| {
        let found = all_found(&held(name, text), 36);
        let slugs: Vec<&str> = found.iter().map(|(slug, _)| *slug).collect();
        assert_eq!(slugs, expected, "{text}");
    };
    check("ClusterRole r", "*|*|*", &["wildcard-everything"]);
    check("ClusterRole r", "*|*|*; *||||*", &["wildcard-everything"]);
    check(
        "Role shop/r",
        "*|*|*",
        &["wildcard-everything-in-namespace"],
    );
    check("ClusterRole r", "*|core,apps|*", &["wildcard-resources"]);
    check("ClusterRole r", "get,list,watch|*|*", &["reads-everything"]);
    check("Role shop/r", "get,list,watch|apps|deployments", &[]);
    check(
        "ClusterRole r",
        "get,list,watch|core|pods,services,configmaps,nodes",
        &[],
    );
    check(
        "ClusterRole r",
        "*|core|secrets",
        &["list-secrets", "write-secrets"],
    );
}

#[test]
fn who_holds_it_is_told() {
    let says = |objects: &[Value]| {
        let said = ask(&live(objects, 36), &[rule("list-secrets").unwrap()]);
        said.found[0].says.clone()
    };
    let reader = role("ClusterRole r", "list|core|secrets");
    assert_eq!(
        says(std::slice::from_ref(&reader)),
        "/rules/0 gives list on secrets; latent: nobody is bound to it"
    );
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"serviceAccountName": "web", "containers": [{"name": "c", "image": "c"}]}, "status": {"phase": "Running"}});
    let binding = binding(
        "b",
        "ClusterRole r",
        "ServiceAccount shop/web, User a, User b, Group c, Group d",
    );
    assert_eq!(
        says(&[reader.clone(), binding, pod]),
        "/rules/0 gives list on secrets; held by Group c, Group d, ServiceAccount shop/web and 2 more, as which 1 workload runs"
    );
    let key = format!("{RBAC}/aggregate-to-view");
    assert_eq!(
        says(&[labelled(reader, &key, "true")]),
        "/rules/0 gives list on secrets; given to whoever holds view"
    );
}

/// What was not seen hides findings, and is told (rule 4).
#[test]
fn kinds_that_were_not_listed_are_gaps() {
    let mut snapshot = live(&held("ClusterRole r", "get|core|pods"), 36);
    snapshot
        .listed
        .retain(|listed| &*listed.kind != "ClusterRole");
    for slug in [
        "list-secrets",
        "built-in-changed",
        "missing-role",
        "unused-role",
    ] {
        let said = ask(&snapshot, &[rule(slug).unwrap()]);
        assert_eq!(said.answers[0].unknown.len(), 1, "{slug}");
    }
    let whole = live(&held("ClusterRole r", "get|core|pods"), 36);
    let said = ask(&whole, &[rule("list-secrets").unwrap()]);
    assert!(said.answers[0].unknown.is_empty() && said.answers[0].looked > 0);
}

#[test]
fn every_row_says_what_it_maps_to() {
    for rule in all().filter(|rule| rule.family() == "RBAC") {
        assert!(!rule.maps.is_empty(), "{}", rule.slug);
        assert!(matches!(rule.form, Form::World(_) | Form::Each { .. }));
    }
}
