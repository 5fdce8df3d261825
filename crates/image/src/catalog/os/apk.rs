//! Alpine's packages, and those of Wolfi and Chainguard. Comes in: apk's installed database. Goes out: its packages with
//! their files. Never: virtual packages, which only hold others together (`apk add --virtual`).
//! Source: apk-package(5) and apk-tools, src/database.c (single letters before a colon, a blank line ends a package).

use super::{Paths, damaged, installed, lines, prose, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use model::inventory::{Component, SourcePackage};
use model::text::{Interner, Text};

pub const INSTALLED: Extractor = Extractor {
    name: "apk",
    wants: Wants::Named(is_database),
    limit: 128 << 20,
    extract,
};

/// The second since /usr is merged (apk-tools 3).
fn is_database(path: &str) -> bool {
    matches!(path, "lib/apk/db/installed" | "usr/lib/apk/db/installed")
}

fn extract(file: &File<'_>, out: &mut Extracts) {
    let mut paths = Paths::default();
    let (components, broken) = packages(file.bytes, &mut paths);
    out.gaps.extend(damaged(file.path, broken, "packages"));
    out.gaps.extend(paths.gap(file.path));
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

/// Packages in the database's order, and how many are none.
fn packages(bytes: &[u8], paths: &mut Paths) -> (Vec<Component>, u64) {
    let mut texts = Interner::default();
    let (mut all, mut broken) = (Vec::new(), 0);
    let mut package = Package::default();
    for line in lines(bytes).chain([&b""[..]]) {
        if !line.is_empty() {
            package.line(line, paths);
            continue;
        }
        let whole = std::mem::take(&mut package);
        if !whole.any || whole.name.is_some_and(|name| name.starts_with(b".")) {
            continue;
        }
        match whole.component(&mut texts) {
            Some(component) => all.push(component),
            None => broken += 1,
        }
    }
    (all, broken)
}

#[derive(Default)]
struct Package<'a> {
    any: bool,
    name: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    license: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    folder: &'a [u8],
    files: Vec<Text>,
}

impl<'a> Package<'a> {
    fn line(&mut self, line: &'a [u8], paths: &mut Paths) {
        self.any = true;
        let (key, value) = match line {
            [key, b':', value @ ..] => (*key, value),
            _ => return,
        };
        match key {
            b'P' => self.name = Some(value),
            b'V' => self.version = Some(value),
            b'A' => self.architecture = Some(value),
            b'L' => self.license = Some(value),
            b'o' => self.origin = Some(value),
            b'F' => self.folder = value,
            b'R' => self.files.extend(paths.join(self.folder, value)),
            _ => {}
        }
    }

    fn component(self, texts: &mut Interner) -> Option<Component> {
        let name: Text = word(self.name?)?.into();
        let version = self.version.and_then(word).unwrap_or("").into();
        let mut component = installed("apk", Text::clone(&name), version);
        component.architecture = texts.option(self.architecture.and_then(word));
        component.licenses.extend(self.license.and_then(prose));
        component.source = Some(SourcePackage {
            name: match self.origin.and_then(word) {
                Some(origin) => texts.text(origin),
                None => name,
            },
            version: "".into(),
        });
        component.files = self.files;
        Some(component)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "C:Q1abc=\nP:libcrypto3\nV:3.3.2-r1\nA:x86_64\nS:1\nI:2\nT:Crypto: it\nL:Apache-2.0\n\
        o:openssl\nm:A <a@example.org>\nt:1\nc:ab\np:so:libcrypto.so.3=3\nF:\nR:top\nF:usr\nF:usr/lib\n\
        R:libcrypto.so.3\na:0:0:755\nZ:Q1x=\nR:../../etc/x\n\nP:.build-deps\nV:2024\n\nP:musl\nV:1.2.5-r1\nA:x86_64\n";

    #[test]
    fn packages_and_files() {
        let mut paths = Paths::default();
        let (all, broken) = packages(TWO.as_bytes(), &mut paths);
        assert_eq!(broken, 0);
        let [crypto, musl] = &all[..] else {
            unreachable!("{all:?}")
        };
        assert_eq!(
            (&*crypto.name, &*crypto.version),
            ("libcrypto3", "3.3.2-r1")
        );
        assert_eq!(&*crypto.source.as_ref().unwrap().name, "openssl");
        assert_eq!(crypto.architecture.as_deref(), Some("x86_64"));
        assert_eq!(crypto.licenses.join(" "), "Apache-2.0");
        assert_eq!(crypto.files.join(" "), "top usr/lib/libcrypto.so.3 etc/x");
        assert_eq!(&*musl.source.as_ref().unwrap().name, "musl");
    }

    #[test]
    fn what_is_no_package() {
        let broken = |text: &str| packages(text.as_bytes(), &mut Paths::default()).1;
        assert_eq!(broken("\n\n\n"), 0);
        assert_eq!(broken("V:1\n\nP:a b\nV:1\n\nnonsense\n"), 3);
    }

    #[test]
    fn a_long_folder_with_many_names_is_bounded() {
        let mut text = format!("P:a\nV:1\nF:{}\n", "d/".repeat(2_000));
        text.push_str(&"R:x\n".repeat(50_000));
        let mut paths = Paths::default();
        let (all, _) = packages(text.as_bytes(), &mut paths);
        let kept: usize = all[0].files.iter().map(|path| path.len()).sum();
        assert!(kept < 128 << 20, "{kept}");
        assert!(paths.gap("x").is_some());
    }
}
