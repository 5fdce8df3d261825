//! Secrets in files that a higher layer deleted or wrote again: the lower layer still has them, and whoever pulls the
//! image has the layer. Comes in: what lower layers said of files that do not stand. Goes out: remarks that say which
//! layer has it and which one hides it. Never: what stands at the same place with the same secret in it.

use crate::layer::{EntryKind, LayerFacts};
use crate::standing::Standing;
use model::inventory::{Place, Remark};

pub(crate) fn deleted(
    gone: &[Standing<'_>],
    standing: &[Remark],
    layers: &[LayerFacts],
) -> Vec<Remark> {
    let stands = |path: &str, check: &str| {
        standing
            .iter()
            .any(|one| &*one.place.path == path && &*one.check == check)
    };
    let mut all: Vec<Remark> = Vec::new();
    for one in gone {
        let crate::extract::Extract::Remark(said) = &one.statement.extract else {
            continue;
        };
        let Some(path) = one.paths.first().filter(|path| !stands(path, &said.check)) else {
            continue;
        };
        let hidden = match hider(path, one.spot.layer, layers) {
            Some((above, true)) => format!("deleted in layer {}", above + 1),
            Some((above, false)) => format!("written again in layer {}", above + 1),
            None => "hidden by a layer above".to_owned(),
        };
        let remark = Remark {
            check: model::text::Text::clone(&said.check),
            place: Place {
                path: model::text::Text::clone(path),
                layer: Some(one.spot.layer),
            },
            line: said.line,
            what: format!(
                "{}; {hidden}, but still in layer {}",
                said.what,
                one.spot.layer + 1
            )
            .into(),
        };
        // Several layers may have had it: the highest is the nearest to what is built now.
        match all
            .iter_mut()
            .find(|known| known.check == remark.check && known.place.path == remark.place.path)
        {
            Some(known) if known.place.layer < remark.place.layer => *known = remark,
            Some(_) => {}
            None => all.push(remark),
        }
    }
    all
}

/// The first layer above that hides `path`, and whether it deletes it.
fn hider(path: &str, layer: u32, layers: &[LayerFacts]) -> Option<(u32, bool)> {
    let above = |entry: &str| {
        entry.is_empty()
            || path
                .strip_prefix(entry)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    for (at, facts) in (0u32..).zip(layers).skip(layer as usize) {
        let later = at > layer;
        for entry in facts.entries.iter().rev() {
            let same = &*entry.path == path;
            match entry.kind {
                EntryKind::Whiteout if later && (same || above(&entry.path)) => {
                    return Some((at, true));
                }
                EntryKind::Opaque if later && (same || above(&entry.path)) => {
                    return Some((at, true));
                }
                EntryKind::Whiteout | EntryKind::Opaque | EntryKind::Folder => {}
                _ if later && (same || above(&entry.path)) => return Some((at, false)),
                _ => {}
            }
        }
    }
    None
}
