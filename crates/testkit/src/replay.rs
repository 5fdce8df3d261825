//! A replay of a Kubernetes API server: recorded answers, recorded lists in pages of the size that is asked for,
//! and faults on demand. It is a replay and proves parsing and paging, not what a server decides.

mod recorded;
mod server;

pub use recorded::{Exchange, List, Recorded};
pub use server::{Running, start};

use std::time::Duration;

/// What goes wrong, and for which requests.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Path without query, e.g. `/api/v1/pods`; empty means every path.
    pub path: String,
    /// Requests to that path that pass before the fault begins.
    pub after: usize,
    /// How many requests it hits; `usize::MAX` for all that follow.
    pub times: usize,
    pub kind: FaultKind,
}

#[derive(Clone, Debug)]
pub enum FaultKind {
    Forbidden,
    Unauthorized,
    /// 410 for the page; with a token to go on with, as real servers send.
    Expired {
        with_token: bool,
    },
    /// 429 with Retry-After.
    Throttled {
        retry_after: u64,
    },
    Unavailable,
    /// 200 with a watch's ERROR event as its body.
    ErrorEvent,
    /// 200 with a Status as its body.
    StatusInside,
    /// The connection ends after half of the body.
    CutBody,
    /// The connection is closed without an answer.
    Closed,
    /// The answer is no JSON.
    Garbage,
    Slow(Duration),
}
