//! CVE JSON 5 records as CISA's Vulnrichment publishes them. Comes in: one record. Goes out: a draft with
//! the CNA's and CISA's CVSS vectors, CWEs and SSVC decision points.

use super::{Draft, DraftCvss, cwe_number, day, first_sentence, one_line, usable_id};
use crate::cvss;
use model::vulnerability::{Exploitation, Severity, Ssvc};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct CveRecord<'a> {
    #[serde(borrow, rename = "cveMetadata")]
    meta: Meta<'a>,
    #[serde(borrow)]
    containers: Containers<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(borrow)]
    cve_id: Cow<'a, str>,
    #[serde(borrow, default)]
    state: Cow<'a, str>,
    #[serde(borrow, default)]
    date_published: Cow<'a, str>,
    #[serde(borrow, default)]
    date_updated: Cow<'a, str>,
    #[serde(borrow, default)]
    date_rejected: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Containers<'a> {
    #[serde(borrow)]
    cna: Container<'a>,
    #[serde(borrow, default)]
    adp: Vec<Container<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow, default)]
    title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    provider_metadata: Option<Provider<'a>>,
    #[serde(borrow, default)]
    descriptions: Vec<Description<'a>>,
    #[serde(borrow, default)]
    metrics: Vec<Metric<'a>>,
    #[serde(borrow, default)]
    problem_types: Vec<ProblemType<'a>>,
    #[serde(borrow, default)]
    tags: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider<'a> {
    #[serde(borrow, default)]
    short_name: Cow<'a, str>,
    #[serde(borrow, default)]
    date_updated: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Description<'a> {
    #[serde(borrow, default)]
    lang: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow, rename = "cvssV4_0")]
    v40: Option<Score<'a>>,
    #[serde(borrow, rename = "cvssV3_1")]
    v31: Option<Score<'a>>,
    #[serde(borrow, rename = "cvssV3_0")]
    v30: Option<Score<'a>>,
    #[serde(borrow, rename = "cvssV2_0")]
    v20: Option<Score<'a>>,
    #[serde(borrow)]
    other: Option<Other<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Score<'a> {
    #[serde(borrow, default)]
    vector_string: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Other<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ProblemType<'a> {
    #[serde(borrow, default)]
    descriptions: Vec<Problem<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(borrow, default)]
    cwe_id: Option<Cow<'a, str>>,
}

/// Whether an archive entry is a record: `CVE-2024-1234.json`.
pub fn is_record(name: &str) -> bool {
    name.strip_suffix(".json")
        .is_some_and(|id| model::keys::cve_order(id).is_some())
}

/// Reads one record; `Err` says why it could not be.
pub fn parse(bytes: &[u8]) -> Result<Draft, String> {
    let record: CveRecord<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let meta = &record.meta;
    if !usable_id(&meta.cve_id) {
        return Err("the id is no CVE id".to_owned());
    }
    let cna = &record.containers.cna;
    let modified = std::iter::once(&meta.date_updated)
        .chain(
            record
                .containers
                .adp
                .iter()
                .chain([cna])
                .filter_map(|c| c.provider_metadata.as_ref())
                .map(|provider| &provider.date_updated),
        )
        .filter_map(|text| day(text))
        .max();
    let mut draft = Draft {
        id: meta.cve_id.to_string(),
        title: title(cna),
        published: day(&meta.date_published),
        modified,
        ..Draft::default()
    };
    if meta.state == "REJECTED" {
        draft.withdrawn = day(&meta.date_rejected)
            .or(day(&meta.date_updated))
            .or(modified)
            .or(draft.published);
    }
    let enriched = record.containers.adp.iter();
    for (container, source) in
        std::iter::once((cna, Cow::Borrowed("cna"))).chain(enriched.map(|adp| (adp, adp_name(adp))))
    {
        metrics(container, &source, &mut draft);
        draft.cwes.extend(
            container
                .problem_types
                .iter()
                .flat_map(|kind| &kind.descriptions)
                .filter_map(|problem| cwe_number(problem.cwe_id.as_deref()?)),
        );
    }
    draft.cwes.sort_unstable();
    draft.cwes.dedup();
    Ok(draft)
}

/// `cisa-adp`; an ADP without a name is `adp`.
fn adp_name<'a>(adp: &Container<'_>) -> Cow<'a, str> {
    let name = adp
        .provider_metadata
        .as_ref()
        .map(|provider| provider.short_name.to_ascii_lowercase())
        .filter(|name| usable_id(name) && name.len() <= 32);
    name.map_or(Cow::Borrowed("adp"), Cow::Owned)
}

/// What its numbering authority calls disputed stays a vulnerability, and says so.
fn title(cna: &Container<'_>) -> Option<String> {
    let title = plain_title(cna)?;
    let words = title.trim_start_matches("** DISPUTED **").trim_start();
    let disputed = words.len() < title.len() || cna.tags.iter().any(|tag| tag == "disputed");
    if disputed {
        return Some(format!("disputed: {words}"));
    }
    Some(title)
}

fn plain_title(cna: &Container<'_>) -> Option<String> {
    let own = cna.title.as_deref().map(|title| one_line(title, 200));
    own.filter(|title| !title.is_empty()).or_else(|| {
        let english = cna.descriptions.iter().find(|d| d.lang.starts_with("en"));
        first_sentence(&english.or(cna.descriptions.first())?.value)
    })
}

fn metrics(container: &Container<'_>, source: &str, draft: &mut Draft) {
    for metric in &container.metrics {
        for score in [&metric.v40, &metric.v31, &metric.v30, &metric.v20]
            .into_iter()
            .flatten()
        {
            let Some(tenths) = cvss::tenths(&score.vector_string) else {
                continue;
            };
            let said = DraftCvss {
                source: source.to_owned(),
                vector: score.vector_string.to_string(),
                tenths,
            };
            if !draft.cvss.contains(&said) {
                draft.cvss.push(said);
            }
        }
        let Some(other) = &metric.other else { continue };
        let Some(content) = other.content else {
            continue;
        };
        match &*other.kind {
            "ssvc" => {
                // CISA's decision points come from its ADP container and win over a CNA's own.
                if let Some(points) = ssvc(content.get()) {
                    draft.ssvc = Some(points);
                }
            }
            "Red Hat severity rating" | "Textual description of severity" => {
                let word = severity_word(content.get());
                draft.severity = draft.severity.max(word);
            }
            _ => {}
        }
    }
}

/// `{"value": "Important", ...}` or `{"text": "important"}`.
fn severity_word(content: &str) -> Option<Severity> {
    #[derive(Deserialize)]
    struct Word {
        #[serde(alias = "text")]
        value: String,
    }
    let word: Word = serde_json::from_str(content).ok()?;
    Some(Severity::parse(&word.value)).filter(|severity| *severity != Severity::Unknown)
}

/// Options of an SSVC statement; `None` unless all three decision points are there and understood.
fn ssvc(content: &str) -> Option<Ssvc> {
    #[derive(Deserialize)]
    struct Content {
        options: Vec<serde_json::Map<String, serde_json::Value>>,
    }
    let content: Content = serde_json::from_str(content).ok()?;
    let (mut exploitation, mut automatable, mut total) = (None, None, None);
    for (point, value) in content.options.iter().flatten() {
        let value = value.as_str()?.trim().to_ascii_lowercase();
        match (point.to_ascii_lowercase().as_str(), value.as_str()) {
            ("exploitation", "none") => exploitation = Some(Exploitation::None),
            ("exploitation", "poc" | "public poc") => exploitation = Some(Exploitation::PublicPoc),
            ("exploitation", "active") => exploitation = Some(Exploitation::Active),
            ("automatable", "yes") => automatable = Some(true),
            ("automatable", "no") => automatable = Some(false),
            ("technical impact", "total") => total = Some(true),
            ("technical impact", "partial") => total = Some(false),
            _ => {}
        }
    }
    Some(Ssvc {
        exploitation: exploitation?,
        automatable: automatable?,
        total_impact: total?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_points() {
        let check = |text: &str, expected: Option<(Exploitation, bool, bool)>| {
            let expected = expected.map(|(exploitation, automatable, total_impact)| Ssvc {
                exploitation,
                automatable,
                total_impact,
            });
            assert_eq!(ssvc(text), expected, "{text}");
        };
        check(
            r#"{"options":[{"Exploitation":"PoC"},{"Automatable":"No"},{"Technical Impact":"Total"}]}"#,
            Some((Exploitation::PublicPoc, false, true)),
        );
        check(
            r#"{"options":[{"Exploitation":"active"},{"Automatable":"yes"},{"Technical Impact":"partial"}]}"#,
            Some((Exploitation::Active, true, false)),
        );
        check(
            r#"{"options":[{"Exploitation":"active"},{"Automatable":"yes"}]}"#,
            None,
        );
        check(
            r#"{"options":[{"Exploitation":"new word"},{"Automatable":"yes"},{"Technical Impact":"partial"}]}"#,
            None,
        );
        check("[]", None);
    }

    #[test]
    fn rejected_records_are_withdrawn() {
        let draft = parse(br#"{"cveMetadata":{"cveId":"CVE-2024-0001","state":"REJECTED","dateUpdated":"2024-02-03T00:00:00Z"},"containers":{"cna":{"rejectedReasons":[]}}}"#).unwrap();
        assert_eq!(draft.withdrawn, Some(jiff::civil::date(2024, 2, 3)));
    }

    #[test]
    fn disputed_records_say_so() {
        let check = |cna: &str, expected: &str| {
            let text = format!(
                r#"{{"cveMetadata":{{"cveId":"CVE-2024-0001","state":"PUBLISHED"}},"containers":{{"cna":{cna}}}}}"#
            );
            let draft = parse(text.as_bytes()).unwrap();
            assert_eq!(draft.title.as_deref(), Some(expected), "{cna}");
        };
        check(
            r#"{"title":"A bug","tags":["disputed"]}"#,
            "disputed: A bug",
        );
        check(
            r#"{"descriptions":[{"lang":"en","value":"** DISPUTED ** It breaks. NOTE: it does not."}]}"#,
            "disputed: It breaks",
        );
        check(r#"{"title":"A bug","tags":["x_other"]}"#, "A bug");
    }

    #[test]
    fn record_names() {
        for (name, expected) in [
            ("CVE-2024-21626.json", true),
            ("deltaLog.json", false),
            ("CVE-2024-21626.json.sig", false),
        ] {
            assert_eq!(is_record(name), expected, "{name}");
        }
    }
}
