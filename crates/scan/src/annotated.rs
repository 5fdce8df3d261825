//! Exceptions that stand on the objects themselves. Comes in: a Snapshot. Goes out: ignore entries, one list an object.
//! Never: an entry without owner, reason and end; one that counts though nobody asked for annotations, for whoever may
//! write the object may write them.

use crate::ignore::Ignores;
use ingest::{IgnoreEntry, IgnoreFile, IgnoreForm};
use jiff::civil::Date;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use semantics::json::{Json, Node, Places};

const IDS: &str = "plimsoll.dev/ignore";
const OWNER: &str = "plimsoll.dev/ignore-owner";
const REASON: &str = "plimsoll.dev/ignore-reason";
const EXPIRES: &str = "plimsoll.dev/ignore-expires";

/// The exceptions of all objects. `plimsoll.dev/ignore` holds ids, each with the name of a container behind a slash if it
/// is about that one; on a Namespace they are about everything in it.
pub(crate) fn exceptions(snapshot: &Snapshot) -> Vec<Ignores> {
    annotated(snapshot)
        .filter_map(of)
        .map(Ignores::whole)
        .collect()
}

/// What is said where nobody asked for them.
pub(crate) fn unread(snapshot: &Snapshot) -> Option<Gap> {
    let count = annotated(snapshot).filter_map(of).count();
    (count > 0).then(|| Gap {
        class: "ignore-annotations-unread".into(),
        what: format!("{count} objects carry exceptions in annotations, which do not count").into(),
        stage: Stage::Rank,
        scope: "annotations".into(),
        weight: GapWeight::Notice,
        close: "--ignore-annotations, where you trust whoever writes the objects".into(),
    })
}

fn annotated(snapshot: &Snapshot) -> impl Iterator<Item = &Object> {
    let has =
        |object: &&Object| std::str::from_utf8(&object.json).is_ok_and(|text| text.contains(IDS));
    snapshot.objects.iter().filter(has)
}

fn of(object: &Object) -> Option<IgnoreFile> {
    let tree = Json::parse(&object.json).ok()?;
    let places = Places::default();
    let annotations = Node::new(&tree, &places).at(&["metadata", "annotations"]);
    let ids = annotations.text(IDS)?;
    let reference = object.reference();
    let mut file = IgnoreFile {
        file: format!("annotations of {reference}").into(),
        form: IgnoreForm::Plimsoll,
        entries: Vec::new(),
        notes: Vec::new(),
    };
    let given = |key: &str| {
        annotations
            .text(key)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let end = given(EXPIRES).and_then(|text| text.parse::<Date>().ok());
    let (Some(owner), Some(reason), Some(expires)) = (given(OWNER), given(REASON), end) else {
        file.notes.push(
            format!(
                "they do not count: {OWNER}, {REASON} and {EXPIRES} (YYYY-MM-DD) must be there"
            )
            .into(),
        );
        return Some(file);
    };
    let whole = object.gvk.group.is_empty() && &*object.gvk.kind == "Namespace";
    let objects: Vec<Text> = if whole {
        vec![
            format!("{}/*", object.name).into(),
            reference.to_string().into(),
        ]
    } else {
        vec![reference.to_string().into()]
    };
    for id in ids.split([',', ' ', '\n']).filter(|id| !id.is_empty()) {
        let (id, container) = match id.split_once('/') {
            Some((id, container)) => (id, Some(container)),
            None => (id, None),
        };
        file.entries.push(IgnoreEntry {
            ids: vec![id.into()],
            aliases: true,
            objects: objects.clone(),
            containers: container.map(Into::into).into_iter().collect(),
            owner: Some(owner.into()),
            reason: Some(reason.into()),
            expires: Some(expires),
            ..IgnoreEntry::default()
        });
    }
    Some(file)
}
