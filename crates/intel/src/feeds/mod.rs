//! The official feeds, each read as its publisher writes it. Comes in: files of a feed folder.
//! Goes out: [`Draft`]s (one statement of one source), EPSS and KEV tables, and gaps for what could
//! not be read. Never: trust in sizes, an archive unpacked to disk, a record lost without a count.

pub mod alpine;
pub mod archive;
pub mod csaf;
pub mod cve;
pub mod debian;
pub mod epss;
pub mod folder;
pub mod kev;
pub mod osv;
mod specific;

pub use crate::ecosystem::Names;
use jiff::civil::Date;
use model::matches::FixState;
use model::vulnerability::{Severity, Ssvc};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

/// Largest record, in bytes; the largest real one is 1 MB.
pub const MAX_RECORD: u64 = 16 << 20;
/// Largest unpacked feed, in bytes; all CVE records are 2 GB.
pub const MAX_FEED: u64 = 32 << 30;

/// One statement of one source on one vulnerability, before it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub id: String,
    pub aliases: Vec<String>,
    /// CVEs that it collects: a notice of a distribution, or an advisory that names several. They are no aliases.
    pub covers: Vec<String>,
    pub title: Option<String>,
    pub published: Option<Date>,
    pub modified: Option<Date>,
    /// Withdrawn or rejected on that day.
    pub withdrawn: Option<Date>,
    /// The source's own word.
    pub severity: Option<Severity>,
    pub cvss: Vec<DraftCvss>,
    /// Numbers of CWE, ascending.
    pub cwes: Vec<u32>,
    pub ssvc: Option<Ssvc>,
    pub affected: Vec<Affected>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DraftCvss {
    /// `cna`, `cisa-adp`, or the feed.
    pub source: String,
    pub vector: String,
    /// Tenths of the base score.
    pub tenths: u8,
}

/// A package and its affected versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// As the database is keyed: `Debian:12`, `Red Hat:9`, `PyPI`.
    pub ecosystem: String,
    /// As the ecosystem compares names.
    pub package: String,
    pub names: Names,
    /// With `versions` empty too: no version is affected, or `state` says what is known.
    pub ranges: Vec<Range>,
    /// Affected beside the ranges.
    pub versions: Vec<String>,
    /// The vendor's word where there is no fix; `NotAffected` has no ranges.
    pub state: Option<FixState>,
    /// The vendor's rating of the package, where it differs from the record's.
    pub severity: Option<Severity>,
    /// Module streams that it speaks of, `nodejs:18`; empty: of packages outside of modules, or it does not say.
    pub modules: Vec<String>,
    /// Vulnerable Go packages and functions; empty: not known.
    pub imports: Vec<Import>,
    /// Only on these platforms (RubyGems: `jruby`); empty: on all.
    pub platforms: Vec<String>,
    /// The day of the fix, where it is another one than the record's.
    pub fixed_on: Option<Date>,
}

/// A vulnerable Go package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    pub path: String,
    /// `Server.ServeConn`; empty: all of the package.
    pub symbols: Vec<String>,
    /// Empty: all systems.
    pub systems: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub kind: RangeKind,
    /// As the source orders them; real ones are not sorted.
    pub events: Vec<(EventKind, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeKind {
    Semver,
    Ecosystem,
    Git,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Introduced,
    Fixed,
    LastAffected,
    Limit,
}

/// What one feed gave.
#[derive(Debug, Default)]
pub struct Read {
    pub drafts: Vec<Draft>,
    /// Records that could not be read, and the first of the reasons.
    pub unread: u64,
    pub reason: Option<String>,
    /// SHA-256 of the input.
    pub digest: String,
}

#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("reading {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is damaged: {what}")]
    Damaged { path: PathBuf, what: String },
    #[error("{path} unpacks to more than {limit} bytes")]
    TooLarge { path: PathBuf, limit: u64 },
}

/// The day of an RFC 3339 time or a plain date; sources write several forms.
pub fn day(text: &str) -> Option<Date> {
    text.trim().get(..10)?.parse().ok()
}

/// White space and control characters of any kind become one space; at most `limit` bytes, cut at a word.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit + 4));
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() && out.len() + 1 + word.len() > limit {
            out.push('…');
            return out;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        if word.len() > limit {
            out.push_str(word.get(..word.floor_char_boundary(limit)).unwrap_or(""));
            out.push('…');
            return out;
        }
        out.push_str(word);
    }
    out
}

/// First sentence of a description, as a title where the source has none.
pub fn first_sentence(text: &str) -> Option<String> {
    let line = one_line(text, 400);
    let end = line.find(". ").map_or(line.len(), |dot| dot);
    let sentence = line.get(..end).unwrap_or(&line).trim_end_matches('.');
    (!sentence.is_empty()).then(|| one_line(sentence, 160))
}

/// `CWE-79` as 79.
pub fn cwe_number(text: &str) -> Option<u32> {
    text.trim().strip_prefix("CWE-")?.parse().ok()
}

/// Whether a file name has one of `endings`.
pub(crate) fn ends(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending))
}

/// An id fit for the database: one short printable word.
pub fn usable_id(id: &str) -> bool {
    (3..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Keeps one draft an id: the one modified last, then the greater text, so that the order of files does not matter.
pub fn newest_per_id(drafts: &mut Vec<Draft>) {
    drafts.sort_by(|a, b| {
        a.id.cmp(&b.id)
            .then_with(|| b.modified.cmp(&a.modified))
            .then_with(|| format!("{b:?}").cmp(&format!("{a:?}")))
    });
    drafts.dedup_by(|later, kept| later.id == kept.id);
}

/// Joins what several documents say of one id: each speaks of other packages. Ids ascend afterwards.
pub fn merge_per_id(drafts: &mut Vec<Draft>) {
    let mut merged: BTreeMap<String, Draft> = BTreeMap::new();
    for draft in drafts.drain(..) {
        match merged.entry(draft.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(draft);
            }
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                held.affected.extend(draft.affected);
                held.covers.extend(draft.covers);
                held.covers.sort_unstable();
                held.covers.dedup();
                held.title = held.title.take().or(draft.title);
            }
        }
    }
    drafts.extend(merged.into_values());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_line() {
        assert_eq!(one_line(" a\tb\u{1b}[31m\r\nc ", 100), "a b [31m c");
        assert_eq!(one_line("one two three", 8), "one two…");
        assert_eq!(one_line("ääääää", 5), "ää…");
        assert_eq!(
            first_sentence("In 1.2.3 it breaks. Then more.").as_deref(),
            Some("In 1.2.3 it breaks")
        );
        assert_eq!(first_sentence(" \n"), None);
    }

    #[test]
    fn days() {
        for (text, expected) in [
            ("2024-01-31T22:00:00.000Z", Some((2024, 1, 31))),
            ("2024-01-31", Some((2024, 1, 31))),
            ("2024-13-31", None),
            ("2024", None),
            ("äääääää", None),
        ] {
            assert_eq!(
                day(text),
                expected.map(|(y, m, d)| jiff::civil::date(y, m, d)),
                "{text}"
            );
        }
    }
}
