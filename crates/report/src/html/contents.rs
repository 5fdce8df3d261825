//! What is in the artifacts that were scanned here, for the template and for the script: layers with their history and
//! what they brought, remarks, fixes, packages. Texts are redacted and steering characters written out here. Never: a
//! package that was not looked at; more of one kind than a browser handles, uncounted.

use crate::contents;
use crate::escape::visible;
use crate::fixes::{listed, repairs, several, unrated};
use crate::installed::{Installed, Origin, Unit, Units};
use crate::names::Names;
use crate::target::kind_words;
use crate::view::View;
use crate::wording as word;
use model::inventory::{FoundAs, Inventory};
use model::vulnerability::Severity;
use serde::Serialize;
use std::collections::BTreeMap;

/// Artifacts, layers, remarks, fixes and packages beyond these are counted, not drawn.
const ARTIFACTS: usize = 20;
const LAYERS: usize = 300;
const REMARKS: usize = 300;
const FIXES: usize = 500;
const PACKAGES: usize = 20_000;
/// Vulnerabilities that a fix names.
const IDS: usize = 12;

#[derive(Serialize)]
pub(super) struct Contents {
    heading: String,
    division: Option<String>,
    unrated: Option<String>,
    fixes: Vec<FixRow>,
    unfixed_heading: String,
    unfixed: Vec<FixRow>,
    fixes_left_out: usize,
    packages: String,
    artifacts: Vec<Card>,
    artifacts_left_out: usize,
}

#[derive(Serialize)]
struct FixRow {
    points: String,
    band: &'static str,
    title: String,
    place: String,
    severity: &'static str,
    closes: String,
    ids: String,
}

#[derive(Serialize)]
struct Card {
    name: String,
    kind: &'static str,
    facts: Vec<(String, String)>,
    layers: Vec<LayerRow>,
    layers_left_out: usize,
    remarks: Vec<RemarkRow>,
    remarks_left_out: usize,
}

#[derive(Serialize)]
struct LayerRow {
    number: usize,
    origin: &'static str,
    command: String,
    size: String,
    packages: String,
    findings: String,
}

#[derive(Serialize)]
struct RemarkRow {
    check: String,
    place: String,
    what: String,
}

/// `None`: something else than artifacts was looked at.
pub(super) fn of(view: &View, names: &Names, units: &Units) -> Option<Contents> {
    if !view.is_of_artifacts() {
        return None;
    }
    let text = |text: &str| visible(&names.show(text)).into_owned();
    let repairs = repairs(view, units);
    let several = several(units);
    let rows = |all: &[crate::fixes::Repair]| -> Vec<FixRow> {
        let row = |repair: &crate::fixes::Repair| {
            let ids = repair.ids(view);
            FixRow {
                points: repair.score(),
                band: repair.points.as_ref().map_or("b0", super::page::band),
                title: text(&repair.title()),
                place: repair
                    .place(view, several)
                    .map_or_else(String::new, |p| text(&p)),
                severity: word::severity(repair.worst),
                closes: word::count(ids.len()),
                ids: text(&listed(&ids, IDS, ", ")),
            }
        };
        all.iter().take(FIXES).map(row).collect()
    };
    let left_out =
        repairs.fixed.len().saturating_sub(FIXES) + repairs.unfixed.len().saturating_sub(FIXES);
    let here: Vec<(&Unit, &Inventory)> = units
        .all
        .iter()
        .filter_map(|unit| Some((unit, unit.inventory?)))
        .collect();
    let open = open(view, units);
    let numbers: usize = here.iter().map(|(unit, _)| unit.packages.len()).sum();
    Some(Contents {
        heading: repairs.heading(),
        division: repairs.division(),
        unrated: unrated(view).map(|line| text(&line)),
        fixes: rows(&repairs.fixed),
        unfixed_heading: repairs.unfixed_heading(),
        unfixed: rows(&repairs.unfixed),
        fixes_left_out: left_out,
        packages: word::count(numbers),
        artifacts: units
            .all
            .iter()
            .enumerate()
            .filter_map(|(n, unit)| Some((n, unit, unit.inventory?)))
            .take(ARTIFACTS)
            .map(|(n, unit, inventory)| card(view, n, unit, inventory, &open, &text))
            .collect(),
        artifacts_left_out: here.len().saturating_sub(ARTIFACTS),
    })
}

fn card(
    view: &View,
    number: usize,
    unit: &Unit,
    inventory: &Inventory,
    open: &Open,
    text: &impl Fn(&str) -> String,
) -> Card {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value));
        }
    };
    for line in contents::one(view, unit, inventory) {
        let (name, line) = line;
        fact(name, text(&line));
    }
    if let Some(config) = &inventory.config {
        let user = config.user.as_deref().filter(|user| !user.is_empty());
        fact(
            "Runs as",
            user.map_or_else(|| "root (no user is set)".to_owned(), text),
        );
        let started: Vec<String> = config
            .entrypoint
            .iter()
            .chain(&config.command)
            .map(|part| text(part))
            .collect();
        fact("Starts", started.join(" "));
        let ports: Vec<String> = config.ports.iter().map(|port| text(port)).collect();
        fact("Ports", ports.join(", "));
        fact(
            "Built",
            config.created.map_or_else(String::new, word::moment),
        );
    }
    let digest = unit
        .identity
        .manifests
        .first()
        .or(unit.identity.config.as_ref());
    fact(
        "Digest",
        digest.map_or_else(String::new, |digest| text(digest)),
    );
    let mut packages: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (n, package) in unit.packages.iter().enumerate() {
        if let Some((layer, _)) = unit.layer(*package) {
            let found = packages.entry(layer).or_default();
            found.0 += 1;
            found.1 += open.of(number, n).0;
        }
    }
    let layer = |(n, layer): (usize, &model::inventory::Layer)| {
        let counts = u32::try_from(n).ok().and_then(|n| packages.get(&n));
        let shown = |count: usize| match count {
            0 => String::new(),
            count => word::count(count),
        };
        LayerRow {
            number: n + 1,
            origin: match layer.of_base {
                Some(true) => "base image",
                Some(false) => "application",
                None => "not known",
            },
            command: layer.created_by.as_deref().map_or_else(String::new, text),
            size: bytes(layer.size),
            packages: counts.map_or_else(String::new, |(all, _)| shown(*all)),
            findings: counts.map_or_else(String::new, |(_, open)| shown(*open)),
        }
    };
    Card {
        name: text(unit.name),
        kind: kind_words(unit.kind),
        facts,
        layers: inventory
            .layers
            .iter()
            .enumerate()
            .take(LAYERS)
            .map(layer)
            .collect(),
        layers_left_out: inventory.layers.len().saturating_sub(LAYERS),
        remarks: inventory
            .remarks
            .iter()
            .take(REMARKS)
            .map(|remark| RemarkRow {
                check: text(&remark.check),
                place: match remark.line {
                    Some(line) => text(&format!("{}:{line}", remark.place.path)),
                    None => text(&remark.place.path),
                },
                what: text(&remark.what),
            })
            .collect(),
        remarks_left_out: inventory.remarks.len().saturating_sub(REMARKS),
    }
}

/// `74.8 MB`, decimal as registries count.
fn bytes(size: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // shown with three digits
    let size = size as f64;
    match size {
        s if s >= 1e9 => format!("{:.1} GB", s / 1e9),
        s if s >= 1e6 => format!("{:.1} MB", s / 1e6),
        s if s >= 1e3 => format!("{:.0} kB", s / 1e3),
        s => format!("{s:.0} B"),
    }
}

/// Open findings of each package: unit and package -> how many, and the worst.
struct Open(BTreeMap<(usize, usize), (usize, Severity)>);

impl Open {
    fn of(&self, unit: usize, package: usize) -> (usize, Severity) {
        self.0
            .get(&(unit, package))
            .copied()
            .unwrap_or((0, Severity::Unknown))
    }
}

fn open(view: &View, units: &Units) -> Open {
    let all = view.assessment;
    let mut open: BTreeMap<(usize, usize), (usize, Severity)> = BTreeMap::new();
    for finding in all.findings.iter().chain(&all.unjoined) {
        let (Some(package), Some((u, unit))) = (view.package(finding), units.of(finding)) else {
            continue;
        };
        for found in unit.find(package) {
            let Ok(found) = usize::try_from(*found) else {
                continue;
            };
            let count = open.entry((u, found)).or_insert((0, Severity::Unknown));
            count.0 += 1;
            count.1 = count.1.max(finding.severity);
        }
    }
    Open(open)
}

/// One package for the script.
#[derive(Serialize)]
pub(super) struct PackageRow(
    u32,          // artifact
    String,       // name
    String,       // version
    String,       // type
    String,       // where, the first of its places
    usize,        // how many more places
    Option<u32>,  // layer, from 1
    u8,           // 0 base image, 1 application, 2 not known
    usize,        // open findings
    &'static str, // the worst of them
    u8,           // 1: only declared, 2: in another program or archive, 3: recognised
);

/// The packages of all artifacts that were scanned here, and how many were left out.
pub(super) fn packages(
    view: &View,
    names: &Names,
    units: &Units,
) -> (Vec<PackageRow>, Vec<String>, usize) {
    if !view.is_of_artifacts() {
        return (Vec::new(), Vec::new(), 0);
    }
    let text = |text: &str| visible(&names.show(text)).into_owned();
    let open = open(view, units);
    let here = units
        .all
        .iter()
        .enumerate()
        .filter(|(_, unit)| unit.inventory.is_some());
    let (mut rows, mut artifacts, mut left_out) = (Vec::new(), Vec::new(), 0);
    for (u, unit) in here {
        let artifact = u32::try_from(artifacts.len()).unwrap_or(u32::MAX);
        artifacts.push(text(unit.name));
        for (n, package) in unit.packages.iter().enumerate() {
            if rows.len() >= PACKAGES {
                left_out += 1;
                continue;
            }
            rows.push(row(unit, artifact, *package, open.of(u, n), &text));
        }
    }
    (rows, artifacts, left_out)
}

fn row(
    unit: &Unit,
    artifact: u32,
    package: Installed,
    (count, worst): (usize, Severity),
    text: &impl Fn(&str) -> String,
) -> PackageRow {
    let paths = package.paths();
    let namespace = package.component().and_then(|c| c.namespace.as_deref());
    // The namespace of a distribution's package is the distribution.
    let name = match namespace.filter(|_| !package.is_of_system()) {
        Some(namespace) => format!("{namespace}/{}", package.name()),
        None => package.name().to_owned(),
    };
    PackageRow(
        artifact,
        text(&name),
        text(package.version()),
        text(package.kind()),
        paths.first().map_or_else(String::new, |path| text(path)),
        paths.len().saturating_sub(1),
        unit.layer(package).map(|(n, _)| n + 1),
        match unit.origin(package) {
            Origin::Base => 0,
            Origin::Application => 1,
            Origin::Unknown => 2,
        },
        count,
        if count > 0 { word::severity(worst) } else { "" },
        match package.component().map(|c| c.found) {
            Some(FoundAs::Declared) => 1,
            Some(FoundAs::Embedded) => 2,
            Some(FoundAs::Recognized) => 3,
            Some(FoundAs::Installed) | None => 0,
        },
    )
}
