//! Archives that were compressed as a whole: `docker save | gzip`.

use crate::TABLE;
use crate::images::{docker_archive, gzip};
use crate::tarball::Tarball;
use flate2::Compression;
use image::{Limits, Wanted, open, read};
use serde_json::json;
use std::io::{self, Read as _, Write as _};

fn layers() -> Vec<Vec<u8>> {
    let base = Tarball::new().file("var/db", "a 1\n").end();
    let app = Tarball::new().file("app/package.json", "b 2\n").end();
    vec![base, app]
}

/// What is read of an archive, and how many files are left in the folder for spooling.
fn told(bytes: &[u8]) -> (Result<Vec<String>, String>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let wanted = Wanted {
        spool: Some(folder.path().into()),
        ..Wanted::default()
    };
    let names = open(file.path(), &wanted).map(|image| {
        let inventory = read(&image, TABLE, &Limits::default(), None).unwrap();
        assert_eq!(inventory.gaps, []);
        inventory
            .components
            .iter()
            .map(|one| one.name.to_string())
            .collect()
    });
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    (names.map_err(|error| error.to_string()), left)
}

#[test]
fn they_are_read_like_others() {
    let archive = docker_archive(&layers(), &json!({}));
    let members = [gzip(&archive[..5_000]), gzip(&archive[5_000..])].concat();
    for packed in [
        archive.clone(),
        gzip(&archive),
        members,
        zstd::encode_all(&*archive, 1).unwrap(),
    ] {
        assert_eq!(told(&packed), (Ok(vec!["a".into(), "b".into()]), 0));
    }
}

#[test]
fn what_is_cut_or_damaged_is_told() {
    let packed = gzip(&docker_archive(&layers(), &json!({})));
    for bytes in [
        &packed[..packed.len() - 20],
        &[0x1f, 0x8b][..],
        &[0x28, 0xb5, 0x2f, 0xfd],
    ] {
        let (told, left) = told(bytes);
        let told = told.unwrap_err();
        assert!(
            told.contains("compressed as a whole and cannot be unpacked"),
            "{told}"
        );
        assert_eq!(left, 0);
    }
    let (told, _) = told(&gzip(&packed));
    assert!(told.unwrap_err().contains("no image that can be read"));
}

#[test]
fn a_bomb_ends_at_the_ratio() {
    // Zeroes that take no room, and letters that would.
    for byte in [0, b'a'] {
        let mut bomb =
            flate2::read::GzEncoder::new(io::repeat(byte).take(512 << 20), Compression::default());
        let mut gzip = Vec::new();
        bomb.read_to_end(&mut gzip).unwrap();
        let zstd = zstd::encode_all(io::repeat(byte).take(512 << 20), 1).unwrap();
        for bytes in [gzip, zstd] {
            let (told, left) = told(&bytes);
            let told = told.unwrap_err();
            assert!(
                told.contains("more than 100 uncompressed bytes for each compressed one"),
                "{told}"
            );
            assert_eq!(left, 0);
        }
    }
}
