//! The project's own tool: `cargo xtask COMMAND`. In: a command's name and its switches;
//! out: lines for a person and an exit code. It must never hold product logic.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the house that talks to the person who started it"
)]

mod apiserver;
mod backtest;
mod command;
mod count;
mod e2e;
mod fuzz;
mod generate;
mod install;
mod kubernetes;
mod pin;
mod place;
mod root;
mod suite;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--install]   run every test; with --install first install what the tests need,
                     without it name what is missing (the tests that need it are skipped)
  install            install what the tests need, and run none
  e2e                run the live collector against a real API server: the cluster of
                     PLIMSOLL_E2E_KUBECONFIG, else one built from the distribution's source
  apiserver          start that API server and keep it until Enter or end of input
  fuzz [SECONDS]     each fuzz target for some seconds (10)
  backtest [--check] fit the likelihood on the past, write its table and docs/score-validation.md
                     (--check: only compare)
  pin NAME@DIGEST    write the released image into the CI files of deploy/ci
  gen                write every generated file anew (schemas, the README's demo output)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => suite::run(false),
        ["test", "--install"] => suite::run(true),
        ["install"] => install::all().map(|()| true),
        ["e2e"] => e2e::run(),
        ["apiserver"] => e2e::keep(),
        ["fuzz"] => fuzz::run("10"),
        ["fuzz", seconds] => fuzz::run(seconds),
        ["backtest"] => backtest::run(false),
        ["backtest", "--check"] => backtest::run(true),
        ["pin", image] => pin::run(image),
        ["gen"] => generate::run(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
