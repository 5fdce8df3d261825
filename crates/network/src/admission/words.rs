//! What is said of an admission: the policies that decided, or what keeps it open.
//! Comes in: one end's answer. Goes out: claims, gaps. Never: an answer of its own.

use crate::published::gap;
use crate::reach::{Doubt, PortSet, Side, Source, Wanted};
use model::evidence::{Claim, Evidence, EvidenceId, Gap, GapId, Ledger, Truth};
use model::object::ObjectRef;
use model::reach::Direction;
use model::text::Text;
use semantics::view::AdminAction;

/// Policies that one conclusion cites; a pod behind a thousand of them needs no thousand proofs.
pub(super) const MOST_CITED: usize = 8;

/// The rules that let a source through; where none speaks, nothing keeps it out.
pub(super) fn admits(side: &Side, source: Source, wanted: Wanted, ledger: &mut Ledger) -> Claim {
    let mut all: Option<Claim> = None;
    let mut cited: Vec<&ObjectRef> = Vec::new();
    let said_so = side.said.iter().filter(|said| {
        said.action == AdminAction::Allow && said.truth == Truth::Yes && hits(&said.ports, wanted)
    });
    for rule in said_so {
        if cited.len() < MOST_CITED && !cited.contains(&&rule.policy) {
            cited.push(&rule.policy);
            let statement = sentence(
                &rule.policy,
                side.direction,
                "admits",
                "lets",
                source,
                wanted,
            );
            let one = Claim::yes(ledger.about(&rule.policy, statement));
            all = Some(match all {
                Some(all) => all.or(one),
                None => one,
            });
        }
    }
    all.unwrap_or_else(|| {
        let direction = word(side.direction);
        let statement = if side.selected_by.is_empty() {
            format!("no policy selects the pods for {direction}")
        } else {
            format!("no policy that selects the pods for {direction} denies it")
        };
        Claim::yes(said(&statement, ledger))
    })
}

/// The rules that deny, else the policies that isolate.
pub(super) fn refuses(side: &Side, source: Source, wanted: Wanted, ledger: &mut Ledger) -> Claim {
    let mut claims: Vec<Claim> = Vec::new();
    let mut cited: Vec<&ObjectRef> = Vec::new();
    let denied = side.said.iter().filter(|said| {
        said.action == AdminAction::Deny && said.truth == Truth::Yes && hits(&said.ports, wanted)
    });
    for rule in denied {
        if cited.len() < MOST_CITED && !cited.contains(&&rule.policy) {
            cited.push(&rule.policy);
            let statement = sentence(
                &rule.policy,
                side.direction,
                "denies",
                "keeps",
                source,
                wanted,
            );
            claims.push(Claim::no(ledger.about(&rule.policy, statement)));
        }
    }
    if claims.is_empty() {
        for policy in side.isolated_by.iter().take(MOST_CITED) {
            if side.direction == Direction::Ingress {
                claims.push(Claim::no(ledger.about(policy, isolates(policy))));
            }
            let statement = sentence(
                policy,
                side.direction,
                "does not admit",
                "does not let",
                source,
                wanted,
            );
            claims.push(Claim::no(ledger.about(policy, statement)));
        }
    }
    Claim::all(claims).unwrap_or_else(|| {
        Claim::no(said(
            "policies that select the pods let nothing through",
            ledger,
        ))
    })
}

/// `NetworkPolicy shop/a admits every pod of the cluster on port 80`.
fn sentence(
    policy: &ObjectRef,
    direction: Direction,
    into: &str,
    out: &str,
    source: Source,
    wanted: Wanted,
) -> String {
    let who = match source {
        Source::World { .. } => "traffic from outside of the cluster",
        Source::Cluster => "every pod of the cluster",
        Source::Namespace => "every pod of its namespace",
        Source::Workload(_) | Source::Node(_) => "the pods of the controller",
        Source::SomePod => "the controller that was not seen",
    };
    let on = wanted.map_or_else(String::new, |(_, port)| format!(" on port {port}"));
    match direction {
        Direction::Ingress => format!("{policy} {into} {who}{on}"),
        Direction::Egress => {
            let way = if out == "keeps" {
                "from going out"
            } else {
                "out"
            };
            format!("{policy} {out} {who} {way}{on}")
        }
    }
}

pub(super) fn isolates(policy: &ObjectRef) -> Text {
    format!("{policy} isolates the pods for ingress").into()
}

pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

pub(super) fn said(statement: &str, ledger: &mut Ledger) -> EvidenceId {
    ledger.evidence(Evidence {
        statement: statement.into(),
        object: None,
        pointer: None,
        source: None,
    })
}

pub(super) fn unenforced(group: &str, name: &str) -> Gap {
    let (there, scope) = if group == "networking.k8s.io" {
        ("NetworkPolicies", "networkpolicies")
    } else {
        (name, group)
    };
    gap(
        "policy-enforcement-unknown",
        format!("there are {there}, but nothing shows that the network plugin enforces them"),
        scope,
        "declare it in plimsoll.yaml: network: {enforced: true}",
    )
}

pub(super) fn malformed(policy: &ObjectRef) -> Gap {
    let scope = policy.to_string();
    gap(
        "policy-selector",
        format!("a part of {policy} is not understood or not evaluated"),
        &scope,
        "",
    )
}

pub(super) fn not_evaluated(kind: &str) -> Gap {
    gap(
        "policy-kind-not-evaluated",
        format!("rules of {kind} objects are not evaluated: they may isolate or admit"),
        kind,
        "",
    )
}

fn narrowed(policy: &ObjectRef) -> Gap {
    let scope = policy.to_string();
    gap(
        "policy-narrowed",
        format!("{policy} admits a part of the traffic only, as layer 7 decides"),
        &scope,
        "",
    )
}

pub(super) fn translated() -> Gap {
    gap(
        "source-address-translated",
        "an ipBlock meets traffic whose source address the node or proxy replaces: what it admits depends on the plugin",
        "networkpolicies",
        "set externalTrafficPolicy: Local, or admit the proxy by labels",
    )
}

pub(super) fn block_on_pods() -> Gap {
    gap(
        "ip-block-on-pods",
        "an ipBlock covers addresses of pods: whether it admits them depends on the plugin",
        "networkpolicies",
        "name pods by labels instead",
    )
}

pub(super) fn from_node() -> Gap {
    gap(
        "node-traffic",
        "what publishes it runs on the node's network: pods of the same node cannot keep it out, and others only where the plugin says so",
        "ingresses",
        "",
    )
}

pub(super) fn controller_not_seen() -> Gap {
    gap(
        "ingress-controller-not-seen",
        "the pods that publish an Ingress, Gateway or Route were not seen: whether policies admit them is open",
        "ingresses",
        "give the controller's manifests too",
    )
}

pub(super) fn names(policy: &ObjectRef) -> Gap {
    let scope = policy.to_string();
    gap(
        "policy-names-unresolved",
        format!("{policy} names nodes or domains, whose addresses are not known"),
        &scope,
        "",
    )
}

pub(super) fn peer_unknown(policy: &ObjectRef) -> Gap {
    let name = policy.name.as_ref();
    let scope = policy.namespace.as_ref().map_or_else(
        || policy.to_string(),
        |n| format!("networkpolicy {n}/{name}"),
    );
    gap(
        "policy-peer-unknown",
        "a policy names namespaces by labels that were not seen",
        &scope,
        "give the Namespace objects too",
    )
}

pub(super) fn hits(ports: &PortSet, wanted: Wanted) -> bool {
    wanted.map_or(!ports.is_empty(), |(protocol, port)| {
        ports.contains(protocol, port)
    })
}

/// What keeps a side from being known.
pub(super) fn open(side: &Side, source: Source, wanted: Wanted, ledger: &mut Ledger) -> Claim {
    let mut gaps: Vec<GapId> = Vec::new();
    let unsure = side.said.iter().filter(|said| hits(&said.ports, wanted));
    for said in unsure {
        let Some(doubt) = said.doubt else { continue };
        gaps.push(ledger.gap(match (doubt, source) {
            (Doubt::Subject | Doubt::Rule, _) => malformed(&said.policy),
            (Doubt::Narrowed, _) => narrowed(&said.policy),
            (Doubt::Block, _) => block_on_pods(),
            (Doubt::Names, _) => names(&said.policy),
            (Doubt::Labels, Source::SomePod | Source::Node(_)) => controller_not_seen(),
            (Doubt::Labels, _) => peer_unknown(&said.policy),
        }));
    }
    for (policy, truth) in &side.selected_by {
        if *truth != Truth::Yes {
            gaps.push(ledger.gap(malformed(policy)));
        }
    }
    gaps.sort_unstable();
    gaps.dedup();
    gaps.truncate(MOST_CITED);
    let claims = gaps.into_iter().map(Claim::unknown);
    Claim::all(claims).unwrap_or_else(|| {
        Claim::unknown(ledger.gap(gap(
            "policy-not-understood",
            "policies select pods in ways that are not understood",
            "networkpolicies",
            "",
        )))
    })
}
