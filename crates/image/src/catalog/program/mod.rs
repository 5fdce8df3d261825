//! Programs. Comes in: one ELF file, or a small file by which an installation says its version. Goes out: what was
//! built into the program (Go modules and functions, Rust crates, the package note), and programs known by their
//! version text. Never: runs anything, takes a name alone for a program, guesses a version.
//!
//! What several texts of one file contradict is a component without a version: it is there, nothing is known of it.

mod bitnami;
mod elf;
mod go;
mod note;
mod recognized;
mod rust;
#[cfg(test)]
mod tests;

use super::in_file;
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::layer::gap;
use elf::Elf;
use model::inventory::{Component, FoundAs};

/// Most bytes of a program that is read.
const LARGEST: u64 = 512 << 20;

/// Executables: what is built in, and programs known by their text.
pub const PROGRAM: Extractor = Extractor {
    name: "program",
    wants: Wants::Programs,
    limit: LARGEST,
    extract: program,
};

/// Shared libraries known by their text; they need no executable bit.
pub const LIBRARY: Extractor = Extractor {
    name: "library",
    wants: Wants::Named(recognized::is_library),
    limit: LARGEST,
    extract: library,
};

/// Files of an installation that say its version.
pub const INSTALLATION: Extractor = Extractor {
    name: "installation",
    wants: Wants::Named(recognized::is_installation),
    limit: 1 << 20,
    extract: recognized::installation,
};

/// Bitnami's own SPDX documents.
pub const BITNAMI: Extractor = Extractor {
    name: "bitnami",
    wants: Wants::Named(bitnami::is_document),
    limit: 16 << 20,
    extract: bitnami::document,
};

fn program(file: &File<'_>, out: &mut Extracts) {
    let Some(elf) = Elf::parse(file.bytes) else {
        return;
    };
    if elf.is_packed() {
        out.gaps.push(gap(
            "image-unreadable",
            format!(
                "{} is packed (UPX): what is built into it cannot be read",
                file.path
            ),
        ));
        return;
    }
    go::program(&elf, file.path, out);
    let mut found = rust::crates(&elf, file.path, &mut out.gaps);
    found.extend(note::package(&elf));
    found.extend(recognized::program(file));
    if !found.is_empty() {
        out.all.push(Extract::Components(found));
    }
}

fn library(file: &File<'_>, out: &mut Extracts) {
    // Where it is executable, `program` reads its note.
    let mut found = recognized::library(file);
    if file.mode & 0o111 == 0
        && let Some(elf) = Elf::parse(file.bytes)
    {
        found.extend(note::package(&elf));
    }
    if !found.is_empty() {
        out.all.push(Extract::Components(found));
    }
}

/// In the file itself. `path` is namespace and name as its ecosystem writes them: `github.com/gin-gonic/gin`.
fn component(kind: &str, path: &str, version: &str, found: FoundAs) -> Component {
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    in_file(kind, namespace, name, version, found)
}

/// Names and versions: short, printable, without spaces.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}
