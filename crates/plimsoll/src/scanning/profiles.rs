//! `--profile`: the findings of standards alone. No database, no report and no image is read for them.

use super::progress::Progress;
use super::{Objects, cluster, filter_of, gate_of, kept, objects};
use crate::args::Target;
use crate::settings::Settings;
use crate::{declared, exceptions, output};
use anyhow::Context as _;
use jiff::Timestamp;
use model::assessment::Verdict;
use scan::profiles::Asked;
use scan::{gate, profiles};

/// Judges, shows and ends as a scan does; it is kept only where `--save` says so, since it has no queue and no paths.
pub(super) fn verdict(
    target: &Target,
    settings: &Settings,
    now: Timestamp,
) -> anyhow::Result<Verdict> {
    let options = target.options();
    let progress = Progress::start(settings);
    let Objects { snapshot, sources } = objects(target, &progress, now)?;
    let snapshot = snapshot.context("--profile needs a cluster or its files")?;
    let tree = cluster::tree(target, options)?;
    let declared = declared::read(target, options)?;
    let exceptions = exceptions::read(target, options, settings)?;
    let resolved = scan::Settings {
        now,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        risk: scan::RiskSettings::default(),
    };
    let baseline = options.gate.baseline.as_ref();
    let baseline = baseline.map(|file| scan::rulings::baseline(file, None, &resolved));
    let baseline = baseline.transpose()?;
    progress.say("checking");
    let gaps = declared.gaps.iter().chain(&exceptions.gaps);
    let asked = Asked {
        snapshot: &snapshot,
        sources: &sources,
        tree: tree.as_ref(),
        profiles: target.profiles(),
        declarations: &declared.declarations,
        gaps: gaps.cloned().collect(),
    };
    let mut assessment = profiles::assess(asked, &exceptions.rulings, &resolved);
    scan::filter::filter(&mut assessment, &filter_of(&options.gate));
    let verdict = gate::judge_against(&assessment, &gate_of(&options.gate), baseline.as_ref());
    progress.done();
    if options.save.is_some() {
        kept::keep(Some(&snapshot), &assessment, options, settings)?;
    }
    output::show(&assessment, &verdict, &options.show, settings)?;
    for note in declared.notes.iter().chain(&exceptions.notes) {
        output::say(note);
    }
    Ok(verdict)
}
