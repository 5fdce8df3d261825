//! QUO: what one namespace may take from the others.

use super::network::coverage::held_workloads;
use crate::rule::Mapping::{Attack, Microsoft, Nsa, Owasp};
use crate::rule::{Form, Rule, Scope};
use crate::test::{Test, Value, item, this};
use crate::world::{Sink, World};
use model::object::ObjectRef;
use model::vulnerability::Severity::Low;
use std::collections::{BTreeMap, BTreeSet};

const QUOTAS: &[(&str, &str)] = &[("", "ResourceQuota")];
const RANGES: &[(&str, &str)] = &[("", "LimitRange")];

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-QUO-001",
        slug: "namespace-without-quota",
        severity: Low,
        title: "namespace may take everything that the cluster has",
        why: "a fork bomb, a miner or a broken autoscaler in it starves the pods of all others; a cluster of one team has no others",
        advice: "add a ResourceQuota with limits.memory, requests.cpu and pods",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::World(without_quota),
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-002",
        slug: "quota-without-memory",
        severity: Low,
        title: "quotas of the namespace leave memory open",
        why: "memory is what nodes run out of first: pods of other namespaces are killed for it",
        advice: "add limits.memory to spec.hard",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::World(without_memory),
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-003",
        slug: "quota-without-pods",
        severity: Low,
        title: "quotas of the namespace leave the number of pods open",
        why: "small pods use up addresses and the places of nodes",
        advice: "add pods to spec.hard",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::World(without_pods),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-004",
        slug: "quota-without-load-balancers",
        severity: Low,
        title: "quotas of the namespace leave load balancers and node ports open",
        why: "who may write a Service opens the namespace to the internet as often as he likes, and each costs money",
        advice: "add services.loadbalancers and services.nodeports to spec.hard",
        maps: &[Nsa("resource policies"), Owasp("K06")],
        form: Form::World(without_load_balancers),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-005",
        slug: "quota-only-for-some-pods",
        severity: Low,
        title: "quotas of the namespace count some of its pods only",
        why: "all have scopes: pods of another priority or kind are not counted by any",
        advice: "add a quota without scopes",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::World(only_scoped),
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-006",
        slug: "quota-of-nothing",
        severity: Low,
        title: "quota limits nothing",
        why: "without spec.hard it looks as if the namespace were limited",
        advice: "add limits.memory, requests.cpu and pods to spec.hard",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Objects(QUOTAS),
            violated: Test::Empty(this(&["spec", "hard"])),
            at: this(&["spec", "hard"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-007",
        slug: "quota-reached",
        severity: Low,
        title: "quota is used up",
        why: "the next pod is refused, one that replaces a dead one too",
        advice: "raise the limit, or find out what takes so much",
        maps: &[Nsa("resource policies")],
        form: Form::World(reached),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-010",
        slug: "namespace-without-limit-range",
        severity: Low,
        title: "containers of the namespace get no limits by default",
        why: "a container that says nothing may take the memory of its node",
        advice: "add a LimitRange with a default for memory",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::World(without_limit_range),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-QUO-011",
        slug: "limit-range-without-memory",
        severity: Low,
        title: "LimitRange gives containers no memory limit",
        why: "a container that says nothing may take the memory of its node",
        advice: "add default.memory to the item of type Container",
        maps: &[
            Nsa("resource policies"),
            Attack("T1499"),
            Microsoft("Denial of service"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::Objects(RANGES),
            violated: Test::Not(&Test::Some(
                this(&["spec", "limits"]),
                &Test::All(&[
                    Test::Is(item(&["type"]), Value::Text("Container")),
                    Test::Any(&[
                        Test::Set(item(&["default", "memory"])),
                        Test::Set(item(&["max", "memory"])),
                    ]),
                ]),
            )),
            at: this(&["spec", "limits"]),
        },
        on: false,
        ..Rule::ROW
    },
];

/// The quotas of one namespace, together.
#[derive(Default)]
struct Quotas {
    count: usize,
    scoped: usize,
    hard: BTreeSet<String>,
}

fn quotas(world: &World<'_>) -> BTreeMap<String, Quotas> {
    let mut all: BTreeMap<String, Quotas> = BTreeMap::new();
    world.each("", "ResourceQuota", |object, root| {
        let namespace = object.namespace.as_deref().unwrap_or("default");
        let of = all.entry(namespace.to_owned()).or_default();
        let spec = root.get("spec");
        of.count += 1;
        let scopes = !spec.get("scopes").is_empty() || !spec.get("scopeSelector").is_empty();
        of.scoped += usize::from(scopes);
        of.hard
            .extend(spec.get("hard").entries().map(|(key, _)| key.to_owned()));
    });
    all
}

/// Namespaces of users with workloads. Of files only those that the files make: quotas of others are elsewhere.
fn used<'a>(world: &World<'a>) -> BTreeSet<&'a str> {
    let inventory = world.inventory;
    let seen: BTreeSet<&str> = inventory
        .namespaces
        .iter()
        .filter(|one| one.seen)
        .map(|one| &*one.name)
        .collect();
    held_workloads(world)
        .map(|(view, _)| &*view.workload.key.namespace)
        .filter(|name| seen.contains(name))
        .collect()
}

fn tell(world: &World<'_>, sink: &mut Sink<'_>, namespace: &str, says: String) {
    let object = ObjectRef::new("", "Namespace", None, namespace);
    sink.about(world, &object, "", says);
}

/// Namespaces without an object of a kind.
fn without(world: &World<'_>, sink: &mut Sink<'_>, kind: &str) {
    if !sink.saw(world, "", kind) || !sink.saw(world, "", "Namespace") {
        return;
    }
    let there: BTreeSet<&str> = world
        .snapshot
        .of_kind("", kind)
        .iter()
        .map(|object| object.namespace.as_deref().unwrap_or("default"))
        .collect();
    for namespace in used(world) {
        sink.looked(1);
        if !there.contains(namespace) {
            tell(world, sink, namespace, format!("it has no {kind}"));
        }
    }
}

fn without_quota(world: &World<'_>, sink: &mut Sink<'_>) {
    without(world, sink, "ResourceQuota");
}

fn without_limit_range(world: &World<'_>, sink: &mut Sink<'_>) {
    without(world, sink, "LimitRange");
}

/// Namespaces whose quotas name none of these resources.
fn unbounded(world: &World<'_>, sink: &mut Sink<'_>, resources: &[&str], what: &str) {
    if !sink.saw(world, "", "ResourceQuota") {
        return;
    }
    for (namespace, of) in quotas(world) {
        // One that limits nothing is said elsewhere.
        if of.hard.is_empty() {
            continue;
        }
        sink.looked(1);
        if !resources.iter().any(|name| of.hard.contains(*name)) {
            let says = format!("none of its {} quotas limits {what}", of.count);
            tell(world, sink, &namespace, says);
        }
    }
}

fn without_memory(world: &World<'_>, sink: &mut Sink<'_>) {
    unbounded(
        world,
        sink,
        &["limits.memory", "requests.memory", "memory"],
        "memory",
    );
}

fn without_pods(world: &World<'_>, sink: &mut Sink<'_>) {
    unbounded(world, sink, &["pods", "count/pods"], "pods");
}

fn without_load_balancers(world: &World<'_>, sink: &mut Sink<'_>) {
    let names = ["services.loadbalancers", "services", "count/services"];
    unbounded(world, sink, &names, "load balancers");
}

fn only_scoped(world: &World<'_>, sink: &mut Sink<'_>) {
    if !sink.saw(world, "", "ResourceQuota") {
        return;
    }
    for (namespace, of) in quotas(world) {
        sink.looked(1);
        if of.scoped == of.count && of.count == 1 {
            let says = "its one quota has scopes".to_owned();
            tell(world, sink, &namespace, says);
        }
    }
}

fn reached(world: &World<'_>, sink: &mut Sink<'_>) {
    sink.saw(world, "", "ResourceQuota");
    world.each("", "ResourceQuota", |object, root| {
        let status = root.get("status");
        if status.is_absent() {
            return;
        }
        sink.looked(1);
        let text = |node: semantics::json::Node<'_>| node.shown();
        for (key, hard) in status.get("hard").entries() {
            let used = status.at(&["used", key]);
            if !used.is_absent() && text(used) == text(hard) {
                let pointer = format!("/spec/hard/{}", semantics::json::escape(key));
                let says = format!("{key} is used up");
                sink.about(world, &object.reference(), pointer, says);
            }
        }
    });
}
