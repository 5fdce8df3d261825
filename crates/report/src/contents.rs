//! The sentences on what is in an artifact: its distribution and until when that is supported, packages by kind, layers.
//! In: a view and its units. Out: text, not escaped and not redacted. Never: a zero without saying of what.

use crate::installed::{Unit, Units, by_kind};
use crate::view::View;
use crate::wording::{age, count, counted};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::inventory::{Inventory, Release};
use model::matches::ArtifactKind;
use std::collections::{BTreeMap, BTreeSet};

/// Artifacts that are told one by one; of more, only how many are of which system.
const ARTIFACTS: usize = 5;
/// Kinds of packages in a line.
const KINDS: usize = 8;

/// A few sentences for each artifact that was looked at here.
pub(crate) fn seen(view: &View, units: &Units) -> Vec<String> {
    let here: Vec<(&Unit, &Inventory)> = units
        .all
        .iter()
        .filter_map(|unit| Some((unit, unit.inventory?)))
        .collect();
    let mut lines = Vec::new();
    if here.len() > 1 {
        let packages: usize = here.iter().map(|(unit, _)| unit.packages.len()).sum();
        lines.push(format!(
            "{} in {}",
            counted(packages, "package"),
            counted(here.len(), noun(&here))
        ));
    }
    if here.len() > ARTIFACTS {
        lines.extend(systems(view, &here));
        return lines;
    }
    for (unit, inventory) in &here {
        let name = if here.len() > 1 {
            format!("{}: ", unit.name)
        } else {
            String::new()
        };
        lines.push(format!(
            "{name}{}",
            system(inventory.release.as_ref(), today(view))
        ));
        lines.push(format!("{name}{}", packages(unit)));
        if let Some(layers) = layers(inventory) {
            lines.push(format!("{name}{layers}"));
        }
    }
    lines
}

fn noun(here: &[(&Unit, &Inventory)]) -> &'static str {
    let images = here
        .iter()
        .all(|(unit, _)| unit.kind == ArtifactKind::Image);
    if images { "image" } else { "artifact" }
}

/// Which distributions many artifacts are of, the most frequent first.
fn systems(view: &View, here: &[(&Unit, &Inventory)]) -> Vec<String> {
    let mut systems: BTreeMap<String, usize> = BTreeMap::new();
    for (_, inventory) in here {
        let system = system(inventory.release.as_ref(), today(view));
        *systems.entry(system).or_default() += 1;
    }
    let mut systems: Vec<(String, usize)> = systems.into_iter().collect();
    systems.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let rest: usize = systems
        .iter()
        .skip(ARTIFACTS)
        .map(|(_, number)| number)
        .sum();
    let mut lines: Vec<String> = systems
        .into_iter()
        .take(ARTIFACTS)
        .map(|(system, number)| format!("{}: {system}", counted(number, noun(here))))
        .collect();
    if rest > 0 {
        lines.push(format!("{} of other systems", counted(rest, noun(here))));
    }
    lines
}

/// The same of one artifact, each sentence with what it is about.
pub(crate) fn one(view: &View, unit: &Unit, inventory: &Inventory) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("System", system(inventory.release.as_ref(), today(view))),
        ("Packages", packages(unit)),
    ];
    lines.extend(layers(inventory).map(|text| ("Layers", text)));
    lines
}

pub(crate) fn today(view: &View) -> Date {
    view.assessment.about.now.to_zoned(TimeZone::UTC).date()
}

/// `Debian GNU/Linux 12 (bookworm), supported until 2028-06-30`.
fn system(release: Option<&Release>, today: Date) -> String {
    let Some(release) = release else {
        return "no file says which distribution it is".to_owned();
    };
    let name = match &release.title {
        Some(title) => title.to_string(),
        None => format!("{} {}", release.id, release.version)
            .trim_end()
            .to_owned(),
    };
    let version = &*release.version;
    let exact = if version.is_empty() || name.contains(version) {
        String::new()
    } else {
        format!(", exactly {version}")
    };
    match release.end_of_life {
        Some(end) if end < today => {
            format!("{name}{exact}: NO SECURITY SUPPORT since {end}, new holes stay open")
        }
        Some(end) => format!("{name}{exact}, security support until {end}"),
        None => format!("{name}{exact}, until when it is supported is not known"),
    }
}

/// `413 packages: 312 deb, 80 npm, 21 pypi; 12 only declared`.
fn packages(unit: &Unit) -> String {
    if unit.packages.is_empty() {
        return "no package was found in it".to_owned();
    }
    let (kinds, declared) = by_kind(&unit.packages);
    let mut shown: Vec<String> = kinds
        .iter()
        .take(KINDS)
        .map(|(kind, number)| match *kind {
            "generic" => format!("{} of no package", counted(*number, "program")),
            kind => format!("{} {kind}", count(*number)),
        })
        .collect();
    let rest: usize = kinds.iter().skip(KINDS).map(|(_, number)| number).sum();
    if rest > 0 {
        shown.push(format!("{} of other kinds", count(rest)));
    }
    let declared = match declared {
        0 => String::new(),
        n => format!(
            "; {} only declared by lock files, they need not be there",
            count(n)
        ),
    };
    format!(
        "{}: {}{declared}",
        counted(unit.packages.len(), "package"),
        shown.join(", ")
    )
}

/// `7 layers: 3 of the base image, 4 of the application`.
fn layers(inventory: &Inventory) -> Option<String> {
    let all = &inventory.layers;
    if all.is_empty() {
        return None;
    }
    if all.iter().all(|layer| layer.of_base.is_none()) {
        let layers = counted(all.len(), "layer");
        return Some(format!(
            "{layers}; nothing says which come with the base image"
        ));
    }
    let number = |of: Option<bool>| all.iter().filter(|layer| layer.of_base == of).count();
    let parts: Vec<String> = [
        (number(Some(true)), "of the base image"),
        (number(Some(false)), "of the application"),
        (
            number(None),
            "of which nothing says whether they are the base image's",
        ),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, words)| format!("{} {words}", count(n)))
    .collect();
    Some(format!(
        "{}: {}",
        counted(all.len(), "layer"),
        parts.join(", ")
    ))
}

/// The feeds by which packages here can have been judged, and EPSS and KEV, with their ages; how many others there are.
/// `None`: no database, or none of its feeds is known to be about what is here.
pub(crate) fn feeds(view: &View, units: &Units) -> Option<String> {
    let about = &view.assessment.about;
    let database = about.database.as_ref()?;
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for unit in &units.all {
        wanted.extend(
            unit.packages
                .iter()
                .filter_map(|p| ecosystem(p.kind()))
                .map(ToOwned::to_owned),
        );
        let release = unit.inventory.and_then(|i| i.release.as_ref());
        wanted.extend(release.map(|release| distribution(&release.id)));
    }
    let cited: BTreeSet<&str> = view
        .assessment
        .sets
        .iter()
        .flat_map(|set| &set.bases)
        .map(|basis| &*basis.feed)
        .collect();
    let judges = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let first = last.split([' ', '-', ':']).next().unwrap_or("");
        cited.contains(name)
            || !name.contains('/') && matches!(name, "epss" | "kev" | "vulnrichment")
            || wanted.contains(&last)
            || wanted.contains(first)
    };
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    let mut others = 0;
    let mut judging = 0;
    for feed in &database.feeds {
        if judges(&feed.name) {
            judging += usize::from(!matches!(&*feed.name, "epss" | "kev" | "vulnrichment"));
            let age = age(feed.date, about.now).into_owned();
            match groups.iter_mut().find(|(known, _)| *known == age) {
                Some((_, names)) => names.push(&feed.name),
                None => groups.push((age, vec![&feed.name])),
            }
        } else {
            others += 1;
        }
    }
    if groups.is_empty() {
        return None;
    }
    let mut said: Vec<String> = groups
        .iter()
        .map(|(age, names)| format!("{} {age}", names.join(", ")))
        .collect();
    if judging == 0 {
        said.push("none of them is about the packages here".to_owned());
    }
    if others > 0 {
        said.push(format!(
            "{} are about other systems",
            counted(others, "feed")
        ));
    }
    Some(said.join("; "))
}

/// The first word of OSV's name, lower case, of a distribution's ecosystem.
fn distribution(id: &str) -> String {
    let id = id.to_lowercase();
    match &*id {
        "rhel" | "redhat" | "centos" => "red",
        "sles" | "sled" | "suse" => "suse",
        "opensuse-leap" | "opensuse-tumbleweed" => "opensuse",
        "ol" => "oracle",
        "amzn" => "amazon",
        _ => return id,
    }
    .to_owned()
}

/// OSV's name, lower case, of the ecosystem of a purl type.
fn ecosystem(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "npm" => "npm",
        "pypi" => "pypi",
        "golang" => "go",
        "maven" => "maven",
        "gem" => "rubygems",
        "composer" => "packagist",
        "nuget" => "nuget",
        "cargo" => "crates.io",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_end_of_support_is_said_and_unknown_is_no_support() {
        let check = |title: Option<&str>, end: Option<Date>, expected: &str| {
            let release = Release {
                id: "debian".into(),
                like: Vec::new(),
                version: "12.5".into(),
                codename: None,
                title: title.map(Into::into),
                end_of_life: end,
            };
            assert_eq!(system(Some(&release), date(2026, 11, 23)), expected);
        };
        let title = Some("Debian GNU/Linux 12 (bookworm)");
        check(
            title,
            Some(date(2028, 6, 30)),
            "Debian GNU/Linux 12 (bookworm), exactly 12.5, security support until 2028-06-30",
        );
        check(
            None,
            Some(date(2026, 11, 22)),
            "debian 12.5: NO SECURITY SUPPORT since 2026-11-22, new holes stay open",
        );
        check(
            None,
            Some(date(2026, 11, 23)),
            "debian 12.5, security support until 2026-11-23",
        );
        check(
            None,
            None,
            "debian 12.5, until when it is supported is not known",
        );
        assert_eq!(
            system(None, date(2026, 11, 23)),
            "no file says which distribution it is"
        );
    }
}
