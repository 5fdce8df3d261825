//! What is known, what is not, and why: the types that keep "not seen" from looking like "safe".
//! Read values are [`Fact`]s, conclusions are [`Claim`]s (Kleene logic), numbers are [`Estimate`]s.
//! There is no `Default`, no conversion to `bool` and no `unwrap_or` here on purpose.

use crate::object::{ObjectRef, SourceSpan};
use crate::text::Text;
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Index of a [`Gap`] in the [`Ledger`] of its Assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GapId(pub u32);

/// Index of an [`Evidence`] in the [`Ledger`] of its Assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EvidenceId(pub u32);

/// The stage whose answer a gap weakens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Reading the cluster, its manifests or a snapshot.
    Collect,
    /// Reading other tools' documents.
    Import,
    /// Finding packages in an image.
    Catalog,
    /// Matching packages with advisories, and what is known of a vulnerability.
    Match,
    /// Exposure, network, privileges, paths.
    Relate,
    /// Score and queue.
    Rank,
}

/// How much a gap could hide, which decides whether a gate may still pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapWeight {
    /// Worth saying; cannot hide a finding (an unknown field, an unread optional list).
    Notice,
    /// Widens intervals; findings are there, their rank is less sure.
    Widens,
    /// Could hide findings: a gate that passes must say "not completed" (exit 3).
    Hides,
}

/// Something that was not seen: what, which answers it weakens, and how to close it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// Stable class in kebab case, e.g. `list-forbidden`, `feed-missing`, `image-not-scanned`.
    pub class: Text,
    /// One sentence without a full stop: what was not seen.
    pub what: Text,
    pub stage: Stage,
    /// What it is about: `secrets`, `namespace/shop`, `image docker.io/library/nginx:1.25`.
    pub scope: Text,
    pub weight: GapWeight,
    /// The command or permission that closes it; empty if nothing does.
    pub close: Text,
}

/// What somebody answers for until a day: gaps of one class and some objects. They stay said, and stop no gate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Acceptance {
    /// The gaps' class, exactly.
    pub class: Text,
    /// The gaps' scope as it was written; `*` and `?` are wildcards.
    pub scope: Text,
    pub owner: Text,
    pub reason: Text,
    /// The last day (UTC) on which it counts.
    pub expires: Date,
    /// The day is over: it does not count any more.
    pub expired: bool,
    /// The gaps that it speaks of, ordered; those of an expired one too.
    pub gaps: Vec<GapId>,
}

/// One observation that decided something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// One sentence without a full stop, e.g. `Service shop/web is of type LoadBalancer`.
    pub statement: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectRef>,
    /// JSON pointer (RFC 6901) into the object, where one field decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pointer: Option<Text>,
    /// Filled for reported evidence of objects that come from files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourceSpan>,
}

/// How much a ledger held.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    evidence: usize,
    gaps: usize,
}

/// Evidence and gaps of one Assessment, each kept once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub evidence: Vec<Evidence>,
    pub gaps: Vec<Gap>,
    /// In the order of the file that they stand in.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub acceptances: Vec<Acceptance>,
    #[serde(skip)]
    evidence_index: FxHashMap<Evidence, EvidenceId>,
    #[serde(skip)]
    gap_index: FxHashMap<Gap, GapId>,
}

impl Ledger {
    /// The id of `evidence`, which is kept once.
    pub fn evidence(&mut self, evidence: Evidence) -> EvidenceId {
        if let Some(id) = self.evidence_index.get(&evidence) {
            return *id;
        }
        let id = EvidenceId(u32::try_from(self.evidence.len()).unwrap_or(u32::MAX));
        self.evidence.push(evidence.clone());
        self.evidence_index.insert(evidence, id);
        id
    }

    /// Evidence that is about one object.
    pub fn about(&mut self, object: &ObjectRef, statement: impl Into<Text>) -> EvidenceId {
        self.evidence(Evidence {
            statement: statement.into(),
            object: Some(object.clone()),
            pointer: None,
            source: None,
        })
    }

    /// Evidence that is one field of an object.
    pub fn field(
        &mut self,
        object: &ObjectRef,
        pointer: impl Into<Text>,
        statement: impl Into<Text>,
    ) -> EvidenceId {
        self.evidence(Evidence {
            statement: statement.into(),
            object: Some(object.clone()),
            pointer: Some(pointer.into()),
            source: None,
        })
    }

    /// The id of `gap`, which is kept once.
    pub fn gap(&mut self, gap: Gap) -> GapId {
        if let Some(id) = self.gap_index.get(&gap) {
            return *id;
        }
        let id = GapId(u32::try_from(self.gaps.len()).unwrap_or(u32::MAX));
        self.gaps.push(gap.clone());
        self.gap_index.insert(gap, id);
        id
    }

    /// What is there now, for [`Ledger::forget`].
    pub fn mark(&self) -> Mark {
        Mark {
            evidence: self.evidence.len(),
            gaps: self.gaps.len(),
        }
    }

    /// Drops what came after the mark; its ids are given out again.
    pub fn forget(&mut self, mark: Mark) {
        for evidence in self
            .evidence
            .drain(mark.evidence.min(self.evidence.len())..)
        {
            self.evidence_index.remove(&evidence);
        }
        for gap in self.gaps.drain(mark.gaps.min(self.gaps.len())..) {
            self.gap_index.remove(&gap);
        }
    }

    /// Takes over the gaps of a collector.
    pub fn gaps(&mut self, gaps: impl IntoIterator<Item = Gap>) {
        for gap in gaps {
            self.gap(gap);
        }
    }

    /// Who answers for a gap: the first acceptance that counts.
    pub fn acceptance(&self, gap: GapId) -> Option<&Acceptance> {
        self.acceptances
            .iter()
            .find(|acceptance| !acceptance.expired && acceptance.gaps.binary_search(&gap).is_ok())
    }

    /// Gaps with the acceptance that counts for each.
    pub fn gaps_accepted(&self) -> impl Iterator<Item = (&Gap, Option<&Acceptance>)> {
        self.gaps
            .iter()
            .zip(0u32..)
            .map(|(gap, id)| (gap, self.acceptance(GapId(id))))
    }
}

/// A value that was read: it is there, it is known to be absent, or it was not seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    Is(T),
    Absent,
    Unknown(GapId),
}

impl<T> Fact<T> {
    /// The value where it is there; `None` hides the difference of absent and unknown, so match where that matters.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Is(value) => Some(value),
            Fact::Absent | Fact::Unknown(_) => None,
        }
    }
}

/// Kleene's three truth values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    No,
    Unknown,
    Yes,
}

/// A conclusion with the evidence that decided it and the gaps that could still change it.
/// Built only by the constructors and by `and`, `or`, `not`, `all`, `any`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    truth: Truth,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    because: Vec<EvidenceId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    missing: Vec<GapId>,
}

impl Claim {
    pub fn yes(because: EvidenceId) -> Self {
        Claim {
            truth: Truth::Yes,
            because: vec![because],
            missing: Vec::new(),
        }
    }

    pub fn no(because: EvidenceId) -> Self {
        Claim {
            truth: Truth::No,
            because: vec![because],
            missing: Vec::new(),
        }
    }

    pub fn unknown(missing: GapId) -> Self {
        Claim {
            truth: Truth::Unknown,
            because: Vec::new(),
            missing: vec![missing],
        }
    }

    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// The evidence that decided; for an unknown claim, what was seen on the way.
    pub fn because(&self) -> &[EvidenceId] {
        &self.because
    }

    /// The gaps that could change the answer; never empty for an unknown claim, empty for a known one.
    pub fn missing(&self) -> &[GapId] {
        &self.missing
    }

    #[must_use]
    #[allow(clippy::should_implement_trait)] // reads like its siblings `and` and `or`
    pub fn not(mut self) -> Self {
        self.truth = match self.truth {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        };
        self
    }

    #[must_use]
    pub fn and(self, other: Claim) -> Self {
        Claim::combine(self, other, Truth::No)
    }

    #[must_use]
    pub fn or(self, other: Claim) -> Self {
        Claim::combine(self, other, Truth::Yes)
    }

    /// Conjunction; `None` for no claims, because an empty set is no evidence (rule 4).
    pub fn all(claims: impl IntoIterator<Item = Claim>) -> Option<Claim> {
        claims.into_iter().reduce(Claim::and)
    }

    /// Disjunction; `None` for no claims.
    pub fn any(claims: impl IntoIterator<Item = Claim>) -> Option<Claim> {
        claims.into_iter().reduce(Claim::or)
    }

    /// `decisive` is the value that decides alone: No for "and", Yes for "or".
    fn combine(a: Claim, b: Claim, decisive: Truth) -> Claim {
        match (a.truth == decisive, b.truth == decisive) {
            (true, false) => a,
            (false, true) => b,
            _ => {
                let truth = if a.truth == decisive {
                    decisive
                } else if a.truth == Truth::Unknown || b.truth == Truth::Unknown {
                    Truth::Unknown
                } else {
                    a.truth
                };
                Claim {
                    truth,
                    because: union(a.because, b.because),
                    missing: union(a.missing, b.missing),
                }
            }
        }
    }
}

fn union<T: Ord>(mut a: Vec<T>, b: Vec<T>) -> Vec<T> {
    a.extend(b);
    a.sort_unstable();
    a.dedup();
    a
}

/// A number that may not be known exactly: `low <= expected <= high`, all finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Estimate {
    pub low: f64,
    pub expected: f64,
    pub high: f64,
}

impl Estimate {
    pub const fn exact(value: f64) -> Self {
        Estimate {
            low: value,
            expected: value,
            high: value,
        }
    }

    /// An interval; bounds are put in order around `expected`.
    pub fn between(low: f64, expected: f64, high: f64) -> Self {
        Estimate {
            low: low.min(expected),
            expected,
            high: high.max(expected),
        }
    }

    /// The estimate that a claim chooses; unknown spans both with `unknown` as expected value.
    pub fn of(claim: &Claim, yes: f64, unknown: f64, no: f64) -> Self {
        match claim.truth() {
            Truth::Yes => Estimate::exact(yes),
            Truth::No => Estimate::exact(no),
            Truth::Unknown => Estimate {
                low: yes.min(no).min(unknown),
                expected: unknown,
                high: yes.max(no).max(unknown),
            },
        }
    }

    pub fn is_exact(&self) -> bool {
        self.low >= self.high
    }

    /// Bound by bound, for a function that is non-decreasing in each argument.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Estimate {
            low: f(self.low),
            expected: f(self.expected),
            high: f(self.high),
        }
    }

    /// Bound by bound, for a function that is non-decreasing in both arguments.
    #[must_use]
    pub fn zip(self, other: Estimate, f: impl Fn(f64, f64) -> f64) -> Self {
        Estimate {
            low: f(self.low, other.low),
            expected: f(self.expected, other.expected),
            high: f(self.high, other.high),
        }
    }

    /// Product of non-negative estimates.
    #[must_use]
    pub fn times(self, other: Estimate) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[must_use]
    pub fn max(self, other: Estimate) -> Self {
        self.zip(other, f64::max)
    }

    #[must_use]
    pub fn min(self, other: Estimate) -> Self {
        self.zip(other, f64::min)
    }

    /// Probability that at least one of two independent events happens.
    #[must_use]
    pub fn noisy_or(self, other: Estimate) -> Self {
        self.zip(other, |a, b| 1.0 - (1.0 - a) * (1.0 - b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(truth: Truth, n: u32) -> Claim {
        match truth {
            Truth::Yes => Claim::yes(EvidenceId(n)),
            Truth::No => Claim::no(EvidenceId(n)),
            Truth::Unknown => Claim::unknown(GapId(n)),
        }
    }

    #[test]
    fn kleene_tables() {
        use Truth::{No, Unknown, Yes};
        for (a, b, and, or) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (No, No, No, No),
            (Yes, Unknown, Unknown, Yes),
            (No, Unknown, No, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            for (x, y) in [(a, b), (b, a)] {
                assert_eq!(claim(x, 1).and(claim(y, 2)).truth(), and, "{x:?} and {y:?}");
                assert_eq!(claim(x, 1).or(claim(y, 2)).truth(), or, "{x:?} or {y:?}");
            }
        }
    }

    #[test]
    fn the_deciding_evidence_is_kept() {
        let decided = claim(Truth::No, 1).and(claim(Truth::Unknown, 2));
        assert_eq!(
            (decided.because(), decided.missing()),
            (&[EvidenceId(1)][..], &[][..])
        );
        let open = claim(Truth::Yes, 1).and(claim(Truth::Unknown, 2));
        assert_eq!(
            (open.because(), open.missing()),
            (&[EvidenceId(1)][..], &[GapId(2)][..])
        );
    }

    fn truth() -> impl Strategy<Value = Truth> {
        prop_oneof![Just(Truth::No), Just(Truth::Unknown), Just(Truth::Yes)]
    }

    proptest! {
        /// Resolving any unknown either way never contradicts a known answer.
        #[test]
        fn resolving_unknowns_keeps_known_answers(leaves in prop::collection::vec(truth(), 1..8), resolve in any::<u8>(), shape in any::<u8>()) {
            let build = |truths: &[Truth]| {
                let mut claims = truths.iter().enumerate().map(|(i, t)| claim(*t, u32::try_from(i).unwrap()));
                let first = claims.next().unwrap();
                claims.enumerate().fold(first, |acc, (i, c)| if shape >> (i % 8) & 1 == 1 { acc.and(c) } else { acc.or(c) })
            };
            let before = build(&leaves);
            let resolved: Vec<_> = leaves.iter().enumerate().map(|(i, t)| match t {
                Truth::Unknown => if resolve >> (i % 8) & 1 == 1 { Truth::Yes } else { Truth::No },
                known => *known,
            }).collect();
            let after = build(&resolved);
            if before.truth() != Truth::Unknown { prop_assert_eq!(before.truth(), after.truth()); }
            prop_assert_eq!(before.truth() == Truth::Unknown, !before.missing().is_empty());
        }
    }
}
