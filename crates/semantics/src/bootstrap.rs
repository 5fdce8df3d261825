//! Bindings that belong to the cluster itself: the API server's bootstrap policy, and what a network plugin needs.
//! Comes in: bindings with their roles and rules. Goes out: those that are stock; they cannot be cut (rules 15, 17).
//! Never: by the label alone, which anybody may write, or by a name alone.
//!
//! Compared are: the label on the binding and on its role, kind, namespace and name of the binding, its roleRef, that
//! each subject is one which the policy gives, and that no rule of the role is dangerous in a way that the policy's are
//! not. Whatever differs makes the binding somebody's.
//!
//! Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` (policy.go, namespace_policy.go, controller_policy.go and
//! their testdata), 1.20 to 1.37, roles behind feature gates too.

use crate::authorizer::{Binding, Subject};
use crate::dangers::dangers;
use crate::provider::plugin_accounts;
use crate::rbac::{GROUP, Rule, rule_allows_some};
use crate::view::Inventory;
use model::object::ObjectRef;
use model::snapshot::{Object, Snapshot};
use model::text::Text;

/// A binding as the API server writes it.
struct Stock {
    name: &'static str,
    /// `None`: a ClusterRoleBinding to a ClusterRole; else a RoleBinding to a Role of the same namespace.
    namespace: Option<&'static str>,
    role: &'static str,
    /// `User NAME`, `Group NAME`, `ServiceAccount NAMESPACE/NAME`.
    subjects: &'static [&'static str],
    /// What its role's rules may be dangerous for.
    dangers: &'static [&'static str],
}

const CONTROLLER: &str = "system:controller:";
const SYSTEM: Option<&str> = Some("kube-system");

/// Writes that are harmless to most, and no danger of a rule in general; here they are a difference.
const WRITES: [(&str, &str); 2] = [
    ("writes-configuration", "configmaps"),
    ("writes-services", "services"),
];

const fn stock(
    name: &'static str,
    namespace: Option<&'static str>,
    role: &'static str,
    subjects: &'static [&'static str],
    dangers: &'static [&'static str],
) -> Stock {
    Stock {
        name,
        namespace,
        role,
        subjects,
        dangers,
    }
}

#[rustfmt::skip]
const BINDINGS: &[Stock] = &[
    stock("cluster-admin", None, "cluster-admin", &["Group system:masters"], &["everything"]),
    stock("system:basic-user", None, "system:basic-user", &["Group system:authenticated"], &[]),
    stock("system:discovery", None, "system:discovery", &["Group system:authenticated"], &[]),
    stock("system:kube-controller-manager", None, "system:kube-controller-manager", &["User system:kube-controller-manager"],
        &["reads-secrets", "mints-tokens", "writes-secrets", "redirects-traffic", "writes-configuration"]),
    stock("system:kube-dns", None, "system:kube-dns", &["ServiceAccount kube-system/kube-dns"], &[]),
    stock("system:kube-scheduler", None, "system:kube-scheduler", &["User system:kube-scheduler"],
        &["places-pods", "redirects-traffic"]),
    stock("system:monitoring", None, "system:monitoring", &["Group system:monitoring"], &[]),
    stock("system:node", None, "system:node", &[],
        &["reads-secrets", "creates-pods", "changes-nodes", "mints-tokens", "redirects-traffic"]),
    stock("system:node-proxier", None, "system:node-proxier", &["User system:kube-proxy"], &[]),
    stock("system:public-info-viewer", None, "system:public-info-viewer",
        &["Group system:authenticated", "Group system:unauthenticated"], &[]),
    stock("system:service-account-issuer-discovery", None, "system:service-account-issuer-discovery",
        &["Group system:serviceaccounts"], &[]),
    stock("system:volume-scheduler", None, "system:volume-scheduler", &["User system:kube-scheduler"], &["creates-volumes"]),
    stock("system::extension-apiserver-authentication-reader", SYSTEM, "extension-apiserver-authentication-reader",
        &["User system:kube-controller-manager", "User system:kube-scheduler"], &[]),
    stock("system::leader-locking-kube-controller-manager", SYSTEM, "system::leader-locking-kube-controller-manager",
        &["User system:kube-controller-manager", "ServiceAccount kube-system/kube-controller-manager", "ServiceAccount kube-system/leader-election-controller"],
        &["writes-configuration"]),
    stock("system::leader-locking-kube-scheduler", SYSTEM, "system::leader-locking-kube-scheduler",
        &["User system:kube-scheduler", "ServiceAccount kube-system/kube-scheduler"], &["writes-configuration"]),
    stock("system:controller:bootstrap-signer", SYSTEM, "system:controller:bootstrap-signer",
        &["ServiceAccount kube-system/bootstrap-signer"], &["reads-secrets"]),
    stock("system:controller:bootstrap-signer", Some("kube-public"), "system:controller:bootstrap-signer",
        &["ServiceAccount kube-system/bootstrap-signer"], &["writes-configuration"]),
    stock("system:controller:cloud-provider", SYSTEM, "system:controller:cloud-provider",
        &["ServiceAccount kube-system/cloud-provider"], &["writes-configuration"]),
    stock("system:controller:token-cleaner", SYSTEM, "system:controller:token-cleaner",
        &["ServiceAccount kube-system/token-cleaner"], &["reads-secrets"]),
];

/// What `update` and `patch` on everything open.
const WRITES_ALL: &[&str] = &[
    "issues-certificates",
    "changes-admission",
    "answers-api",
    "node-proxy",
    "reads-secrets",
    "creates-pods",
    "exec",
    "changes-pods",
    "creates-volumes",
    "changes-nodes",
    "changes-crds",
    "writes-secrets",
    "changes-namespaces",
    "reaches-pods",
    "weakens-admission",
    "redirects-traffic",
    "commands-controller",
    "hands-on-rights",
    "changes-storage",
    "reads-nodes",
    "writes-configuration",
    "writes-services",
];

/// The same with `create` (1.30 to 1.34).
const MIGRATOR: &[&str] = &[
    "issues-certificates",
    "changes-admission",
    "answers-api",
    "node-proxy",
    "reads-secrets",
    "mints-tokens",
    "creates-pods",
    "exec",
    "changes-pods",
    "creates-volumes",
    "changes-nodes",
    "places-pods",
    "changes-crds",
    "writes-secrets",
    "changes-namespaces",
    "reaches-pods",
    "weakens-admission",
    "redirects-traffic",
    "commands-controller",
    "hands-on-rights",
    "changes-storage",
    "reads-nodes",
    "writes-configuration",
    "writes-services",
];

/// Each has a ClusterRole and a ClusterRoleBinding of one name, and an account in kube-system.
#[rustfmt::skip]
const CONTROLLERS: &[(&str, &[&str])] = &[
    ("attachdetach-controller", &["changes-nodes"]),
    ("certificate-controller", &["issues-certificates"]),
    ("clusterrole-aggregation-controller", &["escalates"]),
    ("cronjob-controller", &["creates-pods"]),
    ("daemon-set-controller", &["creates-pods", "changes-pods", "places-pods"]),
    ("deployment-controller", &["creates-pods", "changes-pods"]),
    ("device-taint-eviction-controller", &["redirects-traffic"]),
    ("disruption-controller", &["redirects-traffic"]),
    ("endpoint-controller", &["redirects-traffic"]),
    ("endpointslice-controller", &["redirects-traffic"]),
    ("endpointslicemirroring-controller", &["redirects-traffic"]),
    ("ephemeral-volume-controller", &[]),
    ("evictionrequest-controller", &[]),
    ("expand-controller", &["reads-secrets", "creates-volumes"]),
    ("generic-garbage-collector", WRITES_ALL),
    ("horizontal-pod-autoscaler", &["reaches-pods"]),
    ("job-controller", &["creates-pods", "changes-pods"]),
    ("kube-apiserver-serving-clustertrustbundle-publisher", &[]),
    ("legacy-service-account-token-cleaner", &["writes-secrets"]),
    ("namespace-controller", &["node-proxy", "reads-secrets", "exec", "reaches-pods", "weakens-admission", "reads-nodes"]),
    ("node-controller", &["changes-nodes", "redirects-traffic"]),
    ("persistent-volume-binder", &["reads-secrets", "creates-pods", "creates-volumes", "redirects-traffic", "writes-services"]),
    ("pod-garbage-collector", &["redirects-traffic"]),
    ("podcertificaterequestcleaner", &[]),
    ("podcheckpoint-controller", &["node-proxy"]),
    ("podgroup-protection-controller", &[]),
    ("pv-protection-controller", &["creates-volumes"]),
    ("pvc-protection-controller", &[]),
    ("replicaset-controller", &["creates-pods", "changes-pods"]),
    ("replication-controller", &["creates-pods", "changes-pods"]),
    ("resource-claim-controller", &["redirects-traffic"]),
    ("resourcepoolstatusrequest-controller", &[]),
    ("resourcequota-controller", &["reads-secrets"]),
    ("root-ca-cert-publisher", &["writes-configuration"]),
    ("route-controller", &["changes-nodes"]),
    ("selinux-warning-controller", &[]),
    ("service-account-controller", &[]),
    ("service-ca-cert-publisher", &["writes-configuration"]),
    ("service-cidrs-controller", &[]),
    ("service-controller", &["redirects-traffic"]),
    ("statefulset-controller", &["creates-pods", "changes-pods"]),
    ("storage-version-garbage-collector", &[]),
    ("storage-version-migrator-controller", MIGRATOR),
    ("ttl-after-finished-controller", &[]),
    ("ttl-controller", &["changes-nodes"]),
    ("validatingadmissionpolicy-status-controller", &[]),
    ("volumeattributesclass-protection-controller", &[]),
];

const KUBEADM_TOKEN: &str = "Group system:bootstrappers:kubeadm:default-node-token";

/// What kubeadm adds (`cmd/kubeadm/app/phases`: bootstraptoken, uploadconfig, kubelet, addons); it writes no label but on
/// CoreDNS's.
#[rustfmt::skip]
const KUBEADM: &[Stock] = &[
    stock("kubeadm:cluster-admins", None, "cluster-admin", &["Group kubeadm:cluster-admins"], &["everything"]),
    stock("kubeadm:get-nodes", None, "kubeadm:get-nodes", &[KUBEADM_TOKEN], &[]),
    stock("kubeadm:kubelet-bootstrap", None, "system:node-bootstrapper", &[KUBEADM_TOKEN], &[]),
    stock("kubeadm:node-autoapprove-bootstrap", None, "system:certificates.k8s.io:certificatesigningrequests:nodeclient", &[KUBEADM_TOKEN], &[]),
    stock("kubeadm:node-autoapprove-certificate-rotation", None, "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", &["Group system:nodes"], &[]),
    stock("kubeadm:node-proxier", None, "system:node-proxier", &["ServiceAccount kube-system/kube-proxy"], &[]),
    stock("system:coredns", None, "system:coredns", &["ServiceAccount kube-system/coredns"], &[]),
    stock("kubeadm:bootstrap-signer-clusterinfo", Some("kube-public"), "kubeadm:bootstrap-signer-clusterinfo", &["User system:anonymous"], &[]),
    // OpenShift's builds of the API server bring it; its role names the paths of discovery only.
    stock("system:openshift:public-info-viewer", None, "system:openshift:public-info-viewer", &["Group system:authenticated", "Group system:unauthenticated"], &[]),
    stock("kube-proxy", SYSTEM, "kube-proxy", &[KUBEADM_TOKEN], &[]),
    stock("kubeadm:kubelet-config", SYSTEM, "kubeadm:kubelet-config", &["Group system:nodes", KUBEADM_TOKEN], &[]),
    stock("kubeadm:nodes-kubeadm-config", SYSTEM, "kubeadm:nodes-kubeadm-config", &["Group system:nodes", KUBEADM_TOKEN], &[]),
];

/// A binding that every cluster has, by its name.
pub(crate) struct KnownBinding {
    pub(crate) role_kind: &'static str,
    pub(crate) role: Text,
    subjects: &'static [&'static str],
    controller: Option<&'static str>,
    /// The API server writes its label on it.
    pub(crate) labelled: bool,
}

impl KnownBinding {
    pub(crate) fn gives(&self, subject: &Subject) -> bool {
        match self.controller {
            Some(controller) => subject.account() == Some(("kube-system", controller)),
            None => self.subjects.contains(&&*subject.to_string()),
        }
    }
}

pub(crate) fn known_binding(object: &ObjectRef) -> Option<KnownBinding> {
    let namespace = object.namespace.as_deref();
    let kind = |global: bool| if global { "ClusterRole" } else { "Role" };
    let own = |row: &&Stock| row.name == &*object.name && row.namespace == namespace;
    let labelled = BINDINGS.iter().find(own);
    if let Some(row) = labelled.or_else(|| KUBEADM.iter().find(own)) {
        return Some(KnownBinding {
            role_kind: kind(row.namespace.is_none()),
            role: row.role.into(),
            subjects: row.subjects,
            controller: None,
            labelled: labelled.is_some(),
        });
    }
    let name = object.name.strip_prefix(CONTROLLER)?;
    let (controller, _) = CONTROLLERS.iter().find(|(known, _)| *known == name)?;
    namespace.is_none().then(|| KnownBinding {
        role_kind: kind(true),
        role: Text::clone(&object.name),
        subjects: &[],
        controller: Some(controller),
        labelled: true,
    })
}

/// What the ClusterRole of a controller may be dangerous for.
pub(crate) fn controller(role: &str) -> Option<&'static [&'static str]> {
    let name = role.strip_prefix(CONTROLLER)?;
    let found = CONTROLLERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, dangers)| *dangers)
}

/// Service accounts in kube-system that controllers and addons run as.
pub(crate) fn is_system_account(name: &str) -> bool {
    let given = |row: &Stock| {
        row.subjects
            .iter()
            .any(|subject| subject.strip_prefix("ServiceAccount kube-system/") == Some(name))
    };
    CONTROLLERS.iter().any(|(known, _)| *known == name) || BINDINGS.iter().chain(KUBEADM).any(given)
}

/// With one of these a binding is never a plugin's own: the plugin owns its nodes, not the cluster.
const BEYOND_A_PLUGIN: [&str; 7] = [
    "everything",
    "escalates",
    "binds",
    "impersonates",
    "impersonates-accounts",
    "issues-certificates",
    "answers-api",
];

/// Ordered.
pub(crate) fn stock_bindings(snapshot: &Snapshot, inventory: &Inventory) -> Vec<ObjectRef> {
    let plugins = plugin_accounts(&inventory.workloads, &inventory.templates);
    let authorizer = &inventory.authorizer;
    let mut stock: Vec<ObjectRef> = Vec::new();
    for binding in &authorizer.bindings {
        let rules = binding.rules.and_then(|n| authorizer.rules.get(n as usize));
        let Some(rules) = rules else { continue };
        let known = known(binding).filter(|_| {
            is_bootstrapped(snapshot, &binding.object) && is_bootstrapped(snapshot, &binding.role)
        });
        let belongs = if let Some(allowed) = known {
            within(binding, rules, inventory.minor, |id| allowed.contains(&id))
        } else {
            let of_plugin = |subject: &Subject| {
                let account = subject.account();
                account.is_some_and(|account| plugins.contains(&account))
            };
            !binding.subjects.is_empty()
                && binding.subjects.iter().all(of_plugin)
                && within(binding, rules, inventory.minor, |id| {
                    !BEYOND_A_PLUGIN.contains(&id)
                })
        };
        if belongs {
            stock.push(binding.object.clone());
        }
    }
    stock.sort_unstable();
    stock.dedup();
    stock
}

/// What the rules of the binding's role may be dangerous for, where name, role and subjects are those of the policy.
fn known(binding: &Binding) -> Option<&'static [&'static str]> {
    let name = &*binding.object.name;
    let namespace = binding.namespace.as_deref();
    let role =
        |kind: &str, known: &str| &*binding.role.kind == kind && &*binding.role.name == known;
    let row = BINDINGS.iter().find(|row| {
        let kind = if row.namespace.is_some() {
            "Role"
        } else {
            "ClusterRole"
        };
        row.name == name && row.namespace == namespace && role(kind, row.role)
    });
    if let Some(row) = row {
        let given = |subject: &Subject| row.subjects.contains(&&*subject.to_string());
        return binding.subjects.iter().all(given).then_some(row.dangers);
    }
    let controller = name.strip_prefix(CONTROLLER)?;
    let (_, dangers) = CONTROLLERS.iter().find(|(known, _)| *known == controller)?;
    let own = |subject: &Subject| subject.account() == Some(("kube-system", controller));
    (namespace.is_none() && role("ClusterRole", name) && binding.subjects.iter().all(own))
        .then_some(*dangers)
}

/// Whether every danger of the rules is an allowed one.
fn within(binding: &Binding, rules: &[Rule], minor: u16, allowed: impl Fn(&str) -> bool) -> bool {
    let namespaced = binding.namespace.is_some();
    rules
        .iter()
        .all(|rule| rule_within(rule, namespaced, minor, &allowed))
}

/// The same of one rule, against a list.
pub(crate) fn within_rule(rule: &Rule, namespaced: bool, minor: u16, allowed: &[&str]) -> bool {
    rule_within(rule, namespaced, minor, &|id| allowed.contains(&id))
}

fn rule_within(rule: &Rule, namespaced: bool, minor: u16, allowed: &impl Fn(&str) -> bool) -> bool {
    let writes = |resource: &str| {
        let mut verbs = ["create", "update", "patch"].into_iter();
        verbs.any(|verb| rule_allows_some(rule, verb, "", resource))
    };
    let found = dangers(rule, namespaced, minor);
    let everything = found.iter().any(|danger| danger.id == "everything");
    let mut written = WRITES.iter().filter(|(_, resource)| writes(resource));
    found.iter().all(|danger| allowed(danger.id))
        && (everything || written.all(|(id, _)| allowed(id)))
}

/// Whether the API server says that it wrote the object; anyone may write the same label.
fn is_bootstrapped(snapshot: &Snapshot, object: &ObjectRef) -> bool {
    let found = snapshot.find(
        GROUP,
        &object.kind,
        object.namespace.as_deref(),
        &object.name,
    );
    let label = found.and_then(|found: &Object| found.label("kubernetes.io/bootstrapping"));
    label.is_some_and(|label| &**label == "rbac-defaults")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_danger_of_the_tables_is_one() {
        let known: BTreeSet<&str> = crate::dangers::all()
            .map(|danger| danger.id)
            .chain(WRITES.iter().map(|(id, _)| *id))
            .collect();
        let of_bindings = BINDINGS.iter().flat_map(|row| row.dangers);
        let of_controllers = CONTROLLERS.iter().flat_map(|(_, dangers)| *dangers);
        for id in of_bindings.chain(of_controllers).chain(&BEYOND_A_PLUGIN) {
            assert!(known.contains(id), "{id}");
        }
        assert!(CONTROLLERS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
