//! The worst route from an entry to a sink, one edge a line, and the changes that end it.

use super::canvas::{Canvas, Paint};
use crate::sentences;
use crate::view::View;
use crate::wording::{count, percent};
use model::graph::{Cut, Edge, Path};
use std::io;
use unicode_width::UnicodeWidthStr as _;

/// Observations of an edge that are shown; JSON and HTML have all.
const EVIDENCE: usize = 2;

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
    edges(view, canvas, path)?;
    match cut {
        Some(cut) => ends(canvas, cut),
        None => canvas.prose(Paint::Warn, "  cut  ", "no change is known that ends it"),
    }
}

/// Every route that is known, up to `view.top` of them, then the cut of each sink.
pub(super) fn write_all(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let all = &view.assessment.paths;
    let shown = if view.top == 0 {
        all.len()
    } else {
        all.len().min(view.top)
    };
    if all.is_empty() {
        return canvas.prose(
            Paint::Plain,
            "",
            "No path from an entry to a sink was found; what was not seen could hold one.",
        );
    }
    for (n, path) in all.iter().take(shown).enumerate() {
        canvas.blank()?;
        let text = format!(
            "{} -> {}, chance {}",
            path.entry,
            path.sink,
            percent(&path.probability)
        );
        canvas.prose(Paint::Strong, &format!("Path {}  ", n + 1), &text)?;
        edges(view, canvas, path)?;
    }
    if shown < all.len() {
        canvas.blank()?;
        canvas.prose(
            Paint::Plain,
            "",
            &format!("{} more: --top 0", count(all.len() - shown)),
        )?;
    }
    for cut in &view.assessment.cuts {
        canvas.blank()?;
        canvas.prose(
            Paint::Strong,
            "Cut  ",
            &format!("what ends the routes to {}", cut.sink),
        )?;
        ends(canvas, cut)?;
    }
    Ok(())
}

fn edges(view: &View, canvas: &mut Canvas, path: &Path) -> io::Result<()> {
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
    Ok(())
}

/// The evidence of an edge, then what could still change it.
fn because(view: &View, edge: &Edge) -> String {
    let evidence = edge.evidence.iter().filter_map(|id| view.evidence(*id));
    let mut parts: Vec<String> = evidence.take(EVIDENCE).map(sentences::stated).collect();
    let more = edge.evidence.len().saturating_sub(EVIDENCE);
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    for gap in edge.missing.iter().filter_map(|id| view.gap(*id)) {
        parts.push(format!("not seen: {}", gap.what));
    }
    parts.join("; ")
}

fn ends(canvas: &mut Canvas, cut: &Cut) -> io::Result<()> {
    for (i, change) in cut.changes.iter().enumerate() {
        let label = if i == 0 { "  cut  " } else { "       " };
        canvas.prose(Paint::Good, label, &sentences::change(change))?;
    }
    canvas.prose(Paint::Plain, "       ", &sentences::ends(cut))
}
