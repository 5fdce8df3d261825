//! The transfer types of the JSON report; their documentation becomes the schema's.
//! Only fields and their order; what goes into them is in `select`.

use crate::each::Each;
use jiff::Timestamp;
use jiff::civil::Date;
use model::text::Text;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Result of a Plimsoll scan.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Plimsoll report")]
pub(super) struct Document<'a> {
    /// Version of this format: 1.
    #[serde(rename = "formatVersion")]
    pub(super) format_version: u32,
    /// What the gate answers; `not-completed`: a gap could hide what the gate asks for.
    #[schemars(extend("enum" = ["passed", "failed", "not-completed"]))]
    pub(super) verdict: &'static str,
    /// Exit code of the process.
    pub(super) exit_code: u8,
    /// Why the verdict is what it is, one sentence each.
    pub(super) reasons: Vec<Cow<'a, str>>,
    /// What the gate let pass on purpose and why: in its time of grace, known from the baseline, changed by a feed only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notices: Vec<Cow<'a, str>>,
    pub(super) coverage: Coverage<'a>,
    pub(super) about: About<'a>,
    /// The queue, the most valuable action first.
    pub(super) actions: Each<'a, Action<'a>>,
    /// Open findings, the highest score first. Nothing stands in two of `findings`, `suppressed`, `unjoined`.
    pub(super) findings: Each<'a, Finding<'a>>,
    /// Findings that an ignore rule, a VEX document or an exception takes out, with who and why.
    pub(super) suppressed: Each<'a, Finding<'a>>,
    /// Findings of images and files that no container here runs.
    pub(super) unjoined: Each<'a, Finding<'a>>,
    /// What is installed in the images, file trees and lists of packages that were scanned here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) packages: Option<Each<'a, super::installed::Package<'a>>>,
    /// These images, file trees and lists of packages themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifacts: Option<Each<'a, super::installed::Artifact<'a>>>,
    /// Routes from an entry to a sink.
    pub(super) paths: Each<'a, Path<'a>>,
    /// For each sink, the changes that end its routes.
    pub(super) cuts: Each<'a, Cut<'a>>,
    /// What was scanned.
    pub(super) images: Each<'a, Image<'a>>,
    pub(super) workloads: Each<'a, Workload<'a>>,
    /// What is known of each vulnerability; findings refer to them by index.
    pub(super) vulnerabilities: Each<'a, Vulnerability<'a>>,
    /// Explanations of scores; findings and placements refer to them by index.
    pub(super) scores: Each<'a, Score<'a>>,
}

/// What was seen and what was not. A zero says something only beside its denominator.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Coverage<'a> {
    /// Kinds that were listed.
    pub(super) listed: Vec<Listed<'a>>,
    pub(super) namespaces: u32,
    /// Namespaces in which no policy of any kind selects a pod for ingress.
    pub(super) namespaces_without_policy: u32,
    pub(super) workloads: u32,
    /// Suspended CronJobs and workloads scaled to 0.
    pub(super) dormant: u32,
    /// Old revisions and finished Jobs.
    pub(super) history: u32,
    pub(super) pods: u32,
    /// Distinct images that active containers run.
    pub(super) images: u32,
    /// Of these, how many a scan report was joined to.
    pub(super) images_scanned: u32,
    /// Of the scanned ones, how many have high or critical findings.
    pub(super) images_with_high: u32,
    /// Statements in all documents; each is cited by exactly one finding.
    pub(super) matches: u64,
    /// Objects of kinds that are not read, by `Kind.group`.
    pub(super) other_kinds: BTreeMap<Cow<'a, str>, u64>,
    /// What was not seen, in the order in which it was noticed.
    pub(super) gaps: Vec<Gap<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Listed<'a> {
    pub(super) group: &'a str,
    pub(super) kind: &'a str,
    pub(super) count: u64,
    /// `false`: the list was refused or broke off, and `count` is a lower bound.
    pub(super) complete: bool,
}

/// Something that was not seen.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Gap<'a> {
    /// Stable class in kebab case, e.g. `image-not-scanned`.
    pub(super) class: &'a str,
    pub(super) what: Cow<'a, str>,
    #[schemars(extend("enum" = ["collect", "import", "catalog", "match", "relate", "rank"]))]
    pub(super) stage: &'static str,
    pub(super) scope: Cow<'a, str>,
    /// `hides`: could hide findings; `widens`: ranks are less sure; `notice`: neither.
    #[schemars(extend("enum" = ["notice", "widens", "hides"]))]
    pub(super) weight: &'static str,
    /// The command or permission that closes it; empty if nothing does.
    pub(super) close: Cow<'a, str>,
    /// Somebody answers for it: it stops no gate until then.
    pub(super) accepted: Option<Accepted<'a>>,
}

/// Who answers for a gap, from `plimsoll.yaml`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Accepted<'a> {
    pub(super) owner: Cow<'a, str>,
    pub(super) reason: Cow<'a, str>,
    /// The last day on which it counts, UTC.
    #[schemars(with = "String", extend("format" = "date"))]
    pub(super) expires: Date,
}

/// What was looked at, with what, when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct About<'a> {
    pub(super) tool_version: &'a str,
    /// The moment that ages and deadlines are counted from.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(super) now: Timestamp,
    #[schemars(extend("enum" = ["live", "files", null]))]
    pub(super) origin: Option<&'static str>,
    pub(super) cluster: Option<Cow<'a, str>>,
    pub(super) cluster_name: Option<Cow<'a, str>>,
    pub(super) kubernetes: Option<Kubernetes>,
    /// The intelligence database; `null`: there was none.
    pub(super) database: Option<Database<'a>>,
    /// Other tools' documents that were read.
    pub(super) documents: Vec<Source<'a>>,
    /// Names and keys are replaced: they say nothing beside another report. Left out where they are not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub(super) names_redacted: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Kubernetes {
    /// `1.36`.
    pub(super) version: String,
    /// `false`: nothing said the version, and the newest supported one was taken.
    pub(super) known: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Database<'a> {
    /// SHA-256 of the advisory file.
    pub(super) digest: &'a str,
    pub(super) feeds: Vec<Feed<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Feed<'a> {
    pub(super) name: &'a str,
    /// Date of the data; `null`: unknown.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) date: Option<Date>,
    /// Whole days from `date` to `now`.
    pub(super) age_days: Option<i32>,
    pub(super) records: u64,
    pub(super) digest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
}

/// A document of another tool.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Source<'a> {
    pub(super) tool: &'a str,
    pub(super) tool_version: Option<&'a str>,
    /// As detected, e.g. `trivy-json/2`.
    pub(super) format: &'a str,
    pub(super) file: Cow<'a, str>,
    /// SHA-256 of the document.
    pub(super) digest: &'a str,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub(super) created: Option<Timestamp>,
}

/// One problem of one subject.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Finding<'a> {
    /// Vulnerability or check.
    pub(super) id: Cow<'a, str>,
    #[schemars(extend("enum" = ["vulnerability", "misconfiguration", "secret", "exposure", "path", "license"]))]
    pub(super) category: &'static str,
    #[schemars(extend("enum" = ["unknown", "negligible", "low", "medium", "high", "critical"]))]
    pub(super) severity: &'static str,
    pub(super) aliases: &'a [Text],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<Cow<'a, str>>,
    /// The object that has the problem; for an image, the workload of the placement with the highest score.
    pub(super) object: Option<Object<'a>>,
    /// Where in the object: a JSON pointer (RFC 6901), or a part in words (`container web`, `lines 12-14`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<Cow<'a, str>>,
    /// Where the object stands in a file.
    pub(super) source: Option<Span<'a>>,
    pub(super) image: Option<Cow<'a, str>>,
    pub(super) package: Option<Package<'a>>,
    /// Versions that repair it, separated by a comma and a space.
    pub(super) fixed_version: Option<String>,
    /// State of the fix.
    #[schemars(extend("enum" = ["fixed", "affected", "will_not_fix", "fix_deferred", "end_of_life", "under_investigation", "not_affected", "unknown"]))]
    pub(super) status: &'static str,
    /// Why it stands where it stands.
    pub(super) reasons: Vec<Cow<'a, str>>,
    /// The highest score of all placements; `null`: not scored.
    pub(super) score: Option<Points>,
    /// In CISA's catalogue of known exploited vulnerabilities; `null`: not known.
    pub(super) kev: Option<bool>,
    /// EPSS score, 0 to 1; `null`: none or not known.
    pub(super) epss: Option<f64>,
    /// The date of BOD 26-04; `null`: none.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) due: Option<Date>,
    /// Index into `vulnerabilities`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vulnerability: Option<u32>,
    /// Stable over scans, builds and versions; the same key as in SARIF.
    pub(super) tracking_key: String,
    /// Where the image runs; one without an object where no cluster was looked at.
    pub(super) placements: Vec<Placement<'a>>,
    /// Who says it.
    pub(super) matches: Vec<Statement<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suppression: Option<Suppression<'a>>,
    /// What was said of it without taking it out: a VEX statement `affected`, an ignore entry that does not count any
    /// more, why a near one does not apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<Cow<'a, str>>,
}

/// 0 to 100 on a log scale; below 1 means small, never none.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "points of a score of points")]
pub(crate) struct Points {
    pub(super) points: f64,
    /// With all unknowns at their best.
    pub(super) low: f64,
    /// With all unknowns at their worst.
    pub(super) high: f64,
    /// Index into `scores`.
    pub(super) explanation: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Object<'a> {
    pub(super) kind: &'a str,
    /// `null` for cluster-scoped objects.
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Span<'a> {
    /// The path as it was given.
    pub(super) file: Cow<'a, str>,
    /// From 1.
    pub(super) line: u32,
    /// From 1, in Unicode scalar values.
    pub(super) column: u32,
    /// The chart's template that the document was rendered from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rendered_from: Option<Cow<'a, str>>,
    /// `file:line:column` of other documents that define the same object: nothing tells which is in force.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alternatives: Vec<Cow<'a, str>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Package<'a> {
    pub(super) name: &'a str,
    /// Empty where the source gives none.
    pub(super) version: &'a str,
    pub(super) purl: Option<&'a str>,
    /// purl type or the source's own word.
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) locations: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layer: Option<&'a str>,
}

/// One place of an image: a container of a workload, or nowhere known.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Placement<'a> {
    /// `null`: not seen in a cluster, exposure and privileges are unknown.
    pub(super) object: Option<Object<'a>>,
    pub(super) container: Option<Cow<'a, str>>,
    pub(super) score: Option<Points>,
    /// How the report and the container were joined: by digest, by index digest, or only by tag.
    #[schemars(extend("enum" = ["tag", "index", "digest"]))]
    pub(super) grade: &'static str,
    #[schemars(extend("enum" = ["unknown", "none", "namespace", "cluster", "external", "internet", null]))]
    pub(super) exposure: Option<&'static str>,
}

/// What one document says.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Statement<'a> {
    /// Index into `about.documents`.
    pub(super) document: u32,
    pub(super) tool: &'a str,
    pub(super) id: &'a str,
    pub(super) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) feed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Suppression<'a> {
    pub(super) by: Cow<'a, str>,
    pub(super) reason: Cow<'a, str>,
}

/// `low <= expected <= high`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Range {
    pub(super) low: f64,
    pub(super) expected: f64,
    pub(super) high: f64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Action<'a> {
    /// Stable over scans.
    pub(super) id: Cow<'a, str>,
    #[schemars(extend("enum" = ["upgrade-package", "rebuild-base", "move-tag", "change-field", "remove-exposure", "mitigate"]))]
    pub(super) kind: &'static str,
    pub(super) title: Cow<'a, str>,
    /// The highest score among the findings that it closes.
    pub(super) points: Range,
    /// Risk that it removes after the actions before it, 0 to 1 of the cluster's value.
    pub(super) removes: Range,
    #[schemars(extend("enum" = ["equivalent", "needs-test", "breaking"]))]
    pub(super) class: &'static str,
    pub(super) class_reason: Cow<'a, str>,
    /// `verified`: the target was scanned.
    #[schemars(extend("enum" = ["verified", "expected-unverified"]))]
    pub(super) certainty: &'static str,
    /// The strongest reason first.
    pub(super) why: Vec<Cow<'a, str>>,
    /// Exactly what to type or change, line by line.
    #[serde(rename = "do")]
    pub(super) exact: Vec<Cow<'a, str>>,
    /// How to take it back.
    pub(super) undo: Cow<'a, str>,
    pub(super) image: Option<Cow<'a, str>>,
    pub(super) object: Option<Object<'a>>,
    pub(super) source: Option<Span<'a>>,
    /// Indices into `findings`.
    pub(super) closes: &'a [u32],
    pub(super) workloads: Vec<Object<'a>>,
    /// The earliest date of BOD 26-04 among what it closes.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) due: Option<Date>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Path<'a> {
    pub(super) entry: Cow<'a, str>,
    pub(super) sink: Cow<'a, str>,
    pub(super) probability: Range,
    pub(super) edges: Vec<Edge<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Edge<'a> {
    pub(super) from: Cow<'a, str>,
    pub(super) to: Cow<'a, str>,
    /// Stable kind, e.g. `load-balancer`, `POD_EXEC`.
    pub(super) kind: &'a str,
    /// Of MITRE ATT&CK, e.g. `T1611`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) technique: &'a str,
    pub(super) probability: Range,
    pub(super) evidence: Vec<Evidence<'a>>,
    /// What was not seen and could change it.
    pub(super) missing: Vec<Cow<'a, str>>,
    /// What it needs, all of it: any one of these changes removes it. Empty: it cannot be cut.
    pub(super) changeable: Vec<Change<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Evidence<'a> {
    pub(super) statement: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<Object<'a>>,
    /// JSON pointer (RFC 6901) into the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Span<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Change<'a> {
    pub(super) object: Object<'a>,
    pub(super) what: Cow<'a, str>,
    /// `false`: an upgrade, which holds until the next vulnerability.
    pub(super) structural: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Cut<'a> {
    pub(super) sink: Cow<'a, str>,
    pub(super) changes: Vec<Change<'a>>,
    /// How many routes end: connected pairs of an entry and the sink.
    pub(super) routes: u32,
    /// How many routes there are; those that stay have nothing that can be changed.
    pub(super) of: u32,
    /// No fewer changes end these routes.
    pub(super) least: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Image<'a> {
    pub(super) name: Cow<'a, str>,
    #[schemars(extend("enum" = ["image", "filesystem", "repository", "sbom", "node", "kubernetes-object", "unknown"]))]
    pub(super) kind: &'static str,
    /// All digests under which it is known; left out where names are redacted.
    pub(super) digests: Vec<&'a str>,
    pub(super) references: Vec<Cow<'a, str>>,
    pub(super) platform: Option<&'a str>,
    /// `debian 12.5`; `null`: unknown.
    pub(super) os: Option<String>,
    /// Tools that spoke of it.
    pub(super) tools: &'a [Text],
    /// Workloads that run it.
    pub(super) workloads: Vec<Object<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Workload<'a> {
    pub(super) kind: &'a str,
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
    /// Stable over scans.
    pub(super) key: Cow<'a, str>,
    #[schemars(extend("enum" = ["active", "dormant", "history"]))]
    pub(super) state: &'static str,
    pub(super) pods: u32,
    pub(super) owner: Option<Owner<'a>>,
    #[schemars(extend("enum" = ["production", "staging", "shared", null]))]
    pub(super) environment: Option<&'static str>,
    #[schemars(extend("enum" = ["undeclared", "low", "normal", "high", "crown"]))]
    pub(super) criticality: &'static str,
    pub(super) managed_by: Option<ManagedBy<'a>>,
    pub(super) source: Option<Span<'a>>,
    pub(super) containers: Vec<Container<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Owner<'a> {
    pub(super) name: Cow<'a, str>,
    /// The rule that named it.
    pub(super) rule: Cow<'a, str>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct ManagedBy<'a> {
    pub(super) tool: &'a str,
    pub(super) name: Cow<'a, str>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Container<'a> {
    pub(super) name: Cow<'a, str>,
    #[schemars(extend("enum" = ["init", "sidecar", "app", "ephemeral"]))]
    pub(super) kind: &'static str,
    /// As declared.
    pub(super) image: Cow<'a, str>,
    /// Digests that run; left out where names are redacted.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) running: &'a [Text],
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Vulnerability<'a> {
    pub(super) id: &'a str,
    pub(super) aliases: &'a [Text],
    pub(super) title: Option<Cow<'a, str>>,
    #[schemars(extend("enum" = ["unknown", "negligible", "low", "medium", "high", "critical"]))]
    pub(super) severity: &'static str,
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) published: Option<Date>,
    pub(super) epss: Option<Epss<'a>>,
    pub(super) kev: Option<Kev<'a>>,
    pub(super) ssvc: Option<Ssvc>,
    /// Which of `epss`, `kev`, `ssvc` are `null` because they were not seen, not because there is none.
    pub(super) unknown: Vec<&'static str>,
    pub(super) cvss: Vec<Cvss<'a>>,
    pub(super) cwes: &'a [Text],
    /// Probability that it is exploited somewhere within 90 days.
    pub(super) likelihood: Range,
    /// What made the likelihood.
    pub(super) reasons: Vec<Cow<'a, str>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Epss<'a> {
    /// Probability of exploitation activity in the next 30 days, 0 to 1.
    pub(super) score: f64,
    pub(super) percentile: f64,
    pub(super) model: &'a str,
    #[schemars(with = "String", extend("format" = "date"))]
    pub(super) date: Date,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Kev<'a> {
    #[schemars(with = "String", extend("format" = "date"))]
    pub(super) added: Date,
    pub(super) ransomware: bool,
    pub(super) name: &'a str,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Ssvc {
    #[schemars(extend("enum" = ["none", "public-poc", "active"]))]
    pub(super) exploitation: &'static str,
    pub(super) automatable: bool,
    #[schemars(extend("enum" = ["total", "partial"]))]
    pub(super) technical_impact: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Cvss<'a> {
    pub(super) source: &'a str,
    pub(super) version: &'a str,
    pub(super) vector: &'a str,
    pub(super) base: f64,
}

/// Why a score is what it is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Score<'a> {
    pub(super) points: Range,
    /// Likelihood x delivery x blast radius x criticality.
    pub(super) risk: Range,
    /// Probability that the container falls by it.
    pub(super) delivery: Range,
    /// Share of the score's range that is known, 0 to 1.
    pub(super) confidence: f64,
    pub(super) deadline: Deadline<'a>,
    /// SSVC deployer decision.
    pub(super) ssvc: &'a str,
    /// CVSS 4.0 vector with threat and environment.
    pub(super) cvss_bte: Option<&'a str>,
    /// Their points sum to the score.
    pub(super) factors: Vec<Factor<'a>>,
}

/// Row of BOD 26-04.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Deadline<'a> {
    pub(super) timeline: &'a str,
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) due: Option<Date>,
    pub(super) in_kev: bool,
    /// Unknown exposure counts as exposed.
    pub(super) exposed: bool,
    pub(super) automatable: bool,
    pub(super) total_impact: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Factor<'a> {
    pub(super) name: &'a str,
    pub(super) points: f64,
    pub(super) value: Range,
    pub(super) reason: Cow<'a, str>,
}
