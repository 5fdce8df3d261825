//! The binary beside others, on real inputs that `cargo xtask test --install` makes: what it finds in an image is what
//! Syft finds, or the difference has its reason here; and an image goes from a real registry to a queue.
//! One trial a case; what is absent is said and skipped, or fails where `PLIMSOLL_REQUIRE` names it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::print_stderr)] // a skipped trial is said

mod debsecan;
mod packages;
mod reference;
mod root;
#[path = "../it/runner.rs"]
#[allow(dead_code)] // the other tests need more of it
mod runner;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = packages::trials();
    trials.extend(reference::trials());
    trials.extend(debsecan::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial that needs things: each with the word of `PLIMSOLL_REQUIRE` that makes its absence a failure.
pub(crate) fn trial(
    name: impl Into<String>,
    needs: &[(&str, bool)],
    check: impl FnOnce() + Send + 'static,
) -> Trial {
    let name = name.into();
    let Some((absent, _)) = needs.iter().find(|(_, there)| !there) else {
        return Trial::test(name, move || {
            check();
            Ok(())
        });
    };
    let text = format!("{name}: {absent} is absent: cargo xtask test --install");
    if testkit::required(absent) {
        return Trial::test(name, move || Err(text.into()));
    }
    eprintln!("skipped: {text}");
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}
