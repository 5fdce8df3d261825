//! The rows, a file each family.

pub(crate) mod accounts;
pub(crate) mod admission;
pub(crate) mod audit;
pub(crate) mod cloud;
pub(crate) mod components;
pub(crate) mod control_plane;
pub(crate) mod join;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod operations;
pub(crate) mod pod_security;
pub(crate) mod quota;
pub(crate) mod rbac;
pub(crate) mod secrets;
pub(crate) mod workload;
