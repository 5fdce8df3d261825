//! What a person reads in a terminal: coverage, queue, worst path, verdict.
//! Fits the width, reads without colour, never cuts a command, never lets a name steer the terminal.

mod canvas;
mod coverage;
mod explain;
mod path;
mod queue;

pub use explain::explain;

use crate::names::Names;
use crate::view::View;
use crate::wording::{count, counted, moment};
use canvas::{Canvas, Paint};
use model::assessment::Outcome;
use model::snapshot::Origin;
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
    queue::write(view, &mut canvas)?;
    path::write(view, &mut canvas)?;
    apart(view, &mut canvas)?;
    verdict(view, &mut canvas)
}

fn title(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let about = &view.assessment.about;
    let mut parts = Vec::new();
    match (about.origin, &about.cluster_name) {
        (_, Some(name)) => parts.push(format!("cluster {}", name)),
        (Some(Origin::Files), None) => parts.push("files".into()),
        (Some(Origin::Live), None) => parts.push("cluster without a name".into()),
        (None, None) => parts.push("reports only".into()),
    }
    if let Some(version) = about.kubernetes {
        let judged = if version.known { "" } else { "judged as " };
        parts.push(format!("{judged}Kubernetes 1.{}", version.minor));
    }
    parts.push(moment(about.now));
    let line = format!("Plimsoll {}: {}", about.tool_version, parts.join(", "));
    canvas.prose(Paint::Strong, "", &line)
}

/// What is in no list above; nothing disappears.
fn apart(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let all = view.assessment;
    let mut parts = Vec::new();
    if !all.suppressed.is_empty() {
        parts.push(format!("{} suppressed", count(all.suppressed.len())));
    }
    if !all.unjoined.is_empty() {
        parts.push(format!(
            "{} of images and files that no container here runs",
            count(all.unjoined.len())
        ));
    }
    if all.coverage.dormant > 0 {
        parts.push(format!(
            "{} suspended or scaled to 0",
            counted(all.coverage.dormant as usize, "workload")
        ));
    }
    if all.coverage.history > 0 {
        parts.push(format!("{} old revisions", count(all.coverage.history)));
    }
    let other: u64 = all.coverage.other_kinds.values().sum();
    if other > 0 {
        parts.push(format!(
            "{} objects of {} that Plimsoll does not read",
            count(other),
            counted(all.coverage.other_kinds.len(), "kind")
        ));
    }
    if parts.is_empty() {
        return Ok(());
    }
    canvas.blank()?;
    canvas.prose(
        Paint::Plain,
        "Apart     ",
        &format!(
            "{}; not in the queue, listed in --format json",
            parts.join(", ")
        ),
    )
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
    Ok(())
}
