//! Exact reachability against a model that asks every policy for every pair and port, one after the other.

use crate::world::{block, deployment, namespace_of, pod, pods, selector};
use ipnet::IpNet;
use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::reach::Direction;
use network::NetworkDeclarations;
use network::reach::{Peer, Protocol, Reach, Sweep};
use proptest::prelude::*;
use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminPolicy, AdminRule, AdminTier, CiliumPeer, CiliumPolicy,
    CiliumRule, CiliumSide, Inventory, Labels, NetworkPolicy, Operator, PolicyPeer, PolicyPort,
    PolicyRule, Requirement, Selector, TargetPort,
};
use std::net::IpAddr;

const NAMES: [&str; 5] = ["shop/web", "shop/api", "blog/web", "blog/api", "idle/job"];
const PORTS: [u16; 4] = [1, 80, 8080, 65535];
const ADDRESSES: [&str; 4] = ["10.0.0.1", "10.1.2.3", "203.0.113.9", "2001:db8::1"];

/// One end, as the model sees it.
#[derive(Clone, Copy)]
enum End<'a> {
    Pod {
        namespace: &'a str,
        labels: &'a Labels,
        namespace_labels: &'a Labels,
        /// Container ports by name.
        named: &'a [(&'a str, u16)],
    },
    Outside(IpAddr),
}

fn has(selector: &Selector, labels: &Labels) -> bool {
    let equal = selector
        .equals
        .iter()
        .all(|(k, v)| labels.get(k) == Some(v));
    equal
        && selector.expressions.iter().all(|e| {
            let value = labels.get(&e.key);
            match e.operator {
                Operator::In => value.is_some_and(|v| e.values.contains(v)),
                Operator::NotIn => !value.is_some_and(|v| e.values.contains(v)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
}

fn holds(ports: &[PolicyPort], port: u16, destination: End<'_>) -> bool {
    ports.iter().any(|p| match &p.port {
        _ if !matches!(&*p.protocol, "TCP" | "") => false,
        None => true,
        Some(TargetPort::Number(first)) => (*first..=p.end.unwrap_or(*first)).contains(&port),
        Some(TargetPort::Name(name)) => match destination {
            End::Pod { named, .. } => named.contains(&(&**name, port)),
            End::Outside(_) => false,
        },
    })
}

fn network_peer(peer: &PolicyPeer, own: &str, other: End<'_>) -> bool {
    match (peer, other) {
        (
            PolicyPeer::Pods { pods, namespaces },
            End::Pod {
                namespace,
                labels,
                namespace_labels,
                ..
            },
        ) => {
            let there = match namespaces {
                None => namespace == own,
                Some(selector) => has(selector, namespace_labels),
            };
            there && has(pods, labels)
        }
        (PolicyPeer::Block { cidr, except }, End::Outside(ip)) => {
            cidr.contains(&ip) && !except.iter().any(|hole| hole.contains(&ip))
        }
        _ => false,
    }
}

fn admin_peer(peer: &AdminPeer, other: End<'_>) -> bool {
    match (peer, other) {
        (
            AdminPeer::Pods(of),
            End::Pod {
                labels,
                namespace_labels,
                ..
            },
        ) => has(&of.namespaces, namespace_labels) && has(&of.pods, labels),
        (AdminPeer::Networks(nets), End::Outside(ip)) => nets.iter().any(|n| n.contains(&ip)),
        _ => false,
    }
}

fn cilium_peer(peer: &CiliumPeer, own: Option<&str>, other: End<'_>) -> bool {
    match (peer, other) {
        (CiliumPeer::Everyone, _) => true,
        (
            CiliumPeer::Pods { pods, namespaces },
            End::Pod {
                namespace,
                labels,
                namespace_labels,
                ..
            },
        ) => {
            let there = match namespaces {
                None => own.is_none_or(|own| own == namespace),
                Some(selector) => has(selector, namespace_labels),
            };
            there && has(pods, labels)
        }
        (CiliumPeer::Block { cidr, except }, End::Outside(ip)) => {
            cidr.contains(&ip) && !except.iter().any(|hole| hole.contains(&ip))
        }
        _ => false,
    }
}

/// What one side says of one port, straight from the API's words.
fn side(
    world: &Inventory,
    direction: Direction,
    subject: End<'_>,
    other: End<'_>,
    port: u16,
) -> bool {
    let End::Pod {
        namespace,
        labels,
        namespace_labels,
        ..
    } = subject
    else {
        return true;
    };
    let destination = match direction {
        Direction::Ingress => subject,
        Direction::Egress => other,
    };
    let tier = |tier: AdminTier| -> Option<AdminAction> {
        let mut policies: Vec<&AdminPolicy> = world
            .admin_policies
            .iter()
            .filter(|p| p.tier == tier)
            .filter(|p| {
                let of = p.subject.as_ref().unwrap();
                has(&of.namespaces, namespace_labels) && has(&of.pods, labels)
            })
            .collect();
        policies.sort_by_key(|p| p.priority);
        let rules = policies.into_iter().flat_map(|p| match direction {
            Direction::Ingress => &p.ingress,
            Direction::Egress => &p.egress,
        });
        rules
            .filter(|r| r.peers.iter().any(|peer| admin_peer(peer, other)))
            .find(|r| {
                r.ports
                    .as_ref()
                    .is_none_or(|ports| holds(ports, port, destination))
            })
            .map(|r| r.action)
    };
    match tier(AdminTier::Admin) {
        Some(AdminAction::Allow) => return true,
        Some(AdminAction::Deny) => return false,
        Some(AdminAction::Pass) | None => {}
    }
    let cilium: Vec<&CiliumPolicy> = world
        .cilium_policies
        .iter()
        .filter(|p| {
            let (namespaces, pods) = p.subject.as_ref().unwrap();
            p.namespace.as_ref().is_none_or(|own| **own == *namespace)
                && namespaces.as_ref().is_none_or(|n| has(n, namespace_labels))
                && has(pods, labels)
        })
        .collect();
    let of = |p: &'_ CiliumPolicy| match direction {
        Direction::Ingress => p.ingress.clone(),
        Direction::Egress => p.egress.clone(),
    };
    let hits = |rules: &[CiliumRule], own: Option<&str>| {
        rules.iter().any(|r| {
            r.peers.iter().any(|peer| cilium_peer(peer, own, other))
                && r.ports
                    .as_ref()
                    .is_none_or(|ports| holds(ports, port, destination))
        })
    };
    if cilium
        .iter()
        .any(|p| hits(&of(p).deny, p.namespace.as_deref()))
    {
        return false;
    }
    let allowed = cilium
        .iter()
        .any(|p| hits(&of(p).allow, p.namespace.as_deref()));
    let selecting: Vec<&NetworkPolicy> = world
        .network_policies
        .iter()
        .filter(|p| &*p.namespace == namespace && has(&p.selector, labels))
        .filter(|p| match direction {
            Direction::Ingress => p.isolates_ingress,
            Direction::Egress => p.isolates_egress,
        })
        .collect();
    if !selecting.is_empty() || cilium.iter().any(|p| of(p).isolates) {
        return allowed
            || selecting.iter().any(|p| {
                let rules = match direction {
                    Direction::Ingress => &p.ingress,
                    Direction::Egress => &p.egress,
                };
                rules.iter().any(|r| {
                    let peers = r.peers.is_empty()
                        || r.peers
                            .iter()
                            .any(|peer| network_peer(peer, namespace, other));
                    peers && (r.ports.is_empty() || holds(&r.ports, port, destination))
                })
            });
    }
    allowed || tier(AdminTier::Baseline) != Some(AdminAction::Deny)
}

fn ports() -> impl Strategy<Value = Vec<PolicyPort>> {
    let port = |protocol: &str, port: Option<TargetPort>, end: Option<u16>| PolicyPort {
        protocol: protocol.into(),
        port,
        end,
    };
    let one = prop_oneof![
        Just(port("TCP", None, None)),
        Just(port("UDP", None, None)),
        Just(port("TCP", Some(TargetPort::Number(80)), None)),
        Just(port("TCP", Some(TargetPort::Number(2)), Some(9000))),
        Just(port("TCP", Some(TargetPort::Number(90)), Some(3))),
        Just(port("TCP", Some(TargetPort::Name("p80".into())), None)),
        Just(port("TCP", Some(TargetPort::Name("p8080".into())), None)),
        Just(port("TCP", Some(TargetPort::Name("none".into())), None)),
    ];
    prop::collection::vec(one, 0..3)
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let expression = |key: &str, operator, values: &[&str]| Selector {
        expressions: vec![Requirement {
            key: key.into(),
            operator,
            values: values.iter().map(|v| (*v).into()).collect(),
        }],
        ..Selector::default()
    };
    prop_oneof![
        Just(selector("")),
        Just(selector("app=web")),
        Just(selector("team=blog")),
        Just(expression("app", Operator::NotIn, &["web", "x"])),
        Just(expression("team", Operator::In, &["shop", "blog"])),
        Just(expression("app", Operator::Exists, &[])),
        Just(expression("absent", Operator::DoesNotExist, &[])),
    ]
}

fn network_rule() -> impl Strategy<Value = PolicyRule> {
    let peer = prop_oneof![
        3 => (any_selector(), prop::option::of(any_selector()))
            .prop_map(|(pods, namespaces)| PolicyPeer::Pods { pods, namespaces }),
        1 => Just(pods("app=api", Some("team=shop"))),
        1 => Just(block("0.0.0.0/0", "10.0.0.0/9 10.128.0.0/9")),
        1 => Just(block("10.0.0.0/8", "10.1.0.0/16")),
        1 => Just(block("2001:db8::/32", "")),
    ];
    (prop::collection::vec(peer, 0..3), ports())
        .prop_map(|(peers, ports)| PolicyRule { peers, ports })
}

fn admin_rule() -> impl Strategy<Value = AdminRule> {
    let net = |text: &str| vec![text.parse::<IpNet>().unwrap()];
    let peer = prop_oneof![
        (any_selector(), any_selector())
            .prop_map(|(namespaces, pods)| AdminPeer::Pods(AdminPods { namespaces, pods })),
        Just(AdminPeer::Networks(net("203.0.113.0/24"))),
        Just(AdminPeer::Networks(net("2001:db8::/32"))),
    ];
    let action = prop_oneof![
        Just(AdminAction::Allow),
        Just(AdminAction::Deny),
        Just(AdminAction::Pass)
    ];
    (
        prop::collection::vec(peer, 1..3),
        prop::option::of(ports()),
        action,
    )
        .prop_map(|(peers, ports, action)| AdminRule {
            name: "".into(),
            action,
            peers,
            ports,
            malformed: false,
        })
}

fn admin_policy() -> impl Strategy<Value = AdminPolicy> {
    let subject = (any_selector(), any_selector());
    let rules = || prop::collection::vec(admin_rule(), 0..3);
    (any::<bool>(), subject, rules(), rules()).prop_map(|(admin, subject, ingress, egress)| {
        let tier = if admin {
            AdminTier::Admin
        } else {
            AdminTier::Baseline
        };
        // No baseline rule passes.
        let keep = |rules: Vec<AdminRule>| -> Vec<AdminRule> {
            let passes = |r: &AdminRule| r.action == AdminAction::Pass;
            rules.into_iter().filter(|r| admin || !passes(r)).collect()
        };
        AdminPolicy {
            object: ObjectRef::new(
                "policy.networking.k8s.io",
                "ClusterNetworkPolicy",
                None,
                "p",
            ),
            tier,
            priority: 0,
            subject: Some(AdminPods {
                namespaces: subject.0,
                pods: subject.1,
            }),
            ingress: keep(ingress),
            egress: keep(egress),
        }
    })
}

fn cilium_rule() -> impl Strategy<Value = CiliumRule> {
    let block = |cidr: &str, except: &str| CiliumPeer::Block {
        cidr: cidr.parse().unwrap(),
        except: except
            .split_whitespace()
            .map(|net| net.parse().unwrap())
            .collect(),
    };
    let peer = prop_oneof![
        1 => Just(CiliumPeer::Everyone),
        4 => (any_selector(), prop::option::of(any_selector()))
            .prop_map(|(pods, namespaces)| CiliumPeer::Pods { pods, namespaces }),
        1 => Just(CiliumPeer::Unresolved),
        1 => Just(block("0.0.0.0/0", "")),
        1 => Just(block("10.0.0.0/8", "10.1.0.0/16")),
    ];
    (
        prop::collection::vec(peer, 0..3),
        prop::option::of(ports()),
        any::<bool>(),
    )
        .prop_map(|(peers, ports, narrowed)| CiliumRule {
            peers,
            ports,
            narrowed,
            malformed: false,
        })
}

fn cilium_side() -> impl Strategy<Value = CiliumSide> {
    let allow = prop::collection::vec(cilium_rule(), 0..3);
    let deny = prop::collection::vec(cilium_rule(), 0..2);
    (prop::option::of(any::<bool>()), allow, deny).prop_map(|(isolates, allow, mut deny)| {
        for rule in &mut deny {
            rule.narrowed = false;
        }
        CiliumSide {
            isolates: isolates.unwrap_or(!allow.is_empty() || !deny.is_empty()),
            allow,
            deny,
        }
    })
}

fn cilium_policy() -> impl Strategy<Value = CiliumPolicy> {
    let subject = (prop::option::of(any_selector()), any_selector());
    let own = prop::option::of(0..2_usize);
    (own, subject, cilium_side(), cilium_side()).prop_map(|(own, subject, ingress, egress)| {
        let namespace = own.map(|n| ["shop", "blog"][n]);
        CiliumPolicy {
            object: ObjectRef::new("cilium.io", "CiliumNetworkPolicy", namespace, "c"),
            namespace: namespace.map(Into::into),
            subject: Some(subject),
            ingress,
            egress,
        }
    })
}

prop_compose! {
    fn world()(
        policies in prop::collection::vec(
            (0..2_usize, any_selector(), any::<bool>(), any::<bool>(),
                prop::collection::vec(network_rule(), 0..3), prop::collection::vec(network_rule(), 0..3)),
            0..4),
        admin in prop::collection::vec(admin_policy(), 0..4),
        cilium in prop::collection::vec(cilium_policy(), 0..3),
        mixed in any::<bool>(),
    ) -> Inventory {
        let mut world = Inventory::default();
        for (n, name) in NAMES.iter().enumerate() {
            deployment(&mut world, name, if n.is_multiple_of(2) { &[80] } else { &[80, 8080] });
        }
        namespace_of(&mut world, "empty");
        for (n, (at, selector, ingress, egress, into, out)) in policies.into_iter().enumerate() {
            world.network_policies.push(NetworkPolicy {
                namespace: ["shop", "blog"][at].into(),
                name: format!("p{n}").into(),
                selector,
                isolates_ingress: ingress,
                isolates_egress: egress,
                ingress: into,
                egress: out,
            });
        }
        for (n, mut policy) in (0_i64..).zip(admin) {
            policy.priority = n;
            world.admin_policies.push(policy);
        }
        // No plugin has both; where there are, Cilium's come after the administrators'.
        if mixed {
            world.cilium_policies = cilium;
        }
        world.admin_policies.sort_by_key(|p| (p.tier, p.priority));
        world
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Every pair, every address, every port is what the model says; and what is sure is written, what is written possible.
    #[test]
    fn equals_the_model(world in world()) {
        let reach = Reach::of(&world);
        let named = |n: usize| -> &[(&str, u16)] {
            if n.is_multiple_of(2) { &[("p80", 80)] } else { &[("p80", 80), ("p8080", 8080)] }
        };
        let pod = |n: usize| {
            let view = &world.workloads[n];
            let namespace = &view.workload.key.namespace;
            let of = world.namespaces.iter().find(|ns| ns.name == *namespace).unwrap();
            End::Pod { namespace, labels: &view.pod_labels, namespace_labels: &of.labels, named: named(n) }
        };
        let peer = |n: usize| Peer::Workload(u32::try_from(n).unwrap());
        let range = |direction, ip: IpAddr| {
            let mut all = reach.intervals(direction);
            all.find(|(_, i)| i.first.is_ipv4() == ip.is_ipv4() && i.first <= ip && ip <= i.last).unwrap().0
        };
        for port in PORTS {
            for (a, from) in NAMES.iter().enumerate() {
                for (b, to) in NAMES.iter().enumerate() {
                    let ports = reach.ports(peer(a), peer(b));
                    let model = side(&world, Direction::Egress, pod(a), pod(b), port)
                        && side(&world, Direction::Ingress, pod(b), pod(a), port);
                    prop_assert_eq!(ports.written.contains(Protocol::Tcp, port), model, "{} to {} on {}", from, to, port);
                    prop_assert_eq!(ports.written.difference(&ports.possible).to_string(), "No Connections");
                    prop_assert_eq!(ports.sure.difference(&ports.written).to_string(), "No Connections");
                }
                for address in ADDRESSES {
                    let ip: IpAddr = address.parse().unwrap();
                    let out = reach.ports(peer(a), Peer::Range(range(Direction::Egress, ip)));
                    let model = side(&world, Direction::Egress, pod(a), End::Outside(ip), port);
                    prop_assert_eq!(out.written.contains(Protocol::Tcp, port), model, "{} to {} on {}", from, address, port);
                    let into = reach.ports(Peer::Range(range(Direction::Ingress, ip)), peer(a));
                    let model = side(&world, Direction::Ingress, pod(a), End::Outside(ip), port);
                    prop_assert_eq!(into.written.contains(Protocol::Tcp, port), model, "{} to {} on {}", address, from, port);
                }
            }
        }
    }

    /// What is listed source by source is what each pair is answered.
    #[test]
    fn a_sweep_lists_every_pair(mut world in world(), differ in any::<bool>()) {
        if differ {
            // Pods of one workload that carry different labels.
            pod(&mut world, 0, "worker", "10.0.0.1");
            pod(&mut world, 0, "worker", "10.1.2.3");
            world.pods[1].labels.insert("app".into(), "api".into());
        }
        let reach = Reach::of(&world);
        let mut sweep = reach.sweep();
        let sources: Vec<Peer> = sweep.sources().collect();
        let ranges = reach.intervals(Direction::Ingress).count();
        prop_assert_eq!(sources.len(), NAMES.len() + ranges + 1);
        for from in sources {
            sweep.begin(from);
            for (n, to) in sweep.targets().iter().enumerate() {
                let listed = sweep.ports(sweep.answer(n)).cloned().unwrap_or_default();
                let asked = reach.ports(from, *to);
                if from == *to || asked.possible.is_empty() {
                    prop_assert_eq!(sweep.answer(n), Sweep::NOTHING);
                } else {
                    prop_assert_eq!(listed, asked, "{:?} to {:?}", from, to);
                }
            }
        }
    }

    /// Whom exposures name as sure is whom the model lets in on a declared port; nobody else is ruled out.
    #[test]
    fn exposures_equal_the_model(world in world()) {
        let declared = NetworkDeclarations { enforced: Some(true), ..NetworkDeclarations::default() };
        let found = network::exposures(&world, &declared, &mut Ledger::default());
        let listens = |n: usize| if n.is_multiple_of(2) { &PORTS[1..2] } else { &PORTS[1..3] };
        let policies = world.network_policies.iter().flat_map(|p| p.ingress.iter().chain(&p.egress));
        let blocks = policies.flat_map(|r| &r.peers).any(|p| matches!(p, PolicyPeer::Block { .. }))
            || !world.cilium_policies.is_empty();
        let named = |n: usize| -> &[(&str, u16)] {
            if n.is_multiple_of(2) { &[("p80", 80)] } else { &[("p80", 80), ("p8080", 8080)] }
        };
        let pod = |n: usize| {
            let view = &world.workloads[n];
            let namespace = &view.workload.key.namespace;
            let of = world.namespaces.iter().find(|ns| ns.name == *namespace).unwrap();
            End::Pod { namespace, labels: &view.pod_labels, namespace_labels: &of.labels, named: named(n) }
        };
        let own = |n: usize| &world.workloads[n].workload.key.namespace;
        for (b, exposure) in found.iter().enumerate() {
            let from = &exposure.reachable_from;
            for a in (0..NAMES.len()).filter(|a| *a != b) {
                let model = listens(b).iter().any(|port| {
                    side(&world, Direction::Egress, pod(a), pod(b), *port)
                        && side(&world, Direction::Ingress, pod(b), pod(a), *port)
                });
                let n = u32::try_from(a).unwrap();
                let sure = from.cluster.truth() == Truth::Yes
                    || (own(a) == own(b) && from.namespace.truth() == Truth::Yes)
                    || from.peers.iter().any(|set| set.sure.contains(&n));
                let possible = from.cluster.truth() != Truth::No
                    || (own(a) == own(b) && from.namespace.truth() != Truth::No)
                    || from.peers.iter().any(|set| set.possible.contains(&n));
                prop_assert!(!sure || model, "{} to {} is not sure", NAMES[a], NAMES[b]);
                prop_assert!(possible || !model, "{} to {} is possible", NAMES[a], NAMES[b]);
                prop_assert!(blocks || sure == model, "{} to {}", NAMES[a], NAMES[b]);
            }
        }
    }

    /// The sides of a connection say what the connection is.
    #[test]
    fn explanations_hold(world in world()) {
        let reach = Reach::of(&world);
        for a in 0..2 {
            for b in 2..4 {
                let (from, to) = (Peer::Workload(a), Peer::Workload(b));
                let sides = reach.sides(from, to);
                prop_assert_eq!(sides.len(), 2);
                for side in &sides {
                    // What is open without a word of any rule.
                    let allowed = side.said.iter().filter(|said| said.action == AdminAction::Allow);
                    let said = allowed.fold(side.by_default.clone(), |all, said| all.union(&said.ports));
                    prop_assert_eq!(side.ports.written.difference(&said).to_string(), "No Connections");
                    prop_assert!(!side.selected_by.is_empty() || side.by_default.is_all());
                    prop_assert!(side.isolated != Truth::Yes || side.by_default.is_empty());
                }
                let both = sides[0].ports.written.intersection(&sides[1].ports.written);
                prop_assert_eq!(both, reach.ports(from, to).written);
            }
        }
    }
}
