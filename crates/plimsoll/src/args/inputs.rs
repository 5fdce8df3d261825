//! Where things are read from, and as whom: registries, artifacts, clusters, source trees.

use clap::Args;
use std::path::PathBuf;

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
    /// What to look for: vuln, secret, config (also `misconfig`)
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        value_parser = scanner,
        default_value = "vuln,secret,config"
    )]
    pub(crate) scanners: Vec<Scanner>,
    /// Folder of what was read before; default is under XDG_CACHE_HOME
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Read everything anew and keep nothing
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
}

/// One thing to look for, by Trivy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanner {
    Vulnerabilities,
    Secrets,
    Settings,
}

fn scanner(text: &str) -> Result<Scanner, String> {
    match text {
        "vuln" => Ok(Scanner::Vulnerabilities),
        "secret" => Ok(Scanner::Secrets),
        "config" | "misconfig" => Ok(Scanner::Settings),
        "license" => Err("licences are listed (--format cyclonedx or spdx) and not judged".into()),
        _ => Err(format!("expected vuln, secret or config, found `{text}`")),
    }
}

impl Artifact {
    pub(crate) fn scanners(&self) -> scan::artifacts::Scanners {
        let has = |one| self.scanners.contains(&one);
        scan::artifacts::Scanners {
            vulnerabilities: has(Scanner::Vulnerabilities),
            secrets: has(Scanner::Secrets),
            settings: has(Scanner::Settings),
        }
    }
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
