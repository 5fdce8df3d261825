//! The server: HTTP/1 on a free port of the loopback, on a thread of its own.

use super::recorded::{List, Recorded, form};
use super::{Fault, FaultKind};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A replay that runs until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// Paths with queries, in the order of arrival.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A kubeconfig for it.
    pub fn kubeconfig(&self) -> String {
        kubeconfig(self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: replay\nclusters:\n- name: replay\n  cluster:\n    server: http://{address}\nusers:\n- name: replay\n  user: {{}}\ncontexts:\n- name: replay\n  context:\n    cluster: replay\n    user: replay\n"
    )
}

struct State {
    recorded: Recorded,
    faults: Vec<Fault>,
    /// Requests by path, for the faults' counting.
    seen: Mutex<BTreeMap<String, usize>>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Serves on a free port of 127.0.0.1.
pub fn start(recorded: Recorded, faults: Vec<Fault>) -> io::Result<Running> {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let state = Arc::new(State {
        recorded,
        faults,
        seen: Mutex::default(),
        requests: Arc::clone(&requests),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                () = accept(listener, state) => {}
                _ = stopped => {}
            }
        });
    });
    Ok(Running {
        address,
        requests,
        stop: Some(stop),
        thread: Some(thread),
    })
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service =
                hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
            // A fault ends the connection by an error; the client sees it, nobody else needs to.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Hangup;

impl std::fmt::Display for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hang up")
    }
}

impl std::error::Error for Hangup {}

impl From<Infallible> for Hangup {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Hangup> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or("").to_owned();
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned();
    let whole = if query.is_empty() {
        path.clone()
    } else {
        format!("{path}?{query}")
    };
    state
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(whole.clone());
    match fault(&state, &path) {
        None => Ok(recorded(
            &state.recorded,
            &path,
            &whole,
            &query,
            &form(&accept),
        )),
        Some(FaultKind::Closed) => Err(Hangup),
        Some(FaultKind::CutBody) => {
            // Promises more than it sends: the connection breaks inside the body.
            let mut response = recorded(&state.recorded, &path, &whole, &query, &form(&accept));
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, http::HeaderValue::from_static("99999999"));
            Ok(response)
        }
        Some(FaultKind::Slow(time)) => {
            tokio::time::sleep(time).await;
            Ok(recorded(
                &state.recorded,
                &path,
                &whole,
                &query,
                &form(&accept),
            ))
        }
        Some(kind) => Ok(faulty(&state.recorded, &kind, &path, &query)),
    }
}

fn fault(state: &State, path: &str) -> Option<FaultKind> {
    let mut seen = state.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let count = seen.entry(path.to_owned()).or_insert(0);
    let number = *count;
    *count += 1;
    let hits = |fault: &&Fault| {
        (fault.path.is_empty() || fault.path == path)
            && number >= fault.after
            && number - fault.after < fault.times
    };
    state
        .faults
        .iter()
        .find(hits)
        .map(|fault| fault.kind.clone())
}

fn faulty(recorded: &Recorded, kind: &FaultKind, path: &str, query: &str) -> Response<Full<Bytes>> {
    match kind {
        FaultKind::Forbidden => status(StatusCode::FORBIDDEN, "Forbidden", ""),
        FaultKind::Unauthorized => status(StatusCode::UNAUTHORIZED, "Unauthorized", ""),
        FaultKind::Expired { with_token } => {
            let offset = parameter(query, "continue").unwrap_or("0");
            let token = if *with_token && recorded.lists.contains_key(path) { offset } else { "" };
            status(StatusCode::GONE, "Expired", token)
        }
        FaultKind::Throttled { retry_after } => {
            let mut response = status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "");
            response.headers_mut().insert(RETRY_AFTER, http::HeaderValue::from(*retry_after));
            response
        }
        FaultKind::ErrorEvent => {
            let event = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version","reason":"Expired","code":410}}"#;
            json(StatusCode::OK, event.as_bytes().to_vec())
        }
        FaultKind::StatusInside => {
            json(StatusCode::OK, br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"InternalError","code":500}"#.to_vec())
        }
        FaultKind::Garbage => json(StatusCode::OK, b"<html>proxy error</html>".to_vec()),
        FaultKind::Unavailable | FaultKind::CutBody | FaultKind::Closed | FaultKind::Slow(_) => {
            status(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "")
        }
    }
}

fn recorded(
    recorded: &Recorded,
    path: &str,
    whole: &str,
    query: &str,
    form: &str,
) -> Response<Full<Bytes>> {
    let exact = recorded.exact.get(&(whole.to_owned(), form.to_owned()));
    if let Some(exchange) = exact {
        let code =
            StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(code, exchange.body.clone());
        if let Ok(value) = exchange.content_type.parse() {
            response.headers_mut().insert(CONTENT_TYPE, value);
        }
        return response;
    }
    if let Some(list) = recorded.lists.get(path) {
        return json(StatusCode::OK, page(list, query));
    }
    if form.is_empty() {
        return status(StatusCode::NOT_FOUND, "NotFound", "");
    }
    // A server that does not know the form answers plain JSON.
    self::recorded(recorded, path, whole, query, "")
}

/// A page of `limit` items from the one that the token names.
fn page(list: &List, query: &str) -> Vec<u8> {
    let limit = parameter(query, "limit")
        .and_then(|limit| limit.parse().ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let begin = parameter(query, "continue")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0)
        .min(list.items.len());
    let end = begin.saturating_add(limit).min(list.items.len());
    let items = list.items.get(begin..end).unwrap_or(&[]);
    let more = if end < list.items.len() {
        format!(
            ",\"continue\":\"{end}\",\"remainingItemCount\":{}",
            list.items.len() - end
        )
    } else {
        String::new()
    };
    let mut out =
        Vec::with_capacity(items.iter().map(|item| item.get().len() + 1).sum::<usize>() + 200);
    out.extend_from_slice(
        format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{}\"{more}}},\"items\":[", list.kind, list.api_version, list.resource_version).as_bytes(),
    );
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.get().as_bytes());
    }
    out.extend_from_slice(b"]}");
    out
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn status(code: StatusCode, reason: &str, token: &str) -> Response<Full<Bytes>> {
    let metadata = if token.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{\"continue\":\"{token}\"}}")
    };
    json(code, format!("{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{metadata},\"status\":\"Failure\",\"reason\":\"{reason}\",\"code\":{}}}", code.as_u16()).into_bytes())
}

fn json(code: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = code;
    response.headers_mut().insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}
