//! One line a case: what is in the cluster, which class comes out.

use crate::world::{
    block, deployment, enforced, gateway, ingress, labels, node, pod, pods, policy, route, rule,
    selector, service,
};
use model::evidence::{GapId, Ledger, Truth};
use model::object::ObjectRef;
use model::situation::ExposureClass;
use network::{NetworkDeclarations, OpeningKind, WorkloadExposure};
use semantics::view::{
    AdminAction, AdminPeer, AdminPods, AdminPolicy, AdminRule, AdminTier, BackendPort, CiliumPeer,
    CiliumPolicy, CiliumRule, CiliumSide, EndpointSlice, FrontClass, Inventory, Labels, Operator,
    OtherPolicy, PolicyPort, PolicyRule, Requirement, Selector, ServicePort, TargetPort, Tunnel,
};

fn name(class: ExposureClass) -> &'static str {
    match class {
        ExposureClass::Unknown => "unknown",
        ExposureClass::None => "none",
        ExposureClass::Namespace => "namespace",
        ExposureClass::Cluster => "cluster",
        ExposureClass::External => "external",
        ExposureClass::Internet => "internet",
    }
}

/// `internet` for a known class, `external external..internet` for one with gaps.
fn summary(found: &WorkloadExposure) -> String {
    let exposure = &found.exposure;
    let (class, low, high) = (
        name(exposure.class),
        name(exposure.at_least),
        name(exposure.at_most),
    );
    if low == high && low == class {
        class.into()
    } else {
        format!("{class} {low}..{high}")
    }
}

fn evaluate(world: &Inventory, declared: &NetworkDeclarations) -> (Vec<WorkloadExposure>, Ledger) {
    let mut ledger = Ledger::default();
    let found = network::exposures(world, declared, &mut ledger);
    assert_eq!(found.len(), world.workloads.len());
    (found, ledger)
}

/// `build` gets a world whose workload 0 is the Deployment `shop/web` with port 8080 in a cluster that enforces policies.
fn check(case: &str, build: impl FnOnce(&mut Inventory), expected: &str) {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[8080]);
    build(&mut world);
    let (found, _) = evaluate(&world, &NetworkDeclarations::default());
    assert_eq!(summary(&found[0]), expected, "{case}");
}

fn lb(world: &mut Inventory) -> &mut semantics::view::Service {
    service(world, "shop/web", "LoadBalancer", "web", 8080)
}

fn annotated(world: &mut Inventory, pairs: &str) {
    lb(world).annotations = labels(pairs);
}

#[test]
fn services() {
    check("no Service", |_| {}, "cluster");
    check(
        "ClusterIP",
        |w| _ = service(w, "shop/web", "ClusterIP", "web", 8080),
        "cluster",
    );
    check("LoadBalancer", |w| _ = lb(w), "internet");
    check(
        "of another namespace",
        |w| _ = service(w, "blog/web", "LoadBalancer", "web", 8080),
        "cluster",
    );
    check(
        "of other pods",
        |w| _ = service(w, "shop/web", "LoadBalancer", "db", 8080),
        "cluster",
    );
    check(
        "a named port that nobody has",
        |w| lb(w).ports[0].target = TargetPort::Name("none".into()),
        "cluster",
    );
    check(
        "a named port",
        |w| lb(w).ports[0].target = TargetPort::Name("p8080".into()),
        "internet",
    );
    check(
        "narrow source ranges",
        |w| lb(w).source_ranges = vec!["203.0.113.0/24".parse().unwrap()],
        "external",
    );
    check(
        "0.0.0.0/0",
        |w| lb(w).source_ranges = vec!["0.0.0.0/0".parse().unwrap()],
        "internet",
    );
    check(
        "AWS internal",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/aws-load-balancer-internal=true",
            );
        },
        "external",
    );
    check(
        "AWS not internal",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/aws-load-balancer-internal=false",
            );
        },
        "internet",
    );
    check(
        "GCP internal",
        |w| annotated(w, "networking.gke.io/load-balancer-type=Internal"),
        "external",
    );
    check(
        "Azure internal",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/azure-load-balancer-internal=true",
            );
        },
        "external",
    );
    check(
        "AWS, any value but false",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/aws-load-balancer-internal=10.0.0.0/8",
            );
        },
        "external",
    );
    check(
        "AWS controller, not internal",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/aws-load-balancer-type=external service.beta.kubernetes.io/aws-load-balancer-internal=false",
            );
        },
        "internet",
    );
    check(
        "AWS controller by class",
        |w| lb(w).load_balancer_class = Some("service.k8s.aws/nlb".into()),
        "external external..internet",
    );
    check(
        "GKE's internal class",
        |w| lb(w).load_balancer_class = Some("networking.gke.io/l4-regional-internal".into()),
        "external",
    );
    check(
        "some narrow source ranges, one that is everything",
        |w| {
            lb(w).source_ranges = vec![
                "203.0.113.0/24".parse().unwrap(),
                "0.0.0.0/0".parse().unwrap(),
            ];
        },
        "internet",
    );
    check(
        "source ranges that are everything together",
        |w| {
            lb(w).source_ranges =
                vec!["0.0.0.0/1".parse().unwrap(), "128.0.0.0/1".parse().unwrap()];
        },
        "internet",
    );
    check(
        "source ranges of an internal load balancer",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/azure-load-balancer-internal=true",
            );
            w.services[0].source_ranges = vec!["0.0.0.0/0".parse().unwrap()];
        },
        "external",
    );
    check(
        "externalIPs, several",
        |w| {
            service(w, "shop/web", "ClusterIP", "web", 8080).external_ips =
                vec!["10.1.2.3".into(), "2a00::1".into()];
        },
        "internet",
    );
    check(
        "a headless Service",
        |w| service(w, "shop/web", "ClusterIP", "web", 8080).headless = true,
        "cluster",
    );
    check(
        "AWS controller's default",
        |w| {
            annotated(
                w,
                "service.beta.kubernetes.io/aws-load-balancer-type=external",
            );
        },
        "external external..internet",
    );
    check(
        "public address",
        |w| lb(w).load_balancer = vec!["34.1.2.3".into()],
        "internet",
    );
    check(
        "private address",
        |w| lb(w).load_balancer = vec!["192.168.1.4".into()],
        "external external..internet",
    );
    check(
        "internal host name",
        |w| lb(w).load_balancer = vec!["internal-a.elb.amazonaws.com".into()],
        "external external..internet",
    );
    check(
        "ExternalName",
        |w| _ = service(w, "shop/web", "ExternalName", "web", 8080),
        "cluster",
    );
    check(
        "public externalIPs",
        |w| service(w, "shop/web", "ClusterIP", "web", 8080).external_ips = vec!["34.1.2.3".into()],
        "internet",
    );
    check(
        "private externalIPs",
        |w| service(w, "shop/web", "ClusterIP", "web", 8080).external_ips = vec!["10.1.2.3".into()],
        "external",
    );
}

fn node_port(world: &mut Inventory) {
    service(world, "shop/web", "NodePort", "web", 8080);
}

#[test]
fn nodes() {
    check("no nodes seen", node_port, "unknown external..internet");
    check(
        "private nodes",
        |w| {
            node_port(w);
            node(w, "n", "10.0.0.1", "");
        },
        "external external..internet",
    );
    check(
        "external address",
        |w| {
            node_port(w);
            node(w, "n", "10.0.0.1", "34.1.2.3");
        },
        "internet",
    );
    check(
        "public internal address",
        |w| {
            node_port(w);
            node(w, "n", "34.1.2.3", "");
        },
        "internet",
    );
    check(
        "load balancer by-product, private nodes",
        |w| {
            let service = lb(w);
            service.annotations = labels("networking.gke.io/load-balancer-type=Internal");
            service.ports[0].node_port = 30080;
            node(w, "n", "10.0.0.1", "");
        },
        "external",
    );
    check(
        "load balancer by-product, public nodes",
        |w| {
            let service = lb(w);
            service.annotations = labels("networking.gke.io/load-balancer-type=Internal");
            service.ports[0].node_port = 30080;
            node(w, "n", "10.0.0.1", "34.1.2.3");
        },
        "external external..internet",
    );
    check(
        "hostPort, no nodes",
        |w| w.templates[0].containers[0].ports[0].host_port = 80,
        "unknown external..internet",
    );
    check(
        "hostPort on a public node",
        |w| {
            w.templates[0].containers[0].ports[0].host_port = 80;
            node(w, "a", "10.0.0.1", "34.1.2.3");
            node(w, "b", "10.0.0.2", "");
            pod(w, 0, "a", "10.1.0.1");
        },
        "internet",
    );
    check(
        "hostPort on a private node",
        |w| {
            w.templates[0].containers[0].ports[0].host_port = 80;
            node(w, "a", "10.0.0.1", "34.1.2.3");
            node(w, "b", "10.0.0.2", "");
            pod(w, 0, "b", "10.1.0.1");
        },
        "external external..internet",
    );
    check(
        "hostNetwork, private nodes",
        |w| {
            w.templates[0].host_network = true;
            node(w, "n", "10.0.0.1", "");
        },
        "external cluster..external",
    );
    check(
        "hostNetwork, public nodes",
        |w| {
            w.templates[0].host_network = true;
            node(w, "n", "10.0.0.1", "34.1.2.3");
        },
        "unknown external..internet",
    );
    check(
        "hostNetwork behind a deny policy",
        |w| {
            w.templates[0].host_network = true;
            node(w, "n", "10.0.0.1", "");
            policy(w, "shop/deny", "", vec![]);
        },
        "external cluster..external",
    );
}

#[test]
fn policies() {
    let to = |ports: Vec<PolicyPort>| {
        vec![PolicyRule {
            peers: vec![],
            ports,
        }]
    };
    let tcp = |port: TargetPort, end| PolicyPort {
        protocol: "TCP".into(),
        port: Some(port),
        end,
    };
    check(
        "deny all",
        |w| {
            lb(w);
            policy(w, "shop/deny", "", vec![]);
        },
        "none",
    );
    check(
        "deny of other pods",
        |w| {
            lb(w);
            policy(w, "shop/deny", "db", vec![]);
        },
        "internet",
    );
    check(
        "deny in another namespace",
        |w| {
            lb(w);
            policy(w, "blog/deny", "", vec![]);
        },
        "internet",
    );
    check(
        "egress only",
        |w| {
            lb(w);
            policy(w, "shop/deny", "", vec![]).isolates_ingress = false;
        },
        "internet",
    );
    check(
        "a rule without peers",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![rule(vec![])]);
        },
        "internet",
    );
    check(
        "the right port",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Number(8080), None)]),
            );
        },
        "internet",
    );
    check(
        "another port: nothing listens there that was declared",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Number(81), None)]),
            );
        },
        "none none..cluster",
    );
    check(
        "a range of ports",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Number(8000), Some(9000))]),
            );
        },
        "internet",
    );
    check(
        "an empty range",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Number(8080), Some(80))]),
            );
        },
        "none",
    );
    check(
        "a named port",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Name("p8080".into()), None)]),
            );
        },
        "internet",
    );
    check(
        "an unknown name",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![tcp(TargetPort::Name("x".into()), None)]),
            );
        },
        "none",
    );
    check(
        "all ports of UDP",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                to(vec![PolicyPort {
                    protocol: "UDP".into(),
                    port: None,
                    end: None,
                }]),
            );
        },
        "none none..cluster",
    );
    check(
        "all addresses",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![rule(vec![block("0.0.0.0/0", "")])]);
        },
        "internet",
    );
    check(
        "all but private addresses",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![block(
                    "0.0.0.0/0",
                    "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
                )])],
            );
        },
        "internet",
    );
    check(
        "one range, client address kept",
        |w| {
            lb(w).external_traffic_local = true;
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![block("203.0.113.0/24", "")])],
            );
        },
        "external",
    );
    check(
        "one range, client address replaced",
        |w| {
            lb(w);
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![block("203.0.113.0/24", "")])],
            );
        },
        "unknown none..internet",
    );
    check(
        "own namespace",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![rule(vec![pods("", None)])]);
        },
        "namespace",
    );
    check(
        "all namespaces",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![rule(vec![pods("", Some(""))])]);
        },
        "cluster",
    );
    check(
        "pods of the namespace that are there",
        |w| {
            deployment(w, "shop/api", &[80]);
            policy(w, "shop/a", "web", vec![rule(vec![pods("app=api", None)])]);
        },
        "namespace",
    );
    check(
        "pods that are not there",
        |w| _ = policy(w, "shop/a", "web", vec![rule(vec![pods("app=api", None)])]),
        "none",
    );
    check(
        "only itself",
        |w| _ = policy(w, "shop/a", "web", vec![rule(vec![pods("app=web", None)])]),
        "none",
    );
    check(
        "one other namespace",
        |w| {
            deployment(w, "blog/api", &[80]);
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![pods("", Some("team=blog"))])],
            );
        },
        "namespace",
    );
    check(
        "both selectors must match",
        |w| {
            deployment(w, "blog/api", &[80]);
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![pods("app=x", Some("team=blog"))])],
            );
        },
        "none",
    );
    check(
        "two policies add up",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![]);
            policy(w, "shop/b", "web", vec![rule(vec![])]);
        },
        "internet",
    );
    check(
        "a policy that is not understood may isolate",
        |w| {
            lb(w);
            policy(w, "shop/a", "web", vec![]).selector = Selector {
                malformed: true,
                ..Selector::default()
            };
        },
        "unknown none..internet",
    );
    check(
        "NotIn matches an absent key",
        |w| {
            lb(w);
            let not = Requirement {
                key: "tier".into(),
                operator: Operator::NotIn,
                values: vec!["db".into()],
            };
            policy(w, "shop/a", "", vec![]).selector = Selector {
                expressions: vec![not],
                ..Selector::default()
            };
        },
        "none",
    );
    check(
        "ranges over pods are left to the plugin",
        |w| {
            _ = policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![block("10.0.0.0/8", "")])],
            );
        },
        "unknown none..cluster",
    );
    check(
        "other kinds of policies",
        |w| {
            lb(w);
            w.other_policies.push(OtherPolicy {
                object: ObjectRef::new("cilium.io", "CiliumNetworkPolicy", Some("shop"), "x"),
                namespace: Some("shop".into()),
                selector: None,
                ingress: true,
                evaluated: false,
            });
        },
        "unknown none..internet",
    );
    check(
        "other kinds elsewhere",
        |w| {
            lb(w);
            w.other_policies.push(OtherPolicy {
                object: ObjectRef::new("cilium.io", "CiliumNetworkPolicy", Some("blog"), "x"),
                namespace: Some("blog".into()),
                selector: None,
                ingress: true,
                evaluated: false,
            });
        },
        "internet",
    );
}

/// `tier`: `admin` or `baseline`; peers are pods of namespaces with these labels.
fn administrators(
    world: &mut Inventory,
    tier: AdminTier,
    subject: &str,
    rules: &[(AdminAction, &str)],
) {
    let rules = rules.iter().map(|(action, namespaces)| AdminRule {
        name: "".into(),
        action: *action,
        peers: vec![AdminPeer::Pods(AdminPods {
            namespaces: selector(namespaces),
            pods: Selector::default(),
        })],
        ports: None,
        malformed: false,
    });
    world.admin_policies.push(AdminPolicy {
        object: ObjectRef::new("policy.networking.k8s.io", "AdminNetworkPolicy", None, "a"),
        tier,
        priority: 1,
        subject: Some(AdminPods {
            namespaces: selector(subject),
            pods: Selector::default(),
        }),
        ingress: rules.collect(),
        egress: Vec::new(),
    });
}

#[test]
fn policies_of_administrators() {
    use AdminAction::{Allow, Deny, Pass};
    use AdminTier::{Admin, Baseline};
    let own = || vec![rule(vec![pods("", None)])];
    check(
        "they deny every pod",
        |w| administrators(w, Admin, "", &[(Deny, "")]),
        "none",
    );
    check(
        "they deny every pod of another subject",
        |w| administrators(w, Admin, "team=blog", &[(Deny, "")]),
        "cluster",
    );
    check(
        "they deny pods, the internet comes over a load balancer",
        |w| {
            lb(w);
            administrators(w, Admin, "team=shop", &[(Deny, "")]);
        },
        "internet",
    );
    check(
        "they deny one namespace",
        |w| administrators(w, Admin, "", &[(Deny, "team=blog")]),
        "cluster",
    );
    check(
        "they admit the own namespace first",
        |w| administrators(w, Admin, "", &[(Allow, "team=shop"), (Deny, "")]),
        "namespace",
    );
    check(
        "they admit what a NetworkPolicy denies",
        |w| {
            policy(w, "shop/deny", "", vec![]);
            administrators(w, Admin, "", &[(Allow, "")]);
        },
        "cluster",
    );
    check(
        "they pass on to a NetworkPolicy",
        |w| {
            policy(w, "shop/own", "", own());
            administrators(w, Admin, "", &[(Pass, "team=shop"), (Deny, "")]);
        },
        "namespace",
    );
    check(
        "the baseline denies",
        |w| administrators(w, Baseline, "", &[(Deny, "")]),
        "none",
    );
    check(
        "the baseline is not asked where a NetworkPolicy isolates",
        |w| {
            policy(w, "shop/own", "", own());
            administrators(w, Baseline, "", &[(Deny, "")]);
        },
        "namespace",
    );
    let other_plugin = |w: &mut Inventory| w.enforcing_cni[0].name = "cilium".into();
    check(
        "a plugin that does not know them",
        |w| {
            other_plugin(w);
            administrators(w, Admin, "", &[(Deny, "")]);
        },
        "unknown none..cluster",
    );
    check(
        "a plugin that does not know them, where they would admit",
        |w| {
            other_plugin(w);
            policy(w, "shop/deny", "", vec![]);
            administrators(w, Admin, "", &[(Allow, "")]);
        },
        "unknown none..cluster",
    );
    check(
        "a plugin that knows NetworkPolicy",
        |w| {
            other_plugin(w);
            policy(w, "shop/own", "", own());
        },
        "namespace",
    );
}

#[test]
fn policies_of_cilium() {
    let blocks = |texts: &[&str]| -> Vec<CiliumPeer> {
        let block = |text: &&str| CiliumPeer::Block {
            cidr: text.parse().unwrap(),
            except: Vec::new(),
        };
        texts.iter().map(block).collect()
    };
    let world = || blocks(&["0.0.0.0/0", "::/0"]);
    let named = |pods: &str, namespaces: Option<&str>| CiliumPeer::Pods {
        pods: selector(pods),
        namespaces: namespaces.map(selector),
    };
    let rule = |peers: Vec<CiliumPeer>| CiliumRule {
        peers,
        ports: None,
        narrowed: false,
        malformed: false,
    };
    let add = |w: &mut Inventory, allow: Vec<CiliumRule>, deny: Vec<CiliumRule>| {
        let open = CiliumSide {
            isolates: false,
            allow: Vec::new(),
            deny: Vec::new(),
        };
        w.enforcing_cni[0].name = "cilium".into();
        w.cilium_policies.push(CiliumPolicy {
            object: ObjectRef::new("cilium.io", "CiliumNetworkPolicy", Some("shop"), "c"),
            namespace: Some("shop".into()),
            subject: Some((None, selector("app=web"))),
            ingress: CiliumSide {
                isolates: true,
                allow,
                deny,
            },
            egress: open,
        });
    };
    let everyone = || rule(vec![CiliumPeer::Everyone]);
    check("nobody", |w| add(w, vec![rule(vec![])], vec![]), "none");
    check("everyone", |w| add(w, vec![everyone()], vec![]), "cluster");
    check(
        "nothing shows Cilium",
        |w| {
            add(w, vec![rule(vec![])], vec![]);
            w.enforcing_cni[0].name = "calico-node".into();
        },
        "unknown none..cluster",
    );
    check(
        "the world over a load balancer",
        |w| {
            lb(w);
            add(w, vec![rule(world())], vec![]);
        },
        "internet",
    );
    check(
        "pods and nodes of the cluster over a load balancer, which may look like a node",
        |w| {
            lb(w);
            let cluster = rule(vec![named("", Some("")), CiliumPeer::Unresolved]);
            add(w, vec![cluster], vec![]);
        },
        "unknown cluster..internet",
    );
    check(
        "pods of the cluster over a load balancer",
        |w| {
            lb(w);
            add(w, vec![rule(vec![named("", Some(""))])], vec![]);
        },
        "cluster",
    );
    check(
        "own namespace",
        |w| add(w, vec![rule(vec![named("", None)])], vec![]),
        "namespace",
    );
    check(
        "what is denied is denied, whoever allows it",
        |w| {
            add(w, vec![everyone()], vec![rule(vec![named("", Some(""))])]);
            policy(w, "shop/a", "web", vec![crate::world::rule(vec![])]);
        },
        "none",
    );
    check(
        "what a NetworkPolicy allows is allowed beside it",
        |w| {
            add(w, vec![rule(vec![])], vec![]);
            policy(w, "shop/a", "web", vec![crate::world::rule(vec![])]);
        },
        "cluster",
    );
    check(
        "blocks never mean pods",
        |w| add(w, vec![rule(blocks(&["10.0.0.0/8"]))], vec![]),
        "none",
    );
    check(
        "layer 7",
        |w| {
            let narrowed = CiliumRule {
                narrowed: true,
                ..everyone()
            };
            add(w, vec![narrowed], vec![]);
        },
        "unknown none..cluster",
    );
    check(
        "a subject that is not understood",
        |w| {
            add(w, vec![rule(vec![])], vec![]);
            w.cilium_policies[0].subject = None;
        },
        "unknown none..cluster",
    );
    check(
        "its default deny is switched off",
        |w| {
            add(w, vec![rule(vec![named("", None)])], vec![]);
            w.cilium_policies[0].ingress.isolates = false;
        },
        "cluster",
    );
}

/// Workloads that surely get in, by the exposure of workload 0: `any`, `own`, then indices.
fn from(build: impl FnOnce(&mut Inventory)) -> String {
    let mut world = Inventory::default();
    enforced(&mut world);
    for name in ["shop/web", "shop/api", "blog/web", "blog/api"] {
        deployment(&mut world, name, &[8080]);
    }
    build(&mut world);
    let (found, _) = evaluate(&world, &NetworkDeclarations::default());
    let from = &found[0].reachable_from;
    let mut said: Vec<String> = Vec::new();
    for (name, claim) in [("any", &from.cluster), ("own", &from.namespace)] {
        if claim.truth() == Truth::Yes {
            said.push(name.into());
        }
    }
    let sets = from.peers.iter().flat_map(|set| set.sure.iter());
    said.extend(sets.map(ToString::to_string));
    said.join(" ")
}

#[test]
fn both_ends_must_let_it_through() {
    use AdminAction::Deny;
    let out = |w: &mut Inventory, name: &str, rules: Vec<PolicyRule>| {
        let policy = policy(w, name, "", vec![]);
        (policy.isolates_ingress, policy.isolates_egress) = (false, true);
        policy.egress = rules;
    };
    assert_eq!(from(|_| {}), "any own");
    assert_eq!(from(|w| out(w, "blog/quiet", vec![])), "own 0 1");
    assert_eq!(from(|w| out(w, "shop/quiet", vec![])), "2 3");
    assert_eq!(
        from(|w| out(w, "blog/quiet", vec![rule(vec![pods("app=web", Some(""))])])),
        "any own"
    );
    assert_eq!(
        from(|w| out(w, "blog/quiet", vec![rule(vec![pods("app=api", Some(""))])])),
        "own 0 1"
    );
    assert_eq!(
        from(|w| {
            out(w, "shop/quiet", vec![rule(vec![pods("", None)])]);
            _ = policy(
                w,
                "shop/own",
                "web",
                vec![rule(vec![
                    pods("", Some("team=blog")),
                    pods("app=api", None),
                ])],
            );
        }),
        "1 2 3"
    );
    assert_eq!(
        from(|w| administrators(w, AdminTier::Admin, "team=shop", &[(Deny, "team=blog")])),
        "own 0 1"
    );
    assert_eq!(
        from(|w| administrators(w, AdminTier::Admin, "team=blog", &[(Deny, "team=blog")])),
        "any own"
    );
}

#[test]
fn what_blocks_leave_of_the_internet() {
    let open = |blocks: &[(&str, &str)]| {
        let peers = blocks.iter().map(|(cidr, except)| block(cidr, except));
        vec![rule(peers.collect())]
    };
    for (case, blocks, expected) in [
        (
            "two halves",
            &[("0.0.0.0/1", ""), ("128.0.0.0/1", "")][..],
            "internet",
        ),
        (
            "everything is a hole",
            &[("0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1")][..],
            "none",
        ),
        ("IPv6 alone", &[("::/0", "")][..], "internet"),
        (
            "one range of each family",
            &[("203.0.113.0/24", ""), ("2001:db8::/32", "")][..],
            "external",
        ),
        ("multicast", &[("224.0.0.0/4", "")][..], "external"),
    ] {
        check(
            case,
            |w| {
                lb(w).external_traffic_local = true;
                policy(w, "shop/a", "web", open(blocks));
            },
            expected,
        );
    }
}

/// Rule 2.
#[test]
fn a_policy_counts_only_where_it_is_enforced() {
    let build = || {
        let mut world = Inventory::default();
        deployment(&mut world, "shop/web", &[8080]);
        lb(&mut world);
        policy(&mut world, "shop/deny", "", vec![]);
        world
    };
    for (declared, evidenced, expected, isolated) in [
        (None, false, "unknown none..internet", Truth::Unknown),
        (None, true, "none", Truth::Yes),
        (Some(true), false, "none", Truth::Yes),
        (Some(false), false, "internet", Truth::No),
        (Some(false), true, "internet", Truth::No),
    ] {
        let mut world = build();
        if evidenced {
            enforced(&mut world);
        }
        let declared = NetworkDeclarations {
            enforced: declared,
            ..NetworkDeclarations::default()
        };
        let (found, ledger) = evaluate(&world, &declared);
        assert_eq!(summary(&found[0]), expected, "{declared:?} {evidenced}");
        assert_eq!(
            found[0].isolated_ingress.truth(),
            isolated,
            "{declared:?} {evidenced}"
        );
        let gap = ledger
            .gaps
            .iter()
            .any(|g| &*g.class == "policy-enforcement-unknown");
        assert_eq!(gap, isolated == Truth::Unknown);
    }
}

#[test]
fn declarations() {
    let mut world = Inventory::default();
    deployment(&mut world, "shop/web", &[8080]);
    node_port(&mut world);
    for (public_nodes, expected) in [
        (None, "unknown external..internet"),
        (Some(true), "internet"),
        (Some(false), "external"),
    ] {
        let declared = NetworkDeclarations {
            public_nodes,
            ..NetworkDeclarations::default()
        };
        assert_eq!(
            summary(&evaluate(&world, &declared).0[0]),
            expected,
            "{public_nodes:?}"
        );
    }
    let internal = ObjectRef::new("", "Service", Some("shop"), "web");
    check(
        "declared internal",
        |w| {
            lb(w);
            w.internal.push(internal);
        },
        "external",
    );
    check(
        "enforcement by the file",
        |w| {
            lb(w);
            policy(w, "shop/deny", "", vec![]);
            w.enforcing_cni.clear();
            w.network_enforced = Some(true);
        },
        "none",
    );
}

#[test]
fn fronts() {
    let controller = |w: &mut Inventory, kind: &str| {
        deployment(w, "ingress-nginx/controller", &[80]);
        let labels = labels("app=controller app.kubernetes.io/name=ingress-nginx");
        w.workloads.last_mut().unwrap().pod_labels = labels;
        service(w, "ingress-nginx/controller", kind, "controller", 80);
    };
    let published = |w: &mut Inventory, class: Option<&str>| {
        service(w, "shop/web", "ClusterIP", "web", 8080);
        ingress(w, "shop/web", class, "web");
    };
    check(
        "no controller: taken as public",
        |w| published(w, Some("nginx")),
        "internet external..internet",
    );
    check(
        "a public controller",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
        },
        "internet",
    );
    let class = |w: &mut Inventory, name: &str, controller: &str, parameters: bool| {
        w.front_classes.push(FrontClass {
            kind: "IngressClass".into(),
            name: name.into(),
            controller: controller.into(),
            default: name == "default",
            parameters,
        });
    };
    check(
        "a class of another name",
        |w| {
            published(w, Some("outer"));
            controller(w, "ClusterIP");
            class(w, "outer", "k8s.io/ingress-nginx", false);
        },
        "cluster",
    );
    check(
        "a class of another controller",
        |w| {
            published(w, Some("outer"));
            controller(w, "ClusterIP");
            class(w, "outer", "traefik.io/ingress-controller", false);
        },
        "internet external..internet",
    );
    check(
        "the default class of another controller",
        |w| {
            published(w, None);
            controller(w, "ClusterIP");
            class(w, "default", "traefik.io/ingress-controller", false);
        },
        "internet external..internet",
    );
    check(
        "ALB by its controller",
        |w| {
            published(w, Some("outer"));
            class(w, "outer", "ingress.k8s.aws/alb", false);
        },
        "external",
    );
    check(
        "ALB with parameters",
        |w| {
            published(w, Some("outer"));
            class(w, "outer", "ingress.k8s.aws/alb", true);
        },
        "external external..internet",
    );
    check(
        "a controller whose own policy lets nothing out",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            policy(w, "shop/own", "web", vec![rule(vec![pods("", Some(""))])]);
            let quiet = policy(w, "ingress-nginx/quiet", "", vec![]);
            (quiet.isolates_ingress, quiet.isolates_egress) = (false, true);
        },
        "cluster",
    );
    check(
        "a controller on the node's network",
        |w| {
            published(w, Some("nginx"));
            controller(w, "ClusterIP");
            w.templates[1].host_network = true;
            node(w, "n", "10.0.0.1", "34.1.2.3");
            policy(w, "shop/deny", "", vec![]);
        },
        "unknown none..internet",
    );
    check(
        "the default class",
        |w| {
            published(w, None);
            controller(w, "LoadBalancer");
        },
        "internet",
    );
    check(
        "a controller inside only",
        |w| {
            published(w, Some("nginx"));
            controller(w, "ClusterIP");
        },
        "cluster",
    );
    check(
        "a controller behind an internal load balancer",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            w.services.last_mut().unwrap().annotations =
                labels("networking.gke.io/load-balancer-type=Internal");
        },
        "external",
    );
    check(
        "a controller of another family",
        |w| {
            published(w, Some("traefik"));
            controller(w, "LoadBalancer");
        },
        "internet external..internet",
    );
    check(
        "another port of the Service",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            w.ingresses[0].backends[0].2 = TargetPort::Number(81);
        },
        "cluster",
    );
    check(
        "a port by name",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            w.ingresses[0].backends[0].2 = TargetPort::Name("http".into());
        },
        "internet",
    );
    check(
        "the backend admits the controller's namespace",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![pods("", Some("team=ingress-nginx"))])],
            );
        },
        "internet",
    );
    check(
        "the backend does not admit the controller",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            policy(w, "shop/a", "web", vec![]);
        },
        "none",
    );
    check(
        "a controller that was not seen, behind a policy for it",
        |w| {
            published(w, Some("nginx"));
            policy(
                w,
                "shop/a",
                "web",
                vec![rule(vec![pods("", Some("team=edge"))])],
            );
        },
        "unknown none..internet",
    );
    check(
        "ranges by annotation",
        |w| {
            published(w, Some("nginx"));
            controller(w, "LoadBalancer");
            w.ingresses[0].annotations =
                labels("nginx.ingress.kubernetes.io/whitelist-source-range=203.0.113.0/24");
        },
        "external",
    );
    check(
        "ALB, internal by default",
        |w| published(w, Some("alb")),
        "external",
    );
    check(
        "ALB, public",
        |w| {
            published(w, Some("alb"));
            w.ingresses[0].annotations = labels("alb.ingress.kubernetes.io/scheme=internet-facing");
        },
        "internet",
    );
    check(
        "OpenShift Route",
        |w| {
            service(w, "shop/web", "ClusterIP", "web", 8080);
            let route = route(w, "shop/web", "shop/none", "shop/web");
            route.parents.clear();
            route.kind = "Route".into();
            route.group = "route.openshift.io".into();
        },
        "internet external..internet",
    );
    let routed = |w: &mut Inventory, from: &str, addresses: &str| {
        service(w, "shop/web", "ClusterIP", "web", 8080);
        gateway(w, "edge/gate", from, addresses);
        route(w, "shop/web", "edge/gate", "shop/web");
    };
    check(
        "a Gateway of another namespace, All",
        |w| routed(w, "All", "34.1.2.3"),
        "internet",
    );
    check(
        "a Gateway of another namespace, Same",
        |w| routed(w, "Same", "34.1.2.3"),
        "cluster",
    );
    check(
        "a Gateway with a private address",
        |w| routed(w, "All", "10.0.0.9"),
        "external external..internet",
    );
    check(
        "a Gateway whose pods were not seen",
        |w| routed(w, "All", ""),
        "internet external..internet",
    );
    check(
        "a listener that admits the namespace by label",
        |w| {
            routed(w, "Selector", "34.1.2.3");
            w.gateways[0].listeners[0].allowed_selector = selector("team=shop");
        },
        "internet",
    );
    check(
        "a listener that admits another",
        |w| {
            routed(w, "Selector", "34.1.2.3");
            w.gateways[0].listeners[0].allowed_selector = selector("team=blog");
        },
        "cluster",
    );
    check(
        "a section that is not there",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.routes[0].parents[0].section = Some("tls".into());
        },
        "cluster",
    );
    check(
        "a listener of another protocol",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.gateways[0].listeners[0].protocol = "TCP".into();
        },
        "cluster",
    );
    check(
        "a Gateway that was not seen",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.gateways.clear();
        },
        "internet cluster..internet",
    );
    check(
        "a Service of another namespace without grant",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.routes[0].namespace = "edge".into();
        },
        "cluster",
    );
    check(
        "with grant",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.routes[0].namespace = "edge".into();
            w.routes[0].granted = vec![0];
        },
        "internet",
    );
    check(
        "another port of the listener",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.routes[0].parents[0].port = Some(443);
        },
        "cluster",
    );
    check(
        "a listener for other kinds",
        |w| {
            routed(w, "All", "34.1.2.3");
            w.gateways[0].listeners[0].kinds = vec!["GRPCRoute".into()];
        },
        "cluster",
    );
    let hosts = |w: &mut Inventory, listener: &str, route: &str| {
        routed(w, "All", "34.1.2.3");
        w.gateways[0].listeners[0].hostname = Some(listener.into());
        w.routes[0].hostnames = vec![route.into()];
    };
    check(
        "hosts in common",
        |w| hosts(w, "*.example.com", "a.example.com"),
        "internet",
    );
    check(
        "no host in common",
        |w| hosts(w, "*.example.com", "example.org"),
        "cluster",
    );
    check(
        "a route without hosts",
        |w| {
            hosts(w, "*.example.com", "x");
            w.routes[0].hostnames.clear();
        },
        "internet",
    );
    check(
        "a parent that is no Gateway",
        |w| {
            routed(w, "Same", "34.1.2.3");
            w.routes[0].parents[0].kind = "ListenerSet".into();
        },
        "internet cluster..internet",
    );
    check(
        "a Gateway whose pods are labelled with it",
        |w| {
            routed(w, "All", "");
            deployment(w, "edge/gate", &[80]);
            w.workloads[1].pod_labels = labels("gateway.networking.k8s.io/gateway-name=gate");
        },
        "cluster",
    );
    check(
        "a Gateway that a shared controller serves",
        |w| {
            routed(w, "All", "");
            w.gateways[0].class = "web".into();
            w.front_classes.push(FrontClass {
                kind: "GatewayClass".into(),
                name: "web".into(),
                controller: "traefik.io/gateway-controller".into(),
                default: false,
                parameters: false,
            });
            deployment(w, "edge/traefik", &[80]);
        },
        "cluster",
    );
    check(
        "a Gateway whose pods the backend does not admit",
        |w| {
            routed(w, "All", "");
            deployment(w, "edge/gate", &[80]);
            w.workloads[1].pod_labels = labels("gateway.networking.k8s.io/gateway-name=gate");
            service(w, "edge/gate", "LoadBalancer", "x", 80).selector =
                labels("gateway.networking.k8s.io/gateway-name=gate");
            policy(w, "shop/own", "", vec![rule(vec![pods("", None)])]);
        },
        "namespace",
    );
    let mesh = |w: &mut Inventory| {
        routed(w, "All", "");
        w.gateways[0].group = "networking.istio.io".into();
        w.gateways[0].pods = labels("istio=ingressgateway");
        w.routes[0].group = "networking.istio.io".into();
        w.routes[0].kind = "VirtualService".into();
        w.routes[0].parents[0].group = "networking.istio.io".into();
    };
    check(
        "an Istio Gateway whose pods were not seen",
        mesh,
        "internet external..internet",
    );
    check(
        "an Istio Gateway and its pods",
        |w| {
            mesh(w);
            deployment(w, "istio-system/gate", &[80]);
            w.workloads[1].pod_labels = labels("app=gate istio=ingressgateway");
            service(w, "istio-system/gate", "LoadBalancer", "gate", 80);
        },
        "internet",
    );
    check(
        "an Istio Gateway and its pods, inside",
        |w| {
            mesh(w);
            deployment(w, "istio-system/gate", &[80]);
            w.workloads[1].pod_labels = labels("app=gate istio=ingressgateway");
            service(w, "istio-system/gate", "ClusterIP", "gate", 80);
        },
        "cluster",
    );
    check(
        "an Istio Gateway of the same name is another",
        |w| {
            mesh(w);
            w.routes[0].parents[0].group = "gateway.networking.k8s.io".into();
        },
        "internet cluster..internet",
    );
    let openshift = |w: &mut Inventory, port: BackendPort| {
        service(w, "shop/web", "ClusterIP", "web", 8080);
        let route = route(w, "shop/web", "shop/none", "shop/web");
        route.parents.clear();
        route.kind = "Route".into();
        route.group = "route.openshift.io".into();
        route.backends[0].port = port;
    };
    let assumed = "internet external..internet";
    for (port, expected) in [
        (BackendPort::Name("http".into()), assumed),
        (BackendPort::Name("p8080".into()), "cluster"),
        (BackendPort::Target(8080), assumed),
        (BackendPort::Target(80), "cluster"),
    ] {
        check("OpenShift's targetPort", |w| openshift(w, port), expected);
    }
    check(
        "OpenShift's router was seen",
        |w| {
            openshift(w, BackendPort::Any);
            deployment(w, "openshift-ingress/router-default", &[80]);
        },
        "cluster",
    );
    check(
        "a Gateway whose Service is internal",
        |w| {
            routed(w, "All", "");
            deployment(w, "edge/gate", &[80]);
            let own = service(w, "edge/gate", "LoadBalancer", "gate", 80);
            own.labels = labels("gateway.networking.k8s.io/gateway-name=gate");
            own.annotations = labels("networking.gke.io/load-balancer-type=Internal");
        },
        "external",
    );
}

#[test]
fn what_was_not_seen_is_not_safe() {
    let silent = |w: &mut Inventory| w.templates[0].containers[0].ports.clear();
    check("no ports, no Service", silent, "cluster none..cluster");
    check(
        "no ports, a Service",
        |w| {
            silent(w);
            lb(w);
        },
        "internet",
    );
    check(
        "a batch pod without ports",
        |w| {
            silent(w);
            w.workloads[0].batch = true;
        },
        "none none..cluster",
    );
    check(
        "a batch pod with ports",
        |w| w.workloads[0].batch = true,
        "cluster",
    );
    check(
        "an isolated batch pod without ports",
        |w| {
            silent(w);
            w.workloads[0].batch = true;
            policy(w, "shop/deny", "", vec![]);
        },
        "none",
    );
    let tunnel = |namespace: Option<&str>| Tunnel {
        object: ObjectRef::new("apps", "Deployment", Some("edge"), "cloudflared"),
        kind: "cloudflared".into(),
        namespace: namespace.map(Into::into),
    };
    check(
        "a tunnel",
        |w| w.tunnels.push(tunnel(None)),
        "unknown cluster..internet",
    );
    check(
        "a tunnel of the namespace",
        |w| w.tunnels.push(tunnel(Some("shop"))),
        "unknown cluster..internet",
    );
    check(
        "a tunnel of another namespace",
        |w| w.tunnels.push(tunnel(Some("blog"))),
        "cluster",
    );
    check(
        "a tunnel that an enforced policy keeps out",
        |w| {
            w.tunnels.push(tunnel(None));
            policy(w, "shop/deny", "", vec![]);
        },
        "none",
    );
    let refuse = |w: &mut Inventory, kind: &str| _ = w.unseen.insert(kind.into(), GapId(0));
    check(
        "Services were refused",
        |w| refuse(w, "Service"),
        "unknown cluster..internet",
    );
    check(
        "Ingresses were refused",
        |w| refuse(w, "Ingress"),
        "unknown cluster..internet",
    );
    let open = "internet none..internet";
    check(
        "policies were refused: they isolate nothing",
        |w| {
            lb(w);
            refuse(w, "NetworkPolicy");
        },
        open,
    );
    check("Secrets were refused", |w| refuse(w, "Secret"), "cluster");
    check(
        "endpoints by hand, another port of the Ingress",
        |w| {
            pod(w, 0, "n", "10.1.0.7");
            let service = service(w, "shop/manual", "ClusterIP", "x", 8080);
            service.selector = Labels::new();
            let metrics = ServicePort {
                name: Some("metrics".into()),
                port: 90,
                ..service.ports[0].clone()
            };
            service.ports.push(metrics);
            ingress(w, "shop/i", Some("nginx"), "manual");
            w.endpoint_slices.push(EndpointSlice {
                namespace: "shop".into(),
                service: "manual".into(),
                addresses: vec!["10.1.0.7".parse().unwrap()],
                ports: vec![("metrics".into(), 9090, "TCP".into())],
            });
        },
        "cluster",
    );
    check(
        "endpoints by hand",
        |w| {
            w.templates[0].containers[0].ports.clear();
            pod(w, 0, "n", "10.1.0.7");
            let service = service(w, "shop/manual", "LoadBalancer", "x", 8080);
            service.selector = Labels::new();
            w.endpoint_slices.push(EndpointSlice {
                namespace: "shop".into(),
                service: "manual".into(),
                addresses: vec!["10.1.0.7".parse().unwrap()],
                ports: vec![("".into(), 9090, "TCP".into())],
            });
        },
        "internet",
    );
}

#[test]
fn the_chain_goes_from_the_outside_in() {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[8080]);
    lb(&mut world);
    policy(&mut world, "shop/a", "web", vec![rule(vec![])]);
    let (found, ledger) = evaluate(&world, &NetworkDeclarations::default());
    let said: Vec<&str> = found[0]
        .exposure
        .chain
        .iter()
        .map(|id| &*ledger.evidence[id.0 as usize].statement)
        .collect();
    assert_eq!(
        said,
        [
            "Service shop/web is of type LoadBalancer",
            "Service shop/web leads to Deployment shop/web",
            "NetworkPolicy shop/a admits traffic from outside of the cluster on port 8080",
        ]
    );
    assert_eq!(found[0].exposure.public.truth(), Truth::Yes);
    let kinds: Vec<OpeningKind> = found[0].openings.iter().map(|o| o.kind).collect();
    assert_eq!(kinds, [OpeningKind::LoadBalancer, OpeningKind::PodNetwork]);
    let ports: Vec<(u16, ExposureClass)> = found[0]
        .deliveries
        .iter()
        .map(|d| (d.port, d.class))
        .collect();
    assert_eq!(
        ports,
        [(0, ExposureClass::None), (8080, ExposureClass::Internet)]
    );
}

#[test]
fn peers_that_a_policy_names() {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[8080]);
    deployment(&mut world, "shop/api", &[80]);
    deployment(&mut world, "blog/api", &[80]);
    policy(
        &mut world,
        "shop/a",
        "web",
        vec![rule(vec![pods("app=api", None)])],
    );
    let (found, _) = evaluate(&world, &NetworkDeclarations::default());
    let from = &found[0].reachable_from;
    assert_eq!(
        (from.cluster.truth(), from.namespace.truth()),
        (Truth::No, Truth::No)
    );
    assert_eq!(&*from.peers[0].sure, [1]);
    assert_eq!(found[1].reachable_from.cluster.truth(), Truth::Yes);
}

#[test]
fn public_is_known_or_says_why_not() {
    for (build, expected) in [
        (None, Truth::No),
        (Some("LoadBalancer"), Truth::Yes),
        (Some("NodePort"), Truth::Unknown),
    ] {
        let mut world = Inventory::default();
        deployment(&mut world, "shop/web", &[8080]);
        if let Some(kind) = build {
            service(&mut world, "shop/web", kind, "web", 8080);
        }
        let (found, ledger) = evaluate(&world, &NetworkDeclarations::default());
        let public = &found[0].exposure.public;
        assert_eq!(public.truth(), expected, "{build:?}");
        assert!(
            public
                .missing()
                .iter()
                .all(|gap| (gap.0 as usize) < ledger.gaps.len())
        );
    }
}
