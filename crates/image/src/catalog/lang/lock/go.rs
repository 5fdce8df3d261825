//! Go's module file. Goes out: the modules that it requires, as its replacements have them, and the standard library of
//! the toolchain that it names. Since Go 1.17 the indirect ones stand in it too.
//! Source: go.dev/ref/mod, "go.mod files".

use super::Declared;
use crate::catalog::lang::text;
use rustc_hash::{FxHashMap, FxHashSet};

#[derive(Default)]
struct Module<'a> {
    required: Vec<(&'a str, &'a str)>,
    excluded: FxHashSet<(&'a str, &'a str)>,
    /// By path and version; the version is empty where all are replaced.
    replaced: FxHashMap<(&'a str, &'a str), (&'a str, &'a str)>,
    toolchain: Option<&'a str>,
}

pub(super) fn module(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut module = Module::default();
    let mut block = "";
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or(line);
        let mut words: Vec<&str> = line
            .split_whitespace()
            .take(8)
            .map(|word| word.trim_matches(['"', '`']))
            .collect();
        match words.as_slice() {
            [] => {}
            [")"] => block = "",
            [directive, "("] => block = directive,
            _ if block.is_empty() => {
                let directive = words.remove(0);
                module.line(directive, &words);
            }
            _ => module.line(block, &words),
        }
    }
    module.declared()
}

impl<'a> Module<'a> {
    fn line(&mut self, directive: &str, words: &[&'a str]) {
        match (directive, words) {
            ("require", [path, version, ..]) => self.required.push((path, version)),
            ("exclude", [path, version, ..]) => {
                self.excluded.insert((path, version));
            }
            ("replace", [path, "=>", by @ ..]) => self.replace((path, ""), by),
            ("replace", [path, version, "=>", by @ ..]) => self.replace((path, version), by),
            ("toolchain", [name, ..]) => self.toolchain = name.strip_prefix("go"),
            _ => {}
        }
    }

    fn replace(&mut self, what: (&'a str, &'a str), by: &[&'a str]) {
        if let [path, rest @ ..] = by {
            let version = rest.first().copied().unwrap_or("");
            self.replaced.insert(what, (path, version));
        }
    }

    fn declared(&self) -> Declared {
        let mut out = Declared::default();
        for (path, version) in &self.required {
            let by = self
                .replaced
                .get(&(*path, *version))
                .or_else(|| self.replaced.get(&(*path, "")));
            match by {
                // A folder: its code is part of the project, and of no known version.
                Some((folder, "")) if folder.starts_with(['.', '/']) => {}
                Some((path, version)) => out.slashed("golang", path, version),
                // A higher one takes its place, which only the registry knows.
                None if self.excluded.contains(&(*path, *version)) => {
                    out.slashed("golang", path, "");
                }
                None => out.slashed("golang", path, version),
            }
        }
        if let Some(version) = self.toolchain {
            out.add("golang", None, "stdlib", version);
        }
        out
    }
}
