//! A manifest file into a Snapshot, and the places of its fields.
#![no_main]

use cluster::manifests::{Input, Options, read};

const OPTIONS: Options = Options { kubernetes_minor: None, max_bytes: 16 << 20, redaction_key: [0; 32] };

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let input = Input::Bytes { name: "-".into(), bytes: bytes.into() };
    let _ = read(&[input], &OPTIONS);
});
