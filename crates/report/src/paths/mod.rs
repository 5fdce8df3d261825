//! Attack paths as JSON, Graphviz, a drawing and lines; the edges of the whole graph.
//! Comes in: a View of paths, cuts and gaps; how many entries reach each sink; edges. Goes out: bytes.
//! Never: a name that steers a terminal, ends a string of DOT or becomes markup.

mod caption;
mod dot;
mod graph;
mod json;
mod layout;
mod merged;
mod sections;
mod svg;

pub use dot::write as dot;
pub use graph::{edges_json, edges_text};
pub use json::{FORMAT_VERSION, schema, write as json};
pub use svg::write as svg;

pub(crate) use sections::{Section, sections};

use crate::terminal::{TerminalOptions, paths};
use crate::view::View;
use model::graph::Added;
use model::text::Text;
use std::io::{self, Write};

/// The paths by sink, one edge a line, and what ends them. `routes` has for each sink how many entries get there; where
/// it is empty, the cuts say so. `view.top` counts for each sink. `added`: what a change adds beside its routes.
pub fn text(
    view: &View,
    routes: &[(Text, u32)],
    added: Option<&Added>,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    paths(view, routes, added, options, out)
}
