//! Rules over a cluster's configuration: one table, asked of files, live clusters and at admission.
//! Comes in: a `Snapshot` and its `Inventory`, what other stages know. Goes out: findings with the field that is to blame
//! and the patch, an answer a rule with what was looked at, policies. Never: I/O, a score.
//!
//! ```text
//!   family/*  the rows ──► table ──► run ──► Said        found, answers, gaps
//!                            │        │ evaluate          one object, one test
//!                            │        └ World, Sink       several objects
//!                            ├─────► fixes                a finding's exact change, tried on its object
//!                            └─────► policy               the same rows as ValidatingAdmissionPolicies
//! ```

pub mod cis;
pub mod component;
pub mod dry_run;
pub mod evaluate;
mod family;
pub mod fixes;
pub mod pages;
pub mod policy;
pub mod profiles;
pub mod rule;
pub mod run;
pub mod table;
pub mod test;
pub mod world;

pub use run::{Said, run};
