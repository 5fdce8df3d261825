//! `plimsoll reach`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// Who asks: NAMESPACE/NAME, NAMESPACE/NAME[Kind], an address, a range, `internet`, `{ingress-controller}`
    #[arg(requires = "to")]
    pub(crate) from: Option<String>,
    /// Who is asked
    pub(crate) to: Option<String>,
    /// Only this port, e.g. 443, UDP/53
    #[arg(long, value_name = "[PROTOCOL/]PORT", requires = "to")]
    pub(crate) port: Option<String>,
    /// List all connections
    #[arg(long, conflicts_with_all = ["from", "diff"])]
    pub(crate) all: bool,
    /// With --all: also what each workload is open to, whether such a peer exists or not
    #[arg(long, requires = "all")]
    pub(crate) exposure: bool,
    /// What a change opens and closes; each side is a folder of manifests or a snapshot
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "from")]
    pub(crate) diff: Vec<PathBuf>,
    /// Files or folders of manifests (may be repeated); default is the cluster of the last scan
    #[arg(long, value_name = "PATH", num_args = 1)]
    pub(crate) manifests: Vec<PathBuf>,
    /// Snapshot written by `plimsoll collect`
    #[arg(long, value_name = "FILE", conflicts_with = "manifests")]
    pub(crate) snapshot: Option<PathBuf>,
    /// What the cluster cannot say about itself, e.g. whether its policies are enforced
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Form of the output; dot is for --all
    #[arg(short, long, value_enum, default_value_t = ReachFormat::Text)]
    pub(crate) format: ReachFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReachFormat {
    Text,
    Json,
    Dot,
}
