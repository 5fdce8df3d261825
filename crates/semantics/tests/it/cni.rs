//! Evidence of enforcement, tunnels.

use crate::builder::{of, read};
use model::snapshot::Origin::Live;
use serde_json::{Value, json};

fn daemon_set(namespace: &str, host_network: bool, container: &str, image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"namespace": namespace, "name": "agent"},
        "spec": {"template": {"spec": {"hostNetwork": host_network, "containers": [{"name": "init", "image": "x"}, {"name": container, "image": image}]}}}})
}

#[test]
fn enforcing_cnis() {
    for (namespace, host, container, image, expected) in [
        (
            "kube-system",
            true,
            "calico-node",
            "docker.io/calico/node:v3.27.0",
            true,
        ),
        (
            "calico-system",
            true,
            "calico-node",
            "reg.corp/mirrored-calico-node@sha256:0",
            true,
        ),
        (
            "kube-system",
            true,
            "cilium-agent",
            "quay.io/cilium/cilium:v1.15.0",
            true,
        ),
        (
            "gke-managed",
            true,
            "cilium-agent",
            "gke.gcr.io/cilium/cilium:v1",
            true,
        ),
        (
            "kube-system",
            true,
            "kube-network-policies",
            "registry.k8s.io/networking/kube-network-policies:v0.5.0",
            true,
        ),
        (
            "openshift-ovn-kubernetes",
            true,
            "ovnkube-controller",
            "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:1",
            true,
        ),
        (
            "kube-system",
            true,
            "kindnet-cni",
            "docker.io/kindest/kindnetd:v20241212-9f82dd49",
            true,
        ),
        (
            "kube-system",
            true,
            "kindnet-cni",
            "docker.io/kindest/kindnetd:v20230511-dc714da8",
            false,
        ),
        (
            "kube-flannel",
            true,
            "kube-flannel",
            "docker.io/flannel/flannel:v0.25",
            false,
        ),
        (
            "kube-system",
            true,
            "aws-eks-nodeagent",
            "602401143452.dkr.ecr/amazon/aws-network-policy-agent:v1",
            false,
        ),
        // Names alone prove nothing.
        (
            "shop",
            false,
            "calico-node",
            "docker.io/calico/node:v3",
            false,
        ),
        (
            "kube-system",
            true,
            "calico-node",
            "docker.io/library/nginx",
            false,
        ),
    ] {
        let inventory = read(&of(Live, &[daemon_set(namespace, host, container, image)]));
        assert_eq!(
            !inventory.enforcing_cni.is_empty(),
            expected,
            "{container} {image}"
        );
    }
    let crd = |name: &str| json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}});
    assert_eq!(
        read(&of(
            Live,
            &[crd("felixconfigurations.crd.projectcalico.org")]
        ))
        .enforcing_cni
        .len(),
        1
    );
    assert_eq!(
        read(&of(Live, &[crd("policyendpoints.networking.k8s.aws")]))
            .enforcing_cni
            .len(),
        0
    );
    let mut counted = of(Live, &[]);
    counted
        .other_kinds
        .insert("PolicyEndpoint.networking.k8s.aws".into(), 2);
    assert_eq!(read(&counted).enforcing_cni.len(), 1);
    let server = |arguments: &str| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "annotations": {"k3s.io/node-args": arguments}}, "status": {"nodeInfo": {"kubeletVersion": "v1.30.1+k3s1"}}});
    assert_eq!(
        read(&of(Live, &[server("[\"server\"]")]))
            .enforcing_cni
            .len(),
        1
    );
    assert_eq!(
        read(&of(
            Live,
            &[server("[\"server\",\"--disable-network-policy\"]")]
        ))
        .enforcing_cni
        .len(),
        0
    );
    assert_eq!(
        read(&of(Live, &[server("[\"agent\"]")]))
            .enforcing_cni
            .len(),
        0
    );
}

#[test]
fn tunnels() {
    let deployment = |image: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "n", "name": "t"}, "spec": {"template": {"spec": {"containers": [{"name": "t", "image": image}]}}}});
    let custom = |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": "n", "name": "r"}, "spec": {}});
    let knative = |labels: Value| json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"namespace": "n", "name": "k", "labels": labels}, "spec": {}});
    for (object, expected) in [
        (
            deployment("cloudflare/cloudflared:2024"),
            "cloudflared Deployment n/t *",
        ),
        (deployment("nginx"), ""),
        (
            custom("traefik.io/v1alpha1", "IngressRoute"),
            "traefik IngressRoute n/r n",
        ),
        (custom("traefik.io/v1alpha1", "Middleware"), ""),
        (
            custom("configuration.konghq.com/v1beta1", "TCPIngress"),
            "kong TCPIngress n/r n",
        ),
        (
            custom("getambassador.io/v3alpha1", "Mapping"),
            "ambassador Mapping n/r n",
        ),
        (
            custom("projectcontour.io/v1", "HTTPProxy"),
            "contour HTTPProxy n/r n",
        ),
        (knative(json!({})), "knative Service n/k n"),
        (
            knative(json!({"networking.knative.dev/visibility": "cluster-local"})),
            "",
        ),
    ] {
        let got: Vec<String> = read(&of(Live, &[object]))
            .tunnels
            .iter()
            .map(|t| {
                format!(
                    "{} {} {}",
                    t.kind,
                    t.object,
                    t.namespace.as_deref().unwrap_or("*")
                )
            })
            .collect();
        assert_eq!(got.join("; "), expected);
    }
    let mut counted = of(Live, &[]);
    counted
        .other_kinds
        .insert("ApisixRoute.apisix.apache.org".into(), 3);
    counted.other_kinds.insert("Widget.example.com".into(), 3);
    let got = read(&counted).tunnels;
    assert_eq!(
        (got.len(), &*got[0].kind, got[0].namespace.is_none()),
        (1, "apisix", true)
    );
}
