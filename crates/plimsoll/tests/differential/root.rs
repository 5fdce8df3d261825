//! The image of two layers: Debian's minbase, and what was put into it. Comes in: the folders `minbase` and `full`.
//! Goes out: the layers as tar archives, and an archive as `docker save` writes it.

use crate::runner::Home;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The word of `PLIMSOLL_REQUIRE`, and whether it is there.
pub(crate) fn is_there() -> (&'static str, bool) {
    ("root", testkit::roots().is_some())
}

pub(crate) struct Layers {
    /// `base.tar`, `app.tar`, `image.tar`.
    pub(crate) home: Home,
    /// The lower layer.
    pub(crate) minbase: PathBuf,
    /// The root file system that the image holds.
    pub(crate) full: PathBuf,
    pub(crate) diff_ids: Vec<String>,
}

/// Made once; a few seconds.
pub(crate) static LAYERS: LazyLock<Layers> = LazyLock::new(|| {
    let roots = testkit::roots().expect("is_there was asked");
    let home = Home::new();
    let (minbase, full) = (roots.join("minbase"), roots.join("full"));
    let mut names = Vec::new();
    all_below(&minbase, Path::new("."), &mut |name, _| {
        names.push(name.into());
    });
    archive(&minbase, &names, &home.path("base.tar"));
    names.clear();
    all_below(&full, Path::new("."), &mut |name, file| {
        let below = fs::symlink_metadata(minbase.join(name));
        let same = |below: fs::Metadata| file.is_dir() || state(&below) == state(file);
        if !below.is_ok_and(same) {
            names.push(name.into());
        }
    });
    archive(&full, &names, &home.path("app.tar"));
    let digest = |name| testkit::registry::digest(&home.read(name));
    let diff_ids = vec![digest("base.tar"), digest("app.tar")];
    let mut config = configuration();
    config["architecture"] = "amd64".into();
    config["os"] = "linux".into();
    config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
    let manifest = json!([{
        "Config": "config.json", "RepoTags": ["harbour/shop:1.0"], "Layers": ["base.tar", "app.tar"],
    }]);
    home.write("config.json", config.to_string());
    home.write("manifest.json", manifest.to_string());
    let inside = ["manifest.json", "config.json", "base.tar", "app.tar"].map(OsString::from);
    let folder = home.folder.path().to_owned();
    archive(&folder, &inside, &home.path("image.tar"));
    Layers {
        home,
        minbase,
        full,
        diff_ids,
    }
});

/// What a build says of itself, without what names the layers.
pub(crate) fn configuration() -> Value {
    json!({
        "created": "2026-11-20T08:00:00Z",
        "config": {"Cmd": ["node", "/srv/shop/index.js"]},
        "history": [
            {"created_by": "ADD minbase / # buildkit"},
            {"created_by": "COPY shop / # buildkit"},
        ],
    })
}

/// What tells that a file was written again.
fn state(file: &fs::Metadata) -> (u64, i64, i64, u32) {
    (file.len(), file.mtime(), file.mtime_nsec(), file.mode())
}

fn all_below(root: &Path, folder: &Path, see: &mut impl FnMut(&Path, &fs::Metadata)) {
    let mut names: Vec<PathBuf> = fs::read_dir(root.join(folder))
        .unwrap()
        .map(|entry| folder.join(entry.unwrap().file_name()))
        .collect();
    names.sort_unstable();
    for name in names {
        let file = fs::symlink_metadata(root.join(&name)).unwrap();
        see(&name, &file);
        if file.is_dir() {
            all_below(root, &name, see);
        }
    }
}

fn archive(folder: &Path, names: &[OsString], to: &Path) {
    let list = to.with_extension("list");
    let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
    fs::write(&list, names.join(&0)).unwrap();
    let status = Command::new("tar")
        .args(["--create", "--numeric-owner", "--no-recursion", "--null"])
        .arg("--directory")
        .arg(folder)
        .arg("--files-from")
        .arg(&list)
        .arg("--file")
        .arg(to)
        .status()
        .unwrap();
    assert!(status.success(), "tar of {}: {status}", folder.display());
}
