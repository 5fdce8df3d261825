//! What the tests of pipelines scan: an image of a few packages as `docker save` writes it, and a database that judges
//! them.

use crate::runner::{Home, examples};
use model::keys::sha256_hex;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// A package: its name, its source, its version.
pub(crate) type Package = (&'static str, &'static str, &'static str);

/// CVE-2024-0001, critical, fixed in 3.0.13.
pub(crate) const OPENSSL: Package = ("libssl3", "openssl", "3.0.11-1~deb12u1");
pub(crate) const OPENSSL_FIXED: Package = ("libssl3", "openssl", "3.0.13-1~deb12u1");
/// CVE-2024-0002, low, fixed in 1.3.
pub(crate) const ZLIB: Package = ("zlib1g", "zlib", "1:1.2.13.dfsg-1");
/// CVE-2024-0003, critical, fixed in 2.6.0.
pub(crate) const EXPAT: Package = ("libexpat1", "expat", "2.5.0-1");
/// CVE-2024-0004, high, without a fix.
pub(crate) const NCURSES: Package = ("libtinfo6", "ncurses", "6.4-4");

const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H";
const LOW: &str = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";

/// A home with the database in its default place; its feeds of the day are the shop's.
pub(crate) fn home() -> Home {
    let home = Home::new();
    let feeds = home.path("feeds");
    for feed in ["epss", "kev", "vulnrichment"] {
        copy(&examples().join("feeds").join(feed), &feeds.join(feed));
    }
    let debian = feeds.join("osv/Debian");
    fs::create_dir_all(&debian).unwrap();
    let mut zip = zip::ZipWriter::new(fs::File::create(debian.join("all.zip")).unwrap());
    for (id, source, vector, fixed) in [
        ("CVE-2024-0001", "openssl", CRITICAL, "3.0.13-1~deb12u1"),
        ("CVE-2024-0002", "zlib", LOW, "1:1.3.dfsg-1"),
        ("CVE-2024-0003", "expat", CRITICAL, "2.6.0-1"),
        ("CVE-2024-0004", "ncurses", HIGH, ""),
    ] {
        let fixed = match fixed {
            "" => String::new(),
            version => format!(r#",{{"fixed":"{version}"}}"#),
        };
        let record = format!(
            r#"{{"id":"DEBIAN-{id}","upstream":["{id}"],"modified":"2024-02-01T00:00:00Z","published":"2024-01-01T00:00:00Z",
            "severity":[{{"type":"CVSS_V3","score":"{vector}"}}],
            "affected":[{{"package":{{"ecosystem":"Debian:12","name":"{source}"}},
            "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{fixed}]}}]}}]}}"#
        );
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("DEBIAN-{id}.json"), options)
            .unwrap();
        zip.write_all(record.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    home.run(&["db", "build", "--from", "feeds"]).done();
    home
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Writes `file`, an archive of an image called `app:1` on Debian 12.
pub(crate) fn image(home: &Home, file: &str, packages: &[Package]) {
    image_on(home, file, "12", packages);
}

/// The same on another release.
pub(crate) fn image_on(home: &Home, file: &str, release: &str, packages: &[Package]) {
    let release = format!("ID=debian\nVERSION_ID=\"{release}\"\n");
    let entry = |(name, source, version): &Package| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\n\n"
        )
    };
    let status: String = packages.iter().map(entry).collect();
    let layer = tar(&[
        ("etc/os-release", release.as_bytes()),
        ("var/lib/dpkg/status", status.as_bytes()),
    ]);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"User":"1000"}},"rootfs":{{"type":"layers","diff_ids":["sha256:{}"]}},
        "history":[{{"created_by":"COPY / /"}}]}}"#,
        sha256_hex(&layer)
    );
    let config_name = format!("{}.json", sha256_hex(config.as_bytes()));
    let manifest =
        format!(r#"[{{"Config":"{config_name}","RepoTags":["app:1"],"Layers":["layer.tar"]}}]"#);
    let archive = tar(&[
        ("manifest.json", manifest.as_bytes()),
        (&config_name, config.as_bytes()),
        ("layer.tar", &layer),
    ]);
    home.write(file, archive);
}

/// POSIX ustar.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, name);
        put(100, "0000644");
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", bytes.len()));
        put(136, "00000000000");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar");
        put(263, "00");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}
