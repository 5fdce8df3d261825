//! Lock files, and manifests that name exact versions. Comes in: one such file. Goes out: what it declares, each
//! package and version once. Never: a claim that something is installed; these rows are used only when asked for.
//!
//! Lock files that a registry's packages bring along (`node_modules/x/yarn.lock`) say what their authors once had and
//! nothing about this artifact, so they are left alone.

mod dart;
mod go;
mod gradle;
mod lists;
mod npm;
mod pnpm;
mod python;
mod ruby;
mod yarn;

use super::{component, file_name, give, java, slashed, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs};
use model::text::Text;
use rustc_hash::FxHashSet;

/// Read beside [`crate::catalog::TABLE`] where declared packages are asked for.
pub static LOCK_TABLE: &[Extractor] = &[
    row(
        "bun-lock",
        |path| is(path, "bun.lock"),
        |file, out| all(file, out, npm::bun),
    ),
    row(
        "cargo-lock",
        |path| is(path, "Cargo.lock"),
        |file, out| all(file, out, lists::cargo),
    ),
    row(
        "composer-lock",
        |path| is(path, "composer.lock"),
        |file, out| all(file, out, lists::composer),
    ),
    row(
        "conan-lock",
        |path| is(path, "conan.lock"),
        |file, out| all(file, out, lists::conan),
    ),
    row("gemfile-lock", is_gemfile, |file, out| {
        give(out, ruby::gemfile(file.bytes).all);
    }),
    row(
        "go-mod",
        |path| is(path, "go.mod"),
        |file, out| give(out, go::module(file.bytes).all),
    ),
    row("gradle-lock", is_gradle, |file, out| {
        give(out, gradle::lock(file.bytes).all);
    }),
    row(
        "maven-pom",
        |path| is(path, "pom.xml"),
        |file, out| all(file, out, pom),
    ),
    row(
        "mix-lock",
        |path| is(path, "mix.lock"),
        |file, out| give(out, lists::mix(file.bytes).all),
    ),
    row("npm-lock", is_npm, |file, out| all(file, out, npm::lock)),
    row("nuget-lock", is_nuget, |file, out| {
        all(file, out, lists::nuget);
    }),
    row(
        "pdm-lock",
        |path| is(path, "pdm.lock"),
        |file, out| all(file, out, python::packages),
    ),
    row(
        "pipenv-lock",
        |path| is(path, "Pipfile.lock"),
        |file, out| all(file, out, python::pipfile),
    ),
    row(
        "pnpm-lock",
        |path| is(path, "pnpm-lock.yaml"),
        |file, out| all(file, out, pnpm::lock),
    ),
    row(
        "poetry-lock",
        |path| is(path, "poetry.lock"),
        |file, out| all(file, out, python::packages),
    ),
    row(
        "pub-lock",
        |path| is(path, "pubspec.lock"),
        |file, out| all(file, out, dart::lock),
    ),
    row("pylock", is_pylock, |file, out| {
        all(file, out, python::packages);
    }),
    row(
        "renv-lock",
        |path| is(path, "renv.lock"),
        |file, out| all(file, out, lists::renv),
    ),
    row("requirements", is_requirements, |file, out| {
        give(out, python::requirements(file.bytes).all);
    }),
    row(
        "swift-resolved",
        |path| is(path, "Package.resolved"),
        |file, out| all(file, out, lists::swift),
    ),
    row(
        "uv-lock",
        |path| is(path, "uv.lock"),
        |file, out| all(file, out, python::packages),
    ),
    row(
        "yarn-lock",
        |path| is(path, "yarn.lock"),
        |file, out| give(out, yarn::lock(file.bytes).all),
    ),
];

const fn row(
    name: &'static str,
    wants: fn(&str) -> bool,
    extract: fn(&File<'_>, &mut Extracts),
) -> Extractor {
    Extractor {
        name,
        wants: Wants::Named(wants),
        // The largest lock files of monorepos have 10 MB.
        limit: 48 << 20,
        extract,
    }
}

/// Folders that hold what was fetched, not what is developed here.
const FETCHED: [&str; 6] = [
    "node_modules/",
    "site-packages/",
    "dist-packages/",
    "vendor/",
    "pkg/mod/",
    "registry/src/",
];

fn is_project(path: &str) -> bool {
    let gems = path.contains("/gems/") && path.contains("/ruby/");
    !gems
        && !FETCHED.iter().any(|folder| {
            path.match_indices(folder)
                .any(|(at, _)| at == 0 || path.as_bytes().get(at - 1) == Some(&b'/'))
        })
}

fn is(path: &str, name: &str) -> bool {
    path.ends_with(name) && file_name(path) == name && is_project(path)
}

fn is_npm(path: &str) -> bool {
    is(path, "package-lock.json") || is(path, "npm-shrinkwrap.json")
}

fn is_gemfile(path: &str) -> bool {
    is(path, "Gemfile.lock") || is(path, "gems.locked")
}

fn is_gradle(path: &str) -> bool {
    path.ends_with(".lockfile")
        && (file_name(path).ends_with("gradle.lockfile") || path.contains("dependency-locks/"))
        && is_project(path)
}

/// `packages.lock.json`, `packages.NAME.lock.json`.
fn is_nuget(path: &str) -> bool {
    path.ends_with(".lock.json") && file_name(path).starts_with("packages.") && is_project(path)
}

/// PEP 751: `pylock.toml`, `pylock.NAME.toml`.
fn is_pylock(path: &str) -> bool {
    path.ends_with(".toml") && file_name(path).starts_with("pylock.") && is_project(path)
}

fn is_requirements(path: &str) -> bool {
    path.ends_with(".txt") && file_name(path).contains("requirements") && is_project(path)
}

fn all(file: &File<'_>, out: &mut Extracts, read: fn(&[u8]) -> Result<Declared, String>) {
    match read(file.bytes) {
        Ok(declared) => give(out, declared.all),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}

/// What a file declares, in its order.
#[derive(Default)]
struct Declared {
    seen: FxHashSet<Text>,
    all: Vec<Component>,
}

impl Declared {
    fn add(&mut self, kind: &str, namespace: Option<&str>, name: &str, version: &str) {
        self.keep(component(kind, namespace, name, version, FoundAs::Declared));
    }

    /// The namespace is a part of the name.
    fn slashed(&mut self, kind: &str, path: &str, version: &str) {
        self.keep(slashed(kind, path, version, FoundAs::Declared));
    }

    fn keep(&mut self, found: Option<Component>) {
        let Some(found) = found else { return };
        if self.seen.insert(Text::clone(&found.purl)) {
            self.all.push(found);
        }
    }
}

/// A version as registries have it; a URL, path or commit in its place leaves it unknown.
fn released(version: &str) -> &str {
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        version
    } else {
        ""
    }
}

fn pom(bytes: &[u8]) -> Result<Declared, String> {
    let pom = java::pom::read(&super::text(bytes))?;
    let mut out = Declared::default();
    for (group, artifact, version) in pom.dependencies() {
        out.add("maven", Some(&group), &artifact, &version);
    }
    Ok(out)
}
