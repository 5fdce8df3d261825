//! Policies of namespaces, of administrators and of Cilium.
#![allow(clippy::wildcard_imports, reason = "rooms of one table of cases")]

use super::*;

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
pub(super) fn administrators(
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

#[test]
fn policies_of_calico() {
    let add = |w: &mut Inventory, order: f64, rules: &[(AdminAction, &str)]| {
        let rules = rules.iter().map(|(action, net)| CalicoRule {
            action: *action,
            peer: CalicoPeer {
                nets: net.split_whitespace().map(|n| n.parse().unwrap()).collect(),
                ..CalicoPeer::default()
            },
            ports: None,
            not_ports: Vec::new(),
            narrowed: false,
            malformed: false,
        });
        w.calico.policies.push(CalicoPolicy {
            object: ObjectRef::new("crd.projectcalico.org", "GlobalNetworkPolicy", None, "c"),
            tier: "default".into(),
            order,
            namespace: None,
            subject: Some(Expression::All),
            ingress: Some(rules.collect()),
            egress: None,
        });
    };
    let (allow, deny) = (AdminAction::Allow, AdminAction::Deny);
    check("nobody", |w| add(w, 1.0, &[]), "none");
    check("everyone", |w| add(w, 1.0, &[(allow, "")]), "cluster");
    check(
        "nothing shows Calico",
        |w| {
            add(w, 1.0, &[]);
            w.enforcing_cni[0].name = "cilium".into();
        },
        "unknown none..cluster",
    );
    check(
        "denied over a load balancer",
        |w| {
            lb(w);
            add(w, 1.0, &[(deny, "")]);
        },
        "none",
    );
    check(
        "before a NetworkPolicy that admits",
        |w| {
            policy(w, "shop/a", "web", vec![rule(vec![])]);
            add(w, 1.0, &[(deny, "")]);
        },
        "none",
    );
    check(
        "after a NetworkPolicy that admits",
        |w| {
            policy(w, "shop/a", "web", vec![rule(vec![])]);
            add(w, 2000.0, &[(deny, "")]);
        },
        "cluster",
    );
    check(
        "what it does not decide, a NetworkPolicy of its tier does",
        |w| {
            policy(w, "shop/a", "web", vec![rule(vec![])]);
            add(w, 1.0, &[]);
        },
        "cluster",
    );
    check(
        "a subject that is not understood",
        |w| {
            add(w, 1.0, &[]);
            w.calico.policies[0].subject = None;
        },
        "unknown none..cluster",
    );
    check(
        "the addresses of pods are not known",
        |w| add(w, 1.0, &[(allow, "10.0.0.0/8")]),
        "unknown none..cluster",
    );
}

/// Proxies take TCP only, and a listener that was not declared may use another protocol.
const UDP_STAYS: &str = "none none..cluster";

#[test]
fn policies_of_istio() {
    let deny_all = |w: &mut Inventory| {
        w.mesh.policies.push(MeshPolicy {
            object: ObjectRef::new(
                "security.istio.io",
                "AuthorizationPolicy",
                Some("shop"),
                "i",
            ),
            namespace: Some("shop".into()),
            subject: Some(Selector::default()),
            action: MeshAction::Allow,
            rules: Vec::new(),
        });
    };
    let proxy = |w: &mut Inventory| {
        let proxy = crate::world::container("istio-proxy");
        w.templates[0].containers.push(proxy);
    };
    check(
        "pods with a proxy",
        |w| {
            deny_all(w);
            proxy(w);
        },
        UDP_STAYS,
    );
    check(
        "pods with a proxy, without a network plugin that enforces",
        |w| {
            deny_all(w);
            proxy(w);
            w.enforcing_cni.clear();
        },
        UDP_STAYS,
    );
    check(
        "pods of which that is not known",
        deny_all,
        "unknown none..cluster",
    );
    check(
        "pods that were seen without one",
        |w| {
            deny_all(w);
            pod(w, 0, "worker", "10.0.0.1");
        },
        "cluster",
    );
    check(
        "pods of an ambient namespace",
        |w| {
            deny_all(w);
            let ambient = ("istio.io/dataplane-mode".into(), "ambient".into());
            w.namespaces[0].labels.extend([ambient]);
        },
        UDP_STAYS,
    );
}
