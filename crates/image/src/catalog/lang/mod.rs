//! Packages of programming languages. Comes in: one file that an installer or a build wrote, or an archive. Goes out:
//! the components that it names. Never: reads a second file, takes a lock file for something installed, guesses a
//! version, trusts a size.
//!
//! A [`crate::extract::Extract::Files`] of these extractors names its package by the path of the file that describes it
//! (`usr/lib/python3/dist-packages/flask-1.0.dist-info/METADATA`), which is a place of the component ([`is_of`]).

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "names in images and archives have case"
)]

pub mod conda;
pub mod dotnet;
pub mod java;
pub mod lock;
pub mod node;
pub mod php;
pub mod python;
pub mod r;
pub mod ruby;

mod archive;
mod headers;
mod json;
#[cfg(test)]
mod tests;

use super::in_file;
use crate::extract::{Extract, Extracts};
use crate::layer::gap;
use model::evidence::{Gap, GapWeight};
use model::inventory::{Component, FoundAs};
use model::purl::python_name;
use model::text::Text;

/// Whether a file list of that name is the component's.
pub fn is_of(component: &Component, package: &str) -> bool {
    component.at.iter().any(|place| *place.path == *package)
}

/// A package by its ecosystem's own words; what follows from them is set here. `None` for names and versions that no
/// registry would take: they are of a template or a forgery. The empty version is one that is not known.
fn component(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: &str,
    found: FoundAs,
) -> Option<Component> {
    let name = name.trim();
    let version = version.trim();
    let namespace = namespace.map(str::trim).filter(|text| !text.is_empty());
    let sound =
        is_word(name) && (version.is_empty() || is_word(version)) && namespace.is_none_or(is_word);
    if !sound {
        return None;
    }
    let mut component = in_file(kind, namespace, name, version, found);
    if kind == "pypi" {
        component.name = python_name(name).into();
    }
    Some(component)
}

/// `@scope/name`, `vendor/name`, `github.com/owner/name`: what stands before the last slash is the namespace.
fn slashed(kind: &str, path: &str, version: &str, found: FoundAs) -> Option<Component> {
    let path = path.trim();
    let (namespace, name) = match path.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, path),
    };
    component(kind, namespace, name, version, found)
}

/// Longer than any name or version in use.
const LONGEST: usize = 512;

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Licences as written, one line each.
fn license(text: &str) -> Option<Text> {
    let text = text.trim();
    let sound = !text.is_empty()
        && text.len() <= LONGEST
        && text != "UNKNOWN"
        && !text.chars().any(char::is_control);
    sound.then(|| text.into())
}

/// Keeps components; nothing at all where there is none.
fn give(out: &mut Extracts, components: Vec<Component>) {
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

/// The file is there and its package could be too, but what it says cannot be read.
fn unreadable(path: &str, why: impl std::fmt::Display) -> Gap {
    gap("image-unreadable", format!("{path} cannot be read: {why}"))
}

/// Worth saying; nothing that could run is hidden by it.
fn notice(what: String) -> Gap {
    Gap {
        weight: GapWeight::Notice,
        ..gap("image-unidentified", what)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Text of a file, whatever its bytes; a byte order mark is none of it.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
}
