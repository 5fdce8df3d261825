//! One row a finding, for spreadsheets. A cell that a spreadsheet would take for a formula gets an
//! apostrophe before it (OWASP, CSV injection); control characters are written out.

use crate::escape::visible;
use crate::names::Names;
use crate::view::{View, object};
use crate::wording::{category, exposure, severity, status};
use model::evidence::Fact;
use model::finding::Finding;
use std::io::{self, Write};

const HEADER: &[&str] = &[
    "state",
    "id",
    "category",
    "severity",
    "score",
    "score_low",
    "score_high",
    "kev",
    "epss",
    "due",
    "ssvc",
    "exposure",
    "kind",
    "namespace",
    "name",
    "container",
    "field",
    "placements",
    "image",
    "package",
    "version",
    "type",
    "fixed_version",
    "status",
    "title",
    "aliases",
    "file",
    "line",
    "column",
    "rendered_from",
    "alternatives",
    "purl",
    "tracking_key",
    "suppressed_by",
    "suppressed_because",
];

/// Open findings first, then suppressed, then unjoined ones; RFC 4180, UTF-8.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(HEADER)?;
    for (state, findings) in [
        ("open", &view.assessment.findings),
        ("suppressed", &view.assessment.suppressed),
        ("unjoined", &view.assessment.unjoined),
    ] {
        for finding in findings {
            row(view, &names, state, finding, &mut csv)?;
        }
    }
    csv.flush()
}

fn row<W: Write>(
    view: &View,
    names: &Names,
    state: &str,
    finding: &Finding,
    csv: &mut csv::Writer<W>,
) -> io::Result<()> {
    let best = view.best(finding);
    let object = object(finding, best.as_ref());
    let package = view.package(finding);
    let vulnerability = view.vulnerability(finding);
    let scored = view.score(finding).map(|s| s.score);
    let source = finding
        .source
        .as_ref()
        .or(best.and_then(|place| place.workload?.source.as_ref()));
    let suppression = finding.suppression.as_ref();
    let points = |select: fn(&model::evidence::Estimate) -> f64| {
        scored.map_or_else(String::new, |s| format!("{:.1}", select(&s.points)))
    };
    let kev = vulnerability.map_or("", |v| match v.kev {
        Fact::Is(_) => "yes",
        Fact::Absent => "no",
        Fact::Unknown(_) => "unknown",
    });
    let epss = vulnerability.map_or_else(String::new, |v| match &v.epss {
        Fact::Is(epss) => epss.score.to_string(),
        Fact::Absent => String::new(),
        Fact::Unknown(_) => "unknown".into(),
    });
    let cells = [
        state.to_owned(),
        finding.id.to_string(),
        category(finding.category).into(),
        severity(finding.severity).into(),
        points(|p| p.expected),
        points(|p| p.low),
        points(|p| p.high),
        kev.into(),
        epss,
        scored
            .and_then(|s| s.deadline.due)
            .map_or_else(String::new, |due| due.to_string()),
        scored.map_or_else(String::new, |s| s.ssvc.to_string()),
        best.and_then(|place| place.situation)
            .map_or("", |s| exposure(s.exposure.class))
            .into(),
        object.map_or_else(String::new, |o| o.kind.to_string()),
        object
            .and_then(|o| o.namespace.as_deref())
            .unwrap_or("")
            .into(),
        object.map_or_else(String::new, |o| o.name.to_string()),
        best.and_then(|place| place.container)
            .map_or_else(String::new, |c| c.name.to_string()),
        finding.field.as_deref().unwrap_or("").into(),
        view.places(finding)
            .filter(|place| place.workload.is_some())
            .count()
            .to_string(),
        view.image(finding)
            .map_or_else(String::new, |image| image.name.to_string()),
        package.map_or_else(String::new, |p| p.name.to_string()),
        package.map_or_else(String::new, |p| p.version.to_string()),
        package.map_or_else(String::new, |p| p.kind.to_string()),
        finding.fix.versions.join(", "),
        status(finding.fix.state).into(),
        view.title(finding).unwrap_or("").into(),
        vulnerability.map_or_else(String::new, |v| v.aliases.join(", ")),
        source.map_or_else(String::new, |s| s.file.to_string()),
        source.map_or_else(String::new, |s| s.line.to_string()),
        source.map_or_else(String::new, |s| s.column.to_string()),
        source
            .and_then(|s| s.rendered_from.as_deref())
            .unwrap_or("")
            .into(),
        source.map_or_else(String::new, |s| s.alternatives.join(", ")),
        package.and_then(|p| p.purl.as_deref()).unwrap_or("").into(),
        view.tracking_key(finding, names),
        suppression.map_or_else(String::new, |s| s.by.to_string()),
        suppression.map_or_else(String::new, |s| s.reason.to_string()),
    ];
    for cell in &cells {
        csv.write_field(guarded(&visible(&names.show(cell))))?;
    }
    csv.write_record(None::<&[u8]>)?;
    Ok(())
}

/// The cell with an apostrophe where a spreadsheet would calculate it.
fn guarded(cell: &str) -> String {
    let starts = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    if cell.trim_start().starts_with(starts) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn formulas_are_text() {
        for (cell, expected) in [
            ("web", "web"),
            ("a=b", "a=b"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@babel/core", "'@babel/core"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(guarded(cell), expected);
        }
    }
}
