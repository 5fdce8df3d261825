//! The scale of the score: R in [0, 1] to points 0 to 100, logarithmic, so that factors add up.
//! Comes in: probabilities; goes out: points. It must never turn a NaN into a number that looks safe.

use model::evidence::Estimate;

/// R that is shown as 0 points; R = 1 is 100 points.
pub const SMALLEST_RISK: f64 = 1e-7;
const DECADES: f64 = 7.0;

/// Points that a factor of R adds: 0.1 costs 14.3, 0.5 costs 4.3.
pub(crate) fn factor_points(factor: f64) -> f64 {
    100.0 / DECADES * factor.log10()
}

/// Points of R before rounding, 0 to 100.
pub(crate) fn points(risk: f64) -> f64 {
    if risk <= SMALLEST_RISK {
        return 0.0;
    }
    (100.0 + factor_points(risk)).clamp(0.0, 100.0)
}

/// Rounded to 0.1: what is shown and sorted by.
pub(crate) fn rounded(points: f64) -> f64 {
    (points * 10.0).round() / 10.0
}

pub(crate) fn shown(risk: Estimate) -> Estimate {
    risk.map(|risk| rounded(points(risk)))
}

/// Share of the log range that is known.
pub(crate) fn confidence(risk: Estimate) -> f64 {
    1.0 - (points(risk.high) - points(risk.low)) / 100.0
}

/// A probability as others gave it; what is no number stays open at that end.
pub(crate) fn sane(estimate: Estimate) -> Estimate {
    let bound = |value: f64, otherwise: f64| {
        if value.is_nan() {
            otherwise
        } else {
            value.clamp(0.0, 1.0)
        }
    };
    let expected = bound(estimate.expected, 1.0);
    Estimate::between(
        bound(estimate.low, 0.0),
        expected,
        bound(estimate.high, 1.0),
    )
}

/// Where a score stands. The edges are R of 6e-5, 2e-3 and 0.04.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    Low,
    Medium,
    High,
    Critical,
}

/// The band of rounded points.
pub fn band(points: f64) -> Band {
    match points {
        p if p < 40.0 => Band::Low,
        p if p < 60.0 => Band::Medium,
        p if p < 80.0 => Band::High,
        _ => Band::Critical,
    }
}
