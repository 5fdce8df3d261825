//! The first lines: what was seen, how old the knowledge is, what was not seen and how to see it.
//! Never prints a zero without saying of how many.

use super::canvas::{Canvas, Paint};
use crate::view::View;
use crate::wording::{age, count, counted, severity};
use model::evidence::GapWeight;
use std::io;

/// Classes of gaps that are shown; the rest are counted.
const CLASSES: usize = 5;

pub(super) fn write(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    for (i, line) in seen(view).iter().enumerate() {
        let label = if i == 0 { "Seen      " } else { "          " };
        canvas.prose(Paint::Plain, label, line)?;
    }
    canvas.prose(Paint::Plain, "Feeds     ", &feeds(view))?;
    gaps(view, canvas)
}

/// One line each; shared with the Markdown and HTML views.
pub(crate) fn seen(view: &View) -> Vec<String> {
    let c = &view.assessment.coverage;
    let mut lines = Vec::new();
    lines.push(match (c.images, c.images_scanned) {
        (0, _) => "no images: no active container was seen".to_owned(),
        (images, 0) => format!("0 of {} images that run have a scan report", count(images)),
        (images, scanned) => format!(
            "{} of {} images that run have a scan report; {} of these {} have high or critical findings",
            count(scanned),
            count(images),
            count(c.images_with_high),
            count(scanned)
        ),
    });
    let policies = match c.namespaces {
        0 => "no namespaces".to_owned(),
        all if !view.saw_policies() => format!(
            "{}, how many without a network policy is unknown",
            counted(all as usize, "namespace")
        ),
        all => format!(
            "{} of {} without a network policy",
            count(c.namespaces_without_policy),
            counted(all as usize, "namespace")
        ),
    };
    lines.push(format!(
        "{}, {}; {policies}",
        counted(c.workloads as usize, "workload"),
        counted(c.pods as usize, "pod")
    ));
    let incomplete = c.listed.iter().filter(|l| !l.complete).count();
    if incomplete > 0 {
        lines.push(format!(
            "{incomplete} of {} kinds could not be listed completely",
            c.listed.len()
        ));
    }
    let severities: Vec<String> = view
        .by_severity()
        .into_iter()
        .map(|(s, n)| format!("{} {}", count(n), severity(s)))
        .collect();
    let open = view.assessment.findings.len();
    lines.push(if severities.is_empty() {
        format!(
            "0 open findings in {} scanned images and {}",
            count(c.images_scanned),
            counted(c.workloads as usize, "workload")
        )
    } else {
        format!(
            "{}: {}",
            counted(open, "open finding"),
            severities.join(", ")
        )
    });
    lines
}

/// Names, dates and ages of the feeds against `--now`.
pub(crate) fn feeds(view: &View) -> String {
    let about = &view.assessment.about;
    let Some(database) = &about.database else {
        return "no intelligence database: likelihoods are priors; close it: plimsoll db update"
            .into();
    };
    if database.feeds.is_empty() {
        return "the intelligence database has no feed; close it: plimsoll db update".into();
    }
    let ages: Vec<String> = database
        .feeds
        .iter()
        .map(|feed| format!("{} {}", feed.name, age(feed.date, about.now)))
        .collect();
    ages.join(", ")
}

fn gaps(view: &View, canvas: &mut Canvas) -> io::Result<()> {
    let groups = view.gap_groups();
    if groups.is_empty() {
        return canvas.prose(Paint::Plain, "Not seen  ", "no gaps are known");
    }
    canvas.prose(Paint::Plain, "Not seen  ", &gap_summary(view))?;
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
    let (classes, gaps) = rest.fold((0, 0), |(c, g), group| (c + 1, g + group.gaps.len()));
    if gaps > 0 {
        let text = format!(
            "{} of {} more, all in --format json",
            counted(gaps, "gap"),
            if classes == 1 {
                "1 class".into()
            } else {
                format!("{classes} classes")
            }
        );
        canvas.prose(Paint::Dim, "          ", &text)?;
    }
    Ok(())
}

/// `2 gaps could hide findings (!), 3 make ranks less sure (~), 5 to note (-)`.
pub(crate) fn gap_summary(view: &View) -> String {
    let said = [
        (GapWeight::Hides, "could hide findings (!)"),
        (GapWeight::Widens, "make ranks less sure (~)"),
        (GapWeight::Notice, "to note (-)"),
    ];
    let parts: Vec<String> = said
        .into_iter()
        .map(|(weight, words)| (view.gaps_of(weight), words))
        .filter(|(n, _)| *n > 0)
        .map(|(n, words)| format!("{} {words}", count(n)))
        .collect();
    parts.join(", ")
}
