//! Any VEX document and any ignore file: a clear answer, and every statement of it names something.
#![no_main]

use ingest::Limits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { document: 4 << 20, matches: 20_000, files: 1 };
    if let Ok(document) = ingest::read_vex("vex", bytes, &limits) {
        for statement in &document.statements {
            assert!(!statement.ids.is_empty() && !statement.products.is_empty());
        }
        if let Ok(Some(bom)) = ingest::read_bom_references("vex", bytes, &limits) {
            document.clone().resolve(&bom);
        }
    }
    for name in ["ignore", "ignore.yaml", ".grype.yaml"] {
        if let Ok(file) = ingest::read_ignores(name, bytes, &limits) {
            assert!(file.entries.iter().all(|entry| entry.line > 0));
        }
    }
});
