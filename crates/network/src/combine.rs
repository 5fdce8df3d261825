//! Spans of exposure: the least, the expected and the most that the gaps allow.
//! Comes in: classes and the policies' answers. Goes out: spans, estimates, the noun `Exposure`.
//! Every operation is monotone, so nothing that is added can lower what stands.

use crate::admission::Admission;
use crate::{class_of, probability};
use model::evidence::{Estimate, Truth};
use model::situation::ExposureClass;

/// `low <= high`, neither is ever `Unknown`; `expected` is a probability between theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) low: ExposureClass,
    pub(crate) expected: f64,
    pub(crate) high: ExposureClass,
}

impl Span {
    pub(crate) const NONE: Span = Span::exact(ExposureClass::None);

    pub(crate) const fn exact(class: ExposureClass) -> Span {
        Span {
            low: class,
            expected: probability(class),
            high: class,
        }
    }

    /// Nothing speaks for either end: the expected value is the mean of both.
    pub(crate) fn between(low: ExposureClass, high: ExposureClass) -> Span {
        Span {
            low,
            expected: f64::midpoint(probability(low), probability(high)),
            high,
        }
    }

    /// What was seen is `seen`; gaps allow `low` to `high`.
    pub(crate) fn seen(low: ExposureClass, seen: ExposureClass, high: ExposureClass) -> Span {
        Span {
            low: low.min(seen),
            expected: probability(seen),
            high: high.max(seen),
        }
    }

    #[must_use]
    pub(crate) fn wider(self, other: Span) -> Span {
        Span {
            low: self.low.max(other.low),
            expected: self.expected.max(other.expected),
            high: self.high.max(other.high),
        }
    }

    /// Never more than `cap`.
    #[must_use]
    pub(crate) fn at_most(self, cap: ExposureClass) -> Span {
        Span {
            low: self.low.min(cap),
            expected: self.expected.min(probability(cap)),
            high: self.high.min(cap),
        }
    }

    /// What is left of it behind the policies.
    #[must_use]
    pub(crate) fn admitted(self, admission: &Admission) -> Span {
        let none = probability(ExposureClass::None);
        let expected = none + admission.weight * (self.expected - none).max(0.0);
        let open = match admission.claim.truth() {
            Truth::Yes => self,
            Truth::No => Span::NONE,
            Truth::Unknown => Span {
                low: ExposureClass::None,
                expected,
                high: self.high,
            },
        };
        let narrow = self.at_most(ExposureClass::External);
        match admission.ranges {
            Truth::Yes => open.wider(narrow),
            Truth::Unknown => open.wider(Span {
                low: ExposureClass::None,
                expected: none + 0.5 * (narrow.expected - none).max(0.0),
                high: narrow.high,
            }),
            Truth::No => open,
        }
    }

    /// The listener itself is not certain, but likely.
    #[must_use]
    pub(crate) fn if_it_listens(self) -> Span {
        Span {
            low: ExposureClass::None,
            ..self
        }
    }

    /// A listener is possible, but nothing shows one.
    #[must_use]
    pub(crate) fn unlikely(self) -> Span {
        Span {
            low: ExposureClass::None,
            expected: probability(ExposureClass::None),
            high: self.high,
        }
    }

    pub(crate) fn estimate(self) -> Estimate {
        Estimate::between(probability(self.low), self.expected, probability(self.high))
    }

    pub(crate) fn class(self) -> ExposureClass {
        class_of(self.expected)
    }
}
