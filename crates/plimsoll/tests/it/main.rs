//! The real binary, as a user or a script runs it: arguments and files in; code, bytes and files out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod artifacts;
mod bad_input;
mod benchmark;
mod compare;
mod compat;
mod context;
mod declared;
mod documented;
mod exceptions;
mod exit_codes;
mod fix;
mod fleet;
mod github;
mod gitlab;
mod hostile_files;
mod hostile_images;
mod hostile_names;
mod local_stores;
mod netpol;
mod node;
mod outputs;
mod pipeline;
mod profiles;
mod reach;
mod redaction;
mod rights;
mod runner;
mod sbom;
mod secrets;
mod secrets_of_images;
mod vap;
