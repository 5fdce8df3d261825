//! The queue: what to do first. In: scored findings, situations, evidence; out: actions, the most valuable first.
//! Greedy: after each pick everything that it touches is valued again (fixing one of two holes of a container
//! makes the other worth more), for the first `queue_limit` actions; the rest keeps the last value that it had.

mod base;
mod change;
mod exposure;
mod hosts;
mod imported;
mod upgrade;
mod value;
mod words;

pub use base::{BaseStep, MeasuredBase};

use crate::Settings;
use crate::order::tenths;
use crate::place::Places;
use crate::subject::Subjects;
use model::action::{Action, ActionKind, Certainty, FixClass};
use model::assessment::Assessment;
use model::evidence::Estimate;
use model::object::{ObjectRef, SourceSpan};
use model::text::Text;
use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};
use value::{Board, Effect};

/// A breaking change is taken when it removes ten times as much as one that is not (stated prior).
const BREAKING_WEIGHT: f64 = 0.1;

/// When single actions together are worth less than this share of doing them at once, they hide behind each
/// other (two equally bad holes, two ways to the node) and are offered as one.
const HIDDEN: f64 = 0.5;

/// An action before it is valued.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub kind: ActionKind,
    pub title: String,
    /// What makes its id, stable over scans.
    pub key: String,
    pub image: Option<u32>,
    pub object: Option<ObjectRef>,
    pub source: Option<SourceSpan>,
    pub closes: Vec<u32>,
    pub targets: Vec<u32>,
    pub effect: Effect,
    pub class: FixClass,
    pub class_reason: Text,
    /// Reasons that the findings do not give.
    pub because: Vec<Text>,
    pub exact: Vec<Text>,
    pub undo: Text,
    /// What it leads to was looked at (rule 13).
    pub looked_at: bool,
}

impl Candidate {
    /// Closing a door in front of many containers weighs all of their findings anew. That is done when its turn
    /// comes, not after each pick: its worth falls with every fix behind it, but for containers with several
    /// almost certain ways in.
    fn is_wide(&self) -> bool {
        matches!(self.effect, Effect::Reach(_)) && self.targets.len() > 16
    }
}

pub(crate) fn build(
    assessment: &Assessment,
    places: &Places,
    subjects: &Subjects,
    settings: &Settings,
) -> Vec<Action> {
    let mut board = Board::new(assessment, places, subjects, settings);
    let mut candidates = upgrade::candidates(assessment, subjects, settings, &mut board);
    candidates.extend(hosts::candidates(assessment, subjects, &mut board));
    candidates.extend(change::candidates(assessment, &board));
    candidates.extend(exposure::candidates(assessment, &board));
    candidates.sort_by(|a, b| {
        (a.class, a.kind, &a.title, &a.key).cmp(&(b.class, b.kind, &b.title, &b.key))
    });
    let order = greedy(&candidates, &mut board, settings.queue_limit);
    let mut ids = BTreeSet::new();
    order
        .into_iter()
        .filter_map(|(index, removes)| Some((candidates.get(index)?, removes)))
        .map(|(candidate, removes)| {
            words::action(assessment, places, &board, candidate, removes, &mut ids)
        })
        .collect()
}

/// A candidate with its value; the heap gives the largest, then the first in the order of candidates.
struct Valued {
    weight: f64,
    index: usize,
    version: u32,
}

impl Ord for Valued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight
            .total_cmp(&other.weight)
            .then_with(|| other.index.cmp(&self.index))
    }
}

impl PartialOrd for Valued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Valued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Valued {}

fn greedy(candidates: &[Candidate], board: &mut Board, limit: usize) -> Vec<(usize, Estimate)> {
    let mut values: Vec<Estimate> = candidates
        .iter()
        .map(|candidate| board.removes(&candidate.effect))
        .collect();
    let mut versions = vec![0u32; candidates.len()];
    let mut stale = vec![false; candidates.len()];
    let mut touching: Vec<Vec<usize>> = vec![Vec::new(); board.targets.len()];
    for (index, candidate) in candidates.iter().enumerate() {
        for target in &candidate.targets {
            if let Some(list) = touching.get_mut(*target as usize) {
                list.push(index);
            }
        }
    }
    let mut heap: BinaryHeap<Valued> = values
        .iter()
        .zip(candidates)
        .enumerate()
        .map(|(index, (value, candidate))| Valued {
            weight: weight(candidate, *value),
            index,
            version: 0,
        })
        .collect();
    let mut order = Vec::with_capacity(candidates.len());
    while let Some(best) = heap.pop() {
        let current = versions.get(best.index).copied();
        let (Some(candidate), Some(value)) =
            (candidates.get(best.index), values.get(best.index).copied())
        else {
            continue;
        };
        if current != Some(best.version) {
            continue;
        }
        if let Some(old) = stale.get_mut(best.index)
            && std::mem::take(old)
        {
            let fresh = board.removes(&candidate.effect);
            if let Some(value) = values.get_mut(best.index) {
                *value = fresh;
            }
            heap.push(Valued {
                weight: weight(candidate, fresh),
                ..best
            });
            continue;
        }
        order.push((best.index, value));
        if let Some(version) = versions.get_mut(best.index) {
            *version = u32::MAX;
        }
        if order.len() >= limit {
            continue;
        }
        let touched = board.take(&candidate.effect);
        board.refresh(&touched);
        let mut again: Vec<usize> = touched
            .iter()
            .filter_map(|target| touching.get(*target as usize))
            .flatten()
            .copied()
            .collect();
        again.sort_unstable();
        again.dedup();
        for index in again {
            let (Some(candidate), Some(version), Some(value)) = (
                candidates.get(index),
                versions.get_mut(index),
                values.get_mut(index),
            ) else {
                continue;
            };
            if *version == u32::MAX {
                continue;
            }
            if candidate.is_wide() {
                if let Some(old) = stale.get_mut(index) {
                    *old = true;
                }
                continue;
            }
            *version += 1;
            *value = board.removes(&candidate.effect);
            heap.push(Valued {
                weight: weight(candidate, *value),
                index,
                version: *version,
            });
        }
    }
    order
}

fn weight(candidate: &Candidate, removes: Estimate) -> f64 {
    match candidate.class {
        FixClass::Breaking => removes.expected * BREAKING_WEIGHT,
        FixClass::Equivalent | FixClass::NeedsTest => removes.expected,
    }
}

/// The highest score among findings, over placements that run.
pub(crate) fn best_score(
    assessment: &Assessment,
    findings: &[u32],
    board: &Board,
) -> Option<(u32, u32)> {
    let mut best: Option<((i32, i32), u32, u32)> = None;
    for index in findings {
        let Some(finding) = assessment.findings.get(*index as usize) else {
            continue;
        };
        let placements = finding
            .image
            .and_then(|image| assessment.images.get(image as usize))
            .map_or(&[][..], |image| &image.placements);
        for (score, placement) in finding.scores.iter().zip(placements) {
            let Some(points) = assessment.scores.get(*score as usize).map(|s| s.points) else {
                continue;
            };
            let key = (tenths(points.expected), tenths(points.high));
            let runs = board.runs(*placement);
            if runs && best.is_none_or(|(known, _, _)| key > known) {
                best = Some((key, *index, *score));
            }
        }
    }
    best.map(|(_, finding, score)| (finding, score))
}

/// What an upgrade or a field change may claim (rule 13).
pub(crate) const fn certainty(candidate: &Candidate) -> Certainty {
    if candidate.looked_at {
        return Certainty::Verified;
    }
    match candidate.kind {
        ActionKind::ChangeField | ActionKind::RemoveExposure => Certainty::Verified,
        ActionKind::UpgradePackage
        | ActionKind::RebuildBase
        | ActionKind::MoveTag
        | ActionKind::Mitigate => Certainty::ExpectedUnverified,
    }
}
