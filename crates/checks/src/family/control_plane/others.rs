//! What controller manager, scheduler and etcd are told.

use crate::component::{Bad, Probe, controllers, documents, etcd, scheduler};
use crate::rule::Mapping::{Attack, Cis, Owasp};
use crate::rule::{Form, Rule};
use model::vulnerability::Severity::{Critical, High, Low, Medium};

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-CP-060",
        slug: "controller-manager-profiling",
        severity: Low,
        title: "controller manager serves profiles of itself",
        why: "who may read /debug/pprof sees parts of memory and makes it slow",
        advice: "set --profiling=false",
        maps: &[Cis("1.3.2")],
        form: Form::Probe(Probe::Setting(
            controllers("profiling", "true"),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-061",
        slug: "controller-manager-shared-credentials",
        severity: Medium,
        title: "all controllers have one identity",
        why: "a fault in one controller has the rights of all, and the audit log does not tell them apart",
        advice: "set --use-service-account-credentials=true",
        maps: &[Cis("1.3.3"), Owasp("K02")],
        form: Form::Probe(Probe::Setting(
            controllers("use-service-account-credentials", "false"),
            Bad::Isnt(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-062",
        slug: "controller-manager-no-token-key",
        severity: Low,
        title: "controller manager signs no service account tokens",
        why: "without the key legacy tokens are not made, and what waits for them is given something weaker",
        advice: "set --service-account-private-key-file",
        maps: &[Cis("1.3.4")],
        form: Form::Probe(Probe::Setting(
            controllers("service-account-private-key-file", ""),
            Bad::Absent,
        )),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-063",
        slug: "controller-manager-no-root-ca",
        severity: Medium,
        title: "pods are not told whom to trust as API server",
        why: "clients in pods cannot check the API server's certificate and are made to skip it",
        advice: "set --root-ca-file",
        maps: &[Cis("1.3.5"), Attack("T1557")],
        form: Form::Probe(Probe::Setting(controllers("root-ca-file", ""), Bad::Absent)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-064",
        slug: "controller-manager-no-server-rotation",
        severity: Low,
        title: "kubelets' serving certificates are not renewed",
        why: "the gate RotateKubeletServerCertificate is off: certificates run out or are made to last too long",
        advice: "remove RotateKubeletServerCertificate=false from --feature-gates",
        maps: &[Cis("1.3.6")],
        form: Form::Probe(Probe::Setting(
            controllers("feature-gates", ""),
            Bad::Gate("RotateKubeletServerCertificate", false),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-065",
        slug: "controller-manager-on-network",
        severity: Low,
        title: "controller manager listens on all addresses",
        why: "its port is one more door for whoever reaches the node",
        advice: "set --bind-address=127.0.0.1",
        maps: &[Cis("1.3.7"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            controllers("bind-address", "0.0.0.0"),
            Bad::NotLoopback,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-066",
        slug: "ended-pods-not-collected",
        severity: Low,
        title: "pods that ended are not swept away",
        why: "they fill etcd and slow every list until the API server suffers",
        advice: "leave the pod garbage collector on and set --terminated-pod-gc-threshold",
        maps: &[Cis("1.3.1"), Attack("T1499")],
        form: Form::Probe(Probe::Ask(documents::pod_collection)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-070",
        slug: "scheduler-profiling",
        severity: Low,
        title: "scheduler serves profiles of itself",
        why: "who may read /debug/pprof sees parts of memory and makes it slow",
        advice: "set --profiling=false, or enableProfiling: false in its configuration",
        maps: &[Cis("1.4.1")],
        form: Form::Probe(Probe::Setting(
            scheduler("profiling", &["enableProfiling"], "true"),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-071",
        slug: "scheduler-on-network",
        severity: Low,
        title: "scheduler listens on all addresses",
        why: "its port is one more door for whoever reaches the node",
        advice: "set --bind-address=127.0.0.1",
        maps: &[Cis("1.4.2"), Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            scheduler("bind-address", &[], "0.0.0.0"),
            Bad::NotLoopback,
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-080",
        slug: "etcd-without-client-auth",
        severity: Critical,
        title: "etcd answers whoever reaches it",
        why: "every process and hostNetwork pod that reaches the port reads all Secrets and writes itself a cluster-admin",
        advice: "set --client-cert-auth=true with --trusted-ca-file, and https:// in --listen-client-urls",
        maps: &[Cis("2.2"), Attack("T1552"), Owasp("K06")],
        form: Form::Probe(Probe::Ask(documents::etcd_open)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-081",
        slug: "etcd-no-serving-certificate",
        severity: High,
        title: "etcd has no certificate",
        why: "what it sends and takes, all Secrets among it, crosses the network in the clear",
        advice: "set --cert-file and --key-file",
        maps: &[Cis("2.1"), Attack("T1040"), Owasp("K03")],
        form: Form::Probe(Probe::Ask(documents::etcd_serving_certificate)),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-082",
        slug: "etcd-auto-tls",
        severity: Medium,
        title: "etcd makes its own certificates for clients",
        why: "nobody can check them, and any client certificate is as good as another",
        advice: "remove --auto-tls and give it certificates of its own CA",
        maps: &[Cis("2.3"), Attack("T1557")],
        form: Form::Probe(Probe::Setting(
            etcd("auto-tls", "false"),
            Bad::Is(&["true"]),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-083",
        slug: "etcd-peers-in-clear",
        severity: High,
        title: "etcd's members talk without TLS",
        why: "the copy of all data between members crosses the network in the clear",
        advice: "set --peer-cert-file and --peer-key-file, and https:// in the peer URLs",
        maps: &[Cis("2.4"), Attack("T1040"), Owasp("K03")],
        form: Form::Probe(Probe::Ask(documents::etcd_peer_certificate)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-084",
        slug: "etcd-peers-unchecked",
        severity: High,
        title: "etcd takes anybody as member",
        why: "who reaches the peer port joins and gets a copy of all data",
        advice: "set --peer-client-cert-auth=true with --peer-trusted-ca-file",
        maps: &[Cis("2.5"), Owasp("K06")],
        form: Form::Probe(Probe::Ask(documents::etcd_peer_client_auth)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-085",
        slug: "etcd-peer-auto-tls",
        severity: Medium,
        title: "etcd's members make their own certificates",
        why: "nobody can check them: who reaches the peer port passes as a member",
        advice: "remove --peer-auto-tls and give members certificates",
        maps: &[Cis("2.6")],
        form: Form::Probe(Probe::Ask(documents::etcd_peer_auto_tls)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-086",
        slug: "etcd-shared-ca",
        severity: Medium,
        title: "every client certificate of the cluster opens etcd",
        why: "etcd trusts the CA that signs users and kubelets, or none: a node's credential reads all Secrets past the API server",
        advice: "give etcd a CA of its own in --trusted-ca-file",
        maps: &[Cis("2.7"), Owasp("K02")],
        form: Form::Probe(Probe::Ask(documents::etcd_shared_ca)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-087",
        slug: "etcd-metrics-open",
        severity: Low,
        title: "etcd's metrics are on the network",
        why: "names of keys and members and a handle to slow it down are open to whoever reaches the port",
        advice: "bind --listen-metrics-urls to 127.0.0.1",
        maps: &[Owasp("K06")],
        form: Form::Probe(Probe::Setting(
            etcd("listen-metrics-urls", ""),
            Bad::NotLoopback,
        )),
        ..Rule::ROW
    },
];
