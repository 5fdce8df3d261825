//! Many images at once: which of a cluster, which of a registry, and how long each may take.

use super::values;
use clap::{Args, ValueEnum};
use scan::artifacts::Platform;
use scan::artifacts::registry::Target;
use std::time::Duration;

/// Which images of a cluster are scanned here.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
#[group(skip)]
pub(crate) struct Images {
    /// Images to pull and scan: those that no --report is of by digest, all, or none; default is missing for a live
    /// cluster, none for files
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) images: Option<Which>,
    #[command(flatten)]
    pub(crate) fetch: Fetch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    Missing,
    All,
    None,
}

/// How images are fetched.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
#[group(skip)]
pub(crate) struct Fetch {
    /// Platform of images for which no node says one, e.g. linux/arm64; default is this machine's
    #[arg(long, value_name = "OS/ARCH", value_parser = values::platform)]
    pub(crate) platform: Option<Platform>,
    /// Time for the layers of one image, e.g. 90s, 10m
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::time)]
    pub(crate) image_timeout: Duration,
}

/// Which secrets of a cluster may open registries.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
#[group(skip)]
pub(crate) struct PullSecrets {
    /// Read the Secrets that pods pull with, each by its name, and log in with them; they are kept in memory only
    #[arg(long)]
    pub(crate) use_pull_secrets: bool,
}

/// What of a registry is scanned.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Holdings {
    /// A registry, or the part of it whose repositories begin with a path, e.g. harbor.example/team
    #[arg(value_name = "HOST[/PREFIX]", value_parser = Target::parse)]
    pub(crate) target: Target,
    /// Newest tags of each repository: by when they were pushed where the registry tells it, else built, else by the
    /// numbers in their names; 0 is all
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) tags: usize,
    /// Only these, REPOSITORY or REPOSITORY:TAG, with `*` and `?` as wildcards (may be repeated)
    #[arg(long, value_name = "PATTERN", num_args = 1)]
    pub(crate) include: Vec<String>,
    /// Not these (may be repeated)
    #[arg(long, value_name = "PATTERN", num_args = 1)]
    pub(crate) exclude: Vec<String>,
}
