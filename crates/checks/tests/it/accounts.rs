//! Rules about service accounts and about reliability: each fires once, and is silent on its near miss.

use crate::world::{ask, pod, snapshot};
use checks::table;
use model::snapshot::{Listed, Origin};
use std::collections::BTreeSet;

const KINDS: [(&str, &str); 15] = [
    ("", "Pod"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("policy", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
];

/// Findings in a live cluster that was seen whole; and nothing is found without a look where nothing was listed.
fn found(slug: &str, yaml: &str) -> usize {
    let rule = table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
    let mut live = snapshot(yaml);
    live.origin = Origin::Live;
    live.listed = KINDS
        .iter()
        .map(|(group, kind)| Listed {
            group: (*group).into(),
            kind: (*kind).into(),
            count: 0,
            complete: true,
        })
        .collect();
    let said = ask(&live, &[rule]);
    assert!(
        said.answers[0].unknown.is_empty(),
        "{slug}: {:?}",
        said.answers[0].unknown
    );
    said.found.len()
}

fn check(family: &str, cases: &[(&str, String, String)]) {
    let mut asked = BTreeSet::new();
    for (slug, fires, silent) in cases {
        assert_eq!(found(slug, fires), 1, "{slug} of\n{fires}");
        assert_eq!(found(slug, silent), 0, "{slug} of\n{silent}");
        asked.insert(*slug);
    }
    let rows = table::all().filter(|row| row.family() == family);
    assert_eq!(asked, rows.map(|row| row.slug).collect());
}

fn account(name: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: shop{rest}}}}}"
    )
}

fn bound(name: &str) -> String {
    format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: r, namespace: shop}}, rules: [{{apiGroups: [''], resources: [pods], verbs: [get]}}]}}\n---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: b, namespace: shop}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}}, subjects: [{{kind: ServiceAccount, name: {name}, namespace: shop}}]}}"
    )
}

fn all(parts: &[String]) -> String {
    parts.join("\n---\n")
}

#[test]
fn accounts() {
    let user = pod("serviceAccountName: robot", "");
    let other = user.replace("metadata: {name: web", "metadata: {name: other");
    let cloud = ", annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/x'}";
    let google = |name: &str| {
        account(
            "robot",
            &format!(", annotations: {{iam.gke.io/gcp-service-account: {name}}}"),
        )
    };
    let token = |rest: &str| {
        pod(
            &format!(
                "volumes: [{{name: t, projected: {{sources: [{{configMap: {{name: a}}}}, {{serviceAccountToken: {{path: t{rest}}}}}]}}}}]"
            ),
            "",
        )
    };
    check(
        "SA",
        &[
            (
                "cloud-identity-on-default",
                account("default", cloud),
                account("robot", cloud),
            ),
            (
                "cloud-identity-of-default-project-account",
                google("1-compute@developer.gserviceaccount.com"),
                google("web@shop.iam.gserviceaccount.com"),
            ),
            (
                "cloud-identity-shared",
                all(&[account("robot", cloud), user.clone(), other.clone()]),
                all(&[account("robot", cloud), user.clone()]),
            ),
            (
                "account-shared",
                all(&[
                    account("robot", ""),
                    bound("robot"),
                    user.clone(),
                    other.clone(),
                ]),
                all(&[account("robot", ""), user.clone(), other]),
            ),
            (
                "account-without-workload",
                all(&[account("robot", ""), bound("robot")]),
                all(&[account("robot", ""), bound("robot"), user]),
            ),
            (
                "default-account-mounts-token",
                account("default", ""),
                account("robot", ""),
            ),
            (
                "default-account-mounts-token",
                account("default", ""),
                account(
                    "default",
                    "}, automountServiceAccountToken: false, x: {y: z",
                ),
            ),
            (
                "long-token",
                token(", expirationSeconds: 86401"),
                token(", expirationSeconds: 86400"),
            ),
            (
                "token-without-audience",
                token(""),
                token(", audience: vault"),
            ),
            (
                "token-without-audience",
                token(""),
                token("").replace("name: t, projected", "name: kube-api-access-x, projected"),
            ),
        ],
    );
}

#[test]
fn what_was_not_listed_is_told() {
    for slug in [
        "cloud-identity-shared",
        "account-without-workload",
        "disruption-budget-missing",
        "service-selects-nothing",
    ] {
        let mut live = snapshot(&all(&[bound("robot"), "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {selector: {a: b}}}".to_owned()]));
        live.origin = Origin::Live;
        let said = ask(&live, &[table::rule(slug).unwrap()]);
        assert!(
            said.found.is_empty() && !said.answers[0].unknown.is_empty(),
            "{slug}"
        );
    }
}

#[test]
fn operations() {
    let object = |api: &str, kind: &str, spec: &str| {
        format!(
            "{{apiVersion: {api}, kind: {kind}, metadata: {{name: web, namespace: shop}}, spec: {{{spec}}}}}"
        )
    };
    let template =
        "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}";
    let deployment = |spec: &str| {
        object(
            "apps/v1",
            "Deployment",
            &if spec.is_empty() {
                template.to_owned()
            } else {
                format!("{spec}, {template}")
            },
        )
    };
    let budget = |spec: &str| {
        object("policy/v1", "PodDisruptionBudget", spec).replace("name: web", "name: budget")
    };
    let job = |spec: &str| {
        object(
            "batch/v1",
            "Job",
            &if spec.is_empty() {
                template.to_owned()
            } else {
                format!("{spec}, {template}")
            },
        )
    };
    let service = |label: &str| {
        all(&[
            deployment("replicas: 1"),
            object("v1", "Service", &format!("selector: {{app: {label}}}")),
        ])
    };
    let labelled = |spec: &str, container: &str| pod(spec, container);
    check(
        "OPS",
        &[
            (
                "liveness-probe-missing",
                labelled("", ""),
                labelled("", "livenessProbe: {tcpSocket: {port: 1}}"),
            ),
            ("liveness-probe-missing", deployment(""), job("")),
            (
                "readiness-probe-missing",
                labelled("", "ports: [{containerPort: 1}]"),
                labelled("", ""),
            ),
            ("single-replica", deployment(""), deployment("replicas: 2")),
            (
                "disruption-budget-missing",
                deployment("replicas: 2"),
                all(&[
                    deployment("replicas: 2"),
                    budget("selector: {matchLabels: {app: web}}"),
                ]),
            ),
            (
                "disruption-budget-missing",
                all(&[
                    deployment("replicas: 2"),
                    budget("selector: {matchLabels: {app: other}}"),
                ]),
                deployment("replicas: 1"),
            ),
            (
                "disruption-budget-blocks",
                budget("maxUnavailable: 0"),
                budget("maxUnavailable: 1"),
            ),
            (
                "replicas-not-spread",
                deployment("replicas: 2"),
                deployment("replicas: 1"),
            ),
            (
                "recreate-strategy",
                deployment("strategy: {type: Recreate}"),
                deployment("strategy: {type: RollingUpdate}"),
            ),
            (
                "rollout-stops-all",
                deployment("strategy: {rollingUpdate: {maxUnavailable: 100%}}"),
                deployment("strategy: {rollingUpdate: {maxUnavailable: 25%}}"),
            ),
            (
                "cpu-request-missing",
                pod("", ""),
                pod("", "resources: {limits: {cpu: 1}}"),
            ),
            (
                "memory-request-missing",
                pod("", ""),
                pod("", "resources: {requests: {memory: 1}}"),
            ),
            (
                "autoscaler-cannot-scale",
                object(
                    "autoscaling/v2",
                    "HorizontalPodAutoscaler",
                    "maxReplicas: 1",
                ),
                object(
                    "autoscaling/v2",
                    "HorizontalPodAutoscaler",
                    "maxReplicas: 2",
                ),
            ),
            ("priority-missing", pod("", ""), pod("priority: 0", "")),
            (
                "killed-at-once",
                pod("terminationGracePeriodSeconds: 0", ""),
                pod("", ""),
            ),
            (
                "job-never-removed",
                job(""),
                job("ttlSecondsAfterFinished: 9"),
            ),
            (
                "cron-job-overlaps",
                object("batch/v1", "CronJob", "concurrencyPolicy: Allow"),
                object("batch/v1", "CronJob", "concurrencyPolicy: Forbid"),
            ),
            (
                "job-without-deadline",
                job(""),
                job("activeDeadlineSeconds: 9"),
            ),
            (
                "pod-without-controller",
                pod("", ""),
                pod("", "").replace(
                    "namespace: shop}",
                    "namespace: shop, ownerReferences: [{kind: Node, name: a}]}",
                ),
            ),
            ("service-selects-nothing", service("other"), service("web")),
            (
                "empty-dir-without-limit",
                pod("volumes: [{name: a, emptyDir: {}}]", ""),
                pod("volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}]", ""),
            ),
            (
                "service-links",
                pod("", ""),
                pod("enableServiceLinks: false", ""),
            ),
            (
                "no-way-back",
                deployment("revisionHistoryLimit: 0"),
                deployment(""),
            ),
            (
                "probe-of-dependency",
                pod("", "livenessProbe: {timeoutSeconds: 60}"),
                pod("", "livenessProbe: {timeoutSeconds: 5}"),
            ),
        ],
    );
}
