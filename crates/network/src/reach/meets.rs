//! Whether a policy means a pod or an address, where even "not known" has a reading.
//! Comes in: a truth, what the API leaves open. Goes out: [`Meets`]. Never: a reading taken for the truth.

use model::evidence::Truth;

/// Ordered from no to yes, so that "both" is `min` and "any" is `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Meets {
    No,
    /// Not known or not defined; as written, it does not.
    MaybeNot,
    /// Not defined; as written, it does.
    MaybeSo,
    Yes,
}

impl Meets {
    pub(crate) fn truth(self) -> Truth {
        match self {
            Meets::No => Truth::No,
            Meets::MaybeNot | Meets::MaybeSo => Truth::Unknown,
            Meets::Yes => Truth::Yes,
        }
    }

    /// As written.
    pub(crate) fn reading(self) -> bool {
        self >= Meets::MaybeSo
    }
}

/// What was not seen is not there, as far as the reading goes.
impl From<Truth> for Meets {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::No => Meets::No,
            Truth::Unknown => Meets::MaybeNot,
            Truth::Yes => Meets::Yes,
        }
    }
}
