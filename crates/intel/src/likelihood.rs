//! L of the score: the probability that a vulnerability is exploited somewhere within the horizon.
//! In: what EPSS, KEV, SSVC and CVSS say of one vulnerability; out: an [`Estimate`] with its reasons.
//! It must never fall below the EPSS value (rank-mapped to [`REFERENCE_MODEL`]), never read a missing
//! value as a low one, and never fail on nonsense: a score that is no number counts as missing.
//!
//! Order of application: EPSS (or its prior), the fitted part for CISA's decision points, the floors.
//! Weights and their state of proof: `docs/score-validation.md`.

use crate::likelihood_table::{AUTOMATABLE_SHARE, QUANTILES, TOTAL_IMPACT_SHARE};
use model::evidence::{Estimate, Fact};
use model::text::Text;
use model::vulnerability::{
    AttackProfile, AttackVector, Epss, Exploitation, Kev, Likelihood, PrivilegesRequired, Severity,
    Ssvc,
};

pub use crate::likelihood_table::{MODELS, ModelFit, REFERENCE_MODEL};

/// What is known of one vulnerability.
#[derive(Clone, Copy, Debug)]
pub struct LikelihoodInput<'a> {
    pub epss: &'a Fact<Epss>,
    pub kev: &'a Fact<Kev>,
    pub ssvc: &'a Fact<Ssvc>,
    pub profile: &'a AttackProfile,
    pub severity: Severity,
}

/// L where EPSS has no value: architecture section 7.
pub const MISSING_EPSS: Estimate = Estimate {
    low: 1e-5,
    expected: 1.4e-3,
    high: 0.1,
};
/// Floors; they only raise.
pub const KEV_FLOOR: f64 = 0.9;
pub const RANSOMWARE_FLOOR: f64 = 0.95;
/// Other assertions of exploitation in the wild: SSVC `exploitation: active`.
pub const ACTIVE_FLOOR: f64 = 0.8;
/// The part fitted on KEV never lifts a value above this: higher, the order is EPSS's and the floors' alone (rule 6).
pub const FIT_CEILING: f64 = 0.1;
/// Log-odds of a KEV listing that CISA's decision points add. Expert priors, fixed before they were tested.
pub const AUTOMATABLE_WEIGHT: f64 = 0.5;
pub const TOTAL_IMPACT_WEIGHT: f64 = 0.7;

/// Smallest and largest probability that is worked with; EPSS publishes five digits.
const SMALLEST: f64 = 1e-5;
const LARGEST: f64 = 1.0 - 1e-5;

/// L of one vulnerability with its reasons, in the order of application. Always finite and within (0, 1).
pub fn likelihood(input: &LikelihoodInput) -> Likelihood {
    let mut reasons = Vec::with_capacity(3);
    let start = epss_part(input.epss, &mut reasons);
    let lifted = fitted_part(start, input, &mut reasons);
    let estimate = floors(lifted, input, &mut reasons);
    Likelihood { estimate, reasons }
}

/// `score` of any EPSS model on the scale of [`REFERENCE_MODEL`]: the value that has the same rank there,
/// among the CVEs that both models knew; a model that is newer than the table is taken at its percentile.
/// `None` for a score that is no probability. A percentile that is no share is ignored.
pub fn reference_epss(score: f64, percentile: f64, model: &str) -> Option<f64> {
    let score = probability(score)?;
    if model == REFERENCE_MODEL {
        return Some(score);
    }
    Some(probability_of_share(percentile).map_or(score, |share| quantile(model, share)))
}

/// What the fit adds to the EPSS value, in log-odds of EPSS: the KEV log-odds divided by the slope of KEV on EPSS.
pub fn fitted_shift(automatable: f64, total_impact: f64) -> f64 {
    let slope = MODELS
        .iter()
        .find(|model| model.name == REFERENCE_MODEL)
        .map_or(1.0, |model| model.slope);
    (AUTOMATABLE_WEIGHT * automatable + TOTAL_IMPACT_WEIGHT * total_impact) / slope
}

/// `epss` (reference scale) lifted by `shift` log-odds, never above [`FIT_CEILING`] and never below `epss`.
pub fn lift(epss: f64, shift: f64) -> f64 {
    if epss >= FIT_CEILING || shift <= 0.0 {
        return epss;
    }
    logistic(logit(epss) + shift).min(FIT_CEILING)
}

fn epss_part(epss: &Fact<Epss>, reasons: &mut Vec<Text>) -> Estimate {
    let known = match epss {
        Fact::Is(epss) => {
            reference_epss(epss.score, epss.percentile, &epss.model).map(|value| (epss, value))
        }
        Fact::Absent | Fact::Unknown(_) => None,
    };
    if let Some((epss, value)) = known {
        let said = format!("EPSS {} ({})", two_digits(epss.score), epss.model);
        let mapped = &*epss.model != REFERENCE_MODEL;
        reasons.push(if mapped {
            format!("{said}, by rank {} in {REFERENCE_MODEL}", two_digits(value)).into()
        } else {
            said.into()
        });
        return Estimate::exact(value);
    }
    let assumed = two_digits(MISSING_EPSS.expected);
    reasons.push(match epss {
        Fact::Is(_) => format!("the EPSS score is not a probability: {assumed} is assumed").into(),
        Fact::Absent => format!("no EPSS score yet: {assumed} is assumed").into(),
        Fact::Unknown(_) => format!("EPSS was not seen: {assumed} is assumed").into(),
    });
    MISSING_EPSS
}

fn fitted_part(start: Estimate, input: &LikelihoodInput, reasons: &mut Vec<Text>) -> Estimate {
    let points = DecisionPoints::of(input);
    let lifted = Estimate {
        low: lift(
            start.low,
            fitted_shift(points.automatable.low, points.total_impact.low),
        ),
        expected: lift(
            start.expected,
            fitted_shift(points.automatable.expected, points.total_impact.expected),
        ),
        high: lift(
            start.high,
            fitted_shift(points.automatable.high, points.total_impact.high),
        ),
    };
    // A lift that two digits do not show is no reason worth a line.
    let shown = two_digits(lifted.expected);
    if shown != two_digits(start.expected) {
        reasons.push(format!("{} raises it to {shown}", points.words()).into());
    }
    lifted
}

fn floors(mut estimate: Estimate, input: &LikelihoodInput, reasons: &mut Vec<Text>) -> Estimate {
    match input.ssvc {
        Fact::Is(ssvc) if ssvc.exploitation == Exploitation::Active => {
            raise(
                &mut estimate,
                ACTIVE_FLOOR,
                "active exploitation (CISA SSVC)",
                reasons,
            );
        }
        // Nobody looked: CISA could have asserted it.
        Fact::Unknown(_) => estimate.high = estimate.high.max(ACTIVE_FLOOR),
        Fact::Is(_) | Fact::Absent => {}
    }
    match input.kev {
        Fact::Is(kev) if kev.ransomware => {
            raise(
                &mut estimate,
                RANSOMWARE_FLOOR,
                "KEV with ransomware",
                reasons,
            );
        }
        Fact::Is(_) => raise(&mut estimate, KEV_FLOOR, "KEV", reasons),
        Fact::Unknown(_) => estimate.high = estimate.high.max(RANSOMWARE_FLOOR),
        Fact::Absent => {}
    }
    estimate
}

fn raise(estimate: &mut Estimate, floor: f64, who: &str, reasons: &mut Vec<Text>) {
    reasons.push(if estimate.expected < floor {
        format!("{who} raises it to {floor}").into()
    } else {
        format!("{who} agrees").into()
    });
    *estimate = estimate.max(Estimate::exact(floor));
}

/// SSVC's automatable and technical impact: CISA's word, else derived from CVSS, else from the severity word.
/// Only CISA's word is exact; a derived one keeps both ends open.
struct DecisionPoints {
    automatable: Estimate,
    total_impact: Estimate,
    source: &'static str,
}

impl DecisionPoints {
    fn of(input: &LikelihoodInput) -> Self {
        if let Fact::Is(ssvc) = input.ssvc {
            return DecisionPoints {
                automatable: Estimate::exact(f64::from(u8::from(ssvc.automatable))),
                total_impact: Estimate::exact(f64::from(u8::from(ssvc.total_impact))),
                source: "CISA SSVC",
            };
        }
        let open = |expected: f64| Estimate::between(0.0, expected, 1.0);
        let derived = |truth: Option<bool>, share: f64| {
            open(truth.map_or(share, |yes| f64::from(u8::from(yes))))
        };
        match (
            derive_automatable(input.profile),
            derive_total(input.profile),
        ) {
            (None, None) => {
                let (automatable, total) = match input.severity {
                    Severity::Critical => (1.0, 1.0),
                    Severity::High => (AUTOMATABLE_SHARE, 1.0),
                    Severity::Unknown => (AUTOMATABLE_SHARE, TOTAL_IMPACT_SHARE),
                    Severity::Medium | Severity::Low | Severity::Negligible => (0.0, 0.0),
                };
                DecisionPoints {
                    automatable: open(automatable),
                    total_impact: open(total),
                    source: "derived from the severity",
                }
            }
            (automatable, total) => DecisionPoints {
                automatable: derived(automatable, AUTOMATABLE_SHARE),
                total_impact: derived(total, TOTAL_IMPACT_SHARE),
                source: "derived from CVSS",
            },
        }
    }

    fn words(&self) -> String {
        let yes = |estimate: Estimate| estimate.expected >= 1.0;
        let what = match (yes(self.automatable), yes(self.total_impact)) {
            (true, true) => "automatable with total impact",
            (true, false) => "automatable",
            (false, true) => "total impact",
            (false, false) => "unknown automation or impact",
        };
        format!("{what} ({})", self.source)
    }
}

/// Whether an attack can be automated, as far as the CVSS vector says; `None` where it does not.
/// AV:N, AC:L, PR:N, UI:N: no step of the attack waits for a person or a credential.
pub fn derive_automatable(profile: &AttackProfile) -> Option<bool> {
    all([
        profile.vector.map(|vector| vector == AttackVector::Network),
        profile.high_complexity.map(|high| !high),
        profile
            .privileges
            .map(|privileges| privileges == PrivilegesRequired::None),
        profile.user_interaction.map(|needed| !needed),
    ])
}

/// Whether the technical impact is total: confidentiality and integrity are both lost.
pub fn derive_total(profile: &AttackProfile) -> Option<bool> {
    all([profile.confidentiality_high, profile.integrity_high])
}

/// Kleene's "and".
fn all<const N: usize>(parts: [Option<bool>; N]) -> Option<bool> {
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    parts.iter().all(Option::is_some).then_some(true)
}

/// The reference model's score at a percentile of `model`; linear in log-odds between the stored ranks.
fn quantile(model: &str, share: f64) -> f64 {
    let known = |name: &str| QUANTILES.iter().find(|of| of.0 == name);
    let Some((_, ranks)) = known(model).or_else(|| known(REFERENCE_MODEL)) else {
        return share;
    };
    let at = ranks.partition_point(|(rank, _)| *rank < share);
    let (Some(above), Some(below)) = (
        ranks.get(at).or(ranks.last()),
        ranks.get(at.saturating_sub(1)),
    ) else {
        return share;
    };
    let width = above.0 - below.0;
    let part = if width > 0.0 {
        ((share - below.0) / width).clamp(0.0, 1.0)
    } else {
        1.0
    };
    logistic(logit(below.1) + part * (logit(above.1) - logit(below.1)))
}

fn probability(value: f64) -> Option<f64> {
    probability_of_share(value).map(|value| value.clamp(SMALLEST, LARGEST))
}

fn probability_of_share(value: f64) -> Option<f64> {
    (0.0..=1.0).contains(&value).then_some(value)
}

fn logit(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// `0.43`, `0.0014`: two significant digits, never rounded up to 1.
fn two_digits(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let digits = if value <= 0.0 {
        2
    } else {
        (1..=5)
            .find(|digits| value >= 10f64.powi(-digits))
            .map_or(6, |first| first + 1)
    };
    let places = usize::try_from(digits).unwrap_or(2);
    let text = format!("{value:.places$}");
    if value < 1.0 && text.starts_with('1') {
        return format!("{value:.5}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use model::evidence::GapId;
    use proptest::prelude::*;

    fn epss(score: f64, percentile: f64, model: &str) -> Fact<Epss> {
        Fact::Is(Epss {
            score,
            percentile,
            model: model.into(),
            date: date(2026, 8, 16),
        })
    }

    fn kev(ransomware: bool) -> Fact<Kev> {
        Fact::Is(Kev {
            added: date(2026, 1, 1),
            ransomware,
            name: "x".into(),
        })
    }

    fn ssvc(exploitation: Exploitation, automatable: bool, total_impact: bool) -> Fact<Ssvc> {
        Fact::Is(Ssvc {
            exploitation,
            automatable,
            total_impact,
        })
    }

    fn ssvc_of(automatable: bool, total_impact: bool) -> Fact<Ssvc> {
        ssvc(Exploitation::None, automatable, total_impact)
    }

    /// L of what is given; the profile says nothing.
    fn l(epss: &Fact<Epss>, kev: &Fact<Kev>, ssvc: &Fact<Ssvc>) -> Likelihood {
        likelihood(&LikelihoodInput {
            epss,
            kev,
            ssvc,
            profile: &AttackProfile::default(),
            severity: Severity::Unknown,
        })
    }

    #[test]
    fn golden_values_and_reasons() {
        let quiet = ssvc(Exploitation::None, false, false);
        let check = |epss: &Fact<Epss>,
                     kev: &Fact<Kev>,
                     ssvc: &Fact<Ssvc>,
                     expected: f64,
                     reasons: &[&str]| {
            let found = l(epss, kev, ssvc);
            assert!(
                (found.estimate.expected - expected).abs() < 1e-9,
                "{found:?}"
            );
            let words: Vec<&str> = found.reasons.iter().map(|reason| &**reason).collect();
            assert_eq!(words, reasons);
        };
        let likely = epss(0.43, 0.98, REFERENCE_MODEL);
        check(
            &likely,
            &Fact::Absent,
            &quiet,
            0.43,
            &["EPSS 0.43 (v2026.06.15)"],
        );
        check(
            &likely,
            &kev(false),
            &quiet,
            0.9,
            &["EPSS 0.43 (v2026.06.15)", "KEV raises it to 0.9"],
        );
        check(
            &likely,
            &kev(true),
            &quiet,
            0.95,
            &[
                "EPSS 0.43 (v2026.06.15)",
                "KEV with ransomware raises it to 0.95",
            ],
        );
        check(
            &epss(0.99, 0.99, REFERENCE_MODEL),
            &kev(false),
            &ssvc(Exploitation::Active, true, true),
            0.99,
            &[
                "EPSS 0.99 (v2026.06.15)",
                "active exploitation (CISA SSVC) agrees",
                "KEV agrees",
            ],
        );
        check(
            &Fact::Absent,
            &Fact::Absent,
            &quiet,
            1.4e-3,
            &["no EPSS score yet: 0.0014 is assumed"],
        );
        check(
            &Fact::Unknown(GapId(0)),
            &Fact::Absent,
            &quiet,
            1.4e-3,
            &["EPSS was not seen: 0.0014 is assumed"],
        );
        check(
            &epss(f64::NAN, 0.5, REFERENCE_MODEL),
            &Fact::Absent,
            &quiet,
            1.4e-3,
            &["the EPSS score is not a probability: 0.0014 is assumed"],
        );
    }

    #[test]
    fn a_missing_score_is_wide_open() {
        let found = l(
            &Fact::Absent,
            &Fact::Absent,
            &ssvc(Exploitation::None, false, false),
        );
        assert_eq!(found.estimate, MISSING_EPSS);
        let blind = l(
            &Fact::Unknown(GapId(0)),
            &Fact::Unknown(GapId(0)),
            &Fact::Unknown(GapId(0)),
        );
        assert!(
            blind.estimate.low <= 1e-5 && blind.estimate.high >= RANSOMWARE_FLOOR,
            "{blind:?}"
        );
    }

    #[test]
    fn the_fit_orders_below_its_ceiling_only() {
        let both = ssvc(Exploitation::None, true, true);
        let none = ssvc(Exploitation::None, false, false);
        let at = |score: f64, ssvc: &Fact<Ssvc>| {
            l(&epss(score, 0.5, REFERENCE_MODEL), &Fact::Absent, ssvc)
                .estimate
                .expected
        };
        assert!(at(0.01, &both) > at(0.01, &none) * 2.0);
        assert!((at(0.09, &both) - FIT_CEILING).abs() < 1e-12);
        for score in [0.1, 0.3, 0.94] {
            assert!((at(score, &both) - score).abs() < 1e-12, "{score}");
        }
    }

    #[test]
    fn numbers_are_written_with_two_digits() {
        for (value, expected) in [
            (0.43, "0.43"),
            (0.0014, "0.0014"),
            (0.094_4, "0.094"),
            (0.00001, "0.000010"),
            (0.999_99, "0.99999"),
            (0.9, "0.90"),
        ] {
            assert_eq!(two_digits(value), expected);
        }
    }

    fn wild() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => 0.0f64..=1.0,
            1 => any::<f64>(),
        ]
    }

    fn model_name() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("v2023.03.01"),
            Just("v2025.03.14"),
            Just(REFERENCE_MODEL),
            Just("v2031.01.01"),
            Just(""),
        ]
    }

    fn points() -> impl Strategy<Value = Fact<Ssvc>> {
        prop_oneof![
            Just(Fact::Absent),
            Just(Fact::Unknown(GapId(1))),
            (0u8..3, any::<bool>(), any::<bool>()).prop_map(|(e, a, t)| ssvc(
                match e {
                    0 => Exploitation::None,
                    1 => Exploitation::PublicPoc,
                    _ => Exploitation::Active,
                },
                a,
                t
            )),
        ]
    }

    proptest! {
        #[test]
        fn finite_ordered_and_never_below_epss(score in wild(), percentile in wild(), model in model_name(), ssvc in points(), listed: bool, ransomware: bool) {
            let kev = if listed { kev(ransomware) } else { Fact::Absent };
            let found = l(&epss(score, percentile, model), &kev, &ssvc);
            let Estimate { low, expected, high } = found.estimate;
            prop_assert!(0.0 < low && low <= expected && expected <= high && high < 1.0, "{:?}", found);
            prop_assert!(!found.reasons.is_empty());
            if let Some(reference) = reference_epss(score, percentile, model) {
                prop_assert!(low >= reference);
            }
            if listed {
                prop_assert!(low >= KEV_FLOOR);
            }
            if matches!(ssvc, Fact::Is(Ssvc { exploitation: Exploitation::Active, .. })) {
                prop_assert!(low >= ACTIVE_FLOOR);
            }
        }

        #[test]
        fn monotone(score in 1e-5f64..1.0, more in 0.0f64..1.0, percentile in 0.0f64..=1.0, model in model_name(), ssvc in points()) {
            let at = |score: f64, percentile: f64| l(&epss(score, percentile, model), &Fact::Absent, &ssvc).estimate;
            let (a, b) = (at(score, percentile), at(score + (1.0 - score) * more, percentile + (1.0 - percentile) * more));
            prop_assert!(b.low >= a.low && b.expected >= a.expected && b.high >= a.high, "{:?} {:?}", a, b);
            let listed = l(&epss(score, percentile, model), &kev(false), &ssvc).estimate;
            prop_assert!(listed.low >= a.low && listed.expected >= a.expected && listed.high >= a.high);
            if let Fact::Is(known) = ssvc {
                for worse in [Ssvc { automatable: true, ..known }, Ssvc { total_impact: true, ..known }, Ssvc { exploitation: Exploitation::Active, ..known }] {
                    let b = l(&epss(score, percentile, model), &Fact::Absent, &Fact::Is(worse)).estimate;
                    prop_assert!(b.low >= a.low && b.expected >= a.expected && b.high >= a.high);
                }
            }
        }

        /// Whatever CISA, KEV or EPSS turn out to say lies within what was shown while they were not seen;
        /// of a missing EPSS score that holds for what is below the stated 0.1.
        #[test]
        fn unknown_lies_between(score in 1e-5f64..0.1, ssvc in points(), listed: bool, automatable: Option<bool>, total: Option<bool>) {
            let kev = if listed { kev(true) } else { Fact::Absent };
            let within = |outer: Estimate, inner: Estimate| outer.low <= inner.low && inner.high <= outer.high;
            let known = epss(score, 0.5, REFERENCE_MODEL);
            let after = l(&known, &kev, &ssvc).estimate;
            prop_assert!(within(l(&Fact::Unknown(GapId(0)), &kev, &ssvc).estimate, after));
            prop_assert!(within(l(&known, &Fact::Unknown(GapId(0)), &ssvc).estimate, after));
            prop_assert!(within(l(&known, &kev, &Fact::Unknown(GapId(0))).estimate, after));
            // What is derived from CVSS keeps the ends open that CISA may choose.
            let profile = AttackProfile {
                vector: automatable.map(|yes| if yes { AttackVector::Network } else { AttackVector::Local }),
                confidentiality_high: total,
                ..AttackProfile::default()
            };
            let derived = likelihood(&LikelihoodInput { epss: &known, kev: &kev, ssvc: &Fact::Absent, profile: &profile, severity: Severity::Unknown }).estimate;
            for (a, t) in [(false, false), (true, true)] {
                let said = l(&known, &kev, &ssvc_of(a, t)).estimate;
                prop_assert!(within(derived, said));
            }
        }

        #[test]
        fn ranks_map_within_the_published_range(percentile in 0.0f64..=1.0, model in model_name()) {
            let mapped = reference_epss(0.5, percentile, model).unwrap();
            prop_assert!((4e-4..1.0).contains(&mapped));
        }
    }
}
