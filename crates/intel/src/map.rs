//! Comes in: a path. Goes out: the bytes of an immutable file, mapped.
//! The only file of the workspace that may use `unsafe`; never more than the one call.
#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// Bytes of a database file: mapped where it was installed, owned in the demo and in tests.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    /// Maps `path` for reading. An empty file is an error of the platform.
    pub(crate) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: database files are never written in place, they change by rename only, so the
        // mapped inode keeps its length and content. Whoever truncates the file by hand all the
        // same ends the process with SIGBUS; no Rust reference outlives that. All readers treat the
        // bytes as untrusted, so other content is an error, not undefined behaviour of ours.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Bytes::Mapped(map))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
