//! CLD: each row on what it is about, and on what it must leave alone.

use crate::family::{Case, family};

macro_rules! daemon {
    ($image:literal) => {
        concat!(
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, namespace: kube-system}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: '",
            $image,
            "'}]}}}}"
        )
    };
}
macro_rules! auth {
    ($roles:literal) => {
        concat!(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: \"",
            $roles,
            "\"}}"
        )
    };
}
macro_rules! node {
    ($labels:literal, $kind:literal) => {
        concat!(
            "{apiVersion: v1, kind: Node, metadata: {name: node1, labels: {",
            $labels,
            "}}, status: {addresses: [{type: ",
            $kind,
            ", address: 10.0.0.1}]}}"
        )
    };
}
macro_rules! env {
    ($name:literal) => {
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web, env: [{name: ",
            $name,
            ", valueFrom: {secretKeyRef: {name: s, key: k}}}]}]}}"
        )
    };
}
macro_rules! class {
    ($rest:literal) => {
        concat!(
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3}, ",
            $rest,
            "}"
        )
    };
}

const FILES: &[Case] = &[
    (
        "cloud-identity-by-interception",
        daemon!("mirror.example/jtblin/kube2iam:0.11.2"),
        &["DaemonSet kube-system/d /spec/template/spec/containers/0/image"],
    ),
    (
        "cloud-identity-by-interception",
        daemon!("example/not-kube2iam:1"),
        &[],
    ),
    (
        "cloud-key-in-environment",
        env!("AWS_SECRET_ACCESS_KEY"),
        &["Pod shop/web [web] /spec/containers/0/env/0/name"],
    ),
    ("cloud-key-in-environment", env!("AWS_REGION"), &[]),
    (
        "storage-class-unencrypted",
        class!("provisioner: ebs.csi.aws.com, parameters: {type: gp3}"),
        &["StorageClass gp3 /parameters/encrypted"],
    ),
    (
        "storage-class-unencrypted",
        class!("provisioner: ebs.csi.aws.com, parameters: {encrypted: 'true'}"),
        &[],
    ),
    (
        "storage-class-unencrypted",
        class!("provisioner: pd.csi.storage.gke.io"),
        &[],
    ),
];

const LIVE: &[Case] = &[
    (
        "aws-auth-masters",
        auth!("- rolearn: arn:aws:iam::1:role/x\\n  groups:\\n  - system:masters\\n"),
        &["ConfigMap kube-system/aws-auth /data/mapRoles"],
    ),
    (
        "aws-auth-masters",
        auth!(
            "- rolearn: arn:aws:iam::1:role/x\\n  groups:\\n  - system:nodes # not system:masters\\n"
        ),
        &[],
    ),
    (
        "node-identity-open",
        node!("cloud.google.com/gke-nodepool: x", "InternalIP"),
        &["Node node1 /metadata/labels"],
    ),
    (
        "node-identity-open",
        node!(
            "cloud.google.com/gke-nodepool: x, iam.gke.io/gke-metadata-server-enabled: 'true'",
            "InternalIP"
        ),
        &[],
    ),
    ("node-identity-open", node!("a: b", "InternalIP"), &[]),
    (
        "node-with-public-address",
        node!("a: b", "ExternalIP"),
        &["Node node1 /status/addresses"],
    ),
    ("node-with-public-address", node!("a: b", "InternalIP"), &[]),
];

#[test]
fn rows_of_the_family() {
    family("CLD", FILES, LIVE);
}
