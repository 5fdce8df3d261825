//! One result and its rule: words, levels, locations, fingerprint.

use super::plain;
use crate::escape::visible;
use crate::markdown::inline;
use crate::names::Names;
use crate::target::kind_words;
use crate::view::{View, object, repository};
use crate::wording::{category, fix, points, severity};
use model::assessment::ScannedImage;
use model::checks;
use model::finding::Finding;
use model::matches::ArtifactKind;
use model::object::SourceSpan;
use model::vulnerability::{Severity, Vulnerability};
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Key of our fingerprint; GitHub computes `primaryLocationLineHash` itself and ignores a given one.
const FINGERPRINT: &str = "plimsollTrackingKey/v1";

/// Descriptors of all rules of a run, and where each id stands.
pub(super) struct Rules<'f> {
    pub(super) descriptors: Vec<Value>,
    index: FxHashMap<&'f str, usize>,
}

impl<'f> Rules<'f> {
    pub(super) fn of(view: &View, names: &Names, findings: &[&'f Finding]) -> Self {
        let mut rules = Rules {
            descriptors: Vec::new(),
            index: FxHashMap::default(),
        };
        for finding in findings {
            if rules.index.contains_key(&*finding.id) {
                continue;
            }
            rules.index.insert(&finding.id, rules.descriptors.len());
            rules.descriptors.push(rule(view, names, finding));
        }
        rules
    }
}

fn rule(view: &View, names: &Names, finding: &Finding) -> Value {
    let vulnerability = view.vulnerability(finding);
    let check = checks::check(&finding.id);
    let described = view.assessment.check(&finding.id);
    let title = check.map(|check| check.title);
    let title = title.or(described.map(|rule| &*rule.title));
    let title = title.or(view.title(finding));
    let title = names.show(title.unwrap_or(&finding.id));
    let title = title.trim_end_matches('.');
    let mut facts = vec![format!("Severity: {}", severity(finding.severity))];
    if let Some(check) = check {
        facts.push(format!("Why: {}", check.why));
        facts.push(format!("Do: {}", check.first));
        facts.extend(check.exact.iter().map(ToString::to_string));
    }
    if let Some(rule) = described {
        facts.push(format!("Why: {}", rule.why));
        facts.push(format!("Do: {}", rule.advice));
        if !rule.maps.is_empty() {
            facts.push(format!("Known as: {}", rule.maps.join(", ")));
        }
    }
    if let Some(v) = vulnerability {
        if !v.aliases.is_empty() {
            facts.push(format!("Also known as {}", v.aliases.join(", ")));
        }
        facts.extend(v.likelihood.reasons.iter().map(ToString::to_string));
        for cvss in &v.cvss {
            facts.push(format!(
                "CVSS {:.1} by {}: {}",
                cvss.base, cvss.source, cvss.vector
            ));
        }
    }
    let pages: Vec<&str> = view
        .cited(finding)
        .filter_map(|cited| cited.advisory?.url.as_deref())
        .filter(|url| is_web(url))
        .collect();
    let mut text = format!("{title}.");
    let mut markdown = format!("**{}**\n", inline(title));
    for fact in &facts {
        let fact = names.show(fact);
        let _ = write!(text, " {fact}.");
        let _ = write!(markdown, "\n- {}", inline(&fact));
    }
    for page in &pages {
        let _ = write!(text, " See {page}");
        let _ = write!(markdown, "\n- <{page}>");
    }
    let mut properties = json!({"tags": ["security", category(finding.category)]});
    if let Some(number) = security_severity(finding.severity, vulnerability) {
        properties["security-severity"] = json!(format!("{number:.1}"));
        properties["precision"] = json!("high");
    }
    let mut rule = json!({
        "id": visible(&finding.id),
        "name": pascal(&finding.id),
        "shortDescription": {"text": limited(&plain(&format!("{}: {title}.", finding.id)))},
        "fullDescription": {"text": limited(&plain(&format!("{title}. Severity {}.", severity(finding.severity))))},
        "help": {"text": plain(&text), "markdown": markdown},
        "defaultConfiguration": {"level": level(finding.severity)},
        "properties": properties,
    });
    if let Some(page) = pages.first() {
        rule["helpUri"] = json!(page);
    }
    rule
}

/// GitHub's scale: over 9.0 critical, 7.0 high, 4.0 medium. A CVSS score that agrees with the
/// severity, else the middle of its class; none where nobody said a severity.
fn security_severity(severity: Severity, vulnerability: Option<&Vulnerability>) -> Option<f64> {
    let agreeing = vulnerability.and_then(|v| {
        let bases = v.cvss.iter().map(|cvss| cvss.base);
        bases
            .filter(|base| Severity::of_cvss(*base) == severity)
            .reduce(f64::max)
    });
    let class = match severity {
        Severity::Critical => 9.5,
        Severity::High => 8.0,
        Severity::Medium => 5.5,
        Severity::Low => 2.0,
        Severity::Negligible => 0.1,
        Severity::Unknown => return None,
    };
    // GitHub calls 9.0 high.
    Some(
        agreeing
            .unwrap_or(class)
            .max(if severity == Severity::Critical {
                9.1
            } else {
                0.1
            }),
    )
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        // Nobody said that it is harmless.
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "note",
    }
}

pub(super) fn result(view: &View, names: &Names, rules: &Rules, finding: &Finding) -> Value {
    let scored = view.score(finding).map(|s| s.score);
    let mut result = json!({
        "ruleId": visible(&finding.id),
        "ruleIndex": rules.index.get(&*finding.id).copied().unwrap_or(0),
        "level": level(finding.severity),
        "message": {"text": plain(&names.show(&message(view, finding)))},
        "locations": [location(view, names, finding)],
        "partialFingerprints": {FINGERPRINT: view.tracking_key(finding, names)},
    });
    let best = view.best(finding);
    if let Some(source) = best
        .and_then(|p| p.workload?.source.as_ref())
        .filter(|_| finding.source.is_none())
    {
        result["relatedLocations"] = json!([{
            "id": 1,
            "message": {"text": "The workload that runs it."},
            "physicalLocation": physical(names, source),
        }]);
    }
    if let Some(others) = finding
        .source
        .as_ref()
        .filter(|s| !s.alternatives.is_empty())
    {
        let text = format!(
            "It may be written here too: {}.",
            others.alternatives.join(", ")
        );
        result["relatedLocations"] = json!([{
            "id": 1,
            "message": {"text": plain(&names.show(&text))},
            "physicalLocation": physical(names, others),
        }]);
    }
    if let Some(score) = scored {
        result["rank"] = json!(score.points.expected);
        result["properties"] = json!({
            "score": score.points.expected,
            "scoreLow": score.points.low,
            "scoreHigh": score.points.high,
            "ssvc": score.ssvc,
            "due": score.deadline.due,
        });
    }
    if let Some(package) = view.package(finding).filter(|_| view.is_of_artifacts()) {
        result["properties"]["package"] = json!({
            "name": package.name,
            "version": package.version,
            "purl": package.purl,
            "fixedVersion": finding.fix.versions,
            "locations": package.locations.iter().map(|l| names.show(l)).collect::<Vec<_>>(),
        });
    }
    result
}

/// The file that a finding of an artifact is in, as far as it can be opened: a file of a tree, a list of packages; an
/// image as a whole, by its repository, so that a new tag does not open the alert again.
fn place(view: &View, names: &Names, finding: &Finding, image: &ScannedImage) -> String {
    let locations = view
        .package(finding)
        .map_or(&[][..], |package| &package.locations);
    match (image.kind, locations.first()) {
        _ if image.is_image() => names.show(&repository(image)).into_owned(),
        (ArtifactKind::Filesystem | ArtifactKind::Repository, Some(file)) => {
            // What lies in an archive is shown at the archive.
            let file = file.split("!/").next().unwrap_or(file);
            let root = names.show(&image.name);
            format!("{}/{}", root.trim_end_matches('/'), names.show(file))
        }
        _ => names.show(&image.name).into_owned(),
    }
}

/// What, where, how bad, what repairs it; the image by its full name.
fn message(view: &View, finding: &Finding) -> String {
    let mut text = match view.package(finding) {
        Some(package) => format!("{} in {} {}", finding.id, package.name, package.version),
        None => view
            .title(finding)
            .unwrap_or(&finding.id)
            .trim_end_matches('.')
            .to_owned(),
    };
    if let Some(image) = view.image(finding) {
        let kind = if image.is_image() {
            "image"
        } else {
            kind_words(image.kind)
        };
        let _ = write!(text, " of {kind} {}", image.name);
    }
    let best = view.best(finding);
    match object(finding, best.as_ref()) {
        Some(object) => {
            let _ = write!(text, " ({object})");
        }
        None if best.is_some() => text.push_str(" (not seen in a cluster: exposure unknown)"),
        None => text.push_str(" (no container here runs it)"),
    }
    if let Some(scored) = view.score(finding) {
        let _ = write!(text, ", score {}", points(&scored.score.points));
    }
    let _ = write!(text, ", {}.", fix(&finding.fix));
    text
}

/// The place in a file, or what stands for an artifact.
fn location(view: &View, names: &Names, finding: &Finding) -> Value {
    let best = view.best(finding);
    let object = object(finding, best.as_ref());
    let physical = match (&finding.source, view.image(finding)) {
        (Some(source), _) => physical(names, source),
        (None, Some(image)) => synthetic(&place(view, names, finding, image)),
        (None, None) => {
            let name = object.map_or("plimsoll".to_owned(), |o| match &o.namespace {
                Some(namespace) => format!("{}/{namespace}/{}", o.kind, o.name),
                None => format!("{}/{}", o.kind, o.name),
            });
            synthetic(&names.show(&name))
        }
    };
    let mut location = json!({"physicalLocation": physical});
    if let Some(object) = object {
        let object = object.to_string();
        let name = match &finding.field {
            Some(field) => format!("{object} {field}"),
            None => object,
        };
        location["logicalLocations"] = json!([
            {"fullyQualifiedName": visible(&names.show(&name)), "kind": "resource"}
        ]);
    }
    location
}

fn physical(names: &Names, source: &SourceSpan) -> Value {
    let file = names.show(&source.file);
    let uri = match file.strip_prefix('/') {
        Some(rest) => format!("file:///{}", uri(rest)),
        None => uri(file.trim_start_matches("./")),
    };
    json!({
        "artifactLocation": {"uri": uri},
        "region": {"startLine": source.line.max(1), "startColumn": source.column.max(1)},
    })
}

fn synthetic(name: &str) -> Value {
    json!({"artifactLocation": {"uri": uri(name)}, "region": {"startLine": 1}})
}

/// A relative URI reference (RFC 3986): all but unreserved characters and `/` percent-encoded.
pub(super) fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.trim_start_matches('/').bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    // An empty path segment would change the authority.
    while out.contains("//") {
        out = out.replace("//", "/");
    }
    if out.is_empty() {
        "unnamed".into()
    } else {
        out
    }
}

/// A page that a click may open.
pub(crate) fn is_web(url: &str) -> bool {
    url.strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .is_some_and(|rest| {
            !rest.is_empty()
                && rest.bytes().all(|b| {
                    b.is_ascii_graphic()
                        && !matches!(
                            b,
                            b'<' | b'>' | b'"' | b'\'' | b'`' | b'\\' | b'{' | b'}' | b'|' | b'^'
                        )
                })
        })
}

/// `Cve20262222`: rule names are Pascal case (SARIF2012).
fn pascal(id: &str) -> String {
    let words = id
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty());
    let name: String = words
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first
                .into_iter()
                .chain(chars.map(|c| c.to_ascii_lowercase()))
        })
        .take(80)
        .collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("Rule{name}")
    }
}

/// GitHub cuts descriptions at 1,024 characters; so do we, visibly.
fn limited(text: &str) -> String {
    match text.char_indices().nth(1_000) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or("")),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for (name, expected) in [
            ("docker.io/library/nginx", "docker.io/library/nginx"),
            ("reg:5000/a", "reg%3A5000/a"),
            ("a b/ü", "a%20b/%C3%BC"),
            ("//evil.example/x", "evil.example/x"),
            ("a//b", "a/b"),
            ("", "unnamed"),
        ] {
            assert_eq!(uri(name), expected);
        }
    }

    #[test]
    fn only_web_pages_are_links() {
        for (url, expected) in [
            ("https://nvd.nist.gov/vuln/detail/CVE-2026-1", true),
            ("http://x", true),
            ("javascript:alert(1)", false),
            ("https://x/<script>", false),
            ("https://x y", false),
            ("https://", false),
            ("//x", false),
        ] {
            assert_eq!(is_web(url), expected, "{url}");
        }
    }

    #[test]
    fn rule_names() {
        for (id, expected) in [
            ("CVE-2026-2222", "Cve20262222"),
            ("KSV-0017", "Ksv0017"),
            ("1.2.16", "Rule1216"),
            ("=\u{202e}", "Rule"),
        ] {
            assert_eq!(pascal(id), expected);
        }
    }
}
