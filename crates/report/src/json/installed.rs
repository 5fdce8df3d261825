//! `packages` and `artifacts` of the JSON report: transfer types and how they are filled. In: inventories. Out: one entry
//! a package, one an artifact. Where names are redacted, what may name an image or its owner is left out.

use crate::contents::today;
use crate::cyclonedx::found;
use crate::each::{Each, each};
use crate::installed::image_of;
use crate::names::Names;
use crate::view::View;
use crate::wording as word;
use jiff::Timestamp;
use jiff::civil::Date;
use model::inventory::{Component, ImageConfig, Inventory, Place, Release};
use model::text::Text;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A package, or a program that no package manager owns.
#[derive(Serialize, JsonSchema)]
pub(super) struct Package<'a> {
    /// Index into `artifacts`.
    artifact: u32,
    /// purl namespace: `debian`, `@scope`, `org.apache.logging.log4j`.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    /// As its ecosystem writes it, with the epoch; empty: not known.
    version: &'a str,
    /// `null`: none can be made.
    purl: Option<&'a str>,
    /// purl type.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The source package, which the advisories of distributions name.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<&'a str>,
    /// rpm module label.
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    /// As the package writes them; empty: it says none, or nobody looked.
    licenses: &'a [Text],
    locations: Vec<Location<'a>>,
    /// The distribution's package that installed it: index into `packages`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<u64>,
    /// `declared`: only a lock file or manifest names it, it need not be there.
    #[schemars(extend("enum" = ["installed", "embedded", "recognized", "declared"]))]
    found: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct Source<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Location<'a> {
    /// Without a leading slash; `app.jar!/lib/a.jar` for what lies in archives.
    path: Cow<'a, str>,
    /// Index into the `layers` of its artifact; `null`: not in a layer.
    layer: Option<u32>,
}

/// What was looked at here.
#[derive(Serialize, JsonSchema)]
pub(super) struct Artifact<'a> {
    name: Cow<'a, str>,
    #[schemars(extend("enum" = ["image", "filesystem", "repository", "sbom", "node", "kubernetes-object", "unknown"]))]
    kind: &'static str,
    /// Index into `images`, by which findings name it.
    image: Option<u32>,
    platform: Option<&'a str>,
    /// `null`: no file says which distribution it is.
    release: Option<ReleaseOf<'a>>,
    /// How many of `packages` are its own.
    packages: u64,
    /// From the lowest up.
    layers: Vec<Layer<'a>>,
    config: Option<Config<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ReleaseOf<'a> {
    /// `ID` of os-release.
    id: &'a str,
    version: &'a str,
    codename: Option<&'a str>,
    title: Option<&'a str>,
    /// The last day of security support; `null`: not known.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    end_of_life: Option<Date>,
    /// Whether `now` is not after it; `null`: not known.
    supported: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct Layer<'a> {
    /// Digest of the uncompressed tar; `null` where names are redacted.
    diff_id: Option<&'a str>,
    /// Digest of the stored blob.
    digest: Option<&'a str>,
    /// The command of its history line.
    created_by: Option<&'a str>,
    /// Whether it came with the base image; `null`: nothing says it.
    of_base: Option<bool>,
    /// Bytes of the uncompressed tar.
    size: u64,
}

/// What an image says of itself; environment variables by name only.
#[derive(Serialize, JsonSchema)]
struct Config<'a> {
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    created: Option<Timestamp>,
    /// `null` or empty: root.
    user: Option<&'a str>,
    entrypoint: &'a [Text],
    command: &'a [Text],
    ports: &'a [Text],
    environment: &'a [Text],
    labels: BTreeMap<&'a str, &'a str>,
}

/// `None` where nothing was looked at here.
pub(super) fn packages<'a>(view: &View<'a>, names: &'a Names) -> Option<Each<'a, Package<'a>>> {
    let all = &view.assessment.inventories;
    if all.is_empty() {
        return None;
    }
    Some(Each(Box::new(move || {
        let mut first = 0;
        let packages = (0u32..).zip(all).flat_map(move |(artifact, inventory)| {
            let own = first;
            first += inventory.components.len() as u64;
            let components = inventory.components.iter();
            components.map(move |component| package(component, artifact, own, inventory, names))
        });
        Box::new(packages)
    })))
}

pub(super) fn artifacts<'a>(
    view: &'a View<'a>,
    names: &'a Names,
) -> Option<Each<'a, Artifact<'a>>> {
    let all = &view.assessment.inventories;
    (!all.is_empty()).then(|| each(all, move |inventory| artifact(inventory, view, names)))
}

fn package<'a>(
    component: &'a Component,
    artifact: u32,
    first: u64,
    inventory: &Inventory,
    names: &'a Names,
) -> Package<'a> {
    let inside = |owner: &u32| (*owner as usize) < inventory.components.len();
    Package {
        artifact,
        namespace: component.namespace.as_deref(),
        name: &component.name,
        version: &component.version,
        purl: Some(&*component.purl).filter(|purl| !purl.is_empty()),
        kind: &component.kind,
        source: component.source.as_ref().map(|source| Source {
            name: &source.name,
            version: if source.version.is_empty() {
                &component.version
            } else {
                &source.version
            },
        }),
        architecture: component.architecture.as_deref(),
        module: component.module.as_deref(),
        vendor: component.vendor.as_deref(),
        licenses: &component.licenses,
        locations: component
            .at
            .iter()
            .map(|place| location(place, names))
            .collect(),
        owner: component
            .owner
            .filter(inside)
            .map(|owner| first + u64::from(owner)),
        found: found(component.found),
    }
}

fn location<'a>(place: &'a Place, names: &'a Names) -> Location<'a> {
    Location {
        path: names.show(&place.path),
        layer: place.layer,
    }
}

fn artifact<'a>(inventory: &'a Inventory, view: &View, names: &'a Names) -> Artifact<'a> {
    let artifact = &inventory.artifact;
    let told = !names.redacts();
    Artifact {
        name: names.show(&artifact.name),
        kind: word::artifact_kind(artifact.kind),
        image: image_of(view.assessment, inventory),
        platform: artifact.identity.platform.as_deref(),
        release: inventory.release.as_ref().map(|r| release(r, today(view))),
        packages: inventory.components.len() as u64,
        layers: inventory
            .layers
            .iter()
            .map(|layer| Layer {
                diff_id: Some(&*layer.diff_id).filter(|_| told),
                digest: layer.digest.as_deref().filter(|_| told),
                created_by: layer.created_by.as_deref().filter(|_| told),
                of_base: layer.of_base,
                size: layer.size,
            })
            .collect(),
        config: inventory.config.as_ref().filter(|_| told).map(config),
    }
}

fn release(release: &Release, today: Date) -> ReleaseOf<'_> {
    ReleaseOf {
        id: &release.id,
        version: &release.version,
        codename: release.codename.as_deref(),
        title: release.title.as_deref(),
        end_of_life: release.end_of_life,
        supported: release.end_of_life.map(|end| today <= end),
    }
}

fn config(config: &ImageConfig) -> Config<'_> {
    Config {
        created: config.created,
        user: config.user.as_deref(),
        entrypoint: &config.entrypoint,
        command: &config.command,
        ports: &config.ports,
        environment: &config.environment,
        labels: config
            .labels
            .iter()
            .map(|(key, value)| (&**key, &**value))
            .collect(),
    }
}
