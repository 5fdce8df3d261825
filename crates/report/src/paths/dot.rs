//! Attack paths as one digraph for Graphviz.
//! Comes in: a View. Goes out: DOT. Never: a name that ends a string.

use super::merged::{Limits, merged};
use crate::escape::{dot_string, visible};
use crate::names::Names;
use crate::sentences;
use crate::view::View;
use std::io::{self, Write};

/// Graphviz decides what it can lay out.
const ALL: Limits = Limits {
    nodes: usize::MAX,
    steps: usize::MAX,
};

/// Entries are houses, sinks are double octagons. What a cut removes is dashed and green with the change as tooltip; what
/// depends on something that was not seen is dotted.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let merged = merged(view, &names, ALL);
    let text = |text: &str| dot_string(&names.show(text));
    writeln!(out, "// {}", visible(&names.show(&sentences::title(view))))?;
    for gap in &view.assessment.ledger.gaps {
        writeln!(out, "// not seen: {}", visible(&names.show(&gap.what)))?;
    }
    writeln!(out, "digraph paths {{\n\trankdir=LR\n\tnode [shape=box]")?;
    for node in &merged.nodes {
        let shape = match (node.is_entry, node.is_sink) {
            (_, true) => " [shape=doubleoctagon]",
            (true, false) => " [shape=house]",
            (false, false) => "",
        };
        writeln!(out, "\t{}{shape}", dot_string(&node.name))?;
    }
    for edge in &merged.edges {
        let (from, to) = (&merged.nodes[edge.from].name, &merged.nodes[edge.to].name);
        let (from, to) = (dot_string(from), dot_string(to));
        for step in &edge.steps {
            let change = step.cut.and_then(|n| merged.changes.get(n));
            let style = match (change.is_some(), step.is_unknown) {
                (_, true) => " style=dotted",
                (true, false) => " style=dashed",
                (false, false) => "",
            };
            let marked = change.map_or_else(String::new, |change| {
                let tooltip = format!("cut: {}", sentences::change(change));
                format!(" color=\"#24763f\" penwidth=2 tooltip={}", text(&tooltip))
            });
            let kind = dot_string(&step.told.kind);
            writeln!(out, "\t{from} -> {to} [label={kind}{style}{marked}]")?;
        }
    }
    writeln!(out, "}}")
}
