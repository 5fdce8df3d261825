//! Feeds in, database files out. Comes in: a folder (or files in memory) in the official layout, any subset of
//! the feeds. Goes out: two immutable files and the gaps. Never: a clock, an order of the file system, an
//! unpacked archive; the same feeds give the same bytes.
#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "options will grow; callers pass a reference"
)]

mod layout;
pub(crate) mod packages;
mod write;

use crate::feeds::FeedError;
use crate::feeds::folder::{self, Content, FeedFile};
use layout::{Layout, newest_epss, newest_kev, unread_gap};
use model::evidence::Gap;
use std::path::{Path, PathBuf};

/// The two immutable files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub advisories: Vec<u8>,
    /// EPSS and KEV, which change daily.
    pub scores: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// zstd level of the texts, 1 to 22.
    pub compression: i32,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions { compression: 16 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(
        "{0} holds no feed in the official layout (epss/, kev/, vulnrichment*, osv/, alpine-secdb/, debian-tracker/, csaf*, ssvc/)"
    )]
    NoFeed(PathBuf),
    #[error("not one record of feed {feed} could be read: {reason}")]
    Unreadable { feed: String, reason: String },
    #[error("compressing texts")]
    Compress(#[source] std::io::Error),
}

/// Builds from the folder `dir`.
pub fn build(dir: &Path, options: &BuildOptions) -> Result<(Built, Vec<Gap>), BuildError> {
    let files = folder::list(dir)?;
    build_from(&files, options).map_err(|error| match error {
        BuildError::NoFeed(_) => BuildError::NoFeed(dir.to_owned()),
        other => other,
    })
}

/// Builds from files in memory, each by its path below the folder of feeds.
pub fn build_files(
    files: &[(String, Vec<u8>)],
    options: &BuildOptions,
) -> Result<(Built, Vec<Gap>), BuildError> {
    let mut files: Vec<FeedFile<'_>> = files
        .iter()
        .map(|(name, bytes)| FeedFile {
            name: name.clone(),
            content: Content::Bytes(bytes),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    build_from(&files, options)
}

/// Whether `path` can be read as the feed file `name` (its path below the folder of feeds), so that a download is
/// looked at before it replaces what is there.
pub fn probe(name: &str, path: &Path) -> Result<(), BuildError> {
    let file = FeedFile {
        name: name.to_owned(),
        content: Content::Path(path.to_owned()),
    };
    build_from(&[file], &BuildOptions { compression: 1 }).map(|_| ())
}

fn build_from(
    files: &[FeedFile<'_>],
    options: &BuildOptions,
) -> Result<(Built, Vec<Gap>), BuildError> {
    let layout = Layout::of(files);
    if layout.is_empty() {
        return Err(BuildError::NoFeed(PathBuf::from("the input")));
    }
    let mut gaps = layout.gaps();
    let (advisories, scores) = rayon::join(
        || -> Result<_, BuildError> {
            let feeds = layout.read_advisories()?;
            write::advisories(&feeds, &layout.tables()?, *options)
        },
        || -> Result<_, BuildError> {
            let epss = newest_epss(&layout.epss)?;
            let kev = newest_kev(&layout.kev)?;
            let unread = [
                ("epss", epss.as_ref().map_or(0, |t| t.unread)),
                ("kev", kev.as_ref().map_or(0, |t| t.unread)),
            ];
            let written = write::scores(epss.as_ref(), kev.as_ref(), *options)
                .map_err(BuildError::Compress)?;
            let gaps: Vec<Gap> = unread
                .into_iter()
                .filter_map(|(feed, count)| unread_gap(feed, count, ""))
                .collect();
            Ok((written, gaps))
        },
    );
    let (advisories, more) = advisories?;
    gaps.extend(more);
    let (scores, more) = scores?;
    gaps.extend(more);
    gaps.sort();
    Ok((Built { advisories, scores }, gaps))
}
