//! The places that a check objects to, bounded: a hostile pod must not buy an unbounded report.

use crate::json::Node;
use std::fmt;

/// Further places of one control are counted.
const MOST_FIELDS: usize = 32;

/// A field and what is said there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// JSON pointer (RFC 6901); of a field that is missing, the one that it would have.
    pub pointer: String,
    /// As JSON, long texts cut; `None`: nothing is said.
    pub value: Option<String>,
}

/// `/spec/hostPID is true`, `/spec/securityContext/runAsNonRoot is not set`.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is {value}", self.pointer),
            None => write!(f, "{} is not set", self.pointer),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) fields: Vec<Field>,
    pub(super) more: usize,
}

impl Found {
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn add(&mut self, pointer: impl FnOnce() -> String, value: Node<'_>) {
        if self.fields.len() >= MOST_FIELDS {
            self.more += 1;
            return;
        }
        self.fields.push(Field {
            pointer: pointer(),
            value: value.shown(),
        });
    }
}
