//! A lower bound of a hitting set: Lagrange multipliers of the sets, improved along subgradients (Held and Karp, 1971).
//! Comes in: sets of elements, costs, the cost that is to be beaten. Goes out: a bound, and what each element adds to it.
//! Never: a bound above the truth: whatever the multipliers are, the bound is valid.

use super::flow::ONE;

/// What rounding may add to a bound, relative and absolute.
const ROUNDING: (f64, f64) = (1e-11, 1e-6);

/// Costs as a number of elements and a fraction below one for all prices together.
pub(super) struct Relaxed {
    /// No hitting set costs less.
    bound: f64,
    /// A hitting set with the element costs `bound` and this at least; without it, `bound` less this, if this is
    /// negative.
    reduced: Vec<f64>,
    /// One and all prices: what makes costs whole numbers.
    whole: f64,
}

/// `costs` as in [`ONE`] and a price below.
pub(super) fn relax(sets: &[Vec<u32>], costs: &[u128], goal: u128, rounds: usize) -> Relaxed {
    let whole = 1.0 + costs.iter().map(|cost| (cost % ONE) as f64).sum::<f64>();
    let scaled = |cost: u128| (cost / ONE) as f64 + (cost % ONE) as f64 / whole;
    let cost: Vec<f64> = costs.iter().map(|cost| scaled(*cost)).collect();
    let mut holders = vec![0.0_f64; cost.len()];
    for element in sets.iter().flatten() {
        holders[*element as usize] += 1.0;
    }
    let share = |element: &u32| cost[*element as usize] / holders[*element as usize];
    let start = |set: &Vec<u32>| set.iter().map(share).fold(f64::INFINITY, f64::min);
    let mut weight: Vec<f64> = sets.iter().map(start).collect();
    let mut best = Relaxed {
        bound: f64::NEG_INFINITY,
        reduced: cost.clone(),
        whole,
    };
    let (mut pace, mut stuck) = (1.0, 0);
    for _ in 0..rounds {
        let mut reduced = cost.clone();
        for (set, weight) in sets.iter().zip(&weight) {
            for element in set {
                reduced[*element as usize] -= weight;
            }
        }
        let bound = weight.iter().sum::<f64>() + reduced.iter().map(|r| r.min(0.0)).sum::<f64>();
        let taken = |set: &Vec<u32>| set.iter().filter(|e| reduced[**e as usize] < 0.0).count();
        let slope: Vec<f64> = sets.iter().map(|set| 1.0 - taken(set) as f64).collect();
        let steep: f64 = slope.iter().map(|slope| slope * slope).sum();
        stuck += 1;
        if bound > best.bound {
            if bound > best.bound + 1e-4 {
                stuck = 0;
            }
            (best.bound, best.reduced) = (bound, reduced);
        }
        if stuck > 6 {
            (pace, stuck) = (pace * 0.5, 0);
        }
        if steep <= 0.0 || pace < 1e-3 || best.reaches(goal, 0.0) {
            break;
        }
        let step = pace * (scaled(goal) - bound).max(0.05) / steep;
        for (weight, slope) in weight.iter_mut().zip(&slope) {
            *weight = (*weight + step * slope).max(0.0);
        }
    }
    best
}

impl Relaxed {
    /// Whether nothing below the goal is left, where `more` is added to the bound.
    fn reaches(&self, goal: u128, more: f64) -> bool {
        let goal = (goal / ONE) as f64 * self.whole + (goal % ONE) as f64;
        let bound = (self.bound + more) * self.whole;
        bound - bound.abs() * ROUNDING.0 - ROUNDING.1 > goal - 1.0
    }

    pub(super) fn hopeless(&self, goal: u128) -> bool {
        self.reaches(goal, 0.0)
    }

    /// Nothing below the goal has the element.
    pub(super) fn excludes(&self, element: u32, goal: u128) -> bool {
        self.reaches(goal, self.reduced[element as usize].max(0.0))
    }

    /// Everything below the goal has the element.
    pub(super) fn includes(&self, element: u32, goal: u128) -> bool {
        let reduced = self.reduced[element as usize];
        reduced < 0.0 && self.reaches(goal, -reduced)
    }

    /// How many elements there are at least, where all prices are 0.
    pub(super) fn count(&self) -> u32 {
        let mut count = 0;
        while f64::from(count) < self.bound - ROUNDING.1 {
            count += 1;
        }
        count
    }
}
