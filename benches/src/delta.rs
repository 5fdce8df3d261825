//! What one candidate object adds to a cluster that is in memory.
//! Comes in: a saved Snapshot. Goes out: the 99th percentile over 1,000 candidates, drawn from all of its objects.

use crate::{Line, line};
use scan::attack::Cluster;
use scan::delta::Standing;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use testkit::candidates::{Dice, candidate};

const CANDIDATES: usize = 1_000;
const SEED: u64 = 4;

pub(crate) fn delta(snapshot: &Path) -> anyhow::Result<Vec<Line>> {
    let snapshot = scan::inputs::snapshot(snapshot)?;
    let declarations = scan::inputs::Declarations::default();
    let cluster = Cluster::of(&snapshot, &declarations, None);
    let mut standing = Standing::of(&snapshot, &cluster, &declarations);
    let mut dice = Dice::new(SEED);
    let mut all: Vec<f64> = Vec::with_capacity(CANDIDATES);
    let mut kinds: BTreeMap<String, (Vec<f64>, usize, usize)> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    while all.len() < CANDIDATES {
        let Some(object) = candidate(&snapshot, &mut dice) else {
            continue;
        };
        let start = Instant::now();
        let delta = standing.consider(&object);
        let took = start.elapsed().as_secs_f64() * 1e3;
        all.push(took);
        let (of, whole, new) = kinds.entry(object.gvk.kind.to_string()).or_default();
        of.push(took);
        *whole += usize::from(delta.whole.is_some());
        if let Some(why) = delta.whole {
            *reasons.entry(why).or_default() += 1;
        }
        *new += delta.routes.routes.len();
    }
    for (kind, (mut took, whole, new)) in kinds {
        took.sort_by(f64::total_cmp);
        println!(
            "  {kind:<20} {:>4} candidates, {whole:>3} computed whole, {new:>6} new routes, median {:>8.2} ms, worst {:>8.2} ms",
            took.len(),
            percentile(&took, 50),
            percentile(&took, 100),
        );
    }
    for (why, times) in reasons {
        println!("  computed whole {times:>3} times: {why}");
    }
    all.sort_by(f64::total_cmp);
    Ok(vec![
        line("one candidate: median", percentile(&all, 50), 5.0, "ms"),
        line(
            "one candidate: 99th percentile",
            percentile(&all, 99),
            5.0,
            "ms",
        ),
    ])
}

/// Of ordered values.
fn percentile(ordered: &[f64], percent: usize) -> f64 {
    let at = (ordered.len() * percent).div_ceil(100).saturating_sub(1);
    ordered.get(at).copied().unwrap_or_default()
}
