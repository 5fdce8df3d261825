//! The state of a cluster, from a live API server, files or a saved snapshot: objects as canonical JSON bytes.

use crate::evidence::{Fact, Gap};
use crate::keys::ClusterId;
use crate::object::{Gvk, ObjectRef};
use crate::text::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One cluster as it was seen. Objects are ordered by group, kind, namespace, name.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub origin: Origin,
    /// UID of `kube-system`; absent from files.
    pub cluster: Fact<ClusterId>,
    /// `--cluster-name`, context or host.
    pub cluster_name: Option<Text>,
    /// Version that the objects are judged by.
    pub version: KubernetesVersion,
    /// `gitVersion` as the API server says it: `v1.30.4-eks-a737599`. `None`: it did not, or there is no server.
    pub server_version: Option<Text>,
    pub taken_at: Option<Timestamp>,
    pub objects: Vec<Object>,
    /// Files that objects point into, in the order of reading.
    pub files: Vec<Text>,
    /// What was listed, so that "none" and "not looked at" differ.
    pub listed: Vec<Listed>,
    /// Objects of kinds that no stage reads, by `kind.group`: counted, not dropped silently.
    pub other_kinds: BTreeMap<Text, u64>,
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Live,
    Files,
}

/// `1.36`; patch level where it is known (nodes have their own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KubernetesVersion {
    pub minor: u16,
    /// Said by the server (`true`) or the newest supported one, taken because nothing said it (`false`).
    pub known: bool,
}

/// The newest minor version whose rules are built in; files without a version are judged by it.
pub const NEWEST_KUBERNETES_MINOR: u16 = 37;

/// One kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Listed {
    pub group: Text,
    pub kind: Text,
    pub count: u64,
    /// `false` where a list was refused or broke off: the count is a lower bound.
    pub complete: bool,
}

/// One object: who it is, and its canonical compact JSON without managedFields, last-applied and secret values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub gvk: Gvk,
    pub namespace: Option<Text>,
    pub name: Text,
    pub uid: Option<Text>,
    /// Ordered by key.
    pub labels: Vec<(Text, Text)>,
    pub place: Place,
    pub json: Box<[u8]>,
}

/// Where the object was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    Server,
    /// Index into [`Snapshot::files`], document in the file from 0, item in a `List` from 0.
    File {
        file: u32,
        document: u32,
        item: Option<u32>,
    },
}

impl Object {
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            kind: Text::clone(&self.gvk.kind),
            namespace: self.namespace.clone(),
            name: Text::clone(&self.name),
            group: Text::clone(&self.gvk.group),
        }
    }

    pub fn label(&self, key: &str) -> Option<&Text> {
        self.labels
            .binary_search_by(|(k, _)| (**k).cmp(key))
            .ok()
            .and_then(|i| self.labels.get(i))
            .map(|(_, value)| value)
    }
}

impl Snapshot {
    /// All objects of one kind; the version does not matter. Relies on the order of `objects`.
    pub fn of_kind<'a>(&'a self, group: &str, kind: &str) -> &'a [Object] {
        let order = |o: &Object| {
            (*o.gvk.group)
                .cmp(group)
                .then_with(|| (*o.gvk.kind).cmp(kind))
        };
        let start = self.objects.partition_point(|o| order(o).is_lt());
        let end = self.objects.partition_point(|o| order(o).is_le());
        self.objects.get(start..end).unwrap_or(&[])
    }

    /// One object by name; `namespace` is `None` for cluster-scoped kinds.
    pub fn find(
        &self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<&Object> {
        let all = self.of_kind(group, kind);
        let at = all.partition_point(|o| (o.namespace.as_deref(), &*o.name) < (namespace, name));
        all.get(at)
            .filter(|o| o.namespace.as_deref() == namespace && &*o.name == name)
    }

    /// Whether every object of the kind was seen. Files are the whole world that was given.
    pub fn saw_all(&self, group: &str, kind: &str) -> bool {
        match self.origin {
            Origin::Files => true,
            Origin::Live => self
                .listed
                .iter()
                .any(|l| &*l.group == group && &*l.kind == kind && l.complete),
        }
    }

    /// Puts the objects into the order that look-ups rely on. Of duplicates (same name in two files) both are kept, in reading order.
    pub fn sort(&mut self) {
        self.objects.sort_by(|a, b| {
            (&a.gvk.group, &a.gvk.kind, &a.namespace, &a.name, a.place).cmp(&(
                &b.gvk.group,
                &b.gvk.kind,
                &b.namespace,
                &b.name,
                b.place,
            ))
        });
    }
}
