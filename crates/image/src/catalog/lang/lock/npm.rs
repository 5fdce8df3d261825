//! Lock files of npm and Bun. Sources: docs.npmjs.com, "package-lock.json" (versions 1 to 3); bun.sh, "Lockfile".

use super::{Declared, released};
use crate::catalog::lang::json::{self, List, Object, Pairs, Word};
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: Pairs<Object<Package>>,
    dependencies: Pairs<Object<Dependency>>,
}

/// By place, since version 2.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Word,
    version: Word,
    link: Option<IgnoredAny>,
}

/// By name and nested, until version 2.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Dependency {
    version: Word,
    dependencies: Pairs<Object<Dependency>>,
}

pub(super) fn lock(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = json::read::<Object<Lock>>(bytes).map_err(|error| error.to_string())?;
    let mut out = Declared::default();
    for (place, Object(package)) in &lock.packages.0 {
        // The project itself and its workspaces are not below `node_modules`; a link points to one of them.
        let Some((_, name)) = place.rsplit_once("node_modules/") else {
            continue;
        };
        if package.link.is_none() {
            let name = package.name.some().unwrap_or(name);
            out.slashed("npm", name, released(&package.version));
        }
    }
    if lock.packages.0.is_empty() {
        nested(&lock.dependencies, &mut out);
    }
    Ok(out)
}

/// As deep as the JSON reader goes, which is bounded.
fn nested(dependencies: &Pairs<Object<Dependency>>, out: &mut Declared) {
    for (name, Object(dependency)) in &dependencies.0 {
        let version = &*dependency.version;
        match version
            .strip_prefix("npm:")
            .and_then(|alias| alias.rsplit_once('@'))
        {
            Some((name, version)) => out.slashed("npm", name, version),
            None if !version.starts_with("file:") => out.slashed("npm", name, released(version)),
            None => {}
        }
        nested(&dependency.dependencies, out);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bun {
    /// The first of each list is `NAME@VERSION`.
    packages: Pairs<List<Word>>,
}

pub(super) fn bun(bytes: &[u8]) -> Result<Declared, String> {
    let plain = plain(bytes);
    let Object(lock) = json::read::<Object<Bun>>(&plain).map_err(|error| error.to_string())?;
    let mut out = Declared::default();
    for (_, List(package)) in &lock.packages.0 {
        let Some((name, version)) = package.first().and_then(|first| parted(first)) else {
            continue;
        };
        let local = ["workspace:", "link:", "file:", "root:"];
        if !local.iter().any(|prefix| version.starts_with(prefix)) {
            out.slashed("npm", name, released(version));
        }
    }
    Ok(out)
}

/// `@scope/name@1.0.0`: the first `@` is of the scope.
pub(super) fn parted(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// JSON of JSON with comments and trailing commas.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    // Where a comma stands that must go if a bracket follows.
    let mut comma = None;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'"' => {
                comma = None;
                let length = literal(after);
                out.push(b'"');
                out.extend_from_slice(after.get(..length).unwrap_or(after));
                rest = after.get(length..).unwrap_or_default();
                continue;
            }
            b'/' if after.starts_with(b"/") => {
                let end = after.iter().position(|byte| *byte == b'\n');
                rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
                continue;
            }
            b'/' if after.starts_with(b"*") => {
                let end = after.windows(2).skip(1).position(|pair| pair == b"*/");
                rest = end.and_then(|end| after.get(end + 3..)).unwrap_or_default();
                continue;
            }
            b',' => comma = Some(out.len()),
            b']' | b'}' => {
                if let Some(at) = comma.take().and_then(|at: usize| out.get_mut(at)) {
                    *at = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        out.push(*byte);
        rest = after;
    }
    out
}

/// Bytes of a literal with its closing mark, behind the opening one.
fn literal(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    bytes.len()
}
