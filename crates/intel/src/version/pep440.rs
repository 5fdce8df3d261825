//! Python: PEP 440 as `packaging` reads it; what it does not read has the order that setuptools gave it before, and is
//! older than all that it reads.
//! Source: packaging.python.org "Version specifiers", packaging `version.py`.

mod legacy;

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => order(&a, &b),
        (None, None) => legacy::compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

struct Version<'a> {
    epoch: &'a [u8],
    /// Numbers between dots.
    release: &'a [u8],
    pre: Option<(Pre, &'a [u8])>,
    post: Option<&'a [u8]>,
    dev: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    Alpha,
    Beta,
    Candidate,
}

fn order(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    digits::by_value(a.epoch, b.epoch)
        .then_with(|| releases(a.release, b.release))
        .then_with(|| pre_phase(a).cmp(&pre_phase(b)))
        .then_with(|| numbers(a.pre.map(|(_, n)| n), b.pre.map(|(_, n)| n)))
        .then_with(|| a.post.is_some().cmp(&b.post.is_some()))
        .then_with(|| numbers(a.post, b.post))
        .then_with(|| b.dev.is_some().cmp(&a.dev.is_some()))
        .then_with(|| numbers(a.dev, b.dev))
        .then_with(|| a.local.is_some().cmp(&b.local.is_some()))
        .then_with(|| locals(a.local.unwrap_or(b""), b.local.unwrap_or(b"")))
}

/// A development release of a final one comes before its pre-releases: `1.0.dev1` < `1.0a1`.
fn pre_phase(version: &Version<'_>) -> u8 {
    match version.pre {
        None if version.post.is_none() && version.dev.is_some() => 0,
        Some((phase, _)) => 1 + phase as u8,
        None => 4,
    }
}

/// Of the same phase; without a number it is 0.
fn numbers(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    digits::by_value(a.unwrap_or(b"0"), b.unwrap_or(b"0"))
}

/// Missing numbers are 0.
fn releases(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (digits::dotted(a), digits::dotted(b));
    loop {
        let (a, b) = (a.next(), b.next());
        if a.is_none() && b.is_none() {
            return Ordering::Equal;
        }
        let order = numbers(a, b);
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers are newer than words here, words have no case, the longer is newer.
fn locals(a: &[u8], b: &[u8]) -> Ordering {
    let separator = |byte: &u8| b".-_".contains(byte);
    let (mut a, mut b) = (a.split(separator), b.split(separator));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(a), Some(b)) => match (digits::all_digits(a), digits::all_digits(b)) {
                (true, true) => digits::by_value(a, b),
                (false, false) => {
                    let lower =
                        |word: &[u8]| word.iter().map(u8::to_ascii_lowercase).collect::<Vec<_>>();
                    lower(a).cmp(&lower(b))
                }
                (a, b) => a.cmp(&b),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The grammar of PEP 440, appendix B.
fn parse(text: &str) -> Option<Version<'_>> {
    let text = text.trim().as_bytes();
    let text = word(text, &["v"]).map_or(text, |(_, rest)| rest);
    let (epoch, rest) = match digits::split_digits(text) {
        ([_, ..], [b'!', rest @ ..]) => (&text[..text.len() - rest.len() - 1], rest),
        _ => (&text[..0], text),
    };
    let mut end = digits::split_digits(rest).0.len();
    if end == 0 {
        return None;
    }
    while let [b'.', more @ ..] = &rest[end..] {
        match digits::split_digits(more).0.len() {
            0 => break,
            length => end += 1 + length,
        }
    }
    let (release, rest) = rest.split_at(end);
    let (pre, rest) = match phase(
        rest,
        &["alpha", "a", "beta", "b", "preview", "pre", "rc", "c"],
    ) {
        Some((0 | 1, number, rest)) => (Some((Pre::Alpha, number)), rest),
        Some((2 | 3, number, rest)) => (Some((Pre::Beta, number)), rest),
        Some((_, number, rest)) => (Some((Pre::Candidate, number)), rest),
        None => (None, rest),
    };
    let (post, rest) = match (rest, phase(rest, &["post", "rev", "r"])) {
        ([b'-', b'0'..=b'9', ..], _) => {
            let (number, rest) = digits::split_digits(&rest[1..]);
            (Some(number), rest)
        }
        (_, Some((_, number, rest))) => (Some(number), rest),
        _ => (None, rest),
    };
    let (dev, rest) = match phase(rest, &["dev"]) {
        Some((_, number, rest)) => (Some(number), rest),
        None => (None, rest),
    };
    let local = match rest {
        [] => None,
        [b'+', local @ ..] if is_local(local) => Some(local),
        _ => return None,
    };
    Some(Version {
        epoch,
        release,
        pre,
        post,
        dev,
        local,
    })
}

/// `[-_.]? word [-_.]? [0-9]*`: which word, its number and what follows.
fn phase<'a>(text: &'a [u8], words: &[&str]) -> Option<(usize, &'a [u8], &'a [u8])> {
    let (which, rest) = word(without_separator(text), words)?;
    let (number, rest) = digits::split_digits(without_separator(rest));
    Some((which, number, rest))
}

fn without_separator(text: &[u8]) -> &[u8] {
    match text {
        [b'.' | b'-' | b'_', rest @ ..] => rest,
        _ => text,
    }
}

/// The first of `words` that `text` begins with, in any case.
fn word<'a>(text: &'a [u8], words: &[&str]) -> Option<(usize, &'a [u8])> {
    words.iter().enumerate().find_map(|(which, word)| {
        let (start, rest) = text.split_at_checked(word.len())?;
        start
            .eq_ignore_ascii_case(word.as_bytes())
            .then_some((which, rest))
    })
}

fn is_local(text: &[u8]) -> bool {
    text.split(|byte| b".-_".contains(byte))
        .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Pep440,
            "1.0.dev456 < 1.0a1 < 1.0a2.dev456 < 1.0a12.dev456 < 1.0a12 < 1.0b1.dev456 < 1.0b2 < 1.0b2.post345.dev456 < 1.0b2.post345 < 1.0rc1.dev456 < 1.0rc1 < 1.0 < 1.0+abc.5 < 1.0+abc.7 < 1.0+5 < 1.0.post456.dev34 < 1.0.post456 < 1.0.15 < 1.1.dev1 < 1!0.1
             1.0 = 1 = 1.0.0 = v1.0 = 0!1 = 01.00
             1.0a = 1.0a0 = 1.0-alpha = 1.0_ALPHA.0
             1.0c1 = 1.0rc1 = 1.0-pre-1 = 1.0.preview1
             1.0-1 = 1.0.post1 = 1.0rev1 = 1.0_r_1
             1.0dev = 1.0.dev0
             1.0+Ubuntu-1 = 1.0+ubuntu.1
             1.0a- = 1.0a0
             1.0+a < 1.0+1 < 1.0+1.a
             1.99999999999999999999 < 1.100000000000000000000",
        );
    }

    #[test]
    fn legacy() {
        check(
            Scheme::Pep440,
            "french-toast < 0.0.1.dev0
             2004d < 2005b
             1.0-foo < 1.0-goo < 0
             1.0-foodev = 1.0-foodev < 1.0",
        );
    }
}
