//! RubyGems: `Gem::Version`. Numbers and words in turn, whatever separates them; a hyphen reads as `.pre.`; words are
//! older than numbers, and what is missing is 0.
//! Source: rubygems `lib/rubygems/version.rb`. It refuses `1beta`, which older gems have; here it is read.

use super::digits;
use std::cmp::Ordering;
use std::iter;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (check(a)?, check(b)?);
    let (mut a, mut b) = (canonical(a).peekable(), canonical(b).peekable());
    loop {
        if a.peek().is_none() && b.peek().is_none() {
            return Some(Ordering::Equal);
        }
        let zero: &[u8] = b"0";
        let (a, b) = (a.next().unwrap_or(zero), b.next().unwrap_or(zero));
        let order = match (digits::all_digits(a), digits::all_digits(b)) {
            (true, true) => digits::by_value(a, b),
            (false, false) => a.cmp(b),
            (a, b) => a.cmp(&b),
        };
        if order.is_ne() {
            return Some(order);
        }
    }
}

fn check(text: &str) -> Option<&[u8]> {
    let text = text.as_bytes();
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_+".contains(byte);
    (text[0].is_ascii_digit() && text.iter().all(fits)).then_some(text)
}

/// Zeros that end the leading numbers do not count: `1.0.a` is `1.a`.
fn canonical(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let leading = segments(text).take_while(|segment| digits::all_digits(segment));
    let (mut all, mut kept) = (0, 0);
    for segment in leading {
        all += 1;
        if !digits::without_zeros(segment).is_empty() {
            kept = all;
        }
    }
    segments(text).take(kept).chain(segments(text).skip(all))
}

fn segments(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        loop {
            match text {
                [] => return None,
                [b'0'..=b'9', ..] => {
                    let (number, rest) = digits::split_digits(text);
                    text = rest;
                    return Some(number);
                }
                [byte, ..] if byte.is_ascii_alphabetic() => {
                    let (word, rest) = digits::split(text, |byte| byte.is_ascii_alphabetic());
                    text = rest;
                    return Some(word);
                }
                [b'-', rest @ ..] => {
                    text = rest;
                    return Some(b"pre");
                }
                [_, rest @ ..] => text = rest,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Gem,
            "1.0.a.2 < 1.0.b1 < 1.0.rc1 < 1.0 = 1 = 1.0.0 < 1.0.1
             1.0.0.a = 1.a
             1.0.a1 = 1.0.a.1
             1.0.0-1 = 1.0.0.pre.1 < 1.0.0
             1.0.A < 1.0.a
             1.a.0.1 > 1.a > 1.a.0.b
             2.0.0.rc1 < 2.0.0.rc2 < 2.0.0.rc10
             1.9.3.p0 < 1.9.3",
        );
    }
}
