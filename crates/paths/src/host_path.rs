//! How dangerous a path of the node is inside a container.
//! Comes in: a path, whether it can be written. Goes out: P(the node falls), what the path is.
//! A wider path and a writable mount are never less dangerous.

/// What lies at a path of a node. Probabilities are for root, stated priors.
struct Target {
    path: &'static str,
    write: f64,
    read: f64,
    /// Share of that for a path inside of it.
    inside: f64,
    what: &'static str,
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

/// A read-only mount of a socket still takes commands.
const TARGETS: [Target; 40] = [
    target("/var/run/docker.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target("/run/docker.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target(
        "/run/containerd/containerd.sock",
        0.95,
        0.95,
        1.0,
        "runtime socket",
    ),
    target(
        "/var/run/containerd/containerd.sock",
        0.95,
        0.95,
        1.0,
        "runtime socket",
    ),
    target("/run/crio/crio.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target("/var/run/crio/crio.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target(
        "/run/k3s/containerd/containerd.sock",
        0.95,
        0.95,
        1.0,
        "runtime socket",
    ),
    target(
        "/var/run/cri-dockerd.sock",
        0.95,
        0.95,
        1.0,
        "runtime socket",
    ),
    target("/run/cri-dockerd.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target("/run/podman/podman.sock", 0.95, 0.95, 1.0, "runtime socket"),
    target(
        "/etc/kubernetes",
        0.95,
        0.7,
        0.9,
        "static pods and keys of the node",
    ),
    target(
        "/var/lib/kubelet",
        0.9,
        0.7,
        0.8,
        "tokens and Secrets of the node's pods",
    ),
    target("/var/lib/etcd", 0.95, 0.9, 1.0, "the cluster's store"),
    target(
        "/var/lib/rancher",
        0.95,
        0.7,
        0.8,
        "keys and manifests of the distribution",
    ),
    target(
        "/var/lib/k0s",
        0.95,
        0.7,
        0.8,
        "keys and manifests of the distribution",
    ),
    target("/etc/rancher", 0.9, 0.7, 0.9, "keys of the distribution"),
    target("/etc", 0.9, 0.3, 0.2, "the node's configuration"),
    target("/etc/cron.d", 0.9, 0.05, 1.0, "jobs that the node runs"),
    target("/etc/systemd", 0.9, 0.05, 1.0, "units that the node runs"),
    target("/etc/cni", 0.7, 0.05, 1.0, "what the network plugin runs"),
    target(
        "/var/spool/cron",
        0.85,
        0.05,
        1.0,
        "jobs that the node runs",
    ),
    target("/root", 0.85, 0.4, 0.8, "root's home"),
    target("/home", 0.7, 0.3, 0.8, "homes of the node's users"),
    target(
        "/proc",
        0.85,
        0.3,
        0.7,
        "the kernel's settings and processes",
    ),
    target("/sys", 0.5, 0.05, 0.2, "the kernel's devices"),
    target("/dev", 0.85, 0.6, 0.3, "the node's devices"),
    target("/usr", 0.85, 0.03, 0.6, "the node's programs"),
    target("/bin", 0.85, 0.03, 0.9, "the node's programs"),
    target("/sbin", 0.85, 0.03, 0.9, "the node's programs"),
    target("/lib", 0.8, 0.03, 0.3, "the node's libraries"),
    target("/opt", 0.6, 0.05, 0.3, "the node's programs"),
    target(
        "/opt/cni/bin",
        0.85,
        0.03,
        1.0,
        "what the network plugin runs",
    ),
    target("/boot", 0.6, 0.03, 0.8, "the node's kernel"),
    target(
        "/var/lib/docker",
        0.85,
        0.5,
        0.7,
        "file systems of the node's containers",
    ),
    target(
        "/var/lib/containerd",
        0.85,
        0.5,
        0.7,
        "file systems of the node's containers",
    ),
    target(
        "/var/lib/containers",
        0.85,
        0.5,
        0.7,
        "file systems of the node's containers",
    ),
    target("/run/containerd", 0.9, 0.6, 0.5, "state of the runtime"),
    // A symbolic link there is followed by the kubelet's log endpoint.
    target("/var/log", 0.25, 0.1, 0.5, "logs that the kubelet serves"),
    target(
        "/var/log/pods",
        0.2,
        0.1,
        0.8,
        "logs that the kubelet serves",
    ),
    target("/", 0.97, 0.75, 0.0, "the whole file system of the node"),
];

/// Any other path.
const OTHER: Target = target("", 0.1, 0.03, 0.0, "a directory of the node");

/// P(root in the container takes the node over this path) and what lies there.
pub(crate) fn danger(path: &str, read_only: bool) -> (f64, &'static str) {
    let path = normal(path);
    let mut worst = (if read_only { OTHER.read } else { OTHER.write }, OTHER.what);
    for target in &TARGETS {
        let full = if read_only { target.read } else { target.write };
        let danger = if holds(&path, target.path) {
            full
        } else if holds(target.path, &path) {
            full * target.inside
        } else {
            continue;
        };
        if danger > worst.0 {
            worst = (danger, target.what);
        }
    }
    worst
}

/// `/a//b/../c/` is `/a/c`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether `outer` is `inner` or a directory above it.
fn holds(outer: &str, inner: &str) -> bool {
    outer == "/"
        || inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_have_dangers() {
        for (path, read_only, at_least, at_most) in [
            ("/", false, 0.97, 1.0),
            ("/", true, 0.9, 1.0),
            ("/var/run/docker.sock", true, 0.95, 0.95),
            ("/var/run", true, 0.95, 0.95),
            ("/var//run/../run/", true, 0.95, 0.95),
            ("/run/containerd/containerd.sock", false, 0.95, 0.95),
            ("/etc/kubernetes/manifests", false, 0.8, 0.9),
            ("/etc/localtime", true, 0.0, 0.1),
            ("/etc/ssl/certs", true, 0.0, 0.1),
            ("/etc", false, 0.9, 0.95),
            ("/var/lib/kubelet/pods", true, 0.5, 0.6),
            ("/var/log", true, 0.1, 0.1),
            ("/data", false, 0.1, 0.1),
            ("/data", true, 0.03, 0.03),
            ("/lib/modules", true, 0.0, 0.05),
            ("/etcetera", false, 0.1, 0.1),
        ] {
            let (danger, what) = danger(path, read_only);
            assert!(
                (at_least..=at_most).contains(&danger),
                "{path} {read_only}: {danger} {what}"
            );
        }
    }

    proptest! {
        #[test]
        fn wider_and_writable_are_never_safer(parts in prop::collection::vec("(etc|var|lib|run|kubelet|pods|log|docker.sock|x)", 0..5), cut in 0..5_usize) {
            let path = format!("/{}", parts.join("/"));
            let wider = format!("/{}", parts.get(..cut.min(parts.len())).unwrap().join("/"));
            for read_only in [true, false] {
                prop_assert!(danger(&path, read_only).0 <= danger(&wider, read_only).0, "{path} in {wider}");
            }
            prop_assert!(danger(&path, true).0 <= danger(&path, false).0);
        }
    }
}
