//! Exposure, case by case, and its laws.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod cases;
mod laws;
mod world;
