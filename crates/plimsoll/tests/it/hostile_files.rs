//! Bundles, snapshots and databases that somebody else wrote: refused clearly or shown, never believed.

use crate::runner::{Home, SHOP_DATABASE};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write as _;

const HEADER: &[u8] = b"plimsoll-bundle 1\n";

/// The snapshot and the assessment in a bundle.
pub(crate) fn unpack(bundle: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let unpacked = zstd::decode_all(bundle.strip_prefix(HEADER).unwrap()).unwrap();
    let (length, rest) = unpacked.split_at(8);
    let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
    let (snapshot, assessment) = rest.split_at(length);
    (snapshot.to_vec(), assessment.to_vec())
}

pub(crate) fn snapshot_of(bundle: &[u8]) -> Vec<u8> {
    unpack(bundle).0
}

fn pack(snapshot: &[u8], assessment: &[u8]) -> Vec<u8> {
    let length = (snapshot.len() as u64).to_le_bytes();
    let packed = zstd::encode_all(&*[&length, snapshot, assessment].concat(), 1).unwrap();
    [HEADER, &packed].concat()
}

/// A small repeatable sequence (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

fn saved(home: &Home) -> Vec<u8> {
    home.scan_shop(&["--save", "good"]).done();
    home.read("good")
}

#[test]
fn damaged_bundles() {
    let home = Home::new();
    let good = saved(&home);
    let (snapshot, assessment) = unpack(&good);
    let refused = |bytes: &[u8], says: &str| {
        home.write("bad.plimsoll", bytes);
        let ran = home
            .run(&["queue", "--from", "bad.plimsoll"])
            .refused("bad.plimsoll");
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    };
    refused(b"", "not a plimsoll bundle");
    refused(&vec![0xa5; 100_000], "not a plimsoll bundle");
    refused(b"plimsoll-bundle 2\nanything", "newer plimsoll");
    refused(
        b"plimsoll-bundle 99999999999999999999\n",
        "not a plimsoll bundle",
    );
    refused(b"plimsoll-bundle 1\n", "damaged");
    refused(&[HEADER, &[7; 1000]].concat(), "");
    refused(&pack(b"", b""), "damaged");
    refused(&pack(b"", b"null"), "damaged");
    refused(&pack(b"", b"{}"), "damaged");
    refused(&pack(b"", "[".repeat(1_000_000).as_bytes()), "damaged");
    refused(&pack(b"", &assessment[..assessment.len() / 2]), "damaged");
    refused(&pack(b"rubbish", &assessment), "not a plimsoll snapshot");
    refused(
        &pack(&snapshot[..snapshot.len() / 2], &assessment),
        "snapshot",
    );
    for n in 1..20 {
        refused(&good[..good.len() * n / 20], "");
    }
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..60 {
        let mut bytes = good.clone();
        let at = HEADER.len() + chance.below(bytes.len() - HEADER.len());
        bytes[at] ^= 1 << chance.below(8);
        home.write("bad.plimsoll", &bytes);
        home.run(&["queue", "--from", "bad.plimsoll"]).sound();
    }
}

#[test]
fn bombs_in_bundles() {
    let home = Home::new();
    // 48 frames of 64 MiB of one letter: 3 GiB in a few hundred kilobytes.
    let letters = zstd::encode_all(&*vec![b'a'; 64 << 20], 1).unwrap();
    let bomb = |start: &[u8]| {
        let mut bytes = [HEADER, &zstd::encode_all(start, 1).unwrap()].concat();
        for _ in 0..48 {
            bytes.write_all(&letters).unwrap();
        }
        bytes
    };
    let none = 0u64.to_le_bytes();
    home.write(
        "title",
        bomb(&[&none[..], b"{\"about\":{\"tool_version\":\""].concat()),
    );
    home.write("length", bomb(&(3u64 << 30).to_le_bytes()));
    home.write("huge", bomb(&u64::MAX.to_le_bytes()));
    for name in ["title", "length", "huge"] {
        home.run(&["queue", "--from", name]).refused(name);
    }
}

/// Names of the fields that hold integers, or lists of them.
fn integers(value: &Value, name: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| integers(value, name, out)),
        Value::Array(items) => items.iter().for_each(|item| integers(item, name, out)),
        Value::Number(number) if number.is_u64() => {
            out.insert(name.to_owned());
        }
        _ => {}
    }
}

fn overwrite(value: &mut Value, name: &str, wanted: &str, with: u64) {
    match value {
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| overwrite(value, name, wanted, with)),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| overwrite(item, name, wanted, with)),
        Value::Number(number) if number.is_u64() && name == wanted => *value = with.into(),
        _ => {}
    }
}

/// Every index of an assessment points far away, one kind of index at a time.
#[test]
fn indices_that_point_nowhere() {
    let home = Home::new();
    let (snapshot, assessment) = unpack(&saved(&home));
    let assessment: Value = serde_json::from_slice(&assessment).unwrap();
    let mut names = BTreeSet::new();
    integers(&assessment, "", &mut names);
    assert!(
        names.contains("package") && names.contains("closes") && names.len() > 15,
        "{names:?}"
    );
    for name in &names {
        let mut wrong = assessment.clone();
        overwrite(&mut wrong, "", name, 4_000_000_000);
        home.write(
            "wrong",
            pack(&snapshot, &serde_json::to_vec(&wrong).unwrap()),
        );
        for view in [
            &["queue"][..],
            &["paths"],
            &["explain", "CVE-2021-41773"],
            &["queue", "--format", "json"],
            &["queue", "--format", "html"],
            &["queue", "--format", "sarif"],
            &["queue", "--format", "csv"],
            &["queue", "--format", "markdown", "--redact-names"],
        ] {
            let first = home.run(&[view, &["--from", "wrong"]].concat());
            let ran = first.sound();
            if ran.code == 2 && view == ["queue"] {
                break; // refused as a whole
            }
        }
    }
}

#[test]
fn damaged_snapshots() {
    let home = Home::new();
    let good = snapshot_of(&saved(&home));
    let scan = |bytes: &[u8]| {
        home.write("bad.snapshot", bytes);
        home.run(&["scan", "snapshot", "bad.snapshot"])
    };
    scan(&good).done();
    scan(b"").refused("bad.snapshot");
    scan(&vec![0x5a; 100_000]).refused("bad.snapshot");
    let newer = scan(b"PLIMSOLL-SNAPSHOT\n\x02\0\0\0anything").refused("bad.snapshot");
    assert!(newer.stderr.contains("newer plimsoll"), "{}", newer.stderr);
    for n in 1..20 {
        scan(&good[..good.len() * n / 20]).refused("bad.snapshot");
    }
    let mut chance = Chance(0xd1b5_4a32_d192_ed03);
    for _ in 0..60 {
        let mut bytes = good.clone();
        let at = chance.below(bytes.len());
        bytes[at] ^= 1 << chance.below(8);
        scan(&bytes).sound();
    }
}

#[test]
fn damaged_databases() {
    let home = Home::new();
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    for name in ["advisories.plimsoll", "scores.plimsoll"] {
        for other in ["advisories.plimsoll", "scores.plimsoll"] {
            home.write(
                &format!("db/{other}"),
                SHOP_DATABASE.read(&format!("db/{other}")),
            );
        }
        let good = SHOP_DATABASE.read(&format!("db/{name}"));
        let file = format!("db/{name}");
        let scan = || {
            home.run(&[
                "scan",
                "manifests",
                "shop/k8s",
                "--report",
                "shop/reports",
                "--db",
                "db",
            ])
        };
        for n in 0..10 {
            home.write(&file, &good[..good.len() * n / 10]);
            scan().refused("db");
            home.run(&["db", "status", "--db", "db"]).refused("db");
        }
        for _ in 0..30 {
            let mut bytes = good.clone();
            let at = chance.below(bytes.len());
            bytes[at] ^= 1 << chance.below(8);
            home.write(&file, &bytes);
            scan().sound();
            home.run(&["db", "show", "CVE-2024-38476", "--db", "db"])
                .sound();
            // Every byte counts: a flipped one is always found by the whole check.
            home.run(&["db", "status", "--db", "db", "--verify"])
                .refused("db");
        }
    }
}
