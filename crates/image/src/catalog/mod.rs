//! The extractors, a row each. Comes in: nothing. Goes out: [`TABLE`]. Never: a row that looks at two files.

pub mod lang;
pub mod os;
pub mod program;
pub mod secret;

use crate::extract::Extractor;
use lang::{conda, dotnet, java, node, php, python, r, ruby};
use model::inventory::{Component, FoundAs, Place};
use model::purl;
use os::{alpm, apk, chisel, dpkg, release, rpm};

/// Counted up with every change of what a row reads or says: facts kept by older tables are not used.
pub const VERSION: u32 = 3;

/// A component that stands in the file itself, of which nothing else is known yet.
fn in_file(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: &str,
    found: FoundAs,
) -> Component {
    Component {
        kind: kind.into(),
        namespace: namespace.map(Into::into),
        name: name.into(),
        version: version.into(),
        purl: purl::write(kind, namespace, name, version, &[]).into(),
        source: None,
        architecture: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
        found,
        at: vec![Place {
            path: "".into(),
            layer: None,
        }],
        owner: None,
        files: Vec::new(),
        linked: None,
    }
}

/// Every extractor that images and root file systems are read with.
pub static TABLE: &[Extractor] = &[
    alpm::DESC,
    alpm::FILES,
    apk::INSTALLED,
    chisel::MANIFEST,
    dpkg::FILES,
    dpkg::STATUS,
    release::RELEASE,
    rpm::DATABASE,
    rpm::JOURNAL,
    rpm::MANIFEST,
    conda::RECORD,
    dotnet::DEPENDENCIES,
    java::ARCHIVE,
    node::PACKAGE,
    node::YARN_CACHE,
    php::INSTALLED,
    python::EGG,
    python::FILES,
    python::METADATA,
    r::DESCRIPTION,
    ruby::SPECIFICATION,
    program::BITNAMI,
    program::INSTALLATION,
    program::LIBRARY,
    program::PROGRAM,
];
