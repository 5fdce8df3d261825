//! Archives on disk: `docker save` of all ages, and OCI layouts in a tar. Comes in: a file. Goes out: an [`Image`] whose
//! layers are parts of that file. Never: reads a layer, looks outside the archive.

use super::{
    Blobs, DOCUMENT, Image, LayerSource, Opener, Part, Wanted, agrees, layout, platform, reference,
    spool,
};
use crate::blob::{Blob, Said};
use crate::limits::Limits;
use crate::manifest::Config;
use crate::path::{normal, text};
use crate::tar::{Kind, Tar};
use crate::{ImageError, digest};
use model::image::ImageIdentity;
use model::text::Text;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::sync::Arc;

/// Entries of an archive that holds an image; an archive of files has more.
const ENTRIES: usize = 100_000;

/// Uncompressed bytes for a compressed one of an archive that is compressed as a whole. Unlike a layer's they go to disk;
/// archives of images have 2 to 5.
const RATIO: u64 = 100;

/// Where each member stands.
struct Archive {
    what: String,
    file: Arc<File>,
    members: HashMap<String, Member>,
    /// The member that should reach beyond the end of the file, and to where.
    cut: Option<(String, u64)>,
}

enum Member {
    File {
        offset: u64,
        length: u64,
    },
    /// `docker save` links layers that several images share.
    Link(String),
}

/// A member of `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: Text,
    #[serde(default)]
    repo_tags: Option<Vec<Text>>,
    #[serde(default)]
    layers: Vec<Text>,
}

pub(super) fn open(
    what: &str,
    file: File,
    length: u64,
    wanted: &Wanted,
) -> Result<Image, ImageError> {
    let (file, length) = plain(what, file, length, wanted)?;
    let archive = Archive::index(what, file, length)?;
    if archive.members.contains_key("index.json") && archive.members.contains_key("oci-layout") {
        return layout::open(what, &archive, wanted);
    }
    let Some(manifest) = archive.document("manifest.json")? else {
        if let Some((path, end)) = &archive.cut {
            let why = format!("it is cut after {length} bytes: {path} should end at byte {end}");
            return Err(ImageError::no_image(what, why));
        }
        let why = "it holds neither manifest.json nor an OCI layout";
        return Err(ImageError::no_image(what, why));
    };
    let saved: Vec<Saved> =
        serde_json::from_slice(&manifest).map_err(|source| ImageError::Json {
            what: format!("manifest.json of {what}"),
            source,
        })?;
    archive.image(which(what, &saved, wanted)?, wanted)
}

/// An archive that is compressed as a whole (`docker save | gzip`) is spooled to a file without a name: its layers do not
/// come in the order in which they are needed.
fn plain(what: &str, file: File, length: u64, wanted: &Wanted) -> Result<(File, u64), ImageError> {
    let file = Arc::new(file);
    let whole = Part {
        file: Arc::clone(&file),
        at: 0,
        end: length,
    };
    // Nothing is said of it that could be checked; its documents and layers have digests of their own.
    let said = Said {
        diff_id: "",
        digest: None,
    };
    let limits = Limits {
        layer_bytes: spool::MOST,
        ratio: RATIO,
        ..Limits::default()
    };
    let failed = |error: &dyn std::error::Error| {
        let why = crate::layer::with_causes(error);
        let why = format!("it is compressed as a whole and cannot be unpacked: {why}");
        ImageError::no_image(what, why)
    };
    let blob = Blob::new(whole, said, &limits).map_err(|error| failed(&error))?;
    if !blob.is_packed() {
        drop(blob);
        let file =
            Arc::into_inner(file).ok_or_else(|| ImageError::no_image(what, "it is in use"))?;
        return Ok((file, length));
    }
    let folder = wanted.spool.clone().unwrap_or_else(std::env::temp_dir);
    spool::spool(blob, &folder).map_err(|error| match error {
        spool::SpoolError::Write { source } => ImageError::Spool {
            what: what.into(),
            folder,
            source,
        },
        error => failed(&error),
    })
}

fn which<'s>(what: &str, saved: &'s [Saved], wanted: &Wanted) -> Result<&'s Saved, ImageError> {
    let tags = |one: &Saved| one.repo_tags.clone().unwrap_or_default();
    let names = || {
        let names = saved.iter().map(|one| match &tags(one)[..] {
            [] => one.config.to_string(),
            tags => tags.join(", "),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    match (&wanted.name, saved) {
        (_, []) => Err(ImageError::no_image(what, "its manifest.json is empty")),
        (None, [one]) => Ok(one),
        (None, _) => Err(ImageError::Several {
            what: what.into(),
            names: names(),
        }),
        (Some(name), _) => {
            let normal = reference(name);
            let same = |tag: &Text| tag == name || (normal.is_some() && reference(tag) == normal);
            saved
                .iter()
                .find(|one| tags(one).iter().any(same) || one.config.contains(&**name))
                .ok_or_else(|| ImageError::NotThere {
                    what: what.into(),
                    name: name.to_string(),
                    names: names(),
                })
        }
    }
}

impl Archive {
    /// Reads the headers alone, jumping over contents.
    fn index(what: &str, file: File, length: u64) -> Result<Self, ImageError> {
        let file = Arc::new(file);
        let damaged = |error: &dyn std::error::Error| {
            ImageError::no_image(what, crate::layer::with_causes(error))
        };
        let mut members = HashMap::new();
        let mut cut = None;
        let mut at: u64 = 0;
        loop {
            let part = Part {
                file: Arc::clone(&file),
                at,
                end: length,
            };
            let mut tar = Tar::new(BufReader::with_capacity(4096, part));
            let Some(header) = tar.next().map_err(|error| damaged(&error))? else {
                break;
            };
            let offset = at + tar.at();
            at = offset.saturating_add(header.size.div_ceil(512).saturating_mul(512));
            if members.len() >= ENTRIES {
                let why = format!("it has more than {ENTRIES} members");
                return Err(ImageError::no_image(what, why));
            }
            let Some(path) = normal(&header.path) else {
                continue;
            };
            if offset.saturating_add(header.size) > length {
                cut = Some((path.clone(), offset.saturating_add(header.size)));
            }
            let member = match header.kind {
                Kind::File => Member::File {
                    offset,
                    length: header.size,
                },
                Kind::Symlink(to) => {
                    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                    match normal(format!("{folder}/{}", text(&to)).as_bytes()) {
                        Some(to) => Member::Link(to),
                        None => continue,
                    }
                }
                Kind::Hardlink(to) => match normal(&to) {
                    Some(to) => Member::Link(to),
                    None => continue,
                },
                _ => continue,
            };
            members.insert(path, member);
        }
        Ok(Archive {
            what: what.into(),
            file,
            members,
            cut,
        })
    }

    fn find(&self, path: &str) -> Option<(u64, u64)> {
        let mut path = path;
        for _ in 0..8 {
            match self.members.get(path)? {
                Member::File { offset, length } => return Some((*offset, *length)),
                Member::Link(to) => path = to,
            }
        }
        None
    }

    fn image(&self, saved: &Saved, wanted: &Wanted) -> Result<Image, ImageError> {
        let what = &self.what;
        let Some(document) = self.document(&saved.config)? else {
            let why = format!("{}, which it names, is not there", saved.config);
            return Err(ImageError::no_image(what, why));
        };
        let digest = digest::sha256(&document);
        // The name is the digest in every archive that Docker or a builder writes.
        let name = saved.config.rsplit('/').next().unwrap_or(&saved.config);
        let name = name.strip_suffix(".json").unwrap_or(name);
        let said = format!("sha256:{name}");
        if model::image::is_digest(&said) && said != digest {
            return Err(ImageError::Digest {
                what: format!("the configuration of {what}"),
                expected: said,
                found: digest,
            });
        }
        let config = Config::parse(&format!("{} of {what}", saved.config), &document)?;
        agrees(what, &config, wanted)?;
        if config.rootfs.diff_ids.len() != saved.layers.len() {
            let why = format!(
                "its manifest names {} layers and its configuration {}",
                saved.layers.len(),
                config.rootfs.diff_ids.len()
            );
            return Err(ImageError::no_image(what, why));
        }
        let layers = config.rootfs.diff_ids.iter().zip(&saved.layers);
        let layers = layers.map(|(diff_id, path)| LayerSource {
            diff_id: Text::clone(diff_id),
            digest: None,
            open: self.opener(path),
        });
        let tags = saved.repo_tags.iter().flatten();
        let identity = ImageIdentity {
            config: Some(digest.into()),
            references: tags.filter_map(|tag| reference(tag)).collect(),
            platform: platform(&config),
            ..ImageIdentity::default()
        };
        Ok(Image {
            name: what.as_str().into(),
            identity,
            layers: layers.collect(),
            config,
            annotations: BTreeMap::new(),
        })
    }
}

impl Blobs for Archive {
    fn document(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let Some((offset, length)) = normal(path.as_bytes()).and_then(|path| self.find(&path))
        else {
            return Ok(None);
        };
        let read = |source| ImageError::Read {
            path: format!("{path} of {}", self.what).into(),
            source,
        };
        if length > DOCUMENT {
            let why = format!("it has more than {DOCUMENT} bytes");
            return Err(read(std::io::Error::other(why)));
        }
        let mut bytes = Vec::new();
        let mut part = Part {
            file: Arc::clone(&self.file),
            at: offset,
            end: offset + length,
        };
        part.read_to_end(&mut bytes).map_err(read)?;
        Ok(Some(bytes))
    }

    fn opener(&self, path: &str) -> Opener {
        match normal(path.as_bytes()).and_then(|path| self.find(&path)) {
            Some((offset, length)) => Opener::Part {
                file: Arc::clone(&self.file),
                offset,
                length,
            },
            None => Opener::Missing(format!("{path} is not in the archive").into()),
        }
    }
}
