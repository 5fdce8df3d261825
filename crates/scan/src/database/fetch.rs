//! One conditional, resumable download. Comes in: an address, what is held already. Goes out: a complete file
//! beside the old one, or "unchanged". Never: more bytes than the limit, https turned into http, a file whose
//! length or checksum is not the one that the source gave.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tries in all, the first included; each goes on where the one before stopped, if the source allows.
const TRIES: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0} is no http, https or file address")]
    Address(String),
    #[error("fetching {url}")]
    Http {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("fetching {url}: the server answers {status}")]
    Status { url: String, status: u16 },
    #[error("fetching {url}: larger than {limit} bytes")]
    TooLarge { url: String, limit: u64 },
    #[error("fetching {url}: the checksum is not the one that the server gives")]
    Checksum { url: String },
    #[error("fetching {url}: the server answers a range that was not asked for")]
    Range { url: String },
    #[error("accessing {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the download is no such feed; the old file is kept")]
    NoFeed(#[source] intel::build::BuildError),
}

/// What a source says of the version that it gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    #[serde(default)]
    pub etag: Option<String>,
    #[serde(default)]
    pub last_modified: Option<String>,
}

impl Version {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= 1024).then(|| value.to_owned())
        };
        Version {
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED),
        }
    }

    /// A validator that may guard a resumed download: RFC 9110 section 13.1.5 forbids weak tags.
    fn strong(&self) -> Option<&str> {
        self.etag.as_deref().filter(|tag| !tag.starts_with("W/"))
    }
}

/// A started download, kept beside its bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    url: String,
    version: Version,
}

pub(super) struct Request<'a> {
    pub url: &'a str,
    /// Where the bytes go; what is there from a cut download is resumed.
    pub part: &'a Path,
    /// Largest file in bytes.
    pub limit: u64,
    /// The version that is held, for a conditional request.
    pub held: Option<&'a Version>,
    pub pause: Duration,
}

#[derive(Debug)]
pub(super) enum Fetched {
    Unchanged,
    Complete(Version),
}

/// A client with the one crypto provider, no cookies, no downgrade.
pub(super) fn client(connect: Duration, idle: Duration) -> Result<Client, reqwest::Error> {
    // Fails if the binary installed it before, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let redirects = reqwest::redirect::Policy::custom(|attempt| {
        let secure = |url: &Url| url.scheme() == "https";
        let downgraded = attempt.previous().iter().any(secure) && !secure(attempt.url());
        if downgraded || attempt.previous().len() > 5 {
            attempt.stop()
        } else {
            attempt.follow()
        }
    });
    Client::builder()
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .no_gzip()
        .redirect(redirects)
        .connect_timeout(connect)
        .read_timeout(idle)
        .build()
}

/// Fetches over HTTP; on failure what came so far stays for the next time.
pub(super) async fn fetch(
    client: &Client,
    request: &Request<'_>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, FetchError> {
    let mut tried = 0;
    loop {
        tried += 1;
        match once(client, request, progress).await {
            Err(error) if tried < TRIES && transient(&error) => {
                tokio::time::sleep(request.pause * tried).await;
            }
            done => return done,
        }
    }
}

fn transient(error: &FetchError) -> bool {
    match error {
        FetchError::Http { source, .. } => !source.is_builder() && !source.is_redirect(),
        FetchError::Status { status, .. } => matches!(status, 408 | 416 | 429 | 500..=599),
        FetchError::Range { .. } => true,
        _ => false,
    }
}

async fn once(
    client: &Client,
    request: &Request<'_>,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, FetchError> {
    let url = request.url.to_owned();
    let http = |source| FetchError::Http {
        url: url.clone(),
        source,
    };
    let io = |source| io_error(request.part, source);
    let (from, started) = resumable(request);
    let mut get = client.get(request.url);
    if let Some(tag) = started.as_ref().and_then(Version::strong) {
        get = get
            .header(RANGE, format!("bytes={from}-"))
            .header(IF_RANGE, tag);
    } else if let Some(held) = request.held {
        if let Some(tag) = &held.etag {
            get = get.header(IF_NONE_MATCH, tag);
        }
        if let Some(date) = &held.last_modified {
            get = get.header(IF_MODIFIED_SINCE, date);
        }
    }
    let mut response = get.send().await.map_err(http)?;
    let (mut file, mut length) = match response.status() {
        StatusCode::NOT_MODIFIED if request.held.is_some() => return Ok(Fetched::Unchanged),
        StatusCode::OK => {
            let file = File::create(request.part).map_err(io)?;
            let started = Started {
                url: url.clone(),
                version: Version::of(response.headers()),
            };
            let text = serde_json::to_vec(&started).map_err(|error| io(error.into()))?;
            fs::write(note(request.part), text).map_err(io)?;
            (file, 0)
        }
        StatusCode::PARTIAL_CONTENT if started.is_some() => {
            if range_start(response.headers()) != Some(from) {
                forget(request.part);
                return Err(FetchError::Range { url });
            }
            let file = OpenOptions::new()
                .append(true)
                .open(request.part)
                .map_err(io)?;
            (file, from)
        }
        status => {
            if status == StatusCode::RANGE_NOT_SATISFIABLE {
                forget(request.part);
            }
            return Err(FetchError::Status {
                url,
                status: status.as_u16(),
            });
        }
    };
    let total = response
        .content_length()
        .and_then(|rest| length.checked_add(rest));
    let too_large = || FetchError::TooLarge {
        url: url.clone(),
        limit: request.limit,
    };
    if total.is_some_and(|total| total > request.limit) {
        forget(request.part);
        return Err(too_large());
    }
    while let Some(bytes) = response.chunk().await.map_err(http)? {
        length += bytes.len() as u64;
        if length > request.limit {
            forget(request.part);
            return Err(too_large());
        }
        file.write_all(&bytes).map_err(io)?;
        progress(length, total);
    }
    file.sync_all().map_err(io)?;
    if !checksums_agree(&response, request.part).map_err(io)? {
        forget(request.part);
        return Err(FetchError::Checksum { url });
    }
    let _ = fs::remove_file(note(request.part));
    Ok(Fetched::Complete(Version::of(response.headers())))
}

/// Copies a local file as if it were fetched.
pub(super) fn copy(from: &Path, part: &Path, limit: u64, url: &str) -> Result<(), FetchError> {
    let source = File::open(from).map_err(|error| io_error(from, error))?;
    let mut target = File::create(part).map_err(|error| io_error(part, error))?;
    let copied = io::copy(&mut source.take(limit.saturating_add(1)), &mut target)
        .map_err(|error| io_error(from, error))?;
    if copied > limit {
        forget(part);
        return Err(FetchError::TooLarge {
            url: url.to_owned(),
            limit,
        });
    }
    target.sync_all().map_err(|error| io_error(part, error))
}

/// Bytes of a cut download of the same address, with the version they belong to.
fn resumable(request: &Request<'_>) -> (u64, Option<Version>) {
    let length = fs::metadata(request.part).map_or(0, |meta| meta.len());
    let started = fs::read(note(request.part))
        .ok()
        .and_then(|text| serde_json::from_slice::<Started>(&text).ok())
        .filter(|started| length > 0 && started.url == request.url)
        .map(|started| started.version)
        .filter(|version| version.strong().is_some());
    (length, started)
}

/// Start of `bytes 100-199/200`.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .trim()
        .parse()
        .ok()
}

fn note(part: &Path) -> PathBuf {
    part.with_extension("part-of")
}

/// Removes a partial download that must not be resumed.
pub(super) fn forget(part: &Path) {
    let _ = fs::remove_file(part);
    let _ = fs::remove_file(note(part));
}

/// Compares what the source gives: `Repr-Digest` with SHA-256 (RFC 9530), `x-goog-hash` with CRC-32C (the bucket of OSV).
fn checksums_agree(response: &Response, part: &Path) -> io::Result<bool> {
    let given = |name: &str, label: &str, end: &str| {
        let values = response.headers().get_all(name).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|entry| {
                entry
                    .trim()
                    .strip_prefix(label)?
                    .strip_suffix(end)
                    .map(str::to_owned)
            })
    };
    let sha256 = given("repr-digest", "sha-256=:", ":");
    // A transfer that was encoded on the way is not what the bucket holds.
    let encoded = response
        .headers()
        .contains_key(reqwest::header::CONTENT_ENCODING);
    let crc32c = given("x-goog-hash", "crc32c=", "").filter(|_| !encoded);
    if sha256.is_none() && crc32c.is_none() {
        return Ok(true);
    }
    let (sha, crc) = digests(part)?;
    let same = |given: Option<String>, found: &[u8]| {
        given.is_none_or(|given| given == STANDARD.encode(found))
    };
    Ok(same(sha256, &sha) && same(crc32c, &crc.to_be_bytes()))
}

/// SHA-256 of a file in hexadecimal.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    Ok(model::keys::hex(&digests(path)?.0))
}

fn digests(path: &Path) -> io::Result<([u8; 32], u32)> {
    let mut file = BufReader::with_capacity(1 << 17, File::open(path)?);
    let mut sha = Sha256::new();
    let mut crc = Crc32c::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return Ok((sha.finalize().into(), crc.value()));
        };
        sha.update(bytes);
        crc.update(bytes);
    }
}

/// CRC-32C (Castagnoli; RFC 3720 appendix B.4), a byte at a time.
struct Crc32c {
    table: [u32; 256],
    state: u32,
}

impl Crc32c {
    fn new() -> Self {
        let mut table = [0; 256];
        for (byte, slot) in (0u32..).zip(table.iter_mut()) {
            *slot = (0..8).fold(byte, |crc, _| {
                crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
            });
        }
        Crc32c { table, state: !0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let [low, ..] = self.state.to_le_bytes();
            let entry = self
                .table
                .get(usize::from(low ^ byte))
                .copied()
                .unwrap_or(0);
            self.state = self.state >> 8 ^ entry;
        }
    }

    fn value(&self) -> u32 {
        !self.state
    }
}

fn io_error(path: &Path, source: io::Error) -> FetchError {
    FetchError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        // RFC 3720 B.4.
        let mut crc = Crc32c::new();
        crc.update(&[0; 32]);
        assert_eq!(crc.value(), 0x8a91_36aa);
    }

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes 100-199/200", Some(100)),
            ("bytes */200", None),
            ("items 1-2/3", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, text.parse().unwrap());
            assert_eq!(range_start(&headers), expected, "{text}");
        }
    }
}
