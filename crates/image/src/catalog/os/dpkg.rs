//! Debian's packages. Comes in: dpkg's status file, one of its parts as distroless images have them, or a file list.
//! Goes out: packages whose files are there, or the paths of one package. Never: a package that was removed.
//! Sources: deb-control(5), dpkg-query(1) (states), dpkg's doc/spec/protected files.

use super::{damaged, installed, lines, path, prose, within, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use model::inventory::{Component, SourcePackage};
use model::text::{Interner, Text};

pub const STATUS: Extractor = Extractor {
    name: "dpkg",
    wants: Wants::Named(is_status),
    limit: 64 << 20,
    extract: status,
};

pub const FILES: Extractor = Extractor {
    name: "dpkg-files",
    wants: Wants::Named(is_files),
    limit: 32 << 20,
    extract: files,
};

const PARTS: &str = "var/lib/dpkg/status.d/";
const INFO: &str = "var/lib/dpkg/info/";
/// What stands beside the parts; a package's name may have a dot too.
const BESIDE: [&str; 7] = [
    ".md5sums",
    ".list",
    ".conffiles",
    ".preinst",
    ".postinst",
    ".prerm",
    ".postrm",
];

fn is_status(path: &str) -> bool {
    path == "var/lib/dpkg/status"
        || within(path, PARTS)
            .is_some_and(|name| !BESIDE.iter().any(|beside| name.ends_with(beside)))
}

fn is_files(path: &str) -> bool {
    package_of(path).is_some()
}

fn package_of(path: &str) -> Option<&str> {
    match within(path, INFO) {
        Some(name) => name.strip_suffix(".list"),
        None => within(path, PARTS)?.strip_suffix(".md5sums"),
    }
}

fn status(file: &File<'_>, out: &mut Extracts) {
    let (components, broken) = packages(file.bytes);
    out.gaps.extend(damaged(file.path, broken, "paragraphs"));
    if !components.is_empty() {
        out.all.push(Extract::Components(components));
    }
}

fn files(file: &File<'_>, out: &mut Extracts) {
    let Some(package) = package_of(file.path) else {
        return;
    };
    let paths = match file.path.strip_prefix(INFO) {
        Some(_) => listed(file.bytes),
        None => summed(file.bytes),
    };
    if !paths.is_empty() {
        out.all.push(Extract::Files {
            package: package.into(),
            paths,
        });
    }
}

/// Packages of a status file in its order, and how many paragraphs are none.
pub fn packages(bytes: &[u8]) -> (Vec<Component>, u64) {
    let mut texts = Interner::default();
    let (mut all, mut broken) = (Vec::new(), 0);
    let mut paragraph = Paragraph::default();
    for line in lines(bytes).chain([&b""[..]]) {
        if !line.is_empty() {
            paragraph.line(line);
            continue;
        }
        let whole = std::mem::take(&mut paragraph);
        if !whole.is_present() {
            continue;
        }
        match whole.component(&mut texts) {
            Some(component) => all.push(component),
            None => broken += 1,
        }
    }
    (all, broken)
}

/// Values as written; continued lines belong to no field that is read here.
#[derive(Default)]
struct Paragraph<'a> {
    any: bool,
    package: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    version: Option<&'a [u8]>,
    architecture: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    vendor: Option<&'a [u8]>,
}

impl<'a> Paragraph<'a> {
    fn line(&mut self, line: &'a [u8]) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            return;
        }
        self.any = true;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return;
        };
        let (name, value) = line.split_at(colon);
        // Names of fields have no case (deb-control(5)).
        let field = match name.len() {
            6 if name.eq_ignore_ascii_case(b"status") => &mut self.status,
            6 if name.eq_ignore_ascii_case(b"source") => &mut self.source,
            6 if name.eq_ignore_ascii_case(b"origin") => &mut self.vendor,
            7 if name.eq_ignore_ascii_case(b"package") => &mut self.package,
            7 if name.eq_ignore_ascii_case(b"version") => &mut self.version,
            12 if name.eq_ignore_ascii_case(b"architecture") => &mut self.architecture,
            _ => return,
        };
        *field = value.get(1..).map(<[u8]>::trim_ascii);
    }

    /// Every state in which files of the package may be on the disk counts: `installed`, those on the way there
    /// (`half-installed`, `unpacked`, `half-configured`, `triggers-awaited`, `triggers-pending`), whatever is wanted
    /// (`hold`, `deinstall`) and whatever the error flag says. `not-installed` and `config-files` have no program left.
    /// A paragraph without a state was written by a builder that installs without dpkg (distroless).
    fn is_present(&self) -> bool {
        let state = self
            .status
            .and_then(|status| status.rsplit(u8::is_ascii_whitespace).next());
        self.any && !matches!(state, Some(b"not-installed" | b"config-files"))
    }

    fn component(&self, texts: &mut Interner) -> Option<Component> {
        let name: Text = word(self.package?)?.into();
        let version = texts.text(self.version.and_then(word).unwrap_or(""));
        let mut component = installed("deb", Text::clone(&name), Text::clone(&version));
        component.architecture = texts.option(self.architecture.and_then(word));
        component.vendor = self.vendor.and_then(prose);
        component.source = Some(match self.source.and_then(source) {
            Some((source, of)) => SourcePackage {
                name: texts.text(source),
                version: texts.text(of.filter(|of| *of != &*version).unwrap_or("")),
            },
            None => SourcePackage {
                name,
                version: "".into(),
            },
        });
        Some(component)
    }
}

/// `glibc (2.36-9+deb12u9)`: the version stands there where it is not the package's.
fn source(value: &[u8]) -> Option<(&str, Option<&str>)> {
    let end = value
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'(')
        .unwrap_or(value.len());
    let (name, rest) = value.split_at(end);
    let version = rest
        .trim_ascii()
        .strip_prefix(b"(")
        .and_then(|rest| rest.strip_suffix(b")"))
        .and_then(word);
    Some((word(name)?, version))
}

/// Paths of `info/NAME.list`. A folder directly followed by what lies in it is left out.
pub fn listed(bytes: &[u8]) -> Vec<Text> {
    let mut paths = Vec::new();
    let mut all = lines(bytes).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = all.next() {
        let holds = all
            .peek()
            .and_then(|next| next.strip_prefix(line))
            .is_some_and(|below| below.starts_with(b"/"));
        if !holds && line != b"/." {
            paths.extend(path(line));
        }
    }
    paths
}

/// Paths of `NAME.md5sums`: a sum, blanks, a path.
pub fn summed(bytes: &[u8]) -> Vec<Text> {
    let path_of = |line| {
        let blank = <[u8]>::iter(line).position(|byte| *byte == b' ')?;
        path(line.get(blank..)?.trim_ascii_start())
    };
    lines(bytes).filter_map(path_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// name, version, architecture, source, its version
    fn check(status: &str, expected: &[[&str; 5]], broken: u64) {
        let (all, seen) = packages(status.as_bytes());
        let rows: Vec<[&str; 5]> = all
            .iter()
            .map(|one| {
                let source = one.source.as_ref().unwrap();
                let architecture = one.architecture.as_deref().unwrap_or("");
                [
                    &*one.name,
                    &*one.version,
                    architecture,
                    &*source.name,
                    &*source.version,
                ]
            })
            .collect();
        assert_eq!(rows, expected, "{status}");
        assert_eq!(seen, broken, "{status}");
    }

    #[test]
    fn paragraphs() {
        check("", &[], 0);
        check("\n\n\n", &[], 0);
        check(
            "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.3-4\n",
            &[["a", "1:2.3-4", "amd64", "a", ""]],
            0,
        );
        check(
            "package: libc6\nSource: glibc (2.36-9)\nVERSION: 2.36-9+b1\n\nPackage: b\r\nVersion: 1\r\n",
            &[
                ["libc6", "2.36-9+b1", "", "glibc", "2.36-9"],
                ["b", "1", "", "b", ""],
            ],
            0,
        );
        check(
            "Package: a\nSource: s (1)\nVersion: 1\nDescription: x\n Package: b\n .\n\tVersion: 2\n",
            &[["a", "1", "", "s", ""]],
            0,
        );
        check("Package: a\n", &[["a", "", "", "a", ""]], 0);
        check("Version: 1\n\nPackage: a\x1b[2J\nVersion: 1\n", &[], 2);
    }

    #[test]
    fn states() {
        let present = |state: &str| {
            let status = format!("Package: a\nStatus: {state}\nVersion: 1\n");
            packages(status.as_bytes()).0.len() == 1
        };
        for state in [
            "install ok installed",
            "hold ok installed",
            "deinstall ok installed",
            "install ok unpacked",
            "install ok half-configured",
            "install reinstreq half-installed",
            "install ok triggers-awaited",
            "install ok triggers-pending",
            "unheard of",
            "",
        ] {
            assert!(present(state), "{state}");
        }
        for state in ["deinstall ok config-files", "purge ok not-installed"] {
            assert!(!present(state), "{state}");
        }
    }

    #[test]
    fn names_of_files() {
        for (path, status, package) in [
            ("var/lib/dpkg/status", true, None),
            ("var/lib/dpkg/status-old", false, None),
            ("var/lib/dpkg/status.d/python3.11", true, None),
            (
                "var/lib/dpkg/status.d/tzdata.md5sums",
                false,
                Some("tzdata"),
            ),
            ("var/lib/dpkg/status.d/a/b", false, None),
            (
                "var/lib/dpkg/info/libc6:amd64.list",
                false,
                Some("libc6:amd64"),
            ),
            ("var/lib/dpkg/info/libc6:amd64.md5sums", false, None),
            ("srv/var/lib/dpkg/status", false, None),
        ] {
            assert_eq!(is_status(path), status, "{path}");
            assert_eq!(package_of(path), package, "{path}");
        }
    }

    #[test]
    fn lists() {
        let of = |paths: Vec<Text>| paths.join(" ");
        let list = b"/.\n/usr\n/usr/bin\n/usr/bin/a\n/usr/bin/a-b\n/usr/lib\n/etc/x\n";
        assert_eq!(of(listed(list)), "usr/bin/a usr/bin/a-b usr/lib etc/x");
        let sums = b"d41d8cd98f00b204e9800998ecf8427e  usr/share/a b\nbroken\n";
        assert_eq!(of(summed(sums)), "usr/share/a b");
    }
}
