//! Both ends, what was not seen, what is said of it.
#![allow(clippy::wildcard_imports, reason = "rooms of one table of cases")]

use super::policies::administrators;
use super::services::node_port;
use super::*;

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
