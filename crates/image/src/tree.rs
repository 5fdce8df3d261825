//! Layers laid over each other, on facts alone. Comes in: the facts of all layers, from the lowest up. Goes out: which
//! files remain and under which path, and which must be read once more because a link gives them a name that matters.
//! Never: reads a file. Sources: OCI image-spec, layer.md (whiteouts); what runtimes do with links (containerd's apply).

use crate::extract::{Extractor, Wants};
use crate::layer::{Entry, EntryKind, LayerFacts};
use crate::path::{above, normal, target};
use model::text::Text;
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// Links in a row that a runtime follows (Linux, `MAXSYMLINKS`).
const HOPS: usize = 40;

/// What stands at a path when all layers are in place.
pub struct Tree<'a> {
    layers: &'a [LayerFacts],
    at: FxHashMap<Cow<'a, str>, Marks>,
    links: FxHashMap<&'a str, Vec<(Spot, Option<&'a str>)>>,
    /// Other names of a file: layer and path of the file, and the entries that name it.
    names: FxHashMap<(u32, &'a str), Vec<u32>>,
    /// Every file at a path that has another name somewhere.
    named: FxHashMap<&'a str, Vec<Spot>>,
}

/// Layer and entry, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub layer: u32,
    pub entry: u32,
}

/// The highest spot of each effect at a path.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// A file, link or device: replaces what was there, and whatever was below it.
    thing: Option<Spot>,
    folder: Option<Spot>,
    whiteout: Option<Spot>,
    opaque: Option<Spot>,
}

/// A file whose content must be read under another name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Again {
    /// Where its content stands.
    pub spot: Spot,
    /// The name that an extractor wants.
    pub path: Text,
}

impl<'a> Tree<'a> {
    pub fn new(layers: &'a [LayerFacts]) -> Self {
        let mut tree = Tree {
            layers,
            at: FxHashMap::default(),
            links: FxHashMap::default(),
            names: FxHashMap::default(),
            named: FxHashMap::default(),
        };
        for (spot, entry) in entries(layers) {
            if let EntryKind::Symlink(to) = &entry.kind {
                let known = tree.links.entry(&*entry.path).or_default();
                known.push((spot, Some(to)));
            } else if let Some(known) = tree.links.get_mut(&*entry.path) {
                known.push((spot, None));
            }
            if let EntryKind::Hardlink(to) = &entry.kind {
                let names = tree.names.entry((spot.layer, to)).or_default();
                names.push(spot.entry);
                tree.named.entry(to).or_default();
            }
        }
        for (spot, entry) in entries(layers).filter(|(_, entry)| entry.kind == EntryKind::File) {
            if let Some(files) = tree.named.get_mut(&*entry.path) {
                files.push(spot);
            }
        }
        let mut folders: FxHashMap<(u32, &str), Option<String>> = FxHashMap::default();
        for (spot, entry) in entries(layers) {
            let path = tree.place(spot, &entry.path, &mut folders);
            let marks = tree.at.entry(path).or_default();
            let mark = match entry.kind {
                EntryKind::Folder => &mut marks.folder,
                EntryKind::Whiteout => &mut marks.whiteout,
                EntryKind::Opaque => &mut marks.opaque,
                EntryKind::File
                | EntryKind::Symlink(_)
                | EntryKind::Hardlink(_)
                | EntryKind::Other => &mut marks.thing,
            };
            *mark = (*mark).max(Some(spot));
        }
        tree
    }

    /// The path with the links among its folders followed as they stood when `spot` was applied.
    fn place(
        &self,
        spot: Spot,
        path: &'a str,
        folders: &mut FxHashMap<(u32, &'a str), Option<String>>,
    ) -> Cow<'a, str> {
        let Some((folder, name)) = path.rsplit_once('/') else {
            return Cow::Borrowed(path);
        };
        let real = folders
            .entry((spot.layer, folder))
            .or_insert_with(|| self.followed(folder, spot).filter(|real| real != folder));
        match real {
            Some(real) if real.is_empty() => Cow::Borrowed(name),
            Some(real) => Cow::Owned(format!("{real}/{name}")),
            None => Cow::Borrowed(path),
        }
    }

    /// The path with all links in it followed, as they stand at `when`; `None` for a loop. Empty: the root.
    fn followed(&self, path: &str, when: Spot) -> Option<String> {
        let mut done = String::new();
        let mut todo: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut hops = 0;
        while let Some(part) = todo.pop() {
            let next = if done.is_empty() {
                part
            } else {
                format!("{done}/{part}")
            };
            match self.link(&next, when) {
                Some(to) => {
                    hops += 1;
                    if hops > HOPS {
                        return None;
                    }
                    let to = target(&next, to).unwrap_or_default();
                    done.clear();
                    todo.extend(
                        to.rsplit('/')
                            .filter(|part| !part.is_empty())
                            .map(str::to_owned),
                    );
                }
                None => done = next,
            }
        }
        Some(done)
    }

    fn link(&self, path: &str, when: Spot) -> Option<&'a str> {
        let known = self.links.get(path)?;
        let after = known.partition_point(|(spot, _)| spot.layer <= when.layer);
        known.get(after.checked_sub(1)?)?.1
    }

    /// Whether nothing above `spot` replaced or deleted `path`.
    fn stays(&self, spot: Spot, path: &str) -> bool {
        let own = self.at.get(path).copied().unwrap_or_default();
        let later = |mark: Option<Spot>| mark.is_some_and(|mark| mark > spot);
        // Whiteouts hide the layers below theirs, never their own.
        let lower = |mark: Option<Spot>| mark.is_some_and(|mark| mark.layer > spot.layer);
        !later(own.thing)
            && !later(own.folder)
            && !lower(own.whiteout)
            && !above(path).any(|folder| {
                self.at.get(folder).is_some_and(|marks| {
                    later(marks.thing) || lower(marks.whiteout) || lower(marks.opaque)
                })
            })
            && !self.at.get("").is_some_and(|root| lower(root.opaque))
    }

    /// The path under which the file of `spot` can be opened in the end, if any: its own, or that of a hard link.
    pub fn remains(&self, spot: Spot) -> Option<String> {
        let entry = self.entry(spot)?;
        let own = self.place(spot, &entry.path, &mut FxHashMap::default());
        if self.stays(spot, &own) {
            return Some(own.into_owned());
        }
        let names = self.names.get(&(spot.layer, &*entry.path))?;
        names
            .iter()
            .filter(|name| **name > spot.entry)
            .find_map(|&entry| {
                let there = Spot { entry, ..spot };
                let path = &self.entry(there)?.path;
                let path = self.place(there, path, &mut FxHashMap::default());
                self.stays(there, &path).then(|| path.into_owned())
            })
    }

    /// What stands at `path` in the end; links are not followed.
    pub fn standing(&self, path: &str) -> Option<(Spot, &'a Entry)> {
        let spot = self.at.get(path)?.thing?;
        self.stays(spot, path).then_some(())?;
        Some((spot, self.entry(spot)?))
    }

    fn entry(&self, spot: Spot) -> Option<&'a Entry> {
        self.layers
            .get(spot.layer as usize)?
            .entries
            .get(spot.entry as usize)
    }

    /// Files that a link gives a name that an extractor wants, and that were not read under it.
    pub fn again(&self, table: &[Extractor]) -> Vec<Again> {
        let wanted = |path: &str| -> Vec<usize> {
            let rows = table.iter().enumerate();
            rows.filter(|(_, row)| matches!(row.wants, Wants::Named(named) if named(path)))
                .map(|(index, _)| index)
                .collect()
        };
        let mut again = Vec::new();
        for (path, marks) in &self.at {
            let rows = wanted(path);
            let Some(spot) = marks
                .thing
                .filter(|spot| !rows.is_empty() && self.stays(*spot, path))
            else {
                continue;
            };
            let Some(found) = self.content(spot, path) else {
                continue;
            };
            let read_as = self
                .entry(found)
                .map(|entry| wanted(&entry.path))
                .unwrap_or_default();
            if found != spot && rows.iter().any(|row| !read_as.contains(row)) {
                again.push(Again {
                    spot: found,
                    path: Text::from(&**path),
                });
            }
        }
        again.sort_unstable();
        again
    }

    /// Where the content of `spot` stands, through any number of links.
    fn content(&self, spot: Spot, path: &str) -> Option<Spot> {
        let top = Spot {
            layer: u32::MAX,
            entry: u32::MAX,
        };
        let (mut spot, mut path) = (spot, path.to_owned());
        for _ in 0..HOPS {
            match &self.entry(spot)?.kind {
                EntryKind::File => return Some(spot),
                EntryKind::Symlink(to) => {
                    path = self.followed(&target(&path, to)?, top)?;
                    spot = self.standing(&path)?.0;
                }
                EntryKind::Hardlink(to) => {
                    // The content is that of the moment when the link was made.
                    path = normal(self.followed(to, spot)?.as_bytes())?;
                    spot = self.before(spot, &path)?;
                }
                _ => return None,
            }
        }
        None
    }

    /// The last file at `path` that was applied before `spot`.
    fn before(&self, spot: Spot, path: &str) -> Option<Spot> {
        let files = self.named.get(path)?;
        let before = files.partition_point(|file| *file < spot);
        files.get(before.checked_sub(1)?).copied()
    }
}

fn entries(layers: &[LayerFacts]) -> impl Iterator<Item = (Spot, &Entry)> {
    (0u32..).zip(layers).flat_map(|(layer, facts)| {
        (0u32..)
            .zip(&facts.entries)
            .map(move |(entry, fact)| (Spot { layer, entry }, fact))
    })
}
