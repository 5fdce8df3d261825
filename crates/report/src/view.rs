//! What every format selects from: look-ups by index into an Assessment.
//! An index that points nowhere (a hostile bundle) finds nothing; it never panics.

use crate::names::Names;
use model::assessment::{Assessment, ScannedImage, Verdict};
use model::evidence::{Acceptance, Evidence, EvidenceId, Gap, GapId, GapWeight};
use model::finding::{Finding, Score};
use model::graph::{Cut, Path};
use model::matches::{Advisory, Basis, Match, MatchSource, Package};
use model::object::ObjectRef;
use model::situation::Situation;
use model::tracking;
pub(crate) use model::tracking::repository;
use model::vulnerability::{Severity, Vulnerability};
use model::workload::{Container, Placement, Workload};
use std::cmp::Reverse;

/// What a report shows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub assessment: &'a Assessment,
    pub verdict: &'a Verdict,
    /// How many actions the terminal, Markdown and HTML views show; 0 shows all. JSON has all.
    pub top: usize,
    /// Names of namespaces, workloads, images, objects and files become `namespace-1`, `workload-3` ...
    /// Keys and fingerprints are then made from those, so that nobody can test a guess against them.
    pub redact_names: bool,
}

/// One placement of a finding's image, with its score.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) placement: &'a Placement,
    /// `None`: nowhere known.
    pub(crate) workload: Option<&'a Workload>,
    pub(crate) container: Option<&'a Container>,
    pub(crate) situation: Option<&'a Situation>,
    pub(crate) score: Option<Scored<'a>>,
}

/// A score and its index, by which JSON and HTML refer to its explanation.
#[derive(Clone, Copy)]
pub(crate) struct Scored<'a> {
    pub(crate) index: u32,
    pub(crate) score: &'a Score,
}

/// What one source said for a finding.
pub(crate) struct Cited<'a> {
    /// Index of the document among the sets.
    pub(crate) set: u32,
    pub(crate) source: &'a MatchSource,
    pub(crate) said: &'a Match,
    pub(crate) advisory: Option<&'a Advisory>,
    /// What our own matcher decided by.
    pub(crate) basis: Option<&'a Basis>,
}

impl<'a> View<'a> {
    pub(crate) fn image(&self, finding: &Finding) -> Option<&'a ScannedImage> {
        at(&self.assessment.images, finding.image)
    }

    pub(crate) fn package(&self, finding: &Finding) -> Option<&'a Package> {
        at(&self.assessment.packages, finding.package)
    }

    pub(crate) fn vulnerability(&self, finding: &Finding) -> Option<&'a Vulnerability> {
        at(&self.assessment.vulnerabilities, finding.vulnerability)
    }

    pub(crate) fn evidence(&self, id: EvidenceId) -> Option<&'a Evidence> {
        at(&self.assessment.ledger.evidence, Some(id.0))
    }

    pub(crate) fn gap(&self, id: GapId) -> Option<&'a Gap> {
        at(&self.assessment.ledger.gaps, Some(id.0))
    }

    fn place(&self, index: u32, score: Option<u32>) -> Option<Place<'a>> {
        let placement = at(&self.assessment.placements, Some(index))?;
        let place = self.place_of(placement)?;
        Some(Place {
            score: score.and_then(|index| self.scored(index)),
            ..place
        })
    }

    /// A placement without a score.
    pub(crate) fn place_of(&self, placement: &'a Placement) -> Option<Place<'a>> {
        let (workload, container) = match placement.runs_in {
            Some(runs_in) => {
                let workload = at(&self.assessment.workloads, Some(runs_in.workload))?;
                let container = at(&workload.containers, Some(runs_in.container));
                (Some(workload), container)
            }
            None => (None, None),
        };
        Some(Place {
            placement,
            workload,
            container,
            situation: at(&self.assessment.situations, Some(placement.situation)),
            score: None,
        })
    }

    fn scored(&self, index: u32) -> Option<Scored<'a>> {
        at(&self.assessment.scores, Some(index)).map(|score| Scored { index, score })
    }

    /// The placements of the finding's image in the order of the Assessment.
    pub(crate) fn places<'f>(&self, finding: &'f Finding) -> impl Iterator<Item = Place<'a>> + 'f
    where
        'a: 'f,
    {
        let view = *self;
        let placements = self.image(finding).map_or(&[][..], |i| &i.placements);
        placements
            .iter()
            .enumerate()
            .filter_map(move |(i, index)| view.place(*index, finding.scores.get(i).copied()))
    }

    /// The placement with the highest score; the first of equals.
    pub(crate) fn best(&self, finding: &Finding) -> Option<Place<'a>> {
        self.places(finding).reduce(|best, next| {
            if is_higher(next.score, best.score) {
                next
            } else {
                best
            }
        })
    }

    /// The highest score, also of findings that have no image.
    pub(crate) fn score(&self, finding: &Finding) -> Option<Scored<'a>> {
        let scored = finding.scores.iter().filter_map(|i| self.scored(*i));
        scored.reduce(|best, next| {
            if is_higher(Some(next), Some(best)) {
                next
            } else {
                best
            }
        })
    }

    pub(crate) fn cited<'f>(&self, finding: &'f Finding) -> impl Iterator<Item = Cited<'a>> + 'f
    where
        'a: 'f,
    {
        let assessment = self.assessment;
        finding.matches.iter().filter_map(move |id| {
            let set = at(&assessment.sets, Some(id.set))?;
            let said = at(&set.matches, Some(id.index))?;
            Some(Cited {
                set: id.set,
                source: &set.source,
                said,
                advisory: at(&set.advisories, Some(said.advisory)),
                basis: at(&set.bases, said.basis),
            })
        })
    }

    /// What a person calls the finding: its own title, the vulnerability's, or an advisory's.
    pub(crate) fn title<'f>(&self, finding: &'f Finding) -> Option<&'f str>
    where
        'a: 'f,
    {
        if let Some(title) = &finding.title {
            return Some(title);
        }
        if let Some(title) = self.vulnerability(finding).and_then(|v| v.title.as_deref()) {
            return Some(title);
        }
        self.cited(finding)
            .find_map(|cited| cited.advisory.and_then(|a| a.title.as_deref()))
    }

    /// Key by which history, SARIF and acceptances know the finding (architecture section 4).
    pub(crate) fn tracking_key(&self, finding: &Finding, names: &Names) -> String {
        tracking::tracking_key(self.assessment, finding, |text| {
            names.show(text).into_owned()
        })
    }

    /// The likeliest path to the gravest sink that is reached in one of a hundred quarters or more, and its cut.
    pub(crate) fn worst_path(&self) -> Option<(&'a Path, Option<&'a Cut>)> {
        const MATERIAL: f64 = 0.01;
        let paths = &self.assessment.paths;
        // They stand in the order of their sinks, the gravest first, then of their probability.
        let grave = paths
            .iter()
            .find(|path| path.probability.expected >= MATERIAL);
        let likely = || {
            paths
                .iter()
                .rev()
                .max_by(|a, b| a.probability.expected.total_cmp(&b.probability.expected))
        };
        let path = grave.or_else(likely)?;
        // A path names its node, a cut speaks of nodes.
        let is_of = |cut: &&Cut| {
            cut.sink == path.sink || path.sink.split(' ').any(|word| word == &*cut.sink)
        };
        let cut = self.assessment.cuts.iter().find(is_of);
        Some((path, cut))
    }

    pub(crate) fn shown_actions(&self) -> usize {
        let all = self.assessment.actions.len();
        if self.top == 0 {
            all
        } else {
            all.min(self.top)
        }
    }

    /// Open findings by severity, the worst first; classes without findings are left out.
    pub(crate) fn by_severity(&self) -> Vec<(Severity, usize)> {
        let all = [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
            Severity::Negligible,
            Severity::Unknown,
        ];
        let mut counts = [0; 6];
        for finding in &self.assessment.findings {
            if let Some(i) = all.iter().position(|s| *s == finding.severity) {
                counts[i] += 1;
            }
        }
        all.into_iter()
            .zip(counts)
            .filter(|(_, n)| *n > 0)
            .collect()
    }

    /// Gaps by class, the heaviest and then the most frequent first; those that somebody answers for come last.
    pub(crate) fn gap_groups(&self) -> Vec<GapGroup<'a>> {
        let mut gaps: Vec<(&Gap, Option<&Acceptance>)> =
            self.assessment.ledger.gaps_accepted().collect();
        let by = |accepted: Option<&'a Acceptance>| {
            accepted.map(|a| (a.expires, &a.class, &a.scope, &a.owner, &a.reason))
        };
        gaps.sort_by(|(a, a_by), (b, b_by)| {
            (by(*a_by), Reverse(a.weight), &a.class).cmp(&(by(*b_by), Reverse(b.weight), &b.class))
        });
        let mut groups: Vec<GapGroup> = gaps
            .chunk_by(|(a, a_by), (b, b_by)| {
                (by(*a_by), a.weight, &a.class) == (by(*b_by), b.weight, &b.class)
            })
            .filter_map(|gaps| {
                let (first, accepted) = gaps.first()?;
                Some(GapGroup {
                    class: &first.class,
                    weight: first.weight,
                    accepted: *accepted,
                    gaps: gaps.iter().map(|(gap, _)| *gap).collect(),
                })
            })
            .collect();
        groups.sort_by(|a, b| {
            let order = |g: &GapGroup| {
                (
                    g.accepted.is_some(),
                    Reverse(g.weight),
                    Reverse(g.gaps.len()),
                )
            };
            order(a).cmp(&order(b)).then(a.class.cmp(b.class))
        });
        groups
    }

    /// Gaps of a weight that nobody answers for.
    pub(crate) fn gaps_of(&self, weight: GapWeight) -> usize {
        let gaps = self.assessment.ledger.gaps_accepted();
        gaps.filter(|(gap, accepted)| gap.weight == weight && accepted.is_none())
            .count()
    }

    /// The first gap that could hide findings of an artifact; their scopes end with its name.
    pub(crate) fn hides_in(&self, artifact: &str) -> Option<&'a Gap> {
        let gaps = &self.assessment.ledger.gaps;
        let is_of = |gap: &&Gap| {
            gap.weight == GapWeight::Hides
                && gap
                    .scope
                    .strip_suffix(artifact)
                    .is_some_and(|kind| kind.is_empty() || kind.ends_with(' '))
        };
        gaps.iter().find(is_of)
    }

    /// Only artifacts were looked at, and here: what is installed in them is known.
    pub(crate) fn is_of_artifacts(&self) -> bool {
        self.assessment.about.origin.is_none() && !self.assessment.inventories.is_empty()
    }

    pub(crate) fn gaps_accepted(&self) -> usize {
        let gaps = self.assessment.ledger.gaps_accepted();
        gaps.filter(|(_, accepted)| accepted.is_some()).count()
    }

    /// Whether every NetworkPolicy was seen; where not, a namespace without one is not known to be so.
    pub(crate) fn saw_policies(&self) -> bool {
        !self
            .assessment
            .coverage
            .listed
            .iter()
            .any(|l| !l.complete && &*l.kind == "NetworkPolicy")
    }

    /// The earliest BOD 26-04 date among the findings that an action closes.
    pub(crate) fn due(&self, closes: &[u32]) -> Option<jiff::civil::Date> {
        closes
            .iter()
            .filter_map(|index| at(&self.assessment.findings, Some(*index)))
            .flat_map(|finding| &finding.scores)
            .filter_map(|index| self.scored(*index)?.score.deadline.due)
            .min()
    }
}

pub(crate) struct GapGroup<'a> {
    pub(crate) class: &'a str,
    pub(crate) weight: GapWeight,
    pub(crate) accepted: Option<&'a Acceptance>,
    /// In the order of the ledger, never empty.
    pub(crate) gaps: Vec<&'a Gap>,
}

pub(crate) fn at<T>(all: &[T], index: Option<u32>) -> Option<&T> {
    all.get(usize::try_from(index?).ok()?)
}

/// The object of a configuration finding, else the workload of the best placement.
pub(crate) fn object<'f>(finding: &'f Finding, best: Option<&Place<'f>>) -> Option<&'f ObjectRef> {
    let workload = best.and_then(|place| Some(&place.workload?.object));
    finding.object.as_ref().or(workload)
}

/// Whether `a` stands before `b`: by expected points, then by the worst case; unscored last.
fn is_higher(a: Option<Scored<'_>>, b: Option<Scored<'_>>) -> bool {
    let points = |s: Scored<'_>| (s.score.points.expected, s.score.points.high);
    match (a.map(points), b.map(points)) {
        (Some(a), Some(b)) => a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).is_gt(),
        (Some(_), None) => true,
        (None, _) => false,
    }
}
