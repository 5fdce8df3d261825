//! The result of a scan: everything that a report, a gate or the store needs, and nothing that must be computed again.

use crate::action::Action;
use crate::checks::Described;
use crate::evidence::Ledger;
use crate::finding::{Factor, Finding, Score};
use crate::graph::{Cut, Path};
use crate::image::{ImageIdentity, ImageReference};
use crate::inventory::Inventory;
use crate::keys::ClusterId;
use crate::matches::{ArtifactKind, MatchSet, OsRelease, Package};
use crate::situation::{Credential, Situation};
use crate::snapshot::{KubernetesVersion, Listed, Origin};
use crate::text::Text;
use crate::vulnerability::Vulnerability;
use crate::workload::{Placement, Workload};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Indices named after a vector point into that vector of the same Assessment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    pub about: About,
    pub ledger: Ledger,
    pub workloads: Vec<Workload>,
    pub images: Vec<ScannedImage>,
    pub placements: Vec<Placement>,
    pub packages: Vec<Package>,
    pub vulnerabilities: Vec<Vulnerability>,
    pub situations: Vec<Situation>,
    pub scores: Vec<Score>,
    /// The distinct lines of the explanations of all scores.
    pub factors: Vec<Factor>,
    /// Open findings, the highest score first, then severity, then name.
    pub findings: Vec<Finding>,
    /// Suppressed ones, with who and why.
    pub suppressed: Vec<Finding>,
    /// Findings of artifacts that no container here runs.
    pub unjoined: Vec<Finding>,
    pub paths: Vec<Path>,
    pub cuts: Vec<Cut>,
    /// The queue, the most valuable action first.
    pub actions: Vec<Action>,
    pub coverage: Coverage,
    /// What the sources said, word for word; may be dropped (`matches` empty) where only the summary is kept.
    pub sets: Vec<MatchSet>,
    /// What was found installed in the artifacts that were scanned here; reports of others have no inventory.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub inventories: Vec<Inventory>,
    /// Credentials outside of pods whose rights lead on, by subject.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub credentials: Vec<Credential>,
    /// The rules of the rule table that findings cite, ordered by id.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub checks: Vec<Described>,
}

impl Assessment {
    /// What a rule of the table means, where a finding cites it.
    pub fn check(&self, id: &str) -> Option<&Described> {
        let at = self
            .checks
            .binary_search_by(|check| (*check.id).cmp(id))
            .ok()?;
        self.checks.get(at)
    }

    /// The lines that explain `score`, in the order in which they are told.
    pub fn factors<'a>(&'a self, score: &Score) -> impl Iterator<Item = &'a Factor> + use<'a> {
        let lines = score.factors;
        lines
            .into_iter()
            .map_while(|line| self.factors.get(line as usize))
    }
}

/// What was looked at, with what, when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    pub tool_version: Text,
    /// `--now`, SOURCE_DATE_EPOCH or the clock, resolved once.
    pub now: Timestamp,
    pub origin: Option<Origin>,
    pub cluster: Option<ClusterId>,
    pub cluster_name: Option<Text>,
    pub kubernetes: Option<KubernetesVersion>,
    pub database: Option<DatabaseInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// SHA-256 of the advisory file.
    pub digest: Text,
    pub feeds: Vec<FeedInfo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedInfo {
    /// `epss`, `kev`, `vulnrichment`, `osv/Debian`.
    pub name: Text,
    /// Date of the data, not of the download.
    pub date: Option<Date>,
    pub records: u64,
    pub digest: Text,
    /// EPSS model version and the like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Text>,
}

/// One scanned artifact, united over digests from all documents that speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedImage {
    pub name: Text,
    pub kind: ArtifactKind,
    pub identity: ImageIdentity,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub os: Option<OsRelease>,
    /// Indices into the placements, ordered.
    pub placements: Vec<u32>,
    /// Tools that spoke of it, ordered; none: it runs here and nothing scanned it.
    pub tools: Vec<Text>,
}

impl ScannedImage {
    /// Whether it is a container image, or the list of one, which is rebuilt or replaced as a whole; folders, repositories
    /// and machines are changed in place.
    pub fn is_image(&self) -> bool {
        match self.kind {
            ArtifactKind::Image => true,
            // They may be anything; a reference or a digest says that it is an image.
            ArtifactKind::Sbom | ArtifactKind::KubernetesObject | ArtifactKind::Unknown => {
                self.identity != ImageIdentity::default()
            }
            ArtifactKind::Filesystem | ArtifactKind::Repository | ArtifactKind::Node => false,
        }
    }

    /// The name by which registries know it; `None` for what is no image.
    pub fn reference(&self) -> Option<ImageReference> {
        if !self.is_image() {
            return None;
        }
        let first = self.identity.references.iter().min();
        first.cloned().or_else(|| ImageReference::parse(&self.name))
    }
}

/// The numbers of the coverage line. Every zero has its denominator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Kinds that were listed, and those that were refused.
    pub listed: Vec<Listed>,
    pub namespaces: u32,
    /// Namespaces in which no policy of any kind selects a pod for ingress.
    pub namespaces_without_policy: u32,
    pub workloads: u32,
    pub dormant: u32,
    pub history: u32,
    pub pods: u32,
    /// Distinct images that active containers run.
    pub images: u32,
    /// Of these, how many a report was joined to.
    pub images_scanned: u32,
    /// Of the scanned ones, how many have high or critical findings.
    pub images_with_high: u32,
    /// Matches in all documents; equals the matches cited by findings, suppressed and unjoined.
    pub matches: u64,
    pub other_kinds: BTreeMap<Text, u64>,
    /// What was given that may take findings out, a line each: `vex.json: 3 VEX statements`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rulings: Vec<Text>,
}

/// What a gate answers (architecture section 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// One sentence each: what is over, or what could be hidden.
    pub reasons: Vec<Text>,
    /// What the gate let pass on purpose and why, one sentence each: in its time of grace, known from the baseline,
    /// changed by a feed only.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notices: Vec<Text>,
    /// Process exit code: 0, 1 (or `--exit-code`), 3.
    pub exit_code: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    Failed,
    NotCompleted,
}
