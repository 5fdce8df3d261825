//! A folder that is a root file system: of a machine, a chroot, a mounted image. Comes in: its path. Goes out: its
//! inventory. Never: follows a link out of the root (descriptors are opened below each other without following any),
//! opens a device, reads a file twice that has two names.

use crate::ImageError;
use crate::assemble::{Found, Parts, assemble, owned_files};
use crate::catalog::secret;
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::layer::{
    ELF, Entry, EntryKind, LayerFacts, LayerGap, PROGRAM, Reread, gap, is_silent, only_as, rows,
    too_large,
};
use crate::limits::Limits;
use crate::path;
use crate::read::{os, summed};
use crate::remark::{self, Permissions};
use crate::standing::{Survey, survey};
use crate::tree::Tree;
use model::evidence::Gap;
use model::image::ImageIdentity;
use model::inventory::Inventory;
use model::matches::{Artifact, ArtifactKind};
use model::text::Text;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use std::collections::hash_map::Entry as MapEntry;
use std::ffi::{CStr, CString};
use std::io::{self, Read as _};
use std::path::Path;
use std::rc::Rc;

/// Folders in each other that are entered; each one costs an open descriptor.
const DEPTH: usize = 200;

/// Reads a root file system: package databases and what else has a telling name first, then programs and texts. Pseudo file systems below it (`proc`, `sys`) are left out.
///
/// # Errors
/// [`ImageError::Read`] where the folder itself cannot be opened. What cannot be read in it is a gap.
pub fn rootfs(path: &Path, table: &[Extractor], limits: &Limits) -> Result<Inventory, ImageError> {
    let failed = |source: rustix::io::Errno| ImageError::Read {
        path: path.to_owned(),
        source: source.into(),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
    let mut walk = Walk {
        table,
        limits,
        facts: LayerFacts::default(),
        others: Vec::new(),
        linked: FxHashMap::default(),
    };
    walk.all(&root).map_err(failed)?;
    let Walk {
        mut facts, others, ..
    } = walk;
    programs(&root, &mut facts, others, table, limits);
    let name: Text = path.to_string_lossy().into();
    let layers = [facts];
    let (parts, gaps) = together(&root, &layers, table, limits);
    Ok(Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Filesystem,
            identity: ImageIdentity::default(),
            os: os(&parts),
            object: None,
            container: None,
            name: Text::clone(&name),
        },
        release: parts.release,
        layers: Vec::new(),
        components: parts.components,
        linked: parts.linked,
        config: None,
        remarks: parts.remarks,
        gaps: summed(gaps, &format!("rootfs {name}").into(), limits),
    })
}

/// Files that links give a telling name are read under it, then everything is put together.
fn together(
    root: &OwnedFd,
    layers: &[LayerFacts],
    table: &[Extractor],
    limits: &Limits,
) -> (Parts, Vec<Gap>) {
    let tree = Tree::new(layers);
    let Survey {
        standing,
        again,
        mut gaps,
        ..
    } = survey(&tree, layers, table);
    let mut rereads = Vec::new();
    let mut room = 2 * limits.file_bytes;
    for again in &again {
        let Some(written) = tree.entry(again.spot).map(|entry| &entry.path) else {
            continue;
        };
        let wanted = rows(table).filter(|(_, row)| only_as(row, &again.path, written));
        let rows: Vec<_> = wanted.collect();
        let mut extracts = Vec::new();
        let size = read_at_root(root, written, |mode, size, file| {
            if size > room {
                let what = format!("{written} and other links to large files were not read");
                gaps.push(gap("image-limit", what));
                return Ok(());
            }
            room -= size;
            run(
                &rows,
                &again.path,
                mode,
                size,
                file,
                limits,
                |row, found| {
                    extracts.push((row, found));
                },
            )
        });
        if let Err(error) = size {
            gaps.push(unreadable(written, &error));
        }
        for (row, found) in extracts {
            gaps.extend(found.gaps);
            rereads.extend(found.all.into_iter().map(|extract| Reread {
                path: Text::clone(&again.path),
                row,
                extract,
            }));
        }
    }
    if tree.is_cut() {
        let what = "links and folders are nested deeper than is followed";
        gaps.push(gap("image-limit", what));
    }
    let standing = standing.into_iter();
    let mut found: Vec<Found<'_>> = standing
        .map(|standing| Found::standing(standing, &tree, false))
        .collect();
    found.extend(rereads.iter().map(|reread| Found {
        extract: &reread.extract,
        paths: vec![Text::clone(&reread.path)],
        layer: None,
        versions: None,
    }));
    let mut parts = assemble(&tree, layers, &found);
    remark::finish(&mut parts, &tree, remark::asks_settings(table), false);
    (parts, gaps)
}

struct Walk<'a> {
    table: &'a [Extractor],
    limits: &'a Limits,
    facts: LayerFacts,
    /// Entries of files, and whether by size and mode they may be programs.
    others: Vec<(u32, bool)>,
    /// Files with several names: device, inode, and the first name.
    linked: FxHashMap<(u64, u64), Text>,
}

/// A folder to be entered.
struct Folder {
    above: Rc<OwnedFd>,
    device: u64,
    name: CString,
    path: String,
    depth: usize,
}

impl Walk<'_> {
    fn all(&mut self, root: &OwnedFd) -> rustix::io::Result<()> {
        let above = Rc::new(root.try_clone().map_err(|_| rustix::io::Errno::MFILE)?);
        let device = fstat(root)?.st_dev;
        let mut todo = Vec::new();
        self.folder(&above, device, "", 0, &mut todo)?;
        while let Some(folder) = todo.pop() {
            if let Err(error) = self.enter(&folder, &mut todo) {
                self.gap(unreadable(&folder.path, &error.into()));
            }
        }
        Ok(())
    }

    fn enter(&mut self, folder: &Folder, todo: &mut Vec<Folder>) -> rustix::io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let own = openat(&folder.above, &folder.name, flags, Mode::empty())?;
        let device = fstat(&own)?.st_dev;
        if device != folder.device && is_pseudo(&own) {
            return Ok(());
        }
        if folder.depth >= DEPTH {
            let what = format!("{} is in {DEPTH} folders and was not entered", folder.path);
            self.gap(gap("image-limit", what));
            return Ok(());
        }
        self.folder(&Rc::new(own), device, &folder.path, folder.depth, todo)
    }

    fn folder(
        &mut self,
        own: &Rc<OwnedFd>,
        device: u64,
        path: &str,
        depth: usize,
        todo: &mut Vec<Folder>,
    ) -> rustix::io::Result<()> {
        let mut names = Vec::new();
        for entry in Dir::read_from(own)? {
            let entry = entry?;
            let name = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push((name.to_owned(), entry.file_type()));
            }
        }
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let first = todo.len();
        for (name, mut kind) in names {
            let spent = self.facts.spent;
            if spent.entries >= self.limits.entries || spent.names >= self.limits.names {
                let what = format!("there are more than {} files", spent.entries);
                self.gap(gap("image-limit", what));
                todo.clear();
                return Ok(());
            }
            if kind == FileType::Unknown {
                match statat(own, &name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => kind = FileType::from_raw_mode(stat.st_mode),
                    Err(_) => continue,
                }
            }
            let text = path::text(name.to_bytes());
            let full = match path {
                "" => text.into_owned(),
                path => format!("{path}/{text}"),
            };
            match kind {
                FileType::Directory => {
                    self.push(&full, EntryKind::Folder);
                    todo.push(Folder {
                        above: Rc::clone(own),
                        device,
                        name,
                        path: full,
                        depth: depth + 1,
                    });
                }
                FileType::RegularFile => self.file(own, &name, &full),
                FileType::Symlink => match readlinkat(own, &name, Vec::new()) {
                    Ok(to) => {
                        let to = path::text(to.to_bytes()).into();
                        self.push(&full, EntryKind::Symlink(to));
                    }
                    Err(error) => self.gap(unreadable(&full, &error.into())),
                },
                _ => {
                    self.push(&full, EntryKind::Other);
                }
            }
        }
        // Popped from the end: the first name first, so that few folders wait with open ones above them.
        if let Some(new) = todo.get_mut(first..) {
            new.reverse();
        }
        Ok(())
    }

    fn push(&mut self, path: &str, kind: EntryKind) -> u32 {
        let spent = &mut self.facts.spent;
        spent.entries += 1;
        spent.names += path.len() as u64;
        let index = u32::try_from(self.facts.entries.len()).unwrap_or(u32::MAX);
        let path = path.into();
        self.facts.entries.push(Entry { path, kind });
        index
    }

    fn file(&mut self, folder: &OwnedFd, name: &CStr, path: &str) {
        let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => {
                self.push(path, EntryKind::File);
                return self.gap(unreadable(path, &error.into()));
            }
        };
        if stat.st_nlink > 1 {
            // As archives of the same files have it: one content, and other names of it.
            let first = self.linked.entry((stat.st_dev, stat.st_ino));
            if let MapEntry::Occupied(first) = &first {
                let first = Text::clone(first.get());
                self.push(path, EntryKind::Hardlink(first));
                return;
            }
            first.or_insert_with(|| path.into());
        }
        let index = self.push(path, EntryKind::File);
        self.permissions(&stat, path, index);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        // A named file may be a program as well (a launcher called `java`).
        self.others
            .push((index, may_be_program(stat.st_mode, size)));
        let named = |row: &Extractor| matches!(row.wants, Wants::Named(named) if named(path));
        let wanted: Vec<_> = rows(self.table).filter(|(_, row)| named(row)).collect();
        if wanted.is_empty() {
            return;
        }
        let (limits, facts) = (self.limits, &mut self.facts);
        let read = open_file(folder, name).and_then(|(mode, size, file)| {
            run(&wanted, path, mode, size, file, limits, |row, found| {
                facts.add(index, row, found);
            })
        });
        if let Err(error) = read {
            let gap = unreadable(path, &error);
            facts.gaps.push(LayerGap {
                entry: Some(index),
                gap,
            });
        }
    }

    /// What the permissions tell, where they were asked for.
    fn permissions(&mut self, stat: &Stat, path: &str, index: u32) {
        let asks = |(_, row): &(u16, &Extractor)| matches!(row.wants, Wants::Permissions);
        let Some((row, _)) = rows(self.table).find(asks) else {
            return;
        };
        let of = Permissions {
            mode: stat.st_mode & 0o7777,
            owner: Some(stat.st_uid.into()),
            // One more call for each file, for what an image tells in passing.
            capabilities: false,
        };
        if let Some(remark) = remark::of_entry(path, of) {
            self.facts.state(index, row, Extract::Remark(remark));
        }
    }

    fn gap(&mut self, gap: Gap) {
        if self.facts.gaps.len() < self.limits.gaps {
            self.facts.gaps.push(LayerGap { entry: None, gap });
        }
    }
}

impl LayerFacts {
    fn add(&mut self, entry: u32, row: u16, found: Extracts) {
        for extract in found.all {
            self.state(entry, row, extract);
        }
        let gaps = found.gaps.into_iter();
        self.gaps.extend(gaps.map(|gap| LayerGap {
            entry: Some(entry),
            gap,
        }));
    }
}

/// Reads the programs among `others`, and searches texts: those that no package installed, and those outside the folders
/// of packages, whoever installed them. What a package put below `/usr` is what everybody has who installed it, and
/// opening thousands of files for it would double the cost of the scan. Programs that a package installed are read: they
/// belong to it, and are judged by themselves where no feed covers the release.
fn programs(
    root: &OwnedFd,
    facts: &mut LayerFacts,
    others: Vec<(u32, bool)>,
    table: &[Extractor],
    limits: &Limits,
) {
    let wanted = |is: fn(&Wants) -> bool| -> Vec<_> {
        rows(table).filter(|(_, row)| is(&row.wants)).collect()
    };
    let programs = wanted(|wants| matches!(wants, Wants::Programs));
    let texts = wanted(|wants| matches!(wants, Wants::Texts { .. }));
    if programs.is_empty() && texts.is_empty() {
        return;
    }
    let wanted: Vec<Candidate> = {
        let layers = std::slice::from_ref(&*facts);
        let tree = Tree::new(layers);
        let standing = survey(&tree, layers, table).standing.into_iter();
        let found: Vec<Found<'_>> = standing
            .map(|standing| Found::standing(standing, &tree, false))
            .collect();
        let owned = owned_files(&tree, &found);
        let looked_at = |(entry, program): (u32, bool)| {
            let path = &facts.entries.get(entry as usize)?.path;
            let program = program && !programs.is_empty();
            let wanted =
                |row: &Extractor| matches!(row.wants, Wants::Texts { named, .. } if named(path));
            let text = texts.iter().any(|(_, row)| wanted(row));
            if !program && !text {
                return None;
            }
            let free = tree.at(path).is_none_or(|node| !owned.contains_key(&node));
            let text = text && (free || !secret::is_public(path));
            (program || text).then_some(Candidate { entry, text, free })
        };
        others.into_iter().filter_map(looked_at).collect()
    };
    let read: Vec<Program> = wanted
        .par_iter()
        .filter_map(|&Candidate { entry, text, free }| {
            let path = &facts.entries.get(entry as usize)?.path;
            let mut found = Vec::new();
            let read = read_at_root(root, path, |mode, size, file| {
                let rows = if is_program(mode, size, &file)? {
                    &programs
                } else if text && is_text(size, &file)? {
                    &texts
                } else {
                    return Ok(());
                };
                run(rows, path, mode, size, file, limits, |row, extracts| {
                    found.push((row, extracts));
                })
            });
            // A program of a package that only root may read (sudo) is judged as its package.
            let gap = read.err().filter(|_| free);
            let gap = gap.map(|error| unreadable(path, &error));
            found.retain(|(_, one)| !one.all.is_empty() || !one.gaps.is_empty());
            (!found.is_empty() || gap.is_some()).then_some((entry, found, gap))
        })
        .collect();
    for (index, found, gap) in read {
        for (row, extracts) in found {
            if facts.spent.statements < limits.statements {
                facts.add(index, row, extracts);
            }
        }
        let gaps = gap.into_iter();
        facts.gaps.extend(gaps.map(|gap| LayerGap {
            entry: Some(index),
            gap,
        }));
    }
    if facts.spent.statements >= limits.statements {
        let what = format!("files state more than {} facts", limits.statements);
        let gap = gap("image-limit", what);
        facts.gaps.push(LayerGap { entry: None, gap });
    }
}

/// A file that is opened once more.
#[derive(Clone, Copy)]
struct Candidate {
    entry: u32,
    /// Searched, where it is no program.
    text: bool,
    /// No package installed it.
    free: bool,
}

/// Entry, what the rows say of it, and why it could not be read.
type Program = (u32, Vec<(u16, Extracts)>, Option<Gap>);

fn may_be_program(mode: u32, size: u64) -> bool {
    mode & 0o111 != 0 && size >= PROGRAM
}

fn is_program(mode: u32, size: u64, file: &std::fs::File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    if !may_be_program(mode, size) {
        return Ok(false);
    }
    let mut start = [0; 4];
    file.read_exact_at(&mut start, 0)?;
    Ok(start == ELF)
}

/// Whether the start of a file has no NUL; a little is looked at first.
fn is_text(size: u64, file: &std::fs::File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let mut start = [0; 512];
    let start = start
        .get_mut(..usize::try_from(size).unwrap_or(512).min(512))
        .unwrap_or(&mut []);
    file.read_exact_at(start, 0)?;
    Ok(secret::is_text(start))
}

/// Runs rows over one file.
fn run(
    rows: &[(u16, &Extractor)],
    path: &str,
    mode: u32,
    size: u64,
    mut file: std::fs::File,
    limits: &Limits,
    mut add: impl FnMut(u16, Extracts),
) -> io::Result<()> {
    if size == 0 {
        return Ok(());
    }
    let mut bytes: Option<Vec<u8>> = None;
    for (index, row) in rows {
        let mut extracts = Extracts::default();
        if let Some(gap) = too_large(row, path, size, limits) {
            extracts.gaps.extend((!is_silent(row, path)).then_some(gap));
        } else {
            let bytes = match &mut bytes {
                Some(bytes) => bytes,
                none => {
                    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
                    // A file may grow while it is read.
                    file.by_ref().take(size).read_to_end(&mut bytes)?;
                    none.insert(bytes)
                }
            };
            (row.extract)(&File { path, mode, bytes }, &mut extracts);
        }
        add(*index, extracts);
    }
    Ok(())
}

/// Opens a regular file in an open folder: permission bits, size, file.
fn open_file(folder: impl AsFd, name: &CStr) -> io::Result<(u32, u64, std::fs::File)> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty())?;
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file any more"));
    }
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok((stat.st_mode & 0o7777, size, file.into()))
}

/// Opens a file by its path from the root, folder by folder, and follows no link on the way.
fn read_at_root(
    root: &OwnedFd,
    path: &str,
    read: impl FnOnce(u32, u64, std::fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: Option<OwnedFd> = None;
    let name_of =
        |part: &str| CString::new(path::bytes(part).into_owned()).map_err(io::Error::other);
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        let above = at.as_ref().unwrap_or(root);
        at = Some(openat(above, name_of(part)?, flags, Mode::empty())?);
    }
    let (mode, size, file) = open_file(at.as_ref().unwrap_or(root), &name_of(name)?)?;
    read(mode, size, file)
}

/// Whether a mounted file system shows the kernel and not files (statfs(2), `f_type`).
fn is_pseudo(folder: &OwnedFd) -> bool {
    const PSEUDO: [u64; 12] = [
        0x9fa0,      // proc
        0x6265_6572, // sysfs
        0x0027_e0eb, // cgroup
        0x6367_7270, // cgroup2
        0x6462_6720, // debugfs
        0x7472_6163, // tracefs
        0x7363_6673, // securityfs
        0xcafe_4a11, // bpf
        0x1cd1,      // devpts
        0x1980_0202, // mqueue
        0x6265_6570, // configfs
        0x6165_676c, // pstore
    ];
    rustix::fs::fstatfs(folder).is_ok_and(|fs| {
        #[allow(clippy::unnecessary_cast, clippy::cast_sign_loss)] // its type is the platform's
        let kind = fs.f_type as u64 & 0xffff_ffff;
        PSEUDO.contains(&kind)
    })
}

fn unreadable(path: &str, error: &io::Error) -> Gap {
    let mut gap = gap(
        "rootfs-unreadable",
        format!("{path} cannot be read: {error}"),
    );
    gap.close = "scan as a user who may read it".into();
    gap
}
