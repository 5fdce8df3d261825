//! Patterns of the workload rules. Paths are the node's as hostPath takes them: absolute, without `..` (validated by the
//! API server), slashes may repeat. All are RE2, so that they hold in CEL too.

use crate::test::Pattern;
use regex::Regex;
use std::sync::LazyLock;

fn pattern(text: &str) -> Regex {
    #[allow(clippy::expect_used, reason = "a test compiles every pattern")]
    Regex::new(text).expect("a pattern of the table")
}

/// Capabilities that give the node by themselves (capabilities(7)). Runtimes read names in any case, with or without
/// `CAP_`.
pub(super) static OWNING: Pattern = LazyLock::new(|| {
    pattern(r"^(?i)(CAP_)?(ALL|SYS_ADMIN|SYS_MODULE|SYS_RAWIO|DAC_READ_SEARCH|BPF|MAC_ADMIN)$")
});
/// Capabilities over what all pods of a node share.
pub(super) static NODE_WIDE: Pattern = LazyLock::new(|| {
    pattern(
        r"^(?i)(CAP_)?(SYS_PTRACE|SYS_BOOT|SYS_TIME|SYSLOG|PERFMON|MAC_OVERRIDE|AUDIT_CONTROL|AUDIT_READ|LINUX_IMMUTABLE|SYS_TTY_CONFIG|CHECKPOINT_RESTORE|SYS_PACCT)$",
    )
});
pub(super) static OF_NETWORK: Pattern =
    LazyLock::new(|| pattern(r"^(?i)(CAP_)?(NET_ADMIN|NET_RAW)$"));
pub(super) static ALL: Pattern = LazyLock::new(|| pattern(r"^(?i)(CAP_)?ALL$"));

pub(super) static RUNTIME: Pattern = LazyLock::new(|| {
    pattern(
        r"(^|/)(docker|containerd|crio|cri-dockerd|dockershim|podman|buildkitd|nri)\.sock/*$|^/+(var/+)?run/*$|^/+(var/+)?run/+(docker|containerd|crio|podman|k3s|k3s/+containerd)/*$",
    )
});
/// Volumes and tokens of all pods of the node, and the node's own key.
pub(super) static KUBELET: Pattern =
    LazyLock::new(|| pattern(r"^/+var(/+lib)?/*$|^/+var/+lib/+kubelet(/+(pods|pki)(/.*)?)?/*$"));
pub(super) static NODE_CREDENTIALS: Pattern = LazyLock::new(|| {
    pattern(
        r"^/+etc/*$|^/+etc/+(kubernetes|rancher|k0s|shadow|sudoers.*|ssh)(/|$)|^/+var/+lib/+(etcd|rancher|k0s|minikube)(/|$)|^/+(root|home)(/|$)",
    )
});
pub(super) static KERNEL: Pattern = LazyLock::new(|| pattern(r"^/+(proc|sys)(/|$)"));
/// Disks and memory; character devices that are meant to be shared (`/dev/fuse`, `/dev/kvm`) are not.
pub(super) static DEVICES: Pattern = LazyLock::new(|| {
    pattern(r"^/+dev/*$|^/+dev/+(sd|nvme|vd|xvd|dm-|md|loop|mapper|disk|block|mem|kmem|port)")
});
pub(super) static LOGS: Pattern = LazyLock::new(|| pattern(r"^/+var/+log(/|$)"));
pub(super) static SYSTEM: Pattern = LazyLock::new(|| {
    pattern(r"^/+(etc|boot|usr|bin|sbin|lib|lib32|lib64|opt|var/+spool/+cron)(/|$)")
});
/// What one of the rules about kinds of paths says already, at whatever access.
pub(super) static SAID: Pattern = LazyLock::new(|| {
    pattern(
        r"^/+\.?/*$|\.sock/*$|^/+(var/+)?run/*$|^/+(var/+)?run/+(docker|containerd|crio|podman|k3s)(/|$)|^/+var(/+lib)?/*$|^/+var/+lib/+kubelet(/+(pods|pki)(/.*)?)?/*$|^/+var/+lib/+(etcd|rancher|k0s|minikube)(/|$)|^/+(root|home|proc|sys|dev|etc|boot|usr|bin|sbin|lib|lib32|lib64|opt)(/|$)|^/+var/+(log|spool/+cron)(/|$)",
    )
});
/// Paths that open a node to whoever gets a volume of them.
pub(super) static SENSITIVE: Pattern = LazyLock::new(|| {
    pattern(
        r"^/+\.?/*$|\.sock/*$|^/+(var/+)?run/*$|^/+var(/+lib)?/*$|^/+var/+lib/+(kubelet|etcd|rancher|k0s)(/|$)|^/+(root|home|proc|sys|dev|etc|boot|usr|bin|sbin|lib|lib64)(/|$)",
    )
});

/// An image reference without digest whose tag is `latest` or missing; the host may have a port.
pub(super) static LATEST: Pattern = LazyLock::new(|| pattern(r"^([^@\s]*/)?[^/:@\s]+(:latest)?$"));
pub(super) static DIGEST: Pattern = LazyLock::new(|| pattern(r"@sha(256|512):[0-9a-f]+$"));
/// Registries that anybody may push to without an account.
pub(super) static THROWAWAY: Pattern =
    LazyLock::new(|| pattern(r"^(ttl\.sh|[0-9a-z-]+\.ttl\.sh)/"));
/// Repositories that their owners froze: Kubernetes' old registry (2023), Bitnami's archive (2025).
pub(super) static FROZEN: Pattern = LazyLock::new(|| {
    pattern(
        r"^(k8s\.gcr\.io|gcr\.io/google[_-]containers|(docker\.io/|index\.docker\.io/)?bitnamilegacy|quay\.io/kubernetes-ingress-controller)/",
    )
});
pub(super) static DOCKER_IN_DOCKER: Pattern =
    LazyLock::new(|| pattern(r"(^|/)docker:[^/]*dind|(^|/)dind(:|@|$)"));
pub(super) static TILLER: Pattern = LazyLock::new(|| pattern(r"(^|/)tiller(:|@|$)"));
pub(super) static DEBUG_IMAGE: Pattern = LazyLock::new(|| {
    pattern(
        r"(^|/)(netshoot|kali-rolling|kalilinux/[^/]+|network-multitool|dnsutils|jessie-dnsutils)(:|@|$)",
    )
});

/// Names of variables that hold a credential itself. `PWD` alone is the working directory.
pub(super) static CREDENTIAL_NAME: Pattern = LazyLock::new(|| {
    pattern(
        r"(?i)(pass[_.-]?word|passwd|pass[_.-]?phrase|[_.-]pwd|token|api[_.-]?key|secret[_.-]?key|secret[_.-]?access[_.-]?key|private[_.-]?key|client[_.-]?secret|credentials?|auth[_.-]?key|secret|connection[_.-]?string)$",
    )
});
/// What the reader of objects kept of a value: its class; or the value itself, at admission.
pub(super) static CREDENTIAL: Pattern = LazyLock::new(|| {
    pattern(
        r"^redacted:v1:(private-key|token-jwt|token|docker-config):|-----BEGIN [A-Z ]*PRIVATE KEY|^(ghp|gho|ghu|ghs|ghr|github_pat)_[A-Za-z0-9_]{16}|^glpat-[A-Za-z0-9_-]{16}|^xox[bpa]-[0-9A-Za-z-]{16}|^[sr]k_live_[0-9A-Za-z]{10}|^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
    )
});
pub(super) static PASSWORD_CLASS: Pattern =
    LazyLock::new(|| pattern(r"^redacted:v1:password-like:"));
/// `scheme://user:password@`, where the password is no `$(REFERENCE)`.
pub(super) static URL_WITH_PASSWORD: Pattern = LazyLock::new(|| {
    pattern(r"^redacted:v1:url-with-credentials:|^[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@$][^/\s@]*@")
});
/// Values that are no credential whatever holds them: switches, numbers, references, paths, plain URLs, redacted ones.
pub(super) static NO_CREDENTIAL: Pattern = LazyLock::new(|| {
    pattern(
        r"^(?i:|true|false|yes|no|on|off|none|null|[0-9.]+|redacted:.*|\$\(.*|/.*|https?://.*)$",
    )
});
/// An argument that hands over a credential: `--password=...`, `token=...`.
pub(super) static CREDENTIAL_ARGUMENT: Pattern = LazyLock::new(|| {
    pattern(
        r"^redacted:v1:(private-key|token-jwt|token|docker-config):|^-{0,2}[A-Za-z0-9_.-]*(?i:password|passwd|token|api-?key|secret-?key|client-?secret)=(redacted:v1:(password-like|token|token-jwt|private-key|url-with-credentials):|[^$/\s:][^\s:]{5,}$)",
    )
});

pub(super) static INSTALLS: Pattern = LazyLock::new(|| {
    pattern(
        r"(^|[\s;&|(/])(apt|apt-get|yum|dnf|microdnf|apk|zypper|pacman)(\s+-\S+)*\s+(install|add|update|upgrade|-S\S*)(\s|$)|(^|[\s;&|(/])pip3?\s+install\s|(^|[\s;&|(/])npm\s+(install|i)\s+-g",
    )
});
/// Programs that come as the first word of a command: only their name is left of it.
pub(super) static SUDO: Pattern =
    LazyLock::new(|| pattern(r"^([^\s]*/)?(sudo|su|doas)$|(^|[\s;&|(])sudo\s"));
pub(super) static SSH_SERVER: Pattern = LazyLock::new(|| {
    pattern(r"^([^\s]*/)?(sshd|dropbear)$|(^|[\s;&|(])(\S*/)?(sshd|dropbear)(\s|$)")
});
pub(super) static DOWNLOADS: Pattern =
    LazyLock::new(|| pattern(r"(curl|wget)\s[^|;&]*\|\s*(sudo\s+)?(\S*/)?(ba|z|da|a)?sh(\s|$)"));
pub(super) static DOCKER_DAEMON: Pattern =
    LazyLock::new(|| pattern(r"^([^\s]*/)?(dockerd|dockerd-entrypoint\.sh)$"));
/// `false` has five letters.
pub(super) static SKIP_LOGIN: Pattern =
    LazyLock::new(|| pattern(r"^--enable-skip-login(=true|=redacted:v1:boolean:4:.*)?$"));

pub(super) static DEBUGGER: Pattern = LazyLock::new(|| {
    pattern(r"^(debug|debugger|jdwp|jvm-debug|java-debug|node-debug|delve|dlv|pprof)$")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let all = [
            &OWNING,
            &NODE_WIDE,
            &OF_NETWORK,
            &ALL,
            &RUNTIME,
            &KUBELET,
            &NODE_CREDENTIALS,
            &KERNEL,
            &DEVICES,
            &LOGS,
            &SYSTEM,
            &SAID,
            &SENSITIVE,
            &LATEST,
            &DIGEST,
            &THROWAWAY,
            &FROZEN,
            &DOCKER_IN_DOCKER,
            &TILLER,
            &DEBUG_IMAGE,
            &CREDENTIAL_NAME,
            &CREDENTIAL,
            &PASSWORD_CLASS,
            &URL_WITH_PASSWORD,
            &NO_CREDENTIAL,
            &CREDENTIAL_ARGUMENT,
            &INSTALLS,
            &SUDO,
            &SSH_SERVER,
            &DOWNLOADS,
            &DOCKER_DAEMON,
            &SKIP_LOGIN,
            &DEBUGGER,
        ];
        for one in all {
            assert!(!one.is_match(" "), "{}", one.as_str());
        }
    }

    /// What a rule about a kind of path says is not said again by the one about all others.
    #[test]
    fn kinds_of_paths_are_told_apart() {
        for path in [
            "/",
            "//",
            "/var/run/docker.sock",
            "/run/containerd/",
            "/var/lib/kubelet",
            "/var/lib/kubelet/pki",
            "/etc/kubernetes/pki",
            "/root",
            "/proc",
            "/sys/fs/bpf",
            "/dev",
            "/var/log/pods",
            "/usr/local/bin",
            "/opt/cni/bin",
            "/var/lib",
            "/var/lib/etcd",
        ] {
            assert!(SAID.is_match(path), "{path}");
        }
        for path in [
            "/data",
            "/mnt/disks",
            "/var/lib/kubelet/plugins",
            "/srv",
            "/var/lib/app",
        ] {
            assert!(!SAID.is_match(path), "{path}");
        }
    }
}
