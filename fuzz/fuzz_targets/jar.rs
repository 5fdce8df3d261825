//! Hostile zip archives as Java archives, eggs and Yarn's cache: no panic, no hang, bounded memory, few gaps.
#![no_main]

use image::catalog::TABLE;
use image::extract::{Extracts, File, Wants};

const PATHS: [&str; 4] = ["app.war", "lib/a-1.0.jar", "lib/a.egg", ".yarn/cache/a.zip"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for path in PATHS {
        let mut out = Extracts::default();
        for row in TABLE {
            if matches!(row.wants, Wants::Named(wants) if wants(path)) {
                (row.extract)(&File { path, mode: 0o644, bytes }, &mut out);
            }
        }
        assert!(out.gaps.len() <= 22);
    }
});
