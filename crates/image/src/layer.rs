//! One layer as facts. Comes in: the stream of an uncompressed tar. Goes out: its entries and what single files of it
//! say. Never: knows another layer, keeps the content of a file, trusts a name.

use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::limits::Limits;
use crate::path;
use crate::tar::{Header, Kind, Tar, TarError};
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// Everything that is kept of a layer; a function of its bytes and the table of extractors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// In the order of the archive; a later one of the same path replaces an earlier one.
    pub entries: Vec<Entry>,
    /// (entry, what its file says), ordered by entry.
    pub extracts: Vec<(u32, Extract)>,
    pub gaps: Vec<Gap>,
    /// Uncompressed bytes.
    pub size: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Normalised, without a leading slash.
    pub path: Text,
    pub kind: EntryKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    File,
    Folder,
    /// As written; resolved against the layers below when they are laid over each other.
    Symlink(Text),
    /// The normalised path of the file that it is another name of.
    Hardlink(Text),
    Other,
    /// The path is deleted from the layers below (`.wh.NAME`).
    Whiteout,
    /// What the layers below have in this folder is deleted (`.wh..wh..opq`).
    Opaque,
}

/// Reads one layer. A damaged archive gives what was read before the damage, and a gap.
pub fn walk(stream: impl BufRead, table: &[Extractor], limits: &Limits) -> LayerFacts {
    let mut walk = Walk {
        table,
        limits,
        facts: LayerFacts::default(),
        content: Vec::new(),
    };
    let mut tar = Tar::new(stream);
    if let Err(error) = walk.all(&mut tar) {
        walk.damaged(&error);
    }
    walk.facts.size = tar.at();
    walk.facts
}

struct Walk<'a> {
    table: &'a [Extractor],
    limits: &'a Limits,
    facts: LayerFacts,
    /// Reused for each file.
    content: Vec<u8>,
}

impl Walk<'_> {
    fn all<R: BufRead>(&mut self, tar: &mut Tar<R>) -> Result<(), TarError> {
        while let Some(header) = tar.next()? {
            if self.facts.entries.len() as u64 >= self.limits.entries {
                self.gap(
                    "image-limit",
                    format!(
                        "a layer has more than {} entries: the rest was not read",
                        self.limits.entries
                    ),
                );
                return Ok(());
            }
            self.entry(tar, header)?;
        }
        tar.drain()
    }

    fn entry<R: BufRead>(&mut self, tar: &mut Tar<R>, header: Header) -> Result<(), TarError> {
        if header.path.len() > self.limits.path_bytes {
            self.gap(
                "image-limit",
                format!("a path of {} bytes was not read", header.path.len()),
            );
            return Ok(());
        }
        let Some(path) = path::normal(&header.path) else {
            return Ok(());
        };
        let name = path.rsplit('/').next().unwrap_or(&path);
        // OCI image-spec, layer.md: whiteouts. Other names with the prefix are of aufs itself and mean nothing.
        if let Some(hidden) = name.strip_prefix(".wh.") {
            let folder = path.get(..path.len() - name.len()).unwrap_or("");
            let entry = match hidden {
                ".wh..opq" => Some((folder.trim_end_matches('/').into(), EntryKind::Opaque)),
                _ if hidden.starts_with(".wh.") || hidden.is_empty() => None,
                _ => Some((format!("{folder}{hidden}").into(), EntryKind::Whiteout)),
            };
            if let Some((path, kind)) = entry {
                self.facts.entries.push(Entry { path, kind });
            }
            return Ok(());
        }
        let index = u32::try_from(self.facts.entries.len()).unwrap_or(u32::MAX);
        let kind = match header.kind {
            Kind::File => EntryKind::File,
            Kind::Folder => EntryKind::Folder,
            Kind::Symlink(target) => EntryKind::Symlink(String::from_utf8_lossy(&target).into()),
            Kind::Hardlink(target) => match path::normal(&target) {
                Some(target) => EntryKind::Hardlink(target.into()),
                None => EntryKind::Other,
            },
            Kind::Other => EntryKind::Other,
            Kind::Sparse => {
                if self.named(&path).next().is_some() {
                    self.gap(
                        "image-unreadable",
                        format!("{path} is stored as a sparse file and was not read"),
                    );
                }
                EntryKind::File
            }
        };
        let read = kind == EntryKind::File && header.size > 0;
        let path = Text::from(path);
        self.facts.entries.push(Entry {
            path: Text::clone(&path),
            kind,
        });
        if read {
            self.file(tar, &path, header.mode, header.size, index)?;
        }
        Ok(())
    }

    fn named<'t>(&'t self, path: &'t str) -> impl Iterator<Item = &'t Extractor> {
        self.table
            .iter()
            .filter(move |row| matches!(row.wants, Wants::Named(named) if named(path)))
    }

    fn file<R: BufRead>(
        &mut self,
        tar: &mut Tar<R>,
        path: &str,
        mode: u32,
        size: u64,
        index: u32,
    ) -> Result<(), TarError> {
        let table = self.table;
        self.content.clear();
        let program = mode & 0o111 != 0 && size >= PROGRAM && {
            tar.content(&mut self.content, ELF.len() as u64)?;
            self.content == ELF
        };
        let rows = table.iter().filter(|row| match row.wants {
            Wants::Named(named) => named(path),
            Wants::Programs => program,
        });
        let mut read = false;
        for row in rows {
            let limit = row.limit.min(self.limits.file_bytes);
            if size > limit {
                self.gap(
                    "image-limit",
                    format!(
                        "{path} has {size} bytes, more than the {limit} that {} reads",
                        row.name
                    ),
                );
                continue;
            }
            if !read {
                tar.content(&mut self.content, size)?;
                read = true;
            }
            let mut extracts = Extracts::default();
            (row.extract)(
                &File {
                    path,
                    mode,
                    bytes: &self.content,
                },
                &mut extracts,
            );
            self.facts
                .extracts
                .extend(extracts.all.into_iter().map(|extract| (index, extract)));
            self.facts.gaps.extend(extracts.gaps);
        }
        // One large file must not be paid for until the end of the layer.
        if self.content.capacity() > 16 << 20 {
            self.content = Vec::new();
        }
        Ok(())
    }

    fn gap(&mut self, class: &str, what: String) {
        if self.facts.gaps.len() < self.limits.gaps {
            self.facts.gaps.push(gap(class, what));
        }
    }

    fn damaged(&mut self, error: &TarError) {
        let mut what = format!("a layer cannot be read to its end: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            what = format!("{what}: {cause}");
            source = cause.source();
        }
        self.gap("image-unreadable", what);
    }
}

/// A gap of this stage; its scope is set by whoever knows the artifact.
pub(crate) fn gap(class: &str, what: impl Into<Text>) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Catalog,
        scope: "".into(),
        weight: GapWeight::Hides,
        close: "repair or rebuild the image, or scan it where it can be read whole".into(),
    }
}

const ELF: &[u8] = b"\x7fELF";
/// Nothing smaller is a program with a table of what it contains.
const PROGRAM: u64 = 4_096;
