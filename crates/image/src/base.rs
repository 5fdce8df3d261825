//! Which layers came with the base image. Comes in: history lines and annotations. Goes out: one answer a layer. Never:
//! guesses where the end of the base is not marked.
//!
//! An image does not list its base's layers. Known for sure they are only from the base image itself ([`by_diff_ids`]).
//! Without it, what is sound: a `CMD` or `ENTRYPOINT` line that is followed by further layers and by another such line
//! ends an image that this one was built from, as a Dockerfile rarely sets its command twice (BuildKit warns of it, rule
//! `MultipleInstructionsDisallowed`). Layers above the last such mark may still be of another base between, unless the
//! annotations of OCI (`org.opencontainers.image.base.*`) say that there is a base and the mark is the only sign of it.

use model::inventory::{HistoryLine, Layer};
use model::text::Text;

/// Sets `of_base` by the layers of the base image, from its lowest up. An image that does not begin with them is left.
pub fn by_diff_ids(layers: &mut [Layer], base: &[Text]) {
    let same = layers.len() >= base.len()
        && layers
            .iter()
            .zip(base)
            .all(|(layer, base)| layer.diff_id == *base);
    if !same || base.is_empty() {
        return;
    }
    for (at, layer) in layers.iter_mut().enumerate() {
        layer.of_base = Some(at < base.len());
    }
}

/// One answer for each layer that the history brought.
pub fn by_history(history: &[HistoryLine], annotated: bool) -> Vec<Option<bool>> {
    let is_command = |line: &HistoryLine| {
        let text = line
            .created_by
            .trim_start_matches("/bin/sh -c #(nop)")
            .trim_start();
        line.empty && (text.starts_with("CMD ") || text.starts_with("ENTRYPOINT "))
    };
    let count = history.iter().filter(|line| !line.empty).count();
    let mut below = 0;
    // Layers up to the last mark that is followed by layers, and whether a command follows those.
    let mut end = None;
    let mut again = false;
    for line in history {
        if !line.empty {
            below += 1;
        } else if is_command(line) {
            if below < count && below > 0 {
                end = Some(below);
                again = false;
            } else if below == count {
                again = end.is_some();
            }
        }
    }
    let Some(end) = end.filter(|_| again || annotated) else {
        return vec![None; count];
    };
    (0..count)
        .map(|layer| {
            if layer < end {
                Some(true)
            } else {
                annotated.then_some(false)
            }
        })
        .collect()
}

/// Whether annotations or labels name a base image.
pub fn is_annotated<'k>(mut keys: impl Iterator<Item = &'k str>) -> bool {
    keys.any(|key| {
        matches!(
            key,
            "org.opencontainers.image.base.digest" | "org.opencontainers.image.base.name"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` a layer, `C` a command, `.` another empty line; `b` of the base, `a` above it, `?` not known.
    fn check(history: &str, annotated: bool, expected: &str) {
        let history: Vec<HistoryLine> = history
            .chars()
            .map(|line| HistoryLine {
                created_by: match line {
                    'C' => "/bin/sh -c #(nop)  CMD [\"sh\"]".into(),
                    'E' => "ENTRYPOINT [\"sh\"]".into(),
                    _ => "RUN x".into(),
                },
                empty: line != '+',
            })
            .collect();
        let found: String = by_history(&history, annotated)
            .into_iter()
            .map(|of_base| match of_base {
                Some(true) => 'b',
                Some(false) => 'a',
                None => '?',
            })
            .collect();
        assert_eq!(found, expected, "{history:?}");
    }

    #[test]
    fn marks_of_a_base() {
        check("+C", false, "?");
        check("+C+++", false, "????");
        check("+C++C", false, "b??");
        check("+C++.C", false, "b??");
        check("+C+.+C++EC", false, "bbb??");
        check("+C++C", true, "baa");
        check("+C++", true, "baa");
        check("+++C", true, "???");
        check("C++C", false, "??");
        check("", true, "");
    }

    #[test]
    fn the_base_itself_is_sure() {
        let layer = |diff_id: &str| Layer {
            diff_id: diff_id.into(),
            digest: None,
            created_by: None,
            of_base: None,
            size: 0,
        };
        let of_base = |base: &[&str]| {
            let mut layers = [layer("a"), layer("b")];
            let base: Vec<Text> = base.iter().map(|id| Text::from(*id)).collect();
            by_diff_ids(&mut layers, &base);
            layers.map(|layer| layer.of_base)
        };
        assert_eq!(of_base(&["a"]), [Some(true), Some(false)]);
        assert_eq!(of_base(&["b"]), [None, None]);
        assert_eq!(of_base(&["a", "b", "c"]), [None, None]);
        assert_eq!(of_base(&[]), [None, None]);
    }
}
