//! Installed Python distributions. Comes in: core metadata of wheels (`*.dist-info/METADATA`) and of eggs, as folder,
//! single file or zip, or the list of files that an installer left. Goes out: one distribution, or its files. Never:
//! `requirements.txt` and what else only asks for packages.
//! Sources: packaging.python.org, "Core metadata", "Recording installed projects"; PEP 314, PEP 503, PEP 627.

use super::archive::Archive;
use super::headers::{Folding, header, headers};
use super::{component, file_name, folder, give, license, notice, text, unreadable};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::layer::gap;
use crate::path::normal;
use model::inventory::{Component, FoundAs};
use model::text::Text;

pub const METADATA: Extractor = Extractor {
    name: "python-metadata",
    wants: Wants::Named(is_metadata),
    limit: 16 << 20,
    extract: metadata,
};

pub const FILES: Extractor = Extractor {
    name: "python-files",
    wants: Wants::Named(is_files),
    limit: 64 << 20,
    extract: files,
};

/// An egg that was not unpacked; Python imports from it as it is.
pub const EGG: Extractor = Extractor {
    name: "python-egg",
    wants: Wants::Named(is_egg),
    limit: 256 << 20,
    extract: egg,
};

fn is_metadata(path: &str) -> bool {
    let above = file_name(folder(path));
    match file_name(path) {
        "METADATA" => above.ends_with(".dist-info"),
        "PKG-INFO" => {
            above.ends_with(".egg-info") || (above == "EGG-INFO" && path.contains(".egg/"))
        }
        name => name.ends_with(".egg-info"),
    }
}

fn is_files(path: &str) -> bool {
    let above = file_name(folder(path));
    match file_name(path) {
        "RECORD" => above.ends_with(".dist-info"),
        "installed-files.txt" => above.ends_with(".egg-info"),
        _ => false,
    }
}

fn is_egg(path: &str) -> bool {
    path.ends_with(".egg")
}

fn metadata(file: &File<'_>, out: &mut Extracts) {
    match distribution(file.bytes, file.path) {
        Some(found) => give(out, vec![found]),
        None => out
            .gaps
            .push(unreadable(file.path, "it names no distribution")),
    }
}

/// What the headers say; a missing name or version is taken from the name of the folder or file (PEP 376).
fn distribution(bytes: &[u8], path: &str) -> Option<Component> {
    let text = text(bytes);
    let headers = headers(&text, Folding::Lines);
    let (name, version) = named(path);
    let mut found = component(
        "pypi",
        None,
        header(&headers, "Name").or(name)?,
        header(&headers, "Version").or(version).unwrap_or(""),
        FoundAs::Installed,
    )?;
    // The old field may hold the whole text of a licence.
    let classified = || {
        headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case("Classifier"))
            .filter_map(|(_, value)| value.trim().strip_prefix("License :: "))
            .filter_map(|value| license(value.rsplit(" :: ").next()?))
    };
    found.licenses = header(&headers, "License-Expression")
        .or(header(&headers, "License"))
        .and_then(license)
        .map_or_else(|| classified().collect(), |one| vec![one]);
    Some(found)
}

/// `flask-1.0.dist-info`, `zope.interface-5.0.0-py3.11-linux-x86_64.egg-info`: neither part has a `-` of its own.
fn named(path: &str) -> (Option<&str>, Option<&str>) {
    let stem = [path, folder(path), folder(folder(path))]
        .into_iter()
        .map(file_name)
        .find_map(|part| {
            [".dist-info", ".egg-info", ".egg"]
                .into_iter()
                .find_map(|ending| part.strip_suffix(ending))
        });
    let mut parts = stem
        .unwrap_or("")
        .split('-')
        .filter(|part| !part.is_empty());
    let name = parts.next();
    let version = parts
        .next()
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    (name, version)
}

fn files(file: &File<'_>, out: &mut Extracts) {
    let info = folder(file.path);
    // RECORD is relative to the folder that is on the import path, `installed-files.txt` to its own.
    let (describes, base, table) = if file.path.ends_with("RECORD") {
        ("METADATA", folder(info), true)
    } else {
        ("PKG-INFO", info, false)
    };
    let mut left = PATHS;
    let (mut paths, mut lost) = (Vec::<Text>::new(), 0_u64);
    for line in text(file.bytes).lines() {
        let name = if table {
            first_field(line)
        } else {
            line.trim().into()
        };
        if name.is_empty() {
            continue;
        }
        let cost = base.len() + name.len() + 32;
        if cost > left {
            lost += 1;
            continue;
        }
        left -= cost;
        let whole = if name.starts_with('/') || base.is_empty() {
            normal(name.as_bytes())
        } else {
            normal(format!("{base}/{name}").as_bytes())
        };
        paths.extend(whole.map(Text::from));
    }
    if lost > 0 {
        out.gaps.push(gap(
            "image-limit",
            format!("{} names {lost} files that were not kept", file.path),
        ));
    }
    if !paths.is_empty() {
        out.all.push(Extract::Files {
            package: format!("{info}/{describes}").into(),
            paths,
        });
    }
}

/// Bytes of the paths of one distribution; the largest have 20,000 files.
const PATHS: usize = 64 << 20;

/// RFC 4180: a field with a comma or quote in it is quoted.
fn first_field(line: &str) -> std::borrow::Cow<'_, str> {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split(',').next().unwrap_or(line).into();
    };
    let mut field = String::new();
    let mut rest = quoted;
    while let Some((part, after)) = rest.split_once('"') {
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => break,
        }
    }
    field.into()
}

fn egg(file: &File<'_>, out: &mut Extracts) {
    let found = Archive::open(file.bytes).and_then(|mut archive| {
        let Some(info) = archive.find("EGG-INFO/PKG-INFO")? else {
            return Ok(None);
        };
        let bytes = archive.content(&info, METADATA.limit)?;
        Ok(distribution(&bytes, file.path))
    });
    match found {
        Ok(Some(found)) => give(out, vec![found]),
        Ok(None) => out
            .gaps
            .push(notice(format!("{} names no distribution", file.path))),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}
