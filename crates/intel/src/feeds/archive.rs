//! Records inside archives, streamed. Comes in: a tar (zstd, gzip or plain), a zip, or loose files.
//! Goes out: batches of records, so that memory stays bounded while they are parsed in parallel.

use super::folder::{Content, FeedFile};
use super::{FeedError, MAX_FEED, ends};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::io::{self, Read, Seek};
use std::rc::Rc;

/// Bytes of records parsed at once.
const BATCH: usize = 8 << 20;

/// Base name and content of one record.
pub struct Record {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What a consumer gets while an archive is read.
pub struct Batches<'f> {
    pub wanted: &'f dyn Fn(&str) -> bool,
    pub consume: &'f mut dyn FnMut(Vec<Record>),
    /// Largest record, in bytes.
    limit: u64,
    held: Vec<Record>,
    size: usize,
    total: u64,
}

impl<'f> Batches<'f> {
    /// `wanted` sees the base name of each entry; `consume` gets the records in archive order.
    pub fn new(
        wanted: &'f dyn Fn(&str) -> bool,
        limit: u64,
        consume: &'f mut dyn FnMut(Vec<Record>),
    ) -> Self {
        Batches {
            wanted,
            consume,
            limit,
            held: Vec::new(),
            size: 0,
            total: 0,
        }
    }

    fn add(
        &mut self,
        name: &str,
        source: &mut dyn Read,
        file: &FeedFile<'_>,
    ) -> Result<(), FeedError> {
        let mut bytes = Vec::new();
        source
            .take(self.limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| file.damaged(format!("{name}: {error}")))?;
        self.size += bytes.len();
        self.total += bytes.len() as u64;
        if bytes.len() as u64 > self.limit || self.total > MAX_FEED {
            return Err(FeedError::TooLarge {
                path: file.path(),
                limit: if self.total > MAX_FEED {
                    MAX_FEED
                } else {
                    self.limit
                },
            });
        }
        self.held.push(Record {
            name: name.to_owned(),
            bytes,
        });
        if self.size >= BATCH {
            self.flush();
        }
        Ok(())
    }

    /// Hands on what is still held; call it after the last file.
    pub fn flush(&mut self) {
        self.size = 0;
        if !self.held.is_empty() {
            (self.consume)(std::mem::take(&mut self.held));
        }
    }
}

/// Reads `file` by its name: `.zip`, `.tar`, `.tar.gz`, `.tgz`, `.tar.zst` or a single record; returns the SHA-256 of the file.
/// Records may still be held by `batches` afterwards.
pub fn read(file: &FeedFile<'_>, batches: &mut Batches<'_>) -> Result<String, FeedError> {
    let name = file.base();
    let digest = if ends(name, &[".zip"]) {
        read_zip(file, batches)?
    } else {
        let (source, digest) = hashed(file)?;
        if ends(name, &[".tar.zst"]) {
            let unpacked = zstd::Decoder::new(source).map_err(|e| file.io(e))?;
            read_tar(file, unpacked, batches)?;
        } else if ends(name, &[".tar.gz", ".tgz"]) {
            read_tar(file, flate2::read::MultiGzDecoder::new(source), batches)?;
        } else if ends(name, &[".tar"]) {
            read_tar(file, source, batches)?;
        } else {
            let mut source = source;
            if (batches.wanted)(name) {
                batches.add(name, &mut source, file)?;
            }
            io::copy(&mut source, &mut io::sink()).map_err(|e| file.io(e))?;
        }
        let digest = digest.borrow().clone();
        model::keys::hex(&digest.finalize())
    };
    Ok(digest)
}

fn read_tar(
    file: &FeedFile<'_>,
    source: impl Read,
    batches: &mut Batches<'_>,
) -> Result<(), FeedError> {
    let limited = source.take(MAX_FEED);
    let mut archive = tar::Archive::new(io::BufReader::with_capacity(1 << 17, limited));
    for entry in archive.entries().map_err(|e| file.damaged(e))? {
        let mut entry = entry.map_err(|e| file.damaged(e))?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path_bytes().into_owned();
        let Some(name) = std::str::from_utf8(&path)
            .ok()
            .and_then(|path| path.rsplit('/').next())
            .filter(|name| (batches.wanted)(name))
        else {
            continue;
        };
        batches.add(name, &mut entry, file)?;
    }
    // What follows the archive's end still belongs to the file and its digest.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|e| file.damaged(e))?;
    Ok(())
}

fn read_zip(file: &FeedFile<'_>, batches: &mut Batches<'_>) -> Result<String, FeedError> {
    let (mut source, digest) = hashed(file)?;
    io::copy(&mut source, &mut io::sink()).map_err(|e| file.io(e))?;
    drop(source);
    match &file.content {
        Content::Bytes(bytes) => read_entries(file, io::Cursor::new(*bytes), batches)?,
        Content::Path(path) => {
            let opened = std::fs::File::open(path).map_err(|e| file.io(e))?;
            read_entries(file, io::BufReader::new(opened), batches)?;
        }
    }
    let digest = digest.borrow().clone();
    Ok(model::keys::hex(&digest.finalize()))
}

fn read_entries(
    file: &FeedFile<'_>,
    source: impl Read + Seek,
    batches: &mut Batches<'_>,
) -> Result<(), FeedError> {
    let mut archive = zip::ZipArchive::new(source).map_err(|e| file.damaged(e))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| file.damaged(e))?;
        let path = entry.name().map_err(|e| file.damaged(e))?;
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        drop(path);
        if entry.is_file() && (batches.wanted)(&name) {
            batches.add(&name, &mut entry, file)?;
        }
    }
    Ok(())
}

type SharedDigest = Rc<RefCell<Sha256>>;

/// The file as a reader that digests what passes.
fn hashed<'f>(
    file: &'f FeedFile<'_>,
) -> Result<(Hashed<Box<dyn Read + Send + 'f>>, SharedDigest), FeedError> {
    let digest = Rc::new(RefCell::new(Sha256::new()));
    let source = Hashed {
        source: file.open()?,
        digest: Rc::clone(&digest),
    };
    Ok((source, digest))
}

struct Hashed<R> {
    source: R,
    digest: SharedDigest,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buffer)?;
        if let Some(passed) = buffer.get(..length) {
            self.digest.borrow_mut().update(passed);
        }
        Ok(length)
    }
}
