//! Arch Linux's packages. Comes in: `desc` or `files` of one package in pacman's local database. Goes out: the package,
//! or its paths. Source: alpm's `desc` and `files` formats (`%FIELD%`, values, a blank line).

use super::{damaged, installed, lines, path, prose, within, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use model::inventory::{Component, SourcePackage};
use model::text::Text;

pub const DESC: Extractor = Extractor {
    name: "alpm",
    wants: Wants::Named(|path| folder_of(path, "/desc").is_some()),
    limit: 1 << 20,
    extract: desc,
};

pub const FILES: Extractor = Extractor {
    name: "alpm-files",
    wants: Wants::Named(|path| folder_of(path, "/files").is_some()),
    limit: 64 << 20,
    extract: files,
};

fn folder_of<'a>(path: &'a str, file: &str) -> Option<&'a str> {
    within(path.strip_suffix(file)?, "var/lib/pacman/local/")
}

fn desc(file: &File<'_>, out: &mut Extracts) {
    match package(file.bytes) {
        Some(component) => out.all.push(Extract::Components(vec![component])),
        None => out.gaps.extend(damaged(file.path, 1, "package")),
    }
}

fn files(file: &File<'_>, out: &mut Extracts) {
    // NAME-VERSION-RELEASE, where only the name may have more dashes.
    let name = folder_of(file.path, "/files")
        .and_then(|folder| folder.rsplitn(3, '-').nth(2))
        .unwrap_or("");
    let paths: Vec<Text> = fields(file.bytes)
        .filter(|(field, value)| *field == b"%FILES%" && !value.ends_with(b"/"))
        .filter_map(|(_, value)| path(value))
        .collect();
    if !name.is_empty() && !paths.is_empty() {
        out.all.push(Extract::Files {
            package: name.into(),
            paths,
        });
    }
}

/// Each value with the field that it belongs to.
fn fields(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut field: &[u8] = b"";
    lines(bytes).filter_map(move |line| {
        if line.is_empty() {
            field = b"";
            return None;
        }
        if field.is_empty() {
            field = line;
            return None;
        }
        Some((field, line))
    })
}

/// `None` without a name.
pub fn package(bytes: &[u8]) -> Option<Component> {
    let first = |wanted: &[u8]| {
        let mut all = fields(bytes);
        all.find(|(field, _)| *field == wanted)
            .map(|(_, value)| value)
    };
    let name: Text = word(first(b"%NAME%")?)?.into();
    let version = first(b"%VERSION%").and_then(word).unwrap_or("").into();
    let mut component = installed("alpm", Text::clone(&name), version);
    component.architecture = first(b"%ARCH%").and_then(word).map(Text::from);
    component.licenses = fields(bytes)
        .filter(|(field, _)| *field == b"%LICENSE%")
        .filter_map(|(_, value)| prose(value))
        .collect();
    let base = first(b"%BASE%").and_then(word).map(Text::from);
    component.source = Some(SourcePackage {
        name: base.unwrap_or(name),
        version: "".into(),
    });
    Some(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_and_its_files() {
        let text =
            b"%NAME%\nlib32-gcc-libs\n\n%VERSION%\n1:14.2.1-1\n\n%BASE%\ngcc\n\n%ARCH%\nx86_64\n\n\
            %LICENSE%\nGPL-3.0\nFDL\n\n";
        let one = package(text).unwrap();
        assert_eq!(
            (&*one.name, &*one.version),
            ("lib32-gcc-libs", "1:14.2.1-1")
        );
        assert_eq!(&*one.source.unwrap().name, "gcc");
        assert_eq!(one.licenses.join(" "), "GPL-3.0 FDL");
        assert_eq!(package(b"%VERSION%\n1\n"), None);

        let mut out = Extracts::default();
        let file = File {
            path: "var/lib/pacman/local/lib32-gcc-libs-1:14.2.1-1/files",
            mode: 0o644,
            bytes: b"%FILES%\nusr/\nusr/lib/\nusr/lib/a.so\n\n%BACKUP%\netc/a\tabc\n",
        };
        files(&file, &mut out);
        let [Extract::Files { package, paths }] = &out.all[..] else {
            unreachable!("{out:?}")
        };
        assert_eq!(
            (&**package, paths.join(" ").as_str()),
            ("lib32-gcc-libs", "usr/lib/a.so")
        );
    }
}
