//! The inventory over small objects (one line a case) and over recordings of real API servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::needless_pass_by_value)] // json!() as an argument keeps the cases short

mod admin;
mod authorizer;
mod builder;
mod cilium;
mod cni;
mod entries;
mod hostile_rights;
mod laws;
mod pod_security;
mod policies;
mod provider;
mod rbac;
mod recorded;
mod workloads;
