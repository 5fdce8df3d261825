//! The table of extractors. Comes in: one file, by path, mode and content. Goes out: what that file alone says.
//! Never: looks at another file; what needs two files is done when the layers have been laid over each other.

use model::evidence::Gap;
use model::inventory::{Component, Linked, Release, Remark};
use model::text::Text;
use serde::{Deserialize, Serialize};

/// One row: which files, and what is made of them.
pub struct Extractor {
    pub name: &'static str,
    /// Decides by what is known before the content: most files are never read.
    pub wants: fn(&Candidate<'_>) -> bool,
    /// Most bytes of content; a larger file is a gap.
    pub limit: u64,
    pub extract: fn(&File<'_>, &mut Extracts),
}

/// A regular file before its content.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Normalised, without a leading slash, below the artifact's root.
    pub path: &'a str,
    /// Permission bits.
    pub mode: u32,
    pub size: u64,
    /// The first bytes (at most 64), for what is known by its magic.
    pub head: &'a [u8],
}

/// A regular file with its content.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub path: &'a str,
    pub mode: u32,
    pub bytes: &'a [u8],
}

/// What files alone say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extracts {
    pub all: Vec<Extract>,
    pub gaps: Vec<Gap>,
}

/// What one file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Extract {
    /// `precedence`: of several files that say it, the highest counts (`/etc/debian_version` over `os-release`).
    Release { release: Release, precedence: u8 },
    /// Components that stand in this file, without places and owners.
    Components(Vec<Component>),
    /// The files of a package that another file describes (dpkg's `info/*.list`).
    Files { package: Text, paths: Vec<Text> },
    /// Components of one program with what it links.
    Program {
        components: Vec<Component>,
        linked: Option<Linked>,
    },
    Remark(Remark),
}
