//! Files that only their owner can read (rule 21: a report is an attack plan), whole or not at all.
//! Comes in: a path and what writes the bytes. Never leaves half a file, never widens rights.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot create a file beside {}", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot put the finished report in place as {}", path.display())]
    Rename { path: PathBuf, source: io::Error },
}

/// Writes `path` with mode 0600 through a temporary file in the same folder and a rename.
/// What is there and is no regular file (`/dev/stdout`, a named pipe) is written directly.
pub fn write_private(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Error> {
    let writing = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let creating = |source| Error::Create {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let mut out = BufWriter::new(File::options().write(true).open(path).map_err(creating)?);
        return write(&mut out).and_then(|()| out.flush()).map_err(writing);
    }
    let folder = folder(path);
    // Created with 0600 on Unix, and removed when dropped before the rename.
    let mut beside = tempfile::Builder::new()
        .prefix(".plimsoll-")
        .tempfile_in(folder)
        .map_err(creating)?;
    let mut out = BufWriter::with_capacity(64 * 1024, beside.as_file_mut());
    write(&mut out)
        .and_then(|()| out.flush())
        .map_err(writing)?;
    drop(out);
    beside.as_file().sync_all().map_err(writing)?;
    beside.persist(path).map_err(|error| Error::Rename {
        path: path.to_owned(),
        source: error.error,
    })?;
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Puts other bytes into a file that is there, whole or not at all; its permissions stay, and a link still leads to it.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let writing = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    let real = fs::canonicalize(path).map_err(writing)?;
    let about = fs::metadata(&real).map_err(writing)?;
    let beside = tempfile::Builder::new()
        .prefix(".plimsoll-")
        .tempfile_in(folder(&real));
    let mut beside = beside.map_err(|source| Error::Create {
        path: path.to_owned(),
        source,
    })?;
    beside.write_all(bytes).map_err(writing)?;
    let kept = beside.as_file().set_permissions(about.permissions());
    kept.and_then(|()| beside.as_file().sync_all())
        .map_err(writing)?;
    beside.persist(&real).map_err(|error| Error::Rename {
        path: path.to_owned(),
        source: error.error,
    })?;
    Ok(())
}
