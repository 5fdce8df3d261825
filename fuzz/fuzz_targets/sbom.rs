//! Lists of packages of any form, damaged in any way.
#![no_main]

use ingest::{Limits, read_sbom};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 1 << 20, matches: 1000, files: 1 };
    for one in read_sbom("list", bytes, None, &limits).into_iter().flatten() {
        for component in &one.components {
            assert!(!component.kind.is_empty() && !component.name.is_empty());
            assert!(component.owner.is_none_or(|owner| (owner as usize) < one.components.len()));
            for place in &component.at {
                assert!(place.layer.is_none_or(|layer| (layer as usize) < one.layers.len()));
            }
        }
    }
});
