//! Scans that were kept: the bundle that `--save` names, and the last scan for `queue`, `paths` and `explain`.

use crate::args::Scan;
use crate::output;
use crate::settings::Settings;
use anyhow::Context as _;
use model::assessment::{Assessment, Verdict};
use model::snapshot::Snapshot;
use scan::bundle::Bundle;
use scan::gate;
use std::path::Path;

/// Writes the bundle that was asked for, and the last scan for `queue`, `paths` and `explain`.
pub(super) fn keep(
    snapshot: Option<&Snapshot>,
    assessment: &Assessment,
    options: &Scan,
    settings: &Settings,
) -> anyhow::Result<()> {
    if let Some(file) = &options.save {
        write_bundle(snapshot, assessment, file)
            .with_context(|| format!("cannot write {}", file.display()))?;
        return Ok(());
    }
    let kept = settings
        .last_scan
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .map_err(anyhow::Error::from);
    if let Err(error) = kept.and_then(|()| write_bundle(snapshot, assessment, &settings.last_scan))
    {
        output::say(&format!(
            "warning: the scan is not kept for `plimsoll queue`: {error:#}"
        ));
    }
    Ok(())
}

fn write_bundle(
    snapshot: Option<&Snapshot>,
    assessment: &Assessment,
    file: &Path,
) -> anyhow::Result<()> {
    report::file::write_private(file, |out| {
        scan::bundle::write(snapshot, assessment, out).map_err(std::io::Error::other)
    })?;
    Ok(())
}

/// The bundle of `--from`, or the last scan.
pub(crate) fn saved(
    from: Option<&Path>,
    settings: &Settings,
) -> anyhow::Result<(Assessment, Verdict)> {
    let bundle = saved_bundle(from, settings)?;
    let verdict = gate::judge(&bundle.assessment, &gate::Gate::default());
    Ok((bundle.assessment, verdict))
}

/// The cluster of the last scan.
pub(crate) fn saved_snapshot(settings: &Settings) -> anyhow::Result<Snapshot> {
    saved_bundle(None, settings)?
        .snapshot
        .context("the last scan looked at no cluster; name --manifests PATH or --snapshot FILE")
}

pub(crate) fn saved_bundle(from: Option<&Path>, settings: &Settings) -> anyhow::Result<Bundle> {
    let file = from.unwrap_or(&settings.last_scan);
    let open = std::fs::File::open(file);
    let open = match (open, from) {
        (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => anyhow::bail!(
            "no scan was kept yet; run plimsoll scan first, or name a bundle with --from"
        ),
        (open, _) => open.with_context(|| format!("cannot open {}", file.display()))?,
    };
    scan::bundle::read(open).with_context(|| format!("cannot read {}", file.display()))
}
