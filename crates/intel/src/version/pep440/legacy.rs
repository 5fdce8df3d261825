//! The order before PEP 440: `LegacyVersion` of packaging 21, which kept that of setuptools before version 8.
//! Comes in: two strings that are not PEP 440. Goes out: which one is older.

use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    key(a).cmp(&key(b))
}

/// Numbers of eight digits as text, words behind `*`, so that words are older and `*final` divides them.
fn key(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let (part, left) = rest.split_at(length(rest, first));
        rest = left;
        match part {
            "." => {}
            _ if first.is_ascii_digit() => parts.push(format!("{part:0>8}")),
            "pre" | "preview" | "rc" => push(&mut parts, "*c".to_owned()),
            "-" => push(&mut parts, "*final-".to_owned()),
            "dev" => push(&mut parts, "*@".to_owned()),
            _ => push(&mut parts, format!("*{part}")),
        }
    }
    push(&mut parts, "*final".to_owned());
    parts
}

/// Digits, letters, a dot, a hyphen, or all that is none of these.
fn length(text: &str, first: char) -> usize {
    let end = |stop: fn(char) -> bool| text.find(stop).unwrap_or(text.len());
    match first {
        '.' | '-' => 1,
        '0'..='9' => end(|other| !other.is_ascii_digit()),
        'a'..='z' => end(|other| !other.is_ascii_lowercase()),
        _ => end(|other| matches!(other, '.' | '-' | '0'..='9' | 'a'..='z')),
    }
}

/// A word: hyphens before a pre-release, and zeros before any word, do not count.
fn push(parts: &mut Vec<String>, word: String) {
    if word.as_str() < "*final" {
        while parts.last().is_some_and(|last| last == "*final-") {
            parts.pop();
        }
    }
    while parts.last().is_some_and(|last| last == "00000000") {
        parts.pop();
    }
    parts.push(word);
}
