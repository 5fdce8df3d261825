//! SUP: each row on versions and conditions that it is about, and on those that it must leave alone.

use crate::family::{Case, ask, family_but, live};
use model::evidence::GapWeight;
use model::host::Host;
use semantics::declare::Declarations;

const MAKERS: &str = "
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: dev}, rules: [{apiGroups: ['', apps, networking.k8s.io], resources: [pods, pods/exec, persistentvolumes, nodes/proxy, deployments, ingresses], verbs: ['*']}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: dev}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: dev}, subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: ann}]}";

macro_rules! node {
    ($os:literal, $kubelet:literal, $runtime:literal, $kernel:literal) => {
        concat!(
            "{apiVersion: v1, kind: Node, metadata: {name: node1}, status: {nodeInfo: {operatingSystem: ", $os,
            ", kubeletVersion: '", $kubelet, "', containerRuntimeVersion: '", $runtime, "', kernelVersion: '", $kernel, "'}}}"
        )
    };
}
macro_rules! kubelet {
    ($version:literal) => {
        node!("linux", $version, "containerd://2.3.0", "6.18.1")
    };
}
macro_rules! windows {
    ($version:literal) => {
        node!("windows", $version, "containerd://2.3.0", "10.0.20348.2340")
    };
}
macro_rules! runtime {
    ($version:literal) => {
        node!("linux", "v1.36.1", $version, "6.18.1")
    };
}
macro_rules! kernel {
    ($version:literal) => {
        node!("linux", "v1.36.1", "containerd://2.3.0", $version)
    };
}
macro_rules! pod_of {
    ($spec:literal, $container:literal) => {
        concat!(
            "\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {nodeName: node1, ", $spec,
            " containers: [{name: web, image: web, ", $container, "}]}, status: {phase: Running}}"
        )
    };
}
macro_rules! ingress {
    ($image:literal, $arguments:literal) => {
        concat!(
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: c, namespace: ingress}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: controller, image: '", $image,
            "', args: [", $arguments, "]}]}}}}"
        )
    };
}
macro_rules! server {
    ($image:literal, $arguments:literal) => {
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-cp, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: 'registry.k8s.io/kube-apiserver:", $image,
            "', command: [kube-apiserver, ", $arguments, "]}]}}"
        )
    };
}

const CONTROLLER: &[&str] = &["Deployment ingress/c /spec/template/spec/containers/0/image"];
const NODE_KUBELET: &[&str] = &["Node node1 /status/nodeInfo/kubeletVersion"];
const NODE_RUNTIME: &[&str] = &["Node node1 /status/nodeInfo/containerRuntimeVersion"];
const NODE_KERNEL: &[&str] = &["Node node1 /status/nodeInfo/kernelVersion"];
const SERVER: &[&str] = &["Pod kube-system/kube-apiserver-cp /spec/containers/0/image"];

const FILES: &[Case] = &[
    (
        "removed-api-version",
        "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a, namespace: b}}",
        &["PodDisruptionBudget b/a /apiVersion"],
    ),
    (
        "removed-api-version",
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: a, namespace: b}}",
        &[],
    ),
    (
        "ingress-nginx-webhook",
        ingress!(
            "registry.k8s.io/ingress-nginx/controller:v1.12.0",
            "'--validating-webhook=:8443'"
        ),
        CONTROLLER,
    ),
    (
        "ingress-nginx-webhook",
        ingress!(
            "registry.k8s.io/ingress-nginx/controller:v1.11.5",
            "'--validating-webhook=:8443'"
        ),
        &[],
    ),
    // Without the webhook nobody on the pod network is asked for a configuration.
    (
        "ingress-nginx-webhook",
        ingress!(
            "registry.k8s.io/ingress-nginx/controller:v1.12.0",
            "'--publish-service=x'"
        ),
        &[],
    ),
    (
        "ingress-nginx-annotations",
        ingress!(
            "mirror.example/ingress-nginx/controller:v1.11.4@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            ""
        ),
        CONTROLLER,
    ),
    (
        "ingress-nginx-annotations",
        ingress!("registry.k8s.io/ingress-nginx/controller:v1.12.1", ""),
        &[],
    ),
    (
        "ingress-nginx-redirect",
        ingress!("registry.k8s.io/ingress-nginx/controller:v1.8.4", ""),
        CONTROLLER,
    ),
    (
        "ingress-nginx-redirect",
        ingress!("registry.k8s.io/ingress-nginx/controller:v1.9.0", ""),
        &[],
    ),
    (
        "ingress-nginx-validation",
        ingress!("registry.k8s.io/ingress-nginx/controller:v1.11.1", ""),
        CONTROLLER,
    ),
    (
        "ingress-nginx-validation",
        ingress!("registry.k8s.io/ingress-nginx/controller:v1.10.4", ""),
        &[],
    ),
    (
        "gpu-toolkit-hooks",
        ingress!(
            "nvcr.io/nvidia/k8s/container-toolkit:v1.17.7-ubuntu20.04",
            ""
        ),
        CONTROLLER,
    ),
    (
        "gpu-toolkit-hooks",
        ingress!(
            "nvcr.io/nvidia/k8s/container-toolkit:v1.17.8-ubuntu20.04",
            ""
        ),
        &[],
    ),
];

fn live_cases() -> Vec<(&'static str, String, &'static [&'static str])> {
    let own = |slug, yaml: &str, lines| (slug, yaml.to_owned(), lines);
    let made = |slug, yaml: &str, lines| (slug, format!("{yaml}{MAKERS}"), lines);
    vec![
        own("kubernetes-end-of-life", kubelet!("v1.34.2"), NODE_KUBELET),
        own("kubernetes-end-of-life", kubelet!("v1.2.0"), NODE_KUBELET),
        own("kubernetes-end-of-life", kubelet!("v1.35.2"), &[]),
        own("kubernetes-end-of-life", kubelet!("v1.37.0"), &[]),
        // The server of these cases has 1.36.
        own("kubelet-version-skew", kubelet!("v1.32.9"), NODE_KUBELET),
        own("kubelet-version-skew", kubelet!("v1.37.0"), NODE_KUBELET),
        own("kubelet-version-skew", kubelet!("v1.33.0"), &[]),
        own(
            "ingress-nginx-retired",
            ingress!("registry.k8s.io/ingress-nginx/controller:v1.14.3", ""),
            CONTROLLER,
        ),
        own(
            "ingress-nginx-retired",
            ingress!("nginx/nginx-ingress:5.3.1", ""),
            &[],
        ),
        own(
            "containerd-end-of-life",
            runtime!("containerd://1.6.2"),
            NODE_RUNTIME,
        ),
        own(
            "containerd-end-of-life",
            runtime!("containerd://2.3.1"),
            &[],
        ),
        made(
            "api-server-upgrade-requests",
            server!("v1.12.2", ""),
            SERVER,
        ),
        made("api-server-upgrade-requests", server!("v1.12.3", ""), &[]),
        own("api-server-upgrade-requests", server!("v1.12.2", ""), &[]),
        own(
            "api-server-upgrade-requests",
            concat!(
                server!("v1.12.2", ""),
                "\n---\n{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.x}, spec: {service: {name: x, namespace: y}}}"
            ),
            SERVER,
        ),
        own("api-server-yaml-bomb", server!("v1.15.4", ""), SERVER),
        own("api-server-yaml-bomb", server!("v1.15.5", ""), &[]),
        own(
            "ephemeral-containers-bypass-plugins",
            server!("v1.27.2", "'--enable-admission-plugins=ImagePolicyWebhook'"),
            SERVER,
        ),
        own(
            "ephemeral-containers-bypass-plugins",
            server!("v1.27.2", ""),
            &[],
        ),
        made("kubelet-sub-path-race", kubelet!("v1.21.4"), NODE_KUBELET),
        own("kubelet-sub-path-race", kubelet!("v1.21.4"), &[]),
        own(
            "kubelet-sub-path-race",
            concat!(
                kubelet!("v1.21.4"),
                pod_of!(
                    "volumes: [{name: v, emptyDir: {}}],",
                    "volumeMounts: [{name: v, mountPath: /v, subPath: a}]"
                )
            ),
            NODE_KUBELET,
        ),
        made("kubelet-sub-path-race", kubelet!("v1.21.5"), &[]),
        made(
            "windows-kubelet-injection",
            windows!("v1.27.4"),
            NODE_KUBELET,
        ),
        made("windows-kubelet-injection", kubelet!("v1.27.4"), &[]),
        made(
            "windows-volume-injection",
            windows!("v1.28.3"),
            NODE_KUBELET,
        ),
        made("windows-volume-injection", windows!("v1.28.4"), &[]),
        made(
            "windows-log-query-injection",
            windows!("v1.32.0"),
            NODE_KUBELET,
        ),
        own("windows-log-query-injection", windows!("v1.32.0"), &[]),
        own(
            "kubelet-git-hooks",
            concat!(
                kubelet!("v1.30.2"),
                pod_of!(
                    "volumes: [{name: v, gitRepo: {repository: 'https://x.example'}}],",
                    "tty: false"
                )
            ),
            NODE_KUBELET,
        ),
        made("kubelet-git-hooks", kubelet!("v1.30.3"), &[]),
        own(
            "runtime-overwritten",
            concat!(runtime!("docker://18.9.1"), pod_of!("", "tty: false")),
            NODE_RUNTIME,
        ),
        own(
            "runtime-overwritten",
            concat!(
                runtime!("docker://18.9.1"),
                pod_of!("", "securityContext: {runAsUser: 7}")
            ),
            &[],
        ),
        own(
            "shim-socket-open",
            concat!(
                runtime!("containerd://1.4.2"),
                pod_of!("hostNetwork: true,", "tty: false")
            ),
            NODE_RUNTIME,
        ),
        own(
            "shim-socket-open",
            concat!(runtime!("containerd://1.4.2"), pod_of!("", "tty: false")),
            &[],
        ),
        own(
            "image-volume-reads-node",
            runtime!("containerd://1.5.9"),
            NODE_RUNTIME,
        ),
        own(
            "image-volume-reads-node",
            runtime!("containerd://1.5.10"),
            &[],
        ),
        made(
            "crio-sysctl-injection",
            runtime!("cri-o://1.22.2"),
            NODE_RUNTIME,
        ),
        made("crio-sysctl-injection", runtime!("cri-o://1.22.3"), &[]),
        own(
            "kernel-fs-context",
            concat!(kernel!("5.15.15"), pod_of!("", "tty: false")),
            NODE_KERNEL,
        ),
        own(
            "kernel-fs-context",
            concat!(
                kernel!("5.15.15"),
                pod_of!(
                    "securityContext: {seccompProfile: {type: RuntimeDefault}},",
                    "tty: false"
                )
            ),
            &[],
        ),
        own("kernel-dirty-pipe", kernel!("5.15.24"), NODE_KERNEL),
        own("kernel-dirty-pipe", kernel!("5.15.25"), &[]),
        own(
            "kernel-nf-tables",
            concat!(kernel!("6.6.14"), pod_of!("", "tty: false")),
            NODE_KERNEL,
        ),
        own(
            "kernel-nf-tables",
            concat!(kernel!("6.6.15"), pod_of!("", "tty: false")),
            &[],
        ),
    ]
}

#[test]
fn rows_of_the_family() {
    let own = live_cases();
    let own: Vec<Case> = own
        .into_iter()
        .map(|(slug, yaml, lines)| (slug, &*yaml.leak(), lines))
        .collect();
    let of_the_node = ["kernel-release-agent", "docker-plugin-bypass"];
    family_but("SUP", FILES, &own, &of_the_node);
}

/// Findings and gaps of one rule where node `node1` was seen from inside.
fn with_host(slug: &str, yaml: &str, host: &str, cgroup: Option<u8>) -> (usize, usize) {
    let (snapshot, mut beside) = live(yaml);
    beside.hosts.push(Host {
        node: Some("node1".into()),
        cgroup,
        ..crate::host::host(host)
    });
    let rule = checks::table::rule(slug).unwrap();
    let said = ask(&snapshot, &beside, &Declarations::default(), &[rule]);
    (said.found.len(), said.answers[0].unknown.len())
}

#[test]
fn what_only_the_node_tells() {
    let root = concat!(kernel!("5.15.19"), pod_of!("", "tty: false"));
    let other = concat!(
        kernel!("5.15.19"),
        pod_of!("", "securityContext: {runAsUser: 7}")
    );
    let cgroups = |yaml, cgroup| with_host("kernel-release-agent", yaml, "", cgroup);
    assert_eq!(cgroups(root, Some(1)), (1, 0));
    assert_eq!(cgroups(root, Some(2)), (0, 0));
    assert_eq!(cgroups(root, None), (0, 1));
    assert_eq!(cgroups(other, None), (0, 0));

    let docker = |host| {
        with_host(
            "docker-plugin-bypass",
            runtime!("docker://26.1.4"),
            host,
            None,
        )
    };
    assert_eq!(docker("dockerd --authorization-plugin=opa"), (1, 0));
    assert_eq!(docker("dockerd --host=unix:///run/docker.sock"), (0, 0));
    assert_eq!(docker(""), (0, 1));
}

/// Numbers that a distribution keeps while it mends are no finding, and no pass.
#[test]
fn builds_of_others() {
    let rule = checks::table::rule("kernel-dirty-pipe").unwrap();
    let (snapshot, beside) = live(kernel!("5.15.0-1023-aws"));
    let said = ask(&snapshot, &beside, &Declarations::default(), &[rule]);
    assert!(said.found.is_empty() && said.answers[0].looked == 0);
    let gap = &said.answers[0].unknown[0];
    assert_eq!(gap.weight, GapWeight::Widens);
    assert!(gap.what.contains("kernel 5.15.0-1023-aws"), "{}", gap.what);
}
