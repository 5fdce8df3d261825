//! The vulnerabilities of each image, and the findings that name them.
//! In: the findings; out: per image one [`Entry`] per vulnerability, however many packages carry it (rule 8).

use crate::delivery::{Loaded, Way, ease};
use crate::kernel;
use crate::scale::sane;
use model::assessment::Assessment;
use model::evidence::Estimate;
use model::finding::Finding;
use model::matches::Category;

/// One vulnerability in one image.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub vulnerability: u32,
    pub way: Way,
    /// L x the part of E that the vulnerability gives.
    pub strength: Estimate,
    /// Open findings of it in the image, a range of `Subjects::findings`.
    pub first: u32,
    pub count: u32,
}

/// Findings grouped by image and vulnerability. Kernel advisories of container images are not in it (rule 7).
#[derive(Debug)]
pub(crate) struct Subjects {
    /// Per image a range of `entries`.
    pub images: Vec<std::ops::Range<usize>>,
    pub entries: Vec<Entry>,
    /// Indices of findings, ordered by image, vulnerability, finding.
    pub findings: Vec<u32>,
}

impl Subjects {
    pub(crate) fn of(assessment: &Assessment) -> Subjects {
        let mut keyed: Vec<(u32, u32, u32)> = assessment
            .findings
            .iter()
            .zip(0u32..)
            .filter_map(|(finding, index)| {
                let (image, vulnerability) = subject(assessment, finding)?;
                Some((image, vulnerability, index))
            })
            .collect();
        keyed.sort_unstable();
        let mut subjects = Subjects {
            images: Vec::with_capacity(assessment.images.len()),
            entries: Vec::new(),
            findings: keyed.iter().map(|key| key.2).collect(),
        };
        let mut at = 0;
        for image in 0..assessment.images.len() {
            let start = subjects.entries.len();
            while let Some(&(_, vulnerability, _)) =
                keyed.get(at).filter(|key| key.0 as usize == image)
            {
                let rest = keyed.get(at..).unwrap_or(&[]);
                let count = rest
                    .iter()
                    .take_while(|key| key.0 as usize == image && key.1 == vulnerability)
                    .count();
                subjects
                    .entries
                    .extend(Entry::new(assessment, vulnerability, at, count));
                at += count;
            }
            subjects.images.push(start..subjects.entries.len());
        }
        subjects
    }

    pub(crate) fn of_image(&self, image: usize) -> &[Entry] {
        self.images
            .get(image)
            .and_then(|range| self.entries.get(range.clone()))
            .unwrap_or(&[])
    }

    pub(crate) fn findings_of(&self, entry: &Entry) -> &[u32] {
        let start = entry.first as usize;
        self.findings
            .get(start..start + entry.count as usize)
            .unwrap_or(&[])
    }
}

impl Entry {
    fn new(
        assessment: &Assessment,
        vulnerability: u32,
        first: usize,
        count: usize,
    ) -> Option<Entry> {
        let known = assessment.vulnerabilities.get(vulnerability as usize)?;
        Some(Entry {
            vulnerability,
            way: Way::of(known.profile),
            strength: sane(known.likelihood.estimate).times(ease(known.profile, Loaded::Unknown)),
            first: u32::try_from(first).ok()?,
            count: u32::try_from(count).ok()?,
        })
    }
}

/// Image and vulnerability of a finding that can be delivered into a container.
fn subject(assessment: &Assessment, finding: &Finding) -> Option<(u32, u32)> {
    let (image, vulnerability) = (finding.image?, finding.vulnerability?);
    let artifact = assessment.images.get(image as usize)?;
    assessment.vulnerabilities.get(vulnerability as usize)?;
    let package = finding
        .package
        .and_then(|package| assessment.packages.get(package as usize));
    (finding.category == Category::Vulnerability && !kernel::concerns(package, Some(artifact)))
        .then_some((image, vulnerability))
}
