//! Numbers of one width in bits, by position. Section: `count[4] bits[4] data 0[8]`.

use super::Damage;
use super::container::View;
use super::keys::offset;
use super::wire::read_u64;

const HEADER: usize = 8;
/// With any bit offset inside a byte, a number still lies in one 64-bit read.
const MAX_BITS: usize = 57;

/// Writes `values` in the fewest bits that hold the largest.
pub(crate) fn write(values: &[u64]) -> Vec<u8> {
    let largest = values.iter().copied().max().unwrap_or(0);
    let bits = (u64::BITS - largest.leading_zeros()).max(1);
    debug_assert!(bits as usize <= MAX_BITS);
    let mut out = offset(values.len()).to_le_bytes().to_vec();
    out.extend(bits.to_le_bytes());
    let mut pending = 0u64;
    let mut held = 0u32;
    for value in values {
        // At most 7 bits are held, so 57 more fit.
        pending |= *value << held;
        held += bits;
        while held >= 8 {
            let [low, ..] = pending.to_le_bytes();
            out.push(low);
            pending >>= 8;
            held -= 8;
        }
    }
    let [low, ..] = pending.to_le_bytes();
    out.push(low);
    // The reader takes eight bytes at a time.
    out.extend([0; 8]);
    out
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a> {
    view: View<'a>,
    count: usize,
    bits: usize,
}

impl<'a> Packed<'a> {
    pub(crate) fn new(view: View<'a>) -> Result<Self, Damage> {
        let count = view.u32(0)? as usize;
        let bits = view.u32(4)? as usize;
        if !(1..=MAX_BITS).contains(&bits) || HEADER + (count * bits).div_ceil(8) > view.len() {
            return Err(view.damage("it has fewer numbers than it says"));
        }
        Ok(Packed { view, count, bits })
    }

    pub(crate) fn get(&self, position: u32) -> Result<u64, Damage> {
        let position = position as usize;
        if position >= self.count {
            return Err(self.view.damage("a position lies outside of it"));
        }
        let bit = position * self.bits;
        let bytes = self.view.get(HEADER + bit / 8, 8)?;
        let word = read_u64(bytes, 0).ok_or_else(|| self.view.damage("a number is cut"))?;
        Ok(word >> (bit % 8) & ((1 << self.bits) - 1))
    }
}
