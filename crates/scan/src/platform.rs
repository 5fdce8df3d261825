//! What runs below the pods: kubelets are judged by their versions against the Kubernetes CVE feed (rule 7).
//! Comes in: nodes. Goes out: a match set of our own, and gaps for what of a node is not judged yet.

use intel::Intelligence;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::ImageIdentity;
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    Package,
};
use model::object::ObjectRef;
use model::text::Text;
use model::vulnerability::Severity;
use semantics::view::{Inventory, Node};
use std::collections::BTreeMap;

/// Known vulnerabilities of the kubelets that the nodes report; `None` where there are no nodes.
pub fn matches(
    inventory: &Inventory,
    intel: Option<&Intelligence>,
    tool_version: &Text,
) -> Option<MatchSet> {
    if inventory.nodes.is_empty() {
        return None;
    }
    let mut set = MatchSet {
        source: MatchSource {
            tool: "plimsoll".into(),
            tool_version: Some(Text::clone(tool_version)),
            format: "plimsoll".into(),
            file: "nodes of the cluster".into(),
            digest: "".into(),
            created: None,
        },
        artifacts: Vec::new(),
        packages: Vec::new(),
        advisories: Vec::new(),
        matches: Vec::new(),
        gaps: vec![not_judged(inventory.nodes.len())],
    };
    let mut versions: BTreeMap<&Text, Vec<&Node>> = BTreeMap::new();
    for node in &inventory.nodes {
        match &node.kubelet {
            Some(version) => versions.entry(version).or_default().push(node),
            None => set
                .gaps
                .push(unknown(&node.name, "its kubelet does not tell its version")),
        }
    }
    for (version, nodes) in versions {
        match intel.and_then(|intel| intel.kubernetes("kubelet", version)) {
            Some(known) => {
                for cve in known {
                    add(&mut set, version, &nodes, &cve.id, cve.fixed);
                }
            }
            None => set.gaps.push(unknown(
                version,
                "there is no feed of Kubernetes CVEs for this kubelet version",
            )),
        }
    }
    Some(set)
}

fn add(set: &mut MatchSet, version: &Text, nodes: &[&Node], id: &Text, fixed: Option<Text>) {
    let name: Text = format!("kubelet {version} on {} nodes", nodes.len()).into();
    if set.artifacts.last().is_none_or(|last| last.name != name) {
        set.artifacts.push(Artifact {
            kind: ArtifactKind::Node,
            name,
            identity: ImageIdentity::default(),
            os: None,
            object: nodes
                .first()
                .map(|node| ObjectRef::new("", "Node", None, &node.name)),
            container: None,
        });
        set.packages.push(Package {
            name: "kubelet".into(),
            version: Text::clone(version),
            kind: "golang".into(),
            purl: Some(format!("pkg:golang/k8s.io/kubelet@{version}").into()),
            upstream: None,
            locations: Vec::new(),
            layer: None,
        });
    }
    set.advisories.push(Advisory {
        id: Text::clone(id),
        aliases: Vec::new(),
        covers: Vec::new(),
        title: None,
        severity: Severity::Unknown,
        cvss: Vec::new(),
        vectors: Vec::new(),
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
    });
}

fn not_judged(nodes: usize) -> Gap {
    Gap {
        class: "node-packages-not-judged".into(),
        what: format!("kernel, container runtime and packages of {nodes} nodes are not judged")
            .into(),
        stage: Stage::Match,
        scope: "nodes".into(),
        weight: GapWeight::Widens,
        close: "".into(),
    }
}

fn unknown(scope: &Text, what: &str) -> Gap {
    Gap {
        class: "kubelet-not-judged".into(),
        what: what.into(),
        stage: Stage::Match,
        scope: format!("kubelet {scope}").into(),
        weight: GapWeight::Widens,
        close: "plimsoll db update".into(),
    }
}
