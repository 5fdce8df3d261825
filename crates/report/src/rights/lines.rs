//! Words and lines that the views of rights share. Never: a line that is cut, a name that steers the terminal.

use crate::escape::visible;
use model::evidence::{Gap, GapWeight};
use model::object::ObjectRef;
use model::rights::{MissingRole, Named};
use model::text::Text;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

const LEAST_WIDTH: usize = 40;
/// Roles that were not seen, told one by one.
const MOST_MISSING: usize = 5;

/// Writes words into lines of a width; what follows the first line is indented as far as `hang` says.
pub(super) struct Lines<'a> {
    pub(super) out: &'a mut dyn Write,
    pub(super) width: usize,
}

impl Lines<'_> {
    /// `first` stands before the text, `hang` blanks before each further line.
    pub(super) fn put(&mut self, first: &str, hang: usize, text: &str) -> io::Result<()> {
        let width = self.width.max(LEAST_WIDTH);
        let mut line = visible(first).into_owned();
        let mut empty = true;
        for word in text.split(' ') {
            let word = visible(word);
            if !empty && line.width() + 1 + word.width() > width {
                writeln!(self.out, "{}", line.trim_end())?;
                line = " ".repeat(hang);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(&word);
            empty = false;
        }
        writeln!(self.out, "{}", line.trim_end())
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn missing(&mut self, missing: &[MissingRole]) -> io::Result<()> {
        let latent = missing.first().is_some_and(|role| role.latent);
        if missing.is_empty() {
            return Ok(());
        }
        self.blank()?;
        self.put(
            "",
            0,
            if latent {
                "Roles that are not there; they grant nothing until somebody makes them:"
            } else {
                "Roles that were not seen; what they grant is not known:"
            },
        )?;
        for role in missing.iter().take(MOST_MISSING) {
            let text = format!("{} -> {}", role.binding, role.role);
            self.put("  ", 6, &text)?;
        }
        if let Some(more) = missing.len().checked_sub(MOST_MISSING).filter(|n| *n > 0) {
            self.put("  ", 6, &format!("and {more} more"))?;
        }
        Ok(())
    }

    /// What could change the answer, then what is to know.
    pub(super) fn notes(&mut self, gaps: &[Gap], notes: &[Text]) -> io::Result<()> {
        if gaps.is_empty() && notes.is_empty() {
            return Ok(());
        }
        self.blank()?;
        for gap in gaps {
            let sign = match gap.weight {
                GapWeight::Hides => "! ",
                GapWeight::Widens => "~ ",
                GapWeight::Notice => "- ",
            };
            self.put(sign, 2, &gap.what)?;
            if !gap.close.is_empty() {
                self.put("  close it: ", 12, &gap.close)?;
            }
        }
        for note in notes {
            self.put("- ", 2, note)?;
        }
        Ok(())
    }
}

/// `ServiceAccount shop/web`.
pub(super) fn subject(subject: &Named) -> String {
    match &subject.namespace {
        Some(namespace) => format!("{} {namespace}/{}", subject.kind, subject.name),
        None => format!("{} {}", subject.kind, subject.name),
    }
}

/// `ClusterRoleBinding web -> ClusterRole edit`; a role of the binding's own namespace without it.
pub(super) fn grant(binding: &ObjectRef, role: &ObjectRef) -> String {
    format!("{binding} -> {} {}", role.kind, role.name)
}

/// `1 subject`, `2 subjects`.
pub(super) fn count(n: usize, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}
