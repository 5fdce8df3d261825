//! `cargo xtask test`: every test of the workspace, with the API server beside it. Out: the
//! runner's lines that matter and, last and alone, `N passed, N failed, N skipped`.

use crate::count::Count;
use crate::e2e::Server;
use crate::{command, install, place};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Runs everything; true if nothing failed. With `install`, first brings what the tests need.
pub(crate) fn run(install: bool) -> Result<bool> {
    if install {
        install::all()?;
    }
    let mut count = Count::default();
    for need in install::missing() {
        eprintln!("missing: {need}");
    }
    // `cargo test`, not nextest: a conformance binary reads its archive once for thousands of
    // trials, and nextest starts a process for each trial.
    let tests = || {
        let mut command = command::cargo();
        command.args(["test", "--profile", "ci", "--workspace", "--no-fail-fast"]);
        command
    };
    // Before the server starts, so that it does not wait through minutes of compiling.
    if let Err(error) = command::run(tests().args(["--quiet", "--no-run"])) {
        eprintln!("error: {error:#}");
        count.failed = 1;
        println!("{count}");
        return Ok(false);
    }
    let server = Server::get();
    let mut command = tests();
    command.env("PLIMSOLL_TOOLS", place::tools());
    if let Ok(shared) = place::shared().canonicalize() {
        command.env("PLIMSOLL_SHARED", shared);
    } else {
        eprintln!("missing: the shared data (PLIMSOLL_SHARED); conformance tests are skipped");
    }
    server.tell(&mut command);
    count_tests(&mut command, &mut count)?;
    server.account(&mut count);
    drop(server);
    if count.passed == 0 && count.failed == 0 {
        eprintln!("no test ran");
        count.failed = 1;
    }
    println!("{count}");
    Ok(count.failed == 0)
}

/// Runs a `cargo test`, prints all but the passed tests, and adds up its results. A run that
/// ends badly without naming a failed test (a compile error, a crash) is one failure more.
pub(crate) fn count_tests(command: &mut Command, count: &mut Count) -> Result<()> {
    command
        .args(["--", "--show-output"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo test")?;
    let stdout = child.stdout.take().context("cargo test has no output")?;
    let failed_before = count.failed;
    let mut of_passed = false;
    let mut counted = false;
    let mut skipped = 0;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read the output of cargo test")?;
        let line = String::from_utf8_lossy(&line);
        match line.trim_end() {
            "successes:" => of_passed = true,
            "failures:" => of_passed = false,
            text if text.starts_with("test result: ") => of_passed = false,
            _ => {}
        }
        count.read(&line);
        if of_passed {
            if line.starts_with("---- ") {
                counted = false;
            } else if line.starts_with("skipped: ") {
                skipped += u64::from(!counted);
                counted = true;
                println!("{line}");
            }
        } else if !(line.starts_with("test ") && line.ends_with("... ok")) {
            println!("{line}");
        }
    }
    (0..skipped).for_each(|_| count.skip_one_passed());
    let status = child.wait()?;
    if !status.success() && count.failed == failed_before {
        eprintln!("cargo test ended with {status} and named no failed test");
        count.failed += 1;
    }
    Ok(())
}
