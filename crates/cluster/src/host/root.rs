//! A node's file system below one folder. Comes in: a path as the node names it. Goes out: status, bytes, names.
//! Every part of a path is opened below the one before it without following links; links are read and resolved here,
//! inside the root. Never: leaves the root, opens what is no file or folder, waits for a pipe.

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::rc::Rc;

/// As Linux counts (path_resolution(7)).
const MAX_LINKS: usize = 40;
/// Parts of one path, those of its links included; also the open folders of one look-up.
const MAX_PARTS: usize = 512;

/// A folder that is only passed through needs no right to list it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const THROUGH: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const THROUGH: OFlags = OFlags::RDONLY;

pub(super) struct Root(Rc<OwnedFd>);

/// Why a path was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// It is not there; a link to nothing too.
    Missing,
    Denied,
    /// Links in a circle, or too many parts.
    Loop,
    /// A pipe, a device, a socket or a folder where a file was asked for.
    NoFile,
    TooLarge,
    Failed,
}

impl Miss {
    pub(super) fn words(self) -> &'static str {
        match self {
            Miss::Missing => "is not there",
            Miss::Denied => "could not be read (permission denied)",
            Miss::Loop => "leads in a circle of links",
            Miss::NoFile => "is no regular file",
            Miss::TooLarge => "is too large",
            Miss::Failed => "could not be read",
        }
    }
}

impl From<Errno> for Miss {
    fn from(error: Errno) -> Self {
        match error {
            // A process that ended while it was read is gone too.
            Errno::NOENT | Errno::NOTDIR | Errno::SRCH => Miss::Missing,
            Errno::ACCESS | Errno::PERM => Miss::Denied,
            Errno::LOOP => Miss::Loop,
            _ => Miss::Failed,
        }
    }
}

/// What a path is, links followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    pub(super) kind: FileType,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Names of a folder, ordered.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    /// There are more, or names that are no UTF-8.
    pub(super) more: bool,
}

struct Found {
    folder: Rc<OwnedFd>,
    name: CString,
    stat: Stat,
}

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Root> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Root(Rc::new(rustix::fs::open(path, flags, Mode::empty())?)))
    }

    pub(super) fn status(&self, path: &str) -> Result<Status, Miss> {
        let stat = self.find(path, true)?.stat;
        Ok(Status {
            kind: FileType::from_raw_mode(stat.st_mode),
            #[allow(clippy::useless_conversion)] // narrower on other systems
            mode: u32::from(stat.st_mode) & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
        })
    }

    /// The whole file.
    pub(super) fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, Miss> {
        match self.read_start(path, limit)? {
            (bytes, false) => Ok(bytes),
            (_, true) => Err(Miss::TooLarge),
        }
    }

    /// The file up to `limit` bytes, and whether it goes on.
    pub(super) fn read_start(&self, path: &str, limit: usize) -> Result<(Vec<u8>, bool), Miss> {
        let found = self.find(path, true)?;
        if FileType::from_raw_mode(found.stat.st_mode) != FileType::RegularFile {
            return Err(Miss::NoFile);
        }
        // It may have become something else since: a pipe would wait for its writer.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let own = openat(&found.folder, &found.name, flags, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&own)?.st_mode) != FileType::RegularFile {
            return Err(Miss::NoFile);
        }
        let mut bytes = Vec::new();
        File::from(own)
            .take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Errno::from_io_error(&error).map_or(Miss::Failed, Miss::from))?;
        let cut = bytes.len() > limit;
        bytes.truncate(limit);
        Ok((bytes, cut))
    }

    /// What stands in a folder, without `.` and `..`; at most `limit` names.
    pub(super) fn names(&self, path: &str, limit: usize) -> Result<Names, Miss> {
        let found = self.find(path, true)?;
        if FileType::from_raw_mode(found.stat.st_mode) != FileType::Directory {
            return Err(Miss::Missing);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let own = openat(&found.folder, &found.name, flags, Mode::empty())?;
        let mut out = Names::default();
        for entry in Dir::read_from(&own)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            match name.to_str() {
                Ok(name) if out.names.len() < limit => out.names.push(name.to_owned()),
                Ok(_) => {
                    out.more = true;
                    break;
                }
                Err(_) => out.more = true,
            }
        }
        out.names.sort_unstable();
        Ok(out)
    }

    /// The text of a link.
    pub(super) fn link(&self, path: &str) -> Result<String, Miss> {
        let found = self.find(path, false)?;
        if FileType::from_raw_mode(found.stat.st_mode) != FileType::Symlink {
            return Err(Miss::Missing);
        }
        let target = readlinkat(&found.folder, &found.name, Vec::new())?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// The folder and name of what a path leads to.
    fn find(&self, path: &str, follow_last: bool) -> Result<Found, Miss> {
        let mut open = vec![Rc::clone(&self.0)];
        let mut todo = parts(path.as_bytes());
        let (mut links, mut seen) = (0, 0);
        while let Some(part) = todo.pop() {
            seen += 1;
            if seen > MAX_PARTS || todo.len() > MAX_PARTS {
                return Err(Miss::Loop);
            }
            if part == b".." {
                if open.len() > 1 {
                    open.pop();
                }
                continue;
            }
            let Some(here) = open.last() else {
                return Err(Miss::Failed);
            };
            let name = CString::new(part).map_err(|_| Miss::Missing)?;
            let stat = statat(here, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink if follow_last || !todo.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Miss::Loop);
                    }
                    let target = readlinkat(here, &name, Vec::new())?;
                    let target = target.to_bytes();
                    if target.starts_with(b"/") {
                        open.truncate(1);
                    }
                    todo.extend(parts(target));
                }
                FileType::Directory => {
                    let flags = THROUGH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let next = openat(here, &name, flags, Mode::empty())?;
                    open.push(Rc::new(next));
                }
                _ if todo.is_empty() => {
                    let folder = Rc::clone(here);
                    return Ok(Found { folder, name, stat });
                }
                _ => return Err(Miss::Missing),
            }
        }
        let folder = open.pop().ok_or(Miss::Failed)?;
        Ok(Found {
            stat: fstat(&folder)?,
            folder,
            name: CStr::to_owned(c"."),
        })
    }
}

/// The parts of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
        .rev()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn tree() -> (tempfile::TempDir, Root) {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/file"), "inside").unwrap();
        fs::write(outside.path().join("secret"), "outside").unwrap();
        for (at, to) in [
            ("absolute", "/a/b/file"),
            ("relative", "a/b/../b/file"),
            ("folder", "/a"),
            ("a/up", "../a/b"),
            ("out", "../secret"),
            ("far-out", "../../../../../../../../etc/passwd"),
            ("a/b/out", "/../../secret"),
            ("loop", "loop"),
            ("ping", "pong"),
            ("pong", "ping"),
            ("dead", "/nothing"),
            ("a/self", "."),
        ] {
            symlink(to, root.join(at)).unwrap();
        }
        let open = Root::open(&root).unwrap();
        (outside, open)
    }

    #[test]
    fn links_stay_inside() {
        let (_keep, root) = tree();
        let check = |path: &str, expected: Result<&str, Miss>| {
            let read = root.read(path, 100);
            let read = read.map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(read, expected.map(str::to_owned), "{path}");
        };
        check("/a/b/file", Ok("inside"));
        check("a//b/./file", Ok("inside"));
        check("/absolute", Ok("inside"));
        check("/relative", Ok("inside"));
        check("/folder/b/file", Ok("inside"));
        check("/folder/up/file", Ok("inside"));
        check("/a/self/self/self/b/file", Ok("inside"));
        check("/../../../a/b/file", Ok("inside"));
        check("/out", Err(Miss::Missing));
        check("/far-out", Err(Miss::Missing));
        check("/a/b/out", Err(Miss::Missing));
        check("/loop", Err(Miss::Loop));
        check("/ping", Err(Miss::Loop));
        check("/dead", Err(Miss::Missing));
        check("/a/b/file/more", Err(Miss::Missing));
        check("/a/b", Err(Miss::NoFile));
        check("/", Err(Miss::NoFile));
        check("", Err(Miss::NoFile));
        check(&"/a/self".repeat(300), Err(Miss::Loop));
        check(&format!("/a{}", "/self".repeat(45)), Err(Miss::Loop));
        check(&"/a/..".repeat(400), Err(Miss::Loop));
        check("/a\0b", Err(Miss::Missing));
        assert_eq!(root.link("/loop"), Ok("loop".to_owned()));
        assert_eq!(root.link("/a/b/file"), Err(Miss::Missing));
    }

    #[test]
    fn sizes_and_folders() {
        let (_keep, root) = tree();
        assert_eq!(root.read("/absolute", 5), Err(Miss::TooLarge));
        assert_eq!(
            root.read_start("/absolute", 5),
            Ok((b"insid".to_vec(), true))
        );
        let names = root.names("/folder", 10).unwrap();
        assert_eq!(
            (names.names.join(" "), names.more),
            ("b self up".into(), false)
        );
        assert!(root.names("/folder", 2).unwrap().more);
        assert_eq!(root.status("/").unwrap().kind, FileType::Directory);
        assert_eq!(root.status("/a/self").unwrap().kind, FileType::Directory);
    }
}
