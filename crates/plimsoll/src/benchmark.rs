//! `plimsoll cis`, `plimsoll checklist`: how a cluster and its nodes stand against a benchmark.

use crate::args::{Benchmarked, Checklist, ChecklistFormat, Cis, CisFormat, FailOn};
use crate::output;
use crate::settings::Settings;
use crate::target::{self, Target};
use model::benchmark::State;
use scan::benchmark::{self, Asked};
use std::io::Write;

/// By `--fail-on`: 1 where a control fails, 3 where one is unknown.
pub(crate) fn cis(options: &Cis, settings: &Settings) -> anyhow::Result<u8> {
    if options.list {
        output::stdout(|out| list(out))?;
        return Ok(0);
    }
    let benchmark = with(&options.asked, settings, |asked| {
        benchmark::cis(asked, options.profile.as_deref()).map_err(Into::into)
    })?;
    output::stdout(|out| match options.format {
        CisFormat::Text => {
            let terminal = settings.terminal.options();
            report::terminal::cis(&benchmark, options.all, &terminal, out)
        }
        CisFormat::Json => report::benchmark::cis_json(&benchmark, out),
        CisFormat::KubeBench => report::benchmark::kube_bench(&benchmark, out),
    })?;
    let states = benchmark.controls.iter().map(|control| control.state);
    Ok(code(options.asked.fail_on, states))
}

/// The same of the ten points.
pub(crate) fn checklist(options: &Checklist, settings: &Settings) -> anyhow::Result<u8> {
    let points = with(&options.asked, settings, |asked| {
        Ok(benchmark::checklist(asked))
    })?;
    output::stdout(|out| match options.format {
        ChecklistFormat::Text => {
            let terminal = settings.terminal.options();
            report::terminal::checklist(&points, &terminal, out)
        }
        ChecklistFormat::Json => report::benchmark::checklist_json(&points, out),
    })?;
    let states = points.iter().map(|point| point.verdict);
    Ok(code(options.asked.fail_on, states))
}

fn code(fail_on: Option<FailOn>, mut states: impl Iterator<Item = State> + Clone) -> u8 {
    let Some(fail_on) = fail_on else {
        return 0;
    };
    if states.clone().any(|state| state == State::Fail) {
        1
    } else if fail_on == FailOn::Unknown && states.any(|state| state == State::Unknown) {
        3
    } else {
        0
    }
}

fn with<T>(
    options: &Benchmarked,
    settings: &Settings,
    ask: impl FnOnce(Asked<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let hosts = options.node_evidence.iter();
    let hosts = hosts
        .map(|path| scan::node::evidence(path))
        .collect::<Result<Vec<_>, _>>()?;
    let declarations = target::declarations(options.config.as_deref())?;
    let target = if hosts.is_empty() || options.sources.is_named() {
        target::of(&options.sources, settings)?
    } else {
        Target::unseen(options.sources.kubernetes_version)
    };
    ask(Asked {
        snapshot: &target.snapshot,
        declarations: &declarations,
        hosts,
        scanned: target.scanned(),
        now: options.now.unwrap_or(settings.now),
    })
}

fn list(out: &mut dyn Write) -> std::io::Result<()> {
    for one in benchmark::profiles() {
        let minors = match one.minors {
            (first, u16::MAX) => format!("1.{first} and later"),
            (first, last) if first == last => format!("1.{first}"),
            (first, last) => format!("1.{first} to 1.{last}"),
        };
        writeln!(
            out,
            "{:<14} {}: {} controls, Kubernetes {minors}",
            one.name, one.title, one.controls
        )?;
    }
    Ok(())
}
