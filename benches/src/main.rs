//! The bars of the project, measured: `cargo build --release && cargo run --release -p benches -- [NAME ...]`.
//! Each bar runs the release binary as a user does and prints CPU seconds and peak memory beside the bar; a missed bar
//! ends with 1. Scanners of others take part where they are installed (`images`), and then have to be beaten.
#![allow(clippy::print_stdout)] // a table is its output

mod attack;
mod child;
mod delta;
mod generate;
mod images;

use anyhow::{Context, bail};
use child::{Usage, measure};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Bar {
    name: &'static str,
    what: &'static str,
    run: fn(&Path, &Path) -> anyhow::Result<Vec<Line>>,
}

/// One measured figure beside its bar.
struct Line {
    what: String,
    measured: f64,
    bar: f64,
    unit: &'static str,
}

const BARS: &[Bar] = &[
    Bar {
        name: "queue",
        what: "200 images, 25,000 and 1,000,000 findings, 3,000 pods, from files to queue",
        run: queue,
    },
    Bar {
        name: "cluster",
        what: "10,000-pod cluster through the replay server",
        run: cluster,
    },
    Bar {
        name: "database",
        what: "database of all feeds",
        run: database,
    },
    Bar {
        name: "manifests",
        what: "20 MB of YAML",
        run: manifests,
    },
    Bar {
        name: "images",
        what: "Debian's minbase, packages and matches, beside other scanners",
        run: images::images,
    },
    Bar {
        name: "attack",
        what: "attack paths of 3,000, 9,000 and 30,000 pods, and of the recorded 10,000",
        run: attack::attack,
    },
    Bar {
        name: "many",
        what: "one database of all feeds for 8 scans at once",
        run: images::many,
    },
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::FLAG) {
        return child::run(arguments.get(1..).unwrap_or(&[]));
    }
    if arguments
        .iter()
        .any(|argument| matches!(argument.as_str(), "-h" | "--help"))
    {
        println!("usage: cargo run --release -p benches -- [NAME ...]\n");
        for bar in BARS {
            println!("  {:<10} {}", bar.name, bar.what);
        }
        return Ok(());
    }
    if let Some(unknown) = arguments
        .iter()
        .find(|name| !BARS.iter().any(|bar| bar.name == **name))
    {
        bail!(
            "no bar is called {unknown}; there are {}",
            BARS.iter()
                .map(|bar| bar.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let plimsoll = std::env::current_exe()?.with_file_name("plimsoll");
    anyhow::ensure!(
        plimsoll.exists(),
        "{} is missing: cargo build --release first",
        plimsoll.display()
    );
    let mut missed = 0;
    for bar in BARS
        .iter()
        .filter(|bar| arguments.is_empty() || arguments.iter().any(|name| name == bar.name))
    {
        println!("{}: {}", bar.name, bar.what);
        let folder = tempfile::tempdir()?;
        for line in (bar.run)(&plimsoll, folder.path())
            .with_context(|| format!("the bar {} cannot be measured", bar.name))?
        {
            let within = line.measured <= line.bar;
            missed += usize::from(!within);
            println!(
                "  {:<58} {:>10.3} {:<5} bar {:>8.3}  {}",
                line.what,
                line.measured,
                line.unit,
                line.bar,
                if within { "reached" } else { "MISSED" }
            );
        }
    }
    anyhow::ensure!(missed == 0, "{missed} bars were missed");
    Ok(())
}

fn line(what: impl Into<String>, measured: f64, bar: f64, unit: &'static str) -> Line {
    Line {
        what: what.into(),
        measured,
        bar,
        unit,
    }
}

/// A scan as a user runs it, without touching his last scan.
fn scan(plimsoll: &Path, folder: &Path) -> Command {
    let mut command = Command::new(plimsoll);
    command
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_DATA_HOME", folder.join("data"));
    command
}

fn queue(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    let mut small = None;
    for (findings, memory) in [(25_000, 200.0), (1_000_000, 2_000.0)] {
        let inputs = folder.join(findings.to_string());
        generate::cluster_files(&inputs, 200, findings, 3_000)?;
        let mut command = scan(plimsoll, folder);
        command
            .args(["scan", "manifests"])
            .arg(inputs.join("k8s"))
            .arg("--report")
            .arg(inputs.join("reports"));
        if let Some(feeds) = testkit::shared("feeds") {
            let database = folder.join("db");
            if !database.exists() {
                measure(
                    scan(plimsoll, folder)
                        .args(["db", "build", "--from"])
                        .arg(feeds)
                        .arg("--output")
                        .arg(&database),
                    &[0],
                )?;
            }
            command.arg("--db").arg(database);
        }
        let usage = best_of(3, || measure(&mut command, &[0]))?;
        let bar = small.map_or(1.5, |small: f64| small * 55.0);
        lines.push(line(
            format!("{findings} findings: CPU"),
            usage.cpu,
            bar,
            "s",
        ));
        lines.push(line(
            format!("{findings} findings: peak memory"),
            usage.peak_mb,
            memory,
            "MB",
        ));
        small = small.or(Some(usage.cpu));
    }
    Ok(lines)
}

/// The least CPU time of several runs, which the machine's other work disturbs least.
fn best_of(runs: usize, mut run: impl FnMut() -> anyhow::Result<Usage>) -> anyhow::Result<Usage> {
    let mut best = run()?;
    for _ in 1..runs {
        let next = run()?;
        if next.cpu < best.cpu {
            best = next;
        }
    }
    Ok(best)
}

fn cluster(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let (Some(http), Some(big)) = (
        testkit::shared("captures/http"),
        testkit::shared("captures/big"),
    ) else {
        println!("  not run: the recorded traffic is absent");
        return Ok(Vec::new());
    };
    let server = child::Server::start(&[http, big], folder)?;
    let mut plain = Command::new(std::env::current_exe()?);
    plain
        .args([child::FLAG, child::PLAIN_READER])
        .arg(server.address());
    let mut collect = scan(plimsoll, folder);
    collect
        .args(["collect", "--kubeconfig"])
        .arg(&server.kubeconfig)
        .arg("-o")
        .arg(folder.join("snapshot.plimsoll"));
    let (mut reader, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        reader.push(measure(&mut plain, &[0])?);
        ours.push(measure(&mut collect, &[0])?);
    }
    let wall = |all: &[Usage]| {
        all.iter()
            .map(|usage| usage.wall)
            .fold(f64::INFINITY, f64::min)
    };
    let peak = ours.iter().map(|usage| usage.peak_mb).fold(0.0, f64::max);
    Ok(vec![
        line("peak memory of the collector", peak, 300.0, "MB"),
        line(
            "time, of a plain reader's of the same pages",
            wall(&ours) / wall(&reader),
            1.3,
            "x",
        ),
    ])
}

fn database(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let Some(feeds) = testkit::shared("feeds") else {
        println!("  not run: the feeds are absent");
        return Ok(Vec::new());
    };
    let database = folder.join("db");
    let mut command = scan(plimsoll, folder);
    command
        .args(["db", "build", "--from"])
        .arg(feeds)
        .arg("--output")
        .arg(&database);
    let usage = measure(&mut command, &[0])?;
    let mut sizes: Vec<(PathBuf, f64)> = Vec::new();
    for entry in std::fs::read_dir(&database)? {
        let entry = entry?;
        sizes.push((entry.path(), entry.metadata()?.len() as f64 / 1e6));
    }
    sizes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut lines = vec![line("build", usage.wall, 30.0, "s")];
    for ((path, size), bar) in sizes.iter().zip([8.0, 3.0]) {
        lines.push(line(
            format!("size of {}", path.file_name().unwrap_or_default().display()),
            *size,
            bar,
            "MB",
        ));
    }
    Ok(lines)
}

fn manifests(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let file = folder.join("all.yaml");
    generate::yaml(&file, 20 << 20)?;
    let mut command = scan(plimsoll, folder);
    command.args(["scan", "manifests"]).arg(&file);
    let usage = best_of(3, || measure(&mut command, &[0]))?;
    Ok(vec![line(
        "CPU of a whole scan of one file",
        usage.cpu,
        3.0,
        "s",
    )])
}
