//! Attack paths and cuts as they are shown. The graph itself stays inside `paths`.

use crate::evidence::{Estimate, EvidenceId, GapId};
use crate::object::ObjectRef;
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
    /// Stable kind in kebab case: `load-balancer`, `vulnerability`, `privileged`, `token`, `rbac-create-pods`.
    pub kind: Text,
    pub probability: Estimate,
    pub evidence: Vec<EvidenceId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<GapId>,
    /// The object whose change removes the edge; `None` where it cannot be cut (rule 15).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub changeable: Option<Change>,
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

/// The fewest changes that end all routes to a sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub sink: Text,
    pub changes: Vec<Change>,
    /// How many of the listed routes end.
    pub routes: u32,
    /// `false` when some route has no changeable edge.
    pub complete: bool,
}
