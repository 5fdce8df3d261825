//! What a path of the node is to whoever holds it inside a container.
//! Comes in: a path, how it is mounted. Goes out: the ways that it opens, each with its share of the kind's P.
//! A wider path and a writable mount are never less dangerous.

use super::kinds::{
    CE_CONTROL_PLANE_PKI, CE_STATIC_POD, CE_UMH_CORE_PATTERN, CE_VAR_LOG_SYMLINK,
    EXPLOIT_CONTAINERD_SOCK, EXPLOIT_HOST_READ, EXPLOIT_HOST_TRAVERSE, EXPLOIT_HOST_WRITE, Kind,
};
use super::targets::{
    CORE_PATTERN, KEYS, LOGS, LOGS_OF_PODS, MANIFESTS, OTHER, PODS, SOCKETS, TARGETS, Target,
};

#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) read_only: bool,
    /// Read-only down to the file systems that are mounted below.
    pub(super) recursive: bool,
    /// The directory was made for a claim: only a wider path than that counts.
    pub(super) claimed: bool,
}

pub(super) struct Found {
    pub(super) kind: &'static Kind,
    /// Share of the kind's P.
    pub(super) share: f64,
    pub(super) what: &'static str,
    /// Needs to write.
    pub(super) written: bool,
    /// The pod asks for just this, not for a directory above it.
    pub(super) meant: bool,
}

/// The ways that a path opens. `path` is [`normal`].
pub(super) fn leads(path: &str, access: Access) -> Vec<Found> {
    let mut found = Vec::new();
    let mut push = |kind, share: f64, what, written, meant| {
        if share > 0.0 {
            found.push(Found {
                kind,
                share,
                what,
                written,
                meant,
            });
        }
    };
    let writes = !access.read_only;
    let within = |targets: &[&str], inside: f64| share(path, targets, inside, access.claimed);
    push(
        &EXPLOIT_CONTAINERD_SOCK,
        within(&SOCKETS, 0.0),
        "runtime socket",
        false,
        true,
    );
    // /proc is a file system of its own below /, and stays writable (KEP-3857).
    let proc_below = path == "/" && !access.recursive;
    if writes || proc_below {
        let what = "the program that the kernel runs for a core dump";
        push(
            &CE_UMH_CORE_PATTERN,
            within(&[CORE_PATTERN], 0.0),
            what,
            true,
            true,
        );
    }
    if writes {
        push(
            &CE_STATIC_POD,
            within(&MANIFESTS, 0.9),
            "static pods",
            true,
            true,
        );
        let logs = within(&[LOGS], 0.0).max(within(&[LOGS_OF_PODS], 0.8));
        push(
            &CE_VAR_LOG_SYMLINK,
            logs,
            "logs that the kubelet serves",
            true,
            true,
        );
    }
    let what = "tokens and Secrets of the node's pods";
    push(
        &EXPLOIT_HOST_TRAVERSE,
        within(&PODS, 0.35),
        what,
        false,
        true,
    );
    // Certificates are public.
    let certificate = |part: &str| part.rsplit_once('.').is_some_and(|(_, end)| end == "crt");
    let public = path.split('/').any(certificate);
    if !public {
        let meant = KEYS.iter().any(|key| holds(key, path));
        let what = "keys and store of the control plane";
        push(
            &CE_CONTROL_PLANE_PKI,
            within(&KEYS, 0.9),
            what,
            false,
            meant,
        );
    }
    let (read, what) = danger(path, access.claimed, |target| target.read);
    let read = if public { read.min(OTHER.read) } else { read };
    push(&EXPLOIT_HOST_READ, read, what, false, true);
    if writes {
        let (write, what) = danger(path, access.claimed, |target| target.write);
        push(&EXPLOIT_HOST_WRITE, write, what, true, true);
    }
    found
}

/// 1 for a path that holds one of the targets, `inside` for one that lies in it.
fn share(path: &str, targets: &[&str], inside: f64, claimed: bool) -> f64 {
    let of = |target: &&str| {
        if holds(path, target) {
            1.0
        } else if !claimed && holds(target, path) {
            inside
        } else {
            0.0
        }
    };
    targets.iter().map(of).fold(0.0, f64::max)
}

fn danger(path: &str, claimed: bool, of: impl Fn(&Target) -> f64) -> (f64, &'static str) {
    let least = if claimed { 0.0 } else { of(&OTHER) };
    let mut worst = (least, OTHER.what);
    for target in &TARGETS {
        let danger = if holds(path, target.path) {
            of(target)
        } else if !claimed && holds(target.path, path) {
            of(target) * target.inside
        } else {
            continue;
        };
        if danger > worst.0 {
            worst = (danger, target.what);
        }
    }
    worst
}

/// `/a//b/../c/` is `/a/c`; `/proc/1/root/etc` is `/etc`; `C:\Var\Log` is `/var/log`.
pub(super) fn normal(path: &str) -> String {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let path = if drive || path.starts_with("\\\\") {
        let start = if drive { 2 } else { 0 };
        let below = path.get(start..).unwrap_or("");
        below.replace('\\', "/").to_ascii_lowercase()
    } else {
        path.to_owned()
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
        // Links of the kernel, which the runtime follows as it mounts.
        if let ["proc", process, "root" | "cwd"] = parts.as_slice()
            && (*process == "self" || process.bytes().all(|byte| byte.is_ascii_digit()))
        {
            parts.clear();
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

    fn access(read_only: bool) -> Access {
        Access {
            read_only,
            recursive: false,
            claimed: false,
        }
    }

    /// Kinds with P for root of at least 5 %, in the order of [`leads`].
    fn check(path: &str, access: Access, expected: &str) {
        let found = leads(&normal(path), access);
        let edges = found.iter().filter(|f| f.share * f.kind.root >= 0.05);
        let names: Vec<&str> = edges.map(|f| f.kind.name).collect();
        let short = names.join(" ").replace("EXPLOIT_", "").replace("CE_", "");
        assert_eq!(short, expected, "{path} {access:?}");
    }

    #[test]
    fn what_paths_open() {
        let (ro, rw) = (access(true), access(false));
        check(
            "/",
            rw,
            "CONTAINERD_SOCK UMH_CORE_PATTERN STATIC_POD VAR_LOG_SYMLINK HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ HOST_WRITE",
        );
        check(
            "/",
            ro,
            "CONTAINERD_SOCK UMH_CORE_PATTERN HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ",
        );
        let deep = Access {
            recursive: true,
            ..ro
        };
        check(
            "/",
            deep,
            "CONTAINERD_SOCK HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ",
        );
        check("/var/run/docker.sock", ro, "CONTAINERD_SOCK");
        check("/var/run", ro, "CONTAINERD_SOCK");
        check("/var//run/../run/", ro, "CONTAINERD_SOCK");
        check("/run/containerd/", ro, "CONTAINERD_SOCK");
        check(r"\\.\pipe\docker_engine", ro, "CONTAINERD_SOCK");
        check(r"C:\var\log\pods", rw, "VAR_LOG_SYMLINK HOST_WRITE");
        check("/proc", rw, "UMH_CORE_PATTERN HOST_READ HOST_WRITE");
        check("/proc/sys", rw, "UMH_CORE_PATTERN HOST_READ HOST_WRITE");
        check(
            "/proc/sys/kernel/",
            rw,
            "UMH_CORE_PATTERN HOST_READ HOST_WRITE",
        );
        check("/proc", ro, "HOST_READ");
        check("/proc/sys/net", rw, "HOST_READ HOST_WRITE");
        check("/proc/1/root/etc/shadow", ro, "HOST_READ");
        check(
            "/proc/self/root",
            deep,
            "CONTAINERD_SOCK HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ",
        );
        check("/var/log", rw, "VAR_LOG_SYMLINK HOST_WRITE");
        check("/var/log", ro, "");
        check("/var/lib", ro, "HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ");
        check("/var/lib/kubelet/pods", ro, "HOST_TRAVERSE HOST_READ");
        check("/var/lib/kubelet/plugins", ro, "");
        check(
            "/etc",
            rw,
            "STATIC_POD CONTROL_PLANE_PKI HOST_READ HOST_WRITE",
        );
        check("/var/../etc/", ro, "CONTROL_PLANE_PKI HOST_READ");
        check(
            "/etc/kubernetes/manifests",
            rw,
            "STATIC_POD HOST_READ HOST_WRITE",
        );
        check(
            "/etc/kubernetes/pki/etcd",
            ro,
            "CONTROL_PLANE_PKI HOST_READ",
        );
        check("/etc/kubernetes/pki/ca.crt", ro, "");
        check("/home/core/.ssh", ro, "HOST_READ");
        check("/root", ro, "HOST_READ");
        check("/etc/ssh", ro, "HOST_READ");
        check("/etc/localtime", ro, "");
        check("/etc/ssl/certs", ro, "");
        check("/etc/cron.d", rw, "HOST_WRITE");
        check("/lib/modules", ro, "");
        check("/data", rw, "HOST_WRITE");
        check("/data", ro, "");
        check("/etcetera", ro, "");
        check(
            "",
            ro,
            "CONTAINERD_SOCK UMH_CORE_PATTERN HOST_TRAVERSE CONTROL_PLANE_PKI HOST_READ",
        );
        let claim = Access {
            claimed: true,
            ..rw
        };
        check("/var/lib/rancher/k3s/storage/pvc-1", claim, "");
        check("/opt/local-path-provisioner/pvc-1", claim, "");
        check("/var/log", claim, "VAR_LOG_SYMLINK");
        check(
            "/etc",
            claim,
            "STATIC_POD CONTROL_PLANE_PKI HOST_READ HOST_WRITE",
        );
    }

    fn at(path: &str, access: Access, kind: &Kind) -> f64 {
        let found = leads(&normal(path), access);
        let of_kind = found.iter().filter(|f| f.kind.name == kind.name);
        of_kind.map(|f| f.share).fold(0.0, f64::max)
    }

    proptest! {
        #[test]
        fn wider_and_writable_are_never_safer(parts in prop::collection::vec("(etc|var|lib|run|log|proc|sys|kernel|kubernetes|pki|manifests|kubelet|pods|docker.sock|ca.crt|x)", 0..5), cut in 0..5_usize) {
            let path = format!("/{}", parts.join("/"));
            let wider = format!("/{}", parts.get(..cut.min(parts.len())).unwrap().join("/"));
            for kind in super::super::kinds::ALL {
                for read_only in [true, false] {
                    prop_assert!(at(&path, access(read_only), kind) <= at(&wider, access(read_only), kind), "{} in {}", path, wider);
                }
                prop_assert!(at(&path, access(true), kind) <= at(&path, access(false), kind));
            }
        }

        #[test]
        fn any_text_is_a_path(path in ".{0,40}") {
            let normal = normal(&path);
            prop_assert!(normal.starts_with('/'));
            leads(&normal, access(false));
        }
    }
}
