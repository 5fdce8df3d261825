//! What lies where on a node: sockets, static pods, tokens, keys, and what else the node reads or obeys.
//! Goes out: tables of paths, as `host_path::normal` writes them. Never: a way; `host_path` makes those.

/// Where runtimes listen. A read-only mount of a socket still takes commands.
pub(super) const SOCKETS: [&str; 21] = [
    "/run/containerd/containerd.sock",
    "/var/run/containerd/containerd.sock",
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/docker/containerd/containerd.sock",
    "/var/run/docker/containerd/containerd.sock",
    "/run/dockershim.sock",
    "/var/run/dockershim.sock",
    "/run/cri-dockerd.sock",
    "/var/run/cri-dockerd.sock",
    "/run/crio/crio.sock",
    "/var/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/var/run/podman/podman.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/run/host-containerd/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    // Windows, as `normal` writes it.
    "/pipe/docker_engine",
    "/pipe/containerd-containerd",
    "/pipe/cri-dockerd",
];

/// Folders of static pods: kubeadm, kubelet's example, RKE2, k3s, k0s; the servers' apply theirs to the cluster.
pub(super) const MANIFESTS: [&str; 8] = [
    "/etc/kubernetes/manifests",
    "/etc/kubelet.d",
    "/etc/origin/node/pods",
    "/var/lib/rancher/k3s/agent/pod-manifests",
    "/var/lib/rancher/rke2/agent/pod-manifests",
    "/var/lib/rancher/k3s/server/manifests",
    "/var/lib/rancher/rke2/server/manifests",
    "/var/lib/k0s/manifests",
];

/// Below each pod's folder lie its tokens and Secrets.
pub(super) const PODS: [&str; 3] = [
    "/var/lib/kubelet/pods",
    "/var/lib/k0s/kubelet/pods",
    "/var/snap/microk8s/common/var/lib/kubelet/pods",
];

/// Keys that sign or carry rights over the whole cluster, and its store; on nodes of the control plane only.
pub(super) const KEYS: [&str; 21] = [
    "/etc/kubernetes/pki",
    "/etc/kubernetes/ssl",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/scheduler.conf",
    "/etc/kubernetes/static-pod-resources",
    "/etc/srv/kubernetes",
    "/etc/etcd",
    "/etc/ssl/etcd",
    "/var/lib/etcd",
    "/var/lib/rancher/k3s/server",
    "/var/lib/rancher/rke2/server",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/var/lib/k0s/pki",
    "/var/lib/k0s/etcd",
    "/var/lib/minikube/certs",
    "/var/snap/microk8s/current/certs",
    "/var/snap/microk8s/current/credentials",
    "/system/secrets/kubernetes",
];

pub(super) const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";
pub(super) const LOGS: &str = "/var/log";
/// Logs that the kubelet opens for whoever asks for a pod's log.
pub(super) const LOGS_OF_PODS: &str = "/var/log/pods";

/// Files that the node, its services or its users read or obey. P for root, stated priors.
pub(super) struct Target {
    pub(super) path: &'static str,
    pub(super) write: f64,
    pub(super) read: f64,
    /// Share of that for a path inside of it.
    pub(super) inside: f64,
    pub(super) what: &'static str,
}

const fn target(
    path: &'static str,
    write: f64,
    read: f64,
    inside: f64,
    what: &'static str,
) -> Target {
    Target {
        path,
        write,
        read,
        inside,
        what,
    }
}

const KUBELET: &str = "keys and settings of the kubelet";
const DISTRIBUTION: &str = "keys and manifests of the distribution";
const PROGRAMS: &str = "the node's programs";
const JOBS: &str = "jobs that the node runs";
const LOGINS: &str = "who may log in to the node";
const CONTAINERS: &str = "file systems of the node's containers";
const BUS: &str = "sockets of the node's services";

pub(super) const TARGETS: [Target; 56] = [
    target("/", 0.97, 0.75, 0.0, "the whole file system of the node"),
    target("/etc", 0.9, 0.3, 0.1, "the node's configuration"),
    target("/etc/kubernetes", 0.95, 0.7, 0.3, KUBELET),
    target("/etc/kubernetes/manifests", 0.9, 0.1, 1.0, "static pods"),
    target("/etc/kubernetes/pki", 0.9, 0.7, 0.9, KUBELET),
    target("/etc/kubernetes/kubelet.conf", 0.7, 0.6, 1.0, KUBELET),
    target("/etc/kubernetes/kubelet", 0.8, 0.3, 0.8, KUBELET),
    target("/etc/rancher", 0.9, 0.7, 0.9, DISTRIBUTION),
    target("/etc/cron.d", 0.9, 0.03, 1.0, JOBS),
    target("/etc/cron.daily", 0.85, 0.03, 1.0, JOBS),
    target("/etc/cron.hourly", 0.85, 0.03, 1.0, JOBS),
    target("/etc/crontab", 0.9, 0.03, 1.0, JOBS),
    target("/etc/systemd", 0.9, 0.03, 1.0, "units that the node runs"),
    target("/etc/init.d", 0.8, 0.03, 1.0, "units that the node runs"),
    target("/etc/profile.d", 0.7, 0.03, 1.0, JOBS),
    target(
        "/etc/ld.so.preload",
        0.9,
        0.03,
        1.0,
        "libraries that every program of the node loads",
    ),
    target("/etc/passwd", 0.85, 0.03, 1.0, LOGINS),
    target("/etc/shadow", 0.85, 0.2, 1.0, LOGINS),
    target("/etc/sudoers", 0.85, 0.03, 1.0, LOGINS),
    target("/etc/sudoers.d", 0.85, 0.03, 1.0, LOGINS),
    target("/etc/pam.d", 0.85, 0.03, 1.0, LOGINS),
    target("/etc/ssh", 0.85, 0.3, 0.9, LOGINS),
    target("/etc/cni", 0.7, 0.1, 1.0, "what the network plugin runs"),
    target("/etc/containerd", 0.8, 0.1, 0.9, "settings of the runtime"),
    target("/etc/docker", 0.8, 0.1, 0.9, "settings of the runtime"),
    target("/etc/crio", 0.8, 0.1, 0.9, "settings of the runtime"),
    target("/var/spool/cron", 0.85, 0.03, 1.0, JOBS),
    target(
        "/var/lib/kubelet",
        0.9,
        0.7,
        0.04,
        "tokens and Secrets of the node's pods",
    ),
    target(
        "/var/lib/kubelet/pods",
        0.7,
        0.55,
        0.5,
        "tokens and Secrets of the node's pods",
    ),
    target("/var/lib/kubelet/pki", 0.7, 0.6, 1.0, KUBELET),
    target("/var/lib/kubelet/kubeconfig", 0.7, 0.6, 1.0, KUBELET),
    target("/var/lib/kubelet/config.yaml", 0.8, 0.03, 1.0, KUBELET),
    target("/var/lib/etcd", 0.95, 0.2, 1.0, "the cluster's store"),
    target("/var/lib/rancher", 0.95, 0.7, 0.05, DISTRIBUTION),
    target("/var/lib/rancher/k3s/agent", 0.9, 0.6, 0.7, DISTRIBUTION),
    target("/var/lib/rancher/rke2/agent", 0.9, 0.6, 0.7, DISTRIBUTION),
    target("/var/lib/rancher/k3s/server", 0.95, 0.6, 0.9, DISTRIBUTION),
    target("/var/lib/rancher/rke2/server", 0.95, 0.6, 0.9, DISTRIBUTION),
    target("/var/lib/k0s", 0.95, 0.7, 0.8, DISTRIBUTION),
    target("/var/lib/docker", 0.85, 0.5, 0.7, CONTAINERS),
    target("/var/lib/containerd", 0.85, 0.5, 0.7, CONTAINERS),
    target("/var/lib/containers", 0.85, 0.5, 0.7, CONTAINERS),
    target("/root", 0.85, 0.4, 0.8, "root's home"),
    target("/home", 0.7, 0.3, 0.8, "homes of the node's users"),
    target(
        "/proc",
        0.85,
        0.3,
        0.7,
        "the kernel's settings and processes",
    ),
    target("/sys", 0.5, 0.03, 0.2, "the kernel's devices"),
    // Devices themselves are closed to containers that are not privileged.
    target("/dev", 0.2, 0.1, 0.3, "the node's devices"),
    target("/usr", 0.85, 0.03, 0.6, PROGRAMS),
    target("/bin", 0.85, 0.03, 0.9, PROGRAMS),
    target("/sbin", 0.85, 0.03, 0.9, PROGRAMS),
    target("/lib", 0.8, 0.03, 0.3, "the node's libraries"),
    target("/opt", 0.6, 0.03, 0.15, PROGRAMS),
    target(
        "/opt/cni/bin",
        0.85,
        0.03,
        1.0,
        "what the network plugin runs",
    ),
    target("/boot", 0.6, 0.03, 0.8, "the node's kernel"),
    target("/run/systemd", 0.85, 0.5, 0.1, BUS),
    target("/run/dbus", 0.5, 0.4, 1.0, BUS),
];

/// Any other directory: what the node runs of it is not known.
pub(super) const OTHER: Target = target("", 0.1, 0.03, 0.0, "a directory of the node");
