//! How the documents of others name what was scanned: a purl for images, words for the rest.
//! Where names are redacted, neither a repository nor a digest is told.

use crate::installed::{Unit, or_unnamed};
use crate::names::Names;
use crate::view::{View, at};
use model::assessment::ScannedImage;
use model::image::ImageReference;
use model::matches::ArtifactKind;
use model::purl;

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

/// `pkg:oci/web@sha256:...?repository_url=ghcr.io%2Fshop%2Fweb&tag=1.4.2` (purl-spec, type oci); a generic purl for
/// what is no image.
pub(crate) fn purl(view: &View, names: &Names, unit: &Unit) -> String {
    let Some(reference) = reference(view, unit).filter(|_| !names.redacts()) else {
        return purl::write("generic", None, or_unnamed(&names.show(unit.name)), "", &[]);
    };
    let name = reference.name().to_ascii_lowercase();
    let last = name.rsplit('/').next().unwrap_or(&name);
    let platform = unit.identity.platform.as_deref();
    let architecture = platform.and_then(|p| p.split_once('/'));
    let qualifiers = [
        ("arch", architecture.map_or("", |(_, of)| of)),
        ("repository_url", &*name),
        ("tag", reference.tag.as_deref().unwrap_or("")),
    ];
    let digest = digest(names, unit).unwrap_or("");
    purl::write("oci", None, or_unnamed(last), digest, &qualifiers)
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
