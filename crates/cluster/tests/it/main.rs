//! Files, snapshots and secrets from the outside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod canary;
#[cfg(unix)]
mod host;
mod manifests;
mod patch;
mod saved;
mod speed;
mod tree;

use cluster::manifests::{DEFAULT_MAX_BYTES, Input, ManifestError, Options, read};
use model::snapshot::Snapshot;

pub fn options() -> Options {
    Options {
        kubernetes_minor: None,
        max_bytes: DEFAULT_MAX_BYTES,
        redaction_key: [42; 32],
    }
}

pub fn bytes(name: &str, text: impl AsRef<[u8]>) -> Input {
    Input::Bytes {
        name: name.into(),
        bytes: text.as_ref().into(),
    }
}

pub fn read_text(text: impl AsRef<[u8]>) -> Result<Snapshot, ManifestError> {
    read(&[bytes("-", text)], &options())
}
