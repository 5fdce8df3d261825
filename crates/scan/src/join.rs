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
    pub gaps: Vec<Gap>,
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
            if let Some((image, grade)) = index.find(declared, &architectures(view, inventory)) {
                if grade == JoinGrade::Tag {
                    joined.gaps.push(tag_only(declared));
                }
                joined.joins.push(Join {
                    image,
                    runs_in: Some(ContainerIndex {
                        workload,
                        container,
                    }),
                    grade,
                });
            } else {
                if view.workload.state == WorkloadState::Active {
                    joined.gaps.push(not_scanned(declared));
                }
                unscanned.push((workload, container, declared));
            }
        }
    }
    place_unscanned(joined, &unscanned);
    joined.joins.sort_unstable();
}

/// Containers whose image no report speaks of have a place too: what they may do matters without a finding.
/// Their images name no tool.
fn place_unscanned(joined: &mut Images, unscanned: &[(u32, u32, &Container)]) {
    let mut known: FxHashMap<(&Text, &[Text]), u32> = FxHashMap::default();
    for &(workload, container, declared) in unscanned {
        let image = *known
            .entry((&declared.image, &declared.running))
            .or_insert_with(|| {
                joined.images.push(ScannedImage {
                    name: Text::clone(&declared.image),
                    kind: ArtifactKind::Image,
                    identity: ImageIdentity {
                        digests: declared.running.clone(),
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
            runs_in: Some(ContainerIndex {
                workload,
                container,
            }),
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

    /// The surest join: what runs, then the declared digest, then the tag.
    fn find(
        &self,
        container: &Container,
        architectures: &BTreeSet<&str>,
    ) -> Option<(u32, JoinGrade)> {
        let declared = container.reference.as_ref();
        let digests = container
            .running
            .iter()
            .map(|digest| &**digest)
            .chain(declared.and_then(|r| r.digest.as_deref()));
        for digest in digests.filter(|digest| is_digest(digest)) {
            if let Some(&image) = self.exact.get(digest) {
                return Some((image, JoinGrade::Digest));
            }
            let fits = |platform: Option<&str>| {
                platform.is_none_or(|p| {
                    architectures.is_empty()
                        || architectures.iter().any(|a| p.ends_with(&format!("/{a}")))
                })
            };
            if let Some((image, _)) = self
                .index
                .get(digest)
                .and_then(|all| all.iter().find(|(_, platform)| fits(*platform)))
            {
                return Some((*image, JoinGrade::Index));
            }
        }
        let declared = declared?;
        // A pinned digest that no report knows is another build for certain, whatever its tag says.
        if declared.digest.is_some() {
            return None;
        }
        let image = self.tags.get(&(declared.name(), tag(declared)?))?.first()?;
        Some((*image, JoinGrade::Tag))
    }
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

fn image_scope(container: &Container) -> Text {
    match &container.reference {
        Some(reference) => format!("image {reference}").into(),
        None => format!("image {}", container.image).into(),
    }
}

fn not_scanned(container: &Container) -> Gap {
    Gap {
        class: "image-not-scanned".into(),
        what: format!("no report speaks of {}", container.image).into(),
        stage: Stage::Import,
        scope: image_scope(container),
        weight: GapWeight::Hides,
        close: format!(
            "trivy image --format json -o report.json {} and pass --report report.json",
            shell(&container.image)
        )
        .into(),
    }
}

/// One word of a shell: the image's name comes from a manifest and is there to be pasted.
fn shell(word: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
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
