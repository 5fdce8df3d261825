//! `plimsoll cis`, `plimsoll checklist`.

use super::RightsSources;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

/// What is asked: a cluster or its files, and nodes from inside.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Benchmarked {
    #[command(flatten)]
    pub(crate) sources: RightsSources,
    /// What `plimsoll scan node` wrote (may be repeated); alone, only nodes are asked
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) node_evidence: Vec<PathBuf>,
    /// What the cluster cannot say about itself: environments, network.enforced ...
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Time of the answers, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
    /// End with 1 where something fails; `unknown`: and with 3 where something was not seen
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) fail_on: Option<FailOn>,
}

#[derive(Debug, Args)]
pub(crate) struct Cis {
    #[command(flatten)]
    pub(crate) asked: Benchmarked,
    /// Benchmark, e.g. cis-1.12; default is the one for the cluster's version and distribution
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Print the benchmarks that there are
    #[arg(long)]
    pub(crate) list: bool,
    /// Print what passes, does not apply or needs a person too
    #[arg(long)]
    pub(crate) all: bool,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = CisFormat::Text)]
    pub(crate) format: CisFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Checklist {
    #[command(flatten)]
    pub(crate) asked: Benchmarked,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = ChecklistFormat::Text)]
    pub(crate) format: ChecklistFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Fail,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CisFormat {
    Text,
    Json,
    /// As kube-bench writes it
    KubeBench,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChecklistFormat {
    Text,
    Json,
}
