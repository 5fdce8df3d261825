//! Workloads as the queue sees them: the root owner, its containers, who owns it and how much it matters.

use crate::evidence::{Estimate, EvidenceId};
use crate::image::{ImageReference, JoinGrade};
use crate::keys::WorkloadKey;
use crate::object::{ObjectRef, SourceSpan};
use crate::text::Text;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub key: WorkloadKey,
    /// The root owner; for owners that are named but were not seen, the name is still theirs.
    pub object: ObjectRef,
    pub state: WorkloadState,
    /// Pods that run now (live), or declared replicas (files).
    pub pods: u32,
    pub containers: Vec<Container>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Owner>,
    /// `None`: nobody declared it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Environment>,
    pub criticality: Criticality,
    /// The tool whose source must be changed instead of the live object (rule 14).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub managed_by: Option<ManagedBy>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourceSpan>,
}

impl Workload {
    /// Whether it is a part of the cluster itself (rule 17): its fields are not the user's to change.
    pub fn is_provided(&self) -> bool {
        let tool = self.managed_by.as_ref().map(|managed| &*managed.tool);
        tool == Some(ManagedBy::PROVIDER)
    }

    /// Whether it is what runs below the pods: a node, or a component of the control plane that shows no pod.
    /// A host has no containers; a placement on it names container 0.
    pub fn is_host(&self) -> bool {
        self.object.group.is_empty() && matches!(&*self.object.kind, "Node" | CONTROL_PLANE)
    }
}

/// Kind of the object that stands for a component of the control plane that shows no pod: `ControlPlane kube-apiserver`.
pub const CONTROL_PLANE: &str = "ControlPlane";

/// Rule 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadState {
    /// Runs, or will run as declared.
    Active,
    /// Suspended CronJobs, workloads scaled to 0: listed apart.
    Dormant,
    /// ReplicaSets with 0 replicas, finished Jobs, replaced revisions: never counted.
    History,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub name: Text,
    pub kind: ContainerKind,
    /// As declared.
    pub image: Text,
    /// Parsed, where it is a reference.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<ImageReference>,
    /// Distinct `status.imageID` digests of the running pods (rule 10); empty from files.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub running: Vec<Text>,
    /// JSON pointer of the container in the root object, e.g. `/spec/template/spec/containers/0`;
    /// empty for containers that only pods have (injected sidecars, debug containers).
    pub pointer: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerKind {
    Init,
    /// Init container with restartPolicy Always (KEP-753).
    Sidecar,
    App,
    Ephemeral,
}

/// One place of an artifact; its findings count once in each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Index into [`crate::assessment::Assessment::images`].
    pub image: u32,
    /// `None`: in no container that was seen. No cluster was looked at, or the artifact is no image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub runs_in: Option<ContainerIndex>,
    /// How the reports' image and this container were joined; the digest's where there is none.
    pub grade: JoinGrade,
    /// Index into the situations.
    pub situation: u32,
}

/// Which container of which workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContainerIndex {
    /// Index into the workloads.
    pub workload: u32,
    /// Index into the workload's containers.
    pub container: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub name: Text,
    /// `label app.kubernetes.io/part-of`, `namespace shop`, `plimsoll.yaml`, `CODEOWNERS`.
    pub rule: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    Production,
    Staging,
    /// Shared infrastructure: ingress controllers, DNS, monitoring.
    Shared,
}

/// A of the score: how much of the organisation's value depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criticality {
    pub level: CriticalityLevel,
    /// Value in (0, 1]: low .25, normal .5, high .8, crown 1; undeclared is .5 within .25 to 1.
    pub value: Estimate,
    /// Who declared it; empty when nobody did.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub because: Vec<EvidenceId>,
}

impl Criticality {
    /// The value that nobody declared (stated prior, prioritisation facts 6.3).
    pub const UNKNOWN: Estimate = Estimate {
        low: 0.25,
        expected: 0.5,
        high: 1.0,
    };

    /// Nobody said anything.
    pub const fn undeclared() -> Self {
        Criticality {
            level: CriticalityLevel::Undeclared,
            value: Self::UNKNOWN,
            because: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CriticalityLevel {
    Undeclared,
    Low,
    Normal,
    High,
    Crown,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ManagedBy {
    /// `argo-cd`, `flux`, `helm`, `operator`; `provider` for what the cluster itself is made of.
    pub tool: Text,
    /// The application, Kustomization, HelmRelease or release.
    pub name: Text,
}

impl ManagedBy {
    /// The tool of what the cluster itself is made of.
    pub const PROVIDER: &str = "provider";
}
