//! `plimsoll paths`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Paths {
    /// Folders or files of manifests, a snapshot, or a bundle; default is the last scan with its vulnerabilities
    #[arg(value_name = "PATH", conflicts_with = "from")]
    pub(crate) targets: Vec<PathBuf>,
    /// Bundle written by `--save`
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Only from this one: KIND/NAMESPACE/NAME, User/NAME, Group/NAME, Namespace/NAME (a tenant), internet
    #[arg(long, value_name = "SUBJECT", conflicts_with = "networks")]
    pub(crate) subject: Option<String>,
    /// Only from the internet and other networks, not from each pod and account
    #[arg(long)]
    pub(crate) networks: bool,
    /// Only to this sink: cluster-admin, node, secrets ...
    #[arg(long, value_name = "SINK")]
    pub(crate) to: Option<String>,
    /// Paths to show for each sink; 0 shows all
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) top: usize,
    /// Which path of a route is shown
    #[arg(long, value_enum, default_value_t = PathOrder::Likely)]
    pub(crate) order: PathOrder,
    /// List the whole graph, dead ends included
    #[arg(long, conflicts_with_all = ["subject", "networks", "to", "diff"])]
    pub(crate) edges: bool,
    /// Which routes a change adds; each side is a folder of manifests, a snapshot or a bundle
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        conflicts_with_all = ["targets", "from"],
        group = "change"
    )]
    pub(crate) diff: Vec<PathBuf>,
    /// Which routes, exposures and rights the objects of a file add, new or in place of those of their names
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["diff", "edges", "subject", "networks", "to"],
        group = "change"
    )]
    pub(crate) candidate: Option<PathBuf>,
    /// With --diff or --candidate: exit 1 if a route is new
    #[arg(long, value_name = "WHAT", requires = "change")]
    pub(crate) fail_on: Option<FailOn>,
    /// What the cluster cannot say about itself, e.g. whether its policies are enforced
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = PathsFormat::Text)]
    pub(crate) format: PathsFormat,
    /// Write to a file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace names of namespaces, workloads and images
    #[arg(long)]
    pub(crate) redact_names: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PathOrder {
    Likely,
    Short,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    NewPath,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PathsFormat {
    #[value(alias = "table")]
    Text,
    Json,
    Dot,
    Svg,
}
