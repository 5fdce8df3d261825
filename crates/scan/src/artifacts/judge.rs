//! An inventory in, what is said of it out: vulnerabilities where there is a database, and what is wrong with the
//! artifact itself. Never: I/O; a package that nobody judged looking clean.

use intel::Intelligence;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::evidence::{Gap, GapWeight, Stage};
use model::inventory::Inventory;
use model::matches::{MatchSet, MatchSource, Package};
use model::text::Text;

/// What is said of an artifact that was scanned here: vulnerabilities where there is a database, and what is wrong with
/// the artifact itself.
pub fn matches(
    inventory: &Inventory,
    intel: Option<&Intelligence>,
    now: Timestamp,
    tool_version: &Text,
) -> MatchSet {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut set = match intel {
        Some(intel) => intel::matching::matches(inventory, intel, Some(today)),
        None => unjudged(inventory),
    };
    set.source.tool_version = Some(Text::clone(tool_version));
    for remark in &inventory.remarks {
        super::remarks::remember(&mut set, remark);
    }
    set
}

/// Why nothing matched component `index`, in one sentence; `None`: something did.
pub fn why_not(inventory: &Inventory, index: u32, intel: &Intelligence) -> Option<String> {
    intel::matching::why_not(inventory, index, intel).map(|silence| silence.to_string())
}

/// Without a database everything stands there and nothing is judged.
fn unjudged(inventory: &Inventory) -> MatchSet {
    let name = &inventory.artifact.name;
    let gap = Gap {
        class: "not-judged".into(),
        what: format!(
            "{} packages of {name} were not judged: there is no intelligence database",
            inventory.components.len()
        )
        .into(),
        stage: Stage::Match,
        scope: Text::clone(name),
        weight: GapWeight::Hides,
        close: "plimsoll db update, or plimsoll db build --from DIR".into(),
    };
    MatchSet {
        source: MatchSource {
            tool: "plimsoll".into(),
            tool_version: None,
            format: "plimsoll".into(),
            file: Text::clone(&inventory.artifact.name),
            digest: "".into(),
            created: None,
        },
        artifacts: vec![inventory.artifact.clone()],
        packages: Vec::<Package>::new(),
        advisories: Vec::new(),
        matches: Vec::new(),
        bases: Vec::new(),
        gaps: if inventory.components.is_empty() {
            Vec::new()
        } else {
            vec![gap]
        },
    }
}
