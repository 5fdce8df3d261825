//! Headers in the manner of mail (RFC 822): Python's core metadata, R's DESCRIPTION, a jar's manifest. Comes in: text.
//! Goes out: pairs in their order, continued lines joined. Never: what stands after the first empty line.

use std::borrow::Cow;

/// How a line that begins with a space goes on.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Folding {
    /// A new line of the value.
    Lines,
    /// The same line, cut at 72 bytes (JAR file specification, "Notes on Manifest and Signature Files").
    Cut,
}

/// At most this many headers are kept of one file; real ones have hundreds.
const MOST: usize = 20_000;

pub(super) fn headers(text: &str, folding: Folding) -> Vec<(&str, Cow<'_, str>)> {
    let mut all: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            if all.is_empty() {
                continue;
            }
            break;
        }
        if let Some(rest) = line.strip_prefix([' ', '\t']) {
            let Some((_, value)) = all.last_mut() else {
                continue;
            };
            let value = value.to_mut();
            if folding == Folding::Lines {
                value.push('\n');
            }
            value.push_str(if folding == Folding::Cut {
                rest
            } else {
                rest.trim()
            });
            continue;
        }
        if all.len() == MOST {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            let value = value.strip_prefix(' ').unwrap_or(value);
            all.push((name.trim(), Cow::Borrowed(value)));
        }
    }
    all
}

/// The first of that name, trimmed; `None` where it is empty. Names have no case.
pub(super) fn header<'h>(headers: &'h [(&str, Cow<'_, str>)], name: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .filter(|value| !value.is_empty())
}
