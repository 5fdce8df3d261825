//! Objects of a fresh cluster that are no roles: accounts, namespaces, the API's own Service, what the API server and its
//! controllers keep up themselves. Comes in: a Snapshot and its inventory. Goes out: those that stand as they were made.
//! Never: an object that somebody's workload lives in or runs as; what is said of it matters to that workload.
//!
//! Sources: `pkg/controlplane/controller`, `apiserver/pkg/apis/flowcontrol/bootstrap`, `pkg/apis/scheduling/helpers.go`,
//! `kube-aggregator/pkg/controllers/autoregister`, `pkg/controller/{serviceaccount,certificates/rootcacertpublisher}`.

use super::Standing;
use crate::bootstrap::is_system_account;
use crate::json::{Json, Node, Places};
use crate::view::Inventory;
use model::object::ObjectRef;
use model::snapshot::{Object, Snapshot};
use model::workload::WorkloadState;
use std::collections::BTreeSet;

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

#[rustfmt::skip]
const FLOW_SCHEMAS: &[&str] = &[
    "catch-all", "endpoint-controller", "exempt", "global-default", "kube-controller-manager", "kube-scheduler",
    "kube-system-service-accounts", "probes", "service-accounts", "system-leader-election", "system-node-high",
    "system-nodes", "workload-leader-election",
];

#[rustfmt::skip]
const PRIORITY_LEVELS: &[&str] = &[
    "catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high", "workload-low",
];

/// Keys that a ConfigMap has at most.
#[rustfmt::skip]
const CONFIG_MAPS: &[(Option<&str>, &str, &[&str])] = &[
    (None, "kube-root-ca.crt", &["ca.crt"]),
    (None, "openshift-service-ca.crt", &["service-ca.crt"]),
    (Some("kube-system"), "kube-apiserver-legacy-service-account-token-tracking", &["since"]),
    (Some("kube-system"), "extension-apiserver-authentication", &["client-ca-file", "requestheader-allowed-names",
        "requestheader-client-ca-file", "requestheader-extra-headers-prefix", "requestheader-group-headers",
        "requestheader-uid-headers", "requestheader-username-headers"]),
];

/// Ordered.
pub(super) fn provided(snapshot: &Snapshot, inventory: &Inventory) -> Vec<ObjectRef> {
    let world = Lived::of(inventory);
    let mut all: Vec<ObjectRef> = Vec::new();
    for view in &inventory.roles {
        if view.standing == Standing::Own {
            all.push(view.object.clone());
        }
    }
    for view in &inventory.bindings {
        let object = snapshot.objects.get(view.at as usize);
        if let Some(object) = object.filter(|_| view.standing == Standing::Own) {
            all.push(object.reference());
        }
    }
    // Roles that none but a network plugin's bindings give.
    for view in &inventory.roles {
        let own = |index: &u32| {
            let binding = inventory.authorizer.bindings.get(*index as usize);
            binding.is_some_and(|b| inventory.stock_bindings.binary_search(&b.object).is_ok())
        };
        if view.standing == Standing::Other
            && !view.bindings.is_empty()
            && view.bindings.iter().all(own)
        {
            all.push(view.object.clone());
        }
    }
    let provided = inventory
        .workloads
        .iter()
        .filter(|view| view.workload.is_provided());
    all.extend(provided.map(|view| view.workload.object.clone()));
    for (group, kind, own) in KINDS {
        for object in snapshot.of_kind(group, kind) {
            let Ok(tree) = Json::parse(&object.json) else {
                continue;
            };
            let places = Places::default();
            if own(object, Node::new(&tree, &places), &world) {
                all.push(object.reference());
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

type Own = fn(&Object, Node<'_>, &Lived<'_>) -> bool;

const KINDS: [(&str, &str, Own); 10] = [
    ("", "Namespace", namespace),
    ("", "ServiceAccount", account),
    ("", "ConfigMap", config_map),
    ("", "Service", service),
    ("", "Endpoints", api_end),
    ("discovery.k8s.io", "EndpointSlice", api_end),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", flow_schema),
    (
        "flowcontrol.apiserver.k8s.io",
        "PriorityLevelConfiguration",
        priority_level,
    ),
    ("scheduling.k8s.io", "PriorityClass", priority_class),
    ("apiregistration.k8s.io", "APIService", api_service),
];

/// Where somebody's workloads are.
struct Lived<'i> {
    namespaces: BTreeSet<&'i str>,
    accounts: BTreeSet<(&'i str, &'i str)>,
}

impl<'i> Lived<'i> {
    fn of(inventory: &'i Inventory) -> Self {
        let mut lived = Lived {
            namespaces: BTreeSet::new(),
            accounts: BTreeSet::new(),
        };
        for view in &inventory.workloads {
            if view.workload.is_provided() || view.workload.state == WorkloadState::History {
                continue;
            }
            let namespace = &*view.workload.key.namespace;
            lived.namespaces.insert(namespace);
            if let Some(spec) = inventory.templates.get(view.template as usize) {
                lived.accounts.insert((namespace, &spec.service_account));
            }
        }
        lived
    }
}

fn name_of(object: &Object) -> (Option<&str>, &str) {
    (object.namespace.as_deref(), &object.name)
}

fn has_no(root: Node<'_>, fields: &[&str]) -> bool {
    fields.iter().all(|field| root.get(field).is_empty())
}

fn namespace(object: &Object, root: Node<'_>, lived: &Lived<'_>) -> bool {
    let own =
        |(key, _): &(model::text::Text, model::text::Text)| &**key == "kubernetes.io/metadata.name";
    NAMESPACES.contains(&&*object.name)
        && object.labels.iter().all(own)
        && has_no(root.get("metadata"), &["annotations"])
        && !lived.namespaces.contains(&*object.name)
}

fn account(object: &Object, root: Node<'_>, lived: &Lived<'_>) -> bool {
    let (Some(namespace), name) = name_of(object) else {
        return false;
    };
    let known = name == "default" && NAMESPACES.contains(&namespace)
        || namespace == "kube-system" && is_system_account(name);
    // Until 1.23 a Secret with a token was made for each.
    let minted = |node: Node<'_>| {
        let rest = node.text("name").and_then(|text| text.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with("-token-"))
    };
    known
        && root.get("automountServiceAccountToken").is_absent()
        && has_no(root, &["imagePullSecrets"])
        && has_no(root.get("metadata"), &["annotations"])
        && root.list("secrets").all(minted)
        && !lived.accounts.contains(&(namespace, name))
}

fn config_map(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    let (namespace, name) = name_of(object);
    let row = CONFIG_MAPS
        .iter()
        .find(|row| row.1 == name && (row.0.is_none() || row.0 == namespace));
    row.is_some_and(|(_, _, keys)| {
        has_no(root, &["binaryData"])
            && root
                .get("data")
                .entries()
                .all(|(key, _)| keys.contains(&key))
    })
}

/// The API server's own Service, and that of the cluster's DNS.
fn service(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    let spec = root.get("spec");
    let inside = spec.text("type").is_none_or(|kind| kind == "ClusterIP")
        && has_no(
            spec,
            &["externalIPs", "loadBalancerSourceRanges", "externalName"],
        );
    let ports: Vec<i64> = spec.list("ports").filter_map(|p| p.int("port")).collect();
    match name_of(object) {
        (Some("default"), "kubernetes") => {
            inside && spec.get("selector").is_empty() && *ports == [443]
        }
        (Some("kube-system"), "kube-dns") => {
            let mut selector = spec.get("selector").entries();
            let own = selector
                .next()
                .is_some_and(|(key, value)| key == "k8s-app" && value.is_word("kube-dns"));
            inside
                && own
                && selector.next().is_none()
                && ports.iter().all(|port| [53, 9153].contains(port))
        }
        _ => false,
    }
}

/// Where the API server is reached; it writes the addresses itself.
fn api_end(object: &Object, _: Node<'_>, _: &Lived<'_>) -> bool {
    name_of(object) == (Some("default"), "kubernetes")
}

fn flow_schema(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    FLOW_SCHEMAS.contains(&&*object.name) && kept_up(root)
}

fn priority_level(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    PRIORITY_LEVELS.contains(&&*object.name) && kept_up(root)
}

/// The API server puts back what is changed in it.
fn kept_up(root: Node<'_>) -> bool {
    let annotations = root.at(&["metadata", "annotations"]);
    annotations.text("apf.kubernetes.io/autoupdate-spec") == Some("true")
}

fn priority_class(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    let value = match &*object.name {
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        _ => return false,
    };
    root.int("value") == Some(value) && !root.get("globalDefault").is_true()
}

/// Answered by the API server itself.
fn api_service(object: &Object, root: Node<'_>, _: &Lived<'_>) -> bool {
    let managed = object.label("kube-aggregator.kubernetes.io/automanaged");
    managed.is_some_and(|how| matches!(&**how, "onstart" | "true"))
        && root.get("spec").get("service").is_absent()
        && !root.get("spec").get("insecureSkipTLSVerify").is_true()
}
