//! Saved snapshots: round trips, older versions, damage.

use crate::{bytes, options};
use cluster::manifests::read;
use cluster::saved::{self, SavedError};
use model::snapshot::{Place, Snapshot};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::PathBuf;

fn snapshot() -> Snapshot {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: ns, uid: u, labels: {b: c}}\nspec: {containers: [{name: c, image: nginx}]}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n---\napiVersion: v1\nkind: Event\nmetadata: {name: e}\n---\nx: 1\n";
    read(&[bytes("-", text)], &options()).unwrap()
}

fn packed(snapshot: &Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    saved::write(snapshot, &mut out).unwrap();
    out
}

fn unpacked(bytes: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(&bytes[22..]).unwrap()).unwrap()
}

fn repacked(text: &str) -> Vec<u8> {
    let mut out = b"PLIMSOLL-SNAPSHOT\n\x01\x00\x00\x00".to_vec();
    out.extend(zstd::encode_all(text.as_bytes(), 1).unwrap());
    out
}

fn load(bytes: &[u8]) -> Result<Snapshot, SavedError> {
    saved::read(&mut &*bytes)
}

#[track_caller]
fn fails(bytes: &[u8], expected: &str) {
    assert_eq!(load(bytes).unwrap_err().to_string(), expected);
}

#[test]
fn what_is_written_is_read() {
    let snapshot = snapshot();
    let bytes = packed(&snapshot);
    let again = load(&bytes).unwrap();
    assert_eq!(format!("{again:?}"), format!("{snapshot:?}"));
    assert_eq!(packed(&again), bytes);
}

/// Written by format 1 and kept: `PLIMSOLL_BLESS=1` writes it anew, which only a new format may need.
#[test]
fn the_sample_of_format_1_loads() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/snapshot-v1.plimsoll");
    if std::env::var_os("PLIMSOLL_BLESS").is_some() {
        std::fs::write(&path, packed(&snapshot())).unwrap();
    }
    let loaded = load(&std::fs::read(path).unwrap()).unwrap();
    let names: Vec<String> = loaded
        .objects
        .iter()
        .map(|o| o.reference().to_string())
        .collect();
    assert_eq!(names, ["Pod ns/a", "Secret default/s"]);
    assert_eq!(
        loaded.objects[0].place,
        Place::File {
            file: 0,
            document: 0,
            item: None
        }
    );
    assert_eq!(loaded.objects[0].label("b").map(|l| &**l), Some("c"));
    assert!(
        String::from_utf8_lossy(&loaded.objects[1].json).contains("redacted:v1:password-like:7:")
    );
    assert_eq!(loaded.gaps.len(), 1);
}

#[test]
fn foreign_and_newer_files_are_refused() {
    fails(b"", "not a plimsoll snapshot");
    fails(
        b"apiVersion: v1\nkind: Pod\nmetadata: {}\n",
        "not a plimsoll snapshot",
    );
    fails(
        b"PLIMSOLL-SNAPSHOT\n\x00\x00\x00\x00",
        "not a plimsoll snapshot",
    );
    fails(
        b"PLIMSOLL-SNAPSHOT\n\x03\x00\x00\x00rest",
        "written by a newer plimsoll (format 3; this one reads up to 1)",
    );
}

#[test]
fn damage_is_named() {
    let bytes = packed(&snapshot());
    for end in 22..bytes.len() {
        let error = load(&bytes[..end]).unwrap_err();
        assert!(matches!(error, SavedError::Truncated), "{end}: {error}");
    }
    for at in 22..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        // The checksum sees it, unless only the frame's unused bits changed.
        if let Ok(read) = load(&flipped) {
            assert_eq!(format!("{read:?}"), format!("{:?}", snapshot()), "{at}");
        }
    }
    let mut twice = bytes.clone();
    twice.extend(&bytes[22..]);
    fails(&twice, "snapshot goes on after its end");
}

#[test]
fn hostile_contents_are_refused() {
    let text = unpacked(&packed(&snapshot()));
    let lines: Vec<&str> = text.lines().collect();
    let [header, pod, secret, end] = lines[..] else {
        panic!("{text}");
    };
    let make = |lines: &[&str]| repacked(&(lines.join("\n") + "\n"));
    load(&make(&[header, pod, secret, end])).unwrap();
    fails(
        &make(&[header, secret, pod, end]),
        "object on line 3 of the snapshot is out of order",
    );
    fails(
        &make(&[header, pod, pod, end]),
        "object on line 3 of the snapshot is there twice",
    );
    fails(
        &make(&[header, pod, secret]),
        "snapshot ends early: it was cut off",
    );
    fails(
        &make(&[header, pod, end]),
        "line 3 of the snapshot is not what format 1 says",
    );
    fails(
        &make(&[header, pod, secret, "{\"end\":9}"]),
        "line 4 of the snapshot is not what format 1 says",
    );
    fails(
        &make(&[header, pod, secret, end, pod]),
        "snapshot goes on after its end",
    );
    fails(
        &make(&["CANARY", pod, secret, end]),
        "line 1 of the snapshot is not what format 1 says",
    );
    let no_file = pod.replace("\"file\":0", "\"file\":7");
    fails(
        &make(&[header, &no_file, secret, end]),
        "object on line 2 of the snapshot points to a file that is not listed",
    );
    let many = header.replace("\"objects\":2", "\"objects\":99999999999");
    fails(
        &make(&[&many, pod, secret, end]),
        "snapshot holds more than 2000000 objects",
    );
    let twice = pod.replace(
        "\"kind\":\"Pod\",\"metadata\"",
        "\"kind\":\"Pod\",\"kind\":\"CANARY\",\"metadata\"",
    );
    assert_ne!(twice, pod);
    fails(
        &make(&[header, &twice, secret, end]),
        "object on line 2 of the snapshot: key occurs twice in one mapping",
    );
    let deep = pod.replace("\"nginx\"", &("[".repeat(150) + &"]".repeat(150)));
    fails(
        &make(&[header, &deep, secret, end]),
        "object on line 2 of the snapshot: nested deeper than 100 levels",
    );
    let wrong = pod.replace("\"namespace\":\"ns\"", "\"namespace\":[\"CANARY\"]");
    fails(
        &make(&[header, &wrong, secret, end]),
        "line 2 of the snapshot is not what format 1 says",
    );
}

#[test]
fn bombs_are_bounded() {
    // 2 GB of one byte in about 200 KB.
    let mut writer =
        zstd::stream::write::Encoder::new(b"PLIMSOLL-SNAPSHOT\n\x01\x00\x00\x00".to_vec(), 1)
            .unwrap();
    let block = vec![b' '; 1 << 20];
    for _ in 0..65 {
        writer.write_all(&block).unwrap();
    }
    fails(
        &writer.finish().unwrap(),
        "line 1 of the snapshot is longer than 67108864 bytes",
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = load(&bytes);
        let mut framed = b"PLIMSOLL-SNAPSHOT\n\x01\x00\x00\x00".to_vec();
        framed.extend(&bytes);
        let _ = load(&framed);
    }
}
