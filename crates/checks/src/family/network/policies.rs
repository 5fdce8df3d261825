//! Rules inside policies that let through more, or less, than they seem to. Comes in: the typed policies.
//! Goes out: findings with the peer that is to blame. Never: who is reached in the end.

use super::coverage::{
    Way, admin_selects, held, held_workloads, policies_of, saw_policies, selects,
};
use crate::world::{Sink, World, read};
use model::evidence::Truth;
use model::object::ObjectRef;
use model::snapshot::Origin;
use model::workload::WorkloadState;
use semantics::view::{
    AdminAction, AdminPolicy, AdminRule, AdminTier, CiliumPeer, NetworkPolicy, PolicyPeer,
    PolicyPort, PolicyRule, Selector, Service, TargetPort, WorkloadView,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Instance metadata of most clouds, and of AWS over IPv6.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
];

fn reference(policy: &NetworkPolicy) -> ObjectRef {
    let group = "networking.k8s.io";
    ObjectRef::new(
        group,
        "NetworkPolicy",
        Some(&policy.namespace),
        &policy.name,
    )
}

fn indexed<T>(all: &[T]) -> impl Iterator<Item = (usize, &T)> {
    all.iter().enumerate()
}

fn lets(ports: &[PolicyPort], protocol: &str, wanted: u16) -> bool {
    ports.is_empty()
        || ports.iter().any(|port| {
            (port.protocol.is_empty() || &*port.protocol == protocol)
                && match (&port.port, port.end) {
                    (None, _) => true,
                    (Some(TargetPort::Number(first)), end) => {
                        (*first..=end.unwrap_or(*first)).contains(&wanted)
                    }
                    (Some(TargetPort::Name(_)), _) => false,
                }
        })
}

/// Nodes outside of clouds have no metadata service to steal from.
fn may_be_cloud(world: &World<'_>) -> bool {
    let nodes = world.snapshot.of_kind("", "Node");
    let own = |provider: &str| {
        [
            "kind://",
            "k3s://",
            "k3d://",
            "vsphere://",
            "metal3://",
            "proxmox://",
        ]
        .iter()
        .any(|known| provider.starts_with(known))
    };
    let cloud = |object| {
        read(object, |root| {
            let provider = root.at(&["spec", "providerID"]);
            provider
                .as_text()
                .is_some_and(|text| !text.is_empty() && !own(text))
        })
        .unwrap_or(true)
    };
    nodes.is_empty() || nodes.iter().any(cloud)
}

pub(super) fn metadata(world: &World<'_>, sink: &mut Sink<'_>) {
    if !may_be_cloud(world) {
        return;
    }
    for policy in &world.inventory.network_policies {
        if !policy.isolates_egress {
            continue;
        }
        sink.looked(1);
        for (r, rule) in indexed(&policy.egress) {
            if !lets(&rule.ports, "TCP", 80) {
                continue;
            }
            for (p, peer) in indexed(&rule.peers) {
                let PolicyPeer::Block { cidr, except } = peer else {
                    continue;
                };
                let open = METADATA.iter().find(|address| {
                    cidr.contains(*address) && !except.iter().any(|net| net.contains(*address))
                });
                if let Some(address) = open {
                    let says = format!("/spec/egress/{r}/to/{p} holds {address}");
                    let pointer = format!("/spec/egress/{r}/to/{p}/ipBlock");
                    sink.about(world, &reference(policy), pointer, says);
                }
            }
        }
    }
    for policy in &world.inventory.cilium_policies {
        if !policy.egress.isolates {
            continue;
        }
        sink.looked(1);
        let open = policy.egress.allow.iter().any(|rule| {
            let port = rule.ports.as_ref().is_none_or(|ports| lets(ports, "TCP", 80));
            port && !rule.malformed
                && rule.peers.iter().any(|peer| {
                    matches!(peer, CiliumPeer::Block { cidr, except }
                        if METADATA.iter().any(|a| cidr.contains(a) && !except.iter().any(|n| n.contains(a))))
                })
        });
        if open && policy.egress.deny.is_empty() {
            sink.about(
                world,
                &policy.object,
                "/spec/egress",
                "its egress holds 169.254.169.254",
            );
        }
    }
}

/// Ingress for everybody on some ports, where nothing publishes the pods.
pub(super) fn from_anywhere(world: &World<'_>, sink: &mut Sink<'_>) {
    let published = published(world);
    for policy in &world.inventory.network_policies {
        if !policy.isolates_ingress {
            continue;
        }
        sink.looked(1);
        let tunnel = world.inventory.tunnels.iter().any(|tunnel| {
            tunnel
                .namespace
                .as_ref()
                .is_none_or(|n| *n == policy.namespace)
        });
        let selected = || {
            of_namespace(world, &policy.namespace)
                .filter(|view| selects(&policy.selector, &view.pod_labels) != Truth::No)
        };
        if tunnel || selected().next().is_none() || selected().any(|view| fronted(view, &published))
        {
            continue;
        }
        for (r, rule) in indexed(&policy.ingress) {
            if let Some(pointer) = anywhere(rule, r) {
                let says = format!("{pointer} lets everybody in, and nothing publishes these pods");
                sink.about(world, &reference(policy), pointer, says);
            }
        }
    }
}

fn anywhere(rule: &PolicyRule, r: usize) -> Option<String> {
    if rule.peers.is_empty() {
        // Without ports too it is another rule's finding.
        return (!rule.ports.is_empty()).then(|| format!("/spec/ingress/{r}/from"));
    }
    let whole = |peer: &PolicyPeer| matches!(peer, PolicyPeer::Block { cidr, except } if cidr.prefix_len() == 0 && except.is_empty());
    let p = rule.peers.iter().position(whole)?;
    Some(format!("/spec/ingress/{r}/from/{p}/ipBlock/cidr"))
}

fn of_namespace<'a>(
    world: &World<'a>,
    namespace: &'a str,
) -> impl Iterator<Item = &'a WorkloadView> {
    world.inventory.workloads.iter().filter(move |view| {
        &*view.workload.key.namespace == namespace && view.workload.state != WorkloadState::History
    })
}

/// Services that something outside of the cluster is led to.
fn published<'a>(world: &World<'a>) -> Vec<&'a Service> {
    let inventory = world.inventory;
    let mut named: BTreeSet<(&str, &str)> = BTreeSet::new();
    for ingress in &inventory.ingresses {
        named.extend(
            ingress
                .backends
                .iter()
                .map(|(_, s, _)| (&*ingress.namespace, &**s)),
        );
    }
    for route in &inventory.routes {
        named.extend(route.backends.iter().map(|b| (&*b.namespace, &*b.service)));
    }
    let services = inventory.services.iter();
    services
        .filter(|one| {
            matches!(&*one.kind, "LoadBalancer" | "NodePort")
                || !one.external_ips.is_empty()
                || named.contains(&(&*one.namespace, &*one.name))
        })
        .collect()
}

fn fronted(view: &WorkloadView, published: &[&Service]) -> bool {
    published.iter().any(|service| {
        service.namespace == view.workload.key.namespace
            && !service.selector.is_empty()
            && service
                .selector
                .iter()
                .all(|(key, value)| view.pod_labels.get(key) == Some(value))
    })
}

/// Policies that select no pod.
pub(super) fn selects_nothing(world: &World<'_>, sink: &mut Sink<'_>) {
    if !sink.saw(world, "", "Pod") || !sink.saw(world, "apps", "Deployment") {
        return;
    }
    for policy in &world.inventory.network_policies {
        if policy.selector.is_everything() || policy.selector.malformed {
            continue;
        }
        // Files may hold the policies of one chart and the pods of another.
        let mut there = of_namespace(world, &policy.namespace).peekable();
        if there.peek().is_none() {
            continue;
        }
        sink.looked(1);
        if !there.any(|view| policy.selector.matches(&view.pod_labels)) {
            let says = "/spec/podSelector matches no pod of the namespace";
            sink.about(world, &reference(policy), "/spec/podSelector", says);
        }
    }
}

/// Peers that nobody is.
pub(super) fn peers_nobody(world: &World<'_>, sink: &mut Sink<'_>) {
    let live = world.snapshot.origin == Origin::Live;
    if !sink.saw(world, "", "Pod") || !sink.saw(world, "", "Namespace") {
        return;
    }
    for policy in &world.inventory.network_policies {
        sink.looked(1);
        for (way, key, rules) in [
            ("ingress", "from", &policy.ingress),
            ("egress", "to", &policy.egress),
        ] {
            for (r, rule) in indexed(rules) {
                for (p, peer) in indexed(&rule.peers) {
                    let PolicyPeer::Pods { pods, namespaces } = peer else {
                        continue;
                    };
                    // Files show their own namespaces at most.
                    if (namespaces.is_some() && !live) || pods.malformed {
                        continue;
                    }
                    if !somebody(world, policy, pods, namespaces.as_ref()) {
                        let pointer = format!("/spec/{way}/{r}/{key}/{p}");
                        let says = format!("{pointer} matches no pod");
                        sink.about(world, &reference(policy), pointer, says);
                    }
                }
            }
        }
    }
}

fn somebody(
    world: &World<'_>,
    policy: &NetworkPolicy,
    pods: &Selector,
    namespaces: Option<&Selector>,
) -> bool {
    let inventory = world.inventory;
    let here: BTreeSet<&str> = match namespaces {
        None => [&*policy.namespace].into(),
        Some(selector) if selector.malformed => return true,
        Some(selector) => inventory
            .namespaces
            .iter()
            .filter(|one| !one.seen || selector.matches(&one.labels))
            .map(|one| &*one.name)
            .collect(),
    };
    let mut there = inventory
        .workloads
        .iter()
        .filter(|view| here.contains(&*view.workload.key.namespace))
        .peekable();
    // A namespace that is empty by now is no mistake in the labels of pods.
    match there.peek() {
        None => !here.is_empty(),
        Some(_) => there.any(|view| pods.matches(&view.pod_labels)),
    }
}

/// What the API server's validation refuses; a policy in a file that never gets into the cluster holds nothing.
pub(super) fn refused(world: &World<'_>, sink: &mut Sink<'_>) {
    for policy in &world.inventory.network_policies {
        sink.looked(1);
        for (way, key, rules) in [
            ("ingress", "from", &policy.ingress),
            ("egress", "to", &policy.egress),
        ] {
            for (r, rule) in indexed(rules) {
                for (p, port) in indexed(&rule.ports) {
                    let wrong = match (&port.port, port.end) {
                        (Some(TargetPort::Number(first)), Some(end)) => end < *first,
                        (_, Some(_)) => true,
                        (_, None) => false,
                    };
                    if wrong {
                        let pointer = format!("/spec/{way}/{r}/ports/{p}/endPort");
                        let says = format!("{pointer} has no number below it to begin at");
                        sink.about(world, &reference(policy), pointer, says);
                    }
                }
                for (p, peer) in indexed(&rule.peers) {
                    let PolicyPeer::Block { cidr, except } = peer else {
                        continue;
                    };
                    for (e, net) in indexed(except) {
                        if !cidr.contains(net) || net.prefix_len() <= cidr.prefix_len() {
                            let pointer = format!("/spec/{way}/{r}/{key}/{p}/ipBlock/except/{e}");
                            let says = format!("{pointer}, {net}, is no part of {cidr}");
                            sink.about(world, &reference(policy), pointer, says);
                        }
                    }
                }
            }
        }
    }
}

/// Blocks that hold addresses of pods.
pub(super) fn blocks_of_pods(world: &World<'_>, sink: &mut Sink<'_>) {
    let pods: BTreeSet<IpAddr> = world
        .inventory
        .pods
        .iter()
        .flat_map(|pod| pod.ips.iter().copied())
        .collect();
    if pods.is_empty() {
        return;
    }
    for policy in &world.inventory.network_policies {
        sink.looked(1);
        for (r, rule) in indexed(&policy.ingress) {
            for (p, peer) in indexed(&rule.peers) {
                let PolicyPeer::Block { cidr, except } = peer else {
                    continue;
                };
                let inside =
                    |ip: &&IpAddr| cidr.contains(*ip) && !except.iter().any(|n| n.contains(*ip));
                let held = pods.iter().filter(inside).count();
                if cidr.prefix_len() > 0 && held > 0 {
                    let pointer = format!("/spec/ingress/{r}/from/{p}/ipBlock/cidr");
                    let says = format!("{pointer}, {cidr}, holds the addresses of {held} pods");
                    sink.about(world, &reference(policy), pointer, says);
                }
            }
        }
    }
}

/// Named ports that no pod has.
pub(super) fn named_ports(world: &World<'_>, sink: &mut Sink<'_>) {
    for policy in &world.inventory.network_policies {
        let selected: Vec<&WorkloadView> = of_namespace(world, &policy.namespace)
            .filter(|view| selects(&policy.selector, &view.pod_labels) != Truth::No)
            .collect();
        if selected.is_empty() {
            continue;
        }
        for (r, rule) in indexed(&policy.ingress) {
            for (p, port) in indexed(&rule.ports) {
                let Some(TargetPort::Name(name)) = &port.port else {
                    continue;
                };
                sink.looked(1);
                let has = |view: &&WorkloadView| {
                    let template = world.inventory.templates.get(view.template as usize);
                    template.is_none_or(|spec| {
                        let ports = spec.containers.iter().flat_map(|one| &one.ports);
                        ports.into_iter().any(|one| {
                            one.name.as_ref() == Some(name) && one.protocol == port.protocol
                        })
                    })
                };
                if !selected.iter().any(has) {
                    let pointer = format!("/spec/ingress/{r}/ports/{p}/port");
                    let says = format!("{pointer}, {name}, is no port of the selected pods");
                    sink.about(world, &reference(policy), pointer, says);
                }
            }
        }
    }
}

/// Workloads that may send somewhere, but not ask for names.
pub(super) fn without_dns(world: &World<'_>, sink: &mut Sink<'_>) {
    let inventory = world.inventory;
    let others = !inventory.admin_policies.is_empty()
        || !inventory.cilium_policies.is_empty()
        || !inventory.calico.policies.is_empty();
    if others || !saw_policies(world, sink) {
        return;
    }
    for (view, template) in held_workloads(world) {
        if held(world, view, template, Way::Out) != Truth::Yes {
            continue;
        }
        let rules = || {
            policies_of(world, &view.workload.key.namespace)
                .iter()
                .filter(|policy| policy.isolates_egress)
                .filter(|policy| selects(&policy.selector, &view.pod_labels) != Truth::No)
                .flat_map(|policy| &policy.egress)
        };
        // Nothing at all is meant.
        if rules().next().is_none() {
            continue;
        }
        sink.looked(1);
        let dns = |rule: &PolicyRule| {
            lets(&rule.ports, "UDP", 53)
                || rule
                    .ports
                    .iter()
                    .any(|p| matches!(p.port, Some(TargetPort::Name(_))))
        };
        if !rules().any(dns) {
            let says = "its pods may send, but to no port 53";
            sink.about(world, &view.workload.object, "", says);
        }
    }
}

/// Administrators' policies of one priority that mean the same pods.
pub(super) fn same_priority(world: &World<'_>, sink: &mut Sink<'_>) {
    let all: Vec<&AdminPolicy> = world.inventory.admin_policies.iter().collect();
    let versions = |one: &AdminPolicy, other: &AdminPolicy| {
        one.tier == other.tier
            && one.priority == other.priority
            && one.object.kind == other.object.kind
    };
    for (n, policy) in all.iter().enumerate() {
        if policy.tier == AdminTier::Baseline
            && &*policy.object.kind == "BaselineAdminNetworkPolicy"
        {
            continue;
        }
        sink.looked(1);
        let before = all.iter().take(n).filter(|other| versions(other, policy));
        let rival = before.into_iter().find(|other| {
            let differ = actions(other) != actions(policy) || actions(policy).len() > 1;
            differ && both_mean_one(world, other, policy)
        });
        if let Some(rival) = rival {
            let says = format!(
                "/spec/priority is {}, that of {} for the same pods: which is first is not defined",
                policy.priority, rival.object.name
            );
            sink.about(world, &policy.object, "/spec/priority", says);
        }
    }
}

fn actions(policy: &AdminPolicy) -> BTreeSet<AdminAction> {
    let rules = policy.ingress.iter().chain(&policy.egress);
    rules.map(|rule| rule.action).collect()
}

fn both_mean_one(world: &World<'_>, one: &AdminPolicy, other: &AdminPolicy) -> bool {
    let (Some(first), Some(second)) = (&one.subject, &other.subject) else {
        return false;
    };
    world.inventory.workloads.iter().any(|view| {
        admin_selects(world, first, view) == Truth::Yes
            && admin_selects(world, second, view) == Truth::Yes
    })
}

/// Administrators' rules behind one that already decided everything they mean.
pub(super) fn shadowed(world: &World<'_>, sink: &mut Sink<'_>) {
    for policy in &world.inventory.admin_policies {
        for (way, rules) in [("ingress", &policy.ingress), ("egress", &policy.egress)] {
            for (r, rule) in indexed(rules) {
                sink.looked(1);
                let before = rules.iter().take(r).position(|first| covers(first, rule));
                if let Some(first) = before {
                    let pointer = format!("/spec/{way}/{r}");
                    let says = format!(
                        "{pointer} is never asked: /spec/{way}/{first} decides for all it means"
                    );
                    sink.about(world, &policy.object, pointer, says);
                }
            }
        }
    }
}

fn covers(first: &AdminRule, later: &AdminRule) -> bool {
    let ports = first.ports.is_none()
        || first.ports.as_ref().is_some_and(|own| {
            later.ports.as_ref().is_some_and(|ports| {
                let key = |p: &PolicyPort| (p.protocol.clone(), p.port.clone(), p.end);
                ports.iter().all(|p| own.iter().any(|o| key(o) == key(p)))
            })
        });
    !first.malformed
        && !later.malformed
        && first.action != later.action
        && ports
        && !later.peers.is_empty()
        && later.peers.iter().all(|peer| first.peers.contains(peer))
}

/// Policies of plugins that hold a pod and let everybody in.
pub(super) fn plugin_allows_all(world: &World<'_>, sink: &mut Sink<'_>) {
    for policy in &world.inventory.cilium_policies {
        if !policy.ingress.isolates {
            continue;
        }
        sink.looked(1);
        let all = policy.ingress.allow.iter().any(|rule| {
            let open = rule.ports.is_none() && !rule.narrowed && !rule.malformed;
            open && rule.peers.contains(&CiliumPeer::Everyone)
        });
        if all && policy.ingress.deny.is_empty() {
            let says = "a rule of /spec/ingress lets everybody in on all ports, and none denies";
            sink.about(world, &policy.object, "/spec/ingress", says);
        }
    }
    for policy in &world.inventory.calico.policies {
        let Some(rules) = &policy.ingress else {
            continue;
        };
        sink.looked(1);
        // Behind rules that deny, "allow the rest" is a way to write.
        let all = rules.first().is_some_and(|rule| {
            rule.action == AdminAction::Allow
                && rule.peer == semantics::view::CalicoPeer::default()
                && rule.ports.is_none()
                && rule.not_ports.is_empty()
                && !rule.narrowed
                && !rule.malformed
        });
        if all {
            let says = "/spec/ingress/0 allows everything from everybody";
            sink.about(world, &policy.object, "/spec/ingress/0", says);
        }
    }
}
