//! SEC: each row on the object or file that it is about, and on one that it must leave alone.

use crate::family::{Case, family};

const FILES: &[Case] = &[
    (
        "legacy-token-secret",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: kubernetes.io/service-account-token}",
        &["Secret shop/s /type"],
    ),
    (
        "legacy-token-secret",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque}",
        &[],
    ),
    (
        "bootstrap-token-forever",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: bootstrap.kubernetes.io/token, data: {token-id: x}}",
        &["Secret shop/s /data/expiration"],
    ),
    (
        "bootstrap-token-forever",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: bootstrap.kubernetes.io/token, data: {token-id: x, usage-bootstrap-authentication: 'redacted:v1:boolean:4:0011223344556677'}}",
        &["Secret shop/s /data/expiration"],
    ),
    (
        "bootstrap-token-forever",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: bootstrap.kubernetes.io/token, data: {token-id: x, expiration: 'redacted:v1:text:20:0011223344556677'}}",
        &[],
    ),
    (
        "bootstrap-token-forever",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: bootstrap.kubernetes.io/token, data: {token-id: x, usage-bootstrap-authentication: 'redacted:v1:boolean:5:0011223344556677'}}",
        &[],
    ),
    (
        "credential-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: 'redacted:v1:private-key:32:0011223344556677', b: 'redacted:v1:text:32:0011223344556677', c: 'redacted:v1:token:32:0011223344556677'}}",
        &["ConfigMap shop/c /data/a", "ConfigMap shop/c /data/c"],
    ),
    (
        "credential-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: 'redacted:v1:certificate:32:0011223344556677', b: 'redacted:v1:password-like:32:0011223344556677', c: 'redacted:v1:url:32:0011223344556677'}}",
        &[],
    ),
    (
        "credential-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: 'redacted:v1:url-with-credentials:4000:0011223344556677'}}",
        &[],
    ),
    (
        "password-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {DB_PASSWORD: 'redacted:v1:password-like:32:0011223344556677'}}",
        &["ConfigMap shop/c /data/DB_PASSWORD"],
    ),
    (
        "password-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {host: 'redacted:v1:password-like:32:0011223344556677', passwordFile: 'redacted:v1:text:32:0011223344556677', db.password: 'redacted:v1:boolean:4:0011223344556677'}}",
        &[],
    ),
    (
        "credential-in-annotation",
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {example.com/x: 'redacted:v1:token-jwt:32:0011223344556677'}}}",
        &["Service shop/s /metadata/annotations/example.com~1x"],
    ),
    (
        "credential-in-annotation",
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {example.com/x: 'redacted:v1:json:900:0011223344556677'}}}",
        &[],
    ),
    (
        "credential-in-annotation",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {a: 'redacted:v1:private-key:32:0011223344556677'}}",
        &[],
    ),
    (
        "helm-release-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {release: 'redacted:v1:helm-release:32:0011223344556677'}}",
        &["ConfigMap shop/c /data/release"],
    ),
    (
        "helm-release-in-config-map",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {release: 'redacted:v1:gzip:32:0011223344556677'}}",
        &[],
    ),
    (
        "helm-release-secret",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: helm.sh/release.v1}",
        &["Secret shop/s /type"],
    ),
    (
        "helm-release-secret",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque}",
        &[],
    ),
    (
        "short-password",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {password: 'redacted:v1:password-like:6:0011223344556677'}}",
        &["Secret shop/s /data/password"],
    ),
    (
        "short-password",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {password: 'redacted:v1:password-like:20:0011223344556677', user: 'redacted:v1:text:4:0011223344556677'}}",
        &[],
    ),
    (
        "private-key-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:private-key:1700:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:private-key:1700:0011223344556677'}}",
        &["Secret other/t /data/a"],
    ),
    (
        "private-key-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:private-key:1700:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:private-key:1700:8811223344556677'}}",
        &[],
    ),
    (
        "private-key-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {a: 'redacted:v1:private-key:32:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: shop}, data: {a: 'redacted:v1:private-key:32:0011223344556677'}}",
        &[],
    ),
    (
        "private-key-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:certificate:1700:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:certificate:1700:0011223344556677'}}",
        &[],
    ),
    (
        "password-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:password-like:16:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:password-like:16:0011223344556677'}}",
        &["Secret other/t /data/a"],
    ),
    (
        "password-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:password-like:5:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:password-like:5:0011223344556677'}}",
        &[],
    ),
    (
        "password-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, data: {a: 'redacted:v1:docker-config:90:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: Opaque, data: {a: 'redacted:v1:docker-config:90:0011223344556677'}}",
        &[],
    ),
    (
        "password-shared",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: kubernetes.io/service-account-token, data: {a: 'redacted:v1:token-jwt:90:0011223344556677'}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: t, namespace: other}, type: kubernetes.io/service-account-token, data: {a: 'redacted:v1:token-jwt:90:0011223344556677'}}",
        &[],
    ),
    (
        "secret-can-change",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque}",
        &["Secret shop/s /immutable"],
    ),
    (
        "secret-can-change",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque, immutable: true}",
        &[],
    ),
    (
        "secrets-read-by-everybody",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccounts:shop'}]}",
        &["ClusterRoleBinding b /subjects/0"],
    ),
    (
        "secrets-read-by-everybody",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'platform-team'}]}",
        &[],
    ),
    (
        "secrets-read-by-everybody",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:authenticated'}]}",
        &[],
    ),
    (
        "secrets-read-by-many",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: ServiceAccount, name: a0, namespace: apps}, {kind: ServiceAccount, name: a1, namespace: apps}, {kind: ServiceAccount, name: a2, namespace: apps}, {kind: ServiceAccount, name: a3, namespace: apps}, {kind: ServiceAccount, name: a4, namespace: apps}, {kind: ServiceAccount, name: a5, namespace: apps}, {kind: ServiceAccount, name: a6, namespace: apps}, {kind: ServiceAccount, name: a7, namespace: apps}, {kind: ServiceAccount, name: a8, namespace: apps}, {kind: ServiceAccount, name: a9, namespace: apps}, {kind: ServiceAccount, name: a10, namespace: apps}]}",
        &["Namespace kube-system "],
    ),
    (
        "secrets-read-by-many",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: ServiceAccount, name: a0, namespace: apps}, {kind: ServiceAccount, name: a1, namespace: apps}, {kind: ServiceAccount, name: a2, namespace: apps}, {kind: ServiceAccount, name: a3, namespace: apps}, {kind: ServiceAccount, name: a4, namespace: apps}, {kind: ServiceAccount, name: a5, namespace: apps}, {kind: ServiceAccount, name: a6, namespace: apps}, {kind: ServiceAccount, name: a7, namespace: apps}, {kind: ServiceAccount, name: a8, namespace: apps}, {kind: ServiceAccount, name: a9, namespace: apps}]}",
        &[],
    ),
    (
        "secrets-read-by-many",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}, subjects: [{kind: ServiceAccount, name: a0, namespace: kube-system}, {kind: ServiceAccount, name: a1, namespace: kube-system}, {kind: ServiceAccount, name: a2, namespace: kube-system}, {kind: ServiceAccount, name: a3, namespace: kube-system}, {kind: ServiceAccount, name: a4, namespace: kube-system}, {kind: ServiceAccount, name: a5, namespace: kube-system}, {kind: ServiceAccount, name: a6, namespace: kube-system}, {kind: ServiceAccount, name: a7, namespace: kube-system}, {kind: ServiceAccount, name: a8, namespace: kube-system}, {kind: ServiceAccount, name: a9, namespace: kube-system}, {kind: ServiceAccount, name: a10, namespace: kube-system}, {kind: ServiceAccount, name: a11, namespace: kube-system}, {kind: ServiceAccount, name: a12, namespace: kube-system}, {kind: ServiceAccount, name: a13, namespace: kube-system}, {kind: ServiceAccount, name: a14, namespace: kube-system}, {kind: ServiceAccount, name: a15, namespace: kube-system}, {kind: ServiceAccount, name: a16, namespace: kube-system}, {kind: ServiceAccount, name: a17, namespace: kube-system}, {kind: ServiceAccount, name: a18, namespace: kube-system}, {kind: ServiceAccount, name: a19, namespace: kube-system}]}",
        &[],
    ),
    (
        "secret-in-environment",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web, env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}]}}",
        &["Pod shop/web [web] /spec/containers/0/env"],
    ),
    (
        "secret-in-environment",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web, env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], envFrom: [{configMapRef: {name: c}}]}]}}",
        &[],
    ),
    (
        "secret-in-kube-public",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: kube-public}, type: Opaque}",
        &["Secret kube-public/s /metadata/namespace"],
    ),
    (
        "secret-in-kube-public",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque}",
        &[],
    ),
    (
        "secret-in-default-namespace",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, type: Opaque}",
        &["Secret default/s /metadata/namespace"],
    ),
    (
        "secret-in-default-namespace",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, type: Opaque}",
        &[],
    ),
    (
        "secret-store-for-all-namespaces",
        "{apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: {name: p}, spec: {provider: {vault: {}}}}",
        &["ClusterSecretStore p /spec/conditions"],
    ),
    (
        "secret-store-for-all-namespaces",
        "{apiVersion: external-secrets.io/v1, kind: ClusterSecretStore, metadata: {name: p}, spec: {conditions: [{namespaces: [shop]}]}}",
        &[],
    ),
    (
        "secret-spread-to-all-namespaces",
        "{apiVersion: external-secrets.io/v1, kind: ClusterExternalSecret, metadata: {name: p}, spec: {namespaceSelectors: [{}]}}",
        &["ClusterExternalSecret p /spec/namespaceSelector"],
    ),
    (
        "secret-spread-to-all-namespaces",
        "{apiVersion: external-secrets.io/v1, kind: ClusterExternalSecret, metadata: {name: p}, spec: {namespaceSelectors: [{matchLabels: {a: b}}]}}",
        &[],
    ),
    (
        "store-copies-to-secret",
        "{apiVersion: secrets-store.csi.x-k8s.io/v1, kind: SecretProviderClass, metadata: {name: p, namespace: shop}, spec: {secretObjects: [{secretName: a}]}}",
        &["SecretProviderClass shop/p /spec/secretObjects"],
    ),
    (
        "store-copies-to-secret",
        "{apiVersion: secrets-store.csi.x-k8s.io/v1, kind: SecretProviderClass, metadata: {name: p, namespace: shop}, spec: {provider: vault}}",
        &[],
    ),
    (
        "secret-copied-on-demand",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, annotations: {reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'}}}",
        &["Secret shop/s /metadata/annotations"],
    ),
    (
        "secret-copied-on-demand",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, annotations: {replicator.v1.mittwald.de/replicate-to: '*'}}}",
        &["Secret shop/s /metadata/annotations"],
    ),
    (
        "secret-copied-on-demand",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, annotations: {reflector.v1.k8s.emberstack.com/reflection-allowed: 'true', reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces: 'a,b'}}}",
        &[],
    ),
];

/// What a whole cluster, a node or the date tells.
const LIVE: &[Case] = &[
    (
        "secrets-in-plain-text",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{identity: {}}, {secretbox: {}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "secrets-in-plain-text",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [configmaps], providers: [{secretbox: {}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "secrets-in-plain-text",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{secretbox: {}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "secrets-in-plain-text",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: ['*.*'], providers: [{kms: {apiVersion: v2}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "secrets-in-plain-text",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "secrets-with-aescbc",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aescbc: {}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "secrets-with-aescbc",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{secretbox: {}}, {aescbc: {}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "secrets-with-aesgcm",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "secrets-with-aesgcm",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aescbc: {}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "secrets-with-kms-v1",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {name: a}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "secrets-with-kms-v1",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "encryption-key-short",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: 'redacted:v1:binary:16:0011223344556677'}]}}, {identity: {}}]}]}",
        &["Node cp "],
    ),
    (
        "encryption-key-short",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {keys: [{name: a, secret: 'redacted:v1:binary:32:0011223344556677'}]}}, {identity: {}}]}]}",
        &[],
    ),
    (
        "encryption-key-readable",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {}}, {identity: {}}]}], mode: 420}",
        &["Node cp "],
    ),
    (
        "encryption-key-readable",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{aesgcm: {}}, {identity: {}}]}], mode: 384}",
        &[],
    ),
    (
        "encryption-key-readable",
        "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2}}, {identity: {}}]}], mode: 420}",
        &[],
    ),
    (
        "secret-is-old",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, creationTimestamp: '2024-01-01T00:00:00Z'}, type: Opaque}",
        &["Secret shop/s /metadata/creationTimestamp"],
    ),
    (
        "secret-is-old",
        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop, creationTimestamp: '2026-10-01T00:00:00Z'}, type: Opaque}",
        &[],
    ),
];

#[test]
fn rows_of_the_family() {
    family("SEC", FILES, LIVE);
}
