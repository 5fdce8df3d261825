//! Ignore files: our own YAML, Trivy's two and the rules of Grype's configuration. Comes in: bytes of a file. Goes out:
//! its entries in one form, each with the line where it stands. Never: decides whether an entry applies or is over.

use crate::ignore_yaml;
use crate::{IngestError, Limits};
use jiff::civil::Date;
use model::matches::{Category, FixState};
use model::text::Text;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreFile {
    /// Path as given.
    pub file: Text,
    pub form: IgnoreForm,
    pub entries: Vec<IgnoreEntry>,
    /// What of it could not be used, one sentence each.
    pub notes: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IgnoreForm {
    /// `.plimsollignore.yaml`.
    Plimsoll,
    /// `.trivyignore`.
    TrivyText,
    /// `.trivyignore.yaml`.
    TrivyYaml,
    /// `ignore:` of `.grype.yaml`.
    Grype,
}

/// All conditions that are given must hold; those of one list are alternatives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreEntry {
    /// From 1.
    pub line: u32,
    /// Vulnerabilities, checks, rules; empty: any.
    pub ids: Vec<Text>,
    /// An id also stands for the other names of the same vulnerability.
    pub aliases: bool,
    /// Empty: any.
    pub categories: Vec<Category>,
    pub packages: Vec<PackageRule>,
    /// Files of the package, or the file of the finding; `**` crosses folders.
    pub paths: Vec<Text>,
    /// Image references; `*` and `?` are wildcards, a name without tag stands for all tags.
    pub images: Vec<Text>,
    /// `Deployment shop/web`, `shop/web`; `*` and `?` are wildcards.
    pub objects: Vec<Text>,
    /// Names of containers of configuration findings; `*` and `?` are wildcards.
    pub containers: Vec<Text>,
    /// Labels that the object has, all of them; wildcards in values.
    pub labels: Vec<(Text, Text)>,
    pub fix_states: Vec<FixState>,
    /// Feed of the source, as Grype names it: `debian:distro:debian:12`.
    pub namespace: Option<Text>,
    /// Only what a VEX document says this of.
    pub vex_status: Option<Text>,
    pub vex_justification: Option<Text>,
    pub owner: Option<Text>,
    pub reason: Option<Text>,
    /// The last day (UTC) on which it counts.
    pub expires: Option<Date>,
    /// What was known when it was written; it opens again when that gets worse (rule 18).
    pub given: Given,
}

/// The state of a finding at the time of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    pub known_exploited: Option<bool>,
    /// Publicly exposed, in the sense of BOD 26-04.
    pub exposed: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageRule {
    pub name: Option<NameRule>,
    pub version: Option<Text>,
    /// Grype's word of a language: `python`, `go`.
    pub language: Option<Text>,
    /// purl type or the source's own word: `deb`, `go-module`.
    pub kind: Option<Text>,
    pub location: Option<Text>,
    pub upstream: Option<NameRule>,
    pub purl: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// `*` and `?` are wildcards.
    Glob(Text),
    /// A regular expression for the whole name (Grype).
    Expression(Text),
}

/// Reads an ignore file. What it is, is seen from its content; the name decides only where that says nothing.
pub fn read_ignores(name: &str, bytes: &[u8], limits: &Limits) -> Result<IgnoreFile, IngestError> {
    /// Larger files are not lists that a person wrote.
    const LARGEST: usize = 4 << 20;
    let limit = LARGEST.min(limits.document);
    if bytes.len() > limit {
        return Err(IngestError::TooLarge {
            file: name.to_owned(),
            limit,
        });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| IngestError::Encoding {
        file: name.to_owned(),
        what: format!("not UTF-8 at byte {}", error.valid_up_to()),
    })?;
    if is_yaml(name, text) {
        ignore_yaml::read(name, text)
    } else {
        Ok(lines(name, text))
    }
}

/// A list of ids has no `key:` at the beginning of a line.
fn is_yaml(name: &str, text: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or("").to_ascii_lowercase();
    if matches!(&*ending, "yaml" | "yml") {
        return true;
    }
    let mut lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    lines.any(|line| {
        let word = line.trim_end_matches(" []").strip_suffix(':');
        word.is_some_and(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
    })
}

/// `.trivyignore`: an id a line, `exp:YYYY-MM-DD`, comments after `#`. It covers every kind of finding.
fn lines(name: &str, text: &str) -> IgnoreFile {
    let mut file = IgnoreFile {
        file: name.into(),
        form: IgnoreForm::TrivyText,
        entries: Vec::new(),
        notes: Vec::new(),
    };
    for (line, number) in text.lines().zip(1u32..) {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let mut words = content
            .split_whitespace()
            .take_while(|word| !word.starts_with('#'));
        let Some(id) = words.next() else { continue };
        let mut entry = IgnoreEntry {
            line: number,
            ids: vec![id.into()],
            aliases: true,
            ..IgnoreEntry::default()
        };
        let mut sound = true;
        for word in words {
            match word.strip_prefix("exp:").map(str::parse::<Date>) {
                Some(Ok(date)) => entry.expires = last_day(date),
                Some(Err(_)) => sound = false,
                None => {}
            }
        }
        if sound {
            // The comment line above or behind it is the reason that its author wrote.
            entry.reason = line.split_once(" #").map(|(_, why)| why.trim().into());
            file.entries.push(entry);
        } else {
            file.notes.push(
                format!("line {number} has a date that is no YYYY-MM-DD and does not count").into(),
            );
        }
    }
    file
}

/// Trivy's dates are the moment when an entry ends: the first instant of that day.
pub(crate) fn last_day(end: Date) -> Option<Date> {
    end.yesterday().ok().or(Some(end))
}
