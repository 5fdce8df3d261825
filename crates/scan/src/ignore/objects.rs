//! Which objects an ignore entry is about. Comes in: an entry's words, a finding. Goes out: whether they fit.
//! Never: an object that was not seen taken for one with a label.

use model::assessment::{Assessment, ScannedImage};
use model::finding::Finding;
use model::object::ObjectRef;
use model::snapshot::Snapshot;
use model::text::Text;
use semantics::declare::glob;

pub(super) fn is_named(patterns: &[Text], object: &ObjectRef) -> bool {
    let short = match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.to_string(),
    };
    let long = object.to_string();
    patterns
        .iter()
        .any(|pattern| glob(pattern, &long) || glob(pattern, &short))
}

/// An object that was not seen has no labels.
pub(super) fn is_labelled(
    labels: &[(Text, Text)],
    snapshot: Option<&Snapshot>,
    object: &ObjectRef,
) -> bool {
    let namespace = object.namespace.as_deref();
    let found = snapshot.and_then(|s| s.find(&object.group, &object.kind, namespace, &object.name));
    found.is_some_and(|found| {
        let mut labels = labels.iter();
        labels.all(|(key, wanted)| found.label(key).is_some_and(|value| glob(wanted, value)))
    })
}

/// Whether it holds of the object of the finding, or of every workload that runs its image.
pub(super) fn of_objects(
    finding: &Finding,
    image: Option<&ScannedImage>,
    all: &Assessment,
    fits: impl Fn(&ObjectRef) -> bool,
) -> bool {
    if let Some(object) = &finding.object {
        return fits(object);
    }
    let mut running = image
        .into_iter()
        .flat_map(|image| &image.placements)
        .filter_map(|n| all.placements.get(*n as usize)?.runs_in)
        .filter_map(|at| all.workloads.get(at.workload as usize))
        .peekable();
    running.peek().is_some() && running.all(|workload| fits(&workload.object))
}
