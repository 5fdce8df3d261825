//! Red Hat, SUSE and their relatives: `[epoch:]version[-release]`.
//! Source: rpm `rpmio/rpmvercmp.c` and `parseEVR` of `lib/rpmds.c`. A missing release is older than any, the empty
//! one too; the epoch counts only where digits alone stand before the colon.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (parse(a), parse(b));
    digits::by_value(a.epoch, b.epoch)
        .then_with(|| segments(a.version, b.version))
        .then_with(|| match (a.release, b.release) {
            (Some(a), Some(b)) => segments(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        })
}

/// Epoch, version, release.
struct Evr<'a> {
    epoch: &'a [u8],
    version: &'a [u8],
    release: Option<&'a [u8]>,
}

fn parse(text: &[u8]) -> Evr<'_> {
    let (epoch, rest) = match digits::split_digits(text) {
        (epoch, [b':', rest @ ..]) => (epoch, rest),
        _ => (&text[..0], text),
    };
    let hyphen = rest.iter().rposition(|byte| *byte == b'-');
    let (version, release) = hyphen.map_or((rest, None), |hyphen| {
        (&rest[..hyphen], Some(&rest[hyphen + 1..]))
    });
    Evr {
        epoch,
        version,
        release,
    }
}

/// `rpmvercmp`: `~` < end < `^` < letters < numbers; everything else only separates.
fn segments(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (a_segment, a_rest) = next(a);
        let (b_segment, b_rest) = next(b);
        let order =
            a_segment
                .rank()
                .cmp(&b_segment.rank())
                .then_with(|| match (a_segment, b_segment) {
                    (Segment::Letters(a), Segment::Letters(b)) => a.cmp(b),
                    (Segment::Number(a), Segment::Number(b)) => digits::by_value(a, b),
                    _ => Ordering::Equal,
                });
        if order.is_ne() || matches!(a_segment, Segment::End) {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a [u8]),
    Number(&'a [u8]),
}

impl Segment<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::Tilde => 0,
            Self::End => 1,
            Self::Caret => 2,
            Self::Letters(_) => 3,
            Self::Number(_) => 4,
        }
    }
}

fn next(text: &[u8]) -> (Segment<'_>, &[u8]) {
    let counts = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'~' || byte == b'^';
    let (_, text) = digits::split(text, |byte| !counts(byte));
    match text {
        [] => (Segment::End, text),
        [b'~', rest @ ..] => (Segment::Tilde, rest),
        [b'^', rest @ ..] => (Segment::Caret, rest),
        [b'0'..=b'9', ..] => {
            let (number, rest) = digits::split_digits(text);
            (Segment::Number(number), rest)
        }
        _ => {
            let (letters, rest) = digits::split(text, |byte| byte.is_ascii_alphabetic());
            (Segment::Letters(letters), rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Rpm,
            "1.0~rc1 < 1.0 < 1.0^git1 < 1.0^git2 < 1.0.1 < 1.1
             1.0^ < 1.0.0
             1.0~^ > 1.0~~
             1.0^~ < 1.0^
             1 < 1- < 1-0 < 1-1 < 1-1.el9 < 1-2
             0:1-1 = 1-1 < 1:0-0 < 10:0-0
             1.0.a < 1.0.1
             1.0a < 1.0b < 1.0.1
             1.05 = 1.5 = 1__5
             4.18.0-553.el8_10 < 4.18.0-553.5.1.el8_10
             1:1.8.3-1.module+el8.9.0+1 < 1:1.8.3-2.module+el8.5.0+1
             99999999999999999999 < 100000000000000000000",
        );
    }
}
