//! What is scanned here and not by others: images and root file systems. Comes in: a path or a reference. Goes out:
//! their inventories, and what the database says of them. Does I/O, as `inputs` does. Never: unpacks to disk.

use image::catalog::{self, lang::lock::LOCK_TABLE};
use image::extract::Extractor;
use image::{Cache, ImageError, Limits, Wanted};
use intel::Intelligence;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::ImageReference;
use model::inventory::{Inventory, Remark};
use model::matches::{Advisory, Category, Fix, FixState, Match, MatchSet, MatchSource, Package};
use model::text::Text;
use model::vulnerability::Severity;
use std::path::{Path, PathBuf};

pub use image::Platform;
pub use image::registry::{Environment, Mirror, Options as RegistryOptions};

/// How artifacts are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `linux/arm64`; `None`: this machine's.
    pub platform: Option<Platform>,
    /// Which image of an archive that holds several.
    pub name: Option<Text>,
    /// Lock files count too.
    pub lock_files: bool,
    /// Folder of kept facts; `None`: nothing is kept.
    pub cache: Option<PathBuf>,
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
        catalog::TABLE.iter().chain(lock_files).copied().collect()
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

/// What is said of an artifact that was scanned here: vulnerabilities where there is a database, and what is wrong with
/// the artifact itself.
pub fn matches(
    inventory: &Inventory,
    intel: Option<&Intelligence>,
    now: Timestamp,
    tool_version: &Text,
) -> MatchSet {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut set = match intel {
        Some(intel) => intel::matching::matches(inventory, intel, Some(today)),
        None => unjudged(inventory),
    };
    set.source.tool_version = Some(Text::clone(tool_version));
    for remark in &inventory.remarks {
        remember(&mut set, remark);
    }
    set
}

/// Without a database everything stands there and nothing is judged.
fn unjudged(inventory: &Inventory) -> MatchSet {
    let name = &inventory.artifact.name;
    let gap = Gap {
        class: "not-judged".into(),
        what: format!(
            "{} packages of {name} were not judged: there is no intelligence database",
            inventory.components.len()
        )
        .into(),
        stage: Stage::Match,
        scope: Text::clone(name),
        weight: GapWeight::Hides,
        close: "plimsoll db update, or plimsoll db build --from DIR".into(),
    };
    MatchSet {
        source: MatchSource {
            tool: "plimsoll".into(),
            tool_version: None,
            format: "plimsoll".into(),
            file: Text::clone(&inventory.artifact.name),
            digest: "".into(),
            created: None,
        },
        artifacts: vec![inventory.artifact.clone()],
        packages: Vec::<Package>::new(),
        advisories: Vec::new(),
        matches: Vec::new(),
        bases: Vec::new(),
        gaps: vec![gap],
    }
}

fn remember(set: &mut MatchSet, remark: &Remark) {
    let known = set.advisories.iter().position(|a| a.id == remark.check);
    let advisory = known.unwrap_or_else(|| {
        set.advisories.push(Advisory {
            id: Text::clone(&remark.check),
            aliases: Vec::new(),
            covers: Vec::new(),
            title: None,
            severity: Severity::Unknown,
            cvss: Vec::new(),
            vectors: Vec::new(),
            cwes: Vec::new(),
            url: None,
            feed: None,
            published: None,
        });
        set.advisories.len() - 1
    });
    let secret = remark.check.starts_with("secret-");
    set.matches.push(Match {
        category: if secret {
            Category::Secret
        } else {
            Category::Misconfiguration
        },
        artifact: 0,
        advisory: u32::try_from(advisory).unwrap_or(u32::MAX),
        package: None,
        target: Some(Text::clone(&remark.place.path)),
        field: remark.line.map(|line| format!("line {line}").into()),
        severity: Severity::Unknown,
        fix: Fix {
            state: FixState::Unknown,
            versions: Vec::new(),
        },
        suppression: None,
        basis: None,
    });
}
