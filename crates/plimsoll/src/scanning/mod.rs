//! `plimsoll scan`: reads the inputs, runs the main job, shows it, keeps it.

mod artifacts;
mod cluster;
mod context;
mod fleet;
mod kept;
mod profiles;
mod progress;

use crate::args::{Gate, GateOn, Scan, Target};
use crate::declared::{self, Declared};
use crate::exceptions::{self, Exceptions};
use crate::output;
use crate::settings::Settings;
use jiff::Timestamp;
use model::assessment::{Assessment, Verdict};
use model::evidence::Gap;
use model::inventory::Inventory;
use model::snapshot::Snapshot;
use model::text::Text;
use progress::Progress;
use scan::baseline::Baseline;
use scan::inputs::{self, Intelligence};
use scan::{Input, gate};
use std::collections::BTreeSet;

pub(crate) use cluster::{fresh_key, live};
pub(crate) use kept::{saved, saved_bundle, saved_snapshot};

pub(crate) fn run(target: &Target, settings: &Settings) -> anyhow::Result<u8> {
    Ok(verdict(target, settings)?.exit_code)
}

/// Scans, shows and keeps; what it comes to is for the caller to end with.
pub(crate) fn verdict(target: &Target, settings: &Settings) -> anyhow::Result<Verdict> {
    let options = target.options();
    output::check(&options.show)?;
    let now = options.now.unwrap_or(settings.now);
    if !target.profiles().is_empty() {
        return profiles::verdict(target, settings, now);
    }
    let (intel, gap) = database(options, settings)?;
    let deployed = context::deployed(target)?;
    let progress = Progress::start(settings);
    let Objects { snapshot, sources } = objects(target, &progress, now)?;
    if matches!(target, Target::Reports { .. }) {
        anyhow::ensure!(
            !options.reports.is_empty(),
            "scan reports needs --report PATH"
        );
    }
    let mut inventories = artifacts::read(target, settings, &progress)?;
    let tree = cluster::tree(target, options)?;
    progress.say("reading reports");
    let (mut sets, mut gaps) = inputs::reports(&options.reports)?;
    gaps.extend(gap);
    let declared = declared::read(target, options)?;
    let mut exceptions = exceptions::read(target, options, settings)?;
    let known = fleet::Known {
        snapshot: snapshot.as_ref(),
        declarations: &declared.declarations,
        sets: &sets,
    };
    let scanned = fleet::read(target, &known, settings, &progress, now)?;
    inventories.extend(scanned.inventories);
    let mut inventories = artifacts::asked(target, inventories);
    gaps.extend(scanned.gaps);
    inventories.extend(scan::artifacts::package_lists(&mut sets));
    progress.say("ranking");
    let mut risk = scan::RiskSettings::default();
    let asked = context::Asked {
        target,
        settings,
        now,
        intel: intel.as_ref(),
        progress: &progress,
    };
    gaps.extend(asked.beside(&mut inventories, &mut exceptions, &mut risk)?);
    let read = Read {
        snapshot: snapshot.as_ref(),
        sources: &sources,
        tree: tree.as_ref(),
        sets,
        inventories,
        deployed,
        risk,
        intel,
        gaps,
        spoken_of: scanned.spoken_of,
    };
    let (assessment, baseline) = assess(read, &declared, &exceptions, options, now)?;
    let verdict = gate::judge_against(&assessment, &gate_of(&options.gate), baseline.as_ref());
    progress.done();
    kept::keep(snapshot.as_ref(), &assessment, options, settings)?;
    output::show(&assessment, &verdict, &options.show, settings)?;
    for note in declared.notes.iter().chain(&exceptions.notes) {
        output::say(note);
    }
    Ok(verdict)
}

/// The objects of a cluster or its files, and which files those are.
struct Objects {
    snapshot: Option<Snapshot>,
    sources: Vec<inputs::Source>,
}

/// Reads what the target has of them: nothing of an artifact.
fn objects(target: &Target, progress: &Progress, now: Timestamp) -> anyhow::Result<Objects> {
    let options = target.options();
    let mut sources = Vec::new();
    let snapshot = match target {
        Target::Cluster { cluster, .. } => {
            progress.say("reading the cluster");
            Some(live(cluster, options.cluster_name.as_deref(), now)?)
        }
        Target::Manifests { paths, .. } => {
            progress.say("reading manifests");
            sources = cluster::given(paths)?;
            Some(cluster::manifests(&sources, options)?)
        }
        Target::Snapshot { file, .. } => {
            progress.say("reading the snapshot");
            Some(inputs::snapshot(file)?)
        }
        Target::Reports { .. }
        | Target::Image { .. }
        | Target::Registry { .. }
        | Target::Rootfs { .. }
        | Target::Sbom { .. } => None,
    };
    Ok(Objects { snapshot, sources })
}

/// What was read for this scan.
struct Read<'a> {
    snapshot: Option<&'a Snapshot>,
    sources: &'a [inputs::Source],
    tree: Option<&'a inputs::SourceTree>,
    sets: Vec<model::matches::MatchSet>,
    inventories: Vec<Inventory>,
    deployed: Option<scan::deployed::Deployed>,
    risk: scan::RiskSettings,
    intel: Option<Intelligence>,
    gaps: Vec<Gap>,
    spoken_of: BTreeSet<Text>,
}

/// The database, before anything slow is done: one that was named and is not there is a mistake.
fn database(
    options: &Scan,
    settings: &Settings,
) -> anyhow::Result<(Option<Intelligence>, Option<Gap>)> {
    let folder = options.db.as_deref().unwrap_or(&settings.database);
    match inputs::intelligence(folder)? {
        Some(intel) => Ok((Some(intel), None)),
        None if options.db.is_some() => anyhow::bail!(
            "no database in {}; build one with plimsoll db build --from DIR",
            folder.display()
        ),
        None => Ok((None, Some(inputs::no_database()))),
    }
}

fn assess(
    read: Read,
    declared: &Declared,
    exceptions: &Exceptions,
    options: &Scan,
    now: Timestamp,
) -> anyhow::Result<(Assessment, Option<Baseline>)> {
    let Read {
        snapshot,
        sources,
        tree,
        sets,
        inventories,
        deployed,
        risk,
        intel,
        mut gaps,
        spoken_of,
    } = read;
    gaps.extend(declared.gaps.iter().chain(&exceptions.gaps).cloned());
    let resolved = scan::Settings {
        now,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        risk,
    };
    let input = Input {
        snapshot,
        sources,
        tree,
        sets,
        inventories,
        intel: intel.as_ref(),
        declarations: &declared.declarations,
        gaps,
        spoken_of,
    };
    let baseline = options.gate.baseline.as_ref();
    let baseline = baseline.map(|file| scan::rulings::baseline(file, intel.as_ref(), &resolved));
    let baseline = baseline.transpose()?;
    let rulings = &exceptions.rulings;
    let mut assessment = match &deployed {
        Some(deployed) => scan::assess_deployed(input, rulings, deployed, &resolved),
        None => scan::assess_ruled(input, rulings, &resolved),
    };
    scan::filter::filter(&mut assessment, &filter_of(&options.gate));
    Ok((assessment, baseline))
}

fn filter_of(gate: &Gate) -> scan::filter::Filter {
    scan::filter::Filter {
        severities: gate.severity.clone(),
        ignore_unfixed: gate.ignore_unfixed,
        only_fixed: gate.only_fixed,
        statuses: gate.ignore_status.clone(),
        kinds: gate.pkg_types.clone(),
    }
}

fn gate_of(gate: &Gate) -> gate::Gate {
    gate::Gate {
        fail_on: gate.fail_on.clone(),
        exit_code: gate.exit_code,
        worst: gate.gate_on == GateOn::Worst,
        allow_unknown: gate.allow_unknown,
        min_coverage: gate.min_coverage,
        max_db_age_days: gate.max_db_age,
        grace_days: gate.grace.unwrap_or(0),
    }
}
