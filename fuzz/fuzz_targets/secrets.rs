//! Secrets in any file, and what is shown instead of them: nothing that rules find is left in the text.
#![no_main]

use image::catalog::secret::probe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    const PATHS: [&str; 8] = [
        "app/.env", "app/a.py", "etc/shadow", "root/.netrc", "root/.pgpass", "root/.docker/config.json", "srv/.htpasswd",
        "root/.kube/config",
    ];
    let Some((first, text)) = bytes.split_first() else { return };
    let (remarks, shown) = probe(PATHS[usize::from(*first) % PATHS.len()], text);
    for remark in &remarks {
        assert!(remark.what.len() < 400 && remark.line.is_some_and(|line| line > 0), "{remark:?}");
    }
    // Text that is no UTF-8 is longer as a string; each place of a secret is replaced by one word.
    assert!(shown.len() <= 3 * text.len() + 9 * (1 + text.len()));
});
