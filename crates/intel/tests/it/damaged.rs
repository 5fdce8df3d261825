//! Bytes nobody vouches for: whatever is flipped, cut or forged, the reader answers or refuses.

use crate::matching::inventory;
use crate::small::{Files, feeds};
use intel::Intelligence;
use intel::build::{BuildOptions, Built, build_files};
use intel::matching::{matches, why_not};
use proptest::prelude::*;
use std::sync::LazyLock;

const IDS: [&str; 8] = [
    "CVE-2024-0001",
    "CVE-2024-0002",
    "CVE-2024-0003",
    "CVE-2024-0004",
    "GO-2024-0001",
    "GHSA-aaaa-bbbb-cccc",
    "x_ONLY-1",
    "CVE-2031-1234567",
];

const PACKAGES: [(&str, &str); 4] = [
    (
        "pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl",
        "debian:12",
    ),
    (
        "pkg:rpm/almalinux/nodejs@18.1.0-1.module_el8",
        "almalinux:8",
    ),
    ("pkg:golang/golang.org/x/net@v0.22.0", ""),
    ("pkg:pypi/zope-interface@4.9", ""),
];

static SOUND: LazyLock<Built> = LazyLock::new(|| {
    let mut files: Files = feeds();
    files.extend(crate::matching::feeds());
    build_files(&files, &BuildOptions::default()).unwrap().0
});

/// Asks everything; whether the reader noticed damage.
fn ask(advisories: Vec<u8>, scores: Vec<u8>) -> bool {
    let Ok(intel) = Intelligence::from_bytes(advisories, scores) else {
        return true;
    };
    for id in IDS {
        if let Some(record) = intel.lookup(id) {
            for statement in &record.statements {
                let _ = statement.title.map(|title| intel.title(title));
            }
        }
        let _ = intel.closure(id);
    }
    let _ = intel.kubernetes("kubelet", "1.28.0");
    for (purl, distro) in PACKAGES {
        let inventory = inventory(&[purl], Some(distro));
        let _ = matches(&inventory, &intel, None);
        let _ = why_not(&inventory, 0, &intel);
    }
    let _ = intel.info();
    intel.damage().is_some() || intel.verify().is_err()
}

fn number(bytes: &[u8]) -> usize {
    usize::try_from(u64::from_le_bytes(bytes.try_into().unwrap())).unwrap()
}

/// A file whose checksums are right whatever its content: what a hostile builder would send.
fn resealed(file: &[u8], forge: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = file.to_vec();
    let sections = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
    let checks = 64 + 32 * sections;
    let body = number(&bytes[72..80]);
    forge(&mut bytes[body..]);
    let mut at = checks;
    for n in 0..sections {
        let entry = 64 + 32 * n;
        let field = |from: usize| number(&bytes[entry + from..entry + from + 8]);
        let (offset, length) = (field(8), field(16));
        let sums: Vec<u32> = bytes[offset..offset + length]
            .chunks(4096)
            .map(crc32fast::hash)
            .collect();
        for sum in sums {
            bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
            at += 4;
        }
    }
    let mut head = crc32fast::Hasher::new();
    head.update(&bytes[..28]);
    head.update(&bytes[32..body]);
    let sum = head.finalize().to_le_bytes();
    bytes[28..32].copy_from_slice(&sum);
    bytes
}

#[test]
fn a_sound_database_is_sound() {
    assert!(!ask(SOUND.advisories.clone(), SOUND.scores.clone()));
    let same = resealed(&SOUND.advisories, |_| {});
    assert_eq!(same, SOUND.advisories);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn flipped_bits_are_noticed(at in any::<prop::sample::Index>(), bit in 0u8..8, second in any::<bool>()) {
        let (mut advisories, mut scores) = (SOUND.advisories.clone(), SOUND.scores.clone());
        let file = if second { &mut scores } else { &mut advisories };
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        prop_assert!(ask(advisories, scores));
    }

    #[test]
    fn cut_files_are_refused(keep in any::<prop::sample::Index>(), second in any::<bool>()) {
        let (mut advisories, mut scores) = (SOUND.advisories.clone(), SOUND.scores.clone());
        let file = if second { &mut scores } else { &mut advisories };
        let length = keep.index(file.len());
        file.truncate(length);
        prop_assert!(Intelligence::from_bytes(advisories, scores).is_err());
    }

    /// Checksums do not protect against intent: forged content with right checksums must not crash either.
    #[test]
    fn forged_content_never_crashes(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), second in any::<bool>()) {
        let forge = |body: &mut [u8]| for (at, byte) in &edits {
            let at = at.index(body.len());
            body[at] = *byte;
        };
        if second {
            ask(SOUND.advisories.clone(), resealed(&SOUND.scores, forge));
        } else {
            ask(resealed(&SOUND.advisories, forge), SOUND.scores.clone());
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Intelligence::from_bytes(bytes.clone(), bytes).is_err());
    }
}
