//! Small objects that several formats have in common, as they stand in the document.

use crate::loose::{List, Obj, Pairs, Str, Word};
use serde::Deserialize;

/// A tool or scanner.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Tool<'a> {
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) version: Word<'a>,
}

/// An image without its registry: Harbor and the Trivy operator.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ImageName<'a> {
    #[serde(borrow)]
    pub(crate) repository: Str<'a>,
    #[serde(borrow)]
    pub(crate) digest: Str<'a>,
    #[serde(borrow)]
    pub(crate) tag: Word<'a>,
}

/// Metadata of a Kubernetes object.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ObjectMeta<'a> {
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) namespace: Str<'a>,
    #[serde(borrow)]
    labels: Pairs<'a, Word<'a>>,
    #[serde(borrow)]
    annotations: Pairs<'a, Word<'a>>,
    #[serde(borrow)]
    pub(crate) owner_references: List<Obj<Owner<'a>>>,
    #[serde(borrow)]
    pub(crate) creation_timestamp: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Owner<'a> {
    #[serde(borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
}

impl ObjectMeta<'_> {
    /// The label `name` under one of the prefixes, or the annotation that stands for it where the
    /// value is too long for a label.
    pub(crate) fn label(&self, prefixes: &[&str], name: &str) -> Option<&str> {
        let all = self.labels.iter().chain(self.annotations.iter());
        all.filter(|(key, _)| {
            let known = |prefix: &&str| key.strip_prefix(*prefix) == Some(name);
            prefixes.iter().any(known)
        })
        .find_map(|(_, value)| value.some())
    }
}
