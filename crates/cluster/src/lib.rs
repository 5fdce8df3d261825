//! Three sources, one `Snapshot`: the live API server, manifest files, a saved snapshot.
//! Files are changed in place (`patch`). Secret values are classified and dropped while they are read; what could not be read is a gap.
//! Never: decides what is bad; lets a Kubernetes client type or a secret value out.

pub mod canonical;
pub mod host;
pub mod kinds;
#[cfg(feature = "live")]
pub mod live;
pub mod manifests;
pub mod patch;
pub mod redact;
pub mod saved;
pub mod tree;
