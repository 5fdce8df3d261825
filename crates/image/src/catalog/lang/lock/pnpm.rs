//! pnpm's lock file, versions 5 to 9. Sources: pnpm/spec, `lockfile/{5,5.1,5.2,6.0,9.0}.md`; pnpm, `dependency-path`.

use super::npm::parted;
use super::{Declared, released};
use crate::catalog::lang::json::{Object, Pairs, Word};
use crate::catalog::lang::text;
use serde::Deserialize;
use serde_saphyr::options::DuplicateKeyPolicy;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Lock {
    lockfile_version: Word,
    packages: Pairs<Object<Package>>,
}

/// Name and version stand here where the key is a URL.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Word,
    version: Word,
}

/// A YAML document that a program wrote, with the bounds of the reader raised to what monorepos have.
pub(super) fn yaml<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_aliases: 100,
            max_anchors: 100,
        },
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

pub(super) fn lock(bytes: &[u8]) -> Result<Declared, String> {
    let text = text(bytes);
    let mut out = Declared::default();
    // Since version 10 a second document may lock pnpm itself.
    for document in text.split("\n---\n") {
        let document = document.strip_prefix("---\n").unwrap_or(document);
        if document.trim().is_empty() {
            continue;
        }
        let Object(lock) = yaml::<Object<Lock>>(document)?;
        let old = lock.lockfile_version.starts_with('5');
        for (key, Object(package)) in &lock.packages.0 {
            let key = key.trim_start_matches('/');
            let parts = if old { of_path(key) } else { of_key(key) };
            let (name, version) = match (package.name.some(), parts) {
                (Some(name), parts) => (name, parts.map_or("", |(_, version)| version)),
                (None, Some(parts)) => parts,
                (None, None) => continue,
            };
            if version.starts_with("file:") || version.starts_with("link:") {
                continue;
            }
            let version = package.version.some().unwrap_or(version);
            out.slashed("npm", name, released(version));
        }
    }
    Ok(out)
}

/// `@babel/core@7.0.0(supports-color@5.5.0)`: what it was installed beside stands in brackets.
fn of_key(key: &str) -> Option<(&str, &str)> {
    parted(key.split('(').next()?)
}

/// `@babel/core/7.0.0_supports-color@5.5.0`, `registry.npmjs.org/lodash/4.17.21`.
fn of_path(key: &str) -> Option<(&str, &str)> {
    let key = key
        .split('_')
        .next()
        .filter(|short| short.contains('/'))
        .unwrap_or(key);
    let (name, version) = key.rsplit_once('/')?;
    let name = match name.split_once('/') {
        Some((host, rest)) if host.contains('.') && !host.starts_with('@') => rest,
        _ => name,
    };
    Some((name, version))
}
