//! `plimsoll scan rootfs` and `scan image`: what is installed is found and judged, and what nobody judged is no zero.

use crate::runner::Home;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// A Debian 12 with one package, and an OSV feed that knows its flaw.
pub(crate) fn root_and_feeds(home: &Home) -> (PathBuf, PathBuf) {
    let root = home.path("root");
    fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(
        root.join("etc/os-release"),
        "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
    )
    .unwrap();
    fs::write(
        root.join("var/lib/dpkg/status"),
        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n\
         Version: 3.0.11-1~deb12u1\n",
    )
    .unwrap();
    let feed = home.path("feeds/osv/Debian");
    fs::create_dir_all(&feed).unwrap();
    let record = r#"{"id":"DEBIAN-CVE-2024-0001","upstream":["CVE-2024-0001"],"modified":"2024-01-01T00:00:00Z",
        "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM",
        "events":[{"introduced":"0"},{"fixed":"3.0.13-1~deb12u1"}]}]}]}"#;
    let mut zip = zip::ZipWriter::new(fs::File::create(feed.join("all.zip")).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("DEBIAN-CVE-2024-0001.json", options)
        .unwrap();
    std::io::Write::write_all(&mut zip, record.as_bytes()).unwrap();
    zip.finish().unwrap();
    (root, home.path("feeds"))
}

#[test]
fn a_root_file_system_is_read_and_judged() {
    let home = Home::new();
    let (root, feeds) = root_and_feeds(&home);
    let (root, feeds) = (root.to_str().unwrap(), feeds.to_str().unwrap());
    assert_eq!(home.run(&["db", "build", "--from", feeds]).code, 0);
    let ran = home
        .run(&["scan", "rootfs", root, "--format", "json"])
        .sound();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(report["packages"][0]["name"], "libssl3");
    assert_eq!(report["findings"][0]["id"], "CVE-2024-0001");
    assert_eq!(report["findings"][0]["fixed_version"], "3.0.13-1~deb12u1");
}

#[test]
fn without_a_database_nothing_passes_a_gate() {
    let home = Home::new();
    let (root, _) = root_and_feeds(&home);
    let ran = home.run(&[
        "scan",
        "rootfs",
        root.to_str().unwrap(),
        "--fail-on",
        "high",
    ]);
    assert_eq!(ran.code, 3, "{}", ran.text());
    assert!(ran.text().contains("not judged"), "{}", ran.text());
}

#[test]
fn what_is_no_image_is_said_on_one_line() {
    let home = Home::new();
    let file = home.path("x.tar");
    fs::write(&file, "no archive").unwrap();
    let ran = home.run(&["scan", "image", "--input", file.to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("x.tar") && ran.stderr.lines().count() <= 3,
        "{}",
        ran.stderr
    );
    let ran = home.run(&["scan", "image", "Not A Reference"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("--input"), "{}", ran.stderr);
}
