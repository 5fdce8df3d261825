//! What an action removes: R(now) - R(after it), with R of a container = A x B x (1 - product of (1 - L x E)).
//! In: targets (containers that run) and what an action does to them; out: an [`Estimate`] of removed risk,
//! a union per target and per shared vulnerability, never a sum (rule 8).

use crate::Settings;
use crate::delivery::{Reach, Way};
use crate::place::{Places, counts};
use crate::scale::sane;
use crate::subject::{Entry, Subjects};
use model::assessment::Assessment;
use model::evidence::{Estimate, EvidenceId};
use model::situation::{BlastStep, Reach as Share};
use model::workload::{ContainerIndex, Criticality, Workload};

/// No action is worth more than so many times the worst single finding that it concerns: exploit predictions
/// are not independent of each other, and volume must not outrank severity (rule 8; stated prior).
const VOLUME: f64 = 10.0;

/// Low, expected, high.
pub(crate) type Lanes = [f64; 3];

pub(crate) fn lanes(estimate: Estimate) -> Lanes {
    [estimate.low, estimate.expected, estimate.high]
}

fn zip(a: Lanes, b: Lanes, f: impl Fn(f64, f64) -> f64) -> Lanes {
    let ([a0, a1, a2], [b0, b1, b2]) = (a, b);
    [f(a0, b0), f(a1, b1), f(a2, b2)]
}

/// A container that runs, or an artifact that may run anywhere. Hazard is -ln(1 - probability): hazards of independent events add.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub placement: u32,
    pub runs_in: Option<ContainerIndex>,
    pub image: u32,
    pub situation: u32,
    /// Index into the credentials: it runs nowhere, and has no image and no situation.
    pub credential: Option<u32>,
    pub reach: Reach,
    pub blast: Lanes,
    criticality: Lanes,
    same_build: Lanes,
    base: Lanes,
    /// Of what comes in from outside, the base rate included.
    outside: Lanes,
    /// Of what works once code runs in the container.
    inside: Lanes,
    /// Probability of the worst single way in, the base rate included.
    peak: Lanes,
}

/// What an action does.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Closes entries: image and its entries.
    Fix(Vec<(u32, Vec<u32>)>),
    /// Takes what carries steps of the blast radius away: target and evidence.
    Blast(Vec<(u32, Vec<EvidenceId>)>),
    /// Leaves less reach: target and what remains.
    Reach(Vec<(u32, Reach)>),
    /// Nothing that can be computed.
    None,
}

/// The state that the queue works on; picking an action changes it.
pub(crate) struct Board<'a> {
    assessment: &'a Assessment,
    subjects: &'a Subjects,
    pub targets: Vec<Target>,
    /// Targets of each image.
    pub by_image: Vec<Vec<u32>>,
    /// Per entry: how many actions must still be taken until it is closed; 0 is closed.
    pub open: Vec<u16>,
    /// Per placement: whether it counts (rule 9).
    runs: Vec<bool>,
    /// Evidence of the blast radius that picked actions took away, per target.
    gone: Vec<Vec<EvidenceId>>,
}

impl<'a> Board<'a> {
    pub(crate) fn new(
        assessment: &'a Assessment,
        places: &Places,
        subjects: &'a Subjects,
        settings: &Settings,
    ) -> Self {
        let mut board = Board {
            assessment,
            subjects,
            targets: Vec::new(),
            by_image: vec![Vec::new(); assessment.images.len()],
            open: vec![1; subjects.entries.len()],
            runs: vec![false; assessment.placements.len()],
            gone: Vec::new(),
        };
        for (placement, index) in assessment.placements.iter().zip(0u32..) {
            let (Some((_, place)), true) = (places.get(index), counts(assessment, placement))
            else {
                continue;
            };
            let id = u32::try_from(board.targets.len()).unwrap_or(u32::MAX);
            let Some(of_image) = board.by_image.get_mut(placement.image as usize) else {
                continue;
            };
            of_image.push(id);
            if let Some(runs) = board.runs.get_mut(index as usize) {
                *runs = true;
            }
            let mut target = Target {
                placement: index,
                runs_in: placement.runs_in,
                image: placement.image,
                situation: placement.situation,
                credential: None,
                reach: place.reach,
                blast: lanes(place.blast),
                criticality: lanes(place.criticality),
                same_build: lanes(place.same_build),
                base: lanes(place.base(settings)),
                outside: [0.0; 3],
                inside: [0.0; 3],
                peak: [0.0; 3],
            };
            board.weigh(&mut target);
            board.targets.push(target);
        }
        board.credentials(settings);
        board.gone = vec![Vec::new(); board.targets.len()];
        board
    }

    /// Who holds a credential outside of pods may lose it: one target each.
    fn credentials(&mut self, settings: &Settings) {
        let criticality = lanes(sane(Criticality::undeclared().value));
        for (credential, index) in self.assessment.credentials.iter().zip(0u32..) {
            let mut target = Target {
                placement: u32::MAX,
                runs_in: None,
                image: u32::MAX,
                situation: u32::MAX,
                credential: Some(index),
                reach: Reach {
                    network: Estimate::exact(0.0),
                    adjacent: Estimate::exact(0.0),
                },
                blast: lanes(sane(credential.blast.value)),
                criticality,
                same_build: [1.0; 3],
                base: [settings.credential_rate; 3],
                outside: [0.0; 3],
                inside: [0.0; 3],
                peak: [0.0; 3],
            };
            self.weigh(&mut target);
            self.targets.push(target);
        }
    }

    /// What falls with a target, step by step.
    pub(crate) fn steps(&self, target: &Target) -> &'a [BlastStep] {
        let assessment = self.assessment;
        let blast = if let Some(index) = target.credential {
            let known = assessment.credentials.get(index as usize);
            known.map(|credential| &credential.blast)
        } else {
            let known = assessment.situations.get(target.situation as usize);
            known.map(|situation| &situation.blast)
        };
        blast.map_or(&[], |blast| &blast.steps)
    }

    /// The workload of a target that is in one.
    pub(crate) fn workload(&self, target: &Target) -> Option<&'a Workload> {
        self.assessment
            .workloads
            .get(target.runs_in?.workload as usize)
    }

    pub(crate) fn runs(&self, placement: u32) -> bool {
        self.runs.get(placement as usize).copied().unwrap_or(false)
    }

    fn entries(&self, image: u32) -> impl Iterator<Item = (usize, &'a Entry)> + use<'a> {
        let range = self
            .subjects
            .images
            .get(image as usize)
            .cloned()
            .unwrap_or(0..0);
        range.clone().zip(self.subjects.of_image(image as usize))
    }

    /// Sums the hazards of everything that is open.
    fn weigh(&self, target: &mut Target) {
        target.outside = target.base.map(hazard);
        target.inside = [0.0; 3];
        target.peak = target.base;
        for (index, entry) in self.entries(target.image) {
            if self.open.get(index).is_some_and(|open| *open > 0) {
                let one = threat(entry, target);
                let side = if entry.way.enters() {
                    &mut target.outside
                } else {
                    &mut target.inside
                };
                *side = zip(*side, one, |a, b| a + b);
                if entry.way.enters() {
                    target.peak = zip(target.peak, probability(entry, target), f64::max);
                }
            }
        }
    }

    /// What the action removes now.
    pub(crate) fn removes(&self, effect: &Effect) -> Estimate {
        let removed = match effect {
            Effect::Fix(images) => self.fixed(images),
            Effect::Blast(changes) => union(changes.iter().filter_map(|(target, evidence)| {
                let before = self.targets.get(*target as usize)?;
                let after = self.blast_without(*target, evidence)?;
                let less = zip(before.blast, after, |b, a| (b - a).max(0.0));
                Some(zip(
                    zip(less, before.criticality, |b, a| b * a),
                    before.counted(),
                    |value, falls| value * falls,
                ))
            })),
            Effect::Reach(changes) => union(changes.iter().filter_map(|(target, reach)| {
                let before = self.targets.get(*target as usize)?;
                let mut after = before.clone();
                after.reach = before.less(reach);
                self.weigh(&mut after);
                let lost = |target: &Target| zip(target.value(), target.counted(), |v, p| v * p);
                Some(zip(lost(before), lost(&after), |b, a| (b - a).max(0.0)))
            })),
            Effect::None => [0.0; 3],
        };
        let [low, expected, high] = removed;
        Estimate {
            low: low.min(expected),
            expected,
            high: high.max(expected),
        }
    }

    fn fixed(&self, images: &[(u32, Vec<u32>)]) -> Lanes {
        let parts: Vec<Part<'_>> = images
            .iter()
            .map(|(image, entries)| self.part(*image, entries))
            .collect();
        let worst = parts
            .iter()
            .flat_map(Part::doors)
            .fold([0.0; 3], |worst, (entry, target)| {
                zip(worst, target.by(entry), f64::max)
            });
        let per_target = union(parts.iter().flat_map(|part| {
            let closing = &part.closing;
            part.targets.iter().map(|target| target.less_by(closing))
        }));
        let bounded = zip(per_target, worst, |all, worst| all.min(VOLUME * worst));
        if parts.iter().map(|part| part.targets.len()).sum::<usize>() < 2 {
            return bounded;
        }
        let mut closing: Vec<(&Entry, &Part<'_>)> = parts
            .iter()
            .flat_map(|part| part.closing.iter().map(move |entry| (*entry, part)))
            .collect();
        closing.sort_by_key(|(entry, _)| entry.vulnerability);
        let shared = closing.chunk_by(|a, b| a.0.vulnerability == b.0.vulnerability);
        let per_vulnerability = union(shared.map(|doors| self.shared(doors)));
        zip(bounded, per_vulnerability, f64::min)
    }

    fn part(&self, image: u32, entries: &[u32]) -> Part<'_> {
        let targets = self.by_image.get(image as usize).map_or(&[][..], |t| t);
        Part {
            targets: targets
                .iter()
                .filter_map(|target| self.targets.get(*target as usize))
                .collect(),
            closing: entries
                .iter()
                .filter(|entry| self.open.get(**entry as usize) == Some(&1))
                .filter_map(|entry| self.subjects.entries.get(*entry as usize))
                .collect(),
        }
    }

    /// L x (1 - product over the targets of (1 - E x B x A)): one exploit, many doors.
    fn shared(&self, doors: &[(&Entry, &Part<'_>)]) -> Lanes {
        let likelihood = doors
            .first()
            .and_then(|(entry, _)| {
                let all = &self.assessment.vulnerabilities;
                all.get(entry.vulnerability as usize)
            })
            .map_or([1.0; 3], |known| lanes(sane(known.likelihood.estimate)));
        let targets = doors
            .iter()
            .flat_map(|(entry, part)| part.targets.iter().map(move |target| (*entry, *target)));
        let stands = targets.fold([1.0; 3], |stands, (entry, target)| {
            let given = zip(target.by(entry), likelihood, |r, l| {
                if l > 0.0 { r / l } else { 0.0 }
            });
            let lost = given.map(|lost| lost.min(1.0));
            zip(stands, lost, |s, l| s * (1.0 - l))
        });
        zip(likelihood, stands, |l, s| l * (1.0 - s))
    }

    /// The blast radius without what this evidence says, in proportion to what `paths` computed.
    fn blast_without(&self, target: u32, evidence: &[EvidenceId]) -> Option<Lanes> {
        let known = self.targets.get(target as usize)?;
        let gone = self.gone.get(target as usize)?;
        let steps = self.steps(known);
        let before = spread(steps, |step| stands(step, steps, |id| gone.contains(id)));
        let after = spread(steps, |step| {
            stands(step, steps, |id| gone.contains(id) || evidence.contains(id))
        });
        let share = zip(
            before,
            after,
            |b, a| if b > 0.0 { (a / b).min(1.0) } else { 1.0 },
        );
        Some(zip(known.blast, share, |blast, share| blast * share))
    }

    /// Takes the action: the targets that it changed.
    pub(crate) fn take(&mut self, effect: &Effect) -> Vec<u32> {
        match effect {
            Effect::Fix(images) => {
                for entry in images.iter().flat_map(|(_, entries)| entries) {
                    if let Some(open) = self.open.get_mut(*entry as usize) {
                        *open = open.saturating_sub(1);
                    }
                }
                images
                    .iter()
                    .filter_map(|(image, _)| self.by_image.get(*image as usize))
                    .flatten()
                    .copied()
                    .collect()
            }
            Effect::Blast(changes) => {
                for (target, evidence) in changes {
                    if let Some(after) = self.blast_without(*target, evidence)
                        && let Some(target) = self.targets.get_mut(*target as usize)
                    {
                        target.blast = after;
                    }
                    if let Some(gone) = self.gone.get_mut(*target as usize) {
                        gone.extend(evidence);
                    }
                }
                changes.iter().map(|change| change.0).collect()
            }
            Effect::Reach(changes) => {
                for (target, reach) in changes {
                    if let Some(target) = self.targets.get_mut(*target as usize) {
                        target.reach = target.less(reach);
                    }
                }
                changes.iter().map(|change| change.0).collect()
            }
            Effect::None => Vec::new(),
        }
    }

    /// Weighs targets anew after an action was taken.
    pub(crate) fn refresh(&mut self, targets: &[u32]) {
        for id in targets {
            let Some(mut target) = self.targets.get(*id as usize).cloned() else {
                continue;
            };
            self.weigh(&mut target);
            if let Some(slot) = self.targets.get_mut(*id as usize) {
                *slot = target;
            }
        }
    }

    /// How much of the image's hazard one set of entries is, over its worst target; for the choice of joint actions.
    pub(crate) fn hazard_share(&self, image: u32, entries: &[u32]) -> f64 {
        let targets = self.by_image.get(image as usize).map_or(&[][..], |t| t);
        targets
            .iter()
            .filter_map(|target| self.targets.get(*target as usize))
            .map(|target| {
                let sum: f64 = entries
                    .iter()
                    .filter_map(|entry| self.subjects.entries.get(*entry as usize))
                    .map(|entry| threat(entry, target)[1])
                    .sum();
                let all = target.outside[1] + target.inside[1];
                if all > 0.0 { sum / all } else { 0.0 }
            })
            .fold(0.0, f64::max)
    }
}

/// One image of a fix: where it runs, and which of its entries the fix closes.
struct Part<'a> {
    targets: Vec<&'a Target>,
    closing: Vec<&'a Entry>,
}

impl<'a> Part<'a> {
    fn doors(&self) -> impl Iterator<Item = (&'a Entry, &'a Target)> {
        let targets = &self.targets;
        self.closing
            .iter()
            .flat_map(move |entry| targets.iter().map(move |target| (*entry, *target)))
    }
}

impl Target {
    /// What is removed here when these entries are closed.
    fn less_by(&self, closing: &[&Entry]) -> Lanes {
        let (mut outside, mut inside) = (self.outside, self.inside);
        for entry in closing {
            let side = if entry.way.enters() {
                &mut outside
            } else {
                &mut inside
            };
            *side = zip(*side, threat(entry, self), |all, one| (all - one).max(0.0));
        }
        let after = zip(self.value(), falls(outside, inside), |v, f| v * f);
        zip(self.risk(), after, |b, a| (b - a).max(0.0))
    }

    /// P(it falls within the horizon).
    fn falls(&self) -> Lanes {
        falls(self.outside, self.inside)
    }

    /// B x A.
    fn value(&self) -> Lanes {
        zip(self.blast, self.criticality, |b, a| b * a)
    }

    fn risk(&self) -> Lanes {
        zip(self.value(), self.falls(), |v, f| v * f)
    }

    /// P(it falls) as far as it counts for a change of its position.
    fn counted(&self) -> Lanes {
        zip(self.falls(), self.peak, |falls, peak| {
            falls.min(VOLUME * peak)
        })
    }

    /// R by one entry alone.
    fn by(&self, entry: &Entry) -> Lanes {
        let mut falls = probability(entry, self);
        if !entry.way.enters() {
            falls = zip(falls, self.outside, |used, outside| {
                used * -(-outside).exp_m1()
            });
        }
        zip(falls, self.value(), |p, v| p * v)
    }

    fn less(&self, reach: &Reach) -> Reach {
        Reach {
            network: self.reach.network.min(reach.network),
            adjacent: self.reach.adjacent.min(reach.adjacent),
        }
    }
}

/// Something comes in from outside, or something inside builds on that.
fn falls(outside: Lanes, inside: Lanes) -> Lanes {
    zip(outside, inside, |outside, inside| {
        let entered = -(-outside).exp_m1();
        let used = -(-inside).exp_m1();
        1.0 - (1.0 - entered) * (1.0 - entered * used)
    })
}

fn hazard(probability: f64) -> f64 {
    -(-probability.min(1.0 - 1e-9)).ln_1p()
}

/// P(the container falls by the entry); for one that needs code in the pod, given that it runs there.
fn probability(entry: &Entry, target: &Target) -> Lanes {
    let reach = match entry.way {
        Way::Network | Way::Unknown => lanes(target.reach.network),
        Way::Adjacent => lanes(target.reach.adjacent),
        Way::InPod => [1.0; 3],
    };
    zip(
        zip(lanes(entry.strength), reach, |s, r| s * r),
        target.same_build,
        |p, same| p * same,
    )
}

fn threat(entry: &Entry, target: &Target) -> Lanes {
    probability(entry, target).map(hazard)
}

/// 1 - product of (1 - x).
fn union(parts: impl Iterator<Item = Lanes>) -> Lanes {
    parts
        .fold([1.0; 3], |stands, part| {
            zip(stands, part, |s, p| s * (1.0 - p))
        })
        .map(|stands| 1.0 - stands)
}

/// Whether a step is still there. Most need all that they cite; one that follows from several others
/// (each of its evidence carries a step of its own) ends only with the last of them.
fn stands(step: &BlastStep, steps: &[BlastStep], gone: impl Fn(&EvidenceId) -> bool) -> bool {
    let own = |id: &EvidenceId| steps.iter().any(|other| other.because == [*id]);
    if step.because.len() > 1 && step.because.iter().all(own) {
        return !step.because.iter().all(gone);
    }
    !step.because.iter().any(gone)
}

/// Prioritisation facts 6.4: the best reach, each a noisy-or of the steps that go at least so far;
/// the pod itself is always lost.
fn spread(all: &[BlastStep], counts: impl Fn(&BlastStep) -> bool) -> Lanes {
    let mut stays = [[1.0; 3]; 4];
    for step in all.iter().filter(|step| counts(step)) {
        let probability = lanes(sane(step.probability));
        for slot in stays.iter_mut().take(step.reach as usize + 1) {
            *slot = zip(*slot, probability, |s, p| s * (1.0 - p));
        }
    }
    let shares = [Share::Pod, Share::Namespace, Share::Node, Share::Cluster];
    shares
        .into_iter()
        .zip(stays)
        .fold([Share::Pod.value(); 3], |best, (share, stays)| {
            zip(best, stays, |best, s| best.max(share.value() * (1.0 - s)))
        })
}
