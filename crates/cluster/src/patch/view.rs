//! A document's tree beside its text: where keys, dashes, values and their lines stand.
//! Comes in: a text and the tree of it. Goes out: byte positions, edits by the style of the place. Never: a value.

use super::{Edit, Refused, render::Style};
use crate::tree::{Document, NodeId, ROOT, Value};
use semantics::json_patch::index;
use serde_json::Value as Json;

pub(super) struct View<'t> {
    pub(super) text: &'t str,
    pub(super) tree: &'t Document<'t>,
    pub(super) style: Style,
}

/// One step down: the entry or item of a collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The collection, no alias.
    pub(super) parent: NodeId,
    /// The key's node; none of an item.
    pub(super) key: Option<NodeId>,
    /// Which child.
    pub(super) index: usize,
    /// As it stands there: perhaps an alias.
    pub(super) written: NodeId,
    /// The value; another node only where `written` is the shadow of a node beside a merge key.
    pub(super) value: NodeId,
}

impl<'t> View<'t> {
    pub(super) fn new(text: &'t str, tree: &'t Document<'t>) -> Self {
        let mut view = View {
            text,
            tree,
            style: Style::default(),
        };
        view.style = Style::of(&view);
        view
    }

    /// The steps to a place, which must not lead through an alias.
    pub(super) fn walk(&self, tokens: &[String]) -> Result<Vec<Step>, Refused> {
        let mut path = Vec::new();
        let mut at = ROOT;
        for token in tokens {
            let step = self.child(at, token)?.ok_or(Refused::Shared)?;
            if self.is_alias(step.value) {
                return Err(Refused::Shared);
            }
            at = step.value;
            path.push(step);
        }
        Ok(path)
    }

    /// An entry or item that is written in this collection; none where it is absent, is merged into it, or is `-`.
    pub(super) fn child(&self, parent: NodeId, token: &str) -> Result<Option<Step>, Refused> {
        let own = |id: NodeId| match self.tree.node(id).map(|node| &node.value) {
            Some(Value::Alias(target)) if self.start(*target) == self.start(id) => *target,
            _ => id,
        };
        match self.tree.value(parent) {
            Value::Mapping(_) => {
                let mut entries = self.tree.entries(parent).enumerate();
                let found = entries.find(|(_, (key, _))| self.tree.as_text(*key) == Some(token));
                Ok(found
                    .filter(|(_, (key, _))| self.is_within(*key, parent))
                    .map(|(index, (key, value))| Step {
                        parent,
                        key: Some(key),
                        index,
                        written: value,
                        value: own(value),
                    }))
            }
            Value::Sequence(_) if token == "-" => Ok(None),
            Value::Sequence(_) => {
                let Some(index) = index(token) else {
                    return Err(Refused::NotFound);
                };
                let found = self.tree.children(parent).nth(index);
                Ok(found.map(|value| Step {
                    parent,
                    key: None,
                    index,
                    written: value,
                    value: own(value),
                }))
            }
            _ => Err(Refused::NotFound),
        }
    }

    fn is_within(&self, id: NodeId, collection: NodeId) -> bool {
        (self.start(collection)..=self.end(collection)).contains(&self.start(id))
    }

    pub(super) fn is_alias(&self, id: NodeId) -> bool {
        let node = self.tree.node(id).map(|node| &node.value);
        matches!(node, Some(Value::Alias(_)))
    }

    pub(super) fn start(&self, id: NodeId) -> usize {
        self.tree.node(id).map_or(0, |node| node.start as usize)
    }

    pub(super) fn end(&self, id: NodeId) -> usize {
        self.tree.node(id).map_or(0, |node| node.end as usize)
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end.max(start)).unwrap_or_default()
    }

    /// Whether a collection is written with brackets. The reader lets a block sequence that is not indented begin at its
    /// first item, so a bracket there may be the item's.
    pub(super) fn is_flow(&self, id: NodeId) -> bool {
        let first = self.tree.children(id).next().map(|child| self.start(child));
        self.is_collection(id)
            && self
                .slice(self.start(id), self.text.len())
                .starts_with(['{', '['])
            && first.is_none_or(|first| first > self.start(id))
    }

    /// Whether the entries of what the path leads to stand between brackets, or would.
    pub(super) fn in_flow(&self, path: &[Step]) -> bool {
        self.is_flow(path.last().map_or(ROOT, |step| step.value))
    }

    pub(super) fn is_collection(&self, id: NodeId) -> bool {
        let node = self.tree.node(id).map(|node| &node.value);
        matches!(node, Some(Value::Mapping(_) | Value::Sequence(_)))
    }

    /// Where the line of this byte begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        let before = self.slice(0, at);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let mark = '\u{FEFF}';
        if start == 0 && before.starts_with(mark) {
            return mark.len_utf8();
        }
        start
    }

    /// After the line's end.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at, self.text.len());
        rest.find('\n')
            .map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// Before the line's end.
    pub(super) fn line_content_end(&self, at: usize) -> usize {
        let line = self.slice(at, self.line_end(at));
        at + line.trim_end_matches(['\n', '\r']).len()
    }

    /// Characters before this byte in its line.
    pub(super) fn column(&self, at: usize) -> usize {
        self.slice(self.line_start(at), at).chars().count()
    }

    /// Whether only spaces stand before this byte in its line.
    pub(super) fn leads(&self, at: usize) -> bool {
        self.slice(self.line_start(at), at)
            .bytes()
            .all(|b| b == b' ')
    }

    /// The key, or the dash of a block sequence, that an entry or item begins with.
    pub(super) fn head(&self, path: &[Step], child: &Step) -> Option<usize> {
        if let Some(key) = child.key {
            return Some(self.start(key));
        }
        if self.is_flow(child.parent) {
            return Some(self.start(child.written));
        }
        let before = if let Some(previous) = child.index.checked_sub(1) {
            self.end(self.tree.children(child.parent).nth(previous)?)
        } else {
            let (last, parents) = path.split_last()?;
            self.slot(parents, last)?
        };
        let mut at = self.skip_trivia(before);
        // The reader lets a value that is not there end before its colon.
        if self.slice(at, self.text.len()).starts_with(':') {
            at = self.skip_trivia(at + 1);
        }
        self.slice(at, self.text.len())
            .starts_with('-')
            .then_some(at)
    }

    /// Past spaces, line ends, comments, anchors and tags.
    fn skip_trivia(&self, mut at: usize) -> usize {
        loop {
            let rest = self.slice(at, self.text.len());
            let trimmed = rest.trim_start();
            at += rest.len() - trimmed.len();
            if trimmed.starts_with('#') {
                at = self.line_end(at);
            } else if trimmed.starts_with(['&', '!']) {
                let word = trimmed.find(char::is_whitespace);
                at += word.unwrap_or(trimmed.len());
            } else {
                return at;
            }
        }
    }

    /// After the colon or dash that a value follows; none where there is no colon.
    pub(super) fn slot(&self, path: &[Step], child: &Step) -> Option<usize> {
        let Some(key) = child.key else {
            let head = self.head(path, child)?;
            return Some(if self.is_flow(child.parent) {
                head
            } else {
                head + 1
            });
        };
        let after = self.end(key);
        let rest = self.slice(after, self.text.len());
        let trimmed = rest.trim_start();
        let colon = after + rest.len() - trimmed.len();
        trimmed.starts_with(':').then_some(colon + 1)
    }

    /// After the last byte of a value, without the line ends that the reader counts to block scalars.
    pub(super) fn value_end(&self, slot: usize, id: NodeId) -> usize {
        let own = self.slice(self.start(id), self.end(id)).trim_end();
        if self.start(id) == self.end(id) && !self.is_collection(id) {
            slot
        } else {
            slot.max(self.start(id) + own.len())
        }
    }

    /// After the last line of a value in block style.
    pub(super) fn block_end(&self, slot: usize, id: NodeId) -> usize {
        let (end, raw) = (self.value_end(slot, id), self.end(id));
        let blank = self.slice(end, raw).bytes().filter(|b| *b == b'\n').count() > 1;
        if blank && self.keeps_lines(id) && self.slice(0, raw).ends_with('\n') {
            return raw;
        }
        self.line_end(end)
    }

    /// Whether the last scalar is one whose blank lines at the end count: `|+`.
    fn keeps_lines(&self, id: NodeId) -> bool {
        let mut leaf = id;
        while let (true, Some(last)) = (self.is_collection(leaf), self.tree.children(leaf).last()) {
            leaf = last;
        }
        let before = self.slice(0, self.start(leaf));
        let header = before.rfind(['|', '>']).and_then(|at| before.get(at + 1..));
        header.is_some_and(|text| {
            let end = text.find(|c: char| !c.is_ascii_digit() && c != '+' && c != '-');
            text.get(..end.unwrap_or(text.len()))
                .is_some_and(|text| text.contains('+'))
        })
    }

    /// Whether a value is a scalar of the styles `|` and `>`.
    pub(super) fn is_block_scalar(&self, slot: usize, id: NodeId) -> bool {
        let header = self.slice(slot, self.start(id));
        let at = self.skip_trivia(slot);
        matches!(self.tree.value(id), Value::Text(_))
            && header.contains('\n')
            && at < self.start(id)
            && self.slice(at, self.text.len()).starts_with(['|', '>'])
    }

    /// Takes an entry or item out.
    pub(super) fn remove(&self, path: &[Step], child: &Step) -> Option<Edit> {
        if self.in_flow(path) {
            self.remove_flow(path, child)
        } else {
            self.remove_block(path, child)
        }
    }

    /// Gives an entry or item another value.
    pub(super) fn set(&self, path: &[Step], child: &Step, value: &Json) -> Option<Edit> {
        if self.in_flow(path) {
            self.set_flow(path, child, value)
        } else {
            self.set_block(path, child, value)
        }
    }

    /// Puts a new entry behind the others of a mapping.
    pub(super) fn add(&self, path: &[Step], key: &str, value: &Json) -> Option<Edit> {
        if let Some((parents, last)) = self.empty(path) {
            let entry = [(key.to_owned(), value.clone())];
            return self.set(parents, last, &Json::Object(entry.into_iter().collect()));
        }
        if self.in_flow(path) {
            self.add_flow(path, key, value)
        } else {
            Some(self.add_block(path, key, value))
        }
    }

    /// Puts a new item into a sequence: before the one of this index, or behind all.
    pub(super) fn insert(
        &self,
        path: &[Step],
        before: Option<usize>,
        value: &Json,
    ) -> Option<Edit> {
        if let Some((parents, last)) = self.empty(path) {
            return self.set(parents, last, &Json::Array(vec![value.clone()]));
        }
        if self.in_flow(path) {
            self.insert_flow(path, before, value)
        } else {
            self.insert_block(path, before, value)
        }
    }

    /// The collection that a path leads to, where it is `{}` or `[]`: those are written anew, in the style of what is
    /// around them.
    fn empty<'p>(&self, path: &'p [Step]) -> Option<(&'p [Step], &'p Step)> {
        let (last, parents) = path.split_last()?;
        let empty = self.tree.children(last.value).next().is_none() && self.is_flow(last.value);
        empty.then_some((parents, last))
    }
}
