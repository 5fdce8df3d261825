//! Arch Linux: `[epoch:]pkgver[-pkgrel]`, as `vercmp` reads it.
//! Source: libalpm `lib/libalpm/version.c`. It is rpm's old order with three changes: trailing letters are older than
//! nothing, a longer separator is newer, and a release counts only where both have one. The last two make circles
//! (`1-1` = `1` = `1-2`; `a.b` > `a1` > `a` > `a.b`): the answer is the tool's for each pair.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let ((a_epoch, a_version, a_release), (b_epoch, b_version, b_release)) = (parse(a), parse(b));
    segments(a_epoch, b_epoch)
        .then_with(|| segments(a_version, b_version))
        .then_with(|| match (a_release, b_release) {
            (Some(a), Some(b)) => segments(a, b),
            _ => Ordering::Equal,
        })
}

fn parse(text: &[u8]) -> (&[u8], &[u8], Option<&[u8]>) {
    let (epoch, rest) = match digits::split_digits(text) {
        ([], [b':', rest @ ..]) => (&b"0"[..], rest),
        (epoch, [b':', rest @ ..]) => (epoch, rest),
        _ => (&b"0"[..], text),
    };
    match rest.iter().rposition(|byte| *byte == b'-') {
        Some(hyphen) => (epoch, &rest[..hyphen], Some(&rest[hyphen + 1..])),
        None => (epoch, rest, None),
    }
}

fn segments(mut a: &[u8], mut b: &[u8]) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    loop {
        if a.is_empty() || b.is_empty() {
            return tail(a, b);
        }
        let (a_separator, a_rest) = digits::split(a, |byte| !byte.is_ascii_alphanumeric());
        let (b_separator, b_rest) = digits::split(b, |byte| !byte.is_ascii_alphanumeric());
        if a_rest.is_empty() || b_rest.is_empty() {
            return tail(a_rest, b_rest);
        }
        if a_separator.len() != b_separator.len() {
            return a_separator.len().cmp(&b_separator.len());
        }
        let (number, b_number) = (a_rest[0].is_ascii_digit(), b_rest[0].is_ascii_digit());
        if number != b_number {
            return number.cmp(&b_number);
        }
        let same = |byte: u8| byte.is_ascii_alphanumeric() && byte.is_ascii_digit() == number;
        let (a_segment, a_rest) = digits::split(a_rest, same);
        let (b_segment, b_rest) = digits::split(b_rest, same);
        let order = if number {
            digits::by_value(a_segment, b_segment)
        } else {
            a_segment.cmp(b_segment)
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

/// One has ended: letters that are left make older, all else makes newer.
fn tail(a: &[u8], b: &[u8]) -> Ordering {
    let letter = |text: &[u8]| text.first().is_some_and(u8::is_ascii_alphabetic);
    if a.is_empty() && b.is_empty() {
        Ordering::Equal
    } else if (a.is_empty() && !letter(b)) || letter(a) {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Alpm,
            "1.0a < 1.0b < 1.0beta < 1.0p < 1.0pre < 1.0rc < 1.0 < 1.0.a < 1.0.1
             1.5-1 = 1.5 = 1.5-2
             1.5-1 < 1.5-2 < 1:1.0-1
             0:1.0-1 = 1.0-1
             1.0_1 = 1.0.1
             1.0..1 > 1.0.1
             r100.abc < r101.abc
             99999999999999999999 < 100000000000000000000",
        );
    }
}
