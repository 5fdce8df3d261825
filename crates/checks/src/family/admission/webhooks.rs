//! Webhooks that fail, deadlock or look away. Comes in: webhook configurations, Services, namespaces.
//! Goes out: findings at the webhook. Never: a guess about what a backend does.

use crate::family::network::coverage::{SYSTEM, held_workloads};
use crate::world::{Sink, World};
use model::evidence::{Gap, GapWeight, Stage};
use model::object::ObjectRef;
use model::snapshot::{Object, Origin};
use model::text::Text;
use model::workload::WorkloadState;
use semantics::json::Node;
use semantics::view::{Labels, Operator, Requirement, Selector, Service};
use std::collections::BTreeSet;

const GROUP: &str = "admissionregistration.k8s.io";
const VALIDATING: &str = "ValidatingWebhookConfiguration";
const MUTATING: &str = "MutatingWebhookConfiguration";
const NAME: &str = "kubernetes.io/metadata.name";

/// What decides whether an attack gets in: pods and what makes them, rights, walls, secrets.
pub(crate) const GUARDED_GROUPS: &[&str] = &[
    "",
    "*",
    "apps",
    "batch",
    "rbac.authorization.k8s.io",
    "networking.k8s.io",
];
pub(crate) const GUARDED: &[&str] = &[
    "*",
    "*/*",
    "pods",
    "pods/*",
    "pods/exec",
    "pods/ephemeralcontainers",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "namespaces",
    "secrets",
    "serviceaccounts",
    "serviceaccounts/token",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "networkpolicies",
    "ingresses",
];

pub(crate) fn each<'a>(
    world: &World<'a>,
    kinds: &[&str],
    mut ask: impl FnMut(&'a Object, usize, Node<'_>),
) {
    for kind in kinds {
        world.each(GROUP, kind, |object, root| {
            for (n, webhook) in root.list("webhooks").enumerate() {
                ask(object, n, webhook);
            }
        });
    }
}

fn saw(world: &World<'_>, sink: &mut Sink<'_>) -> bool {
    let validating = sink.saw(world, GROUP, VALIDATING);
    sink.saw(world, GROUP, MUTATING) && validating
}

fn has(list: Node<'_>, key: &str, words: &[&str]) -> bool {
    list.texts(key).any(|text| words.contains(&text))
}

/// Whether one of its rules means new pods.
pub(crate) fn means_pods(webhook: Node<'_>) -> bool {
    webhook.list("rules").any(|rule| {
        has(rule, "apiGroups", &["", "*"])
            && has(rule, "operations", &["CREATE", "*"])
            && has(rule, "resources", &["pods", "pods/*", "*", "*/*"])
            && rule.text("scope") != Some("Cluster")
    })
}

fn guards(webhook: Node<'_>) -> bool {
    webhook
        .list("rules")
        .any(|rule| has(rule, "apiGroups", GUARDED_GROUPS) && has(rule, "resources", GUARDED))
}

/// A label selector; what the server would refuse is malformed.
fn selector(node: Node<'_>) -> Selector {
    let mut selector = Selector::default();
    for (key, value) in node.get("matchLabels").entries() {
        match value.as_text() {
            Some(value) => drop(selector.equals.insert(key.into(), value.into())),
            None => selector.malformed = true,
        }
    }
    for expression in node.list("matchExpressions") {
        let operator = match expression.text("operator") {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            _ => {
                selector.malformed = true;
                continue;
            }
        };
        selector.expressions.push(Requirement {
            key: expression.text("key").unwrap_or_default().into(),
            operator,
            values: expression.texts("values").map(Into::into).collect(),
        });
    }
    selector
}

/// Labels of a namespace. One that was not seen has its name at least; `false`: there may be more.
fn labels(world: &World<'_>, name: &str) -> (Labels, bool) {
    let all = &world.inventory.namespaces;
    let found = all.iter().find(|one| &*one.name == name && one.seen);
    let mut labels = found.map(|one| one.labels.clone()).unwrap_or_default();
    labels.insert(NAME.into(), name.into());
    (labels, found.is_some())
}

/// Whether a namespace is meant; `None`: its labels were not seen and decide.
fn means_namespace(world: &World<'_>, selector: &Selector, name: &str) -> Option<bool> {
    let (labels, seen) = labels(world, name);
    let by_name = selector.equals.keys().all(|key| &**key == NAME)
        && selector.expressions.iter().all(|one| &*one.key == NAME);
    (!selector.malformed && (seen || by_name)).then(|| selector.matches(&labels))
}

fn service_of<'a>(world: &World<'a>, namespace: &str, name: &str) -> Option<&'a Service> {
    let all = &world.inventory.services;
    all.iter()
        .find(|one| &*one.namespace == namespace && &*one.name == name)
}

/// Labels of the pods behind a Service.
fn behind<'a>(world: &World<'a>, service: &Service) -> Vec<&'a Labels> {
    let meant = |labels: &Labels| {
        !service.selector.is_empty()
            && service
                .selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
    };
    world
        .inventory
        .workloads
        .iter()
        .filter(|view| view.workload.key.namespace == service.namespace)
        .filter(|view| view.workload.state == WorkloadState::Active && meant(&view.pod_labels))
        .map(|view| &view.pod_labels)
        .collect()
}

/// Webhooks that stand before their own pods.
pub(super) fn deadlock(world: &World<'_>, sink: &mut Sink<'_>) {
    if !saw(world, sink) {
        return;
    }
    each(world, &[VALIDATING, MUTATING], |object, n, webhook| {
        let service = webhook.at(&["clientConfig", "service"]);
        let (Some(namespace), Some(name)) = (service.text("namespace"), service.text("name"))
        else {
            return;
        };
        if webhook.text("failurePolicy") == Some("Ignore") || !means_pods(webhook) {
            return;
        }
        sink.looked(1);
        let wanted = selector(webhook.get("objectSelector"));
        if !wanted.is_everything() {
            let pods = service_of(world, namespace, name).map(|one| behind(world, one));
            let own = pods.is_some_and(|pods| pods.iter().any(|labels| wanted.matches(labels)));
            if !own {
                return;
            }
        }
        let here = selector(webhook.get("namespaceSelector"));
        let pointer = format!("/webhooks/{n}/namespaceSelector");
        if means_namespace(world, &here, namespace) != Some(true) {
            return;
        }
        if webhook.list("matchConditions").next().is_some() {
            return sink.unknown(conditions(object, n));
        }
        let says = format!("it fails closed for pods of {namespace}, where its own pods run");
        sink.about(world, &object.reference(), pointer, says);
    });
}

fn conditions(object: &Object, n: usize) -> Gap {
    Gap {
        class: "condition-not-evaluated".into(),
        what: format!(
            "whether /webhooks/{n}/matchConditions of {} lets its own pods pass",
            object.reference()
        )
        .into(),
        stage: Stage::Relate,
        scope: object.reference().to_string().into(),
        weight: GapWeight::Notice,
        close: "".into(),
    }
}

/// Webhooks that call what is not there.
pub(super) fn dead_backend(world: &World<'_>, sink: &mut Sink<'_>) {
    // Files may hold the configuration alone.
    if world.snapshot.origin == Origin::Files
        || !saw(world, sink)
        || !sink.saw(world, "", "Service")
        || !sink.saw(world, "", "Pod")
    {
        return;
    }
    each(world, &[VALIDATING, MUTATING], |object, n, webhook| {
        let service = webhook.at(&["clientConfig", "service"]);
        let (Some(namespace), Some(name)) = (service.text("namespace"), service.text("name"))
        else {
            return;
        };
        sink.looked(1);
        let inventory = world.inventory;
        let slices = inventory.endpoint_slices.iter().any(|one| {
            &*one.namespace == namespace && &*one.service == name && !one.addresses.is_empty()
        });
        let says = match service_of(world, namespace, name) {
            None => format!("Service {namespace}/{name} does not exist"),
            Some(found)
                if found.selector.is_empty() || slices || !behind(world, found).is_empty() =>
            {
                return;
            }
            Some(_) => format!("no pod stands behind Service {namespace}/{name}"),
        };
        let effect = if webhook.text("failurePolicy") == Some("Ignore") {
            "everything passes"
        } else {
            "what it means is refused"
        };
        let pointer = format!("/webhooks/{n}/clientConfig/service");
        sink.about(
            world,
            &object.reference(),
            pointer,
            format!("{says}: {effect}"),
        );
    });
}

/// Webhooks by Service without a certificate to check it by.
pub(super) fn without_ca(world: &World<'_>, sink: &mut Sink<'_>) {
    // Controllers fill it in after it was applied.
    if world.snapshot.origin == Origin::Files || !saw(world, sink) {
        return;
    }
    each(world, &[VALIDATING, MUTATING], |object, n, webhook| {
        let client = webhook.get("clientConfig");
        if client.get("service").is_absent() {
            return;
        }
        sink.looked(1);
        let bundle = client.text("caBundle").unwrap_or("");
        if bundle.is_empty() || bundle.starts_with("redacted:v1:certificate:0:") {
            let pointer = format!("/webhooks/{n}/clientConfig/caBundle");
            sink.about(
                world,
                &object.reference(),
                pointer.clone(),
                format!("{pointer} is empty"),
            );
        }
    });
}

/// Namespaces of users that a guard does not look into.
pub(super) fn exempt_namespaces(world: &World<'_>, sink: &mut Sink<'_>) {
    if !saw(world, sink) || !sink.saw(world, "", "Namespace") {
        return;
    }
    let used: BTreeSet<&Text> = held_workloads(world)
        .map(|(view, _)| &view.workload.key.namespace)
        .collect();
    each(world, &[VALIDATING], |object, n, webhook| {
        let here = selector(webhook.get("namespaceSelector"));
        let opt_out = here
            .expressions
            .iter()
            .any(|one| matches!(one.operator, Operator::NotIn | Operator::DoesNotExist));
        if !opt_out || !guards(webhook) {
            return;
        }
        sink.looked(1);
        let own = webhook
            .at(&["clientConfig", "service", "namespace"])
            .as_text();
        let left_out: Vec<&str> = used
            .iter()
            .map(|name| &***name)
            .filter(|name| Some(*name) != own && !SYSTEM.contains(name))
            .filter(|name| means_namespace(world, &here, name) == Some(false))
            .collect();
        if let Some(first) = left_out.first() {
            let more = match left_out.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let pointer = format!("/webhooks/{n}/namespaceSelector");
            let says = format!("{pointer} leaves out {first}{more}, where workloads run");
            sink.about(world, &object.reference(), pointer, says);
        }
    });
}

/// Who else looks at new pods: names of configurations that are not understood.
pub(super) fn watchers(world: &World<'_>) -> Vec<ObjectRef> {
    let mut all = Vec::new();
    each(world, &[VALIDATING, MUTATING], |object, _, webhook| {
        if means_pods(webhook) {
            all.push(object.reference());
        }
    });
    all.dedup();
    all
}
