//! `cargo xtask backtest [--check]`: fits the likelihood on EPSS and KEV of the past and writes its table and
//! `docs/score-validation.md`. The work is a test of `tests/backtest`, so that generator and drift test cannot
//! disagree and `cargo xtask` itself stays small.

use crate::command;
use anyhow::Result;
use std::process::Command;

/// With `check` nothing is written: what is checked in must be what comes out.
/// Written twice: the document measures the product's own likelihood, which is made of the table.
pub(crate) fn run(check: bool) -> Result<bool> {
    if !check {
        command::run(&mut study(true))?;
        command::run(&mut study(true))?;
    }
    command::run(&mut study(false))?;
    Ok(true)
}

fn study(write: bool) -> Command {
    let mut tests = command::cargo();
    tests
        .args(["test", "--profile", "ci", "--package", "xtask"])
        .args(["--test", "backtest"])
        .env("PLIMSOLL_REQUIRE", "shared")
        .env_remove("PLIMSOLL_GENERATE");
    if write {
        tests.env("PLIMSOLL_GENERATE", "1");
    }
    tests
}
