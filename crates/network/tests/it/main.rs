//! Exposure and reachability, case by case, and their laws.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod cases;
mod laws;
mod reach;
mod segments;
mod world;
