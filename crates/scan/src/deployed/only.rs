//! Leaves of a whole cluster's result what is about the image that was asked for. Comes in: what the stages found.
//! Goes out: the same with new indices: the image, its findings, its workloads, the paths through them.
//! Never: an index that points at what was left out.

use super::Taken;
use crate::findings::Findings;
use crate::join::{Images, number};
use crate::vulnerabilities::Vulnerabilities;
use model::finding::Finding;
use model::graph::{Cut, Path};
use model::image::JoinGrade;
use model::text::Text;
use paths::Relations;
use semantics::view::Inventory;
use std::collections::BTreeSet;

/// Takes the open findings of other images out; they only make ways.
pub(crate) fn split(found: &mut Findings, own: &BTreeSet<u32>) -> Findings {
    let is_own = |finding: &Finding| finding.image.is_some_and(|image| own.contains(&image));
    let (mine, others) = std::mem::take(&mut found.open)
        .into_iter()
        .partition(is_own);
    found.open = mine;
    found.suppressed.retain(is_own);
    found.unjoined.retain(is_own);
    Findings {
        open: others,
        packages: found.packages.clone(),
        ..Findings::default()
    }
}

/// Leaves what is about the images of the first `sets` documents.
#[allow(clippy::too_many_arguments)] // what the stages found, part by part
pub(crate) fn only(
    own: &BTreeSet<u32>,
    sets: usize,
    taken: &Taken,
    images: &mut Images,
    found: &mut Findings,
    vulnerabilities: &mut Vulnerabilities,
    inventory: &mut Inventory,
    relations: &mut Relations,
) {
    let image_of = keep(&mut images.images, own);
    images.of.truncate(sets);
    for image in images.of.iter_mut().flatten() {
        *image = moved(&image_of, *image).unwrap_or(u32::MAX);
    }
    images.joins.retain(|join| {
        let placed = join
            .runs_in
            .is_none_or(|at| inventory.workloads.len() > at.workload as usize);
        placed && own.contains(&join.image)
    });
    let used: BTreeSet<u32> = images
        .joins
        .iter()
        .filter_map(|join| Some(join.runs_in?.workload))
        .collect();
    let labels = labels(inventory, taken);
    keep_routes(&labels, &mut relations.paths, &mut relations.cuts);
    let workload_of = keep(&mut inventory.workloads, &used);
    keep(&mut relations.of, &used);
    for join in &mut images.joins {
        join.image = moved(&image_of, join.image).unwrap_or(u32::MAX);
        if let Some(at) = &mut join.runs_in {
            if taken.places.contains(at) {
                join.grade = JoinGrade::Repository;
            }
            at.workload = moved(&workload_of, at.workload).unwrap_or(u32::MAX);
        }
    }
    images.joins.sort_unstable();
    number(images);
    let all = || {
        let found = &*found;
        found
            .open
            .iter()
            .chain(&found.suppressed)
            .chain(&found.unjoined)
    };
    let packages: BTreeSet<u32> = all().filter_map(|finding| finding.package).collect();
    let flaws: BTreeSet<u32> = all().filter_map(|finding| finding.vulnerability).collect();
    let package_of = keep(&mut found.packages, &packages);
    let flaw_of = keep(&mut vulnerabilities.all, &flaws);
    let lists = [&mut found.open, &mut found.suppressed, &mut found.unjoined];
    for finding in lists.into_iter().flatten() {
        finding.image = finding.image.and_then(|n| moved(&image_of, n));
        finding.package = finding.package.and_then(|n| moved(&package_of, n));
        finding.vulnerability = finding.vulnerability.and_then(|n| moved(&flaw_of, n));
        // Citations of what the bundle said of it are not there any more.
        finding.matches.retain(|id| (id.set as usize) < sets);
    }
}

/// Keeps those of `used`; the answer has the new index of each old one.
fn keep<T>(all: &mut Vec<T>, used: &BTreeSet<u32>) -> Vec<Option<u32>> {
    let mut next = 0;
    let places: Vec<Option<u32>> = (0u32..)
        .zip(&*all)
        .map(|(old, _)| {
            used.contains(&old).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect();
    let mut kept = places.iter();
    all.retain(|_| kept.next().is_some_and(Option::is_some));
    places
}

fn moved(places: &[Option<u32>], old: u32) -> Option<u32> {
    places.get(old as usize).copied().flatten()
}

/// How paths name the containers that the image was put into.
fn labels(inventory: &Inventory, taken: &Taken) -> BTreeSet<Text> {
    let label = |at: &model::workload::ContainerIndex| {
        let workload = &inventory.workloads.get(at.workload as usize)?.workload;
        let container = workload.containers.get(at.container as usize)?;
        Some(paths::container_name(&workload.object, &container.name).into())
    };
    taken.places.iter().filter_map(label).collect()
}

/// Paths through the containers, and the cuts of their sinks.
fn keep_routes(labels: &BTreeSet<Text>, paths: &mut Vec<Path>, cuts: &mut Vec<Cut>) {
    paths.retain(|path| {
        let mut ends = path.edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
        ends.any(|end| labels.contains(end))
    });
    cuts.retain(|cut| {
        paths.iter().any(|path| {
            cut.sink == path.sink || path.sink.split(' ').any(|word| word == &*cut.sink)
        })
    });
}
