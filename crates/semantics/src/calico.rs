//! Calico's NetworkPolicy and GlobalNetworkPolicy with their tiers and network sets.
//! Comes in: a Snapshot. Goes out: views in the order in which they are evaluated. Never: a part that is not certain as
//! one that is.
//!
//! Source: calico docs "Network policy", "Global network policy", "Tier"; `libcalico-go/lib/backend/syncersv1`.

use crate::entries::cidr;
use crate::expression::{accounts, in_namespace, parse};
use crate::json::Node;
use crate::lens::Lens;
use crate::view::{
    AdminAction, Calico, CalicoPeer, CalicoPolicy, CalicoRule, CalicoTier, Expression, LabelOf,
    NetworkSet, PolicyPort, TargetPort,
};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The API, and where it is kept; a cluster that serves the first shows the same objects twice.
const GROUPS: [&str; 2] = ["projectcalico.org", "crd.projectcalico.org"];
const DEFAULT: &str = "default";
/// Beginnings of names under which Calico shows policies of other APIs.
const FOREIGN: [&str; 4] = ["knp.", "kanp.", "kbanp.", "kcnp."];

pub(crate) fn calico(lens: &mut Lens, snapshot: &Snapshot) -> Calico {
    let mut read = Calico::default();
    let mut known: BTreeSet<(Text, Option<Text>, Text)> = BTreeSet::new();
    for group in GROUPS {
        for object in &snapshot.objects {
            let kind = &*object.gvk.kind;
            if &*object.gvk.group != group || FOREIGN.iter().any(|of| object.name.starts_with(of)) {
                continue;
            }
            // What is kept may carry its tier before its name.
            let name = object.name.strip_prefix("default.").unwrap_or(&object.name);
            let key = (
                Text::clone(&object.gvk.kind),
                object.namespace.clone(),
                name.into(),
            );
            if !known.insert(key) {
                continue;
            }
            match kind {
                "NetworkPolicy" | "GlobalNetworkPolicy" => {
                    let policy = lens.read(object, |lens, root| policy(lens, object, root));
                    read.policies.extend(policy.flatten());
                }
                "NetworkSet" | "GlobalNetworkSet" => {
                    read.sets
                        .extend(lens.read(object, |lens, root| set(lens, object, root)));
                }
                "Tier" => {
                    let tier = lens.read(object, |lens, root| tier(lens, object, root));
                    read.tiers.extend(tier);
                }
                "HostEndpoint" => read.host_endpoints = true,
                _ => {}
            }
        }
    }
    if !read.policies.is_empty() {
        for object in snapshot.of_kind("", "ServiceAccount") {
            let key = (lens.namespace(object), Text::clone(&object.name));
            let labels = lens.pairs(&object.labels);
            read.accounts.insert(key, labels);
        }
    }
    read.policies.sort_by(|a, b| {
        let place = |p: &CalicoPolicy| (Text::clone(&p.object.name), p.namespace.clone());
        let by_order = a.tier.cmp(&b.tier).then(a.order.total_cmp(&b.order));
        // Documented: of equal order, by name.
        by_order.then_with(|| place(a).cmp(&place(b)))
    });
    read
}

fn tier(lens: &mut Lens, object: &Object, root: Node<'_>) -> CalicoTier {
    let spec = root.get("spec");
    CalicoTier {
        name: lens.word(&object.name),
        order: spec.number("order").unwrap_or(f64::INFINITY),
        passes: spec.text("defaultAction") == Some("Pass"),
    }
}

fn set(lens: &mut Lens, object: &Object, root: Node<'_>) -> NetworkSet {
    let spec = root.get("spec");
    let global = &*object.gvk.kind == "GlobalNetworkSet";
    let (nets, all) = nets(spec, "nets");
    NetworkSet {
        namespace: (!global).then(|| lens.namespace(object)),
        labels: lens.pairs(&object.labels),
        nets,
        names: !all || spec.list("allowedEgressDomains").next().is_some(),
    }
}

/// Whether all of them could be read, too.
fn nets(node: Node<'_>, key: &str) -> (Vec<IpNet>, bool) {
    let read: Vec<Option<IpNet>> = node
        .list(key)
        .map(|net| net.as_text().and_then(net_of))
        .collect();
    let all = read.iter().all(Option::is_some);
    (read.into_iter().flatten().collect(), all)
}

/// A range or an address.
fn net_of(text: &str) -> Option<IpNet> {
    cidr(text).or_else(|| text.trim().parse::<IpAddr>().ok().map(IpNet::from))
}

/// `None` for one that is for nodes' interfaces only.
fn policy(lens: &mut Lens, object: &Object, root: Node<'_>) -> Option<CalicoPolicy> {
    let spec = root.get("spec");
    if spec.flag("doNotTrack") == Some(true) || spec.flag("preDNAT") == Some(true) {
        return None;
    }
    let global = &*object.gvk.kind == "GlobalNetworkPolicy";
    let namespace = (!global).then(|| lens.namespace(object));
    let types: Vec<&str> = spec.texts("types").collect();
    let has = |key: &str| spec.list(key).next().is_some();
    let (ingress, egress) = if types.is_empty() {
        (has("ingress") || !has("egress"), has("egress"))
    } else {
        (types.contains(&"Ingress"), types.contains(&"Egress"))
    };
    let mut rules = |key: &str| -> Vec<CalicoRule> {
        let rules = spec.list(key);
        let read =
            rules.filter_map(|node| rule(lens, node, key == "ingress", namespace.as_deref()));
        read.collect()
    };
    let ingress = ingress.then(|| rules("ingress"));
    let egress = egress.then(|| rules("egress"));
    Some(CalicoPolicy {
        object: object.reference(),
        tier: lens.word(spec.word("tier").unwrap_or(DEFAULT)),
        order: spec.number("order").unwrap_or(f64::INFINITY),
        subject: subject(lens, spec, namespace.as_deref()),
        namespace,
        ingress,
        egress,
    })
}

/// `None` where a part cannot be read.
fn subject(lens: &mut Lens, spec: Node<'_>, namespace: Option<&str>) -> Option<Expression> {
    let mut all = parse(lens, spec.text("selector").unwrap_or(""), LabelOf::Pod)?;
    match namespace {
        Some(name) => all = all.and(in_namespace(lens, name)),
        None => {
            if let Some(text) = spec.word("namespaceSelector") {
                all = all.and(parse(lens, text, LabelOf::Namespace)?);
            }
        }
    }
    if let Some(text) = spec.word("serviceAccountSelector") {
        all = all.and(parse(lens, text, LabelOf::Account)?);
    }
    Some(all)
}

/// `None` for one that only logs, or whose action the server refuses.
fn rule(
    lens: &mut Lens,
    node: Node<'_>,
    ingress: bool,
    namespace: Option<&str>,
) -> Option<CalicoRule> {
    let action = match node.text("action") {
        Some("Allow") => AdminAction::Allow,
        Some("Deny") => AdminAction::Deny,
        Some("Pass") => AdminAction::Pass,
        Some("Log") => return None,
        _ => {
            node.get("action").malformed();
            return None;
        }
    };
    let (source, destination) = (node.get("source"), node.get("destination"));
    let (other, own) = if ingress {
        (source, destination)
    } else {
        (destination, source)
    };
    let mut malformed = MEANS.iter().any(|key| !own.get(key).is_absent());
    let mut peer = peer(lens, other, namespace, &mut malformed);
    peer.four = match node.int("ipVersion") {
        Some(4) => Some(true),
        Some(6) => Some(false),
        _ => None,
    };
    let (ports, not_ports) = ports(lens, node, destination, &mut malformed);
    // What cannot be read may be any port.
    let ports = ports.filter(|_| !malformed);
    let of_source = ["ports", "notPorts"];
    Some(CalicoRule {
        action,
        peer,
        ports,
        not_ports,
        narrowed: of_source
            .iter()
            .any(|key| source.list(key).next().is_some())
            || !node.get("http").is_absent(),
        malformed,
    })
}

/// Fields of an end that say whom it means.
const MEANS: [&str; 7] = [
    "nets",
    "notNets",
    "selector",
    "notSelector",
    "namespaceSelector",
    "serviceAccounts",
    "services",
];

fn peer(
    lens: &mut Lens,
    node: Node<'_>,
    namespace: Option<&str>,
    malformed: &mut bool,
) -> CalicoPeer {
    let mut read = |lens: &mut Lens, text: Option<&str>, of: LabelOf| {
        let text = text?;
        let read = parse(lens, text, of);
        *malformed |= read.is_none();
        read
    };
    let pods = read(lens, node.word("selector"), LabelOf::Pod);
    let not = read(lens, node.word("notSelector"), LabelOf::Pod);
    let namespaces = read(lens, node.word("namespaceSelector"), LabelOf::Namespace);
    let of_accounts = node.get("serviceAccounts");
    let by_label = read(lens, of_accounts.word("selector"), LabelOf::Account);
    let names: Vec<&str> = of_accounts.texts("names").collect();
    let by_name = (!names.is_empty()).then(|| accounts(lens, &names));
    *malformed |= !node.get("services").is_absent();
    let mut parts: Vec<Expression> = [pods, by_label, by_name].into_iter().flatten().collect();
    // Of a policy of a namespace, whatever selects does so there, unless namespaces are selected.
    if let Some(namespaces) = namespaces {
        parts.push(namespaces);
    } else if let Some(name) = namespace
        && (!parts.is_empty() || not.is_some())
    {
        parts.push(in_namespace(lens, name));
    }
    let (some, all) = nets(node, "nets");
    let (not_nets, all_not) = nets(node, "notNets");
    *malformed |= !all || !all_not;
    CalicoPeer {
        selector: parts.into_iter().reduce(Expression::and),
        not_selector: not,
        nets: some,
        not_nets,
        four: None,
    }
}

/// Protocols that have ports, by name and number.
fn protocol(node: Node<'_>) -> Option<&'static str> {
    match node.number_or_text()? {
        Ok(6) => Some("TCP"),
        Ok(17) => Some("UDP"),
        Ok(132) => Some("SCTP"),
        Ok(_) => Some(""),
        Err(name) => Some(match &*name.to_ascii_uppercase() {
            "TCP" | "6" => "TCP",
            "UDP" | "17" => "UDP",
            "SCTP" | "132" => "SCTP",
            _ => "",
        }),
    }
}

/// What is meant, and what of it is not.
fn ports(
    lens: &mut Lens,
    node: Node<'_>,
    destination: Node<'_>,
    malformed: &mut bool,
) -> (Option<Vec<PolicyPort>>, Vec<PolicyPort>) {
    let every = ["TCP", "UDP", "SCTP"];
    let (is, not) = (
        protocol(node.get("protocol")),
        protocol(node.get("notProtocol")),
    );
    let protocols: Vec<&str> = every
        .into_iter()
        .filter(|p| is.is_none_or(|is| is == *p) && not.is_none_or(|not| not != *p))
        .collect();
    let mut read = |lens: &mut Lens, key: &str| -> Option<Vec<PolicyPort>> {
        let mut given = destination.list(key).peekable();
        given.peek()?;
        let mut all = Vec::new();
        for port in given {
            match port_of(lens, port) {
                Some((port, end)) => all.extend(protocols.iter().map(|protocol| PolicyPort {
                    protocol: lens.word(protocol),
                    port: Some(port.clone()),
                    end,
                })),
                None => *malformed = true,
            }
        }
        Some(all)
    };
    let (some, except) = (read(lens, "ports"), read(lens, "notPorts"));
    let whole = || -> Vec<PolicyPort> {
        let whole = protocols.iter().map(|protocol| PolicyPort {
            protocol: lens.word(protocol),
            port: None,
            end: None,
        });
        whole.collect()
    };
    let some = some.or_else(|| (protocols.len() < every.len()).then(whole));
    (some, except.unwrap_or_default())
}

/// A number, a range `first:last`, or a name.
fn port_of(lens: &mut Lens, node: Node<'_>) -> Option<(TargetPort, Option<u16>)> {
    let text = match node.number_or_text()? {
        Ok(number) => return Some((TargetPort::Number(u16::try_from(number).ok()?), None)),
        Err(text) => text,
    };
    if let Ok(number) = text.parse::<u16>() {
        return Some((TargetPort::Number(number), None));
    }
    if let Some((first, last)) = text.split_once(':') {
        return Some((
            TargetPort::Number(first.parse().ok()?),
            Some(last.parse().ok()?),
        ));
    }
    Some((TargetPort::Name(lens.word(text)), None))
}
