//! Names and versions of the sections of both files, and the small table of contents in each.

use super::container::{Id, Known};
use model::assessment::FeedInfo;
use serde::{Deserialize, Serialize};

/// Kind of the file of advisories.
pub(crate) const ADVISORIES: Id = *b"ADVI";
/// Kind of the file of EPSS and KEV, which changes daily.
pub(crate) const SCORES: Id = *b"SCOR";

/// JSON of [`Contents`].
pub(crate) const META: Known = (*b"META", 1);

// Advisories. Ids are numbered: CVEs first, then the others.
/// CVE ids (`keys`).
pub(crate) const CVES: Known = (*b"CVES", 1);
/// Other ids (`ids`).
pub(crate) const IDS: Known = (*b"IDS ", 1);
/// Closure of each id (`packed`).
pub(crate) const OWNERS: Known = (*b"OWNR", 1);
/// A closure (`rows`): count and deltas of its ids, first statement, count of statements.
pub(crate) const CLOSURES: Known = (*b"CLOS", 1);
/// Statements (`rows`), those of one closure together.
pub(crate) const STATEMENTS: Known = (*b"STMT", 1);
/// CVSS vectors (`ids`).
pub(crate) const VECTORS: Known = (*b"VECT", 1);
/// Titles (`texts`).
pub(crate) const TITLES: Known = (*b"TITL", 1);
/// `ECOSYSTEM\x1fPACKAGE` (`ids`).
pub(crate) const PACKAGES: Known = (*b"PKGS", 1);
/// What is affected of each package (`rows`), see `affected.rs`.
pub(crate) const AFFECTED: Known = (*b"RNGS", 1);
/// Versions and other words that ranges name (`ids`).
pub(crate) const VERSIONS: Known = (*b"VERS", 1);
/// Vulnerable Go packages (`texts`), see `build/packages.rs`.
pub(crate) const IMPORTS: Known = (*b"IMPO", 1);

// Scores.
/// CVEs with an EPSS score (`keys`).
pub(crate) const EPSS_CVES: Known = (*b"EKEY", 1);
/// Scores and percentiles as integers of the decimals in [`Contents`] (`packed`).
pub(crate) const EPSS_SCORES: Known = (*b"ESCO", 1);
pub(crate) const EPSS_PERCENTILES: Known = (*b"EPER", 1);
/// CVEs in the catalogue of known exploited vulnerabilities (`keys`), and their entries (`rows`).
pub(crate) const KEV_CVES: Known = (*b"KKEY", 1);
pub(crate) const KEV_ENTRIES: Known = (*b"KENT", 1);
/// Name, vendor and product of each entry (`texts`, three an entry).
pub(crate) const KEV_TEXTS: Known = (*b"KTXT", 1);

pub(crate) const ADVISORY_SECTIONS: &[Known] = &[
    META, CVES, IDS, OWNERS, CLOSURES, STATEMENTS, VECTORS, TITLES, PACKAGES, AFFECTED, VERSIONS,
    IMPORTS,
];
pub(crate) const SCORE_SECTIONS: &[Known] = &[
    META,
    EPSS_CVES,
    EPSS_SCORES,
    EPSS_PERCENTILES,
    KEV_CVES,
    KEV_ENTRIES,
    KEV_TEXTS,
];

/// Between ecosystem and package name.
pub(crate) const UNIT: char = '\u{1f}';

/// The small part that is read at open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// Feeds of this file; statements name theirs by position.
    pub feeds: Vec<FeedInfo>,
    /// Sources of CVSS vectors, by position.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Decimals of the EPSS integers.
    #[serde(default)]
    pub epss_decimals: u32,
}
