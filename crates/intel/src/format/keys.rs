//! A sorted set of 64-bit keys, delta-coded in blocks of 64, each found in one binary search and one
//! short scan. CVE ids are such keys: year and number.
//! Section: `count[4] (first_key[8] data_offset[4])... end[4] data`.

use super::Damage;
use super::container::View;
use super::wire::{Cursor, put_varint};
use model::keys::cve_order;

const PER_BLOCK: usize = 64;
const INDEX: usize = 4;
const ENTRY: usize = 12;
/// Numbers of CVE ids have seven digits today.
const NUMBER_BITS: u32 = 40;

/// The key of an id in canonical form (`CVE-YYYY-NNNN...`, no more leading zeros than four digits need).
pub(crate) fn cve_key(id: &str) -> Option<u64> {
    let (year, number) = cve_order(id)?;
    let digits = id.len() - "CVE-YYYY-".len();
    let padded = digits > 4 && id.as_bytes().get("CVE-YYYY-".len()) == Some(&b'0');
    (!padded && number >> NUMBER_BITS == 0).then_some(u64::from(year) << NUMBER_BITS | number)
}

/// The id of a key that [`cve_key`] made.
pub(crate) fn cve_id(key: u64) -> String {
    let number = key & ((1 << NUMBER_BITS) - 1);
    format!("CVE-{:04}-{number:04}", key >> NUMBER_BITS)
}

/// Writes keys that ascend strictly.
pub(crate) fn write(keys: &[u64]) -> Vec<u8> {
    let mut index = Vec::new();
    let mut rest = Vec::new();
    for block in keys.chunks(PER_BLOCK) {
        let mut previous = block.first().copied().unwrap_or_default();
        index.extend(previous.to_le_bytes());
        index.extend(offset(rest.len()).to_le_bytes());
        for key in block.iter().skip(1) {
            put_varint(&mut rest, key - previous);
            previous = *key;
        }
    }
    let mut out = offset(keys.len()).to_le_bytes().to_vec();
    out.extend(index);
    out.extend(offset(rest.len()).to_le_bytes());
    out.extend(rest);
    out
}

/// Sections stay far below 4 GiB; the reader refuses a table whose numbers do not agree.
pub(super) fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys<'a> {
    view: View<'a>,
    count: usize,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(view: View<'a>) -> Result<Self, Damage> {
        let count = view.u32(0)? as usize;
        let keys = Keys { view, count };
        if keys.start() > view.len() {
            return Err(view.damage("it has fewer keys than it says"));
        }
        Ok(keys)
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Position of `key` in the set.
    pub(crate) fn find(&self, key: u64) -> Result<Option<u32>, Damage> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            if self.view.u64(INDEX + ENTRY * middle)? <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let Some(block) = low.checked_sub(1) else {
            return Ok(None);
        };
        for (position, found) in self.block(block)?.enumerate() {
            if found >= key {
                let at = offset(block * PER_BLOCK + position);
                return Ok((found == key).then_some(at));
            }
        }
        Ok(None)
    }

    /// The key at `position`.
    pub(crate) fn get(&self, position: u32) -> Result<u64, Damage> {
        let position = position as usize;
        self.block(position / PER_BLOCK)?
            .nth(position % PER_BLOCK)
            .ok_or_else(|| self.view.damage("a key number lies outside of it"))
    }

    fn blocks(&self) -> usize {
        self.count.div_ceil(PER_BLOCK)
    }

    fn start(&self) -> usize {
        INDEX + ENTRY * self.blocks() + 4
    }

    fn block(&self, block: usize) -> Result<impl Iterator<Item = u64> + use<'a>, Damage> {
        if block >= self.blocks() {
            return Err(self.view.damage("a key number lies outside of it"));
        }
        let entry = INDEX + ENTRY * block;
        let first = self.view.u64(entry)?;
        let from = self.view.u32(entry + 8)? as usize;
        let next = if block + 1 == self.blocks() { 0 } else { 8 };
        let to = self.view.u32(entry + ENTRY + next)? as usize;
        let length = to
            .checked_sub(from)
            .ok_or_else(|| self.view.damage("its index does not ascend"))?;
        let from = self
            .start()
            .checked_add(from)
            .ok_or_else(|| self.view.damage("an offset lies outside of it"))?;
        let mut cursor = Cursor(self.view.get(from, length)?);
        let mut key = first;
        Ok(std::iter::once(first).chain(std::iter::from_fn(move || {
            key = key.checked_add(cursor.varint()?)?;
            Some(key)
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cve_ids_round_trip() {
        for id in ["CVE-1999-0001", "CVE-2024-21626", "CVE-2017-1002101"] {
            assert_eq!(cve_key(id).map(cve_id).as_deref(), Some(id));
        }
        for other in [
            "CVE-2024-00001",
            "CVE-2024-1",
            "GHSA-x",
            "CVE-2024-99999999999999",
        ] {
            assert_eq!(cve_key(other), None, "{other}");
        }
    }
}
