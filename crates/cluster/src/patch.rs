//! Changes YAML and JSON files in place. Comes in: the text of a file, operations of RFC 6902 on one of its objects.
//! Goes out: the text with those bytes changed that must, so comments, order, quotes and line ends stay.
//! Never: writes a document anew, or gives out a text that reads as anything but the patched object: each is read again.
//!
//! ```text
//!   text ──► document ──► tree ──► view: where keys, dashes and values stand ──► block │ flow: one Edit an operation
//!                           └────► JSON, patched plainly ── must equal ──► the edited text, read again
//! ```

mod block;
mod flow;
mod render;
mod view;

use crate::canonical;
use crate::tree::{self, Document, NodeId, ROOT, TreeError, Value, scalar};
use memchr::memmem;
use model::remedy::Operation;
use semantics::json_patch::{self, JsonPatchError};
use serde_json::Value as Json;
use view::View;

/// Most operations of one call; each reads its document again.
pub const MAX_OPERATIONS: usize = 1000;

#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    #[error("document {document} is not in the file")]
    NoDocument { document: u32 },
    #[error("item {item} is not in the list")]
    NoItem { item: u32 },
    #[error("a list within the list holds the object: write it as a document of its own")]
    ListInList,
    #[error(
        "line {line} is of a template: change the template, or the value that it is given, and render it again"
    )]
    Template { line: u32 },
    #[error(transparent)]
    Unreadable(#[from] TreeError),
    #[error(transparent)]
    Operation(#[from] JsonPatchError),
    #[error("{0} is the whole object: a patch changes its fields")]
    Whole(String),
    #[error(
        "{0} is shared by an anchor and its aliases, and a change would reach all of them: write it out where it differs"
    )]
    Shared(String),
    /// The edited text would not read as the patched object.
    #[error("{0} stands where no safe edit was found: change it by hand")]
    NoSafeEdit(String),
    #[error("more than {MAX_OPERATIONS} operations")]
    TooMany,
}

/// Some bytes for others.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

/// Applies the operations, in order, to one object: `document` counts from 0, `item` names one of a `List`, as
/// [`Place::File`](model::snapshot::Place::File) does.
pub fn apply(
    text: &str,
    document: u32,
    item: Option<u32>,
    operations: &[Operation],
) -> Result<String, PatchError> {
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooMany);
    }
    let starts = tree::document_starts(text);
    let at = document as usize;
    let start = starts.get(at).copied();
    let start = start.ok_or(PatchError::NoDocument { document })?;
    let end = starts.get(at + 1).copied().unwrap_or(text.len());
    let mut body = text.get(start..end).unwrap_or_default().to_owned();
    if let Some(line) = helm_line(&body) {
        return Err(template(text, start + line));
    }
    let (mut expected, prefix, aliases) = {
        let tree = read(&body).map_err(|error| match error {
            Some(error) => match memmem::find(body.as_bytes(), b"{{") {
                Some(line) => template(text, start + line),
                None => PatchError::Unreadable(shifted(error, text, start)),
            },
            None => PatchError::NoDocument { document },
        })?;
        let prefix = prefix(&tree, item)?;
        (json(&tree, ROOT), prefix, holds_alias(&tree))
    };
    let operations: Vec<Operation> = operations.iter().map(|one| below(&prefix, one)).collect();
    json_patch::apply(&mut expected, &operations)?;
    let unsafe_edit = |operation: &Operation| {
        let path = operation.path();
        let path = path.strip_prefix(&*prefix).unwrap_or(path).to_owned();
        if aliases {
            PatchError::Shared(path)
        } else {
            PatchError::NoSafeEdit(path)
        }
    };
    for operation in &operations {
        let edit = {
            let tree = read(&body).map_err(|_| unsafe_edit(operation))?;
            edit(&View::new(&body, &tree), operation)
        };
        match edit {
            Ok(Some(edit)) => body.replace_range(edit.start..edit.end, &edit.text),
            Ok(None) => {}
            Err(Refused::Shared) => {
                return Err(PatchError::Shared(operation.path().to_string()));
            }
            Err(Refused::Whole) => return Err(PatchError::Whole(operation.path().to_string())),
            Err(Refused::NotFound) => {
                return Err(PatchError::NoSafeEdit(operation.path().to_string()));
            }
        }
    }
    let last = operations
        .iter()
        .rfind(|one| !matches!(one, Operation::Test { .. }));
    let Some(last) = last else {
        return Ok(text.to_owned());
    };
    let same = read(&body).is_ok_and(|tree| json(&tree, ROOT) == expected);
    let mut out = String::with_capacity(text.len() + body.len());
    out.push_str(text.get(..start).unwrap_or_default());
    out.push_str(&body);
    out.push_str(text.get(end..).unwrap_or_default());
    // No edit may begin or end a document.
    if !same || tree::document_starts(&out).len() != starts.len() {
        return Err(unsafe_edit(last));
    }
    Ok(out)
}

/// Why one operation has no edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Shared,
    Whole,
    NotFound,
}

/// The edit that does what the operation says; none of a test.
fn edit(view: &View<'_>, operation: &Operation) -> Result<Option<Edit>, Refused> {
    if matches!(operation, Operation::Test { .. }) {
        return Ok(None);
    }
    let tokens = json_patch::tokens(operation.path()).map_err(|_| Refused::NotFound)?;
    let value = || json_patch::value(operation).map_err(|_| Refused::NotFound);
    let (last, parents) = tokens.split_last().ok_or(Refused::Whole)?;
    let path = view.walk(parents)?;
    let parent = path.last().map_or(ROOT, |step| step.value);
    let found = view.child(parent, last)?;
    let removes = matches!(operation, Operation::Remove { .. });
    let edit = match (found, operation) {
        (Some(child), Operation::Remove { .. }) => view.remove(&path, &child),
        (Some(child), Operation::Replace { .. }) => view.set(&path, &child, &value()?),
        (Some(child), _) if child.key.is_some() => view.set(&path, &child, &value()?),
        (Some(child), _) => view.insert(&path, Some(child.index), &value()?),
        (None, _) if removes => return Err(Refused::Shared),
        (None, _) => match view.tree.value(parent) {
            Value::Mapping(_) => view.add(&path, last, &value()?),
            Value::Sequence(_) => view.insert(&path, None, &value()?),
            _ => None,
        },
    };
    edit.map(Some).ok_or(Refused::NotFound)
}

/// The first document of a text.
fn read(text: &str) -> Result<Document<'_>, Option<TreeError>> {
    match tree::documents(text).next() {
        Some(Ok(document)) if !document.is_empty() => Ok(document),
        Some(Ok(_)) | None => Err(None),
        Some(Err(error)) => Err(Some(error)),
    }
}

/// A document as JSON, aliases written out. Its depth is that of the tree, which is bounded.
fn json(tree: &Document<'_>, id: NodeId) -> Json {
    match tree.value(id) {
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(text) => {
            serde_json::from_str(&scalar::json_number(text)).unwrap_or(Json::Null)
        }
        Value::Text(text) => Json::String(text.clone().into_owned()),
        Value::Sequence(_) => tree.children(id).map(|item| json(tree, item)).collect(),
        Value::Mapping(_) => {
            let entries = tree.entries(id);
            let entries = entries.map(|(key, value)| {
                let key = tree.as_text(key).unwrap_or_default().to_owned();
                (key, json(tree, value))
            });
            Json::Object(entries.collect())
        }
        // `Document::value` follows aliases, and none leads to another.
        Value::Null | Value::Alias(_) => Json::Null,
    }
}

/// The pointer of the object in its document.
fn prefix(tree: &Document<'_>, item: Option<u32>) -> Result<String, PatchError> {
    let Some(item) = item else {
        return Ok(String::new());
    };
    let node = canonical::items(tree, ROOT)
        .and_then(|items| tree.children(items).nth(item as usize))
        .ok_or(PatchError::NoItem { item })?;
    if canonical::items(tree, node).is_some() {
        return Err(PatchError::ListInList);
    }
    Ok(format!("/items/{item}"))
}

fn below(prefix: &str, operation: &Operation) -> Operation {
    let mut operation = operation.clone();
    match &mut operation {
        Operation::Add { path, .. }
        | Operation::Remove { path }
        | Operation::Replace { path, .. }
        | Operation::Test { path, .. } => *path = format!("{prefix}{path}").into(),
    }
    operation
}

fn holds_alias(tree: &Document<'_>) -> bool {
    (0..tree.len())
        .filter_map(|id| tree.node(NodeId::try_from(id).ok()?))
        .any(|node| matches!(node.value, Value::Alias(_)))
}

/// Where a text that happens to be YAML calls what only Helm has. Braces alone are no template: alerts and workflows use
/// them too.
fn helm_line(text: &str) -> Option<usize> {
    memmem::find_iter(text.as_bytes(), b"{{").find(|at| {
        let rest = text.get(at + 2..).unwrap_or_default();
        let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start();
        let rest = rest.strip_prefix('$').unwrap_or(rest);
        [".Values.", ".Release.", ".Chart.", "include \"", "toYaml "]
            .iter()
            .any(|word| rest.starts_with(word))
    })
}

fn template(text: &str, at: usize) -> PatchError {
    PatchError::Template {
        line: tree::position(text, at).0,
    }
}

/// An error of a document as one of its file.
fn shifted(error: TreeError, text: &str, start: usize) -> TreeError {
    TreeError {
        line: error.line + tree::position(text, start).0 - 1,
        ..error
    }
}
