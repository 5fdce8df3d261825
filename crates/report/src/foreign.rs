//! What the reports in other scanners' forms share: they hold one artifact, and have no place for what was not seen.

use crate::installed::{Unit, Units};
use crate::names::Names;
use crate::view::View;
use crate::wording::counted;
use model::finding::Finding;
use model::matches::Category;
use serde_json::{Value, json};
use std::io;

/// Which findings the form has a place for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Everything,
    Vulnerabilities,
}

/// The one artifact of the scan; such a form cannot hold none or several.
pub(crate) fn only<'u, 'a>(units: &'u Units<'a>, form: &str) -> io::Result<&'u Unit<'a>> {
    match units.all.as_slice() {
        [unit] => Ok(unit),
        all => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{form}'s JSON report is of one image, file tree or list of packages, and this scan has {}; --format json \
                 holds any number",
                all.len()
            ),
        )),
    }
}

/// What the form has no place for: who wrote it, what was not seen, how the gate judged, what is left out.
pub(crate) fn told(view: &View, names: &Names, written: Written) -> Value {
    let all = view.assessment;
    let gaps: Vec<Value> = all
        .ledger
        .gaps_accepted()
        .map(|(gap, accepted)| {
            json!({
                "class": gap.class,
                "what": names.show(&gap.what),
                "scope": names.show(&gap.scope),
                "weight": gap.weight,
                "close": names.show(&gap.close),
                "accepted": accepted.is_some(),
            })
        })
        .collect();
    let reasons: Vec<_> = view.verdict.reasons.iter().map(|r| names.show(r)).collect();
    let notices: Vec<_> = view.verdict.notices.iter().map(|n| names.show(n)).collect();
    let mut told = json!({
        "version": all.about.tool_version,
        "database": all.about.database.as_ref().map(|database| &database.digest),
        "gaps": gaps,
        "outcome": view.verdict.outcome,
        "reasons": reasons,
        "notices": notices,
    });
    if written == Written::Vulnerabilities {
        let open = all.findings.iter().chain(&all.unjoined);
        let others = open
            .filter(|f| f.category != Category::Vulnerability)
            .count();
        if others > 0 {
            let findings = counted(others, "finding");
            let left = format!("{findings} that are no vulnerability stand in --format json only");
            told["leftOut"] = json!(left);
        }
    }
    told
}

/// Why it is as likely as it is, and what was said of it without taking it out.
pub(crate) fn reasons(view: &View, finding: &Finding) -> String {
    let known = view.vulnerability(finding);
    let known = known.iter().flat_map(|v| &v.likelihood.reasons);
    let parts: Vec<&str> = known.chain(&finding.notes).map(|text| &**text).collect();
    parts.join(". ")
}

/// The file of a finding that is of no package.
pub(crate) fn file_of(finding: &Finding) -> Option<String> {
    let source = finding
        .source
        .as_ref()
        .map(|source| source.file.to_string());
    source.or_else(|| finding.object.as_ref().map(ToString::to_string))
}

/// Its title, and where in the file it is.
pub(crate) fn at_file(finding: &Finding, title: &str) -> String {
    match &finding.field {
        Some(field) => format!("{title}, {field}"),
        None => title.to_owned(),
    }
}

/// From 1; `None`: the whole file.
pub(crate) fn line_of(finding: &Finding) -> Option<u32> {
    let line = finding.source.as_ref().map(|source| source.line);
    line.filter(|line| *line > 0)
}
