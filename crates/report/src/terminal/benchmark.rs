//! A benchmark and the checklist for a person: what fails first, with its fix; then what was not seen; the rest counted.

use super::TerminalOptions;
use super::canvas::{Canvas, Paint};
use crate::names::Names;
use crate::wording::count;
use model::benchmark::{Answer, Benchmark, Point, State};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Evidence of one control that is shown.
const SHOWN: usize = 3;

/// Every control that fails, what is missing for those that are unknown; with `all`, the others too.
pub fn cis(
    benchmark: &Benchmark,
    all: bool,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of_nodes(false, std::iter::empty());
    let mut canvas = Canvas::new(out, options, &names);
    let head = format!(
        "{}, judged as Kubernetes {}: {} controls",
        benchmark.profile,
        benchmark.kubernetes,
        benchmark.controls.len()
    );
    canvas.prose(Paint::Strong, "", &head)?;
    let of = |state: State| {
        benchmark
            .controls
            .iter()
            .filter(move |answer| answer.state == state)
    };
    let counts = format!(
        "{} pass, {} fail, {} unknown, {} not applicable, {} for a person to look at",
        of(State::Pass).count(),
        of(State::Fail).count(),
        of(State::Unknown).count(),
        of(State::NotApplicable).count(),
        of(State::Manual).count()
    );
    canvas.prose(Paint::Plain, "", &counts)?;
    if of(State::Fail).next().is_some() {
        canvas.blank()?;
        canvas.prose(Paint::Bad, "", "Fail")?;
        for answer in of(State::Fail) {
            control(answer, true, &mut canvas)?;
        }
    }
    if of(State::Unknown).next().is_some() {
        canvas.blank()?;
        canvas.prose(Paint::Warn, "", "Unknown")?;
        unknown(of(State::Unknown), &mut canvas)?;
    }
    for (state, title) in [
        (State::Manual, "For a person"),
        (State::Pass, "Pass"),
        (State::NotApplicable, "Not applicable"),
    ] {
        if !all || of(state).next().is_none() {
            continue;
        }
        canvas.blank()?;
        canvas.prose(Paint::Strong, "", title)?;
        for answer in of(state) {
            control(answer, state == State::Manual, &mut canvas)?;
        }
    }
    if !all {
        canvas.blank()?;
        canvas.prose(
            Paint::Dim,
            "",
            "the others: --all; everything: --format json",
        )?;
    }
    Ok(())
}

fn control(answer: &Answer, repair: bool, canvas: &mut Canvas) -> io::Result<()> {
    let label = format!("  {:<7} ", answer.number);
    canvas.prose(Paint::Plain, &label, &answer.title)?;
    for seen in answer.evidence.iter().take(SHOWN) {
        let text = format!("{}: {}", seen.object, seen.value);
        canvas.hanging(Paint::Dim, "            ", 14, &text)?;
    }
    let more = answer.evidence.len().saturating_sub(SHOWN) as u64 + answer.more;
    if more > 0 {
        let text = format!(
            "{} more",
            count(usize::try_from(more).unwrap_or(usize::MAX))
        );
        canvas.prose(Paint::Dim, "            ", &text)?;
    }
    if repair && !answer.remediation.is_empty() {
        canvas.hanging(Paint::Plain, "            fix: ", 17, &answer.remediation)?;
    }
    Ok(())
}

/// By what is missing: one permission or command often answers many.
fn unknown<'a>(answers: impl Iterator<Item = &'a Answer>, canvas: &mut Canvas) -> io::Result<()> {
    let mut by_gap: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for answer in answers {
        for gap in &answer.missing {
            by_gap
                .entry((&gap.what, &gap.close))
                .or_default()
                .push(&answer.number);
        }
    }
    for ((what, close), numbers) in by_gap {
        canvas.hanging(
            Paint::Plain,
            "  ",
            4,
            &format!("{}: {what}", numbers.join(", ")),
        )?;
        if !close.is_empty() {
            canvas.hanging(Paint::Dim, "    close it: ", 14, close)?;
        }
    }
    Ok(())
}

/// The ten points, each with what was seen and what to type next.
pub fn checklist(
    points: &[Point],
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of_nodes(false, std::iter::empty());
    let mut canvas = Canvas::new(out, options, &names);
    for point in points {
        let (word, paint) = match point.verdict {
            State::Pass => ("pass", Paint::Good),
            State::Fail => ("FAIL", Paint::Bad),
            _ => ("unknown", Paint::Warn),
        };
        let label = format!("{:>2}  {word:<8} ", point.number);
        canvas.prose(paint, &label, &point.title)?;
        for text in &point.evidence {
            canvas.hanging(Paint::Dim, "              ", 16, text)?;
        }
        if point.verdict != State::Pass && !point.next.is_empty() {
            canvas.hanging(Paint::Plain, "              next: ", 20, &point.next)?;
        }
    }
    Ok(())
}
