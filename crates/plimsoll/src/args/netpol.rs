//! `plimsoll export netpol`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Netpol {
    /// Folders or files of manifests, a snapshot, or a bundle; default is the cluster of the last scan
    #[arg(value_name = "PATH", conflicts_with = "from")]
    pub(crate) targets: Vec<PathBuf>,
    /// Snapshot written by `plimsoll collect`, or bundle written by `--save`
    #[arg(long, value_name = "SNAPSHOT")]
    pub(crate) from: Option<PathBuf>,
    /// Only for this namespace (may be repeated); default is all but kube-system and its like
    #[arg(short, long = "namespace", value_name = "NAMESPACE", num_args = 1)]
    pub(crate) namespaces: Vec<String>,
    /// What the cluster cannot say about itself, e.g. whether its policies are enforced
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write to a file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
