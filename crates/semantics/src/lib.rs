//! What the API server, kubelet and scheduler would decide, as plain functions over a `Snapshot`.
//! Comes in: objects as JSON bytes. Goes out: typed views (`view`), resolved defaults, owners, rights.
//! Never: a judgement of good or bad, I/O.

mod accounts;
mod admin;
mod attribution;
pub mod authorizer;
mod bootstrap;
mod calico;
mod cilium;
mod cni;
pub mod dangers;
pub mod declare;
mod drafts;
mod entries;
pub mod expression;
pub mod gates;
pub mod holdings;
mod inventory;
pub mod json;
pub mod json_patch;
mod lens;
mod mesh;
pub mod named;
mod owners;
mod places;
pub mod pod_security;
mod podspec;
mod policies;
pub mod provider;
pub mod rbac;
pub mod releases;
pub mod resources;
mod routes;
mod running;
mod selector;
pub mod stock;
pub mod templates;
pub mod view;
mod workloads;

pub use attribution::applied_by;
pub use inventory::{NEEDED, inventory};
