//! Every format we write. Comes in: an Assessment and its Verdict. Goes out: bytes.
//! Selects, words and escapes. Never: computes a score, reads a clock, trusts a name.

pub mod csv;
pub mod file;
pub mod html;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod terminal;

mod each;
mod escape;
mod names;
mod sentences;
mod unranked;
mod view;
mod wording;

pub use view::View;
