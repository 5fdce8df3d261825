//! Calls of a gRPC service on a socket. Comes in: a method and its message. Goes out: the messages of the answer, one by
//! one. Never: compresses, keeps a connection that nobody reads from, waits without end.
//! Source: gRPC, "gRPC over HTTP2" (`doc/PROTOCOL-HTTP2.md`).

use super::StoreError;
use super::docker::printable;
use bytes::{Buf as _, Bytes, BytesMut};
use h2::{RecvStream, client};
use http::{HeaderMap, Request};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Between two pieces of an answer.
const PATIENCE: Duration = Duration::from_mins(1);
/// Of one message; containerd's are of a mebibyte at most.
const LARGEST: usize = 16 << 20;
/// Bytes that may be on their way.
const WINDOW: u32 = 4 << 20;
/// The code of "not found" (gRPC, `statuscodes.md`).
const NOT_FOUND: &str = "5";

/// One call, on a connection of its own that ends with it.
pub(super) struct Call {
    runtime: Runtime,
    body: RecvStream,
    /// What came and was not handed on.
    rest: BytesMut,
    ended: bool,
}

impl Call {
    /// Sends `message` to `method` (`/package.Service/Method`).
    pub(super) fn new(
        socket: &Path,
        namespace: &str,
        method: &str,
        message: &[u8],
    ) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::speak(&error))?;
        let (body, headers) = runtime.block_on(within(send(socket, namespace, method, message)))?;
        let mut call = Call {
            runtime,
            body,
            rest: BytesMut::new(),
            ended: false,
        };
        // An answer without messages has its status in front.
        if headers.contains_key("grpc-status") {
            call.ended = true;
            status(Some(&headers))?;
        }
        Ok(call)
    }

    /// The next message, `None` at the end of a good answer.
    pub(super) fn message(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if let Some(message) = split(&mut self.rest)? {
                return Ok(Some(message));
            }
            if self.ended {
                return Ok(None);
            }
            let body = &mut self.body;
            let piece = self.runtime.block_on(within(async {
                let Some(piece) = body.data().await else {
                    let trailers = body.trailers().await.map_err(speak)?;
                    return Ok(Err(trailers));
                };
                let piece = piece.map_err(speak)?;
                let flow = body.flow_control();
                flow.release_capacity(piece.len()).map_err(speak)?;
                Ok(Ok(piece))
            }))?;
            match piece {
                Ok(piece) => self.rest.extend_from_slice(&piece),
                Err(trailers) => {
                    self.ended = true;
                    status(trailers.as_ref())?;
                    if !self.rest.is_empty() {
                        return Err(StoreError::Answer("it is cut in a message".into()));
                    }
                }
            }
        }
    }
}

/// The one message of an answer.
pub(super) fn one(
    socket: &Path,
    namespace: &str,
    method: &str,
    message: &[u8],
) -> Result<Bytes, StoreError> {
    let mut call = Call::new(socket, namespace, method, message)?;
    let first = call.message()?;
    let first = first.ok_or_else(|| StoreError::Answer("it holds no message".into()))?;
    // The status comes last.
    while call.message()?.is_some() {}
    Ok(first)
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        let why = format!("nothing came for {} seconds", PATIENCE.as_secs());
        Err(StoreError::Speak { why })
    })
}

async fn send(
    socket: &Path,
    namespace: &str,
    method: &str,
    message: &[u8],
) -> Result<(RecvStream, HeaderMap), StoreError> {
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|error| StoreError::speak(&error))?;
    let (send, connection) = client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(speak)?;
    // Its errors come out at whoever reads the answer.
    tokio::spawn(connection);
    let request = Request::post(format!("http://localhost{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("containerd-namespace", namespace)
        .header(
            "user-agent",
            concat!("plimsoll/", env!("CARGO_PKG_VERSION")),
        )
        .body(())
        .map_err(|error| StoreError::speak(&error))?;
    let mut send = send.ready().await.map_err(speak)?;
    let (answer, mut body) = send.send_request(request, false).map_err(speak)?;
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let framed = [&[0][..], &length.to_be_bytes(), message].concat();
    body.send_data(framed.into(), true).map_err(speak)?;
    let answer = answer.await.map_err(speak)?;
    if answer.status() != http::StatusCode::OK {
        return Err(StoreError::Refused {
            code: answer.status().as_u16().to_string(),
            message: "it is no gRPC service".into(),
        });
    }
    let (parts, body) = answer.into_parts();
    Ok((body, parts.headers))
}

#[allow(clippy::needless_pass_by_value)] // of `map_err`
fn speak(error: h2::Error) -> StoreError {
    StoreError::speak(&error)
}

/// A whole message from the front of `rest`: a byte for compression, four for the length.
fn split(rest: &mut BytesMut) -> Result<Option<Bytes>, StoreError> {
    let Some((&[compressed, a, b, c, d], _)) = rest.split_first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if compressed != 0 || length > LARGEST {
        return Err(StoreError::Answer("its messages are damaged".into()));
    }
    if rest.len() < 5 + length {
        return Ok(None);
    }
    rest.advance(5);
    Ok(Some(rest.split_to(length).freeze()))
}

fn status(headers: Option<&HeaderMap>) -> Result<(), StoreError> {
    let text = |name: &str| {
        let value = headers.and_then(|headers| headers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    };
    match text("grpc-status") {
        "0" => Ok(()),
        NOT_FOUND => Err(StoreError::Absent),
        "" => Err(StoreError::Answer("it ends without a status".into())),
        code => Err(StoreError::Refused {
            code: format!("gRPC {}", printable(code)),
            message: printable(&model::purl::unescaped(text("grpc-message"))),
        }),
    }
}

/// A blob as a stream of messages.
pub(super) struct Content {
    call: Call,
    piece: Bytes,
    at: u64,
}

impl Content {
    pub(super) fn new(call: Call) -> Self {
        Content {
            call,
            piece: Bytes::new(),
            at: 0,
        }
    }
}

impl io::Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(message) = self.call.message().map_err(io::Error::other)? else {
                return Ok(0);
            };
            let (offset, data) =
                super::super::message::content_piece(&message).map_err(io::Error::other)?;
            if offset != self.at {
                let why = format!("a piece of byte {offset} came in the place of {}", self.at);
                return Err(io::Error::other(why));
            }
            self.at += data.len() as u64;
            self.piece = message.slice_ref(data);
        }
        let count = self.piece.len().min(into.len());
        into[..count].copy_from_slice(&self.piece[..count]);
        self.piece.advance(count);
        Ok(count)
    }
}

/// A shared way to open the same content several times.
pub(super) type Open = Arc<dyn Fn() -> io::Result<Box<dyn io::Read + Send>> + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let mut rest = BytesMut::from(&b"\0\0\0\0\x02ab\0\0\0\0\0\0\0\0"[..]);
        assert_eq!(split(&mut rest).unwrap().as_deref(), Some(&b"ab"[..]));
        assert_eq!(split(&mut rest).unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(split(&mut rest).unwrap(), None);
        for damaged in [&b"\x01\0\0\0\0"[..], b"\0\xff\0\0\0"] {
            assert!(split(&mut BytesMut::from(damaged)).is_err());
        }
    }

    #[test]
    fn what_a_status_says() {
        let said = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let value = http::HeaderValue::from_static(value);
                (http::HeaderName::from_static(name), value)
            });
            status(Some(&pairs.collect()))
        };
        assert!(said(&[("grpc-status", "0")]).is_ok());
        assert!(matches!(
            said(&[("grpc-status", "5")]),
            Err(StoreError::Absent)
        ));
        assert!(matches!(
            said(&[("grpc-status", "7"), ("grpc-message", "not%20for you")]),
            Err(StoreError::Refused { code, message }) if code == "gRPC 7" && message == "not for you"
        ));
        assert!(matches!(said(&[]), Err(StoreError::Answer(_))));
    }
}
