//! `plimsoll collect`: a live cluster into one file.

use crate::args::Collect;
use crate::output;
use crate::scanning::live;
use crate::settings::Settings;
use anyhow::Context;

pub(crate) fn run(options: &Collect, settings: &Settings) -> anyhow::Result<u8> {
    let snapshot = live(
        &options.cluster,
        options.cluster_name.as_deref(),
        options.now.unwrap_or(settings.now),
    )?;
    report::file::write_private(&options.output, |out| {
        scan::inputs::write_snapshot(&snapshot, out)
    })
    .with_context(|| format!("cannot write {}", options.output.display()))?;
    output::say(&format!(
        "{} objects and {} gaps in {}",
        snapshot.objects.len(),
        snapshot.gaps.len(),
        options.output.display()
    ));
    let incomplete = snapshot
        .gaps
        .iter()
        .any(|gap| &*gap.class == "collection-incomplete");
    Ok(if incomplete { 3 } else { 0 })
}
