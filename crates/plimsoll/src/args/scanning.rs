//! What every scan takes: reports, declarations, exceptions, the gate.

use super::show::Show;
use super::values::{days, minor, package_kind, percent, severity, status};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use model::matches::FixState;
use model::vulnerability::Severity;
use scan::filter::PackageKind;
use scan::gate::FailOn;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// Other scanners' results: files and folders (Trivy, Grype, SARIF, CycloneDX, SPDX, Snyk, Harbor, Kubescape ...)
    #[arg(long = "report", value_name = "PATH", num_args = 1)]
    pub(crate) reports: Vec<PathBuf>,
    /// What the cluster cannot say about itself: environments, owners, criticality, accepted gaps; default is
    /// plimsoll.yaml in the current folder
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read no plimsoll.yaml
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
    /// Folder of the intelligence database; default is under XDG_DATA_HOME
    #[arg(long, value_name = "DIR")]
    pub(crate) db: Option<PathBuf>,
    /// Name that keys are stored under when the cluster's id cannot be read
    #[arg(long)]
    pub(crate) cluster_name: Option<String>,
    /// Version that files are judged by, e.g. 1.36
    #[arg(long, value_name = "1.N", value_parser = minor)]
    pub(crate) kubernetes_version: Option<u16>,
    /// Time of the scan, RFC 3339; default is SOURCE_DATE_EPOCH, then the clock
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
    /// Write the scan to a bundle that `--from` reads
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) exceptions: Exceptions,
    #[command(flatten)]
    pub(crate) gate: Gate,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// What takes findings out, with who and why.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exceptions")]
pub(crate) struct Exceptions {
    /// VEX document: OpenVEX, CSAF or CycloneDX (may be repeated); documents that came with an image do not count
    #[arg(long, value_name = "FILE", num_args = 1)]
    pub(crate) vex: Vec<PathBuf>,
    /// Ignore file: our own YAML, .trivyignore, .trivyignore.yaml or .grype.yaml (may be repeated); default is
    /// .plimsollignore.yaml in the current folder
    #[arg(long = "ignorefile", value_name = "FILE", num_args = 1)]
    pub(crate) ignore_files: Vec<PathBuf>,
    /// Read no .plimsollignore.yaml
    #[arg(long, conflicts_with = "ignore_files")]
    pub(crate) no_ignorefile: bool,
    /// Exceptions in annotations of objects count (plimsoll.dev/ignore, -owner, -reason, -expires)
    #[arg(long)]
    pub(crate) ignore_annotations: bool,
    /// An ignore file as it was before the change that is judged (may be repeated): only entries that it has too count
    #[arg(
        long = "ignorefile-base",
        value_name = "FILE",
        num_args = 1,
        conflicts_with = "base_ref"
    )]
    pub(crate) ignore_base: Vec<PathBuf>,
    /// Branch or commit whose ignore files count, read with git; default in a pull or merge request is what it goes into
    #[arg(long, value_name = "REF")]
    pub(crate) base_ref: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Gate")]
pub(crate) struct Gate {
    /// Fail on a severity, `kev`, `fixable`, `epss>=X`, `epss-percentile>=X`, `score>=N` or `stale-ignore`; a comma
    /// means or, `+` means and: `critical+fixable,kev`
    #[arg(long, value_delimiter = ',')]
    pub(crate) fail_on: Vec<FailOn>,
    /// Exit code for "over the gate"; without --fail-on any finding is over it
    #[arg(long, value_name = "N")]
    pub(crate) exit_code: Option<u8>,
    /// Which end of a score's interval `score>=N` looks at
    #[arg(long, value_enum, default_value_t = GateOn::Expected)]
    #[allow(clippy::struct_field_names)] // the flag's name
    pub(crate) gate_on: GateOn,
    /// Let findings pass of which it is not known whether they are over the gate
    #[arg(long)]
    pub(crate) allow_unknown: bool,
    /// Share of images that must have been scanned, e.g. 95%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) min_coverage: Option<f64>,
    /// Oldest EPSS and KEV feeds that a gate accepts, in days
    #[arg(long, value_name = "DAYS", default_value_t = 5)]
    pub(crate) max_db_age: u32,
    /// Let a vulnerability pass for so long after the later of its publication and its fix, e.g. 14d; known exploited
    /// ones have no grace
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub(crate) grace: Option<u32>,
    /// Judge only what is new against this bundle or JSON report; what only a feed changed is told and passes
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Count only these severities, e.g. HIGH,CRITICAL; the others are listed as suppressed
    #[arg(short, long, value_delimiter = ',', value_parser = severity)]
    pub(crate) severity: Vec<Severity>,
    /// Count only what has a fix; known exploited ones stay
    #[arg(long)]
    pub(crate) ignore_unfixed: bool,
    /// Count only what has a fix; known exploited ones without one are left out too, and named
    #[arg(long)]
    pub(crate) only_fixed: bool,
    /// Leave out vulnerabilities whose fix has one of these states: fixed, affected, will_not_fix, fix_deferred,
    /// end_of_life, under_investigation, unknown
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status)]
    pub(crate) ignore_status: Vec<FixState>,
    /// Count only packages of these kinds: os, library
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = package_kind)]
    pub(crate) pkg_types: Vec<PackageKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateOn {
    Expected,
    Worst,
}
