//! KEV listings within 90 days as a logistic function of the EPSS score, per EPSS model.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub intercept: f64,
    pub slope: f64,
}

impl Line {
    pub(crate) fn at(&self, epss: f64) -> f64 {
        logistic(self.intercept + self.slope * logit(epss))
    }
}

pub(crate) fn logit(probability: f64) -> f64 {
    let p = probability.clamp(1e-5, 1.0 - 1e-5);
    (p / (1.0 - p)).ln()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Newton's method on the log-likelihood; members with the same score are one group.
pub(crate) fn logistic_line(members: impl Iterator<Item = (f64, bool)>) -> Line {
    let mut groups: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for (score, positive) in members {
        let group = groups.entry(score.to_bits()).or_default();
        group.0 += 1.0;
        group.1 += f64::from(u8::from(positive));
    }
    let (mut a, mut b) = (-7.0, 0.5);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (bits, (count, positives)) in &groups {
            let x = logit(f64::from_bits(*bits));
            let p = logistic(a + b * x);
            let (error, weight) = (positives - count * p, count * p * (1.0 - p));
            ga += error;
            gb += error * x;
            haa += weight;
            hab += weight * x;
            hbb += weight * x * x;
        }
        let determinant = haa * hbb - hab * hab;
        let (da, db) = (
            (hbb * ga - hab * gb) / determinant,
            (haa * gb - hab * ga) / determinant,
        );
        // Small steps at first: far from the answer Newton's are too long.
        a += da.clamp(-1.0, 1.0);
        b += db.clamp(-0.2, 0.2);
        if da.abs() + db.abs() < 1e-12 {
            break;
        }
    }
    Line {
        intercept: a,
        slope: b,
    }
}

/// The line of another model whose scores have the same ranks: least squares over equal ranks.
/// `from` and `to` are scores in rising order.
pub(crate) fn by_rank(line: &Line, from: &[f64], to: &[f64]) -> Line {
    const RANKS: usize = 10_000;
    let at = |scores: &[f64], rank: usize| scores[(scores.len() - 1) * rank / RANKS];
    let points: Vec<(f64, f64)> = (0..=RANKS)
        .map(|rank| (logit(at(to, rank)), logit(line.at(at(from, rank)))))
        .collect();
    let n = points.len() as f64;
    let (mx, my) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (sxy, sxx) = points.iter().fold((0.0, 0.0), |(xy, xx), p| {
        (xy + (p.0 - mx) * (p.1 - my), xx + (p.0 - mx).powi(2))
    });
    let slope = sxy / sxx;
    Line {
        intercept: my - slope * mx,
        slope,
    }
}

#[test]
fn a_line_is_found_again() {
    let truth = Line {
        intercept: -2.0,
        slope: 0.8,
    };
    let members = (1..100).flat_map(|n| {
        let score = f64::from(n) / 100.0;
        let positives = (truth.at(score) * 10_000.0).round() as usize;
        (0..10_000).map(move |i| (score, i < positives))
    });
    let found = logistic_line(members);
    assert!(
        (found.intercept - truth.intercept).abs() < 0.01,
        "{found:?}"
    );
    assert!((found.slope - truth.slope).abs() < 0.01, "{found:?}");
}
