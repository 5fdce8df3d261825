//! Small match sets and inventories.

use model::evidence::Estimate;
use model::image::{ImageIdentity, ImageReference};
use model::keys::WorkloadKey;
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    Package,
};
use model::object::ObjectRef;
use model::vulnerability::Severity;
use model::workload::{
    Container, ContainerKind, Criticality, CriticalityLevel, Workload, WorkloadState,
};
use semantics::view::{Inventory, WorkloadView};

pub(crate) fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

/// A document about one image: `references` and `digests` of it, and matches as `(package, version, id, aliases)`.
pub(crate) fn set(
    tool: &str,
    references: &[&str],
    digests: &[String],
    found: &[(&str, &str, &str, &[&str])],
) -> MatchSet {
    let identity = ImageIdentity {
        digests: digests
            .iter()
            .map(|digest| digest.as_str().into())
            .collect(),
        references: references
            .iter()
            .filter_map(|reference| ImageReference::parse(reference))
            .collect(),
        ..ImageIdentity::default()
    };
    let mut set = MatchSet {
        source: MatchSource {
            tool: tool.into(),
            tool_version: None,
            format: "test".into(),
            file: format!("{tool}.json").into(),
            digest: "".into(),
            created: None,
        },
        artifacts: vec![Artifact {
            kind: ArtifactKind::Image,
            name: references.first().copied().unwrap_or("image").into(),
            identity,
            os: None,
            object: None,
            container: None,
        }],
        packages: Vec::new(),
        advisories: Vec::new(),
        matches: Vec::new(),
        bases: Vec::new(),
        gaps: Vec::new(),
    };
    for (n, (package, version, id, aliases)) in (0u32..).zip(found) {
        set.packages.push(Package {
            name: (*package).into(),
            version: (*version).into(),
            kind: "deb".into(),
            purl: None,
            upstream: None,
            locations: Vec::new(),
            layer: None,
        });
        set.advisories.push(Advisory {
            id: (*id).into(),
            aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
            covers: Vec::new(),
            title: None,
            severity: Severity::High,
            cvss: Vec::new(),
            vectors: Vec::new(),
            cwes: Vec::new(),
            url: None,
            feed: None,
            published: None,
        });
        set.matches.push(Match {
            category: Category::Vulnerability,
            artifact: 0,
            advisory: n,
            package: Some(n),
            target: None,
            field: None,
            severity: Severity::High,
            fix: Fix {
                state: FixState::Unknown,
                versions: Vec::new(),
            },
            suppression: None,
            basis: None,
        });
    }
    set
}

/// An inventory of workloads `w0`, `w1` ... with one container each: declared image and running digests.
pub(crate) fn inventory(containers: &[(&str, &[String])]) -> Inventory {
    let workloads = containers
        .iter()
        .enumerate()
        .map(|(n, (image, running))| view(n, image, running))
        .collect();
    Inventory {
        workloads,
        ..Inventory::default()
    }
}

fn view(n: usize, image: &str, running: &[String]) -> WorkloadView {
    let name = format!("w{n}");
    WorkloadView {
        workload: Workload {
            key: WorkloadKey {
                namespace: "shop".into(),
                kind: "Deployment".into(),
                name: name.as_str().into(),
                group: "apps".into(),
            },
            object: ObjectRef::new("apps", "Deployment", Some("shop"), &name),
            state: WorkloadState::Active,
            pods: 1,
            containers: vec![Container {
                name: "main".into(),
                kind: ContainerKind::App,
                image: image.into(),
                reference: ImageReference::parse(image),
                running: running
                    .iter()
                    .map(|digest| digest.as_str().into())
                    .collect(),
                pointer: "/spec/template/spec/containers/0".into(),
            }],
            owner: None,
            environment: None,
            criticality: Criticality {
                level: CriticalityLevel::Undeclared,
                value: Estimate::between(0.25, 0.5, 1.0),
                because: Vec::new(),
            },
            managed_by: None,
            source: None,
        },
        template: 0,
        pod_labels: std::collections::BTreeMap::new(),
        pods: Vec::new(),
        object: None,
        spec_pointer: "/spec/template/spec".into(),
        batch: false,
    }
}
