//! Bitnami: SemVer, but a number behind the hyphen is a packaging revision, newer than none; `1.2.3` is `1.2.3-0`.
//! Source: the README of bitnami/go-version; words (`-rc1`) occur in the feed and are pre-releases there.

use super::digits;
use super::semver::{self, Version};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (semver::parse(a)?, semver::parse(b)?);
    Some(a.core(&b).then_with(|| match (revision(&a), revision(&b)) {
        (Some(a), Some(b)) => semver::identifiers(digits::dotted(a), digits::dotted(b)),
        (None, None) => semver::pre_release(a.pre, b.pre),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }))
}

/// `None` where it is a pre-release.
fn revision<'a>(version: &Version<'a>) -> Option<&'a [u8]> {
    match version.pre {
        [] => Some(b"0"),
        [b'0'..=b'9', ..] if version.hyphen => Some(version.pre),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Bitnami,
            "2.6.0-rc1 < 2.6.0-rc2 < 2.6.0 = 2.6.0-0 < 2.6.0-1 < 2.6.0-10 < 2.6.1
             2.4.46-10.el8 < 2.4.46-11
             1.81.0-1 > 1.81.0",
        );
    }
}
