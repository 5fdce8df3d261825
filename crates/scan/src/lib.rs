//! The use cases: they wire the stages in the order of ARCHITECTURE.md and own no analysis.
//! Comes in: a Snapshot, match sets, a database, settings. Goes out: an `Assessment` and its `Verdict`.
//! Never: printing, a clock, the environment.

pub mod accept;
mod annotated;
pub mod artifacts;
pub mod assess;
pub mod attack;
pub mod baseline;
pub mod benchmark;
pub mod bundle;
pub mod configuration;
pub mod coverage;
pub mod database;
pub mod delta;
pub mod deployed;
pub mod drift;
pub mod environments;
pub mod filter;
pub mod findings;
pub mod fix;
pub mod gate;
pub mod hosts;
pub mod ignore;
pub mod inputs;
pub mod join;
pub mod netpol;
pub mod node;
mod pattern;
pub mod platform;
pub mod product;
pub mod profiles;
pub mod reach;
pub mod rights;
pub mod rulings;
pub mod sources;
pub mod vap;
pub mod vex;
pub mod vulnerabilities;
mod weaknesses;
pub mod written;

pub use assess::{Input, Settings, assess, assess_deployed, assess_ruled};
pub use risk::Settings as RiskSettings;
pub use rulings::Rulings;
