//! Services, endpoints, Ingresses, Gateways and routes.

use crate::builder::{of, read};
use model::snapshot::Origin::{Files, Live};
use semantics::declare::Declarations;
use semantics::view::TargetPort;
use serde_json::{Value, json};

fn object(version: &str, kind: &str, namespace: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

#[test]
fn services_have_the_servers_defaults() {
    let service = object(
        "v1",
        "Service",
        "n",
        "s",
        json!({"selector": {"a": "b"}, "ports": [{"port": 80}, {"port": 81, "targetPort": "http", "protocol": "UDP"}, {"port": 82, "targetPort": 8082, "nodePort": 30000}]}),
    );
    let inventory = read(&of(Files, &[service]));
    let s = &inventory.services[0];
    assert_eq!(
        (&*s.kind, s.headless, s.selector.len()),
        ("ClusterIP", false, 1)
    );
    let ports: Vec<_> = s
        .ports
        .iter()
        .map(|p| (p.port, p.target.clone(), p.node_port, &*p.protocol))
        .collect();
    assert_eq!(
        ports,
        [
            (80, TargetPort::Number(80), 0, "TCP"),
            (81, TargetPort::Name("http".into()), 0, "UDP"),
            (82, TargetPort::Number(8082), 30000, "TCP")
        ]
    );
}

#[test]
fn source_ranges_never_get_narrower_by_mistake() {
    let check = |spec: Value, annotation: &str, expected: &[&str]| {
        let mut service = object("v1", "Service", "n", "s", spec);
        service["metadata"]["annotations"] =
            json!({"service.beta.kubernetes.io/load-balancer-source-ranges": annotation});
        let got: Vec<String> = read(&of(Files, &[service])).services[0]
            .source_ranges
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(got, expected);
    };
    check(json!({}), "", &[]);
    check(
        json!({}),
        "10.0.0.0/8, 192.168.1.7/24",
        &["10.0.0.0/8", "192.168.1.0/24"],
    );
    check(
        json!({"loadBalancerSourceRanges": ["1.2.3.4/32"]}),
        "10.0.0.0/8",
        &["1.2.3.4/32"],
    );
    check(
        json!({"loadBalancerSourceRanges": ["1.2.3.4/32", "office"]}),
        "10.0.0.0/8",
        &[],
    );
    check(json!({}), "10.0.0.0/8,office", &[]);
}

#[test]
fn endpoints_stand_in_where_no_slice_is() {
    let slice = |version: &str, service: &str, ip: &str| json!({"apiVersion": version, "kind": "EndpointSlice", "metadata": {"namespace": "n", "name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}}, "endpoints": [{"addresses": [ip]}], "ports": [{"port": 80}]});
    let endpoints = |name: &str| json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"namespace": "n", "name": name}, "subsets": [{"addresses": [{"ip": "9.9.9.9"}], "ports": [{"port": 53, "protocol": "UDP"}]}]});
    let inventory = read(&of(
        Live,
        &[
            slice("discovery.k8s.io/v1", "a", "1.1.1.1"),
            slice("discovery.k8s.io/v1beta1", "b", "2.2.2.2"),
            endpoints("a"),
            endpoints("c"),
        ],
    ));
    let got: Vec<String> = inventory
        .endpoint_slices
        .iter()
        .map(|s| format!("{} {} {:?}", s.service, s.addresses[0], s.ports))
        .collect();
    assert_eq!(
        got,
        [
            "a 1.1.1.1 [(\"\", 80, \"TCP\")]",
            "b 2.2.2.2 [(\"\", 80, \"TCP\")]",
            "c 9.9.9.9 [(\"\", 53, \"UDP\")]"
        ]
    );
}

#[test]
fn ingresses_of_all_versions() {
    let new = json!({"rules": [{"host": "h", "http": {"paths": [{"backend": {"service": {"name": "s", "port": {"number": 80}}}}, {"backend": {"service": {"name": "t", "port": {"name": "web"}}}}, {"backend": {"resource": {"kind": "Bucket", "name": "x"}}}]}}], "defaultBackend": {"service": {"name": "d", "port": {"number": 1}}}, "ingressClassName": "nginx"});
    let old = json!({"rules": [{"http": {"paths": [{"backend": {"serviceName": "s", "servicePort": 80}}, {"backend": {"serviceName": "t", "servicePort": "web"}}]}}], "backend": {"serviceName": "d", "servicePort": 1}});
    let mut legacy = object("extensions/v1beta1", "Ingress", "n", "old", old.clone());
    legacy["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "traefik"});
    let twin = object("extensions/v1beta1", "Ingress", "n", "new", old);
    let inventory = read(&of(
        Live,
        &[
            object("networking.k8s.io/v1", "Ingress", "n", "new", new),
            legacy,
            twin,
        ],
    ));
    let got: Vec<String> = inventory
        .ingresses
        .iter()
        .map(|i| {
            let backends: Vec<String> = i
                .backends
                .iter()
                .map(|(h, s, p)| {
                    format!(
                        "{h}>{s}:{}",
                        match p {
                            TargetPort::Number(n) => n.to_string(),
                            TargetPort::Name(n) => n.to_string(),
                        }
                    )
                })
                .collect();
            format!("{} {:?} {}", i.name, i.class.as_deref(), backends.join(" "))
        })
        .collect();
    assert_eq!(
        got,
        [
            "new Some(\"nginx\") >d:1 h>s:80 h>t:web",
            "old Some(\"traefik\") >d:1 >s:80 >t:web"
        ]
    );
}

#[test]
fn gateway_routes_need_grants_across_namespaces() {
    let gateway = object(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        "edge",
        "g",
        json!({"gatewayClassName": "c", "listeners": [{"name": "web", "port": 443, "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"}}}}}, {"name": "own", "port": 80, "protocol": "HTTP"}]}),
    );
    let route = |kind: &str| {
        object(
            "gateway.networking.k8s.io/v1",
            kind,
            "n",
            &kind.to_lowercase(),
            json!({"parentRefs": [{"name": "g", "namespace": "edge", "sectionName": "web"}, {"kind": "Service", "name": "mesh"}], "rules": [{"backendRefs": [{"name": "own", "port": 80}, {"name": "far", "namespace": "m"}, {"kind": "Bucket", "group": "x", "name": "no"}]}]}),
        )
    };
    let grant = |service: Value| {
        object(
            "gateway.networking.k8s.io/v1beta1",
            "ReferenceGrant",
            "m",
            "r",
            json!({"from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "n"}], "to": [{"group": "", "kind": "Service", "name": service}]}),
        )
    };
    let granted = |service: Value| {
        let inventory = read(&of(
            Live,
            &[
                gateway.clone(),
                route("HTTPRoute"),
                route("GRPCRoute"),
                grant(service),
            ],
        ));
        inventory
            .routes
            .iter()
            .map(|r| {
                (
                    r.kind.to_string(),
                    r.parents.len(),
                    r.backends.len(),
                    r.granted.clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    let expected = |granted: Vec<u32>| {
        vec![
            ("GRPCRoute".to_owned(), 1, 2, vec![]),
            ("HTTPRoute".to_owned(), 1, 2, granted),
        ]
    };
    assert_eq!(granted(Value::Null), expected(vec![1]));
    assert_eq!(granted(json!("far")), expected(vec![1]));
    assert_eq!(granted(json!("other")), expected(vec![]));
    let inventory = read(&of(Live, &[gateway]));
    let from: Vec<&str> = inventory.gateways[0]
        .listeners
        .iter()
        .map(|l| &*l.allowed_from)
        .collect();
    assert_eq!(from, ["Selector", "Same"]);
}

#[test]
fn routers_that_name_services() {
    let openshift = object(
        "route.openshift.io/v1",
        "Route",
        "n",
        "r",
        json!({"port": {"targetPort": 8080}, "to": {"kind": "Service", "name": "s"}, "alternateBackends": [{"kind": "Service", "name": "t"}, {"kind": "Service", "name": "off", "weight": 0}]}),
    );
    let named = object(
        "route.openshift.io/v1",
        "Route",
        "n",
        "r2",
        json!({"port": {"targetPort": "http"}, "to": {"kind": "Service", "name": "s"}}),
    );
    let service = |name: &str, spec: Value| {
        object("networking.istio.io/v1", "VirtualService", "n", name, spec)
    };
    let root = service(
        "s",
        json!({"gateways": ["edge/g"], "http": [{"route": [{"destination": {"host": "s", "port": {"number": 80}}}]}, {"delegate": {"name": "t"}}]}),
    );
    let part = service(
        "t",
        json!({"http": [{"route": [{"destination": {"host": "deep.m"}}]}]}),
    );
    let istio = object(
        "networking.istio.io/v1",
        "VirtualService",
        "n",
        "v",
        json!({"gateways": ["mesh", "edge/g", "own"], "http": [{"route": [{"destination": {"host": "s", "port": {"number": 80}}}, {"destination": {"host": "t.m.svc.cluster.local"}}, {"destination": {"host": "api.example.com"}}], "mirror": {"host": "shadow"}}]}),
    );
    let inventory = read(&of(Live, &[openshift, named, istio, root, part]));
    let got: Vec<String> = inventory
        .routes
        .iter()
        .map(|r| {
            let backends: Vec<String> = r
                .backends
                .iter()
                .map(|b| format!("{}/{}:{:?}", b.namespace, b.service, b.port))
                .collect();
            let parents: Vec<String> = r
                .parents
                .iter()
                .map(|p| format!("{}/{}", p.namespace, p.name))
                .collect();
            format!(
                "{} [{}] {} {:?}",
                r.kind,
                parents.join(" "),
                backends.join(" "),
                r.granted
            )
        })
        .collect();
    assert_eq!(
        got,
        [
            "Route [] n/s:Target(8080) n/t:Target(8080) []",
            "Route [] n/s:Name(\"http\") []",
            "VirtualService [edge/g] n/s:Number(80) m/deep:Any [1]",
            "VirtualService [] m/deep:Any [0]",
            "VirtualService [edge/g n/own] n/s:Number(80) m/t:Any n/shadow:Any [1]"
        ]
    );
}

#[test]
fn declared_internal_entries() {
    let objects = [
        object(
            "v1",
            "Service",
            "n",
            "lb",
            json!({"type": "LoadBalancer", "loadBalancerClass": "corp-internal"}),
        ),
        object("v1", "Service", "n", "web", json!({"type": "LoadBalancer"})),
        object(
            "networking.k8s.io/v1",
            "Ingress",
            "n",
            "i",
            json!({"ingressClassName": "nginx-internal"}),
        ),
    ];
    let declared: Declarations = serde_saphyr::from_str("network: { enforced: false, internal: [{ classes: [\"*-internal\"] }] }\npodSecurity: { default: restricted }").unwrap();
    let inventory = semantics::inventory(
        &of(Live, &objects),
        &declared,
        &mut model::evidence::Ledger::default(),
    );
    assert_eq!(
        inventory
            .internal
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["Ingress n/i", "Service n/lb"]
    );
    assert_eq!(
        (
            inventory.network_enforced,
            inventory.pod_security_default.as_deref()
        ),
        (Some(false), Some("restricted"))
    );
}
