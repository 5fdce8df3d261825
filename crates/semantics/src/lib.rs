//! What the API server, kubelet and scheduler would decide, as plain functions over a `Snapshot`.
//! Comes in: objects as JSON bytes. Goes out: typed views (`view`), resolved defaults, owners, rights.
//! Never: a judgement of good or bad, I/O.

pub mod view;
