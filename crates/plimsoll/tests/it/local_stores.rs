//! `plimsoll scan image REF` with real stores of this machine, each on a socket of its own.

use crate::runner::{Home, Ran};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;
use testkit::registry::digest;
use testkit::stores::{Containerd, Podman};

/// `docker save` of an image with one package.
fn saved(home: &Home) -> std::path::PathBuf {
    let mut layer = tar::Builder::new(Vec::new());
    let mut put = |name: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        layer.append_data(&mut header, name, content).unwrap();
    };
    put("etc/os-release", b"ID=debian\nVERSION_ID=\"12\"\n");
    put(
        "var/lib/dpkg/status",
        b"Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.11-1~deb12u1\n",
    );
    let layer = layer.into_inner().unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    })
    .to_string();
    let name = format!("{}.json", digest(config.as_bytes()).replace("sha256:", ""));
    let tags = ["docker.io/library/demo:1"];
    let manifest = json!([{"Config": name, "RepoTags": tags, "Layers": ["0.tar"]}]).to_string();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [
        ("0.tar", &layer[..]),
        (&name, config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, content).unwrap();
    }
    home.write("demo.tar", archive.into_inner().unwrap());
    home.path("demo.tar")
}

fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = home.command(arguments);
    let output = command
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
    .sound()
}

fn packages(ran: &Ran) -> Vec<String> {
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let packages = report["packages"].as_array().unwrap().iter();
    packages
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

const SCAN: &[&str] = &["scan", "image", "demo:1", "--format", "json"];

#[test]
fn an_image_of_podman() {
    let Some(podman) = Podman::start() else {
        return;
    };
    let home = Home::new();
    podman.load(&saved(&home));
    let url = format!("unix://{}", podman.socket().display());
    // As Podman's own socket, and as Docker's, whose API it serves; from the second time on by what is kept.
    for variable in ["CONTAINER_HOST", "DOCKER_HOST", "DOCKER_HOST"] {
        let ran = run(&home, SCAN, &[(variable, &url)]).done();
        assert_eq!(packages(&ran), ["libssl3"]);
        let text = ran.text();
        assert!(
            text.contains("docker.io/library/demo@sha256:"),
            "what RepoDigests says: {text}"
        );
    }
}

#[test]
fn an_image_of_containerd() {
    let Some(containerd) = Containerd::start() else {
        return;
    };
    let home = Home::new();
    containerd.import("k8s.io", &saved(&home));
    let socket = containerd.socket().to_str().unwrap();
    let ran = run(&home, SCAN, &[("CONTAINERD_ADDRESS", socket)]).done();
    assert_eq!(packages(&ran), ["libssl3"]);
}

#[test]
fn all_that_was_tried_is_named() {
    let home = Home::new();
    let asked = [
        "scan",
        "image",
        "127.0.0.1:1/demo:1",
        "--insecure-registry",
        "127.0.0.1:1",
    ];
    let sources = ["--image-src", "docker,podman,containerd,remote"];
    let ran = run(
        &home,
        &[&asked[..], &sources].concat(),
        &[
            ("DOCKER_HOST", "unix:///nowhere/docker.sock"),
            ("CONTAINER_HOST", "tcp://elsewhere:1"),
            ("CONTAINERD_ADDRESS", "/nowhere/containerd.sock"),
        ],
    );
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for part in [
        "cannot get 127.0.0.1:1/demo:1: no source has it",
        "docker: no socket at /nowhere/docker.sock",
        "podman: its daemon is on another machine",
        "containerd: no socket at /nowhere/containerd.sock",
        "registry: ",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    // The usual order names only what was there to be asked.
    let ran = run(
        &home,
        &asked,
        &[("DOCKER_HOST", "unix:///nowhere/docker.sock")],
    );
    assert!(
        ran.stderr.contains("cannot pull 127.0.0.1:1/demo:1"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("docker.sock"), "{}", ran.stderr);
    let ran = run(&home, &["scan", "image", "a:1", "--image-src", "rkt"], &[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("docker, podman, containerd, registry"),
        "{}",
        ran.stderr
    );
}

#[test]
fn an_archive_that_is_compressed_as_a_whole() {
    let home = Home::new();
    let plain = std::fs::read(saved(&home)).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&plain).unwrap();
    home.write("demo.tar.gz", packed.finish().unwrap());
    home.write("demo.tar.zst", zstd::encode_all(&*plain, 1).unwrap());
    for file in ["demo.tar", "demo.tar.gz", "demo.tar.zst"] {
        let ran = run(
            &home,
            &["scan", "image", "--input", file, "--format", "json"],
            &[],
        )
        .done();
        assert_eq!(packages(&ran), ["libssl3"], "{file}");
    }
}
