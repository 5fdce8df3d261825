//! Command lines without secrets: flag names stay, values go, but for the flags of Kubernetes components that hold no
//! secret and that later stages read (CIS checks). Closed lists: what is not named here is dropped.

use crate::redact::{Redactor, classify};

/// A Kubernetes component, told by its program or image name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Component(&'static [&'static str]);

const APISERVER: &[&str] = &[
    "admission-control-config-file",
    "advertise-address",
    "allow-privileged",
    "anonymous-auth",
    "api-audiences",
    "audit-log-maxage",
    "audit-log-maxbackup",
    "audit-log-maxsize",
    "audit-log-path",
    "audit-policy-file",
    "audit-webhook-config-file",
    "authentication-config",
    "authentication-token-webhook-config-file",
    "authorization-config",
    "authorization-mode",
    "authorization-webhook-config-file",
    "bind-address",
    "client-ca-file",
    "disable-admission-plugins",
    "egress-selector-config-file",
    "enable-admission-plugins",
    "enable-bootstrap-token-auth",
    "encryption-provider-config",
    "encryption-provider-config-automatic-reload",
    "etcd-cafile",
    "etcd-certfile",
    "etcd-keyfile",
    "etcd-servers",
    "event-ttl",
    "feature-gates",
    "insecure-bind-address",
    "insecure-port",
    "kubelet-certificate-authority",
    "kubelet-client-certificate",
    "kubelet-client-key",
    "kubelet-https",
    "kubelet-preferred-address-types",
    "oidc-client-id",
    "oidc-groups-claim",
    "oidc-issuer-url",
    "oidc-username-claim",
    "profiling",
    "proxy-client-cert-file",
    "proxy-client-key-file",
    "request-timeout",
    "requestheader-allowed-names",
    "requestheader-client-ca-file",
    "requestheader-extra-headers-prefix",
    "requestheader-group-headers",
    "requestheader-username-headers",
    "runtime-config",
    "secure-port",
    "service-account-extend-token-expiration",
    "service-account-issuer",
    "service-account-jwks-uri",
    "service-account-key-file",
    "service-account-lookup",
    "service-account-max-token-expiration",
    "service-account-signing-key-file",
    "service-cluster-ip-range",
    "service-node-port-range",
    "tls-cert-file",
    "tls-cipher-suites",
    "tls-min-version",
    "tls-private-key-file",
    "token-auth-file",
    "basic-auth-file",
    "v",
    "tls-sni-cert-key",
    "audit-webhook-mode",
    "audit-log-format",
    "audit-log-mode",
    "max-requests-inflight",
    "max-mutating-requests-inflight",
    "cert-dir",
    "endpoint-reconciler-type",
    "goaway-chance",
    "cloud-provider",
    "enable-aggregator-routing",
    "tracing-config-file",
    "kubelet-read-only-port",
    "cloud-config",
    "emulated-version",
    "oidc-ca-file",
    "shutdown-delay-duration",
    "storage-backend",
];

const CONTROLLER_MANAGER: &[&str] = &[
    "allocate-node-cidrs",
    "authentication-kubeconfig",
    "authorization-kubeconfig",
    "bind-address",
    "client-ca-file",
    "cloud-provider",
    "cluster-cidr",
    "cluster-name",
    "cluster-signing-cert-file",
    "cluster-signing-duration",
    "cluster-signing-key-file",
    "controllers",
    "feature-gates",
    "kubeconfig",
    "leader-elect",
    "profiling",
    "requestheader-client-ca-file",
    "root-ca-file",
    "secure-port",
    "service-account-private-key-file",
    "service-cluster-ip-range",
    "terminated-pod-gc-threshold",
    "tls-cert-file",
    "tls-cipher-suites",
    "tls-min-version",
    "tls-private-key-file",
    "use-service-account-credentials",
    "v",
    "cert-dir",
    "cloud-config",
    "node-cidr-mask-size",
    "kube-api-qps",
    "kube-api-burst",
    "authorization-always-allow-paths",
    "cluster-signing-kubelet-client-cert-file",
    "cluster-signing-kubelet-client-key-file",
    "cluster-signing-kubelet-serving-cert-file",
    "cluster-signing-kubelet-serving-key-file",
    "cluster-signing-kube-apiserver-client-cert-file",
    "cluster-signing-kube-apiserver-client-key-file",
    "cluster-signing-legacy-unknown-cert-file",
    "cluster-signing-legacy-unknown-key-file",
    "external-cloud-volume-plugin",
    "flex-volume-plugin-dir",
    "legacy-service-account-token-clean-up-period",
];

const SCHEDULER: &[&str] = &[
    "authentication-kubeconfig",
    "authorization-kubeconfig",
    "bind-address",
    "client-ca-file",
    "config",
    "feature-gates",
    "kubeconfig",
    "leader-elect",
    "profiling",
    "secure-port",
    "tls-cert-file",
    "tls-cipher-suites",
    "tls-min-version",
    "tls-private-key-file",
    "v",
    "authorization-always-allow-paths",
    "cert-dir",
];

const KUBELET: &[&str] = &[
    "anonymous-auth",
    "authentication-token-webhook",
    "authorization-mode",
    "bootstrap-kubeconfig",
    "cadvisor-port",
    "cgroup-driver",
    "client-ca-file",
    "config",
    "container-runtime-endpoint",
    "event-qps",
    "feature-gates",
    "hostname-override",
    "kubeconfig",
    "make-iptables-util-chains",
    "pod-max-pids",
    "protect-kernel-defaults",
    "read-only-port",
    "rotate-certificates",
    "rotate-server-certificates",
    "seccomp-default",
    "streaming-connection-idle-timeout",
    "tls-cert-file",
    "tls-cipher-suites",
    "tls-min-version",
    "tls-private-key-file",
    "v",
    "address",
    "allowed-unsafe-sysctls",
    "authentication-token-webhook-cache-ttl",
    "cert-dir",
    "cgroups-per-qos",
    "cloud-config",
    "cloud-provider",
    "cni-bin-dir",
    "cni-conf-dir",
    "config-dir",
    "container-runtime",
    "contention-profiling",
    "enable-controller-attach-detach",
    "enable-debugging-handlers",
    "enable-server",
    "fail-swap-on",
    "healthz-bind-address",
    "image-credential-provider-bin-dir",
    "image-credential-provider-config",
    "image-service-endpoint",
    "local-storage-capacity-isolation",
    "max-pods",
    "network-plugin",
    "node-ip",
    "pod-infra-container-image",
    "pod-manifest-path",
    "port",
    "register-node",
    "register-with-taints",
    "resolv-conf",
    "root-dir",
    "runtime-cgroups",
    "runtime-request-timeout",
    "serialize-image-pulls",
    "volume-plugin-dir",
];

const ETCD: &[&str] = &[
    "advertise-client-urls",
    "auto-tls",
    "cert-file",
    "cipher-suites",
    "client-cert-auth",
    "data-dir",
    "initial-advertise-peer-urls",
    "key-file",
    "listen-client-urls",
    "listen-metrics-urls",
    "listen-peer-urls",
    "max-request-bytes",
    "name",
    "peer-auto-tls",
    "peer-cert-file",
    "peer-client-cert-auth",
    "peer-key-file",
    "peer-trusted-ca-file",
    "snapshot-count",
    "tls-min-version",
    "trusted-ca-file",
    "config-file",
    "wal-dir",
    "listen-client-http-urls",
    "initial-cluster",
    "initial-cluster-state",
    "quota-backend-bytes",
    "auto-compaction-mode",
    "auto-compaction-retention",
    "client-crl-file",
    "peer-crl-file",
    "client-cert-allowed-hostname",
    "peer-cert-allowed-cn",
    "peer-cert-allowed-hostname",
    "tls-max-version",
    "host-whitelist",
    "cors",
    "metrics",
    "enable-pprof",
    "strict-reconfig-check",
    "experimental-initial-corrupt-check",
    "feature-gates",
    "heartbeat-interval",
    "election-timeout",
    "logger",
    "log-level",
];

const PROXY: &[&str] = &[
    "bind-address",
    "cluster-cidr",
    "config",
    "feature-gates",
    "hostname-override",
    "kubeconfig",
    "proxy-mode",
    "v",
    "metrics-bind-address",
    "healthz-bind-address",
    "nodeport-addresses",
    "masquerade-all",
    "profiling",
    "bind-address-hard-fail",
];

const CONTAINERD: &[&str] = &[
    "c",
    "config",
    "a",
    "address",
    "root",
    "state",
    "l",
    "log-level",
];

const DOCKERD: &[&str] = &[
    "H",
    "host",
    "authorization-plugin",
    "config-file",
    "containerd",
    "data-root",
    "default-ulimit",
    "exec-root",
    "experimental",
    "icc",
    "insecure-registry",
    "iptables",
    "live-restore",
    "log-driver",
    "log-level",
    "no-new-privileges",
    "pidfile",
    "seccomp-profile",
    "selinux-enabled",
    "storage-driver",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "userland-proxy",
    "userns-remap",
];

const CRIO: &[&str] = &[
    "c",
    "config",
    "d",
    "config-dir",
    "listen",
    "root",
    "runroot",
    "cni-config-dir",
    "cni-plugin-dir",
    "seccomp-profile",
    "apparmor-profile",
    "selinux",
    "log-level",
    "container-runtime-endpoint",
    "network-plugin",
];

/// Programs that are all components in one.
const WHOLE: &[&str] = &[
    "c",
    "config",
    "bind-address",
    "cluster-cidr",
    "data-dir",
    "d",
    "disable",
    "disable-agent",
    "disable-apiserver",
    "disable-etcd",
    "disable-network-policy",
    "docker",
    "enable-worker",
    "flannel-backend",
    "https-listen-port",
    "kubelet-root-dir",
    "node-ip",
    "node-name",
    "pod-security-admission-config-file",
    "private-registry",
    "profile",
    "protect-kernel-defaults",
    "rootless",
    "secrets-encryption",
    "secrets-encryption-provider",
    "selinux",
    "service-cidr",
    "single",
    "token-file",
    "agent-token-file",
    "write-kubeconfig",
    "write-kubeconfig-mode",
    "write-kubeconfig-group",
    // microk8s: a file of flags a component.
    "apiserver-args-file",
    "controller-manager-args-file",
    "kubelet-args-file",
    "kubeconfig-file",
    "proxy-args-file",
    "scheduler-args-file",
    "start-control-plane",
];

/// The component that a program path or an image reference names.
pub(crate) fn component(name: &str) -> Option<Component> {
    let flags = match base_name(name).split([':', '@']).next()? {
        "kube-apiserver" => APISERVER,
        "kube-controller-manager" => CONTROLLER_MANAGER,
        "kube-scheduler" => SCHEDULER,
        "kubelet" => KUBELET,
        "etcd" => ETCD,
        "kube-proxy" => PROXY,
        "containerd" => CONTAINERD,
        "dockerd" => DOCKERD,
        "crio" | "cri-dockerd" => CRIO,
        "k3s" | "rke2" | "k0s" | "kubelite" => WHOLE,
        _ => return None,
    };
    Some(Component(flags))
}

impl Component {
    /// Whether values of the flag stay.
    pub(crate) fn keeps(self, flag: &str) -> bool {
        self.0.contains(&flag)
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The program of a command: its base name if it looks like one.
pub(crate) fn program(text: &str, redactor: &Redactor) -> String {
    let name = base_name(text);
    let plain = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')
        });
    if plain && !classify::is_credential(name) {
        name.to_owned()
    } else {
        redactor.text("", text)
    }
}

/// One argument. `previous` is the flag before it, which may await its value.
pub(crate) fn argument(
    text: &str,
    previous: Option<&str>,
    component: Option<Component>,
    redactor: &Redactor,
) -> String {
    let Some(name) = flag_name(text) else {
        let keeps = previous.is_some_and(|flag| is_kept(flag, text, component));
        return if keeps {
            text.to_owned()
        } else {
            redactor.addressed(previous.unwrap_or(""), text)
        };
    };
    match text
        .get(name.len()..)
        .and_then(|rest| rest.strip_prefix('='))
    {
        None => text.to_owned(),
        Some(value) if is_kept(name, value, component) => text.to_owned(),
        Some(value) => format!("{name}={}", redactor.addressed(name, value)),
    }
}

/// The flag with its dashes, if the argument is one. One dash and many letters may be `-pSECRET`: then only with `=`
/// and letters that a name has.
pub(crate) fn flag_name(text: &str) -> Option<&str> {
    let name = text.split('=').next()?;
    let has_value = name.len() < text.len();
    let letters = name.trim_start_matches('-');
    let dashes = name.len() - letters.len();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let calm = |b: u8| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'.');
    let fits = match dashes {
        1 if letters.len() == 1 => letters.bytes().all(plain),
        1 => has_value && letters.bytes().all(calm),
        2 => {
            letters.is_empty()
                || (letters.starts_with(|c: char| c.is_ascii_lowercase())
                    && letters.bytes().all(plain))
        }
        _ => false,
    };
    (fits && letters.len() <= 64).then_some(name)
}

fn is_kept(flag: &str, value: &str, component: Option<Component>) -> bool {
    component.is_some_and(|component| component.keeps(flag.trim_start_matches('-')))
        && value.len() <= 1024
        && !classify::is_credential(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, text: &str, expected: &str) {
        let redactor = Redactor::new([1; 32]);
        let out = argument(text, None, component(image), &redactor);
        let cut = out
            .find("redacted:v1:")
            .map_or(out.clone(), |at| format!("{}R", &out[..at]));
        assert_eq!(cut, expected, "{image} {text}");
    }

    #[test]
    fn arguments() {
        check("app:1", "--password=hunter2", "--password=R");
        check("app:1", "--password", "--password");
        check("app:1", "hunter2", "R");
        check("app:1", "-p", "-p");
        check("app:1", "-phunter2", "R");
        check("app:1", "-config=/x", "-config=R");
        check("app:1", "-Dpassword=x", "R");
        check("app:1", "KEY=value", "R");
        check("app:1", "--", "--");
        check("app:1", "--anonymous-auth=false", "--anonymous-auth=R");
        let api = "registry.k8s.io/kube-apiserver:v1.36.2";
        check(api, "--anonymous-auth=false", "--anonymous-auth=false");
        check(api, "--unknown=x", "--unknown=R");
        check(api, "--etcd-servers=https://u:p@h:2379", "--etcd-servers=R");
        check("kubelet", "--read-only-port=0", "--read-only-port=0");
    }

    #[test]
    fn values_behind_their_flag() {
        let redactor = Redactor::new([1; 32]);
        let etcd = component("etcd");
        assert_eq!(
            argument("/var/lib/etcd", Some("--data-dir"), etcd, &redactor),
            "/var/lib/etcd"
        );
        assert!(argument("x", Some("--password"), etcd, &redactor).starts_with("redacted:"));
        assert_eq!(program("/usr/bin/etcd", &redactor), "etcd");
        assert!(program("S3CRET-Program", &redactor).starts_with("redacted:"));
    }
}
