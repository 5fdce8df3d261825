//! Which distribution it is. Comes in: one release file. Goes out: what it says, and how much that counts. Never: a
//! guess from packages.
//!
//! Precedence: 60 `etc/os-release`, 50 `usr/lib/os-release` (os-release(5): the first counts), 40 a file of one
//! distribution, 30 a file that derivatives write in the name of what they derive from (`redhat-release`,
//! `system-release`), 20 a file that has a version alone. Lower ones only add what the higher ones leave open
//! ([`settle`]): Ubuntu has a `debian_version` too.

use super::{lines, prose, word};
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use model::inventory::Release;
use model::text::Text;

pub const RELEASE: Extractor = Extractor {
    name: "release",
    wants: Wants::Named(|path| FILES.iter().any(|(wanted, ..)| *wanted == path)),
    limit: 1 << 20,
    extract,
};

type Read = fn(&[u8]) -> Option<Release>;

const FILES: &[(&str, u8, Read)] = &[
    ("etc/os-release", 60, os_release),
    ("usr/lib/os-release", 50, os_release),
    ("etc/almalinux-release", 40, release_line),
    ("etc/azurelinux-release", 40, release_line),
    ("etc/centos-release", 40, release_line),
    ("etc/fedora-release", 40, release_line),
    ("etc/lsb-release", 40, lsb_release),
    ("etc/mariner-release", 40, release_line),
    ("etc/oracle-release", 40, release_line),
    ("etc/photon-release", 40, release_line),
    ("etc/rocky-release", 40, release_line),
    ("etc/SuSE-release", 40, suse_release),
    ("etc/redhat-release", 30, release_line),
    ("etc/system-release", 30, release_line),
    ("etc/alpine-release", 20, alpine_version),
    ("etc/debian_version", 20, debian_version),
];

fn extract(file: &File<'_>, out: &mut Extracts) {
    let Some((_, precedence, read)) = FILES.iter().find(|(path, ..)| *path == file.path) else {
        return;
    };
    if let Some(release) = read(file.bytes) {
        out.all.push(Extract::Release {
            release,
            precedence: *precedence,
        });
    }
}

/// One release of what several files say, with their precedence; `None` where nothing says it. No file says until when
/// it is supported.
pub fn settle(said: impl IntoIterator<Item = (Release, u8)>) -> Option<Release> {
    let mut all: Vec<_> = said.into_iter().collect();
    all.sort_by_key(|(_, precedence)| std::cmp::Reverse(*precedence));
    let mut all = all.into_iter().map(|(release, _)| release);
    let mut release = all.next()?;
    for other in all
        .filter(|other| other.id == release.id)
        .collect::<Vec<_>>()
    {
        if is_exacter(&release, &other.version) {
            release.version = other.version;
        }
        release.codename = release.codename.or(other.codename);
        release.title = release.title.or(other.title);
    }
    Some(release)
}

/// `os-release` of Debian and CentOS has the major version only.
fn is_exacter(release: &Release, version: &str) -> bool {
    if release.version.is_empty() {
        return true;
    }
    matches!(&*release.id, "debian" | "centos")
        && version
            .strip_prefix(&*release.version)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn release(id: &str, version: &str) -> Release {
    Release {
        id: id.to_ascii_lowercase().into(),
        like: Vec::new(),
        version: version.into(),
        codename: None,
        title: None,
        end_of_life: None,
    }
}

/// os-release(5). Without an `ID` it says nothing.
pub fn os_release(bytes: &[u8]) -> Option<Release> {
    let field = |name: &str| assigned(bytes, name);
    let id = field("ID")?;
    let mut release = release(word(id.as_bytes())?, "");
    release.version = field("VERSION_ID")
        .and_then(|version| word(version.as_bytes()).map(Text::from))
        .unwrap_or_default();
    release.like = field("ID_LIKE")
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|id| word(id.as_bytes()))
        .map(|id| id.to_ascii_lowercase().into())
        .collect();
    release.title = field("PRETTY_NAME").and_then(|title| prose(title.as_bytes()));
    release.codename = codename(&release, field("VERSION_CODENAME"), field("VERSION"));
    Some(release)
}

fn codename(release: &Release, codename: Option<String>, version: Option<String>) -> Option<Text> {
    let said = codename.and_then(|codename| word(codename.as_bytes()).map(Text::from));
    match &*release.id {
        // Debian 9 and before: `9 (stretch)`.
        "debian" => said.or_else(|| {
            let version = version?;
            let (_, rest) = version.split_once('(')?;
            word(rest.strip_suffix(')')?.as_bytes()).map(Text::from)
        }),
        "alpine" => said.or_else(|| is_edge(&release.version).then(|| "edge".into())),
        _ => said,
    }
}

/// Alpine's development branch is the alpha of its next release.
fn is_edge(version: &str) -> bool {
    version.contains("_alpha")
}

/// The value of `NAME=VALUE`; the last line counts, as in a shell.
fn assigned(bytes: &[u8], name: &str) -> Option<String> {
    lines(bytes)
        .filter_map(|line| line.trim_ascii_start().strip_prefix(name.as_bytes()))
        .filter_map(|rest| rest.strip_prefix(b"="))
        .last()
        .map(|value| unquoted(&String::from_utf8_lossy(value.trim_ascii())))
}

/// A shell's word: in single quotes as it stands, else a backslash takes the next character's meaning.
fn unquoted(value: &str) -> String {
    let (inner, quote) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &value[1..];
            (inner.strip_suffix(quote).unwrap_or(inner), Some(quote))
        }
        _ => (value, None),
    };
    if quote == Some('\'') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            char => out.push(char),
        }
    }
    out
}

/// Ubuntu before it had an `os-release`.
fn lsb_release(bytes: &[u8]) -> Option<Release> {
    let id = assigned(bytes, "DISTRIB_ID")?;
    let version = assigned(bytes, "DISTRIB_RELEASE").unwrap_or_default();
    let version = word(version.as_bytes()).unwrap_or("");
    let mut release = release(word(id.as_bytes())?, version);
    release.codename = assigned(bytes, "DISTRIB_CODENAME")
        .and_then(|codename| word(codename.as_bytes()).map(Text::from));
    release.title =
        assigned(bytes, "DISTRIB_DESCRIPTION").and_then(|title| prose(title.as_bytes()));
    Some(release)
}

/// `CentOS Linux release 7.9.2009 (Core)`, `VMware Photon OS 4.0`.
pub fn release_line(bytes: &[u8]) -> Option<Release> {
    const NAMES: &[(&str, &str)] = &[
        ("AlmaLinux", "almalinux"),
        ("Amazon Linux", "amzn"),
        ("Anolis OS", "anolis"),
        ("CBL-Mariner", "mariner"),
        ("CentOS", "centos"),
        ("CloudLinux", "cloudlinux"),
        ("EulerOS", "euleros"),
        ("Fedora", "fedora"),
        ("Microsoft Azure Linux", "azurelinux"),
        ("Oracle Linux", "ol"),
        ("Red Hat Enterprise Linux", "rhel"),
        ("Rocky Linux", "rocky"),
        ("Scientific Linux", "scientific"),
        ("VMware Photon", "photon"),
        ("Virtuozzo", "virtuozzo"),
        ("openEuler", "openeuler"),
    ];
    let line = prose(lines(bytes).next()?)?;
    let (name, id) = NAMES.iter().find(|(name, _)| line.starts_with(name))?;
    let version = line[name.len()..]
        .split_ascii_whitespace()
        .find(|part| part.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or("");
    let mut release = release(id, version);
    release.title = Some(line);
    Some(release)
}

/// A line of prose, `VERSION = 11`, `PATCHLEVEL = 4`.
fn suse_release(bytes: &[u8]) -> Option<Release> {
    let title = prose(lines(bytes).next()?)?;
    let id = if title.starts_with("SUSE Linux Enterprise Server") {
        "sles"
    } else if title.starts_with("SUSE Linux Enterprise Desktop") {
        "sled"
    } else if title.starts_with("openSUSE") {
        "opensuse"
    } else {
        return None;
    };
    let field = |name: &str| {
        lines(bytes).find_map(|line| {
            let rest = line.strip_prefix(name.as_bytes())?.trim_ascii_start();
            word(rest.strip_prefix(b"=")?)
        })
    };
    let version = match (field("VERSION"), field("PATCHLEVEL")) {
        (Some(version), Some(patch)) if patch != "0" => format!("{version}.{patch}"),
        (Some(version), _) => version.to_owned(),
        (None, _) => String::new(),
    };
    let mut release = release(id, &version);
    release.title = Some(title);
    Some(release)
}

fn alpine_version(bytes: &[u8]) -> Option<Release> {
    let version = word(lines(bytes).next()?)?;
    let mut release = release("alpine", version);
    release.codename = is_edge(version).then(|| "edge".into());
    Some(release)
}

/// `12.8`, or `forky/sid` for testing and unstable. Derivatives that write other words are not Debian.
fn debian_version(bytes: &[u8]) -> Option<Release> {
    let version = word(lines(bytes).next()?)?;
    let codename = version.strip_suffix("/sid");
    let numbered = version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if codename.is_none() && !numbered {
        return None;
    }
    let mut release = release("debian", version);
    release.codename = codename.map(Text::from);
    Some(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// id, version, codename of the files together
    fn check(files: &[(&str, &str)], expected: Option<(&str, &str, &str)>) -> Option<Release> {
        let mut out = Extracts::default();
        for (path, text) in files {
            let bytes = text.as_bytes();
            extract(
                &File {
                    path,
                    mode: 0o644,
                    bytes,
                },
                &mut out,
            );
        }
        let said = out.all.into_iter().filter_map(|one| match one {
            Extract::Release {
                release,
                precedence,
            } => Some((release, precedence)),
            _ => None,
        });
        let found = settle(said);
        let short = found.as_ref().map(|one| {
            (
                &*one.id,
                &*one.version,
                one.codename.as_deref().unwrap_or(""),
            )
        });
        assert_eq!(short, expected, "{files:?}");
        found
    }

    #[test]
    fn debian() {
        const BOOKWORM: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n\
            VERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        let found = check(
            &[
                ("etc/debian_version", "12.8\n"),
                ("usr/lib/os-release", BOOKWORM),
            ],
            Some(("debian", "12.8", "bookworm")),
        );
        let found = found.unwrap();
        assert_eq!(
            found.title.as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        check(
            &[("etc/os-release", BOOKWORM)],
            Some(("debian", "12", "bookworm")),
        );
        check(
            &[("etc/debian_version", "13.1")],
            Some(("debian", "13.1", "")),
        );
        check(
            &[("etc/os-release", BOOKWORM), ("etc/debian_version", "1.2")],
            Some(("debian", "12", "bookworm")),
        );
        check(
            &[
                ("etc/os-release", "ID=debian\nVERSION_CODENAME=forky\n"),
                ("etc/debian_version", "forky/sid\n"),
            ],
            Some(("debian", "forky/sid", "forky")),
        );
        check(
            &[(
                "etc/os-release",
                "ID=debian\nVERSION_ID='9'\nVERSION=\"9 (stretch)\"\n",
            )],
            Some(("debian", "9", "stretch")),
        );
    }

    #[test]
    fn derivatives_keep_their_name() {
        let ubuntu = "NAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\nID=ubuntu\nID_LIKE=\"debian\"\nVERSION_CODENAME=jammy\n";
        let found = check(
            &[
                ("etc/debian_version", "bookworm/sid"),
                ("etc/os-release", ubuntu),
            ],
            Some(("ubuntu", "22.04", "jammy")),
        );
        assert_eq!(found.unwrap().like.join(" "), "debian");
        check(&[("etc/debian_version", "kali-rolling")], None);
        check(
            &[
                (
                    "etc/redhat-release",
                    "Red Hat Enterprise Linux release 8.10 (Ootpa)",
                ),
                ("etc/oracle-release", "Oracle Linux Server release 8.10"),
            ],
            Some(("ol", "8.10", "")),
        );
        check(
            &[(
                "etc/lsb-release",
                "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\nDISTRIB_CODENAME=lucid\n",
            )],
            Some(("ubuntu", "10.04", "lucid")),
        );
    }

    #[test]
    fn alpine_and_its_kin() {
        check(
            &[
                ("etc/alpine-release", "3.20.3\n"),
                ("etc/os-release", "ID=alpine\nVERSION_ID=3.20.3\n"),
            ],
            Some(("alpine", "3.20.3", "")),
        );
        check(
            &[(
                "etc/os-release",
                "ID=alpine\nVERSION_ID=3.23_alpha20250612\n",
            )],
            Some(("alpine", "3.23_alpha20250612", "edge")),
        );
        check(
            &[("etc/os-release", "ID=wolfi\nVERSION_ID=\"20230201\"\n")],
            Some(("wolfi", "20230201", "")),
        );
        check(
            &[("etc/os-release", "ID=chainguard\nVERSION_ID=20230214\n")],
            Some(("chainguard", "20230214", "")),
        );
    }

    #[test]
    fn rpm_distributions() {
        check(
            &[
                ("etc/os-release", "ID=\"centos\"\nVERSION_ID=\"7\"\n"),
                (
                    "etc/centos-release",
                    "CentOS Linux release 7.9.2009 (Core)\n",
                ),
            ],
            Some(("centos", "7.9.2009", "")),
        );
        let stream = check(
            &[(
                "etc/os-release",
                "ID=centos\nVERSION_ID=\"8\"\nPRETTY_NAME=\"CentOS Stream 8\"\n",
            )],
            Some(("centos", "8", "")),
        );
        assert_eq!(stream.unwrap().title.as_deref(), Some("CentOS Stream 8"));
        for (path, text, id, version) in [
            (
                "etc/redhat-release",
                "CentOS release 6.10 (Final)",
                "centos",
                "6.10",
            ),
            (
                "etc/rocky-release",
                "Rocky Linux release 9.4 (Blue Onyx)",
                "rocky",
                "9.4",
            ),
            (
                "etc/system-release",
                "Amazon Linux AMI release 2018.03",
                "amzn",
                "2018.03",
            ),
            (
                "etc/photon-release",
                "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=1",
                "photon",
                "4.0",
            ),
            (
                "etc/mariner-release",
                "CBL-Mariner 2.0.20240112",
                "mariner",
                "2.0.20240112",
            ),
            (
                "etc/SuSE-release",
                "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4",
                "sles",
                "11.4",
            ),
            (
                "etc/SuSE-release",
                "openSUSE 13.2 (x86_64)\nVERSION = 13.2\n",
                "opensuse",
                "13.2",
            ),
            (
                "etc/os-release",
                "ID=\"opensuse-tumbleweed\"\nVERSION_ID=\"20241010\"",
                "opensuse-tumbleweed",
                "20241010",
            ),
            (
                "etc/os-release",
                "ID=azurelinux\nVERSION_ID=\"3.0\"",
                "azurelinux",
                "3.0",
            ),
            ("etc/os-release", "ID=arch\nBUILD_ID=rolling", "arch", ""),
        ] {
            check(&[(path, text)], Some((id, version, "")));
        }
        check(&[("etc/redhat-release", "Some other release 1")], None);
        check(&[("etc/os-release", "NAME=x\n")], None);
    }

    #[test]
    fn quoting() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\"two words\"", "two words"),
            ("'as \\it is'", "as \\it is"),
            (r#""a \"b\" \$c \\d""#, r#"a "b" $c \d"#),
            ("a\\ b", "a b"),
            ("\"open", "open"),
            ("\"", ""),
            ("", ""),
            ("\"\u{e9}\"", "\u{e9}"),
        ] {
            assert_eq!(unquoted(text), expected, "{text}");
        }
        let twice = b"ID=one\n# ID=three\nXID=four\n  ID=two \n";
        assert_eq!(assigned(twice, "ID").as_deref(), Some("two"));
    }
}
