//! RBAC as the authorizer decides it (`plugin/pkg/auth/authorizer/rbac`, `pkg/apis/rbac/v1/evaluation_helpers.go`).
//! Comes in: rules, roles. Goes out: whether a rule allows a request; roles with what is aggregated into them.
//! Never: a grant by `pods/*`, or by a missing role.

use crate::authorizer::Authorizer;
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{Labels, Selector};
use model::object::ObjectRef;
use model::rights::RuleText;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Aggregated roles of one role; more are not followed.
const MOST_AGGREGATED: usize = 1_000;

/// `rbac/v1` PolicyRule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub verbs: Vec<Text>,
    pub groups: Vec<Text>,
    pub resources: Vec<Text>,
    /// Empty: every name.
    pub names: Vec<Text>,
    pub urls: Vec<Text>,
}

impl From<&Rule> for RuleText {
    fn from(rule: &Rule) -> Self {
        RuleText {
            verbs: rule.verbs.clone(),
            groups: rule.groups.clone(),
            resources: rule.resources.clone(),
            names: rule.names.clone(),
            urls: rule.urls.clone(),
        }
    }
}

/// Whether a request is allowed. `resource` is `pods` or `pods/exec`; `name` is empty for requests on a collection.
pub fn rule_allows(rule: &Rule, verb: &str, group: &str, resource: &str, name: &str) -> bool {
    matches_kind(rule, verb, group, resource)
        && (rule.names.is_empty() || rule.names.iter().any(|known| &**known == name))
}

/// Whether a request on a path that is no resource is allowed; `*` counts alone and at the end only.
pub fn rule_allows_url(rule: &Rule, verb: &str, path: &str) -> bool {
    holds(&rule.verbs, verb)
        && rule.urls.iter().any(|url| {
            &**url == "*"
                || &**url == path
                || url
                    .strip_suffix('*')
                    .is_some_and(|start| path.starts_with(start.trim_end_matches('*')))
        })
}

/// Whether the request is allowed for at least one name. Names never allow `create` and `deletecollection` on a
/// collection; `list` and `watch` they allow with a field selector.
pub fn rule_allows_some(rule: &Rule, verb: &str, group: &str, resource: &str) -> bool {
    let named = rule.names.iter().any(|name| !name.is_empty());
    let nameless = match verb {
        "create" => !resource.contains('/'),
        "deletecollection" => true,
        _ => false,
    };
    matches_kind(rule, verb, group, resource) && (rule.names.is_empty() || (named && !nameless))
}

fn matches_kind(rule: &Rule, verb: &str, group: &str, resource: &str) -> bool {
    holds(&rule.verbs, verb) && holds(&rule.groups, group) && matches_resource(rule, resource)
}

/// `ResourceMatches`: `*`, the exact text, or `*/subresource`; `pods/*` is none of them.
fn matches_resource(rule: &Rule, resource: &str) -> bool {
    let subresource = resource.split_once('/').map(|(_, sub)| sub);
    rule.resources.iter().any(|known| {
        &**known == "*"
            || &**known == resource
            || subresource.is_some_and(|sub| known.strip_prefix("*/") == Some(sub))
    })
}

fn holds(list: &[Text], wanted: &str) -> bool {
    list.iter()
        .any(|known| &**known == "*" || &**known == wanted)
}

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

/// Resources that a RoleBinding cannot give. `namespaces` is not among them: a request on one namespace is in it.
pub(crate) const CLUSTER_SCOPED: &[&str] = &[
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "deviceclasses",
    "flowschemas",
    "groups",
    "ingressclasses",
    "ipaddresses",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "nodes",
    "persistentvolumes",
    "podsecuritypolicies",
    "priorityclasses",
    "prioritylevelconfigurations",
    "resourceslices",
    "runtimeclasses",
    "servicecidrs",
    "signers",
    "storageclasses",
    "subjectaccessreviews",
    "tokenreviews",
    "users",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

/// A missing role grants nothing in a cluster; files may leave out what the cluster has.
pub(crate) fn tell_missing(lens: &mut Lens, snapshot: &Snapshot, authorizer: &Authorizer) {
    let unresolved = authorizer.bindings.iter().filter(|b| b.rules.is_none());
    let missing: BTreeSet<&Text> = unresolved.map(|binding| &binding.role.name).collect();
    let Some(first) = missing.first() else { return };
    let complete = snapshot.origin == Origin::Live
        && snapshot.saw_all(GROUP, "Role")
        && snapshot.saw_all(GROUP, "ClusterRole");
    let what = format!(
        "{} roles that bindings name were not seen, {first} is the first{}",
        missing.len(),
        if complete {
            "; they grant nothing now"
        } else {
            ""
        },
    );
    lens.notice(
        "role-not-seen",
        "roles".to_owned(),
        what,
        "add the roles to the files, or allow listing them",
    );
    if let (false, Some(gap)) = (complete, lens.gaps.last_mut()) {
        gap.weight = model::evidence::GapWeight::Widens;
    }
}

/// The role that a `roleRef` names: its namespace (`None` for a ClusterRole) and name.
pub(crate) fn role_of(
    lens: &mut Lens,
    reference: Node<'_>,
    scope: Option<&Text>,
) -> Option<(Option<Text>, Text)> {
    let name = lens.word(reference.word("name")?);
    match (reference.word("kind")?, scope) {
        ("ClusterRole", _) => Some((None, name)),
        ("Role", Some(namespace)) => Some((Some(Text::clone(namespace)), name)),
        _ => None,
    }
}

pub(crate) struct Role {
    object: ObjectRef,
    labels: Labels,
    rules: Vec<Rule>,
    /// Of an `aggregationRule`; its rules are computed from files and read from live clusters.
    aggregates: Vec<Selector>,
}

pub(crate) struct Roles {
    all: BTreeMap<(Option<Text>, Text), Role>,
}

impl Roles {
    pub(crate) fn read(lens: &mut Lens, snapshot: &Snapshot) -> Self {
        let mut all = BTreeMap::new();
        for kind in ["ClusterRole", "Role"] {
            for object in snapshot.of_kind(GROUP, kind) {
                let namespace = (kind == "Role").then(|| lens.namespace(object));
                let role = lens.read(object, |lens, root| {
                    role(lens, snapshot.origin, object, root)
                });
                if let Some(role) = role {
                    all.insert((namespace, lens.word(&object.name)), role);
                }
            }
        }
        if snapshot.origin == Origin::Files {
            for name in BUILT_IN {
                let key = (None, lens.word(name));
                let fresh = || built_in(lens, name);
                all.entry(key).or_insert_with(fresh);
            }
        }
        Roles { all }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&(Option<Text>, Text), &Role)> {
        self.all.iter()
    }

    pub(crate) fn find(&self, namespace: Option<&Text>, name: &Text) -> Option<&Role> {
        self.all.get(&(namespace.cloned(), Text::clone(name)))
    }

    /// Own rules, and those of all roles that the aggregation selects, over any number of steps.
    pub(crate) fn rules(&self, role: &Role) -> Vec<Rule> {
        let mut rules = role.rules.clone();
        let mut open: Vec<&Role> = vec![role];
        let mut seen: BTreeSet<&Text> = BTreeSet::from([&role.object.name]);
        while let Some(next) = open.pop() {
            if next.aggregates.is_empty() || seen.len() > MOST_AGGREGATED {
                continue;
            }
            let cluster_roles = self
                .all
                .iter()
                .take_while(|((namespace, _), _)| namespace.is_none());
            for (_, other) in cluster_roles {
                let selected = next.aggregates.iter().any(|s| s.matches(&other.labels));
                if selected && seen.insert(&other.object.name) {
                    rules.extend(other.rules.iter().cloned());
                    open.push(other);
                }
            }
        }
        rules
    }
}

fn role(lens: &mut Lens, origin: Origin, object: &Object, root: Node<'_>) -> Role {
    let aggregation = root.get("aggregationRule");
    let computed = origin == Origin::Files && aggregation.is_map();
    let aggregates = if computed {
        aggregation
            .list("clusterRoleSelectors")
            .map(|node| selector(lens, node, |key| key))
            .collect()
    } else {
        Vec::new()
    };
    Role {
        object: object.reference(),
        labels: object.labels.iter().cloned().collect(),
        // The controller overwrites the rules of an aggregated role.
        rules: if computed {
            Vec::new()
        } else {
            root.list("rules").map(|node| rule(lens, node)).collect()
        },
        aggregates,
    }
}

fn rule(lens: &mut Lens, node: Node<'_>) -> Rule {
    let mut texts = |key: &str| node.texts(key).map(|text| lens.word(text)).collect();
    Rule {
        verbs: texts("verbs"),
        groups: texts("apiGroups"),
        resources: texts("resources"),
        names: texts("resourceNames"),
        urls: texts("nonResourceURLs"),
    }
}

/// ClusterRoles that every cluster has and files leave out, as Kubernetes 1.36 makes them (`bootstrappolicy`).
const BUILT_IN: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

/// What `view` gives, what `edit` adds, what `admin` adds: verbs, groups, resources.
type Given = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const ALL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

#[rustfmt::skip]
const VIEW: &[Given] = &[
    (READ, &[""], &["bindings", "configmaps", "endpoints", "limitranges", "namespaces", "namespaces/status", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log", "pods/status", "replicationcontrollers", "replicationcontrollers/scale", "replicationcontrollers/status", "resourcequotas", "resourcequotas/status", "serviceaccounts", "services", "services/status"]),
    (READ, &["", "events.k8s.io"], &["events"]),
    (READ, &["discovery.k8s.io"], &["endpointslices"]),
    (READ, &["apps"], &["controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"]),
    (READ, &["autoscaling"], &["horizontalpodautoscalers", "horizontalpodautoscalers/status"]),
    (READ, &["batch"], &["cronjobs", "cronjobs/status", "jobs", "jobs/status"]),
    (READ, &["extensions"], &["daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "ingresses", "ingresses/status", "networkpolicies", "replicasets", "replicasets/scale", "replicasets/status", "replicationcontrollers/scale"]),
    (READ, &["policy"], &["poddisruptionbudgets", "poddisruptionbudgets/status"]),
    (READ, &["networking.k8s.io"], &["ingresses", "ingresses/status", "networkpolicies"]),
    (READ, &["resource.k8s.io"], &["resourceclaims", "resourceclaims/status", "resourceclaimtemplates"]),
];

#[rustfmt::skip]
const EDIT: &[Given] = &[
    (READ, &[""], &["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"]),
    (&["impersonate"], &[""], &["serviceaccounts"]),
    (WRITE, &[""], &["configmaps", "persistentvolumeclaims", "pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "replicationcontrollers", "replicationcontrollers/scale", "secrets", "serviceaccounts", "services", "services/proxy"]),
    (&["create"], &[""], &["pods/eviction", "serviceaccounts/token"]),
    (WRITE, &["", "events.k8s.io"], &["events"]),
    (WRITE, &["apps"], &["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"]),
    (WRITE, &["autoscaling"], &["horizontalpodautoscalers"]),
    (WRITE, &["batch"], &["cronjobs", "jobs"]),
    (WRITE, &["extensions"], &["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "ingresses", "networkpolicies", "replicasets", "replicasets/scale", "replicationcontrollers/scale"]),
    (WRITE, &["policy"], &["poddisruptionbudgets"]),
    (WRITE, &["networking.k8s.io"], &["ingresses", "networkpolicies"]),
    (ALL, &["coordination.k8s.io"], &["leases"]),
    (WRITE, &["resource.k8s.io"], &["resourceclaims", "resourceclaimtemplates"]),
];

const ADMIN: &[Given] = &[
    (
        &["create"],
        &["authorization.k8s.io"],
        &["localsubjectaccessreviews"],
    ),
    (ALL, &[GROUP], &["rolebindings", "roles"]),
];

const CLUSTER_ADMIN: &[Given] = &[(&["*"], &["*"], &["*"])];

fn built_in(lens: &mut Lens, name: &str) -> Role {
    let given: &[&[Given]] = match name {
        "cluster-admin" => &[CLUSTER_ADMIN],
        "view" => &[VIEW],
        "edit" => &[VIEW, EDIT],
        _ => &[VIEW, EDIT, ADMIN],
    };
    let mut texts = |list: &[&str]| list.iter().map(|text| lens.word(text)).collect();
    let mut rules = Vec::new();
    for (verbs, groups, resources) in given.iter().copied().flatten() {
        rules.push(Rule {
            verbs: texts(verbs),
            groups: texts(groups),
            resources: texts(resources),
            ..Rule::default()
        });
    }
    if name == "cluster-admin" {
        rules.push(Rule {
            verbs: texts(&["*"]),
            urls: texts(&["*"]),
            ..Rule::default()
        });
    }
    let levels: &[&str] = match name {
        "view" => &["view"],
        "edit" => &["view", "edit"],
        "admin" => &["view", "edit", "admin"],
        _ => &[],
    };
    Role {
        object: ObjectRef::new(GROUP, "ClusterRole", None, name),
        labels: Labels::new(),
        rules,
        aggregates: levels
            .iter()
            .map(|level| {
                let key = lens.word(&format!("{GROUP}/aggregate-to-{level}"));
                Selector {
                    equals: [(key, lens.word("true"))].into(),
                    ..Selector::default()
                }
            })
            .collect(),
    }
}
