//! `plimsoll scan node`.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Node {
    /// Folder where the root file system of the node is mounted; `/` is this machine
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub(crate) host_root: PathBuf,
    /// Name of its Node object; default is what the kubelet was told, else the host's name
    #[arg(long = "node-name", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = NodeFormat::Json)]
    pub(crate) format: NodeFormat,
    /// File to write (mode 0600); default is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Time of the evidence, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NodeFormat {
    /// The evidence, as docs/schema/node-v1.json has it
    Json,
}
