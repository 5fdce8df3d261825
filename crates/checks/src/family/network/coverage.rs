//! Which pods some policy holds, by direction. Comes in: the typed policies of every kind. Goes out: findings on namespaces
//! and workloads. Never: "open" where a policy that is not understood may hold the pod.

use crate::world::{Sink, World};
use model::evidence::{Gap, GapWeight, Stage, Truth};
use model::object::ObjectRef;
use model::text::Text;
use model::workload::WorkloadState;
use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminRule, Expression, LabelOf, Labels, MeshAction,
    NetworkPolicy, PodSpec, Selector, WorkloadView,
};
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

impl Way {
    fn word(self) -> &'static str {
        match self {
            Way::In => "ingress",
            Way::Out => "egress",
        }
    }
}

/// Namespaces of the cluster itself, which policies of users can break.
pub(crate) const SYSTEM: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// Kinds whose objects could hold a pod.
const KINDS: [(&str, &str); 9] = [
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("crd.projectcalico.org", "GlobalNetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
    ("security.istio.io", "AuthorizationPolicy"),
];

pub(super) fn saw_policies(world: &World<'_>, sink: &mut Sink<'_>) -> bool {
    let own = sink.saw(world, "networking.k8s.io", "NetworkPolicy");
    let others = KINDS.map(|(group, kind)| sink.saw_custom(world, group, kind));
    own && others.iter().all(|seen| *seen)
}

/// Workloads of users.
fn workloads_of_users<'a>(
    world: &World<'a>,
) -> impl Iterator<Item = (&'a WorkloadView, &'a PodSpec)> {
    let inventory = world.inventory;
    inventory.workloads.iter().filter_map(|view| {
        let template = inventory.templates.get(view.template as usize)?;
        let counts = view.workload.state != WorkloadState::History
            && !view.workload.is_provided()
            && !SYSTEM.contains(&&*view.workload.key.namespace);
        counts.then_some((view, template))
    })
}

/// Workloads of users with pods on the pod network.
pub(crate) fn held_workloads<'a>(
    world: &World<'a>,
) -> impl Iterator<Item = (&'a WorkloadView, &'a PodSpec)> {
    workloads_of_users(world).filter(|(_, template)| !template.host_network)
}

/// Policies of one namespace.
pub(super) fn policies_of<'a>(world: &World<'a>, namespace: &str) -> &'a [NetworkPolicy] {
    let all = &world.inventory.network_policies;
    let start = all.partition_point(|policy| &*policy.namespace < namespace);
    let end = all.partition_point(|policy| &*policy.namespace <= namespace);
    all.get(start..end).unwrap_or(&[])
}

pub(super) fn selects(selector: &Selector, labels: &Labels) -> Truth {
    match (selector.malformed, selector.matches(labels)) {
        (true, _) => Truth::Unknown,
        (false, true) => Truth::Yes,
        (false, false) => Truth::No,
    }
}

/// Labels of a namespace; `None`: it was not seen.
fn namespace_labels<'a>(world: &World<'a>, name: &str) -> Option<&'a Labels> {
    let all = &world.inventory.namespaces;
    let at = all.binary_search_by(|one| (*one.name).cmp(name)).ok()?;
    let found = all.get(at).filter(|one| one.seen)?;
    Some(&found.labels)
}

fn in_namespace(world: &World<'_>, selector: &Selector, name: &str) -> Truth {
    if selector.is_everything() {
        return Truth::Yes;
    }
    namespace_labels(world, name).map_or(Truth::Unknown, |labels| selects(selector, labels))
}

pub(super) fn admin_selects(world: &World<'_>, pods: &AdminPods, view: &WorkloadView) -> Truth {
    let there = in_namespace(world, &pods.namespaces, &view.workload.key.namespace);
    there.min(selects(&pods.pods, &view.pod_labels))
}

/// Whether what nothing allows is denied to the pods of this workload.
pub(super) fn held(world: &World<'_>, view: &WorkloadView, template: &PodSpec, way: Way) -> Truth {
    let inventory = world.inventory;
    let namespace = &view.workload.key.namespace;
    let mut held = Truth::No;
    for policy in policies_of(world, namespace) {
        let isolates = match way {
            Way::In => policy.isolates_ingress,
            Way::Out => policy.isolates_egress,
        };
        if isolates {
            held = held.max(selects(&policy.selector, &view.pod_labels));
        }
    }
    for policy in &inventory.admin_policies {
        let rules = match way {
            Way::In => &policy.ingress,
            Way::Out => &policy.egress,
        };
        let subject = policy.subject.as_ref();
        let meets = subject.map_or(Truth::Unknown, |pods| admin_selects(world, pods, view));
        held = held.max(meets.min(denies_all(rules)));
    }
    for policy in &inventory.cilium_policies {
        let side = match way {
            Way::In => &policy.ingress,
            Way::Out => &policy.egress,
        };
        let own = policy.namespace.as_ref().is_none_or(|n| n == namespace);
        if side.isolates && own {
            let meets = policy
                .subject
                .as_ref()
                .map_or(Truth::Unknown, |(place, pods)| {
                    let there = place
                        .as_ref()
                        .map_or(Truth::Yes, |s| in_namespace(world, s, namespace));
                    there.min(selects(pods, &view.pod_labels))
                });
            held = held.max(meets);
        }
    }
    held.max(calico(world, view, way))
        .max(mesh(world, view, template, way))
        .max(others(world, view, way))
}

/// A rule that denies everything to everybody; one that is not understood may.
fn denies_all(rules: &[AdminRule]) -> Truth {
    let all = |rule: &AdminRule| {
        if rule.action != AdminAction::Deny || rule.ports.is_some() {
            return Truth::No;
        }
        if rule.malformed {
            return Truth::Unknown;
        }
        let everybody = |peer: &AdminPeer| matches!(peer, AdminPeer::Pods(pods) if pods.namespaces.is_everything() && pods.pods.is_everything());
        if rule.peers.iter().any(everybody) {
            Truth::Yes
        } else {
            Truth::No
        }
    };
    rules.iter().map(all).max().unwrap_or(Truth::No)
}

fn calico(world: &World<'_>, view: &WorkloadView, way: Way) -> Truth {
    let namespace = &view.workload.key.namespace;
    let calico = &world.inventory.calico;
    let mut held = Truth::No;
    for policy in &calico.policies {
        let rules = match way {
            Way::In => &policy.ingress,
            Way::Out => &policy.egress,
        };
        let own = policy.namespace.as_ref().is_none_or(|n| n == namespace);
        let passes = calico
            .tiers
            .iter()
            .any(|tier| tier.name == policy.tier && tier.passes);
        if rules.is_none() || !own || passes {
            continue;
        }
        let subject = policy.subject.as_ref();
        held = held.max(subject.map_or(Truth::Unknown, |one| calico_selects(world, one, view)));
    }
    held
}

fn calico_selects(world: &World<'_>, subject: &Expression, view: &WorkloadView) -> Truth {
    subject.truth(&|label| match label.of {
        LabelOf::Pod => match &*label.key {
            "projectcalico.org/orchestrator" => Ok(Some("k8s")),
            "projectcalico.org/namespace" => Ok(Some(&*view.workload.key.namespace)),
            key => Ok(view.pod_labels.get(key).map(|value| &**value)),
        },
        LabelOf::Namespace => {
            let labels = namespace_labels(world, &view.workload.key.namespace).ok_or(())?;
            Ok(labels.get(&label.key).map(|value| &**value))
        }
        LabelOf::Account => Err(()),
    })
}

/// Istio's policies hold a pod only through its proxy.
fn mesh(world: &World<'_>, view: &WorkloadView, template: &PodSpec, way: Way) -> Truth {
    if way == Way::Out {
        return Truth::No;
    }
    let namespace = &view.workload.key.namespace;
    let meets = world
        .inventory
        .mesh
        .policies
        .iter()
        .filter(|policy| policy.action == MeshAction::Allow)
        .filter(|policy| policy.namespace.as_ref().is_none_or(|n| n == namespace))
        .map(|policy| {
            let subject = policy.subject.as_ref();
            subject.map_or(Truth::Unknown, |s| selects(s, &view.pod_labels))
        })
        .max()
        .unwrap_or(Truth::No);
    let proxied = template
        .containers
        .iter()
        .any(|one| &*one.name == "istio-proxy");
    if proxied {
        meets
    } else {
        meets.min(Truth::Unknown)
    }
}

/// Kinds that nothing evaluates may hold it.
fn others(world: &World<'_>, view: &WorkloadView, way: Way) -> Truth {
    let namespace = &view.workload.key.namespace;
    let may = world.inventory.other_policies.iter().any(|policy| {
        !policy.evaluated
            && (way == Way::Out || policy.ingress)
            && policy.namespace.as_ref().is_none_or(|n| n == namespace)
            && policy
                .selector
                .as_ref()
                .is_none_or(|s| selects(s, &view.pod_labels) != Truth::No)
    });
    if may { Truth::Unknown } else { Truth::No }
}

fn not_understood(way: Way, what: &str) -> Gap {
    Gap {
        class: "policy-not-understood".into(),
        what: format!(
            "whether {what} is held on {} depends on a policy of a kind or selector that is not evaluated",
            way.word()
        )
        .into(),
        stage: Stage::Relate,
        scope: what.into(),
        weight: GapWeight::Hides,
        close: "use NetworkPolicies, or read the policy by hand".into(),
    }
}

type Judged<'a> = Vec<(&'a WorkloadView, Truth)>;

fn by_namespace<'a>(world: &World<'a>, way: Way) -> BTreeMap<&'a Text, Judged<'a>> {
    judged(world, way, held_workloads(world))
}

fn judged<'a>(
    world: &World<'a>,
    way: Way,
    workloads: impl Iterator<Item = (&'a WorkloadView, &'a PodSpec)>,
) -> BTreeMap<&'a Text, Judged<'a>> {
    let mut all: BTreeMap<&Text, Judged<'_>> = BTreeMap::new();
    for (view, template) in workloads {
        let truth = held(world, view, template, way);
        let of = all.entry(&view.workload.key.namespace).or_default();
        of.push((view, truth));
    }
    all
}

/// A namespace with pods on the network of their node alone is open too: what follows there begins so.
fn with_hosts<'a>(world: &World<'a>, way: Way) -> BTreeMap<&'a Text, Judged<'a>> {
    let mut all = by_namespace(world, way);
    let on_nodes = workloads_of_users(world).filter(|(_, template)| template.host_network);
    for (namespace, workloads) in judged(world, way, on_nodes) {
        all.entry(namespace).or_insert(workloads);
    }
    all
}

/// Namespaces of which no pod is held.
fn open_namespaces(world: &World<'_>, sink: &mut Sink<'_>, way: Way) {
    if !saw_policies(world, sink) {
        return;
    }
    for (namespace, workloads) in with_hosts(world, way) {
        sink.looked(1);
        match workloads.iter().map(|(_, truth)| *truth).max() {
            Some(Truth::No) => {
                let object = ObjectRef::new("", "Namespace", None, namespace);
                let says = format!(
                    "no policy holds the {} of any of its {} workloads",
                    way.word(),
                    workloads.len()
                );
                sink.about(world, &object, "", says);
            }
            Some(Truth::Unknown) => {
                sink.unknown(not_understood(way, &format!("namespace {namespace}")));
            }
            _ => {}
        }
    }
}

pub(super) fn open_ingress(world: &World<'_>, sink: &mut Sink<'_>) {
    open_namespaces(world, sink, Way::In);
}

pub(super) fn open_egress(world: &World<'_>, sink: &mut Sink<'_>) {
    open_namespaces(world, sink, Way::Out);
}

/// Workloads that were forgotten where others are held.
fn left_out(world: &World<'_>, sink: &mut Sink<'_>, way: Way) {
    if !saw_policies(world, sink) {
        return;
    }
    for (_, workloads) in by_namespace(world, way) {
        if !workloads.iter().any(|(_, truth)| *truth == Truth::Yes) {
            continue;
        }
        for (view, truth) in workloads {
            // What ends does not serve.
            if way == Way::In && view.batch {
                continue;
            }
            sink.looked(1);
            let object = &view.workload.object;
            match truth {
                Truth::No => {
                    let says = format!(
                        "no policy selects its pods for {}, others of the namespace are held",
                        way.word()
                    );
                    sink.about(world, object, labels_at(view), says);
                }
                Truth::Unknown => sink.unknown(not_understood(way, &object.to_string())),
                Truth::Yes => {}
            }
        }
    }
}

pub(super) fn left_out_ingress(world: &World<'_>, sink: &mut Sink<'_>) {
    left_out(world, sink, Way::In);
}

pub(super) fn left_out_egress(world: &World<'_>, sink: &mut Sink<'_>) {
    left_out(world, sink, Way::Out);
}

/// Where the labels stand that a policy would select.
fn labels_at(view: &WorkloadView) -> String {
    view.spec_pointer
        .strip_suffix("/spec")
        .map(|template| format!("{template}/metadata/labels"))
        .unwrap_or_default()
}

/// Namespaces whose present workloads are all held, each by a policy of its own: the next one begins open.
pub(super) fn next_is_open(world: &World<'_>, sink: &mut Sink<'_>) {
    if !saw_policies(world, sink) {
        return;
    }
    for (namespace, workloads) in by_namespace(world, Way::In) {
        let policies = policies_of(world, namespace);
        if policies.is_empty() || workloads.iter().any(|(_, truth)| *truth != Truth::Yes) {
            continue;
        }
        sink.looked(1);
        let everything =
            |policy: &NetworkPolicy| policy.isolates_ingress && policy.selector.is_everything();
        let inventory = world.inventory;
        let elsewhere = !inventory.admin_policies.is_empty()
            || !inventory.cilium_policies.is_empty()
            || !inventory.calico.policies.is_empty()
            || !inventory.other_policies.is_empty();
        if !policies.iter().any(everything) && !elsewhere {
            let object = ObjectRef::new("", "Namespace", None, namespace);
            let says = "every workload is selected by name, none of its policies selects all pods";
            sink.about(world, &object, "", says);
        }
    }
}

/// Pods on the node's network that somebody wrote a policy for.
pub(super) fn host_network(world: &World<'_>, sink: &mut Sink<'_>) {
    for view in &world.inventory.workloads {
        let template = world.inventory.templates.get(view.template as usize);
        let counts = view.workload.state != WorkloadState::History && !view.workload.is_provided();
        if !counts || !template.is_some_and(|spec| spec.host_network) {
            continue;
        }
        sink.looked(1);
        let meant = policies_of(world, &view.workload.key.namespace)
            .iter()
            .find(|policy| {
                // One that selects all pods does not mean this one.
                !policy.selector.is_everything()
                    && selects(&policy.selector, &view.pod_labels) == Truth::Yes
            });
        if let Some(policy) = meant {
            let says = format!(
                "NetworkPolicy {} selects pods on the node's network, which it cannot hold",
                policy.name
            );
            let pointer = format!("{}/hostNetwork", view.spec_pointer);
            sink.about(world, &view.workload.object, pointer, says);
        }
    }
}

/// A network plugin that is known to ignore policies, or a user who says so.
pub(super) fn not_enforced(world: &World<'_>, sink: &mut Sink<'_>) {
    let inventory = world.inventory;
    if inventory.network_policies.is_empty() {
        return;
    }
    let count = inventory.network_policies.len();
    let says = format!("nothing enforces the {count} NetworkPolicies of this cluster");
    match inventory.network_enforced {
        Some(true) => return sink.looked(1),
        Some(false) => {
            sink.looked(1);
            let object = ObjectRef::new("", "Namespace", None, "kube-system");
            return sink.about(world, &object, "", says);
        }
        None => {}
    }
    if !inventory.enforcing_cni.is_empty() {
        return sink.looked(1);
    }
    // Flannel alone gives addresses and routes; Canal and k3s bring who enforces, and are evidence of it.
    let plain = inventory.workloads.iter().find(|view| {
        let template = inventory.templates.get(view.template as usize);
        &*view.workload.object.kind == "DaemonSet"
            && view.workload.state == WorkloadState::Active
            && template.is_some_and(|spec| {
                spec.host_network
                    && spec
                        .containers
                        .iter()
                        .any(|one| &*one.name == "kube-flannel")
            })
    });
    let saw = sink.saw(world, "apps", "DaemonSet")
        && sink.saw(world, "apiextensions.k8s.io", "CustomResourceDefinition");
    match plain {
        Some(view) if saw => {
            sink.looked(1);
            sink.about(world, &view.workload.object, "", says);
        }
        _ => sink.unknown(Gap {
            class: "policy-enforcement-unknown".into(),
            what: "no network plugin that enforces NetworkPolicies was seen, and none that ignores them".into(),
            stage: Stage::Relate,
            scope: "cluster".into(),
            weight: GapWeight::Hides,
            close: "declare in plimsoll.yaml whether NetworkPolicies are enforced".into(),
        }),
    }
}
