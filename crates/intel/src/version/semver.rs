//! SemVer 2.0.0, read leniently: npm, crates.io, Hex, Kubernetes, GitHub Actions, the kernel.
//! Lenient means: spaces, `=` and `v` before it (node-semver "loose"), fewer than three numbers (the rest is 0), more
//! than three (compared as numbers), a pre-release without its hyphen, leading zeros. Build metadata does not count.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    Some(a.core(&b).then_with(|| pre_release(a.pre, b.pre)))
}

#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    /// Numbers between dots, at least one.
    pub(super) core: &'a [u8],
    /// Without its hyphen; empty is none.
    pub(super) pre: &'a [u8],
    /// Without its plus; empty is none.
    pub(super) build: &'a [u8],
    /// What stood between numbers and pre-release: a hyphen, a dot or nothing.
    pub(super) hyphen: bool,
}

impl Version<'_> {
    /// By the numbers alone.
    pub(super) fn core(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (digits::dotted(self.core), digits::dotted(other.core));
        loop {
            let (a, b) = (a.next(), b.next());
            if a.is_none() && b.is_none() {
                return Ordering::Equal;
            }
            let order = digits::by_value(a.unwrap_or(b"0"), b.unwrap_or(b"0"));
            if order.is_ne() {
                return order;
            }
        }
    }
}

/// `None` where it does not begin with a number, or has what no version has.
pub(super) fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim_start_matches(['v', 'V', '=', ' ']);
    let text = text.as_bytes();
    if !text
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-+_~:/".contains(byte))
    {
        return None;
    }
    let mut end = digits::split_digits(text).0.len();
    if end == 0 {
        return None;
    }
    while let [b'.', rest @ ..] = &text[end..] {
        match digits::split_digits(rest).0.len() {
            0 => break,
            length => end += 1 + length,
        }
    }
    let (core, rest) = text.split_at(end);
    let (hyphen, rest) = match rest {
        // A hyphen alone is a pre-release of that name to node-semver.
        [b'-', rest @ ..] if rest.first().is_some_and(|byte| *byte != b'+') => (true, rest),
        [b'.', rest @ ..] => (false, rest),
        _ => (false, rest),
    };
    let (pre, build) = digits::split(rest, |byte| byte != b'+');
    Some(Version {
        core,
        pre,
        build: build.strip_prefix(b"+").unwrap_or(build),
        hyphen,
    })
}

/// None is newer than any (SemVer 11.3).
pub(super) fn pre_release(a: &[u8], b: &[u8]) -> Ordering {
    a.is_empty()
        .cmp(&b.is_empty())
        .then_with(|| identifiers(digits::dotted(a), digits::dotted(b)))
}

/// Numbers by value, below words; words as ASCII; the longer list is newer (SemVer 11.4).
pub(super) fn identifiers<'a>(
    mut a: impl Iterator<Item = &'a [u8]>,
    mut b: impl Iterator<Item = &'a [u8]>,
) -> Ordering {
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => match (digits::all_digits(a), digits::all_digits(b)) {
                (true, true) => digits::by_value(a, b),
                (false, false) => a.cmp(b),
                (a, b) => b.cmp(&a),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::SemVer,
            "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0
             1.0.0-0 < 1.0.0-1 < 1.0.0-- < 1.0.0-A < 1.0.0-a < 1.0.0
             1 = 1.0 = 1.0.0 = v1.0.0 = =1.0.0 = v=1.0.0 = 1.0.0+build.7 = 01.0.0
             1.0.0 < 1.0.0.1 < 1.0.1
             1.2.3beta < 1.2.3
             1.2.3-beta = 1.2.3beta = 1.2.3.beta
             1.0.0-20240101 < 1.0.0-20240102
             2.6.32.9 < 2.6.32.10 < 2.6.33-rc1 < 2.6.33
             99999999999999999999.0.0 < 100000000000000000000.0.0
             1.0.0-99999999999999999999 < 1.0.0-100000000000000000000",
        );
    }
}
