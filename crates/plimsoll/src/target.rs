//! What a view is asked of: the scan that was kept, a bundle, a snapshot, manifests.
//! Comes in: paths and flags. Goes out: a Snapshot, with its scan where there was one. Never: an analysis.

use crate::args::{self, RightsSources};
use crate::scanning::{self, fresh_key, saved_bundle};
use crate::settings::Settings;
use anyhow::Context as _;
use model::assessment::{About, Assessment};
use model::evidence::Fact;
use model::snapshot::{KubernetesVersion, NEWEST_KUBERNETES_MINOR, Origin, Snapshot};
use scan::attack::Cluster;
use scan::inputs::{self, Declarations, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A cluster, and the scan of it where there was one.
pub(crate) struct Target {
    pub(crate) snapshot: Snapshot,
    scanned: Option<Assessment>,
}

impl Target {
    pub(crate) fn saved(from: Option<&Path>, settings: &Settings) -> anyhow::Result<Self> {
        let bundle = saved_bundle(from, settings)?;
        Ok(Target {
            snapshot: bundle.snapshot.context(
                "the scan looked at no cluster; name a folder of manifests or a snapshot",
            )?,
            scanned: Some(bundle.assessment),
        })
    }

    /// A bundle, a snapshot, a folder or a file of manifests.
    pub(crate) fn named(path: &Path) -> anyhow::Result<Self> {
        if path.is_file()
            && let Ok(bundle) = scan::bundle::read(std::fs::File::open(path)?)
            && let Some(snapshot) = bundle.snapshot
        {
            return Ok(Target {
                snapshot,
                scanned: Some(bundle.assessment),
            });
        }
        snapshot(path).map(Target::unscanned)
    }

    pub(crate) fn manifests(paths: &[PathBuf]) -> anyhow::Result<Self> {
        manifests(paths, None).map(Target::unscanned)
    }

    fn unscanned(snapshot: Snapshot) -> Self {
        Target {
            snapshot,
            scanned: None,
        }
    }

    /// No cluster was looked at.
    pub(crate) fn unseen(minor: Option<u16>) -> Self {
        Target::unscanned(Snapshot {
            origin: Origin::Live,
            cluster: Fact::Absent,
            cluster_name: None,
            version: KubernetesVersion {
                minor: minor.unwrap_or(NEWEST_KUBERNETES_MINOR),
                known: minor.is_some(),
            },
            server_version: None,
            taken_at: None,
            objects: Vec::new(),
            files: Vec::new(),
            listed: Vec::new(),
            other_kinds: BTreeMap::new(),
            gaps: Vec::new(),
        })
    }

    /// The scan of it, where there was one.
    pub(crate) fn scanned(&self) -> Option<&Assessment> {
        self.scanned.as_ref()
    }

    pub(crate) fn cluster(&self, declarations: &Declarations) -> Cluster {
        Cluster::of(&self.snapshot, declarations, self.scanned.as_ref())
    }

    pub(crate) fn about(&self, settings: &Settings) -> About {
        let about = || {
            let version = env!("CARGO_PKG_VERSION");
            scan::assess::about(Some(&self.snapshot), None, settings.now, version)
        };
        let scan = self.scanned.as_ref();
        scan.map_or_else(about, |scan| scan.about.clone())
    }
}

/// What was named, else the last scan's cluster.
pub(crate) fn of(sources: &RightsSources, settings: &Settings) -> anyhow::Result<Target> {
    let minor = sources.kubernetes_version;
    let named = flagged(sources.snapshot.as_deref(), &sources.manifests, minor)?;
    if let Some(snapshot) = named {
        return Ok(Target::unscanned(snapshot));
    }
    if sources.is_live() {
        let cluster = args::Cluster {
            context: sources.context.clone(),
            kubeconfig: sources.kubeconfig.clone(),
            namespaces: Vec::new(),
            page_size: 500,
        };
        return scanning::live(&cluster, None, settings.now).map(Target::unscanned);
    }
    Target::saved(None, settings)
}

/// A snapshot, a folder or a file of manifests.
pub(crate) fn snapshot(path: &Path) -> anyhow::Result<Snapshot> {
    if path.is_file()
        && let Ok(snapshot) = inputs::snapshot(path)
    {
        return Ok(snapshot);
    }
    manifests(&[path.to_owned()], None)
}

/// What `--snapshot` or `--manifests` name.
pub(crate) fn flagged(
    snapshot: Option<&Path>,
    paths: &[PathBuf],
    minor: Option<u16>,
) -> anyhow::Result<Option<Snapshot>> {
    Ok(match (snapshot, paths) {
        (Some(file), _) => Some(inputs::snapshot(file)?),
        (None, []) => None,
        (None, paths) => Some(manifests(paths, minor)?),
    })
}

fn manifests(paths: &[PathBuf], minor: Option<u16>) -> anyhow::Result<Snapshot> {
    let sources: Vec<Source> = paths.iter().cloned().map(Source::Path).collect();
    inputs::manifests(&sources, minor, fresh_key()?).context("cannot read the manifests")
}

/// What `--config` says that a cluster cannot say about itself.
pub(crate) fn declarations(config: Option<&Path>) -> anyhow::Result<Declarations> {
    Ok(match config {
        Some(file) => inputs::declarations(file)?,
        None => Declarations::default(),
    })
}
