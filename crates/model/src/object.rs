//! Names of Kubernetes objects and places in files.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Group, version and kind as discovery names them; the core group is the empty text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gvk {
    pub group: Text,
    pub kind: Text,
    pub version: Text,
}

impl Gvk {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// An object as a person names it. Ordered by kind, namespace, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    pub kind: Text,
    /// `None` for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<Text>,
    pub name: Text,
    /// API group, empty for core.
    #[serde(skip_serializing_if = "is_empty", default = "empty")]
    pub group: Text,
}

impl ObjectRef {
    pub fn new(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        ObjectRef {
            kind: kind.into(),
            namespace: namespace.map(Into::into),
            name: name.into(),
            group: group.into(),
        }
    }
}

/// `Deployment shop/web` or `Node worker-1`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {}/{}", self.kind, namespace, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A place in a file. Lines and columns count from 1, columns in Unicode scalar values; documents from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceSpan {
    /// The path as it was given, with `/` separators; `-` is standard input.
    pub file: Text,
    pub document: u32,
    pub line: u32,
    pub column: u32,
    /// The chart's template that the document was rendered from, by its comment `# Source:`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rendered_from: Option<Text>,
    /// `file:line:column` of other documents that define the same object: nothing tells which is in force.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alternatives: Vec<Text>,
}

/// `k8s/web.yaml:7:3`, `out.yaml:90:3 from shop/templates/web.yaml`, `a.yaml:7:3 or b.yaml:9:3`.
impl fmt::Display for SourceSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)?;
        if let Some(template) = &self.rendered_from {
            write!(f, " from {template}")?;
        }
        for other in &self.alternatives {
            write!(f, " or {other}")?;
        }
        Ok(())
    }
}

fn is_empty(text: &Text) -> bool {
    text.is_empty()
}

fn empty() -> Text {
    Text::from("")
}
