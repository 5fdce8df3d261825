//! Image references, ids and vectors from untrusted reports.
#![no_main]

use model::image::ImageReference;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(reference) = ImageReference::parse(text) {
        // What was printed is read back as the same.
        assert_eq!(ImageReference::parse(&reference.to_string()), Some(reference));
    }
    let _ = model::keys::cve_order(text);
    let _ = model::keys::purl_without_version(text);
    let _ = intel::cvss::parse(text);
});
