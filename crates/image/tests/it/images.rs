//! Whole images: archives and layouts written here, opened and read.

use crate::tarball::Tarball;
use crate::{TABLE, program};
use image::digest::sha256;
use image::manifest::Config;
use image::{Cache, Image, ImageError, LayerSource, Limits, Opener, Platform, Wanted, open, read};
use model::inventory::Inventory;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn config(layers: &[Vec<u8>], more: &Value) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(layer)).collect();
    let mut config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config.to_string().into_bytes()
}

fn name(bytes: &[u8]) -> String {
    sha256(bytes).replace("sha256:", "")
}

/// `docker save` before version 25, with a layer that is linked to.
pub(crate) fn docker_archive(layers: &[Vec<u8>], more: &Value) -> Vec<u8> {
    let config = config(layers, more);
    let mut archive = Tarball::new();
    let mut paths = Vec::new();
    for (at, layer) in layers.iter().enumerate() {
        archive = archive
            .folder(&format!("{at}/"))
            .file(&format!("{at}/VERSION"), "1.0");
        let path = format!("{at}/layer.tar");
        archive = if at == 1 {
            archive
                .file("shared/layer.tar", layer)
                .symlink(&path, "../shared/layer.tar")
        } else {
            archive.file(&path, layer)
        };
        paths.push(path);
    }
    let file = format!("{}.json", name(&config));
    let manifest = json!([{ "Config": file, "RepoTags": ["shop/web:1"], "Layers": paths }]);
    archive
        .file(&file, &config)
        .file("manifest.json", manifest.to_string())
        .end()
}

/// Files of an OCI layout.
#[derive(Default)]
pub(crate) struct Layout(pub(crate) BTreeMap<String, Vec<u8>>);

impl Layout {
    pub(crate) fn blob(&mut self, bytes: Vec<u8>) -> Value {
        let digest = sha256(&bytes);
        let size = bytes.len();
        self.0
            .insert(format!("blobs/sha256/{}", name(&bytes)), bytes);
        json!({ "digest": digest, "size": size })
    }

    /// An image as a descriptor; layers are (uncompressed, as stored).
    pub(crate) fn image(&mut self, layers: &[(Vec<u8>, Vec<u8>)], more: &Value) -> Value {
        let tars: Vec<Vec<u8>> = layers.iter().map(|(tar, _)| tar.clone()).collect();
        let config = self.blob(config(&tars, more));
        let layers: Vec<Value> = layers
            .iter()
            .map(|(_, stored)| self.blob(stored.clone()))
            .collect();
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": layers });
        self.blob(manifest.to_string().into_bytes())
    }

    pub(crate) fn index(mut self, manifests: &[Value]) -> Self {
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        self.0
            .insert("index.json".into(), index.to_string().into_bytes());
        self.0.insert(
            "oci-layout".into(),
            b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec(),
        );
        self
    }

    fn folder(&self, root: &Path) {
        for (path, bytes) in &self.0 {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    fn archive(&self) -> Vec<u8> {
        let files = self.0.iter();
        files
            .fold(Tarball::new(), |t, (path, bytes)| t.file(path, bytes))
            .end()
    }
}

fn layers() -> Vec<Vec<u8>> {
    vec![
        Tarball::new()
            .symlink("bin", "usr/bin")
            .file("etc/os-release", "debian 12.5")
            .file("var/db", "libc 1\nbash 2")
            .file("info/bash.list", "/bin/bash\n/usr/lib/py/package.json\n")
            .mode("usr/bin/bash", 0o755, &program("5.2"))
            .file("usr/lib/py/package.json", "py 1.0")
            .file("old/package.json", "old 1.0")
            .end(),
        Tarball::new()
            .file("var/db", "libc 1\nbash 2\ncurl 7")
            .whiteout("old/package.json")
            .file("app/package.json", "app 0.1")
            .file("opt/py/package.json", "py 1.0")
            .file("app/lib/x.jar", "log4j 2.14")
            .mode("app/server", 0o4755, &program("1.22"))
            .end(),
    ]
}

fn history() -> Value {
    json!({
        "config": { "User": "app", "Env": ["PASSWORD=hunter2"], "Labels": { "a": "b" } },
        "history": [
            { "created_by": "ADD rootfs.tar / # buildkit" },
            { "created_by": "CMD [\"bash\"]", "empty_layer": true },
            { "created_by": "COPY . /app # buildkit" },
            { "created_by": "CMD [\"/app/server\"]", "empty_layer": true },
        ],
    })
}

/// One line for each component: name, version, places with layers, owner.
fn lines(inventory: &Inventory) -> Vec<String> {
    let lines = inventory.components.iter().map(|component| {
        let places = component.at.iter().map(|place| match place.layer {
            Some(layer) => format!("{}@{layer}", place.path),
            None => place.path.to_string(),
        });
        let owner = component.owner.map_or(String::new(), |owner| {
            format!(" of {}", inventory.components[owner as usize].name)
        });
        let places: Vec<String> = places.collect();
        format!(
            "{} {} {}{owner}",
            component.name,
            component.version,
            places.join(",")
        )
    });
    lines.collect()
}

const EXPECTED: [&str; 9] = [
    "bash 2 var/db@0",
    "curl 7 var/db@1",
    "libc 1 var/db@0",
    "bash 5.2 usr/bin/bash@0 of bash",
    "server 1.22 app/server@1",
    "log4j 2.14 app/lib/x.jar!/log4j.jar@1",
    "app 0.1 app/package.json@1",
    "py 1.0 opt/py/package.json@1",
    "py 1.0 usr/lib/py/package.json@0 of bash",
];

fn read_all(image: &Image) -> Inventory {
    read(image, TABLE, &Limits::default(), None).unwrap()
}

fn saved(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn an_inventory_from_every_kind_of_source() {
    let tars = layers();
    let archive = saved(&docker_archive(&tars, &history()));
    let of_docker = open(archive.path(), &Wanted::default()).unwrap();
    let mut layout = Layout::default();
    let stored = [gzip(&tars[0]), zstd::encode_all(&*tars[1], 1).unwrap()];
    let both: Vec<_> = tars.iter().cloned().zip(stored).collect();
    let mut image = layout.image(&both, &history());
    image["annotations"] = json!({ "io.containerd.image.name": "docker.io/shop/web:1" });
    let layout = layout.index(&[image]);
    let folder = tempfile::tempdir().unwrap();
    layout.folder(folder.path());
    let of_folder = open(folder.path(), &Wanted::default()).unwrap();
    let archive = saved(&layout.archive());
    let of_archive = open(archive.path(), &Wanted::default()).unwrap();
    for image in [&of_docker, &of_folder, &of_archive] {
        let inventory = read_all(image);
        assert_eq!(inventory.gaps, []);
        assert_eq!(lines(&inventory), EXPECTED);
        let release = inventory.release.as_ref().unwrap();
        assert_eq!((&*release.id, &*release.version), ("debian", "12.5"));
        assert!(release.end_of_life.is_some());
        let config = inventory.config.as_ref().unwrap();
        assert_eq!(config.environment, ["PASSWORD".into()]);
        let layers: Vec<_> = inventory
            .layers
            .iter()
            .map(|l| (l.created_by.as_deref(), l.of_base))
            .collect();
        assert_eq!(
            layers,
            [
                (Some("ADD rootfs.tar / # buildkit"), Some(true)),
                (Some("COPY . /app # buildkit"), None),
            ]
        );
        assert_eq!(inventory.layers[0].size, tars[0].len() as u64);
        assert_eq!(inventory.remarks.len(), 1);
        assert_eq!(&*inventory.remarks[0].place.path, "app/server");
        let server = inventory
            .components
            .iter()
            .find(|one| &*one.name == "server")
            .unwrap();
        let linked = &inventory.linked[server.linked.unwrap() as usize];
        assert_eq!(&*linked.path, "app/server");
        assert_eq!(
            inventory.artifact.identity.platform.as_deref(),
            Some("linux/amd64")
        );
        let references: Vec<_> = image
            .identity
            .references
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(references, ["docker.io/shop/web:1"]);
        assert!(
            !serde_json::to_string(&inventory)
                .unwrap()
                .contains("hunter2")
        );
    }
    assert_eq!(of_docker.identity.config, of_folder.identity.config);
    assert_eq!(of_folder.identity.manifests.len(), 1);
    assert_eq!(of_docker.layers[0].digest, None);
    assert_eq!(
        of_folder.layers[0].digest.as_deref(),
        Some(&*sha256(&gzip(&tars[0])))
    );
}

/// An image of layers in memory.
pub(crate) fn image(layers: Vec<Vec<u8>>) -> Image {
    let config = config(&layers, &json!({}));
    let digest = sha256(&config);
    let mut image = Image {
        name: "memory".into(),
        identity: model::image::ImageIdentity::default(),
        config: Config::parse("config", &config).unwrap(),
        annotations: BTreeMap::new(),
        layers: layers
            .into_iter()
            .map(|layer| LayerSource {
                diff_id: sha256(&layer).into(),
                digest: None,
                open: opener(layer),
            })
            .collect(),
    };
    image.identity.config = Some(digest.into());
    image
}

pub(crate) fn opener(bytes: Vec<u8>) -> Opener {
    let bytes: Arc<[u8]> = bytes.into();
    Opener::Stream(Arc::new(move || {
        Ok(Box::new(std::io::Cursor::new(Arc::clone(&bytes))))
    }))
}

/// What stands after the layers: `name version place`.
fn check(layers: Vec<Tarball>, expected: &[&str]) {
    let image = image(layers.into_iter().map(Tarball::end).collect());
    let inventory = read_all(&image);
    assert_eq!(inventory.gaps, []);
    assert_eq!(lines(&inventory), expected);
}

#[test]
fn statements_follow_their_files() {
    let t = Tarball::new;
    let json = || t().file("a/package.json", "a 1");
    check(
        vec![json(), t().file("a/package.json", "a 2")],
        &["a 2 a/package.json@1"],
    );
    check(vec![json(), t().whiteout("a")], &[]);
    check(vec![json(), t().opaque("a")], &[]);
    check(vec![json(), t().file("a", "")], &[]);
    // Through a folder that is a link, the file stands where the link leads, and is found by its name.
    check(
        vec![
            t().symlink("lib", "usr/lib").folder("usr/lib"),
            t().file("lib/db", "x 1"),
        ],
        &["x 1 usr/lib/db@1"],
    );
    check(
        vec![
            t().symlink("lib", "usr/lib").file("lib/db", "x 1"),
            t().whiteout("lib"),
        ],
        &[],
    );
    // Hard links: another wanted name, an unwanted one, and one that makes it wanted.
    check(
        vec![json().hardlink("b/package.json", "a/package.json")],
        &["a 1 a/package.json@0,b/package.json@0"],
    );
    check(
        vec![json().hardlink("b", "a/package.json"), t().whiteout("a")],
        &[],
    );
    check(
        vec![
            json().hardlink("b/package.json", "a/package.json"),
            t().whiteout("a"),
        ],
        &["a 1 b/package.json@0"],
    );
    check(
        vec![
            t().file("store/1", "p 1")
                .hardlink("n/package.json", "store/1"),
        ],
        &["p 1 n/package.json@0"],
    );
    check(
        vec![
            t().file("store/1", "p 1"),
            t().hardlink("n/package.json", "store/1").whiteout("store"),
        ],
        &["p 1 n/package.json@0"],
    );
    // Links by name, also to names that nobody wants, in another layer, over other links, out of the root.
    check(
        vec![
            t().file("x/os", "ubuntu 24.04")
                .symlink("var/db", "../x/db")
                .file("x/db", "d 1"),
        ],
        &["d 1 var/db@0"],
    );
    check(
        vec![
            t().file("x/db", "d 1"),
            t().symlink("y", "x").symlink("var/db", "/y/../y/db"),
        ],
        &["d 1 var/db@0"],
    );
    check(
        vec![
            t().file("x/db", "d 1").symlink("var/db", "../x/db"),
            t().file("x/db", "e 2"),
        ],
        &["e 2 var/db@1"],
    );
    check(
        vec![
            t().file("x/db", "d 1")
                .symlink("var/db", "../../../../x/db"),
        ],
        &["d 1 var/db@0"],
    );
    check(
        vec![
            t().symlink("var/db", "there"),
            t().symlink("lib/db", "nowhere"),
        ],
        &[],
    );
    check(
        vec![t().symlink("var/db", "../lib/db").file("lib/db", "d 1")],
        &["d 1 lib/db@0"],
    );
    // A program under several names is one program.
    check(
        vec![
            t().mode("z", 0o755, &program("1")).hardlink("y", "z"),
            t().whiteout("z"),
        ],
        &["z 1 y@0"],
    );
}

#[test]
fn layers_of_packages_that_stayed() {
    let t = Tarball::new;
    check(
        vec![
            t().file("var/db", "a 1\nb 1\nc 1"),
            t().file("var/db", "a 1\nb 2"),
            t().file("other", ""),
            t().file("var/db", "a 1\nb 2\nc 1"),
        ],
        &["a 1 var/db@0", "b 2 var/db@1", "c 1 var/db@3"],
    );
}

#[test]
fn what_was_put_over_a_file_of_a_package_is_not_the_package() {
    let t = Tarball::new;
    let list = "/bin/tool\n/lib/package.json";
    let base = || {
        t().symlink("bin", "usr/bin")
            .file("var/db", "tool 1")
            .file("tool.list", list)
            .mode("usr/bin/tool", 0o755, &program("1"))
            .file("lib/package.json", "p 1")
    };
    let owners = |above: Tarball| -> Vec<String> {
        let image = image(vec![base().end(), above.end()]);
        lines(&read_all(&image))
    };
    assert_eq!(
        owners(t().file("etc/x", "")),
        [
            "tool 1 var/db@0",
            "tool 1 usr/bin/tool@0 of tool",
            "p 1 lib/package.json@0 of tool",
        ]
    );
    assert_eq!(
        owners(t().mode("usr/bin/tool", 0o755, &program("2"))),
        [
            "tool 1 var/db@0",
            "tool 2 usr/bin/tool@1",
            "p 1 lib/package.json@0 of tool",
        ]
    );
    // An update of the package brings its files with it.
    let update = t()
        .file("var/db", "tool 2")
        .mode("usr/bin/tool", 0o755, &program("2"));
    assert_eq!(
        owners(update),
        [
            "tool 2 var/db@1",
            "tool 2 usr/bin/tool@1 of tool",
            "p 1 lib/package.json@0 of tool",
        ]
    );
}

#[test]
fn gaps_go_with_their_files() {
    let large = Tarball::new().file("a/package.json", vec![b' '; 3_000]);
    let gaps = |layers: Vec<Tarball>| {
        let image = image(layers.into_iter().map(Tarball::end).collect());
        let gaps = read_all(&image).gaps.into_iter();
        gaps.map(|gap| format!("{}: {} ({:?})", gap.scope, gap.what, gap.weight))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        gaps(vec![large.clone()]),
        [
            "image memory: a/package.json has 3000 bytes, more than the 1024 that modules reads (Hides)"
        ]
    );
    assert_eq!(gaps(vec![large, Tarball::new().whiteout("a")]), [""; 0]);
    let cut = Tarball::new().file("x", "y").zeroes(1).file("z", "");
    assert_eq!(gaps(vec![cut]).len(), 1);
}

#[test]
fn a_layer_that_is_not_what_it_should_be_is_an_error() {
    let cache_folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(cache_folder.path(), 1 << 30).unwrap();
    let sound = Tarball::new().file("var/db", "a 1").end();
    let forged = Tarball::new().file("var/db", "b 1").end();
    let mut image = image(vec![sound.clone()]);
    image.layers[0].open = opener(forged.clone());
    let limits = Limits::default();
    let error = read(&image, TABLE, &limits, Some(&cache)).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&sha256(&sound)) && text.contains(&sha256(&forged)),
        "{text}"
    );
    assert!(matches!(error, ImageError::Digest { .. }));
    assert_eq!(std::fs::read_dir(cache_folder.path()).unwrap().count(), 0);
    // The right content under a wrong blob digest is one as well.
    image.layers[0].open = opener(sound);
    image.layers[0].digest = Some(sha256(b"x").into());
    assert!(matches!(
        read(&image, TABLE, &limits, None),
        Err(ImageError::Digest { .. })
    ));
}

#[test]
fn what_cannot_be_opened_or_read_is_a_gap_and_not_kept() {
    let cache_folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(cache_folder.path(), 1 << 30).unwrap();
    let tar = Tarball::new()
        .file("var/db", "a 1")
        .file("z", vec![7; 5_000])
        .end();
    let mut image = image(vec![tar.clone(), tar.clone()]);
    image.layers[0].open = Opener::Missing("it is not there".into());
    image.layers[1].open = opener(gzip(&tar)[..60].to_vec());
    let inventory = read(&image, TABLE, &Limits::default(), Some(&cache)).unwrap();
    let gaps: Vec<&str> = inventory.gaps.iter().map(|gap| &*gap.what).collect();
    assert!(
        gaps.iter().any(|gap| gap.contains("it is not there")),
        "{gaps:?}"
    );
    assert!(
        gaps.iter().any(|gap| gap.contains("not read to its end")),
        "{gaps:?}"
    );
    assert_eq!(std::fs::read_dir(cache_folder.path()).unwrap().count(), 0);
}

#[test]
fn known_layers_and_images_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path(), 1 << 30).unwrap();
    let tars = layers();
    let limits = Limits::default();
    let mut first = image(tars.clone());
    first.layers[0].digest = Some(sha256(&tars[0]).into());
    let inventory = read(&first, TABLE, &limits, Some(&cache)).unwrap();
    assert_eq!(lines(&inventory), EXPECTED);
    // The same image from a source that cannot be read any more, under another name.
    let mut known = image(tars.clone());
    known.name = "other".into();
    for layer in &mut known.layers {
        layer.open = Opener::Missing("gone".into());
    }
    let again = read(&known, TABLE, &limits, Some(&cache)).unwrap();
    assert_eq!(lines(&again), EXPECTED);
    assert_eq!(&*again.artifact.name, "other");
    assert_eq!(again.layers[0].digest, None);
    // Another image on the same layers, one of which is new; and a link that must be read in a known one.
    let more = Tarball::new().symlink("lib/db", "../app/lib/x.jar").end();
    let mut next = image([tars, vec![more]].concat());
    let opens = next.layers[1].open.clone();
    for layer in &mut next.layers[..2] {
        layer.open = Opener::Missing("gone".into());
    }
    let without = read(&next, TABLE, &limits, Some(&cache)).unwrap();
    assert_eq!(without.gaps.len(), 1, "{:?}", without.gaps);
    next.layers[1].open = opens;
    let with = read(&next, TABLE, &limits, Some(&cache)).unwrap();
    assert_eq!(
        (with.gaps.len(), with.components.len()),
        (0, EXPECTED.len() + 1)
    );
    let plain = read(&image(layers()), TABLE, &limits, None).unwrap();
    assert_eq!(plain.components, again.components);
    // Other limits, other facts.
    let other = Limits {
        entries: 1 << 20,
        ..limits
    };
    assert!(
        !read(&known, TABLE, &other, Some(&cache))
            .unwrap()
            .gaps
            .is_empty()
    );
}

#[test]
fn indexes_by_platform_and_name() {
    let tar = |name: &str| Tarball::new().file("var/db", format!("{name} 1")).end();
    let mut layout = Layout::default();
    let mut one = |architecture: &str| {
        let tar = tar(architecture);
        let more = json!({ "architecture": architecture });
        let mut image = layout.image(&[(tar.clone(), gzip(&tar))], &more);
        image["platform"] = json!({ "os": "linux", "architecture": architecture });
        image
    };
    let (amd, arm, lone) = (one("amd64"), one("arm64"), one("s390x"));
    let mut attestation = layout.blob(b"{}".to_vec());
    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
    attestation["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest" });
    let inner = json!({ "schemaVersion": 2, "manifests": [amd, arm, attestation] });
    let mut inner = layout.blob(inner.to_string().into_bytes());
    inner["annotations"] = json!({ "org.opencontainers.image.ref.name": "both" });
    let mut lone = lone;
    lone["annotations"] = json!({ "org.opencontainers.image.ref.name": "lone" });
    let file = saved(&layout.index(&[inner, lone]).archive());
    let found = |name: Option<&str>, platform: Option<&str>| -> Result<String, ImageError> {
        let wanted = Wanted {
            platform: platform.map(|text| Platform::parse(text).unwrap()),
            name: name.map(Into::into),
            ..Wanted::default()
        };
        let image = open(file.path(), &wanted)?;
        assert_eq!(
            image.identity.indexes.len(),
            usize::from(name == Some("both"))
        );
        Ok(read_all(&image).components[0].name.to_string())
    };
    assert_eq!(found(Some("both"), Some("linux/amd64")).unwrap(), "amd64");
    assert_eq!(
        found(Some("both"), Some("linux/arm64/v8")).unwrap(),
        "arm64"
    );
    assert_eq!(found(Some("lone"), None).unwrap(), "s390x");
    for (name, platform, part) in [
        (None, None, "both, lone"),
        (Some("none"), None, "both, lone"),
        (
            Some("both"),
            Some("linux/riscv64"),
            "only for linux/amd64, linux/arm64",
        ),
        (Some("lone"), Some("linux/amd64"), "only for linux/s390x"),
    ] {
        let error = found(name, platform).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn broken_archives_are_errors() {
    let check = |bytes: &[u8], part: &str| {
        let file = saved(bytes);
        let error = open(file.path(), &Wanted::default()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{text}");
    };
    let tars = layers();
    let archive = docker_archive(&tars, &json!({}));
    check(b"", "neither manifest.json nor");
    check(b"text", "cut after");
    check(&[b'x'; 2_000], "checksum");
    let packed = gzip(&archive);
    check(&packed[..packed.len() / 2], "compressed as a whole");
    check(&archive[..archive.len() - 4096], "");
    check(
        &Tarball::new().file("etc/passwd", "").end(),
        "neither manifest.json nor",
    );
    check(
        &Tarball::new().file("manifest.json", "[]").end(),
        "is empty",
    );
    check(
        &Tarball::new().file("manifest.json", "{").end(),
        "cannot understand",
    );
    let manifest = r#"[{"Config":"c.json","Layers":[]}]"#;
    check(
        &Tarball::new().file("manifest.json", manifest).end(),
        "c.json, which it names",
    );
    check(
        &Tarball::new()
            .file("manifest.json", manifest)
            .file("c.json", "{}")
            .end(),
        "names no layers",
    );
    check(
        &Tarball::new()
            .file("manifest.json", manifest)
            .symlink("c.json", "c.json")
            .end(),
        "which it names",
    );
    let two = Tarball::new()
        .file("manifest.json", manifest)
        .file("c.json", config(&tars, &json!({})));
    check(&two.end(), "names 0 layers and its configuration 2");
    let named = format!("{}.json", "a".repeat(64));
    let manifest = json!([{ "Config": named, "Layers": [] }]).to_string();
    check(
        &Tarball::new()
            .file("manifest.json", manifest)
            .file(&named, "{}")
            .end(),
        "should have the digest",
    );
    // A document of a layout that is not what its name says.
    let mut layout = Layout::default();
    let image = layout.image(&[], &json!({}));
    let mut layout = layout.index(&[image]);
    for (path, bytes) in &mut layout.0 {
        if path.starts_with("blobs/") {
            bytes.push(b' ');
        }
    }
    check(&layout.archive(), "should have the digest");
    let mut layout = Layout::default();
    layout.blob(Vec::new());
    check(
        &layout
            .index(&[json!({ "digest": "sha256:../../etc/passwd" })])
            .archive(),
        "is no digest",
    );
    let empty = tempfile::tempdir().unwrap();
    let error = open(empty.path(), &Wanted::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("scan rootfs"), "{error}");
    assert!(open(&empty.path().join("none"), &Wanted::default()).is_err());
}
