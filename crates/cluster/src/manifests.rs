//! Manifest files come in (files, folders, bytes), one `Snapshot` goes out; every object knows its file and document.
//! A file that was named must be readable; in a folder, what cannot be read is a gap and reading goes on.
//! Never: runs a template, follows a link out of the folder, quotes a value in an error or gap.

mod files;
mod locate;

pub use locate::Locator;

use crate::canonical::{self, Canonicalizer, Reading};
use crate::kinds;
use crate::redact::{self, Redactor};
use crate::tree::{self, Document, NodeId, ROOT, TreeError, Value};
use files::Source;
use memchr::memmem;
use model::evidence::{Fact, Gap, GapWeight, Stage};
use model::keys::ClusterId;
use model::object::Gvk;
use model::snapshot::{
    KubernetesVersion, Listed, NEWEST_KUBERNETES_MINOR, Object, Origin, Place, Snapshot,
};
use model::text::Text;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where manifests come from.
#[derive(Clone)]
pub enum Input {
    /// A file of any name, or a folder whose `.yaml`, `.yml` and `.json` files are read, in the order of their paths.
    Path(PathBuf),
    /// Bytes that were read already; `-` is the name of standard input.
    Bytes { name: Text, bytes: Arc<[u8]> },
}

#[derive(Clone)]
pub struct Options {
    /// The version that the objects are judged by; `None`: the newest supported one.
    pub kubernetes_minor: Option<u16>,
    /// Most bytes of all inputs together, see [`DEFAULT_MAX_BYTES`].
    pub max_bytes: u64,
    /// Keys the fingerprints of dropped values.
    pub redaction_key: [u8; 32],
}

pub const DEFAULT_MAX_BYTES: u64 = 512 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("cannot read {file}")]
    Unreadable { file: Text, source: std::io::Error },
    #[error("{file}:{}:{}: {}", error.line, error.column, error.kind)]
    Broken { file: Text, error: TreeError },
    #[error("no Kubernetes object in {file}")]
    Foreign { file: Text },
    #[error("inputs are larger than {limit} bytes together, at {file}")]
    TooLarge { file: Text, limit: u64 },
    #[error("no .yaml, .yml or .json file in {folder}")]
    NothingFound { folder: Text },
    #[error("more than {limit} files in {folder}")]
    TooManyFiles { folder: Text, limit: usize },
}

/// Reads all inputs. Objects are in the order of [`Snapshot::sort`], files in the order of reading.
pub fn read(inputs: &[Input], options: &Options) -> Result<Snapshot, ManifestError> {
    let (sources, mut gaps) = files::list(inputs, options.max_bytes)?;
    let redactor = Redactor::new(options.redaction_key);
    let contents: Vec<Result<Content, ManifestError>> = sources
        .par_iter()
        .enumerate()
        .map(|(file, source)| read_source(source, file, &redactor, options.max_bytes))
        .collect();
    // Of several broken files the first one is told, however the threads ran.
    let contents = contents
        .into_iter()
        .collect::<Result<Vec<Content>, ManifestError>>()?;

    let mut objects = Vec::with_capacity(contents.iter().map(|c| c.objects.len()).sum());
    let mut other_kinds: BTreeMap<Text, u64> = BTreeMap::new();
    let (mut foreign, mut foreign_files) = (0, 0);
    for content in contents {
        objects.extend(content.objects);
        gaps.extend(content.gaps);
        foreign += content.foreign;
        foreign_files += u64::from(content.foreign > 0);
        for kind in content.others {
            *other_kinds.entry(kind).or_default() += 1;
        }
    }
    if foreign > 0 {
        let weight = if objects.is_empty() && other_kinds.is_empty() {
            GapWeight::Hides
        } else {
            GapWeight::Notice
        };
        gaps.push(foreign_gap(foreign, foreign_files, weight));
    }
    settle_namespaces(&mut objects);
    redact::settle(&mut objects, &redactor);
    let mut snapshot = Snapshot {
        origin: Origin::Files,
        cluster: cluster_id(&objects),
        cluster_name: None,
        version: KubernetesVersion {
            minor: options.kubernetes_minor.unwrap_or(NEWEST_KUBERNETES_MINOR),
            known: options.kubernetes_minor.is_some(),
        },
        server_version: None,
        taken_at: None,
        listed: listed(&objects),
        objects,
        files: sources.into_iter().map(|source| source.name).collect(),
        other_kinds,
        gaps,
    };
    snapshot.sort();
    Ok(snapshot)
}

/// What one file held.
#[derive(Default)]
struct Content {
    objects: Vec<Object>,
    others: Vec<Text>,
    /// Documents that are no objects.
    foreign: u64,
    gaps: Vec<Gap>,
}

fn read_source(
    source: &Source,
    file: usize,
    redactor: &Redactor,
    max_bytes: u64,
) -> Result<Content, ManifestError> {
    let bytes = match source.bytes(max_bytes) {
        Ok(bytes) => bytes,
        Err(ManifestError::Unreadable {
            file,
            source: error,
        }) if !source.named => {
            return Ok(Content::only(gap(
                "manifest-unreadable",
                format!("{file} could not be read ({})", error.kind()),
                &file,
                "make the file readable",
            )));
        }
        Err(error) => return Err(error),
    };
    let templated = || memmem::find(&bytes, b"{{").is_some();
    if source.chart_template && templated() {
        return Ok(Content::only(template_gap(&source.name)));
    }
    let mut reader = Reader {
        canonicalizer: Canonicalizer::new(redactor.clone()),
        file: u32::try_from(file).unwrap_or(u32::MAX),
        content: Content::default(),
    };
    reader.canonicalizer.source = Text::clone(&source.name);
    let outcome = tree::text(&bytes).and_then(|text| {
        tree::documents(&text).try_for_each(|document| {
            reader.document(&document?);
            Ok(())
        })
    });
    match outcome {
        Ok(()) if source.named && reader.content.is_foreign() => Err(ManifestError::Foreign {
            file: Text::clone(&source.name),
        }),
        Ok(()) => Ok(reader.content),
        Err(_) if templated() => Ok(Content::only(template_gap(&source.name))),
        Err(error) if source.named => Err(ManifestError::Broken {
            file: Text::clone(&source.name),
            error,
        }),
        Err(error) => {
            let mut content = reader.content;
            content.gaps.push(gap(
                "manifest-broken",
                format!(
                    "{}:{}:{}: {}; the rest of the file was not read",
                    source.name, error.line, error.column, error.kind
                ),
                &source.name,
                "repair the file",
            ));
            Ok(content)
        }
    }
}

struct Reader {
    canonicalizer: Canonicalizer,
    file: u32,
    content: Content,
}

/// Lists in lists deeper than this are no manifests.
const LIST_DEPTH: u32 = 4;

impl Reader {
    fn document(&mut self, document: &Document<'_>) {
        if matches!(document.value(ROOT), Value::Null) {
            return;
        }
        let place = Place::File {
            file: self.file,
            document: document.index,
            item: None,
        };
        self.node(document, ROOT, place, None, 0);
    }

    fn node(
        &mut self,
        document: &Document<'_>,
        root: NodeId,
        place: Place,
        fallback: Option<&Gvk>,
        depth: u32,
    ) {
        if depth < LIST_DEPTH
            && let Some(items) = canonical::items(document, root)
        {
            let item_type = canonical::item_type(document, root);
            for (number, item) in (0..).zip(document.children(items)) {
                // Of lists in lists the outermost item is the place.
                let place = match place {
                    Place::File {
                        file,
                        document,
                        item: None,
                    } => Place::File {
                        file,
                        document,
                        item: Some(number),
                    },
                    other => other,
                };
                self.node(document, item, place, item_type.as_ref(), depth + 1);
            }
            return;
        }
        let content = &mut self.content;
        match self.canonicalizer.object(document, root, place, fallback) {
            Reading::Object(object) => content.objects.push(object),
            Reading::Other(kind) => content.others.push(kind),
            Reading::Foreign => content.foreign += 1,
            Reading::Nameless(kind) => {
                let file = Text::clone(&self.canonicalizer.source);
                content.gaps.push(gap(
                    "object-without-name",
                    format!(
                        "document {} of {file} is a {kind} without a name, which no server accepts",
                        document.index
                    ),
                    &file,
                    "give it metadata.name",
                ));
            }
        }
    }
}

impl Content {
    /// Documents, and not one object of a cluster among them. An empty file is not foreign.
    fn is_foreign(&self) -> bool {
        self.foreign > 0
            && self.objects.is_empty()
            && self.others.is_empty()
            && self.gaps.is_empty()
    }

    fn only(gap: Gap) -> Self {
        Content {
            gaps: vec![gap],
            ..Content::default()
        }
    }
}

fn gap(class: &str, what: String, file: &Text, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Collect,
        scope: format!("file {file}").into(),
        weight: GapWeight::Hides,
        close: close.into(),
    }
}

fn template_gap(file: &Text) -> Gap {
    gap(
        "template-not-rendered",
        format!("{file} is a template, not a manifest, and was not read"),
        file,
        "render it first: helm template CHART | plimsoll scan manifests -",
    )
}

fn foreign_gap(documents: u64, files: u64, weight: GapWeight) -> Gap {
    Gap {
        class: "not-kubernetes".into(),
        what: format!("{documents} documents in {files} files are no Kubernetes objects").into(),
        stage: Stage::Collect,
        scope: "files".into(),
        weight,
        close: "".into(),
    }
}

/// Custom kinds without a namespace: their CRD says whether they have one, if it is here; else they are taken as namespaced.
fn settle_namespaces(objects: &mut [Object]) {
    #[derive(Deserialize)]
    struct Definition {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        group: String,
        names: Names,
        scope: String,
    }
    #[derive(Deserialize)]
    struct Names {
        kind: String,
    }
    let cluster_scoped: Vec<(String, String)> = objects
        .iter()
        .filter(|object| &*object.gvk.kind == "CustomResourceDefinition")
        .filter_map(|object| serde_json::from_slice::<Definition>(&object.json).ok())
        .filter(|definition| definition.spec.scope == "Cluster")
        .map(|definition| (definition.spec.group, definition.spec.names.kind))
        .collect();
    let default = Text::from("default");
    for object in objects {
        let Gvk { group, kind, .. } = &object.gvk;
        if kinds::is_cluster_scoped(group, kind).is_some() {
            continue;
        }
        if cluster_scoped
            .iter()
            .any(|(g, k)| **g == **group && **k == **kind)
        {
            object.namespace = None;
        } else if object.namespace.is_none() {
            object.namespace = Some(Text::clone(&default));
        }
    }
}

fn cluster_id(objects: &[Object]) -> Fact<ClusterId> {
    objects
        .iter()
        .find(|object| {
            object.gvk.group.is_empty()
                && &*object.gvk.kind == "Namespace"
                && &*object.name == "kube-system"
        })
        .and_then(|object| object.uid.clone())
        .map_or(Fact::Absent, |uid| Fact::Is(ClusterId(uid)))
}

fn listed(objects: &[Object]) -> Vec<Listed> {
    let mut counts: BTreeMap<(&Text, &Text), u64> = BTreeMap::new();
    for object in objects {
        *counts
            .entry((&object.gvk.group, &object.gvk.kind))
            .or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((group, kind), count)| Listed {
            group: Text::clone(group),
            kind: Text::clone(kind),
            count,
            complete: true,
        })
        .collect()
}

/// Names only: contents may be secrets.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Input::Bytes { name, bytes } => f
                .debug_struct("Bytes")
                .field("name", name)
                .field("length", &bytes.len())
                .finish(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("kubernetes_minor", &self.kubernetes_minor)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
