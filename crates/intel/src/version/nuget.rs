//! NuGet: numbers (four, more are read), then labels as in SemVer but without case; metadata does not count.
//! Source: NuGet.Versioning `VersionComparer`. A numeric label over 2147483647 is a word there, and so it is here.

use super::digits;
use super::semver;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    let released = a.pre.is_empty().cmp(&b.pre.is_empty());
    Some(a.core(&b).then(released).then_with(|| labels(a.pre, b.pre)))
}

fn parse(text: &str) -> Option<semver::Version<'_>> {
    let version = semver::parse(text)?;
    (version.pre.is_empty() || version.hyphen).then_some(version)
}

fn labels(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (digits::dotted(a), digits::dotted(b));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => match (is_int32(a), is_int32(b)) {
                (true, true) => digits::by_value(a, b),
                (false, false) => without_case(a, b),
                (a, b) => b.cmp(&a),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_int32(label: &[u8]) -> bool {
    digits::all_digits(label) && digits::by_value(label, b"2147483647").is_le()
}

fn without_case(a: &[u8], b: &[u8]) -> Ordering {
    let upper = |label: &[u8]| label.iter().map(u8::to_ascii_uppercase).collect::<Vec<_>>();
    upper(a).cmp(&upper(b))
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::NuGet,
            "1.0.0-1 < 1.0.0-9 < 1.0.0-10 < 1.0.0-alpha < 1.0.0-ALPHA.1 < 1.0.0-Beta < 1.0.0 < 1.0.0.1 < 1.0.1
             1 = 1.0 = 1.0.0 = 1.0.0.0 = 1.0.0+a = 1.00.0
             1.0.0-RC1 = 1.0.0-rc1
             1.0.0-rc10 < 1.0.0-rc2
             1.0.0-5 < 1.0.0-20240101120000
             1.0.0-10000000000 < 1.0.0-9999999999",
        );
    }
}
