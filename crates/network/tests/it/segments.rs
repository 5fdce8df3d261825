//! Policies that are proposed: nothing that is declared breaks, everything else between namespaces is closed.

use crate::world::{
    batch, block, deployment, enforced, ingress, labels, node, pods, policy, rule, selector,
    service,
};
use model::evidence::Truth;
use model::mention::Mention;
use model::netpol::{Peer, Policy, Proposal, Selected};
use model::object::ObjectRef;
use model::text::Text;
use network::dependencies::{Dependencies, Dependency, Party, declared, denied, passes};
use network::reach::{Peer as At, Reach};
use network::{Scope, segments};
use proptest::prelude::*;
use semantics::authorizer::{Binding, Subject};
use semantics::named::{Backend, Named, Said, Says};
use semantics::view::{
    Inventory, NetworkPolicy, Operator, PolicyPeer, PolicyPort, PolicyRule, Requirement, Selector,
    ServiceAccount, TargetPort,
};
use std::collections::BTreeSet;

fn named(world: &Inventory) -> Named {
    Named {
        workloads: vec![Says::default(); world.workloads.len()],
        ..Named::default()
    }
}

/// Lets a workload name a Service, as `infra/mq:5672` or `infra/mq`; `*:443` is outside.
fn names(named: &mut Named, workload: usize, place: &str) {
    let mark = format!("redacted:v1:text:1:0123456789abcdef;{place}");
    let found = model::mention::mentions(&mark).unwrap();
    named.workloads[workload]
        .peers
        .extend(found.into_iter().map(|mention: Mention| Said {
            object: ObjectRef::new("apps", "Deployment", Some("shop"), "web"),
            pointer: "/spec/template/spec/containers/0/env/0/value".into(),
            key: "PEER".into(),
            mention,
        }));
}

fn workload(world: &Inventory, name: &str) -> usize {
    let all = world.workloads.iter();
    let mut names = all.map(|v| format!("{}/{}", v.workload.key.namespace, v.workload.key.name));
    names.position(|n| n == name).unwrap()
}

fn reader(selected: &Selected) -> Selector {
    let operator = |text: &str| match text {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        _ => Operator::DoesNotExist,
    };
    Selector {
        equals: selected.labels.iter().cloned().collect(),
        expressions: selected
            .expressions
            .iter()
            .map(|(key, op, values)| Requirement {
                key: key.clone(),
                operator: operator(op),
                values: values.clone(),
            })
            .collect(),
        malformed: false,
    }
}

/// What `kubectl apply` makes of a proposal.
fn apply(world: &Inventory, proposal: &Proposal) -> Inventory {
    let peer = |peer: &Peer| match peer {
        Peer::Pods { namespace, pods } => PolicyPeer::Pods {
            pods: reader(pods),
            namespaces: namespace
                .as_ref()
                .map(|name| selector(&format!("kubernetes.io/metadata.name={name}"))),
        },
        Peer::Block { cidr, except } => PolicyPeer::Block {
            cidr: *cidr,
            except: except.clone(),
        },
    };
    let rules = |rules: &Option<Vec<model::netpol::Rule>>| -> Vec<PolicyRule> {
        let rules = rules.iter().flatten();
        rules
            .map(|rule| PolicyRule {
                peers: rule.peers.iter().map(peer).collect(),
                ports: rule
                    .ports
                    .iter()
                    .map(|(protocol, port)| PolicyPort {
                        protocol: protocol.clone(),
                        port: Some(TargetPort::Number(*port)),
                        end: None,
                    })
                    .collect(),
            })
            .collect()
    };
    let mut after = world.clone();
    let made = |policy: &Policy| NetworkPolicy {
        namespace: policy.namespace.clone(),
        name: policy.name.clone(),
        selector: reader(&policy.pods),
        isolates_ingress: policy.ingress.is_some(),
        isolates_egress: policy.egress.is_some(),
        ingress: rules(&policy.ingress),
        egress: rules(&policy.egress),
    };
    after
        .network_policies
        .extend(proposal.policies.iter().map(made));
    after
}

struct Made {
    before: Inventory,
    after: Inventory,
    found: Dependencies,
    proposal: Proposal,
}

fn make(world: &Inventory, named: &Named) -> Made {
    let mut found = declared(world, named);
    denied(world, &Reach::of(world), &mut found.all);
    let proposal = segments(world, named, &found, &Scope::default());
    Made {
        before: world.clone(),
        after: apply(world, &proposal),
        found,
        proposal,
    }
}

/// Ports that one workload gets to on another, as `TCP 8080`; empty for none.
fn between(world: &Inventory, from: &str, to: &str) -> String {
    let at = |name| At::Workload(u32::try_from(workload(world, name)).unwrap());
    Reach::of(world).ports(at(from), at(to)).written.to_string()
}

/// The shop: `web` in front of `api`, an `mq` elsewhere, and a `spy` whom nobody knows.
fn shop() -> Inventory {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[8080]);
    deployment(&mut world, "shop/api", &[9090, 9091]);
    deployment(&mut world, "infra/mq", &[5672]);
    deployment(&mut world, "blog/spy", &[80]);
    service(&mut world, "shop/api", "ClusterIP", "api", 9090);
    service(&mut world, "infra/mq", "ClusterIP", "mq", 5672);
    world
}

#[track_caller]
fn check(
    case: &str,
    build: impl FnOnce(&mut Inventory, &mut Named),
    expected: &[(&str, &str, &str)],
) {
    let mut world = shop();
    let mut says = named(&world);
    build(&mut world, &mut says);
    says.workloads
        .resize(world.workloads.len(), Says::default());
    let made = make(&world, &says);
    for (from, to, ports) in expected {
        assert_eq!(
            between(&made.after, from, to),
            *ports,
            "{case}: {from} to {to}"
        );
    }
    holds(&made);
}

/// Every declared dependency passes as it did.
fn holds(made: &Made) {
    let (before, after) = (Reach::of(&made.before), Reach::of(&made.after));
    for dependency in &made.found.all {
        let was = passes(&made.before, &before, dependency);
        let is = passes(&made.after, &after, dependency);
        assert!(
            is >= was,
            "{dependency:?}: {was:?} became {is:?}\n{:#?}",
            made.proposal
        );
    }
}

const NOTHING: &str = "No Connections";

#[test]
fn what_is_declared_stays_and_nothing_else() {
    check(
        "nothing is declared",
        |_, _| {},
        &[
            ("shop/web", "shop/api", NOTHING),
            ("shop/web", "infra/mq", NOTHING),
            ("blog/spy", "shop/api", NOTHING),
        ],
    );
    check(
        "a Service with a port",
        |_, says| names(says, 1, "shop/api:9090"),
        &[
            ("shop/web", "shop/api", NOTHING),
            ("shop/api", "shop/web", NOTHING),
        ],
    );
    check(
        "of another namespace",
        |world, says| {
            names(says, workload(world, "shop/web"), "infra/mq:5672");
        },
        &[
            ("shop/web", "infra/mq", "TCP 5672"),
            ("shop/api", "infra/mq", NOTHING),
            ("infra/mq", "shop/web", NOTHING),
            ("blog/spy", "infra/mq", NOTHING),
        ],
    );
    check(
        "without a port",
        |world, says| {
            names(says, workload(world, "shop/web"), "shop/api");
        },
        &[("shop/web", "shop/api", "TCP 9090")],
    );
    check(
        "a port that the Service does not have",
        |world, says| {
            names(says, workload(world, "shop/web"), "shop/api:1");
        },
        &[("shop/web", "shop/api", "TCP 9090")],
    );
    check(
        "a headless Service's pods are reached on their own ports",
        |world, says| {
            world.services.iter_mut().for_each(|s| s.headless = true);
            names(says, workload(world, "shop/web"), "shop/api:9091");
        },
        &[("shop/web", "shop/api", "TCP 9091")],
    );
    check(
        "a host outside opens no pods",
        |world, says| {
            names(says, workload(world, "blog/spy"), "*:9090");
        },
        &[("blog/spy", "shop/api", NOTHING)],
    );
    check(
        "an Ingress whose controller was not seen",
        |world, _| {
            ingress(world, "shop/public", None, "api");
        },
        &[("blog/spy", "shop/api", NOTHING)],
    );
    check(
        "pods on the network of their node",
        |world, says| {
            let n = workload(world, "shop/api");
            let template = world.workloads[n].template as usize;
            world.templates[template].host_network = true;
            names(says, workload(world, "shop/web"), "shop/api:9090");
            names(says, n, "infra/mq:5672");
        },
        &[("blog/spy", "shop/web", NOTHING)],
    );
    check(
        "a policy names two workloads",
        |world, _| {
            policy(
                world,
                "shop/api",
                "api",
                vec![rule(vec![pods("app=web", None)])],
            );
        },
        &[
            ("shop/web", "shop/api", "All Connections"),
            ("blog/spy", "shop/api", NOTHING),
        ],
    );
    check(
        "ranges of a load balancer",
        |world, _| {
            let of = service(world, "shop/web", "LoadBalancer", "web", 8080);
            of.source_ranges = vec!["203.0.113.0/24".parse().unwrap()];
        },
        &[("blog/spy", "shop/web", NOTHING)],
    );
    check(
        "what the API server calls",
        |_, says| {
            says.backends.push(Backend {
                object: ObjectRef::new("", "APIService", None, "v1.x"),
                pointer: "/spec/service".into(),
                namespace: "shop".into(),
                service: "api".into(),
                port: 9090,
            });
        },
        &[("blog/spy", "shop/web", NOTHING)],
    );
}

#[test]
fn what_a_policy_denies_today_stays_denied() {
    let mut world = shop();
    policy(&mut world, "infra/deny", "", Vec::new());
    let mut says = named(&world);
    names(&mut says, workload(&world, "shop/web"), "infra/mq:5672");
    let mut found = declared(&world, &says);
    let closed = denied(&world, &Reach::of(&world), &mut found.all);
    assert_eq!(closed.len(), 1, "{closed:?}");
    let made = make(&world, &says);
    assert_eq!(between(&made.after, "shop/web", "infra/mq"), NOTHING);
}

#[test]
fn names_are_unique_short_and_stable() {
    let long = "a".repeat(80);
    let mut world = Inventory::default();
    for name in ["shop/web", "shop/web", "shop/default-deny", "shop/a.b"] {
        deployment(&mut world, name, &[80]);
    }
    deployment(&mut world, &format!("shop/{long}x"), &[80]);
    deployment(&mut world, &format!("shop/{long}y"), &[80]);
    batch(&mut world, "shop/web");
    let proposal = make(&world, &named(&world)).proposal;
    let names: BTreeSet<Text> = proposal.policies.iter().map(|p| p.name.clone()).collect();
    assert_eq!(names.len(), proposal.policies.len(), "{names:?}");
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    for name in &names {
        assert!(name.len() <= 63 && name.bytes().all(plain), "{name}");
        assert!(name.starts_with("plimsoll-"), "{name}");
    }
    assert_eq!(proposal, make(&world, &named(&world)).proposal);
}

#[test]
fn the_cluster_s_own_namespaces_get_no_policies() {
    let mut world = shop();
    deployment(&mut world, "kube-system/dns", &[53]);
    let proposal = make(&world, &named(&world)).proposal;
    assert!(
        proposal
            .policies
            .iter()
            .all(|p| &*p.namespace != "kube-system")
    );
    let mut scope = Scope::default();
    assert_eq!(scope.refused(), None);
    scope.namespaces.insert("kube-public".into());
    assert!(scope.refused().is_some() && !scope.holds("kube-public") && !scope.holds("shop"));
}

#[test]
fn accounts_with_rights_reach_the_api_server() {
    let mut world = shop();
    let account = |namespace: &str| ServiceAccount {
        namespace: namespace.into(),
        name: "default".into(),
        automount_token: true,
        cloud_identity: None,
        seen: true,
    };
    world.service_accounts = vec![account("blog"), account("infra"), account("shop")];
    let binding = |name: &str, subject: Subject| Binding {
        object: ObjectRef::new(
            "rbac.authorization.k8s.io",
            "ClusterRoleBinding",
            None,
            name,
        ),
        namespace: None,
        subjects: vec![subject],
        role: ObjectRef::new("rbac.authorization.k8s.io", "ClusterRole", None, "r"),
        rules: None,
    };
    let one = Subject::ServiceAccount {
        namespace: "shop".into(),
        name: "default".into(),
    };
    let all = Subject::Group("system:serviceaccounts:infra".into());
    let stock = binding("stock", Subject::Group("system:serviceaccounts".into()));
    world.stock_bindings = vec![stock.object.clone()];
    world.authorizer.bindings = vec![binding("one", one), binding("all", all), stock];
    let n = workload(&world, "shop/api");
    let template = world.workloads[n].template as usize;
    world.templates[template].automount_token = Some(false);
    let found = declared(&world, &named(&world));
    let asks = |name: &str| {
        let n = u32::try_from(workload(&world, name)).unwrap();
        let to = |d: &Dependency| d.from == Party::Workload(n) && d.to == Party::ApiServer;
        found.all.iter().any(to)
    };
    assert!(asks("shop/web") && asks("infra/mq") && !asks("shop/api") && !asks("blog/spy"));
}

const WORKLOADS: [&str; 5] = ["a/one", "a/two", "b/one", "b/three", "c/four"];

prop_compose! {
    fn world()(
        services in prop::collection::vec((0..5_usize, 0..4_usize, any::<bool>()), 0..6),
        says in prop::collection::vec((0..5_usize, 0..6_usize, 0..4_usize), 0..8),
        policies in prop::collection::vec((0..5_usize, 0..4_usize, any::<bool>()), 0..3),
        fronts in prop::collection::vec(0..6_usize, 0..2),
        on_node in prop::option::of(0..5_usize),
    ) -> (Inventory, Named) {
        let mut world = Inventory::default();
        enforced(&mut world);
        node(&mut world, "n", "10.1.0.1", "");
        for name in WORKLOADS {
            let spec = deployment(&mut world, name, &[8080, 9090]);
            spec.host_network = on_node.is_some_and(|n| WORKLOADS[n] == name);
        }
        let mut made: Vec<String> = Vec::new();
        for (n, (at, kind, headless)) in services.iter().enumerate() {
            let (namespace, app) = WORKLOADS[*at].split_once('/').unwrap();
            let name = format!("{namespace}/s{n}");
            let kind = ["ClusterIP", "ClusterIP", "LoadBalancer", "NodePort"][*kind];
            let of = service(&mut world, &name, kind, app, 8080);
            of.headless = *headless;
            if *headless {
                of.source_ranges = vec!["203.0.113.0/24".parse().unwrap()];
            }
            made.push(name);
        }
        for n in &fronts {
            if let Some(name) = made.get(*n) {
                let (namespace, service) = name.split_once('/').unwrap();
                ingress(&mut world, &format!("{namespace}/i"), None, service);
            }
        }
        for (n, (at, shape, egress)) in policies.iter().enumerate() {
            let (namespace, app) = WORKLOADS[*at].split_once('/').unwrap();
            let peers = match shape {
                0 => vec![],
                1 => vec![rule(vec![pods("app=one", Some(""))])],
                2 => vec![rule(vec![block("10.0.0.0/8", "")])],
                _ => vec![rule(vec![pods("app=two", None)])],
            };
            let of = policy(&mut world, &format!("{namespace}/p{n}"), app, Vec::new());
            if *egress {
                of.isolates_egress = true;
                of.isolates_ingress = false;
                of.egress = peers;
            } else {
                of.ingress = peers;
            }
        }
        let mut said = named(&world);
        for (from, to, port) in says {
            let place = match made.get(to) {
                Some(name) => format!("{name}{}", ["", ":8080", ":80", ":9090"][port]),
                None => "*:8080".to_owned(),
            };
            names(&mut said, from, &place);
        }
        world.services.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        (world, said)
    }
}

proptest! {
    #[test]
    fn declared_stays_and_undeclared_between_namespaces_is_closed((world, said) in world()) {
        let made = make(&world, &said);
        holds(&made);
        let reach = Reach::of(&made.after);
        let apart = |n: usize| {
            let view = &made.after.workloads[n];
            made.after.templates[view.template as usize].host_network
        };
        for (a, first) in WORKLOADS.iter().enumerate() {
            for (b, second) in WORKLOADS.iter().enumerate() {
                let (x, y) = (u32::try_from(a).unwrap(), u32::try_from(b).unwrap());
                let namespace = |name: &str| name.split_once('/').unwrap().0.to_owned();
                if namespace(first) == namespace(second) || apart(a) || apart(b) {
                    continue;
                }
                // A rule of an existing policy may speak of pods, which adds up.
                let kept = Reach::of(&world);
                let open = reach.ports(At::Workload(x), At::Workload(y));
                let wanted = |to: &Party| matches!(to, Party::Workload(n) if *n == y);
                let from = |from: &Party| *from == Party::Workload(x);
                let declared = made.found.all.iter().any(|d| from(&d.from) && wanted(&d.to));
                // Nodes have no labels: who depends on a pod on their network gets to that port anywhere.
                let egress = made.found.all.iter().any(|d| from(&d.from) && match &d.to {
                    Party::Workload(n) => apart(*n as usize),
                    to => *to == Party::ApiServer,
                });
                let existing = world.network_policies.iter().any(|p| !p.egress.is_empty() || !p.ingress.is_empty());
                // Blocks are addresses outside of the cluster as they are written; a plugin may read them wider.
                let outside = made.found.all.iter().any(|d| from(&d.from)
                    && matches!(&d.to, Party::Outside(blocks) if blocks.is_empty()));
                if !declared && !egress && !existing {
                    prop_assert!(open.written.is_empty(), "{first} to {second}: {open:?}");
                    prop_assert!(outside || open.possible.is_empty(), "{first} to {second}: {open:?}");
                }
                // Nothing is opened that was closed.
                let was = kept.ports(At::Workload(x), At::Workload(y));
                prop_assert!(open.written.difference(&was.written).is_empty(), "{open:?} after {was:?}");
                prop_assert!(open.truth(None) != Truth::Yes || was.truth(None) == Truth::Yes);
            }
        }
    }
}

#[test]
fn labels_of_the_world_are_what_policies_select() {
    let world = shop();
    let proposal = make(&world, &named(&world)).proposal;
    let web = proposal
        .policies
        .iter()
        .find(|p| &*p.name == "plimsoll-web")
        .unwrap();
    let wanted: Vec<(Text, Text)> = labels("app=web").into_iter().collect();
    assert_eq!(web.pods.labels, wanted);
}
