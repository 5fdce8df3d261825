//! The command line, one definition a flag; long names follow Trivy's where the thing is the same.

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use model::vulnerability::Severity;
use scan::gate::FailOn;
use std::path::PathBuf;

/// Ranks what is vulnerable in a Kubernetes cluster and prints the few fixes that matter.
///
/// Everything runs here; nothing is uploaded. Exit codes: 0 nothing over the gate, 1 something over the gate,
/// 2 wrong usage, 3 not completed (or a gap could hide what the gate asks for).
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // one value a process
pub(crate) enum Command {
    /// Run the main job on a bundled example: no network, no cluster
    Demo(Show),
    /// Look at a cluster or its files and print a ranked queue of fixes
    #[command(subcommand)]
    Scan(Target),
    /// Write a snapshot of a live cluster for offline work
    Collect(Collect),
    /// Print the queue of a saved scan again
    Queue(Saved),
    /// Print attack paths and the fewest changes that end them
    Paths(Saved),
    /// Explain a CVE, check, finding or object of a saved scan: every factor, source and piece of evidence
    Explain(Explain),
    /// Build, update and query the intelligence database
    #[command(subcommand)]
    Db(Db),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Target {
    /// A live cluster
    Cluster {
        #[command(flatten)]
        cluster: Cluster,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        options: Scan,
    },
    /// Files and folders of YAML or JSON, rendered Helm or Kustomize output, `-` for standard input
    Manifests {
        /// Files or folders; `-` reads standard input
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        options: Scan,
    },
    /// A snapshot written by `plimsoll collect`
    Snapshot {
        /// File written by `plimsoll collect`
        file: PathBuf,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        options: Scan,
    },
    /// Only other scanners' results, without a cluster: ranked by what is known of the vulnerabilities
    Reports {
        #[command(flatten)]
        options: Scan,
    },
    /// A container image: what is installed in it, and what of that is vulnerable
    Image {
        /// Reference of an image in a registry, e.g. ghcr.io/owner/app:1.2
        #[arg(required_unless_present = "input", value_name = "REF")]
        reference: Option<String>,
        /// Archive of `docker save`, OCI archive, or folder in OCI layout
        #[arg(long, value_name = "FILE", conflicts_with = "reference")]
        input: Option<PathBuf>,
        /// Which image of an archive that holds several
        #[arg(long, value_name = "NAME")]
        image: Option<String>,
        /// Platform of a multi-platform image, e.g. linux/arm64; default is this machine's
        #[arg(long, value_name = "OS/ARCH", value_parser = platform)]
        platform: Option<scan::artifacts::Platform>,
        #[command(flatten)]
        registry: Registry,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        options: Scan,
    },
    /// A folder that is a root file system
    Rootfs {
        /// The folder
        folder: PathBuf,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        options: Scan,
    },
}

/// How registries are spoken to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Registry")]
#[group(skip)]
#[allow(clippy::struct_field_names)] // the flags' names
pub(crate) struct Registry {
    /// Credentials, in the form of Docker's config.json; default is the keychain of Docker and Podman
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_auth: Option<PathBuf>,
    /// Ask a mirror first, e.g. docker.io=mirror.example:5000 (may be repeated)
    #[arg(long, value_name = "HOST=MIRROR", value_parser = scan::artifacts::Mirror::parse)]
    pub(crate) registry_mirror: Vec<scan::artifacts::Mirror>,
    /// Speak to this registry without TLS (may be repeated)
    #[arg(long, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
    /// Trust these authorities too, PEM (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) registry_ca: Vec<PathBuf>,
    /// Let this machine's own cloud identity log in at ECR, Google's and Azure's registries
    #[arg(long)]
    pub(crate) cloud_identity: bool,
}

/// How an artifact is read.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Artifact {
    /// Count what lock files declare too; installed packages always count
    #[arg(long)]
    pub(crate) lock_files: bool,
    /// Folder of what was read before; default is under XDG_CACHE_HOME
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Read everything anew and keep nothing
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
}

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)] // clap names groups after types, and the variant `Target::Cluster` took this one
pub(crate) struct Cluster {
    /// Context of the kubeconfig
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig; default is KUBECONFIG, then ~/.kube/config, then the pod's own account
    #[arg(long)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Look at this namespace only (may be repeated); cluster-wide objects are still read
    #[arg(short = 'n', long = "namespace")]
    pub(crate) namespaces: Vec<String>,
    /// Objects in one page of a list
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) page_size: u32,
}

/// What live objects are written in.
#[derive(Debug, Default, Args)]
pub(crate) struct Source {
    /// Manifests or rendered charts that the cluster's objects come from: findings and fixes point to their file and
    /// line (may be repeated)
    #[arg(long = "source", value_name = "DIR", num_args = 1)]
    pub(crate) folders: Vec<PathBuf>,
}

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateOn {
    Expected,
    Worst,
}

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
}

#[derive(Debug, Args)]
pub(crate) struct Collect {
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    /// File to write (mode 0600)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Name of the cluster in reports
    #[arg(long)]
    pub(crate) cluster_name: Option<String>,
    /// Time of the snapshot, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
}

/// A view of a scan that was saved; default is the last one on this machine.
#[derive(Debug, Args)]
pub(crate) struct Saved {
    /// Bundle written by `--save`
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// CVE, check, number of an action, image, object (`Deployment shop/web`, `shop/web`), or key of a finding
    pub(crate) id: String,
    /// Bundle written by `--save`
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Build the database from a folder of feeds in their official layout
    Build {
        /// Folder with epss/, kev/, osv/ ... (any subset)
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Folder of the database; default is under XDG_DATA_HOME
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Download the feeds that changed and build the database
    Update {
        /// Use another address for a feed: NAME=URL, `file://` too (may be repeated)
        #[arg(long = "mirror", value_name = "NAME=URL")]
        mirrors: Vec<String>,
        /// Only these feeds (may be repeated)
        #[arg(long = "feed", value_name = "NAME")]
        feeds: Vec<String>,
        /// Folder of the database; default is under XDG_DATA_HOME
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
    /// Print date, digest and record count of each feed
    Status {
        /// Folder of the database; default is under XDG_DATA_HOME
        #[arg(long, value_name = "DIR")]
        db: Option<PathBuf>,
        /// Check the digest of the whole files
        #[arg(long)]
        verify: bool,
        /// Form of the output
        #[arg(short, long, value_enum, default_value_t = Plain::Table)]
        format: Plain,
    },
    /// Read lines `A < B`, `A = B`, `A > B` of versions and print those that are wrong, then their number
    Compare {
        /// OSV ecosystem or purl type whose order is asked, e.g. Debian, PyPI, golang
        ecosystem: String,
    },
    /// Print what the database says of single packages
    Match {
        /// Package URL; its qualifiers epoch, upstream, distro and arch count
        #[arg(
            long,
            value_name = "PURL",
            required_unless_present = "purls",
            conflicts_with = "purls"
        )]
        purl: Option<String>,
        /// Distribution of the packages, e.g. debian:12, alpine:3.18; counts before the purl's own
        #[arg(long, value_name = "NAME:VERSION")]
        distro: Option<String>,
        /// File of lines `PURL` or `PURL<TAB>NAME:VERSION`; `-` is stdin
        #[arg(long, value_name = "FILE")]
        purls: Option<PathBuf>,
        /// Folder of the database; default is under XDG_DATA_HOME
        #[arg(long, value_name = "DIR")]
        db: Option<PathBuf>,
        /// Form of the output
        #[arg(short, long, value_enum, default_value_t = Plain::Json)]
        format: Plain,
    },
    /// Print what is known of a vulnerability
    Show {
        /// CVE or another id of it
        id: String,
        /// Folder of the database; default is under XDG_DATA_HOME
        #[arg(long, value_name = "DIR")]
        db: Option<PathBuf>,
        /// Form of the output
        #[arg(short, long, value_enum, default_value_t = Plain::Table)]
        format: Plain,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Plain {
    Table,
    Json,
}

fn platform(text: &str) -> Result<scan::artifacts::Platform, String> {
    scan::artifacts::platform(text)
        .ok_or_else(|| format!("expected a platform such as linux/arm64, found `{text}`"))
}

fn minor(text: &str) -> Result<u16, String> {
    let wrong = || format!("expected a version such as 1.36, found `{text}`");
    let minor = text
        .trim_start_matches('v')
        .strip_prefix("1.")
        .ok_or_else(wrong)?;
    minor
        .split('.')
        .next()
        .and_then(|minor| minor.parse().ok())
        .ok_or_else(wrong)
}

fn days(text: &str) -> Result<u32, String> {
    let wrong = || format!("expected days such as 14d or 2w, found `{text}`");
    let (number, factor) = match text.strip_suffix('w') {
        Some(weeks) => (weeks, 7),
        None => (text.trim_end_matches('d'), 1),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(factor)
        .filter(|days| *days <= 3650)
        .ok_or_else(wrong)
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| format!("expected a percentage, found `{text}`"))?;
    if (0.0..=100.0).contains(&number) {
        Ok(number / 100.0)
    } else {
        Err(format!("expected 0% to 100%, found `{text}`"))
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    match Severity::parse(text) {
        Severity::Unknown if !text.eq_ignore_ascii_case("unknown") => {
            Err(format!("`{text}` is no severity"))
        }
        severity => Ok(severity),
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
