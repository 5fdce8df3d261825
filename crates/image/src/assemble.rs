//! From statements to an inventory. Comes in: what the files that stand say, and the tree that they stand in. Goes out:
//! components with their places, layers, files and owners, in the documented order. Never: reads, judges, drops a
//! component.

use crate::catalog::os::{finish, settle};
use crate::extract::Extract;
use crate::layer::LayerFacts;
use crate::release::end_of_life;
use crate::standing::Standing;
use crate::tree::{NodeId, Tree, owned};
use model::inventory::{Component, FoundAs, Linked, Place, Release, Remark, SourcePackage};
use model::text::Text;
use rustc_hash::FxHashMap;
use std::collections::{HashMap, HashSet};

/// What the files of an artifact say together.
#[derive(Debug, Default)]
pub struct Parts {
    pub release: Option<Release>,
    pub components: Vec<Component>,
    pub linked: Vec<Linked>,
    pub remarks: Vec<Remark>,
}

/// A statement with its paths.
pub struct Found<'a> {
    pub extract: &'a Extract,
    pub paths: Vec<Text>,
    /// `None` for what has no layers.
    pub layer: Option<u32>,
    /// Row and path under which lower layers have older versions of the same file.
    pub versions: Option<(u16, &'a str)>,
}

impl<'a> Found<'a> {
    /// `layered`: places name their layers.
    pub fn standing(standing: Standing<'a>, tree: &Tree<'a>, layered: bool) -> Self {
        let entry = tree.entry(standing.spot).filter(|_| layered);
        Found {
            extract: &standing.statement.extract,
            versions: entry.map(|entry| (standing.statement.row, &*entry.path)),
            layer: layered.then_some(standing.spot.layer),
            paths: standing.paths,
        }
    }
}

/// Makes one whole of all statements. `layers` are those that the statements came from, for the older versions of files
/// that were written again (package databases are, with every installation).
pub fn assemble(tree: &Tree<'_>, layers: &[LayerFacts], found: &[Found<'_>]) -> Parts {
    let older = Older::new(layers);
    let mut parts = Parts {
        release: release(found),
        ..Parts::default()
    };
    let lists = lists(found);
    let mut systems = Union::default();
    let mut others = Vec::new();
    for one in found {
        match one.extract {
            Extract::Release { .. } | Extract::Files { .. } => {}
            Extract::Remark(remark) => parts.remarks.push(Remark {
                place: one.place(&remark.place),
                ..remark.clone()
            }),
            Extract::Components(components) => {
                for component in components {
                    let mut whole = component.clone();
                    let layer = older.layer(one, component);
                    whole.at = one.places(component, layer);
                    if is_system(component) {
                        finish(&mut whole, parts.release.as_ref());
                        join_files(&mut whole, &lists);
                        systems.add(whole);
                    } else {
                        join_described_files(&mut whole, &lists);
                        others.push(whole);
                    }
                }
            }
            Extract::Program { components, linked } => {
                let linked = linked.as_ref().map(|linked| parts.link(one, linked));
                for component in components {
                    let mut whole = component.clone();
                    whole.at = one.places(component, one.layer);
                    whole.linked = linked;
                    others.push(whole);
                }
            }
        }
    }
    parts.components = with_owners(tree, systems.all(), others);
    parts.remarks.sort_unstable();
    parts.remarks.dedup();
    parts
}

fn release(found: &[Found<'_>]) -> Option<Release> {
    let said = found.iter().filter_map(|one| match one.extract {
        Extract::Release {
            release,
            precedence,
        } => Some((release.clone(), *precedence)),
        _ => None,
    });
    let mut release = settle(said)?;
    if release.end_of_life.is_none() {
        release.end_of_life = end_of_life(&release);
    }
    Some(release)
}

/// Files by the name that their list gives the package.
type Lists<'a> = HashMap<&'a str, Vec<&'a [Text]>>;

fn lists<'a>(found: &[Found<'a>]) -> Lists<'a> {
    let mut lists = Lists::new();
    for one in found {
        if let Extract::Files { package, paths } = one.extract {
            lists.entry(package).or_default().push(paths);
        }
    }
    lists
}

/// Lists of package managers: `name:architecture` where several may be installed together, else `name`.
fn join_files(component: &mut Component, lists: &Lists<'_>) {
    if lists.is_empty() || !matches!(&*component.kind, "deb" | "alpm" | "opkg") {
        return;
    }
    let both = component.architecture.as_ref();
    let both =
        both.and_then(|architecture| lists.get(&*format!("{}:{architecture}", component.name)));
    let Some(files) = both.or_else(|| lists.get(&*component.name)) else {
        return;
    };
    let files = files.iter().copied().flatten().cloned();
    component.files.extend(files);
}

/// Lists of languages name the file that describes the package, which is where it stands.
fn join_described_files(component: &mut Component, lists: &Lists<'_>) {
    for place in &component.at {
        if let Some(files) = lists.get(&*place.path) {
            let files = files.iter().copied().flatten().cloned();
            component.files.extend(files);
        }
    }
}

impl Parts {
    fn link(&mut self, found: &Found<'_>, linked: &Linked) -> u32 {
        let mut linked = linked.clone();
        if linked.path.is_empty() {
            linked.path = found.paths.first().cloned().unwrap_or_default();
        }
        self.linked.push(linked);
        u32::try_from(self.linked.len() - 1).unwrap_or(u32::MAX)
    }
}

impl Found<'_> {
    /// The places of a component that gave its own relative to the file.
    fn places(&self, component: &Component, layer: Option<u32>) -> Vec<Place> {
        let own = [Place {
            path: "".into(),
            layer: None,
        }];
        let at = if component.at.is_empty() {
            &own[..]
        } else {
            &component.at
        };
        let mut places = Vec::with_capacity(at.len() * self.paths.len());
        for path in &self.paths {
            places.extend(at.iter().map(|place| Place {
                path: within(path, &place.path),
                layer,
            }));
        }
        places
    }

    fn place(&self, place: &Place) -> Place {
        let path = self.paths.first().cloned().unwrap_or_default();
        Place {
            path: within(&path, &place.path),
            layer: self.layer,
        }
    }
}

fn within(file: &Text, place: &Text) -> Text {
    if place.is_empty() {
        Text::clone(file)
    } else if place.starts_with("!/") {
        format!("{file}{place}").into()
    } else {
        Text::clone(place)
    }
}

/// Installed by the package manager of a distribution.
pub(crate) fn is_system(component: &Component) -> bool {
    component.found == FoundAs::Installed
        && matches!(
            &*component.kind,
            "deb" | "apk" | "rpm" | "alpm" | "opkg" | "ebuild"
        )
}

/// What makes two components one.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: Text,
    namespace: Option<Text>,
    name: Text,
    version: Text,
    purl: Text,
    source: Option<SourcePackage>,
    architecture: Option<Text>,
    module: Option<Text>,
    found: FoundAs,
    owner: Option<u32>,
    linked: Option<u32>,
}

/// Components of which those that are the same share an element.
#[derive(Default)]
struct Union {
    index: HashMap<Key, usize>,
    all: Vec<Component>,
}

impl Union {
    fn add(&mut self, component: Component) {
        let key = Key {
            kind: Text::clone(&component.kind),
            namespace: component.namespace.clone(),
            name: Text::clone(&component.name),
            version: Text::clone(&component.version),
            purl: Text::clone(&component.purl),
            source: component.source.clone(),
            architecture: component.architecture.clone(),
            module: component.module.clone(),
            found: component.found,
            owner: component.owner,
            linked: component.linked,
        };
        let at = *self.index.entry(key).or_insert(self.all.len());
        match self.all.get_mut(at) {
            Some(known) => {
                known.at.extend(component.at);
                known.files.extend(component.files);
                known.licenses.extend(component.licenses);
            }
            None => self.all.push(component),
        }
    }

    /// Ordered as an inventory is; places, files and licences without doubles.
    fn all(self) -> Vec<Component> {
        let mut all = self.all;
        for component in &mut all {
            component.at.sort_unstable();
            component.at.dedup();
            component.files.sort_unstable();
            component.files.dedup();
            let mut seen = HashSet::new();
            component
                .licenses
                .retain(|license| seen.insert(Text::clone(license)));
        }
        all.sort_by(|a, b| order(a).cmp(&order(b)));
        all
    }
}

fn order(component: &Component) -> impl Ord + '_ {
    (
        &component.kind,
        &component.namespace,
        &component.name,
        &component.version,
        &component.at,
        &component.purl,
        component.linked,
    )
}

/// All components in one order, those of files that a package of the distribution installed with their owner.
fn with_owners(tree: &Tree<'_>, systems: Vec<Component>, others: Vec<Component>) -> Vec<Component> {
    let owners = owners(tree, &systems, &others);
    let mut union = Union::default();
    for component in others {
        // A copy that a package owns and one that it does not are two.
        let mut groups: Vec<(Option<u32>, Vec<Place>)> = Vec::new();
        for place in &component.at {
            let node = tree.at(file_of(&place.path));
            let owner = node.and_then(|node| owners.get(&node).copied());
            let owner = owner.filter(|owner| is_installed(systems.get(*owner as usize), place));
            match groups.iter_mut().find(|(known, _)| *known == owner) {
                Some((_, places)) => places.push(place.clone()),
                None => groups.push((owner, vec![place.clone()])),
            }
        }
        if groups.is_empty() {
            groups.push((None, Vec::new()));
        }
        for (owner, at) in groups {
            union.add(Component {
                owner,
                at,
                ..component.clone()
            });
        }
    }
    let count = systems.len();
    let mut all: Vec<(usize, Component)> =
        systems.into_iter().chain(union.all()).enumerate().collect();
    all.sort_by(|(_, a), (_, b)| order(a).cmp(&order(b)));
    let mut moved = vec![0; count];
    for (to, (from, _)) in (0u32..).zip(&all) {
        if let Some(slot) = moved.get_mut(*from) {
            *slot = to;
        }
    }
    all.into_iter()
        .map(|(_, mut component)| {
            let owner = component.owner.and_then(|owner| moved.get(owner as usize));
            component.owner = owner.copied();
            component
        })
        .collect()
}

/// Whether a file can be the one that its package installed: what a higher layer put over it was not judged by the
/// vendor.
fn is_installed(package: Option<&Component>, file: &Place) -> bool {
    let last = package.and_then(|package| package.at.iter().map(|place| place.layer).max());
    last.is_none_or(|last| file.layer <= last)
}

/// The file itself of a place inside an archive.
fn file_of(path: &str) -> &str {
    path.split_once("!/").map_or(path, |(file, _)| file)
}

/// Which package owns which of the files that components were found in.
fn owners(tree: &Tree<'_>, systems: &[Component], others: &[Component]) -> FxHashMap<NodeId, u32> {
    let name = |path: &str| -> Text { path.rsplit('/').next().unwrap_or(path).into() };
    let names: HashSet<Text> = others
        .iter()
        .flat_map(|component| &component.at)
        .map(|place| name(file_of(&place.path)))
        .collect();
    let files = (0u32..).zip(systems).flat_map(|(index, component)| {
        let files = component.files.iter();
        files.map(move |file| (&**file, index))
    });
    let files = files.filter(|(path, _)| names.contains(path.rsplit('/').next().unwrap_or(path)));
    owned(tree, files)
}

/// Which package owns which file; for sources that can leave files out.
pub(crate) fn owned_files(tree: &Tree<'_>, found: &[Found<'_>]) -> FxHashMap<NodeId, u32> {
    let listed = found.iter().flat_map(|one| match one.extract {
        Extract::Files { paths, .. } => vec![&paths[..]],
        Extract::Components(all) => {
            let systems = all.iter().filter(|component| is_system(component));
            systems.map(|component| &component.files[..]).collect()
        }
        _ => Vec::new(),
    });
    owned(tree, listed.flatten().map(|path| (&**path, 0)))
}

/// Row, path, and the components of each version of that file, from the lowest layer up.
type Versions<'a> = HashMap<(u16, &'a str), Vec<(u32, HashSet<Ident<'a>>)>>;
/// Layer and what its version of the file states.
type Stated<'a> = Vec<(u32, &'a [Component])>;
type Ident<'a> = (&'a str, Option<&'a str>, &'a str, &'a str, Option<&'a str>);

/// Older versions of files that several layers have.
struct Older<'a> {
    versions: Versions<'a>,
}

impl<'a> Older<'a> {
    fn new(layers: &'a [LayerFacts]) -> Self {
        let mut statements: HashMap<(u16, &str), Stated<'_>> = HashMap::new();
        for (layer, facts) in (0u32..).zip(layers) {
            for statement in &facts.statements {
                let Extract::Components(components) = &statement.extract else {
                    continue;
                };
                let Some(entry) = facts.entries.get(statement.entry as usize) else {
                    continue;
                };
                let key = (statement.row, &*entry.path);
                statements.entry(key).or_default().push((layer, components));
            }
        }
        let several = statements.into_iter().filter(|(_, all)| {
            let first = all.first().map(|(layer, _)| *layer);
            all.iter().any(|(layer, _)| Some(*layer) != first)
        });
        let versions = several.map(|(key, all)| {
            let mut sets: Vec<(u32, HashSet<Ident<'_>>)> = Vec::new();
            for (layer, components) in all {
                let set = components.iter().map(ident);
                match sets.last_mut() {
                    Some((known, last)) if *known == layer => last.extend(set),
                    _ => sets.push((layer, set.collect())),
                }
            }
            (key, sets)
        });
        Older {
            versions: versions.collect(),
        }
    }

    /// The layer that brought the component: the lowest from which on every version of its file has it.
    fn layer(&self, found: &Found<'_>, component: &Component) -> Option<u32> {
        let (Some(own), Some(key)) = (found.layer, found.versions) else {
            return found.layer;
        };
        let versions = self.versions.get(&key).map_or(&[][..], Vec::as_slice);
        let ident = ident(component);
        let lower = versions.iter().rev().skip_while(|(at, _)| *at >= own);
        let same = lower.take_while(|(_, set)| set.contains(&ident));
        Some(same.last().map_or(own, |(at, _)| *at))
    }
}

fn ident(component: &Component) -> Ident<'_> {
    (
        &component.kind,
        component.namespace.as_deref(),
        &component.name,
        &component.version,
        component.architecture.as_deref(),
    )
}
