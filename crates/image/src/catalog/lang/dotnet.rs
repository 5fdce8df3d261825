//! .NET packages that an application runs with. Comes in: its `*.deps.json`. Goes out: libraries of type package that
//! bring files to run, and the runtime of a self-contained application. Never: what is only compiled against.
//! Source: dotnet/runtime, `docs/design/features/host-components-dependencies-resolution.md`; dotnet/sdk,
//! `documentation/specs/runtime-configuration-file.md` ("appname.deps.json").

use super::json::{self, Object, Pairs, Word};
use super::{component, give, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs};
use rustc_hash::FxHashSet;
use serde::Deserialize;

pub const DEPENDENCIES: Extractor = Extractor {
    name: "dotnet-deps",
    wants: Wants::Named(is_dependencies),
    limit: 64 << 20,
    extract: dependencies,
};

fn is_dependencies(path: &str) -> bool {
    path.ends_with(".deps.json")
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Document {
    runtime_target: Object<Target>,
    targets: Pairs<Pairs<Object<Assets>>>,
    libraries: Pairs<Object<Library>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    name: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Library {
    #[serde(rename = "type")]
    kind: Word,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assets {
    runtime: Pairs<serde::de::IgnoredAny>,
    native: Pairs<serde::de::IgnoredAny>,
    runtime_targets: Pairs<serde::de::IgnoredAny>,
    resources: Pairs<serde::de::IgnoredAny>,
}

impl Assets {
    fn runs(&self) -> bool {
        ![
            &self.runtime,
            &self.native,
            &self.runtime_targets,
            &self.resources,
        ]
        .into_iter()
        .all(|files| files.0.is_empty())
    }
}

fn dependencies(file: &File<'_>, out: &mut Extracts) {
    match json::read::<Object<Document>>(file.bytes) {
        Ok(Object(document)) => give(out, document.components()),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}

impl Document {
    fn components(&self) -> Vec<Component> {
        let target = &*self.runtime_target.0.name;
        // `None`: the target is not there, and every library could be loaded.
        let runs: Option<FxHashSet<&str>> = self
            .targets
            .0
            .iter()
            .find(|(name, _)| name == target)
            .map(|(_, libraries)| {
                libraries
                    .0
                    .iter()
                    .filter(|(_, assets)| assets.0.runs())
                    .map(|(name, _)| name.as_str())
                    .collect()
            });
        self.libraries
            .0
            .iter()
            .filter(|(name, _)| {
                runs.as_ref()
                    .is_none_or(|runs| runs.contains(name.as_str()))
            })
            .filter_map(|(key, library)| {
                let (name, version) = key.split_once('/')?;
                let name = match &*library.0.kind {
                    "package" => name,
                    "runtimepack" => name.strip_prefix("runtimepack.").unwrap_or(name),
                    _ => return None,
                };
                component("nuget", None, name, version, FoundAs::Installed)
            })
            .collect()
    }
}
