//! What a person reads of images, file trees and lists of packages: what is in them, which upgrade closes what, what has
//! no fix. One line a fix; the base image told from the application's layers.

use super::canvas::{Canvas, Paint};
use crate::fixes::{Repair, listed, repairs, several, unrated};
use crate::installed::Units;
use crate::sentences;
use crate::view::View;
use crate::wording::count;
use model::action::{Action, ActionKind, Certainty};
use std::io;
use unicode_width::UnicodeWidthStr as _;

/// Vulnerabilities that a line names; the rest is counted.
const IDS: usize = 6;

pub(super) fn write(view: &View, units: &Units, canvas: &mut Canvas) -> io::Result<()> {
    let repairs = repairs(view, units);
    canvas.blank()?;
    canvas.prose(Paint::Strong, "Fix first ", &repairs.heading())?;
    // Of what was scanned more is known than that a newer base may help.
    let measured = measured(view).next().is_some();
    if let Some(division) = repairs.division().filter(|_| !measured) {
        canvas.prose(Paint::Plain, "          ", &division)?;
    }
    if !repairs.fixed.is_empty() {
        canvas.prose(
            Paint::Dim,
            "          ",
            "the highest risk first; the number is the risk of the worst finding, <1 to 100 on a log scale",
        )?;
    }
    list(view, canvas, &repairs.fixed, several(units), true)?;
    if let Some(text) = unrated(view) {
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    bases(view, canvas)?;
    if !repairs.unfixed.is_empty() {
        canvas.blank()?;
        canvas.prose(Paint::Strong, "No fix    ", &repairs.unfixed_heading())?;
        list(view, canvas, &repairs.unfixed, several(units), false)?;
    }
    Ok(())
}

fn measured<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Action> {
    view.assessment.actions.iter().filter(|action| {
        action.kind == ActionKind::RebuildBase && action.certainty == Certainty::Verified
    })
}

/// Base changes whose new base was scanned.
fn bases(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    for action in measured(view) {
        canvas.blank()?;
        let title = format!("{}; {}", action.title, sentences::gain(view, action));
        canvas.prose(Paint::Strong, "Base      ", &title)?;
        for line in &action.exact {
            canvas.command("          ", line)?;
        }
    }
    Ok(())
}

fn list(
    view: &View,
    canvas: &mut Canvas,
    all: &[Repair],
    several: bool,
    numbered: bool,
) -> io::Result<()> {
    let shown = if view.top == 0 {
        all.len()
    } else {
        all.len().min(view.top)
    };
    let repairs = all.iter().take(shown);
    let widest = repairs
        .clone()
        .map(|r| r.score().width())
        .max()
        .unwrap_or(0);
    let digits = shown.to_string().len();
    for (i, repair) in repairs.enumerate() {
        let number = if numbered {
            (i + 1).to_string()
        } else {
            String::new()
        };
        let score = repair.score();
        let label = format!("{number:>digits$}  {score:<widest$}  ");
        let paint = match repair.points {
            Some(points) if points.expected >= 70.0 => Paint::Bad,
            _ => Paint::Plain,
        };
        canvas.prose(paint, &label, &line(view, repair, several))?;
    }
    if shown < all.len() {
        let text = format!("{} more: --top 0", count(all.len() - shown));
        canvas.prose(Paint::Dim, "", &text)?;
    }
    Ok(())
}

/// `upgrade openssl 1 to 2 (base image), closes 3: CVE-2026-2222 high KEV, ...`.
fn line(view: &View, repair: &Repair, several: bool) -> String {
    let ids = repair.ids(view);
    let place = repair
        .place(view, several)
        .map_or_else(String::new, |place| format!(" ({place})"));
    let closes = if repair.to.is_some() {
        format!(", closes {}", count(ids.len()))
    } else {
        String::new()
    };
    format!(
        "{}{place}{closes}: {}",
        repair.title(),
        listed(&ids, IDS, ", ")
    )
}
