//! Affected packages as they are stored, and the evaluation of SEMVER ranges. Comes in: a package's row and a
//! version. Goes out: whether it is affected and what fixes it. Never: trusts the order of events.
//!
//! A row of `AFFE` repeats, until its end: statement, count of ranges, each `kind count (event version)...`,
//! count of versions, versions. All are varints; versions are numbers of `VERS`.

use crate::feeds::{Affected, EventKind, Range, RangeKind};
use crate::format::wire::{Cursor, put_varint};
use std::cmp::Ordering;

/// Appends what one statement says of the row's package.
pub(crate) fn write(
    out: &mut Vec<u8>,
    statement: u32,
    affected: &Affected,
    number: &dyn Fn(&str) -> u32,
) {
    put_varint(out, u64::from(statement));
    put_varint(out, affected.ranges.len() as u64);
    for range in &affected.ranges {
        put_varint(
            out,
            match range.kind {
                RangeKind::Semver => 0,
                RangeKind::Ecosystem => 1,
                RangeKind::Git => 2,
            },
        );
        put_varint(out, range.events.len() as u64);
        for (kind, version) in &range.events {
            put_varint(
                out,
                match kind {
                    EventKind::Introduced => 0,
                    EventKind::Fixed => 1,
                    EventKind::LastAffected => 2,
                    EventKind::Limit => 3,
                },
            );
            put_varint(out, u64::from(number(version)));
        }
    }
    put_varint(out, affected.versions.len() as u64);
    for version in &affected.versions {
        put_varint(out, u64::from(number(version)));
    }
}

/// What one statement says of a package.
pub(crate) struct Stated {
    pub statement: u32,
    pub ranges: Vec<Range>,
    pub versions: Vec<String>,
}

/// Reads the next statement of a row, `None` if it is cut; `text` gives the text of a version's number.
pub(crate) fn read<E>(
    row: &mut Cursor<'_>,
    text: &dyn Fn(u32) -> Result<String, E>,
) -> Result<Option<Stated>, E> {
    let Some((statement, ranges, versions)) = read_numbers(row) else {
        return Ok(None);
    };
    let ranges = ranges
        .into_iter()
        .map(|(kind, events)| {
            let events = events
                .into_iter()
                .map(|(kind, version)| Ok((kind, text(version)?)))
                .collect::<Result<_, E>>()?;
            Ok(Range { kind, events })
        })
        .collect::<Result<_, E>>()?;
    let versions = versions.into_iter().map(text).collect::<Result<_, E>>()?;
    Ok(Some(Stated {
        statement,
        ranges,
        versions,
    }))
}

type Numbers = (u32, Vec<(RangeKind, Vec<(EventKind, u32)>)>, Vec<u32>);

fn read_numbers(row: &mut Cursor<'_>) -> Option<Numbers> {
    let statement = row.number()?;
    let mut ranges = Vec::new();
    for _ in 0..row.varint()? {
        let kind = match row.varint()? {
            0 => RangeKind::Semver,
            1 => RangeKind::Ecosystem,
            2 => RangeKind::Git,
            _ => return None,
        };
        let mut events = Vec::new();
        for _ in 0..row.varint()? {
            let event = match row.varint()? {
                0 => EventKind::Introduced,
                1 => EventKind::Fixed,
                2 => EventKind::LastAffected,
                3 => EventKind::Limit,
                _ => return None,
            };
            events.push((event, row.number()?));
        }
        ranges.push((kind, events));
    }
    let mut versions = Vec::new();
    for _ in 0..row.varint()? {
        versions.push(row.number()?);
    }
    Some((statement, ranges, versions))
}

/// A version of a Kubernetes component. Vendors append their own suffix (`-gke.100`, `-eks-a737599`, `+k3s1`) to the
/// release that they patch; it is no pre-release and does not order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: [u64; 3],
    /// Empty for a release.
    pre: Vec<PreRelease>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PreRelease {
    Number(u64),
    Word(String),
}

impl Version {
    /// `v1.30.2-rc.1+build`; a missing minor or patch is 0.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split('+').next().unwrap_or(text);
        let (core, suffix) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for (position, slot) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if part.bytes().all(|b| b.is_ascii_digit()) => {
                    *slot = part.parse().ok()?;
                }
                None if position > 0 => {}
                _ => return None,
            }
        }
        if parts.next().is_some() {
            return None;
        }
        // OSV bounds such as `0.8.2-0` are pre-releases too: a bare number is.
        let pre = ["alpha", "beta", "rc", "dev", "pre"]
            .iter()
            .any(|word| suffix.starts_with(word))
            || suffix.split('.').next().is_some_and(|first| {
                !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit())
            });
        let pre = suffix.split('.').filter(|_| pre).map(|part| {
            part.parse()
                .map_or_else(|_| PreRelease::Word(part.to_owned()), PreRelease::Number)
        });
        Some(Version {
            numbers,
            pre: pre.collect(),
        })
    }
}

impl Ord for Version {
    /// Semantic Versioning 2.0.0, section 11.
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre.cmp(&other.pre),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a range says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub affected: bool,
    /// The lowest fix above the version.
    pub fixed: Option<String>,
}

/// Evaluates a SEMVER range as the OSV schema describes, after sorting its events. An `introduced` that cannot be
/// read counts as the start of all versions, another event that cannot be read as never reached: neither hides a match.
pub(crate) fn evaluate(range: &Range, version: &Version) -> Verdict {
    let mut events: Vec<(Option<Version>, EventKind, &str)> = range
        .events
        .iter()
        .filter_map(|(kind, text)| {
            let at = Version::parse(text).filter(|_| text != "0");
            (*kind == EventKind::Introduced || at.is_some()).then_some((at, *kind, &**text))
        })
        .collect();
    // Stable: `introduced X, fixed X` is an empty range, `fixed X, introduced X` an affected X.
    events.sort_by(|a, b| a.0.cmp(&b.0));
    let mut affected = false;
    let mut limited = false;
    let mut below_limit = false;
    let mut fixed = None;
    for (at, kind, text) in &events {
        let order = at.as_ref().map_or(Ordering::Less, |at| at.cmp(version));
        match kind {
            EventKind::Introduced if order.is_le() => affected = true,
            EventKind::Fixed if order.is_le() => affected = false,
            EventKind::Fixed if fixed.is_none() => fixed = Some((*text).to_owned()),
            EventKind::LastAffected if order.is_lt() => affected = false,
            EventKind::Limit => {
                limited = true;
                below_limit |= order.is_gt();
            }
            _ => {}
        }
    }
    Verdict {
        affected: affected && (!limited || below_limit),
        fixed,
    }
}

/// The package of the Kubernetes feed that a component's common name means: `kube-apiserver`, `apiserver`, `kubelet`.
pub(crate) fn kubernetes_package(component: &str) -> String {
    let name = component.trim();
    if name.contains('/') {
        return name.to_owned();
    }
    let name = name.to_ascii_lowercase();
    let short = match name.as_str() {
        "kube-apiserver" => "apiserver",
        "kube-controller-manager" => "controller-manager",
        "kube-scheduler" => "scheduler",
        other => other,
    };
    format!("k8s.io/{short}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions() {
        for (lower, higher) in [
            ("1.9.6", "1.10.0"),
            ("1.30.0-alpha.1", "1.30.0-alpha.2"),
            ("1.30.0-alpha.3", "1.30.0-beta.0"),
            ("1.30.0-rc.1", "1.30.0"),
            ("2.0.0-alpha.0", "2.0.0-alpha.1"),
            ("0.8.2-0", "0.8.2"),
        ] {
            assert!(version(lower) < version(higher), "{lower} < {higher}");
        }
        for (a, b) in [
            ("v1.30.2-gke.1014001", "1.30.2"),
            ("v1.30.4-eks-a737599", "1.30.4"),
            ("v1.30.4+k3s1", "1.30.4"),
            ("1.30", "1.30.0"),
        ] {
            assert_eq!(version(a).cmp(&version(b)), Ordering::Equal, "{a} = {b}");
        }
        for bad in [
            "",
            "latest",
            "1.2.3.4",
            "1..2",
            "v",
            "99999999999999999999999",
        ] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }

    fn range(events: &[(EventKind, &str)]) -> Range {
        Range {
            kind: RangeKind::Semver,
            events: events.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
        }
    }

    use EventKind::{Fixed, Introduced, LastAffected, Limit};

    #[test]
    fn ranges() {
        let unsorted = range(&[
            (Introduced, "1.17.0"),
            (Fixed, "1.17.3"),
            (Introduced, "1.16.0"),
            (Fixed, "1.16.7"),
            (Introduced, "0"),
            (Fixed, "1.15.10"),
        ]);
        let check = |range: &Range, at: &str, affected: bool, fixed: Option<&str>| {
            let verdict = evaluate(range, &version(at));
            assert_eq!(
                (verdict.affected, verdict.fixed.as_deref()),
                (affected, fixed),
                "{at}"
            );
        };
        check(&unsorted, "1.17.2", true, Some("1.17.3"));
        check(&unsorted, "v1.17.3-gke.1", false, None);
        check(&unsorted, "1.16.6", true, Some("1.16.7"));
        check(&unsorted, "1.16.7", false, Some("1.17.3"));
        check(&unsorted, "1.0.0", true, Some("1.15.10"));
        check(&unsorted, "1.18.0", false, None);
        let last = range(&[(Introduced, "1.2.0"), (LastAffected, "1.2.5")]);
        check(&last, "1.2.5", true, None);
        check(&last, "1.2.6", false, None);
        check(&last, "1.1.9", false, None);
        check(
            &range(&[(Introduced, "1.2.0"), (Fixed, "1.2.0")]),
            "1.2.0",
            false,
            None,
        );
        check(&range(&[(Introduced, "odd")]), "0.0.1", true, None);
        check(
            &range(&[(Introduced, "0"), (Fixed, "odd")]),
            "9.9.9",
            true,
            None,
        );
        check(
            &range(&[(Introduced, "0"), (Limit, "2.0.0")]),
            "2.0.0",
            false,
            None,
        );
        check(&range(&[]), "1.0.0", false, None);
    }

    proptest! {
        /// The order in which a source lists distinct events does not matter.
        #[test]
        fn events_need_no_order(minors in prop::collection::btree_set(0u8..40, 2..8), at in 0u8..40, swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..12)) {
            let mut events: Vec<(EventKind, String)> = minors.iter().enumerate()
                .map(|(n, minor)| (if n % 2 == 0 { Introduced } else { Fixed }, format!("1.{minor}.0"))).collect();
            let at = version(&format!("1.{at}.0"));
            let sorted = evaluate(&Range { kind: RangeKind::Semver, events: events.clone() }, &at);
            for (a, b) in swaps { let (a, b) = (a.index(events.len()), b.index(events.len())); events.swap(a, b); }
            prop_assert_eq!(evaluate(&Range { kind: RangeKind::Semver, events }, &at), sorted);
        }
    }
}
