//! The queue: one line an action, beneath it why, what it gains and what to type.

use super::canvas::{Canvas, Paint};
use crate::sentences;
use crate::view::View;
use crate::wording::{count, points};
use model::action::Action;
use std::io;
use unicode_width::UnicodeWidthStr as _;

pub(super) fn write(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    let all = view.assessment.actions.len();
    if all == 0 {
        let text = if view.assessment.findings.is_empty() {
            "nothing to do for what was seen"
        } else {
            "no action is known for the open findings"
        };
        return canvas.prose(Paint::Strong, "Do first  ", text);
    }
    let shown = view.shown_actions();
    canvas.prose(
        Paint::Strong,
        "Do first  ",
        &sentences::heading(view, shown),
    )?;
    canvas.prose(
        Paint::Dim,
        "          ",
        "ordered by the risk that each removes; the number is the risk of the worst finding, <1 to 100 on \
         a log scale, with its range where that is wide",
    )?;
    let actions = view.assessment.actions.iter().take(shown);
    let scores: Vec<String> = actions.clone().map(|a| points(&a.points)).collect();
    let widest = scores.iter().map(|s| s.width()).max().unwrap_or(0);
    let digits = shown.to_string().len();
    for (i, (action, score)) in actions.zip(&scores).enumerate() {
        let label = format!("{:>digits$}  {score:<widest$}  ", i + 1);
        one(view, canvas, action, &label)?;
    }
    if shown < all {
        let text = format!("{} more actions: --top 0", count(all - shown));
        canvas.prose(Paint::Dim, "", &text)?;
    }
    Ok(())
}

fn one(view: &View, canvas: &mut Canvas, action: &Action, label: &str) -> io::Result<()> {
    let paint = if action.points.expected >= 70.0 {
        Paint::Bad
    } else {
        Paint::Strong
    };
    canvas.prose(paint, label, &action.title)?;
    let why: Vec<&str> = action.why.iter().map(|w| &**w).collect();
    if !why.is_empty() {
        let why = why.join(", ");
        canvas.prose(Paint::Plain, "      why   ", &why)?;
    }
    canvas.prose(Paint::Dim, "      gain  ", &sentences::gain(view, action))?;
    for (i, line) in action.exact.iter().enumerate() {
        canvas.command(
            if i == 0 {
                "      do    "
            } else {
                "            "
            },
            line,
        )?;
    }
    Ok(())
}
