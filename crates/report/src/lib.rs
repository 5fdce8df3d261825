//! Every format we write. Comes in: an Assessment and its Verdict. Goes out: bytes.
//! Selects, words and escapes. Never: computes a score, reads a clock, trusts a name.

pub mod file;
pub mod terminal;

mod escape;
mod names;
mod view;
mod wording;

pub use view::View;
