//! Grype's JSON report, from 0.7 on, databases 3 to 6; Kubescape's image scans have the same form.
//! Goes out: one match per element of `matches` and of `ignoredMatches` (suppressed).
//! Source: Grype `grype/presenter/models/*.go`.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, NAMES, PackageDraft, SetBuilder, add_digest, add_reference, artifact,
    os_release, platform,
};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Many, Maybe, Num, Obj, Str, Word};
use crate::shapes::Tool as Named;
use crate::told;
use model::evidence::GapWeight;
use model::image::is_digest;
use model::matches::{Artifact, ArtifactKind, Fix, FixState};
use model::text::Text;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Entry<'a> {
    #[serde(borrow)]
    vulnerability: Maybe<Vulnerability<'a>>,
    #[serde(borrow)]
    related_vulnerabilities: List<Obj<Vulnerability<'a>>>,
    #[serde(borrow)]
    artifact: Maybe<Package<'a>>,
    #[serde(borrow)]
    applied_ignore_rules: List<Obj<IgnoreRule<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    data_source: Hint<'a>,
    #[serde(borrow)]
    namespace: Str<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    cvss: Many<Obj<Cvss<'a>>>,
    #[serde(borrow)]
    fix: Maybe<Repair<'a>>,
    /// Before 0.8.
    #[serde(borrow)]
    fixed_in_version: Word<'a>,
    #[serde(borrow)]
    cwes: List<Obj<Cwe<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cwe<'a> {
    #[serde(borrow)]
    cwe: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cvss<'a> {
    #[serde(borrow)]
    source: Str<'a>,
    #[serde(borrow)]
    vector: Str<'a>,
    metrics: Maybe<Metrics>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    base_score: Num,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Repair<'a> {
    #[serde(borrow)]
    versions: List<Word<'a>>,
    #[serde(borrow)]
    state: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Package<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    locations: List<Maybe<Location<'a>>>,
    #[serde(borrow)]
    purl: Str<'a>,
    #[serde(borrow)]
    upstreams: List<Obj<Upstream<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Location<'a> {
    #[serde(borrow)]
    path: Str<'a>,
    #[serde(rename = "layerID", borrow)]
    layer: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Upstream<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct IgnoreRule<'a> {
    #[serde(borrow)]
    vulnerability: Str<'a>,
    #[serde(borrow)]
    reason: Str<'a>,
    #[serde(borrow)]
    namespace: Str<'a>,
    #[serde(borrow)]
    fix_state: Str<'a>,
    #[serde(borrow)]
    vex_status: Str<'a>,
    #[serde(borrow)]
    vex_justification: Str<'a>,
    #[serde(borrow)]
    package: Maybe<Upstream<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source<'a> {
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Image<'a> {
    #[serde(borrow)]
    user_input: Str<'a>,
    #[serde(rename = "imageID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    manifest_digest: Str<'a>,
    #[serde(borrow)]
    tags: List<Str<'a>>,
    #[serde(borrow)]
    repo_digests: List<Str<'a>>,
    #[serde(borrow)]
    architecture: Str<'a>,
    #[serde(borrow)]
    os: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Descriptor<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    timestamp: Str<'a>,
}

/// Reads a report. `about` is what is known of the artifact from around it.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
    about: Option<Artifact>,
) -> Result<(), IngestError> {
    if let Some(raw) = fields.get("descriptor") {
        let descriptor: Maybe<Descriptor<'_>> = document.parse(raw)?;
        builder.tool(&descriptor.name, &descriptor.version);
        builder.created(&descriptor.timestamp);
    }
    if let Some(raw) = fields.get("plimsoll") {
        told::gaps(document, raw, builder)?;
    }
    let mut scanned = source(document, fields)?;
    if let Some(about) = about {
        join(&mut scanned, about);
    }
    end_of_life(document, fields, builder, &mut scanned)?;
    let index = builder.artifact(scanned.clone())?;
    for (list, ignored) in [("matches", false), ("ignoredMatches", true)] {
        if let Some(raw) = fields.raw(list) {
            document.each(raw, |found: Obj<Entry<'a>>| {
                read_match(builder, &scanned, index, &found, ignored)
            })?;
        }
    }
    Ok(())
}

fn source<'a>(document: &Document<'a>, fields: &Fields<'a>) -> Result<Artifact, IngestError> {
    let source: Maybe<Source<'_>> = document.part(fields, "source")?;
    let kind = match &*source.kind {
        "image" => ArtifactKind::Image,
        "directory" | "file" | "snap" => ArtifactKind::Filesystem,
        kind if kind.contains("sbom") => ArtifactKind::Sbom,
        _ => ArtifactKind::Unknown,
    };
    let mut found = artifact(kind, "".into());
    match source.target.map(RawValue::get) {
        Some(raw) if raw.starts_with('{') => {
            let image: Maybe<Image<'_>> = document.parse(raw)?;
            found.name = Text::from(&*image.user_input);
            let identity = &mut found.identity;
            if is_digest(&image.id) {
                identity.config = Some(Text::from(&*image.id));
            }
            if is_digest(&image.manifest_digest) {
                identity.manifests.push(Text::from(&*image.manifest_digest));
            }
            for reference in image.tags.iter().chain(image.repo_digests.iter()) {
                add_reference(identity, reference);
            }
            if kind == ArtifactKind::Image {
                add_reference(identity, &image.user_input);
            }
            identity.platform = platform(&image.os, &image.architecture);
        }
        Some(raw) => {
            let name: Str<'_> = document.parse(raw)?;
            found.name = Text::from(&*name);
        }
        None => {}
    }
    let distro: Maybe<Named<'_>> = document.part(fields, "distro")?;
    found.os = os_release(&distro.name, &distro.version, None);
    Ok(found)
}

/// Completes what the report says with what its frame says.
fn join(scanned: &mut Artifact, about: Artifact) {
    let known = &mut scanned.identity;
    if known.config.is_none() {
        known.config = about.identity.config;
    }
    for digest in &about.identity.digests {
        add_digest(known, digest);
    }
    for reference in about.identity.references {
        if !known.references.contains(&reference) {
            known.references.push(reference);
        }
    }
    if scanned.name.is_empty() {
        scanned.name = about.name;
    }
    if scanned.kind == ArtifactKind::Unknown {
        scanned.kind = about.kind;
    }
    scanned.object = about.object;
    scanned.container = about.container;
}

/// `alertsByPackage`: packages of which Grype says that its data is old or missing.
fn end_of_life<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
    scanned: &mut Artifact,
) -> Result<(), IngestError> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Alerts<'a> {
        #[serde(borrow)]
        alerts: List<Obj<Alert<'a>>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Alert<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(borrow)]
        message: Str<'a>,
    }
    let Some(raw) = fields.get("alertsByPackage") else {
        return Ok(());
    };
    document.each(raw, |package: Obj<Alerts<'a>>| {
        for alert in package.alerts.iter() {
            if alert.kind.contains("eol")
                && let Some(os) = &mut scanned.os
            {
                os.end_of_life = Some(true);
            }
            let what = alert.message.some().unwrap_or(&alert.kind);
            builder.gap(
                "report-alert",
                GapWeight::Hides,
                format!("the scanner warns: {what}"),
                "",
            );
        }
        Ok(())
    })
}

fn read_match(
    builder: &mut SetBuilder<'_>,
    scanned: &Artifact,
    artifact: u32,
    found: &Entry<'_>,
    ignored: bool,
) -> Result<(), IngestError> {
    let package = package(builder, scanned, &found.artifact);
    let severity = Severity::parse(&found.vulnerability.severity);
    let advisory = advisory(builder, found, severity);
    let fix = fix(builder, &found.vulnerability);
    let suppression = ignored.then(|| {
        let (by, reason) = ignored_by(&found.applied_ignore_rules);
        builder.suppression(by, &reason)
    });
    let found = Found {
        suppression,
        ..Found::vulnerability(artifact, Some(package), fix)
    };
    builder.found_of(found, advisory, severity)
}

fn package(builder: &mut SetBuilder<'_>, scanned: &Artifact, package: &Package<'_>) -> u32 {
    let locations: Vec<&str> = package
        .locations
        .iter()
        .map(|location| &*location.path)
        .collect();
    let upstream = package
        .upstreams
        .iter()
        .find_map(|upstream| upstream.name.some());
    builder.package(&PackageDraft {
        name: &package.name,
        version: &package.version,
        kind: &package.kind,
        purl: package.purl.some(),
        upstream: upstream.filter(|name| **name != *package.name),
        locations: &locations,
        layer: package
            .locations
            .iter()
            .find_map(|location| location.layer.some()),
        os: scanned.os.as_ref(),
    })
}

fn advisory(builder: &mut SetBuilder<'_>, found: &Entry<'_>, severity: Severity) -> u32 {
    let main = &found.vulnerability.0;
    let names: Vec<&str> = found
        .related_vulnerabilities
        .iter()
        .map(|v| &*v.id)
        .collect();
    // A distribution's entry has no vector; the related one is of the same CVE.
    let (aliases, _) = crate::identifier::aliases(&main.id, names.iter().copied());
    let related = found
        .related_vulnerabilities
        .iter()
        .map(|related| &related.0);
    let same = related.filter(|other| *other.id == *main.id || aliases.contains(&&*other.id));
    let mut cvss = Vec::new();
    for vulnerability in [main].into_iter().chain(same) {
        for score in vulnerability.cvss.iter() {
            let source = score.source.some().or(vulnerability.namespace.some());
            let entry = (
                source.unwrap_or_default(),
                &*score.vector,
                score.metrics.base_score.0,
            );
            if cvss.len() < NAMES && !cvss.contains(&entry) {
                cvss.push(entry);
            }
        }
    }
    let mut cwes: Vec<&str> = main.cwes.iter().map(|cwe| &*cwe.cwe).collect();
    cwes.sort_unstable();
    cwes.dedup();
    builder.advisory(&AdvisoryDraft {
        id: &main.id,
        names: &names,
        title: None,
        severity,
        cvss: &cvss,
        cwes: &cwes,
        url: main.data_source.some(),
        feed: main.namespace.some(),
        published: None,
    })
}

/// Grype `vulnerability/fix.go`: fixed, not-fixed, wont-fix, unknown.
fn fix(builder: &mut SetBuilder<'_>, vulnerability: &Vulnerability<'_>) -> Fix {
    let mut versions: Vec<Text> = Vec::new();
    for version in vulnerability.fix.versions.iter() {
        versions.extend(builder.versions(version));
    }
    versions.extend(builder.versions(&vulnerability.fixed_in_version));
    let state = match &*vulnerability.fix.state {
        "fixed" => FixState::Fixed,
        "not-fixed" => FixState::NotFixed,
        "wont-fix" => FixState::WillNotFix,
        _ if versions.is_empty() => FixState::Unknown,
        _ => FixState::Fixed,
    };
    Fix { state, versions }
}

fn ignored_by(rules: &[Obj<IgnoreRule<'_>>]) -> (&'static str, String) {
    let Some(rule) = rules.first() else {
        return ("grype ignore rule", String::new());
    };
    if let Some(status) = rule.vex_status.some() {
        return (
            "vex",
            format!("{status} {}", &*rule.vex_justification)
                .trim_end()
                .to_owned(),
        );
    }
    if let Some(reason) = rule.reason.some() {
        return ("grype ignore rule", reason.to_owned());
    }
    let parts = [
        ("vulnerability", rule.vulnerability.some()),
        ("package", rule.package.name.some()),
        ("namespace", rule.namespace.some()),
        ("fix-state", rule.fix_state.some()),
    ];
    let parts = parts
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name} {value}")));
    ("grype ignore rule", parts.collect::<Vec<_>>().join(", "))
}
