//! The queue: one line an action, beneath it why, what it gains and what to type.

use super::canvas::{Canvas, Paint};
use crate::view::View;
use crate::wording::{certainty_words, count, counted, fix_class_words, points};
use model::action::Action;
use std::collections::BTreeSet;
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
    canvas.prose(Paint::Strong, "Do first  ", &heading(view, shown))?;
    canvas.prose(
        Paint::Dim,
        "          ",
        "the number is risk from <1 to 100 on a log scale, with its range where that is wide",
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

/// `10 of 34 actions; they close 812 of 1,204 findings`.
pub(crate) fn heading(view: &View, shown: usize) -> String {
    let actions = &view.assessment.actions;
    let closed: BTreeSet<u32> = actions
        .iter()
        .take(shown)
        .flat_map(|action| action.closes.iter().copied())
        .collect();
    let of = if shown < actions.len() {
        format!("{} of {}", count(shown), counted(actions.len(), "action"))
    } else {
        counted(shown, "action")
    };
    let they = if shown == 1 {
        "it closes"
    } else {
        "they close"
    };
    format!(
        "{of}; {they} {} of {}",
        count(closed.len()),
        counted(view.assessment.findings.len(), "open finding")
    )
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
    canvas.prose(Paint::Dim, "      gain  ", &gain(view, action))?;
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

/// `closes 12 findings in 3 workloads, needs test, expected, not verified, due 2026-11-26`.
pub(crate) fn gain(view: &View, action: &Action) -> String {
    let mut parts = vec![format!(
        "closes {} in {}",
        counted(action.closes.len(), "finding"),
        counted(action.workloads.len(), "workload")
    )];
    parts.push(certainty_words(action.certainty).into());
    parts.push(fix_class_words(action.class).into());
    if let Some(due) = view.due(&action.closes) {
        parts.push(format!("BOD 26-04 due {due}"));
    }
    parts.join("; ")
}
