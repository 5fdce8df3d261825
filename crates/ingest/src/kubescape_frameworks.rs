//! Kubescape's JSON of format v1: frameworks, their controls, rules and responses. Comes in as one
//! report, one framework, or a list of these. Out: one match per failed response and object in it; one
//! that an exception lets pass is suppressed. Source: kubescape/opa-utils `reporthandling/datastructuresv1.go`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, SetBuilder, artifact};
use crate::document::{Document, Fields};
use crate::field;
use crate::kubescape::{Object, Repair, reference, severity};
use crate::loose::{Hint, List, Maybe, Num, Obj, Str};
use model::matches::{Artifact, ArtifactKind, Category};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Framework<'a> {
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    control_reports: List<Obj<Control<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Control<'a> {
    #[serde(rename = "controlID", borrow)]
    id: Str<'a>,
    /// Before 1.0.130.
    #[serde(rename = "id", borrow)]
    old_id: Str<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    base_score: Num,
    #[serde(borrow)]
    rule_reports: List<Obj<Rule<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Rule<'a> {
    #[serde(borrow)]
    rule_responses: List<Obj<Response<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Response<'a> {
    #[serde(borrow)]
    rule_status: Str<'a>,
    #[serde(borrow)]
    failed_paths: List<Hint<'a>>,
    #[serde(borrow)]
    fix_paths: List<Maybe<Repair<'a>>>,
    #[serde(borrow)]
    alert_object: Maybe<Alert<'a>>,
    #[serde(borrow)]
    exception: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Alert<'a> {
    #[serde(borrow)]
    k8s_api_objects: List<Maybe<Object<'a>>>,
}

/// Reads one report, or one framework, which is `raw`.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    raw: &'a str,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    builder.created(&document.part::<Hint<'a>>(fields, "generationTime")?);
    match fields.raw("frameworks") {
        Some(list) => document.each(list, |one: Obj<Framework<'a>>| framework(builder, &one)),
        None => framework(builder, &document.parse(raw)?),
    }
}

fn framework(builder: &mut SetBuilder<'_>, framework: &Framework<'_>) -> Result<(), IngestError> {
    for control in framework.control_reports.iter() {
        let responses = control
            .rule_reports
            .iter()
            .flat_map(|rule| rule.rule_responses.iter());
        for response in responses {
            read_response(builder, framework, control, response)?;
        }
    }
    Ok(())
}

fn read_response(
    builder: &mut SetBuilder<'_>,
    framework: &Framework<'_>,
    control: &Control<'_>,
    response: &Response<'_>,
) -> Result<(), IngestError> {
    // A response without a status failed (`RuleResponse.GetSingleResultStatus`).
    if let word @ ("success" | "passed" | "skipped") = &*response.rule_status {
        builder.passed(word);
        return Ok(());
    }
    let draft = AdvisoryDraft {
        id: control
            .id
            .some()
            .or(control.old_id.some())
            .unwrap_or_default(),
        title: control.name.some(),
        severity: severity(control.base_score.0),
        feed: framework.name.some(),
        ..AdvisoryDraft::default()
    };
    let failed = response.failed_paths.iter().map(|path| &**path);
    let repairs = response.fix_paths.iter().map(|repair| &*repair.path);
    let field = field::common(failed.chain(repairs).filter_map(field::pointer));
    let excepted = response.exception.is_some_and(|raw| raw.get() != "null")
        || matches!(&*response.rule_status, "warning" | "ignore" | "excluded");
    for scanned in objects(&response.alert_object) {
        let target = scanned
            .object
            .as_ref()
            .map_or_else(|| scanned.name.to_string(), ToString::to_string);
        let artifact = builder.artifact(scanned)?;
        let found = Found {
            field: field.as_deref(),
            suppression: excepted
                .then(|| builder.suppression("kubescape exception", "passed with exceptions")),
            ..Found::at(Category::Misconfiguration, artifact, &target)
        };
        builder.found(found, &draft)?;
    }
    Ok(())
}

/// The objects of a response; one without a name where it gives none.
fn objects(alert: &Alert<'_>) -> Vec<Artifact> {
    if alert.k8s_api_objects.is_empty() {
        return vec![artifact(ArtifactKind::Unknown, "".into())];
    }
    let objects = alert.k8s_api_objects.iter().map(|object| {
        let object = reference(object);
        let name = object
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let mut found = artifact(ArtifactKind::KubernetesObject, name.into());
        found.object = object;
        found
    });
    objects.collect()
}
