//! Attack paths of a Snapshot: who gets where, over what, and what ends it; what a change adds.
//! Comes in: a Snapshot, declarations, the findings of a scan where there was one. Goes out: paths, cuts, edges.
//! Never: a path of one cluster with the vulnerabilities of another.

use crate::weaknesses;
use model::assessment::{About, Assessment, Coverage, ScannedImage};
use model::evidence::Ledger;
use model::graph::GraphEdge;
use model::snapshot::Snapshot;
use model::text::Text;
use network::{NetworkDeclarations, WorkloadExposure};
use paths::{Analysis, Steps, Weakness};
use semantics::declare::Declarations;
use semantics::view::Inventory;
use std::collections::{BTreeMap, BTreeSet};

pub use paths::{AnalysisError, Answer, From, Order, Query, Routes, SINKS};

/// A cluster with everything that the graph is made of.
pub struct Cluster {
    pub(crate) inventory: Inventory,
    pub(crate) exposures: Vec<WorkloadExposure>,
    pub(crate) weaknesses: Vec<Weakness>,
    pub(crate) steps: Steps,
    pub(crate) ledger: Ledger,
    /// Of the scan: their names stand in evidence.
    images: Vec<ScannedImage>,
}

/// What a question found, as an Assessment that holds nothing else but the names that may stand in it.
pub struct Found {
    pub assessment: Assessment,
    pub routes: Vec<Routes>,
}

impl Cluster {
    /// `scanned` is the scan of this Snapshot: its open findings are the vulnerabilities of the graph.
    pub fn of(
        snapshot: &Snapshot,
        declarations: &Declarations,
        scanned: Option<&Assessment>,
    ) -> Self {
        let mut ledger = Ledger::default();
        ledger.gaps(snapshot.gaps.iter().cloned());
        let inventory = semantics::inventory(snapshot, declarations, &mut ledger);
        let declared = NetworkDeclarations {
            enforced: declarations.network.enforced,
            public_nodes: declarations.public_nodes,
        };
        let exposures = network::exposures(&inventory, &declared, &mut ledger);
        let weaknesses = scanned.map_or_else(Vec::new, |scan| {
            weaknesses::kept(scan, inventory.workloads.len())
        });
        let steps = Steps::of(&inventory, &mut ledger);
        Cluster {
            inventory,
            exposures,
            weaknesses,
            steps,
            ledger,
            images: scanned.map_or_else(Vec::new, |scan| scan.images.clone()),
        }
    }

    /// The same cluster after a change: containers keep the weaknesses of their images.
    pub(crate) fn after(snapshot: &Snapshot, declarations: &Declarations, before: &Self) -> Self {
        let mut after = Cluster::of(snapshot, declarations, None);
        let image = |inventory: &Inventory, workload: u32, container: u32| {
            let view = inventory.workloads.get(workload as usize)?;
            let template = inventory.templates.get(view.template as usize)?;
            let container = template.containers.get(container as usize)?;
            Some(Text::clone(&container.image))
        };
        let mut of_image: BTreeMap<Text, BTreeMap<Text, &Weakness>> = BTreeMap::new();
        for weakness in &before.weaknesses {
            let image = image(&before.inventory, weakness.workload, weakness.container);
            let same = of_image
                .entry(image.unwrap_or_else(|| "".into()))
                .or_default();
            same.entry(Text::clone(&weakness.label)).or_insert(weakness);
        }
        let mut weaknesses = Vec::new();
        for (workload, view) in (0_u32..).zip(&after.inventory.workloads) {
            for container in 0..u32::try_from(view.workload.containers.len()).unwrap_or(0) {
                let image = image(&after.inventory, workload, container);
                let same = image.and_then(|image| of_image.get(&image));
                weaknesses.extend(same.into_iter().flatten().map(|(_, known)| Weakness {
                    workload,
                    container,
                    ..Weakness::clone(known)
                }));
            }
        }
        after.weaknesses = weaknesses;
        after.images.clone_from(&before.images);
        after
    }

    pub(crate) fn analysis(&self, ledger: &mut Ledger) -> Analysis<'_> {
        Analysis::of(
            &self.inventory,
            &self.exposures,
            &self.weaknesses,
            &self.steps,
            ledger,
        )
    }

    pub fn ask(&self, query: &Query, about: About) -> Result<Found, AnalysisError> {
        let mut ledger = self.ledger.clone();
        let analysis = self.analysis(&mut ledger);
        let answer = analysis.ask(query, &mut ledger)?;
        let mut found = self.bare(about, ledger);
        found.assessment.paths = answer.paths;
        found.assessment.cuts = answer.cuts;
        found.routes = answer.routes;
        Ok(found)
    }

    /// What names of this cluster may stand in, without an answer yet.
    pub fn bare(&self, about: About, ledger: Ledger) -> Found {
        let mut assessment = bare(about, ledger);
        let workloads = self.inventory.workloads.iter();
        assessment.workloads = workloads.map(|view| view.workload.clone()).collect();
        assessment.images.clone_from(&self.images);
        Found {
            assessment,
            routes: Vec::new(),
        }
    }

    /// The whole graph.
    pub fn edges(&self) -> Vec<GraphEdge> {
        self.analysis(&mut self.ledger.clone()).edges()
    }
}

fn bare(about: About, ledger: Ledger) -> Assessment {
    Assessment {
        about,
        ledger,
        workloads: Vec::new(),
        images: Vec::new(),
        placements: Vec::new(),
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        situations: Vec::new(),
        scores: Vec::new(),
        factors: Vec::new(),
        findings: Vec::new(),
        suppressed: Vec::new(),
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage: Coverage::default(),
        sets: Vec::new(),
        inventories: Vec::new(),
        checks: Vec::new(),
        credentials: Vec::new(),
    }
}

/// Routes that are there after a change and were not before: (entry, sink), each with its best path.
pub fn added(before: &Found, after: &Found) -> Vec<model::graph::Path> {
    let known: BTreeSet<(&str, &str)> = before
        .assessment
        .paths
        .iter()
        .map(|path| (&*path.entry, &*path.sink))
        .collect();
    let paths = after.assessment.paths.iter();
    paths
        .filter(|path| !known.contains(&(&*path.entry, &*path.sink)))
        .cloned()
        .collect()
}
