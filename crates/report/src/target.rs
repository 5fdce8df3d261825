//! How the documents of others name what was scanned: a purl for images, words for the rest.
//! Where names are redacted, neither a repository nor a digest is told.

use crate::installed::{Unit, encoded};
use crate::names::Names;
use crate::view::{View, at};
use model::assessment::ScannedImage;
use model::image::ImageReference;
use model::matches::ArtifactKind;
use std::fmt::Write as _;

pub(crate) fn reference(view: &View, unit: &Unit) -> Option<ImageReference> {
    let of_image = at(&view.assessment.images, unit.image).and_then(ScannedImage::reference);
    of_image.or_else(|| {
        if unit.kind != ArtifactKind::Image {
            return None;
        }
        let first = unit.identity.references.iter().min();
        first.cloned().or_else(|| ImageReference::parse(unit.name))
    })
}

/// The digest of its manifest, which a registry knows it by; `None` where names are redacted.
pub(crate) fn digest<'a>(names: &Names, unit: &Unit<'a>) -> Option<&'a str> {
    let digest = unit.identity.manifests.first().filter(|_| !names.redacts());
    digest.map(|digest| &**digest)
}

/// `pkg:oci/web@sha256%3A...?repository_url=ghcr.io%2Fshop%2Fweb&tag=1.4.2` (purl-spec, type oci); a generic purl for
/// what is no image.
pub(crate) fn purl(view: &View, names: &Names, unit: &Unit) -> String {
    let Some(reference) = reference(view, unit).filter(|_| !names.redacts()) else {
        return format!("pkg:generic/{}", encoded(&names.show(unit.name)));
    };
    let name = reference.name().to_ascii_lowercase();
    let last = name.rsplit('/').next().unwrap_or(&name);
    let mut purl = format!("pkg:oci/{}", encoded(last));
    if let Some(digest) = digest(names, unit) {
        let _ = write!(purl, "@{}", encoded(digest));
    }
    let mut qualifiers = Vec::new();
    if let Some((_, architecture)) = unit
        .identity
        .platform
        .as_deref()
        .and_then(|p| p.split_once('/'))
    {
        qualifiers.push(format!("arch={}", encoded(architecture)));
    }
    qualifiers.push(format!("repository_url={}", encoded(&name)));
    if let Some(tag) = &reference.tag {
        qualifiers.push(format!("tag={}", encoded(tag)));
    }
    let _ = write!(purl, "?{}", qualifiers.join("&"));
    purl
}

/// `image`, `file tree`, `list of packages`.
pub(crate) fn kind_words(kind: ArtifactKind) -> &'static str {
    match kind {
        ArtifactKind::Image => "image",
        ArtifactKind::Filesystem => "file tree",
        ArtifactKind::Repository => "code base",
        ArtifactKind::Sbom => "list of packages",
        ArtifactKind::Node => "node",
        ArtifactKind::KubernetesObject => "Kubernetes object",
        ArtifactKind::Unknown => "artifact",
    }
}
