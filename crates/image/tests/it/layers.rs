//! Headers and the walk over one layer.

use crate::TABLE;
use crate::tarball::{Tarball, header, sealed};
use image::Limits;
use image::layer::{EntryKind, LayerFacts, LayerGap, walk};
use image::tar::{Header, Kind, Tar, TarError};
use proptest::prelude::*;

fn headers(bytes: &[u8]) -> (Vec<Header>, Option<TarError>) {
    let mut tar = Tar::new(bytes);
    let mut all = Vec::new();
    loop {
        match tar.next() {
            Ok(Some(header)) => all.push(header),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

/// Kind, path and size of each header, and the error at the end.
fn check(tarball: &[u8], expected: &[(&str, &str, u64)], error: Option<&str>) {
    let (found, end) = headers(tarball);
    let found: Vec<(String, String, u64)> = found
        .iter()
        .map(|header| {
            let kind = match &header.kind {
                Kind::File => "file".to_owned(),
                Kind::Folder => "folder".to_owned(),
                Kind::Symlink(to) => format!("-> {}", String::from_utf8_lossy(to)),
                Kind::Hardlink(to) => format!("= {}", String::from_utf8_lossy(to)),
                Kind::Other => "other".to_owned(),
                Kind::Sparse => "sparse".to_owned(),
            };
            (
                kind,
                String::from_utf8_lossy(&header.path).into_owned(),
                header.size,
            )
        })
        .collect();
    let found: Vec<(&str, &str, u64)> = found
        .iter()
        .map(|(kind, path, size)| (&**kind, &**path, *size))
        .collect();
    assert_eq!(found, expected);
    match (error, end) {
        (None, None) => {}
        (Some(part), Some(error)) if error.to_string().contains(part) => {}
        (expected, found) => panic!("expected {expected:?}, found {found:?}"),
    }
}

#[test]
fn forms_of_names() {
    let long = "d/".repeat(100) + "file";
    let deep = "e/".repeat(60);
    let t = Tarball::new;
    check(
        &t().file("a", "12345")
            .folder("d/")
            .symlink("l", "../a")
            .hardlink("h", "a")
            .end(),
        &[
            ("file", "a", 5),
            ("folder", "d/", 0),
            ("-> ../a", "l", 0),
            ("= a", "h", 0),
        ],
        None,
    );
    check(
        &t().long(b'L', &long).file("cut", "x").end(),
        &[("file", &long, 1)],
        None,
    );
    check(
        &t().long(b'K', &long).symlink("l", "cut").end(),
        &[(&format!("-> {long}"), "l", 0)],
        None,
    );
    check(
        &t().pax(&[("path", long.as_bytes())]).file("cut", "x").end(),
        &[("file", &long, 1)],
        None,
    );
    check(
        &t().pax(&[("linkpath", b"far")]).symlink("l", "cut").end(),
        &[("-> far", "l", 0)],
        None,
    );
    // GNU's name wins, as in Go; an empty value takes back; the last header counts alone.
    check(
        &t().long(b'L', "gnu")
            .pax(&[("path", b"pax")])
            .file("n", "")
            .end(),
        &[("file", "gnu", 0)],
        None,
    );
    check(
        &t().pax(&[("path", b"one"), ("path", b"")])
            .file("n", "")
            .end(),
        &[("file", "n", 0)],
        None,
    );
    check(
        &t().pax(&[("path", b"one")])
            .pax(&[("size", b"0")])
            .file("n", "")
            .end(),
        &[("file", "n", 0)],
        None,
    );
    check(
        &t().pax(&[("comment", b"x")]).file("n", "").end(),
        &[("file", "n", 0)],
        None,
    );
    check(
        &t().raw(b'g', b"pax_global_header", b"", 12, b"12 path=abc\n")
            .file("n", "")
            .end(),
        &[("file", "n", 0)],
        None,
    );
    let mut block = header(b'0', b"name", b"", 0o644, 0);
    block[345..345 + deep.len()].copy_from_slice(deep.as_bytes());
    let whole = format!("{deep}/name");
    check(
        &Tarball(sealed(block).to_vec()).end(),
        &[("file", &whole, 0)],
        None,
    );
    // Devices, and types that nobody knows.
    check(
        &t().raw(b'3', b"null", b"", 0, b"")
            .raw(b'V', b"label", b"", 0, b"")
            .end(),
        &[("other", "null", 0), ("other", "label", 0)],
        None,
    );
    // A slash at the end makes a folder of a file in the oldest form only.
    check(
        &t().raw(b'\0', b"d/", b"", 7, b"")
            .raw(b'0', b"f/", b"", 1, b"x")
            .end(),
        &[("folder", "d/", 0), ("file", "f/", 1)],
        None,
    );
    check(
        &t().raw(b'0', b"\xff\xfe", b"", 0, b"").end(),
        &[("file", "\u{fffd}\u{fffd}", 0)],
        None,
    );
}

#[test]
fn sizes_and_sparse_files() {
    let t = Tarball::new;
    check(
        &t().pax(&[("size", b"3")])
            .raw(b'0', b"n", b"", 0, b"abc")
            .file("m", "")
            .end(),
        &[("file", "n", 3), ("file", "m", 0)],
        None,
    );
    check(
        &t().pax(&[("size", b"x")]).file("n", "").end(),
        &[],
        Some("size is no number"),
    );
    check(
        &t().pax(&[("size", b"-1")]).file("n", "").end(),
        &[],
        Some("size is no number"),
    );
    // What is only a header has no content, whatever it says.
    check(
        &t().raw(b'2', b"l", b"to", 5, b"")
            .raw(b'5', b"d", b"", 600, b"")
            .file("n", "")
            .end(),
        &[("-> to", "l", 0), ("folder", "d", 0), ("file", "n", 0)],
        None,
    );
    check(
        &t().raw(b'0', b"huge", b"", u64::MAX >> 1, b"x").end(),
        &[("file", "huge", u64::MAX >> 1)],
        Some("cut"),
    );
    let sparse = [
        ("GNU.sparse.major", &b"1"[..]),
        ("GNU.sparse.name", b"real"),
        ("path", b"made/up"),
    ];
    check(
        &t().pax(&sparse).file("n", "map").end(),
        &[("sparse", "real", 3)],
        None,
    );
    let mut old = header(b'S', b"old", b"", 0o644, 3);
    old[482] = 1;
    let mut holes = [0; 512];
    holes[504] = 1;
    let blocks = [sealed(old), holes, [0; 512]].concat();
    let mut content = b"abc".to_vec();
    content.resize(512, 0);
    check(
        &Tarball([blocks, content].concat()).file("next", "").end(),
        &[("sparse", "old", 3), ("file", "next", 0)],
        None,
    );
}

#[test]
fn damage_is_told() {
    let t = Tarball::new;
    let sound = t().file("a", "content").file("b", "more").end();
    check(&sound[..1024 + 100], &[("file", "a", 7)], Some("cut after"));
    check(&sound[..600], &[("file", "a", 7)], Some("cut after"));
    let mut wrong = sound.clone();
    wrong[1024] ^= 1;
    check(&wrong, &[("file", "a", 7)], Some("checksum"));
    // Two zero blocks end it, one at the end of the stream too; more after one is damage, as for Go.
    check(
        &t().file("a", "").zeroes(1).file("b", "").end(),
        &[("file", "a", 0)],
        Some("one zero block"),
    );
    check(
        &t().file("a", "").zeroes(2).file("b", "").end(),
        &[("file", "a", 0)],
        None,
    );
    check(&t().file("a", "").zeroes(1).0, &[("file", "a", 0)], None);
    check(&t().file("a", "").0, &[("file", "a", 0)], None);
    check(b"", &[], None);
    check(&[0; 10_240], &[], None);
    check(b"no archive at all", &[], Some("cut"));
    check(
        &t().raw(b'x', b"p", b"", 9, b"99 path=a")
            .file("n", "")
            .end(),
        &[],
        Some("records"),
    );
    check(
        &t().pax(&[("path", b"a\0b")]).file("n", "").end(),
        &[],
        Some("zero byte"),
    );
    check(
        &t().raw(b'L', b"p", b"", 2 << 20, b"").end(),
        &[],
        Some("more than a megabyte"),
    );
    let mut size = header(b'0', b"n", b"", 0o644, 0);
    size[124..136].copy_from_slice(b"0000000000x\0");
    check(&sealed(size), &[], Some("size is no number"));
    // Old writers summed signed bytes.
    let mut signed = header(b'0', b"n\xff", b"", 0o644, 0);
    signed[148..156].fill(b' ');
    let sum: i32 = signed
        .iter()
        .map(|byte| i32::from(byte.cast_signed()))
        .sum();
    signed[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert_eq!(headers(&signed).0.len(), 1);
}

pub(crate) fn facts(bytes: &[u8], limits: &Limits) -> (LayerFacts, bool) {
    walk(&mut &bytes[..], TABLE, limits)
}

fn entries(tarball: Tarball) -> Vec<String> {
    let (facts, _) = facts(&tarball.end(), &Limits::default());
    let honest = |gap: &&LayerGap| !gap.gap.what.contains("leads out of the root");
    assert_eq!(facts.gaps.iter().find(honest), None);
    let entries = facts.entries.iter().map(|entry| {
        let kind = match &entry.kind {
            EntryKind::File => "f".to_owned(),
            EntryKind::Folder => "d".to_owned(),
            EntryKind::Symlink(to) => format!("l {to}"),
            EntryKind::Hardlink(to) => format!("h {to}"),
            EntryKind::Other => "o".to_owned(),
            EntryKind::Whiteout => "w".to_owned(),
            EntryKind::Opaque => "q".to_owned(),
        };
        format!("{} {kind}", entry.path)
    });
    entries.collect()
}

#[test]
fn entries_of_a_layer() {
    let t = Tarball::new;
    assert_eq!(
        entries(t().folder("./").file("./a/../b", "x").file("/abs", "")),
        ["b f", "abs f"]
    );
    assert_eq!(entries(t().file("../../etc/x", "")), ["etc/x f"]);
    assert_eq!(
        entries(t().hardlink("h", "./a/./b").symlink("s", "./a/./b")),
        ["h h a/b", "s l ./a/./b"]
    );
    assert_eq!(
        entries(
            t().raw(b'0', b"a\xff", b"", 0, b"")
                .raw(b'2', b"l", b"\xfe", 0, b"")
        ),
        ["a\\xff f", "l l \\xfe"]
    );
    assert_eq!(
        entries(t().whiteout("a/b").opaque("a").opaque("")),
        ["a/b w", "a q", " q"]
    );
    let ours = t()
        .file("a/.wh..wh.plnk", "")
        .file(".wh.", "")
        .file("x/.wh...", "")
        .file("x/.wh..", "");
    assert_eq!(entries(ours), [""; 0]);
}

#[test]
fn only_wanted_files_are_read() {
    let tarball = Tarball::new()
        .file("var/db", "a 1\nb 2")
        .file("var/other", "c 3")
        .mode("bin/run", 0o4755, &crate::program("1.2"))
        .mode("lib/data", 0o644, &crate::program("1.2"))
        .mode("bin/script", 0o755, &vec![b'#'; 5_000])
        .file("x/package.json", vec![b' '; 2_000])
        .end();
    let (facts, whole) = facts(&tarball, &Limits::default());
    assert!(whole);
    let rows: Vec<(u32, u16)> = facts.statements.iter().map(|s| (s.entry, s.row)).collect();
    assert_eq!(rows, [(0, 0), (2, 5), (2, 5)]);
    let gaps: Vec<&str> = facts.gaps.iter().map(|gap| &*gap.gap.what).collect();
    assert_eq!(
        gaps,
        ["x/package.json has 2000 bytes, more than the 1024 that modules reads"]
    );
    assert_eq!(facts.gaps[0].entry, Some(5));
    assert_eq!(facts.size, tarball.len() as u64);
}

#[test]
fn limits_are_gaps() {
    let check = |limits: &Limits, tarball: Tarball, class: &str, part: &str, goes_on: bool| {
        let (facts, on) = facts(&tarball.end(), limits);
        let last = facts.gaps.last().expect("a gap");
        assert_eq!(&*last.gap.class, class);
        assert!(last.gap.what.contains(part), "{}", last.gap.what);
        assert_eq!(on, goes_on, "{part}");
        facts
    };
    let default = Limits::default;
    let many = || (0..100).fold(Tarball::new(), |t, n| t.file(&format!("file{n}"), ""));
    let facts = check(
        &Limits {
            entries: 10,
            ..default()
        },
        many(),
        "image-limit",
        "10 entries",
        false,
    );
    assert_eq!(facts.entries.len(), 10);
    check(
        &Limits {
            names: 100,
            ..default()
        },
        many(),
        "image-limit",
        "100 bytes",
        false,
    );
    let stated = many()
        .file("var/db", "a 1\nb 2\nc 3")
        .file("x", "")
        .file("y", "");
    check(
        &Limits {
            statements: 2,
            ..default()
        },
        stated,
        "image-limit",
        "2 facts",
        false,
    );
    check(
        &Limits {
            path_bytes: 5,
            ..default()
        },
        many(),
        "image-limit",
        "path of",
        true,
    );
    check(
        &default(),
        Tarball::new()
            .symlink("l", "")
            .long(b'K', &"x/".repeat(3_000))
            .symlink("m", ""),
        "image-limit",
        "path of 6000",
        true,
    );
    check(
        &default(),
        many().zeroes(1).file("b", ""),
        "image-unreadable",
        "one zero block",
        true,
    );
    let file = Tarball::new().file("var/db", "a 1");
    check(
        &Limits {
            file_bytes: 2,
            ..default()
        },
        file,
        "image-limit",
        "more than the 2",
        true,
    );
    let sparse = Tarball::new()
        .pax(&[("GNU.sparse.name", b"var/db")])
        .file("n", "map");
    check(&default(), sparse, "image-unreadable", "sparse", true);
    // Gaps have a limit too, and damage is told all the same.
    let bad = (0..20).fold(Tarball::new(), |t, n| {
        t.file(&format!("{n}/package.json"), vec![0; 2_000])
    });
    let facts = check(
        &Limits {
            gaps: 5,
            ..default()
        },
        bad.zeroes(1).file("b", ""),
        "image-unreadable",
        "zero",
        true,
    );
    assert_eq!(facts.gaps.len(), 5);
}

fn any_tarball() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (
            any::<u8>(),
            "[a-c./]{0,6}",
            "[a-c./]{0,6}",
            0u64..2_000,
            0usize..700
        )
            .prop_map(|(flag, name, link, size, content)| {
                let content = vec![b'x'; content];
                Tarball::new()
                    .raw(flag, name.as_bytes(), link.as_bytes(), size, &content)
                    .0
            }),
        ("[a-c./]{0,4}(package.json|.wh.a|.wh..wh..opq)", ".{0,9}")
            .prop_map(|(name, content)| { Tarball::new().file(&name, content).0 }),
        proptest::collection::vec(any::<u8>(), 0..600),
        Just(vec![0; 512]),
        (".{1,5}", proptest::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(key, value)| Tarball::new().pax(&[(&key, &value)]).0),
    ];
    proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes_stay_within_the_limits(bytes in any_tarball()) {
        let limits = Limits { entries: 5, gaps: 3, statements: 4, ..Limits::default() };
        let (facts, _) = facts(&bytes, &limits);
        prop_assert!(facts.entries.len() <= 5);
        prop_assert!(facts.gaps.len() <= 3);
        prop_assert!(facts.size <= bytes.len() as u64);
        for entry in &facts.entries {
            prop_assert!(entry.kind == EntryKind::Opaque || !entry.path.is_empty());
            prop_assert!(entry.path.split('/').all(|part| part != ".." && part != "."));
        }
    }
}
