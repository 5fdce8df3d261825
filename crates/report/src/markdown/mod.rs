//! A pull-request comment: verdict, coverage, queue, and the rest folded up.
//! Stays under GitHub's 65,536 characters by leaving out rows and saying so.

pub(crate) mod fixes;
pub(crate) mod page;

use crate::escape::visible;
use crate::installed::units;
use crate::names::Names;
use crate::sentences;
use crate::unranked;
use crate::view::{View, object};
use crate::wording::{
    count, counted, fix_class_words, fix_state, moment, percent, points, severity,
};
use model::action::Action;
use model::assessment::Outcome;
use model::evidence::GapWeight;
use model::finding::Finding;
pub(crate) use page::inline;
use page::{CELL, Page, clipped, line, longest_run};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Findings that are listed at most.
const FINDINGS: usize = 100;

/// Writes the comment.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let mut page = Page {
        text: String::new(),
        names: &names,
    };
    head(view, &mut page);
    if view.is_of_artifacts() {
        fixes::write(view, &units(view), &mut page);
    }
    queue(view, &mut page);
    unranked(view, &mut page);
    path(view, &mut page);
    gaps(view, &mut page);
    findings(view, &mut page);
    foot(view, &mut page);
    out.write_all(page.text.as_bytes())
}

fn head(view: &View, page: &mut Page) {
    let (sign, word) = match view.verdict.outcome {
        Outcome::Passed => ("✅", "passed"),
        Outcome::Failed => ("❌", "failed"),
        Outcome::NotCompleted => ("⚠️", "not completed"),
    };
    let _ = writeln!(page.text, "## {sign} Plimsoll: {word}\n");
    let reasons = view
        .verdict
        .reasons
        .iter()
        .chain(&view.verdict.notices)
        .take(20);
    let rows: Vec<String> = reasons.map(|r| format!("- {}\n", page.cell(r))).collect();
    if !rows.is_empty() {
        page.rows(rows.into_iter());
        page.text.push('\n');
    }
    page.text.push_str("### Seen\n\n");
    let mut lines = sentences::seen(view);
    lines.push(format!("feeds: {}", sentences::feeds(view)));
    let summary = sentences::gap_summary(view);
    if !summary.is_empty() {
        lines.push(format!("not seen: {summary}"));
    }
    for line in lines {
        let line = format!("- {}\n", page.cell(&line));
        page.add(&line);
    }
}

fn queue(view: &View, page: &mut Page) {
    let shown = view.shown_actions();
    if shown == 0 {
        return;
    }
    let heading = format!("\n### Do first: {}\n\n", sentences::heading(view, shown));
    page.add(&heading);
    page.add(
        "| # | Score | Action | Why | Closes | Due |\n| --: | --- | --- | --- | --: | --- |\n",
    );
    let actions = || view.assessment.actions.iter().take(shown).enumerate();
    let row = |(i, action): (usize, &Action)| {
        let why: Vec<&str> = action.why.iter().map(|why| &**why).collect();
        let due = view.due(&action.closes);
        line(&[
            (i + 1).to_string(),
            inline(&points(&action.points)),
            page.cell(&action.title),
            page.cell(&why.join(", ")),
            count(action.closes.len()),
            due.map_or(String::new(), |due| due.to_string()),
        ])
    };
    let rows: Vec<String> = actions().map(row).collect();
    let left_out = page.rows(rows.into_iter());
    if left_out > 0 {
        page.add(&format!(
            "\n{} do not fit into this comment.\n",
            counted(left_out, "action")
        ));
    }
    page.folded("What to type", |page| {
        for (i, action) in actions() {
            let text = typed(page, i, action);
            if !page.add(&text) {
                page.add("\nThe rest does not fit into this comment.\n");
                return;
            }
        }
    });
}

fn typed(page: &Page, index: usize, action: &Action) -> String {
    let lines: Vec<Cow<str>> = action
        .exact
        .iter()
        .map(|line| page.names.show(line))
        .collect();
    let lines: Vec<Cow<str>> = lines.iter().map(|line| visible(line)).collect();
    let body = lines.join("\n");
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    let mut text = format!(
        "\n{}. {} ({}: {})\n\n   {fence}text\n",
        index + 1,
        page.cell(&action.title),
        fix_class_words(action.class),
        page.cell(&action.class_reason)
    );
    for line in &lines {
        let _ = writeln!(text, "   {line}");
    }
    let _ = writeln!(text, "   {fence}");
    if !action.undo.is_empty() {
        let _ = writeln!(text, "\n   Undo: {}", page.code(&action.undo));
    }
    text
}

/// What has no value: by severity, after what has.
fn unranked(view: &View, page: &mut Page) {
    let groups = unranked::groups(view);
    if groups.is_empty() {
        return;
    }
    page.folded(&unranked::heading(&groups), |page| {
        page.text.push('\n');
        let rows: Vec<String> = groups
            .iter()
            .take(FINDINGS)
            .map(|group| format!("- {}\n", page.cell(&unranked::line(view, group))))
            .collect();
        let left_out = page.rows(rows.into_iter()) + groups.len().saturating_sub(FINDINGS);
        if left_out > 0 {
            page.add(&format!("\n{} more.\n", counted(left_out, "check")));
        }
    });
}

fn path(view: &View, page: &mut Page) {
    let Some((path, cut)) = view.worst_path() else {
        return;
    };
    let summary = format!(
        "Worst path: {} to {}, chance {}",
        page.names.show(&path.entry),
        page.names.show(&path.sink),
        percent(&path.probability)
    );
    page.folded(clipped(&summary, CELL).as_ref(), |page| {
        page.text.push('\n');
        for (i, edge) in path.edges.iter().enumerate() {
            let because: Vec<&str> = edge
                .evidence
                .iter()
                .filter_map(|id| Some(&*view.evidence(*id)?.statement))
                .collect();
            let text = format!(
                "{}. {} → {}: {}",
                i + 1,
                page.code(&edge.kind),
                page.cell(&edge.to),
                page.cell(&because.join("; "))
            );
            page.add(&format!("{}\n", text.trim_end_matches(": ")));
        }
        for change in cut.iter().flat_map(|cut| &cut.changes) {
            let text = format!(
                "\n**Cut:** {} ({})\n",
                page.cell(&change.what),
                page.cell(&change.object.to_string())
            );
            page.add(&text);
        }
    });
}

fn gaps(view: &View, page: &mut Page) {
    let groups = view.gap_groups();
    if groups.is_empty() {
        return;
    }
    let all = view.assessment.ledger.gaps.len();
    page.folded(&format!("Not seen: {}", counted(all, "gap")), |page| {
        page.add("\n| Class | Gaps | Weight | First of them | How to close it |\n| --- | --: | --- | --- | --- |\n");
        let rows: Vec<String> = groups
            .iter()
            .filter_map(|group| {
                let first = group.gaps.first()?;
                let weight = match (group.accepted, group.weight) {
                    (Some(acceptance), _) => page.cell(&sentences::accepted(acceptance)),
                    (None, GapWeight::Hides) => "could hide findings".to_owned(),
                    (None, GapWeight::Widens) => "ranks less sure".to_owned(),
                    (None, GapWeight::Notice) => "notice".to_owned(),
                };
                let close = match &*first.close {
                    "" => String::new(),
                    close => page.code(close),
                };
                Some(line(&[
                    page.cell(group.class),
                    count(group.gaps.len()),
                    weight,
                    page.cell(&first.what),
                    close,
                ]))
            })
            .collect();
        let left_out = page.rows(rows.into_iter());
        if left_out > 0 {
            page.add(&format!("\n{left_out} more classes.\n"));
        }
    });
}

fn findings(view: &View, page: &mut Page) {
    let all = &view.assessment.findings;
    if all.is_empty() {
        return;
    }
    let shown = all.len().min(FINDINGS);
    let summary = if shown < all.len() {
        format!("Findings: the first {shown} of {}", count(all.len()))
    } else {
        format!("Findings: {}", count(all.len()))
    };
    page.folded(&summary, |page| {
        page.add("\n| Score | Finding | Severity | Package | Image | Where | Fix |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        let rows: Vec<String> = all.iter().take(shown).map(|f| finding(view, page, f)).collect();
        let left_out = page.rows(rows.into_iter());
        if left_out > 0 {
            page.add(&format!("\n{} of these do not fit into this comment.\n", count(left_out)));
        }
    });
}

fn finding(view: &View, page: &Page, finding: &Finding) -> String {
    let best = view.best(finding);
    let code = |text: String| {
        if text.is_empty() {
            text
        } else {
            page.code(&text)
        }
    };
    let package = view
        .package(finding)
        .map_or(String::new(), |p| format!("{} {}", p.name, p.version));
    let image = view
        .image(finding)
        .map_or(String::new(), |i| i.name.to_string());
    let place = match (&finding.source, object(finding, best.as_ref())) {
        (Some(source), _) => source.to_string(),
        (None, Some(object)) => object.to_string(),
        (None, None) if best.is_some() => "not seen in a cluster".to_owned(),
        (None, None) => String::new(),
    };
    let fix = match &*finding.fix.versions {
        [] => fix_state(finding.fix.state).to_owned(),
        versions => code(versions.join(", ")),
    };
    let scored = view.score(finding).map(|s| &s.score.points);
    line(&[
        scored.map_or_else(|| "-".into(), |p| inline(&points(p))),
        page.code(&finding.id),
        severity(finding.severity).to_owned(),
        code(package),
        code(image),
        code(place),
        fix,
    ])
}

fn foot(view: &View, page: &mut Page) {
    let about = &view.assessment.about;
    let mut text = String::new();
    if let Some(apart) = sentences::apart(view) {
        let _ = write!(text, "\nApart: {}.\n", page.cell(&apart));
    }
    let _ = write!(
        text,
        "\nPlimsoll {}, {}\n",
        inline(&about.tool_version),
        moment(about.now)
    );
    page.add(&text);
}
