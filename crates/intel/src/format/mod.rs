//! The file format of the intelligence database (architecture section 8): containers of checked
//! sections, and the tables that live in sections. Comes in: bytes nobody vouches for. Goes out:
//! values, or [`Damage`]. Never: a panic, an unchecked offset, memory beyond what the file itself holds.

pub(crate) mod container;
pub(crate) mod ids;
pub(crate) mod keys;
pub(crate) mod packed;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod texts;
pub(crate) mod wire;

/// A part of a database file does not hold what it must.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("section {section} of the intelligence database is damaged: {what}")]
pub struct Damage {
    /// Four letters, e.g. `STMT`; `HEAD` for header and section table.
    pub section: String,
    pub what: &'static str,
}

impl Damage {
    pub(crate) fn new(section: [u8; 4], what: &'static str) -> Self {
        Damage {
            section: section.escape_ascii().to_string(),
            what,
        }
    }
}
