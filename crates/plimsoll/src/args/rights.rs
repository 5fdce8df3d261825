//! `plimsoll who-can`, `plimsoll can`, `plimsoll export role`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Whose roles and bindings: files, a snapshot, a live cluster; default is the cluster of the last scan.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Sources {
    /// Files or folders of manifests (may be repeated); default is the cluster of the last scan
    #[arg(long, value_name = "PATH", num_args = 1)]
    pub(crate) manifests: Vec<PathBuf>,
    /// Snapshot written by `plimsoll collect`
    #[arg(long, value_name = "FILE", conflicts_with = "manifests")]
    pub(crate) snapshot: Option<PathBuf>,
    /// Read the live cluster now
    #[arg(long, conflicts_with_all = ["manifests", "snapshot"])]
    pub(crate) live: bool,
    /// Context of the kubeconfig; reads the live cluster
    #[arg(long, conflicts_with_all = ["manifests", "snapshot"])]
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig; reads the live cluster
    #[arg(long, conflicts_with_all = ["manifests", "snapshot"])]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Judge manifests as Kubernetes 1.N
    #[arg(long, value_name = "1.N", value_parser = super::values::minor)]
    pub(crate) kubernetes_version: Option<u16>,
}

impl Sources {
    /// Whether they say more than "the cluster of the last scan".
    pub(crate) fn is_named(&self) -> bool {
        !self.manifests.is_empty() || self.snapshot.is_some() || self.is_live()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live || self.context.is_some() || self.kubeconfig.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct WhoCan {
    /// get, list, create, impersonate ...; `*` asks who has all
    pub(crate) verb: String,
    /// RESOURCE[.GROUP][/SUBRESOURCE], e.g. pods/exec, deploy, certificates.cert-manager.io; or a path such as /metrics
    pub(crate) resource: String,
    /// Only the object of this name
    pub(crate) name: Option<String>,
    /// In this namespace; default is: in any, and which is told
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// In all namespaces by one request
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = RightsFormat::Text)]
    pub(crate) format: RightsFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Can {
    /// ServiceAccount/NAMESPACE/NAME, User/NAME, Group/NAME or system:serviceaccount:NAMESPACE:NAME
    pub(crate) subject: String,
    /// Leave out what counts in other namespaces only
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Audit logs of the API server (JSON lines; gzip and zstd too): which rights were never used
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) audit_log: Vec<PathBuf>,
    /// Print the least role that covers what the logs show, as YAML
    #[arg(long, requires = "audit_log")]
    pub(crate) role: bool,
    #[command(flatten)]
    pub(crate) sources: Sources,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = RightsFormat::Text)]
    pub(crate) format: RightsFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// The least role of a subject by audit logs, and its binding, as YAML
    Role(ExportRole),
    /// NetworkPolicies that let through what is declared and nothing else, as YAML
    Netpol(super::Netpol),
    /// Checks as ValidatingAdmissionPolicies with their bindings and exceptions, as YAML
    Vap(super::Vap),
}

#[derive(Debug, Args)]
pub(crate) struct ExportRole {
    /// ServiceAccount/NAMESPACE/NAME, User/NAME, Group/NAME or system:serviceaccount:NAMESPACE:NAME
    pub(crate) subject: String,
    /// Audit logs of the API server (JSON lines; gzip and zstd too)
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) audit_log: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RightsFormat {
    Text,
    Json,
}
