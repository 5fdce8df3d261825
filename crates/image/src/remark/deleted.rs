//! Secrets in files that a higher layer deleted or wrote again: the lower layer still has them, and whoever pulls the
//! image has the layer. Comes in: what lower layers said of files that do not stand. Goes out: remarks that say which
//! layer has it and which one hides it. Never: what stands at the same place with the same secret in it.

use crate::extract::Extract;
use crate::layer::{EntryKind, LayerFacts};
use crate::standing::Standing;
use model::inventory::{Place, Remark};
use model::text::Text;

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
        let Extract::Remark(said) = &one.statement.extract else {
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
            check: Text::clone(&said.check),
            place: Place {
                path: Text::clone(path),
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
    for (at, facts) in (0u32..).zip(layers).skip(layer as usize + 1) {
        for entry in facts.entries.iter().rev() {
            if &*entry.path != path && !above(&entry.path) {
                continue;
            }
            match entry.kind {
                EntryKind::Folder => {}
                EntryKind::Whiteout | EntryKind::Opaque => return Some((at, true)),
                _ => return Some((at, false)),
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Entry;

    fn layer(entries: &[(&str, EntryKind)]) -> LayerFacts {
        let entries = entries.iter().map(|(path, kind)| Entry {
            path: (*path).into(),
            kind: kind.clone(),
        });
        LayerFacts {
            entries: entries.collect(),
            ..LayerFacts::default()
        }
    }

    #[test]
    fn the_layer_that_hides_a_file() {
        let check = |above: &[(&str, EntryKind)], expected: Option<(u32, bool)>| {
            let file = layer(&[("app/key", EntryKind::File)]);
            let layers = [file, layer(&[("other", EntryKind::File)]), layer(above)];
            assert_eq!(hider("app/key", 0, &layers), expected, "{above:?}");
        };
        check(&[("app/key", EntryKind::Whiteout)], Some((2, true)));
        check(&[("app", EntryKind::Whiteout)], Some((2, true)));
        check(
            &[("app", EntryKind::Folder), ("app", EntryKind::Opaque)],
            Some((2, true)),
        );
        check(&[("app/key", EntryKind::File)], Some((2, false)));
        check(&[("app", EntryKind::Symlink("b".into()))], Some((2, false)));
        check(
            &[
                ("app", EntryKind::Folder),
                ("app/keys", EntryKind::Whiteout),
            ],
            None,
        );
    }
}
