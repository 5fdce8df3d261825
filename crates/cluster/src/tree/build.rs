//! Puts scalars, openings and endings together into a [`Document`]; both readers use it.
//! Keeps the limits, resolves keys and merges, and refuses duplicate keys.

use super::{
    Document, MAX_DEPTH, MAX_NODES, NONE, Node, NodeId, TreeErrorKind, Value, scalar::json_number,
};
use std::borrow::Cow;

/// Values that aliases may stand for: what goyaml allows small documents (400,000), or eight times what was read.
const ALIAS_NODES: u64 = 400_000;
const ALIAS_FACTOR: u64 = 8;

/// Outgrown by aliases: how many nodes and bytes a node stands for when all aliases in it are written out.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    nodes: u64,
    bytes: u64,
    height: usize,
}

/// What an anchor names.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    pub(super) node: NodeId,
    pub(super) size: Size,
}

struct Open {
    node: NodeId,
    last: NodeId,
    /// Children so far.
    count: u32,
    mapping: bool,
    /// Because of aliases below it.
    extra: Size,
    height: usize,
}

pub(super) struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    open: Vec<Open>,
    /// Keys `<<` of open mappings, the innermost last.
    merges: Vec<NodeId>,
    scratch: Vec<(NodeId, NodeId)>,
    /// Spent by aliases of the whole file.
    spent: Size,
    limit: Size,
}

type Outcome<T> = Result<T, TreeErrorKind>;

impl<'a> Builder<'a> {
    pub(super) fn new(input_bytes: usize) -> Self {
        let bytes = input_bytes as u64;
        Builder {
            nodes: Vec::new(),
            open: Vec::new(),
            merges: Vec::new(),
            scratch: Vec::new(),
            spent: Size::default(),
            limit: Size {
                nodes: ALIAS_NODES.max(bytes.saturating_mul(ALIAS_FACTOR)),
                bytes: (ALIAS_FACTOR * ALIAS_NODES).max(bytes.saturating_mul(ALIAS_FACTOR)),
                height: 0,
            },
        }
    }

    /// Whether the root is complete.
    pub(super) fn complete(&self) -> bool {
        self.open.is_empty() && !self.nodes.is_empty()
    }

    pub(super) fn inside(&self) -> Option<bool> {
        self.open.last().map(|open| open.mapping)
    }

    /// Whether the next child of the innermost collection is a key.
    pub(super) fn expects_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| open.mapping && open.count.is_multiple_of(2))
    }

    /// Children of the innermost collection.
    pub(super) fn count(&self) -> u32 {
        self.open.last().map_or(0, |open| open.count)
    }

    pub(super) fn take(&mut self, index: u32, start: u32) -> Document<'a> {
        self.open.clear();
        self.merges.clear();
        Document {
            nodes: std::mem::take(&mut self.nodes),
            index,
            start,
        }
    }

    pub(super) fn scalar(&mut self, value: Value<'a>, start: u32, end: u32) -> Outcome<Anchor> {
        let value = if self.expects_key() {
            key_text(value)?
        } else {
            value
        };
        let node = self.push(value, start, end)?;
        let size = Size {
            nodes: 1,
            bytes: u64::from(end.saturating_sub(start)),
            height: 0,
        };
        Ok(Anchor { node, size })
    }

    /// A key `<<` that was written plain.
    pub(super) fn merge_key(&mut self, start: u32, end: u32) -> Outcome<Anchor> {
        let anchor = self.scalar(Value::Text(Cow::Borrowed("<<")), start, end)?;
        self.merges.push(anchor.node);
        Ok(anchor)
    }

    pub(super) fn alias(&mut self, target: Anchor, start: u32, end: u32) -> Outcome<()> {
        let Anchor { node, size } = target;
        if self.open.iter().any(|open| open.node == node) {
            return Err(TreeErrorKind::AliasCycle);
        }
        if self.open.len() + size.height > MAX_DEPTH {
            return Err(TreeErrorKind::TooDeep);
        }
        self.spend(size)?;
        if self.expects_key() {
            let value = self
                .nodes
                .get(node as usize)
                .map_or(Value::Null, |node| node.value.clone());
            self.push(key_text(value)?, start, end)?;
            return Ok(());
        }
        self.push(Value::Alias(node), start, end)?;
        if let Some(open) = self.open.last_mut() {
            open.extra.nodes = open.extra.nodes.saturating_add(size.nodes);
            open.extra.bytes = open.extra.bytes.saturating_add(size.bytes);
            open.height = open.height.max(size.height);
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, mapping: bool, start: u32) -> Outcome<NodeId> {
        if self.expects_key() {
            return Err(TreeErrorKind::KeyNotScalar);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(TreeErrorKind::TooDeep);
        }
        let value = if mapping {
            Value::Mapping(NONE)
        } else {
            Value::Sequence(NONE)
        };
        let node = self.push(value, start, start)?;
        self.open.push(Open {
            node,
            last: NONE,
            count: 0,
            mapping,
            extra: Size::default(),
            height: 0,
        });
        Ok(node)
    }

    /// Ends the innermost collection. `end` is given where the text says it (a bracket).
    pub(super) fn finish(&mut self, end: Option<u32>) -> Result<Anchor, (TreeErrorKind, u32)> {
        let Some(open) = self.open.pop() else {
            return Err((TreeErrorKind::Yaml("unexpected end of a collection"), 0));
        };
        if open.mapping {
            self.check_keys(&open)?;
        }
        let last_end = self.nodes.get(open.last as usize).map(|node| node.end);
        let mut size = Size {
            nodes: open.extra.nodes + (self.nodes.len() as u64 - u64::from(open.node)),
            bytes: open.extra.bytes,
            height: open.height + 1,
        };
        if let Some(node) = self.nodes.get_mut(open.node as usize) {
            node.end = end.or(last_end).unwrap_or(node.end).max(node.start);
            size.bytes += u64::from(node.end - node.start);
        }
        if let Some(parent) = self.open.last_mut() {
            parent.extra.nodes = parent.extra.nodes.saturating_add(open.extra.nodes);
            parent.extra.bytes = parent.extra.bytes.saturating_add(open.extra.bytes);
            parent.height = parent.height.max(size.height);
        }
        Ok(Anchor {
            node: open.node,
            size,
        })
    }

    fn spend(&mut self, size: Size) -> Outcome<()> {
        self.spent.nodes = self.spent.nodes.saturating_add(size.nodes);
        self.spent.bytes = self.spent.bytes.saturating_add(size.bytes);
        if self.spent.nodes > self.limit.nodes || self.spent.bytes > self.limit.bytes {
            return Err(TreeErrorKind::AliasBudget);
        }
        Ok(())
    }

    fn push(&mut self, value: Value<'a>, start: u32, end: u32) -> Outcome<NodeId> {
        if self.nodes.len() >= MAX_NODES {
            return Err(TreeErrorKind::TooManyNodes);
        }
        let id = self.append(value, start, end);
        let Some(open) = self.open.last_mut() else {
            return Ok(id);
        };
        let last = std::mem::replace(&mut open.last, id);
        open.count = open.count.saturating_add(1);
        let parent = open.node;
        self.link(parent, last, id);
        Ok(id)
    }

    fn append(&mut self, value: Value<'a>, start: u32, end: u32) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(Node {
            value,
            start,
            end,
            next: NONE,
        });
        id
    }

    /// Hangs `id` behind `last`, or as the first child of `parent`.
    fn link(&mut self, parent: NodeId, last: NodeId, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(last as usize) {
            node.next = id;
        } else if let Some(node) = self.nodes.get_mut(parent as usize) {
            match &mut node.value {
                Value::Sequence(first) | Value::Mapping(first) => *first = id,
                _ => {}
            }
        }
    }

    fn check_keys(&mut self, open: &Open) -> Result<(), (TreeErrorKind, u32)> {
        let merging = self.merges.last().is_some_and(|key| *key > open.node);
        let mut entries = std::mem::take(&mut self.scratch);
        entries.clear();
        self.entries_of(open.node, &mut entries);
        if merging {
            entries.retain(|(key, _)| !self.is_merge(*key));
        }
        let result = self.refuse_duplicates(&mut entries).and_then(|()| {
            if merging {
                self.merge(open.node)
            } else {
                Ok(())
            }
        });
        self.scratch = entries;
        result
    }

    fn entries_of(&self, mapping: NodeId, entries: &mut Vec<(NodeId, NodeId)>) {
        let first = match self.nodes.get(mapping as usize).map(|node| &node.value) {
            Some(Value::Mapping(first)) => *first,
            _ => NONE,
        };
        let mut key = first;
        while let Some(node) = self.nodes.get(key as usize) {
            entries.push((key, node.next));
            key = self
                .nodes
                .get(node.next as usize)
                .map_or(NONE, |value| value.next);
        }
    }

    fn key(&self, id: NodeId) -> &str {
        match self.nodes.get(id as usize).map(|node| &node.value) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// Leaves `entries` in any order. Compares a few, sorts many: a hash could be made to collide.
    fn refuse_duplicates(
        &self,
        entries: &mut [(NodeId, NodeId)],
    ) -> Result<(), (TreeErrorKind, u32)> {
        let second = if entries.len() <= 12 {
            entries.iter().enumerate().find_map(|(at, (key, _))| {
                let name = self.key(*key);
                let before = entries.get(..at).unwrap_or_default();
                before
                    .iter()
                    .any(|(other, _)| self.key(*other) == name)
                    .then_some(*key)
            })
        } else {
            entries.sort_unstable_by(|(a, _), (b, _)| {
                self.key(*a).cmp(self.key(*b)).then_with(|| a.cmp(b))
            });
            entries.windows(2).find_map(|pair| match pair {
                [(a, _), (b, _)] if self.key(*a) == self.key(*b) => Some(*b),
                _ => None,
            })
        };
        match second.and_then(|key| self.nodes.get(key as usize)) {
            Some(key) => Err((TreeErrorKind::DuplicateKey, key.start)),
            None => Ok(()),
        }
    }

    /// The ids are kept in rising order.
    fn is_merge(&self, key: NodeId) -> bool {
        self.merges.binary_search(&key).is_ok()
    }

    /// Replaces the entries `<<` of a mapping by what they bring, in goyaml.v2's order: each later one sets the key again.
    fn merge(&mut self, mapping: NodeId) -> Result<(), (TreeErrorKind, u32)> {
        let mut own = Vec::new();
        self.entries_of(mapping, &mut own);
        let mut result: Vec<(NodeId, NodeId)> = Vec::new();
        for (key, value) in own {
            if !self.is_merge(key) {
                result.push((key, value));
                continue;
            }
            let start = self.nodes.get(key as usize).map_or(0, |node| node.start);
            for source in self
                .sources(value)
                .ok_or((TreeErrorKind::MergeNotMapping, start))?
            {
                self.entries_of(source, &mut result);
            }
        }
        while self.merges.last().is_some_and(|key| *key > mapping) {
            self.merges.pop();
        }
        let mut order: Vec<usize> = (0..result.len()).collect();
        let entry = |at: usize| result.get(at).copied().unwrap_or((NONE, NONE));
        order.sort_by(|a, b| {
            self.key(entry(*a).0)
                .cmp(self.key(entry(*b).0))
                .then_with(|| b.cmp(a))
        });
        order.dedup_by(|later, first| self.key(entry(*later).0) == self.key(entry(*first).0));
        order.sort_unstable();
        let kept: Vec<(NodeId, NodeId)> = order.into_iter().map(entry).collect();
        self.relink(mapping, &kept)
    }

    /// The mappings that a value of `<<` names, in the order in which they are applied.
    fn sources(&self, value: NodeId) -> Option<Vec<NodeId>> {
        let (id, node) = self.follow(value)?;
        match node {
            Value::Mapping(_) => Some(vec![id]),
            Value::Sequence(first) => {
                let mut items = Vec::new();
                let mut next = *first;
                while let Some(node) = self.nodes.get(next as usize) {
                    let (id, Value::Mapping(_)) = self.follow(next)? else {
                        return None;
                    };
                    items.push(id);
                    next = node.next;
                }
                items.reverse();
                Some(items)
            }
            _ => None,
        }
    }

    fn follow(&self, id: NodeId) -> Option<(NodeId, &Value<'a>)> {
        let node = self.nodes.get(id as usize)?;
        match &node.value {
            Value::Alias(target) => Some((*target, &self.nodes.get(*target as usize)?.value)),
            other => Some((id, other)),
        }
    }

    /// Gives the mapping new entries: copies of the keys and aliases to the values, at the places where they were written.
    fn relink(
        &mut self,
        mapping: NodeId,
        entries: &[(NodeId, NodeId)],
    ) -> Result<(), (TreeErrorKind, u32)> {
        if let Some(node) = self.nodes.get_mut(mapping as usize) {
            node.value = Value::Mapping(NONE);
        }
        let mut last = NONE;
        for (key, value) in entries {
            if self.nodes.len() + 2 > MAX_NODES {
                return Err((TreeErrorKind::TooManyNodes, 0));
            }
            let (Some(name), Some((target, _))) =
                (self.nodes.get(*key as usize).cloned(), self.follow(*value))
            else {
                continue;
            };
            let (start, end) = self
                .nodes
                .get(*value as usize)
                .map_or((0, 0), |node| (node.start, node.end));
            let key = self.append(name.value, name.start, name.end);
            self.link(mapping, last, key);
            last = self.append(Value::Alias(target), start, end);
            self.link(mapping, key, last);
        }
        Ok(())
    }
}

/// Keys become texts as sigs.k8s.io/yaml makes them; null and collections are refused.
fn key_text(value: Value<'_>) -> Outcome<Value<'_>> {
    match value {
        Value::Text(_) => Ok(value),
        Value::Bool(value) => Ok(Value::Text(Cow::Borrowed(if value {
            "true"
        } else {
            "false"
        }))),
        Value::Number(text) => Ok(Value::Text(match json_number(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(number) => Cow::Owned(number),
        })),
        _ => Err(TreeErrorKind::KeyNotScalar),
    }
}
