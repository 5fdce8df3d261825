//! One node tree comes in, from a server or a file; one `Object` with canonical compact JSON goes out: keys sorted,
//! nulls left out, without managedFields, last-applied, status noise and secret values (rule 20).
//! The same object gives the same bytes from YAML and from JSON. Never: judges, keeps a secret value.

pub(crate) mod flags;
pub(crate) mod write;

use crate::kinds;
use crate::redact::Redactor;
use crate::tree::{self, Document, NodeId, ROOT, TreeError, Value, scalar};
use model::keys::sha256_hex;
use model::object::Gvk;
use model::snapshot::{Object, Place};
use model::text::{Interner, Text};
use std::fmt;

/// Makes canonical objects. Texts that repeat (kinds, namespaces, labels) are shared among all that it made.
pub struct Canonicalizer {
    pub redactor: Redactor,
    /// Name of the file being read; it makes the names of `generateName` objects.
    pub source: Text,
    texts: Interner,
    buffers: write::Buffers,
}

/// What a node tree turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Object(Object),
    /// An object of a kind that no stage reads and that holds no pod template: `kind.group`, for counting.
    Other(Text),
    /// An object of a kind that stages read, without a name: a server refuses it. `kind.group`.
    Nameless(Text),
    /// No `apiVersion` and `kind`, or a file of a client-side tool: not an object of a cluster.
    Foreign,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Object>,
    /// Items that were no objects to keep: [`Reading::Other`] and the like, by `kind.group`.
    pub others: Vec<Text>,
    /// `metadata.continue`; `None` on the last page.
    pub next: Option<String>,
    /// `metadata.remainingItemCount`.
    pub remaining: Option<u64>,
    pub resource_version: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A `Status` where a list was asked for, or anything else without `items`.
    #[error("answer is not a list (kind {kind:?})")]
    NotAList { kind: String },
}

impl Canonicalizer {
    pub fn new(redactor: Redactor) -> Self {
        Canonicalizer {
            redactor,
            source: Text::from(""),
            texts: Interner::default(),
            buffers: write::Buffers::default(),
        }
    }

    /// One object of a tree. `fallback` is the type of list items, which do not say it themselves.
    pub fn object(
        &mut self,
        document: &Document<'_>,
        root: NodeId,
        place: Place,
        fallback: Option<&Gvk>,
    ) -> Reading {
        let Some(gvk) = self.gvk(document, root, fallback) else {
            return Reading::Foreign;
        };
        if kinds::is_client_side(&gvk.group) {
            return Reading::Foreign;
        }
        let read = kinds::is_read(&gvk.group, &gvk.kind);
        if !read && !holds_pod_spec(document, root) {
            return Reading::Other(self.kind_group(&gvk));
        }
        let metadata = document.get(root, "metadata");
        let field =
            |key| metadata.and_then(|metadata| plain_text(document, document.get(metadata, key)?));
        let name = match (field("name"), field("generateName")) {
            (Some(name), _) if !name.is_empty() => self.texts.text(&name),
            (_, Some(prefix)) if !prefix.is_empty() => generated(&prefix, &self.source, place),
            _ if read => return Reading::Nameless(self.kind_group(&gvk)),
            _ => return Reading::Foreign,
        };
        let namespace = self.namespace(&gvk, field("namespace").as_deref(), place);
        let labels = self.labels(document, metadata);
        let head = write::Head {
            gvk: &gvk,
            namespace: namespace.as_deref(),
            name: &name,
        };
        let json = write::json(document, root, &head, &self.redactor, &mut self.buffers);
        Reading::Object(Object {
            uid: field("uid").map(Text::from),
            gvk,
            namespace,
            name,
            labels,
            place,
            json,
        })
    }

    /// One object of JSON bytes.
    pub fn json(
        &mut self,
        bytes: &[u8],
        place: Place,
        fallback: Option<&Gvk>,
    ) -> Result<Reading, CanonicalError> {
        let text = tree::text(bytes)?;
        let document = tree::json::document(&text)?;
        Ok(self.object(&document, ROOT, place, fallback))
    }

    /// All objects of a list as a server answers it. `fallback` types the items of a list that does not.
    pub fn page(&mut self, bytes: &[u8], fallback: &Gvk) -> Result<Page, CanonicalError> {
        let text = tree::text(bytes)?;
        let document = tree::json::document(&text)?;
        let Some(list) = items(&document, ROOT) else {
            // An empty list of Go may be null.
            let kind = plain_text(&document, document.get(ROOT, "kind").unwrap_or(ROOT));
            let kind: String = kind.unwrap_or_default().chars().take(64).collect();
            if kind.ends_with("List") {
                return Ok(Page::default());
            }
            return Err(CanonicalError::NotAList { kind });
        };
        let field = |key| {
            let text = plain_text(&document, document.at(ROOT, &["metadata", key])?)?;
            (!text.is_empty()).then_some(text)
        };
        let mut page = Page {
            next: field("continue"),
            remaining: field("remainingItemCount").and_then(|count| count.parse().ok()),
            resource_version: field("resourceVersion"),
            ..Page::default()
        };
        for item in document.children(list) {
            match self.object(&document, item, Place::Server, Some(fallback)) {
                Reading::Object(object) => page.objects.push(object),
                Reading::Other(kind) | Reading::Nameless(kind) => page.others.push(kind),
                Reading::Foreign => page.others.push(self.kind_group(fallback)),
            }
        }
        Ok(page)
    }

    fn gvk(
        &mut self,
        document: &Document<'_>,
        root: NodeId,
        fallback: Option<&Gvk>,
    ) -> Option<Gvk> {
        let Value::Mapping(_) = document.value(root) else {
            return None;
        };
        let text = |key| document.get(root, key).and_then(|id| document.as_text(id));
        match (text("apiVersion"), text("kind")) {
            (Some(version), Some(kind)) if !version.is_empty() && !kind.is_empty() => {
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                Some(Gvk {
                    group: self.texts.text(group),
                    kind: self.texts.text(kind),
                    version: self.texts.text(version),
                })
            }
            _ => fallback.cloned(),
        }
    }

    fn namespace(&mut self, gvk: &Gvk, said: Option<&str>, place: Place) -> Option<Text> {
        let said = said.filter(|name| !name.is_empty());
        match (kinds::is_cluster_scoped(&gvk.group, &gvk.kind), place) {
            (Some(true), _) => None,
            (Some(false), Place::File { .. }) => Some(self.texts.text(said.unwrap_or("default"))),
            _ => self.texts.option(said),
        }
    }

    fn labels(&mut self, document: &Document<'_>, metadata: Option<NodeId>) -> Vec<(Text, Text)> {
        let Some(labels) = metadata.and_then(|metadata| document.get(metadata, "labels")) else {
            return Vec::new();
        };
        let mut out: Vec<(Text, Text)> = document
            .entries(labels)
            .filter_map(|(key, value)| {
                let value = plain_text(document, value)?;
                Some((
                    self.texts.text(document.as_text(key)?),
                    self.texts.text(&value),
                ))
            })
            .collect();
        out.sort();
        out
    }

    fn kind_group(&mut self, gvk: &Gvk) -> Text {
        if gvk.group.is_empty() {
            Text::clone(&gvk.kind)
        } else {
            self.texts.text(&format!("{}.{}", gvk.kind, gvk.group))
        }
    }
}

/// The sequence of items, if the tree is a list (`List`, `PodList`).
pub fn items(document: &Document<'_>, root: NodeId) -> Option<NodeId> {
    let kind = document.as_text(document.get(root, "kind")?)?;
    let items = document.get(root, "items")?;
    (kind.ends_with("List") && matches!(document.value(items), Value::Sequence(_))).then_some(items)
}

/// The type of the items of a typed list (`PodList` of `v1`), for items that do not say it.
pub fn item_type(document: &Document<'_>, root: NodeId) -> Option<Gvk> {
    let text = |key| document.get(root, key).and_then(|id| document.as_text(id));
    let kind = text("kind")?
        .strip_suffix("List")
        .filter(|kind| !kind.is_empty())?;
    let version = text("apiVersion")?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Some(Gvk {
        group: group.into(),
        kind: kind.into(),
        version: version.into(),
    })
}

/// A scalar as a text: files forget quotes around names and labels.
fn plain_text(document: &Document<'_>, id: NodeId) -> Option<String> {
    match document.value(id) {
        Value::Text(text) => Some(text.clone().into_owned()),
        Value::Number(text) => Some(scalar::json_number(text).into_owned()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A name that stays while the file and the place in it stay.
fn generated(prefix: &str, source: &str, place: Place) -> Text {
    let (document, item) = match place {
        Place::Server => (0, None),
        Place::File { document, item, .. } => (document, item),
    };
    let hash = sha256_hex(format!("{source}\0{document}\0{item:?}").as_bytes());
    format!("{prefix}{}", hash.get(..5).unwrap_or_default()).into()
}

/// Whether a list of containers stands anywhere in the tree: a pod template of a kind that we do not know.
fn holds_pod_spec(document: &Document<'_>, root: NodeId) -> bool {
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        // Aliases lead to nodes that are seen at their own place or inside a kept object.
        match document.node(id).map(|node| &node.value) {
            Some(Value::Mapping(_)) => {
                for (key, value) in document.entries(id) {
                    if document.as_text(key) == Some("containers") && holds_image(document, value) {
                        return true;
                    }
                    open.push(value);
                }
            }
            Some(Value::Sequence(_)) => open.extend(document.children(id)),
            Some(Value::Alias(target)) if id == root => open.push(*target),
            _ => {}
        }
    }
    false
}

fn holds_image(document: &Document<'_>, containers: NodeId) -> bool {
    matches!(document.value(containers), Value::Sequence(_))
        && document
            .children(containers)
            .any(|container| document.get(container, "image").is_some())
}

impl fmt::Debug for Canonicalizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canonicalizer")
    }
}

#[cfg(test)]
mod tests;
