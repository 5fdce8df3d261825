//! Package URLs from untrusted reports.
#![no_main]

use model::purl::{self, Purl};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = purl::kind_of(text);
    if let Ok(read) = Purl::parse(text) {
        // What was written is read back as the same, by others too.
        let written = read.to_string();
        assert!(purl::is_uri(&written), "{written}");
        assert_eq!(Purl::parse(&written), Ok(read.clone()));
        let _ = (read.release(), read.component(text));
    }
});
