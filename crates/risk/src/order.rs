//! The order of the findings: score, its upper end, severity, name. In: scored findings; out: the same in order.
//! It must not depend on the order in which they came.

use crate::place::counts;
use model::assessment::Assessment;
use model::finding::Finding;
use std::cmp::Reverse;

pub(crate) fn sort(assessment: &mut Assessment) {
    let active = active_placements(assessment);
    let names = name_ranks(assessment);
    let mut order: Vec<_> = assessment
        .findings
        .iter()
        .zip(0u32..)
        .map(|(finding, index)| {
            let (points, high) = best(assessment, &active, finding);
            let name = finding
                .vulnerability
                .and_then(|v| names.get(v as usize).copied())
                .unwrap_or(u32::MAX);
            (
                Reverse((points, high, finding.severity)),
                name,
                finding.image,
                finding.package,
                index,
            )
        })
        .collect();
    let findings = &assessment.findings;
    let rest = |index: u32| {
        findings.get(index as usize).map(|finding| {
            (
                &finding.id,
                finding.category,
                &finding.object,
                &finding.source,
                &finding.title,
                &finding.fix,
                &finding.matches,
            )
        })
    };
    order.sort_unstable_by(|a, b| {
        (&a.0, a.1, a.2, a.3)
            .cmp(&(&b.0, b.1, b.2, b.3))
            .then_with(|| rest(a.4).cmp(&rest(b.4)))
    });
    arrange(
        &mut assessment.findings,
        order.into_iter().map(|key| key.4).collect(),
    );
}

/// Puts `all` into `order`, in place: a second list of a million findings would be the peak of the whole scan.
/// `order` names each position once.
fn arrange<T>(all: &mut [T], mut order: Vec<u32>) {
    for start in 0..order.len() {
        let mut here = start;
        // Each swap puts one into its place; a place is done when it names itself.
        while let Some(slot) = order.get_mut(here) {
            let from = *slot as usize;
            *slot = u32::try_from(here).unwrap_or(u32::MAX);
            if from == start || from == here {
                break;
            }
            all.swap(here, from);
            here = from;
        }
    }
}

/// Rule 9: what does not run does not raise a finding.
fn active_placements(assessment: &Assessment) -> Vec<bool> {
    assessment
        .placements
        .iter()
        .map(|placement| counts(assessment, placement))
        .collect()
}

/// The highest score over the placements that run, in tenths of a point, and its upper end.
fn best(assessment: &Assessment, active: &[bool], finding: &Finding) -> (i32, i32) {
    let placements = finding
        .image
        .and_then(|image| assessment.images.get(image as usize))
        .map_or(&[][..], |image| &image.placements);
    finding
        .scores
        .iter()
        .zip(placements)
        .filter(|(_, placement)| active.get(**placement as usize).copied().unwrap_or(true))
        .filter_map(|(score, _)| assessment.scores.get(*score as usize))
        .map(|score| (tenths(score.points.expected), tenths(score.points.high)))
        .max()
        .unwrap_or((-1, -1))
}

/// Points are rounded to 0.1 before they are sorted by.
#[expect(
    clippy::cast_possible_truncation,
    reason = "points are within 0 and 100"
)]
pub(crate) fn tenths(points: f64) -> i32 {
    (points * 10.0).round() as i32
}

/// The place of each vulnerability in the order of ids.
fn name_ranks(assessment: &Assessment) -> Vec<u32> {
    let mut by_name: Vec<u32> = (0u32..).take(assessment.vulnerabilities.len()).collect();
    by_name.sort_by_key(|index| {
        assessment
            .vulnerabilities
            .get(*index as usize)
            .map(|vulnerability| &vulnerability.id)
    });
    let mut ranks = vec![0; by_name.len()];
    for (rank, index) in (0u32..).zip(by_name) {
        if let Some(slot) = ranks.get_mut(index as usize) {
            *slot = rank;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::arrange;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arranging_is_picking_in_order(order in (0u32..40).prop_flat_map(|n| Just((0..n).collect::<Vec<_>>()).prop_shuffle())) {
            let mut all: Vec<u32> = (100..).take(order.len()).collect();
            let wanted: Vec<u32> = order.iter().map(|from| from + 100).collect();
            arrange(&mut all, order);
            prop_assert_eq!(all, wanted);
        }
    }
}
