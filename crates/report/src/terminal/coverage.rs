//! The first lines: what was seen, how old the knowledge is, what was not seen and how to see it.
//! The sentences come from `sentences`; here is which of them fit.

use super::canvas::{Canvas, Paint};
use crate::sentences;
use crate::view::{GapGroup, View};
use crate::wording::count;
use model::evidence::GapWeight;
use std::io;

/// Classes of gaps that are shown; the rest are counted.
const CLASSES: usize = 5;
/// Groups of accepted gaps that are shown.
const ACCEPTED: usize = 10;

pub(super) fn write(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    for (i, line) in sentences::seen(view).iter().enumerate() {
        let label = if i == 0 { "Seen      " } else { "          " };
        canvas.prose(Paint::Plain, label, line)?;
    }
    canvas.prose(Paint::Plain, "Feeds     ", &sentences::feeds(view))?;
    gaps(view, canvas)
}

pub(super) fn gaps(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let groups = view.gap_groups();
    if groups.is_empty() {
        return canvas.prose(Paint::Plain, "Not seen  ", "no gaps are known");
    }
    canvas.prose(Paint::Plain, "Not seen  ", &sentences::gap_summary(view))?;
    let (accepted, open): (Vec<&GapGroup>, Vec<&GapGroup>) =
        groups.iter().partition(|group| group.accepted.is_some());
    // What takes an acceptance away is said whatever else there is to say.
    let (expired, open): (Vec<&GapGroup>, Vec<&GapGroup>) = open
        .into_iter()
        .partition(|group| group.class.starts_with("acceptance-"));
    for group in open.iter().take(CLASSES).chain(&expired) {
        one(group, canvas)?;
    }
    let rest = open.iter().skip(CLASSES);
    let gaps: usize = rest.map(|group| group.gaps.len()).sum();
    if gaps > 0 {
        let text = format!("{} more of other kinds: --format json", count(gaps));
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    for group in accepted.iter().take(ACCEPTED) {
        one(group, canvas)?;
    }
    let rest = accepted.iter().skip(ACCEPTED);
    let gaps: usize = rest.map(|group| group.gaps.len()).sum();
    if gaps > 0 {
        let text = format!("{} more accepted ones: --format json", count(gaps));
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    Ok(())
}

fn one(group: &GapGroup, canvas: &mut Canvas) -> io::Result<()> {
    let Some(first) = group.gaps.first() else {
        return Ok(());
    };
    let (sign, paint) = match (group.accepted, group.weight) {
        (Some(_), _) => ("=", Paint::Dim),
        (None, GapWeight::Hides) => ("!", Paint::Warn),
        (None, GapWeight::Widens) => ("~", Paint::Plain),
        (None, GapWeight::Notice) => ("-", Paint::Dim),
    };
    let more = match group.gaps.len() - 1 {
        0 => String::new(),
        n => format!("; {} more like it", count(n)),
    };
    let text = format!("{sign} {}{more}", first.what);
    canvas.hanging(paint, "          ", 12, &text)?;
    if let Some(acceptance) = group.accepted {
        return canvas.prose(Paint::Dim, "            ", &sentences::accepted(acceptance));
    }
    if !first.close.is_empty() {
        canvas.command("            close it: ", &first.close)?;
    }
    Ok(())
}
