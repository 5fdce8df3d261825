//! Images made to hurt: what they cost is bounded, and what was not seen is said.

use crate::TABLE;
use crate::images::{gzip, image, opener};
use crate::tarball::{Tarball, header};
use image::digest::sha256;
use image::{Limits, Opener, read};
use model::evidence::GapWeight;
use model::inventory::Inventory;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A layer without end, made on the fly, that counts what is taken of it.
struct Endless {
    make: fn(u64) -> [u8; 512],
    at: u64,
    block: [u8; 512],
    taken: Arc<AtomicU64>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = (self.at % 512) as usize;
        if from == 0 {
            self.block = (self.make)(self.at / 512);
        }
        let count = into.len().min(512 - from);
        into[..count].copy_from_slice(&self.block[from..from + count]);
        self.at += count as u64;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Reads an image of one endless layer; gaps, and megabytes that were taken.
fn endless(make: fn(u64) -> [u8; 512], limits: &Limits) -> (Inventory, u64) {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let mut image = image(vec![Vec::new()]);
    image.layers[0].open = Opener::Stream(Arc::new(move || {
        Ok(Box::new(Endless {
            make,
            at: 0,
            block: [0; 512],
            taken: Arc::clone(&count),
        }))
    }));
    let inventory = read(&image, TABLE, limits, None).unwrap();
    let taken = taken.load(Ordering::Relaxed) >> 20;
    (inventory, taken)
}

fn hides(inventory: &Inventory, part: &str) {
    let gaps = &inventory.gaps;
    assert!(
        gaps.iter().any(|gap| gap.what.contains(part)),
        "{part}: {gaps:?}"
    );
    assert!(gaps.iter().all(|gap| gap.weight == GapWeight::Hides));
}

#[test]
fn entries_without_end() {
    let limits = Limits {
        entries: 50_000,
        ..Limits::default()
    };
    let make = |n: u64| header(b'0', format!("{}/{n}", n % 100).as_bytes(), b"", 0o644, 0);
    let (inventory, taken) = endless(make, &limits);
    hides(&inventory, "more than 50000 entries");
    assert!(taken < 40, "{taken}");
}

#[test]
fn content_without_end() {
    let limits = Limits {
        layer_bytes: 32 << 20,
        ..Limits::default()
    };
    let make = |n: u64| match n {
        0 => header(b'0', b"var/log", b"", 0o644, u64::MAX >> 2),
        _ => [0; 512],
    };
    let (inventory, taken) = endless(make, &limits);
    hides(&inventory, "more than 33554432 uncompressed bytes");
    assert!(taken < 40, "{taken}");
    // Long names before every entry.
    let make = |n: u64| match n % 3 {
        0 => header(b'L', b"long", b"", 0o644, 500),
        1 => [b'n'; 512],
        _ => header(b'0', b"short", b"", 0o644, 0),
    };
    let names = Limits {
        names: 1 << 20,
        ..Limits::default()
    };
    let (inventory, taken) = endless(make, &names);
    hides(&inventory, "names of more than 1048576 bytes");
    assert!(taken < 16, "{taken}");
    // Extended headers that never come to an entry.
    let make = |n: u64| {
        if n.is_multiple_of(2) {
            return header(b'x', b"x", b"", 0o644, 12);
        }
        let mut block = [0; 512];
        block[..12].copy_from_slice(b"12 path=abc\n");
        block
    };
    let (inventory, taken) = endless(make, &limits);
    hides(&inventory, "uncompressed bytes");
    assert!(taken < 40, "{taken}");
}

#[test]
fn a_bomb() {
    let zeroes = vec![0; 80 << 20];
    let tar = Tarball::new()
        .file("var/db", "a 1")
        .file("zeroes", &zeroes)
        .file("late/package.json", "b 1")
        .end();
    let mut image = image(vec![tar.clone()]);
    let limits = Limits {
        ratio: 5,
        ..Limits::default()
    };
    for stored in [gzip(&tar), zstd::encode_all(&*tar, 1).unwrap()] {
        image.layers[0].digest = Some(sha256(&stored).into());
        image.layers[0].open = opener(stored);
        let inventory = read(&image, TABLE, &limits, None).unwrap();
        hides(
            &inventory,
            "more than 5 uncompressed bytes for each compressed one",
        );
        assert_eq!(inventory.components.len(), 1);
    }
}

#[test]
fn layers_without_end() {
    let layer = Tarball::new().file("var/db", "a 1").end();
    let image = image(vec![layer; 5_000]);
    let inventory = read(&image, TABLE, &Limits::default(), None).unwrap();
    hides(
        &inventory,
        "has 5000 layers, of which the lowest 2000 were read",
    );
    assert_eq!(inventory.layers.len(), 5_000);
    assert_eq!(inventory.components.len(), 1);
}

#[test]
fn limits_hold_for_all_layers_together() {
    let layer = |n: u64| {
        let files = (0..100).fold(Tarball::new(), |t, f| t.file(&format!("{n}/{f}"), ""));
        files.file("var/db", format!("p{n} 1")).end()
    };
    let image = image((0..40).map(layer).collect());
    let limits = Limits {
        entries: 1_010,
        ..Limits::default()
    };
    for _ in 0..20 {
        let inventory = read(&image, TABLE, &limits, None).unwrap();
        hides(&inventory, "layer 11 and those above it were not read");
        assert_eq!(&*inventory.components[0].name, "p9");
    }
}

#[test]
fn links_that_lead_nowhere_cost_little() {
    // Chains of links to long targets, and names through them.
    let long = "x/../".repeat(15);
    let mut tarball = Tarball::new().folder("x");
    for n in 0..2_000 {
        tarball = tarball.symlink(&format!("l{n}"), &format!("{long}l{}", (n + 1) % 2_000));
    }
    for n in 0..2_000 {
        tarball = tarball.file(&format!("l{n}/package.json"), "a 1");
        tarball = tarball.symlink(
            &format!("m{n}/package.json"),
            &format!("../l{n}/package.json"),
        );
    }
    let image = image(vec![tarball.end()]);
    let inventory = read(&image, TABLE, &Limits::default(), None).unwrap();
    assert!(!inventory.components.is_empty() || !inventory.gaps.is_empty());
    // Each folder inside the last one, by links: deeper than any path.
    let part = "d/".repeat(40);
    let mut tarball = Tarball::new();
    for n in 0..200 {
        tarball = tarball.folder(&format!("l{n}/{part}"));
        tarball = tarball.symlink(&format!("l{}", n + 1), &format!("l{n}/{part}"));
    }
    let image = crate::images::image(vec![tarball.end()]);
    let inventory = read(&image, TABLE, &Limits::default(), None).unwrap();
    hides(&inventory, "nested deeper");
}

#[test]
fn many_links_to_one_large_file_are_read_within_a_limit() {
    let mut tarball = Tarball::new().file("store", vec![b'a'; 900]);
    for n in 0..1_000 {
        tarball = tarball.hardlink(&format!("{n}/package.json"), "store");
    }
    let image = image(vec![tarball.end()]);
    let limits = Limits {
        file_bytes: 9_000,
        ..Limits::default()
    };
    let inventory = read(&image, TABLE, &limits, None).unwrap();
    hides(&inventory, "other links to large files were not read");
}

#[test]
fn names_that_are_no_text_and_paths_out_of_the_root() {
    let tarball = Tarball::new()
        .raw(b'0', b"a\xff/package.json", b"", 3, b"a 1")
        .raw(b'0', b"\xc3\x28/../../../package.json", b"", 3, b"b 1")
        .raw(b'2', b"var/db", b"../../\xff", 0, b"")
        .raw(b'0', b"/\xff", b"", 3, b"c 1");
    let inventory = read(&image(vec![tarball.end()]), TABLE, &Limits::default(), None).unwrap();
    let places: Vec<&str> = inventory
        .components
        .iter()
        .map(|one| &*one.at[0].path)
        .collect();
    assert_eq!(places, ["var/db", "a\\xff/package.json", "package.json"]);
    hides(&inventory, "which leads out of the root");
    assert_eq!(inventory.gaps.len(), 1);
}
