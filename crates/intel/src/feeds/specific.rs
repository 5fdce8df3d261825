//! What databases add to OSV records of their own (`database_specific`, `ecosystem_specific`, a summary's form).
//! Comes in: JSON of any shape. Goes out: what the field agrees on. Never: fails on a shape that it does not know.

use super::{Affected, EventKind, Import, Names, Range, RangeKind};
use model::matches::FixState;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde_json::Value;

/// Largest name, path or version that is kept.
const MAX_WORD: usize = 512;
const MAX_LIST: usize = 10_000;

/// Of the whole record; only words that several databases use.
#[derive(Deserialize, Default)]
pub(super) struct Specific {
    #[serde(default)]
    severity: Option<Value>,
    #[serde(default, deserialize_with = "texts_of_any")]
    pub(super) cwe_ids: Option<Vec<String>>,
    /// Numbers or texts of numbers, without a vector (RubyGems, Maven).
    #[serde(default)]
    cvss_v4: Option<Value>,
    #[serde(default)]
    cvss_v3: Option<Value>,
    #[serde(default)]
    cvss_v2: Option<Value>,
}

fn texts_of_any<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(Some(texts(&value).map(str::to_owned).collect()))
}

impl Specific {
    /// The database's word, else the scale of its highest bare number.
    pub(super) fn severity(&self) -> Option<Severity> {
        let word = self
            .severity
            .as_ref()
            .and_then(Value::as_str)
            .map(Severity::parse)
            .filter(|severity| *severity != Severity::Unknown);
        word.or_else(|| {
            [&self.cvss_v4, &self.cvss_v3, &self.cvss_v2]
                .into_iter()
                .filter_map(|value| number(value.as_ref()?))
                .map(Severity::of_cvss)
                .next()
        })
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    (0.0..=10.0).contains(&number).then_some(number)
}

/// The texts of a list, else none.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .take(MAX_LIST)
        .filter_map(Value::as_str)
        .filter(|text| (1..=MAX_WORD).contains(&text.len()))
}

fn owned(value: &Value) -> Vec<String> {
    texts(value).map(str::to_owned).collect()
}

/// RustSec's notes that are no vulnerability in themselves.
pub(super) fn informational(database: &Value) -> Option<Severity> {
    match database.get("informational")?.as_str()? {
        "unmaintained" | "notice" => Some(Severity::Negligible),
        "unsound" => Some(Severity::Low),
        _ => None,
    }
}

/// Vulnerable Go packages and functions. Source: go.dev/doc/security/vuln/database, "ecosystem_specific".
pub(super) fn imports(own: &Value) -> Vec<Import> {
    let imports = own.get("imports").and_then(Value::as_array);
    let imports = imports.into_iter().flatten().take(MAX_LIST);
    let none = Value::Null;
    let one = |import: &Value| {
        let path = import.get("path")?.as_str()?;
        Some(Import {
            path: (path.len() <= MAX_WORD).then(|| path.to_owned())?,
            symbols: owned(import.get("symbols").unwrap_or(&none)),
            systems: owned(import.get("goos").unwrap_or(&none)),
        })
    };
    let all: Option<Vec<Import>> = imports.map(one).collect();
    // One that cannot be read makes the list unknown.
    all.unwrap_or_default()
}

/// RubyGems: `platform`; RustSec: `affects.os`.
pub(super) fn platforms(own: &Value) -> Vec<String> {
    let platform = own.get("platform").and_then(Value::as_str);
    let systems = own.get("affects").and_then(|affects| affects.get("os"));
    let systems = systems.into_iter().flat_map(texts);
    platform
        .into_iter()
        .chain(systems)
        .map(str::to_owned)
        .collect()
}

/// The vendor's rating and state: Debian's `urgency`, Ubuntu's `ubuntu_priority`.
pub(super) fn say(own: &Value, database: &Value, affected: &mut Affected) {
    let word = |key: &str| {
        let value = own.get(key).or_else(|| database.get(key));
        value.and_then(Value::as_str)
    };
    match word("urgency") {
        Some("end-of-life") => affected.state = Some(FixState::EndOfLife),
        Some(urgency) => affected.severity = affected.severity.or_else(|| urgency_of(urgency)),
        None => {}
    }
    if let Some(priority) = word("ubuntu_priority") {
        let known =
            Some(Severity::parse(priority)).filter(|severity| *severity != Severity::Unknown);
        affected.severity = affected.severity.or(known);
    }
}

/// Debian's words. Source: security-team.debian.org, "Issues not warranting a security advisory".
pub(super) fn urgency_of(urgency: &str) -> Option<Severity> {
    let word = urgency.trim_end_matches('*');
    match word {
        "unimportant" => Some(Severity::Negligible),
        _ => Some(Severity::parse(word)).filter(|severity| *severity != Severity::Unknown),
    }
}

/// SUSE lists each binary with its own fix; whether there were any.
pub(super) fn binaries(own: &Value, of: &Affected, out: &mut Vec<Affected>) -> bool {
    if !matches!(of.ecosystem.split(':').next(), Some("SUSE" | "openSUSE")) {
        return false;
    }
    let before = out.len();
    let lists = own.get("binaries").and_then(Value::as_array);
    let named = lists
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten();
    for (name, version) in named.take(MAX_LIST) {
        let Some(version) = version
            .as_str()
            .filter(|version| (1..=256).contains(&version.len()))
        else {
            continue;
        };
        if (1..=MAX_WORD).contains(&name.len()) {
            out.push(Affected {
                package: name.clone(),
                names: Names::Binary,
                ranges: vec![below(version)],
                ..of.clone()
            });
        }
    }
    out.len() > before
}

/// All versions below a fix.
pub(super) fn below(fixed: &str) -> Range {
    Range {
        kind: RangeKind::Ecosystem,
        events: vec![
            (EventKind::Introduced, "0".to_owned()),
            (EventKind::Fixed, fixed.to_owned()),
        ],
    }
}

/// All versions.
pub(super) fn all() -> Range {
    Range {
        kind: RangeKind::Ecosystem,
        events: vec![(EventKind::Introduced, "0".to_owned())],
    }
}

/// GitHub's bound of an advisory without a fix: `<= 1.2.3`, `< 2.0`.
pub(super) fn last_known(database: &Value) -> Option<(EventKind, String)> {
    let text = database
        .get("last_known_affected_version_range")?
        .as_str()?
        .trim();
    let (kind, version) = match text.strip_prefix("<=") {
        Some(version) => (EventKind::LastAffected, version),
        None => (EventKind::Limit, text.strip_prefix('<')?),
    };
    let version = version.trim();
    let one = (1..=256).contains(&version.len()) && !version.contains([',', ' ', '<', '>', '=']);
    one.then(|| (kind, version.to_owned()))
}

/// The rating that a notice's summary begins with: `Important: openssl security update`.
pub(super) fn rating(summary: &str) -> Option<Severity> {
    let (word, _) = summary.split_once(':')?;
    Some(Severity::parse(word)).filter(|severity| *severity != Severity::Unknown)
}

/// Module streams that a summary names: `Important: nodejs:18 security update`, `idm:DL1 and idm:client security ...`.
pub(super) fn modules(summary: &str) -> Vec<String> {
    let part = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+'))
    };
    let words = summary.split([' ', ',', ';', '(', ')']);
    let streams = words.filter(|word| {
        word.split_once(':')
            .is_some_and(|(name, stream)| part(name) && part(stream))
    });
    streams.take(32).map(str::to_owned).collect()
}
