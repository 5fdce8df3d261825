//! apk's installed database, and the release files that decide what its packages are.
#![no_main]

use image::catalog::os::{apk, release};
use image::catalog::os::finish;
use image::extract::{Extract, Extracts, File};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for (row, path) in [(&apk::INSTALLED, "lib/apk/db/installed"), (&release::RELEASE, "etc/os-release")] {
        let mut out = Extracts::default();
        (row.extract)(&File { path, mode: 0o644, bytes }, &mut out);
        for one in out.all {
            let Extract::Components(components) = one else { continue };
            for mut component in components {
                finish(&mut component, None);
                assert!(!component.name.is_empty() && component.purl.is_ascii());
            }
        }
    }
});
