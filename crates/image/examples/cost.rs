//! What reading costs, beside the plain cost of inflating and hashing: `cost inflate|layer|layer-without|rootfs|image
//! PATH [CACHE]`. Time and memory are those of the process; run it under `/usr/bin/time -v`.
#![allow(clippy::print_stdout, clippy::expect_used)]

use image::blob::{Blob, Said};
use image::catalog::TABLE;
use image::extract::Extractor;
use image::{Cache, Limits, Wanted, digest};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, path) = match &arguments[..] {
        [what, path, ..] => (&**what, Path::new(path)),
        _ => return println!("cost inflate|layer|layer-without|rootfs|image PATH [CACHE]"),
    };
    let cache = arguments
        .get(2)
        .map(|folder| Cache::new(Path::new(folder), 1 << 30).expect("a cache"));
    let start = Instant::now();
    let limits = Limits::default();
    match what {
        "inflate" => inflate(path),
        "layer" => layer(path, TABLE, &limits),
        "layer-without" => layer(path, &[], &limits),
        "rootfs" => {
            let inventory = image::rootfs(path, TABLE, &limits).expect("a root");
            println!("{} components", inventory.components.len());
        }
        _ => {
            let image = image::open(path, &Wanted::default()).expect("an image");
            let inventory = image::read(&image, TABLE, &limits, cache.as_ref()).expect("layers");
            println!("{} components", inventory.components.len());
        }
    }
    println!("{what}: {:?}", start.elapsed());
}

/// What cannot be saved: SHA-256 of the blob, inflating, SHA-256 of the tar.
fn inflate(path: &Path) {
    let mut blob = std::io::BufReader::with_capacity(128 << 10, File::open(path).expect("a file"));
    let mut piece = vec![0; 128 << 10];
    let mut stored = Sha256::new();
    loop {
        let read = blob.read(&mut piece).expect("bytes");
        if read == 0 {
            break;
        }
        stored.update(&piece[..read]);
    }
    let blob = std::io::BufReader::with_capacity(128 << 10, File::open(path).expect("a file"));
    let mut stream = flate2::bufread::MultiGzDecoder::new(blob);
    let mut tar = Sha256::new();
    loop {
        let read = stream.read(&mut piece).expect("bytes");
        if read == 0 {
            break;
        }
        tar.update(&piece[..read]);
    }
    println!(
        "{:02x?} {:02x?}",
        &stored.finalize()[..2],
        &tar.finalize()[..2]
    );
}

fn layer(path: &Path, table: &[Extractor], limits: &Limits) {
    // Digests of the right length and another value: all the work of comparing, and a mismatch at the end.
    let wrong = digest::sha256(b"");
    let said = Said {
        diff_id: &wrong,
        digest: Some(&wrong),
    };
    let mut blob = Blob::new(File::open(path).expect("a file"), said, limits).expect("a blob");
    let (facts, _) = image::layer::walk(&mut blob, table, limits);
    println!(
        "{} entries, {} statements",
        facts.entries.len(),
        facts.statements.len()
    );
    println!("{:?}", blob.finish(said));
}
