//! Texts that are touched only when reported: rows in zstd blocks of about 32 KiB, each unpacked once.
//! Section: `blocks[4] (first_row[4] data_offset[4])... end_row[4] end[4] data`.

use super::Damage;
use super::container::View;
use super::keys::offset;
use super::wire::{Cursor, put_bytes};
use std::io;
use std::sync::OnceLock;

const BLOCK: usize = 32 * 1024;
/// Longest text; longer ones are cut by whoever writes.
pub(crate) const MAX_TEXT: usize = 16 * 1024;
const MAX_BLOCK: usize = BLOCK + 2 * MAX_TEXT;

/// Collects texts in order.
pub(crate) struct Writer {
    level: i32,
    rows: usize,
    blocks: usize,
    index: Vec<u8>,
    rest: Vec<u8>,
    open: Vec<u8>,
}

impl Writer {
    /// `level` is that of zstd, 1 to 22.
    pub(crate) fn new(level: i32) -> Self {
        Writer {
            level,
            rows: 0,
            blocks: 0,
            index: Vec::new(),
            rest: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Adds a text and returns its number.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<u32> {
        let text = text
            .get(..text.floor_char_boundary(MAX_TEXT))
            .unwrap_or(text);
        if self.open.is_empty() {
            self.index.extend(offset(self.rows).to_le_bytes());
            self.index.extend(offset(self.rest.len()).to_le_bytes());
            self.blocks += 1;
        }
        put_bytes(&mut self.open, text.as_bytes());
        let number = offset(self.rows);
        self.rows += 1;
        if self.open.len() >= BLOCK {
            self.close()?;
        }
        Ok(number)
    }

    pub(crate) fn finish(mut self) -> io::Result<Vec<u8>> {
        self.close()?;
        let mut out = offset(self.blocks).to_le_bytes().to_vec();
        out.extend(self.index);
        out.extend(offset(self.rows).to_le_bytes());
        out.extend(offset(self.rest.len()).to_le_bytes());
        out.extend(self.rest);
        Ok(out)
    }

    fn close(&mut self) -> io::Result<()> {
        if !self.open.is_empty() {
            self.rest
                .extend(zstd::bulk::compress(&self.open, self.level)?);
            self.open.clear();
        }
        Ok(())
    }
}

/// What was unpacked so far; never more than the texts of the file.
pub(crate) type Cache = Vec<OnceLock<Option<Box<[u8]>>>>;

/// An empty cache of the right size for `view`.
pub(crate) fn cache(view: View<'_>) -> Result<Cache, Damage> {
    let blocks = Texts { view }.blocks()?;
    Ok((0..blocks).map(|_| OnceLock::new()).collect())
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'a> {
    pub view: View<'a>,
}

impl Texts<'_> {
    pub(crate) fn get(&self, number: u32, cache: &Cache) -> Result<String, Damage> {
        let outside = || self.view.damage("a text number lies outside of it");
        let (mut low, mut high) = (0, self.blocks()?);
        while low < high {
            let middle = low.midpoint(high);
            if self.view.u32(4 + 8 * middle)? <= number {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let block = low.checked_sub(1).ok_or_else(outside)?;
        let first = self.view.u32(4 + 8 * block)?;
        let raw = cache
            .get(block)
            .ok_or_else(outside)?
            .get_or_init(|| self.unpack(block).ok())
            .as_deref()
            .ok_or_else(|| self.view.damage("a block does not unpack"))?;
        let mut cursor = Cursor(raw);
        for _ in first..number {
            cursor.bytes().ok_or_else(outside)?;
        }
        let text = cursor.bytes().ok_or_else(outside)?;
        std::str::from_utf8(text)
            .map(str::to_owned)
            .map_err(|_| self.view.damage("a text is not UTF-8"))
    }

    fn blocks(&self) -> Result<usize, Damage> {
        let blocks = self.view.u32(0)? as usize;
        if 12 + 8 * blocks > self.view.len() {
            return Err(self.view.damage("it has fewer blocks than it says"));
        }
        Ok(blocks)
    }

    fn unpack(&self, block: usize) -> Result<Box<[u8]>, Damage> {
        let bad = || self.view.damage("a block does not unpack");
        let from = self.view.u32(8 + 8 * block)? as usize;
        let to = self.view.u32(16 + 8 * block)? as usize;
        let start = 12 + 8 * self.blocks()?;
        let packed = self.view.get(
            start.checked_add(from).ok_or_else(bad)?,
            to.checked_sub(from).ok_or_else(bad)?,
        )?;
        let raw = zstd::bulk::decompress(packed, MAX_BLOCK).map_err(|_| bad())?;
        Ok(raw.into_boxed_slice())
    }
}
