//! Many images at once: those that a cluster runs, those that a registry holds. Comes in: the target, what is known of
//! the cluster, reports. Goes out: inventories, and gaps for what could not be had.

use super::progress::Progress;
use super::{artifacts, cluster};
use crate::args::{Fetch, Images, Registry, Target, Which};
use crate::output::NotCompleted;
use crate::settings::Settings;
use jiff::Timestamp;
use model::matches::MatchSet;
use model::snapshot::Snapshot;
use scan::artifacts::cluster as running;
use scan::artifacts::fleet::{Fetching, Scanned};
use scan::artifacts::registry::{self, Selection};
use scan::artifacts::{PullError, RegistryOptions};
use scan::inputs::{self, Declarations};
use std::time::Duration;

/// What was read before.
pub(super) struct Known<'a> {
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) declarations: &'a Declarations,
    pub(super) sets: &'a [MatchSet],
}

/// Pulls and reads what the target asks for; nothing for other targets.
pub(super) fn read(
    target: &Target,
    known: &Known<'_>,
    settings: &Settings,
    progress: &Progress,
    now: Timestamp,
) -> anyhow::Result<Scanned> {
    let tell = |what: &str| progress.say(what);
    let Some((fetch, ways, options)) = how(target, settings) else {
        return Ok(Scanned::default());
    };
    let fetching = Fetching {
        options: &options,
        time: fetch.image_timeout,
        progress: &tell,
    };
    if let Target::Registry { holdings, .. } = target {
        let selection = Selection {
            include: holdings.include.clone(),
            exclude: holdings.exclude.clone(),
            newest: (holdings.tags > 0).then_some(holdings.tags),
        };
        let platform = fetch.platform.as_ref();
        let found = registry::scan(&holdings.target, &selection, platform, &ways, &fetching);
        return found.map_err(|error| refused("cannot list the registry", error));
    }
    let (Some(snapshot), Some(which)) = (known.snapshot, which(target)) else {
        return Ok(Scanned::default());
    };
    let live = match target {
        Target::Cluster {
            cluster: from,
            secrets,
            ..
        } if secrets.use_pull_secrets => Some(cluster::options(from, None, now)?),
        _ => None,
    };
    let secrets = live
        .as_ref()
        .map(|live| move |names: &std::collections::BTreeSet<_>| inputs::pull_secrets(live, names));
    let known = running::Known {
        snapshot,
        declarations: known.declarations,
        sets: known.sets,
    };
    let wanted = running::Wanted {
        which,
        platform: fetch.platform.clone(),
        secrets: secrets.as_ref().map(|read| read as &running::Reader<'_>),
        live: matches!(target, Target::Cluster { .. }),
    };
    running::scan(&known, &wanted, &ways, &fetching)
        .map_err(|error| refused("cannot pull images", error))
}

fn which(target: &Target) -> Option<running::Which> {
    let (images, default) = match target {
        Target::Cluster { images, .. } => (images, Which::Missing),
        Target::Manifests { images, .. } | Target::Snapshot { images, .. } => (images, Which::None),
        _ => return None,
    };
    match images.images.unwrap_or(default) {
        Which::Missing => Some(running::Which::Missing),
        Which::All => Some(running::Which::All),
        Which::None => None,
    }
}

/// With less patience than for a single image: a registry that does not answer stands before many.
fn how<'a>(
    target: &'a Target,
    settings: &Settings,
) -> Option<(&'a Fetch, RegistryOptions, scan::artifacts::Options)> {
    let (fetch, registry, artifact): (&Fetch, &Registry, _) = match target {
        Target::Cluster {
            images: Images { fetch, .. },
            registry,
            artifact,
            ..
        }
        | Target::Manifests {
            images: Images { fetch, .. },
            registry,
            artifact,
            ..
        }
        | Target::Snapshot {
            images: Images { fetch, .. },
            registry,
            artifact,
            ..
        }
        | Target::Registry {
            fetch,
            registry,
            artifact,
            ..
        } => (fetch, registry, artifact),
        _ => return None,
    };
    let ways = RegistryOptions {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(20),
        patience: Duration::from_secs(20),
        attempts: 3,
        ..artifacts::registry(registry)
    };
    Some((fetch, ways, artifacts::every(artifact, settings)))
}

fn refused(what: &str, error: PullError) -> anyhow::Error {
    if error.is_usage() {
        return error.into();
    }
    let chain = anyhow::Error::new(error);
    anyhow::Error::new(NotCompleted(format!("{what}: {chain:#}")))
}
