//! `plimsoll fix`.

use super::RightsSources;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Fix {
    /// Checks (KP-WL-001, privileged-container) and objects (Deployment shop/web, shop/web) to mend
    #[arg(value_name = "FINDING")]
    pub(crate) names: Vec<String>,
    /// Mend all that a scan says of configuration
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Mend what these checks find, as `scan --profile` takes them (may be repeated)
    #[arg(long, value_name = "NAME", num_args = 1)]
    pub(crate) profile: Vec<String>,
    /// The heaviest change that is taken; heavier ones are told
    #[arg(long, value_enum, default_value_t = Class::NeedsTest)]
    pub(crate) class: Class,
    /// Write the changed files in place
    #[arg(long)]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) sources: RightsSources,
    /// What the cluster cannot say about itself
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = FixFormat::Text)]
    pub(crate) format: FixFormat,
    /// Time of the answers, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// What runs does the same after it
    Equivalent,
    /// A program could have needed it
    NeedsTest,
    /// Somebody uses it, or could
    Breaking,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FixFormat {
    /// A unified diff of files, commands for live objects
    Text,
    Json,
}
