use crate::IngestError;
use crate::build::SetBuilder;
use crate::document::{Document, Fields};
pub(crate) fn report<'a>(document: &Document<'a>, _: &Fields<'a>, _: &mut SetBuilder<'_>) -> Result<(), IngestError> {
    Err(document.not_a_report("this format is not read yet"))
}
