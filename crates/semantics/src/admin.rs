//! Policies of administrators: AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy.
//! Comes in: a Snapshot. Goes out: views in the order in which they are evaluated. Never: a rule that was not
//! understood as one that says nothing.
//!
//! Source: network-policy-api `apis/v1alpha1` and `apis/v1alpha2` (NPEP-285 made one kind of the two and renamed
//! `Allow` to `Accept`, `ports` to `protocols`).

use crate::entries::cidr;
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{
    AdminAction, AdminPeer, AdminPods, AdminPolicy, AdminRule, AdminTier, PolicyPort, Selector,
    TargetPort,
};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};

const GROUP: &str = "policy.networking.k8s.io";

pub(crate) fn admin_policies(lens: &mut Lens, snapshot: &Snapshot) -> Vec<AdminPolicy> {
    let mut all = Vec::new();
    for object in &snapshot.objects {
        let kind = &*object.gvk.kind;
        let known = matches!(
            kind,
            "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy"
        );
        if known && &*object.gvk.group == GROUP {
            lens.read(object, |lens, root| all.push(policy(lens, object, root)));
        }
    }
    all.sort_by(|a, b| {
        (a.tier, a.priority, &a.object.kind, &a.object.name).cmp(&(
            b.tier,
            b.priority,
            &b.object.kind,
            &b.object.name,
        ))
    });
    all
}

fn policy(lens: &mut Lens, object: &Object, root: Node<'_>) -> AdminPolicy {
    let spec = root.get("spec");
    let baseline =
        &*object.gvk.kind == "BaselineAdminNetworkPolicy" || spec.text("tier") == Some("Baseline");
    AdminPolicy {
        object: object.reference(),
        tier: if baseline {
            AdminTier::Baseline
        } else {
            AdminTier::Admin
        },
        priority: spec.int("priority").unwrap_or(0),
        subject: subject(lens, spec.get("subject")),
        ingress: rules(lens, spec, "ingress", "from"),
        egress: rules(lens, spec, "egress", "to"),
    }
}

/// `namespaces` or `pods`, one of them.
fn subject(lens: &mut Lens, node: Node<'_>) -> Option<AdminPods> {
    let namespaces = node.get("namespaces");
    if !namespaces.is_absent() {
        return Some(AdminPods {
            namespaces: selector(lens, namespaces, |key| key),
            pods: Selector::everything(),
        });
    }
    let pods = node.get("pods");
    if pods.is_absent() {
        node.malformed();
        return None;
    }
    Some(AdminPods {
        namespaces: selector(lens, pods.get("namespaceSelector"), |key| key),
        pods: selector(lens, pods.get("podSelector"), |key| key),
    })
}

fn rules(lens: &mut Lens, spec: Node<'_>, direction: &str, peers: &str) -> Vec<AdminRule> {
    spec.list(direction)
        .filter_map(|rule| read_rule(lens, rule, peers))
        .collect()
}

/// `None` for an action that does not exist: the server refuses such a policy.
fn read_rule(lens: &mut Lens, node: Node<'_>, peers: &str) -> Option<AdminRule> {
    let action = match node.text("action") {
        Some("Allow" | "Accept") => AdminAction::Allow,
        Some("Deny") => AdminAction::Deny,
        Some("Pass") => AdminAction::Pass,
        _ => {
            node.get("action").malformed();
            return None;
        }
    };
    let mut malformed = false;
    let mut read_peers = Vec::new();
    for item in node.list(peers) {
        match peer(lens, item) {
            Some(peer) => read_peers.push(peer),
            None => malformed = true,
        }
    }
    Some(AdminRule {
        name: lens.word(node.text("name").unwrap_or("")),
        action,
        peers: read_peers,
        ports: ports(lens, node, &mut malformed),
        malformed,
    })
}

fn peer(lens: &mut Lens, node: Node<'_>) -> Option<AdminPeer> {
    let nodes = node.get("nodes");
    if !nodes.is_absent() {
        return Some(AdminPeer::Nodes(selector(lens, nodes, |key| key)));
    }
    if node.list("domainNames").next().is_some() {
        let names = node.texts("domainNames").map(|name| lens.word(name));
        return Some(AdminPeer::Names(names.collect()));
    }
    let networks = node.get("networks");
    if !networks.is_absent() {
        let read: Option<Vec<IpNet>> = networks
            .items()
            .map(|net| net.as_text().and_then(cidr))
            .collect();
        if read.is_none() {
            networks.malformed();
        }
        return read.map(AdminPeer::Networks);
    }
    subject(lens, node).map(AdminPeer::Pods)
}

/// `ports` of v1alpha1, `protocols` of v1alpha2; absent is everything.
fn ports(lens: &mut Lens, node: Node<'_>, malformed: &mut bool) -> Option<Vec<PolicyPort>> {
    let (old, new) = (node.get("ports"), node.get("protocols"));
    if old.is_absent() && new.is_absent() {
        return None;
    }
    let mut all = Vec::new();
    for item in old.items() {
        match port(lens, item) {
            Some(port) => all.push(port),
            None => *malformed = true,
        }
    }
    for item in new.items() {
        match protocol(lens, item) {
            Some(port) => all.push(port),
            None => *malformed = true,
        }
    }
    Some(all)
}

fn port(lens: &mut Lens, node: Node<'_>) -> Option<PolicyPort> {
    let (number, range) = (node.get("portNumber"), node.get("portRange"));
    if !number.is_absent() {
        return Some(PolicyPort {
            protocol: lens.word(number.text("protocol").unwrap_or("TCP")),
            port: Some(TargetPort::Number(number.port("port")?)),
            end: None,
        });
    }
    if !range.is_absent() {
        return Some(PolicyPort {
            protocol: lens.word(range.text("protocol").unwrap_or("TCP")),
            port: Some(TargetPort::Number(range.port("start")?)),
            end: Some(range.port("end")?),
        });
    }
    named(lens, node, "namedPort")
}

/// A name means what the pod says, of whichever protocol.
fn named(lens: &mut Lens, node: Node<'_>, key: &str) -> Option<PolicyPort> {
    let name = node.word(key)?;
    Some(PolicyPort {
        protocol: lens.word(""),
        port: Some(TargetPort::Name(lens.word(name))),
        end: None,
    })
}

fn protocol(lens: &mut Lens, node: Node<'_>) -> Option<PolicyPort> {
    let of = ["tcp", "udp", "sctp"]
        .into_iter()
        .find(|protocol| !node.get(protocol).is_absent());
    let Some(name) = of else {
        return named(lens, node, "destinationNamedPort");
    };
    let word = lens.word(&name.to_ascii_uppercase());
    let destination = node.get(name).get("destinationPort");
    let range = destination.get("range");
    let (port, end) = if destination.is_absent() {
        (None, None)
    } else if range.is_absent() {
        (Some(destination.port("number")?), None)
    } else {
        (Some(range.port("start")?), Some(range.port("end")?))
    };
    Some(PolicyPort {
        protocol: word,
        port: port.map(TargetPort::Number),
        end,
    })
}
