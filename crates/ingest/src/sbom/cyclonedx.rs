//! The packages of a CycloneDX document, 1.2 to 1.7; XML comes as its JSON. Comes in: the document's fields. Goes out:
//! drafts, with what Syft, Trivy, cdxgen and this program say in properties.
//! Sources: CycloneDX `bom-1.*.schema.json`; Syft `syft/format/internal/cyclonedxutil/helpers`; Trivy
//! `pkg/sbom/cyclonedx`, `pkg/sbom/core`.

use super::component::Draft;
use super::layers::Layers;
use super::release;
use super::shelf::{Place, Relation, Shelf};
use crate::IngestError;
use crate::build::{NAMES, add_digest, add_reference, artifact};
use crate::cyclonedx::{Dependency, container, tool_of};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Maybe, Obj, Str, Word};
use model::evidence::GapWeight;
use model::inventory::{FoundAs, Inventory, Release};
use model::matches::{Artifact, ArtifactKind};
use model::purl::{Purl, kind_of};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    component: Option<Obj<Component<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "bom-ref", borrow)]
    reference: Hint<'a>,
    #[serde(rename = "type", borrow)]
    kind: Hint<'a>,
    #[serde(borrow)]
    group: Hint<'a>,
    #[serde(borrow)]
    name: Word<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    description: Hint<'a>,
    #[serde(borrow)]
    publisher: Hint<'a>,
    #[serde(borrow)]
    scope: Hint<'a>,
    #[serde(borrow)]
    purl: Hint<'a>,
    #[serde(borrow)]
    cpe: Hint<'a>,
    #[serde(borrow)]
    properties: List<Obj<Property<'a>>>,
    #[serde(borrow)]
    components: List<Obj<Component<'a>>>,
    // What only adds to a package is read where it has the form that it should have.
    #[serde(borrow)]
    supplier: Option<&'a RawValue>,
    #[serde(borrow)]
    licenses: Option<&'a RawValue>,
    #[serde(borrow)]
    evidence: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    value: Word<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Str<'a>,
}

/// In XML the licence stands without the frame around it, and an expression with attributes has its text as a value.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice<'a> {
    #[serde(borrow)]
    license: Maybe<License<'a>>,
    #[serde(borrow)]
    expression: Hint<'a>,
    #[serde(borrow)]
    value: Hint<'a>,
    #[serde(borrow)]
    id: Hint<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct License<'a> {
    #[serde(borrow)]
    id: Hint<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Licence<'a> {
    Text(String),
    Choice(#[serde(borrow)] Box<Choice<'a>>),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Evidence<'a> {
    #[serde(borrow)]
    occurrences: List<Obj<Occurrence<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Occurrence<'a> {
    #[serde(borrow)]
    location: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Composition<'a> {
    #[serde(borrow)]
    aggregate: Hint<'a>,
    #[serde(borrow)]
    assemblies: List<Str<'a>>,
}

pub(super) fn read<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    mut shelf: Shelf<'a>,
) -> Result<Vec<Inventory>, IngestError> {
    let metadata: Maybe<Metadata<'a>> = document.part(fields, "metadata")?;
    let tool = tool_of(document, metadata.tools)?;
    shelf.own = tool.is_some_and(|tool| &*tool.name == "plimsoll");
    let mut root = String::new();
    if let Some(Obj(component)) = metadata.0.component {
        root = component.reference.to_string();
        shelf.root(
            component.reference.0.clone(),
            described(&component, shelf.own),
            layers(&component),
        );
        own_package(&component, &mut shelf)?;
        each_of(component.components.0, None, &mut shelf)?;
    } else {
        let named = artifact(ArtifactKind::Sbom, document.file.into());
        shelf.root("".into(), named, Layers::default());
    }
    let mut several = false;
    if let Some(raw) = fields.raw("components") {
        document.each(raw, |component: Obj<Component<'a>>| {
            several |= is_container(&component);
            add(component.0, None, &mut shelf)
        })?;
    }
    // Needed only to tell artifacts apart, or what our own documents say of who brought what.
    if let Some(raw) = fields.raw("dependencies").filter(|_| several || shelf.own) {
        let relation = if shelf.own {
            Relation::Owns
        } else {
            Relation::Needs
        };
        document.each(raw, |dependency: Obj<Dependency<'a>>| {
            for on in dependency.0.depends_on.0 {
                shelf.relate(relation, dependency.0.reference.0.clone(), on.0);
            }
            Ok(())
        })?;
    }
    if let Some(raw) = fields.raw("compositions") {
        document.each(raw, |composition: Obj<Composition<'a>>| {
            composed(&composition, &root, &mut shelf);
            Ok(())
        })?;
    }
    let mut vulnerabilities = 0;
    if let Some(raw) = fields.raw("vulnerabilities") {
        document.each(raw, |_: IgnoredAny| {
            vulnerabilities += 1;
            Ok(())
        })?;
    }
    shelf.vulnerabilities(vulnerabilities);
    Ok(shelf.finish())
}

/// What the document itself says to be missing.
fn composed(composition: &Composition<'_>, root: &str, shelf: &mut Shelf<'_>) {
    let of_all =
        composition.assemblies.is_empty() || composition.assemblies.iter().any(|of| &**of == root);
    if composition.aggregate.starts_with("incomplete") && of_all {
        let what = format!(
            "the list says of itself that it is not complete ({})",
            composition.aggregate.replace('_', " ")
        );
        shelf.gap(
            "sbom-incomplete",
            GapWeight::Hides,
            what,
            "scan the image itself",
        );
    }
}

fn is_container(component: &Component<'_>) -> bool {
    &*component.kind == "container"
}

/// Recursion is bounded by the depth that the JSON parser reads.
fn each_of<'a>(
    components: Vec<Obj<Component<'a>>>,
    within: Option<usize>,
    shelf: &mut Shelf<'a>,
) -> Result<(), IngestError> {
    for Obj(component) in components {
        add(component, within, shelf)?;
    }
    Ok(())
}

fn add<'a>(
    mut component: Component<'a>,
    within: Option<usize>,
    shelf: &mut Shelf<'a>,
) -> Result<(), IngestError> {
    let inner = std::mem::take(&mut component.components.0);
    let mut holder = within;
    match &*component.kind {
        "container" => {
            let reference = component.reference.0.clone();
            let found = described(&component, shelf.own);
            holder = Some(shelf.root(reference, found, layers(&component)));
        }
        "operating-system" => {
            if let Some(release) = system(&component) {
                shelf.system(component.reference.0, within, release);
            }
        }
        "device"
        | "device-driver"
        | "file"
        | "platform"
        | "data"
        | "cryptographic-asset"
        | "machine-learning-model"
            if component.purl.is_empty() => {}
        _ if is_frame(&component) => {}
        _ => shelf.add(draft(component, within))?,
    }
    each_of(inner, holder, shelf)
}

/// Trivy's components for lock files and ecosystems are frames around packages; so is what names an image.
fn is_frame(component: &Component<'_>) -> bool {
    if let Some(kind) = kind_of(&component.purl) {
        return matches!(&*kind, "oci" | "docker");
    }
    let mut properties = component.properties.iter().take(NAMES);
    &*component.kind == "application"
        && properties.any(|property| &*property.name == "aquasecurity:trivy:Class")
}

/// The described thing is a package, too, where its package URL is of a registry of packages.
fn own_package<'a>(component: &Component<'a>, shelf: &mut Shelf<'a>) -> Result<(), IngestError> {
    let Ok(purl) = Purl::parse(&component.purl) else {
        return Ok(());
    };
    let elsewhere = ["oci", "docker", "generic", "github", "bitbucket"];
    if elsewhere.contains(&&*purl.kind) || purl.version.is_empty() {
        return Ok(());
    }
    shelf.add(Draft {
        reference: component.reference.0.clone(),
        group: component.group.0.clone(),
        name: component.name.0.clone(),
        purl: component.purl.0.clone(),
        ..Draft::default()
    })
}

fn described(component: &Component<'_>, own: bool) -> Artifact {
    let properties = component.properties.iter().take(NAMES);
    let properties = properties.map(|property| (&*property.name, &*property.value));
    let said = properties
        .clone()
        .find(|(name, _)| *name == "plimsoll:kind");
    if !is_container(component) {
        let kind = match (said, &*component.kind) {
            (Some((_, "filesystem")), _) | (None, "file") => ArtifactKind::Filesystem,
            (Some((_, "repository")), _) => ArtifactKind::Repository,
            (Some((_, "node")), _) => ArtifactKind::Node,
            _ => ArtifactKind::Sbom,
        };
        return artifact(kind, (&*component.name).into());
    }
    let mut found = container(
        &component.name,
        &component.version,
        &component.purl,
        properties.clone(),
    );
    let identity = &mut found.identity;
    for (name, value) in properties {
        match name {
            "plimsoll:image:config" => identity.config = Some(value.into()),
            "plimsoll:platform" => identity.platform = Some(value.into()),
            _ => {}
        }
    }
    of_registry(identity, &component.purl, own);
    // Ours name the repository alone.
    let tagged = found
        .identity
        .references
        .iter()
        .find(|known| known.tag.is_some());
    if let Some(tagged) = tagged.filter(|_| own) {
        found.name = tagged.to_string().into();
    }
    found
}

/// What a purl of type `oci` says: repository and tag; its version is the digest of the manifest.
pub(super) fn of_registry(identity: &mut model::image::ImageIdentity, purl: &str, own: bool) {
    let Some(purl) = Purl::parse(purl).ok().filter(|purl| purl.kind == "oci") else {
        return;
    };
    if own && model::image::is_digest(&purl.version) {
        identity.digests.retain(|digest| **digest != *purl.version);
        identity.manifests = vec![purl.version.as_str().into()];
    } else {
        add_digest(identity, &purl.version);
    }
    if let (Some(url), Some(tag)) = (purl.qualifier("repository_url"), purl.qualifier("tag")) {
        // The name alone is no reference that anything runs by.
        identity
            .references
            .retain(|known| known.tag.is_some() || known.digest.is_some());
        add_reference(identity, &format!("{url}:{tag}"));
    }
}

/// Layers that the described image lists in their order: ours by number, Trivy's one property each.
fn layers(component: &Component<'_>) -> Layers {
    let mut layers = Layers::default();
    let mut open: Option<(&str, Option<bool>, &str)> = None;
    for property in component.properties.iter() {
        let (name, value) = (&*property.name, &*property.value);
        if name == "aquasecurity:trivy:DiffID" {
            layers.list(value, None);
        }
        let Some((number, what)) = name
            .strip_prefix("plimsoll:layer:")
            .and_then(|rest| rest.split_once(':'))
        else {
            continue;
        };
        let same = open.filter(|(known, ..)| *known == number);
        if same.is_none()
            && let Some((_, of_base, diff_id)) = open
        {
            layers.list(diff_id, of_base);
        }
        let (_, of_base, diff_id) = same.unwrap_or((number, None, ""));
        open = Some(match what {
            "of" => (number, of_base_image(value), diff_id),
            "diff-id" => (number, of_base, value),
            _ => (number, of_base, diff_id),
        });
    }
    if let Some((_, of_base, diff_id)) = open {
        layers.list(diff_id, of_base);
    }
    layers
}

fn of_base_image(word: &str) -> Option<bool> {
    match word {
        "base image" => Some(true),
        "application" => Some(false),
        _ => None,
    }
}

fn system(component: &Component<'_>) -> Option<Release> {
    let mut found = release::release(&component.name, &component.version)?;
    found.title = component.description.some().map(Into::into);
    for property in component.properties.iter().take(NAMES) {
        let value = property.value.some();
        match &*property.name {
            "syft:distro:versionCodename" | "plimsoll:codename" => {
                found.codename = value.map(Into::into);
            }
            "syft:distro:prettyName" => found.title = value.map(Into::into),
            "plimsoll:end-of-life" => {
                found.end_of_life = value.and_then(|day| day.parse().ok());
            }
            _ => {}
        }
    }
    Some(found)
}

fn draft(component: Component<'_>, within: Option<usize>) -> Draft<'_> {
    let vendor = component
        .supplier
        .and_then(|raw| serde_json::from_str::<Named>(raw.get()).ok())
        .map_or(Cow::Borrowed(""), |supplier| supplier.name.0);
    let mut draft = Draft {
        reference: component.reference.0,
        group: component.group.0,
        name: component.name.0,
        version: component.version.0,
        has_cpe: !component.cpe.is_empty(),
        purl: component.purl.0,
        vendor: if vendor.is_empty() {
            component.publisher.0
        } else {
            vendor
        },
        licenses: component.licenses.map(licenses).unwrap_or_default(),
        found: (&*component.scope.0 == "excluded").then_some(FoundAs::Declared),
        within,
        ..Draft::default()
    };
    if let Some(raw) = component.evidence
        && let Ok(evidence) = serde_json::from_str::<Evidence<'_>>(raw.get())
    {
        let paths = evidence.occurrences.0.into_iter().take(NAMES);
        draft.places = paths
            .map(|Obj(one)| Place {
                path: one.location.0,
                layer: "".into(),
            })
            .collect();
    }
    let mut told = Told::default();
    for Obj(property) in component.properties.0 {
        told.property(&mut draft, &property.name, property.value.0);
    }
    told.finish(&mut draft);
    draft
}

fn licenses(raw: &RawValue) -> Vec<Cow<'_, str>> {
    let choices: Vec<Licence<'_>> = serde_json::from_str(raw.get()).unwrap_or_default();
    let one = |choice: Licence<'_>| match choice {
        Licence::Text(text) => text,
        Licence::Choice(choice) => {
            let Choice {
                license,
                expression,
                value,
                id,
                name,
            } = &*choice;
            let all = [&license.id, &license.name, expression, value, id, name];
            all.into_iter()
                .find_map(Hint::some)
                .unwrap_or("")
                .to_owned()
        }
    };
    let named = choices.into_iter().take(NAMES).map(one);
    named
        .filter(|name| !name.trim().is_empty())
        .map(Cow::Owned)
        .collect()
}

/// What properties say in several parts.
#[derive(Default)]
struct Told<'a> {
    /// Number, path and layer of Syft's places.
    places: Vec<(usize, Place<'a>)>,
    diff_id: Cow<'a, str>,
    digest: Cow<'a, str>,
    path: Cow<'a, str>,
    layer: Cow<'a, str>,
    source_epoch: Cow<'a, str>,
    source_release: Cow<'a, str>,
}

impl<'a> Told<'a> {
    fn property(&mut self, draft: &mut Draft<'a>, name: &str, value: Cow<'a, str>) {
        if let Some(rest) = name.strip_prefix("syft:location:") {
            self.place(rest, value);
            return;
        }
        match name {
            "plimsoll:type" | "aquasecurity:trivy:PkgType" | "syft:package:type" => {
                draft.kind = value;
            }
            "plimsoll:found" => {
                draft.found = match &*value {
                    "installed" => Some(FoundAs::Installed),
                    "embedded" => Some(FoundAs::Embedded),
                    "recognized" => Some(FoundAs::Recognized),
                    "declared" => Some(FoundAs::Declared),
                    _ => None,
                }
            }
            "plimsoll:layer" => self.layer = value,
            "plimsoll:source:name" | "aquasecurity:trivy:SrcName" | "syft:metadata:source" => {
                draft.source = value;
            }
            "plimsoll:source:version"
            | "aquasecurity:trivy:SrcVersion"
            | "syft:metadata:sourceVersion" => draft.source_version = value,
            "aquasecurity:trivy:SrcEpoch" => self.source_epoch = value,
            "aquasecurity:trivy:SrcRelease" => self.source_release = value,
            "plimsoll:module"
            | "aquasecurity:trivy:Modularitylabel"
            | "syft:metadata:modularityLabel" => draft.module = value,
            "aquasecurity:trivy:LayerDiffID" => self.diff_id = value,
            "aquasecurity:trivy:LayerDigest" => self.digest = value,
            "aquasecurity:trivy:FilePath" | "SrcFile" => self.path = value,
            _ => {}
        }
    }

    /// `0:path`, `0:layerID`.
    fn place(&mut self, rest: &str, value: Cow<'a, str>) {
        let Some((number, what)) = rest.split_once(':') else {
            return;
        };
        let Ok(number) = number.parse::<usize>() else {
            return;
        };
        let known = self.places.iter().position(|(known, _)| *known == number);
        let at = known.unwrap_or_else(|| {
            self.places.push((number, Place::default()));
            self.places.len() - 1
        });
        if self.places.len() > NAMES {
            self.places.truncate(NAMES);
        }
        let Some((_, place)) = self.places.get_mut(at) else {
            return;
        };
        match what {
            "path" => place.path = value,
            "layerID" => place.layer = value,
            _ => {}
        }
    }

    fn finish(mut self, draft: &mut Draft<'a>) {
        if !self.source_release.is_empty() && !draft.source_version.is_empty() {
            draft.source_version =
                format!("{}-{}", draft.source_version, self.source_release).into();
        }
        if !matches!(&*self.source_epoch, "" | "0") {
            draft.source_version = format!("{}:{}", self.source_epoch, draft.source_version).into();
        }
        self.places.sort_by_key(|(number, _)| *number);
        draft
            .places
            .extend(self.places.into_iter().map(|(_, place)| place));
        let layer = [self.layer, self.diff_id, self.digest];
        let layer = layer.into_iter().find(|layer| !layer.is_empty());
        if !self.path.is_empty() || (draft.places.is_empty() && layer.is_some()) {
            draft.places.insert(
                0,
                Place {
                    path: self.path,
                    layer: "".into(),
                },
            );
        }
        if let (Some(layer), Some(first)) = (layer, draft.places.first_mut()) {
            first.layer = layer;
        }
    }
}
