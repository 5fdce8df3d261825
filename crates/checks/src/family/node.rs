//! NODE: kubelet, proxy and runtime of nodes.

use crate::component::{Bad, Component, Files, Probe, Want, documents, kubelet};
use crate::rule::Mapping::{Attack, Cis, Nsa, Owasp};
use crate::rule::{Form, Rule};
use model::vulnerability::Severity::{Critical, High, Low, Medium};

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-NODE-001",
        slug: "kubelet-anonymous",
        severity: High,
        title: "kubelet takes requests without credentials",
        why: "where the kubelet allows what strangers ask, whoever reaches port 10250 runs commands in every pod of the node",
        advice: "set authentication.anonymous.enabled: false",
        maps: &[Cis("4.2.1"), Nsa("kubelet"), Attack("T1190"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "anonymous-auth",
                &["authentication", "anonymous", "enabled"],
                ("true", "false"),
            ),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-002",
        slug: "kubelet-always-allow",
        severity: Critical,
        title: "kubelet allows every request",
        why: "any certificate or token that it knows, and strangers where anonymous requests are on, runs commands in every pod of the node",
        advice: "set authorization.mode: Webhook",
        maps: &[Cis("4.2.2"), Attack("T1609"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "authorization-mode",
                &["authorization", "mode"],
                ("AlwaysAllow", "Webhook"),
            ),
            Bad::Has(&["AlwaysAllow"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-003",
        slug: "kubelet-no-client-ca",
        severity: Medium,
        title: "kubelet knows no CA for client certificates",
        why: "it cannot tell the API server from others by its certificate",
        advice: "set authentication.x509.clientCAFile",
        maps: &[Cis("4.2.3"), Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "client-ca-file",
                &["authentication", "x509", "clientCAFile"],
                ("", ""),
            ),
            Bad::Absent,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-004",
        slug: "kubelet-read-only-port",
        severity: Medium,
        title: "kubelet tells everything about its pods without a check",
        why: "port 10255 lists all pods with their environment to whoever reaches the node, pods among them",
        advice: "set readOnlyPort: 0",
        maps: &[Cis("4.2.4"), Attack("T1613"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            kubelet("read-only-port", &["readOnlyPort"], ("10255", "0")),
            Bad::Isnt(&["0"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-005",
        slug: "kubelet-streams-forever",
        severity: Low,
        title: "exec sessions never time out",
        why: "connections that nobody uses hold the node until it has none left",
        advice: "set streamingConnectionIdleTimeout, e.g. 5m",
        maps: &[Cis("4.2.5"), Attack("T1499")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "streaming-connection-idle-timeout",
                &["streamingConnectionIdleTimeout"],
                ("4h", "4h"),
            ),
            Bad::Zero,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-006",
        slug: "kubelet-no-iptables-chains",
        severity: Low,
        title: "kubelet keeps no iptables rules of its own",
        why: "rules that somebody forgets stay or collide, and traffic goes where it should not",
        advice: "set makeIPTablesUtilChains: true",
        maps: &[Cis("4.2.6")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "make-iptables-util-chains",
                &["makeIPTablesUtilChains"],
                ("true", "true"),
            ),
            Bad::Is(&["false"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-007",
        slug: "kubelet-hostname-override",
        severity: Low,
        title: "kubelet gives the node another name",
        why: "names in certificates and logs no longer say which machine it is. Clouds and tests need it",
        advice: "let the node have its host's name",
        maps: &[Cis("4.2.7")],
        form: Form::Probe(Probe::Setting(
            kubelet("hostname-override", &[], ("", "")),
            Bad::Set,
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-008",
        slug: "kubelet-events-unlimited",
        severity: Low,
        title: "kubelet sends events without a limit, or none",
        why: "one crashing pod floods the API server, or nobody hears of it",
        advice: "leave eventRecordQPS at 50",
        maps: &[Cis("4.2.8")],
        form: Form::Probe(Probe::Setting(
            kubelet("event-qps", &["eventRecordQPS"], ("50", "50")),
            Bad::Below(1),
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-009",
        slug: "kubelet-self-signed",
        severity: Medium,
        title: "kubelet's certificate cannot be checked",
        why: "it makes its own: who stands between the API server and the node reads exec sessions and logs",
        advice: "set serverTLSBootstrap: true and approve its requests, or tlsCertFile and tlsPrivateKeyFile",
        maps: &[Cis("4.2.9"), Attack("T1557")],
        form: Form::Probe(Probe::Ask(documents::kubelet_self_signed)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-010",
        slug: "kubelet-certificate-not-renewed",
        severity: Low,
        title: "kubelet does not renew its client certificate",
        why: "it runs out and the node is gone, or it was made to last for years and a copy of it does, too",
        advice: "set rotateCertificates: true",
        maps: &[Cis("4.2.10")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "rotate-certificates",
                &["rotateCertificates"],
                ("false", "false"),
            ),
            Bad::Isnt(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-011",
        slug: "kubelet-server-rotation-off",
        severity: Low,
        title: "kubelet does not renew its serving certificate",
        why: "the gate RotateKubeletServerCertificate is off: the certificate runs out or was made to last too long",
        advice: "remove RotateKubeletServerCertificate: false from featureGates",
        maps: &[Cis("4.2.11")],
        form: Form::Probe(Probe::Setting(
            kubelet("feature-gates", &["featureGates"], ("", "")),
            Bad::Gate("RotateKubeletServerCertificate", false),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-012",
        slug: "kubelet-weak-ciphers",
        severity: Low,
        title: "kubelet takes weak TLS suites",
        why: "suites with CBC or without forward secrecy let a recorded session be read once a key leaks or a padding fault is found",
        advice: "set tlsCipherSuites to ECDHE suites with GCM or ChaCha20, or tlsMinVersion: VersionTLS13",
        maps: &[Cis("4.2.12")],
        form: Form::Probe(Probe::Ask(documents::kubelet_ciphers)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-013",
        slug: "kubelet-old-tls",
        severity: Medium,
        title: "kubelet takes TLS 1.0 or 1.1",
        why: "both are given up: known faults let a listener read parts of a session",
        advice: "set tlsMinVersion: VersionTLS12 or higher",
        maps: &[Attack("T1557")],
        form: Form::Probe(Probe::Setting(
            kubelet("tls-min-version", &["tlsMinVersion"], ("", "")),
            Bad::Is(&["VersionTLS10", "VersionTLS11"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-014",
        slug: "kubelet-no-pid-limit",
        severity: Low,
        title: "a pod may take all process numbers of the node",
        why: "a fork bomb in one pod stops all others on the node",
        advice: "set podPidsLimit, e.g. 1024",
        maps: &[Cis("4.2.13"), Attack("T1499")],
        form: Form::Probe(Probe::Setting(
            kubelet("pod-max-pids", &["podPidsLimit"], ("-1", "-1")),
            Bad::Below(1),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-015",
        slug: "kubelet-no-seccomp-default",
        severity: Medium,
        title: "pods run without a seccomp profile unless they ask",
        why: "every system call is open to them, and faults of the kernel with it",
        advice: "set seccompDefault: true, after trying it on one node",
        maps: &[Cis("4.2.14"), Cis("5.6.2"), Attack("T1611"), Owasp("K01")],
        form: Form::Probe(Probe::Setting(
            kubelet("seccomp-default", &["seccompDefault"], ("false", "false")),
            Bad::Isnt(&["true"]),
        )),
        minors: (25, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-016",
        slug: "kubelet-kernel-defaults",
        severity: Low,
        title: "kubelet changes kernel settings of the node",
        why: "settings that somebody hardened are overwritten without a word",
        advice: "set protectKernelDefaults: true, and the settings that it wants in sysctl.d",
        maps: &[],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "protect-kernel-defaults",
                &["protectKernelDefaults"],
                ("false", "false"),
            ),
            Bad::Isnt(&["true"]),
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-017",
        slug: "kubelet-debug-handlers",
        severity: Low,
        title: "kubelet serves exec, logs and profiles",
        why: "who may use nodes/proxy runs commands past the API server's admission and audit. kubectl logs and exec need it",
        advice: "set enableDebuggingHandlers: false on nodes where nobody needs them",
        maps: &[Attack("T1609")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "enable-debugging-handlers",
                &["enableDebuggingHandlers"],
                ("true", "true"),
            ),
            Bad::Is(&["true"]),
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-018",
        slug: "kubelet-no-token-review",
        severity: Low,
        title: "kubelet does not ask the API server about tokens",
        why: "only certificates tell who asks: what needs the kubelet is given broad client certificates",
        advice: "set authentication.webhook.enabled: true",
        maps: &[Owasp("K09")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "authentication-token-webhook",
                &["authentication", "webhook", "enabled"],
                ("false", "true"),
            ),
            Bad::Isnt(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-019",
        slug: "kubelet-system-log-query",
        severity: Medium,
        title: "logs of the node's services can be read through the API",
        why: "who may use nodes/proxy or nodes/log reads journals of the node with whatever they hold",
        advice: "set enableSystemLogQuery: false when it is not used for debugging",
        maps: &[Attack("T1005")],
        form: Form::Probe(Probe::Setting(
            kubelet("", &["enableSystemLogQuery"], ("false", "false")),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-020",
        slug: "kubelet-unsafe-sysctls",
        severity: Medium,
        title: "pods may set kernel settings that are not theirs alone",
        why: "unsafe sysctls change the node for all pods and reach faults of the kernel",
        advice: "remove allowedUnsafeSysctls, or keep such pods on nodes of their own",
        maps: &[Attack("T1611")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "allowed-unsafe-sysctls",
                &["allowedUnsafeSysctls"],
                ("", ""),
            ),
            Bad::Set,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-021",
        slug: "kubelet-swap",
        severity: Low,
        title: "memory of pods may be written to disk",
        why: "secrets in memory stay on the node's disk after the pod is gone. No problem with encrypted swap",
        advice: "encrypt swap, or set failSwapOn: true",
        maps: &[Owasp("K03")],
        form: Form::Probe(Probe::Setting(
            kubelet("", &["memorySwap", "swapBehavior"], ("", "")),
            Bad::Is(&["LimitedSwap", "UnlimitedSwap"]),
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-022",
        slug: "kubelet-health-on-network",
        severity: Low,
        title: "kubelet's health port is on the network",
        why: "one more unchecked door for whoever reaches the node",
        advice: "set healthzBindAddress: 127.0.0.1",
        maps: &[Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "healthz-bind-address",
                &["healthzBindAddress"],
                ("127.0.0.1", "127.0.0.1"),
            ),
            Bad::NotLoopback,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-023",
        slug: "kubelet-pods-from-url",
        severity: High,
        title: "kubelet runs pods that a web address names",
        why: "who answers at the address, or stands between, runs privileged pods on the node past all admission",
        advice: "remove staticPodURL",
        maps: &[Attack("T1610")],
        form: Form::Probe(Probe::Setting(
            kubelet("manifest-url", &["staticPodURL"], ("", "")),
            Bad::Set,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-024",
        slug: "kubelet-image-credentials-unchecked",
        severity: Low,
        title: "pods use private images without credentials for them",
        why: "an image that another tenant's credentials pulled to the node is open to every pod on it",
        advice: "set imagePullCredentialsVerificationPolicy: NeverVerifyPreloadedImages",
        maps: &[Attack("T1525")],
        form: Form::Probe(Probe::Setting(
            kubelet(
                "",
                &["imagePullCredentialsVerificationPolicy"],
                ("", "NeverVerifyPreloadedImages"),
            ),
            Bad::Is(&["NeverVerify"]),
        )),
        minors: (35, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-025",
        slug: "kubelet-alpha-features",
        severity: Medium,
        title: "alpha features of the kubelet are all on",
        why: "unfinished code without security support runs as root on the node",
        advice: "name the one gate that is needed instead of AllAlpha",
        maps: &[],
        form: Form::Probe(Probe::Setting(
            kubelet("feature-gates", &["featureGates"], ("", "")),
            Bad::Gate("AllAlpha", true),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-030",
        slug: "proxy-metrics-open",
        severity: Low,
        title: "kube-proxy's metrics are on the network",
        why: "its settings and profiles are open to whoever reaches the node",
        advice: "set metricsBindAddress: 127.0.0.1:10249",
        maps: &[Cis("4.3.1"), Owasp("K06")],
        form: Form::Probe(Probe::Ask(documents::proxy_metrics)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-040",
        slug: "node-old-cgroups",
        severity: Low,
        title: "node has cgroup v1",
        why: "limits of memory and processes hold less well, and coming kubelets do not start on it",
        advice: "move the node to an image with cgroup v2",
        maps: &[],
        form: Form::Probe(Probe::Ask(documents::old_cgroups)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-041",
        slug: "runtime-on-tcp",
        severity: Critical,
        title: "container runtime listens on the network",
        why: "whoever reaches it starts a privileged container: root on the node, and nothing checks",
        advice: "listen on the Unix socket only",
        maps: &[Attack("T1610"), Owasp("K06")],
        form: Form::Probe(Probe::Ask(documents::runtime_on_tcp)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-042",
        slug: "runtime-without-apparmor",
        severity: Medium,
        title: "container runtime applies no AppArmor profiles",
        why: "profiles that pods ask for are not applied, and one wall between container and node is gone",
        advice: "remove disable_apparmor from the runtime's configuration",
        maps: &[Attack("T1611"), Owasp("K01")],
        form: Form::Probe(Probe::Ask(documents::runtime_without_apparmor)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-043",
        slug: "runtime-plain-registry",
        severity: Medium,
        title: "images are pulled from a registry that is not checked",
        why: "who stands between node and registry puts his own code into the images",
        advice: "use https and a CA file for the registry",
        maps: &[Attack("T1195.002"), Owasp("K04")],
        form: Form::Probe(Probe::Ask(documents::runtime_plain_registry)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-050",
        slug: "kubelet-service-mode",
        severity: Low,
        title: "kubelet's service file can be read or written by others",
        why: "who writes it changes how the kubelet starts, as root",
        advice: "chmod 600 on the file",
        maps: &[Cis("4.1.1"), Attack("T1543.002")],
        form: Form::Probe(Probe::Files(&[Files::KubeletService], Want::Mode(0o600))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-051",
        slug: "kubelet-service-owner",
        severity: Medium,
        title: "kubelet's service file belongs to somebody but root",
        why: "that account changes how the kubelet starts, as root",
        advice: "chown root:root on the file",
        maps: &[Cis("4.1.2")],
        form: Form::Probe(Probe::Files(&[Files::KubeletService], Want::Owner("root"))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-052",
        slug: "node-kubeconfig-mode",
        severity: Medium,
        title: "the node's credentials can be read by others",
        why: "any account on the node, and any pod that mounts the folder, is the node: it reads the secrets of its pods",
        advice: "chmod 600 on the file",
        maps: &[Cis("4.1.3"), Cis("4.1.5"), Attack("T1552.001")],
        form: Form::Probe(Probe::Files(
            &[
                Files::Kubeconfig(Component::Kubelet),
                Files::Kubeconfig(Component::Proxy),
            ],
            Want::Mode(0o600),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-053",
        slug: "node-kubeconfig-owner",
        severity: Medium,
        title: "the node's credentials belong to somebody but root",
        why: "that account is the node: it reads the secrets of its pods",
        advice: "chown root:root on the file",
        maps: &[Cis("4.1.4"), Cis("4.1.6")],
        form: Form::Probe(Probe::Files(
            &[
                Files::Kubeconfig(Component::Kubelet),
                Files::Kubeconfig(Component::Proxy),
            ],
            Want::Owner("root"),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-054",
        slug: "kubelet-client-ca-mode",
        severity: Medium,
        title: "the CA that the kubelet trusts can be written by others",
        why: "who writes it adds his own and runs commands in every pod of the node",
        advice: "chmod 644 on the file",
        maps: &[Cis("4.1.7")],
        form: Form::Probe(Probe::Files(&[Files::ClientCa], Want::Mode(0o644))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-055",
        slug: "kubelet-client-ca-owner",
        severity: Medium,
        title: "the CA that the kubelet trusts belongs to somebody but root",
        why: "that account adds its own and runs commands in every pod of the node",
        advice: "chown root:root on the file",
        maps: &[Cis("4.1.8")],
        form: Form::Probe(Probe::Files(&[Files::ClientCa], Want::Owner("root"))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-056",
        slug: "kubelet-config-mode",
        severity: Medium,
        title: "kubelet's configuration can be read or written by others",
        why: "who writes it switches off its checks",
        advice: "chmod 600 on the file",
        maps: &[Cis("4.1.9")],
        form: Form::Probe(Probe::Files(
            &[Files::Config(Component::Kubelet)],
            Want::Mode(0o600),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-NODE-057",
        slug: "kubelet-config-owner",
        severity: Medium,
        title: "kubelet's configuration belongs to somebody but root",
        why: "that account switches off its checks",
        advice: "chown root:root on the file",
        maps: &[Cis("4.1.10")],
        form: Form::Probe(Probe::Files(
            &[Files::Config(Component::Kubelet)],
            Want::Owner("root"),
        )),
        ..Rule::ROW
    },
];
