//! The JSON report, which scripts rely on: its names and forms stay (architecture section 6).
//! Written as a stream: memory does not grow with the findings. Never serialises `model` itself.

pub(crate) mod document;
mod installed;
pub(crate) mod select;

use crate::escape::write_json;
use crate::names::Names;
use crate::view::View;
use schemars::generate::SchemaSettings;
use std::io::{self, Write};

/// Version of the format; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Writes one document and a line end. Bytes that would steer a terminal are `\u` escapes.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let document = select::document(view, &names);
    write_json(&document, out)
}

/// The JSON Schema (draft 2020-12) of what [`write`] writes, checked in as `docs/schema/report-v1.json`.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<document::Document>()
        .into()
}
