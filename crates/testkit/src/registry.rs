//! A real registry on loopback: Debian's `docker-registry`. Comes in: layers and manifests that a test makes. Goes out:
//! a host and port that has them. Never: listens anywhere else, outlives its value.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A registry that runs, and its folder. Several may serve the same folder in different ways.
pub struct Registry {
    child: Child,
    folder: Arc<tempfile::TempDir>,
    /// `127.0.0.1:PORT`.
    pub host: String,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `docker-registry`, else the reason is printed; a failure where `PLIMSOLL_REQUIRE` names `registry`.
#[allow(clippy::print_stderr)] // a test's way to say that it was skipped
pub fn available() -> bool {
    let runs = Command::new(program())
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(
        runs || !super::required("registry"),
        "docker-registry is absent, and PLIMSOLL_REQUIRE asks for it"
    );
    if !runs {
        eprintln!("skipped: docker-registry is absent");
    }
    runs
}

/// From the folder of the tests' tools, where `cargo xtask test --install` puts it, else from the PATH.
fn program() -> PathBuf {
    let program = super::tools().join("docker-registry");
    if program.is_file() {
        program
    } else {
        "docker-registry".into()
    }
}

impl Registry {
    /// Open to everybody, plain HTTP; `None` where the program is absent.
    pub fn start() -> Option<Self> {
        if !available() {
            return None;
        }
        let folder = Arc::new(tempfile::tempdir().ok()?);
        Some(Registry::serve(folder, "", ""))
    }

    /// The same content from another port: `http` and `auth` are YAML below those keys of its configuration.
    #[must_use]
    pub fn also(&self, http: &str, auth: &str) -> Self {
        Registry::serve(Arc::clone(&self.folder), http, auth)
    }

    /// Where a test may put keys and certificates.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    #[allow(clippy::expect_used, clippy::panic)] // tests fail this way
    fn serve(folder: Arc<tempfile::TempDir>, http: &str, auth: &str) -> Self {
        // Another process may take the port in between: then it ends, and the next one is tried.
        for _ in 0..5 {
            let port = free_port().expect("a free port");
            let host = format!("127.0.0.1:{port}");
            let mut text = format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem: \
                 {{rootdirectory: {}}}\n  delete: {{enabled: true}}\nhttp:\n  addr: {host}\n",
                folder.path().join("content").display()
            );
            indent(&mut text, http);
            if !auth.is_empty() {
                text.push_str("auth:\n");
                indent(&mut text, auth);
            }
            let file = folder.path().join(format!("registry-{port}.yml"));
            fs::write(&file, text).expect("the configuration can be written");
            let mut child = Command::new(program())
                .arg("serve")
                .arg(&file)
                // Its settings could also come from the environment of a developer.
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("docker-registry starts");
            let until = Instant::now() + Duration::from_secs(20);
            while Instant::now() < until {
                if TcpStream::connect(&host).is_ok() {
                    return Registry {
                        child,
                        folder,
                        host,
                    };
                }
                if child.try_wait().is_ok_and(|status| status.is_some()) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("docker-registry does not listen");
    }

    /// Puts a blob; its digest.
    #[allow(clippy::expect_used)]
    pub fn blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/");
        let started = self
            .send("POST", &path, "application/octet-stream", b"")
            .expect("an upload");
        let place = started.header("location").expect("a place for the upload");
        let path = place
            .trim_start_matches(&format!("http://{}", self.host))
            .to_owned();
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{separator}digest={digest}");
        let put = self
            .send("PUT", &path, "application/octet-stream", bytes)
            .expect("an upload");
        assert_eq!(put.status, 201, "{}", put.text());
        digest
    }

    /// Puts a manifest under a tag or its digest (`None`); its digest.
    #[allow(clippy::expect_used)]
    pub fn manifest(&self, repository: &str, tag: Option<&str>, manifest: &Value) -> String {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest(&bytes);
        let path = format!("/v2/{repository}/manifests/{}", tag.unwrap_or(&digest));
        let kind = manifest["mediaType"]
            .as_str()
            .unwrap_or("application/vnd.oci.image.manifest.v1+json");
        let put = self
            .send("PUT", &path, kind, &bytes)
            .expect("a manifest can be put");
        assert_eq!(put.status, 201, "{}", put.text());
        digest
    }

    /// Puts an image of uncompressed layers (they are stored with gzip); the digest of its manifest. `more` goes over
    /// the configuration: `architecture`, `created`, `history`.
    pub fn image(
        &self,
        repository: &str,
        tag: Option<&str>,
        layers: &[Vec<u8>],
        more: &Value,
    ) -> String {
        let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let mut config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let config = config.to_string().into_bytes();
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| {
                let packed = gzip(layer);
                let media = "application/vnd.oci.image.layer.v1.tar+gzip";
                json!({"mediaType": media, "size": packed.len(), "digest": self.blob(repository, &packed)})
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "size": config.len(),
                "digest": self.blob(repository, &config),
            },
            "layers": layers,
        });
        self.manifest(repository, tag, &manifest)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.host)?;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Ok(Answer { status, text })
    }
}

struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    fn text(&self) -> &str {
        &self.text
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then_some(value.trim())
            })
    }
}

fn indent(text: &mut String, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _ = writer.write_all(bytes);
    writer.finish().unwrap_or_default()
}

/// `sha256:...`.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
