//! The nouns of Plimsoll: plain, serialisable data that every stage speaks.
//! Comes in: nothing. Goes out: the vocabulary of architecture section 4.
//! Never: I/O, async, a Kubernetes client type, a judgement.

pub mod action;
pub mod assessment;
pub mod benchmark;
pub mod checks;
pub mod evidence;
pub mod finding;
pub mod graph;
pub mod host;
pub mod image;
pub mod inventory;
pub mod keys;
pub mod matches;
pub mod mention;
pub mod netpol;
pub mod object;
pub mod purl;
pub mod reach;
pub mod remedy;
pub mod rights;
pub mod situation;
pub mod snapshot;
pub mod text;
pub mod tracking;
pub mod version;
pub mod vulnerability;
pub mod workload;
