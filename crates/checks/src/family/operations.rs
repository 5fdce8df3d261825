//! OPS: what keeps a workload running. Reliability and taste: asked only on demand.

use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::run::each_pod;
use crate::test::{FALSE, Test, Value, object, pod, this};
use crate::world::{Sink, World};
use model::action::FixClass::{Equivalent, NeedsTest};
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Origin;
use model::vulnerability::Severity::{Low, Medium};
use model::workload::WorkloadState;
use semantics::json::{Json, Node, Places};
use semantics::view::Labels;

const LASTING: Scope = Scope::Containers(Containers::Lasting);
const DEPLOYMENT: Scope = Scope::Objects(&[("apps", "Deployment")]);
/// What ends is not probed and not spread.
const SERVES: Test = Test::Not(&Test::In(object(&["kind"]), &["Job", "CronJob"]));
const OFF: Rule = Rule {
    severity: Low,
    on: false,
    ..Rule::ROW
};

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-OPS-001",
        slug: "liveness-probe-missing",
        title: "nothing notices that the container hangs",
        why: "a process that neither ends nor answers is kept for ever. Where it ends by itself on every error none is needed",
        advice: "add a livenessProbe that asks for the process alone, not for what it depends on",
        form: Form::Each {
            scope: LASTING,
            violated: Test::All(&[Test::Not(&Test::Set(this(&["livenessProbe"]))), SERVES]),
            at: this(&["livenessProbe"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-002",
        slug: "readiness-probe-missing",
        title: "container gets traffic before it is ready",
        why: "Services send requests as soon as it starts, and rollouts go on over versions that do not work",
        advice: "add a readinessProbe",
        form: Form::Each {
            scope: LASTING,
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&["readinessProbe"]))),
                Test::Not(&Test::Empty(this(&["ports"]))),
                SERVES,
            ]),
            at: this(&["readinessProbe"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-003",
        slug: "single-replica",
        title: "workload has one replica",
        why: "each update of the node or of itself is an outage",
        advice: "run two, or say that the outage is accepted",
        form: Form::Each {
            scope: DEPLOYMENT,
            violated: Test::Any(&[
                Test::Not(&Test::Set(this(&["spec", "replicas"]))),
                Test::Is(this(&["spec", "replicas"]), Value::Int(1)),
            ]),
            at: this(&["spec", "replicas"]),
        },
        fix: Fix::Set(this(&["spec", "replicas"]), "2", NeedsTest),
        ..OFF
    },
    Rule {
        id: "KP-OPS-004",
        slug: "disruption-budget-missing",
        title: "no disruption budget covers the workload",
        why: "draining nodes, as updates do, may take all of its replicas at once",
        advice: "add a PodDisruptionBudget with maxUnavailable 1",
        form: Form::World(disruption_budget_missing),
        ..OFF
    },
    Rule {
        id: "KP-OPS-005",
        slug: "disruption-budget-blocks",
        severity: Medium,
        title: "disruption budget allows no disruption",
        why: "no node of its pods can be drained, so nodes are not updated or are updated by force",
        advice: "allow one with maxUnavailable 1, and run more than one replica",
        form: Form::Each {
            scope: Scope::Objects(&[("policy", "PodDisruptionBudget")]),
            violated: Test::Any(&[
                Test::Is(this(&["spec", "maxUnavailable"]), Value::Int(0)),
                Test::Is(this(&["spec", "maxUnavailable"]), Value::Text("0%")),
                Test::Is(this(&["spec", "minAvailable"]), Value::Text("100%")),
            ]),
            at: this(&["spec"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-006",
        slug: "replicas-not-spread",
        title: "replicas may all run on one node",
        why: "the scheduler spreads them only as far as it likes: one node's failure may be an outage",
        advice: "add topologySpreadConstraints over kubernetes.io/hostname",
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::Above(object(&["spec", "replicas"]), 1),
                Test::Empty(pod(&["topologySpreadConstraints"])),
                Test::Empty(pod(&["affinity", "podAntiAffinity"])),
            ]),
            at: pod(&["topologySpreadConstraints"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-007",
        slug: "recreate-strategy",
        title: "updates stop all replicas first",
        why: "each update is an outage. Programs that must not run twice at a time need it",
        advice: "use RollingUpdate where two versions may run side by side",
        form: Form::Each {
            scope: DEPLOYMENT,
            violated: Test::Is(this(&["spec", "strategy", "type"]), Value::Text("Recreate")),
            at: this(&["spec", "strategy", "type"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-008",
        slug: "rollout-stops-all",
        title: "rolling update may stop all replicas at once",
        why: "maxUnavailable of 100% makes an outage of each update",
        advice: "leave it at the default of 25%",
        form: Form::Each {
            scope: DEPLOYMENT,
            violated: Test::Is(
                this(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]),
                Value::Text("100%"),
            ),
            at: this(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]),
        },
        fix: Fix::Set(
            this(&["spec", "strategy", "rollingUpdate", "maxUnavailable"]),
            "\"25%\"",
            NeedsTest,
        ),
        ..OFF
    },
    Rule {
        id: "KP-OPS-009",
        slug: "cpu-request-missing",
        title: "container asks for no CPU",
        why: "the scheduler counts it as nothing, and on a busy node it gets next to nothing",
        advice: "set resources.requests.cpu to what it uses on an ordinary day",
        form: Form::Each {
            scope: LASTING,
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&["resources", "requests", "cpu"]))),
                // SetDefaults_Pod: the limit is the request where none is given.
                Test::Not(&Test::Set(this(&["resources", "limits", "cpu"]))),
            ]),
            at: this(&["resources", "requests", "cpu"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-010",
        slug: "memory-request-missing",
        title: "container asks for no memory",
        why: "the scheduler counts it as nothing, and it is the first to be evicted when memory runs out",
        advice: "set resources.requests.memory to what it uses on an ordinary day",
        form: Form::Each {
            scope: LASTING,
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&["resources", "requests", "memory"]))),
                Test::Not(&Test::Set(this(&["resources", "limits", "memory"]))),
            ]),
            at: this(&["resources", "requests", "memory"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-011",
        slug: "autoscaler-cannot-scale",
        title: "autoscaler may not go beyond one replica",
        why: "it is there and does nothing",
        advice: "raise maxReplicas, or delete it",
        form: Form::Each {
            scope: Scope::Objects(&[("autoscaling", "HorizontalPodAutoscaler")]),
            violated: Test::Below(this(&["spec", "maxReplicas"]), 2),
            at: this(&["spec", "maxReplicas"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-012",
        slug: "priority-missing",
        title: "workload has no priority",
        why: "when room runs out the scheduler cannot tell what matters from what does not",
        advice: "name a PriorityClass, or make one the default of the cluster",
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::All(&[
                Test::Empty(pod(&["priorityClassName"])),
                // What the API server made of a default class (Priority admission).
                Test::Not(&Test::Set(pod(&["priority"]))),
            ]),
            at: pod(&["priorityClassName"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-013",
        slug: "killed-at-once",
        title: "pod is killed without time to end",
        why: "with a grace period of 0 it is taken off by force: requests break, and a StatefulSet's pod may run twice",
        advice: "leave the default of 30 seconds",
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Is(pod(&["terminationGracePeriodSeconds"]), Value::Int(0)),
            at: pod(&["terminationGracePeriodSeconds"]),
        },
        fix: Fix::Remove(pod(&["terminationGracePeriodSeconds"]), Equivalent),
        ..OFF
    },
    Rule {
        id: "KP-OPS-014",
        slug: "job-never-removed",
        title: "finished job is never removed",
        why: "jobs and their pods pile up in the API server. Those of a CronJob are counted there",
        advice: "set ttlSecondsAfterFinished",
        form: Form::Each {
            scope: Scope::Objects(&[("batch", "Job")]),
            violated: Test::All(&[
                Test::Not(&Test::Set(this(&["spec", "ttlSecondsAfterFinished"]))),
                Test::Empty(this(&["metadata", "ownerReferences"])),
            ]),
            at: this(&["spec", "ttlSecondsAfterFinished"]),
        },
        fix: Fix::Set(
            this(&["spec", "ttlSecondsAfterFinished"]),
            "86400",
            NeedsTest,
        ),
        ..OFF
    },
    Rule {
        id: "KP-OPS-015",
        slug: "cron-job-overlaps",
        title: "runs of a CronJob may overlap",
        why: "a run that takes longer than the interval has the next one beside it, then the one after that",
        advice: "set concurrencyPolicy to Forbid, or Replace",
        form: Form::Each {
            scope: Scope::Objects(&[("batch", "CronJob")]),
            violated: Test::Not(&Test::In(
                this(&["spec", "concurrencyPolicy"]),
                &["Forbid", "Replace"],
            )),
            at: this(&["spec", "concurrencyPolicy"]),
        },
        fix: Fix::Set(
            this(&["spec", "concurrencyPolicy"]),
            "\"Forbid\"",
            NeedsTest,
        ),
        ..OFF
    },
    Rule {
        id: "KP-OPS-016",
        slug: "job-without-deadline",
        title: "job may run for ever",
        why: "a run that hangs holds its room, and with Forbid it holds up all that follow",
        advice: "set activeDeadlineSeconds",
        form: Form::Each {
            scope: Scope::Objects(&[("batch", "Job")]),
            violated: Test::Not(&Test::Set(this(&["spec", "activeDeadlineSeconds"]))),
            at: this(&["spec", "activeDeadlineSeconds"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-017",
        slug: "pod-without-controller",
        title: "pod has no controller",
        why: "nothing starts it again elsewhere when its node fails or is drained",
        advice: "make it a Deployment or a Job",
        form: Form::Each {
            scope: Scope::Objects(&[("", "Pod")]),
            violated: Test::Empty(this(&["metadata", "ownerReferences"])),
            at: this(&["metadata", "ownerReferences"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-018",
        slug: "service-selects-nothing",
        title: "service selects no workload",
        why: "whoever calls it gets no answer; and whoever may create pods with these labels gets its traffic",
        advice: "correct the selector, or delete the service",
        form: Form::World(service_selects_nothing),
        ..OFF
    },
    Rule {
        id: "KP-OPS-019",
        slug: "empty-dir-without-limit",
        title: "emptyDir has no size limit",
        why: "it may fill the node's disk, or its memory where the medium is Memory",
        advice: "set sizeLimit",
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::All(&[
                Test::Set(this(&["emptyDir"])),
                Test::Not(&Test::Set(this(&["emptyDir", "sizeLimit"]))),
            ]),
            at: this(&["emptyDir", "sizeLimit"]),
        },
        ..OFF
    },
    Rule {
        id: "KP-OPS-020",
        slug: "service-links",
        title: "pod gets a variable for every service of its namespace",
        why: "names may collide with settings of the application, and thousands of services make it start slowly",
        advice: "set enableServiceLinks to false",
        form: Form::Each {
            scope: Scope::Pod,
            violated: Test::Not(&Test::Is(pod(&["enableServiceLinks"]), FALSE)),
            at: pod(&["enableServiceLinks"]),
        },
        fix: Fix::Set(pod(&["enableServiceLinks"]), "false", NeedsTest),
        ..OFF
    },
    Rule {
        id: "KP-OPS-021",
        slug: "no-way-back",
        title: "deployment keeps no version to go back to",
        why: "kubectl rollout undo has nothing to undo to",
        advice: "leave revisionHistoryLimit at its default",
        form: Form::Each {
            scope: DEPLOYMENT,
            violated: Test::Is(this(&["spec", "revisionHistoryLimit"]), Value::Int(0)),
            at: this(&["spec", "revisionHistoryLimit"]),
        },
        fix: Fix::Remove(this(&["spec", "revisionHistoryLimit"]), NeedsTest),
        ..OFF
    },
    Rule {
        id: "KP-OPS-022",
        slug: "probe-of-dependency",
        title: "liveness probe waits long for an answer",
        why: "a time-out of more than 30 seconds mostly means that it asks what others are slow to give; all replicas restart \
              when those fail",
        advice: "let liveness ask for the process alone",
        form: Form::Each {
            scope: LASTING,
            violated: Test::Above(this(&["livenessProbe", "timeoutSeconds"]), 30),
            at: this(&["livenessProbe", "timeoutSeconds"]),
        },
        ..OFF
    },
];

/// What a budget selects, as far as it is understood.
struct Budget<'s> {
    namespace: Option<&'s str>,
    labels: Vec<(String, String)>,
    /// Expressions are not read: it may select anything.
    open: bool,
}

fn disruption_budget_missing(world: &World<'_>, sink: &mut Sink<'_>) {
    let snapshot = world.snapshot;
    if snapshot.origin == Origin::Live && !snapshot.saw_all("policy", "PodDisruptionBudget") {
        sink.unknown(gap("PodDisruptionBudget"));
        return;
    }
    let budgets: Vec<Budget<'_>> = snapshot
        .of_kind("policy", "PodDisruptionBudget")
        .iter()
        .map(|object| {
            let mut budget = Budget {
                namespace: object.namespace.as_deref(),
                labels: Vec::new(),
                open: true,
            };
            if let Ok(tree) = Json::parse(&object.json) {
                let places = Places::default();
                let selector = Node::new(&tree, &places).at(&["spec", "selector"]);
                budget.open = !selector.get("matchExpressions").is_empty();
                let equals = selector.get("matchLabels").entries();
                budget.labels = equals
                    .filter_map(|(key, value)| Some((key.to_owned(), value.as_text()?.to_owned())))
                    .collect();
            }
            budget
        })
        .collect();
    for view in &world.inventory.workloads {
        let workload = &view.workload;
        let kind = &*workload.object.kind;
        let replicated = matches!(kind, "Deployment" | "StatefulSet" | "ReplicaSet")
            && workload.state == WorkloadState::Active;
        let Some(at) = view.object.filter(|_| replicated) else {
            continue;
        };
        let object = snapshot.objects.get(at as usize);
        let Some(Ok(tree)) = object.map(|object| Json::parse(&object.json)) else {
            continue;
        };
        let places = Places::default();
        let replicas = Node::new(&tree, &places).get("spec").int("replicas");
        if replicas.is_none_or(|replicas| replicas < 2) {
            continue;
        }
        sink.looked(1);
        let covered = budgets.iter().any(|budget| {
            budget.namespace == workload.object.namespace.as_deref()
                && (budget.open || selects(&budget.labels, &view.pod_labels))
        });
        if !covered {
            sink.object(world, at, "", "no PodDisruptionBudget selects its pods");
        }
    }
}

fn selects(wanted: &[(String, String)], labels: &Labels) -> bool {
    let holds =
        |(key, value): &(String, String)| labels.get(&**key).is_some_and(|own| **own == **value);
    wanted.iter().all(holds)
}

/// Namespace and labels of a pod's template.
type Selectable = (Option<String>, Vec<(String, String)>);

fn service_selects_nothing(world: &World<'_>, sink: &mut Sink<'_>) {
    let snapshot = world.snapshot;
    // Files need not hold the workload; what was not listed may be it.
    if snapshot.origin == Origin::Files || !snapshot.saw_all("", "Pod") {
        if !world.inventory.services.is_empty() {
            sink.unknown(gap("Pod"));
        }
        return;
    }
    let mut templates: Vec<Selectable> = Vec::new();
    each_pod(world, |object, _, _, pod| {
        let labels = pod.at(&["metadata", "labels"]).entries();
        let labels =
            labels.filter_map(|(key, value)| Some((key.to_owned(), value.as_text()?.to_owned())));
        templates.push((
            object.namespace.as_deref().map(str::to_owned),
            labels.collect(),
        ));
    });
    let services = (0u32..).zip(&snapshot.objects);
    let services = services.filter(|(_, o)| o.gvk.group.is_empty() && &*o.gvk.kind == "Service");
    for (index, object) in services {
        let key = (
            object.namespace.as_deref().unwrap_or("default"),
            &*object.name,
        );
        let all = &world.inventory.services;
        let found = all.binary_search_by(|one| (&*one.namespace, &*one.name).cmp(&key));
        let Some(service) = found.ok().and_then(|at| all.get(at)) else {
            continue;
        };
        if service.selector.is_empty() || &*service.kind == "ExternalName" {
            continue;
        }
        sink.looked(1);
        let some = templates.iter().any(|(namespace, labels)| {
            namespace.as_deref() == object.namespace.as_deref()
                && service
                    .selector
                    .iter()
                    .all(|(key, value)| labels.iter().any(|(k, v)| **k == **key && **v == **value))
        });
        if !some {
            sink.object(
                world,
                index,
                "/spec/selector",
                "no workload has these labels",
            );
        }
    }
}

fn gap(kind: &str) -> Gap {
    Gap {
        class: "kind-not-seen".into(),
        what: format!("objects of kind {kind} were not seen completely").into(),
        stage: Stage::Relate,
        scope: kind.into(),
        weight: GapWeight::Notice,
        close: format!("allow get and list on {kind}").into(),
    }
}
