//! What was seen of a node from inside: its processes, files and configuration, from a mounted root or the kubelet's API.
//! Plain data, without secret values. What was looked for and is not there is said; what was not looked for is unknown.

use crate::evidence::Gap;
use crate::matches::OsRelease;
use crate::text::Text;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Name of its Node object; `None`: not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub taken_at: Option<Timestamp>,
    pub source: HostSource,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub os: Option<OsRelease>,
    /// `uname -r`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kernel: Option<Text>,
    /// 1 or 2; hybrid counts as 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cgroup: Option<u8>,
    /// Components of Kubernetes, etcd and container runtimes, by name and pid. `None`: nobody looked at processes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub processes: Option<Vec<Process>>,
    /// Every path that was looked for, ordered.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<HostFile>,
    /// Configuration files that were read, ordered by path.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub documents: Vec<HostDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostSource {
    /// `--host-root`: everything that a reader of the file system sees.
    Root,
    /// `nodes/NAME/configz`: the kubelet's effective configuration, and nothing else.
    Configz,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Name of the executable without its folder: `kubelet`, `kube-apiserver`, `etcd`.
    pub name: Text,
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Arguments after the executable; values of flags that may hold secrets are dropped.
    pub arguments: Vec<Text>,
    /// Variables that configure the component (`ETCD_*`, `KUBELET_*`), ordered; secret values are dropped.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub environment: Vec<(Text, Text)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostFile {
    /// As the node's own processes name it.
    pub path: Text,
    pub state: FileState,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// It was looked for and is not there.
    Missing,
    /// It may be there; a gap says why it was not seen.
    Unreadable,
    Is(FileStatus),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileStatus {
    pub folder: bool,
    /// Permission bits, `0o600`; with set-uid, set-gid and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// By the node's own passwd and group; `None`: they do not know the id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub group: Option<Text>,
}

/// A YAML, JSON or TOML file of a component, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostDocument {
    pub path: Text,
    /// Canonical compact JSON without secret values; of a kubeconfig: users without credentials, of an
    /// EncryptionConfiguration: keys as `redacted:v1:...`, whose length is that of the decoded key.
    pub json: Text,
}
