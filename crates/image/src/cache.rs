//! What was read once is kept: facts by diff ID, inventories by configuration. Comes in: facts whose digests were
//! checked. Goes out: the same facts. Never: locks, is trusted (a damaged or foreign file is as good as none), fails a
//! scan.
//!
//! Any number of processes share a folder: a file is written beside its place and renamed onto it, so a reader sees all
//! of it or none. The name of a file holds everything that its content depends on: the digest, the version of the table,
//! and the limits.

use crate::digest::{hexadecimal, sha256};
use crate::extract::{Extractor, Wants};
use crate::limits::Limits;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{self, File, FileTimes};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Counted up when the form of what is kept changes.
const FORMAT: u32 = 1;
/// Bytes of the largest unpacked file that is believed to be ours.
const LARGEST: u64 = 1 << 30;
const LEVEL: i32 = 1;

/// A folder of kept facts.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Bytes of all files together, kept as well as can be.
    size: u64,
}

/// What stands in a file: its own name guards against files that were put in each other's place.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    key: String,
    value: T,
}

/// Which facts are meant: of what, by which table and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// `None` where `digest` is none: such facts are not kept.
    pub fn new(
        kind: &str,
        digest: &str,
        more: &str,
        table: &[Extractor],
        limits: &Limits,
    ) -> Option<Self> {
        hexadecimal(digest)?;
        let mut text = format!(
            "{FORMAT} {} {} {kind} {digest} {more} {limits:?}",
            env!("CARGO_PKG_VERSION"),
            crate::catalog::VERSION
        );
        for row in table {
            let wants = match row.wants {
                Wants::Named(_) => "named",
                Wants::Programs => "programs",
                Wants::Texts { .. } => "texts",
                Wants::Permissions => "permissions",
            };
            let _ = write!(text, " {} {wants} {}", row.name, row.limit);
        }
        let digest = sha256(text.as_bytes());
        Some(Key(format!("{kind}-{}", hexadecimal(&digest)?)))
    }
}

impl Cache {
    /// Makes the folder where it is missing. `size`: bytes that its files may take together.
    pub fn new(folder: &Path, size: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Cache {
            folder: folder.to_owned(),
            size,
        })
    }

    /// What was kept under `key`, if all of it is there and sound.
    pub fn get<T: DeserializeOwned>(&self, key: &Key) -> Option<T> {
        let file = File::open(self.folder.join(&key.0)).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        // What is used stays longest.
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        let mut bytes = Vec::new();
        let stream = zstd::Decoder::new(BufReader::with_capacity(64 << 10, file)).ok()?;
        let read = stream.take(LARGEST).read_to_end(&mut bytes).ok()?;
        if read as u64 == LARGEST {
            return None;
        }
        let kept: Kept<T> = serde_json::from_slice(&bytes).ok()?;
        (kept.key == key.0).then_some(kept.value)
    }

    /// Keeps `value`; its digests must have been checked. What cannot be written is not kept.
    pub fn put<T: Serialize>(&self, key: &Key, value: &T) {
        let _ = self.write(key, value);
        let _ = self.make_room();
    }

    fn write<T: Serialize>(&self, key: &Key, value: &T) -> io::Result<()> {
        let file = tempfile::Builder::new()
            .prefix(".writing-")
            .tempfile_in(&self.folder)?;
        let mut stream = zstd::Encoder::new(BufWriter::new(file), LEVEL)?;
        stream.include_checksum(true)?;
        {
            let mut buffered = BufWriter::with_capacity(64 << 10, &mut stream);
            let kept = Kept {
                key: key.0.clone(),
                value,
            };
            serde_json::to_writer(&mut buffered, &kept)?;
            buffered.flush()?;
        }
        let file = stream
            .finish()?
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.persist(self.folder.join(&key.0))?;
        Ok(())
    }

    /// Removes what was not used for longest until the rest fits. Other processes may do the same at the same time.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        let mut all = 0;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() {
                all += metadata.len();
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((used, metadata.len(), entry.path()));
            }
        }
        if all <= self.size {
            return Ok(());
        }
        files.sort_unstable();
        // Some room at once, so that not every write looks for it.
        let enough = self.size / 10 * 9;
        for (_, length, path) in files {
            if all <= enough {
                break;
            }
            if fs::remove_file(path).is_ok() {
                all -= length;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(
            "facts",
            &sha256(name.as_bytes()),
            "",
            &[],
            &Limits::default(),
        )
        .unwrap()
    }

    #[test]
    fn kept_values_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&folder.path().join("a/b"), 1 << 20).unwrap();
        assert_eq!(cache.get::<Vec<u32>>(&key("x")), None);
        cache.put(&key("x"), &vec![1, 2, 3]);
        assert_eq!(cache.get(&key("x")), Some(vec![1, 2, 3]));
        assert_eq!(cache.get::<Vec<u32>>(&key("y")), None);
        let limits = Limits {
            entries: 1,
            ..Limits::default()
        };
        let other = Key::new("facts", &sha256(b"x"), "", &[], &limits).unwrap();
        assert_eq!(cache.get::<Vec<u32>>(&other), None);
        assert_eq!(Key::new("facts", "../x", "", &[], &limits), None);
    }

    #[test]
    fn damaged_and_foreign_files_are_none_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), 1 << 20).unwrap();
        cache.put(&key("x"), &"value of x".repeat(50));
        let path = folder.path().join(&key("x").0);
        let sound = fs::read(&path).unwrap();
        let whole = "value of x".repeat(50);
        for at in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x40;
            fs::write(&path, &damaged).unwrap();
            let read = cache.get::<String>(&key("x"));
            assert!(
                read.is_none() || read.as_ref() == Some(&whole),
                "byte {at}: {read:?}"
            );
            fs::write(&path, &sound[..at]).unwrap();
            assert_eq!(cache.get::<String>(&key("x")), None, "cut at {at}");
        }
        // Another file in its place.
        fs::write(folder.path().join(&key("y").0), &sound).unwrap();
        assert_eq!(cache.get::<String>(&key("y")), None);
        fs::remove_file(folder.path().join(&key("y").0)).unwrap();
        fs::create_dir(folder.path().join(&key("y").0)).unwrap();
        assert_eq!(cache.get::<String>(&key("y")), None);
        cache.put(&key("x"), &"again");
        assert_eq!(cache.get::<String>(&key("x")).as_deref(), Some("again"));
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), 40_000).unwrap();
        let noise = |seed: u32| -> Vec<u32> {
            let mut state = seed.wrapping_mul(2_654_435_761) | 1;
            let next = |_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state
            };
            (0..1_000).map(next).collect()
        };
        for n in 0..30 {
            cache.put(&key(&n.to_string()), &noise(n));
            let age = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(n));
            let path = folder.path().join(&key(&n.to_string()).0);
            let file = File::options().append(true).open(path).unwrap();
            file.set_times(FileTimes::new().set_modified(age)).unwrap();
        }
        let files = fs::read_dir(folder.path()).unwrap();
        let size: u64 = files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size <= 40_000, "{size}");
        assert_eq!(cache.get::<Vec<u32>>(&key("0")), None);
        assert_eq!(cache.get(&key("29")), Some(noise(29)));
    }

    #[test]
    fn many_write_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), 1 << 20).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4u32 {
                let cache = &cache;
                scope.spawn(move || {
                    for n in 0..50 {
                        cache.put(&key("shared"), &vec![writer; 1_000]);
                        let read: Option<Vec<u32>> = cache.get(&key("shared"));
                        let read = read.expect("a file is always whole");
                        assert!(read.iter().all(|one| *one == read[0]), "{n}");
                    }
                });
            }
        });
    }
}
