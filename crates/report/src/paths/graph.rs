//! The whole attack graph, an edge each: lines and JSON.
//! Comes in: edges. Goes out: bytes, in the order given. Never: a path.

use crate::each::{Each, each};
use crate::escape::{visible, write_json};
use crate::names::Names;
use model::graph::GraphEdge;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

#[derive(Serialize)]
struct Document<'a> {
    edges: Each<'a, Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    from: Cow<'a, str>,
    to: Cow<'a, str>,
    kind: &'a str,
}

/// `{"edges": [{"from", "to", "kind"}]}`.
pub fn edges_json(edges: &[GraphEdge], redact_names: bool, out: &mut dyn Write) -> io::Result<()> {
    let names = names(edges, redact_names);
    let show = |edge| shown(edge, &names);
    write_json(
        &Document {
            edges: each(edges, show),
        },
        out,
    )
}

/// `from -KIND-> to`, a line each.
pub fn edges_text(edges: &[GraphEdge], redact_names: bool, out: &mut dyn Write) -> io::Result<()> {
    let names = names(edges, redact_names);
    for edge in edges {
        let edge = shown(edge, &names);
        let (from, to) = (visible(&edge.from), visible(&edge.to));
        writeln!(out, "{from} -{}-> {to}", visible(edge.kind))?;
    }
    Ok(())
}

fn names(edges: &[GraphEdge], redact_names: bool) -> Names {
    let nodes = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
    Names::of_nodes(redact_names, nodes)
}

fn shown<'a>(edge: &'a GraphEdge, names: &'a Names) -> Shown<'a> {
    Shown {
        from: names.show(&edge.from),
        to: names.show(&edge.to),
        kind: &edge.kind,
    }
}
