//! The files of a feed folder in the official layout. Comes in: a directory, or files in memory.
//! Goes out: an ordered list that does not depend on the file system. Never: reads what is not asked for.

use super::FeedError;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A folder deeper than this is no feed.
const MAX_DEPTH: usize = 8;

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

/// All plain files below `dir`, ordered by name. Links are followed, so that a folder can be put together from
/// links to feeds; one that leads back to where it was met is not.
pub fn list(dir: &Path) -> Result<Vec<FeedFile<'static>>, FeedError> {
    let mut files = Vec::new();
    walk(dir, "", &mut Vec::new(), &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn walk(
    dir: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    out: &mut Vec<FeedFile<'static>>,
) -> Result<(), FeedError> {
    let io = |source| FeedError::Io {
        path: dir.to_owned(),
        source,
    };
    let real = fs::canonicalize(dir).map_err(io)?;
    if above.len() >= MAX_DEPTH || above.contains(&real) {
        return Ok(());
    }
    above.push(real);
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
        // A link that leads nowhere is no feed.
        let Ok(meta) = fs::metadata(&path) else {
            continue;
        };
        if meta.is_dir() {
            walk(&path, &name, above, out)?;
        } else if meta.is_file() {
            out.push(FeedFile {
                name,
                content: Content::Path(path),
            });
        }
    }
    above.pop();
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_and_never_in_circles() {
        let dir = tempfile::tempdir().unwrap();
        let (feeds, elsewhere) = (dir.path().join("feeds"), dir.path().join("elsewhere"));
        fs::create_dir_all(feeds.join("osv")).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("kev.json"), "{}").unwrap();
        fs::write(feeds.join(".state.json"), "{}").unwrap();
        symlink(&elsewhere, feeds.join("kev")).unwrap();
        symlink(&feeds, feeds.join("osv/again")).unwrap();
        symlink("nowhere", feeds.join("gone")).unwrap();
        let names: Vec<String> = list(&feeds)
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(names, ["kev/kev.json"]);
    }
}
