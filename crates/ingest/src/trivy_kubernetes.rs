//! Trivy's Kubernetes report: `Resources` (full), `Findings` (summary of all reports) and, before
//! 0.41, `Vulnerabilities` and `Misconfigurations`. Out: the matches of each resource, on an image
//! for what was found in it and on the object for its configuration.
//! Source: Trivy `pkg/k8s/report/report.go`.

use crate::IngestError;
use crate::build::{NAMES, SetBuilder, add_reference, artifact};
use crate::document::{Document, Fields};
use crate::loose::{List, Maybe, Obj, Str, Word};
use crate::trivy::{Place, read_result};
use crate::trivy_fields::{ManyMetadata, Metadata, TargetResult};
use model::evidence::GapWeight;
use model::matches::ArtifactKind;
use model::object::ObjectRef;
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// The lists of resources that the versions know.
pub(crate) const LISTS: [&str; 4] = [
    "Resources",
    "Findings",
    "Vulnerabilities",
    "Misconfigurations",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Resource<'a> {
    #[serde(borrow)]
    namespace: Str<'a>,
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    metadata: ManyMetadata<'a>,
    #[serde(borrow)]
    results: List<Maybe<TargetResult<'a>>>,
    #[serde(borrow)]
    error: Str<'a>,
}

pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    if let Some(raw) = fields.get("SchemaVersion") {
        let version: Word<'_> = document.parse(raw)?;
        builder.format(&format!("trivy-kubernetes/{}", &*version));
    }
    if let Some(raw) = fields.get("CreatedAt") {
        let time: Str<'_> = document.parse(raw)?;
        builder.created(&time);
    }
    for list in LISTS {
        if let Some(raw) = fields.raw(list) {
            document.each(raw, |resource: Maybe<Resource<'a>>| {
                read_resource(document, builder, &resource.0)
            })?;
        }
    }
    Ok(())
}

fn read_resource<'a>(
    document: &Document<'a>,
    builder: &mut SetBuilder<'_>,
    resource: &Resource<'a>,
) -> Result<(), IngestError> {
    let namespace = resource.namespace.some();
    let object = ObjectRef::new(
        group(&resource.kind),
        &resource.kind,
        namespace,
        &resource.name,
    );
    if !resource.error.is_empty() {
        builder.gap(
            "object-not-scanned",
            GapWeight::Hides,
            format!("the scanner failed on {object}"),
            "",
        );
    }
    let named = !resource.kind.is_empty() || !resource.name.is_empty();
    let object = named.then_some(object);
    let mut configuration = artifact(ArtifactKind::KubernetesObject, "".into());
    if let Some(object) = &object {
        configuration.name = object.to_string().into();
        configuration.object = Some(object.clone());
    }
    let mut configuration = Place::new(configuration);
    let mut images: FxHashMap<String, Place> = FxHashMap::default();
    // Results of one image follow each other; the first target names it.
    let mut current: Option<String> = None;
    for result in resource.results.iter() {
        if is_configuration(result) {
            read_result(document, builder, &mut configuration, &result.0)?;
            continue;
        }
        let metadata = metadata_of(&resource.metadata, &result.target);
        let name = name_of(metadata, &result.target, current.as_deref());
        let place = images
            .entry(name.clone())
            .or_insert_with(|| image(metadata, &name, object.as_ref()));
        read_result(document, builder, place, &result.0)?;
        current = Some(name);
    }
    Ok(())
}

fn is_configuration(result: &TargetResult<'_>) -> bool {
    match &*result.class {
        "config" | "custom" => true,
        "" => result.has_only_misconfigurations(),
        _ => false,
    }
}

/// The image that a result is about: the only one, or the one whose name the target carries.
fn metadata_of<'r, 'a>(all: &'r [Obj<Metadata<'a>>], target: &str) -> Option<&'r Metadata<'a>> {
    match all {
        [one] => Some(one),
        many => many
            .iter()
            .take(NAMES)
            .map(|one| &one.0)
            .find(|metadata| metadata.names(target)),
    }
}

fn name_of(metadata: Option<&Metadata<'_>>, target: &str, last: Option<&str>) -> String {
    if let Some(name) = metadata.and_then(Metadata::name) {
        return name.to_owned();
    }
    match (
        target.strip_suffix(')').and_then(|t| t.rsplit_once(" (")),
        last,
    ) {
        (Some((name, _)), _) => name.to_owned(),
        (None, Some(last)) => last.to_owned(),
        (None, None) => String::new(),
    }
}

fn image(metadata: Option<&Metadata<'_>>, name: &str, object: Option<&ObjectRef>) -> Place {
    let mut found = artifact(ArtifactKind::Image, name.into());
    if let Some(metadata) = metadata {
        metadata.identify(&mut found);
    }
    add_reference(&mut found.identity, name);
    found.object = object.cloned();
    let mut place = Place::new(found);
    // Matches in an image are about the image; only configuration names the object as its target.
    place.object = None;
    place
}

/// API group of the kinds that Trivy scans; its report does not say it.
pub(crate) fn group(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ControllerRevision" => "apps",
        "Job" | "CronJob" => "batch",
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            "rbac.authorization.k8s.io"
        }
        "NetworkPolicy" | "Ingress" | "IngressClass" => "networking.k8s.io",
        "PodDisruptionBudget" | "PodSecurityPolicy" => "policy",
        "HorizontalPodAutoscaler" => "autoscaling",
        "StorageClass" => "storage.k8s.io",
        "CustomResourceDefinition" => "apiextensions.k8s.io",
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            "admissionregistration.k8s.io"
        }
        _ => "",
    }
}
