//! Rows of any length, found by number: every 16th has its offset in an index.
//! Section: `count[4] data_offset[4]... end[4] data`; a row is its length as varint and its bytes.

use super::Damage;
use super::container::View;
use super::keys::offset;
use super::wire::{Cursor, put_bytes};

const PER_BLOCK: usize = 16;

/// Collects rows in order.
#[derive(Default)]
pub(crate) struct Writer {
    count: usize,
    index: Vec<u8>,
    rest: Vec<u8>,
}

impl Writer {
    pub(crate) fn row(&mut self, bytes: &[u8]) {
        if self.count.is_multiple_of(PER_BLOCK) {
            self.index.extend(offset(self.rest.len()).to_le_bytes());
        }
        self.count += 1;
        put_bytes(&mut self.rest, bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = offset(self.count).to_le_bytes().to_vec();
        out.extend(self.index);
        out.extend(offset(self.rest.len()).to_le_bytes());
        out.extend(self.rest);
        out
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    view: View<'a>,
    count: usize,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(view: View<'a>) -> Result<Self, Damage> {
        let count = view.u32(0)? as usize;
        if 8 + 4 * count.div_ceil(PER_BLOCK) > view.len() {
            return Err(view.damage("it has fewer rows than it says"));
        }
        Ok(Rows { view, count })
    }

    pub(crate) fn get(&self, row: u32) -> Result<Cursor<'a>, Damage> {
        let row = row as usize;
        if row >= self.count {
            return Err(self.view.damage("a row number lies outside of it"));
        }
        let block = row / PER_BLOCK;
        let from = self.view.u32(4 + 4 * block)? as usize;
        let to = self.view.u32(8 + 4 * block)? as usize;
        let length = to
            .checked_sub(from)
            .ok_or_else(|| self.view.damage("its index does not ascend"))?;
        let from = (8 + 4 * self.count.div_ceil(PER_BLOCK))
            .checked_add(from)
            .ok_or_else(|| self.view.damage("an offset lies outside of it"))?;
        let mut cursor = Cursor(self.view.get(from, length)?);
        let cut = || self.view.damage("a row is cut");
        for _ in 0..row % PER_BLOCK {
            cursor.bytes().ok_or_else(cut)?;
        }
        cursor.bytes().map(Cursor).ok_or_else(cut)
    }

    pub(crate) fn damage(&self, what: &'static str) -> Damage {
        self.view.damage(what)
    }
}
