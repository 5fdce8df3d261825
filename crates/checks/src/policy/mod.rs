//! Rules as policies that the API server enforces itself (ValidatingAdmissionPolicy, KEP-3488), and such policies asked
//! of the objects of a Snapshot.
//!
//! ```text
//!   Rule ──► cel, pod_security ──► document ──► YAML        export
//!   YAML, Snapshot ──► given ──► judge ──► user ──► Found   evaluation
//!                        └ expression: CEL, bounded
//! ```

pub mod cel;
pub mod cost;
mod document;
pub mod expression;
pub mod given;
pub mod judge;
mod pod_security;
pub mod user;
mod yaml;

pub use document::{Actions, Exception, ExportError, OLDEST_MINOR, Options, export, write};
