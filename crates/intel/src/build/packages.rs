//! Affected packages as sections. Comes in: statements in their order. Goes out: names, rows, versions and Go imports.
//! Never: loses what a range says; only what another part of the same statement says already is left out.

use super::write::Table;
use super::{BuildError, BuildOptions};
use crate::affected;
use crate::feeds::{Affected, Draft, EventKind, Import, Names, Range};
use crate::format::container::{Need, Writer};
use crate::format::texts::MAX_TEXT;
use crate::format::{ids, rows, schema, texts};
use crate::ranges::evaluate;
use crate::version::Scheme;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

/// Between the parts of a text of `IMPO`: path, systems, symbols; the last two are lists with spaces.
pub(crate) const LINE: char = '\n';

pub(super) fn write(
    writer: &mut Writer,
    statements: &[(u32, u32, u32, &Draft)],
    options: BuildOptions,
) -> Result<(), BuildError> {
    let settled: Vec<Vec<Affected>> = statements
        .par_iter()
        .map(|(.., draft)| settle(&draft.affected))
        .collect();
    let versions = Table::of(settled.iter().flatten().flat_map(affected::texts));
    let mut imports = texts::Writer::new(options.compression);
    let mut packages: BTreeMap<String, (u32, Vec<u8>)> = BTreeMap::new();
    for (statement, all) in (0u32..).zip(&settled) {
        for one in all {
            let name = format!("{}{}{}", one.ecosystem, schema::UNIT, one.package);
            let (previous, row) = packages.entry(name).or_default();
            let stored = store(&mut imports, &one.imports).map_err(BuildError::Compress)?;
            affected::write(row, previous, statement, one, stored, &|text| {
                versions.number(text)
            });
        }
    }
    let mut rows_of_packages = rows::Writer::default();
    for (_, row) in packages.values() {
        rows_of_packages.row(row);
    }
    writer.section(
        schema::PACKAGES,
        Need::Optional,
        ids::write(packages.keys().map(String::as_str)),
    );
    writer.section(schema::AFFECTED, Need::Optional, rows_of_packages.finish());
    writer.section(schema::VERSIONS, Need::Optional, versions.write());
    let imports = imports.finish().map_err(BuildError::Compress)?;
    writer.section(schema::IMPORTS, Need::Optional, imports);
    Ok(())
}

fn store(out: &mut texts::Writer, imports: &[Import]) -> std::io::Result<Option<(u32, u32)>> {
    let mut first = None;
    for import in imports {
        let mut text = format!("{}{LINE}{}{LINE}", import.path, import.systems.join(" "));
        let symbols = import.symbols.join(" ");
        // Functions that do not fit count as the whole package.
        if text.len() + symbols.len() <= MAX_TEXT {
            text.push_str(&symbols);
        }
        let number = out.text(&text)?;
        first = first.or(Some(number));
    }
    Ok(first.map(|first| (first, u32::try_from(imports.len()).unwrap_or(u32::MAX))))
}

/// The same with less: listed versions that a range holds anyway, and rebuilds of one fix.
fn settle(affected: &[Affected]) -> Vec<Affected> {
    let mut all: Vec<Affected> = Vec::with_capacity(affected.len());
    let mut builds: FxHashMap<Build<'_>, usize> = FxHashMap::default();
    for one in affected {
        let Some(scheme) = Scheme::of(&one.ecosystem) else {
            all.push(one.clone());
            continue;
        };
        // A notice lists each build of a fix (of minor releases, of modules); the lowest one has it already.
        if scheme == Scheme::Rpm
            && let Some(build) = Build::of(one)
        {
            match builds.entry(build) {
                Entry::Vacant(place) => {
                    place.insert(all.len());
                }
                Entry::Occupied(place) => {
                    if let Some(held) = all.get_mut(*place.get())
                        && let (Some(new), Some(old)) = (fix(&one.ranges), fix(&held.ranges))
                        && scheme.compare(new, old) == Some(Ordering::Less)
                    {
                        held.ranges.clone_from(&one.ranges);
                    }
                    continue;
                }
            }
        }
        if one.versions.is_empty() {
            all.push(one.clone());
            continue;
        }
        let compare = |a: &str, b: &str| scheme.compare(a, b);
        let held = |version: &String| {
            one.ranges
                .iter()
                .any(|range| evaluate(range, version, &compare).affected)
        };
        all.push(Affected {
            versions: one
                .versions
                .iter()
                .filter(|version| !held(version))
                .cloned()
                .collect(),
            ..one.clone()
        });
    }
    all
}

/// What the builds of one fix have in common.
#[derive(PartialEq, Eq, Hash)]
struct Build<'a> {
    ecosystem: &'a str,
    package: &'a str,
    /// Epoch and version, without the release.
    upstream: &'a str,
    source: bool,
    modules: &'a [String],
}

impl<'a> Build<'a> {
    fn of(one: &'a Affected) -> Option<Self> {
        let fixed = fix(&one.ranges).filter(|_| one.state.is_none() && one.versions.is_empty())?;
        Some(Build {
            ecosystem: &one.ecosystem,
            package: &one.package,
            upstream: fixed
                .rsplit_once('-')
                .map_or(fixed, |(upstream, _)| upstream),
            source: one.names == Names::Source,
            modules: &one.modules,
        })
    }
}

fn fix(ranges: &[Range]) -> Option<&str> {
    match ranges {
        [one] => match &one.events[..] {
            [(EventKind::Introduced, zero), (EventKind::Fixed, fixed)] if zero == "0" => {
                Some(fixed)
            }
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::RangeKind;

    fn below(ecosystem: &str, fixed: &str, versions: &[&str]) -> Affected {
        Affected {
            ecosystem: ecosystem.to_owned(),
            package: "n".to_owned(),
            ranges: vec![Range {
                kind: RangeKind::Ecosystem,
                events: vec![
                    (EventKind::Introduced, "0".to_owned()),
                    (EventKind::Fixed, fixed.to_owned()),
                ],
            }],
            versions: versions
                .iter()
                .map(|version| (*version).to_owned())
                .collect(),
            ..Affected::default()
        }
    }

    #[test]
    fn rebuilds_of_one_fix_are_its_lowest() {
        let check = |ecosystem: &str, fixes: &[&str], expected: &[&str]| {
            let all: Vec<Affected> = fixes
                .iter()
                .map(|fixed| below(ecosystem, fixed, &[]))
                .collect();
            let settled = settle(&all);
            let kept: Vec<&str> = settled.iter().filter_map(|one| fix(&one.ranges)).collect();
            assert_eq!(kept, expected, "{fixes:?}");
        };
        let (low, high) = (
            "1:2.0.8-8.module_el8.5.0+2609+b30d9eec",
            "1:2.0.8-8.module_el8.6.0+2872+fe0ff7aa",
        );
        check("AlmaLinux:8", &[low, high], &[low]);
        check("AlmaLinux:8", &[high, low], &[low]);
        check("AlmaLinux:8", &["1-1", "2-1"], &["1-1", "2-1"]);
        check("Debian:12", &["1-1", "1-2"], &["1-1", "1-2"]);
    }

    #[test]
    fn listed_versions_that_a_range_holds_are_left_out() {
        let settled = settle(&[below("PyPI", "2.0", &["1.0", "1.9", "2.0", "nonsense!"])]);
        let mut ranged = settled[0].versions.clone();
        ranged.retain(|version| version != "nonsense!");
        assert_eq!(ranged, ["2.0"]);
    }
}
