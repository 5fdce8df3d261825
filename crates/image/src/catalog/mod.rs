//! The extractors, a row each. Comes in: nothing. Goes out: [`TABLE`]. Never: a row that looks at two files.

pub mod lang;
pub mod os;
pub mod program;

use crate::extract::Extractor;
use lang::{conda, dotnet, java, node, php, python, r, ruby};
use os::{alpm, apk, chisel, dpkg, release, rpm};

/// Counted up with every change of what a row reads or says: facts kept by older tables are not used.
pub const VERSION: u32 = 1;

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
