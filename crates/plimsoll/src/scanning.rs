//! `plimsoll scan`: reads the inputs, runs the main job, shows it, keeps it.

use crate::args::{Cluster, Gate, GateOn, Registry, Scan, Target};
use crate::declared::{self, Declared};
use crate::exceptions::{self, Exceptions};
use crate::output::{self, NotCompleted};
use crate::settings::Settings;
use anyhow::Context;
use jiff::Timestamp;
use model::assessment::{Assessment, Verdict};
use model::evidence::Gap;
use model::inventory::Inventory;
use model::snapshot::Snapshot;
use scan::baseline::Baseline;
use scan::inputs;
use scan::{Input, gate};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Larger standard input is refused.
const MAX_STDIN: u64 = 1 << 30;

pub(crate) fn run(target: &Target, settings: &Settings) -> anyhow::Result<u8> {
    let options = match target {
        Target::Cluster { options, .. }
        | Target::Manifests { options, .. }
        | Target::Snapshot { options, .. }
        | Target::Reports { options }
        | Target::Image { options, .. }
        | Target::Rootfs { options, .. } => options,
    };
    output::check(&options.show)?;
    let now = options.now.unwrap_or(settings.now);
    let progress = Progress::start(settings);
    let mut sources = Vec::new();
    let snapshot = match target {
        Target::Cluster { cluster, .. } => {
            progress.say("reading the cluster");
            Some(live(cluster, options.cluster_name.as_deref(), now)?)
        }
        Target::Manifests { paths, .. } => {
            progress.say("reading manifests");
            sources = given(paths)?;
            Some(manifests(&sources, options)?)
        }
        Target::Snapshot { file, .. } => {
            progress.say("reading the snapshot");
            Some(inputs::snapshot(file)?)
        }
        Target::Reports { .. } => {
            anyhow::ensure!(
                !options.reports.is_empty(),
                "scan reports needs --report PATH"
            );
            None
        }
        Target::Image { .. } | Target::Rootfs { .. } => None,
    };
    let inventories = artifacts(target, settings, &progress)?;
    let tree = tree(target, options)?;
    progress.say("reading reports");
    let (sets, gaps) = inputs::reports(&options.reports)?;
    progress.say("ranking");
    let declared = declared::read(target, options)?;
    let read = Read {
        snapshot: snapshot.as_ref(),
        sources: &sources,
        tree: tree.as_ref(),
        sets,
        inventories,
        gaps,
    };
    let exceptions = exceptions::read(target, options, settings)?;
    let (assessment, baseline) = assess(read, &declared, &exceptions, options, settings, now)?;
    let verdict = gate::judge_against(&assessment, &gate_of(&options.gate), baseline.as_ref());
    progress.done();
    keep(snapshot.as_ref(), &assessment, options, settings)?;
    output::show(&assessment, &verdict, &options.show, settings)?;
    for note in declared.notes.iter().chain(&exceptions.notes) {
        output::say(note);
    }
    Ok(verdict.exit_code)
}

/// What was read for this scan.
struct Read<'a> {
    snapshot: Option<&'a Snapshot>,
    sources: &'a [inputs::Source],
    tree: Option<&'a inputs::SourceTree>,
    sets: Vec<model::matches::MatchSet>,
    inventories: Vec<Inventory>,
    gaps: Vec<Gap>,
}

/// What is scanned here.
fn artifacts(
    target: &Target,
    settings: &Settings,
    progress: &Progress,
) -> anyhow::Result<Vec<Inventory>> {
    let (artifact, image, platform) = match target {
        Target::Image {
            artifact,
            image,
            platform,
            ..
        } => (artifact, image.as_deref(), platform.clone()),
        Target::Rootfs { artifact, .. } => (artifact, None, None),
        _ => return Ok(Vec::new()),
    };
    let folder = artifact.cache_dir.as_ref().unwrap_or(&settings.images);
    let options = scan::artifacts::Options {
        platform,
        name: image.map(Into::into),
        lock_files: artifact.lock_files,
        cache: (!artifact.no_cache).then(|| folder.clone()),
    };
    let inventory = match target {
        Target::Image {
            reference: Some(reference),
            registry,
            ..
        } => {
            progress.say("pulling the image");
            return Ok(vec![pulled(reference, registry, &options)?]);
        }
        Target::Image {
            input: Some(input), ..
        } => {
            progress.say("reading the image");
            scan::artifacts::image_file(input, &options)
        }
        Target::Rootfs { folder, .. } => {
            progress.say("reading the root file system");
            scan::artifacts::rootfs(folder, &options)
        }
        _ => return Ok(Vec::new()),
    };
    Ok(vec![inventory.map_err(inputs::InputError::from)?])
}

/// An image of a registry; what was refused or not reached is "not completed".
fn pulled(
    reference: &str,
    registry: &Registry,
    options: &scan::artifacts::Options,
) -> anyhow::Result<Inventory> {
    let registry = scan::artifacts::RegistryOptions {
        auth_file: registry.registry_auth.clone(),
        mirrors: registry.registry_mirror.clone(),
        insecure: registry.insecure_registry.clone(),
        ca_files: registry.registry_ca.clone(),
        cloud_identity: registry.cloud_identity,
        environment: scan::artifacts::Environment::read(),
        ..scan::artifacts::RegistryOptions::default()
    };
    scan::artifacts::pulled(reference, &registry, options).map_err(|error| {
        if error.is_usage() {
            return error.into();
        }
        let chain = anyhow::Error::new(error);
        anyhow::Error::new(NotCompleted(format!("cannot pull {reference}: {chain:#}")))
    })
}

/// The manifests that a live cluster's objects come from.
fn tree(target: &Target, options: &Scan) -> anyhow::Result<Option<inputs::SourceTree>> {
    let (Target::Cluster { source, .. } | Target::Snapshot { source, .. }) = target else {
        return Ok(None);
    };
    if source.folders.is_empty() {
        return Ok(None);
    }
    let tree = inputs::source_tree(&source.folders, options.kubernetes_version, fresh_key()?)?;
    Ok(Some(tree))
}

fn assess(
    read: Read,
    declared: &Declared,
    exceptions: &Exceptions,
    options: &Scan,
    settings: &Settings,
    now: Timestamp,
) -> anyhow::Result<(Assessment, Option<Baseline>)> {
    let Read {
        snapshot,
        sources,
        tree,
        sets,
        inventories,
        mut gaps,
    } = read;
    gaps.extend(declared.gaps.iter().chain(&exceptions.gaps).cloned());
    let folder = options.db.as_deref().unwrap_or(&settings.database);
    let intel = match inputs::intelligence(folder) {
        Ok(Some(intel)) => Some(intel),
        Ok(None) if options.db.is_some() => anyhow::bail!(
            "no database in {}; build one with plimsoll db build --from DIR",
            folder.display()
        ),
        Ok(None) => {
            gaps.push(inputs::no_database());
            None
        }
        Err(error) => return Err(error.into()),
    };
    let resolved = scan::Settings {
        now,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        risk: scan::RiskSettings::default(),
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
    };
    let baseline = options.gate.baseline.as_ref();
    let baseline = baseline.map(|file| scan::rulings::baseline(file, intel.as_ref(), &resolved));
    let baseline = baseline.transpose()?;
    let mut assessment = scan::assess_ruled(input, &exceptions.rulings, &resolved);
    scan::filter::filter(
        &mut assessment,
        &scan::filter::Filter {
            severities: options.gate.severity.clone(),
            ignore_unfixed: options.gate.ignore_unfixed,
            only_fixed: options.gate.only_fixed,
        },
    );
    Ok((assessment, baseline))
}

/// Reads a live cluster; what could not be reached at all is "not completed".
pub(crate) fn live(
    cluster: &Cluster,
    name: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<Snapshot> {
    let options = inputs::LiveOptions {
        kubeconfig: cluster.kubeconfig.clone(),
        context: cluster.context.clone(),
        namespaces: cluster.namespaces.clone(),
        page_size: cluster.page_size,
        cluster_name: name.map(Into::into),
        now,
        redaction_key: fresh_key()?,
    };
    inputs::live(&options).map_err(|error| {
        if error.is_usage() {
            return error.into();
        }
        let chain = anyhow::Error::new(error);
        anyhow::Error::new(NotCompleted(format!("cannot read the cluster: {chain:#}")))
    })
}

fn given(paths: &[PathBuf]) -> anyhow::Result<Vec<inputs::Source>> {
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

fn manifests(sources: &[inputs::Source], options: &Scan) -> anyhow::Result<Snapshot> {
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
fn fresh_key() -> anyhow::Result<[u8; 32]> {
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

/// Writes the bundle that was asked for, and the last scan for `queue`, `paths` and `explain`.
fn keep(
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
    let file = from.unwrap_or(&settings.last_scan);
    let open = std::fs::File::open(file);
    let open = match (open, from) {
        (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => anyhow::bail!(
            "no scan was kept yet; run plimsoll scan first, or name a bundle with --from"
        ),
        (open, _) => open.with_context(|| format!("cannot open {}", file.display()))?,
    };
    let bundle =
        scan::bundle::read(open).with_context(|| format!("cannot read {}", file.display()))?;
    let verdict = gate::judge(&bundle.assessment, &gate::Gate::default());
    Ok((bundle.assessment, verdict))
}

/// A line of progress on a terminal, nothing elsewhere.
struct Progress(Option<indicatif::ProgressBar>);

impl Progress {
    fn start(settings: &Settings) -> Self {
        Progress(settings.terminal.progress.then(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        }))
    }

    fn say(&self, what: &'static str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    fn done(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
