//! Puts file, line and column beside what came from files: evidence, workloads, findings.
//! Comes in: a Snapshot and the inputs it was read from. Never: reads a file that was not an input.

use crate::inputs::Source;
use cluster::manifests::Locator;
use model::assessment::Assessment;
use model::evidence::Ledger;
use model::object::{ObjectRef, SourceSpan};
use model::snapshot::{Object, Origin, Place, Snapshot};
use rustc_hash::FxHashMap;
use semantics::view::Inventory;

/// Fields that are located: more than a person reads, few enough to cost nothing beside the scan.
const MOST_FIELDS: usize = 20_000;

/// Fills the sources of evidence that names a field, and of workloads. Nothing to do for a live cluster.
pub fn locate(
    snapshot: &Snapshot,
    inputs: &[Source],
    inventory: &mut Inventory,
    ledger: &mut Ledger,
) {
    if snapshot.origin != Origin::Files || inputs.is_empty() {
        return;
    }
    let places: FxHashMap<ObjectRef, Place> = snapshot
        .objects
        .iter()
        .map(|object| (object.reference(), object.place))
        .collect();
    let mut locator = Locator::new(inputs);
    let fields: Vec<(usize, Place, &str)> = (0..)
        .zip(&ledger.evidence)
        .filter_map(|(n, evidence)| {
            let place = places.get(evidence.object.as_ref()?)?;
            Some((n, *place, evidence.pointer.as_deref()?))
        })
        .take(MOST_FIELDS)
        .collect();
    let asked: Vec<(Place, &str)> = fields
        .iter()
        .map(|(_, place, pointer)| (*place, *pointer))
        .collect();
    let spans = locator.locate_all(snapshot, &asked);
    let numbers: Vec<usize> = fields.iter().map(|(n, ..)| *n).collect();
    for (n, span) in numbers.into_iter().zip(spans) {
        if let Some(evidence) = ledger.evidence.get_mut(n) {
            evidence.source = span;
        }
    }
    let pointers: Vec<(usize, Place, String)> = (0..)
        .zip(&inventory.workloads)
        .filter_map(|(n, view)| {
            let place = snapshot.objects.get(view.object? as usize)?.place;
            Some((n, place, view.spec_pointer.to_string()))
        })
        .take(MOST_FIELDS)
        .collect();
    let asked: Vec<(Place, &str)> = pointers
        .iter()
        .map(|(_, place, pointer)| (*place, pointer.as_str()))
        .collect();
    for ((n, ..), span) in pointers.iter().zip(locator.locate_all(snapshot, &asked)) {
        if let Some(view) = inventory.workloads.get_mut(*n) {
            view.workload.source = span;
        }
    }
}

/// Points each finding of an image at the `image` field of the container where it scores highest.
pub fn point(assessment: &mut Assessment, snapshot: &Snapshot, inputs: &[Source]) {
    if snapshot.origin != Origin::Files || inputs.is_empty() {
        return;
    }
    let images = images(assessment, snapshot, inputs);
    let Assessment {
        findings,
        images: scanned,
        placements,
        scores,
        ..
    } = assessment;
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.source.is_none())
    {
        let Some(image) = finding.image.and_then(|image| scanned.get(image as usize)) else {
            continue;
        };
        let points = |score: Option<&u32>| {
            score
                .and_then(|&score| scores.get(score as usize))
                .map_or(-1.0, |score| score.points.expected)
        };
        let best = image
            .placements
            .iter()
            .enumerate()
            .max_by(|(a, _), (b, _)| {
                points(finding.scores.get(*a))
                    .total_cmp(&points(finding.scores.get(*b)))
                    .then(b.cmp(a))
            });
        let placement = best.and_then(|(_, &placement)| placements.get(placement as usize));
        finding.source = placement.and_then(|p| images.get(&(p.workload, p.container)).cloned());
    }
}

/// Where each placed container names its image.
fn images(
    assessment: &Assessment,
    snapshot: &Snapshot,
    inputs: &[Source],
) -> FxHashMap<(u32, u32), SourceSpan> {
    let objects: FxHashMap<ObjectRef, &Object> = snapshot
        .objects
        .iter()
        .map(|object| (object.reference(), object))
        .collect();
    let mut asked: Vec<((u32, u32), Place, String)> = Vec::new();
    for placement in &assessment.placements {
        let Some(workload) = assessment.workloads.get(placement.workload as usize) else {
            continue;
        };
        let Some(container) = workload.containers.get(placement.container as usize) else {
            continue;
        };
        let Some(object) = objects.get(&workload.object) else {
            continue;
        };
        asked.push((
            (placement.workload, placement.container),
            object.place,
            format!("{}/image", container.pointer),
        ));
    }
    asked.truncate(MOST_FIELDS);
    let fields: Vec<(Place, &str)> = asked
        .iter()
        .map(|(_, place, pointer)| (*place, pointer.as_str()))
        .collect();
    let spans = Locator::new(inputs).locate_all(snapshot, &fields);
    asked
        .iter()
        .zip(spans)
        .filter_map(|((at, ..), span)| Some((*at, span?)))
        .collect()
}
