//! Small clusters in YAML, and the ways out of their containers.

mod cases;
mod conformance;
mod world;
