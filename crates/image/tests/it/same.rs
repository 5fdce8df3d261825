//! A root file system and an image of the same files have the same inventory.

use crate::images::image;
use crate::tarball::Tarball;
use crate::{TABLE, program};
use image::catalog;
use image::extract::Extractor;
use image::{Limits, read, rootfs};
use model::inventory::{Component, Inventory};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// Without what only an image has: layers.
fn without_layers(inventory: Inventory) -> Vec<Component> {
    let mut components = inventory.components;
    let places = components.iter_mut().flat_map(|one| &mut one.at);
    places.for_each(|place| place.layer = None);
    components
}

/// Both inventories of a folder.
fn both(folder: &Path, tar: Vec<u8>, table: &[Extractor]) -> [Inventory; 2] {
    [
        rootfs(folder, table, &Limits::default()).unwrap(),
        read(&image(vec![tar]), table, &Limits::default(), None).unwrap(),
    ]
}

#[test]
fn owned_programs_links_and_copies() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for below in ["bin", "usr/bin", "usr/lib", "var", "opt", "app"] {
        fs::create_dir_all(at(below)).unwrap();
    }
    let mut tarball = Tarball::new();
    let put = |tarball: Tarball, path: &str, mode: u32, content: &[u8]| {
        fs::write(at(path), content).unwrap();
        fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).unwrap();
        tarball.mode(path, mode, content)
    };
    // The package owns `usr/bin/tool`, `usr/bin/also` is another name of it; `opt/tool` nobody owns.
    // In the order of names, as builders walk folders.
    tarball = put(tarball, "app/package.json", 0o644, b"owned 1\n");
    tarball = put(tarball, "opt/package.json", 0o644, b"owned 1\n");
    tarball = put(tarball, "opt/tool", 0o755, &program("1.0"));
    let files = b"/usr/bin/tool\n/usr/bin/also\n/app/package.json\n";
    tarball = put(tarball, "pkg.list", 0o644, files);
    tarball = put(tarball, "usr/bin/also", 0o755, &program("1.0"));
    // No program by its size, and one by its name alone.
    tarball = put(tarball, "usr/bin/small", 0o755, b"\x7fELF1");
    tarball = put(tarball, "usr/bin/text", 0o755, &[b'a'; 5_000]);
    fs::hard_link(at("usr/bin/also"), at("usr/bin/tool")).unwrap();
    tarball = tarball.hardlink("usr/bin/tool", "usr/bin/also");
    fs::hard_link(at("opt/package.json"), at("usr/lib/package.json")).unwrap();
    tarball = tarball.hardlink("usr/lib/package.json", "opt/package.json");
    symlink("../opt/tool", at("bin/tool")).unwrap();
    tarball = tarball.symlink("bin/tool", "../opt/tool");
    tarball = put(tarball, "var/db", 0o644, b"pkg 1\n");

    let [of_folder, of_image] = both(folder.path(), tarball.end(), TABLE);
    assert_eq!(of_folder.linked.len(), of_image.linked.len());
    let components = without_layers(of_folder);
    assert_eq!(components, without_layers(of_image));
    let owned: Vec<(&str, bool)> = components
        .iter()
        .map(|one| (&*one.at[0].path, one.owner.is_some()))
        .collect();
    assert_eq!(
        owned,
        [
            ("var/db", false),
            ("usr/bin/also", true),
            ("opt/tool", false),
            ("app/package.json", true),
            ("opt/package.json", false),
        ]
    );
}

/// A real root: Debian with language packages.
#[test]
#[allow(clippy::print_stderr)] // a test's way to say that it was skipped
fn a_debian_root() {
    let Some(roots) = testkit::roots() else {
        assert!(!std::env::var("PLIMSOLL_REQUIRE").is_ok_and(|all| all.contains("root")));
        eprintln!("skipped: there is no Debian root file system");
        return;
    };
    let root = roots.join("full");
    let tar = std::process::Command::new("tar")
        .args(["--create", "--sort=name", "--numeric-owner", "--directory"])
        .arg(&root)
        .arg(".")
        .output()
        .unwrap();
    let [of_folder, of_image] = both(&root, tar.stdout, catalog::TABLE);
    let key = |one: &Component| {
        let mut paths: Vec<String> = one.at.iter().map(|place| place.path.to_string()).collect();
        paths.sort();
        (one.purl.to_string(), one.owner.is_some(), paths)
    };
    let count = |all: &[Component]| {
        let mut counts = BTreeMap::new();
        for one in all {
            *counts.entry(key(one)).or_insert(0) += 1;
        }
        counts
    };
    let (of_folder, of_image) = (without_layers(of_folder), without_layers(of_image));
    let (folder, image) = (count(&of_folder), count(&of_image));
    let only_folder: Vec<_> = folder
        .keys()
        .filter(|one| !image.contains_key(*one))
        .collect();
    let only_image: Vec<_> = image
        .keys()
        .filter(|one| !folder.contains_key(*one))
        .collect();
    assert!(
        only_folder.is_empty() && only_image.is_empty(),
        "only in the folder: {only_folder:#?}\nonly in the image: {only_image:#?}"
    );
    assert_eq!(of_folder, of_image);
    assert!(of_folder.len() > 100, "{}", of_folder.len());
}
