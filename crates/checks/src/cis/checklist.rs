//! The ten points of the hardening checklist, each answered as a control of a benchmark is.
//! Comes in: a World. Goes out: ten points, each with evidence and what to type next. Never: a pass without evidence.

use super::policies::{self, about, of_cluster, unseen};
use super::{Control, How};
use crate::component::{Components, Seen, Verdict, gap};
use crate::world::World;
use model::benchmark::{Answer, Point, State};
use model::object::ObjectRef;
use model::workload::Environment;
use std::collections::BTreeSet;

/// Evidence of one point that is told.
const TOLD: usize = 4;

/// Node evidence that is older is no weekly look.
const WEEK_IN_HOURS: i64 = 7 * 24;

const POINTS: [Control; 10] = [
    Control {
        number: "1",
        title: "Production namespaces enforce the restricted Pod Security Standard",
        level: 1,
        how: How::Ask(
            production,
            "plimsoll scan cluster --profile namespace-could-restrict, then \
             kubectl label ns NAME pod-security.kubernetes.io/enforce=restricted",
        ),
    },
    Control {
        number: "2",
        title: "Nothing may send or receive unless a network policy says so",
        level: 1,
        how: How::Rules(&[
            "policies-not-enforced",
            "namespace-open-ingress",
            "namespace-open-egress",
        ]),
    },
    Control {
        number: "3",
        title: "Secrets are encrypted in etcd, with AES-GCM or better",
        level: 1,
        how: How::Rules(&[
            "secrets-in-plain-text",
            "secrets-with-aescbc",
            "encryption-key-short",
        ]),
    },
    Control {
        number: "4",
        title: "Images are scanned in CI, and admission refuses those with critical flaws",
        level: 1,
        how: How::Ask(
            scanned_images,
            "plimsoll scan image IMAGE --fail-on critical in the pipeline, and a policy that asks for its attestation",
        ),
    },
    Control {
        number: "5",
        title: "The CIS benchmark is answered every week",
        level: 1,
        how: How::Ask(
            weekly,
            "plimsoll scan node --host-root / -o NODE.json on each node, then \
             plimsoll cis --live --node-evidence NODE.json",
        ),
    },
    Control {
        number: "6",
        title: "Nobody holds a wildcard",
        level: 1,
        how: How::Rules(&[
            "wildcard-everything",
            "wildcard-everything-in-namespace",
            "wildcard-resources",
            "wildcard-verbs",
            "cluster-admin-account",
        ]),
    },
    Control {
        number: "7",
        title: "Images hold no shell and nothing that the program does not need",
        level: 1,
        how: How::Ask(
            minimal_images,
            "build on a distroless or static base; plimsoll explain IMAGE says what is in it",
        ),
    },
    Control {
        number: "8",
        title: "The audit log is written and leaves the node",
        level: 1,
        how: How::Rules(&["audit-off", "audit-only-on-node", "audit-misses-secrets"]),
    },
    Control {
        number: "9",
        title: "Signatures of images are verified at admission",
        level: 1,
        how: How::Ask(
            policies::image_provenance,
            "put a policy in force that verifies signatures (sigstore policy-controller, Kyverno verifyImages)",
        ),
    },
    Control {
        number: "10",
        title: "Tokens of service accounts are short-lived",
        level: 1,
        how: How::Rules(&[
            "legacy-token-secret",
            "long-token",
            "service-account-tokens-extended",
        ]),
    },
];

/// The ten points, in their order.
pub fn checklist(world: &World<'_>) -> Vec<Point> {
    let components = Components::of_world(*world);
    (1u8..)
        .zip(&POINTS)
        .map(|(number, control)| point(number, control.answer(&components)))
        .collect()
}

fn point(number: u8, answer: Answer) -> Point {
    // What cannot apply here was not shown to hold: nobody gets a point for it.
    let verdict = match answer.state {
        State::Pass => State::Pass,
        State::Fail => State::Fail,
        State::NotApplicable | State::Unknown | State::Manual => State::Unknown,
    };
    let missing = answer.missing.iter().map(|gap| gap.what.to_string());
    let seen = answer.evidence.iter().map(|seen| {
        if &*seen.object.kind == "Cluster" {
            seen.value.to_string()
        } else {
            format!("{}: {}", seen.object, seen.value)
        }
    });
    let all: Vec<String> = match verdict {
        State::Unknown => missing.chain(seen).collect(),
        _ => seen.collect(),
    };
    let more = (all.len() as u64)
        .saturating_add(answer.more)
        .saturating_sub(TOLD as u64);
    let mut evidence: Vec<_> = all.into_iter().take(TOLD).map(Into::into).collect();
    if more > 0 {
        evidence.push(format!("{more} more").into());
    }
    let close = answer.missing.iter().find(|gap| !gap.close.is_empty());
    let next = match (verdict, close) {
        (State::Pass, _) => "".into(),
        (State::Unknown, Some(gap)) => gap.close.clone(),
        _ => answer.remediation,
    };
    Point {
        number,
        title: answer.title,
        verdict,
        evidence,
        next,
    }
}

/// Namespaces of what is declared to be production; where nothing is declared, all that have workloads of users.
fn production(components: &Components<'_>) -> Vec<Seen> {
    let names: BTreeSet<&str> = policies::workloads(components)
        .filter(|view| view.workload.environment == Some(Environment::Production))
        .filter_map(|view| view.workload.object.namespace.as_deref())
        .collect();
    let mut all = policies::restricted(components);
    if !names.is_empty() {
        all.retain(|one| &*one.object.kind != "Namespace" || names.contains(&*one.object.name));
    }
    all
}

/// What CI does is not in the cluster; an admission policy that asks for the scan's attestation is.
fn scanned_images(components: &Components<'_>) -> Vec<Seen> {
    let asks = |object: &&model::snapshot::Object| {
        let text = String::from_utf8_lossy(&object.json);
        text.contains("attestation/vuln") && !text.contains("\"Audit\"")
    };
    let kinds = [
        "ClusterPolicy",
        "Policy",
        "ClusterImagePolicy",
        "ImageValidatingPolicy",
    ];
    let mut policies = components.world.snapshot.objects.iter();
    if let Some(object) = policies.find(|one| kinds.contains(&&*one.gvk.kind) && asks(one)) {
        return vec![about(
            components,
            &object.reference(),
            "it asks for the attestation of a vulnerability scan".to_owned(),
            Verdict::Good,
        )];
    }
    vec![unseen(
        "an admission policy that asks for the attestation of a vulnerability scan; what CI does cannot be seen in a cluster",
        "plimsoll scan image IMAGE --fail-on critical in the pipeline",
    )]
}

/// Evidence of nodes, not older than a week.
fn weekly(components: &Components<'_>) -> Vec<Seen> {
    let beside = components.world.beside;
    let mut all = Vec::new();
    for host in &beside.hosts {
        let (Some(taken), Some(now)) = (host.taken_at, beside.now) else {
            continue;
        };
        let hours = now.duration_since(taken).as_hours();
        let name = host.node.as_deref().unwrap_or("this host");
        let verdict = if hours <= WEEK_IN_HOURS {
            Verdict::Good
        } else {
            Verdict::Bad
        };
        let node = ObjectRef::new("", "Node", None, name);
        let says = format!("looked at from inside {} days ago", hours.max(0) / 24);
        all.push(about(components, &node, says, verdict));
    }
    let seen: BTreeSet<&str> = beside
        .hosts
        .iter()
        .filter_map(|host| host.node.as_deref())
        .collect();
    let nodes = &components.world.inventory.nodes;
    let unseen_nodes = nodes
        .iter()
        .filter(|node| !seen.contains(&*node.name))
        .count();
    if all.is_empty() || unseen_nodes > 0 {
        let what = match unseen_nodes {
            0 => "no node was looked at from inside".to_owned(),
            count => format!(
                "{count} of {} nodes were not looked at from inside",
                nodes.len()
            ),
        };
        let close = "plimsoll scan node --host-root / -o NODE.json on each node";
        let gap = gap("control-not-seen", what.clone(), "nodes", close);
        all.push(of_cluster(what, Verdict::Unknown(gap)));
    }
    all
}

/// Images that run and were looked into: none has a shell.
fn minimal_images(components: &Components<'_>) -> Vec<Seen> {
    let images = &components.world.beside.images;
    let mut all: Vec<Seen> = images
        .iter()
        .map(|one| match &one.shell {
            Some(shell) => of_cluster(format!("{} has {shell}", one.image), Verdict::Bad),
            None => of_cluster(format!("{} has no shell", one.image), Verdict::Good),
        })
        .collect();
    let running: BTreeSet<&str> = policies::workloads(components)
        .flat_map(|view| &view.workload.containers)
        .map(|container| &*container.image)
        .collect();
    let known: BTreeSet<&str> = images.iter().map(|one| &*one.image).collect();
    let rest = running.difference(&known).count();
    if rest > 0 || images.is_empty() {
        all.push(unseen(
            &format!("what is in {rest} of {} images that run", running.len()),
            "plimsoll scan cluster --images all, then plimsoll checklist",
        ));
    }
    all
}
