//! rpm's databases in all three forms: headers, trees, chains of pages.
#![no_main]

use image::catalog::os::rpm;
use image::catalog::os::finish;
use image::extract::{Extract, Extracts, File};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for (row, path) in [(&rpm::DATABASE, "var/lib/rpm/Packages"), (&rpm::MANIFEST, "var/lib/rpmmanifest/container-manifest-2")] {
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
