//! Lock files that are plain lists of names and versions. Sources: doc.rust-lang.org/cargo ("Cargo.toml vs
//! Cargo.lock"), getcomposer.org ("composer.lock"), NuGet ("Enabling the lock file"), hexdocs.pm/mix, SwiftPM
//! (`PinsStore`), docs.conan.io ("Lockfiles"), rstudio.github.io/renv ("Lockfiles").

use super::{Declared, released};
use crate::catalog::lang::json::{self, List, Object, Pairs, Values, Word};
use crate::catalog::lang::{php, text};
use model::inventory::FoundAs;
use serde::Deserialize;
use serde::de::IgnoredAny;

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    json::read(bytes).map_err(|error| error.to_string())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cargo {
    package: List<Object<Crate>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Crate {
    name: Word,
    version: Word,
    /// None: a member of the workspace, or a folder beside it.
    source: Option<IgnoredAny>,
}

pub(super) fn cargo(bytes: &[u8]) -> Result<Declared, String> {
    let lock: Cargo = toml::from_str(&text(bytes)).map_err(|error| error.message().to_owned())?;
    let mut out = Declared::default();
    for Object(package) in &lock.package.0 {
        if package.source.is_some() {
            out.add("cargo", None, &package.name, &package.version);
        }
    }
    Ok(out)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Composer {
    packages: List<Object<php::Package>>,
    packages_dev: List<Object<php::Package>>,
}

pub(super) fn composer(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = read::<Object<Composer>>(bytes)?;
    let mut out = Declared::default();
    for Object(package) in lock.packages.0.iter().chain(&lock.packages_dev.0) {
        out.keep(package.component(FoundAs::Declared));
    }
    Ok(out)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Nuget {
    /// By framework, then by name.
    dependencies: Pairs<Pairs<Object<Resolved>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resolved {
    #[serde(rename = "type")]
    kind: Word,
    resolved: Word,
}

pub(super) fn nuget(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = read::<Object<Nuget>>(bytes)?;
    let mut out = Declared::default();
    for (name, Object(package)) in lock.dependencies.0.iter().flat_map(|(_, all)| &all.0) {
        if !package.kind.eq_ignore_ascii_case("project") {
            out.add("nuget", None, name, &package.resolved);
        }
    }
    Ok(out)
}

/// A map of Elixir's terms, an entry a line: `"jason": {:hex, :jason, "1.2.2", "HASH", ...},`.
pub(super) fn mix(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut out = Declared::default();
    for line in text.lines() {
        let Some((_, entry)) = line.split_once("{:hex,") else {
            continue;
        };
        let mut parts = entry.split(',').map(str::trim);
        let name = parts.next().and_then(|name| name.strip_prefix(':'));
        let version = parts.next().unwrap_or("");
        if let Some(name) = name {
            out.add(
                "hex",
                None,
                name.trim_matches('"'),
                version.trim_matches('"'),
            );
        }
    }
    out
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Swift {
    pins: List<Object<Pin>>,
    /// Version 1 has the pins here.
    object: Object<Pins>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pins {
    pins: List<Object<Pin>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pin {
    location: Word,
    #[serde(rename = "repositoryURL")]
    repository: Word,
    state: Object<State>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    /// None where a branch or commit is pinned.
    version: Word,
}

pub(super) fn swift(bytes: &[u8]) -> Result<Declared, String> {
    let Object(resolved) = read::<Object<Swift>>(bytes)?;
    let mut out = Declared::default();
    for Object(pin) in resolved.pins.0.iter().chain(&resolved.object.0.pins.0) {
        let place = pin.location.some().or(pin.repository.some()).unwrap_or("");
        // `https://github.com/apple/swift-nio.git`, `git@github.com:apple/swift-nio.git`
        let place = place.split_once("://").map_or(place, |(_, rest)| rest);
        let place = place.split_once('@').map_or(place, |(_, rest)| rest);
        let place = place.trim_end_matches('/');
        let place = place
            .strip_suffix(".git")
            .unwrap_or(place)
            .replacen(':', "/", 1);
        if place.contains('/') {
            out.slashed("swift", &place, &pin.state.0.version);
        }
    }
    Ok(out)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Conan {
    requires: List<Word>,
    build_requires: List<Word>,
    python_requires: List<Word>,
    /// Version 1 has a graph.
    graph_lock: Object<Graph>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Graph {
    nodes: Values<Object<Node>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Node {
    #[serde(rename = "ref")]
    reference: Word,
}

pub(super) fn conan(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = read::<Object<Conan>>(bytes)?;
    let lists = [&lock.requires, &lock.build_requires, &lock.python_requires];
    let nodes = lock
        .graph_lock
        .0
        .nodes
        .0
        .iter()
        .map(|Object(node)| &node.reference);
    let mut out = Declared::default();
    for reference in lists.into_iter().flat_map(|list| &list.0).chain(nodes) {
        // `zlib/1.2.11@user/channel#revision%time`
        let plain = reference.split(['#', '%', '@']).next().unwrap_or("");
        if let Some((name, version)) = plain.split_once('/') {
            out.add("conan", None, name, version);
        }
    }
    Ok(out)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Renv {
    packages: Values<Object<Library>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Library {
    package: Word,
    version: Word,
}

pub(super) fn renv(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = read::<Object<Renv>>(bytes)?;
    let mut out = Declared::default();
    for Object(library) in &lock.packages.0 {
        out.add("cran", None, &library.package, released(&library.version));
    }
    Ok(out)
}
