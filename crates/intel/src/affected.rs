//! Affected packages as they are stored. Comes in: what a statement says of a package. Goes out: a package's row, and
//! its entries again. Never: a judgement.
//!
//! A row of `RNGS` repeats, until its end: statement (difference to the one before), flags, and what the flags announce
//! in the order of their bits. All are varints; texts are numbers of `VERS`.

use crate::feeds::{Affected, EventKind, Names, Range, RangeKind};
use crate::format::wire::{Cursor, put_varint};
use crate::record::{put_date, severity_byte, severity_of, take_date};
use jiff::civil::Date;
use model::matches::FixState;
use model::vulnerability::Severity;

/// One range: all versions below one fix.
const BELOW: u64 = 1;
/// One range: all versions.
const ALL: u64 = 2;
const RANGES: u64 = 4;
const VERSIONS: u64 = 8;
const SOURCE: u64 = 16;
const EITHER: u64 = 32;
const STATE: u64 = 64;
const SEVERITY: u64 = 128;
const MODULES: u64 = 256;
const PLATFORMS: u64 = 512;
const IMPORTS: u64 = 1024;
const FIXED_ON: u64 = 2048;

/// What one statement says of the row's package.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) statement: u32,
    pub(crate) names: Names,
    pub(crate) ranges: Vec<Range>,
    pub(crate) versions: Vec<String>,
    pub(crate) state: Option<FixState>,
    pub(crate) severity: Option<Severity>,
    pub(crate) modules: Vec<String>,
    pub(crate) platforms: Vec<String>,
    /// First text of `IMPO` and their number.
    pub(crate) imports: Option<(u32, u32)>,
    pub(crate) fixed_on: Option<Date>,
}

/// Appends an entry; `previous` is the statement of the one before it in the row.
pub(crate) fn write(
    out: &mut Vec<u8>,
    previous: &mut u32,
    statement: u32,
    affected: &Affected,
    imports: Option<(u32, u32)>,
    number: &dyn Fn(&str) -> u32,
) {
    put_varint(out, u64::from(statement.saturating_sub(*previous)));
    *previous = statement;
    let (mut flags, fixed) = match shape(&affected.ranges) {
        Shape::None => (0, None),
        Shape::Below(fixed) => (BELOW, Some(fixed)),
        Shape::All => (ALL, None),
        Shape::Other => (RANGES, None),
    };
    for (is, flag) in [
        (!affected.versions.is_empty(), VERSIONS),
        (affected.names == Names::Source, SOURCE),
        (affected.names == Names::Either, EITHER),
        (affected.state.is_some(), STATE),
        (affected.severity.is_some(), SEVERITY),
        (!affected.modules.is_empty(), MODULES),
        (!affected.platforms.is_empty(), PLATFORMS),
        (imports.is_some(), IMPORTS),
        (affected.fixed_on.is_some(), FIXED_ON),
    ] {
        flags |= if is { flag } else { 0 };
    }
    put_varint(out, flags);
    let put = |out: &mut Vec<u8>, text: &str| put_varint(out, u64::from(number(text)));
    let put_all = |out: &mut Vec<u8>, texts: &[String]| {
        put_varint(out, texts.len() as u64);
        for text in texts {
            put(out, text);
        }
    };
    if let Some(fixed) = fixed {
        put(out, fixed);
    }
    if flags & RANGES != 0 {
        put_varint(out, affected.ranges.len() as u64);
        for range in &affected.ranges {
            put_varint(
                out,
                range.events.len() as u64 * 2 + u64::from(range.kind == RangeKind::Semver),
            );
            for (kind, version) in &range.events {
                // Few texts, many events: the kind rides on the number.
                put_varint(out, u64::from(number(version)) * 4 + *kind as u64);
            }
        }
    }
    if flags & VERSIONS != 0 {
        put_all(out, &affected.versions);
    }
    if let Some(state) = affected.state {
        put_varint(out, position(&STATES, &state));
    }
    if let Some(severity) = affected.severity {
        out.push(severity_byte(severity));
    }
    if flags & MODULES != 0 {
        put_all(out, &affected.modules);
    }
    if flags & PLATFORMS != 0 {
        put_all(out, &affected.platforms);
    }
    if let Some((first, count)) = imports {
        put_varint(out, u64::from(first));
        put_varint(out, u64::from(count));
    }
    if let Some(date) = affected.fixed_on {
        put_date(out, date);
    }
}

enum Shape<'r> {
    None,
    Below(&'r str),
    All,
    Other,
}

fn shape(ranges: &[Range]) -> Shape<'_> {
    match ranges {
        [] => Shape::None,
        [one] if one.kind == RangeKind::Ecosystem => match &one.events[..] {
            [(EventKind::Introduced, zero), (EventKind::Fixed, fixed)] if zero == "0" => {
                Shape::Below(fixed)
            }
            [(EventKind::Introduced, zero)] if zero == "0" => Shape::All,
            _ => Shape::Other,
        },
        _ => Shape::Other,
    }
}

/// Every text of `VERS` that [`write`] asks for.
pub(crate) fn texts(affected: &Affected) -> impl Iterator<Item = &str> {
    let events = affected.ranges.iter().flat_map(|range| &range.events);
    let lists = [&affected.versions, &affected.modules, &affected.platforms];
    events
        .map(|(_, version)| version.as_str())
        .chain(lists.into_iter().flatten().map(String::as_str))
}

/// Reads the next entry of a row, `None` if it is cut; `text` gives the text of a number.
pub(crate) fn read<E>(
    row: &mut Cursor<'_>,
    previous: &mut u32,
    text: &dyn Fn(u32) -> Result<String, E>,
) -> Result<Option<Entry>, E> {
    let Some(numbers) = Numbers::read(row, previous) else {
        return Ok(None);
    };
    let all = |numbers: Vec<u32>| {
        numbers
            .into_iter()
            .map(text)
            .collect::<Result<Vec<String>, E>>()
    };
    let start = || (EventKind::Introduced, "0".to_owned());
    let mut ranges = Vec::new();
    if let Some(fixed) = numbers.below {
        ranges.push(Range {
            kind: RangeKind::Ecosystem,
            events: vec![start(), (EventKind::Fixed, text(fixed)?)],
        });
    }
    if numbers.all {
        ranges.push(Range {
            kind: RangeKind::Ecosystem,
            events: vec![start()],
        });
    }
    for (kind, events) in numbers.ranges {
        let events = events
            .into_iter()
            .map(|(kind, version)| Ok((kind, text(version)?)))
            .collect::<Result<_, E>>()?;
        ranges.push(Range { kind, events });
    }
    Ok(Some(Entry {
        statement: numbers.statement,
        names: numbers.names,
        ranges,
        versions: all(numbers.versions)?,
        state: numbers.state,
        severity: numbers.severity,
        modules: all(numbers.modules)?,
        platforms: all(numbers.platforms)?,
        imports: numbers.imports,
        fixed_on: numbers.fixed_on,
    }))
}

#[derive(Default)]
struct Numbers {
    statement: u32,
    names: Names,
    below: Option<u32>,
    all: bool,
    ranges: Vec<(RangeKind, Vec<(EventKind, u32)>)>,
    versions: Vec<u32>,
    state: Option<FixState>,
    severity: Option<Severity>,
    modules: Vec<u32>,
    platforms: Vec<u32>,
    imports: Option<(u32, u32)>,
    fixed_on: Option<Date>,
}

impl Numbers {
    fn read(row: &mut Cursor<'_>, previous: &mut u32) -> Option<Self> {
        let mut numbers = Numbers {
            statement: previous.checked_add(row.number()?)?,
            ..Numbers::default()
        };
        *previous = numbers.statement;
        let flags = row.varint()?;
        numbers.names = match flags & (SOURCE | EITHER) {
            0 => Names::Binary,
            SOURCE => Names::Source,
            _ => Names::Either,
        };
        numbers.all = flags & ALL != 0;
        if flags & BELOW != 0 {
            numbers.below = Some(row.number()?);
        }
        if flags & RANGES != 0 {
            for _ in 0..row.varint()? {
                let head = row.varint()?;
                let kind = match head & 1 {
                    1 => RangeKind::Semver,
                    _ => RangeKind::Ecosystem,
                };
                let mut events = Vec::new();
                for _ in 0..head / 2 {
                    let event = row.varint()?;
                    let kind = *EVENTS.get(usize::try_from(event & 3).ok()?)?;
                    events.push((kind, u32::try_from(event >> 2).ok()?));
                }
                numbers.ranges.push((kind, events));
            }
        }
        if flags & VERSIONS != 0 {
            numbers.versions = list(row)?;
        }
        if flags & STATE != 0 {
            numbers.state = Some(*STATES.get(usize::try_from(row.varint()?).ok()?)?);
        }
        if flags & SEVERITY != 0 {
            numbers.severity = Some(severity_of(row.byte()?)?);
        }
        if flags & MODULES != 0 {
            numbers.modules = list(row)?;
        }
        if flags & PLATFORMS != 0 {
            numbers.platforms = list(row)?;
        }
        if flags & IMPORTS != 0 {
            numbers.imports = Some((row.number()?, row.number()?));
        }
        if flags & FIXED_ON != 0 {
            numbers.fixed_on = Some(take_date(row)?);
        }
        Some(numbers)
    }
}

/// Each takes a byte at least, so a wrong count ends at the end of the row.
fn list(row: &mut Cursor<'_>) -> Option<Vec<u32>> {
    (0..row.varint()?).map(|_| row.number()).collect()
}

const EVENTS: [EventKind; 4] = [
    EventKind::Introduced,
    EventKind::Fixed,
    EventKind::LastAffected,
    EventKind::Limit,
];

const STATES: [FixState; 8] = [
    FixState::Fixed,
    FixState::NotFixed,
    FixState::WillNotFix,
    FixState::Deferred,
    FixState::EndOfLife,
    FixState::UnderInvestigation,
    FixState::NotAffected,
    FixState::Unknown,
];

fn position<T: PartialEq>(all: &[T], one: &T) -> u64 {
    all.iter().position(|known| known == one).unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec((0u32..50).prop_map(|n| n.to_string()), 0..3)
    }

    fn ranges() -> impl Strategy<Value = Vec<Range>> {
        let event = (
            prop::sample::select(EVENTS.to_vec()),
            (0u32..50).prop_map(|n| n.to_string()),
        );
        let range =
            (any::<bool>(), prop::collection::vec(event, 0..4)).prop_map(|(semver, events)| {
                Range {
                    kind: if semver {
                        RangeKind::Semver
                    } else {
                        RangeKind::Ecosystem
                    },
                    events,
                }
            });
        prop::collection::vec(range, 0..3)
    }

    proptest! {
        #[test]
        fn entries_round_trip(
            all in prop::collection::vec((0u32..9, ranges(), words(), words(), prop::option::of(0usize..8), 0usize..3), 1..4),
        ) {
            let mut row = Vec::new();
            let mut previous = 0;
            let mut expected = Vec::new();
            let mut statement = 0;
            for (step, ranges, versions, modules, state, names) in all {
                statement += step;
                let names = [Names::Binary, Names::Source, Names::Either][names];
                let state = state.map(|at| STATES[at]);
                let affected = Affected { names, ranges, versions, state, modules, ..Affected::default() };
                write(&mut row, &mut previous, statement, &affected, Some((7, 8)), &|text| text.parse().unwrap());
                expected.push(Entry {
                    statement, names, ranges: affected.ranges, versions: affected.versions, state,
                    modules: affected.modules, imports: Some((7, 8)), ..Entry::default()
                });
            }
            let (mut cursor, mut previous) = (Cursor(&row), 0);
            let text = |number: u32| Ok::<String, ()>(number.to_string());
            for entry in expected {
                prop_assert_eq!(read(&mut cursor, &mut previous, &text), Ok(Some(entry)));
            }
            prop_assert!(cursor.0.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&mut Cursor(&bytes), &mut 0, &|number| Ok::<String, ()>(number.to_string()));
        }
    }
}
