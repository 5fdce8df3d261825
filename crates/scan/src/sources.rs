//! Puts file, line and column beside what came from files: evidence, workloads, findings.
//! Comes in: which objects are written where. Never: reads a file itself.

use crate::join::Images;
use crate::written::Written;
use model::assessment::Assessment;
use model::evidence::{EvidenceId, Ledger};
use model::object::{ObjectRef, SourceSpan};
use model::workload::{ContainerIndex, Placement};
use paths::Relations;
use rustc_hash::{FxHashMap, FxHashSet};
use semantics::view::Inventory;
use std::collections::BTreeSet;

/// Workloads whose files are looked into again: more than a queue shows, few enough to cost little beside the scan.
const MOST_WORKLOADS: usize = 1_000;
/// Findings' containers that are located.
const MOST_FIELDS: usize = 20_000;

/// Fills the sources of the workloads that can matter most, and of evidence that names a field of them or of a path.
pub fn locate(
    written: &mut Written<'_>,
    images: &Images,
    relations: &Relations,
    inventory: &mut Inventory,
    ledger: &mut Ledger,
) {
    let workloads = foremost(images, relations);
    let (mut numbers, mut asked) = (Vec::new(), Vec::new());
    for id in cited(&workloads, relations) {
        let Some(evidence) = ledger.evidence.get(id.0 as usize) else {
            continue;
        };
        if let (Some(object), Some(pointer)) = (&evidence.object, &evidence.pointer) {
            numbers.push(id.0 as usize);
            asked.push((object, &**pointer));
        }
    }
    let spans = written.locate(&asked);
    for (n, span) in numbers.into_iter().zip(spans) {
        if let Some(evidence) = ledger.evidence.get_mut(n) {
            evidence.source = span;
        }
    }
    let (mut numbers, mut asked) = (Vec::new(), Vec::new());
    for n in workloads {
        if let Some(view) = inventory.workloads.get(n as usize) {
            numbers.push(n);
            asked.push((&view.workload.object, &*view.spec_pointer));
        }
    }
    let spans = written.locate(&asked);
    for (n, span) in numbers.into_iter().zip(spans) {
        if let Some(view) = inventory.workloads.get_mut(n as usize) {
            view.workload.source = span;
        }
    }
}

/// The workloads with the largest product of exposure and blast radius; scanned ones come first, since they have findings.
fn foremost(images: &Images, relations: &Relations) -> Vec<u32> {
    let reported = |image: u32| {
        let image = images.images.get(image as usize);
        image.is_some_and(|image| !image.tools.is_empty())
    };
    let joins = images.joins.iter().filter(|join| reported(join.image));
    let scanned: FxHashSet<u32> = joins
        .filter_map(|join| Some(join.runs_in?.workload))
        .collect();
    let weight = |situations: &[u32]| {
        let of = |n: &u32| {
            relations.situations.get(*n as usize).map_or(0.0, |s| {
                s.direct.expected.max(s.lateral.expected) * s.blast.value.expected
            })
        };
        situations.iter().map(of).fold(0.0, f64::max)
    };
    let mut order: Vec<(bool, f64, u32)> = (0u32..)
        .zip(&relations.of)
        .map(|(n, situations)| (scanned.contains(&n), weight(situations), n))
        .collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    order.truncate(MOST_WORKLOADS);
    order.into_iter().map(|(.., n)| n).collect()
}

/// Evidence of the situations of some workloads and of all paths, ordered.
fn cited(workloads: &[u32], relations: &Relations) -> BTreeSet<EvidenceId> {
    let situations = workloads
        .iter()
        .filter_map(|&n| relations.of.get(n as usize))
        .flatten();
    let mut cited = BTreeSet::new();
    for situation in situations.filter_map(|&n| relations.situations.get(n as usize)) {
        cited.extend(&situation.exposure.chain);
        cited.extend(situation.blast.steps.iter().flat_map(|step| &step.because));
    }
    cited.extend(
        relations
            .paths
            .iter()
            .flat_map(|path| &path.edges)
            .flat_map(|edge| &edge.evidence),
    );
    cited
}

/// Points each finding of an image at the `image` field of the container where it scores highest, and each finding of
/// an object at the object or the field that it names.
pub fn point(assessment: &mut Assessment, written: &mut Written<'_>) {
    objects(assessment, written);
    let images = images(assessment, written);
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
        finding.source = placement.and_then(|p| images.get(&p.runs_in?).cloned());
    }
}

/// Findings that speak of an object and of no image.
fn objects(assessment: &mut Assessment, written: &mut Written<'_>) {
    let (mut numbers, mut asked) = (Vec::new(), Vec::new());
    for (n, finding) in assessment.findings.iter().enumerate() {
        if finding.source.is_some() || finding.image.is_some() || asked.len() >= MOST_FIELDS {
            continue;
        }
        if let Some(object) = &finding.object {
            let pointer = finding.field.as_deref().filter(|f| f.starts_with('/'));
            numbers.push(n);
            asked.push((object, pointer.unwrap_or("")));
        }
    }
    let spans = written.locate(&asked);
    for (n, span) in numbers.into_iter().zip(spans) {
        if let Some(finding) = assessment.findings.get_mut(n) {
            finding.source = span;
        }
    }
}

/// Where each placed container names its image.
fn images(
    assessment: &Assessment,
    written: &mut Written<'_>,
) -> FxHashMap<ContainerIndex, SourceSpan> {
    let mut fields: Vec<(ContainerIndex, &ObjectRef, String)> = Vec::new();
    // An image that nothing scanned has no finding to point from.
    let scanned = |placement: &&Placement| {
        let image = assessment.images.get(placement.image as usize);
        image.is_some_and(|image| !image.tools.is_empty())
    };
    let placements = assessment.placements.iter().filter(scanned);
    for at in placements.filter_map(|placement| placement.runs_in) {
        let Some(workload) = assessment.workloads.get(at.workload as usize) else {
            continue;
        };
        let Some(container) = workload.containers.get(at.container as usize) else {
            continue;
        };
        fields.push((at, &workload.object, format!("{}/image", container.pointer)));
    }
    fields.truncate(MOST_FIELDS);
    let asked: Vec<(&ObjectRef, &str)> = fields
        .iter()
        .map(|(_, object, pointer)| (*object, pointer.as_str()))
        .collect();
    let spans = written.locate(&asked);
    fields
        .iter()
        .zip(spans)
        .filter_map(|((at, ..), span)| Some((*at, span?)))
        .collect()
}
