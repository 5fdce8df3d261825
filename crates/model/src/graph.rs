//! Attack paths and cuts as they are shown. The graph itself stays inside `paths`.

use crate::evidence::{Estimate, EvidenceId, GapId};
use crate::object::ObjectRef;
use crate::rights::RuleText;
use crate::situation::ExposureClass;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// A route from an entry to a sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// `Internet`, `any pod in the cluster`, ...
    pub entry: Text,
    /// `cluster-admin`, `node worker-1`, ...
    pub sink: Text,
    /// Probability of the whole route within the horizon.
    pub probability: Estimate,
    pub edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    pub from: Text,
    pub to: Text,
    /// Stable kind: `load-balancer`, `vulnerability`, `POD_EXEC`, `CE_PRIV_MOUNT`.
    pub kind: Text,
    /// Of MITRE ATT&CK, `T1611`; empty where none fits.
    #[serde(skip_serializing_if = "str::is_empty", default)]
    pub technique: Text,
    pub probability: Estimate,
    pub evidence: Vec<EvidenceId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<GapId>,
    /// What the edge needs, all of it: any one of these changes removes it. Empty where it cannot be cut (rule 15).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changeable: Vec<Change>,
}

/// One arc as it lies in the graph, dead ends included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphEdge {
    pub from: Text,
    pub to: Text,
    pub kind: Text,
}

/// One object change that removes edges.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change {
    pub object: ObjectRef,
    /// Imperative: `set privileged: false in container web`.
    pub what: Text,
    /// Upgrades hold "until the next CVE"; structural changes are preferred.
    pub structural: bool,
}

/// Few and cheap changes that end the routes to a sink. A route is a connected pair of an entry and the sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub sink: Text,
    pub changes: Vec<Change>,
    /// How many routes end.
    pub routes: u32,
    /// How many routes there are; those that stay have nothing that can be changed.
    pub of: u32,
    /// No fewer changes end these routes; equal to the number of changes where it is proven that none do.
    pub least: u32,
}

/// What a change adds beside routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Workloads that are reached from further out, or are new and reached from outside of the cluster.
    pub exposures: Vec<Widened>,
    /// Rights that a subject did not hold before.
    pub grants: Vec<Granted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widened {
    pub workload: ObjectRef,
    /// `None`: it was not there.
    pub before: Option<ExposureClass>,
    pub after: ExposureClass,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// `ServiceAccount shop/web`, as the binding names it.
    pub subject: Text,
    pub binding: ObjectRef,
    pub rule: RuleText,
}
