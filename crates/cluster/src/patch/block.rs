//! Edits of collections in block style: whole lines, but for what begins behind a dash.
//! Never: touches a line of another entry, but for comments that belong to what goes.

use super::Edit;
use super::render::{self, Quotes};
use super::view::{Step, View};
use crate::tree::{NodeId, ROOT};
use serde_json::Value as Json;

impl View<'_> {
    pub(super) fn remove_block(&self, path: &[Step], child: &Step) -> Option<Edit> {
        let head = self.head(path, child)?;
        let slot = self.slot(path, child)?;
        if self.is_alone(child, slot) {
            let (last, parents) = path.split_last()?;
            let empty = if child.key.is_some() {
                Json::Object(serde_json::Map::new())
            } else {
                Json::Array(Vec::new())
            };
            return self.set(parents, last, &empty);
        }
        let column = self.column(head);
        let end = self.with_comments_below(self.block_end(slot, child.written), column);
        if !self.leads(head) {
            // Behind a dash: what follows moves up.
            let rest = self.slice(end, self.text.len());
            let next = end + rest.len() - rest.trim_start().len();
            return Some(Edit {
                start: head,
                end: next,
                text: String::new(),
            });
        }
        let first_of_all = child.parent == ROOT && head == self.start(ROOT);
        let mut start = self.line_start(head);
        if !first_of_all {
            start = self.with_comments_above(start, column);
        }
        if end == self.text.len() && !self.text.ends_with('\n') && start > 0 {
            // The file ended without a line end, and does so still.
            let before = self.slice(0, start);
            start = before.strip_suffix('\n').map_or(start, |before| {
                before.strip_suffix('\r').unwrap_or(before).len()
            });
        }
        Some(Edit {
            start,
            end,
            text: String::new(),
        })
    }

    /// Whether nothing else is written in its collection, no merge key either.
    fn is_alone(&self, child: &Step, slot: usize) -> bool {
        let parent = child.parent;
        match child.key {
            Some(key) => {
                self.start(key) == self.start(parent)
                    && self.value_end(slot, child.written) >= self.value_end(slot, parent)
            }
            None => self.tree.children(parent).nth(1).is_none(),
        }
    }

    /// Comments below an entry that are indented deeper than it.
    fn with_comments_below(&self, mut end: usize, column: usize) -> usize {
        let mut at = end;
        while at < self.text.len() {
            let next = self.line_end(at);
            let line = self.slice(at, next);
            let indent = line.len() - line.trim_start().len();
            match line.trim_start() {
                "" => {}
                text if text.starts_with('#') && indent > column => end = next,
                _ => break,
            }
            at = next;
        }
        end
    }

    /// Comments right above an entry and in its column.
    fn with_comments_above(&self, mut start: usize, column: usize) -> usize {
        while start > 0 {
            let line = self.line_start(start - 1);
            let text = self.slice(line, start);
            let indent = text.len() - text.trim_start_matches(' ').len();
            if line >= start || indent != column || !text.trim_start().starts_with('#') {
                break;
            }
            start = line;
        }
        start
    }

    pub(super) fn set_block(&self, path: &[Step], child: &Step, value: &Json) -> Option<Edit> {
        let slot = self.slot(path, child)?;
        let old = child.written;
        let (start, end) = (self.start(old), self.value_end(slot, old));
        let empty = start == self.end(old);
        let lines =
            self.is_block_scalar(slot, old) || self.is_collection(old) && !self.is_flow(old);
        let behind = |at: usize| {
            let text = self.slice(at, self.line_content_end(at)).trim();
            text.starts_with('#').then(|| format!(" {text}"))
        };
        if render::is_inline(value) {
            let text = render::flow(value, self.quotes(slot, old));
            if !lines {
                let (start, space) = if empty { (slot, " ") } else { (start, "") };
                return Some(Edit {
                    start,
                    end: end.max(start),
                    text: format!("{space}{text}"),
                });
            }
            let comment = behind(slot).unwrap_or_default();
            return Some(Edit {
                start: slot,
                end: self.without_line_end(self.block_end(slot, old)),
                text: format!(" {text}{comment}"),
            });
        }
        let comment = behind(if lines { slot } else { end });
        let end = if lines {
            self.without_line_end(self.block_end(slot, old))
        } else if comment.is_some() {
            self.line_content_end(end)
        } else {
            end
        };
        let head = self.head(path, child)?;
        let column = self.column(head);
        let text = match (child.key, comment) {
            (Some(_), comment) => {
                let column = column + self.style.below(value);
                let lines = self.style.block(value, column, true);
                format!("{}{}{lines}", comment.unwrap_or_default(), self.style.eol)
            }
            (None, Some(comment)) => {
                let lines = self.style.block(value, column + 2, true);
                format!("{comment}{}{lines}", self.style.eol)
            }
            (None, None) => format!(" {}", self.style.block(value, column + 2, false)),
        };
        Some(Edit {
            start: slot,
            end,
            text,
        })
    }

    /// The quotes of a text stay.
    pub(super) fn quotes(&self, slot: usize, old: NodeId) -> Quotes {
        let written = self.slice(self.start(old).max(slot), self.end(old));
        match written.bytes().next() {
            _ if self.style.json => Quotes::Json,
            Some(b'"') => Quotes::Double,
            Some(b'\'') => Quotes::Single,
            _ => Quotes::AsNeeded,
        }
    }

    fn without_line_end(&self, end: usize) -> usize {
        let text = self.slice(0, end);
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text).len()
    }

    pub(super) fn add_block(&self, path: &[Step], key: &str, value: &Json) -> Edit {
        let parent = path.last().map_or(ROOT, |step| step.value);
        let column = self.column(self.start(parent));
        let entry = Json::Object([(key.to_owned(), value.clone())].into_iter().collect());
        let lines = self.style.block(&entry, column, true);
        self.append(parent, column, &lines)
    }

    /// Lines behind all of a collection's.
    fn append(&self, parent: NodeId, column: usize, lines: &str) -> Edit {
        let end = self.block_end(self.start(parent), parent);
        let at = self.with_comments_below(end, column);
        let eol = self.style.eol;
        let text = if self.slice(0, at).ends_with('\n') {
            format!("{lines}{eol}")
        } else {
            format!("{eol}{lines}")
        };
        Edit {
            start: at,
            end: at,
            text,
        }
    }

    pub(super) fn insert_block(
        &self,
        path: &[Step],
        before: Option<usize>,
        value: &Json,
    ) -> Option<Edit> {
        let parent = path.last()?.value;
        let step = |index: usize| {
            let written = self.tree.children(parent).nth(index)?;
            Some(Step {
                parent,
                key: None,
                index,
                written,
                value: written,
            })
        };
        let column = self.column(self.head(path, &step(0)?)?);
        let item = Json::Array(vec![value.clone()]);
        let lines = |indented| self.style.block(&item, column, indented);
        let eol = self.style.eol;
        let Some(index) = before else {
            return Some(self.append(parent, column, &lines(true)));
        };
        let head = self.head(path, &step(index)?)?;
        if !self.leads(head) {
            // Behind a dash: what stands there moves down.
            return Some(Edit {
                start: head,
                end: head,
                text: format!("{}{eol}{}", lines(false), " ".repeat(column)),
            });
        }
        let at = self.with_comments_above(self.line_start(head), column);
        Some(Edit {
            start: at,
            end: at,
            text: format!("{}{eol}", lines(true)),
        })
    }
}
