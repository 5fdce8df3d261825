//! A rough order of version texts, only for choosing which fix to name when several are given (queue, tables).
//! In: two versions of one package; out: their order. Judging what is affected is not done here:
//! the exact orders of the ecosystems live in `intel`.

use crate::text::Text;
use std::cmp::Ordering;

/// Numbers compare as numbers, `~` sorts before the end, a pre-release word before none.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (strip(a), strip(b));
    let (epoch_a, a) = epoch(a);
    let (epoch_b, b) = epoch(b);
    let epochs = number_order(epoch_a, epoch_b);
    if epochs.is_ne() {
        return epochs;
    }
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (word_a, rest_a) = split(a, |byte| !byte.is_ascii_digit());
        let (word_b, rest_b) = split(b, |byte| !byte.is_ascii_digit());
        let words = word_order(word_a, word_b);
        if words.is_ne() {
            return words;
        }
        let (number_a, rest_a) = split(rest_a, u8::is_ascii_digit);
        let (number_b, rest_b) = split(rest_b, u8::is_ascii_digit);
        let numbers = number_order(number_a, number_b);
        if numbers.is_ne() {
            return numbers;
        }
        if rest_a.is_empty() && rest_b.is_empty() {
            return Ordering::Equal;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// The first number of a version, after an epoch and a leading `v`.
pub fn major(version: &str) -> &str {
    let (_, rest) = epoch(strip(version));
    let end = rest
        .bytes()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or("")
}

/// The smallest fix above the installed version, of the same major version if there is one.
pub fn choose<'a>(installed: &str, fixes: &'a [Text]) -> Option<&'a Text> {
    let above = || fixes.iter().filter(|fix| compare(fix, installed).is_gt());
    let smallest = |a: &&Text, b: &&Text| compare(a, b);
    above()
        .filter(|fix| major(fix) == major(installed))
        .min_by(smallest)
        .or_else(|| above().min_by(smallest))
        .or_else(|| fixes.iter().max_by(|a, b| compare(a, b)))
}

/// Whether a version closes what is fixed in any of `fixes`, as far as the fixes of several branches show it: it is one of
/// them, a later one of the same minor version, or later than all of its major version. Between two branches nobody says.
pub fn closes(to: &str, fixes: &[Text]) -> bool {
    let below = |fix: &&Text| compare(fix, to).is_le();
    let own_minor = minor(to);
    let in_branch = |fix: &Text| compare(fix, to).is_eq() || minor(fix) == own_minor;
    if fixes.iter().filter(below).any(in_branch) {
        return true;
    }
    let own_major = |fix: &&Text| major(fix) == major(to);
    match fixes.iter().filter(own_major).max_by(|a, b| compare(a, b)) {
        Some(last) => compare(last, to).is_le(),
        None => !fixes.is_empty() && fixes.iter().all(|fix| compare(fix, to).is_le()),
    }
}

/// The smallest named fix above the installed version that closes all findings, each given by its fixes; of the same
/// major version if there is one, else the largest that is named.
pub fn choose_for_all<'a>(installed: &str, findings: &[&'a [Text]]) -> Option<&'a Text> {
    let mut named: Vec<&Text> = findings.iter().flat_map(|fixes| *fixes).collect();
    named.sort_by(|a, b| compare(a, b));
    named.dedup();
    let all = |to: &&&Text| findings.iter().all(|fixes| closes(to, fixes));
    let own = |to: &&&Text| major(to) == major(installed);
    let above = || {
        let above = named.iter().filter(|to| compare(to, installed).is_gt());
        above.copied()
    };
    let smallest = above().filter(|to| own(&to)).find(|to| all(&to));
    smallest
        .or_else(|| above().find(|to| all(&to)))
        .or_else(|| named.last().copied())
}

/// `1.20` of `v1.20.15`: the first two numbers, after an epoch and a leading `v`.
pub fn minor(version: &str) -> String {
    let (_, rest) = epoch(strip(version));
    let digits = |part: &str| {
        let end = part.bytes().position(|byte| !byte.is_ascii_digit());
        part.get(..end.unwrap_or(part.len()))
            .unwrap_or("")
            .to_owned()
    };
    let mut parts = rest.split('.').map(digits);
    let first = parts.next().unwrap_or_default();
    format!("{first}.{}", parts.next().unwrap_or_default())
}

/// The smallest fix above the installed version, of the same minor version if there is one; never one below.
pub fn choose_patch<'a>(installed: &str, fixes: &'a [Text]) -> Option<&'a Text> {
    let above = || fixes.iter().filter(|fix| compare(fix, installed).is_gt());
    let smallest = |a: &&Text, b: &&Text| compare(a, b);
    let own = minor(installed);
    above()
        .filter(|fix| minor(fix) == own)
        .min_by(smallest)
        .or_else(|| above().min_by(smallest))
}

/// The upstream part: without epoch and the distribution's revision.
pub fn upstream(version: &str) -> &str {
    let (_, rest) = epoch(version);
    rest.rsplit_once('-').map_or(rest, |(upstream, _)| upstream)
}

fn strip(version: &str) -> &str {
    let version = version.trim();
    version
        .strip_prefix('v')
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or(version)
}

fn epoch(version: &str) -> (&[u8], &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (epoch.as_bytes(), rest)
        }
        _ => (b"", version),
    }
}

fn split(bytes: &[u8], part: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !part(byte))
        .unwrap_or(bytes.len());
    bytes.split_at(end)
}

/// Digits of any length, without leading zeros: longer is larger.
fn number_order(a: &[u8], b: &[u8]) -> Ordering {
    let trim = |digits: &'_ [u8]| {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.get(zeros..).map(<[u8]>::to_vec).unwrap_or_default()
    };
    let (a, b) = (trim(a), trim(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
}

fn word_order(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |word: &[u8]| {
        let letters: Vec<u8> = word
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase)
            .collect();
        let before = word.first() == Some(&b'~')
            || matches!(
                letters.as_slice(),
                b"rc" | b"alpha" | b"beta" | b"a" | b"b" | b"pre" | b"dev" | b"m" | b"snapshot"
            );
        let place = if before {
            0
        } else {
            1 + usize::from(!word.is_empty())
        };
        (place, letters)
    };
    rank(a).cmp(&rank(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders() {
        let check = |a: &str, b: &str, expected: Ordering| {
            assert_eq!(compare(a, b), expected, "{a} {b}");
            assert_eq!(compare(b, a), expected.reverse(), "{b} {a}");
        };
        check("1.2.3", "1.2.10", Ordering::Less);
        check("v1.2.3", "1.2.3", Ordering::Equal);
        check("3.0.11-1~deb12u1", "3.0.11-1~deb12u2", Ordering::Less);
        check("1:1.0", "2.0", Ordering::Greater);
        check("1.0.0-rc1", "1.0.0", Ordering::Less);
        check("1.0~rc1", "1.0", Ordering::Less);
        check("2.17.1", "2.9.10", Ordering::Greater);
        check("1.2.13-r0", "1.2.13-r1", Ordering::Less);
        check("", "1", Ordering::Less);
        check(&"9".repeat(400), &"8".repeat(400), Ordering::Greater);
    }

    #[test]
    fn one_version_for_all() {
        let check = |installed: &str, findings: &[&[&str]], expected: &str| {
            let texts = |fixes: &&[&str]| fixes.iter().map(|fix| Text::from(*fix)).collect();
            let findings: Vec<Vec<Text>> = findings.iter().map(texts).collect();
            let slices: Vec<&[Text]> = findings.iter().map(Vec::as_slice).collect();
            let found = choose_for_all(installed, &slices).map(|fix| &**fix);
            assert_eq!(found, Some(expected), "{installed} {findings:?}");
        };
        check("1.0", &[&["1.2"]], "1.2");
        check("1.0", &[&["1.2"], &["1.4"], &["1.3"]], "1.4");
        // 1.6.8 lies below the fix of the first one's newer branch.
        check("0.21.0", &[&["0.28.0", "1.8.2"], &["1.6.8"]], "1.8.2");
        check("0.21.0", &[&["0.28.0", "1.8.2"], &["0.27.0"]], "0.28.0");
        // A branch is a minor version, too.
        check(
            "1.24.1",
            &[&["1.24.8", "1.25.2"], &["1.24.9", "1.25.3"]],
            "1.24.9",
        );
        check(
            "1.23.1",
            &[&["1.24.8", "1.25.2"], &["1.24.9", "1.25.3"]],
            "1.24.9",
        );
        check("7.0", &[&["7.2", "8.0.4"], &["8.0.2"]], "8.0.4");
        check("1.0", &[&["2.0"], &["3.0", "1.5"]], "3.0");
        check("3.0-1", &[&["3.0-2"], &["3.0-4"]], "3.0-4");
    }

    #[test]
    fn the_smallest_fix_of_the_same_major() {
        let check = |installed: &str, fixes: &[&str], expected: Option<&str>| {
            let fixes: Vec<Text> = fixes.iter().map(|fix| Text::from(*fix)).collect();
            assert_eq!(
                choose(installed, &fixes).map(|fix| &**fix),
                expected,
                "{installed} {fixes:?}"
            );
        };
        check("2.14.1", &["2.12.2", "2.15.0", "3.0.0"], Some("2.15.0"));
        check("1.0", &["3.0", "2.0"], Some("2.0"));
        check("9", &["3.0", "2.0"], Some("3.0"));
        check("9", &[], None);
        let patch = |installed: &str, fixes: &[&str], expected: Option<&str>| {
            let fixes: Vec<Text> = fixes.iter().map(|fix| Text::from(*fix)).collect();
            let found = choose_patch(installed, &fixes).map(|fix| &**fix);
            assert_eq!(found, expected, "{installed} {fixes:?}");
        };
        patch("v1.20.2", &["1.18.3", "1.21.0", "1.20.15"], Some("1.20.15"));
        patch("v1.20.2", &["1.22.1", "1.21.4"], Some("1.21.4"));
        patch("v1.20.2", &["1.19.9"], None);
        assert_eq!(minor("v1.20.15-gke.1"), "1.20");
        assert_eq!(minor("2"), "2.");
    }
}
