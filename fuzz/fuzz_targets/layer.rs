//! One layer of an image: any bytes as a tar, plain or compressed, then laid over another layer. Everything stays
//! within the limits, and no path leaves the root.
#![no_main]

use image::Limits;
use image::blob::{Blob, Said};
use image::catalog::TABLE;
use image::layer::{EntryKind, walk};
use image::standing::survey;
use image::tree::Tree;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        entries: 1_000,
        layer_bytes: 8 << 20,
        file_bytes: 1 << 20,
        gaps: 50,
        ..Limits::default()
    };
    let diff_id = image::digest::sha256(bytes);
    let said = Said { diff_id: &diff_id, digest: None };
    let Ok(mut blob) = Blob::new(bytes, said, &limits) else { return };
    let (facts, _) = walk(&mut blob, TABLE, &limits);
    let _ = blob.finish(said);
    assert!(facts.entries.len() <= 1_000 && facts.gaps.len() <= 50);
    for entry in &facts.entries {
        assert!(entry.path.split('/').all(|part| part != ".." && part != "."));
        assert!(!entry.path.is_empty() || entry.kind == EntryKind::Opaque);
    }
    let layers = [facts.clone(), facts];
    let tree = Tree::new(&layers);
    let survey = survey(&tree, &layers, TABLE);
    assert!(survey.standing.iter().all(|one| !one.paths.is_empty()));
});
