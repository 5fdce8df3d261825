//! Vulnerability intelligence. Comes in: official feeds. Goes out: one immutable, memory-mapped database of two
//! files, and what is known of a vulnerability: aliases, CVSS, SSVC, EPSS, KEV, likelihood.
//! Never: knows an image or a cluster, reads a clock or the environment.

mod affected;
mod aliases;
pub mod assess;
pub mod build;
pub mod cvss;
mod ecosystem;
pub mod feeds;
mod format;
mod intelligence;
mod kubernetes;
pub mod likelihood;
mod likelihood_table;
mod lookup;
mod map;
pub mod matching;
pub mod purl;
mod ranges;
mod record;
pub mod version;

pub use format::Damage;
pub use format::container::ContainerError;
pub use intelligence::{ADVISORIES_FILE, Intelligence, KubernetesCve, OpenError, SCORES_FILE};
pub use record::{KevEntry, Record, Statement, TitleId};
