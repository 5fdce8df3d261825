//! An exact change of one object: operations of RFC 6902 and what taking it means (rule 11).
//! Never: applies itself (`semantics::json_patch` does, and `cluster::patch` to the text of a file).

use crate::action::FixClass;
use crate::object::ObjectRef;
use crate::text::Text;
use crate::vulnerability::Severity;
use serde::{Deserialize, Serialize};

/// One operation on an object. Pointers are those of RFC 6901, values JSON in canonical text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    Add {
        path: Text,
        value: Text,
    },
    Remove {
        path: Text,
    },
    Replace {
        path: Text,
        value: Text,
    },
    /// Holds before anything is changed, or nothing is.
    Test {
        path: Text,
        value: Text,
    },
}

impl Operation {
    pub fn path(&self) -> &Text {
        match self {
            Operation::Add { path, .. }
            | Operation::Remove { path }
            | Operation::Replace { path, .. }
            | Operation::Test { path, .. } => path,
        }
    }

    /// The value as JSON text; none of a removal.
    pub fn value(&self) -> Option<&Text> {
        match self {
            Operation::Add { value, .. }
            | Operation::Replace { value, .. }
            | Operation::Test { value, .. } => Some(value),
            Operation::Remove { .. } => None,
        }
    }
}

/// A change that removes findings of one object and adds none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// Tests first: they name the items of lists that the others count to.
    pub operations: Vec<Operation>,
    pub class: FixClass,
    /// Why it has this class.
    pub class_reason: Text,
    /// Takes it back. Empty where a value that it removes is not known (rule 20): the manifest as it was, then.
    pub undo: Vec<Operation>,
}

/// A finding that a change closes, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// `KP-WL-001`.
    pub id: Text,
    pub slug: Text,
    pub severity: Severity,
    /// What is wrong, as the finding says it.
    pub title: Text,
    /// What is there.
    pub says: Text,
}

/// How a change reaches its object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// In this file of the scanned ones.
    File(Text),
    /// Commands that are safe to paste: ask the server, do it, take it back (`None`: apply the manifest as it was).
    Type {
        dry_run: Text,
        apply: Text,
        undo: Option<Text>,
    },
    /// Somebody else writes the object, or its fields do not change while it exists: what to do.
    Elsewhere(Text),
}

/// One object, all that is mended in it at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub object: ObjectRef,
    /// The gravest first.
    pub closes: Vec<Closed>,
    pub remedy: Remedy,
    pub reach: Reach,
}

/// A finding without a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub object: ObjectRef,
    pub finding: Closed,
    /// Why there is none, one sentence without a full stop.
    pub why: Text,
    /// What a person can do.
    pub advice: Text,
}

/// A file before and after its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: Text,
    pub before: String,
    pub after: String,
}

/// All changes that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order of the objects.
    pub offers: Vec<Offer>,
    pub left: Vec<Left>,
    /// In the order of the files.
    pub files: Vec<Written>,
}
