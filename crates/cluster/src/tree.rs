//! YAML and JSON as Kubernetes reads them: text comes in, one node tree a document goes out, every node with its bytes.
//! Built from events without recursion, in one vector a document. Scalars follow the YAML reader of kubectl
//! (sigs.k8s.io/yaml, goyaml.v2), see [`scalar`]. Numbers keep their text.
//! Never: quotes a value in an error, expands an alias, or grows beyond the limits below.

pub mod json;
pub mod scalar;
pub mod yaml;

use memchr::{memchr_iter, memmem};
use std::borrow::Cow;
use std::fmt;

/// Deepest nesting of a document, aliases followed. Readers of the canonical JSON stop at 128.
pub const MAX_DEPTH: usize = 100;
/// Most nodes of one document; 20 MB of manifests have about 1.5 million.
pub const MAX_NODES: usize = 10_000_000;
/// Longest input that offsets can point into.
pub const MAX_INPUT: usize = u32::MAX as usize - 1;

/// Index of a node in its [`Document`]; the root is 0.
pub type NodeId = u32;
pub const ROOT: NodeId = 0;
const NONE: NodeId = u32::MAX;

/// One document of a stream.
#[derive(Clone)]
pub struct Document<'a> {
    nodes: Vec<Node<'a>>,
    /// Number in the file from 0; empty documents count.
    pub index: u32,
    /// Byte offset where the document begins: its `---`, or the end of the one before it.
    pub start: u32,
}

#[derive(Clone)]
pub struct Node<'a> {
    pub value: Value<'a>,
    /// Byte offset of the first byte of the node's own text (quotes included).
    pub start: u32,
    /// Byte offset after its last byte.
    pub end: u32,
    next: NodeId,
}

/// Collections hold the id of their first child; mappings alternate key and value, keys are always texts.
#[derive(Clone)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// As it was written: `012`, `0x1F`, `1_000`, `1.50`. [`scalar::json_number`] gives the JSON form.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Sequence(NodeId),
    Mapping(NodeId),
    /// Another node of the same document, never itself an alias.
    Alias(NodeId),
}

/// What is wrong and where; the text of the input is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
pub struct TreeError {
    pub kind: TreeErrorKind,
    /// From 1.
    pub line: u32,
    /// From 1, in Unicode scalar values.
    pub column: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeErrorKind {
    #[error("not UTF-8 or UTF-16 text")]
    Encoding,
    #[error("control character")]
    ControlCharacter,
    #[error("longer than 4 GB")]
    TooLong,
    #[error("invalid YAML: {0}")]
    Yaml(&'static str),
    #[error("invalid JSON: {0}")]
    Json(&'static str),
    #[error("key occurs twice in one mapping")]
    DuplicateKey,
    #[error("mapping key is not a plain value")]
    KeyNotScalar,
    #[error("value of << is not a mapping")]
    MergeNotMapping,
    #[error("number is not finite")]
    NotFinite,
    #[error("value does not fit its tag")]
    Tag,
    #[error("anchor contains itself")]
    AliasCycle,
    #[error("unknown anchor")]
    UnknownAnchor,
    #[error("aliases expand to too much")]
    AliasBudget,
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("more than {MAX_NODES} values in one document")]
    TooManyNodes,
}

/// All documents of a file's bytes. For fuzzing and small inputs; large ones are read by [`documents`] one after another.
pub fn parse(bytes: &[u8]) -> Result<Vec<Document<'_>>, TreeError> {
    match text(bytes)? {
        Cow::Borrowed(text) => documents(text).collect(),
        Cow::Owned(text) => documents(&text)
            .map(|document| document.map(Document::into_owned))
            .collect(),
    }
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, as goyaml reads it. The mark is taken off UTF-16 only.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, str>, TreeError> {
    if bytes.len() > MAX_INPUT {
        return Err(TreeError::at_start(TreeErrorKind::TooLong));
    }
    let read: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(read) = read {
        let units = bytes.get(2..).unwrap_or_default();
        let pairs = units.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(TreeError::at_start(TreeErrorKind::Encoding));
        }
        let units = pairs.map(|pair| match pair {
            [a, b] => read([*a, *b]),
            _ => 0,
        });
        return char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(Cow::Owned)
            .map_err(|_| TreeError::at_start(TreeErrorKind::Encoding));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = std::str::from_utf8(valid).unwrap_or_default();
            Err(TreeError::at(TreeErrorKind::Encoding, valid, valid.len()))
        }
    }
}

/// Reads one document after another; ends after the first error.
/// Text that begins like JSON is read as JSON (any number of values), and as YAML where that fails at once or `---` follows.
pub fn documents(text: &str) -> Documents<'_> {
    let body = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let like_json = body
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '[']);
    if like_json && memmem::find(text.as_bytes(), b"\n---").is_none() {
        let first = text.len() - body.len();
        return Documents(Reader::Json(json::Values::new(text, first)));
    }
    Documents(Reader::Yaml(Box::new(yaml::Events::new(text)), None))
}

/// Where each document begins, so that one of them can be read alone.
/// `---` at the start of a line ends a document wherever it stands (YAML 1.2.2, 9.1.2 and production c-forbidden),
/// so the lines tell without parsing; text with directives, `...` or JSON is parsed.
pub fn document_starts(text: &str) -> Vec<usize> {
    marked(text).unwrap_or_else(|| {
        documents(text)
            .map_while(Result::ok)
            .map(|document| document.start as usize)
            .collect()
    })
}

fn marked(text: &str) -> Option<Vec<usize>> {
    if text
        .trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n'])
        .starts_with(['{', '['])
    {
        return None;
    }
    let mut starts = Vec::new();
    let mut begin = 0;
    let mut content = false;
    let ends = memchr_iter(b'\n', text.as_bytes()).chain(std::iter::once(text.len()));
    for end in ends {
        let line = text.get(begin..end)?;
        match line.as_bytes() {
            [b'%', ..] | [b'.', b'.', b'.', ..] => return None,
            [b'-', b'-', b'-'] | [b'-', b'-', b'-', b' ' | b'\t' | b'\r', ..] => {
                starts.push(begin);
                content = true;
            }
            _ if !content => {
                let line = line.trim_start_matches('\u{FEFF}').trim_start();
                if !line.is_empty() && !line.starts_with('#') {
                    starts.push(0);
                    content = true;
                }
            }
            _ => {}
        }
        begin = end + 1;
    }
    Some(starts)
}

pub struct Documents<'a>(Reader<'a>);

enum Reader<'a> {
    Json(json::Values<'a>),
    /// With the error of the JSON reader, if that was tried first.
    Yaml(Box<yaml::Events<'a>>, Option<TreeError>),
    Done,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, TreeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match &mut self.0 {
                Reader::Done => return None,
                Reader::Json(values) => match values.next() {
                    Some(Err(error)) if values.count == 0 => {
                        let events = Box::new(yaml::Events::new(values.text));
                        self.0 = Reader::Yaml(events, Some(error));
                    }
                    other => return self.end_after_error(other),
                },
                Reader::Yaml(events, json_error) => {
                    let next = match (events.next(), *json_error) {
                        (Some(Err(_)), Some(json_error)) if events.count == 0 => {
                            Some(Err(json_error))
                        }
                        (next, _) => next,
                    };
                    return self.end_after_error(next);
                }
            }
        }
    }
}

impl<'a> Documents<'a> {
    fn end_after_error(
        &mut self,
        next: Option<Result<Document<'a>, TreeError>>,
    ) -> Option<Result<Document<'a>, TreeError>> {
        if !matches!(next, Some(Ok(_))) {
            self.0 = Reader::Done;
        }
        next
    }
}

impl TreeError {
    fn at_start(kind: TreeErrorKind) -> Self {
        TreeError {
            kind,
            line: 1,
            column: 1,
        }
    }

    fn at(kind: TreeErrorKind, text: &str, offset: usize) -> Self {
        let (line, column) = position(text, offset);
        TreeError { kind, line, column }
    }
}

/// Where each line of a text begins, for many positions in one large file.
pub struct Lines {
    begins: Vec<usize>,
    /// A column is then a difference, also in a file of one long line.
    ascii: bool,
}

impl Lines {
    pub fn of(text: &str) -> Self {
        let ends = memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Lines {
            begins: std::iter::once(0).chain(ends).collect(),
            ascii: text.is_ascii(),
        }
    }

    /// Like [`position`], without reading the text from its beginning.
    pub fn position(&self, text: &str, offset: usize) -> (u32, u32) {
        let offset = offset.min(text.len());
        let line = self
            .begins
            .partition_point(|begin| *begin <= offset)
            .saturating_sub(1);
        let begin = self.begins.get(line).copied().unwrap_or(0);
        let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
        let column = if self.ascii {
            count(offset - begin)
        } else {
            position(text.get(begin..).unwrap_or_default(), offset - begin).1
        };
        (count(line), column)
    }
}

/// Line and column of a byte offset, both from 1; the column counts Unicode scalar values.
pub fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let lines = memchr_iter(b'\n', before.as_bytes()).count();
    let start = memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |at| at + 1);
    let column = before
        .get(start..)
        .unwrap_or_default()
        .trim_start_matches('\u{FEFF}')
        .chars()
        .count();
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    (count(lines), count(column))
}

impl<'a> Document<'a> {
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    pub fn node(&self, id: NodeId) -> Option<&Node<'a>> {
        self.nodes.get(id as usize)
    }

    /// The id behind an alias, or the id itself.
    pub fn resolve(&self, id: NodeId) -> NodeId {
        match self.node(id).map(|node| &node.value) {
            Some(Value::Alias(target)) => *target,
            _ => id,
        }
    }

    /// The value, aliases followed; null for an id that is not there.
    pub fn value(&self, id: NodeId) -> &Value<'a> {
        self.node(self.resolve(id))
            .map_or(&Value::Null, |node| &node.value)
    }

    pub fn as_text(&self, id: NodeId) -> Option<&str> {
        match self.value(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Children of a sequence, or keys and values in turn of a mapping; none for other values.
    pub fn children(&self, id: NodeId) -> Children<'_, 'a> {
        let next = match self.value(id) {
            Value::Sequence(first) | Value::Mapping(first) => *first,
            _ => NONE,
        };
        Children {
            document: self,
            next,
        }
    }

    /// Key node and value node of each entry; none for values that are no mapping.
    pub fn entries(&self, id: NodeId) -> Entries<'_, 'a> {
        let next = match self.value(id) {
            Value::Mapping(first) => *first,
            _ => NONE,
        };
        Entries(Children {
            document: self,
            next,
        })
    }

    /// The entry of a mapping: key node and value node.
    pub fn entry(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        self.entries(id)
            .find(|(name, _)| self.as_text(*name) == Some(key))
    }

    /// The value of a mapping's key.
    pub fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        self.entry(id, key).map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub fn at(&self, id: NodeId, path: &[&str]) -> Option<NodeId> {
        path.iter().try_fold(id, |id, key| self.get(id, key))
    }

    pub fn into_owned(self) -> Document<'static> {
        Document {
            nodes: self.nodes.into_iter().map(Node::into_owned).collect(),
            index: self.index,
            start: self.start,
        }
    }
}

impl Node<'_> {
    fn into_owned(self) -> Node<'static> {
        let value = match self.value {
            Value::Null => Value::Null,
            Value::Bool(value) => Value::Bool(value),
            Value::Number(text) => Value::Number(Cow::Owned(text.into_owned())),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Sequence(first) => Value::Sequence(first),
            Value::Mapping(first) => Value::Mapping(first),
            Value::Alias(target) => Value::Alias(target),
        };
        Node {
            value,
            start: self.start,
            end: self.end,
            next: self.next,
        }
    }
}

/// Counts only: values may be secrets.
impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("index", &self.index)
            .field("nodes", &self.nodes.len())
            .finish()
    }
}

pub struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: NodeId,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let id = self.next;
        self.next = self.document.node(id)?.next;
        Some(id)
    }
}

pub struct Entries<'d, 'a>(Children<'d, 'a>);

impl Iterator for Entries<'_, '_> {
    type Item = (NodeId, NodeId);

    fn next(&mut self) -> Option<(NodeId, NodeId)> {
        Some((self.0.next()?, self.0.next()?))
    }
}

mod build;
use build::Builder;
