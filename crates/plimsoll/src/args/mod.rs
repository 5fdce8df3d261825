//! The command line, one definition a flag; long names follow Trivy's where the thing is the same.

mod benchmark;
mod context;
mod database;
mod fix;
mod images;
mod inputs;
mod netpol;
mod node;
mod paths;
mod profiles;
mod reach;
mod rights;
mod scanning;
mod show;
mod values;
mod vap;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use std::path::PathBuf;

pub(crate) use benchmark::{Benchmarked, Checklist, ChecklistFormat, Cis, CisFormat, FailOn};
pub(crate) use context::Context;
pub(crate) use database::{Db, Plain};
pub(crate) use fix::{Class, Fix, FixFormat};
pub(crate) use images::{Fetch, Holdings, Images, PullSecrets, Which};
pub(crate) use inputs::{Artifact, Cluster, Registry, Source};
pub(crate) use netpol::Netpol;
pub(crate) use node::{Node, NodeFormat};
pub(crate) use paths::{PathOrder, Paths, PathsFormat};
pub(crate) use profiles::Profiles;
pub(crate) use reach::{Reach, ReachFormat};
pub(crate) use rights::{Can, Export, RightsFormat, Sources as RightsSources, WhoCan};
pub(crate) use scanning::{Gate, GateOn, Scan};
pub(crate) use show::{Format, Show};
pub(crate) use vap::Vap;

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
    Scan(Scanned),
    /// Write a snapshot of a live cluster for offline work
    Collect(Collect),
    /// Print the queue of a saved scan again
    Queue(Saved),
    /// Print attack paths and the fewest changes that end them
    Paths(Paths),
    /// Say who reaches whom by the network policies of a cluster or its files, and why
    Reach(Reach),
    /// Say who may do something: every subject with the binding and role that lets it
    WhoCan(WhoCan),
    /// Say all that a user, group or service account may do, and what of it an audit log shows to be used
    Can(Can),
    /// Answer the CIS benchmark control by control: pass, fail, not applicable, or what was not seen
    Cis(Cis),
    /// Answer the ten points of the hardening checklist, each with evidence and the next command
    Checklist(Checklist),
    /// Write the exact changes that close findings of configuration: a diff of files, commands for live objects
    Fix(Fix),
    /// Write what a cluster can apply
    #[command(subcommand)]
    Export(Export),
    /// Explain a CVE, check, finding or object of a saved scan: every factor, source and piece of evidence
    Explain(Explain),
    /// Build, update and query the intelligence database
    #[command(subcommand)]
    Db(Db),
    /// Take the command line of another scanner, and end with its exit codes
    Compat(crate::compat::Compat),
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant)] // one value a process
pub(crate) enum Scanned {
    #[command(flatten)]
    Ranked(Target),
    /// A node from inside: processes, permissions and configuration of its components, as evidence for other commands
    Node(Node),
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
        profiles: Profiles,
        #[command(flatten)]
        options: Scan,
        #[command(flatten)]
        images: Images,
        #[command(flatten)]
        secrets: PullSecrets,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        registry: Registry,
    },
    /// Files and folders of YAML or JSON, rendered Helm or Kustomize output, `-` for standard input
    Manifests {
        /// Files or folders; `-` reads standard input
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        options: Scan,
        #[command(flatten)]
        images: Images,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        registry: Registry,
    },
    /// A snapshot written by `plimsoll collect`
    Snapshot {
        /// File written by `plimsoll collect`
        file: PathBuf,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        profiles: Profiles,
        #[command(flatten)]
        options: Scan,
        #[command(flatten)]
        images: Images,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        registry: Registry,
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
        #[arg(long, value_name = "OS/ARCH", value_parser = values::platform)]
        platform: Option<scan::artifacts::Platform>,
        /// Where REF is looked for, in this order: docker, podman, containerd (stores of this machine, by their
        /// sockets), registry; default is all four, without those whose socket is not there
        #[arg(long, value_name = "SOURCE", value_delimiter = ',', conflicts_with = "input",
            value_parser = scan::artifacts::ImageSource::parse)]
        image_src: Vec<scan::artifacts::ImageSource>,
        #[command(flatten)]
        registry: Registry,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        context: Context,
        #[command(flatten)]
        options: Scan,
    },
    /// The images of a registry, the newest tags of each repository, each distinct image once
    Registry {
        #[command(flatten)]
        holdings: Holdings,
        #[command(flatten)]
        options: Scan,
        #[command(flatten)]
        fetch: Fetch,
        #[command(flatten)]
        artifact: Artifact,
        #[command(flatten)]
        registry: Registry,
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
    /// A list of packages (SBOM): CycloneDX in JSON or XML, SPDX in JSON, JSON-LD or tag-value
    Sbom {
        /// The file; `-` reads standard input
        file: PathBuf,
        /// The distribution of its packages, before what the list says, e.g. debian:12
        #[arg(long, value_name = "NAME:VERSION", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        distro: Option<String>,
        #[command(flatten)]
        options: Scan,
    },
}

impl Target {
    /// What is asked for by name; empty: everything.
    pub(crate) fn profiles(&self) -> &[scan::profiles::Profile] {
        match self {
            Target::Cluster { profiles, .. }
            | Target::Manifests { profiles, .. }
            | Target::Snapshot { profiles, .. } => &profiles.names,
            _ => &[],
        }
    }

    /// What every scan takes.
    pub(crate) fn options(&self) -> &Scan {
        match self {
            Target::Cluster { options, .. }
            | Target::Manifests { options, .. }
            | Target::Snapshot { options, .. }
            | Target::Reports { options }
            | Target::Image { options, .. }
            | Target::Registry { options, .. }
            | Target::Rootfs { options, .. }
            | Target::Sbom { options, .. } => options,
        }
    }
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
    /// CVE, check, number of an action, image, package (`openssl`, `pkg:deb/debian/openssl`), object (`Deployment
    /// shop/web`, `shop/web`), or key of a finding
    pub(crate) id: String,
    /// Bundle written by `--save`
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Folder of the intelligence database that tells why nothing was found in a package
    #[arg(long, value_name = "DIR")]
    pub(crate) db: Option<PathBuf>,
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
