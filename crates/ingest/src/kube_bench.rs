//! kube-bench's JSON: the object with `Controls`, the older list of controls, or one control.
//! Out: one match per result that is FAIL (medium: CIS gives no severity) or WARN (low: to be
//! checked by hand). PASS and INFO are counted. Source: kube-bench `check/controls.go`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, SetBuilder, artifact};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Obj, Str, Word};
use model::matches::{ArtifactKind, Category};
use model::vulnerability::Severity;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Control<'a> {
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    detected_version: Word<'a>,
    #[serde(borrow)]
    node_type: Str<'a>,
    #[serde(borrow)]
    tests: List<Obj<Group<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group<'a> {
    #[serde(borrow)]
    results: List<Obj<Check<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Check<'a> {
    #[serde(borrow)]
    test_number: Word<'a>,
    #[serde(borrow)]
    test_desc: Hint<'a>,
    #[serde(borrow)]
    status: Str<'a>,
}

/// Reads the object with `Controls`, or one control, which is `raw`.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    raw: &'a str,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    match fields.raw("Controls") {
        Some(list) => document.each(list, |control: Obj<Control<'a>>| {
            read_control(builder, &control)
        }),
        None => read_control(builder, &document.parse(raw)?),
    }
}

fn read_control(builder: &mut SetBuilder<'_>, control: &Control<'_>) -> Result<(), IngestError> {
    if control.tests.is_empty() {
        return Ok(());
    }
    if let Some(version) = control.detected_version.some().or(control.version.some()) {
        builder.format(&format!("kube-bench-json/{version}"));
    }
    // The document does not name the node that it ran on.
    let kind = match &*control.node_type {
        "policies" | "managedservices" | "" => ArtifactKind::Unknown,
        _ => ArtifactKind::Node,
    };
    let index = builder.artifact(artifact(kind, (&*control.node_type).into()))?;
    let feed = format!("cis:{}", &*control.version);
    for check in control.tests.iter().flat_map(|group| group.results.iter()) {
        let severity = match check.status.to_ascii_uppercase().as_str() {
            word @ ("PASS" | "INFO") => {
                builder.passed(word);
                continue;
            }
            "FAIL" => Severity::Medium,
            "WARN" => Severity::Low,
            _ => Severity::Unknown,
        };
        let draft = AdvisoryDraft {
            id: &check.test_number,
            title: check.test_desc.some(),
            severity,
            feed: Some(&feed),
            ..AdvisoryDraft::default()
        };
        builder.found(
            Found::at(Category::Misconfiguration, index, &check.test_number),
            &draft,
        )?;
    }
    Ok(())
}
