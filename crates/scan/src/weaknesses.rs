//! What the network can deliver to containers: the strongest vulnerabilities of each.
//! Comes in: findings with their places, while a scan runs or of one that was kept. Goes out: weaknesses for the graph.
//! Never: more than a few a container.

use crate::findings::Findings;
use crate::join::Images;
use crate::vulnerabilities::Vulnerabilities;
use model::assessment::{Assessment, ScannedImage};
use model::evidence::Estimate;
use model::finding::Finding;

use model::matches::{Category, FixState, Package};
use model::text::Text;
use model::vulnerability::{AttackVector, Vulnerability};
use model::workload::ContainerIndex;
use paths::Weakness;

/// How many of a container's vulnerabilities are drawn as edges of the attack graph.
const PER_CONTAINER: usize = 3;

/// Where findings, packages and places come from.
struct Known<'a> {
    findings: &'a [Finding],
    packages: &'a [Package],
    images: &'a [ScannedImage],
    vulnerabilities: &'a [Vulnerability],
    /// Image, and the container that runs it.
    places: Vec<(u32, ContainerIndex)>,
}

/// While a scan runs.
pub(crate) fn of(
    found: &Findings,
    images: &Images,
    vulnerabilities: &Vulnerabilities,
) -> Vec<Weakness> {
    let joins = images.joins.iter();
    weaknesses(&Known {
        findings: &found.open,
        packages: &found.packages,
        images: &images.images,
        vulnerabilities: &vulnerabilities.all,
        places: joins
            .filter_map(|join| Some((join.image, join.runs_in?)))
            .collect(),
    })
}

/// Of a scan that was kept, for the first `workloads` of it: what follows them are hosts.
pub(crate) fn kept(assessment: &Assessment, workloads: usize) -> Vec<Weakness> {
    let places = assessment.placements.iter();
    let places = places.filter_map(|place| Some((place.image, place.runs_in?)));
    weaknesses(&Known {
        findings: &assessment.findings,
        packages: &assessment.packages,
        images: &assessment.images,
        vulnerabilities: &assessment.vulnerabilities,
        places: places
            .filter(|(_, at)| (at.workload as usize) < workloads)
            .collect(),
    })
}

fn weaknesses(known: &Known<'_>) -> Vec<Weakness> {
    let by_image = strongest(known);
    let mut weaknesses = Vec::new();
    for (image, at) in &known.places {
        for finding in by_image.get(*image as usize).into_iter().flatten() {
            let package = finding.package.and_then(|p| known.packages.get(p as usize));
            let name = package.map_or_else(
                || Text::from("an unnamed package"),
                |p| Text::clone(&p.name),
            );
            let vulnerability = finding
                .vulnerability
                .and_then(|v| known.vulnerabilities.get(v as usize));
            let likelihood =
                vulnerability.map_or(Estimate::between(0.0, 0.0, 1.0), |v| v.likelihood.estimate);
            let fixed = finding.fix.versions.first();
            let fixed = fixed.filter(|_| finding.fix.state == FixState::Fixed);
            weaknesses.push(Weakness {
                workload: at.workload,
                container: at.container,
                label: format!("{} in {name}", finding.id).into(),
                likelihood: likelihood.times(risk::Loaded::Unknown.factor()),
                fixable: fixed.map(|version| format!("upgrade {name} to {version}").into()),
                image: known
                    .images
                    .get(*image as usize)
                    .map_or_else(|| Text::from(""), |image| Text::clone(&image.name)),
            });
        }
    }
    weaknesses
}

/// Image -> its most likely findings.
fn strongest<'a>(known: &Known<'a>) -> Vec<Vec<&'a Finding>> {
    let mut by_image: Vec<Vec<(f64, usize, &Finding)>> = vec![Vec::new(); known.images.len()];
    let open = known.findings.iter().enumerate();
    for (n, finding) in open.filter(|(_, f)| f.category == Category::Vulnerability) {
        let vulnerability = finding
            .vulnerability
            .and_then(|v| known.vulnerabilities.get(v as usize));
        let Some(vulnerability) = vulnerability else {
            continue;
        };
        if !matches!(
            vulnerability.profile.vector,
            None | Some(AttackVector::Network | AttackVector::Adjacent)
        ) {
            continue;
        }
        if let Some(of_image) = finding
            .image
            .and_then(|image| by_image.get_mut(image as usize))
        {
            of_image.push((vulnerability.likelihood.estimate.expected, n, finding));
        }
    }
    let sorted = by_image.into_iter().map(|mut of_image| {
        of_image.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        of_image.truncate(PER_CONTAINER);
        of_image
            .into_iter()
            .map(|(_, _, finding)| finding)
            .collect()
    });
    sorted.collect()
}
