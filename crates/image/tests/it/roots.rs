//! Root file systems in a folder.

use crate::{TABLE, program};
use image::{Limits, rootfs};
use model::inventory::Inventory;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn run(root: &Path, path: &str, version: &str) {
    put(root, path, program(version));
    fs::set_permissions(root.join(path), fs::Permissions::from_mode(0o755)).unwrap();
}

fn lines(inventory: &Inventory) -> Vec<String> {
    let lines = inventory.components.iter().map(|component| {
        let places: Vec<&str> = component.at.iter().map(|place| &*place.path).collect();
        format!(
            "{} {} {}",
            component.name,
            component.version,
            places.join(",")
        )
    });
    lines.collect()
}

fn read(root: &Path) -> Inventory {
    rootfs(root, TABLE, &Limits::default()).unwrap()
}

#[test]
fn a_root_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let outside = folder.path().join("outside");
    put(&outside, "package.json", "secret 1");
    put(&outside, "db", "secret 1");
    put(&root, "usr/etc/os", "debian 12.5");
    put(&root, "var/db", "bash 5\nlibc 2");
    put(&root, "info/bash.list", "/bin/bash\n/bin/sh");
    put(&root, "app/package.json", "app 1");
    put(&root, "empty/package.json", "");
    run(&root, "usr/bin/bash", "5");
    run(&root, "usr/bin/sh.real", "6");
    run(&root, "opt/tool", "1.2");
    put(&root, "opt/data", program("9"));
    symlink("usr/bin", root.join("bin")).unwrap();
    // A link to a file with no telling name; links out of the root; loops.
    fs::create_dir_all(root.join("etc")).unwrap();
    symlink("/usr/etc/os", root.join("etc/os-release")).unwrap();
    symlink("../../../../../../../outside", root.join("lib")).unwrap();
    symlink(&outside, root.join("direct")).unwrap();
    fs::create_dir_all(root.join("m")).unwrap();
    symlink("../../outside/package.json", root.join("m/package.json")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    fs::create_dir_all(root.join("n")).unwrap();
    symlink("package.json", root.join("n/package.json")).unwrap();
    let odd = root.join(std::ffi::OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("package.json"), "odd 1").unwrap();
    fs::write(odd.join("tool"), program("3")).unwrap();
    fs::set_permissions(odd.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let inventory = read(&root);
    let gaps: Vec<&str> = inventory.gaps.iter().map(|gap| &*gap.what).collect();
    assert_eq!(
        gaps,
        ["n/package.json is a link that leads in a circle and was not read"]
    );
    assert_eq!(
        lines(&inventory),
        [
            "bash 5 var/db",
            "libc 2 var/db",
            "bash 5 usr/bin/bash",
            "sh.real 6 usr/bin/sh.real",
            "tool 1.2 opt/tool",
            "tool 3 odd\\xff/tool",
            "app 1 app/package.json",
            "odd 1 odd\\xff/package.json",
        ]
    );
    assert_eq!(&*inventory.release.as_ref().unwrap().version, "12.5");
    assert!(inventory.layers.is_empty() && inventory.config.is_none());
    assert!(rootfs(&root.join("none"), TABLE, &Limits::default()).is_err());
}

#[test]
fn pipes_and_depth_do_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("var")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("var/db"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let deep = "d/".repeat(300);
    put(root, &format!("{deep}package.json"), "deep 1");
    let inventory = read(root);
    assert_eq!(lines(&inventory), [""; 0]);
    assert_eq!(inventory.gaps.len(), 1, "{:?}", inventory.gaps);
    assert!(inventory.gaps[0].what.contains("was not entered"));
    let few = Limits {
        entries: 20,
        ..Limits::default()
    };
    let inventory = rootfs(root, TABLE, &few).unwrap();
    assert!(
        inventory.gaps[0].what.contains("more than 20 files"),
        "{:?}",
        inventory.gaps
    );
}

#[test]
fn limits_of_files() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a/package.json", vec![b' '; 2_000]);
    let inventory = read(folder.path());
    assert!(
        inventory.gaps[0].what.contains("more than the 1024"),
        "{:?}",
        inventory.gaps
    );
    assert!(inventory.gaps[0].scope.starts_with("rootfs "));
}
