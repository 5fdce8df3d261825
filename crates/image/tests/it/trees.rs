//! Layers over each other, beside a model that does it slowly with a map of whole paths.

use crate::tarball::Tarball;
use image::Limits;
use image::layer::{Entry, EntryKind, LayerFacts};
use image::tree::{Spot, Tree, What};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Thing {
    Folder,
    Link(String),
    File(Spot),
    Other,
}

/// Path -> layer that wrote it last, and what it is.
#[derive(Default)]
struct Model(BTreeMap<String, (u32, Thing)>);

impl Model {
    fn of(layers: &[LayerFacts]) -> BTreeMap<String, Thing> {
        let mut model = Model::default();
        for (layer, facts) in (0..).zip(layers) {
            for (entry, fact) in (0..).zip(&facts.entries) {
                model.apply(Spot { layer, entry }, fact);
            }
        }
        model
            .0
            .into_iter()
            .map(|(path, (_, thing))| (path, thing))
            .collect()
    }

    fn below(&self, path: &str) -> Vec<String> {
        let inside = format!("{path}/");
        let is_below = |other: &&String| path.is_empty() || other.starts_with(&inside);
        self.0.keys().filter(is_below).cloned().collect()
    }

    fn remove(&mut self, path: &str) {
        for inner in self.below(path) {
            self.0.remove(&inner);
        }
        self.0.remove(path);
    }

    /// Takes out what is of lower layers; a folder stays while something in it does.
    fn clear(&mut self, paths: &[String], layer: u32) {
        for path in paths.iter().rev() {
            let kept = !self.below(path).is_empty();
            let own = self.0.get_mut(path).unwrap();
            if kept {
                own.0 = layer;
            } else if own.0 < layer {
                self.0.remove(path);
            }
        }
    }

    fn apply(&mut self, spot: Spot, entry: &Entry) {
        let (folder, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        let thing = match &entry.kind {
            EntryKind::Whiteout => {
                if let Some(path) = self.child(folder, name) {
                    let mut all = self.below(&path);
                    all.insert(0, path);
                    self.clear(&all, spot.layer);
                }
                return;
            }
            EntryKind::Opaque => {
                if let Some(path) = self.resolve(&entry.path, None) {
                    if path.is_empty() {
                        self.clear(&self.below(""), spot.layer);
                    } else if self.0[&path].1 == Thing::Folder {
                        self.clear(&self.below(&path), spot.layer);
                        self.0.get_mut(&path).unwrap().0 = spot.layer;
                    }
                }
                return;
            }
            EntryKind::Hardlink(to) => {
                let (folder, name) = to.rsplit_once('/').unwrap_or(("", to));
                match self.child(folder, name).map(|path| self.0[&path].1.clone()) {
                    None | Some(Thing::Folder) => Thing::Other,
                    Some(thing) => thing,
                }
            }
            EntryKind::File => Thing::File(spot),
            EntryKind::Folder => Thing::Folder,
            EntryKind::Symlink(to) => Thing::Link(to.to_string()),
            EntryKind::Other => Thing::Other,
        };
        let folder = self.resolve(folder, Some(spot.layer)).unwrap();
        let path = join(&folder, name);
        let both_folders = thing == Thing::Folder
            && self
                .0
                .get(&path)
                .is_some_and(|(_, there)| *there == Thing::Folder);
        if !both_folders {
            self.remove(&path);
        }
        self.0.insert(path, (spot.layer, thing));
    }

    fn child(&self, folder: &str, name: &str) -> Option<String> {
        let folder = self.look(folder)?;
        let path = join(&folder, name);
        self.0.contains_key(&path).then_some(path)
    }

    fn look(&self, path: &str) -> Option<String> {
        Model(self.0.clone()).resolve(path, None)
    }

    fn resolve(&mut self, path: &str, make: Option<u32>) -> Option<String> {
        let mut todo: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let mut at = String::new();
        let mut hops = 0;
        while let Some(part) = todo.pop_front() {
            if part.is_empty() {
                continue;
            }
            if !at.is_empty() && self.0[&at].1 != Thing::Folder {
                return None;
            }
            if part == "." {
                continue;
            }
            if part == ".." {
                at = at
                    .rsplit_once('/')
                    .map_or(String::new(), |(above, _)| above.to_owned());
                continue;
            }
            let next = join(&at, &part);
            match (self.0.get(&next).map(|(_, thing)| thing.clone()), make) {
                (Some(Thing::Link(to)), _) if hops < 40 => {
                    hops += 1;
                    if to.starts_with('/') {
                        at.clear();
                    }
                    for part in to.rsplit('/') {
                        todo.push_front(part.to_owned());
                    }
                    continue;
                }
                (Some(Thing::Link(_)) | None, None) => return None,
                (Some(Thing::Folder), _) | (Some(_), None) => {}
                (_, Some(layer)) => {
                    self.remove(&next);
                    self.0.insert(next.clone(), (layer, Thing::Folder));
                }
            }
            at = next;
        }
        Some(at)
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn tree(layers: &[LayerFacts]) -> BTreeMap<String, Thing> {
    let tree = Tree::new(layers);
    let mut all = BTreeMap::new();
    tree.visit(|path, node, what| {
        let thing = match what {
            What::Folder => Thing::Folder,
            What::Link(to) => Thing::Link(to.to_owned()),
            What::File(spot) => Thing::File(spot),
            What::Other => Thing::Other,
        };
        assert_eq!(tree.path(node), path);
        assert_eq!(tree.at(path), Some(node), "{path}");
        assert!(all.insert(path.to_owned(), thing).is_none(), "{path} twice");
    });
    assert!(!tree.is_cut());
    all
}

fn layer(tarball: Tarball) -> LayerFacts {
    let (facts, whole) = crate::layers::facts(&tarball.end(), &Limits::default());
    assert!(whole && facts.gaps.is_empty(), "{:?}", facts.gaps);
    facts
}

/// Files that stand, as `path=layer.entry`, links as `path->to`, folders that hold nothing as `path/`.
fn check(layers: &[Tarball], expected: &str) {
    let layers: Vec<LayerFacts> = layers.iter().cloned().map(layer).collect();
    let found = tree(&layers);
    assert_eq!(found, Model::of(&layers));
    let holds = |path: &str| {
        found
            .keys()
            .any(|other| other.starts_with(&format!("{path}/")))
    };
    let lines = found.iter().filter_map(|(path, thing)| match thing {
        Thing::Folder if holds(path) => None,
        Thing::Folder => Some(format!("{path}/")),
        Thing::Link(to) => Some(format!("{path}->{to}")),
        Thing::File(spot) => Some(format!("{path}={}.{}", spot.layer, spot.entry)),
        Thing::Other => Some(format!("{path}?")),
    });
    assert_eq!(lines.collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn layers_over_each_other() {
    let t = Tarball::new;
    let base = || t().file("a/x", "1").file("a/y", "2").file("b", "3");
    check(&[base(), t().file("a/x", "4")], "a/x=1.0 a/y=0.1 b=0.2");
    // Whiteouts and opaque folders.
    check(
        &[base(), t().whiteout("a/x").whiteout("b").whiteout("none/x")],
        "a/y=0.1",
    );
    check(&[base(), t().whiteout("a")], "b=0.2");
    check(&[base(), t().file("a/z", "5").opaque("a")], "a/z=1.0 b=0.2");
    check(&[base(), t().opaque("a")], "a/ b=0.2");
    check(&[base(), t().opaque("").file("c", "")], "c=1.1");
    check(
        &[base(), t().whiteout("a"), t().file("a/x", "6")],
        "a/x=2.0 b=0.2",
    );
    // A whiteout hides lower layers, never its own, before or after.
    check(
        &[base(), t().file("a/x", "4").whiteout("a/x")],
        "a/x=1.0 a/y=0.1 b=0.2",
    );
    check(
        &[base(), t().whiteout("a").folder("a").file("a/n", "4")],
        "a/n=1.2 b=0.2",
    );
    check(
        &[base(), t().folder("a").file("a/n", "4").whiteout("a")],
        "a/n=1.1 b=0.2",
    );
    // The same name twice in a layer: the last one counts.
    check(
        &[t().file("a", "1").file("a", "2").file("./a", "3")],
        "a=0.2",
    );
    check(&[t().file("a", "1").folder("a")], "a/");
    check(&[t().file("a/b", "1").file("a", "2")], "a=0.1");
    // Folder over file and over link, file over folder.
    check(&[base(), t().folder("b")], "a/x=0.0 a/y=0.1 b/");
    check(&[base(), t().file("a", "4")], "a=1.0 b=0.2");
    check(
        &[
            t().symlink("l", "a").file("a/x", "1"),
            t().folder("l").file("l/y", "2"),
        ],
        "a/x=0.1 l/y=1.1",
    );
    check(
        &[base(), t().file("b/inside", "4")],
        "a/x=0.0 a/y=0.1 b/inside=1.0",
    );
}

#[test]
fn links() {
    let t = Tarball::new;
    let merged = || t().symlink("lib", "usr/lib").file("usr/lib/a", "1");
    check(
        &[merged(), t().file("lib/b", "2")],
        "lib->usr/lib usr/lib/a=0.1 usr/lib/b=1.0",
    );
    check(
        &[merged(), t().file("lib/a", "2")],
        "lib->usr/lib usr/lib/a=1.0",
    );
    check(&[merged(), t().whiteout("lib/a")], "lib->usr/lib usr/lib/");
    check(
        &[merged(), t().opaque("lib").file("usr/lib/c", "")],
        "lib->usr/lib usr/lib/c=1.1",
    );
    check(&[merged(), t().whiteout("lib")], "usr/lib/a=0.1");
    check(
        &[merged(), t().whiteout("lib").file("lib/z", "")],
        "lib/z=1.1 usr/lib/a=0.1",
    );
    // The state of the moment counts.
    check(&[t().file("lib/a", "1").symlink("lib", "usr")], "lib->usr");
    check(
        &[t().symlink("l", "/x/../y").file("l/f", "1")],
        "l->/x/../y x/ y/f=0.1",
    );
    check(
        &[t().symlink("l", "../../../etc").file("l/f", "1")],
        "etc/f=0.1 l->../../../etc",
    );
    // Loops: the folder of the entry takes the place of the link.
    check(
        &[t().symlink("a", "b").symlink("b", "a").file("a/f", "1")],
        "a/f=0.2 b->a",
    );
    check(&[t().symlink("a", "a").file("a/f", "1")], "a/f=0.1");
    // Hard links keep the content when the first name is deleted or written again.
    check(
        &[t().file("a", "1").hardlink("b", "a"), t().whiteout("a")],
        "b=0.0",
    );
    check(
        &[t().file("a", "1").hardlink("b", "a").file("a", "2")],
        "a=0.2 b=0.0",
    );
    check(
        &[t().file("a", "1"), t().hardlink("b", "a").whiteout("a")],
        "b=0.0",
    );
    check(&[t().hardlink("b", "a").file("a", "1")], "a=0.1 b?");
    check(&[t().file("a", "1").hardlink("a", "a")], "a=0.0");
    check(&[t().symlink("l", "x").hardlink("m", "l")], "l->x m->x");
    check(
        &[t()
            .symlink("lib", "usr/lib")
            .file("usr/lib/a", "")
            .hardlink("b", "lib/a")],
        "b=0.1 lib->usr/lib usr/lib/a=0.1",
    );
    check(
        &[t()
            .file("a\u{1}", "")
            .raw(b'0', b"a\xff", b"", 0, b"")
            .file("a\\xff", "")],
        "a\u{1}=0.0 a\\x5cxff=0.2 a\\xff=0.1",
    );
}

fn any_layers() -> impl Strategy<Value = Vec<LayerFacts>> {
    let name = || "[abc](/[abc]){0,3}";
    let kind = prop_oneof![
        4 => Just(EntryKind::File),
        2 => Just(EntryKind::Folder),
        1 => Just(EntryKind::Other),
        2 => Just(EntryKind::Whiteout),
        1 => Just(EntryKind::Opaque),
        3 => "(/|../|./|)[abc](/[abc.]|/..){0,3}/?".prop_map(|to| EntryKind::Symlink(to.into())),
        2 => name().prop_map(|to| EntryKind::Hardlink(to.into())),
    ];
    let entry = (name(), kind).prop_map(|(path, kind)| Entry {
        path: path.into(),
        kind,
    });
    let layer = proptest::collection::vec(entry, 0..14).prop_map(|entries| LayerFacts {
        entries,
        ..LayerFacts::default()
    });
    proptest::collection::vec(layer, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn the_tree_is_what_the_model_makes(layers in any_layers()) {
        prop_assert_eq!(tree(&layers), Model::of(&layers));
    }
}
