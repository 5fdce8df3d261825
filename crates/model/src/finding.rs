//! Findings and their scores. A finding is one problem of one subject, citing the matches that say so.

use crate::evidence::Estimate;
use crate::matches::{Category, Fix, Suppression};
use crate::object::{ObjectRef, SourceSpan};
use crate::text::Text;
use crate::vulnerability::Severity;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// VulnerabilityId or check id.
    pub id: Text,
    pub category: Category,
    pub severity: Severity,
    /// Index into the Assessment's vulnerabilities.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vulnerability: Option<u32>,
    /// Index into the Assessment's images (anything scanned), with its placements.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<u32>,
    /// Index into the Assessment's packages.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub package: Option<u32>,
    /// The object of a configuration finding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectRef>,
    /// The container that a configuration finding is about, by its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub container: Option<Text>,
    /// Where in the object: a JSON pointer (RFC 6901), or a part in words as [`crate::matches::Match::field`] has it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourceSpan>,
    /// Title of a finding that is no vulnerability.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<Text>,
    pub fix: Fix,
    /// Never empty for imported findings; every match is cited by exactly one finding.
    pub matches: Vec<MatchId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suppression: Option<Suppression>,
    /// What was said of it without taking it out, one sentence each: a VEX statement `affected`, an ignore entry that
    /// does not count any more, why a near one does not apply.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<Text>,
    /// Scores of the placements; indices into the Assessment's scores, parallel to the image's placements.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub scores: Vec<u32>,
}

/// Which match of which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatchId {
    pub set: u32,
    pub index: u32,
}

/// The score of a finding in a situation; kept once per distinct (vulnerability, package evidence, situation).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// R = L x E x B x A, each bound.
    pub risk: Estimate,
    /// L x E: probability that this container falls by this vulnerability.
    pub delivery: Estimate,
    /// 0.0 to 100.0 on the log scale, rounded to 0.1; `low` and `high` with all unknowns at best and at worst.
    pub points: Estimate,
    /// Share of R's log range that is known, 0 to 1.
    pub confidence: f64,
    /// BOD 26-04 row.
    pub deadline: Deadline,
    /// SSVC deployer decision: `defer`, `scheduled`, `out-of-cycle`, `immediate`.
    pub ssvc: Text,
    /// CVSS 4.0 vector with threat and environmental metrics (BTE) and its score, where a 4.0 base vector is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cvss_bte: Option<Text>,
    /// The explanation: indices into the Assessment's factors, [`NO_FACTOR`] after the last. The points of all of
    /// them sum to the score before rounding. Many scores share a factor, and there may be a million scores.
    pub factors: [u32; 5],
}

/// Stands in [`Score::factors`] after the last one.
pub const NO_FACTOR: u32 = u32::MAX;

/// A remediation timeline of BOD 26-04 with the inputs that chose its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    /// `3 days & forensic investigation`, `3 days`, `14 days`, `60 days`, `fix on system upgrade`.
    pub timeline: Text,
    /// Calendar date from `--now`; `None` for "on system upgrade".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<Date>,
    pub in_kev: bool,
    /// Unknown exposure counts as exposed.
    pub exposed: bool,
    pub automatable: bool,
    pub total_impact: bool,
}

/// One line of an explanation; the points of all lines sum to the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// `likelihood`, `delivery`, `blast radius`, `criticality`, `clamp`.
    pub name: Text,
    /// Signed points on the log scale.
    pub points: f64,
    pub value: Estimate,
    pub reason: Text,
}
