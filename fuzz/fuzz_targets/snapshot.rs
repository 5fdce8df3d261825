//! A saved snapshot of hostile origin.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cluster::saved::read(&mut &bytes[..]);
});
