//! What one object adds, told from a part, is what a second look at everything tells.

use model::snapshot::{Object, Snapshot};
use scan::attack::Cluster;
use scan::delta::{Delta, Standing};
use scan::inputs::{self, Declarations, Source};
use std::collections::BTreeSet;
use std::path::Path;
use testkit::candidates::{Dice, candidate};

fn written(yaml: &str) -> Snapshot {
    let sources = [Source::Bytes {
        name: "cluster.yaml".into(),
        bytes: yaml.as_bytes().into(),
    }];
    inputs::manifests(&sources, None, [0; 32]).unwrap()
}

fn asked(snapshot: &Snapshot, candidate: &Object) -> (Delta, Delta) {
    let declarations = Declarations::default();
    let cluster = Cluster::of(snapshot, &declarations, None);
    let mut standing = Standing::of(snapshot, &cluster, &declarations);
    let part = standing.consider(candidate);
    let (whole, _) = standing.whole(std::slice::from_ref(candidate));
    (part, whole)
}

/// Routes, exposures and rights, however they were found.
fn said(delta: &Delta) -> BTreeSet<String> {
    let routes = delta.routes.routes.iter();
    let routes = routes.map(|(entry, sink)| format!("{entry} -> {sink}"));
    let exposures = delta.beside.exposures.iter().map(|e| format!("{e:?}"));
    let grants = delta.beside.grants.iter().map(|g| format!("{g:?}"));
    routes.chain(exposures).chain(grants).collect()
}

/// `count` candidates drawn from a cluster; returns how many a part told.
fn check(snapshot: &Snapshot, seed: u64, count: usize) -> usize {
    let declarations = Declarations::default();
    let cluster = Cluster::of(snapshot, &declarations, None);
    let mut standing = Standing::of(snapshot, &cluster, &declarations);
    let mut dice = Dice::new(seed);
    let mut parts = 0;
    for _ in 0..count {
        let Some(object) = candidate(snapshot, &mut dice) else {
            continue;
        };
        let part = standing.consider(&object);
        if part.whole.is_some() {
            continue;
        }
        parts += 1;
        let (whole, _) = standing.whole(std::slice::from_ref(&object));
        let json = String::from_utf8_lossy(&object.json);
        assert_eq!(said(&part), said(&whole), "{}: {json}", object.reference());
    }
    parts
}

#[test]
fn shop() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/k8s");
    let snapshot = inputs::manifests(&[Source::Path(folder)], None, [0; 32]).unwrap();
    assert!(check(&snapshot, 1, 300) > 150);
}

#[test]
fn conformance() {
    for (suite, least) in [
        ("conformance/rbac-paths", 60),
        ("conformance/network-policy", 60),
    ] {
        let Some(folder) = testkit::shared(suite) else {
            return;
        };
        let mut parts = 0;
        for (n, entry) in (0_u64..).zip(walk(&folder)) {
            let Ok(snapshot) = inputs::manifests(&[Source::Path(entry)], None, [0; 32]) else {
                continue;
            };
            if !snapshot.objects.is_empty() {
                parts += check(&snapshot, n, 12);
            }
        }
        assert!(parts > least, "{suite}: {parts}");
    }
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(walk(&path));
        } else if matches!(
            path.extension().and_then(|e| e.to_str()),
            Some("yaml" | "yml" | "json")
        ) {
            all.push(path);
        }
    }
    all.sort();
    all
}

const CLUSTER: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: "web:1", ports: [{containerPort: 80}]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: counter}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all-count}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: counter}
subjects: [{kind: Group, name: "system:authenticated"}]
"#;

/// What one object adds: lines that must be among the answer, told from a part.
fn adds(object: &str, expected: &[&str]) {
    let candidates = written(object);
    let (part, whole) = asked(&written(CLUSTER), &candidates.objects[0]);
    assert_eq!(part.whole, None, "{object}");
    assert_eq!(said(&part), said(&whole), "{object}");
    for line in expected {
        let found = said(&part).iter().any(|said| said.contains(line));
        assert!(found, "{line} is not among {:#?}", said(&part));
    }
    if expected.is_empty() {
        assert_eq!(said(&part), BTreeSet::new());
    }
}

#[test]
fn one_object() {
    let binding = |role: &str, subject: &str| {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: web-more}}, \
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}, \
             subjects: [{{{subject}}}]}}"
        )
    };
    let web = "kind: ServiceAccount, name: web, namespace: shop";
    adds(&binding("reader", web), &[]);
    adds(&binding("nowhere", web), &[]);
    // Whoever logs in holds it already.
    adds(&binding("counter", web), &[]);
    adds(&binding("counter", "kind: User, name: jane"), &[]);
    let anonymous = "subject: \"User system:anonymous\"";
    adds(
        &binding("counter", "kind: User, name: 'system:anonymous'"),
        &[anonymous],
    );
    adds(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, \
         rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]}",
        &[
            "ServiceAccount/shop/web -> cluster-admin",
            "Deployment/shop/web -> cluster-admin",
            "subject: \"ServiceAccount shop/web\"",
        ],
    );
    adds(
        "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, \
         spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}}",
        &["after: Internet"],
    );
    adds(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {selector: \
         {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, \
         containers: [{name: web, image: 'web:1', securityContext: {privileged: true}}]}}}}",
        &["Deployment/shop/web -> node"],
    );
    adds(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}",
        &[],
    );
}
