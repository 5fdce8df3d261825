//! What stands in an artifact and need not: shells, package managers, compilers, packages. Comes in: the tree and the
//! components. Goes out: at most one remark for each of the three. Never: a list of all of them.

use super::remark;
use crate::assemble::{Parts, is_system};
use crate::tree::{Tree, What};
use model::inventory::{Release, Remark};

const FOLDERS: &[&str] = &["usr/bin/", "bin/", "usr/sbin/", "sbin/", "usr/local/bin/"];
const TOOLS: &[&str] = &[
    "sh", "bash", "ash", "zsh", "busybox", "apt-get", "dpkg", "apk", "dnf", "yum", "microdnf",
    "tdnf", "rpm", "zypper", "pacman", "opkg", "curl", "wget", "nc",
];
const MANAGERS: std::ops::Range<usize> = 5..16;
const BUILD: &[&str] = &[
    "gcc", "g++", "cc", "clang", "make", "cmake", "ld", "rustc", "cargo", "go", "javac", "mvn",
    "gradle", "ghc",
];
const BUILD_FOLDERS: &[&str] = &[
    "usr/local/go/bin/",
    "usr/lib/go/bin/",
    "usr/local/cargo/bin/",
    "opt/java/openjdk/bin/",
];

/// Packages of the smallest set that a release can be installed with: `debootstrap --variant=minbase --print-debs SUITE`
/// on 2026-11-23. Releases that were not counted stand not here, and nothing is said of them.
const MINIMAL: &[(&str, &str, &str, usize)] = &[
    ("debian", "11", "Debian 11", 96),
    ("debian", "12", "Debian 12", 88),
    ("debian", "13", "Debian 13", 78),
    ("ubuntu", "20.04", "Ubuntu 20.04", 91),
    ("ubuntu", "22.04", "Ubuntu 22.04", 101),
];

/// `layered`: places name their layers.
pub(super) fn remarks(parts: &Parts, tree: &Tree<'_>, layered: bool) -> Vec<Remark> {
    let all = tools(tree)
        .into_iter()
        .chain(build_tools(parts, tree))
        .chain(packages(parts));
    let mut all: Vec<Remark> = all.collect();
    if !layered {
        for one in &mut all {
            one.place.layer = None;
        }
    }
    all
}

/// The path at which a program of that name stands.
fn program(tree: &Tree<'_>, name: &str, more: &[&str]) -> Option<(String, Option<u32>)> {
    let folders = FOLDERS.iter().chain(more);
    folders.into_iter().find_map(|folder| {
        let node = tree.at(&format!("{folder}{name}"))?;
        match tree.what(tree.end(node)?) {
            What::File(spot) => Some((tree.path(node), Some(spot.layer))),
            _ => None,
        }
    })
}

fn tools(tree: &Tree<'_>) -> Option<Remark> {
    let there = TOOLS.iter().enumerate();
    let found: Vec<(usize, &str, String, Option<u32>)> = there
        .filter_map(|(n, name)| {
            program(tree, name, &[]).map(|(path, layer)| (n, *name, path, layer))
        })
        .collect();
    // The one that can bring all others comes first.
    let first = found
        .iter()
        .find(|(n, ..)| MANAGERS.contains(n))
        .or(found.first())?;
    let names: Vec<&str> = found.iter().map(|(_, name, ..)| *name).collect();
    Some(remark("image-tools", &first.2, first.3, names.join(", ")))
}

fn build_tools(parts: &Parts, tree: &Tree<'_>) -> Option<Remark> {
    let found: Vec<(&str, String, Option<u32>)> = BUILD
        .iter()
        .filter_map(|name| {
            program(tree, name, BUILD_FOLDERS).map(|(path, layer)| (*name, path, layer))
        })
        .collect();
    let is_headers = |name: &str| {
        name.ends_with("-dev") || name.ends_with("-devel") || name == "build-essential"
    };
    let mut headers = parts
        .components
        .iter()
        .filter(|one| is_system(one) && is_headers(&one.name))
        .peekable();
    let place = match (found.first(), headers.peek()) {
        (Some((_, path, layer)), _) => (path.clone(), *layer),
        (None, Some(package)) => {
            let place = package.at.first()?;
            (place.path.to_string(), place.layer)
        }
        (None, None) => return None,
    };
    let mut names: Vec<String> = found.iter().map(|(name, ..)| (*name).to_owned()).collect();
    match headers.count() {
        0 => {}
        1 => names.push("1 package of headers".into()),
        n => names.push(format!("{n} packages of headers")),
    }
    Some(remark(
        "image-build-tools",
        &place.0,
        place.1,
        names.join(", "),
    ))
}

fn packages(parts: &Parts) -> Option<Remark> {
    let release = parts.release.as_ref()?;
    let (name, minimal) = minimal(release)?;
    let count = parts.components.iter().filter(|one| is_system(one)).count();
    // A few more are what the application needs.
    (count > 2 * minimal).then(|| {
        let what = format!("{count} packages; a minimal {name} has {minimal}");
        let place = parts
            .components
            .iter()
            .find(|one| is_system(one))
            .and_then(|one| one.at.first());
        let path = place.map_or("", |place| &place.path);
        remark(
            "image-many-packages",
            path,
            place.and_then(|place| place.layer),
            what,
        )
    })
}

fn minimal(release: &Release) -> Option<(&'static str, usize)> {
    let is = |(id, version, ..): &&(&str, &str, &str, usize)| {
        let rest = release.version.strip_prefix(*version);
        *release.id == **id && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    MINIMAL
        .iter()
        .find(is)
        .map(|(_, _, name, count)| (*name, *count))
}
