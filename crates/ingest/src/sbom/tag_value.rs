//! The packages of an SPDX 2 document in tag-value form. Comes in: text of lines `Tag: value`. Goes out: its listing.
//! Source: SPDX 2.3, section 4.4 and annex D. Never: reads the lines of files and snippets.

use super::shelf::Shelf;
use super::spdx::{Listing, Package};
use super::spdx2::referred;
use crate::IngestError;
use crate::build::NAMES;
use model::inventory::Inventory;
use rustc_hash::FxHashMap;
use std::borrow::Cow;

const TEXT: &str = "<text>";
const TEXT_END: &str = "</text>";

/// The text of a tag-value document: its first line that says something names the version.
pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = bytes.get(..bytes.len().min(65_536))?;
    let is_first = |line: &&[u8]| {
        let line = line.trim_ascii();
        !line.is_empty() && !line.starts_with(b"#")
    };
    let first = head.split(|byte| *byte == b'\n').find(is_first)?;
    if !first.trim_ascii().starts_with(b"SPDXVersion:") {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Document,
    Package,
    License,
    /// Of a file or a snippet.
    Other,
}

pub(super) fn read<'a>(text: &'a str, shelf: Shelf<'a>) -> Result<Vec<Inventory>, IngestError> {
    let mut listing = Listing::new(shelf);
    let mut section = Section::Document;
    let mut license = "";
    let mut annotated = "";
    let mut notes: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
    for (tag, value) in lines(text) {
        match tag {
            "PackageName" => {
                section = Section::Package;
                listing.packages.push(Package {
                    name: value.into(),
                    ..Package::default()
                });
            }
            "FileName" | "SnippetSPDXID" => section = Section::Other,
            "LicenseID" => {
                section = Section::License;
                license = value;
            }
            "LicenseName" if section == Section::License && value != "NOASSERTION" => {
                listing.licenses.insert(license.into(), value.into());
            }
            "DocumentName" => listing.name = value.into(),
            "Creator" => listing.creator(value),
            "SPDXREF" => annotated = value,
            "AnnotationComment" => {
                let known = notes.entry(annotated).or_default();
                if known.len() < NAMES {
                    known.push(value);
                }
            }
            "Relationship" => {
                let mut words = value.split_ascii_whitespace();
                if let (Some(from), Some(kind), Some(to)) =
                    (words.next(), words.next(), words.next())
                {
                    listing.relate(from.into(), kind, to.into(), "");
                }
            }
            _ if section == Section::Package => {
                if let Some(package) = listing.packages.last_mut() {
                    listing.advisories += usize::from(field(package, tag, value));
                }
            }
            _ => {}
        }
    }
    for package in &mut listing.packages {
        if let Some(said) = notes.remove(&*package.id) {
            package.notes.extend(said.into_iter().map(Cow::Borrowed));
        }
    }
    listing.finish()
}

/// Takes one line of a package; whether it is an advisory.
fn field<'a>(package: &mut Package<'a>, tag: &str, value: &'a str) -> bool {
    match tag {
        "SPDXID" => package.id = value.into(),
        "PackageVersion" => package.version = value.into(),
        "PackageSupplier" => package.supplier = value.into(),
        "PrimaryPackagePurpose" => package.purpose = value.into(),
        "PackageSourceInfo" => package.source_info = value.into(),
        "PackageLicenseDeclared" => package.license = value.into(),
        "PackageLicenseConcluded" if matches!(&*package.license, "" | "NOASSERTION") => {
            package.license = value.into();
        }
        "ValidUntilDate" => package.valid_until = value.into(),
        "PackageAttributionText" if package.notes.len() < NAMES => package.notes.push(value.into()),
        "ExternalRef" => {
            let mut words = value.split_ascii_whitespace().skip(1);
            if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                return referred(package, kind, locator.into());
            }
        }
        _ => {}
    }
    false
}

/// Tags with their values; a value between `<text>` and `</text>` may have several lines.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    // An end that is not there is looked for once.
    let mut ends = true;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let line_at = rest;
            rest = after;
            if line.starts_with('#') {
                continue;
            }
            let Some((tag, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            let Some(inner) = value.strip_prefix(TEXT) else {
                return Some((tag.trim(), value));
            };
            if let Some(inner) = inner.strip_suffix(TEXT_END) {
                return Some((tag.trim(), inner.trim()));
            }
            let begin = line.find(TEXT).map_or(line.len(), |at| at + TEXT.len());
            let body = line_at.get(begin..).unwrap_or("");
            if let Some((inner, after)) = body.split_once(TEXT_END).filter(|_| ends) {
                rest = after.split_once('\n').map_or("", |(_, next)| next);
                return Some((tag.trim(), inner.trim()));
            }
            ends = false;
            return Some((tag.trim(), inner.trim()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_lines() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            assert_eq!(lines(text).collect::<Vec<_>>(), expected, "{text}");
        };
        check("A: 1\n# c: d\n\nB:2:3", &[("A", "1"), ("B", "2:3")]);
        check("A: <text>x</text>\nB: y", &[("A", "x"), ("B", "y")]);
        check(
            "A: <text>x\nC: z</text> t\r\nB: y\r\n",
            &[("A", "x\nC: z"), ("B", "y")],
        );
        check("A: <text>x\nB: y", &[("A", "x"), ("B", "y")]);
        check("A: <text>é", &[("A", "é")]);
    }
}
