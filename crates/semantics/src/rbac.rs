//! RBAC as the authorizer decides it (`plugin/pkg/auth/authorizer/rbac`, `pkg/apis/rbac/v1/evaluation_helpers.go`).
//! Comes in: roles, bindings. Goes out: rights of service accounts in coarse classes, each with its binding and role.
//! Never: a grant by `pods/*`, by a missing role, or of a cluster-scoped resource by a RoleBinding.

use crate::authorizer::{Authorizer, Subject};
use crate::gates::get_opens_streams;
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{Labels, Right, RightClass, Selector};
use model::object::ObjectRef;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use rustc_hash::FxHashMap;
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

/// What counts as a class of its own.
#[derive(Clone, Copy)]
struct Probe {
    class: RightClass,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
    /// Not granted by a RoleBinding.
    cluster_scoped: bool,
}

const CHANGE: &[&str] = &["create", "update", "patch"];
const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

const fn probe(
    class: RightClass,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Probe {
    Probe {
        class,
        verbs,
        group,
        resources,
        cluster_scoped: false,
    }
}

const fn cluster(probe: Probe) -> Probe {
    Probe {
        cluster_scoped: true,
        ..probe
    }
}

use RightClass::{
    CreatePods, Escalate, Everything, Exec, MintTokens, Nodes, Read, ReadSecrets, Write,
};

const PROBES: &[Probe] = &[
    probe(Exec, &["create"], "", &["pods/exec", "pods/attach"]),
    probe(
        Exec,
        &["update", "patch"],
        "",
        &["pods/ephemeralcontainers"],
    ),
    probe(ReadSecrets, READ, "", &["secrets"]),
    probe(CreatePods, CHANGE, "", &["pods", "replicationcontrollers"]),
    probe(
        CreatePods,
        CHANGE,
        "apps",
        &["deployments", "daemonsets", "statefulsets", "replicasets"],
    ),
    probe(
        CreatePods,
        CHANGE,
        "extensions",
        &["deployments", "daemonsets", "replicasets"],
    ),
    probe(CreatePods, CHANGE, "batch", &["jobs", "cronjobs"]),
    probe(CreatePods, CHANGE, "argoproj.io", &["rollouts"]),
    probe(
        CreatePods,
        CHANGE,
        "serving.knative.dev",
        &["services", "configurations"],
    ),
    probe(
        CreatePods,
        CHANGE,
        "apps.openshift.io",
        &["deploymentconfigs"],
    ),
    probe(MintTokens, &["create"], "", &["serviceaccounts/token"]),
    cluster(probe(
        Nodes,
        &["get", "create", "update", "patch", "delete"],
        "",
        &["nodes/proxy"],
    )),
    cluster(probe(
        Nodes,
        CHANGE,
        "",
        &["nodes", "nodes/status", "persistentvolumes"],
    )),
    probe(Escalate, &["escalate"], GROUP, &["roles"]),
    cluster(probe(Escalate, &["escalate"], GROUP, &["clusterroles"])),
    // BindingAuthorized asks for "bind" in the namespace of the new RoleBinding.
    probe(Escalate, &["bind"], GROUP, &["roles", "clusterroles"]),
    probe(Escalate, &["impersonate"], "", &["serviceaccounts"]),
    cluster(probe(Escalate, &["impersonate"], "", &["users", "groups"])),
    cluster(probe(
        Escalate,
        &["impersonate"],
        "authentication.k8s.io",
        &["uids"],
    )),
    cluster(probe(
        Escalate,
        &["update", "patch"],
        "certificates.k8s.io",
        &["certificatesigningrequests/approval"],
    )),
    cluster(probe(
        Escalate,
        &["approve", "sign"],
        "certificates.k8s.io",
        &["signers"],
    )),
    cluster(probe(
        Escalate,
        WRITE,
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
    )),
    cluster(probe(
        Escalate,
        CHANGE,
        "apiregistration.k8s.io",
        &["apiservices"],
    )),
];

const LEGACY_EXEC: Probe = probe(Exec, &["get"], "", &["pods/exec", "pods/attach"]);

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

/// Coarse classes of what `rules` give, ordered; `namespaced` when a RoleBinding gives them.
/// Rights on single names count like rights on all.
pub fn classes(rules: &[Rule], namespaced: bool, minor: u16) -> Vec<RightClass> {
    let everything = |rule: &Rule| {
        let all = |list: &[Text]| list.iter().any(|text| &**text == "*");
        all(&rule.verbs) && all(&rule.groups) && all(&rule.resources) && rule.names.is_empty()
    };
    if rules.iter().any(everything) {
        return vec![Everything];
    }
    let legacy = get_opens_streams(minor).then_some(&LEGACY_EXEC);
    let mut classes = BTreeSet::new();
    for rule in rules {
        for probe in PROBES.iter().chain(legacy) {
            let asked = |resource: &&str| {
                probe
                    .verbs
                    .iter()
                    .any(|verb| rule_allows_some(rule, verb, probe.group, resource))
            };
            if !(namespaced && probe.cluster_scoped) && probe.resources.iter().any(asked) {
                classes.insert(probe.class);
            }
        }
        plain(rule, namespaced, minor, &mut classes);
    }
    classes.into_iter().collect()
}

/// Read and Write of what no probe asks for.
fn plain(rule: &Rule, namespaced: bool, minor: u16, classes: &mut BTreeSet<RightClass>) {
    if rule.groups.is_empty() {
        return;
    }
    for resource in &rule.resources {
        let (base, sub) = resource.split_once('/').unwrap_or((resource, ""));
        // `pods/*` is a dead rule; reviews of oneself are open to everyone.
        let dead = sub == "*" && base != "*";
        let own_review = base.starts_with("selfsubject");
        let dropped = namespaced && CLUSTER_SCOPED.contains(&base);
        if dead || own_review || dropped {
            continue;
        }
        let listed = |verb: &str| {
            PROBES.iter().any(|probe| {
                probe.verbs.contains(&verb)
                    && probe.resources.contains(&&**resource)
                    && holds(&rule.groups, probe.group)
            }) || (get_opens_streams(minor)
                && LEGACY_EXEC.resources.contains(&&**resource)
                && verb == "get")
        };
        let allowed = |verb: &&&str| {
            holds(&rule.verbs, verb)
                && !listed(verb)
                && (rule.names.is_empty() || !matches!(**verb, "create" | "deletecollection"))
        };
        if READ.iter().any(|verb| allowed(&verb)) {
            classes.insert(Read);
        }
        let review = base.ends_with("reviews");
        if WRITE.iter().any(|verb| allowed(&verb)) {
            classes.insert(if review { Read } else { Write });
        }
    }
}

/// Rights by (namespace, name) of service accounts; accounts that only a binding names are there too.
pub(crate) type Rights = BTreeMap<(Text, Text), Vec<Right>>;

/// Whom a binding reaches.
enum Holder<'a> {
    Account(&'a str, &'a str),
    AccountsOf(&'a str),
    AllAccounts,
}

/// Rights of all service accounts of `accounts` and of those that bindings name. Bindings are walked once.
pub(crate) fn rights(
    lens: &mut Lens,
    snapshot: &Snapshot,
    authorizer: &Authorizer,
    accounts: impl IntoIterator<Item = (Text, Text)>,
) -> Rights {
    let mut rights: Rights = accounts.into_iter().map(|key| (key, Vec::new())).collect();
    let mut of_all: Vec<Right> = Vec::new();
    let mut of_namespace: BTreeMap<Text, Vec<Right>> = BTreeMap::new();
    let mut cache: FxHashMap<(u32, bool), Vec<RightClass>> = FxHashMap::default();
    let mut missing: BTreeSet<Text> = BTreeSet::new();
    for binding in &authorizer.bindings {
        let Some(rules) = binding.rules else {
            missing.insert(Text::clone(&binding.role.name));
            continue;
        };
        let namespaced = binding.namespace.is_some();
        let classes = cache.entry((rules, namespaced)).or_insert_with(|| {
            let rules = authorizer.rules.get(rules as usize);
            classes(rules.map_or(&[], Vec::as_slice), namespaced, lens.minor)
        });
        for holder in binding.subjects.iter().filter_map(holder) {
            let list = match holder {
                Holder::Account(namespace, name) => rights
                    .entry((lens.word(namespace), lens.word(name)))
                    .or_default(),
                Holder::AccountsOf(namespace) => {
                    of_namespace.entry(lens.word(namespace)).or_default()
                }
                Holder::AllAccounts => &mut of_all,
            };
            list.extend(classes.iter().map(|class| Right {
                class: *class,
                namespace: binding.namespace.clone(),
                binding: binding.object.clone(),
                role: binding.role.clone(),
            }));
        }
    }
    for ((namespace, _), list) in &mut rights {
        list.extend(of_all.iter().cloned());
        list.extend(of_namespace.get(namespace).into_iter().flatten().cloned());
        list.sort_by(|a, b| {
            (a.class, &a.namespace, &a.binding).cmp(&(b.class, &b.namespace, &b.binding))
        });
        list.dedup();
    }
    tell_missing(lens, snapshot, &missing);
    rights
}

/// A missing role grants nothing in a cluster; files may leave out what the cluster has.
fn tell_missing(lens: &mut Lens, snapshot: &Snapshot, missing: &BTreeSet<Text>) {
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

/// `appliesTo` of the authorizer, for service accounts: they are also users and members of three groups.
fn holder(subject: &Subject) -> Option<Holder<'_>> {
    match subject {
        Subject::ServiceAccount { namespace, name } => Some(Holder::Account(namespace, name)),
        Subject::User(name) => {
            let account = name.strip_prefix("system:serviceaccount:")?.split_once(':');
            account.map(|(namespace, name)| Holder::Account(namespace, name))
        }
        Subject::Group(name) => match &**name {
            "system:serviceaccounts" | "system:authenticated" => Some(Holder::AllAccounts),
            name => name
                .strip_prefix("system:serviceaccounts:")
                .map(Holder::AccountsOf),
        },
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
