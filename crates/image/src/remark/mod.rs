//! What is wrong with an artifact itself, beside its packages. Comes in: what single files said, the tree that they make,
//! the image's configuration. Goes out: remarks, one for each check of settings and one for each file with a secret.
//! Never: a list of twenty where one line says it, text of a secret.

mod configuration;
mod contents;
mod deleted;
mod permissions;

pub(crate) use configuration::settings;
pub(crate) use deleted::deleted;
pub(crate) use permissions::{Permissions, of_entry};

use crate::assemble::{Parts, is_system};
use crate::extract::{Extractor, Wants};
use crate::tree::{NodeId, Tree};
use model::inventory::{Place, Remark};
use model::text::Text;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Asks for the settings of the artifact: permissions of its files, tools left in, the image's configuration.
pub const SETTINGS: Extractor = Extractor {
    name: "settings",
    wants: Wants::Permissions,
    limit: 0,
    extract: |_, _| {},
};

/// The place of what no file says.
pub(crate) const CONFIGURATION: &str = "image configuration";
/// Places that a remark of several names.
const NAMED: usize = 4;

/// Whether settings were asked for.
pub(crate) fn asks_settings(table: &[Extractor]) -> bool {
    table
        .iter()
        .any(|row| matches!(row.wants, Wants::Permissions))
}

/// Whether secrets were asked for.
pub(crate) fn asks_secrets(table: &[Extractor]) -> bool {
    table
        .iter()
        .any(|row| matches!(row.wants, Wants::Texts { .. }))
}

/// Brings the remarks of `parts` into their last form, and adds what files say together. `layered`: places name layers.
pub(crate) fn finish(parts: &mut Parts, tree: &Tree<'_>, settings: bool, layered: bool) {
    of_distribution(parts, tree);
    let mut groups: BTreeMap<Text, Vec<Remark>> = BTreeMap::new();
    let mut all = Vec::new();
    for remark in std::mem::take(&mut parts.remarks) {
        if remark.check.starts_with("image-") {
            groups
                .entry(Text::clone(&remark.check))
                .or_default()
                .push(remark);
        } else {
            all.push(remark);
        }
    }
    all.extend(groups.into_values().filter_map(grouped));
    if settings {
        all.extend(contents::remarks(parts, tree, layered));
    }
    all.sort_unstable();
    all.dedup();
    parts.remarks = all;
}

/// One remark for all of a check: how many, the first of them, and where.
fn grouped(mut all: Vec<Remark>) -> Option<Remark> {
    // What the application's own layers brought comes first.
    all.sort_unstable_by(|a, b| {
        (b.place.layer, &a.place.path).cmp(&(a.place.layer, &b.place.path))
    });
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|one| match &*one.what {
            "" => one.place.path.to_string(),
            what => format!("{} ({what})", one.place.path),
        })
        .collect();
    let what = match all.len() {
        0 => return None,
        n if n > NAMED => format!("{n} files: {}, and {} more", named.join(", "), n - NAMED),
        1 => named.join(", "),
        n => format!("{n} files: {}", named.join(", ")),
    };
    let first = all.into_iter().next()?;
    Some(Remark {
        what: what.into(),
        ..first
    })
}

/// Setuid files that a package of the distribution installed are its own, until a layer above writes them.
fn of_distribution(parts: &mut Parts, tree: &Tree<'_>) {
    let Parts {
        remarks,
        components,
        ..
    } = parts;
    let name = |path: &str| Text::from(path.rsplit('/').next().unwrap_or(path));
    let setuid = |remark: &&mut Remark| &*remark.check == "image-setuid";
    let names: HashSet<Text> = remarks
        .iter_mut()
        .filter(setuid)
        .map(|remark| name(&remark.place.path))
        .collect();
    if names.is_empty() {
        return;
    }
    let mut owners: HashMap<NodeId, &model::inventory::Component> = HashMap::new();
    for component in components.iter().filter(|component| is_system(component)) {
        let files = component
            .files
            .iter()
            .filter(|file| names.contains(&name(file)));
        for node in files.filter_map(|file| tree.at(file)) {
            owners.entry(node).or_insert(component);
        }
    }
    for remark in remarks.iter_mut().filter(setuid) {
        let owner = tree
            .at(&remark.place.path)
            .and_then(|node| owners.get(&node).copied());
        let last = owner.map(|owner| owner.at.iter().map(|place| place.layer).max());
        if last.is_some_and(|last| last.is_none_or(|last| remark.place.layer <= last)) {
            remark.check = "image-setuid-system".into();
        }
    }
}

fn remark(check: &str, path: &str, layer: Option<u32>, what: impl Into<Text>) -> Remark {
    Remark {
        check: check.into(),
        place: Place {
            path: path.into(),
            layer,
        },
        line: None,
        what: what.into(),
    }
}

/// At most so many characters of a text that others wrote, on one line.
fn short(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or("")),
        None => text,
    }
}
