//! The objects that a scan looks at: of a live cluster, of files, of standard input; and what live ones are written in.

use crate::args::{Cluster, Scan, Target};
use crate::output::NotCompleted;
use anyhow::Context as _;
use jiff::Timestamp;
use model::snapshot::Snapshot;
use scan::inputs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Larger standard input is refused.
const MAX_STDIN: u64 = 1 << 30;

/// Reads a live cluster; what could not be reached at all is "not completed".
pub(crate) fn live(
    cluster: &Cluster,
    name: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<Snapshot> {
    inputs::live(&options(cluster, name, now)?).map_err(|error| {
        if error.is_usage() {
            return error.into();
        }
        let chain = anyhow::Error::new(error);
        anyhow::Error::new(NotCompleted(format!("cannot read the cluster: {chain:#}")))
    })
}

/// How a live cluster is read.
pub(super) fn options(
    cluster: &Cluster,
    name: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<inputs::LiveOptions> {
    Ok(inputs::LiveOptions {
        kubeconfig: cluster.kubeconfig.clone(),
        context: cluster.context.clone(),
        namespaces: cluster.namespaces.clone(),
        page_size: cluster.page_size,
        cluster_name: name.map(Into::into),
        now,
        redaction_key: fresh_key()?,
    })
}

/// The manifests that a live cluster's objects come from.
pub(super) fn tree(target: &Target, options: &Scan) -> anyhow::Result<Option<inputs::SourceTree>> {
    let (Target::Cluster { source, .. } | Target::Snapshot { source, .. }) = target else {
        return Ok(None);
    };
    if source.folders.is_empty() {
        return Ok(None);
    }
    let tree = inputs::source_tree(&source.folders, options.kubernetes_version, fresh_key()?)?;
    Ok(Some(tree))
}

pub(super) fn given(paths: &[PathBuf]) -> anyhow::Result<Vec<inputs::Source>> {
    let source = |path: &PathBuf| {
        Ok(if path == Path::new("-") {
            inputs::Source::Bytes {
                name: "-".into(),
                bytes: stdin()?.into(),
            }
        } else {
            inputs::Source::Path(path.clone())
        })
    };
    paths.iter().map(source).collect()
}

pub(super) fn manifests(sources: &[inputs::Source], options: &Scan) -> anyhow::Result<Snapshot> {
    let mut snapshot = inputs::manifests(sources, options.kubernetes_version, fresh_key()?)?;
    anyhow::ensure!(
        !snapshot.objects.is_empty() || !snapshot.other_kinds.is_empty(),
        "no Kubernetes object in {}{}",
        names(sources),
        snapshot
            .gaps
            .first()
            .map_or_else(String::new, |gap| format!(": {}", gap.what))
    );
    snapshot.cluster_name = options.cluster_name.as_deref().map(Into::into);
    Ok(snapshot)
}

fn names(sources: &[inputs::Source]) -> String {
    let name = |source: &inputs::Source| match source {
        inputs::Source::Path(path) => path.display().to_string(),
        inputs::Source::Bytes { name, .. } => name.to_string(),
    };
    let names: Vec<String> = sources.iter().map(name).collect();
    names.join(", ")
}

/// Fingerprints of secret values can be compared within one snapshot, never between two.
pub(crate) fn fresh_key() -> anyhow::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(key)
}

fn stdin() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_STDIN + 1)
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    anyhow::ensure!(
        bytes.len() as u64 <= MAX_STDIN,
        "standard input is larger than 1 GiB"
    );
    Ok(bytes)
}
