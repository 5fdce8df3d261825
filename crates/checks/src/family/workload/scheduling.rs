//! Where a pod runs, how much it may take, and what was left in it.

use super::NOT_WINDOWS;
use crate::rule::Mapping::{Attack, Cis, Nsa, Owasp};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{Test, Value, item, object, pod, this};
use crate::world::{Sink, World};
use model::action::FixClass::NeedsTest;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Origin;
use model::vulnerability::Severity::{Low, Medium};
use semantics::json::{Json, Node, Places};

const CONTROL_PLANE: &[&str] = &[
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
];
/// Where the cluster keeps what it is made of.
const OUTSIDE_SYSTEM: Test = Test::Not(&Test::In(
    object(&["metadata", "namespace"]),
    &["kube-system"],
));

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-090",
        slug: "system-priority",
        severity: Low,
        title: "pod has the priority of the cluster's own parts",
        why: "it pushes others, CoreDNS included, off a full node, and is never pushed off itself",
        advice: "make a PriorityClass below 1000000000 for what matters",
        maps: &[Attack("T1499"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::In(
                    pod(&["priorityClassName"]),
                    &["system-cluster-critical", "system-node-critical"],
                ),
                // Agents of every node are parts of the cluster wherever they live.
                Test::Not(&Test::Is(object(&["kind"]), Value::Text("DaemonSet"))),
                OUTSIDE_SYSTEM,
            ]),
            at: pod(&["priorityClassName"]),
        },
        fix: Fix::Remove(pod(&["priorityClassName"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-091",
        slug: "runs-on-control-plane",
        severity: Medium,
        title: "workload may run on control plane nodes",
        why: "an escape from it lands beside etcd and the cluster's keys, not on a worker. Operators of the cluster itself are \
              sometimes put there on purpose",
        advice: "remove the toleration; workers have no such taint",
        maps: &[Attack("T1611"), Nsa("separate nodes"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::Some(
                    pod(&["tolerations"]),
                    &Test::Any(&[
                        Test::In(item(&["key"]), CONTROL_PLANE),
                        Test::All(&[
                            Test::Empty(item(&["key"])),
                            Test::Is(item(&["operator"]), Value::Text("Exists")),
                            Test::Not(&Test::Is(item(&["effect"]), Value::Text("NoExecute"))),
                        ]),
                    ]),
                ),
                Test::Not(&Test::Is(object(&["kind"]), Value::Text("DaemonSet"))),
                // Static pods and pods of DaemonSets tolerate everything.
                Test::Not(&Test::Some(
                    object(&["metadata", "ownerReferences"]),
                    &Test::In(item(&["kind"]), &["DaemonSet", "Node"]),
                )),
                OUTSIDE_SYSTEM,
            ]),
            at: pod(&["tolerations"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-092",
        slug: "names-its-node",
        severity: Low,
        title: "template names the node that it runs on",
        why: "the scheduler is passed over, and with it taints, free room and affinity: the pod lands on that node, a control \
              plane node too",
        advice: "use a nodeSelector with a label of the node",
        maps: &[Attack("T1610"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::Not(&Test::Empty(pod(&["nodeName"]))),
                // A pod that was scheduled has it from the scheduler.
                Test::Any(&[
                    Test::Not(&Test::Is(object(&["kind"]), Value::Text("Pod"))),
                    Test::Empty(object(&["status", "phase"])),
                ]),
                Test::Not(&Test::Some(
                    object(&["metadata", "ownerReferences"]),
                    &Test::In(item(&["kind"]), &["Node"]),
                )),
            ]),
            at: pod(&["nodeName"]),
        },
        fix: Fix::Remove(pod(&["nodeName"]), NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-093",
        slug: "in-default-namespace",
        severity: Low,
        title: "workload lives in the namespace default",
        why: "policies, quotas and rights are set by namespace, and there everything that named none comes together",
        advice: "give the application a namespace",
        maps: &[Cis("5.6.4"), Nsa("namespace separation"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::In(object(&["metadata", "namespace"]), &["default"]),
            at: object(&["metadata", "namespace"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-094",
        slug: "memory-without-limit",
        severity: Low,
        title: "container may take all memory of its node",
        why: "a leak or an attack on it pushes its neighbours off the node. Where a LimitRange of the namespace gives a limit, \
              pods have one that their template does not show",
        advice: "set resources.limits.memory to what it needs at most",
        maps: &[Nsa("resource policies"), Attack("T1499"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Lasting),
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&["resources", "limits", "memory"]))),
                // Limits of the pod as a whole (KEP-2837).
                Test::Not(&Test::Set(pod(&["resources", "limits", "memory"]))),
            ]),
            at: this(&["resources", "limits", "memory"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-095",
        slug: "storage-without-limit",
        severity: Low,
        title: "container may fill the disk of its node",
        why: "logs, caches or an attacker fill it until the kubelet evicts pods. Few set it, so this is asked only on demand",
        advice: "set resources.limits.ephemeral-storage, and sizeLimit of each emptyDir",
        maps: &[Nsa("resource policies"), Attack("T1499"), Owasp("K04")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Lasting),
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&[
                    "resources",
                    "limits",
                    "ephemeral-storage",
                ]))),
                NOT_WINDOWS,
            ]),
            at: this(&["resources", "limits", "ephemeral-storage"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-096",
        slug: "debug-container-left",
        severity: Low,
        title: "debug container was left in a pod",
        why: "it brings tools and often more rights than the application, runs until the pod is deleted, and may be the trace \
              of an intruder",
        advice: "ask who started it; delete the pod, its controller makes a clean one",
        maps: &[Attack("T1609"), Attack("T1610"), Owasp("K01")],
        form: Form::World(debug_container_left),
        ..Rule::ROW
    },
];

/// Templates have none, so the pods themselves are asked.
fn debug_container_left(world: &World<'_>, sink: &mut Sink<'_>) {
    const LIST: &str = "ephemeralContainers";
    let snapshot = world.snapshot;
    if snapshot.origin == Origin::Live && !snapshot.saw_all("", "Pod") {
        sink.unknown(Gap {
            class: "pods-not-seen".into(),
            what: "pods were not listed completely: debug containers in the others are not seen"
                .into(),
            stage: Stage::Relate,
            scope: "pods".into(),
            weight: GapWeight::Hides,
            close: "allow get and list on pods".into(),
        });
    }
    let has = |json: &[u8]| {
        let key = b"\"ephemeralContainers\"";
        json.windows(key.len()).any(|part| part == key)
    };
    for (index, object) in (0u32..).zip(&snapshot.objects) {
        if !object.gvk.group.is_empty() || &*object.gvk.kind != "Pod" {
            continue;
        }
        sink.looked(1);
        if !has(&object.json) {
            continue;
        }
        let Ok(tree) = Json::parse(&object.json) else {
            continue;
        };
        let places = Places::default();
        let root = Node::new(&tree, &places);
        let containers = root.get("spec").list(LIST).enumerate();
        for (number, container) in containers {
            sink.found(
                &object.reference(),
                Some(index),
                container.text("name"),
                format!("/spec/{LIST}/{number}"),
                format!(
                    "it runs {}",
                    container
                        .text("image")
                        .unwrap_or("an image that is not named")
                ),
            );
        }
    }
}
