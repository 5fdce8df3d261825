//! What `scan image` knows beside the image: where it is deployed, which base it is built on, what is attached to it.

use super::values::days;
use clap::Args;
use std::path::PathBuf;

/// Where the image runs.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Context")]
#[group(skip)]
pub(crate) struct Context {
    /// Judge it where its repository runs: exposure, privileges and criticality of a scan that `--save` wrote
    #[arg(long, value_name = "BUNDLE")]
    pub(crate) as_deployed: Option<PathBuf>,
    /// What it is deployed as, where it is built under another name, e.g. ghcr.io/shop/web
    #[arg(long, value_name = "REPOSITORY", requires = "as_deployed")]
    pub(crate) deployed_as: Option<String>,
    /// Age from which that bundle makes ranks less sure
    #[arg(long, value_name = "DAYS", default_value = "7d", value_parser = days)]
    pub(crate) max_deployed_age: u32,
    /// Look for newer tags of its base image in the base's registry, scan them, and claim what each closes
    #[arg(long)]
    pub(crate) suggest_base: bool,
    /// The base image, as in its FROM line; default is what the image's labels say
    #[arg(long, value_name = "REF", requires = "suggest_base")]
    pub(crate) base: Option<String>,
    /// Newer bases to scan at most
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) base_candidates: u8,
    /// Read the VEX documents that are attached to it in its registry; they are told and take nothing out
    #[arg(long)]
    pub(crate) registry_vex: bool,
    /// Let the VEX documents that are attached to it take findings out: whoever may push there may then silence them
    #[arg(long)]
    pub(crate) trust_attached_vex: bool,
}
