//! How well a ranking puts the later exploited ones on top: area under the curve, coverage at an effort,
//! bootstrap intervals over the few positives (the negatives are so many that they add no variance to speak of).

/// Where each positive stands in a ranking.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    pub name: &'static str,
    members: usize,
    /// Per positive: share of the negatives below it, ties count half.
    placements: Vec<f64>,
    /// Per positive: how many members are above it, and how many stand with it.
    spots: Vec<(usize, usize)>,
}

impl Ranking {
    pub(crate) fn of(name: &'static str, scores: &[f64], positive: &[bool]) -> Ranking {
        let sorted = |keep: bool| {
            let mut some: Vec<f64> = scores
                .iter()
                .zip(positive)
                .filter(|(_, p)| !keep || !**p)
                .map(|(s, _)| *s)
                .collect();
            some.sort_by(f64::total_cmp);
            some
        };
        let (all, negatives) = (sorted(false), sorted(true));
        let below = |sorted: &[f64], score: f64| sorted.partition_point(|s| *s < score);
        let up_to = |sorted: &[f64], score: f64| sorted.partition_point(|s| *s <= score);
        let of_positives = || {
            scores
                .iter()
                .zip(positive)
                .filter(|(_, p)| **p)
                .map(|(s, _)| *s)
        };
        Ranking {
            name,
            members: scores.len(),
            placements: of_positives()
                .map(|score| {
                    let (low, high) = (below(&negatives, score), up_to(&negatives, score));
                    (low + high) as f64 / 2.0 / negatives.len().max(1) as f64
                })
                .collect(),
            spots: of_positives()
                .map(|score| {
                    let (low, high) = (below(&all, score), up_to(&all, score));
                    (all.len() - high, high - low)
                })
                .collect(),
        }
    }

    pub(crate) fn positives(&self) -> usize {
        self.placements.len()
    }

    pub(crate) fn auc(&self) -> f64 {
        mean(self.placements.iter().copied())
    }

    /// Share of the positives among the first `effort` of all members; ties are cut evenly.
    pub(crate) fn coverage(&self, effort: f64) -> f64 {
        let taken = effort * self.members as f64;
        mean(
            self.spots
                .iter()
                .map(|(above, tied)| ((taken - *above as f64) / *tied as f64).clamp(0.0, 1.0)),
        )
    }

    /// The smallest effort that covers so many of the positives.
    pub(crate) fn effort(&self, coverage: f64) -> f64 {
        let mut depths: Vec<f64> = self
            .spots
            .iter()
            .map(|(above, tied)| *above as f64 + *tied as f64 / 2.0)
            .collect();
        depths.sort_by(f64::total_cmp);
        let wanted = (coverage * depths.len() as f64).ceil() as usize;
        depths[wanted.max(1) - 1] / self.members as f64
    }

    /// 95 % interval of the area under the curve.
    pub(crate) fn interval(&self) -> (f64, f64) {
        bootstrap(&self.placements)
    }

    /// 95 % interval of the difference of the areas, paired by positive.
    pub(crate) fn gain(&self, over: &Ranking) -> (f64, f64, f64) {
        let differences: Vec<f64> = self
            .placements
            .iter()
            .zip(&over.placements)
            .map(|(a, b)| a - b)
            .collect();
        let (low, high) = bootstrap(&differences);
        (mean(differences.iter().copied()), low, high)
    }
}

pub(crate) const RESAMPLES: usize = 4000;

fn bootstrap(values: &[f64]) -> (f64, f64) {
    let mut random = SplitMix(0x5eed_0f50_f1e5);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| mean((0..values.len()).map(|_| values[random.below(values.len())])))
        .collect();
    means.sort_by(f64::total_cmp);
    (means[RESAMPLES / 40], means[RESAMPLES - 1 - RESAMPLES / 40])
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// `SplitMix64`: small, and the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from((u128::from(z) * bound as u128) >> 64).unwrap()
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "these are exact")]
fn a_perfect_a_reversed_and_a_constant_ranking() {
    let positive = [false, false, false, true, true];
    let of = |scores: [f64; 5]| Ranking::of("x", &scores, &positive);
    assert_eq!(of([1.0, 2.0, 3.0, 4.0, 5.0]).auc(), 1.0);
    assert_eq!(of([5.0, 4.0, 3.0, 2.0, 1.0]).auc(), 0.0);
    let flat = of([1.0; 5]);
    assert_eq!((flat.auc(), flat.coverage(0.2)), (0.5, 0.2));
    assert_eq!(of([1.0, 2.0, 3.0, 4.0, 5.0]).coverage(0.2), 0.5);
    assert_eq!(of([1.0, 2.0, 3.0, 4.0, 5.0]).effort(0.5), 0.1);
}
