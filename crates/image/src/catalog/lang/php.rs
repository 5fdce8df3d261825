//! Installed PHP packages. Comes in: what Composer keeps beside them. Goes out: the packages. Never: `composer.json`.
//! Source: Composer, `FilesystemRepository` (the list of version 1, the object of version 2).

use super::json::{self, List, Object, Word};
use super::{file_name, folder, give, license, slashed, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs};
use serde::Deserialize;
use serde::de::IgnoredAny;

pub const INSTALLED: Extractor = Extractor {
    name: "composer-installed",
    wants: Wants::Named(is_installed),
    limit: 64 << 20,
    extract: installed,
};

fn is_installed(path: &str) -> bool {
    path.ends_with("/installed.json") && file_name(folder(path)) == "composer"
}

fn installed(file: &File<'_>, out: &mut Extracts) {
    let first = file.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let packages = if first == Some(&b'[') {
        json::read::<List<_>>(file.bytes).map(|list| list.0)
    } else {
        json::read::<Object<Installed>>(file.bytes).map(|all| all.0.packages.0)
    };
    match packages {
        Ok(packages) => give(
            out,
            packages
                .iter()
                .filter_map(|Object(package): &Object<Package>| {
                    package.component(FoundAs::Installed)
                })
                .collect(),
        ),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Installed {
    packages: List<Object<Package>>,
}

/// A package as `installed.json` and `composer.lock` have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Package {
    name: Word,
    version: Word,
    license: List<Word>,
    #[serde(rename = "type")]
    kind: Word,
    dist: Option<IgnoredAny>,
    source: Option<IgnoredAny>,
}

impl Package {
    /// A metapackage has no code.
    pub(super) fn component(&self, found: FoundAs) -> Option<Component> {
        let empty = &*self.kind == "metapackage" && self.dist.is_none() && self.source.is_none();
        if empty {
            return None;
        }
        let mut component = slashed("composer", &self.name, &self.version, found)?;
        component.licenses = self
            .license
            .0
            .iter()
            .filter_map(|word| license(word))
            .collect();
        Some(component)
    }
}
