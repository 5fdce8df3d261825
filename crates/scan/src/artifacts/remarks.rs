//! What is wrong with an artifact itself. Comes in: what is asked for, and the remarks of inventories. Goes out: rows for
//! the reader; matches; findings that say where. Never: a key that a line number or a layer changes.

use crate::findings::Findings;
use image::catalog::secret::SECRETS;
use image::extract::Extractor;
use image::remark::SETTINGS;
use model::checks;
use model::evidence::{Gap, GapWeight, Stage};
use model::inventory::{Inventory, Remark};
use model::matches::{Advisory, Category, Fix, FixState, Match, MatchSet};
use model::text::Text;
use model::vulnerability::Severity;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanners {
    pub vulnerabilities: bool,
    pub secrets: bool,
    /// Configuration and permissions.
    pub settings: bool,
}

/// Vulnerabilities alone, as everything else is asked for by name.
impl Default for Scanners {
    fn default() -> Self {
        Scanners {
            vulnerabilities: true,
            secrets: false,
            settings: false,
        }
    }
}

impl Scanners {
    /// Rows beside those of packages, which are always read: they tell whose a file is.
    pub(super) fn rows(self) -> impl Iterator<Item = &'static Extractor> {
        let secrets = self.secrets.then_some(&SECRETS);
        let settings = self.settings.then_some(&SETTINGS);
        secrets.into_iter().chain(settings)
    }

    /// Takes out what was not asked for, and says so.
    #[must_use]
    pub fn only(self, mut inventory: Inventory) -> Inventory {
        if !self.vulnerabilities {
            inventory.components.clear();
            inventory.linked.clear();
            inventory.gaps.push(Gap {
                class: "not-asked".into(),
                what: "packages were not looked at: --scanners leaves them out".into(),
                stage: Stage::Catalog,
                scope: Text::clone(&inventory.artifact.name),
                weight: GapWeight::Notice,
                close: "--scanners vuln,secret,config".into(),
            });
        }
        inventory
    }
}

pub(super) fn remember(set: &mut MatchSet, remark: &Remark) {
    let check = checks::check(&remark.check);
    let severity = check.map_or(Severity::Unknown, |check| check.severity);
    let known = set.advisories.iter().position(|a| a.id == remark.check);
    let advisory = known.unwrap_or_else(|| {
        set.advisories.push(Advisory {
            id: Text::clone(&remark.check),
            aliases: Vec::new(),
            covers: Vec::new(),
            title: check.map(|check| check.title.into()),
            severity,
            cvss: Vec::new(),
            vectors: Vec::new(),
            cwes: Vec::new(),
            url: None,
            feed: None,
            published: None,
        });
        set.advisories.len() - 1
    });
    set.matches.push(Match {
        category: if remark.check.starts_with("secret-") {
            Category::Secret
        } else {
            Category::Misconfiguration
        },
        artifact: 0,
        advisory: u32::try_from(advisory).unwrap_or(u32::MAX),
        package: None,
        target: Some(Text::clone(&remark.place.path)),
        // The line moves with every change of the file: it is told, and no part of the key.
        field: None,
        severity,
        // Whoever builds the image can.
        fix: Fix {
            state: FixState::Fixed,
            versions: Vec::new(),
        },
        suppression: None,
        basis: None,
    });
}

/// Says in each finding of a remark where it stands and which layer brought it.
pub(crate) fn tell(found: &mut Findings, sets: &[MatchSet], inventories: &[Inventory]) {
    let all = [&mut found.open, &mut found.suppressed, &mut found.unjoined];
    for finding in all.into_iter().flatten() {
        if !matches!(
            finding.category,
            Category::Secret | Category::Misconfiguration
        ) {
            continue;
        }
        let said = finding.matches.first().and_then(|id| {
            let set = sets.get(id.set as usize)?;
            Some((set, set.matches.get(id.index as usize)?))
        });
        let Some((set, one)) = said.filter(|(set, _)| &*set.source.format == "plimsoll") else {
            continue;
        };
        let of = set.artifacts.get(one.artifact as usize);
        let Some(inventory) = inventories
            .iter()
            .find(|inventory| Some(&inventory.artifact) == of)
        else {
            continue;
        };
        let is = |remark: &&Remark| {
            remark.check == finding.id && Some(&remark.place.path) == one.target.as_ref()
        };
        let mut remarks = inventory.remarks.iter().filter(is);
        // Several of one place stand in the order of their matches.
        let before = set
            .matches
            .iter()
            .take(finding.matches.first().map_or(0, |id| id.index as usize));
        let nth = before
            .filter(|other| other.advisory == one.advisory && other.target == one.target)
            .count();
        let Some(remark) = remarks.nth(nth) else {
            continue;
        };
        finding.title = Some(title(remark));
        finding.notes.extend(notes(remark, inventory));
    }
}

/// `GitHub token ghp_… in app/.env:3`, `runs as root: no USER is set`.
fn title(remark: &Remark) -> Text {
    let known = checks::check(&remark.check).map_or(&*remark.check, |check| check.title);
    let path = &remark.place.path;
    if !remark.check.starts_with("secret-") {
        return format!("{known}: {}", remark.what).into();
    }
    let what = if remark.what.starts_with(known) {
        remark.what.to_string()
    } else {
        format!("{known}: {}", remark.what)
    };
    match remark.line {
        Some(line) => format!("{what} ({path}:{line})").into(),
        None => what.into(),
    }
}

/// `layer 3 of 5 brought it (base image): COPY . /app`.
fn notes(remark: &Remark, inventory: &Inventory) -> Option<Text> {
    let at = remark.place.layer?;
    let layer = inventory.layers.get(at as usize)?;
    let base = match layer.of_base {
        Some(true) => " (base image)",
        _ => "",
    };
    let line = layer
        .created_by
        .as_deref()
        .unwrap_or("no history line says how");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = line.chars().take(120).collect();
    let more = if short.len() < line.len() { "..." } else { "" };
    let count = inventory.layers.len();
    Some(
        format!(
            "layer {} of {count}{base} brought it: {short}{more}",
            at + 1
        )
        .into(),
    )
}
