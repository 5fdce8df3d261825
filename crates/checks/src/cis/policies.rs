//! Section 5.2 to 5.6: what namespaces admit, what workloads are, which walls stand between them.
//! Comes in: the Inventory. Goes out: what was seen. Never: a finding about parts of the cluster itself.

use crate::component::{Component, Components, Seen, Verdict, gap, judge};
use model::object::ObjectRef;
use model::snapshot::Origin;
use model::workload::WorkloadState;
use semantics::pod_security::{self, Level};
use semantics::view::{Namespace, PodSpec, WorkloadView};
use serde_json::Value;
use std::collections::BTreeSet;

const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Policy engines, by the group of their kinds.
const ENGINES: [&str; 6] = [
    "kyverno.io",
    "policies.kyverno.io",
    "templates.gatekeeper.sh",
    "constraints.gatekeeper.sh",
    "policies.kubewarden.io",
    "policy.sigstore.dev",
];

pub(super) fn about(
    components: &Components<'_>,
    object: &ObjectRef,
    says: String,
    verdict: Verdict,
) -> Seen {
    let objects = &components.world.snapshot.objects;
    let found = components.world.snapshot.find(
        &object.group,
        &object.kind,
        object.namespace.as_deref(),
        &object.name,
    );
    let at = found.and_then(|found| objects.iter().position(|one| std::ptr::eq(one, found)));
    Seen {
        object: object.clone(),
        at: at.and_then(|at| u32::try_from(at).ok()),
        pointer: String::new(),
        says,
        verdict,
    }
}

pub(super) fn of_cluster(says: String, verdict: Verdict) -> Seen {
    Seen {
        object: ObjectRef::new("", "Cluster", None, "cluster"),
        at: None,
        pointer: String::new(),
        says,
        verdict,
    }
}

pub(super) fn unseen(what: &str, close: &str) -> Seen {
    let says = format!("not seen: {what}");
    let gap = gap("control-not-seen", says.clone(), "cluster", close);
    of_cluster(says, Verdict::Unknown(gap))
}

fn saw(components: &Components<'_>, group: &str, kind: &str) -> bool {
    components.world.snapshot.saw_all(group, kind)
}

/// Workloads that run or would, without parts of the cluster itself.
pub(super) fn workloads<'c>(
    components: &'c Components<'_>,
) -> impl Iterator<Item = &'c WorkloadView> {
    components.world.inventory.workloads.iter().filter(|view| {
        view.workload.state != WorkloadState::History
            && !view.workload.is_provided()
            && !view.workload.is_host()
            && view
                .workload
                .object
                .namespace
                .as_deref()
                .is_none_or(|name| !SYSTEM.contains(&name))
    })
}

/// Namespaces with workloads of users.
fn used<'c>(components: &'c Components<'_>) -> Vec<&'c Namespace> {
    let names: BTreeSet<&str> = workloads(components)
        .filter_map(|view| view.workload.object.namespace.as_deref())
        .collect();
    let all = components.world.inventory.namespaces.iter();
    all.filter(|namespace| names.contains(&*namespace.name))
        .collect()
}

fn namespace(name: &str) -> ObjectRef {
    ObjectRef::new("", "Namespace", None, name)
}

/// The engine that the cluster has, if any: what it refuses is not evaluated here.
fn engine(components: &Components<'_>) -> Option<String> {
    let snapshot = components.world.snapshot;
    let engine = |group: &str| ENGINES.contains(&group);
    let object = snapshot.objects.iter().find(|one| engine(&one.gvk.group));
    if let Some(object) = object {
        return Some(object.reference().to_string());
    }
    let other = snapshot
        .other_kinds
        .keys()
        .find(|kind| kind.split_once('.').is_some_and(|(_, group)| engine(group)));
    other.map(ToString::to_string)
}

/// Each namespace with workloads enforces the level, or something that is not evaluated might.
fn admission(components: &Components<'_>, least: Level) -> Vec<Seen> {
    let world = &components.world;
    if !saw(components, "", "Namespace") && world.snapshot.origin == Origin::Live {
        return vec![unseen("labels of namespaces", "list namespaces")];
    }
    let exempt = default_level(components);
    let mut all = Vec::new();
    for one in used(components) {
        let policy = pod_security::of_namespace(world.inventory, &one.name);
        let level = policy.enforce.map(|enforce| enforce.level);
        let labelled = one
            .labels
            .contains_key("pod-security.kubernetes.io/enforce");
        let level = match level {
            Some(level) if labelled => Some(level),
            _ => exempt.or(level),
        };
        let shown = level.map_or("nothing", Level::as_str);
        let says = format!("Pod Security enforces {shown}");
        let verdict = match level {
            Some(level) if level >= least => Verdict::Good,
            Some(_) => Verdict::Bad,
            None => {
                let what = format!(
                    "the Pod Security level of namespace {} is not known",
                    one.name
                );
                Verdict::Unknown(gap(
                    "control-not-seen",
                    what,
                    &one.name,
                    "give the namespace a label, or scan a control-plane node for its AdmissionConfiguration",
                ))
            }
        };
        all.push(about(components, &namespace(&one.name), says, verdict));
    }
    if let Some(engine) = engine(components)
        && all.iter().any(|one| one.verdict == Verdict::Bad)
    {
        all.retain(|one| one.verdict != Verdict::Bad);
        all.push(unseen(
            &format!(
                "what {engine} refuses: policies of engines are not evaluated for this control"
            ),
            "label the namespaces with pod-security.kubernetes.io/enforce",
        ));
    }
    if all.is_empty() {
        all.push(of_cluster(
            "no namespace has workloads of users".to_owned(),
            Verdict::NotApplicable,
        ));
    }
    all
}

/// The level that the AdmissionConfiguration of the API servers enforces without a label.
fn default_level(components: &Components<'_>) -> Option<Level> {
    for instance in components.of(Component::ApiServer) {
        if let crate::component::documents::Document::Is(_, document) =
            components.named(instance, "admission-control-config-file")
        {
            let plugins = document.get("plugins").and_then(Value::as_array);
            let own = plugins
                .into_iter()
                .flatten()
                .find(|one| one.get("name").and_then(Value::as_str) == Some("PodSecurity"));
            let level = own.and_then(|one| one.pointer("/configuration/defaults/enforce"));
            return level
                .and_then(Value::as_str)
                .and_then(Level::parse)
                .or(Some(Level::Privileged));
        }
    }
    None
}

pub(super) fn baseline(components: &Components<'_>) -> Vec<Seen> {
    admission(components, Level::Baseline)
}

pub(super) fn restricted(components: &Components<'_>) -> Vec<Seen> {
    admission(components, Level::Restricted)
}

/// Some engine is there, or each namespace enforces something; and nobody is exempt.
pub(super) fn mechanism(components: &Components<'_>) -> Vec<Seen> {
    if let Some(engine) = engine(components) {
        return vec![of_cluster(format!("{engine} is there"), Verdict::Good)];
    }
    let mut all = baseline(components);
    for slug in ["pod-security-off", "pod-security-exemptions"] {
        if let Some(rule) = crate::table::rule(slug)
            && let crate::rule::Form::Probe(probe) = rule.form
        {
            let bad = judge(components, &probe);
            all.extend(bad.into_iter().filter(|one| one.verdict == Verdict::Bad));
        }
    }
    all
}

fn each_workload(
    components: &Components<'_>,
    good: &str,
    ask: impl Fn(&PodSpec) -> Option<String>,
) -> Vec<Seen> {
    let inventory = components.world.inventory;
    let mut all = Vec::new();
    let mut looked = 0;
    for view in workloads(components) {
        let Some(template) = inventory.templates.get(view.template as usize) else {
            continue;
        };
        looked += 1;
        if let Some(says) = ask(template) {
            all.push(about(components, &view.workload.object, says, Verdict::Bad));
        }
    }
    if components.world.snapshot.origin == Origin::Live && !saw(components, "", "Pod") {
        all.push(unseen("pods", "list pods"));
    } else if all.is_empty() {
        let verdict = if looked == 0 {
            Verdict::NotApplicable
        } else {
            Verdict::Good
        };
        all.push(of_cluster(format!("{good} ({looked} workloads)"), verdict));
    }
    all
}

pub(super) fn secret_variables(components: &Components<'_>) -> Vec<Seen> {
    each_workload(
        components,
        "no container takes a Secret as variable",
        |template| {
            let found = template
                .containers
                .iter()
                .find(|one| !one.secret_env.is_empty())?;
            Some(format!(
                "container {} takes Secret {} as variables",
                found.name,
                found.secret_env.join(", ")
            ))
        },
    )
}

/// A profile is in force: said by the pod, or given by the kubelet to those that say nothing.
pub(super) fn seccomp(components: &Components<'_>) -> Vec<Seen> {
    let default = crate::table::rule("kubelet-no-seccomp-default").map(|rule| rule.form);
    let kubelets = match default {
        Some(crate::rule::Form::Probe(probe)) => judge(components, &probe),
        _ => Vec::new(),
    };
    let by_default =
        !kubelets.is_empty() && kubelets.iter().all(|one| one.verdict == Verdict::Good);
    let mut all =
        each_workload(
            components,
            "every container has a seccomp profile",
            |template| {
                let open = template.containers.iter().find(|one| {
                    match one.security.seccomp.as_deref() {
                        Some("Unconfined") => true,
                        Some(_) => false,
                        None => !by_default,
                    }
                })?;
                Some(format!("container {} has no seccomp profile", open.name))
            },
        );
    if by_default {
        all.extend(kubelets);
    }
    all
}

/// Nothing of a security context was thought of.
pub(super) fn contexts(components: &Components<'_>) -> Vec<Seen> {
    each_workload(
        components,
        "every container has a security context",
        |template| {
            let bare = template.containers.iter().find(|one| {
                let own = &one.security;
                own.run_as_user.is_none()
                    && own.run_as_non_root.is_none()
                    && !own.read_only_root
                    && own.allow_privilege_escalation
                    && own.dropped_capabilities.is_empty()
                    && own.added_capabilities.is_empty()
                    && own.seccomp.is_none()
                    && own.apparmor.is_none()
                    && !own.privileged
            })?;
            Some(format!("container {} has no security context", bare.name))
        },
    )
}

pub(super) fn default_namespace(components: &Components<'_>) -> Vec<Seen> {
    let snapshot = components.world.snapshot;
    let own = [
        ("", "Service", "kubernetes"),
        ("", "ConfigMap", "kube-root-ca.crt"),
        ("", "ConfigMap", "openshift-service-ca.crt"),
        ("", "ServiceAccount", "default"),
        ("", "Endpoints", "kubernetes"),
        ("discovery.k8s.io", "EndpointSlice", "kubernetes"),
    ];
    let found = snapshot.objects.iter().filter(|object| {
        object.namespace.as_deref() == Some("default")
            && !matches!(&*object.gvk.kind, "Event" | "Lease")
            && !own.contains(&(&*object.gvk.group, &*object.gvk.kind, &*object.name))
    });
    let mut all: Vec<Seen> = found
        .map(|object| {
            about(
                components,
                &object.reference(),
                "it is in namespace default".to_owned(),
                Verdict::Bad,
            )
        })
        .collect();
    if all.is_empty() {
        all.push(
            if saw(components, "", "Pod") && saw(components, "", "Service") {
                of_cluster(
                    "nothing but the cluster's own objects is in namespace default".to_owned(),
                    Verdict::Good,
                )
            } else {
                unseen("pods and services", "list pods and services")
            },
        );
    }
    all
}

/// Network plugins that enforce no policy by themselves.
const PLAIN_PLUGINS: [&str; 14] = [
    "bandwidth",
    "bridge",
    "dhcp",
    "firewall",
    "flannel",
    "host-device",
    "host-local",
    "ipvlan",
    "loopback",
    "macvlan",
    "portmap",
    "ptp",
    "tuning",
    "vlan",
];

pub(super) fn enforcing_network(components: &Components<'_>) -> Vec<Seen> {
    let inventory = components.world.inventory;
    if let Some(declared) = inventory.network_enforced {
        let verdict = if declared {
            Verdict::Good
        } else {
            Verdict::Bad
        };
        return vec![of_cluster(
            format!("declared: network policies enforced is {declared}"),
            verdict,
        )];
    }
    if let Some(first) = inventory.enforcing_cni.first() {
        return vec![about(
            components,
            first,
            "it enforces network policies".to_owned(),
            Verdict::Good,
        )];
    }
    let mut all = Vec::new();
    for (host, documents) in components
        .world
        .beside
        .hosts
        .iter()
        .zip(&components.documents)
    {
        for (path, document) in documents {
            if document.get("cniVersion").is_none() {
                continue;
            }
            let list = document.get("plugins").and_then(Value::as_array);
            let types: Vec<&str> = list
                .map_or(std::slice::from_ref(document), Vec::as_slice)
                .iter()
                .filter_map(|one| one.get("type")?.as_str())
                .collect();
            if !types.is_empty() && types.iter().all(|one| PLAIN_PLUGINS.contains(one)) {
                let object = ObjectRef::new(
                    "",
                    "Node",
                    None,
                    host.node.as_deref().unwrap_or("this host"),
                );
                let says = format!(
                    "{path} has {} only, which enforce nothing",
                    types.join(", ")
                );
                all.push(about(components, &object, says, Verdict::Bad));
            }
        }
    }
    if all.is_empty() {
        all.push(unseen(
            "a network plugin that is known to enforce policies",
            "scan a node with `plimsoll scan node --host-root /`, or declare network.enforced",
        ));
    }
    all
}

pub(super) fn network_policies(components: &Components<'_>) -> Vec<Seen> {
    let inventory = components.world.inventory;
    if components.world.snapshot.origin == Origin::Live
        && !saw(components, "networking.k8s.io", "NetworkPolicy")
    {
        return vec![unseen("network policies", "list networkpolicies")];
    }
    let everywhere = inventory
        .other_policies
        .iter()
        .any(|one| one.namespace.is_none());
    let mut all = Vec::new();
    for one in &inventory.namespaces {
        if !one.seen || SYSTEM.contains(&&*one.name) {
            continue;
        }
        let own = inventory
            .network_policies
            .iter()
            .any(|policy| policy.namespace == one.name)
            || inventory
                .other_policies
                .iter()
                .any(|policy| policy.namespace.as_ref() == Some(&one.name));
        let (says, verdict) = if own {
            ("it has a network policy", Verdict::Good)
        } else if everywhere {
            ("policies of the whole cluster are there", Verdict::Good)
        } else {
            ("it has no network policy", Verdict::Bad)
        };
        all.push(about(
            components,
            &namespace(&one.name),
            says.to_owned(),
            verdict,
        ));
    }
    all
}

pub(super) fn external_secrets(components: &Components<'_>) -> Vec<Seen> {
    const GROUPS: [&str; 4] = [
        "external-secrets.io",
        "secrets-store.csi.x-k8s.io",
        "secrets.hashicorp.com",
        "isindir.github.com",
    ];
    let snapshot = components.world.snapshot;
    let external = |group: &str| GROUPS.contains(&group);
    if let Some(object) = snapshot.objects.iter().find(|one| external(&one.gvk.group)) {
        return vec![about(
            components,
            &object.reference(),
            "Secrets come from outside".to_owned(),
            Verdict::Good,
        )];
    }
    let other = snapshot.other_kinds.keys().find(|kind| {
        kind.split_once('.')
            .is_some_and(|(_, group)| external(group))
    });
    if let Some(kind) = other {
        return vec![of_cluster(format!("{kind} are there"), Verdict::Good)];
    }
    let kept = components
        .world
        .inventory
        .secrets
        .iter()
        .filter(|one| &*one.kind == "Opaque" && !SYSTEM.contains(&&*one.namespace))
        .count();
    if saw(
        components,
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
    ) || kept > 0
    {
        let says = format!("{kept} Secrets of users, and no store outside the cluster is known");
        let verdict = if kept > 0 {
            Verdict::Bad
        } else {
            Verdict::Good
        };
        return vec![of_cluster(says, verdict)];
    }
    vec![unseen(
        "Secrets and custom resources",
        "list customresourcedefinitions and secrets",
    )]
}

/// Who checks images, by the groups and names of what is known to.
pub(super) fn image_provenance(components: &Components<'_>) -> Vec<Seen> {
    let snapshot = components.world.snapshot;
    for instance in components.of(Component::ApiServer) {
        let read = instance.read(
            &crate::component::api("enable-admission-plugins", ""),
            components.minor(),
        );
        if read
            .value()
            .is_some_and(|list| list.split(',').any(|one| one == "ImagePolicyWebhook"))
        {
            return vec![Seen::good(instance, read.says())];
        }
    }
    let verifier = |object: &&model::snapshot::Object| match (&*object.gvk.group, &*object.gvk.kind)
    {
        ("policy.sigstore.dev", "ClusterImagePolicy")
        | ("policies.kyverno.io", "ImageValidatingPolicy") => true,
        ("kyverno.io", "ClusterPolicy" | "Policy") => {
            let text = String::from_utf8_lossy(&object.json);
            text.contains("\"verifyImages\"") && text.contains("nforce")
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => ["connaisseur", "ratify", "portieris", "image-policy"]
            .iter()
            .any(|name| object.name.contains(name)),
        _ => false,
    };
    if let Some(object) = snapshot.objects.iter().find(verifier) {
        return vec![about(
            components,
            &object.reference(),
            "it checks images".to_owned(),
            Verdict::Good,
        )];
    }
    if let Some(engine) = engine(components) {
        return vec![unseen(
            &format!("whether {engine} checks images"),
            "let its policies be listed",
        )];
    }
    let saw = [
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ]
    .iter()
    .all(|kind| saw(components, "admissionregistration.k8s.io", kind));
    if saw {
        return vec![of_cluster(
            "no admission webhook or policy that checks images is known".to_owned(),
            Verdict::Bad,
        )];
    }
    vec![unseen(
        "admission webhooks",
        "list validatingwebhookconfigurations and mutatingwebhookconfigurations",
    )]
}
