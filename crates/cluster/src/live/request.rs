//! One GET with bounded size, bounded retries, and errors that say what the server meant.

use http::header::{ACCEPT, RETRY_AFTER};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(super) const JSON: &str = "application/json";
/// Metadata only: what a count and an identity need.
pub(super) const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// A page of 10,000 large pods stays below it.
const MAX_BODY: usize = 256 << 20;
const ATTEMPTS: u32 = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// After so many requests in a row that found no server, the rest is not tried for long.
const GIVE_UP_AFTER: u32 = 6;

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("the server does not accept the credentials")]
    Unauthorized,
    #[error("the server refuses it")]
    Forbidden,
    #[error("the server does not have it")]
    NotFound,
    /// 410: the page's version was compacted; the server may offer a token to go on with.
    #[error("the continuation of the list expired")]
    Expired { token: Option<String> },
    #[error("the server answers {code}{}", if reason.is_empty() { String::new() } else { format!(" ({reason})") })]
    Status { code: u16, reason: String },
    #[error("the answer is larger than {} MiB", MAX_BODY >> 20)]
    TooLarge,
    #[error("the answer is no valid {0}")]
    Malformed(&'static str),
    #[error("the connection failed: {0}")]
    Connection(String),
}

/// `metav1.Status`, as an error body, as a body of a 200, or inside a watch's ERROR event.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    metadata: StatusMetadata,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct StatusMetadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default, rename = "retryAfterSeconds")]
    retry_after_seconds: Option<u64>,
}

#[derive(Deserialize)]
struct ErrorEvent {
    r#type: String,
    object: Status,
}

pub(super) struct Requester {
    client: Client,
    failures_in_a_row: AtomicU32,
}

/// Whether another try may help.
enum Again {
    No,
    /// After our own growing pause.
    Soon,
    /// After what the server asked for.
    After(Duration),
}

struct Failure {
    error: ServerError,
    again: Again,
}

impl Requester {
    pub(super) fn new(client: Client) -> Self {
        Requester {
            client,
            failures_in_a_row: AtomicU32::new(0),
        }
    }

    /// The body of a successful GET. Retries what may pass: 429, 5xx, broken connections.
    pub(super) async fn get(
        &self,
        path: &str,
        accept: &'static str,
    ) -> Result<Vec<u8>, ServerError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failure = match self.once(path, accept).await {
                Ok(body) => {
                    self.failures_in_a_row.store(0, Ordering::Relaxed);
                    return Ok(body);
                }
                Err(failure) => failure,
            };
            let lost = matches!(failure.error, ServerError::Connection(_));
            let row = if lost {
                self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1
            } else {
                0
            };
            let backoff = Duration::from_millis(200) * 2u32.saturating_pow(attempt - 1);
            let pause = match failure.again {
                Again::Soon if attempt < ATTEMPTS && row < GIVE_UP_AFTER => backoff,
                Again::After(asked) if attempt < ATTEMPTS => asked,
                _ => return Err(failure.error),
            };
            tokio::time::sleep(pause.min(LONGEST_WAIT)).await;
        }
    }

    async fn once(&self, path: &str, accept: &'static str) -> Result<Vec<u8>, Failure> {
        let request = Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| lasting(ServerError::Connection(error.to_string())))?;
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| passing(ServerError::Connection(root_cause(&error)), None))?;
        let (parts, body) = response.into_parts();
        let collected = Limited::new(body, MAX_BODY).collect().await;
        let bytes = match collected {
            Ok(collected) => Vec::from(collected.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(lasting(ServerError::TooLarge));
            }
            Err(error) => return Err(passing(ServerError::Connection(error.to_string()), None)),
        };
        let after = parts
            .headers
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        if parts.status.is_success() {
            return match status_in(&bytes) {
                None => Ok(bytes),
                Some(status) => Err(failure(status.code, status, after)),
            };
        }
        let code = parts.status.as_u16();
        let status = serde_json::from_slice(&bytes).ok().unwrap_or(Status {
            kind: String::new(),
            code,
            reason: String::new(),
            metadata: StatusMetadata::default(),
            details: None,
        });
        Err(failure(code, status, after))
    }
}

/// A Status that came with a 200: bare, or as a watch's ERROR event.
fn status_in(bytes: &[u8]) -> Option<Status> {
    let head = bytes.get(..bytes.len().min(512)).unwrap_or(bytes);
    let mentions = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    if !mentions(b"\"Status\"") {
        return None;
    }
    if let Ok(status) = serde_json::from_slice::<Status>(bytes)
        && status.kind == "Status"
    {
        return Some(status);
    }
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let event: ErrorEvent = serde_json::from_slice(line).ok()?;
    (event.r#type == "ERROR").then_some(event.object)
}

fn failure(code: u16, status: Status, after: Option<Duration>) -> Failure {
    let after = after.or_else(|| {
        status
            .details
            .as_ref()?
            .retry_after_seconds
            .map(Duration::from_secs)
    });
    match StatusCode::from_u16(code) {
        Ok(StatusCode::UNAUTHORIZED) => lasting(ServerError::Unauthorized),
        Ok(StatusCode::FORBIDDEN) => lasting(ServerError::Forbidden),
        Ok(StatusCode::NOT_FOUND) => lasting(ServerError::NotFound),
        Ok(StatusCode::GONE) => lasting(ServerError::Expired {
            token: status.metadata.token.filter(|token| !token.is_empty()),
        }),
        Ok(StatusCode::TOO_MANY_REQUESTS) => passing(
            ServerError::Status {
                code,
                reason: status.reason,
            },
            after,
        ),
        Ok(other) if other.is_server_error() => passing(
            ServerError::Status {
                code,
                reason: status.reason,
            },
            after,
        ),
        _ => lasting(ServerError::Status {
            code,
            reason: status.reason,
        }),
    }
}

fn lasting(error: ServerError) -> Failure {
    Failure {
        error,
        again: Again::No,
    }
}

fn passing(error: ServerError, after: Option<Duration>) -> Failure {
    Failure {
        error,
        again: after.map_or(Again::Soon, Again::After),
    }
}

/// The innermost cause: "connection refused" instead of three layers around it. It never holds a body.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
