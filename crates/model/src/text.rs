//! Interned text. The same package name stands in a hundred thousand matches; it is kept once.

use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Immutable shared text; cloning it costs a reference count.
pub type Text = Arc<str>;

/// Keeps one copy of each distinct text of a stage.
#[derive(Debug, Default)]
pub struct Interner {
    seen: FxHashSet<Text>,
}

impl Interner {
    /// The one shared copy of `text`.
    pub fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.seen.get(text) {
            return Text::clone(known);
        }
        let fresh: Text = Text::from(text);
        self.seen.insert(Text::clone(&fresh));
        fresh
    }

    /// Like [`Interner::text`], for an optional value.
    pub fn option(&mut self, text: Option<&str>) -> Option<Text> {
        text.map(|text| self.text(text))
    }

    /// How many distinct texts are kept.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing was interned yet.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}
