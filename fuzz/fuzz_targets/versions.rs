//! Any two strings under every version order: no panic, the same answer from both sides, equal to itself.
#![no_main]

use intel::version::Scheme;
use std::cmp::Ordering;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Some((a, b)) = text.split_once('\n') else {
        return;
    };
    for ecosystem in Scheme::ecosystems() {
        let Some(scheme) = Scheme::of(ecosystem) else {
            unreachable!("{ecosystem} is listed");
        };
        assert_eq!(
            scheme.compare(a, b),
            scheme.compare(b, a).map(Ordering::reverse)
        );
        assert!(matches!(scheme.compare(a, a), None | Some(Ordering::Equal)));
    }
});
