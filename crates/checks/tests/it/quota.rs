//! QUO: each row on a namespace that it is about, and on one that it must leave alone.

use crate::family::{Case, family};

const FILES: &[Case] = &[
    (
        "namespace-without-quota",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &["Namespace shop "],
    ),
    (
        "namespace-without-quota",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "namespace-without-quota",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}\n---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {pods: '3'}}}",
        &[],
    ),
    (
        "namespace-without-quota",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}",
        &[],
    ),
    (
        "quota-without-memory",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {pods: '3'}}}",
        &["Namespace shop "],
    ),
    (
        "quota-without-memory",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {pods: '3'}}}\n---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: r, namespace: shop}, spec: {hard: {limits.memory: 1Gi}}}",
        &[],
    ),
    (
        "quota-without-pods",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {limits.memory: 1Gi}}}",
        &["Namespace shop "],
    ),
    (
        "quota-without-pods",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {count/pods: '3'}}}",
        &[],
    ),
    (
        "quota-without-load-balancers",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {pods: '3'}}}",
        &["Namespace shop "],
    ),
    (
        "quota-without-load-balancers",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {services.loadbalancers: '0'}}}",
        &[],
    ),
    (
        "quota-only-for-some-pods",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {scopes: [BestEffort], hard: {pods: '3'}}}",
        &["Namespace shop "],
    ),
    (
        "quota-only-for-some-pods",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {scopes: [BestEffort], hard: {pods: '3'}}}\n---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: r, namespace: shop}, spec: {hard: {pods: '9'}}}",
        &[],
    ),
    (
        "quota-only-for-some-pods",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {scopes: [BestEffort], hard: {pods: '3'}}}\n---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: r, namespace: shop}, spec: {scopes: [NotBestEffort], hard: {pods: '9'}}}",
        &[],
    ),
    (
        "quota-of-nothing",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {}}",
        &["ResourceQuota shop/q /spec/hard"],
    ),
    (
        "quota-of-nothing",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {pods: '3'}}}",
        &[],
    ),
    (
        "quota-reached",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, status: {hard: {pods: '3', services: '2'}, used: {pods: '3', services: '1'}}}",
        &["ResourceQuota shop/q /spec/hard/pods"],
    ),
    (
        "quota-reached",
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, status: {hard: {pods: '3'}, used: {pods: '2'}}}",
        &[],
    ),
    (
        "namespace-without-limit-range",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &["Namespace shop "],
    ),
    (
        "namespace-without-limit-range",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}\n---\n{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: shop}, spec: {limits: []}}",
        &[],
    ),
    (
        "limit-range-without-memory",
        "{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: shop}, spec: {limits: [{type: Pod, max: {memory: 1Gi}}]}}",
        &["LimitRange shop/l /spec/limits"],
    ),
    (
        "limit-range-without-memory",
        "{apiVersion: v1, kind: LimitRange, metadata: {name: l, namespace: shop}, spec: {limits: [{type: Container, default: {memory: 1Gi}}]}}",
        &[],
    ),
];

#[test]
fn rows_of_the_family() {
    family("QUO", FILES, &[]);
}
