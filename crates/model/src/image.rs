//! Image references and identities. Identities are united over digests, never over tags.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A parsed reference in Docker's normal form (`docker.io/library/nginx:1.25`).
/// Grammar: distribution `reference` package; a bare name gets `docker.io/library/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ImageReference {
    pub registry: Text,
    pub repository: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<Text>,
    /// `sha256:` and 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Text>,
}

impl ImageReference {
    /// Parses what stands in a manifest or a report; `None` for text that is no reference.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("docker-pullable://").unwrap_or(text);
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_digest(digest) => (name, Some(digest)),
            Some(_) => return None,
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if name.is_empty()
            || is_digest(text)
            || !name.bytes().all(is_name_byte)
            || tag.is_some_and(|tag| !is_tag(tag))
        {
            return None;
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest.to_owned())
            }
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        if repository.is_empty() || repository.split('/').any(str::is_empty) {
            return None;
        }
        let registry = if registry == "index.docker.io" {
            "docker.io"
        } else {
            registry
        };
        let repository = match repository.as_str() {
            bare if registry == "docker.io" && !bare.contains('/') => format!("library/{bare}"),
            _ => repository,
        };
        Some(ImageReference {
            registry: registry.into(),
            repository: repository.into(),
            tag: tag.map(Into::into),
            digest: digest.map(Into::into),
        })
    }

    /// `docker.io/library/nginx`: what history and suppressions are keyed by.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether `text` is `sha256:` or `sha512:` and its hexadecimal digits.
pub fn is_digest(text: &str) -> bool {
    let expected = match text.split_once(':') {
        Some(("sha256", hex)) => (hex, 64),
        Some(("sha512", hex)) => (hex, 128),
        _ => return false,
    };
    expected.0.len() == expected.1 && expected.0.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':')
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// All names under which one image is known. The kubelet's `imageID` may be any of the digests or another repository's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageIdentity {
    /// Digest of the image configuration ("image id").
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub manifests: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub indexes: Vec<Text>,
    /// Digests of which is not said whether they name a manifest, an index or a configuration.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub digests: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub references: Vec<ImageReference>,
    /// `linux/amd64` where it is said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub platform: Option<Text>,
}

/// How surely a report is about the image that a container runs; ordered from weakest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinGrade {
    /// It does not run: it was asked what it would be in the place of those of its repository that do (`--as-deployed`).
    Repository,
    /// Repository and tag are the same; it may be another build.
    Tag,
    /// The same index digest, and the node's architecture fits.
    Index,
    /// The same manifest or configuration digest.
    Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let d = format!("sha256:{}", "a".repeat(64));
        for (text, expected) in [
            ("nginx", Some("docker.io/library/nginx".to_owned())),
            (
                "nginx:1.25",
                Some("docker.io/library/nginx:1.25".to_owned()),
            ),
            (
                "index.docker.io/nginx",
                Some("docker.io/library/nginx".to_owned()),
            ),
            ("library/nginx", Some("docker.io/library/nginx".to_owned())),
            ("localhost/x:1", Some("localhost/x:1".to_owned())),
            (
                "reg.example:5000/a/b",
                Some("reg.example:5000/a/b".to_owned()),
            ),
            (
                &format!("docker-pullable://nginx@{d}"),
                Some(format!("docker.io/library/nginx@{d}")),
            ),
            (&format!("reg.io/a:1@{d}"), Some(format!("reg.io/a:1@{d}"))),
            ("", None),
            ("a b", None),
            ("reg.io/", None),
            ("nginx@sha256:12", None),
            (&d, None),
        ] {
            assert_eq!(
                ImageReference::parse(text).map(|r| r.to_string()),
                expected,
                "{text}"
            );
        }
    }
}
