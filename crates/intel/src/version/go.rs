//! Go: module versions (SemVer with pseudo-versions, `+incompatible`) and toolchains (`go1.22rc1`), also as OSV writes
//! them for the standard library (`1.22.0-rc.1`).
//! Source: golang.org/ref/mod#versions, Go `internal/gover`. A vendor's suffix (`go1.22.5-fips`, `go1.22.5 X:x`,
//! `go1.9.2b4`) does not count; `(devel)` is no version.

use super::digits;
use super::semver::{self, Version};
use std::cmp::Ordering;
use std::iter;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    Some(
        a.semver
            .core(&b.semver)
            .then_with(|| b.is_pre_release().cmp(&a.is_pre_release()))
            .then_with(|| semver::identifiers(a.identifiers(), b.identifiers())),
    )
}

struct Go<'a> {
    semver: Version<'a>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Module,
    /// Its pre-release is a word and a number without a dot.
    Toolchain,
    /// `go1.21` since 1.21: older than its first candidate, and yet newer than OSV's `1.21.0-0`, where ranges begin.
    Language,
}

fn parse(text: &str) -> Option<Go<'_>> {
    let Some(toolchain) = text.strip_prefix("go") else {
        let semver = semver::parse(text)?;
        // `1.22rc1`, a toolchain without its prefix.
        let bare = !semver.hyphen
            && digits::dotted(semver.core).count() < 3
            && semver.pre.first().is_some_and(u8::is_ascii_alphabetic);
        let kind = if bare { Kind::Toolchain } else { Kind::Module };
        return Some(Go { semver, kind });
    };
    let ours = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    let (head, _) = digits::split(toolchain.as_bytes(), ours);
    let mut semver = semver::parse(toolchain.get(..head.len())?)?;
    if !toolchain.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut numbers = digits::dotted(semver.core);
    let (major, minor, patch) = (numbers.next(), numbers.next(), numbers.next());
    if patch.is_some() {
        semver.pre = b"";
    }
    let since_language_versions = major.is_some_and(|major| digits::by_value(major, b"1").is_gt())
        || minor.is_some_and(|minor| digits::by_value(minor, b"21").is_ge());
    let language = patch.is_none() && semver.pre.is_empty() && since_language_versions;
    let kind = if language {
        Kind::Language
    } else {
        Kind::Toolchain
    };
    Some(Go { semver, kind })
}

impl<'a> Go<'a> {
    fn is_pre_release(&self) -> bool {
        self.kind == Kind::Language || !self.semver.pre.is_empty()
    }

    fn identifiers(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let kind = self.kind;
        let mut rest =
            (kind == Kind::Language || !self.semver.pre.is_empty()).then_some(self.semver.pre);
        iter::from_fn(move || {
            let text = rest?;
            let (word, left) = match kind {
                Kind::Toolchain if digits::all_digits(&text[..1]) => digits::split_digits(text),
                Kind::Toolchain => digits::split(text, |byte| !byte.is_ascii_digit()),
                Kind::Module | Kind::Language => digits::split(text, |byte| byte != b'.'),
            };
            rest = match (kind, left) {
                (_, []) => None,
                (Kind::Toolchain, left) => Some(left),
                (_, left) => Some(&left[1..]),
            };
            Some(word)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn modules() {
        check(
            Scheme::Go,
            "v1.2.3-0.20200101000000-abcdefabcdef < v1.2.3-0.20210101000000-0123456789ab < v1.2.3-rc.1 < v1.2.3 = 1.2.3
             v0.0.0-20190101000000-abcdefabcdef < v0.0.0 < v0.0.1
             v1.2.3-pre.0.20200101000000-abcdefabcdef > v1.2.3-pre
             v2.0.0+incompatible = v2.0.0 = 2.0.0
             v1 = v1.0 = v1.0.0",
        );
    }

    #[test]
    fn toolchains() {
        check(
            Scheme::Go,
            "1.21.0-0 < go1.21 < go1.21beta1 < go1.21rc2 < go1.21rc10 < go1.21.0 < go1.21.1
             go1.21rc2 = 1.21.0-rc.2 = 1.21rc2
             go1.20 = go1.20.0 = 1.20.0
             go1.20rc1 < go1.20
             go1.22.5 = go1.22.5-fips = 1.22.5
             go1.9.2b4 = go1.9.2
             go1.9 < go1.10
             1.21.0-0 < 1.21.0",
        );
        let spaced = Scheme::Go.compare("go1.22.5 X:nocoverageredesign", "1.22.5");
        assert_eq!(spaced, Some(std::cmp::Ordering::Equal));
    }
}
