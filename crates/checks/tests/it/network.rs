//! NP: each row on a small cluster that it is about, and on one that it must leave alone.

use crate::family::{Case, ask, family, live};
use checks::world::Beside;
use semantics::declare::Declarations;

macro_rules! policy {
    ($spec:literal) => {
        concat!("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {", $spec, "}}")
    };
}
macro_rules! service {
    ($spec:literal) => {
        concat!(
            "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {",
            $spec,
            "}}"
        )
    };
}

macro_rules! pod_and {
    ($other:literal) => {
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}",
            "\n---\n",
            $other
        )
    };
}

const FILES: &[Case] = &[
    ("namespace-open-ingress", POD, &["Namespace shop "]),
    (
        "namespace-open-ingress",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &[],
    ),
    // Cilium, Calico and administrators' policies hold too.
    (
        "namespace-open-ingress",
        pod_and!(
            "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {endpointSelector: {}, ingress: [{}]}}"
        ),
        &[],
    ),
    (
        "namespace-open-ingress",
        pod_and!(
            "{apiVersion: crd.projectcalico.org/v1, kind: GlobalNetworkPolicy, metadata: {name: deny}, spec: {selector: \"app == 'web'\", types: [Ingress, Egress]}}"
        ),
        &[],
    ),
    (
        "namespace-open-ingress",
        pod_and!(
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: BaselineAdminNetworkPolicy, metadata: {name: default}, spec: {subject: {namespaces: {}}, ingress: [{name: no, action: Deny, from: [{namespaces: {}}]}]}}"
        ),
        &[],
    ),
    // Of a kind that nothing evaluates: unknown, so no finding.
    (
        "namespace-open-ingress",
        pod_and!(
            "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {appliedTo: [{podSelector: {}}], ingress: [{action: Drop}]}}"
        ),
        &[],
    ),
    (
        "namespace-open-ingress",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: kube-system}, spec: {containers: [{name: web, image: web}]}}",
        &[],
    ),
    (
        "namespace-open-ingress",
        "{apiVersion: v1, kind: Namespace, metadata: {name: empty}}",
        &[],
    ),
    (
        "namespace-open-ingress",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {hostNetwork: true, containers: [{name: web, image: web}]}}",
        // What comes to the pod network there begins open.
        &["Namespace shop "],
    ),
    ("namespace-open-egress", POD, &["Namespace shop "]),
    (
        "namespace-open-egress",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {podSelector: {}, policyTypes: [Egress]}}"
        ),
        &[],
    ),
    (
        "namespace-open-egress",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &["Namespace shop "],
    ),
    (
        "workload-open-ingress",
        TWO_ONE_HELD,
        &["Pod shop/db /metadata/labels"],
    ),
    ("workload-open-ingress", POD, &[]),
    (
        "workload-open-egress",
        TWO_ONE_HELD_OUT,
        &["Pod shop/db /metadata/labels"],
    ),
    ("workload-open-egress", TWO_ONE_HELD, &[]),
    (
        "no-policy-for-all-pods",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}}}"
        ),
        &["Namespace shop "],
    ),
    (
        "no-policy-for-all-pods",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &[],
    ),
    (
        "policies-not-enforced",
        concat!(
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kube-flannel-ds, namespace: kube-flannel}, spec: {selector: {matchLabels: {app: f}}, template: {metadata: {labels: {app: f}}, spec: {hostNetwork: true, containers: [{name: kube-flannel, image: ghcr.io/flannel-io/flannel:v0.26.0}]}}}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &["DaemonSet kube-flannel/kube-flannel-ds "],
    ),
    (
        "policies-not-enforced",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}",
        &[],
    ),
    (
        "policies-not-enforced",
        concat!(
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: kube-flannel-ds, namespace: kube-flannel}, spec: {selector: {matchLabels: {app: f}}, template: {metadata: {labels: {app: f}}, spec: {hostNetwork: true, containers: [{name: kube-flannel, image: ghcr.io/flannel-io/flannel:v0.26.0}]}}}}",
            "\n---\n",
            "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: canal, namespace: kube-system}, spec: {selector: {matchLabels: {app: c}}, template: {metadata: {labels: {app: c}}, spec: {hostNetwork: true, containers: [{name: calico-node, image: docker.io/calico/node:v3.30.0}]}}}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &[],
    ),
    (
        "policy-for-host-network",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {hostNetwork: true, containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}}}"
        ),
        &["Pod shop/web /spec/hostNetwork"],
    ),
    (
        "policy-for-host-network",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {hostNetwork: true, containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}"
        ),
        &[],
    ),
    (
        "policy-allows-all-ingress",
        policy!("podSelector: {}, ingress: [{}]"),
        &["NetworkPolicy shop/p /spec/ingress/0"],
    ),
    (
        "policy-allows-all-ingress",
        policy!("podSelector: {}, ingress: [{from: [], ports: []}]"),
        &["NetworkPolicy shop/p /spec/ingress/0"],
    ),
    (
        "policy-allows-all-ingress",
        policy!("podSelector: {}, ingress: []"),
        &[],
    ),
    (
        "policy-allows-all-ingress",
        policy!("podSelector: {}, ingress: [{ports: [{port: 80}]}]"),
        &[],
    ),
    (
        "policy-allows-all-ingress",
        policy!("podSelector: {}, policyTypes: [Egress], ingress: [{}]"),
        &[],
    ),
    (
        "ingress-from-all-namespaces",
        policy!("podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]"),
        &["NetworkPolicy shop/p /spec/ingress/0/from"],
    ),
    (
        "ingress-from-all-namespaces",
        policy!(
            "podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}]}]"
        ),
        &[],
    ),
    (
        "ingress-from-all-namespaces",
        policy!("podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]"),
        &[],
    ),
    (
        "ingress-from-anywhere",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}, {from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}"
        ),
        &[
            "NetworkPolicy shop/p /spec/ingress/0/from",
            "NetworkPolicy shop/p /spec/ingress/1/from/0/ipBlock/cidr",
        ],
    ),
    (
        "ingress-from-anywhere",
        pod_and!(
            "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}}"
        ),
        &[],
    ),
    (
        "ingress-from-anywhere",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}}"
        ),
        &[],
    ),
    (
        "policy-allows-all-egress",
        policy!("podSelector: {}, egress: [{}]"),
        &["NetworkPolicy shop/p /spec/egress/0"],
    ),
    (
        "policy-allows-all-egress",
        policy!("podSelector: {}, egress: [{ports: [{port: 53, protocol: UDP}]}]"),
        &[],
    ),
    (
        "policy-allows-all-egress",
        policy!("podSelector: {}, policyTypes: [Ingress], egress: [{}]"),
        &[],
    ),
    (
        "egress-to-the-world",
        policy!("podSelector: {}, egress: [{to: [{ipBlock: {cidr: '::/0'}}]}]"),
        &["NetworkPolicy shop/p /spec/egress/0/to"],
    ),
    (
        "egress-to-the-world",
        policy!(
            "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]"
        ),
        &[],
    ),
    (
        "metadata-endpoint-allowed",
        policy!("podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"),
        &["NetworkPolicy shop/p /spec/egress/0/to/0/ipBlock"],
    ),
    (
        "metadata-endpoint-allowed",
        policy!(
            "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 'fd00::/8'}}], ports: [{port: 1, endPort: 100}]}]"
        ),
        &["NetworkPolicy shop/p /spec/egress/0/to/0/ipBlock"],
    ),
    (
        "metadata-endpoint-allowed",
        policy!(
            "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}]}]"
        ),
        &[],
    ),
    (
        "metadata-endpoint-allowed",
        policy!(
            "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]"
        ),
        &[],
    ),
    (
        "metadata-endpoint-allowed",
        concat!(
            "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {providerID: 'kind://docker/a/n'}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}"
        ),
        &[],
    ),
    (
        "metadata-endpoint-allowed",
        concat!(
            "{apiVersion: v1, kind: Node, metadata: {name: n}, spec: {providerID: 'aws:///eu/i-1'}}",
            "\n---\n",
            "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: shop}, spec: {endpointSelector: {}, egress: [{toCIDR: [0.0.0.0/0]}]}}"
        ),
        &["CiliumNetworkPolicy shop/p /spec/egress"],
    ),
    (
        "policy-selects-nothing",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {matchLabels: {app: wep}}}}"
        ),
        &["NetworkPolicy shop/p /spec/podSelector"],
    ),
    (
        "policy-selects-nothing",
        policy!("podSelector: {matchLabels: {app: web}}"),
        &[],
    ),
    (
        "policy-peer-is-nobody",
        pod_and!(
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: wep}}}]}]}}"
        ),
        &["NetworkPolicy shop/p /spec/ingress/0/from/0"],
    ),
    (
        "policy-peer-is-nobody",
        policy!("podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}]}]"),
        &[],
    ),
    (
        "policy-refused-by-server",
        policy!("podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]"),
        &["NetworkPolicy shop/p /spec/ingress/0/ports/0/endPort"],
    ),
    (
        "policy-refused-by-server",
        policy!(
            "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]"
        ),
        &["NetworkPolicy shop/p /spec/egress/0/to/0/ipBlock/except/0"],
    ),
    (
        "policy-refused-by-server",
        policy!(
            "podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 80, endPort: 90}]}]"
        ),
        &[],
    ),
    (
        "policy-port-name-unknown",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web, ports: [{name: http, containerPort: 80}]}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{ports: [{port: web}]}]}}"
        ),
        &["NetworkPolicy shop/p /spec/ingress/0/ports/0/port"],
    ),
    (
        "policy-port-name-unknown",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web, ports: [{name: http, containerPort: 80}]}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{ports: [{port: http}]}]}}"
        ),
        &[],
    ),
    (
        "egress-without-dns",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, egress: [{ports: [{port: 443}]}]}}"
        ),
        &["Pod shop/web "],
    ),
    (
        "egress-without-dns",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, egress: [{ports: [{port: 53, protocol: UDP}]}]}}"
        ),
        &[],
    ),
    (
        "admin-policies-same-priority",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: a}, spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}",
            "\n---\n",
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: b}, spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}}"
        ),
        &["AdminNetworkPolicy b /spec/priority"],
    ),
    (
        "admin-policies-same-priority",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: web, image: web}]}}",
            "\n---\n",
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: a}, spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}}",
            "\n---\n",
            "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: b}, spec: {priority: 6, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}}"
        ),
        &[],
    ),
    (
        "admin-rule-never-asked",
        "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: a}, spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}, {action: Deny, from: [{namespaces: {}}]}]}}",
        &["AdminNetworkPolicy a /spec/ingress/1"],
    ),
    (
        "admin-rule-never-asked",
        "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: a}, spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {matchLabels: {a: b}}}]}, {action: Deny, from: [{namespaces: {}}]}]}}",
        &[],
    ),
    (
        "plugin-policy-allows-all",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: shop}, spec: {endpointSelector: {}, ingress: [{fromEntities: [all]}]}}",
        &["CiliumNetworkPolicy shop/p /spec/ingress"],
    ),
    (
        "plugin-policy-allows-all",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: shop}, spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {app: web}}]}]}}",
        &[],
    ),
    (
        "plugin-policy-allows-all",
        "{apiVersion: crd.projectcalico.org/v1, kind: GlobalNetworkPolicy, metadata: {name: p}, spec: {selector: all(), types: [Ingress], ingress: [{action: Allow}]}}",
        &["GlobalNetworkPolicy p /spec/ingress/0"],
    ),
    (
        "plugin-policy-allows-all",
        "{apiVersion: crd.projectcalico.org/v1, kind: GlobalNetworkPolicy, metadata: {name: p}, spec: {selector: all(), types: [Ingress], ingress: [{action: Deny, source: {nets: [10.0.0.0/8]}}, {action: Allow}]}}",
        &[],
    ),
    (
        "mesh-without-mutual-tls",
        "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: p, namespace: shop}, spec: {mtls: {mode: DISABLE}}}",
        &["PeerAuthentication shop/p /spec/mtls/mode"],
    ),
    (
        "mesh-without-mutual-tls",
        "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: p, namespace: shop}, spec: {mtls: {mode: STRICT}}}",
        &[],
    ),
    (
        "service-external-ips",
        service!("externalIPs: [203.0.113.7]"),
        &["Service shop/s /spec/externalIPs"],
    ),
    ("service-external-ips", service!("externalIPs: []"), &[]),
    (
        "load-balancer-for-everybody",
        service!("type: LoadBalancer, ports: [{port: 443}]"),
        &["Service shop/s /spec/loadBalancerSourceRanges"],
    ),
    (
        "load-balancer-for-everybody",
        service!(
            "type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24], ports: [{port: 443}]"
        ),
        &[],
    ),
    (
        "back-door-published",
        service!("type: LoadBalancer, ports: [{port: 80}, {port: 5432}]"),
        &["Service shop/s /spec/ports/1"],
    ),
    (
        "back-door-published",
        service!("type: NodePort, ports: [{port: 1, targetPort: 6379}]"),
        &["Service shop/s /spec/ports/0"],
    ),
    (
        "back-door-published",
        service!(
            "type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24], ports: [{port: 5432}]"
        ),
        &[],
    ),
    (
        "back-door-published",
        service!("type: ClusterIP, ports: [{port: 5432}]"),
        &[],
    ),
    (
        "back-door-published",
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop, annotations: {service.beta.kubernetes.io/azure-load-balancer-internal: 'true'}}, spec: {type: LoadBalancer, ports: [{port: 5432}]}}",
        &[],
    ),
    (
        "node-port-service",
        service!("type: NodePort, ports: [{port: 80}]"),
        &["Service shop/s /spec/type"],
    ),
    (
        "node-port-service",
        service!("type: LoadBalancer, ports: [{port: 80}]"),
        &[],
    ),
    (
        "external-name-leads-inside",
        service!("type: ExternalName, externalName: db.other.svc.cluster.local"),
        &["Service shop/s /spec/externalName"],
    ),
    (
        "external-name-leads-inside",
        service!("type: ExternalName, externalName: 169.254.169.254"),
        &["Service shop/s /spec/externalName"],
    ),
    (
        "external-name-leads-inside",
        service!("type: ExternalName, externalName: db.shop.svc.cluster.local"),
        &[],
    ),
    (
        "external-name-leads-inside",
        service!("type: ExternalName, externalName: db.example.com"),
        &[],
    ),
    ("endpoints-of-other-namespaces", SLICE_OF_OWN, &[]),
    (
        "ingress-without-tls",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop}, spec: {rules: [{host: a.example.com}]}}",
        &["Ingress shop/i /spec/tls"],
    ),
    (
        "ingress-without-tls",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop}, spec: {tls: [{hosts: [a.example.com]}], rules: [{host: a.example.com}]}}",
        &[],
    ),
    (
        "ingress-without-tls",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {alb.ingress.kubernetes.io/certificate-arn: 'arn:aws:acm:eu:1:certificate/2'}}, spec: {rules: [{host: a.example.com}]}}",
        &[],
    ),
    (
        "ingress-for-every-host",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop}, spec: {rules: [{http: {paths: []}}]}}",
        &["Ingress shop/i /spec/rules/0/host"],
    ),
    (
        "ingress-for-every-host",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop}, spec: {rules: [{host: a.example.com}]}}",
        &[],
    ),
    (
        "ingress-snippet",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {nginx.ingress.kubernetes.io/server-snippet: 'redacted:v1:text:9:00'}}, spec: {}}",
        &["Ingress shop/i /metadata/annotations"],
    ),
    (
        "ingress-snippet",
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: shop, annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}}, spec: {}}",
        &[],
    ),
    (
        "ingress-snippets-allowed",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: ingress-nginx}, data: {allow-snippet-annotations: 'redacted:v1:boolean:4:0011223344556677'}}",
        &["ConfigMap ingress-nginx/c /data/allow-snippet-annotations"],
    ),
    (
        "ingress-snippets-allowed",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: ingress-nginx}, data: {allow-snippet-annotations: 'redacted:v1:boolean:5:0011223344556677'}}",
        &[],
    ),
    (
        "gateway-for-all-namespaces",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, namespace: edge}, spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]}}",
        &["Gateway edge/g /spec/listeners/0/allowedRoutes/namespaces/from"],
    ),
    (
        "gateway-for-all-namespaces",
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g, namespace: edge}, spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}}",
        &[],
    ),
    (
        "grant-of-all-secrets",
        "{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: tls}, spec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}], to: [{group: '', kind: Secret}]}}",
        &["ReferenceGrant tls/g /spec/to/0/name"],
    ),
    (
        "grant-of-all-secrets",
        "{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: tls}, spec: {from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: edge}], to: [{group: '', kind: Secret, name: shop}]}}",
        &[],
    ),
];

/// What only a whole cluster tells.
const LIVE: &[Case] = &[
    (
        "block-holds-pods",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, uid: u}, spec: {nodeName: n, containers: [{name: web, image: web}]}, status: {phase: Running, podIP: 10.244.0.7, podIPs: [{ip: 10.244.0.7}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}}"
        ),
        &["NetworkPolicy shop/p /spec/ingress/0/from/0/ipBlock/cidr"],
    ),
    (
        "block-holds-pods",
        concat!(
            "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, uid: u}, spec: {nodeName: n, containers: [{name: web, image: web}]}, status: {phase: Running, podIP: 10.244.0.7, podIPs: [{ip: 10.244.0.7}]}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.244.0.0/16]}}]}]}}"
        ),
        &[],
    ),
    (
        "endpoints-of-other-namespaces",
        SLICE_OF_OTHER,
        &["Service shop/s /spec/selector"],
    ),
    (
        "policy-peer-is-nobody",
        concat!(
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: gone}}}]}]}}"
        ),
        &["NetworkPolicy shop/p /spec/ingress/0/from/0"],
    ),
    (
        "policy-peer-is-nobody",
        concat!(
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}}",
            "\n---\n",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]}]}}"
        ),
        &[],
    ),
];

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}";
const TWO_ONE_HELD: &str = pod_and!(
    "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: db, image: db}]}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}}}"
);
const TWO_ONE_HELD_OUT: &str = pod_and!(
    "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: db, image: db}]}}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}}"
);
const SLICE_OF_OTHER: &str = concat!(
    "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: other, uid: u}, spec: {nodeName: n, containers: [{name: web, image: web}]}, status: {phase: Running, podIPs: [{ip: 10.244.0.7}]}}",
    "\n---\n",
    "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {ports: [{port: 80}]}}",
    "\n---\n",
    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s-1, namespace: shop, labels: {kubernetes.io/service-name: s}}, addressType: IPv4, endpoints: [{addresses: [10.244.0.7]}], ports: [{port: 80}]}"
);
const SLICE_OF_OWN: &str = concat!(
    "{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, uid: u}, spec: {nodeName: n, containers: [{name: web, image: web}]}, status: {phase: Running, podIPs: [{ip: 10.244.0.7}]}}",
    "\n---\n",
    "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: shop}, spec: {ports: [{port: 80}]}}",
    "\n---\n",
    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s-1, namespace: shop, labels: {kubernetes.io/service-name: s}}, addressType: IPv4, endpoints: [{addresses: [10.244.0.7]}], ports: [{port: 80}]}"
);

#[test]
fn rows_of_the_family() {
    family("NP", FILES, LIVE);
}

#[test]
fn what_was_not_listed_is_no_open_namespace() {
    let rule = checks::table::rule("namespace-open-ingress").unwrap();
    let (mut snapshot, beside) = live(POD);
    let said = ask(&snapshot, &beside, &Declarations::default(), &[rule]);
    assert_eq!((said.found.len(), said.answers[0].unknown.len()), (1, 0));
    snapshot.listed.retain(|one| &*one.kind != "NetworkPolicy");
    let said = ask(&snapshot, &beside, &Declarations::default(), &[rule]);
    assert_eq!(
        (
            said.found.len(),
            said.answers[0].looked,
            said.answers[0].unknown.len()
        ),
        (0, 0, 1)
    );
}

#[test]
fn enforcement_as_declared_decides() {
    let rule = checks::table::rule("policies-not-enforced").unwrap();
    let (snapshot, _) = live(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}",
    );
    for (declared, found, looked, unknown) in [
        (Some(false), 1, 1, 0),
        (Some(true), 0, 1, 0),
        (None, 0, 0, 1),
    ] {
        let mut declarations = Declarations::default();
        declarations.network.enforced = declared;
        let said = ask(&snapshot, &Beside::default(), &declarations, &[rule]);
        let answer = &said.answers[0];
        assert_eq!(
            (said.found.len(), answer.looked, answer.unknown.len()),
            (found, looked, unknown),
            "{declared:?}"
        );
    }
}
