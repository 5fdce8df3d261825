//! Services, ports of nodes and hosts.
#![allow(clippy::wildcard_imports, reason = "rooms of one table of cases")]

use super::*;

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

pub(super) fn node_port(world: &mut Inventory) {
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
