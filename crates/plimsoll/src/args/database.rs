//! `plimsoll db`.

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

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
