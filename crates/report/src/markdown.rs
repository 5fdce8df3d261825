//! A pull-request comment: verdict, coverage, queue, and the rest folded up.
//! Stays under GitHub's 65,536 characters by leaving out rows and saying so. Never lets a name
//! become a link, an image, a mention, an issue reference, markup or a math block.

use crate::escape::visible;
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
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// GitHub refuses a longer comment; bytes are never fewer than characters.
const LIMIT: usize = 65_536;
/// Kept free for what closes the open parts.
const RESERVE: usize = 2_000;
/// Findings that are listed at most.
const FINDINGS: usize = 100;
/// Characters of a cell.
const CELL: usize = 300;

struct Page<'n> {
    text: String,
    names: &'n Names,
}

/// Writes the comment.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let mut page = Page {
        text: String::new(),
        names: &names,
    };
    head(view, &mut page);
    queue(view, &mut page);
    unranked(view, &mut page);
    path(view, &mut page);
    gaps(view, &mut page);
    findings(view, &mut page);
    foot(view, &mut page);
    out.write_all(page.text.as_bytes())
}

impl Page<'_> {
    /// A name or sentence as text of one line.
    fn cell(&self, text: &str) -> String {
        inline(clipped(&self.names.show(text), CELL).as_ref())
    }

    fn code(&self, text: &str) -> String {
        code(clipped(&self.names.show(text), CELL).as_ref())
    }

    /// Adds the text if it still fits.
    fn add(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() + RESERVE <= LIMIT;
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// Rows until they no longer fit; how many were left out.
    fn rows(&mut self, rows: impl ExactSizeIterator<Item = String>) -> usize {
        let all = rows.len();
        for (i, row) in rows.enumerate() {
            if !self.add(&row) {
                return all - i;
            }
        }
        0
    }

    /// A folded part; its head is left out where even that does not fit.
    fn folded(&mut self, summary: &str, body: impl FnOnce(&mut Self)) {
        // An HTML block: no Markdown inside, but mentions and references would be found.
        let summary = crate::escape::html(summary)
            .replace('@', "@<!-- -->")
            .replace('#', "#<!-- -->");
        let head = format!("\n<details>\n<summary>{summary}</summary>\n");
        if self.add(&head) {
            body(self);
            self.text.push_str("\n</details>\n");
        }
    }
}

fn head(view: &View, page: &mut Page) {
    let (sign, word) = match view.verdict.outcome {
        Outcome::Passed => ("✅", "passed"),
        Outcome::Failed => ("❌", "failed"),
        Outcome::NotCompleted => ("⚠️", "not completed"),
    };
    let _ = writeln!(page.text, "## {sign} Plimsoll: {word}\n");
    let reasons = view.verdict.reasons.iter().chain(&view.verdict.notices).take(20);
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

/// A row of a table; an empty cell is one space.
fn line(cells: &[String]) -> String {
    let mut out = String::from("|");
    for cell in cells {
        out.push(' ');
        if !cell.is_empty() {
            out.push_str(cell);
            out.push(' ');
        }
        out.push('|');
    }
    out.push('\n');
    out
}

/// Text that stands for itself in GitHub Flavored Markdown, in a paragraph and in a table cell.
pub(crate) fn inline(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or("");
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A comment between sign and name: mentions and references are looked for in the text.
            '@' => out.push_str("@<!-- -->"),
            '#' if rest.starts_with(|c: char| c.is_ascii_digit()) => out.push_str("#<!-- -->"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Extended autolinks begin with `http://` and `www.`.
            ':' if rest.starts_with('/') => out.push_str("\\:"),
            '.' if out
                .get(out.len().saturating_sub(3)..)
                .is_some_and(|www| www.eq_ignore_ascii_case("www")) =>
            {
                out.push_str("\\.");
            }
            c => out.push(c),
        }
    }
    out
}

/// A code span (CommonMark 6.1) that may stand in a table.
fn code(text: &str) -> String {
    let text = visible(text);
    if text.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!(
        "{ticks}{pad}{}{pad}{ticks}",
        text.trim().replace('|', "\\|")
    )
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn clipped(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or(""))),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_for_itself() {
        for (text, expected) in [
            ("plain text, 1.2-3", "plain text, 1.2-3"),
            ("a|b", "a\\|b"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("@here fix #12", "@<!-- -->here fix #<!-- -->12"),
            (
                "[x](https://evil.example)",
                "\\[x\\](https\\://evil.example)",
            ),
            ("www.evil.example", "www\\.evil.example"),
            ("`a` *b* _c_ $d$", "\\`a\\` \\*b\\* \\_c\\_ \\$d\\$"),
            ("a\nb", "a\\\\nb"),
        ] {
            assert_eq!(inline(text), expected);
        }
    }

    #[test]
    fn code_spans() {
        for (text, expected) in [
            ("a", "`a`"),
            ("a|b", "`a\\|b`"),
            ("a`b", "``a`b``"),
            ("`a`", "`` `a` ``"),
            ("", ""),
        ] {
            assert_eq!(code(text), expected);
        }
    }
}
