//! `trivy k8s --compliance`: the report `all`, whose controls hold results as a scan has them, and the
//! `summary`, which counts. Out: one match per failed check of each control (a check that several controls
//! name stands in each), in the summary one per control that fails.
//! Source: Trivy `pkg/compliance/report/{report,summary}.go`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, SetBuilder, artifact};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Maybe, Num, Obj, Str, Word};
use crate::trivy::{Place, read_result};
use crate::trivy_fields::TargetResult;
use model::matches::{ArtifactKind, Category};
use model::vulnerability::Severity;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Control<'a> {
    #[serde(rename = "ID", borrow)]
    id: Word<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    results: List<Maybe<TargetResult<'a>>>,
    total_fail: Num,
}

/// The list of the summary.
pub(crate) const SUMMARY: &str = "SummaryControls";

pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let text = |key: &str| document.part::<Word<'a>>(fields, key);
    let (id, title) = (text("ID")?, text("Title")?);
    let name = title.some().or(id.some()).unwrap_or_default();
    let cluster = artifact(ArtifactKind::Unknown, name.into());
    if let Some(raw) = fields.raw(SUMMARY) {
        let index = builder.artifact(cluster)?;
        return document.each(raw, |control: Obj<Control<'a>>| {
            counted(builder, index, &control)
        });
    }
    let mut place = Place::new(cluster);
    if let Some(raw) = fields.raw("Results") {
        document.each(raw, |control: Obj<Control<'a>>| {
            if control.results.is_empty() {
                builder.passed("controls without a failed check");
            }
            for result in control.results.iter() {
                read_result(document, builder, &mut place, &result.0)?;
            }
            Ok(())
        })?;
    }
    place.artifact(builder).map(drop)
}

fn counted(
    builder: &mut SetBuilder<'_>,
    artifact: u32,
    control: &Control<'_>,
) -> Result<(), IngestError> {
    match control.total_fail.0 {
        Some(count) if count > 0.0 => {}
        Some(_) => {
            builder.passed("controls without a failed check");
            return Ok(());
        }
        // Trivy gives no count for what is to be checked by hand.
        None => {
            builder.passed("controls to be checked by hand");
            return Ok(());
        }
    }
    let draft = AdvisoryDraft {
        id: &control.id,
        title: control.name.some(),
        severity: Severity::parse(&control.severity),
        ..AdvisoryDraft::default()
    };
    let found = Found::at(Category::Misconfiguration, artifact, &control.id);
    builder.found(found, &draft)
}
