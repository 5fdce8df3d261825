//! One layer as facts. Comes in: the stream of an uncompressed tar. Goes out: its entries and what single files of it
//! say. Never: knows another layer, keeps the content of a file, trusts a name.

use crate::blob::Over;
use crate::catalog::secret;
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::limits::Limits;
use crate::path;
use crate::remark::{self, Permissions};
use crate::tar::{Header, Kind, Tar, TarError};
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// Everything that is kept of a layer; a function of its bytes, the table of extractors and the limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerFacts {
    /// In the order of the archive; a later one of the same path replaces an earlier one.
    pub entries: Vec<Entry>,
    /// Ordered by entry and row.
    pub statements: Vec<Statement>,
    pub gaps: Vec<LayerGap>,
    /// Uncompressed bytes.
    pub size: u64,
    pub spent: Spent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Normalised, without a leading slash.
    #[serde(rename = "p")]
    pub path: Text,
    #[serde(rename = "k")]
    pub kind: EntryKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    #[serde(rename = "f")]
    File,
    #[serde(rename = "d")]
    Folder,
    /// As written; resolved against the layers below when they are laid over each other.
    #[serde(rename = "l")]
    Symlink(Text),
    /// The normalised path of the file that it is another name of.
    #[serde(rename = "h")]
    Hardlink(Text),
    #[serde(rename = "o")]
    Other,
    /// The path is deleted from the layers below (`.wh.NAME`).
    #[serde(rename = "w")]
    Whiteout,
    /// What the layers below have in this folder is deleted (`.wh..wh..opq`).
    #[serde(rename = "q")]
    Opaque,
}

/// What a row of the table made of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub entry: u32,
    /// Index into the table.
    pub row: u16,
    pub extract: Extract,
}

/// A gap of one file, which only counts while that file is there, or of the layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerGap {
    pub entry: Option<u32>,
    pub gap: Gap,
}

/// What the facts of a layer take up of [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    pub entries: u64,
    pub names: u64,
    pub statements: u64,
}

/// A statement of a file that was read under another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reread {
    pub path: Text,
    pub row: u16,
    pub extract: Extract,
}

/// Reads one layer. A damaged archive gives what was read before the damage, and a gap. `false`: it stopped at a limit,
/// and the rest of the stream is not worth reading.
pub fn walk(stream: &mut impl BufRead, table: &[Extractor], limits: &Limits) -> (LayerFacts, bool) {
    let mut walk = Walk::new(table, limits, None);
    let mut tar = Tar::new(stream);
    let read = walk.all(&mut tar);
    let on = walk.ended(read);
    walk.facts.size = tar.at();
    (walk.facts, on)
}

/// Reads files of a layer once more, under other names: (entry, name), ordered.
pub fn reread(
    stream: &mut impl BufRead,
    names: &[(u32, Text)],
    table: &[Extractor],
    limits: &Limits,
) -> (Vec<Reread>, Vec<LayerGap>, bool) {
    let mut walk = Walk::new(table, limits, Some(names));
    let mut tar = Tar::new(stream);
    let read = walk.all(&mut tar);
    let on = walk.ended(read);
    (walk.reread, walk.facts.gaps, on)
}

struct Walk<'a> {
    table: &'a [Extractor],
    limits: &'a Limits,
    programs: bool,
    texts: bool,
    /// The row that asks for permissions.
    permissions: Option<u16>,
    facts: LayerFacts,
    /// Entries so far.
    index: u32,
    names: Option<&'a [(u32, Text)]>,
    reread: Vec<Reread>,
    /// Bytes that may still be read under other names.
    room: u64,
    /// A name that leads out of the root was told of.
    climbed: bool,
    /// Reused for each file.
    content: Vec<u8>,
}

/// One reading of a file: a row, and the name it is read under.
struct Task<'t> {
    row: u16,
    path: &'t str,
}

impl<'a> Walk<'a> {
    fn new(table: &'a [Extractor], limits: &'a Limits, names: Option<&'a [(u32, Text)]>) -> Self {
        Walk {
            table,
            limits,
            programs: rows(table).any(|(_, row)| matches!(row.wants, Wants::Programs)),
            texts: names.is_none()
                && rows(table).any(|(_, row)| matches!(row.wants, Wants::Texts { .. })),
            permissions: rows(table)
                .find(|(_, row)| matches!(row.wants, Wants::Permissions) && names.is_none())
                .map(|(row, _)| row),
            facts: LayerFacts::default(),
            index: 0,
            names,
            reread: Vec::new(),
            room: 2 * limits.file_bytes,
            climbed: names.is_some(),
            content: Vec::new(),
        }
    }

    /// `Ok(false)`: stopped at a limit.
    fn all<R: BufRead>(&mut self, tar: &mut Tar<R>) -> Result<bool, TarError> {
        while let Some(header) = tar.next()? {
            let spent = self.facts.spent;
            let over = if spent.entries >= self.limits.entries {
                format!("has more than {} entries", self.limits.entries)
            } else if spent.names >= self.limits.names {
                format!("has names of more than {} bytes", self.limits.names)
            } else if spent.statements >= self.limits.statements {
                format!("states more than {} facts", self.limits.statements)
            } else {
                self.entry(tar, header)?;
                continue;
            };
            let what = format!("a layer {over}: the rest was not read");
            self.gap(None, "image-limit", what);
            return Ok(false);
        }
        tar.drain()?;
        Ok(true)
    }

    fn entry<R: BufRead>(&mut self, tar: &mut Tar<R>, header: Header) -> Result<(), TarError> {
        let link = match &header.kind {
            Kind::Symlink(target) | Kind::Hardlink(target) => target.len(),
            _ => 0,
        };
        if header.path.len().max(link) > self.limits.path_bytes {
            let what = format!(
                "a path of {} bytes was not read",
                header.path.len().max(link)
            );
            self.gap(None, "image-limit", what);
            return Ok(());
        }
        if !self.climbed && path::climbs(&header.path) {
            self.climbed = true;
            let what = format!(
                "a layer names {}, which leads out of the root: runtimes do not agree on where it stands",
                path::text(&header.path)
            );
            self.gap(None, "image-unreadable", what);
        }
        let Some(path) = path::normal(&header.path) else {
            return Ok(());
        };
        let name = path.rsplit('/').next().unwrap_or(&path);
        // OCI image-spec, layer.md: whiteouts. Other names with the prefix are of aufs itself and mean nothing.
        if let Some(hidden) = name.strip_prefix(".wh.") {
            let folder = path.get(..path.len() - name.len()).unwrap_or("");
            match hidden {
                ".wh..opq" => self.push(folder.trim_end_matches('/'), EntryKind::Opaque),
                "" | "." | ".." => {}
                _ if hidden.starts_with(".wh.") => {}
                _ => self.push(&format!("{folder}{hidden}"), EntryKind::Whiteout),
            }
            return Ok(());
        }
        let is_sparse = header.kind == Kind::Sparse;
        let kind = match header.kind {
            Kind::File | Kind::Sparse => EntryKind::File,
            Kind::Folder => EntryKind::Folder,
            Kind::Symlink(target) => EntryKind::Symlink(path::text(&target).into()),
            Kind::Hardlink(target) => match path::normal(&target) {
                Some(target) => EntryKind::Hardlink(target.into()),
                None => EntryKind::Other,
            },
            Kind::Other => EntryKind::Other,
        };
        let index = self.index;
        let is_file = kind == EntryKind::File;
        self.push(&path, kind);
        if let (true, Some(row)) = (is_file, self.permissions) {
            let of = Permissions {
                mode: header.mode,
                owner: Some(header.owner).filter(|owner| *owner != u64::MAX),
                capabilities: header.capabilities,
            };
            if let Some(remark) = remark::of_entry(&path, of) {
                self.facts.state(index, row, Extract::Remark(remark));
            }
        }
        if !is_file || header.size == 0 {
            return Ok(());
        }
        if is_sparse {
            if self
                .tasks(&path, index, header.mode & 0o111 != 0, false)
                .next()
                .is_some()
            {
                let what = format!("{path} is stored as a sparse file and was not read");
                self.gap(Some(index), "image-unreadable", what);
            }
            return Ok(());
        }
        self.file(tar, &path, header.mode, header.size, index)
    }

    fn push(&mut self, path: &str, kind: EntryKind) {
        self.index = self.index.saturating_add(1);
        let spent = &mut self.facts.spent;
        spent.entries += 1;
        spent.names += path.len() as u64;
        if let EntryKind::Symlink(to) | EntryKind::Hardlink(to) = &kind {
            spent.names += to.len() as u64;
        }
        if self.names.is_none() {
            let path = path.into();
            self.facts.entries.push(Entry { path, kind });
        }
    }

    /// The readings that a file is wanted for.
    fn tasks<'t>(
        &self,
        path: &'t str,
        index: u32,
        program: bool,
        text: bool,
    ) -> impl Iterator<Item = Task<'t>> + use<'t, 'a>
    where
        'a: 't,
    {
        let (table, names) = (self.table, self.names);
        let first = rows(table)
            .filter(move |(_, row)| match row.wants {
                _ if names.is_some() => false,
                Wants::Named(named) => named(path),
                Wants::Programs => program,
                Wants::Texts { named, .. } => text && named(path),
                Wants::Permissions => false,
            })
            .map(move |(row, _)| Task { row, path });
        let from = names.map_or(0, |names| names.partition_point(|(at, _)| *at < index));
        let others = names
            .and_then(|names| names.get(from..))
            .unwrap_or(&[])
            .iter()
            .take_while(move |(at, _)| *at == index)
            .flat_map(move |(_, other)| {
                rows(table)
                    .filter(move |(_, row)| only_as(row, other, path))
                    .map(move |(row, _)| Task { row, path: other })
            });
        first.chain(others)
    }

    fn file<R: BufRead>(
        &mut self,
        tar: &mut Tar<R>,
        path: &str,
        mode: u32,
        size: u64,
        index: u32,
    ) -> Result<(), TarError> {
        self.content.clear();
        let program = self.programs && self.names.is_none() && mode & 0o111 != 0 && {
            size >= PROGRAM && {
                tar.content(&mut self.content, ELF.len() as u64)?;
                self.content == ELF
            }
        };
        let text = !program && self.texts && self.is_text(tar, path, size)?;
        let mut whole = false;
        for Task { row, path } in self.tasks(path, index, program, text) {
            let Some(extractor) = self.table.get(usize::from(row)) else {
                continue;
            };
            if let Some(gap) = too_large(extractor, path, size, self.limits) {
                if !is_silent(extractor, path) {
                    self.add(Some(index), gap);
                }
                continue;
            }
            if self.names.is_some() {
                let Some(room) = self.room.checked_sub(size) else {
                    let what = format!("{path} and other links to large files were not read");
                    self.gap(Some(index), "image-limit", what);
                    break;
                };
                self.room = room;
            }
            if !whole {
                tar.content(&mut self.content, size)?;
                whole = true;
            }
            let mut extracts = Extracts::default();
            let file = File {
                path,
                mode,
                bytes: &self.content,
            };
            (extractor.extract)(&file, &mut extracts);
            for gap in extracts.gaps {
                self.add(Some(index), gap);
            }
            for extract in extracts.all {
                if self.names.is_some() {
                    self.facts.spent.statements += weight(&extract);
                    let path = path.into();
                    self.reread.push(Reread { path, row, extract });
                } else {
                    self.facts.state(index, row, extract);
                }
            }
        }
        // One large file must not be paid for until the end of the layer.
        if self.content.capacity() > 16 << 20 {
            self.content = Vec::new();
        }
        Ok(())
    }

    /// Whether a row searches the file and its start is of text. A little is looked at first: most are not.
    fn is_text<R: BufRead>(
        &mut self,
        tar: &mut Tar<R>,
        path: &str,
        size: u64,
    ) -> Result<bool, TarError> {
        let wanted =
            |row: &Extractor| matches!(row.wants, Wants::Texts { named, .. } if named(path));
        if !self.table.iter().any(wanted) {
            return Ok(false);
        }
        for most in [FIRST, secret::START] {
            let have = self.content.len();
            let more = size.min(most as u64).saturating_sub(have as u64);
            tar.content(&mut self.content, more)?;
            if !secret::is_text(&self.content) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn gap(&mut self, entry: Option<u32>, class: &str, what: String) {
        self.add(entry, gap(class, what));
    }

    fn add(&mut self, entry: Option<u32>, gap: Gap) {
        if self.facts.gaps.len() < self.limits.gaps {
            self.facts.gaps.push(LayerGap { entry, gap });
        }
    }

    /// Whether the rest of the stream is worth reading for its digest.
    fn ended(&mut self, read: Result<bool, TarError>) -> bool {
        let error = match read {
            Ok(on) => return on,
            Err(error) => error,
        };
        let over = matches!(&error, TarError::Read { source, .. }
            if source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Over>));
        let class = if over {
            "image-limit"
        } else {
            "image-unreadable"
        };
        let what = format!("a layer was not read to its end: {}", with_causes(&error));
        // The most important one of a layer: it must not fall to the limit of gaps.
        self.facts.gaps.truncate(self.limits.gaps.saturating_sub(1));
        self.gap(None, class, what);
        !over
    }
}

impl LayerFacts {
    pub(crate) fn state(&mut self, entry: u32, row: u16, extract: Extract) {
        self.spent.statements += weight(&extract);
        self.statements.push(Statement {
            entry,
            row,
            extract,
        });
    }
}

/// Whether nothing need be said of a file that is too large for `row`.
pub(crate) fn is_silent(row: &Extractor, path: &str) -> bool {
    matches!(row.wants, Wants::Texts { matters, .. } if !matters(path))
}

/// Whether `row` wants a file as `other` and did not read it as `path`.
pub(crate) fn only_as(row: &Extractor, other: &str, path: &str) -> bool {
    matches!(row.wants, Wants::Named(named) if named(other) && !named(path))
}

pub(crate) fn rows(table: &[Extractor]) -> impl Iterator<Item = (u16, &Extractor)> {
    (0u16..).zip(table)
}

/// The gap of a file that is too large for `row`.
pub(crate) fn too_large(row: &Extractor, path: &str, size: u64, limits: &Limits) -> Option<Gap> {
    let limit = row.limit.min(limits.file_bytes);
    (size > limit).then(|| {
        let what = format!(
            "{path} has {size} bytes, more than the {limit} that {} reads",
            row.name
        );
        let mut gap = gap("image-limit", what);
        if matches!(row.wants, Wants::Texts { .. }) {
            gap.weight = GapWeight::Notice;
            gap.close = "look at it by hand, or keep it out of the image".into();
        }
        gap
    })
}

/// What an extract takes up of [`Limits::statements`].
pub(crate) fn weight(extract: &Extract) -> u64 {
    let components = |all: &[model::inventory::Component]| -> u64 {
        all.iter().map(|one| 1 + one.files.len() as u64).sum()
    };
    match extract {
        Extract::Components(all) => components(all),
        Extract::Files { paths, .. } => paths.len() as u64,
        Extract::Program {
            components: all,
            linked,
        } => {
            let functions = linked.as_ref().and_then(|linked| linked.functions.as_ref());
            components(all) + functions.map_or(0, |functions| functions.len() as u64)
        }
        Extract::Release { .. } | Extract::Remark(_) => 1,
    }
}

pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        what = format!("{what}: {cause}");
        source = cause.source();
    }
    what
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

/// Bytes that tell most files that are none of text.
const FIRST: usize = 512;
pub(crate) const ELF: &[u8] = b"\x7fELF";
/// Nothing smaller is a program with a table of what it contains.
pub(crate) const PROGRAM: u64 = 4_096;
