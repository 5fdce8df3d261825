//! A file of sections. Comes in: bytes. Goes out: ranges of sections whose checksum was compared on
//! first touch. Layout, all little-endian:
//! ```text
//!  0  8  magic "PLIMSOLL"          24  4  number of sections
//!  8  4  kind, e.g. "ADVI"         28  4  CRC-32 of the head but for this field
//! 12  4  container version         32 32  SHA-256 of the file but for bytes 28..64
//! 16  8  length of the file        64     section table, block checksums, sections
//! ```
//! A section is `id[4] version[2] flags[2] offset[8] length[8] first_block[4] 0[4]`; its bytes are
//! checked in blocks of 4 KiB by the CRC-32s from `first_block` on.

use super::Damage;
use super::wire::{read_u32, read_u64};
use crate::map::Bytes;
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

const MAGIC: &[u8; 8] = b"PLIMSOLL";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const ENTRY: usize = 32;
const BLOCK: usize = 4096;
/// A file has a dozen sections; more than this is nonsense.
const MAX_SECTIONS: usize = 256;
const HEAD: [u8; 4] = *b"HEAD";

pub(crate) type Id = [u8; 4];

/// A reader that does not know a required section must refuse the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// What a reader knows: section id and the newest version of it.
pub(crate) type Known = (Id, u16);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    #[error("this is no file of the intelligence database")]
    Foreign,
    #[error("the file is of kind {found}, {expected} was expected")]
    Kind { found: String, expected: String },
    #[error("the file has format version {0}, this program reads {VERSION}; update the program")]
    Newer(u32),
    #[error("the file needs section {0} in a version that this program does not know; update it")]
    UnknownSection(String),
    #[error("the file is cut or damaged: {0}")]
    Damaged(&'static str),
}

struct Draft {
    id: Id,
    version: u16,
    need: Need,
    bytes: Vec<u8>,
}

/// Collects sections and writes the file; same sections, same bytes.
pub(crate) struct Writer {
    kind: Id,
    sections: Vec<Draft>,
}

impl Writer {
    pub(crate) fn new(kind: Id) -> Self {
        Writer {
            kind,
            sections: Vec::new(),
        }
    }

    pub(crate) fn section(&mut self, (id, version): Known, need: Need, bytes: Vec<u8>) {
        self.sections.push(Draft {
            id,
            version,
            need,
            bytes,
        });
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut table = Vec::new();
        let mut checks: Vec<u8> = Vec::new();
        let blocks: usize = self
            .sections
            .iter()
            .map(|section| section.bytes.len().div_ceil(BLOCK))
            .sum();
        let body = HEADER + ENTRY * self.sections.len() + 4 * blocks;
        let mut offset = body as u64;
        for section in &self.sections {
            let first = u32::try_from(checks.len() / 4).unwrap_or(u32::MAX);
            table.extend(section.id);
            table.extend(section.version.to_le_bytes());
            table.extend(u16::from(section.need == Need::Required).to_le_bytes());
            table.extend(offset.to_le_bytes());
            table.extend((section.bytes.len() as u64).to_le_bytes());
            table.extend(first.to_le_bytes());
            table.extend([0; 4]);
            for block in section.bytes.chunks(BLOCK) {
                checks.extend(crc32fast::hash(block).to_le_bytes());
            }
            offset += section.bytes.len() as u64;
        }
        let count = u32::try_from(self.sections.len()).unwrap_or(u32::MAX);
        let mut start = Vec::with_capacity(28);
        start.extend(MAGIC);
        start.extend(self.kind);
        start.extend(VERSION.to_le_bytes());
        start.extend(offset.to_le_bytes());
        start.extend(count.to_le_bytes());

        let mut digest = Sha256::new();
        digest.update(&start);
        digest.update(&table);
        digest.update(&checks);
        for section in &self.sections {
            digest.update(&section.bytes);
        }
        let digest: [u8; 32] = digest.finalize().into();
        let mut crc = crc32fast::Hasher::new();
        for part in [&start[..], &digest, &table, &checks] {
            crc.update(part);
        }

        let mut out = Vec::with_capacity(usize::try_from(offset).unwrap_or(0));
        out.extend(start);
        out.extend(crc.finalize().to_le_bytes());
        out.extend(digest);
        out.extend(table);
        out.extend(checks);
        for section in self.sections {
            out.extend(section.bytes);
        }
        out
    }
}

#[derive(Clone, Debug)]
struct Section {
    id: Id,
    range: Range<usize>,
    first_block: usize,
}

/// An opened file: header and section table are sound, blocks are checked on first touch.
#[derive(Debug)]
pub(crate) struct Container {
    bytes: Bytes,
    sections: Vec<Section>,
    checks: usize,
    /// One bit a block: its checksum was compared and is right.
    sound: Vec<AtomicU64>,
}

impl Container {
    /// Checks the head of `bytes` and that nothing in it is required but unknown.
    pub(crate) fn open(bytes: Bytes, kind: Id, known: &[Known]) -> Result<Self, ContainerError> {
        const CUT: ContainerError = ContainerError::Damaged("the header is cut");
        if bytes.get(..8) != Some(MAGIC) {
            return Err(ContainerError::Foreign);
        }
        let found = bytes.get(8..12).ok_or(CUT)?;
        if found != kind {
            return Err(ContainerError::Kind {
                found: found.escape_ascii().to_string(),
                expected: kind.escape_ascii().to_string(),
            });
        }
        let version = read_u32(&bytes, 12).ok_or(CUT)?;
        if version != VERSION {
            return Err(ContainerError::Newer(version));
        }
        if read_u64(&bytes, 16) != Some(bytes.len() as u64) {
            return Err(ContainerError::Damaged(
                "its length is not the one it was written with",
            ));
        }
        let count = read_u32(&bytes, 24).ok_or(CUT)? as usize;
        if count > MAX_SECTIONS {
            return Err(ContainerError::Damaged("too many sections"));
        }
        let checks = HEADER + ENTRY * count;
        let table = bytes.get(HEADER..checks).ok_or(CUT)?;
        let (sections, blocks) = read_table(table, bytes.len(), checks, known)?;
        let body = checks + 4 * blocks;
        let mut crc = crc32fast::Hasher::new();
        crc.update(bytes.get(..28).ok_or(CUT)?);
        crc.update(bytes.get(32..body).ok_or(CUT)?);
        if read_u32(&bytes, 28) != Some(crc.finalize()) {
            return Err(ContainerError::Damaged("the checksum of its head differs"));
        }
        Ok(Container {
            sections,
            checks,
            sound: (0..blocks.div_ceil(64))
                .map(|_| AtomicU64::new(0))
                .collect(),
            bytes,
        })
    }

    /// The section `id`, if the file has it in a version that the reader knows.
    pub(crate) fn view(&self, id: Id) -> Option<View<'_>> {
        let section = self.sections.iter().find(|section| section.id == id)?;
        Some(View {
            container: self,
            section,
        })
    }

    /// The section `id`, which the file must have.
    pub(crate) fn need(&self, id: Id) -> Result<View<'_>, Damage> {
        self.view(id)
            .ok_or_else(|| Damage::new(id, "it is missing"))
    }

    /// SHA-256 of the content as written at build.
    pub(crate) fn digest(&self) -> &[u8] {
        self.bytes.get(32..64).unwrap_or(&[])
    }

    /// Reads the whole file and compares its digest.
    pub(crate) fn verify(&self) -> Result<(), Damage> {
        let mut digest = Sha256::new();
        digest.update(self.bytes.get(..28).unwrap_or(&[]));
        digest.update(self.bytes.get(HEADER..).unwrap_or(&[]));
        if digest.finalize()[..] == *self.digest() {
            Ok(())
        } else {
            Err(Damage::new(HEAD, "the digest of the whole file differs"))
        }
    }

    fn check(&self, block: usize, bytes: &[u8]) -> bool {
        let bit = 1u64 << (block % 64);
        let Some(word) = self.sound.get(block / 64) else {
            return false;
        };
        if word.load(Ordering::Relaxed) & bit != 0 {
            return true;
        }
        let right = read_u32(&self.bytes, self.checks + 4 * block) == Some(crc32fast::hash(bytes));
        if right {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        right
    }
}

/// Known sections and the number of blocks of all.
fn read_table(
    table: &[u8],
    length: usize,
    checks: usize,
    known: &[Known],
) -> Result<(Vec<Section>, usize), ContainerError> {
    const BAD: ContainerError = ContainerError::Damaged("the section table is wrong");
    let mut sections = Vec::new();
    let mut blocks = 0usize;
    for entry in table.chunks_exact(ENTRY) {
        let (id, rest) = entry.split_first_chunk::<4>().ok_or(BAD)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(BAD)?;
        let (flags, _) = rest.split_first_chunk::<2>().ok_or(BAD)?;
        let offset = usize::try_from(read_u64(entry, 8).ok_or(BAD)?).map_err(|_| BAD)?;
        let size = usize::try_from(read_u64(entry, 16).ok_or(BAD)?).map_err(|_| BAD)?;
        let first_block = read_u32(entry, 24).ok_or(BAD)? as usize;
        let end = offset.checked_add(size).ok_or(BAD)?;
        if end > length || offset < checks || first_block != blocks {
            return Err(BAD);
        }
        blocks += size.div_ceil(BLOCK);
        let version = u16::from_le_bytes(*version);
        if known
            .iter()
            .any(|(known, newest)| known == id && version <= *newest)
        {
            sections.push(Section {
                id: *id,
                range: offset..end,
                first_block,
            });
        } else if u16::from_le_bytes(*flags) & 1 == 1 {
            return Err(ContainerError::UnknownSection(
                id.escape_ascii().to_string(),
            ));
        }
    }
    Ok((sections, blocks))
}

/// One section; what it hands out is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    container: &'a Container,
    section: &'a Section,
}

impl<'a> View<'a> {
    pub(crate) fn len(&self) -> usize {
        self.section.range.len()
    }

    /// `length` bytes from `offset` of the section, after their blocks were compared.
    pub(crate) fn get(&self, offset: usize, length: usize) -> Result<&'a [u8], Damage> {
        let short = || self.damage("an offset lies outside of it");
        let end = offset.checked_add(length).ok_or_else(short)?;
        let all = self
            .container
            .bytes
            .get(self.section.range.clone())
            .ok_or_else(short)?;
        let wanted = all.get(offset..end).ok_or_else(short)?;
        for block in offset / BLOCK..end.div_ceil(BLOCK) {
            let start = block * BLOCK;
            let bytes = all
                .get(start..all.len().min(start + BLOCK))
                .ok_or_else(short)?;
            if !self
                .container
                .check(self.section.first_block + block, bytes)
            {
                return Err(self.damage("the checksum of a block differs"));
            }
        }
        Ok(wanted)
    }

    pub(crate) fn all(&self) -> Result<&'a [u8], Damage> {
        self.get(0, self.len())
    }

    pub(crate) fn u32(&self, offset: usize) -> Result<u32, Damage> {
        let bytes = self.get(offset, 4)?;
        read_u32(bytes, 0).ok_or_else(|| self.damage("a number is cut"))
    }

    pub(crate) fn u64(&self, offset: usize) -> Result<u64, Damage> {
        let bytes = self.get(offset, 8)?;
        read_u64(bytes, 0).ok_or_else(|| self.damage("a number is cut"))
    }

    pub(crate) fn damage(&self, what: &'static str) -> Damage {
        Damage::new(self.section.id, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Id = *b"TEST";
    const A: Known = (*b"AAAA", 1);

    fn sample(version: u16, need: Need) -> Vec<u8> {
        let mut writer = Writer::new(KIND);
        writer.section(A, Need::Required, vec![7; 10_000]);
        writer.section((*b"NEW ", version), need, vec![1; 10]);
        writer.finish()
    }

    fn open(bytes: Vec<u8>) -> Result<Container, ContainerError> {
        Container::open(Bytes::Owned(bytes), KIND, &[A, (*b"NEW ", 1)])
    }

    #[test]
    fn unknown_sections() {
        assert!(
            open(sample(1, Need::Required))
                .unwrap()
                .view(*b"NEW ")
                .is_some()
        );
        assert!(
            open(sample(2, Need::Optional))
                .unwrap()
                .view(*b"NEW ")
                .is_none()
        );
        assert_eq!(
            open(sample(2, Need::Required)).unwrap_err(),
            ContainerError::UnknownSection("NEW ".into())
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let sound = sample(1, Need::Required);
        open(sound.clone()).unwrap().verify().unwrap();
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << (at % 8);
            let Ok(container) = open(bytes) else { continue };
            assert!(container.verify().is_err(), "byte {at}");
            let touched = [*b"AAAA", *b"NEW "]
                .iter()
                .map(|id| container.need(*id).unwrap().all().is_err())
                .filter(|damaged| *damaged)
                .count();
            assert_eq!(touched, 1, "byte {at}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let sound = sample(1, Need::Required);
        for length in 0..sound.len() {
            assert!(open(sound[..length].to_vec()).is_err(), "cut to {length}");
        }
        let mut longer = sound;
        longer.push(0);
        assert!(open(longer).is_err());
    }

    #[test]
    fn blocks_are_checked_one_by_one() {
        let mut bytes = sample(1, Need::Required);
        let body = bytes.len() - 10 - 10_000;
        bytes[body + 9000] ^= 1;
        let container = open(bytes).unwrap();
        let view = container.need(*b"AAAA").unwrap();
        assert_eq!(view.get(0, 8192).unwrap(), &[7; 8192][..]);
        assert!(view.get(8191, 2).is_err());
        assert!(view.get(usize::MAX, 2).is_err());
    }
}
