//! Why our own matcher says it, in words: which advisory, which range, which comparison, which layer, and why nothing
//! takes it out. Comes in: a finding. Goes out: lines. Never: a judgement of its own.

use super::canvas::{Canvas, Paint};
use super::explain::LABEL;
use crate::installed::{Installed, Unit, units};
use crate::view::View;
use crate::wording::counted;
use model::finding::Finding;
use model::inventory::Layer;
use model::matches::{Advisory, Basis};
use std::io;

/// Longest history line that is shown, in bytes.
const MAX_HISTORY: usize = 160;

/// What decided, for every statement of ours that the finding cites.
pub(super) fn because(view: &View, finding: &Finding, canvas: &mut Canvas) -> io::Result<()> {
    for cited in view.cited(finding) {
        let Some(basis) = cited.basis else { continue };
        canvas.prose(
            Paint::Plain,
            "advisory    ",
            &advisory(view, basis, cited.advisory),
        )?;
        canvas.prose(Paint::Plain, "range       ", &range(basis))?;
        canvas.prose(Paint::Plain, "compared    ", &compared(basis))?;
        if let Some(day) = basis.fixed_on {
            canvas.prose(Paint::Plain, "fixed on    ", &day.to_string())?;
        }
        for note in &basis.notes {
            canvas.prose(Paint::Plain, LABEL, note)?;
        }
    }
    Ok(())
}

/// `DSA-5514-1 of osv/Debian (as of 2026-10-01), published 2023-10-03; DEBIAN-CVE-2023-4911 says it too`.
fn advisory(view: &View, basis: &Basis, said: Option<&Advisory>) -> String {
    let feeds = view.assessment.about.database.iter();
    let mut feeds = feeds.flat_map(|database| &database.feeds);
    let mut text = format!("{} of {}", basis.advisory, basis.feed);
    if let Some(date) = feeds
        .find(|feed| feed.name == basis.feed)
        .and_then(|feed| feed.date)
    {
        text = format!("{text} (as of {date})");
    }
    if let Some(day) = said.and_then(|said| said.published) {
        text = format!("{text}, published {day}");
    }
    match &*basis.also {
        [] => text,
        [one] => format!("{text}; {one} says it too"),
        many => format!("{text}; {} say it too", many.join(", ")),
    }
}

/// `Debian:12, source package glibc: all versions before 2.36-9+deb12u3`.
fn range(basis: &Basis) -> String {
    let start = basis.introduced.as_deref().filter(|start| *start != "0");
    let versions = match (start, &basis.fixed, &basis.last_affected) {
        (None, Some(fixed), _) => format!("all versions before {fixed}"),
        (Some(start), Some(fixed), _) => format!("versions from {start} on, before {fixed}"),
        (None, None, Some(last)) => format!("all versions up to {last}"),
        (Some(start), None, Some(last)) => format!("versions from {start} to {last}"),
        (Some(start), None, None) => format!("all versions from {start} on"),
        (None, None, None) if basis.introduced.is_some() => "all versions".to_owned(),
        (None, None, None) => "the versions that it lists".to_owned(),
    };
    let source = if basis.of_source { "source " } else { "" };
    format!(
        "{}, {source}package {}: {versions}",
        basis.ecosystem, basis.package
    )
}

/// `2.36-9+deb12u1 < 2.36-9+deb12u3 by dpkg's order`.
fn compared(basis: &Basis) -> String {
    let version = &basis.version;
    let order = order(&basis.order);
    let start = basis.introduced.as_deref().filter(|start| *start != "0");
    let end = match (&basis.fixed, &basis.last_affected) {
        (Some(fixed), _) => Some(format!("{version} < {fixed}")),
        (None, Some(last)) => Some(format!("{version} <= {last}")),
        (None, None) => None,
    };
    let start = start.map(|start| format!("{version} >= {start}"));
    match (start, end) {
        (Some(start), Some(end)) => format!("{start} and {end} by {order}"),
        (Some(one), None) | (None, Some(one)) => format!("{one} by {order}"),
        (None, None) if basis.introduced.is_some() => format!("{version}, as every version"),
        (None, None) => format!("{version} is in its list"),
    }
}

/// Whose order of versions it is.
fn order(name: &str) -> &str {
    match name {
        "alpm" => "pacman's order",
        "apk" => "apk's order",
        "bitnami" => "Bitnami's order",
        "composer" => "Composer's order",
        "cran" => "R's order",
        "dpkg" => "dpkg's order",
        "gem" => "RubyGems' order",
        "go" => "Go's order",
        "hackage" => "Haskell's order",
        "maven" => "Maven's order",
        "nuget" => "NuGet's order",
        "pep440" => "Python's order (PEP 440)",
        "pub" => "Dart's order",
        "rpm" => "rpm's order",
        "semver" => "the order of semantic versions",
        other => other,
    }
}

/// Which layer brought the package of a finding.
pub(super) fn layer(view: &View, finding: &Finding, canvas: &mut Canvas) -> io::Result<()> {
    let Some(package) = view.package(finding) else {
        return Ok(());
    };
    let all = units(view);
    let found = all.of(finding).and_then(|(_, unit)| {
        let index = *unit.find(package).first()?;
        Some((unit, *unit.packages.get(index as usize)?))
    });
    match found {
        Some((unit, package)) => layer_of(unit, package, canvas),
        None => Ok(()),
    }
}

/// `2 of 5, sha256:0123456789ab, base image: COPY ...`.
pub(super) fn layer_of(unit: &Unit, package: Installed, canvas: &mut Canvas) -> io::Result<()> {
    let Some((number, layer)) = unit.layer(package) else {
        return Ok(());
    };
    let count = unit.inventory.map_or(0, |inventory| inventory.layers.len());
    let mut text = format!("{} of {count}, {}", number + 1, short(layer));
    if let Some(origin) = unit.origin(package).words() {
        text = format!("{text}, {origin}");
    }
    if let Some(by) = &layer.created_by {
        let end = by.floor_char_boundary(MAX_HISTORY);
        let more = if end < by.len() { " ..." } else { "" };
        text = format!("{text}: {}{more}", by.get(..end).unwrap_or(""));
    }
    canvas.prose(Paint::Plain, "layer       ", &text)
}

/// `sha256:0123456789ab`.
fn short(layer: &Layer) -> &str {
    let end = layer.diff_id.floor_char_boundary("sha256:".len() + 12);
    layer.diff_id.get(..end).unwrap_or(&layer.diff_id)
}

/// Why an open finding counts: what was looked at that could have taken it out.
pub(super) fn counts(view: &View, finding: &Finding, canvas: &mut Canvas) -> io::Result<()> {
    if finding.suppression.is_some() {
        return Ok(());
    }
    let rulings = &view.assessment.coverage.rulings;
    let text = match (rulings.len(), finding.notes.is_empty()) {
        (0, _) => "nothing takes it out: no VEX document and no ignore file was given".to_owned(),
        (_, true) => format!("none of these speaks of it: {}", rulings.join("; ")),
        (count, false) => format!(
            "{} looked at ({}); what is said of it above does not take it out",
            counted(count, "file"),
            rulings.join("; ")
        ),
    };
    canvas.prose(Paint::Plain, "counts      ", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(introduced: Option<&str>, fixed: Option<&str>, last: Option<&str>) -> Basis {
        Basis {
            advisory: "DSA-1-1".into(),
            feed: "osv/Debian".into(),
            ecosystem: "Debian:12".into(),
            package: "glibc".into(),
            of_source: true,
            version: "2.0".into(),
            order: "dpkg".into(),
            introduced: introduced.map(Into::into),
            fixed: fixed.map(Into::into),
            last_affected: last.map(Into::into),
            ..Basis::default()
        }
    }

    #[test]
    fn ranges_in_words() {
        let check = |bounds: (Option<&str>, Option<&str>, Option<&str>), of: &str, by: &str| {
            let basis = basis(bounds.0, bounds.1, bounds.2);
            let expected = format!("Debian:12, source package glibc: {of}");
            assert_eq!((range(&basis), &*compared(&basis)), (expected, by));
        };
        let zero = Some("0");
        check(
            (zero, Some("3"), None),
            "all versions before 3",
            "2.0 < 3 by dpkg's order",
        );
        check(
            (Some("1"), Some("3"), None),
            "versions from 1 on, before 3",
            "2.0 >= 1 and 2.0 < 3 by dpkg's order",
        );
        check(
            (zero, None, Some("2")),
            "all versions up to 2",
            "2.0 <= 2 by dpkg's order",
        );
        check(
            (Some("1"), None, Some("2")),
            "versions from 1 to 2",
            "2.0 >= 1 and 2.0 <= 2 by dpkg's order",
        );
        check(
            (Some("1"), None, None),
            "all versions from 1 on",
            "2.0 >= 1 by dpkg's order",
        );
        check((zero, None, None), "all versions", "2.0, as every version");
        check(
            (None, None, None),
            "the versions that it lists",
            "2.0 is in its list",
        );
    }
}
