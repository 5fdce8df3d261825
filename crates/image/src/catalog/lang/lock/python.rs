//! What Python's tools lock. Sources: python-poetry.org and docs.astral.sh/uv (their lock files), PEP 751
//! (`pylock.toml`), pipenv, pip ("Requirements File Format"), PEP 440 (`==`, `===`).

use super::Declared;
use crate::catalog::lang::json::{self, List, Object, Pairs, Word};
use crate::catalog::lang::text;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// poetry, uv and pdm list `package`, PEP 751 `packages`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    package: List<Object<Package>>,
    packages: List<Object<Package>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Word,
    version: Word,
    source: Object<Source>,
    /// pdm: a folder of the project.
    path: Option<IgnoredAny>,
    /// PEP 751: the same.
    directory: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    /// poetry: `directory` is a folder of the project.
    #[serde(rename = "type")]
    kind: Word,
    /// uv: the project itself, or a folder of it.
    r#virtual: Option<IgnoredAny>,
    editable: Option<IgnoredAny>,
    directory: Option<IgnoredAny>,
}

impl Package {
    fn is_own(&self) -> bool {
        let source = &self.source.0;
        &*source.kind == "directory"
            || source.r#virtual.is_some()
            || source.editable.is_some()
            || source.directory.is_some()
            || self.path.is_some()
            || self.directory.is_some()
    }
}

pub(super) fn packages(bytes: &[u8]) -> Result<Declared, String> {
    let lock: Lock = toml::from_str(&text(bytes)).map_err(|error| error.message().to_owned())?;
    let mut out = Declared::default();
    for Object(package) in lock.package.0.iter().chain(&lock.packages.0) {
        if !package.is_own() {
            out.add("pypi", None, &package.name, &package.version);
        }
    }
    Ok(out)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pinned {
    version: Word,
    path: Option<IgnoredAny>,
}

pub(super) fn pipfile(bytes: &[u8]) -> Result<Declared, String> {
    let groups =
        json::read::<Pairs<Pairs<Object<Pinned>>>>(bytes).map_err(|error| error.to_string())?;
    let mut out = Declared::default();
    for (group, packages) in &groups.0 {
        if group == "_meta" {
            continue;
        }
        for (name, Object(pinned)) in &packages.0 {
            if pinned.path.is_none() {
                out.add("pypi", None, name, exact(&pinned.version).unwrap_or(""));
            }
        }
    }
    Ok(out)
}

/// Only exact versions: anything else is chosen when it is installed.
pub(super) fn requirements(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut out = Declared::default();
    let mut continued = false;
    for line in text.lines() {
        let begins = !continued;
        continued = line.trim_end().ends_with('\\');
        if !begins {
            continue;
        }
        // A comment begins with the line or behind a space; hashes and markers follow the version.
        let line = line.split(" #").next().unwrap_or(line);
        let line = line.split([';', '\\']).next().unwrap_or(line).trim();
        if line.starts_with(['#', '-']) {
            continue;
        }
        let Some(at) = line.find("==") else { continue };
        let (name, version) = line.split_at(at);
        let name = name.split('[').next().unwrap_or(name).trim();
        let version = version.split(" --").next().unwrap_or(version);
        let sound = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if let Some(version) = exact(version).filter(|_| sound) {
            out.add("pypi", None, name, version);
        }
    }
    out
}

/// `==1.0`, `===1.0`; not `==1.*` and not one of several conditions.
fn exact(text: &str) -> Option<&str> {
    let version = text.trim().strip_prefix("==")?;
    let version = version.strip_prefix('=').unwrap_or(version).trim();
    (!version.is_empty() && !version.contains(['*', ',', '<', '>', '!', '~'])).then_some(version)
}
