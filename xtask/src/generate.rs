//! `cargo xtask gen`: writes every generated file anew. A generated file has one test, named
//! `generated_*`, that compares it with what it should be; with `PLIMSOLL_GENERATE=1` the same
//! test writes it. So generator and drift test cannot disagree, and this file knows none of them.

use crate::command;
use anyhow::Result;

pub(crate) fn run() -> Result<bool> {
    let mut tests = command::cargo();
    tests
        .args([
            "test",
            "--profile",
            "ci",
            "--workspace",
            "--quiet",
            "--no-fail-fast",
            "generated_",
        ])
        .env("PLIMSOLL_GENERATE", "1");
    command::run(&mut tests)?;
    println!("generated files are written; `git diff` shows what changed");
    Ok(true)
}
