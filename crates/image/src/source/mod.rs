//! Where images come from. Comes in: a path, or the socket of a store. Goes out: an [`Image`]: what it says of itself,
//! and how to open its layers. Never: reads a layer, follows a name out of the archive or folder.
//!
//! A registry fills the same [`Image`]: it fetches manifest and configuration, checks them ([`digest::check`]), and gives
//! an [`Opener`] for each layer.

mod archive;
mod layout;
#[cfg(feature = "stores")]
pub mod local;
pub mod message;
mod rootfs;
mod spool;

pub use rootfs::rootfs;

use crate::manifest::{Config, Descriptor, Manifest, Platform, choose};
use crate::{ImageError, digest};
use model::image::{ImageIdentity, ImageReference};
use model::text::Text;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of the largest manifest or configuration that is read.
pub const DOCUMENT: u64 = 8 << 20;

/// An image whose documents were read and checked, and whose layers can be opened.
#[derive(Clone, Debug)]
pub struct Image {
    /// As it was asked for: reference or path.
    pub name: Text,
    pub identity: ImageIdentity,
    pub config: Config,
    /// Annotations of the manifest, over labels where both say something.
    pub annotations: BTreeMap<Text, Text>,
    /// From the lowest up.
    pub layers: Vec<LayerSource>,
}

/// One layer and the way to its bytes.
#[derive(Clone, Debug)]
pub struct LayerSource {
    /// Digest of the uncompressed tar, as the configuration says.
    pub diff_id: Text,
    /// Digest of the blob, where the source says one.
    pub digest: Option<Text>,
    pub open: Opener,
}

/// Opens the bytes of a blob as they are stored; called once or twice, from any thread.
#[derive(Clone)]
pub enum Opener {
    /// A part of a file: of an archive, or the whole of one.
    Part {
        file: Arc<File>,
        offset: u64,
        length: u64,
    },
    /// Anything else that can be read as a blocking stream, such as the body of an answer.
    Stream(Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>),
    /// The source names it and does not have it; the sentence says why.
    Missing(Text),
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Opener::Part { offset, length, .. } => write!(f, "Part({offset}, {length})"),
            Opener::Stream(_) => f.write_str("Stream"),
            Opener::Missing(why) => write!(f, "Missing({why})"),
        }
    }
}

impl Opener {
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Opener::Part {
                file,
                offset,
                length,
            } => Ok(Box::new(Part {
                file: Arc::clone(file),
                at: *offset,
                end: offset.saturating_add(*length),
            })),
            Opener::Stream(open) => open(),
            Opener::Missing(why) => Err(io::Error::new(io::ErrorKind::NotFound, why.to_string())),
        }
    }
}

/// A part of a file, read at offsets of its own so that many may read the same file at once.
pub(crate) struct Part {
    pub(crate) file: Arc<File>,
    pub(crate) at: u64,
    pub(crate) end: u64,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        use std::os::unix::fs::FileExt as _;
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = into.len().min(left);
        let read = self
            .file
            .read_at(into.get_mut(..room).unwrap_or(&mut []), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Which image of several.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `None`: Linux on this machine's architecture, or the only one there is.
    pub platform: Option<Platform>,
    /// A name or tag, for archives and layouts that hold several images.
    pub name: Option<Text>,
    /// Folder for an archive that must be unpacked before it can be read; `None`: the system's for temporary files.
    pub spool: Option<PathBuf>,
}

/// Opens a Docker archive (`docker save`), an OCI archive, or an OCI image layout folder. An archive may be compressed
/// as a whole, with gzip or zstd.
///
/// # Errors
/// Of [`ImageError`]: nothing there, neither of these forms, several images and none named, no image for the platform,
/// or a document that does not have its digest.
pub fn open(path: &Path, wanted: &Wanted) -> Result<Image, ImageError> {
    let read = |source| ImageError::Read {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(read)?;
    let name = path.to_string_lossy();
    if metadata.is_dir() {
        return layout::open(&name, &layout::Folder(path.to_owned()), wanted);
    }
    if !metadata.is_file() {
        return Err(ImageError::no_image(
            name,
            "it is neither a file nor a folder",
        ));
    }
    let file = File::open(path).map_err(read)?;
    archive::open(&name, file, metadata.len(), wanted)
}

/// Documents and blobs by digest: a folder and an archive differ in nothing else.
pub(crate) trait Blobs {
    /// A whole file of the layout's root, at most [`DOCUMENT`] bytes; `None`: it is not there.
    fn document(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError>;
    fn opener(&self, path: &str) -> Opener;
}

/// The image that a chain of descriptors leads to. Each document is compared with its digest.
pub(crate) struct Found {
    pub(crate) identity: ImageIdentity,
    pub(crate) manifest: Manifest,
    pub(crate) config: Config,
}

/// Follows `top` through indexes to one image.
pub(crate) fn follow(
    what: &str,
    blobs: &impl Blobs,
    top: &Descriptor,
    wanted: &Wanted,
) -> Result<Found, ImageError> {
    let mut identity = ImageIdentity::default();
    let mut descriptor = top.clone();
    for _ in 0..4 {
        let document = checked(what, blobs, &descriptor)?;
        let manifest = Manifest::parse(&format!("manifest {}", descriptor.digest), &document)?;
        if manifest.is_index() {
            identity.indexes.push(descriptor.digest);
            descriptor = choose(what, &manifest, wanted.platform.as_ref())?.clone();
            continue;
        }
        identity.manifests.push(descriptor.digest);
        let Some(config) = &manifest.config else {
            return Err(ImageError::no_image(
                what,
                "its manifest names no configuration",
            ));
        };
        let document = checked(what, blobs, config)?;
        identity.config = Some(Text::clone(&config.digest));
        let config = Config::parse(&format!("configuration {}", config.digest), &document)?;
        agrees(what, &config, wanted)?;
        identity.platform = platform(&config);
        return Ok(Found {
            identity,
            manifest,
            config,
        });
    }
    Err(ImageError::no_image(
        what,
        "its indexes lead to indexes without end",
    ))
}

/// An image that was asked for by platform is of it, also where no index says so.
pub(crate) fn agrees(what: &str, config: &Config, wanted: &Wanted) -> Result<(), ImageError> {
    let (Some(wanted), Some(there)) = (&wanted.platform, &config.platform) else {
        return Ok(());
    };
    let there = there.clone().normal();
    if there.architecture.is_empty()
        || (there.os == wanted.os && there.architecture == wanted.architecture)
    {
        return Ok(());
    }
    Err(ImageError::Platform {
        what: what.into(),
        wanted: wanted.to_string(),
        there: there.to_string(),
    })
}

pub(crate) fn platform(config: &Config) -> Option<Text> {
    let platform = config.platform.clone()?;
    (!platform.architecture.is_empty()).then(|| platform.normal().to_string().into())
}

fn checked(what: &str, blobs: &impl Blobs, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    let digest = &descriptor.digest;
    let Some(path) = blob_path(digest) else {
        let why = format!("{digest} is no digest");
        return Err(ImageError::no_image(what, why));
    };
    let Some(document) = blobs.document(&path)? else {
        let why = format!("{digest}, which it names, is not there");
        return Err(ImageError::no_image(what, why));
    };
    digest::check(&document, digest).map_err(|found| ImageError::Digest {
        what: format!("a document of {what}"),
        expected: digest.to_string(),
        found,
    })?;
    Ok(document)
}

/// `blobs/sha256/...` (OCI image-spec, image-layout.md).
pub(crate) fn blob_path(digest: &str) -> Option<String> {
    let hexadecimal = digest::hexadecimal(digest)?;
    let algorithm = digest.split(':').next()?;
    Some(format!("blobs/{algorithm}/{hexadecimal}"))
}

impl Image {
    /// Joins a manifest's layers with the diff IDs of the configuration. For sources that have both.
    ///
    /// # Errors
    /// [`ImageError::NoImage`] where their numbers differ: nothing says which layer is which.
    pub fn new(
        name: Text,
        identity: ImageIdentity,
        manifest: &Manifest,
        config: Config,
        open: impl Fn(&Descriptor) -> Opener,
    ) -> Result<Self, ImageError> {
        let diff_ids = &config.rootfs.diff_ids;
        if diff_ids.len() != manifest.layers.len() {
            let why = format!(
                "its manifest names {} layers and its configuration {}",
                manifest.layers.len(),
                diff_ids.len()
            );
            return Err(ImageError::no_image(&*name, why));
        }
        let layers = diff_ids.iter().zip(&manifest.layers);
        let layers = layers.map(|(diff_id, layer)| LayerSource {
            diff_id: Text::clone(diff_id),
            digest: Some(Text::clone(&layer.digest)),
            open: open(layer),
        });
        Ok(Image {
            name,
            identity,
            layers: layers.collect(),
            config,
            annotations: manifest.annotations.clone(),
        })
    }
}

/// The reference that an annotation or tag of a local archive gives.
pub(crate) fn reference(name: &str) -> Option<ImageReference> {
    ImageReference::parse(name)
}
