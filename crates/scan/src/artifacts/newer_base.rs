//! Newer bases of an image, measured. Comes in: an image that says its base, and the base's registry. Goes out: what the
//! base brought, and for each newer tag what it still has, so that a base change can be claimed (rule 13). Never: a guess of
//! the base; a claim for a base that could not be judged; a registry that the base does not come from.

use super::tags::{Step, newer};
use super::{Options, judge};
use ::image::Limits;
use ::image::base::by_diff_ids;
use ::image::registry::{Client, RegistryError};
use intel::Intelligence;
use jiff::Timestamp;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::ImageReference;
use model::inventory::Inventory;
use model::matches::{FixState, MatchSet};
use model::text::Text;
use risk::{BaseStep, MeasuredBase};
use std::collections::BTreeSet;

/// What is asked.
#[derive(Clone, Debug)]
pub struct BaseAsked {
    /// `--base`; `None`: what the image says.
    pub base: Option<String>,
    /// Newer bases to scan.
    pub most: usize,
}

/// By what everything is judged.
pub struct Judge<'a> {
    pub intel: Option<&'a Intelligence>,
    pub now: Timestamp,
    pub tool_version: Text,
}

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// The newer bases, the nearest step first; the image's layers are marked where its base is known for sure.
pub(super) fn measure(
    client: &Client,
    image: &mut Inventory,
    asked: &BaseAsked,
    options: &Options,
    judge: &Judge,
) -> (Vec<MeasuredBase>, Vec<Gap>) {
    let mut gaps = Vec::new();
    match measured(client, image, asked, options, judge, &mut gaps) {
        Ok(bases) => (bases, gaps),
        Err(gap) => {
            gaps.push(gap);
            (Vec::new(), gaps)
        }
    }
}

fn measured(
    client: &Client,
    image: &mut Inventory,
    asked: &BaseAsked,
    options: &Options,
    judge: &Judge,
    gaps: &mut Vec<Gap>,
) -> Result<Vec<MeasuredBase>, Gap> {
    let scope = scope(image);
    let told = |what: String, close: &str| gap(&scope, what, close);
    let base = named(image, asked)
        .map_err(|what| told(what, "--base REF, as in the FROM line of its Dockerfile"))?;
    let Some(intel) = judge.intel else {
        let what = "newer bases cannot be judged: there is no intelligence database";
        return Err(told(what.to_owned(), "plimsoll db update"));
    };
    let scan = |reference: &ImageReference| -> Result<Inventory, RegistryError> {
        let platform = image.artifact.identity.platform.as_deref();
        let platform = platform.and_then(::image::Platform::parse);
        let found = client.image(reference, platform.as_ref())?;
        let kept = options.kept();
        Ok(::image::read(
            &found,
            &options.table(),
            &Limits::default(),
            kept.as_ref(),
        )?)
    };
    let brought = brought(image, &base, &scan);
    let brought = match brought {
        Ok(brought) => brought,
        Err(what) => {
            return Err(told(
                what,
                "label it with org.opencontainers.image.base.digest when it is built",
            ));
        }
    };
    if let Some(base) = &brought.base {
        by_diff_ids(&mut image.layers, base);
    }
    let current = base.tag.as_deref().unwrap_or("latest");
    let tags = client
        .tags(&base.registry, &base.repository)
        .map_err(|error| {
            told(
                format!(
                    "the tags of {} cannot be listed: {}",
                    base.name(),
                    error.told()
                ),
                &error.close(),
            )
        })?;
    let points = image.release.as_ref().is_some_and(|release| {
        let points = ["debian", "rhel", "rocky", "almalinux", "centos", "ol"];
        points.contains(&&*release.id) && base.repository.ends_with(&*release.id)
    });
    let today = judge.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut seen: BTreeSet<Text> = brought.manifest.into_iter().collect();
    let mut bases = Vec::new();
    let mut scanned = Vec::new();
    for (tag, step) in newer(current, &tags, points, asked.most) {
        if bases.len() >= asked.most {
            break;
        }
        let reference = ImageReference {
            tag: Some(tag.as_str().into()),
            digest: None,
            ..base.clone()
        };
        let inventory = match scan(&reference) {
            Ok(inventory) => inventory,
            Err(error) => {
                let what = format!(
                    "the newer base {} was not scanned: {}",
                    reference.name(),
                    error.told()
                );
                gaps.push(told(what, &error.close()));
                continue;
            }
        };
        let manifest = inventory.artifact.identity.manifests.first().cloned();
        // Two tags of one image are one base; the tag that it has now may be the image that it is built on.
        let Some(manifest) = manifest.filter(|digest| seen.insert(Text::clone(digest))) else {
            continue;
        };
        let set = judge::matches(&inventory, Some(intel), judge.now, &judge.tool_version);
        let _ = today;
        let hidden = inventory
            .gaps
            .iter()
            .chain(&set.gaps)
            .find(|gap| gap.weight == GapWeight::Hides);
        if let Some(hidden) = hidden {
            let what = format!(
                "the newer base {}:{tag} cannot be judged: {}",
                short(&base),
                hidden.what
            );
            gaps.push(told(what, &hidden.close));
            continue;
        }
        scanned.push(format!("{}:{tag}", short(&base)));
        bases.push(MeasuredBase {
            image: identity(image),
            current: format!("{}:{current}", short(&base)).into(),
            from: format!("{}:{tag}@{manifest}", short(&base)).into(),
            step: match step {
                Step::Same => BaseStep::Same,
                Step::Minor => BaseStep::Minor,
                Step::Major => BaseStep::Major,
            },
            brought: brought.packages.clone(),
            kept: flaws(&set),
        });
    }
    let what = match &*scanned {
        [] => format!(
            "no newer tag of the base {}:{current} was found",
            short(&base)
        ),
        all => format!("newer bases were scanned: {}", all.join(", ")),
    };
    gaps.push(Gap {
        class: "base-scanned".into(),
        ..told(what, "")
    });
    Ok(bases)
}

/// The base as the user, a label or an annotation names it.
fn named(image: &Inventory, asked: &BaseAsked) -> Result<ImageReference, String> {
    let labels = image
        .config
        .as_ref()
        .map_or(&[][..], |config| &config.labels);
    let label = |key: &str| {
        let found = labels.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| value.trim())
    };
    let Some(text) = asked.base.as_deref().or_else(|| label(NAME)) else {
        return Err(
            "nothing says which base the image is built on, so no newer one was looked for"
                .to_owned(),
        );
    };
    let mut base = ImageReference::parse(text)
        .ok_or_else(|| format!("`{text}` is no reference of a base image"))?;
    let digest = label(DIGEST).filter(|digest| model::image::is_digest(digest));
    if asked.base.is_none() && base.digest.is_none() {
        base.digest = digest.map(Into::into);
    }
    Ok(base)
}

/// What the base brought.
struct Brought {
    /// Kind, name and version.
    packages: BTreeSet<(Text, Text, Text)>,
    /// Diff IDs of the base itself, where it was read.
    base: Option<Vec<Text>>,
    /// Its manifest.
    manifest: Option<Text>,
}

/// By the base itself where the image begins with its layers, else by the marks of the image's history.
fn brought(
    image: &Inventory,
    base: &ImageReference,
    scan: &impl Fn(&ImageReference) -> Result<Inventory, RegistryError>,
) -> Result<Brought, String> {
    let own: Vec<&Text> = image.layers.iter().map(|layer| &layer.diff_id).collect();
    let there = scan(base);
    if let Ok(there) = &there {
        let layers: Vec<Text> = there
            .layers
            .iter()
            .map(|layer| Text::clone(&layer.diff_id))
            .collect();
        let begins = !layers.is_empty()
            && own.len() >= layers.len()
            && own.iter().zip(&layers).all(|(a, b)| **a == *b);
        if begins {
            return Ok(Brought {
                packages: there.components.iter().map(key).collect(),
                base: Some(layers),
                manifest: there.artifact.identity.manifests.first().cloned(),
            });
        }
    }
    let of_base = |layer: Option<u32>| {
        let layer = layer.and_then(|n| image.layers.get(n as usize));
        layer.is_some_and(|layer| layer.of_base == Some(true))
    };
    if !image.layers.iter().any(|layer| layer.of_base == Some(true)) {
        let why = match there {
            Ok(_) => "it is another build by now".to_owned(),
            Err(error) => error.told(),
        };
        return Err(format!(
            "which layers come from the base {base} is unknown: {why}, and the image's history has no mark"
        ));
    }
    let packages = image.components.iter().filter(|component| {
        !component.at.is_empty() && component.at.iter().all(|place| of_base(place.layer))
    });
    Ok(Brought {
        packages: packages.map(key).collect(),
        base: None,
        manifest: None,
    })
}

fn key(component: &model::inventory::Component) -> (Text, Text, Text) {
    (
        Text::clone(&component.kind),
        Text::clone(&component.name),
        Text::clone(&component.version),
    )
}

/// What a base still has: every name of a vulnerability, with the package and its source.
fn flaws(set: &MatchSet) -> BTreeSet<(Text, Text)> {
    let counted = set
        .matches
        .iter()
        .filter(|one| one.suppression.is_none() && one.fix.state != FixState::NotAffected);
    let mut flaws = BTreeSet::new();
    for one in counted {
        let package = one.package.and_then(|n| set.packages.get(n as usize));
        let (Some(advisory), Some(package)) = (set.advisories.get(one.advisory as usize), package)
        else {
            continue;
        };
        let names = [Some(&package.name), package.upstream.as_ref()];
        for name in names.into_iter().flatten() {
            for id in std::iter::once(&advisory.id)
                .chain(&advisory.aliases)
                .chain(&advisory.covers)
            {
                flaws.insert((Text::clone(id), Text::clone(name)));
            }
        }
    }
    flaws
}

/// `debian:12` as people write it.
fn short(base: &ImageReference) -> String {
    let name = base.name();
    let bare = name
        .strip_prefix("docker.io/library/")
        .or_else(|| name.strip_prefix("docker.io/"));
    bare.unwrap_or(&name).to_owned()
}

/// By which `risk` finds the image again.
fn identity(image: &Inventory) -> Text {
    let identity = &image.artifact.identity;
    let digest = identity
        .config
        .as_ref()
        .or_else(|| identity.manifests.first());
    digest
        .cloned()
        .unwrap_or_else(|| Text::clone(&image.artifact.name))
}

fn scope(image: &Inventory) -> Text {
    format!("image {}", image.artifact.name).into()
}

/// A base that is not known hides nothing: what is in the image was judged.
fn gap(scope: &Text, what: String, close: &str) -> Gap {
    Gap {
        class: "base-not-scanned".into(),
        what: what.into(),
        stage: Stage::Catalog,
        scope: Text::clone(scope),
        weight: GapWeight::Notice,
        close: close.into(),
    }
}
