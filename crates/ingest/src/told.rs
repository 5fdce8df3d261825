//! What our own reports in other scanners' forms say beside them: gaps that could hide findings. Never: a report that
//! somebody reads again looking more complete than the scan was.

use crate::IngestError;
use crate::build::SetBuilder;
use crate::document::Document;
use crate::loose::{Flag, Hint, List, Maybe, Obj, Str};
use model::evidence::GapWeight;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Told<'a> {
    #[serde(borrow)]
    gaps: List<Obj<One<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct One<'a> {
    #[serde(borrow)]
    what: Str<'a>,
    #[serde(borrow)]
    weight: Str<'a>,
    #[serde(borrow)]
    close: Hint<'a>,
    accepted: Flag,
}

pub(crate) fn gaps<'a>(
    document: &Document<'a>,
    raw: &'a str,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let told: Maybe<Told<'a>> = document.parse(raw)?;
    for gap in told.gaps.iter() {
        if &*gap.weight == "hides" && !gap.accepted.0 {
            let close = gap.close.some().unwrap_or_default();
            builder.gap("report-gap", GapWeight::Hides, &*gap.what, close);
        }
    }
    Ok(())
}
