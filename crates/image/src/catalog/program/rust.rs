//! Crates of Rust programs built with `cargo auditable`. Comes in: a program's `.dep-v0` section. Goes out: the crates
//! that it links; those of build scripts and macros only ran while it was built and are left out.
//! Source: cargo-auditable, PARSING.md and its JSON schema.

use super::elf::{CRATES, Elf};
use super::{component, is_word};
use crate::layer::gap;
use flate2::read::ZlibDecoder;
use model::evidence::Gap;
use model::inventory::{Component, FoundAs};
use serde::Deserialize;
use std::io::Read as _;

/// Uncompressed; a program of 1,000 crates has 100 KB.
const LARGEST: u64 = 16 << 20;
const MOST: usize = 100_000;

#[derive(Deserialize)]
struct Document {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `build`, else left out or `runtime`.
    #[serde(default)]
    kind: Option<String>,
}

pub(super) fn crates(elf: &Elf<'_>, path: &str, gaps: &mut Vec<Gap>) -> Vec<Component> {
    let Some(section) = elf.section(CRATES) else {
        return Vec::new();
    };
    let Some(packages) = read(section) else {
        gaps.push(gap(
            "image-unreadable",
            format!("{path} has a list of Rust crates that cannot be read"),
        ));
        return Vec::new();
    };
    packages
        .iter()
        .filter(|package| package.kind.as_deref() != Some("build"))
        .filter(|package| is_word(&package.name) && is_word(&package.version))
        .map(|package| component("cargo", &package.name, &package.version, FoundAs::Embedded))
        .collect()
}

fn read(section: &[u8]) -> Option<Vec<Package>> {
    let mut text = Vec::new();
    let mut inflated = ZlibDecoder::new(section).take(LARGEST + 1);
    inflated.read_to_end(&mut text).ok()?;
    if text.len() as u64 > LARGEST {
        return None;
    }
    let document: Document = serde_json::from_slice(&text).ok()?;
    (document.packages.len() <= MOST).then_some(document.packages)
}
