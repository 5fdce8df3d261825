//! Programs and the small files by which installations say their version. The first byte chooses the reader.
#![no_main]

use image::catalog::program::{BITNAMI, INSTALLATION, LIBRARY, PROGRAM};
use image::extract::{Extracts, File};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let (row, path) = match first % 8 {
        0 => (&INSTALLATION, "jdk/release"),
        1 => (&INSTALLATION, "usr/local/go/VERSION"),
        2 => (&INSTALLATION, "x/ebin/rabbit.app"),
        3 => (&INSTALLATION, "wp-includes/version.php"),
        4 => (&BITNAMI, "opt/bitnami/x/.spdx-x.spdx"),
        5 => (&LIBRARY, "lib/libpython3.11.so"),
        6 => (&PROGRAM, "bin/redis-server"),
        _ => (&PROGRAM, "bin/program"),
    };
    let mut out = Extracts::default();
    (row.extract)(&File { path, mode: 0o755, bytes }, &mut out);
});
