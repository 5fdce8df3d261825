//! The files of a feed folder in the official layout. Comes in: a directory, or files in memory.
//! Goes out: an ordered list that does not depend on the file system. Never: follows a link out, reads unasked.

use super::FeedError;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A folder deeper than this is no feed.
const MAX_DEPTH: usize = 12;

/// A file below the feed folder.
#[derive(Clone, Debug)]
pub struct FeedFile<'b> {
    /// Path below the folder with `/`, e.g. `osv/Go/all.zip`.
    pub name: String,
    pub content: Content<'b>,
}

#[derive(Clone, Debug)]
pub enum Content<'b> {
    Path(PathBuf),
    Bytes(&'b [u8]),
}

impl FeedFile<'_> {
    /// Reads the bytes as they are stored.
    pub fn open(&self) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        match &self.content {
            Content::Bytes(bytes) => Ok(Box::new(*bytes)),
            Content::Path(path) => match fs::File::open(path) {
                Ok(file) => Ok(Box::new(io::BufReader::with_capacity(1 << 18, file))),
                Err(source) => Err(self.io(source)),
            },
        }
    }

    pub fn io(&self, source: io::Error) -> FeedError {
        FeedError::Io {
            path: self.path(),
            source,
        }
    }

    pub fn damaged(&self, what: impl std::fmt::Display) -> FeedError {
        FeedError::Damaged {
            path: self.path(),
            what: what.to_string(),
        }
    }

    pub fn path(&self) -> PathBuf {
        match &self.content {
            Content::Path(path) => path.clone(),
            Content::Bytes(_) => PathBuf::from(&self.name),
        }
    }

    /// Last part of the name.
    pub fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// All plain files below `dir`, ordered by name. Links to files are read, links to folders are not followed.
pub fn list(dir: &Path) -> Result<Vec<FeedFile<'static>>, FeedError> {
    let mut files = Vec::new();
    walk(dir, "", 0, &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn walk(
    dir: &Path,
    prefix: &str,
    depth: usize,
    out: &mut Vec<FeedFile<'static>>,
) -> Result<(), FeedError> {
    let io = |source| FeedError::Io {
        path: dir.to_owned(),
        source,
    };
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let file_name = entry.file_name();
        let Some(base) = file_name.to_str().filter(|base| !base.starts_with('.')) else {
            continue;
        };
        let name = if prefix.is_empty() {
            base.to_owned()
        } else {
            format!("{prefix}/{base}")
        };
        let path = entry.path();
        if entry.file_type().map_err(io)?.is_dir() {
            if depth < MAX_DEPTH {
                walk(&path, &name, depth + 1, out)?;
            }
        } else if fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
            out.push(FeedFile {
                name,
                content: Content::Path(path),
            });
        }
    }
    Ok(())
}
