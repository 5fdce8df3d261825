//! What was not seen of a node, bounded: a hostile root could name thousands of things.

use super::root::Miss;
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;

/// Of one class; so one kind of fault does not crowd out the others.
const MAX_OF_CLASS: usize = 100;

#[derive(Default)]
pub(super) struct Gaps {
    gaps: Vec<Gap>,
    more: usize,
}

impl Gaps {
    /// `scope` is a path of the node.
    pub(super) fn add(
        &mut self,
        class: &str,
        what: impl Into<Text>,
        scope: &str,
        weight: GapWeight,
        close: &str,
    ) {
        let gap = Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Collect,
            scope: scope.into(),
            weight,
            close: close.into(),
        };
        if self.gaps.contains(&gap) {
            return;
        }
        let same = self.gaps.iter().filter(|other| other.class == gap.class);
        if same.count() < MAX_OF_CLASS {
            self.gaps.push(gap);
        } else {
            self.more += 1;
        }
    }

    /// A path that may be there and was not seen.
    pub(super) fn unread(&mut self, path: &str, miss: Miss, weight: GapWeight) {
        let close = match miss {
            Miss::Denied => "run as root, or with CAP_DAC_READ_SEARCH",
            Miss::Missing => "mount it below the root",
            _ => "",
        };
        self.add(
            "node-file-unread",
            format!("{path} {}", miss.words()),
            path,
            weight,
            close,
        );
    }

    /// Ordered; each says which node it is about.
    pub(super) fn done(mut self, node: Option<&str>) -> Vec<Gap> {
        if self.more > 0 {
            let what = format!("{} more things were not seen", self.more);
            self.gaps.push(Gap {
                class: "node-limit".into(),
                what: what.into(),
                stage: Stage::Collect,
                scope: "/".into(),
                weight: GapWeight::Hides,
                close: "".into(),
            });
        }
        let node = node.unwrap_or("unknown");
        for gap in &mut self.gaps {
            gap.scope = format!("node/{node} {}", gap.scope).into();
        }
        self.gaps.sort();
        self.gaps
    }
}
