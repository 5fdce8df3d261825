//! Debian and its relatives: `[epoch:]upstream[-revision]`, as `dpkg --compare-versions` reads it.
//! Source: Debian policy 5.6.12, dpkg `lib/dpkg/version.c` and `parsehelp.c`. What dpkg only warns of (a version that
//! does not start with a digit, odd characters) is compared; what it refuses is no version.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    Some(
        digits::by_value(a.epoch, b.epoch)
            .then_with(|| part(a.upstream, b.upstream))
            .then_with(|| part(a.revision, b.revision)),
    )
}

struct Version<'a> {
    epoch: &'a [u8],
    upstream: &'a [u8],
    /// Empty where there is none: policy says that it equals `0`.
    revision: &'a [u8],
}

fn parse(text: &[u8]) -> Option<Version<'_>> {
    if text.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let (epoch, rest) = match text.iter().position(|byte| *byte == b':') {
        Some(colon) if digits::all_digits(&text[..colon]) => (&text[..colon], &text[colon + 1..]),
        Some(_) => return None,
        None => (&text[..0], text),
    };
    let (upstream, revision) = match rest.iter().rposition(|byte| *byte == b'-') {
        Some(hyphen) if hyphen + 1 == rest.len() => return None,
        Some(hyphen) => (&rest[..hyphen], &rest[hyphen + 1..]),
        None => (rest, &rest[..0]),
    };
    (!upstream.is_empty()).then_some(Version {
        epoch,
        upstream,
        revision,
    })
}

/// Runs of other characters and of digits in turn.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (a_text, a_rest) = digits::split(a, |byte| !byte.is_ascii_digit());
        let (b_text, b_rest) = digits::split(b, |byte| !byte.is_ascii_digit());
        let (a_number, a_rest) = digits::split_digits(a_rest);
        let (b_number, b_rest) = digits::split_digits(b_rest);
        let order = text(a_text, b_text).then_with(|| digits::by_value(a_number, b_number));
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
    Ordering::Equal
}

/// `~` before the end, the end before letters, letters before all else.
fn text(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    weight(a.get(common)).cmp(&weight(b.get(common)))
}

fn weight(byte: Option<&u8>) -> i16 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i16::from(*letter),
        Some(other) => i16::from(*other) + 256,
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Dpkg,
            "1.0~~ < 1.0~~a < 1.0~ < 1.0 < 1.0a < 1.0+ < 1.0.1
             1.0 = 0:1.0-0 = 1.0-00 = 1.00
             1.0-1~bpo12+1 < 1.0-1 < 1.0-1+deb12u1 < 1.0-1.1 < 1.0-2
             9 < 10 < 1:0
             1.2.3-4-5 > 1.2.3-4-4 > 1.2.3-3-9
             1.0+dfsg < 1.0+dfsg1 < 1.0+git
             1:1.0 = 01:1.0
             a < b
             1.0-1ubuntu2 < 1.0-1ubuntu10
             18446744073709551616 > 18446744073709551615",
        );
    }
}
