//! OSV records (ossf.github.io/osv-schema). Comes in: one record of any ecosystem. Goes out: a draft with ids, CVSS,
//! severity and affected packages. Never: makes aliases of what a distribution's notice merely collects.

use super::specific::{self, Specific};
use super::{
    Affected, Draft, DraftCvss, EventKind, Names, Range, RangeKind, cwe_number, day,
    first_sentence, one_line, usable_id,
};
use crate::version::Scheme;
use crate::{cvss, ecosystem};
use model::vulnerability::Severity;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;

/// The ecosystem of Kubernetes components.
pub const KUBERNETES: &str = "Kubernetes";
/// More events or versions of one package are no advisory.
const MAX_EVENTS: usize = 10_000;

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
    related: Option<Vec<Cow<'a, str>>>,
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
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
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
    #[serde(default)]
    ecosystem_specific: Option<Value>,
    #[serde(default)]
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow, default)]
    ecosystem: Cow<'a, str>,
    #[serde(borrow, default, rename = "name")]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    purl: Option<Cow<'a, str>>,
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
    let (aliases, covers) = names(&record);
    let mut draft = Draft {
        id: record.id.to_string(),
        aliases,
        covers,
        title: title(&record),
        published: record.published.as_deref().and_then(day),
        modified: day(&record.modified),
        withdrawn: record.withdrawn.as_deref().and_then(day),
        ..Draft::default()
    };
    let affected = record.affected.unwrap_or_default();
    let of_packages = affected
        .iter()
        .filter_map(|package| package.severity.as_ref());
    for rating in record.severity.iter().chain(of_packages).flatten() {
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
    draft.severity = specific
        .severity()
        .or_else(|| word(record.severity.as_deref().unwrap_or_default()));
    if draft.severity.is_none() && is_notice(&draft.id) {
        draft.severity = record.summary.as_deref().and_then(specific::rating);
    }
    if draft.severity.is_none() {
        let mut informational = affected
            .iter()
            .filter_map(|part| part.database_specific.as_ref());
        draft.severity = informational.find_map(specific::informational);
    }
    draft.cwes = specific
        .cwe_ids
        .unwrap_or_default()
        .iter()
        .filter_map(|cwe| cwe_number(cwe))
        .collect();
    draft.cwes.sort_unstable();
    draft.cwes.dedup();
    // Updates that mend no vulnerability (ALBA, ALEA, RHBA ...) stand in the same feeds.
    let mends = !is_update(&draft.id) || !draft.covers.is_empty();
    if draft.withdrawn.is_none() && mends {
        let modules = specific::modules(record.summary.as_deref().unwrap_or(""));
        for part in affected {
            package(part, &modules, &mut draft.affected);
        }
    }
    Ok(draft)
}

/// Ids of notices of distributions, which collect what they mend. Source: OSV schema, "id" and the exports.
fn is_notice(id: &str) -> bool {
    const PREFIXES: [&str; 27] = [
        "ALAS",
        "ALBA-",
        "ALEA-",
        "ALSA-",
        "AZL-",
        "DLA-",
        "DSA-",
        "DTSA-",
        "ELSA-",
        "LSN-",
        "MGASA-",
        "OESA-",
        "PHSA-",
        "PSA-",
        "RHBA-",
        "RHEA-",
        "RHSA-",
        "RLBA-",
        "RLEA-",
        "RLSA-",
        "RXSA-",
        "SSA-",
        "SUSE-",
        "USN-",
        "openSUSE-",
        "CLSA-",
        "FEDORA-",
    ];
    PREFIXES.iter().any(|prefix| id.starts_with(prefix))
}

/// Notices of updates that need not mend anything.
fn is_update(id: &str) -> bool {
    ["ALBA-", "ALEA-", "RHBA-", "RHEA-", "RLBA-", "RLEA-"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
}

/// Aliases, and the CVEs that the record only collects. A record that names several CVEs is none of them.
fn names(record: &Osv<'_>) -> (Vec<String>, Vec<String>) {
    let own = &*record.id;
    let usable = |ids: &Option<Vec<Cow<'_, str>>>| -> Vec<String> {
        let ids = ids.iter().flatten().map(|id| id.trim().to_owned());
        ids.filter(|id| usable_id(id) && id != own).collect()
    };
    let is_cve = |id: &String| id.starts_with("CVE-");
    let mut aliases = usable(&record.aliases);
    let mut covers: Vec<String> = Vec::new();
    let mut upstream = usable(&record.upstream);
    // A vulnerability without a CVE is known by what its finder calls it (Chainguard, Wolfi: `GHSA-...`).
    if upstream.iter().any(is_cve) || is_notice(own) {
        upstream.retain(is_cve);
    }
    if is_notice(own) {
        let said = aliases.drain(..).filter(is_cve).chain(upstream);
        covers.extend(said);
        if covers.is_empty() {
            covers.extend(usable(&record.related).into_iter().filter(is_cve));
        }
    } else {
        for id in upstream {
            // A distribution's record of one CVE (`DEBIAN-CVE-2022-1`, `UBUNTU-CVE-...`) names it as upstream.
            if own.len() > id.len() && own.ends_with(&*id) {
                aliases.push(id);
            } else if !aliases.iter().any(is_cve) {
                covers.push(id);
            }
        }
        let mut cves: Vec<String> = aliases.iter().filter(|id| is_cve(id)).cloned().collect();
        if own.starts_with("CVE-") {
            cves.push(own.to_owned());
        }
        cves.sort_unstable();
        cves.dedup();
        if cves.len() > 1 {
            covers.append(&mut cves);
            aliases.clear();
        }
    }
    for ids in [&mut aliases, &mut covers] {
        ids.sort_unstable();
        ids.dedup();
    }
    (aliases, covers)
}

fn title(record: &Osv<'_>) -> Option<String> {
    let summary = record.summary.as_deref().map(|text| one_line(text, 200));
    summary
        .filter(|text| !text.is_empty())
        .or_else(|| first_sentence(record.details.as_deref()?))
}

/// A rating that is a word and no vector: Ubuntu's priority.
fn word(ratings: &[Rating<'_>]) -> Option<Severity> {
    let words = ratings
        .iter()
        .filter(|rating| !rating.kind.starts_with("CVSS"));
    words
        .map(|rating| Severity::parse(&rating.score))
        .find(|severity| *severity != Severity::Unknown)
}

fn package(part: Part<'_>, modules: &[String], out: &mut Vec<Affected>) {
    let Some(name) = part.package else { return };
    let Some(ecosystem) = ecosystem::canonical(&name.ecosystem) else {
        return;
    };
    if !(1..=512).contains(&name.text.trim().len()) {
        return;
    }
    let own = part.ecosystem_specific.unwrap_or(Value::Null);
    let database = part.database_specific.unwrap_or(Value::Null);
    let mut affected = Affected {
        package: ecosystem::package(&ecosystem, &name.text).into_owned(),
        names: of_purl(name.purl.as_deref()).unwrap_or_else(|| ecosystem::names(&ecosystem)),
        ranges: ranges(part.ranges.unwrap_or_default(), &database),
        versions: part
            .versions
            .unwrap_or_default()
            .iter()
            .take(MAX_EVENTS)
            .filter_map(|version| short(version))
            .collect(),
        severity: word(part.severity.as_deref().unwrap_or_default()),
        imports: specific::imports(&own),
        platforms: specific::platforms(&own),
        ecosystem,
        ..Affected::default()
    };
    specific::say(&own, &database, &mut affected);
    let events = affected.ranges.iter().flat_map(|range| &range.events);
    if Scheme::of(&affected.ecosystem) == Some(Scheme::Rpm)
        && events
            .into_iter()
            .any(|(_, version)| version.contains(".module"))
    {
        affected.modules = modules.to_vec();
    }
    if !specific::binaries(&own, &affected, out) {
        out.push(affected);
    }
}

/// What a purl's `arch` says: a source package, or nothing.
fn of_purl(purl: Option<&str>) -> Option<Names> {
    let (_, qualifiers) = purl?.split_once('?')?;
    let arch = qualifiers
        .split('&')
        .find_map(|one| one.strip_prefix("arch="))?;
    matches!(arch, "source" | "src").then_some(Names::Source)
}

fn short(version: &str) -> Option<String> {
    (1..=256)
        .contains(&version.len())
        .then(|| version.to_owned())
}

fn ranges(ranges: Vec<Ranges<'_>>, database: &Value) -> Vec<Range> {
    let mut all = Vec::new();
    for range in ranges {
        let kind = match &*range.kind {
            "SEMVER" => RangeKind::Semver,
            "ECOSYSTEM" => RangeKind::Ecosystem,
            // Commits are no versions.
            _ => continue,
        };
        let events = range
            .events
            .unwrap_or_default()
            .into_iter()
            .flat_map(|event| event.0);
        let events: Vec<(EventKind, String)> = events
            .take(MAX_EVENTS)
            .filter_map(|(kind, version)| Some((kind, short(&version)?)))
            .collect();
        all.push(Range { kind, events });
    }
    if let [only] = &mut all[..]
        && let [(EventKind::Introduced, _)] = only.events[..]
    {
        only.events.extend(specific::last_known(database));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::matches::FixState;

    #[test]
    fn what_collects_is_no_alias() {
        let check = |record: &str, aliases: &[&str], covers: &[&str]| {
            let draft = parse(record.as_bytes(), "osv/x").unwrap();
            assert_eq!(
                (&draft.aliases[..], &draft.covers[..]),
                (&own(aliases)[..], &own(covers)[..]),
                "{record}"
            );
        };
        check(
            r#"{"id":"DEBIAN-CVE-2022-48425","upstream":["CVE-2022-48425"]}"#,
            &["CVE-2022-48425"],
            &[],
        );
        check(
            r#"{"id":"UBUNTU-CVE-2022-1111","upstream":["CVE-2022-1111"],"related":["USN-1-1"]}"#,
            &["CVE-2022-1111"],
            &[],
        );
        check(
            r#"{"id":"DSA-1-1","upstream":["CVE-2022-1111"]}"#,
            &[],
            &["CVE-2022-1111"],
        );
        check(
            r#"{"id":"ALSA-2022:1","related":["CVE-2022-1111","CVE-2022-2222","GHSA-a"]}"#,
            &[],
            &["CVE-2022-1111", "CVE-2022-2222"],
        );
        check(
            r#"{"id":"RLSA-2022:1","aliases":["CVE-2022-1111"],"related":["CVE-2022-3333"]}"#,
            &[],
            &["CVE-2022-1111"],
        );
        check(
            r#"{"id":"USN-1-1","upstream":["CVE-2022-1111","UBUNTU-CVE-2022-1111"]}"#,
            &[],
            &["CVE-2022-1111"],
        );
        check(
            r#"{"id":"GO-2024-2652","aliases":["CVE-2024-21662","CVE-2024-21652","GHSA-b"]}"#,
            &[],
            &["CVE-2024-21652", "CVE-2024-21662"],
        );
        check(
            r#"{"id":"GO-2020-1","aliases":["GHSA-a","CVE-2020-1111","GO-2020-1"],"related":["CVE-2020-2"]}"#,
            &["CVE-2020-1111", "GHSA-a"],
            &[],
        );
        check(
            r#"{"id":"CGA-1-2","upstream":["CVE-2024-1111","GHSA-a"]}"#,
            &[],
            &["CVE-2024-1111"],
        );
        check(
            r#"{"id":"CGA-1-3","upstream":["GHSA-a-b-c"]}"#,
            &[],
            &["GHSA-a-b-c"],
        );
        check(
            r#"{"id":"ALPINE-CVE-2024-1111","upstream":["CVE-2024-1111"]}"#,
            &["CVE-2024-1111"],
            &[],
        );
        check(
            r#"{"id":"GO-2020-1","aliases":null,"severity":null}"#,
            &[],
            &[],
        );
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
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

    /// Affected packages of the record `{"id": ID, "affected": [PART]}`.
    fn affected(id: &str, part: &str) -> Vec<Affected> {
        let record = format!(
            r#"{{"id":"{id}","summary":"Important: nodejs:18 and a:b security update","related":["CVE-2022-1111"],"affected":[{part}]}}"#
        );
        parse(record.as_bytes(), "osv/x").unwrap().affected
    }

    const RANGE: &str = r#""ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-2.module_el8"}]}]"#;

    #[test]
    fn packages_of_distributions() {
        let one = |id: &str, ecosystem: &str, more: &str| {
            affected(
                id,
                &format!(r#"{{"package":{{"ecosystem":"{ecosystem}","name":"n"}},{RANGE}{more}}}"#),
            )
        };
        let alma = one("ALSA-2022:1", "AlmaLinux:8", "");
        assert_eq!(
            (alma[0].names, &alma[0].modules),
            (Names::Binary, &own(&["nodejs:18", "a:b"]))
        );
        let ubuntu = one(
            "UBUNTU-CVE-2022-1111",
            "Ubuntu:Pro:16.04:LTS",
            r#","severity":[{"type":"Ubuntu","score":"low"}]"#,
        );
        assert_eq!(
            (ubuntu[0].names, ubuntu[0].severity, &*ubuntu[0].ecosystem),
            (Names::Source, Some(Severity::Low), "Ubuntu:Pro:16.04")
        );
        let debian = one(
            "DEBIAN-CVE-2022-1111",
            "Debian:12",
            r#","ecosystem_specific":{"urgency":"unimportant"}"#,
        );
        assert_eq!(debian[0].severity, Some(Severity::Negligible));
        let ended = one(
            "DEBIAN-CVE-2022-1111",
            "Debian:12",
            r#","ecosystem_specific":{"urgency":"end-of-life"}"#,
        );
        assert_eq!(ended[0].state, Some(FixState::EndOfLife));
        let suse = one(
            "SUSE-SU-2022:1-1",
            "SUSE:Linux Enterprise Server 12 SP4",
            r#","ecosystem_specific":{"binaries":[{"liba":"3-1","libb":"4-1"}]}"#,
        );
        let binaries: Vec<(&str, Names, &str)> = suse
            .iter()
            .map(|a| (&*a.package, a.names, &*a.ranges[0].events[1].1))
            .collect();
        assert_eq!(
            binaries,
            [
                ("liba", Names::Binary, "3-1"),
                ("libb", Names::Binary, "4-1")
            ]
        );
        assert_eq!(
            one("ALBA-2022:1", "AlmaLinux:8", "").len(),
            1,
            "it names a CVE"
        );
        let nothing = r#"{"id":"ALBA-2022:1","affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"n"}}]}"#;
        assert_eq!(parse(nothing.as_bytes(), "osv/x").unwrap().affected, []);
    }

    #[test]
    fn packages_of_languages() {
        let go = affected(
            "GO-1-1",
            r#"{"package":{"ecosystem":"Go","name":"m"},"ecosystem_specific":{"imports":[{"path":"m/p","symbols":["T.F"],"goos":["windows"]},{"path":"m/q"}]}}"#,
        );
        assert_eq!(go[0].imports.len(), 2);
        assert_eq!(
            (&*go[0].imports[0].path, &go[0].imports[0].symbols),
            ("m/p", &own(&["T.F"]))
        );
        let ghsa = affected(
            "GHSA-a-b-c",
            r#"{"package":{"ecosystem":"npm","name":"n"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"<= 1.2.3"}}"#,
        );
        assert_eq!(
            ghsa[0].ranges[0].events[1],
            (EventKind::LastAffected, "1.2.3".to_owned())
        );
        let withdrawn = r#"{"id":"GHSA-a-b-c","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"n"}}]}"#;
        assert_eq!(parse(withdrawn.as_bytes(), "osv/x").unwrap().affected, []);
        let unmaintained = r#"{"id":"RUSTSEC-1-1","affected":[{"package":{"ecosystem":"crates.io","name":"n"},"database_specific":{"informational":"unmaintained"}}]}"#;
        assert_eq!(
            parse(unmaintained.as_bytes(), "osv/x").unwrap().severity,
            Some(Severity::Negligible)
        );
    }
}
