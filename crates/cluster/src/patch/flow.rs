//! Edits of collections between brackets: JSON, and YAML in flow style.
//! Never: a comma too many or too few; what follows commas in the collection follows the new one.

use super::Edit;
use super::render::{self, Quotes};
use super::view::{Step, View};
use crate::tree::{NodeId, ROOT};
use serde_json::Value as Json;

impl View<'_> {
    /// Begin and end of each entry or item that is written between the brackets, in their order.
    fn written(&self, parent: NodeId) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> = self
            .tree
            .entries(parent)
            .map(|(key, value)| {
                let child = Step {
                    parent,
                    key: Some(key),
                    index: 0,
                    written: value,
                    value,
                };
                let end = match self.slot(&[], &child) {
                    Some(slot) => self.end(value).max(slot),
                    None => self.end(value).max(self.end(key)),
                };
                (self.start(key), end)
            })
            .collect();
        if all.is_empty() {
            let items = self.tree.children(parent);
            all = items.map(|id| (self.start(id), self.end(id))).collect();
        }
        let (start, end) = (self.start(parent), self.end(parent));
        all.retain(|one| start < one.0 && one.1 < end);
        all.sort_unstable();
        all
    }

    pub(super) fn remove_flow(&self, path: &[Step], child: &Step) -> Option<Edit> {
        let head = self.head(path, child)?;
        let all = self.written(child.parent);
        let at = all.iter().position(|one| one.0 == head)?;
        let (start, end) = *all.get(at)?;
        let previous = at.checked_sub(1).and_then(|at| all.get(at));
        let (start, end) = match (previous, all.get(at + 1)) {
            (_, Some(next)) => (start, next.0),
            (Some(previous), None) => (previous.1, end),
            // Alone: the brackets stay, a comma behind it goes.
            (None, None) => (
                self.start(child.parent) + 1,
                self.end(child.parent).saturating_sub(1).max(end),
            ),
        };
        Some(Edit {
            start,
            end,
            text: String::new(),
        })
    }

    pub(super) fn set_flow(&self, path: &[Step], child: &Step, value: &Json) -> Option<Edit> {
        let old = child.written;
        let (start, end) = (self.start(old), self.end(old));
        let text = self.between(value, start);
        let Some(slot) = self.slot(path, child) else {
            // `{a}` is `{a: null}`.
            let end = self.end(child.key?);
            return Some(Edit {
                start: end,
                end,
                text: format!(": {text}"),
            });
        };
        if start == end {
            return Some(Edit {
                start: slot,
                end: slot,
                text: format!(" {text}"),
            });
        }
        let text = match value {
            Json::String(_) => render::flow(value, self.quotes(slot, old).between_brackets()),
            _ => text,
        };
        Some(Edit { start, end, text })
    }

    pub(super) fn add_flow(&self, path: &[Step], key: &str, value: &Json) -> Option<Edit> {
        let parent = path.last().map_or(ROOT, |step| step.value);
        let first = self.written(parent).first()?.0;
        let quotes = if self.slice(first, self.text.len()).starts_with('"') {
            Quotes::Json
        } else {
            Quotes::InFlow
        };
        let key = render::flow(&Json::String(key.to_owned()), quotes);
        let colon = if self.style.json && self.style.tight {
            ":"
        } else {
            ": "
        };
        let text = format!("{key}{colon}{}", self.between(value, first));
        self.behind(parent, &text)
    }

    pub(super) fn insert_flow(
        &self,
        path: &[Step],
        before: Option<usize>,
        value: &Json,
    ) -> Option<Edit> {
        let parent = path.last()?.value;
        let all = self.written(parent);
        let text = self.between(value, all.first()?.0);
        let Some(next) = before else {
            return self.behind(parent, &text);
        };
        let at = all.get(next)?.0;
        Some(Edit {
            start: at,
            end: at,
            text: format!("{text}{}", self.separator(parent, &all)),
        })
    }

    fn behind(&self, parent: NodeId, text: &str) -> Option<Edit> {
        let all = self.written(parent);
        let at = all.last()?.1;
        Some(Edit {
            start: at,
            end: at,
            text: format!("{}{text}", self.separator(parent, &all)),
        })
    }

    /// The comma and what follows it between the first two; of one alone, what stands before it.
    fn separator(&self, parent: NodeId, all: &[(usize, usize)]) -> String {
        let space = match all {
            [first, second, ..] => {
                let gap = self.slice(first.1, second.0);
                gap.trim_start().strip_prefix(',').unwrap_or(" ")
            }
            [one] => self.slice(self.start(parent) + 1, one.0),
            [] => " ",
        };
        let blank = space.chars().all(char::is_whitespace);
        let tight = self.style.json && all.len() > 1;
        if blank && (tight || !space.is_empty()) {
            format!(",{space}")
        } else if self.style.json
            && !self
                .slice(self.start(parent), self.end(parent))
                .contains(' ')
        {
            ",".to_owned()
        } else {
            ", ".to_owned()
        }
    }

    /// A value between brackets; on lines of its own where JSON is written so. `near` is in the line of its entry.
    fn between(&self, value: &Json, near: usize) -> String {
        if !self.style.json {
            return render::flow(value, Quotes::InFlow);
        }
        let Some(unit) = &self.style.unit else {
            return if self.style.tight {
                value.to_string()
            } else {
                render::flow(value, Quotes::Json)
            };
        };
        let line = self.slice(self.line_start(near), near);
        let indent = line.len() - line.trim_start().len();
        let indent = line.get(..indent).unwrap_or_default();
        render::lines(value, indent, unit, self.style.eol)
    }
}
