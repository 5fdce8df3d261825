//! A server of our own between client and registry: it passes on, answers itself, or cuts.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }
}

pub(crate) enum Action {
    /// To the registry behind, with another path where one is given.
    Pass(Option<String>),
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The registry's answer, but the connection ends after so many bytes of the body.
    Cut(usize),
    /// The registry's answer with other bytes of the same length.
    Forge,
    /// Nothing, for a while.
    Stall(Duration),
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Action {
    let headers = headers
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()));
    Action::Answer(status, headers.collect(), body.into())
}

/// Serves until the test's process ends.
pub(crate) struct Proxy {
    pub(crate) host: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// `decide` is told the request and how many with the same path came before.
    pub(crate) fn start(
        behind: &str,
        decide: impl Fn(&Request, usize) -> Action + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let kept = Arc::clone(&seen);
        let behind = behind.to_owned();
        let decide = Arc::new(decide);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, behind, decide) =
                    (Arc::clone(&kept), behind.clone(), Arc::clone(&decide));
                std::thread::spawn(move || {
                    let _ = serve(stream, &behind, &kept, &*decide);
                });
            }
        });
        Proxy { host, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen()
            .iter()
            .filter(|request| request.path.contains(part))
            .count()
    }
}

fn serve(
    mut stream: TcpStream,
    behind: &str,
    kept: &Mutex<Vec<Request>>,
    decide: &dyn Fn(&Request, usize) -> Action,
) -> io::Result<()> {
    let request = read(&stream)?;
    let before = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|one| one.path == request.path).count();
        kept.push(request.clone());
        before
    };
    match decide(&request, before) {
        Action::Pass(path) => {
            let mut answer = pass(&request, behind, path.as_deref())?;
            io::copy(&mut answer, &mut stream)?;
        }
        Action::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\n");
            if !headers.iter().any(|(key, _)| *key == "content-length") {
                head.push_str(&format!("content-length: {}\r\n", body.len()));
            }
            for (key, value) in headers {
                head.push_str(&format!("{key}: {value}\r\n"));
            }
            stream.write_all(&[head.as_bytes(), b"\r\n", &body].concat())?;
        }
        Action::Cut(after) => {
            let bytes = whole(pass(&request, behind, None)?)?;
            let body = bytes
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .unwrap()
                + 4;
            stream.write_all(&bytes[..(body + after).min(bytes.len())])?;
        }
        Action::Forge => {
            let mut bytes = whole(pass(&request, behind, None)?)?;
            let body = bytes
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .unwrap()
                + 4;
            let last = bytes.len() - 1;
            assert!(body < last);
            bytes[last] ^= 1;
            stream.write_all(&bytes)?;
        }
        Action::Stall(time) => std::thread::sleep(time),
    }
    let _ = stream.shutdown(Shutdown::Write);
    // Until the other side has read it all.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = stream.read(&mut [0; 16]);
    Ok(())
}

fn read(stream: &TcpStream) -> io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let mut request = Request {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        ..Request::default()
    };
    if request.method.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((key, value)) = line.trim_end().split_once(':') else {
            break;
        };
        request
            .headers
            .push((key.to_owned(), value.trim().to_owned()));
    }
    let length = request
        .header("content-length")
        .and_then(|size| size.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8(body).unwrap();
    Ok(request)
}

fn pass(request: &Request, behind: &str, path: Option<&str>) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(behind)?;
    let path = path.unwrap_or(&request.path);
    let mut head = format!(
        "{} {path} HTTP/1.1\r\nconnection: close\r\n",
        request.method
    );
    for (key, value) in &request.headers {
        if !key.eq_ignore_ascii_case("connection") {
            head.push_str(&format!("{key}: {value}\r\n"));
        }
    }
    stream.write_all(format!("{head}\r\n{}", request.body).as_bytes())?;
    Ok(stream)
}

fn whole(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(bytes)
}
