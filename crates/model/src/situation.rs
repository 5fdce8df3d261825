//! What the graph knows of a container: how an attacker gets to it, and what falls with it.
//! `paths` writes it, `risk` reads it, and never sees the graph.

use crate::evidence::{Claim, Estimate, EvidenceId, GapId};
use crate::text::Text;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    pub exposure: Exposure,
    /// One for each port on which something may be delivered; empty does not prove that nothing listens (rule 2).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub deliveries: Vec<Delivery>,
    /// Whether a listener is there at all.
    pub listens: Claim,
    /// P(an attacker reaches a listener of the pod directly), 0 to 1.
    pub direct: Estimate,
    /// P(an attacker reaches it over another pod that he took first), never more than that pod's own `direct`.
    pub lateral: Estimate,
    /// P(an attacker's code runs in a pod of it), for nodes: their pods share the kernel. `None` for all else.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tenants: Option<Estimate>,
    pub blast: Blast,
    /// Index into the paths of the Assessment: the worst route through this container.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<u32>,
}

impl Situation {
    /// The situation of what was looked at without a cluster: anything is possible. Expected values lie in the
    /// middle of the log range (stated priors): reached like from within a cluster, .3 of the cluster falls with it.
    pub fn unseen(missing: GapId) -> Self {
        let anything = |low, expected| Estimate {
            low,
            expected,
            high: 1.0,
        };
        Situation {
            exposure: Exposure {
                class: ExposureClass::Unknown,
                at_least: ExposureClass::None,
                at_most: ExposureClass::Internet,
                public: Claim::unknown(missing),
                chain: Vec::new(),
            },
            deliveries: Vec::new(),
            listens: Claim::unknown(missing),
            direct: anything(0.02, 0.15),
            lateral: anything(0.0, 0.0),
            tenants: None,
            blast: Blast {
                value: anything(Reach::Pod.value(), 0.3),
                steps: vec![BlastStep {
                    reach: Reach::Cluster,
                    probability: anything(0.0, 0.3),
                    reason: "what falls with it is unknown".into(),
                    because: Vec::new(),
                    missing: vec![missing],
                }],
            },
            path: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// The class by what was seen; `Unknown` where gaps could change it.
    pub class: ExposureClass,
    /// The least and the most exposed class that the gaps allow; equal to `class` when it is known.
    pub at_least: ExposureClass,
    pub at_most: ExposureClass,
    /// "Publicly exposed" in the words of BOD 26-04; unknown counts as exposed there.
    pub public: Claim,
    /// From the outside in: Ingress, Service, policy, pod.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chain: Vec<EvidenceId>,
}

/// Ordered from the least to the most exposed; `Unknown` is first in order only, never in meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExposureClass {
    Unknown,
    /// Isolated by an enforced policy, or not a listener.
    None,
    Namespace,
    Cluster,
    /// Outside the cluster, limited to address ranges.
    External,
    Internet,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Container port; 0 when only the pod, not the port, is known.
    pub port: u16,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Text,
    pub class: ExposureClass,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub chain: Vec<EvidenceId>,
}

/// B of the score: the share of the cluster's value that falls when the container falls, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blast {
    pub value: Estimate,
    /// Ordered by value, the largest first.
    pub steps: Vec<BlastStep>,
}

/// Somebody who may call the API server from outside of any pod: a user, a group, a service account without pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// `user alice`, `group devs`, `service account ci/deployer`.
    pub subject: Text,
    pub blast: Blast,
}

/// One way in which the damage spreads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlastStep {
    pub reach: Reach,
    /// P(the step works | the container fell).
    pub probability: Estimate,
    /// Short reason: `privileged container`, `service account may create pods`.
    pub reason: Text,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub because: Vec<EvidenceId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<GapId>,
}

/// Value of what is reached: own pod .1, namespace .3, node .6, cluster 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Pod,
    Namespace,
    Node,
    Cluster,
}

impl Reach {
    /// Share of the cluster's value (stated prior, prioritisation facts 6.4).
    pub const fn value(self) -> f64 {
        match self {
            Reach::Pod => 0.1,
            Reach::Namespace => 0.3,
            Reach::Node => 0.6,
            Reach::Cluster => 1.0,
        }
    }
}
