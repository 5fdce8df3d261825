//! `plimsoll reach`: who reaches whom by the policies of a cluster or its files.

use crate::args::{Reach, ReachFormat};
use crate::output;
use crate::scanning::{self, saved_snapshot};
use crate::settings::Settings;
use anyhow::Context as _;
use model::evidence::Truth;
use model::snapshot::Snapshot;
use scan::inputs::{self, Declarations};
use scan::reach::{Network, difference};
use std::path::{Path, PathBuf};

/// 0; for one question 1 where the answer is no, 3 where it is not known.
pub(crate) fn run(options: &Reach, settings: &Settings) -> anyhow::Result<u8> {
    let declarations = match &options.config {
        Some(file) => inputs::declarations(file)?,
        None => Declarations::default(),
    };
    let network = |snapshot: &Snapshot| Network::of(snapshot, &declarations);
    if let [old, new] = &*options.diff {
        let old = network(&named(old)?).connectivity(false);
        let new = network(&named(new)?).connectivity(false);
        let difference = difference(&old, &new);
        output::stdout(|out| match options.format {
            ReachFormat::Json => report::reach::difference_json(&difference, out),
            _ => report::reach::difference(&difference, out),
        })?;
        return Ok(0);
    }
    let network = network(&snapshot(options, settings)?);
    if let (Some(from), Some(to)) = (&options.from, &options.to) {
        let answer = network.answer(from, to, options.port.as_deref())?;
        output::stdout(|out| match options.format {
            ReachFormat::Json => report::reach::answer_json(&answer, out),
            _ => report::reach::answer(&answer, out),
        })?;
        return Ok(match answer.verdict {
            Truth::Yes => 0,
            Truth::No => 1,
            Truth::Unknown => 3,
        });
    }
    anyhow::ensure!(
        options.all,
        "reach needs FROM and TO, or --all, or --diff OLD NEW"
    );
    let all = network.whole(options.exposure || options.format == ReachFormat::Json);
    let told: report::reach::Told<'_> = &|visit| all.each(visit);
    output::stdout(|out| match options.format {
        ReachFormat::Text => {
            report::reach::text(told, out)?;
            if options.exposure {
                report::reach::exposures(&all.exposures, out)?;
            }
            Ok(())
        }
        ReachFormat::Json => report::reach::json(told, &all.exposures, &all.gaps, out),
        ReachFormat::Dot => report::reach::dot(told, out),
    })?;
    if options.format != ReachFormat::Json {
        for gap in &all.gaps {
            output::say(&format!("~ {}", gap.what));
        }
    }
    Ok(0)
}

/// What was named, else the last scan's cluster.
fn snapshot(options: &Reach, settings: &Settings) -> anyhow::Result<Snapshot> {
    if let Some(file) = &options.snapshot {
        return Ok(inputs::snapshot(file)?);
    }
    if !options.manifests.is_empty() {
        return manifests(&options.manifests);
    }
    saved_snapshot(settings)
}

/// A folder or file of manifests, or a snapshot.
fn named(path: &Path) -> anyhow::Result<Snapshot> {
    if path.is_file()
        && let Ok(snapshot) = inputs::snapshot(path)
    {
        return Ok(snapshot);
    }
    manifests(&[path.to_owned()])
}

fn manifests(paths: &[PathBuf]) -> anyhow::Result<Snapshot> {
    let sources: Vec<inputs::Source> = paths.iter().cloned().map(inputs::Source::Path).collect();
    inputs::manifests(&sources, None, scanning::fresh_key()?).context("cannot read the manifests")
}
