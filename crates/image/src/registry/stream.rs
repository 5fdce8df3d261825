//! A blob as a stream. Comes in: its digest and size, and where it may be had. Goes out: its bytes, in order, resumed
//! where the way was cut. Never: writes to disk, reads more than was promised, says the end where it was not reached.
//! The digest is checked by who reads ([`crate::blob`]).

use super::access::Ticket;
use super::http::{Ask, Pace, backoff, unexpected};
use super::place::Endpoint;
use super::{Client, RegistryError};
use crate::manifest::Descriptor;
use crate::source::Opener;
use model::text::Text;
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_RANGE;
use std::io::{self, Read};
use std::sync::Arc;

/// Cuts of one blob that are mended, however much came between them.
const CUTS: u32 = 30;

/// What a blob is and where it may be.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    /// The place of the manifest first.
    pub(super) endpoints: Arc<[Endpoint]>,
    pub(super) repository: Text,
    pub(super) digest: Text,
    pub(super) size: Option<u64>,
}

pub(super) fn opener(
    client: &Client,
    endpoints: &Arc<[Endpoint]>,
    repository: &str,
    layer: &Descriptor,
) -> Opener {
    let client = client.clone();
    let blob = Blob {
        endpoints: Arc::clone(endpoints),
        repository: repository.into(),
        digest: Text::clone(&layer.digest),
        size: layer.size,
    };
    Opener::Stream(Arc::new(move || {
        let stream = Stream::open(&client, blob.clone()).map_err(io::Error::other)?;
        Ok(Box::new(stream) as Box<dyn Read + Send>)
    }))
}

pub(super) struct Stream {
    client: Client,
    blob: Blob,
    /// Which of the endpoints it comes from.
    endpoint: usize,
    body: Option<Response>,
    pace: Pace,
    at: u64,
    /// Bytes that must come again and be passed over, as the server cannot resume.
    again: u64,
    cuts: u32,
    /// Cuts since bytes came.
    idle: u32,
}

impl Stream {
    pub(super) fn open(client: &Client, blob: Blob) -> Result<Self, RegistryError> {
        let mut stream = Stream {
            pace: client.shared.http.pace(),
            client: client.clone(),
            blob,
            endpoint: 0,
            body: None,
            at: 0,
            again: 0,
            cuts: 0,
            idle: 0,
        };
        loop {
            match stream.request() {
                Ok(()) => return Ok(stream),
                // A mirror may have the manifest and not yet the layer.
                Err(_) if stream.endpoint + 1 < stream.blob.endpoints.len() => stream.endpoint += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks for what is left.
    fn request(&mut self) -> Result<(), RegistryError> {
        let Some(endpoint) = self.blob.endpoints.get(self.endpoint) else {
            return Ok(());
        };
        let what = format!("layer {} of {}", self.blob.digest, self.blob.repository);
        let url = endpoint.url(&self.blob.repository, "blobs", &self.blob.digest)?;
        let mut ask = Ask::get(url, &endpoint.host, &what);
        ask.from = self.at;
        let ticket = Ticket::pull(endpoint, &self.blob.repository);
        let response = self.client.ask(&ticket, &mut ask)?;
        self.again = match response.status() {
            StatusCode::OK => self.at,
            StatusCode::PARTIAL_CONTENT if start(&response) == Some(self.at) => 0,
            StatusCode::PARTIAL_CONTENT => {
                return Err(ask.answer("with another part than the one that was asked for"));
            }
            _ => return Err(unexpected(&ask, response)),
        };
        // The whole has the size that the manifest says, where the server tells it before.
        if let (Some(size), Some(length)) = (self.blob.size, response.content_length())
            && length != size - self.at.saturating_sub(self.again).min(size)
        {
            let whole = length.saturating_add(self.at - self.again);
            return Err(ask.answer(format!("with {whole} bytes instead of {size}")));
        }
        self.pace = self.client.shared.http.pace();
        self.body = Some(response);
        Ok(())
    }

    /// `Ok(0)`: the body says that it is at its end.
    fn piece(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(body) = &mut self.body else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        while self.again > 0 {
            let room = usize::try_from(self.again)
                .unwrap_or(usize::MAX)
                .min(into.len());
            match self
                .pace
                .read(body, into.get_mut(..room).unwrap_or_default())?
            {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.again -= read as u64,
            }
        }
        self.pace.read(body, into)
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.blob.size == Some(self.at) {
            return Ok(0);
        }
        loop {
            let error = match self.piece(into) {
                Ok(0) => match self.blob.size {
                    None => return Ok(0),
                    Some(_) => io::Error::from(io::ErrorKind::UnexpectedEof),
                },
                Ok(read) => {
                    self.idle = 0;
                    let read = match self.blob.size {
                        // What follows is not of the blob.
                        Some(size) => read.min(usize::try_from(size - self.at).unwrap_or(read)),
                        None => read,
                    };
                    self.at += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.body = None;
            self.cuts += 1;
            self.idle += 1;
            if self.cuts > CUTS || self.idle >= self.client.shared.options.attempts.max(1) {
                return Err(self.given_up(&error));
            }
            std::thread::sleep(backoff(self.idle));
            if let Err(error) = self.request() {
                return Err(io::Error::other(error));
            }
        }
    }
}

impl Stream {
    fn given_up(&self, error: &io::Error) -> io::Error {
        let host = self
            .blob
            .endpoints
            .get(self.endpoint)
            .map_or("", |endpoint| &endpoint.host);
        io::Error::new(
            error.kind(),
            format!(
                "{host} cut layer {} at byte {} {} times: {error}",
                self.blob.digest, self.at, self.cuts
            ),
        )
    }
}

/// The first byte of a part (RFC 9110, 14.4).
fn start(response: &Response) -> Option<u64> {
    let text = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (start, _) = text
        .trim()
        .strip_prefix("bytes")?
        .trim_start()
        .split_once('-')?;
    start.parse().ok()
}
