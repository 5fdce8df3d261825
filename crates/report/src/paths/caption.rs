//! What stands in a box: the kind of thing, and its name on a few lines.
//! Comes in: the name of a node, of any length. Goes out: short texts. Never: more than fits.

use crate::escape::visible;
use unicode_width::UnicodeWidthChar as _;

/// Lines of a name.
const LINES: usize = 3;
/// Combining marks on one letter; scripts need no more.
const MARKS: usize = 3;

/// `Deployment/shop/web[app]` is a `container in Deployment` of the name `shop/web [app]`; the kind is empty where the
/// name says all.
pub(super) fn split(node: &str) -> (String, String) {
    if let Some((before, rest)) = node.split_once('/') {
        let (words, kind) = before.rsplit_once(' ').unwrap_or(("", before));
        if is_kind(kind) {
            let object = rest.strip_suffix(']');
            let inside = object.and_then(|object| object.rsplit_once('['));
            return match inside {
                Some((object, container)) => (
                    format!("container in {kind}"),
                    format!("{object} [{container}]"),
                ),
                None => (format!("{words} {kind}").trim().to_owned(), rest.to_owned()),
            };
        }
    }
    let of = [" namespace ", " identity "].into_iter().find_map(|word| {
        let (before, name) = node.split_once(word)?;
        Some((format!("{before}{}", word.trim_end()), name.to_owned()))
    });
    of.unwrap_or_else(|| (String::new(), node.to_owned()))
}

fn is_kind(word: &str) -> bool {
    let first = word.bytes().next();
    first.is_some_and(|b| b.is_ascii_uppercase())
        && word.len() <= 40
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Columns that a text takes; what has no width takes one too, so that nothing piles up.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(of_char).sum()
}

fn of_char(c: char) -> usize {
    c.width().unwrap_or(0).max(1)
}

/// The text, with its middle left out where it is longer. What steers is written out; marks do not pile up.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut marks = 0;
    let text: String = visible(text)
        .chars()
        .filter(|c| {
            marks = if c.width() == Some(0) { marks + 1 } else { 0 };
            marks <= MARKS
        })
        .collect();
    if columns(&text) <= most {
        return text;
    }
    let room = most.saturating_sub(1);
    let tail = room / 2;
    let head = fitting(text.chars(), room - tail);
    let end = fitting(text.chars().rev(), tail);
    let head: String = text.chars().take(head).collect();
    let mut end: Vec<char> = text.chars().rev().take(end).collect();
    end.reverse();
    format!("{head}\u{2026}{}", end.into_iter().collect::<String>())
}

/// How many of the characters fit.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> usize {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += of_char(*c);
            used <= room
        })
        .count()
}

/// The name on lines of `most` columns, broken where its parts end.
pub(super) fn wrapped(name: &str, most: usize) -> Vec<String> {
    let name = shortened(name, most * LINES);
    let lines = broken(&name, most, true);
    if lines.len() <= LINES {
        return lines;
    }
    broken(&shortened(&name, most * LINES), most, false)
}

fn broken(name: &str, most: usize, at_parts: bool) -> Vec<String> {
    let mut rest: Vec<char> = name.chars().collect();
    let mut lines = Vec::new();
    while columns(&rest.iter().collect::<String>()) > most {
        let fits = fitting(rest.iter().copied(), most).max(1);
        let part = |ends: &[char]| {
            let head = rest.iter().take(fits);
            let last = head.enumerate().rfind(|(_, c)| ends.contains(c));
            last.map(|(at, _)| at + 1).filter(|at| at * 3 >= fits)
        };
        let end = part(&['/', ' ']).or_else(|| part(&['-', '.', ':', '_', '@']));
        let end = end.filter(|_| at_parts).unwrap_or(fits);
        let after = rest.split_off(end);
        lines.push(rest.into_iter().collect::<String>().trim_end().to_owned());
        rest = after;
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kind_is_told_from_the_name() {
        for (node, kind, name) in [
            ("Deployment/shop/web", "Deployment", "shop/web"),
            (
                "Deployment/shop/web[app]",
                "container in Deployment",
                "shop/web [app]",
            ),
            ("pods on Node/worker-1", "pods on Node", "worker-1"),
            (
                "ClusterRole/x in namespace shop",
                "ClusterRole",
                "x in namespace shop",
            ),
            ("admin of namespace shop", "admin of namespace", "shop"),
            (
                "cloud identity arn:aws:iam::1:role/x",
                "cloud identity",
                "arn:aws:iam::1:role/x",
            ),
            ("Internet", "", "Internet"),
            ("a/b", "", "a/b"),
            ("", "", ""),
        ] {
            assert_eq!(split(node), (kind.to_owned(), name.to_owned()), "{node}");
        }
    }

    #[test]
    fn names_are_broken_where_parts_end() {
        for (name, lines) in [
            ("shop/web", vec!["shop/web"]),
            ("shop/web-frontend", vec!["shop/", "web-frontend"]),
            (
                "ingress-nginx/controller",
                vec!["ingress-", "nginx/", "controller"],
            ),
            ("abcdefghijklmnopq", vec!["abcdefghijkl", "mnopq"]),
            ("漢字漢字漢字漢字", vec!["漢字漢字漢字", "漢字"]),
        ] {
            assert_eq!(wrapped(name, 12), lines, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_its_box(name in "\\PC{0,90}|[a-z/ -]{0,90}|\u{301}{0,90}", most in 4..30_usize) {
            let lines = wrapped(&name, most);
            prop_assert!(lines.len() <= LINES + 1, "{lines:?}");
            for line in &lines {
                prop_assert!(columns(line) <= most, "{line}");
            }
            prop_assert!(columns(&shortened(&name, most)) <= most);
        }
    }
}
