//! The use cases: they wire the stages in the order of ARCHITECTURE.md and own no analysis.
//! Comes in: a Snapshot, match sets, a database, settings. Goes out: an `Assessment` and its `Verdict`.
//! Never: printing, a clock, the environment.

pub mod accept;
pub mod artifacts;
pub mod assess;
pub mod bundle;
pub mod coverage;
pub mod database;
pub mod drift;
pub mod filter;
pub mod findings;
pub mod gate;
pub mod hosts;
pub mod inputs;
pub mod join;
pub mod platform;
pub mod sources;
pub mod vulnerabilities;
pub mod written;

pub use assess::{Input, Settings, assess};
pub use risk::Settings as RiskSettings;
