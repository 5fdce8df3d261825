//! Snyk's JSON of a container, a project or an infrastructure scan: one object, or a list of them.
//! Out: one match per element of `vulnerabilities` (one per path, as Snyk lists them), of
//! `infrastructureAsCodeIssues`, and of `filtered` (suppressed); `applications` are read likewise.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, NAMES, PackageDraft, SetBuilder, add_reference, artifact,
    fix_from_versions, os_release,
};
use crate::document::{Document, Fields};
use crate::field;
use crate::identifier::day;
use crate::loose::{Flag, Hint, List, Many, Maybe, Num, Obj, Str, Word};
use model::evidence::GapWeight;
use model::image::ImageReference;
use model::matches::{Artifact, ArtifactKind, Category};
use model::text::Text;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde_json::value::RawValue;

/// How deep `applications` may stand in each other.
const DEPTH: usize = 4;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Issue<'a> {
    #[serde(borrow)]
    id: Word<'a>,
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    title: Hint<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(rename = "CVSSv3", borrow)]
    vector: Str<'a>,
    cvss_score: Num,
    /// All statements, since 2024; before only those of `cvssDetails`.
    #[serde(borrow)]
    cvss_sources: List<Obj<Scored<'a>>>,
    #[serde(borrow)]
    cvss_details: List<Obj<Scored<'a>>>,
    #[serde(borrow)]
    identifiers: Maybe<Identifiers<'a>>,
    #[serde(borrow)]
    package_name: Str<'a>,
    #[serde(borrow)]
    module_name: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    nearest_fixed_in_version: Word<'a>,
    #[serde(borrow)]
    fixed_in: Many<Word<'a>>,
    #[serde(borrow)]
    package_manager: Str<'a>,
    #[serde(borrow)]
    publication_time: Hint<'a>,
    is_ignored: Flag,
    /// Of an ignored issue: who and why.
    #[serde(borrow)]
    filtered: Maybe<Filter<'a>>,
    // Of infrastructure issues.
    #[serde(borrow)]
    public_id: Word<'a>,
    #[serde(borrow)]
    documentation: Hint<'a>,
    line_number: Num,
    #[serde(borrow)]
    path: Many<Word<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Scored<'a> {
    #[serde(borrow)]
    assigner: Hint<'a>,
    #[serde(alias = "cvssV3Vector", borrow)]
    vector: Hint<'a>,
    #[serde(alias = "cvssV3BaseScore")]
    base_score: Num,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "UPPERCASE", default)]
struct Identifiers<'a> {
    #[serde(borrow)]
    cve: List<Str<'a>>,
    #[serde(borrow)]
    cwe: List<Str<'a>>,
    #[serde(borrow)]
    ghsa: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filter<'a> {
    #[serde(borrow)]
    ignored: List<Obj<Reason<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reason<'a> {
    #[serde(borrow)]
    reason: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Filtered<'a> {
    #[serde(borrow)]
    ignore: Option<&'a RawValue>,
    #[serde(borrow)]
    patch: Option<&'a RawValue>,
}

/// What of a project is about all its issues.
struct Project {
    index: u32,
    manager: String,
    file: String,
}

pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let scanned = scanned(document, fields)?;
    let index = builder.artifact(scanned)?;
    project(document, fields, builder, index, 0)
}

fn scanned<'a>(document: &Document<'a>, fields: &Fields<'a>) -> Result<Artifact, IngestError> {
    let path = document.part::<Str<'_>>(fields, "path")?;
    let project = document.part::<Str<'_>>(fields, "projectName")?;
    let manager = document.part::<Str<'_>>(fields, "packageManager")?;
    let image = project.strip_prefix("docker-image|");
    let of_system = matches!(
        manager.split(':').next(),
        Some("deb" | "apk" | "rpm" | "linux")
    );
    let is_image = image.is_some() || fields.get("docker").is_some() || of_system;
    if !is_image {
        let name = path.some().or(project.some()).unwrap_or_default();
        return Ok(artifact(ArtifactKind::Repository, name.into()));
    }
    // The target as it was typed has the tag; the project's name has lost it.
    let name = [path.some(), image, project.some()]
        .into_iter()
        .flatten()
        .find(|name| ImageReference::parse(name).is_some())
        .or(path.some())
        .unwrap_or_default();
    let mut found = artifact(ArtifactKind::Image, name.into());
    add_reference(&mut found.identity, name);
    found.identity.platform = document
        .part::<Str<'_>>(fields, "platform")?
        .some()
        .map(Text::from);
    Ok(found)
}

fn project<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
    index: u32,
    depth: usize,
) -> Result<(), IngestError> {
    let file = document.part::<Str<'_>>(fields, "displayTargetFile")?;
    let file = file
        .some()
        .map_or(document.part::<Str<'_>>(fields, "targetFile")?, |file| {
            Str(file.to_owned().into())
        });
    let project_of = Project {
        index,
        manager: document
            .part::<Str<'_>>(fields, "packageManager")?
            .to_string(),
        file: file.to_string(),
    };
    if fields.get("error").is_some() && !fields.has("vulnerabilities") {
        builder.gap(
            "scan-failed",
            GapWeight::Hides,
            "the scanner says that the scan failed",
            "",
        );
    }
    let lists = [
        ("vulnerabilities", false),
        ("infrastructureAsCodeIssues", true),
    ];
    for (list, of_infrastructure) in lists {
        if let Some(raw) = fields.raw(list) {
            document.each(raw, |issue: Obj<Issue<'a>>| {
                let ignored = issue.is_ignored.0.then_some("ignore");
                if of_infrastructure {
                    configuration(builder, &project_of, &issue, ignored)
                } else {
                    dependency(builder, &project_of, &issue, ignored)
                }
            })?;
        }
    }
    if let Some(raw) = fields.get("filtered") {
        let filtered: Maybe<Filtered<'a>> = document.parse(raw)?;
        for (list, by) in [(filtered.ignore, "ignore"), (filtered.patch, "patch")] {
            if let Some(raw) = list {
                document.each(raw.get(), |issue: Obj<Issue<'a>>| {
                    dependency(builder, &project_of, &issue, Some(by))
                })?;
            }
        }
    }
    let Some(raw) = fields.raw("applications") else {
        return Ok(());
    };
    if depth == DEPTH {
        return Err(document.shape(raw, "applications stand too deep in each other"));
    }
    document.each(raw, |application: &'a RawValue| {
        project(
            document,
            &document.fields(application.get())?,
            builder,
            index,
            depth + 1,
        )
    })
}

fn dependency(
    builder: &mut SetBuilder<'_>,
    project: &Project,
    issue: &Issue<'_>,
    filtered: Option<&str>,
) -> Result<(), IngestError> {
    let manager = issue.package_manager.some().unwrap_or(&project.manager);
    // `debian:12` is a distribution and its release.
    let (kind, os) = match manager.split_once(':') {
        Some((distribution, release)) => (distribution, os_release(distribution, release, None)),
        None => (manager, None),
    };
    let full = issue
        .package_name
        .some()
        .or(issue.module_name.some())
        .or(issue.name.some());
    let full = full.unwrap_or_default();
    let of_system = matches!(crate::purl::kind(kind), Some("deb" | "apk" | "rpm"));
    // Source and binary package in one: `openssl/libssl1.1`.
    let (upstream, name) = match full.split_once('/') {
        Some((source, binary)) if of_system => (Some(source), binary),
        _ => (None, full),
    };
    let package = builder.package(&PackageDraft {
        name,
        version: &issue.version,
        kind,
        upstream: upstream.filter(|source| *source != name),
        locations: &[&project.file],
        os: os.as_ref(),
        ..PackageDraft::default()
    });
    let severity = Severity::parse(&issue.severity);
    let names: Vec<&str> = issue
        .identifiers
        .cve
        .iter()
        .chain(issue.identifiers.ghsa.iter())
        .map(|id| &**id)
        .collect();
    let cwes: Vec<&str> = issue.identifiers.cwe.iter().map(|id| &**id).collect();
    let cvss = vectors(issue);
    let draft = AdvisoryDraft {
        id: &issue.id,
        names: &names,
        title: issue.title.some(),
        severity,
        cvss: &cvss,
        cwes: &cwes,
        published: day(&issue.publication_time),
        ..AdvisoryDraft::default()
    };
    let suppression = filtered.map(|by| {
        let reason = issue
            .filtered
            .ignored
            .iter()
            .find_map(|one| one.reason.some());
        builder.suppression(&format!("snyk {by}"), reason.unwrap_or_default())
    });
    let is_license = &*issue.kind == "license" || issue.id.starts_with("snyk:lic:");
    let found = if is_license {
        Found {
            package: Some(package),
            suppression,
            ..Found::at(Category::License, project.index, "")
        }
    } else {
        let mut versions = builder.versions(&issue.nearest_fixed_in_version);
        if versions.is_empty() {
            for version in issue.fixed_in.iter() {
                versions.extend(builder.versions(version));
            }
        }
        let fix = fix_from_versions(versions);
        Found {
            suppression,
            ..Found::vulnerability(project.index, Some(package), fix)
        }
    };
    builder.found(found, &draft)
}

/// Snyk's own vector and those that it cites; the same one once.
fn vectors<'i>(issue: &'i Issue<'_>) -> Vec<(&'i str, &'i str, Option<f64>)> {
    let mut all = vec![("snyk", &*issue.vector, issue.cvss_score.0)];
    let cited = issue.cvss_sources.iter().chain(issue.cvss_details.iter());
    for one in cited.take(NAMES) {
        if !all.iter().any(|(_, known, _)| **known == *one.vector) {
            let assigner = one.assigner.some().unwrap_or("snyk");
            all.push((assigner, &*one.vector, one.base_score.0));
        }
    }
    all
}

fn configuration(
    builder: &mut SetBuilder<'_>,
    project: &Project,
    issue: &Issue<'_>,
    filtered: Option<&str>,
) -> Result<(), IngestError> {
    let draft = AdvisoryDraft {
        id: issue
            .id
            .some()
            .or(issue.public_id.some())
            .unwrap_or_default(),
        title: issue.title.some(),
        severity: Severity::parse(&issue.severity),
        url: issue.documentation.some(),
        ..AdvisoryDraft::default()
    };
    let target = match issue.line_number.0 {
        Some(line) if line >= 1.0 => format!("{}:{line:.0}", project.file),
        _ => {
            let path: Vec<&str> = issue.path.iter().map(|step| &**step).collect();
            format!("{} {}", project.file, path.join("."))
                .trim()
                .to_owned()
        }
    };
    let suppression = filtered.map(|by| builder.suppression(&format!("snyk {by}"), ""));
    let field = pointer(&issue.path);
    let found = Found {
        field: field.as_deref(),
        suppression,
        ..Found::at(Category::Misconfiguration, project.index, &target)
    };
    builder.found(found, &draft)
}

/// `/spec/containers/web/image` of `[DocId: 0]`, `input`, `spec`, `containers[web]`, `image`.
fn pointer(path: &[Word<'_>]) -> Option<String> {
    let steps: Vec<&str> = path
        .iter()
        .map(|step| &**step)
        .filter(|step| !step.starts_with("[DocId:") && *step != "input")
        .collect();
    field::pointer(&steps.join("."))
}
