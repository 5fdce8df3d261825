//! OCI image layouts, in a folder or inside an archive (image-spec, image-layout.md).

use super::{Blobs, DOCUMENT, Image, Opener, Wanted, blob_path, follow, reference};
use crate::ImageError;
use crate::manifest::{Descriptor, Manifest};
use model::text::Text;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

/// A layout in a folder.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn file(&self, path: &str) -> io::Result<(File, u64)> {
        let path = self.0.join(path);
        let metadata = std::fs::metadata(&path)?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        Ok((File::open(path)?, metadata.len()))
    }
}

impl Blobs for Folder {
    fn document(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let read = || -> io::Result<Vec<u8>> {
            let (file, _) = self.file(path)?;
            let mut bytes = Vec::new();
            file.take(DOCUMENT + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > DOCUMENT {
                return Err(io::Error::other(format!(
                    "it has more than {DOCUMENT} bytes"
                )));
            }
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ImageError::Read {
                path: self.0.join(path),
                source,
            }),
        }
    }

    fn opener(&self, path: &str) -> Opener {
        match self.file(path) {
            Ok((file, length)) => Opener::Part {
                file: Arc::new(file),
                offset: 0,
                length,
            },
            Err(error) => Opener::Missing(format!("{path}: {error}").into()),
        }
    }
}

/// The image of a layout that is meant.
pub(super) fn open(what: &str, blobs: &impl Blobs, wanted: &Wanted) -> Result<Image, ImageError> {
    let Some(index) = blobs.document("index.json")? else {
        let why = "it has no index.json; a root file system is scanned with `scan rootfs`";
        return Err(ImageError::no_image(what, why));
    };
    let index = Manifest::parse(&format!("index.json of {what}"), &index)?;
    let top = top(what, &index, wanted)?;
    let mut found = follow(what, blobs, &top, wanted)?;
    // A bare tag is no reference: it would be read as a repository.
    let names = names(&top)
        .into_iter()
        .filter(|name| name.contains([':', '/']));
    found.identity.references = names.filter_map(|name| reference(&name)).collect();
    let opener = |layer: &Descriptor| match blob_path(&layer.digest) {
        Some(path) => blobs.opener(&path),
        None => Opener::Missing(format!("{} is no digest", layer.digest).into()),
    };
    Image::new(
        what.into(),
        found.identity,
        &found.manifest,
        found.config,
        opener,
    )
}

/// Names of a descriptor: containerd's full one before the tag of OCI.
fn names(descriptor: &Descriptor) -> Vec<Text> {
    [
        "io.containerd.image.name",
        "org.opencontainers.image.ref.name",
    ]
    .iter()
    .filter_map(|key| descriptor.annotations.get(*key).cloned())
    .collect()
}

/// The descriptor of the layout's own index that is meant: by name, else the only name that there is.
fn top(what: &str, index: &Manifest, wanted: &Wanted) -> Result<Descriptor, ImageError> {
    let mut all: Vec<Text> = index.manifests.iter().flat_map(names).collect();
    all.sort_unstable();
    all.dedup();
    let listed = || {
        all.iter()
            .map(|name| &**name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let candidates: Vec<&Descriptor> = match &wanted.name {
        None => index.manifests.iter().collect(),
        Some(name) => {
            let named = index.manifests.iter();
            named
                .filter(|one| names(one).contains(name) || one.digest == *name)
                .collect()
        }
    };
    let distinct = |one: &&Descriptor| names(one).first().cloned();
    let several = candidates
        .iter()
        .any(|one| distinct(one).is_some() && distinct(one) != distinct(&candidates[0]));
    match candidates[..] {
        [one] => Ok(one.clone()),
        [] => match &wanted.name {
            Some(name) => Err(ImageError::NotThere {
                what: what.into(),
                name: name.to_string(),
                names: listed(),
            }),
            None => Err(ImageError::no_image(what, "its index is empty")),
        },
        _ if several => Err(ImageError::Several {
            what: what.into(),
            names: listed(),
        }),
        // One image for several platforms, or with its attestations beside it.
        _ => {
            let own = Manifest {
                manifests: candidates.into_iter().cloned().collect(),
                ..Manifest::default()
            };
            crate::manifest::choose(what, &own, wanted.platform.as_ref()).cloned()
        }
    }
}
