//! Situations, routes and cuts over small clusters.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod blast;
mod hostile;
mod laws;
mod rights;
mod routes;
#[path = "../../../network/tests/it/world.rs"]
mod world;
