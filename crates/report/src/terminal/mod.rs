//! What a person reads in a terminal: coverage, queue, worst path, verdict.
//! Fits the width, reads without colour, never cuts a command, never lets a name steer the terminal.

mod artifacts;
mod basis;
mod benchmark;
mod canvas;
mod coverage;
mod explain;
mod package;
mod path;
mod queue;
mod subject;

pub use benchmark::{checklist, cis};
pub use explain::{describe, explain};
pub use package::WhyNot;
pub use subject::explain_named;

use crate::installed::units;
use crate::names::Names;
use crate::sentences;
use crate::unranked;
use crate::view::View;
use crate::wording::counted;
use canvas::{Canvas, Paint};
use model::assessment::Outcome;
use model::graph::Added;
use model::text::Text;
use model::vulnerability::Severity;
use std::io::{self, Write};

#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions {
    /// Columns; 40 at least are used.
    pub width: usize,
    pub colour: bool,
}

/// The whole view: what was looked at, what to do first, the worst path, what stands apart, the verdict.
pub fn write(view: &View, options: &TerminalOptions, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let mut canvas = Canvas::new(out, options, &names);
    title(view, &mut canvas)?;
    coverage::write(view, &mut canvas)?;
    // A key that opens something comes before what somebody may exploit one day.
    let first = view.is_of_artifacts() && unranked::are_grave(&unranked::groups(view));
    if first {
        unranked(view, &mut canvas)?;
    }
    if view.is_of_artifacts() {
        artifacts::write(view, &units(view), &mut canvas)?;
    } else {
        queue::write(view, &mut canvas)?;
    }
    if !first {
        unranked(view, &mut canvas)?;
    }
    path::write(view, &mut canvas)?;
    if let Some(text) = sentences::apart(view) {
        canvas.blank()?;
        canvas.prose(Paint::Plain, "Apart     ", &text)?;
    }
    verdict(view, &mut canvas)
}

/// Every attack path and the changes that end them; the cuts say how many routes there are.
pub fn write_paths(view: &View, options: &TerminalOptions, out: &mut dyn Write) -> io::Result<()> {
    paths(view, &[], None, options, out)
}

pub(crate) fn paths(
    view: &View,
    routes: &[(Text, u32)],
    added: Option<&Added>,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of(view);
    let mut canvas = Canvas::new(out, options, &names);
    title(view, &mut canvas)?;
    path::write_all(view, routes, added.is_some(), &mut canvas)?;
    if let Some(added) = added {
        path::write_added(added, &mut canvas)?;
    }
    canvas.blank()?;
    coverage::gaps(view, &mut canvas)
}

/// Text of unknown origin without anything that could steer a terminal.
pub fn escape(text: &str) -> String {
    crate::escape::visible(text).into_owned()
}

/// Checks that are shown; the rest are counted.
const CHECKS: usize = 5;

/// What has no value: by severity, after what has.
fn unranked(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let groups = unranked::groups(view);
    if groups.is_empty() {
        return Ok(());
    }
    canvas.blank()?;
    canvas.prose(Paint::Plain, "No score  ", &unranked::heading(&groups))?;
    for group in groups.iter().take(CHECKS) {
        let paint = match group.severity {
            Severity::Critical => Paint::Bad,
            _ => Paint::Plain,
        };
        canvas.hanging(paint, "          ", 12, &unranked::line(view, group))?;
    }
    if let Some(more) = groups.len().checked_sub(CHECKS).filter(|more| *more > 0) {
        let text = format!("{} more: --format json or csv", counted(more, "check"));
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    Ok(())
}

fn title(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    canvas.prose(Paint::Strong, "", &sentences::title(view))
}

fn verdict(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let (word, paint) = match view.verdict.outcome {
        Outcome::Passed => ("passed", Paint::Good),
        Outcome::Failed => ("FAILED", Paint::Bad),
        Outcome::NotCompleted => ("NOT COMPLETED", Paint::Warn),
    };
    canvas.blank()?;
    canvas.prose(
        paint,
        "Verdict   ",
        &format!("{word} (exit code {})", view.verdict.exit_code),
    )?;
    for reason in &view.verdict.reasons {
        canvas.prose(Paint::Plain, "          ", reason)?;
    }
    for notice in &view.verdict.notices {
        canvas.prose(Paint::Dim, "          ", notice)?;
    }
    Ok(())
}
