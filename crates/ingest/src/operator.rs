//! Custom resources of the Trivy operator (and Starboard), single, in a `List`, or in an object of
//! lists by resource name. Out: one match per vulnerability, secret and check that did not succeed.
//! Sources: trivy-operator `pkg/apis/aquasecurity/v1alpha1/*_types.go`.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, PackageDraft, SetBuilder, add_digest, add_reference, artifact, os_release,
};
use crate::document::{Document, Fields};
use crate::field;
use crate::identifier::day;
use crate::loose::{Flag, Hint, List, Many, Maybe, Num, Obj, Pairs, Str, Word};
use crate::shapes::{ImageName, ObjectMeta, Tool};
use crate::trivy::{fix, is_os, vectors};
use crate::trivy_fields::VendorCvss;
use crate::trivy_kubernetes::group;
use model::evidence::GapWeight;
use model::matches::{Artifact, ArtifactKind, Category};
use model::object::ObjectRef;
use model::vulnerability::Severity;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    metadata: Maybe<ObjectMeta<'a>>,
    #[serde(borrow)]
    report: Option<Obj<Report<'a>>>,
    #[serde(borrow)]
    status: Option<Obj<Status<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Report<'a> {
    #[serde(borrow)]
    update_timestamp: Str<'a>,
    #[serde(borrow)]
    scanner: Maybe<Tool<'a>>,
    #[serde(borrow)]
    registry: Maybe<Registry<'a>>,
    #[serde(borrow)]
    artifact: Maybe<ImageName<'a>>,
    #[serde(borrow)]
    os: Maybe<Os<'a>>,
    #[serde(borrow)]
    vulnerabilities: List<Obj<Vulnerability<'a>>>,
    #[serde(borrow)]
    secrets: List<Obj<Secret<'a>>>,
    #[serde(borrow)]
    checks: List<Obj<Check<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Registry<'a> {
    #[serde(borrow)]
    server: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Os<'a> {
    #[serde(borrow)]
    family: Str<'a>,
    #[serde(borrow)]
    name: Word<'a>,
    eosl: Flag,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Vulnerability<'a> {
    #[serde(rename = "vulnerabilityID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    resource: Str<'a>,
    #[serde(borrow)]
    installed_version: Word<'a>,
    #[serde(borrow)]
    fixed_version: Word<'a>,
    #[serde(borrow)]
    published_date: Hint<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    title: Hint<'a>,
    #[serde(borrow)]
    primary_link: Hint<'a>,
    #[serde(borrow)]
    target: Str<'a>,
    #[serde(borrow)]
    class: Str<'a>,
    #[serde(borrow)]
    package_type: Str<'a>,
    #[serde(borrow)]
    package_path: Str<'a>,
    #[serde(rename = "packagePURL", borrow)]
    purl: Str<'a>,
    #[serde(borrow)]
    cvss: Pairs<'a, Maybe<VendorCvss<'a>>>,
}

/// The secret's own text is not read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Secret<'a> {
    #[serde(borrow)]
    target: Str<'a>,
    #[serde(rename = "ruleID", borrow)]
    rule_id: Str<'a>,
    #[serde(borrow)]
    title: Hint<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Check<'a> {
    #[serde(rename = "checkID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    title: Hint<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    target: Str<'a>,
    /// What is wrong, one sentence for each place.
    #[serde(borrow)]
    messages: Many<Hint<'a>>,
    success: Flag,
}

/// Of a ClusterComplianceReport.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status<'a> {
    #[serde(borrow)]
    update_timestamp: Str<'a>,
    #[serde(borrow)]
    detail_report: Option<Obj<Detail<'a>>>,
    #[serde(borrow)]
    summary_report: Option<Obj<Summary<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Detail<'a> {
    #[serde(borrow)]
    results: List<Obj<ControlResult<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ControlResult<'a> {
    #[serde(borrow)]
    id: Word<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    checks: List<Obj<Check<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Summary<'a> {
    #[serde(borrow)]
    control_check: List<Obj<ControlSummary<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ControlSummary<'a> {
    #[serde(borrow)]
    id: Word<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    total_fail: Num,
}

/// Reads one resource, a `List`, or an object of lists.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    if let Some(version) = fields
        .text("apiVersion")
        .as_deref()
        .and_then(|v| v.strip_prefix("aquasecurity.github.io/"))
    {
        builder.format(&format!("trivy-operator/{version}"));
    }
    if let Some(raw) = fields.raw("items") {
        return document.each(raw, |item: Maybe<Item<'a>>| read_item(builder, &item.0));
    }
    let lists = fields
        .0
        .iter()
        .filter(|(key, _)| key.ends_with(".aquasecurity.github.io"));
    let mut any = false;
    for (_, raw) in lists {
        any = true;
        let items: Many<Obj<Item<'a>>> = document.parse(raw.get())?;
        for item in items.iter() {
            read_item(builder, item)?;
        }
    }
    if any {
        return Ok(());
    }
    let item = Item {
        kind: Str(fields.text("kind").unwrap_or_default()),
        metadata: document.part(fields, "metadata")?,
        report: fields
            .get("report")
            .map(|raw| document.parse(raw))
            .transpose()?,
        status: fields
            .get("status")
            .map(|raw| document.parse(raw))
            .transpose()?,
    };
    read_item(builder, &item)
}

fn read_item(builder: &mut SetBuilder<'_>, item: &Item<'_>) -> Result<(), IngestError> {
    if let Some(report) = &item.report {
        builder.created(&report.update_timestamp);
        builder.created(&item.metadata.creation_timestamp);
        builder.tool(&report.scanner.name, &report.scanner.version);
        read_report(builder, item, report)?;
    }
    if let Some(status) = &item.status {
        builder.created(&status.update_timestamp);
        compliance(builder, item, status)?;
    }
    if item.kind.ends_with("SbomReport") {
        builder.gap(
            "report-without-results",
            GapWeight::Notice,
            "an SbomReport lists packages and no vulnerabilities",
            "",
        );
    }
    Ok(())
}

fn read_report(
    builder: &mut SetBuilder<'_>,
    item: &Item<'_>,
    report: &Report<'_>,
) -> Result<(), IngestError> {
    let object = object(&item.metadata);
    let target = object
        .as_ref()
        .map_or_else(|| item.metadata.name.to_string(), ToString::to_string);
    let of_object = !report.checks.is_empty()
        || item.kind.contains("Audit")
        || item.kind.contains("Assessment");
    let scanned = if of_object {
        let mut found = artifact(ArtifactKind::KubernetesObject, target.as_str().into());
        found.object = object;
        found
    } else {
        image(item, report, object)
    };
    let index = builder.artifact(scanned.clone())?;
    for found in report.vulnerabilities.iter() {
        vulnerability(builder, &scanned, index, found)?;
    }
    for found in report.secrets.iter() {
        let draft = AdvisoryDraft {
            id: &found.rule_id,
            title: found.title.some(),
            severity: Severity::parse(&found.severity),
            ..AdvisoryDraft::default()
        };
        builder.found(Found::at(Category::Secret, index, &found.target), &draft)?;
    }
    for check in report.checks.iter() {
        read_check(builder, index, check, &target, "", None)?;
    }
    Ok(())
}

fn image(item: &Item<'_>, report: &Report<'_>, object: Option<ObjectRef>) -> Artifact {
    let name = &report.artifact;
    let mut text = match report.registry.server.some() {
        Some(server) if !name.repository.is_empty() => format!("{server}/{}", &*name.repository),
        _ => name.repository.to_string(),
    };
    if let Some(tag) = name.tag.some() {
        text = format!("{text}:{tag}");
    }
    let mut found = artifact(ArtifactKind::Image, text.as_str().into());
    add_reference(&mut found.identity, &text);
    add_digest(&mut found.identity, &name.digest);
    found.os = os_release(
        &report.os.family,
        &report.os.name,
        report.os.eosl.0.then_some(true),
    );
    found.object = object;
    found.container = label(&item.metadata, "container.name").map(Into::into);
    found
}

/// Prefixes of the operator's labels, old and new.
const LABELS: [&str; 2] = ["trivy-operator.", "starboard."];

fn label<'m>(metadata: &'m ObjectMeta<'_>, name: &str) -> Option<&'m str> {
    metadata.label(&LABELS, name)
}

fn object(metadata: &ObjectMeta<'_>) -> Option<ObjectRef> {
    let owner = metadata.owner_references.first();
    let kind = label(metadata, "resource.kind").or(owner.and_then(|owner| owner.kind.some()))?;
    let name = label(metadata, "resource.name").or(owner.and_then(|owner| owner.name.some()))?;
    let namespace = label(metadata, "resource.namespace").or(metadata.namespace.some());
    let namespace = namespace.filter(|_| !is_cluster_scoped(kind));
    Some(ObjectRef::new(group(kind), kind, namespace, name))
}

fn is_cluster_scoped(kind: &str) -> bool {
    matches!(
        kind,
        "Node"
            | "Namespace"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "PersistentVolume"
            | "StorageClass"
            | "CustomResourceDefinition"
            | "PodSecurityPolicy"
            | "NodeInfo"
            | "ValidatingWebhookConfiguration"
            | "MutatingWebhookConfiguration"
    )
}

fn vulnerability(
    builder: &mut SetBuilder<'_>,
    scanned: &Artifact,
    index: u32,
    found: &Vulnerability<'_>,
) -> Result<(), IngestError> {
    let of_os = is_os(&found.class, &found.package_type);
    let path = found
        .package_path
        .some()
        .or(found.target.some().filter(|_| !of_os));
    // Older reports give no type; the image's distribution is a guess that is not made.
    let package = builder.package(&PackageDraft {
        name: &found.resource,
        version: &found.installed_version,
        kind: &found.package_type,
        purl: found.purl.some(),
        locations: path.as_slice(),
        os: scanned.os.as_ref().filter(|_| of_os),
        ..PackageDraft::default()
    });
    let draft = AdvisoryDraft {
        id: &found.id,
        title: found.title.some(),
        severity: Severity::parse(&found.severity),
        cvss: &vectors(&found.cvss),
        url: found.primary_link.some(),
        published: day(&found.published_date),
        ..AdvisoryDraft::default()
    };
    let fix = fix(builder, "", &found.fixed_version);
    builder.found(Found::vulnerability(index, Some(package), fix), &draft)
}

/// `control` names the check where it has no name of its own.
fn read_check(
    builder: &mut SetBuilder<'_>,
    artifact: u32,
    check: &Check<'_>,
    target: &str,
    control: &str,
    title: Option<&str>,
) -> Result<(), IngestError> {
    if check.success.0 {
        builder.passed("success");
        return Ok(());
    }
    let id = check
        .id
        .some()
        .or(Some(control).filter(|c| !c.is_empty()))
        .or(check.title.some());
    let draft = AdvisoryDraft {
        id: id.unwrap_or_default(),
        title: check.title.some().or(title),
        severity: Severity::parse(&check.severity),
        ..AdvisoryDraft::default()
    };
    let field = container(&check.messages);
    let found = Found {
        field: field.as_deref(),
        ..Found::at(Category::Misconfiguration, artifact, target)
    };
    builder.found(found, &draft)
}

/// The container that all of the messages are about.
fn container(messages: &[Hint<'_>]) -> Option<String> {
    let mut named = messages.iter().map(|message| field::container_in(message));
    let first = named.next()??;
    named
        .all(|name| name == Some(first))
        .then(|| field::container(first))
}

/// A compliance report repeats failed checks by control; its summary form only counts them.
fn compliance(
    builder: &mut SetBuilder<'_>,
    item: &Item<'_>,
    status: &Status<'_>,
) -> Result<(), IngestError> {
    let name = item.metadata.name.some().unwrap_or("cluster");
    let index = builder.artifact(artifact(ArtifactKind::Unknown, name.into()))?;
    if let Some(detail) = &status.detail_report {
        for control in detail.results.iter() {
            for check in control.checks.iter() {
                let target = check.target.some().unwrap_or(&control.id);
                read_check(
                    builder,
                    index,
                    check,
                    target,
                    &control.id,
                    control.name.some(),
                )?;
            }
        }
        return Ok(());
    }
    let summary = status.summary_report.as_ref();
    for control in summary
        .iter()
        .flat_map(|summary| summary.control_check.iter())
    {
        match control.total_fail.0 {
            Some(count) if count > 0.0 => {}
            Some(_) => {
                builder.passed("success");
                continue;
            }
            None => {
                builder.passed("manual");
                continue;
            }
        }
        let draft = AdvisoryDraft {
            id: &control.id,
            title: control.name.some(),
            severity: Severity::parse(&control.severity),
            ..AdvisoryDraft::default()
        };
        builder.found(
            Found::at(Category::Misconfiguration, index, &control.id),
            &draft,
        )?;
    }
    Ok(())
}
