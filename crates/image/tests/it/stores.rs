//! Stores of this machine: real podman and containerd, and a daemon of our own (a replay) that answers what Docker
//! answers, and what nobody should.

use crate::TABLE;
use crate::images::config;
use crate::tarball::Tarball;
use image::digest::sha256;
use image::source::local::{Keeper, Store, StoreError, There};
use image::{Cache, Image, ImageError, Limits, Platform, Wanted, known, open, read};
use model::inventory::Inventory;
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use testkit::stores::{Containerd, Podman};

fn layers() -> Vec<Vec<u8>> {
    let base = Tarball::new().file("var/db", "a 1\nb 2\n").end();
    let app = Tarball::new()
        .file("app/package.json", "left-pad 1.0\n")
        .end();
    vec![base, app]
}

/// `docker save` of layers, with the documents after what they name.
fn archive(layers: &[Vec<u8>]) -> Vec<u8> {
    let config = config(layers, &json!({}));
    let name = |bytes: &[u8]| sha256(bytes).replace("sha256:", "");
    let files = layers.iter().map(|layer| format!("{}.tar", name(layer)));
    let paths: Vec<String> = files.collect();
    let file = format!("{}.json", name(&config));
    let manifest =
        json!([{ "Config": file, "RepoTags": ["docker.io/library/demo:1"], "Layers": paths }]);
    let tarball = paths
        .iter()
        .zip(layers)
        .fold(Tarball::new(), |tarball, (path, layer)| {
            tarball.file(path, layer)
        });
    tarball
        .file(&file, &config)
        .file("manifest.json", manifest.to_string())
        .end()
}

/// `docker save` of [`layers`], as `docker.io/library/demo:1`.
fn saved() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive(&layers())).unwrap();
    file
}

fn inventory(image: &Image) -> Inventory {
    read(image, TABLE, &Limits::default(), None).unwrap()
}

fn is_what_was_saved(found: &Inventory, file: &Path) {
    let expected = inventory(&open(file, &Wanted::default()).unwrap());
    assert_eq!(found.components, expected.components);
    assert_eq!(
        found.artifact.identity.config,
        expected.artifact.identity.config
    );
    assert_eq!(found.gaps, []);
    let names: Vec<&str> = found.components.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["a", "b", "left-pad"]);
}

fn store(keeper: Keeper, socket: &Path) -> Store {
    Store {
        keeper,
        socket: socket.into(),
        namespaces: vec!["default".into(), "k8s.io".into(), "moby".into()],
    }
}

fn exported(store: &Store, name: &str, folder: &Path) -> Result<Image, StoreError> {
    match store.find(name, &Wanted::default())? {
        There::Open(image) => Ok(image),
        There::Inspected(inspected) => inspected.export(folder, &Wanted::default()),
    }
}

fn arm() -> Wanted {
    Wanted {
        platform: Platform::parse("arm64"),
        ..Wanted::default()
    }
}

#[test]
fn podman_by_its_socket() {
    let Some(podman) = Podman::start() else {
        return;
    };
    let file = saved();
    podman.load(file.path());
    let store = store(Keeper::Podman, podman.socket());
    let folder = tempfile::tempdir().unwrap();
    for name in ["demo:1", "docker.io/library/demo:1"] {
        let image = exported(&store, name, folder.path()).unwrap();
        let identity = &image.identity;
        assert!(!identity.digests.is_empty(), "what RepoDigests says");
        let tag = identity.references.iter().find(|one| one.tag.is_some());
        assert_eq!(tag.unwrap().to_string(), "docker.io/library/demo:1");
        let by_digest = format!("docker.io/library/demo@{}", identity.digests[0]);
        is_what_was_saved(&inventory(&image), file.path());
        assert!(exported(&store, &by_digest, folder.path()).is_ok());
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing stays"
    );
    let told = store.find("demo:2", &Wanted::default()).unwrap_err();
    assert!(matches!(told, StoreError::Absent), "{told}");
    let told = store.find("demo:1", &arm()).unwrap_err();
    assert!(matches!(told, StoreError::Unfit(_)), "{told}");
    // What was read once is known by its digest, before anything is exported.
    let kept = tempfile::tempdir().unwrap();
    let cache = Cache::new(kept.path(), 1 << 20).unwrap();
    let There::Inspected(inspected) = store.find("demo:1", &Wanted::default()).unwrap() else {
        panic!("a daemon's image is inspected first");
    };
    let limits = Limits::default();
    assert_eq!(known(&inspected.stub, TABLE, &limits, &cache), None);
    let image = inspected.export(folder.path(), &Wanted::default()).unwrap();
    let first = read(&image, TABLE, &limits, Some(&cache)).unwrap();
    let again = known(&inspected.stub, TABLE, &limits, &cache).unwrap();
    assert_eq!(again.components, first.components);
    assert_eq!(again.layers, first.layers);
    assert_eq!(
        again.artifact.identity.digests,
        first.artifact.identity.digests
    );
}

#[test]
fn containerd_by_its_socket() {
    let Some(containerd) = Containerd::start() else {
        return;
    };
    let file = saved();
    containerd.import("k8s.io", file.path());
    let store = store(Keeper::Containerd, containerd.socket());
    for name in ["demo:1", "docker.io/library/demo:1"] {
        let image = exported(&store, name, Path::new("/nowhere")).unwrap();
        assert_eq!(image.identity.manifests.len(), 1);
        is_what_was_saved(&inventory(&image), file.path());
    }
    let told = store.find("demo:2", &Wanted::default()).unwrap_err();
    assert!(matches!(told, StoreError::Absent), "{told}");
    let told = store.find("demo:1", &arm()).unwrap_err();
    assert!(matches!(told, StoreError::Unfit(_)), "{told}");
    // A layer that is not what its digest says.
    let image = exported(&store, "demo:1", Path::new("/nowhere")).unwrap();
    let digest = image.layers[1].digest.clone().unwrap();
    let blob = containerd.blob(&digest);
    let mut bytes = std::fs::read(&blob).unwrap();
    let at = bytes.windows(4).position(|four| four == b"left").unwrap();
    bytes[at] = b'L';
    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, bytes).unwrap();
    let told = read(&image, TABLE, &Limits::default(), None).unwrap_err();
    assert!(matches!(told, ImageError::Digest { .. }), "{told}");
    // Layers that were thrown away when they had been unpacked.
    containerd.forget("k8s.io", &digest);
    let told = store.find("demo:1", &Wanted::default()).unwrap_err();
    assert!(
        told.to_string()
            .contains("in k8s.io, its layers are kept unpacked only"),
        "{told}"
    );
}

#[test]
fn a_layer_of_many_messages() {
    let Some(containerd) = Containerd::start() else {
        return;
    };
    // More than the window of a stream.
    let layer = Tarball::new()
        .file(
            "noise",
            (0..3_000_000u32)
                .flat_map(u32::to_le_bytes)
                .collect::<Vec<u8>>(),
        )
        .file("var/db", "a 1\n")
        .end();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive(&[layer])).unwrap();
    containerd.import("moby", file.path());
    let store = store(Keeper::Containerd, containerd.socket());
    let image = exported(&store, "demo:1", Path::new("/nowhere")).unwrap();
    assert_eq!(inventory(&image).components.len(), 1);
}

/// A daemon that answers each path with what `answer` writes.
struct Replay {
    _folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Replay {
    fn new(answer: impl Fn(&str, &mut UnixStream) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    let mut stream = stream;
                    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                    let first = lines.next().and_then(Result::ok).unwrap_or_default();
                    while lines
                        .next()
                        .and_then(Result::ok)
                        .is_some_and(|line| !line.is_empty())
                    {}
                    answer(first.split(' ').nth(1).unwrap_or_default(), &mut stream);
                });
            }
        });
        Replay {
            _folder: folder,
            socket,
        }
    }

    fn find(&self) -> Result<There, StoreError> {
        store(Keeper::Docker, &self.socket).find("demo:1", &Wanted::default())
    }

    fn told(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        exported(
            &store(Keeper::Docker, &self.socket),
            "demo:1",
            folder.path(),
        )
        .unwrap_err()
        .to_string()
    }
}

fn answer(stream: &mut UnixStream, status: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// As Docker streams an export.
fn chunks(stream: &mut UnixStream, body: &[u8]) {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-tar\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes());
    for chunk in body.chunks(1_000) {
        let _ = stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes());
        let _ = stream.write_all(chunk);
        let _ = stream.write_all(b"\r\n");
    }
    let _ = stream.write_all(b"0\r\n\r\n");
}

fn inspection(id: &str) -> Vec<u8> {
    let repo = format!("sha256:{}", "7".repeat(64));
    json!({
        "Id": id, "RepoTags": ["demo:1"], "RepoDigests": [format!("demo@{repo}")], "Parent": "",
        "Architecture": "amd64", "Os": "linux", "Size": 4096,
        "RootFS": {"Type": "layers", "Layers": layers().iter().map(|one| sha256(one)).collect::<Vec<_>>()},
        "Config": {"Env": null, "Cmd": ["sh"]}, "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"},
    })
    .to_string()
    .into_bytes()
}

#[test]
fn a_replay_of_docker() {
    let id = sha256(&config(&layers(), &json!({})));
    let asked = id.clone();
    let docker = Replay::new(move |path, stream| match path {
        "/images/demo:1/json" => answer(stream, "200 OK", &inspection(&id)),
        _ if path == format!("/images/{id}/get") => {
            chunks(stream, &archive(&layers()));
        }
        path => panic!("{path}"),
    });
    let folder = tempfile::tempdir().unwrap();
    let image = exported(
        &store(Keeper::Docker, &docker.socket),
        "demo:1",
        folder.path(),
    )
    .unwrap();
    assert_eq!(image.identity.config.as_deref(), Some(&*asked));
    assert_eq!(image.identity.digests.len(), 1);
    is_what_was_saved(&inventory(&image), saved().path());
}

#[test]
fn daemons_that_fail_are_told_on_one_line() {
    let id = sha256(&config(&layers(), &json!({})));
    let refused = Replay::new(|_, stream| {
        answer(
            stream,
            "500 Internal Server Error",
            br#"{"message":"no\nroom"}"#,
        );
    });
    assert_eq!(refused.told(), "it says `no room` (500)");
    let gone = Replay::new(|_, stream| answer(stream, "404 Not Found", b"{}"));
    assert!(matches!(gone.find(), Err(StoreError::Absent)));
    let silent = Replay::new(|_, _| {});
    assert!(
        silent.told().starts_with("cannot speak to it: "),
        "{}",
        silent.told()
    );
    let nonsense = Replay::new(|_, stream| answer(stream, "200 OK", b"<html>"));
    assert!(
        nonsense.told().contains("an answer that is none"),
        "{}",
        nonsense.told()
    );
    let large = Replay::new(|_, stream| answer(stream, "200 OK", &vec![b' '; 9 << 20]));
    assert!(
        large.told().contains("more than 8388608 bytes"),
        "{}",
        large.told()
    );
    // An export that ends early, one of another image, one that is no archive.
    let cut_id = id.clone();
    let cut = Replay::new(move |path, stream| {
        if path.ends_with("/json") {
            return answer(stream, "200 OK", &inspection(&cut_id));
        }
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n");
    });
    let told = cut.told();
    assert!(
        told.contains("the export of demo:1 ended: it was cut after"),
        "{told}"
    );
    let other_id = format!("sha256:{}", "1".repeat(64));
    let other = Replay::new(move |path, stream| {
        if path.ends_with("/json") {
            return answer(stream, "200 OK", &inspection(&other_id));
        }
        chunks(stream, &archive(&layers()));
    });
    let told = other.told();
    assert!(told.contains(&format!("exports the image {id}")), "{told}");
    let text = Replay::new(move |path, stream| {
        if path.ends_with("/json") {
            return answer(stream, "200 OK", &inspection(&id));
        }
        chunks(stream, b"text");
    });
    assert!(
        text.told().contains("no image that can be read"),
        "{}",
        text.told()
    );
}

#[test]
fn what_is_no_containerd_is_told() {
    let replay = Replay::new(|_, stream| answer(stream, "400 Bad Request", b"no"));
    let told = store(Keeper::Containerd, &replay.socket)
        .find("demo:1", &Wanted::default())
        .unwrap_err();
    assert!(matches!(told, StoreError::Speak { .. }), "{told}");
    let gone = store(Keeper::Containerd, Path::new("/nowhere/containerd.sock"));
    let told = gone.find("demo:1", &Wanted::default()).unwrap_err();
    assert!(matches!(told, StoreError::Speak { .. }), "{told}");
}

#[test]
fn no_room_for_an_export() {
    let id = sha256(&config(&layers(), &json!({})));
    let docker = Replay::new(move |path, stream| {
        if path.ends_with("/json") {
            return answer(stream, "200 OK", &inspection(&id));
        }
        chunks(stream, &archive(&layers()));
    });
    let There::Inspected(inspected) = docker.find().unwrap() else {
        panic!("a daemon's image is inspected first");
    };
    let told = inspected
        .export(Path::new("/nowhere"), &Wanted::default())
        .unwrap_err();
    assert_eq!(
        told.to_string(),
        "cannot write what it exports to /nowhere; another place: TMPDIR"
    );
}
