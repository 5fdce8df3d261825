//! Ingresses, gateways, routes and their controllers.
#![allow(clippy::wildcard_imports, reason = "rooms of one table of cases")]

use super::*;

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
