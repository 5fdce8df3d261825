//! Finds the pod templates of an object of any kind, and what decides whether they run.
//! Comes in: one object. Goes out: a `Carrier`. Never: a look at other objects.

use crate::json::{Node, escape};
use crate::lens::Lens;
use crate::owners::OwnerRef;
use crate::podspec::pod_spec;
use crate::view::{Labels, PodSpec};
use model::object::Gvk;
use model::snapshot::Object;
use model::text::Text;
use model::workload::WorkloadState;

/// Templates of unknown kinds are searched this deep below the root, and in this many values.
const DEEPEST: usize = 8;
const MOST_VALUES: usize = 20_000;
/// More templates in one object of an unknown kind are not read.
const MOST_TEMPLATES: usize = 32;

/// An object that carries pod templates, or may own one that does.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub object: u32,
    pub owner: Option<OwnerRef>,
    pub templates: Vec<Template>,
    pub state: WorkloadState,
    /// Declared pods.
    pub replicas: u32,
    /// `deployment.kubernetes.io/revision`, 0 where it is not said.
    pub revision: i64,
    pub batch: bool,
    pub annotations: Labels,
    /// `spec.workloadRef` of an Argo Rollout: (kind, name).
    pub template_of: Option<(Text, Text)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// JSON pointer of the pod spec in the object.
    pub pointer: Text,
    pub spec: PodSpec,
    pub labels: Labels,
}

/// Where a kind keeps its pod template: the path of the template and of the spec inside it.
enum Shape {
    /// Path of a `PodTemplateSpec`.
    Template(&'static [&'static str]),
    /// The object itself has metadata and a pod spec.
    Itself,
    /// An object of an unknown kind.
    Search,
    /// A kind that has none.
    None,
}

const SPEC_TEMPLATE: Shape = Shape::Template(&["spec", "template"]);

fn shape(group: &str, kind: &str) -> Shape {
    match (group, kind) {
        ("", "Pod") | ("serving.knative.dev", "Revision") => Shape::Itself,
        ("", "PodTemplate") => Shape::Template(&["template"]),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("batch", "Job")
        | ("argoproj.io", "Rollout")
        | ("serving.knative.dev", "Service" | "Configuration")
        | ("apps.openshift.io", "DeploymentConfig") => SPEC_TEMPLATE,
        ("batch", "CronJob") => Shape::Template(&["spec", "jobTemplate", "spec", "template"]),
        (group, _) if is_custom(group) => Shape::Search,
        _ => Shape::None,
    }
}

/// Groups of custom resources; `*.k8s.io` is reserved for Kubernetes itself (KEP-2337), whose kinds are known.
fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io") && group != "apps.openshift.io"
}

/// Whether objects of this kind are read for templates or owners.
pub(crate) fn may_carry(gvk: &Gvk) -> bool {
    !matches!(shape(&gvk.group, &gvk.kind), Shape::None)
}

/// Whether the kind always carries a pod template.
pub(crate) fn carries(group: &str, kind: &str) -> bool {
    matches!(shape(group, kind), Shape::Template(_) | Shape::Itself)
}

/// JSON pointer of the pod spec in objects of a known kind; empty where it is not known.
pub(crate) fn spec_pointer(group: &str, kind: &str) -> String {
    match shape(group, kind) {
        Shape::Template(path) => format!("/{}/spec", path.join("/")),
        Shape::Itself => "/spec".to_owned(),
        Shape::Search | Shape::None => String::new(),
    }
}

/// Reads a carrier. `wanted` says whether its templates are read at all, by its owner.
pub(crate) fn carrier(
    lens: &mut Lens,
    object: &Object,
    index: u32,
    root: Node<'_>,
    wanted: impl FnOnce(Option<&OwnerRef>) -> bool,
) -> Carrier {
    let owner = OwnerRef::read(lens, root.get("metadata"));
    let mut templates = Vec::new();
    if wanted(owner.as_ref()) {
        read_templates(lens, object, root, &mut templates);
    }
    let spec = root.get("spec");
    let annotations = root.at(&["metadata", "annotations"]);
    let kind = &*object.gvk.kind;
    let work = if kind == "CronJob" {
        spec.at(&["jobTemplate", "spec"])
    } else {
        spec
    };
    let batch = matches!(kind, "Job" | "CronJob")
        || is_custom(&object.gvk.group)
            && (kind.ends_with("Job") || kind.contains("Workflow") || kind.ends_with("Run"));
    let declared = match kind {
        "Job" | "CronJob" => work.int("parallelism"),
        "DaemonSet" => root.get("status").int("desiredNumberScheduled"),
        "Pod" => None,
        "PodTemplate" => Some(0),
        _ if spec.get("replicas").is_list() || spec.get("replicas").is_map() => None,
        _ => spec.int("replicas"),
    };
    Carrier {
        object: index,
        owner,
        templates,
        state: state(object, root),
        replicas: u32::try_from(declared.unwrap_or(1).max(0)).unwrap_or(u32::MAX),
        revision: annotations
            .text("deployment.kubernetes.io/revision")
            .and_then(|revision| revision.parse().ok())
            .unwrap_or(0),
        batch,
        annotations: lens.labels(annotations),
        template_of: (kind == "Rollout")
            .then(|| {
                let named = spec.get("workloadRef");
                Some((
                    lens.word(named.word("kind")?),
                    lens.word(named.word("name")?),
                ))
            })
            .flatten(),
    }
}

/// The pod templates of an object as they are written, each with its JSON pointer: `metadata` and `spec` stand in it.
pub(crate) fn written<'t>(gvk: &Gvk, root: Node<'t>) -> Vec<(String, Node<'t>)> {
    let mut found = match shape(&gvk.group, &gvk.kind) {
        Shape::Itself => vec![(String::new(), root)],
        Shape::Template(path) => vec![(format!("/{}", path.join("/")), root.at(path))],
        Shape::Search => {
            let mut found = Vec::new();
            let mut budget = MOST_VALUES;
            search(root.get("spec"), "/spec", 0, &mut budget, &mut found);
            found
        }
        Shape::None => Vec::new(),
    };
    found.retain(|(_, template)| template.get("spec").is_map());
    found
}

/// Templates of one object, whatever its owner: for pods whose spec is needed after all.
pub(crate) fn read_templates(
    lens: &mut Lens,
    object: &Object,
    root: Node<'_>,
    templates: &mut Vec<Template>,
) {
    match shape(&object.gvk.group, &object.gvk.kind) {
        Shape::Itself => {
            let annotations = root.at(&["metadata", "annotations"]);
            let spec = pod_spec(lens, root.get("spec"), annotations, root.absent());
            templates.push(Template {
                pointer: "/spec".into(),
                spec,
                labels: lens.pairs(&object.labels),
            });
        }
        Shape::Template(path) => {
            let template = root.at(path);
            if template.get("spec").is_absent() && &*object.gvk.kind == "Rollout" {
                return;
            }
            let claims = if &*object.gvk.kind == "StatefulSet" {
                root.at(&["spec", "volumeClaimTemplates"])
            } else {
                root.absent()
            };
            let pointer = format!("/{}/spec", path.join("/"));
            templates.push(template_at(lens, template, claims, &pointer));
        }
        Shape::Search => {
            let mut budget = MOST_VALUES;
            let mut found = Vec::new();
            search(root.get("spec"), "/spec", 0, &mut budget, &mut found);
            for (pointer, template) in found {
                let pointer = format!("{pointer}/spec");
                templates.push(template_at(lens, template, root.absent(), &pointer));
            }
        }
        Shape::None => {}
    }
}

fn template_at(lens: &mut Lens, template: Node<'_>, claims: Node<'_>, pointer: &str) -> Template {
    let metadata = template.get("metadata");
    let spec = pod_spec(
        lens,
        template.get("spec"),
        metadata.get("annotations"),
        claims,
    );
    Template {
        pointer: pointer.into(),
        spec,
        labels: lens.labels(metadata.get("labels")),
    }
}

/// A map with a `spec` whose `containers` have images is taken for a pod template.
fn search<'t>(
    node: Node<'t>,
    pointer: &str,
    depth: usize,
    budget: &mut usize,
    found: &mut Vec<(String, Node<'t>)>,
) {
    if depth > DEEPEST || *budget == 0 || found.len() >= MOST_TEMPLATES {
        return;
    }
    *budget -= 1;
    if node.is_map() {
        let spec = node_if_map(node, "spec");
        if spec.is_some_and(is_pod_spec) {
            found.push((pointer.to_owned(), node));
            return;
        }
        for (key, value) in node.entries() {
            let deeper = format!("{pointer}/{}", escape(key));
            search(value, &deeper, depth + 1, budget, found);
        }
    } else if node.is_list() {
        for (index, value) in node.items().enumerate() {
            let deeper = format!("{pointer}/{index}");
            search(value, &deeper, depth + 1, budget, found);
        }
    }
}

fn node_if_map<'t>(node: Node<'t>, key: &str) -> Option<Node<'t>> {
    Some(node.get(key)).filter(|spec| spec.is_map())
}

fn is_pod_spec(spec: Node<'_>) -> bool {
    let containers = spec.get("containers");
    containers.is_list()
        && containers.items().next().is_some()
        && containers
            .items()
            .all(|c| c.is_map() && c.get("image").is_text() && c.get("name").is_text())
}

/// Rule 9: what runs, what would run if it were scaled or resumed, and what is over.
fn state(object: &Object, root: Node<'_>) -> WorkloadState {
    use WorkloadState::{Active, Dormant, History};
    let spec = root.get("spec");
    let status = root.get("status");
    let none_wanted = || {
        let replicas = spec.get("replicas");
        !replicas.is_list() && !replicas.is_map() && replicas.as_int() == Some(0)
    };
    match (&*object.gvk.group, &*object.gvk.kind) {
        ("", "Pod") => match status.text("phase") {
            Some("Succeeded" | "Failed") => History,
            _ => Active,
        },
        ("", "PodTemplate") => Dormant,
        (_, "ReplicaSet") if none_wanted() => History,
        ("batch", "Job") => {
            let finished = status.list("conditions").any(|condition| {
                matches!(condition.text("type"), Some("Complete" | "Failed"))
                    && condition.text("status") == Some("True")
            });
            match (finished, spec.flag("suspend")) {
                (true, _) => History,
                (false, Some(true)) => Dormant,
                _ => Active,
            }
        }
        ("batch", "CronJob") if spec.flag("suspend") == Some(true) => Dormant,
        ("serving.knative.dev", "Revision")
            if object
                .label("serving.knative.dev/routingState")
                .map(|s| &**s)
                == Some("reserve") =>
        {
            History
        }
        ("", "ReplicationController")
        | ("apps" | "extensions" | "argoproj.io" | "apps.openshift.io", _)
            if none_wanted() =>
        {
            Dormant
        }
        (group, kind) if is_custom(group) => {
            let suspended = spec.get("suspend").is_true();
            if kind.ends_with("Template") || suspended || none_wanted() {
                Dormant
            } else {
                Active
            }
        }
        _ => Active,
    }
}

/// Whether an object of this kind lives in a namespace, as far as that is known without discovery.
pub(crate) fn is_namespaced(gvk: &Gvk) -> bool {
    carries(&gvk.group, &gvk.kind)
        || matches!(
            &*gvk.kind,
            "Service" | "Ingress" | "ServiceAccount" | "Role" | "RoleBinding" | "ConfigMap"
        )
        || (&*gvk.group == "networking.k8s.io" && &*gvk.kind == "NetworkPolicy")
}
