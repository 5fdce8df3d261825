//! An archive of an image on disk: any bytes are an inventory or an error.
#![no_main]

use image::catalog::TABLE;
use image::{Limits, Wanted};
use std::io::Write as _;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("room");
    let Ok(image) = image::open(file.path(), &Wanted::default()) else { return };
    let limits = Limits {
        layers: 10,
        entries: 1_000,
        layer_bytes: 8 << 20,
        file_bytes: 1 << 20,
        ..Limits::default()
    };
    let _ = image::read(&image, TABLE, &limits, None);
});
