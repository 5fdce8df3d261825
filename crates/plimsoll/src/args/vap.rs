//! `plimsoll export vap`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Vap {
    /// Checks, families and sets as `scan --profile` takes them; default is what every scan asks. What needs more than one
    /// object is named in a comment and left out
    #[arg(value_name = "CHECK")]
    pub(crate) names: Vec<String>,
    /// For a cluster of Kubernetes 1.N, 1.30 at least; default is the newest
    #[arg(long, value_name = "1.N", value_parser = super::values::minor)]
    pub(crate) kubernetes_version: Option<u16>,
    /// Refuse what a check finds; without it clients are warned and the audit log holds it
    #[arg(long)]
    pub(crate) deny: bool,
    /// Leave these alone: [CHECK=]NAMESPACE[/NAME[/CONTAINER]], `*` ends a name (may be repeated)
    #[arg(long, value_name = "WHAT", num_args = 1)]
    pub(crate) except: Vec<String>,
    /// Names of the objects begin with this
    #[arg(long, value_name = "NAME", default_value = "plimsoll")]
    pub(crate) prefix: String,
    /// Namespace of the ConfigMap with exceptions: who may write there may except himself
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub(crate) exceptions_namespace: String,
    /// Write to a file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
