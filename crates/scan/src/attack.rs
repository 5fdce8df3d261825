//! Attack paths of a Snapshot: who gets where, over what, and what ends it; what a change adds.
//! Comes in: a Snapshot, declarations, the findings of a scan where there was one. Goes out: paths, cuts, edges.
//! Never: a path of one cluster with the vulnerabilities of another.

use crate::weaknesses;
use model::assessment::{About, Assessment, Coverage, ScannedImage};
use model::evidence::Ledger;
use model::snapshot::Snapshot;
use network::{NetworkDeclarations, WorkloadExposure};
use paths::{Analysis, Steps, Weakness};
use semantics::declare::Declarations;
use semantics::view::Inventory;
use std::collections::BTreeSet;

pub use paths::{AnalysisError, Answer, From, GraphEdge, Order, Query, Routes, SINKS};

/// A cluster with everything that the graph is made of.
pub struct Cluster {
    inventory: Inventory,
    exposures: Vec<WorkloadExposure>,
    weaknesses: Vec<Weakness>,
    steps: Steps,
    ledger: Ledger,
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

    fn analysis(&self, ledger: &mut Ledger) -> Analysis<'_> {
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
        let mut assessment = bare(about, ledger, answer.paths, answer.cuts);
        let workloads = self.inventory.workloads.iter();
        assessment.workloads = workloads.map(|view| view.workload.clone()).collect();
        assessment.images.clone_from(&self.images);
        Ok(Found {
            assessment,
            routes: answer.routes,
        })
    }

    /// The whole graph.
    pub fn edges(&self) -> Vec<GraphEdge> {
        self.analysis(&mut self.ledger.clone()).edges()
    }
}

/// What is said of a Snapshot that was not scanned.
pub fn about(snapshot: &Snapshot, now: jiff::Timestamp, tool_version: &str) -> About {
    About {
        tool_version: tool_version.into(),
        now,
        origin: Some(snapshot.origin),
        cluster: snapshot.cluster.value().cloned(),
        cluster_name: snapshot.cluster_name.clone(),
        kubernetes: Some(snapshot.version),
        database: None,
    }
}

fn bare(
    about: About,
    ledger: Ledger,
    paths: Vec<model::graph::Path>,
    cuts: Vec<model::graph::Cut>,
) -> Assessment {
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
        paths,
        cuts,
        actions: Vec::new(),
        coverage: Coverage::default(),
        sets: Vec::new(),
        inventories: Vec::new(),
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
