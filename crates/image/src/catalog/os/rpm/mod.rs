//! Packages of rpm distributions. Comes in: a database of installed packages in any of rpm's three forms, told apart by
//! what it begins with, or the manifest that distroless Azure Linux has in its place. Goes out: packages with source,
//! module and files. Never: keys (`gpg-pubkey`), files that are not there (ghosts, excluded ones).
//!
//! Each form is read by its own room ([`sqlite`], [`ndb`], [`bdb`]) that hands out header blobs; [`header`] reads those.
//! Together they hand out no more bytes than the file has, so pages that are claimed twice cost nothing.

pub mod bdb;
pub mod header;
pub mod ndb;
pub mod sqlite;

use super::{Paths, damaged, installed, lines, prose, within, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use crate::layer::gap;
use header::{Header, tag};
use model::inventory::{Component, SourcePackage};
use model::text::{Interner, Text};

pub const DATABASE: Extractor = Extractor {
    name: "rpm",
    wants: Wants::Named(|path| {
        matches!(
            in_folder(path),
            Some("rpmdb.sqlite" | "Packages.db" | "Packages")
        )
    }),
    limit: 512 << 20,
    extract: database,
};

/// Changes that SQLite keeps beside the database.
pub const JOURNAL: Extractor = Extractor {
    name: "rpm-journal",
    wants: Wants::Named(|path| {
        matches!(
            in_folder(path),
            Some("rpmdb.sqlite-wal" | "rpmdb.sqlite-journal")
        )
    }),
    limit: 512 << 20,
    extract: journal,
};

/// The first manifest has names only, the second all that is needed.
pub const MANIFEST: Extractor = Extractor {
    name: "rpm-manifest",
    wants: Wants::Named(|path| path == "var/lib/rpmmanifest/container-manifest-2"),
    limit: 16 << 20,
    extract: manifest,
};

/// Where distributions keep the database: rpm's own default, SUSE and Fedora since 36, ostree.
fn in_folder(path: &str) -> Option<&str> {
    ["var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"]
        .iter()
        .find_map(|folder| within(path, folder))
}

/// Why a database cannot be read at all; what a single damaged package is, is counted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    #[error("it is none of rpm's databases")]
    Unknown,
    #[error("its {0} is damaged")]
    Damaged(&'static str),
    #[error("it has no table of packages")]
    NoPackages,
    #[error("it is encrypted")]
    Encrypted,
}

/// Hands each header blob to `each`; how many cannot be read comes back.
pub fn blobs(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<u64, DatabaseError> {
    if bytes.starts_with(sqlite::MAGIC) {
        return sqlite::blobs(bytes, "Packages", each);
    }
    if bytes.starts_with(ndb::MAGIC) {
        return ndb::blobs(bytes, each);
    }
    if bdb::is_hash(bytes) {
        return bdb::blobs(bytes, each);
    }
    Err(DatabaseError::Unknown)
}

fn database(file: &File<'_>, out: &mut Extracts) {
    let mut paths = Paths::default();
    let mut texts = Interner::default();
    let mut components = Vec::new();
    let mut broken = 0;
    let lost = blobs(file.bytes, &mut |blob| {
        let header = Header::read(blob);
        let name = header.as_ref().and_then(|header| header.text(tag::NAME));
        if name == Some(b"gpg-pubkey") {
            return;
        }
        let component = header.and_then(|header| package(&header, &mut texts, &mut paths));
        match component {
            Some(component) => components.push(component),
            None => broken += 1,
        }
    });
    match lost {
        Ok(lost) => out
            .gaps
            .extend(damaged(file.path, lost + broken, "packages")),
        Err(error) => out.gaps.push(gap(
            "image-unreadable",
            format!("{} cannot be read: {error}", file.path),
        )),
    }
    out.gaps.extend(paths.gap(file.path));
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

/// `None` where the header has no name that a package could have.
fn package(header: &Header<'_>, texts: &mut Interner, paths: &mut Paths) -> Option<Component> {
    let name = word(header.text(tag::NAME)?)?;
    let field = |tag| header.text(tag).and_then(word);
    let bare = match (field(tag::VERSION), field(tag::RELEASE)) {
        (Some(version), Some(release)) => format!("{version}-{release}"),
        (Some(version), None) => version.to_owned(),
        (None, _) => String::new(),
    };
    let version = match header.number(tag::EPOCH) {
        // 0 and none are the same (rpm-version(7)), and advisories leave it out.
        Some(epoch) if epoch > 0 && !bare.is_empty() => format!("{epoch}:{bare}"),
        _ => bare.clone(),
    };
    let mut component = installed("rpm", name.into(), version.into());
    component.architecture = texts.option(field(tag::ARCH));
    component.source = field(tag::SOURCERPM).and_then(|file| source(file, &bare, texts));
    component.module = texts.option(field(tag::MODULARITYLABEL));
    component.vendor = header
        .text(tag::VENDOR)
        .and_then(prose)
        .map(|vendor| texts.text(&vendor));
    let license = header.text(tag::LICENSE).and_then(prose);
    component
        .licenses
        .extend(license.map(|license| texts.text(&license)));
    component.files = header
        .files()
        .filter_map(|(folder, name)| paths.join(folder.strip_suffix(b"/").unwrap_or(folder), name))
        .collect();
    Some(component)
}

/// `openssl-1.1.1k-12.el8_9.src.rpm`. It has no epoch: a version that is not the package's own is written without one.
fn source(file: &str, of_package: &str, texts: &mut Interner) -> Option<SourcePackage> {
    let stem = file
        .strip_suffix(".src.rpm")
        .or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, _) = stem.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    let version = stem.get(name.len() + 1..)?;
    (!name.is_empty()).then(|| SourcePackage {
        name: texts.text(name),
        version: texts.text(if version == of_package { "" } else { version }),
    })
}

fn journal(file: &File<'_>, out: &mut Extracts) {
    // A header alone (SQLite, "WAL File Format" and "The Rollback Journal") changes nothing.
    let header = if file.path.ends_with("-wal") { 32 } else { 512 };
    let zeroed = file.bytes.get(..8).is_none_or(|start| start == [0; 8]);
    if file.bytes.len() > header && !zeroed {
        let mut gap = gap(
            "image-unreadable",
            format!(
                "{} has changes of packages that are not in the database yet",
                file.path
            ),
        );
        gap.close = "run `rpmdb --rebuilddb` in the image's last step".into();
        out.gaps.push(gap);
    }
}

fn manifest(file: &File<'_>, out: &mut Extracts) {
    let (components, broken) = manifested(file.bytes);
    out.gaps.extend(damaged(file.path, broken, "lines"));
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

/// Lines of `rpm -qa --qf` with tabs: name, version-release, time of install, of build, vendor, epoch, size,
/// architecture, epoch as a number, source (Azure Linux toolkit, `container-manifest-2`).
pub fn manifested(bytes: &[u8]) -> (Vec<Component>, u64) {
    let mut texts = Interner::default();
    let (mut all, mut broken) = (Vec::new(), 0);
    for line in lines(bytes).filter(|line| !line.trim_ascii().is_empty()) {
        match manifest_line(line, &mut texts) {
            Some(component) if &*component.name == "gpg-pubkey" => {}
            Some(component) => all.push(component),
            None => broken += 1,
        }
    }
    (all, broken)
}

fn manifest_line(line: &[u8], texts: &mut Interner) -> Option<Component> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'\t').take(12).collect();
    let [
        name,
        version,
        _,
        _,
        vendor,
        _,
        _,
        architecture,
        epoch,
        source_file,
        ..,
    ] = fields[..]
    else {
        return None;
    };
    let some = |value| word(value).filter(|value| *value != "(none)");
    let bare = some(version)?;
    let version = match some(epoch).filter(|epoch| *epoch != "0") {
        Some(epoch) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{epoch}:{bare}").into()
        }
        _ => Text::from(bare),
    };
    let mut component = installed("rpm", some(name)?.into(), version);
    component.architecture = texts.option(some(architecture));
    component.vendor = prose(vendor).filter(|vendor| &**vendor != "(none)");
    component.source = some(source_file).and_then(|file| source(file, bare, texts));
    Some(component)
}

/// What readers of untrusted tables have in common.
mod read {
    pub(super) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
        let field = bytes.get(at..at.checked_add(2)?)?;
        Some(u16::from_le_bytes(field.try_into().ok()?))
    }

    pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
        le16(bytes, at).map(u16::swap_bytes)
    }

    pub(super) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
        let field = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(field.try_into().ok()?))
    }

    pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
        le32(bytes, at).map(u32::swap_bytes)
    }

    /// Each page of a file may be used once: pages that point in circles end there.
    pub(super) struct Once(Vec<bool>);

    impl Once {
        pub(super) fn new(pages: usize) -> Self {
            Once(vec![false; pages])
        }

        /// Whether the page exists and was not used yet.
        pub(super) fn take(&mut self, page: usize) -> bool {
            self.0
                .get_mut(page)
                .is_some_and(|used| !std::mem::replace(used, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let check = |file: &str, own: &str, expected: Option<(&str, &str)>| {
            let found = source(file, own, &mut Interner::default());
            let found = found.as_ref().map(|found| (&*found.name, &*found.version));
            assert_eq!(found, expected, "{file}");
        };
        check(
            "openssl-1.1.1k-12.el8.src.rpm",
            "1.1.1k-12.el8",
            Some(("openssl", "")),
        );
        check(
            "gcc-toolset-12-gcc-12.2.1-7.4.el8.src.rpm",
            "1-1",
            Some(("gcc-toolset-12-gcc", "12.2.1-7.4.el8")),
        );
        check(
            "vendor-tool-1-2.nosrc.rpm",
            "",
            Some(("vendor-tool", "1-2")),
        );
        check("(none)", "", None);
        check("a-1.src.rpm", "", None);
        check("-1-1.src.rpm", "", None);
    }

    #[test]
    fn a_manifest() {
        let text = "openssl-libs\t3.3.0-1.azl3\t1\t2\tMicrosoft Corporation\t(none)\t9\tx86_64\t0\topenssl-3.3.0-1.azl3.src.rpm\n\
            shadow\t4.9-12.azl3\t1\t2\t(none)\t2\t9\tnoarch\t2\t(none)\n\
            gpg-pubkey\t1-2\t1\t2\t(none)\t(none)\t0\t(none)\t0\t(none)\nbroken\n";
        let (all, broken) = manifested(text.as_bytes());
        assert_eq!((all.len(), broken), (2, 1));
        assert_eq!(&*all[0].source.as_ref().unwrap().name, "openssl");
        assert_eq!(all[0].vendor.as_deref(), Some("Microsoft Corporation"));
        assert_eq!((&*all[1].version, &all[1].source), ("2:4.9-12.azl3", &None));
    }

    #[test]
    fn journals() {
        let check = |name: &str, bytes: &[u8], gaps: usize| {
            let path = format!("var/lib/rpm/{name}");
            let mut out = Extracts::default();
            journal(
                &File {
                    path: &path,
                    mode: 0o644,
                    bytes,
                },
                &mut out,
            );
            assert_eq!(out.gaps.len(), gaps, "{name} of {} bytes", bytes.len());
        };
        check("rpmdb.sqlite-wal", &[7; 32], 0);
        check("rpmdb.sqlite-wal", &[7; 33], 1);
        check("rpmdb.sqlite-journal", &[0; 9_000], 0);
        check("rpmdb.sqlite-journal", &[7; 9_000], 1);
    }
}
