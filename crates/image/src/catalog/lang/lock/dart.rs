//! Dart's lock file. Source: dart.dev, "What not to commit" and pub's `LockFile`.

use super::Declared;
use super::pnpm::yaml;
use crate::catalog::lang::json::{Object, Pairs, Word};
use crate::catalog::lang::text;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: Pairs<Object<Package>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Package {
    version: Word,
    source: Word,
}

pub(super) fn lock(bytes: &[u8]) -> Result<Declared, String> {
    let Object(lock) = yaml::<Object<Lock>>(&text(bytes))?;
    let mut out = Declared::default();
    for (name, Object(package)) in &lock.packages.0 {
        // A folder of the project, or a part of the SDK, which has no version of its own.
        if !matches!(&*package.source, "path" | "sdk") {
            out.add("pub", None, name, &package.version);
        }
    }
    Ok(out)
}
