//! Dart's pub: SemVer, but a build is newer than none, and builds are ordered like pre-releases.
//! Source: pub_semver `lib/src/version.dart`.

use super::{digits, semver};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (semver::parse(a)?, semver::parse(b)?);
    Some(
        a.core(&b)
            .then_with(|| semver::pre_release(a.pre, b.pre))
            .then_with(|| b.build.is_empty().cmp(&a.build.is_empty()))
            .then_with(|| semver::identifiers(digits::dotted(a.build), digits::dotted(b.build))),
    )
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Pub,
            "1.0.0-a < 1.0.0-a+1 < 1.0.0-a+a < 1.0.0-b < 1.0.0 < 1.0.0+1 < 1.0.0+1.1 < 1.0.0+2 < 1.0.0+a < 1.0.1",
        );
    }
}
