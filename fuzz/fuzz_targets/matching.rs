//! Any purl and distribution against a small database, and any OSV record as that database.
#![no_main]

use intel::Intelligence;
use intel::build::{BuildOptions, build_files};
use intel::matching::{matches, why_not};
use intel::purl::{Purl, release};
use model::image::ImageIdentity;
use model::inventory::Inventory;
use model::matches::{Artifact, ArtifactKind};

libfuzzer_sys::fuzz_target!(|input: (String, String, Vec<u8>)| {
    let (text, distro, record) = input;
    let Ok(purl) = Purl::parse(&text) else { return };
    let files = [
        ("osv/npm/GHSA-a-b-c.json".to_owned(), record),
        (
            "osv/npm/GHSA-a-b-d.json".to_owned(),
            br#"{"id":"GHSA-a-b-d","affected":[{"package":{"ecosystem":"npm","name":"n"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#.to_vec(),
        ),
    ];
    let Ok((built, _)) = build_files(&files, &BuildOptions { compression: 1 }) else { return };
    let Ok(intel) = Intelligence::from_bytes(built.advisories, built.scores) else { return };
    let inventory = Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Unknown,
            name: "fuzz".into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        },
        release: Some(release(&distro)).filter(|_| !distro.is_empty()).or_else(|| purl.release()),
        layers: Vec::new(),
        components: vec![purl.component(&text)],
        linked: Vec::new(),
        config: None,
        remarks: Vec::new(),
        gaps: Vec::new(),
    };
    let _ = matches(&inventory, &intel, None);
    let _ = why_not(&inventory, 0, &intel);
});
