//! Istio's AuthorizationPolicy and PeerAuthentication, as far as layer 4 goes.
//! Comes in: a Snapshot. Goes out: views. Never: a condition of layer 7 as one that holds.
//!
//! Source: Istio reference "Authorization Policy", "PeerAuthentication"; ISTIO-SECURITY-2021-004.

use crate::entries::cidr;
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{
    Mesh, MeshAction, MeshPolicy, MeshRule, MeshSource, PeerAuthentication, PolicyPort, Selector,
    TargetPort,
};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use std::collections::BTreeSet;
use std::net::IpAddr;

const GROUP: &str = "security.istio.io";
/// Where policies are those of the whole mesh, unless the mesh is configured otherwise.
const ROOT: &str = "istio-system";

pub(crate) fn mesh(lens: &mut Lens, snapshot: &Snapshot) -> Mesh {
    let mut read = Mesh::default();
    for object in &snapshot.objects {
        match (&*object.gvk.group, &*object.gvk.kind) {
            (GROUP, "AuthorizationPolicy") => {
                let policy = lens.read(object, |lens, root| policy(lens, object, root));
                read.policies.extend(policy.flatten());
            }
            (GROUP, "PeerAuthentication") => {
                let one = lens.read(object, |lens, root| authentication(lens, object, root));
                if let Some((one, off)) = one {
                    read.plain |= off;
                    read.authentication.push(one);
                }
            }
            ("networking.istio.io", "DestinationRule") => {
                let off = lens.read(object, |_, root| turns_off(root));
                read.plain |= off == Some(true);
            }
            _ => {}
        }
    }
    read.policies.sort_by(|a, b| a.object.cmp(&b.object));
    read.authentication.sort_by(|a, b| a.object.cmp(&b.object));
    read
}

fn scope(lens: &mut Lens, object: &Object) -> Option<Text> {
    let namespace = lens.namespace(object);
    (&*namespace != ROOT).then_some(namespace)
}

fn subject(lens: &mut Lens, spec: Node<'_>) -> Option<Selector> {
    // Whoever stands before the pods (gateways, waypoints) enforces it there.
    let elsewhere = ["targetRef", "targetRefs"];
    let elsewhere = elsewhere.iter().any(|key| !spec.get(key).is_absent());
    (!elsewhere).then(|| selector(lens, spec.get("selector"), |key| key))
}

/// `None` for one that only audits.
fn policy(lens: &mut Lens, object: &Object, root: Node<'_>) -> Option<MeshPolicy> {
    let spec = root.get("spec");
    let action = match spec.word("action") {
        None | Some("ALLOW") => MeshAction::Allow,
        Some("DENY") => MeshAction::Deny,
        Some("CUSTOM") => MeshAction::Custom,
        Some("AUDIT") => return None,
        Some(_) => {
            spec.get("action").malformed();
            return None;
        }
    };
    let namespace = lens.namespace(object);
    let mut rules = Vec::new();
    for node in spec.list("rules") {
        rules_of(lens, node, &namespace, &mut rules);
    }
    Some(MeshPolicy {
        object: object.reference(),
        namespace: scope(lens, object),
        subject: subject(lens, spec),
        action,
        rules,
    })
}

/// Two at most: for operations that layer 4 decides, and for the others.
fn rules_of(lens: &mut Lens, node: Node<'_>, namespace: &str, rules: &mut Vec<MeshRule>) {
    let mut malformed = false;
    let from = node.list("from").map(|from| from.get("source"));
    let sources: Vec<MeshSource> = from
        .map(|node| source(lens, node, namespace, &mut malformed))
        .collect();
    let asks = node.list("when").next().is_some();
    let mut operations: Vec<Node<'_>> = node.list("to").map(|to| to.get("operation")).collect();
    if operations.is_empty() {
        operations.push(node.absent());
    }
    for narrowed in [false, true] {
        let of = operations.iter().filter(|operation| {
            let seven = operation
                .entries()
                .any(|(key, value)| !matches!(key, "ports" | "notPorts") && !value.is_absent());
            (asks || seven) == narrowed
        });
        let of: Vec<Node<'_>> = of.copied().collect();
        if of.is_empty() {
            continue;
        }
        let mut malformed = malformed;
        // `None`: one of them means all ports.
        let all: Option<Vec<Vec<PolicyPort>>> = of
            .into_iter()
            .map(|operation| ports(lens, operation, &mut malformed))
            .collect();
        rules.push(MeshRule {
            sources: sources.clone(),
            // What cannot be read may be any port.
            ports: all
                .filter(|_| !malformed)
                .map(|all| all.into_iter().flatten().collect()),
            narrowed,
            malformed,
        });
    }
}

/// `None`: all.
fn ports(lens: &mut Lens, node: Node<'_>, malformed: &mut bool) -> Option<Vec<PolicyPort>> {
    let mut numbers = |key: &str| -> BTreeSet<u16> {
        let mut all = BTreeSet::new();
        for port in node.list(key) {
            match port.as_text().and_then(|text| text.parse::<u16>().ok()) {
                Some(number) => _ = all.insert(number),
                None => *malformed = true,
            }
        }
        all
    };
    let (is, not) = (numbers("ports"), numbers("notPorts"));
    let mut range = |first: u16, last: u16| PolicyPort {
        protocol: lens.word("TCP"),
        port: Some(TargetPort::Number(first)),
        end: Some(last),
    };
    if node.list("ports").next().is_some() {
        let left = is.difference(&not);
        return Some(left.map(|port| range(*port, *port)).collect());
    }
    if not.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    let mut next = 1_u16;
    for port in not {
        if next < port {
            all.push(range(next, port - 1));
        }
        match port.checked_add(1) {
            Some(after) => next = after,
            None => return Some(all),
        }
    }
    all.push(range(next, u16::MAX));
    Some(all)
}

fn source(lens: &mut Lens, node: Node<'_>, namespace: &str, malformed: &mut bool) -> MeshSource {
    let mut read = MeshSource::default();
    for (key, value) in node.entries() {
        let texts = |lens: &mut Lens| -> Vec<Text> {
            let texts = value.items().filter_map(Node::as_text);
            texts.map(|text| lens.word(text)).collect()
        };
        match key {
            "principals" => read.principals.extend(texts(lens)),
            "notPrincipals" => read.not_principals.extend(texts(lens)),
            "namespaces" => read.namespaces.extend(texts(lens)),
            "notNamespaces" => read.not_namespaces.extend(texts(lens)),
            "serviceAccounts" | "notServiceAccounts" => {
                let into = if key == "serviceAccounts" {
                    &mut read.principals
                } else {
                    &mut read.not_principals
                };
                for text in value.items().filter_map(Node::as_text) {
                    let (of, name) = text.split_once('/').unwrap_or((namespace, text));
                    into.push(lens.word(&format!("*/ns/{of}/sa/{name}")));
                }
            }
            "ipBlocks" | "notIpBlocks" => {
                let nets: Vec<Option<IpNet>> = value
                    .items()
                    .map(|net| net.as_text().and_then(net_of))
                    .collect();
                *malformed |= nets.iter().any(Option::is_none);
                let into = if key == "ipBlocks" {
                    &mut read.nets
                } else {
                    &mut read.not_nets
                };
                into.extend(nets.into_iter().flatten());
            }
            _ => read.narrowed |= !value.is_absent(),
        }
    }
    read
}

fn net_of(text: &str) -> Option<IpNet> {
    cidr(text).or_else(|| text.trim().parse::<IpAddr>().ok().map(IpNet::from))
}

/// The second: somewhere it switches mutual TLS off.
fn authentication(lens: &mut Lens, object: &Object, root: Node<'_>) -> (PeerAuthentication, bool) {
    let spec = root.get("spec");
    let mut off = false;
    let mut strict = |node: Node<'_>| match node.word("mode") {
        Some("STRICT") => Some(true),
        Some("PERMISSIVE") => Some(false),
        Some("DISABLE") => {
            off = true;
            Some(false)
        }
        _ => None,
    };
    let ports: Vec<(u16, Option<bool>)> = spec
        .get("portLevelMtls")
        .entries()
        .filter_map(|(port, node)| Some((port.parse().ok()?, strict(node))))
        .collect();
    let strict = strict(spec.get("mtls"));
    let chosen = spec.get("selector");
    let one = PeerAuthentication {
        object: object.reference(),
        namespace: scope(lens, object),
        subject: (!chosen.is_absent()).then(|| selector(lens, chosen, |key| key)),
        strict,
        ports,
    };
    (one, off)
}

/// A client's own settings for TLS, where they are not the mesh's.
fn turns_off(root: Node<'_>) -> bool {
    let spec = root.get("spec");
    let policies = std::iter::once(spec)
        .chain(spec.list("subsets"))
        .map(|of| of.get("trafficPolicy"));
    let mut settings =
        policies.flat_map(|policy| std::iter::once(policy).chain(policy.list("portLevelSettings")));
    settings.any(|settings| {
        let mode = settings.get("tls").word("mode");
        mode.is_some_and(|mode| mode != "ISTIO_MUTUAL")
    })
}
