//! ADM: each row on the configuration that it is about, and on one that it must leave alone.

use crate::family::{Case, family};

const FILES: &[Case] = &[
    (
        "validating-webhook-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Ignore, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/failurePolicy"],
    ),
    (
        "validating-webhook-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Fail, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "validating-webhook-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Ignore, rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}]}]}",
        &[],
    ),
    (
        "mutating-webhook-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Ignore, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &["MutatingWebhookConfiguration w /webhooks/0/failurePolicy"],
    ),
    (
        "mutating-webhook-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Ignore, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}",
        &["ValidatingWebhookConfiguration w /webhooks/0/namespaceSelector"],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/namespaceSelector"],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, failurePolicy: Ignore, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [guard]}]}}]}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchLabels: {inject: 'yes'}}}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], objectSelector: {matchLabels: {app: other}}}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: guard}, spec: {selector: {app: g}, ports: [{port: 443}]}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: g, namespace: guard, labels: {app: g}}, spec: {nodeName: n, containers: [{name: g, image: g}]}, status: {phase: Running}}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], objectSelector: {matchLabels: {app: g}}}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: guard}, spec: {selector: {app: g}, ports: [{port: 443}]}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: g, namespace: guard, labels: {app: g}}, spec: {nodeName: n, containers: [{name: g, image: g}]}, status: {phase: Running}}",
        &["ValidatingWebhookConfiguration w /webhooks/0/namespaceSelector"],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}]}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}",
        &[],
    ),
    (
        "webhook-deadlock",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], matchConditions: [{name: a, expression: 'true'}]}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: guard, labels: {kubernetes.io/metadata.name: guard}}}",
        &[],
    ),
    (
        "webhook-without-backend",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "webhook-catches-everything",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/rules"],
    ),
    (
        "webhook-catches-everything",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}], failurePolicy: Ignore}]}",
        &[],
    ),
    (
        "webhook-catches-everything",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}], namespaceSelector: {matchLabels: {a: b}}}]}",
        &[],
    ),
    (
        "webhook-catches-everything",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}]}]}",
        &[],
    ),
    (
        "webhook-waits-long",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, timeoutSeconds: 30}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/timeoutSeconds"],
    ),
    (
        "webhook-waits-long",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, timeoutSeconds: 10}]}",
        &[],
    ),
    (
        "webhook-bypass-by-object-label",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/objectSelector"],
    ),
    (
        "webhook-bypass-by-object-label",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}], objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}]}",
        &[],
    ),
    (
        "webhook-bypass-by-object-label",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], objectSelector: {}}]}",
        &[],
    ),
    (
        "webhook-exempts-namespaces",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &["ValidatingWebhookConfiguration w /webhooks/0/namespaceSelector"],
    ),
    (
        "webhook-exempts-namespaces",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}]}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, other: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "webhook-exempts-namespaces",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}]}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "webhook-matches-exactly",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], matchPolicy: Exact}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/matchPolicy"],
    ),
    (
        "webhook-matches-exactly",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [cert-manager.io], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}], matchPolicy: Exact}]}",
        &[],
    ),
    (
        "webhook-side-effects",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, sideEffects: Unknown}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/sideEffects"],
    ),
    (
        "webhook-side-effects",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, sideEffects: None}]}",
        &[],
    ),
    (
        "webhook-without-ca",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {service: {namespace: a, name: b}}}]}",
        &[],
    ),
    (
        "webhook-outside-cluster",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {url: 'https://policy.example.com/v'}}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/clientConfig/url"],
    ),
    (
        "webhook-outside-cluster",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {url: 'https://127.0.0.1:9443/redacted:v1:url:3:00'}}]}",
        &[],
    ),
    (
        "webhook-outside-cluster",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}}]}",
        &[],
    ),
    (
        "webhook-not-asked-again",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &["MutatingWebhookConfiguration w /webhooks/0/reinvocationPolicy"],
    ),
    (
        "webhook-not-asked-again",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], reinvocationPolicy: IfNeeded}]}",
        &[],
    ),
    (
        "webhook-reads-secrets",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/rules"],
    ),
    (
        "webhook-reads-secrets",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "webhook-exempts-everybody",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], matchConditions: [{name: a, expression: \"!('system:serviceaccounts' in request.userInfo.groups)\"}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/matchConditions"],
    ),
    (
        "webhook-exempts-everybody",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], matchConditions: [{name: a, expression: \"!('system:serviceaccounts:kube-system' in request.userInfo.groups)\"}]}]}",
        &[],
    ),
    (
        "admission-policy-unbound",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {failurePolicy: Fail}}",
        &["ValidatingAdmissionPolicy p "],
    ),
    (
        "admission-policy-unbound",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {failurePolicy: Fail}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Deny]}}",
        &[],
    ),
    (
        "admission-policy-only-tells",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Audit, Warn]}}",
        &["ValidatingAdmissionPolicyBinding b /spec/validationActions"],
    ),
    (
        "admission-policy-only-tells",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Warn]}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: c}, spec: {policyName: p, validationActions: [Deny]}}",
        &[],
    ),
    (
        "admission-policy-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {failurePolicy: Ignore}}",
        &["ValidatingAdmissionPolicy p /spec/failurePolicy"],
    ),
    (
        "admission-policy-fails-open",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {failurePolicy: Fail}}",
        &[],
    ),
    (
        "parameter-not-found-allows",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, paramRef: {name: x, parameterNotFoundAction: Allow}}}",
        &["ValidatingAdmissionPolicyBinding b /spec/paramRef/parameterNotFoundAction"],
    ),
    (
        "parameter-not-found-allows",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, paramRef: {name: x, parameterNotFoundAction: Deny}}}",
        &[],
    ),
    (
        "admission-policy-without-parameter",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {paramKind: {apiVersion: v1, kind: ConfigMap}}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p}}",
        &["ValidatingAdmissionPolicyBinding b /spec/paramRef"],
    ),
    (
        "admission-policy-without-parameter",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {paramKind: {apiVersion: v1, kind: ConfigMap}}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, paramRef: {name: x, namespace: shop}}}",
        &[],
    ),
    (
        "binding-of-no-policy",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Deny]}}",
        &[],
    ),
    (
        "admission-policy-exempts-everybody",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {matchConditions: [{name: a, expression: \"!('system:authenticated' in request.userInfo.groups)\"}]}}",
        &["ValidatingAdmissionPolicy p /spec/matchConditions/0/expression"],
    ),
    (
        "admission-policy-exempts-everybody",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {matchConditions: [{name: a, expression: \"request.userInfo.username != 'system:admin'\"}]}}",
        &[],
    ),
    (
        "admission-policy-bypass-by-label",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {matchConstraints: {objectSelector: {matchExpressions: [{key: skip, operator: DoesNotExist}]}}}}",
        &["ValidatingAdmissionPolicy p /spec/matchConstraints/objectSelector"],
    ),
    (
        "admission-policy-bypass-by-label",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {matchConstraints: {objectSelector: {}}}}",
        &[],
    ),
    (
        "kyverno-only-audits",
        "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: a, validate: {message: m}}]}}",
        &["ClusterPolicy p /spec/validationFailureAction"],
    ),
    (
        "kyverno-only-audits",
        "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {validationFailureAction: Enforce, rules: [{name: a, validate: {message: m}}]}}",
        &[],
    ),
    (
        "kyverno-only-audits",
        "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: a, validate: {failureAction: Enforce}}]}}",
        &[],
    ),
    (
        "kyverno-only-audits",
        "{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: a, mutate: {}}, {name: b, generate: {}}]}}",
        &[],
    ),
    (
        "gatekeeper-only-tells",
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sRequiredLabels, metadata: {name: p}, spec: {enforcementAction: dryrun}}",
        &["K8sRequiredLabels p /spec/enforcementAction"],
    ),
    (
        "gatekeeper-only-tells",
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sRequiredLabels, metadata: {name: p}, spec: {enforcementAction: scoped, scopedEnforcementActions: [{action: warn}]}}",
        &["K8sRequiredLabels p /spec/enforcementAction"],
    ),
    (
        "gatekeeper-only-tells",
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sRequiredLabels, metadata: {name: p}, spec: {enforcementAction: scoped, scopedEnforcementActions: [{action: deny}]}}",
        &[],
    ),
    (
        "gatekeeper-only-tells",
        "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sRequiredLabels, metadata: {name: p}, spec: {match: {}}}",
        &[],
    ),
    (
        "kubewarden-only-monitors",
        "{apiVersion: policies.kubewarden.io/v1, kind: ClusterAdmissionPolicy, metadata: {name: p}, spec: {mode: monitor}}",
        &["ClusterAdmissionPolicy p /spec/mode"],
    ),
    (
        "kubewarden-only-monitors",
        "{apiVersion: policies.kubewarden.io/v1, kind: ClusterAdmissionPolicy, metadata: {name: p}, spec: {mode: protect}}",
        &[],
    ),
    (
        "image-policy-only-warns",
        "{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: p}, spec: {mode: warn}}",
        &["ClusterImagePolicy p /spec/mode"],
    ),
    (
        "image-policy-only-warns",
        "{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: p}, spec: {mode: enforce}}",
        &[],
    ),
];

/// What only a whole cluster tells.
const LIVE: &[Case] = &[
    (
        "webhook-without-backend",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/clientConfig/service"],
    ),
    (
        "webhook-without-backend",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}\n---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: guard}, spec: {selector: {app: g}, ports: [{port: 443}]}}",
        &["ValidatingWebhookConfiguration w /webhooks/0/clientConfig/service"],
    ),
    (
        "webhook-without-backend",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: x, service: {namespace: guard, name: s}}, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}\n---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: guard}, spec: {selector: {app: g}, ports: [{port: 443}]}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: g, namespace: guard, labels: {app: g}}, spec: {nodeName: n, containers: [{name: g, image: g}]}, status: {phase: Running}}",
        &[],
    ),
    (
        "webhook-without-ca",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {service: {namespace: a, name: b}}}]}",
        &["ValidatingWebhookConfiguration w /webhooks/0/clientConfig/caBundle"],
    ),
    (
        "webhook-without-ca",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {caBundle: 'redacted:v1:certificate:800:00', service: {namespace: a, name: b}}}]}",
        &[],
    ),
    (
        "admission-policy-without-parameter",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {paramKind: {apiVersion: v1, kind: ConfigMap}}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, paramRef: {name: x, namespace: shop}}}",
        &["ValidatingAdmissionPolicyBinding b /spec/paramRef"],
    ),
    (
        "admission-policy-without-parameter",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {paramKind: {apiVersion: v1, kind: ConfigMap}}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, paramRef: {name: x, namespace: shop}}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: shop}}",
        &[],
    ),
    (
        "binding-of-no-policy",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Deny]}}",
        &["ValidatingAdmissionPolicyBinding b /spec/policyName"],
    ),
    (
        "binding-of-no-policy",
        "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, spec: {}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: b}, spec: {policyName: p, validationActions: [Deny]}}",
        &[],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}\n---\n{apiVersion: apiserver.config.k8s.io/v1, kind: AdmissionConfiguration, plugins: [{name: PodSecurity, configuration: {kind: PodSecurityConfiguration, defaults: {enforce: privileged}}}]}",
        &["Namespace kube-system "],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}\n---\n{apiVersion: apiserver.config.k8s.io/v1, kind: AdmissionConfiguration, plugins: [{name: PodSecurity, configuration: {kind: PodSecurityConfiguration, defaults: {enforce: baseline}}}]}",
        &[],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, pod-security.kubernetes.io/enforce: privileged}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &["Namespace kube-system "],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, pod-security.kubernetes.io/enforce: restricted}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "no-pod-security-anywhere",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop, skip: 'yes'}}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}\n---\n{apiVersion: apiserver.config.k8s.io/v1, kind: AdmissionConfiguration, plugins: [{name: PodSecurity, configuration: {kind: PodSecurityConfiguration, defaults: {enforce: privileged}}}]}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=NodeRestriction]}]}}",
        &["Namespace kube-system "],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=ImagePolicyWebhook]}]}}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=NodeRestriction]}]}}\n---\n{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, metadata: {name: p}, spec: {mode: enforce}}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=NodeRestriction]}]}}\n---\n{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {name: p}, spec: {rules: [{name: a, verifyImages: [{}]}]}}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=NodeRestriction]}]}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: connaisseur-webhook}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: kube-apiserver-n, namespace: kube-system}, spec: {containers: [{name: kube-apiserver, image: k, command: [kube-apiserver, --enable-admission-plugins=NodeRestriction]}]}}\n---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: w}, webhooks: [{name: a.b.c, rules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}]}",
        &[],
    ),
    (
        "no-image-verification",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
];

#[test]
fn rows_of_the_family() {
    family("ADM", FILES, LIVE);
}
