//! Every format over the same sample Assessments.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::too_many_arguments,
    clippy::print_stderr,
    reason = "a test may fail; samples are small; a skipped trial is said"
)]

mod artifacts;
mod explain;
mod file;
mod foreign;
mod formats;
mod html;
mod paths;
mod sample;
mod terminal;
