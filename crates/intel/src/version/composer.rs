//! Packagist: PHP `version_compare`, after one `v` or `V`. `dev-branch` is older than every release.
//! Source: php-src `ext/standard/versioning.c`, composer/semver `Comparator`. A part that begins with `#` equals both
//! no part and any number, as the published cases have it, so that it alone makes circles.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (canonical(a), canonical(b));
    let (mut a, mut b) = (digits::dotted(&a), digits::dotted(&b));
    loop {
        let (a, b) = (a.next(), b.next());
        if a.is_none() && b.is_none() {
            return Ordering::Equal;
        }
        let order = match (a, b) {
            (Some(a), Some(b)) if is_number(a) && is_number(b) => {
                digits::by_value(number(a), number(b))
            }
            (Some(part), None) if is_number(part) => Ordering::Greater,
            (None, Some(part)) if is_number(part) => Ordering::Less,
            (a, b) => form(a).cmp(&form(b)),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Parts between dots: each other sign is a dot, and so is each change between digits and letters.
fn canonical(text: &[u8]) -> Vec<u8> {
    let text = text
        .strip_prefix(b"v")
        .or_else(|| text.strip_prefix(b"V"))
        .unwrap_or(text);
    let mut parts = Vec::with_capacity(text.len() * 2);
    let letter = |byte: u8| !byte.is_ascii_digit() && !b".-_+".contains(&byte);
    let mut before = None;
    for byte in text.iter().copied() {
        let Some(last) = before.replace(byte) else {
            parts.push(byte);
            continue;
        };
        let turns =
            (letter(last) && byte.is_ascii_digit()) || (last.is_ascii_digit() && letter(byte));
        let counts = byte.is_ascii_alphanumeric() || byte == b'#';
        if (turns || !counts) && parts.last() != Some(&b'.') {
            parts.push(b'.');
        }
        if turns || counts {
            parts.push(byte);
        }
    }
    parts
}

fn is_number(part: &[u8]) -> bool {
    part.first().is_some_and(u8::is_ascii_digit)
}

fn number(part: &[u8]) -> &[u8] {
    digits::split_digits(part).0
}

/// By how a part begins; what is unknown is oldest.
const FORMS: [(&[u8], u8); 10] = [
    (b"dev", 2),
    (b"alpha", 3),
    (b"a", 3),
    (b"beta", 4),
    (b"b", 4),
    (b"RC", 5),
    (b"rc", 5),
    (b"#", RELEASE),
    (b"pl", 7),
    (b"p", 7),
];
/// The weight of a number and of no part.
const RELEASE: u8 = 6;

fn form(part: Option<&[u8]>) -> u8 {
    match part {
        None => RELEASE,
        Some([]) => 0,
        Some(part) if is_number(part) => RELEASE,
        Some(part) => FORMS
            .iter()
            .find(|(start, _)| part.starts_with(start))
            .map_or(1, |(_, weight)| *weight),
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Composer,
            "dev-master < 1.0-dev < 1.0.0-alpha1 < 1.0.0-alpha2 < 1.0.0-beta1 < 1.0.0-RC1 < 1.0.0 < 1.0.0-p1
             dev-master < 1.x-dev < 1.0-dev
             v1.2.3 = 1.2.3 = V1.2.3
             1.0 < 1.0.0 < 1.0.0.0
             1.0.0-patch1 > 1.0.0 < 1.0.0-pl2
             1.0.0a1 = 1.0.0-alpha.1 = 1.0.0_alpha1
             8.9 < 8.10
             99999999999999999999 < 100000000000000000000",
        );
    }
}
