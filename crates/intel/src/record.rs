//! What the database holds of one vulnerability, and how a statement is written. Comes in: drafts, rows.
//! Goes out: [`Record`]s that cite each source. Never: a judgement.

use crate::feeds::Draft;
use crate::format::wire::{Cursor, put_varint};
use jiff::civil::Date;
use model::text::Text;
use model::vulnerability::{Cvss, Epss, Exploitation, Kev, Severity, Ssvc};
use serde::Serialize;

/// Everything known of one closure of aliases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// The id that names the closure first, then the others, ordered.
    pub ids: Vec<Text>,
    /// Vulnrichment first, then by feed and id.
    pub statements: Vec<Statement>,
    /// By CVE of the closure.
    pub epss: Vec<(Text, Epss)>,
    pub kev: Vec<(Text, KevEntry)>,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    pub id: Text,
    /// CVEs that it only collects; they are no aliases.
    pub covers: Vec<Text>,
    /// `vulnrichment`, `osv/Go`.
    pub feed: Text,
    pub title: Option<TitleId>,
    pub published: Option<Date>,
    pub modified: Option<Date>,
    /// Withdrawn or rejected on that day.
    pub withdrawn: Option<Date>,
    /// The source's own word, where it has one beside CVSS.
    pub severity: Option<Severity>,
    pub cvss: Vec<Cvss>,
    /// Numbers of CWE, ascending.
    pub cwes: Vec<u32>,
    pub ssvc: Option<Ssvc>,
}

/// A title that is unpacked only when it is shown, see [`crate::Intelligence::title`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TitleId(pub(crate) u32);

/// An entry of CISA's catalogue with its date for federal agencies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KevEntry {
    #[serde(flatten)]
    pub kev: Kev,
    pub due: Option<Date>,
    pub vendor: Text,
    pub product: Text,
    pub cwes: Vec<u32>,
}

/// A statement as it is stored: texts are numbers of tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub id: u32,
    pub feed: u32,
    pub title: Option<u32>,
    pub published: Option<Date>,
    pub modified: Option<Date>,
    pub withdrawn: Option<Date>,
    pub severity: Option<Severity>,
    /// Source, vector, tenths.
    pub cvss: Vec<(u32, u32, u8)>,
    pub cwes: Vec<u32>,
    pub ssvc: Option<Ssvc>,
    /// Numbers of ids.
    pub covers: Vec<u32>,
}

const PUBLISHED: u64 = 1;
const MODIFIED: u64 = 2;
const WITHDRAWN: u64 = 4;
const TITLE: u64 = 8;
const SSVC: u64 = 16;
const SEVERITY: u64 = 32;
const COVERS: u64 = 64;

impl Stored {
    /// Everything but the tables' numbers.
    pub(crate) fn of(draft: &Draft) -> Self {
        Stored {
            published: draft.published,
            modified: draft.modified,
            withdrawn: draft.withdrawn,
            severity: draft.severity,
            cwes: draft.cwes.clone(),
            ssvc: draft.ssvc,
            ..Stored::default()
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        let mut flags = 0;
        for (is, flag) in [
            (self.published.is_some(), PUBLISHED),
            (self.modified.is_some(), MODIFIED),
            (self.withdrawn.is_some(), WITHDRAWN),
            (self.title.is_some(), TITLE),
            (self.ssvc.is_some(), SSVC),
            (self.severity.is_some(), SEVERITY),
            (!self.covers.is_empty(), COVERS),
        ] {
            flags |= if is { flag } else { 0 };
        }
        put_varint(&mut out, flags);
        put_varint(&mut out, u64::from(self.id));
        put_varint(&mut out, u64::from(self.feed));
        for date in [self.published, self.modified, self.withdrawn]
            .into_iter()
            .flatten()
        {
            put_date(&mut out, date);
        }
        if let Some(title) = self.title {
            put_varint(&mut out, u64::from(title));
        }
        if let Some(ssvc) = self.ssvc {
            out.push(ssvc_byte(ssvc));
        }
        if let Some(severity) = self.severity {
            out.push(severity_byte(severity));
        }
        put_varint(&mut out, self.cvss.len() as u64);
        for (source, vector, tenths) in &self.cvss {
            put_varint(&mut out, u64::from(*source));
            put_varint(&mut out, u64::from(*vector));
            out.push(*tenths);
        }
        put_varint(&mut out, self.cwes.len() as u64);
        for cwe in &self.cwes {
            put_varint(&mut out, u64::from(*cwe));
        }
        if !self.covers.is_empty() {
            put_varint(&mut out, self.covers.len() as u64);
            for id in &self.covers {
                put_varint(&mut out, u64::from(*id));
            }
        }
        out
    }

    pub(crate) fn read(mut row: Cursor<'_>) -> Option<Self> {
        let flags = row.varint()?;
        let id = row.number()?;
        let feed = row.number()?;
        let mut date = |flag| {
            (flags & flag != 0)
                .then(|| take_date(&mut row))
                .map_or(Some(None), |date| date.map(Some))
        };
        let (published, modified, withdrawn) =
            (date(PUBLISHED)?, date(MODIFIED)?, date(WITHDRAWN)?);
        let title = if flags & TITLE != 0 {
            Some(row.number()?)
        } else {
            None
        };
        let ssvc = if flags & SSVC != 0 {
            Some(ssvc_of(row.byte()?)?)
        } else {
            None
        };
        let severity = if flags & SEVERITY != 0 {
            Some(severity_of(row.byte()?)?)
        } else {
            None
        };
        // Each element takes a byte at least, so a wrong count ends at the end of the row.
        let cvss = (0..row.varint()?)
            .map(|_| Some((row.number()?, row.number()?, row.byte()?)))
            .collect::<Option<Vec<_>>>()?;
        let cwes = (0..row.varint()?)
            .map(|_| row.number())
            .collect::<Option<Vec<_>>>()?;
        let covers = if flags & COVERS != 0 {
            (0..row.varint()?)
                .map(|_| row.number())
                .collect::<Option<Vec<_>>>()?
        } else {
            Vec::new()
        };
        Some(Stored {
            id,
            feed,
            title,
            published,
            modified,
            withdrawn,
            severity,
            cvss,
            cwes,
            ssvc,
            covers,
        })
    }
}

/// Year, month and day in one number of three bytes.
pub(crate) fn put_date(out: &mut Vec<u8>, date: Date) {
    let year = u64::try_from(date.year()).unwrap_or(0);
    let month = u64::try_from(date.month()).unwrap_or(1);
    let day = u64::try_from(date.day()).unwrap_or(1);
    put_varint(out, year << 9 | month << 5 | day);
}

pub(crate) fn take_date(row: &mut Cursor<'_>) -> Option<Date> {
    let number = row.varint()?;
    let year = i16::try_from(number >> 9).ok()?;
    let month = i8::try_from(number >> 5 & 15).ok()?;
    let day = i8::try_from(number & 31).ok()?;
    Date::new(year, month, day).ok()
}

fn ssvc_byte(ssvc: Ssvc) -> u8 {
    let exploitation = match ssvc.exploitation {
        Exploitation::None => 0,
        Exploitation::PublicPoc => 1,
        Exploitation::Active => 2,
    };
    exploitation | u8::from(ssvc.automatable) << 2 | u8::from(ssvc.total_impact) << 3
}

fn ssvc_of(byte: u8) -> Option<Ssvc> {
    Some(Ssvc {
        exploitation: match byte & 3 {
            0 => Exploitation::None,
            1 => Exploitation::PublicPoc,
            2 => Exploitation::Active,
            _ => return None,
        },
        automatable: byte & 4 != 0,
        total_impact: byte & 8 != 0,
    })
}

const SEVERITIES: [Severity; 6] = [
    Severity::Unknown,
    Severity::Negligible,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

pub(crate) fn severity_byte(severity: Severity) -> u8 {
    let at = SEVERITIES.iter().position(|known| *known == severity);
    u8::try_from(at.unwrap_or(0)).unwrap_or(0)
}

pub(crate) fn severity_of(byte: u8) -> Option<Severity> {
    SEVERITIES.get(usize::from(byte)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> impl Strategy<Value = Option<Date>> {
        prop::option::of(
            (1970i16..2200, 1i8..13, 1i8..29).prop_map(|(y, m, d)| jiff::civil::date(y, m, d)),
        )
    }

    fn stored() -> impl Strategy<Value = Stored> {
        let ssvc = prop::option::of((0u8..3, any::<bool>(), any::<bool>()).prop_map(
            |(e, automatable, total_impact)| Ssvc {
                exploitation: [
                    Exploitation::None,
                    Exploitation::PublicPoc,
                    Exploitation::Active,
                ][usize::from(e)],
                automatable,
                total_impact,
            },
        ));
        (
            (any::<u32>(), any::<u32>(), prop::option::of(any::<u32>())),
            (day(), day(), day()),
            prop::option::of((0usize..6).prop_map(|n| SEVERITIES[n])),
            prop::collection::vec((any::<u32>(), any::<u32>(), any::<u8>()), 0..5),
            (
                prop::collection::vec(any::<u32>(), 0..5),
                prop::collection::vec(any::<u32>(), 0..3),
            ),
            ssvc,
        )
            .prop_map(
                |(
                    (id, feed, title),
                    (published, modified, withdrawn),
                    severity,
                    cvss,
                    (cwes, covers),
                    ssvc,
                )| Stored {
                    id,
                    feed,
                    title,
                    published,
                    modified,
                    withdrawn,
                    severity,
                    cvss,
                    cwes,
                    ssvc,
                    covers,
                },
            )
    }

    proptest! {
        #[test]
        fn statements_round_trip(stored in stored()) {
            let row = stored.write();
            prop_assert_eq!(Stored::read(Cursor(&row)), Some(stored));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Stored::read(Cursor(&bytes));
        }
    }
}
