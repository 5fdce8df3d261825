//! Whatever an object holds, the inventory is made, and no workload or pod is lost or counted twice.

use crate::builder::{object, read, snapshot};
use model::snapshot::Origin;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KEYS: &[&str] = &[
    "spec",
    "template",
    "metadata",
    "status",
    "containers",
    "initContainers",
    "ownerReferences",
    "controller",
    "kind",
    "name",
    "uid",
    "apiVersion",
    "labels",
    "annotations",
    "volumes",
    "ports",
    "port",
    "rules",
    "verbs",
    "resources",
    "subjects",
    "roleRef",
    "ingress",
    "from",
    "podSelector",
    "matchLabels",
    "matchExpressions",
    "operator",
    "key",
    "values",
    "securityContext",
    "image",
    "replicas",
    "phase",
    "http",
    "paths",
    "backend",
    "service",
    "parentRefs",
    "backendRefs",
    "endpoints",
    "addresses",
    "jobTemplate",
    "suspend",
    "hostPath",
    "path",
];
const WORDS: &[&str] = &[
    "",
    "a",
    "b",
    "Deployment",
    "ReplicaSet",
    "apps/v1",
    "Running",
    "Succeeded",
    "In",
    "ServiceAccount",
    "10.0.0.0/8",
    "all()",
    "*",
];
const KINDS: &[(&str, &str)] = &[
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("v1", "Namespace"),
    ("v1", "Endpoints"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("networking.k8s.io/v1", "Ingress"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("networking.istio.io/v1", "VirtualService"),
    ("cilium.io/v2", "CiliumNetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("example.com/v1", "Thing"),
];

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2i64..70_000).prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
        any::<f64>().prop_map(|f| json!(f)),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(KEYS), inner), 0..6).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_is_survived(objects in prop::collection::vec((prop::sample::select(KINDS), "[ab]", tree()), 1..8), live in any::<bool>()) {
        let objects = (0..).zip(&objects).map(|(n, ((version, kind), name, value))| {
            let mut object = object(value, version, kind, n);
            object.name = name.as_str().into();
            object.namespace = Some("n".into());
            object.uid = Some(format!("u{n}").into());
            object
        });
        let inventory = read(&snapshot(if live { Origin::Live } else { Origin::Files }, objects.collect()));
        for view in &inventory.workloads {
            let spec = &inventory.templates[view.template as usize];
            prop_assert_eq!(spec.containers.len(), view.workload.containers.len());
        }
        let given: usize = inventory.workloads.iter().map(|view| view.pods.len()).sum();
        prop_assert_eq!(given, inventory.pods.len());
    }

    /// Pods of any owner chain, closed or broken, are given to exactly one workload.
    #[test]
    fn every_pod_has_one_workload(owners in prop::collection::vec((0usize..8, any::<bool>()), 1..8), pods in prop::collection::vec(0usize..10, 0..8)) {
        let reference = |n: usize| json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("r{n}"), "uid": format!("r{n}"), "controller": true}]);
        let template = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
        let sets = owners.iter().enumerate().map(|(n, (owner, owned))| {
            let owners = if *owned { reference(*owner) } else { Value::Null };
            object(&json!({"metadata": {"namespace": "n", "name": format!("r{n}"), "uid": format!("r{n}"), "ownerReferences": owners}, "spec": {"template": template}}), "apps/v1", "ReplicaSet", 0)
        });
        let pods_of = pods.iter().enumerate().map(|(n, owner)| {
            object(&json!({"metadata": {"namespace": "n", "name": format!("p{n}"), "ownerReferences": reference(*owner)}, "spec": {"containers": [{"name": "c", "image": "i"}]}}), "v1", "Pod", 0)
        });
        let inventory = read(&snapshot(Origin::Live, sets.chain(pods_of).collect()));
        prop_assert_eq!(inventory.pods.len(), pods.len());
        for (n, pod) in (0u32..).zip(&inventory.pods) {
            prop_assert!(inventory.workloads[pod.workload as usize].pods.contains(&n));
        }
        let given: usize = inventory.workloads.iter().map(|view| view.pods.len()).sum();
        prop_assert_eq!(given, pods.len());
    }
}
