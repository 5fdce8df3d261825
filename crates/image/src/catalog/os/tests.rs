//! Databases that real tools wrote, and bytes that no tool would write.
//!
//! `testdata/rpm` has the packages of `lantern.spec` and an imported key: SQLite by rpm 4.18, ndb by rpm 4.20, Berkeley
//! DB 5.3 by `db_load` with the headers of the first.

use super::*;
use crate::catalog::TABLE;
use crate::extract::{Extract, Extractor, Extracts, File, Wants};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

const SQLITE: &[u8] = include_bytes!("../../../testdata/rpm/rpmdb.sqlite.zst");
const NDB: &[u8] = include_bytes!("../../../testdata/rpm/Packages.db.zst");
const BDB: &[u8] = include_bytes!("../../../testdata/rpm/Packages.zst");

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).unwrap()
}

fn extracts(row: &Extractor, path: &str, bytes: &[u8]) -> Extracts {
    let Wants::Named(wants) = row.wants else {
        unreachable!("{}", row.name)
    };
    assert!(wants(path), "{} does not want {path}", row.name);
    let mut out = Extracts::default();
    let mode = 0o644;
    (row.extract)(&File { path, mode, bytes }, &mut out);
    out
}

fn components(row: &Extractor, path: &str, bytes: &[u8]) -> Vec<Component> {
    let out = extracts(row, path, bytes);
    assert_eq!(out.gaps, [], "{path}");
    let mut all: Vec<Component> = out
        .all
        .into_iter()
        .flat_map(|one| match one {
            Extract::Components(all) => all,
            _ => Vec::new(),
        })
        .collect();
    all.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    all
}

/// One line a component, with its purl on a distribution.
fn told(component: &Component) -> String {
    let mut component = component.clone();
    let release = Release {
        id: "rhel".into(),
        like: Vec::new(),
        version: "9.4".into(),
        codename: None,
        title: None,
        end_of_life: None,
    };
    finish(&mut component, Some(&release));
    let or = |text: &Option<Text>| text.clone().unwrap_or_default();
    format!(
        "{} | {} | {} | {} | {} | {} files",
        component.purl,
        component.version,
        or(&component.module),
        or(&component.vendor),
        component.licenses.join(","),
        component.files.len()
    )
}

#[test]
fn the_three_databases_of_rpm_say_the_same() {
    let rest = "lantern:1.4:9020020260101:abcdef01 | Example Project | MIT and Apache-2.0";
    let expected = [
        format!(
            "pkg:rpm/redhat/lantern@1.4.0~rc1-3.el9?arch=noarch&distro=rhel-9.4&epoch=2\
             &upstream=lantern-1.4.0~rc1-3.el9.src.rpm | 2:1.4.0~rc1-3.el9 | {rest} | 2 files"
        ),
        format!(
            "pkg:rpm/redhat/lantern-libs@7.1-1.el9?arch=noarch&distro=rhel-9.4\
             &upstream=lantern-1.4.0~rc1-3.el9.src.rpm | 7.1-1.el9 | {rest} | 1 files"
        ),
        format!(
            "pkg:rpm/redhat/lantern-many@1.4.0~rc1-3.el9?arch=noarch&distro=rhel-9.4&epoch=2\
             &upstream=lantern-1.4.0~rc1-3.el9.src.rpm | 2:1.4.0~rc1-3.el9 | {rest} | 60 files"
        ),
    ];
    for (path, packed) in [
        ("var/lib/rpm/rpmdb.sqlite", SQLITE),
        ("usr/lib/sysimage/rpm/Packages.db", NDB),
        ("var/lib/rpm/Packages", BDB),
    ] {
        let all = components(&rpm::DATABASE, path, &unpacked(packed));
        let lines: Vec<String> = all.iter().map(told).collect();
        assert_eq!(lines, expected, "{path}");
        // A ghost, a folder and a document that was excluded are not there.
        assert_eq!(all[0].files.join(" "), "etc/lantern.conf usr/bin/lantern");
        assert_eq!(all[1].files.join(" "), "usr/lib/lantern/lib.so");
        assert_eq!(
            all[1].source.as_ref().unwrap().version.as_ref(),
            "1.4.0~rc1-3.el9"
        );
    }
}

#[test]
fn half_of_a_database_is_a_gap() {
    for packed in [SQLITE, NDB, BDB] {
        let whole = unpacked(packed);
        for part in [16, 100, 4_096, whole.len() / 2] {
            let out = extracts(&rpm::DATABASE, "var/lib/rpm/Packages", &whole[..part]);
            assert!(!out.gaps.is_empty(), "{part} of {} bytes", whole.len());
        }
    }
    let out = extracts(&rpm::DATABASE, "var/lib/rpm/Packages", b"nonsense");
    assert_eq!(out.gaps.len(), 1);
}

/// The trees of `fuzz/seeds`, in pages of 512 bytes: inner pages, and headers longer than a page.
#[test]
fn small_pages() {
    let check = |bytes: &[u8], expected: usize| {
        let mut names = Vec::new();
        let lost = rpm::blobs(bytes, &mut |blob| {
            let header = rpm::header::Header::read(blob);
            names.extend(header.and_then(|header| {
                let name = header.text(rpm::header::tag::NAME)?;
                Some((name.to_vec(), header.files().count()))
            }));
        });
        assert_eq!(lost, Ok(0));
        names.sort();
        let first: Vec<_> = names.iter().take(2).collect();
        assert_eq!(first, [&(b"a".to_vec(), 1), &(b"b".to_vec(), 60)]);
        assert_eq!(names.len(), expected);
    };
    check(include_bytes!("../../../../../fuzz/seeds/rpmdb/sqlite"), 19);
    check(include_bytes!("../../../../../fuzz/seeds/rpmdb/ndb"), 3);
    check(include_bytes!("../../../../../fuzz/seeds/rpmdb/bdb"), 3);
}

/// Whether a tool is there; says so where it is not.
#[allow(clippy::print_stderr)] // a test's way to say that it was skipped
fn has(tool: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|all| std::env::split_paths(&all).any(|folder| folder.join(tool).is_file()));
    assert!(
        found || !testkit::required(tool),
        "{tool} is absent, and PLIMSOLL_REQUIRE asks for it"
    );
    if !found {
        eprintln!("skipped: {tool} is absent");
    }
    found
}

fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Many packages, so that the tree has inner pages and names repeat; compared with what rpm says of them.
#[test]
fn rpm_says_the_same() {
    if !has("rpmbuild") || !has("rpm") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |below: &str| folder.path().join(below).to_str().unwrap().to_owned();
    let mut spec = String::from(
        "Name: base\nVersion: 1\nRelease: 2\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%description\nd\n%files\n",
    );
    for number in 0..150 {
        let epoch = number % 3;
        let _ = write!(
            spec,
            "%package p{number}\nVersion: {number}.{epoch}~a^b\nSummary: s\nEpoch: {epoch}\n\
             %description p{number}\nd\n%files p{number}\n"
        );
    }
    std::fs::write(at("base.spec"), spec).unwrap();
    let top = format!("_topdir {}", at("build"));
    run(
        "rpmbuild",
        &["--quiet", "--define", &top, "-bb", &at("base.spec")],
    );
    let built = std::fs::read_dir(at("build/RPMS/noarch")).unwrap();
    let built: Vec<String> = built
        .map(|one| one.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    let root = at("root");
    let place = ["--root", &root, "--dbpath", "/var/lib/rpm"];
    run("rpm", &[&place[..], &["--initdb"]].concat());
    let install: Vec<&str> = built.iter().map(String::as_str).collect();
    run(
        "rpm",
        &[&place[..], &["--nodeps", "--nosignature", "-i"], &install].concat(),
    );
    let format = "%{NAME} %{VERSION}-%{RELEASE} %{EPOCHNUM} %{ARCH} %{SOURCERPM}\n";
    let said = run("rpm", &[&place[..], &["-qa", "--qf", format]].concat());
    let mut expected: Vec<&str> = said.lines().collect();
    expected.sort_unstable();

    let bytes = std::fs::read(at("root/var/lib/rpm/rpmdb.sqlite")).unwrap();
    let all = components(&rpm::DATABASE, "var/lib/rpm/rpmdb.sqlite", &bytes);
    let mut found: Vec<String> = all
        .iter()
        .map(|one| {
            let (epoch, version) = one.version.split_once(':').unwrap_or(("0", &one.version));
            let source = one.source.as_ref().unwrap();
            let of = if source.version.is_empty() {
                version
            } else {
                &source.version
            };
            let architecture = one.architecture.as_deref().unwrap();
            format!(
                "{} {version} {epoch} {architecture} {}-{of}.src.rpm",
                one.name, source.name
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(found.len() > 100, "{}", found.len());
}

/// The machine's own packages where it is a Debian, and those of another root where it is named.
#[test]
fn dpkg_says_the_same() {
    if !has("dpkg-query") {
        return;
    }
    let admin = std::env::var("PLIMSOLL_DPKG").unwrap_or_else(|_| "/var/lib/dpkg".into());
    let format = "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n";
    let query = |arguments: &[&str]| {
        run(
            "dpkg-query",
            &[&["--admindir", admin.as_str()], arguments].concat(),
        )
    };
    let said = query(&["-W", "-f", format]);
    let mut expected: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(state, _)| !matches!(*state, "not-installed" | "config-files"))
        .map(|(_, rest)| rest)
        .collect();
    expected.sort_unstable();

    let bytes = std::fs::read(Path::new(&admin).join("status")).unwrap();
    let all = components(&dpkg::STATUS, "var/lib/dpkg/status", &bytes);
    let mut found: Vec<String> = all
        .iter()
        .map(|one| {
            let source = one.source.as_ref().unwrap();
            let of = if source.version.is_empty() {
                &one.version
            } else {
                &source.version
            };
            let architecture = one.architecture.as_deref().unwrap();
            format!(
                "{} {} {architecture} {} {of}",
                one.name, one.version, source.name
            )
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);

    // Each list is of one package, and each path in it is one that dpkg names.
    let mut lists = 0;
    for entry in std::fs::read_dir(Path::new(&admin).join("info")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.path().extension().is_none_or(|kind| kind != "list") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        let out = extracts(&dpkg::FILES, &format!("var/lib/dpkg/info/{name}"), &bytes);
        let [Extract::Files { package, paths }] = &out.all[..] else {
            continue;
        };
        let owners = all.iter().filter(|one| is_of(one, package)).count();
        assert!(owners <= 1 || package.contains(':'), "{package}");
        lists += owners;
        let text = String::from_utf8_lossy(&bytes);
        // As paths of layers are written, so that the two can be compared.
        let known: std::collections::BTreeSet<String> = text
            .lines()
            .filter_map(|line| normal(line.as_bytes()))
            .collect();
        let odd = paths.iter().find(|path| !known.contains(&***path));
        assert_eq!(odd, None, "{package}");
    }
    // Packages that brought nothing but folders have no list of files.
    assert!(lists * 10 > all.len() * 9, "{lists} of {}", all.len());
}

#[test]
fn purls() {
    let check = |kind: &str,
                 (name, version): (&str, &str),
                 source: Option<(&str, &str)>,
                 release: Option<(&str, &str)>,
                 expected: &str| {
        let mut component = installed(kind, name.into(), version.into());
        component.architecture = Some("amd64".into());
        component.source = source.map(|(name, version)| model::inventory::SourcePackage {
            name: name.into(),
            version: version.into(),
        });
        let release = release.map(|(id, version)| Release {
            id: id.into(),
            like: Vec::new(),
            version: version.into(),
            codename: None,
            title: None,
            end_of_life: None,
        });
        finish(&mut component, release.as_ref());
        assert_eq!(&*component.purl, expected);
    };
    let debian = Some(("debian", "12.8"));
    check(
        "deb",
        ("openssl", "3.0.15-1~deb12u1"),
        Some(("openssl", "")),
        debian,
        "pkg:deb/debian/openssl@3.0.15-1~deb12u1?arch=amd64&distro=debian-12",
    );
    check(
        "deb",
        ("libstdc++6", "1:12.2.0-14+b1"),
        Some(("gcc-12", "12.2.0-14")),
        debian,
        "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bb1?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-14",
    );
    check(
        "deb",
        ("libssl3", "3"),
        Some(("openssl", "")),
        Some(("debian", "forky/sid")),
        "pkg:deb/debian/libssl3@3?arch=amd64&distro=debian-forky&upstream=openssl",
    );
    check(
        "deb",
        ("a", ""),
        None,
        Some(("ubuntu", "22.04")),
        "pkg:deb/ubuntu/a?arch=amd64&distro=ubuntu-22.04",
    );
    check("deb", ("a", "1"), None, None, "pkg:deb/a@1?arch=amd64");
    check(
        "apk",
        ("libcrypto3", "3.3.2-r1"),
        Some(("openssl", "")),
        Some(("alpine", "3.20.3")),
        "pkg:apk/alpine/libcrypto3@3.3.2-r1?arch=amd64&distro=alpine-3.20.3&upstream=openssl",
    );
    check(
        "rpm",
        ("NetworkManager", "1:1.48-1"),
        None,
        Some(("opensuse-leap", "15.6")),
        "pkg:rpm/opensuse/NetworkManager@1.48-1?arch=amd64&distro=opensuse-leap-15.6&epoch=1",
    );
    check(
        "alpm",
        ("pacman", "1:6-1"),
        Some(("pacman", "")),
        Some(("arch", "")),
        "pkg:alpm/arch/pacman@1:6-1?arch=amd64&distro=arch",
    );
    let mut other = installed("npm", "a".into(), "1".into());
    other.purl = "pkg:npm/a@1".into();
    finish(&mut other, None);
    assert_eq!(&*other.purl, "pkg:npm/a@1");
}

/// A path that each row of this folder reads.
const ROWS: &[(&Extractor, &str)] = &[
    (&dpkg::STATUS, "var/lib/dpkg/status"),
    (&dpkg::STATUS, "var/lib/dpkg/status.d/base"),
    (&dpkg::FILES, "var/lib/dpkg/info/libc6:amd64.list"),
    (&dpkg::FILES, "var/lib/dpkg/status.d/base.md5sums"),
    (&apk::INSTALLED, "lib/apk/db/installed"),
    (&chisel::MANIFEST, "var/lib/chisel/manifest.wall"),
    (&rpm::DATABASE, "var/lib/rpm/Packages"),
    (&rpm::JOURNAL, "var/lib/rpm/rpmdb.sqlite-wal"),
    (&rpm::JOURNAL, "var/lib/rpm/rpmdb.sqlite-journal"),
    (&rpm::MANIFEST, "var/lib/rpmmanifest/container-manifest-2"),
    (&alpm::DESC, "var/lib/pacman/local/a-1-1/desc"),
    (&alpm::FILES, "var/lib/pacman/local/a-1-1/files"),
    (&release::RELEASE, "etc/os-release"),
    (&release::RELEASE, "etc/lsb-release"),
    (&release::RELEASE, "etc/redhat-release"),
    (&release::RELEASE, "etc/SuSE-release"),
    (&release::RELEASE, "etc/debian_version"),
    (&release::RELEASE, "etc/alpine-release"),
];

#[test]
fn every_row_is_in_the_table() {
    for (row, path) in ROWS {
        let wanting: Vec<&str> = TABLE
            .iter()
            .filter(|row| matches!(row.wants, Wants::Named(named) if named(path)))
            .map(|row| row.name)
            .collect();
        assert_eq!(wanting, [row.name], "{path}");
    }
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "Package: a",
        "Version: 1",
        "Status: install ok installed",
        "Source: b (2)",
        " continued",
        "P:a",
        "V:1",
        "F:usr",
        "R:x",
        "o:b",
        "ID=debian",
        "VERSION_ID=\"1",
        "%NAME%",
        "%FILES%",
        "CentOS release 7",
        "VERSION = 1",
        "",
        "a\t1-1\t\t\t\t\t\tnoarch\t1\ta-1-1.src.rpm",
    ];
    prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #[test]
    fn no_bytes_panic(lines in prop::collection::vec(line(), 0..40), row in 0..ROWS.len()) {
        let (row, path) = ROWS[row];
        let out = extracts(row, path, &lines.join(&b"\n"[..]));
        for one in out.all {
            let Extract::Components(all) = one else { continue };
            for mut component in all {
                prop_assert!(!component.name.is_empty());
                finish(&mut component, None);
                prop_assert!(!component.purl.contains(char::is_control));
            }
        }
    }

    #[test]
    fn damaged_databases_are_bounded(
        which in 0..3usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
        cut in any::<prop::sample::Index>(),
        near in 0..3u8,
    ) {
        let mut bytes = unpacked([SQLITE, NDB, BDB][which]);
        // Headers and tables decide most; whole random places rarely hit one.
        let reach = match near { 0 => 512, 1 => 8_192, _ => bytes.len() };
        for (index, byte) in damage {
            let at = 16 + index.index(reach - 16);
            bytes[at] = byte;
        }
        if near == 0 {
            bytes.truncate(16 + cut.index(bytes.len() - 16));
        }
        let mut handed = 0;
        let _ = rpm::blobs(&bytes, &mut |blob| handed += blob.len());
        prop_assert!(handed <= bytes.len(), "{handed} of {}", bytes.len());
        extracts(&rpm::DATABASE, "var/lib/rpm/Packages", &bytes);
    }

    #[test]
    fn any_header_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..300), entries in 0..4u8) {
        let mut blob = vec![0, 0, 0, entries, 0, 0, 0, 200];
        blob.extend(bytes);
        if let Some(header) = rpm::header::Header::read(&blob) {
            prop_assert!(header.files().count() <= blob.len());
        }
    }
}
