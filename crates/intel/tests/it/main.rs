//! The database end to end: built from feeds, opened, asked.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::float_cmp,
    reason = "a test may fail; scores are exact"
)]

mod damaged;
mod false_positives;
mod matching;
mod records;
mod small;
mod version_laws;
