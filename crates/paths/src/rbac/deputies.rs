//! Controllers that act for those who write their objects: what they read, and as whom they act.
//! Goes out: one static table. Never: a controller that asks the API server first whether the writer may.

use super::table::MAKE;

/// A controller that acts for those who write its objects.
#[derive(Debug)]
pub(crate) struct Deputy {
    pub(crate) name: &'static str,
    pub(crate) on: &'static [(&'static str, &'static str)],
    /// Names of its service accounts.
    pub(crate) accounts: &'static [&'static str],
}

pub(crate) const DEPUTY_VERBS: &[&str] = MAKE;

/// Controllers that do with their own rights what an object says.
pub(crate) const DEPUTIES: &[Deputy] = &[
    deputy(
        "Flux kustomize-controller",
        &[("kustomize.toolkit.fluxcd.io", "kustomizations")],
        &["kustomize-controller"],
    ),
    deputy(
        "Flux helm-controller",
        &[("helm.toolkit.fluxcd.io", "helmreleases")],
        &["helm-controller"],
    ),
    deputy(
        "Argo CD",
        &[
            ("argoproj.io", "applications"),
            ("argoproj.io", "applicationsets"),
            ("argoproj.io", "appprojects"),
        ],
        &[
            "argocd-application-controller",
            "argocd-applicationset-controller",
        ],
    ),
    deputy(
        "Argo Workflows",
        &[
            ("argoproj.io", "workflows"),
            ("argoproj.io", "cronworkflows"),
            ("argoproj.io", "workflowtemplates"),
        ],
        &["argo", "argo-workflow-controller", "workflow-controller"],
    ),
    deputy(
        "Tekton",
        &[
            ("tekton.dev", "pipelineruns"),
            ("tekton.dev", "taskruns"),
            ("tekton.dev", "pipelines"),
            ("tekton.dev", "tasks"),
        ],
        &["tekton-pipelines-controller"],
    ),
    deputy(
        "Crossplane",
        &[
            ("pkg.crossplane.io", "providers"),
            ("pkg.crossplane.io", "configurations"),
            ("apiextensions.crossplane.io", "compositions"),
            ("kubernetes.crossplane.io", "objects"),
            ("helm.crossplane.io", "releases"),
        ],
        &["crossplane", "rbac-manager"],
    ),
    deputy(
        "Kyverno",
        &[
            ("kyverno.io", "clusterpolicies"),
            ("kyverno.io", "policies"),
        ],
        &[
            "kyverno-background-controller",
            "kyverno-admission-controller",
            "kyverno",
        ],
    ),
    deputy(
        "External Secrets",
        &[
            ("external-secrets.io", "externalsecrets"),
            ("external-secrets.io", "clusterexternalsecrets"),
            ("external-secrets.io", "pushsecrets"),
        ],
        &["external-secrets"],
    ),
    deputy(
        "cert-manager",
        &[
            ("cert-manager.io", "certificates"),
            ("cert-manager.io", "clusterissuers"),
            ("cert-manager.io", "issuers"),
        ],
        &["cert-manager"],
    ),
    deputy(
        "Velero",
        &[("velero.io", "restores"), ("velero.io", "backups")],
        &["velero", "velero-server"],
    ),
    deputy(
        "Cluster API",
        &[
            ("cluster.x-k8s.io", "clusters"),
            ("cluster.x-k8s.io", "machines"),
            ("addons.cluster.x-k8s.io", "clusterresourcesets"),
        ],
        &["capi-manager"],
    ),
    deputy(
        "Operator Lifecycle Manager",
        &[
            ("operators.coreos.com", "clusterserviceversions"),
            ("operators.coreos.com", "subscriptions"),
            ("operators.coreos.com", "installplans"),
        ],
        &[
            "olm-operator-serviceaccount",
            "olm-operator",
            "catalog-operator",
        ],
    ),
    deputy(
        "KubeVirt",
        &[
            ("kubevirt.io", "virtualmachines"),
            ("kubevirt.io", "virtualmachineinstances"),
        ],
        &["kubevirt-controller"],
    ),
    deputy(
        "Karpenter",
        &[
            ("karpenter.sh", "nodepools"),
            ("karpenter.k8s.aws", "ec2nodeclasses"),
        ],
        &["karpenter"],
    ),
    deputy(
        "Rancher Fleet",
        &[
            ("fleet.cattle.io", "bundles"),
            ("fleet.cattle.io", "gitrepos"),
        ],
        &["fleet-controller", "fleet-agent"],
    ),
];

const fn deputy(
    name: &'static str,
    on: &'static [(&'static str, &'static str)],
    accounts: &'static [&'static str],
) -> Deputy {
    Deputy { name, on, accounts }
}
