//! Debian's security tracker (security-tracker.debian.org/tracker/data/json): fixed, unfixed and put off, by release.
//! Comes in: its one JSON document. Goes out: a draft a vulnerability. Never: takes `undetermined` for safe.

use super::specific::{all, below, urgency_of};
use super::{Affected, Draft, Names, one_line, usable_id};
use crate::ecosystem::debian_codename;
use model::matches::FixState;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Largest document, in bytes; the real one is 80 MB.
pub const MAX_DOCUMENT: u64 = 512 << 20;

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    releases: BTreeMap<Cow<'a, str>, Status<'a>>,
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(borrow, default, rename = "status")]
    word: Cow<'a, str>,
    #[serde(borrow, default)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    urgency: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Cow<'a, str>>,
}

/// Whether a file of the feed is the document; it is served as `json`.
pub fn is_record(name: &str) -> bool {
    name == "json" || super::ends(name, &[".json"])
}

/// Reads the document: source package, vulnerability, releases by codename.
pub fn parse(bytes: &[u8], out: &mut Vec<Draft>) -> Result<(), String> {
    type Document<'a> = BTreeMap<Cow<'a, str>, BTreeMap<Cow<'a, str>, Issue<'a>>>;
    let document: Document<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    for (package, issues) in document {
        if !(1..=512).contains(&package.len()) {
            continue;
        }
        for (id, issue) in issues {
            if !usable_id(&id) {
                continue;
            }
            let draft = drafts.entry(id.to_string()).or_insert_with(|| Draft {
                id: id.to_string(),
                title: issue
                    .description
                    .as_deref()
                    .map(|text| one_line(text, 200))
                    .filter(|text| !text.is_empty()),
                ..Draft::default()
            });
            let releases = issue.releases.iter();
            draft.affected.extend(
                releases.filter_map(|(codename, status)| affected(&package, codename, status)),
            );
        }
    }
    out.extend(drafts.into_values());
    Ok(())
}

fn affected(package: &str, codename: &str, status: &Status<'_>) -> Option<Affected> {
    let fixed = status
        .fixed_version
        .as_deref()
        .filter(|version| (1..=256).contains(&version.len()));
    let urgency = status.urgency.as_deref().unwrap_or("");
    let (ranges, state) = match (&*status.word, fixed) {
        ("resolved", Some(version)) if version != "0" => (vec![below(version)], None),
        // Version 0, or none: it was never there.
        ("resolved", _) => (Vec::new(), Some(FixState::NotAffected)),
        ("undetermined", _) => (vec![all()], Some(FixState::UnderInvestigation)),
        _ if urgency == "end-of-life" => (vec![all()], Some(FixState::EndOfLife)),
        _ => (vec![all()], Some(open(status))),
    };
    Some(Affected {
        ecosystem: format!("Debian:{}", debian_codename(codename)?),
        package: package.to_owned(),
        names: Names::Source,
        ranges,
        state,
        severity: urgency_of(urgency),
        ..Affected::default()
    })
}

/// Source: security-team.debian.org/security_tracker.html, "no-DSA", "ignored", "postponed".
fn open(status: &Status<'_>) -> FixState {
    match status.nodsa_reason.as_deref() {
        Some("ignored") => FixState::WillNotFix,
        Some("postponed") => FixState::Deferred,
        // A plain "no DSA" may still be mended by a point release.
        _ => FixState::NotFixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::vulnerability::Severity;

    #[test]
    fn states() {
        use FixState::{
            Deferred, EndOfLife, NotAffected, NotFixed, UnderInvestigation, WillNotFix,
        };
        let check = |status: &str,
                     state: Option<FixState>,
                     ranges: usize,
                     severity: Option<Severity>| {
            let text = format!(
                r#"{{"p":{{"CVE-2024-0001":{{"description":"d","releases":{{"bookworm":{status},"nonsense":{{}}}}}}}}}}"#
            );
            let mut out = Vec::new();
            parse(text.as_bytes(), &mut out).unwrap();
            let one = &out[0].affected[0];
            assert_eq!(
                (out[0].affected.len(), &*one.ecosystem, &*one.package),
                (1, "Debian:12", "p")
            );
            assert_eq!(
                (one.state, one.ranges.len(), one.severity),
                (state, ranges, severity),
                "{status}"
            );
        };
        check(
            r#"{"status":"resolved","fixed_version":"1.2-1","urgency":"not yet assigned"}"#,
            None,
            1,
            None,
        );
        check(
            r#"{"status":"resolved","fixed_version":"0"}"#,
            Some(NotAffected),
            0,
            None,
        );
        check(
            r#"{"status":"open","urgency":"unimportant"}"#,
            Some(NotFixed),
            1,
            Some(Severity::Negligible),
        );
        check(
            r#"{"status":"open","urgency":"low**"}"#,
            Some(NotFixed),
            1,
            Some(Severity::Low),
        );
        check(
            r#"{"status":"open","nodsa":"Minor issue","nodsa_reason":"ignored"}"#,
            Some(WillNotFix),
            1,
            None,
        );
        check(
            r#"{"status":"open","nodsa":"Minor issue","nodsa_reason":"postponed"}"#,
            Some(Deferred),
            1,
            None,
        );
        check(
            r#"{"status":"open","nodsa":"Minor issue","nodsa_reason":""}"#,
            Some(NotFixed),
            1,
            None,
        );
        check(
            r#"{"status":"open","urgency":"end-of-life"}"#,
            Some(EndOfLife),
            1,
            None,
        );
        check(
            r#"{"status":"undetermined"}"#,
            Some(UnderInvestigation),
            1,
            None,
        );
    }
}
