//! kubeaudit's log, one JSON line a result, and the form with `Results`.
//! Out: one match per result, `info` too; a result that the manifest's own override label allows
//! (`...Allowed`) is suppressed. Level error is high, warning medium. Source: kubeaudit `printer.go`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, SetBuilder, artifact};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Maybe, Obj, Str, Word};
use model::matches::{ArtifactKind, Category};
use model::object::ObjectRef;
use model::vulnerability::Severity;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Line<'a> {
    #[serde(alias = "Rule", borrow)]
    audit_result_name: Str<'a>,
    #[serde(borrow)]
    resource_kind: Str<'a>,
    #[serde(borrow)]
    resource_name: Str<'a>,
    #[serde(borrow)]
    resource_namespace: Str<'a>,
    #[serde(borrow)]
    resource_group: Str<'a>,
    #[serde(borrow)]
    resource_api_version: Str<'a>,
    #[serde(alias = "container", borrow)]
    container: Str<'a>,
    /// The volume mount in the container, of the auditor `mounts`.
    #[serde(borrow)]
    mount_name: Hint<'a>,
    #[serde(rename = "level", borrow)]
    level: Word<'a>,
    #[serde(borrow)]
    severity: Word<'a>,
    #[serde(rename = "msg", borrow)]
    msg: Hint<'a>,
    #[serde(borrow)]
    message: Hint<'a>,
    #[serde(rename = "time", borrow)]
    time: Hint<'a>,
    /// Results of one object, in the form with `Results`.
    #[serde(borrow)]
    audit_results: List<Maybe<Inner<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Inner<'a> {
    #[serde(alias = "AuditResultName", alias = "Rule", borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    severity: Word<'a>,
    #[serde(borrow)]
    message: Hint<'a>,
}

/// Reads one line, which is `raw`, or the object with `Results`.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    raw: &'a str,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    match fields.raw("Results") {
        Some(list) => document.each(list, |line: Obj<Line<'a>>| read_line(builder, &line)),
        None => read_line(builder, &document.parse(raw)?),
    }
}

fn read_line(builder: &mut SetBuilder<'_>, line: &Line<'_>) -> Result<(), IngestError> {
    builder.created(&line.time);
    let object = object(line);
    let target = object.to_string();
    let mut scanned = artifact(ArtifactKind::KubernetesObject, target.as_str().into());
    scanned.object = Some(object);
    scanned.container = line.container.some().map(Into::into);
    let index = builder.artifact(scanned)?;
    if line.audit_results.is_empty() && line.audit_result_name.is_empty() && line.level.is_empty() {
        return Ok(());
    }
    let field = part(line);
    let place = Place {
        artifact: index,
        target: &target,
        field: field.as_deref(),
    };
    if line.audit_results.is_empty() {
        let level = line
            .level
            .some()
            .or(line.severity.some())
            .unwrap_or_default();
        let title = line.msg.some().or(line.message.some());
        return result(builder, &place, &line.audit_result_name, level, title);
    }
    for inner in line.audit_results.iter() {
        let title = inner.message.some();
        result(builder, &place, &inner.name, &inner.severity, title)?;
    }
    Ok(())
}

/// What the results of a line are about.
struct Place<'p> {
    artifact: u32,
    target: &'p str,
    field: Option<&'p str>,
}

/// `container web, mount docker-socket`. A capability is named by the override label alone that the message
/// proposes (`auditors/capabilities`).
fn part(line: &Line<'_>) -> Option<String> {
    let message = line.msg.some().or(line.message.some()).unwrap_or_default();
    let capability = message
        .split_once("allow-capability-")
        .map(|(_, rest)| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'))
        .and_then(|mut words| words.next().filter(|word| !word.is_empty()));
    let parts = [
        ("container", line.container.some()),
        ("mount", line.mount_name.some()),
        ("capability", capability),
    ];
    let named = parts
        .iter()
        .filter_map(|(word, name)| name.map(|name| format!("{word} {name}")));
    let parts: Vec<String> = named.collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn result(
    builder: &mut SetBuilder<'_>,
    place: &Place<'_>,
    name: &str,
    level: &str,
    title: Option<&str>,
) -> Result<(), IngestError> {
    let severity = match level.to_ascii_lowercase().as_str() {
        // As numbers: `SeverityLevel` of kubeaudit.go.
        "error" | "2" => Severity::High,
        "warning" | "warn" | "1" => Severity::Medium,
        "0" => Severity::Negligible,
        other => Severity::parse(other),
    };
    let draft = AdvisoryDraft {
        id: name,
        title,
        severity,
        ..AdvisoryDraft::default()
    };
    let suppression = name
        .ends_with("Allowed")
        .then(|| builder.suppression("kubeaudit override label", title.unwrap_or(name)));
    let found = Found {
        field: place.field,
        suppression,
        ..Found::at(Category::Misconfiguration, place.artifact, place.target)
    };
    builder.found(found, &draft)
}

fn object(line: &Line<'_>) -> ObjectRef {
    let group = match line.resource_group.some() {
        Some("core") => "",
        Some(group) => group,
        None => line
            .resource_api_version
            .split_once('/')
            .map_or("", |(group, _)| group),
    };
    ObjectRef::new(
        group,
        &line.resource_kind,
        line.resource_namespace.some(),
        &line.resource_name,
    )
}
