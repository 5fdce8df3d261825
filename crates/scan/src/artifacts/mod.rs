//! What is scanned here and not by others: images and root file systems. Comes in: a path or a reference. Goes out:
//! their inventories; `judge` says what the database knows of them. Does I/O, as `inputs` does. Never: unpacks to disk.

use image::catalog::{self, lang::lock::LOCK_TABLE};
use image::extract::Extractor;
use image::{Cache, ImageError, Limits, Wanted};
use model::image::ImageReference;
use model::inventory::Inventory;
use model::text::Text;
use std::path::{Path, PathBuf};

mod attached;
mod beside;
pub mod cluster;
pub mod fleet;
mod judge;
mod local;
mod newer_base;
mod refused;
pub mod registry;
mod remarks;
mod sbom;
mod tags;

pub use beside::Beside;
pub use image::Platform;
pub use image::registry::{Environment, Mirror, Options as RegistryOptions};
pub use judge::{matches, why_not};
pub use local::{FindError, ImageSource, Sockets, Sources, found};
pub use newer_base::{BaseAsked, Judge};
pub use refused::is_unscanned;
pub use remarks::Scanners;
pub(crate) use remarks::tell;
pub use sbom::{package_lists, sbom};

/// How artifacts are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `linux/arm64`; `None`: this machine's.
    pub platform: Option<Platform>,
    /// Which image of an archive that holds several.
    pub name: Option<Text>,
    /// Lock files count too.
    pub lock_files: bool,
    /// What is looked for.
    pub scanners: Scanners,
    /// Folder of kept facts; `None`: nothing is kept.
    pub cache: Option<PathBuf>,
    /// Folder for archives that must be unpacked; `None`: the system's for temporary files.
    pub spool: Option<PathBuf>,
}

/// `linux/arm64`, as `--platform` takes it.
pub fn platform(text: &str) -> Option<Platform> {
    Platform::parse(text)
}

/// Bytes that kept facts may take.
const CACHE: u64 = 2 << 30;

impl Options {
    fn table(&self) -> Vec<Extractor> {
        let lock_files = if self.lock_files { LOCK_TABLE } else { &[] };
        let packages = catalog::TABLE.iter().chain(lock_files);
        packages.chain(self.scanners.rows()).copied().collect()
    }

    /// A folder that cannot be made is no reason not to scan.
    fn kept(&self) -> Option<Cache> {
        Cache::new(self.cache.as_deref()?, CACHE).ok()
    }
}

/// An image in a file or folder: `docker save`, OCI archive, OCI layout.
pub fn image_file(path: &Path, options: &Options) -> Result<Inventory, ImageError> {
    let wanted = Wanted {
        platform: options.platform.clone(),
        name: options.name.clone(),
        spool: options.spool.clone(),
    };
    let image = image::open(path, &wanted)?;
    image::read(
        &image,
        &options.table(),
        &Limits::default(),
        options.kept().as_ref(),
    )
}

/// Why an image of a registry is not there.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("`{0}` is no reference of an image; a file or folder is named by --input")]
    Reference(String),
    #[error("no image in {0} fits what was asked for")]
    Empty(String),
    #[error(transparent)]
    Registry(#[from] image::registry::RegistryError),
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl PullError {
    /// Whether other arguments mend it.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            PullError::Reference(_)
                | PullError::Empty(_)
                | PullError::Registry(image::registry::RegistryError::Usage { .. })
        )
    }
}

/// An image of a registry.
pub fn pulled(
    reference: &str,
    registry: &RegistryOptions,
    options: &Options,
) -> Result<Inventory, PullError> {
    let known = ImageReference::parse(reference)
        .ok_or_else(|| PullError::Reference(reference.to_owned()))?;
    let client = image::registry::Client::new(registry)?;
    let image = client.image(&known, options.platform.as_ref())?;
    Ok(image::read(
        &image,
        &options.table(),
        &Limits::default(),
        options.kept().as_ref(),
    )?)
}

/// A folder that is a root file system.
pub fn rootfs(path: &Path, options: &Options) -> Result<Inventory, ImageError> {
    image::rootfs(path, &options.table(), &Limits::default())
}
