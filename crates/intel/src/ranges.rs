//! Whether a version lies in affected ranges. Comes in: ranges as their source wrote them and an order of versions.
//! Goes out: a verdict with the bounds that decided. Never: trusts the order of events, or lets a bound that cannot be
//! read hide a match.

use crate::feeds::{EventKind, Range};
use std::cmp::Ordering;

/// What a range says of a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) affected: bool,
    /// The last `introduced` that counts; `0` where a bound could not be read.
    pub(crate) introduced: Option<String>,
    /// The lowest fix above the version.
    pub(crate) fixed: Option<String>,
    /// The lowest last affected version at or above it.
    pub(crate) last_affected: Option<String>,
}

/// Evaluates one range (OSV schema, "Evaluation"): the highest event at or below the version decides, of equal ones the
/// one that is written last, so `introduced X, fixed X` is empty. `compare(a, b)` is the order of the ecosystem. An
/// `introduced` without order counts as the start of all versions, another event without order as never reached.
pub(crate) fn evaluate(
    range: &Range,
    version: &str,
    compare: &dyn Fn(&str, &str) -> Option<Ordering>,
) -> Verdict {
    /// Where an event stands: nothing is below the start.
    fn order(
        a: Option<&str>,
        b: Option<&str>,
        compare: &dyn Fn(&str, &str) -> Option<Ordering>,
    ) -> Ordering {
        match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare(a, b).unwrap_or(Ordering::Equal),
        }
    }
    let mut verdict = Verdict::default();
    // The event that decides: where it stands and whether versions from it on are affected.
    let mut last: Option<(Option<&str>, bool, &str)> = None;
    let (mut limited, mut below_limit) = (false, false);
    let lower = |held: &Option<String>, text: &str| {
        held.as_deref()
            .is_none_or(|held| compare(text, held) == Some(Ordering::Less))
    };
    for (kind, text) in &range.events {
        let at = compare(text, version);
        let (reached, stands, affects) = match (kind, at) {
            (EventKind::Introduced, _) if text == "0" => (true, None, true),
            (EventKind::Introduced, None) => (true, None, true),
            (EventKind::Introduced, Some(at)) => (at.is_le(), Some(text.as_str()), true),
            (EventKind::Fixed, Some(at)) => {
                if at.is_gt() && lower(&verdict.fixed, text) {
                    verdict.fixed = Some(text.clone());
                }
                (at.is_le(), Some(text.as_str()), false)
            }
            (EventKind::LastAffected, Some(at)) => {
                if at.is_ge() && lower(&verdict.last_affected, text) {
                    verdict.last_affected = Some(text.clone());
                }
                (at.is_lt(), Some(text.as_str()), false)
            }
            // No versions lie behind the limits of a range.
            (EventKind::Limit, at) => {
                limited = true;
                below_limit |= text == "*" || at.is_none_or(Ordering::is_gt);
                continue;
            }
            (_, None) => continue,
        };
        if reached && last.is_none_or(|(held, ..)| order(stands, held, compare).is_ge()) {
            last = Some((stands, affects, text));
        }
    }
    if let Some((_, true, introduced)) = last {
        verdict.affected = !limited || below_limit;
        verdict.introduced = Some(introduced.to_owned());
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::RangeKind;
    use EventKind::{Fixed, Introduced, LastAffected, Limit};
    use proptest::prelude::*;

    fn range(events: &[(EventKind, &str)]) -> Range {
        Range {
            kind: RangeKind::Ecosystem,
            events: events.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        }
    }

    /// Numbers; all else has no order.
    fn compare(a: &str, b: &str) -> Option<Ordering> {
        Some(a.parse::<u32>().ok()?.cmp(&b.parse::<u32>().ok()?))
    }

    #[test]
    fn ranges() {
        let check =
            |events: &[(EventKind, &str)], at: &str, affected: bool, fixed: Option<&str>| {
                let verdict = evaluate(&range(events), at, &compare);
                assert_eq!(
                    (verdict.affected, verdict.fixed.as_deref()),
                    (affected, fixed),
                    "{events:?} at {at}"
                );
            };
        let unsorted = [
            (Introduced, "17"),
            (Fixed, "19"),
            (Introduced, "0"),
            (Fixed, "10"),
        ];
        check(&unsorted, "18", true, Some("19"));
        check(&unsorted, "19", false, None);
        check(&unsorted, "9", true, Some("10"));
        check(&unsorted, "12", false, Some("19"));
        check(&[(Introduced, "2"), (LastAffected, "5")], "5", true, None);
        check(&[(Introduced, "2"), (LastAffected, "5")], "6", false, None);
        check(&[(Introduced, "2"), (LastAffected, "2")], "2", true, None);
        check(&[(Introduced, "2"), (Fixed, "2")], "2", false, None);
        check(&[(Fixed, "2"), (Introduced, "2")], "2", true, None);
        check(&[(Introduced, "odd")], "1", true, None);
        check(&[(Introduced, "0"), (Fixed, "odd")], "9", true, None);
        check(&[(Introduced, "0"), (Limit, "4")], "4", false, None);
        check(&[(Introduced, "0"), (Limit, "4")], "3", true, None);
        check(&[(Introduced, "0"), (Limit, "*")], "9", true, None);
        check(&[], "1", false, None);
        check(&[(Fixed, "3")], "1", false, Some("3"));
    }

    /// OSV schema, "Evaluation", word for word over sorted events.
    fn naive(events: &[(EventKind, u8)], version: u8) -> bool {
        let mut sorted = events.to_vec();
        sorted.sort_by_key(|(_, at)| *at);
        let mut vulnerable = false;
        for (kind, at) in sorted {
            match kind {
                Introduced if version >= at => vulnerable = true,
                Fixed if version >= at => vulnerable = false,
                LastAffected if version > at => vulnerable = false,
                _ => {}
            }
        }
        vulnerable
    }

    proptest! {
        #[test]
        fn equals_the_schema_on_events_in_any_order(
            events in prop::collection::vec((prop::sample::select(vec![Introduced, Fixed, LastAffected]), 1u8..20), 0..9),
            version in 1u8..22,
        ) {
            let texts: Vec<(EventKind, String)> = events.iter().map(|(kind, at)| (*kind, at.to_string())).collect();
            let range = Range { kind: RangeKind::Ecosystem, events: texts };
            prop_assert_eq!(evaluate(&range, &version.to_string(), &compare).affected, naive(&events, version));
        }
    }
}
