//! OSV records (ossf.github.io/osv-schema). Comes in: one record. Goes out: a draft with ids, CVSS, severity
//! and affected packages. Package ranges are kept for Kubernetes components; the others follow with the matcher.

use super::{
    Affected, Draft, DraftCvss, EventKind, Range, RangeKind, cwe_number, day, first_sentence,
    one_line, usable_id,
};
use crate::cvss;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// The ecosystem whose ranges are kept.
pub const KUBERNETES: &str = "Kubernetes";

#[derive(Deserialize)]
struct Osv<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    modified: Cow<'a, str>,
    #[serde(borrow, default)]
    published: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    withdrawn: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    aliases: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    upstream: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    summary: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    details: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    severity: Option<Vec<Rating<'a>>>,
    #[serde(borrow, default)]
    affected: Option<Vec<Part<'a>>>,
    #[serde(default)]
    #[serde(rename = "database_specific")]
    specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Rating<'a> {
    #[serde(borrow, default)]
    score: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    package: Option<Name<'a>>,
    #[serde(borrow, default)]
    severity: Option<Vec<Rating<'a>>>,
    #[serde(borrow, default)]
    ranges: Option<Vec<Ranges<'a>>>,
    #[serde(borrow, default)]
    versions: Option<Vec<Cow<'a, str>>>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow, default)]
    ecosystem: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Ranges<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    events: Option<Vec<Event<'a>>>,
}

/// One key in good records; malformed ones (PyPI, GIT) have others or none.
#[derive(Default)]
struct Event<'a>(Vec<(EventKind, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Event<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value<'a> {
            Text(#[serde(borrow)] Cow<'a, str>),
            Other(IgnoredAny),
        }
        #[derive(Deserialize)]
        struct Keys<'a> {
            #[serde(borrow, default)]
            introduced: Option<Value<'a>>,
            #[serde(borrow, default)]
            fixed: Option<Value<'a>>,
            #[serde(borrow, default)]
            last_affected: Option<Value<'a>>,
            #[serde(borrow, default)]
            limit: Option<Value<'a>>,
        }
        let keys = Keys::deserialize(deserializer)?;
        let all = [
            (EventKind::Introduced, keys.introduced),
            (EventKind::Fixed, keys.fixed),
            (EventKind::LastAffected, keys.last_affected),
            (EventKind::Limit, keys.limit),
        ];
        Ok(Event(
            all.into_iter()
                .filter_map(|(kind, value)| match value {
                    Some(Value::Text(text)) => Some((kind, text)),
                    Some(Value::Other(_)) | None => None,
                })
                .collect(),
        ))
    }
}

/// What databases add of their own; only words that several use.
#[derive(Deserialize, Default)]
struct Specific {
    #[serde(default)]
    severity: Option<serde_json::Value>,
    #[serde(default)]
    cwe_ids: Option<Vec<String>>,
    /// Numbers or texts of numbers, without a vector (RubyGems, Maven).
    #[serde(default)]
    cvss_v4: Option<serde_json::Value>,
    #[serde(default)]
    cvss_v3: Option<serde_json::Value>,
    #[serde(default)]
    cvss_v2: Option<serde_json::Value>,
}

/// Whether an archive entry is a record.
pub fn is_record(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(usable_id)
}

/// Reads one record of the feed `source` (`osv/Go`); `Err` says why it could not be.
pub fn parse(bytes: &[u8], source: &str) -> Result<Draft, String> {
    let record: Osv<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if !usable_id(&record.id) {
        return Err("the id is no id".to_owned());
    }
    let mut draft = Draft {
        id: record.id.to_string(),
        aliases: aliases(&record),
        title: title(&record),
        published: record.published.as_deref().and_then(day),
        modified: day(&record.modified),
        withdrawn: record.withdrawn.as_deref().and_then(day),
        ..Draft::default()
    };
    let affected = record.affected.unwrap_or_default();
    for rating in record
        .severity
        .iter()
        .chain(
            affected
                .iter()
                .filter_map(|package| package.severity.as_ref()),
        )
        .flatten()
    {
        if let Some(tenths) = cvss::tenths(&rating.score) {
            let said = DraftCvss {
                source: source.to_owned(),
                vector: rating.score.to_string(),
                tenths,
            };
            if !draft.cvss.contains(&said) {
                draft.cvss.push(said);
            }
        }
    }
    let specific = record.specific.unwrap_or_default();
    draft.severity = own_severity(&specific);
    draft.cwes = specific
        .cwe_ids
        .unwrap_or_default()
        .iter()
        .filter_map(|cwe| cwe_number(cwe))
        .collect();
    draft.cwes.sort_unstable();
    draft.cwes.dedup();
    draft.affected = affected.into_iter().filter_map(kubernetes).collect();
    Ok(draft)
}

fn aliases(record: &Osv<'_>) -> Vec<String> {
    let own = &*record.id;
    // A distribution's record of one CVE (`DEBIAN-CVE-2022-1`, `UBUNTU-CVE-...`) names it as upstream.
    let upstream = record
        .upstream
        .iter()
        .flatten()
        .filter(|upstream| upstream.starts_with("CVE-"))
        .filter(|upstream| own.ends_with(&***upstream) && own.len() > upstream.len());
    let mut all: Vec<String> = record
        .aliases
        .iter()
        .flatten()
        .chain(upstream)
        .map(|id| id.trim().to_owned())
        .filter(|id| usable_id(id) && id != own)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn title(record: &Osv<'_>) -> Option<String> {
    let summary = record.summary.as_deref().map(|text| one_line(text, 200));
    summary
        .filter(|text| !text.is_empty())
        .or_else(|| first_sentence(record.details.as_deref()?))
}

/// The database's word, else the scale of its highest bare number.
fn own_severity(specific: &Specific) -> Option<Severity> {
    let word = specific
        .severity
        .as_ref()
        .and_then(serde_json::Value::as_str)
        .map(Severity::parse)
        .filter(|severity| *severity != Severity::Unknown);
    word.or_else(|| {
        [&specific.cvss_v4, &specific.cvss_v3, &specific.cvss_v2]
            .into_iter()
            .filter_map(|value| number(value.as_ref()?))
            .map(Severity::of_cvss)
            .next()
    })
}

fn number(value: &serde_json::Value) -> Option<f64> {
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    (0.0..=10.0).contains(&number).then_some(number)
}

fn kubernetes(package: Part<'_>) -> Option<Affected> {
    let name = package.package?;
    // The upstream list writes it in lower case.
    if !name.ecosystem.eq_ignore_ascii_case(KUBERNETES) || !(1..=512).contains(&name.name.len()) {
        return None;
    }
    let text = |version: &str| (version.len() <= 256).then(|| version.to_owned());
    let ranges = package
        .ranges
        .unwrap_or_default()
        .into_iter()
        .filter_map(|range| {
            Some(Range {
                kind: match &*range.kind {
                    "SEMVER" => RangeKind::Semver,
                    "ECOSYSTEM" => RangeKind::Ecosystem,
                    "GIT" => RangeKind::Git,
                    _ => return None,
                },
                events: range
                    .events
                    .unwrap_or_default()
                    .into_iter()
                    .flat_map(|event| event.0)
                    .filter_map(|(kind, version)| Some((kind, text(&version)?)))
                    .collect(),
            })
        })
        .collect();
    Some(Affected {
        ecosystem: KUBERNETES.to_owned(),
        package: name.name.into_owned(),
        ranges,
        versions: package
            .versions
            .unwrap_or_default()
            .iter()
            .filter_map(|version| text(version))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_one_cve_is_its_alias() {
        for (record, expected) in [
            (
                r#"{"id":"DEBIAN-CVE-2022-48425","upstream":["CVE-2022-48425"]}"#,
                &["CVE-2022-48425"][..],
            ),
            (
                r#"{"id":"DSA-1-1","upstream":["CVE-2022-1111","CVE-2022-2222"]}"#,
                &[],
            ),
            (
                r#"{"id":"GO-2020-1","aliases":["GHSA-a","CVE-2020-1111","GO-2020-1"]}"#,
                &["CVE-2020-1111", "GHSA-a"],
            ),
            (r#"{"id":"GO-2020-1","aliases":null,"severity":null}"#, &[]),
        ] {
            assert_eq!(
                parse(record.as_bytes(), "osv/x").unwrap().aliases,
                expected,
                "{record}"
            );
        }
    }

    #[test]
    fn severity_of_the_database() {
        for (specific, expected) in [
            (r#"{"severity":"High"}"#, Some(Severity::High)),
            (r#"{"severity":["odd"]}"#, None),
            (r#"{"cvss_v3":9.8}"#, Some(Severity::Critical)),
            (r#"{"cvss_v2":"5.0"}"#, Some(Severity::Medium)),
            (r#"{"cvss_v3":null}"#, None),
        ] {
            let record = format!(r#"{{"id":"X-1","database_specific":{specific}}}"#);
            assert_eq!(
                parse(record.as_bytes(), "osv/x").unwrap().severity,
                expected,
                "{specific}"
            );
        }
    }

    #[test]
    fn malformed_events_are_skipped() {
        let record = r#"{"id":"X-1","affected":[{"package":{"ecosystem":"kubernetes","name":"k"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{},{"fixed":1},{"fixed":"1.2.3","x":1}]},{"type":"NEW","events":[]}]}]}"#;
        let draft = parse(record.as_bytes(), "osv/x").unwrap();
        assert_eq!(
            draft.affected[0].ranges,
            [Range {
                kind: RangeKind::Semver,
                events: vec![
                    (EventKind::Introduced, "0".into()),
                    (EventKind::Fixed, "1.2.3".into())
                ]
            }]
        );
    }
}
