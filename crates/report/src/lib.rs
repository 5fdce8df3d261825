//! Every format we write. Comes in: an Assessment and its Verdict. Goes out: bytes.
//! Selects, words and escapes. Never: computes a score, reads a clock, trusts a name.

pub mod csv;
pub mod cyclonedx;
pub mod file;
pub mod github;
pub mod gitlab;
pub mod grype;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod netpol;
pub mod node;
pub mod openvex;
pub mod paths;
pub mod reach;
pub mod remedy;
pub mod rights;
pub mod sarif;
pub mod spdx;
pub mod terminal;
pub mod trivy;

pub mod benchmark;
mod claim;
mod contents;
mod each;
mod escape;
mod fixes;
mod foreign;
mod installed;
mod licences;
mod names;
mod sentences;
mod serial;
mod target;
mod unranked;
mod view;
mod wording;

pub use view::View;
