//! What runs below the pods (rule 7): kubelets by the versions that nodes report, the API server by its own, the rest of
//! the control plane by the images of its static pods, all against the Kubernetes CVE feed.
//! Comes in: nodes, the server's version, workloads. Goes out: a match set of our own, and where its artifacts run.
//! Never: a vendor's build judged by upstream's ranges; vendors carry fixes back, so that is a gap.

use intel::Intelligence;
use model::evidence::Gap;
use model::image::ImageIdentity;
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    Package,
};
use model::snapshot::{Origin, Snapshot};
use model::text::Text;
use model::vulnerability::Severity;
use model::workload::{ContainerIndex, WorkloadState};
use semantics::provider::static_pod;
use semantics::releases::{self, Release, Software, not_judged};
use semantics::view::Inventory;
use std::collections::BTreeMap;

/// What was judged, and where it runs.
#[derive(Debug)]
pub struct Platform {
    pub set: MatchSet,
    /// Artifact of the set -> its places.
    pub on: Vec<Vec<On>>,
}

/// A place below the pods, or a static pod that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// Index into the inventory's nodes.
    Node(u32),
    /// An API server that shows no pod.
    ApiServer,
    Container(ContainerIndex),
}

impl Platform {
    /// Whether an API server that shows no pod was judged.
    pub fn api_server(&self) -> bool {
        self.on.iter().any(|on| on.contains(&On::ApiServer))
    }
}

/// Components of one version and their places.
type Running = BTreeMap<(&'static str, Text), Vec<On>>;

/// Known vulnerabilities of the components that the cluster shows; `None` where it shows none.
pub fn platform(
    snapshot: &Snapshot,
    inventory: &Inventory,
    intel: Option<&Intelligence>,
    tool_version: &Text,
) -> Option<Platform> {
    let mut gaps = Vec::new();
    let running = running(snapshot, inventory, &mut gaps);
    if running.is_empty() && gaps.is_empty() {
        return None;
    }
    let mut found = Platform {
        set: MatchSet {
            source: MatchSource {
                tool: "plimsoll".into(),
                tool_version: Some(Text::clone(tool_version)),
                format: "plimsoll".into(),
                file: "components of the cluster".into(),
                digest: "".into(),
                created: None,
            },
            artifacts: Vec::new(),
            packages: Vec::new(),
            advisories: Vec::new(),
            matches: Vec::new(),
            bases: Vec::new(),
            gaps,
        },
        on: Vec::new(),
    };
    for ((component, version), on) in running {
        found.judge(component, &version, on, intel);
    }
    Some(found)
}

/// Everything whose version the cluster tells.
fn running(snapshot: &Snapshot, inventory: &Inventory, gaps: &mut Vec<Gap>) -> Running {
    let mut running = Running::new();
    for (node, number) in inventory.nodes.iter().zip(0u32..) {
        match &node.kubelet {
            Some(version) => running
                .entry(("kubelet", Text::clone(version)))
                .or_default()
                .push(On::Node(number)),
            None => gaps.push(not_judged(
                "kubelet",
                &node.name,
                "its kubelet does not tell its version",
                "",
            )),
        }
    }
    let mut shown: Vec<&str> = Vec::new();
    for (view, workload) in inventory.workloads.iter().zip(0u32..) {
        let component = static_pod(&view.workload);
        let active = view.workload.state == WorkloadState::Active;
        // etcd is no part of Kubernetes' feed: its image is scanned like every other.
        let Some(component) = component.filter(|name| active && *name != "etcd") else {
            continue;
        };
        shown.push(component);
        let containers = &view.workload.containers;
        let at = containers
            .iter()
            .position(|c| &*c.name == component)
            .unwrap_or(0);
        let tag = containers
            .get(at)
            .and_then(|container| container.reference.as_ref()?.tag.clone());
        let place = ContainerIndex {
            workload,
            container: u32::try_from(at).unwrap_or(u32::MAX),
        };
        match tag {
            Some(tag) => running
                .entry((component, tag))
                .or_default()
                .push(On::Container(place)),
            None => gaps.push(not_judged(
                component,
                &view.workload.object.name,
                "its image has no tag that tells its version",
                "",
            )),
        }
    }
    if snapshot.origin == Origin::Live {
        server(snapshot, &shown, &mut running, gaps);
    }
    running
}

/// The API server by the version that it says, unless one of its pods shows the same.
fn server(snapshot: &Snapshot, shown: &[&str], running: &mut Running, gaps: &mut Vec<Gap>) {
    let api = "kube-apiserver";
    match &snapshot.server_version {
        Some(version) => {
            let known = running.entry((api, Text::clone(version))).or_default();
            if known.is_empty() {
                known.push(On::ApiServer);
            }
        }
        None => gaps.push(not_judged(
            api,
            "of the cluster",
            "it did not tell its version",
            "",
        )),
    }
    for component in ["kube-controller-manager", "kube-scheduler"] {
        if !shown.contains(&component) {
            gaps.push(not_judged(
                component,
                "of the cluster",
                "it shows no pod, and nothing else tells its version",
                "ask who runs the control plane",
            ));
        }
    }
}

/// Names in the Kubernetes feed. What it says of Kubernetes as a whole is said of the cluster's version.
fn packages(component: &'static str) -> &'static [&'static str] {
    match component {
        "kube-apiserver" => &["kube-apiserver", "k8s.io/kubernetes"],
        "kubelet" => &["kubelet"],
        "kube-controller-manager" => &["kube-controller-manager"],
        _ => &["kube-scheduler"],
    }
}

impl Platform {
    fn judge(
        &mut self,
        component: &'static str,
        version: &Text,
        on: Vec<On>,
        intel: Option<&Intelligence>,
    ) {
        if !is_upstream(version) {
            self.set
                .gaps
                .push(releases::vendor_build(component, version));
            return;
        }
        let mut known = Vec::new();
        for package in packages(component) {
            let cves = intel.and_then(|intel| intel.kubernetes(package, version));
            let Some(cves) = cves else {
                self.set.gaps.push(not_judged(
                    component,
                    version,
                    "there is no feed of Kubernetes CVEs for this version",
                    "plimsoll db update",
                ));
                return;
            };
            known.extend(cves);
        }
        known.sort_by(|a, b| a.id.cmp(&b.id));
        known.dedup_by(|a, b| a.id == b.id);
        if known.is_empty() {
            return;
        }
        self.set.artifacts.push(Artifact {
            kind: ArtifactKind::Node,
            name: format!("{component} {version}").into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        });
        self.on.push(on);
        self.set.packages.push(Package {
            name: component.into(),
            version: Text::clone(version),
            kind: "golang".into(),
            purl: Some(format!("pkg:golang/k8s.io/{component}@{version}").into()),
            upstream: None,
            locations: Vec::new(),
            layer: None,
        });
        for cve in known {
            self.add(&cve.id, cve.fixed);
        }
    }

    /// A vulnerability of the artifact that was added last.
    fn add(&mut self, id: &Text, fixed: Option<Text>) {
        let set = &mut self.set;
        set.advisories.push(Advisory {
            id: Text::clone(id),
            aliases: Vec::new(),
            covers: Vec::new(),
            vectors: Vec::new(),
            title: None,
            severity: Severity::Unknown,
            cvss: Vec::new(),
            cwes: Vec::new(),
            url: None,
            feed: Some("osv/Kubernetes".into()),
            published: None,
        });
        let last = |length: usize| u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX);
        set.matches.push(Match {
            category: Category::Vulnerability,
            artifact: last(set.artifacts.len()),
            advisory: last(set.advisories.len()),
            package: Some(last(set.packages.len())),
            target: None,
            field: None,
            severity: Severity::Unknown,
            fix: Fix {
                state: if fixed.is_some() {
                    FixState::Fixed
                } else {
                    FixState::Unknown
                },
                versions: fixed.into_iter().collect(),
            },
            suppression: None,
            basis: None,
        });
    }
}

/// Whether upstream's ranges speak of the build.
fn is_upstream(version: &str) -> bool {
    matches!(
        Release::read(Software::Kubelet, version),
        Some(Release::Told(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_vendors() {
        for (version, upstream) in [
            ("v1.30.4", true),
            ("1.30.4", true),
            ("v1.30.0-rc.1", true),
            ("v1.31.0-alpha.3", true),
            ("v1.30.4+k3s1", true),
            ("v1.30.4+rke2r1", true),
            ("v1.30.4-eks-a737599", false),
            ("v1.30.2-gke.1014001", false),
            ("v1.27.8+4fab27b", false),
            ("v1.30.0-rc.1-gke.5", false),
            ("v1.30.4-aliyun.1", false),
            ("v1.20.5-dirty", false),
            ("v1.30.4-rc.1+abc", false),
        ] {
            assert_eq!(is_upstream(version), upstream, "{version}");
        }
    }
}
