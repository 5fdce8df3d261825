//! Whether anything stands at admission at all: Pod Security, signatures. Comes in: the whole world.
//! Goes out: one finding for the cluster. Never: "nothing" where something unknown looks at pods.

use super::webhooks::watchers;
use crate::family::network::coverage::held_workloads;
use crate::world::{Sink, World, read};
use model::evidence::{Gap, GapWeight, Stage};
use model::object::ObjectRef;
use model::snapshot::Origin;
use semantics::json::{Json, Node, Places};
use semantics::pod_security::{Level, of_namespace};
use std::collections::BTreeSet;

fn cluster() -> ObjectRef {
    ObjectRef::new("", "Namespace", None, "kube-system")
}

fn gap(class: &str, what: String, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: "cluster".into(),
        weight: GapWeight::Hides,
        close: close.into(),
    }
}

/// Level that the API server's configuration enforces without a label, where its files were seen.
fn default_level(world: &World<'_>) -> Option<Level> {
    let declared = world.inventory.pod_security_default.as_deref();
    if let Some(level) = declared.and_then(Level::parse) {
        return Some(level);
    }
    let mut documents = world.beside.hosts.iter().flat_map(|host| &host.documents);
    documents.find_map(|document| {
        let tree = Json::parse(document.json.as_bytes()).ok()?;
        let places = Places::default();
        let root = Node::new(&tree, &places);
        match root.text("kind")? {
            "PodSecurityConfiguration" => level(root),
            "AdmissionConfiguration" => root
                .list("plugins")
                .filter(|plugin| plugin.text("name") == Some("PodSecurity"))
                .find_map(|plugin| level(plugin.get("configuration"))),
            _ => None,
        }
    })
}

fn level(configuration: Node<'_>) -> Option<Level> {
    if configuration.is_absent() {
        return None;
    }
    let word = configuration.at(&["defaults", "enforce"]).as_text();
    Level::parse(word.unwrap_or("privileged"))
}

/// No namespace enforces a level, and neither does the default.
pub(super) fn no_pod_security(world: &World<'_>, sink: &mut Sink<'_>) {
    if !sink.saw(world, "", "Namespace") {
        return;
    }
    let inventory = world.inventory;
    let seen: BTreeSet<&str> = inventory
        .namespaces
        .iter()
        .filter(|one| one.seen)
        .map(|one| &*one.name)
        .collect();
    let used: BTreeSet<&str> = held_workloads(world)
        .map(|(view, _)| &*view.workload.key.namespace)
        .filter(|name| seen.contains(name))
        .collect();
    if used.is_empty() {
        return;
    }
    let levels: Vec<Option<Level>> = used
        .iter()
        .map(|name| of_namespace(inventory, name).enforce.map(|one| one.level))
        .collect();
    let walls = |level: &Option<Level>| level.is_some_and(|level| level != Level::Privileged);
    if levels.iter().any(walls) {
        return sink.looked(1);
    }
    let engine = watchers(world);
    if let Some(first) = engine.first() {
        return sink.unknown(gap(
            "admission-not-understood",
            format!("whether {first} holds pods as Pod Security would"),
            "label namespaces with pod-security.kubernetes.io/enforce",
        ));
    }
    let unsaid = levels.iter().any(Option::is_none);
    match default_level(world) {
        Some(level) if level != Level::Privileged => sink.looked(1),
        None if unsaid => sink.unknown(gap(
            "pod-security-default-unknown",
            "the Pod Security level that the API server enforces without a label was not seen"
                .to_owned(),
            "declare it in plimsoll.yaml, or scan a node of the control plane",
        )),
        _ => {
            sink.looked(1);
            let says = format!(
                "none of {} namespaces with workloads enforces a level",
                used.len()
            );
            sink.about(world, &cluster(), "", says);
        }
    }
}

/// Words in names of configurations whose backends verify signatures.
const VERIFIERS: [&str; 9] = [
    "connaisseur",
    "ratify",
    "portieris",
    "cosign",
    "sigstore",
    "notation",
    "notary",
    "image-policy",
    "binaryauthorization",
];

fn verifier_kind(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("policy.sigstore.dev", "ClusterImagePolicy")
            | ("policies.kyverno.io", "ImageValidatingPolicy")
    )
}

/// Kyverno and Kubewarden verify by policies among others.
fn verifies(world: &World<'_>) -> bool {
    world.snapshot.objects.iter().any(|object| {
        let (group, kind) = (&*object.gvk.group, &*object.gvk.kind);
        verifier_kind(group, kind)
            || match group {
                "kyverno.io" => read(object, |root| {
                    root.at(&["spec", "rules"])
                        .items()
                        .any(|rule| !rule.get("verifyImages").is_absent())
                })
                .unwrap_or(false),
                "policies.kubewarden.io" => read(object, |root| {
                    let module = root.at(&["spec", "module"]);
                    module
                        .as_text()
                        .is_some_and(|text| text.contains("verify-image"))
                })
                .unwrap_or(false),
                _ => false,
            }
    })
}

enum Plugin {
    On,
    Off,
    Unseen,
}

/// ImagePolicyWebhook of the API server, by its flags.
fn plugin(world: &World<'_>) -> Plugin {
    let processes = world
        .beside
        .hosts
        .iter()
        .flat_map(|host| &host.processes)
        .flatten();
    let own = processes.filter(|one| &*one.name == "kube-apiserver");
    let flags = own.map(|one| one.arguments.join(" "));
    let pods = world
        .snapshot
        .of_kind("", "Pod")
        .iter()
        .filter(|pod| {
            pod.namespace.as_deref() == Some("kube-system")
                && pod.name.starts_with("kube-apiserver")
        })
        .map(|pod| String::from_utf8_lossy(&pod.json).into_owned());
    let mut seen: Vec<String> = flags.collect();
    seen.extend(pods);
    match seen.as_slice() {
        [] => Plugin::Unseen,
        all if all.iter().any(|text| text.contains("ImagePolicyWebhook")) => Plugin::On,
        _ => Plugin::Off,
    }
}

/// Nothing verifies what images are.
pub(super) fn no_signatures(world: &World<'_>, sink: &mut Sink<'_>) {
    if world.snapshot.origin == Origin::Files {
        return;
    }
    if verifies(world) {
        return sink.looked(1);
    }
    let group = "admissionregistration.k8s.io";
    let saw = sink.saw(world, group, "ValidatingWebhookConfiguration");
    if !sink.saw(world, group, "MutatingWebhookConfiguration") || !saw {
        return;
    }
    let watchers = watchers(world);
    if watchers
        .iter()
        .any(|one| VERIFIERS.iter().any(|word| one.name.contains(word)))
    {
        return sink.looked(1);
    }
    if let Some(first) = watchers.first() {
        return sink.unknown(gap(
            "admission-not-understood",
            format!("whether {first} verifies signatures of images"),
            "",
        ));
    }
    let version = world.snapshot.server_version.as_deref().unwrap_or("");
    match plugin(world) {
        Plugin::On => sink.looked(1),
        // A managed control plane may do it where nobody sees it.
        Plugin::Unseen if !version.contains("eks") => sink.unknown(gap(
            "control-plane-not-seen",
            "whether the API server asks an image policy".to_owned(),
            "scan a node of the control plane",
        )),
        _ => {
            sink.looked(1);
            sink.about(
                world,
                &cluster(),
                "",
                "no policy, webhook or plugin at admission verifies images",
            );
        }
    }
}
