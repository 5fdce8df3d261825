//! How results are shown, the same for every command.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// How and where the result is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Show {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// Write to a file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write the same result to a file in another form too, e.g. gitlab=report.json (may be repeated)
    #[arg(long, value_name = "FORM=FILE", value_parser = also)]
    pub(crate) also: Vec<(Format, PathBuf)>,
    /// Actions to show; 0 shows all
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) top: usize,
    /// Replace names of namespaces, workloads and images
    #[arg(long)]
    pub(crate) redact_names: bool,
    /// With `--format sarif`: one file an image into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) sarif_split: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Sarif,
    Csv,
    Markdown,
    Html,
    // Ordinary comments: documented values would make every command's help the long one.
    // CycloneDX 1.6: what is installed and what is vulnerable
    Cyclonedx,
    // SPDX 2.3: what is installed
    SpdxJson,
    // OpenVEX 0.2.0: what is known of each vulnerability
    Openvex,
    // GitLab container scanning report
    Gitlab,
    Junit,
    // Job summary of a GitHub workflow
    Github,
    // The JSON reports of others, for pipelines that parse them
    TrivyJson,
    GrypeJson,
}

fn also(text: &str) -> Result<(Format, PathBuf), String> {
    let wrong = || format!("expected FORM=FILE such as gitlab=report.json, found `{text}`");
    let (form, file) = text.split_once('=').ok_or_else(wrong)?;
    if file.is_empty() {
        return Err(wrong());
    }
    let form =
        Format::from_str(form, false).map_err(|_| format!("`{form}` is no form of output"))?;
    Ok((form, file.into()))
}
