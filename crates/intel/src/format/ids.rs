//! A sorted set of short texts (ids, CVSS vectors, package names, versions), front-coded in blocks of 16.
//! Section: `count[4] data_offset[4]... end[4] data`; an entry is `shared length suffix` as varints and bytes.

use super::Damage;
use super::container::View;
use super::keys::offset;
use super::wire::{Cursor, put_bytes, put_varint};

const PER_BLOCK: usize = 16;
/// Longest text a reader rebuilds; the writer is given shorter ones.
pub(crate) const MAX_LENGTH: usize = 4096;

/// Writes texts that ascend strictly by bytes.
pub(crate) fn write<'t>(texts: impl ExactSizeIterator<Item = &'t str>) -> Vec<u8> {
    let mut out = offset(texts.len()).to_le_bytes().to_vec();
    let mut rest = Vec::new();
    let mut previous = "";
    for (position, text) in texts.enumerate() {
        if position % PER_BLOCK == 0 {
            out.extend(offset(rest.len()).to_le_bytes());
            previous = "";
        }
        let shared = previous
            .bytes()
            .zip(text.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        put_varint(&mut rest, shared as u64);
        put_bytes(&mut rest, text.as_bytes().get(shared..).unwrap_or(&[]));
        previous = text;
    }
    out.extend(offset(rest.len()).to_le_bytes());
    out.extend(rest);
    out
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<'a> {
    view: View<'a>,
    count: usize,
}

impl<'a> Ids<'a> {
    pub(crate) fn new(view: View<'a>) -> Result<Self, Damage> {
        let count = view.u32(0)? as usize;
        let ids = Ids { view, count };
        if ids.start() > view.len() {
            return Err(view.damage("it has fewer texts than it says"));
        }
        Ok(ids)
    }

    /// Position of `text` in the set.
    pub(crate) fn find(&self, text: &str) -> Result<Option<u32>, Damage> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            let mut entries = self.block(middle)?;
            if entries.next()? <= Some(text.as_bytes()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(block) = low.checked_sub(1) else {
            return Ok(None);
        };
        let mut entries = self.block(block)?;
        let mut position = block * PER_BLOCK;
        while let Some(found) = entries.next()? {
            if found >= text.as_bytes() {
                return Ok((found == text.as_bytes()).then_some(offset(position)));
            }
            position += 1;
        }
        Ok(None)
    }

    /// Whether a text begins with `prefix`.
    pub(crate) fn any(&self, prefix: &str) -> Result<bool, Damage> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            let mut entries = self.block(middle)?;
            if entries.next()? <= Some(prefix.as_bytes()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        // It stands in the block before, or is the first of the next.
        for block in low.saturating_sub(1)..self.blocks().min(low + 1) {
            let mut entries = self.block(block)?;
            while let Some(found) = entries.next()? {
                if found >= prefix.as_bytes() {
                    return Ok(found.starts_with(prefix.as_bytes()));
                }
            }
        }
        Ok(false)
    }

    /// Every text that begins with `prefix`, in order.
    pub(crate) fn each(&self, prefix: &str, mut take: impl FnMut(&str)) -> Result<(), Damage> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            let mut entries = self.block(middle)?;
            if entries.next()? <= Some(prefix.as_bytes()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for block in low.saturating_sub(1)..self.blocks() {
            let mut entries = self.block(block)?;
            while let Some(found) = entries.next()? {
                if found.starts_with(prefix.as_bytes()) {
                    let text = std::str::from_utf8(found);
                    take(text.map_err(|_| self.view.damage("a text is not UTF-8"))?);
                } else if found > prefix.as_bytes() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The text at `position`.
    pub(crate) fn get(&self, position: u32) -> Result<String, Damage> {
        let outside = || self.view.damage("a text number lies outside of it");
        let position = position as usize;
        let mut entries = self.block(position / PER_BLOCK)?;
        for _ in 0..position % PER_BLOCK {
            entries.next()?.ok_or_else(outside)?;
        }
        entries.next()?.ok_or_else(outside)?;
        String::from_utf8(entries.text).map_err(|_| self.view.damage("a text is not UTF-8"))
    }

    fn blocks(&self) -> usize {
        self.count.div_ceil(PER_BLOCK)
    }

    fn start(&self) -> usize {
        4 + 4 * self.blocks() + 4
    }

    fn block(&self, block: usize) -> Result<Entries<'a>, Damage> {
        if block >= self.blocks() {
            return Err(self.view.damage("a text number lies outside of it"));
        }
        let from = self.view.u32(4 + 4 * block)? as usize;
        let to = self.view.u32(8 + 4 * block)? as usize;
        let length = to
            .checked_sub(from)
            .ok_or_else(|| self.view.damage("its index does not ascend"))?;
        let from = self
            .start()
            .checked_add(from)
            .ok_or_else(|| self.view.damage("an offset lies outside of it"))?;
        Ok(Entries {
            view: self.view,
            cursor: Cursor(self.view.get(from, length)?),
            text: Vec::with_capacity(64),
        })
    }
}

struct Entries<'a> {
    view: View<'a>,
    cursor: Cursor<'a>,
    text: Vec<u8>,
}

impl Entries<'_> {
    fn next(&mut self) -> Result<Option<&[u8]>, Damage> {
        if self.cursor.0.is_empty() {
            return Ok(None);
        }
        self.read()
            .ok_or_else(|| self.view.damage("a text is cut"))?;
        Ok(Some(&self.text))
    }

    fn read(&mut self) -> Option<()> {
        let shared = usize::try_from(self.cursor.varint()?).ok()?;
        let suffix = self.cursor.bytes()?;
        if shared > self.text.len() || shared + suffix.len() > MAX_LENGTH {
            return None;
        }
        self.text.truncate(shared);
        self.text.extend_from_slice(suffix);
        Some(())
    }
}
