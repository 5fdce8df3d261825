//! What is scanned here and not by others: the image, the root file system that was named.

use super::progress::Progress;
use crate::args::{Artifact, Registry, Target};
use crate::output::NotCompleted;
use crate::settings::Settings;
use model::inventory::Inventory;
use scan::inputs;

/// What is scanned here.
pub(super) fn read(
    target: &Target,
    settings: &Settings,
    progress: &Progress,
) -> anyhow::Result<Vec<Inventory>> {
    if let Target::Sbom { file, distro, .. } = target {
        progress.say("reading the list of packages");
        return Ok(scan::artifacts::sbom(file, distro.as_deref())?);
    }
    let Some(options) = options(target, settings) else {
        return Ok(Vec::new());
    };
    let inventory = match target {
        Target::Image {
            reference: Some(reference),
            registry,
            image_src,
            ..
        } => {
            let sources = scan::artifacts::Sources {
                order: image_src.clone(),
                sockets: scan::artifacts::Sockets::read(),
            };
            let say = |what: &str| progress.say(what);
            return Ok(vec![found(reference, &sources, registry, &options, say)?]);
        }
        Target::Image {
            input: Some(input), ..
        } => {
            progress.say("reading the image");
            scan::artifacts::image_file(input, &options)
        }
        Target::Rootfs { folder, .. } => {
            progress.say("reading the root file system");
            scan::artifacts::rootfs(folder, &options)
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![inventory.map_err(inputs::InputError::from)?])
}

/// What was read, without what `--scanners` leaves out.
pub(super) fn asked(target: &Target, inventories: Vec<Inventory>) -> Vec<Inventory> {
    let (Target::Image { artifact, .. }
    | Target::Rootfs { artifact, .. }
    | Target::Cluster { artifact, .. }
    | Target::Manifests { artifact, .. }
    | Target::Snapshot { artifact, .. }
    | Target::Registry { artifact, .. }) = target
    else {
        return inventories;
    };
    let scanners = artifact.scanners();
    inventories
        .into_iter()
        .map(|one| scanners.only(one))
        .collect()
}

/// How artifacts are read; `None`: the target is none.
pub(super) fn options(target: &Target, settings: &Settings) -> Option<scan::artifacts::Options> {
    let (artifact, image, platform) = match target {
        Target::Image {
            artifact,
            image,
            platform,
            ..
        } => (artifact, image.as_deref(), platform.clone()),
        Target::Rootfs { artifact, .. } => (artifact, None, None),
        _ => return None,
    };
    Some(scan::artifacts::Options {
        platform,
        name: image.map(Into::into),
        spool: Some(settings.spool.clone()),
        ..every(artifact, settings)
    })
}

/// What is the same for one artifact and for many.
pub(super) fn every(artifact: &Artifact, settings: &Settings) -> scan::artifacts::Options {
    let folder = artifact.cache_dir.as_ref().unwrap_or(&settings.images);
    scan::artifacts::Options {
        lock_files: artifact.lock_files,
        scanners: artifact.scanners(),
        cache: (!artifact.no_cache).then(|| folder.clone()),
        ..scan::artifacts::Options::default()
    }
}

/// How registries are spoken to.
pub(super) fn registry(registry: &Registry) -> scan::artifacts::RegistryOptions {
    scan::artifacts::RegistryOptions {
        auth_file: registry.registry_auth.clone(),
        mirrors: registry.registry_mirror.clone(),
        insecure: registry.insecure_registry.clone(),
        ca_files: registry.registry_ca.clone(),
        cloud_identity: registry.cloud_identity,
        environment: scan::artifacts::Environment::read(),
        ..scan::artifacts::RegistryOptions::default()
    }
}

/// An image by its name; what was refused or not reached is "not completed".
fn found(
    reference: &str,
    sources: &scan::artifacts::Sources,
    registry: &Registry,
    options: &scan::artifacts::Options,
    say: impl FnMut(&str),
) -> anyhow::Result<Inventory> {
    let registry = self::registry(registry);
    let found = scan::artifacts::found(reference, sources, &registry, options, say);
    found.map_err(|error| {
        if error.is_usage() {
            return error.into();
        }
        let tried = match &error {
            scan::artifacts::FindError::Pull(_) => "pull",
            _ => "get",
        };
        let chain = anyhow::Error::new(error);
        anyhow::Error::new(NotCompleted(format!(
            "cannot {tried} {reference}: {chain:#}"
        )))
    })
}
