//! The backtest of the likelihood: EPSS and CISA's decision points of the past against later KEV entries.
//! In: the shared feeds; out: `crates/intel/src/likelihood_table.rs` and `docs/score-validation.md`, which are
//! compared with what is checked in, or written with `PLIMSOLL_GENERATE=1`. Absent feeds: skipped, and said so.
#![cfg(test)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks and counts are small and never negative"
)]

mod feeds;
mod fit;
mod measure;
mod study;
mod write;

use std::fs;
use std::path::Path;

#[test]
fn generated_likelihood_table_and_validation() {
    let Some(folder) = testkit::shared("feeds") else {
        return;
    };
    let study = study::Study::of(&feeds::Feeds::read(&folder));
    keep(
        "crates/intel/src/likelihood_table.rs",
        &write::table(&study),
    );
    keep("docs/score-validation.md", &write::document(&study));
}

/// Prioritisation facts 6.6: a new EPSS model is no new risk. The table was made from other days of the old models.
#[test]
fn a_model_switch_moves_the_median_score_by_less_than_a_point() {
    let Some(folder) = testkit::shared("feeds") else {
        return;
    };
    let [v3, v4, v5] =
        ["2024-09-29", "2025-06-08", "2026-08-16"].map(|day| feeds::epss(&folder, day));
    for (old, new) in [(&v3, &v4), (&v4, &v5)] {
        let change = study::switch(old, new);
        assert!(old.model != new.model && change.cves > 200_000);
        assert!(
            change.of_median.abs() < 1.0,
            "{} to {}: {change:?}",
            old.model,
            new.model
        );
        // Without the mapping the same switch is no small thing.
        assert!(change.of_median_unmapped.abs() > 2.0, "{change:?}");
    }
}

/// Writes a generated file, or fails where it is not what it should be.
fn keep(file: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("PLIMSOLL_GENERATE").is_some() {
        fs::write(&path, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{file} is not what `cargo xtask backtest` writes; run it and look at the difference"
    );
}
