//! Composes R = L x E x B x A and explains it. In: likelihoods and places; out: one [`Score`] per distinct
//! (vulnerability, package evidence, place). The points of the factors sum to the score before rounding.

use crate::delivery::{Loaded, Reach, Way, attack_words, ease};
use crate::place::{Place, Places};
use crate::scale::{confidence, factor_points, points, sane, shown};
use crate::subject::{Entry, Subjects};
use crate::{Settings, bte, deadline, kernel, ssvc};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::assessment::Assessment;
use model::evidence::{Estimate, Fact, Truth};
use model::finding::{Deadline, Factor, NO_FACTOR, Score};
use model::text::{Interner, Text};
use model::vulnerability::{
    AttackProfile, AttackVector, PrivilegesRequired, Severity, Vulnerability,
};
use rustc_hash::FxHashMap;

/// P(an attacker's code runs in the container) for each placement: the findings that come over the network,
/// and the base rate. Never more than the reach itself gives, so that a local flaw is never worth more than
/// the same flaw over the network.
pub(crate) fn inside(
    assessment: &Assessment,
    places: &Places,
    subjects: &Subjects,
    settings: &Settings,
) -> Vec<Estimate> {
    let mut inside = vec![Estimate::exact(0.0); assessment.placements.len()];
    for (index, image) in assessment.images.iter().enumerate() {
        let entries = subjects.of_image(index);
        for placement in &image.placements {
            let (Some((_, place)), Some(slot)) =
                (places.get(*placement), inside.get_mut(*placement as usize))
            else {
                continue;
            };
            let base = place.base(settings);
            *slot = entered(entries, &place.reach, place.same_build, base)
                .min(place.reach.network)
                .max(base);
        }
    }
    inside
}

/// 1 - (1 - base) x the product of (1 - L x E) over everything that comes in from outside.
fn entered(entries: &[Entry], reach: &Reach, same_build: Estimate, base: Estimate) -> Estimate {
    // What may not come over the network at all opens nothing at best.
    let stands = |of: fn(&Estimate) -> f64, certain: bool| {
        entries
            .iter()
            .filter(|entry| entry.way.enters() && !(certain && entry.way == Way::Unknown))
            .map(|entry| {
                let reach = if entry.way == Way::Adjacent {
                    &reach.adjacent
                } else {
                    &reach.network
                };
                1.0 - of(&entry.strength) * of(reach) * of(&same_build)
            })
            .fold(1.0 - of(&base), |all, one| all * one)
    };
    Estimate {
        low: 1.0 - stands(|e| e.low, true),
        expected: 1.0 - stands(|e| e.expected, false),
        high: 1.0 - stands(|e| e.high, false),
    }
}

/// P(the container falls within 90 days by something that no finding names).
pub(crate) fn base_rate(listens: Truth, settings: &Settings) -> Estimate {
    let (idle, listening) = (
        sane(Estimate::exact(settings.idle_rate)).expected,
        sane(Estimate::exact(settings.base_rate)).expected,
    );
    match listens {
        Truth::Yes => Estimate::exact(listening),
        Truth::No => Estimate::exact(idle),
        Truth::Unknown => Estimate::between(idle, listening, listening),
    }
}

/// Writes the scores and the findings' indices of them.
pub(crate) fn fill(
    assessment: &mut Assessment,
    places: &Places,
    subjects: &Subjects,
    inside: &[Estimate],
    texts: &mut Interner,
) {
    let mut findings = std::mem::take(&mut assessment.findings);
    let mut scorer = Scorer::new(assessment, places, inside, texts);
    // Findings without a place in the table of subjects keep no scores; kernel advisories are scored apart.
    for finding in &mut findings {
        finding.scores = Vec::new();
        let (Some(image), Some(vulnerability)) = (finding.image, finding.vulnerability) else {
            continue;
        };
        let (Some(artifact), Some(known)) = (
            assessment.images.get(image as usize),
            assessment.vulnerabilities.get(vulnerability as usize),
        ) else {
            continue;
        };
        let package = finding
            .package
            .and_then(|package| assessment.packages.get(package as usize));
        let of_node = kernel::concerns(package, Some(artifact));
        finding.scores = artifact
            .placements
            .iter()
            .map(|placement| scorer.score(vulnerability, known, of_node, *placement))
            .collect();
    }
    let (scores, factors) = (scorer.scores, scorer.lines.factors);
    assessment.scores = scores;
    assessment.factors = factors;
    assessment.findings = findings;
    debug_assert!(subjects.images.len() == assessment.images.len());
}

struct Scorer<'a> {
    places: &'a Places,
    texts: &'a mut Interner,
    today: Date,
    scores: Vec<Score>,
    known: FxHashMap<Key, u32>,
    /// P(code in the container) of each placement, and the first placement that has the same.
    inside: Vec<(Estimate, u32)>,
    lines: Lines,
    words: Words,
    likelihood_words: FxHashMap<u32, Text>,
    delivery_words: FxHashMap<(AttackProfile, Text), Text>,
    bte: FxHashMap<(u32, u32), Option<Text>>,
}

/// (vulnerability, place, what else decides). Small: there may be a million.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    vulnerability: u32,
    place: u32,
    /// P(code in the container), by a placement that has it; [`ANY_INSIDE`] where it does not matter, [`OF_NODE`]
    /// where the node decides.
    inside: u32,
}

const ANY_INSIDE: u32 = u32::MAX;
const OF_NODE: u32 = u32::MAX - 1;

/// The distinct lines of all explanations.
#[derive(Default)]
struct Lines {
    factors: Vec<Factor>,
    known: FxHashMap<LineKey, u32>,
}

/// (name, reason, points, value): texts are interned, so the place of one tells it from all others.
type LineKey = (usize, usize, u64, [u64; 3]);

impl Lines {
    fn line(&mut self, factor: Factor) -> u32 {
        let Estimate {
            low,
            expected,
            high,
        } = factor.value;
        let key = (
            factor.name.as_ptr() as usize,
            factor.reason.as_ptr() as usize,
            factor.points.to_bits(),
            [low, expected, high].map(f64::to_bits),
        );
        *self.known.entry(key).or_insert_with(|| {
            self.factors.push(factor);
            u32::try_from(self.factors.len() - 1).unwrap_or(NO_FACTOR)
        })
    }
}

/// Texts that every score uses.
struct Words {
    likelihood: Text,
    delivery: Text,
    blast: Text,
    criticality: Text,
    clamp: Text,
    clamped: Text,
    node: Text,
}

impl<'a> Scorer<'a> {
    fn new(
        assessment: &Assessment,
        places: &'a Places,
        inside: &[Estimate],
        texts: &'a mut Interner,
    ) -> Self {
        let mut first = FxHashMap::default();
        let inside = (0u32..)
            .zip(inside)
            .map(|(placement, &estimate)| {
                let Estimate {
                    low,
                    expected,
                    high,
                } = estimate;
                let bits = [low, expected, high].map(f64::to_bits);
                (estimate, *first.entry(bits).or_insert(placement))
            })
            .collect();
        let words = Words {
            likelihood: texts.text("likelihood"),
            delivery: texts.text("delivery"),
            blast: texts.text("blast radius"),
            criticality: texts.text("criticality"),
            clamp: texts.text("clamp"),
            clamped: texts.text("the scale ends here"),
            node: texts.text("the node's kernel decides"),
        };
        Scorer {
            places,
            texts,
            today: assessment.about.now.to_zoned(TimeZone::UTC).date(),
            scores: Vec::new(),
            known: FxHashMap::default(),
            inside,
            lines: Lines::default(),
            words,
            likelihood_words: FxHashMap::default(),
            delivery_words: FxHashMap::default(),
            bte: FxHashMap::default(),
        }
    }

    fn score(
        &mut self,
        index: u32,
        vulnerability: &Vulnerability,
        of_node: bool,
        placement: u32,
    ) -> u32 {
        let places = self.places;
        let Some((place_id, place)) = places.get(placement) else {
            return u32::MAX;
        };
        let (inside, class) = self
            .inside
            .get(placement as usize)
            .copied()
            .unwrap_or((Estimate::exact(1.0), ANY_INSIDE));
        let key = Key {
            vulnerability: index,
            place: place_id,
            inside: match Way::of(vulnerability.profile) {
                _ if of_node => OF_NODE,
                Way::InPod | Way::Unknown => class,
                Way::Network | Way::Adjacent => ANY_INSIDE,
            },
        };
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let next = u32::try_from(self.scores.len()).unwrap_or(u32::MAX);
        let score = self.compose(index, vulnerability, of_node, place_id, place, inside);
        self.scores.push(score);
        self.known.insert(key, next);
        next
    }

    fn compose(
        &mut self,
        index: u32,
        vulnerability: &Vulnerability,
        of_node: bool,
        place_id: u32,
        place: &Place,
        inside: Estimate,
    ) -> Score {
        let loaded = Loaded::Unknown;
        let way = Way::of(vulnerability.profile);
        let likelihood = sane(vulnerability.likelihood.estimate);
        let (delivered, delivery_words) = if of_node {
            (Estimate::exact(0.0), Text::clone(&self.words.node))
        } else {
            (
                place
                    .reach
                    .by(way, inside)
                    .times(ease(vulnerability.profile, loaded))
                    .times(place.same_build),
                self.delivery_words(vulnerability, place, loaded),
            )
        };
        let delivery = likelihood.times(delivered);
        let risk = delivery.times(place.blast).times(place.criticality);
        let likelihood_words = self.likelihood_words(index, vulnerability);
        let factors = explain(
            &mut self.lines,
            &self.words,
            risk.expected,
            [
                (&self.words.likelihood, likelihood, likelihood_words),
                (&self.words.delivery, delivered, delivery_words),
                (
                    &self.words.blast,
                    place.blast,
                    Text::clone(&place.blast_words),
                ),
                (
                    &self.words.criticality,
                    place.criticality,
                    Text::clone(&place.criticality_words),
                ),
            ],
        );
        Score {
            risk,
            delivery,
            points: shown(risk),
            confidence: confidence(risk),
            deadline: self.deadline(vulnerability, place, of_node),
            ssvc: self.texts.text(ssvc::decision(
                ssvc::exploitation(&vulnerability.ssvc, &vulnerability.kev),
                if of_node {
                    model::situation::ExposureClass::None
                } else {
                    place.class
                },
                automatable(vulnerability),
                place.level,
            )),
            cvss_bte: self.bte(index, vulnerability, place_id, place),
            factors,
        }
    }

    fn likelihood_words(&mut self, index: u32, vulnerability: &Vulnerability) -> Text {
        if let Some(known) = self.likelihood_words.get(&index) {
            return Text::clone(known);
        }
        let words = match vulnerability.likelihood.reasons.as_slice() {
            [] => self.texts.text("no reason was given"),
            [one] => Text::clone(one),
            many => self.texts.text(&many.join("; ")),
        };
        self.likelihood_words.insert(index, Text::clone(&words));
        words
    }

    fn delivery_words(
        &mut self,
        vulnerability: &Vulnerability,
        place: &Place,
        loaded: Loaded,
    ) -> Text {
        let mut key = (vulnerability.profile, Text::clone(&place.exposure_words));
        // Impact says nothing of the way in.
        key.0.confidentiality_high = None;
        key.0.integrity_high = None;
        key.0.availability_high = None;
        key.0.high_complexity = None;
        if place.grade == model::image::JoinGrade::Tag {
            key.1 = self.texts.text(&format!(
                "{}; joined by tag, may be another build",
                place.exposure_words
            ));
        }
        if let Some(known) = self.delivery_words.get(&key) {
            return Text::clone(known);
        }
        let words = self.texts.text(&format!(
            "{}; {}; {}",
            key.1,
            attack_words(vulnerability.profile),
            loaded.words()
        ));
        self.delivery_words.insert(key, Text::clone(&words));
        words
    }

    fn deadline(
        &mut self,
        vulnerability: &Vulnerability,
        place: &Place,
        of_node: bool,
    ) -> Deadline {
        // Rule 7: a header package in an image is not the kernel that CISA means.
        let in_kev = !of_node && matches!(vulnerability.kev, Fact::Is(_));
        let exposed = !of_node && place.public;
        let (automatable, total_impact) = (automatable(vulnerability), total_impact(vulnerability));
        let timeline = deadline::timeline((in_kev, exposed, automatable, total_impact));
        Deadline {
            timeline: self.texts.text(timeline.words()),
            due: timeline.due(self.today),
            in_kev,
            exposed,
            automatable,
            total_impact,
        }
    }

    fn bte(
        &mut self,
        index: u32,
        vulnerability: &Vulnerability,
        place_id: u32,
        place: &Place,
    ) -> Option<Text> {
        let base = bte::base_vector(vulnerability)?;
        if let Some(known) = self.bte.get(&(index, place_id)) {
            return known.clone();
        }
        let text = bte::bte(
            base,
            ssvc::exploitation(&vulnerability.ssvc, &vulnerability.kev),
            &vulnerability.ssvc,
            place.class,
            place.level,
        )
        .map(|text| self.texts.text(&text));
        self.bte.insert((index, place_id), text.clone());
        text
    }
}

/// The factors with their points. Likelihood starts from the top of the scale, so that no line stands for a constant.
fn explain(
    lines: &mut Lines,
    words: &Words,
    risk: f64,
    parts: [(&Text, Estimate, Text); 4],
) -> [u32; 5] {
    let mut start = 100.0;
    let mut factors = parts.map(|(name, value, reason)| Factor {
        name: Text::clone(name),
        points: std::mem::take(&mut start) + factor_points(value.expected),
        value,
        reason,
    });
    if factors.iter().any(|factor| !factor.points.is_finite()) {
        settle_zero(&mut factors);
    }
    let sum: f64 = factors.iter().map(|factor| factor.points).sum();
    let clamped = points(risk) - sum;
    let [likelihood, delivery, blast, criticality] = factors.map(|factor| lines.line(factor));
    let clamp = (clamped.abs() > 1e-9).then(|| {
        lines.line(Factor {
            name: Text::clone(&words.clamp),
            points: clamped,
            value: Estimate::exact(1.0),
            reason: Text::clone(&words.clamped),
        })
    });
    let clamp = clamp.unwrap_or(NO_FACTOR);
    [likelihood, delivery, blast, criticality, clamp]
}

/// A factor of 0 has no logarithm: it takes all points that the others left.
fn settle_zero(factors: &mut [Factor]) {
    let left: f64 = factors
        .iter()
        .map(|factor| factor.points)
        .filter(|points| points.is_finite())
        .sum();
    let mut left = -left;
    for factor in factors
        .iter_mut()
        .filter(|factor| !factor.points.is_finite())
    {
        factor.points = left;
        left = 0.0;
    }
}

/// CISA's word, else derived from CVSS, else yes: unknown is not safe.
fn automatable(vulnerability: &Vulnerability) -> bool {
    if let Fact::Is(ssvc) = &vulnerability.ssvc {
        return ssvc.automatable;
    }
    let profile = &vulnerability.profile;
    let against = [
        profile.vector.map(|v| v != AttackVector::Network),
        profile.privileges.map(|p| p != PrivilegesRequired::None),
        profile.user_interaction,
        profile.high_complexity,
    ];
    !against.contains(&Some(true))
}

/// CISA's word, else derived from CVSS, else from the severity word; a missing word counts as total.
fn total_impact(vulnerability: &Vulnerability) -> bool {
    if let Fact::Is(ssvc) = &vulnerability.ssvc {
        return ssvc.total_impact;
    }
    let profile = &vulnerability.profile;
    match (profile.confidentiality_high, profile.integrity_high) {
        (Some(confidentiality), Some(integrity)) => confidentiality && integrity,
        (Some(false), None) | (None, Some(false)) => false,
        (Some(true), None) | (None, Some(true) | None) => !matches!(
            vulnerability.severity,
            Severity::Negligible | Severity::Low | Severity::Medium
        ),
    }
}
