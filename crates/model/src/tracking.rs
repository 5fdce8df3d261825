//! The key by which history, SARIF, baselines and acceptances know a finding (architecture section 4).
//! Comes in: an Assessment and one of its findings. Never: a tag, a digest or a package's version.

use crate::assessment::{Assessment, ScannedImage};
use crate::finding::Finding;
use crate::image::JoinGrade;
use crate::keys;
use crate::matches::{Category, Package};
use std::borrow::Cow;

/// The tracking key of `finding`. `show` replaces names where they are redacted; it must be the same for all findings
/// whose keys are compared. An image that runs under several container names is tracked by the first of them in order.
pub fn tracking_key(
    assessment: &Assessment,
    finding: &Finding,
    show: impl Fn(&str) -> String,
) -> String {
    let image = at(&assessment.images, finding.image);
    let repository = image.map_or_else(String::new, |image| show(&repository(image)));
    if finding.category == Category::Vulnerability {
        let container = image
            .into_iter()
            .flat_map(|image| &image.placements)
            .filter_map(|n| at(&assessment.placements, Some(*n)))
            // One that would run there is the same finding as one that nobody deployed.
            .filter(|placement| placement.grade != JoinGrade::Repository)
            .filter_map(|placement| placement.runs_in)
            .filter_map(|at_place| {
                let workload = at(&assessment.workloads, Some(at_place.workload))?;
                at(&workload.containers, Some(at_place.container))
            })
            .map(|container| &*container.name)
            .min()
            .unwrap_or("");
        let purl = at(&assessment.packages, finding.package).map_or(Cow::Borrowed(""), purl);
        return keys::vulnerability_key(&repository, &show(container), &purl, &finding.id);
    }
    let subject = match &finding.object {
        Some(object) => show(&object.to_string()),
        None => repository,
    };
    let target = finding
        .matches
        .iter()
        .find_map(|id| {
            let set = at(&assessment.sets, Some(id.set))?;
            at(&set.matches, Some(id.index))?.target.as_deref()
        })
        .unwrap_or("");
    // What we see ourselves is one finding of an object, whichever of its fields comes first.
    let field = finding.field.as_deref();
    let field = field.filter(|_| !finding.matches.is_empty()).map(&show);
    keys::configuration_key(&subject, &show(target), field.as_deref(), &finding.id)
}

/// `docker.io/library/nginx` of a scanned image: the first reference, else its name without tag and digest.
pub fn repository(image: &ScannedImage) -> String {
    image
        .reference()
        .map_or_else(|| image.name.to_string(), |reference| reference.name())
}

/// The purl, or kind and name where the source gives none.
fn purl(package: &Package) -> Cow<'_, str> {
    match &package.purl {
        Some(purl) => Cow::Borrowed(purl),
        None => Cow::Owned(format!("{}/{}", package.kind, package.name)),
    }
}

fn at<T>(all: &[T], index: Option<u32>) -> Option<&T> {
    all.get(usize::try_from(index?).ok()?)
}
