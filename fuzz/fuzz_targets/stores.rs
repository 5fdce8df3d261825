//! What containerd answers: any bytes are a message or an error.
#![no_main]

use image::source::message;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = message::image_target(bytes);
    let _ = message::content_size(bytes);
    if let Ok((_, piece)) = message::content_piece(bytes) {
        assert!(piece.len() <= bytes.len());
    }
});
