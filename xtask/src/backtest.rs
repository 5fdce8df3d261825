//! `cargo xtask backtest [--check]`: fits the likelihood on EPSS and KEV of the past and writes its table and
//! `docs/score-validation.md`. The work is a test of `tests/backtest`, so that generator and drift test cannot
//! disagree and `cargo xtask` itself stays small.

use crate::command;
use anyhow::Result;

/// With `check` nothing is written: what is checked in must be what comes out.
pub(crate) fn run(check: bool) -> Result<bool> {
    let mut tests = command::cargo();
    tests
        .args(["test", "--profile", "ci", "--package", "xtask", "--test", "backtest", "--", "--nocapture"])
        .env("PLIMSOLL_REQUIRE", "shared");
    if check {
        tests.env_remove("PLIMSOLL_GENERATE");
    } else {
        tests.env("PLIMSOLL_GENERATE", "1");
    }
    command::run(&mut tests)?;
    Ok(true)
}
