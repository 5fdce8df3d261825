//! What one source said of artifacts: another scanner's report or our own matcher.
//! A match is never merged and never lost; findings cite matches.

use crate::evidence::Gap;
use crate::image::ImageIdentity;
use crate::object::ObjectRef;
use crate::text::Text;
use crate::vulnerability::{Cvss, Severity};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything that one document said. Indices point into the vectors of the same set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchSet {
    pub source: MatchSource,
    pub artifacts: Vec<Artifact>,
    pub packages: Vec<Package>,
    /// What the source says of a vulnerability or check, kept once per distinct text.
    pub advisories: Vec<Advisory>,
    pub matches: Vec<Match>,
    /// Why our own matcher says it; [`Match::basis`] points here.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub bases: Vec<Basis>,
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchSource {
    /// `trivy`, `grype`, `snyk`, `harbor`, `kubescape`, `kube-bench`, `plimsoll` ...
    pub tool: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool_version: Option<Text>,
    /// Format and version as detected: `trivy-json/2`, `grype-json`, `sarif/2.1.0`, `cyclonedx/1.5`.
    pub format: Text,
    /// Path as given.
    pub file: Text,
    /// SHA-256 of the document, hexadecimal.
    pub digest: Text,
    /// When the scan ran, as the document says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<Timestamp>,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub kind: ArtifactKind,
    /// As the source names it.
    pub name: Text,
    pub identity: ImageIdentity,
    /// `debian 12.5`: distribution id and version as the source says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub os: Option<OsRelease>,
    /// Kubernetes object that the report is about (Trivy Kubernetes mode, operator reports, kubeaudit).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectRef>,
    /// Container in that object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub container: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArtifactKind {
    Image,
    Filesystem,
    Repository,
    Sbom,
    Node,
    KubernetesObject,
    /// The source does not say.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OsRelease {
    /// `debian`, `alpine`, `rhel` ... lower case.
    pub id: Text,
    pub version: Text,
    /// Whether the source says that the release is out of support.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end_of_life: Option<bool>,
}

/// A package as the source found it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Package {
    pub name: Text,
    /// Empty where the source gives none.
    pub version: Text,
    /// purl type or the source's own word: `deb`, `npm`, `jar`, `gobinary`.
    pub kind: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purl: Option<Text>,
    /// Source package that the distribution's advisories name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream: Option<Text>,
    /// Files or folders where it was found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub locations: Vec<Text>,
    /// Diff id or digest of the layer that brought it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<Text>,
}

/// What the source says of a vulnerability, check or secret rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advisory {
    pub id: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub aliases: Vec<Text>,
    /// CVEs that it collects: of a distribution's notice, or of an advisory that names several. They are no aliases
    /// (a closure over them would make one vulnerability of two); it is as likely and as grave as the worst of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub covers: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<Text>,
    pub severity: Severity,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub cvss: Vec<Cvss>,
    /// CVSS vectors that the source gives without a score.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub vectors: Vec<Vector>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub cwes: Vec<Text>,
    /// Primary page of the advisory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<Text>,
    /// Feed of the source: `debian:12`, `ghsa`, `nvd:cpe`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feed: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub published: Option<Date>,
}

/// A CVSS vector whose score is to be computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vector {
    /// Who says it, as in [`Cvss`].
    pub source: Text,
    pub vector: Text,
}

/// One statement: this artifact has this problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    pub category: Category,
    pub artifact: u32,
    pub advisory: u32,
    /// The package, for vulnerabilities (and licences).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub package: Option<u32>,
    /// The object, file or control, for all other categories: `Deployment shop/web`, `app/config.py:12`, `1.2.16`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<Text>,
    /// Where in the target, as far as the source says it: a JSON pointer (RFC 6901) where it gives a path, else
    /// the part in words: `container web`, `lines 12-14`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<Text>,
    /// Severity of this match where it differs from the advisory's.
    pub severity: Severity,
    pub fix: Fix,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suppression: Option<Suppression>,
    /// What our own matcher decided by.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<u32>,
}

/// Which advisory, range and comparison made a match: enough to repeat it by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Basis {
    /// As its feed names it: `ALSA-2022:1065`.
    pub advisory: Text,
    /// `osv/AlmaLinux`.
    pub feed: Text,
    /// `AlmaLinux:8`.
    pub ecosystem: Text,
    /// The package that the advisory names.
    pub package: Text,
    /// It names the source package.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub of_source: bool,
    /// What was compared, with its epoch.
    pub version: Text,
    /// The order of versions: `rpm`, `dpkg`, `semver`.
    pub order: Text,
    /// Start of the range; `0`: all versions before its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub introduced: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fixed: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_affected: Option<Text>,
    /// The day of the fix, as far as the feed says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fixed_on: Option<Date>,
    /// Other advisories of the same vulnerability that say the same.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub also: Vec<Text>,
    /// What else bears on it: `of module nodejs:18`, `only Ubuntu Pro has the fix`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<Text>,
}

/// `1.1.1k-7.el8_6 < 1:1.1.1k-9.el8_6 (rpm), introduced 0, fixed 1:1.1.1k-9.el8_6: AlmaLinux:8 ALSA-2022:1065, source
/// openssl`.
impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.introduced, &self.fixed, &self.last_affected) {
            (_, Some(fixed), _) => write!(f, "{} < {fixed} ({})", self.version, self.order)?,
            (_, None, Some(last)) => write!(f, "{} <= {last} ({})", self.version, self.order)?,
            (Some(start), None, None) if &**start != "0" => {
                write!(f, "{} >= {start} ({})", self.version, self.order)?;
            }
            (Some(_), None, None) => write!(f, "every version is affected, {} too", self.version)?,
            (None, None, None) => write!(f, "{} is listed", self.version)?,
        }
        if let Some(introduced) = &self.introduced {
            write!(f, ", introduced {introduced}")?;
        }
        match (&self.fixed, &self.last_affected) {
            (Some(fixed), _) => write!(f, ", fixed {fixed}")?,
            (None, Some(last)) => write!(f, ", last affected {last}")?,
            (None, None) => {}
        }
        let of = if self.of_source { "source" } else { "package" };
        write!(
            f,
            ": {} {}, {of} {}",
            self.ecosystem, self.advisory, self.package
        )?;
        for note in &self.notes {
            write!(f, ", {note}")?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    Vulnerability,
    Misconfiguration,
    Secret,
    Exposure,
    Path,
    /// Kept and counted, never ranked.
    License,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fix {
    pub state: FixState,
    /// Versions that repair it, as the source gives them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub versions: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixState {
    Fixed,
    /// Affected, no fix is published.
    NotFixed,
    WillNotFix,
    Deferred,
    EndOfLife,
    UnderInvestigation,
    NotAffected,
    Unknown,
}

impl FixState {
    /// Trivy's words, which scripts know.
    pub fn word(self) -> &'static str {
        match self {
            FixState::Fixed => "fixed",
            FixState::NotFixed => "affected",
            FixState::WillNotFix => "will_not_fix",
            FixState::Deferred => "fix_deferred",
            FixState::EndOfLife => "end_of_life",
            FixState::UnderInvestigation => "under_investigation",
            FixState::NotAffected => "not_affected",
            FixState::Unknown => "unknown",
        }
    }
}

/// Why a match does not count; it is listed all the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Suppression {
    /// Who: the source's ignore rule, a VEX document, an exception of ours.
    pub by: Text,
    pub reason: Text,
}
