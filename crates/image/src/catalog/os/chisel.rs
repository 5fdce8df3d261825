//! Packages of which only slices were installed (Ubuntu's chiselled images). Comes in: chisel's manifest, zstd over one
//! JSON object a line. Goes out: its packages with the files of their slices. Never: a source package, of which the
//! manifest says nothing.
//! Source: canonical/chisel, docs/reference/manifest.md and public/manifest.

use super::{damaged, installed, path, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::layer::gap;
use model::inventory::Component;
use model::text::Text;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

pub const MANIFEST: Extractor = Extractor {
    name: "chisel",
    wants: Wants::Named(|path| path == "var/lib/chisel/manifest.wall"),
    limit: 16 << 20,
    extract,
};

/// Most bytes of lines; a manifest of 100 packages has one million.
const UNPACKED: u64 = 64 << 20;

fn extract(file: &File<'_>, out: &mut Extracts) {
    let text = match unpacked(file.bytes) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("{} cannot be read: {error}", file.path);
            out.gaps.push(gap("image-unreadable", what));
            return;
        }
    };
    if text.len() as u64 > UNPACKED {
        let what = format!("{} has more than {UNPACKED} bytes unpacked", file.path);
        out.gaps.push(gap("image-limit", what));
    }
    let (components, broken) = packages(&text);
    out.gaps.extend(damaged(file.path, broken, "lines"));
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

fn unpacked(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    /// 64 MiB of window, far more than chisel's writer asks for.
    const WINDOW: u32 = 26;
    let mut stream = zstd::stream::read::Decoder::with_buffer(bytes)?;
    stream.window_log_max(WINDOW)?;
    let mut text = Vec::new();
    stream.take(UNPACKED + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// Fields of all kinds of lines that are read.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    version: Cow<'a, str>,
    #[serde(borrow, default)]
    arch: Cow<'a, str>,
    /// `PACKAGE_SLICE`; neither part has an underscore.
    #[serde(borrow, default)]
    slice: Cow<'a, str>,
    #[serde(borrow, default)]
    path: Cow<'a, str>,
}

/// Packages of the unpacked manifest, and how many lines cannot be read.
pub fn packages(text: &[u8]) -> (Vec<Component>, u64) {
    let (mut all, mut broken) = (Vec::new(), 0);
    let mut files: BTreeMap<String, Vec<Text>> = BTreeMap::new();
    for line in super::lines(text).filter(|line| !line.is_empty()) {
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else {
            broken += 1;
            continue;
        };
        match &*line.kind {
            "package" => match word(line.name.as_bytes()) {
                Some(name) => {
                    let version = word(line.version.as_bytes()).unwrap_or("");
                    let mut component = installed("deb", name.into(), version.into());
                    component.architecture = word(line.arch.as_bytes()).map(Text::from);
                    all.push(component);
                }
                None => broken += 1,
            },
            "content" if !line.path.ends_with('/') => {
                let package = line.slice.split('_').next().unwrap_or("");
                let kept = files.entry(package.to_owned()).or_default();
                kept.extend(path(line.path.as_bytes()));
            }
            _ => {}
        }
    }
    for component in &mut all {
        component.files = files.remove(&*component.name).unwrap_or_default();
        // A file may be in several slices of its package.
        component.files.sort_unstable();
        component.files.dedup();
    }
    (all, broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: &str = r#"{"jsonwall":"1.0","schema":"1.0","count":6}
{"kind":"content","slice":"libc6_config","path":"/etc/ld.so.conf"}
{"kind":"content","slice":"libc6_libs","path":"/etc/ld.so.conf"}
{"kind":"content","slice":"libc6_libs","path":"/usr/lib/"}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8.3","sha256":"ab","arch":"amd64"}
{"kind":"path","path":"/usr/lib/","mode":"0755","slices":["libc6_libs"]}
{"kind":"slice","name":"libc6_libs"}
"#;

    fn check(bytes: &[u8], names: &str, gaps: usize) -> Extracts {
        let mut out = Extracts::default();
        let path = "var/lib/chisel/manifest.wall";
        let mode = 0o644;
        extract(&File { path, mode, bytes }, &mut out);
        let found: Vec<String> = out
            .all
            .iter()
            .flat_map(|one| match one {
                Extract::Components(all) => all.as_slice(),
                _ => &[],
            })
            .map(|one| format!("{} {} {}", one.name, one.version, one.files.join(",")))
            .collect();
        assert_eq!(found.join(";"), names);
        assert_eq!(out.gaps.len(), gaps);
        out
    }

    #[test]
    fn a_manifest() {
        let packed = zstd::encode_all(WALL.as_bytes(), 3).unwrap();
        check(&packed, "libc6 2.39-0ubuntu8.3 etc/ld.so.conf", 0);
        check(&packed[..packed.len() / 2], "", 1);
        check(b"", "", 1);
        let broken = zstd::encode_all(&b"{}\nnonsense\n{\"kind\":\"package\"}\n"[..], 3).unwrap();
        check(&broken, "", 1);
    }

    #[test]
    fn a_bomb_is_cut() {
        let lines = zstd::encode_all(std::io::repeat(b'\n').take(80 << 20), 3).unwrap();
        assert!(lines.len() < 100_000, "{}", lines.len());
        check(&lines, "", 1);
    }
}
