//! The main job: everything that was collected and said, in; one ranked `Assessment`, out.
//! The order of the stages is the order of the lines of [`assess`].

use crate::accept::accept;
use crate::coverage::coverage;
use crate::deployed::{self, Deployed};
use crate::findings::findings;
use crate::hosts::Hosts;
use crate::inputs::{Source, SourceTree};
use crate::join::{NOT_SCANNED, join};
use crate::platform::{On, Platform, platform};
use crate::rulings::Rulings;
use crate::vulnerabilities::close;
use crate::written::Written;
use crate::{artifacts, configuration, drift, environments, ignore, sources, vex, weaknesses};
use intel::Intelligence;
use intel::assess::FeedGaps;
use jiff::Timestamp;
use model::assessment::{About, Assessment};
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::matches::{Artifact, ArtifactKind, MatchSet};
use model::object::ObjectRef;
use model::situation::Situation;
use model::snapshot::Snapshot;
use model::text::Text;
use model::workload::Placement;
use network::NetworkDeclarations;
use semantics::declare::Declarations;
use semantics::view::Inventory;
use std::collections::BTreeSet;

/// What the stages before brought.
pub struct Input<'a> {
    /// `None`: only reports were given.
    pub snapshot: Option<&'a Snapshot>,
    /// What the Snapshot was read from, where that was files.
    pub sources: &'a [Source],
    /// What a live cluster's objects are written in.
    pub tree: Option<&'a SourceTree>,
    pub sets: Vec<MatchSet>,
    /// What was scanned here.
    pub inventories: Vec<model::inventory::Inventory>,
    pub intel: Option<&'a Intelligence>,
    pub declarations: &'a Declarations,
    /// Gaps of reading the inputs.
    pub gaps: Vec<Gap>,
    /// Scopes of images of which one of these gaps says already why nobody scanned them.
    pub spoken_of: BTreeSet<Text>,
}

/// Resolved once; nothing below reads a clock or the environment.
#[derive(Clone, Debug)]
pub struct Settings {
    pub now: Timestamp,
    pub tool_version: Text,
    pub risk: risk::Settings,
}

/// Runs all stages.
pub fn assess(input: Input<'_>, settings: &Settings) -> Assessment {
    assess_ruled(input, &Rulings::default(), settings)
}

/// Runs all stages with what the user's files say of findings. What VEX clears is no weakness; what somebody only
/// accepts still is one: it leaves the queue, not the paths.
pub fn assess_ruled(input: Input<'_>, rulings: &Rulings, settings: &Settings) -> Assessment {
    run(input, rulings, None, settings)
}

/// Runs all stages for an image in the place of those of its repository that run in a cluster. The result is about the
/// image alone: its findings, its workloads, the paths through them.
pub fn assess_deployed(
    input: Input<'_>,
    rulings: &Rulings,
    deployed: &Deployed,
    settings: &Settings,
) -> Assessment {
    run(input, rulings, Some(deployed), settings)
}

#[allow(clippy::too_many_lines)] // the stages in their order; each line is one
fn run(
    input: Input<'_>,
    rulings: &Rulings,
    deployed: Option<&Deployed>,
    settings: &Settings,
) -> Assessment {
    let Input {
        mut snapshot,
        sources: inputs,
        tree,
        mut sets,
        inventories,
        intel,
        declarations,
        gaps,
        spoken_of,
    } = input;
    let mut ledger = Ledger::default();
    ledger.gaps(gaps.iter().cloned());
    snapshot = deployed.map_or(snapshot, Deployed::snapshot);
    let mut inventory = objects(snapshot, declarations, &mut ledger);
    let mut taken = None;
    let own_sets = sets.len() + inventories.len();
    let scanned: Vec<Artifact> = inventories.iter().map(|one| one.artifact.clone()).collect();
    let scanned: Vec<&Artifact> = match &*scanned {
        [] => sets.iter().flat_map(|set| &set.artifacts).collect(),
        own => own.iter().collect(),
    };
    let mut behind = Vec::new();
    if let Some(deployed) = deployed {
        let into = deployed.take_over(&scanned, &mut inventory, settings.now, &mut ledger);
        if into.places.is_empty() {
            // As if no cluster had been given, but for what is said of it.
            (snapshot, inventory, ledger) = (None, Inventory::default(), Ledger::default());
            ledger.gaps(gaps);
        } else {
            behind = deployed.background(&scanned, intel, settings);
        }
        ledger.gaps(into.gaps.iter().cloned());
        taken = Some(into);
    }
    let placed = taken.as_ref().filter(|into| !into.places.is_empty());
    ledger.gaps(inventory.gaps.iter().cloned());
    let below =
        snapshot.and_then(|snapshot| platform(snapshot, &inventory, intel, &settings.tool_version));
    let api_server = below.as_ref().is_some_and(Platform::api_server);
    let hosts = Hosts::of(&inventory, api_server);
    let mut own = None;
    let mut below = below;
    if placed.is_none() {
        own = push(&mut sets, below.take());
    }
    for scanned in &inventories {
        ledger.gaps(scanned.gaps.iter().cloned());
        sets.push(artifacts::matches(
            scanned,
            intel,
            settings.now,
            &settings.tool_version,
        ));
    }
    ledger.gaps(sets.iter().flat_map(|set| set.gaps.iter().cloned()));
    if placed.is_some() {
        own = push(&mut sets, below);
        sets.extend(behind);
    }
    let mut images = join(&sets, snapshot.map(|_| &inventory));
    images
        .gaps
        .retain(|gap| &*gap.class != NOT_SCANNED || !spoken_of.contains(&gap.scope));
    if snapshot.is_some() {
        let own = own.as_ref().map(|(set, on)| (*set, &**on));
        hosts.join(&mut images, &sets, own);
    }
    if placed.is_none() {
        ledger.gaps(images.gaps.iter().cloned());
    }

    let feeds = feed_gaps(intel, &mut ledger);
    let mut vulnerabilities = close(&sets, intel, &feeds);
    let objects: BTreeSet<ObjectRef> = snapshot
        .iter()
        .flat_map(|s| &s.objects)
        .map(model::snapshot::Object::reference)
        .collect();
    let mut found = findings(&sets, &images, &vulnerabilities, |object| {
        objects.contains(object)
    });
    artifacts::tell(&mut found, &sets, &inventories);
    let asked: BTreeSet<u32> = images.of.iter().take(own_sets).flatten().copied().collect();
    let mut others = placed.map(|_| deployed::split(&mut found, &asked));
    let scanned = vex::Scanned {
        images: &images.images,
        vulnerabilities: &vulnerabilities.all,
        inventories: &inventories,
    };
    let said = vex::apply(&rulings.vex, &mut found, scanned, &mut ledger);
    vex::mention(&rulings.attached, &mut found, scanned, &mut ledger);
    if placed.is_none() {
        found.open.extend(drift::findings(&inventory));
        found.open.extend(environments::findings(&inventory));
    }
    let mut checks = Vec::new();
    if let Some(snapshot) = snapshot.filter(|_| placed.is_none()) {
        let mut said =
            configuration::ask(snapshot, &inventory, settings.now, &configuration::usual());
        said.join(&mut found, &vulnerabilities.all);
        ledger.gaps(said.gaps.into_iter().map(beside_the_question));
        found.open.extend(said.open.into_iter().map(|(_, one)| one));
        found.suppressed.extend(said.provided);
        checks = said.described;
    }

    let declared = NetworkDeclarations {
        enforced: declarations.network.enforced,
        public_nodes: declarations.public_nodes,
    };
    let exposures = network::exposures(&inventory, &declared, &mut ledger);
    let mut weak = weaknesses::of(&found, &images, &vulnerabilities);
    if let Some(others) = others.take() {
        weak.extend(weaknesses::of(&others, &images, &vulnerabilities));
    }
    let nodes = !inventory.nodes.is_empty();
    let reached = network::hosts(nodes, api_server, &declared, &mut ledger);
    let mut relations = paths::relate(&inventory, &exposures, &reached, &weak, &mut ledger);

    let mut written = snapshot.and_then(|snapshot| Written::of(snapshot, inputs, tree));
    ledger.gaps(tree.iter().flat_map(|tree| tree.files.gaps.iter().cloned()));
    if let Some(written) = &mut written {
        ledger.gaps(written.gap());
        sources::locate(written, &images, &relations, &mut inventory, &mut ledger);
    }
    let mut hosts = hosts;
    if let Some(into) = placed {
        deployed::only(
            &asked,
            own_sets,
            into,
            &mut images,
            &mut found,
            &mut vulnerabilities,
            &mut inventory,
            &mut relations,
        );
        sets.truncate(own_sets);
        hosts.workloads.clear();
        relations.credentials.clear();
    }
    // The image was looked at; the cluster was, some time ago.
    let shown = snapshot.filter(|_| placed.is_none());
    let matches = sets.iter().map(|set| set.matches.len() as u64).sum();
    let coverage = coverage(shown, &inventory, &images, &found.open, matches);
    let mut situations = std::mem::take(&mut relations.situations);
    let unseen = u32::try_from(situations.len()).unwrap_or(u32::MAX);
    if snapshot.is_none() {
        let nowhere = taken.and_then(|into| into.gaps.into_iter().next());
        let why = nowhere.unwrap_or_else(|| no_cluster(&inventories));
        situations.push(Situation::unseen(ledger.gap(why)));
    }
    let placements = images
        .joins
        .iter()
        .map(|join| Placement {
            image: join.image,
            runs_in: join.runs_in,
            grade: join.grade,
            situation: join
                .runs_in
                .map_or(Some(unseen), |at| {
                    match relations.of.get(at.workload as usize) {
                        Some(of) => of.get(at.container as usize).copied(),
                        None => hosts.situation(&relations, at.workload),
                    }
                })
                .unwrap_or(u32::MAX),
        })
        .collect();
    let mut assessment = Assessment {
        about: about(shown, intel, settings.now, &settings.tool_version),
        ledger,
        workloads: inventory
            .workloads
            .into_iter()
            .map(|view| view.workload)
            .chain(hosts.workloads)
            .collect(),
        images: images.images,
        placements,
        packages: found.packages,
        vulnerabilities: vulnerabilities.all,
        situations,
        scores: Vec::new(),
        factors: Vec::new(),
        findings: found.open,
        suppressed: found.suppressed,
        unjoined: found.unjoined,
        paths: relations.paths,
        cuts: relations.cuts,
        actions: Vec::new(),
        coverage,
        sets,
        inventories,
        credentials: relations.credentials,
        checks,
    };
    assessment.coverage.rulings = rulings.given();
    let entries = rulings.entries(snapshot, &mut assessment.ledger);
    ignore::apply(&entries, &said, snapshot, &mut assessment);
    let mut ranking = settings.risk.clone();
    if declarations.own_images.is_some() {
        ranking.own_images.clone_from(&declarations.own_images);
    }
    risk::rank(&mut assessment, &ranking);
    if let Some(written) = &mut written {
        sources::point(&mut assessment, written);
    }
    // A damaged database answers "nothing known"; that must not look like an answer.
    assessment.ledger.gaps(intel.and_then(Intelligence::damage));
    accept(
        &declarations.accepted_gaps,
        settings.now,
        &mut assessment.ledger,
    );
    assessment
}

/// What a check could not see is told, and closes no gate of a scan that asks of vulnerabilities and paths too: whoever
/// gates on configuration names a profile. A field that nobody can read is different: other stages needed it as well.
fn beside_the_question(gap: Gap) -> Gap {
    let weight = match &*gap.class {
        // What versions leave open they leave open for vulnerabilities, too.
        "field-malformed"
        | "kubelet-not-judged"
        | "control-plane-not-judged"
        | "version-not-judged" => gap.weight,
        _ => GapWeight::Notice,
    };
    Gap { weight, ..gap }
}

fn objects(
    snapshot: Option<&Snapshot>,
    declarations: &Declarations,
    ledger: &mut Ledger,
) -> Inventory {
    match snapshot {
        Some(snapshot) => {
            ledger.gaps(snapshot.gaps.iter().cloned());
            semantics::inventory(snapshot, declarations, ledger)
        }
        None => Inventory::default(),
    }
}

/// What was judged below the pods, as a set; its index, and where its artifacts run.
fn push(sets: &mut Vec<MatchSet>, below: Option<Platform>) -> Option<(usize, Vec<Vec<On>>)> {
    let below = below?;
    sets.push(below.set);
    Some((sets.len() - 1, below.on))
}

/// What was looked at, when and with what.
pub fn about(
    snapshot: Option<&Snapshot>,
    intel: Option<&Intelligence>,
    now: Timestamp,
    tool_version: &str,
) -> About {
    About {
        tool_version: tool_version.into(),
        now,
        origin: snapshot.map(|s| s.origin),
        cluster: snapshot.and_then(|s| s.cluster.value().cloned()),
        cluster_name: snapshot.and_then(|s| s.cluster_name.clone()),
        kubernetes: snapshot.map(|s| s.version),
        database: intel.map(Intelligence::info),
    }
}

/// What is said where only artifacts were looked at.
fn no_cluster(inventories: &[model::inventory::Inventory]) -> Gap {
    let image = |one: &model::inventory::Inventory| one.artifact.kind == ArtifactKind::Image;
    let close = if inventories.iter().any(image) {
        "plimsoll scan cluster --save BUNDLE, then scan image with --as-deployed BUNDLE"
    } else if inventories.is_empty() {
        "plimsoll scan cluster, or scan manifests PATH, with the same --report"
    } else {
        "plimsoll scan cluster, which sees where images run"
    };
    Gap {
        class: "cluster-not-seen".into(),
        what: "no cluster and no manifests were looked at: who reaches these findings and what falls with them is unknown".into(),
        stage: Stage::Relate,
        scope: "cluster".into(),
        weight: GapWeight::Widens,
        close: close.into(),
    }
}

/// Gaps for feeds that the database does not have.
fn feed_gaps(intel: Option<&Intelligence>, ledger: &mut Ledger) -> FeedGaps {
    let mut missing = |feed: &str, what: &str| {
        let there = intel.is_some_and(|intel| intel.has(feed));
        (!there).then(|| {
            ledger.gap(Gap {
                class: "feed-missing".into(),
                what: what.into(),
                stage: Stage::Match,
                scope: format!("feed {feed}").into(),
                weight: GapWeight::Hides,
                close: "plimsoll db update, or plimsoll db build --from DIR".into(),
            })
        })
    };
    FeedGaps {
        epss: missing("epss", "no EPSS scores: every likelihood is a prior"),
        kev: missing("kev", "no list of known exploited vulnerabilities"),
        ssvc: missing(
            "vulnrichment",
            "no SSVC decision points: they are derived from CVSS vectors",
        ),
    }
}
