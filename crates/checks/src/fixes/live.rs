//! How a remedy reaches a live object. Comes in: the object, who applies it, a remedy. Goes out: commands that are safe to
//! paste, or where the object is written (rule 14). Never: a command for what somebody would put back, or that was redacted.

use model::object::ObjectRef;
use model::remedy::{Operation, Remedy};
use model::snapshot::Object;
use model::workload::ManagedBy;
use semantics::json_patch;
use semantics::view::Labels;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Live {
    /// One line each: ask the server, do it, take it back (`None`: apply the manifest as it was).
    Type {
        dry_run: String,
        apply: String,
        undo: Option<String>,
    },
    /// Somebody applies it and would put the field back: where to change it.
    AtSource(String),
    /// The API server changes these fields of no such object: apply the changed manifest to a new one.
    Recreate(String),
}

/// `managed` is what the workload's attribution says; of other objects their own labels tell.
pub fn live(object: &Object, managed: Option<&ManagedBy>, remedy: &Remedy) -> Live {
    let json: Value = serde_json::from_slice(&object.json).unwrap_or_default();
    let labels = |name: &str| -> Labels {
        let map = json["metadata"][name].as_object().into_iter().flatten();
        map.filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
            .collect()
    };
    let managed = managed
        .cloned()
        .or_else(|| semantics::applied_by(&labels("labels"), &labels("annotations")));
    let reference = object.reference();
    if let Some(ManagedBy { tool, name }) = managed {
        return Live::AtSource(format!(
            "change {reference} at its source: {tool} {name} applies it and would put the field back"
        ));
    }
    if let Some(owner) = json["metadata"]["ownerReferences"].get(0) {
        let word = |key: &str| owner[key].as_str().unwrap_or("?").to_owned();
        return Live::AtSource(format!(
            "change {} {}, which owns {reference} and would put the field back",
            word("kind"),
            word("name")
        ));
    }
    if !is_mutable(&reference, remedy) {
        return Live::Recreate(format!(
            "these fields of {reference} cannot be changed while it exists: change its manifest, delete it and apply it again"
        ));
    }
    let line = |operations: &[Operation], dry: bool| {
        let body = json_patch::body(operations).ok()?;
        let namespace = reference.namespace.as_deref();
        let namespace = namespace.map_or_else(String::new, |name| format!(" -n {}", shell(name)));
        let dry = if dry { " --dry-run=server" } else { "" };
        let target = shell(&format!("{}/{}", resource(&reference), reference.name));
        Some(format!(
            "kubectl patch{namespace} {target} --type=json{dry} -p {}",
            shell(&body)
        ))
    };
    let (Some(dry_run), Some(apply)) = (
        line(&remedy.operations, true),
        line(&remedy.operations, false),
    ) else {
        return Live::Recreate(format!("change the manifest of {reference}"));
    };
    let undo = (!remedy.undo.is_empty()).then(|| line(&remedy.undo, false));
    Live::Type {
        dry_run,
        apply,
        undo: undo.flatten(),
    }
}

/// Of pods and of what a Job makes, next to nothing can be changed (`ValidatePodUpdate`, `ValidateJobUpdate`); a binding's
/// role never.
fn is_mutable(object: &ObjectRef, remedy: &Remedy) -> bool {
    let touches = |start: &str| {
        remedy
            .operations
            .iter()
            .filter(|one| !matches!(one, Operation::Test { .. }))
            .any(|one| one.path().starts_with(start))
    };
    match (&*object.group, &*object.kind) {
        ("", "Pod") => !touches("/spec"),
        ("batch", "Job") => !touches("/spec/template"),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => !touches("/roleRef"),
        _ => true,
    }
}

/// `deployment.apps`, `pod`: as kubectl takes it in any cluster.
fn resource(object: &ObjectRef) -> String {
    let kind = object.kind.to_ascii_lowercase();
    if object.group.is_empty() {
        kind
    } else {
        format!("{kind}.{}", object.group)
    }
}

/// A word for a POSIX shell; line ends and other control characters cannot be typed.
fn shell(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+' | '=')
    };
    let word: String = word.chars().filter(|c| !c.is_control()).collect();
    if !word.is_empty() && word.chars().all(plain) {
        word
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
