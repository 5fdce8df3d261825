//! Views of a scan that was kept: the queue, the paths, an explanation.

use crate::args::{Explain, Format, Saved};
use crate::output;
use crate::scanning::saved;
use crate::settings::Settings;
use model::assessment::Assessment;
use model::finding::Finding;
use report::View;

pub(crate) fn queue(options: &Saved, settings: &Settings) -> anyhow::Result<u8> {
    let (assessment, verdict) = saved(options.from.as_deref(), settings)?;
    output::show(&assessment, &verdict, &options.show, settings)?;
    Ok(0)
}

pub(crate) fn paths(options: &Saved, settings: &Settings) -> anyhow::Result<u8> {
    anyhow::ensure!(
        matches!(options.show.format, Format::Table | Format::Json),
        "paths are written with --format table or json"
    );
    let (assessment, verdict) = saved(options.from.as_deref(), settings)?;
    let show = &options.show;
    let view = View {
        assessment: &assessment,
        verdict: &verdict,
        top: show.top,
        redact_names: show.redact_names,
    };
    output::to(show, settings, |out, terminal| match show.format {
        Format::Json => report::json::write(&view, out),
        _ => report::terminal::write_paths(&view, &terminal, out),
    })?;
    Ok(0)
}

pub(crate) fn explain(options: &Explain, settings: &Settings) -> anyhow::Result<u8> {
    let (assessment, verdict) = saved(options.from.as_deref(), settings)?;
    let view = View {
        assessment: &assessment,
        verdict: &verdict,
        top: 0,
        redact_names: false,
    };
    let terminal = report::terminal::TerminalOptions {
        width: settings.terminal.width,
        colour: settings.terminal.colour,
    };
    let wanted: Vec<usize> = assessment
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| named(finding, &options.id, &assessment))
        .map(|(n, _)| n)
        .collect();
    anyhow::ensure!(
        !wanted.is_empty(),
        "no open finding of this scan is called {}",
        options.id
    );
    output::stdout(|out| {
        for (n, &finding) in wanted.iter().enumerate() {
            if n > 0 {
                writeln!(out)?;
            }
            report::terminal::explain(&view, finding, &terminal, out)?;
        }
        Ok(())
    })?;
    Ok(0)
}

/// Whether a finding or its vulnerability goes by this id.
fn named(finding: &Finding, id: &str, assessment: &Assessment) -> bool {
    let vulnerability = finding
        .vulnerability
        .and_then(|n| assessment.vulnerabilities.get(n as usize));
    finding.id.eq_ignore_ascii_case(id)
        || vulnerability
            .is_some_and(|v| v.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id)))
}
