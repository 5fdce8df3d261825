//! 20,000 generated pods of two containers: microseconds a pod of five rules and of all, the parsing of objects apart.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use checks::rule::Rule;
use checks::table;
use checks::world::{Beside, World};
use model::evidence::{Fact, Ledger};
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Object, Origin, Place, Snapshot};
use semantics::declare::Declarations;
use semantics::json::Json;
use std::collections::BTreeMap;
use std::time::Instant;

const PODS: u32 = 20_000;

fn main() {
    let snapshot = cluster();
    let inventory =
        semantics::inventory(&snapshot, &Declarations::default(), &mut Ledger::default());
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &Beside::default(),
    };
    let five = [
        "privileged-container",
        "host-pid",
        "may-run-as-root",
        "privilege-escalation",
        "host-path-root",
    ];
    let five: Vec<&'static Rule> = five.iter().filter_map(|slug| table::rule(slug)).collect();
    let family = |name: &str| -> Vec<&'static Rule> {
        table::all().filter(|row| row.family() == name).collect()
    };
    let on: Vec<&'static Rule> = table::all().filter(|row| row.on).collect();
    let all: Vec<&'static Rule> = table::all().collect();
    let parsed = micros(|| {
        let trees = snapshot
            .objects
            .iter()
            .map(|object| Json::parse(&object.json));
        trees.flatten().count()
    });
    println!("parse: {:.2} us a pod", parsed.0);
    for (name, rules) in [
        ("five", five),
        ("WL", family("WL")),
        ("PSS", family("PSS")),
        ("on", on),
        ("all", all),
    ] {
        let (whole, found) = micros(|| checks::run(&world, &rules).found.len());
        println!(
            "{name}: {} rules, {whole:.2} us a pod with parsing, {:.2} without one parse; {found} findings",
            rules.len(),
            whole - parsed.0
        );
    }
}

/// The best of five, for each pod.
fn micros(mut work: impl FnMut() -> usize) -> (f64, usize) {
    let (mut best, mut result) = (f64::MAX, 0);
    for _ in 0..5 {
        let start = Instant::now();
        result = work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    (best * 1e6 / f64::from(PODS), result)
}

fn cluster() -> Snapshot {
    let mut snapshot = Snapshot {
        origin: Origin::Live,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion {
            minor: 36,
            known: true,
        },
        server_version: None,
        taken_at: None,
        objects: (0..PODS).map(pod).collect(),
        files: Vec::new(),
        listed: Vec::new(),
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

fn pod(n: u32) -> Object {
    let (namespace, name) = (format!("ns-{}", n % 200), format!("pod-{n}"));
    let json = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": format!("app-{}", n % 900)}},
        "spec": {
            "serviceAccountName": "default",
            "hostPID": n.is_multiple_of(50),
            "securityContext": {"runAsNonRoot": n.is_multiple_of(3), "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "web",
                    "image": format!("registry.example/web:{}", n % 30),
                    "args": ["--listen", "redacted:v1:text:5:0011223344556677"],
                    "env": [{"name": "LEVEL", "value": "redacted:v1:text:4:0011223344556677"}, {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                    "ports": [{"containerPort": 8080, "name": "http"}],
                    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                },
                {
                    "name": "proxy",
                    "image": "registry.example/proxy:2",
                    "securityContext": {"privileged": n.is_multiple_of(40), "runAsUser": 1337},
                    "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": true}],
                },
            ],
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "config", "configMap": {"name": "web"}}],
        },
        "status": {"phase": "Running"},
    });
    Object {
        gvk: Gvk {
            group: "".into(),
            kind: "Pod".into(),
            version: "v1".into(),
        },
        namespace: Some(namespace.into()),
        name: name.into(),
        uid: None,
        labels: Vec::new(),
        place: Place::Server,
        json: serde_json::to_vec(&json).unwrap().into(),
    }
}
