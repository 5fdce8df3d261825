//! Installed npm packages. Comes in: a `package.json` in a folder of packages, or a zip of Yarn's cache, from which
//! programs run without unpacking. Goes out: the package. Never: the `package.json` of a project, of a test's fixture
//! or of a folder that only sets a module's type.
//! Sources: docs.npmjs.com, "package.json", "Folder structures"; yarnpkg.com, "Plug'n'Play".

use super::archive::{Archive, ZipError};
use super::json::{self, Object, Word};
use super::{file_name, folder, give, license, slashed, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs};
use serde::Deserialize;

pub const PACKAGE: Extractor = Extractor {
    name: "npm-package",
    wants: Wants::Named(is_package),
    limit: 16 << 20,
    extract: package,
};

pub const YARN_CACHE: Extractor = Extractor {
    name: "yarn-cache",
    wants: Wants::Named(is_cached),
    limit: 256 << 20,
    extract: cached,
};

/// Where packages lie: npm's folder, and that of Debian's packages (Debian JavaScript policy, "Installation").
const MODULES: [&str; 2] = ["node_modules/", "share/nodejs/"];

fn is_package(path: &str) -> bool {
    path.ends_with("/package.json") && within(path).is_some()
}

/// What stands behind the last folder of packages.
fn within(path: &str) -> Option<&str> {
    MODULES
        .iter()
        .filter_map(|folder| {
            let at = path.rfind(folder)?;
            let whole = at == 0 || path.get(..at)?.ends_with('/');
            path.get(at + folder.len()..).filter(|_| whole)
        })
        .min_by_key(|rest| rest.len())
}

/// `lodash/package.json`, `@babel/core/package.json`: where installers put packages.
fn is_root(within: &str) -> bool {
    let slashes = if within.starts_with('@') { 2 } else { 1 };
    within.matches('/').count() == slashes
}

/// Folders in which a package keeps manifests that are nobody's packages.
const FIXTURES: [&str; 10] = [
    "test",
    "tests",
    "__tests__",
    "fixtures",
    "__fixtures__",
    "spec",
    "example",
    "examples",
    "templates",
    "template",
];

/// A package may have such a name, behind a folder of packages or a scope.
fn is_fixture(path: &str) -> bool {
    let (mut installed, mut named, mut before) = (false, false, "");
    for part in path.split('/') {
        if installed && !named && FIXTURES.contains(&part) {
            return true;
        }
        let modules = part == "node_modules" || (part == "nodejs" && before == "share");
        installed |= modules;
        named = modules || (named && part.starts_with('@'));
        before = part;
    }
    false
}

fn package(file: &File<'_>, out: &mut Extracts) {
    let Some(within) = within(file.path) else {
        return;
    };
    let root = is_root(within);
    if is_fixture(file.path) {
        return;
    }
    match json::read::<Object<Manifest>>(file.bytes) {
        Ok(Object(manifest)) => {
            // A copy that a package brings in a folder of its own has its name, as it would in `node_modules`.
            let is_it = root || folder(within).ends_with(&*manifest.name);
            let complete = manifest.name.some().is_some() && manifest.version.some().is_some();
            if is_it && complete {
                give(out, manifest.component().into_iter().collect());
            }
        }
        // Node runs a package whose manifest it cannot read, if only it finds the file to load.
        Err(error) if root => out.gaps.push(unreadable(file.path, error)),
        Err(_) => {}
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    name: Word,
    version: Word,
    license: Word,
}

impl Manifest {
    fn component(&self) -> Option<Component> {
        let mut found = slashed("npm", &self.name, &self.version, FoundAs::Installed)?;
        found.licenses.extend(license(&self.license));
        Some(found)
    }
}

fn is_cached(path: &str) -> bool {
    path.ends_with(".zip") && file_name(folder(path)) == "cache" && path.contains(".yarn/")
}

fn cached(file: &File<'_>, out: &mut Extracts) {
    match in_zip(file.bytes) {
        Ok(found) => give(out, found),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}

fn in_zip(bytes: &[u8]) -> Result<Vec<Component>, ZipError> {
    let mut archive = Archive::open(bytes)?;
    let mut found = Vec::new();
    let manifests: Vec<_> = archive
        .members()
        .filter(|member| {
            member.as_ref().map_or(true, |member| {
                std::str::from_utf8(member.name)
                    .ok()
                    .and_then(|name| within(name).filter(|_| name.ends_with("/package.json")))
                    .is_some_and(is_root)
            })
        })
        .take(1_000)
        .collect::<Result<_, _>>()?;
    for member in manifests {
        let bytes = archive.content(&member, PACKAGE.limit)?;
        if let Ok(Object(manifest)) = json::read::<Object<Manifest>>(&bytes)
            && manifest.version.some().is_some()
        {
            found.extend(manifest.component());
        }
    }
    Ok(found)
}
