//! Build information. Comes in: a Go program. Goes out: the toolchain's version and what it says of modules and
//! settings. Never: an address or length that is not checked.
//! Sources: Go `debug/buildinfo`, `cmd/link/internal/ld` (buildinfo), `runtime/debug` (BuildInfo.String).

use super::super::elf::{BUILD_INFORMATION, Elf};
use memchr::memmem;
use std::borrow::Cow;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER: usize = 32;
const ALIGN: u64 = 16;
/// Of the toolchain's version or the module list; one of 1,000 modules has 100 KB.
const LARGEST: usize = 16 << 20;
const MOST_MODULES: usize = 50_000;

pub(super) struct Information<'a> {
    pub(super) version: Cow<'a, str>,
    /// Without its frame; empty where the program was built without modules.
    pub(super) modules: Cow<'a, str>,
}

/// It is a Go program, but damaged or stripped of it.
#[derive(Debug)]
pub(super) struct Unreadable;

/// `Ok(None)`: no Go program.
pub(super) fn information<'a>(elf: &Elf<'a>) -> Result<Option<Information<'a>>, Unreadable> {
    let Some(blob) = find(elf) else {
        return Ok(None);
    };
    let (version, modules) = strings(elf, blob).ok_or(Unreadable)?;
    if version.is_empty() {
        return Err(Unreadable);
    }
    Ok(Some(Information {
        version: String::from_utf8_lossy(version),
        modules: String::from_utf8_lossy(framed(modules)),
    }))
}

fn find<'a>(elf: &Elf<'a>) -> Option<&'a [u8]> {
    if let Some(section) = elf.section(BUILD_INFORMATION) {
        return section.starts_with(MAGIC).then_some(section);
    }
    if elf.has_sections {
        return None;
    }
    elf.segments
        .iter()
        .filter(|segment| segment.writable)
        .find_map(|segment| {
            memmem::find_iter(segment.bytes, MAGIC)
                .find(|at| (segment.address.wrapping_add(*at as u64)).is_multiple_of(ALIGN))
                .and_then(|at| segment.bytes.get(at..))
        })
}

fn strings<'a>(elf: &Elf<'a>, blob: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (pointer, flags) = (*blob.get(14)?, *blob.get(15)?);
    if flags & 2 != 0 {
        // Since 1.18: both strings follow the header.
        let (version, rest) = counted(blob.get(HEADER..)?)?;
        // A section ends with its strings; a list that is cut off is none.
        let (modules, _) = counted(rest)?;
        return Some((version, modules));
    }
    let words = Words {
        wide: match pointer {
            4 => false,
            8 => true,
            _ => return None,
        },
        big: flags & 1 != 0,
    };
    let version = words.string(elf, words.read(blob.get(16..)?)?)?;
    let modules = words
        .read(blob.get(16 + words.size()..)?)
        .and_then(|address| words.string(elf, address))
        .unwrap_or(b"");
    Some((version, modules))
}

/// A varint and as many bytes.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            if length > LARGEST {
                return None;
            }
            return bytes.get(at + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// Words of the program's own machine.
struct Words {
    wide: bool,
    big: bool,
}

impl Words {
    fn size(&self) -> usize {
        if self.wide { 8 } else { 4 }
    }

    fn read(&self, bytes: &[u8]) -> Option<u64> {
        let word = bytes.get(..self.size())?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.big {
            word.iter().fold(0, add)
        } else {
            word.iter().rev().fold(0, add)
        })
    }

    /// A Go string: address and length.
    fn string<'a>(&self, elf: &Elf<'a>, address: u64) -> Option<&'a [u8]> {
        let header = elf.at(address)?;
        let (address, length) = (self.read(header)?, self.read(header.get(self.size()..)?)?);
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= LARGEST)?;
        if length == 0 {
            return Some(b"");
        }
        elf.at(address)?.get(..length)
    }
}

/// Sixteen bytes before and behind the list mark it in memory.
fn framed(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(17) {
        Some(last) if modules.len() >= 33 && modules.get(last) == Some(&b'\n') => {
            modules.get(16..=last).unwrap_or(b"")
        }
        _ => b"",
    }
}

/// What the program was built of.
#[derive(Debug, Default)]
pub(super) struct Build<'a> {
    /// Import path of the main package; `command-line-arguments` where files were named.
    pub(super) path: &'a str,
    pub(super) main: Option<Module<'a>>,
    pub(super) dependencies: Vec<Module<'a>>,
    pub(super) linker_flags: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Module<'a> {
    pub(super) path: &'a str,
    pub(super) version: &'a str,
    /// Path and version.
    pub(super) replaced_by: Option<(&'a str, &'a str)>,
}

pub(super) fn parse(modules: &str) -> Build<'_> {
    let mut build = Build::default();
    // Whether a replacement would be of a dependency.
    let mut last_is_dependency = false;
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let word = fields.next().unwrap_or("");
        let first = fields.next().unwrap_or("");
        let second = fields.next().unwrap_or("");
        if word != "=>" {
            last_is_dependency = word == "dep";
        }
        match word {
            "path" => build.path = first,
            "mod" | "dep" if !first.is_empty() => {
                let module = Module {
                    path: first,
                    version: second,
                    replaced_by: None,
                };
                if word == "mod" {
                    build.main = Some(module);
                } else if build.dependencies.len() < MOST_MODULES {
                    build.dependencies.push(module);
                }
            }
            "=>" if last_is_dependency && !first.is_empty() => {
                if let Some(module) = build.dependencies.last_mut() {
                    module.replaced_by = Some((first, second));
                }
            }
            "build" => {
                if let Some(flags) = first.strip_prefix("-ldflags=") {
                    build.linker_flags = Some(unquoted(flags));
                }
            }
            _ => {}
        }
    }
    build
}

/// Values with spaces are quoted as Go strings (`strconv.Quote`); only the escapes that flags have are undone.
fn unquoted(text: &str) -> String {
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return text.trim_matches('`').to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        match (escaped, c) {
            (false, '\\') => escaped = true,
            (true, 'n' | 't') => {
                out.push(' ');
                escaped = false;
            }
            _ => {
                out.push(c);
                escaped = false;
            }
        }
    }
    out
}
