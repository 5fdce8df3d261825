//! Layers laid over each other, on facts alone. Comes in: the entries of all layers, from the lowest up. Goes out: what
//! stands at which path in the end, and which entry brought its content. Never: reads a file, recurses, spends more on
//! links than it has entries. Sources: OCI image-spec, layer.md (whiteouts hide lower layers only); containerd,
//! `pkg/archive/tar.go` (what a runtime does with links and with entries that are in each other's way).
//!
//! The layers are applied one after the other to a tree of names, as unpacking would do it: a link among the folders of
//! a name is followed as it stands at that moment, a thing replaces what was there, a hard link takes the content of
//! the moment at which it is made.

use crate::layer::{Entry, EntryKind, LayerFacts};
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::collections::HashMap;
use std::str::Split;

/// Links in a row that are followed (Linux, `MAXSYMLINKS`).
const HOPS: usize = 40;
/// Components of names that are looked at for each entry, on average.
const STEPS: u64 = 64;
/// Bytes of a path below which files are visited: no program opens a longer one (Linux, `PATH_MAX`).
const LONGEST: usize = 4_096;
const ROOT: u32 = 0;
const NONE: u32 = u32::MAX;

/// The names that stand when all layers are in place.
pub struct Tree<'a> {
    layers: &'a [LayerFacts],
    nodes: Vec<Node<'a>>,
    /// Names come from archives: a hash that cannot be foreseen.
    children: HashMap<(u32, &'a str), u32>,
    /// The folder of the last entry: archives go folder by folder.
    last: Option<(&'a str, u32)>,
    steps: Cell<u64>,
    cut: Cell<bool>,
    /// The last name that was looked for went through more links than are followed.
    endless: Cell<bool>,
    /// Hard links whose file is not there: how many, and the first.
    lost: (usize, Option<Spot>),
}

/// Layer and entry, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    pub layer: u32,
    pub entry: u32,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    Folder,
    /// With its target as written.
    Link(&'a str),
    /// With the entry that holds its content.
    File(Spot),
    Other,
}

/// A name in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

struct Node<'a> {
    name: &'a str,
    parent: u32,
    /// The layer that last wrote it.
    layer: u32,
    /// The layer at which everything of lower ones was taken out of it.
    cleared: u32,
    first: u32,
    next: u32,
    gone: bool,
    /// Used while clearing: something in it stays.
    kept: bool,
    what: What<'a>,
}

impl<'a> Tree<'a> {
    pub fn new(layers: &'a [LayerFacts]) -> Self {
        let entries: usize = layers.iter().map(|layer| layer.entries.len()).sum();
        let mut tree = Tree {
            layers,
            nodes: Vec::with_capacity(entries + 1),
            children: HashMap::with_capacity(entries),
            last: None,
            steps: Cell::new(STEPS * (entries as u64 + 1024)),
            cut: Cell::new(false),
            endless: Cell::new(false),
            lost: (0, None),
        };
        tree.nodes.push(Node::new("", ROOT, 0, What::Folder));
        for (layer, facts) in (0u32..).zip(layers) {
            for (entry, fact) in (0u32..).zip(&facts.entries) {
                tree.apply(Spot { layer, entry }, fact);
            }
        }
        tree
    }

    /// Whether links or depth were over what is followed, so that something may be missing.
    pub fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// How many hard links lead to nothing, and the name of the first. No runtime unpacks such a layer.
    pub fn lost(&self) -> Option<(usize, &'a str)> {
        let (count, first) = self.lost;
        Some((count, &*self.entry(first?)?.path))
    }

    pub fn entry(&self, spot: Spot) -> Option<&'a Entry> {
        self.layers
            .get(spot.layer as usize)?
            .entries
            .get(spot.entry as usize)
    }

    pub fn what(&self, node: NodeId) -> What<'a> {
        self.node(node.0).what
    }

    /// What stands at `path`, with the links among its folders followed; a link at its end is not.
    pub fn at(&self, path: &str) -> Option<NodeId> {
        let (folder, name) = split(path);
        let folder = self.find(ROOT, folder)?;
        self.child(folder, name).map(NodeId)
    }

    /// Where a link ends, through any number of links.
    pub fn end(&self, node: NodeId) -> Option<NodeId> {
        match self.node(node.0).what {
            What::Link(to) => self.find(self.node(node.0).parent, to).map(NodeId),
            _ => Some(node),
        }
    }

    /// Whether a link leads in a circle, and not only to nothing.
    pub fn is_endless(&self, link: NodeId) -> bool {
        self.endless.set(false);
        self.end(link).is_none() && self.endless.get()
    }

    /// The path of a node from the root.
    pub fn path(&self, node: NodeId) -> String {
        let mut names = Vec::new();
        let mut at = node.0;
        while at != ROOT {
            names.push(self.node(at).name);
            at = self.node(at).parent;
        }
        names.reverse();
        names.join("/")
    }

    /// Everything that stands, folder by folder, with its path.
    pub fn visit(&self, mut see: impl FnMut(&str, NodeId, What<'a>)) {
        let mut path = String::new();
        let mut todo: Vec<(u32, usize)> = self.living(ROOT).map(|child| (child, 0)).collect();
        while let Some((id, length)) = todo.pop() {
            let node = self.node(id);
            path.truncate(length);
            if length > 0 {
                path.push('/');
            }
            path.push_str(node.name);
            if path.len() > LONGEST {
                self.cut.set(true);
                continue;
            }
            see(&path, NodeId(id), node.what);
            if node.what == What::Folder {
                let length = path.len();
                todo.extend(self.living(id).map(|child| (child, length)));
            }
        }
    }

    fn apply(&mut self, spot: Spot, entry: &'a Entry) {
        let (folder, name) = split(&entry.path);
        let layer = spot.layer;
        let what = match &entry.kind {
            EntryKind::Whiteout => {
                let child = self
                    .find(ROOT, folder)
                    .and_then(|folder| self.child(folder, name));
                if let Some(child) = child {
                    self.clear(child, layer);
                }
                return;
            }
            EntryKind::Opaque => {
                let folder = self.find(ROOT, &entry.path);
                if let Some(folder) = folder.filter(|id| self.node(*id).what == What::Folder) {
                    self.clear(folder, layer);
                    // The folder itself is not hidden.
                    self.keep(folder, layer);
                }
                return;
            }
            EntryKind::Hardlink(to) => match self.at(to).map(|node| self.what(node)) {
                Some(What::Folder) | None => {
                    let (count, first) = self.lost;
                    self.lost = (count + 1, first.or(Some(spot)));
                    What::Other
                }
                Some(what) => what,
            },
            EntryKind::File => What::File(spot),
            EntryKind::Folder => What::Folder,
            EntryKind::Symlink(to) => What::Link(to),
            EntryKind::Other => What::Other,
        };
        let parent = match self.last {
            Some((last, parent)) if last == folder => parent,
            _ => {
                let Some((parent, again)) = self.make(folder, layer) else {
                    return;
                };
                self.last = again.then_some((folder, parent));
                parent
            }
        };
        self.set(parent, name, layer, what);
    }

    fn set(&mut self, parent: u32, name: &'a str, layer: u32, what: What<'a>) {
        let Some(old) = self.child(parent, name) else {
            self.add(parent, name, layer, what);
            return;
        };
        let node = self.node_mut(old);
        match (node.what, what) {
            (What::Folder, What::Folder) => node.layer = layer,
            (What::Folder, _) => {
                self.remove(old);
                self.add(parent, name, layer, what);
            }
            (was, _) => {
                node.layer = layer;
                node.what = what;
                if matches!(was, What::Link(_)) || matches!(what, What::Link(_)) {
                    self.last = None;
                }
            }
        }
    }

    fn add(&mut self, parent: u32, name: &'a str, layer: u32, what: What<'a>) -> u32 {
        let Ok(id) = u32::try_from(self.nodes.len()) else {
            self.cut.set(true);
            return parent;
        };
        let mut node = Node::new(name, parent, layer, what);
        node.next = std::mem::replace(&mut self.node_mut(parent).first, id);
        self.nodes.push(node);
        self.children.insert((parent, name), id);
        id
    }

    fn remove(&mut self, id: u32) {
        let node = self.node_mut(id);
        node.gone = true;
        let key = (node.parent, node.name);
        self.children.remove(&key);
        self.last = None;
    }

    /// Takes what lower layers brought out of `top`, and `top` itself where nothing of it stays.
    fn clear(&mut self, top: u32, layer: u32) {
        self.last = None;
        let mut all = vec![top];
        let mut next = 0;
        while let Some(&id) = all.get(next) {
            next += 1;
            let node = self.node_mut(id);
            // What a folder holds after it was cleared is of the same layer.
            node.kept = node.layer == layer || (node.what == What::Folder && node.cleared == layer);
            if node.what == What::Folder && node.cleared != layer {
                node.cleared = layer;
                let children: Vec<u32> = self.living(id).collect();
                self.node_mut(id).first = NONE;
                all.extend(children);
            }
        }
        // Children come after their folders.
        for &id in all.iter().rev() {
            let parent = self.node(id).parent;
            if !self.node(id).kept {
                if id == ROOT {
                    continue;
                }
                self.remove(id);
            } else if id != top {
                self.keep(parent, layer);
                let first = std::mem::replace(&mut self.node_mut(parent).first, id);
                self.node_mut(id).next = first;
            }
        }
    }

    /// A folder that holds something of `layer`, or that it names.
    fn keep(&mut self, folder: u32, layer: u32) {
        let node = self.node_mut(folder);
        node.kept = true;
        node.layer = layer;
        if node.gone {
            node.gone = false;
            let (parent, name) = (node.parent, node.name);
            self.children.insert((parent, name), folder);
        }
    }

    /// The folder at `path`, made where it is missing, with links followed. A file in the way gives room, and so does a
    /// link that leads nowhere: overlay file systems show the folder of the upper layer. `true`: the same path leads
    /// there again.
    fn make(&mut self, path: &'a str, layer: u32) -> Option<(u32, bool)> {
        let mut todo = vec![path.split('/')];
        let mut at = ROOT;
        let mut hops = 0;
        let mut again = true;
        while let Some(parts) = todo.last_mut() {
            let Some(part) = parts.next() else {
                todo.pop();
                continue;
            };
            self.step()?;
            match part {
                "" | "." => continue,
                ".." => {
                    at = self.node(at).parent;
                    continue;
                }
                _ => {}
            }
            at = match self.child(at, part) {
                None => self.add(at, part, layer, What::Folder),
                Some(child) => match self.node(child).what {
                    What::Folder => child,
                    What::Link(to) if hops < HOPS => {
                        hops += 1;
                        todo.push(to.split('/'));
                        if to.starts_with('/') { ROOT } else { at }
                    }
                    _ => {
                        again = false;
                        self.remove(child);
                        self.add(at, part, layer, What::Folder)
                    }
                },
            };
        }
        Some((at, again))
    }

    /// What stands at `path` seen from `at`, with all links followed.
    fn find(&self, at: u32, path: &str) -> Option<u32> {
        let mut todo: Vec<Split<'_, char>> = vec![path.split('/')];
        let mut at = if path.starts_with('/') { ROOT } else { at };
        let mut hops = 0;
        while let Some(parts) = todo.last_mut() {
            let Some(part) = parts.next() else {
                todo.pop();
                continue;
            };
            self.step()?;
            if part.is_empty() {
                continue;
            }
            if self.node(at).what != What::Folder {
                return None;
            }
            match part {
                "." => continue,
                ".." => {
                    at = self.node(at).parent;
                    continue;
                }
                _ => {}
            }
            let child = self.child(at, part)?;
            match self.node(child).what {
                What::Link(to) => {
                    hops += 1;
                    if hops > HOPS {
                        self.endless.set(true);
                        return None;
                    }
                    todo.push(to.split('/'));
                    if to.starts_with('/') {
                        at = ROOT;
                    }
                }
                _ => at = child,
            }
        }
        Some(at)
    }

    fn step(&self) -> Option<()> {
        let left = self.steps.get().checked_sub(1);
        if left.is_none() {
            self.cut.set(true);
        }
        self.steps.set(left?);
        Some(())
    }

    fn child(&self, parent: u32, name: &str) -> Option<u32> {
        self.children.get(&(parent, name)).copied()
    }

    fn living(&self, folder: u32) -> impl Iterator<Item = u32> {
        let mut next = self.node(folder).first;
        std::iter::from_fn(move || {
            loop {
                let id = (next != NONE).then_some(next)?;
                next = self.node(id).next;
                if !self.node(id).gone {
                    return Some(id);
                }
            }
        })
    }

    fn node(&self, id: u32) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    fn node_mut(&mut self, id: u32) -> &mut Node<'a> {
        &mut self.nodes[id as usize]
    }
}

impl<'a> Node<'a> {
    fn new(name: &'a str, parent: u32, layer: u32, what: What<'a>) -> Self {
        Node {
            name,
            parent,
            layer,
            cleared: NONE,
            first: NONE,
            next: NONE,
            gone: false,
            kept: false,
            what,
        }
    }
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The owner of each name that stands, by the paths that owners list; of several the first counts.
pub fn owned<'p>(
    tree: &Tree<'_>,
    paths: impl Iterator<Item = (&'p str, u32)>,
) -> FxHashMap<NodeId, u32> {
    let mut owned = FxHashMap::default();
    let mut last: Option<(&str, Option<u32>)> = None;
    for (path, owner) in paths {
        let (folder, name) = split(path);
        let found = match last {
            Some((known, found)) if known == folder => found,
            _ => {
                let found = tree.find(ROOT, folder);
                last = Some((folder, found));
                found
            }
        };
        if let Some(node) = found.and_then(|folder| tree.child(folder, name)) {
            owned.entry(NodeId(node)).or_insert(owner);
        }
    }
    owned
}
