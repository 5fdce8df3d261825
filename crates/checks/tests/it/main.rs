//! Rules over small clusters and the public suites.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "tests"
)]

mod accounts;
mod admission;
mod cis;
mod cloud;
mod components;
mod equal;
mod export;
mod exported;
mod family;
mod fixes;
mod host;
mod network;
mod pages;
mod pod_security;
mod quota;
mod rbac;
mod recorded;
mod rows;
mod secrets;
mod stock;
mod user;
mod versions;
mod workload;
mod world;
