//! What the API server is told: who may come in, what is let through, how its data is stored.

use crate::component::{Bad, Component, Defaults, Probe, Setting, api, documents};
use crate::rule::Mapping::{Attack, Cis, Cve, Nsa, Owasp};
use crate::rule::{Form, Rule};
use model::vulnerability::Severity::{Critical, High, Low, Medium};

/// It was 8080 before 1.20, which took the port away.
const INSECURE_PORT: Setting = Setting {
    of: Component::ApiServer,
    flag: "insecure-port",
    path: &[],
    default: Defaults::Since(20, "8080", "0"),
};

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-CP-001",
        slug: "api-server-anonymous",
        severity: Low,
        title: "API server takes requests without credentials",
        why: "what the group system:unauthenticated is allowed is open to whoever reaches the port, and a fault in one check is a fault for all; kubeadm's health probes and node joins use it",
        advice: "limit it to /livez, /readyz and /healthz by anonymous.conditions of an AuthenticationConfiguration (1.32 and newer), or set --anonymous-auth=false where probes authenticate",
        maps: &[
            Cis("1.2.1"),
            Nsa("authentication"),
            Attack("T1190"),
            Owasp("K09"),
        ],
        form: Form::Probe(Probe::Ask(documents::anonymous)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-002",
        slug: "api-server-static-tokens",
        severity: High,
        title: "API server takes passwords from a file of tokens",
        why: "the tokens stand in the clear on the node, never expire and change only with a restart: a copy of the file is somebody's rights for good",
        advice: "remove --token-auth-file and give people OIDC or short client certificates",
        maps: &[Cis("1.2.2"), Attack("T1552"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(api("token-auth-file", ""), Bad::Set)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-003",
        slug: "api-server-basic-auth",
        severity: High,
        title: "API server takes passwords from a file",
        why: "passwords stand in the clear on the node and are never locked after wrong guesses",
        advice: "remove --basic-auth-file",
        maps: &[Attack("T1110"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(api("basic-auth-file", ""), Bad::Set)),
        minors: (0, 18),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-004",
        slug: "api-server-no-client-ca",
        severity: Medium,
        title: "API server knows no CA for client certificates",
        why: "kubelets and components that log in with certificates are not told from strangers, so something weaker lets them in",
        advice: "set --client-ca-file to the cluster's CA",
        maps: &[Cis("1.2.25"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(api("client-ca-file", ""), Bad::Absent)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-005",
        slug: "service-account-lookup-off",
        severity: Medium,
        title: "tokens of deleted service accounts stay valid",
        why: "a stolen token works after its account or pod was deleted, because nobody looks whether it still exists",
        advice: "remove --service-account-lookup=false",
        maps: &[Cis("1.2.21"), Attack("T1550.001"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            api("service-account-lookup", "true"),
            Bad::Is(&["false"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-006",
        slug: "service-account-key-shared",
        severity: Low,
        title: "service account tokens have no key of their own",
        why: "without --service-account-key-file tokens are checked with the key of the serving certificate: one leak is two",
        advice: "give tokens a key pair of their own",
        maps: &[Cis("1.2.22"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            api("service-account-key-file", ""),
            Bad::Absent,
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-007",
        slug: "service-account-tokens-extended",
        severity: Low,
        title: "pod tokens are valid for a year",
        why: "the API server stretches tokens that pods mount from an hour to a year for clients that never reload them: a stolen one stays good that long. No problem once no client uses stale tokens",
        advice: "see that serviceaccount_stale_tokens_total stays 0, then set --service-account-extend-token-expiration=false",
        maps: &[Cis("1.2.30"), Attack("T1528"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            api("service-account-extend-token-expiration", "true"),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-008",
        slug: "service-account-token-unlimited",
        severity: Low,
        title: "tokens of any duration may be asked for",
        why: "whoever may create tokens makes one for ten years, and it outlives the right",
        advice: "set --service-account-max-token-expiration, e.g. 24h",
        maps: &[Attack("T1528"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            api("service-account-max-token-expiration", ""),
            Bad::Any(&[Bad::Absent, Bad::Zero]),
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-009",
        slug: "identity-without-prefix",
        severity: High,
        title: "identity provider may name the cluster's own users",
        why: "names and groups are taken over as they come: whoever may name a group at the provider becomes system:masters",
        advice: "set a prefix for user names and groups (--oidc-groups-prefix, claimMappings.groups.prefix)",
        maps: &[Attack("T1078.004"), Owasp("K09")],
        form: Form::Probe(Probe::Ask(documents::identities_without_prefix)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-010",
        slug: "authorization-always-allow",
        severity: Critical,
        title: "API server allows every request",
        why: "whoever has any credential, and strangers where anonymous requests are on, is cluster-admin",
        advice: "set --authorization-mode=Node,RBAC",
        maps: &[
            Cis("1.2.6"),
            Nsa("authorization"),
            Attack("T1078"),
            Owasp("K02"),
        ],
        form: Form::Probe(Probe::Ask(documents::always_allow)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-011",
        slug: "authorization-without-node",
        severity: Medium,
        title: "kubelets are not limited to their own pods",
        why: "without the Node authorizer a node's credential needs broad RBAC rights, and one broken node reads the secrets of all",
        advice: "add Node to --authorization-mode and take system:nodes out of broad bindings",
        maps: &[Cis("1.2.7"), Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::without_node)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-012",
        slug: "authorization-without-rbac",
        severity: High,
        title: "roles decide nothing",
        why: "RBAC is not asked: roles and bindings look like limits and are none",
        advice: "add RBAC to --authorization-mode",
        maps: &[Cis("1.2.8"), Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::without_rbac)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-013",
        slug: "authorization-abac",
        severity: Medium,
        title: "rights come from a file that no audit shows",
        why: "ABAC rules stand in a file on the node: no review of roles finds them, and they change only with a restart",
        advice: "move its rules into RBAC and take ABAC out of --authorization-mode",
        maps: &[Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::with_abac)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-014",
        slug: "authorization-webhook-open",
        severity: Low,
        title: "authorization webhook is skipped when it fails",
        why: "a denial that only the webhook knows is lost while it does not answer, and somebody may see to that",
        advice: "set failurePolicy: Deny where the webhook denies",
        maps: &[Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::webhook_open)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-020",
        slug: "admission-always-admit",
        severity: High,
        title: "admission lets everything in",
        why: "the plugin AlwaysAdmit answers yes before anything else is asked",
        advice: "take AlwaysAdmit out of --enable-admission-plugins",
        maps: &[Cis("1.2.10"), Owasp("K04")],
        form: Form::Probe(Probe::Setting(
            api("enable-admission-plugins", ""),
            Bad::Has(&["AlwaysAdmit"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-021",
        slug: "node-restriction-off",
        severity: High,
        title: "nodes may change other nodes and label themselves",
        why: "one broken node relabels itself to draw in the pods that it wants and writes to other nodes and pods",
        advice: "add NodeRestriction to --enable-admission-plugins",
        maps: &[Cis("1.2.14"), Attack("T1098"), Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::node_restriction_off)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-022",
        slug: "service-account-plugin-off",
        severity: Medium,
        title: "pods get no service account",
        why: "the plugin ServiceAccount is off: nothing sees that the account of a pod exists or that its secrets are its own",
        advice: "take ServiceAccount out of --disable-admission-plugins",
        maps: &[Cis("1.2.12")],
        form: Form::Probe(Probe::Ask(documents::service_account_off)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-023",
        slug: "namespace-lifecycle-off",
        severity: Low,
        title: "objects are made in namespaces that do not exist",
        why: "without NamespaceLifecycle objects hide in namespaces that are gone, and the cluster's own namespaces can be deleted",
        advice: "take NamespaceLifecycle out of --disable-admission-plugins",
        maps: &[Cis("1.2.13")],
        form: Form::Probe(Probe::Ask(documents::namespace_lifecycle_off)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-024",
        slug: "pod-security-off",
        severity: High,
        title: "Pod Security labels decide nothing",
        why: "the plugin PodSecurity is switched off: namespaces that say restricted take privileged pods",
        advice: "take PodSecurity out of --disable-admission-plugins, unless another policy engine enforces the same",
        maps: &[Cis("5.2.1"), Owasp("K04")],
        form: Form::Probe(Probe::Ask(documents::pod_security_off)),
        minors: (23, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-025",
        slug: "admission-webhooks-off",
        severity: High,
        title: "admission policies are not asked",
        why: "policy engines and signature checks are installed and never called",
        advice: "take the plugin out of --disable-admission-plugins",
        maps: &[Owasp("K04")],
        form: Form::Probe(Probe::Ask(documents::webhooks_off)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-026",
        slug: "pod-security-exemptions",
        severity: Medium,
        title: "users or namespaces are exempt from Pod Security",
        why: "an exempt user makes privileged pods in every namespace, an exempt namespace takes them from everybody; an exempt controller account exempts all who write for it",
        advice: "name only the cluster's own namespaces in the exemptions of PodSecurityConfiguration",
        maps: &[Cis("5.2.1"), Owasp("K04")],
        form: Form::Probe(Probe::Ask(documents::pod_security_exemptions)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-027",
        slug: "image-policy-open",
        severity: Medium,
        title: "images are let in while nobody checks them",
        why: "ImagePolicyWebhook admits every image when its backend does not answer",
        advice: "set defaultAllow: false",
        maps: &[Cis("5.5.1"), Owasp("K04")],
        form: Form::Probe(Probe::Ask(documents::image_policy_open)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-028",
        slug: "external-ips-allowed",
        severity: Low,
        title: "Services may claim any external address",
        why: "who may write Services takes over traffic to addresses that are not his (CVE-2020-8554). No problem where every writer of Services is trusted",
        advice: "add DenyServiceExternalIPs to --enable-admission-plugins",
        maps: &[Cis("1.2.3"), Cve("CVE-2020-8554"), Attack("T1557")],
        form: Form::Probe(Probe::Ask(documents::external_ips_allowed)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-029",
        slug: "always-pull-images-off",
        severity: Low,
        title: "private images on a node are open to its pods",
        why: "a pod uses an image that another tenant's credentials pulled, without having any. Registries that are down then stop pods, so single tenants leave it off",
        advice: "add AlwaysPullImages to --enable-admission-plugins, or verify credentials by the kubelet (1.35 and newer)",
        maps: &[Cis("1.2.11")],
        form: Form::Probe(Probe::Ask(documents::pull_images_off)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-030",
        slug: "event-rate-unlimited",
        severity: Low,
        title: "events may fill etcd",
        why: "a loop in one namespace writes events until etcd is slow for all",
        advice: "add EventRateLimit with limits per namespace",
        maps: &[Cis("1.2.9"), Attack("T1499")],
        form: Form::Probe(Probe::Ask(documents::event_limit_off)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-031",
        slug: "api-server-no-kubelet-certificate",
        severity: Medium,
        title: "API server logs in to kubelets as nobody",
        why: "without a client certificate kubelets must let anonymous requests in for logs and exec to work",
        advice: "set --kubelet-client-certificate and --kubelet-client-key",
        maps: &[Cis("1.2.4"), Owasp("K09")],
        form: Form::Probe(Probe::Ask(documents::api_kubelet_certificate)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-032",
        slug: "api-server-trusts-any-kubelet",
        severity: Medium,
        title: "API server does not check kubelets' certificates",
        why: "who stands between API server and node reads and answers exec sessions and logs",
        advice: "set --kubelet-certificate-authority, and let kubelets ask for serving certificates (serverTLSBootstrap)",
        maps: &[Cis("1.2.5"), Attack("T1557")],
        form: Form::Probe(Probe::Setting(
            api("kubelet-certificate-authority", ""),
            Bad::Absent,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-033",
        slug: "api-server-insecure-port",
        severity: Critical,
        title: "API server has a port without any check",
        why: "whoever reaches it is cluster-admin",
        advice: "remove --insecure-port, or set it to 0",
        maps: &[Attack("T1190"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(INSECURE_PORT, Bad::Isnt(&["0"]))),
        minors: (0, 23),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-034",
        slug: "api-server-insecure-address",
        severity: High,
        title: "API server's unchecked port is on the network",
        why: "whoever reaches the address is cluster-admin",
        advice: "remove --insecure-bind-address",
        maps: &[Attack("T1190"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            api("insecure-bind-address", ""),
            Bad::NotLoopback,
        )),
        minors: (0, 23),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-040",
        slug: "api-server-self-signed",
        severity: Medium,
        title: "API server makes its own certificate at each start",
        why: "clients cannot check whom they talk to and are told to skip it",
        advice: "set --tls-cert-file and --tls-private-key-file",
        maps: &[Cis("1.2.24"), Attack("T1557")],
        form: Form::Probe(Probe::Ask(documents::api_serving_certificate)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-041",
        slug: "api-server-weak-ciphers",
        severity: Low,
        title: "API server takes weak TLS suites",
        why: "suites with CBC or without forward secrecy let a recorded session be read once a key leaks or a padding fault is found",
        advice: "set --tls-cipher-suites to ECDHE suites with GCM or ChaCha20, or --tls-min-version=VersionTLS13",
        maps: &[Cis("1.2.29")],
        form: Form::Probe(Probe::Ask(documents::api_ciphers)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-042",
        slug: "api-server-old-tls",
        severity: Medium,
        title: "API server takes TLS 1.0 or 1.1",
        why: "both are given up: known faults let a listener read parts of a session",
        advice: "set --tls-min-version=VersionTLS12 or higher",
        maps: &[Attack("T1557")],
        form: Form::Probe(Probe::Setting(
            api("tls-min-version", ""),
            Bad::Is(&["VersionTLS10", "VersionTLS11"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-043",
        slug: "api-server-profiling",
        severity: Low,
        title: "API server serves profiles of itself",
        why: "who may read /debug/pprof sees parts of memory and makes it slow",
        advice: "set --profiling=false",
        maps: &[Cis("1.2.15")],
        form: Form::Probe(Probe::Setting(api("profiling", "true"), Bad::Is(&["true"]))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-044",
        slug: "api-server-request-timeout",
        severity: Low,
        title: "requests may hang too long",
        why: "requests without end hold connections until the API server has none left",
        advice: "leave --request-timeout at 1m, or below 5m",
        maps: &[Cis("1.2.20"), Attack("T1499")],
        form: Form::Probe(Probe::Ask(documents::long_requests)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-045",
        slug: "api-server-alpha-features",
        severity: Medium,
        title: "alpha features of the API server are all on",
        why: "unfinished code without security support answers requests, and changes of its data are not kept",
        advice: "name the one gate that is needed instead of AllAlpha",
        maps: &[Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            api("feature-gates", ""),
            Bad::Gate("AllAlpha", true),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-046",
        slug: "api-server-alpha-apis",
        severity: Low,
        title: "all API versions are served",
        why: "api/all or api/alpha serve versions that nobody secures",
        advice: "name the versions that are needed in --runtime-config",
        maps: &[Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            api("runtime-config", ""),
            Bad::Any(&[
                Bad::Gate("api/all", true),
                Bad::Gate("api/alpha", true),
                Bad::Has(&["api/all", "api/alpha"]),
            ]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-050",
        slug: "api-server-etcd-in-clear",
        severity: High,
        title: "API server talks to etcd without TLS",
        why: "etcd cannot ask who talks: every process and every hostNetwork pod that reaches the port reads all Secrets and makes itself cluster-admin",
        advice: "give etcd certificates (--cert-file, --client-cert-auth) and use https:// in --etcd-servers",
        maps: &[
            Cis("1.2.23"),
            Cis("1.2.26"),
            Cis("2.1"),
            Attack("T1552"),
            Owasp("K03"),
        ],
        form: Form::Probe(Probe::Ask(documents::etcd_in_clear)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-051",
        slug: "api-server-no-etcd-certificate",
        severity: Medium,
        title: "API server has no certificate for etcd",
        why: "etcd cannot tell it from anybody else",
        advice: "set --etcd-certfile and --etcd-keyfile",
        maps: &[Cis("1.2.23")],
        form: Form::Probe(Probe::Ask(documents::api_etcd_certificate)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-052",
        slug: "api-server-trusts-any-etcd",
        severity: Medium,
        title: "API server does not check etcd's certificate",
        why: "who stands between them reads and changes everything that is stored",
        advice: "set --etcd-cafile",
        maps: &[Cis("1.2.26"), Attack("T1557")],
        form: Form::Probe(Probe::Setting(api("etcd-cafile", ""), Bad::Absent)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-055",
        slug: "secrets-not-encrypted",
        severity: Medium,
        title: "Secrets are stored in the clear",
        why: "a copy of etcd's disk or backup is every Secret of the cluster",
        advice: "set --encryption-provider-config with KMS v2, secretbox or aesgcm for secrets, then write all Secrets again",
        maps: &[Cis("1.2.27"), Nsa("secrets"), Attack("T1552"), Owasp("K03")],
        form: Form::Probe(Probe::Setting(
            api("encryption-provider-config", ""),
            Bad::Absent,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-056",
        slug: "secrets-encryption-identity-first",
        severity: High,
        title: "encryption is set up, and Secrets are written in the clear",
        why: "the first provider writes: with identity first, or with secrets in no list, nothing is encrypted and it looks as if it were",
        advice: "put the encrypting provider first and keep identity behind it, then write all Secrets again",
        maps: &[Cis("1.2.28"), Attack("T1552"), Owasp("K03")],
        form: Form::Probe(Probe::Ask(documents::secrets_in_clear)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-057",
        slug: "secrets-encryption-weak",
        severity: Low,
        title: "Secrets are encrypted in a way that is given up",
        why: "KMS v1 is no longer supported, and aescbc has no check against changed data",
        advice: "add KMS v2, secretbox or aesgcm as first provider, keep the old one behind it, then write all Secrets again",
        maps: &[Cis("1.2.28"), Owasp("K03")],
        form: Form::Probe(Probe::Ask(documents::encryption_weak)),
        ..Rule::ROW
    },
];
