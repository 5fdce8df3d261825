//! What the score needs of a placement: reach, blast radius, criticality and the words for them.
//! In: situations, workloads and the ledger; out: one [`Place`] per distinct content, so that a
//! thousand pods that are in the same position share their scores.

use crate::Settings;
use crate::delivery::{CLUSTER, Reach, same_build};
use crate::scale::sane;
use crate::score::base_rate;
use model::assessment::Assessment;
use model::evidence::{Estimate, EvidenceId, Ledger, Truth};
use model::image::JoinGrade;
use model::situation::{Blast, ExposureClass, Reach as Share, Situation};
use model::text::{Interner, Text};
use model::workload::{Criticality, CriticalityLevel, Placement, WorkloadState};
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub reach: Reach,
    pub same_build: Estimate,
    pub grade: JoinGrade,
    pub blast: Estimate,
    /// P(an attacker's code runs in a pod of the node); 0 for all that is no node.
    pub tenants: Estimate,
    pub criticality: Estimate,
    pub level: CriticalityLevel,
    pub class: ExposureClass,
    /// "Publicly exposed" of BOD 26-04; unknown counts as exposed.
    pub public: bool,
    pub listens: Truth,
    pub exposure_words: Text,
    pub blast_words: Text,
    pub criticality_words: Text,
}

/// The distinct places and the place of each placement.
pub(crate) struct Places {
    pub distinct: Vec<Place>,
    /// Parallel to the placements.
    pub of: Vec<u32>,
}

/// Rule 9: whether findings count in this place. What runs does, and what may run anywhere.
pub(crate) fn counts(assessment: &Assessment, placement: &Placement) -> bool {
    placement.runs_in.is_none_or(|at| {
        let workload = assessment.workloads.get(at.workload as usize);
        workload.is_some_and(|workload| workload.state == WorkloadState::Active)
    })
}

impl Places {
    pub(crate) fn of(assessment: &Assessment, texts: &mut Interner) -> Places {
        let mut distinct = Vec::new();
        let mut seen: FxHashMap<Key, u32> = FxHashMap::default();
        let of = assessment
            .placements
            .iter()
            .map(|placement| {
                let place = Place::of(assessment, placement, texts)
                    .unwrap_or_else(|| Place::unseen(placement.grade, texts));
                let next = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
                *seen.entry(place.key()).or_insert_with(|| {
                    distinct.push(place);
                    next
                })
            })
            .collect();
        Places { distinct, of }
    }

    pub(crate) fn get(&self, placement: u32) -> Option<(u32, &Place)> {
        let id = *self.of.get(placement as usize)?;
        Some((id, self.distinct.get(id as usize)?))
    }
}

/// The content of a place as a hash key.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    numbers: [[u64; 3]; 6],
    class: ExposureClass,
    public: bool,
    listens: Truth,
    grade: JoinGrade,
    level: CriticalityLevel,
    words: [Text; 3],
}

impl Place {
    fn of(assessment: &Assessment, placement: &Placement, texts: &mut Interner) -> Option<Place> {
        let situation = assessment.situations.get(placement.situation as usize)?;
        let undeclared = Criticality::undeclared();
        let criticality = match placement.runs_in {
            Some(at) => &assessment.workloads.get(at.workload as usize)?.criticality,
            None => &undeclared,
        };
        Some(Place {
            reach: Reach::new(situation.direct, situation.lateral, &situation.listens),
            same_build: same_build(placement.grade),
            grade: placement.grade,
            blast: sane(situation.blast.value),
            tenants: sane(situation.tenants.unwrap_or(Estimate::exact(0.0))),
            criticality: sane(criticality.value),
            level: criticality.level,
            class: situation.exposure.class,
            public: situation.exposure.public.truth() != Truth::No,
            listens: situation.listens.truth(),
            exposure_words: texts.text(&exposure_words(
                situation,
                placement.runs_in.is_some(),
                &assessment.ledger,
            )),
            blast_words: texts.text(&blast_words(&situation.blast)),
            criticality_words: texts.text(&criticality_words(criticality, &assessment.ledger)),
        })
    }

    /// A placement of which nothing was seen: anything is possible.
    fn unseen(grade: JoinGrade, texts: &mut Interner) -> Place {
        let anything = |low, expected| Estimate::between(low, expected, 1.0);
        let words = texts.text("the container's position was not seen");
        Place {
            reach: Reach {
                network: anything(0.004, CLUSTER),
                adjacent: anything(0.004, CLUSTER),
            },
            same_build: same_build(grade),
            grade,
            blast: anything(0.1, 0.3),
            tenants: Estimate::exact(0.0),
            criticality: anything(0.25, 0.5),
            level: CriticalityLevel::Undeclared,
            class: ExposureClass::Unknown,
            public: true,
            listens: Truth::Unknown,
            exposure_words: Text::clone(&words),
            blast_words: Text::clone(&words),
            criticality_words: words,
        }
    }

    fn key(&self) -> Key {
        let bits = |e: Estimate| [e.low.to_bits(), e.expected.to_bits(), e.high.to_bits()];
        Key {
            numbers: [
                bits(self.reach.network),
                bits(self.reach.adjacent),
                bits(self.same_build),
                bits(self.blast),
                bits(self.tenants),
                bits(self.criticality),
            ],
            class: self.class,
            public: self.public,
            listens: self.listens,
            grade: self.grade,
            level: self.level,
            words: [
                Text::clone(&self.exposure_words),
                Text::clone(&self.blast_words),
                Text::clone(&self.criticality_words),
            ],
        }
    }

    /// P(an attacker's code runs here by something that no finding of the place itself names).
    pub(crate) fn base(&self, settings: &Settings) -> Estimate {
        let base = base_rate(self.listens, settings);
        if self.tenants.high > 0.0 {
            base.noisy_or(self.tenants)
        } else {
            base
        }
    }

    /// B x A.
    pub(crate) fn value(&self) -> Estimate {
        self.blast.times(self.criticality)
    }
}

/// `internet via Service shop/web`: the class and the first thing on the way in that was seen.
fn exposure_words(situation: &Situation, runs: bool, ledger: &Ledger) -> String {
    let exposure = &situation.exposure;
    if !runs && exposure.class == ExposureClass::Unknown {
        return "not seen in a cluster: exposure unknown".to_owned();
    }
    let mut words = String::from(class_words(exposure.class));
    if exposure.class == ExposureClass::Unknown {
        let _ = write!(
            words,
            " (between {} and {})",
            class_words(exposure.at_least),
            class_words(exposure.at_most)
        );
    }
    if matches!(
        exposure.class,
        ExposureClass::Internet | ExposureClass::External
    ) {
        words.push_str(&via(&exposure.chain, ledger));
    }
    if situation.listens.truth() == Truth::No {
        words.push_str(", no listener");
    }
    if situation.lateral.expected > situation.direct.expected {
        words.push_str(", more likely over another pod");
    }
    words
}

fn via(chain: &[EvidenceId], ledger: &Ledger) -> String {
    let evidence = |id: &EvidenceId| ledger.evidence.get(id.0 as usize);
    let Some(first) = chain.iter().find_map(evidence) else {
        return String::new();
    };
    match &first.object {
        Some(object) => format!(" via {object}"),
        None => format!(": {}", first.statement),
    }
}

pub(crate) const fn class_words(class: ExposureClass) -> &'static str {
    match class {
        ExposureClass::Unknown => "exposure is unknown",
        ExposureClass::None => "not reachable",
        ExposureClass::Namespace => "reachable from its namespace",
        ExposureClass::Cluster => "reachable from the cluster",
        ExposureClass::External => "outside address ranges",
        ExposureClass::Internet => "internet",
    }
}

fn blast_words(blast: &Blast) -> String {
    // A step that is worth less than the pod itself is not what makes the number.
    let worst = blast
        .steps
        .first()
        .filter(|step| step.reach.value() * step.probability.expected > Share::Pod.value());
    match worst {
        Some(step) => step.reason.to_string(),
        None => "the pod only".to_owned(),
    }
}

fn criticality_words(criticality: &Criticality, ledger: &Ledger) -> String {
    let level = match criticality.level {
        CriticalityLevel::Undeclared => {
            return format!(
                "nobody declared a criticality: {} is assumed",
                criticality.value.expected
            );
        }
        CriticalityLevel::Low => "low",
        CriticalityLevel::Normal => "normal",
        CriticalityLevel::High => "high",
        CriticalityLevel::Crown => "crown jewel",
    };
    let because = criticality
        .because
        .first()
        .and_then(|id| ledger.evidence.get(id.0 as usize));
    match because {
        Some(evidence) => format!("criticality {level}: {}", evidence.statement),
        None => format!("criticality {level}"),
    }
}
