//! Programs made here, byte by byte, and real ones where a Go toolchain is there.

use super::{BITNAMI, INSTALLATION, LIBRARY, PROGRAM};
use crate::extract::{Extract, Extractor, Extracts, File};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use model::inventory::{Component, Linked};
use proptest::prelude::*;
use std::io::Write as _;

/// An ELF file with these sections, each loaded and writable at its address; without names where `stripped`.
struct Elf {
    wide: bool,
    big: bool,
    stripped: bool,
    sections: Vec<(&'static str, u64, Vec<u8>)>,
}

impl Elf {
    fn new(sections: Vec<(&'static str, u64, Vec<u8>)>) -> Self {
        Elf {
            wide: true,
            big: false,
            stripped: false,
            sections,
        }
    }

    fn number(&self, value: u64, size: usize) -> Vec<u8> {
        let bytes = value.to_be_bytes()[8 - size..].to_vec();
        if self.big {
            bytes
        } else {
            bytes.into_iter().rev().collect()
        }
    }

    fn word(&self, value: u64) -> Vec<u8> {
        self.number(value, if self.wide { 8 } else { 4 })
    }

    fn bytes(&self) -> Vec<u8> {
        let (header, program, section) = if self.wide {
            (64, 56, 64)
        } else {
            (52, 32, 40)
        };
        let mut names = vec![0];
        let mut content = Vec::<u8>::new();
        let mut placed = Vec::new();
        let begin = header + program * self.sections.len();
        for (name, address, bytes) in &self.sections {
            placed.push((names.len(), *address, begin + content.len(), bytes.len()));
            names.extend(name.as_bytes());
            names.push(0);
            content.extend(bytes);
        }
        let strings = (names.len(), begin + content.len());
        names.extend(b".shstrtab\0");
        content.extend(&names);
        let table = begin + content.len();
        let count = if self.stripped {
            0
        } else {
            self.sections.len() + 2
        };
        let n = |value: usize, size: usize| self.number(value as u64, size);

        let mut out = vec![
            0x7f,
            b'E',
            b'L',
            b'F',
            1 + u8::from(self.wide),
            1 + u8::from(self.big),
            1,
        ];
        out.resize(16, 0);
        out.extend(
            [
                n(2, 2),
                n(62, 2),
                n(1, 4),
                self.word(0),
                self.word(header as u64),
            ]
            .concat(),
        );
        out.extend(self.word(if self.stripped { 0 } else { table as u64 }));
        out.extend([n(0, 4), n(header, 2), n(program, 2), n(placed.len(), 2)].concat());
        out.extend([n(section, 2), n(count, 2), n(count.saturating_sub(1), 2)].concat());
        for (_, address, offset, size) in &placed {
            let (offset, size, address) = (
                self.word(*offset as u64),
                self.word(*size as u64),
                self.word(*address),
            );
            let flags = n(6, 4);
            out.extend(n(1, 4));
            let parts = if self.wide {
                [
                    flags,
                    offset,
                    address.clone(),
                    address,
                    size.clone(),
                    size,
                    self.word(1),
                ]
                .concat()
            } else {
                [
                    offset,
                    address.clone(),
                    address,
                    size.clone(),
                    size,
                    flags,
                    self.word(1),
                ]
                .concat()
            };
            out.extend(parts);
        }
        out.extend(content);
        if self.stripped {
            return out;
        }
        let mut entry = |name: usize, kind: usize, address: u64, offset: usize, size: usize| {
            out.extend([n(name, 4), n(kind, 4), self.word(0), self.word(address)].concat());
            out.extend(
                [
                    self.word(offset as u64),
                    self.word(size as u64),
                    n(0, 4),
                    n(0, 4),
                    self.word(1),
                    self.word(0),
                ]
                .concat(),
            );
        };
        entry(0, 0, 0, 0, 0);
        for (name, address, offset, size) in placed {
            entry(name, 1, address, offset, size);
        }
        entry(strings.0, 3, 0, strings.1, names.len());
        out
    }
}

/// Since 1.18: strings behind the header.
fn inline_information(version: &str, modules: &str) -> Vec<u8> {
    let mut out = b"\xff Go buildinf:\x08\x02".to_vec();
    out.resize(32, 0);
    let modules = format!("{0}{modules}{0}", "0123456789abcdef");
    for text in [version, &modules] {
        let mut length = text.len();
        while length >= 0x80 {
            out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        out.push(u8::try_from(length).unwrap());
        out.extend(text.as_bytes());
    }
    out
}

/// A table of 1.20.
fn functions(names: &str) -> Vec<u8> {
    let mut out = b"\xf1\xff\xff\xff\0\0\x01\x08".to_vec();
    let begin = 8 + 8 * 8;
    for word in [
        names.matches('\0').count() as u64,
        0,
        0,
        begin,
        begin + names.len() as u64,
        0,
        0,
        0,
    ] {
        out.extend(word.to_le_bytes());
    }
    out.extend(names.as_bytes());
    out
}

const MODULES: &str = "path\ta.io/b/cmd/b\nmod\ta.io/b\tv1.2.3\th1:x=\ndep\tc.io/d\tv0.1.0\th1:y=\ndep\te.io/old\tv1.0.0\n=>\te.io/new\tv1.1.0\th1:z=\n";
const NAMES: &str = "c.io/d.(*T).M\0c.io/d.(*T).M.func1\0e.io/old/sub.F\0main.main\0runtime.main\0";

fn run(row: &Extractor, path: &str, bytes: &[u8]) -> Extracts {
    let mut out = Extracts::default();
    let file = File {
        path,
        mode: 0o755,
        bytes,
    };
    (row.extract)(&file, &mut out);
    out
}

/// All components of all statements, and what is linked.
fn parts(out: &Extracts) -> (Vec<&Component>, Option<&Linked>) {
    let mut linked = None;
    let mut components = Vec::new();
    for one in &out.all {
        match one {
            Extract::Components(all) => components.extend(all),
            Extract::Program {
                components: all,
                linked: own,
            } => {
                components.extend(all);
                linked = own.as_ref();
            }
            _ => {}
        }
    }
    (components, linked)
}

fn purls(out: &Extracts) -> String {
    let purls: Vec<&str> = parts(out).0.iter().map(|one| &*one.purl).collect();
    purls.join(" ")
}

fn linked(out: &Extracts) -> Option<String> {
    Some(parts(out).1?.functions.as_ref()?.join(" "))
}

const FOUND: &str = "pkg:golang/stdlib@1.22.5 pkg:golang/a.io/b@v1.2.3 pkg:golang/c.io/d@v0.1.0 pkg:golang/e.io/new@v1.1.0";
const LINKED: &str = "a.io/b/cmd/b.main c.io/d.(*T).M e.io/new/sub.F e.io/old/sub.F runtime.main";

#[test]
fn a_go_program_with_and_without_sections() {
    for stripped in [false, true] {
        for table in [".gopclntab", ".data.rel.ro.gopclntab"] {
            let elf = Elf {
                stripped,
                ..Elf::new(vec![
                    (
                        ".go.buildinfo",
                        0x1000,
                        inline_information("go1.22.5", MODULES),
                    ),
                    (table, 0x9000, functions(NAMES)),
                ])
            };
            let out = run(&PROGRAM, "usr/bin/b", &elf.bytes());
            assert_eq!(purls(&out), FOUND, "{stripped} {table}");
            assert_eq!(linked(&out).as_deref(), Some(LINKED), "{stripped} {table}");
            assert!(out.gaps.is_empty());
        }
    }
}

/// Before 1.18: addresses of two strings.
#[test]
fn a_go_program_of_any_machine() {
    for wide in [false, true] {
        for big in [false, true] {
            let mut elf = Elf {
                wide,
                big,
                ..Elf::new(Vec::new())
            };
            let size = if wide { 8 } else { 4 };
            let modules = format!("{0}{MODULES}{0}", "0123456789abcdef");
            let text = ["go1.22.5", &modules].concat();
            let mut blob = b"\xff Go buildinf:".to_vec();
            blob.extend([size, u8::from(big)]);
            blob.extend([elf.word(0x2000), elf.word(0x2000 + 2 * u64::from(size))].concat());
            blob.resize(32, 0);
            let headers = [
                elf.word(0x3000),
                elf.word(8),
                elf.word(0x3008),
                elf.word(modules.len() as u64),
            ]
            .concat();
            elf.sections = vec![
                (".go.buildinfo", 0x1000, blob),
                (".data", 0x2000, headers),
                (".rodata", 0x3000, text.into_bytes()),
            ];
            let out = run(&PROGRAM, "usr/bin/b", &elf.bytes());
            assert_eq!(purls(&out), FOUND, "{wide} {big}");
            assert!(parts(&out).1.is_some() && linked(&out).is_none());
        }
    }
}

#[test]
fn an_unknown_table_is_unknown() {
    let check = |names: &str, known: bool| {
        let elf = Elf::new(vec![
            (
                ".go.buildinfo",
                0x1000,
                inline_information("go1.22.5", MODULES),
            ),
            (".gopclntab", 0x9000, functions(names)),
        ]);
        let out = run(&PROGRAM, "usr/bin/b", &elf.bytes());
        assert_eq!(linked(&out).is_some(), known, "{names}");
    };
    check(NAMES, true);
    check("c.io/d.F\0main.main\0", false);
    check("c.io/d.F\0runtime.main\0", false);
    // None of the modules that it was built of.
    check("Hx7.Ab\0main.main\0runtime.main\0", false);
    check("", false);
}

#[test]
fn what_cannot_be_read_is_a_gap() {
    let mut blob = inline_information("go1.22.5", MODULES);
    blob.truncate(60);
    let out = run(
        &PROGRAM,
        "usr/bin/b",
        &Elf::new(vec![(".go.buildinfo", 0x1000, blob)]).bytes(),
    );
    assert_eq!((out.all.len(), out.gaps.len()), (0, 1));
    let packed = Elf {
        stripped: true,
        ..Elf::new(vec![("", 0x1000, b"\0\0\0\0UPX!\x0d".to_vec())])
    };
    let out = run(&PROGRAM, "usr/bin/b", &packed.bytes());
    assert_eq!((out.all.len(), out.gaps.len()), (0, 1));
    let out = run(
        &PROGRAM,
        "usr/bin/b",
        &Elf::new(vec![(".dep-v0", 0, b"no zlib".to_vec())]).bytes(),
    );
    assert_eq!((out.all.len(), out.gaps.len()), (0, 1));
    let out = run(
        &PROGRAM,
        "usr/bin/ls",
        &Elf::new(vec![(".text", 0x1000, vec![0x90; 64])]).bytes(),
    );
    assert_eq!(out, Extracts::default());
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn crates_that_run() {
    let text = br#"{"packages":[
        {"name":"adler","version":"0.2.3","source":"registry"},
        {"name":"autocfg","version":"1.0.0","source":"crates.io","kind":"build"},
        {"name":"app","version":"0.1.0","source":"local","dependencies":[0],"root":true}]}"#;
    let out = run(
        &PROGRAM,
        "app",
        &Elf::new(vec![(".dep-v0", 0, deflated(text))]).bytes(),
    );
    assert_eq!(purls(&out), "pkg:cargo/adler@0.2.3 pkg:cargo/app@0.1.0");
    // A small section may not ask for much.
    let bomb = deflated(&vec![b' '; 20 << 20]);
    let out = run(
        &PROGRAM,
        "app",
        &Elf::new(vec![(".dep-v0", 0, bomb)]).bytes(),
    );
    assert_eq!((out.all.len(), out.gaps.len()), (0, 1));
}

#[test]
fn the_package_note() {
    let check = |text: &str, big: bool, expected: &str| {
        let mut elf = Elf {
            big,
            ..Elf::new(Vec::new())
        };
        let other = [
            elf.number(4, 4),
            elf.number(3, 4),
            elf.number(1, 4),
            b"GNU\0abc\0".to_vec(),
        ]
        .concat();
        let length = elf.number(text.len() as u64 + 1, 4);
        let own = [
            elf.number(4, 4),
            length,
            elf.number(0xcafe_1a7e, 4),
            b"FDO\0".to_vec(),
        ]
        .concat();
        let note = [other, own, text.as_bytes().to_vec(), vec![0; 4]].concat();
        elf.sections = vec![(".note.package", 0, note)];
        assert_eq!(purls(&run(&PROGRAM, "usr/bin/x", &elf.bytes())), expected);
    };
    for big in [false, true] {
        check(
            r#"{"type":"rpm","name":"coreutils","version":"9.0-1.fc36","architecture":"x86_64","osCpe":"cpe:/o:fedoraproject:fedora:36"}"#,
            big,
            "pkg:rpm/fedora/coreutils@9.0-1.fc36?arch=x86_64&distro=fedora-36",
        );
    }
    check(
        r#"{"type":"deb","os":"debian","osVersion":"13","name":"bash","version":"5.2.37-2","debugInfoUrl":"x"}"#,
        false,
        "pkg:deb/debian/bash@5.2.37-2?distro=debian-13",
    );
    check(
        r#"{"type":"rpm","name":"coreutils","version":"9.0-1.fc36"}"#,
        false,
        "",
    );
    check(
        r#"{"type":"rpm","os":"a b","name":"coreutils","version":"9.0"}"#,
        false,
        "",
    );
    check(r#"{"type":"#, false, "");
}

#[test]
fn bitnamis_documents() {
    let text = br#"{"spdxVersion":"SPDX-2.3","packages":[
        {"name":"redis","versionInfo":"7.2.3","licenseDeclared":"BSD-3-Clause","externalRefs":[
            {"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*:redis:redis:7.2.3:*:*:*:*:*:*:*"},
            {"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.2.3-0?arch=amd64&distro=debian-11"}]},
        {"name":"other","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/other@1.0.0"}]},
        {"name":"none"}]}"#;
    let path = "opt/bitnami/redis/.spdx-redis.spdx";
    assert!(
        super::bitnami::is_document(path)
            && !super::bitnami::is_document("opt/bitnami/redis/x.spdx")
    );
    let out = run(&BITNAMI, path, text);
    assert_eq!(
        purls(&out),
        "pkg:bitnami/redis@7.2.3-0?arch=amd64&distro=debian-11"
    );
    assert_eq!(parts(&out).0[0].licenses.join(" "), "BSD-3-Clause");
    assert_eq!(run(&BITNAMI, path, b"SPDXVersion: SPDX-2.3").gaps.len(), 1);
    let path = "opt/bitnami/.bitnami_components.json";
    assert!(super::bitnami::is_document(path));
    let text = br#"{"redis":{"arch":"amd64","distro":"debian-11","type":"NAMI","version":"7.2.3-0"},"gosu":{"version":"1.14.0-0"},"a b":{"version":"1"}}"#;
    assert_eq!(
        purls(&run(&BITNAMI, path, text)),
        "pkg:bitnami/gosu@1.14.0-0 pkg:bitnami/redis@7.2.3-0?arch=amd64&distro=debian-11"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        for row in [&PROGRAM, &LIBRARY, &INSTALLATION, &BITNAMI] {
            for path in ["usr/bin/python3.11", "lib/libpython3.11.so", "jdk/release", "go/VERSION", "x/ebin/rabbit.app"] {
                run(row, path, &bytes);
            }
        }
    }

    #[test]
    fn no_damage_panics(
        wide: bool, big: bool, stripped: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let elf = Elf { wide, big, stripped, sections: vec![
            (".go.buildinfo", 0x1000, inline_information("go1.22.5", MODULES)),
            (".gopclntab", 0x9000, functions(NAMES)),
            (".dep-v0", 0, deflated(br#"{"packages":[{"name":"a","version":"1.0.0"}]}"#)),
            (".note.package", 0, b"\x04\0\0\0\x02\0\0\0\x7e\x1a\xfe\xcaFDO\0{}".to_vec()),
        ] };
        let mut bytes = elf.bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        run(&PROGRAM, "usr/bin/python3.11", &bytes);
    }

    #[test]
    fn no_name_panics(name in "(a\\.io/)?[a-z.%/()*\\[\\]0-9-]{0,30}") {
        let table = functions(&format!("{name}\0main.main\0runtime.main\0"));
        let elf = Elf::new(vec![
            (".go.buildinfo", 0x1000, inline_information("go1.22.5", "path\tcommand-line-arguments\n")),
            (".gopclntab", 0x9000, table),
        ]);
        let out = run(&PROGRAM, "usr/bin/b", &elf.bytes());
        let all = parts(&out).1.and_then(|linked| linked.functions.clone());
        // Folding what is folded changes nothing.
        for name in all.iter().flatten() {
            prop_assert!(name.contains('.'));
        }
    }
}

mod real {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    /// `None`, said aloud, where no Go toolchain is there.
    fn go() -> Option<()> {
        let there = Command::new("go")
            .arg("version")
            .output()
            .is_ok_and(|out| out.status.success());
        if there {
            return Some(());
        }
        assert!(
            !testkit::required("go"),
            "go is absent, and PLIMSOLL_REQUIRE asks for it"
        );
        eprintln!("skipped: no Go toolchain here");
        None
    }

    fn write(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Modules beside each other, one in the place of another, one with an escaped path.
    fn sources(folder: &Path) {
        write(
            folder,
            "go.mod",
            "module example.com/app\n\ngo 1.18\n\nrequire (\n\tgopkg.in/dep.v2 v2.3.4\n\texample.com/local v0.0.0\n)\n\nreplace (\n\tgopkg.in/dep.v2 => ./dep\n\texample.com/local => ./local\n)\n",
        );
        write(
            folder,
            "main.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"example.com/local\"\n\tdep \"gopkg.in/dep.v2\"\n)\n\nvar version = \"none\"\n\nfunc main() {\n\tfmt.Println(version, local.Map([]int{len(os.Args)}), (&dep.T{}).Long(len(os.Args)), dep.Small(len(os.Args)))\n\tdefer func() { recover() }()\n}\n",
        );
        write(folder, "dep/go.mod", "module gopkg.in/dep.v2\n\ngo 1.18\n");
        write(
            folder,
            "dep/dep.go",
            "package dep\n\nimport \"strings\"\n\ntype T struct{}\n\nfunc (t *T) Long(n int) string {\n\tf := func() string { return strings.Repeat(\"x\", n) }\n\tfor i := 0; i < n; i++ {\n\t\tgo f()\n\t}\n\treturn f()\n}\n\n// Small is inlined.\nfunc Small(n int) int { return n + 1 }\n\nfunc Unused(n int) int { return n + 2 }\n",
        );
        write(
            folder,
            "local/go.mod",
            "module example.com/local\n\ngo 1.18\n",
        );
        write(
            folder,
            "local/local.go",
            "package local\n\n//go:noinline\nfunc Map[T any](all []T) []T {\n\tout := []T{}\n\tfor _, one := range all {\n\t\tout = append(out, one)\n\t}\n\treturn out\n}\n",
        );
    }

    #[test]
    fn built_in_several_ways() {
        let Some(()) = go() else { return };
        let folder = tempfile::tempdir().unwrap();
        sources(folder.path());
        for arguments in [
            &["-ldflags=-X main.version=1.4.0"][..],
            &["-ldflags=-s -w -X=main.version=v1.4.0"],
            &["-trimpath", "-ldflags=-s -w"],
            &["-buildmode=pie", "-ldflags=-X 'main.version=1.4.0'"],
        ] {
            let program = folder.path().join("program");
            let built = Command::new("go")
                .current_dir(folder.path())
                .env("CGO_ENABLED", "0")
                .env("GOFLAGS", "-mod=mod -buildvcs=false")
                .env("GOPROXY", "off")
                .env("GONOSUMDB", "*")
                .args(["build", "-o"])
                .arg(&program)
                .args(arguments)
                .arg(".")
                .output()
                .unwrap();
            assert!(
                built.status.success(),
                "{}",
                String::from_utf8_lossy(&built.stderr)
            );
            let bytes = std::fs::read(&program).unwrap();
            let out = run(&PROGRAM, "program", &bytes);
            assert!(out.gaps.is_empty());
            let shown = Command::new("go")
                .args(["version", "-m"])
                .arg(&program)
                .output()
                .unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let toolchain = shown.lines().next().unwrap().rsplit("go").next().unwrap();
            let version = if shown.contains("-ldflags") && shown.contains("main.version") {
                "@v1.4.0"
            } else {
                ""
            };
            let expected = format!(
                "pkg:golang/stdlib@{toolchain} pkg:golang/example.com/app{version} pkg:golang/example.com/local pkg:golang/gopkg.in/dep.v2"
            );
            assert_eq!(purls(&out), expected, "{arguments:?}\n{shown}");
            let functions = parts(&out).1.unwrap().functions.clone().unwrap();
            let has = |name: &str| {
                functions
                    .binary_search_by(|known| (**known).cmp(name))
                    .is_ok()
            };
            for name in [
                "example.com/app.main",
                "example.com/local.Map",
                "gopkg.in/dep.v2.(*T).Long",
                "gopkg.in/dep.v2.Small",
                "runtime.main",
                "strings.Repeat",
                "fmt.Println",
            ] {
                assert!(has(name), "{name} {arguments:?}");
            }
            for name in [
                "gopkg.in/dep.v2.Unused",
                "net/http.Get",
                "gopkg.in/dep.v2.(*T).Long.func1",
            ] {
                assert!(!has(name), "{name} {arguments:?}");
            }
        }
    }
}
