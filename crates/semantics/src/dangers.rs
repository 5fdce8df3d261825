//! What makes one rule dangerous, and which parts of it grant nothing.
//! Comes in: a rule, whether a RoleBinding gives it, a version. Goes out: short phrases, the worst first.
//! Never: who holds it, or where it leads.
//!
//! Sources: the RBAC good practices and the authorizer of Kubernetes, `cluster_scoped` of its API groups.

use crate::gates::get_opens_streams;
use crate::rbac::{CLUSTER_SCOPED, GROUP as RBAC, Rule, rule_allows_some};
use crate::resources::{Misnamed, Resources};

/// Something that a rule lets its holder do to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Danger {
    /// Kebab case.
    pub id: &'static str,
    /// What the holder does by it: `reads Secrets`.
    pub does: &'static str,
}

struct Primitive {
    danger: Danger,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
    /// Not given by a RoleBinding.
    cluster: bool,
}

const CHANGE: &[&str] = &["create", "update", "patch"];
const READ: &[&str] = &["get", "list", "watch"];
const ADMISSION: &str = "admissionregistration.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";

const fn danger(id: &'static str, does: &'static str) -> Danger {
    Danger { id, does }
}

const fn local(
    danger: Danger,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Primitive {
    Primitive {
        danger,
        verbs,
        group,
        resources,
        cluster: false,
    }
}

const fn global(
    danger: Danger,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Primitive {
    Primitive {
        cluster: true,
        ..local(danger, verbs, group, resources)
    }
}

const EVERYTHING: Danger = danger("everything", "may do everything");
const PODS: Danger = danger(
    "creates-pods",
    "creates pods: as any service account and with any Secret of the namespace",
);
const WEBHOOKS: Danger = danger("changes-admission", "changes what others write and read");
const DEPUTY: Danger = danger(
    "commands-controller",
    "makes a privileged controller act for it",
);
const EXEC: Danger = danger("exec", "runs commands in pods");

/// The worst first.
#[rustfmt::skip]
const PRIMITIVES: &[Primitive] = &[
    local(danger("escalates", "writes roles beyond its own rights"), &["escalate"], RBAC, &["roles"]),
    global(danger("escalates", "writes roles beyond its own rights"), &["escalate"], RBAC, &["clusterroles"]),
    local(danger("binds", "binds roles beyond its own rights"), &["bind"], RBAC, &["roles", "clusterroles"]),
    global(danger("impersonates", "impersonates users and groups"), &["impersonate"], "", &["users", "groups"]),
    global(danger("impersonates", "impersonates users and groups"), &["impersonate"], "authentication.k8s.io", &["uids", "userextras"]),
    local(danger("impersonates-accounts", "impersonates service accounts"), &["impersonate"], "", &["serviceaccounts"]),
    global(danger("issues-certificates", "issues client certificates"), &["approve", "sign"], CERTIFICATES, &["signers"]),
    global(danger("issues-certificates", "issues client certificates"), &["update", "patch"], CERTIFICATES, &["certificatesigningrequests/approval"]),
    global(WEBHOOKS, CHANGE, ADMISSION, &["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"]),
    global(danger("answers-api", "answers API requests in the server's place"), CHANGE, "apiregistration.k8s.io", &["apiservices"]),
    global(danger("node-proxy", "runs commands in every pod of every node"), &["get", "create"], "", &["nodes/proxy"]),
    local(danger("reads-secrets", "reads Secrets"), READ, "", &["secrets"]),
    local(danger("mints-tokens", "makes tokens of service accounts"), &["create"], "", &["serviceaccounts/token"]),
    local(PODS, &["create"], "", &["pods"]),
    local(PODS, CHANGE, "", &["replicationcontrollers", "podtemplates"]),
    local(PODS, CHANGE, "apps", &["deployments", "daemonsets", "statefulsets", "replicasets"]),
    local(PODS, CHANGE, "extensions", &["deployments", "daemonsets", "replicasets"]),
    local(PODS, CHANGE, "batch", &["jobs", "cronjobs"]),
    local(PODS, CHANGE, "argoproj.io", &["rollouts"]),
    local(PODS, CHANGE, "serving.knative.dev", &["services", "configurations"]),
    local(PODS, CHANGE, "apps.openshift.io", &["deploymentconfigs"]),
    local(EXEC, &["create"], "", &["pods/exec", "pods/attach"]),
    local(danger("changes-pods", "puts containers into pods, or other images"), &["update", "patch"], "", &["pods/ephemeralcontainers", "pods"]),
    global(danger("creates-volumes", "creates volumes of paths on nodes"), CHANGE, "", &["persistentvolumes"]),
    global(danger("changes-nodes", "changes nodes, and so where pods run"), CHANGE, "", &["nodes", "nodes/status"]),
    local(danger("places-pods", "places pods on nodes past the scheduler"), &["create"], "", &["pods/binding", "bindings"]),
    global(danger("changes-crds", "changes CRDs: a conversion webhook sees and changes their objects"), CHANGE, "apiextensions.k8s.io", &["customresourcedefinitions"]),
    local(danger("writes-secrets", "writes Secrets, token Secrets of service accounts too"), CHANGE, "", &["secrets"]),
    local(danger("changes-namespaces", "changes namespaces and their Pod Security level"), &["update", "patch"], "", &["namespaces"]),
    local(danger("reaches-pods", "reaches pods past network policies"), &["create"], "", &["pods/portforward"]),
    local(danger("reaches-pods", "reaches pods past network policies"), &["get", "create", "update", "patch", "delete"], "", &["pods/proxy", "services/proxy"]),
    global(danger("weakens-admission", "weakens admission policies"), &["create", "update", "patch", "delete", "deletecollection"], ADMISSION, &["validatingadmissionpolicies", "validatingadmissionpolicybindings"]),
    global(danger("weakens-admission", "weakens admission policies"), &["delete", "deletecollection"], ADMISSION, &["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings"]),
    local(danger("redirects-traffic", "redirects traffic of Services"), CHANGE, "", &["endpoints", "services/status", "pods/status"]),
    local(danger("redirects-traffic", "redirects traffic of Services"), CHANGE, "discovery.k8s.io", &["endpointslices"]),
    local(danger("uses-scc", "runs pods under a security context constraint"), &["use"], "security.openshift.io", &["securitycontextconstraints"]),
    local(DEPUTY, CHANGE, "kustomize.toolkit.fluxcd.io", &["kustomizations"]),
    local(DEPUTY, CHANGE, "helm.toolkit.fluxcd.io", &["helmreleases"]),
    local(DEPUTY, CHANGE, "argoproj.io", &["applications", "applicationsets", "appprojects", "workflows", "cronworkflows", "workflowtemplates"]),
    local(DEPUTY, CHANGE, "tekton.dev", &["pipelineruns", "taskruns", "pipelines", "tasks"]),
    local(DEPUTY, CHANGE, "external-secrets.io", &["externalsecrets", "secretstores", "clustersecretstores"]),
    local(DEPUTY, CHANGE, "helm.cattle.io", &["helmcharts"]),
    global(DEPUTY, CHANGE, "fleet.cattle.io", &["bundles", "gitrepos"]),
    global(DEPUTY, CHANGE, "kyverno.io", &["clusterpolicies"]),
    local(danger("hands-on-rights", "hands its own rights on to others"), CHANGE, RBAC, &["rolebindings"]),
    global(danger("hands-on-rights", "hands its own rights on to others"), CHANGE, RBAC, &["clusterrolebindings"]),
    global(danger("changes-storage", "changes how volumes are made"), CHANGE, "storage.k8s.io", &["storageclasses", "csidrivers"]),
    global(danger("reads-nodes", "reads logs and configuration of nodes"), &["get"], "", &["nodes/log", "nodes/configz", "nodes/pods", "nodes/checkpoint"]),
    global(danger("reads-nodes", "reads logs and configuration of nodes"), &["create"], "", &["nodes/checkpoint"]),
];

/// Less common, or dangerous in some namespaces and under some names only: whoever asks looks there himself. They do not
/// tell a binding of the cluster itself from others.
#[rustfmt::skip]
const FURTHER: &[Primitive] = &[
    local(danger("writes-configuration", "writes ConfigMaps"), CHANGE, "", &["configmaps"]),
    global(danger("uses-psp", "runs pods under a PodSecurityPolicy"), &["use"], "policy", &["podsecuritypolicies"]),
    global(danger("uses-psp", "runs pods under a PodSecurityPolicy"), &["use"], "extensions", &["podsecuritypolicies"]),
    global(danger("changes-devices", "changes which devices of nodes pods may claim"), CHANGE, "resource.k8s.io", &["deviceclasses", "resourceslices", "devicetaintrules"]),
    local(danger("hides-traces", "deletes events"), &["delete", "deletecollection"], "", &["events"]),
    local(danger("hides-traces", "deletes events"), &["delete", "deletecollection"], "events.k8s.io", &["events"]),
    local(danger("stops-controllers", "takes leases away from controllers"), &["update", "patch", "delete", "deletecollection"], "coordination.k8s.io", &["leases"]),
    local(danger("writes-roles", "writes roles as far as its own rights go"), CHANGE, RBAC, &["roles"]),
    global(danger("writes-roles", "writes roles as far as its own rights go"), CHANGE, RBAC, &["clusterroles"]),
    global(danger("deletes-nodes", "deletes nodes"), &["delete", "deletecollection"], "", &["nodes"]),
    local(DEPUTY, CHANGE, "cert-manager.io", &["certificates", "certificaterequests"]),
    global(DEPUTY, CHANGE, "cert-manager.io", &["clusterissuers"]),
    local(DEPUTY, CHANGE, "velero.io", &["backups", "restores"]),
    local(DEPUTY, CHANGE, "operators.coreos.com", &["subscriptions", "clusterserviceversions", "installplans"]),
    local(DEPUTY, CHANGE, "kubevirt.io", &["virtualmachines", "virtualmachineinstances"]),
    local(DEPUTY, CHANGE, "cluster.x-k8s.io", &["clusters", "machines", "machinedeployments", "machinesets"]),
    global(DEPUTY, CHANGE, "apiextensions.crossplane.io", &["compositions"]),
    global(DEPUTY, CHANGE, "karpenter.k8s.aws", &["ec2nodeclasses"]),
];

const STREAMS_BY_GET: Primitive = local(EXEC, &["get"], "", &["pods/exec", "pods/attach"]);

/// The worst first. A right on some names counts like the right on all.
pub fn dangers(rule: &Rule, namespaced: bool, minor: u16) -> Vec<Danger> {
    let star = |list: &[model::text::Text]| list.iter().any(|text| &**text == "*");
    if star(&rule.verbs) && star(&rule.groups) && star(&rule.resources) && rule.names.is_empty() {
        return vec![EVERYTHING];
    }
    let by_get = get_opens_streams(minor).then_some(&STREAMS_BY_GET);
    let mut all: Vec<Danger> = Vec::new();
    for primitive in PRIMITIVES.iter().chain(by_get) {
        let allowed = |resource: &&str| {
            let verbs = primitive.verbs.iter();
            verbs.copied().any(|verb| {
                // Subresources of one object are created by its name.
                rule_allows_some(rule, verb, primitive.group, resource)
            })
        };
        let given = !(namespaced && primitive.cluster) && primitive.resources.iter().any(allowed);
        if given && !all.contains(&primitive.danger) {
            all.push(primitive.danger);
        }
    }
    all.sort_by_key(rank);
    all
}

/// What [`dangers`] leaves out, in no order of badness. Of a rule that gives everything: none.
pub fn further(rule: &Rule, namespaced: bool) -> Vec<Danger> {
    let mut all: Vec<Danger> = Vec::new();
    for primitive in FURTHER {
        let mut resources = primitive.resources.iter();
        let given = !(namespaced && primitive.cluster)
            && resources.any(|resource| {
                let mut verbs = primitive.verbs.iter();
                verbs.any(|verb| rule_allows_some(rule, verb, primitive.group, resource))
            });
        if given && !all.contains(&primitive.danger) {
            all.push(primitive.danger);
        }
    }
    all
}

/// Every danger, the worst first.
pub fn all() -> impl Iterator<Item = Danger> {
    std::iter::once(EVERYTHING).chain(PRIMITIVES.iter().map(|primitive| primitive.danger))
}

/// The place of a danger in the order of badness; smaller is worse.
pub fn rank(danger: &Danger) -> usize {
    let place = PRIMITIVES.iter().position(|p| p.danger == *danger);
    place.map_or(0, |place| place + 1)
}

/// A part of a rule that grants nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// `pods/*`.
    pub part: String,
    pub why: String,
}

/// Parts of a rule that grant nothing although they read as if they did.
pub fn dead(rule: &Rule, namespaced: bool, resources: &Resources) -> Vec<Dead> {
    let mut all = Vec::new();
    let mut add = |part: &str, why: String| {
        all.push(Dead {
            part: part.to_owned(),
            why,
        });
    };
    if rule.verbs.is_empty() {
        add("verbs", "no verb is named".into());
    }
    for verb in &rule.verbs {
        let lower = verb.to_ascii_lowercase();
        if *lower != **verb && lower.bytes().all(|b| b.is_ascii_alphabetic()) {
            add(
                verb,
                format!("verbs are in lower case: `{lower}` was meant"),
            );
        }
    }
    if !rule.resources.is_empty() && rule.groups.is_empty() {
        add(
            "apiGroups",
            "no group is named; the core group is \"\"".into(),
        );
    }
    for resource in &rule.resources {
        let (base, sub) = match resource.split_once('/') {
            Some((base, sub)) => (base, Some(sub)),
            None => (&**resource, None),
        };
        if sub == Some("*") {
            add(
                resource,
                "subresources are named one by one: only `*` and `*/NAME` are wildcards".into(),
            );
        } else if namespaced && CLUSTER_SCOPED.contains(&base) {
            add(
                resource,
                "it has no namespace: a RoleBinding cannot give it".into(),
            );
        } else if let Some(meant) = resources.misnamed(&rule.groups, base) {
            add(
                resource,
                match meant {
                    Misnamed::Group("") => "it is in the core group \"\"".to_owned(),
                    Misnamed::Group(group) => format!("it is in the group {group}"),
                    Misnamed::Name(name) => {
                        format!("resources are in lower case and plural: `{name}` was meant")
                    }
                },
            );
        }
    }
    if !rule.names.is_empty() && !rule.resources.is_empty() {
        let whole = rule.resources.iter().any(|r| !r.contains('/'));
        for verb in ["create", "deletecollection"] {
            if whole && rule.verbs.iter().any(|known| &**known == verb) {
                add(
                    verb,
                    format!("resourceNames never allow {verb}: the request has no name"),
                );
            }
        }
        if rule.names.iter().any(|name| &**name == "*") {
            add(
                "resourceNames",
                "`*` is no wildcard there: leave resourceNames out for all names".into(),
            );
        }
    }
    for url in &rule.urls {
        let start = url.strip_suffix('*').unwrap_or(url);
        if namespaced {
            add(
                url,
                "a RoleBinding cannot give URLs that are no resources".into(),
            );
        } else if start.trim_end_matches('*').contains('*') {
            add(url, "`*` counts at the end only".into());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::text::Text;

    /// `get,list|apps|deployments|names`, comma lists.
    fn rule(text: &str) -> Rule {
        let mut parts = text.split('|').map(|part| -> Vec<Text> {
            let words = part.split(',').filter(|word| !word.is_empty());
            words.map(|w| Text::from(w.replace('-', ""))).collect()
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

    fn check(text: &str, namespaced: bool, minor: u16, expected: &str) {
        let rule = rule(text);
        let found = dangers(&rule, namespaced, minor);
        let ids: Vec<&str> = found.iter().map(|danger| danger.id).collect();
        assert_eq!(ids.join(","), expected, "{text}");
        assert!(found.is_sorted_by_key(rank), "{text}");
    }

    #[test]
    fn rules_and_their_dangers() {
        // `-` is the core group here.
        check("*|*|*", false, 36, "everything");
        check("get|-|pods", false, 36, "");
        check("list|-|secrets", true, 36, "reads-secrets");
        check("get|-|secrets|a", true, 36, "reads-secrets");
        check("create|-|pods", true, 36, "creates-pods");
        check("create|-|pods|a", true, 36, "");
        check("patch|-|pods", true, 36, "changes-pods");
        check("update|apps|deployments", true, 36, "creates-pods");
        check("create|-|deployments", true, 36, "");
        check("create|-|pods/exec", true, 36, "exec");
        check("create|-|pods/exec|web", true, 36, "exec");
        check("get|-|pods/exec", true, 36, "");
        check("get|-|pods/exec", true, 34, "exec");
        check("*|-|pods/*", true, 36, "");
        check("get|-|nodes/proxy", false, 36, "node-proxy");
        check("get|-|nodes/proxy", true, 36, "");
        check(
            "impersonate|-|users,serviceaccounts",
            false,
            36,
            "impersonates,impersonates-accounts",
        );
        check(
            "impersonate|-|users,serviceaccounts",
            true,
            36,
            "impersonates-accounts",
        );
        check(
            "escalate|rbac.authorization.k8s.io|clusterroles",
            false,
            36,
            "escalates",
        );
        check("bind|*|clusterroles", true, 36, "binds");
        check("escalate|*|clusterroles", false, 36, "escalates");
    }

    fn check_dead(text: &str, namespaced: bool, expected: &str) {
        let found = dead(&rule(text), namespaced, &Resources::default());
        let parts: Vec<&str> = found.iter().map(|dead| dead.part.as_str()).collect();
        assert_eq!(parts.join(","), expected, "{text}");
    }

    #[test]
    fn what_grants_nothing() {
        check_dead("get|-|pods", true, "");
        check_dead("*|-|pods/*,pods/log", true, "pods/*");
        check_dead("*|*|*/scale,*", true, "");
        check_dead("get|-|nodes,pods", true, "nodes");
        check_dead("get|-|nodes,pods", false, "");
        check_dead("get|-|namespaces", true, "");
        check_dead("create,get|-|secrets|a", true, "create");
        check_dead("create|-|pods/exec|a", true, "");
        check_dead("get|-|secrets|*", true, "resourceNames");
        check_dead("GET,list|-|pods", true, "GET");
        check_dead("get|-|deployments,pod", true, "deployments,pod");
        check_dead("get||pods", true, "apiGroups");
        check_dead("|-|pods", true, "verbs");
        check_dead("get||||/metrics", true, "/metrics");
        check_dead("get||||/metrics,/a*,*", false, "");
        check_dead("get||||/*/metrics", false, "/*/metrics");
    }
}
