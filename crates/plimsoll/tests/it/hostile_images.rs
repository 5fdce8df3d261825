//! Images made to hurt, through the binary: no panic, bounded memory and time, a gap that says what was not seen, and no
//! gate that passes.

use crate::runner::{Home, Ran, examples};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use testkit::registry::digest;

/// Of one scan; a hang is a failure, a slow machine is none.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database that judges Debian 12, so that nothing but the image itself can fail a gate.
static DATABASE: LazyLock<Home> = LazyLock::new(|| {
    let home = Home::new();
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(examples().join("feeds"))
        .arg(home.path("feeds"))
        .status();
    assert!(copied.unwrap().success());
    let record = r#"{"id":"DEBIAN-CVE-2024-0001","upstream":["CVE-2024-0001"],"modified":"2026-08-15T00:00:00Z",
        "affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM",
        "events":[{"introduced":"0"},{"fixed":"3.0.13-1~deb12u1"}]}]}]}"#;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("DEBIAN-CVE-2024-0001.json", options)
        .unwrap();
    zip.write_all(record.as_bytes()).unwrap();
    home.write(
        "feeds/osv/Debian/all.zip",
        zip.finish().unwrap().into_inner(),
    );
    home.run(&["db", "build", "--from", "feeds", "--output", "db"])
        .done();
    home
});

/// A header of a tar, true or not.
fn header(flag: u8, name: &[u8], link: &[u8], size: u64) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000755\0");
    block[124] = 0x80;
    block[128..136].copy_from_slice(&size.to_be_bytes());
    block[148..156].copy_from_slice(b"        ");
    block[156] = flag;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// An entry whose header says `size`.
fn raw(flag: u8, name: &[u8], link: &[u8], size: u64, content: &[u8]) -> Vec<u8> {
    let padding = vec![0; (512 - content.len() % 512) % 512];
    [&header(flag, name, link, size), content, &padding].concat()
}

fn file(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    raw(b'0', name.as_bytes(), b"", content.len() as u64, content)
}

fn symlink(name: &str, to: &str) -> Vec<u8> {
    raw(b'2', name.as_bytes(), to.as_bytes(), 0, b"")
}

fn hardlink(name: &str, to: &str) -> Vec<u8> {
    raw(b'1', name.as_bytes(), to.as_bytes(), 0, b"")
}

fn layer(entries: &[Vec<u8>]) -> Vec<u8> {
    [&entries.concat()[..], &[0; 1024]].concat()
}

/// Debian 12 with a package that no advisory is about.
fn base() -> Vec<u8> {
    layer(&[
        file(
            "etc/os-release",
            "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
        ),
        file(
            "var/lib/dpkg/status",
            "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n\
             Version: 3.0.14-1~deb12u1\n",
        ),
    ])
}

/// `docker save` of layers as (diff ID, bytes as stored); `more` goes over the configuration.
fn saved(layers: &[(String, Vec<u8>)], more: &Value) -> Vec<u8> {
    let diff_ids: Vec<&String> = layers.iter().map(|(diff_id, _)| diff_id).collect();
    let mut config = json!({
        "architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let config = config.to_string();
    let name = format!("{}.json", digest(config.as_bytes()).replace("sha256:", ""));
    let paths: Vec<String> = (0..layers.len()).map(|at| format!("{at}.tar")).collect();
    let manifest = json!([{"Config": name, "RepoTags": ["demo:1"], "Layers": paths}]).to_string();
    let mut archive = Vec::new();
    for (path, (_, stored)) in paths.iter().zip(layers) {
        archive.extend(file(path, stored));
    }
    archive.extend(layer(&[
        file(&name, config),
        file("manifest.json", manifest),
    ]));
    archive
}

/// An image of the base and one layer more.
fn image(entries: &[Vec<u8>]) -> Vec<u8> {
    let layers = [base(), layer(entries)];
    saved(&layers.map(|layer| (digest(&layer), layer)), &json!({}))
}

fn scan(home: &Home, more: &[&str]) -> Ran {
    let database = DATABASE.path("db");
    let arguments = [
        "scan",
        "image",
        "--input",
        "x.tar",
        "--no-cache",
        "--db",
        database.to_str().unwrap(),
    ];
    let started = Instant::now();
    let ran = home.run(&[&arguments, more].concat()).sound();
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    ran
}

const GATE: &[&str] = &["--fail-on", "critical", "--max-db-age", "1000"];

/// What is not seen, as JSON has it.
fn gaps(ran: &Ran) -> Vec<String> {
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let gaps = report["coverage"]["gaps"].as_array().unwrap();
    let text = |gap: &Value| gap["what"].as_str().unwrap().to_owned();
    gaps.iter().map(text).collect()
}

/// The archive is scanned; the gap `part` is told in JSON and to a reader, and the gate does not pass.
#[track_caller]
fn hides(archive: &[u8], part: &str) {
    let home = Home::new();
    home.write("x.tar", archive);
    let ran = scan(&home, &["--format", "json"]).done();
    let gaps = gaps(&ran);
    assert!(
        gaps.iter().any(|gap| gap.contains(part)),
        "{part}: {gaps:?}"
    );
    assert!(
        String::from_utf8_lossy(&ran.stdout).contains("libssl3"),
        "the base was seen"
    );
    let ran = scan(&home, GATE);
    let words = ran.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(ran.code, 3, "{words}");
    assert!(
        words.contains("could hide what the gate asks for"),
        "{words}"
    );
    let shown: String = part.chars().take(40).collect();
    assert!(
        words.contains(shown.trim()) || words.contains("more like it"),
        "{shown}: {words}"
    );
}

/// The archive holds no image that could be read.
#[track_caller]
fn refused(archive: &[u8], part: &str) {
    let home = Home::new();
    home.write("x.tar", archive);
    for more in [&[][..], GATE] {
        let ran = scan(&home, more).refused("x.tar");
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

/// The archive is scanned whole, and the gate passes.
#[track_caller]
fn passes(archive: &[u8]) -> Value {
    let home = Home::new();
    home.write("x.tar", archive);
    let ran = scan(&home, &[GATE, &["--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.text());
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn the_base_alone_passes() {
    passes(&image(&[]));
}

#[test]
fn sizes_that_lie() {
    let package = "usr/lib/node_modules/x/package.json";
    // A terabyte that is not there, and one that a sparse file claims.
    hides(
        &image(&[raw(b'0', package.as_bytes(), b"", 1 << 40, b"{}")]),
        "a layer was not read to its end: the archive is cut after",
    );
    hides(
        &image(&[header(b'0', b"var/log/lastlog", b"", u64::MAX >> 2)]),
        "the archive is cut after",
    );
    hides(
        &image(&[raw(b'S', package.as_bytes(), b"", 512, &[0; 512])]),
        "package.json is stored as a sparse file and was not read",
    );
    // A manifest that names more layers than there are, and fewer than the configuration.
    let base = base();
    let one = (digest(&base), base);
    let mut archive = saved(&[one.clone(), one], &json!({}));
    let at = archive
        .windows(5)
        .rposition(|five| five == b"1.tar")
        .unwrap();
    archive[at] = b'7';
    hides(&archive, "7.tar is not in the archive");
    let more = json!({"rootfs": {"type": "layers", "diff_ids": []}, "history": [{}]});
    let image = saved(&[(digest(b""), Vec::new())], &more);
    refused(
        &image,
        "its manifest names 1 layers and its configuration 0",
    );
    // The archive itself is cut: in a layer, and before the documents.
    let whole = self::image(&[]);
    refused(
        &whole[..1_000],
        "it is cut after 1000 bytes: 0.tar should end at byte",
    );
}

#[test]
fn bombs() {
    // Zeroes, and the same in one gzip layer of a base that is seen.
    let bomb = |byte: u8, more: u64| {
        let mut stored = Vec::new();
        let mut writer = GzEncoder::new(&mut stored, Compression::best());
        writer
            .write_all(&header(b'0', b"var/log/x", b"", 1 << 40))
            .unwrap();
        std::io::copy(&mut std::io::repeat(byte).take(more), &mut writer).unwrap();
        writer.finish().unwrap();
        stored
    };
    // Members of gzip follow each other: what is repeated need not be compressed again.
    let member = bomb(0, 32 << 20);
    let stored = member.repeat(200);
    let base = base();
    let layers = [(digest(&base), base), (digest(b"never read whole"), stored)];
    hides(
        &saved(&layers, &json!({})),
        "more than 1000 uncompressed bytes for each compressed one",
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    std::io::copy(&mut std::io::repeat(b'x').take(256 << 20), &mut packed).unwrap();
    refused(
        &packed.finish().unwrap(),
        "more than 100 uncompressed bytes for each compressed one",
    );
}

/// Ten million entries in 5 GB of headers, in a gzip layer.
#[test]
#[allow(clippy::print_stderr)] // what it took is part of the result
fn ten_million_entries() {
    const ENTRIES: u64 = 10_000_000;
    const MEMBER: u64 = 10_000;
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    for at in 0..MEMBER {
        let name = format!("opt/{}/{at}", at % 100);
        writer
            .write_all(&header(b'0', name.as_bytes(), b"", 0))
            .unwrap();
    }
    let member = writer.finish().unwrap();
    let stored = member.repeat(usize::try_from(ENTRIES / MEMBER).unwrap());
    let base = base();
    let layers = [(digest(&base), base), (digest(b"never read whole"), stored)];
    let archive = saved(&layers, &json!({}));
    hides(
        &archive,
        "the image has more than 2000000 entries: layer 2 and those above it were not read",
    );
    let home = Home::new();
    home.write("x.tar", &archive);
    let database = DATABASE.path("db");
    let started = Instant::now();
    let mut child = home
        .command(&["scan", "image", "--input", "x.tar", "--no-cache", "--db"])
        .arg(database)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = started.elapsed();
    eprintln!(
        "ten million entries: {:.1} s, {} MB",
        took.as_secs_f64(),
        peak >> 10
    );
    assert!(took < PATIENCE, "{took:?}");
    assert!(peak < 600 << 10, "{peak} KB");
}

#[test]
fn names_that_lead_away() {
    hides(
        &image(&[file(
            "../../../../etc/os-release",
            "ID=alpine\nVERSION_ID=3.1\n",
        )]),
        "a layer names ../../../../etc/os-release, which leads out of the root",
    );
    // What links say is below the root as well.
    let away = symlink("l", "../../../../../../etc");
    let report = passes(&image(&[away, file("l/motd", "hello")]));
    assert_eq!(report["packages"].as_array().unwrap().len(), 1);
    let bytes = raw(b'0', b"opt/\xff\xfe\x1b[31m/x", b"", 1, b"x");
    let report = passes(&image(&[bytes, raw(b'0', b"\xc3\x28", b"", 0, b"")]));
    assert_eq!(report["packages"].as_array().unwrap().len(), 1);
    // A control character in a name that is told.
    let home = Home::new();
    home.write("x.tar", image(&[raw(b'0', b"../\x1b[31mred", b"", 0, b"")]));
    let ran = scan(&home, &[]);
    assert!(!ran.text().contains('\u{1b}'), "{}", ran.text());
}

#[test]
fn links_without_end() {
    let circle = (0..50).map(|at| symlink(&format!("a{at}"), &format!("a{}", (at + 1) % 50)));
    let mut entries: Vec<Vec<u8>> = circle.collect();
    entries.push(symlink("usr", "usr/usr"));
    entries.push(symlink("var/lib/rpm/rpmdb.sqlite", "rpmdb.sqlite"));
    hides(
        &image(&entries),
        "var/lib/rpm/rpmdb.sqlite is a link that leads in a circle and was not read",
    );
    hides(
        &image(&[
            hardlink("h1", "h2"),
            hardlink("h2", "h1"),
            hardlink("h3", "h3"),
        ]),
        "2 hard links lead to nothing, h1 first",
    );
}

#[test]
fn broken_databases_of_rpm() {
    let sqlite = [&b"SQLite format 3\0"[..], &[0xff; 4096]].concat();
    let ndb = [&b"RpmP"[..], &[0xff; 4096]].concat();
    let mut bdb = vec![0xff; 4096];
    bdb[12..16].copy_from_slice(&0x0006_1561u32.to_le_bytes());
    for (path, content) in [
        ("var/lib/rpm/rpmdb.sqlite", &sqlite),
        ("usr/lib/sysimage/rpm/Packages.db", &ndb),
        ("var/lib/rpm/Packages", &bdb),
    ] {
        hides(
            &image(&[file(path, content)]),
            &format!("{path} cannot be read: "),
        );
    }
}

#[test]
fn layers_without_end() {
    let base = base();
    let empty = layer(&[]);
    let mut layers = vec![(digest(&base), base)];
    layers.resize(5_000, (digest(&empty), empty));
    hides(
        &saved(&layers, &json!({})),
        "the image has 5000 layers, of which the lowest 2000 were read",
    );
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, content) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_in_archives() {
    let deep = (0..12).fold(zip(&[("a.class", b"")]), |inner, _| {
        zip(&[("lib/n.jar", &inner)])
    });
    hides(
        &image(&[file("app/deep.jar", deep)]),
        "has archives more than 5 deep: they were not read",
    );
    let zeroes = vec![0; 600 << 20];
    let bomb = zip(&[("lib/bomb.jar", &zeroes)]);
    hides(
        &image(&[file("app/bomb.jar", bomb)]),
        "app/bomb.jar was not read whole",
    );
}

#[test]
fn an_index_that_leads_to_itself() {
    let zero = format!("sha256:{}", "0".repeat(64));
    let index = json!({"schemaVersion": 2, "manifests": [{"digest": zero, "size": 1}]}).to_string();
    let path = format!("blobs/{}", zero.replace(':', "/"));
    let own = layer(&[
        file("oci-layout", "{}"),
        file("index.json", &index),
        file(&path, &index),
    ]);
    refused(&own, "should have the digest sha256:000");
    let mut entries = vec![file("oci-layout", "{}")];
    let mut inner = index;
    for _ in 0..50 {
        let digest = digest(inner.as_bytes());
        entries.push(file(&format!("blobs/{}", digest.replace(':', "/")), &inner));
        inner =
            json!({"schemaVersion": 2, "manifests": [{"digest": digest, "size": 1}]}).to_string();
    }
    entries.push(file("index.json", &inner));
    refused(&layer(&entries), "its indexes lead to indexes without end");
}

#[test]
fn absurd_history() {
    let base = base();
    let layers = [(digest(&base), base)];
    let line = json!({"created_by": format!("RUN {}", "x".repeat(200)), "empty_layer": true});
    passes(&saved(&layers, &json!({"history": vec![line; 20_000]})));
    passes(&saved(
        &layers,
        &json!({"history": [{"created_by": "A".repeat(7 << 20)}]}),
    ));
    refused(
        &saved(&layers, &json!({"history": "none"})),
        "expected a sequence",
    );
    let large = json!({"history": [{"created_by": "A".repeat(9 << 20)}]});
    refused(&saved(&layers, &large), "it has more than 8388608 bytes");
    // Of more layers than there are: nothing says whose line is whose.
    passes(&saved(
        &layers,
        &json!({"history": [{"created_by": "a"}, {"created_by": "b"}]}),
    ));
}
