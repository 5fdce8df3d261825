//! Names of documents that the same input gives again: UUIDs made from digests (RFC 9562, version 8), no random, no clock.

use crate::installed::Units;
use crate::names::Names;
use crate::view::View;
use model::keys::sha256_hex;
use std::fmt::Write as _;

/// `3e671687-395b-8b41-930f-a58921a69b79` of the parts, each ended by a zero byte.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
        text.push('\0');
    }
    let digest = sha256_hex(text.as_bytes());
    let at = |range: std::ops::Range<usize>| digest.get(range).unwrap_or("");
    // Variant 10xx: 8, 9, a or b.
    let variant = match digest.as_bytes().get(16).map(|b| b % 4) {
        Some(1) => '9',
        Some(2) => 'a',
        Some(3) => 'b',
        _ => '8',
    };
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        at(0..8),
        at(8..12),
        at(13..16),
        at(17..20),
        at(20..32)
    )
}

/// One for what a document of this format says: what was scanned, what was found in it, by which database, when.
/// Where names are redacted, no digest goes into it: a guess could be tried.
pub(crate) fn of_document(view: &View, names: &Names, units: &Units, format: &str) -> String {
    let all = view.assessment;
    let mut text = String::new();
    let mut part = |value: &str| {
        text.push_str(value);
        text.push('\0');
    };
    part(&all.about.now.to_string());
    part(&all.about.tool_version);
    if let Some(database) = &all.about.database {
        part(&database.digest);
    }
    for unit in &units.all {
        part(&names.show(unit.name));
        if !names.redacts() {
            let identity = unit.identity;
            let digests = identity.config.iter().chain(&identity.manifests);
            digests.for_each(|digest| part(digest));
            let layers = unit
                .inventory
                .iter()
                .flat_map(|inventory| &inventory.layers);
            layers.for_each(|layer| part(&layer.diff_id));
        }
        for package in &unit.packages {
            part(package.name());
            part(package.version());
        }
    }
    for finding in crate::installed::findings(all) {
        part(&finding.id);
        part(finding.suppression.as_ref().map_or("", |_| "suppressed"));
    }
    let mut key = String::new();
    let _ = write!(key, "plimsoll {format}");
    uuid(&[&key, &text])
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn uuids_have_their_form() {
        for parts in [&["a"][..], &["a", "b"], &["ab"], &[]] {
            let uuid = uuid(parts);
            let fields: Vec<usize> = uuid.split('-').map(str::len).collect();
            assert_eq!(fields, [8, 4, 4, 4, 12], "{uuid}");
            assert_eq!(uuid.as_bytes()[14], b'8', "{uuid}");
            assert!(
                matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'),
                "{uuid}"
            );
        }
        assert_ne!(uuid(&["a", "b"]), uuid(&["ab"]));
        assert_eq!(uuid(&["a"]), uuid(&["a"]));
    }
}
