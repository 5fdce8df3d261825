//! The first lines: what was seen, how old the knowledge is, what was not seen and how to see it.
//! The sentences come from `sentences`; here is which of them fit.

use super::canvas::{Canvas, Paint};
use crate::sentences;
use crate::view::View;
use crate::wording::count;
use model::evidence::GapWeight;
use std::io;

/// Classes of gaps that are shown; the rest are counted.
const CLASSES: usize = 5;

pub(super) fn write(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    for (i, line) in sentences::seen(view).iter().enumerate() {
        let label = if i == 0 { "Seen      " } else { "          " };
        canvas.prose(Paint::Plain, label, line)?;
    }
    canvas.prose(Paint::Plain, "Feeds     ", &sentences::feeds(view))?;
    gaps(view, canvas)
}

fn gaps(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let groups = view.gap_groups();
    if groups.is_empty() {
        return canvas.prose(Paint::Plain, "Not seen  ", "no gaps are known");
    }
    canvas.prose(Paint::Plain, "Not seen  ", &sentences::gap_summary(view))?;
    for group in groups.iter().take(CLASSES) {
        let Some(first) = group.gaps.first() else {
            continue;
        };
        let (sign, paint) = match group.weight {
            GapWeight::Hides => ("!", Paint::Warn),
            GapWeight::Widens => ("~", Paint::Plain),
            GapWeight::Notice => ("-", Paint::Dim),
        };
        let more = match group.gaps.len() - 1 {
            0 => String::new(),
            n => format!("; {} more like it", count(n)),
        };
        let text = format!("{sign} {}{more}", first.what);
        canvas.hanging(paint, "          ", 12, &text)?;
        if !first.close.is_empty() {
            canvas.command("            close it: ", &first.close)?;
        }
    }
    let rest = groups.iter().skip(CLASSES);
    let gaps: usize = rest.map(|group| group.gaps.len()).sum();
    if gaps > 0 {
        let text = format!("{} more of other kinds: --format json", count(gaps));
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    Ok(())
}
