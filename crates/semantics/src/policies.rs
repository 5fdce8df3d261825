//! Who may talk to whom as policies say: NetworkPolicy in full, kinds without a reader of their own as "may isolate".
//! Comes in: a Snapshot. Goes out: views. Never: reachability, or a policy that isolates more than what was written.

use crate::entries::{cidr, read_all, target_port};
use crate::json::Node;
use crate::lens::Lens;
use crate::selector::selector;
use crate::view::{NetworkPolicy, OtherPolicy, PolicyPeer, PolicyPort, PolicyRule, Selector};
use ipnet::IpNet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;

pub(crate) fn network_policies(lens: &mut Lens, snapshot: &Snapshot) -> Vec<NetworkPolicy> {
    let mut all = read_all(lens, snapshot, "networking.k8s.io", "NetworkPolicy", policy);
    let old = read_all(lens, snapshot, "extensions", "NetworkPolicy", policy);
    let fresh = |policy: &NetworkPolicy| {
        !all.iter()
            .any(|known| known.namespace == policy.namespace && known.name == policy.name)
    };
    let old: Vec<_> = old.into_iter().filter(fresh).collect();
    all.extend(old);
    all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    all
}

fn policy(lens: &mut Lens, object: &Object, root: Node<'_>) -> NetworkPolicy {
    let spec = root.get("spec");
    let types: Vec<&str> = spec.texts("policyTypes").collect();
    // SetDefaults_NetworkPolicy: always Ingress, Egress if there are egress rules.
    let (ingress, egress) = if types.is_empty() {
        (true, spec.list("egress").next().is_some())
    } else {
        (types.contains(&"Ingress"), types.contains(&"Egress"))
    };
    NetworkPolicy {
        namespace: lens.namespace(object),
        name: Text::clone(&object.name),
        selector: selector(lens, spec.get("podSelector"), |key| key),
        isolates_ingress: ingress,
        isolates_egress: egress,
        ingress: rules(lens, spec, "ingress", "from"),
        egress: rules(lens, spec, "egress", "to"),
    }
}

/// A part that is not understood allows everything: the server refuses such a policy, so it may not be there at all.
fn rules(lens: &mut Lens, spec: Node<'_>, direction: &str, peers: &str) -> Vec<PolicyRule> {
    spec.list(direction)
        .map(|rule| {
            let read_peers: Option<Vec<PolicyPeer>> =
                rule.list(peers).map(|node| peer(lens, node)).collect();
            let read_ports: Option<Vec<PolicyPort>> = rule
                .list("ports")
                .map(|node| policy_port(lens, node))
                .collect();
            PolicyRule {
                peers: read_peers.unwrap_or_default(),
                ports: read_ports.unwrap_or_default(),
            }
        })
        .collect()
}

fn peer(lens: &mut Lens, node: Node<'_>) -> Option<PolicyPeer> {
    let block = node.get("ipBlock");
    if !block.is_absent() {
        let Some(range) = block.text("cidr").and_then(cidr) else {
            block.malformed();
            return None;
        };
        let except: Vec<Option<IpNet>> = block
            .list("except")
            .map(|node| node.as_text().and_then(cidr))
            .collect();
        if except.iter().any(Option::is_none) {
            block.get("except").malformed();
        }
        return Some(PolicyPeer::Block {
            cidr: range,
            except: except.into_iter().flatten().collect(),
        });
    }
    let pods = node.get("podSelector");
    let namespaces = node.get("namespaceSelector");
    if pods.is_absent() && namespaces.is_absent() {
        node.malformed();
        return None;
    }
    Some(PolicyPeer::Pods {
        pods: selector(lens, pods, |key| key),
        namespaces: (!namespaces.is_absent()).then(|| selector(lens, namespaces, |key| key)),
    })
}

fn policy_port(lens: &mut Lens, node: Node<'_>) -> Option<PolicyPort> {
    let declared = node.get("port");
    let port = target_port(lens, declared);
    if port.is_none() && !declared.is_absent() {
        return None;
    }
    Some(PolicyPort {
        protocol: lens.word(node.word("protocol").unwrap_or("TCP")),
        port,
        end: node.port("endPort"),
    })
}

/// Policies of other kinds, one for each rule set in them.
pub(crate) fn other_policies(lens: &mut Lens, snapshot: &Snapshot) -> Vec<OtherPolicy> {
    let mut all = Vec::new();
    for object in &snapshot.objects {
        let Some(family) = family(&object.gvk.group, &object.gvk.kind) else {
            continue;
        };
        lens.read(object, |lens, root| {
            let specs = std::iter::once(root.get("spec")).chain(root.list("specs"));
            for spec in specs.filter(|spec| spec.is_map()) {
                all.push(other(lens, family, object, spec));
            }
        });
    }
    all.sort_by(|a, b| {
        (&a.namespace, &a.object.name, &a.object.kind).cmp(&(
            &b.namespace,
            &b.object.name,
            &b.object.kind,
        ))
    });
    all
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy.
    Admin,
    Cilium,
    Calico,
    Antrea,
    Istio,
    Linkerd,
}

fn family(group: &str, kind: &str) -> Option<Family> {
    Some(match (group, kind) {
        (
            "policy.networking.k8s.io",
            "AdminNetworkPolicy" | "BaselineAdminNetworkPolicy" | "ClusterNetworkPolicy",
        ) => Family::Admin,
        ("cilium.io", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => Family::Cilium,
        (
            "crd.projectcalico.org" | "projectcalico.org",
            "NetworkPolicy" | "GlobalNetworkPolicy",
        ) => Family::Calico,
        ("crd.antrea.io", "NetworkPolicy" | "ClusterNetworkPolicy") => Family::Antrea,
        ("security.istio.io", "AuthorizationPolicy") => Family::Istio,
        ("policy.linkerd.io", "Server" | "AuthorizationPolicy") => Family::Linkerd,
        _ => return None,
    })
}

fn other(lens: &mut Lens, family: Family, object: &Object, spec: Node<'_>) -> OtherPolicy {
    let has = |key: &str| spec.list(key).next().is_some();
    let selector = match family {
        Family::Admin => subject(lens, spec.get("subject")),
        Family::Cilium => {
            let of = spec.get("endpointSelector");
            (!of.is_absent()).then(|| selector(lens, of, crate::cilium::without_source))
        }
        // Calico's selectors are expressions of their own; only "all" is understood.
        Family::Calico => {
            let text = spec.text("selector").unwrap_or("");
            matches!(text.trim(), "" | "all()").then(Selector::everything)
        }
        Family::Antrea => None,
        Family::Istio => Some(selector(lens, spec.get("selector"), |key| key)),
        Family::Linkerd => {
            let of = spec.get("podSelector");
            (!of.is_absent()).then(|| selector(lens, of, |key| key))
        }
    };
    let ingress = match family {
        Family::Admin | Family::Antrea => has("ingress"),
        // An empty or absent section does not isolate, unless the default is set by hand.
        Family::Cilium => {
            let default = spec.get("enableDefaultDeny").flag("ingress");
            default.unwrap_or(has("ingress") || has("ingressDeny"))
        }
        Family::Calico => {
            let types: Vec<&str> = spec.texts("types").collect();
            if types.is_empty() {
                has("ingress") || !has("egress")
            } else {
                types.contains(&"Ingress")
            }
        }
        Family::Istio | Family::Linkerd => true,
    };
    let mesh_wide = family == Family::Istio && object.namespace.as_deref() == Some("istio-system");
    OtherPolicy {
        object: object.reference(),
        namespace: if mesh_wide {
            None
        } else {
            object.namespace.as_deref().map(|name| lens.word(name))
        },
        selector,
        ingress,
        evaluated: matches!(
            family,
            Family::Admin | Family::Cilium | Family::Calico | Family::Istio
        ),
    }
}

/// Only a subject that is every pod of every namespace has the shape of a selector.
fn subject(lens: &mut Lens, node: Node<'_>) -> Option<Selector> {
    let namespaces = node.get("namespaces");
    if !namespaces.is_absent() {
        let chosen = selector(lens, namespaces, |key| key);
        return chosen.is_everything().then_some(chosen);
    }
    let pods = node.get("pods");
    let everywhere = selector(lens, pods.get("namespaceSelector"), |key| key).is_everything();
    (!pods.is_absent() && everywhere).then(|| selector(lens, pods.get("podSelector"), |key| key))
}
