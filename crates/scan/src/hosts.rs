//! What runs below the pods as places of artifacts: the nodes, and an API server that shows no pod (rule 7).
//! Comes in: the inventory, what `platform` judged, reports about nodes. Goes out: workloads that are hosts, after those
//! of the inventory, and the joins of artifacts to them. Every later source of node findings only needs a join here.

use crate::join::{Images, Join, number};
use crate::platform::On;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::JoinGrade;
use model::keys::WorkloadKey;
use model::matches::{Artifact, ArtifactKind, Category, MatchSet};
use model::object::ObjectRef;
use model::text::Text;
use model::workload::{CONTROL_PLANE, ContainerIndex, Criticality, Workload, WorkloadState};
use paths::Relations;
use rustc_hash::FxHashMap;
use semantics::view::{Inventory, Pod};
use std::collections::BTreeSet;

/// The hosts of a cluster, and where they stand among the workloads.
#[derive(Debug, Default)]
pub struct Hosts {
    /// The nodes in the order of the inventory, then the API server.
    pub workloads: Vec<Workload>,
    /// Index of the first host among all workloads.
    first: u32,
    nodes: FxHashMap<Text, u32>,
    api_server: Option<u32>,
}

impl Hosts {
    pub fn of(inventory: &Inventory, api_server: bool) -> Self {
        let mut hosts = Hosts {
            first: u32::try_from(inventory.workloads.len()).unwrap_or(u32::MAX),
            ..Hosts::default()
        };
        let mut pods: FxHashMap<&str, Vec<&Pod>> = FxHashMap::default();
        for pod in &inventory.pods {
            if let Some(node) = pod.node.as_deref() {
                pods.entry(node).or_default().push(pod);
            }
        }
        for node in &inventory.nodes {
            let own = pods.get(&*node.name).map_or(&[][..], |pods| pods);
            let workloads = own.iter().map(|pod| pod.workload);
            let criticality = criticality(inventory, workloads);
            let index = hosts.push("Node", &node.name, own.len(), criticality);
            hosts.nodes.insert(Text::clone(&node.name), index);
        }
        if api_server {
            let criticality = criticality(inventory, 0..hosts.first);
            hosts.api_server = Some(hosts.push(CONTROL_PLANE, "kube-apiserver", 0, criticality));
        }
        hosts
    }

    fn push(&mut self, kind: &str, name: &str, pods: usize, criticality: Criticality) -> u32 {
        let object = ObjectRef::new("", kind, None, name);
        self.workloads.push(Workload {
            key: WorkloadKey {
                namespace: "".into(),
                kind: Text::clone(&object.kind),
                name: Text::clone(&object.name),
                group: "".into(),
            },
            object,
            state: WorkloadState::Active,
            pods: u32::try_from(pods).unwrap_or(u32::MAX),
            containers: Vec::new(),
            owner: None,
            environment: None,
            criticality,
            managed_by: None,
            source: None,
        });
        let place = u32::try_from(self.workloads.len() - 1).unwrap_or(u32::MAX);
        self.first.saturating_add(place)
    }

    /// Joins what was judged here (`own`: the index of its set, and where its artifacts run) and what reports say of
    /// hosts. An artifact that names no host of the cluster stays as it is.
    pub fn join(&self, images: &mut Images, sets: &[MatchSet], own: Option<(usize, &[Vec<On>])>) {
        let mut looked_at: BTreeSet<u32> = BTreeSet::new();
        for (number, set) in sets.iter().enumerate() {
            let own = own.filter(|(set, _)| *set == number).map(|(_, on)| on);
            let with_flaws = flawed(set);
            for (at, artifact) in set.artifacts.iter().enumerate() {
                let places: Vec<ContainerIndex> = match own {
                    Some(on) => on
                        .get(at)
                        .into_iter()
                        .flatten()
                        .filter_map(|on| self.place(*on))
                        .collect(),
                    None => self.named(artifact).into_iter().map(host).collect(),
                };
                if own.is_none() && (artifact.os.is_some() || with_flaws.contains(&at)) {
                    looked_at.extend(places.iter().map(|place| place.workload));
                }
                let image = images.of.get(number).and_then(|of| of.get(at)).copied();
                let Some(image) = image.filter(|_| !places.is_empty()) else {
                    continue;
                };
                if let Some(scanned) = images.images.get_mut(image as usize) {
                    scanned.kind = ArtifactKind::Node;
                }
                images.joins.extend(places.into_iter().map(|place| Join {
                    image,
                    runs_in: Some(place),
                    // The host says its version itself, or the report names it.
                    grade: JoinGrade::Digest,
                }));
            }
        }
        images.joins.sort_unstable();
        images.joins.dedup();
        number(images);
        let nodes = self.nodes.values();
        let open = nodes.filter(|node| !looked_at.contains(node)).count();
        images.gaps.extend(not_judged(open));
    }

    fn place(&self, on: On) -> Option<ContainerIndex> {
        match on {
            On::Node(node) => Some(host(self.first.saturating_add(node))),
            On::ApiServer => self.api_server.map(host),
            On::Container(at) => Some(at),
        }
    }

    /// The host that a report's artifact is about: Trivy's Kubernetes mode names the object, a scan of a file system or
    /// a machine is named after it.
    fn named(&self, artifact: &Artifact) -> Option<u32> {
        if let Some(object) = &artifact.object {
            match &*object.kind {
                "Node" | "NodeInfo" | "NodeComponents" => {
                    return self.nodes.get(&object.name).copied();
                }
                "ControlPlaneComponents" if object.name.ends_with("apiserver") => {
                    return self.api_server;
                }
                _ => {}
            }
        }
        let machine = matches!(artifact.kind, ArtifactKind::Node | ArtifactKind::Filesystem);
        let name = self.nodes.get(&artifact.name).copied();
        name.filter(|_| machine && artifact.object.is_none())
    }

    /// The situation of a placement on a host.
    pub fn situation(&self, relations: &Relations, workload: u32) -> Option<u32> {
        if self.api_server == Some(workload) {
            return relations.api_server;
        }
        let node = workload.checked_sub(self.first)?;
        relations.nodes.get(node as usize).copied()
    }
}

/// A host has no containers.
fn host(workload: u32) -> ContainerIndex {
    ContainerIndex {
        workload,
        container: 0,
    }
}

/// As much depends on a host as on the most critical workload on it.
fn criticality(inventory: &Inventory, workloads: impl Iterator<Item = u32>) -> Criticality {
    workloads
        .filter_map(|n| inventory.workloads.get(n as usize))
        .filter(|view| view.workload.state == WorkloadState::Active)
        .map(|view| &view.workload.criticality)
        .reduce(|most, next| {
            if next.value.expected > most.value.expected {
                next
            } else {
                most
            }
        })
        .cloned()
        .unwrap_or_else(Criticality::undeclared)
}

/// Artifacts in which the set found vulnerabilities.
fn flawed(set: &MatchSet) -> BTreeSet<usize> {
    let flaws = set
        .matches
        .iter()
        .filter(|one| one.category == Category::Vulnerability);
    flaws.map(|one| one.artifact as usize).collect()
}

fn not_judged(nodes: usize) -> Option<Gap> {
    (nodes > 0).then(|| Gap {
        class: "node-packages-not-judged".into(),
        what: format!("kernel, container runtime and packages of {nodes} nodes are not judged").into(),
        stage: Stage::Match,
        scope: "nodes".into(),
        weight: GapWeight::Widens,
        close: "pass reports about the nodes, named after them: trivy rootfs --format json /, or trivy k8s --report all"
            .into(),
    })
}
