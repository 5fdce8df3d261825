//! What the database says of single packages. Comes in: purls and distributions. Goes out: matches as scripts rely on
//! them, with the sentence that explains each. Never: an empty answer where nobody could be asked.

use intel::Intelligence;
use intel::matching::{matches, why_not};
use intel::purl::{Purl, PurlError, release};
use jiff::civil::Date;
use model::evidence::Gap;
use model::image::ImageIdentity;
use model::inventory::Inventory;
use model::matches::{Artifact, ArtifactKind, Match, MatchSet};
use model::text::Text;
use model::vulnerability::Severity;
use serde::Serialize;
use std::collections::BTreeSet;

/// `db match` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matched {
    pub results: Vec<PackageMatches>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PackageMatches {
    /// As given.
    pub purl: Text,
    /// By vulnerability.
    pub matches: Vec<PackageMatch>,
    /// What does not count, with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suppressed: Vec<PackageMatch>,
    /// Why nothing matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// The purl could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PackageMatch {
    pub id: Text,
    /// Other names of the same vulnerability, ordered.
    pub aliases: Vec<Text>,
    pub fixed_version: Option<Text>,
    pub status: &'static str,
    pub severity: Severity,
    /// Advisories that say it, the one that decided first. A notice may collect several vulnerabilities.
    pub advisories: Vec<Text>,
    /// Range and comparison that decided.
    pub reason: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Text>,
}

/// Matches one package; `distro` (`debian:12`) counts before what the purl says. A purl that cannot be read is an
/// `error` of its result.
pub fn match_purl(intel: &Intelligence, purl: &str, distro: Option<&str>) -> PackageMatches {
    let mut result = PackageMatches {
        purl: purl.trim().into(),
        matches: Vec::new(),
        suppressed: Vec::new(),
        why_not: None,
        gaps: Vec::new(),
        error: None,
    };
    let inventory = match inventory(purl, distro) {
        Ok(inventory) => inventory,
        Err(error) => {
            result.error = Some(error.to_string().into());
            return result;
        }
    };
    let set = matches(&inventory, intel, None);
    for one in &set.matches {
        let Some(matched) = matched(&set, one) else {
            continue;
        };
        if matched.suppressed.is_some() {
            result.suppressed.push(matched);
        } else {
            result.matches.push(matched);
        }
    }
    if result.matches.is_empty() && result.suppressed.is_empty() {
        result.why_not = why_not(&inventory, 0, intel).map(|why| why.to_string().into());
    }
    result.gaps = set.gaps;
    result
}

fn inventory(text: &str, distro: Option<&str>) -> Result<Inventory, PurlError> {
    let purl = Purl::parse(text)?;
    let distro = distro.map(str::trim).filter(|distro| !distro.is_empty());
    Ok(Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Unknown,
            name: text.trim().into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        },
        release: distro.map(release).or_else(|| purl.release()),
        layers: Vec::new(),
        components: vec![purl.component(text)],
        linked: Vec::new(),
        config: None,
        remarks: Vec::new(),
        gaps: Vec::new(),
    })
}

fn matched(set: &MatchSet, one: &Match) -> Option<PackageMatch> {
    let advisory = set.advisories.get(one.advisory as usize)?;
    let basis = set.bases.get(one.basis? as usize)?;
    let aliases: BTreeSet<&Text> = advisory.aliases.iter().collect();
    Some(PackageMatch {
        id: advisory.id.clone(),
        aliases: aliases.into_iter().cloned().collect(),
        fixed_version: one.fix.versions.first().cloned(),
        status: one.fix.state.word(),
        severity: one.severity,
        advisories: std::iter::once(&basis.advisory)
            .chain(&basis.also)
            .cloned()
            .collect(),
        reason: basis.to_string().into(),
        fixed_on: basis.fixed_on,
        suppressed: one
            .suppression
            .as_ref()
            .map(|suppression| suppression.reason.clone()),
    })
}
