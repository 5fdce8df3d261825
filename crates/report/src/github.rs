//! The job summary of a GitHub workflow: the verdict, what was seen, the fixes to begin with. In: a view. Out: Markdown
//! of a page at most. The whole is in the other formats. Never: a name that acts.

use crate::fixes::{repairs, several};
use crate::installed::units;
use crate::markdown::fixes::table;
use crate::markdown::page::{Page, line};
use crate::names::Names;
use crate::sentences;
use crate::view::View;
use crate::wording::{count, moment, points, severity};
use model::assessment::Outcome;
use model::evidence::GapWeight;
use std::io::{self, Write};

/// Reasons of the verdict and classes of gaps that are told.
const REASONS: usize = 10;
/// Rows of the table of fixes, however many `--top` shows elsewhere.
const FIXES: usize = 10;

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let mut page = Page {
        text: String::new(),
        names: &names,
    };
    verdict(view, &mut page);
    seen(view, &mut page);
    let top = if view.top == 0 {
        FIXES
    } else {
        view.top.min(FIXES)
    };
    if view.is_of_artifacts() {
        let units = units(view);
        let repairs = repairs(view, &units);
        page.add(&format!("\n### Fix first: {}\n", repairs.heading()));
        if !repairs.fixed.is_empty() {
            page.add("\n");
            table(view, &mut page, &repairs.fixed, several(&units), top);
        }
        if !repairs.unfixed.is_empty() {
            page.add(&format!("\nNo fix yet: {}.\n", repairs.unfixed_heading()));
        }
    } else {
        actions(view, &mut page, top);
    }
    not_seen(view, &mut page);
    let about = &view.assessment.about;
    let text = format!(
        "\nPlimsoll {}, {}\n",
        page.cell(&about.tool_version),
        moment(about.now)
    );
    page.add(&text);
    out.write_all(page.text.as_bytes())
}

fn verdict(view: &View, page: &mut Page) {
    let (sign, word) = match view.verdict.outcome {
        Outcome::Passed => ("✅", "passed"),
        Outcome::Failed => ("❌", "failed"),
        Outcome::NotCompleted => ("⚠️", "not completed"),
    };
    let subject = match &view.assessment.about.cluster_name {
        Some(name) => format!("cluster {name}"),
        None => sentences::subject(view),
    };
    let text = format!("## {sign} Plimsoll: {word}, {}\n\n", page.cell(&subject));
    page.add(&text);
    let said = view.verdict.reasons.iter().chain(&view.verdict.notices);
    let rows: Vec<String> = said
        .take(REASONS)
        .map(|reason| format!("- {}\n", page.cell(reason)))
        .collect();
    if !rows.is_empty() {
        page.rows(rows.into_iter());
        page.add("\n");
    }
}

fn seen(view: &View, page: &mut Page) {
    let counts = view.by_severity();
    if counts.is_empty() {
        page.add("No open finding in what was judged.\n\n");
    } else {
        let head: Vec<String> = counts
            .iter()
            .map(|(s, _)| severity(*s).to_owned())
            .collect();
        let row: Vec<String> = counts.iter().map(|(_, n)| count(*n)).collect();
        page.add(&line(&head));
        page.add(&format!("|{}\n", " --: |".repeat(head.len())));
        page.add(&line(&row));
        page.add("\n");
    }
    for text in sentences::seen(view) {
        let text = format!("- {}\n", page.cell(&text));
        page.add(&text);
    }
    let feeds = format!("- feeds: {}\n", page.cell(&sentences::feeds(view)));
    page.add(&feeds);
}

fn actions(view: &View, page: &mut Page, top: usize) {
    let all = &view.assessment.actions;
    let shown = all.len().min(top);
    if shown == 0 {
        return;
    }
    let heading = format!("\n### Do first: {}\n\n", sentences::heading(view, shown));
    page.add(&heading);
    page.add("| Score | Action | Closes |\n| --: | --- | --: |\n");
    let rows: Vec<String> = all
        .iter()
        .take(shown)
        .map(|action| {
            line(&[
                points(&action.points).replace('<', "&lt;"),
                page.cell(&action.title),
                count(action.closes.len()),
            ])
        })
        .collect();
    page.rows(rows.into_iter());
}

/// Gaps that could hide findings, one a class.
fn not_seen(view: &View, page: &mut Page) {
    let groups = view.gap_groups();
    let hiding: Vec<_> = groups
        .iter()
        .filter(|group| group.weight == GapWeight::Hides && group.accepted.is_none())
        .collect();
    let summary = sentences::gap_summary(view);
    if summary.is_empty() {
        return;
    }
    let text = format!("\n**Not seen:** {}\n", page.cell(&summary));
    page.add(&text);
    if !hiding.is_empty() {
        page.add("\n");
    }
    for group in hiding.iter().take(REASONS) {
        let Some(first) = group.gaps.first() else {
            continue;
        };
        let more = match group.gaps.len() - 1 {
            0 => String::new(),
            n => format!("; {} more like it", count(n)),
        };
        let close = if first.close.is_empty() {
            String::new()
        } else {
            format!("; close it: {}", page.code(&first.close))
        };
        let text = format!("- {}{more}{close}\n", page.cell(&first.what));
        page.add(&text);
    }
}
