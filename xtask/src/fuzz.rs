//! `cargo xtask fuzz [SECONDS]`: each target in `fuzz/fuzz_targets` for a few seconds, with
//! coverage feedback. The flags are those of cargo-fuzz without the sanitizer, which alone would
//! need a nightly compiler. Found inputs stay in `fuzz/artifacts`, interesting ones in `fuzz/corpus`; seeds that
//! are part of the project lie in `fuzz/seeds`.

use crate::{command, place};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Coverage counters, comparisons and the program-counter table that libFuzzer reads.
const FLAGS: &str = "--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// True if every target ran for `seconds` without a crash, a hang or too much memory.
pub(crate) fn run(seconds: &str) -> Result<bool> {
    let _: u32 = seconds
        .parse()
        .with_context(|| format!("not a number of seconds: {seconds}"))?;
    let fuzz = place::root().join("fuzz");
    let targets = targets(&fuzz)?;
    // With a target named, flags reach only what is fuzzed, not build scripts.
    let host = command::output(Command::new("rustc").arg("--print").arg("host-tuple"))?;
    let host = host.trim();
    command::run(
        command::cargo()
            .args(["build", "--release", "--target", host, "--manifest-path"])
            .arg(fuzz.join("Cargo.toml"))
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", fuzz.join("target")),
    )?;
    let mut sound = true;
    for target in &targets {
        let corpus = fuzz.join("corpus").join(target);
        let artifacts = fuzz.join("artifacts").join(target);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&artifacts)?;
        let seeds = fuzz.join("seeds").join(target);
        let program = fuzz.join("target").join(host).join("release").join(target);
        println!("fuzzing {target} for {seconds} s");
        let mut fuzzer = Command::new(program);
        fuzzer
            .arg(format!("-max_total_time={seconds}"))
            .args([
                "-rss_limit_mb=1024",
                "-timeout=10",
                "-print_final_stats=1",
                "-verbosity=0",
            ])
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg(corpus);
        if seeds.is_dir() {
            fuzzer.arg(seeds);
        }
        if let Err(error) = command::run(&mut fuzzer) {
            eprintln!("error: {error:#}");
            sound = false;
        }
    }
    println!("fuzzed {} targets", targets.len());
    Ok(sound)
}

fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let folder = fuzz.join("fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    names.sort();
    anyhow::ensure!(!names.is_empty(), "no fuzz target in {}", folder.display());
    Ok(names)
}
