//! Go programs. Comes in: a program. Goes out: the standard library, its own module and the modules that it was built
//! of, and the functions that it links. Never: a version that nobody wrote down; a program that was built without
//! modules has a main module at most, whose version is often unknown.

mod build;
mod functions;
mod stamp;

use super::elf::Elf;
use super::{component, is_word};
use crate::extract::{Extract, Extracts};
use crate::layer::gap;
use build::Module;
use model::inventory::{Component, FoundAs, Linked};

pub(super) fn program(elf: &Elf<'_>, path: &str, out: &mut Extracts) {
    let information = match build::information(elf) {
        Ok(Some(information)) => information,
        Ok(None) => return,
        Err(build::Unreadable) => {
            out.gaps.push(gap(
                "image-unreadable",
                format!("{path} is a Go program whose build information cannot be read"),
            ));
            return;
        }
    };
    let build = build::parse(&information.modules);
    let mut components = vec![embedded(
        "stdlib",
        toolchain(&information.version).unwrap_or_default(),
    )];
    if let Some(main) = main_module(&build) {
        components.push(main);
    }
    components.extend(build.dependencies.iter().filter_map(dependency));
    let functions = functions::linked(elf, &information.version, &build);
    out.all.push(Extract::Program {
        components,
        linked: Some(Linked {
            path: "".into(),
            functions,
        }),
    });
}

fn embedded(path: &str, version: &str) -> Component {
    component("golang", path, version, FoundAs::Embedded)
}

/// `1.22.5` of `go1.22.5`, `go1.22.5 X:boringcrypto`, `go1.22.5-fips`; `None` of `devel go1.23-0123abc`, which is
/// between two releases, and of `unknown`.
fn toolchain(version: &str) -> Option<&str> {
    let first = version.split(' ').next()?.strip_prefix("go")?;
    let digit = first.starts_with(|c: char| c.is_ascii_digit());
    (digit && is_word(first)).then_some(first)
}

/// What is built in is the replacement. A replacement by a folder has no version that means anything.
fn dependency(module: &Module<'_>) -> Option<Component> {
    let (path, version) = match module.replaced_by {
        Some((to, _)) if is_folder(to) => (module.path, ""),
        Some(to) => to,
        None => (module.path, module.version),
    };
    let version = Some(version)
        .filter(|version| *version != "(devel)" && is_word(version))
        .unwrap_or("");
    is_word(path).then(|| embedded(path, version))
}

fn is_folder(path: &str) -> bool {
    // cmd/go writes local replacements as they stand in go.mod: rooted, or beginning with ./ or ../
    path.starts_with(['/', '.'])
}

/// The version is the build's own (a tag that the toolchain saw), or the one stamped by the linker.
fn main_module(build: &build::Build<'_>) -> Option<Component> {
    let (path, version) = match build.main {
        Some(main) => (main.path, main.version),
        None => (stamp::repository(build.path)?, ""),
    };
    if !is_word(path) {
        return None;
    }
    let tagged = Some(version).filter(|version| is_word(version) && !is_untagged(version));
    let version = match tagged {
        Some(version) => version.to_owned(),
        None => build
            .linker_flags
            .as_deref()
            .and_then(|flags| stamp::version(flags, path))
            .unwrap_or_default(),
    };
    Some(embedded(path, &version))
}

/// A shallow clone has no tags, so the toolchain calls any release `v0.0.0-20240102030405-0123456789ab`.
fn is_untagged(version: &str) -> bool {
    version == "(devel)" || version.starts_with("v0.0.0-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchains() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(toolchain(text), expected, "{text}");
        check("go1.22.5", Some("1.22.5"));
        check("go1.22rc1", Some("1.22rc1"));
        check("go1.22.5 X:boringcrypto", Some("1.22.5"));
        check("go1.22.5-fips", Some("1.22.5-fips"));
        check("go1.20.12 (Red Hat 1.20.12-8.el9)", Some("1.20.12"));
        check("devel go1.23-0123abc Thu Jan 1", None);
        check("devel +0123abc", None);
        check("unknown", None);
        check("gone", None);
        check("", None);
    }

    #[test]
    fn main_modules() {
        let check = |text: &str, expected: Option<&str>| {
            let purl = main_module(&build::parse(text)).map(|main| main.purl.to_string());
            assert_eq!(purl.as_deref(), expected, "{text}");
        };
        check(
            "path\texample.com/a/cmd/b\nmod\texample.com/a\tv1.2.3\th1:x=\n",
            Some("pkg:golang/example.com/a@v1.2.3"),
        );
        check(
            "path\ta.io/b\nmod\ta.io/b\t(devel)\t\n",
            Some("pkg:golang/a.io/b"),
        );
        check(
            "path\ta.io/b\nmod\ta.io/b\tv0.0.0-20240102030405-0123456789ab\t\n",
            Some("pkg:golang/a.io/b"),
        );
        check(
            "path\ta.io/b\nmod\ta.io/b\t(devel)\t\nbuild\t-ldflags=\"-s -w -X main.version=1.4.0\"\n",
            Some("pkg:golang/a.io/b@v1.4.0"),
        );
        check(
            "path\tgithub.com/docker/distribution/cmd/registry\n",
            Some("pkg:golang/github.com/docker/distribution"),
        );
        check("path\tcommand-line-arguments\n", None);
        check("", None);
    }

    #[test]
    fn dependencies_are_what_was_built() {
        let check = |text: &str, expected: &str| {
            let found: Vec<String> = build::parse(text)
                .dependencies
                .iter()
                .filter_map(dependency)
                .map(|one| one.purl.to_string())
                .collect();
            assert_eq!(found.join(" "), expected, "{text}");
        };
        check("dep\ta.io/b\tv1.0.0\th1:x=\n", "pkg:golang/a.io/b@v1.0.0");
        check(
            "dep\ta.io/b\tv1.0.0\n=>\tc.io/d\tv1.1.0\th1:y=\ndep\te.io/f\tv2.0.0+incompatible\th1:z=\n",
            "pkg:golang/c.io/d@v1.1.0 pkg:golang/e.io/f@v2.0.0%2Bincompatible",
        );
        check(
            "dep\ta.io/b\tv1.0.0\n=>\t./b\t(devel)\t\n",
            "pkg:golang/a.io/b",
        );
        check(
            "dep\ta.io/b\tv0.0.0-20240102030405-0123456789ab\n",
            "pkg:golang/a.io/b@v0.0.0-20240102030405-0123456789ab",
        );
        check("=>\tc.io/d\tv1.1.0\th1:y=\ndep\n", "");
    }
}
