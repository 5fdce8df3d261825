//! What is known of API kinds without asking a server: which have no namespace, which some stage reads.
//! Source of the scopes: the APIs of Kubernetes 1.20 to 1.37 and the CRDs of the projects named.

/// Kinds without a namespace, by group.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    (
        "",
        &["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    ("extensions", &["PodSecurityPolicy"]),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &["IngressClass", "ServiceCIDR", "IPAddress"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding"],
    ),
    ("resource.k8s.io", &["DeviceClass", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "StorageClass",
            "CSIDriver",
            "CSINode",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
    ("gateway.networking.k8s.io", &["GatewayClass"]),
    (
        "policy.networking.k8s.io",
        &[
            "AdminNetworkPolicy",
            "BaselineAdminNetworkPolicy",
            "ClusterNetworkPolicy",
        ],
    ),
    (
        "cilium.io",
        &[
            "CiliumClusterwideNetworkPolicy",
            "CiliumNode",
            "CiliumIdentity",
            "CiliumLoadBalancerIPPool",
        ],
    ),
    ("crd.antrea.io", &["Tier", "Group"]),
    (
        "projectcalico.org",
        &[
            "Tier",
            "HostEndpoint",
            "IPPool",
            "FelixConfiguration",
            "BGPConfiguration",
        ],
    ),
    (
        "crd.projectcalico.org",
        &[
            "Tier",
            "HostEndpoint",
            "IPPool",
            "FelixConfiguration",
            "BGPConfiguration",
        ],
    ),
    ("security.openshift.io", &["SecurityContextConstraints"]),
    ("kyverno.io", &["ClusterPolicy"]),
    (
        "policies.kyverno.io",
        &[
            "ValidatingPolicy",
            "ImageValidatingPolicy",
            "MutatingPolicy",
        ],
    ),
    ("constraints.gatekeeper.sh", &["*"]),
    ("templates.gatekeeper.sh", &["ConstraintTemplate"]),
    (
        "policies.kubewarden.io",
        &[
            "ClusterAdmissionPolicy",
            "ClusterAdmissionPolicyGroup",
            "PolicyServer",
        ],
    ),
    ("policy.sigstore.dev", &["ClusterImagePolicy"]),
    (
        "external-secrets.io",
        &["ClusterSecretStore", "ClusterExternalSecret"],
    ),
];

/// Kinds that stages read, by group; `*` is every kind of the group.
const READ: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    ("admissionregistration.k8s.io", &["*"]),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "apps",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    ("certificates.k8s.io", &["CertificateSigningRequest"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    (
        "extensions",
        &[
            "DaemonSet",
            "Deployment",
            "Ingress",
            "NetworkPolicy",
            "PodSecurityPolicy",
            "ReplicaSet",
        ],
    ),
    (
        "networking.k8s.io",
        &["Ingress", "IngressClass", "NetworkPolicy"],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodDisruptionBudget", "PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["*"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["CSIDriver", "StorageClass"]),
    // Entries from outside.
    ("gateway.networking.k8s.io", &["*"]),
    ("gateway.networking.x-k8s.io", &["*"]),
    ("route.openshift.io", &["*"]),
    ("traefik.io", &["*"]),
    ("traefik.containo.us", &["*"]),
    ("projectcontour.io", &["*"]),
    ("configuration.konghq.com", &["*"]),
    ("getambassador.io", &["*"]),
    ("k8s.nginx.org", &["*"]),
    ("ingress.k8s.ngrok.com", &["*"]),
    ("ngrok.k8s.ngrok.com", &["*"]),
    ("tailscale.com", &["*"]),
    ("networking.istio.io", &["*"]),
    ("elbv2.k8s.aws", &["*"]),
    ("networking.gke.io", &["*"]),
    // Policies beside NetworkPolicy.
    ("policy.networking.k8s.io", &["*"]),
    ("security.istio.io", &["*"]),
    ("policy.linkerd.io", &["*"]),
    (
        "cilium.io",
        &[
            "CiliumNetworkPolicy",
            "CiliumClusterwideNetworkPolicy",
            "CiliumCIDRGroup",
        ],
    ),
    (
        "projectcalico.org",
        &[
            "NetworkPolicy",
            "GlobalNetworkPolicy",
            "NetworkSet",
            "GlobalNetworkSet",
            "Tier",
            "HostEndpoint",
        ],
    ),
    (
        "crd.projectcalico.org",
        &[
            "NetworkPolicy",
            "GlobalNetworkPolicy",
            "NetworkSet",
            "GlobalNetworkSet",
            "Tier",
            "HostEndpoint",
        ],
    ),
    ("crd.antrea.io", &["*"]),
    ("k8s.ovn.org", &["*"]),
    ("k8s.cni.cncf.io", &["*"]),
    // Policies at admission, and who verifies images.
    ("kyverno.io", &["ClusterPolicy", "Policy"]),
    (
        "policies.kyverno.io",
        &["ValidatingPolicy", "ImageValidatingPolicy"],
    ),
    ("constraints.gatekeeper.sh", &["*"]),
    (
        "policies.kubewarden.io",
        &["AdmissionPolicy", "ClusterAdmissionPolicy"],
    ),
    ("policy.sigstore.dev", &["ClusterImagePolicy"]),
    // Stores of secrets.
    (
        "external-secrets.io",
        &["ClusterExternalSecret", "ClusterSecretStore"],
    ),
    ("secrets-store.csi.x-k8s.io", &["SecretProviderClass"]),
    // Workloads and rules of distributions.
    ("apps.openshift.io", &["DeploymentConfig"]),
    ("security.openshift.io", &["SecurityContextConstraints"]),
    ("argoproj.io", &["Rollout"]),
    (
        "serving.knative.dev",
        &["Service", "Revision", "Configuration"],
    ),
];

/// Groups of client-side files that look like objects and never reach a server.
const CLIENT_SIDE: &[&str] = &[
    "kustomize.config.k8s.io",
    "kind.x-k8s.io",
    "kubeadm.k8s.io",
    "kubelet.config.k8s.io",
    "kubeproxy.config.k8s.io",
    "kubescheduler.config.k8s.io",
    "apiserver.config.k8s.io",
    "audit.k8s.io",
    "skaffold",
    "config.kubernetes.io",
    "client.authentication.k8s.io",
    "k3d.io",
    "eksctl.io",
];

/// Whether objects of the kind have no namespace; `None` for kinds that only their CRD knows.
pub fn is_cluster_scoped(group: &str, kind: &str) -> Option<bool> {
    if listed(CLUSTER_SCOPED, group, kind) {
        return Some(true);
    }
    if is_builtin(group) || listed(READ, group, kind) {
        // Custom kinds are named so where they have a namespaced twin.
        let custom =
            !is_builtin(group) && (kind.starts_with("Cluster") || kind.starts_with("Global"));
        return Some(custom);
    }
    None
}

/// Whether some stage reads the kind. Others are kept only if they hold a pod template.
pub fn is_read(group: &str, kind: &str) -> bool {
    listed(READ, group, kind)
}

/// Groups whose schemas are Kubernetes' own.
pub fn is_builtin(group: &str) -> bool {
    matches!(
        group,
        "" | "apps" | "autoscaling" | "batch" | "extensions" | "policy"
    ) || (group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io"))
}

/// Configuration of tools: no objects of a cluster.
pub fn is_client_side(group: &str) -> bool {
    CLIENT_SIDE.contains(&group)
}

fn listed(table: &[(&str, &[&str])], group: &str, kind: &str) -> bool {
    table
        .iter()
        .filter(|(name, _)| *name == group)
        .any(|(_, kinds)| kinds.contains(&kind) || kinds.contains(&"*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        for (group, kind, expected) in [
            ("", "Node", Some(true)),
            ("", "Pod", Some(false)),
            ("rbac.authorization.k8s.io", "ClusterRole", Some(true)),
            ("rbac.authorization.k8s.io", "Role", Some(false)),
            ("networking.k8s.io", "IngressClass", Some(true)),
            ("cilium.io", "CiliumClusterwideNetworkPolicy", Some(true)),
            ("cilium.io", "CiliumNetworkPolicy", Some(false)),
            ("projectcalico.org", "GlobalNetworkPolicy", Some(true)),
            ("example.com", "Widget", None),
        ] {
            assert_eq!(is_cluster_scoped(group, kind), expected, "{group}/{kind}");
        }
    }
}
