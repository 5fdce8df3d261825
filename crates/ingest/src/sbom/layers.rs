//! Which layer brought what. Comes in: digests of layers as documents name them. Goes out: the layers and their numbers.
//! Never: an order that nobody said without saying so.

use model::inventory::Layer;
use rustc_hash::FxHashMap;

/// Most layers that one artifact may have; images have at most 127.
const MOST: usize = 10_000;

/// The layers of one artifact.
#[derive(Default)]
pub(super) struct Layers {
    all: Vec<Layer>,
    by_digest: FxHashMap<String, u32>,
    /// How many of them the document lists in their order.
    pub(super) listed: usize,
}

impl Layers {
    /// The document lists this layer as the next one.
    pub(super) fn list(&mut self, diff_id: &str, of_base: Option<bool>) {
        if self.all.len() == MOST {
            return;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.by_digest.entry(diff_id.to_owned()).or_insert(number);
        self.all.push(Layer {
            diff_id: diff_id.into(),
            digest: None,
            created_by: None,
            of_base,
            size: 0,
        });
        self.listed = self.all.len();
    }

    /// The number of a layer that a package names by digest or number.
    pub(super) fn number(&mut self, name: &str) -> Option<u32> {
        if let Ok(number) = name.parse::<u32>() {
            return Some(number).filter(|number| (*number as usize) < self.all.len());
        }
        if let Some(known) = self.by_digest.get(name) {
            return Some(*known);
        }
        if name.is_empty() || self.all.len() == MOST {
            return None;
        }
        let listed = self.listed;
        self.list(name, None);
        self.listed = listed;
        self.by_digest.get(name).copied()
    }

    /// Several of which the document does not say the order.
    pub(super) fn is_unordered(&self) -> bool {
        self.all.len() > self.listed.max(1)
    }

    pub(super) fn into_layers(self) -> Vec<Layer> {
        self.all
    }
}
