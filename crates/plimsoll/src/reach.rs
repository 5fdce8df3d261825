//! `plimsoll reach`: who reaches whom by the policies of a cluster or its files.

use crate::args::{Reach, ReachFormat};
use crate::output;
use crate::scanning::saved_snapshot;
use crate::settings::Settings;
use crate::target::{self, declarations};
use model::evidence::Truth;
use model::snapshot::Snapshot;
use scan::reach::{Network, difference};

/// 0; for one question 1 where the answer is no, 3 where it is not known.
pub(crate) fn run(options: &Reach, settings: &Settings) -> anyhow::Result<u8> {
    let declarations = declarations(options.config.as_deref())?;
    let network = |snapshot: &Snapshot| Network::of(snapshot, &declarations);
    if let [old, new] = &*options.diff {
        let old = network(&target::snapshot(old)?).connectivity(false);
        let new = network(&target::snapshot(new)?).connectivity(false);
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
    let named = target::flagged(options.snapshot.as_deref(), &options.manifests, None)?;
    named.map_or_else(|| saved_snapshot(settings), Ok)
}
