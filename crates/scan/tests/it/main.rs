//! The use cases on small inputs: joins, findings, gate, bundle; and on the shop of the demo.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

mod app;
mod bundle;
mod database;
mod delta;
mod deployed;
mod findings;
mod gate;
mod honest;
mod ignores;
mod join;
mod patched;
mod platform;
mod reach;
mod rights;
mod sample;
mod shop;
mod vex;
mod written;
