//! Unites the artifacts of all documents into images (over digests, never over tags) and joins images to containers.
//! Comes in: match sets, workloads. Goes out: `Images`. Never: a finding.

use model::assessment::ScannedImage;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::{ImageIdentity, ImageReference, JoinGrade, is_digest};
use model::matches::{Artifact, ArtifactKind, MatchSet};
use model::text::Text;
use model::workload::{Container, ContainerIndex, WorkloadState};
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, WorkloadView};
use std::collections::BTreeSet;

/// The scanned images and where they run.
#[derive(Debug, Default)]
pub struct Images {
    pub images: Vec<ScannedImage>,
    /// Set -> artifact -> image.
    pub of: Vec<Vec<u32>>,
    /// One for each place of an image, ordered by image, workload, container.
    pub joins: Vec<Join>,
    /// What containers run that no report is of by digest, ordered by workload, container.
    pub open: Vec<Open>,
    pub gaps: Vec<Gap>,
}

/// An image of a container that no report is joined to by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub at: ContainerIndex,
    /// The digest that runs; `None`: the image as it is declared.
    pub digest: Option<Text>,
    /// A report is joined over the tag: it may be of another build.
    pub by_tag: bool,
}

/// A place of an image: a container that runs (or declares) it, or nowhere known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Join {
    pub image: u32,
    pub runs_in: Option<ContainerIndex>,
    pub grade: JoinGrade,
}

/// Unites artifacts and joins them to the containers of active workloads. Without an inventory each has one place,
/// nowhere known; with one, what no container runs has none.
pub fn join(sets: &[MatchSet], inventory: Option<&Inventory>) -> Images {
    let mut joined = unite(sets);
    match inventory {
        Some(inventory) => place(&mut joined, sets, inventory),
        None => joined
            .joins
            .extend((0u32..).zip(&joined.images).map(|(image, _)| Join {
                image,
                runs_in: None,
                // It is the very artifact that was looked at.
                grade: JoinGrade::Digest,
            })),
    }
    number(&mut joined);
    joined.gaps.sort_unstable();
    joined.gaps.dedup();
    joined
}

/// Tells each image its placements; the joins are in order.
pub(crate) fn number(joined: &mut Images) {
    for image in &mut joined.images {
        image.placements.clear();
    }
    for (placement, join) in (0u32..).zip(&joined.joins) {
        if let Some(image) = joined.images.get_mut(join.image as usize) {
            image.placements.push(placement);
        }
    }
}

fn place(joined: &mut Images, sets: &[MatchSet], inventory: &Inventory) {
    let index = ImageIndex::of(&joined.images, sets, &joined.of);
    let mut unscanned = Vec::new();
    for (workload, view) in (0u32..).zip(&inventory.workloads) {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        for (container, declared) in (0u32..).zip(&view.workload.containers) {
            let at = ContainerIndex {
                workload,
                container,
            };
            let found = index.find(declared, &architectures(view, inventory));
            let by_tag = found
                .joined
                .iter()
                .any(|(_, grade)| *grade == JoinGrade::Tag);
            if by_tag {
                joined.gaps.push(tag_only(declared));
            } else if !found.open.is_empty() {
                let all = found.joined.is_empty();
                let missing: Vec<Text> = found.open.iter().flatten().cloned().collect();
                if view.workload.state == WorkloadState::Active {
                    let build = missing.first().filter(|_| !all);
                    joined.gaps.push(not_scanned(declared, build));
                }
                unscanned.push((at, declared, missing));
            }
            joined.open.extend(
                found
                    .open
                    .into_iter()
                    .map(|digest| Open { at, digest, by_tag }),
            );
            let joins = found.joined.into_iter().map(|(image, grade)| Join {
                image,
                runs_in: Some(at),
                grade,
            });
            joined.joins.extend(joins);
        }
    }
    place_unscanned(joined, &unscanned);
    joined.joins.sort_unstable();
}

/// Containers whose image no report speaks of have a place too: what they may do matters without a finding.
/// Their images name no tool.
fn place_unscanned(joined: &mut Images, unscanned: &[(ContainerIndex, &Container, Vec<Text>)]) {
    let mut known: FxHashMap<(&Text, &[Text]), u32> = FxHashMap::default();
    for (at, declared, digests) in unscanned {
        let image = *known.entry((&declared.image, digests)).or_insert_with(|| {
            joined.images.push(ScannedImage {
                name: Text::clone(&declared.image),
                kind: ArtifactKind::Image,
                identity: ImageIdentity {
                    digests: digests.clone(),
                    references: declared.reference.iter().cloned().collect(),
                    ..ImageIdentity::default()
                },
                os: None,
                placements: Vec::new(),
                tools: Vec::new(),
            });
            u32::try_from(joined.images.len() - 1).unwrap_or(u32::MAX)
        });
        // It is the very image that is declared.
        joined.joins.push(Join {
            image,
            runs_in: Some(*at),
            grade: JoinGrade::Digest,
        });
    }
}

/// One image for each set of artifacts that share a digest.
fn unite(sets: &[MatchSet]) -> Images {
    let total: usize = sets.iter().map(|set| set.artifacts.len()).sum();
    let mut parent: Vec<usize> = (0..total).collect();
    let mut by_digest: FxHashMap<&str, usize> = FxHashMap::default();
    for (n, artifact) in sets.iter().flat_map(|set| &set.artifacts).enumerate() {
        for digest in digests(artifact) {
            match by_digest.get(digest) {
                Some(&other) => {
                    let (a, b) = (root(&mut parent, n), root(&mut parent, other));
                    // The earlier artifact stays the root, so images keep the order of the documents.
                    if let Some(slot) = parent.get_mut(a.max(b)) {
                        *slot = a.min(b);
                    }
                }
                None => {
                    by_digest.insert(digest, n);
                }
            }
        }
    }
    let mut images: Vec<ScannedImage> = Vec::new();
    let mut image_of_root: FxHashMap<usize, u32> = FxHashMap::default();
    let mut of = Vec::with_capacity(sets.len());
    let mut n = 0;
    for set in sets {
        let mut of_set = Vec::with_capacity(set.artifacts.len());
        for artifact in &set.artifacts {
            let image = *image_of_root
                .entry(root(&mut parent, n))
                .or_insert_with(|| {
                    images.push(ScannedImage {
                        name: Text::clone(&artifact.name),
                        kind: artifact.kind,
                        identity: artifact.identity.clone(),
                        os: artifact.os.clone(),
                        placements: Vec::new(),
                        tools: Vec::new(),
                    });
                    u32::try_from(images.len() - 1).unwrap_or(u32::MAX)
                });
            if let Some(image) = images.get_mut(image as usize) {
                absorb(image, artifact, &set.source.tool);
            }
            of_set.push(image);
            n += 1;
        }
        of.push(of_set);
    }
    Images {
        images,
        of,
        joins: Vec::new(),
        open: Vec::new(),
        gaps: Vec::new(),
    }
}

fn root(parent: &mut [usize], mut n: usize) -> usize {
    while let Some(&up) = parent.get(n) {
        if up == n {
            return n;
        }
        let above = parent.get(up).copied().unwrap_or(up);
        if let Some(slot) = parent.get_mut(n) {
            *slot = above;
        }
        n = above;
    }
    n
}

fn absorb(image: &mut ScannedImage, artifact: &Artifact, tool: &Text) {
    // Some reports know only the digest.
    if is_digest(&image.name) {
        image.name = Text::clone(&artifact.name);
    }
    if image.kind == ArtifactKind::Unknown {
        image.kind = artifact.kind;
    }
    let (into, from) = (&mut image.identity, &artifact.identity);
    if into.config.is_none() {
        into.config.clone_from(&from.config);
    }
    if into.platform.is_none() {
        into.platform.clone_from(&from.platform);
    }
    if image.os.is_none() {
        image.os.clone_from(&artifact.os);
    }
    for (into, from) in [
        (&mut into.manifests, &from.manifests),
        (&mut into.indexes, &from.indexes),
        (&mut into.digests, &from.digests),
        (&mut image.tools, &vec![Text::clone(tool)]),
    ] {
        into.extend(from.iter().cloned());
        into.sort_unstable();
        into.dedup();
    }
    into.references.extend(from.references.iter().cloned());
    into.references.sort_unstable();
    into.references.dedup();
}

/// Digests that name this very image; an index digest names several and unites nothing. Nodes have a name instead.
fn digests(artifact: &Artifact) -> impl Iterator<Item = &str> {
    let identity = &artifact.identity;
    identity
        .config
        .iter()
        .chain(&identity.manifests)
        .chain(&identity.digests)
        .map(|digest| &**digest)
        .chain(node(artifact))
}

/// The node that a report is about; digests have a colon, names have none.
fn node(artifact: &Artifact) -> Option<&str> {
    let object = artifact.object.as_ref()?;
    let node = artifact.kind == ArtifactKind::Node && &*object.kind == "Node";
    Some(&*object.name).filter(|name| node && !name.contains(':'))
}

struct ImageIndex<'a> {
    exact: FxHashMap<&'a str, u32>,
    index: FxHashMap<&'a str, Vec<(u32, Option<&'a str>)>>,
    /// (registry/repository, tag) -> images, the newest scan first.
    tags: FxHashMap<(String, &'a str), Vec<u32>>,
}

impl<'a> ImageIndex<'a> {
    fn of(images: &'a [ScannedImage], sets: &[MatchSet], of: &[Vec<u32>]) -> Self {
        let mut newest = vec![None; images.len()];
        for (set, of_set) in sets.iter().zip(of) {
            for &image in of_set {
                if let Some(slot) = newest.get_mut(image as usize) {
                    *slot = (*slot).max(set.source.created);
                }
            }
        }
        let mut found = ImageIndex {
            exact: FxHashMap::default(),
            index: FxHashMap::default(),
            tags: FxHashMap::default(),
        };
        for (n, image) in (0u32..).zip(images) {
            if !matches!(
                image.kind,
                ArtifactKind::Image
                    | ArtifactKind::Sbom
                    | ArtifactKind::Unknown
                    | ArtifactKind::KubernetesObject
            ) {
                continue;
            }
            let identity = &image.identity;
            for digest in identity
                .config
                .iter()
                .chain(&identity.manifests)
                .chain(&identity.digests)
            {
                found.exact.entry(digest).or_insert(n);
            }
            for digest in &identity.indexes {
                found
                    .index
                    .entry(digest)
                    .or_default()
                    .push((n, identity.platform.as_deref()));
            }
            for reference in &identity.references {
                if let Some(digest) = reference.digest.as_deref() {
                    found.exact.entry(digest).or_insert(n);
                }
                if let Some(tag) = tag(reference) {
                    found
                        .tags
                        .entry((reference.name(), tag))
                        .or_default()
                        .push(n);
                }
            }
        }
        for candidates in found.tags.values_mut() {
            candidates.sort_by_key(|&n| {
                (
                    std::cmp::Reverse(newest.get(n as usize).copied().flatten()),
                    n,
                )
            });
            candidates.dedup();
        }
        found
    }

    /// The surest joins: each digest that runs, else the declared digest, else the tag.
    fn find(&self, container: &Container, architectures: &BTreeSet<&str>) -> Found {
        let mut found = Found::default();
        for digest in container.running.iter().filter(|digest| is_digest(digest)) {
            if !self.by_digest(digest, architectures, &mut found.joined) {
                found.open.push(Some(Text::clone(digest)));
            }
        }
        if !found.joined.is_empty() {
            found.joined.sort_unstable();
            found.joined.dedup_by_key(|(image, _)| *image);
            return found;
        }
        let declared = container.reference.as_ref();
        if let Some(digest) = declared.and_then(|declared| declared.digest.as_deref()) {
            // A pinned digest that no report knows is another build for certain, whatever its tag says.
            if self.by_digest(digest, architectures, &mut found.joined) {
                found.open.clear();
                return found;
            }
        } else if let Some(declared) = declared
            && let Some(tag) = tag(declared)
            && let Some(images) = self.tags.get(&(declared.name(), tag))
        {
            let image = images.first().map(|image| (*image, JoinGrade::Tag));
            found.joined.extend(image);
        }
        if found.open.is_empty() {
            found.open.push(None);
        }
        found
    }

    /// Adds the images that a digest names; whether these are all that run. An index names one for each architecture.
    fn by_digest(
        &self,
        digest: &str,
        architectures: &BTreeSet<&str>,
        joined: &mut Vec<(u32, JoinGrade)>,
    ) -> bool {
        if let Some(&image) = self.exact.get(digest) {
            joined.push((image, JoinGrade::Digest));
            return true;
        }
        let Some(all) = self.index.get(digest) else {
            return false;
        };
        if architectures.is_empty() {
            joined.extend(all.first().map(|(image, _)| (*image, JoinGrade::Index)));
            return true;
        }
        let mut whole = true;
        for architecture in architectures {
            let fits = |platform: Option<&str>| {
                platform.is_none_or(|p| p.split('/').nth(1) == Some(architecture))
            };
            match all.iter().find(|(_, platform)| fits(*platform)) {
                Some((image, _)) => joined.push((*image, JoinGrade::Index)),
                None => whole = false,
            }
        }
        whole
    }
}

/// What reports say of one container's image.
#[derive(Default)]
struct Found {
    /// Each image once.
    joined: Vec<(u32, JoinGrade)>,
    /// What no report is of by digest: digests that run, or (`None`) what is declared.
    open: Vec<Option<Text>>,
}

/// `latest` where a reference names neither tag nor digest.
fn tag(reference: &ImageReference) -> Option<&str> {
    match (&reference.tag, &reference.digest) {
        (Some(tag), _) => Some(tag),
        (None, None) => Some("latest"),
        (None, Some(_)) => None,
    }
}

fn architectures<'a>(view: &WorkloadView, inventory: &'a Inventory) -> BTreeSet<&'a str> {
    view.pods
        .iter()
        .filter_map(|&pod| inventory.pods.get(pod as usize)?.node.as_deref())
        .filter_map(|name| {
            inventory
                .nodes
                .iter()
                .find(|node| &*node.name == name)?
                .architecture
                .as_deref()
        })
        .collect()
}

/// Class of the gap of an image that nobody scanned.
pub const NOT_SCANNED: &str = "image-not-scanned";

pub(crate) fn image_scope(container: &Container) -> Text {
    match &container.reference {
        Some(reference) => format!("image {reference}").into(),
        None => format!("image {}", container.image).into(),
    }
}

/// `build`: others that run under this name are scanned, this one is not.
fn not_scanned(container: &Container, build: Option<&Text>) -> Gap {
    let image = &container.image;
    let what = match build {
        Some(build) => {
            format!("no report speaks of {image} as {build}, one of its builds that run")
        }
        None => format!("no report speaks of {image}"),
    };
    Gap {
        class: NOT_SCANNED.into(),
        what: what.into(),
        stage: Stage::Import,
        scope: image_scope(container),
        weight: GapWeight::Hides,
        close: "--images missing, which pulls and scans it, or --report FILE of another scanner"
            .into(),
    }
}

fn tag_only(container: &Container) -> Gap {
    Gap {
        class: "joined-by-tag".into(),
        what: format!(
            "the report of {} was joined by its tag only, it may be of another build",
            container.image
        )
        .into(),
        stage: Stage::Import,
        scope: image_scope(container),
        weight: GapWeight::Widens,
        close: "pin the image by digest, or scan the live cluster, whose pods tell the digest"
            .into(),
    }
}
