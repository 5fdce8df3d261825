//! The packages of an SPDX document of any form. Comes in: packages and relationships as the forms name them. Goes out:
//! inventories, with what Syft, Trivy and this program say in free text.
//! Sources: SPDX 2.3, sections 7 and 11; Trivy `pkg/sbom/spdx`; Syft `syft/format/common/spdxhelpers`.

use super::component::Draft;
use super::cyclonedx::of_registry;
use super::layers::Layers;
use super::release;
use super::shelf::{Place, Relation, Shelf};
use crate::IngestError;
use crate::build::{NAMES, artifact};
use crate::cyclonedx::container;
use model::inventory::{FoundAs, Inventory};
use model::matches::{Artifact, ArtifactKind};
use model::purl::{Purl, kind_of};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;

/// A package as the document names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Package<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    /// `Organization: NAME`.
    pub(super) supplier: Cow<'a, str>,
    /// `CONTAINER`, `OPERATING-SYSTEM`.
    pub(super) purpose: Cow<'a, str>,
    pub(super) purl: Cow<'a, str>,
    pub(super) has_cpe: bool,
    pub(super) source_info: Cow<'a, str>,
    pub(super) license: Cow<'a, str>,
    pub(super) valid_until: Cow<'a, str>,
    /// Comments of annotations, attribution texts: `PkgType: debian`.
    pub(super) notes: Vec<Cow<'a, str>>,
}

/// What was read of one document.
pub(super) struct Listing<'a> {
    pub(super) shelf: Shelf<'a>,
    pub(super) name: Cow<'a, str>,
    pub(super) packages: Vec<Package<'a>>,
    /// Ids of what the document is about.
    pub(super) described: FxHashSet<Cow<'a, str>>,
    /// Names of licences that are none of SPDX's list, by id.
    pub(super) licenses: FxHashMap<Cow<'a, str>, Cow<'a, str>>,
    pub(super) advisories: usize,
}

impl<'a> Listing<'a> {
    pub(super) fn new(shelf: Shelf<'a>) -> Self {
        Listing {
            shelf,
            name: "".into(),
            packages: Vec::new(),
            described: FxHashSet::default(),
            licenses: FxHashMap::default(),
            advisories: 0,
        }
    }

    /// `Tool: plimsoll-0.1.0`.
    pub(super) fn creator(&mut self, creator: &str) {
        self.shelf.own |= creator.starts_with("Tool: plimsoll-");
    }

    /// `kind` as SPDX 2 writes it.
    pub(super) fn relate(&mut self, from: Cow<'a, str>, kind: &str, to: Cow<'a, str>, note: &str) {
        match kind {
            "DESCRIBES" => {
                self.described.insert(to);
            }
            "DESCRIBED_BY" => {
                self.described.insert(from);
            }
            "CONTAINS" => self.shelf.relate(Relation::Contains, from, to),
            "CONTAINED_BY" => self.shelf.relate(Relation::Contains, to, from),
            "DEPENDS_ON" => self.shelf.relate(Relation::Needs, from, to),
            "DEPENDENCY_OF" => self.shelf.relate(Relation::Needs, to, from),
            // Syft: the distribution's package claims the other one's files.
            "OTHER" if note.starts_with("ownership-by-file-overlap") => {
                self.shelf.relate(Relation::Owns, from, to);
            }
            _ => {}
        }
    }

    pub(super) fn finish(mut self) -> Result<Vec<Inventory>, IngestError> {
        let roots = self.roots();
        if roots.len() != 1 {
            let named = artifact(ArtifactKind::Sbom, (&*self.name).into());
            self.shelf.root("".into(), named, Layers::default());
        }
        for root in &roots {
            let Some(package) = self.packages.get(*root) else {
                continue;
            };
            let described = package.described(self.shelf.own);
            let layers = package.layers();
            self.shelf.root(package.id.clone(), described, layers);
        }
        let roots: FxHashSet<usize> = roots.into_iter().collect();
        for (number, package) in std::mem::take(&mut self.packages).into_iter().enumerate() {
            let is_root = roots.contains(&number);
            if matches!(&*package.purpose, "OPERATING-SYSTEM" | "OPERATING_SYSTEM") {
                if let Some(mut release) = release::release(&package.name, &package.version) {
                    let day = package.valid_until.get(..10);
                    release.end_of_life = day.and_then(|day| day.parse().ok());
                    self.shelf.system(package.id, None, release);
                }
            } else if !package.is_frame(is_root) {
                let draft = self.draft(package);
                self.shelf.add(draft)?;
            }
        }
        self.shelf.vulnerabilities(self.advisories);
        Ok(self.shelf.finish())
    }

    /// The packages that are the artifacts: images, else the one thing that is described.
    fn roots(&self) -> Vec<usize> {
        let all = || self.packages.iter().enumerate();
        let described = |package: &Package<'_>| self.described.contains(&package.id);
        let images: Vec<usize> = all()
            .filter(|(_, package)| package.is_image())
            .filter(|(_, package)| self.described.is_empty() || described(package))
            .map(|(number, _)| number)
            .collect();
        if !images.is_empty() {
            return images;
        }
        let one: Vec<usize> = all()
            .filter(|(_, package)| described(package))
            .map(|(number, _)| number)
            .collect();
        if one.len() == 1 { one } else { Vec::new() }
    }

    fn draft(&self, package: Package<'a>) -> Draft<'a> {
        let mut draft = Draft {
            vendor: supplier(package.supplier),
            licenses: licenses(&package.license, &self.licenses),
            reference: package.id,
            name: package.name,
            version: package.version,
            has_cpe: package.has_cpe,
            purl: package.purl,
            ..Draft::default()
        };
        let mut layer = Cow::Borrowed("");
        let mut path = None;
        for note in package.notes.into_iter().take(NAMES) {
            match note.split_once(": ") {
                Some(("PkgType", kind)) => draft.kind = kind.to_owned().into(),
                Some(("LayerDiffID", diff_id)) => layer = diff_id.to_owned().into(),
                Some(("LayerDigest", digest)) if layer.is_empty() => {
                    layer = digest.to_owned().into();
                }
                Some(("FilePath", file)) => path = Some(file.to_owned()),
                _ => {}
            }
        }
        if let Some(path) = path {
            draft.places.push(Place {
                path: path.into(),
                layer: "".into(),
            });
        }
        source_info(&package.source_info, &mut draft, self.shelf.own);
        if !layer.is_empty() {
            if draft.places.is_empty() {
                draft.places.push(Place::default());
            }
            if let Some(first) = draft.places.first_mut() {
                first.layer = layer;
            }
        }
        draft
    }
}

impl Package<'_> {
    fn is_image(&self) -> bool {
        let kind = kind_of(&self.purl);
        &*self.purpose == "CONTAINER" || matches!(kind.as_deref(), Some("oci" | "docker"))
    }

    /// No package: an image, Trivy's lock files and ecosystems, a folder of files, and the described thing itself where
    /// it has no package URL of a registry of packages.
    fn is_frame(&self, is_root: bool) -> bool {
        let kind = kind_of(&self.purl);
        match kind.as_deref() {
            Some("oci" | "docker") => true,
            Some("generic" | "github" | "bitbucket") => is_root,
            Some(_) => {
                let versioned = Purl::parse(&self.purl).is_ok_and(|purl| !purl.version.is_empty());
                is_root && !versioned
            }
            None => {
                let trivy = self.notes.iter().any(|note| note.starts_with("Class: "));
                is_root || trivy || matches!(&*self.purpose, "FILE" | "DEVICE" | "CONTAINER")
            }
        }
    }

    fn described(&self, own: bool) -> Artifact {
        if !self.is_image() {
            let kind = match &*self.purpose {
                "FILE" => ArtifactKind::Filesystem,
                _ => ArtifactKind::Sbom,
            };
            return artifact(kind, (&*self.name).into());
        }
        let properties: Vec<(String, &str)> = self
            .notes
            .iter()
            .take(NAMES)
            .filter_map(|note| note.split_once(": "))
            .map(|(name, value)| (format!("aquasecurity:trivy:{name}"), value))
            .collect();
        let properties = properties.iter().map(|(name, value)| (&**name, *value));
        let mut found = container(&self.name, &self.version, &self.purl, properties);
        of_registry(&mut found.identity, &self.purl, own);
        found
    }

    fn layers(&self) -> Layers {
        let mut layers = Layers::default();
        for note in &self.notes {
            if let Some(diff_id) = note.strip_prefix("DiffID: ") {
                layers.list(diff_id, None);
            }
        }
        layers
    }
}

/// What stands in `sourceInfo`: ours, `built package from: openssl 3.0.11-1` (Trivy), `acquired package info from DPKG
/// DB: /var/lib/dpkg/status, ...` (Syft).
fn source_info(text: &str, draft: &mut Draft<'_>, own: bool) {
    let mut source = |text: &str| {
        let (name, version) = text.split_once(' ').unwrap_or((text, ""));
        draft.source = name.to_owned().into();
        draft.source_version = version.to_owned().into();
    };
    if let Some(from) = text.strip_prefix("built package from: ") {
        source(from);
    } else if own {
        let mut places = Vec::new();
        let mut layer = Cow::Borrowed("");
        for part in text.split("; ") {
            if let Some(from) = part.strip_prefix("built from ") {
                source(from);
            } else if let Some(paths) = part.strip_prefix("found in ") {
                places.extend(paths.split(", ").take(NAMES).map(str::to_owned));
            } else if let Some(number) = part.strip_prefix("brought by layer ") {
                layer = number.to_owned().into();
            } else if let Some(module) = part.strip_prefix("of module ") {
                draft.module = module.to_owned().into();
            } else if part.starts_with("only declared by ") {
                draft.found = Some(FoundAs::Declared);
            }
        }
        for path in places {
            draft.places.push(Place {
                path: path.into(),
                layer: std::mem::take(&mut layer),
            });
        }
    } else if text.starts_with("acquired package info from ")
        && let Some((_, paths)) = text.split_once(": ")
    {
        let paths = paths.split(", ").take(NAMES);
        draft.places.extend(paths.map(|path| Place {
            path: path.trim().to_owned().into(),
            layer: "".into(),
        }));
    }
}

fn supplier(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.split_once(": ") {
        Some(("Organization" | "Person", name)) => name.to_owned().into(),
        _ if &*text == "NOASSERTION" => "".into(),
        _ => text,
    }
}

/// The licences of an expression that only joins them; any other expression as it stands.
fn licenses<'a>(
    expression: &str,
    names: &FxHashMap<Cow<'a, str>, Cow<'a, str>>,
) -> Vec<Cow<'a, str>> {
    if matches!(expression, "" | "NOASSERTION" | "NONE") {
        return Vec::new();
    }
    let joined = !expression.contains('(') && !expression.contains(" OR ");
    let parts: Vec<&str> = if joined {
        expression.split(" AND ").take(NAMES).collect()
    } else {
        vec![expression]
    };
    parts
        .into_iter()
        .map(|part| {
            names
                .get(part)
                .cloned()
                .unwrap_or_else(|| part.trim_start_matches("LicenseRef-").to_owned().into())
        })
        .collect()
}
