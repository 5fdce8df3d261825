//! What is attached to an image: signatures, attestations, bills of materials, VEX. Comes in: an image of a registry.
//! Goes out: what hangs on its digests, and the documents, checked by digest. Never: believes them; whoever uses one
//! verifies its signature first.
//!
//! Referrers API and its fallback tag (distribution-spec 1.1), cosign's tags, BuildKit's attestations in the index.

use super::access::Ticket;
use super::http::Ask;
use super::place::Endpoint;
use super::{Client, RegistryError};
use crate::manifest::{Descriptor, Manifest};
use model::image::{ImageIdentity, ImageReference};
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Attachments of one image; those of a busy image number some dozens.
const MOST: usize = 1_000;
/// Bytes of the referrers' list.
const LIST: u64 = 4 << 20;
/// Bytes of one attached document: bills of materials of large images have some dozens of megabytes.
const DOCUMENT: u64 = 64 << 20;

/// How it hangs on the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    Referrers,
    /// `sha256-<hex>` of the referrers' schema, or with cosign's endings.
    Tag,
    /// Beside the image in its index (BuildKit).
    Index,
}

/// A manifest that is attached to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What it is about: the digest of the image or of its index.
    pub subject: Text,
    /// Of the attached manifest.
    pub digest: Text,
    /// `application/vnd.in-toto+json`, `application/openvex+json`; empty where nobody says one.
    pub artifact_type: Text,
    pub annotations: BTreeMap<Text, Text>,
    pub how: How,
}

/// One document of an attached manifest.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub media_type: Text,
    /// Cosign keeps signatures and certificates here.
    pub annotations: BTreeMap<Text, Text>,
    pub digest: Text,
    pub bytes: Vec<u8>,
}

impl Client {
    /// What is attached to an image and to its indexes, each manifest once. The registry itself is asked, not a mirror:
    /// mirrors do not keep attachments up to date.
    pub fn attached(
        &self,
        reference: &ImageReference,
        identity: &ImageIdentity,
    ) -> Result<Vec<Attached>, RegistryError> {
        let endpoint = Endpoint::own(&reference.registry, &self.shared.options)?;
        let repository = &*reference.repository;
        let mut all: Vec<Attached> = Vec::new();
        for subject in identity.manifests.iter().chain(&identity.indexes) {
            match self.referrers(&endpoint, repository, subject)? {
                Some(found) => all.extend(found),
                None => all.extend(self.by_tag(&endpoint, repository, subject, "")?),
            }
            for ending in [".sig", ".att", ".sbom"] {
                all.extend(self.by_tag(&endpoint, repository, subject, ending)?);
            }
        }
        for index in &identity.indexes {
            let (manifest, _) = self.manifest(&endpoint, repository, index)?;
            all.extend(beside(&manifest, &identity.manifests));
        }
        let mut seen = BTreeSet::new();
        all.retain(|one| seen.insert((Text::clone(&one.subject), Text::clone(&one.digest))));
        all.truncate(MOST);
        Ok(all)
    }

    /// The documents of an attached manifest, at most `most` bytes in all and 64 MiB each.
    pub fn attachments(
        &self,
        reference: &ImageReference,
        attached: &Attached,
        most: u64,
    ) -> Result<Vec<Attachment>, RegistryError> {
        let endpoint = Endpoint::own(&reference.registry, &self.shared.options)?;
        let repository = &*reference.repository;
        let (manifest, _) = self.manifest(&endpoint, repository, &attached.digest)?;
        let mut left = most;
        let mut all = Vec::new();
        for layer in manifest.layers {
            let bytes =
                self.small_blob(&endpoint, repository, &layer.digest, left.min(DOCUMENT))?;
            left = left.saturating_sub(bytes.len() as u64);
            all.push(Attachment {
                media_type: layer.media_type.unwrap_or_default(),
                annotations: layer.annotations,
                digest: layer.digest,
                bytes,
            });
        }
        Ok(all)
    }

    /// `None`: the registry does not know the API.
    fn referrers(
        &self,
        endpoint: &Endpoint,
        repository: &str,
        subject: &Text,
    ) -> Result<Option<Vec<Attached>>, RegistryError> {
        let what = format!("what refers to {repository}@{subject}");
        let mut url = endpoint.url(repository, "referrers", subject)?;
        let ticket = Ticket::pull(endpoint, repository);
        let mut all = Vec::new();
        // Pages by `Link`, as in lists.
        for _ in 0..16 {
            let mut ask = Ask::get(url.clone(), &endpoint.host, &what);
            ask.accept = Some("application/vnd.oci.image.index.v1+json");
            let (bytes, headers) = match self.fetch(&ticket, &ask, LIST) {
                Ok(found) => found,
                // 404 is what the specification asks of those that have it not; others answer as they do to all that
                // they do not know.
                Err(RegistryError::NotFound { .. }) => return Ok(None),
                Err(RegistryError::Status { status, .. }) if (400..500).contains(&status) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let Ok(index) = Manifest::parse(&what, &bytes) else {
                return Ok(None);
            };
            all.extend(
                index
                    .manifests
                    .into_iter()
                    .map(|one| attached(one, subject, How::Referrers)),
            );
            let next = super::list::next(&headers).and_then(|link| endpoint.page(&url, &link));
            match next {
                Some(next) if next != url && all.len() < MOST => url = next,
                _ => break,
            }
        }
        Ok(Some(all))
    }

    /// `sha256-<hex>` is an index of attached manifests; with an ending it is the attached manifest.
    fn by_tag(
        &self,
        endpoint: &Endpoint,
        repository: &str,
        subject: &Text,
        ending: &str,
    ) -> Result<Vec<Attached>, RegistryError> {
        let tag = format!("{}{ending}", subject.replacen(':', "-", 1));
        let (manifest, digest) = match self.manifest(endpoint, repository, &tag) {
            Ok(found) => found,
            Err(RegistryError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if manifest.is_index() {
            let all = manifest.manifests.into_iter();
            return Ok(all.map(|one| attached(one, subject, How::Tag)).collect());
        }
        let by_layer = || {
            manifest
                .layers
                .first()
                .and_then(|layer| layer.media_type.clone())
        };
        Ok(vec![Attached {
            subject: Text::clone(subject),
            digest,
            artifact_type: manifest
                .artifact_type
                .clone()
                .filter(|kind| !kind.is_empty())
                .or_else(by_layer)
                .unwrap_or_default(),
            annotations: manifest.annotations.clone(),
            how: How::Tag,
        }])
    }
}

fn attached(one: Descriptor, subject: &Text, how: How) -> Attached {
    Attached {
        subject: Text::clone(subject),
        digest: one.digest,
        artifact_type: one.artifact_type.unwrap_or_default(),
        annotations: one.annotations,
        how,
    }
}

/// Attestations beside images in their index (BuildKit, `docs/attestations/attestation-storage.md`).
fn beside(index: &Manifest, images: &[Text]) -> Vec<Attached> {
    let about = |one: &Descriptor| {
        let kind = one.annotations.get("vnd.docker.reference.type")?;
        let subject = one.annotations.get("vnd.docker.reference.digest")?;
        (&**kind == "attestation-manifest" && images.contains(subject))
            .then(|| Text::clone(subject))
    };
    let all = index.manifests.iter();
    all.filter_map(|one| {
        let subject = about(one)?;
        let mut found = attached(one.clone(), &subject, How::Index);
        if found.artifact_type.is_empty() {
            found.artifact_type = "application/vnd.in-toto+json".into();
        }
        Some(found)
    })
    .collect()
}
