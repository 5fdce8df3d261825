//! The worst route from an entry to a sink, one edge a line, and the changes that end it.

use super::canvas::{Canvas, Paint};
use crate::view::View;
use crate::wording::{count, percent};
use model::graph::{Cut, Edge};
use std::io;
use unicode_width::UnicodeWidthStr as _;

pub(super) fn write(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let Some((path, cut)) = view.worst_path() else {
        return Ok(());
    };
    canvas.blank()?;
    let others = match view.assessment.paths.len() - 1 {
        0 => String::new(),
        n => format!("; {} more: --format json", count(n)),
    };
    let text = format!(
        "{} -> {}, chance {}{others}",
        path.entry,
        path.sink,
        percent(&path.probability)
    );
    canvas.prose(Paint::Strong, "Worst path  ", &text)?;
    canvas.prose(Paint::Plain, "  ", &path.entry)?;
    let widest = path.edges.iter().map(|e| e.kind.width()).max().unwrap_or(0);
    let widest = widest.min(24);
    for edge in &path.edges {
        let text = format!(
            "{:<widest$}  {}: {}",
            edge.kind,
            edge.to,
            because(view, edge)
        );
        let hang = "   -> ".len() + widest + 4;
        canvas.hanging(Paint::Plain, "   -> ", hang, text.trim_end_matches(": "))?;
    }
    match cut {
        Some(cut) => ends(canvas, cut),
        None => canvas.prose(Paint::Warn, "  cut  ", "no change is known that ends it"),
    }
}

/// The evidence of an edge, then what could still change it.
fn because(view: &View, edge: &Edge) -> String {
    let mut parts: Vec<String> = edge
        .evidence
        .iter()
        .filter_map(|id| view.evidence(*id))
        .map(|e| {
            let place = match &e.source {
                Some(source) => format!(" ({})", source.to_string()),
                None => String::new(),
            };
            format!("{}{place}", e.statement)
        })
        .collect();
    for gap in edge.missing.iter().filter_map(|id| view.gap(*id)) {
        parts.push(format!("not seen: {}", gap.what));
    }
    parts.join("; ")
}

fn ends(canvas: &mut Canvas, cut: &Cut) -> io::Result<()> {
    for (i, change) in cut.changes.iter().enumerate() {
        let until = if change.structural {
            ""
        } else {
            ", holds until the next CVE"
        };
        let text = format!("{} ({}){until}", change.what, change.object.to_string());
        canvas.prose(
            Paint::Good,
            if i == 0 { "  cut  " } else { "       " },
            &text,
        )?;
    }
    let routes = if cut.routes == 1 {
        "1 route".to_owned()
    } else {
        format!("{} routes", count(cut.routes))
    };
    let text = if cut.complete {
        format!("ends {routes} to {}", cut.sink)
    } else {
        format!(
            "ends {routes} to {}; others stay, they have no edge that can be changed",
            cut.sink
        )
    };
    canvas.prose(Paint::Plain, "       ", &text)
}
