//! Line and column of a field, found when asked for: the file is read again, and only the document of the object is looked into.
//! A span names the **key** of the pointer's last segment, for list items the item's first character;
//! a pointer to an absent field gives its nearest parent that exists. Never: opens a file that was not an input.

use super::files::name_of;
use super::{DEFAULT_MAX_BYTES, Input};
use crate::canonical;
use crate::tree::{self, Document, NodeId, ROOT, Value};
use model::object::SourceSpan;
use model::snapshot::{Place, Snapshot};
use model::text::Text;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};
use std::sync::Arc;

/// Finds fields in the files that a Snapshot was read from. Keeps the last file and document, so ask in their order.
pub struct Locator {
    inputs: Vec<Input>,
    file: Option<OpenFile>,
}

struct OpenFile {
    name: Text,
    text: Arc<str>,
    lines: tree::Lines,
    /// Where each document begins.
    starts: Vec<usize>,
    document: Option<(u32, Document<'static>)>,
}

impl Locator {
    /// `inputs` are those that the Snapshot was read from.
    pub fn new(inputs: &[Input]) -> Self {
        Locator {
            inputs: inputs.to_vec(),
            file: None,
        }
    }

    /// Where a field of the object at `place` stands. `pointer` is a JSON pointer (RFC 6901) into the object.
    /// `None` for objects of a server, and where the file is gone or changed beyond recognition.
    pub fn locate(
        &mut self,
        snapshot: &Snapshot,
        place: Place,
        pointer: &str,
    ) -> Option<SourceSpan> {
        let Place::File { document, item, .. } = place else {
            return None;
        };
        let file = self.open(snapshot, place)?;
        let base = file.range(document)?.0;
        let text = Arc::clone(&file.text);
        let name = Text::clone(&file.name);
        let tree = file.document(document)?;
        let root = object_root(tree, item)?;
        let offset = find(tree, root, pointer) as usize;
        let (line, column) = file.lines.position(&text, base + offset);
        Some(SourceSpan {
            file: name,
            document,
            line,
            column,
            rendered_from: self.chart_source(snapshot, place),
            alternatives: Vec::new(),
        })
    }

    /// Whether the document itself has the field, in contrast to what a default fills in. `None` where it cannot be read.
    pub fn states(&mut self, snapshot: &Snapshot, place: Place, pointer: &str) -> Option<bool> {
        let Place::File { document, item, .. } = place else {
            return None;
        };
        let tree = self.open(snapshot, place)?.document(document)?;
        let mut at = object_root(tree, item)?;
        for key in pointer.split('/').skip(1) {
            match tree.entry(at, key) {
                Some((_, value)) => at = value,
                None => return Some(false),
            }
        }
        Some(!matches!(tree.value(at), Value::Null))
    }

    /// [`Locator::locate`] for many fields, each file read once. Answers stand in the order of the questions.
    pub fn locate_all(
        &mut self,
        snapshot: &Snapshot,
        fields: &[(Place, &str)],
    ) -> Vec<Option<SourceSpan>> {
        let mut order: Vec<usize> = (0..fields.len()).collect();
        order.sort_by_key(|at| fields.get(*at).map(|(place, _)| *place));
        let mut spans = vec![None; fields.len()];
        for at in order {
            if let (Some((place, pointer)), Some(span)) = (fields.get(at), spans.get_mut(at)) {
                *span = self.locate(snapshot, *place, pointer);
            }
        }
        spans
    }

    /// The chart template that a rendered document came from: Helm's comment `# Source: chart/templates/x.yaml`.
    pub fn chart_source(&mut self, snapshot: &Snapshot, place: Place) -> Option<Text> {
        let Place::File { document, .. } = place else {
            return None;
        };
        let file = self.open(snapshot, place)?;
        let (start, end) = file.range(document)?;
        let text = Arc::clone(&file.text);
        let root = file.document(document)?.node(ROOT)?.start as usize;
        let before = text.get(start..(start + root).min(end))?;
        before
            .lines()
            .filter_map(|line| line.strip_prefix("# Source: "))
            .next_back()
            .map(|source| Text::from(source.trim()))
    }

    fn open(&mut self, snapshot: &Snapshot, place: Place) -> Option<&mut OpenFile> {
        let Place::File { file, .. } = place else {
            return None;
        };
        let name = snapshot.files.get(file as usize)?;
        if self.file.as_ref().is_none_or(|open| open.name != *name) {
            let bytes = self.bytes(name)?;
            let text: Arc<str> = tree::text(&bytes).ok()?.into();
            let starts = tree::document_starts(&text);
            self.file = Some(OpenFile {
                name: Text::clone(name),
                lines: tree::Lines::of(&text),
                text,
                starts,
                document: None,
            });
        }
        self.file.as_mut()
    }

    fn bytes(&self, name: &Text) -> Option<Vec<u8>> {
        self.inputs.iter().find_map(|input| match input {
            Input::Bytes { name: given, bytes } => (given == name).then(|| bytes.to_vec()),
            Input::Path(path) => is_below(name, &name_of(path)).then(|| {
                let mut bytes = Vec::new();
                let file = File::open(Path::new(&**name)).ok()?;
                file.take(DEFAULT_MAX_BYTES).read_to_end(&mut bytes).ok()?;
                Some(bytes)
            })?,
        })
    }
}

impl OpenFile {
    fn range(&self, document: u32) -> Option<(usize, usize)> {
        let at = document as usize;
        let start = *self.starts.get(at)?;
        let end = self.starts.get(at + 1).copied().unwrap_or(self.text.len());
        Some((start, end))
    }

    fn document(&mut self, number: u32) -> Option<&Document<'static>> {
        if self
            .document
            .as_ref()
            .is_none_or(|(known, _)| *known != number)
        {
            let (start, end) = self.range(number)?;
            let tree = tree::documents(self.text.get(start..end)?).next()?.ok()?;
            self.document = Some((number, tree.into_owned()));
        }
        self.document.as_ref().map(|(_, tree)| tree)
    }
}

/// The file itself, or a file in the folder.
fn is_below(name: &str, input: &str) -> bool {
    let rest = match name.strip_prefix(input) {
        Some("") => return true,
        Some(rest) if input.ends_with('/') => rest,
        Some(rest) => match rest.strip_prefix('/') {
            Some(rest) => rest,
            None => return false,
        },
        None => return false,
    };
    Path::new(rest)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
}

fn object_root(tree: &Document<'_>, item: Option<u32>) -> Option<NodeId> {
    match item {
        None => Some(ROOT),
        Some(item) => {
            let items = canonical::items(tree, ROOT)?;
            tree.children(items).nth(item as usize)
        }
    }
}

/// Byte offset of the key or item that a pointer names.
fn find(tree: &Document<'_>, root: NodeId, pointer: &str) -> u32 {
    let start = |id: NodeId| tree.node(id).map_or(0, |node| node.start);
    let (mut at, mut offset) = (root, start(root));
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match tree.value(at) {
            Value::Mapping(_) => tree.entry(at, &part),
            Value::Sequence(_) => part
                .parse()
                .ok()
                .and_then(|number| tree.children(at).nth(number))
                .map(|item| (item, item)),
            _ => None,
        };
        let Some((named, value)) = next else {
            break;
        };
        offset = start(named);
        at = value;
    }
    offset
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locator")
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}
