//! Bytes of a YAML or JSON file into node trees: no panic, no hang, bounded memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cluster::tree::text(bytes).map(|text| {
        let _ = cluster::tree::parse(&text);
        let _ = cluster::tree::json::document(&text);
    });
});
