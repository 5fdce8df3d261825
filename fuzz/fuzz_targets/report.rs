//! Any foreign report: a clear answer, and every index of it points somewhere.
#![no_main]

use ingest::Limits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 4 << 20, matches: 20_000, files: 1 };
    for set in ingest::read("report", bytes, &limits).into_iter().flatten() {
        for one in &set.matches {
            assert!((one.artifact as usize) < set.artifacts.len());
            assert!((one.advisory as usize) < set.advisories.len());
            assert!(one.package.is_none_or(|package| (package as usize) < set.packages.len()));
        }
    }
});
