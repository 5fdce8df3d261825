//! Rules of the control plane, nodes and the audit policy: a host on which each fires, and one on which it does not.

use crate::host::host;
use checks::table::FAMILIES;
use checks::world::{Beside, World};
use checks::{Said, run};
use model::evidence::Ledger;
use semantics::declare::Declarations;
use std::collections::BTreeSet;

fn ask(slug: &str, text: &str) -> Said {
    ask_of(
        slug,
        text,
        if slug.contains("basic-auth") || slug.contains("insecure") {
            18
        } else {
            36
        },
    )
}

fn ask_of(slug: &str, text: &str, minor: u16) -> Said {
    let mut snapshot = crate::world::snapshot("");
    snapshot.version.minor = minor;
    let inventory =
        semantics::inventory(&snapshot, &Declarations::default(), &mut Ledger::default());
    let beside = Beside {
        hosts: vec![host(text)],
        ..Beside::default()
    };
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &beside,
    };
    run(
        &world,
        &[checks::table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"))],
    )
}

#[track_caller]
fn check(slug: &str, text: &str, fires: bool) {
    let said = ask(slug, text);
    assert_eq!(!said.found.is_empty(), fires, "{slug} of {text}: {said:?}");
    // Silent is not unseen.
    assert!(
        said.answers[0].looked > 0 || said.answers[0].unknown.is_empty() && !fires,
        "{slug} of {text}: {said:?}"
    );
}

const A: &str = "kube-apiserver";
const C: &str = "kube-controller-manager";
const S: &str = "kube-scheduler";
const E: &str = "etcd";
const K: &str = "kubelet";
/// Flag rules: (slug, program, what fires, what does not).
const FLAGS: &[(&str, &str, &str, &str)] = &[
    ("api-server-anonymous", A, "", "--anonymous-auth=false"),
    (
        "api-server-static-tokens",
        A,
        "--token-auth-file /t",
        "--v=2",
    ),
    ("api-server-basic-auth", A, "--basic-auth-file=/t", "--v=2"),
    ("api-server-no-client-ca", A, "", "--client-ca-file=/ca"),
    (
        "service-account-lookup-off",
        A,
        "--service-account-lookup=false",
        "",
    ),
    (
        "service-account-key-shared",
        A,
        "",
        "--service-account-key-file=/k",
    ),
    (
        "service-account-tokens-extended",
        A,
        "",
        "--service-account-extend-token-expiration=false",
    ),
    (
        "service-account-token-unlimited",
        A,
        "",
        "--service-account-max-token-expiration=24h",
    ),
    (
        "identity-without-prefix",
        A,
        "--oidc-groups-claim=groups",
        "--oidc-groups-claim=groups --oidc-groups-prefix=oidc:",
    ),
    (
        "authorization-always-allow",
        A,
        "",
        "--authorization-mode=Node,RBAC",
    ),
    (
        "authorization-without-node",
        A,
        "--authorization-mode=RBAC",
        "--authorization-mode=RBAC --authorization-mode=Node",
    ),
    (
        "authorization-without-rbac",
        A,
        "--authorization-mode=Node",
        "--authorization-mode=Node,RBAC",
    ),
    (
        "authorization-abac",
        A,
        "--authorization-mode=RBAC,ABAC",
        "--authorization-mode=RBAC",
    ),
    (
        "admission-always-admit",
        A,
        "--enable-admission-plugins=AlwaysAdmit",
        "--enable-admission-plugins=NodeRestriction",
    ),
    (
        "node-restriction-off",
        A,
        "",
        "--enable-admission-plugins=NodeRestriction",
    ),
    (
        "service-account-plugin-off",
        A,
        "--disable-admission-plugins=ServiceAccount",
        "",
    ),
    (
        "namespace-lifecycle-off",
        A,
        "--disable-admission-plugins=NamespaceLifecycle",
        "",
    ),
    (
        "pod-security-off",
        A,
        "--disable-admission-plugins=PodSecurity",
        "--disable-admission-plugins=DefaultStorageClass",
    ),
    (
        "admission-webhooks-off",
        A,
        "--disable-admission-plugins=ValidatingAdmissionWebhook",
        "",
    ),
    (
        "external-ips-allowed",
        A,
        "",
        "--enable-admission-plugins=DenyServiceExternalIPs",
    ),
    (
        "always-pull-images-off",
        A,
        "",
        "--enable-admission-plugins=AlwaysPullImages",
    ),
    (
        "event-rate-unlimited",
        A,
        "",
        "--enable-admission-plugins=EventRateLimit",
    ),
    (
        "api-server-no-kubelet-certificate",
        A,
        "--kubelet-client-key=/k",
        "--kubelet-client-key=/k --kubelet-client-certificate=/c",
    ),
    (
        "api-server-trusts-any-kubelet",
        A,
        "",
        "--kubelet-certificate-authority=/ca",
    ),
    ("api-server-insecure-port", A, "", "--insecure-port=0"),
    (
        "api-server-insecure-address",
        A,
        "--insecure-bind-address=0.0.0.0",
        "--insecure-bind-address=127.0.0.1",
    ),
    (
        "api-server-self-signed",
        A,
        "--tls-cert-file=/c",
        "--tls-cert-file=/c --tls-private-key-file=/k",
    ),
    (
        "api-server-weak-ciphers",
        A,
        "--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA",
        "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    (
        "api-server-old-tls",
        A,
        "--tls-min-version=VersionTLS11",
        "",
    ),
    ("api-server-profiling", A, "", "--profiling=false"),
    (
        "api-server-request-timeout",
        A,
        "--request-timeout=1h0m0s",
        "--request-timeout=300s",
    ),
    (
        "api-server-alpha-features",
        A,
        "--feature-gates=AllAlpha=true",
        "--feature-gates=AllAlpha=false",
    ),
    (
        "api-server-alpha-apis",
        A,
        "--runtime-config=api/all=true",
        "--runtime-config=api/all=false",
    ),
    (
        "api-server-etcd-in-clear",
        A,
        "--etcd-servers=https://a:1,http://b:1",
        "--etcd-servers=https://a:1",
    ),
    (
        "api-server-no-etcd-certificate",
        A,
        "",
        "--etcd-certfile=/c --etcd-keyfile=/k",
    ),
    ("api-server-trusts-any-etcd", A, "", "--etcd-cafile=/ca"),
    (
        "secrets-not-encrypted",
        A,
        "",
        "--encryption-provider-config=/e",
    ),
    ("controller-manager-profiling", C, "", "--profiling=false"),
    (
        "controller-manager-shared-credentials",
        C,
        "",
        "--use-service-account-credentials",
    ),
    (
        "controller-manager-no-token-key",
        C,
        "",
        "--service-account-private-key-file=/k",
    ),
    ("controller-manager-no-root-ca", C, "", "--root-ca-file=/ca"),
    (
        "controller-manager-no-server-rotation",
        C,
        "--feature-gates=RotateKubeletServerCertificate=false",
        "",
    ),
    (
        "controller-manager-on-network",
        C,
        "",
        "--bind-address=127.0.0.1",
    ),
    (
        "ended-pods-not-collected",
        C,
        "--terminated-pod-gc-threshold=0",
        "--terminated-pod-gc-threshold=100",
    ),
    ("scheduler-profiling", S, "", "--profiling=false"),
    ("scheduler-on-network", S, "", "--bind-address 127.0.0.1"),
    (
        "etcd-without-client-auth",
        E,
        "",
        "--client-cert-auth --trusted-ca-file=/c --listen-client-urls=https://0.0.0.0:2379",
    ),
    (
        "etcd-no-serving-certificate",
        E,
        "--cert-file=/c",
        "ETCD_CERT_FILE=/c --key-file=/k",
    ),
    ("etcd-auto-tls", E, "--auto-tls", "--auto-tls=false"),
    (
        "etcd-peers-in-clear",
        E,
        "--initial-cluster=a=http://a:1,b=http://b:1",
        "--initial-cluster=a=x,b=y --peer-cert-file=/c --peer-key-file=/k",
    ),
    (
        "etcd-peers-unchecked",
        E,
        "--initial-cluster=a=x,b=y",
        "--initial-cluster=a=x,b=y --peer-client-cert-auth",
    ),
    (
        "etcd-peer-auto-tls",
        E,
        "--initial-cluster=a=x,b=y --peer-auto-tls",
        "--initial-cluster=a=x,b=y",
    ),
    (
        "etcd-metrics-open",
        E,
        "--listen-metrics-urls=http://0.0.0.0:2381",
        "--listen-metrics-urls=http://127.0.0.1:2381",
    ),
    ("kubelet-anonymous", K, "", "--anonymous-auth=false"),
    (
        "kubelet-always-allow",
        K,
        "",
        "--authorization-mode=Webhook",
    ),
    ("kubelet-no-client-ca", K, "", "--client-ca-file=/ca"),
    ("kubelet-read-only-port", K, "", "--read-only-port=0"),
    (
        "kubelet-streams-forever",
        K,
        "--streaming-connection-idle-timeout=0",
        "",
    ),
    (
        "kubelet-no-iptables-chains",
        K,
        "--make-iptables-util-chains=false",
        "",
    ),
    ("kubelet-hostname-override", K, "--hostname-override=a", ""),
    ("kubelet-events-unlimited", K, "--event-qps=0", ""),
    ("kubelet-self-signed", K, "", "--rotate-server-certificates"),
    (
        "kubelet-certificate-not-renewed",
        K,
        "",
        "--rotate-certificates",
    ),
    (
        "kubelet-server-rotation-off",
        K,
        "--feature-gates=RotateKubeletServerCertificate=false",
        "",
    ),
    (
        "kubelet-weak-ciphers",
        K,
        "",
        "--tls-min-version=VersionTLS13",
    ),
    ("kubelet-old-tls", K, "--tls-min-version=VersionTLS10", ""),
    (
        "kubelet-no-pid-limit",
        K,
        "--pod-max-pids -1",
        "--pod-max-pids 100",
    ),
    ("kubelet-no-seccomp-default", K, "", "--seccomp-default"),
    (
        "kubelet-kernel-defaults",
        K,
        "",
        "--protect-kernel-defaults",
    ),
    (
        "kubelet-debug-handlers",
        K,
        "",
        "--enable-debugging-handlers=false",
    ),
    (
        "kubelet-no-token-review",
        K,
        "",
        "--authentication-token-webhook",
    ),
    (
        "kubelet-unsafe-sysctls",
        K,
        "--allowed-unsafe-sysctls=net.*",
        "",
    ),
    (
        "kubelet-health-on-network",
        K,
        "--healthz-bind-address=0.0.0.0",
        "",
    ),
    ("kubelet-pods-from-url", K, "--manifest-url=http://x", ""),
    (
        "kubelet-alpha-features",
        K,
        "--feature-gates=AllAlpha=true",
        "",
    ),
    (
        "proxy-metrics-open",
        "kube-proxy",
        "--metrics-bind-address=0.0.0.0:10249",
        "",
    ),
    (
        "runtime-on-tcp",
        "dockerd",
        "-H tcp://0.0.0.0:2375",
        "-H unix:///run/docker.sock",
    ),
    (
        "audit-off",
        A,
        "--audit-log-path=/l",
        "--audit-log-path=/l --audit-policy-file=/p",
    ),
    ("audit-log-age", A, "", "--audit-log-maxage=30"),
    (
        "audit-log-count",
        A,
        "--audit-log-maxbackup=3",
        "--audit-log-maxbackup=10",
    ),
    ("audit-log-size", A, "--audit-log-maxsize=99", ""),
    (
        "audit-only-on-node",
        A,
        "",
        "--audit-webhook-config-file=/w",
    ),
];

const MODE: &str = "kube-apiserver --tls-cert-file=/p/a.crt\nkube-scheduler --kubeconfig=/p/s.conf\netcd --data-dir=/d\nkubelet --kubeconfig=/p/k.conf --config=/p/k.yaml --client-ca-file=/p/ca.crt\n@/p/k.yaml {}";

/// File rules: (slug, what fires, what does not).
const FILES: &[(&str, &str, &str)] = &[
    (
        "control-plane-manifest-mode",
        "/m/manifests/etcd.yaml 644 0:0",
        "/m/manifests/etcd.yaml 600 0:0",
    ),
    (
        "control-plane-manifest-owner",
        "/m/manifests/etcd.yaml 600 1000:0",
        "/m/manifests/etcd.yaml 644 0:0",
    ),
    (
        "control-plane-kubeconfig-mode",
        "/p/s.conf 640 0:0",
        "/p/s.conf 400 0:0",
    ),
    (
        "control-plane-kubeconfig-owner",
        "/p/s.conf 600 0:1000",
        "/p/s.conf 644 0:0",
    ),
    ("pki-key-mode", "/p/a.key 604 0:0", "/p/a.key 600 0:0"),
    ("pki-owner", "/p/a.crt 600 1000:1000", "/p/a.crt 644 0:0"),
    (
        "pki-certificate-mode",
        "/p/a.crt 664 0:0",
        "/p/a.crt 644 0:0",
    ),
    ("etcd-data-mode", "/d 755 0:0", "/d 700 0:0"),
    ("etcd-data-owner", "/d 700 0:0", "/d 700 52:52"),
    (
        "cni-config-mode",
        "/etc/cni/net.d/a.conflist 644 0:0",
        "/etc/cni/net.d/a.conflist 600 0:0",
    ),
    (
        "cni-config-owner",
        "/etc/cni/net.d/a.conflist 600 1000:0",
        "/etc/cni/net.d/a.conflist 600 0:0",
    ),
    (
        "kubelet-service-mode",
        "/etc/systemd/system/kubelet.service 644 0:0",
        "/etc/systemd/system/kubelet.service 600 0:0",
    ),
    (
        "kubelet-service-owner",
        "/etc/systemd/system/kubelet.service 600 1000:0",
        "/etc/systemd/system/kubelet.service 600 0:0",
    ),
    (
        "node-kubeconfig-mode",
        "/p/k.conf 644 0:0",
        "/p/k.conf 600 0:0",
    ),
    (
        "node-kubeconfig-owner",
        "/p/k.conf 600 1000:0",
        "/p/k.conf 600 0:0",
    ),
    (
        "kubelet-client-ca-mode",
        "/p/ca.crt 666 0:0",
        "/p/ca.crt 644 0:0",
    ),
    (
        "kubelet-client-ca-owner",
        "/p/ca.crt 644 1000:0",
        "/p/ca.crt 644 0:0",
    ),
    (
        "kubelet-config-mode",
        "/p/k.yaml 644 0:0",
        "/p/k.yaml 600 0:0",
    ),
    (
        "kubelet-config-owner",
        "/p/k.yaml 600 1000:0",
        "/p/k.yaml 600 0:0",
    ),
];

const KUBELET: &str = "kubelet --config=/k";
const RUNTIME: &str = "containerd --config /c";
const AUDIT: &str = "kube-apiserver --audit-policy-file=/d";
const ADMIT: &str = "kube-apiserver --admission-control-config-file=/d";
const ENCRYPT: &str = "kube-apiserver --encryption-provider-config=/d";
const ALL: &str = "{rules: [{level: Metadata}]}";

/// Document rules: (slug, process, what fires, what does not).
const DOCUMENTS: &[(&str, &str, &str, &str)] = &[
    (
        "authorization-webhook-open",
        "kube-apiserver --authorization-config=/d",
        "{authorizers: [{type: Webhook, name: w, webhook: {failurePolicy: NoOpinion}}]}",
        "{authorizers: [{type: Webhook, name: w, webhook: {failurePolicy: Deny}}]}",
    ),
    (
        "authorization-without-rbac",
        "kube-apiserver --authorization-config=/d",
        "{authorizers: [{type: Node}]}",
        "{authorizers: [{type: Node}, {type: RBAC}]}",
    ),
    (
        "api-server-anonymous",
        "kube-apiserver --authentication-config=/d",
        "{anonymous: {enabled: true}}",
        "{anonymous: {enabled: true, conditions: [{path: /livez}]}}",
    ),
    (
        "identity-without-prefix",
        "kube-apiserver --authentication-config=/d",
        "{jwt: [{claimMappings: {groups: {claim: g, prefix: ''}}}]}",
        "{jwt: [{claimMappings: {groups: {claim: g, prefix: 'x:'}}}]}",
    ),
    (
        "pod-security-exemptions",
        ADMIT,
        "{plugins: [{name: PodSecurity, configuration: {exemptions: {usernames: [bob]}}}]}",
        "{plugins: [{name: PodSecurity, configuration: {exemptions: {namespaces: [kube-system]}}}]}",
    ),
    (
        "image-policy-open",
        ADMIT,
        "{plugins: [{name: ImagePolicyWebhook, configuration: {imagePolicy: {defaultAllow: true}}}]}",
        "{plugins: [{name: ImagePolicyWebhook, configuration: {imagePolicy: {defaultAllow: false}}}]}",
    ),
    (
        "secrets-encryption-identity-first",
        ENCRYPT,
        "{resources: [{resources: [secrets], providers: [{identity: {}}, {secretbox: {}}]}]}",
        "{resources: [{resources: ['*.*'], providers: [{secretbox: {}}, {identity: {}}]}]}",
    ),
    (
        "secrets-encryption-weak",
        ENCRYPT,
        "{resources: [{resources: [secrets], providers: [{kms: {apiVersion: v1}}]}]}",
        "{resources: [{resources: [secrets], providers: [{kms: {apiVersion: v2}}]}]}",
    ),
    (
        "audit-misses-secrets",
        AUDIT,
        "{rules: [{level: None, verbs: [get]}, {level: Metadata}]}",
        ALL,
    ),
    (
        "audit-logs-secret-values",
        AUDIT,
        "{rules: [{level: Request}]}",
        ALL,
    ),
    (
        "audit-misses-exec",
        AUDIT,
        "{rules: [{level: Metadata, resources: [{group: '', resources: [pods]}]}]}",
        ALL,
    ),
    (
        "audit-misses-rights",
        AUDIT,
        "{rules: [{level: Metadata, resources: [{group: ''}]}]}",
        ALL,
    ),
    (
        "audit-misses-workloads",
        AUDIT,
        "{rules: [{level: Metadata, namespaces: [x]}]}",
        ALL,
    ),
    ("audit-misses-admission", AUDIT, "{rules: []}", ALL),
    (
        "audit-silent-people",
        AUDIT,
        "{rules: [{level: None, userGroups: ['system:masters']}, {level: Metadata}]}",
        "{rules: [{level: None, users: ['system:kube-scheduler']}, {level: Metadata}]}",
    ),
    (
        "audit-omits-answers",
        AUDIT,
        "{omitStages: [ResponseComplete], rules: []}",
        "{omitStages: [RequestReceived], rules: []}",
    ),
    (
        "scheduler-profiling",
        "kube-scheduler --profiling=false --config=/d",
        "{kind: KubeSchedulerConfiguration}",
        "{enableProfiling: false}",
    ),
    (
        "kubelet-anonymous",
        KUBELET,
        "{authentication: {anonymous: {enabled: true}}}",
        "{kind: KubeletConfiguration}",
    ),
    (
        "kubelet-read-only-port",
        KUBELET,
        "{readOnlyPort: 10255}",
        "{}",
    ),
    (
        "kubelet-system-log-query",
        KUBELET,
        "{enableSystemLogQuery: true}",
        "{}",
    ),
    (
        "kubelet-swap",
        KUBELET,
        "{memorySwap: {swapBehavior: LimitedSwap}}",
        "{memorySwap: {}}",
    ),
    (
        "kubelet-image-credentials-unchecked",
        KUBELET,
        "{imagePullCredentialsVerificationPolicy: NeverVerify}",
        "{}",
    ),
    (
        "runtime-without-apparmor",
        RUNTIME,
        "{plugins: {io.containerd.grpc.v1.cri: {disable_apparmor: true}}}",
        "{version: 2}",
    ),
    (
        "runtime-plain-registry",
        RUNTIME,
        "{plugins: {io.containerd.grpc.v1.cri: {registry: {mirrors: {a: {endpoint: ['http://a:5000']}}}}}}",
        "{plugins: {io.containerd.grpc.v1.cri: {registry: {mirrors: {a: {endpoint: ['http://127.0.0.1:5000']}}}}}}",
    ),
    (
        "runtime-on-tcp",
        RUNTIME,
        "{grpc: {tcp_address: '0.0.0.0:1'}}",
        "{grpc: {tcp_address: ''}}",
    ),
];

#[test]
fn each_rule_fires_and_is_silent() {
    let mut tried = BTreeSet::from(["node-old-cgroups", "etcd-shared-ca"]);
    for (slug, program, bad, good) in FLAGS {
        tried.insert(slug);
        check(slug, format!("{program} {bad}").trim(), true);
        check(slug, format!("{program} {good}").trim(), false);
    }
    for (slug, bad, good) in FILES {
        tried.insert(slug);
        check(slug, &format!("{MODE}\n#{bad}"), true);
        check(slug, &format!("{MODE}\n#{good}"), false);
    }
    for (slug, process, bad, good) in DOCUMENTS {
        tried.insert(slug);
        let path = process.rsplit([' ', '=']).next().unwrap();
        check(slug, &format!("{process}\n@{path} {bad}"), true);
        check(slug, &format!("{process}\n@{path} {good}"), false);
    }
    check("node-old-cgroups", "=1", true);
    check("node-old-cgroups", "=2", false);
    let api = "kube-apiserver --client-ca-file=/ca";
    check(
        "etcd-shared-ca",
        &format!("{api}\netcd --trusted-ca-file=/ca"),
        true,
    );
    check(
        "etcd-shared-ca",
        &format!("{api}\netcd --trusted-ca-file=/other"),
        false,
    );
    let rows = FAMILIES.iter().copied().flatten();
    let own = rows.filter(|row| matches!(row.family(), "CP" | "NODE" | "AUD"));
    let missing: Vec<&str> = own
        .map(|row| row.slug)
        .filter(|slug| !tried.contains(slug))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What was not read is neither a finding nor a pass.
#[test]
fn unread_files_are_unknown() {
    for (slug, text) in [
        ("kubelet-anonymous", "kubelet --config=/k"),
        ("audit-misses-exec", "kube-apiserver --audit-policy-file=/p"),
        (
            "secrets-encryption-identity-first",
            "kube-apiserver --encryption-provider-config=/p",
        ),
        (
            "authorization-always-allow",
            "kube-apiserver --authorization-config=/p",
        ),
        ("etcd-auto-tls", "etcd --config-file=/e"),
        ("kubelet-config-mode", "kubelet --config=/k"),
        ("pki-key-mode", "kubelet --config=/k"),
    ] {
        let said = ask(slug, text);
        assert!(
            said.found.is_empty() && said.answers[0].looked == 0,
            "{slug}: {said:?}"
        );
        assert!(!said.answers[0].unknown.is_empty(), "{slug}: {said:?}");
    }
}
