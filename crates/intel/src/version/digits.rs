//! Decimal numbers of any length, compared as text: no version is too long for a machine word.

use std::cmp::Ordering;

/// Two runs of ASCII digits by value; an empty run is 0.
pub(super) fn by_value(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (without_zeros(a), without_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

pub(super) fn without_zeros(digits: &[u8]) -> &[u8] {
    split(digits, |byte| byte == b'0').1
}

/// The longest start of `text` whose bytes all fit, and what follows.
pub(super) fn split(text: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !fits(*byte))
        .unwrap_or(text.len());
    text.split_at(end)
}

/// The leading digits of `text`, and what follows.
pub(super) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    split(text, |byte| byte.is_ascii_digit())
}

/// What stands between the dots of `text`; one empty part where it is empty.
pub(super) fn dotted(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'.')
}

pub(super) fn all_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
