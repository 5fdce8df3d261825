//! The crate from outside: archives written here, byte by byte where they must be wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::case_sensitive_file_extension_comparisons)] // names of a made-up world

mod hostile;
mod images;
mod layers;
mod packed;
#[cfg(feature = "registry")]
mod registry;
mod roots;
mod same;
#[cfg(feature = "stores")]
mod stores;
mod tarball;
mod trees;

use image::extract::{Extract, Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs, Linked, Place, Release, Remark};

/// Extractors of a made-up world: files of lines `NAME VERSION`.
pub(crate) static TABLE: &[Extractor] = &[
    Extractor {
        name: "database",
        wants: Wants::Named(|path| path == "var/db" || path == "lib/db"),
        limit: 1 << 20,
        extract: |file, out| {
            let components = components(file, "deb", FoundAs::Installed);
            out.all.push(Extract::Components(components));
        },
    },
    Extractor {
        name: "lists",
        wants: Wants::Named(|path| path.ends_with(".list")),
        limit: 1 << 20,
        extract: |file, out| {
            let name = file.path.rsplit('/').next().unwrap();
            out.all.push(Extract::Files {
                package: name.trim_end_matches(".list").into(),
                paths: lines(file)
                    .map(|line| line.trim_start_matches('/').into())
                    .collect(),
            });
        },
    },
    Extractor {
        name: "modules",
        wants: Wants::Named(|path| path.rsplit('/').next() == Some("package.json")),
        limit: 1 << 10,
        extract: |file, out| {
            let components = components(file, "npm", FoundAs::Installed);
            out.all.push(Extract::Components(components));
        },
    },
    Extractor {
        name: "archives",
        wants: Wants::Named(|path| path.ends_with(".jar")),
        limit: 1 << 20,
        extract: |file, out| {
            let mut components = components(file, "maven", FoundAs::Embedded);
            for component in &mut components {
                component.at = vec![Place {
                    path: format!("!/{}.jar", component.name).into(),
                    layer: None,
                }];
            }
            out.all.push(Extract::Components(components));
        },
    },
    Extractor {
        name: "release",
        wants: Wants::Named(|path| path == "etc/os-release"),
        limit: 1 << 20,
        extract: |file, out| {
            let mut words = std::str::from_utf8(file.bytes).unwrap().split_whitespace();
            out.all.push(Extract::Release {
                release: Release {
                    id: words.next().unwrap().into(),
                    like: Vec::new(),
                    version: words.next().unwrap().into(),
                    codename: None,
                    title: None,
                    end_of_life: None,
                },
                precedence: 1,
            });
        },
    },
    Extractor {
        name: "programs",
        wants: Wants::Programs,
        limit: 1 << 20,
        extract: |file, out| {
            let text = String::from_utf8_lossy(&file.bytes[4..]);
            let version = text.split_whitespace().next().unwrap_or("").to_owned();
            let name = file.path.rsplit('/').next().unwrap();
            out.all.push(Extract::Program {
                components: vec![component("golang", name, &version, FoundAs::Embedded)],
                linked: Some(Linked {
                    path: "".into(),
                    functions: Some(vec!["main.main".into()]),
                }),
            });
            if file.mode & 0o4000 != 0 {
                out.all.push(Extract::Remark(Remark {
                    check: "image-setuid".into(),
                    place: Place {
                        path: "".into(),
                        layer: None,
                    },
                    line: None,
                    what: "setuid".into(),
                }));
            }
        },
    },
];

fn lines<'a>(file: &File<'a>) -> impl Iterator<Item = &'a str> {
    std::str::from_utf8(file.bytes).unwrap_or("").lines()
}

fn components(file: &File<'_>, kind: &str, found: FoundAs) -> Vec<Component> {
    lines(file)
        .filter_map(|line| line.split_once(' '))
        .map(|(name, version)| component(kind, name, version, found))
        .collect()
}

pub(crate) fn component(kind: &str, name: &str, version: &str, found: FoundAs) -> Component {
    Component {
        kind: kind.into(),
        namespace: None,
        name: name.into(),
        version: version.into(),
        purl: format!("pkg:{kind}/{name}@{version}").into(),
        source: None,
        architecture: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
        found,
        at: Vec::new(),
        owner: None,
        files: Vec::new(),
        linked: None,
    }
}

/// A program as far as the table looks: the magic number, its version, and enough bytes.
pub(crate) fn program(version: &str) -> Vec<u8> {
    let mut bytes = format!("\x7fELF{version} ").into_bytes();
    bytes.resize(5_000, b'.');
    bytes
}

#[test]
fn the_table_itself() {
    let mut extracts = Extracts::default();
    let file = File {
        path: "var/db",
        mode: 0o644,
        bytes: b"a 1\nb 2\n",
    };
    (TABLE[0].extract)(&file, &mut extracts);
    assert!(matches!(&extracts.all[..], [Extract::Components(all)] if all.len() == 2));
}
