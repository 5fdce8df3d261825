//! Which resources are read, and how much it matters when one may not be.

use super::discovery::Resource;
use model::evidence::GapWeight;

/// What a missing list would do to the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Findings would be missing.
    Workload,
    /// Exposure, rights or policies would be less sure.
    Context,
    /// Names and keys only; the scanner's default role may not list it (rule 19).
    Optional,
}

impl Need {
    pub(super) fn weight(self) -> GapWeight {
        match self {
            Need::Workload => GapWeight::Hides,
            Need::Context => GapWeight::Widens,
            Need::Optional => GapWeight::Notice,
        }
    }
}

/// (group, resource, need). A group that ends with `*` stands for all groups with that beginning, a resource `*` for all of the group.
const READ: &[(&str, &str, Need)] = &[
    ("", "namespaces", Need::Context),
    ("", "nodes", Need::Context),
    ("", "pods", Need::Workload),
    ("", "replicationcontrollers", Need::Workload),
    ("", "podtemplates", Need::Optional),
    ("", "services", Need::Context),
    ("", "serviceaccounts", Need::Context),
    ("", "configmaps", Need::Optional),
    ("", "secrets", Need::Optional),
    ("", "persistentvolumes", Need::Context),
    ("", "persistentvolumeclaims", Need::Context),
    ("apps", "deployments", Need::Workload),
    ("apps", "replicasets", Need::Workload),
    ("apps", "statefulsets", Need::Workload),
    ("apps", "daemonsets", Need::Workload),
    ("batch", "jobs", Need::Workload),
    ("batch", "cronjobs", Need::Workload),
    ("discovery.k8s.io", "endpointslices", Need::Context),
    ("networking.k8s.io", "ingresses", Need::Context),
    ("networking.k8s.io", "ingressclasses", Need::Context),
    ("networking.k8s.io", "networkpolicies", Need::Context),
    ("gateway.networking.k8s.io", "*", Need::Context),
    ("policy.networking.k8s.io", "*", Need::Context),
    ("rbac.authorization.k8s.io", "*", Need::Context),
    ("admissionregistration.k8s.io", "*", Need::Context),
    (
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        Need::Context,
    ),
    ("apiregistration.k8s.io", "apiservices", Need::Optional),
    ("storage.k8s.io", "storageclasses", Need::Optional),
    ("node.k8s.io", "runtimeclasses", Need::Optional),
    ("policy", "podsecuritypolicies", Need::Context),
    ("cilium.io", "ciliumnetworkpolicies", Need::Context),
    (
        "cilium.io",
        "ciliumclusterwidenetworkpolicies",
        Need::Context,
    ),
    ("crd.projectcalico.org", "networkpolicies", Need::Context),
    (
        "crd.projectcalico.org",
        "globalnetworkpolicies",
        Need::Context,
    ),
    ("crd.projectcalico.org", "networksets", Need::Context),
    ("crd.projectcalico.org", "globalnetworksets", Need::Context),
    ("crd.projectcalico.org", "tiers", Need::Context),
    ("crd.projectcalico.org", "hostendpoints", Need::Context),
    ("projectcalico.org", "networkpolicies", Need::Context),
    ("projectcalico.org", "globalnetworkpolicies", Need::Context),
    ("projectcalico.org", "networksets", Need::Context),
    ("projectcalico.org", "globalnetworksets", Need::Context),
    ("projectcalico.org", "tiers", Need::Context),
    ("projectcalico.org", "hostendpoints", Need::Context),
    ("security.istio.io", "authorizationpolicies", Need::Context),
    ("security.istio.io", "peerauthentications", Need::Context),
    ("networking.istio.io", "destinationrules", Need::Context),
    ("networking.istio.io", "gateways", Need::Context),
    ("networking.istio.io", "virtualservices", Need::Context),
    ("route.openshift.io", "routes", Need::Context),
    (
        "security.openshift.io",
        "securitycontextconstraints",
        Need::Context,
    ),
    ("argoproj.io", "rollouts", Need::Workload),
    ("serving.knative.dev", "services", Need::Workload),
    ("serving.knative.dev", "configurations", Need::Optional),
    ("serving.knative.dev", "revisions", Need::Workload),
];

/// Read only where the first one is not served.
const FALLBACK: &[(&str, &str, &str, &str)] = &[
    ("discovery.k8s.io", "endpointslices", "", "endpoints"),
    ("networking.k8s.io", "ingresses", "extensions", "ingresses"),
];

/// Neither read nor counted: they churn, or describe the machinery itself.
const IGNORED: &[(&str, &str)] = &[
    ("", "events"),
    ("", "componentstatuses"),
    ("", "endpoints"),
    ("events.k8s.io", "events"),
    ("coordination.k8s.io", "leases"),
    ("extensions", "ingresses"),
    ("apps", "controllerrevisions"),
    ("metrics.k8s.io", "*"),
];

/// What to read, in a stable order, and what only to count.
pub(super) fn choose(resources: &[Resource]) -> (Vec<(Resource, Need)>, Vec<Resource>) {
    let served = |group: &str, plural: &str| {
        resources
            .iter()
            .any(|r| &*r.group == group && &*r.plural == plural)
    };
    let mut read = Vec::new();
    let mut others = Vec::new();
    for resource in resources {
        let is = |(group, plural): (&str, &str)| {
            &*resource.group == group && (plural == "*" || &*resource.plural == plural)
        };
        let fallback = FALLBACK
            .iter()
            .any(|(group, plural, old_group, old)| is((old_group, old)) && !served(group, plural));
        if fallback {
            read.push((resource.clone(), Need::Context));
        } else if let Some((_, _, need)) =
            READ.iter().find(|(group, plural, _)| is((group, plural)))
        {
            read.push((resource.clone(), *need));
        } else if !IGNORED.iter().any(|(group, plural)| is((group, plural))) {
            others.push(resource.clone());
        }
    }
    // Large lists first: they decide how long the collection takes.
    read.sort_by_key(|(resource, _)| {
        !matches!(&*resource.plural, "pods" | "replicasets" | "secrets")
    });
    (read, others)
}
