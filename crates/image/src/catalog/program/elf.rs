//! ELF files as far as it is needed here. Comes in: any bytes. Goes out: the few sections that tell of a program's
//! parts, and its loaded segments by address. Never: fails as a whole because one table is damaged; reads outside the
//! file; does more than a bounded number of steps for each header.
//! Source: System V ABI, "Object Files"; the `object` crate reads the headers.

use memchr::memmem;
use object::elf::{FileHeader32, FileHeader64, PF_W, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, SectionIndex};

/// The sections that are kept.
const WANTED: [&[u8]; 5] = [
    BUILD_INFORMATION,
    FUNCTIONS,
    FUNCTIONS_RELOCATED,
    CRATES,
    PACKAGE,
];
pub(super) const BUILD_INFORMATION: &[u8] = b".go.buildinfo\0";
pub(super) const FUNCTIONS: &[u8] = b".gopclntab\0";
/// Of position-independent programs.
pub(super) const FUNCTIONS_RELOCATED: &[u8] = b".data.rel.ro.gopclntab\0";
pub(super) const CRATES: &[u8] = b".dep-v0\0";
pub(super) const PACKAGE: &[u8] = b".note.package\0";

/// More than any program has; objects made with a section for each function are no programs.
const MOST_HEADERS: usize = 65_536;

pub(super) struct Elf<'a> {
    bytes: &'a [u8],
    /// Name with its zero byte, and content.
    sections: Vec<(&'static [u8], &'a [u8])>,
    pub(super) segments: Vec<Segment<'a>>,
    /// Whether there is a section table at all; a program without one has to be searched.
    pub(super) has_sections: bool,
    pub(super) endian: Endianness,
}

pub(super) struct Segment<'a> {
    pub(super) address: u64,
    /// What the file has of it.
    pub(super) bytes: &'a [u8],
    pub(super) writable: bool,
}

impl<'a> Elf<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        // e_ident[EI_CLASS].
        match bytes.get(4)? {
            1 => Self::of::<FileHeader32<Endianness>>(bytes),
            2 => Self::of::<FileHeader64<Endianness>>(bytes),
            _ => None,
        }
    }

    fn of<H: FileHeader<Endian = Endianness>>(bytes: &'a [u8]) -> Option<Self> {
        let header = H::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let segments = header
            .program_headers(endian, bytes)
            .unwrap_or(&[])
            .iter()
            .take(MOST_HEADERS)
            .filter(|segment| segment.p_type(endian) == PT_LOAD)
            .filter_map(|segment| {
                Some(Segment {
                    address: segment.p_vaddr(endian).into(),
                    bytes: segment.data(endian, bytes).ok()?,
                    writable: segment.p_flags(endian) & PF_W != 0,
                })
            })
            .collect();
        let sections = sections(header, endian, bytes);
        Some(Elf {
            bytes,
            has_sections: sections.is_some(),
            sections: sections.unwrap_or_default(),
            segments,
            endian,
        })
    }

    pub(super) fn section(&self, name: &[u8]) -> Option<&'a [u8]> {
        let found = self.sections.iter().find(|(known, _)| *known == name);
        found.map(|(_, content)| *content)
    }

    /// What the file has from that address to the end of its segment.
    pub(super) fn at(&self, address: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let offset = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            segment.bytes.get(offset..).filter(|rest| !rest.is_empty())
        })
    }

    /// UPX writes its mark behind the program headers and leaves no section table.
    pub(super) fn is_packed(&self) -> bool {
        let first = self.bytes.get(..1_024).unwrap_or(self.bytes);
        !self.has_sections && memmem::find(first, b"UPX!").is_some()
    }
}

/// `None` without a table.
fn sections<'a, H: FileHeader<Endian = Endianness>>(
    header: &H,
    endian: Endianness,
    bytes: &'a [u8],
) -> Option<Vec<(&'static [u8], &'a [u8])>> {
    let headers = header.section_headers(endian, bytes).ok()?;
    let names = SectionIndex(header.shstrndx(endian, bytes).ok()? as usize);
    let names = headers.get(names.0)?.data(endian, bytes).ok()?;
    let named = |section: &H::SectionHeader| {
        // Compared in place: looking for a name's end could be made to cost the whole file for each section.
        let rest = names.get(section.sh_name(endian) as usize..)?;
        let name = WANTED.into_iter().find(|name| rest.starts_with(name))?;
        Some((name, section.data(endian, bytes).ok()?))
    };
    Some(
        headers
            .iter()
            .take(MOST_HEADERS)
            .filter_map(named)
            .take(WANTED.len() * 4)
            .collect(),
    )
}
