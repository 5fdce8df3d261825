//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy.
//! Comes in: a Snapshot. Goes out: one view for each rule set that selects pods. Never: a part that is not certain as one
//! that is.
//!
//! Source: cilium `pkg/policy/api` (rule.go, ingress.go, egress.go, l4.go, entity.go), Documentation "Layer 3 Policies",
//! "Deny Policies".

use crate::entries::cidr;
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{
    CiliumPeer, CiliumPolicy, CiliumRule, CiliumSide, PolicyPort, Requirement, Selector, TargetPort,
};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;

const GROUP: &str = "cilium.io";
/// Labels that Cilium gives end points beside the pod's own (`pkg/k8s/apis/cilium.io`).
const NAMESPACE: &str = "io.kubernetes.pod.namespace";
const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";
/// Prefixes that identities leave out by default, and labels of Cilium that are not read here.
const NOT_LABELS: [&str; 8] = [
    "io.cilium.k8s.policy.",
    "io.kubernetes.",
    "kubernetes.io/",
    "k8s.io/",
    "pod-template-generation",
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
];

pub(crate) fn cilium_policies(lens: &mut Lens, snapshot: &Snapshot) -> Vec<CiliumPolicy> {
    let mut all = Vec::new();
    for object in &snapshot.objects {
        let namespaced = match &*object.gvk.kind {
            "CiliumNetworkPolicy" => true,
            "CiliumClusterwideNetworkPolicy" => false,
            _ => continue,
        };
        if &*object.gvk.group != GROUP {
            continue;
        }
        lens.read(object, |lens, root| {
            let specs = std::iter::once(root.get("spec")).chain(root.list("specs"));
            for spec in specs.filter(|spec| spec.is_map()) {
                // Policies of hosts say nothing of pods on the pod network.
                if spec.get("nodeSelector").is_absent() {
                    all.push(policy(lens, object, spec, namespaced));
                }
            }
        });
    }
    all.sort_by(|a, b| {
        let key = |p: &CiliumPolicy| (p.namespace.clone(), Text::clone(&p.object.name));
        key(a).cmp(&key(b))
    });
    all
}

fn policy(lens: &mut Lens, object: &Object, spec: Node<'_>, namespaced: bool) -> CiliumPolicy {
    let subject = spec.get("endpointSelector");
    CiliumPolicy {
        object: object.reference(),
        namespace: namespaced.then(|| lens.namespace(object)),
        subject: (!subject.is_absent()).then(|| endpoints(lens, subject)),
        ingress: side(lens, spec, "ingress", "from", namespaced),
        egress: side(lens, spec, "egress", "to", namespaced),
    }
}

fn side(lens: &mut Lens, spec: Node<'_>, name: &str, way: &str, namespaced: bool) -> CiliumSide {
    let denied = format!("{name}Deny");
    let mut rules = |key: &str| -> Vec<CiliumRule> {
        spec.list(key)
            .map(|node| rule(lens, node, way, namespaced))
            .collect()
    };
    let (allow, deny) = (rules(name), rules(&denied));
    // An empty section is none, and the default can be set by hand.
    let said = spec.get("enableDefaultDeny").flag(name);
    CiliumSide {
        isolates: said.unwrap_or(!allow.is_empty() || !deny.is_empty()),
        allow,
        deny,
    }
}

fn rule(lens: &mut Lens, node: Node<'_>, way: &str, namespaced: bool) -> CiliumRule {
    let mut read = CiliumRule {
        peers: Vec::new(),
        ports: ports(lens, node.get("toPorts")),
        narrowed: node.list("toPorts").any(narrows),
        malformed: false,
    };
    if node.list("icmps").next().is_some() {
        read.ports.get_or_insert_with(Vec::new);
    }
    let key = |what: &str| format!("{way}{what}");
    let mut sections = 0;
    for what in [
        "Endpoints",
        "CIDR",
        "CIDRSet",
        "Entities",
        "FQDNs",
        "Nodes",
        "Groups",
        "Services",
        "Requires",
    ] {
        let section = node.get(&key(what));
        if section.is_absent() {
            continue;
        }
        sections += 1;
        for item in section.items() {
            match peer(lens, what, item, namespaced) {
                Some(peers) => read.peers.extend(peers),
                None => read.malformed = true,
            }
        }
    }
    // Several of them in one rule are refused by validation, `fromRequires` aside, which only narrows.
    if sections > 1 {
        read.malformed = true;
    }
    // Without peers the ports decide; without both nothing is meant, which is how "deny all" is written.
    if sections == 0 && read.ports.is_some() {
        read.peers.push(CiliumPeer::Everyone);
    }
    read
}

/// `None`: not certain whom it means.
fn peer(lens: &mut Lens, what: &str, node: Node<'_>, namespaced: bool) -> Option<Vec<CiliumPeer>> {
    Some(match what {
        "Endpoints" => {
            let (namespaces, pods) = endpoints(lens, node);
            // A selector that does not speak of namespaces means the policy's own.
            let namespaces = namespaces.or((!namespaced).then(Selector::everything));
            vec![CiliumPeer::Pods { pods, namespaces }]
        }
        "CIDR" => vec![block(node.as_text().and_then(cidr)?, Vec::new())],
        "CIDRSet" => {
            let range = node.text("cidr").and_then(cidr);
            let Some(range) = range else {
                // A group or its selector: other objects, which are not read.
                return Some(vec![CiliumPeer::Unresolved]);
            };
            let except: Option<Vec<IpNet>> = node
                .list("except")
                .map(|hole| hole.as_text().and_then(cidr))
                .collect();
            vec![block(range, except?)]
        }
        "Entities" => entity(node.as_text()?)?,
        "FQDNs" | "Nodes" | "Groups" => vec![CiliumPeer::Unresolved],
        _ => return None,
    })
}

fn block(cidr: IpNet, except: Vec<IpNet>) -> CiliumPeer {
    CiliumPeer::Block { cidr, except }
}

fn entity(name: &str) -> Option<Vec<CiliumPeer>> {
    let world = |texts: &[&str]| -> Vec<CiliumPeer> {
        let nets = texts.iter().filter_map(|text| cidr(text));
        nets.map(|net| block(net, Vec::new())).collect()
    };
    Some(match name {
        "all" => vec![CiliumPeer::Everyone],
        "world" => world(&["0.0.0.0/0", "::/0"]),
        "world-ipv4" => world(&["0.0.0.0/0"]),
        "world-ipv6" => world(&["::/0"]),
        // The pods of the cluster, and its nodes.
        "cluster" => vec![
            CiliumPeer::Pods {
                pods: Selector::everything(),
                namespaces: Some(Selector::everything()),
            },
            CiliumPeer::Unresolved,
        ],
        "host" | "remote-node" | "kube-apiserver" | "ingress" | "init" | "health" | "unmanaged" => {
            vec![CiliumPeer::Unresolved]
        }
        "none" => Vec::new(),
        _ => return None,
    })
}

/// Requirements on the namespace, where there are any, and on the pod.
fn endpoints(lens: &mut Lens, node: Node<'_>) -> (Option<Selector>, Selector) {
    let read = selector(lens, node, without_source);
    let mut pods = Selector {
        malformed: read.malformed,
        ..Selector::default()
    };
    let mut namespaces: Option<Selector> = None;
    for (key, value) in read.equals {
        match place(&key) {
            Place::Namespace(key) => {
                let of = namespaces.get_or_insert_with(Selector::default);
                of.equals.insert(lens.word(key), value);
            }
            Place::Pod => _ = pods.equals.insert(key, value),
            Place::Unknown => pods.malformed = true,
        }
    }
    for one in read.expressions {
        match place(&one.key) {
            Place::Namespace(key) => {
                let key = lens.word(key);
                let of = namespaces.get_or_insert_with(Selector::default);
                of.expressions.push(Requirement { key, ..one });
            }
            Place::Pod => pods.expressions.push(one),
            Place::Unknown => pods.malformed = true,
        }
    }
    (namespaces, pods)
}

enum Place<'a> {
    Namespace(&'a str),
    Pod,
    Unknown,
}

fn place(key: &str) -> Place<'_> {
    if key == NAMESPACE {
        return Place::Namespace("kubernetes.io/metadata.name");
    }
    if let Some(label) = key.strip_prefix(NAMESPACE_LABELS) {
        return Place::Namespace(label);
    }
    // A source that is left is `reserved:` or another that pods do not have.
    if key.contains(':') || NOT_LABELS.iter().any(|prefix| key.starts_with(prefix)) {
        return Place::Unknown;
    }
    Place::Pod
}

/// Keys carry the source of the label; pods' labels come from Kubernetes.
pub(crate) fn without_source(key: &str) -> &str {
    ["k8s:", "any:"]
        .iter()
        .find_map(|source| key.strip_prefix(source))
        .unwrap_or(key)
}

/// `None`: all. Names mean what the pod says.
fn ports(lens: &mut Lens, list: Node<'_>) -> Option<Vec<PolicyPort>> {
    let mut all = Vec::new();
    let mut rules = list.items().peekable();
    rules.peek()?;
    for rule in rules {
        let mut given = rule.list("ports").peekable();
        given.peek()?;
        for port in given {
            all.extend(port_of(lens, port));
        }
    }
    Some(all)
}

fn port_of(lens: &mut Lens, node: Node<'_>) -> Vec<PolicyPort> {
    let protocol = node.word("protocol").unwrap_or("ANY").to_ascii_uppercase();
    let text = node.text("port").unwrap_or("0");
    let port = match text.parse::<u16>() {
        // PortProtocol: 0 is every port.
        Ok(0) => None,
        Ok(number) => Some(TargetPort::Number(number)),
        Err(_) if text.is_empty() => None,
        Err(_) => Some(TargetPort::Name(lens.word(text))),
    };
    let any = ["TCP", "UDP", "SCTP"];
    let protocols = match (&*protocol, &port) {
        ("ANY", Some(TargetPort::Name(_))) => vec![""],
        ("ANY", _) => any.to_vec(),
        (one, _) => any.into_iter().filter(|p| *p == one).collect(),
    };
    protocols
        .into_iter()
        .map(|protocol| PolicyPort {
            protocol: lens.word(protocol),
            port: port.clone(),
            end: node.port("endPort").filter(|end| *end > 0),
        })
        .collect()
}

/// Layer 7 lets only a part through; so do names of TLS servers.
fn narrows(rule: Node<'_>) -> bool {
    let seven = rule.get("rules");
    ["http", "kafka", "dns", "l7"]
        .iter()
        .any(|kind| seven.list(kind).next().is_some())
        || rule.list("serverNames").next().is_some()
}
