//! The database use cases: build from a folder, update from the sources, status, show.
//! Comes in: folders, addresses. Goes out: an installed database and plain structs about it.
//! Never: a database half replaced, an older one lost to a failure, a host that was not asked for.

mod fetch;
mod matching;
mod update;
mod versions;

pub use fetch::FetchError;
pub use matching::{Matched, PackageMatch, PackageMatches, match_purl};
pub use update::{
    FeedOutcome, FeedSource, Outcome, Progress, Times, UpdateOptions, Updated, official, source,
    update,
};
pub use versions::{CompareError, compare};

use intel::assess::{FeedGaps, vulnerability};
use intel::build::{BuildError, BuildOptions, Built};
use intel::{ADVISORIES_FILE, Damage, Intelligence, KevEntry, OpenError, SCORES_FILE};
use jiff::civil::Date;
use model::assessment::FeedInfo;
use model::evidence::{Gap, GapId, GapWeight, Stage};
use model::text::Text;
use model::vulnerability::{Cvss, Epss, Severity, Ssvc, Vulnerability};
use serde::Serialize;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("building the intelligence database")]
    Build(#[from] BuildError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("verifying the intelligence database in {folder}")]
    Damaged {
        folder: PathBuf,
        #[source]
        source: Damage,
    },
    #[error("writing {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no feed could be fetched and {folder} holds none; first: {first}")]
    NoFeed { folder: PathBuf, first: String },
    #[error("another update of {folder} is running")]
    Busy { folder: PathBuf },
    #[error("feed {0} is not known; known are epss, kev, vulnrichment and osv/ECOSYSTEM")]
    UnknownFeed(String),
    #[error("starting the network")]
    Network(#[source] io::Error),
}

/// Builds from the folder of feeds `from` and installs into the folder `into`.
pub fn build(from: &Path, into: &Path) -> Result<(Status, Vec<Gap>), DatabaseError> {
    let (built, gaps) = intel::build::build(from, &BuildOptions::default())?;
    install(&built, into)?;
    Ok((status(into, false)?, gaps))
}

/// Verifies both files and puts them into `folder`, each by one rename; open readers keep the old ones.
pub fn install(built: &Built, folder: &Path) -> Result<(), DatabaseError> {
    let sound = Intelligence::from_bytes(built.advisories.clone(), built.scores.clone())?;
    sound.verify().map_err(|source| DatabaseError::Damaged {
        folder: folder.to_owned(),
        source,
    })?;
    std::fs::create_dir_all(folder).map_err(|source| writing(folder, source))?;
    for (name, bytes) in [
        (ADVISORIES_FILE, &built.advisories),
        (SCORES_FILE, &built.scores),
    ] {
        replace(&folder.join(name), bytes)?;
    }
    Ok(())
}

/// Writes a file beside `path` and renames it onto `path`.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), DatabaseError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|source| writing(path, source))
}

fn writing(path: &Path, source: io::Error) -> DatabaseError {
    DatabaseError::Write {
        path: path.to_owned(),
        source,
    }
}

/// What `db status` tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    pub folder: PathBuf,
    /// SHA-256 of the advisories.
    pub digest: Text,
    pub advisories_bytes: u64,
    pub scores_bytes: u64,
    pub epss_model: Option<Text>,
    pub epss_date: Option<Date>,
    /// The date of the oldest of EPSS and KEV, which change daily; `None` if one of them is missing or undated.
    pub date: Option<Date>,
    pub feeds: Vec<FeedInfo>,
    /// Whether the digest of the whole files was compared (it was right, or there is no status).
    pub verified: bool,
}

/// Opens the database in `folder`; with `verify`, reads all of it.
pub fn status(folder: &Path, verify: bool) -> Result<Status, DatabaseError> {
    let intel = Intelligence::open(folder)?;
    if verify {
        intel.verify().map_err(|source| DatabaseError::Damaged {
            folder: folder.to_owned(),
            source,
        })?;
    }
    let info = intel.info();
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |meta| meta.len());
    let feed = |name: &str| info.feeds.iter().find(|feed| &*feed.name == name);
    let date = |name: &str| feed(name).and_then(|feed| feed.date);
    Ok(Status {
        folder: folder.to_owned(),
        advisories_bytes: size(ADVISORIES_FILE),
        scores_bytes: size(SCORES_FILE),
        epss_model: feed("epss").and_then(|feed| feed.version.clone()),
        epss_date: date("epss"),
        date: date("epss")
            .zip(date("kev"))
            .map(|(epss, kev)| epss.min(kev)),
        digest: info.digest.clone(),
        feeds: info.feeds,
        verified: verify,
    })
}

/// What `db show` tells of one vulnerability.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// As a scan would judge it. Its unknown facts cite `gaps` by position.
    pub vulnerability: Vulnerability,
    /// Word for word by source.
    pub statements: Vec<Said>,
    /// By CVE of the closure.
    pub epss: Vec<(Text, Epss)>,
    pub kev: Vec<(Text, KevEntry)>,
    pub gaps: Vec<Gap>,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    pub id: Text,
    pub feed: Text,
    pub title: Option<Text>,
    pub published: Option<Date>,
    pub modified: Option<Date>,
    pub withdrawn: Option<Date>,
    pub severity: Option<Severity>,
    pub cvss: Vec<Cvss>,
    pub cwes: Vec<Text>,
    pub ssvc: Option<Ssvc>,
}

/// Everything the database knows of `id` or of an alias of it; `None` if it is in no feed.
pub fn show(intel: &Intelligence, id: &str) -> Result<Option<Shown>, Damage> {
    let Some(record) = intel.find(id)? else {
        return Ok(None);
    };
    let mut gaps = Vec::new();
    let mut missing = |feed: &str| {
        (!intel.has(feed)).then(|| {
            gaps.push(missing_feed(feed));
            GapId(u32::try_from(gaps.len() - 1).unwrap_or(u32::MAX))
        })
    };
    let cited = FeedGaps {
        epss: missing("epss"),
        kev: missing("kev"),
        ssvc: missing("vulnrichment"),
    };
    let ids: Vec<&str> = record.ids.iter().map(|id| &**id).collect();
    let vulnerability = vulnerability(Some(intel), &ids, &[], &cited);
    let statements = record.statements.into_iter().map(|statement| Said {
        title: statement.title.and_then(|title| intel.title(title)),
        id: statement.id,
        feed: statement.feed,
        published: statement.published,
        modified: statement.modified,
        withdrawn: statement.withdrawn,
        severity: statement.severity,
        cvss: statement.cvss,
        cwes: statement
            .cwes
            .iter()
            .map(|cwe| format!("CWE-{cwe}").into())
            .collect(),
        ssvc: statement.ssvc,
    });
    let statements = statements.collect();
    gaps.extend(intel.damage());
    Ok(Some(Shown {
        vulnerability,
        statements,
        epss: record.epss,
        kev: record.kev,
        gaps,
    }))
}

fn missing_feed(feed: &str) -> Gap {
    Gap {
        class: "feed-missing".into(),
        what: format!("the database was built without feed {feed}").into(),
        stage: Stage::Match,
        scope: format!("feed {feed}").into(),
        weight: GapWeight::Widens,
        close: "plimsoll db update".into(),
    }
}
