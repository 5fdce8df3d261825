//! Yarn's lock files, the first form and that of Yarn 2 and later, which differs from it in colons. Both are written by
//! a program, line by line. Sources: yarnpkg/yarn, `src/lockfile`; yarnpkg/berry, `Project.generateLockfile`.

use super::npm::parted;
use super::{Declared, released};
use crate::catalog::lang::text;

#[derive(Default)]
struct Entry<'a> {
    /// The first request that it answers: `lodash@^4.17.0`.
    request: &'a str,
    version: &'a str,
    /// `lodash@npm:4.17.21`; of Yarn 2.
    resolution: &'a str,
    /// Its code is a part of the project.
    own: bool,
}

pub(super) fn lock(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut out = Declared::default();
    let mut entry = Entry::default();
    for line in text.lines() {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            entry.keep(&mut out);
            entry = Entry {
                request: line
                    .trim_end_matches(':')
                    .trim_matches('"')
                    .split([',', '"'])
                    .next()
                    .unwrap_or(""),
                ..Entry::default()
            };
            continue;
        }
        let Some(field) = line
            .strip_prefix("  ")
            .filter(|field| !field.starts_with(' '))
        else {
            continue;
        };
        let Some((name, value)) = field.split_once(' ') else {
            continue;
        };
        let value = value.trim().trim_matches('"');
        match name.trim_end_matches(':') {
            "version" => entry.version = value,
            "resolution" => entry.resolution = value,
            "linkType" => entry.own = value == "soft",
            _ => {}
        }
    }
    entry.keep(&mut out);
    out
}

impl Entry<'_> {
    fn keep(&self, out: &mut Declared) {
        if self.own || self.version.is_empty() || self.request == "__metadata" {
            return;
        }
        let named = if self.resolution.is_empty() {
            self.request
        } else {
            self.resolution
        };
        let Some((name, wanted)) = parted(named) else {
            return;
        };
        // `"old@npm:lodash@^4.17.0"`: installed under another name.
        let alias = wanted.strip_prefix("npm:").and_then(parted);
        let name = alias.map_or(name, |(name, _)| name);
        out.slashed("npm", name, released(self.version));
    }
}
