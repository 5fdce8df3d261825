//! BOD 26-04: how soon CISA wants a vulnerability gone. In: its four inputs; out: the row's timeline and date.
//! Exposure is computed by us and unknown exposure counts as exposed; a kernel advisory on a container image
//! is neither exposed nor known exploited there (rule 7).

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeline {
    Days3Forensic,
    Days3,
    Days14,
    Days60,
    Upgrade,
}

impl Timeline {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Timeline::Days3Forensic => "3 days & forensic investigation",
            Timeline::Days3 => "3 days",
            Timeline::Days14 => "14 days",
            Timeline::Days60 => "60 days",
            Timeline::Upgrade => "fix on system upgrade",
        }
    }

    /// The last day, counted from `today`; `None` for "on system upgrade" and at the end of the calendar.
    pub(crate) fn due(self, today: Date) -> Option<Date> {
        let days: Span = match self {
            Timeline::Days3Forensic | Timeline::Days3 => 3.days(),
            Timeline::Days14 => 14.days(),
            Timeline::Days60 => 60.days(),
            Timeline::Upgrade => return None,
        };
        today.checked_add(days).ok()
    }
}

/// One row: in KEV, publicly exposed, automatable, total technical impact.
type Row = (bool, bool, bool, bool, Timeline);

/// Source: CERT/CC SSVC, `data/csv/cisa/cisa_bod_26_04_1_0_0.csv`, rows 0 to 15 in its order.
pub(crate) const ROWS: [Row; 16] = [
    (false, false, false, false, Timeline::Upgrade),
    (true, false, false, false, Timeline::Days14),
    (false, true, false, false, Timeline::Days60),
    (false, false, true, false, Timeline::Days60),
    (false, false, false, true, Timeline::Upgrade),
    (true, true, false, false, Timeline::Days14),
    (true, false, true, false, Timeline::Days14),
    (false, true, true, false, Timeline::Days14),
    (true, false, false, true, Timeline::Days14),
    (false, true, false, true, Timeline::Days14),
    (false, false, true, true, Timeline::Days60),
    (true, true, true, false, Timeline::Days3),
    (true, true, false, true, Timeline::Days3Forensic),
    (true, false, true, true, Timeline::Days3Forensic),
    (false, true, true, true, Timeline::Days3),
    (true, true, true, true, Timeline::Days3Forensic),
];

/// The timeline of (in KEV, publicly exposed, automatable, total technical impact).
/// The table has every combination; the strictest row stands in if it ever had not.
pub(crate) fn timeline(inputs: (bool, bool, bool, bool)) -> Timeline {
    ROWS.iter()
        .find(|row| (row.0, row.1, row.2, row.3) == inputs)
        .map_or(Timeline::Days3Forensic, |row| row.4)
}
