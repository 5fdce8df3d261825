//! Policies in CEL and constraints: those that nobody bound, and those that let pass. Comes in: policies, bindings.
//! Goes out: findings. Never: an evaluation of their expressions.

use crate::world::{Sink, World, read};
use model::object::ObjectRef;
use model::snapshot::Origin;
use semantics::json::Node;
use std::collections::{BTreeMap, BTreeSet};

const GROUP: &str = "admissionregistration.k8s.io";
/// Policies and what puts them in force, with the minor version in which every server has the kind.
const PAIRS: [(&str, &str, u16); 2] = [
    (
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        30,
    ),
    (
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        36,
    ),
];

/// Bindings by policy.
fn bound(world: &World<'_>, kind: &str) -> BTreeMap<String, Vec<Bound>> {
    let mut all: BTreeMap<String, Vec<Bound>> = BTreeMap::new();
    world.each(GROUP, kind, |object, root| {
        let spec = root.get("spec");
        let denies = spec
            .texts("validationActions")
            .any(|action| action == "Deny");
        let policy = spec.text("policyName").unwrap_or_default();
        all.entry(policy.to_owned()).or_default().push(Bound {
            object: object.reference(),
            denies,
        });
    });
    all
}

struct Bound {
    object: ObjectRef,
    denies: bool,
}

fn saw(world: &World<'_>, sink: &mut Sink<'_>, kind: &str, binding: &str, since: u16) -> bool {
    if world.snapshot.version.minor < since {
        return sink.saw_custom(world, GROUP, kind) && sink.saw_custom(world, GROUP, binding);
    }
    sink.saw(world, GROUP, kind) && sink.saw(world, GROUP, binding)
}

pub(super) fn unbound(world: &World<'_>, sink: &mut Sink<'_>) {
    for (kind, binding, since) in PAIRS {
        if !saw(world, sink, kind, binding, since) {
            continue;
        }
        let bound = bound(world, binding);
        for object in world.snapshot.of_kind(GROUP, kind) {
            sink.looked(1);
            if !bound.contains_key(&*object.name) {
                let says = format!("no {binding} names it");
                sink.about(world, &object.reference(), "", says);
            }
        }
    }
}

pub(super) fn never_denies(world: &World<'_>, sink: &mut Sink<'_>) {
    let [(kind, binding, since), _] = PAIRS;
    if !saw(world, sink, kind, binding, since) {
        return;
    }
    for (policy, bindings) in bound(world, binding) {
        sink.looked(1);
        if bindings.iter().any(|one| one.denies) {
            continue;
        }
        for one in bindings {
            let says = format!("policy {policy} is bound, and nothing is denied by it");
            sink.about(world, &one.object, "/spec/validationActions", says);
        }
    }
}

pub(super) fn dangling_binding(world: &World<'_>, sink: &mut Sink<'_>) {
    for (kind, binding, since) in PAIRS {
        if !saw(world, sink, kind, binding, since) {
            continue;
        }
        let policies = world.snapshot.of_kind(GROUP, kind);
        // Of files, those that show no policy at all are of another place.
        if policies.is_empty() && world.snapshot.origin == Origin::Files {
            continue;
        }
        let names: BTreeSet<&str> = policies.iter().map(|one| &*one.name).collect();
        for (policy, bindings) in bound(world, binding) {
            sink.looked(bindings.len());
            for one in bindings.iter().filter(|_| !names.contains(&*policy)) {
                let says = format!("/spec/policyName is {policy}, which does not exist");
                sink.about(world, &one.object, "/spec/policyName", says);
            }
        }
    }
}

/// Policies that read a parameter which nobody gives, or which is not there.
pub(super) fn without_parameter(world: &World<'_>, sink: &mut Sink<'_>) {
    for (kind, binding, since) in PAIRS {
        if !saw(world, sink, kind, binding, since) {
            continue;
        }
        let mut kinds: BTreeMap<String, String> = BTreeMap::new();
        world.each(GROUP, kind, |object, root| {
            if let Some(kind) = root.at(&["spec", "paramKind", "kind"]).as_text() {
                kinds.insert(object.name.to_string(), kind.to_owned());
            }
        });
        world.each(GROUP, binding, |object, root| {
            let spec = root.get("spec");
            let Some(kind) = kinds.get(spec.text("policyName").unwrap_or_default()) else {
                return;
            };
            sink.looked(1);
            let parameter = spec.get("paramRef");
            if parameter.is_absent() {
                let says = format!("the policy reads a {kind}, and /spec/paramRef names none");
                return sink.about(world, &object.reference(), "/spec/paramRef", says);
            }
            let (Some(name), Some(namespace)) =
                (parameter.text("name"), parameter.text("namespace"))
            else {
                return;
            };
            // Of files, the parameters may be elsewhere.
            let live = world.snapshot.origin == Origin::Live;
            if kind == "ConfigMap"
                && live
                && sink.saw(world, "", "ConfigMap")
                && world
                    .snapshot
                    .find("", "ConfigMap", Some(namespace), name)
                    .is_none()
            {
                let says = format!("ConfigMap {namespace}/{name} does not exist");
                sink.about(world, &object.reference(), "/spec/paramRef", says);
            }
        });
    }
}

/// Constraints of Gatekeeper that only tell.
pub(super) fn constraints(world: &World<'_>, sink: &mut Sink<'_>) {
    let all = world.snapshot.objects.iter();
    for object in all.filter(|one| &*one.gvk.group == "constraints.gatekeeper.sh") {
        sink.looked(1);
        let tells = read(object, |root| tells(root.get("spec"))).unwrap_or(false);
        if tells {
            let pointer = "/spec/enforcementAction";
            sink.about(
                world,
                &object.reference(),
                pointer,
                "it tells of violations and denies none",
            );
        }
    }
}

fn tells(spec: Node<'_>) -> bool {
    match spec.text("enforcementAction") {
        Some("dryrun" | "warn") => true,
        // Each action is said with the points where it holds.
        Some("scoped") => !spec
            .list("scopedEnforcementActions")
            .any(|one| one.text("action") == Some("deny")),
        _ => false,
    }
}
