//! The table of extractors. Comes in: one file, by path, mode and content. Goes out: what that file alone says.
//! Never: looks at another file; what needs two files is done when the layers have been laid over each other.

use model::evidence::Gap;
use model::inventory::{Component, Linked, Release, Remark};
use model::text::Text;
use serde::{Deserialize, Serialize};

/// One row: which files, and what is made of them.
#[derive(Clone, Copy)]
pub struct Extractor {
    pub name: &'static str,
    pub wants: Wants,
    /// Most bytes of content; a larger file is a gap.
    pub limit: u64,
    pub extract: fn(&File<'_>, &mut Extracts),
}

/// Which files an extractor reads. Most files of an image are wanted by none and never read.
#[derive(Clone, Copy)]
pub enum Wants {
    /// Decided by the path alone, which is normalised and has no leading slash. A link of such a name is followed.
    Named(fn(&str) -> bool),
    /// Every regular file with an executable bit that begins like a program (ELF).
    Programs,
    /// Every file of text whose path is `named`. One that is too large is told where its path `matters`.
    Texts {
        named: fn(&str) -> bool,
        matters: fn(&str) -> bool,
    },
    /// No content: the permissions of every regular file.
    Permissions,
}

/// A regular file with its content.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Normalised, without a leading slash, below the artifact's root.
    pub path: &'a str,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    pub bytes: &'a [u8],
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extracts {
    pub all: Vec<Extract>,
    pub gaps: Vec<Gap>,
}

/// One statement of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Extract {
    Release {
        release: Release,
        /// Of several files that say it the highest counts (`/etc/debian_version` over `os-release`).
        precedence: u8,
    },
    /// Components that stand in this file, without owners. A place with an empty path is the file itself; one that
    /// begins with `!/` lies inside it.
    Components(Vec<Component>),
    /// The files of a package that another file describes (dpkg's `info/*.list`).
    Files {
        package: Text,
        paths: Vec<Text>,
    },
    /// Components of one program with what it links.
    Program {
        components: Vec<Component>,
        linked: Option<Linked>,
    },
    Remark(Remark),
}
