//! What one document lists, put in order. Comes in: artifacts, operating systems, packages and what contains what, as
//! the document is read. Goes out: an inventory of each artifact, with what could not be judged as gaps.
//! Never: a package in an artifact that does not hold it, a layer or an owner that nobody named.

use super::component::Draft;
use super::layers::Layers;
use super::{MOST, release};
use crate::IngestError;
use crate::build::{NAMES, artifact};
use model::evidence::{Gap, GapWeight, Stage};
use model::inventory::{self, Component, Inventory, Release};
use model::matches::{Artifact, ArtifactKind, OsRelease};
use model::purl::Purl;
use model::text::{Interner, Text};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

/// Most names that a gap lists.
const LISTED: usize = 5;

/// Where a package was found, as the document says it.
#[derive(Default)]
pub(super) struct Place<'a> {
    pub(super) path: Cow<'a, str>,
    /// Digest or number of the layer; empty where none is named.
    pub(super) layer: Cow<'a, str>,
}

/// How one thing stands to another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The first contains the second; a distribution's package brought what it contains.
    Contains,
    /// The first brought the second.
    Owns,
    /// The first needs the second, so that both are in the same artifact.
    Needs,
}

struct Root<'a> {
    reference: Cow<'a, str>,
    artifact: Artifact,
    layers: Layers,
}

struct Held<'a> {
    reference: Cow<'a, str>,
    within: Option<usize>,
    component: Component,
}

struct System<'a> {
    reference: Cow<'a, str>,
    within: Option<usize>,
    release: Release,
}

pub(super) struct Shelf<'a> {
    file: &'a str,
    /// What the user says of the distribution.
    said: Option<Release>,
    /// Written by this program, whose own properties are believed.
    pub(super) own: bool,
    texts: Interner,
    roots: Vec<Root<'a>>,
    held: Vec<Held<'a>>,
    /// Packages without a package URL: what they are may depend on the distribution.
    later: Vec<Draft<'a>>,
    systems: Vec<System<'a>>,
    relations: Vec<(Relation, Cow<'a, str>, Cow<'a, str>)>,
    unnamed: usize,
    with_cpe: usize,
    examples: Vec<String>,
    gaps: Vec<Gap>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(file: &'a str, said: Option<&Release>) -> Self {
        Shelf {
            file,
            said: said.cloned(),
            own: false,
            texts: Interner::default(),
            roots: Vec::new(),
            held: Vec::new(),
            later: Vec::new(),
            systems: Vec::new(),
            relations: Vec::new(),
            unnamed: 0,
            with_cpe: 0,
            examples: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Adds an artifact; the first one holds all of which nothing else is said.
    pub(super) fn root(
        &mut self,
        reference: Cow<'a, str>,
        artifact: Artifact,
        layers: Layers,
    ) -> usize {
        self.roots.push(Root {
            reference,
            artifact,
            layers,
        });
        self.roots.len() - 1
    }

    pub(super) fn system(
        &mut self,
        reference: Cow<'a, str>,
        within: Option<usize>,
        release: Release,
    ) {
        if self.systems.len() < NAMES {
            self.systems.push(System {
                reference,
                within,
                release,
            });
        }
    }

    pub(super) fn relate(&mut self, relation: Relation, from: Cow<'a, str>, to: Cow<'a, str>) {
        self.relations.push((relation, from, to));
    }

    pub(super) fn gap(&mut self, class: &str, weight: GapWeight, what: String, close: &str) {
        self.gaps.push(Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Import,
            scope: format!("sbom {}", self.file).into(),
            weight,
            close: close.into(),
        });
    }

    /// The document has statements on vulnerabilities, which a list of packages is not read for.
    pub(super) fn vulnerabilities(&mut self, number: usize) {
        if number == 0 {
            return;
        }
        let what = format!(
            "{} lists {number} vulnerabilities itself, which do not count here: its packages are judged anew",
            self.file
        );
        let close = "to count them, too: --report; what it calls not affected: --vex";
        self.gap("sbom-own-vulnerabilities", GapWeight::Notice, what, close);
    }

    pub(super) fn add(&mut self, draft: Draft<'a>) -> Result<(), IngestError> {
        if self.held.len() + self.later.len() >= MOST {
            return Err(IngestError::TooMany {
                file: self.file.to_owned(),
                limit: MOST,
            });
        }
        if let Ok(purl) = Purl::parse(&draft.purl) {
            let held = self.hold(draft, &purl);
            self.held.push(held);
        } else if draft.is_told() {
            self.later.push(draft);
        } else {
            self.unnamed += 1;
            self.with_cpe += usize::from(draft.has_cpe);
            if self.examples.len() < LISTED {
                let name = match &*draft.name {
                    "" => &*draft.reference,
                    name => name,
                };
                self.examples.push(name.chars().take(80).collect());
            }
        }
        Ok(())
    }

    fn hold(&mut self, draft: Draft<'a>, purl: &Purl) -> Held<'a> {
        let mut component = draft.component(purl);
        self.share(&mut component);
        component.at = self.places(&component.kind, &draft.places);
        Held {
            reference: draft.reference,
            within: draft.within,
            component,
        }
    }

    /// Texts that many packages have are kept once.
    fn share(&mut self, component: &mut Component) {
        component.kind = self.texts.text(&component.kind);
        component.namespace = self.texts.option(component.namespace.as_deref());
        component.architecture = self.texts.option(component.architecture.as_deref());
        for licence in &mut component.licenses {
            *licence = self.texts.text(licence);
        }
    }

    /// Tools list all that speaks of a package; the place of a distribution's package is its database.
    fn places(&mut self, kind: &str, places: &[Place<'_>]) -> Vec<inventory::Place> {
        let database = |place: &&Place| {
            let path = &*place.path;
            path.ends_with("/status")
                || path.contains("/status.d/")
                || path.ends_with("/installed")
                || path.contains("/rpm/")
        };
        let system = matches!(kind, "deb" | "apk" | "rpm");
        let only = if self.own {
            None
        } else {
            let known = places.iter().find(database).filter(|_| system);
            known.or(places.first()).map(std::slice::from_ref)
        };
        let places = only.unwrap_or(places).iter().take(NAMES);
        let layers = self.roots.first_mut().map(|root| &mut root.layers);
        let mut layers = layers;
        let mut at: Vec<inventory::Place> = places
            .filter(|place| !place.path.is_empty() || !place.layer.is_empty())
            .map(|place| inventory::Place {
                path: self.texts.text(place.path.trim_start_matches('/')),
                layer: layers
                    .as_mut()
                    .and_then(|layers| layers.number(&place.layer)),
            })
            .collect();
        at.sort_unstable();
        at.dedup();
        at
    }

    /// The inventories: of the first artifact, then of the others in their order.
    pub(super) fn finish(mut self) -> Vec<Inventory> {
        if self.roots.is_empty() {
            let named = artifact(ArtifactKind::Sbom, self.file.into());
            self.root("".into(), named, Layers::default());
        }
        for root in &mut self.roots {
            if root.artifact.name.trim().is_empty() {
                root.artifact.name = self.file.into();
            }
        }
        let many = self.roots.len() > 1;
        let homes = if many {
            self.homes()
        } else {
            FxHashMap::default()
        };
        let home = |reference: &str, within: Option<usize>| {
            within
                .or_else(|| homes.get(reference).copied().flatten())
                .unwrap_or(0)
        };
        let mut releases: Vec<Result<Option<Release>, String>> = Vec::new();
        let mut groups: Vec<Vec<Held<'a>>> = self.roots.iter().map(|_| Vec::new()).collect();
        for held in std::mem::take(&mut self.held) {
            if let Some(group) = groups.get_mut(home(&held.reference, held.within)) {
                group.push(held);
            }
        }
        for (number, group) in groups.iter().enumerate() {
            let own = self.systems.iter();
            let own = own.filter(|system| home(&system.reference, system.within) == number);
            let own: Vec<Release> = own.map(|system| system.release.clone()).collect();
            releases.push(match &self.said {
                Some(said) => Ok(Some(said.clone())),
                None if own.is_empty() => {
                    let components = group.iter().map(|held| &held.component);
                    release::agreed(&release::of_packages(components))
                }
                None => release::agreed(&own),
            });
        }
        let later: Vec<(usize, Draft<'a>)> = std::mem::take(&mut self.later)
            .into_iter()
            .map(|draft| (home(&draft.reference, draft.within), draft))
            .collect();
        drop(homes);
        for (number, draft) in later {
            let known = releases.get(number).and_then(|r| r.as_ref().ok()).cloned();
            let Some(purl) = draft.told(known.flatten().as_ref()) else {
                continue;
            };
            let held = self.hold(draft, &purl);
            if let Some(group) = groups.get_mut(number) {
                group.push(held);
            }
        }
        // Numbers of layers are the first artifact's.
        let of_none = groups.iter_mut().flatten().filter(|_| many);
        for place in of_none.flat_map(|held| &mut held.component.at) {
            place.layer = None;
        }
        self.told();
        let mut out = Vec::new();
        let roots = std::mem::take(&mut self.roots);
        for ((root, group), release) in roots.into_iter().zip(groups).zip(releases) {
            let first = out.is_empty();
            out.push(self.inventory(root, group, release, many, first));
        }
        // A frame around several artifacts is none itself.
        let is_frame =
            |one: &Inventory| one.components.is_empty() && one.artifact.kind != ArtifactKind::Image;
        if many && out.first().is_some_and(is_frame) {
            let frame = out.remove(0);
            if let Some(next) = out.first_mut() {
                next.gaps.extend(frame.gaps);
            }
        }
        out
    }

    fn inventory(
        &self,
        root: Root<'a>,
        group: Vec<Held<'a>>,
        release: Result<Option<Release>, String>,
        many: bool,
        first: bool,
    ) -> Inventory {
        let mut gaps = if first { self.gaps.clone() } else { Vec::new() };
        let scope: Text = format!("sbom {}", self.file).into();
        let gap = |class: &str, weight, what: String, close: &str| Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Import,
            scope: Text::clone(&scope),
            weight,
            close: close.into(),
        };
        let name = &root.artifact.name;
        let release = release.unwrap_or_else(|names| {
            let what = format!("{name} is said to be of several distributions: {names}");
            let close = "--distro NAME:VERSION";
            gaps.push(gap(
                "sbom-distributions-differ",
                GapWeight::Hides,
                what,
                close,
            ));
            None
        });
        if root.layers.is_unordered() && !many {
            let what = format!("the list of {name} names layers, and not which lies on which");
            gaps.push(gap("sbom-layers-unordered", GapWeight::Notice, what, ""));
        }
        let mut artifact = root.artifact;
        artifact.os = artifact.os.take().or_else(|| {
            release.as_ref().map(|release| OsRelease {
                id: Text::clone(&release.id),
                version: Text::clone(&release.version),
                end_of_life: None,
            })
        });
        let layers = if many {
            Vec::new()
        } else {
            root.layers.into_layers()
        };
        Inventory {
            artifact,
            release,
            layers,
            components: self.ordered(group),
            linked: Vec::new(),
            config: None,
            remarks: Vec::new(),
            gaps,
        }
    }

    /// In the inventory's order, each once, with their owners.
    fn ordered(&self, mut group: Vec<Held<'a>>) -> Vec<Component> {
        group.sort_by(|a, b| {
            let (a, b) = (&a.component, &b.component);
            (&a.kind, &a.namespace, &a.name, &a.version, &a.at).cmp(&(
                &b.kind,
                &b.namespace,
                &b.name,
                &b.version,
                &b.at,
            ))
        });
        let owned: Vec<(&str, &str)> = self
            .relations
            .iter()
            .filter(|(relation, ..)| *relation != Relation::Needs)
            .map(|(_, from, to)| (&**from, &**to))
            .collect();
        if !owned.is_empty() {
            let numbers: FxHashMap<&str, u32> = (0u32..)
                .zip(&group)
                .map(|(number, held)| (&*held.reference, number))
                .collect();
            let system = |number: u32| {
                let held = group.get(number as usize);
                held.is_some_and(|held| {
                    matches!(&*held.component.kind, "deb" | "apk" | "rpm" | "alpm")
                })
            };
            let owners: Vec<(u32, u32)> = owned
                .iter()
                .filter_map(|(from, to)| Some((*numbers.get(from)?, *numbers.get(to)?)))
                .filter(|(from, to)| system(*from) && !system(*to))
                .collect();
            for (from, to) in owners {
                if let Some(held) = group.get_mut(to as usize) {
                    held.component.owner = Some(from);
                }
            }
            return group.into_iter().map(|held| held.component).collect();
        }
        let mut components: Vec<Component> = group.into_iter().map(|held| held.component).collect();
        components.dedup();
        components
    }

    /// Which artifact holds what: what is reached from it. What two reach is in none.
    fn homes(&self) -> FxHashMap<Cow<'a, str>, Option<usize>> {
        let mut next: FxHashMap<&str, Vec<&Cow<'a, str>>> = FxHashMap::default();
        for (_, from, to) in &self.relations {
            next.entry(from).or_default().push(to);
        }
        let mut homes: FxHashMap<Cow<'a, str>, Option<usize>> = FxHashMap::default();
        // The first one is the frame, which reaches all.
        for (number, root) in self.roots.iter().enumerate().skip(1) {
            let mut open: Vec<&str> = vec![&*root.reference];
            while let Some(reference) = open.pop() {
                for to in next.get(reference).into_iter().flatten() {
                    match homes.get(*to) {
                        Some(Some(known)) if *known != number => {
                            homes.insert((*to).clone(), None);
                            open.push(to);
                        }
                        Some(_) => {}
                        None => {
                            homes.insert((*to).clone(), Some(number));
                            open.push(to);
                        }
                    }
                }
            }
        }
        homes
    }

    /// What nobody can judge.
    fn told(&mut self) {
        if self.unnamed == 0 {
            return;
        }
        let mut names = self.examples.join(", ");
        if self.unnamed > self.examples.len() {
            names.push_str(", ...");
        }
        let hint = match self.with_cpe {
            0 => String::new(),
            number => format!("; {number} of them name a CPE, which is only a hint"),
        };
        let what = format!(
            "{} of the components in {} have no package URL and no type that tells what they are, so they were not judged: {names}{hint}",
            self.unnamed, self.file
        );
        let close = "have the tool that writes the list name packages by package URL";
        self.gap("sbom-packages-unnamed", GapWeight::Hides, what, close);
    }
}
