//! A node from inside. Comes in: the folder where its root file system is. Goes out: a [`Host`]: processes, permissions,
//! configuration, and what of that was not seen. The folder is untrusted: sizes, counts and depths are bounded.
//! Never: runs a program, follows a link out of the folder, keeps a secret value.

mod documents;
mod gaps;
mod kubelet;
mod load;
mod machine;
mod mounts;
mod paths;
mod pods;
mod processes;
mod root;
mod walk;

pub use load::{FORMAT, LoadError, load};

use crate::redact::Redactor;
use gaps::Gaps;
use model::evidence::GapWeight;
use model::host::{Host, HostSource};
use model::text::Text;
use processes::Processes;
use root::{Miss, Root};
use std::path::{Path, PathBuf};
use walk::Walk;

/// How a node is read.
#[derive(Clone)]
pub struct Options {
    /// Keys the fingerprints of dropped values.
    pub redaction_key: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("cannot open the root file system {}", path.display())]
    Root {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Reads the node whose root file system is at `path`. [`Host::gaps`] says what was not seen.
///
/// # Errors
/// Only where `path` itself cannot be opened as a folder.
pub fn read(path: &Path, options: &Options) -> Result<Host, HostError> {
    let root = Root::open(path).map_err(|source| HostError::Root {
        path: path.to_owned(),
        source,
    })?;
    let redactor = Redactor::new(options.redaction_key);
    let mut gaps = Gaps::default();
    let processes = Processes::read(&root);
    tell_processes(processes.as_ref(), &mut gaps);

    let mut walk = Walk::new(&root, &redactor, &mut gaps, processes.as_ref());
    walk.all();
    let (files, documents) = walk.done();

    let os = seen(machine::os_release(&root), "/etc/os-release", &mut gaps);
    let kernel = seen(
        machine::kernel(&root),
        "/proc/sys/kernel/osrelease",
        &mut gaps,
    );
    let cgroup = machine::cgroup(&root);
    if cgroup.is_none() {
        gaps.add(
            "node-cgroup-unknown",
            "the version of the control groups is not known: neither sys/fs/cgroup nor proc/1/mountinfo tells it",
            "/sys/fs/cgroup",
            GapWeight::Notice,
            "mount proc and sys of the node below the root",
        );
    }
    let node = name(&root, processes.as_ref());
    if node.is_none() {
        gaps.add(
            "node-name-unknown",
            "the name of the node is not known: no kubelet with --hostname-override, and no etc/hostname",
            "/etc/hostname",
            GapWeight::Notice,
            "give the name of its Node object: --node-name NAME",
        );
    }
    let mut told: Option<Vec<_>> =
        processes.map(|seen| seen.running.iter().map(|one| one.told(&redactor)).collect());
    if let Some(told) = &mut told {
        told.sort();
    }
    Ok(Host {
        gaps: gaps.done(node.as_deref()),
        node,
        taken_at: None,
        source: HostSource::Root,
        os,
        kernel,
        cgroup,
        processes: told,
        files,
        documents,
    })
}

fn seen<T>(read: Result<T, Miss>, path: &str, gaps: &mut Gaps) -> Option<T> {
    read.map_err(|miss| gaps.unread(path, miss, GapWeight::Widens))
        .ok()
}

/// As the kubelet names its Node: what it was told, else the host's name.
fn name(root: &Root, processes: Option<&Processes>) -> Option<Text> {
    let running = processes.map_or(&[][..], |seen| &seen.running);
    let told = running.iter().find_map(|one| {
        let flags = paths::flags(&one.arguments);
        let flag = match one.name {
            "kubelet" => "hostname-override",
            "k3s" | "rke2" => "node-name",
            _ => return None,
        };
        let variable = one.environment.iter().find(|(name, _)| {
            matches!(&**name, "K3S_NODE_NAME" | "RKE2_NODE_NAME") && flag == "node-name"
        });
        let value = paths::value(&flags, flag).or(variable.map(|(_, value)| &**value))?;
        machine::node_name(value)
    });
    told.or_else(|| machine::hostname(root))
}

fn tell_processes(processes: Option<&Processes>, gaps: &mut Gaps) {
    let Some(seen) = processes else {
        return gaps.add(
            "node-processes-unseen",
            "no process was seen: proc is not there or empty, so how the components were started is not known",
            "/proc",
            GapWeight::Hides,
            "mount proc of the node below the root: in a pod, hostPID: true and a hostPath of /",
        );
    };
    if seen.partial {
        gaps.add(
            "node-processes-hidden",
            "the first process of the node is not among those seen: proc hides processes, or is that of a container",
            "/proc",
            GapWeight::Hides,
            "run as root on the node, or in a pod with hostPID: true",
        );
    }
    if seen.denied > 0 {
        gaps.add(
            "node-processes-hidden",
            format!("{} processes could not be looked at", seen.denied),
            "/proc",
            GapWeight::Hides,
            "run as root, or with CAP_SYS_PTRACE",
        );
    }
    if seen.more {
        gaps.add(
            "node-limit",
            "there are more processes than are looked at",
            "/proc",
            GapWeight::Hides,
            "",
        );
    }
    if seen.running.is_empty() {
        gaps.add(
            "node-no-component",
            format!(
                "none of {} processes is a component of Kubernetes",
                seen.seen
            ),
            "/proc",
            GapWeight::Widens,
            "run on a node of the cluster; in a pod, with hostPID: true",
        );
    }
    for one in &seen.running {
        let scope = format!("/proc/{}", one.pid);
        if one.cut {
            let what = format!("arguments or variables of {} were cut off", one.name);
            gaps.add("node-limit", what, &scope, GapWeight::Hides, "");
        }
        if one.hides_arguments {
            gaps.add(
                "node-arguments-hidden",
                format!(
                    "{} hides its arguments; only its configuration files tell its settings",
                    one.name
                ),
                &scope,
                GapWeight::Widens,
                "set them in its config.yaml, not as arguments",
            );
        }
        if let Some(miss) = one.environment_unread {
            gaps.add(
                "node-environment-unread",
                format!(
                    "variables of {} were not read: the file {}",
                    one.name,
                    miss.words()
                ),
                &scope,
                GapWeight::Widens,
                "run as root, or with CAP_SYS_PTRACE",
            );
        }
    }
}
