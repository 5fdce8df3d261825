//! Where objects are written: in the files that they were read from, or, of a live cluster, in those of `--source` (rule 14).
//! Comes in: what was scanned, and the manifests it is compared with. Goes out: file, line and column of fields.
//! Never: chooses one of two documents that define the same object; reads a file that was not an input.

use crate::inputs::{Source, SourceTree};
use cluster::manifests::Locator;
use model::evidence::{Gap, GapWeight, Stage};
use model::object::{ObjectRef, SourceSpan};
use model::snapshot::{Object, Origin, Place, Snapshot};
use rustc_hash::FxHashMap;
use serde_json::Value;

/// Objects and the documents that they are written in.
pub struct Written<'a> {
    scanned: &'a Snapshot,
    files: &'a Snapshot,
    /// The files are a source tree: list items there may stand in another order than in the cluster.
    tree: bool,
    locator: Locator,
    of: FxHashMap<ObjectRef, Documents>,
    /// Names without a namespace that several namespaces have.
    ambiguous: Vec<ObjectRef>,
}

/// An object's index in the scanned Snapshot, and those of its documents in the files, in the order of reading.
#[derive(Default)]
struct Documents {
    scanned: usize,
    first: Option<usize>,
    more: Vec<usize>,
}

impl Documents {
    fn add(&mut self, document: usize) {
        match self.first {
            None => self.first = Some(document),
            Some(_) => self.more.push(document),
        }
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        self.first.into_iter().chain(self.more.iter().copied())
    }
}

impl<'a> Written<'a> {
    /// `None` where nothing tells: a live cluster without a source tree, a snapshot whose files are elsewhere.
    pub fn of(
        snapshot: &'a Snapshot,
        inputs: &[Source],
        tree: Option<&'a SourceTree>,
    ) -> Option<Self> {
        let (files, inputs) = match (tree, snapshot.origin) {
            (Some(tree), _) => (&tree.files, &*tree.inputs),
            (None, Origin::Files) if !inputs.is_empty() => (snapshot, inputs),
            (None, _) => return None,
        };
        let mut written = Written {
            scanned: snapshot,
            files,
            tree: tree.is_some(),
            locator: Locator::new(inputs),
            of: FxHashMap::default(),
            ambiguous: Vec::new(),
        };
        if written.tree {
            written.pair();
        } else {
            for (n, object) in snapshot.objects.iter().enumerate() {
                let documents = written.of.entry(object.reference()).or_default();
                documents.scanned = n;
                documents.add(n);
            }
        }
        Some(written)
    }

    /// Finds the documents of live objects: by group, kind, namespace and name; a document that names no namespace is of
    /// the one namespace that has such an object.
    fn pair(&mut self) {
        let (scanned, files) = (self.scanned, self.files);
        let mut exact: FxHashMap<ObjectRef, Vec<usize>> = FxHashMap::default();
        let mut open: FxHashMap<ObjectRef, Vec<usize>> = FxHashMap::default();
        for (n, object) in files.objects.iter().enumerate() {
            let mut key = object.reference();
            // The reader of manifests fills in `default`.
            let unsaid = key.namespace.as_deref() == Some("default")
                && self
                    .locator
                    .states(files, object.place, "/metadata/namespace")
                    == Some(false);
            if unsaid {
                key.namespace = None;
                open.entry(key).or_default().push(n);
            } else {
                exact.entry(key).or_default().push(n);
            }
        }
        let without = |object: &Object| ObjectRef {
            namespace: None,
            ..object.reference()
        };
        let mut homes: FxHashMap<ObjectRef, usize> = FxHashMap::default();
        for object in scanned.objects.iter().filter(|o| o.namespace.is_some()) {
            *homes.entry(without(object)).or_default() += 1;
        }
        for (n, object) in scanned.objects.iter().enumerate() {
            let key = object.reference();
            let mut found: Vec<usize> = exact.get(&key).cloned().unwrap_or_default();
            if object.namespace.is_some()
                && let Some(unsaid) = open.get(&without(object))
                && homes.get(&without(object)) == Some(&1)
            {
                found.extend(unsaid);
            }
            if found.is_empty() {
                continue;
            }
            found.sort_by_key(|n| files.objects.get(*n).map(|object| object.place));
            let mut documents = Documents {
                scanned: n,
                ..Documents::default()
            };
            for document in found {
                documents.add(document);
            }
            self.of.insert(key, documents);
        }
        self.ambiguous = open
            .into_keys()
            .filter(|key| homes.get(key).is_some_and(|homes| *homes > 1))
            .collect();
        self.ambiguous.sort();
    }

    /// What `--source` could not tell; nothing for files.
    pub fn gap(&self) -> Option<Gap> {
        let first = self.ambiguous.first()?;
        let more = match self.ambiguous.len() - 1 {
            0 => String::new(),
            more => format!("; {more} more like it"),
        };
        Some(Gap {
            class: "source-ambiguous".into(),
            what: format!(
                "the source names no namespace for {} {}, and several namespaces have one: it is joined to none{more}",
                first.kind, first.name
            )
            .into(),
            stage: Stage::Collect,
            scope: "source".into(),
            weight: GapWeight::Notice,
            close: "render the source with its namespaces, or name them in its files".into(),
        })
    }

    /// Where fields stand, in the order of the questions. A pointer is one into the scanned object.
    pub fn locate(&mut self, asked: &[(&ObjectRef, &str)]) -> Vec<Option<SourceSpan>> {
        let mut bodies = Bodies::default();
        let mut questions: Vec<(usize, Place, String)> = Vec::new();
        for (n, (object, pointer)) in asked.iter().enumerate() {
            let Some(documents) = self.of.get(*object) else {
                continue;
            };
            for document in documents.all() {
                let Some(written) = self.files.objects.get(document) else {
                    continue;
                };
                let pointer = match self.scanned.objects.get(documents.scanned) {
                    Some(live) if self.tree => bodies.translate(live, written, pointer),
                    _ => (*pointer).to_owned(),
                };
                questions.push((n, written.place, pointer));
            }
        }
        let fields: Vec<(Place, &str)> = questions
            .iter()
            .map(|(_, place, pointer)| (*place, pointer.as_str()))
            .collect();
        let spans = self.locator.locate_all(self.files, &fields);
        let mut found: Vec<Option<SourceSpan>> = vec![None; asked.len()];
        for ((n, ..), span) in questions.iter().zip(spans) {
            let (Some(found), Some(span)) = (found.get_mut(*n), span) else {
                continue;
            };
            match found {
                Some(first) => first.alternatives.push(span.to_string().into()),
                None => *found = Some(span),
            }
        }
        found
    }
}

/// The last pair of objects, parsed: questions about one object stand together.
#[derive(Default)]
struct Bodies {
    of: Option<(Place, ObjectRef)>,
    live: Value,
    written: Value,
}

impl Bodies {
    /// The pointer to the same field in the document: list items are the same by name, or by value. Where the document
    /// does not have the item, the pointer ends at its list.
    fn translate(&mut self, live: &Object, written: &Object, pointer: &str) -> String {
        let pair = (written.place, live.reference());
        if self.of.as_ref() != Some(&pair) {
            self.live = serde_json::from_slice(&live.json).unwrap_or_default();
            self.written = serde_json::from_slice(&written.json).unwrap_or_default();
            self.of = Some(pair);
        }
        let mut out = String::with_capacity(pointer.len());
        let (mut from, mut to) = (Some(&self.live), Some(&self.written));
        for part in pointer.split('/').skip(1) {
            let key = part.replace("~1", "/").replace("~0", "~");
            if let (Some(Value::Array(items)), Some(Value::Array(written))) = (from, to) {
                let item = key.parse().ok().and_then(|n: usize| items.get(n));
                let same = item.and_then(|item| written.iter().position(|w| is_same(item, w)));
                let Some(place) = same else {
                    return out;
                };
                out.push('/');
                out.push_str(&place.to_string());
                (from, to) = (item, written.get(place));
            } else {
                out.push('/');
                out.push_str(part);
                (from, to) = (
                    from.and_then(|value| value.get(&key)),
                    to.and_then(|value| value.get(&key)),
                );
            }
        }
        out
    }
}

/// Items of a list with names are the same by name (the merge key of containers, volumes, environment), others by value.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.get("name"), b.get("name")) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::object::Gvk;

    #[test]
    fn items_are_found_by_name_and_value() {
        let object = |json: &str, document| Object {
            gvk: Gvk {
                group: "apps".into(),
                kind: "Deployment".into(),
                version: "v1".into(),
            },
            namespace: Some("shop".into()),
            name: "web".into(),
            uid: None,
            labels: Vec::new(),
            place: Place::File {
                file: 0,
                document,
                item: None,
            },
            json: json.as_bytes().into(),
        };
        let live = object(
            r#"{"spec":{"c":[{"name":"mesh"},{"name":"web","add":["CHOWN","SYS_ADMIN"],"a/b":1,"ports":[{"p":1},{"p":2}]}]}}"#,
            0,
        );
        let written = object(
            r#"{"spec":{"c":[{"name":"web","add":["SYS_ADMIN"],"a/b":1,"ports":[{"p":2}]}]}}"#,
            1,
        );
        for (pointer, expected) in [
            ("", ""),
            ("/spec/c/1/image", "/spec/c/0/image"),
            ("/spec/c/1/add/1", "/spec/c/0/add/0"),
            ("/spec/c/1/add/0", "/spec/c/0/add"),
            ("/spec/c/1/a~1b", "/spec/c/0/a~1b"),
            ("/spec/c/1/ports/1/p", "/spec/c/0/ports/0/p"),
            ("/spec/c/1/ports/0/p", "/spec/c/0/ports"),
            ("/spec/c/0/image", "/spec/c"),
            ("/spec/c/9/image", "/spec/c"),
            ("/spec/hostNetwork/x", "/spec/hostNetwork/x"),
        ] {
            assert_eq!(
                Bodies::default().translate(&live, &written, pointer),
                expected,
                "{pointer}"
            );
        }
    }
}
