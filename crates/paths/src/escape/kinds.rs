//! The table of ways out: name, technique, where it leads, and P that it works for root and for another user.
//! Goes out: one constant a kind, each with the reason of its prior. Never: a condition; the families have those.

use crate::blast::{Cause, Leads};
use model::situation::Reach;

#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Of MITRE ATT&CK for containers.
    pub(super) technique: &'static str,
    pub(super) leads: Leads,
    pub(super) reach: Reach,
    /// Ways of one cause succeed and fail together.
    pub(super) cause: Cause,
    /// P for root of the container, where nothing else stands in the way.
    pub(super) root: f64,
    /// P for any other user.
    pub(super) other: f64,
}

const ESCAPE: &str = "T1611";

const fn to_node(name: &'static str, cause: Cause, root: f64, other: f64) -> Kind {
    Kind {
        name,
        technique: ESCAPE,
        leads: Leads::Node,
        reach: Reach::Node,
        cause,
        root,
        other,
    }
}

/// `nsenter -t 1`: one command. Another user first becomes root inside (set-uid programs of the image).
pub(super) const CE_NSENTER: Kind = to_node("CE_NSENTER", Cause::Privilege, 0.97, 0.5);
/// Mounts the node's disk from /dev: one command, some volumes hide their disk.
pub(super) const CE_PRIV_MOUNT: Kind = to_node("CE_PRIV_MOUNT", Cause::Privilege, 0.95, 0.5);
/// Loads a module that was built for the kernel; locked-down kernels refuse it.
pub(super) const CE_MODULE_LOAD: Kind = to_node("CE_MODULE_LOAD", Cause::Privilege, 0.93, 0.4);
/// Debugs a process of the node and runs code in it; Yama and missing debuggers stand in the way at times.
pub(super) const CE_SYS_PTRACE: Kind = to_node("CE_SYS_PTRACE", Cause::Processes, 0.85, 0.3);
/// Reads environment and files of processes with no more capabilities than its own (`/proc/PID`), and their
/// arguments; with `SYS_PTRACE` of all processes.
pub(super) const HOST_PID: Kind = to_node("HOST_PID", Cause::Processes, 0.4, 0.05);
/// Mounts a cgroup with a release agent, or procfs anew and writes the kernel's helpers (cgroup v2).
pub(super) const CE_CGROUP_BREAKOUT: Kind =
    to_node("CE_CGROUP_BREAKOUT", Cause::Privilege, 0.75, 0.35);
/// `open_by_handle_at` reads any file of the file system that /etc/hosts is mounted from ("shocker").
pub(super) const CE_HOST_FD: Kind = to_node("CE_HOST_FD", Cause::Privilege, 0.5, 0.2);
/// /dev/mem of a privileged container, I/O ports of any other: possible, laborious.
pub(super) const CE_RAW_IO: Kind = to_node("CE_RAW_IO", Cause::Privilege, 0.6, 0.2);
/// Programs in the kernel read the memory of all processes; writing it needs `SYS_ADMIN`.
pub(super) const CE_BPF: Kind = to_node("CE_BPF", Cause::Privilege, 0.4, 0.15);
/// Runs as a user of the node by definition (KEP-1981).
pub(super) const CE_WINDOWS_HOST_PROCESS: Kind =
    to_node("CE_WINDOWS_HOST_PROCESS", Cause::Privilege, 0.95, 0.95);
/// /proc/sys is writable: the kernel's helpers, as in CE_UMH_CORE_PATTERN; `AppArmor` forbids it where it runs.
pub(super) const CE_PROC_MOUNT: Kind = to_node("CE_PROC_MOUNT", Cause::Privilege, 0.5, 0.02);
/// The kernel runs the program of core_pattern as root of the node. The file is root's.
pub(super) const CE_UMH_CORE_PATTERN: Kind =
    to_node("CE_UMH_CORE_PATTERN", Cause::Files, 0.9, 0.01);
/// A link in the logs is followed by the kubelet as root; needs a right to read logs. The directory is root's.
pub(super) const CE_VAR_LOG_SYMLINK: Kind = to_node("CE_VAR_LOG_SYMLINK", Cause::Files, 0.6, 0.02);
/// The kubelet runs what lies in its folder of static pods, privileged too. The folder is root's.
pub(super) const CE_STATIC_POD: Kind = Kind {
    technique: "T1610",
    ..to_node("CE_STATIC_POD", Cause::Files, 0.9, 0.05)
};
/// The runtime starts any container for whoever speaks to it; the socket is root's or a group's.
pub(super) const EXPLOIT_CONTAINERD_SOCK: Kind = Kind {
    technique: "T1610",
    ..to_node("EXPLOIT_CONTAINERD_SOCK", Cause::Files, 0.95, 0.15)
};
/// Keys, hashes and credentials of the node; factor on the path's own P. Most of them only root reads.
pub(super) const EXPLOIT_HOST_READ: Kind = to_node("EXPLOIT_HOST_READ", Cause::Files, 1.0, 0.25);
/// What the node runs or obeys; factor on the path's own P. Most of it only root writes.
pub(super) const EXPLOIT_HOST_WRITE: Kind = to_node("EXPLOIT_HOST_WRITE", Cause::Files, 1.0, 0.1);
/// Tokens and Secrets of all pods of the node lie below the kubelet's directory, closed to all but root.
pub(super) const EXPLOIT_HOST_TRAVERSE: Kind = Kind {
    technique: "T1552.001",
    ..to_node("EXPLOIT_HOST_TRAVERSE", Cause::Files, 0.85, 0.1)
};
/// The key of the cluster's authority signs a client of system:masters; the store holds every Secret.
pub(super) const CE_CONTROL_PLANE_PKI: Kind = Kind {
    technique: "T1552.004",
    leads: Leads::ControlPlane,
    reach: Reach::Cluster,
    ..to_node("CE_CONTROL_PLANE_PKI", Cause::Files, 0.9, 0.1)
};
/// Files and memory of the other containers by `/proc/PID/root`, where users and capabilities are alike.
pub(super) const SHARE_PS_NAMESPACE: Kind = Kind {
    technique: "T1609",
    leads: Leads::Pod,
    reach: Reach::Pod,
    ..to_node("SHARE_PS_NAMESPACE", Cause::Alone, 0.6, 0.3)
};
/// Services that listen on the node only, its metadata service, the kubelet's read-only port.
pub(super) const HOST_NETWORK: Kind = Kind {
    technique: "T1552.005",
    ..to_node("HOST_NETWORK", Cause::Network, 1.0, 1.0)
};
/// Shared memory of the node's processes: seldom anything of use.
pub(super) const HOST_IPC: Kind = Kind {
    leads: Leads::Nowhere,
    ..to_node("HOST_IPC", Cause::Alone, 0.04, 0.01)
};
/// Answers in the place of the node's metadata and DNS services on its own network.
pub(super) const NET_RAW_MITM: Kind = Kind {
    technique: "T1557",
    ..to_node("NET_RAW_MITM", Cause::Network, 0.3, 0.05)
};
/// The same between pods of one node: routed pod networks do not let it through.
pub(super) const NET_RAW_NEIGHBOURS: Kind = Kind {
    technique: "T1557",
    leads: Leads::Nowhere,
    ..to_node("NET_RAW_MITM", Cause::Network, 0.05, 0.01)
};
/// Capabilities that were steps of some escapes, none of them alone.
pub(super) const CAPABILITY: Kind = Kind {
    leads: Leads::Nowhere,
    ..to_node("CAPABILITY", Cause::Privilege, 0.1, 0.02)
};
/// A published flaw of the kernel that the node shows by its version; each has its own P.
pub(super) const CE_KERNEL: Kind = to_node("CE_KERNEL", Cause::Flaw, 1.0, 1.0);
/// A published flaw of the container runtime that the node shows by its version; each has its own P.
pub(super) const CE_RUNTIME: Kind = to_node("CE_RUNTIME", Cause::Flaw, 1.0, 1.0);
/// Some flaw that nobody told us of: part of the damage, never an edge.
pub(super) const SOME_FLAW: Kind = Kind {
    leads: Leads::Nowhere,
    ..to_node("kernel", Cause::Flaw, 0.02, 0.01)
};

#[cfg(test)]
pub(super) const ALL: [&Kind; 28] = [
    &CE_NSENTER,
    &CE_PRIV_MOUNT,
    &CE_MODULE_LOAD,
    &CE_SYS_PTRACE,
    &HOST_PID,
    &CE_CGROUP_BREAKOUT,
    &CE_HOST_FD,
    &CE_RAW_IO,
    &CE_BPF,
    &CE_WINDOWS_HOST_PROCESS,
    &CE_PROC_MOUNT,
    &CE_UMH_CORE_PATTERN,
    &CE_VAR_LOG_SYMLINK,
    &CE_STATIC_POD,
    &EXPLOIT_CONTAINERD_SOCK,
    &EXPLOIT_HOST_READ,
    &EXPLOIT_HOST_WRITE,
    &EXPLOIT_HOST_TRAVERSE,
    &CE_CONTROL_PLANE_PKI,
    &SHARE_PS_NAMESPACE,
    &HOST_NETWORK,
    &HOST_IPC,
    &NET_RAW_MITM,
    &NET_RAW_NEIGHBOURS,
    &CAPABILITY,
    &CE_KERNEL,
    &CE_RUNTIME,
    &SOME_FLAW,
];
