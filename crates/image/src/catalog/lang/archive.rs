//! Zip archives in memory. Comes in: the bytes of one file. Goes out: its central directory as it is walked, and the
//! content of single members, within caps. Never: reads a byte twice for two members, believes a size, follows a name.
//! Sources: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4; which directory counts: OpenJDK, `ZipFile.Source.initCEN`.

use flate2::bufread::DeflateDecoder;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum ZipError {
    #[error("it is no zip archive: it has no central directory")]
    NoDirectory,
    #[error("its central directory is damaged")]
    Directory,
    #[error("{name} lies outside the archive")]
    Outside { name: String },
    #[error("{name} shares bytes with another member")]
    Overlap { name: String },
    #[error("{name} is encrypted")]
    Encrypted { name: String },
    #[error("{name} is compressed with method {method}, which is not read")]
    Method { name: String, method: u16 },
    #[error("{name} has more than {limit} bytes, the most that is read of it")]
    TooLarge { name: String, limit: u64 },
    #[error("{name} cannot be decompressed")]
    Inflate {
        name: String,
        source: std::io::Error,
    },
}

pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    directory: &'a [u8],
    /// Bytes before the archive, as of a start script; offsets do not count them.
    before: u64,
    /// Ranges of the members that were read: start, end.
    read: BTreeMap<u64, u64>,
}

/// One row of the central directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: &'a [u8],
    flags: u16,
    method: u16,
    packed: u64,
    /// Of the local header.
    offset: u64,
}

impl Member<'_> {
    pub(super) fn shown(&self) -> String {
        let end = self.name.len().min(200);
        String::from_utf8_lossy(self.name.get(..end).unwrap_or_default())
            .chars()
            .map(|c| if c.is_control() { '?' } else { c })
            .collect()
    }
}

const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR: u32 = 0x0706_4b50;
const ROW: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const END_BYTES: usize = 22;

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ZipError> {
        let at = end(bytes).ok_or(ZipError::NoDirectory)?;
        let (mut size, mut offset) = (
            u64::from(u32_at(bytes, at + 12).ok_or(ZipError::NoDirectory)?),
            u64::from(u32_at(bytes, at + 16).ok_or(ZipError::NoDirectory)?),
        );
        let mut end = at;
        if let Some(large) = zip64(bytes, at) {
            end = large;
            size = u64_at(bytes, large + 40).ok_or(ZipError::Directory)?;
            offset = u64_at(bytes, large + 48).ok_or(ZipError::Directory)?;
        }
        let start = (end as u64).checked_sub(size).ok_or(ZipError::Directory)?;
        let before = start.checked_sub(offset).ok_or(ZipError::Directory)?;
        let directory = usize::try_from(start)
            .ok()
            .and_then(|start| bytes.get(start..end))
            .ok_or(ZipError::Directory)?;
        Ok(Archive {
            bytes,
            directory,
            before,
            read: BTreeMap::new(),
        })
    }

    /// In the order of the directory; a damaged row is the last.
    pub(super) fn members(&self) -> impl Iterator<Item = Result<Member<'a>, ZipError>> + use<'a> {
        let mut rest = self.directory;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let row = row(rest);
            rest = row.as_ref().map_or(&[], |(_, rest)| *rest);
            Some(row.map(|(member, _)| member).ok_or(ZipError::Directory))
        })
    }

    pub(super) fn find(&self, name: &str) -> Result<Option<Member<'a>>, ZipError> {
        for member in self.members() {
            let member = member?;
            if member.name == name.as_bytes() {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// At most `limit` bytes; more is an error.
    pub(super) fn content(
        &mut self,
        member: &Member<'a>,
        limit: u64,
    ) -> Result<Cow<'a, [u8]>, ZipError> {
        let content = self.beginning(member, limit.saturating_add(1))?;
        if content.len() as u64 > limit {
            return Err(ZipError::TooLarge {
                name: member.shown(),
                limit,
            });
        }
        Ok(content)
    }

    /// The first `limit` bytes. What is stored is borrowed and costs nothing.
    pub(super) fn beginning(
        &mut self,
        member: &Member<'a>,
        limit: u64,
    ) -> Result<Cow<'a, [u8]>, ZipError> {
        let packed = self.packed(member)?;
        match member.method {
            0 => {
                let end = usize::try_from(limit)
                    .unwrap_or(usize::MAX)
                    .min(packed.len());
                Ok(packed.get(..end).unwrap_or(packed).into())
            }
            8 => {
                let mut content = Vec::new();
                DeflateDecoder::new(packed)
                    .take(limit)
                    .read_to_end(&mut content)
                    .map_err(|source| ZipError::Inflate {
                        name: member.shown(),
                        source,
                    })?;
                Ok(content.into())
            }
            method => Err(ZipError::Method {
                name: member.shown(),
                method,
            }),
        }
    }

    fn packed(&mut self, member: &Member<'a>) -> Result<&'a [u8], ZipError> {
        if member.flags & 1 != 0 {
            return Err(ZipError::Encrypted {
                name: member.shown(),
            });
        }
        let outside = || ZipError::Outside {
            name: member.shown(),
        };
        let start = member.offset.checked_add(self.before).ok_or_else(outside)?;
        let at = usize::try_from(start).map_err(|_| outside())?;
        if u32_at(self.bytes, at) != Some(LOCAL) {
            return Err(outside());
        }
        let name = u16_at(self.bytes, at + 26).ok_or_else(outside)?;
        let extra = u16_at(self.bytes, at + 28).ok_or_else(outside)?;
        let from = at + 30 + usize::from(name) + usize::from(extra);
        let until = usize::try_from(member.packed)
            .ok()
            .and_then(|packed| from.checked_add(packed))
            .ok_or_else(outside)?;
        let packed = self.bytes.get(from..until).ok_or_else(outside)?;
        // Bombs of one kernel of data under many names (D. Fifield, "A better zip bomb").
        let until = until as u64;
        let shares =
            |(other_start, other_end): (&u64, &u64)| *other_start < until && start < *other_end;
        if self.read.range(..until).next_back().is_some_and(shares) {
            return Err(ZipError::Overlap {
                name: member.shown(),
            });
        }
        self.read.insert(start, until);
        Ok(packed)
    }
}

/// The last record whose comment ends where the file does; else the last that could be one.
fn end(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let mut found = None;
    for at in (first..=last).rev() {
        if u32_at(bytes, at) != Some(END) {
            continue;
        }
        let comment = usize::from(u16_at(bytes, at + 20)?);
        if at + END_BYTES + comment == bytes.len() {
            return Some(at);
        }
        found = found.or(Some(at));
    }
    found
}

/// Where the larger end record stands, if there is one.
fn zip64(bytes: &[u8], end: usize) -> Option<usize> {
    let locator = end.checked_sub(20)?;
    if u32_at(bytes, locator)? != LOCATOR {
        return None;
    }
    let named = usize::try_from(u64_at(bytes, locator + 8)?).ok()?;
    // With bytes before the archive it stands later than it says, and right before its locator.
    [Some(named), locator.checked_sub(56)]
        .into_iter()
        .flatten()
        .find(|at| *at < locator && u32_at(bytes, *at) == Some(END64))
}

fn row(bytes: &[u8]) -> Option<(Member<'_>, &[u8])> {
    if u32_at(bytes, 0)? != ROW {
        return None;
    }
    let name = usize::from(u16_at(bytes, 28)?);
    let extra = usize::from(u16_at(bytes, 30)?);
    let comment = usize::from(u16_at(bytes, 32)?);
    let mut member = Member {
        name: bytes.get(46..46 + name)?,
        flags: u16_at(bytes, 8)?,
        method: u16_at(bytes, 10)?,
        packed: u32_at(bytes, 20)?.into(),
        offset: u32_at(bytes, 42)?.into(),
    };
    let size = u32_at(bytes, 24)?;
    larger(&mut member, size, bytes.get(46 + name..46 + name + extra)?);
    let rest = bytes.get(46 + name + extra + comment..)?;
    Some((member, rest))
}

/// The zip64 field holds, in this order, those of size, packed size and offset that did not fit.
fn larger(member: &mut Member<'_>, size: u32, mut extra: &[u8]) {
    while let (Some(id), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let Some(field) = extra.get(4..4 + usize::from(length)) else {
            return;
        };
        if id == 1 {
            let mut at = if size == u32::MAX { 8 } else { 0 };
            for value in [&mut member.packed, &mut member.offset] {
                if *value == u64::from(u32::MAX)
                    && let Some(large) = u64_at(field, at)
                {
                    *value = large;
                    at += 8;
                }
            }
            return;
        }
        extra = extra.get(4 + usize::from(length)..).unwrap_or_default();
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(field.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(field.try_into().ok()?))
}
