//! Requests. Comes in: a URL and what to send. Goes out: the answer, after redirects and patient tries. Never: follows a
//! redirect with a credential to another machine, to plain HTTP that nobody asked for or to a machine's own metadata;
//! waits or tries without end; inflates anything (digests are of what is sent).

use super::place::{is_link_local, same_origin};
use super::{Options, RegistryError};
use jiff::Timestamp;
use reqwest::blocking::{Client, Response};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::{Certificate, Method, StatusCode, Url, redirect};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Redirects of one request: registry, front end, storage and some to spare.
const REDIRECTS: usize = 8;
/// The first pause; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// Bytes a second, on the whole, below which a body is given up after the time for an answer.
const SLOWEST: u64 = 4 << 10;
/// Tries of a connection that nothing answers: packets were sent again within each.
const SILENT: u32 = 2;
/// For which a machine that could not be reached is not tried again.
const UNREACHABLE: Duration = Duration::from_mins(1);

/// One request, as often as it must be sent.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) url: Url,
    /// What it is about, in messages: `manifest 1.25 of library/nginx`.
    pub(super) what: &'a str,
    /// The host as the user knows it.
    pub(super) host: &'a str,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) accept: Option<&'a str>,
    /// Bytes that are there already.
    pub(super) from: u64,
    /// A POST of a form, where it is not a GET.
    pub(super) form: Option<String>,
    /// Headers of the clouds' own services.
    pub(super) extra: Vec<(&'static str, String)>,
    /// Plain HTTP was asked for.
    pub(super) plain: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn get(url: Url, host: &'a str, what: &'a str) -> Self {
        Ask {
            plain: url.scheme() == "http",
            url,
            what,
            host,
            authorization: None,
            accept: None,
            from: 0,
            form: None,
            extra: Vec::new(),
        }
    }

    pub(super) fn network(
        &self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> RegistryError {
        let source = source.into();
        RegistryError::Network {
            host: self.host.into(),
            what: self.what.into(),
            hint: hint(&chain(&*source), self.host),
            source,
        }
    }

    pub(super) fn answer(&self, why: impl Into<String>) -> RegistryError {
        RegistryError::Answer {
            host: self.host.into(),
            what: self.what.into(),
            why: why.into(),
        }
    }
}

/// A client and its patience.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    /// For the clouds' metadata services, which no proxy reaches.
    direct: Client,
    attempts: u32,
    patience: Duration,
    answer: Duration,
    /// Machines that could not be reached, until when they are not tried again: a registry behind a firewall has
    /// hundreds of images.
    unreachable: Arc<Mutex<BTreeMap<String, (Instant, String)>>>,
}

impl Http {
    pub(super) fn new(options: &Options) -> Result<Self, RegistryError> {
        let mut roots = Vec::new();
        for path in &options.ca_files {
            let file = |why: String| RegistryError::File {
                path: path.clone(),
                why,
            };
            let pem = std::fs::read(path).map_err(|error| file(error.to_string()))?;
            let own = Certificate::from_pem_bundle(&pem).map_err(|error| file(chain(&error)))?;
            if own.is_empty() {
                return Err(file("it holds no certificate in PEM form".into()));
            }
            roots.extend(own);
        }
        let build = |direct: bool| {
            let mut builder = Client::builder()
                .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .no_gzip()
                .connect_timeout(options.connect)
                .timeout(options.answer)
                .referer(false);
            if !roots.is_empty() {
                builder = builder.tls_certs_merge(roots.iter().cloned());
            }
            if direct {
                builder = builder.no_proxy();
            }
            builder.build().map_err(|error| RegistryError::Usage {
                what: "HTTP client".into(),
                why: chain(&error),
            })
        };
        Ok(Http {
            client: build(false)?,
            direct: build(true)?,
            attempts: options.attempts.max(1),
            patience: options.patience,
            answer: options.answer,
            unreachable: Arc::default(),
        })
    }

    /// The answer, whatever its status, but for those that say "later" more often than we try.
    pub(super) fn send(&self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let machine = ask.url.authority().to_owned();
        if let Some((until, why)) = self.unreachable().get(&machine)
            && Instant::now() < *until
        {
            return Err(ask.network(why.clone()));
        }
        let start = Instant::now();
        let mut last = 1;
        loop {
            let outcome = self.follow(ask);
            let (unreached, silent) = match &outcome {
                Err(Failed::Broken(error, true)) if error.is_connect() => {
                    (Some(chain(error)), error.is_timeout() && last >= SILENT)
                }
                _ => (None, false),
            };
            let (pause, error) = match outcome {
                Ok(response) => match later(&response) {
                    None => return Ok(response),
                    Some(asked) => (asked, refused(ask, response, asked)),
                },
                Err(Failed::Broken(error, _)) if is_final(&error) => return Err(ask.network(error)),
                Err(Failed::Broken(error, _)) => (None, ask.network(error)),
                Err(Failed::Ours(error)) => return Err(error),
            };
            let pause = pause.unwrap_or_else(|| backoff(last));
            if last >= self.attempts || silent || start.elapsed() + pause > self.patience {
                if let Some(why) = unreached {
                    let until = Instant::now() + UNREACHABLE;
                    self.unreachable().insert(machine, (until, why));
                }
                return Err(error);
            }
            std::thread::sleep(pause);
            last += 1;
        }
    }

    fn unreachable(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, String)>> {
        self.unreachable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A whole answer of at most `most` bytes; a cut one is fetched again.
    pub(super) fn document(
        &self,
        ask: &Ask<'_>,
        most: u64,
        mut send: impl FnMut() -> Result<Response, RegistryError>,
    ) -> Result<(Vec<u8>, reqwest::header::HeaderMap), RegistryError> {
        let mut last = 1;
        loop {
            let response = send()?;
            let headers = response.headers().clone();
            let promised = response.content_length();
            match self.read(response, most) {
                Ok(Some(bytes)) => return Ok((bytes, headers)),
                Ok(None) => {
                    let size = promised.map_or(String::new(), |size| format!(", {size}"));
                    return Err(
                        ask.answer(format!("more than {most} bytes{size}, which is too much"))
                    );
                }
                Err(error) if last >= self.attempts => return Err(ask.network(error)),
                Err(_) => std::thread::sleep(backoff(last)),
            }
            last += 1;
        }
    }

    /// `Ok(None)`: it is longer than `most`.
    fn read(&self, mut response: Response, most: u64) -> io::Result<Option<Vec<u8>>> {
        if response.content_length().is_some_and(|size| size > most) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut pace = self.pace();
        let mut piece = vec![0; 16 << 10];
        loop {
            match pace.read(&mut response, &mut piece)? {
                0 => return Ok(Some(bytes)),
                read => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
            }
            if bytes.len() as u64 > most {
                return Ok(None);
            }
        }
    }

    pub(super) fn pace(&self) -> Pace {
        Pace {
            answer: self.answer,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// One try, through its redirects.
    fn follow(&self, ask: &Ask<'_>) -> Result<Response, Failed> {
        let mut url = ask.url.clone();
        let mut authorization = ask.authorization.clone();
        let mut own = true;
        for _ in 0..REDIRECTS {
            let response = self.once(ask, url.clone(), authorization.as_ref(), own)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            let Some(next) = location.and_then(|to| url.join(to).ok()) else {
                return Ok(response);
            };
            let ours = |why: String| Failed::Ours(ask.answer(why));
            if ask.form.is_some() {
                return Err(ours(format!(
                    "with a redirect of a login to {}",
                    shown(&next)
                )));
            }
            let plain = next.scheme() == "http" && ask.plain && url.scheme() == "http";
            if next.scheme() != "https" && !plain {
                return Err(ours(format!(
                    "with a redirect to {}, which is not safe",
                    shown(&next)
                )));
            }
            if is_link_local(&next) && !same_origin(&next, &ask.url) {
                return Err(ours(format!(
                    "with a redirect to {}, an address of the machine's own",
                    shown(&next)
                )));
            }
            if !same_origin(&next, &url) {
                // Storage takes its own signature from the URL; a registry's credential is the registry's.
                authorization = None;
                own = false;
            }
            url = next;
        }
        Err(Failed::Ours(
            ask.answer(format!("with more than {REDIRECTS} redirects")),
        ))
    }

    fn once(
        &self,
        ask: &Ask<'_>,
        url: Url,
        authorization: Option<&HeaderValue>,
        own: bool,
    ) -> Result<Response, Failed> {
        let method = if ask.form.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let client = if is_link_local(&url) {
            &self.direct
        } else {
            &self.client
        };
        let mut request = client.request(method, url);
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(accept) = ask.accept {
            request = request.header(ACCEPT, accept);
        }
        if ask.from > 0 {
            request = request.header(RANGE, format!("bytes={}-", ask.from));
        }
        for (name, value) in ask.extra.iter().filter(|_| own) {
            request = request.header(*name, value);
        }
        if let Some(form) = &ask.form {
            // Some services take JSON, and say so in an extra header.
            if !ask.extra.iter().any(|(name, _)| *name == "content-type") {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            request = request.body(form.clone());
        }
        // The URL of a storage is signed: it is a credential, and no message shows it.
        request
            .send()
            .map_err(|error| Failed::Broken(error.without_url(), own))
    }
}

enum Failed {
    /// The way there, which may be better next time; whether it was to the machine that was asked, not to one that it
    /// named.
    Broken(reqwest::Error, bool),
    Ours(RegistryError),
}

/// Reading against a clock that runs only while the other side is waited for.
#[derive(Debug)]
pub(super) struct Pace {
    answer: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn read(&mut self, from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let read = from.read(into)?;
        self.waited += start.elapsed();
        self.bytes += read as u64;
        let slow = self
            .waited
            .saturating_sub(self.answer)
            .as_secs()
            .saturating_mul(SLOWEST);
        if read > 0 && self.bytes < slow {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it came slower than {SLOWEST} bytes a second"),
            ));
        }
        Ok(read)
    }
}

pub(super) fn backoff(attempt: u32) -> Duration {
    PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(6))
}

/// `Some`: the server is not ready; inside, the pause that it asks for.
#[allow(clippy::option_option)] // "not ready" and "for how long" are two questions
fn later(response: &Response) -> Option<Option<Duration>> {
    if !matches!(
        response.status().as_u16(),
        408 | 429 | 500 | 502 | 503 | 504
    ) {
        return None;
    }
    let asked = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|text| text.to_str().ok());
    Some(asked.and_then(|text| retry_after(text, Timestamp::now())))
}

/// Seconds, or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

fn refused(ask: &Ask<'_>, response: Response, asked: Option<Duration>) -> RegistryError {
    let status = response.status().as_u16();
    if status != 429 && !(status == 503 && asked.is_some()) {
        return unexpected(ask, response);
    }
    RegistryError::RateLimit {
        host: ask.host.into(),
        what: ask.what.into(),
        wait: asked.map_or(String::new(), |wait| {
            format!(" and asks to wait {} seconds", wait.as_secs())
        }),
        advice: format!(
            "log in with `docker login {0}`, use --registry-mirror {0}=MIRROR, or try later",
            ask.host
        ),
    }
}

/// Any status that nothing was expected of.
pub(super) fn unexpected(ask: &Ask<'_>, response: Response) -> RegistryError {
    let status = response.status().as_u16();
    if status == 404 {
        return RegistryError::NotFound {
            host: ask.host.into(),
            what: ask.what.into(),
        };
    }
    RegistryError::Status {
        status,
        host: ask.host.into(),
        what: ask.what.into(),
        said: said(response).map_or(String::new(), |text| format!(": {text}")),
    }
}

/// The registry's own words (distribution-spec, "Error Codes"), short and on one line.
pub(super) fn said(response: Response) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[allow(clippy::struct_field_names)] // the protocol's names
    struct Errors {
        #[serde(default)]
        errors: Vec<One>,
        /// Of token services (RFC 6749, 5.2).
        #[serde(default)]
        error_description: Option<String>,
        #[serde(default)]
        details: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let mut bytes = Vec::new();
    response.take(16 << 10).read_to_end(&mut bytes).ok()?;
    let errors: Errors = serde_json::from_slice(&bytes).ok()?;
    let first = errors
        .errors
        .into_iter()
        .next()
        .map(|one| match &*one.message {
            "" => one.code,
            _ => one.message,
        });
    let text = first.or(errors.error_description).or(errors.details)?;
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    (!text.trim().is_empty()).then_some(text)
}

/// Without query: it may be signed.
fn shown(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or("nowhere"))
}

/// An error and its sources on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Trying again changes no certificate and no protocol.
fn is_final(error: &reqwest::Error) -> bool {
    error.is_builder()
        || error.source().is_some_and(|source| {
            let text = chain(source);
            text.contains("certificate") || text.contains("InvalidContentType")
        })
}

/// What would help, from what rustls says.
fn hint(chain: &str, host: &str) -> String {
    if chain.contains("InvalidContentType") {
        return format!("; if it speaks plain HTTP: --insecure-registry {host}");
    }
    // What `openssl req -x509` makes by default; Go takes it, webpki does not.
    if chain.contains("CaUsedAsEndEntity") {
        return "; its certificate is an authority's own: let that authority issue one for the host \
                (basicConstraints CA:FALSE)"
            .into();
    }
    if chain.contains("UnknownIssuer") {
        return "; if its certificate is of an own authority: --registry-ca FILE".into();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let check = |text: &str, expected: Option<u64>| {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(text, now), expected, "{text}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Mon, 23 Nov 2026 10:01:30 GMT", Some(90));
        check("Mon, 23 Nov 2026 09:00:00 GMT", Some(0));
        check("soon", None);
        check("-5", None);
        assert_eq!(backoff(1), PAUSE);
        assert_eq!(backoff(3), PAUSE * 4);
    }
}
