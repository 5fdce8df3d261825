//! The functions that a Go program links. Comes in: the name table of its line table (pclntab), which also has those
//! that were inlined. Goes out: their names, folded so that an advisory's symbols can be looked up. Never: a part of
//! the table as if it were all of it; a missing, damaged or garbled table is unknown.
//! Sources: Go `debug/gosym` (pclntab.go), `cmd/link/internal/ld/pcln.go` (walkFuncs: inlined functions are named too),
//! `cmd/internal/objabi` (PathToPrefix: escapes in import paths).

use super::super::elf::{Elf, FUNCTIONS, FUNCTIONS_RELOCATED};
use super::build::Build;
use super::toolchain;
use memchr::{memchr, memchr3, memmem};
use model::text::Text;
use std::borrow::Cow;

const MOST: usize = 4_000_000;
/// Of the name table; 12 MB in a program of 100 MB.
const LARGEST: usize = 128 << 20;
/// No symbol of an advisory is longer.
const LONGEST: usize = 1_024;

pub(super) fn linked(elf: &Elf<'_>, version: &str, build: &Build<'_>) -> Option<Vec<Text>> {
    let names = match elf
        .section(FUNCTIONS)
        .or_else(|| elf.section(FUNCTIONS_RELOCATED))
    {
        Some(section) => names(section)?,
        None => elf
            .segments
            .iter()
            .find_map(|segment| search(segment.bytes))?,
    };
    let all = match names {
        Names::Table(table) => of_table(table)?,
        Names::Mixed(_) if !names_inlined(version) => return None,
        Names::Mixed(table) => of_mixed(table)?,
    };
    let mut all = with_main(all, build.path);
    all.sort_unstable();
    all.dedup();
    let has = |name: &str| {
        all.binary_search_by(|known| known.as_ref().cmp(name))
            .is_ok()
    };
    let main = match build.path {
        "" | "command-line-arguments" => "main.main".to_owned(),
        path => format!("{path}.main"),
    };
    // Obfuscators leave neither, or leave no module's own names.
    let known = |path: &str| {
        all.get(below(&all, path))
            .is_some_and(|own| !own.is_empty())
    };
    let modules = || build.dependencies.iter().map(|module| module.path);
    if !has("runtime.main") || !has(&main) || (modules().next().is_some() && !modules().any(known))
    {
        return None;
    }
    // Code imports a replaced module by its old path, advisories name the new one.
    let mut renamed = Vec::new();
    for module in &build.dependencies {
        if let Some((to, _)) = module
            .replaced_by
            .filter(|(to, _)| *to != module.path && !super::is_folder(to))
        {
            let own = all.get(below(&all, module.path)).unwrap_or(&[]);
            let rests = own.iter().filter_map(|name| name.strip_prefix(module.path));
            renamed.extend(rests.map(|rest| Cow::Owned(format!("{to}{rest}"))));
            if renamed.len() > MOST {
                return None;
            }
        }
    }
    if !renamed.is_empty() {
        all.append(&mut renamed);
        all.sort_unstable();
        all.dedup();
    }
    Some(all.iter().map(|name| Text::from(&**name)).collect())
}

/// The names that begin with that path; a few more, of paths that go on with other letters, may be among them.
fn below(all: &[Cow<'_, str>], path: &str) -> std::ops::Range<usize> {
    let begin = all.partition_point(|name| &**name < path);
    let rest = all.get(begin..).unwrap_or(&[]);
    let count = rest.partition_point(|name| name.starts_with(path));
    begin..begin + count
}

/// Before 1.9 inlined functions are named nowhere.
fn names_inlined(version: &str) -> bool {
    let mut parts = toolchain(version)
        .unwrap_or("")
        .split(|c: char| !c.is_ascii_digit());
    let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
    match (next(), next()) {
        (Some(1), Some(minor)) => minor >= 9,
        (Some(major), _) => major > 1,
        _ => false,
    }
}

#[derive(Debug, PartialEq)]
enum Names<'a> {
    /// Names and nothing else, each with its zero byte (since 1.16).
    Table(&'a [u8]),
    /// Names among line tables (since 1.2).
    Mixed(&'a [u8]),
}

/// A line table at its first byte.
fn names(table: &[u8]) -> Option<Names<'_>> {
    let magic: [u8; 4] = table.get(..4)?.try_into().ok()?;
    let (low, big) = match magic {
        [low @ (0xf0 | 0xf1 | 0xfa | 0xfb), 0xff, 0xff, 0xff] => (low, false),
        [0xff, 0xff, 0xff, low @ (0xf0 | 0xf1 | 0xfa | 0xfb)] => (low, true),
        _ => return None,
    };
    // Two zero bytes, the smallest instruction, the size of a pointer.
    let [0, 0, 1 | 2 | 4, size @ (4 | 8)] = *table.get(4..8)? else {
        return None;
    };
    let size = usize::from(size);
    let word = |index: usize| {
        let begin = 8 + index * size;
        let bytes = table.get(begin..begin + size)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        let value = if big {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        };
        usize::try_from(value).ok()
    };
    // Functions; then where names begin and end.
    let count = word(0)?;
    let first = match low {
        // 1.18, 1.20
        0xf0 | 0xf1 => 3,
        // 1.16
        0xfa => 2,
        // 1.2: line tables end in zero bytes, and so do words in front of names; in the other byte order a name could
        // be glued to the number in front of it.
        _ if big || count == 0 || count > table.len() / size => return None,
        _ => return Some(Names::Mixed(table.get(8 + size..)?)),
    };
    let names = table.get(word(first)?..word(first + 1)?)?;
    let sound =
        count > 0 && count <= names.len() && names.len() <= LARGEST && names.last() == Some(&0);
    sound.then_some(Names::Table(names))
}

/// In a program without sections.
fn search(segment: &[u8]) -> Option<Names<'_>> {
    [
        &b"\xff\xff\xff\x00\x00"[..],
        b"\xff\xff\xff\xf0\x00\x00",
        b"\xff\xff\xff\xf1\x00\x00",
        b"\xff\xff\xff\xfa\x00\x00",
    ]
    .into_iter()
    .enumerate()
    .find_map(|(index, mark)| {
        memmem::find_iter(segment, mark).find_map(|at| {
            // The low byte of the magic comes first in little-endian programs.
            let begin = if index == 0 { at.checked_sub(1)? } else { at };
            names(segment.get(begin..)?)
        })
    })
}

fn of_table(table: &[u8]) -> Option<Vec<Cow<'_, str>>> {
    // Names that are no text were written by an obfuscator.
    let table = std::str::from_utf8(table).ok()?;
    let mut all = Vec::with_capacity((table.len() / 64).min(MOST));
    for name in table.split('\0') {
        all.extend(folded(name));
        if all.len() > MOST {
            return None;
        }
    }
    Some(all)
}

/// Every printable run before a zero byte that has the form of a name: all names, and a few other texts.
fn of_mixed(mut table: &[u8]) -> Option<Vec<Cow<'_, str>>> {
    let mut all = Vec::new();
    while let Some(end) = memchr(0, table) {
        let (text, rest) = table.split_at_checked(end)?;
        table = rest.get(1..)?;
        // Bytes of a line table may stand before the name.
        let begin = text
            .iter()
            .rposition(|byte| *byte < b' ' || *byte == 0x7f)
            .map_or(0, |at| at + 1);
        let Some(chunk) = text.get(begin..).and_then(|text| text.utf8_chunks().last()) else {
            continue;
        };
        let name = chunk.valid();
        if !chunk.invalid().is_empty() {
            continue;
        }
        let file = name.starts_with('/')
            || [".go", ".s", ".c", ".h"]
                .iter()
                .any(|end| name.ends_with(end));
        if file {
            continue;
        }
        if let Some(name) = folded(name) {
            all.push(name);
        }
        if all.len() > MOST {
            return None;
        }
    }
    Some(all)
}

/// Functions of the main package stand as `main.F` in the table, under its import path in advisories.
fn with_main<'a>(mut all: Vec<Cow<'a, str>>, path: &str) -> Vec<Cow<'a, str>> {
    if matches!(path, "" | "command-line-arguments") || !super::is_word(path) {
        return all;
    }
    for name in &mut all {
        if let Some(rest) = name.strip_prefix("main.") {
            *name = Cow::Owned(format!("{path}.{rest}"));
        }
    }
    all
}

/// The function of the source that a name of the table is of: `a.io/b.F`, `a.io/b.T.M`, `a.io/b.(*T).M`, `a.io/b.init`,
/// `a.io/b.init.0`. Closures, wrappers and method values are of the function that they stand in; type arguments are
/// left out; what the compiler made for itself is `None`.
pub(super) fn folded(name: &str) -> Option<Cow<'_, str>> {
    if name.len() < 3
        || name.starts_with("type:")
        || name.starts_with("type..")
        || name.starts_with("go:")
        || name.starts_with("go.(")
    {
        return None;
    }
    let name = match memchr(b'[', name.as_bytes()) {
        Some(_) => Cow::Owned(without_arguments(name)?),
        None => Cow::Borrowed(name),
    };
    // Methods of types without a name.
    if memchr3(b' ', b'{', b'"', name.as_bytes()).is_some() {
        return None;
    }
    match name {
        Cow::Borrowed(name) => plain(name),
        Cow::Owned(name) => plain(&name).map(|name| Cow::Owned(name.into_owned())),
    }
}

fn plain(name: &str) -> Option<Cow<'_, str>> {
    // Copied in by tools before modules: a.io/b/vendor/c.io/d is c.io/d. The standard library's own copies keep it.
    let name = match name.rfind("/vendor/") {
        Some(at) => name.get(at + "/vendor/".len()..)?,
        None => name,
    };
    let slash = name.rfind('/').map_or(0, |at| at + 1);
    let mut dot = slash + name.get(slash..)?.find('.')?;
    // Newer linkers might not escape what older ones do; only gopkg.in has such paths in number.
    if name.starts_with("gopkg.in/")
        && let Some(rest) = name.get(dot + 1..)
        && let Some(next) = rest.find('.')
        && is_major(rest.get(..next)?)
    {
        dot += 1 + next;
    }
    let (path, symbol) = (name.get(..dot)?, name.get(dot + 1..)?);
    let end = function(symbol)?;
    let whole = name.get(..dot + 1 + end)?;
    if path.is_empty() || whole.len() > LONGEST {
        return None;
    }
    // Closures of package variables (before 1.21).
    let of_variable = symbol.starts_with("glob..");
    if !path.contains('%') && !of_variable {
        return Some(Cow::Borrowed(whole));
    }
    let symbol = if of_variable {
        "init"
    } else {
        symbol.get(..end)?
    };
    Some(Cow::Owned(format!("{}.{symbol}", unescaped(path)?)))
}

fn is_major(text: &str) -> bool {
    text.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Bytes of the symbol that name the function: `F` of `F.func1`, `T.M` of `T.M-fm`, `(*T).M` of `(*T).M.func1.2`.
fn function(symbol: &str) -> Option<usize> {
    let part = |begin: usize| {
        let rest = symbol.get(begin..)?;
        let end = rest.find(['.', '-']).unwrap_or(rest.len());
        Some((begin + end, rest.get(..end)?))
    };
    let (first_end, first) = part(0)?;
    if first.is_empty() {
        return None;
    }
    let pointer = first.starts_with('(');
    if symbol.as_bytes().get(first_end) != Some(&b'.') {
        return (!pointer).then_some(first_end);
    }
    let (second_end, second) = part(first_end + 1)?;
    let number = !second.is_empty() && second.bytes().all(|b| b.is_ascii_digit());
    if pointer {
        return (!second.is_empty()).then_some(second_end);
    }
    if first == "init" {
        return Some(if number { second_end } else { first_end });
    }
    Some(if number || is_made_up(second) {
        first_end
    } else {
        second_end
    })
}

/// Names that the compiler gives: closures, wrappers of `go` and `defer`, calling conventions.
fn is_made_up(part: &str) -> bool {
    let numbered = ["func", "gowrap", "deferwrap"]
        .iter()
        .filter_map(|word| part.strip_prefix(word))
        .any(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    numbered || matches!(part, "" | "abi0" | "abiinternal" | "gowrap" | "deferwrap")
}

/// `F` of `F[...]` and of `F[go.shape.int_0]`; `None` where a bracket does not close.
fn without_arguments(name: &str) -> Option<String> {
    let mut out = String::with_capacity(name.len());
    let mut depth = 0_u32;
    for c in name.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    (depth == 0).then_some(out)
}

fn unescaped(path: &str) -> Option<String> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        out.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail.get(2..)?;
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_functions() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(folded(name).as_deref(), expected, "{name}");
        };
        check("net/http.(*Server).Serve", Some("net/http.(*Server).Serve"));
        check(
            "net/http.(*Server).Serve.func1.2",
            Some("net/http.(*Server).Serve"),
        );
        check(
            "net/http.(*Server).Serve-fm",
            Some("net/http.(*Server).Serve"),
        );
        check("net/http.Header.Get", Some("net/http.Header.Get"));
        check("net/http.Header.Get-fm", Some("net/http.Header.Get"));
        check("net/http.Get", Some("net/http.Get"));
        check("net/http.Get.func1", Some("net/http.Get"));
        check("net/http.Get.gowrap2", Some("net/http.Get"));
        check("net/http.Get-range1", Some("net/http.Get"));
        check("net/http.Get.func2-range1", Some("net/http.Get"));
        check("net/http.glob..func1", Some("net/http.init"));
        check("net/http.init", Some("net/http.init"));
        check("net/http.init.0", Some("net/http.init.0"));
        check("net/http.init.0.func1", Some("net/http.init.0"));
        check("net/http.init.func1", Some("net/http.init"));
        check("runtime.main", Some("runtime.main"));
        check("main.main", Some("main.main"));
        check(
            "gopkg.in/yaml%2ev3.(*Decoder).Decode",
            Some("gopkg.in/yaml.v3.(*Decoder).Decode"),
        );
        check(
            "gopkg.in/yaml.v3.(*Decoder).Decode",
            Some("gopkg.in/yaml.v3.(*Decoder).Decode"),
        );
        check(
            "gopkg.in/yaml.v3.Unmarshal.func1",
            Some("gopkg.in/yaml.v3.Unmarshal"),
        );
        check("go.uber.org/zap.New", Some("go.uber.org/zap.New"));
        check("a.io/go-b.F", Some("a.io/go-b.F"));
        check("slices.Sort[...]", Some("slices.Sort"));
        check(
            "slices.Sort[go.shape.[]int_0,a.io/b.T].func1",
            Some("slices.Sort"),
        );
        check("a.io/b.(*List[...]).Push", Some("a.io/b.(*List).Push"));
        check("a.io/b/vendor/c.io/d.F", Some("c.io/d.F"));
        check(
            "vendor/golang.org/x/net/http2/hpack.F",
            Some("vendor/golang.org/x/net/http2/hpack.F"),
        );
        check("type:.eq.net/http.T", None);
        check("type..hash.net/http.T", None);
        check("go.(*struct { sync.Mutex; a.io/b.T }).Lock", None);
        check("a.io/b.(*struct { sync.Mutex }).Lock", None);
        check("go:buildid", None);
        check("_rt0_amd64_linux", None);
        check("a.io/b.(*T)", None);
        check("a.io/b.", None);
        check(".F", None);
        check("a.b]", Some("a.b]"));
        check("a.b[c", None);
        check("a%2.b", None);
    }

    #[test]
    fn headers_of_all_tables() {
        let table = |magic: u8, big: bool, size: u8, names: &[u8]| {
            let word = |value: usize| {
                let bytes = (value as u64).to_be_bytes()[8 - usize::from(size)..].to_vec();
                if big {
                    bytes
                } else {
                    bytes.into_iter().rev().collect()
                }
            };
            let mut out = vec![magic, 0xff, 0xff, 0xff];
            if big {
                out.reverse();
            }
            out.extend([0, 0, 1, size]);
            let words = 8;
            let begin = 8 + words * usize::from(size);
            let all = match magic {
                0xf0 | 0xf1 => [2, 0, 0, begin, begin + names.len(), 0, 0, 0],
                0xfa => [2, 0, begin, begin + names.len(), 0, 0, 0, 0],
                _ => [2, 0, 0, 0, 0, 0, 0, 0],
            };
            for value in all {
                out.extend(word(value));
            }
            out.extend(names);
            out
        };
        for magic in [0xf0, 0xf1, 0xfa] {
            for big in [false, true] {
                for size in [4, 8] {
                    let bytes = table(magic, big, size, b"a.b\0c.d\0");
                    assert_eq!(
                        names(&bytes),
                        Some(Names::Table(b"a.b\0c.d\0")),
                        "{magic:x} {big} {size}"
                    );
                    let mut behind = b"some bytes".to_vec();
                    behind.extend(&bytes);
                    assert_eq!(
                        search(&behind),
                        Some(Names::Table(b"a.b\0c.d\0")),
                        "{magic:x} {big} {size}"
                    );
                    for cut in 0..bytes.len() {
                        assert_eq!(names(&bytes[..cut]), None, "{cut}");
                    }
                }
            }
        }
        for size in [4, 8] {
            let bytes = table(
                0xfb,
                false,
                size,
                b"net/http.Get\0\x02\x05\0main.main\0/a/b.go\0",
            );
            let Some(Names::Mixed(mixed)) = names(&bytes) else {
                unreachable!()
            };
            let found = of_mixed(mixed).unwrap();
            assert!(
                found.iter().any(|name| name == "net/http.Get")
                    && found.iter().any(|name| name == "main.main")
            );
            assert_eq!(found.len(), 2);
            assert_eq!(names(&table(0xfb, true, size, b"a.b\0")), None);
        }
    }

    #[test]
    fn old_toolchains_hide_what_they_inline() {
        for (version, expected) in [
            ("go1.8.7", false),
            ("go1.9", true),
            ("go1.15.15", true),
            ("go2.0", true),
            ("devel +1", false),
        ] {
            assert_eq!(names_inlined(version), expected, "{version}");
        }
    }
}
