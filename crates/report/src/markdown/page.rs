//! One page of GitHub Flavored Markdown that grows until it is full: rows, cells, folded parts. In: text of any origin.
//! Out: the same text, in which nothing is a link, an image, a mention, an issue reference, markup or a math block.

use crate::escape::{markup, visible};
use crate::names::Names;
use std::borrow::Cow;

/// GitHub refuses a longer comment; bytes are never fewer than characters.
const LIMIT: usize = 65_536;
/// Kept free for what closes the open parts.
const RESERVE: usize = 2_000;
/// Characters of a cell.
pub(crate) const CELL: usize = 300;

pub(crate) struct Page<'n> {
    pub(crate) text: String,
    pub(crate) names: &'n Names,
}

impl Page<'_> {
    /// A name or sentence as text of one line.
    pub(crate) fn cell(&self, text: &str) -> String {
        inline(clipped(&self.names.show(text), CELL).as_ref())
    }

    pub(crate) fn code(&self, text: &str) -> String {
        code(clipped(&self.names.show(text), CELL).as_ref())
    }

    /// Adds the text if it still fits.
    pub(crate) fn add(&mut self, text: &str) -> bool {
        let fits = self.text.len() + text.len() + RESERVE <= LIMIT;
        if fits {
            self.text.push_str(text);
        }
        fits
    }

    /// Rows until they no longer fit; how many were left out.
    pub(crate) fn rows(&mut self, rows: impl ExactSizeIterator<Item = String>) -> usize {
        let all = rows.len();
        for (i, row) in rows.enumerate() {
            if !self.add(&row) {
                return all - i;
            }
        }
        0
    }

    /// A folded part; its head is left out where even that does not fit.
    pub(crate) fn folded(&mut self, summary: &str, body: impl FnOnce(&mut Self)) {
        // An HTML block: no Markdown inside, but mentions and references would be found.
        let summary = markup(summary)
            .replace('@', "@<!-- -->")
            .replace('#', "#<!-- -->");
        let head = format!("\n<details>\n<summary>{summary}</summary>\n");
        if self.add(&head) {
            body(self);
            self.text.push_str("\n</details>\n");
        }
    }
}

/// A row of a table; an empty cell is one space.
pub(crate) fn line(cells: &[String]) -> String {
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
pub(crate) fn code(text: &str) -> String {
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
pub(crate) fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

pub(crate) fn clipped(text: &str, characters: usize) -> Cow<'_, str> {
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
