//! Reads one object: keeps its texts once, turns what is malformed into gaps.
//! Comes in: an `Object`. Goes out: what the caller reads of it. Never: a failure of the whole inventory.

use crate::json::{Json, Node, Places};
use crate::view::Labels;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Object;
use model::text::{Interner, Text};

/// More malformed fields and objects are counted, not told one by one.
const MOST_TOLD: usize = 1_000;

/// What all readers of a snapshot share.
#[derive(Debug, Default)]
pub(crate) struct Lens {
    pub words: Interner,
    pub gaps: Vec<Gap>,
    /// Kubernetes minor version whose rules decide.
    pub minor: u16,
    told: usize,
    untold: u64,
}

impl Lens {
    pub(crate) fn new(minor: u16) -> Self {
        Lens {
            minor,
            ..Lens::default()
        }
    }

    /// Parses `object` and lets `view` read it; `None` where the bytes are no JSON that can be read.
    pub(crate) fn read<T>(
        &mut self,
        object: &Object,
        view: impl FnOnce(&mut Lens, Node<'_>) -> T,
    ) -> Option<T> {
        let places = Places::default();
        let tree = match Json::parse(&object.json) {
            Ok(tree) => tree,
            Err(error) => {
                let what = format!("{} could not be read: {error}", object.reference());
                self.tell(object, "object-malformed", GapWeight::Hides, what);
                return None;
            }
        };
        let read = view(self, Node::new(&tree, &places));
        for pointer in tree.pointers(&places) {
            let field = if pointer.is_empty() { "/" } else { &pointer };
            let what = format!(
                "{field} of {} has a type or value that the API server refuses; it was read as absent",
                object.reference()
            );
            self.tell(object, "field-malformed", GapWeight::Widens, what);
        }
        Some(read)
    }

    fn tell(&mut self, object: &Object, class: &str, weight: GapWeight, what: String) {
        if self.told >= MOST_TOLD {
            self.untold += 1;
            return;
        }
        self.told += 1;
        self.gaps.push(Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Collect,
            scope: object.reference().to_string().into(),
            weight,
            close: "".into(),
        });
    }

    /// All gaps; what was not told one by one is counted in the last.
    pub(crate) fn into_gaps(mut self) -> Vec<Gap> {
        if self.untold > 0 {
            self.gaps.push(Gap {
                class: "object-malformed".into(),
                what: format!("{} more malformed fields or objects", self.untold).into(),
                stage: Stage::Collect,
                scope: "objects".into(),
                weight: GapWeight::Hides,
                close: "".into(),
            });
        }
        self.gaps
    }

    pub(crate) fn word(&mut self, text: &str) -> Text {
        self.words.text(text)
    }

    pub(crate) fn option(&mut self, text: Option<&str>) -> Option<Text> {
        self.words.option(text)
    }

    /// A map of texts, ordered; values of other types are malformed.
    pub(crate) fn labels(&mut self, node: Node<'_>) -> Labels {
        node.entries()
            .filter_map(|(key, value)| Some((self.word(key), self.word(value.as_text()?))))
            .collect()
    }

    pub(crate) fn pairs(&mut self, pairs: &[(Text, Text)]) -> Labels {
        pairs
            .iter()
            .map(|(key, value)| (self.word(key), self.word(value)))
            .collect()
    }

    /// Namespace of a namespaced object; files may leave it to the client, whose default is `default`.
    pub(crate) fn namespace(&mut self, object: &Object) -> Text {
        self.word(object.namespace.as_deref().unwrap_or("default"))
    }

    pub(crate) fn notice(&mut self, class: &str, scope: String, what: String, close: &str) {
        self.gaps.push(Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Collect,
            scope: scope.into(),
            weight: GapWeight::Notice,
            close: close.into(),
        });
    }
}
