//! Bundler's lock file. Source: Bundler, `LockfileParser`.

use super::Declared;
use crate::catalog::lang::text;

pub(super) fn gemfile(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut out = Declared::default();
    let mut own = false;
    for line in text.lines() {
        if !line.starts_with(' ') {
            own = line.trim_end() == "PATH";
            continue;
        }
        // Four spaces: a gem; six: what it depends on.
        let gem = line
            .strip_prefix("    ")
            .filter(|line| !line.starts_with(' '));
        let Some((name, version)) = gem.and_then(|gem| gem.trim_end().split_once(" (")) else {
            continue;
        };
        let Some(version) = version.strip_suffix(')').filter(|_| !own) else {
            continue;
        };
        // `1.13.0-x86_64-linux`: a version has no dash of its own (`Gem::Version`).
        let version = version.split('-').next().unwrap_or(version);
        if version.starts_with(|c: char| c.is_ascii_digit()) {
            out.add("gem", None, name, version);
        }
    }
    out
}
