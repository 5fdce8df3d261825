//! `db update`: fetches what changed, looks at it, replaces it, builds. Comes in: sources and folders.
//! Goes out: what happened to each feed, and an installed database. Never: an old file lost to a failed feed.

use super::fetch::{self, FetchError, Fetched, Version};
use super::{DatabaseError, Status, replace, status, writing};
use model::evidence::{Gap, GapWeight, Stage};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One feed and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSource {
    /// `epss`, `kev`, `vulnrichment`, `osv/Go`.
    pub feed: String,
    /// http, https or file.
    pub url: String,
    /// Largest file in bytes.
    pub limit: u64,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub connect: Duration,
    /// Without a byte.
    pub idle: Duration,
    /// Before the second try; grows with each.
    pub pause: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Times {
            connect: Duration::from_secs(15),
            idle: Duration::from_mins(1),
            pause: Duration::from_secs(2),
        }
    }
}

#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// Folder of feeds in the official layout.
    pub feeds: PathBuf,
    /// Folder of the database.
    pub database: PathBuf,
    pub sources: Vec<FeedSource>,
    pub times: Times,
}

/// Bytes of a feed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    pub feed: &'a str,
    pub received: u64,
    pub total: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Updated {
    pub feeds: Vec<FeedOutcome>,
    /// Whether the database was built anew.
    pub rebuilt: bool,
    pub status: Status,
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedOutcome {
    pub feed: String,
    pub url: String,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Updated {
        bytes: u64,
    },
    Unchanged,
    /// Nothing was replaced.
    Failed {
        error: String,
        /// Whether an older file is still there.
        kept: bool,
    },
}

/// The feeds that this version makes use of, at their publishers.
pub fn official() -> Vec<FeedSource> {
    ["epss", "kev", "vulnrichment", "osv/Kubernetes", "osv/Go"]
        .into_iter()
        .filter_map(|feed| source(feed).ok())
        .collect()
}

/// A feed at its publisher; its address may then be replaced by a mirror's.
pub fn source(feed: &str) -> Result<FeedSource, DatabaseError> {
    let (url, limit) = match feed {
        "epss" => (
            "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz".to_owned(),
            64 << 20,
        ),
        "kev" => (
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
                .to_owned(),
            64 << 20,
        ),
        "vulnrichment" => (
            "https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.tar.gz".to_owned(),
            4 << 30,
        ),
        // OSV has no such ecosystem; this is the list of the Kubernetes CVE feed with ranges, as OSV records.
        "osv/Kubernetes" => (
            "https://github.com/aquasecurity/vuln-list-k8s/archive/refs/heads/main.tar.gz"
                .to_owned(),
            256 << 20,
        ),
        other => {
            let ecosystem = other.strip_prefix("osv/").filter(|name| is_ecosystem(name));
            let ecosystem = ecosystem.ok_or_else(|| DatabaseError::UnknownFeed(feed.to_owned()))?;
            (
                format!(
                    "https://osv-vulnerabilities.storage.googleapis.com/{}/all.zip",
                    ecosystem.replace(' ', "%20")
                ),
                4 << 30,
            )
        }
    };
    Ok(FeedSource {
        feed: feed.to_owned(),
        url,
        limit,
    })
}

/// A folder name and nothing else.
fn is_ecosystem(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " .-_".contains(c))
}

/// What is held of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    url: String,
    /// Below the folder of feeds.
    file: String,
    bytes: u64,
    sha256: String,
    version: Version,
}

/// By feed; `.state.json` in the folder of feeds.
type State = BTreeMap<String, Held>;

/// Fetches each source that changed, then builds and installs the database if anything is new. A feed that fails
/// keeps its old file and becomes a gap; only if there is no feed at all is that an error.
pub fn update(
    options: &UpdateOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Updated, DatabaseError> {
    let feeds = &options.feeds;
    fs::create_dir_all(feeds).map_err(|error| writing(feeds, error))?;
    let lock = feeds.join(".lock");
    let lock = File::create(&lock).map_err(|error| writing(&lock, error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DatabaseError::Busy {
                folder: feeds.clone(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(writing(feeds, error)),
    }
    let state_file = feeds.join(".state.json");
    let mut state: State = fs::read(&state_file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DatabaseError::Network)?;
    let client = fetch::client(options.times.connect, options.times.idle)
        .map_err(|error| DatabaseError::Network(std::io::Error::other(error)))?;
    let mut outcomes = Vec::new();
    for source in &options.sources {
        let mut told = |received, total| {
            progress(&Progress {
                feed: &source.feed,
                received,
                total,
            });
        };
        let fetched = runtime.block_on(one(
            &client,
            source,
            options,
            state.get(&source.feed),
            &mut told,
        ));
        let outcome = match fetched {
            Ok(None) => Outcome::Unchanged,
            Ok(Some(held)) => {
                let bytes = held.bytes;
                let old = state.insert(source.feed.clone(), held.clone());
                let text = serde_json::to_vec_pretty(&state).unwrap_or_default();
                replace(&state_file, &text)?;
                // The same feed under another ending would be read twice.
                if let Some(old) = old.filter(|old| old.file != held.file) {
                    let _ = fs::remove_file(feeds.join(old.file));
                }
                Outcome::Updated { bytes }
            }
            Err(error) => Outcome::Failed {
                error: chain(&error),
                kept: state
                    .get(&source.feed)
                    .is_some_and(|held| feeds.join(&held.file).is_file()),
            },
        };
        outcomes.push(FeedOutcome {
            feed: source.feed.clone(),
            url: source.url.clone(),
            outcome,
        });
    }
    finish(options, outcomes)
}

fn finish(options: &UpdateOptions, feeds: Vec<FeedOutcome>) -> Result<Updated, DatabaseError> {
    let mut gaps: Vec<Gap> = feeds.iter().filter_map(failed_gap).collect();
    let changed = feeds
        .iter()
        .any(|feed| matches!(feed.outcome, Outcome::Updated { .. }));
    if !changed && let Ok(status) = status(&options.database, false) {
        return Ok(Updated {
            feeds,
            rebuilt: false,
            status,
            gaps,
        });
    }
    match super::build(&options.feeds, &options.database) {
        Ok((status, more)) => {
            gaps.extend(more);
            Ok(Updated {
                feeds,
                rebuilt: true,
                status,
                gaps,
            })
        }
        Err(DatabaseError::Build(intel::build::BuildError::NoFeed(_))) => {
            Err(DatabaseError::NoFeed {
                folder: options.feeds.clone(),
                first: gaps.first().map_or_else(
                    || "no feed was asked for".to_owned(),
                    |gap| gap.what.to_string(),
                ),
            })
        }
        Err(error) => Err(error),
    }
}

fn failed_gap(feed: &FeedOutcome) -> Option<Gap> {
    let Outcome::Failed { error, kept } = &feed.outcome else {
        return None;
    };
    let kept = if *kept {
        "the older one is kept"
    } else {
        "there is no older one"
    };
    Some(Gap {
        class: "feed-not-updated".into(),
        what: format!("feed {} was not updated ({kept}): {error}", feed.feed).into(),
        stage: Stage::Match,
        scope: format!("feed {}", feed.feed).into(),
        weight: GapWeight::Widens,
        close: "plimsoll db update".into(),
    })
}

/// One feed: `None` if it did not change, else what is held now.
async fn one(
    client: &reqwest::Client,
    source: &FeedSource,
    options: &UpdateOptions,
    held: Option<&Held>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Option<Held>, FetchError> {
    let url = Url::parse(&source.url).map_err(|_| FetchError::Address(source.url.clone()))?;
    let file = file_name(&source.feed, url.path());
    let target = options.feeds.join(&file);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FetchError::Io { path, source }
    };
    let folder = target.parent().unwrap_or(&options.feeds);
    fs::create_dir_all(folder).map_err(io(folder))?;
    let base = target.file_name().unwrap_or_default().to_string_lossy();
    let part = folder.join(format!(".{base}.part"));
    // Only a file that is still there as it was left may answer for "unchanged".
    let held = held.filter(|held| {
        held.url == source.url
            && held.file == file
            && fs::metadata(&target).is_ok_and(|meta| meta.len() == held.bytes)
    });
    let version = match url.scheme() {
        "file" => {
            let path = url
                .to_file_path()
                .map_err(|()| FetchError::Address(source.url.clone()))?;
            fetch::copy(&path, &part, source.limit, &source.url)?;
            Version::default()
        }
        "http" | "https" => {
            let request = fetch::Request {
                url: &source.url,
                part: &part,
                limit: source.limit,
                held: held.map(|held| &held.version),
                pause: options.times.pause,
            };
            match fetch::fetch(client, &request, progress).await? {
                Fetched::Unchanged => return Ok(None),
                Fetched::Complete(version) => version,
            }
        }
        _ => return Err(FetchError::Address(source.url.clone())),
    };
    let sha256 = fetch::sha256(&part).map_err(io(&part))?;
    if held.is_some_and(|held| held.sha256 == sha256 && held.version == version) {
        fetch::forget(&part);
        return Ok(None);
    }
    if let Err(error) = intel::build::probe(&file, &part) {
        fetch::forget(&part);
        return Err(FetchError::NoFeed(error));
    }
    let bytes = fs::metadata(&part).map_err(io(&part))?.len();
    fs::rename(&part, &target).map_err(io(&target))?;
    Ok(Some(Held {
        url: source.url.clone(),
        file,
        bytes,
        sha256,
        version,
    }))
}

/// Place in the official layout; the ending is the address's where it is one that can be read.
fn file_name(feed: &str, path: &str) -> String {
    let ending = |known: &[&'static str]| {
        let found = known.iter().find(|ending| path.ends_with(**ending));
        found.or(known.first()).copied().unwrap_or_default()
    };
    match feed {
        "epss" => format!("epss/epss_scores-current{}", ending(&[".csv.gz", ".csv"])),
        "kev" => "kev/known_exploited_vulnerabilities.json".to_owned(),
        "vulnrichment" => format!(
            "vulnrichment{}",
            ending(&[".tar.gz", ".tgz", ".tar.zst", ".tar", ".zip"])
        ),
        osv => format!(
            "{osv}/all{}",
            ending(&[".zip", ".tar.gz", ".tgz", ".tar.zst", ".tar"])
        ),
    }
}

fn chain(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_official_layout() {
        for (feed, path, expected) in [
            (
                "epss",
                "/epss_scores-current.csv.gz",
                "epss/epss_scores-current.csv.gz",
            ),
            ("epss", "/x.csv", "epss/epss_scores-current.csv"),
            ("vulnrichment", "/v.tar.zst", "vulnrichment.tar.zst"),
            ("vulnrichment", "/v", "vulnrichment.tar.gz"),
            ("osv/Go", "/Go/all.zip", "osv/Go/all.zip"),
            (
                "osv/Kubernetes",
                "/main.tar.gz",
                "osv/Kubernetes/all.tar.gz",
            ),
        ] {
            assert_eq!(file_name(feed, path), expected);
        }
    }

    #[test]
    fn feeds_have_names() {
        assert_eq!(official().len(), 5);
        for bad in ["", "nvd", "osv/", "osv/../../etc", "osv/a/b", "osv/.x"] {
            assert!(
                matches!(source(bad), Err(DatabaseError::UnknownFeed(_))),
                "{bad}"
            );
        }
        assert_eq!(
            source("osv/Red Hat").unwrap().url,
            "https://osv-vulnerabilities.storage.googleapis.com/Red%20Hat/all.zip"
        );
    }
}
