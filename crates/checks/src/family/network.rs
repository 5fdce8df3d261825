//! NP: what network policies leave open, and what leads into the cluster past them.

pub(crate) mod coverage;
mod entries;
mod policies;

use crate::rule::Mapping::{Attack, Cis, Cve, Microsoft, Nsa, Owasp};
use crate::rule::{Fix, Form, Rule, Scope};
use crate::test::{Test, Value, item, object, this};
use model::action::FixClass::Breaking;
use model::vulnerability::Severity::{High, Low, Medium};

type Kinds = &'static [(&'static str, &'static str)];

const POLICIES: Kinds = &[
    ("networking.k8s.io", "NetworkPolicy"),
    ("extensions", "NetworkPolicy"),
];
const INGRESSES: Kinds = &[("networking.k8s.io", "Ingress"), ("extensions", "Ingress")];
const SERVICES: Kinds = &[("", "Service")];
const GATEWAYS: Kinds = &[("gateway.networking.k8s.io", "Gateway")];
const GRANTS: Kinds = &[("gateway.networking.k8s.io", "ReferenceGrant")];
const MESH: Kinds = &[("security.istio.io", "PeerAuthentication")];

/// Every namespace, and every pod of it.
const ANY_NAMESPACE: Test = Test::All(&[
    Test::Set(item(&["namespaceSelector"])),
    Test::Empty(item(&["namespaceSelector", "matchLabels"])),
    Test::Empty(item(&["namespaceSelector", "matchExpressions"])),
    Test::Empty(item(&["podSelector", "matchLabels"])),
    Test::Empty(item(&["podSelector", "matchExpressions"])),
]);

const WHOLE_WORLD: Test = Test::All(&[
    Test::In(item(&["ipBlock", "cidr"]), &["0.0.0.0/0", "::/0"]),
    Test::Empty(item(&["ipBlock", "except"])),
]);

/// Annotations by which a load balancer before the Ingress holds the certificate.
const TLS_ELSEWHERE: &[&str] = &[
    "alb.ingress.kubernetes.io/certificate-arn",
    "alb.ingress.kubernetes.io/listen-ports",
    "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
    "appgw.ingress.kubernetes.io/ssl-redirect",
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "networking.gke.io/managed-certificates",
    "networking.gke.io/certmap",
    "nginx.ingress.kubernetes.io/ssl-passthrough",
    "traefik.ingress.kubernetes.io/router.tls",
];

const SNIPPETS: &[&str] = &[
    "nginx.ingress.kubernetes.io/configuration-snippet",
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/stream-snippet",
    "nginx.ingress.kubernetes.io/auth-snippet",
    "nginx.ingress.kubernetes.io/modsecurity-snippet",
    "nginx.org/server-snippets",
    "nginx.org/location-snippets",
    "nginx.org/stream-snippets",
];

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-NP-001",
        slug: "namespace-open-ingress",
        severity: Medium,
        title: "every pod of the namespace may be reached by every pod of the cluster",
        why: "one compromised pod anywhere talks to all of these; a mesh or plugin policy counts as well, and namespaces of the cluster itself are left out",
        advice: "add a default deny for ingress to the namespace, together with what its callers need",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::World(coverage::open_ingress),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-002",
        slug: "namespace-open-egress",
        severity: Medium,
        title: "every pod of the namespace may send to everywhere",
        why: "whoever gets into one of them loads tools, takes data out and reaches the API server, the nodes and the cloud's metadata",
        advice: "add a default deny for egress to the namespace, together with DNS and what its pods call",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1041"),
            Owasp("K05"),
        ],
        form: Form::World(coverage::open_egress),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-003",
        slug: "workload-open-ingress",
        severity: Medium,
        title: "workload is selected by no ingress policy though its neighbours are",
        why: "somebody meant to close the namespace and this one was forgotten: it is the way to its neighbours",
        advice: "give its pods a label that a policy selects, or select all pods of the namespace",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::World(coverage::left_out_ingress),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-004",
        slug: "workload-open-egress",
        severity: Low,
        title: "workload is selected by no egress policy though its neighbours are",
        why: "what its neighbours may not reach is reached from here",
        advice: "give its pods a label that a policy selects, or select all pods of the namespace",
        maps: &[Cis("5.3.2"), Attack("T1041"), Owasp("K05")],
        form: Form::World(coverage::left_out_egress),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-005",
        slug: "no-policy-for-all-pods",
        severity: Low,
        title: "the next workload of the namespace begins open",
        why: "policies select every workload by its labels and none selects all pods: what is deployed tomorrow is held by nothing until somebody thinks of it",
        advice: "add a policy with an empty podSelector and no rules",
        maps: &[Cis("5.3.2"), Nsa("network separation"), Owasp("K05")],
        form: Form::World(coverage::next_is_open),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-006",
        slug: "policies-not-enforced",
        severity: High,
        title: "nothing enforces the network policies",
        why: "the API server accepts policies that no plugin reads: every wall that they draw is on paper",
        advice: "install a network plugin that enforces them, or an enforcer beside the one that is there",
        maps: &[Cis("5.3.1"), Nsa("network separation"), Owasp("K05")],
        form: Form::World(coverage::not_enforced),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-007",
        slug: "policy-for-host-network",
        severity: Low,
        title: "policy selects a pod on the node's network",
        why: "most plugins do not apply policies to pods that use the node's network, so the pod that somebody wanted to hold is free",
        advice: "take hostNetwork away, or write the wall as a policy for hosts",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(coverage::host_network),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-010",
        slug: "policy-allows-all-ingress",
        severity: Medium,
        title: "policy lets everybody in on all ports",
        why: "one rule without peers and ports undoes every other policy of the same pods",
        advice: "name who may come in and to which port, or delete the rule",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::Each {
            scope: Scope::ObjectItems(POLICIES, &["spec", "ingress"]),
            violated: Test::All(&[
                Test::Any(&[
                    Test::Empty(object(&["spec", "policyTypes"])),
                    Test::Has(object(&["spec", "policyTypes"]), &["Ingress"]),
                ]),
                Test::Empty(this(&["from"])),
                Test::Empty(this(&["ports"])),
            ]),
            at: this(&[]),
        },
        fix: Fix::RemoveItem(Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-011",
        slug: "ingress-from-all-namespaces",
        severity: Low,
        title: "policy lets every pod of every namespace in",
        why: "the wall stands against addresses outside of the cluster only; any compromised pod passes it. What serves the whole cluster (DNS, admission, metrics) means it so",
        advice: "select the namespaces of the callers by the label kubernetes.io/metadata.name",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::Each {
            scope: Scope::ObjectItems(POLICIES, &["spec", "ingress"]),
            violated: Test::Some(this(&["from"]), &ANY_NAMESPACE),
            at: this(&["from"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-012",
        slug: "ingress-from-anywhere",
        severity: Low,
        title: "policy lets everybody in, and nothing publishes the pods",
        why: "rules for the whole world belong to pods behind a load balancer or an Ingress; here they only let every pod of the cluster in",
        advice: "name the callers as pods or namespaces",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::World(policies::from_anywhere),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-013",
        slug: "policy-allows-all-egress",
        severity: Low,
        title: "policy lets pods send everything to everywhere",
        why: "the policy looks like a wall for egress and is none; it undoes every other egress policy of the same pods",
        advice: "name what the pods call, or take Egress out of the policy to say that it is not restricted",
        maps: &[Cis("5.3.2"), Attack("T1041"), Owasp("K05")],
        form: Form::Each {
            scope: Scope::ObjectItems(POLICIES, &["spec", "egress"]),
            violated: Test::All(&[
                Test::Any(&[
                    Test::Empty(object(&["spec", "policyTypes"])),
                    Test::Has(object(&["spec", "policyTypes"]), &["Egress"]),
                ]),
                Test::Empty(this(&["to"])),
                Test::Empty(this(&["ports"])),
            ]),
            at: this(&[]),
        },
        fix: Fix::RemoveItem(Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-014",
        slug: "egress-to-the-world",
        severity: Low,
        title: "policy lets pods send to every address",
        why: "data and connections of an attacker leave by the same rule; pods that call the internet need it, most name a few ranges",
        advice: "name ranges, put an egress proxy between, or except the private ranges",
        maps: &[Attack("T1041"), Owasp("K05")],
        form: Form::Each {
            scope: Scope::ObjectItems(POLICIES, &["spec", "egress"]),
            violated: Test::Some(this(&["to"]), &WHOLE_WORLD),
            at: this(&["to"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-015",
        slug: "metadata-endpoint-allowed",
        severity: Medium,
        title: "egress rule reaches the cloud's metadata service",
        why: "a range that a policy allows holds 169.254.169.254: whoever can make the pod send a request there gets the credentials of the node. Nodes outside of clouds have none",
        advice: "add 169.254.169.254/32 (and fd00:ec2::254/128) to except, and ask the cloud for tokens with one hop",
        maps: &[
            Attack("T1552.005"),
            Microsoft("Instance Metadata API"),
            Owasp("K08"),
        ],
        form: Form::World(policies::metadata),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-020",
        slug: "policy-selects-nothing",
        severity: Low,
        title: "policy selects no pod",
        why: "the pods that it was written for have other labels, or are gone: the wall is not where somebody believes it to be",
        advice: "correct the podSelector, or delete the policy",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::selects_nothing),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-021",
        slug: "policy-peer-is-nobody",
        severity: Low,
        title: "policy lets in or out pods that do not exist",
        why: "whoever may create a pod with these labels is let through by a rule that nobody watches; and the callers that were meant are cut off",
        advice: "correct the selector of the peer, or delete it",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::peers_nobody),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-022",
        slug: "policy-refused-by-server",
        severity: Medium,
        title: "policy is refused by the API server",
        why: "a range of ports that ends below its beginning or an exception outside of its block is no valid policy: it never gets into the cluster, and the pods stay open",
        advice: "correct the range",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::refused),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-023",
        slug: "block-holds-pods",
        severity: Low,
        title: "address block of a policy holds the addresses of pods",
        why: "blocks are meant for addresses outside of the cluster; whether they match pods depends on the plugin, so the rule lets in every pod with some plugins and none with others",
        advice: "name pods by selectors, and except the pods' range from the block",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::blocks_of_pods),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-024",
        slug: "policy-port-name-unknown",
        severity: Low,
        title: "policy allows a named port that no selected pod has",
        why: "the rule lets nothing through; it cuts off who was meant, and opens when some pod declares a port of that name",
        advice: "write the port's number, or the name that the container declares",
        maps: &[Owasp("K05")],
        form: Form::World(policies::named_ports),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-025",
        slug: "egress-without-dns",
        severity: Low,
        title: "pods with restricted egress cannot ask for names",
        why: "without port 53 most programs reach nothing, and the next hand that repairs it opens everything",
        advice: "allow UDP and TCP 53 to the cluster's DNS",
        maps: &[Owasp("K05")],
        form: Form::World(policies::without_dns),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-026",
        slug: "admin-policies-same-priority",
        severity: Medium,
        title: "two administrators' policies of one priority mean the same pods",
        why: "which of them is asked first is not defined: a deny may win today and lose after a restart",
        advice: "give each its own priority",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::same_priority),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-027",
        slug: "admin-rule-never-asked",
        severity: Low,
        title: "rule of an administrators' policy is never asked",
        why: "an earlier rule decides everything that it means: a deny behind an allow is no wall",
        advice: "put the narrower rule first, or delete the later one",
        maps: &[Nsa("network separation"), Owasp("K05")],
        form: Form::World(policies::shadowed),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-028",
        slug: "plugin-policy-allows-all",
        severity: Medium,
        title: "Cilium or Calico policy lets everybody in",
        why: "it selects the pods, so they look held, and allows all peers on all ports",
        advice: "name peers and ports",
        maps: &[
            Cis("5.3.2"),
            Nsa("network separation"),
            Attack("T1046"),
            Microsoft("Cluster internal networking"),
            Owasp("K05"),
        ],
        form: Form::World(policies::plugin_allows_all),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-029",
        slug: "mesh-without-mutual-tls",
        severity: Medium,
        title: "mutual TLS of the mesh is switched off",
        why: "without it pods have no identity: policies of the mesh that name accounts cannot hold anybody, and traffic is readable on the way",
        advice: "set mode to STRICT, or PERMISSIVE while callers move",
        maps: &[Attack("T1040"), Owasp("K05")],
        form: Form::Each {
            scope: Scope::Objects(MESH),
            violated: Test::In(this(&["spec", "mtls", "mode"]), &["DISABLE"]),
            at: this(&["spec", "mtls", "mode"]),
        },
        fix: Fix::Set(this(&["spec", "mtls", "mode"]), "\"STRICT\"", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-040",
        slug: "service-external-ips",
        severity: Medium,
        title: "Service takes addresses from outside for itself",
        why: "nodes send traffic for these addresses to its pods, whoever they belong to: whoever writes such a Service reads the traffic of others",
        advice: "use a load balancer or a Gateway, and forbid the field by admission (DenyServiceExternalIPs)",
        maps: &[Attack("T1557"), Cve("CVE-2020-8554"), Owasp("K05")],
        form: Form::Each {
            scope: Scope::Objects(SERVICES),
            violated: Test::Not(&Test::Empty(this(&["spec", "externalIPs"]))),
            at: this(&["spec", "externalIPs"]),
        },
        fix: Fix::Remove(this(&["spec", "externalIPs"]), Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-041",
        slug: "load-balancer-for-everybody",
        severity: Low,
        title: "load balancer lets every address in",
        why: "public sites want it so; what has a known circle of callers should not answer the internet",
        advice: "set loadBalancerSourceRanges, or make the load balancer internal",
        maps: &[
            Attack("T1133"),
            Microsoft("Exposed sensitive interfaces"),
            Owasp("K06"),
        ],
        form: Form::World(entries::load_balancers),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-042",
        slug: "back-door-published",
        severity: High,
        title: "port of a database or of administration is published",
        why: "scanners find such ports within hours, and behind them stand passwords at most",
        advice: "make the Service a ClusterIP and come in by a tunnel or VPN; where it must be open, set loadBalancerSourceRanges",
        maps: &[
            Attack("T1133"),
            Microsoft("Exposed sensitive interfaces"),
            Owasp("K06"),
        ],
        form: Form::World(entries::back_doors),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-043",
        slug: "node-port-service",
        severity: Low,
        title: "Service opens a port on every node",
        why: "whoever reaches a node reaches the pods, past load balancers and most policies by address; ingress controllers on own hardware need it",
        advice: "make it a ClusterIP behind an Ingress or Gateway",
        maps: &[
            Attack("T1133"),
            Microsoft("Exposed sensitive interfaces"),
            Owasp("K06"),
        ],
        form: Form::Each {
            scope: Scope::Objects(SERVICES),
            violated: Test::Is(this(&["spec", "type"]), Value::Text("NodePort")),
            at: this(&["spec", "type"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-044",
        slug: "external-name-leads-inside",
        severity: Medium,
        title: "ExternalName leads into another namespace, the node or the cloud",
        why: "proxies and ingress controllers follow the name with their own rights: the author of the Service reaches what he could not reach himself",
        advice: "name a Service of the own namespace, or use a ReferenceGrant",
        maps: &[Attack("T1090"), Owasp("K05")],
        form: Form::World(entries::external_names),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-045",
        slug: "endpoints-of-other-namespaces",
        severity: Medium,
        title: "Service leads to pods of another namespace by address",
        why: "whoever writes endpoints by hand borrows the reach of a load balancer or Ingress to get past policies between namespaces",
        advice: "delete the endpoints, and take write on endpoints and endpointslices from users",
        maps: &[Attack("T1090"), Cve("CVE-2021-25740"), Owasp("K05")],
        form: Form::World(entries::foreign_endpoints),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-050",
        slug: "ingress-without-tls",
        severity: Medium,
        title: "Ingress without TLS",
        why: "passwords and sessions go over the network as plain text, unless something before the controller ends TLS",
        advice: "add spec.tls with a Secret, e.g. from cert-manager",
        maps: &[Attack("T1040"), Owasp("K06")],
        form: Form::Each {
            scope: Scope::Objects(INGRESSES),
            violated: Test::All(&[
                Test::Empty(this(&["spec", "tls"])),
                Test::Not(&Test::HasKey(
                    this(&["metadata", "annotations"]),
                    TLS_ELSEWHERE,
                )),
            ]),
            at: this(&["spec", "tls"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-051",
        slug: "ingress-for-every-host",
        severity: Low,
        title: "Ingress rule for every host name",
        why: "it catches requests for names of other teams that have no rule, and their cookies",
        advice: "name the host",
        maps: &[Attack("T1557"), Owasp("K06")],
        form: Form::Each {
            scope: Scope::ObjectItems(INGRESSES, &["spec", "rules"]),
            violated: Test::Empty(this(&["host"])),
            at: this(&["host"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-052",
        slug: "ingress-snippet",
        severity: Medium,
        title: "Ingress carries configuration for the proxy itself",
        why: "a snippet runs in the controller, which reads the TLS Secrets of all namespaces: who may write an Ingress has them too",
        advice: "use the annotation made for the purpose, then set allow-snippet-annotations to false",
        maps: &[Attack("T1552"), Cve("CVE-2021-25742"), Owasp("K06")],
        form: Form::Each {
            scope: Scope::Objects(INGRESSES),
            violated: Test::HasKey(this(&["metadata", "annotations"]), SNIPPETS),
            at: this(&["metadata", "annotations"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-053",
        slug: "ingress-snippets-allowed",
        severity: High,
        title: "ingress controller runs snippets of whoever writes an Ingress",
        why: "a snippet reads the controller's token and with it the Secrets of all namespaces",
        advice: "set allow-snippet-annotations to false",
        maps: &[Attack("T1552"), Cve("CVE-2021-25742"), Owasp("K06")],
        form: Form::World(entries::snippets_allowed),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-054",
        slug: "gateway-for-all-namespaces",
        severity: Medium,
        title: "Gateway takes routes of all namespaces",
        why: "any team may put a route for any host on it, and take the traffic of another; a Gateway of one team for all is meant so only with admission rules on hosts",
        advice: "allow namespaces by a selector",
        maps: &[Attack("T1557"), Owasp("K05")],
        form: Form::Each {
            scope: Scope::ObjectItems(GATEWAYS, &["spec", "listeners"]),
            violated: Test::Is(
                this(&["allowedRoutes", "namespaces", "from"]),
                Value::Text("All"),
            ),
            at: this(&["allowedRoutes", "namespaces", "from"]),
        },
        fix: Fix::Set(
            this(&["allowedRoutes", "namespaces", "from"]),
            "\"Same\"",
            Breaking,
        ),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NP-055",
        slug: "grant-of-all-secrets",
        severity: Medium,
        title: "ReferenceGrant lends every Secret of the namespace",
        why: "without a name, the namespace that it names may use each certificate and key here",
        advice: "name the one Secret",
        maps: &[Attack("T1552"), Owasp("K03")],
        form: Form::Each {
            scope: Scope::ObjectItems(GRANTS, &["spec", "to"]),
            violated: Test::All(&[
                Test::Is(this(&["kind"]), Value::Text("Secret")),
                Test::Empty(this(&["name"])),
            ]),
            at: this(&["name"]),
        },
        ..Rule::ROW
    },
];
