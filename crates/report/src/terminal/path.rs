//! Routes from an entry to a sink, one edge a line, and the changes that end them: the worst one, or all by sink.

use super::canvas::{Canvas, Paint};
use crate::paths::{Section, sections};
use crate::sentences;
use crate::view::View;
use crate::wording::{count, exposure, percent};
use model::graph::{Added, Cut, Edge, Path};
use model::text::Text;
use std::io;
use unicode_width::UnicodeWidthStr as _;

/// Observations of an edge that are shown; JSON and HTML have all.
const EVIDENCE: usize = 2;
/// Changes of a cut that are shown.
const CHANGES: usize = 50;
/// Rights that a change grants and that are shown.
const GRANTS: usize = 20;
/// The sink as which routes over it are told.
const ADMIN: &str = "cluster-admin";

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
        None => canvas.prose(Paint::Warn, "  cut  ", "no known change ends it"),
    }
}

/// What a change exposes and grants.
pub(super) fn write_added(added: &Added, canvas: &mut Canvas) -> io::Result<()> {
    let Added { exposures, grants } = added;
    canvas.blank()?;
    if exposures.is_empty() && grants.is_empty() {
        let text = "Nothing is exposed further, and nobody gains a right.";
        return canvas.prose(Paint::Plain, "", text);
    }
    for widened in exposures {
        let before = widened.before.map_or("new", exposure);
        let text = format!(
            "{}: {before} -> {}",
            widened.workload,
            exposure(widened.after)
        );
        canvas.prose(Paint::Warn, "Exposed   ", &text)?;
    }
    for granted in grants.iter().take(GRANTS) {
        let text = format!(
            "{} may {} (by {})",
            granted.subject, granted.rule, granted.binding
        );
        canvas.prose(Paint::Warn, "Granted   ", &text)?;
    }
    if let Some(more) = grants.len().checked_sub(GRANTS).filter(|more| *more > 0) {
        let text = format!("{} more: --format json", count(more));
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    Ok(())
}

/// Sink by sink: how many entries get there, `view.top` of the paths, what ends them; then what ends all of them.
pub(super) fn write_all(
    view: &View,
    routes: &[(Text, u32)],
    change: bool,
    canvas: &mut Canvas,
) -> io::Result<()> {
    let sections = sections(view, routes);
    if sections.is_empty() && change {
        canvas.blank()?;
        let text = "No new path from an entry to a sink.";
        return canvas.prose(Paint::Plain, "", text);
    }
    if sections.is_empty() {
        canvas.blank()?;
        let unseen = if view.assessment.ledger.gaps.is_empty() {
            ""
        } else {
            "; what was not seen could hold one"
        };
        let text = format!("No path from an entry to a sink was found{unseen}.");
        return canvas.prose(Paint::Plain, "", &text);
    }
    let over_admin = sections
        .iter()
        .any(|section| section.sink == ADMIN && section.listed > 0);
    let mut number = 0;
    for section in &sections {
        canvas.blank()?;
        if section.is_of_all() {
            canvas.prose(Paint::Strong, "", "All sinks together")?;
        } else {
            heading(view, section, over_admin, canvas)?;
        }
        for path in &section.paths {
            number += 1;
            let label = format!("Path {number}  ");
            let chance = percent(&path.probability);
            let text = format!("{} -> {}, chance {chance}", path.entry, path.sink);
            canvas.prose(Paint::Strong, &label, &text)?;
            edges(view, canvas, path)?;
            canvas.blank()?;
        }
        match section.cut {
            Some(cut) => ends(canvas, cut)?,
            // What ends the routes of a change is the change left undone.
            None if change => {}
            None => canvas.prose(Paint::Warn, "  cut  ", "no known change ends them")?,
        }
    }
    Ok(())
}

fn heading(
    view: &View,
    section: &Section,
    over_admin: bool,
    canvas: &mut Canvas,
) -> io::Result<()> {
    let shown = section.paths.len();
    let more = section.entries() > shown && shown > 0 && shown == view.top;
    let hint = if more { " (more: --top 0)" } else { "" };
    canvas.prose(Paint::Bad, "", &format!("{}{hint}", section.heading()))?;
    if shown > 0 {
        return canvas.blank();
    }
    if over_admin && section.sink != ADMIN {
        let text = "the best ways there lead over cluster-admin and are shown as such";
        canvas.prose(Paint::Plain, "  ", text)?;
    }
    Ok(())
}

fn edges(view: &View, canvas: &mut Canvas, path: &Path) -> io::Result<()> {
    canvas.prose(Paint::Plain, "  ", &path.entry)?;
    let widest = path.edges.iter().map(|e| e.kind.width()).max().unwrap_or(0);
    let widest = widest.min(24);
    for edge in &path.edges {
        let technique = match &*edge.technique {
            "" => String::new(),
            technique => format!(" [{technique}]"),
        };
        let text = format!(
            "{:<widest$}  {}{}{technique}",
            edge.kind,
            edge.to,
            because(view, edge)
        );
        let hang = "   -> ".len() + widest + 4;
        let paint = if edge.missing.is_empty() {
            Paint::Plain
        } else {
            Paint::Warn
        };
        canvas.hanging(paint, "   -> ", hang, &text)?;
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
    if parts.is_empty() {
        return String::new();
    }
    format!(": {}", parts.join("; "))
}

fn ends(canvas: &mut Canvas, cut: &Cut) -> io::Result<()> {
    let paint = if cut.changes.is_empty() {
        Paint::Warn
    } else {
        Paint::Plain
    };
    canvas.prose(paint, "  cut  ", &sentences::ends(cut))?;
    for change in cut.changes.iter().take(CHANGES) {
        canvas.prose(Paint::Good, "       - ", &sentences::change(change))?;
    }
    match cut.changes.len().checked_sub(CHANGES) {
        Some(more) if more > 0 => {
            let text = format!("{} more: --format json", count(more));
            canvas.prose(Paint::Dim, "       - ", &text)
        }
        _ => Ok(()),
    }
}
