//! GitLab's container scanning report, schema 15.0.7 (security-report-schemas). In: a view. Out: the vulnerabilities of
//! images and file trees; gaps and what is left out as messages. Never: a finding without an image or package name.

use crate::claim::advice;
use crate::each::Each;
use crate::escape::write_json;
use crate::installed::{Unit, Units, units};
use crate::names::Names;
use crate::sarif::is_web;
use crate::serial::uuid;
use crate::target;
use crate::view::View;
use crate::wording::counted;
use model::assessment::Outcome;
use model::evidence::GapWeight;
use model::finding::Finding;
use model::matches::{Category, FixState};
use model::vulnerability::Severity;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};

#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    schema: &'static str,
    scan: Value,
    vulnerabilities: Each<'a, Value>,
    remediations: [Value; 0],
}

/// Characters of a name and of a solution that the schema allows.
const NAME: usize = 255;
const SOLUTION: usize = 7_000;
const DESCRIPTION: usize = 100_000;
/// Vectors that the schema allows for one vulnerability.
const VECTORS: usize = 10;

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let all = view.assessment;
    let shown = || {
        let open = all.findings.iter().chain(&all.unjoined);
        open.filter(|finding| {
            finding.category == Category::Vulnerability
                && view.package(finding).is_some()
                && view.image(finding).is_some()
        })
    };
    let others = all.findings.len() + all.unjoined.len() - shown().count();
    let (view_copy, names_ref, units_ref, shown_ref) = (*view, &names, &units, &shown);
    let report = Report {
        version: "15.0.7",
        schema: "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.0.7/dist/container-scanning-report-format.json",
        scan: scan(view, &names, others),
        vulnerabilities: Each(Box::new(move || {
            let one = move |(number, finding): (usize, &Finding)| {
                vulnerability(&view_copy, names_ref, units_ref, number, finding)
            };
            Box::new(shown_ref().enumerate().map(one))
        })),
        remediations: [],
    };
    write_json(&report, out)
}

fn scan(view: &View, names: &Names, others: usize) -> Value {
    let about = &view.assessment.about;
    let time = about.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let tool = json!({
        "id": "plimsoll",
        "name": "Plimsoll",
        "vendor": {"name": "Plimsoll"},
        "version": about.tool_version,
    });
    let mut messages: Vec<Value> = view
        .assessment
        .ledger
        .gaps_accepted()
        .map(|(gap, accepted)| {
            let level = match gap.weight {
                GapWeight::Hides if accepted.is_none() => "warn",
                GapWeight::Hides | GapWeight::Widens | GapWeight::Notice => "info",
            };
            json!({"level": level, "value": names.show(&format!("not seen: {}", gap.what))})
        })
        .collect();
    for (number, what) in [
        (view.assessment.suppressed.len(), "suppressed or ignored"),
        (others, "about no package of an image"),
    ] {
        if number > 0 {
            let findings = counted(number, "finding");
            let text = format!("not in this file but in the JSON report: {findings} {what}");
            messages.push(json!({"level": "info", "value": text}));
        }
    }
    json!({
        "analyzer": tool,
        "scanner": tool,
        "type": "container_scanning",
        "start_time": time,
        "end_time": time,
        "status": if view.verdict.outcome == Outcome::NotCompleted { "failure" } else { "success" },
        "messages": messages,
    })
}

fn vulnerability(
    view: &View,
    names: &Names,
    units: &Units,
    number: usize,
    finding: &Finding,
) -> Value {
    let unit = units.of(finding).map(|(_, unit)| unit);
    let known = view.vulnerability(finding);
    let show = |text: &str| names.show(text).into_owned();
    let title = view.title(finding).unwrap_or(&finding.id);
    let key = view.tracking_key(finding, names);
    let mut one = json!({
        // Two packages of one name and vulnerability share a tracking key.
        "id": uuid(&[&key, &number.to_string()]),
        "name": clipped(&show(&format!("{}: {title}", finding.id)), NAME),
        "description": clipped(&show(&description(view, finding)), DESCRIPTION),
        "severity": severity(finding.severity),
        "identifiers": identifiers(view, finding),
        "location": location(view, names, unit, finding),
    });
    if finding.fix.state == FixState::Fixed || !finding.fix.versions.is_empty() {
        let advice = advice(view, finding);
        one["solution"] = json!(clipped(&show(&sentence(&advice)), SOLUTION));
    }
    let vectors: Vec<Value> = known
        .iter()
        .flat_map(|v| &v.cvss)
        .filter(|cvss| is_vector(&cvss.vector))
        .take(VECTORS)
        .map(|cvss| json!({"vendor": vendor(&cvss.source), "vector": cvss.vector}))
        .collect();
    if !vectors.is_empty() {
        one["cvss_vectors"] = json!(vectors);
    }
    let links: BTreeSet<&str> = view
        .cited(finding)
        .filter_map(|cited| cited.advisory?.url.as_deref())
        .filter(|url| is_web(url))
        .collect();
    let links: Vec<Value> = links.into_iter().map(|url| json!({"url": url})).collect();
    one["links"] = json!(links);
    one
}

fn description(view: &View, finding: &Finding) -> String {
    let mut parts = vec![sentence(view.title(finding).unwrap_or(&finding.id))];
    if let Some(known) = view.vulnerability(finding) {
        parts.extend(
            known
                .likelihood
                .reasons
                .iter()
                .map(|reason| sentence(reason)),
        );
    }
    if let Some(package) = view.package(finding).filter(|p| !p.locations.is_empty()) {
        parts.push(sentence(&format!(
            "Found in {}",
            package.locations.join(", ")
        )));
    }
    parts.extend(finding.notes.iter().map(|note| sentence(note)));
    parts.join(" ")
}

/// The first one is primary: GitLab tracks by it.
fn identifiers(view: &View, finding: &Finding) -> Vec<Value> {
    let url = |id: &str| {
        let mut cited = view.cited(finding);
        cited.find_map(|cited| {
            let advisory = cited.advisory.filter(|advisory| &*advisory.id == id)?;
            advisory.url.as_deref().filter(|url| is_web(url))
        })
    };
    let aliases = view.vulnerability(finding).map_or(&[][..], |v| &v.aliases);
    let cwes = view.vulnerability(finding).map_or(&[][..], |v| &v.cwes);
    let ids = std::iter::once(&finding.id).chain(aliases);
    let mut seen = BTreeSet::new();
    let mut all: Vec<Value> = ids
        .filter(|id| !id.is_empty() && seen.insert(&***id))
        .map(|id| {
            let mut one = json!({"type": kind(id), "name": &**id, "value": &**id});
            if let Some(url) = url(id) {
                one["url"] = json!(url);
            }
            one
        })
        .collect();
    for cwe in cwes.iter().filter(|cwe| cwe.starts_with("CWE-")) {
        let number = cwe.trim_start_matches("CWE-");
        if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            all.push(json!({
                "type": "cwe",
                "name": &**cwe,
                "value": number,
                "url": format!("https://cwe.mitre.org/data/definitions/{number}.html"),
            }));
        }
    }
    if all.is_empty() {
        all.push(json!({"type": "plimsoll", "name": "unnamed", "value": "unnamed"}));
    }
    all
}

fn kind(id: &str) -> &'static str {
    match id.split_once('-').map(|(prefix, _)| prefix) {
        Some("CVE") => "cve",
        Some("GHSA") => "ghsa",
        Some("RHSA" | "RHBA" | "RHEA") => "rhsa",
        Some("ELSA") => "elsa",
        Some("USN") => "usn",
        _ => "plimsoll",
    }
}

fn location(view: &View, names: &Names, unit: Option<&Unit>, finding: &Finding) -> Value {
    let package = view.package(finding);
    let name = unit.map(|unit| {
        let reference = target::reference(view, unit).map(|reference| reference.to_string());
        names
            .show(&reference.unwrap_or_else(|| unit.name.to_owned()))
            .into_owned()
    });
    let system = unit.and_then(|unit| unit.system(view.assessment));
    let filled = |text: Option<String>| {
        text.filter(|t| !t.is_empty())
            .unwrap_or_else(|| "Unknown".to_owned())
    };
    json!({
        "dependency": {
            "package": {"name": package.map_or("", |p| &*p.name)},
            "version": package.map_or("", |p| &*p.version),
        },
        "operating_system": filled(system.map(std::borrow::Cow::into_owned)),
        "image": filled(name),
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Info",
        Severity::Unknown => "Unknown",
    }
}

fn vendor(source: &str) -> &str {
    if source.is_empty() { "unknown" } else { source }
}

/// CVSS 3.0 and 3.1 base vectors: what this version of the schema takes of what we have.
fn is_vector(vector: &str) -> bool {
    const BASE: &[(&str, &str)] = &[
        ("AV", "NALP"),
        ("AC", "LH"),
        ("PR", "NLH"),
        ("UI", "NR"),
        ("S", "UC"),
        ("C", "NLH"),
        ("I", "NLH"),
        ("A", "NLH"),
    ];
    let Some(metrics) = vector
        .strip_prefix("CVSS:3.0/")
        .or_else(|| vector.strip_prefix("CVSS:3.1/"))
    else {
        return false;
    };
    let metrics: Vec<&str> = metrics.split('/').collect();
    metrics.len() == BASE.len()
        && metrics.iter().all(|metric| {
            metric.split_once(':').is_some_and(|(name, value)| {
                let values = BASE.iter().find(|(known, _)| *known == name);
                value.len() == 1 && values.is_some_and(|(_, values)| values.contains(value))
            })
        })
}

fn sentence(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}

/// At most so many characters.
fn clipped(text: &str, characters: usize) -> String {
    if text.char_indices().nth(characters).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_that_the_schema_takes() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", true),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:", false),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                false,
            ),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", false),
            ("", false),
        ] {
            assert_eq!(is_vector(vector), expected, "{vector}");
        }
    }

    #[test]
    fn texts_fit() {
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "ab…");
        assert_eq!(clipped("äöüß", 3).chars().count(), 3);
    }
}
