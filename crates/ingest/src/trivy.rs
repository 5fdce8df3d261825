//! Trivy's JSON report: schema 2, the older list of results, and a single result.
//! Goes out: one match per vulnerability, failed misconfiguration, secret, licence and modified
//! finding. Checks with status PASS or EXCEPTION are counted, not matches.
//! Sources: Trivy `pkg/types/{report,finding,license}.go`, `pkg/fanal/types/secret.go`.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, PackageDraft, SetBuilder, add_reference, artifact, os_release, platform,
};
use crate::document::{Document, Fields};
use crate::field;
use crate::identifier::day;
use crate::loose::{Maybe, Num, Str, Word};
use crate::told;
use crate::trivy_fields::{
    License, Metadata, Misconfiguration, Modified, Secret, TargetResult, VendorCvss, Vulnerability,
};
use model::image::{ImageReference, is_digest};
use model::matches::{Artifact, ArtifactKind, Category, Fix, FixState, Suppression};
use model::text::Text;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Reads a report of schema 2 (or one without `Results`).
pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let text = |key: &str| document.part::<Str<'a>>(fields, key);
    let metadata: Maybe<Metadata<'a>> = document.part(fields, "Metadata")?;
    builder.created(&text("CreatedAt")?);
    if let Some(raw) = fields.get("Trivy") {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Tool<'a> {
            #[serde(rename = "Version", borrow)]
            version: Str<'a>,
        }
        let tool: Maybe<Tool<'_>> = document.parse(raw)?;
        builder.tool("trivy", &tool.version);
    }
    if let Some(raw) = fields.get("SchemaVersion") {
        let version: Word<'_> = document.parse(raw)?;
        builder.format(&format!("trivy-json/{}", &*version));
    }
    if let Some(raw) = fields.get("Plimsoll") {
        told::gaps(document, raw, builder)?;
    }
    let name = text("ArtifactName")?;
    let kind = text("ArtifactType")?;
    let mut place = Place::of_report(&name, &kind, &metadata.0);
    match fields.raw("Results") {
        None => builder.gap(
            "report-without-results",
            model::evidence::GapWeight::Notice,
            "the report has no list of results",
            "",
        ),
        Some(raw) => document.each(raw, |result: Maybe<TargetResult<'a>>| {
            read_result(document, builder, &mut place, &result.0)
        })?,
    }
    place.artifact(builder).map(drop)
}

/// Reads the older form: results without a frame.
pub(crate) fn result_list<'a>(
    document: &Document<'a>,
    results: &[&'a RawValue],
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let mut place = Place::of_report("", "", &Metadata::default());
    for raw in results {
        let result: Maybe<TargetResult<'a>> = document.parse(raw.get())?;
        read_result(document, builder, &mut place, &result.0)?;
    }
    if results.is_empty() {
        return Ok(());
    }
    place.artifact(builder).map(drop)
}

/// What the results that follow are about. The artifact enters the set when it is first needed.
pub(crate) struct Place {
    pub(crate) artifact: Artifact,
    index: Option<u32>,
    /// `Deployment shop/web`, where the report is about a Kubernetes object.
    pub(crate) object: Option<String>,
}

impl Place {
    pub(crate) fn new(artifact: Artifact) -> Self {
        let object = artifact.object.as_ref().map(ToString::to_string);
        Place {
            artifact,
            index: None,
            object,
        }
    }

    fn of_report(name: &str, kind: &str, metadata: &Metadata<'_>) -> Self {
        let is_image = metadata.image_id.some().is_some() || !metadata.repo_tags.is_empty();
        let kind = match kind {
            "container_image" => ArtifactKind::Image,
            "filesystem" => ArtifactKind::Filesystem,
            "repository" => ArtifactKind::Repository,
            "cyclonedx" | "spdx" => ArtifactKind::Sbom,
            "vm" | "aws_account" | "ec2" => ArtifactKind::Node,
            _ if is_image => ArtifactKind::Image,
            _ => ArtifactKind::Unknown,
        };
        let mut found = artifact(kind, name.into());
        metadata.identify(&mut found);
        if kind == ArtifactKind::Image {
            add_reference(&mut found.identity, name);
        }
        Place::new(found)
    }

    pub(crate) fn artifact(&mut self, builder: &mut SetBuilder<'_>) -> Result<u32, IngestError> {
        if let Some(index) = self.index {
            return Ok(index);
        }
        let index = builder.artifact(self.artifact.clone())?;
        self.index = Some(index);
        Ok(index)
    }

    /// The older form names the image only in the target of its distribution: `nginx:1 (debian 10.3)`.
    fn learn(&mut self, result: &TargetResult<'_>) {
        let Some((name, os)) = result
            .target
            .strip_suffix(')')
            .and_then(|target| target.rsplit_once(" ("))
        else {
            return;
        };
        if self.index.is_some()
            || self.object.is_some()
            || !(result.class.is_empty() || &*result.class == "os-pkgs")
        {
            return;
        }
        if self.artifact.os.is_none()
            && let Some((id, version)) = os.rsplit_once(' ')
        {
            self.artifact.os = os_release(id, version, None);
        }
        if self.artifact.name.is_empty() && ImageReference::parse(name).is_some() {
            self.artifact.name = name.into();
            self.artifact.kind = ArtifactKind::Image;
            add_reference(&mut self.artifact.identity, name);
        }
    }
}

impl TargetResult<'_> {
    pub(crate) fn has_only_misconfigurations(&self) -> bool {
        !self.misconfigurations.is_empty()
            && self.vulnerabilities.is_empty()
            && self.secrets.is_empty()
            && self.licenses.is_empty()
    }
}

impl Metadata<'_> {
    /// What the image is called.
    pub(crate) fn name(&self) -> Option<&str> {
        self.repo_tags
            .iter()
            .chain(self.repo_digests.iter())
            .chain([&self.reference, &self.image_id])
            .find_map(Str::some)
    }

    /// Whether this describes the image that `target` (`name (os version)`) names.
    pub(crate) fn names(&self, target: &str) -> bool {
        let name = target.rsplit_once(" (").map_or(target, |(name, _)| name);
        let tags = self.repo_tags.iter().chain(self.repo_digests.iter());
        tags.chain([&self.reference, &self.image_id])
            .any(|known| !known.is_empty() && **known == *name)
    }

    pub(crate) fn identify(&self, artifact: &mut Artifact) {
        let identity = &mut artifact.identity;
        if is_digest(&self.image_id) {
            identity.config = Some(Text::from(&*self.image_id));
        }
        for reference in self.repo_tags.iter().chain(self.repo_digests.iter()) {
            add_reference(identity, reference);
        }
        add_reference(identity, &self.reference);
        identity.platform = platform(&self.image_config.os, &self.image_config.architecture);
        let end_of_life = self.os.eosl.0.then_some(true);
        artifact.os = os_release(&self.os.family, &self.os.name, end_of_life);
    }
}

/// Reads all statements of one target.
pub(crate) fn read_result<'a>(
    document: &Document<'a>,
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    result: &TargetResult<'a>,
) -> Result<(), IngestError> {
    place.learn(result);
    for (word, count) in [
        ("PASS", result.misconf_summary.successes),
        ("EXCEPTION", result.misconf_summary.exceptions),
    ] {
        builder.passed_many(word, count.0);
    }
    for found in result.vulnerabilities.iter() {
        vulnerability(builder, place, result, found, None)?;
    }
    for found in result.misconfigurations.iter() {
        match &*found.status {
            // Counted by the summary, where there is one.
            word @ ("PASS" | "EXCEPTION") => {
                if result.misconf_summary.successes.0.is_none() {
                    builder.passed(word);
                }
            }
            _ => misconfiguration(builder, place, result, found, None)?,
        }
    }
    for found in result.secrets.iter() {
        secret(builder, place, result, found, None)?;
    }
    for found in result.licenses.iter() {
        license(builder, place, found, None)?;
    }
    for found in result.modified.iter() {
        modified(document, builder, place, result, found)?;
    }
    Ok(())
}

/// Suppressed by an ignore file or a VEX document.
fn modified<'a>(
    document: &Document<'a>,
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    result: &TargetResult<'a>,
    found: &Modified<'a>,
) -> Result<(), IngestError> {
    let by = found.source.some().unwrap_or("trivy");
    let reason = found.statement.some().unwrap_or(&found.status);
    // Only `affected` and `under_investigation` leave the finding in force.
    let suppressed = match &*found.status {
        "affected" | "under_investigation" => None,
        _ => Some(builder.suppression(by, reason)),
    };
    let Some(raw) = found.finding else {
        return Err(document.shape(document.text, "a modified finding without its finding"));
    };
    match &*found.kind {
        "vulnerability" => vulnerability(
            builder,
            place,
            result,
            &document.parse(raw.get())?,
            suppressed,
        ),
        "misconfiguration" => misconfiguration(
            builder,
            place,
            result,
            &document.parse(raw.get())?,
            suppressed,
        ),
        "secret" => secret(
            builder,
            place,
            result,
            &document.parse(raw.get())?,
            suppressed,
        ),
        "license" => license(builder, place, &document.parse(raw.get())?, suppressed),
        _ => Err(document.shape(raw.get(), "a modified finding of unknown type")),
    }
}

/// Trivy folds files of these types into one target that is no path (`Java`, `Node.js`).
const FOLDED: [&str; 6] = [
    "node-pkg",
    "python-pkg",
    "gemspec",
    "jar",
    "conda-pkg",
    "k8s",
];

fn vulnerability(
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    result: &TargetResult<'_>,
    found: &Vulnerability<'_>,
    suppression: Option<Suppression>,
) -> Result<(), IngestError> {
    let location = found.pkg_path.some().or_else(|| {
        let is_file = &*result.class != "os-pkgs" && !FOLDED.contains(&&*result.kind);
        result
            .target
            .some()
            .filter(|target| is_file && !target.ends_with(')'))
    });
    let os = place
        .artifact
        .os
        .as_ref()
        .filter(|_| is_os(&result.class, &result.kind));
    let severity = Severity::parse(&found.severity);
    let package = builder.package(&PackageDraft {
        name: &found.pkg_name,
        version: &found.installed_version,
        kind: &result.kind,
        purl: found.pkg_identifier.purl.some(),
        upstream: found
            .src_name
            .some()
            .filter(|name| **name != *found.pkg_name),
        locations: location.as_slice(),
        layer: found.layer.diff_id.some().or(found.layer.digest.some()),
        os,
    });
    let cvss = vectors(&found.cvss);
    let names: Vec<&str> = found.vendor_ids.iter().map(|id| &**id).collect();
    let cwes: Vec<&str> = found.cwe_ids.iter().map(|id| &**id).collect();
    let draft = AdvisoryDraft {
        id: &found.id,
        names: &names,
        title: found.title.some(),
        severity,
        cvss: &cvss,
        cwes: &cwes,
        url: found.primary_url.some(),
        feed: found.data_source.id.some().or(found.severity_source.some()),
        published: day(&found.published_date),
    };
    let artifact = place.artifact(builder)?;
    let fix = fix(builder, &found.status, &found.fixed_version);
    let found = Found {
        suppression,
        ..Found::vulnerability(artifact, Some(package), fix)
    };
    builder.found(found, &draft)
}

/// Vectors by vendor, as [`AdvisoryDraft`] takes them.
pub(crate) fn vectors<'v>(
    vendors: &'v [(Str<'_>, Maybe<VendorCvss<'_>>)],
) -> Vec<(&'v str, &'v str, Option<f64>)> {
    let mut vectors = Vec::with_capacity(vendors.len() * 2);
    for (source, scores) in vendors {
        for (vector, score) in [
            (&scores.v2, scores.v2_score),
            (&scores.v3, scores.v3_score),
            (&scores.v4, scores.v4_score),
        ] {
            if !vector.is_empty() {
                vectors.push((&**source, &**vector, score.0));
            }
        }
    }
    vectors
}

pub(crate) fn is_os(class: &str, kind: &str) -> bool {
    class == "os-pkgs" || matches!(crate::purl::kind(kind), Some("deb" | "apk" | "rpm"))
}

/// Trivy `trivy-db/pkg/types/status.go`. Before 0.45 there is no status: no version says nothing.
pub(crate) fn fix(builder: &mut SetBuilder<'_>, status: &str, versions: &str) -> Fix {
    let versions = builder.versions(versions);
    let state = match status.to_ascii_lowercase().as_str() {
        _ if !versions.is_empty()
            && !matches!(status, "not_affected" | "will_not_fix" | "end_of_life") =>
        {
            FixState::Fixed
        }
        "fixed" => FixState::Fixed,
        "affected" => FixState::NotFixed,
        "not_affected" => FixState::NotAffected,
        "under_investigation" => FixState::UnderInvestigation,
        "will_not_fix" => FixState::WillNotFix,
        "fix_deferred" => FixState::Deferred,
        "end_of_life" => FixState::EndOfLife,
        _ => FixState::Unknown,
    };
    Fix { state, versions }
}

fn misconfiguration(
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    result: &TargetResult<'_>,
    found: &Misconfiguration<'_>,
    suppression: Option<Suppression>,
) -> Result<(), IngestError> {
    let severity = Severity::parse(&found.severity);
    let id = found
        .id
        .some()
        .or(found.avd_id.some())
        .or(found.title.some());
    let draft = AdvisoryDraft {
        id: id.unwrap_or_default(),
        title: found.title.some(),
        severity,
        url: found.primary_url.some(),
        ..AdvisoryDraft::default()
    };
    let target = match (&place.object, found.cause.resource.some()) {
        (Some(object), _) => object.clone(),
        (None, Some(resource)) if found.cause.start_line.0.is_none() => {
            format!("{} {resource}", &*result.target)
        }
        (None, _) => at_line(&result.target, found.cause.start_line),
    };
    let cause = &found.cause;
    let field = field::container_in(&found.message).map(field::container);
    // What the target says already is not said again.
    let field = field.or_else(|| match cause.resource.some() {
        Some(resource) if !target.ends_with(resource) => Some(resource.to_owned()),
        None if place.object.is_some() => field::lines(cause.start_line.0, cause.end_line.0),
        _ => None,
    });
    let artifact = place.artifact(builder)?;
    let found = Found {
        field: field.as_deref(),
        suppression,
        ..Found::at(Category::Misconfiguration, artifact, &target)
    };
    builder.found(found, &draft)
}

fn secret(
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    result: &TargetResult<'_>,
    found: &Secret<'_>,
    suppression: Option<Suppression>,
) -> Result<(), IngestError> {
    let draft = AdvisoryDraft {
        id: found
            .rule_id
            .some()
            .or(found.category.some())
            .unwrap_or_default(),
        title: found.title.some(),
        severity: Severity::parse(&found.severity),
        ..AdvisoryDraft::default()
    };
    let target = at_line(&result.target, found.start_line);
    let artifact = place.artifact(builder)?;
    let found = Found {
        suppression,
        ..Found::at(Category::Secret, artifact, &target)
    };
    builder.found(found, &draft)
}

fn license(
    builder: &mut SetBuilder<'_>,
    place: &mut Place,
    found: &License<'_>,
    suppression: Option<Suppression>,
) -> Result<(), IngestError> {
    let draft = AdvisoryDraft {
        id: &found.name,
        title: found.category.some(),
        severity: Severity::parse(&found.severity),
        url: found.link.some(),
        ..AdvisoryDraft::default()
    };
    let package = found.pkg_name.some().map(|name| {
        builder.package(&PackageDraft {
            name,
            ..PackageDraft::default()
        })
    });
    let artifact = place.artifact(builder)?;
    let found = Found {
        package,
        suppression,
        ..Found::at(Category::License, artifact, &found.file_path)
    };
    builder.found(found, &draft)
}

/// `app/config.py:12`.
fn at_line(target: &str, line: Num) -> String {
    match line.0 {
        Some(line) if line >= 1.0 => format!("{target}:{line:.0}"),
        _ => target.to_owned(),
    }
}
