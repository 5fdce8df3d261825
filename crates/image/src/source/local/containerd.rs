//! containerd's images. Comes in: a socket, namespaces, a name. Goes out: an image whose documents and layers come from
//! the content store, by its API. Never: reads the store's folders or snapshots, fetches what is missing.
//! Source: containerd `api/services/images/v1`, `api/services/content/v1`, v1.2 and later.

use super::super::{Blobs, DOCUMENT, Image, Opener, Wanted, blob_path, follow, message};
use super::grpc::{Call, Content, Open, one};
use super::{StoreError, unfit};
use crate::ImageError;
use crate::manifest::Descriptor;
use model::image::ImageReference;
use model::text::Text;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const GET_IMAGE: &str = "/containerd.services.images.v1.Images/Get";
const INFO: &str = "/containerd.services.content.v1.Content/Info";
const READ: &str = "/containerd.services.content.v1.Content/Read";

/// The content store of one namespace.
#[derive(Clone)]
struct Store {
    socket: PathBuf,
    namespace: String,
}

pub(super) fn find(
    socket: &Path,
    namespaces: &[String],
    asked: &str,
    known: &ImageReference,
    wanted: &Wanted,
) -> Result<Image, StoreError> {
    // What an image is in one namespace and unfit in may be whole in the next.
    let mut why = StoreError::Absent;
    for namespace in namespaces {
        let store = Store {
            socket: socket.into(),
            namespace: namespace.clone(),
        };
        for name in names(asked, known) {
            match store.target(&name) {
                Ok(target) => match store.image(asked, known, &target, wanted) {
                    Ok(image) => return Ok(image),
                    Err(StoreError::Unfit(reason)) => {
                        why = StoreError::Unfit(format!("in {namespace}, {reason}"));
                    }
                    Err(error) => return Err(error),
                },
                Err(StoreError::Absent) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Err(why)
}

/// As it was written (names are any text here), and in Docker's normal form with a digest or a tag, as the kubelet,
/// nerdctl and ctr write them.
fn names(asked: &str, known: &ImageReference) -> Vec<String> {
    let normal = match (&known.tag, &known.digest) {
        (_, Some(digest)) => format!("{}@{digest}", known.name()),
        (Some(tag), None) => format!("{}:{tag}", known.name()),
        (None, None) => format!("{}:latest", known.name()),
    };
    let mut names = vec![normal];
    if !names.iter().any(|name| name == asked) {
        names.push(asked.to_owned());
    }
    names
}

impl Store {
    fn target(&self, name: &str) -> Result<Descriptor, StoreError> {
        let request = message::text_request(name);
        let answer = one(&self.socket, &self.namespace, GET_IMAGE, &request)?;
        message::image_target(&answer).map_err(|error| StoreError::Answer(error.to_string()))
    }

    fn image(
        &self,
        asked: &str,
        known: &ImageReference,
        target: &Descriptor,
        wanted: &Wanted,
    ) -> Result<Image, StoreError> {
        let mut found = follow(asked, self, target, wanted).map_err(incomplete)?;
        for layer in &found.manifest.layers {
            match self.size(&layer.digest) {
                Ok(_) => {}
                Err(StoreError::Absent) => {
                    let why = "its layers are kept unpacked only (`discard_unpacked_layers`), or were never fetched";
                    return Err(StoreError::Unfit(why.into()));
                }
                Err(error) => return Err(error),
            }
        }
        found.identity.references = vec![known.clone()];
        let opener = |layer: &Descriptor| self.layer(&layer.digest);
        let image = Image::new(
            asked.into(),
            found.identity,
            &found.manifest,
            found.config,
            opener,
        );
        Ok(image?)
    }

    fn size(&self, digest: &str) -> Result<u64, StoreError> {
        let request = message::text_request(digest);
        let answer = one(&self.socket, &self.namespace, INFO, &request)?;
        message::content_size(&answer).map_err(|error| StoreError::Answer(error.to_string()))
    }

    fn content(&self, digest: &str) -> Result<Content, StoreError> {
        let request = message::read_request(digest, 0);
        Call::new(&self.socket, &self.namespace, READ, &request).map(Content::new)
    }

    fn layer(&self, digest: &Text) -> Opener {
        if blob_path(digest).is_none() {
            return Opener::Missing(format!("{digest} is no digest").into());
        }
        let (store, digest) = (self.clone(), Text::clone(digest));
        let open: Open = Arc::new(move || {
            let content = store.content(&digest).map_err(io::Error::other)?;
            Ok(Box::new(content))
        });
        Opener::Stream(open)
    }
}

/// A document that the store does not have is one of a platform that nobody fetched.
fn incomplete(error: ImageError) -> StoreError {
    match error {
        ImageError::NoImage { why, .. } => StoreError::Unfit(why),
        error => unfit(error),
    }
}

impl Blobs for Store {
    fn document(&self, path: &str) -> Result<Option<Vec<u8>>, ImageError> {
        // `blobs/sha256/...`, as everywhere.
        let digest = path.trim_start_matches("blobs/").replacen('/', ":", 1);
        let read = |source| ImageError::Read {
            path: format!("{digest} of containerd").into(),
            source,
        };
        let content = match self.content(&digest) {
            Ok(content) => content,
            Err(StoreError::Absent) => return Ok(None),
            Err(error) => return Err(read(io::Error::other(error))),
        };
        let mut bytes = Vec::new();
        match content.take(DOCUMENT + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > DOCUMENT => {
                let why = format!("it has more than {DOCUMENT} bytes");
                Err(read(io::Error::other(why)))
            }
            Ok(_) => Ok(Some(bytes)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(read(error)),
        }
    }

    fn opener(&self, path: &str) -> Opener {
        let digest = path.trim_start_matches("blobs/").replacen('/', ":", 1);
        self.layer(&digest.into())
    }
}

/// A stream says that it has nothing only when it is read.
fn is_absent(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(StoreError::Absent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_images_may_be_called() {
        let check = |asked: &str, expected: &[&str]| {
            let known = ImageReference::parse(asked).unwrap();
            assert_eq!(names(asked, &known), expected, "{asked}");
        };
        check("m", &["docker.io/library/m:latest", "m"]);
        check("m:1", &["docker.io/library/m:1", "m:1"]);
        check("ghcr.io/a/b:1", &["ghcr.io/a/b:1"]);
        let digest = format!("sha256:{}", "0".repeat(64));
        check(
            &format!("m:1@{digest}"),
            &[
                &format!("docker.io/library/m@{digest}"),
                &format!("m:1@{digest}"),
            ],
        );
    }
}
