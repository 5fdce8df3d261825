//! Paths, counts and cuts for scripts: its names and forms stay. The parts are those of the JSON report.
//! Comes in: a View, counts of routes. Goes out: one document, as a stream. Never: `model` itself.

use crate::each::{Each, each};
use crate::escape::write_json;
use crate::json::document as to;
use crate::json::select::Select;
use crate::names::Names;
use crate::view::View;
use crate::wording::exposure;
use model::text::Text;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// Version of the format; a change that breaks a reader raises it.
pub const FORMAT_VERSION: u32 = 1;

/// Who gets where in a cluster, over what, and what ends it.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Plimsoll attack paths")]
struct Document<'a> {
    /// Version of this format: 1.
    #[serde(rename = "formatVersion")]
    format_version: u32,
    #[schemars(extend("const" = "plimsoll"))]
    tool: &'static str,
    about: to::About<'a>,
    /// Those that were asked for: by sink, the gravest first, then the best first.
    paths: Each<'a, to::Path<'a>>,
    /// All that there are, listed or not; a sink that nothing gets to is left out.
    routes: Vec<Routes<'a>>,
    /// For each sink, the changes that end its routes; the last one may be that of all sinks together.
    cuts: Each<'a, to::Cut<'a>>,
    /// Of a change: what it exposes and grants beside its routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<Added<'a>>,
    /// What was not seen, in the order in which it was noticed: it could hold more paths.
    gaps: Vec<to::Gap<'a>>,
}

/// How many entries get to a sink.
#[derive(Serialize, JsonSchema)]
struct Routes<'a> {
    sink: Cow<'a, str>,
    routes: u32,
}

#[derive(Serialize, JsonSchema)]
struct Added<'a> {
    /// Workloads that are reached from further out, or are new and reached from outside of the cluster.
    exposures: Vec<Widened<'a>>,
    /// Rights that a subject did not hold before.
    grants: Vec<Granted<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Widened<'a> {
    workload: to::Object<'a>,
    /// Absent: the workload is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'static str>,
    after: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Granted<'a> {
    /// `ServiceAccount shop/web`, as the binding names it.
    subject: &'a str,
    binding: to::Object<'a>,
    /// `get list secrets`.
    rule: String,
}

/// One document and a line end. Bytes that would steer a terminal are `\u` escapes.
pub fn write(
    view: &View,
    routes: &[(Text, u32)],
    added: Option<&model::graph::Added>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of(view);
    let select = Select {
        view,
        names: &names,
    };
    let all = view.assessment;
    let document = Document {
        format_version: FORMAT_VERSION,
        tool: "plimsoll",
        about: select.about(),
        paths: each(&all.paths, move |path| select.path(path)),
        routes: routes
            .iter()
            .map(|(sink, routes)| Routes {
                sink: names.show(sink),
                routes: *routes,
            })
            .collect(),
        cuts: each(&all.cuts, move |cut| select.cut(cut)),
        added: added.map(|added| Added {
            exposures: added
                .exposures
                .iter()
                .map(|widened| Widened {
                    workload: select.object(&widened.workload),
                    before: widened.before.map(exposure),
                    after: exposure(widened.after),
                })
                .collect(),
            grants: added
                .grants
                .iter()
                .map(|granted| Granted {
                    subject: &granted.subject,
                    binding: select.object(&granted.binding),
                    rule: granted.rule.to_string(),
                })
                .collect(),
        }),
        gaps: select.gaps(),
    };
    write_json(&document, out)
}

/// The JSON Schema (draft 2020-12) of what [`write`] writes, checked in as `docs/schema/paths-v1.json`.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document>()
        .into()
}
