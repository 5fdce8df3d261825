//! Getting in. Comes in: a request to an endpoint and the challenge that answers it. Goes out: the answer, asked with a
//! credential for that very host, else without any. Never: sends a credential in clear where TLS was not given up by the
//! user, gives one host's credential to another's registry, repeats what was refused.
//!
//! RFC 7235 and 7617; distribution `docs/spec/auth/{token,oauth,scope}.md`.

use super::http::{Ask, said, unexpected};
use super::keychain::{Credential, Secret, Try, Way};
use super::place::{Endpoint, is_link_local};
use super::{Client, RegistryError, cloud, helper};
use reqwest::Url;
use reqwest::blocking::Response;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of the largest answer of a token service.
const TOKEN: u64 = 256 << 10;
/// Seconds that a token lasts where nothing is said (distribution, token.md).
const LASTS: u64 = 60;
/// In lists of what was tried.
const NOBODY: &str = "without a login";

/// Who we turned out to be, for a host and a scope.
#[derive(Debug, Default)]
pub(super) struct Access {
    granted: Mutex<BTreeMap<(String, String), Granted>>,
    /// By helper and server.
    helpers: Mutex<BTreeMap<(String, String), Said>>,
    /// By host, until when.
    clouds: Mutex<BTreeMap<String, (Said, Instant)>>,
}

/// What a helper or a cloud says; the error is a sentence for the list of what was tried.
type Said = Result<Option<Credential>, String>;

#[derive(Clone, Debug)]
struct Granted {
    header: HeaderValue,
    until: Option<Instant>,
}

/// What a request is let in with.
#[derive(Clone, Debug)]
pub(super) struct Ticket<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// Whose credentials fit; empty for the registry as a whole.
    pub(super) repository: &'a str,
    /// As token services name it.
    pub(super) scope: String,
}

impl<'a> Ticket<'a> {
    pub(super) fn pull(endpoint: &'a Endpoint, repository: &'a str) -> Self {
        Ticket {
            endpoint,
            repository,
            scope: endpoint.scope(repository),
        }
    }
}

impl Client {
    /// Sends a request with what gets it in. Only statuses that nobody is asked to log in for come out.
    pub(super) fn ask(
        &self,
        ticket: &Ticket<'_>,
        ask: &mut Ask<'_>,
    ) -> Result<Response, RegistryError> {
        let http = &self.shared.http;
        let key = (ticket.endpoint.base.to_string(), ticket.scope.clone());
        ask.plain = ticket.endpoint.plain;
        ask.authorization = self.granted(&key);
        let known = ask.authorization.is_some();
        let mut response = http.send(ask)?;
        if known && refuses(&response) {
            // The token may have ended.
            lock(&self.shared.access.granted).remove(&key);
            ask.authorization = None;
            response = http.send(ask)?;
        }
        if !refuses(&response) {
            return Ok(response);
        }
        let challenges = challenges(response.headers());
        let Some(challenge) = Challenge::best(&challenges) else {
            return Err(self.refused(ticket, ask, &response, &[]));
        };
        let mut tried = Vec::new();
        let mut first: Option<Response> = Some(response);
        for one in self.candidates(ticket) {
            let (credential, origin) = match self.credential(one.as_ref()) {
                Ok(Some(credential)) => (
                    Some(credential),
                    one.map_or(String::new(), |one| one.origin),
                ),
                Ok(None) if one.is_none() => (None, NOBODY.to_owned()),
                Ok(None) => continue,
                Err(why) => {
                    tried.push(why);
                    continue;
                }
            };
            let granted = match self.grant(ticket, ask, &challenge, credential.as_ref()) {
                Ok(Some(granted)) => granted,
                Ok(None) => continue,
                Err(RegistryError::Auth {
                    status,
                    host,
                    advice,
                    ..
                }) => {
                    tried.push(match &*advice {
                        "" => format!("{origin}: {status} from {host}"),
                        said => format!("{origin}: {status} from {host}, {said}"),
                    });
                    continue;
                }
                Err(other) => return Err(other),
            };
            ask.authorization = Some(granted.header.clone());
            let response = http.send(ask)?;
            if !refuses(&response) {
                lock(&self.shared.access.granted).insert(key, granted);
                return Ok(response);
            }
            tried.push(format!("{origin}: {}", response.status().as_u16()));
            first = Some(response);
        }
        match first {
            Some(response) => Err(self.refused(ticket, ask, &response, &tried)),
            None => Err(ask.answer("nothing")),
        }
    }

    fn granted(&self, key: &(String, String)) -> Option<HeaderValue> {
        let granted = lock(&self.shared.access.granted);
        let granted = granted.get(key)?;
        let lasts = granted.until.is_none_or(|until| Instant::now() < until);
        lasts.then(|| granted.header.clone())
    }

    /// What to be, in order; the last is nobody: a stale login must not hide what everybody may see.
    fn candidates(&self, ticket: &Ticket<'_>) -> Vec<Option<Try>> {
        let host = &ticket.endpoint.host;
        let mut all: Vec<Option<Try>> = self
            .shared
            .keychain
            .find(host, ticket.repository)
            .into_iter()
            .map(Some)
            .collect();
        if self.shared.options.cloud_identity && cloud::has(host) {
            all.push(Some(Try {
                way: Way::Cloud(host.clone()),
                origin: "the identity of this machine".into(),
            }));
        }
        all.push(None);
        all
    }

    /// All that can be had, for an API that sends no challenge; the last is nobody.
    pub(super) fn known(&self, ticket: &Ticket<'_>) -> Vec<Option<Credential>> {
        let all = self.candidates(ticket).into_iter();
        all.filter_map(|one| match (self.credential(one.as_ref()), one) {
            (Ok(Some(credential)), _) => Some(Some(credential)),
            (_, None) => Some(None),
            _ => None,
        })
        .collect()
    }

    fn credential(&self, one: Option<&Try>) -> Said {
        let Some(one) = one else {
            return Ok(None);
        };
        let access = &self.shared.access;
        let environment = &self.shared.options.environment;
        match &one.way {
            Way::Known(credential) => Ok(Some(credential.clone())),
            Way::Helper { name, server } => {
                // One question each, however many ask at once: helpers may talk to a person.
                let mut helpers = lock(&access.helpers);
                let key = (name.clone(), server.clone());
                helpers
                    .entry(key)
                    .or_insert_with(|| helper::get(name, server, environment))
                    .clone()
            }
            Way::Cloud(host) => {
                let mut clouds = lock(&access.clouds);
                if let Some((known, until)) = clouds.get(host)
                    && Instant::now() < *until
                {
                    return known.clone();
                }
                let (known, lasts) = cloud::credential(&self.shared.http, host, environment);
                clouds.insert(host.clone(), (known.clone(), Instant::now() + lasts));
                known
            }
        }
    }

    /// The header that a challenge asks for; `None`: this credential cannot answer it.
    fn grant(
        &self,
        ticket: &Ticket<'_>,
        ask: &Ask<'_>,
        challenge: &Challenge,
        credential: Option<&Credential>,
    ) -> Result<Option<Granted>, RegistryError> {
        let forever = |header: Option<HeaderValue>| {
            header.map(|header| Granted {
                header,
                until: None,
            })
        };
        match (challenge, credential) {
            (_, Some(Credential::Bearer(token))) => Ok(forever(header_of("Bearer", &token.0))),
            (Challenge::Basic, Some(Credential::Basic { user, password })) => Ok(forever(
                header_of("Basic", &Credential::basic(user, &password.0)),
            )),
            (Challenge::Basic, _) => Ok(None),
            (
                Challenge::Bearer {
                    realm,
                    service,
                    scope,
                },
                credential,
            ) => {
                let realm = safe_realm(ticket, ask, realm)?;
                let scope = scope.as_deref().unwrap_or(&ticket.scope);
                self.token(ticket, realm, service.as_deref(), scope, credential)
                    .map(Some)
            }
        }
    }

    fn token(
        &self,
        ticket: &Ticket<'_>,
        mut realm: Url,
        service: Option<&str>,
        scope: &str,
        credential: Option<&Credential>,
    ) -> Result<Granted, RegistryError> {
        let host = realm.host_str().unwrap_or_default().to_owned();
        let what = format!("a token for {}", name(ticket));
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        pairs.extend(service.map(|service| ("service", service)));
        pairs.extend(
            scope
                .split(' ')
                .filter(|one| !one.is_empty())
                .map(|one| ("scope", one)),
        );
        let mut authorization = None;
        let mut form = None;
        match credential {
            Some(Credential::Identity(Secret(token))) => {
                pairs.push(("grant_type", "refresh_token"));
                pairs.push(("client_id", "plimsoll"));
                pairs.push(("refresh_token", token));
                form = Some(encoded(&pairs));
            }
            Some(Credential::Basic { user, password }) => {
                authorization = header_of("Basic", &Credential::basic(user, &password.0));
            }
            _ => {}
        }
        if form.is_none() {
            realm.query_pairs_mut().extend_pairs(&pairs);
        }
        let mut ask = Ask::get(realm, &host, &what);
        ask.authorization = authorization;
        ask.form = form;
        let http = &self.shared.http;
        let (bytes, _) = http.document(&ask, TOKEN, || {
            let response = http.send(&ask)?;
            match response.status().as_u16() {
                200 | 201 => Ok(response),
                // 400 is what OAuth2 answers to a bad refresh token (RFC 6749, 5.2).
                status @ (400 | 401 | 403) => Err(RegistryError::Auth {
                    status,
                    host: host.clone(),
                    what: what.clone(),
                    tried: String::new(),
                    advice: said(response).unwrap_or_default(),
                }),
                _ => Err(unexpected(&ask, response)),
            }
        })?;
        let answer: Token =
            serde_json::from_slice(&bytes).map_err(|_| ask.answer("with no JSON of a token"))?;
        let token = [answer.token, answer.access_token]
            .into_iter()
            .flatten()
            .find(|t| !t.is_empty());
        let header = token.and_then(|token| header_of("Bearer", &token));
        let lasts = answer.expires_in.unwrap_or(LASTS).clamp(LASTS, 24 * 3600);
        Ok(Granted {
            header: header.ok_or_else(|| ask.answer("without a token"))?,
            // Some seconds early: the request must arrive before the end.
            until: Some(Instant::now() + Duration::from_secs(lasts - 10)),
        })
    }

    fn refused(
        &self,
        ticket: &Ticket<'_>,
        ask: &Ask<'_>,
        response: &Response,
        tried: &[String],
    ) -> RegistryError {
        let host = &ticket.endpoint.host;
        // That nobody may see it is what the status says already.
        let mut all = match tried {
            [one] if one.starts_with(NOBODY) => Vec::new(),
            _ => tried.to_vec(),
        };
        all.extend(self.shared.keychain.unread.iter().cloned());
        RegistryError::Auth {
            status: response.status().as_u16(),
            host: host.clone(),
            what: ask.what.to_owned(),
            tried: if all.is_empty() {
                String::new()
            } else {
                format!(" (tried {})", all.join("; "))
            },
            advice: cloud::advice(host),
        }
    }
}

/// Where tokens are made, if a credential may go there.
fn safe_realm(ticket: &Ticket<'_>, ask: &Ask<'_>, realm: &str) -> Result<Url, RegistryError> {
    let url = Url::parse(realm).map_err(|_| ask.answer("with a login service that is no URL"))?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && ticket.endpoint.plain);
    if !safe {
        let why = format!(
            "with a login service without TLS ({})",
            url.host_str().unwrap_or("")
        );
        return Err(ask.answer(why));
    }
    if is_link_local(&url) {
        return Err(ask.answer("with a login service at an address of the machine's own"));
    }
    Ok(url)
}

fn name(ticket: &Ticket<'_>) -> String {
    match ticket.repository {
        "" => ticket.endpoint.host.clone(),
        repository => format!("{}/{repository}", ticket.endpoint.host),
    }
}

fn refuses(response: &Response) -> bool {
    matches!(response.status().as_u16(), 401 | 403)
}

/// A header value that logs of headers hide.
pub(super) fn header_of(scheme: &str, value: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("{scheme} {value}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// `application/x-www-form-urlencoded`.
pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    // The URL crate's own serialiser, by way of a query.
    let Ok(mut url) = Url::parse("http://form/") else {
        return String::new();
    };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names)] // the protocol's names
struct Token {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
    Basic,
}

impl Challenge {
    /// Tokens before passwords.
    pub(super) fn best(all: &[(String, BTreeMap<String, String>)]) -> Option<Self> {
        let bearer = all
            .iter()
            .filter(|(scheme, _)| scheme == "bearer")
            .find_map(|(_, said)| {
                Some(Challenge::Bearer {
                    realm: said.get("realm")?.clone(),
                    service: said.get("service").cloned(),
                    scope: said.get("scope").filter(|scope| !scope.is_empty()).cloned(),
                })
            });
        let basic = || {
            all.iter()
                .any(|(scheme, _)| scheme == "basic")
                .then_some(Challenge::Basic)
        };
        bearer.or_else(basic)
    }
}

/// All challenges of all headers: a scheme and its parameters (RFC 7235, 4.1).
pub(super) fn challenges(headers: &HeaderMap) -> Vec<(String, BTreeMap<String, String>)> {
    let mut all = Vec::new();
    for header in headers.get_all(WWW_AUTHENTICATE) {
        if let Ok(text) = header.to_str() {
            parse(text, &mut all);
        }
    }
    all
}

fn parse(text: &str, all: &mut Vec<(String, BTreeMap<String, String>)>) {
    let mut rest = text.trim_start_matches([' ', ',', '\t']);
    while !rest.is_empty() {
        let end = rest.find([' ', '=', ',', '\t']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start_matches([' ', '\t']);
        match after.strip_prefix('=') {
            Some(value) => {
                let (value, after) = value_of(value.trim_start_matches([' ', '\t']));
                if let Some((_, said)) = all.last_mut() {
                    said.entry(word.to_ascii_lowercase()).or_insert(value);
                }
                rest = after;
            }
            None if !word.is_empty() => {
                all.push((word.to_ascii_lowercase(), BTreeMap::new()));
                rest = after;
            }
            None => rest = after.get(1..).unwrap_or(""),
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
}

/// A token or a quoted string, and what follows.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, quoted.get(at + 1..).unwrap_or("")),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn challenges_are_read() {
        let check = |headers: &[&str], expected: Option<Challenge>| {
            let mut map = HeaderMap::new();
            for header in headers {
                map.append(WWW_AUTHENTICATE, HeaderValue::from_str(header).unwrap());
            }
            assert_eq!(Challenge::best(&challenges(&map)), expected, "{headers:?}");
        };
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
                scope: scope.map(Into::into),
            })
        };
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#;
        check(
            &[hub],
            bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:library/nginx:pull"),
            ),
        );
        check(&["Basic realm=\"x\""], Some(Challenge::Basic));
        check(&["basic"], Some(Challenge::Basic));
        check(
            &["Basic realm=\"a, b\", Bearer realm=\"https://t\""],
            bearer("https://t", None, None),
        );
        check(
            &["Basic realm=x", "bearer Realm=https://t , scope=\"\""],
            bearer("https://t", None, None),
        );
        check(
            &[r#"Bearer realm="https://t/\"q\"",scope="a:b:pull,push""#],
            bearer("https://t/\"q\"", None, Some("a:b:pull,push")),
        );
        check(&["Bearer service=x"], None);
        check(&["Negotiate", "NTLM"], None);
        check(&[], None);
        check(
            &["=, ,=\"", "Bearer realm=\"open"],
            bearer("open", None, None),
        );
    }

    #[test]
    fn forms() {
        assert_eq!(
            encoded(&[("a", "x y&z="), ("b", "+/")]),
            "a=x+y%26z%3D&b=%2B%2F"
        );
    }

    proptest! {
        #[test]
        fn any_header_ends(text in "\\PC{0,80}") {
            let mut all = Vec::new();
            parse(&text, &mut all);
            prop_assert!(all.len() <= text.len());
        }
    }
}
