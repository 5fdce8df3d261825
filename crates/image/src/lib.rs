//! Artifacts and what is installed in them. Comes in: an image by reference, archive or layout, or a folder that is a
//! root file system. Goes out: its [`model::inventory::Inventory`], with a gap for everything that could not be read.
//! Never: unpacks to disk, trusts an archive's sizes, names or links, judges.
//!
//! The way of the data: a source names layers ([`source`]); each layer is walked once as a stream ([`blob`], [`tar`]),
//! and files that an extractor wants become facts ([`layer`], [`extract`]) that know no other file, so they are kept by
//! layer ([`cache`]); the layers' entries are laid over each other ([`tree`]); the facts of the files that remain
//! ([`standing`]) make the inventory ([`assemble`]).

pub mod assemble;
pub mod base;
pub mod blob;
pub mod cache;
pub mod catalog;
pub mod digest;
pub mod extract;
pub mod layer;
pub mod limits;
pub mod manifest;
pub mod path;
pub mod read;
#[cfg(feature = "registry")]
pub mod registry;
pub mod release;
pub mod remark;
pub mod source;
pub mod standing;
pub mod tar;
pub mod tree;

pub use cache::Cache;
pub use limits::Limits;
pub use manifest::Platform;
pub use read::{known, read};
pub use source::{Image, LayerSource, Opener, Wanted, open, rootfs};

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{what} is no image that can be read: {why}")]
    NoImage { what: String, why: String },
    #[error("{what} holds several images, say which: {names}")]
    Several { what: String, names: String },
    #[error("{what} holds no image {name}: {names}")]
    NotThere {
        what: String,
        name: String,
        names: String,
    },
    #[error("{what} has no image for {wanted}, only for {there}")]
    Platform {
        what: String,
        wanted: String,
        there: String,
    },
    #[error("cannot understand {what}")]
    Json {
        what: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("cannot unpack {what} to {folder}; another place: TMPDIR")]
    Spool {
        what: String,
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    /// What was read is not what a digest says: damaged on its way, or forged.
    #[error("{what} should have the digest {expected} and has {found}")]
    Digest {
        what: String,
        expected: String,
        found: String,
    },
}

impl ImageError {
    pub(crate) fn no_image(what: impl Into<String>, why: impl Into<String>) -> Self {
        ImageError::NoImage {
            what: what.into(),
            why: why.into(),
        }
    }
}
