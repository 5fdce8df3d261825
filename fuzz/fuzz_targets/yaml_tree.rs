//! Bytes of a YAML or JSON file into node trees: no panic, no hang, bounded memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cluster::tree::parse(bytes);
    if let Ok(text) = cluster::tree::text(bytes) {
        let _ = cluster::tree::json::document(&text);
        let _ = cluster::tree::document_starts(&text);
    }
});
